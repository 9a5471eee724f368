// SPDX-License-Identifier: MIT
// RUN: %cc -g0 -S -emit-llvm %s -o - | FileCheck %s
// Code that has nothing to do with guests is left as it is.
struct point {
	int x, y;
};

// CHECK-NOT: @{{.*}}llview
struct point f(struct point p)
{
	struct point q = p;

	q.x += sizeof(p) + __builtin_offsetof(struct point, y);
	return q;
}

// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// A cast between two members leaves no instruction behind, but isn't a path.
#include "types.h"

// CHECK-DAG: c"struct task:tasks\00"
// CHECK-DAG: c"struct part:b\00"
// CHECK-NOT: tasks.b
int f(struct task __guest *t)
{
	return ((struct part __guest *)&t->tasks)->b;
}

// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Members of a pinned object are plain loads at relocated offsets; an absent one is caught.
#include "types.h"

// CHECK-LABEL: @pid(
// CHECK: load i64, ptr {{.*}} !invariant.load
// CHECK: %[[SLOT:.*]] = load i64, ptr {{.*}} !invariant.load
// CHECK: icmp slt i64 %[[SLOT]], 0
// CHECK: call {{.*}}@llview_pinned_absent(i64
// CHECK: load atomic i32
// CHECK-NOT: llview_miss
// CHECK: ret
int pid(struct task __pinned *t)
{
	return t->pid;
}

// CHECK-LABEL: @bits(
// CHECK-NOT: llview_miss
// CHECK: shl i64
// CHECK: ret
int bits(struct task __pinned *t)
{
	return t->sign + t->parts[1].b;
}

// CHECK-LABEL: @pin(
// CHECK: call {{.*}}@__llview_pin(i64
int pin(struct task __guest *t)
{
	struct task __pinned *p = guest_pin(t);

	return p->pid + p->parent->pid;
}

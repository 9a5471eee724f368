// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// A read is one call of the look-up, of the member's size, at a slot's distance from the base.
#include "types.h"

// CHECK-DAG: c"struct task:pid\00"
// CHECK-DAG: c"struct task:wide\00"
// CHECK-DAG: c"struct task:alive\00"

// CHECK-LABEL: @pid(
// CHECK: %[[STATE:.*]] = {{.*}}call {{.*}}@llvm.threadlocal.address.p0(ptr {{.*}}@llview_state)
// CHECK: load i64, ptr %[[STATE]]{{.*}} !invariant.load
// CHECK: %[[SLOT:.*]] = load i64, ptr {{.*}} !invariant.load
// CHECK: getelementptr i8, ptr addrspace(1) %{{.*}}, i64 %[[SLOT]]
// CHECK-NOT: addrspace(1){{.*}} load
// CHECK: load atomic i32, ptr %{{.*}} monotonic, align 4{{.*}}!nosanitize
int pid(struct task __guest *t)
{
	return t->pid;
}

// CHECK-LABEL: @wide(
// CHECK: load atomic i64
long wide(struct task __guest *t)
{
	return t->wide;
}

// What isn't 0 is true, whatever byte the guest put there.
// CHECK-LABEL: @alive(
// CHECK: load atomic i8
// CHECK: icmp ne i{{.*}}, 0
bool alive(struct task __guest *t)
{
	return t->alive;
}

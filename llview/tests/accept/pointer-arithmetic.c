// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
#include "types.h"

// CHECK: c"struct task\00"
// CHECK-NOT: i64 128
// CHECK-LABEL: @next(
// CHECK-NOT: inbounds
// CHECK: getelementptr i8, ptr addrspace(1) %{{.*}}, i64
struct task __guest *next(struct task __guest *t)
{
	return t + 1;
}

// CHECK-LABEL: @back(
// CHECK: mul i64
struct task __guest *back(struct task __guest *t, int n)
{
	return t - n;
}

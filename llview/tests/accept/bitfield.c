// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Two slots: which eight bytes (3), and how to shift (4); sizes are widths, signed ones marked.
#include "types.h"

// CHECK: @__llview_desc = {{.*}}i32 196611 }, {{.*}}i32 196612 }, {{.*}}i32 328195 }, {{.*}}i32 328196 }, {{.*}}i32 2621443 }, {{.*}}i32 2621444 }]
// CHECK-DAG: c"struct task:flag\00"
// CHECK-DAG: c"struct task:sign\00"
// CHECK-DAG: c"struct task:forty\00"

// CHECK-LABEL: @flag(
// CHECK: load atomic i64
// CHECK: shl i64
// CHECK: lshr i64
// CHECK: and i{{32|64}} %{{.*}}, 7
unsigned int flag(struct task __guest *t)
{
	return t->flag;
}

// CHECK-LABEL: @sign(
// CHECK: load atomic i64
// CHECK: ashr
int sign(struct task __guest *t)
{
	return t->sign;
}

// CHECK-LABEL: @forty(
// CHECK: and i64 %{{.*}}, 1099511627775
unsigned long long forty(struct task __guest *t)
{
	return t->forty;
}

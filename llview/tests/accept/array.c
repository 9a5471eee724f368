// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Strides of records are the guest's, those of scalars ours; constant and variable indexes alike.
#include "types.h"

// CHECK-DAG: c"struct task:parts\00"
// CHECK-DAG: c"struct task:grid\00"
// CHECK-DAG: c"struct part\00"
// CHECK-DAG: c"struct part:b\00"
// CHECK-LABEL: @variable(
// CHECK: mul i64
int variable(struct task __guest *t, int i)
{
	return t->parts[i].b;
}

// CHECK-LABEL: @constant(
// CHECK: shl {{.*}}i64 %{{.*}}, 1
int constant(struct task __guest *t)
{
	return t->parts[2].b;
}

// CHECK-LABEL: @nested(
// CHECK: mul {{.*}}i64 %{{.*}}, 3
int nested(struct task __guest *t, int i)
{
	return t->grid[i][1].b;
}

// CHECK-LABEL: @scalar(
// CHECK: getelementptr i8, ptr addrspace(1) %{{.*}}, i64 5
char scalar(struct task __guest *t)
{
	return t->comm[5];
}

// SPDX-License-Identifier: MIT
// RUN: %emit -O3 %s | FileCheck %s
// A value in a variable is never read again: what was checked is what is used.
#include "types.h"

// CHECK-LABEL: @f(
// CHECK-COUNT-1: load atomic i32
// CHECK-NOT: load atomic
// CHECK: ret
int f(struct task __guest *t, const int *table)
{
	int n = t->pid;

	return n >= 0 && n < 10 ? table[n] + n : -1;
}

// And two reads are two reads.
// CHECK-LABEL: @g(
// CHECK-COUNT-2: load atomic i32
int g(struct task __guest *t)
{
	return t->pid + t->pid;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

long f(struct task __guest *a, struct task __guest *b)
{
// CHECK: difference.c:[[@LINE+1]]:11: error: difference of pointers to guest record 'struct task' would count in sizes of our declaration: subtract guest_addr()s
	return a - b;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

unsigned long f(void)
{
// CHECK: sizeof-record.c:[[@LINE+1]]:9: error: size or alignment of guest record 'struct task' would be that of our declaration: use guest_sizeof()
	return sizeof(struct task);
}

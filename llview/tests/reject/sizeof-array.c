// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

unsigned long f(struct task __guest *t)
{
// CHECK: sizeof-array.c:[[@LINE+1]]:9: error: size or alignment of guest record 'struct part' would be that of our declaration: use guest_sizeof()
	return sizeof(t->parts);
}

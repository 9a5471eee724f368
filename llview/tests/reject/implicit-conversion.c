// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int *f(struct task __guest *t)
{
// CHECK: implicit-conversion.c:[[@LINE+1]]:9: error: returning '__attribute__((address_space(1))) int *' from a function with result type 'int *' changes address space of pointer
	return &t->pid;
}

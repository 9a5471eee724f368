// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct task __guest *t)
{
// CHECK: cast-through-integer.c:[[@LINE+1]]:10: error: a guest pointer can't be cast to a host pointer
	return *(int *)(uintptr_t)&t->pid;
}

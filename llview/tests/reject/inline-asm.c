// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void f(struct task __guest *t)
{
// CHECK: inline-asm.c:[[@LINE+1]]:2: error: a guest pointer can't be an operand of inline assembly
	asm volatile("nop" : : "r"(t));
}

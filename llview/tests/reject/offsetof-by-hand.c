// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

unsigned long f(void)
{
// CHECK: offsetof-by-hand.c:[[@LINE+1]]:25: error: a member of no object: use guest_offsetof()
	return (unsigned long)&((struct task __guest *)0)->pid;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

unsigned long f(void)
{
// CHECK: bitfield-offsetof.c:[[@LINE+1]]:9: error: address of bit-field requested
	return guest_offsetof(struct task, flag);
}

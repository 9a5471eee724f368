// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

bool f(void)
{
// CHECK: unknown-member.c:[[@LINE+1]]:32: error: no member named 'not_declared' in 'struct task'
	return guest_has(struct task, not_declared);
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct task __guest *t)
{
// CHECK: enumerator.c:[[@LINE+1]]:19: error: 'STATE_ON' is an enumerator of the guest's, whose value is its own: use guest_enum()
	return t->pid == STATE_ON;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

bool f(void)
{
// CHECK: has-through-pointer.c:[[@LINE+1]]:9: error: this needs a member, reached by way of named records only
	return guest_has(struct task, parent->pid);
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

bool f(void)
{
// CHECK: has-array-element.c:[[@LINE+1]]:9: error: this needs a member, reached without array elements or pointers
	return guest_has(struct task, counts[1]);
}

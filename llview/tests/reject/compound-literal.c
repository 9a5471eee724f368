// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

bool f(void)
{
// CHECK: compound-literal.c:[[@LINE+1]]:22: error: guest record 'struct part' can't be an object of ours, whose layout would be that of our declaration: use __guest or __pinned pointers
	return guest_addr((&(struct part){1, 2})) != 0;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(void)
{
// CHECK: host-object-array.c:[[@LINE+1]]:14: error: guest record 'struct part' can't be an object of ours, whose layout would be that of our declaration: use __guest or __pinned pointers
	struct part parts[4];

	return guest_addr(parts) != 0;
}

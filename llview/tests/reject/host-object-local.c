// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct task __guest *t)
{
// CHECK: host-object-local.c:[[@LINE+1]]:14: error: guest record 'struct task' can't be an object of ours, whose layout would be that of our declaration: use __guest or __pinned pointers
	struct task copy;

	return guest_read(&copy, t, 8);
}

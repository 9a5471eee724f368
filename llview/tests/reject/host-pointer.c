// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct part *p)
{
// CHECK: host-pointer.c:[[@LINE+1]]:12: error: guest record 'struct part' read through a host pointer: declare the pointer __guest or __pinned
	return p->a;
}

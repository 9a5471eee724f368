// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void g(void *p);
void f(struct task __guest *t)
{
// CHECK: copy-by-value.c:[[@LINE+1]]:14: error: guest record 'struct part' can't be an object of ours, whose layout would be that of our declaration: use __guest or __pinned pointers
	__auto_type part = t->part;

	g(&part);
}

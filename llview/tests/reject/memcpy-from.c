// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void f(char *to, struct task __guest *t)
{
// CHECK: memcpy-from.c:[[@LINE+1]]:19: error: a guest object can't be copied as a whole (assignment, argument, memcpy): its layout isn't ours; use guest_read() or guest_copy()
	__builtin_memcpy(to, t->comm, 16);
}

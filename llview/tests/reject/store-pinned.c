// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void f(struct task __pinned *t)
{
// CHECK: store-pinned.c:[[@LINE+1]]:9: error: the guest's memory can't be written to
	t->pid = 1;
}

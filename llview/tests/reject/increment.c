// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void f(struct task __guest *t)
{
// CHECK: increment.c:[[@LINE+1]]:8: error: the guest's memory can't be written to
	t->pid++;
}

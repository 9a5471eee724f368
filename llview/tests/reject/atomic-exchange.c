// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct task __guest *t)
{
// CHECK: atomic-exchange.c:[[@LINE+1]]:9: error: the guest's memory can't be written to
	return __sync_val_compare_and_swap(&t->pid, 0, 1);
}

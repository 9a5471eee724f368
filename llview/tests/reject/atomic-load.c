// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct task __guest *t)
{
// CHECK: atomic-load.c:[[@LINE+1]]:9: error: atomic builtins don't work on the guest, and needn't: a plain read is a single fetch
	return __atomic_load_n(&t->pid, __ATOMIC_RELAXED);
}

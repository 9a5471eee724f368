// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

static struct task __guest *const roots[] = { &init_task };

struct task __guest *f(int i)
{
	return roots[i];
}
// CHECK: error: {{.*}}static-initialiser.c:[[@LINE-6]]: 'roots': an initialiser can't hold the address of a guest object

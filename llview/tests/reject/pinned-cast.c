// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(struct part __guest *p)
{
// CHECK: pinned-cast.c:[[@LINE+1]]:10: error: a pinned object can't be cast to 'struct task', which may be larger: cast the __guest pointer, then pin
	return ((struct task __pinned *)guest_pin(p))->pid;
}

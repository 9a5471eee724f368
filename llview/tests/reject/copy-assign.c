// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

void f(struct part __guest *a, struct part __guest *b)
{
// CHECK: copy-assign.c:[[@LINE+1]]:5: error: guest record 'struct part' can't be copied as a whole: its layout isn't ours; use guest_read() or guest_copy()
	*a = *b;
}

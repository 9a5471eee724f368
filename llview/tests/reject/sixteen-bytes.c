// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

__int128 f(struct task __guest *t)
{
// CHECK: sixteen-bytes.c:[[@LINE+1]]:12: error: more than 8 bytes can't be read at once: use guest_read() or guest_copy()
	return t->huge;
}

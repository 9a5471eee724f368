// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

// CHECK: pinned-symbol.c:[[@LINE+1]]:21: error: symbols of the guest are __guest, not __pinned
extern int __pinned number;

int f(void)
{
	return number;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int f(int __guest *p)
{
// CHECK: call-guest-function.c:[[@LINE+1]]:20: error: a guest pointer can't be cast to another address space: guest_pin() gives a pinned one, guest_addr() the address
	int (*fn)(void) = (int (*)(void))p;

	return fn();
}

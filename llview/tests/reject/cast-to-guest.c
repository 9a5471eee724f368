// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int __guest *f(int *p)
{
// CHECK: cast-to-guest.c:[[@LINE+1]]:9: error: a guest pointer can't be cast to another address space: guest_pin() gives a pinned one, guest_addr() the address
	return (int __guest *)p;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int *f(int *__guest *p)
{
// CHECK: host-pointer-load.c:[[@LINE+1]]:9: error: a pointer read from the guest is an address of the guest: declare it __guest
	return *p;
}

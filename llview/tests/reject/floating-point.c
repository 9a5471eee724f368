// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

double f(struct task __guest *t)
{
// CHECK: floating-point.c:[[@LINE+1]]:12: error: floating-point numbers can't be read from the guest
	return t->real;
}

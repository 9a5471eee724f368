// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int printf(const char *format, ...);

void f(struct task __guest *t)
{
// CHECK: printf.c:[[@LINE+1]]:2: error: a guest pointer can't be passed where the type isn't checked (...): copy what it points to, or pass guest_addr()
	printf("%s", t->comm);
}

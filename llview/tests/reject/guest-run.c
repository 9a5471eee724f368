// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

int guest_run(void *guest, void (*fn)(void *), void *arg);

int f(struct task __guest *t, void *guest, void (*fn)(void *))
{
// CHECK: guest-run.c:[[@LINE+1]]:18: error: a function that reads the guest can't call guest_run(): do it from a function that doesn't
	return t->pid + guest_run(guest, fn, 0);
}

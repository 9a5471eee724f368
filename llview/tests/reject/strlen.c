// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

unsigned long strlen(const char *s);

unsigned long f(struct task __guest *t)
{
// CHECK: strlen.c:[[@LINE+1]]:16: error: 'strlen' reads our memory, not the guest's: copy with guest_read() or guest_strncpy() first
	return strlen(t->comm);
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

// CHECK: host-parameter.c:[[@LINE+1]]:19: error: guest record 'struct part' can't be an object of ours, whose layout would be that of our declaration: use __guest or __pinned pointers
int f(struct part p);

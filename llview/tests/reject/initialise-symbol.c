// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

// CHECK: initialise-symbol.c:[[@LINE+1]]:13: error: a guest object can't be defined here: declare 'number' extern
int __guest number = 3;

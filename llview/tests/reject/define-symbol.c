// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

// CHECK: define-symbol.c:[[@LINE+1]]:21: error: a guest object can't be defined here: declare 'mine' extern
struct task __guest mine;

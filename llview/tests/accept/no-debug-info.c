// SPDX-License-Identifier: MIT
// RUN: %cc -g0 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %cc -g1 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %cc -g -S -emit-llvm %s -o - | FileCheck %s
#include "types.h"

// CHECK: c"struct task:tasks.next\00"
bool f(struct task __guest *t)
{
	return t->tasks.next;
}

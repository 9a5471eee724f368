// SPDX-License-Identifier: MIT
// LLVM 16 needs -g: it has copied the options before a plugin can change them.
// UNSUPPORTED: llvm-16
// RUN: %cc -g0 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %cc -g1 -S -emit-llvm %s -o - | FileCheck %s
// RUN: %cc -g -S -emit-llvm %s -o - | FileCheck %s
#include "types.h"

// CHECK: c"struct task:tasks.next\00"
bool f(struct task __guest *t)
{
	return t->tasks.next;
}

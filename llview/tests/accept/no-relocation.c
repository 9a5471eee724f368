// SPDX-License-Identifier: MIT
// RUN: %cc -fPIC -c %s -o %t.o && llvm-readelf -r %t.o | FileCheck %s
// The descriptors hold distances only: the same bytes wherever the program is loaded.
#include "types.h"

// CHECK: '.rela{{.*}}llview_desc'
// CHECK-NEXT: Offset
// CHECK-NEXT: R_X86_64_PC32
// CHECK-EMPTY:
int f(struct task __guest *t)
{
	return t->pid;
}

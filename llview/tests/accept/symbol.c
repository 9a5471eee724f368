// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// RUN: %cc -c %s -o %t.o && llvm-nm %t.o | FileCheck --check-prefix=NM %s
// A guest symbol is a slot; nothing is left for the linker.
#include "types.h"

extern int __guest other __asm__("its.own.name");
extern unsigned long __guest table[];

// NM-NOT: init_task
// CHECK-NOT: @init_task
// CHECK-DAG: c"init_task\00"
// CHECK-DAG: c"its.own.name\00"
// CHECK-DAG: c"table\00"
// CHECK-LABEL: @is_init(
bool is_init(struct task __guest *t)
{
	return t == &init_task || t->pid == other || table[t->pid & 3] == 1;
}

struct task __guest *either(int n)
{
	return n ? &init_task : NULL;
}

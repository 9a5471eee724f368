// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// By-value records make one path and one slot; a pointer begins a new one.
#include "types.h"

// CHECK-DAG: c"struct task:part.b\00"
// CHECK-DAG: c"struct task:parent\00"
// CHECK-DAG: c"struct task:tasks.next\00"
// CHECK-DAG: c"struct list_head:prev\00"
// CHECK-NOT: c"struct part:
bool f(struct task __guest *t)
{
	return t->parent->part.b || t->tasks.next->prev;
}

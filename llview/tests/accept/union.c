// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Anonymous records add no name.
#include "types.h"

// CHECK-DAG: c"struct task:whole\00"
// CHECK-DAG: c"struct task:low\00"
// CHECK-DAG: c"struct task:high\00"
int f(struct task __guest *t)
{
	return t->whole + t->low + t->high;
}

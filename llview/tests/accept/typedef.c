// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// A record without a tag is known by its typedef: in a path, through a pointer, in an array.
#include "types.h"

// CHECK-DAG: c"struct task:usage.counter\00"
// CHECK-DAG: c"atomic_t:counter\00"
// CHECK-DAG: c"both_t:as_long\00"
// CHECK-DAG: c"struct atomic_t\00"
long f(struct task __guest *t, atomic_t __guest *a, both_t __guest *b, int i)
{
	return t->usage.counter + a->counter + b->as_long + t->counts[i].counter;
}

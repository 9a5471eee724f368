// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
#include "types.h"

// CHECK: c"struct task:tasks\00"
// CHECK: sub i64
struct task __guest *f(struct list_head __guest *l)
{
	return container_of(l, struct task, tasks);
}

// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Offset 0 in our declaration is no reason to forget the member's name.
#include "types.h"

// CHECK: c"struct task:first\00"
// CHECK: c"struct list_head:next\00"
int first(void)
{
	return init_task.first + guest_is_null(init_task.tasks.next->next);
}

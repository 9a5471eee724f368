// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// Each question is a slot of its kind (low byte), with the text that the guest is asked.
#include "types.h"

#define task_part part
// CHECK: @__llview_desc = {{.*}}i32 262146 }, {{.*}}i32 5 }, {{.*}}i32 7 }, {{.*}}i32 9 }, {{.*}}i32 6 }, {{.*}}i32 11 }, {{.*}}i32 10 }, {{.*}}i32 10 }, {{.*}}i32 262145 }, {{.*}}i32 2 }]
// CHECK-DAG: c"struct task:pid\00"
// CHECK-DAG: c"struct task:flag\00"
// CHECK-DAG: c"struct maple_tree\00"
// CHECK-DAG: c"tcp_hashinfo\00"
// CHECK-DAG: c"struct task\00"
// CHECK-DAG: c"enum pid_type:PIDTYPE_TGID\00"
// CHECK-DAG: c":NR_FREE_PAGES\00"
// CHECK-NOT: @__llview_has
long f(void)
{
	return guest_has(struct task, pid) + guest_has_bitfield(struct task, flag) +
	       guest_has_type(struct maple_tree) + guest_has_symbol(tcp_hashinfo) +
	       guest_sizeof(struct task) + guest_has_enum(enum pid_type, PIDTYPE_TGID) +
	       guest_enum(enum pid_type, PIDTYPE_TGID) + guest_enum_any(NR_FREE_PAGES) +
	       guest_offsetof(struct task, pid) +
	       /* a record's size isn't compared; macros are expanded */
	       guest_has(struct task, task_part);
}

// SPDX-License-Identifier: MIT
// RUN: %emit %s | FileCheck %s
// The copies take guest and pinned pointers alike.
#include "types.h"

// CHECK: call {{.*}}@__llview_strncpy(
// CHECK: call {{.*}}@__llview_pinned_strncpy(
// CHECK: call {{.*}}@__llview_read(
// CHECK: call {{.*}}@__llview_pinned_read(
void f(char *to, struct task __guest *t)
{
	struct task __pinned *p = guest_pin(t);

	guest_strncpy(to, t->comm, 16);
	guest_strncpy(to, p->comm, 16);
	guest_read(to, t->comm, 16);
	guest_read(to, &p->wide, 8);
}

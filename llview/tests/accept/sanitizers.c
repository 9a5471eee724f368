// SPDX-License-Identifier: MIT
// RUN: %cc -fsanitize=address,undefined -S -emit-llvm %s -o - | FileCheck %s
// What is read of the guest isn't instrumented; what is read of ours is.
#include "types.h"

// CHECK-LABEL: @guest(
// CHECK-NOT: __asan_report_load
// CHECK: ret i32
int guest(struct task __guest *t)
{
	return t->pid;
}

// CHECK-LABEL: @host(
// CHECK: __asan_report_load4
int host(const int *p)
{
	return *p;
}
// CHECK-NOT: section "llview_desc"{{.*}}asan

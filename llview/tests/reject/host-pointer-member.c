// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

GUEST_TYPES_BEGIN
struct holder {
// CHECK: host-pointer-member.c:[[@LINE+1]]:15: error: what member 'task' of a guest record points to is in the guest: declare it __guest
	struct task *task;
};
GUEST_TYPES_END

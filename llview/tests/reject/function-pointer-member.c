// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

GUEST_TYPES_BEGIN
struct ops {
// CHECK: function-pointer-member.c:[[@LINE+1]]:8: error: a pointer to a function of the guest, 'call', can't be called: declare it 'void __guest *'
	int (*call)(void);
};
GUEST_TYPES_END

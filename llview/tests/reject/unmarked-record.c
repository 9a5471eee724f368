// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

struct unmarked {
	int m;
};

int f(struct unmarked __guest *p)
{
// CHECK: unmarked-record.c:[[@LINE+1]]:12: error: record 'struct unmarked' isn't declared between GUEST_TYPES_BEGIN and GUEST_TYPES_END
	return p->m;
}

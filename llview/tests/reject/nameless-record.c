// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

GUEST_TYPES_BEGIN
struct outer {
	struct {
		int x, y;
	} points[4];
};
GUEST_TYPES_END

int f(struct outer __guest *o, int i)
{
// CHECK: nameless-record.c:[[@LINE+1]]:22: error: member 'y' of a record without a name, which can't be found in the guest: name the record
	return o->points[i].y;
}

// SPDX-License-Identifier: MIT
// RUN: not %cc -c %s -o %t 2>&1 | FileCheck %s
// RUN: not %cc -O0 -c %s -o %t 2>&1 | FileCheck %s

#include "types.h"

bool f(const char *name)
{
// CHECK: question-not-literal.c:[[@LINE+1]]:9: error: the name of a type, symbol or enumerator must be a literal
	return __llview_has_symbol(name);
}

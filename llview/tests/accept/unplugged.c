// SPDX-License-Identifier: MIT
// RUN: not %unplugged -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: %unplugged -DSCW_LLVIEW=1 -c %s -o %t.o
// RUN: llvm-nm -u %t.o | FileCheck --check-prefix=NM %s
// RUN: not %unplugged -DSCW_LLVIEW=99 -c %s -o %t.o 2>&1 | FileCheck --check-prefix=OTHER %s
// Without the plugin this would compile, and read our own memory: it must not link.
#include "types.h"

// CHECK: error: "kernel-style code must be compiled through the llview plugin: use scw-cc --guest"
// NM: llview_code_was_compiled_without_the_plugin
// OTHER: error: "this header and the llview plugin are of different versions"
int f(struct task __guest *t)
{
	return t->pid;
}

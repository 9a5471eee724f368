// SPDX-License-Identifier: MIT
// RUN: printf 'open\n' > %t.list
// RUN: clang-%llvm %plugin -mllvm -scw-libc=%t.list -O2 -fno-inline -c %s -o %t.o
// RUN: llvm-nm %t.o | FileCheck %s
// A program's own open() stays its own.

// CHECK-NOT: scw_open
int open(const char *path)
{
	return path[0];
}

int f(void)
{
	return open("x");
}

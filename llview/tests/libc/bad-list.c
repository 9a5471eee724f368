// SPDX-License-Identifier: MIT
// RUN: printf 'open\none two three\n' > %t.list
// RUN: not clang-%llvm %plugin -mllvm -scw-libc=%t.list -c %s -o %t.o 2>&1 | FileCheck %s
// RUN: not clang-%llvm %plugin -mllvm -scw-libc=%t.none -c %s -o %t.o 2>&1 | FileCheck --check-prefix=NONE %s

// CHECK: error: scw-cc: {{.*}}.list:2: expected a name, and its replacement if that isn't scw_NAME
// NONE: error: scw-cc: can't read the list of file functions {{.*}}.none
int f(void)
{
	return 0;
}

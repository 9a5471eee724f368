// SPDX-License-Identifier: MIT
// RUN: printf 'open\nfopen\n\n# a comment\nstat scw_stat\n__isoc99_fscanf\n' > %t.list
// RUN: clang-%llvm %plugin -mllvm -scw-libc=%t.list -O2 -c %s -o %t.o
// RUN: llvm-nm %t.o | FileCheck %s
// RUN: clang-%llvm %plugin -mllvm -scw-libc=%t.list -O0 -c %s -o %t.o
// RUN: llvm-nm %t.o | FileCheck %s
// Calls, addresses, and names that come from macros or asm labels are replaced; a function that the
// program has of its own, and names that aren't listed, are not.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

// CHECK-NOT: U open
// CHECK-DAG: U scw_open
// CHECK-DAG: U scw_fopen
// CHECK-DAG: U scw_stat
// CHECK-DAG: U scw___isoc99_fscanf
// CHECK-DAG: U close
FILE *(*opener)(const char *, const char *) = fopen;

int f(const char *path)
{
	struct stat st;
	int n = 0;
	FILE *file = opener(path, "r");

	if (stat(path, &st) || !file || fscanf(file, "%d", &n) != 1)
		return -1;
	close(open(path, O_RDONLY));
	return n;
}

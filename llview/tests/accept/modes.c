// SPDX-License-Identifier: MIT
// RUN: %cc -O0 -c %s -o %t.o
// RUN: %cc -O3 -c %s -o %t.o
// RUN: %cc -Os -ffreestanding -c %s -o %t.o
// RUN: %cc -fPIC -c %s -o %t.o
// RUN: %cc -fPIE -c %s -o %t.o
// RUN: %cc -flto -c %s -o %t.o && llvm-dis %t.o -o - | FileCheck %s
// RUN: %cc -flto=thin -c %s -o %t.o
// RUN: %cc -fsanitize=thread -c %s -o %t.o
// RUN: %cc -fsanitize=undefined -fsanitize-trap=all -c %s -o %t.o
#include "types.h"

// CHECK-NOT: load {{.*}}, ptr addrspace(1)
int f(struct task __guest *t, int i)
{
	struct task __pinned *p = guest_copy(t);

	return t->pid + t->sign + p->parts[i].b + t->grid[i][2].a + init_task.usage.counter;
}

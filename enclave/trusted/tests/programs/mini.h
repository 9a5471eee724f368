/* SPDX-License-Identifier: MIT */
/* What the tests' programs have in place of a C library. */
#ifndef SCW_TESTS_MINI_H
#define SCW_TESTS_MINI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trusted/ocall.h"
#include "trusted/runtime.h"

/* The tests' host writes `a0` bytes at `a1` to its standard output. */
#define MINI_OCALL_PRINT ABI_OCALL_PROXY_LAST

void mini_print(const char *text);
void mini_number(const char *what, uint64_t value);
_Noreturn void mini_fail(const char *file, int line, const char *what);

#define CHECK(x) ((x) ? (void)0 : mini_fail(__FILE__, __LINE__, #x))

int main(int argc, char **argv, char **envp);

/* A thread with a stack from mmap(). */
struct mini_thread {
	uint32_t tid; /* cleared at its end */
	long stack;
};

long mini_spawn(int (*fn)(void *), void *arg, struct mini_thread *ret);
void mini_join(struct mini_thread *thread);

#endif

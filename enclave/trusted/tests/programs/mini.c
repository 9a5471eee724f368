// SPDX-License-Identifier: MIT
/* See mini.h. */
#include <linux/futex.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "mini.h"

#define STACK (16u << 10)

void mini_start(uint64_t *stack);

__asm__(".text\n.globl _start\n.hidden _start\n_start:\n\tmov %rsp, %rdi\n\tand $-16, %rsp\n"
	"\tcall mini_start\n\tud2\n");

/* By words: stepping goes through each round of a REP. */
void *memset(void *to, int c, size_t n)
{
	uint64_t word = (uint8_t)c * 0x0101010101010101ull;
	volatile uint8_t *at = to;

	for (; n >= 8; n -= 8, at += 8)
		*(volatile uint64_t *)at = word;
	while (n--)
		*at++ = (uint8_t)c;
	return to;
}

void *memcpy(void *to, const void *from, size_t n)
{
	volatile uint8_t *at = to;
	const uint8_t *source = from;

	for (; n >= 8; n -= 8, at += 8, source += 8)
		*(volatile uint64_t *)at = *(const uint64_t *)source;
	while (n--)
		*at++ = *source++;
	return to;
}

size_t strlen(const char *s)
{
	size_t n = 0;

	while (((const volatile char *)s)[n])
		n++;
	return n;
}

void mini_print(const char *text)
{
	size_t size = strlen(text);

	trusted_copy_out(trusted_arena(size), text, size);
	(void)trusted_ocall(MINI_OCALL_PRINT, size, (uint64_t)trusted_arena(size), 0, 0, 0, 0);
}

void mini_number(const char *what, uint64_t value)
{
	char digits[24];
	size_t i = sizeof(digits);

	digits[--i] = 0;
	digits[--i] = '\n';
	do {
		digits[--i] = (char)('0' + value % 10);
		value /= 10;
	} while (value);
	mini_print(what);
	mini_print(": ");
	mini_print(&digits[i]);
}

void mini_fail(const char *file, int line, const char *what)
{
	mini_print(file);
	mini_number("", (uint64_t)line);
	mini_print(what);
	mini_print("\n");
	trusted_exit_group(1);
}

long trusted_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	long r = -38;

	(void)d;
	(void)e;
	(void)f;
	if (n == SYS_getpid)
		r = 1;
	else if (n == SYS_tgkill)
		r = trusted_tgkill(a, b, (int)c);
	else if (n == SYS_kill)
		r = trusted_raise((int)b);
	trusted_safe_point();
	return r;
}

void mini_start(uint64_t *stack)
{
	int argc = (int)stack[0];
	char **argv = (char **)&stack[1];

	trusted_exit_group(main(argc, argv, argv + argc + 1));
}

long mini_spawn(int (*fn)(void *), void *arg, struct mini_thread *ret)
{
	int *tid = (int *)&ret->tid;
	long r;

	ret->stack = trusted_mmap(0, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);
	if (ret->stack < 0)
		return ret->stack;
	ret->tid = UINT32_MAX;
	r = trusted_clone(fn, (void *)(ret->stack + STACK),
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
			      CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID,
			  arg, tid, NULL, tid);
	if (r < 0)
		(void)trusted_munmap((uint64_t)ret->stack, STACK);
	return r;
}

void mini_join(struct mini_thread *thread)
{
	uint32_t now;

	while ((now = __atomic_load_n(&thread->tid, __ATOMIC_ACQUIRE)))
		(void)trusted_futex(&thread->tid, FUTEX_WAIT, now, 0, NULL, 0);
	(void)trusted_munmap((uint64_t)thread->stack, STACK);
}

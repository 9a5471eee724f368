// SPDX-License-Identifier: MIT
/*
 * In place of the runtime, to link programs without it: knows no system call. Configure scripts may run
 * what they link, to see that it doesn't work: it has to end.
 */
#include <errno.h>

#include "trusted/runtime.h"

_Noreturn void trusted_entry(void);

_Noreturn void trusted_entry(void)
{
	__builtin_trap();
}

long trusted_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	(void)n, (void)a, (void)b, (void)c, (void)d, (void)e, (void)f;
	return -ENOSYS;
}

long trusted_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *parent_tid, void *tls,
		   int *child_tid)
{
	(void)fn, (void)stack, (void)flags, (void)arg, (void)parent_tid, (void)tls, (void)child_tid;
	return -ENOSYS;
}

long trusted_munmap(uint64_t addr, size_t size)
{
	(void)addr, (void)size;
	return -ENOSYS;
}

_Noreturn void trusted_exit_thread(int code)
{
	(void)code;
	trusted_entry();
}

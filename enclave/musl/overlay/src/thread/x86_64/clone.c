// SPDX-License-Identifier: MIT
/* A thread has to enter by a TCS of its own: the runtime's business. */
#include <stdarg.h>
#include <sys/types.h>
#include "pthread_impl.h"

long trusted_clone(int (*func)(void *), void *stack, int flags, void *arg, int *ptid, void *tls,
		   int *ctid);

hidden int __clone(int (*func)(void *), void *stack, int flags, void *arg, ...)
{
	pid_t *ptid, *ctid;
	va_list ap;
	void *tls;

	va_start(ap, arg);
	ptid = va_arg(ap, pid_t *);
	tls = va_arg(ap, void *);
	ctid = va_arg(ap, pid_t *);
	va_end(ap);
	return trusted_clone(func, stack, flags, arg, ptid, tls, ctid);
}

// SPDX-License-Identifier: MIT
/* The thread pointer: FSBASE, which is the runtime's to set, as it enters with another one. */
#include "pthread_impl.h"
#include "syscall.h"

#define ARCH_SET_FS 0x1002

hidden int __set_thread_area(void *p)
{
	return __syscall(SYS_arch_prctl, ARCH_SET_FS, p);
}

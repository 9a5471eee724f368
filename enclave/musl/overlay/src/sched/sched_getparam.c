// SPDX-License-Identifier: MIT
/* musl refuses, as Linux's call is about threads where POSIX's is about processes; unhide asks Linux's. */
#include <sched.h>
#include "syscall.h"

int sched_getparam(pid_t pid, struct sched_param *param)
{
	return syscall(SYS_sched_getparam, pid, param);
}

/* SPDX-License-Identifier: MIT */
/*
 * Processes: fork() and what goes with it. They are there when the image has its first program a second time, called
 * ABI_PROGRAM_ITSELF: that one runs then, and the first one is only its kernel. One process runs at a time, on the same
 * thread, until it waits or ends; memory that several have at the same addresses is exchanged (share.h).
 */
#ifndef SCW_TRUSTED_FORK_H
#define SCW_TRUSTED_FORK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORK_FOR_EVER UINT64_MAX

/* Is there more than the old way of process.c? */
bool fork_is_on(void);
/* Of the one that runs. */
int fork_pid(void);
int fork_parent(void);
char *const *fork_arguments(void);
size_t fork_program(void);
unsigned int fork_count(void); /* of all but the first */

/* -EAGAIN, -ENOMEM; 0 in the child. */
long fork_fork(void);
/* Copies the strings. Returns only if it can't: -E2BIG, -ENOMEM. */
long fork_exec(size_t program, char *const *argv, char *const *envp);
/* As wait4() has it. */
_Noreturn void fork_exit(int status);
long fork_wait(int pid, int *status_ret, int options);
/* To processes of these numbers. -ESRCH: there is none. */
long fork_kill(int pid, int sig);

/*
 * Something happened that others may wait for. And: lets others run until something has, or until that time of
 * trusted_now(). Then what was waited for is looked at again. 0 or -EINTR. Without the layer's lock.
 */
void fork_happened(void);
long fork_pause(uint64_t until);
/* SIGALRM is for the one that runs. */
void fork_has_timer(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Other programs of the image, which the first one runs one at a time on the thread that asks for it
 * (process.c). Each is linked as if it were alone, runtime and all; its runtime passes every system call on to
 * the first one's. So an image that runs others and these have to be of one version of the library.
 */
#ifndef SCW_TRUSTED_PROGRAM_H
#define SCW_TRUSTED_PROGRAM_H

#define TRUSTED_PROGRAM_VERSION 1 /* of how they begin and call */
/* What the C library's vfork() calls with, and where its registers are: another call by this number is a fork(). */
#define TRUSTED_VFORK 0x5c0f0

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "trusted/runtime.h"

typedef long trusted_call_fn(long n, long a, long b, long c, long d, long e, long f);

size_t trusted_program_count(void);
const char *trusted_program_path(size_t i);
/*
 * Begins one anew, as it was measured, on a stack whose upper `room` bytes arguments and environment may fill;
 * the strings stay where they are. Doesn't return unless it can't: -E2BIG, -ENOEXEC.
 */
long trusted_program_start(size_t i, uint64_t stack_top, size_t room, char *const *argv,
			   char *const *envp);

/* What a thread of the first program has of its own while another one runs on it. */
struct trusted_aside {
	uint64_t blocked;
	struct trusted_stack altstack;
	int *clear_tid;
};

/* Does another program run on this thread? */
bool trusted_in_child(void);
/* From now on, with the signal handlers that there are; with none; not any more. */
void trusted_child_begin(struct trusted_aside *ret);
void trusted_child_exec(void);
void trusted_child_end(const struct trusted_aside *from);

/* Pages that are free when it ends. */
void trusted_own(uint64_t addr, size_t size);
void trusted_disown(void);

/* Goes on on another stack: forgetting this one; after vfork(), as its call's caller, with its result. */
_Noreturn void trusted_jump(void (*fn)(void *), void *arg, uint64_t stack_top);
_Noreturn void trusted_resume(uint64_t *frame, long result);

/*
 * Supplied by the system-call layer. posix_spawn()'s clone(): the child's `fn`, to its end, then its process ID.
 * The system calls of another program. And in that program: where its calls go.
 */
long trusted_spawn(int (*fn)(void *), void *arg);
trusted_call_fn trusted_child_syscall;
void trusted_be_child(trusted_call_fn *parent);

#endif
#endif

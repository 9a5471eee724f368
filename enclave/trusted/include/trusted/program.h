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

/* Of a process, while another one runs: its handlers, and what of the thread is its own. */
struct trusted_child {
	struct trusted_action actions[65];
	uint64_t blocked, pending;
	struct trusted_stack altstack;
	int *clear_tid;
};

/* Does another program run on this thread? */
bool trusted_in_child(void);
/* From now on, with the signal handlers that there are; with none; not any more. */
void trusted_child_begin(struct trusted_aside *ret);
void trusted_child_exec(void);
void trusted_child_end(const struct trusted_aside *from);

void trusted_child_save(struct trusted_child *ret);
void trusted_child_load(const struct trusted_child *from);
/* The whole program dies of a signal. */
_Noreturn void trusted_die(int sig);

/* Pages that are free when process `owner` ends. Those that several have are nobody's to free. */
#define TRUSTED_OWNER_SHARED 255u
void trusted_own(uint64_t addr, size_t size, unsigned int owner);
void trusted_disown(unsigned int owner);
/* One page, which somebody owns. */
void trusted_set_owner(uint64_t addr, unsigned int owner);
/* The first such page at or above `from`; 0: there is none. */
uint64_t trusted_next_owned(uint64_t from, unsigned int owner);
/* [*at_ret, *end_ret), whole pages: the nth part of a program's data. False: it has fewer. */
bool trusted_program_data(size_t program, size_t nth, uint64_t *at_ret, uint64_t *end_ret);

/* Runs the program ABI_PROGRAM_ITSELF as a process, if the image has it (fork.h). Before main(). */
void trusted_begin_processes(void);

/* Goes on on another stack: forgetting this one; after vfork(), as its call's caller, with its result. */
_Noreturn void trusted_jump(void (*fn)(void *), void *arg, uint64_t stack_top);
_Noreturn void trusted_resume(uint64_t *frame, long result);

/*
 * Supplied by the system-call layer, of processes: it dies of a signal (returns if it is none); what of the host's signals
 * is for the one that runs; is a page that it gives back still another's? (fast, no system call)
 */
bool trusted_child_dies(int sig);
uint64_t trusted_child_signals(uint64_t came);
bool trusted_page_is_kept(uint64_t addr);

/*
 * Supplied by the system-call layer. posix_spawn()'s clone(): the child's `fn`, to its end, then its process ID.
 * The system calls of another program. And in that program: where its calls go.
 */
long trusted_spawn(int (*fn)(void *), void *arg);
trusted_call_fn trusted_child_syscall;
void trusted_be_child(trusted_call_fn *parent);
/* Is this such a program's copy of the runtime, which knows nothing of threads and pages? */
bool trusted_is_other(void);

#endif
#endif

/* SPDX-License-Identifier: MIT */
/*
 * What the runtime does inside for a program: memory, threads, futexes, time, randomness,
 * signals. Unless said otherwise a function takes the arguments of Linux's system call of its
 * name and returns its result: >= 0, or a negative errno number. Pointers are the program's,
 * inside, and trusted as its code is; the structures are the kernel's, not a C library's.
 *
 * Start: the entry code relocates the program, checks the host's start block, sets up memory,
 * calls trusted_config_apply(), and jumps to the program's `_start` (of crt1.o) with a stack as
 * Linux makes it. A part that needs a C library prepares itself in a constructor or at its first
 * use, not before.
 */
#ifndef SCW_TRUSTED_RUNTIME_H
#define SCW_TRUSTED_RUNTIME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* -- start ------------------------------------------------------------------------------------ */

/* What the host said about the run: copied inside, of sane size, else unchecked. NULL-terminated.
 */
struct trusted_info {
	size_t argc;
	char **argv;
	size_t envc;
	char **envp;
	const char *vm; /* name of the watched VM; may be empty */
};

const struct trusted_info *trusted_info(void);

/* The measured configuration (`scwatcher sign`): NULL and 0 when there is none. */
const void *trusted_config(size_t *size_ret);

/*
 * Supplied by the configuration's part: may replace arguments and environment by measured ones,
 * before libc sees any. No libc but memory and string functions. Without it (weak) they stay the
 * host's.
 */
void trusted_config_apply(struct trusted_info *info);

/*
 * Stops everything. `why` is a constant text, which the host gets: nothing secret. Exit code 134.
 */
_Noreturn void trusted_abort(const char *why);

/* -- memory: pages of the heap, zeroed --------------------------------------------------------- */

/* Anonymous only: the caller has dealt with files. MAP_SHARED is as good as MAP_PRIVATE. */
long trusted_mmap(uint64_t addr, size_t size, int prot, int flags);
/*
 * The same, anywhere, read and write, but with whatever lies there, which may be the host's: for who writes before he
 * reads. Never for the program.
 */
long trusted_mmap_unset(size_t size);
long trusted_munmap(uint64_t addr, size_t size);
long trusted_mprotect(uint64_t addr, size_t size, int prot);
long trusted_mremap(uint64_t addr, size_t old_size, size_t new_size, int flags, uint64_t new_addr);
long trusted_brk(uint64_t addr);
long trusted_madvise(uint64_t addr, size_t size, int advice);
/* May the program read (or write) there, by what was mapped? For EFAULT. */
bool trusted_readable(const void *p, size_t size);
bool trusted_writable(const void *p, size_t size);
/* Bytes: of the heap, and in use. For sysinfo() and the like. */
size_t trusted_heap_size(void);
size_t trusted_heap_used(void);

/* -- threads ----------------------------------------------------------------------------------- */

/*
 * The program's own process ID, its first thread's, and the next threads' after it: numbers that no process of a
 * guest can have (PID_MAX_LIMIT), so that a tool that leaves itself out of its list leaves out nothing else.
 */
#define TRUSTED_PID (1 << 22)

/*
 * What the C library's clone() asks for: CLONE_VM | CLONE_THREAD and what goes with them; -ENOSYS
 * for anything else (fork, vfork). `fn(arg)` runs on `stack` (its top), its result ends the
 * thread. -EAGAIN: all of the enclave's threads are in use.
 */
long trusted_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *parent_tid, void *tls,
		   int *child_tid);
_Noreturn void trusted_exit_thread(int code);
_Noreturn void trusted_exit_group(int code);
long trusted_gettid(void);
long trusted_set_tid_address(int *tid);
long trusted_sched_yield(void);
/* The FS base: arch_prctl(ARCH_SET_FS) and ARCH_GET_FS, __set_thread_area() of musl. */
long trusted_set_fs(uint64_t base);
uint64_t trusted_get_fs(void);
/* Threads that run now. */
size_t trusted_thread_count(void);

/*
 * WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAIT_BITSET, WAKE_BITSET, WAKE_OP, all private; -ENOSYS for
 * the others. `timeout` is a struct timespec of the kernel's, or val2.
 */
long trusted_futex(uint32_t *addr, int op, uint32_t val, uint64_t timeout, uint32_t *addr2,
		   uint32_t val3);

/* For data of the runtime: short, never around an ocall. Zero is unlocked. */
struct trusted_lock {
	uint32_t word;
};
void trusted_lock(struct trusted_lock *lock);
void trusted_unlock(struct trusted_lock *lock);

/* -- time: the host's, but never going back -----------------------------------------------------
 */

struct trusted_timespec {
	int64_t sec;
	int64_t nsec;
};

long trusted_clock_gettime(int clock, struct trusted_timespec *ret);
long trusted_clock_getres(int clock, struct trusted_timespec *ret);
long trusted_nanosleep(const struct trusted_timespec *wish, struct trusted_timespec *left_ret);
long trusted_clock_nanosleep(int clock, int flags, const struct trusted_timespec *wish,
			     struct trusted_timespec *left_ret);
/* As CLOCK_MONOTONIC, in nanoseconds. */
uint64_t trusted_now(void);

/* -- randomness: RDRAND -------------------------------------------------------------------------
 */

/* Fills all of it, or stops the enclave. */
void trusted_random(void *ret, size_t size);
long trusted_getrandom(void *ret, size_t size, unsigned int flags);

/* -- signals ------------------------------------------------------------------------------------
 */

/* The kernel's struct sigaction. */
struct trusted_action {
	uint64_t handler;
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

/* The kernel's stack_t. */
struct trusted_stack {
	uint64_t sp;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};

struct trusted_timeval {
	int64_t sec;
	int64_t usec;
};

struct trusted_itimerval {
	struct trusted_timeval interval;
	struct trusted_timeval value;
};

long trusted_sigaction(int sig, const struct trusted_action *act, struct trusted_action *old,
		       size_t mask_size);
long trusted_sigprocmask(int how, const uint64_t *set, uint64_t *old, size_t mask_size);
long trusted_sigaltstack(const struct trusted_stack *stack, struct trusted_stack *old);
long trusted_sigpending(uint64_t *ret, size_t mask_size);
long trusted_sigsuspend(const uint64_t *mask, size_t mask_size);
/* To a thread of our own; tgid is TRUSTED_PID or -1. */
long trusted_tgkill(long tgid, long tid, int sig);
/* kill(getpid(), sig): to whichever thread takes it. */
long trusted_raise(int sig);
/* ITIMER_REAL only. */
long trusted_setitimer(int which, const struct trusted_itimerval *value,
		       struct trusted_itimerval *old);

/*
 * The end of every system call: signals that are due are delivered here, and only here (but for
 * those that the program's own instructions raise). Handlers run in it. Nothing may be locked.
 */
void trusted_safe_point(void);

/*
 * An ocall that could sleep came back with -EINTR: is there a signal for this thread that the
 * next safe point delivers? If not, ask the host again.
 */
bool trusted_interrupted(void);

/* -- supplied by the system-call layer ------------------------------------------------------------
 */

/* What the C library calls, and a `syscall` instruction comes to. Ends with trusted_safe_point().
 */
long trusted_syscall(long n, long a, long b, long c, long d, long e, long f);

#endif

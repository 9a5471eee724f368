/* SPDX-License-Identifier: MIT */
/*
 * Private to the runtime: a thread's own data, which follow struct abi_thread in its thread page,
 * and the few things that need the processor's help. The first part is read by entry.S, too.
 */
#ifndef SCW_TRUSTED_THREAD_H
#define SCW_TRUSTED_THREAD_H

/* States of a thread, one word; entry.S decides by them what an entry is. */
#define THREAD_FREE	0 /* its TCS isn't in use */
#define THREAD_STARTING 1 /* given to a new thread, which the host is to enter */
#define THREAD_INSIDE	2
#define THREAD_OUTSIDE	3 /* in an ocall */
#define THREAD_DEAD	4 /* never to be entered again */

/* Offsets from GSBASE; those below 256 are struct abi_thread's. */
#define GS_INDEX	      0
#define GS_STACK_TOP	      8
#define GS_EXCEPTION_TOP      24
#define GS_STATE	      256
#define GS_HOST_RSP	      264
#define GS_HOST_RBP	      272
#define GS_HOST_RETURN	      280
#define GS_RSP		      288 /* inside, while in an ocall */
#define GS_FS		      296
#define GS_EXCEPTION_HOST_RSP 304
#define GS_EXCEPTION_HOST_RBP 312
#define GS_EXCEPTION_RETURN   320
#define GS_RESUME_RIP	      328
#define GS_RESUME_RSP	      336

/* Offsets in struct trusted_frame. */
#define FRAME_REGS   0
#define FRAME_RSP    32
#define FRAME_RFLAGS 128
#define FRAME_RIP    136
#define FRAME_XSAVE  256

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/image.h"
#include "abi/ocall.h"
#include "trusted/runtime.h"

#define THREAD_NS_FOREVER UINT64_MAX

struct trusted_thread {
	uint64_t state; /* THREAD_ */
	uint64_t host_rsp, host_rbp, host_return;
	uint64_t rsp;
	uint64_t fs;
	uint64_t exception_host_rsp, exception_host_rbp, exception_host_return;
	uint64_t resume_rip, resume_rsp;
	uint64_t tid; /* 0: none */
	/* in the host's memory; addresses checked */
	struct abi_ocall *ocall;
	uint8_t *arena;
	size_t arena_size;
	/* what a new thread begins with */
	int (*fn)(void *);
	void *arg;
	uint64_t stack;
	int *clear_tid;
	/* signals: bit n - 1 is signal n */
	uint64_t blocked;
	uint64_t pending; /* atomic: others add to it */
	uint64_t suspend_mask;
	bool suspended; /* in sigsuspend(): suspend_mask comes back after the handler */
	bool leaving;	/* ends: its TCS is going to be free */
	bool in_child;	/* another program of the image runs on it */
	struct trusted_stack altstack;
	uint32_t lock_depth; /* locks held: faults are the runtime's own then */
	uint32_t sleeping;   /* in a WAIT or about to be: wants a WAKE */
};
_Static_assert(offsetof(struct trusted_thread, state) == GS_STATE - ABI_THREAD_OWN, "entry.S");
_Static_assert(offsetof(struct trusted_thread, host_return) == GS_HOST_RETURN - ABI_THREAD_OWN,
	       "entry.S");
_Static_assert(offsetof(struct trusted_thread, fs) == GS_FS - ABI_THREAD_OWN, "entry.S");
_Static_assert(offsetof(struct trusted_thread, resume_rsp) == GS_RESUME_RSP - ABI_THREAD_OWN,
	       "entry.S");
_Static_assert(sizeof(struct trusted_thread) <= ABI_PAGE - ABI_THREAD_OWN, "thread page");

/* -- cpu.c, entry.S; native.c where the runtime is an ordinary program ---------------------------
 */

/* The calling thread's; its page, written by the signer; another's. Index below thread_count. */
struct trusted_thread *trusted_self(void);
const struct abi_thread *trusted_page(void);
struct trusted_thread *trusted_thread_at(size_t index);

/* Where the enclave begins. */
uint64_t trusted_base(void);

/* Leaves with the request in the thread's block; returns when the host enters again. */
void trusted_leave(void);
/* Leaves for good; the thread's state becomes `state` at the last moment. */
_Noreturn void trusted_leave_for_good(uint64_t state);
void trusted_write_fs(uint64_t base);
/* One try of RDRAND. */
bool trusted_rdrand(uint64_t *ret);
static inline void trusted_pause(void)
{
	__asm__ volatile("pause");
}

/* -- the runtime's files to each other ------------------------------------------------------------
 */

/* ocall.c: takes over a start block; false: it isn't fit, nothing is changed. */
bool ocall_take_start(struct trusted_thread *self, const void *untrusted,
		      struct abi_start *start_ret);
/* Is it in what trusted_borrow() was told of? */
bool ocall_is_borrowed(uint64_t addr);
/* The end of the program; `sig` is what killed it, or 0. Threads that come back in end. */
_Noreturn void trusted_end(int code, int sig);

void memory_init(uint64_t heap, size_t heap_size);
/* What instructions may do there, as PROT_*: 0 also where nothing is. */
int memory_protection(uint64_t addr);

void thread_init(void);
/* The thread that has a thread ID; NULL if none. */
struct trusted_thread *thread_find(uint64_t tid);
/* The thread is to look at its signals: wakes it if it sleeps. */
void thread_kick(struct trusted_thread *t);
/* Wakes it from a WAIT. */
void thread_wake(struct trusted_thread *t);
/* A new thread, just entered. */
_Noreturn void thread_start(struct trusted_thread *self);

long futex_wake_one(uint32_t *addr);

/* In nanoseconds: a clock that trusted_clock_gettime() knows; a duration or time that may be used.
 */
uint64_t time_of(int clock);
bool time_to_ns(const struct trusted_timespec *t, uint64_t *ret);
/* For RDTSC: more at every call. */
uint64_t time_ticks(void);

struct trusted_frame;

/* Has a signal that an instruction raised a handler that may run now? */
bool signal_is_handled(int sig, struct trusted_action *ret);
/* Is this stack pointer on the thread's alternative stack? */
bool signal_on_altstack(const struct trusted_thread *self, uint64_t sp);
/* Stops the program by a signal's default action. */
_Noreturn void signal_die(int sig);
/* The host's word of signals that came; from the first start block. */
void signal_init(uint64_t *untrusted);

#endif
#endif

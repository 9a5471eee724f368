/* SPDX-License-Identifier: MIT */
/*
 * What crosses the edge between a running enclave and its host. All of it lies in the host's
 * memory: each thread has a block and an arena there. To ask for something a thread fills its
 * block, leaves (EEXIT), and is entered again when the host has put the result there. The enclave
 * believes none of it: it copies once, in aligned units of eight bytes, and checks.
 *
 * Freestanding. Every part that asks the host for things has a range of numbers and its own
 * header for them, so that the parts stay apart: the runtime's are here.
 */
#ifndef SCW_ABI_OCALL_H
#define SCW_ABI_OCALL_H

#include <stddef.h>
#include <stdint.h>

#define ABI_START_VERSION    1u
/* bytes, each thread; a host may give more, never less. The longest record of the channel fits. */
#define ABI_ARENA_SIZE	     (260u << 10)
#define ABI_MAX_STRINGS	     4096u	  /* arguments and environment */
#define ABI_MAX_STRINGS_SIZE (256u << 10)
#define ABI_PAGE_SIZE	     4096u

/* Results are >= 0, or negative errno numbers of Linux (-4095 at least). */
enum abi_ocall_number {
	/* In the block when the host enters; still there afterwards: the entry was refused. */
	ABI_OCALL_NONE = 0,
	/* a0: exit code of the program, 0..255; a1: signal that killed it, or 0. Doesn't return. */
	ABI_OCALL_EXIT = 1,
	/* The thread ends: its host thread may go. Doesn't return; the TCS is free after the EEXIT.
	 */
	ABI_OCALL_EXIT_THREAD = 2,
	/* a0: size of a text in the arena, for people. The enclave stops itself. Doesn't return. */
	ABI_OCALL_ABORT = 3,
	/* a0: clock, as clock_gettime(2). Result: nanoseconds. */
	ABI_OCALL_CLOCK = 4,
	/* a0: nanoseconds. Sleeps; -EINTR when a signal came. */
	ABI_OCALL_SLEEP = 5,
	/* a0: nanoseconds, UINT64_MAX for ever. Sleeps until somebody wakes this thread, which can
	   also have been before; -ETIMEDOUT, -EINTR. May return at any time. */
	ABI_OCALL_WAIT = 6,
	/* a0: index of the thread to wake. */
	ABI_OCALL_WAKE = 7,
	/* a0: index of a thread: a new host thread is to enter its TCS. */
	ABI_OCALL_SPAWN = 8,
	/* Let others run. */
	ABI_OCALL_YIELD = 9,
	/* a0: index of a thread: interrupt the call that it sleeps in, if it does. */
	ABI_OCALL_KICK = 10,
	/* a0: offset from the base, a1: bytes, a2: PROT_*. Page-table permissions, for what an
	   honest host's are worth (guard pages). */
	ABI_OCALL_PROTECT = 11,
	/* a0: first, a1: period in nanoseconds, 0: never: SIGALRM, as setitimer(ITIMER_REAL).
	   Result: nanoseconds that were left. */
	ABI_OCALL_TIMER = 12,

	/* System calls of the program that go outside: abi/proxy.h */
	ABI_OCALL_PROXY_FIRST = 64,
	ABI_OCALL_PROXY_LAST = 191,
	/* The watched guest's memory, and evidence: abi/guest.h */
	ABI_OCALL_GUEST_FIRST = 192,
	ABI_OCALL_GUEST_LAST = 255,
};

/* A thread's block; eight-byte aligned. */
struct abi_ocall {
	uint64_t number; /* enum abi_ocall_number */
	uint64_t args[6];
	int64_t result;
};
_Static_assert(sizeof(struct abi_ocall) == 64, "block of a thread");

/*
 * What a thread is given at its first entry (EENTER with its address in RDI); eight-byte aligned,
 * in the host's memory. Copied once; all of its addresses have to lie outside the enclave.
 */
struct abi_start {
	uint64_t version;    /* ABI_START_VERSION */
	uint64_t size;	     /* of this structure */
	uint64_t ocall;	     /* address of this thread's struct abi_ocall */
	uint64_t arena;	     /* address, eight-byte aligned */
	uint64_t arena_size; /* bytes, at least ABI_ARENA_SIZE */
	/* address of a word of the process: bit n - 1 is set by the host when signal n has come,
	   and cleared (all at once) by the enclave */
	uint64_t signals;
	/* For the first thread only, else zeros. NUL-terminated strings one after the other: the
	   name of the VM (may be empty), then `argc` arguments, then `envc` of the environment. */
	uint64_t strings; /* address, eight-byte aligned */
	uint64_t strings_size;
	uint64_t argc;
	uint64_t envc;
};
_Static_assert(sizeof(struct abi_start) == 80, "start block");

#endif

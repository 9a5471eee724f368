/* SPDX-License-Identifier: MIT */
/*
 * How an end of a ring waits on Linux: it looks for a while, then sleeps on a futex, a slice at a
 * time, and between slices sees whether its socket was hung up and whether its time is over.
 */
#ifndef SCW_CARRIER_WAIT_H
#define SCW_CARRIER_WAIT_H

#include <sched.h>
#include <stdint.h>

#include "channel/ring.h"

enum {
	CARRIER_SPIN_NS = 50000, /* what one sleep and its wake-up cost: see bench/ring */
	CARRIER_AWAIT_NS = 250000, /* who waits for an answer has nothing else to do: see docs/PERFORMANCE.md */
};

struct carrier_wait {
	struct channel_ring_wait wait;
	int socket;	      /* whose hang-up says that the peer is gone; -1: none */
	uint64_t deadline_ns; /* carrier_now(): when waiting ends with ERR_LIMIT; 0: never */
	uint64_t waits;	      /* the hook's own: the wait in which it slept last */
	cpu_set_t cpus;	      /* carrier_wait_part(): that this thread may run on */
	uint64_t patience_ns, parted_ns; /* for how long not to part again, and when it did last */
	unsigned int yields;
};

/*
 * `spins_max` as carrier_spins() says, or 0 to sleep at once. The hooks call futex, poll and
 * clock_gettime, nothing else, and allocate nothing.
 */
void carrier_wait_init(struct carrier_wait *w, int socket, uint32_t spins_max);

/*
 * Leave this thread's CPU to the other end when both are, or may be, on one: the scheduler keeps them there for many
 * milliseconds, though others are idle. `cpus`: sched_getaffinity() of this thread, with which that calls sched_setaffinity.
 * Seldom, and the more seldom the oftener it did: there may be no idle CPU.
 */
void carrier_wait_part(struct carrier_wait *w, const cpu_set_t *cpus);

/*
 * How often the ring may look in `ns` nanoseconds on this machine; 0 if this thread has only one CPU
 * to run on. Takes some microseconds; calls sched_getaffinity: before a seccomp filter, say.
 */
uint32_t carrier_spins(uint64_t ns);

/* Nanoseconds of CLOCK_MONOTONIC. */
uint64_t carrier_now(void);

#endif

// SPDX-License-Identifier: MIT
/* See worker.h. */
#include "worker.h"

#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "carrier/wait.h"

enum {
	SPIN_NS = 100000,	 /* looked for without a pause once the device sleeps */
	ASLEEP_NS = 10000,	 /* shortest pause between looks while the device sleeps */
	AWAKE_NS = 100000,	 /* and while it doesn't, so that nobody has to be woken */
	PAUSE_MAX_NS = 1000000,
	PAUSE_PART = 32,	 /* a pause is this part of the time in which nothing was wanted */
};
#define PARK_NS 1000000000ull

struct worker {
	_Alignas(64) struct abi_worker shared;
	_Alignas(64) struct channel_ring_head *ring; /* NULL: only the time is told */
	pthread_t thread;
	atomic_uint_fast64_t served; /* of shared.wanted */
	atomic_uint stopping, parked; /* parked: a futex, 1 while the thread sleeps for good */
};

static void futex(void *word, int op, uint32_t value)
{
	syscall(SYS_futex, word, op, value, NULL, NULL, 0);
}

bool worker_serve(struct worker *w)
{
	uint64_t wanted = __atomic_load_n(&w->shared.wanted, __ATOMIC_SEQ_CST);

	if (atomic_exchange(&w->served, wanted) == wanted)
		return false;
	if (!w->ring)
		return true;
	/* which of them isn't told; at most one has somebody who sleeps */
	futex(&w->ring->to_device.data_bell, FUTEX_WAKE, 1);
	futex(&w->ring->to_client.room_bell, FUTEX_WAKE, 1);
	return true;
}

static bool device_sleeps(const struct worker *w)
{
	return w->ring && (__atomic_load_n(&w->ring->to_device.data_bell, __ATOMIC_RELAXED) ||
			   __atomic_load_n(&w->ring->to_client.room_bell, __ATOMIC_RELAXED));
}

static void pause_for(uint64_t ns)
{
	struct timespec t = {.tv_nsec = (long)ns};

	nanosleep(&t, NULL);
}

static void pause_between_looks(const struct worker *w, uint64_t idle)
{
	bool asleep = device_sleeps(w);
	uint64_t ns = idle / PAUSE_PART, least = asleep ? ASLEEP_NS : AWAKE_NS;

	if (asleep && idle < SPIN_NS)
		channel_ring_relax();
	else
		pause_for(ns < least ? least : ns > PAUSE_MAX_NS ? PAUSE_MAX_NS : ns);
}

/* Sleep until the enclave asks its host for a wake. */
static void park(struct worker *w)
{
	atomic_store(&w->parked, 1);
	__atomic_store_n(&w->shared.watching, 0, __ATOMIC_SEQ_CST);
	/* it may have looked at `watching` before: then this sees what it wanted */
	if (!worker_serve(w))
		while (atomic_load(&w->parked) && !atomic_load(&w->stopping))
			futex(&w->parked, FUTEX_WAIT_PRIVATE, 1);
	atomic_store(&w->parked, 0);
}

static void *work(void *arg)
{
	struct worker *w = arg;
	uint64_t now = carrier_now(), last = now;

	prctl(PR_SET_TIMERSLACK, 1);
	while (!atomic_load(&w->stopping)) {
		__atomic_store_n(&w->shared.clock, now, __ATOMIC_RELAXED);
		__atomic_store_n(&w->shared.watching, 1, __ATOMIC_SEQ_CST);
		if (worker_serve(w))
			last = now;
		if (now - last < PARK_NS) {
			pause_between_looks(w, now - last);
			now = carrier_now();
		} else {
			park(w);
			last = now = carrier_now();
		}
	}
	return NULL;
}

void worker_unpark(struct worker *w)
{
	if (atomic_exchange(&w->parked, 0))
		futex(&w->parked, FUTEX_WAKE_PRIVATE, 1);
}

struct worker *worker_start(struct channel_ring_head *ring_or_null)
{
	struct worker *w;
	sigset_t all, before;
	cpu_set_t cpus;
	int failed;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) < 2)
		return NULL;
	w = aligned_alloc(64, sizeof(*w));
	if (!w)
		return NULL;
	*w = (struct worker){.ring = ring_or_null};
	w->shared = (struct abi_worker){.watching = 1, .clock = carrier_now()};
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	failed = pthread_create(&w->thread, NULL, work, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (failed) {
		free(w);
		return NULL;
	}
	return w;
}

void worker_stop(struct worker *w)
{
	if (!w)
		return;
	atomic_store(&w->stopping, 1);
	worker_unpark(w);
	pthread_join(w->thread, NULL);
	free(w);
}

struct abi_worker *worker_shared(struct worker *w)
{
	return &w->shared;
}

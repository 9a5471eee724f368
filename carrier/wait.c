// SPDX-License-Identifier: MIT
/* Futex, hang-up and deadline behind the ring's hooks. */
#include "carrier/wait.h"

#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
	/* A peer's death is noticed after so long at most; a live peer wakes at once. */
	SLICE_NS = 200 * 1000 * 1000,
	CALIBRATION = 128,
	/* How long to bear with the other end on one's CPU: at first, and at most. */
	PATIENCE_NS = 1000 * 1000,
	PATIENCE_LONGEST_NS = 128 * PATIENCE_NS,
	YIELDS_MAX = 8,
};

uint64_t carrier_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static bool hung_up(int socket)
{
	struct pollfd p = {.fd = socket, .events = POLLRDHUP};

	return socket >= 0 && poll(&p, 1, 0) == 1 &&
	       p.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL);
}

static enum err sleep_on(struct channel_ring_wait *wait, uint64_t *bell, struct err_ctx *err)
{
	struct carrier_wait *w = (struct carrier_wait *)wait;
	uint64_t slice = SLICE_NS, now;
	struct timespec t = {0};

	/* The wait goes on: a slice has passed, or somebody woke us for nothing, perhaps in leaving. */
	if (w->waits == wait->waits && hung_up(w->socket))
		return err_set(err, ERR_GONE, "the other end of the ring has ended");
	w->waits = wait->waits;
	if (w->deadline_ns) {
		now = carrier_now();
		if (now >= w->deadline_ns)
			return err_set(err, ERR_LIMIT, "the other end of the ring took too long");
		if (w->deadline_ns - now < slice)
			slice = w->deadline_ns - now;
	}
	t.tv_nsec = (long)slice;
	/* Shared between processes, thus without FUTEX_PRIVATE_FLAG. The lower half comes first. */
	syscall(SYS_futex, bell, FUTEX_WAIT, 1, &t, NULL, 0);
	return ERR_OK;
}

static void wake(struct channel_ring_wait *wait, uint64_t *bell)
{
	(void)wait;
	syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static uint64_t cpu(struct channel_ring_wait *wait)
{
	(void)wait;
	return (uint64_t)(sched_getcpu() + 1);
}

void carrier_wait_init(struct carrier_wait *w, int socket, uint32_t spins_max)
{
	*w = (struct carrier_wait){
		.wait = {.sleep = sleep_on,
			 .wake = wake,
			 .cpu = cpu,
			 .spins_max = spins_max,
			 .spins = spins_max},
		.socket = socket,
	};
}

/* To any other CPU, which the kernel chooses; from there on it may run on all as before. */
static void move_away(struct channel_ring_wait *wait, bool unseen)
{
	struct carrier_wait *w = (struct carrier_wait *)wait;
	uint64_t now = carrier_now();
	cpu_set_t others = w->cpus;
	int here = sched_getcpu();

	/* this thread may have taken the CPU from it when it was woken */
	if (unseen && w->yields < YIELDS_MAX) {
		w->yields++;
		sched_yield();
	}
	if (unseen || here < 0 || now - w->parted_ns < w->patience_ns)
		return;
	CPU_CLR((size_t)here, &others);
	if (CPU_COUNT(&others) && sched_setaffinity(0, sizeof(others), &others) == 0)
		(void)!sched_setaffinity(0, sizeof(w->cpus), &w->cpus);
	w->parted_ns = now;
	if (w->patience_ns < PATIENCE_LONGEST_NS)
		w->patience_ns *= 2;
}

void carrier_wait_part(struct carrier_wait *w, const cpu_set_t *cpus)
{
	w->cpus = *cpus;
	w->patience_ns = PATIENCE_NS;
	w->wait.part = move_away;
}

uint32_t carrier_spins(uint64_t ns)
{
	static const uint64_t word;
	uint64_t begun, took;
	cpu_set_t cpus;

	if (sched_getaffinity(0, sizeof(cpus), &cpus) == 0 && CPU_COUNT(&cpus) < 2)
		return 0;
	begun = carrier_now();
	for (int i = 0; i < CALIBRATION; i++) {
		channel_ring_relax();
		(void)__atomic_load_n(&word, __ATOMIC_SEQ_CST);
	}
	took = carrier_now() - begun;
	return (uint32_t)(ns * CALIBRATION / (took ? took : 1)) + 1;
}

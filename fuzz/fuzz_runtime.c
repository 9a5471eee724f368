// SPDX-License-Identifier: MIT
/*
 * A host that answers the runtime's own requests as it likes: the input is what to do and what
 * comes back. Time mustn't go back, memory given out has to be zeros and ours, whatever the answers
 * are.
 */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <time.h>

#include "native_enclave.h"
#include "trusted/ocall.h"

/* for its queues: an input may end in the middle of a wait, and the next begins anew */
#include "../enclave/trusted/futex.c"

#define MAX_CALLS 400

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input;
static size_t left, served;
static jmp_buf stopped;

static uint64_t next(size_t bytes)
{
	uint64_t value = 0;

	for (; bytes && left; bytes--, left--)
		value = value << 8 | *input++;
	return value;
}

static void serve(struct abi_ocall *call)
{
	/* a host that keeps saying that it isn't time yet has stopped us, and may */
	if (!left || ++served > MAX_CALLS)
		longjmp(stopped, 1);
	layout_signals = next(1) << (next(1) & 31);
	call->result = (int64_t)(next(1) % 2 ? next(8) : next(4));
	memset(layout_arenas[0], (int)next(1), 64);
}

static void check(bool good)
{
	if (!good)
		abort();
}

static int never_runs(void *arg)
{
	(void)arg;
	return 0;
}

/* What the program's structures lie in: inside. */
static struct {
	struct trusted_timespec then[CLOCK_BOOTTIME + 1], now;
	struct trusted_itimerval timer;
	uint32_t word;
	int tid;
} * inside;

static void step(void)
{
	const int anonymous = MAP_PRIVATE | MAP_ANONYMOUS, rw = PROT_READ | PROT_WRITE;
	int clock = (int)(next(1) % (CLOCK_BOOTTIME + 1));
	uint64_t size = next(2), at = native.base + LAYOUT_HEAP + next(1) * ABI_PAGE;
	struct trusted_timespec *then = &inside->then[clock];
	long r;

	switch (next(1) % 10) {
	case 0:
		if (trusted_clock_gettime(clock, &inside->now))
			break;
		check(inside->now.nsec >= 0 && inside->now.nsec < 1000000000 &&
		      inside->now.sec >= 0);
		if (clock != CLOCK_THREAD_CPUTIME_ID)
			check(inside->now.sec > then->sec ||
			      (inside->now.sec == then->sec && inside->now.nsec >= then->nsec));
		*then = inside->now;
		break;
	case 1:
		inside->now = (struct trusted_timespec){(int64_t)next(2), (int64_t)next(4)};
		(void)trusted_clock_nanosleep(clock, (int)next(1) & 1, &inside->now, &inside->now);
		break;
	case 2:
		inside->now = (struct trusted_timespec){0, (int64_t)next(4)};
		r = trusted_futex(&inside->word, FUTEX_WAIT, 0, (uint64_t)&inside->now, NULL, 0);
		check(r == -ETIMEDOUT || r == -EINVAL || r == -EINTR);
		break;
	case 3:
		inside->timer.value = (struct trusted_timeval){(int64_t)next(2), (int64_t)next(3)};
		if (!trusted_setitimer(0, &inside->timer, &inside->timer))
			check(inside->timer.value.sec >= 0 && inside->timer.value.usec < 1000000);
		break;
	case 4:
		r = trusted_mmap(0, size, (int)next(1) & rw, anonymous);
		if (r < 0)
			break;
		check(trusted_inside((void *)r, size) && (uint64_t)r % ABI_PAGE == 0);
		for (uint64_t i = 0; i < size; i++)
			check(((uint8_t *)r)[i] == 0);
		memset((void *)r, 0xee, size);
		break;
	case 5:
		/* but not what the structures lie in */
		if (at + ABI_PAGE + 16 * size < (uint64_t)inside)
			(void)trusted_munmap(at, 16 * size);
		break;
	case 6:
		if (at + ABI_PAGE + size < (uint64_t)inside)
			(void)trusted_mprotect(at, size, (int)next(1) & rw);
		break;
	case 7:
		r = trusted_clone(never_runs, (void *)(uint64_t)inside,
				  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD |
				      CLONE_PARENT_SETTID,
				  NULL, &inside->tid, NULL, NULL);
		check(r == -EAGAIN ||
		      (r > TRUSTED_PID && r < TRUSTED_PID + NATIVE_THREADS && r == inside->tid));
		break;
	case 8:
		if (at + ABI_PAGE + 17 * size < (uint64_t)inside)
			(void)trusted_mremap(at, size, size * 2, 1, 0);
		break;
	case 9:
		(void)trusted_brk(native.base + LAYOUT_HEAP + ABI_PAGE + size);
		break;
	}
	trusted_safe_point();
}

static void end(void)
{
	longjmp(stopped, 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	input = data;
	left = size;
	served = 0;
	native.serve = serve;
	native.left = end;
	(void)layout_enclave();
	if (setjmp(stopped) == 0) {
		long r = trusted_mmap(0, sizeof(*inside), PROT_READ | PROT_WRITE,
				      MAP_PRIVATE | MAP_ANONYMOUS);

		if (r < 0)
			abort();
		inside = (void *)r;
		/* what the last input's clocks said still holds */
		memset(inside, 0, sizeof(*inside));
		while (left)
			step();
	}
	trusted_self()->lock_depth = 0;
	memset(buckets, 0, sizeof(buckets));
	return 0;
}

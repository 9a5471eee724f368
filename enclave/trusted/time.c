// SPDX-License-Identifier: MIT
/*
 * Time: there is none inside but the host's. It is believed as far as that goes: a clock never
 * goes back (a step back stands still until it is made up), and is never negative. What a clock
 * says is no security's ground.
 */
#include <errno.h>
#include <time.h>

#include "thread.h"
#include "trusted/ocall.h"

#define SECOND	    1000000000ll
#define MAX_SECONDS (INT64_MAX / SECOND - 1)

/* What a clock has said last, in nanoseconds; coarse ones are the same as the fine ones. */
static int64_t last[CLOCK_BOOTTIME + 1];
static uint64_t ticks;

static int canonical(int clock)
{
	switch (clock) {
	case CLOCK_REALTIME:
	case CLOCK_MONOTONIC:
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_BOOTTIME:
		return clock;
	case CLOCK_REALTIME_COARSE:
		return CLOCK_REALTIME;
	case CLOCK_MONOTONIC_COARSE:
		return CLOCK_MONOTONIC;
	}
	return -1;
}

/* Nanoseconds of a canonical clock. */
static int64_t ask(int clock)
{
	int64_t before, now = trusted_ocall(ABI_OCALL_CLOCK, (uint64_t)clock, 0, 0, 0, 0, 0);

	if (now < 0)
		trusted_abort("the host has no clock");
	if (clock == CLOCK_THREAD_CPUTIME_ID)
		return now; /* of a thread's own: nothing to compare it with */
	before = __atomic_load_n(&last[clock], __ATOMIC_RELAXED);
	while (now > before)
		if (__atomic_compare_exchange_n(&last[clock], &before, now, true, __ATOMIC_RELAXED,
						__ATOMIC_RELAXED))
			return now;
	return before;
}

uint64_t trusted_now(void)
{
	return (uint64_t)ask(CLOCK_MONOTONIC);
}

uint64_t time_ticks(void)
{
	uint64_t base = (uint64_t)__atomic_load_n(&last[CLOCK_MONOTONIC], __ATOMIC_RELAXED);

	return base + __atomic_add_fetch(&ticks, 64, __ATOMIC_RELAXED);
}

uint64_t time_of(int clock)
{
	return (uint64_t)ask(canonical(clock));
}

long trusted_clock_gettime(int clock, struct trusted_timespec *ret)
{
	int64_t now;

	clock = canonical(clock);
	if (clock < 0)
		return -EINVAL;
	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	now = ask(clock);
	*ret = (struct trusted_timespec){now / SECOND, now % SECOND};
	return 0;
}

long trusted_clock_getres(int clock, struct trusted_timespec *ret)
{
	if (canonical(clock) < 0)
		return -EINVAL;
	if (!ret)
		return 0;
	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	*ret = (struct trusted_timespec){0, 1};
	return 0;
}

bool time_to_ns(const struct trusted_timespec *t, uint64_t *ret)
{
	if (t->sec < 0 || t->nsec < 0 || t->nsec >= SECOND)
		return false;
	*ret = t->sec > MAX_SECONDS ? THREAD_NS_FOREVER - 1
				    : (uint64_t)t->sec * SECOND + (uint64_t)t->nsec;
	return true;
}

long trusted_clock_nanosleep(int clock, int flags, const struct trusted_timespec *wish,
			     struct trusted_timespec *left_ret)
{
	uint64_t ns, now, deadline;

	clock = canonical(clock);
	if (clock < 0 || clock == CLOCK_THREAD_CPUTIME_ID)
		return -EINVAL;
	if (!trusted_readable(wish, sizeof(*wish)))
		return -EFAULT;
	if (!time_to_ns(wish, &ns))
		return -EINVAL;
	now = time_of(clock);
	deadline = flags & TIMER_ABSTIME ? ns : now + ns;
	if (deadline < now && !(flags & TIMER_ABSTIME))
		deadline = THREAD_NS_FOREVER;
	/* the host may come back early: only its clock counts */
	while (now < deadline) {
		if (trusted_interrupted()) {
			now = time_of(clock);
			ns = now < deadline ? deadline - now : 0;
			if (left_ret && !(flags & TIMER_ABSTIME)) {
				if (!trusted_writable(left_ret, sizeof(*left_ret)))
					return -EFAULT;
				*left_ret = (struct trusted_timespec){(int64_t)(ns / SECOND),
								      (int64_t)(ns % SECOND)};
			}
			return -EINTR;
		}
		(void)trusted_ocall(ABI_OCALL_SLEEP, deadline - now, 0, 0, 0, 0, 0);
		now = time_of(clock);
	}
	return 0;
}

long trusted_nanosleep(const struct trusted_timespec *wish, struct trusted_timespec *left_ret)
{
	return trusted_clock_nanosleep(CLOCK_MONOTONIC, 0, wish, left_ret);
}

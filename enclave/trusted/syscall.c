// SPDX-License-Identifier: MIT
/*
 * System calls of the program inside: one table, and what isn't in it is refused. calls.list.h is the
 * table; this file makes code of it and holds the calls that are a line or two.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>

#include "calls.h"
#include "fork.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/program.h"
#include "trusted/runtime.h"

enum {
	/* asm/prctl.h, linux/prctl.h */
	SET_GS = 0x1001,
	SET_FS = 0x1002,
	GET_FS = 0x1003,
	GET_GS = 0x1004,
	PR_GET_DUMPABLE_ = 3,
	PR_SET_NAME_ = 15,
	PR_GET_NAME_ = 16,
	NAME_SIZE = 16,
	NSEC_PER_USEC = 1000,
	CLOCK_TICKS = 100,
};

static long own_set_tid_address(int *tid)
{
	trusted_set_tid_address(tid);
	return trusted_in_child() ? process_pid() : trusted_gettid();
}

static long own_arch_prctl(int code, long addr)
{
	uint64_t base;

	switch (code) {
	case SET_FS:
		return trusted_set_fs((uint64_t)addr);
	case GET_FS:
		base = trusted_get_fs();
		if (!trusted_writable((void *)addr, sizeof(base)))
			return -EFAULT;
		memcpy((void *)addr, &base, sizeof(base));
		return 0;
	default:
		return -EINVAL;
	}
}

/* The name of a thread is for people who look from outside: nobody can. */
static long own_prctl(int option, void *arg)
{
	switch (option) {
	case PR_SET_NAME_:
		return 0;
	case PR_GET_NAME_:
		if (!trusted_writable(arg, NAME_SIZE))
			return -EFAULT;
		memset(arg, 0, NAME_SIZE);
		return 0;
	case PR_GET_DUMPABLE_:
		return 0;
	default:
		return -EINVAL;
	}
}

static long own_gettimeofday(struct trusted_timeval *tv, int32_t *zone)
{
	struct trusted_timespec now;
	long r = 0;

	if (tv) {
		if (!trusted_writable(tv, sizeof(*tv)))
			return -EFAULT;
		r = trusted_clock_gettime(0, &now);
		if (!r)
			*tv = (struct trusted_timeval){ now.sec, now.nsec / NSEC_PER_USEC };
	}
	if (!r && zone) {
		if (!trusted_writable(zone, 2 * sizeof(*zone)))
			return -EFAULT;
		zone[0] = zone[1] = 0;
	}
	return r;
}

static long own_time(int64_t *ret)
{
	struct trusted_timespec now;
	long r = trusted_clock_gettime(0, &now);

	if (r)
		return r;
	if (ret) {
		if (!trusted_writable(ret, sizeof(*ret)))
			return -EFAULT;
		*ret = now.sec;
	}
	return now.sec;
}

/* Processor time isn't known inside; the result is the clock in ticks. */
static long own_times(int64_t *ret)
{
	if (ret) {
		if (!trusted_writable(ret, 4 * sizeof(*ret)))
			return -EFAULT;
		memset(ret, 0, 4 * sizeof(*ret));
	}
	return (long)(trusted_now() / (1000000000 / CLOCK_TICKS));
}

static long own_getrusage(void *ret)
{
	enum { RUSAGE_SIZE = 144 };

	if (!trusted_writable(ret, RUSAGE_SIZE))
		return -EFAULT;
	memset(ret, 0, RUSAGE_SIZE);
	return 0;
}

static long own_setitimer(int which, const struct trusted_itimerval *value, struct trusted_itimerval *old)
{
	if (fork_is_on() && value)
		fork_has_timer();
	return trusted_setitimer(which, value, old);
}

static long own_alarm(unsigned int seconds)
{
	struct trusted_itimerval wish = { .value = { seconds, 0 } }, old;
	long r = own_setitimer(0, &wish, &old);

	return r ? r : (long)(old.value.sec + (old.value.usec ? 1 : 0));
}

/* The others run meanwhile. */
static long own_sigsuspend(const uint64_t *mask, size_t size)
{
	uint64_t old;
	long r;

	if (!fork_is_on())
		return trusted_sigsuspend(mask, size);
	r = trusted_sigprocmask(SIG_SETMASK, mask, &old, size);
	if (r)
		return r;
	while (!fork_pause(FORK_FOR_EVER))
		;
	trusted_safe_point();
	trusted_sigprocmask(SIG_SETMASK, &old, NULL, sizeof(old));
	return -EINTR;
}

static long own_pause(void)
{
	uint64_t mask;
	long r = trusted_sigprocmask(SIG_BLOCK, NULL, &mask, sizeof(mask));

	return r ? r : own_sigsuspend(&mask, sizeof(mask));
}

static long own_nanosleep(const struct trusted_timespec *wish, struct trusted_timespec *left)
{
	const int64_t second = 1000000000;
	uint64_t now = trusted_now(), until;
	long r = 0;

	if (!fork_is_on())
		return trusted_nanosleep(wish, left);
	if (!trusted_readable(wish, sizeof(*wish)) || (left && !trusted_writable(left, sizeof(*left))))
		return -EFAULT;
	if (wish->sec < 0 || wish->nsec < 0 || wish->nsec >= second)
		return -EINVAL;
	until = wish->sec < INT64_MAX / second - 1 - (int64_t)(now / (uint64_t)second) ?
			now + (uint64_t)(wish->sec * second + wish->nsec) : FORK_FOR_EVER;
	while (!r && now < until) {
		r = fork_pause(until);
		now = trusted_now();
	}
	if (r && left && now < until)
		*left = (struct trusted_timespec){ (int64_t)((until - now) / (uint64_t)second),
						   (int64_t)((until - now) % (uint64_t)second) };
	return r && now < until ? r : 0;
}

static long own_ids(uint32_t *real, uint32_t *effective, uint32_t *saved)
{
	if (!trusted_writable(real, 4) || !trusted_writable(effective, 4) ||
	    !trusted_writable(saved, 4))
		return -EFAULT;
	*real = *effective = *saved = 0;
	return 0;
}

/* Root stays root: nobody else is known inside. -1 is "as it is". */
static long own_becomes(unsigned int a, unsigned int b, unsigned int c)
{
	return (a && ~a) || (b && ~b) || (c && ~c) ? -EPERM : 0;
}

static long own_getcpu(uint32_t *cpu, uint32_t *node)
{
	if ((cpu && !trusted_writable(cpu, 4)) || (node && !trusted_writable(node, 4)))
		return -EFAULT;
	if (cpu)
		*cpu = 0;
	if (node)
		*node = 0;
	return 0;
}

static long own_priority_limit(int policy, int of_real_time)
{
	switch (policy) {
	case 1: /* SCHED_FIFO, SCHED_RR */
	case 2:
		return of_real_time;
	case 0: /* SCHED_OTHER, SCHED_BATCH, SCHED_IDLE, SCHED_DEADLINE */
	case 3:
	case 5:
	case 6:
		return 0;
	default:
		return -EINVAL;
	}
}

static void own_exit_group(int code)
{
	bool locked;

	if (trusted_in_child())
		process_exit(code);
	/* not if this is a handler in the midst of a call on files */
	locked = layer_lock();
	code = trusted_vfs_end(code, locked);
	if (locked)
		layer_unlock();
	trusted_output_end();
	trusted_exit_group(code);
}

/* Another program has one thread. */
static void own_exit(int code)
{
	if (trusted_in_child())
		process_exit(code);
	trusted_exit_thread(code);
}

#define I(n) ((int)a[n])
#define U(n) ((unsigned int)a[n])
#define L(n) (a[n])
#define P(n) ((void *)a[n])

static long dispatch(long number, const long a[6])
{
	switch (number) {
#define CALL(where, name, result) \
	case SYS_##name:          \
		return result;
#include "calls.list.h"
#undef CALL
	default:
		return -ENOSYS;
	}
}

/* Of another program: the first one's, which has the guest. */
static trusted_call_fn *parent;

void trusted_be_child(trusted_call_fn *of_parent)
{
	parent = of_parent;
}

bool trusted_is_other(void)
{
	return parent;
}

/*
 * What this side uses of the C library and of llview goes by the thread pointer, so that it is this side's
 * meanwhile; handlers are the other program's, and have its own. No brk: it has mmap().
 */
long trusted_child_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	const long args[6] = { a, b, c, d, e, f };
	uint64_t fs = trusted_get_fs();
	long r;

	if (n == SYS_brk)
		return 0;
	if (n != SYS_arch_prctl)
		trusted_set_fs(process_parent_fs());
	r = dispatch(n, args);
	if (n != SYS_arch_prctl)
		trusted_set_fs(fs);
	if (n == SYS_mmap && r > 0)
		trusted_own((uint64_t)r, (size_t)b, trusted_process());
	if (n == SYS_mremap && r > 0)
		trusted_own((uint64_t)r, (size_t)c, trusted_process());
	trusted_safe_point();
	return r;
}

long trusted_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	const long args[6] = { a, b, c, d, e, f };
	long r;

	if (parent)
		return parent(n, a, b, c, d, e, f);
	r = dispatch(n, args);

	/* calls that the layer's own use of the C library makes end within it: no handler runs there */
	if (!layer_is_locked_here())
		trusted_safe_point();
	return r;
}

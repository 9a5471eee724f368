// SPDX-License-Identifier: MIT
/* A host that lies about what the runtime itself asks for: pages, threads, waits, timers, and signals at will. */
#include <errno.h>
#include <linux/futex.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

#include <cmocka.h>

#include "base/checked.h"
#include "blocks.h"
#include "native_enclave.h"
#include "trusted/ocall.h"

#define SECOND 1000000000ll

static const int64_t lies[] = {0, 1, -1, -EAGAIN, -4096, INT64_MAX, INT64_MIN, 1ll << 40};

static int64_t answer, clock_ns;
static unsigned int waits, handled;
static uint64_t announced; /* at each request */

static void serve(struct abi_ocall *call)
{
	layout_signals |= announced;
	waits += call->number == ABI_OCALL_WAIT;
	if (call->number == ABI_OCALL_CLOCK)
		clock_ns += SECOND / 50;
	call->result = call->number == ABI_OCALL_CLOCK ? clock_ns : answer;
}

static void never_leaves(void)
{
	fail_msg("the enclave stopped itself");
}

/* Memory of the program's. */
static void *page(void)
{
	long r = trusted_mmap(0, ABI_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	assert_true(r > 0);
	return (void *)r;
}

static int begin(void **state)
{
	(void)state;
	native.serve = serve;
	native.left = never_leaves;
	answer = 0;
	announced = 0;
	waits = handled = 0;
	(void)layout_enclave();
	return 0;
}

/* Of this size each page once, as it was given by the host; then by the program, which gets zeros. */
static void pages_that_are_not_cleared(void **state)
{
	const size_t size = 16 * ABI_PAGE;
	uint8_t *p = (uint8_t *)trusted_mmap_unset(size - 1), *q;

	(void)state;
	assert_true(trusted_inside(p, size) && (uint64_t)p % ABI_PAGE == 0);
	assert_true(trusted_writable(p, size));
	assert_int_equal(p[0], 0xd5);
	assert_int_equal(p[size - 1], 0xd5);
	assert_int_equal(trusted_munmap((uint64_t)p, size), 0);
	assert_false(trusted_readable(p, 1));
	q = page();
	assert_ptr_equal(q, p + size - ABI_PAGE);
	for (size_t k = 0; k < ABI_PAGE; k++)
		assert_int_equal(q[k], 0);
	assert_int_equal(trusted_mmap_unset(0), -EINVAL);
	assert_int_equal(trusted_mmap_unset(LAYOUT_HEAP_SIZE), -ENOMEM);
}

static void blocks_large_and_small(void **state)
{
	static const size_t sizes[] = {100, 40000, 90000, 3000, 70000, 60000, 10};
	size_t used = trusted_heap_used();
	struct base_alloc a;
	uint8_t *p = NULL;

	(void)state;
	blocks_init(&a, 200000);
	for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
		size_t had = i ? sizes[i - 1] : 0, kept = had < sizes[i] ? had : sizes[i];

		p = base_alloc_resize(&a, p, 1, sizes[i]);
		assert_non_null(p);
		for (size_t k = 0; k < kept; k++)
			assert_int_equal(p[k], (uint8_t)(i + 6));
		memset(p, (int)(i + 7), sizes[i]);
	}
	base_free(&a, p);
	assert_int_equal(trusted_heap_used(), used);
	p = base_alloc_zeroed(&a, 10, 4000);
	assert_non_null(p);
	for (size_t k = 0; k < 40000; k++)
		assert_int_equal(p[k], 0);
	/* more than the heap has, within the limit */
	a.limit = SIZE_MAX;
	assert_null(base_alloc_resize(&a, p, 1, LAYOUT_HEAP_SIZE));
	assert_null(base_alloc_zeroed(&a, 1, LAYOUT_HEAP_SIZE));
	base_free(&a, p);
	assert_int_equal(trusted_heap_used(), used);
}

static void pages_whatever_the_host_says_of_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lies); i++) {
		uint8_t *p;

		answer = lies[i];
		p = page();
		assert_true(trusted_inside(p, ABI_PAGE) && (uint64_t)p % ABI_PAGE == 0);
		for (size_t k = 0; k < ABI_PAGE; k++)
			assert_int_equal(p[k], 0);
		memset(p, 0xaa, ABI_PAGE);
		assert_int_equal(trusted_mprotect((uint64_t)p, ABI_PAGE, PROT_READ), 0);
		assert_false(trusted_writable(p, 1));
		assert_int_equal(trusted_munmap((uint64_t)p, ABI_PAGE), 0);
		assert_false(trusted_readable(p, 1));
	}
}

static int never_runs(void *arg)
{
	(void)arg;
	return 0;
}

static long spawn(void)
{
	return trusted_clone(never_runs, page(),
			     CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL, NULL, NULL,
			     NULL);
}

static void threads_that_the_host_says_it_made_or_not(void **state)
{
	(void)state;
	for (size_t i = 0; i < BASE_COUNT(lies); i++) {
		(void)layout_enclave();
		answer = lies[i];
		/* not made: the number is free again */
		for (int again = 0; again < 3 && lies[i] < 0; again++)
			assert_int_equal(spawn(), -EAGAIN);
		answer = 0;
		assert_int_equal(trusted_thread_count(), 1);
		answer = lies[i] < 0 ? 0 : lies[i];
		for (long n = 1; n < NATIVE_THREADS; n++)
			assert_int_equal(spawn(), TRUSTED_PID + n);
		assert_int_equal(spawn(), -EAGAIN);
		assert_int_equal(trusted_thread_count(), NATIVE_THREADS);
	}
}

static void wakes_that_nobody_asked_for(void **state)
{
	struct trusted_timespec *second;
	uint32_t *word;

	(void)state;
	second = page();
	word = page();
	for (size_t i = 0; i < BASE_COUNT(lies); i++) {
		int64_t before = clock_ns;

		answer = lies[i];
		waits = 0;
		*second = (struct trusted_timespec){1, 0};
		assert_int_equal(trusted_futex(word, FUTEX_WAIT, 0, (uint64_t)second, NULL, 0), -ETIMEDOUT);
		assert_true(clock_ns - before >= SECOND && waits > 40);
	}
}

static void handle(int sig)
{
	assert_int_equal(sig, SIGTERM);
	handled++;
	/* the host goes on announcing */
	layout_signals = 1ull << (SIGTERM - 1);
}

static void set_handler(int sig, void (*fn)(int))
{
	struct trusted_action *action = page();

	action->handler = (uint64_t)fn;
	assert_int_equal(trusted_sigaction(sig, action, NULL, 8), 0);
}

static void signals_that_no_host_may_send(void **state)
{
	static const int may[] = {SIGHUP, SIGINT, SIGQUIT, SIGUSR1, SIGUSR2, SIGALRM, SIGTERM, SIGCONT, SIGTSTP,
				  SIGWINCH};
	uint64_t *set, allowed = 0;

	(void)state;
	set = page();
	for (size_t i = 0; i < BASE_COUNT(may); i++)
		allowed |= 1ull << (may[i] - 1);
	trusted_self()->blocked = ~0ull;
	layout_signals = ~0ull;
	assert_int_equal(trusted_sigpending(set, 8), 0);
	assert_int_equal(*set, allowed);
	assert_int_equal(layout_signals, 0);
	for (int sig = 1; sig <= 64; sig++)
		if (sig != SIGKILL && sig != SIGSTOP)
			set_handler(sig, SIG_IGN);
	trusted_self()->blocked = 0;
	trusted_safe_point();
}

static void signals_announced_again_and_again(void **state)
{
	(void)state;
	set_handler(SIGTERM, handle);
	announced = 1ull << (SIGTERM - 1);
	/* not in the middle of a request of the runtime's */
	for (int i = 0; i < 10; i++)
		(void)trusted_now();
	assert_int_equal(handled, 0);
	/* one run for each look, however often it was announced */
	for (unsigned int i = 1; i <= 10; i++) {
		trusted_safe_point();
		assert_int_equal(handled, i);
	}
	trusted_self()->blocked = announced;
	trusted_safe_point();
	assert_int_equal(handled, 10);
	announced = layout_signals = 0;
	trusted_self()->blocked = 0;
	set_handler(SIGTERM, SIG_IGN);
	trusted_safe_point();
}

static void a_timer_with_more_left_than_it_had(void **state)
{
	struct trusted_itimerval *value, *old;

	(void)state;
	value = page();
	old = page();
	value->value.sec = 5;
	assert_int_equal(trusted_setitimer(ITIMER_REAL, value, NULL), 0);
	answer = INT64_MAX;
	assert_int_equal(trusted_setitimer(ITIMER_REAL, value, old), 0);
	assert_int_equal(old->value.sec, 5);
	answer = INT64_MIN;
	assert_int_equal(trusted_setitimer(ITIMER_REAL, value, old), -ENOSYS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, begin)
	const struct CMUnitTest tests[] = {
		TEST(pages_that_are_not_cleared),
		TEST(blocks_large_and_small),
		TEST(pages_whatever_the_host_says_of_them),
		TEST(threads_that_the_host_says_it_made_or_not),
		TEST(wakes_that_nobody_asked_for),
		TEST(signals_that_no_host_may_send),
		TEST(signals_announced_again_and_again),
		TEST(a_timer_with_more_left_than_it_had),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

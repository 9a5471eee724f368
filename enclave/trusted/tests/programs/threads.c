// SPDX-License-Identifier: MIT
/* Threads: more than there are TCSs, one after the other and at once; futexes as locks and as a
 * queue. */
#include <errno.h>
#include <linux/futex.h>
#include <sys/mman.h>

#include "mini.h"

#define ROUNDS	30
#define WORKERS 3
#define STEPS	300

static uint32_t mutex;
static uint64_t counter;
static uint32_t turn;

/* 0 free, 1 taken, 2 taken and somebody waits */
static void lock(void)
{
	uint32_t free = 0;

	if (__atomic_compare_exchange_n(&mutex, &free, 1, false, __ATOMIC_ACQUIRE,
					__ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&mutex, 2, __ATOMIC_ACQUIRE))
		(void)trusted_futex(&mutex, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 2, 0, NULL, 0);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&mutex, 0, __ATOMIC_RELEASE) == 2)
		(void)trusted_futex(&mutex, FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1, 0, NULL, 0);
}

static int count(void *arg)
{
	for (int i = 0; i < STEPS; i++) {
		lock();
		counter = counter + *(const uint64_t *)arg;
		if (i % 64 == 0)
			(void)trusted_sched_yield();
		unlock();
	}
	return 0;
}

/* Each waits for its number to come up. */
static int in_turn(void *arg)
{
	uint32_t mine = (uint32_t)(uint64_t)arg, now;

	for (int i = 0; i < 20; i++, mine += WORKERS) {
		while ((now = __atomic_load_n(&turn, __ATOMIC_ACQUIRE)) != mine)
			(void)trusted_futex(&turn, FUTEX_WAIT, now, 0, NULL, 0);
		__atomic_store_n(&turn, mine + 1, __ATOMIC_RELEASE);
		(void)trusted_futex(&turn, FUTEX_WAKE, INT32_MAX, 0, NULL, 0);
	}
	return 0;
}

static uint32_t gate, hall, passed;

static int wait_at_gate(void *arg)
{
	(void)arg;
	CHECK(trusted_futex(&gate, FUTEX_WAIT, 0, 0, NULL, 0) == 0);
	__atomic_fetch_add(&passed, 1, __ATOMIC_SEQ_CST);
	return 0;
}

static void test_requeue(void)
{
	struct mini_thread threads[WORKERS + 1];
	long moved = 0;

	for (int i = 0; i < WORKERS; i++)
		CHECK(mini_spawn(wait_at_gate, NULL, &threads[i]) > 0);
	/* the enclave has four */
	CHECK(mini_spawn(wait_at_gate, NULL, &threads[WORKERS]) == -EAGAIN);
	CHECK(trusted_futex(&gate, FUTEX_CMP_REQUEUE, 1, INT32_MAX, &hall, 1) == -EAGAIN);
	/* they come when they come */
	while (moved < WORKERS)
		moved += trusted_futex(&gate, FUTEX_CMP_REQUEUE, 0, INT32_MAX, &hall, 0);
	CHECK(passed == 0);
	CHECK(trusted_futex(&gate, FUTEX_WAKE, INT32_MAX, 0, NULL, 0) == 0);
	CHECK(trusted_futex(&hall, FUTEX_WAKE, 1, 0, NULL, 0) == 1);
	CHECK(trusted_futex(&hall, FUTEX_WAKE, INT32_MAX, 0, NULL, 0) == WORKERS - 1);
	for (int i = 0; i < WORKERS; i++)
		mini_join(&threads[i]);
	CHECK(passed == WORKERS);
}

int main(int argc, char **argv, char **envp)
{
	const uint64_t step[WORKERS] = {1, 1000, 1000000};
	struct mini_thread threads[WORKERS];
	int rounds = argc > 1 ? ROUNDS / 10 : ROUNDS;

	(void)argv;
	(void)envp;
	for (int round = 0; round < rounds; round++) {
		for (uint64_t i = 0; i < WORKERS; i++)
			CHECK(mini_spawn(count, (void *)&step[i], &threads[i]) > 0);
		for (int i = 0; i < WORKERS; i++)
			mini_join(&threads[i]);
	}
	CHECK(counter == 1001001ull * STEPS * (uint64_t)rounds);
	for (uint64_t i = 0; i < WORKERS; i++)
		CHECK(mini_spawn(in_turn, (void *)i, &threads[i]) > 0);
	for (int i = 0; i < WORKERS; i++)
		mini_join(&threads[i]);
	CHECK(turn == 20 * WORKERS);
	test_requeue();
	mini_print("threads: done\n");
	return 0;
}

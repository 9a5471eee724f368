// SPDX-License-Identifier: MIT
/*
 * Threads of the C library: mutexes, conditions, barriers, joins, detached ones, cancellation,
 * thread-local storage, malloc() in all of them; and memcpy(). usage: heavy [small]. Built by scw-cc --enclave. `small`
 * does each thing a few times only: for where every instruction is a signal.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define WORKERS 6
#define CHECK(x)                                                                                   \
	do {                                                                                       \
		if (!(x)) {                                                                        \
			printf("%s:%d: %s (%s)\n", __FILE__, __LINE__, #x, strerror(errno));       \
			exit(1);                                                                   \
		}                                                                                  \
	} while (0)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static pthread_barrier_t barrier;
static sem_t done;
static int queue[8], queued, taken, cleaned;
static long sum;
static __thread long mine = 7;
static int workers = WORKERS, items = 200, turns = 1500, detaches = 40, cancels = 6;
static size_t most = 200000, copied = 2900;

static void *consume(void *arg)
{
	(void)arg;
	CHECK(mine == 7);
	for (;;) {
		int item;

		pthread_mutex_lock(&lock);
		while (!queued)
			pthread_cond_wait(&changed, &lock);
		item = queue[0];
		memmove(queue, queue + 1, (size_t)--queued * sizeof(*queue));
		if (item >= 0)
			taken++;
		pthread_cond_broadcast(&changed);
		pthread_mutex_unlock(&lock);
		if (item < 0)
			break;
		mine += item;
	}
	pthread_mutex_lock(&lock);
	sum += mine - 7;
	pthread_mutex_unlock(&lock);
	return &lock;
}

static void put(int item)
{
	pthread_mutex_lock(&lock);
	while (queued == sizeof(queue) / sizeof(*queue))
		pthread_cond_wait(&changed, &lock);
	queue[queued++] = item;
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
}

static void queues(void)
{
	pthread_t threads[WORKERS];
	void *ret;

	sum = taken = 0;
	for (int i = 0; i < workers; i++)
		CHECK((errno = pthread_create(&threads[i], NULL, consume, NULL)) == 0);
	for (int i = 0; i < items; i++)
		put(i);
	for (int i = 0; i < workers; i++)
		put(-1);
	for (int i = 0; i < workers; i++) {
		CHECK(pthread_join(threads[i], &ret) == 0);
		CHECK(ret == &lock);
	}
	CHECK(taken == items && sum == (long)items * (items - 1) / 2);
}

/* malloc() and free() of many sizes, contents kept. */
static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(size_t)arg;
	struct {
		unsigned char *p;
		size_t size;
		unsigned char fill;
	} held[32] = {{0}};

	pthread_barrier_wait(&barrier);
	for (int i = 0; i < turns; i++) {
		int k = (int)((seed = seed * 1103515245u + 12345u) >> 16 & 31);
		size_t size = (seed >> 3) % (i % 50 == 0 ? most : most / 64);

		for (size_t n = 0; n < held[k].size; n += 97)
			CHECK(held[k].p[n] == held[k].fill);
		if (i % 3 == 0) {
			held[k].p = realloc(held[k].p, size + 1);
			if (held[k].size > size)
				held[k].size = size;
		} else {
			free(held[k].p);
			held[k].p = i % 2 ? malloc(size + 1) : calloc(1, size + 1);
		}
		CHECK(held[k].p);
		held[k].size = size;
		held[k].fill = (unsigned char)i;
		memset(held[k].p, i, size);
	}
	for (int k = 0; k < 32; k++)
		free(held[k].p);
	return NULL;
}

static void churns(void)
{
	pthread_t threads[WORKERS];

	CHECK(pthread_barrier_init(&barrier, NULL, (unsigned int)workers) == 0);
	for (size_t i = 0; i < (size_t)workers; i++)
		CHECK(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)) == 0);
	for (int i = 0; i < workers; i++)
		CHECK(pthread_join(threads[i], NULL) == 0);
	pthread_barrier_destroy(&barrier);
}

static void *post(void *arg)
{
	(void)arg;
	sem_post(&done);
	return NULL;
}

/* Where detached ones may not be gone yet, and have the enclave's threads. */
static void create(pthread_t *thread, const pthread_attr_t *attr, void *(*fn)(void *), void *arg)
{
	int e;

	while ((e = pthread_create(thread, attr, fn, arg)) == EAGAIN)
		usleep(1000);
	CHECK(e == 0);
}

/* Nobody joins: their stacks go when they do. */
static void detached(void)
{
	pthread_attr_t attr;
	pthread_t thread;

	CHECK(sem_init(&done, 0, 0) == 0);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < detaches; i++) {
		create(&thread, &attr, post, NULL);
		if (i % 4 == 3)
			for (int k = 0; k < 4; k++)
				CHECK(sem_wait(&done) == 0);
	}
}

static void clean(void *arg)
{
	(void)arg;
	cleaned++;
}

static void *sleep_long(void *arg)
{
	pthread_cleanup_push(clean, NULL);
	if (arg)
		sleep(1000);
	else
		for (;;)
			pause();
	pthread_cleanup_pop(0);
	return NULL;
}

static void cancelled(void)
{
	cleaned = 0;
	for (int i = 0; i < cancels; i++) {
		pthread_t thread;
		void *ret;

		create(&thread, NULL, sleep_long, i % 2 ? &lock : NULL);
		if (i >= 2)
			usleep(2000);
		CHECK(pthread_cancel(thread) == 0);
		CHECK(pthread_join(thread, &ret) == 0);
		CHECK(ret == PTHREAD_CANCELED);
	}
	/* one that is cancelled before it begins has nothing to clean */
	CHECK(cleaned <= cancels && cleaned >= cancels - 2);
}

static atomic_int told;

static void *tell(void *arg)
{
	(void)arg;
	told = gettid();
	sem_wait(&done);
	return NULL;
}

/* One number for a thread, whoever asks: itself, the C library, kill. */
static void names(void)
{
	pthread_t thread;

	CHECK(gettid() == getpid() && pthread_kill(pthread_self(), 0) == 0);
	told = 0;
	create(&thread, NULL, tell, NULL);
	while (!told)
		usleep(1000);
	CHECK(told > getpid() && pthread_kill(thread, 0) == 0);
	CHECK(syscall(SYS_tgkill, getpid(), told, 0) == 0);
	sem_post(&done);
	CHECK(pthread_join(thread, NULL) == 0);
}

static void timed(void)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += 3000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	pthread_mutex_lock(&lock);
	CHECK(pthread_cond_timedwait(&changed, &lock, &until) == ETIMEDOUT);
	pthread_mutex_unlock(&lock);
}

/* memcpy() of each size, from and to anywhere; and memmove(), which uses it where what is read is written over. */
static void copies(void)
{
	static unsigned char from[3000], to[3000], expected[3000];
	size_t n, i, k, size = copied + 100;

	for (i = 0; i < size; i++)
		from[i] = (unsigned char)(i * 7 + i / 251);
	for (n = 0; n < copied; n += n < 300 ? 1 : 97)
		for (k = 0; k < 16; k++) {
			unsigned char *a = from + n * 5 % 17, *b = to + 16 + k;

			memset(to, 0xee, size);
			CHECK(memcpy(b, a, n) == b);
			CHECK(b[-1] == 0xee && b[n] == 0xee);
			for (i = 0; i < n; i++)
				CHECK(b[i] == a[i]);
			memcpy(to, from, size);
			for (i = 0; i < n; i++)
				expected[i] = from[40 + i];
			CHECK(memmove(to + 40 - k * 2, to + 40, n) == to + 40 - k * 2);
			for (i = 0; i < n; i++)
				CHECK(to[40 - k * 2 + i] == expected[i]);
		}
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "small") == 0) {
		workers = 2;
		items = turns = 6;
		detaches = 4;
		cancels = 3;
		most = 1000;
		copied = 3;
	}
	copies();
	queues();
	churns();
	detached();
	cancelled();
	names();
	timed();
	puts("heavy: done");
	return 0;
}

// SPDX-License-Identifier: MIT
/* For enclaves: what of musl's threads our files have a part in: detached ones, and cancellation. */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#define DETACHED 100

static atomic_int ended;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *end(void *unused)
{
	ended++;
	return unused;
}

static void *sleep_on(void *unused)
{
	for (;;)
		pause();
	return unused;
}

static void unlock(void *m)
{
	pthread_mutex_unlock(m);
}

static void *wait_on(void *unused)
{
	pthread_cond_t never = PTHREAD_COND_INITIALIZER;

	pthread_mutex_lock(&mutex);
	pthread_cleanup_push(unlock, &mutex);
	for (;;)
		pthread_cond_wait(&never, &mutex);
	pthread_cleanup_pop(1);
	return unused;
}

static int cancels(void *(*fn)(void *))
{
	pthread_t thread;
	void *result;

	if (pthread_create(&thread, NULL, fn, NULL))
		return 0;
	usleep(20000); /* most likely asleep by then; right either way */
	pthread_cancel(thread);
	return !pthread_join(thread, &result) && result == PTHREAD_CANCELED;
}

int main(void)
{
	pthread_attr_t detached;
	pthread_t thread;

	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	for (int i = 0; i < DETACHED; i++)
		while (pthread_create(&thread, &detached, end, NULL))
			usleep(1000); /* all of the enclave's threads are in use */
	while (ended < DETACHED)
		usleep(1000);
	if (!cancels(wait_on) || !cancels(sleep_on) || pthread_mutex_trylock(&mutex))
		return 1;
	puts("threads");
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Threads, signals and exceptions at once: storm ELF MODES ROUNDS. Eight threads enter, compute and
 * fault, while a timer's signal interrupts them every 0.2 ms; every result has to be right.
 */
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include "emulation/emulation.h"
#include "harness.h"

#define THREADS 8

static struct host_enclave e;
static volatile sig_atomic_t ticks;
static int rounds;
static int failures;

static void on_tick(int sig)
{
	(void)sig;
	ticks++;
}

static void expect(int good)
{
	if (!good)
		__atomic_fetch_add(&failures, 1, __ATOMIC_RELAXED);
}

static void *work(void *arg)
{
	size_t index = (size_t)arg;

	for (int i = 0; i < rounds; i++) {
		struct tiny_args add = {.a = index, .b = (uint64_t)i};
		struct tiny_args sum = {.a = 500};
		struct tiny_args divide = {.a = 5};

		expect(call(&e, index, TINY_ADD, &add) == 0 && add.result == index + (uint64_t)i);
		expect(call(&e, index, TINY_FLOAT, &sum) == 0 && sum.number > 6.79 &&
		       sum.number < 6.80);
		expect(call(&e, index, TINY_DIVIDE, &divide) == 1 && divide.result == 4242);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct itimerval often = {{0, 200}, {0, 200}}, never = {0};
	struct sigaction act = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
	struct sign_options options = small_options();
	struct emulation_counts counts;
	const struct backend *backend;
	pthread_t threads[THREADS];
	struct sign_image made;
	struct err_ctx err = {0};
	struct file elf, pem = new_key(3072, 3);
	struct image image;

	if (argc != 4)
		return 2;
	elf = read_whole(argv[1]);
	rounds = atoi(argv[3]);
	options.thread_count = THREADS;
	backend = chosen_backend(argv[2]);
	if (sign_build(elf.data, elf.size, &options, &made, &err) ||
	    sign_sign(&made, pem.data, pem.size, &options, &err) ||
	    image_parse(made.data, made.size, &image, &err) ||
	    host_load(backend, &image, &e, &err))
		die_of("storm", &err);
	backend->set_action(SIGALRM, &act, NULL);
	setitimer(ITIMER_REAL, &often, NULL);
	for (size_t i = 0; i < THREADS; i++)
		expect(pthread_create(&threads[i], NULL, work, (void *)i) == 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	setitimer(ITIMER_REAL, &never, NULL);
	emulation_count(&counts);
	printf("%s: %d wrong results, %d signals, %llu entries, %llu exits, %llu AEXs, %llu resumes\n",
	       argv[2], failures, (int)ticks, (unsigned long long)counts.enters,
	       (unsigned long long)counts.exits, (unsigned long long)counts.aexs,
	       (unsigned long long)counts.resumes);
	expect(counts.enters == counts.exits && counts.aexs == counts.resumes);
	host_unload(&e);
	sign_deinit(&made);
	free(elf.data);
	free(pem.data);
	return failures != 0;
}

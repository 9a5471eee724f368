// SPDX-License-Identifier: MIT
/*
 * What crossing the edge costs: cost ELF MODES [ROUNDS] in modes of the emulation, cost ELF hardware [ROUNDS] with Linux's
 * driver. Medians and 99th percentiles of one EENTER with its EEXIT, in cycles of the time-stamp counter and
 * nanoseconds; and loading.
 */
#include <time.h>
#include <x86intrin.h>

#include "harness.h"

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv)
{
	size_t rounds = argc > 3 ? strtoul(argv[3], NULL, 10) : 20000;
	struct file elf, pem = new_key(3072, 3);
	struct emulation_counts before, after;
	struct tiny_args args = {.a = 1, .b = 2};
	const struct backend *backend;
	struct host_enclave e;
	struct err_ctx err = {0};
	struct sign_image made;
	struct image image;
	uint64_t *times;
	uint64_t cycles;
	double begun, loaded, done;

	if (argc < 3 || !rounds)
		return 2;
	elf = read_whole(argv[1]);
	made = signed_image(&elf, &pem);
	backend = chosen_backend(argv[2]);
	if (image_parse(made.data, made.size, &image, &err))
		die_of("cost", &err);
	begun = now();
	if (host_load(backend, &image, &e, &err))
		die_of("load", &err);
	loaded = now() - begun;
	times = calloc(rounds, sizeof(*times));
	if (!times)
		return 1;
	call(&e, 0, TINY_ADD, &args);
	emulation_count(&before);
	begun = now();
	cycles = __rdtsc();
	for (size_t i = 0; i < rounds; i++) {
		uint64_t start = __rdtsc();

		if (call(&e, 0, TINY_ADD, &args) != 0)
			return 1;
		times[i] = __rdtsc() - start;
	}
	cycles = __rdtsc() - cycles;
	done = now() - begun;
	emulation_count(&after);
	qsort(times, rounds, sizeof(*times), by_value);
	printf("%-16s round trip %llu cycles (p99 %llu), %.0f ns; %.1f AEXs each; loading %.1f ms\n",
	       argv[2], (unsigned long long)times[rounds / 2],
	       (unsigned long long)times[rounds * 99 / 100],
	       (double)times[rounds / 2] * done * 1e9 / (double)cycles,
	       (double)(after.aexs - before.aexs) / (double)rounds, loaded * 1e3);
	free(times);
	host_unload(&e);
	sign_deinit(&made);
	free(elf.data);
	free(pem.data);
	return 0;
}

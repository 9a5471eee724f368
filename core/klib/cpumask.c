// SPDX-License-Identifier: MIT
/* Bitmaps and per-CPU counters of the guest. */
#include "klib/cpumask.h"

unsigned int bitmap_next(const unsigned long __guest *bits, unsigned int from, unsigned int size)
{
	while (from < size) {
		uint64_t word = bits[from / 64] & ~0ull << from % 64;

		if (word) {
			unsigned int n = (from & ~63u) + (unsigned int)__builtin_ctzll(word);
			return n < size ? n : size;
		}
		from = (from & ~63u) + 64;
	}
	return size;
}

int64_t percpu_counter_sum(struct percpu_counter __guest *c)
{
	int64_t sum = c->count;
	int32_t __guest *counters = c->counters;

	for_each_online_cpu(cpu)
		sum += *guest_per_cpu_ptr(counters, cpu);
	return sum;
}

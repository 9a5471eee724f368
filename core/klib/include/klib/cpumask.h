/* SPDX-License-Identifier: MIT */
/* Bitmaps, CPU masks, and what is kept once a CPU. */
#ifndef SCW_KLIB_CPUMASK_H
#define SCW_KLIB_CPUMASK_H

#include "klib/types_base.h"

enum {
	KLIB_CPUS_MAX = 8192, /* the largest CONFIG_NR_CPUS of x86-64 */
};

extern struct cpumask __guest __cpu_possible_mask;
extern struct cpumask __guest __cpu_online_mask;
extern struct cpumask __guest __cpu_present_mask;
extern unsigned int __guest nr_cpu_ids;

static inline bool bitmap_test(const unsigned long __guest *bits, unsigned int n)
{
	return bits[n / 64] >> n % 64 & 1;
}

/* First bit set at or above `from`; `size` when there is none. */
unsigned int bitmap_next(const unsigned long __guest *bits, unsigned int from, unsigned int size);

/* CPUs are numbered below this. */
static inline unsigned int cpu_ids(void)
{
	unsigned int n = guest_has_symbol(nr_cpu_ids) ? nr_cpu_ids :
			 (unsigned int)guest_sizeof(struct cpumask) * 8;

	return n < KLIB_CPUS_MAX ? n : KLIB_CPUS_MAX;
}

#define for_each_cpu(cpu, mask)                                                                    \
	for (unsigned int klib_ids = cpu_ids(), cpu = bitmap_next((mask)->bits, 0, klib_ids);      \
	     cpu < klib_ids; cpu = bitmap_next((mask)->bits, cpu + 1, klib_ids))
#define for_each_possible_cpu(cpu) for_each_cpu(cpu, &__cpu_possible_mask)
#define for_each_present_cpu(cpu)  for_each_cpu(cpu, &__cpu_present_mask)
#define for_each_online_cpu(cpu)   for_each_cpu(cpu, &__cpu_online_mask)

/* Sum over the possible CPUs of a per-CPU integer: `ptr` as for guest_per_cpu_ptr(). */
#define per_cpu_sum(ptr)                                                                           \
	({                                                                                         \
		guest_typeof_target(ptr) klib_sum = 0;                                             \
		for_each_possible_cpu(klib_cpu)                                                    \
			klib_sum += *guest_per_cpu_ptr(ptr, klib_cpu);                             \
		klib_sum;                                                                          \
	})

/* As the kernel's functions of these names (lib/percpu_counter.c). */
static inline int64_t percpu_counter_read_positive(struct percpu_counter __guest *c)
{
	int64_t v = c->count;

	return v < 0 ? 0 : v;
}

/* The kernel sums over online CPUs and those that are going down; the others hold nothing. */
int64_t percpu_counter_sum(struct percpu_counter __guest *c);

static inline int64_t percpu_counter_sum_positive(struct percpu_counter __guest *c)
{
	int64_t v = percpu_counter_sum(c);

	return v < 0 ? 0 : v;
}

#endif

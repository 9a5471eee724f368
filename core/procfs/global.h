/* SPDX-License-Identifier: MIT */
/*
 * What the global files share: sets of CPUs, per-CPU sums, the guest's clock, zones. Everything
 * runs inside guest_run() and is bounded whatever the guest holds.
 */
#ifndef SCW_PROCFS_GLOBAL_H
#define SCW_PROCFS_GLOBAL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "klib/cpumask.h"
#include "klib/list.h"
#include "klib/types_global.h"
#include "llview/llview.h"
#include "root.h"

enum {
	GLOBAL_IRQS_MAX = 1 << 19, /* NR_IRQS with MAXSMP is 524,544; far more than is ever there */
	GLOBAL_LIST_MAX = 1 << 16, /* things of one kind: modules, disks, locks, ... */
	GLOBAL_USER_HZ = 100,
	GLOBAL_PAGE_SHIFT = 12,
};

#define GLOBAL_NSEC_PER_SEC 1000000000ull

/*
 * The guest's clocks in nanoseconds as of the last time it looked: the clock source itself (TSC, a
 * paravirtual clock) can't be read from memory. `mono` since boot without suspend, `boot` with it.
 */
struct global_time {
	int64_t mono;
	int64_t boot;
	int64_t boot_real; /* the wall-clock time of boot, since 1970 */
};
void global_time_now(struct global_time *ret);

/* Time a CPU has idled, and waited for I/O, in nanoseconds (fs/proc/stat.c: get_idle_time()). */
struct global_idle {
	uint64_t idle;
	uint64_t iowait;
};
void global_idle_of(unsigned int cpu, const struct global_time *now, struct global_idle *ret);

/* Runnable tasks (kernel/sched/core.c: nr_running()). */
unsigned int global_nr_running(void);

static inline uint64_t global_nsec_to_clock(uint64_t ns)
{
	return ns / (GLOBAL_NSEC_PER_SEC / GLOBAL_USER_HZ);
}

/* Counters of vm_zone_stat[] and vm_node_stat[] by enumerator; absent or negative: 0. */
uint64_t global_zone_stat(int64_t item);
uint64_t global_node_stat(int64_t item);
#define GLOBAL_ZONE_STAT(NAME) global_zone_stat(guest_enum(enum zone_stat_item, NAME))
#define GLOBAL_NODE_STAT(NAME) global_node_stat(guest_enum(enum node_stat_item, NAME))

/* Pages of memory and swap (mm/show_mem.c: si_meminfo, mm/swapfile.c: si_swapinfo). */
struct global_memory {
	uint64_t total, free, shared, buffers, swap_total, swap_free;
};
void global_memory_get(struct global_memory *ret);

/* Nodes and their zones, in the kernel's order. NULL at the end. */
enum {
	GLOBAL_NODES_MAX = 1024,
	GLOBAL_ZONES_MAX = 8,
};
struct pglist_data __guest *global_node_at(uint32_t node);
uint32_t global_zones_count(void); /* MAX_NR_ZONES */

/* A C string of the guest through seq_puts, at most `max` bytes (4096 at most). */
void global_puts(struct seq_file *m, const char __guest *s, size_t max);

#endif

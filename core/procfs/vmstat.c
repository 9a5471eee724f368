// SPDX-License-Identifier: MIT
/*
 * /proc/vmstat, /proc/buddyinfo, /proc/zoneinfo: mm/vmstat.c. Which counters there are, and what
 * they are called, is the guest's own table of names (vmstat_text).
 */
#include "global.h"
#include "fact.h"

extern const char __guest *__guest vmstat_text[];
extern atomic_long_t __guest vm_zone_stat[];
extern atomic_long_t __guest vm_node_stat[];
extern atomic_long_t __guest vm_numa_stat[];
extern atomic_long_t __guest vm_numa_event[];
extern struct vm_event_state __guest vm_event_states;
extern unsigned long __guest totalreserve_pages;
extern int __guest vm_dirty_ratio;
extern int __guest dirty_background_ratio;
extern unsigned long __guest vm_dirty_bytes;
extern unsigned long __guest dirty_background_bytes;
extern atomic_long_t __guest nr_memmap_pages;
extern atomic_long_t __guest nr_memmap_boot_pages;

enum {
	VMSTAT_MAX = 1024, /* counters of one kind */
	VMSTAT_PAGE_SIZE = 4096,
	THP_PAGES = 512,
	ZONE_RECLAIM_FAILURES = 16, /* MAX_RECLAIM_RETRIES */
};

/* How many counters of each kind this kernel has; in /proc/vmstat they come in this order. */
struct vmstat_kinds {
	uint32_t zone, numa, node, global, event;
};

static uint32_t kind_count(int64_t n)
{
	return n < 0 || n > VMSTAT_MAX ? 0 : (uint32_t)n;
}

static void kinds_of(struct vmstat_kinds *ret)
{
	ret->zone = kind_count(guest_enum(enum zone_stat_item, NR_VM_ZONE_STAT_ITEMS));
	/* renamed from NR_VM_NUMA_STAT_ITEMS in 5.14; none without NUMA */
	ret->numa = kind_count(guest_enum_or(enum numa_stat_item, NR_VM_NUMA_EVENT_ITEMS,
					     guest_enum_or(enum numa_stat_item,
							   NR_VM_NUMA_STAT_ITEMS, 0)));
	ret->node = kind_count(guest_enum(enum node_stat_item, NR_VM_NODE_STAT_ITEMS));
	/* the dirty limits; since 6.11 also the pages that hold struct page */
	ret->global = kind_count(guest_enum_or(enum vm_stat_item, NR_VM_STAT_ITEMS, 2));
	ret->event = kind_count(guest_enum(enum vm_event_item, NR_VM_EVENT_ITEMS));
}

/* Page counts of huge pages, which /proc/vmstat shows as huge pages since 5.11. */
static bool in_huge_pages(int64_t item)
{
	if (!guest_has_enum(enum node_stat_item, NR_SWAPCACHE) ||
	    !guest_has_symbol(transparent_hugepage_flags))
		return false;
	return item == guest_enum(enum node_stat_item, NR_ANON_THPS) ||
	       item == guest_enum(enum node_stat_item, NR_FILE_THPS) ||
	       item == guest_enum(enum node_stat_item, NR_SHMEM_THPS) ||
	       item == guest_enum(enum node_stat_item, NR_SHMEM_PMDMAPPED) ||
	       item == guest_enum(enum node_stat_item, NR_FILE_PMDMAPPED);
}

static void put_counter(struct seq_file *m, uint32_t *text, uint64_t value)
{
	global_puts(m, vmstat_text[*text], 63);
	seq_put_decimal_ull(m, " ", value);
	seq_putc(m, '\n');
	++*text;
}

/* mm/page-writeback.c: global_dirty_limits() for an ordinary task */
static void dirty_limits(uint64_t *background_ret, uint64_t *dirty_ret)
{
	uint64_t free = GLOBAL_ZONE_STAT(NR_FREE_PAGES), reserve = totalreserve_pages;
	uint64_t available = free - (free < reserve ? free : reserve) +
			     GLOBAL_NODE_STAT(NR_INACTIVE_FILE) +
			     GLOBAL_NODE_STAT(NR_ACTIVE_FILE) + 1;
	uint64_t bytes = vm_dirty_bytes, bg_bytes = dirty_background_bytes;
	uint64_t ratio = (uint64_t)vm_dirty_ratio * VMSTAT_PAGE_SIZE / 100;
	uint64_t bg_ratio = (uint64_t)dirty_background_ratio * VMSTAT_PAGE_SIZE / 100;
	uint64_t dirty, background;

	if (bytes)
		dirty = (bytes + VMSTAT_PAGE_SIZE - 1) / VMSTAT_PAGE_SIZE;
	else
		dirty = ratio * available / VMSTAT_PAGE_SIZE;
	if (bg_bytes)
		background = (bg_bytes + VMSTAT_PAGE_SIZE - 1) / VMSTAT_PAGE_SIZE;
	else
		background = bg_ratio * available / VMSTAT_PAGE_SIZE;
	if (dirty > UINT32_MAX)
		dirty = UINT32_MAX;
	if (background >= dirty)
		background = dirty / 2;
	*background_ret = background;
	*dirty_ret = dirty;
}

/* Counts of a zone's CPUs that weren't added up yet: reading the file adds them. */
static uint64_t numa_pending(struct zone __guest *zone, uint32_t item)
{
	uint64_t sum = 0;

	for_each_online_cpu(cpu) {
		if (guest_has(struct per_cpu_zonestat, vm_numa_event)) {
			struct per_cpu_zonestat __guest *zs =
				guest_per_cpu_ptr(zone->per_cpu_zonestats, cpu);
			unsigned long __guest *events = zs->vm_numa_event;

			sum += events[item];
		} else if (guest_has(struct per_cpu_pageset, vm_numa_stat_diff)) {
			struct per_cpu_pageset __guest *set = guest_per_cpu_ptr(zone->pageset, cpu);
			uint16_t __guest *diffs = set->vm_numa_stat_diff;

			sum += diffs[item];
		}
	}
	return sum;
}

static uint64_t numa_counter(uint32_t item)
{
	uint32_t zones = global_zones_count();
	uint64_t sum;

	if (!guest_has_symbol(vm_numa_event))
		return (uint64_t)vm_numa_stat[item].counter;
	sum = (uint64_t)vm_numa_event[item].counter;
	for (uint32_t node = 0; node < GLOBAL_NODES_MAX; node++) {
		struct pglist_data __guest *pgdat = global_node_at(node);

		for (uint32_t z = 0; pgdat && z < zones; z++) {
			struct zone __guest *zone = &pgdat->node_zones[0] + z;

			if (zone->present_pages)
				sum += numa_pending(zone, item);
		}
	}
	return sum;
}

static uint64_t event_counter(uint32_t item)
{
	uint64_t sum = 0;

	for_each_online_cpu(cpu) {
		unsigned long __guest *events = guest_per_cpu_ptr(&vm_event_states, cpu)->event;

		sum += events[item];
	}
	/* in sectors there, in KiB here */
	if (item == guest_enum(enum vm_event_item, PGPGIN) ||
	    item == guest_enum(enum vm_event_item, PGPGOUT))
		sum /= 2;
	return sum;
}

int proc_vmstat_show(const struct proc_item *it, struct seq_file *m)
{
	uint64_t background, dirty;
	struct vmstat_kinds n;
	uint32_t text = 0;

	(void)it;
	kinds_of(&n);
	for (uint32_t i = 0; i < n.zone; i++)
		put_counter(m, &text, global_zone_stat(i));
	for (uint32_t i = 0; i < n.numa; i++)
		put_counter(m, &text, numa_counter(i));
	for (uint32_t i = 0; i < n.node; i++)
		put_counter(m, &text, global_node_stat(i) / (in_huge_pages(i) ? THP_PAGES : 1));
	dirty_limits(&background, &dirty);
	put_counter(m, &text, dirty);
	put_counter(m, &text, background);
	if (n.global > 2)
		put_counter(m, &text, (uint64_t)nr_memmap_pages.counter);
	if (n.global > 3)
		put_counter(m, &text, (uint64_t)nr_memmap_boot_pages.counter);
	for (uint32_t i = 0; i < n.event; i++)
		put_counter(m, &text, event_counter(i));
	/* a counter that is no more, for those who expect it */
	if (!guest_has_enum(enum node_stat_item, NR_UNSTABLE_NFS))
		seq_puts(m, "nr_unstable 0\n");
	return guest_faulted() ? -EIO : 0;
}

static void put_zone_name(struct seq_file *m, struct pglist_data __guest *pgdat,
			  struct zone __guest *zone)
{
	char name[16];

	guest_strncpy(name, zone->name, sizeof(name));
	seq_printf(m, "Node %d, zone %8s", pgdat->node_id, name);
}

/* Orders that free pages are kept in: one more than MAX_ORDER meant since 6.4. */
static uint32_t orders_count(void)
{
	uint64_t room = guest_offsetof(struct zone, flags) - guest_offsetof(struct zone, free_area);
	uint64_t n = room / (guest_sizeof(struct free_area) ? guest_sizeof(struct free_area) : 1);

	return n > 64 ? 0 : (uint32_t)n;
}

int proc_buddyinfo_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t zones = global_zones_count(), orders = orders_count();

	(void)it;
	for (uint32_t node = 0; node < GLOBAL_NODES_MAX; node++) {
		struct pglist_data __guest *pgdat = global_node_at(node);

		for (uint32_t z = 0; pgdat && z < zones; z++) {
			struct zone __guest *zone = &pgdat->node_zones[0] + z;
			struct free_area __guest *area = zone->free_area;

			if (!zone->present_pages)
				continue;
			put_zone_name(m, pgdat, zone);
			seq_putc(m, ' ');
			for (uint32_t i = 0; i < orders; i++)
				seq_printf(m, "%6lu ", area[i].nr_free);
			seq_putc(m, '\n');
		}
	}
	return guest_faulted() ? -EIO : 0;
}

static uint64_t positive(int64_t v)
{
	return v < 0 ? 0 : (uint64_t)v;
}

static void put_named(struct seq_file *m, uint32_t text, uint64_t value)
{
	char name[64];

	guest_strncpy(name, vmstat_text[text], sizeof(name));
	seq_printf(m, "\n      %-12s %llu", name, (unsigned long long)value);
}

static void show_pagesets(const struct proc_item *it, struct seq_file *m, struct zone __guest *zone)
{
	bool limits = proc_fact(it, PROC_FACT_ZONE_LIMITS);

	seq_puts(m, "\n  pagesets");
	for_each_online_cpu(cpu) {
		int threshold;
		struct per_cpu_pages __guest *pcp;

		if (guest_has(struct zone, per_cpu_pageset)) {
			pcp = guest_per_cpu_ptr(zone->per_cpu_pageset, cpu);
			threshold = guest_per_cpu_ptr(zone->per_cpu_zonestats, cpu)->stat_threshold;
		} else {
			struct per_cpu_pageset __guest *set = guest_per_cpu_ptr(zone->pageset, cpu);

			pcp = &set->pcp;
			threshold = set->stat_threshold;
		}
		if (limits)
			seq_printf(m,
				   "\n    cpu: %u\n              count:    %i\n              high:     %i"
				   "\n              batch:    %i\n              high_min: %i"
				   "\n              high_max: %i",
				   cpu, pcp->count, pcp->high, pcp->batch, pcp->high_min, pcp->high_max);
		else
			seq_printf(m,
				   "\n    cpu: %u\n              count: %i\n              high:  %i"
				   "\n              batch: %i",
				   cpu, pcp->count, pcp->high, pcp->batch);
		seq_printf(m, "\n  vm stats threshold: %d", threshold);
	}
}

static void show_zone(const struct proc_item *it, struct seq_file *m, struct pglist_data __guest *pgdat,
		      struct zone __guest *zone, bool first, const struct vmstat_kinds *n)
{
	static const char *const marks[] = { "min  ", "low  ", "high ", "promo" };
	atomic_long_t __guest *node_stat = pgdat->vm_stat, *zone_stat = zone->vm_stat;
	unsigned long __guest *wmark = zone->_watermark;
	long __guest *reserve = zone->lowmem_reserve;
	int64_t wmarks = guest_enum_or(enum zone_watermarks, NR_WMARK, 3);
	uint32_t zones = global_zones_count();
	bool v6 = guest_has(struct zone, per_cpu_pageset);

	put_zone_name(m, pgdat, zone);
	if (first) {
		seq_puts(m, "\n  per-node stats");
		for (uint32_t i = 0; i < n->node; i++)
			put_named(m, n->zone + n->numa + i,
				  positive(node_stat[i].counter) /
					  (in_huge_pages(i) ? THP_PAGES : 1));
	}
	seq_printf(m, "\n  pages free     %llu",
		   (unsigned long long)positive(
			   zone_stat[guest_enum(enum zone_stat_item, NR_FREE_PAGES)].counter));
	if (v6)
		seq_printf(m, "\n        boost    %lu", zone->watermark_boost);
	for (int64_t i = 0; i < wmarks && i < 4; i++) {
		/* `promo` is kept since 5.18 and shown since 6.5, with the wider print */
		if (i == 3 && !guest_has(struct per_cpu_pages, high_min))
			break;
		seq_printf(m, "\n        %s    %lu", marks[i], wmark[i] + zone->watermark_boost);
	}
	seq_printf(m, "\n        spanned  %lu\n        present  %lu\n        managed  %llu",
		   zone->spanned_pages, zone->present_pages,
		   (unsigned long long)zone->managed_pages.counter);
	if (v6)
		seq_printf(m, "\n        cma      %lu",
			   guest_has(struct zone, cma_pages) ? zone->cma_pages : 0);
	seq_puts(m, "\n        protection: (");
	for (uint32_t i = 0; i < zones; i++)
		seq_printf(m, i ? ", %ld" : "%ld", reserve[i]);
	seq_putc(m, ')');
	if (!zone->present_pages) {
		seq_putc(m, '\n');
		return;
	}
	for (uint32_t i = 0; i < n->zone; i++)
		put_named(m, i, positive(zone_stat[i].counter));
	for (uint32_t i = 0; i < n->numa; i++) {
		atomic_long_t __guest *numa = v6 ? zone->vm_numa_event : zone->vm_numa_stat;

		put_named(m, n->zone + i,
			  (uint64_t)numa[i].counter + numa_pending(zone, i));
	}
	show_pagesets(it, m, zone);
	seq_printf(m, "\n  node_unreclaimable:  %u\n  start_pfn:           %lu",
		   pgdat->kswapd_failures >= ZONE_RECLAIM_FAILURES, zone->zone_start_pfn);
	if (proc_fact(it, PROC_FACT_ZONE_HIGHATOMIC))
		seq_printf(m, "\n  reserved_highatomic: %lu\n  free_highatomic:     %lu",
			   zone->nr_reserved_highatomic, zone->nr_free_highatomic);
	seq_putc(m, '\n');
}

int proc_zoneinfo_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t zones = global_zones_count();
	struct vmstat_kinds n;

	kinds_of(&n);
	for (uint32_t node = 0; node < GLOBAL_NODES_MAX; node++) {
		struct pglist_data __guest *pgdat = global_node_at(node);
		bool seen = false;

		for (uint32_t z = 0; pgdat && z < zones; z++) {
			struct zone __guest *zone = &pgdat->node_zones[0] + z;
			bool first = !seen && zone->present_pages;

			seen = seen || first;
			show_zone(it, m, pgdat, zone, first, &n);
		}
	}
	return guest_faulted() ? -EIO : 0;
}

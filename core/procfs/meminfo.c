// SPDX-License-Identifier: MIT
/* /proc/meminfo: fs/proc/meminfo.c, mm/show_mem.c, arch/x86/mm/pat/set_memory.c */
#include "global.h"

extern atomic_long_t __guest _totalram_pages;
extern unsigned long __guest totalreserve_pages;
extern struct super_block __guest *__guest blockdev_superblock;
extern atomic_long_t __guest nr_swap_pages;
extern long __guest total_swap_pages;
extern unsigned int __guest nr_swapfiles;
extern struct swap_info_struct __guest *__guest swap_info[];
extern struct address_space __guest *__guest swapper_spaces[];
extern unsigned int __guest nr_swapper_spaces[];
extern unsigned long __guest zswap_pool_total_size;
extern atomic_t __guest zswap_stored_pages;
extern struct list_head __guest zswap_pools;
extern struct percpu_counter __guest vm_committed_as;
extern unsigned long __guest sysctl_overcommit_kbytes;
extern int __guest sysctl_overcommit_ratio;
extern unsigned int __guest __pgtable_l5_enabled;
extern atomic_long_t __guest nr_vmalloc_pages;
extern unsigned long __guest pcpu_nr_populated;
extern int __guest pcpu_nr_units;
extern bool __guest early_memtest_done;
extern uint64_t __guest early_memtest_bad_size;
extern atomic_long_t __guest num_poisoned_pages;
extern unsigned long __guest totalcma_pages;
extern struct hstate __guest hstates[];
extern int __guest hugetlb_max_hstate;
extern unsigned int __guest default_hstate_idx;
extern unsigned long __guest direct_pages_count[];
extern int __guest direct_gbpages;

enum {
	SWAP_FILES_MAX = 32,
	HSTATES_MAX = 16,
	HPAGE_PMD_PAGES = 512,
	/* include/linux/swap.h */
	SWP_USED = 1 << 0,
	SWP_WRITEOK = 1 << 1,
};

static uint64_t kb(uint64_t pages)
{
	return pages << (GLOBAL_PAGE_SHIFT - 10);
}

static void put_kb(struct seq_file *m, const char *title, uint64_t value)
{
	seq_put_decimal_ull_width(m, title, value, 8);
	seq_puts(m, " kB\n");
}

static void put_pages(struct seq_file *m, const char *title, uint64_t pages)
{
	put_kb(m, title, kb(pages));
}

/* Page cache of block devices themselves: "Buffers" (block/bdev.c: nr_blockdev_pages()). */
static uint64_t blockdev_pages(void)
{
	struct inode __guest *inode;
	uint64_t sum = 0;

	list_for_each_entry(inode, &blockdev_superblock->s_inodes, i_sb_list)
		sum += inode->i_mapping->nrpages;
	return sum;
}

static uint64_t swapcache_pages(void)
{
	uint64_t sum = 0;

	if (guest_has_enum(enum node_stat_item, NR_SWAPCACHE))
		return GLOBAL_NODE_STAT(NR_SWAPCACHE);
	if (!guest_has_symbol(nr_swapper_spaces))
		return 0;
	/* up to 5.11: one address space for every 64 MiB of each swap file */
	for (int i = 0; i < SWAP_FILES_MAX; i++) {
		struct address_space __guest *space = swapper_spaces[i];
		uint32_t n = nr_swapper_spaces[i];

		if (n > GLOBAL_LIST_MAX)
			n = GLOBAL_LIST_MAX;
		for (uint32_t j = 0; space && j < n && !guest_faulted(); j++)
			sum += space[j].nrpages;
	}
	return sum;
}

static void swap_totals(uint64_t *total_ret, uint64_t *free_ret)
{
	uint32_t n = nr_swapfiles;
	uint64_t leaving = 0;

	if (n > SWAP_FILES_MAX)
		n = SWAP_FILES_MAX;
	for (uint32_t i = 0; i < n; i++) {
		struct swap_info_struct __guest *si = swap_info[i];

		if (si && (si->flags & (SWP_USED | SWP_WRITEOK)) == SWP_USED)
			leaving += si->inuse_pages;
	}
	*free_ret = (uint64_t)nr_swap_pages.counter + leaving;
	*total_ret = (uint64_t)total_swap_pages + leaving;
}

/* mm/show_mem.c: si_mem_available() */
static uint64_t available_pages(void)
{
	int64_t low = guest_enum(enum zone_watermarks, WMARK_LOW);
	uint32_t zones = global_zones_count();
	int64_t available = (int64_t)(GLOBAL_ZONE_STAT(NR_FREE_PAGES) - totalreserve_pages);
	uint64_t cache, reclaimable, wmark_low = 0, half;

	if (low < 0 || low > 8)
		return 0;
	for (uint32_t node = 0; node < GLOBAL_NODES_MAX; node++) {
		struct pglist_data __guest *pgdat = global_node_at(node);

		if (!pgdat)
			continue;
		for (uint32_t z = 0; z < zones; z++) {
			struct zone __guest *zone = &pgdat->node_zones[0] + z;
			unsigned long __guest *marks = zone->_watermark;

			wmark_low += marks[low] + zone->watermark_boost;
		}
	}
	cache = GLOBAL_NODE_STAT(NR_ACTIVE_FILE) + GLOBAL_NODE_STAT(NR_INACTIVE_FILE);
	half = cache / 2;
	available += (int64_t)(cache - (half < wmark_low ? half : wmark_low));
	reclaimable = GLOBAL_NODE_STAT(NR_SLAB_RECLAIMABLE_B) +
		      GLOBAL_NODE_STAT(NR_KERNEL_MISC_RECLAIMABLE);
	half = reclaimable / 2;
	available += (int64_t)(reclaimable - (half < wmark_low ? half : wmark_low));
	return available < 0 ? 0 : (uint64_t)available;
}

struct huge_totals {
	uint64_t bytes;
	uint64_t small_pages;
};

static struct hstate __guest *hstate_at(int i)
{
	return &hstates[0] + i;
}

static struct huge_totals huge_sum(void)
{
	struct huge_totals sum = {0};
	int n = guest_has_symbol(hugetlb_max_hstate) ? hugetlb_max_hstate : 0;

	for (int i = 0; i < n && i < HSTATES_MAX; i++) {
		uint64_t pages = hstate_at(i)->nr_huge_pages << (hstate_at(i)->order & 31);

		sum.small_pages += pages;
		sum.bytes += pages << GLOBAL_PAGE_SHIFT;
	}
	return sum;
}

static uint64_t commit_limit(uint64_t total, const struct huge_totals *huge)
{
	uint64_t allowed;

	if (sysctl_overcommit_kbytes)
		allowed = sysctl_overcommit_kbytes >> (GLOBAL_PAGE_SHIFT - 10);
	else
		allowed = (total - huge->small_pages) * (uint64_t)sysctl_overcommit_ratio / 100;
	return allowed + (uint64_t)total_swap_pages;
}

/*
 * Zswap's size: a counter up to 6.7, since then the sum of what the pools' allocators say. Those
 * are modules with records of their own; zsmalloc's is known, an empty list of pools is 0.
 */
static uint64_t zswap_bytes(void)
{
	struct zswap_pool __guest *pool;
	uint64_t pages = 0;

	if (guest_has_symbol(zswap_pool_total_size))
		return zswap_pool_total_size;
	if (!guest_has(struct zswap_pool, zpool))
		return 0;
	list_for_each_entry(pool, &zswap_pools, list) {
		struct zpool __guest *zpool = pool->zpool;
		char type[16];

		guest_strncpy(type, zpool->driver->type, sizeof(type));
		if (!strcmp(type, "zsmalloc") && guest_has(struct zs_pool, pages_allocated))
			pages += (uint64_t)guest_ptr(struct zs_pool, guest_addr(zpool->pool))
					 ->pages_allocated.counter;
		else if (!strcmp(type, "zbud") && guest_has(struct zbud_pool, pages_nr))
			pages += guest_ptr(struct zbud_pool, guest_addr(zpool->pool))->pages_nr;
	}
	return pages << GLOBAL_PAGE_SHIFT;
}

/* Counts of huge pages are in huge pages up to 5.11, when they became counts of pages. */
static void put_huge(struct seq_file *m, const char *title, uint64_t count)
{
	put_pages(m, title, guest_has_enum(enum node_stat_item, NR_SWAPCACHE) ?
				    count : count * HPAGE_PMD_PAGES);
}

/* VMALLOC_TOTAL of arch/x86/include/asm/pgtable_64_types.h: 32 TiB, or 12,800 with 5 levels */
static uint64_t vmalloc_total(void)
{
	uint64_t tib = guest_has_symbol(__pgtable_l5_enabled) && __pgtable_l5_enabled ? 12800 : 32;

	return ((tib << 40) - 1) >> 10;
}

static void show_hugetlb(struct seq_file *m, const struct huge_totals *huge)
{
	struct hstate __guest *h;
	uint32_t index;

	if (!guest_has_symbol(hugetlb_max_hstate) || hugetlb_max_hstate < 1)
		return;
	index = default_hstate_idx;
	if (index < HSTATES_MAX && (int)index < hugetlb_max_hstate) {
		h = hstate_at((int)index);
		seq_printf(m, "HugePages_Total:   %5lu\n", h->nr_huge_pages);
		seq_printf(m, "HugePages_Free:    %5lu\n", h->free_huge_pages);
		seq_printf(m, "HugePages_Rsvd:    %5lu\n", h->resv_huge_pages);
		seq_printf(m, "HugePages_Surp:    %5lu\n", h->surplus_huge_pages);
		put_kb(m, "Hugepagesize:   ", 4ull << (h->order & 31));
	}
	put_kb(m, "Hugetlb:        ", huge->bytes >> 10);
}

/* arch/x86: how the direct map is mapped, by size of page; the index is enum pg_level */
static void show_direct_map(struct seq_file *m)
{
	if (!guest_has_symbol(direct_pages_count))
		return;
	put_kb(m, "DirectMap4k:    ",
	       direct_pages_count[guest_enum_or(enum pg_level, PG_LEVEL_4K, 1)] << 2);
	put_kb(m, "DirectMap2M:    ",
	       direct_pages_count[guest_enum_or(enum pg_level, PG_LEVEL_2M, 2)] << 11);
	if (direct_gbpages)
		put_kb(m, "DirectMap1G:    ",
		       direct_pages_count[guest_enum_or(enum pg_level, PG_LEVEL_1G, 3)] << 20);
}

static void show_lru(struct seq_file *m)
{
	uint64_t active_anon = GLOBAL_NODE_STAT(NR_ACTIVE_ANON);
	uint64_t inactive_anon = GLOBAL_NODE_STAT(NR_INACTIVE_ANON);
	uint64_t active_file = GLOBAL_NODE_STAT(NR_ACTIVE_FILE);
	uint64_t inactive_file = GLOBAL_NODE_STAT(NR_INACTIVE_FILE);

	put_pages(m, "Active:         ", active_anon + active_file);
	put_pages(m, "Inactive:       ", inactive_anon + inactive_file);
	put_pages(m, "Active(anon):   ", active_anon);
	put_pages(m, "Inactive(anon): ", inactive_anon);
	put_pages(m, "Active(file):   ", active_file);
	put_pages(m, "Inactive(file): ", inactive_file);
	put_pages(m, "Unevictable:    ", GLOBAL_NODE_STAT(NR_UNEVICTABLE));
	put_pages(m, "Mlocked:        ", GLOBAL_ZONE_STAT(NR_MLOCK));
}

static void show_use(struct seq_file *m)
{
	uint64_t reclaimable = GLOBAL_NODE_STAT(NR_SLAB_RECLAIMABLE_B);
	uint64_t unreclaimable = GLOBAL_NODE_STAT(NR_SLAB_UNRECLAIMABLE_B);

	put_pages(m, "Dirty:          ", GLOBAL_NODE_STAT(NR_FILE_DIRTY));
	put_pages(m, "Writeback:      ", GLOBAL_NODE_STAT(NR_WRITEBACK));
	put_pages(m, "AnonPages:      ", GLOBAL_NODE_STAT(NR_ANON_MAPPED));
	put_pages(m, "Mapped:         ", GLOBAL_NODE_STAT(NR_FILE_MAPPED));
	put_pages(m, "Shmem:          ", GLOBAL_NODE_STAT(NR_SHMEM));
	put_pages(m, "KReclaimable:   ",
		  reclaimable + GLOBAL_NODE_STAT(NR_KERNEL_MISC_RECLAIMABLE));
	put_pages(m, "Slab:           ", reclaimable + unreclaimable);
	put_pages(m, "SReclaimable:   ", reclaimable);
	put_pages(m, "SUnreclaim:     ", unreclaimable);
	put_kb(m, "KernelStack:    ", GLOBAL_NODE_STAT(NR_KERNEL_STACK_KB));
	/* page tables are counted by zone up to 5.10, by node since */
	put_pages(m, "PageTables:     ", guest_has_enum(enum node_stat_item, NR_PAGETABLE) ?
						 GLOBAL_NODE_STAT(NR_PAGETABLE) :
						 GLOBAL_ZONE_STAT(NR_PAGETABLE));
	if (guest_has_enum(enum node_stat_item, NR_SECONDARY_PAGETABLE))
		put_pages(m, "SecPageTables:  ", GLOBAL_NODE_STAT(NR_SECONDARY_PAGETABLE));
	put_pages(m, "NFS_Unstable:   ", 0);
	put_pages(m, "Bounce:         ", GLOBAL_ZONE_STAT(NR_BOUNCE));
	put_pages(m, "WritebackTmp:   ", GLOBAL_NODE_STAT(NR_WRITEBACK_TEMP));
}

static void show_rare(struct seq_file *m)
{
	if (guest_has_symbol(early_memtest_done) && early_memtest_done) {
		uint64_t bytes = early_memtest_bad_size;

		seq_put_decimal_ull_width(m, "EarlyMemtestBad:   ",
					  bytes && bytes < 1024 ? 1 : bytes >> 10, 5);
		seq_puts(m, " kB\n");
	}
	if (guest_has_symbol(num_poisoned_pages)) {
		seq_put_decimal_ull_width(m, "HardwareCorrupted: ",
					  kb((uint64_t)num_poisoned_pages.counter), 5);
		seq_puts(m, " kB\n");
	}
	if (guest_has_symbol(transparent_hugepage_flags)) {
		put_huge(m, "AnonHugePages:  ", GLOBAL_NODE_STAT(NR_ANON_THPS));
		put_huge(m, "ShmemHugePages: ", GLOBAL_NODE_STAT(NR_SHMEM_THPS));
		put_huge(m, "ShmemPmdMapped: ", GLOBAL_NODE_STAT(NR_SHMEM_PMDMAPPED));
		put_huge(m, "FileHugePages:  ", GLOBAL_NODE_STAT(NR_FILE_THPS));
		put_huge(m, "FilePmdMapped:  ", GLOBAL_NODE_STAT(NR_FILE_PMDMAPPED));
	}
	/* the variable is there without CONFIG_CMA too */
	if (guest_has_symbol(cma_alloc)) {
		put_pages(m, "CmaTotal:       ", totalcma_pages);
		put_pages(m, "CmaFree:        ", GLOBAL_ZONE_STAT(NR_FREE_CMA_PAGES));
	}
	if (guest_has_enum(enum zone_stat_item, NR_UNACCEPTED))
		put_pages(m, "Unaccepted:     ", GLOBAL_ZONE_STAT(NR_UNACCEPTED));
	if (guest_has_enum(enum node_stat_item, NR_BALLOON_PAGES))
		put_pages(m, "Balloon:        ", GLOBAL_NODE_STAT(NR_BALLOON_PAGES));
	if (guest_has_enum(enum node_stat_item, NR_GPU_ACTIVE)) {
		put_pages(m, "GPUActive:      ", GLOBAL_NODE_STAT(NR_GPU_ACTIVE));
		put_pages(m, "GPUReclaim:     ", GLOBAL_NODE_STAT(NR_GPU_RECLAIM));
	}
}

void global_memory_get(struct global_memory *ret)
{
	ret->total = (uint64_t)_totalram_pages.counter;
	ret->free = GLOBAL_ZONE_STAT(NR_FREE_PAGES);
	ret->shared = GLOBAL_NODE_STAT(NR_SHMEM);
	ret->buffers = blockdev_pages();
	swap_totals(&ret->swap_total, &ret->swap_free);
}

int proc_meminfo_show(const struct proc_item *it, struct seq_file *m)
{
	uint64_t total = (uint64_t)_totalram_pages.counter, buffers = blockdev_pages();
	uint64_t swapcache = swapcache_pages(), swap_total, swap_free;
	struct huge_totals huge = huge_sum();
	int64_t cached = (int64_t)(GLOBAL_NODE_STAT(NR_FILE_PAGES) - swapcache - buffers);

	(void)it;
	swap_totals(&swap_total, &swap_free);
	put_pages(m, "MemTotal:       ", total);
	put_pages(m, "MemFree:        ", GLOBAL_ZONE_STAT(NR_FREE_PAGES));
	put_pages(m, "MemAvailable:   ", available_pages());
	put_pages(m, "Buffers:        ", buffers);
	put_pages(m, "Cached:         ", cached < 0 ? 0 : (uint64_t)cached);
	put_pages(m, "SwapCached:     ", swapcache);
	show_lru(m);
	put_pages(m, "SwapTotal:      ", swap_total);
	put_pages(m, "SwapFree:       ", swap_free);
	/* these lines came in 5.19, and the counters are older: the node's swap cache tells */
	if (guest_has_symbol(zswap_stored_pages) && guest_has_enum(enum vm_event_item, ZSWPIN)) {
		put_kb(m, "Zswap:          ", zswap_bytes() >> 10);
		put_pages(m, "Zswapped:       ", (uint64_t)zswap_stored_pages.counter);
	}
	show_use(m);
	put_pages(m, "CommitLimit:    ", commit_limit(total, &huge));
	put_pages(m, "Committed_AS:   ", (uint64_t)percpu_counter_sum_positive(&vm_committed_as));
	put_kb(m, "VmallocTotal:   ", vmalloc_total());
	put_pages(m, "VmallocUsed:    ", guest_has_symbol(nr_vmalloc_pages) ?
		  (uint64_t)nr_vmalloc_pages.counter : GLOBAL_NODE_STAT(NR_VMALLOC));
	put_pages(m, "VmallocChunk:   ", 0);
	put_pages(m, "Percpu:         ", pcpu_nr_populated * (uint64_t)pcpu_nr_units);
	show_rare(m);
	show_hugetlb(m, &huge);
	show_direct_map(m);
	return guest_faulted() ? -EIO : 0;
}

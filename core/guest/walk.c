// SPDX-License-Identifier: MIT
/*
 * Guest virtual pages by walking the guest's own page tables (SDM vol. 3A, 4.5), with two small
 * caches of upper levels. page() is what a miss of the llview runtime's TLB costs, so over a source
 * that maps it is kept to a compare, one page-table entry and the source's own look-up.
 *
 * The tables are attacker-written: the walk is a loop over a fixed number of levels, so tables that
 * point at themselves can't hold it; each entry is read once; an entry that a CPU would refuse
 * (reserved bits) is refused here, so that the tool sees the memory that the guest sees.
 */
#include "guest/pages.h"

#include <string.h>

#include "base/checked.h"
#include "cache.h"

enum {
	PTE_PRESENT = 1 << 0,
	PTE_HUGE = 1 << 7,     /* PS: this entry maps a page (levels 2 and 3) */
	PTE_PROT_NONE = 1 << 8, /* Linux's mark in an entry that isn't present */
	ENTRIES = 512,
	LARGE_SHIFT = 21,
	GIANT_SHIFT = 30,
	LARGE_SLOTS = 512,
	GIANT_SLOTS = 64,
};

#define PTE_ADDR 0x000ffffffffff000u

/*
 * Where Linux lays out its part of the address space (Documentation/arch/x86/x86_64/mm.rst). The
 * direct map begins at a random place at or behind the entry of the top table, the image in its GiB.
 */
#define DIRECT_MAP_ENTRY 273
#define IMAGE_START	 0xffffffff80000000u
#define IMAGE_END	 0xffffffffc0000000u
#define IMAGE_ALIGN	 ((uint64_t)1 << LARGE_SHIFT)

/*
 * What is known of one aligned 2 MiB (or 1 GiB) of an address space: the table that maps it, in
 * this host's memory, or the page itself.
 */
struct upper {
	uint64_t index; /* va >> shift */
	uint64_t top;
	const uint64_t *table; /* NULL: it is one page, at: */
	uint64_t page;
	uint64_t epoch;
};

struct walk_pages {
	struct guest_pages pages;
	struct base_alloc *alloc;
	struct guest_phys *phys;
	const void *(*map)(struct guest_phys *p, struct gpa at);
	uint64_t kernel_top;
	unsigned int levels;
	uint64_t epoch_begun; /* by the source's clock */
	uint64_t lifetime;    /* of this epoch; 0: until the next epoch() */
	struct page_store cache;
	struct upper large[LARGE_SLOTS];
	struct upper giant[GIANT_SLOTS];
	/* Guest address minus physical one in the direct map and the image; 0 (never so): not known. */
	bool linear_sought;
	uint64_t direct_offset, image_offset;
};

static struct walk_pages *from_pages(struct guest_pages *p)
{
	return (struct walk_pages *)((char *)p - offsetof(struct walk_pages, pages));
}

static uint64_t read_entry(const uint64_t *entry)
{
	return *(const volatile uint64_t *)entry;
}

static bool canonical(unsigned int levels, uint64_t va)
{
	unsigned int unused = levels == 5 ? 7 : 16;

	return (uint64_t)((int64_t)(va << unused) >> unused) == va;
}

/* This host's address of the guest-physical page `at`. */
static enum err phys_page(struct walk_pages *w, uint64_t at, const void **ret)
{
	const void *page = w->map ? w->map(w->phys, (struct gpa){at}) : NULL;

	if (page) {
		*ret = page;
		return ERR_OK;
	}
	return page_cache_get(&w->cache, w->phys, (struct gpa){at}, ret);
}

/*
 * Is `entry` of `level` (1: a page table's) usable, and where does it point? Linux takes PROT_NONE
 * pages, and huge ones that it is about to split, away from the CPU by clearing the present bit
 * and, against L1TF, inverts the address (arch/x86/include/asm/pgtable-invert.h); the memory is
 * still the process's. In swap entries, bits 7 and 8 are zero for this very reason.
 */
static bool decode_entry(uint64_t entry, unsigned int level, bool user, bool *leaf, uint64_t *at)
{
	bool huge = level > 1 && (entry & PTE_HUGE);
	uint64_t size = (uint64_t)1 << (level == 2 ? LARGE_SHIFT : GIANT_SHIFT);

	if (huge && level > 3)
		return false;
	*leaf = level == 1 || huge;
	if (!(entry & PTE_PRESENT)) {
		if (!user || !(huge || (level == 1 && (entry & PTE_PROT_NONE))))
			return false;
		*at = ~entry & PTE_ADDR & ~(huge ? size - 1 : 0);
		return true;
	}
	*at = entry & PTE_ADDR;
	if (huge) {
		/* Bit 12 is PAT here; the ones above it, below the page's own, are reserved. */
		*at &= ~(uint64_t)GUEST_PAGE_SIZE;
		if (*at & (size - 1))
			return false;
	}
	return true;
}

static struct upper *upper_slot(struct upper *slots, size_t count, uint64_t index, uint64_t top)
{
	return &slots[(index ^ index >> 9 ^ top >> GUEST_PAGE_SHIFT) & (count - 1)];
}

static bool upper_is(const struct upper *u, uint64_t index, uint64_t top, uint64_t epoch)
{
	return u->index == index && u->top == top && u->epoch == epoch;
}

/* The entry of `table` that `va` goes through at `level`. */
static uint64_t entry_of(const uint64_t *table, uint64_t va, unsigned int level)
{
	return read_entry(table + (va >> (level * 9 + 3) & (ENTRIES - 1)));
}

/* Walk down from the top until the 1 GiB that hold `va` are known. */
static enum err walk_giant(struct walk_pages *w, uint64_t top, uint64_t va, struct upper *ret)
{
	const void *table;
	uint64_t at = top;
	bool leaf = false;
	enum err e;

	for (unsigned int level = w->levels; level > 2 && !leaf; level--) {
		e = phys_page(w, at, &table);
		if (e != ERR_OK)
			return e;
		if (!decode_entry(entry_of(table, va, level), level, !(va >> 63), &leaf, &at))
			return ERR_UNMAPPED;
	}
	table = NULL;
	e = leaf ? ERR_OK : phys_page(w, at, &table);
	if (e != ERR_OK)
		return e;
	*ret = (struct upper){.index = va >> GIANT_SHIFT,
			      .top = top,
			      .table = table,
			      .page = at,
			      .epoch = w->pages.epoch};
	return ERR_OK;
}

/* Walk down until the 2 MiB that hold `va` are known. */
static enum err walk_large(struct walk_pages *w, uint64_t top, uint64_t va, struct upper *ret)
{
	struct upper *giant = upper_slot(w->giant, GIANT_SLOTS, va >> GIANT_SHIFT, top);
	struct upper found = {
		.index = va >> LARGE_SHIFT, .top = top, .epoch = w->pages.epoch};
	const void *table;
	bool leaf;
	enum err e;

	w->pages.stats.walks++;
	if (!canonical(w->levels, va))
		return ERR_UNMAPPED;
	if (!upper_is(giant, va >> GIANT_SHIFT, top, w->pages.epoch)) {
		struct upper walked;

		e = walk_giant(w, top, va, &walked);
		if (e != ERR_OK)
			return e;
		*giant = walked;
	}
	if (!giant->table) {
		found.page = giant->page + (va & (((uint64_t)1 << GIANT_SHIFT) - 1) &
					    ~(((uint64_t)1 << LARGE_SHIFT) - 1));
		*ret = found;
		return ERR_OK;
	}
	if (!decode_entry(entry_of(giant->table, va, 2), 2, !(va >> 63), &leaf, &found.page))
		return ERR_UNMAPPED;
	if (!leaf) {
		e = phys_page(w, found.page, &table);
		if (e != ERR_OK)
			return e;
		found.table = table;
	}
	*ret = found;
	return ERR_OK;
}

/* The guest-physical address of the 4 KiB page that holds `va`. */
static inline enum err translate(struct walk_pages *w, uint64_t top, uint64_t va, uint64_t *ret)
{
	struct upper *u = upper_slot(w->large, LARGE_SLOTS, va >> LARGE_SHIFT, top);
	bool leaf;

	if (__builtin_expect(!upper_is(u, va >> LARGE_SHIFT, top, w->pages.epoch), 0)) {
		struct upper found;
		enum err e;

		e = walk_large(w, top, va, &found);
		if (e != ERR_OK)
			return e;
		*u = found;
	} else {
		w->pages.stats.hits++;
	}
	if (!u->table) {
		*ret = u->page + (va & (((uint64_t)1 << LARGE_SHIFT) - 1) & GUEST_PAGE_MASK);
		return ERR_OK;
	}
	if (!decode_entry(entry_of(u->table, va, 1), 1, !(va >> 63), &leaf, ret))
		return ERR_UNMAPPED;
	return ERR_OK;
}

/*
 * The first mapped address at or above `va`, going by the first entry that is there at each level:
 * where it is minus what it leads to, 0 when that is no multiple of `align`.
 */
static uint64_t first_offset(struct walk_pages *w, uint64_t va, uint64_t align)
{
	uint64_t at = w->kernel_top;
	bool leaf = false;

	for (unsigned int level = w->levels; level > 0 && !leaf; level--) {
		unsigned int shift = level * 9 + 3;
		const void *table;
		uint64_t i = va >> shift & (ENTRIES - 1);

		if (phys_page(w, at, &table) != ERR_OK)
			return 0;
		for (; i < ENTRIES; i++, va = (va >> shift << shift) + ((uint64_t)1 << shift))
			if (decode_entry(entry_of(table, va, level), level, false, &leaf, &at))
				break;
		if (i == ENTRIES)
			return 0;
	}
	return leaf && (va - at) % align == 0 ? va - at : 0;
}

static void seek_linear(struct walk_pages *w)
{
	unsigned int shift = w->levels * 9 + 3;
	uint64_t direct = ~(uint64_t)0 << (shift + 8) | (uint64_t)DIRECT_MAP_ENTRY << shift;

	w->linear_sought = true;
	w->direct_offset = first_offset(w, direct, (uint64_t)1 << GIANT_SHIFT);
	w->image_offset = first_offset(w, IMAGE_START, IMAGE_ALIGN);
}

/*
 * The direct map and the kernel's image stand still from boot on, so what was found there by a walk
 * and lies where it should is found there for good: most of what is read is, and isn't walked to
 * again in each epoch.
 */
static bool is_linear(struct walk_pages *w, uint64_t va, uint64_t at)
{
	uint64_t offset = (va & GUEST_PAGE_MASK) - at;

	if (__builtin_expect(!w->linear_sought, 0))
		seek_linear(w);
	return va < IMAGE_START ? offset == w->direct_offset && va >> 63 :
				  offset == w->image_offset && va < IMAGE_END;
}

static uint64_t top_of(const struct walk_pages *w, struct guest_space as)
{
	return as.top ? as.top & PTE_ADDR : w->kernel_top;
}

static enum err walk_page(struct guest_pages *p, struct guest_space as, struct gva va,
			  const void **ret)
{
	struct walk_pages *w = from_pages(p);
	uint64_t at;
	enum err e;

	p->stats.lookups++;
	p->lasts = false;
	e = translate(w, top_of(w, as), va.v, &at);
	if (__builtin_expect(e == ERR_OK, 1)) {
		const void *page = w->map ? w->map(w->phys, (struct gpa){at}) : NULL;

		if (__builtin_expect(page != NULL, 1)) {
			p->lasts = !as.top && is_linear(w, va.v, at);
			*ret = page;
			return ERR_OK;
		}
		e = page_cache_get(&w->cache, w->phys, (struct gpa){at}, ret);
	}
	if (__builtin_expect(e != ERR_OK, 0))
		p->stats.faults++;
	return e;
}

static enum err walk_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct walk_pages *w = from_pages(p);

	p->epoch++;
	p->stats.epochs++;
	page_store_clear(&w->cache);
	return w->phys->ops->alive ? w->phys->ops->alive(w->phys, err) : ERR_OK;
}

/*
 * A tool makes thousands of file calls and each asks for an epoch; where pages have to be copied by
 * system calls, most of these would copy the same pages again. So an epoch lives on for a while, if
 * there is room left for what its next user reads.
 */
static enum err walk_epoch_aged(struct guest_pages *p, struct err_ctx *err)
{
	struct walk_pages *w = from_pages(p);
	uint64_t now = w->phys->ops->now(w->phys);

	if (now - w->epoch_begun < w->lifetime && w->cache.used < w->cache.max / 4)
		return w->phys->ops->alive ? w->phys->ops->alive(w->phys, err) : ERR_OK;
	w->epoch_begun = now;
	w->lifetime = GUEST_WALK_FRESH_NS;
	return walk_epoch(p, err);
}

static enum err walk_verify(struct guest_pages *p, struct err_ctx *err)
{
	struct guest_phys *phys = from_pages(p)->phys;

	return phys->ops->verify ? phys->ops->verify(phys, err) : ERR_OK;
}

static void walk_expire(struct guest_pages *p, uint64_t age_ns)
{
	struct walk_pages *w = from_pages(p);

	if (w->lifetime > age_ns)
		w->lifetime = age_ns;
}

static enum err walk_reread(struct guest_pages *p, const struct guest_piece *pieces, size_t count)
{
	struct walk_pages *w = from_pages(p);
	struct guest_phys_io ios[GUEST_PHYS_BATCH];
	enum err e;

	if (count > GUEST_PHYS_BATCH)
		return ERR_INVAL;
	for (size_t i = 0; i < count; i++) {
		uint64_t va = pieces[i].at.v, within = va % GUEST_PAGE_SIZE, at;

		if (pieces[i].size > GUEST_PAGE_SIZE - within)
			return ERR_INVAL;
		e = translate(w, w->kernel_top, va, &at);
		if (e != ERR_OK)
			return e;
		ios[i] = (struct guest_phys_io){
			.at = {at + within}, .buf = pieces[i].buf, .size = pieces[i].size};
	}
	e = guest_phys_read_many(w->phys, ios, count, NULL);
	for (size_t i = 0; i < count && e == ERR_OK; i++)
		e = ios[i].ok ? ERR_OK : ERR_NOPHYS;
	return e;
}

/* Only for sources that copy: what is mapped needs no reading ahead. */
static void walk_want(struct guest_pages *p, struct guest_space as,
		      const struct guest_range *ranges, size_t count)
{
	struct walk_pages *w = from_pages(p);
	struct gpa batch[GUEST_PHYS_BATCH];
	size_t n = 0, budget = w->cache.max - w->cache.used;

	for (size_t i = 0; i < count; i++) {
		uint64_t va = ranges[i].start.v & GUEST_PAGE_MASK;
		uint64_t end;

		if (!base_add64(ranges[i].start.v, ranges[i].size, &end))
			end = UINT64_MAX & GUEST_PAGE_MASK;
		for (; va < end && budget; va += GUEST_PAGE_SIZE, budget--) {
			uint64_t at;

			if (translate(w, top_of(w, as), va, &at) != ERR_OK)
				continue;
			if (w->map && w->map(w->phys, (struct gpa){at}))
				continue;
			batch[n++] = (struct gpa){at};
			if (n == BASE_COUNT(batch)) {
				page_cache_fill(&w->cache, w->phys, batch, n);
				n = 0;
			}
		}
	}
	page_cache_fill(&w->cache, w->phys, batch, n);
}

static void walk_destroy(struct guest_pages *p)
{
	struct walk_pages *w = from_pages(p);

	page_store_deinit(&w->cache);
	base_free(w->alloc, w);
}

static const struct guest_pages_ops walk_ops = {
	.page = walk_page,
	.epoch = walk_epoch,
	.verify = walk_verify,
	.want = walk_want,
	.destroy = walk_destroy,
};

static const struct guest_pages_ops copying_ops = {
	.page = walk_page,
	.epoch = walk_epoch,
	.verify = walk_verify,
	.want = walk_want,
	.reread = walk_reread,
	.destroy = walk_destroy,
};

static const struct guest_pages_ops aged_ops = {
	.page = walk_page,
	.epoch = walk_epoch_aged,
	.verify = walk_verify,
	.want = walk_want,
	.expire = walk_expire,
	.reread = walk_reread,
	.destroy = walk_destroy,
};

enum err guest_walk_pages_create(struct base_alloc *alloc, struct guest_phys *phys,
				 const struct guest_paging *paging, size_t cache_pages,
				 struct guest_pages **ret)
{
	struct walk_pages *w;
	enum err e;

	if (paging->levels != 4 && paging->levels != 5)
		return ERR_INVAL;
	w = base_alloc_zeroed(alloc, 1, sizeof(*w));
	if (!w)
		return ERR_NOMEM;
	w->alloc = alloc;
	w->phys = phys;
	w->map = phys->ops->map;
	w->kernel_top = paging->kernel_top.v & PTE_ADDR;
	w->levels = paging->levels;
	w->pages.ops = w->map ? &walk_ops : phys->ops->now ? &aged_ops : &copying_ops;
	w->pages.copies = !w->map;
	w->pages.epoch = 1; /* slots of zeros are of no epoch */
	e = page_store_init(&w->cache, alloc, cache_pages);
	if (e != ERR_OK) {
		base_free(alloc, w);
		return e;
	}
	*ret = &w->pages;
	return ERR_OK;
}

enum err guest_walk_translate(struct guest_pages *p, struct guest_space as, struct gva va,
			      struct gpa *ret)
{
	struct walk_pages *w = from_pages(p);
	uint64_t at;
	enum err e;

	if (p->ops->destroy != walk_destroy)
		return ERR_INVAL;
	e = translate(w, top_of(w, as), va.v, &at);
	if (e == ERR_OK)
		ret->v = at | (va.v & (GUEST_PAGE_SIZE - 1));
	return e;
}

enum err guest_walk_once(struct guest_phys *phys, const struct guest_paging *paging, struct gva va,
			 struct gpa *ret)
{
	uint64_t at = paging->kernel_top.v & PTE_ADDR;
	unsigned int level = paging->levels;
	bool leaf = false;

	if (level != 4 && level != 5)
		return ERR_INVAL;
	if (!canonical(level, va.v))
		return ERR_UNMAPPED;
	for (;; level--) {
		uint64_t index = va.v >> (level * 9 + 3) & (ENTRIES - 1), entry;
		enum err e = guest_phys_read(phys, (struct gpa){at + index * sizeof(entry)}, &entry,
					     sizeof(entry), NULL);

		if (e != ERR_OK)
			return e;
		if (!decode_entry(entry, level, false, &leaf, &at))
			return ERR_UNMAPPED;
		if (leaf)
			break;
	}
	ret->v = at + (va.v & (((uint64_t)1 << (level * 9 + 3)) - 1));
	return ERR_OK;
}

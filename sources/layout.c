// SPDX-License-Identifier: MIT
/*
 * Where in guest-physical memory backing bytes belong, when nothing but the guest says so.
 *
 * A VMM lays RAM out as one run that is split below 4 GiB to make room for devices; where, differs
 * between machine types and VMMs. So a placement is a guess (an order of blocks and a split) that
 * counts only when the guest confirms it: first by VMCOREINFO, whose addresses must lead through
 * the kernel's page tables to the kernel itself; then, once symbols are known, by the memory map
 * that the kernel got from its firmware, which gives the split exactly.
 */
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "guest/pages.h"
#include "internal.h"

#define GIB (1ull << 30)
#define MIB (1ull << 20)

enum {
	CHUNK = 16 << 20,
	LOOKS = 512,
	HEAD = 16,	       /* bytes of a page that a look takes */
	CANDIDATES_MAX = 32,   /* pages that look like VMCOREINFO; stale copies are a few */
	CHAIN_MAX = 4,	       /* blocks that may make up the RAM of one guest */
	CHOICE_MAX = 7,	       /* blocks to choose them from */
	TABLES_MAX = 512,      /* page tables to look at when blocks are put in order */
	E820_MAX = 512,
	E820_RAM = 1,
};

/* Splits seen in the wild, most common first; 0 stands for none. */
static const uint64_t usual_splits[] = {
	3 * GIB,	 /* QEMU pc, cloud-hypervisor, Firecracker */
	2 * GIB,	 /* QEMU q35 */
	0xd0000000,	 /* kvmtool, crosvm, Firecracker before 1.0 */
	0xe0000000, 0xb0000000, 0xf0000000, 0xf8000000, 1 * GIB,
};

/* Blocks one after the other, split at `split`: what follows it goes to 4 GiB and up. */
struct plan {
	size_t chain[CHAIN_MAX];
	size_t chain_count;
	uint64_t split;
};

static uint64_t plan_size(const struct source *s, const struct plan *p)
{
	uint64_t size = 0;

	for (size_t i = 0; i < p->chain_count; i++)
		size += s->blocks[p->chain[i]].size;
	return size;
}

static enum err apply_plan(struct source *s, const struct plan *p, struct err_ctx *err)
{
	struct source_extent extents[CHAIN_MAX + 1];
	uint64_t at = 0;
	size_t n = 0;

	for (size_t i = 0; i < p->chain_count; i++) {
		const struct source_block *b = &s->blocks[p->chain[i]];
		uint64_t size = b->size & GUEST_PAGE_MASK;
		uint64_t low = 0;

		if (at < p->split)
			low = p->split - at < size ? p->split - at : size;
		if (low)
			extents[n++] = (struct source_extent){at, low, b->backing};
		if (low < size)
			extents[n++] = (struct source_extent){at + low - p->split + 4 * GIB,
							      size - low, b->backing + low};
		at += size;
	}
	return source_set_extents(s, extents, n, err);
}

/* Guest-physical memory in which only one page is worth scanning: checks one candidate. */
struct view {
	struct guest_phys phys;
	struct source *s;
};

static enum err view_read(struct guest_phys *p, struct gpa at, void *buf, size_t size,
			  struct err_ctx *err)
{
	return guest_phys_read(&((struct view *)p)->s->phys, at, buf, size, err);
}

static enum err view_next_range(struct guest_phys *p, struct gpa from, uint64_t max,
				struct guest_phys_range *ret)
{
	(void)p;
	(void)from;
	(void)max;
	(void)ret;
	return ERR_ABSENT;
}

static void view_close(struct guest_phys *p)
{
	(void)p;
}

static const struct guest_phys_ops view_ops = {
	.name = "view",
	.read = view_read,
	.next_range = view_next_range,
	.close = view_close,
};

/* Is there a kernel whose VMCOREINFO is at `at`, under the present placement? */
static enum err check_at(struct source *s, struct gpa at, struct ktype_boot *ret,
			 struct err_ctx *err)
{
	struct view v = {.phys = {.ops = &view_ops}, .s = s};

	return ktype_boot_find(&v.phys, at, ret, err);
}

static bool gpa_of(const struct source *s, uint64_t backing, struct gpa *ret)
{
	for (size_t i = 0; i < s->extent_count; i++) {
		const struct source_extent *e = &s->extents[i].e;

		if (backing >= e->backing && backing - e->backing < e->size) {
			ret->v = e->gpa + (backing - e->backing);
			return true;
		}
	}
	return false;
}

static bool backing_of(const struct source *s, struct gpa at, uint64_t *ret)
{
	for (size_t i = 0; i < s->extent_count; i++) {
		const struct source_extent *e = &s->extents[i].e;

		if (at.v >= e->gpa && at.v - e->gpa < e->size) {
			*ret = e->backing + (at.v - e->gpa);
			return true;
		}
	}
	return false;
}

static enum err try_plan(struct source *s, const struct plan *p, uint64_t backing,
			 struct ktype_boot *ret, struct err_ctx *err)
{
	struct gpa at;
	enum err e = apply_plan(s, p, err);

	if (e)
		return e;
	if (!gpa_of(s, backing, &at))
		return ERR_NOTREADY;
	return check_at(s, at, ret, err);
}

/* Errors that no other placement of a candidate can cure. */
static bool is_final(enum err e)
{
	return e == ERR_NOMEM || e == ERR_GONE || e == ERR_PERM || e == ERR_UNSUPPORTED;
}

/* Nor another candidate. */
static bool is_over(enum err e)
{
	return !e || (is_final(e) && e != ERR_UNSUPPORTED);
}

#define ENTRY_ADDRESS 0x000ffffffffff000u

/*
 * How well the tables that map the kernel's image fit under the present placement. The kernel makes
 * them from free pages anywhere in memory (to give text and data their own permissions), and what
 * has to be in them is known exactly.
 */
struct score {
	size_t right; /* tables that map what they should */
	size_t wrong; /* pages that aren't what the kernel says they are */
	size_t blank; /* tables with nothing present: of freed memory, or the wrong pages */
};

static bool read_table(struct source *s, uint64_t at, uint64_t entries[512])
{
	return guest_phys_read(&s->phys, (struct gpa){at}, entries, GUEST_PAGE_SIZE, NULL) ==
	       ERR_OK;
}

static struct score score_image(struct source *s, const struct ktype_boot *boot)
{
	const struct score failed = {.wrong = SIZE_MAX};
	uint64_t upper[512], lower[512], at = boot->paging.kernel_top.v;
	struct score score = {0};

	/* down to the table of 2 MiB entries for the image's 1 GiB at -2 GiB */
	for (unsigned int level = boot->paging.levels; level > 2; level--) {
		if (!read_table(s, at, upper) || !(upper[level > 3 ? 511 : 510] & 1))
			return failed;
		at = upper[level > 3 ? 511 : 510] & ENTRY_ADDRESS;
	}
	if (!read_table(s, at, upper))
		return failed;
	for (uint64_t i = 0; i < 512; i++) {
		bool any = false, wrong = false;

		if (!(upper[i] & 1) || (upper[i] & 0x80))
			continue;
		if (!read_table(s, upper[i] & ENTRY_ADDRESS, lower)) {
			score.wrong++;
			continue;
		}
		for (uint64_t k = 0; k < 512; k++) {
			uint64_t pa = i * 2 * MIB + k * GUEST_PAGE_SIZE +
				      (uint64_t)boot->phys_base;

			if (!(lower[k] & 1))
				continue;
			any = true;
			wrong |= (lower[k] & ENTRY_ADDRESS) != pa;
		}
		score.wrong += wrong;
		score.right += any && !wrong;
		score.blank += !any;
	}
	return score;
}

static bool is_good(const struct score *s)
{
	return s->wrong == 0 && s->blank <= s->right;
}

static bool is_better(const struct score *a, const struct score *b)
{
	return a->wrong != b->wrong ? a->wrong < b->wrong : a->right > b->right;
}

/* The best of the placements that the kernel confirms; the kernel alone may fit several. */
struct contest {
	struct plan best;
	struct score score;
	bool any;
};

/* Try a split. ERR_OK: nothing better need be looked for. ERR_NOTREADY: go on. */
static enum err contend(struct source *s, struct plan *p, uint64_t split, uint64_t backing,
			struct contest *c, struct ktype_boot *ret, struct err_ctx *err)
{
	struct score score;
	enum err e;

	p->split = split;
	e = try_plan(s, p, backing, ret, err);
	if (e)
		return is_final(e) ? e : ERR_NOTREADY;
	score = score_image(s, ret);
	if (!c->any || is_better(&score, &c->score))
		*c = (struct contest){*p, score, true};
	return is_good(&score) ? ERR_OK : ERR_NOTREADY;
}

/* All likely splits of one chain of blocks; all possible ones if asked for, or if none is good. */
static enum err try_chain(struct source *s, struct plan *p, uint64_t backing, bool exhaustive,
			  struct ktype_boot *ret, struct err_ctx *err)
{
	uint64_t size = plan_size(s, p);
	/* a guest this large has a split, unless it's an image with the hole in it */
	bool large = size >= 3 * GIB;
	struct contest c = {0};
	enum err e = ERR_NOTREADY;

	if (!large)
		e = contend(s, p, size, backing, &c, ret, err);
	for (size_t i = 0; e == ERR_NOTREADY && i < BASE_COUNT(usual_splits); i++)
		if (usual_splits[i] < size)
			e = contend(s, p, usual_splits[i], backing, &c, ret, err);
	if (e == ERR_NOTREADY && large)
		e = contend(s, p, size, backing, &c, ret, err);
	for (uint64_t split = MIB;
	     e == ERR_NOTREADY && (exhaustive || c.any) && split < size && split <= 4 * GIB;
	     split += MIB)
		e = contend(s, p, split, backing, &c, ret, err);
	if (e != ERR_NOTREADY || !c.any)
		return e;
	*p = c.best;
	return try_plan(s, p, backing, ret, err);
}

/* Visits ordered choices of blocks until `visit` succeeds. */
struct chooser {
	struct source *s;
	uint64_t backing;
	size_t must; /* a block that has to be among them */
	struct ktype_boot *boot;
	struct err_ctx *err;
	enum err (*visit)(struct chooser *c, struct plan *p);
	void *arg;
	size_t pool[SOURCE_BLOCKS_MAX]; /* the blocks to choose from */
	size_t pool_count;
};

/*
 * Choose `count` of the blocks of at most `most` bytes, one of which has to be there. All pairs are
 * tried; of more, only those that the first few make up.
 */
static void fill_pool(struct chooser *c, size_t count, uint64_t most)
{
	size_t limit = count == 2 ? SOURCE_BLOCKS_MAX : CHOICE_MAX;

	c->pool_count = 0;
	c->pool[c->pool_count++] = c->must;
	for (size_t i = 0; i < c->s->block_count && c->pool_count < limit; i++)
		if (i != c->must && c->s->blocks[i].size <= most)
			c->pool[c->pool_count++] = i;
}

static enum err choose(struct chooser *c, struct plan *p, size_t count)
{
	if (p->chain_count == count) {
		bool has = false;

		for (size_t i = 0; i < count; i++)
			has |= p->chain[i] == c->must;
		if (!has)
			return ERR_NOTREADY;
		return c->visit(c, p);
	}
	for (size_t i = 0; i < c->pool_count; i++) {
		bool used = false;
		enum err e;

		for (size_t k = 0; k < p->chain_count; k++)
			used |= p->chain[k] == c->pool[i];
		if (used)
			continue;
		p->chain[p->chain_count++] = c->pool[i];
		e = choose(c, p, count);
		if (!e || is_final(e))
			return e;
		p->chain_count--;
	}
	return ERR_NOTREADY;
}

static enum err visit_usual(struct chooser *c, struct plan *p)
{
	return try_chain(c->s, p, c->backing, false, c->boot, c->err);
}

struct candidate {
	size_t block;
	uint64_t backing;
};

struct search {
	struct source *s;
	struct candidate found[CANDIDATES_MAX];
	size_t count;
	struct ktype_boot *boot;
	struct err_ctx *err;
	enum err kept; /* the most telling failure so far */
};

/* A page that starts as VMCOREINFO does: try it at once, most guests have but one. */
static enum err consider(struct search *f, size_t block, uint64_t backing)
{
	const struct source_block *b = &f->s->blocks[block];
	struct plan p = {.chain = {block}, .chain_count = 1};
	char page[GUEST_PAGE_SIZE];
	struct err_ctx detail = {0};
	enum err e;

	/* the format string in the kernel's text and torn copies match too; a 32-bit kernel has no
	 * KERNELOFFSET, but that it is one is worth telling */
	if (f->count == CANDIDATES_MAX ||
	    b->store->ops->read(b->store, backing - b->backing, page, sizeof(page), NULL) ||
	    !memmem(page, sizeof(page), "SYMBOL(_stext)=", 15))
		return ERR_NOTREADY;
	f->found[f->count++] = (struct candidate){block, backing};
	e = try_chain(f->s, &p, backing, false, f->boot, &detail);
	if (e && e != ERR_NOTREADY && f->kept == ERR_NOTREADY) {
		f->kept = e;
		if (f->err)
			*f->err = detail;
	}
	return e;
}

static enum err scan_run(struct search *f, size_t block, uint64_t from, uint64_t to)
{
	struct source_block *b = &f->s->blocks[block];
	char heads[LOOKS][HEAD];
	struct store_io io[LOOKS];

	while (from < to) {
		size_t n = 0;
		enum err e;

		for (; n < LOOKS && from < to; n++, from += GUEST_PAGE_SIZE)
			io[n] = (struct store_io){from, heads[n], HEAD, false};
		e = b->store->ops->read_many(b->store, io, n, f->err);
		if (e)
			return e;
		for (size_t i = 0; i < n; i++) {
			if (!io[i].ok || memcmp(heads[i], "OSRELEASE=", 10) != 0)
				continue;
			e = consider(f, block, b->backing + io[i].offset);
			if (!e || e == ERR_GONE || e == ERR_PERM || e == ERR_NOMEM)
				return e;
		}
	}
	return ERR_NOTREADY;
}

struct chunk {
	uint64_t start;
	uint64_t rank;
};

static int by_rank(const void *a, const void *b)
{
	const struct chunk *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	return (x->start > y->start) - (x->start < y->start);
}

/*
 * In which order the chunks of a block of `size` bytes are looked at. VMCOREINFO's page is allocated
 * early in the boot, so it lies at an end of the zone that the allocator starts with: below the
 * memory map (64 bytes a page) that fills the end of memory, or close above the start of the zone
 * (16 MiB, or 4 GiB: the split).
 */
static uint64_t chunk_rank(uint64_t start, uint64_t size)
{
	uint64_t below = size - size / 64;
	uint64_t rank = (start < below ? below - start : start - below) / 2;

	if (start >= 16 * MIB && start - 16 * MIB < rank)
		rank = start - 16 * MIB;
	for (size_t i = 0; i < BASE_COUNT(usual_splits); i++)
		if (start >= usual_splits[i] && start - usual_splits[i] < rank)
			rank = start - usual_splits[i];
	return rank;
}

/* One look per page, as few as need be. */
static enum err scan_block(struct search *f, size_t block)
{
	struct source_block *b = &f->s->blocks[block];
	size_t count = (size_t)((b->size + CHUNK - 1) / CHUNK);
	struct chunk *chunks = calloc(count, sizeof(*chunks));
	struct store *store;
	enum err e;

	if (!chunks)
		return err_set(f->err, ERR_NOMEM, "out of memory");
	e = source_block_store(f->s, b, &store, f->err);
	for (size_t i = 0; !e && i < count; i++) {
		chunks[i].start = (uint64_t)i * CHUNK;
		chunks[i].rank = chunk_rank(chunks[i].start, b->size);
	}
	if (!e) {
		qsort(chunks, count, sizeof(*chunks), by_rank);
		e = ERR_NOTREADY;
	}
	for (size_t i = 0; e == ERR_NOTREADY && i < count; i++) {
		uint64_t at = chunks[i].start;
		uint64_t end = at + CHUNK < b->size ? at + CHUNK : b->size;
		uint64_t start, stop;

		end &= GUEST_PAGE_MASK;
		while (e == ERR_NOTREADY && at < end &&
		       store->ops->next_data(store, at, end, &start, &stop)) {
			e = scan_run(f, block, start, stop);
			at = stop;
		}
	}
	free(chunks);
	return e;
}

static enum err place_blocks(struct source *s, struct ktype_boot *ret, struct err_ctx *err)
{
	struct search f = {.s = s, .boot = ret, .err = err, .kept = ERR_NOTREADY};
	enum err e = ERR_NOTREADY;

	for (size_t i = 0; i < s->block_count; i++) {
		e = scan_block(&f, i);
		if (e != ERR_NOTREADY)
			return e;
	}
	/* the kernel and its VMCOREINFO in different blocks, or an unusual split */
	for (size_t i = 0; i < f.count; i++) {
		struct chooser c = {.s = s,
				    .backing = f.found[i].backing,
				    .must = f.found[i].block,
				    .boot = ret,
				    .visit = visit_usual};

		for (size_t n = 2; n <= CHAIN_MAX && n <= s->block_count; n++) {
			struct plan p = {0};

			fill_pool(&c, n, UINT64_MAX);
			e = choose(&c, &p, n);
			if (is_over(e))
				return e;
			if (e == ERR_UNSUPPORTED)
				break;
		}
	}
	for (size_t i = 0; i < f.count; i++) {
		struct plan p = {.chain = {f.found[i].block}, .chain_count = 1};

		e = try_chain(s, &p, f.found[i].backing, true, ret, NULL);
		if (is_over(e))
			return e;
	}
	if (f.kept != ERR_NOTREADY)
		return f.kept;
	if (f.count)
		return err_set(err, ERR_NOTREADY,
			       "a Linux kernel left its mark in this memory, but it isn't all there "
			       "(still booting, or a truncated image)");
	return err_set(err, ERR_NOTREADY, "no Linux kernel found in this memory (not Linux, or "
					  "still booting)");
}

enum err source_place(struct source *s, struct ktype_boot *ret, struct err_ctx *err)
{
	if (s->has_addresses)
		return ktype_boot_find(&s->phys, (struct gpa){0}, ret, err);
	return place_blocks(s, ret, err);
}

enum err source_place_as(struct source *s, const struct source_extent *extents, size_t count,
			 struct ktype_boot *boot, struct err_ctx *err)
{
	enum err e = ERR_OK;

	if (!s->has_addresses)
		e = source_set_extents(s, extents, count, err);
	return e ? e : ktype_boot_check(&s->phys, boot, boot, err);
}

/* What the firmware's memory map says: where RAM ends below 4 GiB, and the runs above. */
struct memory_map {
	uint64_t low_end;
	uint64_t low_top; /* the same with what the firmware keeps right above it */
	uint64_t high_size; /* sum of the runs from 4 GiB up */
	uint64_t high_start;
	uint64_t end;
	struct source_extent high[CHAIN_MAX];
	size_t high_count;
};

struct e820_entry { /* arch/x86/include/asm/e820/types.h */
	uint64_t addr;
	uint64_t size;
	uint32_t type;
} __attribute__((packed));

static enum err read_memory_map(struct guest_pages *pages, const struct ktype *k,
				struct memory_map *ret)
{
	struct memory_map m = {0};
	struct e820_entry entries[E820_MAX];
	struct gva symbol;
	uint64_t table;
	uint32_t count;
	enum err e;

	if (ktype_symbol(k, "e820_table_firmware", &symbol) &&
	    ktype_symbol(k, "e820_table", &symbol))
		return ERR_ABSENT;
	e = guest_pages_read(pages, GUEST_SPACE_KERNEL, symbol, &table, sizeof(table));
	if (!e)
		e = guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){table}, &count,
				     sizeof(count));
	if (e)
		return e;
	if (count == 0 || count > E820_MAX)
		return ERR_CORRUPT;
	e = guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){table + sizeof(count)},
			     entries, count * sizeof(entries[0]));
	if (e)
		return e;
	for (uint32_t i = 0; i < count; i++) {
		uint64_t start = entries[i].addr, size = entries[i].size;

		if (size == 0 || start > UINT64_MAX - size || start + size > 1ull << 52 ||
		    entries[i].type > 0xffff)
			return ERR_CORRUPT;
		if (entries[i].type != E820_RAM)
			continue;
		if (start + size <= 4 * GIB) {
			if (start + size > m.low_end)
				m.low_end = start + size;
			continue;
		}
		if (start < 4 * GIB || start < m.end || m.high_count == CHAIN_MAX)
			return ERR_CORRUPT;
		m.high[m.high_count++] = (struct source_extent){start, size, 0};
		m.high_size += size;
		m.end = start + size;
	}
	if (!m.low_end)
		return ERR_CORRUPT;
	/* entries are sorted by address, or this stays a little short */
	m.low_top = m.low_end;
	for (uint32_t i = 0; i < count; i++)
		if (entries[i].addr == m.low_top && entries[i].addr + entries[i].size <= 4 * GIB)
			m.low_top += entries[i].size;
	if (!m.high_count)
		m.end = m.low_end;
	*ret = m;
	return ERR_OK;
}

/* The split that `size` bytes of backing must have under this map; 0: they can't be it. */
static uint64_t split_of(const struct source *s, const struct memory_map *m, uint64_t size)
{
	uint64_t split;

	if (!m->high_count)
		return size >= m->low_end && size <= 4 * GIB ? size : 0;
	if (size >= m->end) /* only an image can have the hole in it */
		return s->kind == SOURCE_RAM_FILE ? size : 0;
	if (size < m->high_size)
		return 0;
	split = size - m->high_size;
	/* firmware keeps some of the end to itself, never much */
	return split >= m->low_end && split <= 4 * GIB && split - m->low_end <= 256 * MIB ? split
											    : 0;
}

struct settling {
	struct base_alloc *alloc;
	const struct ktype *k;
	const struct guest_paging *paging;
	struct memory_map map;
	bool strict; /* RAM has to end where the firmware's own part of it does */
};

/* Under the present placement, does the guest's memory map ask for this very placement? */
static bool is_exact(struct source *s, struct settling *t, const struct plan *p)
{
	struct guest_pages *pages;
	struct memory_map m;
	enum err e = guest_walk_pages_create(t->alloc, &s->phys, t->paging, 64, &pages);

	if (e)
		return false;
	e = read_memory_map(pages, t->k, &m);
	pages->ops->destroy(pages);
	if (e)
		return false;
	t->map = m;
	return split_of(s, &m, plan_size(s, p)) == p->split;
}

/*
 * Do the kernel's page tables lead to page tables all over the guest's memory? With blocks in the
 * wrong order some of them are other pages, whose "entries" point out of memory.
 */
static bool tables_hang_together(struct source *s, const struct guest_paging *paging)
{
	struct table {
		uint64_t at;
		unsigned int level;
	} *queue = malloc(TABLES_MAX * sizeof(*queue));
	size_t count = 0;
	bool sane = queue != NULL;

	if (queue)
		queue[count++] = (struct table){paging->kernel_top.v, paging->levels};
	for (size_t i = 0; sane && i < count; i++) {
		uint64_t entries[512];

		sane = read_table(s, queue[i].at, entries);
		for (size_t k = 0; sane && k < BASE_COUNT(entries); k++) {
			uint64_t at = entries[k] & ENTRY_ADDRESS;

			if (!(entries[k] & 1))
				continue;
			sane = at < 1ull << 46;
			/* what is mapped may be a device's; tables are in memory */
			if (queue[i].level == 1 || (queue[i].level < 4 && (entries[k] & 0x80)))
				continue;
			if (count < TABLES_MAX)
				queue[count++] = (struct table){at, queue[i].level - 1};
		}
	}
	free(queue);
	return sane;
}

static enum err visit_exact(struct chooser *c, struct plan *p)
{
	struct settling *t = c->arg;
	struct ktype_boot boot;
	struct gpa at;

	p->split = split_of(c->s, &t->map, plan_size(c->s, p));
	if (!p->split || (t->strict && p->split != t->map.low_top) || apply_plan(c->s, p, NULL) || !gpa_of(c->s, c->backing, &at) ||
	    check_at(c->s, at, &boot, NULL) || !is_exact(c->s, t, p) ||
	    !tables_hang_together(c->s, t->paging))
		return ERR_NOTREADY;
	return ERR_OK;
}

static enum err settle_chain(struct source *s, struct settling *t, struct plan *p)
{
	uint64_t size = plan_size(s, p);
	struct guest_pages *pages;
	uint64_t max_pfn = 0;
	struct gva at;

	if (is_exact(s, t, p))
		return ERR_OK;
	/* the kernel's image is mapped right by now, and it knows where memory ends */
	if (ktype_symbol(t->k, "max_pfn", &at) == ERR_OK &&
	    guest_walk_pages_create(t->alloc, &s->phys, t->paging, 64, &pages) ==
		    ERR_OK) {
		if (guest_pages_read(pages, GUEST_SPACE_KERNEL, at, &max_pfn, sizeof(max_pfn)))
			max_pfn = 0;
		pages->ops->destroy(pages);
	}
	max_pfn *= GUEST_PAGE_SIZE;
	if (max_pfn > 4 * GIB && size > max_pfn - 4 * GIB && size < max_pfn) {
		p->split = size - (max_pfn - 4 * GIB);
		if (!apply_plan(s, p, NULL) && is_exact(s, t, p))
			return ERR_OK;
	}
	for (size_t i = 0; i <= BASE_COUNT(usual_splits); i++) {
		bool none = i == BASE_COUNT(usual_splits);

		p->split = none ? size : usual_splits[i];
		if (p->split > size || apply_plan(s, p, NULL))
			continue;
		if (is_exact(s, t, p))
			return ERR_OK;
	}
	return ERR_ABSENT;
}

/* The chain and split that the present placement came from. */
static bool present_plan(const struct source *s, struct plan *ret)
{
	struct plan p = {0};
	uint64_t at = 0;

	for (size_t i = 0; i < s->extent_count; i++) {
		const struct source_extent *e = &s->extents[i].e;
		size_t b = 0;

		while (b < s->block_count && (e->backing < s->blocks[b].backing ||
					      e->backing - s->blocks[b].backing >= s->blocks[b].size))
			b++;
		if (b == s->block_count)
			return false;
		if (p.chain_count == 0 || p.chain[p.chain_count - 1] != b) {
			if (p.chain_count == CHAIN_MAX)
				return false;
			p.chain[p.chain_count++] = b;
		}
		if (e->gpa >= 4 * GIB && !p.split && e->gpa != at)
			p.split = at;
		at += e->size;
	}
	if (!p.split)
		p.split = at;
	*ret = p;
	return true;
}

enum err source_settle(struct source *s, struct base_alloc *alloc, const struct ktype *k,
		       struct ktype_boot *boot, bool *changed_ret, struct err_ctx *err)
{
	struct settling t = {.alloc = alloc, .k = k, .paging = &boot->paging};
	struct source_extent *before;
	size_t before_count = s->extent_count;
	uint64_t backing;
	struct plan p;
	enum err e;

	if (s->has_addresses) {
		*changed_ret = false;
		return ERR_OK;
	}
	if (!present_plan(s, &p) || !backing_of(s, boot->vmcoreinfo, &backing))
		return err_set(err, ERR_INVAL, "this placement isn't one to settle");
	before = malloc(before_count * sizeof(*before));
	if (!before)
		return err_set(err, ERR_NOMEM, "out of memory");
	memcpy(before, s->plain, before_count * sizeof(*before));
	e = settle_chain(s, &t, &p);
	if (e && t.map.low_end) {
		/* there is more memory than this: other blocks must be part of it */
		struct chooser c = {.s = s,
				    .backing = backing,
				    .must = p.chain[0],
				    .visit = visit_exact,
				    .arg = &t};

		/* a stranger of about the right size must not come before the right block */
		for (size_t i = 0; e && i < 2 * (CHAIN_MAX - 1); i++) {
			size_t n = 2 + i % (CHAIN_MAX - 1);
			struct plan chain = {0};

			t.strict = i < CHAIN_MAX - 1;
			fill_pool(&c, n, t.map.low_end + 256 * MIB + t.map.high_size);
			e = choose(&c, &chain, n);
		}
	}
	if (e) {
		enum err back = source_set_extents(s, before, before_count, err);

		free(before);
		return back ? back
			    : err_set(err, ERR_ABSENT, "the guest doesn't say where its memory is");
	}
	*changed_ret = s->extent_count != before_count ||
		       memcmp(before, s->plain, before_count * sizeof(*before)) != 0;
	free(before);
	/* every placement that was tried holds the block that VMCOREINFO is in */
	if (!gpa_of(s, backing, &boot->vmcoreinfo))
		return err_set(err, ERR_CORRUPT, "the guest's memory map leaves its kernel out");
	return ERR_OK;
}

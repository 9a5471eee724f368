// SPDX-License-Identifier: MIT
/* Synthetic physical memory and page tables: see synth/synth.h. */
#include "synth/synth.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	MAX_RANGES = 8,
	ENTRIES = 512,
};

#define PTE_ADDR 0x000ffffffffff000u

struct range {
	uint64_t start, size, taken;
	unsigned char *bytes;
};

struct synth {
	struct guest_phys phys;
	unsigned int levels;
	uint64_t top;
	bool gone, restarted;
	uint64_t clock_ns;
	size_t range_count;
	struct range ranges[MAX_RANGES];
};

static void fail(const char *what, uint64_t at)
{
	fprintf(stderr, "synth: %s (0x%llx)\n", what, (unsigned long long)at);
	abort();
}

static struct synth *from_phys(struct guest_phys *p)
{
	return (struct synth *)((char *)p - offsetof(struct synth, phys));
}

struct synth *synth_create(unsigned int levels)
{
	struct synth *s = calloc(1, sizeof(*s));

	if (!s)
		fail("out of memory", 0);
	s->levels = levels;
	return s;
}

void synth_destroy(struct synth *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->range_count; i++)
		free(s->ranges[i].bytes);
	free(s);
}

void synth_add_memory(struct synth *s, uint64_t start, uint64_t size)
{
	struct range *r;

	if (s->range_count == MAX_RANGES)
		fail("too many ranges", start);
	r = &s->ranges[s->range_count++];
	*r = (struct range){.start = start, .size = size};
	/* Page aligned, as a mapping would be. */
	r->bytes = aligned_alloc(GUEST_PAGE_SIZE, size);
	if (!r->bytes)
		fail("out of memory", size);
	memset(r->bytes, 0, size);
}

void *synth_phys(struct synth *s, uint64_t at, uint64_t size)
{
	for (size_t i = 0; i < s->range_count; i++) {
		struct range *r = &s->ranges[i];

		if (at >= r->start && at - r->start <= r->size &&
		    size <= r->size - (at - r->start))
			return r->bytes + (at - r->start);
	}
	return NULL;
}

uint64_t synth_take(struct synth *s, uint64_t size, uint64_t align)
{
	for (size_t i = 0; i < s->range_count; i++) {
		struct range *r = &s->ranges[i];
		uint64_t at = (r->start + r->taken + align - 1) / align * align;

		/* Address 0 stays unused: it reads as "none". */
		if (at == 0)
			at = align;
		if (at - r->start <= r->size && size <= r->size - (at - r->start)) {
			r->taken = at - r->start + size;
			return at;
		}
	}
	fail("no physical memory left for", size);
	return 0;
}

static enum err phys_read(struct guest_phys *p, struct gpa at, void *buf, size_t size,
			  struct err_ctx *err)
{
	unsigned char *out = buf;

	p->stats.reads++;
	p->stats.bytes += size;
	while (size) {
		size_t n = GUEST_PAGE_SIZE - (at.v & (GUEST_PAGE_SIZE - 1));
		const void *from;

		if (n > size)
			n = size;
		from = synth_phys(from_phys(p), at.v, n);
		if (!from)
			return err_set_addr(err, ERR_NOPHYS, at.v, "no memory");
		memcpy(out, from, n);
		out += n;
		at.v += n;
		size -= n;
	}
	return ERR_OK;
}

static enum err phys_read_many(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
			       struct err_ctx *err)
{
	uint64_t reads = p->stats.reads;

	(void)err;
	for (size_t i = 0; i < count; i++)
		ios[i].ok = phys_read(p, ios[i].at, ios[i].buf, ios[i].size, NULL) == ERR_OK;
	p->stats.reads = reads + 1;
	return ERR_OK;
}

static const void *phys_map(struct guest_phys *p, struct gpa at)
{
	return synth_phys(from_phys(p), at.v, GUEST_PAGE_SIZE);
}

static enum err phys_next_range(struct guest_phys *p, struct gpa from, uint64_t max,
				struct guest_phys_range *ret)
{
	struct synth *s = from_phys(p);
	const struct range *best = NULL;
	uint64_t start;

	for (size_t i = 0; i < s->range_count; i++) {
		const struct range *r = &s->ranges[i];

		if (r->start + r->size > from.v && (!best || r->start < best->start))
			best = r;
	}
	if (!best)
		return ERR_ABSENT;
	start = from.v > best->start ? from.v : best->start;
	ret->start.v = start;
	ret->size = best->start + best->size - start;
	if (ret->size > max)
		ret->size = max;
	return ERR_OK;
}

static enum err phys_alive(struct guest_phys *p, struct err_ctx *err)
{
	return from_phys(p)->gone ? err_set(err, ERR_GONE, "the synthetic guest ended") : ERR_OK;
}

static enum err phys_verify(struct guest_phys *p, struct err_ctx *err)
{
	return from_phys(p)->restarted ? err_set(err, ERR_GONE, "the synthetic guest restarted") :
					 ERR_OK;
}

static uint64_t phys_now(struct guest_phys *p)
{
	return from_phys(p)->clock_ns;
}

static void phys_close(struct guest_phys *p)
{
	(void)p;
}

#define SOURCE_OPS                                                                                 \
	.name = "synthetic", .read = phys_read, .next_range = phys_next_range,                     \
	.alive = phys_alive, .verify = phys_verify, .close = phys_close

static const struct guest_phys_ops source_ops[] = {
	[0] = {SOURCE_OPS},
	[SYNTH_MAP] = {SOURCE_OPS, .map = phys_map},
	[SYNTH_CLOCK] = {SOURCE_OPS, .now = phys_now},
	[SYNTH_READ_MANY] = {SOURCE_OPS, .read_many = phys_read_many},
	[SYNTH_MAP | SYNTH_READ_MANY] = {SOURCE_OPS, .map = phys_map, .read_many = phys_read_many},
};

struct guest_phys *synth_source(struct synth *s, unsigned int flags)
{
	s->phys.ops = &source_ops[flags];
	return &s->phys;
}

void synth_set_gone(struct synth *s, bool gone)
{
	s->gone = gone;
}

void synth_set_restarted(struct synth *s, bool restarted)
{
	s->restarted = restarted;
}

void synth_set_clock(struct synth *s, uint64_t ns)
{
	s->clock_ns = ns;
}

uint64_t synth_space(struct synth *s)
{
	return synth_take(s, GUEST_PAGE_SIZE, GUEST_PAGE_SIZE);
}

uint64_t synth_top(struct synth *s)
{
	if (!s->top)
		s->top = synth_space(s);
	return s->top;
}

void synth_set_top(struct synth *s, uint64_t top)
{
	s->top = top;
}

struct guest_paging synth_paging(struct synth *s)
{
	return (struct guest_paging){.kernel_top = {synth_top(s)},
				     .levels = (unsigned char)s->levels};
}

static uint64_t *walk(struct synth *s, uint64_t top, uint64_t va, unsigned int level, bool make)
{
	uint64_t at = top;

	for (unsigned int l = s->levels;; l--) {
		uint64_t *table = synth_phys(s, at, GUEST_PAGE_SIZE);
		uint64_t *entry;

		if (!table)
			return NULL;
		entry = &table[va >> (l * 9 + 3) & (ENTRIES - 1)];
		if (l == level)
			return entry;
		if (!(*entry & SYNTH_PTE_PRESENT)) {
			if (!make)
				return NULL;
			*entry = synth_space(s) | SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE |
				 SYNTH_PTE_USER;
		}
		at = *entry & PTE_ADDR;
	}
}

uint64_t *synth_entry(struct synth *s, uint64_t top, uint64_t va, unsigned int level)
{
	return walk(s, top, va, level, false);
}

void synth_map(struct synth *s, uint64_t top, uint64_t va, uint64_t pa, uint64_t size,
	       uint64_t flags)
{
	unsigned int level = size == SYNTH_1G ? 3 : size == SYNTH_2M ? 2 : 1;
	uint64_t *entry = walk(s, top, va, level, true);

	if (!entry)
		fail("tables lead out of memory", va);
	*entry = pa | flags | (level > 1 ? SYNTH_PTE_HUGE : 0);
}

void synth_map_new(struct synth *s, uint64_t va, uint64_t size)
{
	for (uint64_t end = va + size; va < end; va += SYNTH_4K)
		synth_map(s, synth_top(s), va, synth_take(s, SYNTH_4K, SYNTH_4K), SYNTH_4K,
			  SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE);
}

void synth_write(struct synth *s, uint64_t va, const void *bytes, size_t size)
{
	const unsigned char *in = bytes;

	while (size) {
		size_t within = va & (GUEST_PAGE_SIZE - 1);
		size_t n = GUEST_PAGE_SIZE - within;
		uint64_t *entry = synth_entry(s, synth_top(s), va, 1);
		unsigned char *page;

		if (n > size)
			n = size;
		page = entry && (*entry & SYNTH_PTE_PRESENT)
			       ? synth_phys(s, *entry & PTE_ADDR, GUEST_PAGE_SIZE)
			       : NULL;
		if (!page)
			fail("write to unmapped memory", va);
		memcpy(page + within, in, n);
		in += n;
		va += n;
		size -= n;
	}
}

void synth_put32(struct synth *s, uint64_t va, uint32_t value)
{
	synth_write(s, va, &value, sizeof(value));
}

void synth_put64(struct synth *s, uint64_t va, uint64_t value)
{
	synth_write(s, va, &value, sizeof(value));
}

// SPDX-License-Identifier: MIT
/* Copies of guest-physical pages: see cache.h. */
#include "cache.h"

#include <string.h>

#include "base/checked.h"

enum {
	CHUNK_PAGES = 32,
};

enum err page_cache_init(struct page_cache *c, struct base_alloc *alloc, size_t pages)
{
	size_t slots = 64;

	if (pages > UINT32_MAX / 4)
		return ERR_INVAL;
	if (pages == 0)
		pages = 1;
	while (slots < pages * 2)
		slots *= 2;
	*c = (struct page_cache){.alloc = alloc, .mask = slots - 1, .max = pages, .epoch = 1};
	c->chunk_max = (pages + CHUNK_PAGES - 1) / CHUNK_PAGES;
	c->slots = base_alloc_zeroed(alloc, slots, sizeof(*c->slots));
	c->chunks = base_alloc_zeroed(alloc, c->chunk_max, sizeof(*c->chunks));
	if (!c->slots || !c->chunks) {
		page_cache_deinit(c);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void page_cache_deinit(struct page_cache *c)
{
	for (size_t i = 0; i < c->chunk_count; i++)
		base_free(c->alloc, c->chunks[i]);
	base_free(c->alloc, c->chunks);
	base_free(c->alloc, c->slots);
	*c = (struct page_cache){0};
}

void page_cache_clear(struct page_cache *c)
{
	c->used = 0;
	if (++c->epoch == 0) {
		memset(c->slots, 0, (c->mask + 1) * sizeof(*c->slots));
		c->epoch = 1;
	}
}

/* The slot that holds `frame`, or the empty one where it belongs. */
static struct page_slot *find_slot(const struct page_cache *c, uint64_t frame)
{
	size_t i = (frame * 0x9e3779b97f4a7c15u) >> 32;

	for (;; i++) {
		struct page_slot *s = &c->slots[i & c->mask];

		if (s->epoch != c->epoch || s->frame == frame)
			return s;
	}
}

static unsigned char *page_at(const struct page_cache *c, size_t page)
{
	return c->chunks[page / CHUNK_PAGES] + page % CHUNK_PAGES * GUEST_PAGE_SIZE;
}

/* Make sure that copy number `page` has memory; NULL when the bound or the memory is reached. */
static unsigned char *reserve(struct page_cache *c, size_t page)
{
	if (page >= c->max)
		return NULL;
	if (page / CHUNK_PAGES == c->chunk_count) {
		unsigned char *chunk =
			base_alloc_resize(c->alloc, NULL, CHUNK_PAGES, GUEST_PAGE_SIZE);

		if (!chunk)
			return NULL;
		c->chunks[c->chunk_count++] = chunk;
	}
	return page_at(c, page);
}

static void insert(struct page_cache *c, struct page_slot *slot, uint64_t frame)
{
	*slot = (struct page_slot){.frame = frame, .epoch = c->epoch, .page = (uint32_t)c->used++};
}

const void *page_cache_find(const struct page_cache *c, struct gpa at)
{
	const struct page_slot *slot = find_slot(c, at.v >> GUEST_PAGE_SHIFT);

	return slot->epoch == c->epoch ? page_at(c, slot->page) : NULL;
}

enum err page_cache_get(struct page_cache *c, struct guest_phys *phys, struct gpa at,
			const void **ret)
{
	uint64_t frame = at.v >> GUEST_PAGE_SHIFT;
	struct page_slot *slot = find_slot(c, frame);
	unsigned char *page;
	enum err e;

	if (slot->epoch == c->epoch) {
		*ret = page_at(c, slot->page);
		return ERR_OK;
	}
	page = reserve(c, c->used);
	if (!page)
		return c->used >= c->max ? ERR_LIMIT : ERR_NOMEM;
	e = guest_phys_read(phys, (struct gpa){frame << GUEST_PAGE_SHIFT}, page, GUEST_PAGE_SIZE,
			    NULL);
	if (e != ERR_OK)
		return e;
	insert(c, slot, frame);
	*ret = page;
	return ERR_OK;
}

void page_cache_fill(struct page_cache *c, struct guest_phys *phys, const struct gpa *pages,
		     size_t count)
{
	struct guest_phys_io ios[GUEST_PHYS_BATCH];

	while (count) {
		size_t n = 0, base = c->used;

		for (; count && n < BASE_COUNT(ios); pages++, count--) {
			unsigned char *page;

			if (page_cache_find(c, *pages))
				continue;
			page = reserve(c, base + n);
			if (!page) {
				count = 1;
				continue;
			}
			ios[n++] = (struct guest_phys_io){
				.at = {pages->v & GUEST_PAGE_MASK},
				.buf = page,
				.size = GUEST_PAGE_SIZE,
			};
		}
		if (!n || guest_phys_read_many(phys, ios, n, NULL) != ERR_OK)
			continue;
		/* Copies must stay dense: what failed, and what was asked for twice, moves up. */
		for (size_t i = 0; i < n; i++) {
			uint64_t frame = ios[i].at.v >> GUEST_PAGE_SHIFT;
			struct page_slot *slot = find_slot(c, frame);

			if (!ios[i].ok || slot->epoch == c->epoch)
				continue;
			if (page_at(c, c->used) != ios[i].buf)
				memcpy(page_at(c, c->used), ios[i].buf, GUEST_PAGE_SIZE);
			insert(c, slot, frame);
		}
	}
}

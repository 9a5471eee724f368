/* SPDX-License-Identifier: MIT */
/*
 * Copies of guest-physical pages, for sources that can't map: a bounded hash table by page frame,
 * emptied at each epoch. A copy stays where it is until then.
 */
#ifndef SCW_GUEST_CACHE_H
#define SCW_GUEST_CACHE_H

#include "base/alloc.h"
#include "base/err.h"
#include "guest/addr.h"
#include "guest/phys.h"

struct page_slot {
	uint64_t frame;
	uint32_t epoch;
	uint32_t page; /* index of the copy */
};

struct page_cache {
	struct base_alloc *alloc;
	struct page_slot *slots; /* open addressing; at most half are taken */
	size_t mask;
	unsigned char **chunks;
	size_t chunk_count, chunk_max;
	size_t used, max; /* copies of this epoch, and the bound */
	uint32_t epoch;
};

enum err page_cache_init(struct page_cache *c, struct base_alloc *alloc,
			 size_t pages) ERR_NODISCARD;
void page_cache_deinit(struct page_cache *c);

/* Forget all copies; their memory is kept for the next ones. */
void page_cache_clear(struct page_cache *c);

/* The copy of page `at` (page aligned), or NULL. */
const void *page_cache_find(const struct page_cache *c, struct gpa at);

/* The copy of page `at`, read from `phys` when it isn't there yet. */
enum err page_cache_get(struct page_cache *c, struct guest_phys *phys, struct gpa at,
			const void **ret) ERR_NODISCARD;

/* Read those of `pages` that aren't there, together. Failures are left for page_cache_get(). */
void page_cache_fill(struct page_cache *c, struct guest_phys *phys, const struct gpa *pages,
		     size_t count);

#endif

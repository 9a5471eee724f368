/* SPDX-License-Identifier: MIT */
/*
 * Copies of pages by a two-word key: a bounded hash table, emptied at each epoch. A copy stays
 * where it is until then, so its address may be handed out.
 */
#ifndef SCW_GUEST_PAGE_STORE_H
#define SCW_GUEST_PAGE_STORE_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

struct page_key {
	uint64_t space; /* an address space, or 0 */
	uint64_t frame; /* address >> GUEST_PAGE_SHIFT */
};

struct page_slot {
	struct page_key key;
	uint32_t epoch;
	uint32_t page; /* index of the copy */
};

/* Opaque but for its storage. */
struct page_store {
	struct base_alloc *alloc;
	struct page_slot *slots; /* open addressing; at most half are taken */
	size_t mask;
	unsigned char **chunks;
	size_t chunk_count, chunk_max;
	size_t used; /* copies of this epoch */
	size_t max;
	uint32_t epoch;
};

/* A store of at most `pages` pages (at least one); memory is taken as it fills. */
enum err page_store_init(struct page_store *s, struct base_alloc *alloc,
			 size_t pages) ERR_NODISCARD;
void page_store_deinit(struct page_store *s);

/* Forget all pages; their memory is kept for the next ones. */
void page_store_clear(struct page_store *s);

/* ERR_OK and the copy; or ERR_ABSENT. */
enum err page_store_find(const struct page_store *s, struct page_key key,
			 const void **ret) ERR_NODISCARD;

/*
 * Where the copy goes that page_store_put() will be given `ahead` calls from now (0: the next one):
 * a page to fill. NULL at the bound or when out of memory.
 */
unsigned char *page_store_room(struct page_store *s, size_t ahead);

/*
 * Take what page_store_room(s, 0) was filled with as the copy of `key`, which isn't known yet. Its
 * address.
 */
const void *page_store_put(struct page_store *s, struct page_key key);

/* Is there room for another key? */
static inline int page_store_full(const struct page_store *s)
{
	return s->used >= s->max;
}

#endif

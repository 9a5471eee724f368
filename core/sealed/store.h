/* SPDX-License-Identifier: MIT */
/*
 * The pages of one epoch, as far as they are known: a page has room of its own, into which lines are
 * copied as they come, and keeps its place. A line that is there is never written again: whoever looks at a
 * page while more of it comes sees no change. That a page can't be had is kept too.
 */
#ifndef SCW_SEALED_STORE_H
#define SCW_SEALED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/message.h"
#include "guest/addr.h"

#define STORE_ALL_LINES UINT64_MAX

struct store_slot {
	uint64_t space, frame;
	uint8_t *page;	/* NULL: it can't be had, and `why` */
	uint64_t lines; /* bit N: line N is there */
	uint64_t used;	/* of a page that is watched: looked at */
	uint32_t epoch; /* another one than the store's: free */
	int32_t why;
	bool watched;
};

/* Opaque but for its storage. */
struct store {
	struct base_alloc *alloc;
	struct store_slot *slots; /* open addressing; at most half are taken */
	size_t mask, keys, max;
	uint32_t epoch;
	uint8_t **chunks; /* of pages */
	size_t chunk_count, chunk_max;
	size_t chunk, used; /* where the next page goes */
	uint64_t pages;	    /* of which something came, in all epochs */
};

/* At most `pages` pages; memory is taken as it fills. */
enum err store_init(struct store *s, struct base_alloc *alloc, size_t pages) ERR_NODISCARD;
void store_deinit(struct store *s);

/* Forget all pages; their memory is kept for the next ones. */
void store_clear(struct store *s);

/*
 * ERR_OK, the page, and which of its lines are there; why it can't be had; or ERR_ABSENT: nothing
 * known.
 */
enum err store_find(const struct store *s, struct guest_space as, struct gva va, const void **ret,
		    uint64_t *lines_ret) ERR_NODISCARD;

/*
 * The same for who will look at the `wanted` lines, all of which must be there, else ERR_ABSENT. Of a page that is
 * watched only lines that were looked at are told of, so that all others are asked for here too.
 */
enum err store_use(struct store *s, struct guest_space as, struct gva va, uint64_t wanted,
		   const void **ret, uint64_t *lines_ret) ERR_NODISCARD;

/* Watch a page of the kernel's, known or not. False when the store is full. */
bool store_watch(struct store *s, uint64_t page);

/* The lines that were looked at since a page is watched. */
uint64_t store_used(const struct store *s, uint64_t page);

/* Take in what a piece says that isn't known yet. False when the store is full or out of memory. */
bool store_put(struct store *s, const struct channel_piece *p);

static inline bool store_full(const struct store *s)
{
	return s->keys >= s->max;
}

/* The lines of its page from `va` on for `size` bytes, which lie in one page. */
static inline uint64_t store_lines(struct gva va, size_t size)
{
	unsigned int within = va.v % GUEST_PAGE_SIZE;
	unsigned int first = within / CHANNEL_LINE_SIZE;
	unsigned int last = (within + (size ? (unsigned int)size - 1 : 0)) / CHANNEL_LINE_SIZE;

	return STORE_ALL_LINES >> (CHANNEL_PAGE_LINES - 1 - last) & STORE_ALL_LINES << first;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The pages of one epoch. A record is received into the store's own memory and opened there, and its
 * pages stay where they then lie: none is copied. That a page can't be had is kept too.
 */
#ifndef SCW_SEALED_STORE_H
#define SCW_SEALED_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/addr.h"

struct store_slot {
	uint64_t space, frame;
	const void *page; /* NULL: it can't be had, and `why` */
	uint32_t epoch;	  /* another one than the store's: free */
	int32_t why;
};

/* Opaque but for its storage. */
struct store {
	struct base_alloc *alloc;
	struct store_slot *slots; /* open addressing; at most half are taken */
	size_t mask, keys, max;
	uint32_t epoch;
	uint8_t **chunks;
	size_t chunk_count, chunk_max;
	size_t chunk, used; /* where the next record goes */
};

/* At most `pages` pages; memory is taken as it fills. */
enum err store_init(struct store *s, struct base_alloc *alloc, size_t pages) ERR_NODISCARD;
void store_deinit(struct store *s);

/* Forget all pages; their memory is kept for the next ones. */
void store_clear(struct store *s);

/* ERR_OK and the page; why it can't be had; or ERR_ABSENT: nothing known. */
enum err store_find(const struct store *s, struct guest_space as, struct gva va,
		    const void **ret) ERR_NODISCARD;

/* Room for one record of CHANNEL_RECORD_MAX bytes; NULL at the bound or when out of memory. */
uint8_t *store_room(struct store *s);
/* The record there has `size` bytes that pages were put from: what comes next goes behind it. */
void store_keep(struct store *s, size_t size);

/*
 * Note `page`, which lies in a record of the store's (NULL: it can't be had, for `why`), unless it is known
 * already: the first copy of an epoch stays. False when the store is full.
 */
bool store_put(struct store *s, struct guest_space as, struct gva va, const void *page,
	       enum err why);

static inline bool store_full(const struct store *s)
{
	return s->keys >= s->max;
}

#endif

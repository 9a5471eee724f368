/* SPDX-License-Identifier: MIT */
/*
 * The pages of one epoch, as far as they are known. Most pages come as a few lines, those of an object: in
 * groups of lines, one behind the other without those that aren't there, which stay where they lie in what
 * was received. Only
 * where something is looked at that lies in two groups of a page all are put together once more. What is there
 * stays as it is, and where it is, so that whoever looks at a page sees no change while more of it comes. That a
 * page can't be had is kept as well.
 *
 * A group may have only some words of its lines. Where several groups have the same word they say the same of it, that
 * which came first.
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
#include "guest/pages.h"

#define STORE_ALL_LINES UINT64_MAX

/* Lines of a page, one behind the other. */
struct store_lines {
	uint8_t *at;
	uint64_t which; /* bit N: line N is there */
};

/*
 * What is known of a page: one line of the cache, and nothing else has to be looked at to find what came of it, as
 * any of many thousands of pages may be looked for next. Most pages have no more groups of lines than it tells of.
 * Places are 32 bits: see store.c.
 */
enum {
	STORE_GROUPS = 3,
	STORE_SOON = 8,
};
struct store_slot {
	_Alignas(64) uint64_t space;
	uint64_t frame;
	uint64_t which[STORE_GROUPS]; /* lines of a group; 0: no group */
	uint32_t at[STORE_GROUPS];    /* their place, and whether they are in parts */
	uint32_t more;		      /* place of more groups (struct store_more); 0: there are none */
	uint16_t watched;	      /* index of what was looked at, counted from 1; 0: not watched */
	uint16_t epoch;		      /* another one than the store's: free */
	int16_t why;		      /* while nothing is known: an enum err */
};
_Static_assert(sizeof(struct store_slot) == 64, "a line of the cache");

/* Opaque but for its storage. */
struct store {
	struct base_alloc *alloc, *lines;
	struct store_slot *slots; /* open addressing */
	void *slots_block;	  /* that they lie in */
	size_t slot_count, keys, max;
	uint16_t epoch;
	struct store_lines *looked; /* at, of pages that are watched: those lines once more */
	size_t looked_count, looked_max;
	uint8_t **chunks; /* of lines */
	size_t chunk_count, chunk_max;
	size_t chunk, used; /* where the next ones go */
	size_t kept;	    /* chunk of what was kept last */
	uint64_t pages;	    /* of which something came, in all epochs */
	struct {
		uint64_t address;
		size_t slot; /* where it may be */
	} soon[STORE_SOON]; /* what will be looked at, the last few */
	unsigned int soon_count;
};

/* At most `pages` pages, or so much memory; it is taken as it fills, for lines from `lines`. */
enum err store_init(struct store *s, struct base_alloc *alloc, struct base_alloc *lines,
		    size_t pages) ERR_NODISCARD;
void store_deinit(struct store *s);

/* Forget all pages; their memory is kept for the next ones. */
void store_clear(struct store *s);

/* Something of this page will be put or looked for soon. */
void store_expect(const struct store *s, uint64_t space, uint64_t address);

/*
 * This address of the kernel's is looked at soon. Of a large store its line is fetched as well, when a few others have
 * been told of and its slot is there, so that nothing is waited for.
 */
void store_soon(struct store *s, struct gva va);

/*
 * Memory that goes with the epoch. Where the next `size` bytes would go if they are to be kept; NULL: there is no
 * place for that many in a row, or none at once.
 */
uint8_t *store_room(const struct store *s, size_t size);
/* The same where so many do come: NULL when the store is full or out of memory. */
uint8_t *store_make_room(struct store *s, size_t size);
/*
 * Keep `size` bytes, which lie where store_room() said or up to 64 bytes behind it, and then stay there, or anywhere
 * else: where they are to be found now. NULL when the store is full or out of memory.
 */
const void *store_keep(struct store *s, const void *bytes, size_t size);

/*
 * Take in what a piece says that isn't known yet; its lines are in what was kept last. False when the store is full or out of
 * memory.
 */
bool store_put(struct store *s, const struct channel_piece *p);

/* ERR_OK and which lines of the page are there, all of each; why it can't be had; or ERR_ABSENT: nothing known. */
enum err store_find(const struct store *s, struct guest_space as, struct gva va,
		    uint64_t *lines_ret) ERR_NODISCARD;

/*
 * For who will look at the `size` bytes at `va`, all of which must be there, else ERR_ABSENT: as part() of
 * guest/pages.h. Of a page that is watched only lines that were looked at are told of, so that all others are
 * asked for here too.
 */
enum err store_use(struct store *s, struct guest_space as, struct gva va, size_t size,
		   struct guest_lines *ret) ERR_NODISCARD;

/* Watch a page of the kernel's, known or not. False when the store is full. */
bool store_watch(struct store *s, uint64_t page);

/* The lines that were looked at since a page is watched. */
uint64_t store_used(const struct store *s, uint64_t page);

/* Of pages or of memory. */
static inline bool store_full(const struct store *s)
{
	return s->keys >= s->max || (s->chunk == s->chunk_max);
}

#endif

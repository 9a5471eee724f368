/* SPDX-License-Identifier: MIT */
/*
 * What a listing of one family has learnt for that of the other: which buckets of the hash table that both walk hold
 * anything else than its own rows. Where pages are copies, which stay as they are while their epoch lasts, all others
 * needn't be looked at again in it: /proc/net/tcp6 is short where /proc/net/tcp is long.
 */
#ifndef SCW_PROCFS_OTHERS_H
#define SCW_PROCFS_OTHERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

/* Zeroed but for `alloc`. */
struct others {
	struct base_alloc *alloc;
	uint64_t *bits; /* of buckets */
	size_t words;
	uint64_t epoch, table, count;
	unsigned short family;
	bool whole; /* the listing came to its end */
};

/* A listing of `family` begins to walk the `count` buckets of `table`. False when out of memory: nothing is noted. */
bool others_begin(struct others *o, uint64_t epoch, unsigned short family, uint64_t table, uint64_t count);
/* Not all that hangs in `bucket` was a row of the listing that began, or it couldn't be read. */
void others_note(struct others *o, uint64_t bucket);
/* All of the table was walked, in one epoch. */
void others_end(struct others *o, uint64_t epoch);
/* Is there something to know for a listing of `family` that begins? */
bool others_known(const struct others *o, uint64_t epoch, unsigned short family, uint64_t table, uint64_t count);
void others_deinit(struct others *o);

/* Once it is known: may the bucket hold a row of another family? */
static inline bool others_in(const struct others *o, uint64_t bucket)
{
	return o->bits[bucket / 64] >> bucket % 64 & 1;
}

#endif

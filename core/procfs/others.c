// SPDX-License-Identifier: MIT
/* A bitmap of buckets: see others.h. */
#include "others.h"

#include <string.h>

bool others_begin(struct others *o, uint64_t epoch, unsigned short family, uint64_t table, uint64_t count)
{
	size_t words = (count + 63) / 64;

	o->whole = false;
	o->count = 0;
	if (words > o->words) {
		base_free(o->alloc, o->bits);
		o->bits = base_alloc_resize(o->alloc, NULL, words, sizeof(*o->bits));
		o->words = o->bits ? words : 0;
		if (!o->bits)
			return false;
	}
	if (words)
		memset(o->bits, 0, words * sizeof(*o->bits));
	o->epoch = epoch;
	o->family = family;
	o->table = table;
	o->count = count;
	return true;
}

void others_note(struct others *o, uint64_t bucket)
{
	if (bucket < o->count)
		o->bits[bucket / 64] |= (uint64_t)1 << bucket % 64;
}

void others_end(struct others *o, uint64_t epoch)
{
	o->whole = o->count && o->epoch == epoch;
}

bool others_known(const struct others *o, uint64_t epoch, unsigned short family, uint64_t table, uint64_t count)
{
	return o->whole && o->epoch == epoch && o->family != family && o->table == table &&
	       o->count == count;
}

void others_deinit(struct others *o)
{
	base_free(o->alloc, o->bits);
	*o = (struct others){.alloc = o->alloc};
}

// SPDX-License-Identifier: MIT
/* A set of hashes by open addressing, at most half full. */
#include "shown.h"

#include <string.h>

enum {
	SLOTS_FIRST = 256,
	SLOTS_MAX = 1 << 20,
};

static uint64_t hash_of(const uint64_t key[4])
{
	uint64_t h = 0;

	for (int i = 0; i < 4; i++) {
		h = (h ^ key[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return h ? h : 1;
}

/* True when it is new. */
static bool put(struct shown *s, uint64_t hash)
{
	for (size_t i = hash;; i++) {
		uint64_t *slot = &s->slots[i & s->mask];

		if (*slot == hash)
			return false;
		if (!*slot) {
			*slot = hash;
			s->count++;
			return true;
		}
	}
}

static void grow(struct shown *s)
{
	size_t slots = s->slots ? 2 * (s->mask + 1) : SLOTS_FIRST;
	uint64_t *old = s->slots, *more = NULL;
	size_t old_slots = old ? s->mask + 1 : 0;

	if (slots <= SLOTS_MAX)
		more = base_alloc_zeroed(s->alloc, slots, sizeof(*more));
	s->count = 0;
	if (!more) {
		if (old)
			memset(old, 0, old_slots * sizeof(*old));
		return;
	}
	s->slots = more;
	s->mask = slots - 1;
	for (size_t i = 0; i < old_slots; i++) {
		if (old[i])
			put(s, old[i]);
	}
	base_free(s->alloc, old);
}

bool shown_add(struct shown *s, uint64_t epoch, const uint64_t key[4])
{
	if (s->epoch != epoch && s->slots) {
		memset(s->slots, 0, (s->mask + 1) * sizeof(*s->slots));
		s->count = 0;
	}
	s->epoch = epoch;
	if (!s->slots || s->count > s->mask / 2)
		grow(s);
	return !s->slots || put(s, hash_of(key));
}

void shown_begin(struct shown *s)
{
	s->epoch = 0; /* none has this number */
}

void shown_deinit(struct shown *s)
{
	base_free(s->alloc, s->slots);
	s->slots = NULL;
}

// SPDX-License-Identifier: MIT
/* A growing hash table over chunks of received records. */
#include "store.h"

#include <string.h>

#include "channel/wire.h"

enum {
	SLOTS_FIRST = 1024,
	CHUNK_SIZE = (1 << 21) - 64, /* with what an allocator puts in front: a large page of memory */
	RECORD_ALIGN = 64,
	/* bytes of records that a page may take: a small record has one, and heads of its own */
	PER_PAGE = GUEST_PAGE_SIZE + 512,
};

_Static_assert(CHUNK_SIZE >= 2 * CHANNEL_RECORD_MAX, "a chunk holds some records");

enum err store_init(struct store *s, struct base_alloc *alloc, size_t pages)
{
	*s = (struct store){.alloc = alloc, .max = pages ? pages : 1, .epoch = 1};
	if (s->max > SIZE_MAX / PER_PAGE / 2)
		return ERR_INVAL;
	/* half of a chunk may stay unused at its end, where the largest record had no room */
	s->chunk_max = 2 + s->max * PER_PAGE / (CHUNK_SIZE - CHANNEL_RECORD_MAX);
	s->slots = base_alloc_zeroed(alloc, SLOTS_FIRST, sizeof(*s->slots));
	s->mask = SLOTS_FIRST - 1;
	return s->slots ? ERR_OK : ERR_NOMEM;
}

void store_deinit(struct store *s)
{
	for (size_t i = 0; i < s->chunk_count; i++)
		base_free(s->alloc, s->chunks[i]);
	base_free(s->alloc, s->chunks);
	base_free(s->alloc, s->slots);
	*s = (struct store){0};
}

void store_clear(struct store *s)
{
	s->keys = s->chunk = s->used = 0;
	if (++s->epoch == 0) {
		memset(s->slots, 0, (s->mask + 1) * sizeof(*s->slots));
		s->epoch = 1;
	}
}

/* The slot that holds the page, or the free one where it belongs. */
static struct store_slot *find_slot(const struct store *s, uint64_t space, uint64_t frame)
{
	size_t i = ((frame ^ space << 8) * 0x9e3779b97f4a7c15u) >> 32;

	for (;; i++) {
		struct store_slot *slot = &s->slots[i & s->mask];

		if (slot->epoch != s->epoch || (slot->frame == frame && slot->space == space))
			return slot;
	}
}

enum err store_find(const struct store *s, struct guest_space as, struct gva va, const void **ret)
{
	const struct store_slot *slot = find_slot(s, as.top, va.v >> GUEST_PAGE_SHIFT);

	if (slot->epoch != s->epoch)
		return ERR_ABSENT;
	if (!slot->page)
		return (enum err)slot->why;
	*ret = slot->page;
	return ERR_OK;
}

static bool grow(struct store *s)
{
	struct store_slot *old = s->slots, *more;
	size_t old_count = s->mask + 1;

	more = base_alloc_zeroed(s->alloc, 2 * old_count, sizeof(*more));
	if (!more)
		return false;
	s->slots = more;
	s->mask = 2 * old_count - 1;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].epoch == s->epoch)
			*find_slot(s, old[i].space, old[i].frame) = old[i];
	}
	base_free(s->alloc, old);
	return true;
}

bool store_put(struct store *s, struct guest_space as, struct gva va, const void *page,
	       enum err why)
{
	uint64_t frame = va.v >> GUEST_PAGE_SHIFT;
	struct store_slot *slot = find_slot(s, as.top, frame);

	if (slot->epoch == s->epoch)
		return true;
	if (store_full(s) || (s->keys > s->mask / 2 && !grow(s)))
		return false;
	*find_slot(s, as.top, frame) = (struct store_slot){
		.space = as.top, .frame = frame, .page = page, .epoch = s->epoch, .why = why};
	s->keys++;
	return true;
}

static bool add_chunk(struct store *s)
{
	uint8_t **more, *chunk;

	if (s->chunk_count == s->chunk_max)
		return false;
	more = base_alloc_resize(s->alloc, s->chunks, s->chunk_count + 1, sizeof(*more));
	if (!more)
		return false;
	s->chunks = more;
	chunk = base_alloc_resize(s->alloc, NULL, CHUNK_SIZE, 1);
	if (chunk)
		s->chunks[s->chunk_count++] = chunk;
	return chunk;
}

uint8_t *store_room(struct store *s)
{
	if (CHUNK_SIZE - s->used < CHANNEL_RECORD_MAX) {
		s->chunk++;
		s->used = 0;
	}
	if (s->chunk == s->chunk_count && !add_chunk(s))
		return NULL;
	return s->chunks[s->chunk] + s->used;
}

void store_keep(struct store *s, size_t size)
{
	s->used += (size + RECORD_ALIGN - 1) & ~(size_t)(RECORD_ALIGN - 1);
}

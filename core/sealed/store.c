// SPDX-License-Identifier: MIT
/* A growing hash table over chunks of pages. */
#include "store.h"

#include <string.h>

enum {
	SLOTS_FIRST = 1024,
	/*
	 * Pages of the first chunks, and of those after them: with what an allocator puts in front, a
	 * large page of memory. Small sessions take little, since all of it has to be cleared.
	 */
	CHUNK_SMALL = 64,
	CHUNK_LARGE = (1 << 21) / GUEST_PAGE_SIZE,
	CHUNKS_SMALL = 16,
};

static size_t chunk_pages(size_t chunk)
{
	return (chunk < CHUNKS_SMALL ? CHUNK_SMALL : CHUNK_LARGE) - 1;
}

enum err store_init(struct store *s, struct base_alloc *alloc, size_t pages)
{
	*s = (struct store){.alloc = alloc, .max = pages ? pages : 1, .epoch = 1};
	s->chunk_max = s->max / (CHUNK_LARGE - 1) + CHUNKS_SMALL + 1;
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

/* What is known of the page of a slot. */
static enum err known(const struct store *s, const struct store_slot *slot)
{
	if (slot->epoch != s->epoch)
		return ERR_ABSENT;
	return slot->page ? ERR_OK : (enum err)slot->why;
}

enum err store_find(const struct store *s, struct guest_space as, struct gva va, const void **ret,
		    uint64_t *lines_ret)
{
	const struct store_slot *slot = find_slot(s, as.top, va.v >> GUEST_PAGE_SHIFT);
	enum err e = known(s, slot);

	if (e != ERR_OK)
		return e;
	*ret = slot->page;
	*lines_ret = slot->lines;
	return ERR_OK;
}

enum err store_use(struct store *s, struct guest_space as, struct gva va, uint64_t wanted,
		   const void **ret, uint64_t *lines_ret)
{
	struct store_slot *slot = find_slot(s, as.top, va.v >> GUEST_PAGE_SHIFT);
	enum err e = known(s, slot);

	if (e != ERR_OK)
		return e;
	if ((slot->lines & wanted) != wanted)
		return ERR_ABSENT;
	*ret = slot->page;
	*lines_ret = slot->lines;
	if (slot->watched)
		*lines_ret = slot->used |= wanted;
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

static bool add_chunk(struct store *s)
{
	uint8_t **more, *chunk;

	if (s->chunk_count == s->chunk_max)
		return false;
	more = base_alloc_resize(s->alloc, s->chunks, s->chunk_count + 1, sizeof(*more));
	if (!more)
		return false;
	s->chunks = more;
	chunk = base_alloc_resize(s->alloc, NULL,
				  chunk_pages(s->chunk_count) * GUEST_PAGE_SIZE + CHANNEL_LINE_SIZE,
				  1);
	if (chunk)
		s->chunks[s->chunk_count++] = chunk;
	return chunk;
}

/* Room for one more page; NULL at the bound or when out of memory. */
static uint8_t *take_page(struct store *s)
{
	size_t at;

	if (s->used == chunk_pages(s->chunk)) {
		s->chunk++;
		s->used = 0;
	}
	if (s->chunk == s->chunk_count && !add_chunk(s))
		return NULL;
	/* lines lie as they did in the guest */
	at = (CHANNEL_LINE_SIZE - (uintptr_t)s->chunks[s->chunk] % CHANNEL_LINE_SIZE) %
	     CHANNEL_LINE_SIZE;
	return s->chunks[s->chunk] + at + s->used++ * GUEST_PAGE_SIZE;
}

/* A page comes up for the first time; nothing is known of it. */
static struct store_slot *add_slot(struct store *s, uint64_t space, uint64_t address)
{
	uint64_t frame = address >> GUEST_PAGE_SHIFT;
	struct store_slot *slot;

	if (store_full(s) || (s->keys > s->mask / 2 && !grow(s)))
		return NULL;
	slot = find_slot(s, space, frame);
	*slot = (struct store_slot){
		.space = space, .frame = frame, .epoch = s->epoch, .why = ERR_ABSENT};
	s->keys++;
	return slot;
}

bool store_watch(struct store *s, uint64_t page)
{
	struct store_slot *slot = find_slot(s, 0, page >> GUEST_PAGE_SHIFT);

	if (slot->epoch != s->epoch)
		slot = add_slot(s, 0, page);
	if (slot)
		slot->watched = true;
	return slot;
}

uint64_t store_used(const struct store *s, uint64_t page)
{
	const struct store_slot *slot = find_slot(s, 0, page >> GUEST_PAGE_SHIFT);

	return slot->epoch == s->epoch ? slot->used : 0;
}

bool store_put(struct store *s, const struct channel_piece *p)
{
	struct store_slot *slot = find_slot(s, p->space, p->address >> GUEST_PAGE_SHIFT);
	unsigned int first = p->address % GUEST_PAGE_SIZE / CHANNEL_LINE_SIZE;
	const uint8_t *from = p->data;
	uint64_t fresh;

	if (slot->epoch != s->epoch)
		slot = add_slot(s, p->space, p->address);
	if (!slot)
		return false;
	if (!slot->page && slot->why == ERR_ABSENT)
		s->pages++;
	if (p->state != CHANNEL_PAGE_DATA) {
		/* what was said first of a page in an epoch stays */
		if (!slot->page && slot->why == ERR_ABSENT)
			slot->why = p->state == CHANNEL_PAGE_UNMAPPED ? ERR_UNMAPPED : ERR_NOPHYS;
		return true;
	}
	if (!slot->page && slot->why == ERR_ABSENT)
		slot->page = take_page(s);
	if (!slot->page)
		return slot->why != ERR_ABSENT;
	fresh = store_lines((struct gva){p->address}, (size_t)p->lines * CHANNEL_LINE_SIZE);
	if (!(slot->lines & fresh)) {
		memcpy(slot->page + first * CHANNEL_LINE_SIZE, from,
		       (size_t)p->lines * CHANNEL_LINE_SIZE);
		slot->lines |= fresh;
		return true;
	}
	for (uint32_t i = 0; i < p->lines; i++) {
		uint64_t bit = (uint64_t)1 << (first + i);

		if (slot->lines & bit)
			continue;
		memcpy(slot->page + (first + i) * CHANNEL_LINE_SIZE, from + i * CHANNEL_LINE_SIZE,
		       CHANNEL_LINE_SIZE);
		slot->lines |= bit;
	}
	return true;
}

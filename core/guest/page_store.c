// SPDX-License-Identifier: MIT
/* Copies of pages: see guest/page_store.h. */
#include "guest/page_store.h"

#include <stdbool.h>
#include <string.h>

#include "guest/addr.h"

enum {
	CHUNK_PAGES = 32,
	SLOTS_FIRST = 1 << 15, /* most at first; there are more when there are more keys */
};

enum err page_store_init(struct page_store *s, struct base_alloc *alloc, size_t pages)
{
	size_t slots = 64;

	if (pages > UINT32_MAX / 4)
		return ERR_INVAL;
	if (pages == 0)
		pages = 1;
	while (slots < pages * 2 && slots < SLOTS_FIRST)
		slots *= 2;
	*s = (struct page_store){.alloc = alloc, .mask = slots - 1, .max = pages, .epoch = 1};
	s->chunk_max = (pages + CHUNK_PAGES - 1) / CHUNK_PAGES;
	s->slots = base_alloc_zeroed(alloc, slots, sizeof(*s->slots));
	s->chunks = base_alloc_zeroed(alloc, s->chunk_max, sizeof(*s->chunks));
	if (!s->slots || !s->chunks) {
		page_store_deinit(s);
		return ERR_NOMEM;
	}
	return ERR_OK;
}

void page_store_deinit(struct page_store *s)
{
	for (size_t i = 0; i < s->chunk_count; i++)
		base_free(s->alloc, s->chunks[i]);
	base_free(s->alloc, s->chunks);
	base_free(s->alloc, s->slots);
	*s = (struct page_store){0};
}

void page_store_clear(struct page_store *s)
{
	s->used = 0;
	if (++s->epoch == 0) {
		memset(s->slots, 0, (s->mask + 1) * sizeof(*s->slots));
		s->epoch = 1;
	}
}

/* The slot that holds `key`, or the empty one where it belongs. */
static struct page_slot *find_slot(const struct page_store *s, struct page_key key)
{
	size_t i = ((key.frame ^ key.space << 8) * 0x9e3779b97f4a7c15u) >> 32;

	for (;; i++) {
		struct page_slot *slot = &s->slots[i & s->mask];

		if (slot->epoch != s->epoch ||
		    (slot->key.frame == key.frame && slot->key.space == key.space))
			return slot;
	}
}

/* Is there a slot for one more key, at most half of them being taken? */
static bool slots_suffice(struct page_store *s, size_t keys)
{
	struct page_slot *old = s->slots, *more;
	size_t count = s->mask + 1;

	if (keys < count / 2)
		return true;
	more = base_alloc_zeroed(s->alloc, 2 * count, sizeof(*more));
	if (!more)
		return false;
	s->slots = more;
	s->mask = 2 * count - 1;
	for (size_t i = 0; i < count; i++) {
		if (old[i].epoch == s->epoch)
			*find_slot(s, old[i].key) = old[i];
	}
	base_free(s->alloc, old);
	return true;
}

static unsigned char *page_at(const struct page_store *s, size_t page)
{
	return s->chunks[page / CHUNK_PAGES] + page % CHUNK_PAGES * GUEST_PAGE_SIZE;
}

enum err page_store_find(const struct page_store *s, struct page_key key, const void **ret)
{
	const struct page_slot *slot = find_slot(s, key);

	if (slot->epoch != s->epoch)
		return ERR_ABSENT;
	*ret = page_at(s, slot->page);
	return ERR_OK;
}

unsigned char *page_store_room(struct page_store *s, size_t ahead)
{
	size_t page = s->used + ahead;

	if (s->used + ahead >= s->max || !slots_suffice(s, s->used + ahead))
		return NULL;
	while (page / CHUNK_PAGES >= s->chunk_count) {
		unsigned char *chunk =
			base_alloc_resize(s->alloc, NULL, CHUNK_PAGES, GUEST_PAGE_SIZE);

		if (!chunk)
			return NULL;
		s->chunks[s->chunk_count++] = chunk;
	}
	return page_at(s, page);
}

const void *page_store_put(struct page_store *s, struct page_key key)
{
	size_t page = s->used++;

	*find_slot(s, key) =
		(struct page_slot){.key = key, .epoch = s->epoch, .page = (uint32_t)page};
	return page_at(s, page);
}

// SPDX-License-Identifier: MIT
/* A growing hash table of pages over chunks of lines. */
#include "store.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

enum {
	/* Bytes of the first table, and from when on a larger one is a multiple of a large page, less what is in front. */
	TABLE_FIRST = 1 << 15,
	TABLE_LARGE = 1 << 20,
	LARGE = 1 << 21,
	LOOKED_FIRST = 64,
	/*
	 * Bytes of the first chunks, and of those after them: with what an allocator puts in front, a
	 * large page of memory. Small sessions take little, since all of it has to be cleared.
	 */
	CHUNK_SPARE = 64,
	CHUNK_SMALL = (1 << 18) - CHUNK_SPARE,
	CHUNK_LARGE = LARGE - CHUNK_SPARE,
	CHUNKS_SMALL = 8,
	KEPT_BEFORE = 64, /* bytes of a record before its plaintext, and more */
	/* A place is the number of a chunk, counted from 1, and how far into that, by this many bytes. */
	PLACE_ALIGN = 8,
	PLACE_BITS = 18,
	PLACE_CHUNKS = (1 << (32 - PLACE_BITS)) - 1,
};
_Static_assert(CHUNK_LARGE <= PLACE_ALIGN << PLACE_BITS, "all of a chunk are places");

/* Groups of a page that it has no room for. */
struct store_more {
	uint64_t known; /* lines of these and of the `next` ones */
	uint64_t which[STORE_GROUPS];
	uint32_t at[STORE_GROUPS];
	uint32_t next;
};

/* A table of `size` bytes, less than a line of the cache in front and what the allocator has there. */
static bool make_table(struct store *s, size_t size)
{
	char *block = base_alloc_zeroed(s->lines, size - CHUNK_SPARE, 1);

	if (!block)
		return false;
	s->slots_block = block;
	s->slots = (struct store_slot *)(void *)(block + -(uintptr_t)block % sizeof(struct store_slot));
	s->slot_count = size / sizeof(struct store_slot) - 2;
	return true;
}

enum err store_init(struct store *s, struct base_alloc *alloc, struct base_alloc *lines, size_t pages)
{
	*s = (struct store){.alloc = alloc, .lines = lines, .max = pages ? pages : 1, .epoch = 1};
	s->chunk_max = s->max / (CHUNK_LARGE / GUEST_PAGE_SIZE) + CHUNKS_SMALL + 1;
	if (s->chunk_max > PLACE_CHUNKS)
		s->chunk_max = PLACE_CHUNKS;
	return make_table(s, TABLE_FIRST) ? ERR_OK : ERR_NOMEM;
}

void store_deinit(struct store *s)
{
	for (size_t i = 0; i < s->chunk_count; i++)
		base_free(s->lines, s->chunks[i]);
	base_free(s->alloc, s->chunks);
	base_free(s->alloc, s->looked);
	base_free(s->lines, s->slots_block);
	*s = (struct store){0};
}

void store_clear(struct store *s)
{
	s->keys = s->chunk = s->used = s->looked_count = 0;
	if (++s->epoch == 0) {
		memset(s->slots, 0, s->slot_count * sizeof(*s->slots));
		s->epoch = 1;
	}
}

/* ---- memory ---- */

static size_t chunk_size(size_t chunk)
{
	return chunk < CHUNKS_SMALL ? CHUNK_SMALL : CHUNK_LARGE;
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
	chunk = base_alloc_resize(s->lines, NULL, chunk_size(s->chunk_count), 1);
	if (chunk)
		s->chunks[s->chunk_count++] = chunk;
	return chunk;
}

static bool fits(const struct store *s, size_t size)
{
	return s->chunk < s->chunk_count && s->used + size <= chunk_size(s->chunk);
}

uint8_t *store_make_room(struct store *s, size_t size)
{
	while (!fits(s, size)) {
		if (s->chunk < s->chunk_count)
			s->chunk++;
		if (s->chunk == s->chunk_count && !add_chunk(s))
			return NULL;
		s->used = 0;
	}
	return s->chunks[s->chunk] + s->used;
}

/* Room for `size` bytes, aligned for any object; NULL at the bound or when out of memory. */
static void *take(struct store *s, size_t size)
{
	uint8_t *at;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	at = store_make_room(s, size);
	if (at)
		s->used += size;
	return at;
}

static uint8_t *take_lines(struct store *s, size_t count)
{
	return take(s, count * CHANNEL_LINE_SIZE);
}

/* The place of what lies in this chunk; 0: it isn't one. */
static uint32_t place_in(const struct store *s, size_t chunk, const void *at)
{
	uintptr_t far = (uintptr_t)at - (uintptr_t)s->chunks[chunk];

	if (far >= chunk_size(chunk) || far % PLACE_ALIGN)
		return 0;
	return (uint32_t)((chunk + 1) << PLACE_BITS | far / PLACE_ALIGN);
}

static void *at_place(const struct store *s, uint32_t place)
{
	return s->chunks[(place >> PLACE_BITS) - 1] +
	       (size_t)(place & ((1u << PLACE_BITS) - 1)) * PLACE_ALIGN;
}

uint8_t *store_room(const struct store *s, size_t size)
{
	return fits(s, size) ? s->chunks[s->chunk] + s->used : NULL;
}

const void *store_keep(struct store *s, const void *bytes, size_t size)
{
	const uint8_t *from = bytes;
	uint8_t *room = store_room(s, size), *to;

	/* where it is, if what is before it in there is small */
	if (room && from >= room && from < room + KEPT_BEFORE &&
	    fits(s, (size_t)(from - room) + size)) {
		(void)take(s, (size_t)(from - room) + size);
		to = room + (from - room);
	} else {
		to = take(s, size);
		if (to)
			memcpy(to, bytes, size);
	}
	s->kept = s->chunk;
	return to;
}

/* ---- pages ---- */

/* Where the page's slot is, if no other page is there. */
static size_t first_slot(const struct store *s, uint64_t space, uint64_t frame)
{
	uint64_t hash = ((frame ^ space << 8) * 0x9e3779b97f4a7c15u) >> 32;

	return hash * s->slot_count >> 32;
}

/* The slot that holds the page, or the free one where it belongs. */
static inline __attribute__((always_inline)) struct store_slot *find_slot(const struct store *s, uint64_t space, uint64_t frame)
{
	size_t i = first_slot(s, space, frame);

	for (;;) {
		struct store_slot *slot = &s->slots[i];

		if (slot->epoch != s->epoch || (slot->frame == frame && slot->space == space))
			return slot;
		if (++i == s->slot_count)
			i = 0;
	}
}

/* The page's slot; NULL: there is none. */
static inline __attribute__((always_inline)) struct store_slot *find_page(const struct store *s, uint64_t space, uint64_t address)
{
	struct store_slot *slot = find_slot(s, space, address >> GUEST_PAGE_SHIFT);

	return slot->epoch == s->epoch ? slot : NULL;
}

static struct store_more *more_of(const struct store *s, uint32_t place)
{
	return place ? at_place(s, place) : NULL;
}

/* Lines of all groups. */
static uint64_t known(const struct store *s, const struct store_slot *page)
{
	const struct store_more *more = more_of(s, page->more);

	return page->which[0] | page->which[1] | page->which[2] | (more ? more->known : 0);
}

enum err store_find(const struct store *s, struct guest_space as, struct gva va,
		    uint64_t *lines_ret)
{
	const struct store_slot *page = find_page(s, as.top, va.v);
	uint64_t lines = page ? known(s, page) : 0;

	if (!lines)
		return page ? (enum err)page->why : ERR_ABSENT;
	*lines_ret = lines;
	return ERR_OK;
}

static bool grow(struct store *s)
{
	void *old_block = s->slots_block;
	struct store_slot *old = s->slots;
	size_t old_count = s->slot_count, size = (old_count + 2) * sizeof(*old) * 2;

	if (size >= TABLE_LARGE)
		size = (size + LARGE - 1) / LARGE * LARGE;
	if (!make_table(s, size))
		return false;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].epoch == s->epoch)
			*find_slot(s, old[i].space, old[i].frame) = old[i];
	}
	base_free(s->lines, old_block);
	return true;
}

/* A page comes up for the first time; nothing is known of it. */
static struct store_slot *add_page(struct store *s, uint64_t space, uint64_t address)
{
	uint64_t frame = address >> GUEST_PAGE_SHIFT;
	struct store_slot *slot;

	if (store_full(s) || (s->keys > s->slot_count / 4 * 3 && !grow(s)))
		return NULL;
	slot = find_slot(s, space, frame);
	*slot = (struct store_slot){.space = space, .frame = frame, .epoch = s->epoch, .why = ERR_ABSENT};
	s->keys++;
	return slot;
}

bool store_watch(struct store *s, uint64_t address)
{
	struct store_slot *page = find_page(s, 0, address);

	if (!page)
		page = add_page(s, 0, address);
	if (!page || page->watched)
		return page;
	if (s->looked_count == UINT16_MAX)
		return false;
	if (s->looked_count == s->looked_max) {
		size_t max = s->looked_max ? 2 * s->looked_max : LOOKED_FIRST;
		struct store_lines *more = base_alloc_resize(s->alloc, s->looked, max, sizeof(*more));

		if (!more)
			return false;
		s->looked = more;
		s->looked_max = max;
	}
	s->looked[s->looked_count++] = (struct store_lines){0};
	page->watched = (uint16_t)s->looked_count;
	return true;
}

uint64_t store_used(const struct store *s, uint64_t address)
{
	const struct store_slot *page = find_page(s, 0, address);

	return page && page->watched ? s->looked[page->watched - 1].which : 0;
}

static size_t count_lines(uint64_t lines)
{
	return base_count_bits(lines);
}

/* Copy `lines` to `to`, where those of `to_has` lie, from where those of `from_has` do. */
static void copy_lines(uint8_t *to, uint64_t to_has, const uint8_t *from, uint64_t from_has, uint64_t lines)
{
	unsigned int first, count;

	for (; lines; lines &= ~base_run(first, count)) {
		uint64_t va;

		first = base_first_run(lines, &count);
		va = first * (uint64_t)CHANNEL_LINE_SIZE;
		memcpy(to + ((const uint8_t *)guest_lines_at(to, to_has, va) - to),
		       guest_lines_at(from, from_has, va), (size_t)count * CHANNEL_LINE_SIZE);
	}
}

/* Can these lines follow those of the group? The last group that was made may grow. */
static bool can_extend(const struct store *s, const struct store_lines *group, uint64_t fresh)
{
	return group->which && (fresh & -fresh) > group->which && s->chunk < s->chunk_count &&
	       group->at + count_lines(group->which) * CHANNEL_LINE_SIZE ==
		       s->chunks[s->chunk] + s->used &&
	       fits(s, count_lines(fresh) * CHANNEL_LINE_SIZE);
}

/*
 * More lines of a group, from where those of `from_has` lie: behind what there is if there is room, else all
 * somewhere else.
 */
static bool add_lines(struct store *s, struct store_lines *group, uint64_t fresh, const uint8_t *from,
		      uint64_t from_has)
{
	uint64_t all = group->which | fresh;
	uint8_t *to = group->at;

	if (can_extend(s, group, fresh)) {
		(void)take_lines(s, count_lines(fresh));
	} else {
		to = take_lines(s, count_lines(all));
		if (!to)
			return false;
		copy_lines(to, all, group->at, group->which, group->which);
	}
	copy_lines(to, all, from, from_has, fresh);
	*group = (struct store_lines){to, all};
	return true;
}

/* Copy to `to`, where those of `has` lie, the lines of `STORE_GROUPS` groups. */
static void copy_groups(const struct store *s, uint8_t *to, uint64_t has, const uint64_t *which,
			const uint32_t *at)
{
	for (unsigned int i = 0; i < STORE_GROUPS && which[i]; i++)
		copy_lines(to, has, at_place(s, at[i]), which[i], which[i]);
}

/* Put all groups of the page together. */
static bool assemble(struct store *s, struct store_slot *page, uint64_t all)
{
	uint8_t *to = take_lines(s, count_lines(all));
	const struct store_more *more = more_of(s, page->more);

	if (!to)
		return false;
	copy_groups(s, to, all, page->which, page->at);
	for (; more; more = more_of(s, more->next))
		copy_groups(s, to, all, more->which, more->at);
	*page = (struct store_slot){.space = page->space,
				    .frame = page->frame,
				    .which = {all},
				    .at = {place_in(s, s->chunk, to)},
				    .watched = page->watched,
				    .epoch = page->epoch};
	return true;
}

/* The group that has all of the `wanted` lines, when it isn't among the page's first ones. */
static __attribute__((noinline)) enum err use_more(struct store *s, struct store_slot *page,
						   uint64_t wanted, struct store_lines *ret)
{
	uint64_t all = known(s, page);

	if (!all)
		return (enum err)page->why;
	if ((all & wanted) != wanted)
		return ERR_ABSENT;
	for (const struct store_more *more = more_of(s, page->more); more; more = more_of(s, more->next)) {
		for (unsigned int i = 0; i < STORE_GROUPS; i++) {
			if ((more->which[i] & wanted) == wanted) {
				*ret = (struct store_lines){at_place(s, more->at[i]), more->which[i]};
				return ERR_OK;
			}
		}
	}
	/* each line is in one */
	if (!assemble(s, page, all))
		return ERR_NOMEM;
	*ret = (struct store_lines){at_place(s, page->at[0]), all};
	return ERR_OK;
}

static enum err use(struct store *s, struct store_slot *page, uint64_t wanted, struct store_lines *ret)
{
	for (unsigned int i = 0; i < STORE_GROUPS; i++) {
		if ((page->which[i] & wanted) == wanted) {
			*ret = (struct store_lines){at_place(s, page->at[i]), page->which[i]};
			return ERR_OK;
		}
	}
	return use_more(s, page, wanted, ret);
}

enum err store_use(struct store *s, struct guest_space as, struct gva va, uint64_t wanted,
		   const void **ret, uint64_t *lines_ret)
{
	struct store_slot *page = find_page(s, as.top, va.v);
	struct store_lines lines;
	enum err e = page ? use(s, page, wanted, &lines) : ERR_ABSENT;

	if (e != ERR_OK)
		return e;
	if (page->watched) {
		struct store_lines *looked = &s->looked[page->watched - 1];
		uint64_t fresh = wanted & ~looked->which;

		if (fresh && !add_lines(s, looked, fresh, lines.at, lines.which))
			return ERR_NOMEM;
		lines = *looked;
	}
	*ret = lines.at;
	*lines_ret = lines.which;
	return ERR_OK;
}

/* Lines that weren't known of the page, and their place. */
static bool add_group(struct store *s, struct store_slot *page, uint64_t which, uint32_t at)
{
	struct store_more *more;

	for (unsigned int i = 0; i < STORE_GROUPS; i++) {
		if (!page->which[i]) {
			page->which[i] = which;
			page->at[i] = at;
			return true;
		}
	}
	more = more_of(s, page->more);
	if (!more || more->which[STORE_GROUPS - 1]) {
		uint64_t others = more ? more->known : 0;

		more = take(s, sizeof(*more));
		if (!more)
			return false;
		*more = (struct store_more){.known = others, .next = page->more};
		page->more = place_in(s, s->chunk, more);
	}
	for (unsigned int i = 0; i < STORE_GROUPS; i++) {
		if (!more->which[i]) {
			more->which[i] = which;
			more->at[i] = at;
			break;
		}
	}
	more->known |= which;
	return true;
}

void store_expect(const struct store *s, uint64_t space, uint64_t address)
{
	__builtin_prefetch(&s->slots[first_slot(s, space, address >> GUEST_PAGE_SHIFT)], 1);
}

void store_soon(struct store *s, struct gva va)
{
	unsigned int i, group;
	const struct store_slot *slot;
	uint64_t before, line;

	/* so little is in the cache since it came */
	if (s->chunk < CHUNKS_SMALL) {
		store_expect(s, 0, va.v);
		return;
	}
	i = s->soon_count++ % STORE_SOON;
	before = s->soon[i].address;
	slot = &s->slots[s->soon[i].slot];
	line = (uint64_t)1 << before % GUEST_PAGE_SIZE / CHANNEL_LINE_SIZE;
	s->soon[i].address = va.v;
	s->soon[i].slot = first_slot(s, 0, va.v >> GUEST_PAGE_SHIFT);
	__builtin_prefetch(&s->slots[s->soon[i].slot]);
	/* without jumps that nobody can foretell */
	group = slot->which[2] & line ? 2 : slot->which[1] & line ? 1 : 0;
	if (slot->epoch == s->epoch && slot->frame == before >> GUEST_PAGE_SHIFT && slot->which[group])
		__builtin_prefetch(guest_lines_at(at_place(s, slot->at[group]), slot->which[group], before));
}

bool store_put(struct store *s, const struct channel_piece *p)
{
	struct store_slot *page = find_page(s, p->space, p->address);
	uint64_t before, fresh;
	uint32_t at = 0;

	if (!page)
		page = add_page(s, p->space, p->address);
	if (!page)
		return false;
	before = known(s, page);
	/* what was said first of a page, and of a line, in an epoch stays */
	if (!before && page->why != ERR_ABSENT)
		return true;
	if (!before)
		s->pages++;
	if (p->state != CHANNEL_PAGE_DATA) {
		if (!before)
			page->why = p->state == CHANNEL_PAGE_UNMAPPED ? ERR_UNMAPPED : ERR_NOPHYS;
		return true;
	}
	fresh = p->lines & ~before;
	if (!fresh)
		return true;
	/* they are left where they lie; but what came before of these lines is what they are */
	if (fresh == p->lines)
		at = place_in(s, s->kept, p->data);
	if (!at) {
		struct store_lines lines = {0};

		if (!add_lines(s, &lines, fresh, p->data, p->lines))
			return false;
		at = place_in(s, s->chunk, lines.at);
	}
	return add_group(s, page, fresh, at);
}

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
	USUAL_PART = 32,  /* bytes that there are of a line that is there in part, about */
	/* A place is the number of a chunk, counted from 1, and how far into that, by this many bytes. */
	PLACE_ALIGN = 8,
	PLACE_BITS = 18,
	PLACE_CHUNKS = (1 << (31 - PLACE_BITS)) - 1,
};
/* In parts: at the place is the table of runs of a piece (channel/message.h), as guest/pages.h has them. */
#define PLACE_PARTS (1u << 31)
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "a table is used as it came");
_Static_assert(CHUNK_LARGE <= PLACE_ALIGN << PLACE_BITS, "all of a chunk are places");

/* Groups of a page that it has no room for. */
struct store_more {
	uint64_t known; /* lines of these and of the `next` ones, without those in parts */
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
	return s->chunks[((place & ~PLACE_PARTS) >> PLACE_BITS) - 1] +
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

static bool in_parts(uint32_t place)
{
	return place & PLACE_PARTS;
}

/* Lines of the group of which all is there: without a jump that nobody can foretell. */
static uint64_t whole(uint64_t which, uint32_t place)
{
	return which & ((uint64_t)in_parts(place) - 1);
}

/* Those of all groups. */
static uint64_t known(const struct store *s, const struct store_slot *page)
{
	const struct store_more *more = more_of(s, page->more);
	uint64_t lines = more ? more->known : 0;

	for (unsigned int i = 0; i < STORE_GROUPS; i++)
		lines |= whole(page->which[i], page->at[i]);
	return lines;
}

static struct guest_lines group_at(const struct store *s, uint64_t which, uint32_t place)
{
	const void *at = at_place(s, place);

	return (struct guest_lines){at, which, in_parts(place) ? at : NULL};
}

/* As guest_runs_find(): apart, as most groups are of whole lines. */
static __attribute__((noinline)) bool has_words(const struct guest_lines *l, uint64_t va, size_t size)
{
	return guest_runs_find(l, va, size);
}

/* The group, if all of `wanted` is there, which is what `size` bytes at `va` lie in. */
static inline __attribute__((always_inline)) bool has(const struct store *s, uint64_t which, uint32_t place,
						      uint64_t wanted, uint64_t va, size_t size,
						      struct guest_lines *ret)
{
	if ((which & wanted) != wanted)
		return false;
	*ret = group_at(s, which, place);
	return !ret->runs || has_words(ret, va, size);
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

/* One group of a page after the other. */
struct groups {
	const uint64_t *which;
	const uint32_t *at;
	uint32_t more; /* place of those to come */
	unsigned int next;
};

static struct groups groups_of(const struct store_slot *page)
{
	return (struct groups){page->which, page->at, page->more, 0};
}

static bool next_group(const struct store *s, struct groups *g, uint64_t *which_ret, uint32_t *at_ret)
{
	while (g->next == STORE_GROUPS || !g->which[g->next]) {
		const struct store_more *more = more_of(s, g->more);

		if (!more)
			return false;
		*g = (struct groups){more->which, more->at, more->next, 0};
	}
	*which_ret = g->which[g->next];
	*at_ret = g->at[g->next++];
	return true;
}

/* A group of the page, its lines and their place. */
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
	more->known |= whole(which, at);
	return true;
}

/* Put all groups of the page together that have all of their lines; the others stay as they are. */
static bool assemble(struct store *s, struct store_slot *page, uint64_t all)
{
	uint8_t *to = take_lines(s, count_lines(all));
	struct groups g = groups_of(page);
	struct store_slot now = {.space = page->space,
				 .frame = page->frame,
				 .which = {all},
				 .watched = page->watched,
				 .epoch = page->epoch};
	uint64_t which;
	uint32_t at;

	if (!to)
		return false;
	now.at[0] = place_in(s, s->chunk, to);
	while (next_group(s, &g, &which, &at)) {
		if (!in_parts(at))
			copy_lines(to, all, at_place(s, at), which, which);
		else if (!add_group(s, &now, which, at))
			return false;
	}
	*page = now;
	return true;
}

/* The group that has all of the `wanted` lines, when it isn't among the page's first ones. */
static __attribute__((noinline)) enum err use_more(struct store *s, struct store_slot *page, uint64_t wanted,
						   uint64_t va, size_t size, struct guest_lines *ret)
{
	uint64_t all;

	if (!page->which[0])
		return (enum err)page->why;
	for (const struct store_more *more = more_of(s, page->more); more; more = more_of(s, more->next)) {
		for (unsigned int i = 0; i < STORE_GROUPS; i++) {
			if (has(s, more->which[i], more->at[i], wanted, va, size, ret))
				return ERR_OK;
		}
	}
	all = known(s, page);
	if ((all & wanted) != wanted)
		return ERR_ABSENT;
	/* each line is in one */
	if (!assemble(s, page, all))
		return ERR_NOMEM;
	*ret = group_at(s, page->which[0], page->at[0]);
	return ERR_OK;
}

static enum err use(struct store *s, struct store_slot *page, uint64_t va, size_t size, struct guest_lines *ret)
{
	uint64_t wanted = guest_lines_of(va, size);

	for (unsigned int i = 0; i < STORE_GROUPS; i++) {
		if (has(s, page->which[i], page->at[i], wanted, va, size, ret))
			return ERR_OK;
	}
	return use_more(s, page, wanted, va, size, ret);
}

/* What was looked at of a page that is watched, with these lines, and nothing else. */
static bool note_looked(struct store *s, struct store_slot *page, uint64_t wanted, struct guest_lines *ret)
{
	struct store_lines *looked = &s->looked[page->watched - 1];
	uint64_t fresh = wanted & ~looked->which;

	/* what comes in parts was asked for where it is needed, and no trail has to tell of it */
	if (ret->runs) {
		ret->runs += count_lines(ret->lines & ((wanted & -wanted) - 1));
		ret->lines = wanted;
		return true;
	}
	if (fresh && !add_lines(s, looked, fresh, ret->host, ret->lines))
		return false;
	*ret = (struct guest_lines){looked->at, looked->which, NULL};
	return true;
}

enum err store_use(struct store *s, struct guest_space as, struct gva va, size_t size,
		   struct guest_lines *ret)
{
	struct store_slot *page = find_page(s, as.top, va.v);
	struct guest_lines lines;
	enum err e = page ? use(s, page, va.v, size, &lines) : ERR_ABSENT;

	if (e != ERR_OK)
		return e;
	if (page->watched && !note_looked(s, page, guest_lines_of(va.v, size), &lines))
		return ERR_NOMEM;
	*ret = lines;
	return ERR_OK;
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
		__builtin_prefetch((const char *)at_place(s, slot->at[group]) +
				   (size_t)guest_lines_before(slot->which[group], before) *
					   (in_parts(slot->at[group]) ? USUAL_PART : CHANNEL_LINE_SIZE));
}

/* The words of a line that a group has: where they are, which is the first and behind which is the end. */
static uint8_t *words_of(const struct guest_lines *l, unsigned int line, unsigned int *first_ret,
			 unsigned int *end_ret)
{
	unsigned int at = guest_lines_before(l->lines, (uint64_t)line * CHANNEL_LINE_SIZE);
	unsigned int run = l->runs ? l->runs[at] : at * CHANNEL_LINE_WORDS << CHANNEL_RUN_BITS | CHANNEL_RUN_WHOLE;

	*first_ret = channel_run_first(run);
	*end_ret = *first_ret + channel_run_count(run);
	return (uint8_t *)(uintptr_t)l->host + (size_t)(run >> CHANNEL_RUN_BITS) * CHANNEL_WORD_SIZE;
}

/* What came before of the group's words is what they are. */
static void keep_words(const struct guest_lines *group, const struct guest_lines *before)
{
	for (uint64_t both = group->lines & before->lines; both; both &= both - 1) {
		unsigned int line = (unsigned int)__builtin_ctzll(both), first, end, old_first, old_end, from, to;
		uint8_t *words = words_of(group, line, &first, &end);
		const uint8_t *old = words_of(before, line, &old_first, &old_end);

		from = first > old_first ? first : old_first;
		to = end < old_end ? end : old_end;
		if (from < to)
			memcpy(words + (size_t)(from - first) * CHANNEL_WORD_SIZE,
			       old + (size_t)(from - old_first) * CHANNEL_WORD_SIZE,
			       (size_t)(to - from) * CHANNEL_WORD_SIZE);
	}
}

static bool same_parts(const struct guest_lines *a, const struct guest_lines *b)
{
	return a->runs && b->runs && a->lines == b->lines &&
	       !memcmp(a->runs, b->runs, count_lines(a->lines) * sizeof(*a->runs));
}

/* Lines in parts, which are left where they lie. NULL: there is no room. */
static const void *place_parts(struct store *s, const struct channel_piece *p, uint32_t *at_ret)
{
	const void *at = p->data;
	uint32_t place = place_in(s, s->kept, at);

	if (!place) {
		uint8_t *to = take(s, p->size);

		if (!to)
			return NULL;
		at = memcpy(to, p->data, p->size);
		place = place_in(s, s->chunk, to);
	}
	*at_ret = place | PLACE_PARTS;
	return at;
}

/* Lines of which all came, and that weren't known. NULL: there is no room. */
static const void *place_lines(struct store *s, const struct channel_piece *p, uint64_t fresh, uint32_t *at_ret)
{
	struct store_lines lines = {0};

	/* they are left where they lie; but what came before of these lines is what they are */
	*at_ret = fresh == p->lines ? place_in(s, s->kept, p->data) : 0;
	if (*at_ret)
		return p->data;
	if (!add_lines(s, &lines, fresh, p->data, p->lines))
		return NULL;
	*at_ret = place_in(s, s->chunk, lines.at);
	return lines.at;
}

bool store_put(struct store *s, const struct channel_piece *p)
{
	struct store_slot *page = find_page(s, p->space, p->address);
	struct guest_lines now = {.lines = p->lines};
	struct groups g;
	uint64_t fresh, which;
	uint32_t at, old;

	if (!page)
		page = add_page(s, p->space, p->address);
	if (!page)
		return false;
	/* what was said first of a page, and of a line, in an epoch stays */
	if (!page->which[0] && page->why != ERR_ABSENT)
		return true;
	if (!page->which[0])
		s->pages++;
	if (p->state == CHANNEL_PAGE_UNMAPPED || p->state == CHANNEL_PAGE_NOPHYS) {
		if (!page->which[0])
			page->why = p->state == CHANNEL_PAGE_UNMAPPED ? ERR_UNMAPPED : ERR_NOPHYS;
		return true;
	}
	fresh = page->which[0] ? p->lines & ~known(s, page) : p->lines;
	if (!fresh)
		return true;
	if (p->state == CHANNEL_PAGE_PARTS) {
		now.host = now.runs = place_parts(s, p, &at);
	} else {
		now.lines = fresh;
		now.host = place_lines(s, p, fresh, &at);
	}
	if (!now.host)
		return false;
	for (g = groups_of(page); next_group(s, &g, &which, &old);) {
		struct guest_lines before = group_at(s, which, old);

		if (!(which & now.lines))
			continue;
		if (same_parts(&before, &now))
			return true;
		keep_words(&now, &before);
	}
	return add_group(s, page, now.lines, at);
}

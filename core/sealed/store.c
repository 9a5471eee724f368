// SPDX-License-Identifier: MIT
/* A growing hash table of pages over chunks of lines. */
#include "store.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"

enum {
	SLOTS_FIRST = 1024,
	GROUPS_FIRST = 1024,
	LOOKED_FIRST = 64,
	/*
	 * Bytes of the first chunks, and of those after them: with what an allocator puts in front, a
	 * large page of memory. Small sessions take little, since all of it has to be cleared.
	 */
	CHUNK_SPARE = 64,
	CHUNK_SMALL = (1 << 18) - CHUNK_SPARE,
	CHUNK_LARGE = (1 << 21) - CHUNK_SPARE,
	CHUNKS_SMALL = 8,
	KEPT_BEFORE = 64, /* bytes of a record before its plaintext, and more */
};

/* The allocator's memory is for any object, but not for lines of the cache. */
static struct store_slot *make_slots(struct store *s, size_t count, void **block_ret)
{
	char *block = base_alloc_zeroed(s->alloc, count + 1, sizeof(struct store_slot));

	*block_ret = block;
	return block ? (struct store_slot *)(void *)(block + -(uintptr_t)block % sizeof(struct store_slot)) :
		       NULL;
}

enum err store_init(struct store *s, struct base_alloc *alloc, struct base_alloc *lines, size_t pages)
{
	*s = (struct store){.alloc = alloc, .lines = lines, .max = pages ? pages : 1, .epoch = 1};
	s->chunk_max = s->max / (CHUNK_LARGE / GUEST_PAGE_SIZE) + CHUNKS_SMALL + 1;
	s->slots = make_slots(s, SLOTS_FIRST, &s->slots_block);
	s->mask = SLOTS_FIRST - 1;
	return s->slots ? ERR_OK : ERR_NOMEM;
}

void store_deinit(struct store *s)
{
	for (size_t i = 0; i < s->chunk_count; i++)
		base_free(s->lines, s->chunks[i]);
	base_free(s->alloc, s->chunks);
	base_free(s->alloc, s->groups);
	base_free(s->alloc, s->looked);
	base_free(s->alloc, s->slots_block);
	*s = (struct store){0};
}

void store_clear(struct store *s)
{
	s->keys = s->chunk = s->used = s->group_count = s->looked_count = 0;
	if (++s->epoch == 0) {
		memset(s->slots, 0, (s->mask + 1) * sizeof(*s->slots));
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

/* Room for `size` bytes, aligned for any object; NULL at the bound or when out of memory. */
static uint8_t *take(struct store *s, size_t size)
{
	uint8_t *at;

	size = (size + _Alignof(max_align_t) - 1) & ~(_Alignof(max_align_t) - 1);
	while (!fits(s, size)) {
		if (s->chunk < s->chunk_count)
			s->chunk++;
		if (s->chunk == s->chunk_count && !add_chunk(s))
			return NULL;
		s->used = 0;
	}
	at = s->chunks[s->chunk] + s->used;
	s->used += size;
	return at;
}

static uint8_t *take_lines(struct store *s, size_t count)
{
	return take(s, count * CHANNEL_LINE_SIZE);
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
		return bytes;
	}
	to = take(s, size);
	if (to)
		memcpy(to, bytes, size);
	return to;
}

/* ---- pages ---- */

static size_t place(uint64_t space, uint64_t frame)
{
	return ((frame ^ space << 8) * 0x9e3779b97f4a7c15u) >> 32;
}

/* The slot that holds the page, or the free one where it belongs. */
static struct store_slot *find_slot(const struct store *s, uint64_t space, uint64_t frame)
{
	for (size_t i = place(space, frame);; i++) {
		struct store_slot *slot = &s->slots[i & s->mask];

		if (slot->epoch != s->epoch || (slot->frame == frame && slot->space == space))
			return slot;
	}
}

/* Nothing is known of it: ERR_ABSENT, or why it can't be had. */
static enum err why(const struct store_slot *slot)
{
	return (enum err)-(int32_t)slot->groups;
}

static void set_why(struct store_slot *slot, enum err e)
{
	slot->groups = (uint32_t)-(int32_t)e;
}

/* What is known of the page of a slot. */
static enum err known(const struct store *s, const struct store_slot *slot)
{
	if (slot->epoch != s->epoch)
		return ERR_ABSENT;
	return slot->known ? ERR_OK : why(slot);
}

enum err store_find(const struct store *s, struct guest_space as, struct gva va,
		    uint64_t *lines_ret)
{
	const struct store_slot *slot = find_slot(s, as.top, va.v >> GUEST_PAGE_SHIFT);
	enum err e = known(s, slot);

	if (e == ERR_OK)
		*lines_ret = slot->known;
	return e;
}

static bool grow(struct store *s)
{
	void *old_block = s->slots_block, *block;
	size_t old_count = s->mask + 1;
	struct store_slot *old = s->slots, *more = make_slots(s, 2 * old_count, &block);

	if (!more)
		return false;
	s->slots = more;
	s->slots_block = block;
	s->mask = 2 * old_count - 1;
	for (size_t i = 0; i < old_count; i++) {
		if (old[i].epoch == s->epoch)
			*find_slot(s, old[i].space, old[i].frame) = old[i];
	}
	base_free(s->alloc, old_block);
	return true;
}

/* A page comes up for the first time; nothing is known of it. */
static struct store_slot *add_slot(struct store *s, uint64_t space, uint64_t address)
{
	uint64_t frame = address >> GUEST_PAGE_SHIFT;
	struct store_slot *slot;

	if (store_full(s) || (s->keys > s->mask / 2 && !grow(s)))
		return NULL;
	slot = find_slot(s, space, frame);
	*slot = (struct store_slot){.space = space, .frame = frame, .epoch = s->epoch};
	set_why(slot, ERR_ABSENT);
	s->keys++;
	return slot;
}

bool store_watch(struct store *s, uint64_t page)
{
	struct store_slot *slot = find_slot(s, 0, page >> GUEST_PAGE_SHIFT);

	if (slot->epoch != s->epoch)
		slot = add_slot(s, 0, page);
	if (!slot || slot->watched)
		return slot;
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
	slot->watched = (uint16_t)s->looked_count;
	return true;
}

uint64_t store_used(const struct store *s, uint64_t page)
{
	const struct store_slot *slot = find_slot(s, 0, page >> GUEST_PAGE_SHIFT);

	return slot->epoch == s->epoch && slot->watched ? s->looked[slot->watched - 1].which : 0;
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

static struct store_group *first_group(const struct store *s, const struct store_slot *slot)
{
	return &s->groups[slot->groups - 1];
}

/* Put all groups of the page together. */
static bool assemble(struct store *s, struct store_slot *slot)
{
	uint8_t *to = take_lines(s, count_lines(slot->known));

	if (!to)
		return false;
	for (uint32_t i = slot->groups; i; i = s->groups[i - 1].next) {
		const struct store_lines *lines = &s->groups[i - 1].lines;

		copy_lines(to, slot->known, lines->at, lines->which, lines->which);
	}
	*first_group(s, slot) = (struct store_group){.lines = {to, slot->known}};
	return true;
}

/* Have a group come first that has all of the `wanted` lines, each of which is in one. */
static bool bring_forward(struct store *s, struct store_slot *slot, uint64_t wanted)
{
	struct store_group *first = first_group(s, slot);

	for (uint32_t i = first->next; i; i = s->groups[i - 1].next) {
		struct store_lines lines = s->groups[i - 1].lines;

		if ((lines.which & wanted) == wanted) {
			s->groups[i - 1].lines = first->lines;
			first->lines = lines;
			return true;
		}
	}
	return assemble(s, slot);
}

enum err store_use(struct store *s, struct guest_space as, struct gva va, uint64_t wanted,
		   const void **ret, uint64_t *lines_ret)
{
	struct store_slot *slot = find_slot(s, as.top, va.v >> GUEST_PAGE_SHIFT);
	const struct store_lines *lines;
	enum err e = known(s, slot);

	if (e != ERR_OK)
		return e;
	if ((slot->known & wanted) != wanted)
		return ERR_ABSENT;
	lines = &first_group(s, slot)->lines;
	if ((lines->which & wanted) != wanted && !bring_forward(s, slot, wanted))
		return ERR_NOMEM;
	if (slot->watched) {
		struct store_lines *looked = &s->looked[slot->watched - 1];
		uint64_t fresh = wanted & ~looked->which;

		if (fresh && !add_lines(s, looked, fresh, lines->at, lines->which))
			return ERR_NOMEM;
		lines = looked;
	}
	*ret = lines->at;
	*lines_ret = lines->which;
	return ERR_OK;
}

/* Lines that weren't known of the page are its first group. */
static bool add_group(struct store *s, struct store_slot *slot, struct store_lines lines)
{
	if (s->group_count == s->group_max) {
		size_t max = s->group_max ? 2 * s->group_max : GROUPS_FIRST;
		struct store_group *more = base_alloc_resize(s->alloc, s->groups, max, sizeof(*more));

		if (!more)
			return false;
		s->groups = more;
		s->group_max = max;
	}
	s->groups[s->group_count++] = (struct store_group){lines, slot->known ? slot->groups : 0};
	slot->groups = (uint32_t)s->group_count;
	slot->known |= lines.which;
	return true;
}

void store_soon(const struct store *s, struct guest_space as, struct gva va)
{
	__builtin_prefetch(&s->slots[place(as.top, va.v >> GUEST_PAGE_SHIFT) & s->mask], 1);
}

bool store_put(struct store *s, const struct channel_piece *p)
{
	struct store_slot *slot = find_slot(s, p->space, p->address >> GUEST_PAGE_SHIFT);
	struct store_lines lines = {0};
	uint64_t fresh;

	if (slot->epoch != s->epoch)
		slot = add_slot(s, p->space, p->address);
	if (!slot)
		return false;
	/* what was said first of a page, and of a line, in an epoch stays */
	if (!slot->known && why(slot) != ERR_ABSENT)
		return true;
	if (!slot->known)
		s->pages++;
	if (p->state != CHANNEL_PAGE_DATA) {
		if (!slot->known)
			set_why(slot, p->state == CHANNEL_PAGE_UNMAPPED ? ERR_UNMAPPED : ERR_NOPHYS);
		return true;
	}
	fresh = p->lines & ~slot->known;
	if (!fresh)
		return true;
	/* they are left where they lie; but what came before of these lines is what they are */
	if (fresh == p->lines)
		lines = (struct store_lines){(uint8_t *)(uintptr_t)p->data, fresh};
	else if (!add_lines(s, &lines, fresh, p->data, p->lines))
		return false;
	return add_group(s, slot, lines);
}

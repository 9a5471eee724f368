// SPDX-License-Identifier: MIT
/* See sealed/asked.h. */
#include "sealed/asked.h"

#include <endian.h>
#include <string.h>

#include "sealed/pages.h"

static bool is_among(const struct sealed_asked *a, const uint8_t *item)
{
	for (size_t i = 0; i < a->count; i++) {
		if (!memcmp(a->items + i * CHANNEL_ITEM_SIZE, item, CHANNEL_ITEM_SIZE))
			return true;
	}
	return false;
}

static uint32_t kind_of(const uint8_t *item)
{
	uint32_t kind;

	memcpy(&kind, item, sizeof(kind));
	return le32toh(kind) & ~CHANNEL_ITEM_EXACT;
}

static bool is_list(const uint8_t *item)
{
	return kind_of(item) == CHANNEL_CHASE || kind_of(item) == CHANNEL_TABLE;
}

static bool is_lasting(const uint8_t *item)
{
	uint32_t kind = kind_of(item);
	uint64_t space, address, size;

	memcpy(&space, item + CHANNEL_ITEM_SPACE, sizeof(space));
	memcpy(&address, item + CHANNEL_ITEM_SPACE + 8, sizeof(address));
	memcpy(&size, item + CHANNEL_ITEM_SPACE + 16, sizeof(size));
	size = le64toh(size);
	return !space && kind != CHANNEL_LINES &&
	       !(kind == CHANNEL_READ &&
		 (size == SEALED_READAHEAD * GUEST_PAGE_SIZE || size == SEALED_IMAGE_READAHEAD * GUEST_PAGE_SIZE) &&
		 !(le64toh(address) % size));
}

void sealed_asked_note(struct sealed_asked *a, const void *request, size_t size)
{
	const uint8_t *from = request;

	for (size_t at = CHANNEL_REQUEST_HEADER_SIZE; at + CHANNEL_ITEM_SIZE <= size; at += CHANNEL_ITEM_SIZE) {
		if (a->count == a->max || !is_lasting(from + at))
			continue;
		memcpy(a->items + a->count++ * CHANNEL_ITEM_SIZE, from + at, CHANNEL_ITEM_SIZE);
	}
}

size_t sealed_asked_leave_out(const struct sealed_asked *kept, const void *request, size_t size, uint8_t *ret)
{
	const size_t head = CHANNEL_REQUEST_HEADER_SIZE + CHANNEL_ITEM_SIZE;
	const uint8_t *from = request;
	uint32_t count = 1;
	size_t to = head;

	memcpy(ret, from, head);
	for (size_t at = head; at + CHANNEL_ITEM_SIZE <= size; at += CHANNEL_ITEM_SIZE) {
		if (is_among(kept, from + at))
			continue;
		memcpy(ret + to, from + at, CHANNEL_ITEM_SIZE);
		to += CHANNEL_ITEM_SIZE;
		count++;
	}
	count = htole32(count);
	memcpy(ret + sizeof(uint64_t), &count, sizeof(count));
	return to;
}

/* Lines of a page of which there are some already go with these. */
static bool join_lines(struct sealed_asked *kept, const uint8_t *item)
{
	const size_t lines_at = CHANNEL_ITEM_SPACE + 16;
	uint8_t *at = kept->items;
	uint64_t lines, more;

	if (kind_of(item) != CHANNEL_LINES)
		return false;
	memcpy(&more, item + lines_at, sizeof(more));
	for (size_t i = 0; i < kept->count; i++, at += CHANNEL_ITEM_SIZE) {
		if (memcmp(at, item, lines_at))
			continue;
		memcpy(&lines, at + lines_at, sizeof(lines));
		lines |= more;
		memcpy(at + lines_at, &lines, sizeof(lines));
		return true;
	}
	return false;
}

bool sealed_asked_add(struct sealed_asked *kept, const struct sealed_asked *more)
{
	uint8_t *to = kept->items;

	for (size_t i = 0; i < more->count; i++) {
		const uint8_t *item = more->items + i * CHANNEL_ITEM_SIZE;

		if (!is_list(item) || is_among(kept, item))
			continue;
		if (kept->count == kept->max)
			return false;
		memcpy(to + kept->count++ * CHANNEL_ITEM_SIZE, item, CHANNEL_ITEM_SIZE);
	}
	for (size_t i = more->count; i-- > 0;) {
		const uint8_t *item = more->items + i * CHANNEL_ITEM_SIZE;

		if (is_list(item) || is_among(kept, item) || join_lines(kept, item))
			continue;
		if (kept->count == kept->max)
			return false;
		memmove(to + CHANNEL_ITEM_SIZE, to, kept->count++ * CHANNEL_ITEM_SIZE);
		memcpy(to, item, CHANNEL_ITEM_SIZE);
	}
	return true;
}

static void put_lines(uint8_t *item, uint64_t page, uint64_t lines)
{
	const uint32_t kind = htole32(CHANNEL_LINES);

	page = htole64(page);
	lines = htole64(lines);
	memset(item, 0, CHANNEL_ITEM_SIZE);
	memcpy(item, &kind, sizeof(kind));
	memcpy(item + CHANNEL_ITEM_SPACE + 8, &page, sizeof(page));
	memcpy(item + CHANNEL_ITEM_SPACE + 16, &lines, sizeof(lines));
}

void sealed_asked_lines(struct sealed_asked *a, const struct guest_trail *t)
{
	const size_t room = a->max - a->count, all = (size_t)t->count[0] + t->count[1];
	const size_t count = all < room ? all : room;
	size_t put = 0;

	memmove(a->items + count * CHANNEL_ITEM_SIZE, a->items, a->count * CHANNEL_ITEM_SIZE);
	a->count += count;
	for (unsigned int which = 0; which < 2; which++)
		for (uint32_t i = 0; i < t->count[which] && put < count; i++)
			put_lines(a->items + put++ * CHANNEL_ITEM_SIZE, t->at[which][i].page,
				  t->at[which][i].lines);
}

size_t sealed_asked_request(const struct sealed_asked *a, uint64_t number, uint8_t *ret)
{
	const uint32_t count = htole32((uint32_t)a->count);
	const size_t size = a->count * CHANNEL_ITEM_SIZE;

	number = htole64(number);
	memset(ret, 0, CHANNEL_REQUEST_HEADER_SIZE);
	memcpy(ret, &number, sizeof(number));
	memcpy(ret + sizeof(number), &count, sizeof(count));
	memmove(ret + CHANNEL_REQUEST_HEADER_SIZE, a->items, size);
	return CHANNEL_REQUEST_HEADER_SIZE + size;
}

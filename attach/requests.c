// SPDX-License-Identifier: MIT
/*
 * What commands asked for, in files of the user's cache: see attach/start.h. Addresses only; wrong ones cost
 * time and nothing else. A file is a request whose number is the guest's generation.
 */
#include <endian.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/start.h"
#include "attach/cache.h"
#include "channel/message.h"

enum {
	UNUSED_DAYS = 30,
};

static bool note_path(uint64_t command, char path[PATH_MAX])
{
	char name[20];

	snprintf(name, sizeof(name), "%016llx", (unsigned long long)command);
	return cache_path(path, "requests", name);
}

static void set_number(uint8_t *request, uint64_t number)
{
	number = htole64(number);
	memcpy(request, &number, sizeof(number));
}

bool attach_requests_read(uint64_t command, uint8_t buf[CHANNEL_REQUEST_MAX], size_t *size_ret,
			  uint64_t *generation_ret)
{
	struct channel_request *r = malloc(sizeof(*r));
	char path[PATH_MAX];
	size_t size;
	bool good = r && note_path(command, path) &&
		    cache_read(path, buf, CHANNEL_REQUEST_MAX, &size) &&
		    channel_request_decode(buf, size, r, NULL) == ERR_OK;

	if (good) {
		*generation_ret = r->number;
		*size_ret = size;
		set_number(buf, 1);
	}
	free(r);
	return good;
}

bool attach_requests_has(const uint8_t *items, size_t count, const uint8_t *item)
{
	for (size_t i = 0; i < count; i++) {
		if (!memcmp(items + i * CHANNEL_ITEM_SIZE, item, CHANNEL_ITEM_SIZE))
			return true;
	}
	return false;
}

static uint32_t kind_of(const uint8_t *item)
{
	uint32_t kind;

	memcpy(&kind, item, sizeof(kind));
	return le32toh(kind);
}

static bool is_list(const uint8_t *item)
{
	return kind_of(item) == CHANNEL_CHASE || kind_of(item) == CHANNEL_TABLE;
}

/* Lines of a page of which there are some already go with these. */
static bool join_lines(uint8_t *items, size_t count, const uint8_t *item)
{
	const size_t lines_at = CHANNEL_ITEM_SPACE + 16;
	uint64_t lines, more;

	if (kind_of(item) != CHANNEL_LINES)
		return false;
	memcpy(&more, item + lines_at, sizeof(more));
	for (size_t i = 0; i < count; i++, items += CHANNEL_ITEM_SIZE) {
		if (memcmp(items, item, lines_at))
			continue;
		memcpy(&lines, items + lines_at, sizeof(lines));
		lines |= more;
		memcpy(items + lines_at, &lines, sizeof(lines));
		return true;
	}
	return false;
}

/*
 * Single ranges first, those that were missed before all others: they were needed before what was there had
 * come. Lists are used while they come, in the order in which they were asked for. False when there is no room for all.
 */
static bool add_items(uint8_t *to, size_t *there, const uint8_t *items, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		const uint8_t *item = items + i * CHANNEL_ITEM_SIZE;

		if (!is_list(item) || attach_requests_has(to, *there, item))
			continue;
		if (*there == CHANNEL_ITEMS_MAX)
			return false;
		memcpy(to + (*there)++ * CHANNEL_ITEM_SIZE, item, CHANNEL_ITEM_SIZE);
	}
	for (size_t i = count; i-- > 0;) {
		const uint8_t *item = items + i * CHANNEL_ITEM_SIZE;

		if (is_list(item) || attach_requests_has(to, *there, item) || join_lines(to, *there, item))
			continue;
		if (*there == CHANNEL_ITEMS_MAX)
			return false;
		memmove(to + CHANNEL_ITEM_SIZE, to, (*there)++ * CHANNEL_ITEM_SIZE);
		memcpy(to, item, CHANNEL_ITEM_SIZE);
	}
	return true;
}

void attach_requests_add(uint64_t command, uint64_t generation, const uint8_t *items, size_t count)
{
	uint8_t *request = calloc(1, CHANNEL_REQUEST_MAX), *to;
	char path[PATH_MAX];
	size_t size, there = 0;
	uint64_t of = 0;
	uint32_t le;

	if (!request || !note_path(command, path)) {
		free(request);
		return;
	}
	to = request + CHANNEL_REQUEST_HEADER_SIZE;
	if (attach_requests_read(command, request, &size, &of) && of == generation)
		there = (size - CHANNEL_REQUEST_HEADER_SIZE) / CHANNEL_ITEM_SIZE;
	else
		cache_expire("requests", UNUSED_DAYS);
	/* it grows by what was missed: once there is no room, what nobody asks for any more goes as well */
	if (!add_items(to, &there, items, count)) {
		there = 0;
		(void)!add_items(to, &there, items, count);
	}
	set_number(request, generation);
	le = htole32((uint32_t)there);
	memcpy(request + sizeof(uint64_t), &le, sizeof(le));
	memset(request + sizeof(uint64_t) + sizeof(le), 0, sizeof(le));
	cache_write(path, request, CHANNEL_REQUEST_HEADER_SIZE + there * CHANNEL_ITEM_SIZE);
	free(request);
}

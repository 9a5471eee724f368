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
#include "sealed/asked.h"

enum {
	UNUSED_DAYS = 30,
};

bool attach_requests_path(uint64_t command, char path[PATH_MAX])
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

bool attach_requests_read(const char *path, uint8_t buf[CHANNEL_REQUEST_MAX], size_t *size_ret,
			  uint64_t *generation_ret)
{
	size_t size;

	if (!cache_read(path, buf, CHANNEL_REQUEST_MAX, &size) ||
	    channel_request_check(buf, size, generation_ret, NULL) != ERR_OK)
		return false;
	*size_ret = size;
	set_number(buf, 1);
	return true;
}

void attach_requests_add(uint64_t command, uint64_t generation, const uint8_t *items, size_t count)
{
	uint8_t *request = calloc(1, CHANNEL_REQUEST_MAX);
	const struct sealed_asked more = {.items = (uint8_t *)(uintptr_t)items, .count = count};
	struct sealed_asked kept = {.max = CHANNEL_ITEMS_MAX};
	char path[PATH_MAX];
	size_t size;
	uint64_t of = 0;

	if (!request || !attach_requests_path(command, path)) {
		free(request);
		return;
	}
	kept.items = request + CHANNEL_REQUEST_HEADER_SIZE;
	if (attach_requests_read(path, request, &size, &of) && of == generation)
		kept.count = (size - CHANNEL_REQUEST_HEADER_SIZE) / CHANNEL_ITEM_SIZE;
	else
		cache_expire("requests", UNUSED_DAYS);
	/* it grows by what was missed: once there is no room, what nobody asks for any more goes as well */
	if (!sealed_asked_add(&kept, &more)) {
		kept.count = 0;
		(void)!sealed_asked_add(&kept, &more);
	}
	size = sealed_asked_request(&kept, generation, request);
	cache_write(path, request, size);
	free(request);
}

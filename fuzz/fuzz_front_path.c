// SPDX-License-Identifier: MIT
/*
 * Names of the pread carrier's file system and its reads: whatever is accepted is within its
 * bounds, and says itself again.
 */
#include "channel/read.h"
#include "front_path.h"
#include "fuzz.h"

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* The one name of a piece. */
static void piece_name(const struct front_piece *p, char *name, size_t room)
{
	int used = snprintf(name, room, "%u.%u.", p->offset, p->total);

	for (uint32_t i = 0; i < 8 * p->size; i += 6) {
		uint32_t at = i / 8;
		uint32_t two = (uint32_t)p->bytes[at] << 8 | (at + 1 < p->size ? p->bytes[at + 1] : 0);

		name[used++] = alphabet[two >> (10 - i % 8) & 63];
	}
	name[used] = '\0';
}

static void check_piece(const char *name)
{
	char again[2 * FRONT_PIECE_NAME_MAX];
	struct front_piece p;

	if (!front_piece_parse(name, &p))
		return;
	FUZZ_ASSERT(p.size && p.size <= FRONT_PIECE_MAX && p.total <= FRONT_MESSAGE_MAX);
	FUZZ_ASSERT((uint64_t)p.offset + p.size <= p.total);
	piece_name(&p, again, sizeof(again));
	FUZZ_ASSERT(!strcmp(name, again));
}

static void check_entry(const char *name)
{
	char again[64];
	struct front_entry e;

	if (!front_entry_parse(name, &e) || e.kind != FRONT_ENTRY_MEMORY)
		return;
	if (e.space)
		snprintf(again, sizeof(again), "%016llx.%llx", (unsigned long long)e.epoch,
			 (unsigned long long)e.space);
	else
		snprintf(again, sizeof(again), "%016llx", (unsigned long long)e.epoch);
	FUZZ_ASSERT(!strcmp(name, again));
}

static void check_session(const char *name)
{
	char again[2 * FRONT_SESSION_SIZE + 1];
	struct front_session_name s;

	if (!front_session_parse(name, &s))
		return;
	for (size_t i = 0; i < FRONT_SESSION_SIZE; i++)
		snprintf(again + 2 * i, 3, "%02x", s.bytes[i]);
	FUZZ_ASSERT(!strcmp(name, again));
}

static void check_read(const uint8_t *data, size_t size)
{
	struct channel_bytes head;
	struct channel_bound r;
	const uint8_t *bytes;

	if (size < CHANNEL_READ_SIZE ||
	    channel_read_decode(data, CHANNEL_READ_SIZE, &r, NULL) != ERR_OK)
		return;
	FUZZ_ASSERT(r.length && r.length <= CHANNEL_BYTES_MAX);
	FUZZ_ASSERT(channel_read_pages(&r) <= CHANNEL_BYTES_PAGES_MAX);
	data += CHANNEL_READ_SIZE;
	size -= CHANNEL_READ_SIZE;
	if (channel_bytes_decode(data, size, &r, &head, &bytes, NULL) == ERR_OK)
		FUZZ_ASSERT(bytes >= data && bytes + r.length == data + size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *name = malloc(size + 1);

	if (!name)
		abort();
	memcpy(name, data, size);
	name[size] = '\0';
	check_piece(name);
	check_entry(name);
	check_session(name);
	free(name);
	check_read(data, size);
	return 0;
}

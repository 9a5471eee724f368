// SPDX-License-Identifier: MIT
/*
 * Input: what the two ends of both rings and the host do, one after the other. An operation is a
 * byte: writing a record (2 bytes: its size), reading one (2 bytes: the room for it), the host setting
 * a word of the region's head (1 byte: which, 8 bytes: to what), or a word of the rings (2 and 8).
 */
#include "channel/ring.h"
#include "fuzz.h"

enum {
	SIZE = CHANNEL_RING_SIZE_MIN,
	LARGEST = 3 * SIZE,
	OPERATIONS = 500,
};

struct ring_ends {
	struct channel_ring_wait wait;
	struct channel_ring_end writers[2], readers[2];
};

static uint64_t first_cpu(struct channel_ring_wait *w)
{
	(void)w;
	return 1;
}

/* Nobody else runs: whoever has to wait has waited for nothing. */
static enum err give_up(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	(void)w;
	FUZZ_ASSERT(*bell == 1);
	return err_set(err, ERR_LIMIT, "nothing comes");
}

static void wake_nobody(struct channel_ring_wait *w, uint64_t *bell)
{
	(void)w;
	FUZZ_ASSERT(*bell == 0);
}

static void write_record(struct channel_ring_end *e, size_t size)
{
	static uint8_t record[LARGEST];
	struct channel_header header = {.size = (uint32_t)(size - CHANNEL_HEADER_SIZE)};
	enum err r, again;

	memcpy(record, &header, sizeof(header));
	r = channel_ring_write(e, record, size, NULL);
	FUZZ_ASSERT(r == ERR_OK || r == ERR_TAMPERED || r == ERR_LIMIT);
	if (r == ERR_OK)
		return;
	again = channel_ring_write(e, record, size, NULL);
	FUZZ_ASSERT(again == r);
}

static void read_record(struct channel_ring_end *e, size_t room)
{
	uint8_t *record = malloc(room);
	struct channel_header header;
	size_t size = 0, told = 0;
	enum err r = room % 2 ? channel_ring_next(e, &told, NULL) : ERR_OK;

	if (!record)
		abort();
	FUZZ_ASSERT(r || !told == !(room % 2));
	r = channel_ring_read(e, record, room, &size, NULL);
	FUZZ_ASSERT(r || !told || size == told);
	FUZZ_ASSERT(r == ERR_OK || r == ERR_TAMPERED || r == ERR_LIMIT);
	if (r == ERR_OK) {
		memcpy(&header, record, sizeof(header));
		FUZZ_ASSERT(size <= room && header.size == size - CHANNEL_HEADER_SIZE);
	}
	free(record);
}

static void operate(struct ring_ends *ends, uint64_t *words, const uint8_t **data, size_t *size)
{
	unsigned int what = (unsigned int)fuzz_take(data, size, 1), which = what >> 2 & 1;
	size_t at;

	switch (what & 3) {
	case 0:
		write_record(&ends->writers[which],
			     CHANNEL_OVERHEAD + fuzz_take(data, size, 2) % (LARGEST - CHANNEL_OVERHEAD));
		break;
	case 1:
		read_record(&ends->readers[which],
			    CHANNEL_OVERHEAD + fuzz_take(data, size, 2) % (LARGEST - CHANNEL_OVERHEAD));
		break;
	case 2:
		at = fuzz_take(data, size, 1) % 16; /* eight lines, of two words at most */
		words[at / 2 * (CHANNEL_RING_LINE / sizeof(*words)) + at % 2] = fuzz_take(data, size, 8);
		break;
	default:
		at = fuzz_take(data, size, 2) % (2 * SIZE / sizeof(*words));
		words[sizeof(struct channel_ring_head) / sizeof(*words) + at] =
			fuzz_take(data, size, 8);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct channel_ring_sizes sizes = {SIZE, SIZE};
	struct ring_ends ends = {
		.wait = {.sleep = give_up, .wake = wake_nobody, .cpu = first_cpu, .spins_max = 2}};
	void *region = aligned_alloc(4096, channel_ring_region_size(&sizes));

	if (!region)
		abort();
	memset(region, 0, channel_ring_region_size(&sizes));
	for (int i = 0; i < 2; i++) {
		enum channel_direction direction = i ? CHANNEL_TO_CLIENT : CHANNEL_TO_DEVICE;

		FUZZ_ASSERT(!channel_ring_writer_init(&ends.writers[i], region, &sizes, direction,
						      &ends.wait, NULL));
		FUZZ_ASSERT(!channel_ring_reader_init(&ends.readers[i], region, &sizes, direction,
						      &ends.wait, NULL));
	}
	for (int i = 0; size && i < OPERATIONS; i++)
		operate(&ends, region, &data, &size);
	free(region);
	return 0;
}

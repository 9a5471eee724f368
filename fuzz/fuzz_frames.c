// SPDX-License-Identifier: MIT
/*
 * The decoders of what crosses the device's socket, and of what is sealed in it. The first byte says
 * which; what a decoder takes, its encoder makes again, byte for byte.
 */
#include "channel/accept.h"
#include "channel/evidence.h"
#include "channel/frame.h"
#include "channel/message.h"
#include "channel/ring.h"
#include "fuzz.h"

static void take_frame(const uint8_t *data, size_t size)
{
	uint8_t header[CHANNEL_FRAME_HEADER_SIZE];
	enum channel_frame_kind kind;
	const void *payload;
	size_t payload_size;

	if (channel_frame_decode(data, size, &kind, &payload, &payload_size, NULL))
		return;
	FUZZ_ASSERT(payload_size + sizeof(header) == size);
	channel_frame_encode(kind, payload_size, header);
	FUZZ_ASSERT(memcmp(header, data, sizeof(header)) == 0);
}

static void take_preamble(const uint8_t *data, size_t size)
{
	uint8_t again[CHANNEL_PREAMBLE_MAX];
	struct channel_preamble p;
	size_t again_size;

	if (channel_preamble_decode(data, size, &p, NULL))
		return;
	FUZZ_ASSERT(channel_preamble_encode(&p, again, &again_size, NULL) == ERR_OK);
	FUZZ_ASSERT(again_size == size && memcmp(again, data, size) == 0);
}

static void take_refusal(const uint8_t *data, size_t size)
{
	struct channel_refusal r;

	if (channel_refusal_decode(data, size, &r, NULL))
		return;
	FUZZ_ASSERT(r.code < 0 && r.code >= ERR_AMBIGUOUS);
	for (const char *p = r.text; *p; p++)
		FUZZ_ASSERT(*p >= 0x20 && *p < 0x7f);
}

static void take_accept(const uint8_t *data, size_t size)
{
	uint8_t again[CHANNEL_ACCEPT_SIZE];
	struct channel_accept a, b;

	if (channel_accept_decode(data, size, &a, NULL))
		return;
	/* what comes after the end of the release isn't kept */
	channel_accept_encode(&a, again);
	FUZZ_ASSERT(channel_accept_decode(again, sizeof(again), &b, NULL) == ERR_OK);
	FUZZ_ASSERT(strcmp(a.release, b.release) == 0 && a.kernel_top == b.kernel_top);
}

static void take_evidence(const uint8_t *data, size_t size)
{
	static uint8_t again[CHANNEL_EVIDENCE_MAX];
	static const uint8_t transcript[CHANNEL_HASH_SIZE];
	struct channel_evidence e;
	size_t again_size;

	if (channel_evidence_decode(data, size, &e, NULL))
		return;
	FUZZ_ASSERT(channel_evidence_encode(&e, again, sizeof(again), &again_size, NULL) == ERR_OK);
	FUZZ_ASSERT(again_size == size && memcmp(again, data, size) == 0);
	FUZZ_ASSERT(channel_development_check(&e, transcript, NULL) != ERR_OK);
}

static void take_ring_ask(const uint8_t *data, size_t size)
{
	uint8_t again[CHANNEL_RING_SIZES_SIZE];
	struct channel_ring_sizes r;
	struct channel_ring_ask ask;

	FUZZ_ASSERT(channel_ring_sizes_decode(data, size, &r, NULL) != ERR_OK ||
		    size == CHANNEL_RING_SIZES_SIZE);
	if (channel_ring_ask_decode(data, size, &ask, NULL))
		return;
	channel_ring_sizes_encode(&ask.sizes, again);
	FUZZ_ASSERT(memcmp(again, data, sizeof(again)) == 0);
	FUZZ_ASSERT(ask.record_size == size - sizeof(again) &&
		    ask.record_size <= CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD);
	FUZZ_ASSERT(!ask.record_size || ask.record == data + sizeof(again));
}

static void take_request(const uint8_t *data, size_t size)
{
	static uint8_t again[CHANNEL_REQUEST_MAX];
	static struct channel_request r;
	size_t again_size;

	if (channel_request_decode(data, size, &r, NULL))
		return;
	FUZZ_ASSERT(channel_request_encode(&r, again, sizeof(again), &again_size, NULL) == ERR_OK);
	FUZZ_ASSERT(again_size == size && memcmp(again, data, size) == 0);
}

static void see_piece(struct channel_piece_sink *s, const struct channel_piece *p)
{
	const uint8_t *table = p->data;
	unsigned int count = (unsigned int)__builtin_popcountll(p->lines), word = channel_runs_words(count);

	(void)s;
	FUZZ_ASSERT(p->space % CHANNEL_PAGE_SIZE == 0 && p->address % CHANNEL_PAGE_SIZE == 0);
	FUZZ_ASSERT((p->state == CHANNEL_PAGE_DATA || p->state == CHANNEL_PAGE_PARTS) == (p->data != NULL));
	FUZZ_ASSERT(!p->data == !p->lines && !p->data == !p->size);
	/* where words are is believed from here on */
	for (unsigned int i = 0; i < count && p->state == CHANNEL_PAGE_PARTS; i++) {
		unsigned int run = table[2 * i] | (unsigned int)table[2 * i + 1] << 8;

		FUZZ_ASSERT(run >> CHANNEL_RUN_BITS == word);
		FUZZ_ASSERT(channel_run_first(run) + channel_run_count(run) <= CHANNEL_LINE_WORDS);
		word += channel_run_count(run);
	}
	FUZZ_ASSERT(p->size == (p->state == CHANNEL_PAGE_PARTS ? (size_t)word * CHANNEL_WORD_SIZE :
								 (size_t)count * CHANNEL_LINE_SIZE));
}

static void take_pages(const uint8_t *data, size_t size)
{
	struct channel_piece_sink sink = {see_piece};
	struct channel_pages head;

	(void)!channel_pages_decode(data, size, &head, &sink, NULL);
}

/* Nobody makes a record by chance. */
static void take_record(const uint8_t *data, size_t size)
{
	static const uint8_t key[CHANNEL_KEY_SIZE] = {1};
	struct channel_opener *o;
	struct base_alloc alloc;
	uint8_t *copy = malloc(size + 1);
	const void *plain;
	size_t plain_size;
	uint16_t type;

	FUZZ_ASSERT(copy);
	memcpy(copy, data, size);
	base_alloc_init(&alloc, 1 << 20);
	FUZZ_ASSERT(channel_opener_create(&alloc, key, 0, CHANNEL_TO_DEVICE, CHANNEL_UNORDERED, &o,
					  NULL) == ERR_OK);
	FUZZ_ASSERT(channel_open(o, copy, size, NULL, &type, &plain, &plain_size, NULL) ==
		    ERR_TAMPERED);
	channel_opener_destroy(o);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const takers[])(const uint8_t *, size_t) = {
		take_frame,   take_preamble, take_refusal, take_accept, take_evidence,
		take_ring_ask, take_request, take_pages,   take_record,
	};
	uint64_t which = fuzz_take(&data, &size, 1);

	FUZZ_ASSERT(channel_library_init(NULL) == ERR_OK);
	if (which < sizeof(takers) / sizeof(takers[0]))
		takers[which](data, size);
	return 0;
}

// SPDX-License-Identifier: MIT
/* Requests and answers: what goes in comes out, and nothing malformed comes out at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "channel/message.h"
#include "channel/read.h"

static struct channel_request good_request(void)
{
	return (struct channel_request){
		.number = 0x1122334455667788,
		.count = 4,
		.items = {
			{.kind = CHANNEL_READ, .space = 0x1000, .address = ~0ull - 99, .size = 100},
			{.kind = CHANNEL_CHASE,
			 .exact = true,
			 .address = 0xffff888000001000,
			 .bound = 10,
			 .next_offset = -8,
			 .before = 16,
			 .after = 4096,
			 .follow = {{.offset = -4, .size = 1}, {.offset = 16384, .size = 16384},
				    {.offset = 8, .size = 1, .at = 16384, .from = 2},
				    {.offset = -64, .size = 9, .from = 3, .here = true},
				    {.offset = 72, .from = 2, .top = true},
				    {.offset = 80, .size = 8192, .at = 8, .from = 2}}},
			{.kind = CHANNEL_TABLE,
			 .address = 0xffffffff81000000,
			 .size = 4096,
			 .stride = 16,
			 .bound = CHANNEL_NODES_MAX},
			{.kind = CHANNEL_LINES, .address = 0xffff888000001000, .size = 0x8001},
		},
	};
}

static void request_round_trip(void **state)
{
	struct channel_request in = good_request(), out = {0};
	uint8_t buf[CHANNEL_REQUEST_MAX];
	size_t size = 0;

	(void)state;
	assert_int_equal(channel_request_encode(&in, buf, sizeof(buf), &size, NULL), ERR_OK);
	assert_int_equal(size, CHANNEL_REQUEST_HEADER_SIZE + 4 * CHANNEL_ITEM_SIZE);
	assert_int_equal(channel_request_decode(buf, size, &out, NULL), ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(channel_request_decode(buf, cut, &out, NULL), ERR_CORRUPT);
}

struct bad_item {
	struct channel_item item;
	const char *text;
};

static void bad_items_are_refused_by_both_sides(void **state)
{
	static const struct bad_item bad[] = {
		{{.kind = 0}, "item 0 of a request is of no known kind"},
		{{.kind = 5}, "item 0 of a request is of no known kind"},
		{{.kind = CHANNEL_READ, .exact = true, .size = 1}, "item 0 of a request is of no known kind"},
		{{.kind = CHANNEL_LINES, .exact = true, .address = 0x1000, .size = 1},
		 "item 0 of a request is of no known kind"},
		{{.kind = CHANNEL_LINES, .address = 0x1000},
		 "item 0 of a request asks for no lines or not of a page"},
		{{.kind = CHANNEL_LINES, .address = 0x1040, .size = 1},
		 "item 0 of a request asks for no lines or not of a page"},
		{{.kind = CHANNEL_READ, .size = 0},
		 "item 0 of a request asks for a range of no or too many bytes"},
		{{.kind = CHANNEL_READ, .size = CHANNEL_RANGE_MAX + 1},
		 "item 0 of a request asks for a range of no or too many bytes"},
		{{.kind = CHANNEL_READ, .size = 1, .space = 0x1001},
		 "item 0 of a request names an address space that isn't a page"},
		{{.kind = CHANNEL_CHASE, .bound = 0},
		 "item 0 of a request has no or too large a bound of nodes"},
		{{.kind = CHANNEL_CHASE, .bound = CHANNEL_NODES_MAX + 1},
		 "item 0 of a request has no or too large a bound of nodes"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .before = CHANNEL_AROUND_MAX + 1},
		 "item 0 of a request asks for too many bytes around a node"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .next_offset = CHANNEL_NEXT_NONE + 1},
		 "item 0 of a request has its link too far from the node"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {[3] = {.size = CHANNEL_AROUND_MAX + 1}}},
		 "item 0 of a request follows a pointer too far away or to too many bytes"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {{.at = CHANNEL_AROUND_MAX + 1}}},
		 "item 0 of a request follows a pointer too far away or to too many bytes"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {{.size = 1, .at = 1, .here = true}}},
		 "item 0 of a request follows a pointer too far away or to too many bytes"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {[3] = {.size = 1, .from = 4}}},
		 "item 0 of a request follows a pointer out of what comes later"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {{.top = true}, {.size = 1, .here = true}}},
		 "item 0 of a request follows a process's page tables to no range"},
		{{.kind = CHANNEL_CHASE, .bound = 1, .follow = {[15] = {.top = true}}},
		 "item 0 of a request follows a process's page tables to no range"},
		{{.kind = CHANNEL_TABLE, .bound = 1, .size = 1, .stride = 8, .follow = {{.top = true}}},
		 "item 0 of a request follows a process's page tables to no range"},
		{{.kind = CHANNEL_TABLE, .bound = 1, .size = 0, .stride = 8},
		 "item 0 of a request has no or too many heads"},
		{{.kind = CHANNEL_TABLE, .bound = 1, .size = 1, .stride = 7},
		 "item 0 of a request has heads too near or too far from each other"},
	};
	/* a good item is changed into each bad one on the wire, where encoding can't stop it */
	struct channel_request good = {.count = 1, .items = {{.kind = CHANNEL_READ, .size = 1}}};
	uint8_t buf[CHANNEL_REQUEST_MAX];
	size_t size;

	(void)state;
	for (size_t n = 0; n < BASE_COUNT(bad); n++) {
		struct channel_request r = {.count = 1, .items = {bad[n].item}}, out;
		const struct channel_item *i = &bad[n].item;
		uint64_t words[] = {i->kind | (i->exact ? CHANNEL_ITEM_EXACT : 0) | (uint64_t)i->bound << 32, i->space, i->address, i->size,
				    i->stride, (uint64_t)i->next_offset,
				    i->before | (uint64_t)i->after << 32};
		struct err_ctx err = {0};

		assert_int_equal(channel_request_encode(&r, buf, sizeof(buf), &size, &err), ERR_INVAL);
		assert_string_equal(err.text, bad[n].text);
		assert_int_equal(channel_request_encode(&good, buf, sizeof(buf), &size, NULL), ERR_OK);
		memcpy(buf + CHANNEL_REQUEST_HEADER_SIZE, words, sizeof(words));
		for (size_t f = 0; f < CHANNEL_FOLLOW_MAX; f++) {
			const struct channel_follow *w = &i->follow[f];
			uint32_t parts[] = {(uint32_t)w->offset, w->size | w->at << 16,
					    w->from | (w->here ? CHANNEL_FOLLOW_HERE : 0) |
						    (w->top ? CHANNEL_FOLLOW_TOP : 0)};

			memcpy(buf + CHANNEL_REQUEST_HEADER_SIZE + sizeof(words) + f * sizeof(parts),
			       parts, sizeof(parts));
		}
		err_clear(&err);
		assert_int_equal(channel_request_decode(buf, size, &out, &err), ERR_CORRUPT);
		assert_string_equal(err.text, bad[n].text);
	}
}

static void too_many_items_are_refused(void **state)
{
	static uint8_t buf[CHANNEL_REQUEST_MAX + CHANNEL_ITEM_SIZE];
	static struct channel_request r = {.count = CHANNEL_ITEMS_MAX + 1}, out;
	size_t size;

	(void)state;
	assert_int_equal(channel_request_encode(&r, buf, sizeof(buf), &size, NULL), ERR_INVAL);
	r.count = 0;
	assert_int_equal(channel_request_encode(&r, buf, sizeof(buf), &size, NULL), ERR_INVAL);
	buf[8] = (CHANNEL_ITEMS_MAX + 1) & 0xff;
	buf[9] = (CHANNEL_ITEMS_MAX + 1) >> 8;
	assert_int_equal(channel_request_decode(buf, sizeof(buf), &out, NULL), ERR_CORRUPT);
}

struct seen {
	struct channel_piece_sink sink;
	unsigned int count;
	uint64_t spaces[4], addresses[4];
	uint64_t lines[4];
	enum channel_page_state states[4];
	uint8_t first[4];
};

static void see_piece(struct channel_piece_sink *s, const struct channel_piece *p)
{
	struct seen *seen = (struct seen *)s;

	assert_in_range(seen->count, 0, 3);
	seen->spaces[seen->count] = p->space;
	seen->addresses[seen->count] = p->address;
	seen->states[seen->count] = p->state;
	seen->lines[seen->count] = p->lines;
	seen->first[seen->count] = p->data ? *(const uint8_t *)p->data : 0;
	seen->count++;
}

static size_t make_answer(uint8_t *buf)
{
	struct channel_pages head = {.number = 9, .generation = 3, .flags = CHANNEL_PAGES_MORE,
				     .count = 4};
	const struct channel_piece pieces[] = {
		{.address = 0xffffffffff000000, .lines = UINT64_MAX},
		{.space = 0x5000, .address = 0x7000, .state = CHANNEL_PAGE_UNMAPPED},
		{.address = 0x8000, .state = CHANNEL_PAGE_NOPHYS},
		{.space = 0x5000, .address = 0x9000, .lines = 1ull << 63 | 1 << 5},
	};
	uint8_t page[CHANNEL_PAGE_SIZE];
	size_t size = CHANNEL_PAGES_HEADER_SIZE;

	memset(page, 0xab, sizeof(page));
	page[5 * CHANNEL_LINE_SIZE] = 0xcd;
	page[63 * CHANNEL_LINE_SIZE] = 0xef;
	channel_pages_encode(&head, buf);
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		struct channel_piece p = pieces[i];

		p.data = p.lines ? page : NULL;
		size += channel_piece_encode(&p, buf + size);
	}
	return size;
}

static void answer_round_trip(void **state)
{
	struct seen seen = {.sink = {see_piece}};
	struct channel_pages head = {0};
	uint8_t buf[2 * CHANNEL_PAGE_SIZE];
	size_t size = make_answer(buf);

	(void)state;
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_OK);
	assert_int_equal(head.number, 9);
	assert_int_equal(head.generation, 3);
	assert_int_equal(head.flags, CHANNEL_PAGES_MORE);
	assert_int_equal(seen.count, 4);
	assert_int_equal(seen.addresses[0], 0xffffffffff000000);
	assert_int_equal(seen.first[0], 0xab);
	assert_int_equal(seen.spaces[1], 0x5000);
	assert_int_equal(seen.states[1], CHANNEL_PAGE_UNMAPPED);
	assert_int_equal(seen.addresses[1], 0x7000);
	assert_int_equal(seen.states[2], CHANNEL_PAGE_NOPHYS);
	assert_int_equal(seen.lines[0], UINT64_MAX);
	assert_int_equal(seen.spaces[3], 0x5000);
	assert_int_equal(seen.addresses[3], 0x9000);
	assert_int_equal(seen.lines[3], 1ull << 63 | 1 << 5);
	assert_int_equal(seen.first[3], 0xcd);
	assert_int_equal(buf[size - CHANNEL_LINE_SIZE], 0xef);
}

static void malformed_answer_gives_no_piece(void **state)
{
	struct seen seen = {.sink = {see_piece}};
	uint8_t buf[2 * CHANNEL_PAGE_SIZE + 1];
	struct channel_pages head;
	size_t size = make_answer(buf);

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(channel_pages_decode(buf, cut, &head, &seen.sink, NULL),
				 ERR_CORRUPT);
	assert_int_equal(channel_pages_decode(buf, size + 1, &head, &seen.sink, NULL), ERR_CORRUPT);
	buf[20]++; /* the count */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	buf[20] = 4;
	buf[16] = 4; /* an unknown flag */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	buf[16] = 0;
	buf[CHANNEL_PAGES_HEADER_SIZE] = 4; /* an unknown state */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	buf[CHANNEL_PAGES_HEADER_SIZE] = 0;
	buf[size - 2 * CHANNEL_LINE_SIZE - 8] ^= 1; /* a line that doesn't come */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	memset(buf + size - 2 * CHANNEL_LINE_SIZE - 8, 0, 8); /* no lines at all */
	assert_int_equal(channel_pages_decode(buf, size - 2 * CHANNEL_LINE_SIZE, &head, &seen.sink, NULL),
			 ERR_CORRUPT);
	size = make_answer(buf);
	buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX + 16] = 1; /* lines of a page that isn't there */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX + 16] = 0;
	buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX + 8] = 1; /* no page's address */
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	assert_int_equal(seen.count, 0);
}

enum {
	PARTS_COUNT = 5,
};
/* Lines of which words come: five, so that the table takes two words, the second one mostly zeros. */
static const struct {
	unsigned int line, first, count;
} parts[PARTS_COUNT] = {{0, 0, 1}, {3, 7, 1}, {4, 0, 3}, {40, 2, 4}, {63, 1, 7}};

static size_t make_parts(uint8_t *buf)
{
	struct channel_pages head = {.number = 9, .count = 1};
	struct channel_piece p = {.address = 0x7000, .state = CHANNEL_PAGE_PARTS};
	uint8_t runs[CHANNEL_PAGE_LINES], page[CHANNEL_PAGE_SIZE];

	memset(runs, 0xff, sizeof(runs)); /* of lines that don't come nothing is looked at */
	for (size_t at = 0; at < sizeof(page); at += CHANNEL_WORD_SIZE)
		memset(page + at, (int)(at / CHANNEL_WORD_SIZE % 251), CHANNEL_WORD_SIZE);
	for (unsigned int i = 0; i < PARTS_COUNT; i++) {
		p.lines |= 1ull << parts[i].line;
		runs[parts[i].line] = CHANNEL_RUN(parts[i].first, parts[i].count);
	}
	p.data = page;
	p.runs = runs;
	channel_pages_encode(&head, buf);
	return CHANNEL_PAGES_HEADER_SIZE + channel_piece_encode(&p, buf + CHANNEL_PAGES_HEADER_SIZE);
}

struct seen_parts {
	struct channel_piece_sink sink;
	struct channel_piece piece;
	unsigned int count;
};

static void see_parts(struct channel_piece_sink *s, const struct channel_piece *p)
{
	struct seen_parts *seen = (struct seen_parts *)s;

	seen->piece = *p;
	seen->count++;
}

static void lines_come_in_parts(void **state)
{
	struct seen_parts seen = {.sink = {see_parts}};
	uint8_t buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX];
	size_t size = make_parts(buf);
	struct channel_pages head;
	const uint8_t *data;
	unsigned int word = 2;

	(void)state;
	assert_int_equal(size, CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_HEADER_SIZE + (2 + 16) * 8);
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_OK);
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.piece.state, CHANNEL_PAGE_PARTS);
	assert_int_equal(seen.piece.address, 0x7000);
	assert_int_equal(seen.piece.size, (2 + 16) * 8);
	data = seen.piece.data;
	for (unsigned int i = 0; i < PARTS_COUNT; i++) {
		unsigned int run = data[2 * i] | (unsigned int)data[2 * i + 1] << 8;

		assert_int_equal(run >> CHANNEL_RUN_BITS, word);
		assert_int_equal(channel_run_first(run), parts[i].first);
		assert_int_equal(channel_run_count(run), parts[i].count);
		for (unsigned int n = 0; n < parts[i].count; n++, word++)
			assert_int_equal(data[8 * word],
					 (parts[i].line * CHANNEL_LINE_WORDS + parts[i].first + n) % 251);
	}
}

static void malformed_parts_are_refused(void **state)
{
	enum { TABLE = CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_HEADER_SIZE };
	struct seen_parts seen = {.sink = {see_parts}};
	uint8_t buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX + 8] = {0}, good[sizeof(buf)] = {0};
	size_t size = make_parts(good);
	struct channel_pages head;

	(void)state;
	for (size_t cut = 0; cut < size; cut++)
		assert_int_equal(channel_pages_decode(good, cut, &head, &seen.sink, NULL), ERR_CORRUPT);
	assert_int_equal(channel_pages_decode(good, size + 8, &head, &seen.sink, NULL), ERR_CORRUPT);
	/* any other bit of the table: another place, a word beyond the line, more or fewer words, padding; whatever follows */
	for (size_t bit = 0; bit < 16 * 8; bit++) {
		memcpy(buf, good, sizeof(buf));
		buf[TABLE + bit / 8] ^= (uint8_t)(1 << bit % 8);
		/* where in its line words lie may be anywhere else in it */
		if (bit / 16 < PARTS_COUNT && bit % 16 >= 3 && bit % 16 < CHANNEL_RUN_BITS) {
			unsigned int i = (unsigned int)bit / 16, first = parts[i].first ^ 1u << (bit % 16 - 3);

			if (first + parts[i].count <= CHANNEL_LINE_WORDS)
				continue;
		}
		assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	}
	/* a run beyond its line, though all else fits */
	memcpy(buf, good, sizeof(buf));
	buf[TABLE + 2] = (uint8_t)((buf[TABLE + 2] & 0xc0) | CHANNEL_RUN(7, 2));
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	/* no lines */
	memcpy(buf, good, sizeof(buf));
	memset(buf + TABLE - 8, 0, 8);
	assert_int_equal(channel_pages_decode(buf, TABLE, &head, &seen.sink, NULL), ERR_CORRUPT);
	/* a line more than the table tells of */
	memcpy(buf, good, sizeof(buf));
	buf[TABLE - 7] = 1;
	assert_int_equal(channel_pages_decode(buf, size, &head, &seen.sink, NULL), ERR_CORRUPT);
	assert_int_equal(seen.count, 0);
}

/* What is no shorter for it comes as a whole; the longest one that is has a word less than that. */
static void parts_that_save_nothing_come_whole(void **state)
{
	struct seen_parts seen = {.sink = {see_parts}};
	uint8_t buf[CHANNEL_PAGES_HEADER_SIZE + CHANNEL_PIECE_MAX], page[CHANNEL_PAGE_SIZE] = {0};
	uint8_t runs[CHANNEL_PAGE_LINES];
	struct channel_pages head = {.count = 1};
	struct channel_piece p = {.state = CHANNEL_PAGE_PARTS, .lines = UINT64_MAX, .data = page, .runs = runs};

	(void)state;
	for (unsigned int saved = 0; saved < 20; saved++) {
		size_t size;

		for (unsigned int i = 0; i < CHANNEL_PAGE_LINES; i++)
			runs[i] = i < saved ? CHANNEL_RUN(1, 7) : CHANNEL_RUN_WHOLE;
		channel_pages_encode(&head, buf);
		size = channel_piece_encode(&p, buf + CHANNEL_PAGES_HEADER_SIZE);
		assert_int_equal(size, saved <= 16 ? CHANNEL_PIECE_MAX : CHANNEL_PIECE_MAX - 8 * (saved - 16));
		assert_int_equal(channel_pages_decode(buf, CHANNEL_PAGES_HEADER_SIZE + size, &head, &seen.sink, NULL),
				 ERR_OK);
		assert_int_equal(seen.piece.state, saved <= 16 ? CHANNEL_PAGE_DATA : CHANNEL_PAGE_PARTS);
		assert_true(seen.piece.lines == UINT64_MAX);
	}
}

static void read_round_trip(void **state)
{
	struct channel_bound in = {0x1000, 0xffff888000000ff8, 5000, 77}, out = {0};
	uint8_t buf[CHANNEL_READ_SIZE + 1] = {0};

	(void)state;
	channel_read_encode(&in, buf);
	assert_int_equal(channel_read_decode(buf, CHANNEL_READ_SIZE, &out, NULL), ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_int_equal(channel_read_pages(&in), 3);
	for (size_t size = 0; size <= sizeof(buf); size++) {
		if (size != CHANNEL_READ_SIZE)
			assert_int_equal(channel_read_decode(buf, size, &out, NULL), ERR_CORRUPT);
	}
}

static void bad_reads_are_refused(void **state)
{
	static const struct {
		struct channel_bound read;
		bool good;
	} cases[] = {
		{{0, 0, 0, 0}, false},
		{{0, 0, 1, 0}, true},
		{{0, 0, CHANNEL_BYTES_MAX, 0}, true},
		{{0, 0, CHANNEL_BYTES_MAX + 1, 0}, false},
		{{0, 0, UINT64_MAX, 0}, false},
		{{0, 4095, CHANNEL_BYTES_MAX, 0}, false}, /* one page too many */
		{{0, UINT64_MAX, 1, 0}, true},
		{{0, UINT64_MAX, 2, 0}, false},
		{{1, 0, 1, 0}, false},
		{{0x1000, 0, 1, UINT64_MAX}, true},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		uint8_t buf[CHANNEL_READ_SIZE];
		struct channel_bound out;

		channel_read_encode(&cases[i].read, buf);
		assert_int_equal(channel_read_decode(buf, sizeof(buf), &out, NULL),
				 cases[i].good ? ERR_OK : ERR_CORRUPT);
	}
}

static void bytes_round_trip(void **state)
{
	struct channel_bound r = {.address = 0xffff888000000ffe, .length = 4};
	struct channel_bytes in = {.generation = 9, .unmapped = 1, .nophys = 2}, out = {0};
	uint8_t buf[CHANNEL_BYTES_HEADER_SIZE + 5] = {0};
	const size_t size = CHANNEL_BYTES_HEADER_SIZE + 4;
	const uint8_t *data = NULL;

	(void)state;
	channel_bytes_encode(&in, buf);
	assert_int_equal(channel_bytes_decode(buf, size, &r, &out, &data, NULL), ERR_OK);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_ptr_equal(data, buf + CHANNEL_BYTES_HEADER_SIZE);
	for (size_t cut = 0; cut <= sizeof(buf); cut++) {
		if (cut != size)
			assert_int_equal(channel_bytes_decode(buf, cut, &r, &out, &data, NULL),
					 ERR_CORRUPT);
	}
	in.nophys = 4; /* the third of two pages */
	channel_bytes_encode(&in, buf);
	assert_int_equal(channel_bytes_decode(buf, size, &r, &out, &data, NULL), ERR_CORRUPT);
	in.nophys = 3;
	channel_bytes_encode(&in, buf);
	assert_int_equal(channel_bytes_decode(buf, size, &r, &out, &data, NULL), ERR_CORRUPT);
}

static void addresses_fold_into_offsets(void **state)
{
	static const uint64_t said[] = {0, 1, 0x00007fffffffffff, 0xffff888000000000,
					0xffffffffffffffff, 0x3fffffffffffffff,
					0xc000000000000000};
	uint64_t offset;

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(said); i++) {
		assert_true(channel_offset_of(said[i], &offset));
		assert_true((int64_t)offset >= 0);
		assert_int_equal(channel_address_of(offset), said[i]);
	}
	assert_false(channel_offset_of(0x4000000000000000, &offset));
	assert_false(channel_offset_of(0x8000000000000000, &offset));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(request_round_trip),
		cmocka_unit_test(bad_items_are_refused_by_both_sides),
		cmocka_unit_test(too_many_items_are_refused),
		cmocka_unit_test(answer_round_trip),
		cmocka_unit_test(malformed_answer_gives_no_piece),
		cmocka_unit_test(lines_come_in_parts),
		cmocka_unit_test(malformed_parts_are_refused),
		cmocka_unit_test(parts_that_save_nothing_come_whole),
		cmocka_unit_test(read_round_trip),
		cmocka_unit_test(bad_reads_are_refused),
		cmocka_unit_test(bytes_round_trip),
		cmocka_unit_test(addresses_fold_into_offsets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

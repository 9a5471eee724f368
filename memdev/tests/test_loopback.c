// SPDX-License-Identifier: MIT
/*
 * The client's pages over the engine, in one process, with every byte really sealed and opened in
 * between: what the client reads is what the guest holds, in as few round trips as promised, and a
 * session that is tampered with ends for good.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "channel/channel.h"
#include "memdev/engine.h"
#include "sealed/pages.h"
#include "synth/synth.h"

enum {
	BASE = 0x10000000,
	GENERATION = 5,
	MAPPED_PAGES = 256,
	RECORDS_MAX = 8,
};

#define VA 0xffff888000000000ull

struct loopback {
	struct sealed_carrier carrier;
	struct memdev_sink sink;
	struct base_alloc alloc;
	struct synth *guest;
	struct guest_pages *device_pages, *pages;
	struct memdev_engine *engine;
	struct channel_sealer *up, *down;
	struct channel_opener *up_end, *down_end;
	size_t sizes[RECORDS_MAX], count, next; /* of the answer's records */
	uint64_t clock, generation;
	int flip; /* byte of the next answer to spoil; -1: none */
	uint8_t wire[RECORDS_MAX][CHANNEL_RECORD_MAX];
};

static struct loopback l;

/* The device's side: seal a record of the answer. */
static enum err seal_record(struct memdev_sink *sink, const void *plain, size_t size,
			    struct err_ctx *err)
{
	size_t n = l.count++;

	(void)sink;
	assert_in_range(n, 0, RECORDS_MAX - 1);
	return channel_seal(l.down, CHANNEL_PAGES, NULL, plain, size, l.wire[n],
			    sizeof(l.wire[n]), &l.sizes[n], err);
}

/* The client's: open it. */
static enum err receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			size_t *size_ret, struct err_ctx *err)
{
	uint16_t type = 0;
	enum err e;

	(void)c;
	assert_in_range(l.next, 0, l.count - 1);
	memcpy(record, l.wire[l.next], l.sizes[l.next]);
	if (l.flip >= 0)
		record[l.flip] ^= 1;
	e = channel_open(l.down_end, record, l.sizes[l.next++], NULL, &type, plain_ret, size_ret, err);
	if (e == ERR_OK)
		assert_int_equal(type, CHANNEL_PAGES);
	return e;
}

static enum err send(struct sealed_carrier *c, const void *request, size_t size,
		     struct err_ctx *err)
{
	uint8_t wire[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	const void *opened;
	size_t sealed;
	uint16_t type;

	(void)c;
	l.count = l.next = 0;
	assert_int_equal(channel_seal(l.up, CHANNEL_REQUEST, NULL, request, size, wire, sizeof(wire),
				      &sealed, NULL),
			 ERR_OK);
	assert_int_equal(channel_open(l.up_end, wire, sealed, NULL, &type, &opened, &size, NULL),
			 ERR_OK);
	return memdev_engine_answer(l.engine, opened, size, l.generation, &l.sink, err);
}

static uint64_t now(struct sealed_carrier *c)
{
	(void)c;
	return l.clock;
}

static void make_client(size_t cache_pages, uint32_t readahead)
{
	struct sealed_options options = {.cache_pages = cache_pages,
					 .freshness_ns = 1000,
					 .readahead = readahead,
					 .generation = GENERATION};

	guest_pages_destroy(l.pages);
	assert_int_equal(sealed_pages_create(&l.alloc, &l.carrier, &options, &l.pages, NULL),
			 ERR_OK);
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
}

static int set_up(void **state)
{
	static const uint8_t up[CHANNEL_KEY_SIZE] = {1}, down[CHANNEL_KEY_SIZE] = {2};
	struct guest_paging paging;

	(void)state;
	memset(&l, 0, sizeof(l));
	l.carrier.send = send;
	l.carrier.receive = receive;
	l.carrier.now = now;
	l.sink.record = seal_record;
	l.clock = 1;
	l.flip = -1;
	l.generation = GENERATION;
	base_alloc_init(&l.alloc, 64 << 20);
	l.guest = synth_create(4);
	synth_add_memory(l.guest, BASE, 4 << 20);
	synth_map_new(l.guest, VA, MAPPED_PAGES * GUEST_PAGE_SIZE);
	paging = synth_paging(l.guest);
	assert_int_equal(guest_walk_pages_create(&l.alloc, synth_source(l.guest, SYNTH_MAP), &paging,
						 64, &l.device_pages),
			 ERR_OK);
	assert_int_equal(memdev_engine_create(&l.alloc, l.device_pages, &l.engine, NULL), ERR_OK);
	assert_int_equal(channel_library_init(NULL), ERR_OK);
	assert_int_equal(channel_sealer_create(&l.alloc, up, 1, CHANNEL_TO_DEVICE, &l.up, NULL),
			 ERR_OK);
	assert_int_equal(channel_opener_create(&l.alloc, up, 1, CHANNEL_TO_DEVICE, CHANNEL_IN_ORDER,
					       &l.up_end, NULL),
			 ERR_OK);
	assert_int_equal(channel_sealer_create(&l.alloc, down, 1, CHANNEL_TO_CLIENT, &l.down, NULL),
			 ERR_OK);
	assert_int_equal(channel_opener_create(&l.alloc, down, 1, CHANNEL_TO_CLIENT,
					       CHANNEL_IN_ORDER, &l.down_end, NULL),
			 ERR_OK);
	make_client(1024, 1);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	guest_pages_destroy(l.pages);
	memdev_engine_destroy(l.engine);
	guest_pages_destroy(l.device_pages);
	channel_sealer_destroy(l.up);
	channel_sealer_destroy(l.down);
	channel_opener_destroy(l.up_end);
	channel_opener_destroy(l.down_end);
	synth_destroy(l.guest);
	assert_int_equal(l.alloc.used, 0);
	return 0;
}

static uint64_t at(unsigned int page, unsigned int offset)
{
	return VA + page * (uint64_t)GUEST_PAGE_SIZE + offset;
}

static void write64(uint64_t va, uint64_t value)
{
	struct gpa pa;

	assert_int_equal(
		guest_walk_translate(l.device_pages, GUEST_SPACE_KERNEL, (struct gva){va}, &pa),
		ERR_OK);
	memcpy(synth_phys(l.guest, pa.v, sizeof(value)), &value, sizeof(value));
}

static uint64_t read64(uint64_t va)
{
	uint64_t value = 0;

	assert_int_equal(guest_pages_read(l.pages, GUEST_SPACE_KERNEL, (struct gva){va}, &value,
					  sizeof(value)),
			 ERR_OK);
	return value;
}

static uint64_t round_trips(void)
{
	return sealed_pages_stats(l.pages).round_trips;
}

static void reads_what_the_guest_holds(void **state)
{
	(void)state;
	write64(at(3, 16), 0x1234);
	assert_int_equal(read64(at(3, 16)), 0x1234);
	write64(at(4, 4088), 0x5678);
	assert_int_equal(read64(at(4, 4088)), 0x5678);
	assert_int_equal(read64(at(3, 24)), 0);
	assert_int_equal(round_trips(), 2);
}

static void an_epoch_is_consistent_and_ends(void **state)
{
	(void)state;
	write64(at(3, 16), 1);
	assert_int_equal(read64(at(3, 16)), 1);
	write64(at(3, 16), 2);
	assert_int_equal(read64(at(3, 16)), 1);
	l.clock += 999; /* still fresh */
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	assert_int_equal(read64(at(3, 16)), 1);
	l.clock += 1;
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	assert_int_equal(read64(at(3, 16)), 2);
	assert_int_equal(round_trips(), 2);
}

static void a_pass_is_one_epoch(void **state)
{
	(void)state;
	write64(at(3, 16), 1);
	read64(at(3, 16));
	guest_pages_linger(l.pages);
	write64(at(3, 16), 2);
	for (int i = 0; i < 10; i++) {
		l.clock += 990; /* there is always a next one in time */
		assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
		assert_int_equal(read64(at(3, 16)), 1);
	}
	l.clock += 990; /* but not for ever */
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	assert_int_equal(read64(at(3, 16)), 2);
	guest_pages_linger(l.pages);
	write64(at(3, 16), 3);
	l.clock += 1000; /* nothing came in between: the pass is over */
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	assert_int_equal(read64(at(3, 16)), 3);
	guest_pages_linger(l.pages);
	write64(at(3, 16), 4);
	l.clock += 20;
	guest_pages_expire(l.pages, 10); /* what is read again is new, pass or not */
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	assert_int_equal(read64(at(3, 16)), 4);
}

static void absence_is_remembered(void **state)
{
	const void *page;

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(guest_pages_page(l.pages, GUEST_SPACE_KERNEL,
						  (struct gva){VA - GUEST_PAGE_SIZE}, &page),
				 ERR_UNMAPPED);
	assert_int_equal(round_trips(), 1);
}

/* 100 nodes, one a page: one round trip, and one more for what wasn't foreseen. */
static void a_list_costs_one_round_trip(void **state)
{
	struct guest_chain chain = {.first = {at(0, 64)}, .after = 16, .bound = 1000};
	uint64_t node = at(0, 64);
	int nodes = 0;

	(void)state;
	for (unsigned int i = 0; i < 100; i++)
		write64(at(i, 64), i == 99 ? 0 : at(i + 1, 64));
	guest_pages_chase(l.pages, &chain);
	for (; node; nodes++)
		node = read64(node);
	assert_int_equal(nodes, 100);
	assert_int_equal(round_trips(), 1);
	read64(at(200, 0));
	assert_int_equal(round_trips(), 2);
}

static void buckets_cost_one_round_trip(void **state)
{
	struct guest_chain chain = {.first = {at(10, 0)}, .heads = 64, .stride = 8, .after = 16,
				    .bound = 1000, .follow = {{.offset = 8, .size = 8}}};

	(void)state;
	for (unsigned int i = 0; i < 64; i++) {
		write64(at(10, 8 * i), i % 2 ? at(20 + i, 0) : 2 * i + 1);
		write64(at(20 + i, 0), 2 * i + 1);
		write64(at(20 + i, 8), at(100 + i, 8));
		write64(at(100 + i, 8), i);
	}
	guest_pages_chase(l.pages, &chain);
	for (unsigned int i = 1; i < 64; i += 2) {
		assert_int_equal(read64(at(10, 8 * i)), at(20 + i, 0));
		assert_int_equal(read64(at(20 + i, 8)), at(100 + i, 8));
		assert_int_equal(read64(at(100 + i, 8)), i);
	}
	assert_int_equal(round_trips(), 1);
}

/* Of an exact list come words; what is looked at beside them costs a round trip, and changes nothing of them. */
static void words_cost_one_round_trip(void **state)
{
	struct guest_chain chain = {.first = {at(10, 0)}, .heads = 8, .stride = 8, .after = 16, .exact = true,
				    .bound = 1000, .follow = {{.offset = 8, .size = 8}, {.offset = 1024, .size = 24, .here = true}}};
	uint64_t bytes;

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		write64(at(10, 8 * i), at(20 + i, 128));
		write64(at(20 + i, 128), 2 * i + 1);
		write64(at(20 + i, 136), at(100 + i, 8));
		write64(at(20 + i, 144), 77);
		write64(at(20 + i, 1152), 1000 + i);
		write64(at(20 + i, 1168), 2000 + i);
		write64(at(100 + i, 8), i);
	}
	guest_pages_chase(l.pages, &chain);
	for (unsigned int i = 0; i < 8; i++) {
		assert_int_equal(read64(at(10, 8 * i)), at(20 + i, 128));
		assert_int_equal(read64(at(20 + i, 136)), at(100 + i, 8));
		assert_int_equal(read64(at(100 + i, 8)), i);
		assert_int_equal(read64(at(20 + i, 1152)), 1000 + i);
		assert_int_equal(read64(at(20 + i, 1168)), 2000 + i);
	}
	assert_int_equal(round_trips(), 1);
	bytes = sealed_pages_stats(l.pages).bytes;
	/* request, the page of the table, and of each bucket six words, with heads and tables of two pieces */
	assert_true(bytes <= CHANNEL_REQUEST_HEADER_SIZE + 2 * CHANNEL_ITEM_SIZE + CHANNEL_PAGES_HEADER_SIZE +
				     CHANNEL_PIECE_MAX + 8 * (2 * (CHANNEL_PIECE_HEADER_SIZE + 8) + 6 * 8));
	/* the guest goes on, but what was seen of this epoch stays */
	write64(at(20, 136), 5);
	assert_int_equal(read64(at(20, 144)), 77);
	assert_int_equal(round_trips(), 2);
	assert_int_equal(read64(at(20, 136)), at(100, 8));
	assert_int_equal(round_trips(), 2);
}

static void ranges_ask_only_for_what_is_missing(void **state)
{
	struct guest_range ranges[] = {{{at(1, 100)}, 2 * GUEST_PAGE_SIZE}, {{at(50, 0)}, 1}};

	(void)state;
	read64(at(1, 0));
	read64(at(3, 0));
	guest_pages_want(l.pages, GUEST_SPACE_KERNEL, ranges, 2);
	read64(at(1, 0));
	assert_int_equal(round_trips(), 2); /* a hint alone costs nothing */
	read64(at(2, 0));
	assert_int_equal(round_trips(), 3);
	assert_int_equal(memdev_engine_stats(l.engine).pages, 4);
	guest_pages_want(l.pages, GUEST_SPACE_KERNEL, ranges, 2);
	read64(at(50, 8));
	assert_int_equal(round_trips(), 3);
	read64(at(60, 0));
	assert_int_equal(memdev_engine_stats(l.engine).pages, 5);
}

/* Bring `size` bytes at `va`, along with another page. */
static void bring(uint64_t va, uint64_t size, unsigned int with)
{
	struct guest_range r = {{va}, size};

	guest_pages_want(l.pages, GUEST_SPACE_KERNEL, &r, 1);
	read64(at(with, 0));
}

/* Whatever order lines of a page come in, each can be read, alone or with others, and stays where it was. */
static void a_page_comes_in_parts(void **state)
{
	static const struct {
		unsigned int first, count;
	} parts[] = {{5, 1}, {9, 3}, {2, 2}, {7, 1}, {6, 1}, {12, 52}, {4, 8}};
	const void *kept[BASE_COUNT(parts)];
	unsigned int round = 0;
	uint64_t there = 0;

	(void)state;
	for (unsigned int i = 0; i < CHANNEL_PAGE_LINES; i++)
		write64(at(3, i * 64 + 8), 1000 + i);
	for (size_t p = 0; p < BASE_COUNT(parts); p++) {
		bring(at(3, parts[p].first * 64), parts[p].count * 64, 10 + (unsigned int)p);
		for (unsigned int i = 0; i < parts[p].count; i++)
			there |= (uint64_t)1 << (parts[p].first + i);
		assert_int_equal(guest_pages_part(l.pages, GUEST_SPACE_KERNEL,
						  (struct gva){at(3, parts[p].first * 64)},
						  parts[p].count * 64, &kept[p]),
				 ERR_OK);
		for (unsigned int i = 0; i < CHANNEL_PAGE_LINES; i++) {
			if (there >> i & 1)
				assert_int_equal(read64(at(3, i * 64 + 8)), 1000 + i);
		}
		round++;
		assert_int_equal(round_trips(), round);
	}
	for (size_t p = 0; p < BASE_COUNT(parts); p++) {
		for (unsigned int i = 0; i < parts[p].count; i++)
			assert_int_equal(*(const uint64_t *)((const char *)kept[p] + i * 64 + 8),
					 1000 + parts[p].first + i);
	}
	/* and then the rest */
	assert_int_equal(read64(at(3, 8)), 1000);
	assert_int_equal(round_trips(), round + 1);
}

/* What cost a round trip each comes in one the next time; what was only read ahead doesn't come. */
static void a_trail_saves_round_trips(void **state)
{
	struct guest_trail trail;

	(void)state;
	write64(at(40, 128), 4);
	write64(at(60, 192), 6);
	write64(at(62, 0), 62);
	make_client(64, 4);
	assert_int_equal(read64(at(40, 128)) + read64(at(60, 192)) + read64(at(62, 0)), 72);
	assert_int_equal(round_trips(), 2);
	assert_true(sealed_pages_trail(l.pages, &trail));
	assert_int_equal(trail.count[0], 3);
	assert_int_equal(trail.at[0][0].page, at(40, 0));
	assert_int_equal(trail.at[0][0].lines, 1 << 2);
	assert_int_equal(trail.at[0][1].lines, 1 << 3);
	make_client(64, 4);
	sealed_pages_follow(l.pages, &trail);
	assert_int_equal(read64(at(40, 128)) + read64(at(60, 192)) + read64(at(62, 0)), 72);
	assert_int_equal(round_trips(), 1);
	assert_false(sealed_pages_trail(l.pages, &trail));
	assert_int_equal(trail.count[0], 3);
	/* what is missed while a hint waits costs no round trip of its own */
	make_client(64, 4);
	guest_pages_want(l.pages, (struct guest_space){0}, &(struct guest_range){{at(60, 0)}, 4096}, 1);
	assert_int_equal(read64(at(40, 128)) + read64(at(60, 192)), 10);
	assert_int_equal(round_trips(), 1);
	assert_false(sealed_pages_trail(l.pages, &trail));
	make_client(64, 4);
	assert_int_equal(read64(at(40, 128)) + read64(at(60, 192)) + read64(at(62, 0)), 72);
	assert_true(sealed_pages_trail(l.pages, &trail));
	/* another run may need what this one doesn't; once nearly all of it is of no use, that goes */
	make_client(64, 4);
	sealed_pages_follow(l.pages, &trail);
	assert_int_equal(read64(at(40, 128)), 4);
	assert_false(sealed_pages_trail(l.pages, &trail));
	assert_int_equal(trail.count[0], 3);
	trail.at[0][1].lines |= 0xff;
	make_client(64, 4);
	sealed_pages_follow(l.pages, &trail);
	assert_int_equal(read64(at(40, 128)), 4);
	assert_true(sealed_pages_trail(l.pages, &trail));
	assert_int_equal(trail.count[0], 1);
	/* a trail may be anything */
	memset(&trail, 0xff, sizeof(trail));
	make_client(64, 4);
	sealed_pages_follow(l.pages, &trail);
	assert_int_equal(read64(at(40, 128)), 4);
}

static void reading_ahead_is_aligned(void **state)
{
	(void)state;
	make_client(1024, 4);
	read64(at(6, 0));
	for (unsigned int i = 4; i < 8; i++)
		read64(at(i, 0));
	assert_int_equal(round_trips(), 1);
	read64(at(8, 0));
	assert_int_equal(round_trips(), 2);
}

static void the_cache_is_bounded(void **state)
{
	const void *page;

	(void)state;
	make_client(3, 1);
	for (unsigned int i = 0; i < 3; i++)
		read64(at(i, 0));
	assert_int_equal(
		guest_pages_page(l.pages, GUEST_SPACE_KERNEL, (struct gva){at(3, 0)}, &page),
		ERR_LIMIT);
	read64(at(0, 0));
	l.clock += 1000;
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_OK);
	read64(at(3, 0));
}

/* After `e` the session is over: nothing is sent any more, and the reason stays. */
static void expect_over(enum err e, const char *text)
{
	uint64_t before = round_trips();
	struct err_ctx err = {0};
	const void *page;

	assert_int_equal(
		guest_pages_page(l.pages, GUEST_SPACE_KERNEL, (struct gva){at(9, 0)}, &page),
		ERR_GONE);
	assert_int_equal(guest_pages_epoch(l.pages, &err), e);
	assert_string_equal(err.text, text);
	assert_int_equal(round_trips(), before);
}

static void tampering_ends_the_session(void **state)
{
	const void *page;

	(void)state;
	l.flip = CHANNEL_HEADER_SIZE + 100;
	assert_int_equal(
		guest_pages_page(l.pages, GUEST_SPACE_KERNEL, (struct gva){at(0, 0)}, &page),
		ERR_GONE);
	l.flip = -1;
	expect_over(ERR_TAMPERED, "a sealed record failed authentication");
}

static void another_kernel_ends_the_session(void **state)
{
	const void *page;

	(void)state;
	l.generation++;
	assert_int_equal(
		guest_pages_page(l.pages, GUEST_SPACE_KERNEL, (struct gva){at(0, 0)}, &page),
		ERR_GONE);
	expect_over(ERR_GONE, "the guest was restarted with another kernel");
}

static void a_dead_guest_ends_the_session(void **state)
{
	const void *page;

	(void)state;
	synth_set_gone(l.guest, true);
	assert_int_equal(
		guest_pages_page(l.pages, GUEST_SPACE_KERNEL, (struct gva){at(0, 0)}, &page),
		ERR_GONE);
	assert_int_equal(guest_pages_epoch(l.pages, NULL), ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(reads_what_the_guest_holds, set_up, tear_down),
		cmocka_unit_test_setup_teardown(an_epoch_is_consistent_and_ends, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_pass_is_one_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(absence_is_remembered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_list_costs_one_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(buckets_cost_one_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_cost_one_round_trip, set_up, tear_down),
		cmocka_unit_test_setup_teardown(ranges_ask_only_for_what_is_missing, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(a_page_comes_in_parts, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_trail_saves_round_trips, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reading_ahead_is_aligned, set_up, tear_down),
		cmocka_unit_test_setup_teardown(the_cache_is_bounded, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tampering_ends_the_session, set_up, tear_down),
		cmocka_unit_test_setup_teardown(another_kernel_ends_the_session, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_dead_guest_ends_the_session, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* What is kept of requests, and made one of again: what counts, in which order, and where there is no more room. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "sealed/asked.h"
#include "sealed/pages.h"

#define KERNEL 0xffff888000000000u

struct list {
	struct sealed_asked a;
	uint8_t items[CHANNEL_ITEMS_MAX * CHANNEL_ITEM_SIZE];
};

static struct channel_request request;
static uint8_t wire[CHANNEL_REQUEST_MAX];

static void list_init(struct list *l, size_t max)
{
	l->a = (struct sealed_asked){ .items = l->items, .max = max };
}

static struct channel_item read_of(uint64_t address, uint64_t size)
{
	return (struct channel_item){ .kind = CHANNEL_READ, .address = address, .size = size };
}

static struct channel_item lines_of(uint64_t page, uint64_t lines)
{
	return (struct channel_item){ .kind = CHANNEL_LINES, .address = page, .size = lines };
}

static struct channel_item chase_of(uint64_t first)
{
	return (struct channel_item){ .kind = CHANNEL_CHASE, .address = first, .bound = 10, .after = 64 };
}

static struct channel_item table_of(uint64_t address)
{
	return (struct channel_item){ .kind = CHANNEL_TABLE, .address = address, .bound = 10, .size = 4, .stride = 8 };
}

static size_t encode(const struct channel_item *items, uint32_t count)
{
	size_t size;

	request.number = 7;
	request.count = count;
	memcpy(request.items, items, count * sizeof(*items));
	assert_int_equal(channel_request_encode(&request, wire, sizeof(wire), &size, NULL), ERR_OK);
	return size;
}

static void note(struct list *l, const struct channel_item *items, uint32_t count)
{
	sealed_asked_note(&l->a, wire, encode(items, count));
}

/* All that is in the list, as the device would see it. */
static const struct channel_request *made_of(const struct list *l)
{
	size_t size = sealed_asked_request(&l->a, 9, wire);

	assert_int_equal(channel_request_decode(wire, size, &request, NULL), ERR_OK);
	assert_int_equal(request.number, 9);
	assert_int_equal(request.count, l->a.count);
	return &request;
}

static void expect(const struct list *l, const uint64_t *addresses, size_t count)
{
	const struct channel_request *r = made_of(l);

	assert_int_equal(r->count, count);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(r->items[i].address, addresses[i]);
}

/* ---- what counts ---- */

static void test_only_what_lasts(void **state)
{
	static struct list l;
	const uint64_t window = SEALED_READAHEAD * GUEST_PAGE_SIZE, image = SEALED_IMAGE_READAHEAD * GUEST_PAGE_SIZE;
	struct channel_item of_process = read_of(0x400000, 64);
	const uint64_t want[] = { KERNEL + 64, KERNEL + 3 * image + 8, KERNEL + 0x5000 };

	(void)state;
	of_process.space = 0x1000;
	list_init(&l, CHANNEL_ITEMS_MAX);
	note(&l,
	     (const struct channel_item[]){
		     read_of(KERNEL, window), /* read ahead for one that was missed */
		     read_of(KERNEL + 4 * image, image),
		     of_process,
		     lines_of(KERNEL + 0x1000, 3), /* the trail tells of them */
		     read_of(KERNEL + 64, 200),
		     read_of(KERNEL + 3 * image + 8, image), /* of that size, but by somebody who wants it */
		     chase_of(KERNEL + 0x5000),
	     },
	     7);
	expect(&l, want, 3);
	/* a request that is cut within an item, or has none */
	sealed_asked_note(&l.a, wire, CHANNEL_REQUEST_HEADER_SIZE + CHANNEL_ITEM_SIZE - 1);
	sealed_asked_note(&l.a, wire, 3);
	assert_int_equal(l.a.count, 3);
}

/* No encoder lets one out; but the item's size is what is divided by. */
static void test_a_range_of_nothing(void **state)
{
	static struct list l;
	const struct channel_item one = read_of(KERNEL, 64);
	size_t size = encode(&one, 1);

	(void)state;
	list_init(&l, 4);
	memset(wire + CHANNEL_REQUEST_HEADER_SIZE + CHANNEL_ITEM_SPACE + 16, 0, 8);
	sealed_asked_note(&l.a, wire, size);
	assert_int_equal(l.a.count, 1);
}

static void test_no_more_than_there_is_room(void **state)
{
	static struct list l;
	const struct channel_item three[] = { chase_of(KERNEL + 8), chase_of(KERNEL + 16), chase_of(KERNEL + 24) };

	(void)state;
	list_init(&l, 2);
	memset(l.items + 2 * CHANNEL_ITEM_SIZE, 0x5a, CHANNEL_ITEM_SIZE);
	note(&l, three, 3);
	note(&l, three, 3);
	assert_int_equal(l.a.count, 2);
	for (size_t i = 0; i < CHANNEL_ITEM_SIZE; i++)
		assert_int_equal(l.items[2 * CHANNEL_ITEM_SIZE + i], 0x5a);
}

/* ---- what was asked for already ---- */

static void test_leave_out(void **state)
{
	static struct list kept;
	static uint8_t ret[CHANNEL_REQUEST_MAX];
	const struct channel_item known[] = { chase_of(KERNEL + 8), read_of(KERNEL + 0x3000, 64) };
	struct channel_item asked[] = { read_of(KERNEL + 0x3000, 64), chase_of(KERNEL + 8), chase_of(KERNEL + 16),
					read_of(KERNEL + 0x3000, 64), read_of(KERNEL + 0x3000, 65) };
	size_t size;

	(void)state;
	list_init(&kept, CHANNEL_ITEMS_MAX);
	note(&kept, known, 2);
	/* the first stays, whatever is known: somebody waits for it */
	size = sealed_asked_leave_out(&kept.a, wire, encode(asked, 5), ret);
	assert_int_equal(channel_request_decode(ret, size, &request, NULL), ERR_OK);
	assert_int_equal(request.number, 7);
	assert_int_equal(request.count, 3);
	assert_int_equal(request.items[0].address, KERNEL + 0x3000);
	assert_int_equal(request.items[1].address, KERNEL + 16);
	assert_int_equal(request.items[2].size, 65);
	/* nothing known: nothing changes */
	kept.a.count = 0;
	size = encode(asked, 5);
	assert_int_equal(sealed_asked_leave_out(&kept.a, wire, size, ret), size);
	assert_memory_equal(ret, wire, size);
}

/* ---- what is kept from run to run ---- */

static void test_ranges_before_lists(void **state)
{
	static struct list kept, more;
	const uint64_t want[] = { KERNEL + 0x30, KERNEL + 0x40, KERNEL + 0x10, KERNEL + 0x20, KERNEL + 0x50 };

	(void)state;
	list_init(&kept, CHANNEL_ITEMS_MAX);
	list_init(&more, CHANNEL_ITEMS_MAX);
	note(&more, (const struct channel_item[]){ read_of(KERNEL + 0x10, 8), chase_of(KERNEL + 0x20) }, 2);
	assert_true(sealed_asked_add(&kept.a, &more.a));
	more.a.count = 0;
	note(&more,
	     (const struct channel_item[]){ chase_of(KERNEL + 0x20), read_of(KERNEL + 0x30, 8),
					    read_of(KERNEL + 0x40, 8), table_of(KERNEL + 0x50) },
	     4);
	assert_true(sealed_asked_add(&kept.a, &more.a));
	expect(&kept, want, 5);
	/* once more is nothing new */
	assert_true(sealed_asked_add(&kept.a, &more.a));
	expect(&kept, want, 5);
}

static void test_full(void **state)
{
	static struct list kept, more;

	(void)state;
	list_init(&kept, 2);
	list_init(&more, CHANNEL_ITEMS_MAX);
	memset(kept.items + 2 * CHANNEL_ITEM_SIZE, 0x5a, CHANNEL_ITEM_SIZE);
	note(&more, (const struct channel_item[]){ chase_of(KERNEL + 8), chase_of(KERNEL + 16), chase_of(KERNEL + 24) },
	     3);
	assert_false(sealed_asked_add(&kept.a, &more.a));
	more.a.count = 0;
	note(&more, (const struct channel_item[]){ read_of(KERNEL + 8, 8) }, 1);
	assert_false(sealed_asked_add(&kept.a, &more.a));
	assert_int_equal(kept.a.count, 2);
	for (size_t i = 0; i < CHANNEL_ITEM_SIZE; i++)
		assert_int_equal(kept.items[2 * CHANNEL_ITEM_SIZE + i], 0x5a);
}

/* ---- lines ---- */

static void test_lines_of_a_page_go_together(void **state)
{
	static struct list kept, more;
	struct guest_trail t = { .count = { 2, 1 } };
	const struct channel_request *r;

	(void)state;
	list_init(&kept, 8);
	list_init(&more, 8);
	note(&more, (const struct channel_item[]){ chase_of(KERNEL + 8) }, 1);
	t.at[0][0].page = KERNEL + 0x1000;
	t.at[0][0].lines = 1;
	t.at[0][1].page = KERNEL + 0x2000;
	t.at[0][1].lines = 2;
	t.at[1][0].page = KERNEL + 0x1000;
	t.at[1][0].lines = 4;
	sealed_asked_lines(&more.a, &t);
	assert_int_equal(more.a.count, 4);
	assert_true(sealed_asked_add(&kept.a, &more.a));
	r = made_of(&kept);
	assert_int_equal(r->count, 3);
	for (uint32_t i = 0; i < 2; i++) {
		assert_int_equal(r->items[i].kind, CHANNEL_LINES);
		assert_int_equal(r->items[i].size, r->items[i].address == KERNEL + 0x1000 ? 5 : 2);
	}
	assert_int_equal(r->items[2].kind, CHANNEL_CHASE);
}

/* A trail has more than a request takes: what was there stays. */
static void test_more_lines_than_room(void **state)
{
	static struct list l;
	static struct guest_trail t;
	const struct channel_request *r;

	(void)state;
	for (unsigned int which = 0; which < 2; which++) {
		t.count[which] = GUEST_TRAIL_MAX;
		for (uint32_t i = 0; i < GUEST_TRAIL_MAX; i++) {
			t.at[which][i].page = KERNEL + 0x1000 * (uint64_t)(which * GUEST_TRAIL_MAX + i);
			t.at[which][i].lines = 1;
		}
	}
	list_init(&l, CHANNEL_ITEMS_MAX);
	note(&l, (const struct channel_item[]){ chase_of(KERNEL + 8) }, 1);
	sealed_asked_lines(&l.a, &t);
	r = made_of(&l);
	assert_int_equal(r->count, CHANNEL_ITEMS_MAX);
	assert_int_equal(r->items[0].address, KERNEL);
	assert_int_equal(r->items[CHANNEL_ITEMS_MAX - 1].kind, CHANNEL_CHASE);
	/* in place, as those do who have the items where they come to */
	memcpy(wire + CHANNEL_REQUEST_HEADER_SIZE, l.items, sizeof(l.items));
	l.a.items = wire + CHANNEL_REQUEST_HEADER_SIZE;
	made_of(&l);
	l.a.items = l.items;
	sealed_asked_lines(&l.a, &t);
	assert_int_equal(l.a.count, CHANNEL_ITEMS_MAX);
	assert_int_equal(made_of(&l)->items[CHANNEL_ITEMS_MAX - 1].kind, CHANNEL_CHASE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_what_lasts),
		cmocka_unit_test(test_a_range_of_nothing),
		cmocka_unit_test(test_no_more_than_there_is_room),
		cmocka_unit_test(test_leave_out),
		cmocka_unit_test(test_ranges_before_lists),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_lines_of_a_page_go_together),
		cmocka_unit_test(test_more_lines_than_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

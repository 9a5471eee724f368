// SPDX-License-Identifier: MIT
/* What is known of pages: lines that come bit by bit, in any order, and in how many epochs one likes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "store.h"

enum {
	PAGES_MAX = 100000,
};

static struct base_alloc alloc;
static struct store store;

static int set_up(void **state)
{
	(void)state;
	base_alloc_init(&alloc, 256 << 20);
	return store_init(&store, &alloc, &alloc, PAGES_MAX);
}

static int tear_down(void **state)
{
	(void)state;
	store_deinit(&store);
	assert_int_equal(alloc.used, 0);
	return 0;
}

/* The byte that all of a line of a page is full of. */
static uint8_t mark(uint64_t page, unsigned int line, uint8_t salt)
{
	return (uint8_t)(page / GUEST_PAGE_SIZE * 7 + line * 3 + salt);
}

static bool put(uint64_t page, uint64_t lines, uint8_t salt)
{
	uint8_t data[GUEST_PAGE_SIZE];
	struct channel_piece p = {.address = page, .lines = lines, .state = CHANNEL_PAGE_DATA};
	size_t size = 0;

	for (unsigned int i = 0; i < 64; i++) {
		if (!(lines >> i & 1))
			continue;
		memset(data + size, mark(page, i, salt), CHANNEL_LINE_SIZE);
		size += CHANNEL_LINE_SIZE;
	}
	p.data = store_keep(&store, data, size);
	return p.data && store_put(&store, &p);
}

static void assert_line(uint64_t page, unsigned int line, uint8_t salt)
{
	struct gva va = {page + line * (uint64_t)CHANNEL_LINE_SIZE};
	struct guest_lines lines;
	const uint8_t *at;

	assert_int_equal(store_use(&store, GUEST_SPACE_KERNEL, va, CHANNEL_LINE_SIZE, &lines), ERR_OK);
	assert_true(lines.lines >> line & 1);
	at = guest_lines_find(&lines, va.v, CHANNEL_LINE_SIZE);
	assert_non_null(at);
	assert_int_equal(at[0], mark(page, line, salt));
	assert_int_equal(at[CHANNEL_LINE_SIZE - 1], mark(page, line, salt));
}

static enum err use(uint64_t page, unsigned int line, unsigned int count)
{
	struct guest_lines lines;

	return store_use(&store, GUEST_SPACE_KERNEL, (struct gva){page + line * (uint64_t)CHANNEL_LINE_SIZE},
			 (size_t)count * CHANNEL_LINE_SIZE, &lines);
}

static void lines_come_in_groups(void **state)
{
	const uint64_t page = 0xffff888000001000;
	struct guest_lines lines;

	(void)state;
	assert_int_equal(use(page, 0, 1), ERR_ABSENT);
	assert_true(put(page, 0x3, 0));
	assert_true(put(page, 0xf00, 0));
	assert_true(put(page, 0x8000000000000000, 0));
	for (int i = 0; i < 2; i++) {
		assert_line(page, 0, 0);
		assert_line(page, 63, 0);
		assert_line(page, 9, 0);
	}
	assert_int_equal(use(page, 2, 1), ERR_ABSENT);
	/* what came first of a line stays */
	assert_true(put(page, 0x7, 1));
	assert_line(page, 1, 0);
	assert_line(page, 2, 1);
	/* of two groups: all are put together */
	assert_int_equal(store_use(&store, GUEST_SPACE_KERNEL, (struct gva){page + 100}, 60, &lines), ERR_OK);
	assert_true(lines.lines == 0x8000000000000f07);
	for (unsigned int i = 8; i < 12; i++)
		assert_line(page, i, 0);
	assert_true(put(page, 0x10, 0));
	assert_line(page, 4, 0);
	assert_line(page, 63, 0);
	assert_int_equal(store.pages, 1);
}

static void a_page_comes_line_by_line(void **state)
{
	const uint64_t first = 0xffff888000001000, pages = 3;

	(void)state;
	/* so much that what is looked at soon is worth being fetched */
	for (uint64_t p = 0; p < 600; p++)
		assert_true(put(first + (1000 + p) * GUEST_PAGE_SIZE, STORE_ALL_LINES, 0));
	/* line by line of all, in an order that has neighbours in different groups */
	for (unsigned int i = 0; i < 64; i++) {
		for (uint64_t p = 0; p < pages; p++)
			assert_true(put(first + p * GUEST_PAGE_SIZE, 1ull << (i * 29 + p) % 64, 0));
	}
	for (uint64_t p = 0; p < pages; p++) {
		uint64_t page = first + p * GUEST_PAGE_SIZE;

		for (unsigned int i = 0; i < 64; i++) {
			store_soon(&store, (struct gva){page + i * (uint64_t)CHANNEL_LINE_SIZE});
			store_soon(&store, (struct gva){i});
			assert_line(page, i, 0);
		}
		assert_int_equal(use(page, 0, 64), ERR_OK);
		for (unsigned int i = 0; i < 64; i++)
			assert_line(page, i, 0);
	}
}

static void that_a_page_is_not_there_is_known(void **state)
{
	const uint64_t page = 0xffff888000001000;
	struct channel_piece p = {.address = page, .state = CHANNEL_PAGE_UNMAPPED};
	uint64_t lines;

	(void)state;
	assert_true(store_watch(&store, page));
	assert_int_equal(use(page, 0, 1), ERR_ABSENT);
	assert_true(store_put(&store, &p));
	assert_int_equal(use(page, 0, 1), ERR_UNMAPPED);
	assert_true(put(page, 1, 0));
	assert_int_equal(use(page, 0, 1), ERR_UNMAPPED);
	p.address += GUEST_PAGE_SIZE;
	p.state = CHANNEL_PAGE_NOPHYS;
	assert_true(store_put(&store, &p));
	assert_int_equal(store_find(&store, GUEST_SPACE_KERNEL, (struct gva){p.address}, &lines), ERR_NOPHYS);
	/* of a page of which something is there it means nothing */
	p.address += GUEST_PAGE_SIZE;
	assert_true(put(p.address, 2, 0));
	assert_true(store_put(&store, &p));
	assert_line(p.address, 1, 0);
}

static void many_pages_and_what_was_looked_at(void **state)
{
	const uint64_t first = 0xffff888000000000;
	uint64_t lines;

	(void)state;
	for (uint64_t i = 0; i < 20000; i++)
		assert_true(put(first + i * GUEST_PAGE_SIZE, 1ull << i % 64 | 1ull << (i + 7) % 64, 0));
	for (uint64_t i = 0; i < 20000; i++)
		assert_true(put(first + i * GUEST_PAGE_SIZE, 1ull << (i + 3) % 64, 5));
	for (uint64_t i = 0; i < 20000; i++) {
		assert_line(first + i * GUEST_PAGE_SIZE, i % 64, 0);
		assert_line(first + i * GUEST_PAGE_SIZE, (i + 3) % 64, 5);
	}
	assert_int_equal(store.pages, 20000);
	assert_true(store_watch(&store, first));
	assert_int_equal(store_used(&store, first), 0);
	assert_line(first, 3, 5);
	assert_int_equal(store_used(&store, first), 1 << 3);
	assert_int_equal(store_find(&store, GUEST_SPACE_KERNEL, (struct gva){first}, &lines), ERR_OK);
	assert_int_equal(lines, 1 << 0 | 1 << 3 | 1 << 7);
}

static void nothing_outlives_its_epoch(void **state)
{
	const uint64_t page = 0xffff888000001000;

	(void)state;
	/* more of them than are told apart */
	for (uint64_t i = 0; i < 3 * 65536 + 5; i++) {
		if (i % 65535 < 2 || i % 65536 < 2) {
			assert_true(put(page, 1, (uint8_t)i));
			assert_true(store_watch(&store, page));
			assert_line(page, 0, (uint8_t)i);
		}
		store_clear(&store);
		assert_int_equal(use(page, 0, 1), ERR_ABSENT);
		assert_int_equal(store_used(&store, page), 0);
	}
}

static void as_many_pages_are_watched_as_can_be_counted(void **state)
{
	const uint64_t first = 0xffff888000000000;
	uint64_t watched = 0;

	(void)state;
	while (store_watch(&store, first + watched * GUEST_PAGE_SIZE))
		watched++;
	assert_int_equal(watched, UINT16_MAX);
	assert_true(put(first, 1, 0));
	assert_line(first, 0, 0);
	assert_int_equal(store_used(&store, first), 1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lines_come_in_groups, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_page_comes_line_by_line, set_up, tear_down),
		cmocka_unit_test_setup_teardown(that_a_page_is_not_there_is_known, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_pages_and_what_was_looked_at, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_outlives_its_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(as_many_pages_are_watched_as_can_be_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

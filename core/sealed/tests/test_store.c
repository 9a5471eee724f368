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

/* Words of lines, as a record has them. */
struct part {
	unsigned int line, first, count;
};

static uint8_t word_mark(uint64_t page, unsigned int line, unsigned int word, uint8_t salt)
{
	return (uint8_t)(mark(page, line, salt) + 31 * (word + 1));
}

/* So far behind where anything may lie is what is received. */
static unsigned int astray;

static bool put_parts(uint64_t page, const struct part *parts, unsigned int count, uint8_t salt)
{
	uint16_t runs[CHANNEL_PAGE_LINES] = {0};
	uint8_t received[2 * GUEST_PAGE_SIZE], *data = received + astray;
	struct channel_piece p = {.address = page, .state = CHANNEL_PAGE_PARTS};
	unsigned int word = channel_runs_words(count);

	for (unsigned int i = 0; i < count; i++) {
		p.lines |= 1ull << parts[i].line;
		runs[i] = (uint16_t)(word << CHANNEL_RUN_BITS | CHANNEL_RUN(parts[i].first, parts[i].count));
		for (unsigned int n = 0; n < parts[i].count; n++, word++)
			memset(data + (size_t)word * 8, word_mark(page, parts[i].line, parts[i].first + n, salt), 8);
	}
	memcpy(data, runs, channel_runs_words(count) * 8);
	p.size = (size_t)word * 8;
	p.data = store_keep(&store, received, astray + p.size);
	if (p.data)
		p.data = (const uint8_t *)p.data + astray;
	return p.data && store_put(&store, &p);
}
#define PUT_PARTS(page, salt, ...)                                                                 \
	put_parts(page, (const struct part[]){__VA_ARGS__},                                        \
		  sizeof((struct part[]){__VA_ARGS__}) / sizeof(struct part), salt)

/* The bytes from byte `at` of the page on are there, and lie one behind the other; NULL: they aren't there. */
static const uint8_t *look(uint64_t page, unsigned int at, size_t size)
{
	struct guest_lines lines;
	const uint8_t *found;
	enum err e = store_use(&store, GUEST_SPACE_KERNEL, (struct gva){page + at}, size, &lines);

	if (e == ERR_ABSENT)
		return NULL;
	assert_int_equal(e, ERR_OK);
	found = guest_lines_find(&lines, page + at, size);
	assert_non_null(found);
	return found;
}

static void assert_word(uint64_t page, unsigned int line, unsigned int word, uint8_t salt)
{
	const uint8_t *at = look(page, line * CHANNEL_LINE_SIZE + word * 8, 8);

	assert_non_null(at);
	assert_int_equal(at[0], word_mark(page, line, word, salt));
	assert_int_equal(at[7], word_mark(page, line, word, salt));
}

static void words_come_of_lines(void **state)
{
	const uint64_t page = 0xffff888000001000;
	const uint8_t *at;
	uint64_t lines;

	(void)state;
	assert_true(PUT_PARTS(page, 0, {0, 2, 3}, {1, 6, 2}, {2, 0, 8}, {3, 0, 1}, {4, 1, 7}, {60, 7, 1}));
	assert_int_equal(store.pages, 1);
	/* no line is known as a whole, not even one of which all is there */
	assert_int_equal(store_find(&store, GUEST_SPACE_KERNEL, (struct gva){page}, &lines), ERR_ABSENT);
	for (unsigned int word = 0; word < 8; word++) {
		if (word >= 2 && word < 5)
			assert_word(page, 0, word, 0);
		else
			assert_null(look(page, word * 8, 8));
	}
	assert_word(page, 60, 7, 0);
	assert_null(look(page, 60 * 64 + 48, 8));
	assert_null(look(page, 5 * 64, 8));
	/* bytes of words, and more than there are */
	at = look(page, 16 + 3, 21);
	assert_non_null(at);
	assert_int_equal(at[4], word_mark(page, 0, 2, 0));
	assert_int_equal(at[5], word_mark(page, 0, 3, 0));
	assert_int_equal(at[20], word_mark(page, 0, 4, 0));
	assert_null(look(page, 16 + 3, 22));
	assert_null(look(page, 15, 2));
	/* over lines: one's end and the other's begin are neighbours */
	at = look(page, 64 + 48, 16 + 64 + 8);
	assert_non_null(at);
	for (unsigned int i = 0; i < 11; i++)
		assert_int_equal(at[8 * i], word_mark(page, 1 + (i + 6) / 8, (i + 6) % 8, 0));
	assert_null(look(page, 64 + 48, 16 + 64 + 9));
	assert_null(look(page, 64 + 40, 16));
	assert_null(look(page, 3 * 64, 72));
	assert_null(look(page, 3 * 64, 80));
	/* that the page isn't there is news of somebody else's */
	assert_true(store_put(&store, &(struct channel_piece){.address = page, .state = CHANNEL_PAGE_UNMAPPED}));
	assert_null(look(page, 0, 8));
	assert_word(page, 0, 2, 0);
	/* from where it can't be used it is copied */
	astray = 4;
	assert_true(PUT_PARTS(page + GUEST_PAGE_SIZE, 0, {9, 2, 3}));
	astray = 0;
	assert_word(page + GUEST_PAGE_SIZE, 9, 4, 0);
}

/* What came first of a word stays, however more of its line comes. */
static void words_stay_as_they_came(void **state)
{
	const uint64_t page = 0xffff888000001000;
	const uint8_t *at;
	uint64_t lines;

	(void)state;
	assert_true(PUT_PARTS(page, 0, {0, 2, 3}, {1, 0, 1}));
	assert_true(PUT_PARTS(page, 1, {0, 3, 4}, {9, 1, 1}));
	for (int i = 0; i < 2; i++) {
		for (unsigned int word = 2; word < 7; word++)
			assert_word(page, 0, word, word < 5 ? 0 : 1);
		/* in the second one only, whose first words are as they were */
		at = look(page, 24, 32);
		assert_non_null(at);
		assert_int_equal(at[0], word_mark(page, 0, 3, 0));
		assert_int_equal(at[8], word_mark(page, 0, 4, 0));
		assert_int_equal(at[16], word_mark(page, 0, 5, 1));
		/* the very same once more is nothing */
		assert_true(PUT_PARTS(page, 2, {0, 2, 3}, {1, 0, 1}));
	}
	assert_null(look(page, 16, 40));
	/* all of it: what was known of it stays, the rest is new */
	assert_true(put(page, 1, 3));
	assert_int_equal(store_find(&store, GUEST_SPACE_KERNEL, (struct gva){page}, &lines), ERR_OK);
	assert_int_equal(lines, 1);
	at = look(page, 0, 64);
	assert_non_null(at);
	for (unsigned int word = 0; word < 8; word++)
		assert_int_equal(at[8 * word], word < 2 || word > 6 ? mark(page, 0, 3) :
					       word_mark(page, 0, word, word < 5 ? 0 : 1));
	/* a part of what is known as a whole */
	assert_true(PUT_PARTS(page, 4, {0, 0, 2}));
	assert_int_equal(look(page, 0, 8)[0], mark(page, 0, 3));
	assert_true(PUT_PARTS(page, 5, {0, 7, 1}, {1, 0, 2}));
	at = look(page, 56, 24);
	assert_non_null(at);
	assert_int_equal(at[0], mark(page, 0, 3));
	assert_int_equal(at[8], word_mark(page, 1, 0, 0));
	assert_int_equal(at[16], word_mark(page, 1, 1, 5));
}

/* Whole lines of many groups are put together; parts among them stay, and are no whole lines by that. */
static void parts_are_not_put_together(void **state)
{
	const uint64_t page = 0xffff888000001000;
	const uint8_t *at;

	(void)state;
	for (unsigned int i = 0; i < 20; i++) {
		assert_true(put(page, 1ull << 2 * i, 0));
		assert_true(PUT_PARTS(page, 0, {2 * i + 1, i % 8, 1}));
	}
	assert_null(look(page, 0, 128));
	assert_true(put(page, 2, 0));
	at = look(page, 0, 192);
	assert_non_null(at);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(at[64 * i], i == 1 ? word_mark(page, 1, 0, 0) : mark(page, i, 0));
	assert_int_equal(at[64 + 8], mark(page, 1, 0));
	for (unsigned int i = 1; i < 20; i++) {
		assert_line(page, 2 * i, 0);
		assert_word(page, 2 * i + 1, i % 8, 0);
		assert_null(look(page, (2 * i + 1) * 64 + (i + 1) % 8 * 8, 8));
	}
	for (unsigned int i = 0; i < 64; i++)
		store_soon(&store, (struct gva){page + 64 * i});
}

/* Of a page that is watched what is in parts is told of where it is looked at, and nothing else. */
static void parts_of_a_watched_page(void **state)
{
	const uint64_t page = 0xffff888000001000;
	struct guest_lines lines;

	(void)state;
	assert_true(store_watch(&store, page));
	assert_true(PUT_PARTS(page, 0, {3, 0, 1}, {7, 7, 1}, {8, 0, 2}, {9, 3, 1}));
	assert_true(put(page, 1ull << 8 | 1ull << 20, 1));
	assert_int_equal(store_use(&store, GUEST_SPACE_KERNEL, (struct gva){page + 7 * 64 + 56}, 24, &lines), ERR_OK);
	assert_int_equal(lines.lines, 3 << 7);
	assert_word(page, 7, 7, 0);
	assert_word(page, 9, 3, 0);
	assert_int_equal(store_used(&store, page), 0);
	assert_line(page, 20, 1);
	assert_int_equal(store_used(&store, page), 1 << 20);
	assert_int_equal(look(page, 8 * 64 + 16, 8)[0], mark(page, 8, 1));
	assert_int_equal(look(page, 8 * 64, 64)[0], word_mark(page, 8, 0, 0));
	assert_int_equal(store_used(&store, page), 1 << 20 | 1 << 8);
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
		cmocka_unit_test_setup_teardown(words_come_of_lines, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_stay_as_they_came, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_are_not_put_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_of_a_watched_page, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_outlives_its_epoch, set_up, tear_down),
		cmocka_unit_test_setup_teardown(as_many_pages_are_watched_as_can_be_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

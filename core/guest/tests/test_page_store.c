// SPDX-License-Identifier: MIT
/* The store of copies: what is put there is found, until the bound, and not beyond an epoch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <string.h>

#include <cmocka.h>

#include "guest/page_store.h"

static struct page_key key(uint64_t i)
{
	return (struct page_key){.space = i % 3 << 12, .frame = i * 7};
}

static bool put(struct page_store *s, uint64_t i)
{
	unsigned char *room = page_store_room(s, 0);

	if (!room)
		return false;
	memcpy(room, &i, sizeof(i));
	assert_ptr_equal(page_store_put(s, key(i)), room);
	return true;
}

static void expect(struct page_store *s, uint64_t i)
{
	const void *page;

	assert_int_equal(page_store_find(s, key(i), &page), ERR_OK);
	assert_memory_equal(page, &i, sizeof(i));
}

static void all_are_found_until_the_bound(void **state)
{
	const uint64_t max = 40000; /* more than there are slots for at first */
	struct base_alloc alloc;
	struct page_store s;
	const void *page;

	(void)state;
	base_alloc_init(&alloc, (size_t)512 << 20);
	assert_int_equal(page_store_init(&s, &alloc, max), ERR_OK);
	for (int epoch = 0; epoch < 2; epoch++) {
		for (uint64_t i = 0; i < max; i++) {
			assert_int_equal(page_store_find(&s, key(i), &page), ERR_ABSENT);
			assert_true(put(&s, i));
		}
		assert_true(page_store_full(&s));
		assert_false(put(&s, max));
		for (uint64_t i = 0; i < max; i++)
			expect(&s, i);
		page_store_clear(&s);
	}
	page_store_deinit(&s);
	assert_int_equal(alloc.used, 0);
}

static void without_memory_there_is_no_room(void **state)
{
	struct base_alloc alloc;
	struct page_store s;
	uint64_t count = 0;

	(void)state;
	base_alloc_init(&alloc, 4 << 20);
	assert_int_equal(page_store_init(&s, &alloc, 1 << 17), ERR_OK);
	while (put(&s, count))
		count++;
	assert_false(page_store_full(&s));
	assert_in_range(count, 1, 1024);
	for (uint64_t i = 0; i < count; i++)
		expect(&s, i);
	page_store_deinit(&s);
	assert_int_equal(alloc.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_found_until_the_bound),
		cmocka_unit_test(without_memory_there_is_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

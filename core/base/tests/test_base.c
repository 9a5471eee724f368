// SPDX-License-Identifier: MIT
/* Unit tests of core/base: errors, the limited allocator, the cursor, checked arithmetic. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "base/cleanup.h"
#include "base/cursor.h"
#include "base/err.h"
#include "base/utf8.h"

static void test_err_first_wins(void **state)
{
	struct err_ctx e = {0};
	char line[300];

	(void)state;
	assert_int_equal(err_set_addr(&e, ERR_UNMAPPED, 0x1000, "no page for %s", "jiffies"),
			 ERR_UNMAPPED);
	assert_int_equal(err_set(&e, ERR_IO, "later"), ERR_IO);
	assert_int_equal(e.code, ERR_UNMAPPED);
	assert_string_equal(err_describe(&e, line, sizeof(line)),
			    "no page for jiffies (at 0x1000)");
	err_clear(&e);
	err_set_errno(&e, ERR_PERM, EACCES, "can't open %s", "x");
	assert_string_equal(err_describe(&e, line, sizeof(line)),
			    "can't open x: Permission denied");
	assert_string_equal(err_describe(&e, line, 6), "can't");
	assert_int_equal(err_set(NULL, ERR_LIMIT, "nobody listens"), ERR_LIMIT);
	err_clear(NULL);
}

static void test_err_names(void **state)
{
	struct err_ctx e = {.code = ERR_GONE};
	char line[64];

	(void)state;
	for (int code = ERR_AMBIGUOUS; code < 0; code++) {
		assert_string_not_equal(err_name(code), "unknown error");
		assert_true(err_to_errno(code) > 0);
	}
	assert_int_equal(err_to_errno(ERR_OK), 0);
	assert_string_equal(err_name((enum err) - 99), "unknown error");
	assert_string_equal(err_of_guest(ERR_CORRUPT), err_name(ERR_CORRUPT));
	assert_non_null(strstr(err_of_guest(ERR_GONE), "restarted"));
	assert_int_equal(err_to_errno((enum err) - 99), EIO);
	assert_string_equal(err_describe(&e, line, sizeof(line)), "gone");
}

static void check_limit(bool with_zeroed)
{
	struct base_alloc a;
	char *p, *q;

	base_alloc_init(&a, 1000);
	if (!with_zeroed)
		a.zeroed = NULL;
	p = base_alloc_zeroed(&a, 10, 10);
	assert_non_null(p);
	for (int i = 0; i < 100; i++)
		assert_int_equal(p[i], 0);
	assert_null(base_alloc_zeroed(&a, 1000, 1));
	assert_null(base_alloc_zeroed(&a, SIZE_MAX / 2, 3));
	assert_null(base_alloc_zeroed(&a, SIZE_MAX, 1));
	p[0] = 7;
	q = base_alloc_resize(&a, p, 2000, 1);
	assert_null(q); /* p is as it was */
	q = base_alloc_resize(&a, p, 900, 1);
	assert_non_null(q);
	assert_int_equal(q[0], 7);
	assert_null(base_alloc_zeroed(&a, 100, 1));
	base_free(&a, q);
	assert_int_equal(a.used, 0);
	base_free(&a, NULL);
}

static void test_alloc_limit(void **state)
{
	(void)state;
	check_limit(true);
	check_limit(false);
}

static void test_cursor(void **state)
{
	static const unsigned char bytes[] = {1, 2, 0, 3, 0, 0, 0, 4, 0, 0, 0, 0, 0,
					      0, 0x80, 'h', 'i', 0, 'n', 'o'};
	struct base_cursor c = base_cursor_over(bytes, sizeof(bytes)), s;
	size_t size;

	(void)state;
	assert_int_equal(base_cursor_u8(&c), 1);
	assert_int_equal(base_cursor_u16(&c), 2);
	assert_int_equal(base_cursor_u32(&c), 3);
	assert_true(base_cursor_u64(&c) == 0x8000000000000004u);
	assert_string_equal(base_cursor_cstring(&c), "hi");
	assert_int_equal(base_cursor_left(&c), 2);
	assert_null(base_cursor_cstring(&c)); /* "no" has no end */
	assert_false(base_cursor_ok(&c));
	base_cursor_seek(&c, 0); /* a failure sticks */
	assert_int_equal(base_cursor_u8(&c), 0);
	assert_int_equal(base_cursor_left(&c), 0);

	c = base_cursor_over(bytes, sizeof(bytes));
	s = base_cursor_slice(&c, 15, 3);
	assert_string_equal(base_cursor_cstring(&s), "hi");
	s = base_cursor_slice(&c, 15, SIZE_MAX - 3);
	assert_false(base_cursor_ok(&s));
	s = base_cursor_slice(&c, sizeof(bytes) + 1, 0);
	assert_false(base_cursor_ok(&s));
	base_cursor_skip(&c, sizeof(bytes));
	assert_true(base_cursor_ok(&c));
	assert_int_equal(base_cursor_u8(&c), 0);
	assert_false(base_cursor_ok(&c));
	c = base_cursor_over(bytes, 3);
	assert_true(base_cursor_u64(&c) == 0);
	assert_false(base_cursor_ok(&c));
	c = base_cursor_over(bytes, 3);
	base_cursor_seek(&c, 4);
	assert_false(base_cursor_ok(&c));
	c = base_cursor_over("ab\n\nc", 5);
	assert_memory_equal(base_cursor_line(&c, &size), "ab", 2);
	assert_int_equal(size, 2);
	assert_non_null(base_cursor_line(&c, &size));
	assert_int_equal(size, 0);
	assert_memory_equal(base_cursor_line(&c, &size), "c", 1);
	assert_int_equal(size, 1);
	assert_null(base_cursor_line(&c, &size));
	assert_true(base_cursor_ok(&c));
	c = base_cursor_over(NULL, 0);
	assert_null(base_cursor_bytes(&c, 1));
}

static void test_checked(void **state)
{
	size_t r;
	uint64_t r64;

	(void)state;
	assert_true(base_add(1, 2, &r) && r == 3);
	assert_false(base_add(SIZE_MAX, 1, &r));
	assert_true(base_mul(3, 4, &r) && r == 12);
	assert_false(base_mul(SIZE_MAX / 2, 3, &r));
	assert_false(base_add64(UINT64_MAX, 1, &r64));
	assert_false(base_mul64(UINT64_MAX / 2, 3, &r64));
	assert_true(base_in_range(0, 10, 10));
	assert_true(base_in_range(10, 0, 10));
	assert_false(base_in_range(11, 0, 10));
	assert_false(base_in_range(1, 10, 10));
	assert_false(base_in_range(1, UINT64_MAX, 10));
}

static int destroyed;

static void count_destroy(int *p)
{
	destroyed += *p;
}

BASE_CLEANUP_DEFINE(count_destroy, int *);

static int *cleanup_scope(int *value, int take)
{
	BASE_CLEANUP(count_destroy) int *p = value;

	return take ? base_take(&p) : NULL;
}

static void test_utf8(void **state)
{
	static const char *const good[] = {"", "plain", "\x7f\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80",
					   "\xed\x9f\xbf", "\xf0\x90\x80\x80",
					   "\xf4\x8f\xbf\xbf"};
	static const char *const bad[] = {
		"\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
		"\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "a\xff", "\xc2", "\xe2\x82", "\xf0\x9f\x98",
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(good); i++)
		assert_true(base_utf8_valid(good[i], strlen(good[i])));
	for (size_t i = 0; i < BASE_COUNT(bad); i++)
		assert_false(base_utf8_valid(bad[i], strlen(bad[i])));
	assert_true(base_utf8_valid("a\0b", 3));
	/* cut off, with the rest right behind the end */
	assert_false(base_utf8_valid("\xe2\x82\xac", 2));
}

static void test_cleanup(void **state)
{
	int value = 5;

	(void)state;
	assert_null(cleanup_scope(&value, 0));
	assert_int_equal(destroyed, 5);
	assert_ptr_equal(cleanup_scope(&value, 1), &value);
	assert_int_equal(destroyed, 5);
	assert_null(cleanup_scope(NULL, 0));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_err_first_wins), cmocka_unit_test(test_err_names),
		cmocka_unit_test(test_alloc_limit),    cmocka_unit_test(test_cursor),
		cmocka_unit_test(test_checked),	       cmocka_unit_test(test_cleanup),
		cmocka_unit_test(test_utf8),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* The printers against printf, and the buffer at its limit. */
#include "vfs/seq_file.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static struct base_alloc alloc;

static void printed(struct seq_file *m, const char *want)
{
	assert_int_equal(m->error, 0);
	assert_int_equal(m->count, strlen(want));
	assert_memory_equal(m->buf, want, m->count);
	m->count = 0;
}

#define SAME(...)                                              \
	do {                                                   \
		char want_[256];                               \
		snprintf(want_, sizeof(want_), __VA_ARGS__);   \
		seq_printf(&m, __VA_ARGS__);                   \
		printed(&m, want_);                            \
	} while (0)

static void test_printf(void **state)
{
	struct seq_file m;
	static const long long values[] = { 0, 1, -1, 7, 9, 10, 99, 100, 101, 12345, -12345,
					    INT_MAX, INT_MIN, LLONG_MAX, LLONG_MIN };

	(void)state;
	seq_init(&m, &alloc, 1 << 20);
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		long long v = values[i];

		SAME("%d %i %u %x %X %o", (int)v, (int)v, (unsigned int)v, (unsigned int)v,
		     (unsigned int)v, (unsigned int)v);
		SAME("%ld %li %lu %lx %lX %lo", (long)v, (long)v, (unsigned long)v, (unsigned long)v,
		     (unsigned long)v, (unsigned long)v);
		SAME("%lld %llu %llx %zu %zd %jd %td", v, (unsigned long long)v,
		     (unsigned long long)v, (size_t)v, (ssize_t)v, (intmax_t)v, (ptrdiff_t)v);
		SAME("%hd %hu %hhd %hhu %hx", (short)v, (unsigned short)v, (signed char)v,
		     (unsigned char)v, (unsigned short)v);
		SAME("[%5d] [%-5d] [%05d] [%+d] [% d] [%+5d] [%5.3d] [%.0d] [%-8.5d]", (int)v,
		     (int)v, (int)v, (int)v, (int)v, (int)v, (int)v, (int)v, (int)v);
		SAME("[%08X] [%4u] [%02x] [%#x] [%#010x] [%#o] [%*d] [%-*d] [%.*d]", (unsigned int)v,
		     (unsigned int)v, (unsigned int)v, (unsigned int)v, (unsigned int)v,
		     (unsigned int)v, 7, (int)v, 7, (int)v, 4, (int)v);
		SAME("[%016lx] [%20lld] [%-20lld]|", (unsigned long)v, v, v);
	}
	SAME("%s|%5s|%-5s|%.2s|%*s|%-*s|%.*s|%c|%3c|%-3c|%%", "abc", "abc", "abc", "abc", 6, "abc",
	     6, "abc", 1, "abc", 'x', 'y', 'z');
	SAME("%4d: %08X:%04X %08X:%04X %02X %08X:%08X %02X:%08lX %08X %5u %8d %lu %d", 17,
	     0x0100007fU, 22U, 0U, 0U, 10U, 0U, 0U, 0U, 0UL, 0U, 0U, 0, 12345UL, 1);
	SAME("%d%%", 50);
	SAME("plain");
	SAME("%*d", -7, 42);
	seq_deinit(&m);
	assert_int_equal(alloc.used, 0);
}

static void test_unknown_conversion(void **state)
{
	static const char *const bad[] = { "%f", "%q", "%", "%5", "%n" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct seq_file m;

		seq_init(&m, &alloc, 1 << 20);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-security"
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
		seq_printf(&m, bad[i]);
#pragma GCC diagnostic pop
		assert_int_equal(m.error, -EINVAL);
		seq_deinit(&m);
	}
}

static void test_helpers(void **state)
{
	struct seq_file m;

	(void)state;
	seq_init(&m, &alloc, 1 << 20);
	seq_put_decimal_ull(&m, "", 0);
	seq_put_decimal_ull(&m, " ", ULLONG_MAX);
	seq_put_decimal_ll(&m, " ", LLONG_MIN);
	seq_put_decimal_ll(&m, ", ", -1);
	seq_put_decimal_ll(&m, " ", 42);
	printed(&m, "0 18446744073709551615 -9223372036854775808, -1 42");
	seq_put_decimal_ull_width(&m, "x", 7, 4);
	seq_put_decimal_ull_width(&m, "", 12345, 4);
	printed(&m, "x   712345");
	seq_put_hex_ll(&m, "", 0, 0);
	seq_put_hex_ll(&m, " ", 0xdeadbeef, 16);
	seq_put_hex_ll(&m, "-", 0xabcdef, 2);
	printed(&m, "0 00000000deadbeef-abcdef");
	seq_escape_mem(&m, "a b\tc\\d\0e\xff", 10, " \t\n\\");
	assert_int_equal(m.count, strlen("a\\040b\\011c\\134d\\000e\xff"));
	printed(&m, "a\\040b\\011c\\134d\\000e\xff");
	seq_setwidth(&m, 10);
	seq_puts(&m, "abc");
	seq_pad(&m, '\n');
	seq_setwidth(&m, 2);
	seq_puts(&m, "abc");
	seq_pad(&m, '|');
	seq_setwidth(&m, 4);
	seq_pad(&m, 0);
	printed(&m, "abc       \nabc|    ");
	seq_deinit(&m);
}

static void test_rollback(void **state)
{
	struct seq_file m;
	size_t mark;

	(void)state;
	seq_init(&m, &alloc, 1 << 20);
	seq_puts(&m, "whole\n");
	mark = seq_mark(&m);
	seq_printf(&m, "torn %d", 1);
	seq_rollback(&m, mark);
	seq_rollback(&m, mark + 100);
	seq_puts(&m, "next\n");
	printed(&m, "whole\nnext\n");
	seq_deinit(&m);
}

/* At the limit exactly is fine; a byte more is -EFBIG, from every printer, and stays so. */
static void test_limit(void **state)
{
	(void)state;
	for (int way = 0; way < 7; way++) {
		struct seq_file m;

		seq_init(&m, &alloc, 5000);
		for (int i = 0; i < 4999; i++)
			seq_putc(&m, 'x');
		seq_puts(&m, "y");
		assert_int_equal(m.error, 0);
		assert_int_equal(m.count, 5000);
		switch (way) {
		case 0:
			seq_putc(&m, 'z');
			break;
		case 1:
			seq_puts(&m, "z");
			break;
		case 2:
			seq_put_decimal_ull(&m, "", 1);
			break;
		case 3:
			seq_printf(&m, "%s", "z");
			break;
		case 4:
			seq_printf(&m, "%2000000000d", 1);
			break;
		case 5:
			seq_escape_mem(&m, " ", 1, " ");
			break;
		default:
			seq_setwidth(&m, SIZE_MAX / 2);
			seq_pad(&m, 0);
		}
		assert_int_equal(m.error, -EFBIG);
		assert_int_equal(m.count, 5000);
		seq_rollback(&m, 0);
		seq_puts(&m, "z");
		assert_int_equal(m.error, -EFBIG);
		seq_deinit(&m);
	}
	assert_int_equal(alloc.used, 0);
}

static void test_no_memory(void **state)
{
	struct base_alloc small;
	struct seq_file m;

	(void)state;
	base_alloc_init(&small, 3000);
	seq_init(&m, &small, 1 << 20);
	for (int i = 0; i < 10000; i++)
		seq_printf(&m, "%d\n", i);
	assert_int_equal(m.error, -ENOMEM);
	seq_deinit(&m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printf),	 cmocka_unit_test(test_unknown_conversion),
		cmocka_unit_test(test_helpers),	 cmocka_unit_test(test_rollback),
		cmocka_unit_test(test_limit),	 cmocka_unit_test(test_no_memory),
	};

	base_alloc_init(&alloc, 64 << 20);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

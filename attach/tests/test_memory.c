// SPDX-License-Identifier: MIT
/*
 * Blocks of all sizes come and go, and hold what is written to them. Once a block of malloc() was taken for a
 * mapped one, and a tool had no memory for what the device sent.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../module/memory.h"
#include "base/checked.h"

static void blocks_hold_what_is_written(void **state)
{
	static const size_t sizes[] = {1,	 4096 - 16, 4096,	 (1 << 17) - 16, 1 << 17,	(1 << 20) - 80,
				       1 << 20, 1 << 21,   (1 << 21) - 80, (1 << 21) - 16, (1 << 22) + 1};
	uint8_t *blocks[BASE_COUNT(sizes)];
	struct base_alloc a;

	(void)state;
	line_memory_init(&a, 64 << 20);
	for (int again = 0; again < 3; again++) {
		for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
			blocks[i] = base_alloc_resize(&a, NULL, sizes[i], 1);
			assert_non_null(blocks[i]);
			memset(blocks[i], (int)i + 1, sizes[i]);
		}
		for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
			assert_int_equal(blocks[i][0], i + 1);
			assert_int_equal(blocks[i][sizes[i] - 1], i + 1);
			base_free(&a, blocks[i]);
		}
		assert_int_equal(a.used, 0);
	}
	assert_null(base_alloc_resize(&a, NULL, (64 << 20) + 1, 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(blocks_hold_what_is_written)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Each kind of code that the cipher has for processors opens what the others sealed, as far as this one can run it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../crypto_ipsec.c"
#include "base/checked.h"

void channel_wipe(void *secret, size_t size)
{
	memset(secret, 0, size);
}

static void all_ways_are_one(void **state)
{
	static const uint8_t key[CHANNEL_KEY_SIZE] = {1, 2, 3};
	static uint8_t plain[5000], data[5000];
	uint8_t tag[CHANNEL_TAG_SIZE], ad[56] = {7};

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)(i * 31);
	for (const struct way *seal = best_way(); seal < ways + BASE_COUNT(ways); seal++) {
		for (const struct way *open = best_way(); open < ways + BASE_COUNT(ways); open++) {
			struct crypto_aead a = {0}, b = {0};

			assert_int_equal(init_with(&a, seal, key, NULL), ERR_OK);
			assert_int_equal(init_with(&b, open, key, NULL), ERR_OK);
			for (size_t size = 0; size <= sizeof(plain); size += size < 70 ? 1 : 493) {
				assert_int_equal(crypto_aead_seal(&a, size, ad, sizeof(ad), plain, data,
								  size, tag, NULL),
						 ERR_OK);
				assert_int_equal(crypto_aead_open(&b, size, ad, sizeof(ad), data, size, tag,
								  NULL),
						 ERR_OK);
				assert_memory_equal(data, plain, size);
				tag[size % sizeof(tag)] ^= 1;
				assert_int_equal(crypto_aead_open(&b, size, ad, sizeof(ad), data, size, tag,
								  NULL),
						 ERR_TAMPERED);
			}
			crypto_aead_deinit(&a);
			crypto_aead_deinit(&b);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_ways_are_one)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

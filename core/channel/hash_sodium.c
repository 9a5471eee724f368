// SPDX-License-Identifier: MIT
/* The hash of libsodium. */
#include <sodium.h>

#include "crypto.h"

void crypto_hash2(const void *a, size_t a_size, const void *b, size_t b_size,
		  uint8_t hash[CHANNEL_HASH_SIZE])
{
	crypto_hash_sha256_state state;

	crypto_hash_sha256_init(&state);
	crypto_hash_sha256_update(&state, a, a_size);
	crypto_hash_sha256_update(&state, b, b_size);
	crypto_hash_sha256_final(&state, hash);
	channel_wipe(&state, sizeof(state));
}

void crypto_hmac2(const uint8_t key[CHANNEL_HASH_SIZE], const void *a, size_t a_size, const void *b,
		  size_t b_size, uint8_t ret[CHANNEL_HASH_SIZE])
{
	crypto_auth_hmacsha256_state state;

	crypto_auth_hmacsha256_init(&state, key, CHANNEL_HASH_SIZE);
	crypto_auth_hmacsha256_update(&state, a, a_size);
	crypto_auth_hmacsha256_update(&state, b, b_size);
	crypto_auth_hmacsha256_final(&state, ret);
	channel_wipe(&state, sizeof(state));
}

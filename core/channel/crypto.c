// SPDX-License-Identifier: MIT
/*
 * What the channel needs of cryptography: the curve, from libsodium. The cipher and the hash are of one
 * of three back ends (meson.build).
 */
#include "crypto.h"

#include <sodium.h>
#include <string.h>

enum err channel_library_init(struct err_ctx *err)
{
	if (sodium_init() < 0) /* chooses code for this processor */
		return err_set(err, ERR_UNSUPPORTED, "libsodium can't be used here");
	return crypto_library_init(err);
}

void channel_wipe(void *secret, size_t size)
{
	memset(secret, 0, size);
	__asm__ volatile("" : : "r"(secret) : "memory");
}

void crypto_hkdf2(const uint8_t chain[CHANNEL_HASH_SIZE], const void *input, size_t size,
		  uint8_t out1[CHANNEL_HASH_SIZE], uint8_t out2[CHANNEL_HASH_SIZE])
{
	uint8_t temp[CHANNEL_HASH_SIZE], first[CHANNEL_HASH_SIZE];
	uint8_t one = 1, two = 2;

	crypto_hmac2(chain, input, size, NULL, 0, temp);
	crypto_hmac2(temp, &one, 1, NULL, 0, first);
	crypto_hmac2(temp, first, sizeof(first), &two, 1, out2);
	memcpy(out1, first, sizeof(first));
	channel_wipe(temp, sizeof(temp));
	channel_wipe(first, sizeof(first));
}

_Static_assert(crypto_scalarmult_curve25519_BYTES == CHANNEL_KEY_SIZE, "X25519");
_Static_assert(crypto_sign_ed25519_SECRETKEYBYTES == 64, "a seed, then the public key");

enum err crypto_dh(const uint8_t secret[CHANNEL_KEY_SIZE], const uint8_t public[CHANNEL_KEY_SIZE],
		   uint8_t ret[CHANNEL_KEY_SIZE], struct err_ctx *err)
{
	uint8_t any = 0;
	int r = crypto_scalarmult_curve25519(ret, secret, public);

	for (int i = 0; i < CHANNEL_KEY_SIZE; i++)
		any |= ret[i];
	return !r && any ? ERR_OK : err_set(err, ERR_TAMPERED, "a public key of small order");
}

enum err channel_key_pair_from_secret(const uint8_t secret[CHANNEL_KEY_SIZE],
				      struct channel_key_pair *ret, struct err_ctx *err)
{
	memcpy(ret->secret, secret, CHANNEL_KEY_SIZE);
	ret->secret[0] &= 248;
	ret->secret[31] = (ret->secret[31] & 127) | 64;
	if (!crypto_scalarmult_curve25519_base(ret->public, ret->secret))
		return ERR_OK;
	channel_wipe(ret, sizeof(*ret));
	return err_set(err, ERR_IO, "making a public key failed in libsodium");
}

enum err channel_key_pair_make(const struct channel_random *random, struct channel_key_pair *ret,
			       struct err_ctx *err)
{
	uint8_t secret[CHANNEL_KEY_SIZE];
	enum err e;

	if (!random->fill(random->ctx, secret, sizeof(secret)))
		return err_set(err, ERR_IO, "no randomness for a key");
	e = channel_key_pair_from_secret(secret, ret, err);
	channel_wipe(secret, sizeof(secret));
	return e;
}

enum err crypto_ed25519_public(const uint8_t seed[32], uint8_t public[32], struct err_ctx *err)
{
	uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
	int r = crypto_sign_ed25519_seed_keypair(public, secret, seed);

	channel_wipe(secret, sizeof(secret));
	return r ? err_set(err, ERR_IO, "making a public signing key failed in libsodium") : ERR_OK;
}

enum err crypto_ed25519_sign(const uint8_t seed[32], const uint8_t public[32], const void *data, size_t size,
		     uint8_t signature[64], struct err_ctx *err)
{
	uint8_t secret[crypto_sign_ed25519_SECRETKEYBYTES];
	int r;

	memcpy(secret, seed, 32);
	memcpy(secret + 32, public, 32);
	r = crypto_sign_ed25519_detached(signature, NULL, data, size, secret);
	channel_wipe(secret, sizeof(secret));
	return r ? err_set(err, ERR_IO, "signing failed in libsodium") : ERR_OK;
}

enum err crypto_ed25519_check(const uint8_t public[32], const void *data, size_t size,
		       const uint8_t signature[64], struct err_ctx *err)
{
	/* a key that is no point of the curve is as wrong as a signature that doesn't fit */
	return crypto_sign_ed25519_verify_detached(signature, data, size, public) ?
		       err_set(err, ERR_TAMPERED, "the evidence's signature doesn't fit") :
		       ERR_OK;
}

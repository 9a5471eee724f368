// SPDX-License-Identifier: MIT
/*
 * What the channel needs of cryptography, from two libraries (docs/PROTOCOL.md says why): the cipher and
 * the hash are libgcrypt's, the curve is libsodium's.
 */
#include "crypto.h"

#include <gcrypt.h>
#include <sodium.h>
#include <string.h>

enum err channel_library_init(struct err_ctx *err)
{
	if (sodium_init() < 0) /* chooses code for this processor */
		return err_set(err, ERR_UNSUPPORTED, "libsodium can't be used here");
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return ERR_OK;
	if (!gcry_check_version(GCRYPT_VERSION))
		return err_set(err, ERR_UNSUPPORTED, "libgcrypt is older than %s", GCRYPT_VERSION);
	/* Our secrets live in our own memory and are wiped there: no locked pool is needed. */
	gcry_control(GCRYCTL_DISABLE_SECMEM, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return ERR_OK;
}

void channel_wipe(void *secret, size_t size)
{
	memset(secret, 0, size);
	__asm__ volatile("" : : "r"(secret) : "memory");
}

static enum err library_error(struct err_ctx *err, const char *what, gcry_error_t e)
{
	return err_set(err, ERR_IO, "%s failed in libgcrypt: %s", what, gcry_strerror(e));
}

enum err crypto_aead_init(struct crypto_aead *a, const uint8_t key[CHANNEL_KEY_SIZE],
			  struct err_ctx *err)
{
	gcry_cipher_hd_t handle;
	gcry_error_t e = gcry_cipher_open(&handle, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_GCM, 0);

	if (e)
		return library_error(err, "opening the cipher", e);
	e = gcry_cipher_setkey(handle, key, CHANNEL_KEY_SIZE);
	if (e) {
		gcry_cipher_close(handle);
		return library_error(err, "setting the key", e);
	}
	a->handle = handle;
	return ERR_OK;
}

void crypto_aead_deinit(struct crypto_aead *a)
{
	if (a->handle)
		gcry_cipher_close(a->handle); /* wipes the key schedule */
	a->handle = NULL;
}

static gcry_error_t aead_begin(gcry_cipher_hd_t handle, uint64_t nonce, const void *ad,
			       size_t ad_size)
{
	uint8_t iv[12] = {0};
	gcry_error_t e;

	for (int i = 0; i < 8; i++)
		iv[4 + i] = (uint8_t)(nonce >> (56 - 8 * i));
	e = gcry_cipher_setiv(handle, iv, sizeof(iv));
	return e ? e : gcry_cipher_authenticate(handle, ad, ad_size);
}

enum err crypto_aead_seal(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  const void *plain, void *data, size_t size, uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	gcry_error_t e = aead_begin(a->handle, nonce, ad, ad_size);

	if (!e)
		e = gcry_cipher_final(a->handle);
	if (!e)
		e = gcry_cipher_encrypt(a->handle, data, size, plain, size);
	if (!e)
		e = gcry_cipher_gettag(a->handle, tag, CHANNEL_TAG_SIZE);
	return e ? library_error(err, "sealing", e) : ERR_OK;
}

enum err crypto_aead_open(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  void *data, size_t size, const uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	gcry_error_t e = aead_begin(a->handle, nonce, ad, ad_size);

	if (!e)
		e = gcry_cipher_final(a->handle);
	if (!e)
		e = gcry_cipher_decrypt(a->handle, data, size, NULL, 0);
	if (!e)
		e = gcry_cipher_checktag(a->handle, tag, CHANNEL_TAG_SIZE);
	if (!e)
		return ERR_OK;
	channel_wipe(data, size);
	if (gcry_err_code(e) == GPG_ERR_CHECKSUM)
		return err_set(err, ERR_TAMPERED, "a sealed record failed authentication");
	return library_error(err, "opening", e);
}

void crypto_hash2(const void *a, size_t a_size, const void *b, size_t b_size,
		  uint8_t hash[CHANNEL_HASH_SIZE])
{
	gcry_buffer_t parts[2] = {
		{.data = (void *)(uintptr_t)a, .len = a_size},
		{.data = (void *)(uintptr_t)b, .len = b_size},
	};

	/* Can't fail: the algorithm is compiled in and the buffers are ours. */
	gcry_md_hash_buffers(GCRY_MD_SHA256, 0, hash, parts, 2);
}

static void hmac2(const uint8_t key[CHANNEL_HASH_SIZE], const void *a, size_t a_size, const void *b,
		  size_t b_size, uint8_t ret[CHANNEL_HASH_SIZE])
{
	gcry_buffer_t parts[3] = {
		{.data = (void *)(uintptr_t)key, .len = CHANNEL_HASH_SIZE},
		{.data = (void *)(uintptr_t)a, .len = a_size},
		{.data = (void *)(uintptr_t)b, .len = b_size},
	};

	gcry_md_hash_buffers(GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC, ret, parts, 3);
}

void crypto_hkdf2(const uint8_t chain[CHANNEL_HASH_SIZE], const void *input, size_t size,
		  uint8_t out1[CHANNEL_HASH_SIZE], uint8_t out2[CHANNEL_HASH_SIZE])
{
	uint8_t temp[CHANNEL_HASH_SIZE], first[CHANNEL_HASH_SIZE];
	uint8_t one = 1, two = 2;

	hmac2(chain, input, size, NULL, 0, temp);
	hmac2(temp, &one, 1, NULL, 0, first);
	hmac2(temp, first, sizeof(first), &two, 1, out2);
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

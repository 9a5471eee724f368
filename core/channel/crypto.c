// SPDX-License-Identifier: MIT
/* libgcrypt behind the few calls that the channel needs: chosen by bench/aead (docs/PROTOCOL.md). */
#include "crypto.h"

#include <gcrypt.h>
#include <string.h>

enum err channel_library_init(struct err_ctx *err)
{
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

enum err crypto_dh(const uint8_t secret[CHANNEL_KEY_SIZE], const uint8_t public[CHANNEL_KEY_SIZE],
		   uint8_t ret[CHANNEL_KEY_SIZE], struct err_ctx *err)
{
	gcry_error_t e = gcry_ecc_mul_point(GCRY_ECC_CURVE25519, ret, secret, public);
	uint8_t any = 0;

	if (e)
		return err_set(err, ERR_TAMPERED, "not a public key of X25519: %s", gcry_strerror(e));
	for (int i = 0; i < CHANNEL_KEY_SIZE; i++)
		any |= ret[i];
	return any ? ERR_OK : err_set(err, ERR_TAMPERED, "a public key of small order");
}

enum err channel_key_pair_from_secret(const uint8_t secret[CHANNEL_KEY_SIZE],
				      struct channel_key_pair *ret, struct err_ctx *err)
{
	struct channel_key_pair pair;
	gcry_error_t e;

	memcpy(pair.secret, secret, CHANNEL_KEY_SIZE);
	pair.secret[0] &= 248;
	pair.secret[31] = (pair.secret[31] & 127) | 64;
	e = gcry_ecc_mul_point(GCRY_ECC_CURVE25519, pair.public, pair.secret, NULL);
	if (!e)
		*ret = pair;
	channel_wipe(&pair, sizeof(pair));
	return e ? library_error(err, "making a public key", e) : ERR_OK;
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

enum err crypto_sign_public(const uint8_t seed[32], uint8_t public[32], struct err_ctx *err)
{
	gcry_sexp_t key = NULL, part = NULL;
	gcry_mpi_t point = NULL;
	gcry_ctx_t ctx = NULL;
	const char *bytes;
	size_t size = 0;
	gcry_error_t e;

	/* the curve's context makes the public point of a secret that it is given */
	e = gcry_sexp_build(&key, NULL, "(private-key (ecc (curve Ed25519)(flags eddsa)(d %b)))", 32,
			    seed);
	if (!e)
		e = gcry_mpi_ec_new(&ctx, key, NULL);
	if (!e) {
		point = gcry_mpi_ec_get_mpi("q@eddsa", ctx, 1);
		if (!point)
			e = gcry_error(GPG_ERR_INV_DATA);
	}
	if (!e)
		e = gcry_sexp_build(&part, NULL, "(q %m)", point);
	if (!e) {
		bytes = gcry_sexp_nth_data(part, 1, &size);
		if (bytes && size == 32)
			memcpy(public, bytes, 32);
		else
			e = gcry_error(GPG_ERR_INV_DATA);
	}
	gcry_mpi_release(point);
	gcry_ctx_release(ctx);
	gcry_sexp_release(part);
	gcry_sexp_release(key);
	return e ? library_error(err, "making a public signing key", e) : ERR_OK;
}

static gcry_error_t sign_data(const void *data, size_t size, gcry_sexp_t *ret)
{
	return gcry_sexp_build(ret, NULL, "(data (flags eddsa)(hash-algo sha512)(value %b))",
			       (int)size, data);
}

/* The 32 bytes of signature part `name`: false when it isn't there. */
static bool signature_part(gcry_sexp_t signature, const char *name, uint8_t ret[32])
{
	gcry_sexp_t part = gcry_sexp_find_token(signature, name, 1);
	size_t size = 0;
	const char *bytes = part ? gcry_sexp_nth_data(part, 1, &size) : NULL;
	bool done = bytes && size == 32;

	if (done)
		memcpy(ret, bytes, 32);
	gcry_sexp_release(part);
	return done;
}

enum err crypto_sign(const uint8_t seed[32], const uint8_t public[32], const void *data, size_t size,
		     uint8_t signature[64], struct err_ctx *err)
{
	gcry_sexp_t key = NULL, value = NULL, result = NULL;
	gcry_error_t e;

	e = gcry_sexp_build(&key, NULL, "(private-key (ecc (curve Ed25519)(flags eddsa)(q %b)(d %b)))",
			    32, public, 32, seed);
	if (!e)
		e = sign_data(data, size, &value);
	if (!e)
		e = gcry_pk_sign(&result, value, key);
	if (!e && (!signature_part(result, "r", signature) ||
		   !signature_part(result, "s", signature + 32)))
		e = gcry_error(GPG_ERR_INV_DATA);
	gcry_sexp_release(result);
	gcry_sexp_release(value);
	gcry_sexp_release(key);
	return e ? library_error(err, "signing", e) : ERR_OK;
}

enum err crypto_verify(const uint8_t public[32], const void *data, size_t size,
		       const uint8_t signature[64], struct err_ctx *err)
{
	gcry_sexp_t key = NULL, value = NULL, given = NULL;
	gcry_error_t e;

	e = gcry_sexp_build(&key, NULL, "(public-key (ecc (curve Ed25519)(flags eddsa)(q %b)))", 32,
			    public);
	if (!e)
		e = sign_data(data, size, &value);
	if (!e)
		e = gcry_sexp_build(&given, NULL, "(sig-val (eddsa (r %b)(s %b)))", 32, signature, 32,
				    signature + 32);
	/* a key that is no point of the curve is as wrong as a signature that doesn't fit */
	if (!e && gcry_pk_verify(given, value, key))
		e = gcry_error(GPG_ERR_BAD_SIGNATURE);
	gcry_sexp_release(given);
	gcry_sexp_release(value);
	gcry_sexp_release(key);
	if (gcry_err_code(e) == GPG_ERR_BAD_SIGNATURE)
		return err_set(err, ERR_TAMPERED, "the evidence's signature doesn't fit");
	return e ? library_error(err, "verifying a signature", e) : ERR_OK;
}

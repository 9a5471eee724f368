// SPDX-License-Identifier: MIT
/* Cipher and hash of libgcrypt: the fastest, and what programs outside of enclaves use. */
#include <gcrypt.h>

#include "crypto.h"

enum err crypto_library_init(struct err_ctx *err)
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

void crypto_hmac2(const uint8_t key[CHANNEL_HASH_SIZE], const void *a, size_t a_size, const void *b,
		  size_t b_size, uint8_t ret[CHANNEL_HASH_SIZE])
{
	gcry_buffer_t parts[3] = {
		{.data = (void *)(uintptr_t)key, .len = CHANNEL_HASH_SIZE},
		{.data = (void *)(uintptr_t)a, .len = a_size},
		{.data = (void *)(uintptr_t)b, .len = b_size},
	};

	gcry_md_hash_buffers(GCRY_MD_SHA256, GCRY_MD_FLAG_HMAC, ret, parts, 3);
}

// SPDX-License-Identifier: MIT
/*
 * The cipher of libsodium, for enclaves: half as fast as libgcrypt's, but small, with nothing that asks the
 * processor or the system for anything. It needs AES-NI, which every processor with SGX has.
 */
#include <sodium.h>
#include <stdlib.h>

#include "crypto.h"

enum err crypto_library_init(struct err_ctx *err)
{
	if (!crypto_aead_aes256gcm_is_available())
		return err_set(err, ERR_UNSUPPORTED, "this processor has no AES instructions");
	return ERR_OK;
}

enum err crypto_aead_init(struct crypto_aead *a, const uint8_t key[CHANNEL_KEY_SIZE],
			  struct err_ctx *err)
{
	void *state;

	if (posix_memalign(&state, _Alignof(crypto_aead_aes256gcm_state),
			   sizeof(crypto_aead_aes256gcm_state)))
		return err_set(err, ERR_NOMEM, "no memory for a key");
	crypto_aead_aes256gcm_beforenm(state, key);
	a->handle = state;
	return ERR_OK;
}

void crypto_aead_deinit(struct crypto_aead *a)
{
	if (a->handle)
		channel_wipe(a->handle, sizeof(crypto_aead_aes256gcm_state));
	free(a->handle);
	a->handle = NULL;
}

static void set_nonce(uint8_t ret[crypto_aead_aes256gcm_NPUBBYTES], uint64_t nonce)
{
	for (int i = 0; i < 4; i++)
		ret[i] = 0;
	for (int i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(nonce >> (56 - 8 * i));
}

enum err crypto_aead_seal(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  const void *plain, void *data, size_t size, uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	uint8_t iv[crypto_aead_aes256gcm_NPUBBYTES];

	set_nonce(iv, nonce);
	if (crypto_aead_aes256gcm_encrypt_detached_afternm(data, tag, NULL, plain, size, ad, ad_size,
							   NULL, iv, a->handle))
		return err_set(err, ERR_IO, "sealing failed in libsodium");
	return ERR_OK;
}

enum err crypto_aead_open(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  void *data, size_t size, const uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	uint8_t iv[crypto_aead_aes256gcm_NPUBBYTES];

	set_nonce(iv, nonce);
	if (!crypto_aead_aes256gcm_decrypt_detached_afternm(data, NULL, data, size, tag, ad, ad_size,
							    iv, a->handle))
		return ERR_OK;
	channel_wipe(data, size);
	return err_set(err, ERR_TAMPERED, "a sealed record failed authentication");
}

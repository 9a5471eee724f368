// SPDX-License-Identifier: MIT
/* See channel/note.h. */
#include "channel/note.h"

#include "crypto.h"

_Static_assert((int)CHANNEL_NOTE_TAG_SIZE == (int)CHANNEL_TAG_SIZE, "the cipher's");

static enum err begin(const uint8_t secret[CHANNEL_NOTE_SECRET_SIZE], struct crypto_aead *ret,
		      struct err_ctx *err)
{
	static const char use[] = "scwatcher note";
	uint8_t key[CHANNEL_KEY_SIZE];
	enum err e;

	_Static_assert((int)CHANNEL_KEY_SIZE == (int)CHANNEL_HASH_SIZE, "a hash is a key");
	crypto_hash2(use, sizeof(use), secret, CHANNEL_NOTE_SECRET_SIZE, key);
	e = crypto_aead_init(ret, key, err);
	channel_wipe(key, sizeof(key));
	return e;
}

enum err channel_note_seal(const uint8_t secret[CHANNEL_NOTE_SECRET_SIZE], const void *about,
			   size_t about_size, void *data, size_t size,
			   uint8_t tag[CHANNEL_NOTE_TAG_SIZE], struct err_ctx *err)
{
	struct crypto_aead a;
	enum err e = begin(secret, &a, err);

	if (e)
		return e;
	e = crypto_aead_seal(&a, 0, about, about_size, data, data, size, tag, err);
	crypto_aead_deinit(&a);
	return e;
}

enum err channel_note_open(const uint8_t secret[CHANNEL_NOTE_SECRET_SIZE], const void *about,
			   size_t about_size, void *data, size_t size,
			   const uint8_t tag[CHANNEL_NOTE_TAG_SIZE], struct err_ctx *err)
{
	struct crypto_aead a;
	enum err e = begin(secret, &a, err);

	if (e)
		return e;
	e = crypto_aead_open(&a, 0, about, about_size, data, size, tag, err);
	crypto_aead_deinit(&a);
	return e;
}

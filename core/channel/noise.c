// SPDX-License-Identifier: MIT
/*
 * Noise_NK_25519_AESGCM_SHA256 (The Noise Protocol Framework, revision 34): the client knows the
 * device's static key and has none itself; who the client is, is shown afterwards by evidence bound
 * to the transcript hash.
 *
 *	<- s
 *	...
 *	-> e, es
 *	<- e, ee
 */
#include <string.h>

#include "crypto.h"

/* The protocol's name has fewer bytes than a hash: it is padded with zeros (Noise 5.2). */
static const char protocol_name[CHANNEL_HASH_SIZE] = "Noise_NK_25519_AESGCM_SHA256";
static const char prologue[] = "scwatcher memory device 1";

static void mix_hash(struct channel_handshake *h, const void *data, size_t size)
{
	crypto_hash2(h->hash, sizeof(h->hash), data, size, h->hash);
}

static enum err mix_dh(struct channel_handshake *h, const uint8_t secret[CHANNEL_KEY_SIZE],
		       const uint8_t public[CHANNEL_KEY_SIZE], struct err_ctx *err)
{
	uint8_t shared[CHANNEL_KEY_SIZE];
	enum err e = crypto_dh(secret, public, shared, err);

	if (!e)
		crypto_hkdf2(h->chain, shared, sizeof(shared), h->chain, h->key);
	h->nonce = 0;
	channel_wipe(shared, sizeof(shared));
	return e;
}

static void begin(struct channel_handshake *h, const uint8_t device_public[CHANNEL_KEY_SIZE])
{
	memset(h, 0, sizeof(*h));
	memcpy(h->hash, protocol_name, sizeof(h->hash));
	memcpy(h->chain, h->hash, sizeof(h->chain));
	mix_hash(h, prologue, sizeof(prologue) - 1);
	mix_hash(h, device_public, CHANNEL_KEY_SIZE);
}

/* EncryptAndHash: `out` takes the payload and the tag. */
static enum err encrypt_and_hash(struct channel_handshake *h, const void *payload, size_t size,
				 uint8_t *out, struct err_ctx *err)
{
	struct crypto_aead aead = {0};
	enum err e = crypto_aead_init(&aead, h->key, err);

	if (e)
		return e;
	e = crypto_aead_seal(&aead, h->nonce++, h->hash, sizeof(h->hash), payload, out, size,
			     out + size, err);
	crypto_aead_deinit(&aead);
	if (!e)
		mix_hash(h, out, size + CHANNEL_TAG_SIZE);
	return e;
}

/* DecryptAndHash of `size` bytes with their tag; `out` takes size - CHANNEL_TAG_SIZE. */
static enum err decrypt_and_hash(struct channel_handshake *h, const uint8_t *sealed, size_t size,
				 uint8_t *out, struct err_ctx *err)
{
	size_t plain = size - CHANNEL_TAG_SIZE;
	struct crypto_aead aead = {0};
	enum err e = crypto_aead_init(&aead, h->key, err);

	if (e)
		return e;
	memcpy(out, sealed, plain);
	e = crypto_aead_open(&aead, h->nonce++, h->hash, sizeof(h->hash), out, plain, sealed + plain,
			     err);
	crypto_aead_deinit(&aead);
	if (!e)
		mix_hash(h, sealed, size);
	return e;
}

static enum err room_for(size_t payload_size, size_t room, struct err_ctx *err)
{
	if (payload_size > CHANNEL_HELLO_PAYLOAD_MAX ||
	    room < payload_size + CHANNEL_HELLO_OVERHEAD)
		return err_set(err, ERR_INVAL, "no room for a handshake message of %zu bytes",
			       payload_size);
	return ERR_OK;
}

static enum err size_of_message(size_t size, struct err_ctx *err)
{
	if (size < CHANNEL_HELLO_OVERHEAD || size > CHANNEL_HELLO_MAX)
		return err_set(err, ERR_TAMPERED, "a handshake message of %zu bytes", size);
	return ERR_OK;
}

/* A failed handshake keeps nothing and can't be gone on with. */
static enum err fail(struct channel_handshake *h, enum err e)
{
	channel_handshake_deinit(h);
	h->state = CHANNEL_HS_FAILED;
	return e;
}

static void split(struct channel_handshake *h, struct channel_session *ret)
{
	crypto_hkdf2(h->chain, NULL, 0, ret->to_device, ret->to_client);
	memcpy(ret->transcript, h->hash, sizeof(h->hash));
	channel_handshake_deinit(h);
	h->state = CHANNEL_HS_DONE;
}

enum err channel_hello_write(struct channel_handshake *h, const struct channel_random *random,
			     const uint8_t device_public[CHANNEL_KEY_SIZE], const void *payload,
			     size_t payload_size, uint8_t *buf, size_t room, size_t *size_ret,
			     struct err_ctx *err)
{
	enum err e = room_for(payload_size, room, err);

	if (e)
		return e;
	begin(h, device_public);
	e = channel_key_pair_make(random, &h->ephemeral, err);
	if (e)
		return fail(h, e);
	memcpy(buf, h->ephemeral.public, CHANNEL_KEY_SIZE);
	mix_hash(h, h->ephemeral.public, CHANNEL_KEY_SIZE);
	e = mix_dh(h, h->ephemeral.secret, device_public, err);
	if (!e)
		e = encrypt_and_hash(h, payload, payload_size, buf + CHANNEL_KEY_SIZE, err);
	if (e)
		return fail(h, e);
	h->state = CHANNEL_HS_HELLO_SENT;
	*size_ret = payload_size + CHANNEL_HELLO_OVERHEAD;
	return ERR_OK;
}

enum err channel_hello_read(struct channel_handshake *h, const struct channel_key_pair *device,
			    const uint8_t *hello, size_t size,
			    uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX], size_t *payload_size_ret,
			    struct err_ctx *err)
{
	enum err e;

	begin(h, device->public);
	e = size_of_message(size, err);
	if (e)
		return fail(h, e);
	memcpy(h->remote, hello, CHANNEL_KEY_SIZE);
	mix_hash(h, h->remote, CHANNEL_KEY_SIZE);
	e = mix_dh(h, device->secret, h->remote, err);
	if (!e)
		e = decrypt_and_hash(h, hello + CHANNEL_KEY_SIZE, size - CHANNEL_KEY_SIZE, payload,
				     err);
	if (e)
		return fail(h, e);
	h->state = CHANNEL_HS_HELLO_READ;
	*payload_size_ret = size - CHANNEL_HELLO_OVERHEAD;
	return ERR_OK;
}

enum err channel_answer_write(struct channel_handshake *h, struct channel_key_pair *ephemeral,
			      const void *payload, size_t payload_size, uint8_t *buf, size_t room,
			      size_t *size_ret, struct channel_session *ret, struct err_ctx *err)
{
	enum err e = room_for(payload_size, room, err);

	if (e)
		return e;
	if (h->state != CHANNEL_HS_HELLO_READ)
		return err_set(err, ERR_INVAL, "no hello to answer");
	h->ephemeral = *ephemeral;
	channel_wipe(ephemeral, sizeof(*ephemeral));
	memcpy(buf, h->ephemeral.public, CHANNEL_KEY_SIZE);
	mix_hash(h, h->ephemeral.public, CHANNEL_KEY_SIZE);
	e = mix_dh(h, h->ephemeral.secret, h->remote, err);
	if (!e)
		e = encrypt_and_hash(h, payload, payload_size, buf + CHANNEL_KEY_SIZE, err);
	if (e)
		return fail(h, e);
	split(h, ret);
	*size_ret = payload_size + CHANNEL_HELLO_OVERHEAD;
	return ERR_OK;
}

enum err channel_answer_read(struct channel_handshake *h, const uint8_t *answer, size_t size,
			     uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX], size_t *payload_size_ret,
			     struct channel_session *ret, struct err_ctx *err)
{
	enum err e = size_of_message(size, err);

	if (h->state != CHANNEL_HS_HELLO_SENT)
		return err_set(err, ERR_INVAL, "no hello was sent");
	if (e)
		return fail(h, e);
	memcpy(h->remote, answer, CHANNEL_KEY_SIZE);
	mix_hash(h, h->remote, CHANNEL_KEY_SIZE);
	e = mix_dh(h, h->ephemeral.secret, h->remote, err);
	if (!e)
		e = decrypt_and_hash(h, answer + CHANNEL_KEY_SIZE, size - CHANNEL_KEY_SIZE, payload,
				     err);
	if (e)
		return fail(h, e);
	split(h, ret);
	*payload_size_ret = size - CHANNEL_HELLO_OVERHEAD;
	return ERR_OK;
}

void channel_handshake_deinit(struct channel_handshake *h)
{
	channel_wipe(h, sizeof(*h));
}

void channel_session_wipe(struct channel_session *s)
{
	channel_wipe(s, sizeof(*s));
}

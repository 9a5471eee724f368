// SPDX-License-Identifier: MIT
/* See channel/output.h. */
#include "channel/output.h"

#include <sodium.h>
#include <string.h>

#include "base/cursor.h"
#include "bytes.h"
#include "crypto.h"

_Static_assert(CHANNEL_OUTPUT_BOX_SIZE == CHANNEL_KEY_SIZE + crypto_box_SEALBYTES, "box");
_Static_assert(CHANNEL_OUTPUT_START_SIZE == crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	       "start of a stream");
_Static_assert(CHANNEL_OUTPUT_SEAL_SIZE == crypto_secretstream_xchacha20poly1305_ABYTES, "frame");
_Static_assert(sizeof(crypto_secretstream_xchacha20poly1305_state) <=
		       sizeof(((struct channel_output_stream *)0)->state),
	       "state");
_Static_assert(crypto_kdf_KEYBYTES == CHANNEL_KEY_SIZE &&
		       crypto_secretstream_xchacha20poly1305_KEYBYTES == CHANNEL_KEY_SIZE,
	       "keys");

static crypto_secretstream_xchacha20poly1305_state *state_of(struct channel_output_stream *s)
{
	return (crypto_secretstream_xchacha20poly1305_state *)s->state;
}

/* Both keys are in it: the owner's, and by way of the box the sender's for this run. */
static void hash_of(const uint8_t owner[CHANNEL_KEY_SIZE],
		    const uint8_t box[CHANNEL_OUTPUT_BOX_SIZE], uint8_t ret[CHANNEL_HASH_SIZE])
{
	uint8_t both[CHANNEL_KEY_SIZE + CHANNEL_OUTPUT_BOX_SIZE];

	memcpy(both, owner, CHANNEL_KEY_SIZE);
	memcpy(both + CHANNEL_KEY_SIZE, box, CHANNEL_OUTPUT_BOX_SIZE);
	crypto_hash2(CHANNEL_OUTPUT_CONTEXT, sizeof(CHANNEL_OUTPUT_CONTEXT) - 1, both, sizeof(both),
		     ret);
}

static void stream_key(const uint8_t key[CHANNEL_KEY_SIZE], uint32_t stream,
		       uint8_t ret[CHANNEL_KEY_SIZE])
{
	crypto_kdf_derive_from_key(ret, CHANNEL_KEY_SIZE, stream, "SCWoutpt", key);
}

enum err channel_output_make(const uint8_t owner[CHANNEL_KEY_SIZE], struct channel_output *ret,
			     struct err_ctx *err)
{
	struct channel_output o;

	randombytes_buf(o.key, sizeof(o.key));
	if (crypto_box_seal(o.box, o.key, sizeof(o.key), owner)) {
		channel_wipe(&o, sizeof(o));
		return err_set(err, ERR_INVAL, "not a key that output can be sealed for");
	}
	hash_of(owner, o.box, o.hash);
	*ret = o;
	channel_wipe(&o, sizeof(o));
	return ERR_OK;
}

enum err channel_output_begin(const struct channel_output *o, uint32_t stream,
			      uint32_t evidence_size, uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE],
			      uint8_t start[CHANNEL_OUTPUT_START_SIZE],
			      struct channel_output_stream *ret, struct err_ctx *err)
{
	uint8_t key[CHANNEL_KEY_SIZE], *p = head;

	if (!stream || stream > CHANNEL_OUTPUT_STREAMS || evidence_size > CHANNEL_EVIDENCE_MAX)
		return err_set(err, ERR_INVAL, "no stream of output has number %u", stream);
	memcpy(p, CHANNEL_OUTPUT_MAGIC, 8);
	p = put32(p + 8, stream);
	p = put32(p, evidence_size);
	memcpy(p, o->box, sizeof(o->box));
	stream_key(o->key, stream, key);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->hash, o->hash, sizeof(ret->hash));
	crypto_secretstream_xchacha20poly1305_init_push(state_of(ret), start, key);
	channel_wipe(key, sizeof(key));
	return ERR_OK;
}

size_t channel_output_seal(struct channel_output_stream *s, bool last, const void *plain,
			   size_t size, uint8_t frame[CHANNEL_OUTPUT_FRAME_MAX])
{
	if (s->ended || size > CHANNEL_OUTPUT_PLAIN_MAX)
		return 0;
	s->ended = last;
	put32(frame, (uint32_t)(size + CHANNEL_OUTPUT_SEAL_SIZE));
	crypto_secretstream_xchacha20poly1305_push(
		state_of(s), frame + 4, NULL, plain, size, s->hash, sizeof(s->hash),
		last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL
		     : crypto_secretstream_xchacha20poly1305_TAG_MESSAGE);
	return 4 + size + CHANNEL_OUTPUT_SEAL_SIZE;
}

enum err channel_output_head_decode(const uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE],
				    struct channel_output_head *ret, struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(head, CHANNEL_OUTPUT_HEAD_SIZE);
	struct channel_output_head h;

	if (memcmp(base_cursor_bytes(&c, 8), CHANNEL_OUTPUT_MAGIC, 8) != 0)
		return err_set(err, ERR_CORRUPT, "not a stream of sealed output");
	h.stream = base_cursor_u32(&c);
	h.evidence_size = base_cursor_u32(&c);
	memcpy(h.box, base_cursor_bytes(&c, sizeof(h.box)), sizeof(h.box));
	if (!h.stream || h.stream > CHANNEL_OUTPUT_STREAMS ||
	    h.evidence_size > CHANNEL_EVIDENCE_MAX)
		return err_set(err, ERR_CORRUPT, "a stream of sealed output with a damaged head");
	*ret = h;
	return ERR_OK;
}

enum err channel_output_unlock(const struct channel_output_head *head,
			       const struct channel_key_pair *owner,
			       const uint8_t start[CHANNEL_OUTPUT_START_SIZE],
			       struct channel_output_stream *ret,
			       uint8_t hash_ret[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	uint8_t key[CHANNEL_KEY_SIZE];
	int bad;

	if (crypto_box_seal_open(key, head->box, sizeof(head->box), owner->public, owner->secret))
		return err_set(err, ERR_TAMPERED,
			       "the stream isn't for this key, or its head was altered");
	hash_of(owner->public, head->box, hash_ret);
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->hash, hash_ret, sizeof(ret->hash));
	stream_key(key, head->stream, key);
	bad = crypto_secretstream_xchacha20poly1305_init_pull(state_of(ret), start, key);
	channel_wipe(key, sizeof(key));
	return bad ? err_set(err, ERR_TAMPERED, "the stream's start was altered") : ERR_OK;
}

enum err channel_output_open(struct channel_output_stream *s, const void *sealed, size_t size,
			     uint8_t plain[CHANNEL_OUTPUT_PLAIN_MAX], size_t *size_ret,
			     bool *last_ret, struct err_ctx *err)
{
	unsigned long long got;
	unsigned char tag;

	if (s->ended)
		return err_set(err, ERR_TAMPERED, "something follows the end of the stream");
	if (size < CHANNEL_OUTPUT_SEAL_SIZE || size > CHANNEL_OUTPUT_SEALED_MAX)
		return err_set(err, ERR_TAMPERED, "a frame of %zu bytes", size);
	if (crypto_secretstream_xchacha20poly1305_pull(state_of(s), plain, &got, &tag, sealed, size,
						       s->hash, sizeof(s->hash)))
		return err_set(err, ERR_TAMPERED,
			       "the stream was altered, or parts of it are missing or out of order");
	s->ended = tag == crypto_secretstream_xchacha20poly1305_TAG_FINAL;
	*size_ret = (size_t)got;
	*last_ret = s->ended;
	return ERR_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * Output that only its owner can read: a stream that an enclave writes and `scwatcher open` prints. The key of it
 * goes to the owner in a sealed box (libsodium's crypto_box_seal: X25519, XSalsa20-Poly1305), the text in frames
 * (crypto_secretstream_xchacha20poly1305) of which the last one is marked, so that nothing can be altered,
 * repeated, left out or cut off unnoticed.
 *
 * Who wrote it, a sealed box doesn't say: anybody can make one. Hence the head has room for evidence
 * (channel/evidence.h) over channel_output_hash().
 */
#ifndef SCW_CHANNEL_OUTPUT_H
#define SCW_CHANNEL_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/channel.h"
#include "channel/evidence.h"

#define CHANNEL_OUTPUT_MAGIC   "SCWout1\n"
#define CHANNEL_OUTPUT_CONTEXT "scwatcher output 1"

enum {
	CHANNEL_OUTPUT_STREAMS = 2, /* 1: standard output, 2: standard error */
	CHANNEL_OUTPUT_BOX_SIZE = 32 + 48,
	/* magic, stream (32 bits), bytes of evidence (32 bits; may be 0), box; then evidence, then: */
	CHANNEL_OUTPUT_HEAD_SIZE = 8 + 4 + 4 + CHANNEL_OUTPUT_BOX_SIZE,
	CHANNEL_OUTPUT_START_SIZE = 24,
	/* a frame: 32 bits of size, and so many bytes */
	CHANNEL_OUTPUT_PLAIN_MAX = 1 << 14,
	CHANNEL_OUTPUT_SEAL_SIZE = 17,
	CHANNEL_OUTPUT_SEALED_MAX = CHANNEL_OUTPUT_PLAIN_MAX + CHANNEL_OUTPUT_SEAL_SIZE,
	CHANNEL_OUTPUT_FRAME_MAX = 4 + CHANNEL_OUTPUT_SEALED_MAX,
};

/* One run's: the same box in both streams. Holds secrets. */
struct channel_output {
	uint8_t key[CHANNEL_KEY_SIZE];
	uint8_t box[CHANNEL_OUTPUT_BOX_SIZE];
	uint8_t hash[CHANNEL_HASH_SIZE]; /* what evidence is made over */
};

/* One stream of it, in one direction. Holds secrets; opaque. */
struct channel_output_stream {
	_Alignas(16) uint8_t state[64];
	uint8_t hash[CHANNEL_HASH_SIZE];
	bool ended;
};

/* ---- writing. Randomness is libsodium's. ---- */

/* For the owner of this public key (X25519). ERR_INVAL for a key that is none. */
enum err channel_output_make(const uint8_t owner[CHANNEL_KEY_SIZE], struct channel_output *ret,
			     struct err_ctx *err) ERR_NODISCARD;

/* The head of stream 1 or 2, to write before and after the evidence. */
enum err channel_output_begin(const struct channel_output *o, uint32_t stream,
			      uint32_t evidence_size, uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE],
			      uint8_t start[CHANNEL_OUTPUT_START_SIZE],
			      struct channel_output_stream *ret, struct err_ctx *err) ERR_NODISCARD;

/* A frame of at most CHANNEL_OUTPUT_PLAIN_MAX bytes; its size. After `last` nothing follows: 0. */
size_t channel_output_seal(struct channel_output_stream *s, bool last, const void *plain,
			   size_t size, uint8_t frame[CHANNEL_OUTPUT_FRAME_MAX]);

/* ---- reading ---- */

struct channel_output_head {
	uint32_t stream;
	uint32_t evidence_size; /* at most CHANNEL_EVIDENCE_MAX */
	uint8_t box[CHANNEL_OUTPUT_BOX_SIZE];
};
/* ERR_CORRUPT. */
enum err channel_output_head_decode(const uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE],
				    struct channel_output_head *ret,
				    struct err_ctx *err) ERR_NODISCARD;

/*
 * With the owner's key: ERR_TAMPERED when the box isn't for it, or was altered. `hash_ret` is what evidence has to
 * be over.
 */
enum err channel_output_unlock(const struct channel_output_head *head,
			       const struct channel_key_pair *owner,
			       const uint8_t start[CHANNEL_OUTPUT_START_SIZE],
			       struct channel_output_stream *ret,
			       uint8_t hash_ret[CHANNEL_HASH_SIZE],
			       struct err_ctx *err) ERR_NODISCARD;

/*
 * Open what follows a frame's size. ERR_TAMPERED unless it is the next frame, unaltered. Nothing may follow
 * once *last_ret.
 */
enum err channel_output_open(struct channel_output_stream *s, const void *sealed, size_t size,
			     uint8_t plain[CHANNEL_OUTPUT_PLAIN_MAX], size_t *size_ret,
			     bool *last_ret, struct err_ctx *err) ERR_NODISCARD;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The wire, in one place: what crosses between the memory device and its client. Little-endian,
 * no padding, lengths computed from each other, limits beside them. docs/PROTOCOL.md is the prose.
 */
#ifndef SCW_CHANNEL_WIRE_H
#define SCW_CHANNEL_WIRE_H

#include <stdint.h>

enum {
	CHANNEL_VERSION = 4,
	CHANNEL_KEY_SIZE = 32,	/* AES-256 and X25519 */
	CHANNEL_TAG_SIZE = 16,	/* GCM */
	CHANNEL_HASH_SIZE = 32, /* SHA-256 */

	/* Noise_NK: -> e, es, payload; <- e, ee, payload (Noise revision 34, 7.4) */
	CHANNEL_HELLO_OVERHEAD = CHANNEL_KEY_SIZE + CHANNEL_TAG_SIZE,
	CHANNEL_HELLO_PAYLOAD_MAX = 512,
	CHANNEL_HELLO_MAX = CHANNEL_HELLO_OVERHEAD + CHANNEL_HELLO_PAYLOAD_MAX,

	CHANNEL_PLAIN_MAX = 1 << 18, /* bytes sealed in one record */
};

/* Which way a record goes; each has its own key. */
enum channel_direction {
	CHANNEL_TO_DEVICE = 1,
	CHANNEL_TO_CLIENT = 2,
};

/*
 * Before each sealed record, in the clear and authenticated. `size` counts what follows the
 * header: ciphertext and tag. `sequence` is the nonce: it never repeats in a direction of a session.
 */
struct channel_header {
	uint32_t size;
	uint16_t type;
	uint16_t direction;
	uint64_t session;
	uint64_t sequence;
};
_Static_assert(sizeof(struct channel_header) == 24, "wire format");

/*
 * What a record is about, authenticated but not sent: both sides know it. In the pread carrier the
 * answer to one address thus can't stand for another, nor one of an earlier epoch for one of now
 * (the client draws each epoch's number at random); records whose addresses are sealed inside
 * leave it zero.
 */
struct channel_bound {
	uint64_t space;
	uint64_t address;
	uint64_t length;
	uint64_t epoch;
};
_Static_assert(sizeof(struct channel_bound) == 32, "wire format");

enum {
	CHANNEL_HEADER_SIZE = sizeof(struct channel_header),
	CHANNEL_OVERHEAD = CHANNEL_HEADER_SIZE + CHANNEL_TAG_SIZE,
	CHANNEL_RECORD_MAX = CHANNEL_OVERHEAD + CHANNEL_PLAIN_MAX,

	/* Keys are replaced every 2^20 records of a direction, far below GCM's limits (SP 800-38D). */
	CHANNEL_REKEY_SHIFT = 20,

	/* How far behind the newest a record may arrive in the unordered mode. */
	CHANNEL_WINDOW = 1024,
};

/* The last sequence number that is used; after it the session ends (never reached in practice). */
#define CHANNEL_SEQUENCE_MAX ((uint64_t)1 << 60)

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The sealed channel without its carriers: bytes in, bytes out. A handshake (Noise_NK over X25519,
 * AES-256-GCM and SHA-256) gives both sides a pair of keys and a hash that names the transcript;
 * records are then sealed and opened with session, direction, sequence number and what they are
 * about bound in. Cryptography is libgcrypt's and libsodium's; randomness is the caller's (an enclave has its own).
 *
 * Records are opened in *private* memory: copy them out of anything that the host can write before,
 * because GCM reads the ciphertext twice.
 */
#ifndef SCW_CHANNEL_CHANNEL_H
#define SCW_CHANNEL_CHANNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/wire.h"

/*
 * Set up the cryptographic library of this process: once, before threads, by the main program.
 * ERR_UNSUPPORTED when the library at hand is older than the one compiled against.
 */
enum err channel_library_init(struct err_ctx *err) ERR_NODISCARD;

/* Fills `buf` with `size` unpredictable bytes; false when it can't. */
struct channel_random {
	bool (*fill)(void *ctx, void *buf, size_t size);
	void *ctx;
};

/* Overwrite a secret so that the compiler can't leave it out. */
void channel_wipe(void *secret, size_t size);

/* A key pair for X25519 (RFC 7748). The secret is clamped. Wipe it after use. */
struct channel_key_pair {
	uint8_t secret[CHANNEL_KEY_SIZE];
	uint8_t public[CHANNEL_KEY_SIZE];
};
enum err channel_key_pair_make(const struct channel_random *random, struct channel_key_pair *ret,
			       struct err_ctx *err) ERR_NODISCARD;
/* The pair that belongs to a stored secret. */
enum err channel_key_pair_from_secret(const uint8_t secret[CHANNEL_KEY_SIZE],
				      struct channel_key_pair *ret,
				      struct err_ctx *err) ERR_NODISCARD;

/* ---- handshake ---- */

/* What both sides hold after it. Wipe with channel_session_wipe(). */
struct channel_session {
	uint8_t to_device[CHANNEL_KEY_SIZE];
	uint8_t to_client[CHANNEL_KEY_SIZE];
	/* Names this very handshake: what client evidence is bound to (Noise 11.2). */
	uint8_t transcript[CHANNEL_HASH_SIZE];
};
void channel_session_wipe(struct channel_session *s);

/* One handshake in progress, on either side; caller's storage, opaque. */
struct channel_handshake {
	enum {
		CHANNEL_HS_UNUSED,
		CHANNEL_HS_HELLO_SENT,	 /* client, waits for the answer */
		CHANNEL_HS_HELLO_READ,	 /* device, owes the answer */
		CHANNEL_HS_DONE,
		CHANNEL_HS_FAILED,
	} state;
	uint8_t hash[CHANNEL_HASH_SIZE];
	uint8_t chain[CHANNEL_HASH_SIZE];
	uint8_t key[CHANNEL_KEY_SIZE];
	uint64_t nonce;
	struct channel_key_pair ephemeral;
	uint8_t remote[CHANNEL_KEY_SIZE];
};

/*
 * Client: begin with the device whose public key is pinned, and write the hello with `payload` (at
 * most CHANNEL_HELLO_PAYLOAD_MAX bytes; encrypted to the device, but a recording of it could be replayed
 * to the device: it must not cause anything). Needs CHANNEL_HELLO_OVERHEAD more bytes of room.
 */
enum err channel_hello_write(struct channel_handshake *h, const struct channel_random *random,
			     const uint8_t device_public[CHANNEL_KEY_SIZE], const void *payload,
			     size_t payload_size, uint8_t *buf, size_t room, size_t *size_ret,
			     struct err_ctx *err) ERR_NODISCARD;

/* Device: read a hello. ERR_TAMPERED when it isn't for this key or was altered. */
enum err channel_hello_read(struct channel_handshake *h, const struct channel_key_pair *device,
			    const uint8_t *hello, size_t size,
			    uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX], size_t *payload_size_ret,
			    struct err_ctx *err) ERR_NODISCARD;

/*
 * Device: write the answer; `ret` then holds the session's keys. Ends the handshake. `ephemeral` is a fresh key pair of
 * channel_key_pair_make(), used up and wiped here.
 */
enum err channel_answer_write(struct channel_handshake *h, struct channel_key_pair *ephemeral,
			      const void *payload, size_t payload_size, uint8_t *buf, size_t room,
			      size_t *size_ret, struct channel_session *ret,
			      struct err_ctx *err) ERR_NODISCARD;

/* Client: read the answer; `ret` then holds the session's keys. Ends the handshake. */
enum err channel_answer_read(struct channel_handshake *h, const uint8_t *answer, size_t size,
			     uint8_t payload[CHANNEL_HELLO_PAYLOAD_MAX], size_t *payload_size_ret,
			     struct channel_session *ret, struct err_ctx *err) ERR_NODISCARD;

/* Wipe what an unfinished handshake holds; safe on a zeroed one. */
void channel_handshake_deinit(struct channel_handshake *h);

/* ---- records ---- */

struct channel_sealer; /* one direction, sending */
struct channel_opener; /* the same direction, receiving */

enum channel_order {
	CHANNEL_IN_ORDER,  /* each record is the next one: the ring */
	CHANNEL_UNORDERED, /* any order within CHANNEL_WINDOW, each once: pread from many threads */
};

enum err channel_sealer_create(struct base_alloc *alloc, const uint8_t key[CHANNEL_KEY_SIZE],
			       uint64_t session, enum channel_direction direction,
			       struct channel_sealer **ret, struct err_ctx *err) ERR_NODISCARD;
void channel_sealer_destroy(struct channel_sealer *s);

enum err channel_opener_create(struct base_alloc *alloc, const uint8_t key[CHANNEL_KEY_SIZE],
			       uint64_t session, enum channel_direction direction,
			       enum channel_order order, struct channel_opener **ret,
			       struct err_ctx *err) ERR_NODISCARD;
void channel_opener_destroy(struct channel_opener *o);

/*
 * Where one direction of a session stands, for another process of ours that goes on with it: wipe it after use.
 * Whoever gives a position away must not seal or open anything more, or nonces would repeat.
 */
struct channel_position {
	uint8_t key[CHANNEL_KEY_SIZE];
	uint64_t session;
	uint64_t next; /* sequence number of the next record */
};
void channel_sealer_position(const struct channel_sealer *s, struct channel_position *ret);
enum err channel_sealer_resume(struct base_alloc *alloc, const struct channel_position *p,
			       enum channel_direction direction, struct channel_sealer **ret,
			       struct err_ctx *err) ERR_NODISCARD;
/* Of an opener of records that come in order. */
void channel_opener_position(const struct channel_opener *o, struct channel_position *ret);
enum err channel_opener_resume(struct base_alloc *alloc, const struct channel_position *p,
			       enum channel_direction direction, struct channel_opener **ret,
			       struct err_ctx *err) ERR_NODISCARD;

/*
 * Seal `size` bytes of `plain` into `record`, which has `room` bytes: size + CHANNEL_OVERHEAD are
 * needed, in private memory that `plain` isn't part of. `bound` may be NULL (zeros).
 */
enum err channel_seal(struct channel_sealer *s, uint16_t type, const struct channel_bound *bound,
		      const void *plain, size_t size, void *record, size_t room, size_t *size_ret,
		      struct err_ctx *err) ERR_NODISCARD;

/*
 * Check and open one record of exactly `size` bytes in private memory, in place: *plain_ret points
 * into `record`. ERR_TAMPERED for everything that isn't an unaltered record of this session and
 * direction, about `bound`, seen for the first time (and the next one, if in order); nothing of it
 * is given out then, and what was opened before stays valid.
 */
enum err channel_open(struct channel_opener *o, void *record, size_t size,
		      const struct channel_bound *bound, uint16_t *type_ret, const void **plain_ret,
		      size_t *plain_size_ret, struct err_ctx *err) ERR_NODISCARD;

/* Seal and open calls so far: what --stats shows as cipher calls. */
uint64_t channel_sealer_count(const struct channel_sealer *s);
uint64_t channel_opener_count(const struct channel_opener *o);

#endif

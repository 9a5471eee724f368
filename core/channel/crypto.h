/* SPDX-License-Identifier: MIT */
/* The primitives that handshake and records are made of. */
#ifndef SCW_CHANNEL_CRYPTO_H
#define SCW_CHANNEL_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "channel/channel.h"

/* The back end's part of channel_library_init(). */
enum err crypto_library_init(struct err_ctx *err) ERR_NODISCARD;

/* AES-256-GCM with the nonce of Noise: four zero bytes, then the number big-endian. */
struct crypto_aead {
	void *handle;
};
enum err crypto_aead_init(struct crypto_aead *a, const uint8_t key[CHANNEL_KEY_SIZE],
			  struct err_ctx *err) ERR_NODISCARD;
void crypto_aead_deinit(struct crypto_aead *a);
/* `plain` to `data`, which is the same or apart from it; the tag goes to `tag`. */
enum err crypto_aead_seal(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  const void *plain, void *data, size_t size, uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err) ERR_NODISCARD;
/* In place; ERR_TAMPERED when the tag doesn't fit, and `data` is wiped then. */
enum err crypto_aead_open(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  void *data, size_t size, const uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err) ERR_NODISCARD;

/* hash = SHA-256(a || b) */
void crypto_hash2(const void *a, size_t a_size, const void *b, size_t b_size,
		  uint8_t hash[CHANNEL_HASH_SIZE]);

/* HMAC-SHA-256 of a || b */
void crypto_hmac2(const uint8_t key[CHANNEL_HASH_SIZE], const void *a, size_t a_size, const void *b,
		  size_t b_size, uint8_t ret[CHANNEL_HASH_SIZE]);

/* Noise's HKDF with two outputs (revision 34, 4.3); each may alias `chain`. */
void crypto_hkdf2(const uint8_t chain[CHANNEL_HASH_SIZE], const void *input, size_t size,
		  uint8_t out1[CHANNEL_HASH_SIZE], uint8_t out2[CHANNEL_HASH_SIZE]);

/*
 * X25519. ERR_TAMPERED when the result is all zeros, which only a public key of small order gives
 * (RFC 7748, 6.1).
 */
enum err crypto_dh(const uint8_t secret[CHANNEL_KEY_SIZE], const uint8_t public[CHANNEL_KEY_SIZE],
		   uint8_t ret[CHANNEL_KEY_SIZE], struct err_ctx *err) ERR_NODISCARD;

/* Ed25519 (RFC 8032): the public key of a seed, a signature, its check (ERR_TAMPERED). */
enum err crypto_ed25519_public(const uint8_t seed[32], uint8_t public[32],
			    struct err_ctx *err) ERR_NODISCARD;
enum err crypto_ed25519_sign(const uint8_t seed[32], const uint8_t public[32], const void *data, size_t size,
		     uint8_t signature[64], struct err_ctx *err) ERR_NODISCARD;
enum err crypto_ed25519_check(const uint8_t public[32], const void *data, size_t size,
		       const uint8_t signature[64], struct err_ctx *err) ERR_NODISCARD;

#endif

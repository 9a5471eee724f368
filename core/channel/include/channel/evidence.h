/* SPDX-License-Identifier: MIT */
/*
 * Who the client is (plaintext of CHANNEL_EVIDENCE): an identity and its proof, which is bound to
 * the handshake's transcript, so that it is worth nothing in another session. The device judges it.
 */
#ifndef SCW_CHANNEL_EVIDENCE_H
#define SCW_CHANNEL_EVIDENCE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/channel.h"

enum channel_evidence_type {
	/*
	 * A key that anybody can make and copy: it proves nothing about the program that holds it.
	 * Identity: an Ed25519 public key (32 bytes). Proof: its signature (RFC 8032, 64 bytes) of
	 * CHANNEL_EVIDENCE_CONTEXT, without its NUL, followed by the transcript hash.
	 */
	CHANNEL_EVIDENCE_DEVELOPMENT = 1,
	/*
	 * An enclave of the emulation, whose keys everybody knows: it proves nothing either. Identity:
	 * struct channel_enclave as bytes. Proof: a REPORT (432 bytes) for a TARGETINFO of zeros, its
	 * report data channel_report_data().
	 */
	CHANNEL_EVIDENCE_EMULATED = 2,
	/* An enclave on hardware. Identity as above. Proof: an ECDSA quote with the same report data. */
	CHANNEL_EVIDENCE_DCAP = 3,
};

#define CHANNEL_EVIDENCE_CONTEXT "scwatcher evidence 1"
#define CHANNEL_ENCLAVE_CONTEXT	 "scwatcher enclave 1"

enum {
	CHANNEL_EVIDENCE_HEADER_SIZE = 3 * 4,
	CHANNEL_IDENTITY_MAX = 1 << 10, /* bytes of an identity */
	CHANNEL_PROOF_MAX = 1 << 15,	/* of a proof: room for an enclave's quote */
	CHANNEL_EVIDENCE_MAX = CHANNEL_EVIDENCE_HEADER_SIZE + CHANNEL_IDENTITY_MAX +
			       CHANNEL_PROOF_MAX,

	CHANNEL_SIGNING_KEY_SIZE = 32, /* Ed25519: the seed, and the public key */
	CHANNEL_SIGNATURE_SIZE = 64,

	CHANNEL_MEASUREMENT_SIZE = 32,
	CHANNEL_ENCLAVE_SIZE = 2 * CHANNEL_MEASUREMENT_SIZE + 2 * 2,
	CHANNEL_REPORT_DATA_SIZE = 64,
};

/* The type may be one that the reader doesn't know. Identity and proof are borrowed. */
struct channel_evidence {
	uint32_t type;
	const void *identity;
	size_t identity_size;
	const void *proof;
	size_t proof_size;
};

/* ERR_INVAL for what doesn't fit the limits or `room`. */
enum err channel_evidence_encode(const struct channel_evidence *e, void *buf, size_t room,
				 size_t *size_ret, struct err_ctx *err) ERR_NODISCARD;
/* *ret points into `bytes`. ERR_CORRUPT for anything but exactly one. */
enum err channel_evidence_decode(const void *bytes, size_t size, struct channel_evidence *ret,
				 struct err_ctx *err) ERR_NODISCARD;

/* Which enclave it is (SDM volume 3D, REPORT): what a policy chooses by. On the wire in this order. */
struct channel_enclave {
	uint8_t mrenclave[CHANNEL_MEASUREMENT_SIZE];
	uint8_t mrsigner[CHANNEL_MEASUREMENT_SIZE];
	uint16_t product;
	uint16_t version; /* ISVSVN */
};
void channel_enclave_encode(const struct channel_enclave *e, uint8_t buf[CHANNEL_ENCLAVE_SIZE]);
/* ERR_CORRUPT unless `size` is CHANNEL_ENCLAVE_SIZE. */
enum err channel_enclave_decode(const void *bytes, size_t size, struct channel_enclave *ret,
				struct err_ctx *err) ERR_NODISCARD;

/*
 * What an enclave has put into its report to bind it to a session, the key that it made for it
 * included: SHA-256 of CHANNEL_ENCLAVE_CONTEXT, without its NUL, and the transcript hash; then zeros.
 */
void channel_report_data(const uint8_t transcript[CHANNEL_HASH_SIZE],
			 uint8_t ret[CHANNEL_REPORT_DATA_SIZE]);

/* A development key: the seed is the secret. Wipe it after use. */
struct channel_signing_key {
	uint8_t seed[CHANNEL_SIGNING_KEY_SIZE];
	uint8_t public[CHANNEL_SIGNING_KEY_SIZE];
};
enum err channel_signing_key_from_seed(const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE],
				       struct channel_signing_key *ret,
				       struct err_ctx *err) ERR_NODISCARD;

/* Proof of CHANNEL_EVIDENCE_DEVELOPMENT for a session with this transcript. */
enum err channel_development_prove(const struct channel_signing_key *key,
				   const uint8_t transcript[CHANNEL_HASH_SIZE],
				   uint8_t proof[CHANNEL_SIGNATURE_SIZE],
				   struct err_ctx *err) ERR_NODISCARD;
/* ERR_TAMPERED unless `e` is well-formed evidence of that type, proved for this transcript. */
enum err channel_development_check(const struct channel_evidence *e,
				   const uint8_t transcript[CHANNEL_HASH_SIZE],
				   struct err_ctx *err) ERR_NODISCARD;

#endif

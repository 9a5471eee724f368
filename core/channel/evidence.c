// SPDX-License-Identifier: MIT
/* Evidence as bytes, the one kind of it that needs no enclave, and what enclaves say of themselves. */
#include "channel/evidence.h"

#include <string.h>

#include "base/cursor.h"
#include "bytes.h"
#include "crypto.h"

enum {
	CONTEXT_SIZE = sizeof(CHANNEL_EVIDENCE_CONTEXT) - 1,
	STATEMENT_SIZE = CONTEXT_SIZE + CHANNEL_HASH_SIZE,
};

static bool sizes_fit(size_t identity, size_t proof)
{
	return identity && identity <= CHANNEL_IDENTITY_MAX && proof && proof <= CHANNEL_PROOF_MAX;
}

enum err channel_evidence_encode(const struct channel_evidence *e, void *buf, size_t room,
				 size_t *size_ret, struct err_ctx *err)
{
	uint8_t *p = buf;

	if (!sizes_fit(e->identity_size, e->proof_size) ||
	    room < CHANNEL_EVIDENCE_HEADER_SIZE + e->identity_size + e->proof_size)
		return err_set(err, ERR_INVAL, "no room for evidence of %zu and %zu bytes",
			       e->identity_size, e->proof_size);
	p = put32(p, e->type);
	p = put32(p, (uint32_t)e->identity_size);
	p = put32(p, (uint32_t)e->proof_size);
	memcpy(p, e->identity, e->identity_size);
	memcpy(p + e->identity_size, e->proof, e->proof_size);
	*size_ret = CHANNEL_EVIDENCE_HEADER_SIZE + e->identity_size + e->proof_size;
	return ERR_OK;
}

enum err channel_evidence_decode(const void *bytes, size_t size, struct channel_evidence *ret,
				 struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_evidence e = {.type = base_cursor_u32(&c)};

	e.identity_size = base_cursor_u32(&c);
	e.proof_size = base_cursor_u32(&c);
	if (!base_cursor_ok(&c) || !sizes_fit(e.identity_size, e.proof_size) ||
	    base_cursor_left(&c) != e.identity_size + e.proof_size)
		return err_set(err, ERR_CORRUPT, "evidence of %zu bytes isn't well-formed", size);
	e.identity = base_cursor_bytes(&c, e.identity_size);
	e.proof = base_cursor_bytes(&c, e.proof_size);
	*ret = e;
	return ERR_OK;
}

static void make_statement(const uint8_t transcript[CHANNEL_HASH_SIZE], uint8_t ret[STATEMENT_SIZE])
{
	memcpy(ret, CHANNEL_EVIDENCE_CONTEXT, CONTEXT_SIZE);
	memcpy(ret + CONTEXT_SIZE, transcript, CHANNEL_HASH_SIZE);
}

enum err channel_signing_key_from_seed(const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE],
				       struct channel_signing_key *ret, struct err_ctx *err)
{
	struct channel_signing_key key;
	enum err e = crypto_ed25519_public(seed, key.public, err);

	memcpy(key.seed, seed, sizeof(key.seed));
	if (!e)
		*ret = key;
	channel_wipe(&key, sizeof(key));
	return e;
}

enum err channel_development_prove(const struct channel_signing_key *key,
				   const uint8_t transcript[CHANNEL_HASH_SIZE],
				   uint8_t proof[CHANNEL_SIGNATURE_SIZE], struct err_ctx *err)
{
	uint8_t statement[STATEMENT_SIZE];

	make_statement(transcript, statement);
	return crypto_ed25519_sign(key->seed, key->public, statement, sizeof(statement), proof, err);
}

enum err channel_development_check(const struct channel_evidence *e,
				   const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	uint8_t statement[STATEMENT_SIZE];

	if (e->type != CHANNEL_EVIDENCE_DEVELOPMENT ||
	    e->identity_size != CHANNEL_SIGNING_KEY_SIZE || e->proof_size != CHANNEL_SIGNATURE_SIZE)
		return err_set(err, ERR_TAMPERED, "not the evidence of a development key");
	make_statement(transcript, statement);
	return crypto_ed25519_check(e->identity, statement, sizeof(statement), e->proof, err);
}

void channel_enclave_encode(const struct channel_enclave *e, uint8_t buf[CHANNEL_ENCLAVE_SIZE])
{
	uint8_t *p = buf;

	memcpy(p, e->mrenclave, sizeof(e->mrenclave));
	p += sizeof(e->mrenclave);
	memcpy(p, e->mrsigner, sizeof(e->mrsigner));
	p += sizeof(e->mrsigner);
	put32(p, (uint32_t)e->version << 16 | e->product);
}

enum err channel_enclave_decode(const void *bytes, size_t size, struct channel_enclave *ret,
				struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);

	if (size != CHANNEL_ENCLAVE_SIZE)
		return err_set(err, ERR_CORRUPT, "an enclave's identity of %zu bytes", size);
	memcpy(ret->mrenclave, base_cursor_bytes(&c, sizeof(ret->mrenclave)),
	       sizeof(ret->mrenclave));
	memcpy(ret->mrsigner, base_cursor_bytes(&c, sizeof(ret->mrsigner)), sizeof(ret->mrsigner));
	ret->product = base_cursor_u16(&c);
	ret->version = base_cursor_u16(&c);
	return ERR_OK;
}

void channel_report_data(const uint8_t transcript[CHANNEL_HASH_SIZE],
			 uint8_t ret[CHANNEL_REPORT_DATA_SIZE])
{
	memset(ret, 0, CHANNEL_REPORT_DATA_SIZE);
	crypto_hash2(CHANNEL_ENCLAVE_CONTEXT, sizeof(CHANNEL_ENCLAVE_CONTEXT) - 1, transcript,
		     CHANNEL_HASH_SIZE, ret);
}

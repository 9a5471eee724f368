// SPDX-License-Identifier: MIT
/* A quote taken apart, and verified link by link. */
#include "quote.h"

#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>

#include "base/cursor.h"

enum {
	KEY_ECDSA_P256 = 2,
	TEE_SGX = 0,
	CERTIFICATION_CHAIN = 5,
	CERTIFICATION_QE_REPORT = 6, /* version 4: everything about the quoting enclave lies in it */
};

static const uint8_t intel[16] = {0x93, 0x9a, 0x72, 0x33, 0xf7, 0x9c, 0x4c, 0xa9,
				  0x94, 0x0a, 0x0d, 0xb3, 0x95, 0x7f, 0x06, 0x07};

static enum err parse_header(struct base_cursor *c, uint16_t *version_ret, struct err_ctx *err)
{
	const uint8_t *vendor;
	uint16_t key;
	uint32_t tee;

	*version_ret = base_cursor_u16(c);
	key = base_cursor_u16(c);
	tee = base_cursor_u32(c);
	base_cursor_skip(c, 4); /* versions of quoting and certification enclaves: the certificate's count */
	vendor = base_cursor_bytes(c, sizeof(intel));
	base_cursor_skip(c, 20);
	if (!base_cursor_ok(c))
		return ERR_OK; /* the caller sees it */
	if (*version_ret != 3 && *version_ret != 4)
		return err_set(err, ERR_UNSUPPORTED, "a quote of version %u", *version_ret);
	if (key != KEY_ECDSA_P256)
		return err_set(err, ERR_UNSUPPORTED, "a quote with a key of type %u", key);
	if (tee != TEE_SGX)
		return err_set(err, ERR_UNSUPPORTED, "a quote of no SGX enclave (type %u)", tee);
	if (memcmp(vendor, intel, sizeof(intel)) != 0)
		return err_set(err, ERR_UNSUPPORTED, "a quote by a quoting enclave that isn't Intel's");
	return ERR_OK;
}

/* The certification data's head: type and size, which must be all that is left. */
static enum err expect_certification(struct base_cursor *c, uint16_t type, struct err_ctx *err)
{
	uint16_t got = base_cursor_u16(c);
	uint32_t size = base_cursor_u32(c);

	if (!base_cursor_ok(c))
		return ERR_OK;
	if (got != type)
		return err_set(err, ERR_UNSUPPORTED, "a quote with certification data of type %u", got);
	if (size != base_cursor_left(c))
		return err_set(err, ERR_CORRUPT,
			       "a quote with certification data of %u bytes in %zu", size,
			       base_cursor_left(c));
	return ERR_OK;
}

enum err quote_parse(const void *bytes, size_t size, struct quote *ret, struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct quote q = {.signed_bytes = bytes};
	uint16_t version;
	uint32_t rest;
	enum err e = parse_header(&c, &version, err);

	if (e)
		return e;
	q.report = base_cursor_bytes(&c, QUOTE_REPORT_SIZE);
	rest = base_cursor_u32(&c);
	if (base_cursor_ok(&c) && rest != base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "a quote with a signature of %u bytes in %zu",
			       rest, base_cursor_left(&c));
	q.signature = base_cursor_bytes(&c, QUOTE_SIGNATURE_SIZE);
	q.key = base_cursor_bytes(&c, QUOTE_POINT_SIZE);
	e = version == 4 ? expect_certification(&c, CERTIFICATION_QE_REPORT, err) : ERR_OK;
	if (e)
		return e;
	q.qe_report = base_cursor_bytes(&c, QUOTE_REPORT_SIZE);
	q.qe_signature = base_cursor_bytes(&c, QUOTE_SIGNATURE_SIZE);
	q.auth_size = base_cursor_u16(&c);
	q.auth = base_cursor_bytes(&c, q.auth_size);
	e = expect_certification(&c, CERTIFICATION_CHAIN, err);
	if (e)
		return e;
	q.chain_size = base_cursor_left(&c);
	q.chain = (const char *)base_cursor_bytes(&c, q.chain_size);
	if (!base_cursor_ok(&c))
		return err_set(err, ERR_CORRUPT, "a quote that is cut short, of %zu bytes", size);
	*ret = q;
	return ERR_OK;
}

static EVP_PKEY *key_from_point(const uint8_t point[QUOTE_POINT_SIZE])
{
	uint8_t octets[1 + QUOTE_POINT_SIZE] = {4}; /* uncompressed: SEC 1, 2.3.3 */
	char group[] = "prime256v1";
	OSSL_PARAM params[] = {
		OSSL_PARAM_construct_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group, 0),
		OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, octets, sizeof(octets)),
		OSSL_PARAM_construct_end(),
	};
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	EVP_PKEY *key = NULL;

	memcpy(octets + 1, point, QUOTE_POINT_SIZE);
	if (ctx && EVP_PKEY_fromdata_init(ctx) == 1)
		(void)EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* The quoting enclave vouches for its key by its report data: SHA-256 of key and its own data. */
static enum err check_key_bound(const struct quote *q, const struct abi_report *qe,
				struct err_ctx *err)
{
	uint8_t expected[64] = {0};
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int ok = ctx && EVP_DigestInit_ex(ctx, EVP_sha256(), NULL) == 1 &&
		 EVP_DigestUpdate(ctx, q->key, QUOTE_POINT_SIZE) == 1 &&
		 EVP_DigestUpdate(ctx, q->auth, q->auth_size) == 1 &&
		 EVP_DigestFinal_ex(ctx, expected, NULL) == 1;

	EVP_MD_CTX_free(ctx);
	if (!ok)
		return err_set(err, ERR_NOMEM, "out of memory for a digest");
	return memcmp(expected, qe->report_data, sizeof(expected)) == 0
		       ? ERR_OK
		       : err_set(err, ERR_TAMPERED,
				 "the quote's key isn't the one that the quoting enclave vouches for");
}

/* The signatures inside the quote, from the processor's key on. */
static enum err check_signatures(const struct quote *q, const struct abi_report *qe, X509 *leaf,
				 struct err_ctx *err)
{
	EVP_PKEY *key;
	enum err e = trust_signed(X509_get0_pubkey(leaf), q->qe_report, QUOTE_REPORT_SIZE,
				  q->qe_signature, "the quoting enclave's report", err);

	if (!e)
		e = check_key_bound(q, qe, err);
	if (e)
		return e;
	key = key_from_point(q->key);
	if (!key)
		return err_set(err, ERR_TAMPERED, "the quote's key is no point of P-256");
	e = trust_signed(key, q->signed_bytes, QUOTE_SIGNED_SIZE, q->signature, "the quote", err);
	EVP_PKEY_free(key);
	return e;
}

static enum err check_collateral(const struct memdev_trust *t, const struct collateral *c,
				 time_t now, struct err_ctx *err)
{
	static const char signer[] = "Intel SGX TCB Signing";
	enum err e = trust_certificate(t, c, c->tcb_chain, signer, now, err);

	if (!e)
		e = trust_signed(X509_get0_pubkey(sk_X509_value(c->tcb_chain, 0)), c->tcb_info,
				 strlen(c->tcb_info), c->tcb_signature, "the collateral's TCB info",
				 err);
	if (!e)
		e = trust_certificate(t, c, c->qe_chain, signer, now, err);
	if (!e)
		e = trust_signed(X509_get0_pubkey(sk_X509_value(c->qe_chain, 0)), c->qe_identity,
				 strlen(c->qe_identity), c->qe_signature,
				 "the collateral's QE identity", err);
	return e;
}

/*
 * The quoting enclave's own status counts as well (API for Provisioning Certification Service, "Enclave
 * Identity V2"): one that is out of date makes the whole out of date.
 */
static enum memdev_tcb both(enum memdev_tcb processor, enum memdev_tcb quoter)
{
	if (quoter == MEMDEV_TCB_REVOKED || processor == MEMDEV_TCB_REVOKED)
		return MEMDEV_TCB_REVOKED;
	if (quoter != MEMDEV_TCB_OUT_OF_DATE)
		return processor;
	switch (processor) {
	case MEMDEV_TCB_CONFIGURATION:
	case MEMDEV_TCB_CONFIGURATION_SW_HARDENING:
	case MEMDEV_TCB_OUT_OF_DATE_CONFIGURATION:
		return MEMDEV_TCB_OUT_OF_DATE_CONFIGURATION;
	default:
		return MEMDEV_TCB_OUT_OF_DATE;
	}
}

static enum err find_collateral(const struct memdev_trust *t, const struct pck *pck,
				const struct collateral **ret, struct err_ctx *err)
{
	for (const struct collateral *c = t->all; c; c = c->next) {
		if (memcmp(c->fmspc, pck->fmspc, sizeof(c->fmspc)) == 0) {
			*ret = c;
			return ERR_OK;
		}
	}
	return err_set(err, ERR_ABSENT,
		       "the device has no collateral for processors of FMSPC "
		       "%02x%02x%02x%02x%02x%02x",
		       pck->fmspc[0], pck->fmspc[1], pck->fmspc[2], pck->fmspc[3], pck->fmspc[4],
		       pck->fmspc[5]);
}

static enum err judge_tcb(const struct collateral *c, const struct pck *pck,
			  const struct abi_report *qe, time_t now, unsigned int accepted,
			  enum memdev_tcb *ret, struct err_ctx *err)
{
	enum memdev_tcb processor, quoter;
	enum err e = tcb_of_processor(c->tcb_info, pck, now, &processor, err);

	if (!e)
		e = tcb_of_quoter(c->qe_identity, qe, now, &quoter, err);
	if (e)
		return e;
	*ret = both(processor, quoter);
	if (accepted & 1u << *ret)
		return ERR_OK;
	return err_set(err, ERR_PERM,
		       "the processor's TCB is %s, its quoting enclave %s: the device accepts only "
		       "what sgx_accept_tcb names",
		       memdev_tcb_name(processor), memdev_tcb_name(quoter));
}

static enum err verify(const struct memdev_trust *t, const struct quote *q, STACK_OF(X509) * chain,
		       time_t now, unsigned int accepted, struct memdev_quoted *ret,
		       struct err_ctx *err)
{
	const struct collateral *c = NULL;
	struct abi_report qe = {0};
	struct pck pck;
	enum err e = pck_parse(sk_X509_value(chain, 0), &pck, err);

	memcpy(&qe, q->qe_report, QUOTE_REPORT_SIZE);
	if (!e)
		e = find_collateral(t, &pck, &c, err);
	if (!e)
		e = trust_certificate(t, c, chain, "Intel SGX PCK Certificate", now, err);
	if (!e)
		e = check_signatures(q, &qe, sk_X509_value(chain, 0), err);
	if (!e)
		e = check_collateral(t, c, now, err);
	if (!e)
		e = judge_tcb(c, &pck, &qe, now, accepted, &ret->tcb, err);
	return e;
}

enum err memdev_quote_verify(const struct memdev_trust *t, const void *bytes, size_t size,
			     time_t now, unsigned int accepted, struct memdev_quoted *ret,
			     struct err_ctx *err)
{
	struct memdev_quoted quoted = {0};
	STACK_OF(X509) * chain;
	struct quote q;
	enum err e = quote_parse(bytes, size, &q, err);

	if (e)
		return e;
	chain = trust_chain(q.chain, q.chain_size);
	if (!chain)
		return err_set(err, ERR_CORRUPT, "a quote without a chain of certificates");
	e = verify(t, &q, chain, now, accepted, &quoted, err);
	trust_chain_free(chain);
	if (e)
		return e;
	memcpy(&quoted.report, q.report, QUOTE_REPORT_SIZE);
	*ret = quoted;
	return ERR_OK;
}

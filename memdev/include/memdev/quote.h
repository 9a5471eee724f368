/* SPDX-License-Identifier: MIT */
/*
 * Quotes of SGX enclaves, verified: from Intel's root, which is pinned, by way of the processor's
 * certificate and the quoting enclave to the enclave's report; and whether what Intel says of that
 * processor's state ("TCB", in the collateral) is good enough.
 *
 * Formats: Intel, "SGX ECDSA QuoteLibReference DCAP API" (quotes, version 3 and 4), "SGX PCK Certificate
 * and CRL Profile Specification", "API for Provisioning Certification Service" version 4 (TCB info, QE
 * identity, and how levels are chosen).
 */
#ifndef SCW_MEMDEV_QUOTE_H
#define SCW_MEMDEV_QUOTE_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "abi/sgx.h"
#include "base/err.h"

/* As Intel's "tcbStatus" says; the less the better. */
enum memdev_tcb {
	MEMDEV_TCB_UP_TO_DATE,
	MEMDEV_TCB_SW_HARDENING,
	MEMDEV_TCB_CONFIGURATION,
	MEMDEV_TCB_CONFIGURATION_SW_HARDENING,
	MEMDEV_TCB_OUT_OF_DATE,
	MEMDEV_TCB_OUT_OF_DATE_CONFIGURATION,
	MEMDEV_TCB_REVOKED,
	MEMDEV_TCB_COUNT,
};
/* Intel's word for it. */
const char *memdev_tcb_name(enum memdev_tcb t);
/*
 * A set of them (bit 1 << status) from their words with spaces between. ERR_INVAL for a word that is
 * none, and for "Revoked", which nobody accepts.
 */
enum err memdev_tcb_parse(const char *words, unsigned int *ret, struct err_ctx *err) ERR_NODISCARD;

/* The root and the collateral that quotes are verified with. */
struct memdev_trust;

/* Before system calls are barred: what libraries would open files for later. */
void memdev_trust_prepare(void);

/* `root` is Intel's root certificate in PEM. ERR_CORRUPT, ERR_NOMEM. */
enum err memdev_trust_create(const char *root, size_t size, struct memdev_trust **ret,
			     struct err_ctx *err) ERR_NODISCARD;
void memdev_trust_destroy(struct memdev_trust *t);
/*
 * Collateral of one kind of processors (FMSPC), JSON with the members pck_crl_issuer_chain, root_ca_crl, pck_crl,
 * tcb_info_issuer_chain, tcb_info, tcb_info_signature, qe_identity_issuer_chain, qe_identity,
 * qe_identity_signature: what Intel's service answers, certificates in PEM, CRLs and signatures in hex, and
 * both JSON texts as strings, byte for byte as they were signed. ERR_CORRUPT when it isn't that; whether it
 * is Intel's and of now is seen when it is used.
 */
enum err memdev_trust_add(struct memdev_trust *t, const char *json, size_t size, const char *name,
			  struct err_ctx *err) ERR_NODISCARD;

struct memdev_quoted {
	struct abi_report report; /* of the enclave; keyid and MAC are zeros */
	enum memdev_tcb tcb;
};
/*
 * Verify a quote as of `now`. ERR_CORRUPT: malformed; ERR_TAMPERED: a signature, certificate or digest
 * is wrong, revoked, expired, or not of the pinned root; ERR_ABSENT: no collateral for that processor;
 * ERR_PERM: its TCB's status isn't in the set `accepted`. Whose report it is, is the caller's matter.
 */
enum err memdev_quote_verify(const struct memdev_trust *t, const void *quote, size_t size,
			     time_t now, unsigned int accepted, struct memdev_quoted *ret,
			     struct err_ctx *err) ERR_NODISCARD;

#endif

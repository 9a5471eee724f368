/* SPDX-License-Identifier: MIT */
/* What the files that verify quotes share. */
#ifndef SCW_MEMDEV_QUOTE_PRIVATE_H
#define SCW_MEMDEV_QUOTE_PRIVATE_H

#include <stdbool.h>

#include <openssl/x509.h>

#include "memdev/quote.h"

enum {
	QUOTE_REPORT_SIZE = 384, /* a REPORT without keyid and MAC */
	QUOTE_SIGNED_SIZE = 48 + QUOTE_REPORT_SIZE,
	QUOTE_POINT_SIZE = 64,	   /* x and y of a P-256 point, big-endian */
	QUOTE_SIGNATURE_SIZE = 64, /* r and s, big-endian */
	QUOTE_FMSPC_SIZE = 6,
	QUOTE_PCEID_SIZE = 2,
	QUOTE_COMPONENTS = 16,
};

/* A quote taken apart; everything points into it. */
struct quote {
	const uint8_t *signed_bytes; /* header and report */
	const uint8_t *report;
	const uint8_t *signature;
	const uint8_t *key; /* of the quoting enclave, for this quote */
	const uint8_t *qe_report;
	const uint8_t *qe_signature;
	const uint8_t *auth;
	size_t auth_size;
	const char *chain; /* PEM: the processor's certificate first */
	size_t chain_size;
};
enum err quote_parse(const void *bytes, size_t size, struct quote *ret,
		     struct err_ctx *err) ERR_NODISCARD;

/* What the processor's certificate says of it (its SGX extension). */
struct pck {
	uint8_t fmspc[QUOTE_FMSPC_SIZE];
	uint8_t pceid[QUOTE_PCEID_SIZE];
	uint8_t components[QUOTE_COMPONENTS];
	uint16_t pcesvn;
};
enum err pck_parse(X509 *certificate, struct pck *ret, struct err_ctx *err) ERR_NODISCARD;

struct collateral {
	struct collateral *next;
	uint8_t fmspc[QUOTE_FMSPC_SIZE]; /* to find it by; proved later */
	STACK_OF(X509) * tcb_chain, *qe_chain, *pck_crl_chain;
	X509_CRL *root_crl, *pck_crl;
	char *tcb_info, *qe_identity; /* JSON texts as signed */
	uint8_t tcb_signature[QUOTE_SIGNATURE_SIZE], qe_signature[QUOTE_SIGNATURE_SIZE];
};

struct memdev_trust {
	X509 *root;
	struct collateral *all;
};

/* The certificates in PEM text, in order; NULL when there is none. */
STACK_OF(X509) *trust_chain(const char *pem, size_t size);
void trust_chain_free(STACK_OF(X509) * chain);

/*
 * Does `key` (P-256) sign so? ERR_TAMPERED with "WHAT has a wrong signature".
 */
enum err trust_signed(EVP_PKEY *key, const void *bytes, size_t size,
		      const uint8_t signature[QUOTE_SIGNATURE_SIZE], const char *what,
		      struct err_ctx *err) ERR_NODISCARD;
/*
 * Is the first of `chain` a certificate for `name` (its common name, or the start of it), from the pinned root, by
 * way of the others, valid at `now`, with none of them revoked? ERR_TAMPERED says what isn't.
 */
enum err trust_certificate(const struct memdev_trust *t, const struct collateral *c,
			   STACK_OF(X509) * chain, const char *name, time_t now,
			   struct err_ctx *err) ERR_NODISCARD;

/*
 * The two JSON texts, once their signatures were found right: in time, of this processor and this
 * quoting enclave, and the status that they give.
 */
enum err tcb_of_processor(const char *tcb_info, const struct pck *pck, time_t now,
			  enum memdev_tcb *ret, struct err_ctx *err) ERR_NODISCARD;
enum err tcb_of_quoter(const char *qe_identity, const struct abi_report *qe, time_t now,
		       enum memdev_tcb *ret, struct err_ctx *err) ERR_NODISCARD;
/* The FMSPC that a TCB info names; false when it is none. */
bool tcb_fmspc(const char *tcb_info, uint8_t ret[QUOTE_FMSPC_SIZE]);

/* `size` bytes from twice as many hexadecimal digits. */
bool trust_hex(const char *hex, size_t digits, uint8_t *ret, size_t size);

#endif

// SPDX-License-Identifier: MIT
/*
 * Stands in for Intel's quote library (libsgx_dcap_ql.so.1) where there is no quoting enclave: the three functions that
 * enclave/host/quote.c loads. SCW_FAKE_QUOTE names a quote of memdev/tests/quotes.py --make, whose report is replaced by
 * the one that is asked for, and SCW_FAKE_KEY the key that signs it then. SCW_FAKE_STATUS: fail with this status;
 * SCW_FAKE_SIZE: claim this size. Only tests have its root certificate, so nothing else believes what it makes.
 */
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "abi/sgx.h"

enum {
	HEADER = 48, /* before the report's body in a quote */
	BODY = 384,  /* of a REPORT, what a quote has of it */
	SIGNATURE = HEADER + BODY + 4,
	HALF = 32, /* of a P-256 signature */
	QUOTE_MAX = 1 << 15,
};

uint32_t sgx_qe_get_target_info(struct abi_targetinfo *ret);
uint32_t sgx_qe_get_quote_size(uint32_t *ret);
uint32_t sgx_qe_get_quote(const struct abi_report *report, uint32_t size, uint8_t *quote);

static uint32_t status(void)
{
	const char *text = getenv("SCW_FAKE_STATUS");

	return text ? (uint32_t)strtoul(text, NULL, 0) : 0;
}

static size_t template(uint8_t quote[QUOTE_MAX])
{
	const char *path = getenv("SCW_FAKE_QUOTE");
	FILE *f = path ? fopen(path, "rbe") : NULL;
	size_t size = f ? fread(quote, 1, QUOTE_MAX, f) : 0;

	if (f)
		fclose(f);
	return size;
}

static EVP_PKEY *signing_key(void)
{
	const char *path = getenv("SCW_FAKE_KEY");
	FILE *f = path ? fopen(path, "rbe") : NULL;
	EVP_PKEY *key = f ? PEM_read_PrivateKey(f, NULL, NULL, NULL) : NULL;

	if (f)
		fclose(f);
	return key;
}

/* r and s, as quotes have them, of what comes before. */
static bool sign(uint8_t *quote)
{
	uint8_t der[128];
	const uint8_t *at = der;
	size_t size = sizeof(der);
	EVP_PKEY *key = signing_key();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	ECDSA_SIG *sig = NULL;
	bool good = key && ctx && EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
		    EVP_DigestSign(ctx, der, &size, quote, HEADER + BODY) == 1 &&
		    (sig = d2i_ECDSA_SIG(NULL, &at, (long)size)) &&
		    BN_bn2binpad(ECDSA_SIG_get0_r(sig), quote + SIGNATURE, HALF) == HALF &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), quote + SIGNATURE + HALF, HALF) == HALF;

	ECDSA_SIG_free(sig);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	return good;
}

__attribute__((visibility("default"))) uint32_t sgx_qe_get_target_info(struct abi_targetinfo *ret)
{
	memset(ret, 0, sizeof(*ret));
	return status();
}

__attribute__((visibility("default"))) uint32_t sgx_qe_get_quote_size(uint32_t *ret)
{
	uint8_t quote[QUOTE_MAX];
	const char *text = getenv("SCW_FAKE_SIZE");

	*ret = text ? (uint32_t)strtoul(text, NULL, 0) : (uint32_t)template(quote);
	return *ret ? 0 : 1;
}

__attribute__((visibility("default"))) uint32_t sgx_qe_get_quote(const struct abi_report *report, uint32_t size,
								 uint8_t *ret)
{
	uint8_t quote[QUOTE_MAX];

	if (template(quote) != size)
		return 1;
	memcpy(quote + HEADER, report, BODY);
	if (!sign(quote))
		return 1;
	memcpy(ret, quote, size);
	return 0;
}

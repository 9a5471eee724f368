// SPDX-License-Identifier: MIT
/* Certificates and signatures under a quote, and the collateral's file. OpenSSL does the work. */
#include "quote.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <json-c/json.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

enum {
	CHAIN_MAX = 8,
	COLLATERAL_MAX = 1 << 20,
};

void memdev_trust_prepare(void)
{
	tzset(); /* dates are compared by way of gmtime() */
	OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_ADD_ALL_DIGESTS |
				    OPENSSL_INIT_LOAD_CRYPTO_STRINGS,
			    NULL);
}

STACK_OF(X509) * trust_chain(const char *pem, size_t size)
{
	BIO *in = size <= INT_MAX ? BIO_new_mem_buf(pem, (int)size) : NULL;
	STACK_OF(X509) *chain = sk_X509_new_null();
	X509 *one;

	while (in && chain && sk_X509_num(chain) < CHAIN_MAX &&
	       (one = PEM_read_bio_X509(in, NULL, NULL, NULL))) {
		if (!sk_X509_push(chain, one)) {
			X509_free(one);
			break;
		}
	}
	BIO_free(in);
	ERR_clear_error(); /* how the end of the text is told */
	if (chain && sk_X509_num(chain))
		return chain;
	sk_X509_free(chain);
	return NULL;
}

void trust_chain_free(STACK_OF(X509) * chain)
{
	sk_X509_pop_free(chain, X509_free);
}

enum err trust_signed(EVP_PKEY *key, const void *bytes, size_t size,
		      const uint8_t signature[QUOTE_SIGNATURE_SIZE], const char *what,
		      struct err_ctx *err)
{
	ECDSA_SIG *sig = ECDSA_SIG_new();
	BIGNUM *r = BN_bin2bn(signature, 32, NULL), *s = BN_bin2bn(signature + 32, 32, NULL);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t *der = NULL;
	int der_size = 0, ok = -1;

	if (sig && r && s && ECDSA_SIG_set0(sig, r, s) == 1) {
		r = s = NULL; /* the signature's now */
		der_size = i2d_ECDSA_SIG(sig, &der);
	}
	if (ctx && der_size > 0 && key && EVP_PKEY_is_a(key, "EC") &&
	    EVP_DigestVerifyInit(ctx, NULL, EVP_sha256(), NULL, key) == 1)
		ok = EVP_DigestVerify(ctx, der, (size_t)der_size, bytes, size);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	ECDSA_SIG_free(sig);
	BN_free(r);
	BN_free(s);
	ERR_clear_error();
	return ok == 1 ? ERR_OK : err_set(err, ERR_TAMPERED, "%s has a wrong signature", what);
}

/* ---- certificates ---- */

static void common_name(X509 *x, char *ret, int size)
{
	if (X509_NAME_get_text_by_NID(X509_get_subject_name(x), NID_commonName, ret, size) < 0)
		ret[0] = '\0';
	for (char *p = ret; *p; p++) {
		if (*p < 0x20 || *p > 0x7e)
			*p = '?';
	}
}

static enum err why_not(X509_STORE_CTX *ctx, struct err_ctx *err)
{
	X509 *at = X509_STORE_CTX_get_current_cert(ctx);
	int code = X509_STORE_CTX_get_error(ctx);
	char name[64] = "";

	if (at)
		common_name(at, name, sizeof(name));
	switch (code) {
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
		return err_set(err, ERR_TAMPERED, "certificate %s doesn't lead to the pinned root",
			       name);
	case X509_V_ERR_CRL_HAS_EXPIRED:
	case X509_V_ERR_CRL_NOT_YET_VALID:
		return err_set(err, ERR_TAMPERED,
			       "certificate %s: %s (the collateral's; fetch it anew)", name,
			       X509_verify_cert_error_string(code));
	default:
		return err_set(err, ERR_TAMPERED, "certificate %s: %s", name,
			       X509_verify_cert_error_string(code));
	}
}

static enum err check_name(X509 *leaf, const char *name, struct err_ctx *err)
{
	char got[64];

	/* what the root, or whom it lets sign, has made for something else is worth nothing here */
	common_name(leaf, got, sizeof(got));
	if (strcmp(got, name) != 0)
		return err_set(err, ERR_TAMPERED, "a certificate for %s in place of one for %s", got,
			       name);
	return X509_check_ca(leaf) ? err_set(err, ERR_TAMPERED,
					     "certificate %s may sign certificates", name)
				   : ERR_OK;
}

enum err trust_certificate(const struct memdev_trust *t, const struct collateral *c,
			   STACK_OF(X509) * chain, const char *name, time_t now,
			   struct err_ctx *err)
{
	X509 *leaf = sk_X509_value(chain, 0);
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	enum err e = check_name(leaf, name, err);

	if (!e && (!store || !ctx || X509_STORE_add_cert(store, t->root) != 1 ||
		   X509_STORE_add_crl(store, c->root_crl) != 1 ||
		   X509_STORE_add_crl(store, c->pck_crl) != 1 ||
		   X509_STORE_CTX_init(ctx, store, leaf, chain) != 1))
		e = err_set(err, ERR_NOMEM, "out of memory for certificates");
	if (!e) {
		X509_STORE_CTX_set_flags(ctx, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL |
						      X509_V_FLAG_X509_STRICT);
		X509_STORE_CTX_set_time(ctx, 0, now);
		if (X509_verify_cert(ctx) != 1)
			e = why_not(ctx, err);
	}
	X509_STORE_CTX_free(ctx);
	X509_STORE_free(store);
	ERR_clear_error();
	return e;
}

/* ---- the processor's certificate ---- */

/* "SGX PCK Certificate and CRL Profile Specification", section on SGX extensions. */
#define SGX_EXTENSION  "1.2.840.113741.1.13.1"
#define SGX_TCB	       SGX_EXTENSION ".2"
#define SGX_PCEID      SGX_EXTENSION ".3"
#define SGX_FMSPC      SGX_EXTENSION ".4"
#define SGX_PCESVN     SGX_TCB ".17"
#define SGX_COMPONENTS SGX_TCB "."

/* A SEQUENCE { OBJECT IDENTIFIER, value }; false when it isn't. */
static bool pair_of(const ASN1_TYPE *t, char *oid, int size, STACK_OF(ASN1_TYPE) * *pair_ret)
{
	const uint8_t *p;
	STACK_OF(ASN1_TYPE) * pair;

	if (t->type != V_ASN1_SEQUENCE)
		return false;
	p = t->value.sequence->data;
	pair = d2i_ASN1_SEQUENCE_ANY(NULL, &p, t->value.sequence->length);
	if (pair && sk_ASN1_TYPE_num(pair) == 2 &&
	    sk_ASN1_TYPE_value(pair, 0)->type == V_ASN1_OBJECT &&
	    OBJ_obj2txt(oid, size, sk_ASN1_TYPE_value(pair, 0)->value.object, 1) < size) {
		*pair_ret = pair;
		return true;
	}
	sk_ASN1_TYPE_pop_free(pair, ASN1_TYPE_free);
	return false;
}

/* Which members were there, each once. */
struct pck_found {
	struct pck *pck;
	uint32_t components; /* bits */
	bool pcesvn, pceid, fmspc;
};

static bool take_octets(const ASN1_TYPE *t, uint8_t *ret, int size, bool *once)
{
	if (t->type != V_ASN1_OCTET_STRING || t->value.octet_string->length != size || *once)
		return false;
	memcpy(ret, t->value.octet_string->data, (size_t)size);
	*once = true;
	return true;
}

static bool take_integer(const ASN1_TYPE *t, int64_t most, int64_t *ret)
{
	return t->type == V_ASN1_INTEGER && ASN1_INTEGER_get_int64(ret, t->value.integer) == 1 &&
	       *ret >= 0 && *ret <= most;
}

static bool take_members(const uint8_t *data, long size, struct pck_found *f, int depth);

static bool take_member(const char *oid, const ASN1_TYPE *value, struct pck_found *f, int depth)
{
	size_t prefix = strlen(SGX_COMPONENTS);
	int64_t number;

	if (strcmp(oid, SGX_FMSPC) == 0)
		return take_octets(value, f->pck->fmspc, QUOTE_FMSPC_SIZE, &f->fmspc);
	if (strcmp(oid, SGX_PCEID) == 0)
		return take_octets(value, f->pck->pceid, QUOTE_PCEID_SIZE, &f->pceid);
	if (strcmp(oid, SGX_TCB) == 0)
		return depth == 0 && value->type == V_ASN1_SEQUENCE &&
		       take_members(value->value.sequence->data, value->value.sequence->length, f,
				    depth + 1);
	if (strcmp(oid, SGX_PCESVN) == 0) {
		if (f->pcesvn || !take_integer(value, UINT16_MAX, &number))
			return false;
		f->pck->pcesvn = (uint16_t)number;
		return f->pcesvn = true;
	}
	if (strncmp(oid, SGX_COMPONENTS, prefix) == 0) {
		long which = strtol(oid + prefix, NULL, 10);

		if (which < 1 || which > QUOTE_COMPONENTS)
			return true; /* CPUSVN, the same in other form */
		if (f->components & 1u << which || !take_integer(value, UINT8_MAX, &number))
			return false;
		f->pck->components[which - 1] = (uint8_t)number;
		f->components |= 1u << which;
	}
	return true;
}

static bool take_members(const uint8_t *data, long size, struct pck_found *f, int depth)
{
	STACK_OF(ASN1_TYPE) *all = d2i_ASN1_SEQUENCE_ANY(NULL, &data, size);
	bool ok = all != NULL;

	for (int i = 0; ok && i < sk_ASN1_TYPE_num(all); i++) {
		STACK_OF(ASN1_TYPE) * pair;
		char oid[64];

		ok = pair_of(sk_ASN1_TYPE_value(all, i), oid, sizeof(oid), &pair);
		if (ok) {
			ok = take_member(oid, sk_ASN1_TYPE_value(pair, 1), f, depth);
			sk_ASN1_TYPE_pop_free(pair, ASN1_TYPE_free);
		}
	}
	sk_ASN1_TYPE_pop_free(all, ASN1_TYPE_free);
	return ok;
}

enum err pck_parse(X509 *certificate, struct pck *ret, struct err_ctx *err)
{
	ASN1_OBJECT *oid = OBJ_txt2obj(SGX_EXTENSION, 1);
	int at = oid ? X509_get_ext_by_OBJ(certificate, oid, -1) : -1;
	const ASN1_OCTET_STRING *data =
		at >= 0 ? X509_EXTENSION_get_data(X509_get_ext(certificate, at)) : NULL;
	struct pck pck = {0};
	struct pck_found found = {.pck = &pck};
	bool ok = data && take_members(data->data, data->length, &found, 0);

	ASN1_OBJECT_free(oid);
	ERR_clear_error();
	if (!ok || !found.fmspc || !found.pceid || !found.pcesvn ||
	    found.components != ((1u << QUOTE_COMPONENTS) - 1) << 1)
		return err_set(err, ERR_CORRUPT,
			       "the quote's first certificate isn't one of a processor");
	*ret = pck;
	return ERR_OK;
}

/* ---- root and collateral ---- */

bool trust_hex(const char *hex, size_t digits, uint8_t *ret, size_t size)
{
	if (digits != 2 * size)
		return false;
	for (size_t i = 0; i < digits; i++) {
		static const char values[] = "00112233445566778899aAbBcCdDeEfF";
		const char *v = hex[i] ? strchr(values, hex[i]) : NULL;

		if (!v)
			return false;
		ret[i / 2] = (uint8_t)(i % 2 ? ret[i / 2] | (v - values) / 2 : (v - values) / 2 << 4);
	}
	return true;
}

enum err memdev_trust_create(const char *root, size_t size, struct memdev_trust **ret,
			     struct err_ctx *err)
{
	STACK_OF(X509) *chain = trust_chain(root, size);
	struct memdev_trust *t;

	if (!chain || sk_X509_num(chain) != 1) {
		trust_chain_free(chain);
		return err_set(err, ERR_CORRUPT, "the root isn't one certificate in PEM");
	}
	t = calloc(1, sizeof(*t));
	if (t)
		t->root = sk_X509_pop(chain);
	trust_chain_free(chain);
	if (!t)
		return err_set(err, ERR_NOMEM, "out of memory");
	*ret = t;
	return ERR_OK;
}

static void collateral_destroy(struct collateral *c)
{
	trust_chain_free(c->tcb_chain);
	trust_chain_free(c->qe_chain);
	trust_chain_free(c->pck_crl_chain);
	X509_CRL_free(c->root_crl);
	X509_CRL_free(c->pck_crl);
	free(c->tcb_info);
	free(c->qe_identity);
	free(c);
}

void memdev_trust_destroy(struct memdev_trust *t)
{
	if (!t)
		return;
	while (t->all) {
		struct collateral *c = t->all;

		t->all = c->next;
		collateral_destroy(c);
	}
	X509_free(t->root);
	free(t);
}

/* Member `name`, a string; NULL when it isn't. */
static const char *string_of(struct json_object *o, const char *name, size_t *size_ret)
{
	struct json_object *s;

	if (!json_object_object_get_ex(o, name, &s) || !json_object_is_type(s, json_type_string))
		return NULL;
	*size_ret = (size_t)json_object_get_string_len(s);
	return json_object_get_string(s);
}

static bool take_chain(struct json_object *o, const char *name, STACK_OF(X509) * *ret)
{
	size_t size;
	const char *s = string_of(o, name, &size);

	*ret = s ? trust_chain(s, size) : NULL;
	return *ret != NULL;
}

static bool take_crl(struct json_object *o, const char *name, X509_CRL **ret)
{
	size_t size;
	const char *s = string_of(o, name, &size);
	uint8_t *der = s ? malloc(size / 2 + 1) : NULL;
	const uint8_t *p = der;

	if (der && trust_hex(s, size, der, size / 2))
		*ret = d2i_X509_CRL(NULL, &p, (long)(size / 2));
	if (*ret && p != der + size / 2) {
		X509_CRL_free(*ret);
		*ret = NULL;
	}
	free(der);
	ERR_clear_error();
	return *ret != NULL;
}

static bool take_text(struct json_object *o, const char *name, char **ret)
{
	size_t size;
	const char *s = string_of(o, name, &size);

	/* the signature is over all of it */
	if (s && strlen(s) == size)
		*ret = strdup(s);
	return *ret != NULL;
}

static bool take_signature(struct json_object *o, const char *name,
			   uint8_t ret[QUOTE_SIGNATURE_SIZE])
{
	size_t size;
	const char *s = string_of(o, name, &size);

	return s && trust_hex(s, size, ret, QUOTE_SIGNATURE_SIZE);
}

/* The member that is wrong; NULL when all is there. */
static const char *take_collateral(struct json_object *o, struct collateral *c)
{
	if (!take_chain(o, "tcb_info_issuer_chain", &c->tcb_chain))
		return "tcb_info_issuer_chain";
	if (!take_chain(o, "qe_identity_issuer_chain", &c->qe_chain))
		return "qe_identity_issuer_chain";
	if (!take_chain(o, "pck_crl_issuer_chain", &c->pck_crl_chain))
		return "pck_crl_issuer_chain";
	if (!take_crl(o, "root_ca_crl", &c->root_crl))
		return "root_ca_crl";
	if (!take_crl(o, "pck_crl", &c->pck_crl))
		return "pck_crl";
	if (!take_signature(o, "tcb_info_signature", c->tcb_signature))
		return "tcb_info_signature";
	if (!take_signature(o, "qe_identity_signature", c->qe_signature))
		return "qe_identity_signature";
	if (!take_text(o, "qe_identity", &c->qe_identity))
		return "qe_identity";
	if (!take_text(o, "tcb_info", &c->tcb_info) || !tcb_fmspc(c->tcb_info, c->fmspc))
		return "tcb_info";
	return NULL;
}

enum err memdev_trust_add(struct memdev_trust *t, const char *json, size_t size, const char *name,
			  struct err_ctx *err)
{
	struct json_tokener *parser = size < COLLATERAL_MAX ? json_tokener_new() : NULL;
	struct json_object *o = parser ? json_tokener_parse_ex(parser, json, (int)size) : NULL;
	struct collateral *c = calloc(1, sizeof(*c));
	const char *wrong = "";
	enum err e = ERR_OK;

	if (!c)
		e = err_set(err, ERR_NOMEM, "out of memory for collateral");
	else if (!o || !json_object_is_type(o, json_type_object))
		e = err_set(err, ERR_CORRUPT, "%.100s isn't a JSON object", name);
	else if ((wrong = take_collateral(o, c)))
		e = err_set(err, ERR_CORRUPT, "%.100s: \"%s\" is missing or isn't what it should be",
			    name, wrong);
	json_object_put(o);
	json_tokener_free(parser);
	if (e) {
		if (c)
			collateral_destroy(c);
		return e;
	}
	c->next = t->all;
	t->all = c;
	return ERR_OK;
}

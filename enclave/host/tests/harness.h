/* SPDX-License-Identifier: MIT */
/* What the tests of enclaves share: files, keys, images, calls into the tiny enclave. */
#ifndef SCW_TESTS_HARNESS_H
#define SCW_TESTS_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "emulation/emulation.h"
#include "enclaves/tiny.h"
#include "host/load.h"
#include "host/sign.h"

struct file {
	uint8_t *data;
	size_t size;
};

static inline struct file read_whole(const char *path)
{
	struct file f = {0};
	FILE *in = fopen(path, "rb");

	if (!in) {
		perror(path);
		exit(1);
	}
	fseek(in, 0, SEEK_END);
	f.size = (size_t)ftell(in);
	rewind(in);
	f.data = malloc(f.size + 1);
	if (!f.data || fread(f.data, 1, f.size, in) != f.size)
		exit(1);
	fclose(in);
	return f;
}

static inline _Noreturn void die_of(const char *what, const struct err_ctx *err)
{
	char text[400];

	fprintf(stderr, "%s: %s\n", what, err_describe(err, text, sizeof(text)));
	exit(1);
}

/* A test's argument: modes of the emulation, or `hardware` for Linux's driver. */
static inline const struct backend *chosen_backend(const char *modes)
{
	const struct backend *backend;
	struct err_ctx err = {0};
	unsigned int bits = 0;

	if (strcmp(modes, "hardware") == 0 ? backend_driver(&backend, &err)
					   : emulation_parse_modes(modes, &bits, &err) ||
						     backend_emulated(bits, &backend, &err))
		die_of(modes, &err);
	return backend;
}

/* Small, so that loading takes no time. */
static inline struct sign_options small_options(void)
{
	return (struct sign_options){.heap_size = 64 << 10,
				     .stack_size = 16 << 10,
				     .thread_count = 4,
				     /* the tests' enclave does what it can't, on purpose */
				     .unchecked_code = true,
				     .product = 7,
				     .svn = 3,
				     .date = 0x20260102,
				     .config = "test configuration",
				     .config_size = 18};
}

/* A signing key of the tests' own, as PEM. */
static inline struct file new_key(unsigned int bits, unsigned long exponent)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *e = BN_new();
	EVP_PKEY *key = NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	struct file f = {0};
	char *data;

	if (!BN_set_word(e, exponent) || EVP_PKEY_keygen_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_keygen_bits(ctx, (int)bits) <= 0 ||
	    EVP_PKEY_CTX_set1_rsa_keygen_pubexp(ctx, e) <= 0 || EVP_PKEY_generate(ctx, &key) <= 0 ||
	    !PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL)) {
		fputs("no key\n", stderr);
		exit(1);
	}
	f.size = (size_t)BIO_get_mem_data(bio, &data);
	f.data = malloc(f.size);
	if (!f.data)
		exit(1);
	memcpy(f.data, data, f.size);
	BIO_free(bio);
	BN_free(e);
	EVP_PKEY_free(key);
	EVP_PKEY_CTX_free(ctx);
	return f;
}

static inline struct sign_image signed_image(const struct file *elf, const struct file *pem)
{
	struct sign_options o = small_options();
	struct err_ctx err = {0};
	struct sign_image image;

	if (sign_build(elf->data, elf->size, &o, &image, &err) ||
	    sign_sign(&image, pem->data, pem->size, &o, &err))
		die_of("signing", &err);
	return image;
}

/* One operation; exceptions go to the enclave's handler and are resumed. Their number. */
static inline int call(const struct host_enclave *e, size_t thread, enum tiny_op op,
		       struct tiny_args *args)
{
	const abi_enter enter = e->backend->enter;
	struct abi_run run = {.tcs = e->tcs[thread]};
	int exceptions = 0;

	if (host_enter(enter, op, (unsigned long)args, 0, ABI_EENTER, 0, 0, &run))
		return -1;
	while (run.function == ABI_ERESUME) {
		exceptions++;
		/* the handler inside, on the next SSA frame */
		if (host_enter(enter, 0, 0, 0, ABI_EENTER, 0, 0, &run) || run.function != ABI_EEXIT)
			return -1;
		if (host_enter(enter, 0, 0, 0, ABI_ERESUME, 0, 0, &run))
			return -1;
	}
	return run.function == ABI_EEXIT ? exceptions : -1;
}

#endif

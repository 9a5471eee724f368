// SPDX-License-Identifier: MIT
/*
 * The cipher of Intel's IPsec Multi-Buffer library: three times as fast as libgcrypt's where the processor has
 * AES and multiplication for four blocks at once. Its functions are called for what they are, without
 * its manager, which takes longer to set up than a small tool has in all.
 */
#include <intel-ipsec-mb.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/platform/x86.h>

#include "crypto.h"

typedef void run_fn(const struct gcm_key_data *key, struct gcm_context_data *context, uint8_t *out,
		    const uint8_t *in, uint64_t size, const uint8_t *iv, const uint8_t *ad,
		    uint64_t ad_size, uint8_t *tag, uint64_t tag_size);

/* In the library, but not in its header: there they are only reached by way of the manager. */
void aes_gcm_pre_256_vaes_avx512(const void *key, struct gcm_key_data *data);
run_fn aes_gcm_enc_256_vaes_avx512, aes_gcm_dec_256_vaes_avx512;

/* Code for one kind of processor. */
struct way {
	void (*prepare)(const void *key, struct gcm_key_data *data);
	run_fn *seal, *open;
};
static const struct way ways[] = {
	{aes_gcm_pre_256_vaes_avx512, aes_gcm_enc_256_vaes_avx512, aes_gcm_dec_256_vaes_avx512},
	{aes_gcm_pre_256_avx_gen4, aes_gcm_enc_256_avx_gen4, aes_gcm_dec_256_avx_gen4},
	{aes_gcm_pre_256_sse, aes_gcm_enc_256_sse, aes_gcm_dec_256_sse},
};

struct key {
	struct gcm_key_data data;
	struct gcm_context_data context;
	const struct way *way;
};

/*
 * Asked of the C library, which knows; asking the processor is a trip to the hypervisor in a VM. Its own
 * CPU_FEATURE_ACTIVE shifts a signed 1 by 31, which UBSan stops at.
 */
static bool has(unsigned int feature)
{
	const struct cpuid_feature *leaf = __x86_get_cpuid_feature_leaf(feature / 128);

	return leaf->active_array[feature / 32 % 4] >> feature % 32 & 1;
}

static const struct way *best_way(void)
{
	if (has(x86_cpu_VAES) && has(x86_cpu_VPCLMULQDQ) &&
	    has(x86_cpu_AVX512F) && has(x86_cpu_AVX512BW) &&
	    has(x86_cpu_AVX512DQ) && has(x86_cpu_AVX512VL))
		return &ways[0];
	return has(x86_cpu_AVX2) ? &ways[1] : &ways[2];
}

enum err crypto_library_init(struct err_ctx *err)
{
	if (!has(x86_cpu_AES) || !has(x86_cpu_PCLMULQDQ) ||
	    !has(x86_cpu_SSE4_2))
		return err_set(err, ERR_UNSUPPORTED, "this processor has no AES instructions");
	return ERR_OK;
}

static enum err init_with(struct crypto_aead *a, const struct way *way,
			  const uint8_t key[CHANNEL_KEY_SIZE], struct err_ctx *err)
{
	struct key *k;
	void *p;

	if (posix_memalign(&p, 64, sizeof(*k)))
		return err_set(err, ERR_NOMEM, "no memory for a key");
	k = p;
	k->way = way;
	way->prepare(key, &k->data);
	a->handle = k;
	return ERR_OK;
}

enum err crypto_aead_init(struct crypto_aead *a, const uint8_t key[CHANNEL_KEY_SIZE],
			  struct err_ctx *err)
{
	return init_with(a, best_way(), key, err);
}

void crypto_aead_deinit(struct crypto_aead *a)
{
	if (a->handle)
		channel_wipe(a->handle, sizeof(struct key));
	free(a->handle);
	a->handle = NULL;
}

static void set_nonce(uint8_t ret[12], uint64_t nonce)
{
	memset(ret, 0, 4);
	for (int i = 0; i < 8; i++)
		ret[4 + i] = (uint8_t)(nonce >> (56 - 8 * i));
}

enum err crypto_aead_seal(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  const void *plain, void *data, size_t size, uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	struct key *k = a->handle;
	uint8_t iv[12];

	(void)err;
	set_nonce(iv, nonce);
	k->way->seal(&k->data, &k->context, data, plain, size, iv, ad, ad_size, tag, CHANNEL_TAG_SIZE);
	return ERR_OK;
}

enum err crypto_aead_open(struct crypto_aead *a, uint64_t nonce, const void *ad, size_t ad_size,
			  void *data, size_t size, const uint8_t tag[CHANNEL_TAG_SIZE],
			  struct err_ctx *err)
{
	struct key *k = a->handle;
	uint8_t iv[12], own[CHANNEL_TAG_SIZE];
	int differs;

	set_nonce(iv, nonce);
	k->way->open(&k->data, &k->context, data, data, size, iv, ad, ad_size, own, sizeof(own));
	differs = sodium_memcmp(own, tag, sizeof(own));
	channel_wipe(own, sizeof(own)); /* what a forger would like to know */
	if (!differs)
		return ERR_OK;
	channel_wipe(data, size);
	return err_set(err, ERR_TAMPERED, "a sealed record failed authentication");
}

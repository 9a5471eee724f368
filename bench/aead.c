// SPDX-License-Identifier: MIT
/*
 * Sealing records of 64 B, 4 KiB and 64 KiB through core/channel (AES-256-GCM) against the
 * same cipher of OpenSSL: how the library was chosen, and a guard against a slow build of it.
 * Prints one JSON object a line: name, value, unit, versus, ratio.
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "channel/channel.h"

enum { ROUNDS = 9, LARGEST = 65536 };

static uint8_t plain[LARGEST], record[LARGEST + CHANNEL_OVERHEAD];

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

static double seal_channel(struct channel_sealer *s, size_t size, int count)
{
	double begun = now_ns();
	size_t got;

	for (int i = 0; i < count; i++) {
		if (channel_seal(s, 1, NULL, plain, size, record, sizeof(record), &got, NULL))
			abort();
	}
	return (now_ns() - begun) / count;
}

static double seal_openssl(EVP_CIPHER_CTX *c, size_t size, int count)
{
	unsigned char nonce[12] = {0}, ad[48] = {0};
	double begun = now_ns();

	for (int i = 0; i < count; i++) {
		int n;

		nonce[11] = (unsigned char)i;
		if (!EVP_EncryptInit_ex(c, NULL, NULL, NULL, nonce) ||
		    !EVP_EncryptUpdate(c, NULL, &n, ad, sizeof(ad)) ||
		    !EVP_EncryptUpdate(c, record, &n, plain, (int)size) ||
		    !EVP_EncryptFinal_ex(c, record, &n) ||
		    !EVP_CIPHER_CTX_ctrl(c, EVP_CTRL_GCM_GET_TAG, 16, record + size))
			abort();
	}
	return (now_ns() - begun) / count;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static const uint8_t key[CHANNEL_KEY_SIZE] = {1};
	static const size_t sizes[] = {64, 4096, LARGEST};
	EVP_CIPHER_CTX *openssl = EVP_CIPHER_CTX_new();
	struct channel_sealer *sealer;
	struct base_alloc alloc;

	base_alloc_init(&alloc, 1 << 20);
	if (channel_library_init(NULL) ||
	    channel_sealer_create(&alloc, key, 1, CHANNEL_TO_CLIENT, &sealer, NULL) || !openssl ||
	    !EVP_EncryptInit_ex(openssl, EVP_aes_256_gcm(), NULL, key, NULL))
		abort();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		int count = sizes[i] > 8192 ? 300 : 3000;
		double ours[ROUNDS], ratio[ROUNDS];

		seal_channel(sealer, sizes[i], count);
		seal_openssl(openssl, sizes[i], count);
		for (int r = 0; r < ROUNDS; r++) {
			ours[r] = seal_channel(sealer, sizes[i], count);
			ratio[r] = ours[r] / seal_openssl(openssl, sizes[i], count);
		}
		qsort(ours, ROUNDS, sizeof(ours[0]), compare);
		qsort(ratio, ROUNDS, sizeof(ratio[0]), compare);
		printf("{\"name\": \"seal a record of %zu B\", \"value\": %.1f, \"unit\": \"ns\", "
		       "\"versus\": \"AES-256-GCM of OpenSSL\", \"ratio\": %.3f}\n",
		       sizes[i], ours[ROUNDS / 2], ratio[ROUNDS / 2]);
	}
	EVP_CIPHER_CTX_free(openssl);
	channel_sealer_destroy(sealer);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Quotes and collateral. The first two bytes say how many of the rest are collateral; what follows is the
 * quote. Nothing is ever accepted: the root is nobody's. The collateral is also taken for the text that only a
 * signature would let through.
 */
#include "fuzz.h"
#include "quote.h"

/* A P-256 root whose key was thrown away. */
static const char root[] = "-----BEGIN CERTIFICATE-----\n"
			   "MIIBeTCCAR+gAwIBAgIUZFmA2DZw9IvY84kIHhRXdYJt3KswCgYIKoZIzj0EAwIw\n"
			   "ETEPMA0GA1UEAwwGTm9ib2R5MCAXDTI2MTEyMzA0NTUzN1oYDzIxMjYxMDMwMDQ1\n"
			   "NTM3WjARMQ8wDQYDVQQDDAZOb2JvZHkwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
			   "AAQcRmgHzCK8/MmKJ+5Qzi8ecXAQvzw8sDBKbZBKz31LTHiKAUCj1d5iYdBXCqWj\n"
			   "IpJs/3/Favj7HmPPRGI0YWi4o1MwUTAdBgNVHQ4EFgQU3CH4XNN/IsFWZexkBi7D\n"
			   "5sGIvsIwHwYDVR0jBBgwFoAU3CH4XNN/IsFWZexkBi7D5sGIvsIwDwYDVR0TAQH/\n"
			   "BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAkuWLUZ6znQrGKP3WIbM4AXytK2Li\n"
			   "feCMBhahfoWRDccCIF+gFpGf9LGusWbnr6vhReRTRcLuFKcuxFv97OATKPrd\n"
			   "-----END CERTIFICATE-----\n";

static void signed_text(const uint8_t *data, size_t size)
{
	const struct pck pck = {.fmspc = {0, 0xa0, 0x67, 0x11}, .pcesvn = 13};
	char *text = malloc(size + 1);
	struct abi_report qe = {0};
	struct err_ctx err = {0};
	enum memdev_tcb tcb;
	enum err e;

	FUZZ_ASSERT(text);
	memcpy(text, data, size);
	text[size] = '\0';
	e = tcb_of_processor(text, &pck, 1750800000, &tcb, &err);
	FUZZ_ASSERT(e == ERR_OK ? tcb < MEMDEV_TCB_COUNT : err.code == e && err.text[0]);
	err_clear(&err);
	e = tcb_of_quoter(text, &qe, 1750800000, &tcb, &err);
	FUZZ_ASSERT(e == ERR_OK ? tcb < MEMDEV_TCB_COUNT : err.code == e && err.text[0]);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct memdev_quoted quoted;
	struct memdev_trust *t = NULL;
	struct err_ctx err = {0};
	size_t json = (size_t)fuzz_take(&data, &size, 2);
	enum err e = memdev_trust_create(root, sizeof(root) - 1, &t, NULL);

	FUZZ_ASSERT(e == ERR_OK && t);
	if (json > size)
		json = size;
	e = memdev_trust_add(t, (const char *)data, json, "fuzz", &err);
	FUZZ_ASSERT(e == ERR_OK || (err.code == e && err.text[0]));
	err_clear(&err);
	e = memdev_quote_verify(t, data + json, size - json, 1750800000, ~0u, &quoted, &err);
	FUZZ_ASSERT(e != ERR_OK && err.code == e && err.text[0]);
	memdev_trust_destroy(t);
	signed_text(data, json);
	return 0;
}

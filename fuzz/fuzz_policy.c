// SPDX-License-Identifier: MIT
/* The device's policy file: refused with its place, or taken whole; look-ups in what was taken. */
#include "fuzz.h"
#include "memdev/policy.h"

/* libconfig 1.5 forgets a string that a syntax error cuts short: once a start, by root's own file. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct memdev_policy *p = NULL;
	struct err_ctx err = {0};
	uint8_t key[MEMDEV_POLICY_KEY_SIZE] = {0};
	enum err e;

	FUZZ_ASSERT(text);
	memcpy(text, data, size);
	text[size] = '\0';
	e = memdev_policy_parse(text, size, "policy", &p, &err);
	FUZZ_ASSERT((e == ERR_OK) == (p != NULL));
	FUZZ_ASSERT(e == ERR_OK || (err.code == e && strncmp(err.text, "policy:", 7) == 0));
	if (p) {
		const struct memdev_policy_identity *i;

		FUZZ_ASSERT(memdev_policy_count(p) <= MEMDEV_POLICY_IDENTITIES_MAX);
		i = memdev_policy_find(p, 1, key, sizeof(key));
		if (i) {
			FUZZ_ASSERT(memdev_policy_name(i)[0]);
			(void)memdev_policy_allows(i, "web-1");
			FUZZ_ASSERT(!memdev_policy_allows(i, ""));
		}
	}
	memdev_policy_destroy(p);
	free(text);
	return 0;
}

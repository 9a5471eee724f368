// SPDX-License-Identifier: MIT
/*
 * The device's policy file, and the same text as its settings: refused with its place, or taken whole;
 * look-ups in what was taken.
 */
#include "config.h"
#include "fuzz.h"
#include "memdev/policy.h"

/* libconfig 1.5 forgets a string that a syntax error cuts short: once a start, by root's own file. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libconfig.so\n";
}

static void take_settings(const char *text, size_t size)
{
	struct err_ctx err = {0};
	struct config c;
	enum err e;

	config_defaults(&c);
	e = config_parse(&c, text, size, "settings", &err);
	FUZZ_ASSERT(e == ERR_OK || (err.code == e && strncmp(err.text, "settings:", 9) == 0));
	FUZZ_ASSERT(c.sessions >= 1 && c.sessions <= 4096 && c.memory_mib >= 64 && c.socket_mode <= 0777);
	FUZZ_ASSERT(strlen(c.socket) < sizeof(c.socket) && strlen(c.user) < sizeof(c.user));
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
	take_settings(text, size);
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
		}
	}
	memdev_policy_destroy(p);
	free(text);
	return 0;
}

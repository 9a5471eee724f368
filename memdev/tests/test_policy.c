// SPDX-License-Identifier: MIT
/* Who may read what: the policy's file with all that can be wrong in it, and the judge. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "attach/keys.h"
#include "base/checked.h"
#include "memdev/evidence.h"

#define KEY_A "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define KEY_B "11112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"
#define ALICE "{ name = \"alice\"; type = \"development\"; key = \"" KEY_A "\"; vms = [\"web-*\", \"db\"]; }"

static enum err parse(const char *text, struct memdev_policy **ret, struct err_ctx *err)
{
	return memdev_policy_parse(text, strlen(text), "policy", ret, err);
}

static void a_policy(void **state)
{
	const struct memdev_policy_identity *i;
	struct memdev_policy *p;
	uint8_t key[KEYS_SIZE];

	(void)state;
	assert_int_equal(parse("# ours\nidentities = ( " ALICE ",\n{ name = \"bob\"; type = "
			       "\"development\"; key = \"" KEY_B "\"; vms = []; } );\n",
			       &p, NULL),
			 ERR_OK);
	assert_int_equal(memdev_policy_count(p), 2);
	assert_true(keys_from_hex(KEY_A, key));
	i = memdev_policy_find(p, 1, key, sizeof(key));
	assert_non_null(i);
	assert_string_equal(memdev_policy_name(i), "alice");
	assert_true(memdev_policy_allows(i, "web-1"));
	assert_true(memdev_policy_allows(i, "web-"));
	assert_true(memdev_policy_allows(i, "db"));
	assert_false(memdev_policy_allows(i, "db2"));
	assert_false(memdev_policy_allows(i, "xweb-1"));
	assert_false(memdev_policy_allows(i, ""));
	assert_null(memdev_policy_find(p, 2, key, sizeof(key)));
	assert_null(memdev_policy_find(p, 1, key, sizeof(key) - 1));
	key[0] = 0x11;
	i = memdev_policy_find(p, 1, key, sizeof(key));
	assert_string_equal(memdev_policy_name(i), "bob");
	assert_false(memdev_policy_allows(i, "db"));
	key[0] = 0x12;
	assert_null(memdev_policy_find(p, 1, key, sizeof(key)));
	memdev_policy_destroy(p);
}

static void nobody_may_do_anything(void **state)
{
	struct memdev_policy *p;

	(void)state;
	assert_int_equal(parse("identities = ();", &p, NULL), ERR_OK);
	assert_int_equal(memdev_policy_count(p), 0);
	memdev_policy_destroy(p);
}

static void what_is_wrong_is_said_with_its_place(void **state)
{
	static const struct {
		const char *text, *message;
	} bad[] = {
		{"", "policy:0: \"identities\" must be a list: identities = ( { ... } );"},
		{"identities = ( { );", "policy:1: syntax error"},
		{"\n\nidentities = ( \n5 );", "policy:4: an identity is a group: { ... }"},
		{"identities = 5;",
		 "policy:1: \"identities\" must be a list: identities = ( { ... } );"},
		{"identities = ();\nother = 1;", "policy:2: there is no setting \"other\""},
		{"identities = (\n{ nam = \"a\"; } );", "policy:2: there is no setting \"nam\""},
		{"identities = (\n\n{ type = \"development\"; } );",
		 "policy:3: an identity without \"name\""},
		{"identities = (\n{ name = 5; } );", "policy:2: \"name\" isn't a string"},
		{"identities = (\n{ name = \"a b\"; } );",
		 "policy:2: a name is 1 to 63 printable characters without spaces"},
		{"identities = (\n{ name = \"a\"; type = \"magic\"; } );",
		 "policy:2: there is no type of evidence \"magic\""},
		{"identities = (\n{ name = \"a\"; type = \"development\"; key = \"00\"; } );",
		 "policy:2: a key is 64 hexadecimal digits"},
		{"identities = (\n{ name = \"a\"; type = \"development\"; key = \"" KEY_A "\"; } );",
		 "policy:2: \"vms\" must be an array of patterns"},
		{"identities = (\n{ name = \"a\"; type = \"development\"; key = \"" KEY_A
		 "\";\nvms = [1]; } );",
		 "policy:3: a pattern is a string that could be a VM's name"},
		{"identities = (\n{ name = \"a\"; type = \"development\"; key = \"" KEY_A
		 "\";\nvms = [\"a/b\"]; } );",
		 "policy:3: a pattern is a string that could be a VM's name"},
		{"identities = (" ALICE ",\n" ALICE ");",
		 "policy:2: there are two identities \"alice\""},
		{"identities = (" ALICE ",\n{ name = \"b\"; type = \"development\"; key = \"" KEY_A
		 "\"; vms = []; });",
		 "policy:2: two identities have the same key"},
		{"identities = ();\n  @include \"/etc/passwd\"\n",
		 "policy:2: other files can't be included"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(bad); i++) {
		struct memdev_policy *p = NULL;
		struct err_ctx err = {0};

		assert_int_equal(parse(bad[i].text, &p, &err), ERR_CORRUPT);
		assert_string_equal(err.text, bad[i].message);
		assert_null(p);
	}
}

static void zero_bytes_are_wrong(void **state)
{
	static const char text[] = "identities = ();\0 junk";
	struct memdev_policy *p;
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(memdev_policy_parse(text, sizeof(text) - 1, "policy", &p, &err),
			 ERR_CORRUPT);
	assert_string_equal(err.text, "policy: holds a zero byte");
}

static void files(void **state)
{
	char path[] = "/tmp/scw-policy-XXXXXX";
	static const char text[] = "identities = (" ALICE ");\n";
	int fd = mkstemp(path);
	struct memdev_policy *p;
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	assert_int_equal(memdev_policy_load(path, &p, NULL), ERR_OK);
	memdev_policy_destroy(p);
	assert_int_equal(chmod(path, 0660), 0);
	assert_int_equal(memdev_policy_load(path, &p, &err), ERR_PERM);
	assert_non_null(strstr(err.text, "may be written by others"));
	unlink(path);
	assert_int_equal(memdev_policy_load(path, &p, NULL), ERR_ABSENT);
}

static void the_judge(void **state)
{
	static const uint8_t seed[CHANNEL_SIGNING_KEY_SIZE] = {3}, transcript[CHANNEL_HASH_SIZE] = {4};
	uint8_t proof[CHANNEL_SIGNATURE_SIZE];
	struct channel_signing_key key;
	struct channel_evidence e = {CHANNEL_EVIDENCE_DEVELOPMENT, key.public, sizeof(key.public),
				     proof, sizeof(proof)};
	char text[512], hex[KEYS_HEX_SIZE], who[MEMDEV_WHO_SIZE] = "";
	struct memdev_evidence_judge j;
	struct memdev_policy *p;
	struct err_ctx err = {0};

	(void)state;
	assert_int_equal(channel_signing_key_from_seed(seed, &key, NULL), ERR_OK);
	assert_int_equal(channel_development_prove(&key, transcript, proof, NULL), ERR_OK);
	keys_to_hex(key.public, hex);
	snprintf(text, sizeof(text),
		 "identities = ({ name = \"carol\"; type = \"development\"; key = \"%s\"; vms = "
		 "[\"web-?\"]; });",
		 hex);
	assert_int_equal(parse(text, &p, NULL), ERR_OK);

	memdev_evidence_judge_init(&j, p, false);
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "web-1", who, &err), ERR_PERM);
	assert_non_null(strstr(err.text, "doesn't accept development keys"));

	memdev_evidence_judge_init(&j, p, true);
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "web-1", who, NULL), ERR_OK);
	assert_string_equal(who, "carol");
	err_clear(&err);
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "db", who, &err), ERR_PERM);
	assert_string_equal(err.text, "the device's policy doesn't let carol read db");
	proof[0] ^= 1;
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "web-1", who, NULL), ERR_TAMPERED);
	proof[0] ^= 1;
	err_clear(&err);
	e.type = 9;
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "web-1", who, &err),
			 ERR_UNSUPPORTED);
	assert_string_equal(err.text, "this memory device knows no evidence of type 9");
	e.type = CHANNEL_EVIDENCE_DEVELOPMENT;
	memdev_policy_destroy(p);

	assert_int_equal(parse("identities = ();", &p, NULL), ERR_OK);
	memdev_evidence_judge_init(&j, p, true);
	err_clear(&err);
	assert_int_equal(j.judge.judge(&j.judge, &e, transcript, "web-1", who, &err), ERR_PERM);
	assert_non_null(strstr(err.text, hex));
	memdev_policy_destroy(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_policy),
		cmocka_unit_test(nobody_may_do_anything),
		cmocka_unit_test(what_is_wrong_is_said_with_its_place),
		cmocka_unit_test(zero_bytes_are_wrong),
		cmocka_unit_test(files),
		cmocka_unit_test(the_judge),
	};

	if (channel_library_init(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

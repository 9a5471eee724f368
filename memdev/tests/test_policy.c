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

#include "abi/sgx.h"
#include "attach/keys.h"
#include "base/checked.h"
#include "emulation/report.h"
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
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; vms = []; } );",
		 "policy:2: an enclave is one \"mrenclave\", or those of a \"mrsigner\""},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrenclave = \"" KEY_A
		 "\"; mrsigner = \"" KEY_A "\"; } );",
		 "policy:2: an enclave is one \"mrenclave\", or those of a \"mrsigner\""},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrenclave = \"12\"; } );",
		 "policy:2: a mrenclave is 64 hexadecimal digits"},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrsigner = \"" KEY_A
		 "\"; minimum_version = 1; } );",
		 "policy:2: a \"mrsigner\" without \"product\""},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrsigner = \"" KEY_A
		 "\"; product = 1; } );",
		 "policy:2: a \"mrsigner\" without \"minimum_version\""},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrsigner = \"" KEY_A
		 "\"; product = 65536; } );",
		 "policy:2: \"product\" is a number of at most 65535"},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; mrenclave = \"" KEY_A
		 "\"; product = 1; } );",
		 "policy:2: there is no setting \"product\""},
		{"identities = (\n{ name = \"a\"; type = \"sgx\"; key = \"" KEY_A "\"; } );",
		 "policy:2: an enclave is one \"mrenclave\", or those of a \"mrsigner\""},
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

#define ENCLAVES                                                                                   \
	"identities = ({ name = \"exact\"; type = \"sgx-emulated\"; mrenclave = \"" KEY_A           \
	"\"; vms = [\"web-1\"]; },"                                                               \
	"{ name = \"signed\"; type = \"sgx-emulated\"; mrsigner = \"" KEY_B                         \
	"\"; product = 3; minimum_version = 7; vms = [\"web-*\"]; },"                             \
	"{ name = \"real\"; type = \"sgx\"; mrenclave = \"" KEY_A "\"; vms = [\"*\"]; });"

static void policies_of_enclaves(void **state)
{
	const struct memdev_policy_identity *i;
	struct channel_enclave e = {.product = 3, .version = 7};
	struct memdev_policy *p;

	(void)state;
	assert_int_equal(parse(ENCLAVES, &p, NULL), ERR_OK);
	assert_null(memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, NULL));
	assert_true(keys_from_hex(KEY_A, e.mrenclave));
	assert_true(keys_from_hex(KEY_B, e.mrsigner));
	i = memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, NULL);
	assert_string_equal(memdev_policy_name(i), "exact");
	i = memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, i);
	assert_string_equal(memdev_policy_name(i), "signed");
	assert_null(memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, i));
	i = memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_DCAP, &e, NULL);
	assert_string_equal(memdev_policy_name(i), "real");
	/* an enclave's measurement isn't a key */
	assert_null(memdev_policy_find(p, CHANNEL_EVIDENCE_DCAP, e.mrenclave, 32));
	e.mrenclave[0] ^= 1;
	assert_int_equal(memdev_policy_wants_version(p, CHANNEL_EVIDENCE_EMULATED, &e), 0);
	e.version = 6;
	assert_null(memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, NULL));
	assert_int_equal(memdev_policy_wants_version(p, CHANNEL_EVIDENCE_EMULATED, &e), 7);
	e.version = 8;
	assert_non_null(memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, NULL));
	e.product = 4;
	assert_null(memdev_policy_next_enclave(p, CHANNEL_EVIDENCE_EMULATED, &e, NULL));
	memdev_policy_destroy(p);
}

/* A report as the emulation makes it, and what the judge says of it after `change`. */
struct emulated {
	struct channel_enclave told;
	struct abi_report report;
	struct abi_targetinfo target;
	size_t size;
	const char *vm;
	bool forge; /* change it after the MAC was made */
	bool refuse;
};

static const uint8_t session[CHANNEL_HASH_SIZE] = {4};

static enum err judge_emulated(void (*change)(struct emulated *), const char *name, struct err_ctx *err)
{
	struct emulated m = {.size = sizeof(m.report), .vm = "web-1"};
	uint8_t identity[CHANNEL_ENCLAVE_SIZE];
	struct channel_evidence e = {CHANNEL_EVIDENCE_EMULATED, identity, sizeof(identity),
				     &m.report, 0};
	char who[MEMDEV_WHO_SIZE] = "";
	struct memdev_evidence_judge j;
	struct memdev_policy *p;
	enum err r;

	assert_true(keys_from_hex(KEY_A, m.told.mrenclave));
	m.told.product = 9;
	m.told.version = 2;
	memcpy(m.report.mrenclave, m.told.mrenclave, sizeof(m.report.mrenclave));
	m.report.isv_prod_id = 9;
	m.report.isv_svn = 2;
	m.report.attributes.flags = ABI_ATTR_INIT | ABI_ATTR_MODE64BIT;
	channel_report_data(session, m.report.report_data);
	change(&m);
	if (!m.forge)
		emulation_report_mac(&m.report, &m.target, m.report.mac);
	channel_enclave_encode(&m.told, identity);
	e.proof_size = m.size;
	assert_int_equal(parse(ENCLAVES, &p, NULL), ERR_OK);
	memdev_evidence_judge_init(&j, p, true);
	j.emulated = !m.refuse;
	r = j.judge.judge(&j.judge, &e, session, m.vm, who, err);
	if (r == ERR_OK)
		assert_string_equal(who, name);
	memdev_policy_destroy(p);
	return r;
}

static void as_it_is(struct emulated *m)
{
	(void)m;
}
static void not_told_to(struct emulated *m)
{
	m->refuse = true;
}
static void short_report(struct emulated *m)
{
	m->size--;
}
static void wrong_mac(struct emulated *m)
{
	m->forge = true;
}
static void for_somebody_else(struct emulated *m)
{
	m->target.mrenclave[0] = 1;
}
static void other_session(struct emulated *m)
{
	m->report.report_data[31] ^= 1;
}
static void more_report_data(struct emulated *m)
{
	m->report.report_data[63] = 1;
}
static void another_enclave(struct emulated *m)
{
	m->report.mrenclave[5] ^= 1;
}
static void newer_than_it_is(struct emulated *m)
{
	m->told.version++;
}
static void debug_enclave(struct emulated *m)
{
	m->report.attributes.flags |= ABI_ATTR_DEBUG;
}
static void not_initialized(struct emulated *m)
{
	m->report.attributes.flags = 0;
}
static void unknown_enclave(struct emulated *m)
{
	m->report.mrenclave[0] = m->told.mrenclave[0] = 0xee;
}
/* An enclave that is known by its signer and product only. */
static void of_signer(struct emulated *m, uint16_t product, uint16_t version)
{
	unknown_enclave(m);
	assert_true(keys_from_hex(KEY_B, m->told.mrsigner));
	memcpy(m->report.mrsigner, m->told.mrsigner, sizeof(m->report.mrsigner));
	m->report.isv_prod_id = m->told.product = product;
	m->report.isv_svn = m->told.version = version;
}
static void of_a_known_signer(struct emulated *m)
{
	of_signer(m, 3, 7);
}
static void newer(struct emulated *m)
{
	of_signer(m, 3, 8);
}
static void old_version(struct emulated *m)
{
	of_signer(m, 3, 6);
}
static void another_product(struct emulated *m)
{
	of_signer(m, 4, 7);
}
static void another_vm(struct emulated *m)
{
	m->vm = "db";
}

static void emulated_enclaves(void **state)
{
	static const struct {
		void (*change)(struct emulated *m);
		enum err code;
		const char *text; /* of the refusal; or who was let in */
	} cases[] = {
		{as_it_is, ERR_OK, "exact"},
		{of_a_known_signer, ERR_OK, "signed"},
		{newer, ERR_OK, "signed"},
		{another_product, ERR_PERM, "no enclave with MRENCLAVE ee11"},
		{not_told_to, ERR_PERM, "--insecure-accept-emulated"},
		{short_report, ERR_CORRUPT, "report of 431 bytes"},
		{wrong_mac, ERR_TAMPERED, "wrong MAC"},
		{for_somebody_else, ERR_TAMPERED, "wrong MAC"},
		{other_session, ERR_TAMPERED, "another session"},
		{more_report_data, ERR_TAMPERED, "another session"},
		{another_enclave, ERR_TAMPERED, "of another enclave"},
		{newer_than_it_is, ERR_TAMPERED, "of another enclave"},
		{debug_enclave, ERR_PERM, "debug enclave"},
		{not_initialized, ERR_TAMPERED, "isn't initialized"},
		{unknown_enclave, ERR_PERM, "no enclave with MRENCLAVE ee11"},
		{old_version, ERR_PERM, "wants version 7 or later of this enclave, which is version 6"},
		{another_vm, ERR_PERM, "doesn't let exact read db"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct err_ctx err = {0};

		assert_int_equal(judge_emulated(cases[i].change, cases[i].text, &err), cases[i].code);
		if (cases[i].code)
			assert_non_null(strstr(err.text, cases[i].text));
	}
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
		cmocka_unit_test(policies_of_enclaves),
		cmocka_unit_test(emulated_enclaves),
	};

	if (channel_library_init(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

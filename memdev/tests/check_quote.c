// SPDX-License-Identifier: MIT
/*
 * Verifies one quote as a session does, for quotes.py: rights given up, and only then are the
 * collateral's and the client's bytes looked at.
 *
 * usage: check_quote ROOT FOLDER QUOTE TIME STATUSES TRANSCRIPT
 *
 * Prints "ok", the identity and the status, or the code of what is wrong and its text.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/keys.h"
#include "base/checked.h"
#include "memdev/evidence.h"
#include "memdev/trust_files.h"
#include "sandbox.h"

#define IDENTITIES                                                                                 \
	"identities = ({ name = \"tester\"; type = \"sgx\"; mrsigner = \"%s\"; product = %u; "     \
	"minimum_version = %u; vms = [\"*\"]; });"

static int complain(const struct err_ctx *err)
{
	char text[320];

	printf("%s: %s\n", err_name(err->code), err_describe(err, text, sizeof(text)));
	fflush(stdout);
	return 0;
}

/* A policy for just the enclave that the quote shows, and what a session's judge says. */
static int judge(const struct memdev_trust_files *files, const uint8_t *quote, size_t size,
		 const char *when, const char *statuses, const uint8_t *transcript)
{
	struct channel_enclave who = {0};
	uint8_t identity[CHANNEL_ENCLAVE_SIZE];
	struct channel_evidence e = {CHANNEL_EVIDENCE_DCAP, identity, sizeof(identity), quote, size};
	char signer[KEYS_HEX_SIZE], policy[512], name[MEMDEV_WHO_SIZE] = "";
	struct memdev_evidence_judge j;
	struct memdev_policy *p;
	struct err_ctx err = {0};

	if (size >= 48 + 384) { /* where a quote has them: the REPORT starts at 48 */
		memcpy(who.mrenclave, quote + 48 + 64, 32);
		memcpy(who.mrsigner, quote + 48 + 128, 32);
		memcpy(&who.product, quote + 48 + 256, 2);
		memcpy(&who.version, quote + 48 + 258, 2);
	}
	channel_enclave_encode(&who, identity);
	keys_to_hex(who.mrsigner, signer);
	snprintf(policy, sizeof(policy), IDENTITIES, signer, who.product, who.version);
	if (memdev_policy_parse(policy, strlen(policy), "policy", &p, &err))
		return complain(&err);
	memdev_evidence_judge_init(&j, p, false);
	j.quotes = files;
	j.at = (time_t)strtoll(when, NULL, 10);
	if (memdev_tcb_parse(statuses, &j.accept_tcb, &err) == ERR_OK &&
	    j.judge.judge(&j.judge, &e, transcript, "vm", name, &err) == ERR_OK)
		printf("ok: %s\n", name);
	else
		complain(&err);
	memdev_policy_destroy(p);
	return 0;
}

int main(int argc, char **argv)
{
	struct sandbox sandbox = {.uid = geteuid() ? geteuid() : 65534, .gid = getegid() ? getegid() : 65534,
				  .memory = 192u << 20, .file = 1 << 20};
	static uint8_t quote[1 << 16], transcript[KEYS_SIZE];
	struct memdev_trust_files *files = NULL;
	struct sandbox_filter *filter = NULL;
	struct err_ctx err = {0};
	FILE *f = argc == 7 ? fopen(argv[3], "rb") : NULL;
	size_t size;
	int status;

	if (!f || !keys_from_hex(argv[6], transcript))
		return 2;
	size = fread(quote, 1, sizeof(quote), f);
	fclose(f);
	setvbuf(stdout, NULL, _IOFBF, 4096);
	if (channel_library_init(&err))
		return complain(&err);
	memdev_trust_prepare();
	if (memdev_trust_files_read(argv[1], argv[2], &files, &err) && err.code != ERR_ABSENT)
		return complain(&err);
	err_clear(&err);
	if (sandbox_filter_create(&filter, &err))
		return complain(&err);
	sandbox.filter = filter;
	if (sandbox_enter(&sandbox, &err))
		return complain(&err);
	status = judge(files, quote, size, argv[4], argv[5], transcript);
	memdev_trust_files_destroy(files);
	sandbox_filter_destroy(filter);
	fflush(stdout);
	_exit(status); /* a leak checker can't look into who gave up its rights */
}

// SPDX-License-Identifier: MIT
/*
 * scwatcher open: prints what an enclave has sealed for us. Each frame is printed once it has proved to be the next
 * one; that the last one is missing is only known at the end, and told by the exit status.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/keys.h"
#include "channel/output.h"
#include "cli.h"
#include "memdev/evidence.h"

struct opening {
	const struct options *o;
	FILE *in;
	struct channel_output_head head;
	struct channel_output_stream stream;
	uint8_t hash[CHANNEL_HASH_SIZE];
	uint8_t evidence[CHANNEL_EVIDENCE_MAX];
	uint8_t sealed[CHANNEL_OUTPUT_SEALED_MAX], plain[CHANNEL_OUTPUT_PLAIN_MAX];
};

static enum err cut_off(struct err_ctx *err)
{
	return err_set(err, ERR_TAMPERED,
		       "the stream ends without its end: it was cut off, or the program was stopped");
}

static enum err take(struct opening *s, void *buf, size_t size, struct err_ctx *err)
{
	if (fread(buf, 1, size, s->in) == size)
		return ERR_OK;
	return ferror(s->in) ? err_set_errno(err, ERR_IO, errno, "can't read") : cut_off(err);
}

static enum err take_head(struct opening *s, struct err_ctx *err)
{
	uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE], start[CHANNEL_OUTPUT_START_SIZE];
	struct channel_key_pair owner = {0};
	uint8_t secret[KEYS_SIZE];
	enum err e = channel_library_init(err);

	if (!e)
		e = keys_read(s->o->key, KEYS_OF_OUTPUT_SECRET, secret, err);
	if (!e)
		e = channel_key_pair_from_secret(secret, &owner, err);
	channel_wipe(secret, sizeof(secret));
	if (!e)
		e = take(s, head, sizeof(head), err);
	if (!e)
		e = channel_output_head_decode(head, &s->head, err);
	if (!e)
		e = take(s, s->evidence, s->head.evidence_size, err);
	if (!e)
		e = take(s, start, sizeof(start), err);
	if (!e)
		e = channel_output_unlock(&s->head, &owner, start, &s->stream, s->hash, err);
	channel_wipe(&owner, sizeof(owner));
	return e;
}

/* ---- who wrote it ---- */

/* The judge of memory devices, with a policy for just this enclave. */
static enum err judge(struct opening *s, const struct channel_evidence *e, const char *mrenclave,
		      struct err_ctx *err)
{
	char text[256], who[MEMDEV_WHO_SIZE];
	struct memdev_trust_files *files = NULL;
	struct memdev_evidence_judge j;
	struct memdev_policy *p;
	enum err r;

	snprintf(text, sizeof(text),
		 "identities = ({ name = \"writer\"; type = \"%s\"; mrenclave = \"%.64s\"; vms = "
		 "[\"*\"]; });",
		 e->type == CHANNEL_EVIDENCE_DCAP ? "sgx" : "sgx-emulated", mrenclave);
	r = memdev_policy_parse(text, strlen(text), "--mrenclave", &p, err);
	if (!r && s->o->sgx_root)
		r = memdev_trust_files_read(s->o->sgx_root,
					    s->o->sgx_collateral ? s->o->sgx_collateral : "", &files,
					    err);
	if (!r) {
		memdev_evidence_judge_init(&j, p, false);
		j.emulated = s->o->accept_emulated;
		j.quotes = files;
		j.accept_tcb = 1u << MEMDEV_TCB_UP_TO_DATE;
		r = j.judge.judge(&j.judge, e, s->hash, "output", who, err);
		memdev_policy_destroy(p);
	}
	memdev_trust_files_destroy(files);
	return r;
}

static enum err prove_writer(struct opening *s, struct err_ctx *err)
{
	struct channel_enclave enclave;
	struct channel_evidence e;
	uint8_t wanted[KEYS_SIZE];
	char digits[KEYS_HEX_SIZE];
	enum err r;

	if (!s->head.evidence_size)
		return err_set(err, ERR_PERM, "it has no evidence");
	r = channel_evidence_decode(s->evidence, s->head.evidence_size, &e, err);
	if (!r && e.type == CHANNEL_EVIDENCE_DEVELOPMENT)
		r = err_set(err, ERR_PERM, "its evidence isn't an enclave's");
	if (!r)
		r = channel_enclave_decode(e.identity, e.identity_size, &enclave, err);
	if (r)
		return r;
	keys_to_hex(enclave.mrenclave, digits);
	/* the judge would speak of a memory device and its policy */
	if (e.type == CHANNEL_EVIDENCE_EMULATED && !s->o->accept_emulated)
		return err_set(err, ERR_PERM,
			       "it is of an emulated enclave, as which anybody can pose: --insecure-accept-emulated "
			       "believes it");
	if (s->o->mrenclave && keys_from_hex(s->o->mrenclave, wanted) &&
	    memcmp(wanted, enclave.mrenclave, sizeof(wanted)) != 0)
		return err_set(err, ERR_PERM, "enclave %s wrote it, another one than --mrenclave says", digits);
	r = judge(s, &e, s->o->mrenclave ? s->o->mrenclave : digits, err);
	if (!r)
		fprintf(stderr, "scwatcher: written by enclave %s%s\n", digits,
			e.type == CHANNEL_EVIDENCE_EMULATED
				? " (emulated: this protects nothing and proves nothing)"
				: "");
	return r;
}

/* ---- what it is ---- */

static enum err print_frames(struct opening *s, struct err_ctx *err)
{
	bool last = false;
	enum err e = ERR_OK;

	while (!e) {
		uint8_t wire[4];
		uint32_t size;
		size_t plain;

		if (last) /* even an empty frame more is one too many */
			return fgetc(s->in) == EOF ? ERR_OK
						   : err_set(err, ERR_TAMPERED,
							     "something follows the end of the stream");
		e = take(s, wire, sizeof(wire), err);
		if (e)
			break;
		size = (uint32_t)wire[0] | (uint32_t)wire[1] << 8 | (uint32_t)wire[2] << 16 |
		       (uint32_t)wire[3] << 24;
		if (size > sizeof(s->sealed))
			return err_set(err, ERR_TAMPERED, "a frame of %u bytes", size);
		e = take(s, s->sealed, size, err);
		if (!e)
			e = channel_output_open(&s->stream, s->sealed, size, s->plain, &plain, &last,
						err);
		if (!e && (fwrite(s->plain, 1, plain, stdout) != plain || fflush(stdout)))
			e = err_set_errno(err, ERR_IO, errno, "can't write");
	}
	return e;
}

enum status cli_open(const struct options *o, int argc, char **argv)
{
	struct err_ctx err = {0}, why = {0};
	struct opening *s;
	char text[320];
	enum err e;

	if (!o->key) {
		err_set(&err, ERR_INVAL, "say whose output it is: --key FILE");
		cli_complain("open", ERR_INVAL, &err);
		return STATUS_USAGE;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return cli_fail("open", err_set(&err, ERR_NOMEM, "out of memory"), &err);
	s->o = o;
	s->in = argc ? fopen(argv[0], "rbe") : stdin;
	e = s->in ? take_head(s, &err) : err_set_errno(&err, errno == ENOENT ? ERR_ABSENT : errno == EACCES ? ERR_PERM : ERR_IO, errno,
						       "can't open %.150s", argv[0]);
	if (!e && prove_writer(s, &why)) {
		if (o->mrenclave)
			e = err_set(&err, why.code, "%s", why.text);
		else
			fprintf(stderr,
				"scwatcher: *** nothing proves who wrote this: %s. Anybody who has the public "
				"key could have ***\n",
				err_describe(&why, text, sizeof(text)));
	}
	if (!e)
		e = print_frames(s, &err);
	if (argc && s->in)
		fclose(s->in);
	channel_wipe(s, sizeof(*s));
	free(s);
	return e ? cli_fail("open", e, &err) : STATUS_OK;
}

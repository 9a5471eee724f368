// SPDX-License-Identifier: MIT
/* See memdev/evidence.h. */
#include "memdev/evidence.h"

#include <stdio.h>
#include <string.h>

#include "abi/sgx.h"
#include "attach/keys.h"
#include "base/checked.h"
#include "emulation/report.h"

/*
 * To add a type of evidence: a row here, its check (ERR_TAMPERED unless the evidence proves its
 * identity for this transcript; ERR_PERM when this device doesn't take it), its name in the policy.
 */
static enum err check_development(const struct memdev_evidence_judge *j,
				  const struct channel_evidence *e,
				  const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	if (!j->development)
		return err_set(err, ERR_PERM,
			       "this memory device doesn't accept development keys (which protect "
			       "nothing); it must be told to: scwatcherd --accept-development-keys");
	return channel_development_check(e, transcript, err);
}

/* Is what a report says of its enclave what the client says, and of this session? */
static enum err check_report(const struct abi_report *r, const struct channel_enclave *told,
			     const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	uint8_t data[CHANNEL_REPORT_DATA_SIZE];

	channel_report_data(transcript, data);
	if (memcmp(data, r->report_data, sizeof(data)) != 0)
		return err_set(err, ERR_TAMPERED,
			       "the enclave's report is of another session (its report data differ)");
	if (memcmp(told->mrenclave, r->mrenclave, sizeof(told->mrenclave)) != 0 ||
	    memcmp(told->mrsigner, r->mrsigner, sizeof(told->mrsigner)) != 0 ||
	    told->product != r->isv_prod_id || told->version != r->isv_svn)
		return err_set(err, ERR_TAMPERED, "the enclave's report is of another enclave");
	if (r->attributes.flags & ABI_ATTR_DEBUG)
		return err_set(err, ERR_PERM,
			       "a debug enclave: its host can read all of it; sign it without --debug");
	if (!(r->attributes.flags & ABI_ATTR_INIT))
		return err_set(err, ERR_TAMPERED, "the report of an enclave that isn't initialized");
	return ERR_OK;
}

static enum err check_emulated(const struct memdev_evidence_judge *j,
			       const struct channel_evidence *e,
			       const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	static const struct abi_targetinfo nobody;
	struct channel_enclave told;
	struct abi_report r;
	enum err result;

	if (!j->emulated)
		return err_set(err, ERR_PERM,
			       "this memory device doesn't accept emulated enclaves (which protect "
			       "nothing); it must be told to: scwatcherd --insecure-accept-emulated");
	result = channel_enclave_decode(e->identity, e->identity_size, &told, err);
	if (result)
		return result;
	if (e->proof_size != sizeof(r))
		return err_set(err, ERR_CORRUPT, "an emulated enclave's report of %zu bytes",
			       e->proof_size);
	memcpy(&r, e->proof, sizeof(r));
	if (!emulation_report_genuine(&r, &nobody))
		return err_set(err, ERR_TAMPERED, "the emulated enclave's report has a wrong MAC");
	return check_report(&r, &told, transcript, err);
}

static enum err check_dcap(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
			   const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err)
{
	struct channel_enclave told;
	struct memdev_quoted quoted;
	struct memdev_trust *trust;
	enum err r;

	if (!j->quotes)
		return err_set(err, ERR_PERM,
			       "this memory device verifies no quotes: it has no root certificate "
			       "(sgx_root in scwatcherd.conf)");
	r = channel_enclave_decode(e->identity, e->identity_size, &told, err);
	if (!r)
		r = memdev_trust_files_use(j->quotes, &trust, err);
	if (r)
		return r;
	r = memdev_quote_verify(trust, e->proof, e->proof_size, j->at ? j->at : time(NULL),
				j->accept_tcb, &quoted, err);
	memdev_trust_destroy(trust);
	return r ? r : check_report(&quoted.report, &told, transcript, err);
}

static const struct {
	uint32_t type;
	enum err (*check)(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
			  const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err);
} types[] = {
	{CHANNEL_EVIDENCE_DEVELOPMENT, check_development},
	{CHANNEL_EVIDENCE_EMULATED, check_emulated},
	{CHANNEL_EVIDENCE_DCAP, check_dcap},
};

static enum err not_allowed(const char *who, const char *vm, struct err_ctx *err)
{
	return err_set(err, ERR_PERM, "the device's policy doesn't let %s read %.80s", who, vm);
}

static enum err key_allowed(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
			    const char *vm, char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	const struct memdev_policy_identity *i =
		memdev_policy_find(j->policy, e->type, e->identity, e->identity_size);
	char hex[KEYS_HEX_SIZE] = "";

	if (!i) {
		if (e->identity_size == KEYS_SIZE)
			keys_to_hex(e->identity, hex);
		return err_set(err, ERR_PERM, "the device's policy has no identity with key %s",
			       hex);
	}
	snprintf(who, MEMDEV_WHO_SIZE, "%s", memdev_policy_name(i));
	return memdev_policy_allows(i, vm) ? ERR_OK : not_allowed(who, vm, err);
}

static enum err enclave_allowed(const struct memdev_evidence_judge *j,
				const struct channel_evidence *e, const char *vm,
				char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	const struct memdev_policy_identity *i = NULL;
	struct channel_enclave enclave;
	char hex[KEYS_HEX_SIZE];
	uint16_t version;
	enum err r = channel_enclave_decode(e->identity, e->identity_size, &enclave, err);

	if (r)
		return r;
	while ((i = memdev_policy_next_enclave(j->policy, e->type, &enclave, i))) {
		snprintf(who, MEMDEV_WHO_SIZE, "%s", memdev_policy_name(i));
		if (memdev_policy_allows(i, vm))
			return ERR_OK;
	}
	if (who[0])
		return not_allowed(who, vm, err);
	version = memdev_policy_wants_version(j->policy, e->type, &enclave);
	if (version)
		return err_set(err, ERR_PERM,
			       "the device's policy wants version %u or later of this enclave, which "
			       "is version %u",
			       version, enclave.version);
	keys_to_hex(enclave.mrenclave, hex);
	return err_set(err, ERR_PERM, "the device's policy has no enclave with MRENCLAVE %s, nor its "
				      "signer with product %u", hex, enclave.product);
}

static enum err allowed(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
			const char *vm, char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	who[0] = '\0';
	return e->type == CHANNEL_EVIDENCE_DEVELOPMENT ? key_allowed(j, e, vm, who, err)
						       : enclave_allowed(j, e, vm, who, err);
}

static enum err judge(struct memdev_judge *base, const struct channel_evidence *e,
		      const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
		      char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	const struct memdev_evidence_judge *j = (const struct memdev_evidence_judge *)base;

	for (size_t i = 0; i < BASE_COUNT(types); i++) {
		enum err r;

		if (types[i].type != e->type)
			continue;
		r = types[i].check(j, e, transcript, err);
		return r ? r : allowed(j, e, vm, who, err);
	}
	return err_set(err, ERR_UNSUPPORTED, "this memory device knows no evidence of type %u",
		       e->type);
}

void memdev_evidence_judge_init(struct memdev_evidence_judge *j, const struct memdev_policy *policy,
				bool development)
{
	*j = (struct memdev_evidence_judge){
		.judge = {judge}, .policy = policy, .development = development};
}

// SPDX-License-Identifier: MIT
/* See memdev/evidence.h. */
#include "memdev/evidence.h"

#include <stdio.h>

#include "attach/keys.h"
#include "base/checked.h"

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

static const struct {
	uint32_t type;
	enum err (*check)(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
			  const uint8_t transcript[CHANNEL_HASH_SIZE], struct err_ctx *err);
} types[] = {
	{CHANNEL_EVIDENCE_DEVELOPMENT, check_development},
};

static enum err allowed(const struct memdev_evidence_judge *j, const struct channel_evidence *e,
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
	if (!memdev_policy_allows(i, vm))
		return err_set(err, ERR_PERM, "the device's policy doesn't let %s read %.80s", who,
			       vm);
	return ERR_OK;
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
	*j = (struct memdev_evidence_judge){{judge}, policy, development};
}

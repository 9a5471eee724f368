// SPDX-License-Identifier: MIT
/*
 * Who we are, to the device: a report of this enclave over the session's transcript, in which the key that
 * was made here for it is. The host says who is to read the report, and has it made into a quote; what
 * it says wrong the device refuses.
 */
#include <string.h>

#include "abi/guest.h"
#include "link.h"
#include "trusted/ocall.h"

struct proof {
	struct abi_targetinfo target __attribute__((aligned(ABI_TARGETINFO_ALIGN)));
	struct abi_report report __attribute__((aligned(ABI_REPORT_ALIGN)));
	uint8_t data[CHANNEL_REPORT_DATA_SIZE] __attribute__((aligned(ABI_REPORT_DATA_ALIGN)));
	uint8_t quote[CHANNEL_PROOF_MAX];
};

/* A quote of the report, in p->quote. */
static enum err make_quote(struct proof *p, size_t *size_ret, struct err_ctx *err)
{
	void *arena = trusted_arena(sizeof(p->quote));
	int64_t r;

	if (!arena)
		return err_set(err, ERR_LIMIT, "no room for a quote");
	trusted_copy_out(arena, &p->report, sizeof(p->report));
	r = trusted_ocall(ABI_GUEST_QUOTE, sizeof(p->report), 0, 0, 0, 0, 0);
	if (r <= 0 || r > CHANNEL_PROOF_MAX)
		return err_set(err, ERR_IO, "the host makes no quote (error %d)",
			       trusted_host_errno(r));
	trusted_copy_in(p->quote, arena, (size_t)r);
	*size_ret = (size_t)r;
	return ERR_OK;
}

static enum err evidence(struct sealed_identity *i, const uint8_t transcript[CHANNEL_HASH_SIZE],
			 void *buf, size_t room, size_t *size_ret, struct err_ctx *err)
{
	static struct proof p; /* sessions are opened one after the other */
	struct channel_enclave self;
	uint8_t identity[CHANNEL_ENCLAVE_SIZE];
	struct channel_evidence e = {.identity = identity, .identity_size = sizeof(identity)};
	void *arena = trusted_arena(sizeof(p.target));
	int64_t type = trusted_ocall(ABI_GUEST_TARGET, 0, 0, 0, 0, 0, 0);
	enum err r = ERR_OK;

	(void)i;
	if (type != CHANNEL_EVIDENCE_EMULATED && type != CHANNEL_EVIDENCE_DCAP)
		return err_set(err, ERR_IO, "the host has nobody who makes evidence (error %d)",
			       trusted_host_errno(type));
	memset(&p, 0, sizeof(p));
	if (type == CHANNEL_EVIDENCE_DCAP)
		trusted_copy_in(&p.target, arena, sizeof(p.target));
	channel_report_data(transcript, p.data);
	evidence_report(&p.target, p.data, &p.report);
	memcpy(self.mrenclave, p.report.mrenclave, sizeof(self.mrenclave));
	memcpy(self.mrsigner, p.report.mrsigner, sizeof(self.mrsigner));
	self.product = p.report.isv_prod_id;
	self.version = p.report.isv_svn;
	channel_enclave_encode(&self, identity);
	e.type = (uint32_t)type;
	e.proof = &p.report;
	e.proof_size = sizeof(p.report);
	if (type == CHANNEL_EVIDENCE_DCAP) {
		e.proof = p.quote;
		r = make_quote(&p, &e.proof_size, err);
	}
	return r ? r : channel_evidence_encode(&e, buf, room, size_ret, err);
}

void evidence_init(struct sealed_identity *ret)
{
	*ret = (struct sealed_identity){evidence};
}

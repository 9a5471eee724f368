/* SPDX-License-Identifier: MIT */
/*
 * The way to the memory device from inside: a session whose keys are made here, evidence by a report of
 * this enclave, and a ring in the host's memory, or files that the host opens and reads, as it says. The host
 * carries, and is believed nothing.
 */
#ifndef SCW_TRUSTED_LINK_H
#define SCW_TRUSTED_LINK_H

#include "abi/sgx.h"
#include "guest/pages.h"
#include "sealed/session.h"

struct link;

/*
 * Open a session for `vm` with the device whose public key is `device` (CHANNEL_KEY_SIZE bytes). Errors as
 * sealed_session_open()'s; ERR_TAMPERED also for a host that gives a ring where it mustn't be. `alloc` and `vm` are
 * used until link_close().
 */
enum err link_open(struct base_alloc *alloc, const char *vm, const uint8_t *device,
		   struct link **ret, struct err_ctx *err) ERR_NODISCARD;
/* Wipes the keys. NULL is fine. */
void link_close(struct link *l);

/* For sealed_pages_create(); belongs to `l`. */
struct sealed_carrier *link_sealed(struct link *l);
/* What the device said of the guest. */
const struct channel_accept *link_accept(const struct link *l);

/* What the last run on this boot of the guest missed, by a note of its; NULL: nothing is known. */
const struct guest_trail *link_trail(const struct link *l);
/*
 * When that, and what else the last run asked for, was asked for as request 1: for sealed_pages_adopt(). 0: it
 * wasn't.
 */
uint64_t link_asked(const struct link *l);
/* At the end. Was something asked for in the first epoch that isn't in the note, which has room for it? Now it is. */
bool link_learn(struct link *l);
/* Then: have the note kept for the next run, with what this one missed. */
void link_keep(struct link *l, const struct guest_trail *t);

/*
 * Frames by the host: what is sent waits in the arena for the exit by which the first answer is fetched, which fetches
 * those of all. Nothing else may use the arena between.
 */
struct link_frames {
	struct sealed_transport transport;
	size_t queued, count; /* bytes and number of what waits; the number also of what the host has sent */
	size_t at, got;	      /* what came and wasn't looked at: where in the arena, and bytes */
};
/* `greeted`: the host has sent the first frame, OPEN. */
void link_frames_init(struct link_frames *ret, bool greeted);

/* An enclave's report as an identity. */
void evidence_init(struct sealed_identity *ret);

/* EREPORT. All aligned as the instruction wants it (abi/sgx.h). */
void evidence_report(const struct abi_targetinfo *target, const uint8_t data[64],
		     struct abi_report *ret);
/* EGETKEY, the same. False: there is no such key. */
bool evidence_key(const struct abi_keyrequest *request, uint8_t ret[ABI_KEY_SIZE]);

#endif

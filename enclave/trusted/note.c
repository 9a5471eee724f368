// SPDX-License-Identifier: MIT
/*
 * Notes for the next run of this enclave, which the host keeps: sealed by a key that the processor gives to no other
 * enclave. What comes back is one of ours or nothing; a host that gives back an old one only wins time.
 */
#include "note.h"

#include <stddef.h>
#include <string.h>

#include "abi/guest.h"
#include "channel/channel.h"
#include "channel/note.h"
#include "link.h"
#include "trusted/ocall.h"
#include "trusted/runtime.h"

enum {
	STEP = 16, /* items by which a note grows */
};

struct kept {
	uint8_t keyid[32]; /* of the key: chosen by chance for each note */
	uint8_t tag[CHANNEL_NOTE_TAG_SIZE];
	struct note note;
};
static struct kept k; /* one at a time */
_Static_assert(sizeof(struct kept) <= ABI_GUEST_NOTE_MAX, "what the host keeps");

/* False: the processor gives none. */
static bool secret_of(const uint8_t keyid[32], uint8_t ret[CHANNEL_NOTE_SECRET_SIZE])
{
	static struct {
		struct abi_keyrequest request __attribute__((aligned(ABI_KEYREQUEST_ALIGN)));
		struct abi_targetinfo target __attribute__((aligned(ABI_TARGETINFO_ALIGN)));
		struct abi_report report __attribute__((aligned(ABI_REPORT_ALIGN)));
		uint8_t data[CHANNEL_REPORT_DATA_SIZE] __attribute__((aligned(ABI_REPORT_DATA_ALIGN)));
		uint8_t key[ABI_KEY_SIZE] __attribute__((aligned(ABI_KEY_SIZE)));
	} p; /* one after the other */
	bool good;

	/* the processor's version is in reports only */
	evidence_report(&p.target, p.data, &p.report);
	p.request = (struct abi_keyrequest){
		.key_name = ABI_KEY_SEAL,
		.key_policy = ABI_KEYPOLICY_MRENCLAVE,
		.isv_svn = p.report.isv_svn,
		.attribute_mask.flags = ABI_ATTR_INIT | ABI_ATTR_DEBUG,
	};
	memcpy(p.request.cpusvn, p.report.cpusvn, sizeof(p.request.cpusvn));
	memcpy(p.request.keyid, keyid, sizeof(p.request.keyid));
	good = evidence_key(&p.request, p.key);
	memcpy(ret, p.key, sizeof(p.key));
	channel_wipe(p.key, sizeof(p.key));
	return good;
}

/* Sealed, and with what is around it. The host sees about how much a program asks for by the size of its requests anyway. */
static size_t size_of(const struct note *n)
{
	size_t count = (n->item_count + STEP - 1) / STEP * STEP;

	return offsetof(struct kept, note.items) + (count < NOTE_ITEMS ? count : NOTE_ITEMS) * CHANNEL_ITEM_SIZE;
}

bool note_take(const char *vm, const void *from, size_t size, struct note *ret)
{
	uint8_t secret[CHANNEL_NOTE_SECRET_SIZE];
	bool good = size >= offsetof(struct kept, note.items) && size <= sizeof(k);

	if (good) {
		trusted_copy_in(&k, from, size);
		good = secret_of(k.keyid, secret) &&
		       channel_note_open(secret, vm, strlen(vm), &k.note, size - offsetof(struct kept, note), k.tag,
					 NULL) == ERR_OK &&
		       k.note.item_count <= NOTE_ITEMS && size == size_of(&k.note);
		channel_wipe(secret, sizeof(secret));
	}
	if (good)
		memcpy(ret, &k.note, size - offsetof(struct kept, note));
	return good;
}

void note_keep(const char *vm, const struct note *note)
{
	uint8_t secret[CHANNEL_NOTE_SECRET_SIZE];
	const size_t size = size_of(note);
	bool good;

	memcpy(&k.note, note, size - offsetof(struct kept, note));
	trusted_random(k.keyid, sizeof(k.keyid));
	good = secret_of(k.keyid, secret) &&
	       channel_note_seal(secret, vm, strlen(vm), &k.note, size - offsetof(struct kept, note), k.tag, NULL) ==
		       ERR_OK;
	channel_wipe(secret, sizeof(secret));
	if (!good)
		return;
	trusted_copy_out(trusted_arena(size), &k, size);
	(void)trusted_ocall(ABI_GUEST_KEEP, size, 0, 0, 0, 0, 0);
}

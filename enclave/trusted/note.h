/* SPDX-License-Identifier: MIT */
/* What an enclave remembers of its last run on a VM. */
#ifndef SCW_TRUSTED_NOTE_H
#define SCW_TRUSTED_NOTE_H

#include <stdbool.h>

#include "channel/message.h"
#include "guest/pages.h"

enum {
	NOTE_ITEMS = 112,
};

struct note {
	uint64_t generation; /* of the guest: addresses are of one boot */
	struct guest_trail trail;
	/* what else was asked for in the first epoch (sealed/asked.h) */
	uint64_t item_count;
	uint8_t items[NOTE_ITEMS * CHANNEL_ITEM_SIZE];
};

/* A note of `size` bytes is there in the arena, says the host: false if it isn't one of this enclave's on `vm`. */
bool note_take(const char *vm, const void *from, size_t size, struct note *ret);
/* Have it kept, if that can be: the host may not. */
void note_keep(const char *vm, const struct note *note);

#endif

/* SPDX-License-Identifier: MIT */
/* What an enclave remembers of its last run on a VM. */
#ifndef SCW_TRUSTED_NOTE_H
#define SCW_TRUSTED_NOTE_H

#include <stdbool.h>

#include "guest/pages.h"

struct note {
	uint64_t generation; /* of the guest: addresses are of one boot */
	struct guest_trail trail;
};

/* A note of `size` bytes is in the arena, says the host: false if it isn't one of this enclave's on `vm`. */
bool note_take(const char *vm, size_t size, struct note *ret);
/* Have it kept, if that can be: the host may not. */
void note_keep(const char *vm, const struct note *note);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What a client that can't keep anything itself has somebody else keep for it, who learns its size: an enclave's
 * notes for its next run. Who keeps it may give back an older one, another's, or none.
 */
#ifndef SCW_CHANNEL_NOTE_H
#define SCW_CHANNEL_NOTE_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CHANNEL_NOTE_SECRET_SIZE = 16,
	CHANNEL_NOTE_TAG_SIZE = 16,
};

/*
 * `data` is sealed in place (AES-256-GCM), with `about` bound in. One note a secret: that of the next one has to be
 * another. ERR_NOMEM.
 */
enum err channel_note_seal(const uint8_t secret[CHANNEL_NOTE_SECRET_SIZE], const void *about,
			   size_t about_size, void *data, size_t size,
			   uint8_t tag[CHANNEL_NOTE_TAG_SIZE], struct err_ctx *err) ERR_NODISCARD;

/* The other way round. ERR_TAMPERED: it isn't that note; `data` is wiped then. */
enum err channel_note_open(const uint8_t secret[CHANNEL_NOTE_SECRET_SIZE], const void *about,
			   size_t about_size, void *data, size_t size,
			   const uint8_t tag[CHANNEL_NOTE_TAG_SIZE], struct err_ctx *err) ERR_NODISCARD;

#endif

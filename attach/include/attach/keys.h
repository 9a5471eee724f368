/* SPDX-License-Identifier: MIT */
/*
 * Keys in files: one line "KIND HEX" each, so that a key can't be taken for one of another kind;
 * empty lines and those that begin with '#' don't count.
 */
#ifndef SCW_ATTACH_KEYS_H
#define SCW_ATTACH_KEYS_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/channel.h"

/* Where they are when nobody says otherwise. */
#define KEYS_DEVICE_SECRET "/etc/scwatcher/device.key"
#define KEYS_DEVICE_PUBLIC "/etc/scwatcher/device.pub"

enum {
	KEYS_SIZE = 32,
	KEYS_HEX_SIZE = 2 * KEYS_SIZE + 1, /* with the NUL */
};

enum keys_kind {
	KEYS_OF_DEVICE_SECRET,	 /* X25519 */
	KEYS_OF_DEVICE_PUBLIC,	 /* what clients pin */
	KEYS_OF_IDENTITY_SECRET, /* Ed25519 seed of a development identity */
	KEYS_OF_IDENTITY_PUBLIC, /* what the device's policy names */
	KEYS_OF_OUTPUT_SECRET,	 /* X25519: opens sealed output */
	KEYS_OF_OUTPUT_PUBLIC,	 /* what enclaves seal output for */
	KEYS_KIND_COUNT,
};

/* "device-secret", ... */
const char *keys_kind_name(enum keys_kind kind);

/*
 * Read a key. A file with a secret must belong to us or to root and must not be open to others:
 * ERR_PERM. ERR_ABSENT (no such file), ERR_CORRUPT (another kind, or no key), with the path in the
 * text. Wipe a secret after use.
 */
enum err keys_read(const char *path, enum keys_kind kind, uint8_t key[KEYS_SIZE],
		   struct err_ctx *err) ERR_NODISCARD;

/*
 * Write a new file, whole or not at all, that only we can read if the key is secret. ERR_INVAL when
 * there is one already: a key is never overwritten.
 */
enum err keys_write(const char *path, enum keys_kind kind, const uint8_t key[KEYS_SIZE],
		    struct err_ctx *err) ERR_NODISCARD;

void keys_to_hex(const uint8_t key[KEYS_SIZE], char ret[KEYS_HEX_SIZE]);
/* Exactly 64 digits. */
bool keys_from_hex(const char *hex, uint8_t ret[KEYS_SIZE]);

/*
 * "$XDG_CONFIG_HOME/scwatcher/identity.key", or below ~/.config; false when there is no home or it doesn't fit.
 */
bool keys_identity_path(char path[PATH_MAX]);

/* The kernel's randomness. */
extern const struct channel_random keys_random;

#endif

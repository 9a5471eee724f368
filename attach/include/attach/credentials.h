/* SPDX-License-Identifier: MIT */
/* What a session is opened with, out of files: the device's key that is pinned, and who we are. */
#ifndef SCW_ATTACH_CREDENTIALS_H
#define SCW_ATTACH_CREDENTIALS_H

#include "attach/keys.h"
#include "attach/sealed.h"
#include "sealed/session.h"

/* Not to be moved; `paths` are borrowed. Wipe it after use (channel_wipe()). */
struct attach_credentials {
	struct sealed_identity identity; /* read when it is needed: after the hello was sent */
	const struct attach_sealed_paths *paths;
	uint8_t pin[KEYS_SIZE];
	bool read;
	enum err why; /* it can't be used */
	struct err_ctx told;
	struct channel_signing_key key;
	struct sealed_development development;
};

/*
 * Reads the pinned key; sets up the cryptographic library, too. ERR_ABSENT, ERR_PERM and others of keys_read(), with what
 * to do; about the identity sealed_session_open() says the same.
 */
enum err attach_credentials_init(struct attach_credentials *c, const struct attach_sealed_paths *paths,
				 struct err_ctx *err) ERR_NODISCARD;

/* Options of a session for `vm`; both are borrowed. */
struct sealed_session_options attach_credentials_use(struct attach_credentials *c, const char *vm);

#endif

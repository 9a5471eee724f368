/* SPDX-License-Identifier: MIT */
/* What a session is opened with, out of files: the device's key that is pinned, and who we are. */
#ifndef SCW_ATTACH_CREDENTIALS_H
#define SCW_ATTACH_CREDENTIALS_H

#include "attach/keys.h"
#include "attach/sealed.h"
#include "sealed/session.h"

/* Not to be moved: `identity` points into it. Wipe it after use (channel_wipe()). */
struct attach_credentials {
	uint8_t pin[KEYS_SIZE];
	struct channel_signing_key key;
	struct sealed_development identity;
};

/* Sets up the cryptographic library, too. ERR_ABSENT, ERR_PERM and others of keys_read(), with what to do. */
enum err attach_credentials_read(const struct attach_sealed_paths *paths,
				 struct attach_credentials *ret, struct err_ctx *err) ERR_NODISCARD;

/* Options of a session for `vm`; both are borrowed. */
struct sealed_session_options attach_credentials_use(struct attach_credentials *c, const char *vm);

#endif

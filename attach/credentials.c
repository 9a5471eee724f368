// SPDX-License-Identifier: MIT
/* See attach/credentials.h. */
#include "attach/credentials.h"

static enum err no_key(const char *what, const char *how, enum err e, struct err_ctx *err)
{
	struct err_ctx told = *err;

	if (e != ERR_ABSENT)
		return e;
	err_clear(err);
	return err_set(err, e, "%s: %.150s (%s)", what, told.text, how);
}

enum err attach_credentials_read(const struct attach_sealed_paths *paths,
				 struct attach_credentials *ret, struct err_ctx *err)
{
	struct err_ctx told = {0};
	uint8_t seed[KEYS_SIZE];
	enum err e = channel_library_init(err);

	if (e)
		return e;
	if (!err)
		err = &told;
	e = keys_read(paths->pin, KEYS_OF_DEVICE_PUBLIC, ret->pin, err);
	if (e)
		return no_key("the device's key isn't pinned",
			      "copy it from the device's host", e, err);
	e = keys_read(paths->identity, KEYS_OF_IDENTITY_SECRET, seed, err);
	if (e)
		return no_key("no identity", "make one with scwatcher keys", e, err);
	e = channel_signing_key_from_seed(seed, &ret->key, err);
	channel_wipe(seed, sizeof(seed));
	sealed_development_init(&ret->identity, &ret->key);
	return e;
}

struct sealed_session_options attach_credentials_use(struct attach_credentials *c, const char *vm)
{
	return (struct sealed_session_options){
		.vm = vm,
		.device = c->pin,
		.identity = &c->identity.identity,
		.random = &keys_random,
	};
}

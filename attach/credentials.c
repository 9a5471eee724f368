// SPDX-License-Identifier: MIT
/* See attach/credentials.h. */
#include "attach/credentials.h"

#include <stddef.h>

static enum err no_key(const char *what, const char *how, enum err e, const struct err_ctx *told,
		       struct err_ctx *err)
{
	if (e == ERR_ABSENT)
		return err_set(err, e, "%s: %.150s (%s)", what, told->text, how);
	return err_set(err, e, "%s", told->text);
}

static struct attach_credentials *of_identity(struct sealed_identity *i)
{
	return (struct attach_credentials *)((char *)i - offsetof(struct attach_credentials, identity));
}

static void prepare(struct sealed_identity *i)
{
	struct attach_credentials *c = of_identity(i);
	uint8_t seed[KEYS_SIZE];

	if (c->read)
		return;
	c->read = true;
	c->why = keys_read(c->paths->identity, KEYS_OF_IDENTITY_SECRET, seed, &c->told);
	if (!c->why)
		c->why = channel_signing_key_from_seed(seed, &c->key, &c->told);
	channel_wipe(seed, sizeof(seed));
	sealed_development_init(&c->development, &c->key);
}

static enum err evidence(struct sealed_identity *i, const uint8_t transcript[CHANNEL_HASH_SIZE],
			 void *buf, size_t room, size_t *size_ret, struct err_ctx *err)
{
	struct attach_credentials *c = of_identity(i);
	struct sealed_identity *development = &c->development.identity;

	prepare(i);
	return c->why ? no_key("no identity", "make one with scwatcher keys", c->why, &c->told, err) :
			development->evidence(development, transcript, buf, room, size_ret, err);
}

enum err attach_credentials_init(struct attach_credentials *c, const struct attach_sealed_paths *paths,
				 struct err_ctx *err)
{
	struct err_ctx told = {0};
	enum err e = channel_library_init(err);

	*c = (struct attach_credentials){
		.identity = {.evidence = evidence, .prepare = prepare}, .paths = paths};
	if (e)
		return e;
	e = keys_read(paths->pin, KEYS_OF_DEVICE_PUBLIC, c->pin, &told);
	return e ? no_key("the device's key isn't pinned", "copy it from the device's host", e, &told,
			  err) :
		   ERR_OK;
}

struct sealed_session_options attach_credentials_use(struct attach_credentials *c, const char *vm)
{
	return (struct sealed_session_options){
		.vm = vm,
		.device = c->pin,
		.identity = &c->identity,
		.random = &keys_random,
	};
}

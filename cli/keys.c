// SPDX-License-Identifier: MIT
/* scwatcher keys: makes and shows the keys of memory devices and of those who ask them. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/keys.h"
#include "channel/evidence.h"
#include "cli.h"

struct shown {
	const char *path;
	enum keys_kind kind;
	char public[KEYS_HEX_SIZE];
};

/* The kinds come in pairs. */
static enum keys_kind public_kind(enum keys_kind secret)
{
	return secret == KEYS_OF_DEVICE_SECRET	   ? KEYS_OF_DEVICE_PUBLIC
	       : secret == KEYS_OF_IDENTITY_SECRET ? KEYS_OF_IDENTITY_PUBLIC
						   : KEYS_OF_OUTPUT_PUBLIC;
}

static const char *public_use(enum keys_kind secret)
{
	return secret == KEYS_OF_DEVICE_SECRET	 ? ": clients pin it."
	       : secret == KEYS_OF_OUTPUT_SECRET ? ": enclaves seal their output for it."
						 : ".";
}

static void print_keys(const struct options *o, const struct shown *s)
{
	if (o->json) {
		json_object *j = json_object_new_object();

		json_object_object_add(j, "file", json_object_new_string(s->path));
		json_object_object_add(j, "kind", json_object_new_string(keys_kind_name(s->kind)));
		json_object_object_add(j, "public", json_object_new_string(s->public));
		printf("%s\n", json_object_to_json_string_ext(j, JSON_C_TO_STRING_PRETTY));
		json_object_put(j);
		return;
	}
	printf("file    %s\nkind    %s\npublic  %s\n", s->path, keys_kind_name(s->kind), s->public);
	if (s->kind == KEYS_OF_IDENTITY_SECRET || s->kind == KEYS_OF_IDENTITY_PUBLIC)
		printf("\nFor the policy of a memory device:\n"
		       "\t{ name = \"me\"; type = \"development\"; key = \"%s\"; vms = [ \"*\" ]; }\n",
		       s->public);
}

/* The public key that belongs to what a file of this kind holds. */
static enum err public_of(enum keys_kind kind, const uint8_t key[KEYS_SIZE],
			  uint8_t public[KEYS_SIZE], struct err_ctx *err)
{
	struct channel_key_pair pair;
	struct channel_signing_key signing;
	enum err e = ERR_OK;

	switch (kind) {
	case KEYS_OF_DEVICE_SECRET:
	case KEYS_OF_OUTPUT_SECRET:
		e = channel_key_pair_from_secret(key, &pair, err);
		if (!e)
			memcpy(public, pair.public, KEYS_SIZE);
		channel_wipe(&pair, sizeof(pair));
		return e;
	case KEYS_OF_IDENTITY_SECRET:
		e = channel_signing_key_from_seed(key, &signing, err);
		if (!e)
			memcpy(public, signing.public, KEYS_SIZE);
		channel_wipe(&signing, sizeof(signing));
		return e;
	default:
		memcpy(public, key, KEYS_SIZE);
		return ERR_OK;
	}
}

/* "x.key" becomes "x.pub", and "x" "x.pub". */
static bool public_path(const char *path, char ret[PATH_MAX])
{
	size_t size = strlen(path);

	if (size > 4 && strcmp(path + size - 4, ".key") == 0)
		size -= 4;
	return snprintf(ret, PATH_MAX, "%.*s.pub", (int)size, path) < PATH_MAX;
}

static enum status make(const struct options *o, enum keys_kind secret, const char *path)
{
	struct shown s = {.path = path, .kind = secret};
	uint8_t key[KEYS_SIZE], public[KEYS_SIZE];
	char beside[PATH_MAX];
	struct err_ctx err = {0};
	enum err e = channel_library_init(&err);

	if (!e && !public_path(path, beside))
		e = err_set(&err, ERR_INVAL, "%.150s... is too long a path", path);
	if (!e && !keys_random.fill(keys_random.ctx, key, sizeof(key)))
		e = err_set(&err, ERR_IO, "no randomness for a key");
	if (!e)
		e = public_of(secret, key, public, &err);
	if (!e)
		e = keys_write(path, secret, key, &err);
	if (!e) {
		e = keys_write(beside, public_kind(secret), public, &err);
		/* both or none: it was made just now, and nobody knows it */
		if (e)
			unlink(path);
	}
	channel_wipe(key, sizeof(key));
	if (e)
		return cli_fail("keys", e, &err);
	keys_to_hex(public, s.public);
	print_keys(o, &s);
	if (!o->json)
		printf("\nThe public key alone is in %s%s\n", beside, public_use(secret));
	return STATUS_OK;
}

static enum status show(const struct options *o, const char *path)
{
	uint8_t key[KEYS_SIZE], public[KEYS_SIZE];
	struct shown s = {.path = path};
	struct err_ctx err = {0};
	enum err e = channel_library_init(&err);

	if (e)
		return cli_fail("keys", e, &err);
	/* what kind it is, the file says; public ones first, which others may read */
	e = ERR_CORRUPT;
	for (int i = 0; e == ERR_CORRUPT && i < 2 * KEYS_KIND_COUNT; i++) {
		bool is_public = (i % KEYS_KIND_COUNT) % 2 == KEYS_OF_DEVICE_PUBLIC;

		if (is_public != (i < KEYS_KIND_COUNT))
			continue;
		err_clear(&err);
		s.kind = (enum keys_kind)(i % KEYS_KIND_COUNT);
		e = keys_read(path, s.kind, key, &err);
	}
	if (e == ERR_CORRUPT) {
		err_clear(&err);
		err_set(&err, e, "%.150s holds no key", path);
	}
	if (!e)
		e = public_of(s.kind, key, public, &err);
	channel_wipe(key, sizeof(key));
	if (e)
		return cli_fail("keys", e, &err);
	keys_to_hex(public, s.public);
	print_keys(o, &s);
	return STATUS_OK;
}

/*
 * The two folders above `path`, for our eyes only where we make them: what is the user's own above these
 * has to be there.
 */
static void make_folders(const char *path)
{
	char folder[2][PATH_MAX];

	for (int i = 0; i < 2; i++) {
		snprintf(folder[i], PATH_MAX, "%s", i ? folder[0] : path);
		*strrchr(folder[i], '/') = '\0';
	}
	/* what can't be made is told when the file is */
	(void)!mkdir(folder[1], 0700);
	(void)!mkdir(folder[0], 0700);
}

enum status cli_keys(const struct options *o, int argc, char **argv)
{
	static const struct err_ctx usage = {
		.code = ERR_INVAL,
		.text = "say what: `keys device --new FILE`, `keys output --new FILE`, `keys "
			"identity --new [FILE]` or `keys show [FILE]`"};
	static const struct err_ctx homeless = {
		.code = ERR_INVAL,
		.text = "neither XDG_CONFIG_HOME nor HOME says where your identity is: name its file"};
	char identity[PATH_MAX];
	const char *path = argc > 1 ? argv[1] : NULL;
	bool default_path = !path && strcmp(argv[0], "device") != 0 && strcmp(argv[0], "output") != 0;

	if (default_path && keys_identity_path(identity)) {
		path = identity;
	} else if (default_path) {
		cli_complain("keys", ERR_INVAL, &homeless);
		return STATUS_USAGE;
	}
	if (path && strcmp(argv[0], "device") == 0 && o->new_key)
		return make(o, KEYS_OF_DEVICE_SECRET, path);
	if (path && strcmp(argv[0], "output") == 0 && o->new_key)
		return make(o, KEYS_OF_OUTPUT_SECRET, path);
	if (path && strcmp(argv[0], "identity") == 0 && o->new_key) {
		if (default_path)
			make_folders(path);
		return make(o, KEYS_OF_IDENTITY_SECRET, path);
	}
	if (path && strcmp(argv[0], "show") == 0 && !o->new_key)
		return show(o, path);
	cli_complain("keys", ERR_INVAL, &usage);
	return STATUS_USAGE;
}

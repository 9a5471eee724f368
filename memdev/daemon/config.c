// SPDX-License-Identifier: MIT
/* See config.h. To add a setting: a member, a default, a row here, a line in scwatcherd(8). */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "attach/keys.h"
#include "base/checked.h"
#include "settings.h"

static const struct row {
	const char *name;
	enum { TEXT, NUMBER, MODE, FLAG } kind;
	size_t offset, size; /* of the member */
	unsigned int least, most;
} rows[] = {
#define TEXT_ROW(member)                                                                           \
	{#member, TEXT, offsetof(struct config, member), sizeof(((struct config *)0)->member), 0, 0}
#define NUMBER_ROW(member, least, most)                                                            \
	{#member, NUMBER, offsetof(struct config, member), 0, least, most}
	TEXT_ROW(socket),
	TEXT_ROW(control),
	TEXT_ROW(key),
	TEXT_ROW(policy),
	TEXT_ROW(user),
	TEXT_ROW(mount),
	TEXT_ROW(sgx_root),
	TEXT_ROW(sgx_collateral),
	TEXT_ROW(sgx_accept_tcb),
	{"socket_mode", MODE, offsetof(struct config, socket_mode), 0, 0, 0777},
	{"accept_development_keys", FLAG, offsetof(struct config, development), 0, 0, 0},
	{"insecure_accept_emulated", FLAG, offsetof(struct config, emulated), 0, 0, 0},
	NUMBER_ROW(sessions, 1, 4096),
	NUMBER_ROW(sessions_per_vm, 1, 4096),
	NUMBER_ROW(handshake_s, 1, 3600),
	NUMBER_ROW(idle_s, 0, 86400 * 7),
	NUMBER_ROW(warm_s, 0, 60),
	NUMBER_ROW(memory_mib, 64, 1 << 16),
#undef NUMBER_ROW
#undef TEXT_ROW
};

void config_defaults(struct config *c)
{
	*c = (struct config){
		.socket = "/run/scwatcher/device.sock",
		.control = "/run/scwatcher/control.sock",
		.key = KEYS_DEVICE_SECRET,
		.policy = "/etc/scwatcher/policy.conf",
		.user = "scwatcher",
		.sgx_root = "/etc/scwatcher/sgx-root.pem",
		.sgx_collateral = "/etc/scwatcher/sgx-collateral",
		.sgx_accept_tcb = "UpToDate",
		.socket_mode = 0660,
		.sessions = 256,
		.sessions_per_vm = 64,
		.handshake_s = 15,
		.warm_s = 60,
		.memory_mib = 256,
	};
}

static const struct row *find(const char *name)
{
	for (size_t i = 0; i < BASE_COUNT(rows); i++) {
		if (strcmp(rows[i].name, name) == 0)
			return &rows[i];
	}
	return NULL;
}

static const char out_of_range[] = "is out of range";

/* With what would be in it. */
static const char *explain(const struct row *r, const char *fault, char text[64])
{
	if (!r || fault != out_of_range)
		return fault;
	snprintf(text, 64, r->kind == MODE ? "%s: %o to %o" : "%s: %u to %u", fault, r->least, r->most);
	return text;
}

/* What is wrong with the value, NULL when it was taken. */
static const char *set_text(struct config *c, const struct row *r, const char *value)
{
	if (strlen(value) >= r->size)
		return "is too long";
	memcpy((char *)c + r->offset, value, strlen(value) + 1);
	return NULL;
}

static const char *set_number(struct config *c, const struct row *r, long long value)
{
	unsigned int v = (unsigned int)value;

	if (value < r->least || value > r->most)
		return out_of_range;
	memcpy((char *)c + r->offset, &v, sizeof(v));
	return NULL;
}

static const char *set_string(struct config *c, const struct row *r, const char *value)
{
	char *end = NULL;
	long long number;

	if (r->kind == TEXT)
		return set_text(c, r, value);
	if (r->kind == FLAG)
		return "takes true or false";
	number = strtoll(value, &end, r->kind == MODE ? 8 : 10);
	return *value && !*end ? set_number(c, r, number) : "isn't a number";
}

static const char *set_setting(struct config *c, const struct row *r, const config_setting_t *s)
{
	int type = config_setting_type(s);
	bool value;

	switch (r->kind) {
	case NUMBER:
		if (type == CONFIG_TYPE_INT)
			return set_number(c, r, config_setting_get_int(s));
		return type == CONFIG_TYPE_INT64 ? out_of_range : "isn't a number";
	case FLAG:
		if (type != CONFIG_TYPE_BOOL)
			return "takes true or false";
		value = config_setting_get_bool(s) == CONFIG_TRUE;
		memcpy((char *)c + r->offset, &value, sizeof(value));
		return NULL;
	default:
		return type == CONFIG_TYPE_STRING ? set_string(c, r, config_setting_get_string(s))
						  : "isn't a string";
	}
}

enum err config_set(struct config *c, const char *name, const char *value, struct err_ctx *err)
{
	const struct row *r = find(name);
	const char *fault;
	char text[64];

	if (!r)
		return err_set(err, ERR_ABSENT, "there is no setting \"%.40s\"", name);
	fault = set_string(c, r, value);
	return fault ? err_set(err, ERR_INVAL, "\"%s\" %s", name, explain(r, fault, text)) : ERR_OK;
}

enum err config_parse(struct config *c, const char *text, size_t size, const char *name,
		      struct err_ctx *err)
{
	const config_setting_t *root;
	config_t config;
	enum err e = settings_parse(&config, text, size, name, err);

	if (e)
		return e;
	root = config_root_setting(&config);
	for (int i = 0; i < config_setting_length(root) && !e; i++) {
		const config_setting_t *s = config_setting_get_elem(root, (unsigned int)i);
		const struct row *r = find(config_setting_name(s));
		const char *fault = r ? set_setting(c, r, s) : "isn't a setting";
		char range[64];

		if (fault)
			e = settings_wrong(s, name, err, "\"%.40s\" %s", config_setting_name(s),
					   explain(r, fault, range));
	}
	config_destroy(&config);
	return e;
}

enum err config_load(struct config *c, const char *path, struct err_ctx *err)
{
	size_t size;
	char *text;
	enum err e = settings_read(path, &text, &size, err);

	if (e)
		return e;
	e = config_parse(c, text, size, path, err);
	free(text);
	return e;
}

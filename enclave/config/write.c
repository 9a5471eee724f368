// SPDX-License-Identifier: MIT
/* The signer's side of the configuration: from what was asked for to bytes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"

static void write_key(FILE *out, const char *name, const uint8_t key[CONFIG_KEY_SIZE])
{
	fprintf(out, "%s=", name);
	for (size_t i = 0; i < CONFIG_KEY_SIZE; i++)
		fprintf(out, "%02x", key[i]);
	fputc('\n', out);
}

static void write_text(FILE *out, const char *name, struct config_text t)
{
	fprintf(out, "%s=", name);
	fwrite(t.text, 1, t.size, out);
	fputc('\n', out);
}

static void write_permit(FILE *out, unsigned int permit)
{
	const char *name;
	bool first = true;

	fputs("permit=", out);
	for (unsigned int i = 0; (name = config_permit_name(i)); i++) {
		if (!(permit & 1U << i))
			continue;
		fprintf(out, "%s%s", first ? "" : ",", name);
		first = false;
	}
	fputc('\n', out);
}

static void write_all(FILE *out, const struct config *c)
{
	fputs("scwatcher-enclave 1\n", out);
	if (c->has_device_key)
		write_key(out, "device-key", c->device_key);
	if (c->has_seal_key)
		write_key(out, "seal-key", c->seal_key);
	for (size_t i = 0; i < c->argument_count; i++)
		write_text(out, "argument", c->arguments[i]);
	for (size_t i = 0; i < c->environment_count; i++)
		write_text(out, "environment", c->environment[i]);
	if (c->permit != CONFIG_PERMIT_ALL)
		write_permit(out, c->permit);
	for (size_t i = 0; i < c->file_count; i++) {
		fprintf(out, "file=%zu ", c->files[i].size);
		fwrite(c->files[i].path.text, 1, c->files[i].path.size, out);
		fputc('\n', out);
	}
	fputc('\n', out);
	for (size_t i = 0; i < c->file_count; i++)
		fwrite(c->files[i].data, 1, c->files[i].size, out);
}

/* A newline in a text would begin a line of its own. */
static bool has_newline(const struct config *c)
{
	for (size_t i = 0; i < c->argument_count; i++)
		if (memchr(c->arguments[i].text, '\n', c->arguments[i].size))
			return true;
	for (size_t i = 0; i < c->environment_count; i++)
		if (memchr(c->environment[i].text, '\n', c->environment[i].size))
			return true;
	for (size_t i = 0; i < c->file_count; i++)
		if (memchr(c->files[i].path.text, '\n', c->files[i].path.size))
			return true;
	return false;
}

enum err config_write(const struct config *c, uint8_t **ret, size_t *size_ret, struct err_ctx *err)
{
	char *data = NULL;
	size_t size = 0;
	struct config *check;
	FILE *out;
	enum err e = ERR_OK;

	if (has_newline(c))
		return err_set(err, ERR_INVAL, "configuration: a newline in an argument, a "
					       "variable or a path");
	out = open_memstream(&data, &size);
	check = malloc(sizeof(*check));
	if (!out || !check)
		e = err_set(err, ERR_NOMEM, "no memory for a configuration");
	if (out) {
		write_all(out, c);
		if (fclose(out))
			e = err_set(err, ERR_NOMEM, "no memory for a configuration");
	}
	if (!e && config_parse(data, size, check, err))
		e = ERR_INVAL;
	free(check);
	if (e) {
		free(data);
		return e;
	}
	*ret = (uint8_t *)data;
	*size_ret = size;
	return ERR_OK;
}

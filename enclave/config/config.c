// SPDX-License-Identifier: MIT
/* The measured configuration: its parser, used inside and by who looks at images. */
#include "config/config.h"

#include <string.h>

#include "base/checked.h"
#include "base/cursor.h"

static const char first_line[] = "scwatcher-enclave 1";

static const char *const permits[] = { "read", "write", "terminal", "poll" };

struct parse {
	struct base_cursor in;
	unsigned int line;
	bool permit_seen;
	size_t file_sizes; /* of all files so far */
	struct config *ret;
	struct err_ctx *err;
};

const char *config_permit_name(unsigned int index)
{
	return index < BASE_COUNT(permits) ? permits[index] : NULL;
}

static bool text_is(struct config_text a, const char *b)
{
	return a.size == strlen(b) && !memcmp(a.text, b, a.size);
}

static bool text_equal(struct config_text a, struct config_text b)
{
	return a.size == b.size && !memcmp(a.text, b.text, a.size);
}

static enum err broken(const struct parse *p, const char *what)
{
	return err_set(p->err, ERR_CORRUPT, "configuration: line %u: %s", p->line, what);
}

static enum err too_many(const struct parse *p, const char *what, unsigned int most)
{
	return err_set(p->err, ERR_LIMIT, "configuration: line %u: more than %u %s", p->line, most,
		       what);
}

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static enum err parse_key(const struct parse *p, struct config_text v, bool *has,
			  uint8_t key[CONFIG_KEY_SIZE])
{
	if (*has)
		return broken(p, "a second key of the same kind");
	if (v.size != 2 * CONFIG_KEY_SIZE)
		return broken(p, "a key is 64 hexadecimal digits");
	for (size_t i = 0; i < CONFIG_KEY_SIZE; i++) {
		int high = digit(v.text[2 * i]), low = digit(v.text[2 * i + 1]);

		if (high < 0 || low < 0)
			return broken(p, "a key is 64 hexadecimal digits in lower case");
		key[i] = (uint8_t)(high << 4 | low);
	}
	*has = true;
	return ERR_OK;
}

static enum err parse_permit(struct parse *p, struct config_text v)
{
	if (p->permit_seen)
		return broken(p, "permit twice");
	p->permit_seen = true;
	p->ret->permit = 0;
	while (v.size) {
		const char *comma = memchr(v.text, ',', v.size);
		struct config_text name = { v.text, comma ? (size_t)(comma - v.text) : v.size };
		unsigned int i = 0;

		while (i < BASE_COUNT(permits) && !text_is(name, permits[i]))
			i++;
		if (i == BASE_COUNT(permits))
			return broken(p, "permit: not a kind of call that can be permitted");
		p->ret->permit |= 1U << i;
		v.text += name.size + (comma ? 1 : 0);
		v.size -= name.size + (comma ? 1 : 0);
	}
	return ERR_OK;
}

static struct config_text environment_name(struct config_text v)
{
	const char *equals = memchr(v.text, '=', v.size);

	return (struct config_text){ v.text, equals ? (size_t)(equals - v.text) : v.size };
}

static enum err parse_environment(struct parse *p, struct config_text v)
{
	struct config *c = p->ret;
	struct config_text name = environment_name(v);

	if (!name.size)
		return broken(p, "a variable without a name");
	if (c->environment_count == CONFIG_ENVIRONMENT_MAX)
		return too_many(p, "variables", CONFIG_ENVIRONMENT_MAX);
	for (size_t i = 0; i < c->environment_count; i++)
		if (text_equal(environment_name(c->environment[i]), name))
			return broken(p, "the same variable twice");
	c->environment[c->environment_count++] = v;
	return ERR_OK;
}

static enum err parse_argument(struct parse *p, struct config_text v)
{
	struct config *c = p->ret;

	if (c->argument_count == CONFIG_ARGUMENTS_MAX)
		return too_many(p, "arguments", CONFIG_ARGUMENTS_MAX);
	c->arguments[c->argument_count++] = v;
	return ERR_OK;
}

/* Absolute, in its shortest form, and not where the program sees something else. */
static bool path_is_good(struct config_text path)
{
	size_t at = 0;

	if (!path.size || path.text[path.size - 1] == '/')
		return false;
	while (at < path.size) {
		const char *name = path.text + at + 1, *slash;
		size_t size;

		if (path.text[at] != '/')
			return false;
		slash = memchr(name, '/', path.size - at - 1);
		size = slash ? (size_t)(slash - name) : path.size - at - 1;
		if (!size || size > 255 || (size == 1 && name[0] == '.') ||
		    (size == 2 && name[0] == '.' && name[1] == '.'))
			return false;
		if (!at && ((size == 4 && !memcmp(name, "proc", 4)) ||
			    (size == 3 && !memcmp(name, "dev", 3))))
			return false;
		at += 1 + size;
	}
	return true;
}

/* The same, or one in a folder that is the other. */
static bool paths_collide(struct config_text a, struct config_text b)
{
	size_t size = a.size < b.size ? a.size : b.size;

	if (memcmp(a.text, b.text, size) != 0)
		return false;
	return a.size == b.size || (a.size < b.size ? b.text[size] : a.text[size]) == '/';
}

static enum err parse_file(struct parse *p, struct config_text v)
{
	struct config *c = p->ret;
	struct config_file f = { 0 };
	size_t at = 0;

	for (; at < v.size && v.text[at] >= '0' && v.text[at] <= '9'; at++) {
		f.size = f.size * 10 + (size_t)(v.text[at] - '0');
		if (f.size > CONFIG_SIZE_MAX)
			return broken(p, "a file that is larger than a configuration");
	}
	if (!at || at == v.size || v.text[at] != ' ')
		return broken(p, "not the size and path of a file");
	f.path = (struct config_text){ v.text + at + 1, v.size - at - 1 };
	if (!path_is_good(f.path))
		return broken(p, "a file's path has to be absolute, without . and .., and outside "
				 "/proc and /dev");
	if (c->file_count == CONFIG_FILES_MAX)
		return too_many(p, "files", CONFIG_FILES_MAX);
	for (size_t i = 0; i < c->file_count; i++)
		if (paths_collide(c->files[i].path, f.path))
			return broken(p, "two files in the same place");
	c->files[c->file_count++] = f;
	return ERR_OK;
}

static enum err parse_line(struct parse *p, struct config_text line)
{
	struct config *c = p->ret;
	const char *equals = memchr(line.text, '=', line.size);
	struct config_text name, value;

	if (!equals)
		return broken(p, "not name=value");
	if (memchr(line.text, 0, line.size))
		return broken(p, "a NUL");
	name = (struct config_text){ line.text, (size_t)(equals - line.text) };
	value = (struct config_text){ equals + 1, line.size - name.size - 1 };
	if (value.size > CONFIG_TEXT_MAX)
		return broken(p, "too long");
	if (text_is(name, "device-key"))
		return parse_key(p, value, &c->has_device_key, c->device_key);
	if (text_is(name, "seal-key"))
		return parse_key(p, value, &c->has_seal_key, c->seal_key);
	if (text_is(name, "argument"))
		return parse_argument(p, value);
	if (text_is(name, "environment"))
		return parse_environment(p, value);
	if (text_is(name, "permit"))
		return parse_permit(p, value);
	if (text_is(name, "file"))
		return parse_file(p, value);
	return broken(p, "an unknown name");
}

static bool next_line(struct parse *p, struct config_text *ret)
{
	p->line++;
	ret->text = base_cursor_line(&p->in, &ret->size);
	return ret->text;
}

enum err config_parse(const void *data, size_t size, struct config *ret, struct err_ctx *err)
{
	struct parse p = { .in = base_cursor_over(data, size), .ret = ret, .err = err };
	struct config_text line;

	memset(ret, 0, sizeof(*ret));
	ret->permit = CONFIG_PERMIT_ALL;
	if (!size)
		return ERR_OK;
	if (size > CONFIG_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "configuration: more than %u bytes", CONFIG_SIZE_MAX);
	if (!next_line(&p, &line) || !text_is(line, first_line))
		return broken(&p, "not a configuration of this version");
	for (;;) {
		enum err e;

		if (!next_line(&p, &line))
			return broken(&p, "ends before an empty line");
		if (!line.size)
			break;
		e = parse_line(&p, line);
		if (e)
			return e;
	}
	for (size_t i = 0; i < ret->file_count; i++) {
		ret->files[i].data = base_cursor_bytes(&p.in, ret->files[i].size);
		if (!ret->files[i].data)
			return err_set(err, ERR_CORRUPT, "configuration: cut short in file %zu",
				       i + 1);
	}
	if (base_cursor_left(&p.in))
		return err_set(err, ERR_CORRUPT, "configuration: bytes after the last file");
	return ERR_OK;
}

bool config_environment_allows(const struct config *c, const char *entry, size_t size)
{
	struct config_text name = environment_name((struct config_text){ entry, size });

	for (size_t i = 0; i < c->environment_count; i++)
		if (text_equal(c->environment[i], name))
			return true;
	return false;
}

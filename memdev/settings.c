// SPDX-License-Identifier: MIT
/* See settings.h. */
#include "settings.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* libconfig would open files in the middle of parsing; its own switch for that came later. */
static unsigned int line_of_include(const char *text)
{
	unsigned int line = 1;

	for (const char *p = text; *p; line++) {
		const char *word = p + strspn(p, " \t\r\f\v");

		if (*word == '@')
			return line;
		p += strcspn(p, "\n");
		p += *p == '\n';
	}
	return 0;
}

enum err settings_parse(config_t *config, const char *text, size_t size, const char *name,
			struct err_ctx *err)
{
	unsigned int include;

	if (strnlen(text, size) != size)
		return err_set(err, ERR_CORRUPT, "%.100s: holds a zero byte", name);
	include = line_of_include(text);
	if (include)
		return err_set(err, ERR_CORRUPT, "%.100s:%u: other files can't be included", name,
			       include);
	config_init(config);
	if (config_read_string(config, text) == CONFIG_TRUE)
		return ERR_OK;
	err_set(err, ERR_CORRUPT, "%.100s:%d: %.80s", name, config_error_line(config),
		config_error_text(config));
	config_destroy(config);
	return ERR_CORRUPT;
}

static enum err check_file(int fd, const char *path, struct err_ctx *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return err_set(err, ERR_CORRUPT, "%.150s is no file", path);
	if (st.st_size > SETTINGS_FILE_MAX)
		return err_set(err, ERR_LIMIT, "%.150s is larger than %d bytes", path,
			       SETTINGS_FILE_MAX);
	if ((st.st_uid != geteuid() && st.st_uid != 0) || st.st_mode & 022)
		return err_set(err, ERR_PERM,
			       "%.150s may be written by others: it must belong to root, mode 0644 or "
			       "less",
			       path);
	return ERR_OK;
}

enum err settings_read(const char *path, char **ret, size_t *size_ret, struct err_ctx *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char *text = NULL;
	size_t used = 0;
	ssize_t n = 1;
	enum err e;

	if (fd < 0)
		return err_set_errno(err,
				     errno == ENOENT ? ERR_ABSENT
				     : errno == EACCES ? ERR_PERM
						       : ERR_IO,
				     errno, "can't open %.150s", path);
	e = check_file(fd, path, err);
	if (!e) {
		text = calloc(1, SETTINGS_FILE_MAX + 1);
		if (!text)
			e = err_set(err, ERR_NOMEM, "out of memory");
	}
	while (!e && n > 0 && used < SETTINGS_FILE_MAX) {
		n = read(fd, text + used, SETTINGS_FILE_MAX - used);
		if (n < 0)
			e = err_set_errno(err, ERR_IO, errno, "can't read %.150s", path);
		else
			used += (size_t)n;
	}
	close(fd);
	if (e) {
		free(text);
		return e;
	}
	*ret = text;
	*size_ret = used;
	return ERR_OK;
}

enum err settings_wrong(const config_setting_t *at, const char *name, struct err_ctx *err,
			const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	return err_set(err, ERR_CORRUPT, "%.90s:%u: %s", name,
		       (unsigned int)config_setting_source_line(at), what);
}

enum err settings_only(const config_setting_t *group, const char *const *known, const char *name,
		       struct err_ctx *err)
{
	for (int i = 0; i < config_setting_length(group); i++) {
		const config_setting_t *s = config_setting_get_elem(group, (unsigned int)i);
		const char *member = config_setting_name(s);
		bool found = false;

		for (const char *const *k = known; *k && !found; k++)
			found = member && strcmp(member, *k) == 0;
		if (!found)
			return settings_wrong(s, name, err, "there is no setting \"%.40s\"",
					      member ? member : "");
	}
	return ERR_OK;
}

/* SPDX-License-Identifier: MIT */
/* What the policy and the configuration have in common: libconfig's syntax, errors with their place. */
#ifndef SCW_MEMDEV_SETTINGS_H
#define SCW_MEMDEV_SETTINGS_H

#include <libconfig.h>
#include <stddef.h>

#include "base/err.h"

enum {
	SETTINGS_FILE_MAX = 1 << 20,
};

/*
 * Parse `size` bytes of text; `name` is for messages. ERR_CORRUPT with "NAME:LINE: what". After
 * ERR_OK, config_destroy() is the caller's. Inclusion of other files is refused.
 */
enum err settings_parse(config_t *config, const char *text, size_t size, const char *name,
			struct err_ctx *err) ERR_NODISCARD;

/*
 * The bytes of a file that only root or we may write, with a NUL after them; free() them. ERR_ABSENT, ERR_PERM,
 * ERR_IO, ERR_LIMIT.
 */
enum err settings_read(const char *path, char **ret, size_t *size_ret,
		       struct err_ctx *err) ERR_NODISCARD;

/* "NAME:LINE: what is wrong at `at`" as ERR_CORRUPT. */
enum err settings_wrong(const config_setting_t *at, const char *name, struct err_ctx *err,
			const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Has the group members that aren't among `known` (ends with NULL)? Then ERR_CORRUPT. */
enum err settings_only(const config_setting_t *group, const char *const *known, const char *name,
		       struct err_ctx *err) ERR_NODISCARD;

#endif

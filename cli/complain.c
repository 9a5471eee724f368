// SPDX-License-Identifier: MIT
/* What all commands say the same way: complaints and exit statuses. */
#include <stdio.h>

#include "cli.h"

void cli_complain(const char *what, enum err code, const struct err_ctx *err)
{
	char text[512];

	if (err && err->code)
		err_describe(err, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", err_name(code));
	fprintf(stderr, "scwatcher: %s: %s\n", what, text);
}

enum status cli_status_of(enum err e)
{
	switch (e) {
	case ERR_OK:
		return STATUS_OK;
	case ERR_ABSENT:
	case ERR_AMBIGUOUS:
		return STATUS_NO_VM;
	case ERR_PERM:
		return STATUS_PERMISSION;
	case ERR_NOTREADY:
	case ERR_UNSUPPORTED:
		return STATUS_NO_GUEST;
	case ERR_CORRUPT:
		return STATUS_BAD_FILE;
	case ERR_GONE:
		return STATUS_GONE;
	default:
		return STATUS_FAILED;
	}
}

enum status cli_fail(const char *what, enum err code, const struct err_ctx *err)
{
	cli_complain(what, code, err);
	return cli_status_of(code);
}

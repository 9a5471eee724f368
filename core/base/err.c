// SPDX-License-Identifier: MIT
/* The error record and its translations: the only place that knows every code's name and errno. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	enum err code;
	int sys;
	const char *name;
} codes[] = {
	{ERR_OK, 0, "ok"},
	{ERR_NOMEM, ENOMEM, "out of memory"},
	{ERR_INVAL, EINVAL, "invalid request"},
	{ERR_ABSENT, ENOENT, "absent"},
	{ERR_UNMAPPED, EFAULT, "unmapped"},
	{ERR_NOPHYS, EFAULT, "no such physical memory"},
	{ERR_CORRUPT, EIO, "corrupt"},
	{ERR_TORN, EAGAIN, "torn"},
	{ERR_LIMIT, EOVERFLOW, "limit reached"},
	{ERR_TAMPERED, EBADMSG, "tampered with"},
	{ERR_UNSUPPORTED, EOPNOTSUPP, "unsupported"},
	{ERR_PERM, EACCES, "permission denied"},
	{ERR_IO, EIO, "host i/o failed"},
	{ERR_GONE, ESRCH, "gone"},
	{ERR_NOTREADY, EAGAIN, "not ready"},
	{ERR_AMBIGUOUS, EINVAL, "ambiguous"},
};

static enum err __attribute__((format(printf, 5, 0)))
set(struct err_ctx *ctx, enum err code, int sys_errno, const uint64_t *addr, const char *fmt,
    va_list ap)
{
	if (!ctx || ctx->code != ERR_OK)
		return code;
	ctx->code = code;
	ctx->sys_errno = sys_errno;
	ctx->has_addr = addr != NULL;
	ctx->addr = addr ? *addr : 0;
	vsnprintf(ctx->text, sizeof(ctx->text), fmt, ap);
	return code;
}

enum err err_set(struct err_ctx *ctx, enum err code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(ctx, code, 0, NULL, fmt, ap);
	va_end(ap);
	return code;
}

enum err err_set_addr(struct err_ctx *ctx, enum err code, uint64_t addr, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(ctx, code, 0, &addr, fmt, ap);
	va_end(ap);
	return code;
}

enum err err_set_errno(struct err_ctx *ctx, enum err code, int sys_errno, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(ctx, code, sys_errno, NULL, fmt, ap);
	va_end(ap);
	return code;
}

void err_clear(struct err_ctx *ctx)
{
	if (ctx)
		memset(ctx, 0, sizeof(*ctx));
}

const char *err_name(enum err code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].name;
	return "unknown error";
}

const char *err_of_guest(enum err code)
{
	switch (code) {
	case ERR_GONE:
		return "the guest went away or restarted";
	case ERR_LIMIT:
		return "a file of the guest's takes more memory or steps than are allowed";
	case ERR_NOMEM:
		return "out of memory for a file of the guest's";
	default:
		return err_name(code);
	}
}

const char *err_describe(const struct err_ctx *ctx, char *buf, size_t size)
{
	const char *text = ctx->text[0] ? ctx->text : err_name(ctx->code);

	if (ctx->has_addr && ctx->sys_errno)
		snprintf(buf, size, "%s (at 0x%llx): %s", text, (unsigned long long)ctx->addr,
			 strerror(ctx->sys_errno));
	else if (ctx->has_addr)
		snprintf(buf, size, "%s (at 0x%llx)", text, (unsigned long long)ctx->addr);
	else if (ctx->sys_errno)
		snprintf(buf, size, "%s: %s", text, strerror(ctx->sys_errno));
	else
		snprintf(buf, size, "%s", text);
	return buf;
}

int err_to_errno(enum err code)
{
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (codes[i].code == code)
			return codes[i].sys;
	return EIO;
}

/* SPDX-License-Identifier: MIT */
/*
 * The one error convention of all parts: a negative enum that the caller must look at, and a
 * caller-owned, fixed-size record of the detail, so that the fault path never allocates (guest
 * faults are ordinary). At the edge to kernel-style code and to the vfs it is translated once,
 * by err_to_errno().
 */
#ifndef SCW_BASE_ERR_H
#define SCW_BASE_ERR_H

#include <stddef.h>
#include <stdint.h>

/*
 * "Not there" is not "broken": ERR_ABSENT and ERR_UNMAPPED are answers about the guest, ERR_CORRUPT
 * and ERR_TORN say that what is there can't be trusted, ERR_LIMIT that a bound of ours was hit.
 */
enum err {
	ERR_OK = 0,
	ERR_NOMEM = -1,	    /* allocation failed or the allocator's limit is reached */
	ERR_INVAL = -2,	    /* the caller asked for something senseless */
	ERR_ABSENT = -3,    /* symbol, type, member, enumerator, file, VM: not there */
	ERR_UNMAPPED = -4,  /* guest virtual address has no translation */
	ERR_NOPHYS = -5,    /* guest physical address is not backed by the source */
	ERR_CORRUPT = -6,   /* malformed bytes: truncated, out of range, self-contradicting */
	ERR_TORN = -7,	    /* changed while being read; worth a retry */
	ERR_LIMIT = -8,	    /* a stated bound was hit (list length, depth, size) */
	ERR_TAMPERED = -9,  /* sealed data failed authentication */
	ERR_UNSUPPORTED = -10, /* well-formed, but not something we handle (32-bit, paging mode) */
	ERR_PERM = -11,	    /* the host refused access */
	ERR_IO = -12,	    /* the host's I/O failed; detail has errno */
	ERR_GONE = -13,	    /* the VM or its memory went away while in use */
	ERR_NOTREADY = -14, /* guest still booting, or no Linux found yet */
	ERR_AMBIGUOUS = -15, /* more than one thing has the given name */
};

#define ERR_NODISCARD __attribute__((warn_unused_result))

/*
 * Where the detail of a failure goes. Owned by the caller, who may pass NULL when only the code
 * matters. The first failure wins: err_set() on a record that holds one keeps the older.
 */
struct err_ctx {
	enum err code;
	int sys_errno;	 /* host errno, or 0 */
	uint64_t addr;	 /* guest address or offset, meaningful if has_addr */
	unsigned char has_addr;
	char text[232];	 /* lower case, no full stop, what failed first; NUL-terminated */
};

/* Record `code` with a formatted text (printf style) and return `code`. `ctx` may be NULL. */
enum err err_set(struct err_ctx *ctx, enum err code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* As err_set(), with the guest address or offset concerned. */
enum err err_set_addr(struct err_ctx *ctx, enum err code, uint64_t addr, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* As err_set(), with the host's errno; its meaning is appended to the text by err_describe(). */
enum err err_set_errno(struct err_ctx *ctx, enum err code, int sys_errno, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* Forget what `ctx` holds. */
void err_clear(struct err_ctx *ctx);

/* Short name of a code, such as "unmapped"; "unknown error" for a value outside the enum. */
const char *err_name(enum err code);

/* For people: what it means that reading a guest's file failed so, when nothing more is known. */
const char *err_of_guest(enum err code);

/*
 * One line for people: text, address and host errno. Writes at most `size` bytes with the NUL;
 * returns buf.
 */
const char *err_describe(const struct err_ctx *ctx, char *buf, size_t size);

/* The errno (positive) that a file operation shows for `code`; 0 for ERR_OK. */
int err_to_errno(enum err code);

#endif

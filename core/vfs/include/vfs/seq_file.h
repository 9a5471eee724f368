/* SPDX-License-Identifier: MIT */
/*
 * The output side of a regular file, in the idiom of kernel code: show functions print records,
 * the buffer grows up to a limit. Overflow is sticky and becomes -EFBIG for the reader; printers
 * need not check. A record that turns out torn is taken back with seq_rollback().
 */
#ifndef SCW_VFS_SEQ_FILE_H
#define SCW_VFS_SEQ_FILE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"

struct seq_file {
	struct base_alloc *alloc;
	char *buf;
	size_t count;  /* bytes written */
	size_t size;   /* bytes allocated */
	size_t limit;  /* most bytes a file may have */
	size_t pad_until;
	int error;     /* 0 or a sticky -errno */
	size_t enough; /* bytes after which a listing in portions stops for now */
	void *rest;    /* what it goes on with; NULL: the content is whole */
};

void seq_init(struct seq_file *m, struct base_alloc *alloc, size_t limit);
void seq_deinit(struct seq_file *m);

/*
 * %d %i %u %x %X %o %c %s %p %% with flags, width, precision and lengths, as printf. Any other
 * conversion makes the file fail with -EINVAL.
 */
void seq_printf(struct seq_file *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void seq_vprintf(struct seq_file *m, const char *fmt, va_list ap);
void seq_puts(struct seq_file *m, const char *s);
void seq_putc(struct seq_file *m, char c);
void seq_write(struct seq_file *m, const void *data, size_t size);

/* `delimiter` (may be "") then the number; as the kernel's helpers of these names. */
void seq_put_decimal_ull(struct seq_file *m, const char *delimiter, unsigned long long v);
void seq_put_decimal_ll(struct seq_file *m, const char *delimiter, long long v);
/* Right-aligned in `width` columns, padded with spaces. */
void seq_put_decimal_ull_width(struct seq_file *m, const char *delimiter, unsigned long long v,
			       unsigned int width);
/* Lower-case hexadecimal, at least `width` digits, zero-padded. */
void seq_put_hex_ll(struct seq_file *m, const char *delimiter, unsigned long long v,
		    unsigned int width);

/* Bytes of `s` up to `size`, those in `esc` (and '\\' if listed) and NULs as \ooo. */
void seq_escape_mem(struct seq_file *m, const void *s, size_t size, const char *esc);

/* From now to seq_pad(), at least `size` columns: seq_pad fills with spaces, then prints c if not 0. */
void seq_setwidth(struct seq_file *m, size_t size);
void seq_pad(struct seq_file *m, char c);

/*
 * Long listings may come in portions, so that who reads them goes to work on the first rows: the show function
 * keeps what it needs to go on in `size` bytes, which are zeros at first (NULL: out of memory, noted), returns once
 * seq_enough(), and is called again for as long as it doesn't say that it is done.
 */
void *seq_rest(struct seq_file *m, size_t size);
void seq_rest_done(struct seq_file *m);

static inline bool seq_enough(const struct seq_file *m)
{
	return m->count >= m->enough;
}

/* Take a position; give back everything printed since. */
static inline size_t seq_mark(const struct seq_file *m)
{
	return m->count;
}
void seq_rollback(struct seq_file *m, size_t mark);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The one way to read untrusted bytes: a bounded cursor with a sticky error. A read past the end
 * gives zeros (or NULL) and marks the cursor as failed; callers read a whole record and then look
 * at base_cursor_ok() once. Numbers are little-endian. The bytes are borrowed and must not change
 * meanwhile: copy guest memory first.
 */
#ifndef SCW_BASE_CURSOR_H
#define SCW_BASE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct base_cursor {
	const unsigned char *data;
	size_t size;
	size_t pos;
	bool failed;
};

static inline struct base_cursor base_cursor_over(const void *data, size_t size)
{
	return (struct base_cursor){.data = data, .size = size};
}

static inline bool base_cursor_ok(const struct base_cursor *c)
{
	return !c->failed;
}

/* Bytes not read yet; 0 once failed. */
static inline size_t base_cursor_left(const struct base_cursor *c)
{
	return c->failed ? 0 : c->size - c->pos;
}

/* The next `size` bytes in place, or NULL when there are fewer. */
static inline const unsigned char *base_cursor_bytes(struct base_cursor *c, size_t size)
{
	const unsigned char *p;

	if (c->failed || size > c->size - c->pos) {
		c->failed = true;
		return NULL;
	}
	p = c->data + c->pos;
	c->pos += size;
	return p;
}

static inline void base_cursor_skip(struct base_cursor *c, size_t size)
{
	(void)base_cursor_bytes(c, size);
}

/* Go to the absolute offset `pos` (at most the size); doesn't undo a failure. */
static inline void base_cursor_seek(struct base_cursor *c, size_t pos)
{
	if (pos > c->size)
		c->failed = true;
	else
		c->pos = pos;
}

static inline uint8_t base_cursor_u8(struct base_cursor *c)
{
	const unsigned char *p = base_cursor_bytes(c, 1);

	return p ? p[0] : 0;
}

static inline uint16_t base_cursor_u16(struct base_cursor *c)
{
	const unsigned char *p = base_cursor_bytes(c, 2);

	return p ? (uint16_t)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t base_cursor_u32(struct base_cursor *c)
{
	const unsigned char *p = base_cursor_bytes(c, 4);

	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
			   (uint32_t)p[3] << 24
		 : 0;
}

static inline uint64_t base_cursor_u64(struct base_cursor *c)
{
	uint64_t low = base_cursor_u32(c);
	uint64_t high = base_cursor_u32(c);

	return c->failed ? 0 : low | high << 32;
}

/* A NUL-terminated string in place, the NUL skipped; NULL when none ends within the bytes. */
static inline const char *base_cursor_cstring(struct base_cursor *c)
{
	const unsigned char *start = c->failed ? NULL : c->data + c->pos;
	const unsigned char *end = start ? memchr(start, 0, c->size - c->pos) : NULL;

	if (!end) {
		c->failed = true;
		return NULL;
	}
	c->pos = (size_t)(end - c->data) + 1;
	return (const char *)start;
}

/*
 * The next line in place, without its newline, which is skipped; the last one may lack it. NULL,
 * without failing, when nothing is left.
 */
static inline const char *base_cursor_line(struct base_cursor *c, size_t *size_ret)
{
	const unsigned char *start = c->failed ? NULL : c->data + c->pos;
	const unsigned char *end;

	if (!start || c->pos == c->size)
		return NULL;
	end = memchr(start, '\n', c->size - c->pos);
	*size_ret = end ? (size_t)(end - start) : c->size - c->pos;
	c->pos += *size_ret + (end ? 1 : 0);
	return (const char *)start;
}

/*
 * A cursor over `size` bytes at the absolute offset `at` of the same bytes; a failed one when they
 * don't lie within. `c` itself doesn't move.
 */
static inline struct base_cursor base_cursor_slice(const struct base_cursor *c, size_t at,
						   size_t size)
{
	if (c->failed || at > c->size || size > c->size - at)
		return (struct base_cursor){.failed = true};
	return (struct base_cursor){.data = c->data + at, .size = size};
}

#endif

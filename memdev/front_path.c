// SPDX-License-Identifier: MIT
/* Names in the pread carrier's file system. */
#include "front_path.h"

#include <string.h>

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static int base64_digit(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	if (c == '_')
		return 63;
	return -1;
}

bool front_session_parse(const char *name, struct front_session_name *ret)
{
	struct front_session_name s;

	if (strnlen(name, FRONT_NAME_MAX + 1) != 2 * sizeof(s.bytes))
		return false;
	for (size_t i = 0; i < sizeof(s.bytes); i++) {
		int high = hex_digit(name[2 * i]), low = hex_digit(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		s.bytes[i] = (uint8_t)(high << 4 | low);
	}
	*ret = s;
	return true;
}

/* `digits` hex digits at *p. */
static bool take_hex(const char **p, size_t digits, uint64_t *ret)
{
	uint64_t v = 0;

	for (; digits; digits--, (*p)++) {
		int d = hex_digit(**p);

		if (d < 0)
			return false;
		v = v << 4 | (uint64_t)d;
	}
	*ret = v;
	return true;
}

/* A decimal number of at most `max` without leading zeros, and the dot after it. */
static bool take_decimal(const char **p, uint32_t max, uint32_t *ret)
{
	const char *start = *p;
	uint32_t v = 0;

	for (; **p >= '0' && **p <= '9'; (*p)++) {
		if (*p > start && *start == '0')
			return false;
		v = v * 10 + (uint32_t)(**p - '0');
		if (v > max)
			return false;
	}
	if (*p == start || **p != '.')
		return false;
	(*p)++;
	*ret = v;
	return true;
}

/* Base64url to its end; the bits left over are zeros, so that a message has one name only. */
static bool take_base64(const char *p, size_t size, struct front_piece *ret)
{
	uint32_t bits = 0, held = 0;

	if (size % 4 == 1)
		return false;
	ret->size = 0;
	for (; size; size--, p++) {
		int d = base64_digit(*p);

		if (d < 0)
			return false;
		bits = bits << 6 | (uint32_t)d;
		held += 6;
		if (held < 8)
			continue;
		held -= 8;
		ret->bytes[ret->size++] = (uint8_t)(bits >> held);
		bits &= (1u << held) - 1;
	}
	return !bits;
}

bool front_piece_parse(const char *name, struct front_piece *ret)
{
	size_t size = strnlen(name, FRONT_PIECE_NAME_MAX + 1);
	const char *p = name;

	if (size > FRONT_PIECE_NAME_MAX || !take_decimal(&p, FRONT_MESSAGE_MAX, &ret->offset) ||
	    !take_decimal(&p, FRONT_MESSAGE_MAX, &ret->total) ||
	    !take_base64(p, size - (size_t)(p - name), ret))
		return false;
	return ret->size && ret->offset <= ret->total && ret->size <= ret->total - ret->offset;
}

bool front_entry_parse(const char *name, struct front_entry *ret)
{
	struct front_entry e = {.kind = FRONT_ENTRY_MEMORY};
	size_t size = strnlen(name, FRONT_NAME_MAX + 1);
	const char *p = name;

	if (!strcmp(name, "hello"))
		e.kind = FRONT_ENTRY_HELLO;
	else if (!strcmp(name, "record"))
		e.kind = FRONT_ENTRY_RECORD;
	else if (!strcmp(name, "error"))
		e.kind = FRONT_ENTRY_ERROR;
	else if (size < 16 || !take_hex(&p, 16, &e.epoch))
		return false;
	else if (size > 16 &&
		 (*p++ != '.' || size > 33 || *p == '0' || size < 18 ||
		  !take_hex(&p, size - 17, &e.space)))
		return false;
	*ret = e;
	return true;
}

/* SPDX-License-Identifier: MIT */
/* Whether bytes are text: UTF-8 (RFC 3629). */
#ifndef SCW_BASE_UTF8_H
#define SCW_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>

/* Bytes (1 to 4) of the character that starts at `s`, of which `left` can be read; 0: there is none. */
static inline size_t base_utf8_size(const unsigned char *s, size_t left)
{
	size_t size;

	if (!left || s[0] > 0xf4)
		return 0;
	size = s[0] < 0x80 ? 1 : s[0] < 0xc2 ? 0 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;
	if (size > left)
		return 0;
	for (size_t i = 1; i < size; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	/* overlong forms, surrogates, and what lies beyond the last character */
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return size;
}

static inline bool base_utf8_valid(const void *bytes, size_t size)
{
	const unsigned char *s = bytes;

	for (size_t used = 0, n; used < size; used += n) {
		n = base_utf8_size(s + used, size - used);
		if (!n)
			return false;
	}
	return true;
}

#endif

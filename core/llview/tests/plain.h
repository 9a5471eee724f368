/* SPDX-License-Identifier: MIT */
/* walk.c as ordinary C on the guest's own types: what the plugin's version is compared with. */
#ifndef PLAIN_H
#define PLAIN_H

#include <stddef.h>
#include <string.h>

#include "theirs.h"

#define __guest
#define __pinned

struct guest_bound {
	int left;
};
#define GUEST_BOUND(n)		((struct guest_bound){n})
#define guest_more(b)		((b)->left-- > 0)
#define guest_more_at(b, p)	guest_more(b)
#define guest_container_of(p, T, m) ((T *)((char *)(p) - offsetof(T, m)))
#define guest_pin(p)		(p)
#define guest_copy(p)		(p)
#define guest_addr(p)		((uint64_t)(uintptr_t)(p))
#define guest_enum(T, NAME)	((int64_t)NAME)

static inline size_t guest_strncpy(char *dst, const char *src, size_t size)
{
	size_t n = strnlen(src, size - 1);

	memcpy(dst, src, n);
	dst[n] = '\0';
	return n;
}

static inline bool guest_read(void *dst, const void *src, size_t size)
{
	memcpy(dst, src, size);
	return true;
}

#endif

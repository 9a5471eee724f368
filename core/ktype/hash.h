/* SPDX-License-Identifier: MIT */
/*
 * A hash of names that can be put together from hashes of their pieces, so that kallsyms' tokens
 * are hashed once each instead of once a name.
 */
#ifndef SCW_KTYPE_HASH_H
#define SCW_KTYPE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define NAME_HASH_FACTOR 0x9e3779b97f4a7c15u

static inline uint64_t name_hash_add(uint64_t h, char c)
{
	return h * NAME_HASH_FACTOR + (unsigned char)c + 1;
}

static inline uint64_t name_hash_bytes(uint64_t h, const char *s, size_t size)
{
	for (size_t i = 0; i < size; i++)
		h = name_hash_add(h, s[i]);
	return h;
}

/* The high bits are the good ones. */
static inline uint32_t name_hash_bucket(uint64_t h, uint32_t mask)
{
	return (uint32_t)((h ^ h >> 32) * NAME_HASH_FACTOR >> 32) & mask;
}

#endif

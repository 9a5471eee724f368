/* SPDX-License-Identifier: MIT */
/* Arithmetic on numbers that came from outside: the result, or false when it doesn't fit. */
#ifndef SCW_BASE_CHECKED_H
#define SCW_BASE_CHECKED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BASE_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* *ret = a + b; false (and *ret unspecified) on overflow. */
static inline bool __attribute__((warn_unused_result)) base_add(size_t a, size_t b, size_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

/* *ret = a * b; false (and *ret unspecified) on overflow. */
static inline bool __attribute__((warn_unused_result)) base_mul(size_t a, size_t b, size_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* As base_add(), for guest addresses and sizes. */
static inline bool __attribute__((warn_unused_result)) base_add64(uint64_t a, uint64_t b,
								    uint64_t *ret)
{
	return !__builtin_add_overflow(a, b, ret);
}

/* As base_mul(), for guest addresses and sizes. */
static inline bool __attribute__((warn_unused_result)) base_mul64(uint64_t a, uint64_t b,
								    uint64_t *ret)
{
	return !__builtin_mul_overflow(a, b, ret);
}

/* Does [offset, offset + size) lie within [0, whole)? An empty range at `whole` does. */
static inline bool base_in_range(uint64_t offset, uint64_t size, uint64_t whole)
{
	return offset <= whole && size <= whole - offset;
}

#endif

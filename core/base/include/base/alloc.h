/* SPDX-License-Identifier: MIT */
/*
 * The allocation hook: core/ gets memory through this only, so that the same code runs in a
 * daemon, in a tool's process and in an enclave, and so that nothing a guest holds can make us
 * allocate without limit.
 */
#ifndef SCW_BASE_ALLOC_H
#define SCW_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

/*
 * `resize` behaves as realloc() (old == NULL allocates, size == 0 frees and returns NULL); it must
 * return memory aligned for any object. `zeroed` (may be NULL) allocates as calloc(), for which fresh
 * pages needn't be touched. `limit` and `used` are bytes; callers never touch them.
 * Not thread-safe: one allocator a thread or a lock around it.
 */
struct base_alloc {
	void *(*resize)(void *ctx, void *old, size_t size);
	void *(*zeroed)(void *ctx, size_t size);
	void *ctx;
	size_t limit;
	size_t used;
};

/* An allocator over the C library's, with a limit in bytes. */
void base_alloc_init(struct base_alloc *a, size_t limit);

/* `count` zeroed elements of `size` bytes, or NULL (limit, overflow, or out of memory). */
void *base_alloc_zeroed(struct base_alloc *a, size_t count, size_t size)
	__attribute__((malloc, warn_unused_result));

/* Grow or shrink to `count` elements of `size` bytes; NULL leaves `old` as it was. */
void *base_alloc_resize(struct base_alloc *a, void *old, size_t count, size_t size)
	__attribute__((warn_unused_result));

/* Give back; NULL is fine. */
void base_free(struct base_alloc *a, void *p);

#endif

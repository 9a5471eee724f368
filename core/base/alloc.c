// SPDX-License-Identifier: MIT
/*
 * Memory with a limit. Each block carries its size in front, so that `used` stays exact without
 * asking the callers for it.
 */
#include "base/alloc.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"

/* Keeps what follows aligned for any object. */
union header {
	size_t size;
	max_align_t align;
};

static void *libc_resize(void *ctx, void *old, size_t size)
{
	(void)ctx;
	if (size == 0) {
		free(old);
		return NULL;
	}
	return realloc(old, size);
}

static void *libc_zeroed(void *ctx, size_t size)
{
	(void)ctx;
	return calloc(1, size);
}

void base_alloc_init(struct base_alloc *a, size_t limit)
{
	*a = (struct base_alloc){.resize = libc_resize, .zeroed = libc_zeroed, .limit = limit};
}

/* Bytes of a block for `count` elements in place of `had` bytes; false when it would be too much. */
static bool block_size(const struct base_alloc *a, size_t had, size_t count, size_t size,
		       size_t *ret)
{
	size_t bytes;

	if (!base_mul(count, size, &bytes) || !base_add(bytes, sizeof(union header), ret))
		return false;
	/* had <= used always; the new total must stay within the limit */
	return *ret <= a->limit && a->used - had <= a->limit - *ret;
}

void *base_alloc_resize(struct base_alloc *a, void *old, size_t count, size_t size)
{
	union header *block = old ? (union header *)old - 1 : NULL;
	size_t had = block ? block->size : 0;
	size_t total;

	if (!block_size(a, had, count, size, &total))
		return NULL;
	block = a->resize(a->ctx, block, total);
	if (!block)
		return NULL;
	block->size = total;
	a->used = a->used - had + total;
	return block + 1;
}

void *base_alloc_zeroed(struct base_alloc *a, size_t count, size_t size)
{
	union header *block;
	size_t total;
	void *p;

	if (!a->zeroed) {
		p = base_alloc_resize(a, NULL, count, size);
		if (p)
			memset(p, 0, count * size);
		return p;
	}
	if (!block_size(a, 0, count, size, &total))
		return NULL;
	block = a->zeroed(a->ctx, total);
	if (!block)
		return NULL;
	block->size = total;
	a->used += total;
	return block + 1;
}

void base_free(struct base_alloc *a, void *p)
{
	union header *block;

	if (!p)
		return;
	block = (union header *)p - 1;
	a->used -= block->size;
	a->resize(a->ctx, block, 0);
}

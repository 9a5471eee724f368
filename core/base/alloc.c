// SPDX-License-Identifier: MIT
/*
 * Memory with a limit. Each block carries its size in front, so that `used` stays exact without
 * asking the callers for it.
 */
#include "base/alloc.h"

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

void base_alloc_init(struct base_alloc *a, size_t limit)
{
	*a = (struct base_alloc){.resize = libc_resize, .limit = limit};
}

void *base_alloc_resize(struct base_alloc *a, void *old, size_t count, size_t size)
{
	union header *block = old ? (union header *)old - 1 : NULL;
	size_t had = block ? block->size : 0;
	size_t bytes, total;

	if (!base_mul(count, size, &bytes) || !base_add(bytes, sizeof(*block), &total))
		return NULL;
	/* had <= used always; the new total must stay within the limit */
	if (total > a->limit || a->used - had > a->limit - total)
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
	void *p = base_alloc_resize(a, NULL, count, size);

	if (p)
		memset(p, 0, count * size);
	return p;
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

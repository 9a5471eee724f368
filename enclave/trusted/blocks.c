// SPDX-License-Identifier: MIT
/* See blocks.h. */
#include "blocks.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "trusted/runtime.h"

enum {
	LARGE = 1 << 15,
};

/* Blocks begin with their size (base/alloc.h). */
static size_t size_of(const void *block)
{
	size_t size;

	memcpy(&size, block, sizeof(size));
	return size;
}

static void *take(size_t size)
{
	long r;

	if (size < LARGE)
		return malloc(size);
	r = trusted_mmap_unset(size);
	return r < 0 ? NULL : (void *)r;
}

static void give_back(void *block)
{
	if (block && size_of(block) >= LARGE)
		trusted_munmap((uint64_t)block, size_of(block));
	else
		free(block);
}

static void *resize(void *ctx, void *old, size_t size)
{
	size_t had = old ? size_of(old) : 0;
	void *p;

	(void)ctx;
	if (had < LARGE && size && size < LARGE)
		return realloc(old, size);
	p = size ? take(size) : NULL;
	if (size && !p)
		return NULL;
	if (p && old)
		memcpy(p, old, had < size ? had : size);
	give_back(old);
	return p;
}

/* What is large comes as zeros, but isn't cleared a second time. */
static void *zeroed(void *ctx, size_t size)
{
	const int prot = PROT_READ | PROT_WRITE, flags = MAP_PRIVATE | MAP_ANONYMOUS;
	long r;

	(void)ctx;
	if (size < LARGE)
		return calloc(1, size);
	r = trusted_mmap(0, size, prot, flags);
	return r < 0 ? NULL : (void *)r;
}

void blocks_init(struct base_alloc *ret, size_t limit)
{
	*ret = (struct base_alloc){.resize = resize, .zeroed = zeroed, .limit = limit};
}

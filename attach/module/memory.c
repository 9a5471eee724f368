// SPDX-License-Identifier: MIT
/*
 * Memory for what a session is sent (core/sealed/store.c). Touching fresh memory is a good part of what a
 * small tool's session costs: a fault for each page, unless it's asked for many at once.
 */
#include "memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LARGE = 1 << 21, /* a large page */
};

static void *map(size_t size, int flags)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Sessions that come to need one go on to fill it. */
static void *map_large(void)
{
	uint8_t *p = map(2 * (size_t)LARGE, 0);
	size_t before = -(uintptr_t)p % LARGE;

	if (!p)
		return NULL;
	if (before)
		munmap(p, before);
	munmap(p + before + LARGE, LARGE - before);
	madvise(p + before, LARGE, MADV_HUGEPAGE);
	return p + before;
}

static void *line_memory_resize(void *ctx, void *old, size_t size)
{
	size_t had;

	(void)ctx;
	if (old && !size) {
		/* blocks begin with their size (base/alloc.h) */
		memcpy(&had, old, sizeof(had));
		munmap(old, had > LARGE / 2 && had <= LARGE ? LARGE : had);
	}
	if (old)
		return NULL;
	if (size > LARGE / 2 && size <= LARGE)
		return map_large();
	return map(size, MAP_POPULATE);
}

void line_memory_init(struct base_alloc *a, size_t limit)
{
	*a = (struct base_alloc){.resize = line_memory_resize, .limit = limit};
}

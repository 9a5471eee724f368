// SPDX-License-Identifier: MIT
/*
 * Memory for what a session is sent (core/sealed/store.c). Touching fresh memory is a good part of what a
 * small tool's session costs, most of it for the page itself and little for the fault: so no page is asked for that
 * isn't needed.
 */
#include "memory.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LARGE = 1 << 21, /* a large page */
};

static void *map(size_t size)
{
	void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* Of what is mapped for `size` bytes. */
static size_t mapped_size(size_t size)
{
	return size > LARGE / 2 ? (size + LARGE - 1) / LARGE * LARGE : size;
}

/* Sessions that come to need so much go on to fill it. */
static void *map_large(size_t size)
{
	uint8_t *p = map(size + LARGE);
	size_t before = -(uintptr_t)p % LARGE;

	if (!p)
		return NULL;
	if (before)
		munmap(p, before);
	munmap(p + before + size, LARGE - before);
	madvise(p + before, size, MADV_HUGEPAGE);
	return p + before;
}

static void *line_memory_resize(void *ctx, void *old, size_t size)
{
	size_t had;

	(void)ctx;
	if (old && !size) {
		/* blocks begin with their size (base/alloc.h) */
		memcpy(&had, old, sizeof(had));
		munmap(old, mapped_size(had));
	}
	if (old)
		return NULL;
	if (size > SIZE_MAX - 2 * (size_t)LARGE)
		return NULL;
	return size > LARGE / 2 ? map_large(mapped_size(size)) : map(size);
}

static void *line_memory_zeroed(void *ctx, size_t size)
{
	return line_memory_resize(ctx, NULL, size);
}

void line_memory_init(struct base_alloc *a, size_t limit)
{
	*a = (struct base_alloc){
		.resize = line_memory_resize, .zeroed = line_memory_zeroed, .limit = limit};
}

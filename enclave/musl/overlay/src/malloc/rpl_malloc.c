// SPDX-License-Identifier: MIT
/*
 * Configure scripts that can't run what they link take malloc(0) for one that fails, and have programs call these
 * in its place, which many don't bring. musl's doesn't fail. A program's own come before them.
 */
#include <stdlib.h>

void *rpl_malloc(size_t size);
void *rpl_realloc(void *old, size_t size);

void *rpl_malloc(size_t size)
{
	return malloc(size);
}

void *rpl_realloc(void *old, size_t size)
{
	return realloc(old, size);
}

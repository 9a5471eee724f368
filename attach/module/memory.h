/* SPDX-License-Identifier: MIT */
#ifndef SCW_ATTACH_MODULE_MEMORY_H
#define SCW_ATTACH_MODULE_MEMORY_H

#include "base/alloc.h"

/*
 * An allocator for a few large blocks that are never resized: each is mapped by itself.
 */
void line_memory_init(struct base_alloc *a, size_t limit);

#endif

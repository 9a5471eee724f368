/* SPDX-License-Identifier: MIT */
#ifndef SCW_TRUSTED_BLOCKS_H
#define SCW_TRUSTED_BLOCKS_H

#include "base/alloc.h"

/*
 * Memory for the core inside. Large blocks are pages of their own, of which those that nobody writes aren't touched:
 * malloc()'s would be cleared, since a program may read what it didn't write. The core doesn't.
 */
void blocks_init(struct base_alloc *ret, size_t limit);

#endif

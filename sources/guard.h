/* SPDX-License-Identifier: MIT */
/*
 * The last resort against a RAM file that shrinks, or can't be filled, while we look at it through
 * a mapping: the kernel answers such a look with SIGBUS, which would kill the tool.
 */
#ifndef SCW_SOURCES_GUARD_H
#define SCW_SOURCES_GUARD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * Guard the mapping [start, start + size) with pages of `granule` bytes. When a look at it raises
 * SIGBUS, that page is replaced by zeros and *hit becomes true. `hit` must outlive the guard.
 * False when no more mappings can be guarded.
 */
bool guard_add(const void *start, size_t size, size_t granule, atomic_bool *hit);

/* Stop guarding the mapping that starts at `start`; before it is unmapped. */
void guard_remove(const void *start);

#endif

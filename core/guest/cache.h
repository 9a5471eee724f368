/* SPDX-License-Identifier: MIT */
/* Copies of guest-physical pages, for sources that can't map. */
#ifndef SCW_GUEST_CACHE_H
#define SCW_GUEST_CACHE_H

#include "base/err.h"
#include "guest/addr.h"
#include "guest/page_store.h"
#include "guest/phys.h"

/* The copy of page `at` in `s`, read from `phys` when it isn't there yet. */
enum err page_cache_get(struct page_store *s, struct guest_phys *phys, struct gpa at,
			const void **ret) ERR_NODISCARD;

/* Read those of `pages` that aren't there, together. Failures are left for page_cache_get(). */
void page_cache_fill(struct page_store *s, struct guest_phys *phys, const struct gpa *pages,
		     size_t count);

#endif

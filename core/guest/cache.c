// SPDX-License-Identifier: MIT
/* Copies of guest-physical pages: see cache.h. */
#include "cache.h"

#include <string.h>

#include "base/checked.h"

static struct page_key key_of(struct gpa at)
{
	return (struct page_key){.frame = at.v >> GUEST_PAGE_SHIFT};
}

enum err page_cache_get(struct page_store *s, struct guest_phys *phys, struct gpa at,
			const void **ret)
{
	unsigned char *page;
	enum err e = page_store_find(s, key_of(at), ret);

	if (e != ERR_ABSENT)
		return e;
	page = page_store_room(s, 0);
	if (!page)
		return page_store_full(s) ? ERR_LIMIT : ERR_NOMEM;
	e = guest_phys_read(phys, (struct gpa){at.v & GUEST_PAGE_MASK}, page, GUEST_PAGE_SIZE, NULL);
	if (e == ERR_OK)
		*ret = page_store_put(s, key_of(at));
	return e;
}

void page_cache_fill(struct page_store *s, struct guest_phys *phys, const struct gpa *pages,
		     size_t count)
{
	struct guest_phys_io ios[GUEST_PHYS_BATCH];
	const void *known;

	while (count) {
		size_t n = 0;

		for (; count && n < BASE_COUNT(ios); pages++, count--) {
			unsigned char *page;

			if (page_store_find(s, key_of(*pages), &known) != ERR_ABSENT)
				continue;
			page = page_store_room(s, n);
			if (!page) {
				count = 1;
				continue;
			}
			ios[n++] = (struct guest_phys_io){
				.at = {pages->v & GUEST_PAGE_MASK},
				.buf = page,
				.size = GUEST_PAGE_SIZE,
			};
		}
		if (!n || guest_phys_read_many(phys, ios, n, NULL) != ERR_OK)
			continue;
		/* Copies must stay dense: what failed, and what was asked for twice, moves up. */
		for (size_t i = 0; i < n; i++) {
			unsigned char *room;

			if (!ios[i].ok ||
			    page_store_find(s, key_of(ios[i].at), &known) != ERR_ABSENT)
				continue;
			room = page_store_room(s, 0);
			if (room != ios[i].buf)
				memcpy(room, ios[i].buf, GUEST_PAGE_SIZE);
			page_store_put(s, key_of(ios[i].at));
		}
	}
}

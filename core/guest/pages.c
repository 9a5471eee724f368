// SPDX-License-Identifier: MIT
/* Bulk reads over any provider of guest virtual pages. */
#include "guest/pages.h"

#include <string.h>

#include "base/checked.h"

enum err guest_pages_read(struct guest_pages *p, struct guest_space as, struct gva va, void *buf,
			  size_t size)
{
	unsigned char *out = buf;
	uint64_t end;

	/* The last byte may be the address space's last. */
	if (size && !base_add64(va.v, size - 1, &end))
		return ERR_UNMAPPED;
	if (p->ops->object)
		return p->ops->object(p, as, va, buf, size);
	if (size > 2 * GUEST_PAGE_SIZE) {
		struct guest_range range = {va, size};

		guest_pages_want(p, as, &range, 1);
	}
	while (size) {
		size_t within = va.v & (GUEST_PAGE_SIZE - 1);
		size_t n = GUEST_PAGE_SIZE - within;
		const void *from;
		enum err e;

		if (n > size)
			n = size;
		e = guest_pages_part(p, as, va, n, &from);
		if (e != ERR_OK)
			return e;
		memcpy(out, from, n);
		out += n;
		va.v += n;
		size -= n;
	}
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/* Guest memory as each object by its own pread: what other ways are compared with. */
#include "pread.h"

#include <stddef.h>
#include <string.h>

enum {
	OBJECT_PAGES = 8192, /* of those who ask for whole pages, in one epoch */
};

struct objects {
	struct guest_pages pages;
	struct carrier_pread *c;
	uint32_t used;
	uint8_t *copies[OBJECT_PAGES];
};

static struct objects *from_objects(struct guest_pages *p)
{
	return (struct objects *)((char *)p - offsetof(struct objects, pages));
}

static enum err objects_object(struct guest_pages *p, struct guest_space as, struct gva va, void *buf,
			       size_t size)
{
	struct carrier_pread *c = from_objects(p)->c;
	uint8_t *to = buf;

	p->stats.lookups++;
	while (size) {
		size_t n = size < (CHANNEL_BYTES_PAGES_MAX - 2) * CHANNEL_PAGE_SIZE ?
				   size :
				   (CHANNEL_BYTES_PAGES_MAX - 2) * CHANNEL_PAGE_SIZE;
		struct channel_bytes head;
		const uint8_t *data;
		uint64_t offset;
		enum err e = pread_check_owner(c, NULL);

		if (!e && (!channel_offset_of(va.v, &offset) ||
			   offset > INT64_MAX - CHANNEL_BYTES_OVERHEAD - n))
			e = ERR_UNMAPPED;
		if (!e)
			e = pread_memory(c, as.top, va.v, n, &head, &data, NULL);
		if (!e && head.generation != c->session->accept.generation)
			e = ERR_GONE;
		if (!e && head.unmapped | head.nophys)
			e = head.unmapped ? ERR_UNMAPPED : ERR_NOPHYS;
		if (e == ERR_UNMAPPED || e == ERR_NOPHYS)
			p->stats.faults++;
		if (e)
			return e == ERR_UNMAPPED || e == ERR_NOPHYS ? e : ERR_GONE;
		memcpy(to, data, n);
		to += n;
		va.v += n;
		size -= n;
	}
	return ERR_OK;
}

static enum err objects_page(struct guest_pages *p, struct guest_space as, struct gva va,
			     const void **ret)
{
	struct objects *o = from_objects(p);
	enum err e;

	if (o->used == OBJECT_PAGES)
		return ERR_LIMIT;
	if (!o->copies[o->used])
		o->copies[o->used] = base_alloc_resize(o->c->alloc, NULL, CHANNEL_PAGE_SIZE, 1);
	if (!o->copies[o->used])
		return ERR_NOMEM;
	e = objects_object(p, as, (struct gva){va.v & GUEST_PAGE_MASK}, o->copies[o->used],
			   CHANNEL_PAGE_SIZE);
	if (!e)
		*ret = o->copies[o->used++];
	return e;
}

static enum err objects_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct objects *o = from_objects(p);

	(void)err;
	p->epoch++;
	p->stats.epochs++;
	o->used = 0;
	o->c->epoch_begun = false;
	return ERR_OK;
}

static void objects_destroy(struct guest_pages *p)
{
	struct objects *o = from_objects(p);

	for (int i = 0; i < OBJECT_PAGES; i++)
		base_free(o->c->alloc, o->copies[i]);
	base_free(o->c->alloc, o);
}

static const struct guest_pages_ops objects_ops = {
	.page = objects_page,
	.object = objects_object,
	.epoch = objects_epoch,
	.destroy = objects_destroy,
};

enum err carrier_pread_objects(struct carrier_pread *c, struct guest_pages **ret,
			       struct err_ctx *err)
{
	struct objects *o = base_alloc_zeroed(c->alloc, 1, sizeof(*o));

	if (!o)
		return err_set(err, ERR_NOMEM, "out of memory for a guest's objects");
	o->pages.ops = &objects_ops;
	o->pages.copies = true;
	o->c = c;
	*ret = &o->pages;
	return ERR_OK;
}

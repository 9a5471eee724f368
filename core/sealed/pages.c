// SPDX-License-Identifier: MIT
/*
 * The client's pages. A device that answers is trusted (its records are authentic), but a session
 * that failed once stays failed: nothing is asked again on it, and every page says ERR_GONE or what
 * else it was.
 */
#include "sealed/pages.h"

#include <string.h>

#include "base/checked.h"
#include "channel/message.h"
#include "guest/page_store.h"

struct sealed_pages {
	struct guest_pages pages;
	struct base_alloc *alloc;
	struct sealed_carrier *carrier;
	struct sealed_options options;
	struct sealed_stats stats;
	struct page_store store;
	uint64_t epoch_begun;
	struct err_ctx failure; /* what ended the session; code ERR_OK while it stands */

	/* the request under way */
	struct channel_request request;
	uint8_t wire[CHANNEL_REQUEST_MAX];
	struct sealed_answer answer;
	struct channel_page_sink sink;
};

static struct sealed_pages *from_pages(const struct guest_pages *p)
{
	return (struct sealed_pages *)((uintptr_t)p - offsetof(struct sealed_pages, pages));
}

static struct page_key key_of(struct guest_space as, uint64_t va)
{
	return (struct page_key){.space = as.top, .frame = va >> GUEST_PAGE_SHIFT};
}

static void take_page(struct channel_page_sink *sink, uint64_t space, uint64_t address,
		      enum channel_page_state state, const void *data)
{
	struct sealed_pages *s =
		(struct sealed_pages *)((char *)sink - offsetof(struct sealed_pages, sink));
	struct page_key key = key_of((struct guest_space){space}, address);
	const void *known;
	unsigned char *room;

	/* The first copy of an epoch stays: its address may be in use. */
	if (page_store_find(&s->store, key, &known) != ERR_ABSENT || page_store_full(&s->store))
		return;
	if (state != CHANNEL_PAGE_DATA) {
		page_store_put_absent(&s->store, key,
				      state == CHANNEL_PAGE_UNMAPPED ? ERR_UNMAPPED : ERR_NOPHYS);
		return;
	}
	room = page_store_room(&s->store, 0);
	if (!room)
		return;
	memcpy(room, data, GUEST_PAGE_SIZE);
	page_store_put(&s->store, key);
}

static enum err take_record(struct sealed_answer *answer, const void *plain, size_t size,
			    struct err_ctx *err)
{
	struct sealed_pages *s =
		(struct sealed_pages *)((char *)answer - offsetof(struct sealed_pages, answer));
	struct channel_pages head;
	enum err e = channel_pages_decode(plain, size, &head, &s->sink, err);

	if (e != ERR_OK)
		return e;
	if (head.number != s->request.number)
		return err_set(err, ERR_TAMPERED, "an answer to another request");
	if (head.generation != s->options.generation)
		return err_set(err, ERR_GONE, "the guest was restarted with another kernel");
	s->stats.records++;
	s->stats.bytes += size;
	return ERR_OK;
}

/* Send the request as it stands and take in its answer; it is empty afterwards. */
static enum err exchange(struct sealed_pages *s)
{
	struct err_ctx err = {0};
	size_t size;
	enum err e;

	if (s->failure.code != ERR_OK)
		return s->failure.code;
	s->request.number++;
	e = channel_request_encode(&s->request, s->wire, sizeof(s->wire), &size, &err);
	if (e == ERR_OK) {
		s->stats.round_trips++;
		s->stats.bytes += size;
		e = s->carrier->exchange(s->carrier, s->wire, size, &s->answer, &err);
	}
	s->request.count = 0;
	if (e != ERR_OK) {
		err_set(&err, e, "the session with the memory device failed");
		s->failure = err;
	}
	return e;
}

static enum err add_item(struct sealed_pages *s, const struct channel_item *item)
{
	enum err e = ERR_OK;

	if (s->request.count == CHANNEL_ITEMS_MAX)
		e = exchange(s);
	s->request.items[s->request.count++] = *item;
	return e;
}

static enum err sealed_page(struct guest_pages *p, struct guest_space as, struct gva va,
			    const void **ret)
{
	struct sealed_pages *s = from_pages(p);
	uint64_t window = (uint64_t)s->options.readahead * GUEST_PAGE_SIZE;
	struct channel_item item = {
		.kind = CHANNEL_READ,
		.space = as.top,
		.address = va.v & ~(window - 1),
		.size = window,
	};
	enum err e;

	p->stats.lookups++;
	e = page_store_find(&s->store, key_of(as, va.v), ret);
	if (e == ERR_OK)
		p->stats.hits++;
	if (e != ERR_ABSENT)
		return e;
	if (page_store_full(&s->store))
		return ERR_LIMIT;
	e = add_item(s, &item);
	if (e == ERR_OK)
		e = exchange(s);
	if (e == ERR_OK)
		e = page_store_find(&s->store, key_of(as, va.v), ret);
	if (e == ERR_ABSENT)
		e = page_store_full(&s->store) ? ERR_LIMIT : ERR_NOMEM;
	if (e != ERR_OK)
		p->stats.faults++;
	return e;
}

static enum err sealed_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct sealed_pages *s = from_pages(p);
	uint64_t now = s->carrier->now(s->carrier);

	if (s->failure.code != ERR_OK) {
		if (err && err->code == ERR_OK)
			*err = s->failure;
		return s->failure.code;
	}
	if (p->epoch && now - s->epoch_begun < s->options.freshness_ns)
		return ERR_OK;
	p->epoch++;
	p->stats.epochs++;
	s->epoch_begun = now;
	page_store_clear(&s->store);
	return ERR_OK;
}

static bool frame_known(const struct sealed_pages *s, struct guest_space as, uint64_t frame)
{
	struct page_key key = {.space = as.top, .frame = frame};
	const void *page;

	return page_store_find(&s->store, key, &page) != ERR_ABSENT;
}

static void sealed_want(struct guest_pages *p, struct guest_space as,
			const struct guest_range *ranges, size_t count)
{
	struct sealed_pages *s = from_pages(p);

	for (size_t i = 0; i < count; i++) {
		uint64_t first = ranges[i].start.v >> GUEST_PAGE_SHIFT, last;

		if (!ranges[i].size || ranges[i].size > CHANNEL_RANGE_MAX - GUEST_PAGE_SIZE ||
		    !base_add64(ranges[i].start.v, ranges[i].size - 1, &last))
			continue;
		last >>= GUEST_PAGE_SHIFT;
		/* what is known already at either end needs no asking */
		while (first <= last && frame_known(s, as, first))
			first++;
		while (first < last && frame_known(s, as, last))
			last--;
		if (first > last)
			continue;
		if (add_item(s, &(struct channel_item){
					.kind = CHANNEL_READ,
					.space = as.top,
					.address = first << GUEST_PAGE_SHIFT,
					.size = (last - first + 1) << GUEST_PAGE_SHIFT,
				}) != ERR_OK)
			return;
	}
	if (s->request.count)
		(void)!exchange(s); /* a hint: the failure is kept and shown by the next page */
}

static void sealed_chase(struct guest_pages *p, const struct guest_chain *chain)
{
	struct sealed_pages *s = from_pages(p);
	struct channel_item item = {
		.kind = chain->heads ? CHANNEL_TABLE : CHANNEL_CHASE,
		.bound = chain->bound,
		.address = chain->first.v,
		.size = chain->heads,
		.stride = chain->stride,
		.next_offset = chain->next_offset,
		.before = chain->before,
		.after = chain->after,
	};

	_Static_assert((int)GUEST_FOLLOW_MAX == (int)CHANNEL_FOLLOW_MAX, "as many on the wire");
	for (int f = 0; f < GUEST_FOLLOW_MAX; f++) {
		item.follow[f].offset = chain->follow[f].offset;
		item.follow[f].size = chain->follow[f].size;
	}
	if (add_item(s, &item) == ERR_OK)
		(void)!exchange(s); /* as above */
}

static void sealed_destroy(struct guest_pages *p)
{
	struct sealed_pages *s = from_pages(p);

	page_store_deinit(&s->store);
	base_free(s->alloc, s);
}

static const struct guest_pages_ops sealed_ops = {
	.page = sealed_page,
	.epoch = sealed_epoch,
	.want = sealed_want,
	.chase = sealed_chase,
	.destroy = sealed_destroy,
};

enum err sealed_pages_create(struct base_alloc *alloc, struct sealed_carrier *carrier,
			     const struct sealed_options *options, struct guest_pages **ret,
			     struct err_ctx *err)
{
	struct sealed_pages *s;
	enum err e;

	if (!options->readahead || options->readahead & (options->readahead - 1) ||
	    options->readahead > CHANNEL_RANGE_MAX / GUEST_PAGE_SIZE)
		return err_set(err, ERR_INVAL, "a read-ahead of %u pages is no power of two",
			       options->readahead);
	s = base_alloc_zeroed(alloc, 1, sizeof(*s));
	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for the cache of pages");
	s->alloc = alloc;
	s->carrier = carrier;
	s->options = *options;
	s->pages.ops = &sealed_ops;
	s->answer.record = take_record;
	s->sink.page = take_page;
	e = page_store_init(&s->store, alloc, options->cache_pages);
	if (e != ERR_OK) {
		base_free(alloc, s);
		return err_set(err, e, "can't hold a cache of %zu pages", options->cache_pages);
	}
	*ret = &s->pages;
	return ERR_OK;
}

struct sealed_stats sealed_pages_stats(const struct guest_pages *p)
{
	return from_pages(p)->stats;
}

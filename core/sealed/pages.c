// SPDX-License-Identifier: MIT
/*
 * The client's pages. A device that answers is trusted (its records are authentic), but a session
 * that failed once stays failed: nothing is asked again on it, every page says ERR_GONE, and epoch()
 * says why.
 */
#include "sealed/pages.h"

#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "channel/message.h"
#include "store.h"

#define IMAGE_START 0xffffffff80000000 /* of the kernel's image */

enum {
	WATCHED_MAX = 1024, /* pages in one epoch */
	SET_SLOTS = 1024,   /* a power of two, more than twice what a trail has */
	/*
	 * How much more of a trail may be of no use than is, until what isn't is forgotten: where in a program an epoch
	 * ends depends on how fast it is, and on that what it needs in the next.
	 */
	USELESS_TIMES = 8,
};

/* Pages and lines of them: a hash table, at most half full. */
struct line_set {
	uint32_t count;
	struct {
		uint64_t page, lines; /* page 0: free */
	} at[SET_SLOTS];
};

struct sealed_pages {
	struct guest_pages pages;
	struct base_alloc *alloc;
	struct sealed_carrier *carrier;
	struct sealed_options options;
	struct sealed_stats stats;
	struct store store;
	uint64_t epoch_begun;
	struct err_ctx failure; /* what ended the session; code ERR_OK while it stands */

	uint64_t lifetime; /* of this epoch at the next epoch(): the freshness, or what expire() wants */
	uint64_t last_asked; /* when epoch() was called last */

	struct guest_trail trail; /* followed */
	struct line_set used[2];  /* of it, and of what was missed, looked at */
	uint32_t missed[2];	  /* how often something wasn't there */
	uint32_t watched_count;
	bool trail_due; /* not sent in this epoch yet */
	bool adopted;	/* the first request was somebody else's */
	bool lingers;

	bool small_hints; /* is there one among those of `request`? */
	uint64_t number; /* of the last request sent */
	bool answering;	 /* more records of its answer are to come */
	bool unwanted;	 /* but nobody wants them */
	bool takes;	 /* what the present one has goes into the store */
	bool unsure;	 /* the end of an answer was not waited for */
	uint8_t *record; /* private memory that records are received into where there is no room in the store */
	struct channel_piece_sink sink;

	/* From here on not cleared, as most of it isn't used: pages of this epoch where to find out what is looked at. */
	uint64_t watched[WATCHED_MAX];
	/*
	 * The next request. Its first item is kept free for the page that is missed, so that this one
	 * comes first; hints queue up behind.
	 */
	struct channel_request request;
	uint8_t wire[CHANNEL_REQUEST_MAX];
};

static struct sealed_pages *from_pages(const struct guest_pages *p)
{
	return (struct sealed_pages *)((uintptr_t)p - offsetof(struct sealed_pages, pages));
}

static void take_piece(struct channel_piece_sink *sink, const struct channel_piece *p)
{
	struct sealed_pages *s =
		(struct sealed_pages *)((char *)sink - offsetof(struct sealed_pages, sink));

	/* one that the store has no room for is asked for again, which says so */
	if (s->takes)
		(void)!store_put(&s->store, p);
}

static void expect_piece(struct channel_piece_sink *sink, const struct channel_piece *p)
{
	const struct sealed_pages *s =
		(struct sealed_pages *)((char *)sink - offsetof(struct sealed_pages, sink));

	store_expect(&s->store, p->space, p->address);
}

static enum err take_record(struct sealed_pages *s, const void *plain, size_t size,
			    struct err_ctx *err)
{
	struct channel_pages head;
	enum err e = channel_pages_decode(plain, size, &head, &s->sink, err);

	if (e != ERR_OK)
		return e;
	if (head.number != s->number)
		return err_set(err, ERR_TAMPERED, "an answer to another request");
	if (head.generation != s->options.generation)
		return err_set(err, ERR_GONE, "the guest was restarted with another kernel");
	s->answering = head.flags & CHANNEL_PAGES_MORE;
	s->unsure &= s->answering;
	s->stats.records++;
	s->stats.bytes += size;
	return ERR_OK;
}

static enum err failed(struct sealed_pages *s, enum err e, struct err_ctx *err)
{
	err_set(err, e, "the session with the memory device failed");
	s->failure = *err;
	s->answering = false;
	return e;
}

/*
 * Take in one more record of the answer under way. When the store is full it is still taken in, since
 * the device goes on sending, but its pages are not kept.
 */
static enum err receive(struct sealed_pages *s)
{
	struct err_ctx err = {0};
	const void *plain, *kept = NULL;
	size_t size = 0;
	uint8_t *record;
	enum err e = s->carrier->next ? s->carrier->next(s->carrier, &size, &err) : ERR_OK;

	if (e != ERR_OK)
		return failed(s, e, &err);
	if (size && !s->unwanted)
		record = store_make_room(&s->store, size);
	else
		record = store_room(&s->store, CHANNEL_RECORD_MAX);
	if (!record && !s->record)
		s->record = base_alloc_resize(s->alloc, NULL, CHANNEL_RECORD_MAX, 1);
	if (!record)
		record = s->record;
	if (!record)
		return failed(s, err_set(&err, ERR_NOMEM, "out of memory for a record"), &err);
	e = s->carrier->receive(s->carrier, record, &plain, &size, &err);
	if (e == ERR_OK && !s->unwanted)
		kept = store_keep(&s->store, plain, size);
	s->takes = kept;
	if (e == ERR_OK)
		e = take_record(s, kept ? kept : plain, size, &err);
	return e == ERR_OK ? ERR_OK : failed(s, e, &err);
}

static enum err receive_all(struct sealed_pages *s)
{
	enum err e = s->failure.code;

	while (e == ERR_OK && s->answering)
		e = receive(s);
	return e;
}

static void forget_hints(struct sealed_pages *s)
{
	s->request.count = 1;
}

static bool is_small(const struct channel_item *item)
{
	return (item->kind == CHANNEL_CHASE || item->kind == CHANNEL_TABLE) && item->bound <= 1;
}

/*
 * What was said of one object is over with the file that it was said for, and was there already. What was said
 * of many holds as long as the epoch does.
 */
static void forget_small_hints(struct sealed_pages *s)
{
	struct channel_request *r = &s->request;
	uint32_t kept = 1;

	/* asked before each operation; there may be many others, for long */
	if (!s->small_hints)
		return;
	s->small_hints = false;
	for (uint32_t i = 1; i < r->count; i++) {
		if (!is_small(&r->items[i]))
			r->items[kept++] = r->items[i];
	}
	r->count = kept;
}

static unsigned int trail_of(const struct sealed_pages *s)
{
	return s->pages.epoch > 1;
}

/* The set's lines of `page`; NULL when there is no room for it. */
static uint64_t *set_lines(struct line_set *set, uint64_t page)
{
	for (uint64_t i = page * 0x9e3779b97f4a7c15u >> 32;; i++) {
		uint64_t *at = &set->at[i % SET_SLOTS].page;

		if (!*at) {
			if (set->count == SET_SLOTS / 2)
				return NULL;
			set->count++;
			*at = page;
		}
		if (*at == page)
			return &set->at[i % SET_SLOTS].lines;
	}
}

static void watch(struct sealed_pages *s, uint64_t page)
{
	if (s->watched_count < WATCHED_MAX && store_watch(&s->store, page))
		s->watched[s->watched_count++] = page;
}

/* Of this epoch, before its pages are forgotten. */
static void note_used(struct sealed_pages *s)
{
	for (uint32_t i = 0; i < s->watched_count; i++) {
		uint64_t used = store_used(&s->store, s->watched[i]);
		uint64_t *lines = used ? set_lines(&s->used[trail_of(s)], s->watched[i]) : NULL;

		if (lines)
			*lines |= used;
	}
}

/* Behind the hints, as far as there is room. */
static void add_trail(struct sealed_pages *s)
{
	const struct guest_trail *t = &s->trail;
	unsigned int which = trail_of(s);

	s->trail_due = false;
	for (uint32_t i = 0; i < t->count[which]; i++) {
		uint64_t page = t->at[which][i].page, lines = t->at[which][i].lines;
		struct channel_item item = {.kind = CHANNEL_LINES, .address = page, .size = lines};

		if (s->carrier->reads_only)
			item = (struct channel_item){
				.kind = CHANNEL_READ, .address = page, .size = GUEST_PAGE_SIZE};
		if (s->request.count == CHANNEL_ITEMS_MAX)
			break;
		s->request.items[s->request.count++] = item;
		watch(s, page);
	}
}

/*
 * Where hints waited for it, they had to be sent anyway, and often bring what was missed; but not if a request was
 * adopted, which had them: then all of its answer was waited for in vain.
 */
static void note_missed(struct sealed_pages *s, const struct channel_item *asked)
{
	if (asked->space || (s->request.count > 1 && !(s->adopted && s->pages.epoch == 1)))
		return;
	s->missed[trail_of(s)]++;
	for (uint64_t at = 0; at < asked->size; at += GUEST_PAGE_SIZE)
		watch(s, asked->address + at);
}

/* Send what is queued behind `first`, or only that; it is empty afterwards. */
static enum err send(struct sealed_pages *s, const struct channel_item *first)
{
	struct channel_request *r = &s->request;
	struct err_ctx err = {0};
	size_t size;
	enum err e = receive_all(s);

	if (e != ERR_OK)
		return e;
	if (s->trail_due)
		add_trail(s);
	if (first)
		r->items[0] = *first;
	else
		r->items[0] = r->items[--r->count];
	r->number = ++s->number;
	e = channel_request_encode(r, s->wire, sizeof(s->wire), &size, &err);
	forget_hints(s);
	if (e != ERR_OK)
		return failed(s, e, &err);
	s->stats.round_trips++;
	s->stats.bytes += size;
	s->answering = true;
	e = s->carrier->send(s->carrier, s->wire, size, &err);
	return e == ERR_OK ? ERR_OK : failed(s, e, &err);
}

static void add_hint(struct sealed_pages *s, const struct channel_item *item)
{
	if (s->request.count == CHANNEL_ITEMS_MAX && send(s, NULL) != ERR_OK)
		return; /* the failure is kept and shown by the next page */
	s->request.items[s->request.count++] = *item;
	s->small_hints |= is_small(item);
}

static uint32_t readahead(const struct sealed_pages *s, struct guest_space as, struct gva va)
{
	if (as.top)
		return 1;
	/* of user memory what is wanted is known to the byte */
	return va.v >= IMAGE_START && s->options.image_readahead ? s->options.image_readahead :
							     s->options.readahead;
}

/* It isn't there, but it may be in the answer that is coming in. */
static enum err await_part(struct sealed_pages *s, struct guest_space as, struct gva va, size_t size,
			   struct guest_lines *ret)
{
	enum err e = ERR_ABSENT;

	while (e == ERR_ABSENT && s->answering) {
		e = receive(s);
		if (e == ERR_OK)
			e = store_use(&s->store, as, va, size, ret);
	}
	return e;
}

static enum err fetch_part(struct sealed_pages *s, struct guest_space as, struct gva va, size_t size,
			   struct guest_lines *ret)
{
	uint64_t window = (uint64_t)readahead(s, as, va) * GUEST_PAGE_SIZE;
	struct channel_item item = {
		.kind = CHANNEL_READ,
		.space = as.top,
		.address = va.v & ~(window - 1),
		.size = window,
	};
	enum err e = await_part(s, as, va, size, ret);

	if (e != ERR_ABSENT)
		return e;
	note_missed(s, &item);
	e = send(s, &item);
	if (e == ERR_OK)
		e = store_use(&s->store, as, va, size, ret);
	if (e == ERR_ABSENT)
		e = await_part(s, as, va, size, ret);
	if (e == ERR_ABSENT)
		e = store_full(&s->store) ? ERR_LIMIT : ERR_NOMEM;
	return e;
}

static enum err find_part(struct guest_pages *p, struct guest_space as, struct gva va, size_t size,
			  struct guest_lines *ret)
{
	struct sealed_pages *s = from_pages(p);
	enum err e = s->failure.code;

	p->stats.lookups++;
	if (e == ERR_OK)
		e = store_use(&s->store, as, va, size, ret);
	if (e == ERR_OK)
		p->stats.hits++;
	if (e != ERR_ABSENT)
		return e;
	e = fetch_part(s, as, va, size, ret);
	if (e != ERR_OK)
		p->stats.faults++;
	return e;
}

/*
 * Once the session has failed the memory is gone, whatever the reason, which epoch() tells: a code that
 * could also be about one page would make a walk skip what the host doesn't want to be seen.
 */
static enum err sealed_part(struct guest_pages *p, struct guest_space as, struct gva va,
			    size_t size, struct guest_lines *ret)
{
	enum err e = find_part(p, as, va, size, ret);

	return from_pages(p)->failure.code == ERR_OK ? e : ERR_GONE;
}

static enum err sealed_page(struct guest_pages *p, struct guest_space as, struct gva va,
			    const void **ret)
{
	struct guest_lines l;
	enum err e;

	va.v &= ~(uint64_t)(GUEST_PAGE_SIZE - 1);
	e = sealed_part(p, as, va, GUEST_PAGE_SIZE, &l);
	if (e == ERR_OK)
		*ret = guest_lines_find(&l, va.v, GUEST_PAGE_SIZE);
	return e;
}

/* A pass may take longer than an epoch lives; it is served from one all the same, up to this. */
enum {
	LINGER_TIMES = 10,
};

static bool is_fresh(const struct sealed_pages *s, uint64_t now)
{
	uint64_t age = now - s->epoch_begun;

	return age < s->lifetime || (s->lingers && s->lifetime == s->options.freshness_ns &&
				     now - s->last_asked < s->lifetime &&
				     age / LINGER_TIMES < s->lifetime);
}

static enum err sealed_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct sealed_pages *s = from_pages(p);
	uint64_t now = s->carrier->now(s->carrier);

	if (s->failure.code == ERR_OK && p->epoch && is_fresh(s, now)) {
		forget_small_hints(s);
		s->last_asked = now;
		s->lifetime = s->options.freshness_ns; /* what expire() wants is for once */
		return ERR_OK;
	}
	forget_hints(s);
	if (s->answering && s->carrier->drop) {
		s->carrier->drop(s->carrier);
		s->answering = false;
		s->unsure = true;
	}
	s->unwanted = true;
	(void)!receive_all(s); /* the failure is kept */
	s->unwanted = false;
	if (s->failure.code != ERR_OK) {
		if (err && err->code == ERR_OK)
			*err = s->failure;
		return s->failure.code;
	}
	note_used(s);
	s->watched_count = 0;
	p->epoch++;
	p->stats.epochs++;
	s->trail_due = true;
	s->epoch_begun = s->last_asked = now;
	s->lingers = false;
	s->lifetime = s->options.freshness_ns;
	store_clear(&s->store);
	if (s->carrier->epoch)
		s->carrier->epoch(s->carrier);
	return ERR_OK;
}

/* The device looks at the guest before it ends an answer: so the end of the last one is waited for. */
static enum err sealed_verify(struct guest_pages *p, struct err_ctx *err)
{
	static const struct channel_item any = {
		.kind = CHANNEL_READ, .address = IMAGE_START, .size = GUEST_PAGE_SIZE};
	struct sealed_pages *s = from_pages(p);

	/* the failure is kept */
	(void)!receive_all(s);
	forget_hints(s);
	if (s->unsure && send(s, &any) == ERR_OK)
		(void)!receive_all(s);
	if (s->failure.code != ERR_OK && err && err->code == ERR_OK)
		*err = s->failure;
	return s->failure.code;
}

static void sealed_expire(struct guest_pages *p, uint64_t age_ns)
{
	struct sealed_pages *s = from_pages(p);

	if (s->lifetime > age_ns)
		s->lifetime = age_ns;
}

static void sealed_linger(struct guest_pages *p)
{
	from_pages(p)->lingers = true;
}

static bool is_known(const struct sealed_pages *s, struct guest_space as, uint64_t va, uint64_t size)
{
	uint64_t lines, wanted = guest_lines_of(va, size);
	enum err e = store_find(&s->store, as, (struct gva){va}, &lines);

	return e == ERR_OK ? (lines & wanted) == wanted : e != ERR_ABSENT;
}

/* Take off [*va, *va + *size) the pages at either end of which all is known that is wanted. */
static void leave_out_known(const struct sealed_pages *s, struct guest_space as, uint64_t *va,
			    uint64_t *size)
{
	while (*size) {
		uint64_t part = GUEST_PAGE_SIZE - *va % GUEST_PAGE_SIZE;

		if (part > *size)
			part = *size;
		if (!is_known(s, as, *va, part))
			break;
		*va += part;
		*size -= part;
	}
	while (*size) {
		uint64_t end = *va + *size - 1, part = end % GUEST_PAGE_SIZE + 1;

		if (part > *size || !is_known(s, as, end - part + 1, part))
			break;
		*size -= part;
	}
}

static void sealed_want(struct guest_pages *p, struct guest_space as,
			const struct guest_range *ranges, size_t count)
{
	struct sealed_pages *s = from_pages(p);

	for (size_t i = 0; i < count; i++) {
		uint64_t at = ranges[i].start.v, size = ranges[i].size, last;

		if (!size || size > CHANNEL_RANGE_MAX || !base_add64(at, size - 1, &last))
			continue;
		leave_out_known(s, as, &at, &size);
		if (!size)
			continue;
		add_hint(s, &(struct channel_item){
				    .kind = CHANNEL_READ,
				    .space = as.top,
				    .address = at,
				    .size = size,
			    });
	}
}

static uint32_t at_most(uint64_t v, uint32_t max)
{
	return v < max ? (uint32_t)v : max;
}

static bool is_near(int64_t offset)
{
	return offset >= -CHANNEL_AROUND_MAX && offset <= CHANNEL_AROUND_MAX;
}

/* What hints say may come from the guest: what the wire has no room for is cut or left out. */
static void sealed_chase(struct guest_pages *p, const struct guest_chain *chain)
{
	struct sealed_pages *s = from_pages(p);
	struct channel_item item = {
		.kind = chain->heads ? CHANNEL_TABLE : CHANNEL_CHASE,
		.exact = chain->exact,
		.bound = at_most(chain->bound, CHANNEL_NODES_MAX),
		.address = chain->first.v,
		.size = chain->heads ? at_most(chain->heads, CHANNEL_TABLE_MAX) : chain->direct,
		.stride = chain->stride,
		.next_offset = chain->next_offset,
		.before = at_most(chain->before, CHANNEL_AROUND_MAX),
		.after = at_most(chain->after, CHANNEL_AROUND_MAX),
	};

	if (s->carrier->reads_only)
		return;
	_Static_assert((int)GUEST_FOLLOW_MAX == (int)CHANNEL_FOLLOW_MAX, "as many on the wire");
	_Static_assert(GUEST_NEXT_NONE == CHANNEL_NEXT_NONE, "the same on the wire");
	if (!chain->bound || (item.next_offset != CHANNEL_NEXT_NONE && !is_near(item.next_offset)) ||
	    (chain->heads && (chain->stride < 8 || chain->stride > CHANNEL_AROUND_MAX)))
		return;
	for (uint32_t f = 0; f < GUEST_FOLLOW_MAX; f++) {
		if (!is_near(chain->follow[f].offset) || chain->follow[f].from > f ||
		    chain->follow[f].at > CHANNEL_AROUND_MAX)
			continue;
		item.follow[f].offset = chain->follow[f].offset;
		item.follow[f].size = at_most(chain->follow[f].size, CHANNEL_AROUND_MAX);
		item.follow[f].at = chain->follow[f].at;
		item.follow[f].from = chain->follow[f].from;
		item.follow[f].here = chain->follow[f].here;
		item.follow[f].top = chain->follow[f].top;
	}
	add_hint(s, &item);
}

static void sealed_soon(struct guest_pages *p, struct gva va)
{
	store_soon(&from_pages(p)->store, va);
}

static void sealed_destroy(struct guest_pages *p)
{
	struct sealed_pages *s = from_pages(p);

	store_deinit(&s->store);
	base_free(s->alloc, s->record);
	base_free(s->alloc, s);
}

static const struct guest_pages_ops sealed_ops = {
	.page = sealed_page,
	.part = sealed_part,
	.epoch = sealed_epoch,
	.verify = sealed_verify,
	.want = sealed_want,
	.chase = sealed_chase,
	.soon = sealed_soon,
	.expire = sealed_expire,
	.linger = sealed_linger,
	.destroy = sealed_destroy,
};

static bool is_window(uint32_t pages)
{
	return !(pages & (pages - 1)) && pages <= CHANNEL_RANGE_MAX / GUEST_PAGE_SIZE;
}

enum err sealed_pages_create(struct base_alloc *alloc, struct sealed_carrier *carrier,
			     const struct sealed_options *options, struct guest_pages **ret,
			     struct err_ctx *err)
{
	struct sealed_pages *s;
	enum err e;

	if (!options->readahead || !is_window(options->readahead) ||
	    !is_window(options->image_readahead))
		return err_set(err, ERR_INVAL, "a read-ahead of %u or %u pages is no power of two",
			       options->readahead, options->image_readahead);
	s = base_alloc_resize(alloc, NULL, 1, sizeof(*s));
	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for the cache of pages");
	memset(s, 0, offsetof(struct sealed_pages, watched));
	s->alloc = alloc;
	s->carrier = carrier;
	s->options = *options;
	s->pages.ops = &sealed_ops;
	s->pages.copies = true;
	s->sink.piece = take_piece;
	s->sink.soon = expect_piece;
	forget_hints(s);
	e = store_init(&s->store, alloc, options->lines ? options->lines : alloc,
		       options->cache_pages);
	if (e != ERR_OK) {
		sealed_destroy(&s->pages);
		return err_set(err, e, "can't hold a cache of %zu pages", options->cache_pages);
	}
	*ret = &s->pages;
	return ERR_OK;
}

void sealed_pages_follow(struct guest_pages *p, const struct guest_trail *t)
{
	struct sealed_pages *s = from_pages(p);

	s->trail = (struct guest_trail){0};
	for (int which = 0; which < 2; which++) {
		for (uint32_t i = 0; i < t->count[which] && i < GUEST_TRAIL_MAX; i++) {
			uint64_t page = t->at[which][i].page & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
			uint64_t lines = t->at[which][i].lines;
			uint32_t n = s->trail.count[which];

			if (!page || !lines)
				continue;
			s->trail.at[which][n].page = page;
			s->trail.at[which][n].lines = lines;
			s->trail.count[which]++;
		}
	}
	if (s->trail_due && s->trail.count[trail_of(s)] && s->failure.code == ERR_OK)
		(void)!send(s, NULL); /* the failure is kept and shown by the first page */
	/* of a request that was adopted it is a part */
	for (uint32_t i = 0; s->adopted && p->epoch == 1 && i < s->trail.count[0]; i++)
		watch(s, s->trail.at[0][i].page);
}

void sealed_pages_adopt(struct guest_pages *p, uint64_t number, uint64_t asked_ns)
{
	struct sealed_pages *s = from_pages(p);

	s->number = number;
	s->answering = s->adopted = true;
	s->stats.round_trips++;
	p->epoch++;
	p->stats.epochs++;
	s->epoch_begun = asked_ns;
	s->last_asked = s->carrier->now(s->carrier);
	s->lifetime = s->options.freshness_ns;
}

static int by_address(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; /* the pages */

	return (x > y) - (x < y);
}

static void trail_put(struct guest_trail *t, unsigned int which, uint64_t page, uint64_t lines)
{
	uint32_t n = t->count[which];

	if (n == GUEST_TRAIL_MAX || !lines)
		return;
	t->at[which][n].page = page;
	t->at[which][n].lines = lines;
	t->count[which]++;
}

/*
 * What was of use goes on; what wasn't as well, as others may need it, unless that is nearly all of it. Worth being
 * kept if that would have saved something.
 */
static bool make_trail(struct sealed_pages *s, unsigned int which, struct guest_trail *ret)
{
	const struct guest_trail *t = &s->trail;
	struct line_set *used = &s->used[which];
	unsigned int useful = 0, useless = 0;

	for (uint32_t i = 0; i < t->count[which]; i++) {
		uint64_t *lines = set_lines(used, t->at[which][i].page), had = t->at[which][i].lines;

		useful += lines ? __builtin_popcountll(had & *lines) : 0;
		useless += __builtin_popcountll(lines ? had & ~*lines : had);
	}
	for (uint32_t i = 0; i < t->count[which] && useless <= USELESS_TIMES * useful; i++) {
		uint64_t *lines = set_lines(used, t->at[which][i].page);

		if (lines)
			*lines |= t->at[which][i].lines;
	}
	for (uint32_t i = 0; i < SET_SLOTS; i++)
		trail_put(ret, which, used->at[i].page, used->at[i].lines);
	qsort(ret->at[which], ret->count[which], sizeof(ret->at[which][0]), by_address);
	return s->missed[which] || useless > USELESS_TIMES * useful;
}

bool sealed_pages_trail(struct guest_pages *p, struct guest_trail *ret)
{
	struct sealed_pages *s = from_pages(p);
	bool differs;

	note_used(s);
	*ret = (struct guest_trail){0};
	differs = make_trail(s, 0, ret);
	if (p->epoch > 1)
		return make_trail(s, 1, ret) || differs;
	/* nothing was learnt of later epochs */
	ret->count[1] = s->trail.count[1];
	memcpy(ret->at[1], s->trail.at[1], sizeof(ret->at[1]));
	return differs;
}

void sealed_pages_abandon(struct guest_pages *p)
{
	struct sealed_pages *s = from_pages(p);

	s->answering = s->unsure = false;
	s->stats = (struct sealed_stats){0};
	s->store.pages = 0;
	p->stats = (struct guest_pages_stats){0};
}

struct sealed_stats sealed_pages_stats(const struct guest_pages *p)
{
	const struct sealed_pages *s = from_pages(p);
	struct sealed_stats stats = s->stats;

	stats.pages = s->store.pages;
	if (s->carrier->stats)
		stats.carrier = s->carrier->stats(s->carrier);
	return stats;
}

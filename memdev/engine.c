// SPDX-License-Identifier: MIT
/*
 * Requests to lines of pages. They are gathered into the plaintext of a record, which is handed on when
 * it is full; a hash set of what this request has sent already keeps each line to one copy, or to one in part and
 * then one of all of it.
 */
#include "memdev/engine.h"

#include <stddef.h>
#include <string.h>

#include "base/bits.h"
#include "base/checked.h"

enum {
	/* Powers of two, the last above the pages of one request: probing always finds a free slot. */
	SET_FIRST = 1024,
	SET_LARGEST = 2 * CHANNEL_REQUEST_PAGES,
	/* Steps along lists that one request may take, whatever its items' own bounds add up to. */
	STEPS_MAX = 4 * CHANNEL_NODES_MAX,
	MARKS = CHANNEL_PAGE_SIZE - 1,
	/*
	 * Bytes of the first record of an answer, and of the largest. It begins small and grows, so
	 * that the client has something to open while we go on; beyond the largest nothing is won. A session's first answer
	 * begins with what a tool looks at while it starts, and that is little.
	 */
	RECORD_START = 2 * CHANNEL_PIECE_MAX,
	RECORD_FIRST = 8 * CHANNEL_PIECE_MAX,
	RECORD_LARGEST = CHANNEL_PLAIN_MAX / 4,
	RECORD_FULL = CHANNEL_PLAIN_MAX - CHANNEL_PIECE_MAX,
	/* Pages that one record has lines of: as many as fit if it is one line each. */
	GROUPS_MAX = RECORD_FULL / (CHANNEL_PIECE_HEADER_SIZE + CHANNEL_LINE_SIZE),
	/* Nodes that are followed together: as many waits for memory overlap. */
	BATCH = 32,
	/* What Linux maps at a fault, if it is there, and for how many we remember that it happened. */
	MAPPED_AT_ONCE = 16 * CHANNEL_PAGE_SIZE,
	MAPPED_SLOTS = 4096,
	WALK_MAX = 16, /* items that are answered in one walk */
	RUN_SIZE = 2,  /* bytes of a line's run in the table of a piece in parts */
};
_Static_assert((int)GROUPS_MAX <= (int)CHANNEL_PAGE_SIZE, "the number of a group fits beside a page's");

/*
 * A page of this request's. Small, as a hash table of many thousands of them is looked into at random: what is a
 * multiple of a page's size has room for more in its low bits.
 */
struct sent {
	uint64_t space;	     /* and the mark of the request that has taken the slot */
	uint64_t page;	     /* and its group in the present record, if that one is of this page */
	const uint8_t *data; /* NULL: it can't be had, which was said; `stale`: to be looked up again */
	uint64_t lines;	     /* bit N: line N was sent, all of it */
};
_Static_assert(sizeof(struct sent) == 32, "two in a line of the processor's cache");
static const uint8_t stale[1];

/* Lines of one page that go into the present record. */
struct group {
	uint64_t space, page, lines;
	const uint8_t *data;
	uint64_t parts; /* those of which only `runs` are to go (CHANNEL_RUN) */
	bool mixed;	/* there were such lines: what is counted is a piece in parts */
	uint8_t runs[CHANNEL_PAGE_LINES];
};

/* Nodes of lists, those who want them, and where what is followed from each node has led; 0: not there. */
struct batch {
	struct {
		const struct channel_item *item;
		uint32_t count; /* of the nodes, how many it wants: from the first on */
	} of[WALK_MAX];
	uint32_t items;
	uint32_t bound; /* of nodes, the largest of all items */
	uint32_t seen;	/* nodes so far, with those of earlier batches */
	uint32_t count;
	uint64_t at[CHANNEL_FOLLOW_MAX + 1][BATCH];
};

struct memdev_engine {
	struct base_alloc *alloc;
	struct guest_pages *pages;
	struct memdev_engine_stats stats;
	struct sent *set;
	uint64_t *parts; /* of each slot the lines that were sent in part; NULL: no request was exact yet */
	uint32_t set_slots, set_taken; /* by this request */
	uint32_t mark;
	struct sent *last; /* slot that was found last; NULL: none of this request */
	uint8_t *plain;
	uintptr_t mapped[MAPPED_SLOTS]; /* numbers of windows of this process's memory */

	/* of the answer under way */
	struct channel_pages head;
	struct memdev_sink *sink;
	struct err_ctx *err;
	enum err failed;
	bool holes;  /* the present record says that a page isn't there */
	uint32_t group_count;
	size_t grouped; /* bytes of them, at most */
	size_t used;
	size_t record; /* bytes at which the present record is large enough */
	bool together; /* what comes belongs together: into one record, if that is possible at all */
	uint32_t budget; /* pages that may still be sent */
	uint32_t steps;

	/* not cleared: most of it is never touched */
	struct batch batch;
	/* What is to be put into the record together, page by page, as objects lie side by side in the guest. */
	struct group groups[GROUPS_MAX];
	struct channel_request request;
};

enum err memdev_engine_create(struct base_alloc *alloc, struct guest_pages *pages,
			      struct memdev_engine **ret, struct err_ctx *err)
{
	struct memdev_engine *e = base_alloc_resize(alloc, NULL, 1, sizeof(*e));

	if (!e)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	memset(e, 0, offsetof(struct memdev_engine, batch));
	e->alloc = alloc;
	e->pages = pages;
	e->set = base_alloc_zeroed(alloc, SET_FIRST, sizeof(*e->set));
	e->set_slots = SET_FIRST;
	e->plain = base_alloc_resize(alloc, NULL, 1, CHANNEL_PLAIN_MAX);
	if (!e->set || !e->plain) {
		memdev_engine_destroy(e);
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	}
	*ret = e;
	return ERR_OK;
}

void memdev_engine_destroy(struct memdev_engine *e)
{
	if (!e)
		return;
	base_free(e->alloc, e->set);
	base_free(e->alloc, e->parts);
	base_free(e->alloc, e->plain);
	base_free(e->alloc, e);
}

struct memdev_engine_stats memdev_engine_stats(const struct memdev_engine *e)
{
	return e->stats;
}

#define LOW_BITS ((uint64_t)CHANNEL_PAGE_SIZE - 1)

static uint64_t slot_number(uint64_t space, uint64_t page)
{
	return (page / CHANNEL_PAGE_SIZE ^ space / CHANNEL_PAGE_SIZE << 20) * 0x9e3779b97f4a7c15ull >>
	       40;
}

static bool is_taken(const struct memdev_engine *e, const struct sent *s)
{
	return (s->space & LOW_BITS) == e->mark;
}

static bool is_of(const struct memdev_engine *e, const struct sent *s, uint64_t space, uint64_t page)
{
	return s->space == (space | e->mark) && !((s->page ^ page) & ~LOW_BITS);
}

/* The slot of the page; if it has none, the free one where it belongs. */
static struct sent *find_slot(struct memdev_engine *e, uint64_t space, uint64_t page)
{
	/* objects are looked at piece by piece */
	if (e->last && is_of(e, e->last, space, page))
		return e->last;
	for (uint64_t i = slot_number(space, page);; i++) {
		struct sent *s = &e->set[i & (e->set_slots - 1)];

		if (!is_taken(e, s))
			return s;
		if (is_of(e, s, space, page)) {
			e->last = s;
			return s;
		}
	}
}

/* What is at `at` is looked at soon. */
static void expect(const struct memdev_engine *e, uint64_t space, uint64_t at)
{
	uint64_t page = at & ~(uint64_t)(CHANNEL_PAGE_SIZE - 1);

	__builtin_prefetch(&e->set[slot_number(space, page) & (e->set_slots - 1)]);
}

static bool grow_set(struct memdev_engine *e)
{
	struct sent *old = e->set, *more;
	uint64_t *old_parts = e->parts, *more_parts = NULL;
	uint32_t slots = e->set_slots;

	more = base_alloc_zeroed(e->alloc, 2 * (size_t)slots, sizeof(*more));
	if (more && old_parts)
		more_parts = base_alloc_zeroed(e->alloc, 2 * (size_t)slots, sizeof(*more_parts));
	if (!more || (old_parts && !more_parts)) {
		base_free(e->alloc, more);
		return false;
	}
	e->set = more;
	e->parts = more_parts;
	e->set_slots = 2 * slots;
	e->last = NULL;
	for (uint32_t i = 0; i < slots; i++) {
		struct sent *to;

		if (!is_taken(e, &old[i]))
			continue;
		to = find_slot(e, old[i].space & ~LOW_BITS, old[i].page & ~LOW_BITS);
		*to = old[i];
		if (old_parts)
			more_parts[to - more] = old_parts[i];
	}
	base_free(e->alloc, old);
	base_free(e->alloc, old_parts);
	return true;
}

/* Take `s`, the free slot where the page belongs. NULL: out of memory. */
static struct sent *take_slot(struct memdev_engine *e, struct sent *s, uint64_t space,
			      uint64_t page)
{
	if (e->set_taken >= e->set_slots / 2 && e->set_slots < SET_LARGEST) {
		if (!grow_set(e)) {
			e->failed = err_set(e->err, ERR_NOMEM, "out of memory for an answer");
			return NULL;
		}
		s = find_slot(e, space, page);
	}
	*s = (struct sent){.space = space | e->mark, .page = page};
	if (e->parts)
		e->parts[s - e->set] = 0;
	e->set_taken++;
	return s;
}

static void put_piece(struct memdev_engine *e, const struct channel_piece *p)
{
	e->used += channel_piece_encode(p, e->plain + e->used);
	e->head.count++;
}

static void put_groups(struct memdev_engine *e)
{
	for (uint32_t i = 0; i < e->group_count; i++) {
		const struct group *g = &e->groups[i];

		put_piece(e, &(struct channel_piece){.space = g->space,
						     .address = g->page,
						     .state = g->parts ? CHANNEL_PAGE_PARTS :
									 CHANNEL_PAGE_DATA,
						     .lines = g->lines,
						     .data = g->data,
						     .runs = g->runs});
	}
	e->group_count = 0;
	e->grouped = 0;
}

/*
 * Nothing is said of a guest that wasn't the same when it was read: a restart overwrites memory bit by bit, page
 * tables too. So a look at the guest comes before the answer ends, and before it says that a page isn't there.
 */
static void flush(struct memdev_engine *e, uint32_t flags)
{
	if (e->failed == ERR_OK && (e->holes || !(flags & CHANNEL_PAGES_MORE)))
		e->failed = guest_pages_verify(e->pages, e->err);
	e->holes = false;
	put_groups(e);
	e->head.flags = flags;
	channel_pages_encode(&e->head, e->plain);
	if (e->failed == ERR_OK)
		e->failed = e->sink->record(e->sink, e->plain, e->used, e->err);
	e->head.count = 0;
	e->used = CHANNEL_PAGES_HEADER_SIZE;
	if (e->record < RECORD_FIRST)
		e->record = RECORD_FIRST;
	else
		e->record = e->record < RECORD_LARGEST / 2 ? 2 * e->record : RECORD_LARGEST;
}

static enum err find_page(struct memdev_engine *e, uint64_t space, uint64_t page, const void **ret)
{
	return guest_pages_page(e->pages, (struct guest_space){space}, (struct gva){page}, ret);
}

/* Copies of pages that were sent needn't be kept: when there is no more room, make some. */
static enum err read_page(struct memdev_engine *e, uint64_t space, uint64_t page, const void **ret)
{
	enum err r = find_page(e, space, page, ret);

	if (r != ERR_LIMIT)
		return r;
	put_groups(e); /* while they are there */
	for (uint32_t i = 0; i < e->set_slots; i++)
		if (is_taken(e, &e->set[i]) && e->set[i].data)
			e->set[i].data = stale;
	r = guest_pages_epoch(e->pages, e->err);
	return r ? r : find_page(e, space, page, ret);
}

/* Begin another record if there is no room for lines of one more page in this one, or better isn't. */
static void make_room(struct memdev_engine *e)
{
	size_t full = e->together ? RECORD_FULL : e->record;

	if (e->used + e->grouped >= full || e->group_count == GROUPS_MAX)
		flush(e, CHANNEL_PAGES_MORE);
}

/* Where the page is; what there is to say when it isn't. */
static bool look_up(struct memdev_engine *e, struct sent *s)
{
	struct channel_piece p = {.space = s->space & ~LOW_BITS, .address = s->page & ~LOW_BITS};
	const void *data = NULL;
	enum err r = read_page(e, p.space, p.address, &data);

	if (r == ERR_UNMAPPED)
		p.state = CHANNEL_PAGE_UNMAPPED;
	else if (r == ERR_NOPHYS)
		p.state = CHANNEL_PAGE_NOPHYS;
	else if (r != ERR_OK)
		e->failed = err_set_addr(e->err, r, p.address, "can't read the guest's page");
	if (e->failed != ERR_OK)
		return false;
	s->data = data;
	if (p.state != CHANNEL_PAGE_DATA) {
		make_room(e);
		put_piece(e, &p);
		e->holes |= !p.space;
	}
	return true;
}

/*
 * Have lines on their way to the processor while others are looked at: what is scattered over the guest's
 * memory costs the wait for it and little else. Of a page that isn't mapped to this process yet nothing would
 * come, so it is looked at; the kernel maps those around it, too.
 */
static void fetch_lines(struct memdev_engine *e, const uint8_t *page, uint64_t lines)
{
	uintptr_t window = (uintptr_t)page / MAPPED_AT_ONCE;
	uintptr_t *seen = &e->mapped[window % MAPPED_SLOTS];

	if (*seen != window) {
		*seen = window;
		(void)*(const volatile uint8_t *)(page + __builtin_ctzll(lines) * CHANNEL_LINE_SIZE);
	}
	for (; lines; lines &= lines - 1)
		__builtin_prefetch(page + __builtin_ctzll(lines) * CHANNEL_LINE_SIZE);
}

/* The page's slot, which is taken now; NULL when the answer is at its end. */
static struct sent *use_slot(struct memdev_engine *e, uint64_t space, uint64_t page)
{
	struct sent *s;

	if (e->failed != ERR_OK)
		return NULL;
	s = find_slot(e, space, page);
	if (!is_taken(e, s)) {
		if (!e->budget)
			return NULL;
		s = take_slot(e, s, space, page);
		if (!s || !look_up(e, s))
			return NULL;
		e->budget--;
		e->stats.pages++;
	}
	return s;
}

/* The page's group in the present record, whether there was one or not. */
static struct group *use_group(struct memdev_engine *e, struct sent *s, uint64_t space, uint64_t page)
{
	uint32_t at = s->page & LOW_BITS;
	struct group *g = &e->groups[at];

	if (at < e->group_count && g->page == page && g->space == space)
		return g;
	at = e->group_count++;
	g = &e->groups[at];
	g->space = space;
	g->page = page;
	g->data = s->data;
	g->lines = g->parts = 0;
	g->mixed = false;
	s->page = page | at;
	e->grouped += CHANNEL_PIECE_HEADER_SIZE;
	return g;
}

/* These lines of the group, all of each. */
static void add_lines(struct memdev_engine *e, struct sent *s, struct group *g, uint64_t lines)
{
	s->lines |= lines;
	g->lines |= lines;
	e->grouped += (size_t)base_count_bits(lines) * CHANNEL_LINE_SIZE;
	if (!g->mixed)
		return;
	g->parts &= ~lines;
	for (; lines; lines &= lines - 1, e->grouped += RUN_SIZE)
		g->runs[__builtin_ctzll(lines)] = CHANNEL_RUN_WHOLE;
}

/* Send those `lines` of the page at `page` that weren't yet; false when the answer is at its end. */
static bool send_lines(struct memdev_engine *e, uint64_t space, uint64_t page, uint64_t lines)
{
	struct sent *s = use_slot(e, space, page);

	if (!s)
		return false;
	lines &= ~s->lines;
	if (s->data == stale && lines && !look_up(e, s))
		return false;
	if (!s->data)
		return true;
	if (!lines)
		return true;
	fetch_lines(e, s->data, lines);
	make_room(e);
	add_lines(e, s, use_group(e, s, space, page), lines);
	return e->failed == ERR_OK;
}

/* The group has lines in part from now on: a table comes before what it holds. */
static void mix(struct memdev_engine *e, struct group *g)
{
	g->mixed = true;
	e->grouped += CHANNEL_WORD_SIZE; /* what the table is filled up with */
	for (uint64_t left = g->lines; left; left &= left - 1, e->grouped += RUN_SIZE)
		g->runs[__builtin_ctzll(left)] = CHANNEL_RUN_WHOLE;
}

/*
 * Words of a line that wasn't sent as a whole, `first` to `last` of it. In this group they go with what it has
 * of the line; of one that an earlier record has a part of, all is sent.
 */
static void add_words(struct memdev_engine *e, struct sent *s, struct group *g, unsigned int line,
		      unsigned int first, unsigned int last)
{
	uint64_t *sent = &e->parts[s - e->set], bit = (uint64_t)1 << line;
	unsigned int before = 0;

	if (g->parts & bit) {
		unsigned int run = g->runs[line], begin = channel_run_first(run), end;

		before = channel_run_count(run);
		end = begin + before - 1;
		first = first < begin ? first : begin;
		last = last > end ? last : end;
	} else if (*sent & bit) {
		add_lines(e, s, g, bit);
		return;
	} else {
		if (!g->mixed)
			mix(e, g);
		*sent |= bit;
		g->lines |= bit;
		g->parts |= bit;
		e->grouped += RUN_SIZE;
	}
	e->grouped += (last - first + 1 - before) * CHANNEL_WORD_SIZE;
	g->runs[line] = CHANNEL_RUN(first, last - first + 1);
}

/* The lines of its page from the one that holds `from` to the one that holds `to`. */
static uint64_t lines_of(uint64_t from, uint64_t to)
{
	unsigned int first = from % CHANNEL_PAGE_SIZE / CHANNEL_LINE_SIZE;
	unsigned int last = to % CHANNEL_PAGE_SIZE / CHANNEL_LINE_SIZE;

	return ~(uint64_t)0 >> (CHANNEL_PAGE_LINES - 1 - last) & ~(uint64_t)0 << first;
}

/* As send_lines(), the words of the page that `from` to `to` lie in. */
static bool send_words(struct memdev_engine *e, uint64_t space, uint64_t page, uint64_t from, uint64_t to)
{
	unsigned int word = from % CHANNEL_PAGE_SIZE / CHANNEL_WORD_SIZE;
	unsigned int last = to % CHANNEL_PAGE_SIZE / CHANNEL_WORD_SIZE;
	struct sent *s = use_slot(e, space, page);
	struct group *g;
	uint64_t lines, fresh;

	if (!s)
		return false;
	lines = lines_of(from, to) & ~s->lines;
	if (s->data == stale && lines && !look_up(e, s))
		return false;
	if (!s->data)
		return true;
	if (!lines)
		return true;
	fresh = lines & ~e->parts[s - e->set];
	if (fresh)
		fetch_lines(e, s->data, fresh);
	make_room(e);
	g = use_group(e, s, space, page);
	while (word <= last) {
		unsigned int line = word / CHANNEL_LINE_WORDS, first = word % CHANNEL_LINE_WORDS;
		unsigned int end = line == last / CHANNEL_LINE_WORDS ? last % CHANNEL_LINE_WORDS :
								       CHANNEL_LINE_WORDS - 1;

		if (!(lines >> line & 1))
			; /* it was sent */
		else if (end - first == CHANNEL_LINE_WORDS - 1)
			add_lines(e, s, g, (uint64_t)1 << line);
		else
			add_words(e, s, g, line, first, end);
		word += end - first + 1;
	}
	return e->failed == ERR_OK;
}

/* Send all of [start, start + size), in lines or words; what would wrap around is cut. */
static bool send_all(struct memdev_engine *e, bool exact, uint64_t space, uint64_t start, uint64_t size)
{
	const uint64_t mask = ~(uint64_t)(CHANNEL_PAGE_SIZE - 1);
	uint64_t last, at = start;

	if (!size)
		return true;
	if (!base_add64(start, size - 1, &last))
		last = UINT64_MAX;
	for (;;) {
		uint64_t end = at | ~mask, to = end < last ? end : last;

		if (exact ? !send_words(e, space, at & mask, at, to) :
			    !send_lines(e, space, at & mask, lines_of(at, to)))
			return false;
		if (end >= last)
			return true;
		at = end + 1;
	}
}

static bool send_range(struct memdev_engine *e, uint64_t space, uint64_t start, uint64_t size)
{
	return send_all(e, false, space, start, size);
}

/* The pointer at `at`; 0 when it can't be read. */
static uint64_t read_pointer(struct memdev_engine *e, uint64_t space, uint64_t at)
{
	size_t within = at % CHANNEL_PAGE_SIZE;
	const struct sent *s = find_slot(e, space, at - within);
	uint64_t value = 0;

	if (is_taken(e, s) && within <= CHANNEL_PAGE_SIZE - sizeof(value)) {
		if (!s->data)
			return 0;
		if (s->data != stale) {
			memcpy(&value, s->data + within, sizeof(value));
			return value;
		}
	}
	if (guest_pages_read(e->pages, (struct guest_space){space}, (struct gva){at}, &value,
			     sizeof(value)) != ERR_OK)
		return 0;
	return value;
}

/*
 * Parts of what node `n` has led to by follow `led` - 1 (0: of the node itself), and parts of those: at once, since no
 * pointer has to be waited for and they lie side by side.
 */
static bool send_parts(struct memdev_engine *e, struct batch *b, const struct channel_item *i,
		       uint32_t n, uint32_t led)
{
	uint32_t parts = 1u << led;

	for (uint32_t f = led; f < CHANNEL_FOLLOW_MAX; f++) {
		const struct channel_follow *w = &i->follow[f];
		uint64_t base = b->at[w->from][n];

		if (!w->here || !w->size || !base || !(parts >> w->from & 1))
			continue;
		parts |= 1u << (f + 1);
		b->at[f + 1][n] = base + (uint64_t)(int64_t)w->offset;
		if (b->at[f + 1][n] && !send_all(e, i->exact, i->space, b->at[f + 1][n], w->size))
			return false;
	}
	return true;
}

/* Follow one of the item's pointers from `count` nodes of the batch, in two steps since each waits for memory. */
static bool follow_one(struct memdev_engine *e, struct batch *b, const struct channel_item *i,
		       uint32_t count, uint32_t f)
{
	const struct channel_follow *w = &i->follow[f];
	const uint64_t *from = b->at[w->from];
	uint64_t *to = b->at[f + 1];

	for (uint32_t n = 0; n < count; n++) {
		if (!from[n])
			continue;
		to[n] = read_pointer(e, i->space, from[n] + (uint64_t)(int64_t)w->offset);
		expect(e, i->space, to[n] + w->at);
	}
	for (uint32_t n = 0; n < count; n++)
		if (to[n] && (!send_all(e, i->exact, i->space, to[n] + w->at, w->size) ||
			      !send_parts(e, b, i, n, f + 1)))
			return false;
	return true;
}

/* Ranges of processes' memory, which follow `f` + 1 tells of, by the page tables that follow `f` leads to. */
static bool follow_processes(struct memdev_engine *e, struct batch *b, const struct channel_item *i,
			     uint32_t count, uint32_t f)
{
	const struct channel_follow *t = &i->follow[f], *r = t + 1;

	for (uint32_t n = 0; n < count; n++) {
		uint64_t tables = b->at[t->from][n], ends = b->at[r->from][n], top, from, to;

		if (!tables || !ends || !r->size)
			continue;
		top = read_pointer(e, i->space, tables + (uint64_t)(int64_t)t->offset);
		ends += (uint64_t)(int64_t)r->offset;
		from = read_pointer(e, i->space, ends);
		to = read_pointer(e, i->space, ends + r->at);
		if (top < i->size || from >= to)
			continue;
		top = (top - i->size) & ~(uint64_t)(CHANNEL_PAGE_SIZE - 1);
		if (top &&
		    !send_all(e, i->exact, top, from, to - from < r->size ? to - from : r->size))
			return false;
	}
	return true;
}

/* All that one item wants of the first `count` nodes of the batch. */
static bool follow_item(struct memdev_engine *e, struct batch *b, const struct channel_item *i,
			uint32_t count)
{
	bool whole = true;

	memset(b->at[1], 0, sizeof(b->at) - sizeof(b->at[0]));
	for (uint32_t n = 0; n < count && whole; n++)
		whole = send_parts(e, b, i, n, 0);
	for (uint32_t f = 0; f < CHANNEL_FOLLOW_MAX && whole; f++) {
		const struct channel_follow *w = &i->follow[f];

		if (w->top)
			whole = follow_processes(e, b, i, count, f++);
		else if (w->size && !w->here)
			whole = follow_one(e, b, i, count, f);
	}
	return whole;
}

/*
 * Follow what is to be followed from the nodes of the batch, and empty it. Lines of one object in two records would be
 * two groups to a client, which looks now at the one and now at the other.
 */
static bool follow(struct memdev_engine *e, struct batch *b)
{
	bool whole = true;

	for (uint32_t k = 0; k < b->items; k++) {
		whole = whole && follow_item(e, b, b->of[k].item, b->of[k].count);
		b->of[k].count = 0;
	}
	b->count = 0;
	e->together = false;
	return whole;
}

static bool is_node(const struct batch *b, uint64_t node)
{
	return node && !(node & 1) && b->seen < b->bound;
}

static bool add_node(struct memdev_engine *e, struct batch *b, uint64_t node)
{
	if (!e->together) {
		make_room(e);
		e->together = true;
	}
	for (uint32_t k = 0; k < b->items; k++) {
		const struct channel_item *i = b->of[k].item;

		if (b->seen >= i->bound)
			continue;
		if (!e->steps)
			return false;
		e->steps--;
		e->stats.nodes++;
		b->of[k].count++;
		if (!send_all(e, i->exact, i->space, node - i->before, (uint64_t)i->before + i->after))
			return false;
	}
	b->seen++;
	b->at[0][b->count++] = node;
	return b->count < BATCH || follow(e, b);
}

/* The rest of a list whose first node is in the batch. */
static bool chase(struct memdev_engine *e, struct batch *b, uint64_t first)
{
	const struct channel_item *i = b->of[0].item;
	uint64_t node = first;

	if (i->next_offset == CHANNEL_NEXT_NONE)
		return true;
	for (;;) {
		node = read_pointer(e, i->space, node + (uint64_t)i->next_offset);
		if (node == first || !is_node(b, node))
			return true;
		if (!add_node(e, b, node))
			return false;
	}
}

/* Lists whose first nodes are known: all of these first. */
static bool chase_all(struct memdev_engine *e, struct batch *b, uint64_t *first, uint32_t count)
{
	const struct channel_item *i = b->of[0].item;

	for (uint32_t n = 0; n < count; n++) {
		if (i->next_offset == CHANNEL_NEXT_NONE)
			first[n] &= ~(uint64_t)2;
		if (!is_node(b, first[n]))
			first[n] = 0;
		else if (!add_node(e, b, first[n]))
			return false;
	}
	for (uint32_t n = 0; n < count; n++)
		if (first[n] && !chase(e, b, first[n]))
			return false;
	return true;
}

static bool answer_table(struct memdev_engine *e, struct batch *b)
{
	const struct channel_item *i = b->of[0].item;
	uint64_t first[BATCH];

	for (uint64_t done = 0; done < i->size; done += BATCH) {
		uint32_t count = i->size - done < BATCH ? (uint32_t)(i->size - done) : BATCH;

		for (uint32_t n = 0; n < count; n++) {
			uint64_t head = i->address + (done + n) * i->stride;

			if (!send_range(e, i->space, head, sizeof(head)))
				return false;
			first[n] = read_pointer(e, i->space, head);
			expect(e, i->space, first[n] - i->before);
		}
		if (!chase_all(e, b, first, count))
			return false;
	}
	return true;
}

static bool same_lists(const struct channel_item *a, const struct channel_item *b)
{
	return a->kind == b->kind && a->space == b->space && a->address == b->address &&
	       a->next_offset == b->next_offset &&
	       (a->kind == CHANNEL_CHASE || (a->size == b->size && a->stride == b->stride));
}

/* The item at `n`, with those behind it that walk the same lists. */
static bool answer_item(struct memdev_engine *e, uint32_t n, bool answered[CHANNEL_ITEMS_MAX])
{
	const struct channel_item *i = &e->request.items[n];
	struct batch *b = &e->batch;
	uint64_t first = i->address;

	if (i->kind == CHANNEL_READ)
		return send_range(e, i->space, i->address, i->size);
	if (i->kind == CHANNEL_LINES)
		return send_lines(e, i->space, i->address, i->size);
	b->items = b->count = b->seen = b->bound = 0;
	for (; n < e->request.count && b->items < WALK_MAX; n++) {
		const struct channel_item *other = &e->request.items[n];

		if (answered[n] || !same_lists(i, other))
			continue;
		answered[n] = true;
		b->of[b->items].item = other;
		b->of[b->items++].count = 0;
		b->bound = other->bound > b->bound ? other->bound : b->bound;
	}
	if (!(i->kind == CHANNEL_CHASE ? chase_all(e, b, &first, 1) : answer_table(e, b)))
		return false;
	return follow(e, b);
}

/* A mark that no slot of the set bears. */
static void next_mark(struct memdev_engine *e)
{
	if (e->mark == MARKS) {
		memset(e->set, 0, e->set_slots * sizeof(*e->set));
		e->mark = 0;
	}
	e->mark++;
	e->set_taken = 0;
	e->last = NULL;
}

/* Room to tell what is sent in part, if anything may be; of no slot yet, as none is taken. */
static bool use_parts(struct memdev_engine *e)
{
	bool exact = false;

	for (uint32_t n = 0; n < e->request.count; n++)
		exact |= e->request.items[n].exact;
	if (exact && !e->parts)
		e->parts = base_alloc_zeroed(e->alloc, e->set_slots, sizeof(*e->parts));
	return !exact || e->parts;
}

enum err memdev_engine_answer(struct memdev_engine *e, const void *request, size_t size,
			      uint64_t generation, struct memdev_sink *sink, struct err_ctx *err)
{
	enum err r = channel_request_decode(request, size, &e->request, err);
	bool answered[CHANNEL_ITEMS_MAX] = {0}, whole = true;

	if (r != ERR_OK)
		return r;
	r = guest_pages_epoch(e->pages, err);
	if (r != ERR_OK)
		return r;
	if (!use_parts(e))
		return err_set(err, ERR_NOMEM, "out of memory for an answer");
	next_mark(e);
	e->head = (struct channel_pages){.number = e->request.number, .generation = generation};
	e->sink = sink;
	e->err = err;
	e->failed = ERR_OK;
	e->holes = e->together = false;
	e->used = CHANNEL_PAGES_HEADER_SIZE;
	e->group_count = 0;
	e->grouped = 0;
	e->record = e->stats.requests ? RECORD_FIRST : RECORD_START;
	e->budget = CHANNEL_REQUEST_PAGES;
	e->steps = STEPS_MAX;
	e->stats.requests++;
	for (uint32_t n = 0; n < e->request.count && whole; n++)
		whole = answered[n] || answer_item(e, n, answered);
	flush(e, whole ? 0 : CHANNEL_PAGES_TRUNCATED);
	return e->failed;
}

enum err memdev_engine_read(struct memdev_engine *e, const struct channel_bound *r,
			    uint64_t generation, const void **plain_ret, size_t *size_ret,
			    struct err_ctx *err)
{
	struct channel_bytes head = {.generation = generation};
	uint8_t *to = e->plain + CHANNEL_BYTES_HEADER_SIZE;
	size_t pages = channel_read_pages(r);
	uint64_t at = r->address, left = r->length;
	enum err result = guest_pages_epoch(e->pages, err);

	if (result != ERR_OK)
		return result;
	for (size_t i = 0; i < pages; i++) {
		size_t within = at % CHANNEL_PAGE_SIZE, n = CHANNEL_PAGE_SIZE - within;
		const uint8_t *page;

		if (n > left)
			n = left;
		result = guest_pages_page(e->pages, (struct guest_space){r->space},
					  (struct gva){at - within}, (const void **)&page);
		if (result == ERR_OK)
			memcpy(to, page + within, n);
		else
			memset(to, 0, n);
		if (result == ERR_UNMAPPED)
			head.unmapped |= 1ull << i;
		else if (result == ERR_NOPHYS)
			head.nophys |= 1ull << i;
		else if (result != ERR_OK)
			return err_set_addr(err, result, at, "can't read the guest's page");
		to += n;
		at += n;
		left -= n;
	}
	result = guest_pages_verify(e->pages, err);
	if (result != ERR_OK)
		return result;
	channel_bytes_encode(&head, e->plain);
	e->stats.requests++;
	e->stats.pages += pages;
	*plain_ret = e->plain;
	*size_ret = CHANNEL_BYTES_HEADER_SIZE + r->length;
	return ERR_OK;
}

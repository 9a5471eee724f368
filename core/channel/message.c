// SPDX-License-Identifier: MIT
/* Requests and answers as bytes; little-endian, read through the one bounded cursor. */
#include "channel/message.h"

#include <string.h>

#include "base/bits.h"
#include "base/cursor.h"
#include "bytes.h"

/* What is wrong with an item; NULL when nothing is. */
static const char *item_fault(const struct channel_item *i)
{
	bool lists = i->kind == CHANNEL_CHASE || i->kind == CHANNEL_TABLE;

	if (i->kind < CHANNEL_READ || i->kind > CHANNEL_LINES || (i->exact && !lists))
		return "is of no known kind";
	if (i->space & (CHANNEL_PAGE_SIZE - 1))
		return "names an address space that isn't a page";
	if (i->kind == CHANNEL_READ && (!i->size || i->size > CHANNEL_RANGE_MAX))
		return "asks for a range of no or too many bytes";
	if (i->kind == CHANNEL_LINES && (!i->size || i->address & (CHANNEL_PAGE_SIZE - 1)))
		return "asks for no lines or not of a page";
	if (i->kind == CHANNEL_TABLE && (!i->size || i->size > CHANNEL_TABLE_MAX))
		return "has no or too many heads";
	if (i->kind == CHANNEL_TABLE && (i->stride < 8 || i->stride > CHANNEL_AROUND_MAX))
		return "has heads too near or too far from each other";
	if (!lists)
		return NULL;
	if (!i->bound || i->bound > CHANNEL_NODES_MAX)
		return "has no or too large a bound of nodes";
	if (i->before > CHANNEL_AROUND_MAX || i->after > CHANNEL_AROUND_MAX)
		return "asks for too many bytes around a node";
	if (i->next_offset != CHANNEL_NEXT_NONE &&
	    (i->next_offset < -CHANNEL_AROUND_MAX || i->next_offset > CHANNEL_AROUND_MAX))
		return "has its link too far from the node";
	for (uint32_t f = 0; f < CHANNEL_FOLLOW_MAX; f++) {
		if (i->follow[f].from > f)
			return "follows a pointer out of what comes later";
		if (i->follow[f].size > CHANNEL_AROUND_MAX ||
		    i->follow[f].at > CHANNEL_AROUND_MAX || (i->follow[f].here && i->follow[f].at) ||
		    i->follow[f].offset < -CHANNEL_AROUND_MAX ||
		    i->follow[f].offset > CHANNEL_AROUND_MAX)
			return "follows a pointer too far away or to too many bytes";
		if (i->follow[f].top &&
		    (i->kind != CHANNEL_CHASE || i->follow[f].here || f + 1 == CHANNEL_FOLLOW_MAX ||
		     i->follow[f + 1].here || i->follow[f + 1].top))
			return "follows a process's page tables to no range";
	}
	return NULL;
}

enum err channel_request_encode(const struct channel_request *r, void *buf, size_t room,
				size_t *size_ret, struct err_ctx *err)
{
	uint8_t *p = buf;

	if (!r->count || r->count > CHANNEL_ITEMS_MAX ||
	    room < CHANNEL_REQUEST_HEADER_SIZE + r->count * (size_t)CHANNEL_ITEM_SIZE)
		return err_set(err, ERR_INVAL, "no room for a request of %u items", r->count);
	p = put64(p, r->number);
	p = put32(p, r->count);
	p = put32(p, 0);
	for (uint32_t n = 0; n < r->count; n++) {
		const struct channel_item *i = &r->items[n];
		const char *fault = item_fault(i);

		if (fault)
			return err_set(err, ERR_INVAL, "item %u of a request %s", n, fault);
		p = put32(p, i->kind | (i->exact ? CHANNEL_ITEM_EXACT : 0));
		p = put32(p, i->bound);
		p = put64(p, i->space);
		p = put64(p, i->address);
		p = put64(p, i->size);
		p = put64(p, i->stride);
		p = put64(p, (uint64_t)i->next_offset);
		p = put32(p, i->before);
		p = put32(p, i->after);
		for (int f = 0; f < CHANNEL_FOLLOW_MAX; f++) {
			p = put32(p, (uint32_t)i->follow[f].offset);
			p = put32(p, i->follow[f].size | i->follow[f].at << 16);
			p = put32(p, i->follow[f].from |
					     (i->follow[f].here ? CHANNEL_FOLLOW_HERE : 0) |
					     (i->follow[f].top ? CHANNEL_FOLLOW_TOP : 0));
		}
	}
	*size_ret = (size_t)(p - (uint8_t *)buf);
	return ERR_OK;
}

/* The head of a request, behind which exactly its items follow. */
static enum err read_head(struct base_cursor *c, uint64_t *number_ret, uint32_t *count_ret,
			  struct err_ctx *err)
{
	size_t size = base_cursor_left(c);
	uint32_t reserved;

	*number_ret = base_cursor_u64(c);
	*count_ret = base_cursor_u32(c);
	reserved = base_cursor_u32(c);
	if (!base_cursor_ok(c) || reserved || !*count_ret || *count_ret > CHANNEL_ITEMS_MAX ||
	    base_cursor_left(c) != *count_ret * (size_t)CHANNEL_ITEM_SIZE)
		return err_set(err, ERR_CORRUPT, "a request of %zu bytes doesn't hold its items",
			       size);
	return ERR_OK;
}

static enum err read_item(struct base_cursor *c, uint32_t n, struct channel_item *i,
			  struct err_ctx *err)
{
	uint32_t kind = base_cursor_u32(c);
	const char *fault;

	i->kind = kind & ~CHANNEL_ITEM_EXACT;
	i->exact = kind & CHANNEL_ITEM_EXACT;
	i->bound = base_cursor_u32(c);
	i->space = base_cursor_u64(c);
	i->address = base_cursor_u64(c);
	i->size = base_cursor_u64(c);
	i->stride = base_cursor_u64(c);
	i->next_offset = (int64_t)base_cursor_u64(c);
	i->before = base_cursor_u32(c);
	i->after = base_cursor_u32(c);
	for (int f = 0; f < CHANNEL_FOLLOW_MAX; f++) {
		uint32_t sizes, from;

		i->follow[f].offset = (int32_t)base_cursor_u32(c);
		sizes = base_cursor_u32(c);
		from = base_cursor_u32(c);
		i->follow[f].size = sizes & 0xffff;
		i->follow[f].at = sizes >> 16;
		i->follow[f].from = from & ~(CHANNEL_FOLLOW_HERE | CHANNEL_FOLLOW_TOP);
		i->follow[f].here = from & CHANNEL_FOLLOW_HERE;
		i->follow[f].top = from & CHANNEL_FOLLOW_TOP;
	}
	fault = item_fault(i);
	return fault ? err_set(err, ERR_CORRUPT, "item %u of a request %s", n, fault) : ERR_OK;
}

enum err channel_request_decode(const void *bytes, size_t size, struct channel_request *ret,
				struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	enum err e = read_head(&c, &ret->number, &ret->count, err);

	for (uint32_t n = 0; !e && n < ret->count; n++)
		e = read_item(&c, n, &ret->items[n], err);
	return e;
}

enum err channel_request_check(const void *bytes, size_t size, uint64_t *number_ret,
			       struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_item item;
	uint64_t number;
	uint32_t count;
	enum err e = read_head(&c, &number, &count, err);

	for (uint32_t n = 0; !e && n < count; n++)
		e = read_item(&c, n, &item, err);
	if (!e)
		*number_ret = number;
	return e;
}

void channel_pages_encode(const struct channel_pages *p, uint8_t buf[CHANNEL_PAGES_HEADER_SIZE])
{
	buf = put64(buf, p->number);
	buf = put64(buf, p->generation);
	buf = put32(buf, p->flags);
	put32(buf, p->count);
}

/* Lines of a page as a whole. */
static uint8_t *put_lines(uint8_t *at, const uint8_t *page, uint64_t lines)
{
	unsigned int first, count;

	for (; lines; lines &= ~base_run(first, count)) {
		first = base_first_run(lines, &count);
		memcpy(at, page + (size_t)first * CHANNEL_LINE_SIZE, (size_t)count * CHANNEL_LINE_SIZE);
		at += (size_t)count * CHANNEL_LINE_SIZE;
	}
	return at;
}

/* Those of their words that are wanted, behind a table; NULL if that isn't shorter. */
static uint8_t *put_parts(uint8_t *at, const struct channel_piece *p)
{
	unsigned int count = base_count_bits(p->lines), table = channel_runs_words(count);
	unsigned int word = table, most = count * CHANNEL_LINE_WORDS;
	uint8_t *words = at + (size_t)table * CHANNEL_WORD_SIZE;

	memset(words - CHANNEL_WORD_SIZE, 0, CHANNEL_WORD_SIZE);
	for (uint64_t left = p->lines; left; left &= left - 1) {
		unsigned int line = (unsigned int)__builtin_ctzll(left), run = p->runs[line];
		unsigned int n = channel_run_count(run);
		const uint8_t *from = (const uint8_t *)p->data + (size_t)line * CHANNEL_LINE_SIZE +
				      (size_t)channel_run_first(run) * CHANNEL_WORD_SIZE;

		if (word + n >= most)
			return NULL;
		at = put16(at, (uint16_t)(word << CHANNEL_RUN_BITS | run));
		word += n;
		for (; n; n--, from += CHANNEL_WORD_SIZE, words += CHANNEL_WORD_SIZE)
			memcpy(words, from, CHANNEL_WORD_SIZE);
	}
	return words;
}

/* The space's low bits have the state. */
size_t channel_piece_encode(const struct channel_piece *p, uint8_t *buf)
{
	uint8_t *data = buf + CHANNEL_PIECE_HEADER_SIZE, *end = NULL;
	enum channel_page_state state = p->state;

	if (state == CHANNEL_PAGE_PARTS)
		end = put_parts(data, p);
	if (!end) {
		if (state == CHANNEL_PAGE_PARTS)
			state = CHANNEL_PAGE_DATA;
		end = put_lines(data, p->data, p->lines);
	}
	put64(put64(put64(buf, p->space | state), p->address), p->lines);
	return (size_t)(end - buf);
}

/*
 * Words that the table of `count` lines at the cursor takes, with those that it tells of; 0: it is none. Four lines at
 * once, as there are hundreds of thousands: what is added up doesn't leave its 16 bits.
 */
static unsigned int check_table(struct base_cursor *c, unsigned int count)
{
	const uint64_t each = 0x0001000100010001;
	unsigned int word = channel_runs_words(count);
	uint64_t wrong = 0;

	for (unsigned int left = count; left; left -= left < 4 ? left : 4) {
		uint64_t runs = base_cursor_u64(c), there = left < 4 ? ((uint64_t)1 << 16 * left) - 1 : UINT64_MAX;
		uint64_t first = runs >> 3 & each * (CHANNEL_LINE_WORDS - 1);
		uint64_t less_one = runs & each * (CHANNEL_LINE_WORDS - 1);
		uint64_t sums = ((less_one + each) & there) * each;

		wrong |= runs & ~there;
		wrong |= (first + less_one) & each * CHANNEL_LINE_WORDS;
		wrong |= ((runs >> CHANNEL_RUN_BITS & each * (UINT16_MAX >> CHANNEL_RUN_BITS)) ^
			  (each * word + (sums << 16))) & there;
		word += (unsigned int)(sums >> 48);
	}
	return wrong ? 0 : word;
}

/* Bytes of a piece's lines in parts, at the cursor; 0: there is no such thing. `checked`: there is. */
static size_t parts_size(const struct base_cursor *c, unsigned int count, bool checked)
{
	struct base_cursor ahead = *c;
	unsigned int last;

	if (!checked)
		return (size_t)check_table(&ahead, count) * CHANNEL_WORD_SIZE;
	base_cursor_skip(&ahead, 2 * (size_t)(count - 1));
	last = base_cursor_u16(&ahead);
	return (size_t)((last >> CHANNEL_RUN_BITS) + channel_run_count(last)) * CHANNEL_WORD_SIZE;
}

/* One piece at the cursor; false when there is no well-formed one. `checked`: that there is is known. */
static bool piece_decode(struct base_cursor *c, bool checked, struct channel_piece *p)
{
	const uint64_t in_page = CHANNEL_PAGE_SIZE - 1;
	uint64_t space = base_cursor_u64(c);
	unsigned int count;

	*p = (struct channel_piece){.space = space & ~in_page, .state = space & in_page};
	p->address = base_cursor_u64(c);
	p->lines = base_cursor_u64(c);
	if (p->state > CHANNEL_PAGE_PARTS || p->address & in_page ||
	    !p->lines != (p->state == CHANNEL_PAGE_UNMAPPED || p->state == CHANNEL_PAGE_NOPHYS))
		return false;
	if (!p->lines)
		return base_cursor_ok(c);
	count = base_count_bits(p->lines);
	p->size = p->state == CHANNEL_PAGE_PARTS ? parts_size(c, count, checked) :
						   (size_t)count * CHANNEL_LINE_SIZE;
	p->data = base_cursor_bytes(c, p->size);
	return p->size && base_cursor_ok(c);
}

enum err channel_pages_decode(const void *bytes, size_t size, struct channel_pages *ret,
			      struct channel_piece_sink *sink, struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size), pieces;
	struct channel_pages head;
	struct channel_piece p;

	head.number = base_cursor_u64(&c);
	head.generation = base_cursor_u64(&c);
	head.flags = base_cursor_u32(&c);
	head.count = base_cursor_u32(&c);
	if (!base_cursor_ok(&c) || head.flags & ~(CHANNEL_PAGES_MORE | CHANNEL_PAGES_TRUNCATED))
		return err_set(err, ERR_CORRUPT, "an answer of %zu bytes has no head", size);
	pieces = c;
	for (uint32_t i = 0; i < head.count; i++) {
		if (!piece_decode(&c, false, &p))
			return err_set(err, ERR_CORRUPT, "piece %u of an answer of %u is malformed", i,
				       head.count);
		if (sink->soon)
			sink->soon(sink, &p);
	}
	if (base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "an answer has %zu bytes after its last piece",
			       base_cursor_left(&c));
	for (uint32_t i = 0; i < head.count; i++) {
		(void)piece_decode(&pieces, true, &p);
		sink->piece(sink, &p);
	}
	*ret = head;
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/* The engine over synthetic guests: honest lists, then what a guest or a client may lay in its way. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/checked.h"
#include "memdev/engine.h"
#include "synth/synth.h"

enum {
	BASE = 0x10000000,
	MAPPED = 64 * CHANNEL_PAGE_SIZE,
	PAGES_SEEN = CHANNEL_REQUEST_PAGES + 1,
};

#define VA 0xffff888000000000ull

struct fixture {
	struct base_alloc alloc;
	struct synth *guest;
	struct guest_pages *pages;
	struct memdev_engine *engine;

	struct memdev_sink sink;
	struct channel_piece_sink piece_sink;
	unsigned int records;
	unsigned int count;
	uint32_t flags;
	uint64_t spaces[PAGES_SEEN], addresses[PAGES_SEEN];
	enum channel_page_state states[PAGES_SEEN];
	uint64_t words[PAGES_SEEN];
	uint64_t lines[PAGES_SEEN];
	enum err refuse; /* what the sink says */
	/* how often lines and words of what is mapped came */
	uint8_t lines_sent[MAPPED / CHANNEL_LINE_SIZE], words_sent[MAPPED / CHANNEL_WORD_SIZE];
};

static struct fixture f;

static uint64_t word_of_guest(uint64_t va)
{
	struct gpa at;
	uint64_t value;

	assert_int_equal(guest_walk_translate(f.pages, GUEST_SPACE_KERNEL, (struct gva){va}, &at), ERR_OK);
	memcpy(&value, synth_phys(f.guest, at.v, sizeof(value)), sizeof(value));
	return value;
}

/* Count the words of a piece, each of which must be the guest's. */
static void see_words(const struct channel_piece *p)
{
	const uint8_t *data = p->data;
	unsigned int n = 0, word = 0;

	for (uint64_t left = p->lines; left; left &= left - 1, n++) {
		uint64_t line = p->address - VA + (uint64_t)__builtin_ctzll(left) * CHANNEL_LINE_SIZE;
		unsigned int run = word << CHANNEL_RUN_BITS | CHANNEL_RUN_WHOLE;

		if (p->state == CHANNEL_PAGE_PARTS)
			run = data[2 * n] | (unsigned int)data[2 * n + 1] << 8;
		word = run >> CHANNEL_RUN_BITS;
		f.lines_sent[line / CHANNEL_LINE_SIZE]++;
		for (unsigned int i = channel_run_first(run); i < channel_run_first(run) + channel_run_count(run); i++) {
			uint64_t value;

			memcpy(&value, data + (size_t)word++ * CHANNEL_WORD_SIZE, sizeof(value));
			assert_true(value == word_of_guest(VA + line + i * CHANNEL_WORD_SIZE));
			f.words_sent[line / CHANNEL_WORD_SIZE + i]++;
		}
	}
}

static void see_piece(struct channel_piece_sink *s, const struct channel_piece *p)
{
	(void)s;
	assert_in_range(f.count, 0, PAGES_SEEN - 1);
	f.spaces[f.count] = p->space;
	f.addresses[f.count] = p->address;
	f.states[f.count] = p->state;
	f.lines[f.count] = p->lines;
	f.words[f.count] = 0;
	if (p->data)
		memcpy(&f.words[f.count], p->data, sizeof(f.words[0]));
	if (p->data && !p->space && p->address >= VA && p->address < VA + MAPPED)
		see_words(p);
	f.count++;
}

static enum err see_record(struct memdev_sink *s, const void *plain, size_t size,
			   struct err_ctx *err)
{
	struct channel_pages head;

	(void)s;
	if (f.refuse != ERR_OK)
		return err_set(err, f.refuse, "the client went away");
	assert_true(size <= CHANNEL_PLAIN_MAX);
	assert_int_equal(channel_pages_decode(plain, size, &head, &f.piece_sink, NULL), ERR_OK);
	assert_int_equal(head.number, 77);
	assert_int_equal(head.generation, 5);
	/* all but the last record say that more comes */
	assert_int_equal(f.flags & CHANNEL_PAGES_MORE, f.records ? CHANNEL_PAGES_MORE : 0);
	f.flags = head.flags;
	f.records++;
	return ERR_OK;
}

static int set_up(void **state)
{
	struct guest_paging paging;

	(void)state;
	memset(&f, 0, sizeof(f));
	f.sink.record = see_record;
	f.piece_sink.piece = see_piece;
	base_alloc_init(&f.alloc, 64 << 20);
	f.guest = synth_create(4);
	synth_add_memory(f.guest, BASE, 4 << 20);
	synth_map_new(f.guest, VA, MAPPED);
	paging = synth_paging(f.guest);
	assert_int_equal(guest_walk_pages_create(&f.alloc, synth_source(f.guest, SYNTH_MAP), &paging,
						 64, &f.pages),
			 ERR_OK);
	assert_int_equal(memdev_engine_create(&f.alloc, f.pages, &f.engine, NULL), ERR_OK);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	memdev_engine_destroy(f.engine);
	guest_pages_destroy(f.pages);
	synth_destroy(f.guest);
	assert_int_equal(f.alloc.used, 0);
	return 0;
}

static void write64(uint64_t va, uint64_t value)
{
	struct gpa at;

	assert_int_equal(guest_walk_translate(f.pages, GUEST_SPACE_KERNEL, (struct gva){va}, &at),
			 ERR_OK);
	memcpy(synth_phys(f.guest, at.v, sizeof(value)), &value, sizeof(value));
}

static enum err ask(const struct channel_item *items, uint32_t count, struct err_ctx *err)
{
	struct channel_request r = {.number = 77, .count = count};
	uint8_t buf[CHANNEL_REQUEST_MAX];
	size_t size;

	f.records = f.count = f.flags = 0;
	memset(f.lines_sent, 0, sizeof(f.lines_sent));
	memset(f.words_sent, 0, sizeof(f.words_sent));
	memcpy(r.items, items, count * sizeof(*items));
	assert_int_equal(channel_request_encode(&r, buf, sizeof(buf), &size, NULL), ERR_OK);
	return memdev_engine_answer(f.engine, buf, size, 5, &f.sink, err);
}

static void expect_pages(const unsigned int *numbers, unsigned int count)
{
	assert_int_equal(f.count, count);
	for (unsigned int i = 0; i < count; i++)
		assert_int_equal(f.addresses[i] & ~(uint64_t)(CHANNEL_PAGE_SIZE - 1),
				 VA + numbers[i] * CHANNEL_PAGE_SIZE);
}

#define EXPECT_PAGES(...)                                                                          \
	expect_pages((const unsigned int[]){__VA_ARGS__},                                          \
		     sizeof((unsigned int[]){__VA_ARGS__}) / sizeof(unsigned int))

static uint64_t at(unsigned int page, unsigned int offset)
{
	return VA + page * CHANNEL_PAGE_SIZE + offset;
}

static void ranges_come_whole_and_once(void **state)
{
	struct channel_item items[] = {
		{.kind = CHANNEL_READ, .address = at(2, 4095), .size = 2},
		{.kind = CHANNEL_READ, .address = at(3, 8), .size = 8},
		{.kind = CHANNEL_READ, .address = at(1, 0), .size = 1},
	};

	(void)state;
	write64(at(3, 0), 0x1234);
	assert_int_equal(ask(items, 3, NULL), ERR_OK);
	EXPECT_PAGES(2, 3, 1);
	assert_int_equal(f.words[1], 0x1234);
	assert_int_equal(f.flags, 0);
	/* the next request gets them anew */
	assert_int_equal(ask(items, 1, NULL), ERR_OK);
	EXPECT_PAGES(2, 3);
}

/* Each line once, what lies together in one piece, also when it was asked for apart. */
static void lines_come_once(void **state)
{
	struct channel_item items[] = {
		{.kind = CHANNEL_LINES, .address = at(2, 0), .size = 1 << 2},
		{.kind = CHANNEL_READ, .address = at(2, 63), .size = 258},
		{.kind = CHANNEL_READ, .address = at(2, 64), .size = 1},
		{.kind = CHANNEL_READ, .address = at(3, 0), .size = 1},
		{.kind = CHANNEL_READ, .address = at(2, 512), .size = 1},
		{.kind = CHANNEL_READ, .address = at(2, 0), .size = CHANNEL_PAGE_SIZE},
	};
	(void)state;
	/* all of a page is one piece */
	assert_int_equal(ask(items, 5, NULL), ERR_OK);
	EXPECT_PAGES(2, 3);
	assert_int_equal(f.lines[0], 0x13f);
	assert_int_equal(f.lines[1], 1);
	assert_int_equal(ask(items, 6, NULL), ERR_OK);
	EXPECT_PAGES(2, 3);
	assert_int_equal(f.lines[0], UINT64_MAX);
	assert_int_equal(ask(items + 5, 1, NULL), ERR_OK);
	EXPECT_PAGES(2);
	assert_int_equal(f.lines[0], UINT64_MAX);
}

static void what_is_not_there_is_said(void **state)
{
	struct channel_item items[] = {
		{.kind = CHANNEL_READ, .address = VA + MAPPED, .size = 1},
		{.kind = CHANNEL_READ, .address = 0x0123456789abcdef, .size = 1},
		{.kind = CHANNEL_READ, .address = UINT64_MAX, .size = 100},
	};
	uint64_t top = synth_top(f.guest);

	(void)state;
	synth_map(f.guest, top, VA + MAPPED, 0x7000000000, SYNTH_4K,
		  SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE);
	assert_int_equal(ask(items, 3, NULL), ERR_OK);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.states[0], CHANNEL_PAGE_NOPHYS);
	assert_int_equal(f.states[1], CHANNEL_PAGE_UNMAPPED);
	assert_int_equal(f.states[2], CHANNEL_PAGE_UNMAPPED);
}

/* Nodes in pages 1, 2, 3; link at +8; a pointer at +16 to page 9. */
static void lay_list(void)
{
	write64(at(1, 108), at(2, 200));
	write64(at(2, 208), at(3, 300));
	write64(at(3, 308), 0);
	write64(at(2, 216), at(9, 0));
}

static void lists_are_chased(void **state)
{
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 100),
				    .next_offset = 8,
				    .after = 16,
				    .bound = 100,
				    .follow = {{.offset = 16, .size = 4097}}};

	(void)state;
	lay_list();
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(1, 2, 3, 9, 10);
	item.bound = 2;
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(1, 2, 9, 10);
	item.before = 101;
	item.bound = 1;
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(0, 1);
}

static void circles_end(void **state)
{
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 100),
				    .next_offset = 8,
				    .after = 16,
				    .bound = 1000};

	(void)state;
	lay_list();
	write64(at(3, 308), at(1, 100)); /* as list_head does */
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(memdev_engine_stats(f.engine).nodes, 3);
	write64(at(3, 308), at(2, 200)); /* a circle that never comes back to the first */
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(memdev_engine_stats(f.engine).nodes, 3 + 1000);
	EXPECT_PAGES(1, 2, 3);
}

static void link_into_nowhere_ends_the_list(void **state)
{
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 100),
				    .next_offset = 8,
				    .after = 16,
				    .bound = 1000};

	(void)state;
	write64(at(1, 108), VA + MAPPED);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.states[0], CHANNEL_PAGE_UNMAPPED);
	assert_int_equal(f.states[1], CHANNEL_PAGE_DATA);
}

/* Buckets as in the kernel's hlist_nulls: an odd pointer ends each. */
/* The set of what was sent is told apart by a mark that few bits are left for. */
static void many_requests(void **state)
{
	const struct channel_item item = {.kind = CHANNEL_READ, .address = at(3, 0), .size = 4097};

	(void)state;
	for (int i = 0; i < 2 * CHANNEL_PAGE_SIZE + 2; i++) {
		assert_int_equal(ask(&item, 1, NULL), ERR_OK);
		EXPECT_PAGES(3, 4);
	}
}

static void tables_of_lists(void **state)
{
	struct channel_item item = {.kind = CHANNEL_TABLE,
				    .address = at(20, 4080),
				    .size = 4,
				    .stride = 8,
				    .next_offset = 0,
				    .after = 8,
				    .bound = 100};

	(void)state;
	write64(at(20, 4080), 1);
	write64(at(20, 4088), at(30, 0));
	write64(at(21, 0), 5);
	write64(at(21, 8), at(32, 0));
	write64(at(30, 0), at(31, 0));
	write64(at(31, 0), 3);
	write64(at(32, 0), 7);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(20, 21, 30, 32, 31);
}

/* A pointer out of what a pointer led to; and what comes behind one that leads nowhere. */
static void pointers_are_followed_in_steps(void **state)
{
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 0),
				    .next_offset = CHANNEL_NEXT_NONE,
				    .after = 8,
				    .bound = 100,
				    .follow = {{.offset = 8, .size = 16},
					       {.offset = 8, .size = 8, .from = 1},
					       {.offset = 16, .size = 8},
					       {.offset = 0, .size = 8, .from = 3}}};

	(void)state;
	write64(at(1, 0), at(9, 0)); /* no link */
	write64(at(1, 8), at(2, 0));
	write64(at(2, 8), at(3, 0));
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(1, 2, 3);
}

/* Parts of what a pointer leads to, and of the node. */
static void parts_are_followed(void **state)
{
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 64),
				    .next_offset = CHANNEL_NEXT_NONE,
				    .after = 8,
				    .bound = 100,
				    .follow = {{.offset = 8, .size = 16, .at = 256},
					       {.offset = 4096, .size = 8, .from = 1, .here = true},
					       {.offset = -64, .size = 8, .here = true},
					       {.offset = 8, .size = 8, .from = 2}}};
	const uint64_t lines[] = {3, 0x10, 1, 1};

	(void)state;
	write64(at(1, 72), at(2, 0));
	write64(at(3, 8), at(4, 0));
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(1, 2, 3, 4);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(f.lines[i], lines[i]);
}

/* A range of a process's memory, which begins and ends where its mm_struct says. */
static void processes_are_followed_into(void **state)
{
	enum { MM = 2, TOP = 3, DIRECT = 1 << 20 };
	struct channel_item item = {.kind = CHANNEL_CHASE,
				    .address = at(1, 0),
				    .size = DIRECT,
				    .next_offset = CHANNEL_NEXT_NONE,
				    .after = 8,
				    .bound = 1,
				    .follow = {{.offset = 8, .size = 8},
					       {.offset = 0, .from = 1, .top = true},
					       {.offset = 8, .size = 5000, .at = 16, .from = 1}}};
	uint64_t user = 0x7f0000001000;
	uint64_t top = synth_space(f.guest);

	(void)state;
	synth_map(f.guest, top, user, BASE + 0x1000, SYNTH_4K, SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE | SYNTH_PTE_USER);
	synth_map(f.guest, top, user + CHANNEL_PAGE_SIZE, BASE + 0x2000, SYNTH_4K,
		  SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE | SYNTH_PTE_USER);
	write64(at(1, 8), at(MM, 0));
	write64(at(MM, 0), DIRECT + top);
	write64(at(MM, 8), user + 100);
	write64(at(MM, 24), user + 200);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 3);
	assert_int_equal(f.spaces[2], top);
	assert_int_equal(f.addresses[2], user);
	assert_int_equal(f.lines[2], 0xe);
	/* no more than was asked for */
	write64(at(MM, 24), user + (1 << 20));
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 4);
	assert_int_equal(f.addresses[3], user + CHANNEL_PAGE_SIZE);
	assert_int_equal(f.lines[3], (1 << 16) - 1);
	/* an end before its begin; tables that lie nowhere; the kernel's own space */
	write64(at(MM, 24), user + 100);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 2);
	write64(at(MM, 24), user + 200);
	write64(at(MM, 0), DIRECT - 1);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 2);
	write64(at(MM, 0), DIRECT + 5);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 2);
}

/* What several items want of the nodes of one list comes node by node, each up to its bound. */
static void items_of_one_list_are_walked_together(void **state)
{
	struct channel_item items[] = {
		{.kind = CHANNEL_CHASE, .address = at(1, 100), .next_offset = 8, .after = 16, .bound = 100},
		{.kind = CHANNEL_READ, .address = at(12, 0), .size = 8},
		{.kind = CHANNEL_CHASE,
		 .address = at(1, 100),
		 .next_offset = 8,
		 .after = 8,
		 .bound = 2,
		 .follow = {{.offset = 16, .size = 8}, {.offset = 4096, .size = 8, .here = true}}},
		{.kind = CHANNEL_CHASE, .address = at(1, 100), .next_offset = 16, .after = 8, .bound = 2},
	};

	(void)state;
	lay_list();
	write64(at(3, 316), at(11, 0));
	assert_int_equal(ask(items, 4, NULL), ERR_OK);
	/* nothing of what is behind the third node, which only the first wants */
	EXPECT_PAGES(1, 2, 3, 9, 12);
	assert_int_equal(memdev_engine_stats(f.engine).nodes, 3 + 2 + 1);
}

/* Slots of a radix tree: inner nodes are tagged, values are odd. */
static void arrays_of_pointers(void **state)
{
	struct channel_item item = {.kind = CHANNEL_TABLE,
				    .address = at(20, 0),
				    .size = 5,
				    .stride = 8,
				    .next_offset = CHANNEL_NEXT_NONE,
				    .after = 8,
				    .bound = 4};

	(void)state;
	write64(at(20, 0), at(30, 0) + 2);
	write64(at(20, 8), 5);
	write64(at(20, 16), at(31, 0));
	write64(at(20, 32), at(32, 0));
	write64(at(30, 0), at(40, 0));
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	EXPECT_PAGES(20, 30, 31, 32);
}

/* The words [first, last] of a page came once, and no others of it. */
static void expect_words(unsigned int page, unsigned int first, unsigned int last)
{
	for (unsigned int i = 0; i < CHANNEL_PAGE_SIZE / CHANNEL_WORD_SIZE; i++)
		assert_int_equal(f.words_sent[page * (CHANNEL_PAGE_SIZE / CHANNEL_WORD_SIZE) + i],
				 i >= first && i <= last);
}

/* Of what is exact words come, those of one line as one run; heads of tables as lines. */
static void words_are_enough(void **state)
{
	struct channel_item items[] = {
		{.kind = CHANNEL_CHASE,
		 .exact = true,
		 .address = at(1, 100),
		 .next_offset = CHANNEL_NEXT_NONE,
		 .after = 5, /* of word 12 and of word 13 */
		 .bound = 1,
		 .follow = {{.offset = 12, .size = 1, .at = 7}, {.offset = 4, .size = 4, .here = true}}},
		{.kind = CHANNEL_TABLE,
		 .exact = true,
		 .address = at(5, 0),
		 .size = 1,
		 .stride = 8,
		 .next_offset = CHANNEL_NEXT_NONE,
		 .after = 80,
		 .bound = 1},
		/* what isn't exact wants all of a line that the other wants words of */
		{.kind = CHANNEL_CHASE,
		 .address = at(1, 100),
		 .next_offset = CHANNEL_NEXT_NONE,
		 .after = 1,
		 .bound = 1},
	};

	(void)state;
	write64(at(1, 112), at(2, 8));
	write64(at(5, 0), at(6, 56));
	assert_int_equal(ask(items, 1, NULL), ERR_OK);
	EXPECT_PAGES(1, 2);
	assert_int_equal(f.states[0], CHANNEL_PAGE_PARTS);
	expect_words(1, 12, 13);
	expect_words(2, 1, 1);
	/* two words of one line, with those between; all of the next; one of the one behind it */
	assert_int_equal(ask(items + 1, 1, NULL), ERR_OK);
	EXPECT_PAGES(5, 6);
	expect_words(5, 0, 7);
	expect_words(6, 7, 16);
	assert_int_equal(ask(items, 3, NULL), ERR_OK);
	EXPECT_PAGES(1, 2, 5, 6);
	assert_int_equal(f.states[0], CHANNEL_PAGE_DATA);
	expect_words(1, 8, 15);
	/* first wanted as a whole: nothing more comes */
	items[0].address = at(6, 64);
	items[1].exact = false;
	assert_int_equal(ask((const struct channel_item[]){items[1], items[0]}, 2, NULL), ERR_OK);
	assert_int_equal(f.addresses[1], at(6, 0));
	assert_int_equal(f.states[1], CHANNEL_PAGE_DATA);
	expect_words(6, 0, 23);
}

/* A line that went in part comes as a whole when more of it is wanted in a later record, and then not again. */
static void a_line_comes_twice_at_most(void **state)
{
	const struct channel_item word = {.kind = CHANNEL_CHASE,
					  .exact = true,
					  .address = at(1, 72),
					  .next_offset = CHANNEL_NEXT_NONE,
					  .after = 8,
					  .bound = 1};
	const struct channel_item others = {.kind = CHANNEL_READ, .address = at(2, 0), .size = 16 * CHANNEL_PAGE_SIZE};
	struct channel_item items[5] = {word, others, word, word, word};

	(void)state;
	items[2].address = at(1, 80);
	items[3].address = at(1, 88);
	items[4].address = at(1, 136);
	assert_int_equal(ask(items, 5, NULL), ERR_OK);
	assert_true(f.records > 1);
	assert_int_equal(f.addresses[f.count - 1], at(1, 0));
	assert_int_equal(f.lines[f.count - 1], 6);
	assert_int_equal(f.lines_sent[at(1, 64) % MAPPED / CHANNEL_LINE_SIZE], 2);
	assert_int_equal(f.words_sent[at(1, 72) % MAPPED / CHANNEL_WORD_SIZE], 2);
	assert_int_equal(f.words_sent[at(1, 64) % MAPPED / CHANNEL_WORD_SIZE], 1);
	assert_int_equal(f.words_sent[at(1, 136) % MAPPED / CHANNEL_WORD_SIZE], 1);
	assert_int_equal(f.words_sent[at(1, 144) % MAPPED / CHANNEL_WORD_SIZE], 0);
	/* the same word again, in a record that doesn't tell what of the line went */
	items[2].address = at(1, 76);
	items[2].after = 4;
	assert_int_equal(ask(items, 3, NULL), ERR_OK);
	assert_int_equal(f.words_sent[at(1, 72) % MAPPED / CHANNEL_WORD_SIZE], 2);
}

static uint32_t draw(uint32_t *random, uint32_t below)
{
	*random = *random * 1664525 + 1013904223;
	return (uint32_t)((uint64_t)*random * below >> 32);
}

/* Whatever is wanted comes, in lines and words of whatever objects; no line more than twice. */
static void what_is_wanted_comes(void **state)
{
	static uint8_t wanted[MAPPED / CHANNEL_WORD_SIZE];
	static struct channel_item items[CHANNEL_ITEMS_MAX];
	uint32_t random = 1;

	(void)state;
	for (uint64_t va = VA; va < VA + MAPPED; va += CHANNEL_WORD_SIZE)
		write64(va, va * 0x9e3779b97f4a7c15);
	for (unsigned int round = 0; round < 30; round++) {
		uint32_t count = 1 + draw(&random, CHANNEL_ITEMS_MAX), spread = 1 << draw(&random, 10);

		memset(wanted, 0, sizeof(wanted));
		memset(items, 0, sizeof(items));
		for (uint32_t n = 0; n < count; n++) {
			struct channel_item *i = &items[n];
			uint64_t node = 4 * (1024 + draw(&random, (MAPPED - 4 * CHANNEL_PAGE_SIZE) / 4));

			*i = (struct channel_item){.kind = CHANNEL_CHASE,
						   .exact = draw(&random, 8) != 0,
						   .address = VA + node,
						   .next_offset = CHANNEL_NEXT_NONE,
						   .bound = 1};
			for (unsigned int k = 0; k < CHANNEL_FOLLOW_MAX; k++) {
				uint32_t offset = draw(&random, 8192), size = 1 + draw(&random, spread);

				i->follow[k] = (struct channel_follow){.offset = (int32_t)offset, .size = size, .here = true};
				for (uint64_t w = (node + offset) / 8; w <= (node + offset + size - 1) / 8; w++)
					wanted[w] = 1;
			}
		}
		assert_int_equal(ask(items, count, NULL), ERR_OK);
		for (size_t w = 0; w < sizeof(wanted); w++)
			assert_true(f.words_sent[w] >= wanted[w]);
		for (size_t n = 0; n < sizeof(f.lines_sent); n++)
			assert_true(f.lines_sent[n] <= 2);
	}
}

static void long_answers_take_several_records(void **state)
{
	struct channel_item item = {.kind = CHANNEL_READ, .address = VA, .size = MAPPED};

	(void)state;
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 64);
	/* 2 pages, 8, 16, 16, 16 and the rest */
	assert_int_equal(f.records, 6);
	assert_int_equal(f.flags, 0);
}

static void budget_ends_an_answer(void **state)
{
	struct channel_item items[CHANNEL_ITEMS_MAX];

	(void)state;
	for (int i = 0; i < CHANNEL_ITEMS_MAX; i++)
		items[i] = (struct channel_item){.kind = CHANNEL_READ,
						 .address = VA + (uint64_t)i * CHANNEL_RANGE_MAX,
						 .size = CHANNEL_RANGE_MAX};
	assert_int_equal(ask(items, CHANNEL_ITEMS_MAX, NULL), ERR_OK);
	assert_int_equal(f.count, CHANNEL_REQUEST_PAGES);
	assert_int_equal(f.flags, CHANNEL_PAGES_TRUNCATED);
}

static void errors_end_an_answer(void **state)
{
	struct channel_item item = {.kind = CHANNEL_READ, .address = VA, .size = MAPPED};
	uint8_t garbage[CHANNEL_REQUEST_MAX] = {0};
	struct err_ctx err = {0};

	(void)state;
	f.refuse = ERR_GONE;
	assert_int_equal(ask(&item, 1, &err), ERR_GONE);
	assert_string_equal(err.text, "the client went away");
	f.refuse = ERR_OK;
	assert_int_equal(memdev_engine_answer(f.engine, garbage, sizeof(garbage), 5, &f.sink, NULL),
			 ERR_CORRUPT);
	assert_int_equal(f.records, 0);
	synth_set_gone(f.guest, true);
	err_clear(&err);
	assert_int_equal(ask(&item, 1, &err), ERR_GONE);
	assert_int_equal(f.records, 0);
	synth_set_gone(f.guest, false);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, 64);
}

/* What was read while a restart overwrote it is never said to be the guest's. */
static void a_restart_ends_an_answer(void **state)
{
	struct channel_item item = {.kind = CHANNEL_READ, .address = VA, .size = MAPPED};
	struct channel_bound r = {.address = VA, .length = 8};
	struct err_ctx err = {0};
	const void *plain;
	size_t size;

	(void)state;
	synth_set_restarted(f.guest, true);
	assert_int_equal(ask(&item, 1, &err), ERR_GONE);
	assert_string_equal(err.text, "the synthetic guest restarted");
	/* there may have been records, but not the last, and no holes */
	assert_int_equal(f.flags, CHANNEL_PAGES_MORE);
	item.address = VA - CHANNEL_PAGE_SIZE;
	assert_int_equal(ask(&item, 1, NULL), ERR_GONE);
	assert_int_equal(f.records, 0);
	assert_int_equal(memdev_engine_read(f.engine, &r, 5, &plain, &size, NULL), ERR_GONE);
}

/* Copies of pages have little room, less than an answer may take. */
static void copies_make_room(void **state)
{
	struct channel_item item = {.kind = CHANNEL_READ, .address = VA, .size = MAPPED}, words[32];
	struct guest_paging paging = synth_paging(f.guest);

	(void)state;
	memdev_engine_destroy(f.engine);
	guest_pages_destroy(f.pages);
	assert_int_equal(guest_walk_pages_create(&f.alloc, synth_source(f.guest, SYNTH_CLOCK), &paging,
						 8, &f.pages),
			 ERR_OK);
	assert_int_equal(memdev_engine_create(&f.alloc, f.pages, &f.engine, NULL), ERR_OK);
	assert_int_equal(ask(&item, 1, NULL), ERR_OK);
	assert_int_equal(f.count, MAPPED / CHANNEL_PAGE_SIZE);
	for (unsigned int i = 0; i < f.count; i++)
		assert_int_equal(f.states[i], CHANNEL_PAGE_DATA);
	/* words of more pages, and once more of the same */
	for (unsigned int i = 0; i < BASE_COUNT(words); i++)
		words[i] = (struct channel_item){.kind = CHANNEL_CHASE,
						 .exact = true,
						 .address = at(4 * (i % 16), i / 16 * 4),
						 .next_offset = CHANNEL_NEXT_NONE,
						 .after = 16000,
						 .bound = 1};
	assert_int_equal(ask(words, BASE_COUNT(words), NULL), ERR_OK);
	for (unsigned int i = 0; i < MAPPED / CHANNEL_WORD_SIZE; i++)
		assert_true(f.words_sent[i] || i % 2048 >= 2000);
}

static void reads_by_address(void **state)
{
	struct channel_bound r = {.address = at(2, 4092), .length = 8};
	uint64_t top = synth_top(f.guest), word;
	struct channel_bytes head;
	const uint8_t *data;
	const void *plain;
	size_t size;

	(void)state;
	write64(at(2, 4088), 0x1122334455667788);
	write64(at(3, 0), 0x99aabbccddeeff00);
	assert_int_equal(memdev_engine_read(f.engine, &r, 5, &plain, &size, NULL), ERR_OK);
	assert_int_equal(channel_bytes_decode(plain, size, &r, &head, &data, NULL), ERR_OK);
	memcpy(&word, data, sizeof(word));
	assert_int_equal(word, 0xddeeff0011223344);
	assert_int_equal(head.generation, 5);
	assert_int_equal(head.unmapped | head.nophys, 0);

	/* the last page that is there, one without memory behind it, one that isn't there */
	synth_map(f.guest, top, VA + MAPPED, 0x7000000000, SYNTH_4K,
		  SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE);
	write64(at(63, 4088), 0x5a);
	r = (struct channel_bound){.address = VA + MAPPED - 8, .length = 16 + 2 * CHANNEL_PAGE_SIZE};
	assert_int_equal(memdev_engine_read(f.engine, &r, 5, &plain, &size, NULL), ERR_OK);
	assert_int_equal(channel_bytes_decode(plain, size, &r, &head, &data, NULL), ERR_OK);
	assert_int_equal(head.nophys, 1 << 1);
	assert_int_equal(head.unmapped, 1 << 2 | 1 << 3);
	memcpy(&word, data, sizeof(word));
	assert_int_equal(word, 0x5a);
	for (size_t i = 8; i < r.length; i++)
		assert_int_equal(data[i], 0);

	/* as much as there can be, up to the last byte of all */
	r = (struct channel_bound){.address = 0 - (uint64_t)CHANNEL_BYTES_MAX,
				   .length = CHANNEL_BYTES_MAX};
	assert_int_equal(memdev_engine_read(f.engine, &r, 5, &plain, &size, NULL), ERR_OK);
	assert_int_equal(channel_bytes_decode(plain, size, &r, &head, &data, NULL), ERR_OK);
	assert_int_equal(head.unmapped, UINT64_MAX);

	synth_set_gone(f.guest, true);
	assert_int_equal(memdev_engine_read(f.engine, &r, 5, &plain, &size, NULL), ERR_GONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(ranges_come_whole_and_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lines_come_once, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_said, set_up, tear_down),
		cmocka_unit_test_setup_teardown(lists_are_chased, set_up, tear_down),
		cmocka_unit_test_setup_teardown(circles_end, set_up, tear_down),
		cmocka_unit_test_setup_teardown(link_into_nowhere_ends_the_list, set_up, tear_down),
		cmocka_unit_test_setup_teardown(many_requests, set_up, tear_down),
		cmocka_unit_test_setup_teardown(tables_of_lists, set_up, tear_down),
		cmocka_unit_test_setup_teardown(pointers_are_followed_in_steps, set_up, tear_down),
		cmocka_unit_test_setup_teardown(arrays_of_pointers, set_up, tear_down),
		cmocka_unit_test_setup_teardown(parts_are_followed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(processes_are_followed_into, set_up, tear_down),
		cmocka_unit_test_setup_teardown(items_of_one_list_are_walked_together, set_up, tear_down),
		cmocka_unit_test_setup_teardown(words_are_enough, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_line_comes_twice_at_most, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_is_wanted_comes, set_up, tear_down),
		cmocka_unit_test_setup_teardown(long_answers_take_several_records, set_up, tear_down),
		cmocka_unit_test_setup_teardown(budget_ends_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(errors_end_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_restart_ends_an_answer, set_up, tear_down),
		cmocka_unit_test_setup_teardown(copies_make_room, set_up, tear_down),
		cmocka_unit_test_setup_teardown(reads_by_address, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * Kernel-style code compiled through the plugin, run on two made-up guests with layouts of their own:
 * it must read what ordinary C reads with the guest's types, and nothing in a guest may break it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define XXH_INLINE_ALL
#include <xxhash.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "llview/guest.h"
#include "llview/state.h"
#include "probe.h"
#include "walk.h"

#define IMAGE 0xffffffff81000000

struct fixture {
	struct base_alloc alloc;
	struct ktype *k;
	struct llview_layout *layout;
	struct llview_guest *guest;
};

static void setup(struct fixture *f, int variant, const struct llview_guest_opts *opts)
{
	base_alloc_init(&f->alloc, 64 << 20);
	f->k = fake_create();
	(variant == 1 ? world_1 : world_2)(f->k);
	fake_value(f->k, FAKE_SYMBOL, "image_symbol", "", IMAGE);
	fake_set_kaslr(f->k, 0x1000000);
	assert_int_equal(llview_layout_create(&f->alloc, f->k, &f->layout), ERR_OK);
	assert_int_equal(llview_guest_create(&f->alloc, f->layout, fake_pages(f->k), opts,
					     &f->guest), ERR_OK);
}

static void teardown(struct fixture *f)
{
	llview_guest_destroy(f->guest);
	llview_layout_destroy(f->layout);
	fake_destroy(f->k);
	assert_int_equal(f->alloc.used, 0);
}

static uint64_t symbol(struct fixture *f, const char *name)
{
	struct gva at;

	assert_int_equal(ktype_symbol(f->k, name, &at), ERR_OK);
	return at.v;
}

static void run(struct fixture *f, void (*fn)(void *), struct probe *p)
{
	assert_int_equal(guest_run(f->guest, fn, p), ERR_OK);
}

static void compare_walks(struct fixture *f, int variant)
{
	static struct trace theirs, ours;

	theirs.count = ours.count = 0;
	(variant == 1 ? plain_walk_1 : plain_walk_2)(
		&theirs, (void *)(uintptr_t)symbol(f, "init_task"));
	assert_int_equal(guest_run(f->guest, guest_walk, &ours), ERR_OK);
	assert_true(theirs.count > 500 && theirs.count < TRACE_MAX);
	assert_int_equal(ours.count, theirs.count);
	for (size_t i = 0; i < ours.count; i++)
		if (ours.values[i] != theirs.values[i])
			fail_msg("value %zu: %#lx, not %#lx", i, ours.values[i], theirs.values[i]);
	assert_int_equal(llview_guest_stats(f->guest)->faults, 0);
}

static void test_same_as_plain(void **state)
{
	struct fixture f;

	(void)state;
	for (int variant = 1; variant <= 2; variant++) {
		setup(&f, variant, NULL);
		compare_walks(&f, variant);
		assert_true(llview_guest_stats(f.guest)->misses < 100);
		fake_copy_pages(f.k);
		assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
		compare_walks(&f, variant);
		teardown(&f);
	}
}

/* Without pages, every value is read when it is used, and comes out the same. */
static void test_same_without_pages(void **state)
{
	struct guest_pages *pages;
	struct fixture f;

	(void)state;
	for (int variant = 1; variant <= 2; variant++) {
		setup(&f, variant, NULL);
		llview_guest_destroy(f.guest);
		pages = fake_pages(f.k);
		fake_keep_nothing(f.k);
		assert_int_equal(llview_guest_create(&f.alloc, f.layout, pages, NULL, &f.guest),
				 ERR_OK);
		compare_walks(&f, variant);
		assert_int_equal(llview_guest_stats(f.guest)->misses, 0);
		teardown(&f);
	}
}

/* Where words of lines are known, what isn't is asked for, and all comes out the same. */
static void test_same_in_parts(void **state)
{
	struct guest_pages *pages;
	struct fixture f;

	(void)state;
	for (int variant = 1; variant <= 2; variant++) {
		setup(&f, variant, NULL);
		llview_guest_destroy(f.guest);
		pages = fake_pages(f.k);
		fake_in_parts(f.k);
		assert_int_equal(llview_guest_create(&f.alloc, f.layout, pages, NULL, &f.guest), ERR_OK);
		compare_walks(&f, variant);
		assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
		compare_walks(&f, variant);
		teardown(&f);
	}
}

struct looks {
	uint64_t *memory;
	struct guest_pages *pages;
};

/* A word of a line of the memory, after so many lookups in all. */
static void look_at_word(const struct looks *l, unsigned int line, unsigned int word, uint64_t lookups)
{
	const uint64_t *at = l->memory + 8 * line + word;

	__llview_prefetch_miss((uint64_t)(uintptr_t)at);
	assert_int_equal(*(const uint64_t *)llview_miss((uint64_t)(uintptr_t)at, 8), *at);
	assert_int_equal(l->pages->stats.lookups, lookups);
}

static void look_at_words(void *arg)
{
	const struct looks *l = arg;
	uint64_t copy[8];

	look_at_word(l, 3, 0, 1);
	look_at_word(l, 3, 1, 1);
	look_at_word(l, 9, 3, 1);
	/* the line is in the cache, this word of it isn't */
	look_at_word(l, 9, 5, 2);
	look_at_word(l, 9, 2, 2);
	look_at_word(l, 9, 4, 2);
	look_at_word(l, 50, 7, 2);
	look_at_word(l, 9, 3, 3);
	/* over lines, and the same again */
	assert_true(__llview_read(copy, (uint64_t)(uintptr_t)(l->memory + 8 * 20 + 6), sizeof(copy)));
	assert_memory_equal(copy, l->memory + 8 * 20 + 6, sizeof(copy));
	assert_int_equal(l->pages->stats.lookups, 4);
	assert_true(__llview_read(copy, (uint64_t)(uintptr_t)(l->memory + 8 * 20 + 7), 8 * 5));
	assert_memory_equal(copy, l->memory + 8 * 20 + 7, 8 * 5);
	assert_int_equal(l->pages->stats.lookups, 4);
	assert_true(__llview_read(copy, (uint64_t)(uintptr_t)(l->memory + 8 * 20 + 7), 8 * 8));
	assert_memory_equal(copy, l->memory + 8 * 20 + 7, 8 * 8);
	assert_int_equal(l->pages->stats.lookups, 5);
}

static void test_words_of_lines(void **state)
{
	struct looks l;
	struct fixture f;

	(void)state;
	setup(&f, 1, NULL);
	llview_guest_destroy(f.guest);
	l.memory = fake_object(f.k, GUEST_PAGE_SIZE);
	for (unsigned int i = 0; i < GUEST_PAGE_SIZE / 8; i++)
		l.memory[i] = 1000 + i;
	l.pages = fake_pages(f.k);
	fake_in_parts(f.k);
	assert_int_equal(llview_guest_create(&f.alloc, f.layout, l.pages, NULL, &f.guest), ERR_OK);
	l.pages->stats.lookups = 0;
	assert_int_equal(guest_run(f.guest, look_at_words, &l), ERR_OK);
	teardown(&f);
}

static void test_questions(void **state)
{
	struct fixture f;

	(void)state;
	for (int v = 1; v <= 2; v++) {
		struct probe p = {0};
		struct ktype_member m;
		uint64_t size, *o = p.out;

		setup(&f, v, NULL);
		run(&f, probe_questions, &p);
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, v == 1);
		assert_int_equal(*o++, 0);
		assert_int_equal(*o++, v == 1); /* int in 2 */
		assert_int_equal(*o++, v == 1); /* u32 in 2 */
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, 0);
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, 1);
		assert_int_equal(*o++, 0);
		assert_int_equal(*o++, v == 2);
		assert_int_equal(*o++, v == 1 ? 1 : 40);
		assert_int_equal(*o++, v == 1 ? 99 : 1);
		assert_int_equal(*o++, v == 1 ? 2 : 7);
		assert_int_equal(*o++, v == 1);
		assert_int_equal(ktype_sizeof(f.k, "struct task", &size), ERR_OK);
		assert_int_equal(*o++, size);
		assert_int_equal(*o++, 4);
		assert_int_equal(*o++, 0);
		assert_int_equal(ktype_member(f.k, "struct task", "pid", &m), ERR_OK);
		assert_int_equal(*o++, m.bit_offset / 8);
		assert_int_equal(*o++, 0);
		assert_int_equal(*o++, IMAGE + 0x1000000);
		teardown(&f);
	}
}

static void test_absent(void **state)
{
	struct fixture f;
	struct probe p = {0};

	(void)state;
	setup(&f, 1, NULL);
	run(&f, probe_absent, &p);
	assert_int_equal(p.out[0], 0);
	for (int i = 1; i < 15; i += 2) {
		assert_int_equal(p.out[i], 0);
		assert_int_equal(p.out[i + 1], 1);
	}
	assert_int_equal(p.out[15], 1);
	/* The absent ones are known, and few. */
	assert_in_range(llview_layout_absent(f.layout), 5, 40);
	assert_true(llview_layout_count(f.layout) > 80);
	teardown(&f);
}

static void test_records(void **state)
{
	struct fixture f;
	struct probe p = {0};
	const uint64_t want[] = {0, 4000, 0, 0, 4000, 1, 1, 1, 1};

	(void)state;
	setup(&f, 1, NULL);
	run(&f, probe_records, &p);
	for (int i = 0; i < 9; i++)
		assert_int_equal(p.out[i], want[i]);
	teardown(&f);
}

static void test_text(void **state)
{
	struct fixture f;
	struct probe p = {0};
	char *page;

	(void)state;
	setup(&f, 1, NULL);
	page = fake_object(f.k, 2 * GUEST_PAGE_SIZE);

	/* across a page, to its NUL */
	memcpy(page + 4090, "hello, world", 13);
	p = (struct probe){.in = {(uintptr_t)page + 4090, 64}};
	run(&f, probe_text, &p);
	assert_string_equal(p.text, "hello, world");
	assert_int_equal(p.out[0], 12);
	assert_int_equal(p.out[1], 0);
	assert_int_equal(p.out[2], 1);
	assert_int_equal(p.out[3], 'h');

	/* cut by the buffer, which is terminated and no byte beyond it touched */
	p = (struct probe){.in = {(uintptr_t)page + 4090, 6}};
	memset(p.text, 'z', sizeof(p.text));
	run(&f, probe_text, &p);
	assert_string_equal(p.text, "hello");
	assert_int_equal(p.out[0], 5);
	assert_int_equal(p.text[6], 'z');

	/* running into a hole */
	memset(page + 8192 - 3, 'a', 3);
	p = (struct probe){.in = {(uintptr_t)page + 8192 - 3, 64}};
	run(&f, probe_text, &p);
	assert_string_equal(p.text, "aaa");
	assert_int_equal(p.out[1], 1);
	assert_int_equal(p.out[2], 0);
	assert_int_equal(p.out[3], 0); /* zeros, not half of it */
	assert_int_equal(p.out[4], 1);

	/* ending right before one */
	page[8191] = '\0';
	run(&f, probe_text, &p);
	assert_int_equal(p.out[1], 0);

	p = (struct probe){.in = {(uintptr_t)page, 0}, .text = "untouched"};
	run(&f, probe_text, &p);
	assert_string_equal(p.text, "untouched");
	teardown(&f);
}

static void test_words(void **state)
{
	struct fixture f;
	struct probe p = {0};
	char *page;
	uint64_t want;
	int32_t want32;

	(void)state;
	setup(&f, 1, NULL);
	page = fake_object(f.k, 2 * GUEST_PAGE_SIZE);
	for (int i = 0; i < 8192; i++)
		page[i] = 0x80 ^ i * 7;
	for (uint64_t at = 4084; at < 4100; at++) {
		p = (struct probe){.in = {(uintptr_t)page + at}};
		run(&f, probe_words, &p);
		for (int i = 0; i < 8; i++) {
			memcpy(&want, page + at + i, 8);
			assert_int_equal(p.out[i], want);
		}
		memcpy(&want32, page + at + 3, 4);
		assert_int_equal(p.out[8], (uint16_t)want32);
		assert_int_equal((int64_t)p.out[9], want32);
		assert_int_equal(p.out[10], (uint8_t)page[at + 7]);
		assert_int_equal(p.out[11], 0);
	}
	assert_true(llview_guest_stats(f.guest)->unaligned > 0);

	/* half of the word is in a hole: all of it is zeros */
	p = (struct probe){.in = {(uintptr_t)page + 8192 - 8}};
	run(&f, probe_words, &p);
	memcpy(&want, page + 8184, 8);
	assert_int_equal(p.out[0], want);
	for (int i = 1; i < 8; i++)
		assert_int_equal(p.out[i], 0);
	assert_int_equal(p.out[11], 1);
	teardown(&f);
}

static void test_pins(void **state)
{
	struct fixture f;
	struct probe p = {0}, crossing = {0};
	struct ktype_member m;
	uint64_t size;
	char *page, *at;

	(void)state;
	setup(&f, 2, NULL);
	page = fake_object(f.k, 2 * GUEST_PAGE_SIZE);
	assert_int_equal(ktype_sizeof(f.k, "struct task", &size), ERR_OK);
	assert_int_equal(ktype_member(f.k, "struct task", "pid", &m), ERR_OK);
	for (uint64_t cut = 1; cut < size; cut += 13) {
		at = page + GUEST_PAGE_SIZE - cut;
		memcpy(at, (void *)(uintptr_t)symbol(&f, "init_task"), size);
		memcpy(at + m.bit_offset / 8, &(int){123456}, 4);
		crossing = (struct probe){.in = {(uintptr_t)at, 2000}};
		run(&f, probe_pins, &crossing);
		assert_int_equal(crossing.out[0], 123456);
		assert_int_equal(crossing.out[1], 0xfedcba9876);
		assert_int_equal(crossing.out[2], 4000);
		assert_int_equal(crossing.out[3], 1);
		memcpy(&p.in[0], at, 8);
		assert_int_equal(crossing.out[4], p.in[0]);
		assert_int_equal(crossing.out[5], 0);
	}
	assert_in_range(crossing.out[6], 100, 9999); /* copies until the arena was full */
	assert_int_equal(crossing.out[7], 0);
	assert_int_equal(crossing.out[8], 0);
	assert_int_equal(crossing.out[9], 1);
	assert_int_equal(crossing.out[10], 16);

	assert_int_equal(guest_run(f.guest, probe_pin_huge, &p), ERR_LIMIT);
	assert_int_equal(p.out[0], 1);
	teardown(&f);
}

static void test_bounds(void **state)
{
	struct llview_guest_opts opts = {.fuel = 100000, .fault_limit = 1000};
	struct fixture f;
	struct probe p = {0};
	struct {
		void *next, *prev;
	} *nodes;

	(void)state;
	setup(&f, 1, &opts);
	nodes = fake_object(f.k, 100 * sizeof(*nodes));
	for (int i = 0; i < 99; i++)
		nodes[i].next = &nodes[i + 1];
	nodes[99].next = &nodes[70]; /* a cycle that the start is not on */
	p.in[0] = (uintptr_t)nodes;
	run(&f, probe_bounds, &p);
	assert_int_equal(p.out[0], 1000);
	assert_int_equal(p.out[1], 1);
	assert_in_range(p.out[2], 100, 400);
	assert_int_equal(p.out[3], 1);
	assert_int_equal(p.out[4], 0);

	assert_int_equal(llview_guest_stats(f.guest)->aborts, 0);
	p = (struct probe){0};
	assert_int_equal(guest_run(f.guest, probe_faults, &p), ERR_LIMIT);
	assert_int_equal(p.out[0], 1000);
	assert_int_equal(p.out[1], 0);
	p = (struct probe){0};
	opts.fault_limit = UINT32_MAX;
	assert_int_equal(guest_run(f.guest, probe_endless, &p), ERR_LIMIT);
	assert_in_range(p.out[0], 8000, 100000);
	assert_int_equal(llview_guest_stats(f.guest)->aborts, 2);

	/* as good as new */
	p = (struct probe){0};
	run(&f, probe_pid, &p);
	assert_int_equal(p.out[0], 4000);
	teardown(&f);
}

static void test_gone(void **state)
{
	struct fixture f;
	struct probe p = {0};
	struct err_ctx err = {0};

	(void)state;
	setup(&f, 1, NULL);
	run(&f, probe_pid, &p);
	fake_fail(f.k, ERR_GONE);
	assert_int_equal(llview_guest_epoch(f.guest, &err), ERR_GONE);
	p = (struct probe){0};
	assert_int_equal(guest_run(f.guest, probe_pid, &p), ERR_GONE);
	assert_int_equal(p.out[0], 0);
	teardown(&f);
}

static void test_epoch(void **state)
{
	struct fixture f;
	struct probe p = {0};
	struct ktype_member m;
	int *pid;

	(void)state;
	setup(&f, 1, NULL);
	fake_copy_pages(f.k);
	assert_int_equal(ktype_member(f.k, "struct task", "pid", &m), ERR_OK);
	pid = (int *)(uintptr_t)(symbol(&f, "init_task") + m.bit_offset / 8);
	run(&f, probe_pid, &p);
	*pid = 77;
	run(&f, probe_pid, &p);
	assert_int_equal(p.out[0], 4000); /* one epoch, one view */
	assert_int_equal(llview_guest_stats(f.guest)->misses, 1);
	assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
	run(&f, probe_pid, &p);
	assert_int_equal(p.out[0], 77);

	/* somebody else's epoch of the same pages is noticed */
	*pid = 78;
	assert_int_equal(fake_pages(f.k)->ops->epoch(fake_pages(f.k), NULL), ERR_OK);
	run(&f, probe_pid, &p);
	assert_int_equal(p.out[0], 78);
	teardown(&f);
}

/* How many translations a walk over the first `pages` of `object` needed that weren't there. */
static uint64_t misses_of(struct fixture *f, const char *object, uint64_t pages)
{
	struct probe p = {.in = {(uintptr_t)object, pages}};
	uint64_t before = llview_guest_stats(f->guest)->misses;

	run(f, probe_pages, &p);
	assert_int_equal(p.out[0], pages * (pages + 1) / 2);
	return llview_guest_stats(f->guest)->misses - before;
}

static void test_lasting(void **state)
{
	enum { MANY = 3000 };
	struct fixture f;
	char *object;

	(void)state;
	setup(&f, 1, NULL);
	object = fake_object(f.k, MANY * GUEST_PAGE_SIZE);
	for (uint64_t i = 0; i < MANY; i++)
		*(uint64_t *)(object + i * GUEST_PAGE_SIZE) = i + 1;
	for (int twice = 0; twice < 2; twice++) {
		/* few and many of one epoch */
		assert_int_equal(misses_of(&f, object, 10), 10);
		assert_int_equal(misses_of(&f, object, 10), 0);
		assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
		assert_int_equal(misses_of(&f, object, MANY), MANY);
		assert_int_equal(misses_of(&f, object, MANY), 0);
		assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
	}
	fake_lasting_pages(f.k);
	assert_int_equal(misses_of(&f, object, MANY), MANY);
	assert_int_equal(llview_guest_epoch(f.guest, NULL), ERR_OK);
	assert_int_equal(misses_of(&f, object, MANY), 0);
	/* also at somebody else's epoch, but not when all has to go */
	assert_int_equal(fake_pages(f.k)->ops->epoch(fake_pages(f.k), NULL), ERR_OK);
	assert_int_equal(misses_of(&f, object, MANY), 0);
	llview_guest_flush(f.guest);
	assert_int_equal(misses_of(&f, object, MANY), MANY);
	teardown(&f);
}

static void test_user(void **state)
{
	struct fixture f;
	struct probe p = {0};
	char *page;

	(void)state;
	setup(&f, 1, NULL);
	page = fake_object(f.k, GUEST_PAGE_SIZE);
	memcpy(page + 4092, "argv", 4);
	p.in[0] = (uintptr_t)page + 4092;
	p.in[1] = 16;
	run(&f, probe_user, &p);
	assert_int_equal(p.out[0], 4);
	assert_memory_equal(p.text, "argv\0", 5);
	assert_int_equal(p.out[1], 0);
	assert_int_equal(p.out[2], 0);
	assert_int_equal(p.out[3], 0);
	teardown(&f);
}

static void reread(void *arg)
{
	struct guest_piece piece = {.buf = arg, .size = sizeof(uint64_t)};

	(void)!guest_reread(&piece, 1);
}

/*
 * A page that isn't there is an answer about the guest, and reads as zeros; any other failure isn't, and
 * what is taken for a hole then would be left out of a listing.
 */
static void test_failures(void **state)
{
	static const enum err codes[] = {ERR_UNMAPPED, ERR_NOPHYS, ERR_LIMIT, ERR_NOMEM,
					 ERR_IO,       ERR_PERM,   ERR_GONE,  ERR_CORRUPT};

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		enum err expected = codes[i] == ERR_UNMAPPED || codes[i] == ERR_NOPHYS ? ERR_OK :
											  codes[i];

		for (int keeping = 0; keeping < 2; keeping++) {
			struct probe p = {.in = {4096, 16}};
			struct guest_pages *pages;
			struct fixture f;
			uint64_t word;

			setup(&f, 1, NULL);
			llview_guest_destroy(f.guest);
			pages = fake_pages(f.k);
			if (!keeping)
				fake_keep_nothing(f.k);
			assert_int_equal(llview_guest_create(&f.alloc, f.layout, pages, NULL, &f.guest),
					 ERR_OK);
			fake_fail(f.k, codes[i]);
			assert_int_equal(guest_run(f.guest, probe_pid, &p), expected);
			assert_int_equal(guest_run(f.guest, probe_user, &p), expected);
			assert_int_equal(guest_run(f.guest, probe_text, &p), expected);
			fake_rereads(f.k);
			assert_int_equal(guest_run(f.guest, reread, &word), expected);
			teardown(&f);
		}
	}
}

static void test_per_cpu(void **state)
{
	struct fixture f;
	struct probe p = {0};
	uint64_t *offsets;
	int *area;

	(void)state;
	setup(&f, 1, NULL);
	run(&f, probe_per_cpu, &p);
	llview_guest_destroy(f.guest);
	llview_layout_destroy(f.layout);
	offsets = fake_object(f.k, 64);
	area = fake_object(f.k, 64);
	for (int i = 0; i < 16; i++)
		area[i] = 100 + i;
	offsets[0] = (uintptr_t)area;
	offsets[1] = (uintptr_t)(area + 4);
	fake_value(f.k, FAKE_SYMBOL, "__per_cpu_offset", "", (uintptr_t)offsets);
	fake_value(f.k, FAKE_SYMBOL, "per_cpu_number", "", 8); /* an offset within the area */
	assert_int_equal(llview_layout_create(&f.alloc, f.k, &f.layout), ERR_OK);
	assert_int_equal(llview_guest_create(&f.alloc, f.layout, fake_pages(f.k), NULL, &f.guest),
			 ERR_OK);
	run(&f, probe_per_cpu, &p);
	assert_int_equal(p.out[0], 102);
	assert_int_equal(p.out[1], 106);
	assert_int_equal(p.out[2], 105);
	teardown(&f);
}

static void test_cache(void **state)
{
	struct fixture f;
	struct probe p = {0};
	struct llview_layout *loaded;
	void *bytes;
	size_t size;

	(void)state;
	setup(&f, 2, NULL);
	assert_int_equal(llview_layout_save(f.layout, &f.alloc, &bytes, &size), ERR_OK);
	llview_guest_destroy(f.guest);

	for (size_t i = 0; i < size; i += 7) {
		((unsigned char *)bytes)[i] ^= 0x10;
		assert_int_not_equal(llview_layout_load(&f.alloc, bytes, size, 0, &loaded), ERR_OK);
		((unsigned char *)bytes)[i] ^= 0x10;
	}
	for (size_t cut = 0; cut < size; cut += 11)
		assert_int_equal(llview_layout_load(&f.alloc, bytes, cut, 0, &loaded), ERR_CORRUPT);

	/* another boot: the image elsewhere */
	assert_int_equal(llview_layout_load(&f.alloc, bytes, size, 0x7000000, &loaded), ERR_OK);
	assert_int_equal(llview_layout_absent(loaded), llview_layout_absent(f.layout));
	assert_int_equal(llview_guest_create(&f.alloc, loaded, fake_pages(f.k), NULL, &f.guest),
			 ERR_OK);
	run(&f, probe_questions, &p);
	assert_int_equal(p.out[22], IMAGE + 0x7000000);
	compare_walks(&f, 2);
	llview_layout_destroy(loaded);
	base_free(&f.alloc, bytes);
	teardown(&f);
}

/* As above, but told by names, which another program would know, too. */
static void test_known(void **state)
{
	struct ktype_boot boot;
	struct fixture f;
	struct probe p = {0};
	struct llview_layout *loaded;
	unsigned char *bytes;
	uint64_t sum, right;
	void *known;
	size_t size;

	(void)state;
	setup(&f, 2, NULL);
	boot = *ktype_boot(f.k);
	assert_int_equal(llview_layout_export(f.layout, &boot, &f.alloc, &known, &size), ERR_OK);
	bytes = known;
	llview_guest_destroy(f.guest);
	for (size_t i = 0; i < size; i += 7) {
		bytes[i] ^= 0x10;
		assert_int_equal(llview_layout_import(&f.alloc, bytes, size, &boot, &loaded),
				 ERR_CORRUPT);
		bytes[i] ^= 0x10;
	}
	for (size_t cut = 0; cut < size; cut += 11)
		assert_int_equal(llview_layout_import(&f.alloc, bytes, cut, &boot, &loaded),
				 ERR_CORRUPT);
	boot.osrelease[0] ^= 1;
	assert_int_equal(llview_layout_import(&f.alloc, bytes, size, &boot, &loaded), ERR_ABSENT);
	boot.osrelease[0] ^= 1;
	boot.build_id[0] ^= 1;
	assert_int_equal(llview_layout_import(&f.alloc, bytes, size, &boot, &loaded), ERR_ABSENT);
	boot.build_id[0] ^= 1;
	/* whoever wrote it didn't know one of our questions */
	bytes[size - 24] ^= 1;
	memcpy(&sum, bytes + 8, sizeof(sum));
	right = sum;
	sum = XXH3_64bits(bytes + 16, size - 16);
	memcpy(bytes + 8, &sum, sizeof(sum));
	assert_int_equal(llview_layout_import(&f.alloc, bytes, size, &boot, &loaded), ERR_ABSENT);
	bytes[size - 24] ^= 1;
	memcpy(bytes + 8, &right, sizeof(right));

	boot.kaslr = 0x7000000;
	assert_int_equal(llview_layout_import(&f.alloc, bytes, size, &boot, &loaded), ERR_OK);
	assert_int_equal(llview_layout_absent(loaded), llview_layout_absent(f.layout));
	assert_int_equal(llview_guest_create(&f.alloc, loaded, fake_pages(f.k), NULL, &f.guest),
			 ERR_OK);
	run(&f, probe_questions, &p);
	assert_int_equal(p.out[22], IMAGE + 0x7000000);
	compare_walks(&f, 2);
	llview_layout_destroy(loaded);
	base_free(&f.alloc, bytes);
	teardown(&f);
}

static struct fixture nested[2];

void test_nested_run(void *arg)
{
	struct probe inner = {0};
	struct probe *p = arg;

	run(&nested[1], probe_pid, &inner);
	p->out[4] = inner.out[0];
	inner = (struct probe){0};
	assert_int_equal(guest_run(nested[1].guest, probe_pin_huge, &inner), ERR_LIMIT);
	/* the same guest again */
	run(&nested[0], probe_records, &inner);
	p->out[5] = inner.out[1];
}

static void test_nested(void **state)
{
	struct probe p = {0};
	struct ktype_member m;

	(void)state;
	setup(&nested[0], 1, NULL);
	setup(&nested[1], 2, NULL);
	assert_int_equal(ktype_member(nested[1].k, "struct task", "pid", &m), ERR_OK);
	memcpy((void *)(uintptr_t)(symbol(&nested[1], "init_task") + m.bit_offset / 8),
	       &(int){5000}, 4);
	run(&nested[0], probe_nested, &p);
	assert_int_equal(p.out[1], 4000);
	assert_int_equal(p.out[2], 4000);
	assert_int_equal(p.out[3], 0);
	assert_int_equal(p.out[4], 5000);
	assert_int_equal(p.out[5], 4000);
	teardown(&nested[0]);
	teardown(&nested[1]);
}

struct job {
	int variant;
	struct trace want, got;
	enum err e;
};

static void *walk_often(void *arg)
{
	struct job *j = arg;
	struct fixture f;

	setup(&f, j->variant, NULL);
	(j->variant == 1 ? plain_walk_1 : plain_walk_2)(
		&j->want, (void *)(uintptr_t)symbol(&f, "init_task"));
	for (int i = 0; i < 300 && !j->e; i++) {
		j->got.count = 0;
		j->e = guest_run(f.guest, guest_walk, &j->got);
		if (memcmp(&j->got, &j->want, sizeof(j->got)))
			j->e = ERR_CORRUPT;
		if (i % 50 == 0 && llview_guest_epoch(f.guest, NULL))
			j->e = ERR_GONE;
	}
	teardown(&f);
	return NULL;
}

static void test_threads(void **state)
{
	static struct job jobs[3] = {{.variant = 1}, {.variant = 2}, {.variant = 1}};
	pthread_t threads[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, walk_often, &jobs[i]), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(jobs[i].e, ERR_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_as_plain),
		cmocka_unit_test(test_same_without_pages),
		cmocka_unit_test(test_same_in_parts),
		cmocka_unit_test(test_words_of_lines),
		cmocka_unit_test(test_questions),
		cmocka_unit_test(test_absent),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_pins),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_epoch),
		cmocka_unit_test(test_lasting), cmocka_unit_test(test_user),
		cmocka_unit_test(test_per_cpu),
		cmocka_unit_test(test_cache),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_nested),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

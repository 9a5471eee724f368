// SPDX-License-Identifier: MIT
/* Page walk and page cache over synthetic guests, honest and hostile. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "guest/pages.h"
#include "synth/synth.h"

#define RW (SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE)

enum {
	CACHE_PAGES = 64,
};

static const uint64_t kernel_va = 0xffffffff81000000u;

struct fixture {
	struct synth *s;
	struct base_alloc alloc;
	struct guest_pages *pages;
};

static void setup(struct fixture *f, unsigned int levels, unsigned int flags)
{
	struct guest_paging paging;

	*f = (struct fixture){.s = synth_create(levels)};
	synth_add_memory(f->s, 0, 1 << 20);
	synth_add_memory(f->s, SYNTH_2M, 4 * SYNTH_2M);
	base_alloc_init(&f->alloc, 8 << 20);
	paging = synth_paging(f->s);
	assert_int_equal(guest_walk_pages_create(&f->alloc, synth_source(f->s, flags), &paging,
						 CACHE_PAGES, &f->pages),
			 ERR_OK);
}

static void teardown(struct fixture *f)
{
	guest_pages_destroy(f->pages);
	assert_int_equal(f->alloc.used, 0);
	synth_destroy(f->s);
}

static enum err read64(struct fixture *f, uint64_t top, uint64_t va, uint64_t *ret)
{
	return guest_pages_read(f->pages, (struct guest_space){top}, (struct gva){va}, ret,
				sizeof(*ret));
}

static void put_phys(struct fixture *f, uint64_t pa, uint64_t value)
{
	memcpy(synth_phys(f->s, pa, 8), &value, 8);
}

static void page_sizes(unsigned int levels, unsigned int flags)
{
	struct fixture f;
	struct guest_paging paging;
	struct gpa gpa;
	uint64_t top, v = 0;
	uint64_t low = levels == 5 ? 0xff10000000000000u : 0xffff888000000000u;

	setup(&f, levels, flags);
	top = synth_top(f.s);
	synth_map(f.s, top, kernel_va, 3 * SYNTH_4K + 0x40000, SYNTH_4K, RW);
	put_phys(&f, 3 * SYNTH_4K + 0x40000 + 8, 0x1111);
	synth_map(f.s, top, low + 2 * SYNTH_2M, 2 * SYNTH_2M, SYNTH_2M, RW);
	put_phys(&f, 2 * SYNTH_2M + 0x12340, 0x2222);
	synth_map(f.s, top, low + SYNTH_1G, 0, SYNTH_1G, RW);
	put_phys(&f, 3 * SYNTH_2M + 0x5678, 0x3333);

	for (int twice = 0; twice < 2; twice++) {
		assert_int_equal(read64(&f, 0, kernel_va + 8, &v), ERR_OK);
		assert_int_equal(v, 0x1111);
		assert_int_equal(read64(&f, top, low + 2 * SYNTH_2M + 0x12340, &v), ERR_OK);
		assert_int_equal(v, 0x2222);
		assert_int_equal(read64(&f, 0, low + SYNTH_1G + 3 * SYNTH_2M + 0x5678, &v),
				 ERR_OK);
		assert_int_equal(v, 0x3333);
		assert_int_equal(read64(&f, 0, low + SYNTH_1G + (1 << 20), &v), ERR_NOPHYS);
		assert_int_equal(read64(&f, 0, low + 3 * SYNTH_2M, &v), ERR_UNMAPPED);
		assert_int_equal(read64(&f, 0, kernel_va + SYNTH_4K, &v), ERR_UNMAPPED);
		assert_int_equal(read64(&f, 0, kernel_va + SYNTH_4K - 4, &v), ERR_UNMAPPED);
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
	}
	paging = synth_paging(f.s);
	assert_int_equal(guest_walk_once(synth_source(f.s, flags), &paging,
					 (struct gva){low + SYNTH_1G + 0x345678}, &gpa),
			 ERR_OK);
	assert_int_equal(gpa.v, 0x345678);
	assert_int_equal(guest_walk_once(synth_source(f.s, flags), &paging,
					 (struct gva){kernel_va + 0x123}, &gpa),
			 ERR_OK);
	assert_int_equal(gpa.v, 3 * SYNTH_4K + 0x40000 + 0x123);
	assert_int_equal(guest_walk_once(synth_source(f.s, flags), &paging,
					 (struct gva){kernel_va + SYNTH_2M}, &gpa),
			 ERR_UNMAPPED);
	assert_true(f.pages->stats.faults > 0 && f.pages->stats.walks > 0);
	teardown(&f);
}

static void test_page_sizes(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++)
		for (unsigned int flags = 0; flags < 4; flags++)
			page_sizes(levels, flags);
}

static void test_canonical(void **state)
{
	struct fixture f, g;
	uint64_t v;

	(void)state;
	setup(&f, 4, SYNTH_MAP);
	setup(&g, 5, SYNTH_MAP);
	/* The same table entries, but bit 47 isn't carried on: no CPU would take it. */
	synth_map(f.s, synth_top(f.s), kernel_va, 0x50000, SYNTH_4K, RW);
	assert_int_equal(read64(&f, 0, kernel_va, &v), ERR_OK);
	assert_int_equal(read64(&f, 0, kernel_va & 0x0000ffffffffffffu, &v), ERR_UNMAPPED);
	assert_int_equal(read64(&f, 0, kernel_va & 0x00ffffffffffffffu, &v), ERR_UNMAPPED);
	synth_map(g.s, synth_top(g.s), kernel_va, 0x50000, SYNTH_4K, RW);
	assert_int_equal(read64(&g, 0, kernel_va, &v), ERR_OK);
	assert_int_equal(read64(&g, 0, kernel_va & 0x01ffffffffffffffu, &v), ERR_UNMAPPED);
	assert_int_equal(read64(&g, 0, UINT64_MAX - 3, &v), ERR_UNMAPPED);
	teardown(&f);
	teardown(&g);
}

static void test_user_spaces(void **state)
{
	struct fixture f;
	uint64_t a, b, v;
	const uint64_t va = 0x400000;

	setup(&f, 4, SYNTH_MAP);
	a = synth_space(f.s);
	b = synth_space(f.s);
	(void)state;
	synth_map(f.s, a, va, 0x60000, SYNTH_4K, RW);
	synth_map(f.s, b, va, 0x61000, SYNTH_4K, RW);
	put_phys(&f, 0x60000, 1);
	put_phys(&f, 0x61000, 2);
	assert_int_equal(read64(&f, a, va, &v), ERR_OK);
	assert_int_equal(v, 1);
	assert_int_equal(read64(&f, b | 0x1f, va, &v), ERR_OK); /* CR3's flag bits don't count */
	assert_int_equal(v, 2);
	assert_int_equal(read64(&f, 0, va, &v), ERR_UNMAPPED);

	/* PROT_NONE: not present, marked, address inverted. A swap entry is neither. */
	*synth_entry(f.s, a, va, 1) = (~(uint64_t)0x61000 & 0x000ffffffffff000u) |
				      SYNTH_PTE_PROT_NONE;
	assert_int_equal(read64(&f, a, va, &v), ERR_OK);
	assert_int_equal(v, 2);
	*synth_entry(f.s, a, va, 1) = ~(uint64_t)0x61000 & 0x000ffffffffff000u;
	assert_int_equal(read64(&f, a, va, &v), ERR_UNMAPPED);
	/* The same mark in the kernel's half means nothing. */
	synth_map(f.s, synth_top(f.s), kernel_va, 0x60000, SYNTH_4K, RW);
	*synth_entry(f.s, synth_top(f.s), kernel_va, 1) =
		(~(uint64_t)0x61000 & 0x000ffffffffff000u) | SYNTH_PTE_PROT_NONE;
	assert_int_equal(read64(&f, 0, kernel_va, &v), ERR_UNMAPPED);
	/* A huge page in the middle of being split: present bit gone, inverted, low bits clear. */
	synth_map(f.s, a, 0x40000000, 2 * SYNTH_2M, SYNTH_2M, RW);
	*synth_entry(f.s, a, 0x40000000, 2) =
		(~(2 * SYNTH_2M) & 0x000fffffffe00000u) | SYNTH_PTE_HUGE | SYNTH_PTE_WRITE;
	put_phys(&f, 2 * SYNTH_2M, 77);
	assert_int_equal(read64(&f, a, 0x40000000, &v), ERR_OK);
	assert_int_equal(v, 77);
	teardown(&f);
}

static void test_hostile_tables(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++) {
		struct fixture f;
		uint64_t top, v;
		uint64_t *table;

		setup(&f, levels, levels == 4 ? SYNTH_MAP : 0);
		top = synth_top(f.s);
		table = synth_phys(f.s, top, SYNTH_4K);
		/* All entries point at the table itself: the walk ends in it. */
		for (int i = 0; i < 512; i++)
			table[i] = top | RW;
		for (uint64_t va = 0; va < 64 * SYNTH_1G; va += 3 * SYNTH_1G + SYNTH_4K) {
			assert_int_equal(read64(&f, 0, va, &v), ERR_OK);
			assert_true(v == (top | RW));
		}
		/* Huge where the architecture has no huge pages. */
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		for (int i = 0; i < 512; i++)
			table[i] = top | RW | SYNTH_PTE_HUGE;
		assert_int_equal(read64(&f, 0, 0, &v), ERR_UNMAPPED);
		/* Out of any memory, in the widest address. */
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		for (int i = 0; i < 512; i++)
			table[i] = UINT64_MAX & ~(uint64_t)SYNTH_PTE_HUGE;
		assert_int_equal(read64(&f, 0, 0, &v), ERR_NOPHYS);
		teardown(&f);
	}
}

static void test_reserved_bits(void **state)
{
	struct fixture f;
	uint64_t top, v;
	const uint64_t va = 0xffff888000000000u;

	setup(&f, 4, SYNTH_MAP);
	top = synth_top(f.s);
	(void)state;
	synth_map(f.s, top, va, 2 * SYNTH_2M, SYNTH_2M, RW);
	put_phys(&f, 2 * SYNTH_2M, 5);
	*synth_entry(f.s, top, va, 2) |= 1 << 12 | (uint64_t)1 << 63 | 1 << 8; /* PAT, NX, G */
	assert_int_equal(read64(&f, 0, va, &v), ERR_OK);
	assert_int_equal(v, 5);
	assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
	*synth_entry(f.s, top, va, 2) |= 1 << 13;
	assert_int_equal(read64(&f, 0, va, &v), ERR_UNMAPPED);
	teardown(&f);
}

static void test_epoch(void **state)
{
	(void)state;
	for (unsigned int flags = 0; flags < 2; flags++) {
		struct fixture f;
		struct err_ctx err = {0};
		uint64_t v;

		setup(&f, 4, flags);
		synth_map(f.s, synth_top(f.s), kernel_va, 0x60000, SYNTH_4K, RW);
		put_phys(&f, 0x60000, 1);
		put_phys(&f, 0x61000, 2);
		assert_int_equal(read64(&f, 0, kernel_va, &v), ERR_OK);
		assert_int_equal(v, 1);
		synth_map(f.s, synth_top(f.s), kernel_va, 0x61000, SYNTH_4K, RW);
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		assert_int_equal(read64(&f, 0, kernel_va, &v), ERR_OK);
		assert_int_equal(v, 2);
		/* The table that the 2 MiB were known by is replaced. */
		*synth_entry(f.s, synth_top(f.s), kernel_va, 2) = 0;
		synth_map(f.s, synth_top(f.s), kernel_va, 0x60000, SYNTH_4K, RW);
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		assert_int_equal(read64(&f, 0, kernel_va, &v), ERR_OK);
		assert_int_equal(v, 1);
		synth_set_gone(f.s, true);
		assert_int_equal(guest_pages_epoch(f.pages, &err), ERR_GONE);
		assert_string_equal(err.text, "the synthetic guest ended");
		teardown(&f);
	}
}

/* With a clock, copies serve until they are too old, or many, or expired. */
static void test_aged(void **state)
{
	struct fixture f;
	uint64_t v, now[2];
	struct guest_piece pieces[] = {
		{{kernel_va + 8}, &now[0], 8}, {{kernel_va + SYNTH_4K - 8}, &now[1], 8}};

	(void)state;
	setup(&f, 4, SYNTH_CLOCK);
	assert_true(f.pages->copies);
	synth_set_clock(f.s, 5 * GUEST_WALK_FRESH_NS);
	for (uint64_t k = 0; k < CACHE_PAGES / 4; k++)
		synth_map(f.s, synth_top(f.s), kernel_va + k * SYNTH_4K, 0x60000 + k * SYNTH_4K, SYNTH_4K,
			  RW);
	for (uint64_t i = 0; i < 4; i++) {
		const uint64_t age[] = {0, GUEST_WALK_FRESH_NS - 1, GUEST_WALK_FRESH_NS, 1000};
		const bool fresh[] = {true, false, true, true};
		uint64_t clock = (5 + 2 * i) * GUEST_WALK_FRESH_NS;

		synth_set_clock(f.s, clock);
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		put_phys(&f, 0x60008, 1);
		assert_int_equal(read64(&f, 0, kernel_va + 8, &v), ERR_OK);
		assert_int_equal(v, 1);
		put_phys(&f, 0x60008, 2);
		put_phys(&f, 0x60ff8, 3);
		/* only what is read again shows it at once */
		assert_int_equal(read64(&f, 0, kernel_va + 8, &v), ERR_OK);
		assert_int_equal(v, 1);
		assert_int_equal(f.pages->ops->reread(f.pages, pieces, 2), ERR_OK);
		assert_int_equal(now[0], 2);
		assert_int_equal(now[1], 3);
		synth_set_clock(f.s, clock + age[i]);
		if (i == 0) /* more than a quarter of the cache is taken */
			for (uint64_t k = 1; k < CACHE_PAGES / 4; k++)
				assert_int_equal(read64(&f, 0, kernel_va + k * SYNTH_4K, &v), ERR_OK);
		if (i == 3)
			guest_pages_expire(f.pages, 1000);
		v = f.pages->epoch;
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
		assert_int_equal(f.pages->epoch, v + fresh[i]);
		assert_int_equal(read64(&f, 0, kernel_va + 8, &v), ERR_OK);
		assert_int_equal(v, fresh[i] ? 2 : 1);
	}
	/* what isn't there, what lies across pages, and too much */
	pieces[1].at.v += SYNTH_4K * CACHE_PAGES;
	assert_int_equal(f.pages->ops->reread(f.pages, pieces, 2), ERR_UNMAPPED);
	pieces[0].at.v = kernel_va + SYNTH_4K - 4;
	assert_int_equal(f.pages->ops->reread(f.pages, pieces, 1), ERR_INVAL);
	assert_int_equal(f.pages->ops->reread(f.pages, pieces, GUEST_PHYS_BATCH + 1), ERR_INVAL);
	synth_set_gone(f.s, true);
	assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_GONE);
	teardown(&f);
}

static void test_cache_bound(void **state)
{
	struct fixture f;
	uint64_t v, top;
	int fine = 0;

	setup(&f, 4, 0);
	top = synth_top(f.s);
	(void)state;
	for (uint64_t i = 0; i < 2 * CACHE_PAGES; i++) {
		synth_map(f.s, top, kernel_va + i * SYNTH_4K, SYNTH_2M + i * SYNTH_4K, SYNTH_4K, RW);
		put_phys(&f, SYNTH_2M + i * SYNTH_4K, i);
	}
	for (int epoch = 0; epoch < 3; epoch++) {
		enum err e = ERR_OK;

		for (fine = 0; e == ERR_OK; fine++) {
			e = read64(&f, 0, kernel_va + (uint64_t)fine * SYNTH_4K, &v);
			if (e == ERR_OK)
				assert_int_equal(v, fine);
		}
		assert_int_equal(e, ERR_LIMIT);
		/* All but the four tables. */
		assert_int_equal(fine, CACHE_PAGES - 4 + 1);
		assert_int_equal(read64(&f, 0, kernel_va + SYNTH_4K, &v), ERR_OK);
		assert_int_equal(v, 1);
		assert_int_equal(guest_pages_epoch(f.pages, NULL), ERR_OK);
	}
	teardown(&f);
}

static void test_want_batches(void **state)
{
	struct fixture f;
	struct guest_phys *phys;
	struct guest_range range = {{kernel_va + 100}, 24 * SYNTH_4K};
	uint64_t reads, buf[3 * 512], v;

	setup(&f, 4, SYNTH_READ_MANY);
	phys = synth_source(f.s, SYNTH_READ_MANY);
	(void)state;
	synth_map_new(f.s, kernel_va, 10 * SYNTH_4K);
	synth_map(f.s, synth_top(f.s), kernel_va + 10 * SYNTH_4K, (uint64_t)1 << 40, SYNTH_4K, RW);
	synth_map_new(f.s, kernel_va + 12 * SYNTH_4K, 20 * SYNTH_4K);
	for (uint64_t i = 12; i < 32; i++)
		synth_put64(f.s, kernel_va + i * SYNTH_4K, i);
	guest_pages_want(f.pages, GUEST_SPACE_KERNEL, &range, 1);
	reads = phys->stats.reads;
	assert_int_equal(reads, 4 + 1); /* four tables, then all pages at once */
	for (uint64_t i = 12; i < 24; i++) {
		assert_int_equal(read64(&f, 0, kernel_va + i * SYNTH_4K, &v), ERR_OK);
		assert_int_equal(v, i);
	}
	assert_int_equal(phys->stats.reads, reads);
	assert_int_equal(read64(&f, 0, kernel_va + 10 * SYNTH_4K, &v), ERR_NOPHYS);
	/* A bulk read asks by itself; one page of it is known. */
	reads = phys->stats.reads;
	assert_int_equal(guest_pages_read(f.pages, GUEST_SPACE_KERNEL,
					  (struct gva){kernel_va + 24 * SYNTH_4K}, buf,
					  sizeof(buf)),
			 ERR_OK);
	assert_int_equal(buf[1024], 26);
	assert_int_equal(phys->stats.reads, reads + 1);
	/* Huge and overflowing requests end. */
	range = (struct guest_range){{0xfffffffffffff000u}, UINT64_MAX};
	guest_pages_want(f.pages, GUEST_SPACE_KERNEL, &range, 1);
	range = (struct guest_range){{0}, UINT64_MAX};
	guest_pages_want(f.pages, GUEST_SPACE_KERNEL, &range, 1);
	assert_int_equal(guest_pages_read(f.pages, GUEST_SPACE_KERNEL,
					  (struct gva){0xfffffffffffff000u}, buf, sizeof(buf)),
			 ERR_UNMAPPED);
	teardown(&f);
}

/* Does the page at `va`, which can be read, last? */
static bool lasts(struct fixture *f, uint64_t va)
{
	const void *host;

	assert_int_equal(guest_pages_page(f->pages, GUEST_SPACE_KERNEL, (struct gva){va}, &host),
			 ERR_OK);
	return f->pages->lasts;
}

static void lasting(unsigned int levels)
{
	/* begins somewhere behind where it may, with a page that isn't its first */
	uint64_t direct = (levels == 5 ? 0xff11000000000000u : 0xffff888000000000u) + 9 * SYNTH_1G;
	uint64_t top, vmalloc = direct + 2000 * SYNTH_1G;
	struct fixture f;

	setup(&f, levels, SYNTH_MAP);
	top = synth_top(f.s);
	synth_map(f.s, top, direct + 5 * SYNTH_4K, 5 * SYNTH_4K, SYNTH_4K, RW);
	synth_map(f.s, top, direct + 6 * SYNTH_4K, 9 * SYNTH_4K, SYNTH_4K, RW);
	synth_map(f.s, top, direct + SYNTH_2M, SYNTH_2M, SYNTH_2M, RW);
	synth_map(f.s, top, vmalloc, 5 * SYNTH_4K, SYNTH_4K, RW);
	synth_map(f.s, top, kernel_va, 2 * SYNTH_2M, SYNTH_2M, RW);
	synth_map(f.s, top, kernel_va + SYNTH_2M, 7 * SYNTH_4K, SYNTH_4K, RW);
	synth_map(f.s, top, 0xffffffffc0000000u, 8 * SYNTH_4K, SYNTH_4K, RW);
	assert_true(lasts(&f, direct + 5 * SYNTH_4K));
	assert_true(lasts(&f, direct + SYNTH_2M + 17 * SYNTH_4K));
	assert_true(lasts(&f, kernel_va + 3 * SYNTH_4K));
	/* where it shouldn't be, and where nothing has a place of its own */
	assert_false(lasts(&f, direct + 6 * SYNTH_4K));
	assert_false(lasts(&f, vmalloc));
	assert_false(lasts(&f, kernel_va + SYNTH_2M));
	assert_false(lasts(&f, 0xffffffffc0000000u));
	/* a copy is of one epoch */
	guest_pages_destroy(f.pages);
	struct guest_paging paging = synth_paging(f.s);
	assert_int_equal(guest_walk_pages_create(&f.alloc, synth_source(f.s, 0), &paging,
						 CACHE_PAGES, &f.pages),
			 ERR_OK);
	assert_false(lasts(&f, direct + 5 * SYNTH_4K));
	teardown(&f);
}

static void test_lasts(void **state)
{
	(void)state;
	lasting(4);
	lasting(5);
}

static void test_bad_levels(void **state)
{
	struct synth *s = synth_create(4);
	struct guest_paging paging = {.levels = 3};
	struct guest_pages *pages = NULL;
	struct base_alloc alloc;

	(void)state;
	base_alloc_init(&alloc, 1 << 20);
	assert_int_equal(guest_walk_pages_create(&alloc, synth_source(s, 0), &paging, 8, &pages),
			 ERR_INVAL);
	paging.levels = 4;
	base_alloc_init(&alloc, 1 << 10);
	assert_int_equal(guest_walk_pages_create(&alloc, synth_source(s, 0), &paging, 8, &pages),
			 ERR_NOMEM);
	base_alloc_init(&alloc, 52 << 10);
	assert_int_equal(guest_walk_pages_create(&alloc, synth_source(s, 0), &paging, 1 << 20,
						 &pages),
			 ERR_NOMEM);
	assert_null(pages);
	assert_int_equal(alloc.used, 0);
	synth_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_page_sizes),     cmocka_unit_test(test_canonical),
		cmocka_unit_test(test_user_spaces),    cmocka_unit_test(test_hostile_tables),
		cmocka_unit_test(test_reserved_bits),  cmocka_unit_test(test_epoch), cmocka_unit_test(test_aged),
		cmocka_unit_test(test_cache_bound),    cmocka_unit_test(test_want_batches),
		cmocka_unit_test(test_lasts),	       cmocka_unit_test(test_bad_levels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

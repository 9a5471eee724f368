// SPDX-License-Identifier: MIT
/* See share.h. The runtime's pages know their owner, a process or OWNER_SHARED: then they are listed here. */
#include "share.h"

#include <string.h>

#include "base/alloc.h"
#include "layer.h"
#include "trusted/program.h"
#include "trusted/runtime.h"

enum {
	PAGE = 4096,
	NOBODY = SHARE_PROCESSES,
};

struct page {
	uint64_t addr;
	uint16_t owners;  /* a bit each */
	uint8_t resident; /* whose contents are in place */
	uint8_t *copies[SHARE_PROCESSES]; /* of all other owners */
};

static struct page *pages;
static size_t count, room;
static uint8_t *spare; /* blocks that are linked by their first bytes */

static uint16_t bit(unsigned int p)
{
	return (uint16_t)(1u << p);
}

/* -- blocks ---------------------------------------------------------------------------------------- */

static void put_block(uint8_t *b)
{
	if (!b)
		return;
	explicit_bzero(b, PAGE);
	base_free(layer_alloc(), b);
}

static uint8_t *take_spare(void)
{
	uint8_t *b = spare;

	memcpy(&spare, b, sizeof(spare));
	return b;
}

/* Blocks and places in the list for so many pages; false: none are kept. */
static bool reserve(size_t n)
{
	if (count + n > room) {
		struct page *more = base_alloc_resize(layer_alloc(), pages, count + n, sizeof(*pages));

		if (!more)
			return false;
		pages = more;
		room = count + n;
	}
	while (n--) {
		uint8_t *b = base_alloc_resize(layer_alloc(), NULL, 1, PAGE);

		if (!b) {
			while (spare)
				put_block(take_spare());
			return false;
		}
		memcpy(b, &spare, sizeof(spare));
		spare = b;
	}
	return true;
}

/* What nobody may read was never written: zeros. */
static uint8_t *copy_of(uint64_t addr)
{
	uint8_t *b = take_spare();

	if (trusted_readable((const void *)addr, PAGE))
		memcpy(b, (const void *)addr, PAGE);
	else
		memset(b, 0, PAGE);
	return b;
}

/* -- the list ---------------------------------------------------------------------------------------- */

static struct page *add(uint64_t addr, unsigned int owner)
{
	struct page *e = &pages[count++];

	*e = (struct page){ .addr = addr, .owners = bit(owner), .resident = (uint8_t)owner };
	trusted_set_owner(addr, TRUSTED_OWNER_SHARED);
	return e;
}

static struct page *find(uint64_t addr)
{
	for (size_t i = 0; i < count; i++)
		if (pages[i].addr == addr)
			return &pages[i];
	return NULL;
}

static void put_in_place(struct page *e, unsigned int p)
{
	uint8_t *copy = e->copies[p];
	uint64_t *live = (uint64_t *)e->addr;
	bool is_there = trusted_writable(live, PAGE);

	e->copies[p] = NULL;
	if (e->resident == NOBODY) {
		if (is_there)
			memcpy(live, copy, PAGE);
		put_block(copy);
	} else {
		for (size_t i = 0; is_there && i < PAGE / 8; i++) {
			uint64_t old = live[i];

			memcpy(&live[i], copy + i * 8, 8);
			memcpy(copy + i * 8, &old, 8);
		}
		e->copies[e->resident] = copy;
	}
	e->resident = (uint8_t)p;
}

/* One that only `p` has is its own; that nobody has is the next who goes. True: it left the list. */
static bool settle(struct page *e, unsigned int p)
{
	if (e->owners & (e->owners - 1))
		return false;
	if (e->owners) {
		p = (unsigned int)__builtin_ctz(e->owners);
		if (e->resident != p)
			put_in_place(e, p);
	}
	trusted_set_owner(e->addr, p);
	*e = pages[--count];
	return true;
}

bool trusted_page_is_kept(uint64_t addr)
{
	struct page *e = find(addr);

	if (!e || e->resident == NOBODY)
		return e;
	/* who runs has its own contents in all its pages */
	e->owners &= (uint16_t)~bit(e->resident);
	e->resident = NOBODY;
	return e->owners;
}

/* -- what processes do ------------------------------------------------------------------------------- */

/* Pages of a program's data; calls `each`, if there is one, for every one. */
static size_t data_pages(size_t program, void (*each)(uint64_t addr, unsigned int a, unsigned int b), unsigned int a,
			 unsigned int b)
{
	uint64_t at, end;
	size_t n = 0;

	for (size_t i = 0; trusted_program_data(program, i, &at, &end); i++)
		for (; at < end; at += PAGE, n++)
			if (each)
				each(at, a, b);
	return n;
}

static bool is_data_of(uint64_t addr, int program)
{
	uint64_t at, end;

	for (size_t i = 0; program >= 0 && trusted_program_data((size_t)program, i, &at, &end); i++)
		if (addr >= at && addr < end)
			return true;
	return false;
}

static void give_copy(struct page *e, unsigned int child)
{
	e->copies[child] = copy_of(e->addr);
	e->owners |= bit(child);
}

static void share_data(uint64_t addr, unsigned int parent, unsigned int child)
{
	if (!find(addr))
		give_copy(add(addr, parent), child);
}

bool share_fork(unsigned int parent, unsigned int child, size_t program)
{
	size_t before = count, n = data_pages(program, NULL, 0, 0);
	uint64_t addr;

	for (size_t i = 0; i < before; i++)
		n += (pages[i].owners & bit(parent)) != 0;
	for (addr = 0; (addr = trusted_next_owned(addr, parent)); addr += PAGE)
		n++;
	if (!reserve(n))
		return false;
	for (size_t i = 0; i < before; i++)
		if (pages[i].owners & bit(parent))
			give_copy(&pages[i], child);
	for (addr = 0; (addr = trusted_next_owned(addr, parent)); addr += PAGE)
		give_copy(add(addr, parent), child);
	data_pages(program, share_data, parent, child);
	while (spare) /* of data that was in the list */
		put_block(take_spare());
	return true;
}

static void keep_data(uint64_t addr, unsigned int p, unsigned int other)
{
	struct page *e = find(addr);

	if (!e)
		e = add(addr, other);
	if (e->resident != NOBODY)
		e->copies[e->resident] = copy_of(addr);
	e->owners |= bit(p);
	e->resident = (uint8_t)p;
}

bool share_program(unsigned int p, unsigned int other, size_t program)
{
	if (!reserve(data_pages(program, NULL, 0, 0)))
		return false;
	data_pages(program, keep_data, p, other);
	while (spare)
		put_block(take_spare());
	return true;
}

void share_switch(unsigned int p)
{
	for (size_t i = count; i-- > 0;) {
		if (!(pages[i].owners & bit(p)))
			continue;
		if (pages[i].resident != p)
			put_in_place(&pages[i], p);
		(void)settle(&pages[i], p);
	}
}

void share_leave(unsigned int p, int but)
{
	for (size_t i = count; i-- > 0;) {
		struct page *e = &pages[i];

		if (!(e->owners & bit(p)) || is_data_of(e->addr, but))
			continue;
		e->owners &= (uint16_t)~bit(p);
		put_block(e->copies[p]);
		e->copies[p] = NULL;
		if (e->resident == p)
			e->resident = NOBODY;
		(void)settle(e, p);
	}
}

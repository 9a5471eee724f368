// SPDX-License-Identifier: MIT
/*
 * Memory of processes: what each sees is compared with a model, through forks, writes, unmaps, other programs and ends in any
 * order, with an allocator that fails now and then. Copies that are given back are wiped.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "share.c"

enum {
	HEAP = 24, /* pages, then those of two programs */
	DATA = 3,
	ALL = HEAP + 2 * DATA,
	FREE = 0xfe,
};

static _Alignas(PAGE) uint8_t memory[ALL][PAGE];
static uint8_t owner[HEAP];
static struct base_alloc alloc;
static int fail_after; /* allocations */

static uint64_t address(size_t i)
{
	return (uint64_t)memory[i];
}

/* Blocks have their size in front. */
static void *resize(void *ctx, void *old, size_t size)
{
	static const uint8_t zeros[PAGE];
	const size_t head = sizeof(max_align_t);

	(void)ctx;
	if (!size) {
		if (old && *(size_t *)old == head + PAGE)
			assert_memory_equal((uint8_t *)old + head, zeros, PAGE);
		free(old);
		return NULL;
	}
	if (fail_after && !--fail_after)
		return NULL;
	return realloc(old, size);
}

struct base_alloc *layer_alloc(void)
{
	return &alloc;
}

bool trusted_readable(const void *p, size_t size)
{
	(void)p;
	(void)size;
	return true;
}

bool trusted_writable(const void *p, size_t size)
{
	return trusted_readable(p, size);
}

void trusted_set_owner(uint64_t addr, unsigned int who)
{
	size_t i = (addr - address(0)) / PAGE;

	if (i < HEAP)
		owner[i] = (uint8_t)who;
}

uint64_t trusted_next_owned(uint64_t from, unsigned int who)
{
	for (size_t i = 0; i < HEAP; i++)
		if (address(i) >= from && owner[i] == who)
			return address(i);
	return 0;
}

bool trusted_program_data(size_t program, size_t nth, uint64_t *at_ret, uint64_t *end_ret)
{
	if (nth)
		return false;
	*at_ret = address(HEAP + program * DATA);
	*end_ret = *at_ret + DATA * PAGE;
	return true;
}

/* -- the model ------------------------------------------------------------------------------------- */

static struct {
	bool alive, has[ALL];
	uint32_t value[ALL]; /* at both ends of the page */
	size_t program;
} model[SHARE_PROCESSES];
static unsigned int now;

static void put(size_t i, uint32_t value)
{
	model[now].value[i] = value;
	memcpy(memory[i], &value, sizeof(value));
	memcpy(memory[i] + PAGE - sizeof(value), &value, sizeof(value));
}

static void check(void)
{
	for (size_t i = 0; i < ALL; i++) {
		uint32_t v[2];

		if (!model[now].has[i])
			continue;
		memcpy(&v[0], memory[i], 4);
		memcpy(&v[1], memory[i] + PAGE - 4, 4);
		assert_true(v[0] == model[now].value[i] && v[1] == v[0]);
	}
}

static void go_to(unsigned int p)
{
	share_switch(p);
	now = p;
	check();
}

/* What the runtime does when a page is given out, and given back. */
static void take(size_t i)
{
	if (owner[i] != FREE)
		return;
	owner[i] = (uint8_t)now;
	model[now].has[i] = true;
	put(i, 0);
}

static void give(size_t i)
{
	if (!model[now].has[i])
		return;
	model[now].has[i] = false;
	if (owner[i] != TRUSTED_OWNER_SHARED || !trusted_page_is_kept(address(i)))
		owner[i] = FREE;
}

static void lose_own(void)
{
	for (size_t i = 0; i < HEAP; i++) {
		if (owner[i] == now)
			owner[i] = FREE;
		model[now].has[i] = false;
	}
}

static unsigned int any_alive(void)
{
	unsigned int p = (unsigned int)rand() % SHARE_PROCESSES;

	while (!model[p].alive)
		p = (p + 1) % SHARE_PROCESSES;
	return p;
}

static void try_fork(void)
{
	unsigned int c = 0;

	while (c < SHARE_PROCESSES && model[c].alive)
		c++;
	if (c == SHARE_PROCESSES || !share_fork(now, c, model[now].program))
		return;
	model[c] = model[now];
}

static void try_exec(void)
{
	size_t program = (size_t)rand() % 2;
	unsigned int other = 0;

	while (other < SHARE_PROCESSES &&
	       (other == now || !model[other].alive || model[other].program != program))
		other++;
	if (program != model[now].program && other < SHARE_PROCESSES && !share_program(now, other, program))
		return;
	share_leave(now, (int)program);
	lose_own();
	memset(model[now].has, 0, sizeof(model[now].has));
	model[now].program = program;
	for (size_t i = 0; i < DATA; i++) {
		model[now].has[HEAP + program * DATA + i] = true;
		put(HEAP + program * DATA + i, 77);
	}
}

static void end(void)
{
	unsigned int left = 0;

	for (unsigned int p = 0; p < SHARE_PROCESSES; p++)
		left += model[p].alive;
	if (left == 1)
		return;
	share_leave(now, SHARE_NO_PROGRAM);
	lose_own();
	model[now].alive = false;
	go_to(any_alive());
}

static void begin(void)
{
	memset(model, 0, sizeof(model));
	memset(owner, FREE, sizeof(owner));
	base_alloc_init(&alloc, 64 << 20);
	alloc.resize = resize;
	alloc.zeroed = NULL;
	now = 0;
	model[0].alive = true;
	for (size_t i = 0; i < DATA; i++) {
		model[0].has[HEAP + i] = true;
		put(HEAP + i, (uint32_t)i);
	}
}

static void test_as_if_each_were_alone(void **state)
{
	(void)state;
	for (unsigned int run = 0; run < 200; run++) {
		srand(run);
		begin();
		for (int step = 0; step < 400; step++) {
			size_t i = (size_t)rand() % ALL;

			fail_after = rand() % 4 ? 0 : 1 + rand() % 40;
			switch (rand() % 16) {
			case 0:
			case 1:
				try_fork();
				break;
			case 2:
				try_exec();
				break;
			case 3:
				end();
				break;
			case 4:
			case 5:
				give(i % HEAP);
				break;
			case 6:
			case 7:
			case 8:
				take(i % HEAP);
				break;
			case 9:
			case 10:
			case 11:
				go_to(any_alive());
				break;
			default:
				if (model[now].has[i])
					put(i, (uint32_t)rand());
			}
			fail_after = 0;
			check();
		}
		for (unsigned int left = SHARE_PROCESSES; left; left--)
			end();
		/* one is left, and no copies */
		share_switch(now);
		assert_int_equal(count, 0);
		assert_null(spare);
		base_free(&alloc, pages);
		pages = NULL;
		room = 0;
		assert_int_equal(alloc.used, 0);
	}
}

/* Another's contents are nowhere once it has ended. */
static void test_nothing_is_left(void **state)
{
	uint8_t *copy;

	(void)state;
	begin();
	take(0);
	put(0, 1);
	assert_true(share_fork(0, 1, 0));
	model[1] = model[0];
	go_to(1);
	put(0, 0x5ec2e7);
	go_to(0);
	copy = find(address(0))->copies[1];
	assert_memory_equal(copy, &(uint32_t){ 0x5ec2e7 }, 4);
	go_to(1);
	end();
	assert_int_equal(now, 0);
	for (size_t i = 0; i < ALL; i++)
		for (size_t at = 0; at < PAGE; at += 4)
			assert_memory_not_equal(memory[i] + at, &(uint32_t){ 0x5ec2e7 }, 4);
	assert_int_equal(count, 0);
	base_free(&alloc, pages);
	pages = NULL;
	room = 0;
	assert_int_equal(alloc.used, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_as_if_each_were_alone),
		cmocka_unit_test(test_nothing_is_left),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * What a command asks for whose session was handed over: in its first epoch not again what was asked for on its
 * behalf, but always the first item, which is one that is missing; later, and in all other cases, everything.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../module/session.c"

enum {
	COMMAND = 77,
	GENERATION = 5,
	NUMBER = 12,
};

static char folder[] = "/tmp/scwatcher-session-XXXXXX";
static struct channel_request sent;

static enum err fake_send(struct sealed_carrier *c, const void *request, size_t size, struct err_ctx *err)
{
	(void)c;
	return channel_request_decode(request, size, &sent, err);
}

static struct sealed_carrier fake = {.send = fake_send};

static int set_up(void **state)
{
	(void)state;
	return mkdtemp(folder) && !setenv("XDG_CACHE_HOME", folder, 1) ? 0 : -1;
}

static int tear_down(void **state)
{
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "rm -r %s", folder);
	return system(text);
}

/* One of the kernel's ranges, by a number. */
static struct channel_item item(uint64_t n)
{
	return (struct channel_item){.kind = CHANNEL_READ, .address = 0xffff888000000000 + 4096 * n, .size = 64};
}

/* A request for such ranges on the wire; it ends with 0. */
static size_t encode(const uint64_t *items, uint8_t buf[CHANNEL_REQUEST_MAX])
{
	static struct channel_request r;
	size_t size;

	r.number = NUMBER;
	for (r.count = 0; items[r.count]; r.count++)
		r.items[r.count] = item(items[r.count]);
	assert_int_equal(channel_request_encode(&r, buf, CHANNEL_REQUEST_MAX, &size, NULL), ERR_OK);
	return size;
}

static void keep(uint64_t command, const uint64_t *items)
{
	static uint8_t wire[CHANNEL_REQUEST_MAX];
	size_t size = encode(items, wire);

	attach_requests_add(command, GENERATION, wire + CHANNEL_REQUEST_HEADER_SIZE,
			    (size - CHANNEL_REQUEST_HEADER_SIZE) / CHANNEL_ITEM_SIZE);
}

/* A session as scw_session_open() leaves it that was handed over with an answer. */
static struct session *session(uint64_t command)
{
	static struct session s;

	s = (struct session){
		.carrier.send = send,
		.through = &fake,
		.owner = getpid(),
		.generation = GENERATION,
		.command = command,
		.asked = true,
		.epochs = 1,
	};
	s.fresh = (struct sealed_asked){.items = s.items, .max = CHANNEL_ITEMS_MAX};
	return &s;
}

static void ask(struct session *s, const uint64_t *items)
{
	static uint8_t wire[CHANNEL_REQUEST_MAX];
	size_t size = encode(items, wire);

	memset(&sent, 0, sizeof(sent));
	assert_int_equal(s->carrier.send(&s->carrier, wire, size, NULL), ERR_OK);
	assert_int_equal(sent.number, NUMBER);
}

static void expect(const uint64_t *items)
{
	uint32_t count = 0;

	for (; items[count]; count++)
		assert_int_equal(sent.items[count].address, item(items[count]).address);
	assert_int_equal(sent.count, count);
}

#define LIST(...) ((const uint64_t[]){__VA_ARGS__, 0})

static void what_was_asked_for_already_is_left_out(void **state)
{
	struct session *s = session(COMMAND);

	(void)state;
	keep(COMMAND, LIST(1, 2, 3));
	ask(s, LIST(4, 1, 5, 3, 2, 6));
	expect(LIST(4, 5, 6));
	/* what it then asked for in addition is noted for the next time */
	assert_int_equal(s->fresh.count, 3);
	ask(s, LIST(7, 3));
	expect(LIST(7));
	assert_int_equal(s->fresh.count, 4);
}

static void but_not_what_is_missing(void **state)
{
	struct session *s = session(COMMAND);

	(void)state;
	keep(COMMAND, LIST(1, 2, 3));
	ask(s, LIST(2, 1, 4));
	expect(LIST(2, 4));
	ask(s, LIST(2));
	expect(LIST(2));
}

static void of_another_time_everything(void **state)
{
	struct session *s = session(COMMAND);

	(void)state;
	keep(COMMAND, LIST(1, 2, 3));
	s->epochs = 2;
	ask(s, LIST(4, 1, 2));
	expect(LIST(4, 1, 2));
	assert_int_equal(s->fresh.count, 0);
	/* another boot of the guest */
	s = session(COMMAND);
	s->generation = GENERATION + 1;
	ask(s, LIST(4, 1, 2));
	expect(LIST(4, 1, 2));
	/* nothing was asked for beforehand, as who wants to read anew each time does without it */
	s = session(COMMAND);
	s->asked = false;
	ask(s, LIST(4, 1, 2));
	expect(LIST(4, 1, 2));
	assert_int_equal(s->fresh.count, 3);
	/* another command, and a session that wasn't handed over */
	ask(session(COMMAND + 1), LIST(4, 1, 2));
	expect(LIST(4, 1, 2));
	ask(session(0), LIST(4, 1, 2));
	expect(LIST(4, 1, 2));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_asked_for_already_is_left_out),
		cmocka_unit_test(but_not_what_is_missing),
		cmocka_unit_test(of_another_time_everything),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}

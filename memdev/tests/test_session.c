// SPDX-License-Identifier: MIT
/*
 * The client's half of a session against the device's, with a host in between that may alter, drop,
 * repeat and invent frames; and each half alone with frames that come out of turn.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "channel/message.h"
#include "channel/read.h"
#include "memdev/session.h"
#include "sealed/session.h"
#include "synth/synth.h"

enum {
	BASE = 0x10000000,
	GENERATION = 5,
	QUEUE = 16,
};

#define VA 0xffff888000000000ull

struct frame {
	enum channel_frame_kind kind;
	size_t size;
	uint8_t bytes[CHANNEL_FRAME_PAYLOAD_MAX];
};

static struct world {
	struct sealed_transport transport;
	struct memdev_out out;
	struct memdev_judge judge;
	struct memdev_guest finder;
	struct base_alloc alloc;
	struct synth *guest;
	struct guest_pages *pages;
	struct channel_key_pair device;
	struct channel_random random;
	struct channel_signing_key signing;
	struct sealed_development identity;
	struct memdev_session *session;
	struct sealed_session_options options;
	uint8_t seed;
	bool refuse, booting;
	int found; /* how often the guest was looked for */
	int sent; /* frames of the client so far */

	struct frame queue[QUEUE]; /* to the client */
	size_t first, count;

	/* the host: what it does to the frame that is number `at`, counting those to the client */
	int at, passed;
	enum { HONEST, FLIP, DROP, REPEAT, FAIL, REKIND } deed;
	size_t flip;
} w;

static bool fill(void *ctx, void *buf, size_t size)
{
	uint8_t *p = buf;

	(void)ctx;
	for (size_t i = 0; i < size; i++)
		p[i] = ++w.seed;
	return true;
}

static void enqueue(enum channel_frame_kind kind, const void *bytes, size_t size)
{
	struct frame *f = &w.queue[(w.first + w.count++) % QUEUE];

	assert_in_range(w.count, 1, QUEUE);
	assert_in_range(size, 0, sizeof(f->bytes));
	f->kind = kind;
	f->size = size;
	if (size)
		memcpy(f->bytes, bytes, size);
	if (w.passed++ != w.at)
		return;
	switch (w.deed) {
	case FLIP:
		if (f->size)
			f->bytes[w.flip % f->size] ^= 1;
		break;
	case DROP:
		w.count--;
		break;
	case REPEAT:
		w.queue[(w.first + w.count++) % QUEUE] = *f;
		break;
	case FAIL:
		f->kind = CHANNEL_FRAME_FAILED;
		f->size = channel_refusal_encode(
			&(struct channel_refusal){ERR_ABSENT, "no such VM"}, f->bytes);
		break;
	case REKIND:
		f->kind = f->kind == CHANNEL_FRAME_RECORD ? CHANNEL_FRAME_OPENED
							  : CHANNEL_FRAME_RECORD;
		break;
	case HONEST:
		break;
	}
}

static enum err device_frame(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			     size_t size, struct err_ctx *err)
{
	(void)o;
	(void)err;
	enqueue(kind, bytes, size);
	return ERR_OK;
}

static enum err client_send(struct sealed_transport *t, enum channel_frame_kind kind,
			    const void *bytes, size_t size, struct err_ctx *err)
{
	(void)t;
	(void)err;
	w.sent++;
	if (kind == CHANNEL_FRAME_OPEN)
		enqueue(CHANNEL_FRAME_OPENED, NULL, 0);
	else
		(void)!memdev_session_frame(w.session, kind, bytes, size, &w.out, NULL);
	return ERR_OK;
}

static enum err client_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
			       void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct frame *f = &w.queue[w.first % QUEUE];

	(void)t;
	if (!w.count)
		return err_set(err, ERR_GONE, "the memory device hung up");
	w.first++;
	w.count--;
	*kind_ret = f->kind;
	*size_ret = f->size;
	memcpy(buf, f->bytes, f->size);
	return ERR_OK;
}

static enum err judge(struct memdev_judge *j, const struct channel_evidence *e,
		      const uint8_t transcript[CHANNEL_HASH_SIZE], const char *vm,
		      char who[MEMDEV_WHO_SIZE], struct err_ctx *err)
{
	enum err r = channel_development_check(e, transcript, err);

	(void)j;
	assert_string_equal(vm, "web-1");
	if (r)
		return r;
	if (w.refuse)
		return err_set(err, ERR_PERM, "you may not read web-1");
	memcpy(who, "somebody", 9);
	return ERR_OK;
}

static enum err find(struct memdev_guest *g, struct guest_pages **pages_ret,
		     struct channel_accept *accept_ret, struct err_ctx *err)
{
	(void)g;
	w.found++;
	if (w.booting)
		return err_set(err, ERR_NOTREADY, "the guest is still booting");
	*pages_ret = w.pages;
	*accept_ret = (struct channel_accept){
		.generation = GENERATION,
		.kernel_top = 0x1000,
		.levels = 4,
		.release = "6.1",
	};
	return ERR_OK;
}

static void make_device_session(void)
{
	struct memdev_session_options o = {&w.device, &w.random, "web-1", &w.judge, &w.finder};

	memdev_session_destroy(w.session);
	assert_int_equal(memdev_session_create(&w.alloc, &o, &w.session, NULL), ERR_OK);
}

static int set_up(void **state)
{
	static const uint8_t secret[CHANNEL_KEY_SIZE] = {9}, seed[CHANNEL_SIGNING_KEY_SIZE] = {7};
	struct guest_paging paging;

	(void)state;
	memset(&w, 0, sizeof(w));
	w.transport.send = client_send;
	w.transport.receive = client_receive;
	w.out.frame = device_frame;
	w.judge.judge = judge;
	w.finder.find = find;
	w.random.fill = fill;
	w.at = -1;
	base_alloc_init(&w.alloc, 64 << 20);
	w.guest = synth_create(4);
	synth_add_memory(w.guest, BASE, 4 << 20);
	synth_map_new(w.guest, VA, 256 * GUEST_PAGE_SIZE);
	paging = synth_paging(w.guest);
	assert_int_equal(guest_walk_pages_create(&w.alloc, synth_source(w.guest, SYNTH_MAP), &paging,
						 64, &w.pages),
			 ERR_OK);
	assert_int_equal(channel_key_pair_from_secret(secret, &w.device, NULL), ERR_OK);
	assert_int_equal(channel_signing_key_from_seed(seed, &w.signing, NULL), ERR_OK);
	sealed_development_init(&w.identity, &w.signing);
	w.options = (struct sealed_session_options){"web-1", w.device.public, &w.identity.identity,
						    &w.random, CHANNEL_IN_ORDER};
	make_device_session();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	memdev_session_destroy(w.session);
	guest_pages_destroy(w.pages);
	synth_destroy(w.guest);
	assert_int_equal(w.alloc.used, 0);
	return 0;
}

static enum err connect(struct sealed_session **ret, struct err_ctx *err)
{
	return sealed_session_open(&w.alloc, &w.transport, &w.options, ret, err);
}

static void expect_failure(enum err e, const char *text)
{
	struct sealed_session *s = NULL;
	struct err_ctx err = {0};

	assert_int_equal(connect(&s, &err), e);
	assert_null(s);
	assert_string_equal(err.text, text);
}

static void a_session_stands(void **state)
{
	struct sealed_session *s = NULL;
	struct err_ctx err = {0};

	(void)state;
	assert_false(memdev_session_serves(w.session));
	assert_int_equal(connect(&s, &err), ERR_OK);
	assert_true(memdev_session_serves(w.session));
	assert_string_equal(memdev_session_who(w.session), "somebody");
	assert_int_equal(s->id, memdev_session_id(w.session));
	assert_int_equal(s->accept.generation, GENERATION);
	assert_string_equal(s->accept.release, "6.1");
	assert_int_equal(w.sent, 3);
	assert_int_equal(w.count, 0);
	sealed_session_close(s);
}

/* Memory that is never given back, so that what was left in it can be looked for. */
static struct {
	size_t used;
	_Alignas(64) uint8_t bytes[4 << 20];
} arena;

static void *arena_resize(void *ctx, void *old, size_t size)
{
	uint8_t *p = arena.bytes + arena.used;

	(void)ctx;
	if (!size)
		return NULL;
	assert_null(old);
	assert_true(size <= sizeof(arena.bytes) - arena.used);
	arena.used += (size + 63) & ~(size_t)63;
	return p;
}

static bool arena_holds(const uint8_t key[CHANNEL_KEY_SIZE])
{
	return memmem(arena.bytes, arena.used, key, CHANNEL_KEY_SIZE) != NULL;
}

/* The device's key is gone as soon as nothing can be asked for with it, a session's with the session. */
static void keys_are_wiped(void **state)
{
	static const uint8_t secret[] = "a secret of thirty-two bytes, so";
	struct channel_position to_device, to_client;
	struct sealed_session *s = NULL;
	struct base_alloc before;

	(void)state;
	memdev_session_destroy(w.session);
	w.session = NULL;
	before = w.alloc;
	w.alloc = (struct base_alloc){.resize = arena_resize, .limit = sizeof(arena.bytes)};
	assert_int_equal(channel_key_pair_from_secret(secret, &w.device, NULL), ERR_OK);
	make_device_session();
	assert_true(arena_holds(w.device.secret));
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_false(arena_holds(w.device.secret));
	channel_sealer_position(s->sealer, &to_device);
	channel_opener_position(s->opener, &to_client);
	assert_true(arena_holds(to_device.key) && arena_holds(to_client.key));
	sealed_session_close(s);
	memdev_session_destroy(w.session);
	w.session = NULL;
	assert_false(arena_holds(to_device.key) || arena_holds(to_client.key));
	assert_int_equal(w.alloc.used, 0);
	w.alloc = before;
}

static uint64_t now(void)
{
	return 1;
}

/* 100 pages are more than one record, and the largest record more than one frame. */
static void pages_come_as_frames(void **state)
{
	struct guest_range all = {{VA}, 100 * GUEST_PAGE_SIZE};
	struct sealed_options options = {512, 1000, 1, GENERATION};
	struct sealed_session *s = NULL;
	struct sealed_frames *frames;
	struct guest_pages *pages;
	uint8_t a[64], b[64];

	(void)state;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_int_equal(sealed_frames_create(s, &w.transport, now, &frames, NULL), ERR_OK);
	assert_int_equal(sealed_pages_create(&w.alloc, sealed_frames_carrier(frames), &options,
					     &pages, NULL),
			 ERR_OK);
	assert_int_equal(guest_pages_epoch(pages, NULL), ERR_OK);
	guest_pages_want(pages, GUEST_SPACE_KERNEL, &all, 1);
	for (uint64_t at = 100; at < all.size - 64; at += 1000) {
		assert_int_equal(guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){VA + at},
						  a, sizeof(a)),
				 ERR_OK);
		assert_int_equal(guest_pages_read(w.pages, GUEST_SPACE_KERNEL,
						  (struct gva){VA + at}, b, sizeof(b)),
				 ERR_OK);
		assert_memory_equal(a, b, sizeof(a));
	}
	assert_int_equal(sealed_pages_stats(pages).round_trips, 1);
	assert_in_range(sealed_pages_stats(pages).records, 2, QUEUE);
	assert_int_equal(memdev_session_stats(w.session).engine.pages, 100);
	guest_pages_destroy(pages);
	sealed_frames_destroy(frames);
	sealed_session_close(s);
}

static void an_empty_part_is_no_record(void **state)
{
	struct sealed_session *s = NULL;
	struct sealed_frames *frames;
	static uint8_t record[CHANNEL_RECORD_MAX];
	struct sealed_carrier *c;
	struct err_ctx err = {0};
	const void *plain;
	size_t size;

	(void)state;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_int_equal(sealed_frames_create(s, &w.transport, now, &frames, NULL), ERR_OK);
	c = sealed_frames_carrier(frames);
	enqueue(CHANNEL_FRAME_PART, NULL, 0);
	assert_int_equal(c->receive(c, record, &plain, &size, &err), ERR_TAMPERED);
	assert_string_equal(err.text, "a record in parts that don't fit one");
	sealed_frames_destroy(frames);
	sealed_session_close(s);
}

/* Each byte and each frame of the handshake: the client never believes an altered one. */
static void an_altered_handshake_fails(void **state)
{
	struct sealed_session *s = NULL;

	(void)state;
	for (int at = 1; at <= 2; at++) {
		for (size_t byte = 0; byte < 400; byte += 7) {
			enum err e;

			w.first = w.count = 0;
			w.passed = 0;
			w.at = at;
			w.deed = FLIP;
			w.flip = byte;
			make_device_session();
			e = connect(&s, NULL);
			assert_int_equal(e, ERR_TAMPERED);
			assert_null(s);
		}
	}
}

static void frames_that_are_lost_or_invented(void **state)
{
	static const struct {
		int at, deed;
		enum err e;
		const char *text;
	} cases[] = {
		{0, DROP, ERR_GONE, "the memory device hung up"},
		{1, DROP, ERR_GONE, "the memory device hung up"},
		{2, DROP, ERR_GONE, "the memory device hung up"},
		{0, REPEAT, ERR_TAMPERED, "a frame of kind 2 came instead of 5"},
		{1, REPEAT, ERR_TAMPERED, "a frame of kind 5 came instead of 6"},
		{0, FAIL, ERR_ABSENT, "the device's host says: no such VM"},
		{1, FAIL, ERR_ABSENT, "the device's host says: no such VM"},
		{2, FAIL, ERR_ABSENT, "the device's host says: no such VM"},
		{0, REKIND, ERR_TAMPERED, "a frame of kind 6 came instead of 2"},
		{1, REKIND, ERR_TAMPERED, "a frame of kind 6 came instead of 5"},
		{2, REKIND, ERR_TAMPERED, "a frame of kind 2 came instead of 6"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		w.first = w.count = 0;
		w.passed = 0;
		w.at = cases[i].at;
		w.deed = (int)cases[i].deed;
		make_device_session();
		expect_failure(cases[i].e, cases[i].text);
	}
}

static void another_device_is_not_believed(void **state)
{
	static const uint8_t secret[CHANNEL_KEY_SIZE] = {10};

	(void)state;
	assert_int_equal(channel_key_pair_from_secret(secret, &w.device, NULL), ERR_OK);
	make_device_session();
	w.options.device = (const uint8_t[CHANNEL_KEY_SIZE]){9};
	/* it can't even read the hello, and the client takes its word for no more than the host's */
	expect_failure(ERR_TAMPERED,
		       "the device's host says: the hello isn't for this memory device: another one's "
		       "key is pinned, or it was altered");
}

static void another_vm_is_not_taken(void **state)
{
	(void)state;
	/* the host opens web-1 in the client's name, but the client wants web-2 */
	w.options.vm = "web-2";
	expect_failure(ERR_TAMPERED, "the device's host says: the client wants another VM than was "
				     "opened");
	assert_false(memdev_session_serves(w.session));
}

static void who_is_refused_is_told_why(void **state)
{
	(void)state;
	w.refuse = true;
	expect_failure(ERR_PERM, "you may not read web-1");
	assert_false(memdev_session_serves(w.session));
	/* and the guest was left alone */
	assert_int_equal(w.found, 0);
}

static void a_guest_that_is_not_ready_is_told_of(void **state)
{
	(void)state;
	w.booting = true;
	expect_failure(ERR_NOTREADY, "the guest is still booting");
	assert_false(memdev_session_serves(w.session));
}

static enum err false_evidence(struct sealed_identity *i,
			       const uint8_t transcript[CHANNEL_HASH_SIZE], void *buf, size_t room,
			       size_t *size_ret, struct err_ctx *err)
{
	uint8_t other[CHANNEL_HASH_SIZE];

	memcpy(other, transcript, sizeof(other));
	other[0] ^= 1;
	(void)i;
	return w.identity.identity.evidence(&w.identity.identity, other, buf, room, size_ret, err);
}

static void evidence_of_another_session_is_refused(void **state)
{
	struct sealed_identity identity = {false_evidence};

	(void)state;
	w.options.identity = &identity;
	expect_failure(ERR_TAMPERED, "the evidence's signature doesn't fit");
}

static void bad_names_are_not_asked_for(void **state)
{
	(void)state;
	w.options.vm = "a/b";
	expect_failure(ERR_INVAL, "not a name that a VM may have");
	assert_int_equal(w.sent, 0);
}

/* A frame of each kind to a device session in `state`, that isn't this one's turn. */
static void device_refuses_all_but(int turn, int turn2, void (*reach)(struct sealed_session **))
{
	static const uint8_t junk[64] = {1, 2, 3};

	for (int kind = CHANNEL_FRAME_OPEN; kind <= CHANNEL_FRAME_READ; kind++) {
		struct sealed_session *s = NULL;
		struct err_ctx err = {0};

		if (kind == turn || kind == turn2)
			continue;
		w.first = w.count = 0;
		make_device_session();
		if (reach)
			reach(&s);
		assert_int_equal(memdev_session_frame(w.session, (enum channel_frame_kind)kind, junk,
						      sizeof(junk), &w.out, &err),
				 ERR_CORRUPT);
		assert_non_null(strstr(err.text, "out of turn"));
		assert_false(memdev_session_serves(w.session));
		/* the client is told, and then nothing goes any more */
		assert_int_equal(w.count, 1);
		assert_int_equal(w.queue[w.first % QUEUE].kind,
				 reach ? CHANNEL_FRAME_RECORD : CHANNEL_FRAME_FAILED);
		err_clear(&err);
		assert_int_equal(memdev_session_frame(w.session, CHANNEL_FRAME_HELLO, junk,
						      sizeof(junk), &w.out, &err),
				 ERR_INVAL);
		assert_string_equal(err.text, "the session is over");
		assert_int_equal(w.count, 1);
		sealed_session_close(s);
	}
}

static void reach_serving(struct sealed_session **s)
{
	assert_int_equal(connect(s, NULL), ERR_OK);
}

static void the_device_takes_turns(void **state)
{
	(void)state;
	device_refuses_all_but(CHANNEL_FRAME_HELLO, -1, NULL);
	device_refuses_all_but(CHANNEL_FRAME_RECORD, CHANNEL_FRAME_READ, reach_serving);
}

/* Send the device a sealed record of `type`. */
static enum err send_sealed(struct sealed_session *s, uint16_t type, const void *plain, size_t size,
			    struct err_ctx *err)
{
	uint8_t record[1024];

	assert_int_equal(channel_seal(s->sealer, type, NULL, plain, size, record, sizeof(record),
				      &size, NULL),
			 ERR_OK);
	return memdev_session_frame(w.session, CHANNEL_FRAME_RECORD, record, size, &w.out, err);
}

static void record_types_take_turns(void **state)
{
	(void)state;
	for (uint16_t type = 0; type < 8; type++) {
		struct sealed_session *s = NULL;
		struct err_ctx err = {0};

		if (type == CHANNEL_REQUEST)
			continue;
		w.first = w.count = 0;
		make_device_session();
		assert_int_equal(connect(&s, NULL), ERR_OK);
		assert_int_equal(send_sealed(s, type, "x", 1, &err), ERR_CORRUPT);
		assert_non_null(strstr(err.text, "out of turn"));
		sealed_session_close(s);
	}
}

static void a_bad_request_ends_the_session_and_says_why(void **state)
{
	struct sealed_session *s = NULL;
	struct err_ctx err = {0};
	const void *plain;
	size_t size;

	(void)state;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_int_equal(send_sealed(s, CHANNEL_REQUEST, "x", 1, NULL), ERR_CORRUPT);
	assert_int_equal(w.count, 1);
	size = w.queue[w.first % QUEUE].size;
	assert_int_equal(sealed_session_open_record(s, w.queue[w.first % QUEUE].bytes, size,
						    CHANNEL_PAGES, NULL, &plain, &size, &err),
			 ERR_CORRUPT);
	assert_string_equal(err.text, "a request of 1 bytes doesn't hold its items");
	sealed_session_close(s);
}

static void a_replayed_request_ends_the_session(void **state)
{
	struct channel_request r = {.number = 1,
				    .count = 1,
				    .items = {{.kind = CHANNEL_READ, .address = VA, .size = 8}}};
	uint8_t plain[CHANNEL_REQUEST_MAX], record[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	struct sealed_session *s = NULL;
	size_t size;

	(void)state;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_int_equal(channel_request_encode(&r, plain, sizeof(plain), &size, NULL), ERR_OK);
	assert_int_equal(
		sealed_session_seal(s, plain, size, record, sizeof(record), &size, NULL), ERR_OK);
	assert_int_equal(memdev_session_frame(w.session, CHANNEL_FRAME_RECORD, record, size, &w.out,
					      NULL),
			 ERR_OK);
	assert_int_equal(memdev_session_frame(w.session, CHANNEL_FRAME_RECORD, record, size, &w.out,
					      NULL),
			 ERR_TAMPERED);
	sealed_session_close(s);
}

static enum err ask_read(const struct channel_bound *b)
{
	uint8_t question[CHANNEL_READ_SIZE];

	channel_read_encode(b, question);
	return memdev_session_frame(w.session, CHANNEL_FRAME_READ, question, sizeof(question),
				    &w.out, NULL);
}

static void reads_are_bound_to_their_question(void **state)
{
	struct channel_bound b = {0, VA + 100, 5000, 77};
	struct sealed_session *s = NULL;
	const void *plain;
	size_t size;

	(void)state;
	w.options.order = CHANNEL_UNORDERED;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	for (int spoil = 0; spoil <= 4; spoil++) {
		struct channel_bound asked = b;
		struct frame *f;

		assert_int_equal(ask_read(&b), ERR_OK);
		f = &w.queue[w.first % QUEUE];
		asked.space += spoil == 1 ? 4096 : 0;
		asked.address += spoil == 2;
		asked.length += spoil == 3;
		asked.epoch += spoil == 4;
		assert_int_equal(sealed_session_open_record(s, f->bytes, f->size, CHANNEL_BYTES,
							    &asked, &plain, &size, NULL),
				 spoil ? ERR_TAMPERED : ERR_OK);
		w.first++;
		w.count--;
	}
	assert_int_equal(size, 5000 + CHANNEL_BYTES_HEADER_SIZE);
	sealed_session_close(s);
}

/* A VM that ends: the client learns it sealed, whatever it asked for. */
static void a_dead_guest_is_told_of(void **state)
{
	struct channel_bound b = {0, VA + 100, 5000, 77};
	struct sealed_session *s = NULL;
	struct err_ctx err = {0};
	const void *plain;
	struct frame *f;
	size_t size;

	(void)state;
	assert_int_equal(connect(&s, NULL), ERR_OK);
	synth_set_gone(w.guest, true);
	assert_int_equal(ask_read(&b), ERR_GONE);
	assert_int_equal(w.count, 1);
	f = &w.queue[w.first % QUEUE];
	assert_int_equal(sealed_session_open_record(s, f->bytes, f->size, CHANNEL_BYTES, &b, &plain,
						    &size, &err),
			 ERR_GONE);
	assert_true(err.text[0]);
	assert_int_equal(ask_read(&b), ERR_INVAL);
	sealed_session_close(s);
}

static void the_device_may_end_it(void **state)
{
	struct err_ctx err = {0}, told = {.code = ERR_LIMIT, .text = "idle for too long"};
	struct sealed_session *s = NULL;
	const void *plain;
	struct frame *f;
	size_t size;

	(void)state;
	/* nobody to tell yet, nor any more */
	memdev_session_end(w.session, NULL, &w.out, &told);
	assert_int_equal(w.count, 0);
	assert_int_equal(connect(&s, NULL), ERR_OK);
	memdev_session_end(w.session, NULL, &w.out, &told);
	memdev_session_end(w.session, NULL, &w.out, &told);
	assert_int_equal(w.count, 1);
	f = &w.queue[w.first % QUEUE];
	assert_int_equal(sealed_session_open_record(s, f->bytes, f->size, CHANNEL_PAGES, NULL,
						    &plain, &size, &err),
			 ERR_LIMIT);
	assert_string_equal(err.text, "idle for too long");
	sealed_session_close(s);
}

static int records_seen;

static enum err take_record(struct memdev_records *r, const void *record, size_t size,
			    struct err_ctx *err)
{
	(void)r;
	(void)record;
	(void)err;
	assert_true(size > 4096);
	records_seen++;
	return ERR_OK;
}

static void whole_records_need_no_frames(void **state)
{
	struct channel_request r = {.number = 1,
				    .count = 1,
				    .items = {{.kind = CHANNEL_READ,
					       .address = VA,
					       .size = 100 * GUEST_PAGE_SIZE}}};
	uint8_t plain[CHANNEL_REQUEST_MAX], record[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	struct memdev_records records = {take_record};
	struct sealed_session *s = NULL;
	size_t size;

	(void)state;
	records_seen = 0;
	assert_int_equal(memdev_session_record(w.session, record, 100, &records, NULL), ERR_INVAL);
	assert_int_equal(connect(&s, NULL), ERR_OK);
	assert_int_equal(channel_request_encode(&r, plain, sizeof(plain), &size, NULL), ERR_OK);
	assert_int_equal(
		sealed_session_seal(s, plain, size, record, sizeof(record), &size, NULL), ERR_OK);
	assert_int_equal(memdev_session_record(w.session, record, size, &records, NULL), ERR_OK);
	assert_in_range(records_seen, 2, 100);
	assert_int_equal(w.count, 0);
	sealed_session_close(s);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_session_stands),
		TEST(keys_are_wiped),
		TEST(pages_come_as_frames),
		TEST(an_empty_part_is_no_record),
		TEST(an_altered_handshake_fails),
		TEST(frames_that_are_lost_or_invented),
		TEST(another_device_is_not_believed),
		TEST(another_vm_is_not_taken),
		TEST(who_is_refused_is_told_why),
		TEST(a_guest_that_is_not_ready_is_told_of),
		TEST(evidence_of_another_session_is_refused),
		TEST(bad_names_are_not_asked_for),
		TEST(the_device_takes_turns),
		TEST(record_types_take_turns),
		TEST(a_bad_request_ends_the_session_and_says_why),
		TEST(a_replayed_request_ends_the_session),
		TEST(reads_are_bound_to_their_question),
		TEST(a_dead_guest_is_told_of),
		TEST(the_device_may_end_it),
		TEST(whole_records_need_no_frames),
	};
#undef TEST

	if (channel_library_init(NULL) != ERR_OK)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}

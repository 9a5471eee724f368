// SPDX-License-Identifier: MIT
/*
 * The ring between honest ends (one thread, two threads, records of all sizes, sleeping without lost
 * wake-ups), and against a host that writes whatever it likes into the shared region.
 */
#include <endian.h>
#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "channel/ring.h"

enum {
	SMALL = CHANNEL_RING_SIZE_MIN,
	LARGE = 65536,
	ROOM = CHANNEL_RECORD_MAX,
	RECORDS = 3000,
	SCRIBBLES = 20000,
};

/* A hook that gives up after `patience` sleeps; with `futex` it really sleeps. */
struct waiting {
	struct channel_ring_wait wait;
	unsigned int patience, timeouts;
	bool futex;
	uint64_t at;		     /* its CPU */
	unsigned int parted, unseen; /* how often it was to go elsewhere, and to let others run */
};

struct pair {
	struct channel_ring_sizes sizes;
	void *region;
	struct waiting client, device;
	struct channel_ring_end to_device_in, to_device_out, to_client_in, to_client_out;
};

static enum err sleep_hook(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct waiting *me = (struct waiting *)w;
	struct timespec ten_seconds = {.tv_sec = 10};

	if (!me->patience)
		return err_set(err, ERR_LIMIT, "no patience left");
	if (!me->futex) {
		me->patience--;
		return ERR_OK;
	}
	if (syscall(SYS_futex, bell, FUTEX_WAIT, 1, &ten_seconds, NULL, 0) && errno == ETIMEDOUT)
		me->timeouts++;
	return ERR_OK;
}

static void wake_hook(struct channel_ring_wait *w, uint64_t *bell)
{
	if (((struct waiting *)w)->futex)
		syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static uint64_t cpu_hook(struct channel_ring_wait *w)
{
	return ((struct waiting *)w)->at;
}

static void part_hook(struct channel_ring_wait *w, bool unseen)
{
	struct waiting *me = (struct waiting *)w;

	if (unseen) {
		me->unseen++;
		return;
	}
	me->parted++;
	me->at++;
}

static void waiting_init(struct waiting *w, bool futex, uint32_t spins)
{
	*w = (struct waiting){
		.wait = {.sleep = sleep_hook, .wake = wake_hook, .spins_max = spins},
		.patience = futex ? 1 : 0,
		.futex = futex,
	};
}

static void pair_init(struct pair *p, uint32_t size, bool futex, uint32_t spins)
{
	p->sizes = (struct channel_ring_sizes){.to_device = size, .to_client = size};
	/* exactly as large as it must be, so that a sanitizer sees a look past its end */
	p->region = aligned_alloc(4096, channel_ring_region_size(&p->sizes));
	assert_non_null(p->region);
	memset(p->region, 0, channel_ring_region_size(&p->sizes));
	waiting_init(&p->client, futex, spins);
	waiting_init(&p->device, futex, spins);
	assert_int_equal(channel_ring_writer_init(&p->to_device_in, p->region, &p->sizes,
						  CHANNEL_TO_DEVICE, &p->client.wait, NULL),
			 ERR_OK);
	assert_int_equal(channel_ring_reader_init(&p->to_device_out, p->region, &p->sizes,
						  CHANNEL_TO_DEVICE, &p->device.wait, NULL),
			 ERR_OK);
	assert_int_equal(channel_ring_writer_init(&p->to_client_in, p->region, &p->sizes,
						  CHANNEL_TO_CLIENT, &p->device.wait, NULL),
			 ERR_OK);
	assert_int_equal(channel_ring_reader_init(&p->to_client_out, p->region, &p->sizes,
						  CHANNEL_TO_CLIENT, &p->client.wait, NULL),
			 ERR_OK);
}

static void pair_deinit(struct pair *p)
{
	free(p->region);
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* A record of `size` bytes in all whose content tells its size and number. */
static void make_record(uint8_t *record, size_t size, uint32_t number)
{
	struct channel_header header = {.size = (uint32_t)(size - CHANNEL_HEADER_SIZE),
					.sequence = number};

	memcpy(record, &header, sizeof(header));
	for (size_t i = CHANNEL_HEADER_SIZE; i < size; i++)
		record[i] = (uint8_t)(number * 31 + i * 7 + (i >> 8) + 1);
}

static bool is_record(const uint8_t *record, size_t size, uint32_t number)
{
	struct channel_header header;

	memcpy(&header, record, sizeof(header));
	if (header.size != size - CHANNEL_HEADER_SIZE || header.sequence != number)
		return false;
	for (size_t i = CHANNEL_HEADER_SIZE; i < size; i++) {
		if (record[i] != (uint8_t)(number * 31 + i * 7 + (i >> 8) + 1))
			return false;
	}
	return true;
}

/* Sizes from the smallest record to `largest`, mostly small. */
static size_t random_size(uint32_t *state, size_t largest)
{
	size_t spread = largest - CHANNEL_OVERHEAD + 1;

	if (next_random(state) % 4)
		spread = spread < 600 ? spread : 600;
	return CHANNEL_OVERHEAD + next_random(state) % spread;
}

static void sizes_are_checked(void **state)
{
	static const uint32_t bad[] = {0, 8, 2048, 4097, 6144, 1u << 25, 1u << 31, UINT32_MAX};
	struct channel_ring_sizes good = {4096, 1 << 24};
	struct channel_ring_end e;
	struct waiting w;

	(void)state;
	waiting_init(&w, false, 0);
	assert_int_equal(channel_ring_region_size(&good), 4096 + 4096 + (1 << 24));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct channel_ring_sizes up = {bad[i], 4096}, down = {4096, bad[i]};

		assert_int_equal(channel_ring_region_size(&up), 0);
		assert_int_equal(channel_ring_region_size(&down), 0);
		assert_int_equal(channel_ring_writer_init(&e, &good, &up, CHANNEL_TO_DEVICE, &w.wait,
							  NULL),
				 ERR_INVAL);
		assert_int_equal(channel_ring_reader_init(&e, &good, &down, CHANNEL_TO_CLIENT,
							  &w.wait, NULL),
				 ERR_INVAL);
	}
}

static void records_of_all_sizes_arrive(void **state)
{
	static uint8_t sent[SMALL], got[SMALL];
	uint32_t number = 0;
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	for (size_t n = CHANNEL_OVERHEAD; n <= SMALL; n++) {
		bool up = n % 2;

		make_record(sent, n, ++number);
		assert_int_equal(
			channel_ring_write(up ? &p.to_device_in : &p.to_client_in, sent, n, NULL),
			ERR_OK);
		assert_int_equal(channel_ring_read(up ? &p.to_device_out : &p.to_client_out, got,
						   sizeof(got), &size, NULL),
				 ERR_OK);
		assert_int_equal(size, n);
		assert_memory_equal(sent, got, n);
	}
	assert_int_equal(p.client.wait.sleeps + p.device.wait.sleeps, 0);
	pair_deinit(&p);
}

struct stream {
	struct channel_ring_end *end;
	size_t largest;
	enum err failed;
	uint32_t bad;
};

static void *write_stream(void *arg)
{
	struct stream *s = arg;
	uint8_t *record = malloc(s->largest);
	uint32_t random = 7;

	for (uint32_t i = 0; i < RECORDS && !s->failed; i++) {
		size_t size = random_size(&random, s->largest);

		make_record(record, size, i);
		s->failed = channel_ring_write(s->end, record, size, NULL);
	}
	free(record);
	return NULL;
}

static void *read_stream(void *arg)
{
	struct stream *s = arg;
	uint8_t *record = malloc(s->largest);
	uint32_t random = 7;

	for (uint32_t i = 0; i < RECORDS && !s->failed; i++) {
		size_t size = 0, expected = random_size(&random, s->largest);

		s->failed = channel_ring_read(s->end, record, s->largest, &size, NULL);
		s->bad += size != expected || !is_record(record, expected, i);
	}
	free(record);
	return NULL;
}

static void stream_both_ways(uint32_t ring, size_t largest, uint32_t spins)
{
	struct stream streams[4] = {{.largest = largest}, {.largest = largest},
				    {.largest = largest}, {.largest = largest}};
	struct waiting waits[4];
	pthread_t threads[4];
	struct pair p;

	pair_init(&p, ring, true, spins);
	streams[0].end = &p.to_device_in;
	streams[1].end = &p.to_device_out;
	streams[2].end = &p.to_client_in;
	streams[3].end = &p.to_client_out;
	for (int i = 0; i < 4; i++) {
		waiting_init(&waits[i], true, spins);
		streams[i].end->wait = &waits[i].wait;
		assert_int_equal(pthread_create(&threads[i], NULL,
						i % 2 ? read_stream : write_stream, &streams[i]),
				 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(streams[i].failed, ERR_OK);
		assert_int_equal(streams[i].bad, 0);
		assert_int_equal(waits[i].timeouts, 0); /* no wake-up was lost */
	}
	pair_deinit(&p);
}

static void two_threads_exchange_records(void **state)
{
	(void)state;
	stream_both_ways(LARGE, 20000, 100);
}

static void records_larger_than_the_ring_stream_through(void **state)
{
	(void)state;
	stream_both_ways(SMALL, 60000, 100);
}

static void sleeping_loses_no_wake_up(void **state)
{
	(void)state;
	stream_both_ways(SMALL, 3000, 0);
}

/* One record at a time to and fro: each end sleeps for each. */
static void *echo(void *arg)
{
	struct pair *p = arg;
	uint8_t record[256];
	size_t size;

	for (uint32_t i = 0; i < RECORDS; i++) {
		if (channel_ring_read(&p->to_device_out, record, sizeof(record), &size, NULL) ||
		    channel_ring_write(&p->to_client_in, record, size, NULL))
			break;
	}
	return NULL;
}

static void a_record_comes_back_each_time(void **state)
{
	uint8_t sent[200], got[200];
	pthread_t thread;
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, true, 0);
	assert_int_equal(pthread_create(&thread, NULL, echo, &p), 0);
	for (uint32_t i = 0; i < RECORDS; i++) {
		make_record(sent, sizeof(sent), i);
		assert_int_equal(channel_ring_write(&p.to_device_in, sent, sizeof(sent), NULL),
				 ERR_OK);
		assert_int_equal(
			channel_ring_read(&p.to_client_out, got, sizeof(got), &size, NULL), ERR_OK);
		assert_memory_equal(sent, got, sizeof(sent));
	}
	pthread_join(thread, NULL);
	assert_int_equal(p.client.timeouts + p.device.timeouts, 0);
	pair_deinit(&p);
}

/* Both operations of an end say `e`, now and ever after, whatever the region holds then. */
static void expect_failed(struct pair *p, struct channel_ring_end *end, bool writer, enum err e)
{
	uint8_t record[CHANNEL_OVERHEAD];
	struct err_ctx err = {0};
	size_t size;

	memset(p->region, 0, sizeof(struct channel_ring_head));
	make_record(record, sizeof(record), 0);
	if (writer)
		assert_int_equal(channel_ring_write(end, record, sizeof(record), &err), e);
	else
		assert_int_equal(channel_ring_read(end, record, sizeof(record), &size, &err), e);
	assert_int_equal(err.code, e);
}

static void what_comes_next_is_told(void **state)
{
	static const size_t sizes[] = {CHANNEL_OVERHEAD, CHANNEL_OVERHEAD + 1, 1000};
	uint8_t sent[1000], got[1000];
	struct err_ctx err = {0};
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 10);
	p.client.patience = 3;
	for (uint32_t i = 0; i < 3; i++) {
		make_record(sent, sizes[i], i);
		assert_int_equal(channel_ring_write(&p.to_client_in, sent, sizes[i], NULL), ERR_OK);
		for (int again = 0; again < 2; again++) {
			assert_int_equal(channel_ring_next(&p.to_client_out, &size, NULL), ERR_OK);
			assert_int_equal(size, sizes[i]);
		}
		assert_int_equal(channel_ring_read(&p.to_client_out, got, size, &size, NULL), ERR_OK);
		assert_int_equal(size, sizes[i]);
		assert_memory_equal(sent, got, size);
	}
	/* more than any record, and less */
	make_record(sent, CHANNEL_OVERHEAD, 3);
	((struct channel_header *)sent)->size = htole32(CHANNEL_RECORD_MAX - CHANNEL_HEADER_SIZE + 1);
	assert_int_equal(channel_ring_write(&p.to_client_in, sent, CHANNEL_OVERHEAD, NULL), ERR_OK);
	assert_int_equal(channel_ring_next(&p.to_client_out, &size, &err), ERR_TAMPERED);
	expect_failed(&p, &p.to_client_out, false, ERR_TAMPERED);
	pair_deinit(&p);
}

static void a_silent_peer_ends_the_waiting(void **state)
{
	uint8_t record[SMALL];
	struct err_ctx err = {0};
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 10);
	p.client.patience = 3;
	assert_int_equal(channel_ring_read(&p.to_client_out, record, sizeof(record), &size, &err),
			 ERR_LIMIT);
	assert_string_equal(err.text, "no patience left");
	assert_int_equal(p.client.wait.sleeps, 4);
	expect_failed(&p, &p.to_client_out, false, ERR_LIMIT);

	make_record(record, sizeof(record), 0);
	assert_int_equal(channel_ring_write(&p.to_device_in, record, sizeof(record), NULL), ERR_OK);
	assert_int_equal(channel_ring_write(&p.to_device_in, record, sizeof(record), NULL),
			 ERR_LIMIT);
	expect_failed(&p, &p.to_device_in, true, ERR_LIMIT);
	pair_deinit(&p);
}

/* What came before the peer went is still read. */
static enum err write_then_go(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct pair *p = (struct pair *)((char *)w - offsetof(struct pair, client));
	uint8_t record[64];

	(void)bell;
	make_record(record, sizeof(record), 5);
	assert_int_equal(channel_ring_write(&p->to_client_in, record, sizeof(record), NULL), ERR_OK);
	return err_set(err, ERR_GONE, "the peer has gone");
}

static void the_last_words_of_a_peer_are_read(void **state)
{
	uint8_t record[64];
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	p.client.wait.sleep = write_then_go;
	assert_int_equal(channel_ring_read(&p.to_client_out, record, sizeof(record), &size, NULL),
			 ERR_OK);
	assert_true(is_record(record, size, 5));
	pair_deinit(&p);
}

static struct channel_ring_words *down_words(struct pair *p)
{
	return &((struct channel_ring_head *)p->region)->to_client;
}

/* The reader at 64, the writer at 64 (nothing to read), then the host sets head. */
static void expect_head_refused(uint64_t head)
{
	uint8_t record[64];
	struct err_ctx err = {0};
	struct pair p;
	size_t size;

	pair_init(&p, SMALL, false, 0);
	make_record(record, sizeof(record), 1);
	assert_int_equal(channel_ring_write(&p.to_client_in, record, sizeof(record), NULL), ERR_OK);
	assert_int_equal(channel_ring_read(&p.to_client_out, record, sizeof(record), &size, NULL),
			 ERR_OK);
	down_words(&p)->head = head;
	assert_int_equal(channel_ring_read(&p.to_client_out, record, sizeof(record), &size, &err),
			 ERR_TAMPERED);
	assert_string_equal(err.text, "an index of the ring is impossible");
	expect_failed(&p, &p.to_client_out, false, ERR_TAMPERED);
	pair_deinit(&p);
}

static void a_head_that_goes_back_is_refused(void **state)
{
	(void)state;
	expect_head_refused(56);
	expect_head_refused(0);
}

static void a_head_past_the_ring_is_refused(void **state)
{
	(void)state;
	expect_head_refused(64 + SMALL + 8);
	expect_head_refused(UINT64_MAX - 7);
	expect_head_refused(1ull << 63);
}

static void a_head_between_words_is_refused(void **state)
{
	(void)state;
	expect_head_refused(65);
	expect_head_refused(71);
}

/* The writer has filled the ring up to 4032; the reader has been seen at 8. */
static void expect_tail_refused(uint64_t tail)
{
	static uint8_t record[SMALL];
	struct err_ctx err = {0};
	struct pair p;

	pair_init(&p, SMALL, false, 0);
	make_record(record, SMALL, 1);
	assert_int_equal(channel_ring_write(&p.to_client_in, record, SMALL, NULL), ERR_OK);
	down_words(&p)->tail = 64;
	make_record(record, 64, 2);
	assert_int_equal(channel_ring_write(&p.to_client_in, record, 64, NULL), ERR_OK);
	down_words(&p)->tail = tail;
	assert_int_equal(channel_ring_write(&p.to_client_in, record, 64, &err), ERR_TAMPERED);
	expect_failed(&p, &p.to_client_in, true, ERR_TAMPERED);
	pair_deinit(&p);
}

static void a_tail_that_goes_back_is_refused(void **state)
{
	(void)state;
	expect_tail_refused(56);
	expect_tail_refused(0);
}

static void a_tail_past_the_head_is_refused(void **state)
{
	(void)state;
	expect_tail_refused(SMALL + 64 + 8);
	expect_tail_refused(UINT64_MAX - 7);
}

static void a_tail_between_words_is_refused(void **state)
{
	(void)state;
	expect_tail_refused(67);
}

/* The reader gives `room` bytes of room; the record's head says that `size` bytes follow it. */
static void expect_size_refused(uint32_t size, size_t room)
{
	uint8_t record[256], *to = malloc(room);
	struct channel_header header = {.size = size};
	struct err_ctx err = {0};
	struct pair p;
	size_t got;

	assert_non_null(to);
	pair_init(&p, SMALL, false, 0);
	make_record(record, sizeof(record), 1);
	memcpy(record, &header, sizeof(header));
	assert_int_equal(channel_ring_write(&p.to_client_in, record, sizeof(record), NULL), ERR_OK);
	assert_int_equal(channel_ring_read(&p.to_client_out, to, room, &got, &err), ERR_TAMPERED);
	assert_string_equal(err.text, "a record in the ring has an impossible size");
	expect_failed(&p, &p.to_client_out, false, ERR_TAMPERED);
	pair_deinit(&p);
	free(to);
}

static void a_record_too_small_is_refused(void **state)
{
	(void)state;
	expect_size_refused(0, 256);
	expect_size_refused(CHANNEL_TAG_SIZE - 1, 256);
}

static void a_record_too_large_is_refused(void **state)
{
	(void)state;
	expect_size_refused(UINT32_MAX, 256);
	expect_size_refused(256 - CHANNEL_HEADER_SIZE + 1, 256);
	expect_size_refused(CHANNEL_RECORD_MAX - CHANNEL_HEADER_SIZE + 1, CHANNEL_RECORD_MAX);
}

static void padding_that_is_not_zero_is_refused(void **state)
{
	uint8_t record[61];
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	make_record(record, sizeof(record), 1);
	assert_int_equal(channel_ring_write(&p.to_client_in, record, sizeof(record), NULL), ERR_OK);
	p.to_client_in.bytes[7] |= 1ull << 63;
	assert_int_equal(channel_ring_read(&p.to_client_out, record, sizeof(record), &size, NULL),
			 ERR_TAMPERED);
	expect_failed(&p, &p.to_client_out, false, ERR_TAMPERED);
	pair_deinit(&p);
}

/* A head that grows by a word at a time only makes it slow. */
static enum err dribble(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct pair *p = (struct pair *)((char *)w - offsetof(struct pair, client));

	(void)bell;
	(void)err;
	down_words(p)->head += 8;
	return ERR_OK;
}

static void a_dribbling_peer_is_endured(void **state)
{
	uint8_t record[1000], got[1000];
	struct pair p;
	size_t size;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	make_record(record, sizeof(record), 1);
	assert_int_equal(channel_ring_write(&p.to_client_in, record, sizeof(record), NULL), ERR_OK);
	down_words(&p)->head = 0;
	p.client.wait.sleep = dribble;
	assert_int_equal(channel_ring_read(&p.to_client_out, got, sizeof(got), &size, NULL), ERR_OK);
	assert_memory_equal(record, got, sizeof(record));
	assert_int_equal(p.client.wait.sleeps, sizeof(record) / 8);
	pair_deinit(&p);
}

/* A word of the head, a value that is likely to matter. */
static void scribble(struct pair *p, uint32_t *random)
{
	static const uint64_t values[] = {0, 1, 7, 8, 64, SMALL - 8, SMALL, SMALL + 8, 1ull << 32,
					  1ull << 63, UINT64_MAX};
	uint64_t *words = p->region, value;
	size_t at = next_random(random) % 2
			    ? next_random(random) % 8 * (CHANNEL_RING_LINE / 8)
			    : next_random(random) %
				      (channel_ring_region_size(&p->sizes) / sizeof(*words));

	value = values[next_random(random) % (sizeof(values) / sizeof(values[0]))];
	if (next_random(random) % 2)
		value += __atomic_load_n(&words[at], __ATOMIC_RELAXED);
	__atomic_store_n(&words[at], value, __ATOMIC_RELAXED);
}

/* An operation of a random end; what it says is one of the errors it may say. */
static enum err random_operation(struct pair *p, uint32_t *random)
{
	static uint8_t record[3 * SMALL];
	struct channel_ring_end *writers[] = {&p->to_device_in, &p->to_client_in};
	struct channel_ring_end *readers[] = {&p->to_device_out, &p->to_client_out};
	size_t room = CHANNEL_OVERHEAD + next_random(random) % (2 * SMALL), size = room;
	uint8_t *exact;
	enum err e;

	if (next_random(random) % 2) {
		make_record(record, size, 1);
		return channel_ring_write(writers[next_random(random) % 2], record, size, NULL);
	}
	exact = malloc(room);
	e = channel_ring_read(readers[next_random(random) % 2], exact, room, &size, NULL);
	if (e == ERR_OK)
		assert_in_range(size, CHANNEL_OVERHEAD, room);
	free(exact);
	return e;
}

static void a_scribbling_host_gets_nothing_but_errors(void **state)
{
	uint32_t random = 3, failures = 0, fine = 0;
	struct pair p;

	(void)state;
	pair_init(&p, SMALL, false, 4);
	for (int i = 0; i < SCRIBBLES; i++) {
		enum err e;

		p.client.patience = p.device.patience = 2;
		if (next_random(&random) % 2)
			scribble(&p, &random);
		e = random_operation(&p, &random);
		assert_true(e == ERR_OK || e == ERR_TAMPERED || e == ERR_LIMIT);
		failures += e != ERR_OK;
		fine += e == ERR_OK;
		if (e != ERR_OK && next_random(&random) % 2) {
			pair_deinit(&p);
			pair_init(&p, SMALL, false, 4);
		}
	}
	assert_true(failures > SCRIBBLES / 100);
	assert_true(fine > SCRIBBLES / 100);
	pair_deinit(&p);
}

struct scribbler {
	struct pair *pair;
	int stop;
};

static void *scribble_on(void *arg)
{
	struct scribbler *s = arg;
	uint32_t random = 99;

	while (!__atomic_load_n(&s->stop, __ATOMIC_RELAXED))
		scribble(s->pair, &random);
	return NULL;
}

static void scribbling_at_the_same_time_changes_nothing(void **state)
{
	uint32_t random = 5;
	pthread_t thread;

	(void)state;
	for (int round = 0; round < 100; round++) {
		struct pair p;
		struct scribbler s = {.pair = &p};

		pair_init(&p, SMALL, false, 50);
		assert_int_equal(pthread_create(&thread, NULL, scribble_on, &s), 0);
		for (int i = 0; i < 50; i++) {
			enum err e;

			p.client.patience = p.device.patience = 20;
			e = random_operation(&p, &random);
			assert_true(e == ERR_OK || e == ERR_TAMPERED || e == ERR_LIMIT);
		}
		__atomic_store_n(&s.stop, 1, __ATOMIC_RELAXED);
		pthread_join(thread, NULL);
		pair_deinit(&p);
	}
}

static void pass_a_record(struct pair *p, uint32_t number)
{
	uint8_t record[CHANNEL_OVERHEAD + 100], got[sizeof(record)];
	size_t size;

	make_record(record, sizeof(record), number);
	assert_int_equal(channel_ring_write(&p->to_client_in, record, sizeof(record), NULL), ERR_OK);
	assert_int_equal(channel_ring_read(&p->to_client_out, got, sizeof(got), &size, NULL), ERR_OK);
	assert_true(size == sizeof(got) && is_record(got, size, number));
}

static void a_writer_leaves_its_cpu_to_the_reader(void **state)
{
	struct pair p;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	p.client.wait.cpu = p.device.wait.cpu = cpu_hook;
	p.client.at = p.device.at = 3;
	p.device.wait.part = part_hook;
	/* the reader says where it is once it reads */
	pass_a_record(&p, 1);
	assert_int_equal(p.device.unseen, 1);
	assert_int_equal(p.device.parted, 0);
	pass_a_record(&p, 2);
	assert_int_equal(p.device.parted, 1);
	assert_int_equal(p.device.at, 4);
	pass_a_record(&p, 3);
	assert_int_equal(p.device.parted, 1);
	/* it has followed */
	p.client.at = 4;
	pass_a_record(&p, 4);
	pass_a_record(&p, 5);
	assert_int_equal(p.device.parted, 2);
	assert_int_equal(p.device.unseen, 1);
	pair_deinit(&p);
}

static void an_end_says_at_once_where_it_runs(void **state)
{
	struct channel_ring_head *head;
	struct channel_ring_end end;
	struct pair p;

	(void)state;
	pair_init(&p, SMALL, false, 0);
	head = p.region;
	p.client.wait.cpu = cpu_hook;
	p.client.at = 7;
	assert_int_equal(channel_ring_reader_init(&end, p.region, &p.sizes, CHANNEL_TO_CLIENT,
						  &p.client.wait, NULL),
			 ERR_OK);
	assert_int_equal(le64toh(head->to_client.consumer_cpu), 7);
	pair_deinit(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_checked),
		cmocka_unit_test(records_of_all_sizes_arrive),
		cmocka_unit_test(two_threads_exchange_records),
		cmocka_unit_test(records_larger_than_the_ring_stream_through),
		cmocka_unit_test(sleeping_loses_no_wake_up),
		cmocka_unit_test(a_record_comes_back_each_time),
		cmocka_unit_test(what_comes_next_is_told),
		cmocka_unit_test(a_silent_peer_ends_the_waiting),
		cmocka_unit_test(the_last_words_of_a_peer_are_read),
		cmocka_unit_test(a_head_that_goes_back_is_refused),
		cmocka_unit_test(a_head_past_the_ring_is_refused),
		cmocka_unit_test(a_head_between_words_is_refused),
		cmocka_unit_test(a_tail_that_goes_back_is_refused),
		cmocka_unit_test(a_tail_past_the_head_is_refused),
		cmocka_unit_test(a_tail_between_words_is_refused),
		cmocka_unit_test(a_record_too_small_is_refused),
		cmocka_unit_test(a_record_too_large_is_refused),
		cmocka_unit_test(padding_that_is_not_zero_is_refused),
		cmocka_unit_test(a_dribbling_peer_is_endured),
		cmocka_unit_test(a_scribbling_host_gets_nothing_but_errors),
		cmocka_unit_test(scribbling_at_the_same_time_changes_nothing),
		cmocka_unit_test(a_writer_leaves_its_cpu_to_the_reader),
		cmocka_unit_test(an_end_says_at_once_where_it_runs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

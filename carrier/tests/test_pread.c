// SPDX-License-Identifier: MIT
/*
 * The pread carrier through a real FUSE mount, against a device in this process whose frames a
 * hostile host may alter: what is read is right or refused, and nobody waits for ever. Needs root
 * and /dev/fuse; says so and is skipped without.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checked.h"
#include "carrier/pread.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "channel/message.h"
#include "channel/read.h"
#include "device.h"
#include "mount.h"

enum {
	WORKERS_MAX = 64,
	KEPT_MAX = 64,
	SKIPPED = 77,
};
#define SECOND_NS 1000000000ull

/* ---- the host: a device in threads, and what it does to frames ---- */

struct kept {
	size_t size;
	uint8_t bytes[CHANNEL_FRAME_MAX];
};

struct worker {
	struct memdev_out out;
	pthread_t thread;
	int socket;
	struct guest_pages *pages;
};

struct host {
	struct mount mount;
	int listener, stop[2];
	pthread_t accepting;
	pthread_mutex_t lock; /* of what follows */
	struct worker *workers[WORKERS_MAX];
	unsigned int worker_count;
	/*
	 * What the host does to a frame from the device to the front: alters it in place, or takes it
	 * away (false). `bytes` has room for a whole frame.
	 */
	bool (*down)(enum channel_frame_kind kind, uint8_t *bytes, size_t *size);
	/* The same in the other direction. */
	bool (*up)(enum channel_frame_kind kind, uint8_t *bytes, size_t *size);
	/* For these two. */
	unsigned int seen;
	struct kept kept[KEPT_MAX];
	FILE *capture;
};

static struct host h;

static enum err worker_send(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			    size_t size, struct err_ctx *err)
{
	struct worker *w = (struct worker *)o;
	static __thread uint8_t buf[CHANNEL_FRAME_MAX];
	bool pass = true;

	memcpy(buf, bytes, size);
	pthread_mutex_lock(&h.lock);
	if (h.capture)
		fwrite(bytes, 1, size, h.capture);
	if (h.down)
		pass = h.down(kind, buf, &size);
	pthread_mutex_unlock(&h.lock);
	return pass ? carrier_frame_send(w->socket, kind, buf, size, -1, 0, err) : ERR_OK;
}

static enum err worker_open(struct worker *w, const struct carrier_frame *frame,
			    struct memdev_session_options *options, char vm[CHANNEL_VM_NAME_MAX + 1],
			    struct err_ctx *err)
{
	struct channel_refusal no = {.code = ERR_ABSENT, .text = "no VM is called so"};
	uint8_t refusal[CHANNEL_REFUSAL_MAX];
	struct channel_preamble p;
	enum err e = channel_preamble_decode(frame->payload, frame->size, &p, err);

	if (e)
		return e;
	strcpy(vm, p.vm);
	options->vm = vm;
	if (strncmp(vm, "no-", 3) != 0)
		return carrier_frame_send(w->socket, CHANNEL_FRAME_OPENED, NULL, 0, -1, 0, err);
	(void)!carrier_frame_send(w->socket, CHANNEL_FRAME_FAILED, refusal,
				  channel_refusal_encode(&no, refusal), -1, 0, err);
	return ERR_ABSENT;
}

static void *work(void *arg)
{
	struct worker *w = arg;
	struct carrier_frame *frame = malloc(sizeof(*frame));
	struct memdev_session_options options;
	char vm[CHANNEL_VM_NAME_MAX + 1];
	struct memdev_session *session = NULL;
	struct device_guest *guest;
	struct base_alloc alloc;
	enum err e = ERR_OK;

	base_alloc_init(&alloc, 64 << 20);
	w->out.frame = worker_send;
	guest = device_guest_create(&alloc, &w->pages);
	options = device_session_options(w->pages);
	while (!e) {
		bool pass = true;

		e = carrier_frame_receive(w->socket, 0, frame, NULL);
		if (e)
			break;
		pthread_mutex_lock(&h.lock);
		if (h.capture)
			fwrite(frame->bytes, 1, frame->size + CHANNEL_FRAME_HEADER_SIZE, h.capture);
		if (h.up)
			pass = h.up(frame->kind, frame->bytes + CHANNEL_FRAME_HEADER_SIZE,
				    &frame->size);
		pthread_mutex_unlock(&h.lock);
		if (!pass)
			break;
		if (frame->kind == CHANNEL_FRAME_OPEN && !session) {
			e = worker_open(w, frame, &options, vm, NULL);
			if (!e)
				e = memdev_session_create(&alloc, &options, &session, NULL);
		} else {
			e = memdev_session_frame(session, frame->kind, frame->payload, frame->size,
						 &w->out, NULL);
		}
	}
	memdev_session_destroy(session);
	device_guest_destroy(guest);
	free(frame);
	shutdown(w->socket, SHUT_RDWR);
	if (alloc.used)
		abort();
	return NULL;
}

static void *accept_workers(void *arg)
{
	(void)arg;
	for (;;) {
		int fd = accept4(h.listener, NULL, NULL, SOCK_CLOEXEC);
		struct worker *w;

		if (fd < 0)
			return NULL;
		w = calloc(1, sizeof(*w));
		if (!w)
			abort();
		w->socket = fd;
		pthread_mutex_lock(&h.lock);
		if (h.worker_count == WORKERS_MAX)
			abort();
		h.workers[h.worker_count++] = w;
		pthread_mutex_unlock(&h.lock);
		if (pthread_create(&w->thread, NULL, work, w))
			abort();
	}
}

static void moment(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
}

static void host_start(const struct front_options *o)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};

	memset(&h, 0, sizeof(h));
	pthread_mutex_init(&h.lock, NULL);
	mount_prepare(&h.mount);
	snprintf(at.sun_path, sizeof(at.sun_path), "%s", h.mount.socket);
	h.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(h.listener, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(h.listener, 64), 0);
	(void)device_client_options(CARRIER_FRAMES); /* makes the keys, while there is one thread */
	mount_start(&h.mount, o);
	assert_int_equal(pthread_create(&h.accepting, NULL, accept_workers, NULL), 0);
}

/* What the host does from now on. */
static void host_does(bool (*down)(enum channel_frame_kind, uint8_t *, size_t *),
		      bool (*up)(enum channel_frame_kind, uint8_t *, size_t *))
{
	pthread_mutex_lock(&h.lock);
	h.down = down;
	h.up = up;
	h.seen = 0;
	pthread_mutex_unlock(&h.lock);
}

static void host_counts_from(unsigned int n)
{
	pthread_mutex_lock(&h.lock);
	h.seen = n;
	pthread_mutex_unlock(&h.lock);
}

static int set_up(void **state)
{
	(void)state;
	host_start(NULL);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	host_does(NULL, NULL);
	if (h.mount.front)
		assert_int_equal(mount_end(&h.mount), 0);
	assert_false(mount_is_there(&h.mount));
	shutdown(h.listener, SHUT_RDWR);
	pthread_join(h.accepting, NULL);
	close(h.listener);
	for (unsigned int i = 0; i < h.worker_count; i++) {
		shutdown(h.workers[i]->socket, SHUT_RDWR);
		pthread_join(h.workers[i]->thread, NULL);
		close(h.workers[i]->socket);
		free(h.workers[i]);
	}
	mount_remove(&h.mount);
	return 0;
}

/* ---- the client ---- */

struct client {
	struct base_alloc alloc;
	struct carrier_pread *carrier;
	struct guest_pages *pages;
};

static struct carrier_pread_options client_options(enum carrier_pread_way way)
{
	return (struct carrier_pread_options){
		.session = device_client_options(CARRIER_FRAMES).session, .way = way};
}

static enum err client_try(struct client *c, const struct carrier_pread_options *o,
			   struct err_ctx *err)
{
	enum err e;

	memset(c, 0, sizeof(*c));
	base_alloc_init(&c->alloc, 64 << 20);
	e = carrier_pread_open(&c->alloc, h.mount.directory, o, &c->carrier, err);
	if (e)
		return e;
	c->pages = device_client_pages_over(&c->alloc, carrier_pread_sealed(c->carrier),
					    carrier_pread_accept(c->carrier)->generation);
	return ERR_OK;
}

static void client_open(struct client *c, enum carrier_pread_way way)
{
	struct carrier_pread_options o = client_options(way);
	struct err_ctx err = {0};

	if (client_try(c, &o, &err) != ERR_OK)
		fail_msg("%s", err.text);
}

static void client_close(struct client *c)
{
	guest_pages_destroy(c->pages);
	carrier_pread_close(c->carrier);
	assert_int_equal(c->alloc.used, 0);
}

static enum err read_some(struct client *c, unsigned int first, unsigned int count,
			  struct err_ctx *err)
{
	return device_client_read(c->pages, first, count, err);
}

/* ---- an honest host ---- */

static void read_everything(enum carrier_pread_way way)
{
	struct client c;

	client_open(&c, way);
	assert_int_equal(carrier_pread_accept(c.carrier)->generation, DEVICE_GENERATION);
	for (unsigned int i = 0; i < 100; i++)
		assert_int_equal(read_some(&c, i * 3, 1, NULL), ERR_OK);
	assert_int_equal(read_some(&c, 5, 64, NULL), ERR_OK);
	assert_int_equal(read_some(&c, 0, DEVICE_PAGES, NULL), ERR_OK);
	client_close(&c);
}

static void addresses_bring_pages(void **state)
{
	(void)state;
	read_everything(CARRIER_PREAD_ADDRESSES);
}

static void sealed_requests_bring_pages(void **state)
{
	(void)state;
	read_everything(CARRIER_PREAD_REQUESTS);
}

static void neighbours_come_in_one_pread(void **state)
{
	struct carrier_pread_stats before, after;
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 0, 1, NULL), ERR_OK);
	before = carrier_pread_stats(c.carrier);
	assert_int_equal(read_some(&c, 100, 60, NULL), ERR_OK);
	after = carrier_pread_stats(c.carrier);
	assert_in_range(after.preads - before.preads, 4, 5);
	assert_int_equal(after.opens - before.opens, 1);
	client_close(&c);
}

static void what_is_not_there_is_said(void **state)
{
	struct client c;
	const void *page;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(guest_pages_epoch(c.pages, NULL), ERR_OK);
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL,
					  (struct gva){DEVICE_VA - GUEST_PAGE_SIZE}, &page),
			 ERR_UNMAPPED);
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL, (struct gva){0}, &page),
			 ERR_UNMAPPED);
	/* the last page of all, and what no file offset stands for */
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL,
					  (struct gva){0 - (uint64_t)GUEST_PAGE_SIZE}, &page),
			 ERR_UNMAPPED);
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL,
					  (struct gva){0x4000000000000000}, &page),
			 ERR_UNMAPPED);
	assert_int_equal(guest_pages_page(c.pages, (struct guest_space){0x1000},
					  (struct gva){0x400000}, &page),
			 ERR_NOPHYS);
	assert_int_equal(read_some(&c, 7, 1, NULL), ERR_OK);
	client_close(&c);
}

static void lists_are_chased_by_sealed_requests(void **state)
{
	struct guest_chain chain = {.first = {DEVICE_VA + 64}, .after = 16, .bound = 100};
	struct sealed_stats stats;
	struct client c;
	uint64_t node[2];

	(void)state;
	client_open(&c, CARRIER_PREAD_REQUESTS);
	for (unsigned int i = 0; i < 50; i++) {
		uint64_t next = i == 49 ? 0 : DEVICE_VA + (i + 1) * 3 * GUEST_PAGE_SIZE + 64;
		const void *at;

		pthread_mutex_lock(&h.lock);
		assert_int_equal(guest_pages_page(h.workers[0]->pages, GUEST_SPACE_KERNEL,
						  (struct gva){DEVICE_VA + i * 3 * GUEST_PAGE_SIZE},
						  &at),
				 ERR_OK);
		memcpy((char *)at + 64, &next, sizeof(next));
		pthread_mutex_unlock(&h.lock);
	}
	assert_int_equal(guest_pages_epoch(c.pages, NULL), ERR_OK);
	guest_pages_chase(c.pages, &chain);
	for (unsigned int i = 0; i < 50; i++) {
		struct gva at = {DEVICE_VA + i * 3 * GUEST_PAGE_SIZE + 64};

		assert_int_equal(guest_pages_read(c.pages, GUEST_SPACE_KERNEL, at, node,
						  sizeof(node)),
				 ERR_OK);
		assert_int_equal(node[0], i == 49 ? 0 : at.v + 3 * GUEST_PAGE_SIZE);
	}
	stats = sealed_pages_stats(c.pages);
	assert_int_equal(stats.round_trips, 1);
	client_close(&c);
}

static void a_new_epoch_sees_what_changed(void **state)
{
	struct gva at = {DEVICE_VA + 9 * GUEST_PAGE_SIZE};
	struct client c;
	const void *page, *theirs;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 9, 1, NULL), ERR_OK);
	pthread_mutex_lock(&h.lock);
	assert_int_equal(guest_pages_page(h.workers[0]->pages, GUEST_SPACE_KERNEL, at, &theirs),
			 ERR_OK);
	memcpy((char *)theirs, "changed", 8);
	pthread_mutex_unlock(&h.lock);
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL, at, &page), ERR_OK);
	assert_string_not_equal(page, "changed");
	assert_int_equal(guest_pages_epoch(c.pages, NULL), ERR_OK);
	assert_int_equal(guest_pages_page(c.pages, GUEST_SPACE_KERNEL, at, &page), ERR_OK);
	assert_string_equal(page, "changed");
	client_close(&c);
}

static void sessions_stand_side_by_side(void **state)
{
	struct client c[8];

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(c); i++)
		client_open(&c[i], i % 2 ? CARRIER_PREAD_ADDRESSES : CARRIER_PREAD_REQUESTS);
	for (unsigned int n = 0; n < 20; n++) {
		for (size_t i = 0; i < BASE_COUNT(c); i++)
			assert_int_equal(read_some(&c[i], n * 7 + (unsigned int)i, 20, NULL), ERR_OK);
	}
	for (size_t i = 0; i < BASE_COUNT(c); i++)
		client_close(&c[i]);
}

/* A container with short names: hello, evidence and requests each take many. */
static void messages_come_in_pieces(void **state)
{
	const uint32_t sizes[] = {32, 33, 64, 255};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(sizes); i++) {
		struct carrier_pread_options o = client_options(CARRIER_PREAD_REQUESTS);
		struct client c;

		o.name_max = sizes[i];
		assert_int_equal(client_try(&c, &o, NULL), ERR_OK);
		assert_int_equal(read_some(&c, 0, 30, NULL), ERR_OK);
		assert_int_equal(read_some(&c, 50, 3, NULL), ERR_OK);
		client_close(&c);
	}
}

static void long_names_of_vms_are_fine(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	char vm[CHANNEL_VM_NAME_MAX + 1];
	struct client c;

	(void)state;
	memset(vm, 'v', sizeof(vm) - 1);
	vm[sizeof(vm) - 1] = '\0';
	o.session.vm = vm;
	o.name_max = 255;
	assert_int_equal(client_try(&c, &o, NULL), ERR_OK);
	assert_int_equal(read_some(&c, 0, 30, NULL), ERR_OK);
	client_close(&c);
}

static void why_not_is_told(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	o.session.vm = "no-such";
	assert_int_equal(client_try(&c, &o, &err), ERR_ABSENT);
	assert_string_equal(err.text, "the device's host says: no VM is called so");
	assert_int_equal(c.alloc.used, 0);
}

static void no_device_is_told(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	assert_int_equal(rename(h.mount.socket, h.mount.base), -1);
	assert_int_equal(unlink(h.mount.socket), 0);
	assert_int_equal(client_try(&c, &o, &err), ERR_GONE);
	assert_non_null(strstr(err.text, "the device's host says: can't reach the memory device at"));
}

static void no_mount_is_told(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct err_ctx err = {0};
	char expected[200];
	struct client c;

	(void)state;
	assert_int_equal(mount_end(&h.mount), 0);
	assert_int_equal(client_try(&c, &o, &err), ERR_ABSENT);
	snprintf(expected, sizeof(expected),
		 "no memory device serves %s/%s: is its file system mounted there?", h.mount.directory, DEVICE_VM);
	assert_string_equal(err.text, expected);
}

/* ---- a client by hand: many threads on one session ---- */

struct reader {
	pthread_t thread;
	pthread_mutex_t *lock;
	struct sealed_session *session;
	const char *path;
	uint64_t epoch;
	unsigned int from, good;
};

static void *read_pages(void *arg)
{
	struct reader *r = arg;
	static __thread uint8_t record[CHANNEL_BYTES_OVERHEAD + 4 * GUEST_PAGE_SIZE];
	int fd = open(r->path, O_RDONLY | O_CLOEXEC);

	for (unsigned int n = 0; n < 200; n++) {
		unsigned int number = (r->from * 31 + n * 7) % (DEVICE_PAGES - 4);
		struct channel_bound question = {.address = DEVICE_VA + number * GUEST_PAGE_SIZE,
						 .length = (1 + n % 4) * GUEST_PAGE_SIZE,
						 .epoch = r->epoch};
		uint8_t expected[GUEST_PAGE_SIZE];
		struct channel_bytes head;
		const uint8_t *data;
		const void *plain;
		uint64_t offset;
		size_t size;
		enum err e;

		(void)channel_offset_of(question.address, &offset);
		size = CHANNEL_BYTES_OVERHEAD + question.length;
		if (pread(fd, record, size, (off_t)offset) != (ssize_t)size)
			break;
		pthread_mutex_lock(r->lock);
		e = sealed_session_open_record(r->session, record, size, CHANNEL_BYTES, &question,
					       &plain, &size, NULL);
		pthread_mutex_unlock(r->lock);
		if (e || channel_bytes_decode(plain, size, &question, &head, &data, NULL))
			break;
		device_fill_page(number, expected);
		if (memcmp(data, expected, sizeof(expected)) != 0)
			break;
		r->good++;
	}
	close(fd);
	return NULL;
}

/* Opens what the session's directory is called in the carrier's private part: by its own path. */
static void many_threads_read_at_once(void **state)
{
	struct reader readers[8];
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	struct client c;
	char path[512];

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	snprintf(path, sizeof(path), "%s%016llx", carrier_pread_path(c.carrier), 0x1234ull);
	for (unsigned int i = 0; i < BASE_COUNT(readers); i++) {
		readers[i] = (struct reader){.lock = &lock,
					     .session = carrier_pread_session(c.carrier),
					     .path = path,
					     .epoch = 0x1234,
					     .from = i};
		assert_int_equal(pthread_create(&readers[i].thread, NULL, read_pages, &readers[i]),
				 0);
	}
	for (unsigned int i = 0; i < BASE_COUNT(readers); i++) {
		pthread_join(readers[i].thread, NULL);
		assert_int_equal(readers[i].good, 200);
	}
	assert_int_equal(read_some(&c, 0, 100, NULL), ERR_OK);
	client_close(&c);
}

/* The published design: each object by its own pread, at the moment it is used. */
static void objects_are_read_one_by_one(void **state)
{
	struct guest_pages *objects;
	uint8_t expected[GUEST_PAGE_SIZE], got[8000];
	struct carrier_pread_stats before, after;
	const void *page;
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(carrier_pread_objects(c.carrier, &objects, NULL), ERR_OK);
	assert_int_equal(guest_pages_epoch(objects, NULL), ERR_OK);
	device_fill_page(3, expected);
	assert_int_equal(guest_pages_read(objects, GUEST_SPACE_KERNEL,
					  (struct gva){DEVICE_VA + 3 * GUEST_PAGE_SIZE}, got, 8),
			 ERR_OK);
	before = carrier_pread_stats(c.carrier);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(guest_pages_read(objects, GUEST_SPACE_KERNEL,
						  (struct gva){DEVICE_VA + 3 * GUEST_PAGE_SIZE + 8},
						  got, 200),
				 ERR_OK);
		assert_memory_equal(got, expected + 8, 200);
	}
	after = carrier_pread_stats(c.carrier);
	assert_int_equal(after.preads - before.preads, 10);
	assert_int_equal(after.bytes - before.bytes, 10 * (CHANNEL_BYTES_OVERHEAD + 200));
	/* across pages, in one */
	assert_int_equal(guest_pages_read(objects, GUEST_SPACE_KERNEL,
					  (struct gva){DEVICE_VA + 2 * GUEST_PAGE_SIZE + 1000}, got,
					  sizeof(got)),
			 ERR_OK);
	assert_memory_equal(got + GUEST_PAGE_SIZE - 1000, expected, GUEST_PAGE_SIZE);
	assert_int_equal(guest_pages_read(objects, GUEST_SPACE_KERNEL,
					  (struct gva){DEVICE_VA - 4}, got, 8),
			 ERR_UNMAPPED);
	assert_int_equal(guest_pages_page(objects, GUEST_SPACE_KERNEL,
					  (struct gva){DEVICE_VA + 3 * GUEST_PAGE_SIZE + 5}, &page),
			 ERR_OK);
	assert_memory_equal(page, expected, sizeof(expected));
	guest_pages_destroy(objects);
	client_close(&c);
}

/* ---- a hostile host: each ends in an error, never in data ---- */

static bool flip_answer(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	(void)size;
	if (kind == CHANNEL_FRAME_RECORD)
		bytes[h.seen] ^= 1;
	return true;
}

static void flipped_bytes_are_refused(void **state)
{
	const unsigned int places[] = {0, 4, 6, 8, 16, 23, 24, 40, 100, 4000};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(places); i++) {
		struct err_ctx err = {0};
		struct client c;

		client_open(&c, CARRIER_PREAD_ADDRESSES);
		host_does(flip_answer, NULL);
		host_counts_from(places[i]);
		assert_int_equal(read_some(&c, 3, 1, &err), ERR_TAMPERED);
		host_does(NULL, NULL);
		/* and the session stays over */
		assert_int_equal(read_some(&c, 3, 1, &err), ERR_TAMPERED);
		client_close(&c);
	}
}

static bool cut_answer(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	(void)bytes;
	if (kind == CHANNEL_FRAME_RECORD)
		*size = *size * h.seen / 8;
	return true;
}

static void truncated_answers_are_refused(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		struct client c;

		client_open(&c, CARRIER_PREAD_ADDRESSES);
		host_does(cut_answer, NULL);
		host_counts_from(i);
		assert_int_equal(read_some(&c, 3, 20, NULL), ERR_TAMPERED);
		host_does(NULL, NULL);
		client_close(&c);
	}
}

static bool keep_answer(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	if (kind == CHANNEL_FRAME_RECORD && h.seen < KEPT_MAX) {
		h.kept[h.seen].size = *size;
		memcpy(h.kept[h.seen++].bytes, bytes, *size);
	}
	return true;
}

/* Answers with what was kept first, whatever was asked. */
static bool replay_answer(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	if (kind == CHANNEL_FRAME_RECORD) {
		*size = h.kept[h.seen].size;
		memcpy(bytes, h.kept[h.seen].bytes, *size);
	}
	return true;
}

static void answers_of_an_old_epoch_are_refused(void **state)
{
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(keep_answer, NULL);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_OK);
	host_does(replay_answer, NULL);
	assert_int_equal(read_some(&c, 3, 1, &err), ERR_TAMPERED);
	client_close(&c);
}

/* The host asks under an epoch of its own choice, so that it had the answer long before. */
static bool swap_epoch(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	struct channel_bound r;

	if (kind == CHANNEL_FRAME_READ && channel_read_decode(bytes, *size, &r, NULL) == ERR_OK) {
		r.epoch--;
		channel_read_encode(&r, bytes);
	}
	return true;
}

static void answers_made_for_another_epoch_are_refused(void **state)
{
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(NULL, swap_epoch);
	assert_int_equal(read_some(&c, 0, 1, &err), ERR_TAMPERED);
	assert_non_null(strstr(err.text, "authentication"));
	client_close(&c);
}

static bool swap_address(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	struct channel_bound r;

	if (kind == CHANNEL_FRAME_READ && channel_read_decode(bytes, *size, &r, NULL) == ERR_OK) {
		r.address += GUEST_PAGE_SIZE;
		channel_read_encode(&r, bytes);
	}
	return true;
}

static void answers_to_another_address_are_refused(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(NULL, swap_address);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_TAMPERED);
	client_close(&c);
}

static bool swap_space(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	struct channel_bound r;

	if (kind == CHANNEL_FRAME_READ && channel_read_decode(bytes, *size, &r, NULL) == ERR_OK) {
		r.space = 0x2000;
		channel_read_encode(&r, bytes);
	}
	return true;
}

static void answers_of_another_space_are_refused(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(NULL, swap_space);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_TAMPERED);
	client_close(&c);
}

static bool ask_for_less(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	struct channel_bound r;

	if (kind == CHANNEL_FRAME_READ && channel_read_decode(bytes, *size, &r, NULL) == ERR_OK) {
		r.length -= 1;
		channel_read_encode(&r, bytes);
	}
	return true;
}

static void answers_of_another_length_are_refused(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(NULL, ask_for_less);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_TAMPERED);
	client_close(&c);
}

static void answers_of_another_session_are_refused(void **state)
{
	struct client a, b;

	(void)state;
	client_open(&a, CARRIER_PREAD_ADDRESSES);
	client_open(&b, CARRIER_PREAD_ADDRESSES);
	host_does(keep_answer, NULL);
	assert_int_equal(read_some(&a, 3, 1, NULL), ERR_OK);
	host_does(replay_answer, NULL);
	assert_int_equal(read_some(&b, 3, 1, NULL), ERR_TAMPERED);
	host_does(NULL, NULL);
	assert_int_equal(read_some(&a, 3, 1, NULL), ERR_OK);
	client_close(&a);
	client_close(&b);
}

static void replayed_records_of_a_request_are_refused(void **state)
{
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_REQUESTS);
	host_does(keep_answer, NULL);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_OK);
	host_does(replay_answer, NULL);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_TAMPERED);
	client_close(&c);
}

static bool flip_request(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	if (kind == CHANNEL_FRAME_RECORD)
		bytes[*size / 2] ^= 4;
	return true;
}

static void altered_requests_end_the_session(void **state)
{
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_REQUESTS);
	host_does(NULL, flip_request);
	assert_int_not_equal(read_some(&c, 3, 1, &err), ERR_OK);
	client_close(&c);
}

static bool answer_of_before(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	if (kind == CHANNEL_FRAME_ANSWER && h.kept[0].size) {
		*size = h.kept[0].size;
		memcpy(bytes, h.kept[0].bytes, *size);
	} else if (kind == CHANNEL_FRAME_ANSWER) {
		h.kept[0].size = *size;
		memcpy(h.kept[0].bytes, bytes, *size);
	}
	return true;
}

static void a_handshake_of_before_is_refused(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct client a, b;

	(void)state;
	host_does(answer_of_before, NULL);
	client_open(&a, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(client_try(&b, &o, NULL), ERR_TAMPERED);
	assert_int_equal(b.alloc.used, 0);
	client_close(&a);
}

static bool hello_of_before(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	return kind == CHANNEL_FRAME_HELLO ? answer_of_before(CHANNEL_FRAME_ANSWER, bytes, size) :
					     true;
}

/* The device answers a repeated hello, but nobody has its keys. */
static void a_repeated_hello_brings_nothing(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct client a, b;

	(void)state;
	host_does(NULL, hello_of_before);
	client_open(&a, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(client_try(&b, &o, NULL), ERR_TAMPERED);
	client_close(&a);
}

static void planted_strings_never_cross(void **state)
{
	static const enum carrier_pread_way ways[] = {CARRIER_PREAD_ADDRESSES,
						      CARRIER_PREAD_REQUESTS};
	struct err_ctx err = {0};
	char *bytes = NULL;
	size_t size = 0;

	(void)state;
	pthread_mutex_lock(&h.lock);
	h.capture = open_memstream(&bytes, &size);
	pthread_mutex_unlock(&h.lock);
	for (size_t i = 0; i < BASE_COUNT(ways); i++) {
		struct client c;

		client_open(&c, ways[i]);
		if (read_some(&c, 0, 7 * DEVICE_STRINGS, &err)) fail_msg("%s", err.text);
		client_close(&c);
	}
	pthread_mutex_lock(&h.lock);
	fclose(h.capture);
	h.capture = NULL;
	pthread_mutex_unlock(&h.lock);
	assert_true(size > 2 * 7 * DEVICE_STRINGS * GUEST_PAGE_SIZE);
	for (unsigned int i = 0; i < DEVICE_STRINGS; i++)
		assert_null(memmem(bytes, size, device_string(i), DEVICE_STRING_SIZE));
	free(bytes);
}

/* ---- who doesn't answer, and who goes away ---- */

/* The worker's end. */
static bool hang_up(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	(void)bytes, (void)size;
	return kind != CHANNEL_FRAME_READ;
}

static void a_worker_that_dies_ends_reads_at_once(void **state)
{
	struct err_ctx err = {0};
	uint64_t begun;
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(NULL, hang_up);
	begun = carrier_now();
	assert_int_equal(read_some(&c, 3, 1, &err), ERR_GONE);
	assert_true(carrier_now() - begun < 8 * SECOND_NS);
	assert_string_equal(err.text,
			    "the device's host says: the device's worker for this session ended");
	client_close(&c);
	host_does(NULL, NULL);
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_OK);
	client_close(&c);
}

static bool swallow(enum channel_frame_kind kind, uint8_t *bytes, size_t *size)
{
	(void)bytes, (void)size;
	return kind != CHANNEL_FRAME_RECORD;
}

static int set_up_impatient(void **state)
{
	struct front_options o = {.answer_s = 4};

	(void)state;
	host_start(&o);
	return 0;
}

static int set_up_idle(void **state)
{
	struct front_options o = {.idle_s = 6};

	(void)state;
	host_start(&o);
	return 0;
}

static int set_up_few(void **state)
{
	struct front_options o = {.sessions_per_vm = 3};

	(void)state;
	host_start(&o);
	return 0;
}

static void a_device_that_is_silent_is_given_up(void **state)
{
	struct err_ctx err = {0};
	uint64_t begun;
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(swallow, NULL);
	begun = carrier_now();
	assert_int_equal(read_some(&c, 3, 1, &err), ERR_GONE);
	assert_true(carrier_now() - begun < 60 * SECOND_NS);
	assert_string_equal(err.text, "the device's host says: the device doesn't answer");
	client_close(&c);
}

/* Even while the device is silent a reader can be killed. */
static void waiting_readers_can_be_killed(void **state)
{
	struct client c;
	uint64_t begun;
	pid_t pid;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	host_does(swallow, NULL);
	pid = fork();
	if (pid == 0) {
		char path[512], buf[1000];
		int fd;

		snprintf(path, sizeof(path), "%s%016llx", carrier_pread_path(c.carrier), 1ull);
		fd = open(path, O_RDONLY);
		(void)!pread(fd, buf, sizeof(buf), 4096);
		_exit(0);
	}
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	begun = carrier_now();
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(carrier_now() - begun < 3 * SECOND_NS);
	client_close(&c);
}

static void idle_sessions_end(void **state)
{
	struct err_ctx err = {0};
	struct client c;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 3, 1, NULL), ERR_OK);
	nanosleep(&(struct timespec){.tv_sec = 9}, NULL);
	assert_int_equal(read_some(&c, 3, 1, &err), ERR_GONE);
	assert_string_equal(err.text, "the device's host says: it wasn't used for too long");
	client_close(&c);
}

static void sessions_of_a_vm_are_counted(void **state)
{
	struct carrier_pread_options o = client_options(CARRIER_PREAD_ADDRESSES);
	struct err_ctx err = {0};
	struct client c[4];

	(void)state;
	for (int i = 0; i < 3; i++)
		client_open(&c[i], CARRIER_PREAD_ADDRESSES);
	assert_int_equal(client_try(&c[3], &o, &err), ERR_LIMIT);
	assert_string_equal(err.text,
			    "the device's host says: this VM has 3 sessions over pread already");
	/* another VM has its own, and closing is enough to make room */
	o.session.vm = "web-2";
	assert_int_equal(client_try(&c[3], &o, NULL), ERR_OK);
	client_close(&c[3]);
	client_close(&c[0]);
	o = client_options(CARRIER_PREAD_ADDRESSES);
	for (int tries = 0; tries < 2000 && client_try(&c[0], &o, &err) != ERR_OK; tries++) {
		err_clear(&err);
		moment();
	}
	assert_int_equal(read_some(&c[0], 3, 1, NULL), ERR_OK);
	for (int i = 0; i < 3; i++)
		client_close(&c[i]);
}

/* Descriptors of the device's end: one a session, none when their clients are gone. */
static void clients_that_die_leave_nothing(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			struct client c;

			client_open(&c, CARRIER_PREAD_ADDRESSES);
			(void)!read_some(&c, 0, 10, NULL);
			kill(getpid(), SIGKILL);
		}
		assert_int_equal(waitpid(pid, NULL, 0), pid);
	}
	pthread_mutex_lock(&h.lock);
	assert_int_equal(h.worker_count, 10);
	pthread_mutex_unlock(&h.lock);
	/* each worker sees its hang-up */
	for (unsigned int i = 0; i < h.worker_count; i++)
		pthread_join(h.workers[i]->thread, NULL);
	for (unsigned int i = 0; i < h.worker_count; i++) {
		close(h.workers[i]->socket);
		free(h.workers[i]);
	}
	h.worker_count = 0;
}

/* ---- names, permissions ---- */

static __attribute__((format(printf, 1, 2))) int open_errno(const char *format, ...)
{
	char path[8192];
	va_list args;
	int used = snprintf(path, sizeof(path), "%s/", h.mount.directory), fd;

	va_start(args, format);
	vsnprintf(path + used, sizeof(path) - (size_t)used, format, args);
	va_end(args);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	return fd >= 0 ? 0 : errno;
}

static void names_that_are_none_are_refused(void **state)
{
	static const char key[] = "000102030405060708090a0b0c0d0e0f";
	char longest[1001], vm[300];

	(void)state;
	memset(longest, 'A', sizeof(longest));
	longest[1000] = '\0';
	memset(vm, 'v', sizeof(vm));
	vm[256] = '\0';
	assert_int_equal(open_errno("%s/x", vm), ENOENT);
	assert_int_equal(open_errno("v\nm/x"), ENOENT);
	assert_int_equal(open_errno("\xff/x"), ENOENT);
	assert_int_equal(open_errno("vm/x"), ENOENT);
	assert_int_equal(open_errno("vm/%.31s/hello", key), ENOENT);
	assert_int_equal(open_errno("vm/%s0/hello", key), ENOENT);
	assert_int_equal(open_errno("vm/000102030405060708090A0b0c0d0e0f/hello"), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello", key), 0); /* a directory */
	assert_int_equal(open_errno("vm/%s/nothing", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/0123456789abcdef", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/", key), 0);
	assert_int_equal(open_errno("vm/%s/hello/AAAA", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/0.AAAA", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/0.3.AAA=", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/00.3.AAAA", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/0.2.AAAA", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/0.99999999999.AAAA", key), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/%s", key, longest), ENOENT);
	assert_int_equal(open_errno("vm/%s/hello/%sA", key, longest), ENAMETOOLONG);
	/* well-formed, but nonsense: no first piece, no hello of this session, a record before it */
	assert_int_equal(open_errno("vm/%s/hello/3.48.AAAA", key), EINVAL);
	assert_int_equal(open_errno("vm/%s/hello/0.3.AAAA", key), EINVAL);
	assert_int_equal(open_errno("vm/%s/record/0.3.AAAA", key), ENOTCONN);
	assert_int_equal(open_errno("vm/%s/error", key), 0);
	assert_int_equal(open_errno("vm/%s/error/x", key), ENOTDIR);
	/* nothing of it is listed, nothing can be made */
	assert_int_equal(mkdir(h.mount.directory, 0700), -1);
	assert_int_equal(open_errno("."), 0);
}

static void reads_that_are_none_are_refused(void **state)
{
	static char buf[600000];
	struct client c;
	char path[512];
	int fd;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	snprintf(path, sizeof(path), "%s%016llx", carrier_pread_path(c.carrier), 1ull);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	for (size_t size = 1; size <= CHANNEL_BYTES_OVERHEAD; size++)
		assert_int_equal(pread(fd, buf, size, 0), -1);
	assert_int_equal(errno, EINVAL);
	assert_int_equal(pread(fd, buf, CHANNEL_BYTES_OVERHEAD + CHANNEL_BYTES_MAX + 1, 0), -1);
	assert_int_equal(pread(fd, buf, 600000, 0), -1);
	assert_int_equal(pread(fd, buf, CHANNEL_BYTES_OVERHEAD + 1, 0), CHANNEL_BYTES_OVERHEAD + 1);
	/* as much as there can be, in one piece though the buffer isn't aligned */
	assert_int_equal(pread(fd, buf + 1, CHANNEL_RECORD_MAX, 0), CHANNEL_RECORD_MAX);
	assert_int_equal(read_some(&c, 0, 5, NULL), ERR_OK);
	close(fd);
	client_close(&c);
}

/* As nobody: 0 or an errno. */
static int open_as_nobody(const char *path)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		int fd;

		if (setresgid(65534, 65534, 65534) || setresuid(65534, 65534, 65534))
			_exit(255);
		fd = open(path, O_RDONLY);
		_exit(fd >= 0 ? 0 : errno);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void sessions_are_their_owners(void **state)
{
	struct client c;
	char path[512];

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	snprintf(path, sizeof(path), "%s%016llx", carrier_pread_path(c.carrier), 1ull);
	assert_int_equal(open_as_nobody(path), EACCES);
	snprintf(path, sizeof(path), "%serror", carrier_pread_path(c.carrier));
	assert_int_equal(open_as_nobody(path), EACCES);
	snprintf(path, sizeof(path), "%s/vm/000102030405060708090a0b0c0d0e0f/error", h.mount.directory);
	assert_int_equal(open_as_nobody(path), 0);
	client_close(&c);
}

static void the_directorys_permissions_stay(void **state)
{
	char path[512];
	struct stat st;

	(void)state;
	assert_int_equal(mount_end(&h.mount), 0);
	assert_int_equal(chmod(h.mount.directory, 0710), 0);
	mount_start(&h.mount, NULL);
	assert_int_equal(stat(h.mount.directory, &st), 0);
	assert_int_equal(st.st_mode, S_IFDIR | 0710);
	snprintf(path, sizeof(path), "%s/vm", h.mount.directory);
	assert_int_equal(open_as_nobody(path), EACCES);
}

/* ---- mounting and unmounting ---- */

static void a_mount_is_not_taken_over(void **state)
{
	struct front_options o = {.directory = h.mount.directory, .socket = h.mount.socket};
	struct err_ctx err = {0};
	char nowhere[128];

	(void)state;
	assert_int_equal(front_run(&o, &err), ERR_INVAL);
	assert_non_null(strstr(err.text, "another scwatcherd serves"));
	err_clear(&err);
	snprintf(nowhere, sizeof(nowhere), "%s/nowhere", h.mount.base);
	o.directory = nowhere;
	assert_int_equal(front_run(&o, &err), ERR_ABSENT);
	err_clear(&err);
	o.directory = "/proc/self/status";
	assert_int_equal(front_run(&o, &err), ERR_ABSENT);
}

static pid_t child_of(pid_t parent)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	pid_t found = 0;

	while (proc && !found && (entry = readdir(proc))) {
		char path[64], text[512] = "", *after;
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%.20s/stat", entry->d_name);
		f = entry->d_name[0] >= '1' && entry->d_name[0] <= '9' ? fopen(path, "r") : NULL;
		if (!f)
			continue;
		if (!fgets(text, sizeof(text), f))
			text[0] = '\0';
		fclose(f);
		/* PID (comm) state PPID */
		after = strrchr(text, ')');
		if (after && strlen(after) > 4 && atoi(after + 4) == parent)
			found = atoi(text);
	}
	if (proc)
		closedir(proc);
	return found;
}

/* The process that serves; its parent stays. It is started once the mount is there. */
static pid_t server_of(pid_t parent)
{
	pid_t found = 0;

	for (int i = 0; i < 1000 && !found; i++) {
		found = child_of(parent);
		if (!found)
			moment();
	}
	assert_true(found > 1);
	return found;
}

static void a_crashed_server_is_unmounted(void **state)
{
	struct client c;
	pid_t server = server_of(h.mount.front);
	int status;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(h.mount.front, &status, 0), h.mount.front);
	h.mount.front = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	assert_false(mount_is_there(&h.mount));
	assert_int_equal(read_some(&c, 0, 1, NULL), ERR_GONE);
	client_close(&c);
}

static void a_mount_left_behind_is_removed(void **state)
{
	pid_t server = server_of(h.mount.front);
	struct statvfs st;
	struct client c;

	(void)state;
	kill(h.mount.front, SIGKILL);
	kill(server, SIGKILL);
	assert_int_equal(waitpid(h.mount.front, NULL, 0), h.mount.front);
	for (int i = 0; i < 1000 && statvfs(h.mount.directory, &st) == 0; i++)
		moment();
	assert_int_equal(statvfs(h.mount.directory, &st), -1);
	assert_int_equal(errno, ENOTCONN);
	mount_start(&h.mount, NULL);
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 0, 50, NULL), ERR_OK);
	client_close(&c);
}

/* As when a device is killed and started again at once. */
static void a_mount_that_is_about_to_go_is_waited_for(void **state)
{
	pid_t going = h.mount.front;
	struct statvfs st;
	struct client c;

	(void)state;
	mount_start(&h.mount, NULL); /* sees the other one's */
	nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
	kill(going, SIGTERM);
	assert_int_equal(waitpid(going, NULL, 0), going);
	for (int i = 0; i < 2500 && (!mount_is_there(&h.mount) || statvfs(h.mount.directory, &st)); i++)
		moment();
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 0, 50, NULL), ERR_OK);
	client_close(&c);
}

/* Somebody else's umount(8) isn't undone, and isn't hidden. */
static void unmounting_ends_the_server(void **state)
{
	int status;

	(void)state;
	assert_int_equal(umount2(h.mount.directory, MNT_DETACH), 0);
	assert_int_equal(waitpid(h.mount.front, &status, 0), h.mount.front);
	h.mount.front = 0;
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void a_fork_has_no_session(void **state)
{
	struct client c;
	int status;
	pid_t pid;

	(void)state;
	client_open(&c, CARRIER_PREAD_ADDRESSES);
	assert_int_equal(read_some(&c, 0, 1, NULL), ERR_OK);
	pid = fork();
	if (pid == 0)
		_exit(read_some(&c, 5, 1, NULL) == ERR_GONE ? 0 : 1);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(read_some(&c, 0, 1, NULL), ERR_OK);
	client_close(&c);
}

/* File systems are started while there are threads: forgive it, that process begins with one. */
const char *__tsan_default_options(void);
__attribute__((visibility("default"), used)) const char *__tsan_default_options(void)
{
	return "die_after_fork=0";
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(addresses_bring_pages),
		CASE(sealed_requests_bring_pages),
		CASE(neighbours_come_in_one_pread),
		CASE(what_is_not_there_is_said),
		CASE(lists_are_chased_by_sealed_requests),
		CASE(a_new_epoch_sees_what_changed),
		CASE(sessions_stand_side_by_side),
		CASE(messages_come_in_pieces),
		CASE(long_names_of_vms_are_fine),
		CASE(why_not_is_told),
		CASE(no_device_is_told),
		CASE(no_mount_is_told),
		CASE(many_threads_read_at_once),
		CASE(objects_are_read_one_by_one),
		CASE(flipped_bytes_are_refused),
		CASE(truncated_answers_are_refused),
		CASE(answers_of_an_old_epoch_are_refused),
		CASE(answers_made_for_another_epoch_are_refused),
		CASE(answers_to_another_address_are_refused),
		CASE(answers_of_another_space_are_refused),
		CASE(answers_of_another_length_are_refused),
		CASE(answers_of_another_session_are_refused),
		CASE(replayed_records_of_a_request_are_refused),
		CASE(altered_requests_end_the_session),
		CASE(a_handshake_of_before_is_refused),
		CASE(a_repeated_hello_brings_nothing),
		CASE(planted_strings_never_cross),
		CASE(a_worker_that_dies_ends_reads_at_once),
		cmocka_unit_test_setup_teardown(a_device_that_is_silent_is_given_up,
						set_up_impatient, tear_down),
		CASE(waiting_readers_can_be_killed),
		cmocka_unit_test_setup_teardown(idle_sessions_end, set_up_idle, tear_down),
		cmocka_unit_test_setup_teardown(sessions_of_a_vm_are_counted, set_up_few, tear_down),
		CASE(clients_that_die_leave_nothing),
		CASE(names_that_are_none_are_refused),
		CASE(reads_that_are_none_are_refused),
		CASE(sessions_are_their_owners),
		CASE(the_directorys_permissions_stay),
		CASE(a_mount_is_not_taken_over),
		CASE(a_crashed_server_is_unmounted),
		CASE(a_mount_left_behind_is_removed),
		CASE(a_mount_that_is_about_to_go_is_waited_for),
		CASE(unmounting_ends_the_server),
		CASE(a_fork_has_no_session),
	};

	if (!mount_possible()) {
		puts(MOUNT_SKIPPED);
		return SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}

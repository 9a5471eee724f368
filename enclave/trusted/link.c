// SPDX-License-Identifier: MIT
/*
 * See link.h. Requests and answers need no exit: who waits here looks at the ring, a thread of the host's (the ring
 * worker) wakes the device where it sleeps, and tells the time that pages are aged by. Over files (pread) each call of
 * theirs is an exit, and the worker only tells the time.
 */
#include "link.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "abi/guest.h"
#include "carrier/pread.h"
#include "channel/message.h"
#include "channel/ring.h"
#include "note.h"
#include "sealed/asked.h"
#include "trusted/ocall.h"
#include "trusted/runtime.h"

enum {
	TO_DEVICE = 1 << 16, /* bytes of the rings: as tools outside have them */
	TO_CLIENT = 1 << 20,
	/*
	 * Looks before leaving to sleep: there is no clock inside, and leaving costs tens of thousands of cycles. With a
	 * worker they take 13 ms where one takes 24 ns, in which any device answers that isn't kept from its
	 * processor; one that is shall have ours.
	 */
	SPINS = 3000,
	SPINS_WATCHED = 1 << 19,
	SLICE_NS = 200000000,
	/* The host's time may stand still, and its sleep be short: that ends, too. */
	SLEEPS_MAX = 10000,
	CLOCK_STEP_NS = 50000,
	MAX_ERRNO = 4095,
	MAX_FILE = 65535,
};
#define TIMEOUT_NS 30000000000ull

struct link {
	const char *vm;
	/* when what the last run left was asked for (0: it wasn't), and what was besides in the first epoch */
	uint64_t asked_ns;
	struct sealed_asked fresh;
	uint64_t epochs;
	struct sealed_carrier sealed;
	struct link_frames frames;
	struct channel_ring_wait wait;
	struct base_alloc *alloc;
	struct carrier_files io;
	struct carrier_pread *files; /* NULL: the ring */
	struct sealed_session *session;
	struct channel_ring_end out, in;
	uint8_t *region;
	/* the wait in which it slept last, when that began, and how often it has slept in it */
	uint64_t waits, since, sleeps;
	uint64_t wire_bytes;
	uint64_t clock;
	struct abi_worker *worker; /* the host's memory; NULL: there is none */
	uint64_t wanted;
	/* What the last run left; generation 0: nothing. From its items on not cleared. */
	struct note note;
	uint8_t items[CHANNEL_ITEMS_MAX * CHANNEL_ITEM_SIZE];
	uint8_t rest[CHANNEL_REQUEST_MAX];
	uint8_t request[CHANNEL_RING_SIZES_SIZE + CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	uint8_t frame[CHANNEL_FRAME_PAYLOAD_MAX];
};

static struct link *of_wait(struct channel_ring_wait *w)
{
	return (struct link *)((char *)w - offsetof(struct link, wait));
}

static struct link *of_sealed(struct sealed_carrier *c)
{
	return (struct link *)((char *)c - offsetof(struct link, sealed));
}

/* What the host says when it can't. */
static enum err by_host(int64_t result, const char *what, struct err_ctx *err)
{
	if (result == -EPIPE)
		return err_set(err, ERR_GONE, "the memory device hung up");
	return err_set(err, ERR_IO, "the host can't %s (error %d)", what,
		       trusted_host_errno(result));
}

/* A signal that comes meanwhile waits: whoever asks for memory can't be interrupted. */
static int64_t ask(unsigned int number, uint64_t a0, uint64_t a1)
{
	int64_t r;

	do
		r = trusted_ocall(number, a0, a1, 0, 0, 0, 0);
	while (r == -EINTR);
	return r;
}

/* ---- frames ---- */

static struct link_frames *of_transport(struct sealed_transport *t)
{
	return (struct link_frames *)((char *)t - offsetof(struct link_frames, transport));
}

/* The bytes that a frame takes in the arena. */
static size_t frame_room(size_t payload)
{
	return sizeof(uint64_t) + (payload + 7) / 8 * 8;
}

/* Into the arena, which nobody else uses before the next frame is wanted. */
static enum err send_frame(struct sealed_transport *t, enum channel_frame_kind kind,
			   const void *bytes, size_t size, struct err_ctx *err)
{
	struct link_frames *f = of_transport(t);
	uint8_t *arena = trusted_arena(f->queued + frame_room(size));

	if (!arena)
		return err_set(err, ERR_LIMIT, "a frame of %zu bytes", size);
	trusted_store(arena + f->queued, (uint64_t)kind << 32 | size);
	trusted_copy_out(arena + f->queued + sizeof(uint64_t), bytes, size);
	f->queued += frame_room(size);
	f->count++;
	f->got = 0;
	return ERR_OK;
}

/* Each frame that is sent has one for an answer. */
static enum err exchange(struct link_frames *f, struct err_ctx *err)
{
	int64_t r = ask(ABI_GUEST_FRAMES, f->queued, f->count ? f->count : 1);

	f->queued = f->count = f->at = 0;
	if (r <= 0)
		return by_host(r ? r : -EPIPE, "exchange frames", err);
	if ((uint64_t)r > trusted_arena_size() || r % 8)
		return err_set(err, ERR_TAMPERED, "the host gives frames of %lld bytes", (long long)r);
	f->got = (size_t)r;
	return ERR_OK;
}

static enum err receive_frame(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
			      void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct link_frames *f = of_transport(t);
	const uint8_t *frame;
	uint64_t head, size, kind;
	enum err e = f->got ? ERR_OK : exchange(f, err);

	if (e)
		return e;
	frame = (const uint8_t *)trusted_arena(f->at + f->got) + f->at;
	head = trusted_load(frame);
	size = head & UINT32_MAX;
	kind = head >> 32;
	if (size > CHANNEL_FRAME_PAYLOAD_MAX || frame_room(size) > f->got || kind > UINT16_MAX)
		return err_set(err, ERR_TAMPERED, "the host gives a frame of kind %llu and %llu bytes",
			       (unsigned long long)kind, (unsigned long long)size);
	trusted_copy_in(buf, frame + sizeof(head), size);
	f->at += frame_room(size);
	f->got -= frame_room(size);
	*kind_ret = (enum channel_frame_kind)kind;
	*size_ret = size;
	return ERR_OK;
}

void link_frames_init(struct link_frames *ret, bool greeted)
{
	*ret = (struct link_frames){
		.transport = {.send = send_frame, .receive = receive_frame, .queues = true},
		.count = greeted};
}

/* ---- the ring ---- */

/* Does the worker look? Its word is taken: what is lost by a lie is time. */
static bool is_watched(const struct link *l)
{
	return l->worker && __atomic_load_n(&l->worker->watching, __ATOMIC_SEQ_CST);
}

/* The host's time, which doesn't go back here: there are two clocks that may differ by some milliseconds. */
static uint64_t host_clock(struct link *l)
{
	uint64_t t = is_watched(l) ? trusted_load(&l->worker->clock) & INT64_MAX : trusted_now();

	if (t > l->clock)
		l->clock = t;
	return l->clock;
}

static enum err sleep_on(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct link *l = of_wait(w);
	uint64_t now = host_clock(l);
	int64_t r;

	if (l->waits != w->waits) {
		l->waits = w->waits;
		l->since = now;
		l->sleeps = 0;
	}
	if (now - l->since > TIMEOUT_NS || l->sleeps++ == SLEEPS_MAX)
		return err_set(err, ERR_LIMIT, "the memory device took too long");
	r = trusted_ocall(ABI_GUEST_SLEEP, (uint64_t)((uint8_t *)bell - l->region), SLICE_NS, 0, 0, 0,
			  0);
	return r == -EPIPE ? by_host(r, "sleep", err) : ERR_OK;
}

/* To the worker, if there is one. */
static void want(struct link *l)
{
	if (l->worker)
		__atomic_store_n(&l->worker->wanted, ++l->wanted, __ATOMIC_SEQ_CST);
}

static void wake(struct channel_ring_wait *w, uint64_t *bell)
{
	struct link *l = of_wait(w);

	want(l);
	if (!is_watched(l))
		trusted_ocall(ABI_GUEST_WAKE, (uint64_t)((uint8_t *)bell - l->region), 0, 0, 0, 0, 0);
}

/* With a worker waiting is looking, and so is asking for the time; without, one soon leaves for either. */
static enum err take_worker(struct link *l, struct err_ctx *err)
{
	int64_t at = ask(ABI_GUEST_WATCH, 0, 0);

	if (at < 0)
		return ERR_OK;
	if (!at || at % 8 || !trusted_outside((const void *)at, sizeof(*l->worker)))
		return err_set(err, ERR_TAMPERED,
			       "the host gives a worker that isn't outside the enclave");
	trusted_borrow((const void *)(at & ~(int64_t)(ABI_PAGE_SIZE - 1)), ABI_PAGE_SIZE);
	l->worker = (struct abi_worker *)at;
	l->wait.spins_max = l->wait.spins = SPINS_WATCHED;
	return ERR_OK;
}

static enum err take_ring(struct link *l, const struct channel_ring_sizes *want, struct err_ctx *err)
{
	enum channel_frame_kind kind;
	struct channel_ring_sizes got;
	size_t size;
	int64_t at;
	enum err e = receive_frame(&l->frames.transport, &kind, l->frame, &size, err);

	if (e)
		return e;
	if (kind != CHANNEL_FRAME_RING)
		return err_set(err, ERR_TAMPERED, "a frame of kind %d came instead of a ring",
			       (int)kind);
	e = channel_ring_sizes_decode(l->frame, size, &got, err);
	if (e)
		return e;
	if (got.to_device > want->to_device || got.to_client > want->to_client)
		return err_set(err, ERR_TAMPERED, "a ring larger than what was asked for");
	size = channel_ring_region_size(&got);
	if (!size)
		return err_set(err, ERR_TAMPERED, "a ring of %u and %u bytes", got.to_device,
			       got.to_client);
	at = ask(ABI_GUEST_RING, got.to_device, got.to_client);
	if (at < 0)
		return by_host(at, "map a ring", err);
	/* or we would read and write our own memory as the host's */
	if (!at || at % ABI_PAGE_SIZE || !trusted_outside((const void *)at, size))
		return err_set(err, ERR_TAMPERED,
			       "the host gives a ring that isn't outside the enclave");
	trusted_borrow((const void *)at, size);
	l->region = (uint8_t *)at;
	l->wait = (struct channel_ring_wait){
		.sleep = sleep_on, .wake = wake, .spins_max = SPINS, .spins = SPINS};
	e = take_worker(l, err);
	if (!e)
		e = channel_ring_writer_init(&l->out, l->region, &got, CHANNEL_TO_DEVICE, &l->wait, err);
	return e ? e
		 : channel_ring_reader_init(&l->in, l->region, &got, CHANNEL_TO_CLIENT, &l->wait,
					    err);
}

static struct sealed_asked kept(struct link *l)
{
	return (struct sealed_asked){.items = l->note.items, .count = l->note.item_count, .max = NOTE_ITEMS};
}

static enum err send(struct sealed_carrier *c, const void *request, size_t size,
		     struct err_ctx *err)
{
	struct link *l = of_sealed(c);
	const struct sealed_asked had = kept(l);
	size_t sealed;
	enum err e;

	if (l->epochs == 1) {
		if (l->asked_ns) {
			size = sealed_asked_leave_out(&had, request, size, l->rest);
			request = l->rest;
		}
		sealed_asked_note(&l->fresh, request, size);
	}
	e = sealed_session_seal(l->session, request, size, l->request, sizeof(l->request), &sealed, err);
	if (e)
		return e;
	l->wire_bytes += sealed;
	return channel_ring_write(&l->out, l->request, sealed, err);
}

static enum err next(struct sealed_carrier *c, size_t *size_ret, struct err_ctx *err)
{
	return channel_ring_next(&of_sealed(c)->in, size_ret, err);
}

static enum err receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			size_t *size_ret, struct err_ctx *err)
{
	struct link *l = of_sealed(c);
	size_t size;
	enum err e = channel_ring_read(&l->in, record, CHANNEL_RECORD_MAX, &size, err);

	if (e)
		return e;
	l->wire_bytes += size;
	return sealed_session_open_record(l->session, record, size, CHANNEL_PAGES, NULL, plain_ret,
					  size_ret, err);
}

/*
 * The host's clock, which can stand still; ours doesn't, or what was read once would count as new for
 * as long as the host likes.
 */
static uint64_t aging_clock(struct link *l)
{
	uint64_t before = l->clock, t = host_clock(l);

	l->clock = t > before + CLOCK_STEP_NS ? t : before + CLOCK_STEP_NS;
	return l->clock;
}

static uint64_t now(struct sealed_carrier *c)
{
	return aging_clock(of_sealed(c));
}

static void epoch(struct sealed_carrier *c)
{
	of_sealed(c)->epochs++;
}

static struct sealed_carrier_stats stats(struct sealed_carrier *c)
{
	struct link *l = of_sealed(c);

	return (struct sealed_carrier_stats){
		.cipher_calls = channel_sealer_count(l->session->sealer) +
				channel_opener_count(l->session->opener),
		.wire_bytes = l->wire_bytes,
		.sleeps = l->wait.sleeps,
	};
}

/* ---- files ---- */

static struct link *of_files(struct carrier_files *f)
{
	return (struct link *)((char *)f - offsetof(struct link, io));
}

static int open_file(struct carrier_files *f, const char *path)
{
	size_t size = strlen(path);
	void *arena = trusted_arena(size);
	int64_t r;

	(void)f;
	if (!arena)
		return -ENAMETOOLONG;
	trusted_copy_out(arena, path, size);
	r = trusted_ocall(ABI_GUEST_OPEN, size, 0, 0, 0, 0, 0);
	return r >= -MAX_ERRNO && r <= MAX_FILE ? (int)r : -EIO;
}

static int64_t read_file(struct carrier_files *f, int file, void *buf, size_t size, uint64_t offset)
{
	int64_t r;

	(void)f;
	if (size > trusted_arena_size())
		return -EINVAL;
	r = trusted_ocall(ABI_GUEST_READ, (uint64_t)file, size, offset, 0, 0, 0);
	if (r < -MAX_ERRNO)
		return -EIO;
	/* more than was asked for is refused by who asked */
	if (r > 0 && (uint64_t)r <= size)
		trusted_copy_in(buf, trusted_arena(size), (size_t)r);
	return r;
}

static void close_file(struct carrier_files *f, int file)
{
	(void)f;
	trusted_ocall(ABI_GUEST_CLOSE, (uint64_t)file, 0, 0, 0, 0, 0);
}

static uint64_t files_now(struct carrier_files *f)
{
	struct link *l = of_files(f);

	want(l);
	return aging_clock(l);
}

/* There is no fork() inside. */
static int process(struct carrier_files *f)
{
	(void)f;
	return 0;
}

/* ---- opening ---- */

static bool fill(void *ctx, void *buf, size_t size)
{
	(void)ctx;
	trusted_random(buf, size);
	return true;
}

static const struct channel_random random_inside = {.fill = fill};

/* Sealed requests only: by address the host would see what is looked at, and that isn't its choice. */
static enum err open_files(struct link *l, const char *vm, const uint8_t *device,
			   struct err_ctx *err)
{
	struct sealed_identity identity;
	const struct carrier_pread_options o = {
		.session = {.vm = vm, .device = device, .identity = &identity, .random = &random_inside},
		.way = CARRIER_PREAD_REQUESTS,
	};

	enum err e = take_worker(l, err);

	if (e)
		return e;
	evidence_init(&identity);
	l->io = (struct carrier_files){open_file, read_file, close_file, files_now, process};
	return carrier_pread_open_with(l->alloc, &l->io, ".", &o, &l->files, err);
}

/*
 * What the last run asked for, in front what it missed, goes with the question for a ring. It may have been on another boot
 * of the guest: then this costs time.
 */
static enum err ask_for_ring(struct link *l, const struct channel_ring_sizes *want, struct err_ctx *err)
{
	struct sealed_asked all = l->fresh;
	const struct guest_trail *t = &l->note.trail;
	size_t size = 0;
	enum err e = ERR_OK;

	channel_ring_sizes_encode(want, l->request);
	if (l->note.generation && l->clock && (t->count[0] || l->note.item_count)) {
		memcpy(l->items, l->note.items, l->note.item_count * CHANNEL_ITEM_SIZE);
		all.count = l->note.item_count;
		sealed_asked_lines(&all, t);
		size = sealed_asked_request(&all, 1, l->rest);
		e = sealed_session_seal(l->session, l->rest, size, l->request + CHANNEL_RING_SIZES_SIZE,
					sizeof(l->request) - CHANNEL_RING_SIZES_SIZE, &size, err);
		l->asked_ns = l->clock;
		l->epochs = 1;
		l->wire_bytes += size;
	}
	return e ? e : sealed_send_on(&l->frames.transport, CHANNEL_FRAME_RING, l->request,
				      CHANNEL_RING_SIZES_SIZE + size, err);
}

static enum err open_session(struct link *l, const char *vm, const uint8_t *device, bool greeted,
			     struct err_ctx *err)
{
	const struct channel_ring_sizes want = {.to_device = TO_DEVICE, .to_client = TO_CLIENT};
	struct sealed_identity identity;
	const struct sealed_session_options o = {
		.vm = vm,
		.device = device,
		.identity = &identity,
		.random = &random_inside,
		.order = CHANNEL_IN_ORDER,
		.greeted = greeted,
	};
	struct sealed_transport *t = &l->frames.transport;
	struct sealed_opening *opening;
	enum err e;

	evidence_init(&identity);
	link_frames_init(&l->frames, greeted);
	e = sealed_opening_begin(l->alloc, t, &o, &opening, err);
	if (!e)
		e = sealed_opening_prove(opening, &l->session, err);
	if (!e)
		e = ask_for_ring(l, &want, err);
	if (!e)
		e = sealed_session_accepted(l->session, t, err);
	return e ? e : take_ring(l, &want, err);
}

enum err link_open(struct base_alloc *alloc, const char *vm, const uint8_t *device,
		   struct link **ret, struct err_ctx *err)
{
	struct link *l = base_alloc_resize(alloc, NULL, 1, sizeof(*l));
	int64_t how;
	enum err e;

	if (!l)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	memset(l, 0, offsetof(struct link, note.items));
	l->fresh = (struct sealed_asked){.items = l->items, .max = CHANNEL_ITEMS_MAX};
	l->alloc = alloc;
	l->vm = vm;
	l->sealed = (struct sealed_carrier){
		.send = send, .next = next, .receive = receive, .epoch = epoch, .now = now, .stats = stats};
	how = ask(ABI_GUEST_CARRIER, 0, 0);
	if (how >= 0)
		l->clock = trusted_load(trusted_arena(sizeof(uint64_t))) & INT64_MAX;
	if (how > 0)
		(void)note_take(vm, (uint8_t *)trusted_arena(sizeof(uint64_t)) + sizeof(uint64_t),
				(uint64_t)how >> 8, &l->note);
	if (how > 0 && (how & 0xff) == ABI_GUEST_BY_FILES)
		e = open_files(l, vm, device, err);
	else
		e = open_session(l, vm, device, how > 0 && (how & 0xff) == ABI_GUEST_GREETED, err);
	if (e)
		link_close(l);
	else
		*ret = l;
	return e;
}

void link_close(struct link *l)
{
	if (!l)
		return;
	carrier_pread_close(l->files);
	sealed_session_close(l->session);
	base_free(l->alloc, l);
}

struct sealed_carrier *link_sealed(struct link *l)
{
	return l->files ? carrier_pread_sealed(l->files) : &l->sealed;
}

const struct channel_accept *link_accept(const struct link *l)
{
	return l->files ? carrier_pread_accept(l->files) : &l->session->accept;
}

const struct guest_trail *link_trail(const struct link *l)
{
	return l->note.generation == link_accept(l)->generation ? &l->note.trail : NULL;
}

uint64_t link_asked(const struct link *l)
{
	return l->asked_ns;
}

bool link_learn(struct link *l)
{
	const uint64_t generation = link_accept(l)->generation;
	struct sealed_asked all = kept(l);
	size_t before;

	if (l->note.generation != generation)
		all.count = 0;
	before = all.count;
	(void)!sealed_asked_add(&all, &l->fresh);
	l->note.generation = generation;
	l->note.item_count = all.count;
	return all.count > before;
}

void link_keep(struct link *l, const struct guest_trail *t)
{
	l->note.trail = *t;
	note_keep(l->vm, &l->note);
}

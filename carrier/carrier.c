// SPDX-License-Identifier: MIT
/* A session over the device's socket, and the ring that it is given. */
#include "carrier/carrier.h"

#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "carrier/region.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "channel/message.h"

#define SECOND 1000000000ull

struct carrier {
	struct sealed_carrier sealed;
	struct base_alloc *alloc;
	pid_t owner;
	uint64_t timeout_ns;
	struct sealed_session *session;
	struct sealed_frames *frames; /* NULL: the ring */

	enum carrier_kind kind;
	struct channel_ring_sizes want;
	bool no_spin;
	bool resumed; /* another process has opened it */
	struct sealed_opening *opening; /* until there is a session */
	struct carrier_region region;
	bool left;
	struct carrier_wait wait;
	struct channel_ring_end out, in;
	uint64_t wire_bytes;
	/* not cleared: pages that nobody needs */
	struct carrier_socket socket;
	uint8_t request[CHANNEL_RING_SIZES_SIZE + CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
};

static struct carrier *from_sealed(struct sealed_carrier *c)
{
	return (struct carrier *)((char *)c - offsetof(struct carrier, sealed));
}

bool carrier_forked(const struct carrier *c)
{
	return getpid() != c->owner;
}

static enum err check_owner(const struct carrier *c, struct err_ctx *err)
{
	return carrier_forked(c) ? err_set(err, ERR_GONE,
					   "the session with the memory device belongs to a parent "
					   "process: open another one")
				 : ERR_OK;
}

static enum err ring_send(struct carrier *c, const void *request, size_t size, struct err_ctx *err)
{
	size_t sealed;
	enum err e = sealed_session_seal(c->session, request, size, c->request, sizeof(c->request),
					 &sealed, err);

	if (e)
		return e;
	c->wire_bytes += sealed;
	return channel_ring_write(&c->out, c->request, sealed, err);
}

static enum err carrier_send(struct sealed_carrier *sealed, const void *request, size_t size,
			     struct err_ctx *err)
{
	struct carrier *c = from_sealed(sealed);
	struct sealed_carrier *frames;
	enum err e = check_owner(c, err);

	if (e)
		return e;
	if (c->frames) {
		frames = sealed_frames_carrier(c->frames);
		return frames->send(frames, request, size, err);
	}
	c->wait.deadline_ns = carrier_now() + c->timeout_ns;
	return ring_send(c, request, size, err);
}

static enum err carrier_next(struct sealed_carrier *sealed, size_t *size_ret, struct err_ctx *err)
{
	struct carrier *c = from_sealed(sealed);
	enum err e = check_owner(c, err);

	*size_ret = 0;
	if (e || c->frames)
		return e;
	c->wait.deadline_ns = carrier_now() + c->timeout_ns;
	return channel_ring_next(&c->in, size_ret, err);
}

static enum err carrier_receive(struct sealed_carrier *sealed, uint8_t *record,
				const void **plain_ret, size_t *size_ret, struct err_ctx *err)
{
	struct carrier *c = from_sealed(sealed);
	struct sealed_carrier *frames;
	size_t size;
	enum err e = check_owner(c, err);

	if (e)
		return e;
	if (c->frames) {
		frames = sealed_frames_carrier(c->frames);
		return frames->receive(frames, record, plain_ret, size_ret, err);
	}
	c->wait.deadline_ns = carrier_now() + c->timeout_ns;
	e = channel_ring_read(&c->in, record, CHANNEL_RECORD_MAX, &size, err);
	if (e)
		return e;
	c->wire_bytes += size;
	return sealed_session_open_record(c->session, record, size, CHANNEL_PAGES, NULL, plain_ret,
					  size_ret, err);
}

static uint64_t now(struct sealed_carrier *sealed)
{
	(void)sealed;
	return carrier_now();
}

static struct sealed_carrier_stats stats(struct sealed_carrier *sealed)
{
	struct carrier *c = from_sealed(sealed);
	struct sealed_carrier *frames;

	if (c->frames) {
		frames = sealed_frames_carrier(c->frames);
		return frames->stats(frames);
	}
	return (struct sealed_carrier_stats){
		.cipher_calls = channel_sealer_count(c->session->sealer) +
				channel_opener_count(c->session->opener),
		.wire_bytes = c->wire_bytes,
		.sleeps = c->wait.wait.sleeps,
	};
}

/* What the device's host answered instead of a ring. */
static enum err no_ring(struct carrier *c, struct err_ctx *err)
{
	const struct carrier_frame *f = &c->socket.frame;
	struct channel_refusal refusal;

	if (f->kind == CHANNEL_FRAME_FAILED &&
	    channel_refusal_decode(f->payload, f->size, &refusal, NULL) == ERR_OK)
		return err_set(err, refusal.code, "the device's host says: %.200s", refusal.text);
	return err_set(err, ERR_TAMPERED, "a frame of kind %d came instead of a ring", (int)f->kind);
}

static struct channel_ring_sizes wanted_ring(const struct carrier_options *o)
{
	return (struct channel_ring_sizes){
		.to_device = o->ring.to_device ? o->ring.to_device : CARRIER_TO_DEVICE,
		.to_client = o->ring.to_client ? o->ring.to_client : CARRIER_TO_CLIENT,
	};
}

/* A ring was asked for: map what comes, of the sizes asked for, or smaller ones. */
static enum err set_up_ring(struct carrier *c, struct err_ctx *err)
{
	const struct channel_ring_sizes *sizes = &c->region.sizes;
	struct carrier_socket *s = &c->socket;
	uint64_t deadline = carrier_now() + c->timeout_ns;
	struct channel_ring_sizes got;
	enum err e = carrier_frame_receive(s->fd, deadline, &s->frame, err);

	if (e)
		return e;
	if (s->frame.kind != CHANNEL_FRAME_RING) {
		e = no_ring(c, err);
	} else if (s->frame.fd < 0) {
		e = err_set(err, ERR_TAMPERED, "no memory came along with the ring");
	} else {
		e = channel_ring_sizes_decode(s->frame.payload, s->frame.size, &got, err);
		if (!e && (got.to_device > c->want.to_device || got.to_client > c->want.to_client))
			e = err_set(err, ERR_TAMPERED, "a ring larger than what was asked for");
		/* a program that is handed a session is a small one in most cases */
		if (!e)
			e = carrier_region_map(s->frame.fd, &got, !c->resumed, &c->region, err);
	}
	if (s->frame.fd >= 0)
		close(s->frame.fd);
	if (e)
		return e;
	carrier_wait_init(&c->wait, s->fd, c->no_spin ? 0 : carrier_spins(CARRIER_AWAIT_NS));
	e = channel_ring_writer_init(&c->out, c->region.at, sizes, CHANNEL_TO_DEVICE, &c->wait.wait,
				     err);
	return e ? e : channel_ring_reader_init(&c->in, c->region.at, sizes, CHANNEL_TO_CLIENT,
						&c->wait.wait, err);
}

static struct carrier *create(struct base_alloc *alloc, int socket, uint64_t timeout_ns)
{
	struct carrier *c = base_alloc_resize(alloc, NULL, 1, sizeof(*c));

	if (!c) {
		close(socket);
		return NULL;
	}
	memset(c, 0, offsetof(struct carrier, socket));
	c->alloc = alloc;
	c->owner = getpid();
	c->timeout_ns = timeout_ns;
	c->sealed = (struct sealed_carrier){
		.send = carrier_send, .next = carrier_next, .receive = carrier_receive, .now = now, .stats = stats};
	carrier_socket_init(&c->socket, socket, timeout_ns);
	return c;
}

enum err carrier_begin(struct base_alloc *alloc, int socket, const struct carrier_options *o,
		       struct carrier **ret, struct err_ctx *err)
{
	struct sealed_session_options session = o->session;
	const struct channel_ring_sizes ring = wanted_ring(o);
	struct carrier *c;
	enum err e;

	session.order = CHANNEL_IN_ORDER;
	if (!channel_ring_region_size(&ring)) {
		close(socket);
		return err_set(err, ERR_INVAL, "rings of %u and %u bytes", ring.to_device,
			       ring.to_client);
	}
	c = create(alloc, socket, o->timeout_ns ? o->timeout_ns : CARRIER_TIMEOUT_S * SECOND);
	if (!c)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	c->kind = o->kind;
	c->want = ring;
	c->no_spin = o->no_spin;
	e = sealed_opening_begin(alloc, &c->socket.transport, &session, &c->opening, err);
	if (e)
		carrier_close(c);
	else
		*ret = c;
	return e;
}

/* Behind the evidence: a ring, and what shall be answered by it. */
static enum err ask_for_ring(struct carrier *c, const void *request, size_t size,
			     struct err_ctx *err)
{
	size_t sealed = 0;
	enum err e = ERR_OK;

	channel_ring_sizes_encode(&c->want, c->request);
	if (size)
		e = sealed_session_seal(c->session, request, size, c->request + CHANNEL_RING_SIZES_SIZE,
					sizeof(c->request) - CHANNEL_RING_SIZES_SIZE, &sealed, err);
	if (e)
		return e;
	c->wire_bytes += sealed;
	return sealed_send_on(&c->socket.transport, CHANNEL_FRAME_RING, c->request,
			      CHANNEL_RING_SIZES_SIZE + sealed, err);
}

enum err carrier_prove(struct carrier *c, const void *request, size_t size, struct err_ctx *err)
{
	struct sealed_opening *opening = c->opening;
	enum err e;

	c->opening = NULL;
	e = sealed_opening_prove(opening, &c->session, err);
	if (!e && c->kind == CARRIER_RING)
		e = ask_for_ring(c, request, size, err);
	return e;
}

enum err carrier_settle(struct carrier *c, struct err_ctx *err)
{
	enum err e = sealed_session_accepted(c->session, &c->socket.transport, err);

	if (!e && c->kind == CARRIER_RING)
		e = set_up_ring(c, err);
	else if (!e)
		e = sealed_frames_create(c->session, &c->socket.transport, carrier_now, &c->frames,
					 err);
	return e;
}

enum err carrier_open_socket(struct base_alloc *alloc, int socket, const struct carrier_options *o,
			     struct carrier **ret, struct err_ctx *err)
{
	struct carrier *c;
	enum err e = carrier_begin(alloc, socket, o, &c, err);

	if (e)
		return e;
	e = carrier_prove(c, NULL, 0, err);
	if (!e)
		e = carrier_settle(c, err);
	if (e)
		carrier_close(c);
	else
		*ret = c;
	return e;
}

enum err carrier_greet(int socket, const char *vm, struct err_ctx *err)
{
	struct carrier_socket s;

	carrier_socket_init(&s, socket, CARRIER_TIMEOUT_S * SECOND);
	return sealed_session_greet(&s.transport, vm, err);
}

enum err carrier_open(struct base_alloc *alloc, const char *path, const struct carrier_options *o,
		      struct carrier **ret, struct err_ctx *err)
{
	int socket;
	enum err e = carrier_connect(path, &socket, err);

	return e ? e : carrier_open_socket(alloc, socket, o, ret, err);
}

void carrier_leave(struct carrier *c, struct carrier_state *ret, int *socket_ret)
{
	c->left = true;
	*ret = (struct carrier_state){.want = c->want};
	sealed_session_leave(c->session, &ret->session);
	*socket_ret = c->socket.fd;
}

enum err carrier_resume(struct base_alloc *alloc, const struct carrier_state *state, int socket,
			struct carrier **ret, struct err_ctx *err)
{
	uint64_t timeout = state->timeout_ns ? state->timeout_ns : CARRIER_TIMEOUT_S * SECOND;
	struct carrier *c = create(alloc, socket, timeout);
	enum err e;

	if (!c)
		return err_set(err, ERR_NOMEM, "out of memory for a session");
	c->kind = CARRIER_RING;
	c->want = state->want;
	c->resumed = true;
	e = sealed_session_resume(alloc, &state->session, &c->session, err);
	if (!e)
		e = carrier_settle(c, err);
	if (e)
		carrier_close(c);
	else
		*ret = c;
	return e;
}

void carrier_close(struct carrier *c)
{
	if (!c)
		return;
	sealed_opening_destroy(c->opening);
	sealed_frames_destroy(c->frames);
	sealed_session_close(c->session);
	/* whatever becomes of the descriptor, of which others may have copies */
	if (!c->left && !carrier_forked(c))
		shutdown(c->socket.fd, SHUT_RDWR);
	carrier_socket_deinit(&c->socket);
	/* the device needn't wait for its next look at the socket */
	if (c->out.wait && !carrier_forked(c))
		channel_ring_nudge(&c->out);
	carrier_region_unmap(&c->region);
	base_free(c->alloc, c);
}

struct sealed_carrier *carrier_sealed(struct carrier *c)
{
	return &c->sealed;
}

const struct channel_accept *carrier_accept(const struct carrier *c)
{
	return &c->session->accept;
}

// SPDX-License-Identifier: MIT
/* Requests out of a ring, answers into one. */
#include "memdev/ring_serve.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "carrier/carrier.h"
#include "carrier/region.h"
#include "carrier/socket.h"
#include "carrier/wait.h"

enum {
	REQUEST_RECORD_MAX = CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD,
	LOOK_NS = 250000000,
	SEND_TIMEOUT_NS = 1000000000, /* the client waits for this very frame */
};

struct server {
	struct memdev_records out;
	const struct memdev_ring_options *o;
	enum err (*sleep)(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err);
	uint64_t looked_ns;
	struct carrier_region region;
	struct carrier_wait wait;
	struct channel_ring_end to_client, to_device;
	uint8_t record[REQUEST_RECORD_MAX]; /* not cleared */
};

static enum err put_record(struct memdev_records *r, const void *record, size_t size,
			   struct err_ctx *err)
{
	struct server *s = (struct server *)r;

	return channel_ring_write(&s->to_client, record, size, err);
}

static uint32_t at_most(size_t asked, uint32_t limit)
{
	return asked < limit ? (uint32_t)asked : limit;
}

/* A sleep, and once in a while a look at what else may have ended. */
static enum err sleep_and_look(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct server *s = (struct server *)((char *)w - offsetof(struct server, wait.wait));
	enum err e = s->sleep(w, bell, err);
	uint64_t now = carrier_now();

	if (e || now - s->looked_ns < LOOK_NS)
		return e;
	s->looked_ns = now;
	return s->o->look(s->o->ctx, err);
}

enum err memdev_ring_prepare(size_t answers, struct memdev_ring_ready *ret, struct err_ctx *err)
{
	static const struct channel_ring_sizes usual = {CARRIER_TO_DEVICE, CARRIER_TO_CLIENT};
	size_t ready = sizeof(struct channel_ring_head) + CARRIER_TO_DEVICE;

	return carrier_region_create(&usual, ready + at_most(answers, CARRIER_TO_CLIENT), &ret->region,
				     &ret->fd, err);
}

void memdev_ring_drop(struct memdev_ring_ready *r)
{
	if (!r->region.at)
		return;
	close(r->fd);
	carrier_region_unmap(&r->region);
}

static enum err make_region(struct server *s, const struct channel_ring_sizes *sizes, int *fd_ret,
			    struct err_ctx *err)
{
	struct memdev_ring_ready *r = s->o->ready;

	if (!r || !r->region.at || r->region.sizes.to_device != sizes->to_device ||
	    r->region.sizes.to_client != sizes->to_client)
		return carrier_region_create(sizes, 0, &s->region, fd_ret, err);
	s->region = r->region;
	*fd_ret = r->fd;
	r->region = (struct carrier_region){0};
	return ERR_OK;
}

/* Make a ring of at most these sizes and send it to the client. */
static enum err set_up(struct server *s, const struct memdev_ring_options *o,
		       struct channel_ring_sizes sizes, struct err_ctx *err)
{
	uint8_t grant[CHANNEL_RING_SIZES_SIZE];
	enum err e;
	int fd;

	sizes.to_device = at_most(sizes.to_device, MEMDEV_RING_TO_DEVICE_MAX);
	sizes.to_client = at_most(sizes.to_client, MEMDEV_RING_TO_CLIENT_MAX);
	e = make_region(s, &sizes, &fd, err);
	if (e)
		return e;
	channel_ring_sizes_encode(&sizes, grant);
	e = carrier_frame_send(o->socket, CHANNEL_FRAME_RING, grant, sizeof(grant), fd,
			       carrier_now() + SEND_TIMEOUT_NS, err);
	close(fd);
	if (e)
		return e;
	s->out.record = put_record;
	carrier_wait_init(&s->wait, o->socket, o->spins);
	if (o->cpus)
		carrier_wait_part(&s->wait, o->cpus);
	if (o->look) {
		s->sleep = s->wait.wait.sleep;
		s->wait.wait.sleep = sleep_and_look;
	}
	e = channel_ring_reader_init(&s->to_device, s->region.at, &sizes, CHANNEL_TO_DEVICE,
				     &s->wait.wait, err);
	return e ? e : channel_ring_writer_init(&s->to_client, s->region.at, &sizes,
						CHANNEL_TO_CLIENT, &s->wait.wait, err);
}

/* The request in s->record. */
static enum err answer(struct server *s, size_t size, struct err_ctx *err)
{
	enum err e;

	/* a client that was stopped in the middle of an answer may go on some time */
	s->wait.deadline_ns = 0;
	e = memdev_session_record(s->o->session, s->record, size, &s->out, err);
	if (!e && s->o->answered)
		s->o->answered(s->o->ctx);
	return e;
}

enum err memdev_ring_serve(const struct memdev_ring_options *o, const void *bytes, size_t size,
			   struct err_ctx *err)
{
	struct server *s = base_alloc_resize(o->alloc, NULL, 1, sizeof(*s));
	struct err_ctx detail = {0};
	struct channel_ring_ask ask;
	enum err e;

	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory for a ring");
	memset(s, 0, offsetof(struct server, record));
	s->o = o;
	e = channel_ring_ask_decode(bytes, size, &ask, &detail);
	if (!e)
		e = set_up(s, o, ask.sizes, &detail);
	if (!e && ask.record_size) {
		memcpy(s->record, ask.record, ask.record_size);
		e = answer(s, ask.record_size, &detail);
	}
	while (!e) {
		s->wait.deadline_ns = o->idle_ns ? carrier_now() + o->idle_ns : 0;
		e = channel_ring_read(&s->to_device, s->record, sizeof(s->record), &size, &detail);
		if (!e)
			e = answer(s, size, &detail);
	}
	/* what the session didn't say itself; a client that has hung up isn't waited for */
	s->wait.deadline_ns = carrier_now() + SEND_TIMEOUT_NS;
	if (s->out.record)
		memdev_session_end(o->session, &s->out, NULL, &detail);
	if (err && err->code == ERR_OK)
		*err = detail;
	carrier_region_unmap(&s->region);
	base_free(o->alloc, s);
	return e;
}

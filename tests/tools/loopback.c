// SPDX-License-Identifier: MIT
/* See loopback.h. Any error of the sealed path ends the program: nothing here is hostile. */
#include "loopback.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "channel/channel.h"
#include "memdev/engine.h"

struct loopback {
	struct sealed_carrier carrier;
	struct memdev_sink sink;
	struct base_alloc *alloc;
	struct memdev_engine *engine;
	struct guest_pages *pages;
	struct channel_sealer *up, *down;
	struct channel_opener *up_end, *down_end;
	bool trace;
	/* records of the answer, sealed: each its size, then its bytes */
	uint8_t *queue;
	size_t queue_size, queue_room, queue_at;
};

static enum err seal_record(struct memdev_sink *sink, const void *plain, size_t size,
			    struct err_ctx *err)
{
	struct loopback *l = (struct loopback *)((char *)sink - offsetof(struct loopback, sink));
	size_t need = l->queue_size + sizeof(size_t) + size + CHANNEL_OVERHEAD, sealed;
	enum err e;

	if (need > l->queue_room) {
		l->queue_room = 2 * need;
		l->queue = realloc(l->queue, l->queue_room);
		if (!l->queue)
			abort();
	}
	e = channel_seal(l->down, CHANNEL_PAGES, NULL, plain, size,
			 l->queue + l->queue_size + sizeof(size_t), size + CHANNEL_OVERHEAD, &sealed,
			 err);
	memcpy(l->queue + l->queue_size, &sealed, sizeof(sealed));
	l->queue_size = need;
	return e;
}

static enum err receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			size_t *size_ret, struct err_ctx *err)
{
	struct loopback *l = (struct loopback *)c;
	uint16_t type;
	size_t size;

	if (l->queue_at == l->queue_size)
		return err_set(err, ERR_IO, "an answer of fewer records than it said");
	memcpy(&size, l->queue + l->queue_at, sizeof(size));
	memcpy(record, l->queue + l->queue_at + sizeof(size), size);
	l->queue_at += sizeof(size) + size;
	return channel_open(l->down_end, record, size, NULL, &type, plain_ret, size_ret, err);
}

static void print_request(const void *bytes, size_t size)
{
	static struct channel_request r;

	if (channel_request_decode(bytes, size, &r, NULL) != ERR_OK)
		abort();
	for (uint32_t n = 0; n < r.count; n++)
		fprintf(stderr, "%s %s %" PRIx64 " +%" PRIx64 " space %" PRIx64 "\n",
			n ? " " : "*",
			r.items[n].kind == CHANNEL_READ	   ? "read"
			: r.items[n].kind == CHANNEL_CHASE ? "chase"
							   : "table",
			r.items[n].address, r.items[n].size, r.items[n].space);
}

static enum err send(struct sealed_carrier *c, const void *request, size_t size,
		     struct err_ctx *err)
{
	struct loopback *l = (struct loopback *)c;
	static uint8_t wire[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD];
	const void *opened;
	size_t sealed;
	uint16_t type;
	enum err e;

	l->queue_size = l->queue_at = 0;
	if (l->trace)
		print_request(request, size);
	e = channel_seal(l->up, CHANNEL_REQUEST, NULL, request, size, wire, sizeof(wire), &sealed,
			 err);
	if (e == ERR_OK)
		e = channel_open(l->up_end, wire, sealed, NULL, &type, &opened, &size, err);
	return e == ERR_OK ? memdev_engine_answer(l->engine, opened, size, 0, &l->sink, err) : e;
}

static uint64_t now(struct sealed_carrier *c)
{
	struct timespec t;

	(void)c;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static struct sealed_carrier_stats stats(struct sealed_carrier *c)
{
	struct loopback *l = (struct loopback *)c;

	return (struct sealed_carrier_stats){
		.cipher_calls = channel_sealer_count(l->up) + channel_opener_count(l->down_end),
	};
}

static void must(enum err e)
{
	if (e != ERR_OK) {
		fprintf(stderr, "loopback: %s\n", err_name(e));
		exit(1);
	}
}

struct loopback *loopback_create(struct base_alloc *alloc, struct guest_pages *device,
				 const struct sealed_options *options)
{
	static const uint8_t up[CHANNEL_KEY_SIZE] = {1}, down[CHANNEL_KEY_SIZE] = {2};
	struct loopback *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	l->alloc = alloc;
	l->carrier = (struct sealed_carrier){
		.send = send, .receive = receive, .now = now, .stats = stats};
	l->sink.record = seal_record;
	must(channel_library_init(NULL));
	must(memdev_engine_create(alloc, device, &l->engine, NULL));
	must(channel_sealer_create(alloc, up, 1, CHANNEL_TO_DEVICE, &l->up, NULL));
	must(channel_opener_create(alloc, up, 1, CHANNEL_TO_DEVICE, CHANNEL_IN_ORDER, &l->up_end,
				   NULL));
	must(channel_sealer_create(alloc, down, 1, CHANNEL_TO_CLIENT, &l->down, NULL));
	must(channel_opener_create(alloc, down, 1, CHANNEL_TO_CLIENT, CHANNEL_IN_ORDER,
				   &l->down_end, NULL));
	must(sealed_pages_create(alloc, &l->carrier, options, &l->pages, NULL));
	return l;
}

void loopback_destroy(struct loopback *l)
{
	if (!l)
		return;
	guest_pages_destroy(l->pages);
	memdev_engine_destroy(l->engine);
	channel_sealer_destroy(l->up);
	channel_sealer_destroy(l->down);
	channel_opener_destroy(l->up_end);
	channel_opener_destroy(l->down_end);
	free(l->queue);
	free(l);
}

struct guest_pages *loopback_pages(struct loopback *l)
{
	return l->pages;
}

void loopback_trace(struct loopback *l)
{
	l->trace = true;
}

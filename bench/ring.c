// SPDX-License-Identifier: MIT
/*
 * What a round trip to the memory device costs: requests for nothing (a page that isn't mapped),
 * one page and 64 pages, and the throughput of 2,048 pages, over the ring, over the plain socket,
 * over pread on a file system (for root), and in this very process with all the sealing but no
 * carrier; and the CPU time that it cost the device. One run, taking turns; medians. The guest is
 * synthetic. Prints one JSON object a line: name, value, unit, versus, ratio.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bits.h"
#include "carrier/carrier.h"
#include "carrier/pread.h"
#include "carrier/wait.h"
#include "channel/message.h"
#include "device.h"
#include "mount.h"

enum {
	ROUNDS = 15,
	SIZES = 4,
	QUEUE = 4,
};

enum { LOOPBACK, RING, SOCKET, PREAD_REQUESTS, PREAD_ADDRESSES, WAYS };

#define IN_PROCESS "sealed and opened in one process, without a carrier"
#define BY_SOCKET  "plain socket"

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "ring: %s\n", what);
	exit(1);
}

/* ---- the loopback: both halves of a session in this process ---- */

struct loopback {
	struct sealed_carrier sealed;
	struct sealed_transport transport;
	struct memdev_out frames;
	struct memdev_records records;
	struct memdev_session *device;
	struct sealed_session *client;
	struct {
		enum channel_frame_kind kind;
		size_t size;
		uint8_t bytes[CHANNEL_FRAME_PAYLOAD_MAX];
	} queue[QUEUE];
	unsigned int first, last;
	uint8_t up[CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD],
		down[3 * DEVICE_PAGES * GUEST_PAGE_SIZE / 2];
	size_t filled, taken;
};

static struct loopback loopback;

static enum err enqueue(struct memdev_out *o, enum channel_frame_kind kind, const void *bytes,
			size_t size, struct err_ctx *err)
{
	unsigned int n = loopback.last++ % QUEUE;

	(void)o;
	(void)err;
	loopback.queue[n].kind = kind;
	loopback.queue[n].size = size;
	if (size)
		memcpy(loopback.queue[n].bytes, bytes, size);
	return ERR_OK;
}

static enum err transport_send(struct sealed_transport *t, enum channel_frame_kind kind,
			       const void *bytes, size_t size, struct err_ctx *err)
{
	(void)t;
	if (kind == CHANNEL_FRAME_OPEN)
		return enqueue(NULL, CHANNEL_FRAME_OPENED, NULL, 0, err);
	return memdev_session_frame(loopback.device, kind, bytes, size, &loopback.frames, err);
}

static enum err transport_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
				  void *buf, size_t *size_ret, struct err_ctx *err)
{
	unsigned int n = loopback.first++ % QUEUE;

	(void)t;
	(void)err;
	*kind_ret = loopback.queue[n].kind;
	*size_ret = loopback.queue[n].size;
	memcpy(buf, loopback.queue[n].bytes, loopback.queue[n].size);
	return ERR_OK;
}

static enum err take_answer(struct memdev_records *r, const void *record, size_t size,
			    struct err_ctx *err)
{
	(void)r;
	(void)err;
	if (size > sizeof(loopback.down) - loopback.filled)
		die("an answer that is too large");
	memcpy(loopback.down + loopback.filled, record, size);
	loopback.filled += size;
	return ERR_OK;
}

static enum err loop_send(struct sealed_carrier *c, const void *request, size_t size,
			  struct err_ctx *err)
{
	enum err e = sealed_session_seal(loopback.client, request, size, loopback.up,
					 sizeof(loopback.up), &size, err);

	(void)c;
	loopback.filled = loopback.taken = 0;
	return e ? e
		 : memdev_session_record(loopback.device, loopback.up, size, &loopback.records,
					 err);
}

static enum err loop_receive(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			     size_t *size_ret, struct err_ctx *err)
{
	struct channel_header header;
	size_t size;

	(void)c;
	memcpy(&header, loopback.down + loopback.taken, sizeof(header));
	size = sizeof(header) + header.size;
	memcpy(record, loopback.down + loopback.taken, size);
	loopback.taken += size;
	return sealed_session_open_record(loopback.client, record, size, CHANNEL_PAGES, NULL,
					  plain_ret, size_ret, err);
}

static struct sealed_carrier *make_loopback(struct base_alloc *alloc)
{
	struct sealed_session_options client = device_client_options(CARRIER_FRAMES).session;
	struct memdev_session_options device;
	struct guest_pages *pages;

	device_guest_create(alloc, &pages);
	device = device_session_options(pages);
	loopback.transport =
		(struct sealed_transport){.send = transport_send, .receive = transport_receive};
	loopback.frames.frame = enqueue;
	loopback.records.record = take_answer;
	loopback.sealed.send = loop_send;
	loopback.sealed.receive = loop_receive;
	if (memdev_session_create(alloc, &device, &loopback.device, NULL) ||
	    sealed_session_open(alloc, &loopback.transport, &client, &loopback.client, NULL))
		die("no session in this process");
	return &loopback.sealed;
}

/* ---- pread: a device that listens, and a file system before it ---- */

static struct mount mount;
static pid_t listener;

/* False where nobody may mount. */
static bool files_start(void)
{
	if (!mount_possible())
		return false;
	mount_prepare(&mount);
	listener = device_listen(mount.socket);
	mount_start(&mount, NULL);
	return true;
}

static void files_stop(void)
{
	mount_end(&mount);
	kill(listener, SIGTERM);
	waitpid(listener, NULL, 0);
	mount_remove(&mount);
}

static struct carrier_pread *open_pread(struct base_alloc *alloc, enum carrier_pread_way way)
{
	struct carrier_pread_options o = {.session = device_client_options(CARRIER_FRAMES).session,
					  .way = way};
	struct carrier_pread *c;

	if (carrier_pread_open(alloc, mount.directory, &o, &c, NULL))
		die("no session over pread");
	return c;
}

/* ---- measuring ---- */

struct count {
	struct channel_piece_sink sink;
	uint64_t lines;
};

static void count_lines(struct channel_piece_sink *s, const struct channel_piece *p)
{
	((struct count *)s)->lines += base_count_bits(p->lines);
}

/* One request for `pages` pages, or for one that isn't mapped (0). */
static void ask(struct sealed_carrier *c, unsigned int pages)
{
	struct err_ctx err = {0};

	static uint8_t record[CHANNEL_RECORD_MAX];
	static struct channel_request request = {.count = 1};
	struct channel_pages head = {.flags = CHANNEL_PAGES_MORE};
	struct count count = {.sink.piece = count_lines};
	uint8_t wire[CHANNEL_REQUEST_MAX];
	const void *plain;
	size_t size;
	enum err e;

	request.number++;
	request.items[0] = (struct channel_item){
		.kind = CHANNEL_READ,
		.address = pages ? DEVICE_VA : DEVICE_VA - GUEST_PAGE_SIZE,
		.size = (pages ? pages : 1) * (uint64_t)GUEST_PAGE_SIZE,
	};
	if (channel_request_encode(&request, wire, sizeof(wire), &size, NULL))
		die("no request");
	e = c->send(c, wire, size, &err);
	while (!e && head.flags & CHANNEL_PAGES_MORE) {
		e = c->receive(c, record, &plain, &size, &err);
		if (!e)
			e = channel_pages_decode(plain, size, &head, &count.sink, &err);
	}
	if (e)
		die(err.text);
	/* who reads by address reads ahead on its own */
	if (count.lines < (uint64_t)pages * CHANNEL_PAGE_LINES)
		die("an answer without what was asked for");
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v)
{
	qsort(v, ROUNDS, sizeof(*v), compare);
	return v[ROUNDS / 2];
}

struct way {
	const char *name;
	struct sealed_carrier *carrier;
	double us[SIZES][ROUNDS];
	double cpu_us; /* of the device */
};

static void measure(struct way *w, int size, unsigned int pages, int times, int round)
{
	uint64_t begun;

	ask(w->carrier, pages);
	begun = carrier_now();
	for (int i = 0; i < times; i++)
		ask(w->carrier, pages);
	w->us[size][round] = (double)(carrier_now() - begun) / 1000 / times;
}

static struct sealed_carrier *open_way(struct base_alloc *alloc, enum carrier_kind kind,
				       struct device *device, struct carrier **carrier)
{
	struct carrier_options o = device_client_options(kind);

	*device = device_start(true);
	if (carrier_open_socket(alloc, device->socket, &o, carrier, NULL))
		die("no session");
	return carrier_sealed(*carrier);
}

static void print_row(const char *what, const char *way, double ratio, double *us,
		      const char *versus)
{
	printf("{\"name\": \"%s, %s\", \"value\": %.2f, \"unit\": \"us\", ", what, way, median(us));
	if (versus)
		printf("\"versus\": \"%s\", \"ratio\": %.3f}\n", versus, ratio);
	else
		printf("\"versus\": null, \"ratio\": null}\n");
}

int main(void)
{
	static const unsigned int pages[SIZES] = {0, 1, 64, DEVICE_PAGES};
	static const int times[SIZES] = {400, 400, 60, 4};
	static const char *const what[SIZES] = {"a request for nothing", "a request for a page",
						"a request for 64 pages",
						"a request for 2,048 pages"};
	static struct way ways[] = {
		[LOOPBACK] = {.name = IN_PROCESS},
		[RING] = {.name = "ring"},
		[SOCKET] = {.name = BY_SOCKET},
		[PREAD_REQUESTS] = {.name = "pread, sealed requests"},
		[PREAD_ADDRESSES] = {.name = "pread, by address"},
	};
	struct device devices[SOCKET + 1];
	struct carrier *carriers[SOCKET + 1];
	struct carrier_pread *preads[2] = {NULL, NULL};
	struct base_alloc alloc;

	base_alloc_init(&alloc, 256 << 20);
	for (int w = RING; w <= SOCKET; w++) {
		ways[w].carrier = open_way(&alloc, w == SOCKET ? CARRIER_FRAMES : CARRIER_RING,
					   &devices[w], &carriers[w]);
	}
	if (files_start()) {
		preads[0] = open_pread(&alloc, CARRIER_PREAD_REQUESTS);
		preads[1] = open_pread(&alloc, CARRIER_PREAD_ADDRESSES);
		ways[PREAD_REQUESTS].carrier = carrier_pread_sealed(preads[0]);
		ways[PREAD_ADDRESSES].carrier = carrier_pread_sealed(preads[1]);
	}
	ways[LOOPBACK].carrier = make_loopback(&alloc);
	for (int r = 0; r < ROUNDS; r++) {
		for (int s = 0; s < SIZES; s++) {
			for (int w = 0; w < WAYS; w++) {
				if (ways[w].carrier)
					measure(&ways[w], s, pages[s], times[s], r);
			}
		}
	}
	for (int s = 0; s < SIZES; s++) {
		/* the largest doesn't fit what a loopback would hold in its caches */
		const struct way *base = &ways[s == SIZES - 1 ? SOCKET : LOOPBACK];

		for (int w = 0; w < WAYS; w++) {
			double ratio[ROUNDS];

			if (!ways[w].carrier || (s == SIZES - 1 && w == LOOPBACK))
				continue;
			for (int r = 0; r < ROUNDS; r++)
				ratio[r] = ways[w].us[s][r] / base->us[s][r];
			print_row(what[s], ways[w].name, median(ratio), ways[w].us[s],
				  w == LOOPBACK ? NULL : base->name);
		}
	}
	for (int w = RING; w <= SOCKET; w++) {
		if (!ways[w].carrier)
			continue;
		carrier_close(carriers[w]);
		ways[w].cpu_us = device_wait(&devices[w]).cpu_us;
	}
	printf("{\"name\": \"CPU time of the device for all of them, ring\", \"value\": %.0f, "
	       "\"unit\": \"us\", \"versus\": \"%s\", \"ratio\": %.3f}\n",
	       ways[RING].cpu_us, BY_SOCKET, ways[RING].cpu_us / ways[SOCKET].cpu_us);
	if (preads[0]) {
		carrier_pread_close(preads[0]);
		carrier_pread_close(preads[1]);
		files_stop();
	}
	return 0;
}

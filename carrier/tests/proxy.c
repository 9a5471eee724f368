// SPDX-License-Identifier: MIT
/* A host in the middle: one thread for the frames, one for each direction of the ring. */
#include "proxy.h"

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "carrier/socket.h"
#include "channel/ring.h"

#define DIE(what) die(__LINE__, what)

static _Noreturn void die(int line, const char *what)
{
	fprintf(stderr, "proxy.c:%d: %s\n", line, what);
	abort();
}

struct pump {
	struct channel_ring_wait wait;
	struct proxy *proxy;
	enum proxy_way way;
	struct channel_ring_end in, out;
	pthread_t thread;
	uint8_t bytes[PROXY_ROOM], held[PROXY_ROOM];
	size_t held_size;
	bool running;
};

struct proxy_private {
	pthread_mutex_t lock; /* of what was kept and captured */
	int client, device;
	int stop;
	pthread_t frames;
	struct pump pumps[2];
	struct carrier_frame frame;
	uint8_t bytes[PROXY_ROOM], held[2][PROXY_ROOM];
	size_t held_size[2];
	enum channel_frame_kind held_kind[2];
	bool held_any[2];
	unsigned int numbers[2];
};

static void nap(long ns)
{
	struct timespec t = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};

	nanosleep(&t, NULL);
}

static void capture(struct proxy *p, const void *bytes, size_t size)
{
	if (!p->capture)
		return;
	if (p->captured_size + size > p->captured_room) {
		p->captured_room = 2 * (p->captured_size + size);
		p->captured = realloc(p->captured, p->captured_room);
		if (!p->captured)
			DIE("out of memory");
	}
	memcpy(p->captured + p->captured_size, bytes, size);
	p->captured_size += size;
}

static void keep(struct proxy *p, const struct proxy_item *i)
{
	pthread_mutex_lock(&p->private->lock);
	capture(p, i->bytes, i->size);
	if (i->number < PROXY_KEPT) {
		struct proxy_kept *k = &p->kept[i->way][i->in_ring][i->number];

		free(k->bytes);
		k->bytes = malloc(i->size ? i->size : 1);
		if (!k->bytes)
			DIE("out of memory");
		memcpy(k->bytes, i->bytes, i->size);
		k->size = i->size;
	}
	pthread_mutex_unlock(&p->private->lock);
}

/* ---- the ring ---- */

static enum err pump_sleep(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err)
{
	struct pump *pump = (struct pump *)w;

	(void)bell;
	if (__atomic_load_n(&pump->proxy->private->stop, __ATOMIC_RELAXED))
		return err_set(err, ERR_GONE, "stopped");
	nap(100000);
	return ERR_OK;
}

static void pump_wake(struct channel_ring_wait *w, uint64_t *bell)
{
	(void)w;
	syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static enum err pass_record(struct pump *pump, const struct proxy_item *i)
{
	enum err e = ERR_OK;

	if (i->delay_ms)
		nap(i->delay_ms * 1000000l);
	for (unsigned int n = 0; n < i->times && !e; n++)
		e = channel_ring_write(&pump->out, i->bytes, i->size, NULL);
	if (!e && pump->held_size) {
		e = channel_ring_write(&pump->out, pump->held, pump->held_size, NULL);
		pump->held_size = 0;
	}
	return e;
}

static void *run_pump(void *arg)
{
	struct pump *pump = arg;
	struct proxy *p = pump->proxy;

	for (unsigned int number = 0;; number++) {
		struct proxy_item i = {.way = pump->way,
				       .in_ring = true,
				       .number = number,
				       .bytes = pump->bytes,
				       .fd = -1,
				       .times = 1};

		if (channel_ring_read(&pump->in, pump->bytes, CHANNEL_RECORD_MAX, &i.size, NULL))
			break;
		keep(p, &i);
		if (p->deed.item)
			p->deed.item(p, &i, p->deed.ctx);
		if (i.stop)
			break;
		if (i.hold) {
			memcpy(pump->held, i.bytes, i.size);
			pump->held_size = i.size;
		} else if (pass_record(pump, &i)) {
			break;
		}
	}
	return NULL;
}

static void start_pump(struct proxy *p, enum proxy_way way)
{
	struct pump *pump = &p->private->pumps[way];
	struct carrier_region *from = way == TO_DEVICE ? &p->client_region : &p->device_region;
	struct carrier_region *to = way == TO_DEVICE ? &p->device_region : &p->client_region;
	enum channel_direction d = way == TO_DEVICE ? CHANNEL_TO_DEVICE : CHANNEL_TO_CLIENT;

	pump->proxy = p;
	pump->way = way;
	pump->wait = (struct channel_ring_wait){.sleep = pump_sleep, .wake = pump_wake};
	if (channel_ring_reader_init(&pump->in, from->at, &from->sizes, d, &pump->wait, NULL) ||
	    channel_ring_writer_init(&pump->out, to->at, &to->sizes, d, &pump->wait, NULL))
		DIE("no ring");
	if (pthread_create(&pump->thread, NULL, run_pump, pump))
		DIE("no thread");
	pump->running = true;
}

/* A ring from the device: keep it, and give the client another. */
static void split_ring(struct proxy *p, struct proxy_item *i)
{
	struct channel_ring_sizes sizes;
	int fd = i->fd;

	if (channel_ring_sizes_decode(i->bytes, i->size, &sizes, NULL))
		DIE("a malformed ring from the device");
	if (carrier_region_map(fd, &sizes, true, &p->device_region, NULL) ||
	    carrier_region_create(&sizes, 0, &p->client_region, &i->fd, NULL))
		DIE("no memory for a ring");
	close(fd);
	start_pump(p, TO_DEVICE);
	start_pump(p, TO_CLIENT);
}

/* ---- frames ---- */

static void send_frame(struct proxy *p, enum proxy_way way, enum channel_frame_kind kind,
		       const uint8_t *bytes, size_t size, int fd)
{
	/* who doesn't read any more has hung up, or soon will */
	(void)!carrier_frame_send(way == TO_DEVICE ? p->private->device : p->private->client, kind,
				  bytes, size, fd, 0, NULL);
}

static void pass_frame(struct proxy *p, struct proxy_item *i)
{
	struct proxy_private *q = p->private;

	if (i->hold) {
		q->held_any[i->way] = true;
		q->held_kind[i->way] = i->kind;
		q->held_size[i->way] = i->size;
		memcpy(q->held[i->way], i->bytes, i->size);
		return;
	}
	if (i->delay_ms)
		nap(i->delay_ms * 1000000l);
	for (unsigned int n = 0; n < i->times; n++)
		send_frame(p, i->way, i->kind, i->bytes, i->size, i->fd);
	if (q->held_any[i->way]) {
		q->held_any[i->way] = false;
		send_frame(p, i->way, q->held_kind[i->way], q->held[i->way], q->held_size[i->way],
			   -1);
	}
}

/* One frame that goes `way`; false when its sender has hung up. */
static bool take_frame(struct proxy *p, enum proxy_way way)
{
	struct proxy_private *q = p->private;
	struct carrier_frame *f = &q->frame;
	struct proxy_item i = {.way = way, .bytes = q->bytes, .times = 1};

	if (carrier_frame_receive(way == TO_DEVICE ? q->client : q->device, 0, f, NULL))
		return false;
	i.number = q->numbers[way]++;
	i.kind = f->kind;
	i.size = f->size;
	i.fd = f->fd;
	memcpy(i.bytes, f->payload, f->size);
	if (way == TO_CLIENT && i.kind == CHANNEL_FRAME_RING && i.fd >= 0)
		split_ring(p, &i);
	keep(p, &i);
	if (p->deed.item)
		p->deed.item(p, &i, p->deed.ctx);
	pass_frame(p, &i);
	if (i.fd >= 0)
		close(i.fd);
	return true;
}

static void *run_frames(void *arg)
{
	struct proxy *p = arg;
	struct proxy_private *q = p->private;

	for (;;) {
		struct pollfd fds[2] = {{.fd = q->client, .events = POLLIN},
					{.fd = q->device, .events = POLLIN}};

		if (__atomic_load_n(&q->stop, __ATOMIC_RELAXED))
			break;
		if (poll(fds, 2, 20) <= 0)
			continue;
		if (fds[0].revents && !take_frame(p, TO_DEVICE))
			break;
		if (fds[1].revents && !take_frame(p, TO_CLIENT))
			break;
	}
	/* the one hung up: so does the host to the other */
	shutdown(q->client, SHUT_RDWR);
	shutdown(q->device, SHUT_RDWR);
	return NULL;
}

void proxy_start_for(struct proxy *p, int device, int client)
{
	p->private = calloc(1, sizeof(*p->private));
	if (!p->private)
		DIE("no proxy");
	pthread_mutex_init(&p->private->lock, NULL);
	p->private->client = client;
	p->private->device = device;
	if (pthread_create(&p->private->frames, NULL, run_frames, p))
		DIE("no thread");
}

int proxy_start(struct proxy *p, int device)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends))
		DIE("no socket");
	proxy_start_for(p, device, ends[0]);
	return ends[1];
}

void proxy_stop(struct proxy *p)
{
	struct proxy_private *q = p->private;

	__atomic_store_n(&q->stop, 1, __ATOMIC_RELAXED);
	pthread_join(q->frames, NULL);
	for (int i = 0; i < 2; i++) {
		if (q->pumps[i].running)
			pthread_join(q->pumps[i].thread, NULL);
	}
	/* what lies in the shared memory at the end has crossed as well */
	if (p->client_region.at)
		capture(p, p->client_region.at, p->client_region.size);
	if (p->device_region.at)
		capture(p, p->device_region.at, p->device_region.size);
	carrier_region_unmap(&p->client_region);
	carrier_region_unmap(&p->device_region);
	close(q->client);
	close(q->device);
	pthread_mutex_destroy(&q->lock);
	free(q);
	p->private = NULL;
}

void proxy_deinit(struct proxy *p)
{
	for (int way = 0; way < 2; way++) {
		for (int ring = 0; ring < 2; ring++) {
			for (int n = 0; n < PROXY_KEPT; n++)
				free(p->kept[way][ring][n].bytes);
		}
	}
	free(p->captured);
	memset(p, 0, sizeof(*p));
}

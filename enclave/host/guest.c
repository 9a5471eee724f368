// SPDX-License-Identifier: MIT
/* See host/guest.h. */
#include "host/guest.h"

#include <errno.h>
#include <linux/futex.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "abi/guest.h"
#include "carrier/region.h"
#include "carrier/socket.h"
#include "carrier/wait.h"
#include "channel/evidence.h"
#include "quote.h"
#include "worker.h"

#define TIMEOUT_NS 30000000000ull

struct host_guest {
	int socket;
	bool emulated;
	int passed; /* the ring's memory, until it is mapped; -1 */
	struct carrier_region region;
	struct worker *worker; /* NULL: none */
	struct carrier_frame frame;
};

enum err host_guest_open_socket(int socket, bool emulated, struct host_guest **ret,
				struct err_ctx *err)
{
	struct host_guest *g = calloc(1, sizeof(*g));

	if (!g) {
		close(socket);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	g->socket = socket;
	g->emulated = emulated;
	g->passed = -1;
	*ret = g;
	return ERR_OK;
}

enum err host_guest_open(const char *path, bool emulated, struct host_guest **ret,
			 struct err_ctx *err)
{
	int socket;
	enum err e = carrier_connect(path, &socket, err);

	return e ? e : host_guest_open_socket(socket, emulated, ret, err);
}

void host_guest_close(struct host_guest *g)
{
	if (!g)
		return;
	worker_stop(g->worker);
	close(g->socket);
	if (g->passed >= 0)
		close(g->passed);
	carrier_region_unmap(&g->region);
	free(g);
}

static int64_t errno_of(enum err e)
{
	switch (e) {
	case ERR_OK:
		return 0;
	case ERR_GONE:
		return -EPIPE;
	case ERR_LIMIT:
		return -ETIMEDOUT;
	default:
		return -EIO;
	}
}

static int64_t send_frame(struct host_guest *g, const uint64_t args[6], const void *arena,
			  size_t arena_size)
{
	if (args[1] > arena_size || args[0] > UINT16_MAX)
		return -EINVAL;
	return errno_of(carrier_frame_send(g->socket, (enum channel_frame_kind)args[0], arena,
					   args[1], -1, carrier_now() + TIMEOUT_NS, NULL));
}

static int64_t receive_frame(struct host_guest *g, void *arena, size_t arena_size)
{
	enum err e = carrier_frame_receive(g->socket, carrier_now() + TIMEOUT_NS, &g->frame, NULL);

	if (e)
		return errno_of(e);
	if (g->passed >= 0)
		close(g->passed);
	g->passed = g->frame.fd;
	if (g->frame.size > arena_size)
		return -EMSGSIZE;
	memcpy(arena, g->frame.payload, g->frame.size);
	return (int64_t)((uint64_t)g->frame.kind << 32 | g->frame.size);
}

static int64_t map_ring(struct host_guest *g, const uint64_t args[6])
{
	const struct channel_ring_sizes sizes = {(uint32_t)args[0], (uint32_t)args[1]};
	enum err e;

	if (g->passed < 0 || g->region.at)
		return -EINVAL;
	e = carrier_region_map(g->passed, &sizes, &g->region, NULL);
	close(g->passed);
	g->passed = -1;
	return e ? errno_of(e) : (int64_t)(uintptr_t)g->region.at;
}

static void *bell_at(const struct host_guest *g, uint64_t offset)
{
	return offset % 8 == 0 && g->region.size && offset <= g->region.size - 8
		       ? (uint8_t *)g->region.at + offset
		       : NULL;
}

static int64_t sleep_on(struct host_guest *g, const uint64_t args[6])
{
	struct timespec t = {.tv_nsec = args[1] < 1000000000 ? (long)args[1] : 999999999};
	struct pollfd p = {.fd = g->socket, .events = POLLRDHUP};
	void *bell = bell_at(g, args[0]);

	if (!bell)
		return -EINVAL;
	if (g->worker)
		worker_serve(g->worker);
	if (poll(&p, 1, 0) == 1 && p.revents & (POLLHUP | POLLRDHUP | POLLERR | POLLNVAL))
		return -EPIPE;
	syscall(SYS_futex, bell, FUTEX_WAIT, 1, &t, NULL, 0);
	return 0;
}

static int64_t wake(const struct host_guest *g, const uint64_t args[6])
{
	void *bell = bell_at(g, args[0]);

	if (!bell)
		return -EINVAL;
	syscall(SYS_futex, bell, FUTEX_WAKE, 1, NULL, NULL, 0);
	if (g->worker)
		worker_unpark(g->worker);
	return 0;
}

static int64_t watch(struct host_guest *g)
{
	if (g->worker || !g->region.at)
		return -EINVAL;
	g->worker = worker_start(g->region.at);
	return g->worker ? (int64_t)(uintptr_t)worker_shared(g->worker) : -EAGAIN;
}

static int64_t target(const struct host_guest *g, void *arena, size_t arena_size)
{
	struct abi_targetinfo t = {0};
	int r = g->emulated ? 0 : quote_target(&t);

	if (arena_size < sizeof(t))
		return -ENOSPC;
	memcpy(arena, &t, sizeof(t));
	return r ? r : g->emulated ? CHANNEL_EVIDENCE_EMULATED : CHANNEL_EVIDENCE_DCAP;
}

static int64_t quote(const struct host_guest *g, const uint64_t args[6], void *arena,
		     size_t arena_size)
{
	struct abi_report report;

	if (g->emulated || args[0] != sizeof(report) || arena_size < sizeof(report))
		return -EINVAL;
	memcpy(&report, arena, sizeof(report));
	return quote_make(&report, arena, arena_size);
}

int64_t host_guest_serve(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
			 size_t arena_size)
{
	struct host_guest *g = opaque;

	switch (number) {
	case ABI_GUEST_SEND:
		return send_frame(g, args, arena, arena_size);
	case ABI_GUEST_RECEIVE:
		return receive_frame(g, arena, arena_size);
	case ABI_GUEST_RING:
		return map_ring(g, args);
	case ABI_GUEST_SLEEP:
		return sleep_on(g, args);
	case ABI_GUEST_WAKE:
		return wake(g, args);
	case ABI_GUEST_TARGET:
		return target(g, arena, arena_size);
	case ABI_GUEST_QUOTE:
		return quote(g, args, arena, arena_size);
	case ABI_GUEST_WATCH:
		return watch(g);
	default:
		return -ENOSYS;
	}
}

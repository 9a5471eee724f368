// SPDX-License-Identifier: MIT
/* See host/guest.h. */
#include "host/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
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

enum {
	FILES = 32, /* open at a time */
};

struct host_guest {
	int socket; /* -1: over files */
	int folder; /* where the device's files are; -1: over the socket */
	int files[FILES];
	bool emulated, greeted;
	int passed; /* the ring's memory, until it is mapped; -1 */
	struct carrier_region region;
	struct worker *worker; /* NULL: none */
	const struct host_notes *notes; /* NULL: none are kept */
	struct carrier_frame frame;
};

/* Takes over the descriptor that there is. */
static enum err create(int socket, int folder, bool emulated, struct host_guest **ret,
		       struct err_ctx *err)
{
	struct host_guest *g = calloc(1, sizeof(*g));

	if (!g) {
		close(socket >= 0 ? socket : folder);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	g->socket = socket;
	g->folder = folder;
	g->emulated = emulated;
	g->passed = -1;
	for (int i = 0; i < FILES; i++)
		g->files[i] = -1;
	*ret = g;
	return ERR_OK;
}

enum err host_guest_open_socket(int socket, bool emulated, struct host_guest **ret,
				struct err_ctx *err)
{
	return create(socket, -1, emulated, ret, err);
}

enum err host_guest_open_files(const char *path, bool emulated, struct host_guest **ret,
			       struct err_ctx *err)
{
	int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (folder < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_ABSENT : ERR_IO, errno,
				     "opening the folder that the memory device serves, %s", path);
	return create(-1, folder, emulated, ret, err);
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
	for (int i = 0; i < FILES; i++)
		if (g->files[i] >= 0)
			close(g->files[i]);
	close(g->socket >= 0 ? g->socket : g->folder);
	if (g->passed >= 0)
		close(g->passed);
	carrier_region_unmap(&g->region);
	free(g);
}

enum err host_guest_greet(struct host_guest *g, const char *vm, struct err_ctx *err)
{
	struct channel_preamble p = {.version = CHANNEL_VERSION};
	uint8_t preamble[CHANNEL_PREAMBLE_MAX];
	size_t size, name = strlen(vm);
	enum err e;

	if (name >= sizeof(p.vm))
		return err_set(err, ERR_INVAL, "the VM's name has %zu bytes", name);
	memcpy(p.vm, vm, name);
	e = channel_preamble_encode(&p, preamble, &size, err);
	if (!e)
		e = carrier_frame_send(g->socket, CHANNEL_FRAME_OPEN, preamble, size, -1,
				       carrier_now() + TIMEOUT_NS, err);
	g->greeted = !e;
	return e;
}

void host_guest_keep(struct host_guest *g, const struct host_notes *notes)
{
	g->notes = notes;
}

static int64_t carrier(const struct host_guest *g, uint8_t *arena, size_t arena_size)
{
	const uint64_t now = carrier_now();
	size_t room, size;

	if (arena_size < sizeof(now))
		return -ENOSPC;
	memcpy(arena, &now, sizeof(now));
	room = arena_size - sizeof(now) < ABI_GUEST_NOTE_MAX ? arena_size - sizeof(now) : ABI_GUEST_NOTE_MAX;
	size = g->notes ? g->notes->read(g->notes->opaque, arena + sizeof(now), room) : 0;
	return (int64_t)(size << 8) | (g->socket < 0 ? ABI_GUEST_BY_FILES :
				       g->greeted    ? ABI_GUEST_GREETED :
						       ABI_GUEST_BY_RING);
}

static int64_t keep(const struct host_guest *g, const uint64_t args[6], const void *arena,
		    size_t arena_size)
{
	if (args[0] > ABI_GUEST_NOTE_MAX || args[0] > arena_size)
		return -EINVAL;
	if (g->notes)
		g->notes->write(g->notes->opaque, arena, args[0]);
	return 0;
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

/* The bytes that a frame takes in the arena. */
static size_t frame_room(size_t payload)
{
	return sizeof(uint64_t) + (payload + 7) / 8 * 8;
}

static enum err send_frames(const struct host_guest *g, const uint8_t *arena, size_t size)
{
	enum err e = ERR_OK;

	for (size_t at = 0; !e && at < size;) {
		uint64_t head = 0, payload;

		if (size - at >= sizeof(head))
			memcpy(&head, arena + at, sizeof(head));
		payload = head & UINT32_MAX;
		if (head >> 32 > UINT16_MAX || frame_room(payload) > size - at)
			return ERR_INVAL;
		e = carrier_frame_send(g->socket, (enum channel_frame_kind)(head >> 32),
				       arena + at + sizeof(head), payload, -1, carrier_now() + TIMEOUT_NS, NULL);
		at += frame_room(payload);
	}
	/* a device that says no may have hung up before all was sent: what it said can still be read */
	return e == ERR_GONE ? ERR_OK : e;
}

static enum err receive_frame(struct host_guest *g, uint8_t *arena, size_t room, size_t *size_ret)
{
	enum err e = carrier_frame_receive(g->socket, carrier_now() + TIMEOUT_NS, &g->frame, NULL);
	uint64_t head;

	if (e)
		return e;
	if (g->frame.fd >= 0) {
		if (g->passed >= 0)
			close(g->passed);
		g->passed = g->frame.fd;
	}
	if (frame_room(g->frame.size) > room)
		return ERR_LIMIT;
	head = (uint64_t)g->frame.kind << 32 | g->frame.size;
	memcpy(arena, &head, sizeof(head));
	memcpy(arena + sizeof(head), g->frame.payload, g->frame.size);
	*size_ret = frame_room(g->frame.size);
	return ERR_OK;
}

static int64_t exchange(struct host_guest *g, const uint64_t args[6], uint8_t *arena, size_t arena_size)
{
	size_t used = 0, size;
	enum err e;

	if (args[0] > arena_size || g->socket < 0)
		return -EINVAL;
	e = send_frames(g, arena, args[0]);
	for (uint64_t i = 0; !e && i < args[1]; i++) {
		e = receive_frame(g, arena + used, arena_size - used, &size);
		if (!e)
			used += size;
		if (!e && g->frame.kind == CHANNEL_FRAME_FAILED)
			break;
	}
	return used ? (int64_t)used : errno_of(e);
}

static int64_t map_ring(struct host_guest *g, const uint64_t args[6])
{
	const struct channel_ring_sizes sizes = {(uint32_t)args[0], (uint32_t)args[1]};
	enum err e;

	if (g->passed < 0 || g->region.at)
		return -EINVAL;
	/* what the device has written is mapped many pages at a time when it is read; most tools don't need all */
	e = carrier_region_map(g->passed, &sizes, false, &g->region, NULL);
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
	if (g->worker || (g->socket >= 0 && !g->region.at))
		return -EINVAL;
	g->worker = worker_start(g->region.at);
	return g->worker ? (int64_t)(uintptr_t)worker_shared(g->worker) : -EAGAIN;
}

/* ---- files ---- */

static int64_t open_file(struct host_guest *g, const uint64_t args[6], const void *arena,
			 size_t arena_size)
{
	char path[PATH_MAX];
	int i = 0;

	if (args[0] >= sizeof(path) || args[0] > arena_size)
		return -EINVAL;
	memcpy(path, arena, args[0]);
	path[args[0]] = '\0';
	while (i < FILES && g->files[i] >= 0)
		i++;
	if (i == FILES)
		return -EMFILE;
	g->files[i] = openat(g->folder, path, O_RDONLY | O_CLOEXEC);
	return g->files[i] >= 0 ? i : -errno;
}

static int64_t read_file(struct host_guest *g, const uint64_t args[6], void *arena,
			 size_t arena_size)
{
	ssize_t n;

	if (args[0] >= FILES || args[1] > arena_size)
		return -EINVAL;
	if (g->worker)
		worker_unpark(g->worker);
	n = pread(g->files[args[0]], arena, args[1], (off_t)args[2]);
	return n < 0 ? -errno : n;
}

static int64_t close_file(struct host_guest *g, const uint64_t args[6])
{
	if (args[0] >= FILES || g->files[args[0]] < 0)
		return -EINVAL;
	close(g->files[args[0]]);
	g->files[args[0]] = -1;
	return 0;
}

/* ---- evidence ---- */

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
	case ABI_GUEST_CARRIER:
		return carrier(g, arena, arena_size);
	case ABI_GUEST_OPEN:
		return open_file(g, args, arena, arena_size);
	case ABI_GUEST_READ:
		return read_file(g, args, arena, arena_size);
	case ABI_GUEST_CLOSE:
		return close_file(g, args);
	case ABI_GUEST_KEEP:
		return keep(g, args, arena, arena_size);
	case ABI_GUEST_FRAMES:
		return exchange(g, args, arena, arena_size);
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

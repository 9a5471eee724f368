// SPDX-License-Identifier: MIT
/*
 * Pipes, all inside. One keeps what is written until it is read, however much that is: who reads may be
 * standing still until who writes has ended (process.c). Among processes one has the room that Linux gives.
 */
#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <string.h>

#include "base/alloc.h"
#include "fork.h"
#include "layer.h"
#include "trusted/runtime.h"

enum {
	ROOM_MIN = 4096,
	ROOM_MAX = 64 << 20,
	ROOM_OF_PROCESSES = 65536,
	FUTEX_WAKE_PRIVATE = 129,
};

struct pipe {
	uint8_t *data; /* [at, at + size) of `room` */
	size_t at, size, room;
	bool has_reader, has_writer;
	uint32_t changed;
};

int pipe_create(struct pipe **ret)
{
	struct pipe *p = base_alloc_zeroed(layer_alloc(), 1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->has_reader = p->has_writer = true;
	*ret = p;
	return 0;
}

uint32_t *pipe_word(struct pipe *p)
{
	return &p->changed;
}

static void tell(struct pipe *p)
{
	fork_happened();
	__atomic_fetch_add(&p->changed, 1, __ATOMIC_RELEASE);
	trusted_futex(&p->changed, FUTEX_WAKE_PRIVATE, INT_MAX, 0, NULL, 0);
}

static bool is_full(const struct pipe *p)
{
	return fork_is_on() && fork_count() && p->size >= ROOM_OF_PROCESSES;
}

long pipe_read(struct pipe *p, void *buf, size_t size)
{
	if (!p->size && size)
		return p->has_writer ? -EAGAIN : 0;
	if (is_full(p))
		fork_happened();
	if (size > p->size)
		size = p->size;
	if (size)
		memcpy(buf, p->data + p->at, size);
	p->at += size;
	p->size -= size;
	return (long)size;
}

/* Room for `more` bytes behind what is there. */
static bool grow(struct pipe *p, size_t more)
{
	size_t room = p->room ? p->room : ROOM_MIN;
	uint8_t *data;

	if (more > ROOM_MAX - p->size)
		return false;
	if (p->at + p->size + more <= p->room)
		return true;
	while (room < p->size + more)
		room *= 2;
	data = base_alloc_zeroed(layer_alloc(), 1, room);
	if (!data)
		return false;
	if (p->size)
		memcpy(data, p->data + p->at, p->size);
	base_free(layer_alloc(), p->data);
	p->data = data;
	p->room = room;
	p->at = 0;
	return true;
}

long pipe_write(struct pipe *p, const void *data, size_t size)
{
	if (!p->has_reader)
		return -EPIPE;
	if (!size)
		return 0;
	if (is_full(p))
		return -EAGAIN;
	if (!grow(p, size))
		return -ENOSPC;
	memcpy(p->data + p->at + p->size, data, size);
	p->size += size;
	tell(p);
	return (long)size;
}

short pipe_events(const struct pipe *p, bool writer)
{
	if (writer)
		return (short)((is_full(p) ? 0 : POLLOUT) | (p->has_reader ? 0 : POLLERR));
	return (short)((p->size ? POLLIN : 0) | (p->has_writer ? 0 : POLLHUP));
}

void pipe_close(struct pipe *p, bool writer)
{
	if (writer)
		p->has_writer = false;
	else
		p->has_reader = false;
	tell(p);
	if (p->has_reader || p->has_writer)
		return;
	base_free(layer_alloc(), p->data);
	base_free(layer_alloc(), p);
}

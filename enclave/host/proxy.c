// SPDX-License-Identifier: MIT
/*
 * The outside of an enclave's proxied calls (abi/proxy.h): standard streams, and nothing else. What an
 * enclave asks for is bounded by its arena all the same: a broken one is to harm only itself.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "abi/proxy.h"
#include "host/proxy.h"
#include "host/run.h"

enum {
	SLICE_MS = 200, /* a signal just before a wait is noticed after this */
	POLLS_MAX = 64,
};

/* Until one of them is ready, `timeout` milliseconds are over (-1: for ever), or a signal came. */
static long wait_for(struct pollfd *fds, nfds_t count, int timeout)
{
	for (;;) {
		int slice = timeout < 0 || timeout > SLICE_MS ? SLICE_MS : timeout, r;

		if (host_must_return())
			return -EINTR;
		r = poll(fds, count, slice);
		if (r < 0)
			return -errno;
		if (r || (timeout >= 0 && timeout <= slice))
			return r;
		if (timeout >= 0)
			timeout -= slice;
	}
}

static long do_read(uint8_t *arena, uint64_t stream, uint64_t size)
{
	struct pollfd p = { .fd = (int)stream, .events = POLLIN };
	ssize_t n;
	long r;

	if (stream >= ABI_STREAMS || size > ABI_ARENA_SIZE)
		return -EINVAL;
	r = wait_for(&p, 1, -1);
	if (r < 0)
		return r;
	n = read((int)stream, arena, size);
	return n < 0 ? -errno : n;
}

static long do_write(const uint8_t *arena, uint64_t stream, uint64_t size)
{
	ssize_t n;

	if (stream >= ABI_STREAMS || size > ABI_ARENA_SIZE)
		return -EINVAL;
	n = write((int)stream, arena, size);
	return n < 0 ? -errno : n;
}

static long do_terminal(uint8_t *arena, uint64_t stream, uint64_t request, uint64_t size)
{
	uint32_t expected;

	if (stream >= ABI_STREAMS || abi_terminal_request(request, &expected) == ABI_TERMINAL_NO ||
	    size != expected)
		return -EINVAL;
	return ioctl((int)stream, request, arena) ? -errno : 0;
}

static long do_poll(uint8_t *arena, uint64_t count, uint64_t timeout)
{
	struct abi_poll polls[POLLS_MAX];
	struct pollfd fds[POLLS_MAX];
	long r;

	if (count > POLLS_MAX)
		return -EINVAL;
	memcpy(polls, arena, count * sizeof(*polls));
	for (uint64_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = polls[i].stream < ABI_STREAMS ? (int)polls[i].stream : -1,
					  .events = (short)polls[i].events };
	r = wait_for(fds, count, (int)timeout);
	for (uint64_t i = 0; i < count; i++)
		polls[i].revents = (uint16_t)fds[i].revents;
	memcpy(arena, polls, count * sizeof(*polls));
	return r;
}

int64_t host_proxy_serve(void *opaque, uint64_t number, const uint64_t args[6], void *arena,
			 size_t arena_size)
{
	(void)opaque;
	(void)arena_size;
	switch (number) {
	case ABI_PROXY_READ:
		return do_read(arena, args[0], args[1]);
	case ABI_PROXY_WRITE:
		return do_write(arena, args[0], args[1]);
	case ABI_PROXY_TERMINAL:
		return do_terminal(arena, args[0], args[1], args[2]);
	case ABI_PROXY_POLL:
		return do_poll(arena, args[0], args[1]);
	default:
		return -ENOSYS;
	}
}

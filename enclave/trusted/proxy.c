// SPDX-License-Identifier: MIT
/*
 * The only way by which a program's calls leave the enclave. The host is hostile: each result is
 * within what was asked or it is -EIO; an errno is one that the call can have; what is in the arena
 * is copied once, and only as much as was asked for.
 */
#include "trusted/proxy.h"

#include <errno.h>
#include <poll.h>
#include <string.h>

#include "config/config.h"
#include "base/checked.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/ocall.h"
#include "trusted/runtime.h"

enum {
	POLLS_MAX = 64,
	WINDOW_MAX = 4096, /* rows and columns that a terminal can have: tools allocate by them */
};

/* Errno values that the host may give for any of the calls. */
static bool is_plausible(int64_t error)
{
	static const int errors[] = {
		EINTR, EAGAIN, EIO, EBADF, EINVAL, EPIPE, ENOSPC, EFBIG, ENOTTY, EISDIR, EPERM,
		ECONNRESET, EDQUOT, EFAULT,
	};

	for (size_t i = 0; i < BASE_COUNT(errors); i++)
		if (error == -errors[i])
			return true;
	return false;
}

/* What a call that can give `most` at most comes to. */
static long checked(int64_t result, size_t most)
{
	if (result < 0)
		return is_plausible(result) ? (long)result : -EIO;
	return (uint64_t)result <= most ? (long)result : -EIO;
}

/* Again, when the host says that a signal came and none did. */
static long ask(enum abi_proxy_number number, uint64_t a0, uint64_t a1, uint64_t a2, size_t most)
{
	for (int tries = 0;; tries++) {
		long r = checked(trusted_ocall(number, a0, a1, a2, 0, 0, 0), most);

		/* after some turns the program may see it: no loop that the host keeps us in */
		if (r != -EINTR || trusted_interrupted() || tries == 16)
			return r;
	}
}

static bool permits(enum config_permit what)
{
	return trusted_settings()->permit & what;
}

static size_t arena_part(size_t size)
{
	size_t most = trusted_arena_size();

	return size < most ? size : most;
}

long trusted_proxy_read(unsigned int stream, void *buf, size_t size)
{
	void *arena;
	long r;

	if (!permits(CONFIG_PERMIT_READ) || stream >= ABI_STREAMS)
		return -EPERM;
	size = arena_part(size);
	arena = trusted_arena(size);
	if (!arena)
		return -EIO;
	r = ask(ABI_PROXY_READ, stream, size, 0, size);
	if (r > 0)
		trusted_copy_in(buf, arena, (size_t)r);
	return r;
}

long trusted_proxy_write(unsigned int stream, const void *data, size_t size)
{
	void *arena;
	long r;

	if (!permits(CONFIG_PERMIT_WRITE) || stream >= ABI_STREAMS)
		return -EPERM;
	size = arena_part(size);
	arena = trusted_arena(size);
	if (!arena)
		return -EIO;
	trusted_copy_out(arena, data, size);
	r = ask(ABI_PROXY_WRITE, stream, size, 0, size);
	/* a program would try for ever */
	return !r && size ? -EIO : r;
}

static bool window_is_sane(const uint8_t data[ABI_TERMINAL_WINDOW])
{
	uint16_t rows, columns;

	memcpy(&rows, data, sizeof(rows));
	memcpy(&columns, data + sizeof(rows), sizeof(columns));
	return rows <= WINDOW_MAX && columns <= WINDOW_MAX;
}

long trusted_proxy_terminal(unsigned int stream, uint64_t request, void *data)
{
	uint8_t copy[ABI_TERMINAL_MODES];
	enum abi_terminal_way way;
	uint32_t size;
	void *arena;
	long r;

	way = abi_terminal_request(request, &size);
	if (way == ABI_TERMINAL_NO || stream >= ABI_STREAMS || !permits(CONFIG_PERMIT_TERMINAL))
		return -ENOTTY;
	arena = trusted_arena(size);
	if (!arena)
		return -EIO;
	if (way == ABI_TERMINAL_SET)
		trusted_copy_out(arena, data, size);
	r = ask(ABI_PROXY_TERMINAL, stream, request, size, 0);
	if (r || way == ABI_TERMINAL_SET)
		return r;
	trusted_copy_in(copy, arena, size);
	if (size == ABI_TERMINAL_WINDOW && !window_is_sane(copy))
		return -EIO;
	memcpy(data, copy, size);
	return 0;
}

long trusted_proxy_poll(struct abi_poll *polls, size_t count, long timeout)
{
	struct abi_poll copy[POLLS_MAX];
	long r, ready = 0;
	void *arena;

	if (count > POLLS_MAX)
		return -EINVAL;
	if (!permits(CONFIG_PERMIT_POLL))
		return -EPERM;
	arena = trusted_arena(count * sizeof(*polls));
	if (!arena)
		return -EIO;
	for (size_t i = 0; i < count; i++)
		polls[i].revents = 0;
	trusted_copy_out(arena, polls, count * sizeof(*polls));
	r = ask(ABI_PROXY_POLL, count, (uint64_t)timeout, 0, count);
	if (r <= 0)
		return r;
	trusted_copy_in(copy, arena, count * sizeof(*polls));
	for (size_t i = 0; i < count; i++) {
		polls[i].revents = copy[i].revents & (polls[i].events | POLLERR | POLLHUP);
		ready += polls[i].revents != 0;
	}
	/* the count is ours: what the host counted may not be there */
	return ready || timeout >= 0 ? ready : -EINTR;
}

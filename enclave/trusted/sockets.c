// SPDX-License-Identifier: MIT
/*
 * Sockets: there are none. What the kernel tells of sockets, devices and routes by netlink would be the
 * host's word. A netlink socket can be made, and its first question is refused, as by a kernel
 * without such a module: tools (ss) then read /proc/net without a word about it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "calls.h"
#include "layer.h"
#include "trusted/runtime.h"

/* struct sockaddr_nl */
struct netlink_address {
	uint16_t family, pad;
	uint32_t pid, groups;
};

long call_socket(int domain, int type, int protocol)
{
	struct file *f;
	long r;

	(void)protocol;
	if (domain != AF_NETLINK)
		return -EAFNOSUPPORT;
	if (!layer_lock())
		return -EAGAIN;
	f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f) + 1);
	if (f) {
		f->kind = FILE_NOBODY;
		f->refs = 1;
		f->flags = O_RDWR | (type & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	}
	r = f ? file_install(f, 0, type & SOCK_CLOEXEC) : -ENOMEM;
	layer_unlock();
	return r;
}

/* 0, or why `fd` is no socket. */
static long check(int fd)
{
	struct file *f;
	long r;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	r = !f ? -EBADF : f->kind == FILE_NOBODY ? 0 : -ENOTSOCK;
	layer_unlock();
	return r;
}

long call_socket_ready(int fd)
{
	return check(fd);
}

long call_socket_refused(int fd)
{
	long r = check(fd);

	return r ? r : -ECONNREFUSED;
}

long call_getsockname(int fd, void *ret, uint32_t *size)
{
	struct netlink_address a = { .family = AF_NETLINK, .pid = TRUSTED_PID };
	long r = check(fd);
	uint32_t room;

	if (r)
		return r;
	if (!trusted_writable(size, sizeof(*size)))
		return -EFAULT;
	room = *size < sizeof(a) ? *size : (uint32_t)sizeof(a);
	if (room && !trusted_writable(ret, room))
		return -EFAULT;
	if (room)
		memcpy(ret, &a, room);
	*size = sizeof(a);
	return 0;
}

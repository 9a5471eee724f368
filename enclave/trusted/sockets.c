// SPDX-License-Identifier: MIT
/*
 * Sockets: none that anything can be sent by. What the kernel tells of sockets, devices and routes by netlink would be
 * the host's word. A netlink socket can be made, and its first question is refused, as by a kernel
 * without such a module: tools (ss) then read /proc/net without a word about it. A UDP socket can be
 * asked for the guest's network devices.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/alloc.h"
#include "calls.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/runtime.h"

/* struct sockaddr_nl */
struct netlink_address {
	uint16_t family, pad;
	uint32_t pid, groups;
};

long call_socket(int domain, int type, int protocol)
{
	const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
	struct file *f;
	long r;

	(void)protocol;
	if (domain != AF_NETLINK && (domain != AF_INET || (type & ~flags) != SOCK_DGRAM))
		return -EAFNOSUPPORT;
	if (!layer_lock())
		return -EAGAIN;
	f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f) + 1);
	if (f) {
		f->kind = FILE_NOBODY;
		f->is_inet = domain == AF_INET;
		f->refs = 1;
		f->flags = O_RDWR | (type & SOCK_NONBLOCK ? O_NONBLOCK : 0);
	}
	r = f ? file_install(f, 0, type & SOCK_CLOEXEC) : -ENOMEM;
	layer_unlock();
	return r;
}

/* AF_NETLINK or AF_INET, or why `fd` is no socket. */
static long family_of(int fd)
{
	struct file *f;
	long r;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (!f)
		r = -EBADF;
	else if (f->kind != FILE_NOBODY)
		r = -ENOTSOCK;
	else
		r = f->is_inet ? AF_INET : AF_NETLINK;
	layer_unlock();
	return r;
}

long call_socket_option(int fd)
{
	long r = family_of(fd);

	return r < 0 ? r : 0;
}

/* So that who wants to ask a name server gives up at once. */
long call_bind(int fd)
{
	long r = family_of(fd);

	return r < 0 ? r : r == AF_INET ? -EADDRNOTAVAIL : 0;
}

long call_socket_refused(int fd)
{
	long r = family_of(fd);

	return r < 0 ? r : r == AF_INET ? -ENETUNREACH : -ECONNREFUSED;
}

static long list_interfaces(struct vfs *v, void *data)
{
	struct ifconf list;
	long r;

	if (!trusted_writable(data, sizeof(list)))
		return -EFAULT;
	memcpy(&list, data, sizeof(list));
	if (list.ifc_buf && (list.ifc_len < 0 || (list.ifc_len && !trusted_writable(list.ifc_buf, (size_t)list.ifc_len))))
		return -EFAULT;
	r = vfs_interface_list(v, list.ifc_buf, list.ifc_buf ? (size_t)list.ifc_len : 0);
	if (r < 0)
		return r;
	list.ifc_len = (int)r;
	memcpy(data, &list, sizeof(list));
	return 0;
}

long socket_ioctl(uint64_t request, void *data)
{
	struct ifreq req;
	struct vfs *v;
	long r = -EIO;

	if (!vfs_is_interface_request(request))
		return -ENOTTY;
	if (request != SIOCGIFCONF && !trusted_writable(data, sizeof(req)))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	v = trusted_vfs();
	if (v && request == SIOCGIFCONF) {
		r = list_interfaces(v, data);
	} else if (v) {
		memcpy(&req, data, sizeof(req));
		r = vfs_interface_request(v, request, &req);
		memcpy(data, &req, sizeof(req));
	}
	layer_unlock();
	return r;
}

long call_getsockname(int fd, void *ret, uint32_t *size)
{
	struct netlink_address a = { .family = AF_NETLINK, .pid = TRUSTED_PID };
	long r = family_of(fd);
	uint32_t room;

	if (r < 0)
		return r;
	if (r == AF_INET)
		return -EOPNOTSUPP;
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

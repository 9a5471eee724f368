// SPDX-License-Identifier: MIT
/*
 * Sockets: none that anything can be sent by. What the host's kernel tells of sockets, devices and routes by netlink
 * would be the host's word. A netlink socket can be made: questions about sockets, devices, addresses and routes are
 * answered for the guest (vfs/netlink.h); others are refused, as by a kernel without such a module. A UDP socket can
 * be asked for the guest's network devices.
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

enum {
	VECTORS_MAX = 1024, /* UIO_MAXIOV */
};

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

	if (domain != AF_NETLINK && (domain != AF_INET || (type & ~flags) != SOCK_DGRAM))
		return -EAFNOSUPPORT;
	if (!layer_lock())
		return -EAGAIN;
	f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f) + 1);
	if (f) {
		f->kind = FILE_NOBODY;
		f->is_inet = domain == AF_INET;
		f->is_answered = domain == AF_NETLINK && vfs_netlink_answers(protocol);
		vfs_netlink_init(&f->netlink, layer_alloc(), protocol);
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

static bool readable_all(const struct iovec *iov, size_t count)
{
	if (count > VECTORS_MAX || (count && !trusted_readable(iov, count * sizeof(*iov))))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len && !trusted_readable(iov[i].iov_base, iov[i].iov_len))
			return false;
	}
	return true;
}

static bool writable_all(const struct iovec *iov, size_t count)
{
	if (count > VECTORS_MAX || (count && !trusted_readable(iov, count * sizeof(*iov))))
		return false;
	for (size_t i = 0; i < count; i++) {
		if (iov[i].iov_len && !trusted_writable(iov[i].iov_base, iov[i].iov_len))
			return false;
	}
	return true;
}

/* The netlink socket that is answered, with the lock held; or why not. */
static long take_answered(int fd, struct file **ret)
{
	long r = call_socket_refused(fd);

	if (r != -ECONNREFUSED)
		return r;
	if (!layer_lock())
		return -EAGAIN;
	*ret = file_at(fd);
	if (*ret && (*ret)->kind == FILE_NOBODY && (*ret)->is_answered)
		return 0;
	layer_unlock();
	return -ECONNREFUSED;
}

long socket_read(struct file *f, void *buf, size_t size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };

	if (!f->is_answered)
		return -ECONNREFUSED;
	return vfs_netlink_receive(&f->netlink, trusted_vfs(), &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 }, 0);
}

long socket_write(struct file *f, const void *data, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	if (!f->is_answered)
		return -ECONNREFUSED;
	return vfs_netlink_send(&f->netlink, trusted_vfs(), TRUSTED_PID,
				&(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 });
}

static long send_message(int fd, const struct msghdr *msg)
{
	struct file *f;
	long r = take_answered(fd, &f);

	if (r)
		return r;
	r = vfs_netlink_send(&f->netlink, trusted_vfs(), TRUSTED_PID, msg);
	layer_unlock();
	return r;
}

static long receive_message(int fd, struct msghdr *msg, int flags)
{
	struct file *f;
	long r = take_answered(fd, &f);

	if (r)
		return r;
	r = vfs_netlink_receive(&f->netlink, trusted_vfs(), msg, flags);
	layer_unlock();
	return r;
}

long call_sendto(int fd, const void *data, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	if (!readable_all(&iov, 1))
		return -EFAULT;
	return send_message(fd, &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 });
}

long call_sendmsg(int fd, const struct msghdr *msg)
{
	if (!trusted_readable(msg, sizeof(*msg)) || !readable_all(msg->msg_iov, (size_t)msg->msg_iovlen))
		return -EFAULT;
	return send_message(fd, msg);
}

long call_recvfrom(int fd, void *buf, size_t size, int flags, void *from, uint32_t *from_size)
{
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long r;

	if (!writable_all(&iov, 1) || (from && !trusted_writable(from_size, sizeof(*from_size))) ||
	    (from && *from_size && !trusted_writable(from, *from_size)))
		return -EFAULT;
	if (from) {
		msg.msg_name = from;
		msg.msg_namelen = *from_size;
	}
	r = receive_message(fd, &msg, flags);
	if (r >= 0 && from)
		*from_size = msg.msg_namelen;
	return r;
}

long call_recvmsg(int fd, struct msghdr *msg, int flags)
{
	if (!trusted_writable(msg, sizeof(*msg)) || !writable_all(msg->msg_iov, (size_t)msg->msg_iovlen) ||
	    (msg->msg_name && msg->msg_namelen && !trusted_writable(msg->msg_name, msg->msg_namelen)))
		return -EFAULT;
	return receive_message(fd, msg, flags);
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

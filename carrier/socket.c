// SPDX-License-Identifier: MIT
/* Frames and records over a SEQPACKET socket. */
#include "carrier/socket.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "carrier/wait.h"

enum {
	/* Shells and tools use the lowest numbers, some by habit; this is still within soft limits. */
	DESCRIPTOR_MIN = 800,
	MILLISECOND = 1000000,
	DESCRIPTORS_MAX = 4, /* that are taken from a message in order to close them */
};

enum err carrier_connect(const char *path, int *socket_ret, struct err_ctx *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	int fd, high;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, ERR_INVAL, "the path of the device's socket is too long: %s", path);
	strcpy(at.sun_path, path);
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "can't make a socket");
	if (connect(fd, (struct sockaddr *)&at, sizeof(at))) {
		int why = errno;
		enum err e = why == ENOENT || why == ECONNREFUSED ? ERR_ABSENT
			     : why == EACCES || why == EPERM	  ? ERR_PERM
								  : ERR_IO;

		close(fd);
		return err_set_errno(err, e, why, "can't reach a memory device at %s", path);
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	*socket_ret = fd;
	return ERR_OK;
}

/* Wait until `events`, or the end. */
static enum err await(int socket, short events, uint64_t deadline, struct err_ctx *err)
{
	struct pollfd p = {.fd = socket, .events = events};

	for (;;) {
		uint64_t now = carrier_now(), left = deadline - now;
		int timeout = -1, ready;

		if (deadline && now >= deadline)
			return err_set(err, ERR_LIMIT, "the other end of the socket took too long");
		if (deadline)
			timeout = left / MILLISECOND < 60000 ? (int)(left / MILLISECOND) + 1 : 60000;
		ready = poll(&p, 1, timeout);
		if (ready > 0)
			return ERR_OK; /* a hang-up is told by what is tried next */
		if (ready < 0 && errno != EINTR)
			return err_set_errno(err, ERR_IO, errno, "can't wait for the socket");
	}
}

static enum err socket_error(const char *what, int why, struct err_ctx *err)
{
	if (why == EPIPE || why == ECONNRESET || why == ENOTCONN)
		return err_set(err, ERR_GONE, "the other end of the socket has ended");
	return err_set_errno(err, ERR_IO, why, "can't %s the socket", what);
}

union control {
	struct cmsghdr header; /* aligns it */
	char bytes[CMSG_SPACE(sizeof(int) * DESCRIPTORS_MAX)];
};

enum err carrier_frame_send(int socket, enum channel_frame_kind kind, const void *payload,
			    size_t size, int pass, uint64_t deadline, struct err_ctx *err)
{
	uint8_t header[CHANNEL_FRAME_HEADER_SIZE];
	struct iovec parts[2] = {
		{.iov_base = header, .iov_len = sizeof(header)},
		{.iov_base = (void *)(uintptr_t)payload, .iov_len = size},
	};
	struct msghdr message = {.msg_iov = parts, .msg_iovlen = size ? 2 : 1};
	union control control = {0};
	enum err e;

	if (size > CHANNEL_FRAME_PAYLOAD_MAX)
		return err_set(err, ERR_INVAL, "a frame of %zu bytes", size);
	channel_frame_encode(kind, size, header);
	if (pass >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(sizeof(pass));
		control.header = (struct cmsghdr){.cmsg_len = CMSG_LEN(sizeof(pass)),
						  .cmsg_level = SOL_SOCKET,
						  .cmsg_type = SCM_RIGHTS};
		memcpy(CMSG_DATA(&control.header), &pass, sizeof(pass));
	}
	for (;;) {
		if (sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0)
			return ERR_OK;
		if (errno == EINTR)
			continue;
		if (errno != EAGAIN)
			return socket_error("write to", errno, err);
		e = await(socket, POLLOUT, deadline, err);
		if (e)
			return e;
	}
}

/* The first descriptor that came along, or -1; all others are closed. */
static int take_descriptor(struct msghdr *message)
{
	int first = -1;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
			if (first < 0)
				first = fd;
			else
				close(fd);
		}
	}
	return first;
}

enum err carrier_frame_receive(int socket, uint64_t deadline, struct carrier_frame *ret,
			       struct err_ctx *err)
{
	struct iovec whole = {.iov_base = ret->bytes, .iov_len = sizeof(ret->bytes)};
	union control control;
	struct msghdr message;
	bool reset = false;
	ssize_t got;
	enum err e;

	for (;;) {
		message = (struct msghdr){.msg_iov = &whole,
					  .msg_iovlen = 1,
					  .msg_control = control.bytes,
					  .msg_controllen = sizeof(control.bytes)};
		got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
		if (got >= 0)
			break;
		if (errno == EINTR)
			continue;
		/* The peer ended without reading everything; what it said last can still be read. */
		if (errno == ECONNRESET && !reset) {
			reset = true;
			continue;
		}
		if (errno != EAGAIN)
			return socket_error("read from", errno, err);
		e = await(socket, POLLIN, deadline, err);
		if (e)
			return e;
	}
	if (got == 0)
		return err_set(err, ERR_GONE, "the other end of the socket has ended");
	ret->fd = take_descriptor(&message);
	if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		e = err_set(err, ERR_CORRUPT, "a frame is too large");
	else
		e = channel_frame_decode(ret->bytes, (size_t)got, &ret->kind, &ret->payload,
					 &ret->size, err);
	if (e && ret->fd >= 0) {
		close(ret->fd);
		ret->fd = -1;
	}
	return e;
}

static enum err transport_send(struct sealed_transport *t, enum channel_frame_kind kind,
			       const void *bytes, size_t size, struct err_ctx *err)
{
	struct carrier_socket *s = (struct carrier_socket *)t;

	return carrier_frame_send(s->fd, kind, bytes, size, -1, carrier_now() + s->timeout_ns, err);
}

static enum err transport_receive(struct sealed_transport *t, enum channel_frame_kind *kind_ret,
				  void *buf, size_t *size_ret, struct err_ctx *err)
{
	struct carrier_socket *s = (struct carrier_socket *)t;
	enum err e = carrier_frame_receive(s->fd, carrier_now() + s->timeout_ns, &s->frame, err);

	if (e)
		return e;
	if (s->passed >= 0)
		close(s->passed);
	s->passed = s->frame.fd;
	memcpy(buf, s->frame.payload, s->frame.size);
	*kind_ret = s->frame.kind;
	*size_ret = s->frame.size;
	return ERR_OK;
}

void carrier_socket_init(struct carrier_socket *s, int fd, uint64_t timeout_ns)
{
	s->transport = (struct sealed_transport){
		.send = transport_send, .receive = transport_receive, .queues = true};
	s->fd = fd;
	s->timeout_ns = timeout_ns;
	s->passed = -1;
	s->frame.payload = NULL;
	s->frame.size = 0;
	s->frame.fd = -1;
}

void carrier_socket_deinit(struct carrier_socket *s)
{
	if (s->passed >= 0)
		close(s->passed);
	close(s->fd);
	s->passed = s->fd = -1;
}

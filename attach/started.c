// SPDX-License-Identifier: MIT
/* See attach/start.h: the side that was started. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "attach/start.h"

enum {
	DESCRIPTOR_MIN = 800, /* as that of sessions: above what tools count on */
	PATIENCE_MS = 10000, /* somebody may have stopped who started us */
};

int attach_start_inherited(void)
{
	const char *text = getenv(ATTACH_ENV_START);
	int pid = 0, fd = 0;

	if (!text)
		return 0;
	/* a number of somebody else's process would be any descriptor here */
	if (sscanf(text, "%d.%d", &pid, &fd) != 2 || pid != getppid() || fd <= STDERR_FILENO ||
	    fcntl(fd, F_SETFD, FD_CLOEXEC) < 0)
		fd = 0;
	unsetenv(ATTACH_ENV_START);
	return fd;
}

bool attach_start_receive(int descriptor, struct attach_start_message *ret, int *socket_ret)
{
	union {
		struct cmsghdr header;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = control.bytes,
				 .msg_controllen = sizeof(control.bytes)};
	struct pollfd p = {.fd = descriptor, .events = POLLIN};
	struct cmsghdr *c;
	ssize_t n;
	int fd;

	do
		n = poll(&p, 1, PATIENCE_MS);
	while (n < 0 && errno == EINTR);
	n = n == 1 ? recvmsg(descriptor, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) : -1;
	c = n > 0 ? CMSG_FIRSTHDR(&message) : NULL;
	if (!c || c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS ||
	    c->cmsg_len != CMSG_LEN(sizeof(fd)))
		return false;
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	if (n != sizeof(*ret) || ret->version != ATTACH_START_VERSION) {
		close(fd);
		return false;
	}
	*socket_ret = fcntl(fd, F_DUPFD_CLOEXEC, DESCRIPTOR_MIN);
	if (*socket_ret < 0)
		*socket_ret = fd;
	else
		close(fd);
	return true;
}

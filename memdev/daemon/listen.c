// SPDX-License-Identifier: MIT
/* See listen.h. systemd's two protocols are a few lines each and documented to stay. */
#include "listen.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum {
	FIRST = 3, /* descriptor that is handed over */
	BACKLOG = 64,
};

static bool listens(int fd, int type)
{
	int value = 0, accepting = 0;
	socklen_t size = sizeof(value);

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &value, &size) == 0 && value == type &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &accepting, &size) == 0 && accepting;
}

enum err listen_inherited(const char *name, int type, int *ret, struct err_ctx *err)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	const char *names = getenv("LISTEN_FDNAMES");
	int fds;

	if (!pid || !count || atoi(pid) != getpid())
		return ERR_ABSENT;
	fds = atoi(count);
	for (int i = 0; i < fds && i < 16; i++) {
		size_t size = names ? strcspn(names, ":") : 0;
		bool match = names && size == strlen(name) && strncmp(names, name, size) == 0;

		if (match) {
			if (!listens(FIRST + i, type))
				return err_set(err, ERR_INVAL,
					       "the socket \"%s\" handed over is of another kind",
					       name);
			fcntl(FIRST + i, F_SETFD, FD_CLOEXEC);
			*ret = FIRST + i;
			return ERR_OK;
		}
		if (names)
			names += size + (names[size] == ':');
	}
	return ERR_ABSENT;
}

static enum err make_folder(const char *path, struct err_ctx *err)
{
	char copy[PATH_MAX];
	const char *folder;

	snprintf(copy, sizeof(copy), "%s", path);
	folder = dirname(copy);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return err_set_errno(err, ERR_IO, errno, "can't make %.150s", folder);
	return ERR_OK;
}

/* Somebody's? A socket file whose maker has ended refuses connections. */
static bool in_use(const struct sockaddr_un *at, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	bool used = fd >= 0 && connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0;

	if (fd >= 0 && !used)
		used = errno == EAGAIN; /* its queue is full */
	if (fd >= 0)
		close(fd);
	return used;
}

enum err listen_at(const char *path, int type, mode_t mode, int *ret, struct err_ctx *err)
{
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	struct stat st;
	mode_t before;
	enum err e;
	int fd, failed;

	if (strlen(path) >= sizeof(at.sun_path))
		return err_set(err, ERR_INVAL, "the path of a socket is too long: %.120s", path);
	strcpy(at.sun_path, path);
	e = make_folder(path, err);
	if (e)
		return e;
	if (lstat(path, &st) == 0) {
		if (!S_ISSOCK(st.st_mode))
			return err_set(err, ERR_INVAL, "%.150s is there and no socket", path);
		if (in_use(&at, type))
			return err_set(err, ERR_INVAL, "somebody listens at %.150s already", path);
		unlink(path);
	}
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return err_set_errno(err, ERR_IO, errno, "can't make a socket");
	/* it has its mode from the start */
	before = umask(0777 & ~mode);
	failed = bind(fd, (struct sockaddr *)&at, sizeof(at));
	umask(before);
	if (failed < 0 || listen(fd, BACKLOG) < 0) {
		e = err_set_errno(err, errno == EACCES ? ERR_PERM : ERR_IO, errno,
				  "can't listen at %.150s", path);
		close(fd);
		return e;
	}
	*ret = fd;
	return ERR_OK;
}

void listen_ready(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	static const char message[] = "READY=1";
	size_t size;
	int fd;

	if (!path || (path[0] != '/' && path[0] != '@') || strlen(path) >= sizeof(at.sun_path))
		return;
	strcpy(at.sun_path, path);
	size = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@')
		at.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	(void)!sendto(fd, message, sizeof(message) - 1, MSG_NOSIGNAL, (struct sockaddr *)&at,
		      (socklen_t)size);
	close(fd);
}

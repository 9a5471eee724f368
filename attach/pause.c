// SPDX-License-Identifier: MIT
/*
 * See attach/pause.h. The watchdog waits for the end of a pipe whose other end we hold: it is there
 * before the VMM is stopped, and outlives us. It leaves our session, so that a signal to the
 * terminal's foreground group (Ctrl-C) doesn't take it along.
 */
#include "attach/pause.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	STOP_MS = 5000, /* a VMM that hasn't stopped by then is stuck in the kernel */
};

struct pause {
	int pidfd;
	int alarm;	/* closing it makes the watchdog continue the VMM */
	pid_t watchdog; /* 0: the VMM was stopped before, there is nothing to undo */
};

/* Does this thread stand still (or is it gone)? */
static bool thread_stopped(pid_t pid, const char *tid)
{
	char path[320], buf[512];
	const char *name_end;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/task/%s/stat", (int)pid, tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return true;
	n = read(fd, buf, sizeof(buf) - 1);
	close(fd);
	if (n <= 0)
		return true;
	buf[n] = '\0';
	name_end = strrchr(buf, ')');
	return name_end && name_end[1] == ' ' && strchr("TtXZ", name_end[2]);
}

/* Do all threads? The virtual CPUs stop one by one. */
static bool is_stopped(pid_t pid)
{
	char path[64];
	bool stopped = true;
	struct dirent *d;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		return false;
	while (stopped && (d = readdir(dir)))
		if (d->d_name[0] != '.')
			stopped = thread_stopped(pid, d->d_name);
	closedir(dir);
	return stopped;
}

static int send_signal(int pidfd, int sig)
{
	return (int)syscall(SYS_pidfd_send_signal, pidfd, sig, NULL, 0);
}

static void __attribute__((noreturn)) watch(int pidfd, int alarm)
{
	sigset_t all;
	char byte;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	setsid();
	/* hold nothing open that somebody may wait for the end of */
	if (dup2(pidfd, 0) == 0 && dup2(alarm, 1) == 1)
		syscall(SYS_close_range, 2, ~0u, 0);
	while (read(1, &byte, 1) < 0 && errno == EINTR)
		;
	send_signal(0, SIGCONT);
	_exit(0);
}

enum err pause_begin(pid_t pid, struct pause **ret, struct err_ctx *err)
{
	struct pause *p = calloc(1, sizeof(*p));
	struct timespec nap = {.tv_nsec = 200 * 1000};
	int ends[2] = {-1, -1};
	enum err e;

	if (!p)
		return err_set(err, ERR_NOMEM, "out of memory");
	p->alarm = -1;
	p->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (p->pidfd < 0) {
		e = errno == ESRCH ? err_set(err, ERR_GONE, "the virtual machine has ended")
				   : err_set_errno(err, ERR_IO, errno, "can't watch process %d",
						   (int)pid);
		goto fail;
	}
	if (is_stopped(pid)) {
		*ret = p;
		return ERR_OK;
	}
	if (pipe2(ends, O_CLOEXEC) < 0 || (p->watchdog = fork()) < 0) {
		p->watchdog = 0;
		e = err_set_errno(err, ERR_IO, errno, "can't start the pause's watchdog");
		goto fail;
	}
	if (p->watchdog == 0) {
		close(ends[1]);
		watch(p->pidfd, ends[0]);
	}
	close(ends[0]);
	ends[0] = -1;
	p->alarm = ends[1];
	ends[1] = -1;
	if (send_signal(p->pidfd, SIGSTOP) < 0) {
		e = errno == EPERM ? err_set_errno(err, ERR_PERM, errno,
						   "can't pause process %d: be its user, or have "
						   "CAP_KILL (root has)",
						   (int)pid)
				   : err_set(err, ERR_GONE, "the virtual machine has ended");
		goto fail;
	}
	for (int us = 0; !is_stopped(pid); us += 200) {
		if (us > STOP_MS * 1000) {
			e = err_set(err, ERR_IO, "process %d doesn't stop", (int)pid);
			goto fail;
		}
		nanosleep(&nap, NULL);
	}
	*ret = p;
	return ERR_OK;
fail:
	if (ends[0] >= 0)
		close(ends[0]);
	if (ends[1] >= 0)
		close(ends[1]);
	pause_end(p);
	return e;
}

void pause_end(struct pause *p)
{
	if (!p)
		return;
	if (p->alarm >= 0)
		close(p->alarm);
	if (p->watchdog > 0)
		while (waitpid(p->watchdog, NULL, 0) < 0 && errno == EINTR)
			;
	if (p->pidfd >= 0)
		close(p->pidfd);
	free(p);
}

// SPDX-License-Identifier: MIT
/*
 * The guest's end of `guests/exec`: one process per channel, one command at a time on it. It runs
 * the command with pipes and carries bytes both ways in the frames of wire.h.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "wire.h"

#define COMMAND_MAX (1 << 20)

struct agent {
	int port;
	pid_t child; /* 0: none */
	int child_exec; /* reports a failed exec; closed by a successful one */
	int child_in, child_out, child_err; /* -1: closed */
	char *command; /* argument strings so far, each NUL-terminated */
	size_t command_size;
	/* standard input not yet taken by the child; we read no frames while there is some */
	char pending[WIRE_HOST_MAX];
	size_t pending_at, pending_size;
	/* frame being read */
	char input[sizeof(struct wire_header) + WIRE_HOST_MAX];
	size_t input_size;
};

static void put(int fd, const void *data, size_t size)
{
	const char *at = data;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n > 0) {
			at += n;
			size -= n;
		} else if (n < 0 && errno == EAGAIN) {
			struct pollfd p = { .fd = fd, .events = POLLOUT };

			poll(&p, 1, 100);
		} else if (n < 0 && errno != EINTR) {
			return; /* the host went away; the next SYNC starts afresh */
		}
	}
}

/* frame: room for a header, then `length` payload bytes; sent in one write. */
static void send_frame(struct agent *a, char *frame, uint32_t type, uint32_t length)
{
	struct wire_header header = { WIRE_MAGIC, type, length };

	memcpy(frame, &header, sizeof(header));
	put(a->port, frame, sizeof(header) + length);
}

static void send_small(struct agent *a, uint32_t type, const void *payload, uint32_t length)
{
	char frame[sizeof(struct wire_header) + 64];

	memcpy(frame + sizeof(struct wire_header), payload, length);
	send_frame(a, frame, type, length);
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void reset(struct agent *a)
{
	if (a->child > 0) {
		kill(-a->child, SIGKILL);
		kill(a->child, SIGKILL);
		while (waitpid(a->child, NULL, 0) < 0 && errno == EINTR)
			;
	}
	a->child = 0;
	close_fd(&a->child_exec);
	close_fd(&a->child_in);
	close_fd(&a->child_out);
	close_fd(&a->child_err);
	free(a->command);
	a->command = NULL;
	a->command_size = 0;
	a->pending_at = a->pending_size = 0;
}

static void append_command(struct agent *a, const char *data, size_t size)
{
	char *bigger;

	if (a->command_size + size > COMMAND_MAX)
		return;
	bigger = realloc(a->command, a->command_size + size);
	if (!bigger)
		return;
	memcpy(bigger + a->command_size, data, size);
	a->command = bigger;
	a->command_size += size;
}

static void run_child(struct agent *a, int report, int in, int out, int err)
{
	sigset_t none;
	size_t count = 0;
	char **argv;

	for (size_t i = 0; i < a->command_size; i++)
		count += a->command[i] == '\0';
	argv = calloc(count + 1, sizeof(*argv));
	if (!argv || !count || a->command[a->command_size - 1] != '\0')
		errno = EINVAL;
	else {
		size_t at = 0;

		for (size_t i = 0; i < count; i++) {
			argv[i] = a->command + at;
			at += strlen(argv[i]) + 1;
		}
		setsid();
		dup2(in, 0);
		dup2(out, 1);
		dup2(err, 2);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		if (chdir("/root"))
			chdir("/");
		execvp(argv[0], argv);
	}
	put(report, &errno, sizeof(errno));
	_exit(127);
}

static void start(struct agent *a)
{
	int in[2] = { -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 }, report[2] = { -1, -1 };

	if (a->child)
		return;
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC) ||
	    pipe2(report, O_CLOEXEC) || (a->child = fork()) < 0) {
		uint32_t number = errno;

		a->child = 0;
		send_small(a, WIRE_FAILED, &number, sizeof(number));
		for (int i = 0; i < 2; i++) {
			close_fd(&in[i]);
			close_fd(&out[i]);
			close_fd(&err[i]);
			close_fd(&report[i]);
		}
		return;
	}
	if (!a->child)
		run_child(a, report[1], in[0], out[1], err[1]);
	close(in[0]);
	close(out[1]);
	close(err[1]);
	close(report[1]);
	a->child_in = in[1];
	a->child_out = out[0];
	a->child_err = err[0];
	a->child_exec = report[0];
	fcntl(a->child_in, F_SETFL, O_NONBLOCK);
	fcntl(a->child_out, F_SETFL, O_NONBLOCK);
	fcntl(a->child_err, F_SETFL, O_NONBLOCK);
	fcntl(a->child_out, F_SETPIPE_SZ, 1 << 20);
}

static void take_frame(struct agent *a, const struct wire_header *h, const char *payload)
{
	switch (h->type) {
	case WIRE_SYNC:
		reset(a);
		if (h->length == WIRE_NONCE_SIZE)
			send_small(a, WIRE_READY, payload, WIRE_NONCE_SIZE);
		break;
	case WIRE_COMMAND:
		append_command(a, payload, h->length);
		break;
	case WIRE_START:
		start(a);
		break;
	case WIRE_STDIN:
		if (a->child_in >= 0) {
			memcpy(a->pending, payload, h->length);
			a->pending_at = 0;
			a->pending_size = h->length;
		}
		break;
	case WIRE_STDIN_END:
		close_fd(&a->child_in);
		break;
	}
}

/* Takes whole frames from the front of the input; a byte that can't start one is skipped. */
static void take_input(struct agent *a)
{
	size_t at = 0;

	while (!a->pending_size && a->input_size - at >= sizeof(struct wire_header)) {
		struct wire_header h;

		memcpy(&h, a->input + at, sizeof(h));
		if (h.magic != WIRE_MAGIC || h.length > WIRE_HOST_MAX) {
			at++;
			continue;
		}
		if (a->input_size - at < sizeof(h) + h.length)
			break;
		at += sizeof(h) + h.length;
		take_frame(a, &h, a->input + at - h.length);
	}
	memmove(a->input, a->input + at, a->input_size - at);
	a->input_size -= at;
}

/* Sends what the pipe holds, at most `rounds` frames of it; closes it at its end. */
static void forward(struct agent *a, int *fd, uint32_t type, int rounds)
{
	static char frame[sizeof(struct wire_header) + WIRE_GUEST_MAX];

	while (*fd >= 0 && rounds-- > 0) {
		ssize_t n = read(*fd, frame + sizeof(struct wire_header), WIRE_GUEST_MAX);

		if (n > 0)
			send_frame(a, frame, type, n);
		else if (n == 0 || (errno != EAGAIN && errno != EINTR))
			close_fd(fd);
		else
			return;
	}
}

static void finish(struct agent *a)
{
	uint32_t number;
	int status;

	if (!a->child || waitpid(a->child, &status, WNOHANG) != a->child)
		return;
	a->child = 0; /* reaped: nothing to kill any more */
	if (read(a->child_exec, &number, sizeof(number)) == sizeof(number)) {
		send_small(a, WIRE_FAILED, &number, sizeof(number));
	} else {
		/* what it wrote, but not what children that it left behind may yet write */
		forward(a, &a->child_out, WIRE_STDOUT, 1 << 10);
		forward(a, &a->child_err, WIRE_STDERR, 1 << 10);
		number = status;
		send_small(a, WIRE_EXIT, &number, sizeof(number));
	}
	reset(a);
}

static void flush_stdin(struct agent *a)
{
	ssize_t n = write(a->child_in, a->pending + a->pending_at, a->pending_size);

	if (n > 0) {
		a->pending_at += n;
		a->pending_size -= n;
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		a->pending_size = 0;
		close_fd(&a->child_in);
	}
}

static void serve(struct agent *a, int child_signal)
{
	for (;;) {
		struct pollfd p[5] = {
			{ .fd = a->pending_size ? -1 : a->port, .events = POLLIN },
			{ .fd = a->child_out, .events = POLLIN },
			{ .fd = a->child_err, .events = POLLIN },
			{ .fd = a->pending_size ? a->child_in : -1, .events = POLLOUT },
			{ .fd = child_signal, .events = POLLIN },
		};

		if (poll(p, 5, -1) < 0)
			continue;
		if (p[4].revents) {
			char drain[64];

			while (read(child_signal, drain, sizeof(drain)) > 0)
				;
		}
		if (p[1].revents)
			forward(a, &a->child_out, WIRE_STDOUT, 1);
		if (p[2].revents)
			forward(a, &a->child_err, WIRE_STDERR, 1);
		if (p[3].revents)
			flush_stdin(a);
		if (p[0].revents & POLLIN) {
			ssize_t n = read(a->port, a->input + a->input_size,
					 sizeof(a->input) - a->input_size);

			if (n > 0)
				a->input_size += n;
		}
		/* the host's end is a FIFO and never closes; don't spin should it ever */
		if (p[0].revents & (POLLHUP | POLLERR))
			usleep(100 * 1000);
		take_input(a);
		finish(a);
	}
}

static int signal_pipe[2];

static void on_child(int number)
{
	int saved = errno;

	(void)number;
	(void)!write(signal_pipe[1], "", 1);
	errno = saved;
}

static void make_raw(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t))
		return;
	cfmakeraw(&t);
	cfsetspeed(&t, B115200);
	t.c_cflag |= CLOCAL;
	tcsetattr(fd, TCSANOW, &t);
}

int main(int argc, char **argv)
{
	static struct agent a = { .child_exec = -1, .child_in = -1, .child_out = -1, .child_err = -1 };
	struct sigaction action = { .sa_handler = on_child, .sa_flags = SA_RESTART };

	if (argc != 2)
		return 2;
	a.port = open(argv[1], O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	if (a.port < 0) {
		fprintf(stderr, "scw-agent: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	if (isatty(a.port))
		make_raw(a.port);
	if (pipe2(signal_pipe, O_CLOEXEC | O_NONBLOCK))
		return 1;
	sigaction(SIGCHLD, &action, NULL);
	signal(SIGPIPE, SIG_IGN);
	serve(&a, signal_pipe[0]);
	return 0;
}

// SPDX-License-Identifier: MIT
/* The load program's frame: scenarios, and how its processes come to be. See load.h. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#define SELF "/usr/lib/scwatcher/load"
#define NOTES "/run/scwatcher-load.notes"
#define ROLE_FD 3
#define READY_FD 4
#define ROLE_MAGIC "SCWROLE:"
#define READY_TIMEOUT_MS (120 * 1000)

int load_argc;
char **load_argv;

static const char *current = "load";
static int failures; /* roles that did not come to be: more than a refused detail */

void load_note(const char *format, ...)
{
	char line[512];
	int at = snprintf(line, sizeof(line), "%s: ", current);
	va_list args;
	int fd;

	va_start(args, format);
	at += vsnprintf(line + at, sizeof(line) - at, format, args);
	va_end(args);
	if (at > (int)sizeof(line) - 2)
		at = sizeof(line) - 2;
	line[at++] = '\n';
	fd = open(NOTES, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
	if (fd >= 0) {
		(void)!write(fd, line, at);
		close(fd);
	}
}

long load_try(long result, const char *what)
{
	if (result < 0)
		load_note("%s: %s", what, strerror(errno));
	return result;
}

void load_write(const char *path, const char *format, ...)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	va_list args;

	va_start(args, format);
	if (fd < 0 || vdprintf(fd, format, args) < 0)
		load_note("write %s: %s", path, strerror(errno));
	va_end(args);
	if (fd >= 0)
		close(fd);
}

void load_shell(const char *format, ...)
{
	char command[8192];
	va_list args;
	int status;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	status = system(command);
	if (status)
		load_note("status %d of: %s", status, command);
}

void load_program(const char *path)
{
	char parent[512];

	for (const char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		snprintf(parent, sizeof(parent), "%.*s", (int)(slash - path), path);
		mkdir(parent, 0755);
	}
	if (link(SELF, path) && errno != EEXIST)
		load_note("link %s: %s", path, strerror(errno));
}

static int wait_ready(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char byte;

	return poll(&p, 1, READY_TIMEOUT_MS) == 1 && read(fd, &byte, 1) == 1 ? 0 : -1;
}

pid_t load_keep_exec(const char *role, const char *argument, const char *path, char *const argv[],
		     char *const envp[])
{
	static char *const usual[] = { "PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", NULL };
	int role_pipe[2], ready_pipe[2];
	char message[256];
	pid_t pid;

	load_program(path);
	if (pipe2(role_pipe, O_CLOEXEC) || pipe2(ready_pipe, O_CLOEXEC)) {
		load_note("pipe: %s", strerror(errno));
		return -1;
	}
	snprintf(message, sizeof(message), ROLE_MAGIC "%s:%s", role, argument);
	(void)!write(role_pipe[1], message, strlen(message) + 1);
	pid = fork();
	if (!pid) {
		int from = fcntl(role_pipe[0], F_DUPFD, 10);
		int to = fcntl(ready_pipe[1], F_DUPFD, 10);

		dup2(from, ROLE_FD);
		dup2(to, READY_FD);
		for (int fd = READY_FD + 1; fd < 64; fd++)
			close(fd);
		execve(path, argv, envp ? envp : usual);
		load_note("exec %s: %s", path, strerror(errno));
		_exit(127);
	}
	close(role_pipe[0]);
	close(role_pipe[1]);
	close(ready_pipe[1]);
	if (pid < 0 || wait_ready(ready_pipe[0])) {
		failures++;
		load_note("role %s(%s) did not get ready", role, argument);
	}
	close(ready_pipe[0]);
	return pid;
}

pid_t load_keep(const char *role, const char *argument, const char *title)
{
	char path[128], word[64];
	char *argv[] = { (char *)title, NULL };

	snprintf(word, sizeof(word), "%s", title);
	word[strcspn(word, " :/")] = '\0';
	snprintf(path, sizeof(path), "/usr/local/sbin/%s", word);
	return load_keep_exec(role, argument, path, argv, NULL);
}

void load_detach(void)
{
	static bool detached;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; fd < 3; fd++)
		dup2(null, fd);
	if (null > 2)
		close(null);
	if (!detached) {
		close(ROLE_FD);
		close(READY_FD);
	}
	detached = true;
}

void load_ready(void)
{
	(void)!write(READY_FD, "r", 1);
	load_detach();
}

void load_hold(void)
{
	for (;;)
		pause();
}

pid_t load_fork(void)
{
	pid_t pid = fork();

	if (!pid)
		load_detach();
	return pid;
}

pid_t load_child(void (*fn)(void *), void *arg)
{
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = load_fork();
	if (!pid) {
		close(ready[0]);
		fn(arg);
		(void)!write(ready[1], "r", 1);
		close(ready[1]);
		load_hold();
	}
	close(ready[1]);
	if (pid < 0 || wait_ready(ready[0]))
		load_note("a child did not get ready");
	close(ready[0]);
	return pid;
}

/* If this process was started as a role: runs it and never returns. */
static void run_as_role(void)
{
	static const struct load_role *const tables[] = {
		load_task_roles,   load_file_roles,	 load_tcp_roles,
		load_socket_roles, load_container_roles, load_bulk_roles,
	};
	static char message[256];
	struct stat st;
	char *name, *argument;

	if (fstat(ROLE_FD, &st) || !S_ISFIFO(st.st_mode) || fstat(READY_FD, &st) ||
	    !S_ISFIFO(st.st_mode))
		return;
	if (read(ROLE_FD, message, sizeof(message) - 1) <= 0 ||
	    strncmp(message, ROLE_MAGIC, strlen(ROLE_MAGIC)))
		return;
	name = message + strlen(ROLE_MAGIC);
	argument = strchr(name, ':');
	*argument++ = '\0';
	current = name;
	umask(022);
	setsid();
	for (size_t i = 0; i < LOAD_COUNT(tables); i++)
		for (const struct load_role *r = tables[i]; r->name; r++)
			if (!strcmp(r->name, name)) {
				r->run(argument);
				load_ready();
				load_hold();
			}
	_exit(127);
}

/* What wakes up by itself, now and then, for no purpose here. */
static void calm(void)
{
	static const char *const settings[][2] = {
		{ "/proc/sys/vm/stat_interval", "600" },
		{ "/proc/sys/vm/dirty_writeback_centisecs", "0" },
		{ "/proc/sys/vm/compaction_proactiveness", "0" },
		{ "/proc/sys/kernel/hung_task_timeout_secs", "0" },
		{ "/proc/sys/kernel/soft_watchdog", "0" },
	};

	for (size_t i = 0; i < LOAD_COUNT(settings); i++) {
		int fd = open(settings[i][0], O_WRONLY | O_CLOEXEC);

		if (fd >= 0) {
			(void)!write(fd, settings[i][1], strlen(settings[i][1]));
			close(fd);
		}
	}
}

static unsigned long context_switches(void)
{
	static char text[1 << 16];
	int fd = open("/proc/stat", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text) - 1) : 0;
	char *at;

	if (fd >= 0)
		close(fd);
	text[n > 0 ? n : 0] = '\0';
	at = strstr(text, "\nctxt ");
	return at ? strtoul(at + 6, NULL, 10) : 0;
}

/*
 * Waits until the machine is as idle as it gets: late timers, reports and work items are through. Some
 * kernels (real-time ones) never get as quiet as others: then no longer getting quieter will do.
 */
static void settle(void)
{
	unsigned long last = 0;
	int quiet = 0;

	for (int i = 0; i < 60 && quiet < 6; i++) {
		struct timespec half = { 0, 500 * 1000 * 1000 };
		unsigned long count = context_switches();

		nanosleep(&half, NULL);
		count = context_switches() - count;
		quiet = count < 40 || (i > 10 && count * 5 > last * 4) ? quiet + 1 : 0;
		last = count;
	}
}

static void stock(void)
{
	load_mounts();
	load_interfaces();
	load_tcp();
	load_sockets();
	load_tasks();
	load_files();
	load_container();
}

static void large(void)
{
	load_small();
	load_large();
}

static void huge(void)
{
	load_small();
	load_huge();
}

static const struct {
	const char *name;
	void (*lay_out)(void);
	int idle;
} scenarios[] = {
	{ "small", load_small, 1 },
	{ "stock", stock, 1 },
	{ "large", large, 1 },
	{ "huge", huge, 1 },
	{ "churn", load_churn, 0 },
};

/* What a guest of one CPU has without more. */
enum {
	SMALL_TASKS = 65,
	SMALL_SOCKETS = 11,
};

int main(int argc, char **argv)
{
	load_argc = argc;
	load_argv = argv;
	run_as_role();
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; argc == 2 && i < LOAD_COUNT(scenarios); i++) {
		if (strcmp(argv[1], scenarios[i].name))
			continue;
		if (scenarios[i].idle)
			calm();
		scenarios[i].lay_out();
		if (scenarios[i].idle)
			settle();
		if (failures)
			load_shell("cat " NOTES " >&2");
		return failures > 0;
	}
	int tasks, sockets;

	if (argc == 2 && sscanf(argv[1], "sized:%d:%d", &tasks, &sockets) == 2) {
		calm();
		load_small();
		load_sized(tasks - SMALL_TASKS, sockets - SMALL_SOCKETS);
		settle();
		return failures > 0;
	}
	fputs("usage: load small|stock|large|huge|sized:TASKS:SOCKETS|churn\n", stderr);
	return 2;
}

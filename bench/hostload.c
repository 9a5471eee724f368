// SPDX-License-Identifier: MIT
/*
 * A host machine of a given size to compare with: in namespaces of its own (PID, network, mounts),
 * TASKS sleeping processes and SOCKETS TCP sockets over its own loopback, nearly all of them
 * established, with a fresh /proc. LIST has users and arguments of the tasks, as a tool that shows these
 * takes the longer for it. Prints the PID whose namespaces to enter, then sleeps until its standard input ends.
 *
 *	hostload TASKS SOCKETS [LIST]
 */
#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PER_LISTENER = 20000, FIRST_PORT = 20000, FILES_SPARE = 64 };

#define HOLD "HOSTLOAD_HOLD" /* in the environment of a task that is there already */

static void __attribute__((noreturn)) hold(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;)
		pause();
}

static void loopback_up(void)
{
	struct ifreq request = {.ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	strcpy(request.ifr_name, "lo");
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		err(1, "can't bring the loopback up");
	close(fd);
}

/* `count` sockets, the listener included: each connection over loopback is two of them. */
static void make_connections(int port, int count)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr = {htonl(INADDR_LOOPBACK)},
				 .sin_port = htons(port)};
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	if (listener < 0 || bind(listener, (struct sockaddr *)&to, sizeof(to)) ||
	    listen(listener, 1024))
		err(1, "listener");
	for (int made = 1; made + 1 < count; made += 2) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) ||
		    accept(listener, NULL, NULL) < 0)
			err(1, "connection %d", made / 2);
	}
}

/* Spread over as many processes as the limit of open files asks for: how many those are. */
static int make_sockets(int count)
{
	struct rlimit files;
	int holders = 0;

	if (getrlimit(RLIMIT_NOFILE, &files))
		err(1, "can't tell the limit of open files");
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "can't raise the limit of open files");
	for (int made = 0; made < count; holders++) {
		int each = count - made, ready[2];
		pid_t child;
		char c;

		if (each > PER_LISTENER)
			each = PER_LISTENER;
		if ((rlim_t)each + FILES_SPARE > files.rlim_max)
			each = (int)files.rlim_max - FILES_SPARE;
		if (pipe(ready) || (child = fork()) < 0)
			err(1, "fork of a holder of sockets");
		if (!child) {
			make_connections(FIRST_PORT + holders, each);
			if (write(ready[1], "r", 1) != 1)
				err(1, "write");
			hold();
		}
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			exit(1);
		close(ready[0]);
		made += each;
	}
	return holders;
}

/* The bytes that `hex` spells, in place; how many. */
static size_t unhex(char *hex)
{
	size_t n = 0;
	unsigned int byte;

	while (sscanf(hex + 2 * n, "%2x", &byte) == 1) {
		hex[n] = (char)byte;
		n++;
	}
	return n;
}

/* Become a task of that user with these arguments, each ended by NUL. */
static void exec_task(int self, unsigned int user, char *text, size_t size)
{
	char *const environment[] = {HOLD "=1", NULL};
	char **args = calloc(size + 2, sizeof(*args));
	int count = 0;

	if (!args)
		err(1, "arguments of a task");
	for (char *arg = text; arg < text + size || !count; arg += strlen(arg) + 1)
		args[count++] = arg;
	if (setresuid(user, user, user))
		err(1, "task of user %u", user);
	syscall(SYS_execveat, self, "", args, environment, AT_EMPTY_PATH);
	err(1, "exec of a task");
}

/* `count` tasks, as the lines of `list` say: "USER HEX", HEX being the arguments. Then the last again. */
static void make_tasks(int count, FILE *list)
{
	int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	unsigned int user = 0;
	size_t room = 0, size = 0;
	char *line = NULL;
	int at = 0;

	for (int i = 0; i < count; i++) {
		pid_t child;

		if (list && getline(&line, &room, list) > 0) {
			if (sscanf(line, "%u %n", &user, &at) != 1)
				errx(1, "what kind of task is that: %.40s", line);
			size = unhex(line + at);
			line[at + size] = '\0';
		}
		child = fork();
		if (child < 0)
			err(1, "fork of task %d", i);
		if (child)
			continue;
		if (line)
			exec_task(self, user, line + at, size);
		hold();
	}
	free(line);
	close(self);
}

int main(int argc, char **argv)
{
	int tasks = argc > 2 ? atoi(argv[1]) : -1, sockets = argc > 2 ? atoi(argv[2]) : -1;
	FILE *list = NULL;
	int ready[2];
	pid_t first;
	char c;

	if (getenv(HOLD))
		hold();
	if (tasks < 0 || sockets < 0 || argc > 4)
		errx(2, "usage: hostload TASKS SOCKETS [LIST]");
	if (argc == 4 && !(list = fopen(argv[3], "re")))
		err(1, "%s", argv[3]);
	if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS))
		err(1, "can't make namespaces (needs root)");
	if (pipe(ready))
		err(1, "pipe");
	first = fork();
	if (first < 0)
		err(1, "fork");
	if (!first) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		    mount("proc", "/proc", "proc", 0, NULL))
			err(1, "can't mount /proc");
		loopback_up();
		make_tasks(tasks - make_sockets(sockets), list);
		if (write(ready[1], "r", 1) != 1)
			err(1, "write");
		hold();
	}
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		errx(1, "could not lay out %d tasks and %d sockets", tasks, sockets);
	printf("%d\n", first);
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * A host machine of a given size to compare with: in namespaces of its own (PID, network, mounts),
 * TASKS sleeping processes and SOCKETS TCP sockets over its own loopback, nearly all of them
 * established, with a fresh /proc. Prints the PID whose namespaces to enter, then sleeps until its standard input ends.
 *
 *	hostload TASKS SOCKETS
 */
#include <arpa/inet.h>
#include <err.h>
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
#include <sys/wait.h>
#include <unistd.h>

enum { PER_LISTENER = 20000, FIRST_PORT = 20000, FILES_SPARE = 64 };

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
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			make_connections(FIRST_PORT + holders, each);
			if (write(ready[1], "r", 1) != 1)
				err(1, "write");
			for (;;)
				pause();
		}
		close(ready[1]);
		if (read(ready[0], &c, 1) != 1)
			exit(1);
		close(ready[0]);
		made += each;
	}
	return holders;
}

static void make_tasks(int count)
{
	for (int i = 0; i < count; i++) {
		pid_t child = fork();

		if (child < 0)
			err(1, "fork of task %d", i);
		if (!child) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (;;)
				pause();
		}
	}
}

int main(int argc, char **argv)
{
	int tasks = argc == 3 ? atoi(argv[1]) : -1, sockets = argc == 3 ? atoi(argv[2]) : -1;
	int ready[2];
	pid_t first;
	char c;

	if (tasks < 0 || sockets < 0)
		errx(2, "usage: hostload TASKS SOCKETS");
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
		make_tasks(tasks - make_sockets(sockets));
		if (write(ready[1], "r", 1) != 1)
			err(1, "write");
		for (;;)
			pause();
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

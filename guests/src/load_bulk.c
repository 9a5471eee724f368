// SPDX-License-Identifier: MIT
/* The scenarios of size and speed: small, large, huge, sized, churn. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "load.h"

static int bound(int family, int type, int port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(family, type | SOCK_CLOEXEC, 0), on = 1;
	int failed;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
	failed = family == AF_INET ? bind(fd, (struct sockaddr *)&a4, sizeof(a4)) :
				     bind(fd, (struct sockaddr *)&a6, sizeof(a6));
	if (failed || (type == SOCK_STREAM && listen(fd, 128)))
		load_note("bind to port %d: %s", port, strerror(errno));
	return fd;
}

static int connected(int family, int port)
{
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(port),
				   .sin6_addr = IN6ADDR_LOOPBACK_INIT };
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port),
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int failed = family == AF_INET ? connect(fd, (struct sockaddr *)&a4, sizeof(a4)) :
					 connect(fd, (struct sockaddr *)&a6, sizeof(a6));

	if (failed) {
		close(fd);
		return -1;
	}
	return fd;
}

/* small: what a machine with a few services has */

static void worker(void *name)
{
	prctl(PR_SET_NAME, name);
}

static void service(const char *argument)
{
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	int fd, port = 0;

	snprintf(un.sun_path, sizeof(un.sun_path), "/run/%s.sock", argument);
	if (!strcmp(argument, "sshd"))
		port = 22;
	else if (!strcmp(argument, "nginx"))
		port = 80;
	if (port) {
		bound(AF_INET, SOCK_STREAM, port);
		bound(AF_INET6, SOCK_STREAM, port);
	}
	if (!strcmp(argument, "nginx")) {
		load_child(worker, (char *)"nginx-worker");
		load_child(worker, (char *)"nginx-worker");
	} else if (!strcmp(argument, "dnsmasq")) {
		bound(AF_INET, SOCK_DGRAM, 53);
		bound(AF_INET6, SOCK_DGRAM, 53);
		load_try(setresuid(13, 13, 13), "setuid");
	} else if (!strcmp(argument, "syslogd")) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		strcpy(un.sun_path, "/dev/log");
		load_try(bind(fd, (struct sockaddr *)&un, sizeof(un)), "bind /dev/log");
	} else if (!strcmp(argument, "app")) {
		fd = bound(AF_INET, SOCK_STREAM, 5432);
		for (int i = 0; i < 3; i++) {
			connected(AF_INET, 5432);
			accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		}
		fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		load_try(bind(fd, (struct sockaddr *)&un, sizeof(un)), "bind");
		load_try(listen(fd, 5), "listen");
	} else if (!strcmp(argument, "client")) {
		int pair[2];

		load_try(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
		fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	}
}

void load_small(void)
{
	load_keep("service", "sshd", "sshd: /usr/sbin/sshd -D [listener]");
	load_keep("service", "nginx", "nginx: master process /usr/sbin/nginx");
	load_keep("service", "dnsmasq", "dnsmasq -k --conf-dir=/etc/dnsmasq.d");
	load_keep("service", "syslogd", "syslogd -n");
	load_keep("service", "app", "app (production)");
	load_keep("service", "client", "client");
	load_keep("threads", "3", "threads");
	load_keep("zombie", "", "cron");
}

/* large and huge; their roles are told "NUMBER:HOW-MANY" */

#define TASK_HOLDERS 40
#define THREAD_HOLDERS 10
#define THREADS_EACH 100
#define SOCKET_HOLDERS 100
#define UDP_EACH 20
#define LISTEN_EACH 9
#define UNIX_PAIRS 25

static int how_many(const char *argument)
{
	return atoi(strchr(argument, ':') + 1);
}

static void bulk_tasks(const char *argument)
{
	int number = atoi(argument), count = how_many(argument);
	char *title = load_argv[0];
	size_t room = strlen(title);

	for (int i = 0; i < count; i++) {
		char comm[32];

		if (load_fork())
			continue;
		snprintf(comm, sizeof(comm), "task-%d-%d", number, i);
		prctl(PR_SET_NAME, comm);
		/* in place, so that each process has arguments of its own */
		memset(title, 0, room);
		snprintf(title, room, "task %d.%d", number, i);
		if (i % 8 == 0)
			load_try(setresuid(1000 + i, 1000 + i, 1000 + i), "setuid");
		load_hold();
	}
}

static void *idle_thread(void *arg)
{
	(void)arg;
	load_hold();
}

static void bulk_threads(const char *argument)
{
	pthread_attr_t attributes;

	(void)argument;
	pthread_attr_init(&attributes);
	pthread_attr_setstacksize(&attributes, 16 << 10);
	for (int i = 0; i < THREADS_EACH; i++) {
		pthread_t thread;

		if (pthread_create(&thread, &attributes, idle_thread, NULL))
			load_note("pthread_create failed");
	}
}

static void bulk_sockets(const char *argument)
{
	int number = atoi(argument), pairs = how_many(argument);
	struct rlimit files = { 4096, 4096 };
	int family = number % 5 == 4 ? AF_INET6 : AF_INET;
	int port = 10000 + 20 * number;
	int listening, pair[2];

	load_try(setrlimit(RLIMIT_NOFILE, &files), "setrlimit");
	listening = bound(family, SOCK_STREAM, port);
	for (int i = 0; i < pairs; i++) {
		load_try(connected(family, port), "connect");
		load_try(accept4(listening, NULL, NULL, SOCK_CLOEXEC), "accept");
	}
	for (int i = 1; i <= LISTEN_EACH; i++)
		bound(family, SOCK_STREAM, port + i);
	for (int i = 0; i < UDP_EACH; i++)
		bound(family, SOCK_DGRAM, port + i);
	for (int i = 0; i < UNIX_PAIRS; i++)
		load_try(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
}

static void bulk(int tcp_pairs, int tasks)
{
	char argument[32], title[64];

	for (int i = 0; i < SOCKET_HOLDERS; i++) {
		snprintf(argument, sizeof(argument), "%d:%d", i, tcp_pairs);
		snprintf(title, sizeof(title), "sockets-%d", i);
		load_keep("bulk-sockets", argument, title);
	}
	for (int i = 0; i < THREAD_HOLDERS; i++)
		load_keep("bulk-threads", "", "threads-of-many");
	for (int i = 0; i < TASK_HOLDERS; i++) {
		snprintf(argument, sizeof(argument), "%d:%d", i, tasks);
		snprintf(title, sizeof(title), "tasks-%02d with room for a title", i);
		load_keep("bulk-tasks", argument, title);
	}
}

void load_large(void)
{
	bulk(60, 96);
}

void load_huge(void)
{
	bulk(460, 240);
}

/* About as many more tasks and TCP sockets, in as few holders as their descriptors allow. */
void load_sized(int tasks, int sockets)
{
	enum { PAIRS_MOST = 1000, TASKS_MOST = 400, LISTENERS = LISTEN_EACH + 1 };
	char argument[32], title[64];

	for (int i = 0; sockets > LISTENERS; i++) {
		int pairs = (sockets - LISTENERS) / 2;

		if (pairs > PAIRS_MOST)
			pairs = PAIRS_MOST;
		snprintf(argument, sizeof(argument), "%d:%d", i, pairs);
		snprintf(title, sizeof(title), "sockets-%d", i);
		load_keep("bulk-sockets", argument, title);
		sockets -= 2 * pairs + LISTENERS;
		tasks--;
	}
	for (int i = 0; tasks > 1; i++) {
		int count = tasks - 1 < TASKS_MOST ? tasks - 1 : TASKS_MOST;

		snprintf(argument, sizeof(argument), "%d:%d", i, count);
		snprintf(title, sizeof(title), "tasks-%02d with room for a title", i);
		load_keep("bulk-tasks", argument, title);
		tasks -= count + 1;
	}
}

/* churn: two programs that never rest, and some that must be seen in every look */

#define MARKERS 8
#define MARKER_PORT 7100

static void marker(const char *argument)
{
	bound(AF_INET, SOCK_STREAM, MARKER_PORT + atoi(argument));
	bound(AF_INET6, SOCK_DGRAM, MARKER_PORT + atoi(argument));
}

static void churn_forks(const char *argument)
{
	char *const argv[] = { "true", NULL };

	(void)argument;
	load_ready();
	setpriority(PRIO_PROCESS, 0, 5);
	for (unsigned int i = 0;; i++) {
		pid_t pid = fork();

		if (!pid) {
			/* threads and executions come and go as well */
			if (i % 4 == 0)
				execv("/usr/bin/true", argv);
			if (i % 4 == 1) {
				pthread_t thread;
				pthread_attr_t attributes;

				pthread_attr_init(&attributes);
				pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
				pthread_create(&thread, &attributes, idle_thread, NULL);
			}
			prctl(PR_SET_NAME, "churn-child");
			_exit(0);
		}
		while (pid > 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
}

static void churn_connections(const char *argument)
{
	int family = *argument == '6' ? AF_INET6 : AF_INET;
	int port = *argument == '6' ? 7201 : 7200;
	int listening = bound(family, SOCK_STREAM, port);
	struct linger abort_it = { 1, 0 };
	static int open_ones[64][2]; /* each lives for as many rounds */

	memset(open_ones, -1, sizeof(open_ones));
	load_ready();
	setpriority(PRIO_PROCESS, 0, 10);
	for (unsigned int i = 0;; i++) {
		int *pair = open_ones[i % LOAD_COUNT(open_ones)];

		if (pair[0] >= 0 && i % 8)
			setsockopt(pair[0], SOL_SOCKET, SO_LINGER, &abort_it, sizeof(abort_it));
		close(pair[i / 64 % 2]);
		close(pair[!(i / 64 % 2)]);
		pair[1] = -1;
		pair[0] = connected(family, port);
		if (pair[0] < 0) {
			usleep(1000); /* out of ports for the moment */
			continue;
		}
		pair[1] = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
		(void)!write(pair[0], "x", 1);
	}
}

void load_churn(void)
{
	char number[16], title[32];

	for (int i = 0; i < MARKERS; i++) {
		snprintf(number, sizeof(number), "%d", i);
		snprintf(title, sizeof(title), "marker-%d", i);
		load_keep("marker", number, title);
	}
	load_keep("churn-forks", "", "churn-forks");
	load_keep("churn-forks", "", "churn-forks");
	load_keep("churn-connections", "4", "churn-connections");
	load_keep("churn-connections", "6", "churn-connections");
}

const struct load_role load_bulk_roles[] = {
	{ "service", service },
	{ "bulk-tasks", bulk_tasks },
	{ "bulk-threads", bulk_threads },
	{ "bulk-sockets", bulk_sockets },
	{ "marker", marker },
	{ "churn-forks", churn_forks },
	{ "churn-connections", churn_connections },
	{ NULL, NULL },
};

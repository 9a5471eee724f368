// SPDX-License-Identifier: MIT
/*
 * Many threads in the door at once, with forks, signals whose handlers make file calls, and
 * descriptors that go from hand to hand. To be built with a sanitizer, too.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "door/door.h"
#include "memfs.h"
#include "state.h"

enum {
	THREADS = 6,
	ROUNDS = 400,
	NUMBERS = 50,
};

static struct base_alloc alloc;
static struct memfs *tree;
static unsigned int attaches;

static int attach(char *message, size_t size)
{
	char path[64], text[32];

	(void)message;
	(void)size;
	attaches++;
	base_alloc_init(&alloc, 256 << 20);
	tree = memfs_create(&alloc);
	for (int i = 0; i < NUMBERS; i++) {
		snprintf(path, sizeof(path), "%d/stat", 100000000 + i);
		snprintf(text, sizeof(text), "%d is here\n", i);
		memfs_file(tree, path, text);
	}
	return door_mount("/proc", tree->vfs);
}

const struct door_ops door_ops = { .attach = attach };

static const char *stat_path(char buf[64], int i)
{
	snprintf(buf, 64, "/proc/%d/stat", 100000000 + i);
	return buf;
}

static void check_one(int i, unsigned int way)
{
	char path[64], want[32], got[64] = "";
	struct stat st;
	int fd, other;
	FILE *f;
	DIR *d;

	snprintf(want, sizeof(want), "%d is here\n", i);
	stat_path(path, i);
	switch (way % 6) {
	case 0:
		fd = scw_open(path, O_RDONLY);
		assert_true(fd >= 0);
		assert_int_equal(scw_read(fd, got, sizeof(got)), strlen(want));
		assert_string_equal(got, want);
		assert_int_equal(scw_close(fd), 0);
		break;
	case 1:
		f = scw_fopen(path, "r");
		assert_non_null(f);
		assert_non_null(fgets(got, sizeof(got), f));
		assert_string_equal(got, want);
		fclose(f);
		break;
	case 2:
		assert_int_equal(scw_stat(path, &st), 0);
		assert_int_equal(scw_stat("/proc/999999999", &st), -1);
		assert_int_equal(errno, ENOENT);
		break;
	case 3:
		d = scw_opendir("/proc");
		int n = 0;
		while (scw_readdir(d))
			n++;
		assert_int_equal(n, NUMBERS + 2);
		scw_closedir(d);
		break;
	case 4:
		fd = scw_open(path, O_RDONLY | O_CLOEXEC);
		other = scw_dup(fd);
		assert_int_equal(scw_read(fd, got, 3), 3);
		scw_close(fd);
		assert_true(scw_read(other, got + 3, sizeof(got) - 3) > 0);
		assert_string_equal(got, want);
		scw_close(other);
		break;
	default:
		fd = scw_open("/etc/passwd", O_RDONLY);
		assert_true(scw_read(fd, got, 4) == 4);
		scw_close(fd);
	}
}

static void *worker(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;

	for (int i = 0; i < ROUNDS; i++)
		check_one(rand_r(&seed) % NUMBERS, (unsigned int)rand_r(&seed));
	return NULL;
}

/* Whether the child of a fork looks at files; the build says. */
#ifndef STRESS_CHILD
#define STRESS_CHILD 1
#endif

static void *forker(void *arg)
{
	int fd = scw_open("/proc/100000007/stat", O_RDONLY), status;
	char got[32];

	(void)arg;
	for (int i = 0; i < 40; i++) {
		pid_t pid = fork();

		if (!pid) {
			/* The door works in the child, whatever other threads were doing. */
			if (STRESS_CHILD) {
				check_one(3, 0);
				check_one(3, 1);
				check_one(3, 3);
			}
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status) && !WEXITSTATUS(status));
		scw_lseek(fd, 0, SEEK_SET);
		assert_int_equal(scw_read(fd, got, sizeof(got)), strlen("7 is here\n"));
	}
	scw_close(fd);
	return NULL;
}

static void test_threads_and_fork(void **state)
{
	pthread_t threads[THREADS + 1];

	(void)state;
	for (uintptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, worker, (void *)(i + 1)), 0);
	assert_int_equal(pthread_create(&threads[THREADS], NULL, forker, NULL), 0);
	for (int i = 0; i <= THREADS; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(attaches, 1);
}

static volatile sig_atomic_t handled, answered;

static void on_alarm(int sig)
{
	char path[64], got[32];
	int saved = errno, fd;

	(void)sig;
	fd = scw_open(stat_path(path, 1), O_RDONLY);
	if (fd >= 0) {
		if (scw_read(fd, got, sizeof(got)) > 0)
			answered++;
		scw_close(fd);
	}
	/* The host's files stay within reach. */
	fd = scw_open("/dev/null", O_RDONLY);
	if (fd >= 0)
		scw_close(fd);
	handled++;
	errno = saved;
}

/* A handler that comes while its own thread is inside: EAGAIN, not a deadlock. */
static void test_signals(void **state)
{
	const struct itimerspec every = { { 0, 200000 }, { 0, 200000 } };
	struct sigaction act = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGALRM };
	timer_t timer;

	(void)state;
	sigaction(SIGALRM, &act, NULL);
	assert_int_equal(timer_create(CLOCK_MONOTONIC, &event, &timer), 0);
	timer_settime(timer, 0, &every, NULL);
	for (int i = 0; i < 200000 && handled < 300; i++) {
		struct stat st;
		char path[64];

		assert_int_equal(scw_stat(stat_path(path, i % NUMBERS), &st), 0);
	}
	timer_delete(timer);
	assert_true(handled > 0 && answered > 0);
}

static void test_many_descriptors(void **state)
{
	int fds[300];
	char got[32], path[64];

	(void)state;
	for (int i = 0; i < 300; i++) {
		fds[i] = scw_open(stat_path(path, i % NUMBERS), O_RDONLY);
		assert_true(fds[i] >= 0);
	}
	for (int i = 0; i < 300; i++) {
		memset(got, 0, sizeof(got));
		assert_true(scw_read(fds[i], got, sizeof(got)) > 0);
		assert_int_equal(atoi(got), i % NUMBERS);
		assert_int_equal(scw_close(fds[i]), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_threads_and_fork),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_many_descriptors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

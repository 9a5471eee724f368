// SPDX-License-Identifier: MIT
/*
 * What a worker and the process that serves files may do once they are confined: what serving takes, and
 * nothing of what would help whoever took one over. Each try is a process that ends well or by SIGSYS.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/checked.h"
#include "sandbox.h"

enum {
	NOBODY = 65534,
	FILE_MAX = 1 << 20,
	MEMORY_MAX = 64 << 20,
};

enum side { WORKER, FILES };

static bool confine(enum side side)
{
	struct sandbox_filter *filter = NULL;
	struct sandbox s = {
		.uid = geteuid() ? geteuid() : NOBODY,
		.gid = geteuid() ? getegid() : NOBODY,
		.memory = MEMORY_MAX,
		.file = FILE_MAX,
		.parent = getppid(),
	};
	struct err_ctx err = {0};
	enum err e = side == WORKER ? sandbox_filter_create(&filter, &err) : sandbox_front(&err);

	s.filter = filter;
	if (!e && side == WORKER)
		e = sandbox_enter(&s, &err);
	sandbox_filter_destroy(filter);
	if (e)
		fprintf(stderr, "%s\n", err.text);
	return !e;
}

/* ---- deeds: true if they went well ---- */

static pid_t other; /* whose number needn't be asked for, as that isn't allowed */

static bool memory_and_time(void)
{
	char *p = malloc(1 << 20);
	uint64_t random;
	int fd = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *ring;

	if (!p || fd < 0 || ftruncate(fd, 4096) || fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK))
		return false;
	memset(p, 1, 1 << 20);
	ring = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	free(p);
	return ring != MAP_FAILED && !munmap(ring, 4096) && !close(fd) &&
	       getrandom(&random, sizeof(random), 0) == sizeof(random);
}

static bool go_elsewhere(void)
{
	cpu_set_t all;

	CPU_ZERO(&all);
	for (size_t i = 0; i < CPU_SETSIZE; i++)
		CPU_SET(i, &all);
	return sched_setaffinity(0, sizeof(all), &all) == 0;
}

static bool a_pipe_and_a_local_socket(void)
{
	int ends[2];

	return pipe2(ends, O_CLOEXEC) == 0 && socket(AF_UNIX, SOCK_SEQPACKET, 0) >= 0;
}

static bool more_memory_than_allowed(void)
{
	return mmap(NULL, 2 * MEMORY_MAX, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

static bool a_longer_file_than_allowed(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	signal(SIGXFSZ, SIG_IGN);
	return ftruncate(fd, 2 * FILE_MAX) == 0;
}

static bool open_a_file(void)
{
	return open("/dev/null", O_RDONLY) >= 0;
}

static bool start_a_process(void)
{
	return fork() >= 0;
}

static bool start_a_program(void)
{
	char *const none[] = {NULL};

	return execve("/bin/true", none, none) == 0;
}

static bool use_the_network(void)
{
	return socket(AF_INET, SOCK_STREAM, 0) >= 0;
}

static bool look_into_another(void)
{
	char byte;
	struct iovec part = {&byte, 1};

	return process_vm_readv(other, &part, 1, &part, 1, 0) == 1;
}

static bool trace_another(void)
{
	return ptrace(PTRACE_ATTACH, other, NULL, NULL) == 0;
}

static bool end_another(void)
{
	return kill(other, 0) == 0;
}

static bool end_a_thread_of_another(void)
{
	return syscall(SYS_tgkill, other, other, 0) == 0;
}

static bool send_another_elsewhere(void)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(0, &one);
	return sched_setaffinity(other, sizeof(one), &one) == 0;
}

static bool make_code(void)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		    0) != MAP_FAILED;
}

static bool make_code_of_data(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p != MAP_FAILED && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0;
}

static bool have_signals_sent(void)
{
	return fcntl(STDIN_FILENO, F_SETOWN, other) == 0;
}

static bool become_root(void)
{
	return setresuid(0, 0, 0) == 0;
}

/* How a confined process ends that does this: its status, as of waitpid(). */
static int status_of(enum side side, bool (*deed)(void))
{
	struct rlimit none = {0, 0};
	int status;
	pid_t pid;

	fflush(NULL);
	other = getpid();
	pid = fork();
	if (pid == 0) {
		setrlimit(RLIMIT_CORE, &none);
		if (!confine(side))
			_exit(3);
		_exit(deed() ? 0 : 1);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void goes_well(enum side side, bool (*deed)(void))
{
	assert_int_equal(status_of(side, deed), 0);
}

static void fails(enum side side, bool (*deed)(void))
{
	int status = status_of(side, deed);

	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 1);
}

static void what_serving_takes_is_allowed(void **state)
{
	(void)state;
	goes_well(WORKER, memory_and_time);
	goes_well(WORKER, go_elsewhere);
	goes_well(FILES, a_pipe_and_a_local_socket);
}

static void a_worker_is_limited(void **state)
{
	(void)state;
	fails(WORKER, more_memory_than_allowed);
	fails(WORKER, a_longer_file_than_allowed);
}

static void all_else_ends_the_process(void **state)
{
	static const struct {
		const char *what;
		bool (*deed)(void);
	} deeds[] = {
		{"open a file", open_a_file},
		{"start a process", start_a_process},
		{"start a program", start_a_program},
		{"use the network", use_the_network},
		{"look into another process", look_into_another},
		{"trace another process", trace_another},
		{"end another process", end_another},
		{"end another process's thread", end_a_thread_of_another},
		{"send another process to other CPUs", send_another_elsewhere},
		{"make code", make_code},
		{"make code of data", make_code_of_data},
		{"have signals sent", have_signals_sent},
		{"become root", become_root},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(deeds); i++) {
		for (enum side side = WORKER; side <= FILES; side++) {
			int status = status_of(side, deeds[i].deed);

			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("%s (%d): status %#x", deeds[i].what, side, (unsigned int)status);
		}
	}
	/* a worker talks to whom it was given, and no one else */
	assert_true(WIFSIGNALED(status_of(WORKER, a_pipe_and_a_local_socket)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_serving_takes_is_allowed),
		cmocka_unit_test(a_worker_is_limited),
		cmocka_unit_test(all_else_ends_the_process),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Processes: what fork() promises to a program with one thread. What goes wrong is the exit status. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

#define CHECK(what)                                                           \
	do {                                                                  \
		if (!(what)) {                                                \
			printf("line %d: %s (errno %d)\n", __LINE__, #what, errno); \
			fflush(stdout);                                       \
			_exit(1);                                             \
		}                                                             \
	} while (0)

static int data = 1, zeros;
static volatile int signals;

static void on_signal(int sig)
{
	signals |= 1 << sig;
}

static int status_of(pid_t pid)
{
	int status;

	CHECK(waitpid(pid, &status, 0) == pid);
	return status;
}

static int exit_of(pid_t pid)
{
	int status = status_of(pid);

	CHECK(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* Each has its own data, heap, stack; descriptors are copies, what they stand for is one. */
static void memory(void)
{
	char *heap = strcpy(malloc(100000), "heap"), stack[100] = "stack", text[10];
	char *map = mmap(NULL, 1 << 16, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int up[2], down[2], pid;

	strcpy(map, "map");
	CHECK(!pipe(up) && !pipe(down));
	pid = fork();
	CHECK(pid >= 0);
	if (!pid) {
		CHECK(getpid() != getppid() && data == 1 && !zeros && !strcmp(heap, "heap"));
		data = zeros = 7;
		strcpy(heap, "child");
		strcpy(stack, "child");
		strcpy(map, "child");
		free(heap);
		heap = malloc(3 << 20);
		memset(heap, 0xcc, 3 << 20);
		CHECK(!munmap(map, 1 << 16));
		CHECK(close(up[0]) == 0 && write(up[1], "ready", 5) == 5);
		CHECK(read(down[0], text, sizeof(text)) == 2 && !memcmp(text, "go", 2));
		CHECK(data == 7 && zeros == 7 && heap[(3 << 20) - 1] == (char)0xcc && !strcmp(stack, "child"));
		_exit(5);
	}
	CHECK(read(up[0], text, sizeof(text)) == 5 && !memcmp(text, "ready", 5));
	CHECK(data == 1 && !zeros && !strcmp(heap, "heap") && !strcmp(stack, "stack") && !strcmp(map, "map"));
	data = 2;
	strcpy(heap, "parent");
	strcpy(map, "parent");
	CHECK(waitpid(pid, NULL, WNOHANG) == 0);
	CHECK(write(down[1], "go", 2) == 2);
	CHECK(exit_of(pid) == 5);
	CHECK(data == 2 && !zeros && !strcmp(heap, "parent") && !strcmp(map, "parent"));
	CHECK(waitpid(pid, NULL, 0) == -1 && errno == ECHILD);
	close(up[1]);
	CHECK(read(up[0], text, 1) == 0);
	close(up[0]), close(down[0]), close(down[1]);
	free(heap);
	munmap(map, 1 << 16);
	data = 1;
}

static int sum(int depth)
{
	int left, right;

	if (!depth)
		return 1;
	left = fork();
	CHECK(left >= 0);
	if (!left)
		_exit(sum(depth - 1));
	right = fork();
	CHECK(right >= 0);
	if (!right)
		_exit(sum(depth - 1));
	return exit_of(left) + exit_of(right);
}

static void limits(void)
{
	pid_t pids[20], pid;
	int n = 0, up[2];
	char text;

	CHECK(!pipe(up));
	while ((pid = fork()) > 0)
		pids[n++] = pid;
	if (!pid) {
		close(up[1]);
		_exit(read(up[0], &text, 1));
	}
	CHECK(errno == EAGAIN && n == 15);
	close(up[1]), close(up[0]);
	while (n)
		CHECK(exit_of(pids[--n]) == 0);
	CHECK(wait(NULL) == -1 && errno == ECHILD);
	/* and of memory: nothing happens then */
	void *big = mmap(NULL, 40 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	CHECK(big != MAP_FAILED);
	CHECK(fork() == -1 && errno == ENOMEM);
	CHECK(!munmap(big, 40 << 20));
	CHECK((pid = fork()) >= 0);
	if (!pid)
		_exit(3);
	CHECK(exit_of(pid) == 3);
}

static void execs(void)
{
	char *argv[] = { "other", "descriptors", NULL }, line[100];
	pid_t pid = fork();
	FILE *f;

	if (!pid) {
		execl("/absent", "absent", NULL);
		CHECK(errno == ENOENT);
		execl("/bin/other", "other", "fail", NULL);
		_exit(99);
	}
	CHECK(exit_of(pid) == 7);
	CHECK(!posix_spawn(&pid, "/bin/other", NULL, NULL, argv, environ) && exit_of(pid) == 0);
	CHECK(posix_spawn(&pid, "/absent", NULL, NULL, argv, environ) == ENOENT);
	pid = vfork();
	if (!pid) {
		execl("/proc/self/exe", "forks", "again", NULL);
		_exit(99);
	}
	CHECK(exit_of(pid) == 42 && data == 1);
	f = popen("ignored", "r"); /* /bin/sh is other, too */
	CHECK(f && fgets(line, sizeof(line), f) && strstr(line, "runs 1"));
	CHECK(pclose(f) == 0);
}

/* More than a pipe holds, and who doesn't want all of it. */
static void pipes(void)
{
	static char block[10000];
	size_t got = 0;
	long n;
	int up[2];
	pid_t pid;

	CHECK(!pipe(up));
	pid = fork();
	if (!pid) {
		close(up[0]);
		for (int i = 0; i < 100; i++)
			CHECK(write(up[1], block, sizeof(block)) == sizeof(block));
		_exit(0);
	}
	close(up[1]);
	struct pollfd p = { .fd = up[0], .events = POLLIN };
	CHECK(poll(&p, 1, -1) == 1 && p.revents & POLLIN);
	while ((n = read(up[0], block, sizeof(block))) > 0)
		got += (size_t)n;
	CHECK(n == 0 && got == 1000000 && exit_of(pid) == 0);
	close(up[0]);
	CHECK(!pipe(up));
	pid = fork();
	if (!pid) {
		close(up[0]);
		for (;;)
			CHECK(write(up[1], block, sizeof(block)) == sizeof(block));
	}
	close(up[1]);
	CHECK(read(up[0], block, 100) == 100);
	close(up[0]);
	n = status_of(pid);
	CHECK(WIFSIGNALED(n) && WTERMSIG(n) == SIGPIPE);
}

static void kills(void)
{
	struct timespec t = { 0, 20000000 };
	pid_t pid;
	int n;

	signal(SIGUSR1, on_signal);
	signal(SIGCHLD, on_signal);
	signal(SIGALRM, on_signal);
	pid = fork();
	if (!pid) {
		while (!signals)
			pause();
		CHECK(signals == 1 << SIGUSR1);
		_exit(8);
	}
	CHECK(!nanosleep(&t, NULL) && !signals);
	CHECK(!kill(pid, 0) && !kill(pid, SIGUSR1) && exit_of(pid) == 8);
	CHECK(signals == 1 << SIGCHLD);
	CHECK(kill(pid, 0) == -1);
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	CHECK(!kill(pid, SIGTERM));
	n = status_of(pid);
	CHECK(WIFSIGNALED(n) && WTERMSIG(n) == SIGTERM);
	/* lsof's way: a child that doesn't answer */
	signals = 0;
	pid = fork();
	if (!pid)
		for (;;)
			pause();
	alarm(1);
	CHECK(waitpid(pid, NULL, 0) == -1 || signals);
	CHECK(signals & 1 << SIGALRM);
	CHECK(!kill(pid, SIGKILL) && WTERMSIG(status_of(pid)) == SIGKILL);
	pid = fork();
	if (!pid)
		abort();
	n = status_of(pid);
	CHECK(WIFSIGNALED(n) && WTERMSIG(n) == SIGABRT);
	pid = fork();
	if (!pid)
		*(volatile int *)8 = 1;
	n = status_of(pid);
	CHECK(WIFSIGNALED(n) && WTERMSIG(n) == SIGSEGV);
	signal(SIGCHLD, SIG_DFL);
}

int main(int argc, char **argv)
{
	pid_t pid;

	if (argc > 1 && !strcmp(argv[1], "again")) {
		CHECK(data == 1);
		data = 9;
		return 42;
	}
	CHECK(getpid() == 4194304 && getppid() == 0);
	for (int i = 0; i < 20; i++)
		memory();
	CHECK(sum(3) == 8);
	pipes();
	execs();
	kills();
	limits();
	memory();
	printf("buffered, "); /* as with Linux: twice if nobody cares */
	pid = fork();
	if (!pid)
		exit(0);
	CHECK(exit_of(pid) == 0);
	printf("forks: done\n");
	return 0;
}

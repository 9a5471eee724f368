// SPDX-License-Identifier: MIT
/* Runs other programs of its image: popen(), system(), posix_spawn(). What goes wrong is the exit status. */
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

#define CHECK(what)                                                     \
	do {                                                            \
		if (!(what)) {                                          \
			printf("line %d: %s\n", __LINE__, #what);       \
			exit(1);                                        \
		}                                                       \
	} while (0)

static volatile int signals;

static void on_signal(int sig)
{
	signals += sig == SIGUSR1;
}

/* Lines of a command's output; its exit status. */
static int ask(const char *command, char *line, size_t size, int *lines_ret)
{
	FILE *f = popen(command, "r");
	char rest[100];

	CHECK(f);
	*lines_ret = 0;
	if (fgets(line, (int)size, f))
		for (*lines_ret = 1; fgets(rest, sizeof(rest), f);)
			++*lines_ret;
	return pclose(f);
}

static void *beside(void *arg)
{
	volatile int *stop = arg;
	char text[16];

	while (!*stop) {
		FILE *f = fopen("/proc/self/comm", "r");

		CHECK(f && fgets(text, sizeof(text), f) && strcmp(text, "spawn\n") == 0);
		fclose(f);
		usleep(1000);
	}
	return NULL;
}

/* Shares all memory, but not descriptors; what it does to the stack is its own affair. */
__attribute__((noinline)) static void disturb(int depth)
{
	volatile char waste[1000];

	memset((void *)waste, 0x5a, sizeof(waste));
	if (depth)
		disturb(depth - 1);
}

static void use_vfork(void)
{
	static volatile int shared;
	int kept = getpid(), status, fds[2];
	char text[8];
	pid_t pid;

	for (int i = 0; i < 1000; i++) {
		CHECK(!pipe(fds));
		pid = vfork();
		if (!pid) {
			disturb(5);
			shared = getpid();
			if (shared == kept || getppid() != kept || write(fds[1], "child", 5) != 5 ||
			    close(fds[1]) || close(fds[0]))
				_exit(1);
			_exit(i % 100 + 2);
		}
		CHECK(pid == shared && getpid() == kept);
		CHECK(waitpid(pid, &status, 0) == pid && WIFEXITED(status) && WEXITSTATUS(status) == i % 100 + 2);
		CHECK(waitpid(pid, &status, 0) == -1);
		CHECK(read(fds[0], text, sizeof(text)) == 5 && memcmp(text, "child", 5) == 0);
		CHECK(!close(fds[0]) && !close(fds[1]));
	}
	pid = vfork();
	if (!pid) {
		execlp("other", "other", "descriptors", NULL); /* in /bin, which isn't the first folder of PATH */
		_exit(99);
	}
	CHECK(waitpid(-1, &status, 0) == pid && status == 0);
	pid = vfork();
	if (!pid) {
		execl("/bin/sh", "sh", "-c", "other many | second lines >/dev/null", NULL);
		_exit(99);
	}
	CHECK(waitpid(-1, &status, 0) == pid && status == 0);
}

int main(int argc, char **argv)
{
	char line[100], want[100];
	volatile int stop = 0;
	int lines, status;
	pthread_t thread;
	pid_t pid;

	if (argc > 1 && strcmp(argv[1], "fork") == 0)
		return fork() < 0 ? 0 : 1;
	if (argc > 1)
		return system(argv[1]) < 0 ? 0 : 1;
	setvbuf(stdout, NULL, _IONBF, 0);
	signal(SIGUSR1, on_signal);
	CHECK(!chdir("/etc"));
	CHECK(!setenv("GIVEN", "down", 1));
	/* each begins as it was measured, and its memory comes back: 60 MiB in a heap of 16 */
	for (int i = 0; i < 60; i++) {
		CHECK(ask("other  one\ttwo", line, sizeof(line), &lines) == 0);
		CHECK(strcmp(line, "other one two, runs 1, in /etc, down, parent 4194304\n") == 0);
		CHECK(lines == 1);
	}
	CHECK(ask("/bin/other many", line, sizeof(line), &lines) == 0 && lines == 20000);
	CHECK(WEXITSTATUS(system("other fail")) == 7);
	CHECK(!chdir("/") && access("/etc", F_OK) == 0);
	CHECK(!posix_spawn(&pid, "/bin/other", NULL, NULL,
			   (char *[]){"other", "descriptors", NULL}, environ));
	CHECK(pid > getpid() && waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 0);
	CHECK(waitpid(pid, &status, 0) == -1);
	/* lines with pipes; of one file under two paths each run is a new one */
	CHECK(ask("other many 2>/dev/null | second lines | other 'a  b' \"c\\$\"", line, sizeof(line), &lines) == 0);
	CHECK(strcmp(line, "other a  b c$, runs 1, in /, down, parent 4194304\n") == 0 && lines == 1);
	CHECK(ask("other many | second lines", line, sizeof(line), &lines) == 0);
	CHECK(strcmp(line, "20000 lines, runs 1\n") == 0 && lines == 1);
	CHECK(WEXITSTATUS(system("second lines </etc/word | other fail")) == 7);
	CHECK(WEXITSTATUS(system("other fail | second lines >/dev/null")) == 0);
	CHECK(WEXITSTATUS(system("second lines </etc/absent")) == 2);
	use_vfork();
	raise(SIGUSR1);
	CHECK(signals == 1);
	CHECK(!pthread_create(&thread, NULL, beside, (void *)&stop));
	for (int i = 0; i < 20; i++) {
		snprintf(want, sizeof(want), "other %d, runs 1, in /, down, parent 4194304\n", i);
		snprintf(line, sizeof(line), "other %d", i);
		CHECK(ask(line, line, sizeof(line), &lines) == 0 && strcmp(line, want) == 0);
	}
	stop = 1;
	CHECK(!pthread_join(thread, NULL));
	printf("spawn: done\n");
	return 0;
}

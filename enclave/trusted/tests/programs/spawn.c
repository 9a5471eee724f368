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

// SPDX-License-Identifier: MIT
/* What spawn.c runs. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int runs = 1;
static char *const *keeps = (char *const[]){"relocated", NULL};
static __thread int mine = 5;

static void on_signal(int sig)
{
	_exit(sig);
}

static void *thread(void *arg)
{
	return arg;
}

int main(int argc, char **argv)
{
	char folder[100], *memory = malloc(1 << 20);
	pthread_t t;

	if (!memory || mine != 5 || strcmp(keeps[0], "relocated") != 0)
		return 1;
	memset(memory, 1, 1 << 20);
	mine = 6;
	signal(SIGUSR1, on_signal);
	if (argc > 1 && strcmp(argv[1], "fail") == 0)
		return 7;
	if (argc > 1 && strcmp(argv[1], "descriptors") == 0)
		return open("/dev/null", O_RDONLY) == 3 && pthread_create(&t, NULL, thread, NULL) == EAGAIN ? 0 : 1;
	if (argc > 1 && strcmp(argv[1], "lines") == 0) {
		int lines = 0;

		for (int c; (c = getchar()) != EOF;)
			lines += c == '\n';
		printf("%d lines, runs %d\n", lines, runs++);
		return 0;
	}
	if (argc > 1 && strcmp(argv[1], "many") == 0) {
		for (int i = 0; i < 20000; i++)
			printf("line %d\n", i);
		return 0;
	}
	printf("%s", argv[0]);
	for (int i = 1; i < argc; i++)
		printf(" %s", argv[i]);
	printf(", runs %d, in %s, %s, parent %d\n", runs++, getcwd(folder, sizeof(folder)), getenv("GIVEN"),
	       (int)getppid());
	return 0;
}

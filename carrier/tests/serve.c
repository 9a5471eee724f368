// SPDX-License-Identifier: MIT
/*
 * A memory device over the made-up guest of device.h, for clients that aren't in C: serves each who
 * connects to SOCKET, and with DIR the pread carrier there. Says "ready" and its public key in hex
 * once both can be used; ends when its standard input does.
 *
 * usage: serve SOCKET [DIR]
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "device.h"
#include "memdev/front.h"

static void say(const char *text)
{
	fprintf(stderr, "front: %s\n", text);
}

/* The process that mounts DIR and serves there. */
static pid_t mount_start(const char *directory, const char *socket)
{
	struct front_options o = {
		.directory = directory, .socket = socket, .with_parent = true, .say = say};
	struct err_ctx err = {0};
	char text[300];
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	if (!front_run(&o, &err))
		_exit(0);
	fprintf(stderr, "front_run: %s\n", err_describe(&err, text, sizeof(text)));
	_exit(1);
}

static bool is_mounted(const char *directory)
{
	struct stat above, st;
	char path[4200];

	snprintf(path, sizeof(path), "%s/..", directory);
	return stat(directory, &st) == 0 && stat(path, &above) == 0 && st.st_dev != above.st_dev;
}

int main(int argc, char **argv)
{
	const uint8_t *key = device_client_options(CARRIER_FRAMES).session.device;
	const struct timespec moment = {.tv_nsec = 5000000};
	pid_t device, front = 0;

	if (argc < 2 || argc > 3)
		return 2;
	if (argc == 3 && (geteuid() != 0 || access("/dev/fuse", R_OK | W_OK))) {
		printf("skipped: needs root and /dev/fuse to mount a file system\n");
		return 0;
	}
	device = device_listen(argv[1]);
	if (argc == 3) {
		front = mount_start(argv[2], argv[1]);
		while (!is_mounted(argv[2]) && waitpid(front, NULL, WNOHANG) == 0)
			nanosleep(&moment, NULL);
	}
	printf("ready ");
	for (int i = 0; i < CHANNEL_KEY_SIZE; i++)
		printf("%02x", key[i]);
	printf("\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	if (front > 0) {
		kill(front, SIGTERM);
		waitpid(front, NULL, 0);
	}
	kill(device, SIGKILL);
	waitpid(device, NULL, 0);
	return 0;
}

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
#include <sys/wait.h>

#include "device.h"
#include "mount.h"

int main(int argc, char **argv)
{
	const uint8_t *key = device_client_options(CARRIER_FRAMES).session.device;
	struct mount mount = {0};
	pid_t device;

	if (argc < 2 || argc > 3)
		return 2;
	if (argc == 3 && !mount_possible()) {
		puts(MOUNT_SKIPPED);
		return 0;
	}
	device = device_listen(argv[1]);
	if (argc == 3) {
		snprintf(mount.socket, sizeof(mount.socket), "%s", argv[1]);
		snprintf(mount.directory, sizeof(mount.directory), "%s", argv[2]);
		mount_start(&mount, NULL);
	}
	printf("ready ");
	for (int i = 0; i < CHANNEL_KEY_SIZE; i++)
		printf("%02x", key[i]);
	printf("\n");
	fflush(stdout);
	while (getchar() != EOF)
		;
	if (mount.front)
		mount_end(&mount);
	kill(device, SIGKILL);
	waitpid(device, NULL, 0);
	return 0;
}

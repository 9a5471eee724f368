// SPDX-License-Identifier: MIT
/* Each write is an exit, and musl makes one for each KiB that isn't for a terminal: it gets more room. */
#include <stdio.h>
#include <unistd.h>

enum {
	ROOM = 16384,
};

/* Before main(), after libc. */
__attribute__((constructor)) static void start(void)
{
	static char buf[ROOM];

	if (!isatty(STDOUT_FILENO))
		(void)!setvbuf(stdout, buf, _IOFBF, sizeof(buf));
}

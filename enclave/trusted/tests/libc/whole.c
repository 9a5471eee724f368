// SPDX-License-Identifier: MIT
/*
 * Reads a file of the guest's, says so, waits for a line, reads the file again if the line says "again", and ends as if
 * all were well: what it ends with then is the runtime's word on what it read.
 */
#include <stdio.h>
#include <string.h>

static void read_all(void)
{
	char text[4096];
	FILE *f = fopen("/proc/net/tcp", "r");

	while (f && fgets(text, sizeof(text), f))
		;
	if (f)
		fclose(f);
}

int main(void)
{
	char line[16] = "";

	read_all();
	puts("ready");
	fflush(stdout);
	if (fgets(line, sizeof(line), stdin) && !strcmp(line, "again\n"))
		read_all();
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * `scwatcher run VM -- COMMAND` of a VM that is known, in a small static program: a tool such as ps
 * takes a few milliseconds, of which loading the whole scwatcher with its libraries would be a good
 * part. Whatever else is asked for, and whatever goes wrong, is scwatcher-all's, which takes over with
 * the same arguments.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/find.h"
#include "command.h"

static int take_over(char **argv)
{
	char path[PATH_MAX];

	if (command_file("scwatcher-all", path))
		execv(path, argv);
	fprintf(stderr, "scwatcher: %s: %s\n", path, strerror(errno));
	return STATUS_FAILED;
}

static enum status run(struct attach_found *f, const char *vm, const char *path, char **command)
{
	struct err_ctx err = {0};
	enum status status;
	int wait_status = 0;
	enum err e = attach_found_handover(f, &err);

	if (e) {
		cli_complain("run", e, &err);
		return STATUS_FAILED;
	}
	if (!command_preload())
		return STATUS_FAILED;
	status = command_run(path, command, &wait_status);
	if (status)
		return status;
	e = attach_found_alive(f, &err);
	return e ? command_gone(vm, command[0], e, &err) : command_status(wait_status);
}

int main(int argc, char **argv)
{
	char path[PATH_MAX];
	struct attach_found *f;
	enum status status;
	char **command;

	/* without options, and with a command */
	if (argc < 4 || strcmp(argv[1], "run") != 0 || argv[2][0] == '-')
		return take_over(argv);
	command = argv + 3;
	if (strcmp(command[0], "--") == 0)
		command++;
	else if (command[0][0] == '-')
		return take_over(argv);
	/* a guest behind a memory device is another matter */
	if (!command[0] || getenv(ATTACH_ENV_SEALED))
		return take_over(argv);
	status = command_find(command[0], path);
	if (status)
		return (int)status;
	if (attach_find(argv[2], &f))
		return take_over(argv);
	return (int)run(f, argv[2], path, command);
}

/* SPDX-License-Identifier: MIT */
/* Starting a command with the preload library, and waiting for its end. */
#ifndef SCW_CLI_COMMAND_H
#define SCW_CLI_COMMAND_H

#include <limits.h>
#include <stdbool.h>

#include "cli.h"

/* A file of ours: beside the program (build tree), else where it is installed. False: not there. */
bool command_file(const char *name, char path[PATH_MAX]);

/* The program that `command` stands for. Complains when there is none, or it can't be preloaded. */
enum status command_find(const char *command, char path[PATH_MAX]);

/* Have programs that are started from now on load the preload library, for a guest behind a memory device or not. Complains. */
bool command_preload(bool sealed);

/*
 * Start `path` with `argv` and wait; signals meant for it are passed on. `start` (or NULL), a session for it,
 * is opened meanwhile and used up. Complains when it can't be started.
 */
struct attach_start;
enum status command_run(const char *path, char **argv, struct attach_start *start,
			int *wait_status_ret);

/* The exit status of what waitpid() told. */
enum status command_status(int wait_status);

/* The guest of `vm` went away while the command ran, or couldn't be read as a whole: says so. */
enum status command_gone(const char *vm, const char *command, enum err code,
			 const struct err_ctx *err);

/*
 * First of all: a standard descriptor that is closed would be the next file or socket that is opened, and what is
 * printed would go there.
 */
void command_hold_standard(void);

#endif

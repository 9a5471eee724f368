/* SPDX-License-Identifier: MIT */
/*
 * What popen() and system() give to a shell, as far as programs of an image can do it without one: commands
 * of words, quoted or not, with redirections, joined by pipes.
 */
#ifndef SCW_TRUSTED_SHELL_H
#define SCW_TRUSTED_SHELL_H

#include <stdbool.h>
#include <stddef.h>

enum {
	SHELL_SIZE = 4096,
	SHELL_WORDS = 128,
	SHELL_COMMANDS = 16,
	SHELL_REDIRECTS = 8,
};

/* FD<PATH, FD>PATH, FD>>PATH; without a path FD>&FROM, or FD>&- with -1. */
struct shell_redirect {
	int fd, from, flags; /* of open() */
	char *path;
};

struct shell_command {
	char **words; /* one or more, then NULL */
	struct shell_redirect redirects[SHELL_REDIRECTS];
	size_t redirect_count;
};

struct shell_line {
	char text[SHELL_SIZE]; /* where the words are */
	char *words[SHELL_WORDS];
	struct shell_command commands[SHELL_COMMANDS];
	size_t count;
};

/* False: it is longer, or a shell would make something else of it (variables, patterns, lists ...). */
bool shell_parse(const char *text, struct shell_line *ret);

#endif

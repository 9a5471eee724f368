/* SPDX-License-Identifier: MIT */
/*
 * Which programs the preload library gets into. The others would show the host's /proc as if it were
 * the guest's, so they are refused, or told about.
 */
#ifndef SCW_DOOR_PROGRAM_H
#define SCW_DOOR_PROGRAM_H

#include <link.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	DOOR_PROGRAM_HEAD = 4096, /* bytes from the start of a file that tell what there is to know */
	DOOR_PROGRAM_PATH = 256,
};

/*
 * Programs that find their VM themselves (made by scw-cc, and scwatcher's own) have an ELF note of this
 * name, type and no content. The door stays out of them: what they look for in /proc is the host's.
 */
#define DOOR_PROGRAM_NOTE "SCwatcher"
#define DOOR_PROGRAM_NOTE_TYPE 1

/*
 * Why the preload library doesn't get into the program whose file starts with `head`: what follows
 * "FILE ..." in a sentence. NULL: it does, it needn't, or nothing is known against it. Of a script
 * `interpreter` is the program that counts, of everything else "".
 */
const char *door_program_obstacle(const void *head, size_t size,
				  char interpreter[DOOR_PROGRAM_PATH]);

/* Is the running program one of those with the note? `headers`, `count`: its own, as loaded. */
bool door_program_is_own(const ElfW(Phdr) *headers, size_t count);

#endif

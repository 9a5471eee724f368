/* SPDX-License-Identifier: MIT */
/*
 * For tests and measurements: the pread carrier's file system before a device that listens at `socket`.
 * Mistakes here abort.
 */
#ifndef SCW_CARRIER_TESTS_MOUNT_H
#define SCW_CARRIER_TESTS_MOUNT_H

#include <stdbool.h>
#include <sys/types.h>

#include "memdev/front.h"

struct mount {
	char base[64], directory[80], socket[80];
	pid_t front; /* the process that mounts; 0: none */
};

/* May this process mount anything? What to say when it mayn't. */
bool mount_possible(void);
#define MOUNT_SKIPPED "skipped: needs root and /dev/fuse to mount a file system"

/* Make a folder for everybody to use, with a place for the socket and an empty one to mount on. */
void mount_prepare(struct mount *m);

/*
 * Mount and serve in a process of its own, with `more` options (NULL: none), and wait until that can be
 * used.
 */
void mount_start(struct mount *m, const struct front_options *more);

bool mount_is_there(const struct mount *m);

/* Tell it to end. Returns its status, as of waitpid(). */
int mount_end(struct mount *m);

/* Remove what mount_prepare() made. */
void mount_remove(struct mount *m);

#endif

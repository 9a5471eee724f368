/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a VM's name: the process that has it, and which processes there were when
 * all of them were looked at. In the user's cache, for a minute.
 */
#ifndef SCW_ATTACH_NAMES_H
#define SCW_ATTACH_NAMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/vms.h"

struct names_memory {
	pid_t pid;	/* of the VMM */
	uint64_t start;
	const pid_t *pids; /* of all processes, ascending */
	size_t pid_count;
	const void *map; /* what they lie in */
	size_t map_size;
};

/* False when nothing is remembered, it is too old, damaged, or of another /proc. */
bool names_load(const char *name, struct names_memory *ret);
void names_unload(struct names_memory *m);

/* `pids` are of just now. */
void names_save(const char *name, const struct vms_entry *v, const pid_t *pids, size_t count);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a VM's name: the process that has it, and which processes had been started
 * when all of them were looked at. In the user's cache, for a minute.
 */
#ifndef SCW_ATTACH_NAMES_H
#define SCW_ATTACH_NAMES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "attach/vms.h"

struct names_memory {
	pid_t pid;	/* of the VMM */
	uint64_t start;
	pid_t newest;	/* PIDs are given out in ascending order: processes up to this were looked at */
	int64_t wall, since_boot; /* when: by two clocks, as one may be set, and one starts at boot */
};

/* The PID that was given out last (to a process or a thread); false when /proc doesn't tell. */
bool names_newest(pid_t *ret);

/* False when nothing is remembered, it is too old, damaged, or of another /proc. */
bool names_load(const char *name, struct names_memory *ret);

/* Sets the times if they are zeros, which stands for now. */
void names_save(const char *name, struct names_memory *m);

#endif

/* SPDX-License-Identifier: MIT */
/* Lines of /proc/PID/maps (fs/proc/task_mmu.c, proc(5)) and which of them may be a guest's RAM. */
#ifndef SCW_SOURCES_MAPS_H
#define SCW_SOURCES_MAPS_H

#include <stdbool.h>
#include <stdint.h>

struct maps_entry {
	uint64_t start, end;
	bool read, write, exec, shared;
	uint64_t offset;
	unsigned int major, minor;
	uint64_t inode;
	const char *path; /* points into the line; "" for none; newline taken off */
};

/* Take a line (which is cut at its newline) apart; false when it isn't one. */
bool maps_parse_line(char *line, struct maps_entry *ret);

/* May this mapping be a guest's RAM? A coarse look: what it holds decides later. */
bool maps_may_be_ram(const struct maps_entry *m);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of one running VM (or dump): where its memory is, how it is placed and which
 * kernel was found. As text, for a cache file and for the environment of programs that `run`
 * starts. Nothing in it is believed without a check against the guest.
 */
#ifndef SCW_ATTACH_INSTANCE_H
#define SCW_ATTACH_INSTANCE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "ktype/ktype.h"
#include "sources/source.h"

enum {
	INSTANCE_EXTENTS_MAX = 64,
	INSTANCE_TEXT_MAX = 16 << 10,
};

struct instance {
	/* which backing: a process, or a file */
	bool is_file;
	pid_t pid;
	uint64_t start;		/* of the process; see vms_start_time() */
	char path[PATH_MAX];	/* of the file; "" for a process */
	uint64_t dev, ino;
	uint64_t size, mtime_ns;

	/* who runs the VM: the process above, or the one that maps the file; 0: nobody */
	pid_t vmm;
	uint64_t vmm_start;

	/* what was found */
	struct ktype_boot boot;
	struct source_extent extents[INSTANCE_EXTENTS_MAX];
	size_t extent_count;	/* 0: the file's headers have them */
	struct source_piece pieces[SOURCE_PIECES_MAX];
	size_t piece_count;	/* of a process; 0: to be looked for in its memory map */

	char profile[PATH_MAX];	/* a file with the kernel's profile; "" when there is none */
	bool external;		/* the profile is made from files that the user gave */
};

/* As text with a checksum; false when it doesn't fit. */
bool instance_print(const struct instance *in, char *buf, size_t size);

/* Read it back; false when it is damaged. */
bool instance_parse(const char *text, struct instance *ret);

/* Do both mean the same backing, unchanged? */
bool instance_same_backing(const struct instance *a, const struct instance *b);

#endif

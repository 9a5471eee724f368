/* SPDX-License-Identifier: MIT */
/* Which files and listings were taken from the present epoch: a set of the nodes' hashes. */
#ifndef SCW_PROCFS_SHOWN_H
#define SCW_PROCFS_SHOWN_H

#include "vfs/vfs.h"

/* Zeroed but for `alloc`. */
struct shown {
	struct base_alloc *alloc;
	uint64_t *slots; /* 0: free */
	size_t mask, count;
	uint64_t epoch;
};

/*
 * Note a node's `key` in `epoch`; false when it was noted there before. A set that can't grow any
 * more begins anew.
 */
bool shown_add(struct shown *s, uint64_t epoch, const uint64_t key[4]);
/* Forget all. */
void shown_begin(struct shown *s);
void shown_deinit(struct shown *s);

#endif

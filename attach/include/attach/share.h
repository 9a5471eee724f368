/* SPDX-License-Identifier: MIT */
/*
 * Counters shared by all processes of one `scwatcher run`, for --stats: a page in a memfd that
 * they find by ATTACH_ENV_SHARE and add to when they end.
 */
#ifndef SCW_ATTACH_SHARE_H
#define SCW_ATTACH_SHARE_H

#include <stdint.h>

#include "attach/attach.h"

#define ATTACH_ENV_SHARE "SCWATCHER_SHARE"

struct share_totals {
	uint64_t processes;	/* that attached */
	uint64_t attach_ns;	/* sum over them */
	uint64_t attach_max_ns;
	uint64_t handed_over;	/* of them, by what run had found */
	uint64_t pages;		/* guest pages looked up */
	uint64_t page_hits;
	uint64_t walks;
	uint64_t tlb_misses;
	uint64_t faults;
	uint64_t reads;		/* copies and system calls on the guest's memory */
	uint64_t bytes;
	struct attach_sealed_stats sealed;
	/* Why a process couldn't attach, or what it read isn't whole: an enum err; 0: all went well. The last one counts. */
	int32_t failure;
};

/* Make the page and put it into the environment. NULL when that can't be done. */
struct share_totals *share_create(void);

/* The page that the environment names, or NULL: nobody asked. */
struct share_totals *share_find(void);

/* Note that a process couldn't attach, or couldn't read all that it should have. */
void share_fail(struct share_totals *t, enum err code);

/* Add what this process's guest did. Call once, before attach_close(). */
void share_add(struct share_totals *t, const struct attach *a);

#endif

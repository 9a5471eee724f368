/* SPDX-License-Identifier: MIT */
/*
 * What the broker and one worker tell each other: a page that the worker counts in, and messages on
 * a socket pair. The broker believes none of it: a worker has met a client and a guest. It copies,
 * checks and cuts, and what is wrong is wrong about that worker's own session only.
 */
#ifndef SCW_DAEMON_REPORT_H
#define SCW_DAEMON_REPORT_H

#include <stdint.h>
#include <sys/types.h>

#include "attach/memory.h"
#include "channel/frame.h"
#include "memdev/session.h"

enum report_state {
	REPORT_OPENING, /* the VM */
	REPORT_SHAKING, /* hands, until accepted */
	REPORT_FRAMES,	/* serving: over the socket */
	REPORT_RING,	/* serving: by a ring */
	REPORT_WARM,	/* no session yet: the VM is open, for the next one */
};

enum {
	REPORT_LOOKED_MAX = 8192, /* windows: 512 MiB */
};

/* Shared memory, written by the worker at will. Texts end with a NUL, or at their end. */
struct report_page {
	volatile uint32_t state;
	char who[MEMDEV_WHO_SIZE];
	volatile uint64_t requests, pages, bytes_in, bytes_out;
	volatile uint64_t memory; /* bytes that core parts hold */
	char reason[256]; /* why it ended */
	/* where in the VM's memory it looked, said at its end: source_looked() */
	volatile uint32_t looked_count, looked[REPORT_LOOKED_MAX];
};

/*
 * Worker: this is the VM. Once, and while it has its privileges: what it says of places comes from one who
 * hasn't met a guest.
 */
struct report_opened {
	uint32_t kind; /* REPORT_OPENED */
	char vm[CHANNEL_VM_NAME_MAX + 1];
	struct attach_memory_at at;
};

/* Broker's answer: may it be served (ERR_OK)? And what is remembered of the VM: "" or a text. */
struct report_verdict {
	int32_t code;
	char text[128];
	char known[ATTACH_MEMORY_TEXT_MAX];
};

/* Worker: what to remember of it. At most once. */
struct report_found {
	uint32_t kind; /* REPORT_FOUND */
	char known[ATTACH_MEMORY_TEXT_MAX];
};

/* Warm worker, of the client it was offered: REPORT_TAKEN (it wants this VM), REPORT_DECLINED. */
struct report_offered {
	uint32_t kind;
};

enum {
	REPORT_OPENED = 1,
	REPORT_FOUND = 2,
	REPORT_TAKEN = 3,
	REPORT_DECLINED = 4,
};

#endif

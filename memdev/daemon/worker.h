/* SPDX-License-Identifier: MIT */
/*
 * One session: a process of its own from the first byte of the client's on. A warm worker has opened a
 * VM's memory and given up its privileges before there is a client, since that takes longer than all
 * the rest of a small session; it looks at nothing that the guest wrote before evidence was judged.
 */
#ifndef SCW_DAEMON_WORKER_H
#define SCW_DAEMON_WORKER_H

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "channel/channel.h"
#include "config.h"
#include "memdev/policy.h"
#include "report.h"

struct worker_setup {
	const struct config *config;
	const struct memdev_policy *policy;
	struct channel_key_pair *key; /* this process's copy; wiped */
	int client;		      /* socket of the client; -1: a warm worker, which has: */
	const char *vm;		      /* to open */
	const struct attach_memory_at *at; /* and where it is; NULL: to be looked for */
	bool quiet;		      /* nobody waits for it to be ready */
	size_t answers;		      /* bytes that its client will probably want */
	const uint32_t *looked;	      /* and windows in which they are: source_look() */
	size_t looked_count;
	uint32_t spins;		      /* carrier_spins(CARRIER_SPIN_NS) */
	const cpu_set_t *cpus;	      /* that it may run on; NULL: not known */
	const struct sandbox_filter *filter;
	int broker;		      /* socket pair's end */
	struct report_page *page;
	pid_t parent;
	uid_t uid; /* to become */
	gid_t gid;
};

/*
 * Go through a handshake with oneself: what libraries do when they are used for the first time is done
 * before workers are forked off, and not by each of them.
 */
void worker_rehearse(void);

/* Serve until the session ends; the status to exit with: 0 when it ended as sessions do. */
int worker_run(const struct worker_setup *w);

#endif

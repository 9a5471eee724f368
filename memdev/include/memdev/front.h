/* SPDX-License-Identifier: MIT */
/*
 * The pread carrier's file system: `scwatcherd --mount DIR`. For containers that can do nothing but
 * open() and pread(). It is an ordinary, unprivileged client of the device's socket that passes on
 * what is opened and read, sees sealed records only, and judges nobody.
 */
#ifndef SCW_MEMDEV_FRONT_H
#define SCW_MEMDEV_FRONT_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

struct front_options {
	const char *directory; /* where to mount; its owner and permission bits stay */
	const char *socket;    /* the device's */
	uid_t uid;	       /* to serve as, when started as root; 0: stay root */
	gid_t gid;
	unsigned int sessions_per_vm; /* 0: 64 */
	unsigned int idle_s;	      /* a session that isn't used ends; 0: one hour */
	unsigned int answer_s;	      /* how long an answer may take; 0: 10 seconds */
	bool with_parent;	      /* end when the process that called fork() for us does */
	/* Optional. Called by the process that serves, once it has all that it needs: gives up the rest. */
	enum err (*confine)(struct err_ctx *err);
	/* Optional. Something for the log, such as a stale mount that was removed. */
	void (*say)(const char *text);
};

/*
 * Mount and serve until SIGTERM or SIGINT, then unmount. For a process of its own, with one thread:
 * it forks (the child serves, with no privileges; this process stays to unmount, also after the
 * child crashed) and waits for signals.
 *
 * ERR_ABSENT (no such directory), ERR_PERM, ERR_INVAL (something else is mounted there: the text
 * says what to do), ERR_GONE (unmounted by somebody else), ERR_IO. A mount that an earlier, killed
 * one of ours left behind is removed.
 */
enum err front_run(const struct front_options *o, struct err_ctx *err) ERR_NODISCARD;

#endif

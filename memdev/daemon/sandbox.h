/* SPDX-License-Identifier: MIT */
/* What a worker gives up before it reads a byte of a client or a guest. */
#ifndef SCW_DAEMON_SANDBOX_H
#define SCW_DAEMON_SANDBOX_H

#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/* The system calls of a worker as the kernel wants them: made once, by who starts workers. */
struct sandbox_filter;
enum err sandbox_filter_create(struct sandbox_filter **ret, struct err_ctx *err) ERR_NODISCARD;
void sandbox_filter_destroy(struct sandbox_filter *f);

struct sandbox {
	const struct sandbox_filter *filter;
	uid_t uid;
	gid_t gid;
	size_t memory;	/* bytes of private memory that may be written to */
	size_t file;	/* bytes of the largest file that may be made (the ring's) */
	pid_t parent;	/* with which we end; 0: nobody */
};

/*
 * Become that user, without any capability or a way to a new one; limit memory, files, processes;
 * end with the parent; then only let the system calls through that serving takes. A call that isn't
 * allowed ends the process (SIGSYS). ERR_PERM, ERR_IO: nothing may go on then. ERR_GONE: the parent is.
 */
enum err sandbox_enter(const struct sandbox *s, struct err_ctx *err) ERR_NODISCARD;

/*
 * For the process that serves files: from now on all its threads can only make the system calls that this takes.
 * ERR_NOMEM, ERR_IO.
 */
enum err sandbox_front(struct err_ctx *err) ERR_NODISCARD;

#endif

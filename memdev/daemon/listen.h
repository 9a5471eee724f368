/* SPDX-License-Identifier: MIT */
/* Listening sockets: made here, or handed over by systemd (sd_listen_fds(3)). */
#ifndef SCW_DAEMON_LISTEN_H
#define SCW_DAEMON_LISTEN_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * The socket that systemd opened for us under `name` (FileDescriptorName=), which must listen and be
 * of `type`; ERR_ABSENT when it opened none.
 */
enum err listen_inherited(const char *name, int type, int *ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * A new one at `path`, in a folder that is made if need be. A socket that nobody listens on any more
 * is replaced; one in use is ERR_INVAL.
 */
enum err listen_at(const char *path, int type, mode_t mode, int *ret,
		   struct err_ctx *err) ERR_NODISCARD;

/* Tell systemd, if it waits for that, that we are ready (sd_notify(3)). */
void listen_ready(void);

#endif

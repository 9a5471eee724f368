/* SPDX-License-Identifier: MIT */
/*
 * A consistent instant: the VM stands still while it is looked at. The VMM is stopped with SIGSTOP,
 * which works for every VMM; a watchdog process continues it when we end in whatever way, kill -9
 * included. A VMM that was stopped already stays stopped.
 */
#ifndef SCW_ATTACH_PAUSE_H
#define SCW_ATTACH_PAUSE_H

#include <sys/types.h>

#include "base/err.h"

struct pause;

/*
 * Stop process `pid` and wait until it stands still. ERR_PERM, ERR_GONE; ERR_IO when it doesn't
 * stop (it is continued then).
 */
enum err pause_begin(pid_t pid, struct pause **ret, struct err_ctx *err) ERR_NODISCARD;

/* Let it run again if it was us who stopped it. NULL is fine. */
void pause_end(struct pause *p);

#endif

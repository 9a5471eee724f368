/* SPDX-License-Identifier: MIT */
/*
 * A VM that was attached to before, and is where it was: all that has to be known before a command
 * can be started that looks into it. Needs nothing of what attaching needs but the sources.
 */
#ifndef SCW_ATTACH_FIND_H
#define SCW_ATTACH_FIND_H

#include "base/err.h"

struct attach_found;

/* ERR_ABSENT when it isn't remembered, or not true any more, for whatever reason: attach_open() it. */
enum err attach_find(const char *vm, struct attach_found **ret) ERR_NODISCARD;

/* As attach_handover(), attach_alive(), attach_close(). */
enum err attach_found_handover(const struct attach_found *f, struct err_ctx *err) ERR_NODISCARD;
enum err attach_found_alive(struct attach_found *f, struct err_ctx *err) ERR_NODISCARD;
void attach_found_close(struct attach_found *f);

#endif

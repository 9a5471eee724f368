// SPDX-License-Identifier: MIT
/* For a process that gives up its privileges once a source is opened. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

enum err source_keep(struct source *s, pid_t watch, uid_t reader, struct err_ctx *err)
{
	enum err e = ERR_OK;

	for (size_t i = 0; i < s->block_count && !e; i++) {
		struct store *store;

		e = source_block_store(s, &s->blocks[i], &store, err);
		if (!e && store->ops->keep)
			e = store->ops->keep(store, reader, err);
	}
	if (e || watch <= 0 || s->pidfd >= 0)
		return e;
	s->pidfd = (int)syscall(SYS_pidfd_open, watch, 0);
	if (s->pidfd < 0 && errno == ESRCH)
		return err_set(err, ERR_GONE, "the virtual machine has ended");
	if (s->pidfd < 0)
		return err_set_errno(err, ERR_IO, errno, "can't watch process %d", (int)watch);
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/* For a process that gives up its privileges once a source is opened. */
#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"

enum {
	/* Bits of a window's number within its block: 1 TiB of it. */
	WINDOW_BITS = 24,
};

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

size_t source_looked(const struct source *s, uint32_t *ret, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < s->block_count && i < 1u << (32 - WINDOW_BITS); i++) {
		const struct store *store = s->blocks[i].store;
		size_t from = count;

		if (!store || !store->ops->looked)
			continue;
		count += store->ops->looked(store, ret + count, max - count);
		for (size_t n = from; n < count; n++)
			ret[n] |= (uint32_t)i << WINDOW_BITS;
	}
	return count;
}

void source_look(struct source *s, const uint32_t *windows, size_t count)
{
	for (size_t n = 0; n < count; n++) {
		uint32_t block = windows[n] >> WINDOW_BITS;
		struct store *store = block < s->block_count ? s->blocks[block].store : NULL;

		if (store && store->ops->look)
			store->ops->look(store, windows[n] & ((1u << WINDOW_BITS) - 1));
	}
}

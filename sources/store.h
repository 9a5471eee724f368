/* SPDX-License-Identifier: MIT */
/*
 * Bytes that hold guest memory, before anybody knows their guest-physical addresses: a file, or a
 * stretch of a process's memory. Stores are what sources are put together from.
 */
#ifndef SCW_SOURCES_STORE_H
#define SCW_SOURCES_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "guest/phys.h"
#include "sources/source.h"

enum {
	FD_LOWEST = 200, /* descriptors go out of the way of tools that we are preloaded into */
};

struct store;

/* One piece of a batched read. `ok` is set by the store. */
struct store_io {
	uint64_t offset;
	void *buf;
	size_t size;
	bool ok;
};

/* Offsets count from the start of the store; callers have checked them against its size. */
struct store_ops {
	/* Required. Never-touched bytes read as zeros. ERR_GONE, ERR_IO, ERR_PERM. */
	enum err (*read)(struct store *s, uint64_t offset, void *buf, size_t size,
			 struct err_ctx *err);

	/*
	 * Required. Many small reads at the price of few calls. What can't be read fails alone
	 * (.ok); an error is the whole store's: ERR_GONE, ERR_PERM.
	 */
	enum err (*read_many)(struct store *s, struct store_io *io, size_t count,
			      struct err_ctx *err);

	/* Optional. The page at `offset` (page-aligned) in place, or NULL: read() it. */
	const void *(*map)(struct store *s, uint64_t offset);

	/*
	 * Required. The first run at or above `from` and below `end` (both page-aligned) that may
	 * hold anything but zeros; false when there is none. Never touches a page to find out.
	 */
	bool (*next_data)(struct store *s, uint64_t from, uint64_t end, uint64_t *start_ret,
			  uint64_t *end_ret);

	/* Optional. ERR_GONE when the bytes are no longer what was opened. Cheap. */
	enum err (*alive)(struct store *s, struct err_ctx *err);

	/*
	 * Optional. Open now what later calls would, so that user `reader` can go on without the
	 * privileges that opening took. ERR_PERM, ERR_GONE, ERR_IO.
	 */
	enum err (*keep)(struct store *s, uid_t reader, struct err_ctx *err);

	/*
	 * Optional. Since keep(), which windows of SOURCE_WINDOW bytes were looked at: numbers from the start of the store
	 * on, at most `max`; how many. And: look at one now, unless that would cost the guest something.
	 */
	size_t (*looked)(const struct store *s, uint32_t *ret, size_t max);
	void (*look)(struct store *s, uint32_t window);

	void (*close)(struct store *s);
};

struct store {
	const struct store_ops *ops;
	uint64_t base; /* backing address of the first byte: file offset, or VMM virtual address */
	uint64_t size; /* bytes, whole pages but for dumps */
	struct guest_phys_stats *stats; /* where copies are counted */
};

/*
 * The bytes [at, at + size) of an open file, mapped read-only; `at` is page-aligned and becomes the
 * store's base, which the caller may change. Takes `fd` over, also on failure.
 */
enum err store_file_create(int fd, uint64_t at, uint64_t size, struct guest_phys_stats *stats,
			   struct store **ret, struct err_ctx *err) ERR_NODISCARD;

/* Memory [address, address + size) of process `pid`, read by copying. */
enum err store_process_create(pid_t pid, uint64_t address, uint64_t size,
			      struct guest_phys_stats *stats, struct store **ret,
			      struct err_ctx *err) ERR_NODISCARD;

static inline void store_destroy(struct store *s)
{
	if (s)
		s->ops->close(s);
}

#endif

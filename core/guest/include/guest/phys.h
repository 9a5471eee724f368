/* SPDX-License-Identifier: MIT */
/*
 * A source of guest-physical memory: what sources/ implements (RAM file, VMM process, dump) and
 * the page walk and guest discovery read. All bytes that come out are attacker-written and may
 * change between two reads.
 */
#ifndef SCW_GUEST_PHYS_H
#define SCW_GUEST_PHYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "guest/addr.h"

struct guest_phys;

/* One of several reads that are asked for together. */
struct guest_phys_io {
	struct gpa at;
	void *buf;
	size_t size;
	bool ok; /* set by the source: all `size` bytes are in `buf` */
};

/* One run of physical memory: `size` bytes from `start`, both multiples of the page size. */
struct guest_phys_range {
	struct gpa start;
	uint64_t size;
};

/*
 * To add a source: fill one of these, static const; embed struct guest_phys in your own struct.
 * Every callback is given ranges as they come from the guest, so each checks them.
 */
enum {
	GUEST_PHYS_BATCH = 64, /* most entries of one read_many() */
};

struct guest_phys_ops {
	const char *name; /* "ram-file", "process", "elf-core", "raw", "synthetic" */

	/*
	 * Required. Copy `size` bytes at `at` to `buf`. The range may cross pages and holes: a hole
	 * anywhere in it is ERR_NOPHYS and leaves `buf` unspecified. ERR_GONE when the VM died.
	 */
	enum err (*read)(struct guest_phys *p, struct gpa at, void *buf, size_t size,
			 struct err_ctx *err);

	/*
	 * Optional (NULL: read() is called for each). Do `count` reads, at most
	 * GUEST_PHYS_BATCH, in as few system calls as can be. A hole fails only its own entry
	 * (.ok = false); the result is not ERR_OK only when the source as a whole failed.
	 */
	enum err (*read_many)(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
			      struct err_ctx *err);

	/*
	 * Optional (NULL: the source can't). Host address of the guest's own page at `at` (page
	 * aligned), readable until the source is closed; NULL when that page can't be mapped, which
	 * is no error: read() may still work.
	 */
	const void *(*map)(struct guest_phys *p, struct gpa at);

	/*
	 * Required. The first run of memory at or above `from` that is backed *and worth scanning*
	 * (never-touched pages of a sparse file may be left out), at most `max` bytes of it.
	 * ERR_ABSENT when there is none.
	 */
	enum err (*next_range)(struct guest_phys *p, struct gpa from, uint64_t max,
			       struct guest_phys_range *ret);

	/*
	 * Optional (NULL: it can't go away). ERR_GONE with a text once the VM behind it has ended,
	 * ERR_OK while it lives. Cheap: called at the start of every epoch.
	 */
	enum err (*alive)(struct guest_phys *p, struct err_ctx *err);

	/*
	 * Optional (NULL: it can't change hands). Looks now, each time: is what was read so far of the
	 * guest that is watched? ERR_GONE with a text once another kernel, or none, is in its memory: a
	 * guest that restarts overwrites the old kernel bit by bit.
	 */
	enum err (*verify)(struct guest_phys *p, struct err_ctx *err);

	/*
	 * Optional. Nanoseconds of a clock that never goes back. With it, copies of pages may be as old
	 * as GUEST_WALK_FRESH_NS; without, each epoch makes them anew.
	 */
	uint64_t (*now)(struct guest_phys *p);

	/* Required. Release all; `p` is not used again. */
	void (*close)(struct guest_phys *p);
};

/* What --stats prints of a source; counted by the source itself. */
struct guest_phys_stats {
	uint64_t reads; /* calls that cost a copy or a system call */
	uint64_t bytes; /* bytes so copied */
};

struct guest_phys {
	const struct guest_phys_ops *ops;
	struct guest_phys_stats stats;
};

static inline enum err ERR_NODISCARD guest_phys_read(struct guest_phys *p, struct gpa at, void *buf,
						     size_t size, struct err_ctx *err)
{
	return p->ops->read(p, at, buf, size, err);
}

/* Do `count` reads of any number; see read_many. */
enum err guest_phys_read_many(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
			      struct err_ctx *err) ERR_NODISCARD;

static inline const void *guest_phys_map(struct guest_phys *p, struct gpa at)
{
	return p->ops->map ? p->ops->map(p, at) : NULL;
}

#endif

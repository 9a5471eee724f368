/* SPDX-License-Identifier: MIT */
/*
 * The client's way to a memory device with nothing but open() and pread(), for enclave containers
 * that can do no more: a session over the file system that `scwatcherd --mount DIR` serves
 * (docs/PROTOCOL.md). Everything outside this process is hostile: what it does ends in data that the
 * device sealed for exactly what was asked, in this epoch, or in an error.
 *
 * A session belongs to the process that opened it, and there to one thread at a time; after a fork
 * the child's calls say ERR_GONE.
 */
#ifndef SCW_CARRIER_PREAD_H
#define SCW_CARRIER_PREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"
#include "sealed/session.h"

enum carrier_pread_way {
	/*
	 * Reads by address: pages that are near each other in one pread. The host sees the addresses.
	 * Lists aren't chased by the device; the hint is ignored.
	 */
	CARRIER_PREAD_ADDRESSES,
	/* Sealed requests as names of files: addresses are hidden, and lists are chased. */
	CARRIER_PREAD_REQUESTS,
};

struct carrier_pread_options {
	struct sealed_session_options session; /* its order of records is the carrier's to choose */
	enum carrier_pread_way way;
	uint32_t cluster_pages; /* most pages in one pread: 1 to CHANNEL_BYTES_PAGES_MAX - 1; 0: 15 */
	/* Longest name of a file that open() takes: 32 to 1000. 0: 1000, or 255 if that is too long. */
	uint32_t name_max;
};

/*
 * How files are reached. To add a way: embed this in your own struct. Results are >= 0 or negative errno
 * numbers, and the host's word.
 */
struct carrier_files {
	/* Open for reading; what the other two take. */
	int (*open)(struct carrier_files *f, const char *path);
	/* At most `size` bytes from `offset` on: their number. */
	int64_t (*read)(struct carrier_files *f, int file, void *buf, size_t size, uint64_t offset);
	void (*close)(struct carrier_files *f, int file);
	/* Nanoseconds of a clock that doesn't go back. */
	uint64_t (*now)(struct carrier_files *f);
	/* Differs in a child after fork(). */
	int (*process)(struct carrier_files *f);
};

struct carrier_pread;

struct carrier_pread_stats {
	uint64_t opens, preads;
	uint64_t bytes; /* that crossed, names included */
};

/*
 * Open a session through the file system mounted at `directory`. ERR_ABSENT: there is none, or no
 * such VM; ERR_PERM; ERR_LIMIT: too many sessions; and what sealed_session_open() says. `o` is used
 * during the call only; `alloc` until carrier_pread_close().
 */
enum err carrier_pread_open(struct base_alloc *alloc, const char *directory,
			    const struct carrier_pread_options *o, struct carrier_pread **ret,
			    struct err_ctx *err) ERR_NODISCARD;
/* The same by way of `io`, which is used until carrier_pread_close(). */
enum err carrier_pread_open_with(struct base_alloc *alloc, struct carrier_files *io,
				 const char *directory, const struct carrier_pread_options *o,
				 struct carrier_pread **ret, struct err_ctx *err) ERR_NODISCARD;
/* Closes all files, which ends the session; wipes the keys. NULL is fine. */
void carrier_pread_close(struct carrier_pread *c);

/* For sealed_pages_create(); belongs to `c`. */
struct sealed_carrier *carrier_pread_sealed(struct carrier_pread *c);

/* What the device said of the guest when it accepted the session. */
const struct channel_accept *carrier_pread_accept(const struct carrier_pread *c);

/* Is this process another one than the one that opened the session? */
bool carrier_pread_forked(const struct carrier_pread *c);

/* The session's directory with a slash at its end, and the session: for clients that do more. */
const char *carrier_pread_path(struct carrier_pread *c);
struct sealed_session *carrier_pread_session(struct carrier_pread *c);

struct carrier_pread_stats carrier_pread_stats(const struct carrier_pread *c);

/*
 * For comparison: guest memory as the design published in 2020 read it, each object by one pread of
 * just its bytes at the moment it is used, nothing kept. It belongs to the caller; not used at the
 * same time as carrier_pread_sealed().
 */
enum err carrier_pread_objects(struct carrier_pread *c, struct guest_pages **ret,
			       struct err_ctx *err) ERR_NODISCARD;

#endif

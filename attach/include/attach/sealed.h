/* SPDX-License-Identifier: MIT */
/*
 * A guest behind a memory device: where the device is, and the way to it. What speaks with the
 * device (the channel, its cryptography) is in a library of its own, libscwatcher-sealed.so, which
 * is loaded when it is asked for: a tool that reads mapped memory doesn't pay for loading it.
 */
#ifndef SCW_ATTACH_SEALED_H
#define SCW_ATTACH_SEALED_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"
#include "ktype/ktype.h"

/* What `scwatcher run --sealed` says to the programs that it starts: paths, never keys. */
#define ATTACH_ENV_SEALED    "SCWATCHER_SEALED" /* a carrier's name; unset: not sealed */
#define ATTACH_ENV_DEVICE    "SCWATCHER_DEVICE"
#define ATTACH_ENV_PIN	     "SCWATCHER_DEVICE_KEY"
#define ATTACH_ENV_IDENTITY  "SCWATCHER_IDENTITY"
#define ATTACH_ENV_FRESHNESS "SCWATCHER_FRESHNESS" /* milliseconds */

#define ATTACH_DEVICE_SOCKET "/run/scwatcher/device.sock"
#define ATTACH_DEVICE_MOUNT  "/run/scwatcher/memory"

enum {
	/* How long pages are kept: a pass over all tasks and what is opened within it. */
	ATTACH_FRESHNESS_MS = 1000,
};

enum attach_carrier {
	ATTACH_MAPPED, /* not sealed: the guest's memory itself */
	ATTACH_RING,   /* "ring" */
	ATTACH_PREAD,  /* "pread": files that the device's mount shows */
	ATTACH_SOCKET, /* "socket": records over the socket; slow, for tests */
	/* "pread-uncached": each read its own call, nothing kept. Slow: what others are measured by. */
	ATTACH_PREAD_UNCACHED,
	/* "pread-addresses": the same files, read at the guest's addresses, which the host sees. */
	ATTACH_PREAD_ADDRESSES,
};

struct attach_sealed {
	enum attach_carrier carrier;
	/* NULL: the usual places. */
	const char *device;   /* the device's socket, or for pread the folder of its mount */
	const char *pin;      /* file with the device's public key */
	const char *identity; /* file with our development identity */
	int64_t freshness_ms; /* below 0: as usual; 0: each operation reads anew */
	int start; /* descriptor over which a session comes (attach/start.h); 0: none. It becomes attach_open()'s */
};

/* False for a name that no carrier has. */
bool attach_carrier_from_name(const char *name, enum attach_carrier *ret);
const char *attach_carrier_name(enum attach_carrier c);

/* The usual places in place of NULLs, as absolute paths. */
struct attach_sealed_paths {
	char device[PATH_MAX], pin[PATH_MAX], identity[PATH_MAX];
};
enum err attach_sealed_paths(const struct attach_sealed *s, struct attach_sealed_paths *ret,
			     struct err_ctx *err) ERR_NODISCARD;

/*
 * Complain early about what is missing on our side: nothing at the device's path, no key. The device
 * itself is for the command to ask.
 */
enum err attach_sealed_look(const struct attach_sealed *s, struct err_ctx *err) ERR_NODISCARD;

/* Say to programs started from here where `vm` is; also that it isn't sealed, if it isn't. */
enum err attach_sealed_handover(const struct attach_sealed *s, const char *vm,
				struct err_ctx *err) ERR_NODISCARD;

/* What crossed, for --stats. */
struct attach_sealed_stats {
	uint64_t round_trips;
	uint64_t records;
	uint64_t pages;
	uint64_t bytes; /* sealed, both ways */
	uint64_t cipher_calls;
	uint64_t sleeps;
	uint64_t sessions;
};

/* An open session, in the library; `pages` belongs to it. */
struct attach_session {
	struct guest_pages *pages;
	struct ktype_boot boot;
	/* Hang up, wipe the keys, free all. */
	void (*close)(struct attach_session *s);
	/*
	 * The process is about to end: hang up, so that the device needn't find out. A page that is
	 * missed later costs another session.
	 */
	void (*leave)(struct attach_session *s);
	/* In a child after fork(): it opens a session of its own when it needs one. */
	void (*forked)(struct attach_session *s);
	struct attach_sealed_stats (*stats)(const struct attach_session *s);
	/* See sealed/pages.h: pages to ask for beforehand, and which ones next time (false: the same). */
	void (*follow)(struct attach_session *s, const struct guest_trail *t);
	bool (*trail)(struct attach_session *s, struct guest_trail *ret);
	uint64_t generation; /* of the guest */
	/* Keep what was asked for, for the next such command, if the session was handed to us (attach/start.h). */
	void (*keep)(const struct attach_session *s);
};

/*
 * Open a session for `vm`. ERR_ABSENT: no device there, or no such VM; ERR_PERM: the policy says no, or
 * a key file is open to others; ERR_TAMPERED: not the device whose key is pinned; ERR_GONE; ERR_UNSUPPORTED
 * when the library isn't there. `alloc` is used until close.
 */
enum err attach_session_open(struct base_alloc *alloc, const struct attach_sealed *o,
			     const char *vm, struct attach_session **ret,
			     struct err_ctx *err) ERR_NODISCARD;

/* The library's one symbol. */
#define ATTACH_SEALED_LIBRARY "libscwatcher-sealed.so"
#define ATTACH_SEALED_SYMBOL  "scw_session_open"
typedef enum err attach_session_open_fn(struct base_alloc *alloc, const struct attach_sealed *o,
					const struct attach_sealed_paths *paths, const char *vm,
					struct attach_session **ret, struct err_ctx *err);

#endif

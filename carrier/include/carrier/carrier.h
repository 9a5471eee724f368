/* SPDX-License-Identifier: MIT */
/*
 * The client's way to a memory device over its UNIX socket: connect, open a session, and carry
 * requests and answers through a ring of shared memory, or as frames over the socket (slow; tests).
 * Everything outside this process is hostile: what it does ends in data that the device sealed, or
 * in an error, within the time limit.
 *
 * A session belongs to the process that opened it, and there to one thread at a time. After a fork the
 * child's calls say ERR_GONE and leave the session to its parent: two processes with the same keys and
 * sequence numbers would break the cipher. A child opens its own.
 */
#ifndef SCW_CARRIER_CARRIER_H
#define SCW_CARRIER_CARRIER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "channel/ring.h"
#include "sealed/session.h"

enum carrier_kind {
	CARRIER_RING,
	CARRIER_FRAMES,
};

enum {
	CARRIER_TO_DEVICE = 1 << 16, /* bytes of the rings unless asked for otherwise */
	CARRIER_TO_CLIENT = 1 << 20, /* as much as small tools get in all: the device needn't wait for the tool */
	CARRIER_TIMEOUT_S = 30,
};

struct carrier_options {
	struct sealed_session_options session; /* its order of records is the carrier's to choose */
	enum carrier_kind kind;
	struct channel_ring_sizes ring; /* zeros: as above */
	uint64_t timeout_ns;		/* how long the device may take for anything; 0: as above */
	bool no_spin;			/* sleep at once: for those who count CPU time */
};

struct carrier;

/*
 * Open a session with the device that listens at `path`. ERR_ABSENT: nothing listens there; ERR_PERM;
 * sealed_session_open()'s; ERR_TAMPERED when what should be the ring isn't one. `o` is used during the
 * call only; `alloc` until carrier_close().
 */
enum err carrier_open(struct base_alloc *alloc, const char *path, const struct carrier_options *o,
		      struct carrier **ret, struct err_ctx *err) ERR_NODISCARD;
/*
 * Say over a socket of carrier_connect() which VM the session will be with (session.greeted), so that the device
 * makes ready; ERR_GONE, ERR_INVAL.
 */
enum err carrier_greet(int socket, const char *vm, struct err_ctx *err) ERR_NODISCARD;
/* The same over a connected socket, which becomes the carrier's own in any case. */
enum err carrier_open_socket(struct base_alloc *alloc, int socket, const struct carrier_options *o,
			     struct carrier **ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * The same in steps (sealed/session.h), errors as above. First hello is said, and what `o` points to is used until
 * carrier_prove() has returned. After an error of the others only closing is allowed.
 */
enum err carrier_begin(struct base_alloc *alloc, int socket, const struct carrier_options *o,
		       struct carrier **ret, struct err_ctx *err) ERR_NODISCARD;
/*
 * Then the evidence is shown, a ring is asked for, and `size` bytes (0: none) of a request, whose answer will be
 * the first in it: nobody needs to wait for anything in between.
 */
enum err carrier_prove(struct carrier *c, const void *request, size_t size,
		       struct err_ctx *err) ERR_NODISCARD;
/* Last: the device has let us in, and requests can be sent. */
enum err carrier_settle(struct carrier *c, struct err_ctx *err) ERR_NODISCARD;

/*
 * In place of the last step: a session by a ring for another process of ours to go on with; plain bytes, with
 * keys, so wipe them; and the socket, which stays the carrier's. After leaving, only closing is allowed here.
 */
struct carrier_state {
	struct sealed_session_state session;
	struct channel_ring_sizes want;
	uint64_t timeout_ns; /* as in the options, of who goes on; carrier_leave() says 0 */
};
void carrier_leave(struct carrier *c, struct carrier_state *ret, int *socket_ret);
/* The last step there. `socket` becomes the carrier's in any case. */
enum err carrier_resume(struct base_alloc *alloc, const struct carrier_state *state, int socket,
			struct carrier **ret, struct err_ctx *err) ERR_NODISCARD;

/* Hang up, wipe the keys. In a child of the process that opened it: free its copy. NULL is fine. */
void carrier_close(struct carrier *c);

/* For sealed_pages_create(); belongs to `c`. */
struct sealed_carrier *carrier_sealed(struct carrier *c);

/* What the device said of the guest when it accepted the session. */
const struct channel_accept *carrier_accept(const struct carrier *c);

/* Is this process another one than the one that opened the session? */
bool carrier_forked(const struct carrier *c);

#endif

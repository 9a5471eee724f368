/* SPDX-License-Identifier: MIT */
/*
 * A session served through a ring of shared memory: the loop of a worker from the client's RING frame
 * to the end of the session.
 */
#ifndef SCW_MEMDEV_RING_SERVE_H
#define SCW_MEMDEV_RING_SERVE_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "carrier/region.h"
#include "memdev/session.h"

enum {
	/* What a client gets at most, whatever it asks for. */
	MEMDEV_RING_TO_DEVICE_MAX = 1 << 20,
	MEMDEV_RING_TO_CLIENT_MAX = 1 << 22,
};

/* Shared memory of the size that clients usually ask for, made before there is one. Zeros: none. */
struct memdev_ring_ready {
	struct carrier_region region;
	int fd; /* meaningless without a region */
};
/* `answers`: how many bytes will probably be written to the client, thus need pages. */
enum err memdev_ring_prepare(size_t answers, struct memdev_ring_ready *ret,
			     struct err_ctx *err) ERR_NODISCARD;
void memdev_ring_drop(struct memdev_ring_ready *r);

struct memdev_ring_options {
	struct base_alloc *alloc;
	struct memdev_session *session; /* that serves; borrowed */
	int socket;			/* the client's; borrowed */
	uint32_t spins;			/* carrier_spins(CARRIER_SPIN_NS), or 0 */
	const cpu_set_t *cpus;		/* see carrier_wait_part(); NULL: stay where it is. Borrowed */
	/* Optional: called after each answer, to publish figures, say. */
	void (*answered)(void *ctx);
	/*
	 * Optional: called now and then while the client asks nothing; an error ends the session, and
	 * the client is told.
	 */
	enum err (*look)(void *ctx, struct err_ctx *err);
	struct memdev_ring_ready *ready; /* or NULL; used up if the client asks for that */
	uint64_t idle_ns; /* how long the client may ask nothing; 0: for ever */
	void *ctx;
};

/*
 * `ask` is the payload of the client's RING frame. Makes the shared memory, sends it, and answers
 * requests, that in the frame first, until the session ends: ERR_GONE when the client has hung up (the ordinary end, noticed
 * within a second), ERR_TAMPERED, ERR_CORRUPT when it or the host broke the rules, or what else
 * memdev_session_record() says; the client has been told if that was possible. Never ERR_OK.
 *
 * Calls memfd_create, ftruncate, fcntl, mmap, sendmsg and poll at the start, then only futex, poll
 * and clock_gettime, with `cpus` sched_yield, getcpu and sched_setaffinity of this thread, and munmap, close at the end: what a
 * seccomp filter has to let pass.
 */
enum err memdev_ring_serve(const struct memdev_ring_options *o, const void *ask, size_t size,
			   struct err_ctx *err) ERR_NODISCARD;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * A worker: the thread outside that does what an enclave would have to leave for. It wakes the device where that
 * sleeps on a bell of the ring, if there is a ring, and tells the time (abi/guest.h). It burns little: it looks all the time only while the
 * device sleeps and has just begun to, and sleeps itself when nothing was wanted for a second.
 */
#ifndef SCW_HOST_WORKER_H
#define SCW_HOST_WORKER_H

#include <stdbool.h>

#include "abi/guest.h"
#include "channel/ring.h"

struct worker;

/* For the ring in `ring`, which stays mapped until worker_stop(), or only for the time. NULL: there is but one CPU, or no thread. */
struct worker *worker_start(struct channel_ring_head *ring_or_null);
/* NULL is fine. */
void worker_stop(struct worker *w);

struct abi_worker *worker_shared(struct worker *w);
/* Wake the device if the enclave wants that, whoever's turn it is. */
bool worker_serve(struct worker *w);
/* The enclave is back: look again. */
void worker_unpark(struct worker *w);

#endif

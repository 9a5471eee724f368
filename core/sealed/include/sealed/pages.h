/* SPDX-License-Identifier: MIT */
/*
 * Pages of guest virtual memory that come from the memory device: the client's side of the channel
 * as a guest_pages, so that nothing above knows. What was opened of pages is kept for an epoch, in a
 * bounded store. Hints of what a walk is about to need wait for the first page that isn't there, and go to the
 * device with it; the answer is taken in record by record, as pages out of it are asked for.
 */
#ifndef SCW_SEALED_PAGES_H
#define SCW_SEALED_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/pages.h"

/* What a carrier has done so far, for --stats. */
struct sealed_carrier_stats {
	uint64_t cipher_calls;	/* records sealed and opened */
	uint64_t wire_bytes;	/* both ways */
	uint64_t sleeps;	/* times that waiting was worth a system call */
};

/*
 * How requests get to the device and answers back: the ring, or pread. To add one: embed this in
 * your own struct. A carrier seals, opens, and checks order and replay; what it hands on is authentic.
 * After any error the session is over.
 */
struct sealed_carrier {
	/*
	 * Required. Send one request's plaintext. ERR_TAMPERED, ERR_GONE (the device, or the VM behind it),
	 * ERR_IO.
	 */
	enum err (*send)(struct sealed_carrier *c, const void *request, size_t size,
			 struct err_ctx *err);
	/*
	 * Optional, before receive(). Wait for one more record of the answer: how many bytes of `record` it takes; 0: that
	 * isn't known. Errors as above.
	 */
	enum err (*next)(struct sealed_carrier *c, size_t *size_ret, struct err_ctx *err);
	/*
	 * Required. Wait for one more record of the answer, put it into `record` (private memory of
	 * CHANNEL_RECORD_MAX bytes, or of as many as next() said), open it there and say where in it its plaintext lies. Called for as
	 * long as records say CHANNEL_PAGES_MORE, and not always at once: the device prepares the next
	 * records while what came is used. No second request is sent before that. Errors as above.
	 */
	enum err (*receive)(struct sealed_carrier *c, uint8_t *record, const void **plain_ret,
			    size_t *size_ret, struct err_ctx *err);
	/*
	 * Optional, with receive(). Nobody wants the rest of the answer; it can be left where it is, and
	 * receive() won't be called for it.
	 */
	void (*drop)(struct sealed_carrier *c);
	/* Optional. A new epoch: an answer must not be of before this call. */
	void (*epoch)(struct sealed_carrier *c);
	/* Lists can't be chased: only CHANNEL_READ items are understood. */
	bool reads_only;
	/* Required. Nanoseconds of a clock that doesn't go back. */
	uint64_t (*now)(struct sealed_carrier *c);
	/* Optional. */
	struct sealed_carrier_stats (*stats)(struct sealed_carrier *c);
};

/* What is usual for `readahead` and `image_readahead`. */
enum {
	SEALED_READAHEAD = 4,
	SEALED_IMAGE_READAHEAD = 8,
};

struct sealed_options {
	size_t cache_pages;	/* bound of pages of one epoch */
	uint64_t freshness_ns;	/* how long an epoch lives unless expire() ends it */
	uint32_t readahead;	/* pages fetched for one that is missed: a power of two (aligned) */
	uint64_t generation;	/* the guest's, as the device said at the start */
	struct base_alloc *lines; /* memory for what comes, in large blocks; NULL: as for all else */
	uint32_t image_readahead; /* the same for the kernel's image, where more is read nearby; 0: as above */
};

struct sealed_stats {
	uint64_t round_trips;
	uint64_t records;
	uint64_t pages; /* of which something was received */
	uint64_t bytes; /* of plaintext, both ways */
	struct sealed_carrier_stats carrier;
};

/* `carrier` is borrowed. Not thread-safe. */
enum err sealed_pages_create(struct base_alloc *alloc, struct sealed_carrier *carrier,
			     const struct sealed_options *options, struct guest_pages **ret,
			     struct err_ctx *err) ERR_NODISCARD;

/* Go by `t`, which may be anything. Before the first page is asked for; says what it wants at once. */
void sealed_pages_follow(struct guest_pages *p, const struct guest_trail *t);

/*
 * A first request, `number`, was sent in this one's place at `asked_ns` of the carrier's clock, before
 * anything else of the session: the first epoch began then, and its answer is to come.
 */
void sealed_pages_adopt(struct guest_pages *p, uint64_t number, uint64_t asked_ns);

/* What to follow next time; false when that is what was followed now. */
bool sealed_pages_trail(struct guest_pages *p, struct guest_trail *ret);

/*
 * In a child after fork(): the rest of an answer under way is the parent's, and nothing is received
 * any more until something is sent. The figures begin anew.
 */
void sealed_pages_abandon(struct guest_pages *p);

/* Of a guest_pages made by sealed_pages_create(). */
struct sealed_stats sealed_pages_stats(const struct guest_pages *p);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The ring: sealed records through memory that both ends map and the host can write at any time.
 * One byte ring in each direction, one producer and one consumer each. No input or output here:
 * sleeping and waking are the caller's hooks, so that the same code runs in an enclave.
 *
 * Nothing that lies in the shared memory is believed: sizes are agreed elsewhere and kept in private
 * memory, each index is read once and checked, a record is copied to private memory before anybody
 * looks at it. Shared memory is touched only by aligned 8-byte loads and stores, as an enclave has to
 * (Intel's advisories on stale data and on the legacy xAPIC).
 */
#ifndef SCW_CHANNEL_RING_H
#define SCW_CHANNEL_RING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/wire.h"

enum {
	CHANNEL_RING_LINE = 128, /* two cache lines: processors fetch them in pairs */
	CHANNEL_RING_WORD = 8,

	/* A power of two of bytes in each direction; a record may be larger than the ring. */
	CHANNEL_RING_SIZE_MIN = 4096,
	CHANNEL_RING_SIZE_MAX = 1 << 24,
};

/*
 * What both ends share of one direction, beside its bytes. Indices count bytes since the start, in
 * multiples of 8, and never go back; bytes [tail, head) are to be read, each at index % size. A bell
 * is 1 while its end sleeps, or is about to, and 0 otherwise; its lower half is a futex. A CPU is a
 * hint: on which the end ran last, counted from 1; 0 if it doesn't say.
 */
struct channel_ring_words {
	_Alignas(CHANNEL_RING_LINE) uint64_t head;	/* the producer's */
	uint64_t producer_cpu;
	_Alignas(CHANNEL_RING_LINE) uint64_t tail;	/* the consumer's */
	uint64_t consumer_cpu;
	_Alignas(CHANNEL_RING_LINE) uint64_t data_bell; /* the consumer's: wants more bytes */
	_Alignas(CHANNEL_RING_LINE) uint64_t room_bell; /* the producer's: wants more room */
};

/* The start of the region, all zeros at first; the bytes to the device and those to the client follow. */
struct channel_ring_head {
	struct channel_ring_words to_device, to_client;
	uint8_t reserved[4096 - 2 * sizeof(struct channel_ring_words)];
};
_Static_assert(sizeof(struct channel_ring_words) == 512, "shared layout");
_Static_assert(sizeof(struct channel_ring_head) == 4096, "shared layout");

/* Bytes of each ring. */
struct channel_ring_sizes {
	uint32_t to_device, to_client;
};

/* Bytes of the whole region; 0 when `sizes` breaks a limit above. */
size_t channel_ring_region_size(const struct channel_ring_sizes *sizes);

/*
 * How an end waits. To add one: embed this in your own struct and set the hooks and spins_max.
 * One belongs to one end of both directions, thus to one thread.
 */
struct channel_ring_wait {
	/*
	 * Required. Sleep until `bell`, whose value is 1, is woken, or a moment has passed. ERR_OK: look
	 * again, whether anything happened or not. Anything else ends the ring for good, unless what was
	 * waited for has come after all: ERR_GONE when the peer is, ERR_LIMIT when it has had its time.
	 */
	enum err (*sleep)(struct channel_ring_wait *w, uint64_t *bell, struct err_ctx *err);
	/* Required. Wake whoever sleeps on `bell`, which is 0 now. */
	void (*wake)(struct channel_ring_wait *w, uint64_t *bell);
	/* Optional. The CPU that this thread runs on, counted from 1; 0 when it can't tell. */
	uint64_t (*cpu)(struct channel_ring_wait *w);
	/*
	 * Optional. The other end has a record to read, and ran last on this thread's CPU, or (`unseen`) hasn't said yet
	 * where it runs: have this thread run on another CPU, or let others run first. Called again as long as
	 * that is so, so it is for this to be patient.
	 */
	void (*part)(struct channel_ring_wait *w, bool unseen);
	/*
	 * How often to look, with a pause each time, before sleeping: about as long as a sleep with its
	 * wake-up takes. The ring looks less often while it is in vain, and not at all when the other end
	 * needs this very CPU. 0: sleep at once.
	 */
	uint32_t spins_max;

	/* The ring's own: how often to look at present, and what happened. Start at zero. */
	uint32_t spins;
	uint64_t waits, sleeps, wakes;
};

/* What stands between two looks while spinning. */
static inline void channel_ring_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_ia32_pause();
#endif
}

/* One end of one direction; caller's storage, opaque. */
struct channel_ring_end {
	uint64_t *my_index, *their_index, *my_bell, *their_bell, *bytes; /* in shared memory */
	uint64_t size;
	uint64_t mine, theirs; /* indices: what I wrote last, and what I believe of the other's */
	uint64_t cpu;	       /* what I said last */
	struct channel_ring_wait *wait;
	struct channel_header header; /* of a record that is still to be read */
	uint64_t record;	      /* its size, header included; 0: there is none */
	enum err failed;
};

/*
 * The producer's or the consumer's end of `direction`. `region` is channel_ring_region_size() bytes,
 * page-aligned; it and `wait` are borrowed. What the region holds isn't looked at: each end starts at
 * zero by itself. ERR_INVAL for sizes that break a limit.
 */
enum err channel_ring_writer_init(struct channel_ring_end *e, void *region,
				  const struct channel_ring_sizes *sizes,
				  enum channel_direction direction, struct channel_ring_wait *wait,
				  struct err_ctx *err) ERR_NODISCARD;
enum err channel_ring_reader_init(struct channel_ring_end *e, void *region,
				  const struct channel_ring_sizes *sizes,
				  enum channel_direction direction, struct channel_ring_wait *wait,
				  struct err_ctx *err) ERR_NODISCARD;

/*
 * Write one sealed record, waiting for room as needed. ERR_TAMPERED when the other's index is
 * impossible, or what the hook said; the end has failed then and says the same ever after.
 */
enum err channel_ring_write(struct channel_ring_end *e, const void *record, size_t size,
			    struct err_ctx *err) ERR_NODISCARD;

/* Wake the other end if it sleeps in this direction, so that it looks around: before leaving, say. */
void channel_ring_nudge(struct channel_ring_end *e);

/*
 * Wait for the next record and say how many bytes the next channel_ring_read() takes: at most CHANNEL_RECORD_MAX.
 * Errors as above, and ERR_TAMPERED for one that says it is larger or smaller than any.
 */
enum err channel_ring_next(struct channel_ring_end *e, size_t *size_ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Read one sealed record into private memory, at most `room` bytes, waiting as needed; what it holds
 * is for channel_open() to judge. Errors as above, and ERR_TAMPERED for a record that says it is larger
 * than `room` or smaller than any.
 */
enum err channel_ring_read(struct channel_ring_end *e, void *record, size_t room, size_t *size_ret,
			   struct err_ctx *err) ERR_NODISCARD;

#endif

// SPDX-License-Identifier: MIT
/*
 * Single-producer single-consumer byte rings over hostile shared memory.
 *
 * Sleeping without losing a wake-up is Dekker's pattern: who is about to sleep sets its bell, then
 * looks at the index once more; who moves an index looks at the bell afterwards, at the latest
 * before it waits itself. All four accesses are sequentially consistent. A host that loses wake-ups
 * on purpose only delays: the hook looks at its clock.
 */
#include "channel/ring.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum {
	/* Bytes copied before the other end is told: it works on them while we copy on. */
	STEP = 16384,
	/* How far ahead of what is read of the ring its lines are fetched from the other end's processor. */
	FETCH_WORDS = 128,
	LINE_WORDS = 8,
	/* Every so many waits spinning is given another try. */
	RETRY_SPINNING = 16,
};

static bool size_good(uint32_t size)
{
	return size >= CHANNEL_RING_SIZE_MIN && size <= CHANNEL_RING_SIZE_MAX &&
	       !(size & (size - 1));
}

size_t channel_ring_region_size(const struct channel_ring_sizes *sizes)
{
	if (!size_good(sizes->to_device) || !size_good(sizes->to_client))
		return 0;
	return sizeof(struct channel_ring_head) + sizes->to_device + sizes->to_client;
}

/* Say which CPU this end runs on, when that has changed. */
static void tell_cpu(struct channel_ring_end *e)
{
	uint64_t cpu = e->wait->cpu ? e->wait->cpu(e->wait) : 0;

	if (cpu == e->cpu)
		return;
	e->cpu = cpu;
	__atomic_store_n(e->my_index + 1, htole64(cpu), __ATOMIC_RELAXED);
}

static enum err end_init(struct channel_ring_end *e, void *region,
			 const struct channel_ring_sizes *sizes, enum channel_direction direction,
			 bool writer, struct channel_ring_wait *wait, struct err_ctx *err)
{
	struct channel_ring_head *head = region;
	struct channel_ring_words *words;
	uint8_t *bytes = region;

	if (!channel_ring_region_size(sizes))
		return err_set(err, ERR_INVAL, "rings of %u and %u bytes", sizes->to_device,
			       sizes->to_client);
	words = direction == CHANNEL_TO_DEVICE ? &head->to_device : &head->to_client;
	bytes += sizeof(*head) + (direction == CHANNEL_TO_DEVICE ? 0 : sizes->to_device);
	*e = (struct channel_ring_end){
		.my_index = writer ? &words->head : &words->tail,
		.their_index = writer ? &words->tail : &words->head,
		.my_bell = writer ? &words->room_bell : &words->data_bell,
		.their_bell = writer ? &words->data_bell : &words->room_bell,
		.bytes = (uint64_t *)(void *)bytes,
		.size = direction == CHANNEL_TO_DEVICE ? sizes->to_device : sizes->to_client,
		.wait = wait,
	};
	tell_cpu(e);
	return ERR_OK;
}

enum err channel_ring_writer_init(struct channel_ring_end *e, void *region,
				  const struct channel_ring_sizes *sizes,
				  enum channel_direction direction, struct channel_ring_wait *wait,
				  struct err_ctx *err)
{
	return end_init(e, region, sizes, direction, true, wait, err);
}

enum err channel_ring_reader_init(struct channel_ring_end *e, void *region,
				  const struct channel_ring_sizes *sizes,
				  enum channel_direction direction, struct channel_ring_wait *wait,
				  struct err_ctx *err)
{
	return end_init(e, region, sizes, direction, false, wait, err);
}

static enum err fail(struct channel_ring_end *e, enum err why, struct err_ctx *err)
{
	e->failed = why;
	return err_set(err, why, "the ring failed before");
}

static enum err tampered(struct channel_ring_end *e, const char *what, struct err_ctx *err)
{
	err_set(err, ERR_TAMPERED, "%s", what);
	return fail(e, ERR_TAMPERED, err);
}

/*
 * Look at the other end's index, once. It may only go forward, by whole words, and not past what it
 * can have moved over: a reader up to what was written, a writer up to a ring's size ahead of the
 * reader.
 */
static enum err look(struct channel_ring_end *e, bool writer, struct err_ctx *err)
{
	uint64_t seen = le64toh(__atomic_load_n(e->their_index, __ATOMIC_SEQ_CST));
	uint64_t limit = writer ? e->mine : e->mine + e->size;

	if (seen == e->theirs)
		return ERR_OK;
	if (seen - e->theirs > limit - e->theirs || seen % CHANNEL_RING_WORD)
		return tampered(e, "an index of the ring is impossible", err);
	e->theirs = seen;
	return ERR_OK;
}

/* Bytes that may be written, or read, as far as is known. */
static uint64_t available(const struct channel_ring_end *e, bool writer)
{
	return writer ? e->size - (e->mine - e->theirs) : e->theirs - e->mine;
}

/* Each index has its end's CPU beside it. */
static uint64_t their_cpu(const struct channel_ring_end *e)
{
	return le64toh(__atomic_load_n(e->their_index + 1, __ATOMIC_RELAXED));
}

/* Do both ends run on one CPU, as far as is known? */
static bool same_cpu(const struct channel_ring_end *e)
{
	return e->cpu && their_cpu(e) == e->cpu;
}

/* Spin for as long as has been worth it lately. True when there is something, or an error. */
static bool spin(struct channel_ring_end *e, bool writer, enum err *failed, struct err_ctx *err)
{
	struct channel_ring_wait *w = e->wait;

	if (same_cpu(e))
		return false;
	if (w->waits % RETRY_SPINNING == 0)
		w->spins = w->spins_max;
	for (uint32_t i = 0; i < w->spins; i++) {
		channel_ring_relax();
		*failed = look(e, writer, err);
		if (*failed || available(e, writer)) {
			w->spins = w->spins_max;
			return true;
		}
	}
	w->spins /= 2;
	return false;
}

/* Show the other end how far I am. */
static void publish(struct channel_ring_end *e)
{
	tell_cpu(e);
	__atomic_store_n(e->my_index, htole64(e->mine), __ATOMIC_SEQ_CST);
}

/*
 * Wake the other end if it sleeps. Not after each step: on one CPU that would be a change of
 * threads for a few kilobytes. It must happen before this end waits itself, and when there is
 * enough to do.
 */
static void ring_bell(struct channel_ring_end *e)
{
	if (!__atomic_load_n(e->their_bell, __ATOMIC_SEQ_CST))
		return;
	__atomic_store_n(e->their_bell, 0, __ATOMIC_RELAXED);
	e->wait->wakes++;
	e->wait->wake(e->wait, e->their_bell);
}

/* Who was given something to do needs a CPU for it, and isn't to wait for this thread's. */
static void part(struct channel_ring_end *e)
{
	uint64_t theirs;

	if (!e->wait->part)
		return;
	theirs = their_cpu(e);
	if (theirs && theirs != e->cpu)
		return;
	e->wait->part(e->wait, !theirs);
	tell_cpu(e);
}

/* Wait until at least a word can be written, or read. */
static enum err wait_for(struct channel_ring_end *e, bool writer, struct err_ctx *err)
{
	struct channel_ring_wait *w = e->wait;
	enum err failed = look(e, writer, err), hook;

	if (failed || available(e, writer))
		return failed;
	w->waits++;
	tell_cpu(e);
	ring_bell(e);
	if (spin(e, writer, &failed, err))
		return failed;
	for (;;) {
		struct err_ctx why = {0};

		__atomic_store_n(e->my_bell, htole64(1), __ATOMIC_SEQ_CST);
		failed = look(e, writer, err);
		if (failed || available(e, writer))
			break;
		w->sleeps++;
		hook = w->sleep(w, e->my_bell, &why);
		failed = look(e, writer, err);
		if (failed || available(e, writer))
			break;
		if (hook) {
			if (err && err->code == ERR_OK)
				*err = why;
			failed = fail(e, hook, err);
			break;
		}
	}
	__atomic_store_n(e->my_bell, 0, __ATOMIC_RELAXED);
	return failed;
}

void channel_ring_nudge(struct channel_ring_end *e)
{
	ring_bell(e);
}

/* `size` bytes to shared words; what is left of the last word is zeroed. */
static void copy_out(uint64_t *to, const uint8_t *from, size_t size)
{
	size_t words = size / CHANNEL_RING_WORD;
	uint64_t word;

#pragma GCC unroll 8
	for (size_t i = 0; i < words; i++) {
		memcpy(&word, from + i * CHANNEL_RING_WORD, sizeof(word));
		__atomic_store_n(to + i, word, __ATOMIC_RELAXED);
	}
	size %= CHANNEL_RING_WORD;
	if (!size)
		return;
	word = 0;
	memcpy(&word, from + words * CHANNEL_RING_WORD, size);
	__atomic_store_n(to + words, word, __ATOMIC_RELAXED);
}

static inline void copy_words(uint8_t *to, const uint64_t *from, size_t count)
{
	uint64_t word;

#pragma GCC unroll 8
	for (size_t i = 0; i < count; i++) {
		word = __atomic_load_n(from + i, __ATOMIC_RELAXED);
		memcpy(to + i * CHANNEL_RING_WORD, &word, sizeof(word));
	}
}

/* The reverse; false when what is left of the last word isn't zero. */
static bool copy_in(uint8_t *to, const uint64_t *from, size_t size)
{
	size_t words = size / CHANNEL_RING_WORD, i = 0;
	uint64_t word;

	for (; i + FETCH_WORDS < words; i += LINE_WORDS) {
		__builtin_prefetch(from + i + FETCH_WORDS);
		copy_words(to + i * CHANNEL_RING_WORD, from + i, LINE_WORDS);
	}
	copy_words(to + i * CHANNEL_RING_WORD, from + i, words - i);
	size %= CHANNEL_RING_WORD;
	if (!size)
		return true;
	word = __atomic_load_n(from + words, __ATOMIC_RELAXED);
	memcpy(to + words * CHANNEL_RING_WORD, &word, size);
	return !(le64toh(word) >> 8 * size);
}

/* How many of `left` bytes to copy in one go, given that `able` may be (a multiple of a word). */
static size_t step(const struct channel_ring_end *e, uint64_t able, size_t left)
{
	uint64_t to_end = e->size - (e->mine & (e->size - 1));
	uint64_t n = able < to_end ? able : to_end;

	if (n > STEP)
		n = STEP;
	return left < n ? left : n;
}

static uint64_t *place(const struct channel_ring_end *e)
{
	return e->bytes + (e->mine & (e->size - 1)) / CHANNEL_RING_WORD;
}

static uint64_t padded(size_t size)
{
	return (size + CHANNEL_RING_WORD - 1) & ~(uint64_t)(CHANNEL_RING_WORD - 1);
}

enum err channel_ring_write(struct channel_ring_end *e, const void *record, size_t size,
			    struct err_ctx *err)
{
	const uint8_t *from = record;

	if (e->failed)
		return fail(e, e->failed, err);
	while (size) {
		size_t n;

		if (!available(e, true)) {
			enum err failed = wait_for(e, true, err);

			if (failed)
				return failed;
		}
		n = step(e, available(e, true), size);
		copy_out(place(e), from, n);
		e->mine += padded(n);
		publish(e);
		from += n;
		size -= n;
	}
	part(e);
	ring_bell(e);
	return ERR_OK;
}

/* Read exactly `size` bytes; only the last piece of a record may end within a word. */
static enum err read_bytes(struct channel_ring_end *e, uint8_t *to, size_t size,
			   struct err_ctx *err)
{
	while (size) {
		size_t n;

		if (!available(e, false)) {
			enum err failed = wait_for(e, false, err);

			if (failed)
				return failed;
		}
		n = step(e, available(e, false), size);
		if (!copy_in(to, place(e), n))
			return tampered(e, "a record in the ring isn't padded with zeros", err);
		e->mine += padded(n);
		publish(e);
		if (e->size - available(e, false) >= e->size / 2)
			ring_bell(e);
		to += n;
		size -= n;
	}
	return ERR_OK;
}

static enum err read_header(struct channel_ring_end *e, struct err_ctx *err)
{
	enum err failed;
	uint64_t size;

	_Static_assert(CHANNEL_HEADER_SIZE % CHANNEL_RING_WORD == 0, "whole words");
	_Static_assert(CHANNEL_HEADER_SIZE == sizeof(e->header), "as it is in the ring");
	if (e->failed)
		return fail(e, e->failed, err);
	if (e->record)
		return ERR_OK;
	failed = read_bytes(e, (uint8_t *)&e->header, sizeof(e->header), err);
	if (failed)
		return failed;
	size = le32toh(e->header.size);
	if (size < CHANNEL_TAG_SIZE || size > CHANNEL_RECORD_MAX - CHANNEL_HEADER_SIZE)
		return tampered(e, "a record in the ring has an impossible size", err);
	e->record = CHANNEL_HEADER_SIZE + size;
	return ERR_OK;
}

enum err channel_ring_next(struct channel_ring_end *e, size_t *size_ret, struct err_ctx *err)
{
	enum err failed = read_header(e, err);

	if (!failed)
		*size_ret = e->record;
	return failed;
}

enum err channel_ring_read(struct channel_ring_end *e, void *record, size_t room, size_t *size_ret,
			   struct err_ctx *err)
{
	enum err failed;
	uint64_t size;

	if (room < CHANNEL_OVERHEAD)
		return e->failed ? fail(e, e->failed, err) : err_set(err, ERR_INVAL, "no room for a record");
	failed = read_header(e, err);
	if (failed)
		return failed;
	size = e->record;
	if (size > room)
		return tampered(e, "a record in the ring has an impossible size", err);
	memcpy(record, &e->header, sizeof(e->header));
	e->record = 0;
	failed = read_bytes(e, (uint8_t *)record + CHANNEL_HEADER_SIZE, size - CHANNEL_HEADER_SIZE, err);
	if (failed)
		return failed;
	*size_ret = size;
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/*
 * Standard output and error for their owner's eyes (channel/output.h), when the measured configuration names
 * one: from then on the host gets nothing else on those streams, or the program stops.
 */
#include <errno.h>
#include <string.h>

#include "channel/output.h"
#include "config/config.h"
#include "link.h"
#include "trusted/files.h"
#include "trusted/guest.h"
#include "trusted/proxy.h"
#include "trusted/runtime.h"

enum {
	FUTEX_WAIT_PRIVATE = 128,
	FUTEX_WAKE_PRIVATE = 129,
};

static struct {
	bool on, failed;
	uint32_t lock; /* 0: free, 1: held, 2: held, and somebody waits */
	struct channel_output output;
	struct channel_output_stream streams[CHANNEL_OUTPUT_STREAMS];
	bool begun[CHANNEL_OUTPUT_STREAMS];
	size_t evidence_size;
	uint8_t evidence[CHANNEL_EVIDENCE_MAX];
	uint8_t frame[CHANNEL_OUTPUT_FRAME_MAX];
} s;

/* Held while the host writes, so that frames come in their order: no struct trusted_lock. */
static void lock(void)
{
	uint32_t free = 0;

	if (__atomic_compare_exchange_n(&s.lock, &free, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(&s.lock, 2, __ATOMIC_ACQUIRE))
		trusted_futex(&s.lock, FUTEX_WAIT_PRIVATE, 2, 0, NULL, 0);
}

static void unlock(void)
{
	if (__atomic_exchange_n(&s.lock, 0, __ATOMIC_RELEASE) == 2)
		trusted_futex(&s.lock, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0);
}

static bool put(unsigned int stream, const void *data, size_t size)
{
	const uint8_t *p = data;

	while (size && !s.failed) {
		long n = trusted_proxy_write(stream, p, size);

		if (n == -EINTR || n == -EAGAIN)
			continue;
		if (n <= 0) {
			s.failed = true;
			break;
		}
		p += n;
		size -= (size_t)n;
	}
	return !s.failed;
}

static bool begin(unsigned int stream)
{
	uint8_t head[CHANNEL_OUTPUT_HEAD_SIZE], start[CHANNEL_OUTPUT_START_SIZE];

	if (s.begun[stream - 1])
		return true;
	s.begun[stream - 1] = true;
	if (channel_output_begin(&s.output, stream, (uint32_t)s.evidence_size, head, start,
				 &s.streams[stream - 1], NULL))
		return false;
	return put(stream, head, sizeof(head)) && put(stream, s.evidence, s.evidence_size) &&
	       put(stream, start, sizeof(start));
}

/* With the lock held. False: nobody takes it any more. */
static bool write_frames(unsigned int stream, const uint8_t *data, size_t size, bool last)
{
	do {
		size_t n = size < CHANNEL_OUTPUT_PLAIN_MAX ? size : CHANNEL_OUTPUT_PLAIN_MAX;

		if (!begin(stream) ||
		    !put(stream, s.frame,
			 channel_output_seal(&s.streams[stream - 1], last, data, n, s.frame)))
			return false;
		data += n;
		size -= n;
	} while (size);
	return true;
}

static long sealed_write(unsigned int stream, const void *data, size_t size)
{
	bool ok;

	if (!size)
		return 0;
	lock();
	ok = stream >= 1 && stream <= CHANNEL_OUTPUT_STREAMS && write_frames(stream, data, size, false);
	unlock();
	return ok ? (long)size : -EIO;
}

void trusted_output_end(void)
{
	if (!s.on)
		return;
	lock();
	for (unsigned int stream = 1; stream <= CHANNEL_OUTPUT_STREAMS; stream++) {
		if (!s.begun[stream - 1] || !s.streams[stream - 1].ended)
			(void)write_frames(stream, NULL, 0, true);
	}
	unlock();
}

long trusted_say(const char *text, size_t size)
{
	return s.on ? sealed_write(2, text, size) : trusted_proxy_write(2, text, size);
}

/* Before main(), after libc. */
__attribute__((constructor)) static void start(void)
{
	const struct config *c = trusted_settings();
	struct sealed_identity self;

	if (!c->has_seal_key)
		return;
	if (channel_library_init(NULL) || channel_output_make(c->seal_key, &s.output, NULL))
		trusted_abort("output can't be sealed for the key in the configuration");
	evidence_init(&self);
	/* where nobody makes evidence the stream has none, and its reader is told */
	if (self.evidence(&self, s.output.hash, s.evidence, sizeof(s.evidence), &s.evidence_size, NULL))
		s.evidence_size = 0;
	s.on = true;
	trusted_output_hook(sealed_write);
}

// SPDX-License-Identifier: MIT
/*
 * poll() and select(): files inside are always ready, as those of a /proc are; for the host's streams
 * the host is asked. All kinds come down to one list.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/select.h>

#include "calls.h"
#include "fork.h"
#include "layer.h"
#include "trusted/proxy.h"
#include "trusted/runtime.h"

enum {
	READY = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM,
	FOR_EVER = -1,
	MS_PER_SEC = 1000,
	NSEC_PER_MS = 1000000,
	LOOK_NS = 20000000,
	SLICE_MS = 1 << 30,
};

/* The streams among the descriptors: which descriptor each is for. Under no lock. */
struct streams {
	struct abi_poll polls[LAYER_STREAMS];
	size_t count;
};

/* One request a stream, whatever number of descriptors stand for it. */
static void streams_add(struct streams *s, unsigned int stream, short events)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->polls[i].stream == stream) {
			s->polls[i].events |= (uint16_t)events;
			return;
		}
	}
	s->polls[s->count++] = (struct abi_poll){ .stream = stream, .events = (uint16_t)events };
}

static short stream_revents(const struct streams *s, unsigned int stream, short events)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->polls[i].stream == stream)
			return (short)(s->polls[i].revents &
				       ((uint16_t)events | POLLERR | POLLHUP));
	return 0;
}

/* Of descriptor `fd`: its stream, or -1 and what it is ready for. */
static int stream_of(int fd, short *revents)
{
	struct file *f = file_at(fd);

	if (f && f->kind == FILE_STREAM)
		return (int)f->stream;
	if (f && f->kind == FILE_PIPE)
		*revents = pipe_events(f->pipe, file_is_writer(f));
	else
		*revents = f && !f->is_path ? READY : POLLNVAL;
	return -1;
}

static long sleep_ms(int ms)
{
	struct trusted_timespec t = { ms < 0 ? SLICE_MS : ms / MS_PER_SEC,
				      ms < 0 ? 0 : ms % MS_PER_SEC * (int64_t)NSEC_PER_MS };
	long r;

	do
		r = trusted_nanosleep(&t, NULL);
	while (!r && ms < 0);
	return r;
}

/* Fills `revents` from what is known; the count of descriptors with any, or -errno. */
static long gather(struct pollfd *fds, unsigned int count, struct streams *s, bool first)
{
	long ready = 0;

	if (!layer_lock())
		return -EAGAIN;
	for (unsigned int i = 0; i < count; i++) {
		short revents = 0;
		int stream;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		stream = stream_of(fds[i].fd, &revents);
		if (stream < 0)
			fds[i].revents = revents & (fds[i].events | POLLNVAL | POLLHUP | POLLERR);
		else if (first)
			streams_add(s, (unsigned int)stream, fds[i].events);
		else
			fds[i].revents = stream_revents(s, (unsigned int)stream, fds[i].events);
		ready += fds[i].revents != 0;
	}
	layer_unlock();
	return ready;
}

static long wait_once(struct pollfd *fds, unsigned int count, int timeout)
{
	struct streams s = { .count = 0 };
	long ready = gather(fds, count, &s, true), r;

	if (ready < 0)
		return ready;
	if (!s.count)
		return ready || !timeout ? ready : sleep_ms(timeout);
	r = trusted_proxy_poll(s.polls, s.count, ready ? 0 : timeout);
	if (r < 0 && !ready)
		return r;
	return gather(fds, count, &s, false);
}

/* Processes take turns: what the host has is looked at now and then. The time is an exit, and only asked for to wait. */
static long wait_for(struct pollfd *fds, unsigned int count, int timeout)
{
	uint64_t now, until;
	long r;

	if (!fork_is_on())
		return wait_once(fds, count, timeout);
	r = wait_once(fds, count, 0);
	if (r || !timeout)
		return r;
	now = trusted_now();
	until = timeout < 0 ? FORK_FOR_EVER : now + (uint64_t)timeout * NSEC_PER_MS;
	while (!r && now < until) {
		r = fork_pause(until - now < LOOK_NS ? until : now + LOOK_NS);
		if (!r)
			r = wait_once(fds, count, 0);
		if (!r)
			now = trusted_now();
	}
	return r;
}

long call_poll(struct pollfd *fds, unsigned int count, int timeout)
{
	if (count > LAYER_FDS)
		return -EINVAL;
	if (count && !trusted_writable(fds, count * sizeof(*fds)))
		return -EFAULT;
	return wait_for(fds, count, timeout < 0 ? FOR_EVER : timeout);
}

/* Milliseconds, rounded up; -errno for what isn't a time. */
static long to_ms(const struct trusted_timespec *t)
{
	if (t->sec < 0 || t->nsec < 0 || t->nsec >= 1000000000)
		return -EINVAL;
	if (t->sec >= INT_MAX / MS_PER_SEC)
		return INT_MAX;
	return (long)(t->sec * MS_PER_SEC + (t->nsec + NSEC_PER_MS - 1) / NSEC_PER_MS);
}

/* With the signal mask of the call: handlers run under it. */
static long wait_masked(struct pollfd *fds, unsigned int count, int timeout, const uint64_t *mask)
{
	uint64_t old;
	long r;

	if (!mask)
		return wait_for(fds, count, timeout);
	r = trusted_sigprocmask(SIG_SETMASK, mask, &old, sizeof(old));
	if (r)
		return r;
	r = trusted_interrupted() ? -EINTR : wait_for(fds, count, timeout);
	if (r == -EINTR)
		trusted_safe_point();
	trusted_sigprocmask(SIG_SETMASK, &old, NULL, sizeof(old));
	return r;
}

long call_ppoll(struct pollfd *fds, unsigned int count, struct trusted_timespec *timeout,
		const uint64_t *mask, size_t mask_size)
{
	long ms = FOR_EVER;

	if (mask && mask_size != sizeof(*mask))
		return -EINVAL;
	if (count > LAYER_FDS)
		return -EINVAL;
	if ((count && !trusted_writable(fds, count * sizeof(*fds))) ||
	    (timeout && !trusted_readable(timeout, sizeof(*timeout))))
		return -EFAULT;
	if (timeout && (ms = to_ms(timeout)) < 0)
		return ms;
	return wait_masked(fds, count, (int)ms, mask);
}

/* -- select --------------------------------------------------------------------------------------- */

_Static_assert(LAYER_FDS <= FD_SETSIZE, "a set has room for all");

static size_t set_size(int count)
{
	return ((size_t)count + 63) / 64 * 8;
}

static bool set_has(const void *set, int fd)
{
	const uint64_t *words = set;

	return set && words[fd / 64] >> (fd % 64) & 1;
}

static long set_put(void *set, int fd, bool on)
{
	uint64_t *words = set;

	if (set && on)
		words[fd / 64] |= 1ULL << (fd % 64);
	return set && on;
}

static long select_all(int count, void *const sets[3], int timeout, const uint64_t *mask)
{
	struct pollfd fds[LAYER_FDS];
	unsigned int used = 0;
	long r, found = 0;

	if (count < 0)
		return -EINVAL;
	if (count > LAYER_FDS)
		count = LAYER_FDS;
	for (int i = 0; i < 3; i++)
		if (sets[i] && count && !trusted_writable(sets[i], set_size(count)))
			return -EFAULT;
	for (int fd = 0; fd < count; fd++) {
		short events = (short)((set_has(sets[0], fd) ? POLLIN : 0) |
				       (set_has(sets[1], fd) ? POLLOUT : 0) |
				       (set_has(sets[2], fd) ? POLLPRI : 0));

		if (events)
			fds[used++] = (struct pollfd){ .fd = fd, .events = events };
	}
	r = wait_masked(fds, used, timeout, mask);
	if (r < 0)
		return r;
	for (unsigned int i = 0; i < used; i++)
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
	for (int i = 0; i < 3; i++)
		if (sets[i])
			memset(sets[i], 0, set_size(count));
	for (unsigned int i = 0; i < used; i++) {
		short e = fds[i].events, got = fds[i].revents;

		found += set_put(sets[0], fds[i].fd, e & POLLIN && got & (POLLIN | POLLHUP | POLLERR));
		found += set_put(sets[1], fds[i].fd, e & POLLOUT && got & (POLLOUT | POLLERR));
		found += set_put(sets[2], fds[i].fd, e & POLLPRI && got & POLLPRI);
	}
	return found;
}

long call_select(int count, void *in, void *out, void *except, int64_t *timeout)
{
	void *const sets[3] = { in, out, except };
	long ms = FOR_EVER;

	if (timeout) {
		struct trusted_timespec t;

		if (!trusted_readable(timeout, 2 * sizeof(*timeout)))
			return -EFAULT;
		if (timeout[0] < 0 || timeout[1] < 0)
			return -EINVAL;
		/* microseconds may be more than a second's */
		t.sec = timeout[0] < INT_MAX ? timeout[0] + timeout[1] / 1000000 : INT_MAX;
		t.nsec = timeout[1] % 1000000 * 1000;
		ms = to_ms(&t);
	}
	return ms < FOR_EVER ? ms : select_all(count, sets, (int)ms, NULL);
}

/* What pselect6's last argument points to. */
struct masked {
	const uint64_t *mask;
	size_t size;
};

long call_pselect6(int count, void *in, void *out, void *except, struct trusted_timespec *timeout,
		   const uint64_t *masked)
{
	void *const sets[3] = { in, out, except };
	const struct masked *m = (const struct masked *)masked;
	long ms = FOR_EVER;

	if ((timeout && !trusted_readable(timeout, sizeof(*timeout))) ||
	    (m && !trusted_readable(m, sizeof(*m))))
		return -EFAULT;
	if (m && m->mask && m->size != sizeof(*m->mask))
		return -EINVAL;
	if (timeout && (ms = to_ms(timeout)) < 0)
		return ms;
	return select_all(count, sets, (int)ms, m ? m->mask : NULL);
}

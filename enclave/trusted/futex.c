// SPDX-License-Identifier: MIT
/*
 * Futexes: words and queues inside. The host is only asked to let a thread sleep, and to wake it:
 * that a thread was woken is a word in here, so a host that wakes anybody at any time changes
 * nothing, and one that doesn't wake has stopped a thread, as it always can.
 */
#include <errno.h>
#include <linux/futex.h>
#include <time.h>

#include "thread.h"
#include "trusted/ocall.h"

#define BUCKETS 64u
#define BATCH	16u

/* In a queue; on the stack of the thread that waits. */
struct waiter {
	struct waiter *next, *prev; /* NULL: not queued */
	struct trusted_thread *thread;
	uint64_t key; /* address of the word; changes under the locks of both buckets */
	uint32_t bitset;
	uint32_t woken;
};

struct bucket {
	struct trusted_lock lock;
	struct waiter *first, *last;
};

static struct bucket buckets[BUCKETS];

static struct bucket *bucket_of(uint64_t key)
{
	return &buckets[(key >> 2) * 0x9e3779b97f4a7c15ull >> 58];
}

static void enqueue(struct bucket *b, struct waiter *w)
{
	w->next = NULL;
	w->prev = b->last;
	if (b->last)
		b->last->next = w;
	else
		b->first = w;
	b->last = w;
}

static void dequeue(struct bucket *b, struct waiter *w)
{
	if (w->prev)
		w->prev->next = w->next;
	else
		b->first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	else
		b->last = w->prev;
}

static bool was_woken(const struct waiter *w)
{
	return __atomic_load_n(&w->woken, __ATOMIC_ACQUIRE);
}

/* True: it was still waiting. */
static bool give_up(struct waiter *w)
{
	for (;;) {
		uint64_t key = __atomic_load_n(&w->key, __ATOMIC_ACQUIRE);
		struct bucket *b = bucket_of(key);
		bool mine, waiting;

		trusted_lock(&b->lock);
		mine = __atomic_load_n(&w->key, __ATOMIC_RELAXED) == key;
		waiting = !was_woken(w);
		if (mine && waiting)
			dequeue(b, w);
		trusted_unlock(&b->lock);
		if (!waiting)
			return false;
		if (mine)
			return true;
	}
}

static long wait_on(uint32_t *addr, uint32_t val, uint32_t bitset, int clock, uint64_t deadline)
{
	struct trusted_thread *self = trusted_self();
	struct bucket *b = bucket_of((uint64_t)addr);
	struct waiter w = {.thread = self, .key = (uint64_t)addr, .bitset = bitset};
	bool same;

	if (bitset == 0)
		return -EINVAL;
	trusted_lock(&b->lock);
	same = __atomic_load_n(addr, __ATOMIC_SEQ_CST) == val;
	if (same)
		enqueue(b, &w);
	trusted_unlock(&b->lock);
	if (!same)
		return -EAGAIN;
	for (;;) {
		uint64_t left = THREAD_NS_FOREVER;

		/* in this order: who wakes sets `woken` and then looks whether we sleep */
		__atomic_store_n(&self->sleeping, 1, __ATOMIC_SEQ_CST);
		if (__atomic_load_n(&w.woken, __ATOMIC_SEQ_CST))
			break;
		if (trusted_interrupted()) {
			self->sleeping = 0;
			return give_up(&w) ? -EINTR : 0;
		}
		if (deadline != THREAD_NS_FOREVER) {
			uint64_t now = time_of(clock);

			if (now >= deadline) {
				self->sleeping = 0;
				return give_up(&w) ? -ETIMEDOUT : 0;
			}
			left = deadline - now;
		}
		(void)trusted_ocall(ABI_OCALL_WAIT, left, 0, 0, 0, 0, 0);
	}
	__atomic_store_n(&self->sleeping, 0, __ATOMIC_RELAXED);
	return 0;
}

/* Under the bucket's lock. The waiter is gone once `woken` is set. */
static struct trusted_thread *release(struct bucket *b, struct waiter *w)
{
	struct trusted_thread *t = w->thread;

	dequeue(b, w);
	__atomic_store_n(&w->woken, 1, __ATOMIC_SEQ_CST);
	return t;
}

static void rouse(struct trusted_thread *const *threads, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (__atomic_load_n(&threads[i]->sleeping, __ATOMIC_SEQ_CST))
			thread_wake(threads[i]);
}

static long wake(uint32_t *addr, uint32_t count, uint32_t bitset)
{
	struct bucket *b = bucket_of((uint64_t)addr);
	struct trusted_thread *batch[BATCH];
	long woken = 0;
	size_t n;

	if (bitset == 0)
		return -EINVAL;
	do {
		struct waiter *w, *next;

		n = 0;
		trusted_lock(&b->lock);
		for (w = b->first; w && n < BATCH && (uint32_t)woken + n < count; w = next) {
			next = w->next;
			if (w->key == (uint64_t)addr && w->bitset & bitset)
				batch[n++] = release(b, w);
		}
		trusted_unlock(&b->lock);
		rouse(batch, n);
		woken += (long)n;
	} while (n == BATCH);
	return woken;
}

static void lock_both(struct bucket *a, struct bucket *b)
{
	if (a > b) {
		struct bucket *t = a;

		a = b;
		b = t;
	}
	trusted_lock(&a->lock);
	if (a != b)
		trusted_lock(&b->lock);
}

static void unlock_both(struct bucket *a, struct bucket *b)
{
	trusted_unlock(&a->lock);
	if (a != b)
		trusted_unlock(&b->lock);
}

/* Wakes up to `count`, moves up to `move` others to `to`. `expect`: NULL or what *from has to be.
 */
static long requeue(uint32_t *from, uint32_t count, uint32_t *to, uint32_t move,
		    const uint32_t *expect)
{
	struct bucket *a = bucket_of((uint64_t)from), *b = bucket_of((uint64_t)to);
	struct trusted_thread *batch[BATCH];
	struct waiter *w, *next;
	uint32_t moved = 0;
	long done = 0;
	size_t n = 0;

	/* the rest is woken first, so that one look at the word does for both */
	if (count > BATCH)
		done = expect ? 0 : wake(from, count - BATCH, UINT32_MAX);
	if (done < 0)
		return done;
	lock_both(a, b);
	if (expect && __atomic_load_n(from, __ATOMIC_SEQ_CST) != *expect) {
		unlock_both(a, b);
		return -EAGAIN;
	}
	for (w = a->first; w; w = next) {
		next = w->next;
		if (w->key != (uint64_t)from)
			continue;
		if (n < BATCH && (uint32_t)done + n < count) {
			batch[n++] = release(a, w);
		} else if (moved < move && from != to) {
			dequeue(a, w);
			__atomic_store_n(&w->key, (uint64_t)to, __ATOMIC_RELEASE);
			enqueue(b, w);
			moved++;
		} else {
			break;
		}
	}
	unlock_both(a, b);
	rouse(batch, n);
	return done + (long)n + moved;
}

/* FUTEX_WAKE_OP: an operation on *addr2, then up to two wakes. */
static long wake_op(uint32_t *addr, uint32_t count, uint32_t *addr2, uint32_t count2, uint32_t how)
{
	uint32_t op = how >> 28 & 7, cmp = how >> 24 & 15, now;
	int32_t arg = (int32_t)(how << 8) >> 20, cmp_arg = (int32_t)(how << 20) >> 20, old;
	long first, second;
	bool also;

	if (how >> 31) {
		if (arg < 0 || arg > 31)
			return -EINVAL;
		arg = (int32_t)(1u << arg);
	}
	if (op > FUTEX_OP_XOR || cmp > FUTEX_OP_CMP_GE)
		return -ENOSYS;
	now = __atomic_load_n(addr2, __ATOMIC_SEQ_CST);
	for (;;) {
		uint32_t wish = op == FUTEX_OP_SET    ? (uint32_t)arg
				: op == FUTEX_OP_ADD  ? now + (uint32_t)arg
				: op == FUTEX_OP_OR   ? now | (uint32_t)arg
				: op == FUTEX_OP_ANDN ? now & ~(uint32_t)arg
						      : now ^ (uint32_t)arg;

		if (__atomic_compare_exchange_n(addr2, &now, wish, false, __ATOMIC_SEQ_CST,
						__ATOMIC_SEQ_CST))
			break;
	}
	old = (int32_t)now;
	also = cmp == FUTEX_OP_CMP_EQ	? old == cmp_arg
	       : cmp == FUTEX_OP_CMP_NE ? old != cmp_arg
	       : cmp == FUTEX_OP_CMP_LT ? old < cmp_arg
	       : cmp == FUTEX_OP_CMP_LE ? old <= cmp_arg
	       : cmp == FUTEX_OP_CMP_GT ? old > cmp_arg
					: old >= cmp_arg;
	first = wake(addr, count, UINT32_MAX);
	second = also ? wake(addr2, count2, UINT32_MAX) : 0;
	return first + second;
}

static bool is_word(const uint32_t *addr)
{
	return (uint64_t)addr % 4 == 0 && trusted_inside(addr, 4);
}

long futex_wake_one(uint32_t *addr)
{
	return wake(addr, 1, UINT32_MAX);
}

long trusted_futex(uint32_t *addr, int op, uint32_t val, uint64_t timeout, uint32_t *addr2,
		   uint32_t val3)
{
	const struct trusted_timespec *limit = (const struct trusted_timespec *)timeout;
	int cmd = op & ~(FUTEX_PRIVATE_FLAG | FUTEX_CLOCK_REALTIME);
	int clock = op & FUTEX_CLOCK_REALTIME ? CLOCK_REALTIME : CLOCK_MONOTONIC;
	uint64_t deadline = THREAD_NS_FOREVER, now;

	if (!is_word(addr))
		return (uint64_t)addr % 4 ? -EINVAL : -EFAULT;
	switch (cmd) {
	case FUTEX_WAIT:
	case FUTEX_WAIT_BITSET:
		if (limit) {
			if (!trusted_readable(limit, sizeof(*limit)))
				return -EFAULT;
			if (!time_to_ns(limit, &deadline))
				return -EINVAL;
			if (cmd == FUTEX_WAIT) {
				now = time_of(clock);
				if (__builtin_add_overflow(now, deadline, &deadline))
					deadline = THREAD_NS_FOREVER - 1;
			}
		}
		return wait_on(addr, val, cmd == FUTEX_WAIT ? UINT32_MAX : val3, clock, deadline);
	case FUTEX_WAKE:
		return wake(addr, val, UINT32_MAX);
	case FUTEX_WAKE_BITSET:
		return wake(addr, val, val3);
	case FUTEX_REQUEUE:
	case FUTEX_CMP_REQUEUE:
	case FUTEX_WAKE_OP:
		if (!is_word(addr2))
			return -EFAULT;
		if (cmd == FUTEX_WAKE_OP)
			return wake_op(addr, val, addr2, (uint32_t)timeout, val3);
		return requeue(addr, val, addr2, (uint32_t)timeout,
			       cmd == FUTEX_CMP_REQUEUE ? &val3 : NULL);
	}
	return -ENOSYS;
}

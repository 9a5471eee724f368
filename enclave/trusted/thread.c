// SPDX-License-Identifier: MIT
/*
 * Threads: each has a TCS of the enclave's for as long as it lives. The host makes its own thread
 * and enters; which TCS a new thread gets is decided here. A TCS is free again when its thread is
 * outside for the last time, which is later than the C library's join() returns: clone() waits
 * for those.
 */
#include <errno.h>
#include <sched.h>
#include <signal.h>

#include "thread.h"
#include "trusted/ocall.h"
#include "trusted/program.h"

#define SPINS  200u
#define NEEDED (CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD)
#define KNOWN                                                                                      \
	(NEEDED | CLONE_SYSVSEM | CLONE_SETTLS | CLONE_PARENT_SETTID | CLONE_CHILD_CLEARTID |      \
	 CLONE_CHILD_SETTID | CLONE_DETACHED)

/* posix_spawn()'s; vfork() itself returns twice, which can't be. */
#define SPAWN (CLONE_VM | CLONE_VFORK | SIGCHLD)

static struct trusted_lock lock;
static size_t live;

void trusted_lock(struct trusted_lock *l)
{
	unsigned int spins = 0;

	/* the owner may have been stopped by the host: let it run */
	while (__atomic_exchange_n(&l->word, 1, __ATOMIC_ACQUIRE)) {
		trusted_pause();
		if (++spins % SPINS == 0 && trusted_self()->lock_depth == 0)
			(void)trusted_ocall(ABI_OCALL_YIELD, 0, 0, 0, 0, 0, 0);
	}
	trusted_self()->lock_depth++;
}

void trusted_unlock(struct trusted_lock *l)
{
	trusted_self()->lock_depth--;
	__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

static uint64_t state_of(const struct trusted_thread *t)
{
	return __atomic_load_n(&t->state, __ATOMIC_ACQUIRE);
}

static size_t index_of(const struct trusted_thread *t)
{
	const struct abi_thread *page = (const void *)((uint64_t)t - ABI_THREAD_OWN);

	return page->index;
}

void thread_init(void)
{
	trusted_self()->tid = TRUSTED_PID;
	live = 1;
}

size_t trusted_thread_count(void)
{
	return __atomic_load_n(&live, __ATOMIC_RELAXED);
}

struct trusted_thread *thread_find(uint64_t tid)
{
	struct trusted_thread *t;

	if (tid < TRUSTED_PID || tid - TRUSTED_PID >= trusted_page()->thread_count)
		return NULL;
	t = trusted_thread_at(tid - TRUSTED_PID);
	return __atomic_load_n(&t->tid, __ATOMIC_ACQUIRE) == tid ? t : NULL;
}

void thread_wake(struct trusted_thread *t)
{
	(void)trusted_ocall(ABI_OCALL_WAKE, index_of(t), 0, 0, 0, 0, 0);
}

void thread_kick(struct trusted_thread *t)
{
	if (t == trusted_self())
		return;
	if (__atomic_load_n(&t->sleeping, __ATOMIC_SEQ_CST))
		thread_wake(t);
	else
		(void)trusted_ocall(ABI_OCALL_KICK, index_of(t), 0, 0, 0, 0, 0);
}

/* A free TCS, taken; NULL: there is none. *leaving_ret: but there will be. */
static struct trusted_thread *take_free(bool *leaving_ret)
{
	size_t count = trusted_page()->thread_count;
	struct trusted_thread *found = NULL;

	*leaving_ret = false;
	trusted_lock(&lock);
	for (size_t i = 0; i < count && !found; i++) {
		struct trusted_thread *t = trusted_thread_at(i);

		*leaving_ret |= t->leaving;
		/* free in the last moment: its EEXIT is still to come, and the host waits for that
		 */
		if (state_of(t) == THREAD_FREE && !t->tid) {
			found = t;
			t->tid = TRUSTED_PID + i;
			t->leaving = false;
			live++;
		}
	}
	trusted_unlock(&lock);
	return found;
}

__attribute__((weak)) long trusted_spawn(int (*fn)(void *), void *arg)
{
	(void)fn;
	(void)arg;
	return -ENOSYS;
}

__attribute__((weak)) bool trusted_is_other(void)
{
	return false;
}

bool trusted_in_child(void)
{
	return trusted_self()->in_child;
}

static bool is_clone_fit(int flags, const int *parent_tid, const int *child_tid)
{
	if ((flags & NEEDED) != NEEDED || flags & ~KNOWN)
		return false;
	if ((flags & CLONE_PARENT_SETTID) && !trusted_writable(parent_tid, sizeof(*parent_tid)))
		return false;
	return !(flags & (CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID)) ||
	       trusted_writable(child_tid, sizeof(*child_tid));
}

long trusted_clone(int (*fn)(void *), void *stack, int flags, void *arg, int *parent_tid, void *tls,
		   int *child_tid)
{
	const struct trusted_thread *self;
	struct trusted_thread *t;
	uint64_t starting = THREAD_STARTING;
	bool leaving;
	long tid;

	if (flags == SPAWN)
		return trusted_spawn(fn, arg);
	/* it has no thread but the one that it was given */
	if (trusted_is_other() || trusted_in_child())
		return -EAGAIN;
	self = trusted_self();
	if (!is_clone_fit(flags, parent_tid, child_tid) || !stack)
		return -ENOSYS;
	while (!(t = take_free(&leaving))) {
		if (!leaving)
			return -EAGAIN;
		(void)trusted_ocall(ABI_OCALL_YIELD, 0, 0, 0, 0, 0, 0);
	}
	tid = (long)t->tid;
	t->fn = fn;
	t->arg = arg;
	t->stack = (uint64_t)stack;
	t->fs = flags & CLONE_SETTLS ? (uint64_t)tls : 0;
	t->clear_tid = flags & CLONE_CHILD_CLEARTID ? child_tid : NULL;
	t->blocked = self->blocked;
	t->pending = 0;
	t->suspended = false;
	t->altstack = (struct trusted_stack){.flags = 2 /* SS_DISABLE */};
	t->sleeping = 0;
	t->lock_depth = 0;
	if (flags & CLONE_PARENT_SETTID)
		*parent_tid = (int)tid;
	if (flags & CLONE_CHILD_SETTID)
		*child_tid = (int)tid;
	__atomic_store_n(&t->state, THREAD_STARTING, __ATOMIC_RELEASE);
	if (trusted_ocall(ABI_OCALL_SPAWN, index_of(t), 0, 0, 0, 0, 0) < 0 &&
	    __atomic_compare_exchange_n(&t->state, &starting, THREAD_FREE, false, __ATOMIC_ACQ_REL,
					__ATOMIC_RELAXED)) {
		trusted_lock(&lock);
		t->tid = 0;
		live--;
		trusted_unlock(&lock);
		return -EAGAIN;
	}
	return tid;
}

static void run(void *arg)
{
	struct trusted_thread *self = arg;

	trusted_exit_thread(self->fn(self->arg));
}

void thread_start(struct trusted_thread *self)
{
	trusted_write_fs(self->fs);
	trusted_jump(run, self, self->stack);
}

/* On a stack of the enclave's own: the program's may be gone once clear_tid is. */
static void finish(void *arg)
{
	struct trusted_thread *self = arg;
	int *clear_tid = self->clear_tid;

	self->clear_tid = NULL;
	if (clear_tid && trusted_writable(clear_tid, sizeof(*clear_tid))) {
		__atomic_store_n(clear_tid, 0, __ATOMIC_SEQ_CST);
		(void)futex_wake_one((uint32_t *)clear_tid);
	}
	trusted_lock(&lock);
	self->tid = 0;
	trusted_unlock(&lock);
	trusted_store(&self->ocall->number, ABI_OCALL_EXIT_THREAD);
	trusted_leave_for_good(THREAD_FREE);
}

void trusted_exit_thread(int code)
{
	struct trusted_thread *self = trusted_self();
	bool is_last;

	trusted_lock(&lock);
	is_last = live == 1;
	if (!is_last) {
		live--;
		self->leaving = true;
	}
	trusted_unlock(&lock);
	if (is_last)
		trusted_exit_group(code);
	trusted_jump(finish, self, trusted_base() + trusted_page()->stack_top);
}

void trusted_exit_group(int code)
{
	trusted_end(code & 0xff, 0);
}

long trusted_gettid(void)
{
	return (long)trusted_self()->tid;
}

long trusted_set_tid_address(int *tid)
{
	trusted_self()->clear_tid = tid;
	return trusted_gettid();
}

long trusted_sched_yield(void)
{
	(void)trusted_ocall(ABI_OCALL_YIELD, 0, 0, 0, 0, 0, 0);
	return 0;
}

long trusted_set_fs(uint64_t base)
{
	/* what WRFSBASE takes */
	if (base >> 47)
		return -EPERM;
	trusted_write_fs(base);
	return 0;
}

uint64_t trusted_get_fs(void)
{
	return trusted_self()->fs;
}

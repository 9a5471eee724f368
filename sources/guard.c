// SPDX-License-Identifier: MIT
/*
 * SIGBUS on a guarded mapping: put a page of zeros there and go on; the owner of the mapping learns
 * of it by its flag. Signals elsewhere go to whoever handled SIGBUS before. The table is read by
 * the handler, so a slot is published by its `end` and withdrawn the same way.
 */
#include "guard.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>

enum {
	GUARD_SLOTS = 64,
};

struct slot {
	_Atomic uintptr_t end; /* 0: free */
	uintptr_t start;
	size_t granule;
	atomic_bool *hit;
};

/* A signal handler is the process's, so this can't live in a context. */
static struct slot slots[GUARD_SLOTS];
static struct sigaction before;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static void handle_sigbus(int sig, siginfo_t *info, void *context)
{
	uintptr_t at = (uintptr_t)info->si_addr;

	for (size_t i = 0; i < GUARD_SLOTS; i++) {
		struct slot *s = &slots[i];
		uintptr_t end = atomic_load_explicit(&s->end, memory_order_acquire);
		void *page;

		if (!end || at < s->start || at >= end)
			continue;
		page = (void *)(at & ~(uintptr_t)(s->granule - 1));
		if (mmap(page, s->granule, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
			 0) == MAP_FAILED)
			break;
		atomic_store(s->hit, true);
		return;
	}
	if (before.sa_flags & SA_SIGINFO) {
		before.sa_sigaction(sig, info, context);
	} else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN) {
		before.sa_handler(sig);
	} else {
		/* the access is made again and kills us as it would have without a guard */
		sigaction(SIGBUS, &before, NULL);
	}
}

/* Make the handler ours, also when somebody else put theirs over it. */
static bool install(void)
{
	struct sigaction sa = {.sa_sigaction = handle_sigbus,
			       .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
	struct sigaction now;

	if (sigaction(SIGBUS, NULL, &now) < 0)
		return false;
	if ((now.sa_flags & SA_SIGINFO) && now.sa_sigaction == handle_sigbus)
		return true;
	before = now;
	sigemptyset(&sa.sa_mask);
	return sigaction(SIGBUS, &sa, NULL) == 0;
}

bool guard_add(const void *start, size_t size, size_t granule, atomic_bool *hit)
{
	bool done = false, ready;

	pthread_mutex_lock(&lock);
	ready = install();
	for (size_t i = 0; ready && i < GUARD_SLOTS; i++) {
		struct slot *s = &slots[i];

		if (atomic_load(&s->end))
			continue;
		s->start = (uintptr_t)start;
		s->granule = granule;
		s->hit = hit;
		atomic_store_explicit(&s->end, s->start + size, memory_order_release);
		done = true;
		break;
	}
	pthread_mutex_unlock(&lock);
	return done;
}

void guard_remove(const void *start)
{
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < GUARD_SLOTS; i++) {
		if (atomic_load(&slots[i].end) && slots[i].start == (uintptr_t)start) {
			atomic_store(&slots[i].end, 0);
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}

// SPDX-License-Identifier: MIT
/* Threads of the host's for those of the enclave: one for each TCS in use. */
#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "process.h"

#define SECOND	   1000000000ull
#define STACK_SIZE (256u << 10)

atomic_uint_fast64_t host_threads_made;

enum err host_threads_prepare(struct err_ctx *err)
{
	struct host_process *p = &host_process;
	size_t count = p->enclave.thread_count;

	p->slots = aligned_alloc(64, count * sizeof(*p->slots));
	if (!p->slots)
		return err_set(err, ERR_NOMEM, "no memory for %zu threads", count);
	for (size_t i = 0; i < count; i++) {
		struct host_slot *s = &p->slots[i];

		*s = (struct host_slot){.index = i};
		s->start = (struct abi_start){
		    .version = ABI_START_VERSION,
		    .size = sizeof(s->start),
		    .ocall = (uint64_t)&s->call,
		    .arena_size = ABI_ARENA_SIZE,
		    .signals = (uint64_t)&p->signals,
		};
	}
	return ERR_OK;
}

/* Spurious returns are allowed. */
long host_wait(struct host_slot *slot, uint64_t ns)
{
	struct timespec t = {(time_t)(ns / SECOND), (long)(ns % SECOND)};
	long r = 0;

	if (atomic_exchange(&slot->token, 0))
		return 0;
	if (host_must_return())
		return -EINTR;
	if (syscall(SYS_futex, &slot->token, FUTEX_WAIT_PRIVATE, 0, ns == UINT64_MAX ? NULL : &t,
		    NULL, 0))
		r = -errno;
	return atomic_exchange(&slot->token, 0) || r == -EAGAIN ? 0 : r;
}

long host_wake(uint64_t index)
{
	struct host_process *p = &host_process;

	if (index >= p->enclave.thread_count)
		return -EINVAL;
	if (!atomic_exchange(&p->slots[index].token, 1))
		syscall(SYS_futex, &p->slots[index].token, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	return 0;
}

long host_kick(uint64_t index)
{
	struct host_process *p = &host_process;

	if (index >= p->enclave.thread_count)
		return -EINVAL;
	atomic_store(&p->slots[index].kicked, true);
	host_signals_poke();
	return 0;
}

static void *run_thread(void *arg)
{
	struct host_process *p = &host_process;
	struct host_slot *slot = arg;

	host_serve_thread(slot);
	/* only now is the TCS free, whatever the enclave's threads know of each other */
	pthread_mutex_lock(&p->lock);
	slot->busy = false;
	pthread_cond_broadcast(&p->changed);
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

long host_spawn(uint64_t index)
{
	struct host_process *p = &host_process;
	struct host_slot *slot;
	pthread_attr_t attr;
	pthread_t thread;
	int r;

	if (index >= p->enclave.thread_count)
		return -EINVAL;
	slot = &p->slots[index];
	pthread_mutex_lock(&p->lock);
	while (slot->busy && !p->ended)
		pthread_cond_wait(&p->changed, &p->lock);
	if (p->ended) {
		pthread_mutex_unlock(&p->lock);
		return -EAGAIN;
	}
	slot->busy = true;
	pthread_mutex_unlock(&p->lock);
	if (!slot->arena)
		slot->arena = aligned_alloc(64, ABI_ARENA_SIZE);
	if (!slot->arena) {
		r = ENOMEM;
	} else {
		slot->start.arena = (uint64_t)slot->arena;
		pthread_attr_init(&attr);
		pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
		pthread_attr_setstacksize(&attr, STACK_SIZE);
		r = pthread_create(&thread, &attr, run_thread, slot);
		pthread_attr_destroy(&attr);
	}
	if (r) {
		pthread_mutex_lock(&p->lock);
		slot->busy = false;
		pthread_mutex_unlock(&p->lock);
		return -EAGAIN;
	}
	atomic_fetch_add(&host_threads_made, 1);
	return 0;
}

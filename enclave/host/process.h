/* SPDX-License-Identifier: MIT */
/* What run.c, threads.c and signals.c share: the one program that runs. */
#ifndef SCW_HOST_PROCESS_H
#define SCW_HOST_PROCESS_H

#include <pthread.h>
#include <stdatomic.h>
#include <sys/types.h>

#include "host/run.h"

/* Of a TCS. The first two are what the enclave is given. */
struct host_slot {
	_Alignas(64) struct abi_start start;
	_Alignas(64) struct abi_ocall call;
	uint8_t *arena;
	size_t index;
	bool busy;	     /* a host thread has it; under `lock` */
	atomic_uint token;   /* 1: woken; a futex */
	atomic_bool in_call; /* serves a call that may sleep */
	atomic_bool kicked;  /* is to come back from it */
	atomic_int tid;	     /* of the host thread, when there is one */
};

struct host_process {
	/* copies: threads of the program's, and that of signals, go on until the process ends */
	struct host_enclave enclave;
	struct host_hook hooks[HOST_HOOKS];
	size_t hook_count;
	struct host_slot *slots;
	pthread_mutex_t lock;
	pthread_cond_t changed; /* busy; ended */
	bool ended;		/* there is a result; under `lock` */
	bool main_back;
	int code;
	struct err_ctx failure;	       /* code 0: none */
	_Alignas(64) uint64_t signals; /* the enclave's and ours */
	pthread_t main_thread, signal_thread;
	int kick_signal, poke_signal;
	sigset_t forwarded;
};

extern struct host_process host_process;

/* run.c: enters until the thread ends. */
void host_serve_thread(struct host_slot *slot);
/* The program's result; the first one counts. */
void host_end(int code, const struct err_ctx *failure);
bool host_is_ended(void);

/* threads.c */
enum err host_threads_prepare(struct err_ctx *err) ERR_NODISCARD;
long host_wait(struct host_slot *slot, uint64_t ns);
long host_wake(uint64_t index);
long host_spawn(uint64_t index);
long host_kick(uint64_t index);
extern atomic_uint_fast64_t host_threads_made;

/* signals.c */
enum err host_signals_begin(struct err_ctx *err) ERR_NODISCARD;
void host_signals_end(void);
/* Makes the signal thread look at who has been kicked. */
void host_signals_poke(void);
long host_timer(uint64_t first, uint64_t period);

#endif

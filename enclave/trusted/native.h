/* SPDX-License-Identifier: MIT */
/* For tests: the processor and the host that native.c makes up. */
#ifndef SCW_TRUSTED_NATIVE_H
#define SCW_TRUSTED_NATIVE_H

#include "thread.h"

#define NATIVE_THREADS 4

struct native_enclave {
	/* struct abi_thread and struct trusted_thread of each */
	_Alignas(16) uint8_t pages[NATIVE_THREADS][ABI_PAGE];
	uint64_t base;
	void (*serve)(struct abi_ocall *call); /* the host's side of an ocall */
	void (*left)(void);		       /* a thread has left for good; must not return */
	bool (*rdrand)(uint64_t *ret);	       /* NULL: some numbers */
};
extern struct native_enclave native;

/* The calling thread is thread `index` of the enclave from now on. */
void native_become(size_t index);

#endif

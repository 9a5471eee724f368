/* SPDX-License-Identifier: MIT */
/*
 * Asking the host, from inside. Nothing that comes back has been checked: whoever asks knows what
 * answers make sense. Nothing here needs libc or TLS.
 */
#ifndef SCW_TRUSTED_OCALL_H
#define SCW_TRUSTED_OCALL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/ocall.h"

/*
 * Leaves the enclave with request `number` in this thread's block and returns the host's result,
 * unchecked. `number` is an enum abi_ocall_number, or of another header's range. Never while
 * holding a struct trusted_lock. Ends the thread if another one has ended the program meanwhile.
 */
int64_t trusted_ocall(unsigned int number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		      uint64_t a4, uint64_t a5);

/* The errno that the host means by a negative result; EIO for what can't be one. */
static inline int trusted_host_errno(int64_t result)
{
	return result < 0 && result >= -4095 ? (int)-result : 5;
}

/*
 * This thread's buffer in the host's memory, NULL if `size` is more than it has. There is one: a
 * call's arguments are laid out in it together, and the next call's overwrite them. Eight-byte
 * aligned, and may be read and written up to `size` rounded up to 8.
 */
void *trusted_arena(size_t size);
size_t trusted_arena_size(void);

/*
 * Between the two worlds, only in aligned units of eight bytes (INTEL-SA-00615, INTEL-SA-00657):
 * where `untrusted` isn't aligned, the whole words that hold its ends are read, or read and
 * written. The caller knows that `untrusted` lies outside, as the arena does.
 */
void trusted_copy_out(void *untrusted, const void *in, size_t size);
void trusted_copy_in(void *in, const void *untrusted, size_t size);

/*
 * A range of the host's that is used from now on beside arenas (the ring; the last two are remembered): when it is gone,
 * the enclave stops, and no handler of the program's runs.
 */
void trusted_borrow(const void *untrusted, size_t size);

/* One word, once; `untrusted` is aligned. */
uint64_t trusted_load(const void *untrusted);
void trusted_store(void *untrusted, uint64_t value);

/* All of it outside the enclave, not wrapping around, in user space? True also for size 0. */
bool trusted_outside(const void *p, size_t size);
/* All of it inside the enclave's range (mapped or not)? */
bool trusted_inside(const void *p, size_t size);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Where enclaves run: Linux's driver, or the emulation. One interface, the kernel's: the requests
 * of /dev/sgx_enclave (abi/kernel.h), mmap() on it, and the vDSO's entry function. Code above
 * it can't tell which one it has, but for `why`, and must not ask `name` for anything but printing.
 */
#ifndef SCW_HOST_BACKEND_H
#define SCW_HOST_BACKEND_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>

#include "abi/kernel.h"
#include "base/err.h"

struct backend {
	const char *name;   /* for people */
	bool protects;	    /* false: say so loudly */
	abi_enter enter;    /* set by backend_*(); NULL before */

	/* A new enclave: a descriptor, or -errno. */
	int (*open)(void);
	/* 0 or -errno. May leave a request half done, as the kernel: look at its counts. */
	int (*request)(int fd, unsigned int request, void *arg);
	/* MAP_SHARED | MAP_FIXED on the enclave; 0 or -errno. */
	int (*map)(int fd, void *addr, size_t size, int prot);
	int (*protect)(void *addr, size_t size, int prot);
	/* Also of the reservation around an enclave. */
	int (*unmap)(void *addr, size_t size);
	void (*close)(int fd);
	/* As sigaction(2); every handler of a process with enclaves is set with it. */
	int (*set_action)(int sig, const struct sigaction *act, struct sigaction *old);
	/* Adds the reason of the last refusal to `err`, if the backend knows more than an errno. */
	void (*why)(int fd, struct err_ctx *err);
};

/*
 * Linux's. ERR_ABSENT: no device or no entry function in the vDSO (no SGX, no launch control, an old
 * kernel); ERR_PERM: not allowed to open it. The text says what to do.
 */
enum err backend_driver(const struct backend **ret, struct err_ctx *err) ERR_NODISCARD;

/* The emulation, in the modes of emulation/emulation.h. It protects nothing. */
enum err backend_emulated(unsigned int modes, const struct backend **ret,
			  struct err_ctx *err) ERR_NODISCARD;

/*
 * The driver's if there is one, else the emulation; `emulate` takes the emulation in any case. With
 * the emulation a line that it protects nothing goes to standard error, every time.
 */
enum err backend_choose(bool emulate, unsigned int modes, const struct backend **ret,
			struct err_ctx *err) ERR_NODISCARD;

/*
 * Calls `enter` as C may: keeps all registers that C wants kept, the x87 and SSE control words,
 * and a clear direction flag. Same arguments and result.
 */
int host_enter(abi_enter enter, unsigned long rdi, unsigned long rsi, unsigned long rdx,
	       unsigned int function, unsigned long r8, unsigned long r9, struct abi_run *run);

#endif

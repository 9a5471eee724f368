/* SPDX-License-Identifier: MIT */
/*
 * The SGX instructions and Linux's interface to them, in user space, for machines without SGX.
 * IT PROTECTS NOTHING: keys are constants of this source, memory is the process's own. It keeps the
 * rules that hardware enforces, so that what runs here can run there (docs/ENCLAVE.md says which).
 *
 * The functions are those of a file on /dev/sgx_enclave, with the descriptor of a memfd for the
 * file: they return what the system call would, errors as -errno. backend_emulated.c and the preload
 * library (for programs that know only the kernel's interface) are the two users.
 */
#ifndef SCW_EMULATION_EMULATION_H
#define SCW_EMULATION_EMULATION_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/kernel.h"
#include "base/err.h"

/* Ways to run, or'ed; 0 is plain. For the whole process; set before the first enclave opens. */
enum emulation_mode {
	EMULATION_HIDE = 1,  /* enclave memory can't be accessed while no thread is inside */
	EMULATION_STEP = 2,  /* an AEX after every instruction inside */
	EMULATION_FAULT = 4, /* EPC pages taken away and given back, hostile register state at entry */
	EMULATION_SGX1 = 8,  /* no SGX2: no pages added, removed or restricted after EINIT */
};

/* What this machine lets the emulation do, found at run time. */
enum emulation_feature {
	EMULATION_TRAPS_SYSCALLS = 1, /* kernel 5.11 or later: syscall user dispatch */
	EMULATION_FSGSBASE = 2,	      /* WRFSBASE and WRGSBASE work inside */
};

/* Events so far in this process; for figures and tests. */
struct emulation_counts {
	uint64_t enters;
	uint64_t exits;
	uint64_t aexs;
	uint64_t resumes;
	uint64_t exceptions; /* AEXs that the enclave or the host is told of */
	uint64_t pages_lost; /* by EMULATION_FAULT, given back when touched */
};

/* "plain", or names of modes joined by ','; ERR_INVAL for others. */
enum err emulation_parse_modes(const char *text, unsigned int *ret, struct err_ctx *err)
	ERR_NODISCARD;

/*
 * Installs the signal handlers and sets the modes. Any number of times; modes can change only while
 * no enclave is open. ERR_UNSUPPORTED on a machine where it can't work.
 */
enum err emulation_prepare(unsigned int modes, struct err_ctx *err) ERR_NODISCARD;

unsigned int emulation_features(void);
void emulation_count(struct emulation_counts *ret);

int emulation_open(void);
bool emulation_is_open(int fd);
int emulation_ioctl(int fd, unsigned int request, void *arg);
int emulation_close(int fd);

/* As mmap(2) with MAP_SHARED on the device; MAP_FAILED and errno. */
void *emulation_mmap(void *addr, size_t size, int prot, int flags, int fd);

/* As mprotect(2), munmap(2); -ENOENT when the range has nothing of an enclave: call the real one. */
int emulation_mprotect(void *addr, size_t size, int prot);
int emulation_munmap(void *addr, size_t size);

/* __vdso_sgx_enter_enclave(): see abi_enter. */
int emulation_enter(unsigned long rdi, unsigned long rsi, unsigned long rdx, unsigned int function,
		    unsigned long r8, unsigned long r9, struct abi_run *run);

/*
 * As sigaction(2). Every handler of the process has to go through it: on hardware an AEX comes
 * before a signal's delivery, and here it is made so. Handlers run with all signals blocked, on
 * a stack of the emulation, and must not enter an enclave.
 */
int emulation_sigaction(int sig, const struct sigaction *act, struct sigaction *old);

/* Why the last request on `fd` was refused, in words; cleared by the next one. */
void emulation_why(int fd, struct err_ctx *ret);

/* What a power loss does: every page of the enclave is gone for good. */
int emulation_lose(int fd);

#endif

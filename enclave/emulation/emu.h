/* SPDX-License-Identifier: MIT */
/* What the files of the emulation share. The first part is read by entry.S, too. */
#ifndef SCW_EMULATION_EMU_H
#define SCW_EMULATION_EMU_H

/*
 * A thread's block: struct thread, an XSAVE area, a page of code, then its signal stack. Aligned to
 * its size.
 */
#define EMU_BLOCK_SIZE 0x40000
#define EMU_BLOCK_COUNT 512
#define EMU_XSAVE_OFFSET 0x1000
#define EMU_XSAVE_SIZE 0x3000
#define EMU_STUB_OFFSET 0x4000 /* a page of code */
#define EMU_STACK_OFFSET 0x5000

/* Offsets in struct thread. */
#define EMU_SELECTOR 0
#define EMU_INSIDE 8
#define EMU_HOST_FS 16
#define EMU_HOST_GS 24
#define EMU_ENCLAVE_FS 32
#define EMU_ENCLAVE_GS 40
#define EMU_LIVE_FS 48
#define EMU_LIVE_GS 56
#define EMU_RESTORE 64 /* mask for XRSTOR, 0: none */
#define EMU_STUB 72 /* address of the page of code */
#define EMU_REGS 80

/* Indices in a register file: those of glibc's gregs, in order. */
#define EMU_R8 0
#define EMU_R9 1
#define EMU_R10 2
#define EMU_R11 3
#define EMU_R12 4
#define EMU_R13 5
#define EMU_R14 6
#define EMU_R15 7
#define EMU_RDI 8
#define EMU_RSI 9
#define EMU_RBP 10
#define EMU_RBX 11
#define EMU_RDX 12
#define EMU_RAX 13
#define EMU_RCX 14
#define EMU_RSP 15
#define EMU_RIP 16
#define EMU_RFLAGS 17
#define EMU_REG_COUNT 18

#ifndef __ASSEMBLER__

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <ucontext.h>

#include "emulation/emulation.h"
#include "measure/measure.h"

#define EMU_FLAG_TF 0x100ull
#define EMU_FLAG_DF 0x400ull
#define EMU_FLAG_RF 0x10000ull
#define EMU_FLAG_AC 0x40000ull
#define EMU_FLAG_ZF 0x40ull
#define EMU_FLAGS_STATUS 0x8d5ull /* CF PF AF ZF SF OF */

#define EMU_MAX_ENCLAVES 64
#define EMU_MAX_SIZE (1ull << 36)

/* An entry of the EPCM, and what Linux keeps of the page. */
struct page {
	bool valid : 1;
	bool pending : 1;
	bool modified : 1;
	bool restricted : 1; /* EPCM.PR */
	bool out : 1;	     /* paged out: the next access brings it back */
	bool mapped : 1;     /* there is a mapping of the user's */
	uint8_t type;	     /* enum abi_page_type */
	uint8_t perm;	     /* EPCM.RWX, as PROT_* (the same bits) */
	uint8_t max_prot;    /* of a mapping */
	uint8_t vma_prot;    /* of the mapping */
};

/* Pages next to each other of one protection, for EMULATION_HIDE. */
struct run {
	size_t first, count;
	int prot;
};

struct enclave {
	pthread_mutex_t lock; /* pages, runs, inside_count, revealed */
	int fd;
	bool created, initialized, lost, closed;
	struct abi_secs secs; /* MRENCLAVE and MRSIGNER once initialized */
	struct abi_sigstruct sigstruct;
	struct measure measure;
	uint64_t attributes_allowed;
	uint8_t *alias; /* the processor's view of all pages */
	struct page *pages;
	size_t page_count, mapped_count;
	unsigned int inside_count;
	struct run *runs;
	size_t run_count, run_room;
	bool runs_stale;
	struct err_ctx why;
};

/* At the start of a thread's block. Offsets are entry.S's. */
struct thread {
	volatile uint8_t selector; /* syscall user dispatch */
	volatile uint64_t inside;
	uint64_t host_fs, host_gs;
	uint64_t enclave_fs, enclave_gs;
	uint64_t live_fs, live_gs; /* at the trap */
	uint64_t restore;
	uint64_t stub;
	uint64_t regs[EMU_REG_COUNT];
	struct enclave *enclave;
	size_t tcs; /* page */
	uint64_t aep;
	uint64_t random;
	bool used;
};
_Static_assert(offsetof(struct thread, inside) == EMU_INSIDE, "entry.S");
_Static_assert(offsetof(struct thread, host_fs) == EMU_HOST_FS, "entry.S");
_Static_assert(offsetof(struct thread, enclave_gs) == EMU_ENCLAVE_GS, "entry.S");
_Static_assert(offsetof(struct thread, live_fs) == EMU_LIVE_FS, "entry.S");
_Static_assert(offsetof(struct thread, restore) == EMU_RESTORE, "entry.S");
_Static_assert(offsetof(struct thread, stub) == EMU_STUB, "entry.S");
_Static_assert(offsetof(struct thread, regs) == EMU_REGS, "entry.S");
_Static_assert(sizeof(struct thread) <= EMU_XSAVE_OFFSET, "entry.S");

/* An exception as the processor raises it. */
struct fault {
	unsigned int vector;
	uint32_t error;
	uint64_t addr;
};

/*
 * The C library's functions that the preload library stands in front of: the emulation itself
 * calls the real ones.
 */
struct emu_calls {
	void *(*mmap)(void *, size_t, int, int, int, off_t);
	int (*mprotect)(void *, size_t, int);
	int (*munmap)(void *, size_t);
	int (*close)(int);
	int (*sigaction)(int, const struct sigaction *, struct sigaction *);
	unsigned long (*getauxval)(unsigned long);
};
extern struct emu_calls emu_real;

/* cpu.c */
uint64_t emu_direct(struct thread *t);
/*
 * EENTER or ERESUME by the leaf in `regs`, registers at the instruction, which become those inside;
 * `next` is where the instruction ends. False: *fault was raised and nothing has changed.
 */
bool emu_enter(struct thread *t, uint64_t *regs, uint64_t next, struct fault *fault);
/* The end of EEXIT and AEX. */
void emu_leave(struct thread *t);
/* An AEX; `fault` is NULL for one that isn't the enclave's doing. `regs` become the host's. */
void emu_aex(struct thread *t, ucontext_t *uc, uint64_t *regs, const struct fault *fault);
/* To where the kernel's entry function goes on after an exception. */
void emu_tell_fault(uint64_t *regs, const struct fault *fault);
bool emu_is_canonical(uint64_t addr);

/* signals.c */
struct thread *emu_trap_event(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t);
void emu_attach(void);

/* leaf.c: a leaf that only runs inside. False: *fault was raised. */
bool emu_leaf(struct enclave *e, uint64_t *regs, struct fault *fault);

/* epc.c */
struct enclave *emu_find(uint64_t addr);
bool emu_any_open(void);
unsigned int emu_modes(void);
void emu_reveal(struct enclave *e);
void emu_conceal(struct enclave *e);
void emu_apply(struct enclave *e, size_t first, size_t count);
void emu_page_out(struct enclave *e);
/* EAUG, when SGX2 is on and the page is mapped; under the lock. */
bool emu_augment(struct enclave *e, size_t page);

/* state.c: what the processor has */
uint64_t emu_xcr0(void);
size_t emu_xsave_size(uint64_t xfrm);

/* keys.c */
void emu_report(const struct enclave *e, const struct abi_targetinfo *target,
		const uint8_t data[64], struct abi_report *ret);
enum abi_code emu_key(const struct enclave *e, const struct abi_keyrequest *request,
		      uint8_t ret[ABI_KEY_SIZE]);

/* entry.S */
extern char emu_exit_point[], emu_exited[], emu_exception[], emu_window[], emu_window_end[];
extern char emu_text[], emu_text_end[], emu_stub[], emu_stub_end[];
void emu_trap(int sig, siginfo_t *info, void *uc);
void emu_restorer(void);

extern struct emu_globals {
	uint64_t arena;	   /* of thread blocks */
	uint64_t fsgsbase; /* do the instructions work? */
} emu_globals;

extern __thread struct thread *emu_thread __attribute__((tls_model("initial-exec")));

extern struct emu_counters {
	atomic_uint_fast64_t enters, exits, aexs, resumes, exceptions, pages_lost;
} emu_counters;

#endif
#endif

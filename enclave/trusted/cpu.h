/* SPDX-License-Identifier: MIT */
/* Private to the runtime's files that only an enclave has. */
#ifndef SCW_TRUSTED_CPU_H
#define SCW_TRUSTED_CPU_H

#include "abi/sgx.h"
#include "thread.h"
#include "trusted/program.h"

/*
 * What an exception interrupted, on the program's stack, aligned to 64. `xsave` goes on as far as
 * XFRM has it.
 */
struct trusted_frame {
	struct abi_gprsgx regs;
	uint64_t sig;  /* 0: a system call */
	uint64_t code; /* siginfo_t.si_code */
	uint64_t addr; /* siginfo_t.si_addr */
	uint64_t trap;
	uint64_t error;
	uint64_t reserved[4];
	uint8_t xsave[];
};
_Static_assert(offsetof(struct trusted_frame, regs.rsp) == FRAME_RSP, "entry.S");
_Static_assert(offsetof(struct trusted_frame, regs.rflags) == FRAME_RFLAGS, "entry.S");
_Static_assert(offsetof(struct trusted_frame, regs.rip) == FRAME_RIP, "entry.S");
_Static_assert(offsetof(struct trusted_frame, xsave) == FRAME_XSAVE, "entry.S");

extern uint64_t trusted_xfrm;
extern uint32_t trusted_started;
extern const char trusted_edge[], trusted_edge_end[];

void trusted_find_xfrm(void);
_Noreturn void trusted_restore(const struct trusted_frame *frame);
_Noreturn void trusted_run_program(uint64_t stack);

/* Runs the handler of a frame's signal; changes the frame's registers as the handler wants. */
void signal_run_frame(struct trusted_frame *frame);

/* Called by entry.S. */
void trusted_begin(const void *untrusted, uint64_t is_first);
void trusted_exception(void);
/* Called by another image's trusted_program_start(). */
_Noreturn void trusted_program_begin(trusted_call_fn *parent, uint64_t stack);

#endif

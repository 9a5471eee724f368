// SPDX-License-Identifier: MIT
/*
 * Exceptions: what runs at CSSA 1 after an AEX. The truth is the SSA frame's EXITINFO, never what
 * the host says; without it the entry was for nothing, and ERESUME goes on. What the handler can
 * do at once it does to the SSA frame (CPUID, RDTSC); all else, a signal handler or a system
 * call, runs after ERESUME on the program's stack, from a frame that keeps the registers.
 *
 * A host can make a page fault out of any instruction, by taking the page away. So a fault that
 * our own book-keeping says can't be is ignored (the host only wastes its own time), and one at
 * the edge, where RSP may be the host's, stops the enclave.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#include "cpu.h"
#include "trusted/ocall.h"

#define RED_ZONE    128u
#define FLAGS_KEPT  0xcd5ull /* CF PF AF ZF SF DF OF */
#define FLAGS_FIXED 0x202ull

static struct abi_gprsgx *interrupted(void)
{
	const struct abi_thread *page = trusted_page();

	return (struct abi_gprsgx *)(trusted_base() + page->ssa + page->ssa_frame_size -
				     sizeof(struct abi_gprsgx));
}

/* The XSAVE area is at the frame's begin. */
static uint8_t *interrupted_xsave(void)
{
	return (uint8_t *)(trusted_base() + trusted_page()->ssa);
}

/* In the standard format, where Intel's processors have each component (SDM volume 1, 13.4). */
static size_t xsave_size(void)
{
	const struct abi_thread *page = trusted_page();
	size_t room = page->ssa_frame_size - sizeof(struct abi_gprsgx) - sizeof(struct abi_exinfo);
	size_t size = trusted_xfrm >> 17     ? 11008
		      : trusted_xfrm & ~7ull ? 2696
		      : trusted_xfrm & 4     ? 832
					     : ABI_XSAVE_MIN_SIZE;

	return size < room ? size : room;
}

static void clean_xsave(uint8_t *area)
{
	const uint16_t control = 0x37f;
	const uint32_t mxcsr = 0x1f80;

	memset(area, 0, ABI_XSAVE_MIN_SIZE);
	memcpy(area, &control, sizeof(control));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
}

/* -- instructions that an enclave can't run
 * -------------------------------------------------------- */

/*
 * One answer for all machines: what every processor with SGX has (SSE4.2, AES, PCLMULQDQ,
 * RDRAND), and AVX2 if the enclave was signed for AVX. The host's answer would be worth nothing.
 */
static void emulate_cpuid(struct abi_gprsgx *g)
{
	static const char vendor[] = "GenuineIntel";
	const bool avx = trusted_xfrm & 4;
	uint32_t leaf = (uint32_t)g->rax, subleaf = (uint32_t)g->rcx, r[4] = {0};

	switch (leaf) {
	case 0:
		r[0] = 7;
		memcpy(&r[1], vendor, 4);
		memcpy(&r[3], vendor + 4, 4);
		memcpy(&r[2], vendor + 8, 4);
		break;
	case 1:
		r[0] = 0x506e3;
		/* SSE3 PCLMULQDQ SSSE3 CX16 SSE4.1 SSE4.2 MOVBE POPCNT AES RDRAND */
		r[2] = 1u << 0 | 1u << 1 | 1u << 9 | 1u << 13 | 1u << 19 | 1u << 20 | 1u << 22 |
		       1u << 23 | 1u << 25 | 1u << 30;
		if (avx) /* FMA XSAVE OSXSAVE AVX F16C */
			r[2] |= 1u << 12 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 29;
		/* FPU TSC CX8 CMOV CLFSH MMX FXSR SSE SSE2 */
		r[1] = 8u << 8;
		r[3] = 1u << 0 | 1u << 4 | 1u << 8 | 1u << 15 | 1u << 19 | 1u << 23 | 1u << 24 |
		       1u << 25 | 1u << 26;
		break;
	case 7:
		if (subleaf == 0) /* FSGSBASE, SMEP's place stays 0; with AVX: BMI1 AVX2 BMI2 */
			r[1] = 1u << 0 | (avx ? 1u << 3 | 1u << 5 | 1u << 8 : 0);
		break;
	case 0x80000000u:
		r[0] = 0x80000008u;
		break;
	case 0x80000001u:
		r[2] = 1u << 0;		    /* LAHF */
		r[3] = 1u << 20 | 1u << 29; /* NX, long mode */
		break;
	case 0x80000008u:
		r[0] = 48u << 8 | 39;
		break;
	}
	g->rax = r[0];
	g->rbx = r[1];
	g->rcx = r[2];
	g->rdx = r[3];
}

/* No clock: what the last look at the host's said, and always more than before. */
static void emulate_rdtsc(struct abi_gprsgx *g)
{
	uint64_t ticks = time_ticks();

	g->rax = (uint32_t)ticks;
	g->rdx = ticks >> 32;
}

/* Bytes at the instruction pointer; fewer than `size` where the code ends. */
static size_t fetch(uint64_t rip, uint8_t *ret, size_t size)
{
	size_t n = 0;

	while (n < size && memory_protection(rip + n) & PROT_EXEC) {
		ret[n] = *(const uint8_t *)(rip + n);
		n++;
	}
	return n;
}

/* -- frames ---------------------------------------------------------------------------------------
 */

/* The thread goes on in `fn` with a clean state; what it was is kept nowhere. */
static void redirect(struct abi_gprsgx *g, void *fn, uint64_t arg, uint64_t stack_top)
{
	g->rip = (uint64_t)fn;
	g->rdi = arg;
	/* as after a call */
	g->rsp = (stack_top & ~15ull) - 8;
	g->rbp = 0;
	g->rflags = FLAGS_FIXED;
	clean_xsave(interrupted_xsave());
}

static void stop_later(struct abi_gprsgx *g, const char *why)
{
	redirect(g, (void *)trusted_abort, (uint64_t)why,
		 trusted_base() + trusted_page()->stack_top);
}

static void die_later(struct abi_gprsgx *g, int sig)
{
	redirect(g, (void *)signal_die, (uint64_t)sig, trusted_base() + trusted_page()->stack_top);
}

/* Runs where the exception was, outside of the handler. */
static _Noreturn void run_frame(struct trusted_frame *frame)
{
	struct abi_gprsgx *g = &frame->regs;

	if (frame->sig) {
		signal_run_frame(frame);
	} else {
		g->rax =
		    (uint64_t)trusted_syscall((long)g->rax, (long)g->rdi, (long)g->rsi,
					      (long)g->rdx, (long)g->r10, (long)g->r8, (long)g->r9);
		g->rcx = g->rip;
		g->r11 = g->rflags;
	}
	g->rflags = (g->rflags & FLAGS_KEPT) | FLAGS_FIXED;
	trusted_restore(frame);
}

/* False: there is no room for a frame on that stack. */
static bool push_frame(struct abi_gprsgx *g, const struct trusted_frame *what, uint64_t stack)
{
	size_t size = sizeof(*what) + xsave_size();
	struct trusted_frame *frame;

	if (stack < size + 64)
		return false;
	frame = (struct trusted_frame *)((stack - size) & ~63ull);
	/* room for what runs on it, too */
	if (!trusted_writable((uint8_t *)frame - 1024, size + 1024))
		return false;
	memcpy(frame, what, sizeof(*what));
	memcpy(frame->xsave, interrupted_xsave(), size - sizeof(*what));
	redirect(g, (void *)run_frame, (uint64_t)frame, (uint64_t)frame);
	return true;
}

static void raise_signal(struct abi_gprsgx *g, int sig, int code, uint64_t addr, uint32_t error)
{
	struct trusted_frame what = {
	    .regs = *g,
	    .sig = (uint64_t)sig,
	    .code = (uint64_t)code,
	    .addr = addr,
	    .trap = g->exitinfo & ABI_EXITINFO_VECTOR,
	    .error = error,
	};
	struct trusted_thread *self = trusted_self();
	struct trusted_action action;
	uint64_t stack = g->rsp - RED_ZONE;

	if (self->lock_depth) {
		stop_later(g, "the runtime faulted");
		return;
	}
	if (!signal_is_handled(sig, &action)) {
		die_later(g, sig);
		return;
	}
	if (action.flags & SA_ONSTACK && !signal_on_altstack(self, g->rsp) && self->altstack.size)
		stack = self->altstack.sp + self->altstack.size;
	if (!push_frame(g, &what, stack))
		die_later(g, sig);
}

/* -- kinds ----------------------------------------------------------------------------------------
 */

static void invalid_opcode(struct abi_gprsgx *g)
{
	struct trusted_frame what = {.regs = *g};
	uint8_t code[3] = {0};
	size_t n = fetch(g->rip, code, sizeof(code));

	if (n >= 2 && code[0] == 0x0f && code[1] == 0xa2) {
		emulate_cpuid(g);
		g->rip += 2;
	} else if (n >= 2 && code[0] == 0x0f && code[1] == 0x31) {
		emulate_rdtsc(g);
		g->rip += 2;
	} else if (n == 3 && code[0] == 0x0f && code[1] == 0x01 && code[2] == 0xf9) {
		emulate_rdtsc(g); /* RDTSCP */
		g->rcx = 0;
		g->rip += 3;
	} else if (n >= 2 && code[0] == 0x0f && code[1] == 0x05) {
		what.regs.rip += 2;
		if (!push_frame(g, &what, g->rsp - RED_ZONE))
			die_later(g, SIGSEGV);
	} else {
		raise_signal(g, SIGILL, ILL_ILLOPN, g->rip, 0);
	}
}

/* Is it in a page of what the host has given to this thread? */
static bool is_hosts(uint64_t addr)
{
	const struct trusted_thread *self = trusted_self();
	uint64_t page = addr & ~(uint64_t)(ABI_PAGE - 1);
	uint64_t arena = (uint64_t)self->arena, call = (uint64_t)self->ocall;

	return (page + ABI_PAGE > arena && page < arena + self->arena_size) ||
	       (page + ABI_PAGE > call && page < call + sizeof(*self->ocall)) ||
	       ocall_is_borrowed(addr);
}

static void page_fault(struct abi_gprsgx *g)
{
	const struct abi_exinfo *x = (const struct abi_exinfo *)g - 1;
	uint64_t addr = x->maddr;
	int have = memory_protection(addr);
	int need = x->errcd & ABI_PF_FETCH   ? PROT_EXEC
		   : x->errcd & ABI_PF_WRITE ? PROT_WRITE
					     : PROT_READ;

	if (have & need)
		return; /* the page is there: the host has taken it away, and brings it back, or not
			 */
	if (is_hosts(addr)) {
		stop_later(g, "the host has taken its memory away");
		return;
	}
	raise_signal(g, SIGSEGV, have ? SEGV_ACCERR : SEGV_MAPERR, addr, x->errcd);
}

static int float_code(const struct abi_gprsgx *g)
{
	const uint8_t *area = interrupted_xsave();
	uint16_t control, status;
	uint32_t mxcsr, raised;

	memcpy(&control, area, sizeof(control));
	memcpy(&status, area + 2, sizeof(status));
	memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	raised = (g->exitinfo & ABI_EXITINFO_VECTOR) == ABI_VECTOR_XM ? mxcsr & ~(mxcsr >> 7)
								      : status & ~(uint32_t)control;
	if (raised & 1)
		return FPE_FLTINV;
	if (raised & 4)
		return FPE_FLTDIV;
	if (raised & 8)
		return FPE_FLTOVF;
	if (raised & 0x12)
		return FPE_FLTUND;
	return raised & 0x20 ? FPE_FLTRES : FPE_FLTINV;
}

void trusted_exception(void)
{
	struct abi_gprsgx *g = interrupted();
	uint32_t info = g->exitinfo;
	uint64_t edge = g->rip - (uint64_t)trusted_edge;

	if (!(info & ABI_EXITINFO_VALID))
		return;
	if (edge < (uint64_t)(trusted_edge_end - trusted_edge)) {
		const struct abi_exinfo *x = (const struct abi_exinfo *)g - 1;

		/* our own pages there can only be late; anything else isn't ours */
		if ((info & ABI_EXITINFO_VECTOR) != ABI_VECTOR_PF || !memory_protection(x->maddr))
			stop_later(g, "an exception at the enclave's edge");
		g->exitinfo = 0;
		return;
	}
	switch (info & ABI_EXITINFO_VECTOR) {
	case ABI_VECTOR_DE:
		raise_signal(g, SIGFPE, FPE_INTDIV, g->rip, 0);
		break;
	case ABI_VECTOR_DB:
		raise_signal(g, SIGTRAP, TRAP_TRACE, g->rip, 0);
		break;
	case ABI_VECTOR_BP:
		g->rip++; /* the saved one is at the instruction */
		raise_signal(g, SIGTRAP, SI_KERNEL, 0, 0);
		break;
	case ABI_VECTOR_UD:
		invalid_opcode(g);
		break;
	case ABI_VECTOR_PF:
		page_fault(g);
		break;
	case ABI_VECTOR_MF:
	case ABI_VECTOR_XM:
		raise_signal(g, SIGFPE, float_code(g), g->rip, 0);
		break;
	case ABI_VECTOR_AC:
		raise_signal(g, SIGBUS, BUS_ADRALN, 0, 0);
		break;
	default:
		raise_signal(g, SIGSEGV, SI_KERNEL, 0, 0);
	}
	/* done: a second entry for the same exception finds nothing */
	g->exitinfo = 0;
}

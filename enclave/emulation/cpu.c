// SPDX-License-Identifier: MIT
/*
 * Into and out of an enclave: EENTER, EEXIT, AEX, ERESUME as the SDM has them (volume 3D, by their
 * names, and "Enclave Exiting Events").
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "emu.h"

#define FRAME_MAGIC 0x46505853u /* arch/x86/include/uapi/asm/sigcontext.h */

struct emu_counters emu_counters;

static struct abi_tcs *tcs_of(const struct thread *t)
{
	return (struct abi_tcs *)(t->enclave->alias + t->tcs * ABI_PAGE);
}

/* TCS.STATE: the first field of an aligned page, whatever the compiler thinks of packed structures. */
static uint64_t *state_of(struct abi_tcs *tcs)
{
	void *page = tcs;

	_Static_assert(offsetof(struct abi_tcs, state) == 0, "TCS.STATE");
	return page;
}

/* Frame `index` of a TCS in the processor's view; NULL when a page of it isn't fit. */
static uint8_t *ssa_frame(const struct enclave *e, const struct abi_tcs *tcs, uint32_t index,
			  uint64_t *bad_ret)
{
	uint64_t size = (uint64_t)e->secs.ssa_frame_size * ABI_PAGE, at;

	if (__builtin_mul_overflow(size, (uint64_t)index, &at) ||
	    __builtin_add_overflow(at, tcs->ossa, &at) || !base_in_range(at, size, e->secs.size)) {
		*bad_ret = e->secs.base + tcs->ossa;
		return NULL;
	}
	for (uint64_t i = at / ABI_PAGE; i < (at + size) / ABI_PAGE; i++) {
		const struct page *p = &e->pages[i];
		int need = PROT_READ | PROT_WRITE;

		if (!p->valid || p->type != ABI_PT_REG || p->pending || p->modified || e->lost ||
		    (p->perm & need) != need) {
			*bad_ret = e->secs.base + i * ABI_PAGE;
			return NULL;
		}
	}
	return e->alias + at;
}

static struct abi_gprsgx *gpr_of(const struct enclave *e, uint8_t *frame)
{
	return (struct abi_gprsgx *)(frame + (size_t)e->secs.ssa_frame_size * ABI_PAGE -
				     sizeof(struct abi_gprsgx));
}

bool emu_is_canonical(uint64_t addr)
{
	return (uint64_t)((int64_t)(addr << 16) >> 16) == addr;
}

static bool refuse(struct fault *fault, unsigned int vector, uint32_t error, uint64_t addr)
{
	*fault = (struct fault){vector, error, addr};
	return false;
}

/* What an XRSTOR would refuse. */
static bool is_good_xsave(const uint8_t *area, uint64_t xfrm)
{
	const struct abi_xsave_header *h = (const void *)(area + ABI_XSAVE_LEGACY_SIZE);
	uint32_t mxcsr;

	memcpy(&mxcsr, area + 24, sizeof(mxcsr));
	if (h->xstate_bv & ~xfrm || h->xcomp_bv || mxcsr & 0xffff0000u)
		return false;
	for (size_t i = 0; i < sizeof(h->reserved); i++)
		if (h->reserved[i])
			return false;
	return true;
}

static void load_gprs(uint64_t *regs, const struct abi_gprsgx *g)
{
	regs[EMU_RAX] = g->rax;
	regs[EMU_RBX] = g->rbx;
	regs[EMU_RCX] = g->rcx;
	regs[EMU_RDX] = g->rdx;
	regs[EMU_RSI] = g->rsi;
	regs[EMU_RDI] = g->rdi;
	regs[EMU_RBP] = g->rbp;
	regs[EMU_RSP] = g->rsp;
	regs[EMU_R8] = g->r8;
	regs[EMU_R9] = g->r9;
	regs[EMU_R10] = g->r10;
	regs[EMU_R11] = g->r11;
	regs[EMU_R12] = g->r12;
	regs[EMU_R13] = g->r13;
	regs[EMU_R14] = g->r14;
	regs[EMU_R15] = g->r15;
	regs[EMU_RIP] = g->rip;
	/* what user code may change; IOPL and the like stay as they are */
	regs[EMU_RFLAGS] = (g->rflags & 0x244dd5ull) | 0x202;
}

static void store_gprs(struct abi_gprsgx *g, const uint64_t *regs)
{
	g->rax = regs[EMU_RAX];
	g->rbx = regs[EMU_RBX];
	g->rcx = regs[EMU_RCX];
	g->rdx = regs[EMU_RDX];
	g->rsi = regs[EMU_RSI];
	g->rdi = regs[EMU_RDI];
	g->rbp = regs[EMU_RBP];
	g->rsp = regs[EMU_RSP];
	g->r8 = regs[EMU_R8];
	g->r9 = regs[EMU_R9];
	g->r10 = regs[EMU_R10];
	g->r11 = regs[EMU_R11];
	g->r12 = regs[EMU_R12];
	g->r13 = regs[EMU_R13];
	g->r14 = regs[EMU_R14];
	g->r15 = regs[EMU_R15];
	g->rip = regs[EMU_RIP];
	g->rflags = regs[EMU_RFLAGS] & ~EMU_FLAG_TF;
}

static uint64_t next_random(struct thread *t)
{
	t->random = t->random * 6364136223846793005ull + 1442695040888963407ull;
	return t->random >> 16;
}

/* Registers that the convention leaves open, as a hostile host would set them. */
static void spoil_state(struct thread *t, uint64_t *regs)
{
	uint8_t *area = (uint8_t *)t + EMU_XSAVE_OFFSET;
	uint16_t control = 0;
	uint32_t mxcsr = 0; /* all exceptions unmasked */
	struct abi_xsave_header header = {.xstate_bv = ABI_XFRM_LEGACY};

	regs[EMU_R10] = next_random(t);
	regs[EMU_R11] = next_random(t);
	regs[EMU_RFLAGS] |= EMU_FLAG_DF | EMU_FLAG_AC;
	memset(area, 0, ABI_XSAVE_MIN_SIZE);
	memcpy(area, &control, sizeof(control));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	for (size_t i = 160; i < 416; i += 8) { /* XMM registers */
		uint64_t junk = next_random(t);

		memcpy(area + i, &junk, sizeof(junk));
	}
	memcpy(area + ABI_XSAVE_LEGACY_SIZE, &header, sizeof(header));
	t->restore = ABI_XFRM_LEGACY;
}

/*
 * EENTER or ERESUME by `regs`: registers at the instruction, which become those inside. False:
 * *fault was raised and nothing has changed.
 */
static bool enter_checked(struct thread *t, struct enclave *e, uint64_t *regs, bool resume,
			  uint64_t next, struct fault *fault)
{
	uint64_t at = regs[EMU_RBX], bad = 0, none = 0;
	size_t i = (at - e->secs.base) / ABI_PAGE;
	struct page *p = &e->pages[i];
	struct abi_tcs *tcs = (struct abi_tcs *)(e->alias + i * ABI_PAGE);
	uint32_t index;
	struct abi_gprsgx *gpr;
	uint8_t *frame;

	if (!p->valid || p->type != ABI_PT_TCS || p->pending || p->modified || e->lost)
		return refuse(fault, ABI_VECTOR_PF, ABI_PF_USER | ABI_PF_PRESENT | ABI_PF_SGX, at);
	if (!p->mapped)
		return refuse(fault, ABI_VECTOR_PF, ABI_PF_USER, at);
	if (!e->initialized || !emu_is_canonical(regs[EMU_RCX]) || tcs->flags & ~ABI_TCS_DBGOPTIN ||
	    tcs->ossa % ABI_PAGE || tcs->ofsbase % ABI_PAGE || tcs->ogsbase % ABI_PAGE ||
	    !emu_is_canonical(e->secs.base + tcs->oentry))
		return refuse(fault, ABI_VECTOR_GP, 0, 0);
	if (resume ? tcs->cssa == 0 : tcs->cssa >= tcs->nssa)
		return refuse(fault, ABI_VECTOR_GP, 0, 0);
	index = resume ? tcs->cssa - 1 : tcs->cssa;
	frame = ssa_frame(e, tcs, index, &bad);
	if (!frame)
		return refuse(fault, ABI_VECTOR_PF, ABI_PF_USER | ABI_PF_PRESENT | ABI_PF_SGX, bad);
	gpr = gpr_of(e, frame);
	if (resume && (!is_good_xsave(frame, e->secs.attributes.xfrm) || !emu_is_canonical(gpr->rip) ||
		       !emu_is_canonical(gpr->fsbase) || !emu_is_canonical(gpr->gsbase)))
		return refuse(fault, ABI_VECTOR_GP, 0, 0);
	/* one thread at a time */
	if (!__atomic_compare_exchange_n(state_of(tcs), &none, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		return refuse(fault, ABI_VECTOR_GP, 0, 0);
	t->enclave = e;
	t->tcs = i;
	t->aep = tcs->aep = regs[EMU_RCX];
	/* of the frame that the next AEX uses, also on ERESUME: the host may have moved its stack */
	gpr->ursp = regs[EMU_RSP];
	gpr->urbp = regs[EMU_RBP];
	t->restore = 0;
	if (resume) {
		uint64_t size = emu_xsave_size(e->secs.attributes.xfrm);

		memcpy((uint8_t *)t + EMU_XSAVE_OFFSET, frame, size);
		t->restore = e->secs.attributes.xfrm;
		load_gprs(regs, gpr);
		t->enclave_fs = gpr->fsbase;
		t->enclave_gs = gpr->gsbase;
		tcs->cssa--;
		atomic_fetch_add(&emu_counters.resumes, 1);
	} else {
		regs[EMU_RAX] = tcs->cssa;
		regs[EMU_RCX] = next;
		regs[EMU_RIP] = e->secs.base + tcs->oentry;
		t->enclave_fs = e->secs.base + tcs->ofsbase;
		t->enclave_gs = e->secs.base + tcs->ogsbase;
		atomic_fetch_add(&emu_counters.enters, 1);
		if (emu_modes() & EMULATION_FAULT)
			spoil_state(t, regs);
	}
	regs[EMU_RFLAGS] &= ~EMU_FLAG_TF;
	if (emu_modes() & EMULATION_STEP)
		regs[EMU_RFLAGS] |= EMU_FLAG_TF;
	return true;
}

bool emu_enter(struct thread *t, uint64_t *regs, uint64_t next, struct fault *fault)
{
	bool resume = (uint32_t)regs[EMU_RAX] == ABI_ERESUME;
	struct enclave *e;

	if (regs[EMU_RBX] % ABI_PAGE)
		return refuse(fault, ABI_VECTOR_GP, 0, 0);
	e = emu_find(regs[EMU_RBX]);
	if (!e)
		return refuse(fault, ABI_VECTOR_PF, ABI_PF_USER, regs[EMU_RBX]);
	if ((emu_modes() & EMULATION_FAULT) && !resume && next_random(t) % 4 == 0)
		emu_page_out(e);
	emu_reveal(e);
	if (enter_checked(t, e, regs, resume, next, fault))
		return true;
	emu_conceal(e);
	return false;
}

void emu_tell_fault(uint64_t *regs, const struct fault *fault)
{
	regs[EMU_RIP] = (uint64_t)emu_exception;
	regs[EMU_RDI] = fault->vector;
	regs[EMU_RSI] = fault->error;
	regs[EMU_RDX] = fault->addr;
}

/* Called by entry.S in place of ENCLU: 1 when t->regs are the enclave's, 0 when the host's. */
uint64_t emu_direct(struct thread *t)
{
	struct fault fault;

	if (t->regs[EMU_RSP] - (uint64_t)t < EMU_BLOCK_SIZE) {
		fputs("scwatcher: an enclave can't be entered from a signal handler\n", stderr);
		abort();
	}
	if (emu_globals.fsgsbase) {
		__asm__("rdfsbase %0" : "=r"(t->host_fs));
		__asm__("rdgsbase %0" : "=r"(t->host_gs));
	}
	if (emu_enter(t, t->regs, (uint64_t)emu_exited, &fault))
		return 1;
	emu_tell_fault(t->regs, &fault);
	return 0;
}

void emu_leave(struct thread *t)
{
	struct enclave *e = t->enclave;

	__atomic_store_n(state_of(tcs_of(t)), 0, __ATOMIC_RELEASE);
	t->inside = 0;
	t->enclave = NULL;
	emu_conceal(e);
}

/* The enclave's extended state out of a signal frame, which gets the initial state instead. */
static void save_xsave(const struct enclave *e, ucontext_t *uc, uint8_t *frame)
{
	uint8_t *area = (uint8_t *)uc->uc_mcontext.fpregs;
	uint64_t xfrm = e->secs.attributes.xfrm;
	size_t size = emu_xsave_size(xfrm);
	struct abi_xsave_header header = {.xstate_bv = ABI_XFRM_LEGACY};
	uint32_t magic, frame_size, mxcsr = 0x1f80;

	memcpy(frame, area, 464);
	memcpy(&magic, area + 464, sizeof(magic));
	memcpy(&frame_size, area + 480, sizeof(frame_size));
	if (magic == FRAME_MAGIC && frame_size >= ABI_XSAVE_MIN_SIZE) {
		memcpy(&header, area + ABI_XSAVE_LEGACY_SIZE, sizeof(header));
		if (size > frame_size)
			size = frame_size;
		memcpy(frame + ABI_XSAVE_MIN_SIZE, area + ABI_XSAVE_MIN_SIZE,
		       size - ABI_XSAVE_MIN_SIZE);
	}
	header.xstate_bv &= xfrm;
	header.xcomp_bv = 0;
	memset(header.reserved, 0, sizeof(header.reserved));
	memcpy(frame + ABI_XSAVE_LEGACY_SIZE, &header, sizeof(header));
	memcpy(area + 24, &mxcsr, sizeof(mxcsr));
	if (magic == FRAME_MAGIC) {
		memcpy(&header, area + ABI_XSAVE_LEGACY_SIZE, sizeof(header));
		header.xstate_bv &= ~xfrm;
		memcpy(area + ABI_XSAVE_LEGACY_SIZE, &header, sizeof(header));
	}
}

static bool is_reported(const struct enclave *e, unsigned int vector)
{
	switch (vector) {
	case ABI_VECTOR_DE:
	case ABI_VECTOR_DB:
	case ABI_VECTOR_BP:
	case ABI_VECTOR_BR:
	case ABI_VECTOR_UD:
	case ABI_VECTOR_MF:
	case ABI_VECTOR_AC:
	case ABI_VECTOR_XM:
		return true;
	case ABI_VECTOR_GP:
	case ABI_VECTOR_PF:
		return e->secs.miscselect & ABI_MISC_EXINFO;
	}
	return false;
}

/* An AEX; `fault` is NULL for one that isn't the enclave's doing. `regs` become the host's. */
void emu_aex(struct thread *t, ucontext_t *uc, uint64_t *regs, const struct fault *fault)
{
	struct enclave *e = t->enclave;
	struct abi_tcs *tcs = tcs_of(t);
	uint64_t bad, tcs_addr = e->secs.base + t->tcs * ABI_PAGE;
	uint8_t *frame = ssa_frame(e, tcs, tcs->cssa, &bad);
	uint64_t flags = regs[EMU_RFLAGS];
	struct abi_gprsgx *gpr;
	uint64_t ursp, urbp;

	if (!frame) {
		/* lost while inside; what is saved is never resumed, only the outside counts */
		frame = e->alias + tcs->ossa +
			(uint64_t)tcs->cssa * e->secs.ssa_frame_size * ABI_PAGE;
	}
	gpr = gpr_of(e, frame);
	ursp = gpr->ursp;
	urbp = gpr->urbp;
	save_xsave(e, uc, frame);
	store_gprs(gpr, regs);
	gpr->fsbase = t->live_fs;
	gpr->gsbase = t->live_gs;
	gpr->exitinfo = 0;
	if (fault && is_reported(e, fault->vector))
		gpr->exitinfo = ABI_EXITINFO_VALID | fault->vector |
				(fault->vector == ABI_VECTOR_BP ? ABI_EXITINFO_SOFTWARE
								: ABI_EXITINFO_HARDWARE)
					<< ABI_EXITINFO_TYPE_SHIFT;
	if (fault && (fault->vector == ABI_VECTOR_PF || fault->vector == ABI_VECTOR_GP) &&
	    (e->secs.miscselect & ABI_MISC_EXINFO)) {
		struct abi_exinfo *x = (struct abi_exinfo *)gpr - 1;

		*x = (struct abi_exinfo){
			.maddr = fault->vector == ABI_VECTOR_PF ? fault->addr : 0,
			.errcd = fault->error,
		};
	}
	tcs->cssa++;
	atomic_fetch_add(&emu_counters.aexs, 1);
	memset(regs, 0, EMU_REG_COUNT * sizeof(*regs));
	regs[EMU_RAX] = ABI_ERESUME;
	regs[EMU_RBX] = tcs_addr;
	regs[EMU_RCX] = t->aep;
	regs[EMU_RIP] = t->aep;
	regs[EMU_RSP] = ursp;
	regs[EMU_RBP] = urbp;
	regs[EMU_RFLAGS] = flags & ~(EMU_FLAGS_STATUS | EMU_FLAG_RF | EMU_FLAG_TF);
	emu_leave(t);
}

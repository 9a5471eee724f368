// SPDX-License-Identifier: MIT
/*
 * What makes an emulated processor go: signals. Entering from emulation_enter() is a jump; all else
 * comes as a signal. ENCLU raises #UD on a processor without SGX and comes as SIGILL; faults come as
 * the signals that Linux makes of them; a system call of the enclave's comes as SIGSYS by syscall
 * user dispatch. Here are also the threads' blocks, and the program's own handlers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/checked.h"
#include "emu.h"

#ifndef PR_SET_SYSCALL_USER_DISPATCH
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SYS_DISPATCH_OFF 0
#define PR_SYS_DISPATCH_ON 1
#endif
#define SA_RESTORER_FLAG 0x04000000ul
#define HWCAP2_FSGSBASE_BIT 2ul
#define ARCH_GET_FS 0x1003
#define ARCH_GET_GS 0x1004
#define SIGNAL_COUNT 65

struct emu_globals emu_globals;
struct emu_calls emu_real = {mmap, mprotect, munmap, close, sigaction, getauxval};
__thread struct thread *emu_thread __attribute__((tls_model("initial-exec")));

static unsigned int modes, features;
static bool prepared;
static pthread_mutex_t prepare_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_key_t thread_key;
static atomic_uchar slots[EMU_BLOCK_COUNT];

/* What the program wants done with each signal. */
static struct sigaction actions[SIGNAL_COUNT];

/* Raised by the processor; the emulation's whatever the program wants. */
static const int own_signals[] = {SIGILL, SIGSEGV, SIGBUS, SIGFPE, SIGTRAP, SIGSYS};

/* As the system call has it. */
struct kernel_action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

unsigned int emu_modes(void)
{
	return modes;
}

unsigned int emulation_features(void)
{
	return features;
}

void emulation_count(struct emulation_counts *ret)
{
	*ret = (struct emulation_counts){
		.enters = emu_counters.enters,
		.exits = emu_counters.exits,
		.aexs = emu_counters.aexs,
		.resumes = emu_counters.resumes,
		.exceptions = emu_counters.exceptions,
		.pages_lost = emu_counters.pages_lost,
	};
}

static void install(int sig, const struct sigaction *wish)
{
	struct kernel_action act = {
		.handler = emu_trap,
		.flags = SA_SIGINFO | SA_ONSTACK | SA_RESTORER_FLAG,
		.restorer = emu_restorer,
		.mask = ~0ull,
	};

	if (wish)
		act.flags |= (unsigned int)wish->sa_flags &
			     (SA_RESTART | SA_NOCLDSTOP | SA_NOCLDWAIT);
	syscall(SYS_rt_sigaction, sig, &act, NULL, sizeof(act.mask));
}

static bool is_own(int sig)
{
	for (size_t i = 0; i < BASE_COUNT(own_signals); i++)
		if (own_signals[i] == sig)
			return true;
	return false;
}

int emulation_sigaction(int sig, const struct sigaction *act, struct sigaction *old)
{
	struct sigaction before;

	if (sig <= 0 || sig >= SIGNAL_COUNT) {
		errno = EINVAL;
		return -1;
	}
	if (!is_own(sig) && actions[sig].sa_handler == SIG_DFL) {
		/* not ours yet: what it is now may have been inherited */
		if (emu_real.sigaction(sig, NULL, &before))
			return -1;
	} else {
		before = actions[sig];
	}
	if (act) {
		bool handled = act->sa_handler != SIG_DFL && act->sa_handler != SIG_IGN;

		actions[sig] = *act;
		if (is_own(sig) || handled) {
			install(sig, act);
		} else {
			actions[sig].sa_handler = SIG_DFL;
			if (emu_real.sigaction(sig, act, NULL))
				return -1;
		}
	}
	if (old)
		*old = before;
	return 0;
}

/* In a new process syscall user dispatch is off. */
static void rearm(void)
{
	struct thread *t = emu_thread;

	if (t && (features & EMULATION_TRAPS_SYSCALLS))
		prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, emu_text,
		      emu_text_end - emu_text, &t->selector);
}

static void detach(void *block)
{
	struct thread *t = block;
	stack_t off = {.ss_flags = SS_DISABLE};

	if (features & EMULATION_TRAPS_SYSCALLS)
		prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0);
	sigaltstack(&off, NULL);
	emu_thread = NULL;
	atomic_store(&slots[((uint64_t)t - emu_globals.arena) / EMU_BLOCK_SIZE], 0);
}

/* A block for this thread; not yet its signal stack. */
static struct thread *new_thread(stack_t *stack_ret)
{
	struct thread *t = NULL;

	for (size_t i = 0; i < EMU_BLOCK_COUNT && !t; i++) {
		unsigned char none = 0;

		if (atomic_compare_exchange_strong(&slots[i], &none, 1))
			t = (struct thread *)(emu_globals.arena + i * EMU_BLOCK_SIZE);
	}
	if (!t) {
		fputs("scwatcher: more threads in enclaves than the emulation has room for\n",
		      stderr);
		abort();
	}
	memset(t, 0, sizeof(*t));
	t->random = (uint64_t)t;
	t->stub = (uint64_t)t + EMU_STUB_OFFSET;
	if (*(const char *)t->stub == 0) {
		/* a block that wasn't used before */
		memcpy((void *)t->stub, emu_stub, (size_t)(emu_stub_end - emu_stub));
		if (emu_real.mprotect((void *)t->stub, ABI_PAGE, PROT_READ | PROT_EXEC)) {
			perror("scwatcher: the emulation can't have a page of code");
			abort();
		}
	}
	syscall(SYS_arch_prctl, ARCH_GET_FS, &t->host_fs);
	syscall(SYS_arch_prctl, ARCH_GET_GS, &t->host_gs);
	emu_thread = t;
	rearm();
	pthread_setspecific(thread_key, t);
	*stack_ret = (stack_t){.ss_sp = (char *)t + EMU_STACK_OFFSET,
			       .ss_size = EMU_BLOCK_SIZE - EMU_STACK_OFFSET};
	return t;
}

void emu_attach(void)
{
	struct err_ctx err = {0};
	stack_t stack;
	char text[300];

	if (emulation_prepare(modes, &err)) {
		fprintf(stderr, "scwatcher: %s\n", err_describe(&err, text, sizeof(text)));
		abort();
	}
	new_thread(&stack);
	sigaltstack(&stack, NULL);
}

enum err emulation_parse_modes(const char *text, unsigned int *ret, struct err_ctx *err)
{
	static const struct {
		const char *name;
		unsigned int mode;
	} names[] = {{"plain", 0},
		     {"hide", EMULATION_HIDE},
		     {"step", EMULATION_STEP},
		     {"fault", EMULATION_FAULT},
		     {"sgx1", EMULATION_SGX1}};
	unsigned int all = 0;

	for (;;) {
		size_t n = strcspn(text, ","), i = 0;

		while (i < BASE_COUNT(names) &&
		       (strlen(names[i].name) != n || strncmp(names[i].name, text, n) != 0))
			i++;
		if (i == BASE_COUNT(names))
			return err_set(err, ERR_INVAL,
				       "no such mode of the emulation: '%.*s'; there are plain, hide, "
				       "step, fault, sgx1", (int)n, text);
		all |= names[i].mode;
		if (!text[n])
			break;
		text += n + 1;
	}
	*ret = all;
	return ERR_OK;
}

static enum err prepare(struct err_ctx *err)
{
	size_t size = (size_t)EMU_BLOCK_SIZE * (EMU_BLOCK_COUNT + 1);
	enum err e = measure_prepare(err);
	uint64_t at;
	void *p;

	if (e)
		return e;
	if (!(emu_xcr0() & ABI_XFRM_LEGACY))
		return err_set(err, ERR_UNSUPPORTED, "the processor has no XSAVE");
	p = emu_real.mmap(NULL, size, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return err_set_errno(err, ERR_NOMEM, errno, "no memory for the emulation");
	at = ((uint64_t)p + EMU_BLOCK_SIZE - 1) & ~(uint64_t)(EMU_BLOCK_SIZE - 1);
	emu_globals.arena = at;
	emu_globals.fsgsbase = emu_real.getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT;
	if (emu_globals.fsgsbase)
		features |= EMULATION_FSGSBASE;
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) == 0)
		features |= EMULATION_TRAPS_SYSCALLS;
	if (pthread_key_create(&thread_key, detach) || pthread_atfork(NULL, NULL, rearm))
		return err_set(err, ERR_NOMEM, "no thread key for the emulation");
	for (size_t i = 0; i < BASE_COUNT(own_signals); i++) {
		emu_real.sigaction(own_signals[i], NULL, &actions[own_signals[i]]);
		install(own_signals[i], &actions[own_signals[i]]);
	}
	prepared = true;
	return ERR_OK;
}

enum err emulation_prepare(unsigned int wish, struct err_ctx *err)
{
	enum err e = ERR_OK;

	pthread_mutex_lock(&prepare_lock);
	if (!prepared)
		e = prepare(err);
	if (!e && wish != modes && emu_any_open())
		e = err_set(err, ERR_INVAL,
			    "the emulation's mode can't change while an enclave is open");
	if (!e)
		modes = wish;
	pthread_mutex_unlock(&prepare_lock);
	return e;
}

/* The program's own answer to a signal. */
static void deliver(int sig, siginfo_t *info, void *uc)
{
	struct sigaction act = actions[sig];

	if (act.sa_handler == SIG_DFL || (act.sa_handler == SIG_IGN && info->si_code > 0)) {
		struct sigaction deadly = {.sa_handler = SIG_DFL};

		/* pending until the handler returns, then it kills */
		emu_real.sigaction(sig, &deadly, NULL);
		syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), sig);
		return;
	}
	if (act.sa_handler == SIG_IGN)
		return;
	if (act.sa_flags & SA_RESETHAND)
		actions[sig].sa_handler = SIG_DFL;
	if (act.sa_flags & SA_SIGINFO)
		act.sa_sigaction(sig, info, uc);
	else
		act.sa_handler(sig);
}

static bool is_enclu(const struct enclave *e, uint64_t rip)
{
	static const uint8_t enclu[] = {0x0f, 0x01, 0xd7};
	uint64_t offset;

	if (!e)
		return memcmp((const void *)rip, enclu, sizeof(enclu)) == 0;
	offset = rip - e->secs.base;
	if (offset >= e->secs.size)
		return memcmp((const void *)rip, enclu, sizeof(enclu)) == 0;
	/* the processor's view: the page needn't be readable inside */
	return base_in_range(offset, sizeof(enclu), e->secs.size) &&
	       memcmp(e->alias + offset, enclu, sizeof(enclu)) == 0;
}

/* Raised by the processor, not sent by somebody. */
static bool is_trap(int sig, const siginfo_t *info)
{
	return is_own(sig) && info->si_code > 0;
}

/*
 * Classify a page fault inside. False: it is gone already, or was a page out that is back; the
 * enclave just goes on.
 */
static bool page_fault(struct enclave *e, uint64_t addr, uint32_t hardware, struct fault *fault)
{
	uint64_t offset = addr - e->secs.base;
	uint32_t kind = hardware & (ABI_PF_WRITE | ABI_PF_FETCH);
	int need = hardware & ABI_PF_FETCH   ? PROT_EXEC
		   : hardware & ABI_PF_WRITE ? PROT_WRITE
					     : PROT_READ;
	struct page *p;
	bool raised = true;

	/* the enclave learns the page only (SDM: "the low 12 bits are cleared") */
	*fault = (struct fault){ABI_VECTOR_PF, hardware & 0xffff, addr & ~(uint64_t)(ABI_PAGE - 1)};
	if (offset >= e->secs.size)
		return true;
	pthread_mutex_lock(&e->lock);
	p = &e->pages[offset / ABI_PAGE];
	if (p->out && p->valid && !e->lost) {
		p->out = false;
		emu_apply(e, offset / ABI_PAGE, 1);
		raised = false;
	} else if (!p->mapped) {
		fault->error = ABI_PF_USER | kind;
	} else if (!(p->vma_prot & need)) {
		fault->error = ABI_PF_USER | ABI_PF_PRESENT | kind;
	} else if (!p->valid && !emu_augment(e, offset / ABI_PAGE)) {
		fault->error = ABI_PF_USER | kind |
			       (e->lost ? ABI_PF_PRESENT | ABI_PF_SGX : 0);
	} else if (p->type != ABI_PT_REG || p->pending || p->modified || e->lost ||
		   !(p->perm & need)) {
		fault->error = ABI_PF_USER | ABI_PF_PRESENT | ABI_PF_SGX | kind;
	} else {
		raised = false; /* another thread was faster */
	}
	pthread_mutex_unlock(&e->lock);
	return raised;
}

/* After an AEX by an exception: as Linux fixes it up at its own entry point, or a signal. */
static void tell_exception(int sig, siginfo_t *info, ucontext_t *uc, uint64_t *regs,
			   const struct fault *fault)
{
	atomic_fetch_add(&emu_counters.exceptions, 1);
	if (regs[EMU_RIP] == (uint64_t)emu_exit_point && fault->vector != ABI_VECTOR_DB &&
	    fault->vector != ABI_VECTOR_BP)
		emu_tell_fault(regs, fault);
	else
		deliver(sig, info, uc);
}

/* ENCLU inside. True: go on inside. */
static bool enclu_inside(struct thread *t, uint64_t *regs, struct fault *fault, bool *raised_ret)
{
	*raised_ret = false;
	if ((uint32_t)regs[EMU_RAX] == ABI_EEXIT) {
		if (!emu_is_canonical(regs[EMU_RBX])) {
			*raised_ret = true;
			*fault = (struct fault){ABI_VECTOR_GP, 0, 0};
			return false;
		}
		regs[EMU_RIP] = regs[EMU_RBX];
		regs[EMU_RCX] = t->aep;
		regs[EMU_RFLAGS] &= ~EMU_FLAG_TF;
		atomic_fetch_add(&emu_counters.exits, 1);
		emu_leave(t);
		return false;
	}
	if (!emu_leaf(t->enclave, regs, fault)) {
		*raised_ret = true;
		return false;
	}
	regs[EMU_RIP] += 3;
	return true;
}

/* What a trap inside is. False: not an exception, the enclave just goes on later. */
static bool exception_of(struct thread *t, int sig, const ucontext_t *uc, uint64_t *regs,
			 struct fault *fault)
{
	uint64_t vector = (uint64_t)uc->uc_mcontext.gregs[REG_TRAPNO];
	uint32_t error = (uint32_t)uc->uc_mcontext.gregs[REG_ERR];

	switch (sig) {
	case SIGSYS:
		/* the kernel has stepped over the instruction, two bytes with all of them */
		regs[EMU_RIP] -= 2;
		*fault = (struct fault){ABI_VECTOR_UD, 0, 0};
		return true;
	case SIGILL:
		*fault = (struct fault){ABI_VECTOR_UD, 0, 0};
		return true;
	case SIGTRAP:
		if (vector == ABI_VECTOR_BP) {
			regs[EMU_RIP] -= 1; /* a fault, not a trap, inside */
			*fault = (struct fault){ABI_VECTOR_BP, 0, 0};
			return true;
		}
		if (modes & EMULATION_STEP)
			return false;
		*fault = (struct fault){ABI_VECTOR_DB, 0, 0};
		return true;
	case SIGSEGV:
	case SIGBUS:
		if (vector == ABI_VECTOR_PF)
			return page_fault(t->enclave, (uint64_t)uc->uc_mcontext.gregs[REG_CR2],
					  error, fault);
		break;
	}
	*fault = (struct fault){(unsigned int)vector, error, 0};
	return true;
}

static struct thread *event_inside(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t)
{
	uint64_t *regs = (uint64_t *)uc->uc_mcontext.gregs;
	uint64_t window = (uint64_t)emu_window_end - (uint64_t)emu_window;
	struct fault fault;
	bool raised;

	if (regs[EMU_RIP] - (uint64_t)emu_window < window || regs[EMU_RIP] - t->stub < ABI_PAGE) {
		/* on the way in: the state is complete, only not loaded */
		memcpy(regs, t->regs, sizeof(t->regs));
		t->live_fs = t->enclave_fs;
		t->live_gs = t->enclave_gs;
		/* a single step on the way is none inside: the return is what gets there */
		if (sig == SIGTRAP && is_trap(sig, info))
			return t;
	}
	t->enclave_fs = t->live_fs;
	t->enclave_gs = t->live_gs;
	if (!is_trap(sig, info)) {
		emu_aex(t, uc, regs, NULL);
		deliver(sig, info, uc);
		return NULL;
	}
	/* a processor that has SGX raises #GP instead of #UD */
	if ((sig == SIGILL ||
	     (sig == SIGSEGV && uc->uc_mcontext.gregs[REG_TRAPNO] == ABI_VECTOR_GP)) &&
	    is_enclu(t->enclave, regs[EMU_RIP])) {
		if (enclu_inside(t, regs, &fault, &raised))
			return t;
		if (!raised)
			return NULL;
	} else if (!exception_of(t, sig, uc, regs, &fault)) {
		emu_aex(t, uc, regs, NULL);
		return NULL;
	}
	emu_aex(t, uc, regs, &fault);
	tell_exception(sig, info, uc, regs, &fault);
	return NULL;
}

/* ENCLU executed outside, by an entry function that isn't ours. */
static struct thread *enclu_outside(siginfo_t *info, ucontext_t *uc, struct thread *t)
{
	uint64_t *regs = (uint64_t *)uc->uc_mcontext.gregs;
	uint32_t leaf = (uint32_t)regs[EMU_RAX];
	struct fault fault;

	/* leaves that only run inside */
	if (leaf != ABI_EENTER && leaf != ABI_ERESUME) {
		uc->uc_mcontext.gregs[REG_TRAPNO] = ABI_VECTOR_GP;
		deliver(SIGSEGV, info, uc);
		return NULL;
	}
	if (!t)
		t = emu_thread;
	if (!t) {
		/* sigaltstack() would be undone by the return */
		t = new_thread(&uc->uc_stack);
	}
	if (emu_globals.fsgsbase) {
		__asm__("rdfsbase %0" : "=r"(t->host_fs));
		__asm__("rdgsbase %0" : "=r"(t->host_gs));
	}
	if (!emu_enter(t, regs, regs[EMU_RIP] + 3, &fault)) {
		uc->uc_mcontext.gregs[REG_TRAPNO] = fault.vector;
		uc->uc_mcontext.gregs[REG_ERR] = fault.error;
		deliver(SIGSEGV, info, uc);
		return NULL;
	}
	if (t->restore) {
		/* the frame is what will be loaded */
		uint8_t *area = (uint8_t *)uc->uc_mcontext.fpregs;
		uint8_t *saved = (uint8_t *)t + EMU_XSAVE_OFFSET;
		struct abi_xsave_header mine, theirs;
		size_t size = emu_xsave_size(t->restore);

		memcpy(&mine, saved + ABI_XSAVE_LEGACY_SIZE, sizeof(mine));
		memcpy(&theirs, area + ABI_XSAVE_LEGACY_SIZE, sizeof(theirs));
		memcpy(area, saved, 464);
		memcpy(area + ABI_XSAVE_MIN_SIZE, saved + ABI_XSAVE_MIN_SIZE,
		       size - ABI_XSAVE_MIN_SIZE);
		theirs.xstate_bv = (theirs.xstate_bv & ~t->restore) | mine.xstate_bv;
		memcpy(area + ABI_XSAVE_LEGACY_SIZE, &theirs, sizeof(theirs));
	}
	return t;
}

/* Called by entry.S with the host's FS and GS. Returns the thread if it goes on inside. */
struct thread *emu_trap_event(int sig, siginfo_t *info, ucontext_t *uc, struct thread *t)
{
	int saved_errno = errno;

	if (t && t->inside) {
		t = event_inside(sig, info, uc, t);
	} else if (is_trap(sig, info) &&
		   (sig == SIGILL ||
		    (sig == SIGSEGV && uc->uc_mcontext.gregs[REG_TRAPNO] == ABI_VECTOR_GP)) &&
		   is_enclu(NULL, (uint64_t)uc->uc_mcontext.gregs[REG_RIP])) {
		t = enclu_outside(info, uc, t);
	} else {
		deliver(sig, info, uc);
		t = NULL;
	}
	errno = saved_errno;
	return t;
}

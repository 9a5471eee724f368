// SPDX-License-Identifier: MIT
/*
 * Signals. There are two kinds: those that the program's own instructions raise come from
 * exception.c, with a frame; all others wait for a safe point, the end of a system call, where
 * handlers are called like functions. So a handler never interrupts the runtime.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "cpu.h"
#include "trusted/ocall.h"
#include "trusted/program.h"

#define SIGNALS	      64
#define BIT(sig)      (1ull << ((sig)-1))
#define NEVER_BLOCKED (BIT(SIGKILL) | BIT(SIGSTOP))
/* what a host may send: what a terminal, a timer and a user's kill do */
#define FROM_HOST                                                                                  \
	(BIT(SIGHUP) | BIT(SIGINT) | BIT(SIGQUIT) | BIT(SIGUSR1) | BIT(SIGUSR2) | BIT(SIGALRM) |   \
	 BIT(SIGTERM) | BIT(SIGCONT) | BIT(SIGTSTP) | BIT(SIGWINCH))
/* nobody here to stop for */
#define IGNORED                                                                                    \
	(BIT(SIGCHLD) | BIT(SIGURG) | BIT(SIGWINCH) | BIT(SIGCONT) | BIT(SIGTSTP) | BIT(SIGTTIN) | \
	 BIT(SIGTTOU) | BIT(SIGSTOP))
#define MASK_SIZE      8
#define STACK_DISABLED 2
#define STACK_ON       1
#define MIN_STACK      2048u
#define SECOND	       1000000000ull

/* The kernel's siginfo_t and ucontext as far as they are filled; with a C library's room after the
 * mask. */
struct info {
	int32_t sig, err, code, pad;
	uint64_t value; /* si_addr, or si_pid and si_uid */
	uint64_t rest[13];
};
_Static_assert(sizeof(struct info) == 128, "siginfo_t");

struct context {
	uint64_t flags, link;
	struct trusted_stack stack;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint64_t segments, err, trap, old_mask, cr2, fpstate, reserved[8];
	uint64_t mask[16];
	uint64_t room[64];
};
_Static_assert(offsetof(struct context, mask) == 296, "ucontext");

typedef void (*handler)(int sig, struct info *info, struct context *context);

static struct trusted_lock lock;
static struct trusted_action actions[2][SIGNALS + 1]; /* the second: of another program that runs */
static uint32_t generation; /* of `actions`; odd while one changes */
static uint64_t shared;	    /* pending for the process */
static uint64_t *host_word; /* in the host's memory */
static uint64_t timer_interval, timer_value;

void signal_init(uint64_t *untrusted)
{
	host_word = untrusted;
	trusted_self()->altstack.flags = STACK_DISABLED;
}

/* Without the lock: exception.c mustn't wait for it. */
static struct trusted_action action_of(int sig)
{
	struct trusted_action a;
	uint32_t before;

	do {
		before = __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
		a = actions[trusted_in_child()][sig];
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
	} while (before % 2 || before != __atomic_load_n(&generation, __ATOMIC_RELAXED));
	return a;
}

static void set_action(int sig, const struct trusted_action *act)
{
	trusted_lock(&lock);
	__atomic_fetch_add(&generation, 1, __ATOMIC_ACQ_REL);
	actions[trusted_in_child()][sig] = *act;
	__atomic_fetch_add(&generation, 1, __ATOMIC_RELEASE);
	trusted_unlock(&lock);
}

static bool is_ignored(int sig)
{
	uint64_t h = action_of(sig).handler;

	return h == (uint64_t)SIG_IGN || (h == (uint64_t)SIG_DFL && (IGNORED & BIT(sig)));
}

bool signal_is_handled(int sig, struct trusted_action *ret)
{
	*ret = action_of(sig);
	return ret->handler > (uint64_t)SIG_IGN && !(trusted_self()->blocked & BIT(sig));
}

bool signal_on_altstack(const struct trusted_thread *self, uint64_t sp)
{
	return !(self->altstack.flags & STACK_DISABLED) &&
	       sp - self->altstack.sp <= self->altstack.size;
}

void trusted_die(int sig)
{
	trusted_end(128 + sig, sig);
}

__attribute__((weak)) bool trusted_child_dies(int sig)
{
	(void)sig;
	return false;
}

void signal_die(int sig)
{
	(void)trusted_child_dies(sig);
	trusted_die(sig);
}

/* -- another program
 * ---------------------------------------------------------------------------------- */

void trusted_child_begin(struct trusted_aside *ret)
{
	struct trusted_thread *self = trusted_self();

	*ret = (struct trusted_aside){self->blocked, self->altstack, self->clear_tid};
	memcpy(actions[1], actions[0], sizeof(actions[1]));
	self->in_child = true;
}

void trusted_child_exec(void)
{
	for (int sig = 1; sig <= SIGNALS; sig++)
		if (action_of(sig).handler != (uint64_t)SIG_IGN)
			set_action(sig, &(struct trusted_action){0});
	trusted_self()->altstack = (struct trusted_stack){.flags = STACK_DISABLED};
	trusted_self()->clear_tid = NULL;
}

void trusted_child_end(const struct trusted_aside *from)
{
	struct trusted_thread *self = trusted_self();

	self->in_child = false;
	self->suspended = false;
	self->blocked = from->blocked;
	self->altstack = from->altstack;
	self->clear_tid = from->clear_tid;
}

void trusted_child_save(struct trusted_child *ret)
{
	struct trusted_thread *self = trusted_self();

	memcpy(ret->actions, actions[1], sizeof(ret->actions));
	ret->blocked = self->blocked;
	ret->altstack = self->altstack;
	ret->clear_tid = self->clear_tid;
	ret->pending = __atomic_exchange_n(&shared, 0, __ATOMIC_ACQ_REL) |
		       __atomic_exchange_n(&self->pending, 0, __ATOMIC_ACQ_REL);
}

void trusted_child_load(const struct trusted_child *from)
{
	struct trusted_thread *self = trusted_self();

	memcpy(actions[1], from->actions, sizeof(from->actions));
	self->blocked = from->blocked;
	self->altstack = from->altstack;
	self->clear_tid = from->clear_tid;
	__atomic_fetch_or(&shared, from->pending, __ATOMIC_ACQ_REL);
}

__attribute__((weak)) uint64_t trusted_child_signals(uint64_t came)
{
	return came;
}

/* -- running handlers
 * --------------------------------------------------------------------------------- */

static void run_handler(int sig, const struct trusted_action *a, struct info *info,
			struct context *context, uint64_t mask_after)
{
	struct trusted_thread *self = trusted_self();

	if (a->flags & SA_RESETHAND)
		set_action(sig, &(struct trusted_action){0});
	context->mask[0] = mask_after;
	context->stack = self->altstack;
	self->blocked =
	    (self->blocked | a->mask | (a->flags & SA_NODEFER ? 0 : BIT(sig))) & ~NEVER_BLOCKED;
	((handler)a->handler)(sig, info, context);
	/* what it left there counts, as at sigreturn */
	self->blocked = context->mask[0] & ~NEVER_BLOCKED;
}

void signal_run_frame(struct trusted_frame *frame)
{
	struct abi_gprsgx *g = &frame->regs;
	int sig = (int)frame->sig;
	struct info info = {.sig = sig, .code = (int)frame->code, .value = frame->addr};
	struct context c = {
	    .r8 = g->r8,
	    .r9 = g->r9,
	    .r10 = g->r10,
	    .r11 = g->r11,
	    .r12 = g->r12,
	    .r13 = g->r13,
	    .r14 = g->r14,
	    .r15 = g->r15,
	    .rdi = g->rdi,
	    .rsi = g->rsi,
	    .rbp = g->rbp,
	    .rbx = g->rbx,
	    .rdx = g->rdx,
	    .rax = g->rax,
	    .rcx = g->rcx,
	    .rsp = g->rsp,
	    .rip = g->rip,
	    .rflags = g->rflags,
	    .err = frame->error,
	    .trap = frame->trap,
	    .cr2 = frame->addr,
	    .fpstate = (uint64_t)frame->xsave,
	};
	struct trusted_action a = action_of(sig);

	if (a.handler <= (uint64_t)SIG_IGN)
		signal_die(sig); /* changed since */
	run_handler(sig, &a, &info, &c, trusted_self()->blocked);
	g->r8 = c.r8;
	g->r9 = c.r9;
	g->r10 = c.r10;
	g->r11 = c.r11;
	g->r12 = c.r12;
	g->r13 = c.r13;
	g->r14 = c.r14;
	g->r15 = c.r15;
	g->rdi = c.rdi;
	g->rsi = c.rsi;
	g->rbp = c.rbp;
	g->rbx = c.rbx;
	g->rdx = c.rdx;
	g->rax = c.rax;
	g->rcx = c.rcx;
	g->rsp = c.rsp;
	g->rip = c.rip;
	g->rflags = c.rflags;
	trusted_safe_point();
}

/* Moves what the host has announced to what is pending. */
static void drain_host(void)
{
	uint64_t came;

	if (!host_word || !trusted_load(host_word))
		return;
	came = __atomic_exchange_n(host_word, 0, __ATOMIC_ACQ_REL) & FROM_HOST;
	__atomic_fetch_or(&shared, trusted_child_signals(came), __ATOMIC_ACQ_REL);
}

static uint64_t due(const struct trusted_thread *self)
{
	return (__atomic_load_n(&self->pending, __ATOMIC_ACQUIRE) |
		__atomic_load_n(&shared, __ATOMIC_ACQUIRE)) &
	       ~self->blocked;
}

/* True: this thread has it, and nobody else. */
static bool take(struct trusted_thread *self, int sig)
{
	uint64_t mine = __atomic_fetch_and(&self->pending, ~BIT(sig), __ATOMIC_ACQ_REL);

	return mine & BIT(sig) ||
	       __atomic_fetch_and(&shared, ~BIT(sig), __ATOMIC_ACQ_REL) & BIT(sig);
}

static void deliver(struct trusted_thread *self, int sig)
{
	struct info info = {.sig = sig, .code = SI_USER, .value = TRUSTED_PID};
	struct context context = {0};
	struct trusted_action a = action_of(sig);
	uint64_t after = self->blocked;

	if (is_ignored(sig))
		return;
	if (a.handler == (uint64_t)SIG_DFL)
		signal_die(sig);
	if (self->suspended) {
		self->suspended = false;
		after = self->suspend_mask;
	}
	run_handler(sig, &a, &info, &context, after);
}

void trusted_safe_point(void)
{
	struct trusted_thread *self = trusted_self();
	uint64_t set;

	drain_host();
	while ((set = due(self))) {
		int sig = __builtin_ctzll(set) + 1;

		if (take(self, sig))
			deliver(self, sig);
	}
}

bool trusted_interrupted(void)
{
	struct trusted_thread *self = trusted_self();
	uint64_t set;

	drain_host();
	for (set = due(self); set; set &= set - 1) {
		int sig = __builtin_ctzll(set) + 1;

		if (!is_ignored(sig))
			return true;
		(void)take(self, sig);
	}
	return false;
}

/* -- system calls
 * --------------------------------------------------------------------------------------- */

static bool is_signal(int sig)
{
	return sig >= 1 && sig <= SIGNALS;
}

long trusted_sigaction(int sig, const struct trusted_action *act, struct trusted_action *old,
		       size_t mask_size)
{
	struct trusted_action before;

	if (!is_signal(sig) || mask_size != MASK_SIZE || (act && (NEVER_BLOCKED & BIT(sig))))
		return -EINVAL;
	if ((act && !trusted_readable(act, sizeof(*act))) ||
	    (old && !trusted_writable(old, sizeof(*old))))
		return -EFAULT;
	before = action_of(sig);
	if (act)
		set_action(sig, act);
	if (old)
		*old = before;
	return 0;
}

long trusted_sigprocmask(int how, const uint64_t *set, uint64_t *old, size_t mask_size)
{
	struct trusted_thread *self = trusted_self();
	uint64_t before = self->blocked, wish;

	if (mask_size != MASK_SIZE)
		return -EINVAL;
	if ((set && !trusted_readable(set, MASK_SIZE)) ||
	    (old && !trusted_writable(old, MASK_SIZE)))
		return -EFAULT;
	if (set) {
		wish = *set & ~NEVER_BLOCKED;
		if (how == SIG_BLOCK)
			self->blocked |= wish;
		else if (how == SIG_UNBLOCK)
			self->blocked &= ~wish;
		else if (how == SIG_SETMASK)
			self->blocked = wish;
		else
			return -EINVAL;
	}
	if (old)
		*old = before;
	return 0;
}

long trusted_sigaltstack(const struct trusted_stack *stack, struct trusted_stack *old)
{
	struct trusted_thread *self = trusted_self();
	struct trusted_stack before = self->altstack;
	bool is_on = signal_on_altstack(self, (uint64_t)__builtin_frame_address(0));

	if ((stack && !trusted_readable(stack, sizeof(*stack))) ||
	    (old && !trusted_writable(old, sizeof(*old))))
		return -EFAULT;
	if (stack) {
		if (is_on)
			return -EPERM;
		if (stack->flags & ~STACK_DISABLED)
			return -EINVAL;
		if (!(stack->flags & STACK_DISABLED) && stack->size < MIN_STACK)
			return -ENOMEM;
		self->altstack = *stack;
		if (stack->flags & STACK_DISABLED)
			self->altstack = (struct trusted_stack){.flags = STACK_DISABLED};
	}
	if (old) {
		*old = before;
		old->flags |= is_on ? STACK_ON : 0;
	}
	return 0;
}

long trusted_sigpending(uint64_t *ret, size_t mask_size)
{
	const struct trusted_thread *self = trusted_self();

	if (mask_size > MASK_SIZE)
		return -EINVAL;
	if (!trusted_writable(ret, MASK_SIZE))
		return -EFAULT;
	drain_host();
	*ret = (self->pending | __atomic_load_n(&shared, __ATOMIC_ACQUIRE)) & self->blocked;
	return 0;
}

long trusted_sigsuspend(const uint64_t *mask, size_t mask_size)
{
	struct trusted_thread *self = trusted_self();

	if (mask_size != MASK_SIZE)
		return -EINVAL;
	if (!trusted_readable(mask, MASK_SIZE))
		return -EFAULT;
	self->suspend_mask = self->blocked;
	self->suspended = true;
	self->blocked = *mask & ~NEVER_BLOCKED;
	for (;;) {
		__atomic_store_n(&self->sleeping, 1, __ATOMIC_SEQ_CST);
		if (trusted_interrupted())
			break;
		(void)trusted_ocall(ABI_OCALL_WAIT, THREAD_NS_FOREVER, 0, 0, 0, 0, 0);
	}
	__atomic_store_n(&self->sleeping, 0, __ATOMIC_RELAXED);
	return -EINTR;
}

long trusted_tgkill(long tgid, long tid, int sig)
{
	struct trusted_thread *t;

	if (sig < 0 || sig > SIGNALS || tid <= 0)
		return -EINVAL;
	t = tgid == TRUSTED_PID || tgid == -1 ? thread_find((uint64_t)tid) : NULL;
	if (!t)
		return -ESRCH;
	if (sig) {
		__atomic_fetch_or(&t->pending, BIT(sig), __ATOMIC_SEQ_CST);
		thread_kick(t);
	}
	return 0;
}

long trusted_raise(int sig)
{
	struct trusted_thread *self = trusted_self();

	if (sig < 0 || sig > SIGNALS)
		return -EINVAL;
	if (!sig)
		return 0;
	__atomic_fetch_or(&shared, BIT(sig), __ATOMIC_SEQ_CST);
	if (!(self->blocked & BIT(sig)))
		return 0;
	for (size_t i = 0; i < trusted_page()->thread_count; i++) {
		struct trusted_thread *t = thread_find(TRUSTED_PID + i);

		if (t && !(t->blocked & BIT(sig))) {
			thread_kick(t);
			break;
		}
	}
	return 0;
}

static bool timeval_to_ns(const struct trusted_timeval *t, uint64_t *ret)
{
	struct trusted_timespec ts = {.sec = t->sec};

	if (t->usec < 0 || t->usec >= 1000000)
		return false;
	ts.nsec = t->usec * 1000;
	return time_to_ns(&ts, ret);
}

static struct trusted_timeval ns_to_timeval(uint64_t ns)
{
	return (struct trusted_timeval){(int64_t)(ns / SECOND), (int64_t)(ns % SECOND / 1000)};
}

long trusted_setitimer(int which, const struct trusted_itimerval *value,
		       struct trusted_itimerval *old)
{
	uint64_t first = 0, period = 0;
	int64_t left;

	if (which != 0)
		return -EINVAL;
	if ((value && !trusted_readable(value, sizeof(*value))) ||
	    (old && !trusted_writable(old, sizeof(*old))))
		return -EFAULT;
	if (value &&
	    (!timeval_to_ns(&value->value, &first) || !timeval_to_ns(&value->interval, &period)))
		return -EINVAL;
	left = trusted_ocall(ABI_OCALL_TIMER, first, period, 0, 0, 0, 0);
	if (left < 0)
		return -ENOSYS;
	/* it can't have been more than was asked for */
	if ((uint64_t)left > timer_value)
		left = (int64_t)timer_value;
	if (old)
		*old = (struct trusted_itimerval){ns_to_timeval(timer_interval),
						  ns_to_timeval((uint64_t)left)};
	timer_interval = period;
	timer_value = first > period ? first : period;
	return 0;
}

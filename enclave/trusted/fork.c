// SPDX-License-Identifier: MIT
/* See fork.h. */
#include "fork.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/alloc.h"
#include "calls.h"
#include "layer.h"
#include "share.h"
#include "trusted/program.h"
#include "trusted/runtime.h"

enum {
	STACK_SIZE = 256 << 10,
	STRINGS_SIZE = 1 << 20, /* of arguments and variables */
	SLICE_NS = 200000000,
	NO_PARENT = -1,
};

struct process {
	enum { NONE, ALIVE, ENDED } state;
	int pid, status;
	int parent; /* number of its process, or NO_PARENT: nobody waits for it */
	size_t program;
	char *const *argv;
	struct files *files;
	struct trusted_child signals; /* while it doesn't run */
	uint64_t seen, until;	      /* what had happened when it began to wait */
	jmp_buf context;
};

static struct process *all; /* SHARE_PROCESSES of them; NULL: there are none */
static unsigned int self, timer;
static uint64_t events, kernel_fs, kernel_stack;

/* What exec() has made ready. */
static struct {
	size_t program;
	uint64_t strings, strings_size, stack;
	char **argv, **envp;
} next;

bool fork_is_on(void)
{
	return all && trusted_in_child();
}

int fork_pid(void)
{
	return all[self].pid;
}

int fork_parent(void)
{
	int p = all[self].parent;

	return p < 0 ? 0 : all[p].pid;
}

char *const *fork_arguments(void)
{
	return all[self].argv;
}

size_t fork_program(void)
{
	return all[self].program;
}

unsigned int fork_count(void)
{
	unsigned int n = 0;

	for (unsigned int i = 1; i < SHARE_PROCESSES; i++)
		n += all[i].state != NONE;
	return n;
}

unsigned int trusted_process(void)
{
	return self;
}

/* -- who runs ---------------------------------------------------------------------------------------- */

void fork_happened(void)
{
	events++;
}

static bool may_run(unsigned int i)
{
	const struct process *p = &all[i];

	if (p->state != ALIVE)
		return false;
	return p->seen != events || (i == self ? trusted_interrupted() : p->signals.pending & ~p->signals.blocked);
}

/* The next one, after some time if all wait. */
static unsigned int choose(void)
{
	for (;;) {
		uint64_t soonest = FORK_FOR_EVER, now, left;
		struct trusted_timespec t;
		unsigned int who = self;

		for (unsigned int i = 1; i <= SHARE_PROCESSES; i++)
			if (may_run((self + i) % SHARE_PROCESSES))
				return (self + i) % SHARE_PROCESSES;
		for (unsigned int i = 0; i < SHARE_PROCESSES; i++) {
			if (all[i].state != ALIVE || all[i].until >= soonest)
				continue;
			soonest = all[i].until;
			who = i;
		}
		now = trusted_now();
		if (soonest <= now)
			return who;
		left = soonest - now < SLICE_NS ? soonest - now : SLICE_NS;
		t = (struct trusted_timespec){ 0, (int64_t)left };
		(void)trusted_nanosleep(&t, NULL);
	}
}

/* On the kernel's stack, as what follows. */
static _Noreturn void go_on(unsigned int i)
{
	share_switch(i);
	self = i;
	files_use(all[i].files);
	trusted_child_load(&all[i].signals);
	longjmp(all[i].context, 1);
}

static void go_on_with(void *p)
{
	go_on((unsigned int)((struct process *)p - all));
}

long fork_pause(uint64_t until)
{
	unsigned int to;

	all[self].seen = events;
	all[self].until = until;
	to = choose();
	if (to != self && !setjmp(all[self].context)) {
		trusted_child_save(&all[self].signals);
		trusted_jump(go_on_with, &all[to], kernel_stack);
	}
	return trusted_interrupted() ? -EINTR : 0;
}

/* -- beginning ----------------------------------------------------------------------------------------- */

static _Noreturn void run_next(void)
{
	struct process *p = &all[self];

	p->program = next.program;
	(void)layer_lock();
	files_child_exec();
	layer_unlock();
	trusted_child_exec();
	(void)trusted_program_start(next.program, next.stack + STACK_SIZE, STACK_SIZE / 2, next.argv, next.envp);
	trusted_abort("a program of the image can't begin");
}

static void exec_on(void *unused)
{
	(void)unused;
	share_leave(self, (int)next.program);
	trusted_disown(self);
	trusted_own(next.strings, next.strings_size, self);
	trusted_own(next.stack, STACK_SIZE, self);
	all[self].argv = next.argv;
	run_next();
}

static uint64_t take_pages(size_t size)
{
	long r = trusted_mmap(0, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS);

	return r < 0 ? 0 : (uint64_t)r;
}

/* Appends a list to a block at *at; false: it doesn't fit. */
static bool put_strings(char *const *list, uint64_t *at, char ***ret)
{
	uint64_t end = next.strings + next.strings_size;
	size_t n = 0;

	while (list[n])
		n++;
	*ret = (char **)*at;
	if ((n + 1) * sizeof(char *) > end - *at)
		return false;
	*at += (n + 1) * sizeof(char *);
	for (size_t i = 0; i < n; i++) {
		size_t size;

		if (!trusted_readable(list[i], 1))
			return false;
		size = strlen(list[i]) + 1;
		if (size > end - *at - 8)
			return false;
		(*ret)[i] = memcpy((void *)*at, list[i], size);
		*at += (size + 7) / 8 * 8;
	}
	(*ret)[n] = NULL;
	return true;
}

static long prepare(size_t program, char *const *argv, char *const *envp)
{
	uint64_t at;
	bool fits;

	next.program = program;
	next.strings_size = STRINGS_SIZE;
	next.strings = at = take_pages(STRINGS_SIZE);
	if (!next.strings)
		return -ENOMEM;
	fits = put_strings(argv, &at, &next.argv) && put_strings(envp, &at, &next.envp);
	at = (at + 4095) / 4096 * 4096;
	if (fits && at < next.strings + next.strings_size) {
		(void)trusted_munmap(at, next.strings + next.strings_size - at);
		next.strings_size = at - next.strings;
	}
	next.stack = fits ? take_pages(STACK_SIZE) : 0;
	if (next.stack)
		return 0;
	(void)trusted_munmap(next.strings, next.strings_size);
	return fits ? -ENOMEM : -E2BIG;
}

/* Another process that runs the same file; `self`: there is none. */
static unsigned int who_runs(size_t program)
{
	for (unsigned int i = 0; i < SHARE_PROCESSES; i++)
		if (i != self && all[i].state == ALIVE && all[i].program == program)
			return i;
	return self;
}

long fork_exec(size_t program, char *const *argv, char *const *envp)
{
	long r = prepare(program, argv, envp);
	unsigned int other = who_runs(program);

	if (r)
		return r;
	if (program != all[self].program && other != self && !share_program(self, other, program)) {
		(void)trusted_munmap(next.strings, next.strings_size);
		(void)trusted_munmap(next.stack, STACK_SIZE);
		return -ENOMEM;
	}
	trusted_jump(exec_on, NULL, kernel_stack);
}

/* Before the first program's main(), if that isn't to run. */
void process_begin_first(size_t program)
{
	static struct trusted_aside unused;

	all = base_alloc_zeroed(layer_alloc(), SHARE_PROCESSES, sizeof(*all));
	if (!all || prepare(program, trusted_info()->argv, trusted_info()->envp))
		trusted_abort("no memory for processes");
	all[0] = (struct process){ .state = ALIVE, .pid = TRUSTED_PID, .parent = NO_PARENT };
	kernel_fs = trusted_get_fs();
	kernel_stack = (uint64_t)__builtin_frame_address(0) - 256;
	(void)layer_lock();
	files_child_begin();
	layer_unlock();
	trusted_child_begin(&unused);
	all[0].files = files_now();
	trusted_jump(exec_on, NULL, kernel_stack);
}

/* -- fork ------------------------------------------------------------------------------------------------- */

static int new_pid(void)
{
	static unsigned int made;

	for (;;) {
		int pid = TRUSTED_PID + LAYER_CHILDREN + (int)(made++ % LAYER_CHILDREN);
		unsigned int i = 0;

		while (i < SHARE_PROCESSES && (all[i].state == NONE || all[i].pid != pid))
			i++;
		if (i == SHARE_PROCESSES)
			return pid;
	}
}

/* The stack that this is on becomes the child's, too: nothing may be kept in it that differs. */
static long fork_into(struct process *c)
{
	trusted_child_save(&c->signals);
	trusted_child_load(&c->signals);
	c->signals.pending = 0;
	if (setjmp(c->context))
		return 0;
	if (!share_fork(self, (unsigned int)(c - all), all[self].program))
		return -ENOMEM;
	c->state = ALIVE;
	return c->pid;
}

long fork_fork(void)
{
	struct process *c = all;
	struct files *files;
	long r;

	while (c < all + SHARE_PROCESSES && c->state != NONE)
		c++;
	if (c == all + SHARE_PROCESSES || !layer_lock())
		return -EAGAIN;
	files = files_copy();
	layer_unlock();
	if (!files)
		return -ENOMEM;
	c->pid = new_pid();
	c->parent = (int)self;
	c->program = all[self].program;
	c->argv = all[self].argv;
	c->files = files;
	c->seen = events - 1;
	c->until = FORK_FOR_EVER;
	r = fork_into(c);
	if (r < 0 && layer_lock()) {
		files_drop(files);
		layer_unlock();
	}
	return r;
}

/* -- the end -------------------------------------------------------------------------------------------- */

static void leave(void *unused)
{
	(void)unused;
	share_leave(self, SHARE_NO_PROGRAM);
	trusted_disown(self);
	go_on(choose());
}

/* The first one's end is everybody's. */
static _Noreturn void end_all(int status)
{
	static const struct trusted_aside none = { .altstack.flags = 2 /* SS_DISABLE */ };

	trusted_child_end(&none);
	if (WIFSIGNALED(status))
		trusted_die(WTERMSIG(status));
	(void)trusted_syscall(SYS_exit_group, WEXITSTATUS(status), 0, 0, 0, 0, 0);
	trusted_abort("the end returned");
}

static void signal_to(struct process *p, int sig)
{
	p->signals.pending |= sig ? 1ull << (sig - 1) : 0;
}

void fork_exit(int status)
{
	struct process *p = &all[self];

	trusted_set_fs(kernel_fs);
	if (!self)
		end_all(status);
	(void)layer_lock();
	files_drop(p->files);
	layer_unlock();
	for (struct process *c = all; c < all + SHARE_PROCESSES; c++) {
		if (c->state == NONE || c->parent != (int)self)
			continue;
		c->parent = NO_PARENT;
		c->state = c->state == ENDED ? NONE : c->state;
	}
	p->status = status;
	p->state = p->parent == NO_PARENT ? NONE : ENDED;
	if (p->parent != NO_PARENT)
		signal_to(&all[p->parent], SIGCHLD);
	fork_happened();
	trusted_jump(leave, NULL, kernel_stack);
}

static void die(void *sig)
{
	fork_exit((int)(intptr_t)sig);
}

/* After an exception this is on what is left of the thread's first stack, which isn't much. */
bool trusted_child_dies(int sig)
{
	if (fork_is_on())
		trusted_jump(die, (void *)(intptr_t)sig, kernel_stack);
	return false;
}

long fork_wait(int pid, int *status_ret, int options)
{
	long r = 0;

	for (;;) {
		bool is_any = false;

		for (struct process *c = all; c < all + SHARE_PROCESSES; c++) {
			if (c->state == NONE || c->parent != (int)self || (pid > 0 && c->pid != pid))
				continue;
			is_any = true;
			if (c->state == ALIVE)
				continue;
			*status_ret = c->status;
			c->state = NONE;
			return c->pid;
		}
		if (!is_any)
			return -ECHILD;
		if (options & WNOHANG)
			return 0;
		if (r)
			return r;
		r = fork_pause(FORK_FOR_EVER);
	}
}

/* -- signals -------------------------------------------------------------------------------------------- */

long fork_kill(int pid, int sig)
{
	bool group = !pid || pid == -TRUSTED_PID, found = false;

	for (unsigned int i = 0; i < SHARE_PROCESSES; i++) {
		if (all[i].state == NONE || !(group || all[i].pid == pid))
			continue;
		found = true;
		if (i != self)
			signal_to(&all[i], sig);
		else if (sig)
			(void)trusted_raise(sig);
	}
	if (found && sig)
		fork_happened();
	return found ? 0 : -ESRCH;
}

/* What the host announced: as a terminal's, for all; the timer's for whose it is. */
uint64_t trusted_child_signals(uint64_t came)
{
	const uint64_t alarm = 1ull << (SIGALRM - 1);

	if (!all || !came)
		return came;
	for (unsigned int i = 0; i < SHARE_PROCESSES; i++)
		if (i != self && all[i].state == ALIVE)
			all[i].signals.pending |= came & (i == timer ? ~0ull : ~alarm);
	return came & (self == timer ? ~0ull : ~alarm);
}

void fork_has_timer(void)
{
	timer = self;
}

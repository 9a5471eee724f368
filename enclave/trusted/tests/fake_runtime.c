// SPDX-License-Identifier: MIT
/* What the layer's tests have in place of the runtime: one thread, memory of the C library. */
#include "fake_runtime.h"
#include "trusted/files.h"
#include "trusted/program.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct fake fake;

enum {
	MARK = 0xa5,
};

void fake_reset(void)
{
	memset(&fake, 0, sizeof(fake));
	memset(fake.arena + ABI_ARENA_SIZE, MARK, sizeof(fake.arena) - ABI_ARENA_SIZE);
}

bool fake_arena_is_whole(void)
{
	for (size_t i = ABI_ARENA_SIZE; i < sizeof(fake.arena); i++)
		if (fake.arena[i] != MARK)
			return false;
	return true;
}

int64_t trusted_ocall(unsigned int number, uint64_t a0, uint64_t a1, uint64_t a2, uint64_t a3,
		      uint64_t a4, uint64_t a5)
{
	const uint64_t args[6] = { a0, a1, a2, a3, a4, a5 };

	fake.ocalls++;
	return fake.serve ? fake.serve(number, args) : -ENOSYS;
}

void *trusted_arena(size_t size)
{
	return size <= ABI_ARENA_SIZE ? fake.arena : NULL;
}

size_t trusted_arena_size(void)
{
	return ABI_ARENA_SIZE;
}

void trusted_copy_out(void *untrusted, const void *in, size_t size)
{
	memcpy(untrusted, in, size);
}

void trusted_copy_in(void *in, const void *untrusted, size_t size)
{
	memcpy(in, untrusted, size);
}

const struct trusted_info *trusted_info(void)
{
	return &fake.info;
}

const void *trusted_config(size_t *size_ret)
{
	*size_ret = fake.config_size;
	return fake.config;
}

_Noreturn void trusted_abort(const char *why)
{
	fprintf(stderr, "%s\n", why);
	abort();
}

long trusted_mmap(uint64_t addr, size_t size, int prot, int flags)
{
	void *p = mmap((void *)addr, size, prot, flags, -1, 0);

	return p == MAP_FAILED ? -errno : (long)p;
}

long trusted_munmap(uint64_t addr, size_t size)
{
	return munmap((void *)addr, size) ? -errno : 0;
}

long trusted_mprotect(uint64_t addr, size_t size, int prot)
{
	return mprotect((void *)addr, size, prot) ? -errno : 0;
}

long trusted_mremap(uint64_t addr, size_t old_size, size_t new_size, int flags, uint64_t new_addr)
{
	void *p = mremap((void *)addr, old_size, new_size, flags, new_addr);

	return p == MAP_FAILED ? -errno : (long)p;
}

long trusted_brk(uint64_t addr)
{
	(void)addr;
	return 0;
}

long trusted_madvise(uint64_t addr, size_t size, int advice)
{
	(void)addr;
	(void)size;
	(void)advice;
	return 0;
}

bool trusted_readable(const void *p, size_t size)
{
	uintptr_t at = (uintptr_t)p, bad = (uintptr_t)fake.bad;

	if (!size)
		return true;
	return p && (!bad || at + size <= bad || at >= bad + fake.bad_size);
}

bool trusted_writable(const void *p, size_t size)
{
	return trusted_readable(p, size);
}

size_t trusted_heap_size(void)
{
	return 64 << 20;
}

size_t trusted_heap_used(void)
{
	return 1 << 20;
}

_Noreturn void trusted_exit_thread(int code)
{
	exit(code);
}

__attribute__((weak)) struct vfs *trusted_vfs(void)
{
	return NULL;
}

int trusted_vfs_end(int code, bool locked)
{
	return fake.end ? fake.end(code, locked) : code;
}

void trusted_output_end(void)
{
}

long trusted_say(const char *text, size_t size)
{
	return fwrite(text, 1, size, stderr) == size ? (long)size : -EIO;
}

size_t trusted_program_count(void)
{
	return fake.program ? 1 : 0;
}

const char *trusted_program_path(size_t i)
{
	return i ? NULL : "/bin/other";
}

long trusted_program_start(size_t i, uint64_t stack_top, size_t room, char *const *argv,
			   char *const *envp)
{
	(void)i;
	(void)stack_top;
	(void)room;
	(void)envp;
	fake.program(argv);
	return -ENOEXEC;
}

bool trusted_in_child(void)
{
	return fake.in_child;
}

_Noreturn void trusted_jump(void (*fn)(void *), void *arg, uint64_t stack_top)
{
	(void)stack_top;
	fn(arg);
	abort();
}

_Noreturn void trusted_resume(uint64_t *frame, long result)
{
	fake.resumed = frame;
	fake.result = result;
	longjmp(fake.parent, 1);
}

void trusted_child_begin(struct trusted_aside *ret)
{
	(void)ret;
	fake.in_child = true;
}

void trusted_child_exec(void)
{
}

void trusted_child_end(const struct trusted_aside *from)
{
	(void)from;
	fake.in_child = false;
}

void trusted_child_save(struct trusted_child *ret)
{
	(void)ret;
}

void trusted_child_load(const struct trusted_child *from)
{
	(void)from;
}

_Noreturn void trusted_die(int sig)
{
	exit(128 + sig);
}

void trusted_set_owner(uint64_t addr, unsigned int owner)
{
	(void)addr;
	(void)owner;
}

uint64_t trusted_next_owned(uint64_t from, unsigned int owner)
{
	(void)from;
	(void)owner;
	return 0;
}

bool trusted_program_data(size_t program, size_t nth, uint64_t *at_ret, uint64_t *end_ret)
{
	(void)program;
	(void)nth;
	(void)at_ret;
	(void)end_ret;
	return false;
}

void trusted_own(uint64_t addr, size_t size, unsigned int owner)
{
	(void)owner;
	(void)addr;
	(void)size;
}

void trusted_disown(unsigned int owner)
{
	(void)owner;
}

_Noreturn void trusted_exit_group(int code)
{
	exit(code);
}

long trusted_gettid(void)
{
	return TRUSTED_PID;
}

long trusted_set_tid_address(int *tid)
{
	(void)tid;
	return TRUSTED_PID;
}

long trusted_sched_yield(void)
{
	return 0;
}

long trusted_set_fs(uint64_t base)
{
	(void)base;
	return 0;
}

uint64_t trusted_get_fs(void)
{
	return 0x1234;
}

size_t trusted_thread_count(void)
{
	return 1;
}

long trusted_futex(uint32_t *addr, int op, uint32_t val, uint64_t timeout, uint32_t *addr2,
		   uint32_t val3)
{
	(void)addr;
	(void)op;
	(void)val;
	(void)timeout;
	(void)addr2;
	(void)val3;
	return 0;
}

long trusted_clock_gettime(int clock, struct trusted_timespec *ret)
{
	(void)clock;
	*ret = (struct trusted_timespec){ 1000, 5000 };
	return 0;
}

long trusted_clock_getres(int clock, struct trusted_timespec *ret)
{
	(void)clock;
	*ret = (struct trusted_timespec){ 0, 1 };
	return 0;
}

long trusted_nanosleep(const struct trusted_timespec *wish, struct trusted_timespec *left_ret)
{
	(void)left_ret;
	fake.slept_ns += (uint64_t)wish->sec * 1000000000u + (uint64_t)wish->nsec;
	return fake.interrupted ? -EINTR : 0;
}

long trusted_clock_nanosleep(int clock, int flags, const struct trusted_timespec *wish,
			     struct trusted_timespec *left_ret)
{
	(void)clock;
	(void)flags;
	return trusted_nanosleep(wish, left_ret);
}

uint64_t trusted_now(void)
{
	return 1000000;
}

void trusted_random(void *ret, size_t size)
{
	memset(ret, 0x5a, size);
}

long trusted_getrandom(void *ret, size_t size, unsigned int flags)
{
	(void)flags;
	trusted_random(ret, size);
	return (long)size;
}

long trusted_sigaction(int sig, const struct trusted_action *act, struct trusted_action *old,
		       size_t mask_size)
{
	(void)sig;
	(void)act;
	(void)old;
	(void)mask_size;
	return 0;
}

static uint64_t mask;

long trusted_sigprocmask(int how, const uint64_t *set, uint64_t *old, size_t mask_size)
{
	(void)how;
	(void)mask_size;
	if (old)
		*old = mask;
	if (set)
		mask = *set;
	return 0;
}

long trusted_sigaltstack(const struct trusted_stack *stack, struct trusted_stack *old)
{
	(void)stack;
	(void)old;
	return 0;
}

long trusted_sigpending(uint64_t *ret, size_t mask_size)
{
	(void)mask_size;
	*ret = 0;
	return 0;
}

long trusted_sigsuspend(const uint64_t *set, size_t mask_size)
{
	(void)set;
	(void)mask_size;
	return -EINTR;
}

long trusted_tgkill(long tgid, long tid, int sig)
{
	(void)tgid;
	fake.thread_signalled = (int)tid;
	fake.raised = sig;
	return 0;
}

long trusted_raise(int sig)
{
	fake.raised = sig;
	return 0;
}

long trusted_setitimer(int which, const struct trusted_itimerval *value,
		       struct trusted_itimerval *old)
{
	(void)which;
	(void)value;
	if (old)
		*old = (struct trusted_itimerval){ .value = { 3, 1 } };
	return 0;
}

void trusted_safe_point(void)
{
	fake.safe_points++;
}

bool trusted_interrupted(void)
{
	return fake.interrupted;
}

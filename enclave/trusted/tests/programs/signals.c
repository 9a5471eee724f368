// SPDX-License-Identifier: MIT
/* Exceptions and signals: handlers, what is emulated, registers that survive it all. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "mini.h"

#define PAGE 4096ul
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define RW   (PROT_READ | PROT_WRITE)

static volatile int came, code;
static volatile uint64_t address, handler_stack;
static volatile size_t skip;

static void handle(int sig, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;

	came = sig;
	code = info->si_code;
	address = (uint64_t)info->si_addr;
	handler_stack = (uint64_t)__builtin_frame_address(0);
	uc->uc_mcontext.gregs[REG_RIP] += (long)skip;
}

static void set(int sig, void (*h)(int, siginfo_t *, void *), uint64_t flags)
{
	struct trusted_action a = {.handler = (uint64_t)h, .flags = flags | SA_SIGINFO}, old;

	CHECK(trusted_sigaction(sig, &a, &old, 8) == 0);
}

static uint64_t divide(uint64_t a, uint64_t b)
{
	__asm__ volatile("xor %%edx, %%edx; divq (%1)" : "+a"(a) : "S"(&b) : "rdx", "cc");
	return a;
}

/*
 * Every register, the red zone and the flags are after the instruction what they were before: put
 * there and looked at in one piece of code. Nothing of it may be in a register that the compiler
 * thinks of.
 */
uint64_t registers_after[20];
static const uint64_t xmm_pattern[2] = {0x1122334455667788ull, 0x99aabbccddeeff00ull};

static void test_registers(void)
{
	static const uint64_t expect[] = {0x7777, 0x1111, 0x2222, 0x3333, 0x4444, 0x5555,
					  0x8888, 0x9999, 0xaaaa, 0xbbbb, 0xcccc, 0xdddd,
					  0xeeee, 0xffff, 0x5a5a, 0x6b6b};

	skip = 2;
	__asm__ volatile("push %%rbp\n\tpush $0\n\tsub $256, %%rsp\n\t"
			 "movdqu (%0), %%xmm5\n\tmovdqu (%0), %%xmm13\n\t"
			 "mov $0x7777, %%eax\n\tmov $0x1111, %%ebx\n\tmov $0x2222, %%ecx\n\t"
			 "mov $0x3333, %%edx\n\tmov $0x4444, %%esi\n\tmov $0x5555, %%edi\n\t"
			 "mov $0x8888, %%r8d\n\tmov $0x9999, %%r9d\n\tmov $0xaaaa, %%r10d\n\t"
			 "mov $0xbbbb, %%r11d\n\tmov $0xcccc, %%r12d\n\tmov $0xdddd, %%r13d\n\t"
			 "mov $0xeeee, %%r14d\n\tmov $0xffff, %%r15d\n\t"
			 "movq $0x5a5a, -8(%%rsp)\n\tmovq $0x6b6b, -120(%%rsp)\n\t"
			 "lea registers_after(%%rip), %%rbp\n\tstc\n\tstd\n\t"
			 "ud2\n\t"
			 "mov %%rax, (%%rbp)\n\tmov -8(%%rsp), %%rax\n\tmov %%rax, 112(%%rbp)\n\t"
			 "mov -120(%%rsp), %%rax\n\tmov %%rax, 120(%%rbp)\n\t"
			 "pushfq\n\tpopq 128(%%rbp)\n\tcld\n\t"
			 "mov %%rbx, 8(%%rbp)\n\tmov %%rcx, 16(%%rbp)\n\tmov %%rdx, 24(%%rbp)\n\t"
			 "mov %%rsi, 32(%%rbp)\n\tmov %%rdi, 40(%%rbp)\n\tmov %%r8, 48(%%rbp)\n\t"
			 "mov %%r9, 56(%%rbp)\n\tmov %%r10, 64(%%rbp)\n\tmov %%r11, 72(%%rbp)\n\t"
			 "mov %%r12, 80(%%rbp)\n\tmov %%r13, 88(%%rbp)\n\tmov %%r14, 96(%%rbp)\n\t"
			 "mov %%r15, 104(%%rbp)\n\tmovdqu %%xmm5, 136(%%rbp)\n\t"
			 "pxor %%xmm5, %%xmm13\n\tmovq %%xmm13, 152(%%rbp)\n\t"
			 "add $264, %%rsp\n\tpop %%rbp\n\t"
			 :
			 : "a"(xmm_pattern)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11", "r12",
			   "r13", "r14", "r15", "xmm5", "xmm13", "memory", "cc");
	for (size_t i = 0; i < sizeof(expect) / sizeof(*expect); i++)
		CHECK(registers_after[i] == expect[i]);
	CHECK((registers_after[16] & 0x401) == 0x401);
	CHECK(registers_after[17] == xmm_pattern[0] && registers_after[18] == xmm_pattern[1]);
	CHECK(registers_after[19] == 0);
}

static void test_kinds(void)
{
	long p = trusted_mmap(0, 2 * PAGE, RW, ANON), none;
	volatile uint64_t *null = (volatile uint64_t *)8;
	const float zero = 0;
	float sum = 1;
	uint32_t mxcsr = 0x1d80; /* division by zero isn't masked */

	set(SIGFPE, handle, 0);
	set(SIGSEGV, handle, 0);
	set(SIGILL, handle, 0);
	skip = 3;
	divide(5, 0);
	CHECK(came == SIGFPE && code == FPE_INTDIV);
	skip = 2;
	__asm__ volatile("ud2");
	CHECK(came == SIGILL && code == ILL_ILLOPN);
	skip = 2;
	came = 0;
	__asm__ volatile("mov (%0), %%eax" : : "S"(null) : "rax");
	CHECK(came == SIGSEGV && code == SEGV_MAPERR && (address & ~(PAGE - 1)) == 0);
	/* a page that mprotect() has taken */
	none = p + (long)PAGE;
	*(volatile uint8_t *)none = 1;
	CHECK(trusted_mprotect((uint64_t)none, PAGE, PROT_NONE) == 0);
	came = 0;
	__asm__ volatile("mov (%0), %%eax" : : "S"(none) : "rax");
	CHECK(came == SIGSEGV && code == SEGV_MAPERR && (address & ~(PAGE - 1)) == (uint64_t)none);
	CHECK(trusted_mprotect((uint64_t)none, PAGE, PROT_READ) == 0);
	came = 0;
	CHECK(*(volatile uint8_t *)none == 1 && came == 0);
	__asm__ volatile("mov %%eax, (%0)" : : "S"(none) : "rax", "memory");
	CHECK(came == SIGSEGV && code == SEGV_ACCERR && (address & ~(PAGE - 1)) == (uint64_t)none);
	CHECK(trusted_mprotect((uint64_t)none, PAGE, RW) == 0);
	came = 0;
	*(volatile uint8_t *)none = 2;
	CHECK(came == 0 && *(volatile uint8_t *)none == 2);
	/* code is not to be written */
	__asm__ volatile("mov %%eax, (%0)" : : "S"(divide) : "rax", "memory");
	CHECK(came == SIGSEGV && code == SEGV_ACCERR);
	CHECK(trusted_munmap((uint64_t)p, 2 * PAGE) == 0);
	skip = 4;
	came = 0;
	__asm__ volatile("ldmxcsr %1\n\tdivss %2, %0" : "+x"(sum) : "m"(mxcsr), "x"(zero));
	CHECK(came == SIGFPE && code == FPE_FLTDIV);
	mxcsr = 0x1f80;
	__asm__ volatile("ldmxcsr %0" : : "m"(mxcsr));
}

static void test_emulated(void)
{
	long r = SYS_getpid;

	/* a system call by its instruction, and what it keeps */
	__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
	CHECK(r == 1);
	r = 9999;
	__asm__ volatile("syscall" : "+a"(r) : : "rcx", "r11", "memory");
	CHECK(r == -38);
}

static void test_stack(void)
{
	long p = trusted_mmap(0, 8 * PAGE, RW, ANON);
	struct trusted_stack other = {.sp = (uint64_t)p, .size = 8 * PAGE}, old;

	CHECK(trusted_sigaltstack(&other, &old) == 0 && old.flags == 2);
	set(SIGILL, handle, SA_ONSTACK);
	skip = 2;
	came = 0;
	__asm__ volatile("ud2");
	CHECK(came == SIGILL && handler_stack - (uint64_t)p < 8 * PAGE);
	set(SIGILL, handle, 0);
	__asm__ volatile("ud2");
	CHECK(handler_stack - (uint64_t)p >= 8 * PAGE);
	other.flags = 2;
	CHECK(trusted_sigaltstack(&other, NULL) == 0);
}

static volatile int order[4], orders;

static void note(int sig, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	order[orders++ % 4] = sig;
}

static void test_sent(void)
{
	uint64_t usr = 1ull << (SIGUSR1 - 1) | 1ull << (SIGUSR2 - 1), old, pending;

	set(SIGUSR1, note, 0);
	set(SIGUSR2, note, 0);
	CHECK(trusted_tgkill(TRUSTED_PID, TRUSTED_PID, SIGUSR1) == 0);
	trusted_safe_point();
	CHECK(orders == 1 && order[0] == SIGUSR1);
	CHECK(trusted_sigprocmask(SIG_BLOCK, &usr, &old, 8) == 0 && old == 0);
	CHECK(trusted_tgkill(TRUSTED_PID, TRUSTED_PID, SIGUSR2) == 0 && trusted_raise(SIGUSR1) == 0);
	trusted_safe_point();
	CHECK(orders == 1);
	CHECK(trusted_sigpending(&pending, 8) == 0 && pending == usr);
	old = 0;
	CHECK(trusted_sigsuspend(&old, 8) == -EINTR);
	trusted_safe_point();
	/* both were due in sigsuspend; the mask is the old one again after the first */
	CHECK(orders >= 2 && order[1] == SIGUSR1);
	CHECK(trusted_sigprocmask(SIG_SETMASK, &old, &pending, 8) == 0 && pending == usr);
	trusted_safe_point();
	CHECK(orders == 3 && order[2] == SIGUSR2);
	CHECK(trusted_tgkill(TRUSTED_PID, TRUSTED_PID + 2, SIGUSR1) == -ESRCH);
	CHECK(trusted_tgkill(TRUSTED_PID, 1, SIGUSR1) == -ESRCH);
	CHECK(trusted_tgkill(5, TRUSTED_PID, SIGUSR1) == -ESRCH);
	CHECK(trusted_sigaction(SIGKILL, &(struct trusted_action){0}, NULL, 8) == -EINVAL);
}

static void test_alarm(void)
{
	struct trusted_itimerval soon = {.value = {0, 20000}}, old;
	struct trusted_timespec hour = {3600, 0}, left;

	set(SIGALRM, note, 0);
	orders = 0;
	CHECK(trusted_setitimer(0, &soon, NULL) == 0);
	/* two threads' worth of kicks may come: only the alarm ends it */
	CHECK(trusted_nanosleep(&hour, &left) == -EINTR && left.sec > 0);
	trusted_safe_point();
	CHECK(orders == 1 && order[0] == SIGALRM);
	soon.value.usec = 0;
	CHECK(trusted_setitimer(0, &soon, &old) == 0 && old.value.sec == 0);
}

int main(int argc, char **argv, char **envp)
{
	(void)envp;
	if (argc > 1) {
		/* ways to die */
		volatile uint64_t *null = NULL;

		switch (argv[1][0]) {
		case 'd':
			divide(1, 0);
			break;
		case 's':
			*null = 1;
			break;
		case 'j':
			((void (*)(void))8)();
			break;
		case 'u':
			__asm__ volatile("ud2");
			break;
		case 'o': /* stack overflow: there is no room for a frame */
			set(SIGSEGV, handle, 0);
			__asm__ volatile("1: push %rax; jmp 1b");
			break;
		case 't':
			(void)trusted_raise(SIGTERM);
			trusted_safe_point();
			break;
		case 'w': /* nowhere to put it */
			set(SIGILL, handle, 0);
			__asm__ volatile("mov $0x1000, %esp; ud2");
			break;
		case 'h': { /* RSP in the host's memory */
			uint64_t top = (uint64_t)trusted_arena(8) + (64 << 10);

			set(SIGILL, handle, 0);
			__asm__ volatile("mov %0, %%rsp; ud2" : : "r"(top));
			break;
		}
		}
		return 99;
	}
	test_kinds();
	test_registers();
	test_emulated();
	test_stack();
	test_sent();
	test_alarm();
	mini_print("signals: done\n");
	return 0;
}

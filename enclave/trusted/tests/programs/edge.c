// SPDX-License-Identifier: MIT
/* For test_edge.c, which is its host and answers as it likes: asks, and says what it made of it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "mini.h"

static volatile int handled;

static void handle(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP] += 2;
	handled++;
}

static int child(void *arg)
{
	mini_print(arg);
	return 0;
}

/* Secrets in every register that the convention leaves alone, then out. */
static void leave_with_secrets(void)
{
	static const uint64_t secret[2] = {0x5ec3e75ec3e75ec3ull, 0x5ec3e75ec3e75ec3ull};

	__asm__ volatile(
	    "movdqu (%0), %%xmm0\n\tmovdqa %%xmm0, %%xmm1\n\tmovdqa %%xmm0, %%xmm7\n\t"
	    "movdqa %%xmm0, %%xmm8\n\tmovdqa %%xmm0, %%xmm15\n\t"
	    "mov (%0), %%r12\n\tmov (%0), %%r13\n\tmov (%0), %%r14\n\tmov (%0), %%r15\n\t"
	    "mov (%0), %%r10\n\tmov (%0), %%r11\n\tmov (%0), %%r9\n\tmov (%0), %%r8\n\t"
	    "fldpi\n\t"
	    "push %%rbx\n\tmov (%0), %%rbx\n\tsub $8, %%rsp\n\t"
	    "call trusted_sched_yield\n\t"
	    "add $8, %%rsp\n\tpop %%rbx\n\tfninit"
	    :
	    : "D"(secret)
	    : "rax", "rcx", "rdx", "rsi", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
	      "xmm0", "xmm1", "xmm7", "xmm8", "xmm15", "memory", "cc");
}

static void test_time(void)
{
	const struct trusted_timespec second = {1, 0};
	uint64_t a = trusted_now(), b = trusted_now(), c = trusted_now();

	mini_print(b < a || c < b    ? "time went back"
		   : b == a && c > b ? "time stood still"
				     : "time");
	CHECK(trusted_nanosleep(&second, NULL) == 0);
	mini_print(trusted_now() >= c + 1000000000 ? "slept" : "woke early");
}

int main(int argc, char **argv, char **envp)
{
	struct trusted_action action = {.handler = (uint64_t)handle, .flags = SA_SIGINFO};
	struct mini_thread thread;

	(void)envp;
	mini_print("start");
	leave_with_secrets();
	test_time();
	CHECK(trusted_sigaction(SIGILL, &action, NULL, 8) == 0);
	__asm__ volatile("ud2");
	mini_print(handled == 1 ? "handled once" : "not handled once");
	mini_print(mini_spawn(child, "refused child", &thread) == -EAGAIN ? "no thread"
									  : "thread?");
	CHECK(mini_spawn(child, "child", &thread) == 2);
	mini_join(&thread);
	mini_print("joined");
	if (argc > 1 && argv[1][0] == 'c') {
		CHECK(mini_spawn(child, "late child", &thread) == 2);
		(void)trusted_now();
		mini_print("not reached");
	}
	return 5;
}

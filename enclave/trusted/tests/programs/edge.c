// SPDX-License-Identifier: MIT
/* For test_edge.c, which is its host and answers as it likes: asks, and says what it made of it. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <ucontext.h>

#include "mini.h"
#include "thread.h"

#define FLAG_DF (1u << 10)
#define FLAG_AC (1u << 18)
#define XMM_SIZE 256 /* XMM0 to XMM15 */

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

/*
 * Secrets in every register, then out as an ocall goes, without C in between that would overwrite them. What flags and
 * XMM registers are when the host has entered again; its own are whatever it likes.
 */
static const char *leave_with_secrets(void)
{
	static const uint64_t secret[2] = {0x5ec3e75ec3e75ec3ull, 0x5ec3e75ec3e75ec3ull};
	static uint8_t after[XMM_SIZE + sizeof(uint64_t)];
	const void *in = secret;
	void *out = after;
	uint64_t flags;

	trusted_store(&trusted_self()->ocall->number, ABI_OCALL_YIELD);
	__asm__ volatile(
	    "lea -128(%%rsp), %%rsp\n\tpush %%rbx\n\tpush %1\n\t"
	    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	    "movdqu (%0), %%xmm\\n\n\t.endr\n\t"
	    "fldpi\n\t"
	    ".irp r, rax, rbx, rcx, rdx, rsi, r8, r9, r10, r11, r12, r13, r14, r15\n\t"
	    "mov (%0), %%\\r\n\t.endr\n\t"
	    "call trusted_leave\n\t"
	    "pushfq\n\tpop %%rax\n\tpop %%rdi\n\tpop %%rbx\n\tlea 128(%%rsp), %%rsp\n\t"
	    ".irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n\t"
	    "movdqu %%xmm\\n, 16*\\n(%%rdi)\n\t.endr\n\t"
	    "mov %%rax, 256(%%rdi)\n\tcld\n\tpush $2\n\tpopfq\n\tfninit"
	    : "+D"(in), "+S"(out)
	    :
	    : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15", "xmm0",
	      "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
	      "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "memory", "cc");
	memcpy(&flags, after + XMM_SIZE, sizeof(flags));
	if (flags & (FLAG_DF | FLAG_AC))
		return "the host's flags";
	for (size_t i = 0; i < XMM_SIZE; i++)
		if (after[i])
			return "the host's registers";
	return "clean";
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
	mini_print(leave_with_secrets());
	test_time();
	CHECK(trusted_sigaction(SIGILL, &action, NULL, 8) == 0);
	__asm__ volatile("ud2");
	mini_print(handled == 1 ? "handled once" : "not handled once");
	mini_print(mini_spawn(child, "refused child", &thread) == -EAGAIN ? "no thread"
									  : "thread?");
	CHECK(mini_spawn(child, "child", &thread) == TRUSTED_PID + 1);
	mini_join(&thread);
	mini_print("joined");
	if (argc > 1 && argv[1][0] == 'c') {
		CHECK(mini_spawn(child, "late child", &thread) == TRUSTED_PID + 1);
		(void)trusted_now();
		mini_print("not reached");
	}
	return 5;
}

// SPDX-License-Identifier: MIT
/*
 * A hostile host at the enclave's edge: entries that nobody waits for, bad start blocks, handlers
 * entered twice, pages that aren't there, results that can't be; and what is in the registers on
 * the way out. usage: test_edge PROGRAM MODES
 */
#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "emulation/emulation.h"
#include "harness.h"
#include "host/run.h"

#define PRINT	 ABI_OCALL_PROXY_LAST
#define SECOND	 1000000000ll
#define CHECK(x) check(x, __LINE__, #x)

static struct host_enclave e;
static struct image image;
static struct abi_start start[4];
static struct abi_ocall blocks[4];
static uint8_t arenas[4][ABI_ARENA_SIZE] __attribute__((aligned(64)));
static uint64_t signals;
static char strings[] __attribute__((aligned(8))) = "vm\0edge\0clock";
static int failures;

/* What the registers were at the last exit: see capture(). */
uint64_t captured[16];
uint8_t captured_xmm[16][16];
uint32_t captured_mxcsr;
uint16_t captured_control;
int capture(long rdi, long rsi, long rdx, long rsp, long r8, long r9, struct abi_run *run);

/* The handler of exits: called with the enclave's registers but rax, rbx, rcx. */
__asm__(".text\n.globl capture\n.hidden capture\ncapture:\n"
	"	mov %rdx, captured+16(%rip)\n	mov %rsi, captured+32(%rip)\n"
	"	mov %rdi, captured+40(%rip)\n	mov %r8, captured+64(%rip)\n"
	"	mov %r9, captured+72(%rip)\n	mov %r10, captured+80(%rip)\n"
	"	mov %r11, captured+88(%rip)\n	mov %r12, captured+96(%rip)\n"
	"	mov %r13, captured+104(%rip)\n	mov %r14, captured+112(%rip)\n"
	"	mov %r15, captured+120(%rip)\n"
	"	movdqu %xmm0, captured_xmm(%rip)\n	movdqu %xmm1, captured_xmm+16(%rip)\n"
	"	movdqu %xmm7, captured_xmm+112(%rip)\n	movdqu %xmm8, captured_xmm+128(%rip)\n"
	"	movdqu %xmm15, captured_xmm+240(%rip)\n"
	"	stmxcsr captured_mxcsr(%rip)\n	fnstcw captured_control(%rip)\n"
	"	xor %eax, %eax\n	ret\n");

static void check(int good, int line, const char *what)
{
	if (!good) {
		printf("test_edge.c:%d: %s\n", line, what);
		failures++;
	}
}

static struct abi_run enter(size_t thread, unsigned int function, const void *arg)
{
	struct abi_run run = {.tcs = e.tcs[thread], .user_handler = (uint64_t)capture};

	memset(captured, 0, sizeof(captured));
	memset(captured_xmm, 0, sizeof(captured_xmm));
	if (function == ABI_EENTER)
		blocks[thread].number = ABI_OCALL_NONE;
	if (host_enter(e.backend->enter, (unsigned long)arg, 0x1111, 0x2222, function, 0x3333,
		       0x4444, &run))
		failures++;
	return run;
}

static uint64_t go(size_t thread)
{
	struct abi_run run = enter(thread, ABI_EENTER, &start[thread]);

	CHECK(run.function == ABI_EEXIT);
	return blocks[thread].number;
}

static int is_refused(size_t thread, const void *arg)
{
	struct abi_run run = enter(thread, ABI_EENTER, arg);

	return run.function == ABI_EEXIT && blocks[thread].number == ABI_OCALL_NONE;
}

/* The thread's text to print. */
static int says(size_t thread, const char *text)
{
	size_t size = blocks[thread].args[0];
	int same = blocks[thread].number == PRINT && size == strlen(text) &&
		   memcmp(arenas[thread], text, size) == 0;

	if (!same)
		printf("number %llu, text %.*s\n", (unsigned long long)blocks[thread].number,
		       (int)(size < 100 ? size : 100), (char *)arenas[thread]);
	blocks[thread].result = (int64_t)size;
	return same;
}

static void no_secrets(void)
{
	for (size_t i = 0; i < 16; i++)
		CHECK(captured[i] == 0);
	for (size_t i = 0; i < sizeof(captured_xmm); i++)
		CHECK(((uint8_t *)captured_xmm)[i] == 0);
	CHECK(captured_mxcsr == 0x1f80 && captured_control == 0x37f);
}

static void test_first_entry(void)
{
	uint64_t base = e.base;
	const uint64_t bad[] = {0,
				base,
				base + 4096,
				base - 8,
				base + e.size - 8,
				base - sizeof(start[0]) + 8,
				(uint64_t)&start[0] + 4,
				UINT64_MAX - 7,
				1ull << 47};
	struct abi_start good = start[0];

	/* threads that nobody asked for */
	for (size_t i = 1; i < 4; i++)
		CHECK(is_refused(i, &start[i]));
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(is_refused(0, (const void *)bad[i]));
	start[0].ocall = base + 4096;
	CHECK(is_refused(0, &start[0]));
	start[0] = good;
	start[0].arena = base - 4096;
	CHECK(is_refused(0, &start[0]));
	start[0] = good;
	start[0].arena_size = 4096;
	CHECK(is_refused(0, &start[0]));
	start[0] = good;
	start[0].signals = base;
	CHECK(is_refused(0, &start[0]));
	start[0] = good;
	CHECK(go(0) == PRINT && says(0, "start"));
	/* another one isn't a second first one */
	for (size_t i = 1; i < 4; i++)
		CHECK(is_refused(i, &start[0]));
}

static void answer_clock(int64_t ns)
{
	CHECK(go(0) == ABI_OCALL_CLOCK);
	blocks[0].result = ns;
}

static void test_time(void)
{
	/* back, then forth */
	answer_clock(5 * SECOND);
	answer_clock(3 * SECOND);
	answer_clock(5 * SECOND + 1);
	CHECK(go(0) == PRINT && says(0, "time stood still"));
	/* sleeps that end at once aren't over before the clock says so */
	answer_clock(6 * SECOND);
	for (int i = 0; i < 3; i++) {
		CHECK(go(0) == ABI_OCALL_SLEEP);
		blocks[0].result = i == 0 ? 0 : i == 1 ? -EINTR : INT64_MIN;
		answer_clock(i < 2 ? 2 * SECOND : 7 * SECOND);
	}
	answer_clock(6 * SECOND);
	CHECK(go(0) == PRINT && says(0, "slept"));
}

static void test_exception(void)
{
	struct abi_run run = enter(0, ABI_EENTER, &start[0]);

	CHECK(run.function == ABI_ERESUME && run.exception_vector == ABI_VECTOR_UD);
	/* on without the handler: the same again */
	run = enter(0, ABI_ERESUME, NULL);
	CHECK(run.function == ABI_ERESUME && run.exception_vector == ABI_VECTOR_UD);
	/* the handler, and again where there is nothing to handle */
	for (int i = 0; i < 3; i++) {
		run = enter(0, ABI_EENTER, (const void *)e.base);
		CHECK(run.function == ABI_EEXIT && blocks[0].number == ABI_OCALL_NONE);
		no_secrets();
	}
	run = enter(0, ABI_ERESUME, NULL);
	CHECK(run.function == ABI_EEXIT && says(0, "handled once"));
}

/* Its stack isn't there when it comes back from a call. */
static void test_edge_fault(void)
{
	const struct abi_segment *s = NULL;
	struct abi_run run;
	uint64_t addr;

	for (uint32_t i = 0; i < image.header->segment_count; i++)
		if (image.segments[i].kind == ABI_SEGMENT_STACK &&
		    strcmp(image.segments[i].name, "stack 0") == 0)
			s = &image.segments[i];
	CHECK(s != NULL);
	if (!s)
		return;
	addr = e.base + s->offset;
	CHECK(e.backend->protect((void *)addr, s->page_count * ABI_PAGE, PROT_NONE) == 0);
	run = enter(0, ABI_EENTER, &start[0]);
	CHECK(run.function == ABI_ERESUME && run.exception_vector == ABI_VECTOR_PF);
	run = enter(0, ABI_EENTER, NULL);
	CHECK(run.function == ABI_EEXIT && blocks[0].number == ABI_OCALL_NONE);
	run = enter(0, ABI_ERESUME, NULL);
	CHECK(run.function == ABI_ERESUME && run.exception_vector == ABI_VECTOR_PF);
	CHECK(e.backend->protect((void *)addr, s->page_count * ABI_PAGE, PROT_READ | PROT_WRITE) ==
	      0);
	run = enter(0, ABI_ERESUME, NULL);
	CHECK(run.function == ABI_EEXIT);
}

static void test_threads(void)
{
	struct abi_start good = start[1];

	/* a host that can't; and that enters afterwards all the same */
	CHECK(blocks[0].number == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	blocks[0].result = -EAGAIN;
	CHECK(go(0) == PRINT && says(0, "no thread"));
	CHECK(is_refused(1, &start[1]));
	CHECK(go(0) == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	start[1].ocall = e.base;
	CHECK(is_refused(1, &start[1]));
	CHECK(is_refused(2, &start[2]) && is_refused(3, &start[3]));
	start[1] = good;
	CHECK(go(1) == PRINT && says(1, "child"));
	blocks[0].result = INT64_MIN; /* it did, though */
	CHECK(go(0) == ABI_OCALL_WAIT);
	/* wakes of nobody are for nothing */
	for (int i = 0; i < 3; i++) {
		blocks[0].result = i - 1;
		CHECK(go(0) == ABI_OCALL_WAIT);
	}
	CHECK(go(1) == ABI_OCALL_WAKE && blocks[1].args[0] == 0);
	CHECK(go(1) == ABI_OCALL_EXIT_THREAD);
	for (int i = 0; i < 3; i++)
		CHECK(is_refused(1, &start[1]));
	CHECK(go(0) == PRINT && says(0, "joined"));
}

static void test_end(void)
{
	CHECK(go(0) == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	blocks[0].result = 0;
	CHECK(go(1) == PRINT && says(1, "late child"));
	CHECK(go(0) == ABI_OCALL_CLOCK);
	blocks[0].result = -5;
	CHECK(go(0) == ABI_OCALL_ABORT && blocks[0].args[0] < 100);
	no_secrets();
	/* who comes back from a request after the end says so, and is no refused entry */
	for (size_t i = 0; i < 2; i++)
		CHECK(go(i) == ABI_OCALL_EXIT_THREAD);
	for (size_t i = 0; i < 4; i++)
		CHECK(is_refused(i, &start[i]));
}

int main(int argc, char **argv)
{
	struct sign_options options = small_options();
	const struct backend *backend;
	struct sign_image made;
	struct err_ctx err = {0};
	struct file elf, pem;
	unsigned int modes;

	if (argc != 3)
		return 2;
	elf = read_whole(argv[1]);
	pem = new_key(3072, 3);
	if (emulation_parse_modes(argv[2], &modes, &err) ||
	    backend_emulated(modes, &backend, &err) ||
	    sign_build(elf.data, elf.size, &options, &made, &err) ||
	    sign_sign(&made, pem.data, pem.size, &options, &err) ||
	    image_parse(made.data, made.size, &image, &err) || host_load(backend, &image, &e, &err))
		die_of("test_edge", &err);
	for (size_t i = 0; i < 4; i++)
		start[i] = (struct abi_start){
		    .version = ABI_START_VERSION,
		    .size = sizeof(start[i]),
		    .ocall = (uint64_t)&blocks[i],
		    .arena = (uint64_t)arenas[i],
		    .arena_size = ABI_ARENA_SIZE,
		    .signals = (uint64_t)&signals,
		    .strings = (uint64_t)strings,
		    .strings_size = sizeof(strings),
		    .argc = 2,
		};
	test_first_entry();
	CHECK(go(0) == ABI_OCALL_YIELD);
	no_secrets();
	blocks[0].result = 0;
	test_time();
	test_exception();
	test_edge_fault();
	test_threads();
	test_end();
	host_unload(&e);
	sign_deinit(&made);
	free(elf.data);
	free(pem.data);
	printf("edge: %d failures\n", failures);
	return failures != 0;
}

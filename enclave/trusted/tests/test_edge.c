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
#define EXTENDED (1u << 16)
#define THREADS	 4

static struct host_enclave e;
static struct image image;
static struct abi_start start[THREADS];
static struct abi_ocall blocks[THREADS];
static uint8_t arenas[THREADS][ABI_ARENA_SIZE] __attribute__((aligned(64)));
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
	"	mov %rdx, captured+16(%rip)\n	mov %rsi, captured+48(%rip)\n"
	"	mov %rdi, captured+56(%rip)\n	mov %r8, captured+64(%rip)\n"
	"	mov %r9, captured+72(%rip)\n	mov %r10, captured+80(%rip)\n"
	"	mov %r11, captured+88(%rip)\n	mov %r12, captured+96(%rip)\n"
	"	mov %r13, captured+104(%rip)\n	mov %r14, captured+112(%rip)\n"
	"	mov %r15, captured+120(%rip)\n"
	"	.irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15\n"
	"	movdqu %xmm\\n, captured_xmm+16*\\n(%rip)\n	.endr\n"
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

/* What the host saw at the last exit: a bit for each general register, EXTENDED for the others. */
static unsigned int seen(void)
{
	static const uint8_t zeros[sizeof(captured_xmm)];
	unsigned int set = 0;

	for (unsigned int i = 0; i < 16; i++)
		set |= captured[i] ? 1u << i : 0;
	if (memcmp(captured_xmm, zeros, sizeof(zeros)) != 0 || captured_mxcsr != 0x1f80 ||
	    captured_control != 0x37f)
		set |= EXTENDED;
	return set;
}

static void no_secrets(void)
{
	CHECK(seen() == 0);
}

static void entered_before_anybody_asked(void)
{
	for (size_t i = 1; i < THREADS; i++)
		CHECK(is_refused(i, &start[i]));
}

static void start_block_that_is_not_outside(void)
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

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		CHECK(is_refused(0, (const void *)bad[i]));
}

static bool refuses(uint64_t *field, uint64_t value)
{
	uint64_t good = *field;
	bool refused;

	*field = value;
	refused = is_refused(0, &start[0]);
	*field = good;
	return refused;
}

static void blocks_that_are_not_outside(void)
{
	uint64_t in[] = {e.base, e.base + 4096, e.base + e.size - 8};

	for (size_t i = 0; i < 3; i++) {
		CHECK(refuses(&start[0].ocall, in[i]));
		CHECK(refuses(&start[0].arena, in[i]));
		CHECK(refuses(&start[0].signals, in[i]));
	}
	/* across the ends */
	CHECK(refuses(&start[0].ocall, e.base - 56));
	CHECK(refuses(&start[0].arena, e.base - 4096));
	CHECK(refuses(&start[0].arena_size, UINT64_MAX - 7));
}

static void blocks_of_wrong_shape(void)
{
	CHECK(refuses(&start[0].version, ABI_START_VERSION + 1));
	CHECK(refuses(&start[0].size, sizeof(start[0]) - 8));
	CHECK(refuses(&start[0].ocall, start[0].ocall + 4));
	CHECK(refuses(&start[0].arena_size, 4096));
	CHECK(refuses(&start[0].arena_size, ABI_ARENA_SIZE + 4));
}

static void a_second_first_thread(void)
{
	CHECK(go(0) == PRINT && says(0, "start"));
	for (size_t i = 1; i < THREADS; i++)
		CHECK(is_refused(i, &start[0]));
}

static void registers_at_exit_and_entry(void)
{
	CHECK(go(0) == ABI_OCALL_YIELD);
	no_secrets();
	CHECK(go(0) == PRINT && says(0, "clean"));
}

static void answer_clock(int64_t ns)
{
	CHECK(go(0) == ABI_OCALL_CLOCK);
	blocks[0].result = ns;
}

static void a_clock_that_goes_back(void)
{
	answer_clock(5 * SECOND);
	answer_clock(3 * SECOND);
	answer_clock(5 * SECOND + 1);
	CHECK(go(0) == PRINT && says(0, "time stood still"));
}

/* They aren't over before the clock says so. */
static void sleeps_that_end_at_once(void)
{
	answer_clock(6 * SECOND);
	for (int i = 0; i < 3; i++) {
		CHECK(go(0) == ABI_OCALL_SLEEP);
		blocks[0].result = i == 0 ? 0 : i == 1 ? -EINTR : INT64_MIN;
		answer_clock(i < 2 ? 2 * SECOND : 7 * SECOND);
	}
	answer_clock(6 * SECOND);
	CHECK(go(0) == PRINT && says(0, "slept"));
}

static void a_handler_entered_twice(void)
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
static void a_stack_that_is_taken_away(void)
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

static void a_thread_entered_after_it_was_refused(void)
{
	CHECK(blocks[0].number == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	blocks[0].result = -EAGAIN;
	CHECK(go(0) == PRINT && says(0, "no thread"));
	CHECK(is_refused(1, &start[1]));
}

static void threads_entered_out_of_order(void)
{
	struct abi_start good = start[1];

	CHECK(go(0) == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	start[1].ocall = e.base;
	CHECK(is_refused(1, &start[1]));
	CHECK(is_refused(2, &start[2]) && is_refused(3, &start[3]));
	start[1] = good;
	CHECK(go(1) == PRINT && says(1, "child"));
	blocks[0].result = INT64_MIN; /* it did, though */
	CHECK(go(0) == ABI_OCALL_WAIT);
}

static void wakes_of_nobody(void)
{
	for (int i = 0; i < 3; i++) {
		blocks[0].result = i - 1;
		CHECK(go(0) == ABI_OCALL_WAIT);
	}
}

static void a_thread_entered_after_its_end(void)
{
	CHECK(go(1) == ABI_OCALL_WAKE && blocks[1].args[0] == 0);
	CHECK(go(1) == ABI_OCALL_EXIT_THREAD);
	for (int i = 0; i < 3; i++)
		CHECK(is_refused(1, &start[1]));
	CHECK(go(0) == PRINT && says(0, "joined"));
}

static void a_negative_time_stops_it(void)
{
	CHECK(go(0) == ABI_OCALL_SPAWN && blocks[0].args[0] == 1);
	blocks[0].result = 0;
	CHECK(go(1) == PRINT && says(1, "late child"));
	CHECK(go(0) == ABI_OCALL_CLOCK);
	blocks[0].result = -5;
	CHECK(go(0) == ABI_OCALL_ABORT && blocks[0].args[0] < 100);
	no_secrets();
}

static void entries_after_the_end(void)
{
	/* who comes back from a request after the end says so, and is no refused entry */
	for (size_t i = 0; i < 2; i++)
		CHECK(go(i) == ABI_OCALL_EXIT_THREAD);
	for (size_t i = 0; i < THREADS; i++)
		CHECK(is_refused(i, &start[i]));
}

/* ---- what scrubs, taken out: the checks above have to see it ---- */

/* RCX to R15 but for those that are the host's, as entry.S zeroes them. */
static const uint8_t zeroing[] = {
    0x31, 0xc9, 0x31, 0xd2, 0x31, 0xf6, 0x31, 0xff, 0x45, 0x31, 0xc0, 0x45, 0x31, 0xc9, 0x45, 0x31,
    0xd2, 0x45, 0x31, 0xdb, 0x45, 0x31, 0xe4, 0x45, 0x31, 0xed, 0x45, 0x31, 0xf6, 0x45, 0x31, 0xff};
static const uint8_t flags_set[] = {0x6a, 0x02, 0x9d, 0x8b, 0x05}; /* push $2; popf; the next one's begin */
static const uint8_t xrstor[] = {0x48, 0x0f, 0xae, 0x2d};
enum {
	XRSTOR_SIZE = 8,
	FLAGS_SIZE = 3,
	/* in entry.S's order: a thread's begin, back from a request, an exception's begin and end, a request */
	BACK = 2,
	LEAVE = 5,
	EVERY = 0,
};

/* `size` bytes at `skip` of the n-th place that has `pattern` become instructions that do nothing. */
static struct file without(const struct file *elf, const uint8_t *pattern, size_t pattern_size, size_t n,
			   size_t skip, size_t size)
{
	static const uint8_t nops[][XRSTOR_SIZE] = {[2] = {0x66, 0x90},
						    [3] = {0x0f, 0x1f, 0x00},
						    [8] = {0x0f, 0x1f, 0x84}};
	struct file f = {malloc(elf->size), elf->size};
	uint8_t *at = f.data;
	size_t count = 0, changed = 0;

	if (!at)
		exit(1);
	memcpy(at, elf->data, elf->size);
	while ((at = memmem(at, (size_t)(f.data + f.size - at), pattern, pattern_size))) {
		if (n == EVERY || ++count == n) {
			memcpy(at + skip, nops[size], size);
			changed++;
		}
		at += pattern_size;
	}
	CHECK(changed == (n == EVERY ? 2 : 1));
	return f;
}

static void load(const struct backend *backend, const struct file *elf, const struct file *pem,
		 struct sign_image *made)
{
	struct sign_options options = small_options();
	struct err_ctx err = {0};

	if (sign_build(elf->data, elf->size, &options, made, &err) ||
	    sign_sign(made, pem->data, pem->size, &options, &err) ||
	    image_parse(made->data, made->size, &image, &err) || host_load(backend, &image, &e, &err))
		die_of("test_edge", &err);
	for (size_t i = 0; i < THREADS; i++)
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
}

/* What the host then sees, or the program says of what it was left. */
static void leaks(const struct backend *backend, const struct file *pem, struct file elf,
		  unsigned int set, const char *inside)
{
	struct sign_image made;

	load(backend, &elf, pem, &made);
	CHECK(go(0) == PRINT && says(0, "start"));
	CHECK(go(0) == ABI_OCALL_YIELD);
	CHECK(seen() == set);
	CHECK(go(0) == PRINT && says(0, inside));
	host_unload(&e);
	sign_deinit(&made);
	free(elf.data);
}

static void scrubbing_taken_out(const struct backend *backend, bool hostile, const struct file *elf,
				const struct file *pem)
{
	/*
	 * Numbers as the processor's, in the order of `zeroing`. RCX and RDX come before them: one is what EEXIT makes
	 * it, the other XRSTOR's, zero already.
	 */
	static const unsigned int regs[] = {6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	size_t at = 4;

	for (size_t i = 0; i < sizeof(regs) / sizeof(*regs); i++) {
		size_t size = regs[i] < 8 ? 2 : 3;

		leaks(backend, pem, without(elf, zeroing, sizeof(zeroing), EVERY, at, size), 1u << regs[i],
		      "clean");
		at += size;
	}
	leaks(backend, pem, without(elf, xrstor, sizeof(xrstor), LEAVE, 0, XRSTOR_SIZE), EXTENDED, "clean");
	if (!hostile)
		return;
	leaks(backend, pem, without(elf, xrstor, sizeof(xrstor), BACK, 0, XRSTOR_SIZE), 0,
	      "the host's registers");
	leaks(backend, pem, without(elf, flags_set, sizeof(flags_set), BACK, 0, FLAGS_SIZE), 0,
	      "the host's flags");
}

static void told(const char *name, int before)
{
	printf("%s %s\n", failures == before ? "ok" : "NOT OK", name);
}

int main(int argc, char **argv)
{
#define TEST(f) {#f, f}
	static const struct {
		const char *name;
		void (*run)(void);
	} tests[] = {
	    /* one enclave: each goes on where the one before has left it */
	    TEST(entered_before_anybody_asked),
	    TEST(start_block_that_is_not_outside),
	    TEST(blocks_that_are_not_outside),
	    TEST(blocks_of_wrong_shape),
	    TEST(a_second_first_thread),
	    TEST(registers_at_exit_and_entry),
	    TEST(a_clock_that_goes_back),
	    TEST(sleeps_that_end_at_once),
	    TEST(a_handler_entered_twice),
	    TEST(a_stack_that_is_taken_away),
	    TEST(a_thread_entered_after_it_was_refused),
	    TEST(threads_entered_out_of_order),
	    TEST(wakes_of_nobody),
	    TEST(a_thread_entered_after_its_end),
	    TEST(a_negative_time_stops_it),
	    TEST(entries_after_the_end),
	};
	const struct backend *backend;
	struct sign_image made;
	struct err_ctx err = {0};
	struct file elf, pem;
	unsigned int modes;
	int before = 0;

	if (argc != 3)
		return 2;
	elf = read_whole(argv[1]);
	pem = new_key(3072, 3);
	if (emulation_parse_modes(argv[2], &modes, &err) || backend_emulated(modes, &backend, &err))
		die_of("test_edge", &err);
	load(backend, &elf, &pem, &made);
	for (size_t i = 0; i < sizeof(tests) / sizeof(*tests); i++) {
		before = failures;
		tests[i].run();
		told(tests[i].name, before);
	}
	host_unload(&e);
	sign_deinit(&made);
	before = failures;
	scrubbing_taken_out(backend, modes & EMULATION_FAULT, &elf, &pem);
	told("scrubbing_taken_out", before);
	free(elf.data);
	free(pem.data);
	printf("edge: %d failures\n", failures);
	return failures != 0;
}

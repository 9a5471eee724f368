// SPDX-License-Identifier: MIT
/*
 * The exception handler on SSA frames made by hand: what the emulation doesn't raise (CPUID,
 * RDTSC), and what a hostile host could put together.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/* after those that it needs */
#include <cmocka.h>

#include "../exception.c"
#include "native_enclave.h"

uint64_t trusted_xfrm = ABI_XFRM_LEGACY;
__asm__(".section .rodata\n.globl trusted_edge, trusted_edge_end\n.hidden trusted_edge, "
	"trusted_edge_end\n"
	"trusted_edge: .zero 64\ntrusted_edge_end: .byte 0\n.text\n");
static uint8_t *base;
static struct abi_gprsgx *g;

void trusted_restore(const struct trusted_frame *frame)
{
	(void)frame;
	abort();
}

long trusted_syscall(long n, long a, long b, long c, long d, long e, long f)
{
	return n + a + b + c + d + e + f;
}

static void raise_at(uint32_t vector, uint64_t rip)
{
	g->exitinfo =
	    ABI_EXITINFO_VALID | ABI_EXITINFO_HARDWARE << ABI_EXITINFO_TYPE_SHIFT | vector;
	g->rip = rip;
	g->rsp = native.base + LAYOUT_THREAD + LAYOUT_STACK;
}

static void put_code(const char *bytes, size_t size)
{
	memcpy(base + LAYOUT_CODE, bytes, size);
}

/* The kernel's call, with a structure that lies inside. */
static void set_handler(int sig, uint64_t handler, uint64_t flags)
{
	struct trusted_action *a = (struct trusted_action *)(base + LAYOUT_DATA);

	*a = (struct trusted_action){.handler = handler, .flags = flags};
	assert_int_equal(trusted_sigaction(sig, a, NULL, 8), 0);
}

static int begin(void **state)
{
	(void)state;
	base = layout_enclave();
	g = interrupted();
	trusted_xfrm = ABI_XFRM_LEGACY;
	set_handler(SIGILL, 0, 0);
	set_handler(SIGSEGV, 0, 0);
	return 0;
}

static void test_cpuid(void **state)
{
	(void)state;
	put_code("\x0f\xa2", 2);
	for (int avx = 0; avx < 2; avx++) {
		trusted_xfrm = avx ? 7 : 3;
		raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE);
		g->rax = 1;
		trusted_exception();
		assert_int_equal(g->rip, (uint64_t)base + LAYOUT_CODE + 2);
		assert_int_equal(g->rcx >> 28 & 1, avx);
		assert_int_equal(g->rcx >> 30 & 1, 1);
		assert_int_equal(g->exitinfo, 0);
		raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE);
		g->rax = 7;
		g->rcx = 0;
		trusted_exception();
		assert_int_equal(g->rbx >> 5 & 1, avx);
		raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE);
		g->rax = 0x12; /* SGX, says the host? */
		trusted_exception();
		assert_int_equal(g->rax | g->rbx | g->rcx | g->rdx, 0);
	}
	raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE);
	g->rax = 0;
	trusted_exception();
	assert_memory_equal(&g->rbx, "Genu", 4);
}

static void test_rdtsc(void **state)
{
	uint64_t before = 0;

	(void)state;
	put_code("\x0f\x31\x0f\x01\xf9", 5);
	for (int i = 0; i < 10; i++) {
		uint64_t now;

		raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE + (i % 2 ? 2 : 0));
		trusted_exception();
		now = g->rdx << 32 | g->rax;
		assert_true(now > before && g->rax >> 32 == 0);
		assert_int_equal(g->rip, (uint64_t)base + LAYOUT_CODE + (i % 2 ? 5 : 2));
		before = now;
	}
}

/* Nothing is done that EXITINFO doesn't say. */
static void test_spurious(void **state)
{
	struct abi_gprsgx copy;

	(void)state;
	put_code("\x0f\xa2", 2);
	raise_at(ABI_VECTOR_UD, (uint64_t)base + LAYOUT_CODE);
	g->exitinfo &= ~ABI_EXITINFO_VALID;
	copy = *g;
	trusted_exception();
	assert_memory_equal(&copy, g, sizeof(copy));
}

static void test_edge(void **state)
{
	struct abi_exinfo *x = (struct abi_exinfo *)g - 1;

	(void)state;
	set_handler(SIGILL, 0x1234, 0);
	set_handler(SIGSEGV, 0x1234, 0);
	/* whatever has handlers: RSP can be the host's there */
	raise_at(ABI_VECTOR_UD, (uint64_t)trusted_edge + 4);
	g->rsp = (uint64_t)layout_arenas[0] + 4096;
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)trusted_abort);
	assert_true(trusted_inside((void *)g->rsp, 8));
	/* a page of ours is late */
	raise_at(ABI_VECTOR_PF, (uint64_t)trusted_edge + 8);
	x->maddr = native.base + LAYOUT_THREAD + LAYOUT_STACK - ABI_PAGE;
	x->errcd = ABI_PF_WRITE | ABI_PF_USER;
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)trusted_edge + 8);
	/* one that isn't ours */
	raise_at(ABI_VECTOR_PF, (uint64_t)trusted_edge + 8);
	x->maddr = (uint64_t)layout_arenas[0];
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)trusted_abort);
}

static void test_page_faults(void **state)
{
	struct abi_exinfo *x = (struct abi_exinfo *)g - 1;
	const uint64_t code = native.base + LAYOUT_CODE, data = native.base + LAYOUT_DATA;
	const struct {
		uint64_t addr;
		uint32_t kind;
		bool ignored;
	} cases[] = {
	    {data, 0, true},
	    {data, ABI_PF_WRITE, true},
	    {data, ABI_PF_FETCH, false},
	    {code, ABI_PF_FETCH, true},
	    {code, ABI_PF_WRITE, false},
	    {native.base, ABI_PF_WRITE, false},
	    {0, 0, false},
	    {native.base - ABI_PAGE, 0, false},
	    {native.base + LAYOUT_SIZE, 0, false},
	    {native.base + LAYOUT_HEAP + 20 * ABI_PAGE, 0, false}, /* nothing mapped */
	    {native.base + LAYOUT_HEAP, 0, true},		   /* the runtime's own */
	    {UINT64_MAX & ~4095ull, 0, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		raise_at(ABI_VECTOR_PF, code);
		x->maddr = cases[i].addr;
		x->errcd = cases[i].kind | ABI_PF_USER;
		trusted_exception();
		assert_int_equal(g->exitinfo, 0);
		if (cases[i].ignored)
			assert_int_equal(g->rip, code);
		else
			assert_int_equal(g->rip, (uint64_t)signal_die);
	}
	/* what it has given us is gone: no signal of the program's */
	set_handler(SIGSEGV, 0x1234, 0);
	raise_at(ABI_VECTOR_PF, code);
	x->maddr = (uint64_t)layout_arenas[0] & ~4095ull;
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)trusted_abort);
	/* nor of the ring; elsewhere it is the program's own fault, and its handler runs */
	trusted_borrow((const void *)(native.base + LAYOUT_SIZE), ABI_PAGE);
	trusted_borrow((const void *)(native.base + LAYOUT_SIZE + ABI_PAGE), ABI_PAGE);
	for (uint64_t i = 0; i < 3; i++) {
		raise_at(ABI_VECTOR_PF, code);
		x->maddr = native.base + LAYOUT_SIZE + i * ABI_PAGE;
		trusted_exception();
		assert_int_equal(g->rip, i < 2 ? (uint64_t)trusted_abort : (uint64_t)run_frame);
	}
	trusted_borrow(NULL, 0);
	trusted_borrow(NULL, 0);
}

static void test_frames(void **state)
{
	const uint64_t code = native.base + LAYOUT_CODE;
	const uint64_t bad[] = {0,
				8,
				0x1000,
				(uint64_t)layout_arenas[0] + 8192,
				native.base,
				native.base + LAYOUT_CODE + 0x800,
				native.base + LAYOUT_SIZE,
				native.base + LAYOUT_HEAP + 30 * ABI_PAGE,
				UINT64_MAX,
				1ull << 63};
	const struct trusted_frame *frame;

	(void)state;
	set_handler(SIGILL, 0x1234, 0);
	put_code("\x0f\x0b", 2);
	raise_at(ABI_VECTOR_UD, code);
	g->rbx = 77;
	interrupted_xsave()[200] = 9;
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)run_frame);
	frame = (const struct trusted_frame *)g->rdi;
	assert_true((uint64_t)frame % 64 == 0 && g->rsp < (uint64_t)frame);
	assert_int_equal(frame->regs.rbx, 77);
	assert_int_equal(frame->regs.rip, code);
	assert_int_equal(frame->sig, SIGILL);
	assert_int_equal(frame->xsave[200], 9);
	assert_int_equal(interrupted_xsave()[200], 0);
	assert_true((uint64_t)frame + sizeof(*frame) + xsave_size() <=
		    native.base + LAYOUT_THREAD + LAYOUT_STACK - RED_ZONE);
	/* stacks that are none */
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		raise_at(ABI_VECTOR_UD, code);
		g->rsp = bad[i];
		trusted_exception();
		assert_int_equal(g->rip, (uint64_t)signal_die);
	}
	/* in the middle of the runtime's own work */
	trusted_self()->lock_depth = 1;
	raise_at(ABI_VECTOR_UD, code);
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)trusted_abort);
	trusted_self()->lock_depth = 0;
	/* blocked */
	trusted_self()->blocked = 1ull << (SIGILL - 1);
	raise_at(ABI_VECTOR_UD, code);
	trusted_exception();
	assert_int_equal(g->rip, (uint64_t)signal_die);
	trusted_self()->blocked = 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup(test_cpuid, begin),
	    cmocka_unit_test_setup(test_rdtsc, begin),
	    cmocka_unit_test_setup(test_spurious, begin),
	    cmocka_unit_test_setup(test_edge, begin),
	    cmocka_unit_test_setup(test_page_faults, begin),
	    cmocka_unit_test_setup(test_frames, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

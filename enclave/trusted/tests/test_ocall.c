// SPDX-License-Identifier: MIT
/* Copies between the worlds, and start blocks that a hostile host gives. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
/* after those that it needs */
#include <cmocka.h>

#include "native.h"
#include "trusted/ocall.h"

#define ENCLAVE_SIZE (1ull << 20)

static uint8_t *enclave;

static int setup(void **state)
{
	(void)state;
	enclave = aligned_alloc(ENCLAVE_SIZE, ENCLAVE_SIZE);
	if (!enclave)
		return -1;
	native.base = (uint64_t)enclave;
	((struct abi_thread *)native.pages[0])->size = ENCLAVE_SIZE;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(enclave);
	return 0;
}

static void test_outside(void **state)
{
	uint64_t base = (uint64_t)enclave;

	(void)state;
	assert_true(trusted_outside((void *)(base - 16), 16));
	assert_false(trusted_outside((void *)(base - 16), 17));
	assert_false(trusted_outside((void *)(base + 8), 8));
	assert_false(trusted_outside((void *)(base - 8), ENCLAVE_SIZE + 16));
	assert_false(trusted_outside((void *)(base + ENCLAVE_SIZE - 1), 1));
	assert_true(trusted_outside((void *)(base + ENCLAVE_SIZE), 4096));
	assert_false(trusted_outside((void *)(base + ENCLAVE_SIZE), UINT64_MAX - 8));
	assert_false(trusted_outside((void *)(UINT64_MAX - 7), 8));
	assert_false(trusted_outside((void *)((1ull << 47) - 8), 9));
	assert_true(trusted_inside((void *)base, ENCLAVE_SIZE));
	assert_false(trusted_inside((void *)base, ENCLAVE_SIZE + 1));
	assert_false(trusted_inside((void *)(base - 1), 1));
	assert_false(trusted_inside((void *)(base + 8), UINT64_MAX));
}

static void test_copy(void **state)
{
	_Alignas(8) uint8_t out[64], expect[64];
	uint8_t in[64], back[64];

	(void)state;
	for (size_t i = 0; i < sizeof(in); i++)
		in[i] = (uint8_t)(i * 7 + 1);
	for (size_t at = 0; at < 17; at++) {
		for (size_t size = 0; size + at <= 40; size++) {
			memset(out, 0xee, sizeof(out));
			memset(expect, 0xee, sizeof(expect));
			memcpy(expect + at, in, size);
			trusted_copy_out(out + at, in, size);
			assert_memory_equal(out, expect, sizeof(out));
			memset(back, 0x11, sizeof(back));
			trusted_copy_in(back, out + at, size);
			assert_memory_equal(back, in, size);
			assert_int_equal(back[size], 0x11);
		}
	}
}

static void test_start_blocks(void **state)
{
	static _Alignas(8) uint8_t arena[ABI_ARENA_SIZE];
	static struct abi_ocall call;
	static uint64_t signals;
	const struct abi_start good = {
	    .version = ABI_START_VERSION,
	    .size = sizeof(good),
	    .ocall = (uint64_t)&call,
	    .arena = (uint64_t)arena,
	    .arena_size = sizeof(arena),
	    .signals = (uint64_t)&signals,
	};
	const uint64_t bad_addresses[] = {0,
					  (uint64_t)enclave,
					  (uint64_t)enclave - 8,
					  (uint64_t)enclave + ENCLAVE_SIZE - 8,
					  (uint64_t)arena + 4,
					  UINT64_MAX - 7,
					  1ull << 47,
					  1ull << 63};
	struct trusted_thread *self = trusted_self();
	struct abi_start s = good, got;

	(void)state;
	assert_true(ocall_take_start(self, &s, &got));
	assert_ptr_equal(self->arena, arena);
	for (size_t i = 0; i < sizeof(bad_addresses) / sizeof(*bad_addresses); i++) {
		uint64_t bad = bad_addresses[i];

		assert_false(ocall_take_start(self, (const void *)bad, &got));
		s = good;
		s.ocall = bad;
		assert_false(ocall_take_start(self, &s, &got));
		s = good;
		s.arena = bad;
		assert_false(ocall_take_start(self, &s, &got));
		s = good;
		/* one word just before the enclave is fine */
		s.signals = bad == (uint64_t)enclave - 8 ? (uint64_t)enclave : bad;
		assert_false(ocall_take_start(self, &s, &got));
	}
	s = good;
	s.version++;
	assert_false(ocall_take_start(self, &s, &got));
	s = good;
	s.size--;
	assert_false(ocall_take_start(self, &s, &got));
	s = good;
	s.arena_size = ABI_ARENA_SIZE - 8;
	assert_false(ocall_take_start(self, &s, &got));
	s = good;
	s.arena_size = UINT64_MAX - 7;
	assert_false(ocall_take_start(self, &s, &got));
	/* a structure that the enclave has is no start block */
	memcpy(enclave + 64, &good, sizeof(good));
	assert_false(ocall_take_start(self, enclave + 64, &got));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_outside),
	    cmocka_unit_test(test_copy),
	    cmocka_unit_test(test_start_blocks),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}

/* SPDX-License-Identifier: MIT */
/* What the tests and their enclave agree on. */
#ifndef SCW_TESTS_TINY_H
#define SCW_TESTS_TINY_H

#include "abi/sgx.h"

enum tiny_op {
	TINY_ADD = 1,	   /* a + b to result */
	TINY_WRITE,	   /* b to the address a */
	TINY_READ,	   /* 8 bytes at the address a to result */
	TINY_REPORT,	   /* for itself, data a: report; key: its report key; seal keys */
	TINY_SYSCALL,	   /* executes `syscall` with rax = a */
	TINY_INT80,
	TINY_BREAKPOINT,
	TINY_DIVIDE,	   /* a / b to result */
	TINY_COUNT,	   /* primes below a to result: integer work on a stack */
	TINY_FLOAT,	   /* sum of 1/k, k = 1..a, to number */
	TINY_WAIT,	   /* until the host sets stop; result: rounds */
	TINY_THREAD,	   /* the thread page to thread */
	TINY_STATE,	   /* RFLAGS and MXCSR that C code sees: result, a */
	TINY_FSBASE,	   /* sets FSBASE to a and reads it back into result after a spin of b */
	TINY_UNALIGNED,	   /* EGETKEY with operands that aren't aligned */
	TINY_OUTSIDE,	   /* EREPORT with an operand outside */
	TINY_CONFIG,	   /* first 8 bytes of the configuration to result, its size to b */
	TINY_HEAP,	   /* writes b to the last bytes of the heap, reads it back into result */
	TINY_EXCEPTIONS,   /* what the exception handler saw last: exit, maddr, errcd */
};

struct tiny_args {
	uint64_t a, b, result;
	double number;
	volatile uint64_t stop;
	uint64_t thread[16];
	struct abi_report report;
	uint8_t key[ABI_KEY_SIZE];
	uint8_t seal[3][ABI_KEY_SIZE]; /* by MRENCLAVE, by MRSIGNER, by MRSIGNER again */
	uint64_t code;
	uint32_t exit_info, errcd;
	uint64_t maddr, count;
};

#endif

// SPDX-License-Identifier: MIT
/*
 * In libsodium's place of the same name: what the processor can do. An enclave can't run CPUID, and
 * what the host says of it isn't to be trusted; but every processor that has SGX has these. AVX needs
 * an enclave whose XFRM has it, which ours doesn't by default.
 */
#include "runtime.h"

int _sodium_runtime_get_cpu_features(void);

int _sodium_runtime_get_cpu_features(void)
{
	return 0;
}

#define ANSWER(what, value)                                                                        \
	int sodium_runtime_has_##what(void)                                                        \
	{                                                                                          \
		return value;                                                                      \
	}

ANSWER(neon, 0)
ANSWER(sse2, 1)
ANSWER(sse3, 1)
ANSWER(ssse3, 1)
ANSWER(sse41, 1)
ANSWER(avx, 0)
ANSWER(avx2, 0)
ANSWER(avx512f, 0)
ANSWER(pclmul, 1)
ANSWER(aesni, 1)
ANSWER(rdrand, 1)

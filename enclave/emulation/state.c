// SPDX-License-Identifier: MIT
/* What this machine's processor has of XSAVE state: sizes and places come from CPUID leaf 0DH. */
#include <cpuid.h>

#include "emu.h"

uint64_t emu_xcr0(void)
{
	uint32_t low, high, a, b, c = 0, d;

	/* OSXSAVE; without it there is no XGETBV, and only x87 and SSE */
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_OSXSAVE))
		return ABI_XFRM_LEGACY;
	__asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
	return (uint64_t)high << 32 | low;
}

size_t emu_xsave_size(uint64_t xfrm)
{
	size_t size = ABI_XSAVE_MIN_SIZE;
	uint32_t a, b, c, d;

	for (unsigned int i = 2; i < 63; i++) {
		if (!(xfrm >> i & 1))
			continue;
		if (!__get_cpuid_count(13, i, &a, &b, &c, &d))
			continue;
		if ((size_t)a + b > size)
			size = (size_t)a + b;
	}
	return size;
}

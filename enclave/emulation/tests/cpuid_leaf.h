/* SPDX-License-Identifier: MIT */
/*
 * Put in front of a program that asks CPUID leaf 12H itself (gcc -include): the answer of a
 * processor with SGX1 and SGX2 (but in mode sgx1), EXINFO, and one EPC section of SCW_EPC_MIB
 * mebibytes. CPUID can't be trapped on many machines, so that the emulation has no say in it.
 */
#include <cpuid.h>
#include <stdlib.h>
#include <string.h>

#ifndef SCW_EPC_MIB
#define SCW_EPC_MIB 32
#endif

static inline void scw_cpuid(unsigned int leaf, unsigned int sub, unsigned int *a, unsigned int *b,
			     unsigned int *c, unsigned int *d)
{
	if (leaf == 0x12) {
		*a = *b = *c = *d = 0;
		if (sub == 0) {
			const char *modes = getenv("SCW_EMULATION");

			*a = modes && strstr(modes, "sgx1") ? 1 : 3;
			*b = 1;
			*d = 36 << 8 | 31;
		} else if (sub == 1) {
			*a = 0xf6;
			*c = 7;
		} else if (sub == 2) {
			*a = 0x70000001; /* a section, at some physical address */
			*c = SCW_EPC_MIB << 20 | 1;
		}
		return;
	}
	__asm__("cpuid" : "=a"(*a), "=b"(*b), "=c"(*c), "=d"(*d) : "0"(leaf), "2"(sub));
}

#undef __cpuid_count
#define __cpuid_count(leaf, sub, a, b, c, d) scw_cpuid(leaf, sub, &(a), &(b), &(c), &(d))

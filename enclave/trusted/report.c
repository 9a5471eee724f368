// SPDX-License-Identifier: MIT
/* The one instruction that evidence needs of the processor. */
#include "link.h"

void evidence_report(const struct abi_targetinfo *target, const uint8_t data[64],
		     struct abi_report *ret)
{
	uint64_t leaf = ABI_EREPORT;

	__asm__ volatile("enclu"
			 : "+a"(leaf)
			 : "b"(target), "c"(data), "d"(ret)
			 : "memory", "cc");
}

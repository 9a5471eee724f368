// SPDX-License-Identifier: MIT
/* The instructions that evidence and notes need of the processor. */
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

bool evidence_key(const struct abi_keyrequest *request, uint8_t ret[ABI_KEY_SIZE])
{
	uint64_t leaf = ABI_EGETKEY;

	__asm__ volatile("enclu" : "+a"(leaf) : "b"(request), "c"(ret) : "memory", "cc");
	return leaf == ABI_SUCCESS;
}

// SPDX-License-Identifier: MIT
/* The processor: where we are in an enclave, and instructions that C doesn't have. */
#include "cpu.h"

extern const char __ehdr_start[] __attribute__((visibility("hidden")));

/* Components of XSAVE that are cleaned: x87 and SSE until trusted_find_xfrm() knows. */
uint64_t trusted_xfrm = ABI_XFRM_LEGACY;

uint64_t trusted_base(void)
{
	return (uint64_t)__ehdr_start;
}

const struct abi_thread *trusted_page(void)
{
	uint64_t self;

	__asm__ volatile("movq %%gs:120, %0" : "=r"(self));
	return (const struct abi_thread *)(trusted_base() + self);
}

struct trusted_thread *trusted_self(void)
{
	return (struct trusted_thread *)((uint64_t)trusted_page() + ABI_THREAD_OWN);
}

struct trusted_thread *trusted_thread_at(size_t index)
{
	const struct abi_thread *page = trusted_page();

	return (struct trusted_thread *)((uint64_t)page + ABI_THREAD_OWN +
					 (index - page->index) * page->thread_stride);
}

void trusted_write_fs(uint64_t base)
{
	trusted_self()->fs = base;
	__asm__ volatile("wrfsbase %0" : : "r"(base) : "memory");
}

bool trusted_rdrand(uint64_t *ret)
{
	uint64_t value;
	uint8_t good;

	__asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=qm"(good) : : "cc");
	*ret = value;
	return good;
}

/* A report to nobody says what the enclave's attributes are. */
void trusted_find_xfrm(void)
{
	static struct abi_targetinfo target __attribute__((aligned(ABI_TARGETINFO_ALIGN)));
	static uint8_t data[64] __attribute__((aligned(ABI_REPORT_DATA_ALIGN)));
	static struct abi_report report __attribute__((aligned(ABI_REPORT_ALIGN)));
	uint64_t leaf = ABI_EREPORT;

	__asm__ volatile("enclu"
			 : "+a"(leaf)
			 : "b"(&target), "c"(data), "d"(&report)
			 : "memory", "cc");
	trusted_xfrm = report.attributes.xfrm;
}

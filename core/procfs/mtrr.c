// SPDX-License-Identifier: MIT
/* /proc/mtrr: arch/x86/kernel/cpu/mtrr/if.c, over what the kernel keeps of the registers (generic.c, SDM 12.11). */
#include "global.h"

enum {
	RANGES_MAX = 256, /* MTRR_MAX_VAR_RANGES */
	VALID = 1 << 11,
	MIB_PAGES = 256,
	PAGE_SHIFT = 12,
};

GUEST_TYPES_BEGIN
struct mtrr_var_range {
	uint32_t base_lo, base_hi, mask_lo, mask_hi;
};
struct mtrr_state_type {
	struct mtrr_var_range var_ranges[RANGES_MAX];
};
GUEST_TYPES_END

extern struct mtrr_state_type __guest mtrr_state;
extern unsigned int __guest num_var_ranges;
extern unsigned int __guest mtrr_usage_table[];
extern void __guest *__guest mtrr_if;

bool proc_mtrr_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(mtrr_if) && guest_has_symbol(mtrr_state) && mtrr_if;
}

static uint64_t pages(uint32_t high, uint32_t low)
{
	return (uint64_t)high << (32 - PAGE_SHIFT) | low >> PAGE_SHIFT;
}

int proc_mtrr_show(const struct proc_item *it, struct seq_file *m)
{
	static const char *const types[] = { "uncachable", "write-combining", "?", "?", "write-through",
					     "write-protect", "write-back" };
	unsigned int count = num_var_ranges;

	(void)it;
	for (unsigned int i = 0; i < count && i < RANGES_MAX; i++) {
		struct mtrr_var_range __guest *r = &mtrr_state.var_ranges[i];
		uint32_t mask_lo = r->mask_lo, base_lo = r->base_lo;
		uint64_t base = pages(r->base_hi, base_lo), mask = pages(r->mask_hi, mask_lo), size;
		unsigned int type = base_lo & 0xff;
		bool small;

		if (!(mask_lo & VALID) || !mask)
			continue;
		/* all bits above the highest one are of the mask, too: as many as addresses have */
		size = -(mask | ~((1ull << (63 - __builtin_clzll(mask))) - 1));
		small = size < MIB_PAGES;
		seq_printf(m, "reg%02i: base=0x%06lx000 (%5luMB), size=%5lu%cB, count=%d: %s\n", (int)i,
			   (unsigned long)base, (unsigned long)(base / MIB_PAGES),
			   (unsigned long)(small ? size << (PAGE_SHIFT - 10) : size / MIB_PAGES), small ? 'K' : 'M',
			   (int)mtrr_usage_table[i], type < sizeof(types) / sizeof(types[0]) ? types[type] : "?");
	}
	return 0;
}

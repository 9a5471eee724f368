// SPDX-License-Identifier: MIT
/* Address spaces of guest processes. */
#include "klib/mm.h"

uint64_t klib_mm_counter(struct mm_struct __guest *mm, int64_t member, bool exact)
{
	uint64_t base = guest_addr(mm) + guest_offsetof(struct mm_struct, rss_stat);
	int64_t v;

	if ((uint64_t)member > 8) {
		guest_fault(mm);
		return 0;
	}
	if (guest_has_type(struct mm_rss_stat)) {
		atomic_long_t __guest *count = guest_ptr(struct mm_rss_stat, base)->count;

		v = (count + member)->counter;
		/* Threads save up their changes: a sum below zero is one that isn't complete. */
		return v < 0 && guest_has(struct task_struct, rss_stat) ? 0 : (uint64_t)v;
	}
	struct percpu_counter __guest *c = guest_ptr(struct percpu_counter, base) + member;
	v = exact ? percpu_counter_sum_positive(c) : percpu_counter_read_positive(c);
	return (uint64_t)v;
}

extern unsigned long __guest page_offset_base;

/* Where all physical memory is mapped, if this kernel doesn't move it (CONFIG_RANDOMIZE_MEMORY=n). */
#define PAGE_OFFSET_FIXED 0xffff888000000000ull

uint64_t klib_mm_direct(void)
{
	return guest_has_symbol(page_offset_base) ? page_offset_base : PAGE_OFFSET_FIXED;
}

bool klib_mm_space(struct mm_struct __guest *mm, struct guest_space *ret)
{
	uint64_t base = klib_mm_direct(), pgd = guest_addr(mm->pgd);

	if (pgd < base)
		return false;
	ret->top = (pgd - base) & GUEST_PAGE_MASK;
	return true;
}

size_t klib_read_mm(struct mm_struct __guest *mm, uint64_t va, void *buf, size_t size)
{
	struct guest_space as;

	if (va >> 56 || !klib_mm_space(mm, &as)) /* never a kernel address, whatever arg_start says */
		return 0;
	return guest_read_user(as, buf, va, size);
}

void klib_vma_begin(struct klib_vma_walk *w, struct mm_struct __guest *mm)
{
	w->maple = guest_has(struct mm_struct, mm_mt);
	w->bound = GUEST_BOUND(1u << 24);
	if (w->maple)
		maple_walk_begin(&w->tree, &mm->mm_mt);
	else
		w->next = mm->mmap;
}

struct vm_area_struct __guest *klib_vma_next(struct klib_vma_walk *w)
{
	struct vm_area_struct __guest *vma;

	if (w->maple)
		return guest_ptr(struct vm_area_struct, guest_addr(maple_walk_next(&w->tree)));
	vma = w->next;
	if (vma) {
		if (!guest_more_at(&w->bound, vma))
			return NULL;
		w->next = vma->vm_next;
	}
	return vma;
}

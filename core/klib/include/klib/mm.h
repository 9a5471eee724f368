/* SPDX-License-Identifier: MIT */
/* Address spaces: their counters, areas and bytes (include/linux/mm.h, mm/memory.c). */
#ifndef SCW_KLIB_MM_H
#define SCW_KLIB_MM_H

#include "klib/cpumask.h"
#include "klib/types_mm.h"

/* The mm of a user task; NULL for kernel threads, also those that borrow one, and zombies. */
static inline struct mm_struct __guest *get_task_mm(struct task_struct __guest *t)
{
	const unsigned int pf_kthread = 0x00200000;

	return t->flags & pf_kthread ? NULL : t->mm;
}

/*
 * Pages counted under `member`, an enumerator such as guest_enum_any(MM_ANONPAGES). `exact` sums
 * the CPUs' shares where the kernel keeps such.
 */
uint64_t klib_mm_counter(struct mm_struct __guest *mm, int64_t member, bool exact);

/* Where all physical memory is mapped. */
uint64_t klib_mm_direct(void);

/* The address space of a process; false when it can't be. */
bool klib_mm_space(struct mm_struct __guest *mm, struct guest_space *ret);

/*
 * Copy from the memory of a process. Returns how many bytes could be read from the start on: what
 * was swapped out, or never touched, is not there.
 */
size_t klib_read_mm(struct mm_struct __guest *mm, uint64_t va, void *buf, size_t size);

/* The areas in order of address, whichever way this kernel keeps them. */
struct klib_vma_walk {
	bool maple;
	struct maple_walk tree;
	struct guest_bound bound;
	struct vm_area_struct __guest *next;
};

void klib_vma_begin(struct klib_vma_walk *w, struct mm_struct __guest *mm);
struct vm_area_struct __guest *klib_vma_next(struct klib_vma_walk *w);

#endif

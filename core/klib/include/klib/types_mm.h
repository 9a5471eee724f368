/* SPDX-License-Identifier: MIT */
/* Guest types of address spaces. Only members that somebody reads. */
#ifndef SCW_KLIB_TYPES_MM_H
#define SCW_KLIB_TYPES_MM_H

#include "klib/maple.h"
#include "klib/types_task.h"

GUEST_TYPES_BEGIN

struct anon_vma_name {
	char name[];
};

struct vm_operations_struct {
	void __guest *name;
	void __guest *huge_fault;
};

struct mempolicy;

struct vm_area_struct {
	unsigned long vm_start;
	unsigned long vm_end;
	struct vm_area_struct __guest *vm_next; /* until 6.0 */
	struct mm_struct __guest *vm_mm;
	unsigned long vm_flags;
	unsigned long vm_pgoff;
	struct file __guest *vm_file;
	struct vm_operations_struct __guest *vm_ops;
	void __guest *vm_private_data;
	struct anon_vma_name __guest *anon_name;
	struct mempolicy __guest *vm_policy;
};

/* The name of the counters' record until 6.1; after that they are percpu_counters. */
struct mm_rss_stat {
	atomic_long_t count[4];
};

typedef struct {
	unsigned long untag_mask;
	void __guest *vdso;
} mm_context_t;

struct mm_struct {
	struct vm_area_struct __guest *mmap; /* until 6.0 */
	struct maple_tree mm_mt;
	void __guest *pgd;
	int map_count, numa_scan_seq;
	unsigned long hiwater_rss, hiwater_vm;
	unsigned long total_vm, locked_vm;
	atomic64_t pinned_vm;
	unsigned long data_vm, exec_vm, stack_vm;
	unsigned long start_code, end_code, start_data, end_data;
	unsigned long start_brk, brk, start_stack;
	unsigned long arg_start, arg_end, env_start, env_end;
	char rss_stat[1]; /* one of two records: see klib/mm.h */
	atomic_long_t pgtables_bytes;
	atomic_long_t hugetlb_usage;
	unsigned long saved_auxv[1];
	mm_context_t context;
	unsigned long flags;
	unsigned long ksm_merging_pages; /* since 5.19 */
	unsigned long ksm_rmap_items;
	atomic_long_t ksm_zero_pages;
	void __guest *core_state; /* until 5.15; then in signal_struct */
	struct user_namespace __guest *user_ns;
	struct file __guest *exe_file;
};

GUEST_TYPES_END

#endif

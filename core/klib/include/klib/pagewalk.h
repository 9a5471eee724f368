/* SPDX-License-Identifier: MIT */
/*
 * What a process's page tables hold, and what the kernel knows of the pages that they lead to
 * (mm/pagewalk.c, include/linux/mm.h, arch/x86/include/asm/pgtable.h). The tables are read through the
 * direct map like everything else, so all sources serve.
 */
#ifndef SCW_KLIB_PAGEWALK_H
#define SCW_KLIB_PAGEWALK_H

#include "klib/mm.h"

enum {
	KLIB_PTE_PRESENT = 1 << 0,
	KLIB_PTE_ACCESSED = 1 << 5,
	KLIB_PTE_HUGE = 1 << 7,
	KLIB_PTE_PROTNONE = 1 << 8,
	KLIB_PTE_SPECIAL = 1 << 9,
	KLIB_HUGE_SHIFT = 21,	 /* of a page mapped by an entry of the second level */
	KLIB_HUGE_PAGES = 512,
	KLIB_WALK_MAX = 1 << 27, /* entries looked at in one file: 512 GiB of small pages */
};

struct klib_pagewalk {
	struct guest_bound bound;
	struct mm_struct __guest *mm;
	uint64_t direct;     /* where physical address 0 is mapped */
	uint64_t vmemmap;    /* the struct page of frame 0 */
	uint64_t page_size;  /* bytes of a struct page */
	uint64_t frames;     /* the last frame that has one */
	unsigned int levels;
};

/* An entry as the walk comes by it: `size` bytes of memory from `va` on. */
struct klib_entry {
	uint64_t va, size;
	uint64_t entry;	    /* 0: a hole, or what isn't mapped by a table that is there */
	unsigned int level; /* 1: a page's; 2, 3: of a huge one */
	uint64_t at;	    /* guest address of the entry; none in holes */
};
typedef void klib_entry_fn(void *arg, const struct klib_entry *e);

/* Is there anything to walk? Reads nothing that isn't the kernel's. */
bool klib_pagewalk_begin(struct klib_pagewalk *w, struct mm_struct __guest *mm);
/* All entries of [from, to) in order; holes as large as they come. */
void klib_pagewalk_range(struct klib_pagewalk *w, uint64_t from, uint64_t to, klib_entry_fn *fn,
			 void *arg);
/*
 * Where pages come from afar: say that the tables of [from, to) of this process are read, and if `pages`
 * what the kernel knows of the pages that they lead to.
 */
void klib_pagewalk_ahead(struct klib_pagewalk *w, bool pages);

static inline bool klib_pte_present(uint64_t pte)
{
	return pte & (KLIB_PTE_PRESENT | KLIB_PTE_PROTNONE);
}

/* The frame of an entry that is present, of level 1 or 2. */
uint64_t klib_pte_frame(const struct klib_entry *e);
bool klib_pte_dirty(uint64_t pte);

/* Entries of swapped out pages: which swap file, which page of it (arch/x86/include/asm/pgtable_64.h). */
static inline unsigned int klib_swap_type(uint64_t pte)
{
	return (unsigned int)(pte >> 59);
}

static inline uint64_t klib_swap_offset(uint64_t pte)
{
	return ~pte << 5 >> 14;
}

/* What the kernel knows of a page (include/linux/mm_types.h: struct page). */
struct klib_page {
	uint64_t flags;	 /* those of the folio that it is part of */
	uint64_t at, head; /* struct page of it, and of the folio's first page */
	bool large;
	bool anon, ksm;
};

/* false: it has no struct page. */
bool klib_page_get(const struct klib_pagewalk *w, uint64_t frame, struct klib_page *ret);
/* References to its folio. */
int klib_page_count(const struct klib_page *p);
/* How often it is mapped, `n` pages behind this one in the same folio. */
int klib_page_mapcount(const struct klib_pagewalk *w, const struct klib_page *p, uint64_t n);

static inline bool klib_page_flag(const struct klib_page *p, int64_t bit)
{
	return (uint64_t)bit < 64 && p->flags >> bit & 1;
}
/* PG_dirty and its like, asked of the guest; a flag that this kernel hasn't got isn't set. */
#define KLIB_PAGE_FLAG(p, name) klib_page_flag(p, guest_enum(enum pageflags, name))

#endif

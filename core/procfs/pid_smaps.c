// SPDX-License-Identifier: MIT
/* /proc/PID/smaps, smaps_rollup: what each area of a process has in memory (fs/proc/task_mmu.c). */
#include <errno.h>
#include <string.h>

#include "klib/pagewalk.h"
#include "klib/path.h"
#include "klib/text.h"
#include "klib/xarray.h"
#include "pid.h"

GUEST_TYPES_BEGIN
struct address_space { /* include/linux/fs.h */
	struct xarray i_pages;
	const void __guest *a_ops;
	atomic_t nr_thps; /* where read-only files may have huge pages */
};

struct shmem_inode_info { /* include/linux/shmem_fs.h */
	unsigned long swapped;
	char vfs_inode[1];
};

struct shmem_sb_info {
	signed char huge;
};

struct hugetlbfs_sb_info { /* include/linux/hugetlb.h */
	struct hstate __guest *hstate;
};

struct hstate {
	unsigned int order;
};

struct swap_info_struct { /* include/linux/swap.h */
	unsigned char __guest *swap_map;
	unsigned int max;
};
GUEST_TYPES_END

extern const char __guest shmem_aops, shmem_vm_ops, shmem_anon_vm_ops, show_smap, hugepage_vma_check;
extern unsigned long __guest transparent_hugepage_flags, huge_anon_orders_always,
	huge_anon_orders_madvise, huge_anon_orders_inherit, huge_shmem_orders_always,
	huge_shmem_orders_madvise, huge_shmem_orders_inherit, huge_shmem_orders_within_size,
	huge_zero_pfn;
extern int __guest shmem_huge;
extern unsigned int __guest nr_swapfiles;
extern struct swap_info_struct __guest *__guest swap_info[];
extern struct cpuinfo_x86 __guest boot_cpu_data;

GUEST_TYPES_BEGIN
struct cpuinfo_x86 {
	uint32_t x86_capability[1];
};
GUEST_TYPES_END

/* include/linux/mm.h */
#define VM_WRITE_BIT	    (1ull << 1)
#define VM_EXEC_BIT	    (1ull << 2)
#define VM_SHARED_BIT	    (1ull << 3)
#define VM_PFNMAP_BIT	    (1ull << 10)
#define VM_LOCKED_BIT	    (1ull << 13)
#define VM_HUGETLB_BIT	    (1ull << 22)
#define VM_MIXEDMAP_BIT	    (1ull << 28)
#define VM_HUGEPAGE_BIT	    (1ull << 29)
#define VM_NOHUGEPAGE_BIT   (1ull << 30)
/* VM_SPECIAL and VM_HUGETLB: VM_NO_KHUGEPAGED */
#define VM_NO_KHUGEPAGED    (1ull << 14 | 1ull << 18 | VM_PFNMAP_BIT | VM_MIXEDMAP_BIT | VM_HUGETLB_BIT)

enum {
	PSS_SHIFT = 12,
	PAGE_SIZE = 4096,
	HUGE_SIZE = 1 << KLIB_HUGE_SHIFT,
	HUGE_ORDER = 9,
	SWAP_FILES_MAX = 32,
	SWAP_HAS_CACHE = 0x40,
	SWAP_CONTINUED = 0x80,
	FLAG_NAMES = 64,
};

/* ---- what is counted ---- */

struct sizes {
	uint64_t resident, shared_clean, shared_dirty, private_clean, private_dirty, referenced;
	uint64_t anonymous, ksm, lazyfree, anonymous_thp, shmem_thp, file_thp;
	uint64_t swap, shared_hugetlb, private_hugetlb;
	/* these shifted by PSS_SHIFT */
	uint64_t pss, pss_anon, pss_file, pss_shmem, pss_dirty, pss_locked, swap_pss;
};

struct smaps {
	const struct proc_item *it;
	struct seq_file *m;
	struct klib_pagewalk walk;
	struct sizes sizes;
	unsigned int swap_files;
	/* of the area at hand: */
	struct vm_area_struct __guest *vma;
	uint64_t flags, start;
	struct xarray __guest *swapped; /* where holes may be pages that shmem swapped out */
	uint64_t pgoff;
};

static void account(struct smaps *s, const struct klib_page *p, uint64_t size, uint64_t pss,
		    bool dirty, bool private)
{
	struct sizes *z = &s->sizes;

	z->pss += pss;
	if (p->anon)
		z->pss_anon += pss;
	else if (KLIB_PAGE_FLAG(p, PG_swapbacked))
		z->pss_shmem += pss;
	else
		z->pss_file += pss;
	if (s->flags & VM_LOCKED_BIT)
		z->pss_locked += pss;
	if (dirty)
		z->pss_dirty += pss;
	*(dirty ? private ? &z->private_dirty : &z->shared_dirty :
	  private ? &z->private_clean : &z->shared_clean) += size;
}

static void account_page(struct smaps *s, const struct klib_page *p, uint64_t pages, uint64_t entry)
{
	struct sizes *z = &s->sizes;
	bool dirty = klib_pte_dirty(entry) || KLIB_PAGE_FLAG(p, PG_dirty);
	uint64_t size = pages * PAGE_SIZE;

	if (p->anon) {
		z->anonymous += size;
		if (!KLIB_PAGE_FLAG(p, PG_swapbacked) && !dirty)
			z->lazyfree += size;
	}
	if (p->ksm)
		z->ksm += size;
	z->resident += size;
	if (entry & KLIB_PTE_ACCESSED || KLIB_PAGE_FLAG(p, PG_young) ||
	    KLIB_PAGE_FLAG(p, PG_referenced))
		z->referenced += size;
	if (klib_page_count(p) == 1) {
		account(s, p, size, size << PSS_SHIFT, dirty, true);
		return;
	}
	for (uint64_t i = 0; i < pages; i++) {
		int count = klib_page_mapcount(&s->walk, p, i);
		uint64_t pss = (uint64_t)PAGE_SIZE << PSS_SHIFT;

		if (count >= 2)
			pss /= (uint64_t)count;
		account(s, p, PAGE_SIZE, pss, dirty, count < 2);
	}
}

/* How many pages of processes are in this place of a swap file (mm/swapfile.c: swp_swapcount()). */
static unsigned int swap_count(unsigned int type, uint64_t offset)
{
	struct swap_info_struct __guest *si = swap_info[type];
	unsigned int count;

	if (!guest_has(struct swap_info_struct, swap_map) || !si || offset >= si->max)
		return 0;
	count = si->swap_map[offset];
	/* what is beyond 62 is counted elsewhere */
	return count & ~(unsigned int)(SWAP_HAS_CACHE | SWAP_CONTINUED);
}

static void count_swapped(struct smaps *s, uint64_t entry)
{
	unsigned int type = klib_swap_type(entry), count;

	/* others aren't in a swap file: pages that are moved right now, or poisoned, or marks */
	if (type >= s->swap_files)
		return;
	count = swap_count(type, klib_swap_offset(entry));
	s->sizes.swap += PAGE_SIZE;
	s->sizes.swap_pss += ((uint64_t)PAGE_SIZE << PSS_SHIFT) / (count >= 2 ? count : 1);
}

/* Pages in [from, to) of a shmem file that are swapped out: their entries aren't pointers. */
static uint64_t shmem_swapped(struct xarray __guest *pages, uint64_t from, uint64_t to)
{
	struct guest_bound b = GUEST_BOUND(KLIB_WALK_MAX);
	uint64_t count = 0;

	while (from < to && guest_more(&b)) {
		void __guest *entry = xa_find(pages, &from);

		if (!entry || from >= to)
			break;
		count += guest_addr(entry) & 1;
		from++;
	}
	return count * PAGE_SIZE;
}

static void count_hole(struct smaps *s, const struct klib_entry *e)
{
	uint64_t from;

	if (!s->swapped)
		return;
	from = s->pgoff + ((e->va - s->start) >> 12);
	s->sizes.swap += shmem_swapped(s->swapped, from, from + (e->size >> 12));
}

static void count_huge(struct smaps *s, const struct klib_entry *e)
{
	uint64_t frame = klib_pte_frame(e);
	struct klib_page p;

	if (!(e->entry & KLIB_PTE_HUGE) ||
	    (guest_has_symbol(huge_zero_pfn) && frame == huge_zero_pfn) ||
	    !klib_page_get(&s->walk, frame, &p))
		return;
	if (p.anon)
		s->sizes.anonymous_thp += HUGE_SIZE;
	else if (KLIB_PAGE_FLAG(&p, PG_swapbacked))
		s->sizes.shmem_thp += HUGE_SIZE;
	else
		s->sizes.file_thp += HUGE_SIZE;
	account_page(s, &p, KLIB_HUGE_PAGES, e->entry);
}

static void count_entry(void *arg, const struct klib_entry *e)
{
	struct smaps *s = arg;
	struct klib_page p;

	if (!e->entry) {
		count_hole(s, e);
	} else if (e->level == 2) {
		count_huge(s, e);
	} else if (e->level == 1 && !klib_pte_present(e->entry)) {
		count_swapped(s, e->entry);
	} else if (e->level == 1 && !(e->entry & KLIB_PTE_SPECIAL) &&
		   klib_page_get(&s->walk, klib_pte_frame(e), &p)) {
		account_page(s, &p, 1, e->entry);
	}
}

/* ---- areas of huge pages that were set aside ---- */

static uint64_t hugetlb_size(struct vm_area_struct __guest *vma)
{
	struct hugetlbfs_sb_info __guest *sb =
		guest_ptr(struct hugetlbfs_sb_info, guest_addr(vma->vm_file->f_inode->i_sb->s_fs_info));
	unsigned int order = sb->hstate->order;

	return order > 18 ? PAGE_SIZE : (uint64_t)PAGE_SIZE << order;
}

uint64_t proc_area_page_size(struct vm_area_struct __guest *vma)
{
	return vma->vm_flags & VM_HUGETLB_BIT && vma->vm_file ? hugetlb_size(vma) : PAGE_SIZE;
}

static void count_hugetlb(void *arg, const struct klib_entry *e)
{
	struct smaps *s = arg;
	uint64_t size = proc_area_page_size(s->vma);
	struct klib_page p, table;

	if (e->level < 2 || !klib_pte_present(e->entry) ||
	    !klib_page_get(&s->walk, klib_pte_frame(e), &p))
		return;
	/* the table itself may be shared among processes */
	bool shared = klib_page_mapcount(&s->walk, &p, 0) >= 2 ||
		      (klib_page_get(&s->walk, (e->at - s->walk.direct) >> 12, &table) &&
		       klib_page_count(&table) > 1);
	*(shared ? &s->sizes.shared_hugetlb : &s->sizes.private_hugetlb) += size;
}

/* ---- one area ---- */

static struct address_space __guest *mapping_of(struct vm_area_struct __guest *vma)
{
	return guest_ptr(struct address_space, guest_addr(vma->vm_file->f_mapping));
}

static bool is_shmem(struct vm_area_struct __guest *vma)
{
	return vma->vm_file && guest_has_symbol(shmem_aops) &&
	       guest_eq(mapping_of(vma)->a_ops, &shmem_aops);
}

static uint64_t shmem_swap_usage(struct vm_area_struct __guest *vma)
{
	struct inode __guest *inode = vma->vm_file->f_inode;
	struct shmem_inode_info __guest *info = guest_ptr(
		struct shmem_inode_info,
		guest_addr(inode) - guest_offsetof(struct shmem_inode_info, vfs_inode));
	uint64_t size = vma->vm_end - vma->vm_start, swapped = info->swapped;

	if (!swapped)
		return 0;
	if (!vma->vm_pgoff && size >= (uint64_t)inode->i_size)
		return swapped * PAGE_SIZE;
	return shmem_swapped(&mapping_of(vma)->i_pages, vma->vm_pgoff, vma->vm_pgoff + (size >> 12));
}

static void gather(struct smaps *s, struct vm_area_struct __guest *vma)
{
	s->vma = vma;
	s->flags = vma->vm_flags;
	s->start = vma->vm_start;
	s->pgoff = vma->vm_pgoff;
	s->swapped = guest_ptr(struct xarray, 0);
	if (!vma->vm_mm)
		return;
	if (is_shmem(vma)) {
		uint64_t swapped = shmem_swap_usage(vma);

		/* a private mapping may have pages of its own where the file's are swapped out */
		if (!swapped || s->flags & VM_SHARED_BIT || !(s->flags & VM_WRITE_BIT))
			s->sizes.swap += swapped;
		else
			s->swapped = &mapping_of(vma)->i_pages;
	}
	if (!(s->flags & VM_PFNMAP_BIT))
		klib_pagewalk_range(&s->walk, s->start, vma->vm_end,
				    s->flags & VM_HUGETLB_BIT ? count_hugetlb : count_entry, s);
}

/* ---- may it have huge pages? mm/huge_memory.c, mm/shmem.c ---- */

enum {
	THP_OFF_BY_HARDWARE = 1 << 0,
	THP_ALWAYS = 1 << 1,
	THP_MADVISE = 1 << 2,
	SHMEM_HUGE_ALWAYS = 1,
	SHMEM_HUGE_WITHIN_SIZE = 2,
	SHMEM_HUGE_ADVISE = 3,
	SHMEM_HUGE_DENY = -1,
	SHMEM_HUGE_FORCE = -2,
	MMF_DISABLE_THP = 24,
};

static bool thp_fits(struct vm_area_struct __guest *vma, unsigned int order)
{
	uint64_t size = (uint64_t)PAGE_SIZE << order, start = vma->vm_start, end = vma->vm_end;
	uint64_t at = (end - size) & ~(size - 1);

	if (vma->vm_ops && ((start >> 12) - vma->vm_pgoff) & (size / PAGE_SIZE - 1))
		return false;
	return end >= size && at >= start && at + size <= end;
}

static bool shmem_thp_global(struct vm_area_struct __guest *vma)
{
	enum { FORMAT = 0170000, REGULAR = 0100000 };
	struct inode __guest *inode = vma->vm_file->f_inode;
	struct shmem_sb_info __guest *sb =
		guest_ptr(struct shmem_sb_info, guest_addr(inode->i_sb->s_fs_info));
	uint64_t last = (vma->vm_pgoff + KLIB_HUGE_PAGES) & ~(uint64_t)(KLIB_HUGE_PAGES - 1);
	int global = shmem_huge;

	if ((inode->i_mode & FORMAT) != REGULAR || global == SHMEM_HUGE_DENY)
		return false;
	if (global == SHMEM_HUGE_FORCE)
		return true;
	switch (sb->huge) {
	case SHMEM_HUGE_ALWAYS:
		return true;
	case SHMEM_HUGE_WITHIN_SIZE:
		if (((uint64_t)inode->i_size + PAGE_SIZE - 1) >> 12 >= last)
			return true;
		break;
	case SHMEM_HUGE_ADVISE:
		break;
	default:
		return false;
	}
	return vma->vm_flags & VM_HUGEPAGE_BIT;
}

static bool file_thp(struct vm_area_struct __guest *vma)
{
	enum { FORMAT = 0170000, REGULAR = 0100000 };
	struct inode __guest *inode;

	if (!guest_has(struct address_space, nr_thps) || !vma->vm_file)
		return false;
	inode = vma->vm_file->f_inode;
	return vma->vm_flags & VM_EXEC_BIT && inode->i_writecount.counter <= 0 &&
	       (inode->i_mode & FORMAT) == REGULAR;
}

/* The sizes of huge pages, by order, that sysfs allows an area (6.8 and later). */
static uint64_t thp_orders(struct vm_area_struct __guest *vma)
{
	uint64_t flags = vma->vm_flags, thp = transparent_hugepage_flags, orders;
	bool asked = flags & VM_HUGEPAGE_BIT;

	if (!vma->vm_ops) {
		orders = huge_anon_orders_always | (asked ? huge_anon_orders_madvise : 0);
		if (thp & THP_ALWAYS || (asked && thp & THP_MADVISE))
			orders |= huge_anon_orders_inherit;
		return orders & ((2u << HUGE_ORDER) - 1) & ~3u;
	}
	if (vma->vm_file && flags & (VM_PFNMAP_BIT | VM_MIXEDMAP_BIT))
		return 1u << HUGE_ORDER;
	return ((2u << HUGE_ORDER) - 1) & ~1u;
}

static bool shmem_thp(struct vm_area_struct __guest *vma)
{
	bool global = shmem_thp_global(vma);

	if (!guest_has_symbol(huge_shmem_orders_always) || !guest_eq(vma->vm_ops, &shmem_anon_vm_ops))
		return global;
	if (shmem_huge == SHMEM_HUGE_DENY)
		return false;
	if (shmem_huge == SHMEM_HUGE_FORCE)
		return huge_shmem_orders_inherit;
	return huge_shmem_orders_always | huge_shmem_orders_within_size |
	       (vma->vm_flags & VM_HUGEPAGE_BIT ? huge_shmem_orders_madvise : 0) |
	       (global ? huge_shmem_orders_inherit : 0);
}

static bool thp_sysfs(struct vm_area_struct __guest *vma)
{
	uint64_t thp = transparent_hugepage_flags;

	return thp & THP_ALWAYS || (thp & THP_MADVISE && vma->vm_flags & VM_HUGEPAGE_BIT);
}

static bool thp_eligible(struct vm_area_struct __guest *vma)
{
	uint64_t flags = vma->vm_flags, orders;
	bool fits = false;

	if (!guest_has_symbol(transparent_hugepage_flags) || !vma->vm_mm ||
	    flags & VM_NOHUGEPAGE_BIT || vma->vm_mm->flags >> MMF_DISABLE_THP & 1 ||
	    transparent_hugepage_flags & THP_OFF_BY_HARDWARE)
		return false;
	if (guest_has_symbol(huge_anon_orders_always)) {
		orders = thp_orders(vma);
		for (unsigned int order = HUGE_ORDER; order && !fits; order--)
			fits = orders >> order & 1 && thp_fits(vma, order);
		if (!fits)
			return false;
		if (is_shmem(vma))
			return shmem_thp(vma);
		return !vma->vm_ops || (thp_sysfs(vma) && (vma->vm_ops->huge_fault || file_thp(vma)));
	}
	if (!thp_fits(vma, HUGE_ORDER))
		return false;
	if (!guest_has_symbol(hugepage_vma_check)) {
		/* up to 5.18; memory shared by System V's calls didn't count as shmem */
		if (!vma->vm_ops)
			return thp_sysfs(vma);
		return guest_eq(vma->vm_ops, &shmem_vm_ops) ? shmem_thp_global(vma) : file_thp(vma);
	}
	if (flags & VM_NO_KHUGEPAGED)
		return false;
	if (is_shmem(vma))
		return shmem_thp_global(vma);
	return thp_sysfs(vma) && (file_thp(vma) || !vma->vm_ops);
}

/* ---- text ---- */

static void put_kb(struct seq_file *m, const char *title, uint64_t bytes)
{
	seq_put_decimal_ull_width(m, title, bytes >> 10, 8);
	seq_puts(m, " kB\n");
}

static void put_sizes(struct smaps *s, bool rollup)
{
	const struct sizes *z = &s->sizes;
	struct seq_file *m = s->m;

	put_kb(m, "Rss:            ", z->resident);
	put_kb(m, "Pss:            ", z->pss >> PSS_SHIFT);
	if (proc_fact(s->it, PROC_FACT_SMAPS_PSS_DIRTY))
		put_kb(m, "Pss_Dirty:      ", z->pss_dirty >> PSS_SHIFT);
	if (rollup) {
		put_kb(m, "Pss_Anon:       ", z->pss_anon >> PSS_SHIFT);
		put_kb(m, "Pss_File:       ", z->pss_file >> PSS_SHIFT);
		put_kb(m, "Pss_Shmem:      ", z->pss_shmem >> PSS_SHIFT);
	}
	put_kb(m, "Shared_Clean:   ", z->shared_clean);
	put_kb(m, "Shared_Dirty:   ", z->shared_dirty);
	put_kb(m, "Private_Clean:  ", z->private_clean);
	put_kb(m, "Private_Dirty:  ", z->private_dirty);
	put_kb(m, "Referenced:     ", z->referenced);
	put_kb(m, "Anonymous:      ", z->anonymous);
	if (proc_fact(s->it, PROC_FACT_SMAPS_KSM))
		put_kb(m, "KSM:            ", z->ksm);
	put_kb(m, "LazyFree:       ", z->lazyfree);
	put_kb(m, "AnonHugePages:  ", z->anonymous_thp);
	put_kb(m, "ShmemPmdMapped: ", z->shmem_thp);
	put_kb(m, "FilePmdMapped:  ", z->file_thp);
	put_kb(m, "Shared_Hugetlb: ", z->shared_hugetlb);
	seq_put_decimal_ull_width(m, "Private_Hugetlb: ", z->private_hugetlb >> 10, 7);
	seq_puts(m, " kB\n");
	put_kb(m, "Swap:           ", z->swap);
	put_kb(m, "SwapPss:        ", z->swap_pss >> PSS_SHIFT);
	put_kb(m, "Locked:         ", z->pss_locked >> PSS_SHIFT);
}

/*
 * Which flags have a name, and which one, is in a table of the kernel, two letters each; with a NUL
 * since compilers complain about letters alone.
 */
struct flag_names {
	unsigned int stride;
	char text[FLAG_NAMES * 3];
};

static bool flag_names_find(struct flag_names *ret)
{
	enum { CODE = 2048 };
	static const char packed[] = "rdwrexshmrmwme", apart[] = "rd\0wr\0ex\0sh";
	uint64_t at = klib_text_find(guest_addr(&show_smap), CODE, packed, sizeof(packed) - 1);

	ret->stride = 2;
	if (!at) {
		at = klib_text_find(guest_addr(&show_smap), CODE, apart, sizeof(apart));
		ret->stride = 3;
	}
	return at && guest_read(ret->text, guest_ptr(char, at), (size_t)FLAG_NAMES * ret->stride);
}

static void put_flags(struct seq_file *m, const struct flag_names *names, uint64_t flags)
{
	seq_puts(m, "VmFlags: ");
	for (unsigned int i = 0; i < FLAG_NAMES; i++) {
		const char *name = names->text + (size_t)i * names->stride;

		if (flags >> i & 1 && name[0]) {
			seq_write(m, name, 2);
			seq_putc(m, ' ');
		}
	}
	seq_putc(m, '\n');
}

/* Are there protection keys? The bit says that the system uses them (X86_FEATURE_OSPKE). */
static bool has_protection_keys(void)
{
	enum { WORD = 16, BIT = 4 };
	uint32_t __guest *capability = boot_cpu_data.x86_capability;

	return capability[WORD] >> BIT & 1;
}

static void put_area_rest(struct smaps *s, const struct flag_names *names)
{
	enum { KEY_SHIFT = 32, KEY_MASK = 15 };
	struct vm_area_struct __guest *vma = s->vma;
	uint64_t size = proc_area_page_size(vma), flags = vma->vm_flags;
	struct seq_file *m = s->m;

	put_kb(m, "Size:           ", vma->vm_end - vma->vm_start);
	put_kb(m, "KernelPageSize: ", size);
	put_kb(m, "MMUPageSize:    ", size);
	put_sizes(s, false);
	seq_printf(m, proc_fact(s->it, PROC_FACT_SMAPS_THP_WIDE) ? "THPeligible:    %8u\n" :
								   "THPeligible:    %u\n",
		   (unsigned int)thp_eligible(vma));
	if (has_protection_keys())
		seq_printf(m, "ProtectionKey:  %8u\n",
			   (unsigned int)(flags >> KEY_SHIFT & KEY_MASK));
	put_flags(m, names, flags);
}

static bool smaps_begin(struct smaps *s, const struct proc_item *it, struct seq_file *m,
			struct mm_struct __guest *mm)
{
	unsigned int files = nr_swapfiles;

	*s = (struct smaps){ .it = it, .m = m };
	s->swap_files = files < SWAP_FILES_MAX ? files : SWAP_FILES_MAX;
	if (!klib_pagewalk_begin(&s->walk, mm))
		return false;
	klib_pagewalk_ahead(&s->walk, true);
	return true;
}

int proc_pid_smaps_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct klib_path root = klib_reader_root();
	struct vm_area_struct __guest *vma;
	struct flag_names names;
	struct klib_vma_walk w;
	struct smaps s;

	if (!mm)
		return 0;
	if (!smaps_begin(&s, it, m, mm) || !flag_names_find(&names))
		return -EIO;
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		s.sizes = (struct sizes){ 0 };
		gather(&s, vma);
		proc_put_area(m, mm, vma, &root);
		put_area_rest(&s, &names);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	if (proc_gate_area()) {
		s.sizes = (struct sizes){ 0 };
		s.vma = proc_gate_area();
		proc_put_gate_area(m);
		put_area_rest(&s, &names);
	}
	return 0;
}

int proc_pid_smaps_rollup_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct proc_range all = { 0 };
	struct vm_area_struct __guest *vma;
	struct klib_vma_walk w;
	struct smaps s;

	if (!mm)
		return -ESRCH;
	if (!smaps_begin(&s, it, m, mm))
		return -EIO;
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		struct guest_record r = guest_record_begin();
		struct sizes before = s.sizes;

		gather(&s, vma);
		if (!all.end)
			all.start = vma->vm_start;
		all.end = vma->vm_end;
		if (!guest_record_end(&r))
			s.sizes = before;
	}
	proc_put_range(m, &all);
	seq_pad(m, ' ');
	seq_puts(m, "[rollup]\n");
	put_sizes(&s, true);
	return 0;
}

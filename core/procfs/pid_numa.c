// SPDX-License-Identifier: MIT
/* /proc/PID/numa_maps: on which nodes the pages of each area are (fs/proc/task_mmu.c, mm/mempolicy.c). */
#include <errno.h>
#include <string.h>

#include "klib/pagewalk.h"
#include "klib/path.h"
#include "pid.h"

GUEST_TYPES_BEGIN
struct mempolicy { /* include/linux/mempolicy.h */
	unsigned short mode;
	unsigned short flags;
	nodemask_t nodes;
};
GUEST_TYPES_END

extern const char __guest *__guest policy_modes[];

enum {
	NODES_MAX = 1024,
	POLICIES_MAX = 16,
	PAGE_KB = 4,
	MPOL_F_MORON = 1 << 4, /* not a policy that somebody set */
	MPOL_F_BALANCING = 1 << 13,
	MPOL_F_RELATIVE = 1 << 14,
	MPOL_F_STATIC = 1 << 15,
};

struct counts {
	struct klib_pagewalk walk;
	uint64_t pages, anon, active, writeback, mapped_most, dirty, swapcache;
	unsigned int node_shift; /* a page's node is above it in its flags */
	uint64_t node[NODES_MAX];
};

static void count(struct counts *c, const struct klib_page *p, uint64_t pages, bool dirty)
{
	int mapped = klib_page_mapcount(&c->walk, p, 0);

	c->pages += pages;
	if (dirty || KLIB_PAGE_FLAG(p, PG_dirty))
		c->dirty += pages;
	if (KLIB_PAGE_FLAG(p, PG_swapbacked) && KLIB_PAGE_FLAG(p, PG_swapcache))
		c->swapcache += pages;
	if (KLIB_PAGE_FLAG(p, PG_active) || KLIB_PAGE_FLAG(p, PG_unevictable))
		c->active += pages;
	if (KLIB_PAGE_FLAG(p, PG_writeback))
		c->writeback += pages;
	if (p->anon)
		c->anon += pages;
	if (mapped > 0 && (uint64_t)mapped > c->mapped_most)
		c->mapped_most = (uint64_t)mapped;
	c->node[(c->node_shift < 64 ? p->flags >> c->node_shift : 0) % NODES_MAX] += pages;
}

static bool page_of(struct counts *c, const struct klib_entry *e, struct klib_page *ret)
{
	return klib_pte_present(e->entry) && klib_page_get(&c->walk, klib_pte_frame(e), ret) &&
	       !KLIB_PAGE_FLAG(ret, PG_reserved);
}

static void count_entry(void *arg, const struct klib_entry *e)
{
	struct counts *c = arg;
	struct klib_page p;

	if (e->level > 2 || (e->level == 1 && e->entry & KLIB_PTE_SPECIAL) || !page_of(c, e, &p))
		return;
	count(c, &p, e->level == 2 ? KLIB_HUGE_PAGES : 1, klib_pte_dirty(e->entry));
}

static void count_hugetlb(void *arg, const struct klib_entry *e)
{
	struct counts *c = arg;
	struct klib_page p;

	if (page_of(c, e, &p))
		count(c, &p, 1, klib_pte_dirty(e->entry));
}

/* What the kernel calls the policy of an area, or of its task (mpol_to_str()). */
static void put_policy(struct seq_file *m, struct mempolicy __guest *pol)
{
	char name[32] = "default";
	unsigned short mode, flags;
	bool some = false;

	if (!pol || pol->flags & MPOL_F_MORON) {
		seq_puts(m, name);
		return;
	}
	mode = pol->mode;
	flags = pol->flags;
	if (mode >= POLICIES_MAX || !guest_has_symbol(policy_modes)) {
		seq_puts(m, "unknown");
		return;
	}
	guest_strncpy(name, policy_modes[mode], sizeof(name));
	seq_puts(m, name);
	if (flags & (MPOL_F_STATIC | MPOL_F_RELATIVE | MPOL_F_BALANCING)) {
		seq_puts(m, flags & MPOL_F_STATIC ? "=static" :
			    flags & MPOL_F_RELATIVE ? "=relative" : "=");
		if (flags & MPOL_F_BALANCING)
			seq_puts(m, flags & (MPOL_F_STATIC | MPOL_F_RELATIVE) ? "|balancing" :
									       "balancing");
	}
	for (unsigned int i = 0; i < guest_sizeof(nodemask_t) / 8 && i < NODES_MAX / 64; i++) {
		unsigned long __guest *bits = pol->nodes.bits;

		some |= bits[i] != 0;
	}
	if (some) {
		seq_putc(m, ':');
		proc_put_bitmap_list(m, pol->nodes.bits, (unsigned int)guest_sizeof(nodemask_t) * 8);
	}
}

static void put_name(struct seq_file *m, struct mm_struct __guest *mm,
		     struct vm_area_struct __guest *vma)
{
	struct klib_path root = klib_reader_root();
	char path[VFS_PATH_MAX];

	if (vma->vm_file) {
		struct klib_path p = klib_path_get(&vma->vm_file->f_path);
		int size = klib_d_path(&p, &root, path, sizeof(path));

		seq_puts(m, " file=");
		if (size > 0)
			seq_escape_mem(m, path, (size_t)size, "\n\t= ");
	} else if (vma->vm_start <= mm->brk && vma->vm_end >= mm->start_brk) {
		seq_puts(m, " heap");
	} else if (vma->vm_start <= mm->start_stack && vma->vm_end >= mm->start_stack) {
		seq_puts(m, " stack");
	}
}

static void put_count(struct seq_file *m, const char *title, uint64_t count)
{
	if (count)
		seq_put_decimal_ull(m, title, count);
}

static void put_counts(struct seq_file *m, const struct counts *c, bool huge, uint64_t page_kb)
{
	put_count(m, " anon=", c->anon);
	put_count(m, " dirty=", c->dirty);
	if (c->pages != c->anon && c->pages != c->dirty)
		put_count(m, " mapped=", c->pages);
	if (c->mapped_most > 1)
		put_count(m, " mapmax=", c->mapped_most);
	put_count(m, " swapcache=", c->swapcache);
	if (c->active < c->pages && !huge)
		seq_put_decimal_ull(m, " active=", c->active);
	put_count(m, " writeback=", c->writeback);
	for (unsigned int node = 0; node < NODES_MAX; node++) {
		if (c->node[node])
			seq_printf(m, " N%u=%llu", node, (unsigned long long)c->node[node]);
	}
	seq_put_decimal_ull(m, " kernelpagesize_kB=", page_kb);
}

static void put_area(struct seq_file *m, struct counts *c, const struct proc_item *it,
		     struct vm_area_struct __guest *vma)
{
	const uint64_t pfnmap = 1ull << 10, hugetlb = 1ull << 22;
	struct mempolicy __guest *policy = vma->vm_policy;
	uint64_t flags = vma->vm_flags;

	seq_put_hex_ll(m, "", vma->vm_start, 8);
	seq_putc(m, ' ');
	put_policy(m, policy ? policy : item_task(it)->mempolicy);
	put_name(m, c->walk.mm, vma);
	if (flags & hugetlb)
		seq_puts(m, " huge");
	if (!(flags & pfnmap))
		klib_pagewalk_range(&c->walk, vma->vm_start, vma->vm_end,
				    flags & hugetlb ? count_hugetlb : count_entry, c);
	if (c->pages)
		put_counts(m, c, flags & hugetlb, proc_area_page_size(vma) >> 10);
	seq_putc(m, '\n');
}

/* How many bits of a page's flags tell its node: they can name as many nodes as a mask has bits. */
unsigned int proc_page_node_shift(void)
{
	uint64_t nodes = guest_sizeof(nodemask_t) * 8;

	return nodes && nodes <= NODES_MAX ? 64 - (unsigned int)__builtin_ctzll(nodes) : 64;
}

int proc_pid_numa_maps_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct vm_area_struct __guest *vma;
	struct klib_vma_walk w;
	struct klib_pagewalk walk;

	if (!mm)
		return 0;
	if (!klib_pagewalk_begin(&walk, mm))
		return -EIO;
	klib_pagewalk_ahead(&walk, true);
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		struct counts c = { .walk = walk, .node_shift = proc_page_node_shift() };
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		put_area(m, &c, it, vma);
		walk.bound = c.walk.bound;
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return 0;
}

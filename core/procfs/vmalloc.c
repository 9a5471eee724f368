// SPDX-License-Identifier: MIT
/*
 * /proc/vmallocinfo: mm/vmalloc.c. What the kernel's area for virtually contiguous memory holds, and who took it: modules
 * that hide themselves from the list of modules are here.
 */
#include "global.h"

enum {
	/* include/linux/vmalloc.h */
	VM_UNINITIALIZED = 0x20,
	VMAP_RAM = 1,
	NODES_MAX = 8192, /* of areas; as many as CPUs at most */
	PAGES_MAX = 1 << 24, /* of all areas, whose nodes are counted */
	MEMORY_NODES = GLOBAL_NODES_MAX, /* that pages are counted on */
	LIST_MAX = 1 << 22,
};

/* Where the area begins, and what comes behind it, without KASLR and with four levels of page tables. */
#define FIXED_BASE 0xffffc90000000000u
#define FIXED_END  0xffffea0000000000u

GUEST_TYPES_BEGIN
struct llist_node {
	struct llist_node __guest *next;
};
struct llist_head {
	struct llist_node __guest *first;
};
struct page {
	unsigned char flags[8]; /* or a record, since 6.18 */
};
struct vm_struct {
	unsigned long addr;
	unsigned long size;
	unsigned long flags;
	unsigned long pages;
	unsigned char page_order[4];
	unsigned char nr_pages[4]; /* or a long, since 7.3 */
	unsigned long phys_addr;
	unsigned long caller;
};
struct vmap_area {
	unsigned long va_start;
	unsigned long va_end;
	struct list_head list;
	struct vm_struct __guest *vm;
	struct llist_node purge_list; /* up to 5.10 */
	unsigned long flags;	      /* since 6.3 */
};
struct rb_list {
	struct list_head head;
};
struct vmap_node { /* since 6.9 */
	struct rb_list busy;
	struct rb_list lazy;
};
GUEST_TYPES_END

extern unsigned long __guest vmalloc_base, vmemmap_base;
extern struct list_head __guest vmap_area_list, purge_vmap_area_list;
extern struct llist_head __guest vmap_purge_list;
extern struct vmap_node __guest *__guest vmap_nodes;
extern int __guest nr_vmap_nodes;

struct listing {
	const struct proc_item *it;
	struct seq_file *m;
	struct guest_bound pages;
	unsigned int node_shift;
	int only_node; /* the one that has memory; -1: there are several */
};

static int only_node(void)
{
	int only = -1;

	for (uint32_t node = 0; node < MEMORY_NODES; node++) {
		if (!global_node_online(node))
			continue;
		if (only >= 0)
			return -1;
		only = (int)node;
	}
	return only;
}

static void put_range(struct listing *l, uint64_t start, uint64_t end, uint64_t size)
{
	seq_puts(l->m, "0x");
	proc_put_pointer(l->m, l->it, start);
	seq_puts(l->m, "-0x");
	proc_put_pointer(l->m, l->it, end);
	seq_printf(l->m, " %7ld", (long)size);
}

/* On which nodes its pages are. */
static void put_nodes(struct listing *l, struct vm_struct __guest *v, uint32_t count)
{
	uint64_t on[MEMORY_NODES] = { 0 }, pages = v->pages;
	unsigned int order = guest_has(struct vm_struct, page_order) ? v->page_order[0] : 0;
	uint32_t step = 1u << (order & 31);

	if (!guest_has_symbol(node_data) || v->flags & VM_UNINITIALIZED)
		return;
	if (l->only_node >= 0)
		on[l->only_node] = ((uint64_t)count + step - 1) / step * step;
	for (uint64_t i = 0; l->only_node < 0 && i < count && guest_more(&l->pages); i += step) {
		uint64_t page = *guest_ptr(uint64_t, pages + 8 * i);
		uint64_t flags = *guest_ptr(uint64_t, page + guest_offsetof(struct page, flags));

		if (guest_faulted())
			return;
		on[(l->node_shift < 64 ? flags >> l->node_shift : 0) % MEMORY_NODES] += step;
	}
	for (uint32_t node = 0; node < MEMORY_NODES; node++) {
		if (on[node])
			seq_printf(l->m, " N%u=%llu", node, (unsigned long long)on[node]);
	}
}

static void put_area(struct listing *l, struct vm_struct __guest *v)
{
	static const struct {
		unsigned long flag;
		const char *name;
	} names[] = {
		{ 0x1, " ioremap" }, { 0x1000, " sparse" }, { 0x2, " vmalloc" }, { 0x4, " vmap" }, { 0x8, " user" },
		{ 0x10, " dma-coherent" },
	};
	uint64_t base = guest_has_symbol(vmalloc_base) ? vmalloc_base : FIXED_BASE;
	uint64_t end = guest_has_symbol(vmemmap_base) ? vmemmap_base : FIXED_END;
	uint64_t flags = v->flags, caller = v->caller, phys = v->phys_addr, pages = v->pages;
	uint32_t count;

	memcpy(&count, (unsigned char[4]){ v->nr_pages[0], v->nr_pages[1], v->nr_pages[2], v->nr_pages[3] }, 4);
	if (flags & VM_UNINITIALIZED && guest_has_symbol(vmap_nodes))
		return;
	put_range(l, v->addr, v->addr + v->size, v->size);
	if (caller) {
		seq_putc(l->m, ' ');
		proc_put_symbol(l->it, l->m, caller, false);
	}
	if (count)
		seq_printf(l->m, " pages=%d", (int)count);
	if (phys)
		seq_printf(l->m, " phys=0x%016llx", (unsigned long long)phys);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (flags & names[i].flag)
			seq_puts(l->m, names[i].name);
	}
	if (pages >= base && pages < end)
		seq_puts(l->m, " vpages");
	put_nodes(l, v, count);
	seq_putc(l->m, '\n');
}

static void put_busy(struct listing *l, struct vmap_area __guest *va)
{
	struct vm_struct __guest *v = va->vm;
	size_t mark = seq_mark(l->m);
	struct guest_record r = guest_record_begin();

	if (v) {
		put_area(l, v);
	} else if (!guest_has(struct vmap_area, flags) || va->flags & VMAP_RAM) {
		put_range(l, va->va_start, va->va_end, va->va_end - va->va_start);
		seq_puts(l->m, " vm_map_ram\n");
	}
	if (!guest_record_end(&r))
		seq_rollback(l->m, mark);
}

/* What was given back, but may still be in TLBs. */
static void put_lazy(struct listing *l, struct vmap_area __guest *va)
{
	put_range(l, va->va_start, va->va_end, va->va_end - va->va_start);
	seq_puts(l->m, " unpurged vm_area\n");
}

static void put_lists(struct listing *l, struct list_head __guest *list,
		      void (*put)(struct listing *l, struct vmap_area __guest *va))
{
	struct vmap_area __guest *va;

	list_for_each_entry(va, list, list)
		put(l, va);
}

int proc_vmallocinfo_show(const struct proc_item *it, struct seq_file *m)
{
	struct listing l = {
		.it = it, .m = m, .pages = GUEST_BOUND(PAGES_MAX), .only_node = only_node(),
		.node_shift = proc_page_node_shift(),
	};
	struct guest_bound b = GUEST_BOUND(LIST_MAX);
	int count = guest_has_symbol(vmap_nodes) ? nr_vmap_nodes : 0;

	if (count > NODES_MAX)
		return -EIO;
	for (int i = 0; i < count; i++)
		put_lists(&l, &vmap_nodes[i].busy.head, put_busy);
	for (int i = 0; i < count; i++)
		put_lists(&l, &vmap_nodes[i].lazy.head, put_lazy);
	if (guest_has_symbol(vmap_nodes))
		return guest_faulted() ? -EIO : 0;
	put_lists(&l, &vmap_area_list, put_busy);
	if (guest_has_symbol(purge_vmap_area_list)) {
		put_lists(&l, &purge_vmap_area_list, put_lazy);
	} else if (guest_has(struct vmap_area, purge_list)) {
		for (struct llist_node __guest *n = vmap_purge_list.first; n && guest_more_at(&b, n); n = n->next)
			put_lazy(&l, container_of(n, struct vmap_area, purge_list));
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_vmallocinfo_present(const struct proc_item *it)
{
	return procfs_has_names(it->fs) && guest_has_type(struct vmap_area) &&
	       (guest_has_symbol(vmap_nodes) || guest_has_symbol(vmap_area_list));
}

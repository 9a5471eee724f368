// SPDX-License-Identifier: MIT
/* See probe.h. */
#include "probe.h"

#include "klib/list.h"
#include "klib/maple.h"
#include "klib/pagewalk.h"
#include "klib/path.h"
#include "klib/rbtree.h"
#include "klib/xarray.h"

GUEST_TYPES_BEGIN
struct item {
	struct list_head link;
	struct hlist_node hlink;
	struct hlist_nulls_node nlink;
	struct rb_node rb;
	int value;
};
GUEST_TYPES_END

enum { ROUNDS_MAX = 1 << 20 };

static void found(struct probe *p, uint64_t entry, uint64_t index)
{
	if (p->count < PROBE_OUT) {
		p->out[p->count] = entry;
		p->index[p->count] = index;
	}
	p->count++;
}

void probe_list(void *probe)
{
	struct probe *p = probe;
	struct item __guest *i;

	list_for_each_entry(i, guest_ptr(struct list_head, p->root), link)
		found(p, guest_addr(i), (uint64_t)i->value);
	p->faulted = guest_faulted();
}

void probe_hlist(void *probe)
{
	struct probe *p = probe;
	struct item __guest *i;

	hlist_for_each_entry(i, guest_ptr(struct hlist_head, p->root), hlink)
		found(p, guest_addr(i), (uint64_t)i->value);
	p->faulted = guest_faulted();
}

void probe_nulls(void *probe)
{
	struct probe *p = probe;
	struct item __guest *i;

	hlist_nulls_for_each_entry(i, guest_ptr(struct hlist_nulls_head, p->root), nlink)
		found(p, guest_addr(i), (uint64_t)i->value);
	p->faulted = guest_faulted();
}

void probe_rb(void *probe)
{
	struct probe *p = probe;
	struct item __guest *i;

	rb_for_each_entry(i, guest_ptr(struct rb_root, p->root), rb)
		found(p, guest_addr(i), (uint64_t)i->value);
	p->faulted = guest_faulted();
}

void probe_maple(void *probe)
{
	struct probe *p = probe;
	struct maple_walk w;
	void __guest *entry;

	maple_walk_begin(&w, guest_ptr(struct maple_tree, p->root));
	while ((entry = maple_walk_next(&w)))
		found(p, guest_addr(entry), 0);
	p->faulted = guest_faulted();
}

void probe_xa_find(void *probe)
{
	struct probe *p = probe;
	struct guest_bound b = GUEST_BOUND(ROUNDS_MAX);
	uint64_t index = p->from;
	void __guest *entry;

	while (guest_more(&b) &&
	       (entry = xa_find(guest_ptr(struct xarray, p->root), &index))) {
		found(p, guest_addr(entry), index);
		if (!++index)
			break;
	}
	p->faulted = guest_faulted();
}

void probe_xa_load(void *probe)
{
	struct probe *p = probe;

	found(p, guest_addr(xa_load(guest_ptr(struct xarray, p->root), p->from)), p->from);
	p->faulted = guest_faulted();
}

void probe_idr(void *probe)
{
	struct probe *p = probe;
	struct guest_bound b = GUEST_BOUND(ROUNDS_MAX);
	uint64_t id = p->from;
	void __guest *entry;

	while (guest_more(&b) &&
	       (entry = idr_get_next(guest_ptr(struct idr, p->root), &id))) {
		found(p, guest_addr(entry), id);
		if (!++id)
			break;
	}
	p->faulted = guest_faulted();
}

void probe_idr_find(void *probe)
{
	struct probe *p = probe;

	found(p, guest_addr(idr_find(guest_ptr(struct idr, p->root), p->from)), p->from);
	p->faulted = guest_faulted();
}

/* `root` is the dentry, `from` the mount that it is on. */
void probe_path(void *probe)
{
	struct probe *p = probe;
	struct klib_path path = {
		.mnt = &guest_ptr(struct mount, p->from)->mnt,
		.dentry = guest_ptr(struct dentry, p->root),
	};
	struct klib_path top = { .mnt = NULL, .dentry = NULL };

	p->result = klib_d_path(&path, &top, p->text, sizeof(p->text));
	p->faulted = guest_faulted();
}

/* The struct pages of frames 0 to `from` begin at `root`: where the folio of each begins. */
void probe_pages(void *probe)
{
	struct probe *p = probe;
	struct klib_pagewalk w = {
		.vmemmap = p->root, .page_size = guest_sizeof(struct page), .frames = p->from,
	};
	struct klib_page page;

	for (uint64_t i = 0; klib_page_get(&w, i, &page); i++)
		found(p, page.head, page.large);
	p->faulted = guest_faulted();
}

static void found_entry(void *probe, const struct klib_entry *e)
{
	struct probe *p = probe;

	if (p->count < PROBE_OUT / 2) {
		p->out[p->count + PROBE_OUT / 2] = e->size;
		p->index[p->count + PROBE_OUT / 2] = e->level;
	}
	found(p, e->entry, e->va);
}

void probe_tables(void *probe)
{
	struct probe *p = probe;
	struct klib_pagewalk w = {
		.bound = GUEST_BOUND(KLIB_WALK_MAX), .mm = guest_ptr(struct mm_struct, p->root),
		.levels = p->levels,
	};

	klib_pagewalk_range(&w, p->from, p->to, found_entry, p);
	p->faulted = guest_faulted();
}

void probe_entry(void *probe)
{
	struct probe *p = probe;
	const struct klib_entry e = { .entry = p->root, .level = (unsigned int)p->from };

	found(p, klib_pte_frame(&e), klib_pte_present(e.entry));
	found(p, klib_pte_dirty(e.entry), 0);
	found(p, klib_swap_type(e.entry), klib_swap_offset(e.entry));
}

// SPDX-License-Identifier: MIT
/* /proc/slabinfo of the allocator SLUB: mm/slab_common.c, mm/slub.c */
#include <errno.h>

#include "klib/ahead.h"
#include "klib/list.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct kmem_cache_order_objects { /* include/linux/slub_def.h, mm/slab.h */
	unsigned int x;
};

struct kmem_cache_node {
	struct list_head partial;
	atomic_long_t nr_slabs;
	atomic_long_t total_objects;
};

struct kmem_cache_per_node_ptrs { /* since 7.1 */
	struct kmem_cache_node __guest *node;
};

struct kmem_cache {
	unsigned int size;
	struct kmem_cache_order_objects oo;
	const char __guest *name;
	struct list_head list;
	struct kmem_cache_node __guest *node[1];
	struct kmem_cache_per_node_ptrs per_node[1];
};

struct slab { /* since 5.17 */
	struct list_head slab_list;
	unsigned long counters;
};

struct page {
	struct list_head slab_list;
	unsigned long counters;
};
GUEST_TYPES_END

extern struct list_head __guest slab_caches;
extern unsigned int __guest nr_node_ids;

enum {
	NODES_MAX = 1024,
	CACHES_MAX = 1 << 16,
	NAME_SIZE = 128,
	OBJECTS_SHIFT = 16, /* in a slab's counters: objects above those in use */
	OBJECTS_MASK = 0x7fff,
	IN_USE_MASK = 0xffff,
};

struct sums {
	unsigned long slabs, objects, free;
};

static void add_free(uint64_t counters, struct sums *s)
{
	s->free += (counters >> OBJECTS_SHIFT & OBJECTS_MASK) - (counters & IN_USE_MASK);
}

static void add_node(struct kmem_cache_node __guest *n, struct sums *s)
{
	s->slabs += (unsigned long)n->nr_slabs.counter;
	s->objects += (unsigned long)n->total_objects.counter;
	if (guest_has_type(struct slab)) {
		struct slab __guest *slab;

		list_for_each_entry(slab, &n->partial, slab_list)
			add_free(slab->counters, s);
	} else {
		struct page __guest *page;

		list_for_each_entry(page, &n->partial, slab_list)
			add_free(page->counters, s);
	}
}

/* What a cache's row reads, its lists of slabs with room apart. */
static void caches_ahead(void)
{
	struct ahead a = AHEAD_LIST(&slab_caches, struct kmem_cache, list);

	ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct kmem_cache, name), NAME_SIZE);
	if (guest_has(struct kmem_cache, node))
		AHEAD_FOLLOW(&a, AHEAD_NODE, struct kmem_cache, node, struct kmem_cache_node);
	else
		ahead_follow(&a, AHEAD_NODE,
			     guest_offsetof(struct kmem_cache, per_node) +
				     guest_offsetof(struct kmem_cache_per_node_ptrs, node),
			     guest_sizeof(struct kmem_cache_node));
	guest_chase(&a.chain);
}

static struct kmem_cache_node __guest *node_of(struct kmem_cache __guest *c, unsigned int i)
{
	if (guest_has(struct kmem_cache, node)) {
		struct kmem_cache_node __guest *__guest *node = c->node;

		return node[i];
	}
	struct kmem_cache_per_node_ptrs __guest *per_node = c->per_node;

	return per_node[i].node;
}

static void put_cache(struct seq_file *m, struct kmem_cache __guest *c, unsigned int nodes)
{
	unsigned int oo = c->oo.x, order = oo >> OBJECTS_SHIFT;
	struct sums s = { 0 };
	char name[NAME_SIZE];

	for (unsigned int i = 0; i < nodes && !guest_faulted(); i++) {
		struct kmem_cache_node __guest *n = node_of(c, i);

		if (n)
			add_node(n, &s);
	}
	guest_strncpy(name, c->name, sizeof(name));
	seq_printf(m, "%-17s %6lu %6lu %6u %4u %4d", name, s.objects - s.free, s.objects, c->size,
		   oo & IN_USE_MASK, 1 << (order & 15));
	seq_printf(m, " : tunables %4u %4u %4u : slabdata %6lu %6lu %6lu\n", 0, 0, 0, s.slabs, s.slabs,
		   0ul);
}

int proc_slabinfo_show(const struct proc_item *it, struct seq_file *m)
{
	unsigned int nodes = guest_has_symbol(nr_node_ids) ? nr_node_ids : 1;
	struct guest_bound b = GUEST_BOUND(CACHES_MAX);
	struct kmem_cache __guest *c;

	(void)it;
	if (guest_hints())
		caches_ahead();
	seq_puts(m, "slabinfo - version: 2.1\n"
		    "# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"
		    " : tunables <limit> <batchcount> <sharedfactor>"
		    " : slabdata <active_slabs> <num_slabs> <sharedavail>\n");
	list_for_each_entry(c, &slab_caches, list) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		put_cache(m, c, nodes < NODES_MAX ? nodes : NODES_MAX);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
		if (!guest_more(&b))
			break;
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_slabinfo_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(slab_caches) && guest_has(struct kmem_cache_node, total_objects);
}

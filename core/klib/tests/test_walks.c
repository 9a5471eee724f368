// SPDX-License-Identifier: MIT
/*
 * The kernel's lists, trees and arrays as klib walks them: honest ones give all that is in them, in
 * order; torn, cyclic and lying ones end within their bounds, with a fault, and crash nothing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake.h"
#include "llview/guest.h"
#include "probe.h"

/* ---- the guest's types ---- */

struct list_head {
	struct list_head *next, *prev;
};
struct hlist_node {
	struct hlist_node *next, **pprev;
};
struct hlist_head {
	struct hlist_node *first;
};
struct hlist_nulls_node {
	struct hlist_nulls_node *next, **pprev;
};
struct hlist_nulls_head {
	struct hlist_nulls_node *first;
};
struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node *rb_right, *rb_left;
};
struct rb_root {
	struct rb_node *rb_node;
};
struct item {
	int before[3];
	int value;
	struct list_head link;
	struct hlist_node hlink;
	struct hlist_nulls_node nlink;
	struct rb_node rb;
};
struct xarray {
	uint64_t lock_and_flags;
	void *xa_head;
};
struct idr {
	struct xarray idr_rt;
	unsigned int idr_base, idr_next;
};
struct xa_node {
	unsigned char shift, offset, count, nr_values;
	void *parent, *array;
	struct list_head private_list;
	void *slots[64];
	unsigned long marks[3][1];
};
struct maple_tree {
	uint64_t lock_and_flags;
	void *ma_root;
};
struct maple_node {
	void *parent;
	union {
		struct {
			unsigned long pivot[15];
			void *slot[16];
		} mr64;
		struct {
			unsigned long pivot[9];
			void *slot[10];
			unsigned long gap[10];
			uint64_t meta;
		} ma64;
	};
};
struct qstr {
	uint32_t hash, len;
	const char *name;
};
struct dentry {
	struct dentry *d_parent;
	struct qstr d_name;
	void *d_op;
	struct {
		void *next, *pprev;
	} d_hash;
};
struct vfsmount {
	struct dentry *mnt_root;
};
struct mount {
	struct mount *mnt_parent;
	struct dentry *mnt_mountpoint;
	struct vfsmount mnt;
};

struct page {
	unsigned long flags;
	unsigned long compound_info;
	void *mapping;
	uint64_t rest[5];
};

struct mm_struct {
	uint64_t before;
	uint64_t *pgd;
};

enum { PG_HEAD = 6 };

static void describe(struct ktype *k)
{
#define MEMBER(T, m, scalar)                                                                       \
	fake_member(k, #T, #m, 8 * offsetof(T, m), 0, sizeof(((T *)0)->m), 0, scalar)
#define TYPE(T) fake_value(k, FAKE_SIZE, #T, "", sizeof(T))
	TYPE(struct list_head);
	TYPE(struct hlist_node);
	TYPE(struct hlist_head);
	TYPE(struct hlist_nulls_node);
	TYPE(struct hlist_nulls_head);
	TYPE(struct rb_node);
	TYPE(struct rb_root);
	TYPE(struct item);
	TYPE(struct xarray);
	TYPE(struct idr);
	TYPE(struct xa_node);
	TYPE(struct maple_tree);
	TYPE(struct maple_node);
	TYPE(struct dentry);
	TYPE(struct vfsmount);
	TYPE(struct mount);
	TYPE(struct page);
	TYPE(struct mm_struct);
	MEMBER(struct mm_struct, pgd, 1);
	MEMBER(struct list_head, next, 1);
	MEMBER(struct list_head, prev, 1);
	MEMBER(struct hlist_node, next, 1);
	MEMBER(struct hlist_head, first, 1);
	MEMBER(struct hlist_nulls_node, next, 1);
	MEMBER(struct hlist_nulls_head, first, 1);
	MEMBER(struct rb_node, __rb_parent_color, 1);
	MEMBER(struct rb_node, rb_right, 1);
	MEMBER(struct rb_node, rb_left, 1);
	MEMBER(struct rb_root, rb_node, 1);
	MEMBER(struct item, value, 1);
	MEMBER(struct item, link, 0);
	MEMBER(struct item, hlink, 0);
	MEMBER(struct item, nlink, 0);
	MEMBER(struct item, rb, 0);
	MEMBER(struct xarray, xa_head, 1);
	MEMBER(struct idr, idr_rt, 0);
	MEMBER(struct idr, idr_base, 1);
	MEMBER(struct xa_node, shift, 1);
	MEMBER(struct xa_node, slots, 0);
	MEMBER(struct xa_node, marks, 0);
	MEMBER(struct maple_tree, ma_root, 1);
	MEMBER(struct maple_node, mr64.pivot, 0);
	MEMBER(struct maple_node, mr64.slot, 0);
	MEMBER(struct maple_node, ma64.pivot, 0);
	MEMBER(struct maple_node, ma64.slot, 0);
	MEMBER(struct dentry, d_parent, 1);
	MEMBER(struct dentry, d_name.len, 1);
	MEMBER(struct dentry, d_name.name, 1);
	MEMBER(struct dentry, d_op, 1);
	MEMBER(struct dentry, d_hash.pprev, 1);
	MEMBER(struct vfsmount, mnt_root, 1);
	MEMBER(struct mount, mnt_parent, 1);
	MEMBER(struct mount, mnt_mountpoint, 1);
	MEMBER(struct mount, mnt, 0);
	MEMBER(struct page, flags, 0);
	MEMBER(struct page, compound_info, 1);
	MEMBER(struct page, mapping, 1);
	fake_value(k, FAKE_ENUM, "enum pageflags", "PG_head", PG_HEAD);
#undef MEMBER
#undef TYPE
}

/* ---- the guest ---- */

enum {
	MEMORY = 1 << 20,
	ITEMS = 100,
	FUEL = 1 << 21, /* what the endless ones may burn here: small, for slow machines */
};

#define UNMAPPED ((void *)0xdead000000000100ul)

struct fixture {
	struct base_alloc alloc;
	struct ktype *k;
	struct llview_layout *layout;
	struct llview_guest *guest;
	char *memory;
	size_t used;
	struct item *items[ITEMS];
	struct probe p;
};

/* Zeroed memory of the guest. */
static void *take(struct fixture *f, size_t size, size_t align)
{
	f->used = (f->used + align - 1) / align * align;
	assert_true(f->used + size <= MEMORY);
	f->used += size;
	return f->memory + f->used - size;
}

static int setup(void **state)
{
	const struct llview_guest_opts opts = { .fuel = FUEL };
	struct fixture *f = calloc(1, sizeof(*f));

	assert_non_null(f);
	base_alloc_init(&f->alloc, 64 << 20);
	f->k = fake_create();
	describe(f->k);
	f->memory = fake_object(f->k, MEMORY);
	assert_int_equal(llview_layout_create(&f->alloc, f->k, &f->layout), ERR_OK);
	assert_int_equal(llview_guest_create(&f->alloc, f->layout, fake_pages(f->k), &opts,
					     &f->guest), ERR_OK);
	for (int i = 0; i < ITEMS; i++) {
		f->items[i] = take(f, sizeof(struct item), 8);
		f->items[i]->value = i;
	}
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	llview_guest_destroy(f->guest);
	llview_layout_destroy(f->layout);
	fake_destroy(f->k);
	assert_int_equal(f->alloc.used, 0);
	free(f);
	return 0;
}

static enum err try(struct fixture *f, void (*fn)(void *), const void *root, uint64_t from)
{
	f->p.root = (uintptr_t)root;
	f->p.from = from;
	f->p.count = 0;
	f->p.faulted = false;
	return guest_run(f->guest, fn, &f->p);
}

static void run(struct fixture *f, void (*fn)(void *), const void *root, uint64_t from)
{
	assert_int_equal(try(f, fn, root, from), ERR_OK);
}

/* All items in order, and nothing to complain of. */
static void expect_items(struct fixture *f, void (*fn)(void *), const void *root, size_t count)
{
	run(f, fn, root, 0);
	assert_false(f->p.faulted);
	assert_int_equal(f->p.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_true(f->p.out[i] == (uintptr_t)f->items[i]);
		assert_int_equal(f->p.index[i], i);
	}
}

/* Ended with a fault, after no more entries than a few rounds give. */
static void expect_fault(struct fixture *f, void (*fn)(void *), const void *root)
{
	run(f, fn, root, 0);
	assert_true(f->p.faulted);
	assert_true(f->p.count <= 4 * ITEMS);
}

/* ---- lists ---- */

static struct list_head *make_list(struct fixture *f, size_t count)
{
	struct list_head *head = take(f, sizeof(*head), 8), *last = head;

	for (size_t i = 0; i < count; i++) {
		last->next = &f->items[i]->link;
		f->items[i]->link.prev = last;
		last = last->next;
	}
	last->next = head;
	head->prev = last;
	return head;
}

static void test_list(void **state)
{
	struct fixture *f = *state;

	expect_items(f, probe_list, make_list(f, 0), 0);
	expect_items(f, probe_list, make_list(f, 1), 1);
	expect_items(f, probe_list, make_list(f, ITEMS), ITEMS);
}

static void test_list_hostile(void **state)
{
	struct fixture *f = *state;
	struct list_head *head = make_list(f, ITEMS);

	for (int i = 0; i < ITEMS; i += 9) {
		struct list_head *last = &f->items[ITEMS - 1]->link;

		last->next = &f->items[i]->link; /* back, past the head */
		expect_fault(f, probe_list, head);
		assert_true(f->p.count >= ITEMS);
		last->next = head;
	}
	f->items[50]->link.next = &f->items[50]->link;
	expect_fault(f, probe_list, head);
	f->items[50]->link.next = UNMAPPED;
	expect_fault(f, probe_list, head);
	assert_int_equal(f->p.count, 52); /* the last is where nothing can be read */
	f->items[50]->link.next = (void *)((uintptr_t)f->memory + MEMORY - 4); /* across the end */
	expect_fault(f, probe_list, head);
	f->items[50]->link.next = NULL;
	run(f, probe_list, head, 0);
	assert_int_equal(f->p.count, 51);
	expect_fault(f, probe_list, UNMAPPED);
	assert_int_equal(f->p.count, 0);
}

static void test_hlist(void **state)
{
	struct fixture *f = *state;
	struct hlist_head *head = take(f, sizeof(*head), 8);

	expect_items(f, probe_hlist, head, 0);
	head->first = &f->items[0]->hlink;
	for (int i = 0; i < ITEMS - 1; i++)
		f->items[i]->hlink.next = &f->items[i + 1]->hlink;
	expect_items(f, probe_hlist, head, ITEMS);
	f->items[ITEMS - 1]->hlink.next = &f->items[33]->hlink;
	expect_fault(f, probe_hlist, head);
	f->items[60]->hlink.next = &f->items[60]->hlink;
	expect_fault(f, probe_hlist, head);
	f->items[60]->hlink.next = UNMAPPED;
	expect_fault(f, probe_hlist, head);
	assert_int_equal(f->p.count, 62);
}

static void test_nulls(void **state)
{
	struct fixture *f = *state;
	struct hlist_nulls_head *head = take(f, sizeof(*head), 8);

	head->first = (void *)(7ul << 1 | 1);
	expect_items(f, probe_nulls, head, 0);
	head->first = &f->items[0]->nlink;
	for (int i = 0; i < ITEMS; i++)
		f->items[i]->nlink.next = i < ITEMS - 1 ? &f->items[i + 1]->nlink :
							  (void *)(7ul << 1 | 1);
	expect_items(f, probe_nulls, head, ITEMS);
	f->items[ITEMS - 1]->nlink.next = &f->items[0]->nlink;
	expect_fault(f, probe_nulls, head);
	f->items[1]->nlink.next = &f->items[1]->nlink;
	expect_fault(f, probe_nulls, head);
	f->items[1]->nlink.next = (void *)((uintptr_t)UNMAPPED | 2);
	expect_fault(f, probe_nulls, head);
	assert_int_equal(f->p.count, 3);
}

/* ---- red-black trees ---- */

static struct rb_node *make_rb(struct fixture *f, int from, int to, struct rb_node *parent)
{
	int middle = (from + to) / 2;
	struct rb_node *n;

	if (from >= to)
		return NULL;
	n = &f->items[middle]->rb;
	n->__rb_parent_color = (uintptr_t)parent | (middle & 1);
	n->rb_left = make_rb(f, from, middle, n);
	n->rb_right = make_rb(f, middle + 1, to, n);
	return n;
}

static void test_rb(void **state)
{
	struct fixture *f = *state;
	struct rb_root *root = take(f, sizeof(*root), 8);

	for (int count = 0; count <= ITEMS; count += count < 10 ? 1 : 15) {
		root->rb_node = make_rb(f, 0, count, NULL);
		expect_items(f, probe_rb, root, (size_t)count);
	}
}

static void test_rb_hostile(void **state)
{
	struct fixture *f = *state;
	struct rb_root *root = take(f, sizeof(*root), 8);
	struct rb_node *n;

	for (int i = 0; i < ITEMS; i += 7) {
		root->rb_node = make_rb(f, 0, ITEMS, NULL);
		n = &f->items[i]->rb;
		n->rb_left = n;
		expect_fault(f, probe_rb, root);
		make_rb(f, 0, ITEMS, NULL);
		n->rb_right = n;
		expect_fault(f, probe_rb, root);
		make_rb(f, 0, ITEMS, NULL);
		n->rb_right = root->rb_node; /* round and round */
		expect_fault(f, probe_rb, root);
		make_rb(f, 0, ITEMS, NULL);
		n->rb_right = UNMAPPED;
		expect_fault(f, probe_rb, root);
	}
	make_rb(f, 0, ITEMS, NULL);
	root->rb_node->__rb_parent_color = (uintptr_t)root->rb_node; /* its own parent's right child */
	root->rb_node->rb_right = NULL;
	run(f, probe_rb, root, 0);
	assert_true(f->p.count <= 4 * ITEMS);
	root->rb_node = UNMAPPED;
	expect_fault(f, probe_rb, root);
}

/* ---- XArrays ---- */

#define ENTRY(i) ((void *)(uintptr_t)(0x100000 + 8 * (i)))

static void *tagged(const void *node)
{
	return (void *)((uintptr_t)node | 2);
}

static struct xa_node *make_node(struct fixture *f, unsigned char shift)
{
	struct xa_node *n = take(f, sizeof(*n), 64);

	n->shift = shift;
	return n;
}

static struct xarray *make_xa(struct fixture *f, unsigned char shift)
{
	struct xarray *xa = take(f, sizeof(*xa), 8);

	xa->xa_head = tagged(make_node(f, shift));
	return xa;
}

static void store(struct fixture *f, struct xarray *xa, uint64_t index)
{
	struct xa_node *n = (void *)((uintptr_t)xa->xa_head - 2);

	for (;;) {
		void **slot = &n->slots[index >> n->shift & 63];

		if (!n->shift) {
			*slot = ENTRY(index);
			return;
		}
		if (!*slot)
			*slot = tagged(make_node(f, (unsigned char)(n->shift - 6)));
		n = (void *)((uintptr_t)*slot - 2);
	}
}

static void expect_indices(struct fixture *f, struct xarray *xa, const uint64_t *at, size_t count)
{
	run(f, probe_xa_find, xa, 0);
	assert_false(f->p.faulted);
	assert_int_equal(f->p.count, count);
	for (size_t i = 0; i < count; i++) {
		assert_true(f->p.index[i] == at[i]);
		assert_true(f->p.out[i] == (uintptr_t)ENTRY(at[i]));
	}
	for (size_t i = 0; i < count; i++) {
		run(f, probe_xa_load, xa, at[i]);
		assert_true(f->p.out[0] == (uintptr_t)ENTRY(at[i]));
		run(f, probe_xa_load, xa, at[i] + 1);
		assert_true(f->p.out[0] ==
			    (i + 1 < count && at[i + 1] == at[i] + 1 ?
				     (uintptr_t)ENTRY(at[i + 1]) : 0));
		if (i + 1 == count)
			break;
		run(f, probe_xa_find, xa, at[i] + 1); /* from within a gap */
		assert_int_equal(f->p.count, count - i - 1);
		assert_true(f->p.index[0] == at[i + 1]);
	}
}

/* A node whose last slots are empty isn't the end: there are more to the right of it. */
static void test_xa_gaps(void **state)
{
	static const uint64_t at[] = { 1, 5, 64, 130, 255, 4000, 4095, 4096, 5000, 100000, 262143 };
	struct fixture *f = *state;

	for (unsigned int set = 1; set < 1u << (sizeof(at) / sizeof(at[0])); set += 13) {
		size_t used = f->used, count = 0;
		uint64_t chosen[sizeof(at) / sizeof(at[0])];
		struct xarray *xa = make_xa(f, 12);

		for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
			if (set >> i & 1) {
				chosen[count++] = at[i];
				store(f, xa, at[i]);
			}
		}
		expect_indices(f, xa, chosen, count);
		memset(f->memory + used, 0, f->used - used);
		f->used = used;
	}
}

static void test_xa_deep(void **state)
{
	static const uint64_t at[] = { 0, 63, 1ull << 30, (1ull << 60) + 77, UINT64_MAX - 1 };
	struct fixture *f = *state;
	struct xarray *xa = make_xa(f, 60);

	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		store(f, xa, at[i]);
	expect_indices(f, xa, at, sizeof(at) / sizeof(at[0]));
}

static void test_xa_small(void **state)
{
	static const uint64_t zero[] = { 0 };
	struct fixture *f = *state;
	struct xarray *xa = take(f, sizeof(*xa), 8);
	struct xa_node *n;

	expect_indices(f, xa, zero, 0);
	xa->xa_head = ENTRY(0);
	expect_indices(f, xa, zero, 1);
	/* One entry for the indices 8 to 11, then one that is being replaced. */
	n = make_node(f, 0);
	xa->xa_head = tagged(n);
	n->slots[8] = ENTRY(8);
	for (int i = 9; i < 12; i++)
		n->slots[i] = (void *)(8ul << 2 | 2);
	n->slots[20] = (void *)(256ul << 2 | 2);
	for (uint64_t i = 7; i < 22; i++) {
		run(f, probe_xa_load, xa, i);
		assert_true(f->p.out[0] == (i >= 8 && i < 12 ? (uintptr_t)ENTRY(8) : 0));
	}
}

static void test_idr(void **state)
{
	static const uint64_t at[] = { 0, 1, 64, 300 };
	struct fixture *f = *state;
	struct xarray *xa = make_xa(f, 6);
	struct idr *idr = take(f, sizeof(*idr), 8);

	for (size_t i = 0; i < 4; i++)
		store(f, xa, at[i]);
	idr->idr_rt = *xa;
	idr->idr_base = 100;
	run(f, probe_idr, idr, 0);
	assert_int_equal(f->p.count, 4);
	for (size_t i = 0; i < 4; i++) {
		assert_true(f->p.index[i] == at[i] + 100);
		assert_true(f->p.out[i] == (uintptr_t)ENTRY(at[i]));
	}
	run(f, probe_idr_find, idr, 164);
	assert_true(f->p.out[0] == (uintptr_t)ENTRY(64));
	run(f, probe_idr_find, idr, 64); /* below the first number */
	assert_true(f->p.out[0] == 0);
	run(f, probe_idr_find, idr, 99);
	assert_true(f->p.out[0] == 0);
	expect_fault(f, probe_idr, UNMAPPED);
}

static void test_xa_hostile(void **state)
{
	struct fixture *f = *state;
	struct xarray *xa = make_xa(f, 6);
	struct xa_node *n = (void *)((uintptr_t)xa->xa_head - 2);

	/* Its own child, in every slot, for any shift that it may claim. */
	for (int i = 0; i < 64; i++)
		n->slots[i] = tagged(n);
	for (unsigned int shift = 0; shift < 256; shift++) {
		n->shift = (unsigned char)shift;
		run(f, probe_xa_find, xa, 0);
		assert_true(f->p.count <= 64);
		assert_true(!shift || f->p.faulted);
		for (uint64_t at = 1; at; at *= 7, at &= ~(at >> 62)) {
			run(f, probe_xa_load, xa, at);
			run(f, probe_xa_find, xa, at);
			if (at > UINT64_MAX / 7)
				break;
		}
	}
	/* Nothing in a tree that says it has 2^64 slots: skipped in large steps, or given up. */
	memset(n->slots, 0, sizeof(n->slots));
	for (unsigned int shift = 0; shift < 256; shift++) {
		n->shift = (unsigned char)shift;
		run(f, probe_xa_find, xa, 0);
		assert_int_equal(f->p.count, 0);
	}
	n->shift = 6;
	n->slots[3] = tagged(UNMAPPED);
	store(f, xa, 10);
	run(f, probe_xa_find, xa, 0);
	assert_int_equal(f->p.count, 1);
	assert_true(f->p.faulted);
	run(f, probe_xa_load, xa, 3 << 6);
	assert_true(f->p.faulted && !f->p.out[0]);
	xa->xa_head = tagged(UNMAPPED);
	expect_fault(f, probe_xa_find, xa);
	expect_fault(f, probe_xa_find, UNMAPPED);
	/* Siblings of siblings, and of slots that there aren't. */
	xa->xa_head = tagged(n);
	n->shift = 0;
	for (unsigned int i = 0; i < 64; i++)
		n->slots[i] = (void *)((i * 37ul % 1024) << 2 | 2);
	run(f, probe_xa_find, xa, 0);
	assert_int_equal(f->p.count, 0);
}

/* ---- maple trees ---- */

enum { LEAF = 1, RANGE = 2, ARANGE = 3 };

static struct maple_node *make_maple(struct fixture *f)
{
	return take(f, sizeof(struct maple_node), 256);
}

static void *maple_entry(const void *node, unsigned int type)
{
	return (void *)((uintptr_t)node | type << 3 | 2);
}

static void test_maple(void **state)
{
	struct fixture *f = *state;
	struct maple_tree *t = take(f, sizeof(*t), 8);
	struct maple_node *root, *leaf[3];

	run(f, probe_maple, t, 0);
	assert_int_equal(f->p.count, 0);
	t->ma_root = ENTRY(1);
	run(f, probe_maple, t, 0);
	assert_int_equal(f->p.count, 1);
	assert_true(f->p.out[0] == (uintptr_t)ENTRY(1));

	/* Three leaves of 10, 16 and 3 entries, each with an empty range in it. */
	root = make_maple(f);
	t->ma_root = maple_entry(root, ARANGE);
	for (unsigned int n = 0, next = 0; n < 3; n++) {
		static const unsigned int entries[] = { 10, 16, 3 };
		unsigned long end = n < 2 ? 0x1000ul * (n + 1) - 1 : ~0ul;

		leaf[n] = make_maple(f);
		for (unsigned int i = 0; i < entries[n]; i++) {
			leaf[n]->mr64.slot[i] = i == 1 ? NULL : ENTRY(next++);
			if (i < 15)
				leaf[n]->mr64.pivot[i] =
					i == entries[n] - 1 ? end : 0x1000ul * n + 16 * i + 15;
		}
		root->ma64.slot[n] = maple_entry(leaf[n], LEAF);
		root->ma64.pivot[n] = end;
	}
	run(f, probe_maple, t, 0);
	assert_false(f->p.faulted);
	assert_int_equal(f->p.count, 26);
	for (unsigned int i = 0; i < 26; i++)
		assert_true(f->p.out[i] == (uintptr_t)ENTRY(i));

	root->ma64.slot[1] = UNMAPPED;
	run(f, probe_maple, t, 0);
	assert_true(f->p.faulted);
	assert_true(f->p.count <= 12);
	root->ma64.slot[1] = (void *)8;
	run(f, probe_maple, t, 0);
	assert_true(f->p.faulted);
	assert_int_equal(f->p.count, 9);
}

static void test_maple_hostile(void **state)
{
	struct fixture *f = *state;
	struct maple_tree *t = take(f, sizeof(*t), 8);
	struct maple_node *n = make_maple(f);

	for (unsigned int type = 0; type < 16; type++) {
		t->ma_root = maple_entry(n, type);
		memset(n, 0, sizeof(*n));
		if (type == RANGE) {
			/* all its children itself: as many paths as 16^16 */
			for (int i = 0; i < 16; i++)
				n->mr64.slot[i] = maple_entry(n, type);
			for (unsigned int i = 0; i < 15; i++)
				n->mr64.pivot[i] = i + 1;
		} else if (type == ARANGE) {
			for (int i = 0; i < 10; i++)
				n->ma64.slot[i] = maple_entry(n, type);
			for (unsigned int i = 0; i < 9; i++)
				n->ma64.pivot[i] = i + 1;
		}
		if (try(f, probe_maple, t, 0) == ERR_OK)
			assert_true(type == LEAF || f->p.faulted);
		assert_int_equal(f->p.count, 0);
	}
	t->ma_root = maple_entry(UNMAPPED, LEAF);
	expect_fault(f, probe_maple, t);
	expect_fault(f, probe_maple, UNMAPPED);
}

/* ---- paths ---- */

static struct dentry *make_dentry(struct fixture *f, struct dentry *parent, const char *name)
{
	struct dentry *d = take(f, sizeof(*d), 8);
	char *text = take(f, strlen(name) + 1, 1);

	memcpy(text, name, strlen(name));
	d->d_parent = parent ? parent : d;
	d->d_name.name = text;
	d->d_name.len = (uint32_t)strlen(name);
	d->d_hash.pprev = d;
	return d;
}

static void test_path(void **state)
{
	struct fixture *f = *state;
	struct dentry *top = make_dentry(f, NULL, "/"), *a = make_dentry(f, top, "a"),
		      *b = make_dentry(f, a, "bb"), *inner = make_dentry(f, NULL, "/"),
		      *c = make_dentry(f, inner, "ccc");
	struct mount *outer = take(f, sizeof(*outer), 8), *m = take(f, sizeof(*m), 8);

	outer->mnt_parent = outer;
	outer->mnt.mnt_root = outer->mnt_mountpoint = top;
	m->mnt_parent = outer;
	m->mnt_mountpoint = b;
	m->mnt.mnt_root = inner;
	run(f, probe_path, c, (uintptr_t)m);
	assert_false(f->p.faulted);
	assert_int_equal(f->p.result, 9);
	assert_memory_equal(f->p.text, "/a/bb/ccc", 9);

	c->d_name.len = UINT32_MAX;
	run(f, probe_path, c, (uintptr_t)m);
	assert_true(f->p.faulted);
	c->d_name.len = 3;
	c->d_name.name = UNMAPPED;
	run(f, probe_path, c, (uintptr_t)m);
	assert_true(f->p.faulted);
	c->d_name.name = a->d_name.name;
	/* Two mounts each upon the other, two directories each within the other. */
	outer->mnt_parent = m;
	outer->mnt_mountpoint = inner;
	m->mnt_mountpoint = top;
	run(f, probe_path, c, (uintptr_t)m);
	assert_true(f->p.faulted || f->p.result < 0);
	a->d_parent = b;
	run(f, probe_path, b, (uintptr_t)outer);
	assert_true(f->p.faulted || f->p.result < 0);
	a->d_parent = b->d_parent = UNMAPPED;
	run(f, probe_path, b, (uintptr_t)outer);
	assert_true(f->p.faulted);
	run(f, probe_path, UNMAPPED, (uintptr_t)UNMAPPED);
	assert_true(f->p.faulted);
}

/* ---- pages ---- */

/* A part of a folio leads to its first page by its address, or by a mask of the part's own. */
static void test_pages(void **state)
{
	enum { PAGES = 12, ORDER = 2 };
	struct fixture *f = *state;
	struct page *pages = take(f, PAGES * sizeof(*pages), sizeof(*pages) << ORDER);
	uint64_t mask = ~((sizeof(*pages) << ORDER) - 1);

	pages[4].flags = pages[8].flags = 1ul << PG_HEAD;
	for (int i = 5; i < 8; i++)
		pages[i].compound_info = (uintptr_t)&pages[4] | 1;
	for (int i = 9; i < PAGES; i++)
		pages[i].compound_info = mask | 1;
	run(f, probe_pages, pages, PAGES - 1);
	assert_false(f->p.faulted);
	assert_int_equal(f->p.count, PAGES);
	for (uint64_t i = 0; i < PAGES; i++) {
		assert_true(f->p.out[i] == (uintptr_t)&pages[i < 4 ? i : i / 4 * 4]);
		assert_int_equal(f->p.index[i], i >= 4);
	}
	pages[2].compound_info = (uintptr_t)UNMAPPED | 1;
	run(f, probe_pages, pages, PAGES - 1);
	assert_true(f->p.faulted);
}

/* ---- anything ---- */

/* Words that lead somewhere into the same few pages, in every shape that the walks know. */
static void test_random(void **state)
{
	static void (*const probes[])(void *) = {
		probe_list, probe_hlist, probe_nulls, probe_rb, probe_maple, probe_xa_find,
		probe_xa_load, probe_idr, probe_idr_find, probe_path,
	};
	enum { WORDS = 1024 };
	struct fixture *f = *state;
	uint64_t *words = take(f, WORDS * sizeof(*words), 4096);
	uint64_t random = 1;

	for (int round = 0; round < 30; round++) {
		for (int i = 0; i < WORDS; i++) {
			uint64_t target;

			random = random * 6364136223846793005u + 1442695040888963407u;
			target = (uintptr_t)&words[random >> 40 & (WORDS - 1)];
			switch (random >> 60) {
			case 0:
				words[i] = 0;
				break;
			case 1:
				words[i] = random;
				break;
			case 2:
				words[i] = random >> 50 & 255;
				break;
			case 3:
				words[i] = target | (random >> 55 & 31);
				break;
			case 4:
			case 5:
			case 6:
				words[i] = target | 2;
				break;
			default:
				words[i] = target;
			}
		}
		for (size_t i = 0; i < sizeof(probes) / sizeof(probes[0]); i++) {
			enum err e = try(f, probes[i], &words[round], (uintptr_t)&words[2 * round]);

			assert_true(e == ERR_OK || e == ERR_LIMIT);
			assert_true(f->p.count <= FUEL);
		}
	}
}

/* ---- page tables: physical addresses are those of the test's memory ---- */

enum {
	PTE_PRESENT = 1,
	PTE_TABLE = 0x67,
	PTE_IS_HUGE = 1 << 7,
	HALF = PROBE_OUT / 2,
};

static struct mm_struct *make_mm(struct fixture *f, uint64_t *top)
{
	struct mm_struct *mm = take(f, sizeof(*mm), 8);

	mm->pgd = top;
	return mm;
}

static uint64_t *make_table(struct fixture *f)
{
	return take(f, 4096, 4096);
}

static void walk(struct fixture *f, const struct mm_struct *mm, unsigned int levels, uint64_t from, uint64_t to)
{
	f->p.levels = levels;
	f->p.to = to;
	run(f, probe_tables, mm, from);
}

/* Entry `n` of what was found. */
static void expect_entry(struct fixture *f, size_t n, uint64_t va, uint64_t size, uint64_t entry, unsigned int level)
{
	assert_true(n < f->p.count);
	assert_int_equal(f->p.index[n], va);
	assert_int_equal(f->p.out[n + HALF], size);
	assert_int_equal(f->p.out[n], entry);
	assert_int_equal(f->p.index[n + HALF], level);
}

static void test_tables(void **state)
{
	struct fixture *f = *state;
	uint64_t *top = make_table(f), *third = make_table(f), *second = make_table(f), *first = make_table(f);
	struct mm_struct *mm = make_mm(f, top);
	const uint64_t mib = 1 << 20, gib = 1 << 30;

	top[0] = (uintptr_t)third | PTE_TABLE;
	third[0] = (uintptr_t)second | PTE_TABLE;
	third[1] = 0x40000000 | PTE_IS_HUGE | PTE_TABLE;
	second[0] = (uintptr_t)first | PTE_TABLE;
	second[1] = 0x600000 | PTE_IS_HUGE | PTE_TABLE;
	first[1] = 0x5000 | PTE_PRESENT;
	first[2] = 0xfffffe0000000000; /* swapped out */
	first[3] = 0x60;	       /* none: a CPU may have left these behind */
	for (unsigned int levels = 4; levels <= 5; levels++) {
		walk(f, mm, levels, 0x1000, 2 * gib);
		assert_false(f->p.faulted);
		expect_entry(f, 0, 0x1000, 0x1000, 0x5001, 1);
		expect_entry(f, 1, 0x2000, 0x1000, 0xfffffe0000000000, 1);
		expect_entry(f, 2, 0x3000, 0x1000, 0, 1);
		expect_entry(f, 511, 2 * mib, 2 * mib, second[1], 2);
		expect_entry(f, 512, 4 * mib, 2 * mib, 0, 2);
		expect_entry(f, 511 + 511, gib, gib, third[1], 3);
		assert_int_equal(f->p.count, 511 + 511 + 1);
		/* from the midst of one to the midst of another */
		walk(f, mm, levels, 3 * mib, 4 * mib + 5);
		expect_entry(f, 0, 3 * mib, mib, second[1], 2);
		expect_entry(f, 1, 4 * mib, 5, 0, 2);
		assert_int_equal(f->p.count, 2);
		walk(f, mm, levels, 5, 5);
		assert_int_equal(f->p.count, 0);
		/* one more level above */
		mm->pgd = make_table(f);
		mm->pgd[0] = (uintptr_t)top | PTE_TABLE;
	}
}

/* What is asked for beyond the user's half isn't looked at. */
static void test_tables_end(void **state)
{
	struct fixture *f = *state;
	uint64_t *top = make_table(f);
	struct mm_struct *mm = make_mm(f, top);

	for (int i = 256; i < 512; i++)
		top[i] = (uintptr_t)top | PTE_TABLE;
	walk(f, mm, 4, 0, UINT64_MAX);
	assert_int_equal(f->p.count, 256);
	expect_entry(f, 255, 255ull << 39, 1ull << 39, 0, 4);
	walk(f, mm, 5, 0, UINT64_MAX);
	expect_entry(f, 255, 255ull << 48, 1ull << 48, 0, 5);
	walk(f, mm, 4, 1ull << 47, UINT64_MAX);
	assert_int_equal(f->p.count, 0);
}

static void test_tables_that_lie(void **state)
{
	struct fixture *f = *state;
	uint64_t *top = make_table(f);
	struct mm_struct *mm = make_mm(f, top);

	/* a table that is its own, on all levels: the last one's entries are pages */
	for (int i = 0; i < 512; i++)
		top[i] = (uintptr_t)top | PTE_PRESENT;
	walk(f, mm, 4, 0, 1000 * 4096);
	assert_int_equal(f->p.count, 1000);
	expect_entry(f, 999, 999 * 4096, 4096, top[0], 1);
	f->p.to = UINT64_MAX;
	assert_int_equal(try(f, probe_tables, mm, 0), ERR_LIMIT);
	/* one that isn't there: a fault, and an end */
	top[0] = 0xdead0000000 | PTE_PRESENT;
	walk(f, mm, 4, 0, UINT64_MAX);
	assert_true(f->p.faulted);
	assert_true(f->p.count <= 512);
	mm->pgd = UNMAPPED;
	walk(f, mm, 4, 0, UINT64_MAX);
	assert_true(f->p.faulted);
	assert_true(f->p.count <= 256);
}

static void test_entries(void **state)
{
	static const struct {
		uint64_t entry;
		unsigned int level;
		uint64_t frame;
		bool present, dirty;
	} all[] = {
		{ 0x8000000000005067, 1, 5, true, true },
		{ 0x0400000000005001, 1, 5, true, true },	      /* dirty, of a shadow stack */
		{ 0x00000000008ff0e1, 2, 0x800, true, true },	      /* bit 12 isn't of the address */
		{ 0x000fffffffffa100, 1, 5, true, false },	      /* no access: the address is inverted */
	};
	struct fixture *f = *state;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		run(f, probe_entry, (void *)(uintptr_t)all[i].entry, all[i].level);
		assert_int_equal(f->p.out[0], all[i].frame);
		assert_int_equal(f->p.index[0], all[i].present);
		assert_int_equal(f->p.out[1], all[i].dirty);
	}
	/* page 0x1234 of swap file 3: include/asm/pgtable_64.h inverts what is at bits 9 to 58 */
	run(f, probe_entry, (void *)(uintptr_t)((3ull << 59) | (~0x1234ull << 14 >> 5 & ~0x1ffull)), 1);
	assert_int_equal(f->p.index[0], 0);
	assert_int_equal(f->p.out[2], 3);
	assert_int_equal(f->p.index[2], 0x1234);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_list), TEST(test_list_hostile), TEST(test_hlist), TEST(test_nulls),
		TEST(test_rb), TEST(test_rb_hostile), TEST(test_xa_gaps), TEST(test_xa_deep),
		TEST(test_xa_small), TEST(test_idr), TEST(test_xa_hostile), TEST(test_maple),
		TEST(test_maple_hostile), TEST(test_path), TEST(test_pages), TEST(test_random),
		TEST(test_tables), TEST(test_tables_end), TEST(test_tables_that_lie), TEST(test_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

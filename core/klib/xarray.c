// SPDX-License-Identifier: MIT
/*
 * Look-ups in XArrays (lib/xarray.c, lib/radix-tree.c). An entry whose low bits are 10 is internal:
 * above 4096 a node, below it a sibling of another slot, or "retry".
 */
#include "klib/xarray.h"

#include "klib/ahead.h"

enum {
	XA_DEPTH = 12, /* 64 bits in steps of at least 6 */
	XA_NODE_MIN = 4096,
};

struct xa_shape {
	uint64_t slots;
	unsigned int shift;
};

/* How many slots a node has: a kernel built for small memory has fewer. */
static struct xa_shape xa_shape(void)
{
	uint64_t bytes = guest_offsetof(struct xa_node, marks) -
			 guest_offsetof(struct xa_node, slots);
	struct xa_shape s = { .slots = bytes / 8 };

	while (s.slots >> s.shift > 1)
		s.shift++;
	return s;
}

static bool is_internal(uint64_t entry)
{
	return (entry & 3) == 2;
}

static bool is_node(uint64_t entry)
{
	return is_internal(entry) && entry > XA_NODE_MIN;
}

static struct xa_node __guest *to_node(uint64_t entry)
{
	return guest_ptr(struct xa_node, entry - 2);
}

static uint64_t slot(struct xa_node __guest *node, uint64_t at, const struct xa_shape *shape)
{
	void __guest *__guest *slots = node->slots;
	uint64_t entry = guest_addr(slots[at]);

	/* A sibling entry stands for a slot before it, whose entry covers several indices. */
	if (is_internal(entry) && entry >> 2 < at)
		entry = guest_addr(slots[entry >> 2 & (shape->slots - 1)]);
	return entry;
}

void __guest *xa_find(struct xarray __guest *xa, uint64_t *index)
{
	struct xa_shape shape = xa_shape();
	struct guest_bound b = GUEST_BOUND(1u << 24);
	uint64_t at = *index;

again:;
	uint64_t entry = guest_addr(xa->xa_head);
	uint64_t above = 0; /* what the path to `entry` says of the index */

	if (!is_node(entry)) {
		if (!entry || is_internal(entry) || at)
			return NULL;
		*index = 0;
		return guest_ptr(void, entry);
	}
	for (unsigned int depth = 0; depth < XA_DEPTH; depth++) {
		struct xa_node __guest *node = to_node(entry);
		unsigned int shift = node->shift;

		if (shift > 63 || !shape.shift)
			break;
		if (!depth && shift + shape.shift < 64 && at >> shift >> shape.shift)
			return NULL;
		uint64_t i = at >> shift & (shape.slots - 1);
		for (;; i++) {
			if (!guest_more(&b))
				return NULL;
			if (i == shape.slots) {
				/* Nothing more in this node: on behind it, from the top. */
				uint64_t next = above + (shape.slots << shift);
				if (next < at || !next)
					return NULL;
				at = next;
				goto again;
			}
			entry = slot(node, i, &shape);
			if (entry && (!is_internal(entry) || is_node(entry)))
				break;
			at = above + ((i + 1) << shift);
		}
		above += i << shift;
		if (!is_node(entry) || !shift) {
			*index = at;
			return guest_ptr(void, entry);
		}
	}
	guest_fault(xa);
	return NULL;
}

void __guest *xa_load(struct xarray __guest *xa, uint64_t index)
{
	struct xa_shape shape = xa_shape();
	uint64_t entry = guest_addr(xa->xa_head);

	for (unsigned int depth = 0; is_node(entry) && depth < XA_DEPTH; depth++) {
		struct xa_node __guest *node = to_node(entry);
		unsigned int shift = node->shift;

		if (shift > 63)
			break;
		if (!depth && shift + shape.shift < 64 && index >> shift >> shape.shift)
			return NULL;
		entry = slot(node, index >> shift & (shape.slots - 1), &shape);
		if (!shift)
			return is_internal(entry) ? NULL : guest_ptr(void, entry);
		index &= (1ull << shift) - 1;
	}
	return index || is_internal(entry) ? NULL : guest_ptr(void, entry);
}

enum {
	AHEAD_NODES = 512, /* of a level; behind them one finds out by oneself */
};

/*
 * Level by level: the nodes below those at hand are asked for together, and when the last level is
 * reached, the entries.
 */
void xa_ahead(struct xarray __guest *xa, uint64_t size)
{
	struct xa_shape shape = xa_shape();
	uint64_t root = guest_addr(xa->xa_head), nodes[AHEAD_NODES];
	unsigned int count = 1;

	if (!is_node(root) || !shape.shift || shape.slots > 64)
		return;
	nodes[0] = root;
	for (unsigned int depth = 0; depth < XA_DEPTH && count; depth++) {
		bool leaves = !to_node(nodes[0])->shift;
		uint64_t below[AHEAD_NODES];
		unsigned int found = 0;

		for (unsigned int n = 0; n < count; n++) {
			void __guest *__guest *slots = to_node(nodes[n])->slots;
			struct ahead a = ahead_array(guest_addr(slots), shape.slots,
						     leaves ? size : guest_sizeof(struct xa_node));

			guest_chase(&a.chain);
		}
		if (leaves)
			return;
		for (unsigned int n = 0; n < count; n++) {
			void __guest *__guest *slots = to_node(nodes[n])->slots;

			for (uint64_t i = 0; i < shape.slots && found < AHEAD_NODES; i++) {
				uint64_t entry = guest_addr(slots[i]);

				if (is_node(entry))
					below[found++] = entry;
			}
		}
		count = found;
		for (unsigned int n = 0; n < count; n++)
			nodes[n] = below[n];
	}
}

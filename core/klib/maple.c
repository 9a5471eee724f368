// SPDX-License-Identifier: MIT
/*
 * In-order walk of maple trees. A node's address is tagged with its type in bits 3 to 6; nodes are
 * 256 bytes large and so aligned. At the root, bit 1 tells a node from a single entry.
 */
#include "klib/maple.h"

enum {
	MAPLE_LEAF_64 = 1,
	MAPLE_RANGE_64 = 2,
	MAPLE_ARANGE_64 = 3,
};

static bool is_node(uint64_t entry)
{
	return (entry & 3) == 2 && entry > 4096;
}

static void push(struct maple_walk *w, uint64_t entry, uint64_t max)
{
	if (w->depth == KLIB_MAPLE_DEPTH) {
		guest_fault(guest_ptr(char, entry));
		return;
	}
	w->level[w->depth].node = entry & ~255ull;
	w->level[w->depth].type = entry >> 3 & 15;
	w->level[w->depth].max = max;
	w->level[w->depth].slot = 0;
	w->depth++;
}

void maple_walk_begin(struct maple_walk *w, struct maple_tree __guest *tree)
{
	uint64_t root = guest_addr(tree->ma_root);

	w->bound = GUEST_BOUND(1u << 24);
	w->depth = 0;
	w->single = NULL;
	if (is_node(root))
		push(w, root, ~0ull);
	else
		w->single = guest_ptr(void, root);
}

void __guest *maple_walk_next(struct maple_walk *w)
{
	if (w->single) {
		void __guest *single = w->single;

		w->single = NULL;
		return single;
	}
	while (w->depth && guest_more(&w->bound)) {
		unsigned int at = w->depth - 1;
		unsigned int i = w->level[at].slot++;
		struct maple_node __guest *node = guest_ptr(struct maple_node, w->level[at].node);
		const unsigned long __guest *pivots;
		void __guest *__guest *slots;
		uint64_t count, max = w->level[at].max;

		switch (w->level[at].type) {
		case MAPLE_LEAF_64:
		case MAPLE_RANGE_64:
			pivots = node->mr64.pivot;
			slots = node->mr64.slot;
			count = (guest_addr(slots) - guest_addr(pivots)) / 8 + 1;
			break;
		case MAPLE_ARANGE_64:
			pivots = node->ma64.pivot;
			slots = node->ma64.slot;
			count = (guest_addr(slots) - guest_addr(pivots)) / 8 + 1;
			break;
		default:
			guest_fault(node);
			return NULL;
		}
		if (i >= count || i > 31) {
			w->depth--;
			continue;
		}
		/* The last slot's end isn't written down where the node isn't full: it is the node's. */
		uint64_t pivot = i < count - 1 ? pivots[i] : max;
		if (i && !pivot)
			pivot = max;
		if (pivot >= max) {
			pivot = max;
			w->depth--; /* nothing follows in this node */
		}
		uint64_t entry = guest_addr(slots[i]);
		if (!entry)
			continue;
		if (w->level[at].type == MAPLE_LEAF_64) {
			if ((entry & 3) != 2)
				return guest_ptr(void, entry);
			continue; /* reserved values, such as "zero" */
		}
		/* only the root's address is tagged; below it all slots of an inner node are nodes */
		if (entry <= 4096) {
			guest_fault(node);
			return NULL;
		}
		push(w, entry, pivot);
	}
	return NULL;
}

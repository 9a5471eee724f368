// SPDX-License-Identifier: MIT
/* In-order steps through red-black trees (lib/rbtree.c), each of bounded length. */
#include "klib/rbtree.h"

static struct rb_node __guest *leftmost(struct rb_node __guest *n)
{
	struct guest_bound b = GUEST_BOUND(KLIB_RB_DEPTH);
	struct rb_node __guest *left;

	while (n && (left = n->rb_left) && guest_more(&b))
		n = left;
	return n;
}

struct rb_node __guest *rb_first(const struct rb_root __guest *root)
{
	return leftmost(root->rb_node);
}

struct rb_node __guest *rb_next(struct rb_node __guest *node)
{
	struct guest_bound b = GUEST_BOUND(KLIB_RB_DEPTH);
	struct rb_node __guest *right = node->rb_right;

	if (right)
		return leftmost(right);
	while (guest_more(&b)) {
		struct rb_node __guest *parent =
			guest_ptr(struct rb_node, node->__rb_parent_color & ~3ul);

		if (!parent || !guest_eq(parent->rb_right, node))
			return parent;
		node = parent;
	}
	return NULL;
}

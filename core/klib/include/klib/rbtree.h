/* SPDX-License-Identifier: MIT */
/*
 * Red-black trees in order, as rb_first() and rb_next() of the kernel give it, without trusting
 * the tree: a step climbs or descends at most KLIB_RB_DEPTH links, and the walk is bounded.
 */
#ifndef SCW_KLIB_RBTREE_H
#define SCW_KLIB_RBTREE_H

#include "klib/types_base.h"

enum {
	KLIB_RB_DEPTH = 64, /* a valid tree of 2^32 nodes is no deeper */
	KLIB_RB_MAX = 1 << 24,
};

struct rb_node __guest *rb_first(const struct rb_root __guest *root);
struct rb_node __guest *rb_next(struct rb_node __guest *node);

struct klib_rb_walk {
	struct guest_bound bound;
	struct rb_node __guest *at;
};

static inline bool klib_rb_more(struct klib_rb_walk *w)
{
	return w->at && guest_more_at(&w->bound, w->at);
}

#define rb_for_each_entry(pos, root, member)                                                       \
	for (struct klib_rb_walk klib_w = { GUEST_BOUND(KLIB_RB_MAX), rb_first(root) };            \
	     klib_rb_more(&klib_w) &&                                                              \
	     ((pos) = guest_container_of(klib_w.at, guest_typeof_target(pos), member), true);      \
	     klib_w.at = rb_next(klib_w.at))

#endif

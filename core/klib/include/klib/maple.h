/* SPDX-License-Identifier: MIT */
/* Maple trees, which hold a process's areas since Linux 6.1 (include/linux/maple_tree.h). */
#ifndef SCW_KLIB_MAPLE_H
#define SCW_KLIB_MAPLE_H

#include "klib/types_base.h"

GUEST_TYPES_BEGIN

struct maple_tree {
	void __guest *ma_root;
};

struct maple_range_64 {
	unsigned long pivot[1];
	void __guest *slot[1];
};

struct maple_arange_64 {
	unsigned long pivot[1];
	void __guest *slot[1];
	unsigned long gap[1];
};

struct maple_node {
	struct maple_range_64 mr64;
	struct maple_arange_64 ma64;
};

GUEST_TYPES_END

enum {
	KLIB_MAPLE_DEPTH = 16, /* ten-way nodes: a valid tree of 2^48 entries is no deeper */
};

/* A place in a tree; ordinary memory of the caller. */
struct maple_walk {
	struct guest_bound bound;
	void __guest *single; /* the only entry of a tree without nodes */
	unsigned int depth;   /* levels in use */
	struct {
		uint64_t node;
		uint64_t max;
		uint8_t type;
		uint8_t slot;
	} level[KLIB_MAPLE_DEPTH];
};

void maple_walk_begin(struct maple_walk *w, struct maple_tree __guest *tree);
/* The entries in order, without the empty ranges; NULL at the end. */
void __guest *maple_walk_next(struct maple_walk *w);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Saying what a walk is about to read, where that saves round trips (llview.h: guest_hints()):
 *
 *	if (guest_hints()) {
 *		struct ahead a = AHEAD_LIST(&init_task.tasks, struct task_struct, tasks);
 *		int mm = AHEAD_FOLLOW(&a, AHEAD_NODE, struct task_struct, mm, struct mm_struct);
 *
 *		AHEAD_FOLLOW(&a, mm, struct mm_struct, owner, struct task_struct);
 *		guest_chase(&a.chain);
 *	}
 *
 * Members and types that this kernel hasn't got are left out.
 */
#ifndef SCW_KLIB_AHEAD_H
#define SCW_KLIB_AHEAD_H

#include "guest/pages.h"
#include "klib/types_base.h"

enum {
	AHEAD_MAX = 16384, /* bytes of one object, and how far a member may lie in it */
	AHEAD_NODE = 0,
	AHEAD_NONE = -1, /* a follow that this kernel hasn't got */
};

struct ahead {
	struct guest_chain chain;
	uint64_t node_at; /* offset of the link within the object */
	uint32_t follows;
};

static inline struct ahead ahead_make(uint64_t node_at, uint64_t size)
{
	struct ahead a = { .chain = { .bound = UINT32_MAX } };

	if (node_at <= AHEAD_MAX) {
		a.node_at = node_at;
		a.chain.before = (uint32_t)node_at;
		a.chain.after = (uint32_t)(size > node_at ? size - node_at : sizeof(uint64_t));
	}
	return a;
}

/*
 * The pointer at `offset` in what `from` led to (AHEAD_NODE: in the object) leads to something of which
 * `size` bytes are wanted, from `at` on.
 */
static inline int ahead_follow_part(struct ahead *a, int from, uint64_t offset, uint64_t at,
				    uint64_t size)
{
	uint32_t f = a->follows;

	if (from < 0 || offset > AHEAD_MAX || at > AHEAD_MAX || !size || f == GUEST_FOLLOW_MAX)
		return AHEAD_NONE;
	a->chain.follow[f].offset =
		(int32_t)((int64_t)offset - (from ? 0 : (int64_t)a->node_at));
	a->chain.follow[f].size = size < AHEAD_MAX ? (uint32_t)size : AHEAD_MAX;
	a->chain.follow[f].at = (uint32_t)at;
	a->chain.follow[f].from = (uint32_t)from;
	return (int)++a->follows;
}

/*
 * The range of a process's memory between the pointers at `from` and `to`, which is further on, in an mm_struct (one
 * that was followed), at most `most` bytes. `direct`: where all physical memory is mapped.
 */
static inline void ahead_process(struct ahead *a, int mm, uint64_t direct, uint64_t pgd,
				 uint64_t from, uint64_t to, uint64_t most)
{
	uint32_t f = a->follows;

	if (mm <= 0 || pgd > AHEAD_MAX || from > to || to > AHEAD_MAX || !most ||
	    f + 2 > GUEST_FOLLOW_MAX)
		return;
	a->chain.direct = direct;
	a->chain.follow[f].offset = (int32_t)pgd;
	a->chain.follow[f].from = a->chain.follow[f + 1].from = (uint32_t)mm;
	a->chain.follow[f].top = true;
	a->chain.follow[f + 1].offset = (int32_t)from;
	a->chain.follow[f + 1].at = (uint32_t)(to - from);
	a->chain.follow[f + 1].size = most < AHEAD_MAX ? (uint32_t)most : AHEAD_MAX;
	a->follows += 2;
}

/* The same, of all of it. */
static inline int ahead_follow(struct ahead *a, int from, uint64_t offset, uint64_t size)
{
	return ahead_follow_part(a, from, offset, 0, size);
}

/* How many units of `unit` bytes two ranges are apart: 1: side by side; 0 or less: they have one in common. */
static inline int64_t ahead_apart(int64_t begin, int64_t end, int64_t first, int64_t last, int64_t unit)
{
	int64_t after = first / unit - (end - 1) / unit, before = begin / unit - (last - 1) / unit;

	return after > before ? after : before;
}

/*
 * `size` bytes at `offset` in what `from` led to, where not all of it is wanted. What comes is lines of 64
 * bytes, which most objects begin with: so what lies in lines side by side goes together. Of an exact chain it is
 * words, of a line all from the first to the last that is wanted: so what lies in a line, or a word apart, does. When
 * there are too many, to whichever are nearest.
 */
static inline void ahead_bytes(struct ahead *a, int from, uint64_t offset, uint64_t size)
{
	int64_t to_object = from ? 0 : (int64_t)a->node_at;
	int64_t first = (int64_t)offset - to_object, last = first + (int64_t)size;
	int64_t least = INT64_MAX, near = a->chain.exact ? 2 : 1;
	uint32_t nearest = GUEST_FOLLOW_MAX;

	if (from < 0 || offset > AHEAD_MAX || !size || size > AHEAD_MAX)
		return;
	for (uint32_t f = 0; f < a->follows; f++) {
		int64_t begin = a->chain.follow[f].offset + to_object;
		int64_t end = begin + a->chain.follow[f].size;
		int64_t gap = ahead_apart(begin, end, first + to_object, last + to_object, 64);

		if (a->chain.exact && gap > 0)
			gap = ahead_apart(begin, end, first + to_object, last + to_object, 8);
		if (a->chain.follow[f].here && a->chain.follow[f].from == (uint32_t)from &&
		    gap < least) {
			least = gap;
			nearest = f;
		}
	}
	if (nearest < GUEST_FOLLOW_MAX && (least <= near || a->follows == GUEST_FOLLOW_MAX)) {
		int64_t begin = a->chain.follow[nearest].offset;
		int64_t end = begin + a->chain.follow[nearest].size;

		begin = begin < first ? begin : first;
		end = end > last ? end : last;
		a->chain.follow[nearest].offset = (int32_t)begin;
		a->chain.follow[nearest].size =
			end - begin < AHEAD_MAX ? (uint32_t)(end - begin) : AHEAD_MAX;
	} else if (a->follows < GUEST_FOLLOW_MAX) {
		a->chain.follow[a->follows].offset = (int32_t)first;
		a->chain.follow[a->follows].size = (uint32_t)size;
		a->chain.follow[a->follows].from = (uint32_t)from;
		a->chain.follow[a->follows++].here = true;
	}
}
/* A member of at most 4 bytes; of at most 8; with the one behind it, which it is read with. */
#define AHEAD_WORD(a, from, T, member)	  ahead_bytes(a, from, guest_offsetof(T, member), 4)
#define AHEAD_MEMBER(a, from, T, member) ahead_bytes(a, from, guest_offsetof(T, member), 8)
#define AHEAD_MEMBERS(a, from, T, member) ahead_bytes(a, from, guest_offsetof(T, member), 16)
/* One member of what the pointer at `member` leads to, where others are to follow. */
#define AHEAD_FOLLOW_TO(a, from, T, member, to, there)                                             \
	ahead_follow_part(a, from, guest_offsetof(T, member), guest_offsetof(to, there), 8)
#define AHEAD_FOLLOW(a, from, T, member, to)                                                       \
	ahead_follow(a, from, guest_offsetof(T, member), guest_sizeof(to))

/* The objects of type T on the list whose head or any node is `node`, linked by `member`. */
#define AHEAD_LIST(node, T, member)                                                                \
	({                                                                                         \
		struct ahead ahead_a = ahead_make(guest_offsetof(T, member), guest_sizeof(T));     \
		ahead_a.chain.first.v = guest_addr(node);                                          \
		ahead_a;                                                                           \
	})

/* `count` pointers to objects of `size` bytes, the first of them at `array`. */
static inline struct ahead ahead_array(uint64_t array, uint64_t count, uint64_t size)
{
	struct ahead a = ahead_make(0, size);

	a.chain.first.v = array;
	a.chain.heads = count < UINT32_MAX ? (uint32_t)count : UINT32_MAX;
	a.chain.stride = sizeof(uint64_t);
	a.chain.next_offset = GUEST_NEXT_NONE;
	return a;
}

static inline void ahead_range(struct guest_space as, uint64_t from, uint64_t size)
{
	struct guest_range r = { { from }, size };

	guest_want(as, &r, 1);
}

/* All nodes of an XArray or IDR, and `size` bytes of each entry. (xarray.c) */
void xa_ahead(struct xarray __guest *xa, uint64_t size);

#endif

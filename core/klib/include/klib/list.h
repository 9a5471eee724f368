/* SPDX-License-Identifier: MIT */
/*
 * Walks of the kernel's lists, in its idiom:
 *
 *	struct task_struct __guest *t;
 *	list_for_each_entry(t, &init_task.tasks, tasks)
 *
 * Every walk ends: at the list's end, at NULL (what a failed read gives), at a cycle that leaves
 * the head out, or after KLIB_LIST_MAX nodes; the last two record a fault.
 */
#ifndef SCW_KLIB_LIST_H
#define SCW_KLIB_LIST_H

#include "klib/types_base.h"

enum {
	KLIB_LIST_MAX = 1 << 24, /* nodes; more than a machine of the sizes we meet holds */
};

struct klib_list_walk {
	struct guest_bound bound;
	struct list_head __guest *head;
	struct list_head __guest *at;
};

static inline struct klib_list_walk klib_list_begin(struct list_head __guest *head)
{
	return (struct klib_list_walk){
		.bound = GUEST_BOUND(KLIB_LIST_MAX), .head = head, .at = head->next,
	};
}

static inline bool klib_list_more(struct klib_list_walk *w)
{
	return w->at && w->at != w->head && guest_more_at(&w->bound, w->at);
}

#define list_for_each_entry(pos, list, member)                                                     \
	for (struct klib_list_walk klib_w = klib_list_begin(list);                                 \
	     klib_list_more(&klib_w) &&                                                            \
	     ((pos) = guest_container_of(klib_w.at, guest_typeof_target(pos), member), true);      \
	     klib_w.at = klib_w.at->next)

static inline bool list_empty(struct list_head __guest *head)
{
	return head->next == head;
}

struct klib_hlist_walk {
	struct guest_bound bound;
	struct hlist_node __guest *at;
};

static inline bool klib_hlist_more(struct klib_hlist_walk *w)
{
	return w->at && guest_more_at(&w->bound, w->at);
}

#define hlist_for_each_entry(pos, list, member)                                                    \
	for (struct klib_hlist_walk klib_w = { GUEST_BOUND(KLIB_LIST_MAX), (list)->first };        \
	     klib_hlist_more(&klib_w) &&                                                           \
	     ((pos) = guest_container_of(klib_w.at, guest_typeof_target(pos), member), true);      \
	     klib_w.at = klib_w.at->next)

struct klib_nulls_walk {
	struct guest_bound bound;
	struct hlist_nulls_node __guest *at;
};

static inline bool is_a_nulls(const struct hlist_nulls_node __guest *n)
{
	return guest_addr(n) & 1;
}

static inline bool klib_nulls_more(struct klib_nulls_walk *w)
{
	return w->at && !is_a_nulls(w->at) && guest_more_at(&w->bound, w->at);
}

#define hlist_nulls_for_each_entry(pos, list, member)                                              \
	for (struct klib_nulls_walk klib_w = { GUEST_BOUND(KLIB_LIST_MAX), (list)->first };        \
	     klib_nulls_more(&klib_w) &&                                                           \
	     ((pos) = guest_container_of(klib_w.at, guest_typeof_target(pos), member), true);      \
	     klib_w.at = klib_w.at->next)

#endif

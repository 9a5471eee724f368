/* SPDX-License-Identifier: MIT */
/* Guest types that all of kernel code is made of. Only members that somebody reads. */
#ifndef SCW_KLIB_TYPES_BASE_H
#define SCW_KLIB_TYPES_BASE_H

#include "llview/llview.h"

GUEST_TYPES_BEGIN

struct list_head {
	struct list_head __guest *next;
	struct list_head __guest *prev;
};

struct hlist_node {
	struct hlist_node __guest *next;
	struct hlist_node __guest *__guest *pprev;
};

struct hlist_head {
	struct hlist_node __guest *first;
};

/* The end of a list is an odd value instead of NULL. */
struct hlist_nulls_node {
	struct hlist_nulls_node __guest *next;
};

struct hlist_nulls_head {
	struct hlist_nulls_node __guest *first;
};

/* The lowest bit of `first` is a lock. */
struct hlist_bl_node {
	struct hlist_bl_node __guest *next;
	struct hlist_bl_node __guest *__guest *pprev;
};

struct hlist_bl_head {
	struct hlist_bl_node __guest *first;
};

struct rb_node {
	unsigned long __rb_parent_color;
	struct rb_node __guest *rb_right;
	struct rb_node __guest *rb_left;
};

struct rb_root {
	struct rb_node __guest *rb_node;
};

struct rb_root_cached {
	struct rb_root rb_root;
	struct rb_node __guest *rb_leftmost;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	int64_t counter;
} atomic64_t;

typedef atomic64_t atomic_long_t;

typedef struct refcount_struct {
	atomic_t refs;
} refcount_t;

typedef struct {
	uint32_t val;
} kuid_t;

typedef struct {
	uint32_t val;
} kgid_t;

/* Also what the kernel calls struct radix_tree_root. */
struct xarray {
	void __guest *xa_head;
};

struct xa_node {
	unsigned char shift;
	void __guest *slots[1];
	unsigned long marks[1][1];
};

struct idr {
	struct xarray idr_rt;
	unsigned int idr_base;
	unsigned int idr_next;
};

struct cpumask {
	unsigned long bits[1];
};

typedef struct {
	unsigned long bits[1];
} nodemask_t;

struct percpu_counter {
	int64_t count;
	int32_t __guest *counters;
};

struct qstr {
	uint32_t hash;
	uint32_t len;
	const unsigned char __guest *name;
};

struct timespec64 {
	int64_t tv_sec;
	long tv_nsec;
};

GUEST_TYPES_END

#endif

/* SPDX-License-Identifier: MIT */
/* What walk.c knows of the guests' types: see theirs.h. */
#ifndef OURS_H
#define OURS_H

#include "llview/llview.h"

GUEST_TYPES_BEGIN

struct list_head {
	struct list_head __guest *prev;
	struct list_head __guest *next;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
	unsigned int val;
} kuid_t;

struct inner {
	short z;
	int q;
};

struct odd {
	uint64_t wide : 47;
	int64_t after : 7;
	uint64_t before : 13;
};

struct small {
	uint8_t high : 5;
	uint8_t low : 3;
};

enum kind { KIND_USER = 1000, KIND_KERNEL = 2000 };

struct signal {
	struct task __guest *leader;
	int nr_threads;
};

struct task {
	char comm[16];
	unsigned long long wide40 : 40;
	int sign5 : 5;
	unsigned int flag0 : 3;
	int sign17 : 17;
	struct list_head tasks;
	union {
		struct {
			unsigned short hi, lo;
		};
		unsigned int as_u;
		struct {
			char only_b;
		} named;
	};
	struct inner grid[2][3], in, ins[3];
	struct odd odd;
	struct small small;
	unsigned int plain_here : 8;
	unsigned int bits_here : 8;
	uint16_t narrower;
	long only_in_1;
	atomic_t counters[3], usage;
	kuid_t uid;
	bool alive;
	int pid;
	int first;
	long state;
	struct task __guest *children[4];
	struct signal __guest *signal;
	int in_none;
};

GUEST_TYPES_END

extern struct task __guest init_task;

#endif

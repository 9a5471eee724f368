/* SPDX-License-Identifier: MIT */
/*
 * The types of two made-up guest kernels (VARIANT 1 and 2), as their own code would see them: what
 * ours.h declares, in other orders and sizes, with things missing.
 */
#ifndef THEIRS_H
#define THEIRS_H

#include <stdbool.h>
#include <stdint.h>

struct list_head {
	struct list_head *next, *prev;
};

typedef struct {
	int counter;
} atomic_t;

typedef struct {
#if VARIANT == 2
	int ghost;
#endif
	unsigned int val;
} kuid_t;

struct inner {
#if VARIANT == 1
	char pad[3];
#else
	long pad[5];
#endif
	int q;
	short z;
};

struct __attribute__((packed)) odd {
	uint8_t first;
	uint64_t before : 13;
	uint64_t wide : 47; /* crosses the eight bytes that it starts in */
	int64_t after : 7;
};

struct small {
	uint8_t lead;
#if VARIANT == 2
	uint8_t more;
#endif
	uint8_t low : 3;
	uint8_t high : 5;
};

#if VARIANT == 1
enum kind { KIND_NONE, KIND_USER, KIND_KERNEL };
#else
enum kind { KIND_NONE, KIND_IDLE, KIND_KERNEL = 7, KIND_USER = 40 };
#endif

struct signal {
	int nr_threads;
	struct task *leader;
};

struct task {
#if VARIANT == 1
	int first;
	long state;
	struct list_head tasks;
	unsigned int flag0 : 3;
	int sign5 : 5;
	unsigned long long wide40 : 40;
	int sign17 : 17;
	int pid;
	char comm[16];
	union {
		unsigned int as_u;
		struct {
			unsigned short lo, hi;
		};
		struct {
			char only_b;
		} named;
	};
	bool alive;
	atomic_t usage;
	kuid_t uid;
	struct signal *signal;
	struct inner in, ins[3], grid[2][3];
	struct odd odd;
	struct small small;
	unsigned char plain_here : 2;
	uint8_t bits_here;
	uint16_t narrower;
	long only_in_1;
	atomic_t counters[3];
	struct task *children[4];
#else
	atomic_t counters[3];
	char new_at_start[77];
	kuid_t uid;
	unsigned char bits_here : 4;
	uint8_t plain_here;
	struct small small;
	struct odd odd;
	struct inner grid[2][3], ins[3], in;
	char comm[24];
	struct signal *signal;
	atomic_t usage;
	bool alive;
	struct {
		int extra;
		union {
			struct {
				long padding;
			};
			unsigned int as_u;
			struct {
				unsigned short lo, hi;
			};
			struct {
				char only_b;
			} named;
		};
	};
	int sign17 : 17;
	unsigned int flag0 : 3;
	unsigned long long wide40 : 40;
	int sign5 : 5;
	struct task *children[4];
	int pid;
	uint32_t narrower;
	int first;
	struct list_head tasks;
	int state;
#endif
};

/* A guest: its objects, and what its kernel would tell of itself. */
struct world {
	struct task *init_task;
	struct task *tasks; /* all of them, contiguous */
	const struct fake_member *members;
	const struct fake_value *values;
};

#endif

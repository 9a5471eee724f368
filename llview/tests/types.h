/* SPDX-License-Identifier: MIT */
/* Guest types that the cases share. */
#include "llview/llview.h"

GUEST_TYPES_BEGIN
struct list_head {
	struct list_head __guest *next;
	struct list_head __guest *prev;
};

typedef struct {
	int counter;
} atomic_t;

typedef union {
	int as_int;
	long as_long;
} both_t;

struct part {
	int a;
	short b;
};

enum state { STATE_OFF, STATE_ON };

struct task {
	int first;
	int pid;
	long wide;
	char comm[16];
	struct list_head tasks;
	union {
		unsigned int whole;
		struct {
			unsigned short low, high;
		};
	};
	unsigned int flag : 3;
	int sign : 5;
	unsigned long long forty : 40;
	bool alive;
	atomic_t usage;
	atomic_t counts[3];
	struct part part, parts[4], grid[2][3];
	struct task __guest *parent;
	void __guest *fn;
	double real;
	__int128 huge;
};
GUEST_TYPES_END

extern struct task __guest init_task;

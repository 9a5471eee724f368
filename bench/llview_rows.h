/* SPDX-License-Identifier: MIT */
/* What the walks of llview_walk.c list: the same by hand and by LLView. */
#ifndef LLVIEW_ROWS_H
#define LLVIEW_ROWS_H

#include <stddef.h>
#include <stdint.h>

enum { ROWS_MAX = 1 << 20 };

struct task_row {
	int pid, ppid;
	unsigned int uid;
	int threads;
	uint64_t comm[2];
};

struct socket_row {
	uint32_t local, remote;
	uint16_t local_port, remote_port;
	uint8_t state, family;
};

struct rows {
	size_t count;
	union {
		struct task_row tasks[ROWS_MAX];
		struct socket_row sockets[ROWS_MAX];
	};
};

/* LLView's, run by guest_run(): the argument is a struct rows. */
void llview_tasks(void *rows);
void llview_sockets(void *rows);

/*
 * By hand, with the offsets of one kernel compiled in, over the same pages: a translation buffer of
 * the same size, and one translation for several fields where they lie together.
 */
struct hand_entry {
	uint64_t tag, addend;
};

struct hand {
	struct hand_entry tlb[1024];
	const void *(*page)(void *arg, uint64_t va); /* NULL: not there */
	void *arg;
	uint64_t init_task, tcp_hashinfo; /* addresses of the symbols */
};

void hand_flush(struct hand *h);
void hand_tasks(struct hand *h, struct rows *rows);
void hand_sockets(struct hand *h, struct rows *rows);

#endif

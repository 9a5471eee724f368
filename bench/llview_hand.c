// SPDX-License-Identifier: MIT
/*
 * The walks of llview_walk.c by hand, for one kernel: offsets.h has the offsets as constants, written by
 * `llview_walk --offsets VM`. Compiled by the benchmark, not by meson.
 */
#include "llview_rows.h"

#include <string.h>

#include "offsets.h"

#define PAGE 4096ul

void hand_flush(struct hand *h)
{
	for (int i = 0; i < 1024; i++)
		h->tlb[i].tag = -1ul;
}

static const char *miss(struct hand *h, uint64_t va)
{
	const char *page = h->page(h->arg, va & -PAGE);
	struct hand_entry *e = &h->tlb[va / PAGE % 1024];
	static const char nothing[PAGE * 2];

	if (!page)
		return nothing;
	e->tag = va & -PAGE;
	e->addend = (uint64_t)page - (va & -PAGE);
	return page + va % PAGE;
}

/* Host address of the byte at `va`, good to the end of its page. */
static inline const char *at(struct hand *h, uint64_t va)
{
	const struct hand_entry *e = &h->tlb[va / PAGE % 1024];

	if (__builtin_expect(e->tag == (va & -PAGE), 1))
		return (const char *)(va + e->addend);
	return miss(h, va);
}

#define READ(type, p) (*(const volatile type *)(p))
#define GET(type, va) READ(type, at(h, va))

void hand_tasks(struct hand *h, struct rows *rows)
{
	uint64_t end = h->init_task + TASK_TASKS;

	rows->count = 0;
	for (uint64_t l = GET(uint64_t, end); l && l != end && rows->count < ROWS_MAX;
	     l = GET(uint64_t, l)) {
		uint64_t t = l - TASK_TASKS;
		struct task_row *r = &rows->tasks[rows->count++];

		r->pid = GET(int, t + TASK_PID);
		r->ppid = GET(int, GET(uint64_t, t + TASK_REAL_PARENT) + TASK_TGID);
		r->uid = GET(unsigned int, GET(uint64_t, t + TASK_REAL_CRED) + CRED_UID);
		r->threads = GET(int, GET(uint64_t, t + TASK_SIGNAL) + SIGNAL_NR_THREADS);
		r->comm[0] = GET(uint64_t, t + TASK_COMM);
		r->comm[1] = GET(uint64_t, t + TASK_COMM + 8);
	}
}

static __attribute__((noinline)) void chain(struct hand *h, struct rows *rows, uint64_t node)
{
	while (node && !(node & 1) && rows->count < ROWS_MAX) {
		const char *s = at(h, node - SOCK_NODE);
		struct socket_row *r = &rows->sockets[rows->count++];

		r->local = READ(uint32_t, s + SOCK_RCV_SADDR);
		r->remote = READ(uint32_t, s + SOCK_DADDR);
		r->local_port = READ(uint16_t, s + SOCK_NUM);
		r->remote_port = READ(uint16_t, s + SOCK_DPORT);
		r->state = READ(uint8_t, s + SOCK_STATE);
		r->family = READ(uint16_t, s + SOCK_FAMILY);
		node = READ(uint64_t, s + SOCK_NODE);
	}
}

void hand_sockets(struct hand *h, struct rows *rows)
{
	uint64_t b = GET(uint64_t, h->tcp_hashinfo + HASHINFO_EHASH);
	uint64_t left = (uint64_t)GET(unsigned int, h->tcp_hashinfo + HASHINFO_MASK) + 1;

	rows->count = 0;
	while (left) {
		uint64_t n = (PAGE - b % PAGE) / 8;
		const char *run = at(h, b);

		n = n > left ? left : n;
		for (uint64_t i = 0; i < n; i++, run += 8) {
			uint64_t first = READ(uint64_t, run);

			if (!(first & 1))
				chain(h, rows, first);
		}
		b += 8 * n;
		left -= n;
	}
}

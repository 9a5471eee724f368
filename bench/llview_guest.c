// SPDX-License-Identifier: MIT
/* The walks of llview_walk.c as kernel-style code. */
#include "llview_rows.h"

#include "llview/llview.h"

GUEST_TYPES_BEGIN
struct list_head {
	struct list_head __guest *next;
};

typedef struct {
	unsigned int val;
} kuid_t;

struct cred {
	kuid_t uid;
};

struct signal_struct {
	int nr_threads;
};

struct task_struct {
	int pid, tgid;
	struct list_head tasks;
	struct task_struct __guest *real_parent;
	struct cred __guest *real_cred;
	struct signal_struct __guest *signal;
	char comm[16];
};

struct hlist_nulls_node {
	struct hlist_nulls_node __guest *next;
};

struct hlist_nulls_head {
	struct hlist_nulls_node __guest *first;
};

struct inet_ehash_bucket {
	struct hlist_nulls_head chain;
};

struct inet_hashinfo {
	struct inet_ehash_bucket __guest *ehash;
	unsigned int ehash_mask;
};

struct sock_common {
	unsigned int skc_daddr, skc_rcv_saddr;
	unsigned short skc_dport, skc_num, skc_family;
	unsigned char skc_state;
	struct hlist_nulls_node skc_nulls_node;
};
GUEST_TYPES_END

extern struct task_struct __guest init_task;
extern struct inet_hashinfo __guest tcp_hashinfo;

void llview_tasks(void *arg)
{
	struct rows *rows = arg;
	struct guest_bound bound = GUEST_BOUND(ROWS_MAX);
	struct list_head __guest *l = init_task.tasks.next;

	rows->count = 0;
	for (; l && l != &init_task.tasks && guest_more(&bound); l = l->next) {
		struct task_struct __guest *t = container_of(l, struct task_struct, tasks);
		struct task_row *r = &rows->tasks[rows->count++];
		const uint64_t __guest *comm = (const uint64_t __guest *)t->comm;

		r->pid = t->pid;
		r->ppid = t->real_parent->tgid;
		r->uid = t->real_cred->uid.val;
		r->threads = t->signal->nr_threads;
		r->comm[0] = comm[0];
		r->comm[1] = comm[1];
	}
}

static __attribute__((noinline)) void chain(struct rows *rows, struct hlist_nulls_node __guest *n,
					    struct guest_bound *bound)
{
	while (n && !(guest_addr(n) & 1) && guest_more(bound)) {
		struct sock_common __pinned *s =
			guest_pin(container_of(n, struct sock_common, skc_nulls_node));
		struct socket_row *r = &rows->sockets[rows->count++];

		r->local = s->skc_rcv_saddr;
		r->remote = s->skc_daddr;
		r->local_port = s->skc_num;
		r->remote_port = s->skc_dport;
		r->state = s->skc_state;
		r->family = s->skc_family;
		n = s->skc_nulls_node.next;
	}
}

/* The heads of a page at a time: most are empty. */
void llview_sockets(void *arg)
{
	struct rows *rows = arg;
	struct guest_bound bound = GUEST_BOUND(ROWS_MAX);
	struct inet_ehash_bucket __guest *b = tcp_hashinfo.ehash;
	uint64_t left = (uint64_t)tcp_hashinfo.ehash_mask + 1;

	rows->count = 0;
	if (guest_sizeof(struct inet_ehash_bucket) != 8)
		return;
	while (left) {
		uint64_t n = guest_page_left(b) / 8;
		struct hlist_nulls_node __guest *__pinned *head;

		n = n > left ? left : n;
		head = guest_pin_bytes(&b->chain.first, n * 8);
		for (uint64_t i = 0; i < n; i++, head++) {
			struct hlist_nulls_node __guest *first = *head;

			if (!(guest_addr(first) & 1))
				chain(rows, first, &bound);
		}
		b += n;
		left -= n;
	}
}

// SPDX-License-Identifier: MIT
/*
 * Questions by netlink about sockets (sock_diag(7)), as net/core/sock_diag.c and the modules that register with it
 * answer them: a kernel would load these modules at the first question, so it doesn't matter whether the guest has.
 * A long listing is given in portions, each as the guest is by then.
 */
#include "netlink_diag.h"

extern uint64_t __guest jiffies;

enum {
	FILTER_MAX = 4096, /* instructions of eight bytes: BPF_MAXINSNS */
	FAMILIES = 46,	   /* AF_MAX, which grows; the same as for the others: no such family here */
};

void diag_walk_begin(struct diag *d, struct net_table t, const struct ahead *reads)
{
	t.reads = reads;
	net_walk_begin(&d->w, &t);
	d->w.whole = !d->n.dump;
	d->walking = true;
}

void diag_cookie(struct sock_common __guest *sk, uint32_t ret[2])
{
	uint64_t cookie = (uint64_t)sk->skc_cookie.counter;

	ret[0] = (uint32_t)cookie;
	ret[1] = (uint32_t)(cookie >> 32);
}

bool diag_cookie_is(struct sock_common __guest *sk, const uint32_t asked[2])
{
	uint32_t is[2];

	if (asked[0] == UINT32_MAX && asked[1] == UINT32_MAX) /* INET_DIAG_NOCOOKIE */
		return true;
	diag_cookie(sk, is);
	return is[0] == asked[0] && is[1] == asked[1];
}

void diag_put_memory(struct netlink *n, unsigned int type, struct sock __guest *sk)
{
	const uint32_t memory[] = {
		(uint32_t)sk->sk_backlog.rmem_alloc.counter, (uint32_t)sk->sk_rcvbuf, diag_wmem(sk),
		(uint32_t)sk->sk_sndbuf, (uint32_t)sk->sk_forward_alloc, (uint32_t)sk->sk_wmem_queued,
		(uint32_t)sk->sk_omem_alloc.counter, (uint32_t)sk->sk_backlog.len, net_drops(sk),
	};

	netlink_put(n, type, memory, sizeof(memory));
}

void diag_put_filter(struct netlink *n, unsigned int type, struct sock __guest *sk)
{
	enum { INSTRUCTION = 8 };
	struct sk_filter __guest *filter = sk->sk_filter;
	struct sock_fprog_kern __guest *given = filter ? filter->prog->orig_prog : NULL;
	uint8_t code[64 * INSTRUCTION];
	size_t nest, left, count = given ? given->len : 0;
	const uint8_t __guest *from;

	if (!given)
		return;
	if (count > FILTER_MAX) {
		guest_fault(given);
		return;
	}
	left = count * INSTRUCTION;
	from = given->filter;
	nest = netlink_nest_begin(n, type);
	for (size_t at = 0; at < left; at += sizeof(code)) {
		size_t part = left - at < sizeof(code) ? left - at : sizeof(code);

		guest_read(code, &from[at], part);
		seq_write(n->l.m, code, part);
	}
	netlink_nest_end(n, nest);
}

static int parse(struct diag *d, uint8_t family)
{
	switch (d->n.q->type == DIAG_BY_FAMILY ? family : NET_AF_INET) {
	case NET_AF_INET:
	case NET_AF_INET6:
		return diag_inet_parse(d);
	case DIAG_AF_UNIX:
		return diag_unix_parse(d);
	case DIAG_AF_PACKET:
		return diag_packet_parse(d);
	case DIAG_AF_NETLINK:
		return diag_netlink_parse(d);
	}
	return -ENOENT;
}

static bool dump(struct diag *d, uint8_t family)
{
	switch (family) {
	case DIAG_AF_UNIX:
		return diag_unix_dump(d);
	case DIAG_AF_PACKET:
		return diag_packet_dump(d);
	case DIAG_AF_NETLINK:
		return diag_netlink_dump(d);
	}
	return diag_inet_dump(d);
}

static int one(struct diag *d, uint8_t family)
{
	if (family == DIAG_AF_UNIX)
		return diag_unix_one(d);
	if (family == DIAG_AF_PACKET || family == DIAG_AF_NETLINK)
		return -EOPNOTSUPP;
	return diag_inet_one(d);
}

static int begin(struct diag *d, const struct proc_item *it, const struct vfs_netlink_question *q,
		 struct seq_file *m)
{
	*d = (struct diag){ .n = { .q = q, .dump = q->dump, .family = q->body[0] } };
	net_list_init(&d->n.l, it, m);
	return parse(d, q->body[0]);
}

static int begin_dump(const struct proc_item *it, const struct vfs_netlink_question *q, struct seq_file *m)
{
	struct diag first;
	struct diag *d;
	int r = begin(&first, it, q, m);

	if (r)
		return r;
	d = seq_rest(m, sizeof(*d));
	if (d)
		*d = first;
	return d ? 0 : -ENOMEM;
}

int netlink_diag(const struct proc_item *it, const struct vfs_netlink_question *q, struct seq_file *m)
{
	struct diag *d = m->rest;
	uint64_t fuel;
	int r;

	if (q->size < 2)
		return -EINVAL;
	if (!q->dump) {
		struct diag single;

		r = begin(&single, it, q, m);
		return r ? r : one(&single, q->body[0]);
	}
	if (!d) {
		r = begin_dump(it, q, m);
		if (r)
			return r;
		d = m->rest;
	}
	guest_burn(d->burnt);
	fuel = guest_fuel();
	d->n.q = q;
	d->n.l.m = m;
	d->n.l.jiffies = jiffies;
	if (dump(d, q->body[0]) || net_list_over(&d->n.l))
		seq_rest_done(m);
	else
		d->burnt += fuel - guest_fuel();
	return 0;
}

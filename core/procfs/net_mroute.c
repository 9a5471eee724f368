// SPDX-License-Identifier: MIT
/*
 * /proc/net/{ip_mr_vif,ip_mr_cache,ip6_mr_vif,ip6_mr_cache}: routing of multicast, as net/ipv4/ipmr.c and
 * net/ipv6/ip6mr.c print it; and ip6_flowlabel (net/ipv6/ip6_flowlabel.c).
 */
#include <errno.h>

#include "klib/pid.h"
#include "net_common.h"

enum {
	VIFS = 32,
	TTL_NEVER = 255,
	TABLE_IPV4 = 253, /* RT_TABLE_DEFAULT */
	TABLE_IPV6 = 254, /* RT6_TABLE_DFLT */
	NAME_SIZE = 17,
	LABEL_BUCKETS = 256,
	LABELS_MAX = 1 << 16, /* of a bucket; the kernel allows 4096 in all */
	OF_PROCESS = 2, /* IPV6_FL_S_PROCESS */
	OF_USER = 3,
	TEXT = 33,
};

extern struct ip6_flowlabel __guest *__guest fl_ht[];

static struct mr_table __guest *table_of(struct list_head __guest *tables, uint32_t id)
{
	struct mr_table __guest *t;

	list_for_each_entry(t, tables, list) {
		if (t->id == id)
			return t;
	}
	return NULL;
}

static struct mr_table __guest *table_ipv4(const struct proc_item *it)
{
	struct net __guest *net = guest_ptr(struct net, it->net);

	return guest_has(struct netns_ipv4, mr_tables) ? table_of(&net->ipv4.mr_tables, TABLE_IPV4) :
							 net->ipv4.mrt;
}

static struct mr_table __guest *table_ipv6(const struct proc_item *it)
{
	struct net __guest *net = guest_ptr(struct net, it->net);

	return guest_has(struct netns_ipv6, mr6_tables) ? table_of(&net->ipv6.mr6_tables, TABLE_IPV6) :
							  net->ipv6.mrt6;
}

static int show_interfaces(struct seq_file *m, struct mr_table __guest *t, bool ipv4)
{
	if (!t)
		return -ENOENT;
	seq_puts(m, "Interface      BytesIn  PktsIn  BytesOut PktsOut Flags");
	seq_puts(m, ipv4 ? " Local    Remote\n" : "\n");
	for (int i = 0; i < VIFS && i < t->maxvif; i++) {
		struct vif_device __guest *v = &t->vif_table[i];
		struct net_device __guest *dev = v->dev;
		size_t mark = seq_mark(m);
		struct guest_record r = guest_record_begin();
		char name[NAME_SIZE];

		if (!dev)
			continue;
		net_dev_name(dev, name);
		seq_printf(m, "%2d %-10s %8ld %7ld  %8ld %7ld %05X", i, name, (long)v->bytes_in,
			   (long)v->pkt_in, (long)v->bytes_out, (long)v->pkt_out, v->flags);
		if (ipv4)
			seq_printf(m, " %08X %08X", v->local, v->remote);
		seq_putc(m, '\n');
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return 0;
}

static unsigned long counter(unsigned char __guest *at)
{
	return *guest_ptr(unsigned long, guest_addr(at));
}

/* What is behind the addresses; a route that isn't resolved yet has counted nothing. */
static void put_route(struct seq_file *m, struct mr_table __guest *t, struct mr_mfc __guest *c, bool resolved)
{
	int last = c->mfc_un.res.maxvif;

	seq_printf(m, " %-3hd", (short)c->mfc_parent);
	if (!resolved) {
		seq_printf(m, " %8lu %8lu %8lu\n", 0ul, 0ul, 0ul);
		return;
	}
	seq_printf(m, " %8lu %8lu %8lu", counter(c->mfc_un.res.pkt), counter(c->mfc_un.res.bytes),
		   counter(c->mfc_un.res.wrong_if));
	for (int i = c->mfc_un.res.minvif; i >= 0 && i < last && i < VIFS; i++) {
		unsigned char ttl = c->mfc_un.res.ttls[i];

		if (t->vif_table[i].dev && ttl < TTL_NEVER)
			seq_printf(m, " %2d:%-3d", i, ttl);
	}
	seq_putc(m, '\n');
}

/* An address as eight groups. */
static void put_groups(struct seq_file *m, struct in6_addr __guest *addr)
{
	char text[TEXT];

	net_read_pi6(text, addr);
	for (int i = 0; i < 8; i++) {
		if (i)
			seq_putc(m, ':');
		seq_write(m, text + 4 * i, 4);
	}
}

static void put_routes(struct seq_file *m, struct mr_table __guest *t, struct list_head __guest *routes, bool ipv4)
{
	bool resolved = guest_eq(routes, &t->mfc_cache_list);
	struct mr_mfc __guest *c;

	list_for_each_entry(c, routes, list) {
		struct mfc_cache __guest *four = container_of(c, struct mfc_cache, _c);
		struct mfc6_cache __guest *six = container_of(c, struct mfc6_cache, _c);
		size_t mark = seq_mark(m);
		struct guest_record r = guest_record_begin();

		if (ipv4) {
			seq_printf(m, "%08X %08X", four->mfc_mcastgrp, four->mfc_origin);
		} else {
			put_groups(m, &six->mf6c_mcastgrp);
			seq_putc(m, ' ');
			put_groups(m, &six->mf6c_origin);
		}
		put_route(m, t, c, resolved);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
}

static int show_routes(struct seq_file *m, struct mr_table __guest *t, bool ipv4)
{
	if (!t)
		return -ENOENT;
	seq_puts(m, ipv4 ? "Group    Origin   Iif     Pkts    Bytes    Wrong Oifs\n" :
			   "Group                            Origin                           "
			   "Iif      Pkts  Bytes     Wrong  Oifs\n");
	put_routes(m, t, &t->mfc_cache_list, ipv4);
	put_routes(m, t, &t->mfc_unres_queue, ipv4);
	return guest_faulted() ? -EIO : 0;
}

int net_ip_mr_vif_show(const struct proc_item *it, struct seq_file *m)
{
	return show_interfaces(m, table_ipv4(it), true);
}

int net_ip_mr_cache_show(const struct proc_item *it, struct seq_file *m)
{
	return show_routes(m, table_ipv4(it), true);
}

int net_ip6_mr_vif_show(const struct proc_item *it, struct seq_file *m)
{
	return show_interfaces(m, table_ipv6(it), false);
}

int net_ip6_mr_cache_show(const struct proc_item *it, struct seq_file *m)
{
	return show_routes(m, table_ipv6(it), false);
}

/* ---- ip6_flowlabel ---- */

static int owner_of(const struct net_list *l, struct ip6_flowlabel __guest *fl)
{
	uint32_t uid;

	if (fl->share == OF_PROCESS)
		return pid_nr_ns(fl->owner.pid, &init_pid_ns);
	if (fl->share != OF_USER)
		return 0;
	uid = fl->owner.uid.val;
	return (int)(uid == UINT32_MAX ? l->overflow_uid : uid);
}

static void put_label(struct net_list *l, struct ip6_flowlabel __guest *fl)
{
	struct ipv6_txoptions __guest *options = fl->opt;
	long hz = (long)global_hz();
	char dst[TEXT];

	net_read_pi6(dst, &fl->dst);
	seq_printf(l->m, "%05X %-1d %-6d %-6d %-6ld %-8ld %s %-4d\n", __builtin_bswap32(fl->label), fl->share,
		   owner_of(l, fl), fl->users.counter, (long)(fl->linger / (unsigned long)hz),
		   (long)(fl->expires - l->jiffies) / hz, dst, options ? options->opt_nflen : 0);
}

int net_ip6_flowlabel_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "Label S Owner  Users  Linger Expires  Dst                              Opt\n");
	for (int i = 0; i < LABEL_BUCKETS; i++) {
		struct guest_bound b = GUEST_BOUND(LABELS_MAX);
		struct ip6_flowlabel __guest *fl;

		for (fl = fl_ht[i]; fl && guest_more_at(&b, fl); fl = fl->next) {
			size_t mark = seq_mark(m);
			struct guest_record r = guest_record_begin();

			if (guest_eq(fl->fl_net, it->net))
				put_label(&l, fl);
			if (!guest_record_end(&r))
				seq_rollback(m, mark);
		}
	}
	return guest_faulted() ? -EIO : 0;
}

// SPDX-License-Identifier: MIT
/*
 * Folders of /proc/net: dev_snmp6/ with the counters of each device (net/ipv6/proc.c), stat/ with those
 * of caches (net/core/neighbour.c, net/ipv4/route.c); and rt_acct beside them.
 */
#include <errno.h>

#include "klib/text.h"
#include "net_common.h"

extern struct neigh_table __guest arp_tbl, nd_tbl;
extern struct dst_ops __guest ipv4_dst_ops;
extern struct rt_cache_stat __guest rt_cache_stat;
extern struct ip_rt_acct __guest *__guest ip_rt_acct;
extern const char __guest neigh_stat_seq_show, rt_cpu_seq_show;

/* ---- dev_snmp6/ ---- */

enum {
	NAMES = 256, /* devices that are sorted at a time */
	NAME_SIZE = 17,
};

static bool has_file(struct net_device __guest *dev)
{
	struct inet6_dev __guest *idev = dev->ip6_ptr;

	return idev && idev->stats.proc_dir_entry;
}

static struct net_device __guest *find_device(const struct proc_item *it, int index)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct net_device __guest *dev;

	list_for_each_entry(dev, &net->dev_base_head, dev_list) {
		if (dev->ifindex == index)
			return dev;
	}
	return NULL;
}

static int device_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_device __guest *dev = find_device(it, (int)it->arg);

	if (!dev || !has_file(dev))
		return -ENOENT;
	net_snmp6_device(m, dev);
	return guest_faulted() ? -EIO : 0;
}

static const struct proc_row device_row = {
	.name = "DEVICE", .mode = PROC_REG(0444), .show = device_show,
};

static int devices_lookup(struct proc_item *it, const char *name, size_t name_size,
			  const struct proc_row **row_ret)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct net_device __guest *dev;

	list_for_each_entry(dev, &net->dev_base_head, dev_list) {
		char text[NAME_SIZE];

		net_dev_name(dev, text);
		if (strlen(text) != name_size || memcmp(text, name, name_size) != 0 || !has_file(dev))
			continue;
		it->arg = (uint64_t)dev->ifindex;
		*row_ret = &device_row;
		return 0;
	}
	return -ENOENT;
}

struct device_name {
	char name[NAME_SIZE];
	int index;
};

/* As folders of /proc are sorted: shorter names first. */
static int name_order(const char *a, const char *b)
{
	size_t a_size = strlen(a), b_size = strlen(b);

	return a_size != b_size ? (a_size < b_size ? -1 : 1) : strcmp(a, b);
}

/* The first names behind `last`, sorted. */
static unsigned int names_behind(struct net __guest *net, const char *last,
				 struct device_name names[NAMES])
{
	struct net_device __guest *dev;
	unsigned int count = 0;

	list_for_each_entry(dev, &net->dev_base_head, dev_list) {
		struct device_name n;
		unsigned int at;

		if (!has_file(dev))
			continue;
		net_dev_name(dev, n.name);
		n.index = dev->ifindex;
		if (name_order(n.name, last) <= 0 ||
		    (count == NAMES && name_order(n.name, names[count - 1].name) >= 0))
			continue;
		at = count == NAMES ? count - 1 : count++;
		for (; at && name_order(n.name, names[at - 1].name) < 0; at--)
			names[at] = names[at - 1];
		names[at] = n;
	}
	return count;
}

static int devices_list(const struct proc_item *it, struct proc_list *l)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct guest_bound b = GUEST_BOUND(1u << 16);
	struct proc_item child = *it;
	struct device_name names[NAMES];
	char last[NAME_SIZE] = "";
	unsigned int count;

	while ((count = names_behind(net, last, names)) && guest_more(&b)) {
		for (unsigned int i = 0; i < count; i++) {
			child.arg = (uint64_t)names[i].index;
			if (!proc_list_emit(l, names[i].name, strlen(names[i].name), &child,
					    &device_row))
				return -ENOMEM;
		}
		memcpy(last, names[count - 1].name, sizeof(last));
		if (count < NAMES)
			break;
	}
	return guest_faulted() ? -EIO : 0;
}

const struct proc_dir net_dev_snmp6_dir = { .lookup = devices_lookup, .list = devices_list };

/* ---- stat/ ---- */

/* Columns lie below their headings since 5.15. Headings are too long to be looked for as a whole. */
static bool is_aligned(const char __guest *fn, const char *begin)
{
	enum { CODE = 512 };

	return klib_text_find(guest_addr(fn), CODE, begin, strlen(begin)) != 0;
}

static int neigh_stat_show(struct seq_file *m, struct neigh_table __guest *tbl)
{
	bool aligned = is_aligned(&neigh_stat_seq_show, "entries  allocs   destroys hash_grows lookups ");
	unsigned int entries = (unsigned int)tbl->entries.counter;

	seq_puts(m, aligned ?
		"entries  allocs   destroys hash_grows lookups  hits     res_failed rcv_probes_mcast"
		" rcv_probes_ucast periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n" :
		"entries  allocs destroys hash_grows  lookups hits  res_failed  rcv_probes_mcast"
		" rcv_probes_ucast  periodic_gc_runs forced_gc_runs unresolved_discards table_fulls\n");
	for_each_possible_cpu(cpu) {
		struct neigh_statistics __guest *s = guest_per_cpu_ptr(tbl->stats, cpu);

		seq_printf(m, aligned ? "%08x %08lx %08lx %08lx   %08lx %08lx %08lx   %08lx         " :
					"%08x  %08lx %08lx %08lx  %08lx %08lx  %08lx  %08lx ",
			   entries, s->allocs, s->destroys, s->hash_grows, s->lookups, s->hits,
			   s->res_failed, s->rcv_probes_mcast);
		seq_printf(m, aligned ?
			   "%08lx         %08lx         %08lx       %08lx            %08lx\n" :
			   "%08lx  %08lx %08lx %08lx %08lx\n",
			   s->rcv_probes_ucast, s->periodic_gc_runs, s->forced_gc_runs,
			   s->unres_discards, s->table_fulls);
	}
	return guest_faulted() ? -EIO : 0;
}

static int arp_cache_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return neigh_stat_show(m, &arp_tbl);
}

static int ndisc_cache_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return neigh_stat_show(m, &nd_tbl);
}

/* There is no cache since 3.6; what isn't counted any more is zero. */
static int rt_cache_show(const struct proc_item *it, struct seq_file *m)
{
	bool aligned = is_aligned(&rt_cpu_seq_show, "entries  in_hit   in_slow_tot ");

	(void)it;
	seq_puts(m, aligned ?
		"entries  in_hit   in_slow_tot in_slow_mc in_no_route in_brd   in_martian_dst"
		" in_martian_src out_hit  out_slow_tot out_slow_mc gc_total gc_ignored gc_goal_miss"
		" gc_dst_overflow in_hlist_search out_hlist_search\n" :
		"entries  in_hit in_slow_tot in_slow_mc in_no_route in_brd in_martian_dst"
		" in_martian_src  out_hit out_slow_tot out_slow_mc  gc_total gc_ignored gc_goal_miss"
		" gc_dst_overflow in_hlist_search out_hlist_search\n");
	for_each_possible_cpu(cpu) {
		struct rt_cache_stat __guest *s = guest_per_cpu_ptr(&rt_cache_stat, cpu);

		seq_printf(m, aligned ? "%08x %08x %08x    %08x   %08x    %08x %08x       " :
					"%08x  %08x %08x %08x %08x %08x %08x ",
			   (unsigned int)percpu_counter_sum_positive(&ipv4_dst_ops.pcpuc_entries), 0,
			   s->in_slow_tot, s->in_slow_mc, s->in_no_route, s->in_brd,
			   s->in_martian_dst);
		seq_printf(m, aligned ? "%08x       %08x %08x     %08x    %08x %08x   " :
					"%08x  %08x %08x %08x %08x %08x ",
			   s->in_martian_src, 0, s->out_slow_tot, s->out_slow_mc, 0, 0);
		seq_printf(m, aligned ? "%08x     %08x        %08x        %08x\n" :
					"%08x %08x %08x %08x \n", 0, 0, 0, 0);
	}
	return guest_faulted() ? -EIO : 0;
}

extern struct net __guest init_net;

/* Tables of neighbours are common to all namespaces, and shown in the first. */
static bool has_arp(const struct proc_item *it)
{
	return guest_eq(&init_net, it->net) && guest_has_type(struct neigh_statistics);
}

static bool has_ndisc(const struct proc_item *it)
{
	return has_arp(it) && guest_has_symbol(nd_tbl);
}

static bool has_rt_cache(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(rt_cpu_seq_show) && guest_has_symbol(rt_cache_stat);
}

const struct proc_row net_stat_rows[] = {
	{ .name = "arp_cache", .mode = PROC_REG(0444), .show = arp_cache_show, .present = has_arp },
	{ .name = "ndisc_cache", .mode = PROC_REG(0444), .show = ndisc_cache_show,
	  .present = has_ndisc },
	{ .name = "rt_cache", .mode = PROC_REG(0444), .show = rt_cache_show,
	  .present = has_rt_cache },
	{ 0 }
};

/* ---- rt_acct: not text ---- */

int net_rt_acct_show(const struct proc_item *it, struct seq_file *m)
{
	enum { CLASSES = 256 };
	uint32_t sums[CLASSES][4] = { { 0 } };
	struct ip_rt_acct __guest *all = ip_rt_acct;

	(void)it;
	for_each_possible_cpu(cpu) {
		uint32_t counts[CLASSES][4];

		if (!guest_read(counts, guest_per_cpu_ptr(all, cpu), sizeof(counts)))
			return -EIO;
		for (int i = 0; i < CLASSES; i++) {
			for (int j = 0; j < 4; j++)
				sums[i][j] += counts[i][j];
		}
	}
	seq_write(m, sums, sizeof(sums));
	return 0;
}

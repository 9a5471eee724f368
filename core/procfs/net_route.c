// SPDX-License-Identifier: MIT
/*
 * /proc/net/{route,rt_cache,ipv6_route,rt6_stats,arp}: rows as net/ipv4/fib_trie.c, net/ipv6/ip6_fib.c,
 * net/ipv6/route.c and net/ipv4/arp.c print them.
 */
#include "net_common.h"

enum {
	/* include/uapi/linux/rtnetlink.h, route.h, ipv6_route.h */
	RT_TABLE_MAIN = 254,
	RTN_BROADCAST = 3,
	RTN_MULTICAST = 5,
	RTN_UNREACHABLE = 7,
	RTN_PROHIBIT = 8,
	RTF_UP = 0x0001,
	RTF_GATEWAY = 0x0002,
	RTF_HOST = 0x0004,
	RTF_REJECT = 0x0200,
	RTAX_WINDOW = 3,
	RTAX_RTT = 4,
	RTAX_ADVMSS = 8,

	FIB_TABLES = 256, /* FIB6_TABLE_HASHSZ with policy routing */
	KEY_BITS = 32,	  /* of a trie of IPv4 addresses: no way down is longer */
	TRIE_NODES_MAX = 1 << 26, /* children looked at, empty ones too */

	RTN_RTINFO = 0x0004, /* include/net/ip6_fib.h: the node has routes of its own */
	FIB6_DEPTH_MAX = 300, /* 128 bits of a destination, 128 of a source */

	ROUTE_WIDTH = 127,

	/* include/uapi/linux/neighbour.h, if_arp.h */
	NUD_NOARP = 0x40,
	NUD_PERMANENT = 0x80,
	NUD_VALID = 0xde,
	ATF_COM = 0x02,
	ATF_PERM = 0x04,
	ATF_PUBL = 0x08,
	NEIGH_SHIFT_MAX = 24,
	PNEIGH_BUCKETS = 16,
	ARP_ADDRESS_COLUMNS = 27, /* net/ipv4/arp.c: HBUFFERLEN - 3 */
};

extern struct neigh_table __guest arp_tbl;

/* The first next hop of a shared next hop (include/net/nexthop.h: nexthop_mpath_select). */
struct nh_info __guest *net_nexthop_info(struct nexthop __guest *nh, bool groups)
{
	if (nh->is_group) {
		struct nh_group __guest *group = nh->nh_grp;
		bool multipath = !groups ||
				 (guest_has(struct nh_group, is_multipath) ? group->is_multipath :
									     group->mpath);

		if (multipath) {
			if (!group->num_nh)
				return guest_ptr(struct nh_info, 0);
			nh = group->nh_entries[0].nh;
		}
	}
	return nh->nh_info;
}

/* ---- route ---- */

static struct fib_table __guest *main_table(struct net_list *l)
{
	struct hlist_head __guest *head =
		&l->net->ipv4.fib_table_hash[RT_TABLE_MAIN & (net_fib_tables(l) - 1)];
	struct fib_table __guest *tb;

	hlist_for_each_entry(tb, head, tb_hlist) {
		if (tb->tb_id == RT_TABLE_MAIN)
			return tb;
	}
	return guest_ptr(struct fib_table, 0);
}

static void route_row(struct net_list *l, uint32_t prefix, struct fib_alias __guest *fa)
{
	struct fib_info __guest *fi = fa->fa_info;
	uint8_t type = fa->fa_type, slen = fa->fa_slen;
	uint32_t mask = slen < KEY_BITS ? __builtin_bswap32(~0u << slen) : 0;
	unsigned int flags = type == RTN_UNREACHABLE || type == RTN_PROHIBIT ? RTF_REJECT : 0;
	uint32_t gateway = 0, advmss = 0, window = 0, rtt = 0;
	int priority = 0;
	char name[17] = "*";

	if (fi) {
		struct nexthop __guest *nh = fi->nh;
		struct fib_nh_common __guest *nhc = &fi->fib_nh[0].nh_common;
		struct dst_metrics __guest *metrics = fi->fib_metrics;

		if (nh)
			nhc = &net_nexthop_info(nh, true)->fib_nhc;
		if (nhc->nhc_gw.ipv4)
			flags |= RTF_GATEWAY;
		if (nhc->nhc_gw_family == NET_AF_INET)
			gateway = nhc->nhc_gw.ipv4;
		if (nhc->nhc_dev)
			net_dev_name(nhc->nhc_dev, name);
		priority = (int)fi->fib_priority;
		advmss = metrics->metrics[RTAX_ADVMSS - 1];
		window = metrics->metrics[RTAX_WINDOW - 1];
		rtt = metrics->metrics[RTAX_RTT - 1];
	}
	if (mask == UINT32_MAX)
		flags |= RTF_HOST;
	flags |= RTF_UP;

	seq_setwidth(l->m, ROUTE_WIDTH);
	seq_printf(l->m, "%s\t%08X\t%08X\t%04X\t%d\t%u\t%d\t%08X\t%d\t%u\t%u", name, prefix, gateway,
		   flags, 0, 0, priority, mask, advmss ? (int)advmss + 40 : 0, window, rtt >> 3);
	seq_pad(l->m, '\n');
}

static void route_leaf(struct net_list *l, struct key_vector __guest *leaf, int depth, void *arg)
{
	uint32_t table = *(const uint32_t *)arg, prefix = __builtin_bswap32(leaf->key);
	struct fib_alias __guest *fa;

	(void)depth;
	if (leaf->bits)
		return; /* a node above leaves */
	hlist_for_each_entry(fa, &leaf->leaf, fa_list) {
		NET_RECORD(l) {
			uint8_t type = fa->fa_type;

			if (type == RTN_BROADCAST || type == RTN_MULTICAST || fa->tb_id != table)
				continue;
			route_row(l, prefix, fa);
		}
	}
}

int net_route_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);

	struct fib_table __guest *tb = main_table(&l);

	if (!tb)
		return 0; /* not even a heading */
	seq_setwidth(m, ROUTE_WIDTH);
	seq_puts(m, "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT");
	seq_pad(m, '\n');
	net_fib_walk(&l, net_fib_root(tb), route_leaf, &(uint32_t){ tb->tb_id });
	return 0;
}

/* There is no cache since 3.6; the heading stayed. */
int net_rt_cache_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	seq_setwidth(m, ROUTE_WIDTH);
	seq_puts(m, "Iface\tDestination\tGateway \tFlags\t\tRefCnt\tUse\tMetric\tSource\t\tMTU\tWindow\tIRTT\t"
		    "TOS\tHHRef\tHHUptod\tSpecDst");
	seq_pad(m, '\n');
	return 0;
}

/* ---- ipv6_route ---- */

static void ipv6_route_row(struct net_list *l, struct fib6_info __guest *rt)
{
	struct nexthop __guest *nh = rt->nh;
	struct fib_nh_common __guest *nhc = &rt->fib6_nh[0].nh_common;
	uint32_t flags = rt->fib6_flags;
	unsigned int src_plen = 0;
	char dst[33], src[33] = "00000000000000000000000000000000", gateway[33], name[17] = "";

	if (nh)
		nhc = &net_nexthop_info(nh, false)->fib6_nh.nh_common;
	net_read_pi6(dst, &rt->fib6_dst.addr);
	if (guest_has(struct fib6_info, fib6_src.plen)) {
		net_read_pi6(src, &rt->fib6_src.addr);
		src_plen = (unsigned int)rt->fib6_src.plen;
	}
	if (nhc->nhc_gw_family) {
		flags |= RTF_GATEWAY;
		net_read_pi6(gateway, &nhc->nhc_gw.ipv6);
	} else {
		memset(gateway, '0', 32);
		gateway[32] = '\0';
	}
	if (nhc->nhc_dev)
		net_dev_name(nhc->nhc_dev, name);
	seq_printf(l->m, "%s %02x %s %02x %s %08x %08x %08x %08x %8s\n", dst,
		   (unsigned int)rt->fib6_dst.plen, src, src_plen, gateway, rt->fib6_metric,
		   (unsigned int)rt->fib6_ref.refs.counter, 0, flags, name);
}

static void ipv6_route_rows(struct net_list *l, struct fib6_node __guest *fn)
{
	struct guest_bound b = GUEST_BOUND(NET_CHAIN_MAX);
	struct fib6_info __guest *rt = fn->leaf;

	for (; rt && guest_more_at(&b, rt); rt = rt->fib6_next) {
		NET_RECORD(l)
			ipv6_route_row(l, rt);
	}
}

/*
 * The order of the kernel's walker: what hangs below a node - sources, left, right - comes before
 * its own routes. A child is one only if it names the node as its parent and isn't there twice, so
 * that each is met once.
 */
static void ipv6_route_tree(struct net_list *l, struct fib6_node __guest *root, net_fib6_fn *rows)
{
	struct {
		uint64_t node;
		unsigned int step;
	} way[FIB6_DEPTH_MAX];
	struct guest_bound b = GUEST_BOUND(TRIE_NODES_MAX);
	int depth = 0;

	way[0].node = guest_addr(root);
	way[0].step = 0;
	while (depth >= 0 && guest_more(&b) && !net_list_over(l)) {
		struct fib6_node __guest *fn = guest_ptr(struct fib6_node, way[depth].node);
		struct fib6_node __guest *child = guest_ptr(struct fib6_node, 0);

		switch (way[depth].step++) {
		case 0:
			if (guest_has(struct fib6_node, subtree))
				child = fn->subtree;
			if (guest_eq(child, fn->left) || guest_eq(child, fn->right))
				child = guest_ptr(struct fib6_node, 0);
			break;
		case 1:
			child = fn->left;
			break;
		case 2:
			child = fn->right;
			if (guest_eq(child, fn->left))
				child = guest_ptr(struct fib6_node, 0);
			break;
		default:
			if (fn->fn_flags & RTN_RTINFO)
				rows(l, fn);
			depth--;
			continue;
		}
		if (!child)
			continue;
		if (depth + 1 == FIB6_DEPTH_MAX || guest_eq(child, root) ||
		    !guest_eq(child->parent, fn)) {
			guest_fault(child);
			continue;
		}
		depth++;
		way[depth].node = guest_addr(child);
		way[depth].step = 0;
	}
}

void net_fib6_walk(struct net_list *l, net_fib6_fn *fn)
{
	unsigned int buckets = guest_has(struct netns_ipv6, fib6_has_custom_rules) ? FIB_TABLES : 1;

	for (unsigned int i = 0; i < buckets; i++) {
		struct fib6_table __guest *tb;

		hlist_for_each_entry(tb, &l->net->ipv6.fib_table_hash[i], tb6_hlist)
			ipv6_route_tree(l, &tb->tb6_root, fn);
	}
}

int net_ipv6_route_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	net_fib6_walk(&l, ipv6_route_rows);
	return 0;
}

int net_rt6_stats_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct rt6_statistics __guest *s = net->ipv6.rt6_stats;

	seq_printf(m, "%04x %04x %04x %04x %04x %04x %04x\n", s->fib_nodes, s->fib_route_nodes,
		   (unsigned int)s->fib_rt_alloc.counter, s->fib_rt_entries, s->fib_rt_cache,
		   (unsigned int)percpu_counter_sum_positive(&net->ipv6.ip6_dst_ops.pcpuc_entries),
		   s->fib_discarded_routes);
	return 0;
}

/* ---- arp ---- */

static void read_ipv4(char text[16], const uint8_t __guest *key)
{
	uint8_t a[4];
	char *p = text;

	guest_read(a, key, sizeof(a));
	for (int i = 0; i < 4; i++) {
		p = net_put_u(p, a[i], 0);
		*p++ = i < 3 ? '.' : '\0';
	}
}

struct neighbour __guest *net_neigh_of_node(uint64_t node)
{
	return guest_ptr(struct neighbour, guest_has(struct neigh_hash_table, hash_heads) ?
						   node - guest_offsetof(struct neighbour, hash) :
						   node);
}

static bool arp_row(struct net_list *l, uint64_t node)
{
	struct neighbour __guest *n = net_neigh_of_node(node);
	struct net_device __guest *dev = n->dev;
	uint8_t state = n->nud_state;
	unsigned int flags = 0;
	uint8_t ha[32];
	char ip[16], hw[ARP_ADDRESS_COLUMNS + 4], name[17];
	unsigned int size = dev->addr_len;
	char *p = hw;

	if (!guest_eq(dev->nd_net.net, l->net) || !(state & ~NUD_NOARP))
		return false;
	if (state & NUD_PERMANENT)
		flags = ATF_PERM | ATF_COM;
	else if (state & NUD_VALID)
		flags = ATF_COM;
	guest_read(ha, &n->ha[0], sizeof(ha));
	for (unsigned int i = 0; p < hw + ARP_ADDRESS_COLUMNS && i < size; i++) {
		p = net_put_pair(p, net_lower_pairs, ha[i]);
		*p++ = ':';
	}
	if (p != hw)
		p--;
	*p = '\0';
	read_ipv4(ip, &n->primary_key[0]);
	net_dev_name(dev, name);
	seq_printf(l->m, "%-16s 0x%-10x0x%-10x%-17s     *        %s\n", ip, dev->type, flags, hw,
		   name);
	return true;
}

static bool arp_proxy_row(struct net_list *l, uint64_t node)
{
	struct pneigh_entry __guest *n = guest_ptr(struct pneigh_entry, node);
	struct net_device __guest *dev = n->dev;
	char ip[16], name[17] = "*";

	if (!guest_eq(n->net.net, l->net))
		return false;
	read_ipv4(ip, &n->key[0]);
	if (dev)
		net_dev_name(dev, name);
	seq_printf(l->m, "%-16s 0x%-10x0x%-10x%s     *        %s\n", ip, dev ? dev->type : 0,
		   ATF_PUBL | ATF_PERM, "00:00:00:00:00:00", name);
	return true;
}

static void arp_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, arp_row, NULL);
}

static void arp_proxy_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, arp_proxy_row, NULL);
}

void net_neigh_walk(struct net_list *l, struct neigh_table __guest *table, net_bucket_fn *bucket)
{
	struct neigh_hash_table __guest *nht = table->nht;
	struct net_table t = { .stride = sizeof(uint64_t) };
	unsigned int shift = nht->hash_shift;

	t.count = 1ull << (shift < NEIGH_SHIFT_MAX ? shift : NEIGH_SHIFT_MAX);
	t.base = guest_has(struct neigh_hash_table, hash_heads) ? guest_addr(nht->hash_heads) :
								  guest_addr(nht->hash_buckets);
	net_table_walk(l, &t, bucket, NULL);
}

int net_arp_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;
	struct net_table t = { .stride = sizeof(uint64_t) };

	net_list_init(&l, it, m);
	seq_puts(m, "IP address       HW type     Flags       "
		    "HW address            Mask     Device\n");
	net_neigh_walk(&l, &arp_tbl, arp_bucket);
	t.count = PNEIGH_BUCKETS;
	t.base = guest_addr(arp_tbl.phash_buckets);
	net_table_walk(&l, &t, arp_proxy_bucket, NULL);
	return 0;
}

// SPDX-License-Identifier: MIT
/*
 * Routes and neighbours by netlink: net/ipv4/{fib_trie,fib_semantics}.c, net/ipv6/route.c, net/core/{rtnetlink,neighbour}.c.
 * Routes that the kernel keeps for single destinations (caches) are left out, and so are lightweight tunnels'
 * headers and the names of congestion controls.
 */
#include "netlink.h"

enum {
	/* include/uapi/linux/rtnetlink.h, neighbour.h, ipv6_route.h: ABI */
	RTM_NEWROUTE = 24,
	RTM_NEWNEIGH = 28,
	RTA_DST = 1,
	RTA_SRC,
	RTA_OIF = 4,
	RTA_GATEWAY,
	RTA_PRIORITY,
	RTA_PREFSRC,
	RTA_METRICS,
	RTA_MULTIPATH,
	RTA_CACHEINFO = 12,
	RTA_TABLE = 15,
	RTA_VIA = 18,
	RTA_PREF = 20,
	RTA_NH_ID = 30,
	RTAX_FEATURES = 12,
	RTAX_CC_ALGO = 16,
	RTAX_MAX = 17,
	RTAX_FEATURE_MASK = 31,
	RTNH_F_DEAD = 1,
	RTNH_SHOWN = 1 | 4 | 8 | 16 | 64, /* RTNH_F_DEAD, _ONLINK, _OFFLOAD, _LINKDOWN, _TRAP */
	RTN_BLACKHOLE = 6,
	RTM_F_CLONED = 0x200,
	RT_TABLE_COMPAT = 252,
	RTF_EXPIRES = 0x00400000,
	NDA_DST = 1,
	NDA_LLADDR,
	NDA_CACHEINFO,
	NDA_PROBES,
	NDA_PROTOCOL = 12,
	NDA_FLAGS_EXT = 15,
	RTM_NEWRULE = 32,
	FRA_DST = 1,
	FRA_SRC,
	FRA_IIFNAME,
	FRA_GOTO,
	FRA_PRIORITY = 6,
	FRA_FWMARK = 10,
	FRA_FLOW,
	FRA_TUN_ID,
	FRA_SUPPRESS_IFGROUP,
	FRA_SUPPRESS_PREFIXLEN,
	FRA_TABLE,
	FRA_FWMASK,
	FRA_OIFNAME,
	FRA_L3MDEV = 19,
	FRA_UID_RANGE,
	FRA_PROTOCOL,
	FRA_IP_PROTO,
	FRA_SPORT_RANGE,
	FRA_DPORT_RANGE,
	FR_ACT_GOTO = 2,
	FIB_RULE_UNRESOLVED = 4,
	FIB_RULE_IIF_DETACHED = 8,
	FIB_RULE_OIF_DETACHED = 16,
	NTF_PROXY = 8,
	NUD_VALID = 0xde,

	KEY_BITS = 32,
	PATHS_MAX = 2047, /* of a route: an attribute has less than 64 KiB, one way up to 32 bytes of it */
	SIBLINGS_MAX = 1 << 22,
};

struct rtmsg {
	uint8_t family, dst_len, src_len, tos, table, protocol, scope, type;
	uint32_t flags;
};
struct rtnexthop {
	uint16_t len;
	uint8_t flags, hops;
	int32_t index;
};
struct ndmsg {
	uint8_t family, pad1;
	uint16_t pad2;
	int32_t index;
	uint16_t state;
	uint8_t flags, type;
};

struct fib_rule_hdr {
	uint8_t family, dst_len, src_len, tos, table, res1, res2, action;
	uint32_t flags;
};

extern struct neigh_table __guest arp_tbl, nd_tbl;

/* ---- what routes of both families have ---- */

static uint8_t table_byte(uint32_t id)
{
	return id < 256 ? (uint8_t)id : RT_TABLE_COMPAT;
}

static void put_metrics(struct netlink *n, struct dst_metrics __guest *metrics)
{
	size_t mark = n->l.m->count, nest;
	bool any = false;

	if (!metrics)
		return;
	nest = netlink_nest_begin(n, RTA_METRICS);
	for (unsigned int i = 1; i <= RTAX_MAX; i++) {
		uint32_t value = i == RTAX_CC_ALGO ? 0 : metrics->metrics[i - 1];

		if (i == RTAX_FEATURES)
			value &= RTAX_FEATURE_MASK;
		if (!value)
			continue;
		netlink_put_u32(n, i, value);
		any = true;
	}
	if (any)
		netlink_nest_end(n, nest);
	else
		seq_rollback(n->l.m, mark);
}

/* The gateway; the flags of the way there. */
static uint8_t put_gateway(struct netlink *n, struct fib_nh_common __guest *nhc, unsigned char family)
{
	unsigned char of = nhc->nhc_gw_family;
	uint8_t via[2 + 16] = { of, 0 };

	if (of == NET_AF_INET) {
		netlink_put_u32(n, RTA_GATEWAY, nhc->nhc_gw.ipv4);
	} else if (of == NET_AF_INET6) {
		guest_read(via + 2, &nhc->nhc_gw.ipv6, 16);
		if (of == family)
			netlink_put(n, RTA_GATEWAY, via + 2, 16);
		else
			netlink_put(n, RTA_VIA, via, sizeof(via));
	}
	return nhc->nhc_flags & RTNH_SHOWN;
}

/* The only way of a route: the flags of the message. */
static uint8_t put_way(struct netlink *n, struct fib_nh_common __guest *nhc, unsigned char family)
{
	uint8_t flags = put_gateway(n, nhc, family);
	struct net_device __guest *dev = nhc->nhc_dev;

	if (dev)
		netlink_put_u32(n, RTA_OIF, (uint32_t)dev->ifindex);
	return flags;
}

/* One of several. */
static void put_one_way(struct netlink *n, struct fib_nh_common __guest *nhc, unsigned int weight, unsigned char family)
{
	struct net_device __guest *dev = nhc->nhc_dev;
	struct rtnexthop head = { .hops = (uint8_t)(weight - 1), .index = dev ? dev->ifindex : 0 };
	size_t at = n->l.m->count;

	seq_write(n->l.m, &head, sizeof(head));
	head.flags = put_gateway(n, nhc, family);
	head.len = (uint16_t)(n->l.m->count - at);
	netlink_patch(n, at, &head, sizeof(head));
}

static bool is_multipath(struct nexthop __guest *nh)
{
	struct nh_group __guest *group = nh->nh_grp;

	if (!nh->is_group)
		return false;
	return guest_has(struct nh_group, is_multipath) ? group->is_multipath : group->mpath;
}

static struct fib_nh_common __guest *common_of(struct nexthop __guest *nh, unsigned char family)
{
	struct nh_info __guest *info = net_nexthop_info(nh, true);

	return family == NET_AF_INET6 ? &info->fib6_nh.nh_common : &info->fib_nhc;
}

/* A route by a shared next hop: the flags of the message. `type` changes if it leads nowhere. */
static uint8_t put_shared(struct netlink *n, struct nexthop __guest *nh, unsigned char family, uint8_t *type)
{
	size_t nest;

	netlink_put_u32(n, RTA_NH_ID, nh->id);
	if (net_nexthop_info(nh, true)->reject_nh)
		*type = RTN_BLACKHOLE;
	if (!n->l.net->ipv4.sysctl_nexthop_compat_mode)
		return 0;
	if (!is_multipath(nh))
		return put_way(n, common_of(nh, family), family);

	struct nh_group __guest *group = nh->nh_grp;
	unsigned int count = group->num_nh;

	nest = netlink_nest_begin(n, RTA_MULTIPATH);
	for (unsigned int i = 0; i < count && i < PATHS_MAX; i++) {
		struct nh_grp_entry __guest *e = &group->nh_entries[i];

		put_one_way(n, common_of(e->nh, family), (unsigned int)e->weight, family);
	}
	netlink_nest_end(n, nest);
	return 0;
}

static void finish(struct netlink *n, const void *head, size_t size)
{
	netlink_patch(n, n->message + 16, head, size); /* behind the header */
	netlink_end(n);
}

/* ---- IPv4 ---- */

static void route4(struct netlink *n, uint32_t id, uint32_t prefix, struct fib_alias __guest *fa)
{
	struct fib_info __guest *fi = fa->fa_info;
	unsigned int slen = fa->fa_slen, count;
	struct nexthop __guest *nh = fi->nh;
	struct rtmsg head = { .family = NET_AF_INET, .table = table_byte(id), .type = fa->fa_type };

	head.dst_len = (uint8_t)(slen < KEY_BITS ? KEY_BITS - slen : 0);
	head.tos = guest_has(struct fib_alias, fa_dscp) ? fa->fa_dscp : fa->fa_tos;
	head.scope = fi->fib_scope;
	head.protocol = fi->fib_protocol;
	head.flags = fi->fib_flags;
	netlink_begin(n, RTM_NEWROUTE, &head, sizeof(head));
	netlink_put_u32(n, RTA_TABLE, id);
	if (head.dst_len)
		netlink_put_u32(n, RTA_DST, __builtin_bswap32(prefix));
	if (fi->fib_priority)
		netlink_put_u32(n, RTA_PRIORITY, fi->fib_priority);
	put_metrics(n, fi->fib_metrics);
	if (fi->fib_prefsrc)
		netlink_put_u32(n, RTA_PREFSRC, fi->fib_prefsrc);
	if (nh) {
		head.flags |= put_shared(n, nh, NET_AF_INET, &head.type);
		finish(n, &head, sizeof(head));
		return;
	}
	count = (unsigned int)fi->fib_nhs;
	if (count == 1) {
		head.flags = put_way(n, &fi->fib_nh[0].nh_common, NET_AF_INET);
	} else {
		size_t nest = netlink_nest_begin(n, RTA_MULTIPATH);

		for (unsigned int i = 0; i < count && i < PATHS_MAX; i++) {
			struct fib_nh_common __guest *nhc = &fi->fib_nh[i].nh_common;

			put_one_way(n, nhc, (unsigned int)nhc->nhc_weight, NET_AF_INET);
		}
		netlink_nest_end(n, nest);
	}
	finish(n, &head, sizeof(head));
}

static void leaf4(struct net_list *l, struct key_vector __guest *leaf, int depth, void *arg)
{
	uint32_t id = *(const uint32_t *)arg, prefix = leaf->key;
	struct fib_alias __guest *fa;

	(void)depth;
	if (leaf->bits)
		return; /* a node above leaves */
	hlist_for_each_entry(fa, &leaf->leaf, fa_list) {
		if (net_list_over(l))
			return;
		NET_RECORD(l)
			if (fa->tb_id == id)
				route4(netlink_of(l), id, prefix, fa);
	}
}

static void table4(struct net_list *l, struct fib_table __guest *tb)
{
	uint32_t id = tb->tb_id, wanted = netlink_of(l)->table;

	if (!wanted || wanted == id)
		net_fib_walk(l, net_fib_root(tb), leaf4, &id);
}

/* ---- IPv6 ---- */

static void put_ipv6(struct netlink *n, unsigned int type, struct rt6key __guest *key)
{
	uint8_t address[16];

	guest_read(address, &key->addr, sizeof(address));
	netlink_put(n, type, address, sizeof(address));
}

static void put_expiry(struct netlink *n, struct fib6_info __guest *rt)
{
	int32_t info[8] = { 0 }; /* struct rta_cacheinfo: clntref, lastuse, expires, ... */

	if (rt->fib6_flags & RTF_EXPIRES) {
		int64_t left = (int64_t)(rt->expires - n->l.jiffies);
		int64_t ticks = net_jiffies_to_clock(&n->l, left < 0 ? -(uint64_t)left : (uint64_t)left);

		if (ticks > INT32_MAX)
			ticks = INT32_MAX;
		info[2] = (int32_t)(left > 0 ? ticks : -ticks);
	}
	netlink_put(n, RTA_CACHEINFO, info, sizeof(info));
}

static void put_siblings(struct netlink *n, struct fib6_info __guest *rt)
{
	struct fib_nh_common __guest *nhc = &rt->fib6_nh[0].nh_common;
	size_t nest = netlink_nest_begin(n, RTA_MULTIPATH);
	struct fib6_info __guest *sibling;
	unsigned int count = 0;

	put_one_way(n, nhc, (unsigned int)nhc->nhc_weight, NET_AF_INET6);
	list_for_each_entry(sibling, &rt->fib6_siblings, fib6_siblings) {
		if (++count == PATHS_MAX)
			break;
		nhc = &sibling->fib6_nh[0].nh_common;
		put_one_way(n, nhc, (unsigned int)nhc->nhc_weight, NET_AF_INET6);
	}
	netlink_nest_end(n, nest);
}

static void route6(struct netlink *n, uint32_t id, struct fib6_info __guest *rt)
{
	uint32_t flags = rt->fib6_flags;
	struct nexthop __guest *nh = rt->nh;
	struct rtmsg head = { .family = NET_AF_INET6, .table = table_byte(id), .type = rt->fib6_type,
			      .protocol = rt->fib6_protocol, .dst_len = (uint8_t)rt->fib6_dst.plen };

	if (guest_has(struct fib6_info, fib6_src.plen))
		head.src_len = (uint8_t)rt->fib6_src.plen;
	netlink_begin(n, RTM_NEWROUTE, &head, sizeof(head));
	netlink_put_u32(n, RTA_TABLE, id);
	if (head.dst_len)
		put_ipv6(n, RTA_DST, &rt->fib6_dst);
	if (head.src_len)
		put_ipv6(n, RTA_SRC, &rt->fib6_src);
	if (rt->fib6_prefsrc.plen)
		put_ipv6(n, RTA_PREFSRC, &rt->fib6_prefsrc);
	put_metrics(n, rt->fib6_metrics);
	netlink_put_u32(n, RTA_PRIORITY, rt->fib6_metric);
	if (rt->fib6_nsiblings)
		put_siblings(n, rt);
	else if (nh)
		head.flags = put_shared(n, nh, NET_AF_INET6, &head.type);
	else
		head.flags = put_way(n, &rt->fib6_nh[0].nh_common, NET_AF_INET6);
	put_expiry(n, rt);
	/* two bits, signed: IPV6_EXTRACT_PREF */
	netlink_put_u8(n, RTA_PREF, flags >> 27 & 3);
	finish(n, &head, sizeof(head));
}

static void node6(struct net_list *l, struct fib6_node __guest *fn)
{
	struct guest_bound b = GUEST_BOUND(SIBLINGS_MAX);
	struct netlink *n = netlink_of(l);
	struct fib6_info __guest *rt = fn->leaf;

	for (; rt && !net_list_over(l) && guest_more_at(&b, rt); rt = rt->fib6_next) {
		uint32_t id = rt->fib6_table ? rt->fib6_table->tb6_id : 0;

		if (guest_eq(rt, l->net->ipv6.fib6_null_entry) || (n->table && id != n->table))
			continue;
		NET_RECORD(l)
			route6(n, id, rt);
		/* ways of one route stand together: the last one's */
		if (rt->fib6_nsiblings)
			rt = guest_container_of(rt->fib6_siblings.prev, struct fib6_info, fib6_siblings);
	}
}

int netlink_routes(struct netlink *n)
{
	const uint8_t *table;
	struct rtmsg asked = { 0 };
	size_t size = 0;

	if (!n->dump)
		return -EOPNOTSUPP;
	if (n->family && n->family != NET_AF_INET && n->family != NET_AF_INET6)
		return -EOPNOTSUPP;
	if (n->q->size >= sizeof(asked))
		memcpy(&asked, n->q->body, sizeof(asked));
	if (asked.flags & RTM_F_CLONED)
		return 0;
	n->table = asked.table;
	table = netlink_asked(n, sizeof(asked), RTA_TABLE, &size);
	if (table && size == sizeof(n->table))
		memcpy(&n->table, table, size);
	if (n->family != NET_AF_INET6)
		net_fib_for_each_table(&n->l, table4);
	if (n->family != NET_AF_INET)
		net_fib6_walk(&n->l, node6);
	return 0;
}

/* ---- neighbours ---- */

static bool neighbour_row(struct net_list *l, uint64_t node)
{
	struct netlink *n = netlink_of(l);
	struct neighbour __guest *e = net_neigh_of_node(node);
	struct net_device __guest *dev = e->dev;
	uint32_t flags = e->flags, times[4];
	unsigned int size = n->family == NET_AF_INET ? 4 : 16, hardware = dev->addr_len;
	struct ndmsg head = { .family = n->family, .index = dev->ifindex, .state = e->nud_state,
			      .flags = (uint8_t)flags, .type = e->type };
	uint8_t address[32];

	if (!guest_eq(dev->nd_net.net, l->net))
		return false;
	netlink_begin(n, RTM_NEWNEIGH, &head, sizeof(head));
	guest_read(address, &e->primary_key[0], size);
	netlink_put(n, NDA_DST, address, size);
	if (head.state & NUD_VALID) {
		if (hardware > sizeof(address))
			hardware = sizeof(address);
		guest_read(address, &e->ha[0], hardware);
		netlink_put(n, NDA_LLADDR, address, hardware);
	}
	times[0] = (uint32_t)net_jiffies_to_clock(l, l->jiffies - e->confirmed);
	times[1] = (uint32_t)net_jiffies_to_clock(l, l->jiffies - e->used);
	times[2] = (uint32_t)net_jiffies_to_clock(l, l->jiffies - e->updated);
	times[3] = (uint32_t)e->refcnt.refs.counter - 1;
	netlink_put_u32(n, NDA_PROBES, (uint32_t)e->probes.counter);
	netlink_put(n, NDA_CACHEINFO, times, sizeof(times));
	if (e->protocol)
		netlink_put_u8(n, NDA_PROTOCOL, e->protocol);
	if (flags >> 8)
		netlink_put_u32(n, NDA_FLAGS_EXT, flags >> 8);
	netlink_end(n);
	return true;
}

static void neighbour_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, neighbour_row, NULL);
}

int netlink_neighbours(struct netlink *n)
{
	struct ndmsg asked = { 0 };
	unsigned char family = n->family;

	if (n->q->size >= sizeof(asked))
		memcpy(&asked, n->q->body, sizeof(asked));
	if (!n->dump || asked.flags == NTF_PROXY || (family && family != NET_AF_INET && family != NET_AF_INET6))
		return -EOPNOTSUPP;
	if (family != NET_AF_INET6) {
		n->family = NET_AF_INET;
		net_neigh_walk(&n->l, &arp_tbl, neighbour_bucket);
	}
	if (family != NET_AF_INET && guest_has_symbol(nd_tbl)) {
		n->family = NET_AF_INET6;
		net_neigh_walk(&n->l, &nd_tbl, neighbour_bucket);
	}
	return 0;
}

/* ---- rules ---- */

static void put_unless_zero(struct netlink *n, unsigned int type, uint32_t v)
{
	if (v)
		netlink_put_u32(n, type, v);
}

/* A name of a device, and the flag of one that isn't there. */
static uint32_t put_name(struct netlink *n, unsigned int type, const char __guest *from, int index, uint32_t flag)
{
	char name[17];

	guest_strncpy(name, from, sizeof(name));
	if (!name[0])
		return 0;
	netlink_put_name(n, type, name);
	return index == -1 ? flag : 0;
}

/* Ports from and to, where there are any. */
static void put_ports(struct netlink *n, unsigned int type, const void __guest *from)
{
	uint16_t ports[2];

	guest_read(ports, from, sizeof(ports));
	if (ports[0] && ports[1])
		netlink_put(n, type, ports, sizeof(ports));
}

static void put_rule4(struct netlink *n, struct fib4_rule __guest *rule, struct fib_rule_hdr *head)
{
	head->dst_len = rule->dst_len;
	head->src_len = rule->src_len;
	head->tos = guest_has(struct fib4_rule, dscp) ? rule->dscp : rule->tos;
	if (head->dst_len)
		netlink_put_u32(n, FRA_DST, rule->dst);
	if (head->src_len)
		netlink_put_u32(n, FRA_SRC, rule->src);
	if (guest_has(struct fib4_rule, tclassid))
		put_unless_zero(n, FRA_FLOW, rule->tclassid);
}

static void put_rule6(struct netlink *n, struct fib6_rule __guest *rule, struct fib_rule_hdr *head)
{
	head->dst_len = (uint8_t)rule->dst.plen;
	head->src_len = (uint8_t)rule->src.plen;
	head->tos = guest_has(struct fib6_rule, dscp) ? rule->dscp : rule->tclass;
	if (head->dst_len)
		put_ipv6(n, FRA_DST, &rule->dst);
	if (head->src_len)
		put_ipv6(n, FRA_SRC, &rule->src);
}

static void put_rule(struct netlink *n, struct fib_rule __guest *rule, unsigned char family)
{
	struct fib_rule_hdr head = { .family = family, .table = table_byte(rule->table), .action = rule->action,
				     .flags = rule->flags };
	uint32_t users[2], mask = rule->mark_mask;
	uint64_t tunnel = rule->tun_id;

	netlink_begin(n, RTM_NEWRULE, &head, sizeof(head));
	netlink_put_u32(n, FRA_TABLE, rule->table);
	netlink_put_u32(n, FRA_SUPPRESS_PREFIXLEN, (uint32_t)rule->suppress_prefixlen);
	netlink_put_u8(n, FRA_PROTOCOL, rule->proto);
	if (head.action == FR_ACT_GOTO && !rule->ctarget)
		head.flags |= FIB_RULE_UNRESOLVED;
	head.flags |= put_name(n, FRA_IIFNAME, &rule->iifname[0], rule->iifindex, FIB_RULE_IIF_DETACHED);
	head.flags |= put_name(n, FRA_OIFNAME, &rule->oifname[0], rule->oifindex, FIB_RULE_OIF_DETACHED);
	put_unless_zero(n, FRA_PRIORITY, rule->pref);
	put_unless_zero(n, FRA_FWMARK, rule->mark);
	if (mask || rule->mark)
		netlink_put_u32(n, FRA_FWMASK, mask);
	put_unless_zero(n, FRA_GOTO, rule->target);
	if (tunnel)
		netlink_put(n, FRA_TUN_ID, &tunnel, sizeof(tunnel));
	if (rule->l3mdev)
		netlink_put_u8(n, FRA_L3MDEV, rule->l3mdev);
	guest_read(users, &rule->uid_range, sizeof(users));
	if (users[0] != UINT32_MAX && users[1] != UINT32_MAX)
		netlink_put(n, FRA_UID_RANGE, users, sizeof(users));
	put_ports(n, FRA_SPORT_RANGE, &rule->sport_range);
	put_ports(n, FRA_DPORT_RANGE, &rule->dport_range);
	if (rule->ip_proto)
		netlink_put_u8(n, FRA_IP_PROTO, rule->ip_proto);
	if (rule->suppress_ifgroup != -1)
		netlink_put_u32(n, FRA_SUPPRESS_IFGROUP, (uint32_t)rule->suppress_ifgroup);
	if (family == NET_AF_INET)
		put_rule4(n, (struct fib4_rule __guest *)rule, &head);
	else
		put_rule6(n, (struct fib6_rule __guest *)rule, &head);
	finish(n, &head, sizeof(head));
}

static void family_rules(struct netlink *n, struct list_head __guest *rules, unsigned char family)
{
	struct fib_rule __guest *rule;

	list_for_each_entry(rule, rules, list) {
		if (net_list_over(&n->l))
			return;
		NET_RECORD(&n->l)
			put_rule(n, rule, family);
	}
}

int netlink_rules(struct netlink *n)
{
	struct fib_rules_ops __guest *ops;
	bool found = false;

	if (!n->dump)
		return -EOPNOTSUPP;
	list_for_each_entry(ops, &n->l.net->rules_ops, list) {
		unsigned char family = (unsigned char)ops->family;

		if ((family != NET_AF_INET && family != NET_AF_INET6) || (n->family && n->family != family))
			continue;
		found = true;
		family_rules(n, &ops->rules_list, family);
	}
	return found || !n->family ? 0 : -EAFNOSUPPORT;
}

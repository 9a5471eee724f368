// SPDX-License-Identifier: MIT
/*
 * Network devices and their addresses by netlink: net/core/rtnetlink.c, net/ipv4/devinet.c, net/ipv6/addrconf.c.
 * Left out is what drivers tell of themselves (IFLA_INFO_DATA) and what nobody shows without being asked for
 * details.
 */
#include "netlink.h"

#include "klib/modsym.h"
#include "klib/xarray.h"

enum {
	/* include/uapi/linux/rtnetlink.h, if_link.h, if_addr.h, if.h, socket.h: ABI */
	RTM_NEWLINK = 16,
	RTM_NEWADDR = 20,
	IFLA_ADDRESS = 1,
	IFLA_BROADCAST,
	IFLA_IFNAME,
	IFLA_MTU,
	IFLA_LINK,
	IFLA_QDISC,
	IFLA_STATS,
	IFLA_MASTER = 10,
	IFLA_PROTINFO = 12,
	IFLA_TXQLEN,
	IFLA_OPERSTATE = 16,
	IFLA_LINKMODE,
	IFLA_LINKINFO,
	IFLA_IFALIAS = 20,
	IFLA_STATS64 = 23,
	IFLA_GROUP = 27,
	IFLA_PROMISCUITY = 30,
	IFLA_NUM_TX_QUEUES,
	IFLA_NUM_RX_QUEUES,
	IFLA_CARRIER,
	IFLA_CARRIER_CHANGES = 35,
	IFLA_LINK_NETNSID = 37,
	IFLA_MIN_MTU = 50,
	IFLA_MAX_MTU,
	IFLA_ALT_IFNAME = 53,
	IFLA_INFO_KIND = 1,
	IFLA_INFO_SLAVE_KIND = 4,
	IFA_ADDRESS = 1,
	IFA_LOCAL,
	IFA_LABEL,
	IFA_BROADCAST,
	IFA_CACHEINFO = 6,
	IFA_FLAGS = 8,
	IFA_RT_PRIORITY,
	IFA_PROTO = 11,
	IFA_F_PERMANENT = 0x80,
	IF_OPER_DOWN = 2,
	AF_PACKET = 17,
	AF_BRIDGE = 7,
	RT_SCOPE_SITE = 200,
	RT_SCOPE_LINK = 253,
	RT_SCOPE_HOST = 254,

	/* include/linux/netdevice.h: netdev_state_t, as bits */
	STATE_START = 1 << 0,
	STATE_NO_CARRIER = 1 << 2,

	ADDRESS_SIZE = 32, /* MAX_ADDR_LEN */
	ADDRESSES_MAX = 1 << 20, /* of a device */
	NAMESPACES_MAX = 1 << 16, /* that one has numbers for */
	FOREVER = -1,
};

struct ifinfomsg {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
struct ifaddrmsg {
	uint8_t family, prefix, flags, scope;
	uint32_t index;
};

/* ---- devices ---- */

static struct net_device __guest *adjacent(struct list_head __guest *list, bool master)
{
	struct netdev_adjacent __guest *a;

	list_for_each_entry(a, list, list) {
		if (a->master == master)
			return a->dev;
	}
	return guest_ptr(struct net_device, 0);
}

/*
 * The device that this one sends by, or the other end; NULL: none, or none that is known here (of tunnels, drivers
 * know it alone). Only those that have one say which (ndo_get_iflink).
 */
static struct net_device __guest *lower_device(struct net_device __guest *dev)
{
	uint64_t function = guest_addr(dev->netdev_ops->ndo_get_iflink);
	char name[KSYM_SIZE];

	if (!function)
		return dev;
	if (modsym_name(function, name, NULL) && !strcmp(name, "veth_get_iflink"))
		return net_dev_peer(dev);
	return adjacent(&dev->adj_list.lower, false);
}

/* The number that `net` has for another namespace, -1: none. */
static int32_t namespace_number(struct net __guest *net, struct net __guest *of)
{
	struct guest_bound b = GUEST_BOUND(NAMESPACES_MAX);

	for (uint64_t id = 0; guest_more(&b); id++) {
		void __guest *p = idr_get_next(&net->netns_ids, &id);

		if (!p)
			break;
		if (guest_eq(p, of))
			return (int32_t)id;
	}
	return -1;
}

static void put_link(struct netlink *n, struct net_device __guest *dev)
{
	struct net_device __guest *lower = lower_device(dev);
	int32_t index = lower ? lower->ifindex : 0;
	bool away = lower && !guest_eq(lower->nd_net.net, dev->nd_net.net);

	if (away || index != dev->ifindex)
		netlink_put_u32(n, IFLA_LINK, (uint32_t)index);
	if (away && n->family != NET_AF_INET6)
		netlink_put_u32(n, IFLA_LINK_NETNSID, (uint32_t)namespace_number(dev->nd_net.net, lower->nd_net.net));
}

static void put_hardware(struct netlink *n, unsigned int type, const uint8_t __guest *from, unsigned int size)
{
	uint8_t address[ADDRESS_SIZE];

	if (!size)
		return;
	if (size > sizeof(address))
		size = sizeof(address);
	guest_read(address, from, size);
	netlink_put(n, type, address, size);
}

static void put_counters(struct netlink *n, struct net_device __guest *dev)
{
	uint64_t counters[NET_DEV_COUNTERS];
	uint32_t low[NET_DEV_COUNTERS];

	net_dev_counters(dev, counters);
	for (unsigned int i = 0; i < NET_DEV_COUNTERS; i++)
		low[i] = (uint32_t)counters[i];
	netlink_put(n, IFLA_STATS64, counters, sizeof(counters));
	netlink_put(n, IFLA_STATS, low, sizeof(low));
}

static void put_kind(struct netlink *n, unsigned int type, struct rtnl_link_ops __guest *ops)
{
	char kind[32];

	if (!ops)
		return;
	guest_strncpy(kind, ops->kind, sizeof(kind));
	netlink_put_string(n, type, kind);
}

static void put_kinds(struct netlink *n, struct net_device __guest *dev, struct net_device __guest *master)
{
	struct rtnl_link_ops __guest *ops = dev->rtnl_link_ops;
	struct rtnl_link_ops __guest *of_master = master ? master->rtnl_link_ops : guest_ptr(struct rtnl_link_ops, 0);

	if (!ops && !of_master)
		return;

	size_t nest = netlink_nest_begin(n, IFLA_LINKINFO);

	put_kind(n, IFLA_INFO_KIND, ops);
	put_kind(n, IFLA_INFO_SLAVE_KIND, of_master);
	netlink_nest_end(n, nest);
}

static void put_details(struct netlink *n, struct net_device __guest *dev)
{
	struct net_device __guest *master = adjacent(&dev->adj_list.upper, true);
	struct Qdisc __guest *qdisc = dev->qdisc;
	struct dev_ifalias __guest *alias = dev->ifalias;
	char text[256];

	netlink_put_u32(n, IFLA_TXQLEN, dev->tx_queue_len);
	netlink_put_u8(n, IFLA_LINKMODE, (uint8_t)dev->link_mode);
	netlink_put_u32(n, IFLA_MIN_MTU, dev->min_mtu);
	netlink_put_u32(n, IFLA_MAX_MTU, dev->max_mtu);
	netlink_put_u32(n, IFLA_GROUP, (uint32_t)dev->group);
	netlink_put_u32(n, IFLA_PROMISCUITY, dev->promiscuity);
	netlink_put_u32(n, IFLA_NUM_TX_QUEUES, dev->num_tx_queues);
	netlink_put_u32(n, IFLA_NUM_RX_QUEUES, dev->num_rx_queues);
	if (master)
		netlink_put_u32(n, IFLA_MASTER, (uint32_t)master->ifindex);
	netlink_put_u8(n, IFLA_CARRIER, !(dev->state & STATE_NO_CARRIER));
	netlink_put_u32(n, IFLA_CARRIER_CHANGES, (uint32_t)dev->carrier_up_count.counter +
							 (uint32_t)dev->carrier_down_count.counter);
	if (qdisc) {
		guest_strncpy(text, &qdisc->ops->id[0], 16 + 1);
		netlink_put_string(n, IFLA_QDISC, text);
	}
	if (alias) {
		guest_strncpy(text, &alias->ifalias[0], sizeof(text));
		netlink_put_string(n, IFLA_IFALIAS, text);
	}
	if (dev->addr_len)
		put_hardware(n, IFLA_BROADCAST, &dev->broadcast[0], dev->addr_len);
	put_counters(n, dev);
	put_kinds(n, dev, master);
}

static void link_row(struct net_list *l, struct net_device __guest *dev)
{
	struct netlink *n = netlink_of(l);

	if (n->family == NET_AF_INET6 && !dev->ip6_ptr)
		return;
	NET_RECORD(l) {
		struct ifinfomsg head = { .type = dev->type, .index = dev->ifindex, .flags = net_dev_flags(dev),
					  .family = n->family == NET_AF_INET6 ? NET_AF_INET6 : 0 };
		bool runs = dev->state & STATE_START;
		char name[17];

		net_dev_name(dev, name);
		netlink_begin(n, RTM_NEWLINK, &head, sizeof(head));
		netlink_put_name(n, IFLA_IFNAME, name);
		netlink_put_u32(n, IFLA_MTU, dev->mtu);
		netlink_put_u8(n, IFLA_OPERSTATE, runs ? (uint8_t)dev->operstate : IF_OPER_DOWN);
		put_hardware(n, IFLA_ADDRESS, dev->dev_addr, dev->addr_len);
		if (n->family != NET_AF_INET6)
			put_details(n, dev);
		put_link(n, dev);
		netlink_end(n);
	}
}

/* The one that is asked for by number or name. */
struct wanted {
	struct netlink n; /* first: as netlink_of() has it */
	int32_t index;
	char name[17];
	bool met;
};

static void wanted_row(struct net_list *l, struct net_device __guest *dev)
{
	struct wanted *w = (struct wanted *)l;
	char name[17];

	net_dev_name(dev, name);
	if (w->met || (w->index > 0 ? dev->ifindex != w->index : !!strcmp(name, w->name)))
		return;
	w->met = true;
	link_row(l, dev);
}

static int wanted_link(const struct netlink *n)
{
	struct wanted w = { .n = *n };
	const uint8_t *name;
	size_t size = 0, mark = seq_mark(n->l.m);

	if (n->q->size < sizeof(struct ifinfomsg))
		return -EINVAL;
	memcpy(&w.index, n->q->body + 4, sizeof(w.index));
	name = netlink_asked(n, sizeof(struct ifinfomsg), IFLA_IFNAME, &size);
	if (!name)
		name = netlink_asked(n, sizeof(struct ifinfomsg), IFLA_ALT_IFNAME, &size);
	if (w.index <= 0 && (!name || !size))
		return -EINVAL;
	if (name)
		memcpy(w.name, name, size < sizeof(w.name) ? size : sizeof(w.name) - 1);
	w.n.family = 0;
	net_dev_walk(&w.n.l, wanted_row);
	if (!w.met)
		return -ENODEV;
	return seq_mark(n->l.m) > mark ? 0 : -EIO;
}

int netlink_links(struct netlink *n)
{
	if (!n->dump)
		return wanted_link(n);
	if (n->family == AF_BRIDGE)
		return -EOPNOTSUPP;
	net_dev_walk(&n->l, link_row);
	return 0;
}

/* ---- addresses ---- */

static void put_times(struct netlink *n, uint32_t preferred, uint32_t valid, uint64_t created, uint64_t updated)
{
	unsigned int hz = global_hz();
	uint64_t first = (uint32_t)(-300 * (int)hz), age = (n->l.jiffies - updated) / hz; /* INITIAL_JIFFIES */
	uint32_t times[4];

	if (preferred != (uint32_t)FOREVER) {
		preferred = preferred > age ? preferred - (uint32_t)age : 0;
		if (valid != (uint32_t)FOREVER)
			valid = valid > age ? valid - (uint32_t)age : 0;
	}
	times[0] = preferred;
	times[1] = valid;
	times[2] = (uint32_t)((created - first) * 100 / hz);
	times[3] = (uint32_t)((updated - first) * 100 / hz);
	netlink_put(n, IFA_CACHEINFO, times, sizeof(times));
}

static void put_ipv4(struct netlink *n, unsigned int type, uint32_t address)
{
	if (address)
		netlink_put_u32(n, type, address);
}

static void ipv4_row(struct netlink *n, struct net_device __guest *dev, struct in_ifaddr __guest *a)
{
	struct ifaddrmsg head = { .family = NET_AF_INET, .prefix = a->ifa_prefixlen, .scope = a->ifa_scope,
				  .index = (uint32_t)dev->ifindex };
	uint32_t flags = a->ifa_flags;
	bool lasts = flags & IFA_F_PERMANENT;
	char label[17];

	head.flags = (uint8_t)flags;
	netlink_begin(n, RTM_NEWADDR, &head, sizeof(head));
	put_ipv4(n, IFA_ADDRESS, a->ifa_address);
	put_ipv4(n, IFA_LOCAL, a->ifa_local);
	put_ipv4(n, IFA_BROADCAST, a->ifa_broadcast);
	guest_strncpy(label, &a->ifa_label[0], sizeof(label));
	if (label[0])
		netlink_put_name(n, IFA_LABEL, label);
	if (guest_has(struct in_ifaddr, ifa_proto) && a->ifa_proto)
		netlink_put_u8(n, IFA_PROTO, a->ifa_proto);
	netlink_put_u32(n, IFA_FLAGS, flags);
	if (a->ifa_rt_priority)
		netlink_put_u32(n, IFA_RT_PRIORITY, a->ifa_rt_priority);
	put_times(n, lasts ? (uint32_t)FOREVER : a->ifa_preferred_lft,
		  lasts ? (uint32_t)FOREVER : a->ifa_valid_lft, a->ifa_cstamp, a->ifa_tstamp);
	netlink_end(n);
}

static void ipv4_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(ADDRESSES_MAX);
	struct in_device __guest *in_dev = dev->ip_ptr;

	for (struct in_ifaddr __guest *a = in_dev ? in_dev->ifa_list : NULL;
	     a && !net_list_over(l) && guest_more_at(&b, a); a = a->ifa_next) {
		NET_RECORD(l)
			ipv4_row(netlink_of(l), dev, a);
	}
}

static uint8_t scope_of(unsigned int scope)
{
	if (scope & 0x10) /* IPV6_ADDR_LOOPBACK, _LINKLOCAL, _SITELOCAL */
		return RT_SCOPE_HOST;
	if (scope & 0x20)
		return RT_SCOPE_LINK;
	return scope & 0x40 ? RT_SCOPE_SITE : 0;
}

static void ipv6_row(struct netlink *n, struct net_device __guest *dev, struct inet6_ifaddr __guest *a)
{
	static const uint8_t none[16];
	struct ifaddrmsg head = { .family = NET_AF_INET6, .prefix = (uint8_t)a->prefix_len,
				  .scope = scope_of(a->scope), .index = (uint32_t)dev->ifindex };
	uint32_t flags = a->flags, preferred = a->prefered_lft;
	bool lasts = (flags & IFA_F_PERMANENT) && preferred == (uint32_t)FOREVER;
	uint8_t address[16], peer[16];

	head.flags = (uint8_t)flags;
	guest_read(address, &a->addr, sizeof(address));
	guest_read(peer, &a->peer_addr, sizeof(peer));
	netlink_begin(n, RTM_NEWADDR, &head, sizeof(head));
	if (memcmp(peer, none, sizeof(none)))
		netlink_put(n, IFA_LOCAL, address, sizeof(address));
	netlink_put(n, IFA_ADDRESS, memcmp(peer, none, sizeof(none)) ? peer : address, sizeof(address));
	if (a->rt_priority)
		netlink_put_u32(n, IFA_RT_PRIORITY, a->rt_priority);
	put_times(n, preferred, lasts ? (uint32_t)FOREVER : a->valid_lft, a->cstamp, a->tstamp);
	netlink_put_u32(n, IFA_FLAGS, flags);
	if (guest_has(struct inet6_ifaddr, ifa_proto) && a->ifa_proto)
		netlink_put_u8(n, IFA_PROTO, a->ifa_proto);
	netlink_end(n);
}

static void ipv6_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct inet6_dev __guest *idev = dev->ip6_ptr;
	struct inet6_ifaddr __guest *a;

	if (!idev)
		return;
	list_for_each_entry(a, &idev->addr_list, if_list) {
		if (net_list_over(l))
			return;
		NET_RECORD(l)
			ipv6_row(netlink_of(l), dev, a);
	}
}

int netlink_addresses(struct netlink *n)
{
	if (!n->dump)
		return -EOPNOTSUPP;
	if (n->family == 0 || n->family == NET_AF_INET)
		net_dev_walk(&n->l, ipv4_rows);
	if (n->family == 0 || n->family == NET_AF_INET6)
		net_dev_walk(&n->l, ipv6_rows);
	return 0;
}

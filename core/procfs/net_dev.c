// SPDX-License-Identifier: MIT
/*
 * /proc/net/{dev,dev_mcast,ptype,softnet_stat,wireless}: as net/core/net-procfs.c and
 * net/wireless/wext-proc.c print them. A device's counters are where its driver keeps them: which
 * driver it is, is told by the function that the device's operations point to.
 */
#include "net_common.h"

#include "klib/modsym.h"

enum {
	NETDEV_STATS_WORDS = 23, /* struct net_device_stats: the first of rtnl_link_stats64 */
	PTYPE_BUCKETS = 16,
	ETH_P_ALL = 0x0003,
	/* include/linux/netdevice.h: netdev_stat_type */
	STAT_TSTATS = 2,
	STAT_DSTATS = 3,
};

/* include/uapi/linux/if_link.h: struct rtnl_link_stats64, as far as the file shows it */
struct link_stats {
	uint64_t rx_packets, tx_packets, rx_bytes, tx_bytes;
	uint64_t rx_errors, tx_errors, rx_dropped, tx_dropped;
	uint64_t multicast, collisions;
	uint64_t rx_length_errors, rx_over_errors, rx_crc_errors, rx_frame_errors;
	uint64_t rx_fifo_errors, rx_missed_errors;
	uint64_t tx_aborted_errors, tx_carrier_errors, tx_fifo_errors, tx_heartbeat_errors;
	uint64_t tx_window_errors, rx_compressed, tx_compressed;
};
_Static_assert(sizeof(struct link_stats) == NETDEV_STATS_WORDS * sizeof(uint64_t),
	       "the counters of rtnl_link_stats64");

typedef void stats_fn(struct net_device __guest *dev, struct link_stats *s);

static void stats_of_device(struct net_device __guest *dev, struct link_stats *s)
{
	guest_read(s, &dev->stats, sizeof(*s));
}

static void lstats_sum(struct net_device __guest *dev, uint64_t *packets, uint64_t *bytes)
{
	for_each_possible_cpu(cpu) {
		struct pcpu_lstats __guest *p = guest_per_cpu_ptr(dev->lstats, cpu);

		*packets += p->packets;
		*bytes += p->bytes;
	}
}

static void stats_of_loopback(struct net_device __guest *dev, struct link_stats *s)
{
	lstats_sum(dev, &s->rx_packets, &s->rx_bytes);
	s->tx_packets = s->rx_packets;
	s->tx_bytes = s->rx_bytes;
}

static void stats_of_dummy(struct net_device __guest *dev, struct link_stats *s)
{
	lstats_sum(dev, &s->tx_packets, &s->tx_bytes);
}

static void sw_netstats_sum(struct pcpu_sw_netstats __guest *stats, struct link_stats *s)
{
	for_each_possible_cpu(cpu) {
		struct pcpu_sw_netstats __guest *p = guest_per_cpu_ptr(stats, cpu);

		s->rx_packets += p->rx_packets;
		s->rx_bytes += p->rx_bytes;
		s->tx_packets += p->tx_packets;
		s->tx_bytes += p->tx_bytes;
	}
}

static void stats_of_tstats(struct net_device __guest *dev, struct link_stats *s)
{
	stats_of_device(dev, s);
	sw_netstats_sum(dev->tstats, s);
}

static void stats_of_dstats(struct net_device __guest *dev, struct link_stats *s)
{
	stats_of_device(dev, s);
	for_each_possible_cpu(cpu) {
		struct pcpu_dstats __guest *p = guest_per_cpu_ptr(dev->dstats, cpu);

		s->rx_packets += p->rx_packets;
		s->rx_bytes += p->rx_bytes;
		s->rx_dropped += p->rx_drops;
		s->tx_packets += p->tx_packets;
		s->tx_bytes += p->tx_bytes;
		s->tx_dropped += p->tx_drops;
	}
}

/* What the driver keeps behind the device (netdev_priv). */
static uint64_t __guest *device_private(struct net_device __guest *dev)
{
	uint64_t size = guest_sizeof(struct net_device);

	if (guest_has(struct net_device, priv))
		return (uint64_t __guest *)&dev->priv[0];
	return guest_ptr(uint64_t, guest_addr(dev) + (size + 31) / 32 * 32);
}

/* Which per-CPU counters the core keeps for the driver. */
static unsigned int stat_type(struct net_device __guest *dev)
{
	return guest_has_bitfield(struct net_device, pcpu_stat_type) ? dev->pcpu_stat_type : 0;
}

static void stats_of_vlan(struct net_device __guest *dev, struct link_stats *s)
{
	struct vlan_dev_priv __guest *vlan = (struct vlan_dev_priv __guest *)device_private(dev);
	uint32_t rx_errors = 0, tx_dropped = 0;

	for_each_possible_cpu(cpu) {
		struct vlan_pcpu_stats __guest *p = guest_per_cpu_ptr(vlan->vlan_pcpu_stats, cpu);

		s->rx_packets += p->rx_packets;
		s->rx_bytes += p->rx_bytes;
		s->multicast += p->rx_multicast;
		s->tx_packets += p->tx_packets;
		s->tx_bytes += p->tx_bytes;
		rx_errors += p->rx_errors;
		tx_dropped += p->tx_dropped;
	}
	s->rx_errors = rx_errors;
	s->tx_dropped = tx_dropped;
}

/*
 * A pair of virtual Ethernet devices. Their private record is described nowhere in the kernel's own
 * types; it has begun with {peer, dropped} since 2.6.24, and that it does here is checked: each
 * device of the pair must name the other. Counters of XDP programs, in queues behind it, are left
 * out.
 */
struct net_device __guest *net_dev_peer(struct net_device __guest *dev)
{
	uint64_t __guest *priv = device_private(dev);
	struct net_device __guest *peer = guest_ptr(struct net_device, priv[0]);

	if (peer && (!guest_eq(peer->netdev_ops, dev->netdev_ops) || !guest_eq(device_private(peer)[0], dev))) {
		guest_fault(priv);
		return guest_ptr(struct net_device, 0);
	}
	return peer;
}

static void stats_of_veth(struct net_device __guest *dev, struct link_stats *s)
{
	struct net_device __guest *peer = net_dev_peer(dev);
	struct link_stats of_peer = { 0 };
	bool lstats = stat_type(dev) != STAT_TSTATS; /* up to 6.5 */

	s->tx_dropped = device_private(dev)[1];
	if (lstats)
		lstats_sum(dev, &s->tx_packets, &s->tx_bytes);
	else
		sw_netstats_sum(dev->tstats, s);
	if (!peer)
		return;
	if (lstats)
		lstats_sum(peer, &of_peer.tx_packets, &of_peer.tx_bytes);
	else
		sw_netstats_sum(peer->tstats, &of_peer);
	s->rx_packets += of_peer.tx_packets;
	s->rx_bytes += of_peer.tx_bytes;
}

/*
 * Bridges up to 5.10 keep their counters in a private record of which only one thing is sure: the
 * pointer to them is behind that to the device.
 */
static void stats_of_bridge(struct net_device __guest *dev, struct link_stats *s)
{
	uint64_t __guest *priv = device_private(dev);

	stats_of_device(dev, s);
	for (int i = 0; i < 16; i++) {
		if (guest_eq(priv[i], dev)) {
			sw_netstats_sum(guest_ptr(struct pcpu_sw_netstats, priv[i + 1]), s);
			return;
		}
	}
}

/* The drivers' functions by name; the others' counters are taken from the device. */
static const struct driver {
	const char *function;
	stats_fn *stats;
} drivers[] = {
	{ "loopback_get_stats64", stats_of_loopback },
	{ "dev_get_tstats64", stats_of_tstats },
	{ "ip_tunnel_get_stats64", stats_of_tstats },
	{ "dummy_get_stats64", stats_of_dummy },
	{ "vlan_dev_get_stats64", stats_of_vlan },
	{ "veth_get_stats64", stats_of_veth },
	{ "br_get_stats64", stats_of_bridge },
};

extern char __guest loopback_get_stats64[];
extern char __guest dev_get_tstats64[];

static stats_fn *stats_by_function(uint64_t function)
{
	char name[KSYM_SIZE];

	if (guest_eq(&loopback_get_stats64[0], function))
		return stats_of_loopback;
	if (guest_has_symbol(dev_get_tstats64) && guest_eq(&dev_get_tstats64[0], function))
		return stats_of_tstats;
	if (!modsym_name(function, name, NULL))
		return stats_of_device;
	for (size_t i = 0; i < sizeof(drivers) / sizeof(drivers[0]); i++) {
		if (!strcmp(drivers[i].function, name))
			return drivers[i].stats;
	}
	return stats_of_device;
}

static void read_stats(struct net_device __guest *dev, struct link_stats *s)
{
	struct net_device_ops __guest *ops = dev->netdev_ops;
	uint64_t function = guest_addr(ops->ndo_get_stats64);
	unsigned int kept = stat_type(dev);

	*s = (struct link_stats){ 0 };
	if (function)
		stats_by_function(function)(dev, s);
	else if (!ops->ndo_get_stats && kept == STAT_TSTATS)
		stats_of_tstats(dev, s);
	else if (!ops->ndo_get_stats && kept == STAT_DSTATS)
		stats_of_dstats(dev, s);
	else
		stats_of_device(dev, s);

	if (!guest_has(struct net_device, core_stats)) {
		s->rx_dropped += (uint64_t)dev->rx_dropped.counter;
		s->tx_dropped += (uint64_t)dev->tx_dropped.counter;
		return;
	}

	struct net_device_core_stats __guest *core = dev->core_stats;

	if (!core)
		return;
	for_each_possible_cpu(cpu) {
		s->rx_dropped += guest_per_cpu_ptr(core, cpu)->rx_dropped;
		s->tx_dropped += guest_per_cpu_ptr(core, cpu)->tx_dropped;
	}
}

static uint64_t without_handler(struct net_device __guest *dev)
{
	struct net_device_core_stats __guest *core;
	uint64_t sum = 0;

	if (!guest_has(struct net_device, core_stats))
		return (uint64_t)dev->rx_nohandler.counter;
	core = dev->core_stats;
	if (core)
		for_each_possible_cpu(cpu)
			sum += guest_per_cpu_ptr(core, cpu)->rx_nohandler;
	return sum;
}

void net_dev_counters(struct net_device __guest *dev, uint64_t ret[NET_DEV_COUNTERS])
{
	struct link_stats s;

	_Static_assert(sizeof(s) == (NET_DEV_COUNTERS - 1) * sizeof(uint64_t), "all but the last");
	read_stats(dev, &s);
	memcpy(ret, &s, sizeof(s));
	ret[NET_DEV_COUNTERS - 1] = without_handler(dev);
}

static void dev_row(struct net_list *l, struct net_device __guest *dev)
{
	NET_RECORD(l) {
		struct link_stats s;
		char name[17];

		net_dev_name(dev, name);
		read_stats(dev, &s);
		seq_printf(l->m,
			   "%6s: %7llu %7llu %4llu %4llu %4llu %5llu %10llu %9llu "
			   "%8llu %7llu %4llu %4llu %4llu %5llu %7llu %10llu\n",
			   name, (unsigned long long)s.rx_bytes, (unsigned long long)s.rx_packets,
			   (unsigned long long)s.rx_errors,
			   (unsigned long long)(s.rx_dropped + s.rx_missed_errors),
			   (unsigned long long)s.rx_fifo_errors,
			   (unsigned long long)(s.rx_length_errors + s.rx_over_errors +
						s.rx_crc_errors + s.rx_frame_errors),
			   (unsigned long long)s.rx_compressed, (unsigned long long)s.multicast,
			   (unsigned long long)s.tx_bytes, (unsigned long long)s.tx_packets,
			   (unsigned long long)s.tx_errors, (unsigned long long)s.tx_dropped,
			   (unsigned long long)s.tx_fifo_errors, (unsigned long long)s.collisions,
			   (unsigned long long)(s.tx_carrier_errors + s.tx_aborted_errors +
						s.tx_window_errors + s.tx_heartbeat_errors),
			   (unsigned long long)s.tx_compressed);
	}
}

int net_dev_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "Inter-|   Receive                                                |  Transmit\n"
		    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets "
		    "errs drop fifo colls carrier compressed\n");
	net_dev_walk(&l, dev_row);
	return 0;
}

static void dev_mcast_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct netdev_hw_addr __guest *ha;

	list_for_each_entry(ha, &dev->mc.list, list) {
		NET_RECORD(l) {
			char name[17];
			uint8_t addr[32];
			unsigned int size = dev->addr_len;

			if (size > sizeof(addr))
				size = sizeof(addr);
			net_dev_name(dev, name);
			guest_read(addr, &ha->addr[0], sizeof(addr));
			seq_printf(l->m, "%-4d %-15s %-5d %-5d ", dev->ifindex, name, ha->refcount,
				   ha->global_use);
			for (unsigned int i = 0; i < size; i++)
				seq_put_hex_ll(l->m, "", addr[i], 2);
			seq_putc(l->m, '\n');
		}
	}
}

int net_dev_mcast_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	net_dev_walk(&l, dev_mcast_rows);
	return 0;
}

extern struct list_head __guest ptype_all;
extern struct list_head __guest ptype_base[];
extern struct net_hotdata __guest net_hotdata;
extern struct softnet_data __guest softnet_data;

/* "%ps" */
static void put_symbol(const struct proc_item *it, struct seq_file *m, uint64_t at)
{
	char name[KSYM_SIZE], module[MODULE_NAME_SIZE];
	size_t size = it->fs ? procfs_symbol_name(it->fs, at, name, sizeof(name)) : 0;

	if (size) {
		seq_write(m, name, size);
	} else if (modsym_name(at, name, module)) {
		seq_printf(m, "%s [%s]", name, module);
	} else {
		seq_put_hex_ll(m, "0x", at, 0);
	}
}

static void ptype_rows(struct net_list *l, const struct proc_item *it,
		       struct list_head __guest *list, const char *dev)
{
	struct packet_type __guest *pt;

	list_for_each_entry(pt, list, list) {
		NET_RECORD(l) {
			struct net __guest *net = pt->af_packet_net;
			unsigned int type = net_ntohs(pt->type);

			if (net && !guest_eq(net, l->net))
				continue;
			if (type == ETH_P_ALL)
				seq_puts(l->m, "ALL ");
			else
				seq_put_hex_ll(l->m, "", type, 4);
			seq_printf(l->m, " %-8s ", dev);
			put_symbol(it, l->m, guest_addr(pt->func));
			seq_putc(l->m, '\n');
		}
	}
}

int net_ptype_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_device __guest *dev;
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "Type Device      Function\n");
	net_for_each_dev(dev, &l) {
		char name[17];

		net_dev_name(dev, name);
		ptype_rows(&l, it, &dev->ptype_all, name);
	}
	if (guest_has(struct net, ptype_specific)) {
		/* since 6.16 each namespace has its own */
		ptype_rows(&l, it, &l.net->ptype_all, "");
		ptype_rows(&l, it, &l.net->ptype_specific, "");
	} else if (guest_has_symbol(ptype_all)) {
		ptype_rows(&l, it, &ptype_all, "");
	} else {
		ptype_rows(&l, it, &net_hotdata.ptype_all, "");
	}
	for (unsigned int i = 0; i < PTYPE_BUCKETS; i++)
		ptype_rows(&l, it, &ptype_base[i], "");
	return 0;
}

int net_softnet_stat_show(const struct proc_item *it, struct seq_file *m)
{
	/* the lengths of the two queues are columns of their own since a little before this */
	bool queues = guest_has(struct softnet_data, dropped.counter) ||
		      guest_has(struct softnet_data, drop_counters);

	(void)it;
	for_each_online_cpu(cpu) {
		struct softnet_data __guest *sd = guest_per_cpu_ptr(&softnet_data, cpu);
		struct sd_flow_limit __guest *limit = guest_ptr(struct sd_flow_limit, 0);
		uint32_t input = sd->input_pkt_queue.qlen, process = sd->process_queue.qlen;
		uint32_t dropped;

		if (guest_has(struct softnet_data, flow_limit))
			limit = sd->flow_limit;
		if (guest_has(struct softnet_data, drop_counters))
			dropped = net_drops_sum(&sd->drop_counters);
		else
			guest_read(&dropped, &sd->dropped, sizeof(dropped));
		seq_printf(m, "%08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x %08x",
			   sd->processed, dropped, sd->time_squeeze, 0, 0, 0, 0, 0, 0,
			   sd->received_rps, limit ? limit->count : 0, input + process, cpu);
		if (queues)
			seq_printf(m, " %08x %08x", input, process);
		seq_putc(m, '\n');
	}
	return 0;
}

/* Only the heading: what a wireless device says of itself is known to its driver alone. */
int net_wireless_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	seq_puts(m, "Inter-| sta-|   Quality        |   Discarded packets               | Missed | WE\n"
		    " face | tus | link level noise |  nwid  crypt   frag  retry   misc | beacon | 22\n");
	return 0;
}

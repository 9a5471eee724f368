// SPDX-License-Identifier: MIT
/*
 * /proc/net/{snmp,snmp6,netstat,sockstat,sockstat6,protocols,psched,xfrm_stat,connector}:
 * as net/ipv4/proc.c,
 * net/ipv6/proc.c, net/mptcp/mib.c, net/core/sock.c and net/sched/sch_api.c print them. Which
 * counters there are, in what order and by what names, is read from the kernel's own tables.
 */
#include "net_common.h"

enum {
	MIB_MAX = 512, /* counters of one kind; the longest table has 130 */
	MIB_NAME_SIZE = 64,
	MSG_TYPES = 512, /* ICMPMSG_MIB_MAX: 256 types in, 256 out */
	MSG_PER_LINE = 16,
	/* include/uapi/linux/snmp.h */
	ICMP_INMSGS = 1,
	ICMP_INERRORS = 2,
	ICMP_OUTMSGS = 14,
	ICMP_OUTERRORS = 15,
	ICMP_CSUMERRORS = 27,
	ICMP_RATELIMITGLOBAL = 28,
	ICMP_RATELIMITHOST = 29,
	TCP_MAXCONN = 4,

	PROTOS_MAX = 64, /* PROTO_INUSE_NR */
	/* include/net/pkt_sched.h */
	PSCHED_TICK_NS = 64,
};

GUEST_TYPES_BEGIN
/* include/linux/module.h */
struct module {
	char name[56];
};
GUEST_TYPES_END

extern struct snmp_mib __guest snmp4_ipstats_list[];
extern struct snmp_mib __guest snmp4_ipextstats_list[];
extern struct snmp_mib __guest snmp4_tcp_list[];
extern struct snmp_mib __guest snmp4_udp_list[];
extern struct snmp_mib __guest snmp4_net_list[];
extern struct snmp_mib __guest mptcp_snmp_list[];
extern struct snmp_mib __guest xfrm_mib_list[];
extern struct snmp_mib __guest snmp6_ipstats_list[];
extern struct snmp_mib __guest snmp6_icmp6_list[];
extern struct snmp_mib __guest snmp6_udp6_list[];
extern struct snmp_mib __guest snmp6_udplite6_list[];
/* a record without a name, of the same shape */
extern struct snmp_mib __guest icmpmibmap[];
extern const char __guest *__guest icmp6type2name[];

extern struct proto __guest tcp_prot;
extern struct proto __guest udp_prot;
extern struct proto __guest udplite_prot;
extern struct proto __guest raw_prot;
extern struct proto __guest tcpv6_prot;
extern struct proto __guest udpv6_prot;
extern struct proto __guest udplitev6_prot;
extern struct proto __guest rawv6_prot;
extern struct list_head __guest proto_list;
extern unsigned int __guest tcp_orphan_count;
extern char __guest tcp_orphan_count_sum[];
extern unsigned int __guest hrtimer_resolution;
extern struct cn_dev __guest cdev;

/* ---- counters by name ---- */

/* The rows of a table of names: how many, and which counter each shows. */
struct mib {
	struct snmp_mib __guest *table;
	unsigned int count;
	bool ended; /* by a row of zeros */
	uint16_t entry[MIB_MAX];
	uint64_t value[MIB_MAX];
};

/*
 * Tables ended with a row of zeros until kernels counted their rows at compile time (6.17: IPv6, 7.x:
 * all). Then one ends where the next begins, or where no name is.
 */
static bool is_other_table(struct snmp_mib __guest *row)
{
#define IS(table) (guest_has_symbol(table) && guest_eq(row, table))
	return IS(snmp4_ipstats_list) || IS(snmp4_ipextstats_list) || IS(snmp4_tcp_list) ||
	       IS(snmp4_udp_list) || IS(snmp4_net_list) || IS(mptcp_snmp_list) ||
	       IS(xfrm_mib_list) || IS(snmp6_ipstats_list) || IS(snmp6_icmp6_list) ||
	       IS(snmp6_udp6_list) || IS(snmp6_udplite6_list) || IS(icmpmibmap);
#undef IS
}

static bool is_name(const char __guest *at)
{
	struct guest_record r = guest_record_begin();
	char name[MIB_NAME_SIZE];
	size_t size = guest_strncpy(name, at, sizeof(name));
	bool good = size > 1 && name[0] >= 'A' && name[0] <= 'Z';

	for (size_t i = 1; i < size && good; i++)
		good = (name[i] >= 'A' && name[i] <= 'Z') || (name[i] >= 'a' && name[i] <= 'z') ||
		       (name[i] >= '0' && name[i] <= '9') || name[i] == '_';
	return guest_record_end(&r) && good;
}

static void mib_open(struct mib *mib, struct snmp_mib __guest *table)
{
	mib->table = table;
	mib->count = 0;
	mib->ended = false;
	for (struct snmp_mib __guest *row = table; mib->count < MIB_MAX; row++) {
		const char __guest *name = row->name;
		int entry = row->entry;

		mib->ended = !name;
		if (!name || (mib->count && is_other_table(row)) || !is_name(name))
			break;
		if (entry < 0 || entry >= MIB_MAX) {
			guest_fault(row);
			break;
		}
		mib->entry[mib->count++] = (uint16_t)entry;
	}
}

/* Sum up the counters, each CPU's part of which begins at the per-CPU `part`. NULL: all are 0. */
static void mib_sum(struct mib *mib, const void __guest *part)
{
	memset(mib->value, 0, mib->count * sizeof(mib->value[0]));
	if (!part)
		return;
	for_each_possible_cpu(cpu) {
		const uint64_t __guest *v =
			(const uint64_t __guest *)guest_per_cpu_ptr(part, cpu);

		for (unsigned int i = 0; i < mib->count; i++)
			mib->value[i] += v[mib->entry[i]];
	}
}

static uint64_t counter_sum(const void __guest *part, unsigned int entry)
{
	uint64_t sum = 0;

	for_each_possible_cpu(cpu)
		sum += ((const uint64_t __guest *)guest_per_cpu_ptr(part, cpu))[entry];
	return sum;
}

static void put_name(struct seq_file *m, const char __guest *name)
{
	char text[MIB_NAME_SIZE];

	seq_write(m, text, guest_strncpy(text, name, sizeof(text)));
}

static void put_names(struct seq_file *m, const struct mib *mib)
{
	for (unsigned int i = 0; i < mib->count; i++) {
		seq_putc(m, ' ');
		put_name(m, mib->table[i].name);
	}
}

static void put_values(struct seq_file *m, const struct mib *mib)
{
	for (unsigned int i = 0; i < mib->count; i++)
		seq_put_decimal_ull(m, " ", mib->value[i]);
}

/* "\nKIND: names\nKIND: values" */
static void put_kind(struct seq_file *m, const struct mib *mib, const char *kind)
{
	seq_puts(m, kind);
	put_names(m, mib);
	seq_puts(m, kind[0] == '\n' ? "" : "\n");
	seq_puts(m, kind);
	put_values(m, mib);
}

/* ---- snmp ---- */

static void icmp_put_names(struct seq_file *m, const struct mib *map, const char *prefix)
{
	for (unsigned int i = 0; i < map->count; i++) {
		seq_puts(m, prefix);
		put_name(m, map->table[i].name);
	}
}

static void icmp_put(struct seq_file *m, struct net __guest *net, struct mib *map)
{
	struct icmpmsg_mib __guest *msg = net->mib.icmpmsg_statistics;
	const void __guest *icmp = net->mib.icmp_statistics;
	/* since 6.1 */
	bool limits = guest_has_enum_any(ICMP_MIB_RATELIMITHOST);

	mib_open(map, icmpmibmap);
	seq_puts(m, "\nIcmp: InMsgs InErrors InCsumErrors");
	icmp_put_names(m, map, " In");
	seq_puts(m, " OutMsgs OutErrors");
	if (limits)
		seq_puts(m, " OutRateLimitGlobal OutRateLimitHost");
	icmp_put_names(m, map, " Out");

	seq_put_decimal_ull(m, "\nIcmp: ", counter_sum(icmp, ICMP_INMSGS));
	seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_INERRORS));
	seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_CSUMERRORS));
	for (unsigned int i = 0; i < map->count; i++)
		seq_put_decimal_ull(m, " ", (uint64_t)msg->mibs[map->entry[i] & 0xff].counter);
	seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_OUTMSGS));
	seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_OUTERRORS));
	if (limits) {
		seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_RATELIMITGLOBAL));
		seq_put_decimal_ull(m, " ", counter_sum(icmp, ICMP_RATELIMITHOST));
	}
	for (unsigned int i = 0; i < map->count; i++)
		seq_put_decimal_ull(m, " ",
				    (uint64_t)msg->mibs[(map->entry[i] & 0xff) | 0x100].counter);
}

static void icmpmsg_put(struct seq_file *m, struct net __guest *net)
{
	struct icmpmsg_mib __guest *msg = net->mib.icmpmsg_statistics;

	for (unsigned int i = 0; i < MSG_TYPES;) {
		uint16_t type[MSG_PER_LINE];
		uint64_t value[MSG_PER_LINE];
		unsigned int count = 0;

		for (; i < MSG_TYPES && count < MSG_PER_LINE; i++) {
			value[count] = (uint64_t)msg->mibs[i].counter;
			type[count] = (uint16_t)i;
			count += value[count] != 0;
		}
		if (!count)
			break;
		seq_puts(m, "\nIcmpMsg:");
		for (unsigned int j = 0; j < count; j++)
			seq_put_decimal_ull(m, type[j] & 0x100 ? " OutType" : " InType",
					    type[j] & 0xff);
		seq_puts(m, "\nIcmpMsg:");
		for (unsigned int j = 0; j < count; j++)
			seq_put_decimal_ull(m, " ", value[j]);
	}
}

static void tcp_put(struct seq_file *m, const struct mib *mib)
{
	seq_puts(m, "\nTcp:");
	put_names(m, mib);
	seq_puts(m, "\nTcp:");
	for (unsigned int i = 0; i < mib->count; i++) {
		if (mib->entry[i] == TCP_MAXCONN)
			seq_put_decimal_ll(m, " ", (int64_t)mib->value[i]);
		else
			seq_put_decimal_ull(m, " ", mib->value[i]);
	}
}

int net_snmp_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct mib mib;

	mib_open(&mib, snmp4_ipstats_list);
	mib_sum(&mib, net->mib.ip_statistics);
	seq_puts(m, "Ip: Forwarding DefaultTTL");
	put_names(m, &mib);
	seq_put_decimal_ull(m, "\nIp: ", net->ipv4.devconf_all->data[0] ? 1 : 2);
	seq_put_decimal_ull(m, " ", net->ipv4.sysctl_ip_default_ttl);
	put_values(m, &mib);

	icmp_put(m, net, &mib);
	icmpmsg_put(m, net);

	mib_open(&mib, snmp4_tcp_list);
	mib_sum(&mib, net->mib.tcp_statistics);
	tcp_put(m, &mib);

	mib_open(&mib, snmp4_udp_list);
	mib_sum(&mib, net->mib.udp_statistics);
	put_kind(m, &mib, "\nUdp:");
	if (guest_has(struct netns_mib, udplite_statistics)) {
		mib_sum(&mib, net->mib.udplite_statistics);
		put_kind(m, &mib, "\nUdpLite:");
	}
	seq_putc(m, '\n');
	return 0;
}

int net_netstat_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct mib mib;

	mib_open(&mib, snmp4_net_list);
	mib_sum(&mib, net->mib.net_statistics);
	put_kind(m, &mib, "TcpExt:");
	mib_open(&mib, snmp4_ipextstats_list);
	mib_sum(&mib, net->mib.ip_statistics);
	put_kind(m, &mib, "\nIpExt:");
	seq_putc(m, '\n');
	if (guest_has_symbol(mptcp_snmp_list)) {
		mib_open(&mib, mptcp_snmp_list);
		mib_sum(&mib, net->mib.mptcp_statistics);
		put_kind(m, &mib, "MPTcpExt:");
		seq_putc(m, '\n');
	}
	return 0;
}

/* ---- snmp6 ---- */

static void snmp6_put(struct seq_file *m, struct mib *mib, struct snmp_mib __guest *table,
		      const void __guest *part)
{
	mib_open(mib, table);
	mib_sum(mib, part);
	for (unsigned int i = 0; i < mib->count; i++) {
		char name[MIB_NAME_SIZE];

		guest_strncpy(name, mib->table[i].name, sizeof(name));
		seq_printf(m, "%-32s\t%lu\n", name, (unsigned long)mib->value[i]);
	}
}

/* include/uapi/linux/icmpv6.h; newer kernels have the table within a function. */
static const char __guest *icmp6_name(unsigned int type)
{
	return guest_has_symbol(icmp6type2name) ? icmp6type2name[type] : NULL;
}

static const char *icmp6_known_name(unsigned int type)
{
	switch (type) {
	case 1: return "DestUnreachs";
	case 2: return "PktTooBigs";
	case 3: return "TimeExcds";
	case 4: return "ParmProblems";
	case 128: return "Echos";
	case 129: return "EchoReplies";
	case 130: return "GroupMembQueries";
	case 131: return "GroupMembResponses";
	case 132: return "GroupMembReductions";
	case 133: return "RouterSolicits";
	case 134: return "RouterAdvertisements";
	case 135: return "NeighborSolicits";
	case 136: return "NeighborAdvertisements";
	case 137: return "Redirects";
	case 143: return "MLDv2Reports";
	default: return NULL;
	}
}

static void snmp6_put_messages(struct seq_file *m, struct icmpv6msg_mib __guest *msg)
{
	char name[32 + MIB_NAME_SIZE];

	/* types that have a name, zero or not; then by number all that aren't zero */
	for (unsigned int i = 0; i < MSG_TYPES; i++) {
		const char __guest *type = icmp6_name(i & 0xff);
		const char *known = guest_has_symbol(icmp6type2name) ? NULL :
				    icmp6_known_name(i & 0xff);
		char *p;

		if (!type && !known)
			continue;
		p = i & 0x100 ? NET_PUT_LIT(name, "Icmp6Out") : NET_PUT_LIT(name, "Icmp6In");
		/* the kernel's buffer has 32 bytes */
		if (type)
			guest_strncpy(p, type, 32 - (size_t)(p - name));
		else
			memcpy(p, known, strlen(known) + 1);
		seq_printf(m, "%-32s\t%lu\n", name, (unsigned long)msg->mibs[i].counter);
	}
	for (unsigned int i = 0; i < MSG_TYPES; i++) {
		unsigned long value = (unsigned long)msg->mibs[i].counter;
		char *p;

		if (!value)
			continue;
		p = i & 0x100 ? NET_PUT_LIT(name, "Icmp6OutType") : NET_PUT_LIT(name, "Icmp6InType");
		*net_put_u(p, i & 0xff, 0) = '\0';
		seq_printf(m, "%-32s\t%lu\n", name, value);
	}
}

/* Of a device there is one set of ICMP counters, not one for each CPU. */
static void snmp6_put_shared(struct seq_file *m, struct mib *mib, struct snmp_mib __guest *table,
			     const atomic_long_t __guest *counts)
{
	mib_open(mib, table);
	/* what is no device's, the last row's limit of answers, isn't shown since rows are counted */
	if (mib->count && !mib->ended)
		mib->count--;
	for (unsigned int i = 0; i < mib->count; i++) {
		char name[MIB_NAME_SIZE];

		guest_strncpy(name, mib->table[i].name, sizeof(name));
		seq_printf(m, "%-32s\t%lu\n", name, (unsigned long)counts[mib->entry[i]].counter);
	}
}

void net_snmp6_device(struct seq_file *m, struct net_device __guest *dev)
{
	struct inet6_dev __guest *idev = dev->ip6_ptr;
	struct mib mib;

	seq_printf(m, "%-32s\t%u\n", "ifIndex", (unsigned int)dev->ifindex);
	snmp6_put(m, &mib, snmp6_ipstats_list, idev->stats.ipv6);
	snmp6_put_shared(m, &mib, snmp6_icmp6_list, idev->stats.icmpv6dev->mibs);
	snmp6_put_messages(m, guest_ptr(struct icmpv6msg_mib, guest_addr(idev->stats.icmpv6msgdev)));
}

int net_snmp6_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct mib mib;

	snmp6_put(m, &mib, snmp6_ipstats_list, net->mib.ipv6_statistics);
	snmp6_put(m, &mib, snmp6_icmp6_list, net->mib.icmpv6_statistics);
	snmp6_put_messages(m, net->mib.icmpv6msg_statistics);
	snmp6_put(m, &mib, snmp6_udp6_list, net->mib.udp_stats_in6);
	if (guest_has(struct netns_mib, udplite_stats_in6))
		snmp6_put(m, &mib, snmp6_udplite6_list, net->mib.udplite_stats_in6);
	return 0;
}

/* ---- sockstat, sockstat6, protocols ---- */

static int inuse(struct net __guest *net, struct proto __guest *prot)
{
	unsigned int index = prot->inuse_idx;
	unsigned int sum = 0;

	if (index >= PROTOS_MAX) {
		guest_fault(prot);
		return 0;
	}
	for_each_possible_cpu(cpu)
		sum += (unsigned int)guest_per_cpu_ptr(net->core.prot_inuse, cpu)->val[index];
	return (int)sum < 0 ? 0 : (int)sum;
}

static int sockets_used(struct net __guest *net)
{
	unsigned int sum = 0;

	for_each_possible_cpu(cpu)
		sum += guest_has(struct prot_inuse, all) ?
			       (unsigned int)guest_per_cpu_ptr(net->core.prot_inuse, cpu)->all :
			       (unsigned int)*guest_per_cpu_ptr(net->core.sock_inuse, cpu);
	return (int)sum;
}

static long memory_allocated(struct proto __guest *prot)
{
	long pages = (long)prot->memory_allocated->counter;

	/* each CPU holds back a part since 6.0, so that the sum can be negative */
	return guest_has(struct proto, per_cpu_fw_alloc) && pages < 0 ? 0 : pages;
}

static int tcp_orphans(void)
{
	uint64_t at = guest_addr(&tcp_orphan_count);
	int sum;

	/* a percpu_counter until it became a per-CPU integer, summed by a function of its own */
	if (!guest_has_symbol(tcp_orphan_count_sum))
		return (int)percpu_counter_sum_positive(guest_ptr(struct percpu_counter, at));
	sum = (int)per_cpu_sum(&tcp_orphan_count);
	return sum < 0 ? 0 : sum;
}

static int timewaits(struct net __guest *net)
{
	if (guest_has(struct inet_timewait_death_row, tw_refcount))
		return net->ipv4.tcp_death_row.tw_refcount.refs.counter - 1;
	return net->ipv4.tcp_death_row.tw_count.counter;
}

int net_sockstat_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct fqdir __guest *frags = net->ipv4.fqdir;

	seq_printf(m, "sockets: used %d\n", sockets_used(net));
	seq_printf(m, "TCP: inuse %d orphan %d tw %d alloc %d mem %ld\n", inuse(net, &tcp_prot),
		   tcp_orphans(), timewaits(net),
		   (int)percpu_counter_sum_positive(tcp_prot.sockets_allocated),
		   memory_allocated(&tcp_prot));
	seq_printf(m, "UDP: inuse %d mem %ld\n", inuse(net, &udp_prot), memory_allocated(&udp_prot));
	if (guest_has_symbol(udplite_prot))
		seq_printf(m, "UDPLITE: inuse %d\n", inuse(net, &udplite_prot));
	seq_printf(m, "RAW: inuse %d\n", inuse(net, &raw_prot));
	seq_printf(m, "FRAG: inuse %u memory %lu\n",
		   (unsigned int)frags->rhashtable.nelems.counter,
		   (unsigned long)frags->mem.counter);
	return 0;
}

int net_sockstat6_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct fqdir __guest *frags = net->ipv6.fqdir;

	seq_printf(m, "TCP6: inuse %d\n", inuse(net, &tcpv6_prot));
	seq_printf(m, "UDP6: inuse %d\n", inuse(net, &udpv6_prot));
	if (guest_has_symbol(udplitev6_prot))
		seq_printf(m, "UDPLITE6: inuse %d\n", inuse(net, &udplitev6_prot));
	seq_printf(m, "RAW6: inuse %d\n", inuse(net, &rawv6_prot));
	seq_printf(m, "FRAG6: inuse %u memory %lu\n",
		   (unsigned int)frags->rhashtable.nelems.counter,
		   (unsigned long)frags->mem.counter);
	return 0;
}

static void protocol_row(struct net_list *l, struct proto __guest *p)
{
	const bool sendpage = guest_has(struct proto, sendpage);
	struct module __guest *owner = p->owner;
	unsigned long __guest *pressure = p->memory_pressure;
	char name[33], module[57] = "kernel";
	const void __guest *methods[] = {
		p->close, p->connect, p->disconnect, p->accept, p->ioctl, p->init, p->destroy,
		p->shutdown, p->setsockopt, p->getsockopt, p->sendmsg, p->recvmsg,
		sendpage ? p->sendpage : NULL, p->bind, p->backlog_rcv, p->hash, p->unhash,
		p->get_port, p->enter_memory_pressure,
	};

	guest_strncpy(name, &p->name[0], sizeof(name));
	if (owner)
		guest_strncpy(module, &owner->name[0], sizeof(module));
	seq_printf(l->m, "%-9s %4u %6d  %6ld   %-3s %6u   %-3s  %-10s ", name, p->obj_size,
		   inuse(l->net, p), p->memory_allocated ? memory_allocated(p) : -1L,
		   pressure ? *pressure ? "yes" : "no" : "NI", p->max_header,
		   p->slab ? "yes" : "no", module);
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		if (i == 12 && !sendpage)
			continue;
		seq_puts(l->m, methods[i] ? " y" : " n");
		seq_putc(l->m, i + 1 == sizeof(methods) / sizeof(methods[0]) ? '\n' : ' ');
	}
}

int net_protocols_show(const struct proc_item *it, struct seq_file *m)
{
	struct proto __guest *p;
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "protocol  size sockets  memory press maxhdr  slab module     "
		    "cl co di ac io in de sh ss gs se re ");
	seq_puts(m, guest_has(struct proto, sendpage) ? "sp bi br ha uh gp em\n" :
							"bi br ha uh gp em\n");
	list_for_each_entry(p, &proto_list, node) {
		NET_RECORD(&l)
			protocol_row(&l, p);
	}
	return 0;
}

int net_psched_show(const struct proc_item *it, struct seq_file *m)
{
	unsigned int resolution = hrtimer_resolution;

	(void)it;
	if (!resolution)
		return 0;
	seq_printf(m, "%08x %08x %08x %08x\n", 1000, PSCHED_TICK_NS, 1000000,
		   1000000000u / resolution);
	return 0;
}

int net_xfrm_stat_show(const struct proc_item *it, struct seq_file *m)
{
	struct net __guest *net = guest_ptr(struct net, it->net);
	struct mib mib;

	mib_open(&mib, xfrm_mib_list);
	mib_sum(&mib, net->mib.xfrm_statistics);
	for (unsigned int i = 0; i < mib.count; i++) {
		char name[MIB_NAME_SIZE];

		guest_strncpy(name, mib.table[i].name, sizeof(name));
		seq_printf(m, "%-24s\t%lu\n", name, (unsigned long)mib.value[i]);
	}
	return 0;
}

/* Of the initial namespace alone (drivers/connector/connector.c). */
int net_connector_show(const struct proc_item *it, struct seq_file *m)
{
	struct cn_callback_entry __guest *e;
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "Name            ID\n");
	list_for_each_entry(e, &cdev.cbdev->queue_list, callback_entry) {
		NET_RECORD(&l) {
			char name[33];

			guest_strncpy(name, &e->id.name[0], sizeof(name));
			seq_printf(m, "%-15s %u:%u\n", name, e->id.id.idx, e->id.id.val);
		}
	}
	return 0;
}

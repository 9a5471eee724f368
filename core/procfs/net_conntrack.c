// SPDX-License-Identifier: MIT
/*
 * /proc/net/nf_conntrack: the connections that netfilter tracks, as net/netfilter/nf_conntrack_standalone.c prints
 * them. What does so is a module nearly everywhere; its types are the kernel's own all the same.
 */
#include <errno.h>

#include "klib/modsym.h"
#include "net_common.h"

enum {
	TCP = 6,
	/* enum ip_conntrack_dir, and the same as bits of a zone */
	ORIGINAL = 0,
	REPLY = 1,
	ZONE_ORIGINAL = 1,
	ZONE_REPLY = 2,
	ZONE_BOTH = 3,
	/* include/uapi/linux/netfilter/nf_conntrack_common.h: enum ip_conntrack_status */
	SEEN_REPLY = 1 << 1,
	ASSURED = 1 << 2,
	CONFIRMED = 1 << 3,
	DYING = 1 << 9,
	OFFLOAD = 1 << 14,
	HW_OFFLOAD = 1 << 15,
	NSEC_PER_SEC = 1000000000,
};

extern struct hlist_nulls_head __guest *__guest nf_conntrack_hash;
extern unsigned int __guest nf_conntrack_htable_size;

struct tracked {
	struct net_list l;
	struct seq_file *m;
	long hz;
};

struct counters {
	uint64_t packets, bytes;
};

bool net_conntrack_present(const struct proc_item *it)
{
	(void)it;
	return guest_has(struct nf_conn, tuplehash) &&
	       (guest_has_symbol(nf_conntrack_hash) || modsym_loaded("nf_conntrack"));
}

static const char *name_of(unsigned int protocol)
{
	static const struct {
		unsigned char number;
		const char *name;
	} names[] = {
		{ 1, "icmp" }, { TCP, "tcp" }, { 17, "udp" }, { 33, "dccp" }, { 47, "gre" },
		{ 58, "icmpv6" }, { 132, "sctp" }, { 136, "udplite" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].number == protocol)
			return names[i].name;
	}
	return "unknown";
}

/* Names of states: tcp_conntrack_names[] and so on */
static const char *const tcp_states[] = {
	"NONE", "SYN_SENT", "SYN_RECV", "ESTABLISHED", "FIN_WAIT", "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT",
	"CLOSE", "SYN_SENT2",
};
static const char *const sctp_states[] = {
	"NONE", "CLOSED", "COOKIE_WAIT", "COOKIE_ECHOED", "ESTABLISHED", "SHUTDOWN_SENT", "SHUTDOWN_RECD",
	"SHUTDOWN_ACK_SENT", "HEARTBEAT_SENT",
};
static const char *const dccp_states[] = {
	"NONE", "REQUEST", "RESPOND", "PARTOPEN", "OPEN", "CLOSEREQ", "CLOSING", "TIMEWAIT", "IGNORE", "INVALID",
};

#define STATE(names, n) put_state(m, names, sizeof(names) / sizeof(names[0]), n)

static void put_state(struct seq_file *m, const char *const *names, size_t count, size_t state)
{
	seq_printf(m, "%s ", state < count ? names[state] : "?");
}

static void put_protocol(const struct tracked *t, struct nf_conn __guest *ct, unsigned int protocol)
{
	const char *name = name_of(protocol);
	struct seq_file *m = t->m;

	if (protocol == TCP && !(ct->status & OFFLOAD))
		STATE(tcp_states, ct->proto.tcp.state);
	else if (!strcmp(name, "sctp"))
		STATE(sctp_states, ct->proto.sctp.state);
	else if (!strcmp(name, "dccp"))
		STATE(dccp_states, ct->proto.dccp.state);
	else if (!strcmp(name, "gre"))
		seq_printf(m, "timeout=%u, stream_timeout=%u ", ct->proto.gre.timeout / (unsigned int)t->hz,
			   ct->proto.gre.stream_timeout / (unsigned int)t->hz);
}

static void put_address(struct seq_file *m, const char *what, union nf_inet_addr __guest *addr, unsigned int family)
{
	uint8_t b[16];

	if (!guest_read(b, addr, sizeof(b)))
		return;
	seq_puts(m, what);
	if (family == NET_AF_INET) {
		seq_printf(m, "%u.%u.%u.%u ", b[0], b[1], b[2], b[3]);
		return;
	}
	for (int i = 0; i < 16; i += 2)
		seq_printf(m, "%02x%02x%c", b[i], b[i + 1], i == 14 ? ' ' : ':');
}

static void put_tuple(struct seq_file *m, struct nf_conntrack_tuple __guest *t, unsigned int protocol)
{
	unsigned int family = t->src.l3num;
	unsigned int from = __builtin_bswap16(t->src.u.all), to = __builtin_bswap16(t->dst.u.all);
	const char *name = name_of(protocol);

	if (family == NET_AF_INET || family == NET_AF_INET6) {
		put_address(m, "src=", &t->src.u3, family);
		put_address(m, "dst=", &t->dst.u3, family);
	}
	if (!strncmp(name, "icmp", 4))
		seq_printf(m, "type=%u code=%u id=%u ", to >> 8, to & 0xff, from);
	else if (!strcmp(name, "gre"))
		seq_printf(m, "srckey=0x%x dstkey=0x%x ", from, to);
	else if (strcmp(name, "unknown"))
		seq_printf(m, "sport=%u dport=%u ", from, to);
}

static void put_zone(struct seq_file *m, struct nf_conn __guest *ct, unsigned int dir, const char *name)
{
	if (guest_has(struct nf_conn, zone) && ct->zone.dir == dir)
		seq_printf(m, "%s=%u ", name, ct->zone.id);
}

/* What is added to the record at the place that its number `id` has; 0 if it isn't. */
static uint64_t extension(struct nf_conn __guest *ct, int64_t id)
{
	struct nf_ct_ext __guest *ext = ct->ext;
	uint8_t __guest *offsets = ext ? ext->offset : NULL;
	uint8_t offset = offsets && id >= 0 ? offsets[id] : 0;

	return offset ? guest_addr(ext) + offset : 0;
}

/* Counted only since the guest was told to: struct nf_conn_acct is no more than two of these. */
static void put_counters(struct seq_file *m, struct nf_conn __guest *ct, unsigned int dir)
{
	uint64_t at = extension(ct, guest_enum_or(enum nf_ct_ext_id, NF_CT_EXT_ACCT, -1));
	struct counters c;

	if (at && guest_read(&c, guest_ptr(char, at + dir * sizeof(c)), sizeof(c)))
		seq_printf(m, "packets=%llu bytes=%llu ", (unsigned long long)c.packets,
			   (unsigned long long)c.bytes);
}

static void put_age(struct seq_file *m, struct nf_conn __guest *ct)
{
	uint64_t at = extension(ct, guest_enum_or(enum nf_ct_ext_id, NF_CT_EXT_TSTAMP, -1));
	struct proc_clocks now;
	int64_t age;

	if (!at)
		return;
	proc_clocks_now(&now);
	age = now.mono + now.real_ahead - *guest_ptr(int64_t, at);
	seq_printf(m, "delta-time=%lld ", (long long)(age > 0 ? age / NSEC_PER_SEC : 0));
}

static void put_connection(const struct tracked *t, struct nf_conn __guest *ct)
{
	struct nf_conntrack_tuple __guest *there = &ct->tuplehash[ORIGINAL].tuple;
	struct nf_conntrack_tuple __guest *back = &ct->tuplehash[REPLY].tuple;
	int32_t left = (int32_t)(ct->timeout - (uint32_t)t->l.jiffies);
	unsigned int family = there->src.l3num, protocol = there->dst.protonum;
	uint32_t users = *guest_ptr(uint32_t, guest_addr(ct->ct_general.use));
	uint64_t status = ct->status;
	struct seq_file *m = t->m;

	/* whom nobody holds is about to go; the kernel removes what is over instead of showing it */
	if (!users || (left <= 0 && status & CONFIRMED && !(status & DYING)))
		return;
	seq_printf(m, "%-8s %u %-8s %u ",
		   family == NET_AF_INET ? "ipv4" : family == NET_AF_INET6 ? "ipv6" : "unknown", family,
		   name_of(protocol), protocol);
	if (!(status & OFFLOAD))
		seq_printf(m, "%ld ", left > 0 ? left / t->hz : 0);
	put_protocol(t, ct, protocol);
	put_tuple(m, there, protocol);
	put_zone(m, ct, ZONE_ORIGINAL, "zone-orig");
	put_counters(m, ct, ORIGINAL);
	if (!(status & SEEN_REPLY))
		seq_puts(m, "[UNREPLIED] ");
	put_tuple(m, back, protocol);
	put_zone(m, ct, ZONE_REPLY, "zone-reply");
	put_counters(m, ct, REPLY);
	seq_puts(m, status & HW_OFFLOAD ? "[HW_OFFLOAD] " : status & OFFLOAD ? "[OFFLOAD] " :
		    status & ASSURED ? "[ASSURED] " : "");
	if (guest_has(struct nf_conn, mark))
		seq_printf(m, "mark=%u ", ct->mark);
	put_zone(m, ct, ZONE_BOTH, "zone");
	put_age(m, ct);
	/* the kernel holds it while it prints */
	seq_printf(m, "use=%u\n", users + 1);
}

/* Both ways of a connection are in the table; the first is shown. */
static bool put_node(struct net_list *l, uint64_t node)
{
	struct tracked *t = (struct tracked *)l;
	struct nf_conntrack_tuple_hash __guest *h = guest_ptr(struct nf_conntrack_tuple_hash, node);
	struct nf_conn __guest *ct = guest_ptr(struct nf_conn, node - guest_offsetof(struct nf_conn, tuplehash));

	if (h->tuple.dst.dir != ORIGINAL || !guest_eq(ct->ct_net.net, l->net))
		return false;
	put_connection(t, ct);
	return true;
}

static void put_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, put_node, NULL);
}

int net_conntrack_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_table table = { .stride = (uint32_t)guest_sizeof(struct hlist_nulls_head) };
	struct tracked t = { .m = m, .hz = (long)global_hz() };

	net_list_init(&t.l, it, m);
	if (guest_has_symbol(nf_conntrack_hash)) {
		table.base = guest_addr(nf_conntrack_hash);
		table.count = nf_conntrack_htable_size;
	} else {
		uint64_t base = modsym_address("nf_conntrack", "nf_conntrack_hash");
		uint64_t size = modsym_address("nf_conntrack", "nf_conntrack_htable_size");

		if (!base || !size)
			return -EIO;
		table.base = *guest_ptr(uint64_t, base);
		table.count = *guest_ptr(unsigned int, size);
	}
	net_table_walk(&t.l, &table, put_bucket, NULL);
	return guest_faulted() ? -EIO : 0;
}

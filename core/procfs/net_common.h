/* SPDX-License-Identifier: MIT */
/*
 * What the files of /proc/net share: the state of one listing, walks of hash tables by pages of
 * buckets, how a pointer is printed, and a row of text that is built by hand, as a listing of
 * 100,000 sockets is ordinary.
 */
#ifndef SCW_PROCFS_NET_COMMON_H
#define SCW_PROCFS_NET_COMMON_H

#include <string.h>

#include "internal.h"
#include "klib/ahead.h"
#include "klib/cpumask.h"
#include "klib/list.h"
#include "klib/types_net.h"
#include "others.h"

enum {
	NET_AF_INET = 2,
	NET_AF_INET6 = 10,
	NET_FAILED_MAX = 512, /* rows of a listing that can't be read, until it is given up */
};

/* How "%pK" prints a pointer for root (lib/vsprintf.c: restricted_pointer, ptr_to_id). */
enum net_pointers {
	NET_POINTERS_HASHED,
	NET_POINTERS_RAW,
	NET_POINTERS_HIDDEN, /* kptr_restrict 2 */
	NET_POINTERS_NOT_READY, /* the guest's key isn't drawn yet */
};

/* One listing: what is asked, and what of the guest holds for all rows. */
struct net_list {
	struct seq_file *m;
	struct net __guest *net;
	uint64_t jiffies;
	uint64_t tick_nsec; /* nanoseconds a jiffy */
	enum net_pointers pointers;
	uint64_t key[2];
	uint64_t socket_inode; /* from a struct socket to its struct inode */
	uint32_t overflow_uid;
	bool own_ino;	/* struct sock has inode number and user itself */
	unsigned short family;
	uint64_t num;	/* rows so far, where the file counts them */
	uint32_t bucket; /* where the walk is */
	uint32_t mask;	 /* of the buckets, where rows are checked against it */
	uint64_t head;	 /* address of that bucket's pointer to its first node */
	struct others *others; /* where to note what isn't of this listing; NULL: not wanted */
	unsigned int failed; /* rows that couldn't be read */
	bool in_step;	/* the file's own: a state between rows of one bucket */
	bool stranger;	/* the file's own: a node of this bucket gave no row */
};

/* Is there no use in going on? The output is full, or what is read is no table of rows. */
static inline bool net_list_over(const struct net_list *l)
{
	return l->m->error || l->failed > NET_FAILED_MAX;
}

void net_list_init(struct net_list *l, const struct proc_item *it, struct seq_file *m);

/* SipHash-2-4 of eight bytes (Aumasson and Bernstein, 2012). */
uint64_t net_siphash(const uint64_t key[2], uint64_t data);

/* ---- hash tables ---- */

/* `count` buckets from `base`, each of `stride` bytes, with the pointer to the first node at `head`. */
struct net_table {
	uint64_t base;
	uint64_t count;
	uint32_t stride;
	uint32_t head;
	bool locked; /* the lowest bit of a head is a lock, no sign of its end */
	/* What rows read of each node, from net_reads_...(); NULL: only the links are said beforehand. */
	const struct ahead *reads;
};

enum {
	NET_TABLE_MAX = 1 << 24, /* buckets; the kernel's largest by itself has 2^19 */
	NET_CHAIN_MAX = 1 << 22, /* nodes of one bucket */
	NET_ANY_END = -1,
};

/*
 * A row: print what hangs at `node` and return true, or false when it isn't of this listing. Reads
 * that fail take the row back.
 */
typedef bool net_row_fn(struct net_list *l, uint64_t node);

/* Is a node that was met in this listing's bucket really of it? Asked once a chain led astray. */
typedef bool net_home_fn(struct net_list *l, uint64_t node);

/*
 * Rows of a chain of nodes that begin with their pointer to the next. It ends at NULL or at an odd
 * value; when `end` isn't NET_ANY_END it has to end at the odd value of that number, else a node
 * moved to another chain under our feet: the chain is walked anew, as the kernel's readers do, and
 * at the last try only nodes that are at `home` count. A cycle's nodes are printed once.
 */
void net_chain(struct net_list *l, uint64_t first, int64_t end, net_row_fn *row, net_home_fn *home);

/*
 * Buckets of `t` that hold something, in order. Sockets of a large table lie all over the memory,
 * so the walk asks for those of buckets to come a while before: `ahead` (NULL: none) brings what a
 * row reads of `node` into the processor's cache, in three steps, each of which may read what the
 * one before brought. False when buckets couldn't be read, or `t` is no table.
 */
enum net_ahead {
	NET_AHEAD_NODE, /* what tells whether there will be a row */
	NET_AHEAD_ROW,
	NET_AHEAD_OWNER, /* what the row's object points to */
	NET_AHEAD_STEPS
};
typedef void net_bucket_fn(struct net_list *l, uint64_t first);
typedef void net_ahead_fn(const struct net_list *l, uint64_t node, enum net_ahead step);
bool net_table_walk(struct net_list *l, const struct net_table *t, net_bucket_fn *bucket,
		    net_ahead_fn *ahead);

/* The same in portions: each net_walk_on() ends at a bucket's end, once seq_enough() or at the end of the table: true. */
struct net_walk {
	struct net_table t;
	uint64_t next; /* bucket */
	unsigned int bad;
	bool whole; /* in one portion */
	const struct others *only; /* the buckets to look at; NULL: all */
};
void net_walk_begin(struct net_walk *w, const struct net_table *t);
bool net_walk_on(struct net_list *l, struct net_walk *w, net_bucket_fn *bucket, net_ahead_fn *ahead);

/*
 * Rows that hang on no hash table: the body runs up to twice, until it reads all it needs, and what
 * it printed is taken back if it didn't.
 *
 *	NET_RECORD(l) {
 *		seq_printf(...);
 *	}
 */
struct net_record {
	struct guest_record r;
	size_t mark;
	unsigned int tries;
};
struct net_record net_record_first(struct net_list *l);
bool net_record_again(struct net_list *l, struct net_record *r);
#define NET_RECORD(l)                                                                              \
	for (struct net_record net_r = net_record_first(l); net_record_again(l, &net_r);)

/*
 * What rows read of sockets: `size` bytes of each, and what net_sock_owner() reads. For
 * net_table.reads; costs nothing where nobody wants to know (guest_hints()).
 */
struct ahead net_reads_socks(const struct net_list *l, uint64_t size);
/* Say that the chain that begins at `first` is read. */
void net_chain_ahead(uint64_t first, const struct ahead *reads);

/* ---- devices ---- */

/* Devices of the namespace in the order of its list (for_each_netdev). */
#define net_for_each_dev(dev, l) list_for_each_entry(dev, &(l)->net->dev_base_head, dev_list)

/* Devices in the order of /proc/net/dev. */
typedef void net_dev_fn(struct net_list *l, struct net_device __guest *dev);
void net_dev_walk(struct net_list *l, net_dev_fn *fn);

/* The device's name, or what the kernel prints without a device. */
void net_dev_name(struct net_device __guest *dev, char name[17]);

/*
 * net_dev.c: the words of struct rtnl_link_stats64 up to rx_nohandler; the other end of a pair of virtual Ethernet
 * devices (NULL: gone).
 */
enum {
	NET_DEV_COUNTERS = 24,
};
void net_dev_counters(struct net_device __guest *dev, uint64_t ret[NET_DEV_COUNTERS]);
struct net_device __guest *net_dev_peer(struct net_device __guest *dev);

/* ---- IPv4 routes: net_trie.c ---- */

/* How many lists of tables a namespace has; a power of two. */
unsigned int net_fib_tables(const struct net_list *l);
struct key_vector __guest *net_fib_root(struct fib_table __guest *tb);
/*
 * The nodes of a trie from left to right, which is by ascending keys, each before what is below it: a
 * leaf that isn't behind the one before it means that the tree is none (any more), and ends the walk.
 * `depth` is the number of nodes above a leaf; a node itself counts.
 */
typedef void net_fib_fn(struct net_list *l, struct key_vector __guest *n, int depth, void *arg);
void net_fib_walk(struct net_list *l, struct key_vector __guest *root, net_fib_fn *fn, void *arg);

/* All tables of the namespace that have a trie, in the kernel's order. */
typedef void net_fib_table_fn(struct net_list *l, struct fib_table __guest *tb);
void net_fib_for_each_table(struct net_list *l, net_fib_table_fn *fn);

/* ---- IPv6 routes and neighbours: net_route.c ---- */

/* Nodes with routes of their own in all tables, in the order of the kernel's walker. */
typedef void net_fib6_fn(struct net_list *l, struct fib6_node __guest *fn);
void net_fib6_walk(struct net_list *l, net_fib6_fn *fn);
struct nh_info __guest *net_nexthop_info(struct nexthop __guest *nh, bool groups);

void net_neigh_walk(struct net_list *l, struct neigh_table __guest *table, net_bucket_fn *bucket);
struct neighbour __guest *net_neigh_of_node(uint64_t node);

/* net_stats.c: the lines of a device's counters of IPv6 */
void net_snmp6_device(struct seq_file *m, struct net_device __guest *dev);

/* ---- sockets ---- */

static inline struct sock __guest *net_sock_of_node(uint64_t node)
{
	return guest_ptr(struct sock, node - guest_offsetof(struct sock, __sk_common.skc_node));
}

static inline struct inode __guest *net_sock_inode(const struct net_list *l,
						   struct sock __guest *sk)
{
	struct socket __guest *s = sk->sk_socket;

	return s ? guest_ptr(struct inode, guest_addr(s) + l->socket_inode) :
		   guest_ptr(struct inode, 0);
}

/* The inode number and the user of a socket; 0 and root without a struct socket (net/core/sock.c). */
static inline void net_sock_owner(const struct net_list *l, struct sock __guest *sk,
				  uint64_t *ino_ret, uint32_t *uid_ret)
{
	uint64_t ino = 0;
	uint32_t uid = 0;

	if (l->own_ino) {
		ino = sk->sk_ino;
		uid = sk->sk_uid.val;
	} else {
		struct inode __guest *inode = net_sock_inode(l, sk);

		if (inode) {
			ino = inode->i_ino;
			uid = inode->i_uid.val;
		}
	}
	*ino_ret = ino;
	*uid_ret = uid == UINT32_MAX ? l->overflow_uid : uid;
}

/* Ask for what net_sock_owner() reads. */
static inline void net_sock_ahead(const struct net_list *l, struct sock __guest *sk)
{
	if (l->own_ino)
		return;

	struct inode __guest *inode = net_sock_inode(l, sk);

	if (!inode)
		return;
	guest_prefetch(&inode->i_ino);
	guest_prefetch(&inode->i_uid);
}

/* kernel/time/time.c */
static inline int64_t net_jiffies_to_clock(const struct net_list *l, uint64_t jiffies)
{
	return (int64_t)(jiffies * l->tick_nsec / 10000000);
}

static inline int64_t net_delta_to_clock(const struct net_list *l, uint64_t until)
{
	int64_t delta = (int64_t)(until - l->jiffies);

	return net_jiffies_to_clock(l, delta > 0 ? (uint64_t)delta : 0);
}

static inline uint16_t net_ntohs(uint16_t v)
{
	return __builtin_bswap16(v);
}

/* Tables of sockets, without what rows read of them (net_inet.c, net_unix.c). */
enum {
	/* include/net/inet_hashtables.h: what the ends of listening chains start from */
	NET_LISTENING_END = 1 << 29,
	NET_UNIX_ADDRESS_MAX = 128, /* bytes; a path of 108 with a NUL and the family is 111 */
	NET_NETLINK_TABLES = 32,    /* MAX_LINKS */
};
struct inet_hashinfo __guest *net_tcp_tables(const struct net_list *l);
/* `oldest`: the table that kernels had up to 5.18, if this one has it. */
struct net_table net_tcp_listening(const struct net_list *l, bool oldest);
struct net_table net_tcp_established(const struct net_list *l);
net_home_fn net_tcp_home;
bool net_has_udplite(void);
struct net_table net_udp_table(const struct net_list *l, bool lite);
struct net_table net_raw_table(unsigned short family);
struct net_table net_unix_table(const struct net_list *l);
struct ahead net_unix_reads(const struct net_list *l);
/* Heads come without the bit that is their lock. */
void net_netlink_walk(struct net_list *l, unsigned int protocol, net_bucket_fn *bucket);
/* The first one of those that listen to groups, by its skc_bind_node. */
uint64_t net_netlink_subscribers(unsigned int protocol);
void net_netlink_ahead(const struct net_list *l);

/* Which timer of a TCP socket runs, as netlink and the files number them, and the tick at which it is over. */
enum {
	NET_TIMER_NONE = 0,
	NET_TIMER_RETRANSMIT = 1,
	NET_TIMER_KEEPALIVE = 2,
	NET_TIMER_TIME_WAIT = 3,
	NET_TIMER_PROBE = 4,
};
uint8_t net_tcp_timer(const struct net_list *l, struct sock __guest *sk, uint64_t *expires_ret);
/* The path of an address; its size, or -1 with a fault. */
int net_unix_path(struct unix_address __guest *addr, char path[NET_UNIX_ADDRESS_MAX]);
unsigned int net_packet_running(struct packet_sock __guest *po);

/* ---- a row of text ---- */

enum {
	NET_ROW_SIZE = 512, /* every row below is far shorter, whatever its numbers */
};

extern const char net_upper_pairs[513], net_lower_pairs[513];

static inline char *net_put_str(char *p, const char *s, size_t size)
{
	memcpy(p, s, size);
	return p + size;
}
#define NET_PUT_LIT(p, lit) net_put_str(p, lit, sizeof(lit) - 1)

static inline char *net_put_pair(char *p, const char *pairs, uint8_t v)
{
	memcpy(p, pairs + 2 * v, 2);
	return p + 2;
}

/* %02X, %04X, %08X of a value of that many bits */
static inline char *net_put_X2(char *p, uint8_t v)
{
	return net_put_pair(p, net_upper_pairs, v);
}

static inline char *net_put_X4(char *p, uint16_t v)
{
	return net_put_X2(net_put_X2(p, (uint8_t)(v >> 8)), (uint8_t)v);
}

static inline char *net_put_X8(char *p, uint32_t v)
{
	return net_put_X4(net_put_X4(p, (uint16_t)(v >> 16)), (uint16_t)v);
}

/* %08lX */
static inline char *net_put_lX8(char *p, uint64_t v)
{
	if (__builtin_expect(v >> 32 != 0, 0)) {
		unsigned int nibbles = (67 - (unsigned int)__builtin_clzll(v)) / 4;

		for (unsigned int i = nibbles; i-- > 8;)
			*p++ = "0123456789ABCDEF"[v >> 4 * i & 15];
	}
	return net_put_X8(p, (uint32_t)v);
}

/* %08x */
static inline char *net_put_x8(char *p, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		p = net_put_pair(p, net_lower_pairs, (uint8_t)(v >> shift));
	return p;
}

/* Packets that didn't fit: counted for each node of memory where a socket asked for that. */
static inline uint32_t net_drops_sum(struct numa_drop_counters __guest *c)
{
	return (uint32_t)c->drops0.counter + (uint32_t)c->drops1.counter;
}

static inline uint32_t net_drops(struct sock __guest *sk)
{
	struct numa_drop_counters __guest *c =
		guest_has(struct sock, sk_drop_counters) ? sk->sk_drop_counters : NULL;

	return c ? net_drops_sum(c) : (uint32_t)sk->sk_drops.counter;
}

/* %*llu: right-aligned in `width` (at most 20) columns */
static inline char *net_put_u(char *p, uint64_t v, unsigned int width)
{
	char digits[20];
	unsigned int i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + v % 10);
		v /= 10;
	} while (v);
	while (sizeof(digits) - i < width)
		digits[--i] = ' ';
	return net_put_str(p, digits + i, sizeof(digits) - i);
}

/* %d */
static inline char *net_put_d(char *p, int64_t v)
{
	if (v < 0) {
		*p++ = '-';
		return net_put_u(p, -(uint64_t)v, 0);
	}
	return net_put_u(p, (uint64_t)v, 0);
}

/* %pK: 16 digits */
char *net_put_pointer(char *p, const struct net_list *l, uint64_t ptr);

/* %pi6: 32 digits */
static inline char *net_put_pi6(char *p, const uint8_t addr[16])
{
	for (int i = 0; i < 16; i++)
		p = net_put_pair(p, net_lower_pairs, addr[i]);
	return p;
}

/* The same of a guest's address, with a NUL. */
static inline void net_read_pi6(char text[33], struct in6_addr __guest *addr)
{
	uint8_t bytes[16];

	guest_read(bytes, addr, sizeof(bytes));
	*net_put_pi6(text, bytes) = '\0';
}

/* ---- what the files show: net_*.c ---- */

/* net_inet.c */
proc_show_fn net_tcp_show, net_tcp6_show, net_udp_show, net_udp6_show, net_udplite_show,
	net_udplite6_show, net_raw_show, net_raw6_show, net_icmp_show, net_icmp6_show;
/* net_unix.c */
proc_show_fn net_unix_show, net_packet_show, net_netlink_show;
/* net_dev.c */
proc_show_fn net_dev_show, net_dev_mcast_show, net_ptype_show, net_softnet_stat_show,
	net_wireless_show;
/* net_route.c */
proc_show_fn net_route_show, net_rt_cache_show, net_ipv6_route_show, net_rt6_stats_show,
	net_arp_show;
/* net_trie.c, net_folders.c */
proc_show_fn net_fib_trie_show, net_fib_triestat_show, net_rt_acct_show;
extern const struct proc_dir net_dev_snmp6_dir;
extern const struct proc_row net_stat_rows[];
/* net_mcast.c */
proc_show_fn net_igmp_show, net_igmp6_show, net_mcfilter_show, net_mcfilter6_show,
	net_anycast6_show, net_if_inet6_show;
/* net_mroute.c */
proc_show_fn net_ip_mr_vif_show, net_ip_mr_cache_show, net_ip6_mr_vif_show, net_ip6_mr_cache_show,
	net_ip6_flowlabel_show;
/* net_conntrack.c */
proc_show_fn net_conntrack_show;
bool net_conntrack_present(const struct proc_item *it);
/* net_stats.c */
proc_show_fn net_snmp_show, net_snmp6_show, net_netstat_show, net_sockstat_show,
	net_sockstat6_show, net_protocols_show, net_psched_show, net_xfrm_stat_show, net_connector_show;

#endif

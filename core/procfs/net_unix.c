// SPDX-License-Identifier: MIT
/*
 * /proc/net/{unix,packet,netlink}: rows as net/unix/af_unix.c, net/packet/af_packet.c and
 * net/netlink/af_netlink.c print them.
 */
#include "net_common.h"

enum {
	UNIX_HASH_SIZE = 512, /* buckets of the table, named and unnamed halves together */
	UNIX_ABSTRACT_HASHES = 256, /* up to 5.16: hashes of abstract names are below this */

	TCP_ESTABLISHED = 1,
	TCP_LISTEN = 10,
	SO_ACCEPTCON_FLAG = 1 << 16, /* include/linux/net.h: __SO_ACCEPTCON */
	/* include/uapi/linux/net.h: socket_state */
	SS_UNCONNECTED = 1,
	SS_CONNECTING = 2,
	SS_CONNECTED = 3,
	SS_DISCONNECTING = 4,

	PACKET_RUNNING_BIT = 4, /* net/packet/internal.h: PACKET_SOCK_RUNNING */
	BAD_BUCKETS_MAX = 16,	/* of a nested table: with more of them it is none */
	RHASHTABLES_MAX = 64,	/* a table and those that it grows into, at most one per size */
};

extern struct hlist_head __guest unix_socket_table[];
extern struct netlink_table __guest *__guest nl_table;

int net_unix_path(struct unix_address __guest *addr, char path[NET_UNIX_ADDRESS_MAX])
{
	enum { FAMILY_SIZE = 2 }; /* of an address before its path */
	int len = addr->len;

	if (len < FAMILY_SIZE || len > NET_UNIX_ADDRESS_MAX) {
		guest_fault(addr);
		return -1;
	}
	guest_read(path, &addr->name[0].sun_path[0], (size_t)len - FAMILY_SIZE);
	return len - FAMILY_SIZE;
}

static char *put_unix_name(char *p, struct unix_address __guest *addr)
{
	char path[NET_UNIX_ADDRESS_MAX];
	int size = net_unix_path(addr, path), i = 0;

	if (size < 0)
		return p;
	*p++ = ' ';

	bool abstract = guest_has(struct unix_address, hash) ?
				addr->hash < UNIX_ABSTRACT_HASHES : !size || !path[0];
	if (abstract) {
		*p++ = '@';
		i++;
	} else {
		size--;
	}
	for (; i < size; i++)
		*p++ = path[i] ? path[i] : '@';
	return p;
}

static bool unix_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	char row[NET_ROW_SIZE], *p = row;
	uint64_t ino;
	uint32_t uid;

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;

	uint8_t state = sk->__sk_common.skc_state;
	bool established = state == TCP_ESTABLISHED;
	uint8_t shown;

	if (sk->sk_socket)
		shown = established ? SS_CONNECTED : SS_UNCONNECTED;
	else
		shown = established ? SS_CONNECTING : SS_DISCONNECTING;
	net_sock_owner(l, sk, &ino, &uid);

	p = net_put_pointer(p, l, guest_addr(sk));
	p = NET_PUT_LIT(p, ": ");
	p = net_put_X8(p, (uint32_t)sk->__sk_common.skc_refcnt.refs.counter);
	p = NET_PUT_LIT(p, " 00000000 ");
	p = net_put_X8(p, state == TCP_LISTEN ? SO_ACCEPTCON_FLAG : 0);
	*p++ = ' ';
	p = net_put_X4(p, sk->sk_type);
	*p++ = ' ';
	p = net_put_X2(p, shown);
	*p++ = ' ';
	p = net_put_u(p, ino, 5);

	struct unix_address __guest *addr = ((struct unix_sock __guest *)sk)->addr;

	if (addr)
		p = put_unix_name(p, addr);
	*p++ = '\n';
	if (sk->__sk_common.skc_state != state || !guest_eq(sk->__sk_common.skc_net.net, l->net))
		guest_fault(sk);
	seq_write(l->m, row, (size_t)(p - row));
	return true;
}

static void unix_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, unix_row, NULL);
}

struct net_table net_unix_table(const struct net_list *l)
{
	struct net_table t = { .count = UNIX_HASH_SIZE, .stride = sizeof(uint64_t) };

	if (guest_has(struct net, unx.table.buckets))
		t.base = guest_addr(l->net->unx.table.buckets);
	else
		t.base = guest_addr(&unix_socket_table[0]);
	return t;
}

struct ahead net_unix_reads(const struct net_list *l)
{
	struct ahead reads = net_reads_socks(l, guest_sizeof(struct unix_sock));

	ahead_follow(&reads, AHEAD_NODE, guest_offsetof(struct unix_sock, addr), NET_UNIX_ADDRESS_MAX);
	return reads;
}

int net_unix_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;
	struct ahead reads;
	struct net_table t;

	net_list_init(&l, it, m);
	reads = net_unix_reads(&l);
	seq_puts(m, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	t = net_unix_table(&l);
	t.reads = &reads;
	net_table_walk(&l, &t, unix_bucket, NULL);
	return 0;
}

unsigned int net_packet_running(struct packet_sock __guest *po)
{
	if (guest_has(struct packet_sock, running))
		return po->running;
	return po->flags >> guest_enum_or(enum packet_sock_flags, PACKET_SOCK_RUNNING, PACKET_RUNNING_BIT) & 1;
}

static bool packet_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct packet_sock __guest *po = (struct packet_sock __guest *)sk;
	uint64_t ino;
	uint32_t uid;
	unsigned int running = net_packet_running(po);
	char ptr[17];

	net_sock_owner(l, sk, &ino, &uid);
	*net_put_pointer(ptr, l, guest_addr(sk)) = '\0';
	seq_printf(l->m, "%s %-6d %-4d %04x   %-5d %1d %-6u %-6u %-6lu\n", ptr,
		   sk->__sk_common.skc_refcnt.refs.counter, sk->sk_type, net_ntohs(po->num),
		   po->ifindex, running, (uint32_t)sk->sk_backlog.rmem_alloc.counter, uid,
		   (unsigned long)ino);
	return true;
}

int net_packet_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	/*
	 * The heading was widened to the pointers between 5.10 and 6.1. `running` alone doesn't tell: 6.1 had
	 * it until the flags came into its updates, too (6.1.0-47 has it, 6.1.0-56 hasn't).
	 */
	if (guest_has(struct packet_sock, running) && !guest_has(struct softnet_data, defer_list))
		seq_puts(m, "sk       RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	else
		seq_puts(m, "sk               RefCnt Type Proto  Iface R Rmem   User   Inode\n");
	uint64_t first = guest_addr(l.net->packet.sklist.first);
	struct ahead reads = net_reads_socks(&l, guest_sizeof(struct packet_sock));

	net_chain_ahead(first, &reads);
	net_chain(&l, first, NET_ANY_END, packet_row, NULL);
	return 0;
}

static bool netlink_row(struct net_list *l, uint64_t node)
{
	struct netlink_sock __guest *nlk =
		guest_ptr(struct netlink_sock, node - guest_offsetof(struct netlink_sock, node));
	struct sock __guest *sk = &nlk->sk;
	uint64_t ino;
	uint32_t uid;
	char ptr[17];

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;
	net_sock_owner(l, sk, &ino, &uid);
	*net_put_pointer(ptr, l, guest_addr(sk)) = '\0';
	unsigned long __guest *groups = nlk->groups;
	seq_printf(l->m, "%s %-3d %-10u %08x %-8d %-8d %-5d %-8d %-8u %-8lu\n", ptr,
		   sk->sk_protocol, nlk->portid, groups ? (uint32_t)groups[0] : 0,
		   sk->sk_backlog.rmem_alloc.counter, sk->sk_wmem_alloc.refs.counter - 1,
		   nlk->cb_running, sk->__sk_common.skc_refcnt.refs.counter,
		   net_drops(sk), (unsigned long)ino);
	return true;
}

static void netlink_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, netlink_row, NULL);
}

/*
 * The buckets of a table that was allocated in a hurry are in a tree of pages: `nest` bits of the
 * bucket's number index the topmost, 9 each those below (lib/rhashtable.c).
 */
static uint64_t nested_bucket(struct bucket_table __guest *tbl, unsigned int size,
			      unsigned int nest, unsigned int hash)
{
	enum { BITS = 9 };
	uint64_t page = tbl->buckets[0];
	unsigned int index = hash & ((1u << nest) - 1);

	size >>= nest;
	hash >>= nest;
	page = guest_ptr(uint64_t, page)[index];
	while (page && size > 1u << BITS) {
		page = guest_ptr(uint64_t, page)[hash & ((1u << BITS) - 1)];
		size >>= BITS;
		hash >>= BITS;
	}
	return page ? guest_ptr(uint64_t, page)[hash & ((1u << BITS) - 1)] : 0;
}

/* Everything of every table in one go: they are small, and there are many. */
void net_netlink_ahead(const struct net_list *l)
{
	struct netlink_table __guest *tables = nl_table;
	struct ahead a = ahead_make(guest_offsetof(struct netlink_sock, node),
				    guest_sizeof(struct netlink_sock));

	if (!guest_hints())
		return;
	if (!l->own_ino)
		ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct netlink_sock, sk.sk_socket),
			     guest_sizeof(struct socket_alloc));
	AHEAD_FOLLOW(&a, AHEAD_NODE, struct netlink_sock, groups, struct hlist_head);
	ahead_range(GUEST_SPACE_KERNEL, guest_addr(tables),
		    NET_NETLINK_TABLES * guest_sizeof(struct netlink_table));

	struct ahead t = ahead_array(guest_addr(tables) +
					     guest_offsetof(struct netlink_table, hash.tbl),
				     NET_NETLINK_TABLES, guest_sizeof(struct bucket_table) + 512);
	t.chain.stride = (uint32_t)guest_sizeof(struct netlink_table);
	guest_chase(&t.chain);
	for (unsigned int i = 0; i < NET_NETLINK_TABLES; i++) {
		struct bucket_table __guest *tbl = tables[i].hash.tbl;

		if (!tbl || tbl->nest)
			continue;
		a.chain.first.v = guest_addr(&tbl->buckets[0]);
		a.chain.heads = tbl->size;
		a.chain.stride = sizeof(uint64_t);
		guest_chase(&a.chain);
	}
}

static bool netlink_table_rows(struct net_list *l, struct bucket_table __guest *tbl, net_bucket_fn *bucket)
{
	unsigned int size = tbl->size, nest = tbl->nest, bad = 0;

	if (!nest) {
		struct net_table t = {
			.base = guest_addr(&tbl->buckets[0]),
			.count = size,
			.stride = sizeof(uint64_t),
			.locked = true,
		};

		return net_table_walk(l, &t, bucket, NULL);
	}
	if (nest > 16 || size > NET_TABLE_MAX)
		return false;
	for (unsigned int hash = 0; hash < size && bad < BAD_BUCKETS_MAX; hash++) {
		struct guest_record r = guest_record_begin();
		uint64_t first = nested_bucket(tbl, size, nest, hash);

		bad += guest_faulted();
		/* the lowest bit of a head is a lock, and an empty bucket may hold just that */
		bucket(l, first & ~1ull);
		guest_record_end(&r);
	}
	return !bad;
}

void net_netlink_walk(struct net_list *l, unsigned int protocol, net_bucket_fn *bucket)
{
	struct guest_bound b = GUEST_BOUND(RHASHTABLES_MAX);
	struct guest_record r = guest_record_begin();
	struct bucket_table __guest *tbl = nl_table[protocol].hash.tbl;

	while (tbl && guest_more_at(&b, tbl) && netlink_table_rows(l, tbl, bucket))
		tbl = tbl->future_tbl;
	guest_record_end(&r);
}

uint64_t net_netlink_subscribers(unsigned int protocol)
{
	return guest_addr(nl_table[protocol].mc_list.first);
}

int net_netlink_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, "sk               Eth Pid        Groups   "
		    "Rmem     Wmem     Dump  Locks    Drops    Inode\n");
	net_netlink_ahead(&l);
	for (unsigned int i = 0; i < NET_NETLINK_TABLES; i++)
		net_netlink_walk(&l, i, netlink_bucket);
	return 0;
}

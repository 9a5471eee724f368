// SPDX-License-Identifier: MIT
/* /proc/net/{fib_trie,fib_triestat}: the tables of IPv4 routes (net/ipv4/fib_trie.c). */
#include "net_common.h"

enum {
	/* include/uapi/linux/rtnetlink.h */
	RT_TABLE_MAIN = 254,
	RT_TABLE_LOCAL = 255,

	FIB_TABLES = 256, /* FIB_TABLE_HASHSZ, with policy routing */
	KEY_BITS = 32,	  /* of a trie of IPv4 addresses: no way down is longer */
	TRIE_NODES_MAX = 1 << 26, /* children looked at, empty ones too */
};

unsigned int net_fib_tables(const struct net_list *l)
{
	(void)l;
	return guest_has(struct netns_ipv4, fib_has_custom_rules) ? FIB_TABLES : 2;
}

struct key_vector __guest *net_fib_root(struct fib_table __guest *tb)
{
	return &((struct trie __guest *)tb->tb_data)->kv[0];
}

void net_fib_walk(struct net_list *l, struct key_vector __guest *root, net_fib_fn *fn, void *arg)
{
	struct {
		uint64_t node;
		uint64_t next, count; /* of its children */
	} way[KEY_BITS + 2];
	struct guest_bound b = GUEST_BOUND(TRIE_NODES_MAX);
	int depth = 0;
	int64_t last = -1;

	way[0].node = guest_addr(root);
	way[0].next = 0;
	way[0].count = 1;
	while (depth >= 0 && guest_more(&b) && !net_list_over(l)) {
		if (way[depth].next == way[depth].count) {
			depth--;
			continue;
		}

		struct key_vector __guest *n = guest_ptr(struct key_vector, way[depth].node);
		uint64_t child = n->tnode[way[depth].next++];

		if (!child)
			continue;
		n = guest_ptr(struct key_vector, child);

		uint8_t bits = n->bits;

		if (!bits) {
			uint32_t key = n->key;

			if (key <= last) {
				guest_fault(n);
				return;
			}
			last = key;
			fn(l, n, depth, arg);
		} else if (bits <= KEY_BITS && depth < KEY_BITS) {
			depth++;
			way[depth].node = child;
			way[depth].next = 0;
			way[depth].count = 1ull << bits;
			fn(l, n, depth, arg);
		} else {
			guest_fault(n);
		}
	}
}

/* ---- what both files show of a table ---- */

void net_fib_for_each_table(struct net_list *l, net_fib_table_fn *fn)
{
	unsigned int tables = net_fib_tables(l);

	for (unsigned int i = 0; i < tables; i++) {
		struct fib_table __guest *tb;

		hlist_for_each_entry(tb, &l->net->ipv4.fib_table_hash[i], tb_hlist) {
			if (tb->tb_data)
				fn(l, tb);
		}
	}
}

static void put_table(struct net_list *l, uint32_t id)
{
	if (id == RT_TABLE_LOCAL)
		seq_puts(l->m, "Local:\n");
	else if (id == RT_TABLE_MAIN)
		seq_puts(l->m, "Main:\n");
	else
		seq_printf(l->m, "Id %u:\n", id);
}

static struct tnode __guest *tnode_of(struct key_vector __guest *n)
{
	return guest_ptr(struct tnode, guest_addr(n) - guest_offsetof(struct tnode, kv));
}

/* ---- fib_trie ---- */

static void put_indent(struct net_list *l, int depth)
{
	while (depth-- > 0)
		seq_puts(l->m, "   ");
}

static void put_address(struct net_list *l, uint32_t key)
{
	seq_printf(l->m, "%u.%u.%u.%u", key >> 24, key >> 16 & 255, key >> 8 & 255, key & 255);
}

static void put_scope(struct net_list *l, unsigned int scope)
{
	enum { UNIVERSE, SITE = 200, LINK = 253, HOST, NOWHERE };

	switch (scope) {
	case UNIVERSE:
		seq_puts(l->m, "universe ");
		break;
	case SITE:
		seq_puts(l->m, "site ");
		break;
	case LINK:
		seq_puts(l->m, "link ");
		break;
	case HOST:
		seq_puts(l->m, "host ");
		break;
	case NOWHERE:
		seq_puts(l->m, "nowhere ");
		break;
	default:
		seq_printf(l->m, "scope=%u ", scope);
		break;
	}
}

static void put_alias(struct net_list *l, struct fib_alias __guest *fa, int depth)
{
	static const char *const types[] = {
		"UNSPEC", "UNICAST", "LOCAL", "BROADCAST", "ANYCAST", "MULTICAST", "BLACKHOLE",
		"UNREACHABLE", "PROHIBIT", "THROW", "NAT", "XRESOLVE",
	};
	unsigned int type = fa->fa_type, slen = fa->fa_slen;
	unsigned int tos = guest_has(struct fib_alias, fa_dscp) ? fa->fa_dscp : fa->fa_tos;

	put_indent(l, depth + 1);
	seq_printf(l->m, "  /%u ", KEY_BITS - slen);
	put_scope(l, fa->fa_info->fib_scope);
	if (type < sizeof(types) / sizeof(types[0]))
		seq_puts(l->m, types[type]);
	else
		seq_printf(l->m, "type %u", type);
	if (tos)
		seq_printf(l->m, " tos=%u", tos);
	seq_putc(l->m, '\n');
}

static void put_node(struct net_list *l, struct key_vector __guest *n, int depth, void *arg)
{
	unsigned int bits = n->bits, pos = n->pos;
	struct fib_alias __guest *fa;
	uint32_t key = n->key;

	if (depth == (bits ? 1 : 0))
		put_table(l, *(const uint32_t *)arg);
	if (bits) {
		put_indent(l, depth - 1);
		seq_puts(l->m, "  +-- ");
		put_address(l, key);
		seq_printf(l->m, "/%u %u %u %u\n", KEY_BITS - pos - bits, bits,
			   tnode_of(n)->full_children, tnode_of(n)->empty_children);
		return;
	}
	put_indent(l, depth);
	seq_puts(l->m, "  |-- ");
	put_address(l, key);
	seq_putc(l->m, '\n');
	hlist_for_each_entry(fa, &n->leaf, fa_list) {
		NET_RECORD(l)
			put_alias(l, fa, depth);
	}
}

static void trie_table(struct net_list *l, struct fib_table __guest *tb)
{
	uint32_t id = tb->tb_id;

	net_fib_walk(l, net_fib_root(tb), put_node, &id);
}

int net_fib_trie_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	net_fib_for_each_table(&l, trie_table);
	return 0;
}

/* ---- fib_triestat ---- */

struct trie_counts {
	unsigned int depths, deepest, tnodes, leaves, empty, prefixes;
	unsigned int of_bits[KEY_BITS];
};

static void count_node(struct net_list *l, struct key_vector __guest *n, int depth, void *arg)
{
	struct trie_counts *c = arg;
	struct fib_alias __guest *fa;
	unsigned int bits = n->bits;

	(void)l;
	if (bits) {
		c->tnodes++;
		if (bits < KEY_BITS)
			c->of_bits[bits]++;
		c->empty += tnode_of(n)->empty_children;
		return;
	}
	c->leaves++;
	c->depths += (unsigned int)depth;
	if ((unsigned int)depth > c->deepest)
		c->deepest = (unsigned int)depth;
	hlist_for_each_entry(fa, &n->leaf, fa_list)
		c->prefixes++;
}

static uint64_t tnode_size(void)
{
	return guest_offsetof(struct tnode, kv) + guest_offsetof(struct key_vector, tnode);
}

static void put_counts(struct seq_file *m, const struct trie_counts *c)
{
	unsigned int average = c->leaves ? c->depths * 100 / c->leaves : 0, pointers = 0;
	uint64_t bytes = (tnode_size() + sizeof(uint64_t)) * c->leaves +
			 guest_sizeof(struct fib_alias) * c->prefixes + tnode_size() * c->tnodes;

	seq_printf(m, "\tAver depth:     %u.%02d\n", average / 100, average % 100);
	seq_printf(m, "\tMax depth:      %u\n\tLeaves:         %u\n", c->deepest, c->leaves);
	seq_printf(m, "\tPrefixes:       %u\n\tInternal nodes: %u\n\t", c->prefixes, c->tnodes);
	for (unsigned int bits = 1; bits < KEY_BITS; bits++) {
		if (c->of_bits[bits])
			seq_printf(m, "  %u: %u", bits, c->of_bits[bits]);
		pointers += c->of_bits[bits] << bits;
	}
	bytes += sizeof(uint64_t) * pointers;
	seq_printf(m, "\n\tPointers: %u\nNull ptrs: %u\nTotal size: %u  kB\n", pointers, c->empty,
		   ((unsigned int)bytes + 1023) / 1024);
}

static void put_usage(struct seq_file *m, struct trie_use_stats __guest *stats)
{
	unsigned int gets = 0, backtrack = 0, passed = 0, miss = 0, null = 0, skipped = 0;

	for_each_possible_cpu(cpu) {
		struct trie_use_stats __guest *s = guest_per_cpu_ptr(stats, cpu);

		gets += s->gets;
		backtrack += s->backtrack;
		passed += s->semantic_match_passed;
		miss += s->semantic_match_miss;
		null += s->null_node_hit;
		skipped += s->resize_node_skipped;
	}
	seq_printf(m, "\nCounters:\n---------\ngets = %u\nbacktracks = %u\n", gets, backtrack);
	seq_printf(m, "semantic match passed = %u\nsemantic match miss = %u\n", passed, miss);
	seq_printf(m, "null node hit= %u\nskipped node resize = %u\n\n", null, skipped);
}

static void triestat_table(struct net_list *l, struct fib_table __guest *tb)
{
	NET_RECORD(l) {
		struct trie_counts c = { 0 };

		put_table(l, tb->tb_id);
		net_fib_walk(l, net_fib_root(tb), count_node, &c);
		put_counts(l->m, &c);
		if (guest_has(struct trie, stats))
			put_usage(l->m, ((struct trie __guest *)tb->tb_data)->stats);
	}
}

int net_fib_triestat_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	seq_printf(m, "Basic info: size of leaf: %llu bytes, size of tnode: %llu bytes.\n",
		   (unsigned long long)(tnode_size() + sizeof(uint64_t)),
		   (unsigned long long)tnode_size());
	net_fib_for_each_table(&l, triestat_table);
	return 0;
}

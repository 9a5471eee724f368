// SPDX-License-Identifier: MIT
/* What the files of /proc/net share: see net_common.h. */
#include "net_common.h"

#include "klib/xarray.h"

extern int __guest kptr_restrict;
extern bool __guest no_hash_pointers;
extern bool __guest filled_random_ptr_key;
extern uint64_t __guest ptr_key[2];
extern uint64_t __guest jiffies;
extern struct clocksource __guest clocksource_jiffies;
extern int __guest overflowuid;

GUEST_TYPES_BEGIN
/* include/linux/jump_label.h: up to 5.19 the key's readiness is one of these */
struct static_key {
	atomic_t enabled;
};
GUEST_TYPES_END
extern struct static_key __guest not_filled_random_ptr_key;

const char net_upper_pairs[513] =
	"000102030405060708090A0B0C0D0E0F"
	"101112131415161718191A1B1C1D1E1F"
	"202122232425262728292A2B2C2D2E2F"
	"303132333435363738393A3B3C3D3E3F"
	"404142434445464748494A4B4C4D4E4F"
	"505152535455565758595A5B5C5D5E5F"
	"606162636465666768696A6B6C6D6E6F"
	"707172737475767778797A7B7C7D7E7F"
	"808182838485868788898A8B8C8D8E8F"
	"909192939495969798999A9B9C9D9E9F"
	"A0A1A2A3A4A5A6A7A8A9AAABACADAEAF"
	"B0B1B2B3B4B5B6B7B8B9BABBBCBDBEBF"
	"C0C1C2C3C4C5C6C7C8C9CACBCCCDCECF"
	"D0D1D2D3D4D5D6D7D8D9DADBDCDDDEDF"
	"E0E1E2E3E4E5E6E7E8E9EAEBECEDEEEF"
	"F0F1F2F3F4F5F6F7F8F9FAFBFCFDFEFF";

const char net_lower_pairs[513] =
	"000102030405060708090a0b0c0d0e0f"
	"101112131415161718191a1b1c1d1e1f"
	"202122232425262728292a2b2c2d2e2f"
	"303132333435363738393a3b3c3d3e3f"
	"404142434445464748494a4b4c4d4e4f"
	"505152535455565758595a5b5c5d5e5f"
	"606162636465666768696a6b6c6d6e6f"
	"707172737475767778797a7b7c7d7e7f"
	"808182838485868788898a8b8c8d8e8f"
	"909192939495969798999a9b9c9d9e9f"
	"a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
	"b0b1b2b3b4b5b6b7b8b9babbbcbdbebf"
	"c0c1c2c3c4c5c6c7c8c9cacbcccdcecf"
	"d0d1d2d3d4d5d6d7d8d9dadbdcdddedf"
	"e0e1e2e3e4e5e6e7e8e9eaebecedeeef"
	"f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff";

static uint64_t rotate(uint64_t v, int bits)
{
	return v << bits | v >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
	v[0] += v[1];
	v[2] += v[3];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] = rotate(v[0], 32);
	v[2] += v[1];
	v[0] += v[3];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] = rotate(v[2], 32);
}

uint64_t net_siphash(const uint64_t key[2], uint64_t data)
{
	uint64_t v[4] = {
		key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
		key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u,
	};
	const uint64_t words[2] = { data, 8ull << 56 };

	for (int i = 0; i < 2; i++) {
		v[3] ^= words[i];
		sip_round(v);
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	for (int i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

char *net_put_pointer(char *p, const struct net_list *l, uint64_t ptr)
{
	switch (l->pointers) {
	case NET_POINTERS_HASHED:
		/* the kernel hashes what is a pointer, and keeps 32 bits to show that it did */
		if (ptr && ptr < (uint64_t)-4095)
			ptr = (uint32_t)net_siphash(l->key, ptr);
		break;
	case NET_POINTERS_RAW:
		break;
	case NET_POINTERS_HIDDEN:
		ptr = 0;
		break;
	case NET_POINTERS_NOT_READY:
		return NET_PUT_LIT(p, "(____ptrval____)");
	}
	return net_put_x8(net_put_x8(p, (uint32_t)(ptr >> 32)), (uint32_t)ptr);
}

void proc_put_pointer(struct seq_file *m, const struct proc_item *it, uint64_t address)
{
	struct net_list l;
	char text[32];

	net_list_init(&l, it, m);
	seq_write(m, text, (size_t)(net_put_pointer(text, &l, address) - text));
}

static enum net_pointers pointers_of_guest(void)
{
	int restricted = guest_has_symbol(kptr_restrict) ? kptr_restrict : 0;

	if (restricted)
		return restricted == 1 ? NET_POINTERS_RAW : NET_POINTERS_HIDDEN;
	if (guest_has_symbol(no_hash_pointers) && no_hash_pointers)
		return NET_POINTERS_RAW;
	if (!guest_has_symbol(ptr_key))
		return NET_POINTERS_NOT_READY;
	if (guest_has_symbol(filled_random_ptr_key))
		return filled_random_ptr_key ? NET_POINTERS_HASHED : NET_POINTERS_NOT_READY;
	return not_filled_random_ptr_key.enabled.counter > 0 ? NET_POINTERS_NOT_READY :
							       NET_POINTERS_HASHED;
}

void net_list_init(struct net_list *l, const struct proc_item *it, struct seq_file *m)
{
	struct guest_record r = guest_record_begin();
	uint32_t shift = clocksource_jiffies.shift;

	*l = (struct net_list){
		.m = m,
		.net = guest_ptr(struct net, it->net),
		.jiffies = jiffies,
		.tick_nsec = shift < 32 ? clocksource_jiffies.mult >> shift : 0,
		.pointers = pointers_of_guest(),
		.socket_inode = guest_offsetof(struct socket_alloc, vfs_inode) -
				guest_offsetof(struct socket_alloc, socket),
		.overflow_uid = 65534,
		.own_ino = guest_has(struct sock, sk_ino),
	};
	if (l->pointers == NET_POINTERS_HASHED) {
		l->key[0] = ptr_key[0];
		l->key[1] = ptr_key[1];
	}
	if (guest_has_symbol(overflowuid))
		l->overflow_uid = (uint32_t)overflowuid;
	if (!l->tick_nsec)
		l->tick_nsec = 4000000; /* a guest that has no such clock: Debian's HZ */
	guest_record_end(&r);
}

/* ---- chains ---- */

static uint64_t chain_next(uint64_t node)
{
	return *guest_ptr(uint64_t, node);
}

static bool chain_ended(uint64_t node)
{
	return !node || (node & 1);
}

/*
 * How many different nodes the cycle that `first` leads into holds with the way to it; `most` when
 * it isn't one any more. (Brent's algorithm)
 */
static uint64_t chain_distinct(uint64_t first, uint64_t most)
{
	struct guest_bound b = GUEST_BOUND(4 * most);
	uint64_t slow = first, fast = chain_next(first);
	uint64_t power = 1, around = 1, before = 0;

	for (; slow != fast; around++) {
		if (chain_ended(fast) || !guest_more(&b))
			return most;
		if (power == around) {
			slow = fast;
			power *= 2;
			around = 0;
		}
		fast = chain_next(fast);
	}
	slow = fast = first;
	for (uint64_t i = 0; i < around && !chain_ended(fast); i++)
		fast = chain_next(fast);
	for (; slow != fast; before++) {
		if (chain_ended(fast) || !guest_more(&b))
			return most;
		slow = chain_next(slow);
		fast = chain_next(fast);
	}
	return before + around;
}

/*
 * One way along a chain of at most `most` nodes. Where it ended; *endless_ret: it came by a node
 * twice, or there are more.
 */
static uint64_t chain_once(struct net_list *l, uint64_t node, uint64_t most, net_row_fn *row,
			   net_home_fn *home, bool *endless_ret)
{
	struct guest_bound b = GUEST_BOUND(most);

	*endless_ret = false;
	while (!chain_ended(node) && !net_list_over(l)) {
		size_t mark = seq_mark(l->m);
		uint64_t next = 0;

		for (unsigned int tries = 0; tries < 2; tries++) {
			struct guest_record r = guest_record_begin();

			if (!tries && !guest_more_at(&b, node)) {
				guest_record_end(&r);
				*endless_ret = true;
				return 0;
			}
			bool shown = (!home || home(l, node)) && row(l, node);
			next = chain_next(node);
			if (guest_record_end(&r)) {
				l->num += shown;
				break;
			}
			seq_rollback(l->m, mark);
			l->failed += tries;
		}
		node = next;
	}
	return node;
}

void net_chain(struct net_list *l, uint64_t first, int64_t end, net_row_fn *row, net_home_fn *home)
{
	size_t mark = seq_mark(l->m);
	uint64_t num = l->num;
	bool in_step = l->in_step;

	for (unsigned int tries = 0; tries < 3; tries++) {
		bool endless;
		uint64_t last = chain_once(l, first, NET_CHAIN_MAX, row, tries == 2 ? home : NULL,
					   &endless);

		if (!endless && (end == NET_ANY_END || last == ((uint64_t)end << 1 | 1)))
			return;
		if (!endless && tries == 2)
			return;
		seq_rollback(l->m, mark);
		l->num = num;
		l->in_step = in_step;

		struct guest_record r = guest_record_begin();

		if (endless) {
			chain_once(l, first, chain_distinct(first, NET_CHAIN_MAX), row, home, &endless);
			guest_record_end(&r);
			return;
		}
		if (l->head)
			first = chain_next(l->head);
		guest_record_end(&r);
	}
}

struct ahead net_reads_socks(const struct net_list *l, uint64_t size)
{
	struct ahead a = { 0 };

	if (!guest_hints())
		return a;
	a = ahead_make(guest_offsetof(struct sock, __sk_common.skc_node), size);
	if (!l->own_ino)
		ahead_follow_part(&a, AHEAD_NODE, guest_offsetof(struct sock, sk_socket),
				  l->socket_inode, guest_offsetof(struct inode, i_ino) + 8);
	return a;
}

void net_chain_ahead(uint64_t first, const struct ahead *reads)
{
	struct guest_chain chain = reads->chain;

	if (!guest_hints())
		return;
	chain.first.v = first;
	guest_chase(&chain);
}

static void table_ahead(const struct net_table *t, uint64_t count)
{
	struct guest_chain chain = { .after = sizeof(uint64_t), .bound = UINT32_MAX };

	if (t->reads)
		chain = t->reads->chain;
	chain.first.v = t->base + t->head;
	chain.heads = (uint32_t)count;
	chain.stride = t->stride;
	guest_chase(&chain);
}

enum {
	AHEAD = 6, /* buckets from one step to the next */
	BAD_PAGES_MAX = 16, /* of buckets: a table with more of them is none */
};

/* The buckets of one page that hold something. */
struct full {
	unsigned int count;
	uint16_t bucket[GUEST_PAGE_SIZE / sizeof(uint64_t)];
	uint64_t first[GUEST_PAGE_SIZE / sizeof(uint64_t)];
};

/*
 * Of those on a chain each is a step behind the one before it: where it is, is told there. Of a bucket whose turn it is
 * the first one needs nothing more.
 */
static void chain_ahead(const struct net_list *l, uint64_t node, unsigned int step, net_ahead_fn *ahead)
{
	for (; !chain_ended(node); node = chain_next(node)) {
		if (step < NET_AHEAD_STEPS)
			ahead(l, node, step);
		if (step-- == 0)
			return;
	}
}

/* Returns how many buckets of the page were walked, `n` unless the listing stops here. */
static uint64_t full_walk(struct net_list *l, const struct net_walk *w, const struct full *f,
			  uint64_t n, net_bucket_fn *bucket, net_ahead_fn *ahead)
{
	const struct net_table *t = &w->t;
	/* what came for this walk lies together: where it is found is all that is waited for */
	const unsigned int steps = guest_hints() ? NET_AHEAD_NODE : NET_AHEAD_STEPS;

	for (unsigned int i = 0; i < f->count && !net_list_over(l); i++) {
		if (!w->whole && seq_enough(l->m))
			return f->bucket[i];
		if (ahead) {
			struct guest_record r = guest_record_begin();

			for (unsigned int step = 0; step <= steps; step++) {
				unsigned int to = i + (NET_AHEAD_STEPS - step) * AHEAD;

				if (to < f->count)
					chain_ahead(l, f->first[to], step, ahead);
			}
			guest_record_end(&r);
		}
		l->bucket = (uint32_t)(w->next + f->bucket[i]);
		l->head = t->base + l->bucket * (uint64_t)t->stride + t->head;
		bucket(l, f->first[i]);
	}
	return n;
}

void net_walk_begin(struct net_walk *w, const struct net_table *t)
{
	uint64_t count = t->count < NET_TABLE_MAX ? t->count : NET_TABLE_MAX;

	*w = (struct net_walk){ .t = *t };
	w->t.count = count;
	if (!t->base || t->stride < sizeof(uint64_t) || t->stride % sizeof(uint64_t) ||
	    t->head % sizeof(uint64_t) || t->head >= t->stride || t->stride > GUEST_PAGE_SIZE) {
		w->t.count = 0;
		w->bad = 1;
	} else if (guest_hints()) {
		table_ahead(t, count);
	}
	w->t.reads = NULL;
}

bool net_walk_on(struct net_list *l, struct net_walk *w, net_bucket_fn *bucket, net_ahead_fn *ahead)
{
	const struct net_table *t = &w->t;
	uint64_t words = t->stride / sizeof(uint64_t);
	struct full full;

	while (w->next < t->count && w->bad <= BAD_PAGES_MAX && !net_list_over(l)) {
		struct guest_record r = guest_record_begin();
		uint64_t at = t->base + w->next * t->stride;
		uint64_t n = guest_page_left(at) / t->stride;

		if (!n)
			n = 1;
		if (n > t->count - w->next)
			n = t->count - w->next;

		const uint64_t __pinned *heads = guest_pin_bytes(guest_ptr(const uint64_t, at),
								 n * t->stride);
		const uint64_t __pinned *h = heads + t->head / sizeof(uint64_t);

		full.count = 0;
		for (uint64_t j = 0; j < n; j++, h += words) {
			uint64_t first = *h;

			if (t->locked)
				first &= ~1ull;
			if (chain_ended(first) || (w->only && !others_in(w->only, w->next + j)))
				continue;
			full.bucket[full.count] = (uint16_t)j;
			full.first[full.count++] = first;
		}
		w->next += full_walk(l, w, &full, n, bucket, ahead);
		w->bad += guest_faulted();
		guest_record_end(&r);
		if (!w->whole && seq_enough(l->m) && w->next < t->count)
			return false;
	}
	l->head = 0;
	return true;
}

bool net_table_walk(struct net_list *l, const struct net_table *t, net_bucket_fn *bucket,
		    net_ahead_fn *ahead)
{
	struct net_walk w;

	net_walk_begin(&w, t);
	w.whole = true;
	(void)net_walk_on(l, &w, bucket, ahead);
	return !w.bad;
}

struct net_record net_record_first(struct net_list *l)
{
	return (struct net_record){ .mark = seq_mark(l->m) };
}

bool net_record_again(struct net_list *l, struct net_record *r)
{
	if (r->tries) {
		if (guest_record_end(&r->r))
			return false;
		seq_rollback(l->m, r->mark);
		if (r->tries == 2) {
			l->failed++;
			return false;
		}
	}
	r->tries++;
	r->r = guest_record_begin();
	return true;
}

/* ---- devices ---- */

enum {
	DEVICES_MAX = 1 << 20,
	BAD_DEVICES_MAX = 16, /* at another index than they say: the array is none */
};

void net_dev_walk(struct net_list *l, net_dev_fn *fn)
{
	struct guest_bound b = GUEST_BOUND(DEVICES_MAX);
	unsigned int bad = 0;

	if (guest_has(struct net, dev_by_index)) {
		for (uint64_t index = 1; bad < BAD_DEVICES_MAX && guest_more(&b); index++) {
			struct net_device __guest *dev = (struct net_device __guest *)xa_find(
				&l->net->dev_by_index, &index);

			if (!dev)
				break;
			if (dev->ifindex == (int64_t)index)
				fn(l, dev);
			else
				bad++;
		}
		return;
	}
	for (unsigned int i = 0; i < 256; i++) { /* NETDEV_HASHENTRIES */
		struct net_device __guest *dev;

		hlist_for_each_entry(dev, &l->net->dev_index_head[i], index_hlist)
			fn(l, dev);
	}
}

void net_dev_name(struct net_device __guest *dev, char name[17])
{
	guest_strncpy(name, &dev->name[0], 17);
}

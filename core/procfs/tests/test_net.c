// SPDX-License-Identifier: MIT
/*
 * /proc/net over a synthetic guest: rows as they must be, and tables that are torn, endless, far
 * too large, or lead astray.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "internal.h"
#include "others.h"
#include "synthetic.h"

extern uint64_t net_siphash(const uint64_t key[2], uint64_t data);

/* ---- the guest's types ---- */

static const struct synthetic_record records[] = {
	{ "hlist_node", 16, { { "next", 0, "ptr" }, { "pprev", 8, "ptr" } } },
	{ "hlist_head", 8, { { "first", 0, "ptr" } } },
	{ "hlist_nulls_head", 8, { { "first", 0, "ptr" } } },
	{ "atomic_t", 4, { { "counter", 0, "u32" } } },
	{ "refcount_struct", 4, { { "refs", 0, "atomic_t" } } },
	{ "kuid_t", 4, { { "val", 0, "u32" } } },
	{ "possible_net_t", 8, { { "net", 0, "ptr" } } },
	{ "in6_addr", 16, { { "u6_addr8", 0, "char16" } } },
	{ "timer_list", 24, { { "entry", 0, "hlist_node" }, { "expires", 16, "u64" } } },
	{ "clocksource", 8, { { "mult", 0, "u32" }, { "shift", 4, "u32" } } },
	{ "inode", 16, { { "i_ino", 0, "u64" }, { "i_uid", 8, "kuid_t" } } },
	{ "socket", 16, { { "type", 0, "u16" } } },
	{ "socket_alloc", 32, { { "socket", 0, "socket" }, { "vfs_inode", 16, "inode" } } },
	{ "sock_common", 136, {
		{ "skc_daddr", 0, "u32" }, { "skc_rcv_saddr", 4, "u32" }, { "skc_hash", 8, "u32" },
		{ "skc_dport", 12, "u16" }, { "skc_num", 14, "u16" }, { "skc_portpair", 12, "u32" },
		{ "skc_family", 16, "u16" }, { "skc_state", 18, "u8" },
		{ "skc_net", 48, "possible_net_t" }, { "skc_v6_daddr", 56, "in6_addr" },
		{ "skc_v6_rcv_saddr", 72, "in6_addr" }, { "skc_node", 88, "hlist_node" },
		{ "skc_listener", 112, "ptr" }, { "skc_refcnt", 128, "refcount_struct" } } },
	{ "backlog", 4, { { "rmem_alloc", 0, "atomic_t" } } },
	{ "sock", 256, {
		{ "__sk_common", 0, "sock_common" }, { "sk_backlog", 136, "backlog" },
		{ "sk_wmem_alloc", 140, "refcount_struct" }, { "sk_drops", 144, "atomic_t" },
		{ "sk_ack_backlog", 148, "u32" }, { "sk_type", 152, "u16" },
		{ "sk_timer", 160, "timer_list" }, { "sk_socket", 184, "ptr" } } },
	{ "inet_sock", 264, { { "sk", 0, "sock" }, { "inet_sport", 256, "u16" } } },
	{ "fastopen_queue", 4, { { "max_qlen", 0, "u32" } } },
	{ "request_sock_queue", 4, { { "fastopenq", 0, "fastopen_queue" } } },
	{ "icsk_ack", 8, { { "quick", 0, "u8" }, { "pingpong", 1, "u8" }, { "ato", 4, "u32" } } },
	{ "inet_connection_sock", 304, {
		{ "icsk_timeout", 264, "u64" }, { "icsk_rto", 272, "u32" },
		{ "icsk_retransmits", 276, "u8" }, { "icsk_pending", 277, "u8" },
		{ "icsk_probes_out", 278, "u8" }, { "icsk_ack", 280, "icsk_ack" },
		{ "icsk_accept_queue", 288, "request_sock_queue" } } },
	{ "tcp_sock", 336, {
		{ "rcv_nxt", 304, "u32" }, { "copied_seq", 308, "u32" },
		{ "write_seq", 312, "u32" }, { "snd_una", 316, "u32" }, { "snd_cwnd", 320, "u32" },
		{ "snd_ssthresh", 324, "u32" } } },
	{ "inet_timewait_sock", 176, {
		{ "__tw_common", 0, "sock_common" }, { "tw_substate", 136, "u8" },
		{ "tw_sport", 138, "u16" }, { "tw_timer", 144, "timer_list" } } },
	{ "request_sock", 176, {
		{ "__req_common", 0, "sock_common" }, { "rsk_timer", 136, "timer_list" },
		{ "num_timeout", 160 * 8 + 1, "u8", 7 } } },
	{ "inet_ehash_bucket", 8, { { "chain", 0, "hlist_nulls_head" } } },
	{ "inet_listen_hashbucket", 16, { { "nulls_head", 8, "hlist_nulls_head" } } },
	{ "inet_hashinfo", 24, {
		{ "ehash", 0, "ptr" }, { "ehash_mask", 8, "u32" }, { "lhash2_mask", 12, "u32" },
		{ "lhash2", 16, "ptr" } } },
	{ "inet_timewait_death_row", 16, { { "hashinfo", 8, "ptr" } } },
	{ "netns_ipv4", 32, {
		{ "tcp_death_row", 0, "inet_timewait_death_row" }, { "fib_table_hash", 16, "ptr" },
		{ "fib_has_custom_rules", 24, "u8" } } },
	{ "netns_ipv6", 8, { { "fib_table_hash", 0, "ptr" } } },
	{ "unix_table", 16, { { "buckets", 8, "ptr" } } },
	{ "netns_unix", 16, { { "table", 0, "unix_table" } } },
	{ "net", 128, {
		{ "ipv4", 0, "netns_ipv4" }, { "unx", 32, "netns_unix" }, { "ipv6", 48, "netns_ipv6" } } },
	{ "sockaddr_un", 110, { { "sun_path", 2, "char108" } } },
	{ "unix_address", 120, { { "len", 4, "u32" }, { "name", 8, "sockaddr_un" } } },
	{ "unix_sock", 272, { { "sk", 0, "sock" }, { "addr", 256, "ptr" } } },
	{ "fib_table", 32, {
		{ "tb_hlist", 0, "hlist_node" }, { "tb_id", 16, "u32" }, { "tb_data", 24, "ptr" } } },
	{ "key_vector", 16, {
		{ "key", 0, "u32" }, { "pos", 4, "u8" }, { "bits", 5, "u8" },
		{ "leaf", 8, "hlist_head" }, { "tnode", 8, "u64" } } },
	{ "trie", 16, { { "kv", 0, "key_vector" } } },
	{ "tnode", 24, {
		{ "empty_children", 0, "u32" }, { "full_children", 4, "u32" },
		{ "kv", 8, "key_vector" } } },
	{ "fib_info", 8, { { "fib_scope", 0, "u8" } } },
	{ "fib_alias", 40, {
		{ "fa_list", 0, "hlist_node" }, { "fa_info", 16, "ptr" }, { "fa_type", 24, "u8" },
		{ "fa_slen", 25, "u8" }, { "fa_tos", 26, "u8" }, { "tb_id", 28, "u32" } } },
	{ "fib6_node", 48, {
		{ "parent", 0, "ptr" }, { "left", 8, "ptr" }, { "right", 16, "ptr" },
		{ "leaf", 24, "ptr" }, { "fn_flags", 32, "u16" } } },
	{ "fib6_table", 80, { { "tb6_hlist", 0, "hlist_node" }, { "tb6_root", 32, "fib6_node" } } },
};

/* ---- the guest ---- */

enum {
	JIFFIES = 1000000,
	BUCKETS = 16,
};

/* Where things lie. */
#define NET	 AT(0x0)
#define OTHER	 AT(0x100)
#define HASHINFO AT(0x200)
#define CLOCK	 AT(0x300)
#define TICKS	 AT(0x310)
#define KPTR	 AT(0x318)
#define EHASH	 AT(0x400)
#define LHASH	 AT(0x500)
#define UNIXES	 AT(0x1000) /* 512 buckets */
#define SOCKS	 AT(0x2000) /* 0x400 each */
#define SOCK(n)	 (SOCKS + 0x400 * (n))
#define NODE(n)	 (SOCK(n) + 88)
#define TABLES	 AT(0x20000)
#define TRIE	 AT(0x21000)

static const struct synth_symbol symbols[] = {
	{ "tcp_hashinfo", 'D', HASHINFO }, { "clocksource_jiffies", 'd', CLOCK },
	{ "jiffies", 'D', TICKS }, { "kptr_restrict", 'D', KPTR },
};

struct fixture {
	struct synthetic g;
	struct seq_file m;
	struct procfs *fs;
};

static int setup_on(void **state, unsigned int flags)
{
	struct fixture *f = calloc(1, sizeof(*f));

	synthetic_init(&f->g, synthetic_types(records, sizeof(records) / sizeof(records[0])), symbols, sizeof(symbols) / sizeof(symbols[0]), flags);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, NULL, &f->g.guest),
			 ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, NULL), ERR_OK);

	synth_put32(f->g.s, KPTR, 1); /* pointers are shown as they are */
	synth_put32(f->g.s, CLOCK, 4000000u << 4);
	synth_put32(f->g.s, CLOCK + 4, 4);
	synth_put64(f->g.s, TICKS, JIFFIES);
	synth_put64(f->g.s, NET + 8, HASHINFO);
	synth_put64(f->g.s, HASHINFO, EHASH);
	synth_put32(f->g.s, HASHINFO + 8, BUCKETS - 1);
	synth_put32(f->g.s, HASHINFO + 12, 1);
	synth_put64(f->g.s, HASHINFO + 16, LHASH);
	for (uint64_t i = 0; i < BUCKETS; i++)
		synth_put64(f->g.s, EHASH + 8 * i, i << 1 | 1);
	for (uint64_t i = 0; i < 2; i++)
		synth_put64(f->g.s, LHASH + 16 * i + 8, ((1ull << 29) + i) << 1 | 1);
	*state = f;
	return 0;
}

static int setup(void **state)
{
	return setup_on(state, SYNTH_MAP);
}

/* The guest's memory can only be copied. */
static int setup_copies(void **state)
{
	return setup_on(state, 0);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	seq_deinit(&f->m);
	procfs_destroy(f->fs);
	synthetic_deinit(&f->g);
	free(f);
	return 0;
}

/* A TCP socket on this machine, of the namespace NET, in bucket `hash`, before node `next`. */
static void put_sock(struct fixture *f, unsigned int n, uint8_t state, uint32_t hash, uint64_t next)
{
	uint64_t at = SOCK(n);

	synth_put32(f->g.s, at, 0x0100007f);
	synth_put32(f->g.s, at + 4, 0x0200007f);
	synth_put32(f->g.s, at + 8, hash);
	synth_put32(f->g.s, at + 12, 0x00005000); /* port 80 there */
	synth_put32(f->g.s, at + 16, (uint32_t)state << 16 | 2);
	synth_put64(f->g.s, at + 48, NET);
	synth_put64(f->g.s, at + 88, next);
	synth_put32(f->g.s, at + 128, 2);
	synth_put32(f->g.s, at + 256, 0x1600 + (n << 8)); /* port 22 + n here */
	synth_put32(f->g.s, at + 272, 50);	  /* rto: 200 ms */
	synth_put32(f->g.s, at + 320, 10);
	synth_put32(f->g.s, at + 324, 0x7fffffff);
}

struct show {
	proc_show_fn *fn;
	struct proc_item it;
	struct seq_file *m;
	int result;
};

static void run_show(void *arg)
{
	struct show *s = arg;

	s->result = s->fn(&s->it, s->m);
}

/* In portions of at least so many bytes; how many there were. */
static unsigned int show_portions(struct fixture *f, const char *file, size_t portion)
{
	const struct proc_row *row = proc_net_rows;
	struct show s = { .it = { .fs = f->fs, .net = NET, .in_net = true }, .m = &f->m };
	unsigned int portions = 0;

	while (strcmp(row->name, file))
		row++;
	s.fn = row->show;
	seq_deinit(&f->m);
	seq_init(&f->m, &f->g.alloc, 1 << 20);
	do {
		if (portion)
			f->m.enough = f->m.count + portion;
		assert_int_equal(guest_run(f->g.guest, run_show, &s), ERR_OK);
		assert_int_equal(s.result, 0);
		assert_true(!f->m.rest || seq_enough(&f->m));
		portions++;
	} while (f->m.rest);
	seq_putc(&f->m, '\0');
	assert_int_equal(f->m.error, 0);
	return portions;
}

static const char *show(struct fixture *f, const char *file)
{
	assert_int_equal(show_portions(f, file, 0), 1);
	return f->m.buf;
}

/* Lines of the file that hold `text`. */
static unsigned int count(struct fixture *f, const char *file, const char *text)
{
	unsigned int n = 0;

	for (const char *at = show(f, file); (at = strstr(at, text)); at++)
		n++;
	return n;
}

/* ---- the tests ---- */

static void test_siphash(void **state)
{
	/* the reference implementation's vector of eight bytes 0..7 under the key 0..15 */
	const uint64_t key[2] = { 0x0706050403020100u, 0x0f0e0d0c0b0a0908u };

	(void)state;
	assert_true(net_siphash(key, 0x0706050403020100u) == 0x93f5f5799a932462u);
}

static void test_rows(void **state)
{
	struct fixture *f = *state;
	char expected[1024];

	put_sock(f, 0, 10, 0, ((1ull << 29) + 1) << 1 | 1); /* listening, backlog 3 */
	synth_put32(f->g.s, SOCK(0) + 148, 3);
	synth_put32(f->g.s, SOCK(0) + 288, 5);
	synth_put64(f->g.s, LHASH + 16 + 8, NODE(0));
	put_sock(f, 1, 1, 3, NODE(2)); /* established, retransmitting in 1 s */
	synth_put64(f->g.s, SOCK(1) + 264, JIFFIES + 250);
	synth_put32(f->g.s, SOCK(1) + 276, 0x00030102); /* retransmits, pending, probes */
	synth_put32(f->g.s, SOCK(1) + 304, 100);
	synth_put32(f->g.s, SOCK(1) + 308, 40);
	synth_put32(f->g.s, SOCK(1) + 312, 7);
	synth_put64(f->g.s, SOCK(1) + 184, SOCK(9));
	synth_put64(f->g.s, SOCK(9) + 16, 4711);
	synth_put32(f->g.s, SOCK(9) + 24, 1000);
	put_sock(f, 2, 6, 3, NODE(3)); /* time-wait, 2 s to go */
	synth_put32(f->g.s, SOCK(2) + 136, 0x19000005); /* fin-wait2, port 25 */
	synth_put64(f->g.s, SOCK(2) + 160, JIFFIES + 500);
	put_sock(f, 3, 12, 3, 3 << 1 | 1); /* a request; its timer is over */
	synth_put32(f->g.s, SOCK(3) + 12, 0x00165000);
	synth_put64(f->g.s, SOCK(3) + 112, SOCK(1));
	synth_put64(f->g.s, SOCK(3) + 152, JIFFIES - 1);
	synth_put32(f->g.s, SOCK(3) + 160, 4 << 1 | 1);
	synth_put64(f->g.s, EHASH + 8 * 3, NODE(1));

	snprintf(expected, sizeof(expected), "%-149s\n%-149s\n",
		 "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid"
		 "  timeout inode",
		 "   0: 0200007F:0016 0100007F:0050 0A 00000000:00000003 00:00000000 00000000     0"
		 "        0 0 2 ffffffff81402000 20 0 0 10 5");
	assert_memory_equal(show(f, "tcp"), expected, 300);
	snprintf(expected, sizeof(expected), "%-149s\n%-149s\n%-149s\n",
		 "   1: 0200007F:0017 0100007F:0050 01 00000007:0000003C 01:00000064 00000002  1000"
		 "        3 4711 2 ffffffff81402400 20 0 0 10 -1",
		 "   2: 0200007F:0019 0100007F:0050 05 00000000:00000000 03:000000C8 00000000     0"
		 "        0 0 2 ffffffff81402800",
		 "   3: 0200007F:0016 0100007F:0050 03 00000000:00000000 01:00000000 00000004  1000"
		 "        0 0 0 ffffffff81402c00");
	assert_string_equal(f->m.buf + 300, expected);
	assert_int_equal(count(f, "tcp6", "\n"), 1);
}

static void test_other_namespace(void **state)
{
	struct fixture *f = *state;

	put_sock(f, 0, 1, 0, NODE(1));
	put_sock(f, 1, 1, 0, 1);
	synth_put64(f->g.s, SOCK(0) + 48, OTHER);
	synth_put64(f->g.s, EHASH, NODE(0));
	assert_int_equal(count(f, "tcp", "\n"), 2);
	assert_int_equal(count(f, "tcp", "   0: 0200007F:0017"), 1);
}

/* 120 sockets, on two pages of buckets, of which one in ten is of IPv6. */
static void put_many(struct fixture *f)
{
	enum { MANY = 1024 };
	const uint64_t hash = AT(0x22000);
	uint64_t heads[MANY];

	synth_put64(f->g.s, HASHINFO, hash);
	synth_put32(f->g.s, HASHINFO + 8, MANY - 1);
	for (uint64_t i = 0; i < MANY; i++)
		heads[i] = i << 1 | 1;
	for (unsigned int n = 0; n < 120; n++) {
		uint32_t bucket = n % 4 < 2 ? n * 8 : n / 4 * 4 * 8; /* some share one */

		put_sock(f, n, 1, bucket, heads[bucket]);
		if (n % 10 == 3)
			synth_put32(f->g.s, SOCK(n) + 16, 1 << 16 | 10);
		heads[bucket] = NODE(n);
	}
	for (uint64_t i = 0; i < MANY; i++)
		synth_put64(f->g.s, hash + 8 * i, heads[i]);
	put_sock(f, 121, 10, 0, 1ull << 30 | 1);
	synth_put64(f->g.s, LHASH + 8, NODE(121));
	put_sock(f, 122, 10, 0, ((1ull << 29) + 1) << 1 | 1);
	synth_put64(f->g.s, LHASH + 16 + 8, NODE(122));
}

static void test_portions(void **state)
{
	static const size_t sizes[] = {1, 150, 151, 1000, 5000, 1 << 20};
	struct fixture *f = *state;
	char *whole[2];

	put_many(f);
	assert_int_equal(count(f, "tcp", "\n"), 1 + 120 - 12 + 2);
	whole[0] = strdup(show(f, "tcp"));
	assert_int_equal(count(f, "tcp6", "\n"), 1 + 12);
	whole[1] = strdup(show(f, "tcp6"));
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int portions = show_portions(f, "tcp", sizes[i]);

		assert_string_equal(f->m.buf, whole[0]);
		if (sizes[i] < 1000)
			assert_in_range(portions, 20, 120);
		show_portions(f, "tcp6", sizes[i]);
		assert_string_equal(f->m.buf, whole[1]);
		/* and each after itself */
		show_portions(f, "tcp6", sizes[i]);
		assert_string_equal(f->m.buf, whole[1]);
	}
	free(whole[0]);
	free(whole[1]);
	/* files that don't come in portions do not mind */
	synth_put64(f->g.s, NET + 40, UNIXES);
	assert_int_equal(show_portions(f, "unix", 1), 1);
}

static void test_portions_are_one_run(void **state)
{
	const struct llview_guest_opts opts = { .fuel = 60 };
	struct fixture *f = *state;
	struct show s = { .it = { .net = NET, .in_net = true }, .m = &f->m };
	unsigned int runs = 0;
	enum err e;

	/* each portion is within the bounds of a run; all of them aren't */
	put_many(f);
	procfs_destroy(f->fs);
	llview_guest_destroy(f->g.guest);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, &opts, &f->g.guest),
			 ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, NULL), ERR_OK);
	s.it.fs = f->fs;
	for (const struct proc_row *row = proc_net_rows; row->name; row++)
		if (!strcmp(row->name, "tcp"))
			s.fn = row->show;
	seq_init(&f->m, &f->g.alloc, 1 << 20);
	do {
		f->m.enough = f->m.count + 1;
		e = guest_run(f->g.guest, run_show, &s);
		runs++;
	} while (e == ERR_OK && f->m.rest);
	assert_int_equal(e, ERR_LIMIT);
	assert_true(runs > 2);
}

/* Two listings of one epoch, of which the second looks only where the first one left something. */
static void test_others(void **state)
{
	struct fixture *f = *state;
	struct others *o;
	uint64_t epoch, begun;
	char *whole[2];

	put_many(f);
	/* a row that can't be read, and a chain that leads astray, are looked at again */
	synth_put64(f->g.s, SOCK(7) + 184, 0xffffc90000000000u);
	whole[1] = strdup(show(f, "tcp6"));
	whole[0] = strdup(show(f, "tcp"));
	for (int i = 0; i < 2; i++) {
		assert_int_equal(llview_guest_epoch(f->g.guest, NULL), ERR_OK);
		o = procfs_others(f->fs, &begun);
		assert_non_null(o);
		assert_false(others_known(o, begun, 10, AT(0x22000), 1024));
		show_portions(f, "tcp", i ? 1000 : 0);
		assert_string_equal(f->m.buf, whole[0]);
		o = procfs_others(f->fs, &epoch);
		if (epoch != begun)
			continue; /* copies live for a while only */
		assert_true(others_known(o, epoch, 10, AT(0x22000), 1024));
		assert_false(others_known(o, epoch, 2, AT(0x22000), 1024));
		assert_false(others_known(o, epoch + 1, 10, AT(0x22000), 1024));
		assert_false(others_known(o, epoch, 10, AT(0x22000), 512));
		assert_false(others_known(o, epoch, 10, AT(0x23000), 1024));
		assert_true(others_in(o, 7 / 4 * 4 * 8));  /* couldn't be read */
		assert_true(others_in(o, 13 * 8));	    /* IPv6 */
		assert_false(others_in(o, 5 * 8));
		show_portions(f, "tcp6", i ? 1000 : 0);
		assert_string_equal(f->m.buf, whole[1]);
		show_portions(f, "tcp", 0);
		assert_string_equal(f->m.buf, whole[0]);
	}
	free(whole[0]);
	free(whole[1]);
}

static void test_others_bounds(void **state)
{
	struct others o = { 0 };
	struct base_alloc alloc;

	(void)state;
	base_alloc_init(&alloc, 4096);
	o.alloc = &alloc;
	assert_true(others_begin(&o, 1, 2, 0x1000, 65));
	others_note(&o, 64);
	others_note(&o, 65); /* none of them */
	others_end(&o, 2);
	assert_false(others_known(&o, 1, 10, 0x1000, 65));
	others_end(&o, 1);
	assert_true(others_known(&o, 1, 10, 0x1000, 65));
	assert_true(others_in(&o, 64));
	assert_false(others_in(&o, 63));
	/* no memory: nothing is known, and nothing is noted */
	assert_false(others_begin(&o, 1, 2, 0x1000, 1 << 24));
	others_note(&o, 0);
	others_end(&o, 1);
	assert_false(others_known(&o, 1, 10, 0x1000, 1 << 24));
	assert_true(others_begin(&o, 1, 2, 0x1000, 0));
	others_end(&o, 1);
	assert_false(others_known(&o, 1, 10, 0x1000, 0));
	others_deinit(&o);
	assert_int_equal(alloc.used, 0);
}

/* 0 -> 1 -> 2 -> 3 -> 1 ...: each once. */
static void test_cycle(void **state)
{
	struct fixture *f = *state;

	for (unsigned int n = 0; n < 4; n++)
		put_sock(f, n, 1, 5, NODE(n < 3 ? n + 1 : 1));
	synth_put64(f->g.s, EHASH + 8 * 5, NODE(0));
	assert_int_equal(count(f, "tcp", "\n"), 5);
	for (unsigned int n = 0; n < 4; n++) {
		char text[16];

		snprintf(text, sizeof(text), "7F:00%02X", 22 + n);
		assert_int_equal(count(f, "tcp", text), 1);
	}
	synth_put64(f->g.s, NODE(0), NODE(0)); /* onto itself */
	assert_int_equal(count(f, "tcp", "\n"), 2);
}

/* The chain of bucket 5 runs into that of bucket 6. */
static void test_astray(void **state)
{
	struct fixture *f = *state;

	put_sock(f, 0, 1, 5, NODE(1));
	put_sock(f, 1, 1, 6, 6 << 1 | 1);
	synth_put64(f->g.s, EHASH + 8 * 5, NODE(0));
	synth_put64(f->g.s, EHASH + 8 * 6, NODE(1));
	assert_int_equal(count(f, "tcp", "\n"), 3);
	assert_int_equal(count(f, "tcp", ":0016 "), 1);
	assert_int_equal(count(f, "tcp", ":0017 "), 1);
}

/* A socket that can't be read to its end is left out, and what is behind it can't be found. */
static void test_torn(void **state)
{
	struct fixture *f = *state;

	put_sock(f, 0, 1, 5, NODE(1));
	put_sock(f, 1, 1, 5, 0xdead000000000100u);
	put_sock(f, 2, 1, 7, 7 << 1 | 1);
	synth_put64(f->g.s, SOCK(0) + 184, 0xffffc90000000000u); /* no such socket's inode */
	synth_put64(f->g.s, EHASH + 8 * 5, NODE(0));
	synth_put64(f->g.s, EHASH + 8 * 7, NODE(2));
	assert_int_equal(count(f, "tcp", "\n"), 3);
	assert_int_equal(count(f, "tcp", ":0016 "), 0);
}

/* Tables far beyond the memory, or none at all: given up soon. */
static void test_tables(void **state)
{
	struct fixture *f = *state;

	put_sock(f, 2, 1, 7, 7 << 1 | 1);
	synth_put64(f->g.s, EHASH + 8 * 7, NODE(2));
	synth_put32(f->g.s, HASHINFO + 8, UINT32_MAX);
	assert_true(count(f, "tcp", "\n") >= 2);
	synth_put64(f->g.s, HASHINFO, 0xdead000000000000u);
	assert_int_equal(count(f, "tcp", "\n"), 1);
	synth_put64(f->g.s, NET + 8, 0xdead000000000000u);
	assert_int_equal(count(f, "tcp", "\n"), 1);
}

static void put_unix(struct fixture *f, const char *path, uint32_t len)
{
	put_sock(f, 0, 1, 0, 0);
	synth_put32(f->g.s, SOCK(0) + 152, 1);
	synth_put64(f->g.s, SOCK(0) + 256, SOCK(1));
	synth_put32(f->g.s, SOCK(1) + 4, len);
	synth_write(f->g.s, SOCK(1) + 10, path, 32);
	synth_put64(f->g.s, NET + 40, UNIXES);
	synth_put64(f->g.s, UNIXES + 8 * 511, NODE(0));
}

static void test_unix_names(void **state)
{
	static const char abstract[32] = "\0a\0b", path[32] = "/run/x", bare[32];
	struct fixture *f = *state;

	put_unix(f, abstract, 2 + 4);
	assert_non_null(strstr(show(f, "unix"), " 0001 02     0 @a@b\n"));
	put_unix(f, path, 2 + 7);
	assert_non_null(strstr(show(f, "unix"), " 0001 02     0 /run/x\n"));
	put_unix(f, bare, 2);
	assert_non_null(strstr(show(f, "unix"), " 0001 02     0 @\n"));
	put_unix(f, path, 0x80000000u);
	assert_int_equal(count(f, "unix", "\n"), 1);
	put_unix(f, path, 4000);
	assert_int_equal(count(f, "unix", "\n"), 1);
}

/* A trie whose nodes are their own children; a leaf as its own neighbour. */
static void test_trie(void **state)
{
	struct fixture *f = *state;

	synth_put64(f->g.s, NET + 16, TABLES);
	synth_put64(f->g.s, TABLES + 8 * 254, TABLES + 0x900);
	synth_put32(f->g.s, TABLES + 0x900 + 16, 254);
	synth_put64(f->g.s, TABLES + 0x900 + 24, TRIE);
	synth_put64(f->g.s, TRIE + 8, TRIE + 0x100);
	synth_put32(f->g.s, TRIE + 0x100 + 4, 1 << 8); /* one bit: two children */
	synth_put64(f->g.s, TRIE + 0x108, TRIE + 0x100);
	synth_put64(f->g.s, TRIE + 0x110, TRIE + 0x200);
	synth_put32(f->g.s, TRIE + 0x200, 0x0a000000); /* 10.0.0.0/8, without a fib_info */
	synth_put64(f->g.s, TRIE + 0x208, TRIE + 0x300);
	synth_put32(f->g.s, TRIE + 0x300 + 24, 24 << 8 | 1);
	synth_put32(f->g.s, TRIE + 0x300 + 28, 254);
	assert_int_equal(count(f, "route", "\n"), 2);
	assert_int_equal(count(f, "route", "*\t0000000A\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0"), 1);
	synth_put32(f->g.s, TRIE + 0x100 + 4, 0xff00); /* 2^255 children */
	assert_int_equal(count(f, "route", "\n"), 1);

	/* the whole trie: 32 nodes deep is as deep as one can be, and what is torn isn't summed up */
	synth_put32(f->g.s, TRIE + 0x100 + 4, 1 << 8);
	synth_put32(f->g.s, TRIE + 0xf8, 1);
	synth_put64(f->g.s, TRIE + 0x300 + 16, TRIE + 0x400);
	synth_put32(f->g.s, TRIE + 0x400, 253);
	assert_int_equal(count(f, "fib_trie", "+--"), 32);
	assert_int_equal(count(f, "fib_trie", "|-- 10.0.0.0\n"), 1);
	assert_int_equal(count(f, "fib_triestat", "\n"), 1);
	synth_put64(f->g.s, TRIE + 0x108, 0);
	assert_string_equal(show(f, "fib_trie"), "Main:\n"
			    "  +-- 0.0.0.0/31 1 0 1\n"
			    "     |-- 10.0.0.0\n"
			    "        /8 link UNICAST\n");
	assert_int_equal(count(f, "fib_triestat", "\tMax depth:      1\n\tLeaves:         1\n"), 1);
	assert_int_equal(count(f, "fib_triestat", "Null ptrs: 1\n"), 1);
}

static void test_fib6(void **state)
{
	struct fixture *f = *state;

	synth_put64(f->g.s, NET + 48, TABLES);
	synth_put64(f->g.s, TABLES, TRIE);
	synth_put64(f->g.s, TRIE + 32, TRIE + 32); /* the root is its own parent and child */
	synth_put64(f->g.s, TRIE + 40, TRIE + 32);
	synth_put64(f->g.s, TRIE + 48, TRIE + 32);
	assert_int_equal(count(f, "ipv6_route", "\n"), 0);
	/* a line of nodes each of which is its parent's left and right child */
	for (uint64_t i = 0, at = TRIE + 32; i < 64; i++, at += 0x40) {
		synth_put64(f->g.s, at, i ? at - 0x40 : 0);
		synth_put64(f->g.s, at + 8, at + 0x40);
		synth_put64(f->g.s, at + 16, at + 0x40);
	}
	assert_int_equal(count(f, "ipv6_route", "\n"), 0);
}

/* Nothing there at all: headings, no more. */
struct asked {
	const struct proc_row *row;
	const struct proc_item it;
	bool present;
};

static void run_present(void *arg)
{
	struct asked *a = arg;

	a->present = !a->row->present || a->row->present(&a->it);
}

static void test_empty(void **state)
{
	struct fixture *f = *state;

	for (const struct proc_row *row = proc_net_rows; row->name; row++) {
		struct asked a = { .row = row, .it = { .fs = f->fs, .net = NET, .in_net = true } };

		assert_int_equal(guest_run(f->g.guest, run_present, &a), ERR_OK);
		if (row->show && a.present)
			show(f, row->name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_siphash),
		cmocka_unit_test_setup_teardown(test_rows, setup, teardown),
		cmocka_unit_test_setup_teardown(test_other_namespace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_portions, setup, teardown),
		cmocka_unit_test_setup_teardown(test_portions_are_one_run, setup, teardown),
		cmocka_unit_test_setup_teardown(test_others, setup_copies, teardown),
		cmocka_unit_test(test_others_bounds),
		cmocka_unit_test_setup_teardown(test_cycle, setup, teardown),
		cmocka_unit_test_setup_teardown(test_astray, setup, teardown),
		cmocka_unit_test_setup_teardown(test_torn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_tables, setup, teardown),
		cmocka_unit_test_setup_teardown(test_unix_names, setup, teardown),
		cmocka_unit_test_setup_teardown(test_trie, setup, teardown),
		cmocka_unit_test_setup_teardown(test_fib6, setup, teardown),
		cmocka_unit_test_setup_teardown(test_empty, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

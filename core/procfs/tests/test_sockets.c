// SPDX-License-Identifier: MIT
/*
 * Sockets of a synthetic guest as netlink tells them (sock_diag(7)): what must be said, which ones are meant, listings in
 * portions, and records that are torn, endless or lie.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "netlink_filter.h"
#include "synthetic.h"
#include "vfs/calls.h"
#include "vfs/netlink.h"

/* ---- the guest's types ---- */

static const struct synthetic_record records[] = {
	{ "hlist_node", 16, { { "next", 0, "ptr" }, { "pprev", 8, "ptr" } } },
	{ "hlist_head", 8, { { "first", 0, "ptr" } } },
	{ "hlist_nulls_head", 8, { { "first", 0, "ptr" } } },
	{ "atomic_t", 4, { { "counter", 0, "u32" } } },
	{ "atomic64_t", 8, { { "counter", 0, "u64" } } },
	{ "refcount_struct", 4, { { "refs", 0, "atomic_t" } } },
	{ "kuid_t", 4, { { "val", 0, "u32" } } },
	{ "possible_net_t", 8, { { "net", 0, "ptr" } } },
	{ "in6_addr", 16, { { "u6_addr8", 0, "char16" } } },
	{ "timer_list", 24, { { "entry", 0, "hlist_node" }, { "expires", 16, "u64" } } },
	{ "clocksource", 8, { { "mult", 0, "u32" }, { "shift", 4, "u32" } } },
	{ "inode", 16, { { "i_ino", 0, "u64" }, { "i_uid", 8, "kuid_t" } } },
	{ "socket", 16, { { "type", 0, "u16" } } },
	{ "socket_alloc", 32, { { "socket", 0, "socket" }, { "vfs_inode", 16, "inode" } } },
	{ "sk_buff_head", 24, { { "next", 0, "ptr" }, { "qlen", 16, "u32" } } },
	{ "sk_buff", 80, { { "next", 0, "ptr" }, { "sk", 8, "ptr" }, { "len", 16, "u32" }, { "cb", 24, "char48" } } },
	{ "unix_skb_parms", 48, { { "consumed", 40, "u32" } } },
	{ "kernfs_node", 8, { { "id", 0, "u64" } } },
	{ "cgroup", 8, { { "kn", 0, "ptr" } } },
	{ "sock_cgroup_data", 16, { { "cgroup", 0, "ptr" }, { "classid", 8, "u32" } } },
	{ "sock_common", 144, {
		{ "skc_daddr", 0, "u32" }, { "skc_rcv_saddr", 4, "u32" }, { "skc_hash", 8, "u32" },
		{ "skc_dport", 12, "u16" }, { "skc_num", 14, "u16" }, { "skc_portpair", 12, "u32" },
		{ "skc_family", 16, "u16" }, { "skc_state", 18, "u8" }, { "skc_ipv6only", 19 * 8, "u8", 1 },
		{ "skc_bound_dev_if", 20, "u32" }, { "skc_cookie", 24, "atomic64_t" },
		{ "skc_net", 48, "possible_net_t" }, { "skc_v6_daddr", 56, "in6_addr" },
		{ "skc_v6_rcv_saddr", 72, "in6_addr" }, { "skc_node", 88, "hlist_node" },
		{ "skc_bind_node", 104, "hlist_node" }, { "skc_refcnt", 128, "refcount_struct" } } },
	{ "backlog", 8, { { "rmem_alloc", 0, "atomic_t" }, { "len", 4, "u32" } } },
	{ "sock", 400, {
		{ "__sk_common", 0, "sock_common" }, { "sk_backlog", 144, "backlog" },
		{ "sk_wmem_alloc", 152, "refcount_struct" }, { "sk_drops", 156, "atomic_t" },
		{ "sk_ack_backlog", 160, "u32" }, { "sk_type", 164, "u16" }, { "sk_protocol", 166, "u16" },
		{ "sk_timer", 168, "timer_list" }, { "sk_socket", 192, "ptr" }, { "sk_receive_queue", 200, "sk_buff_head" },
		{ "sk_omem_alloc", 224, "atomic_t" }, { "sk_rcvbuf", 228, "u32" }, { "sk_sndbuf", 232, "u32" },
		{ "sk_forward_alloc", 236, "u32" }, { "sk_wmem_queued", 240, "u32" }, { "sk_priority", 244, "u32" },
		{ "sk_mark", 248, "u32" }, { "sk_max_ack_backlog", 252, "u32" }, { "sk_pacing_rate", 256, "u64" },
		{ "sk_max_pacing_rate", 264, "u64" }, { "sk_userlocks", 272 * 8 + 4, "u8", 4 }, { "sk_shutdown", 273, "u8" },
		{ "sk_cgrp_data", 280, "sock_cgroup_data" }, { "sk_filter", 296, "ptr" } } },
	{ "ipv6_pinfo", 8, { { "tclass", 0, "u8" } } },
	{ "inet_sock", 432, {
		{ "sk", 0, "sock" }, { "pinet6", 400, "ptr" }, { "inet_sport", 408, "u16" }, { "tos", 410, "u8" },
		{ "inet_flags", 416, "u64" } } },
	{ "udp_sock", 448, { { "forward_deficit", 432, "u32" } } },
	{ "tcp_congestion_ops", 16, { { "name", 0, "char16" } } },
	{ "tcp_ulp_ops", 16, { { "name", 0, "char16" } } },
	{ "icsk_ack", 16, {
		{ "quick", 0, "u8" }, { "pingpong", 1, "u8" }, { "rcv_mss", 2, "u16" }, { "ato", 4, "u32" },
		{ "lrcvtime", 8, "u32" } } },
	{ "inet_connection_sock", 512, {
		{ "icsk_timeout", 432, "u64" }, { "icsk_rto", 440, "u32" }, { "icsk_pmtu_cookie", 444, "u32" },
		{ "icsk_ca_ops", 448, "ptr" }, { "icsk_ulp_ops", 456, "ptr" }, { "icsk_retransmits", 464, "u8" },
		{ "icsk_pending", 465, "u8" }, { "icsk_probes_out", 466, "u8" }, { "icsk_backoff", 467, "u8" },
		{ "icsk_ca_state", 468 * 8, "u8", 5 }, { "icsk_ack", 472, "icsk_ack" } } },
	{ "minmax_sample", 8, { { "v", 4, "u32" } } },
	{ "minmax", 24, { { "s", 0, "minmax_sample[3]" } } },
	{ "tcp_options_received", 8, {
		{ "tstamp_ok", 0, "u8", 1 }, { "wscale_ok", 1, "u8", 1 }, { "sack_ok", 2, "u8", 3 },
		{ "snd_wscale", 8, "u8", 4 }, { "rcv_wscale", 12, "u8", 4 } } },
	{ "rcv_rtt_est", 4, { { "rtt_us", 0, "u32" } } },
	{ "rcvq_space", 4, { { "space", 0, "u32" } } },
	{ "tcp_info", 232, { { "tcpi_state", 0, "u8" } } },
	{ "tcp_sock", 800, {
		{ "rx_opt", 512, "tcp_options_received" }, { "chrono_type", 520 * 8, "u8", 2 },
		{ "rate_app_limited", 520 * 8 + 2, "u8", 1 }, { "fastopen_client_fail", 520 * 8 + 3, "u8", 2 },
		{ "syn_data_acked", 520 * 8 + 5, "u8", 1 }, { "ecn_flags", 521, "u8" }, { "advmss", 522, "u16" },
		{ "mss_cache", 524, "u32" }, { "packets_out", 528, "u32" }, { "sacked_out", 532, "u32" },
		{ "lost_out", 536, "u32" }, { "retrans_out", 540, "u32" }, { "lsndtime", 544, "u32" },
		{ "rcv_tstamp", 548, "u32" }, { "rcv_ssthresh", 552, "u32" }, { "srtt_us", 556, "u32" },
		{ "mdev_us", 560, "u32" }, { "total_retrans", 564, "u32" }, { "snd_nxt", 568, "u32" },
		{ "segs_in", 572, "u32" }, { "segs_out", 576, "u32" }, { "data_segs_in", 580, "u32" },
		{ "data_segs_out", 584, "u32" }, { "chrono_start", 588, "u32" }, { "chrono_stat", 592, "words3" },
		{ "reordering", 604, "u32" }, { "rate_delivered", 608, "u32" }, { "rate_interval_us", 612, "u32" },
		{ "delivered", 616, "u32" }, { "delivered_ce", 620, "u32" }, { "dsack_dups", 624, "u32" },
		{ "reord_seen", 628, "u32" }, { "rcv_ooopack", 632, "u32" }, { "snd_wnd", 636, "u32" },
		{ "rcv_wnd", 640, "u32" }, { "bytes_acked", 648, "u64" }, { "bytes_received", 656, "u64" },
		{ "bytes_sent", 664, "u64" }, { "bytes_retrans", 672, "u64" }, { "rtt_min", 680, "minmax" },
		{ "rcv_rtt_est", 704, "rcv_rtt_est" }, { "rcvq_space", 708, "rcvq_space" },
		{ "rcv_nxt", 712, "u32" }, { "copied_seq", 716, "u32" }, { "write_seq", 720, "u32" },
		{ "snd_una", 724, "u32" }, { "snd_cwnd", 728, "u32" }, { "snd_ssthresh", 732, "u32" } } },
	{ "inet_timewait_sock", 176, {
		{ "__tw_common", 0, "sock_common" }, { "tw_substate", 144, "u8" }, { "tw_sport", 146, "u16" },
		{ "tw_mark", 148, "u32" }, { "tw_timer", 152, "timer_list" } } },
	{ "request_sock", 176, {
		{ "__req_common", 0, "sock_common" }, { "rsk_timer", 144, "timer_list" }, { "num_retrans", 168, "u8" } } },
	{ "inet_request_sock", 184, { { "ir_mark", 176, "u32" } } },
	{ "inet_ehash_bucket", 8, { { "chain", 0, "hlist_nulls_head" } } },
	{ "inet_listen_hashbucket", 16, { { "nulls_head", 8, "hlist_nulls_head" } } },
	{ "inet_hashinfo", 24, {
		{ "ehash", 0, "ptr" }, { "ehash_mask", 8, "u32" }, { "lhash2_mask", 12, "u32" }, { "lhash2", 16, "ptr" } } },
	{ "inet_timewait_death_row", 16, { { "hashinfo", 8, "ptr" } } },
	{ "udp_hslot", 16, { { "head", 0, "hlist_head" } } },
	{ "udp_table", 16, { { "hash", 0, "ptr" }, { "mask", 8, "u32" } } },
	{ "netns_ipv4", 24, { { "tcp_death_row", 0, "inet_timewait_death_row" }, { "udp_table", 16, "ptr" } } },
	{ "unix_table", 16, { { "buckets", 8, "ptr" } } },
	{ "netns_unix", 16, { { "table", 0, "unix_table" } } },
	{ "netns_packet", 8, { { "sklist", 0, "hlist_head" } } },
	{ "net", 128, { { "ipv4", 0, "netns_ipv4" }, { "unx", 32, "netns_unix" }, { "packet", 48, "netns_packet" } } },
	{ "sockaddr_un", 110, { { "sun_path", 2, "char108" } } },
	{ "unix_address", 120, { { "len", 4, "u32" }, { "name", 8, "sockaddr_un" } } },
	{ "super_block", 4, { { "s_dev", 0, "u32" } } },
	{ "dentry", 16, { { "d_inode", 0, "ptr" }, { "d_sb", 8, "ptr" } } },
	{ "path", 16, { { "mnt", 0, "ptr" }, { "dentry", 8, "ptr" } } },
	{ "unix_sock", 432, { { "sk", 0, "sock" }, { "addr", 400, "ptr" }, { "path", 408, "path" }, { "peer", 424, "ptr" } } },
	{ "packet_fanout", 4, { { "id", 0, "u16" }, { "type", 2, "u8" } } },
	{ "prb_bdqc", 8, { { "feature_req_word", 0, "u32" }, { "blk_sizeof_priv", 4, "u16" }, { "retire_blk_tov", 6, "u16" } } },
	{ "packet_ring_buffer", 32, {
		{ "pg_vec", 0, "ptr" }, { "frame_size", 8, "u32" }, { "frame_max", 12, "u32" }, { "pg_vec_pages", 16, "u32" },
		{ "pg_vec_len", 20, "u32" }, { "prb_bdqc", 24, "prb_bdqc" } } },
	{ "packet_mclist", 56, {
		{ "next", 0, "ptr" }, { "ifindex", 8, "u32" }, { "count", 12, "u32" }, { "type", 16, "u16" },
		{ "alen", 18, "u16" }, { "addr", 20, "char32" } } },
	{ "packet_sock", 528, {
		{ "sk", 0, "sock" }, { "fanout", 400, "ptr" }, { "rx_ring", 408, "packet_ring_buffer" },
		{ "tx_ring", 440, "packet_ring_buffer" }, { "mclist", 472, "ptr" }, { "flags", 480, "u64" },
		{ "running", 488, "u32" }, { "ifindex", 492, "u32" }, { "num", 496, "u16" }, { "copy_thresh", 500, "u32" },
		{ "tp_version", 504, "u32" }, { "tp_reserve", 508, "u32" }, { "tp_tstamp", 512, "u32" },
		{ "has_vnet_hdr", 516 * 8, "u8", 1 }, { "tp_loss", 516 * 8 + 1, "u8", 1 } } },
	{ "sock_fprog_kern", 16, { { "len", 0, "u16" }, { "filter", 8, "ptr" } } },
	{ "bpf_prog", 8, { { "orig_prog", 0, "ptr" } } },
	{ "sk_filter", 8, { { "prog", 0, "ptr" } } },
};

/* ---- the guest ---- */

enum {
	JIFFIES = 1000000,
	HZ_SHOWN = 250,
	BUCKETS = 512, /* a page of them */
	MANY = 200, /* sockets: as many as there is memory for */
};

#define NET	 AT(0x0)
#define OTHER	 AT(0x100)
#define HASHINFO AT(0x200)
#define CLOCK	 AT(0x300)
#define TICKS	 AT(0x310)
#define TICK	 AT(0x318)
#define UDP	 AT(0x320)
#define LHASH	 AT(0x400)
#define USLOTS	 AT(0x500)
#define EHASH	 AT(0x1000)
#define UNIXES	 AT(0x2000) /* 512 buckets */
#define THINGS	 AT(0x3000)
#define SOCKS	 AT(0x8000)
#define SOCK(n)	 (SOCKS + 0x400 * (n))
#define NODE(n)	 (SOCK(n) + 88)
#define INODE(n) (SOCK(n) + 0x3c0) /* a socket_alloc */
#define FAR	 0xffffc90000000000u /* where nothing is */

static const struct synth_symbol symbols[] = {
	{ "init_net", 'D', NET }, { "tcp_hashinfo", 'D', HASHINFO }, { "clocksource_jiffies", 'd', CLOCK },
	{ "jiffies", 'D', TICKS }, { "tick_nsec", 'D', TICK },
};

enum { LISTEN = 10, ESTABLISHED = 1, TIME_WAIT = 6, NEW_SYN_RECV = 12, CLOSE = 7, TCP = 6, UDP_PROTOCOL = 17 };

struct fixture {
	struct synthetic g;
	struct procfs *fs;
	struct vfs_netlink_socket s;
	uint8_t answer[1 << 20];
	size_t size, datagrams, most; /* bytes in all; how many there were; of answers that waited */
};

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));

	synthetic_init(&f->g, synthetic_types(records, sizeof(records) / sizeof(records[0])), symbols,
		       sizeof(symbols) / sizeof(symbols[0]), SYNTH_MAP);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, NULL, &f->g.guest), ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, NULL), ERR_OK);
	vfs_netlink_init(&f->s, &f->g.alloc, VFS_NETLINK_SOCKETS);
	synth_put32(f->g.s, CLOCK, 4000000u << 4);
	synth_put32(f->g.s, CLOCK + 4, 4);
	synth_put64(f->g.s, TICKS, JIFFIES);
	synth_put64(f->g.s, TICK, 1000000000 / HZ_SHOWN);
	synth_put64(f->g.s, NET + 8, HASHINFO);
	synth_put64(f->g.s, NET + 16, UDP);
	synth_put64(f->g.s, NET + 40, UNIXES);
	synth_put64(f->g.s, UDP, USLOTS);
	synth_put32(f->g.s, UDP + 8, 1);
	synth_put64(f->g.s, HASHINFO, EHASH);
	synth_put32(f->g.s, HASHINFO + 8, BUCKETS - 1);
	synth_put32(f->g.s, HASHINFO + 12, 0);
	synth_put64(f->g.s, HASHINFO + 16, LHASH);
	for (uint64_t i = 0; i < BUCKETS; i++)
		synth_put64(f->g.s, EHASH + 8 * i, i << 1 | 1);
	synth_put64(f->g.s, LHASH + 8, 1ull << 30 | 1);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vfs_netlink_deinit(&f->s);
	procfs_destroy(f->fs);
	synthetic_deinit(&f->g);
	free(f);
	return 0;
}

/* What all sockets have: from 127.0.0.2, port 1000 + n, to 127.0.0.1, port 80; inode 100 + n, cookie n, user 33. */
static void put_sock(struct fixture *f, unsigned int n, uint8_t state, uint64_t next)
{
	uint64_t at = SOCK(n);

	synth_put32(f->g.s, at, 0x0100007f);
	synth_put32(f->g.s, at + 4, 0x0200007f);
	synth_put32(f->g.s, at + 12, (1000 + n) << 16 | 0x5000);
	synth_put32(f->g.s, at + 16, (uint32_t)state << 16 | 2);
	synth_put32(f->g.s, at + 24, n);
	synth_put64(f->g.s, at + 48, NET);
	synth_put64(f->g.s, at + 88, next);
	synth_put32(f->g.s, at + 128, 2);
	synth_put32(f->g.s, at + 152, 1);
	synth_put32(f->g.s, at + 164, TCP << 16 | 1);
	synth_put64(f->g.s, at + 192, INODE(n));
	synth_put64(f->g.s, INODE(n) + 16, 100 + n);
	synth_put32(f->g.s, INODE(n) + 24, 33);
	synth_put64(f->g.s, at + 200, at + 200);
	synth_put64(f->g.s, at + 280, THINGS); /* a control group, whose number is 7 */
	synth_put64(f->g.s, THINGS, THINGS + 8);
	synth_put64(f->g.s, THINGS + 8, 7);
	synth_put32(f->g.s, at + 408, __builtin_bswap16((uint16_t)(1000 + n)));
	synth_put64(f->g.s, at + 448, THINGS + 16);
	synth_write(f->g.s, THINGS + 16, "0123456789abcdefX", 17); /* a name without an end */
}

/* ---- asking ---- */

struct message {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
	uint8_t body[];
};
struct id {
	uint16_t sport, dport;
	uint32_t src[4], dst[4], device, cookie[2];
};
struct request {
	uint8_t family, protocol, ext, pad;
	uint32_t states;
	struct id id;
};
struct told {
	uint8_t family, state, timer, retransmits;
	struct id id;
	uint32_t expires, receive, send, uid, inode;
};
struct unix_request {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t states, ino, show, cookie[2];
};

enum { DUMP = 0x301, ONE = 1, PORT = 77, SOCKETS = 20, DONE = 3, ALL = 0xffffff };

static struct vfs *vfs_of(struct fixture *f)
{
	return procfs_vfs(f->fs);
}

static void ask_more(struct fixture *f, uint16_t type, uint16_t flags, const void *body, size_t size, const void *more,
		     size_t more_size)
{
	struct message head = { .len = (uint32_t)(sizeof(head) + size + more_size), .type = type, .flags = flags,
				.seq = 9 };
	struct iovec in[3] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, size },
			       { (void *)(uintptr_t)more, more_size } };
	struct msghdr msg = { .msg_iov = in, .msg_iovlen = 3 };
	long r;

	assert_int_equal(vfs_netlink_send(&f->s, vfs_of(f), PORT, &msg), head.len);
	f->most = f->datagrams = 0;
	for (f->size = 0;; f->size += (size_t)r, f->datagrams++) {
		struct iovec out = { f->answer + f->size, sizeof(f->answer) - f->size };

		if (f->s.answer.count > f->most)
			f->most = f->s.answer.count;
		msg = (struct msghdr){ .msg_iov = &out, .msg_iovlen = 1 };
		r = vfs_netlink_receive(&f->s, vfs_of(f), &msg, 0);
		if (r == -ECONNREFUSED)
			return;
		assert_true(r > 0);
		assert_int_equal(msg.msg_flags, 0);
	}
}

static void ask(struct fixture *f, uint16_t type, uint16_t flags, const void *body, size_t size)
{
	ask_more(f, type, flags, body, size, NULL, 0);
}

static const struct message *message(struct fixture *f, unsigned int n)
{
	for (size_t at = 0; at < f->size;) {
		const struct message *m = (const void *)(f->answer + at);

		assert_true(m->len >= sizeof(*m) && m->len <= f->size - at);
		assert_int_equal(m->seq, 9);
		assert_int_equal(m->port, PORT);
		if (!n--)
			return m;
		at += (m->len + 3) & ~3u;
	}
	return NULL;
}

/* Those before the last one, which says that it is done. */
static unsigned int told(struct fixture *f)
{
	unsigned int n = 0;

	while (message(f, n))
		n++;
	assert_true(n > 0);
	assert_int_equal(message(f, n - 1)->type, DONE);
	return n - 1;
}

static void expect_error(struct fixture *f, int error)
{
	int32_t got;

	assert_null(message(f, 1));
	assert_int_equal(message(f, 0)->type, 2);
	memcpy(&got, message(f, 0)->body, sizeof(got));
	assert_int_equal(got, error);
}

static const uint8_t *attribute_of(const struct message *m, size_t head, unsigned int type, size_t size)
{
	for (size_t at = sizeof(*m) + head; at < m->len;) {
		uint16_t h[2];

		memcpy(h, (const char *)m + at, sizeof(h));
		assert_true(h[0] >= 4 && h[0] <= m->len - at);
		if (h[1] == type) {
			assert_int_equal(h[0] - 4u, size);
			return (const uint8_t *)m + at + 4;
		}
		at += (h[0] + 3u) & ~3u;
	}
	return NULL;
}

static uint32_t u32_at(const uint8_t *p, size_t at)
{
	uint32_t v;

	assert_non_null(p);
	memcpy(&v, p + at, sizeof(v));
	return v;
}

/* ---- TCP ---- */

static void put_listener(struct fixture *f)
{
	put_sock(f, 0, LISTEN, 1ull << 30 | 1);
	synth_put32(f->g.s, SOCK(0) + 160, 3);
	synth_put32(f->g.s, SOCK(0) + 252, 5);
	synth_put64(f->g.s, LHASH + 8, NODE(0));
}

static void put_connection(struct fixture *f, unsigned int n, uint32_t bucket, uint64_t next)
{
	put_sock(f, n, ESTABLISHED, next ? next : (uint64_t)bucket << 1 | 1);
	synth_put32(f->g.s, SOCK(n) + 8, bucket);
	if (!next)
		synth_put64(f->g.s, EHASH + 8 * bucket, NODE(n));
}

static void test_tcp(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .ext = 0xff, .states = ALL };
	const struct told *t;
	const uint8_t *info;

	put_listener(f);
	put_connection(f, 1, 3, 0);
	synth_put64(f->g.s, SOCK(1) + 432, JIFFIES + 250); /* a retransmission, in a second; the second one */
	synth_put32(f->g.s, SOCK(1) + 440, 50);
	synth_put32(f->g.s, SOCK(1) + 464, 0x00050102);
	synth_put32(f->g.s, SOCK(1) + 544, JIFFIES - 25);
	synth_put32(f->g.s, SOCK(1) + 520, 2); /* limited by the other's window for 5 ticks, and for 3 before */
	synth_put32(f->g.s, SOCK(1) + 588, JIFFIES - 5);
	synth_put32(f->g.s, SOCK(1) + 592, 1);
	synth_put32(f->g.s, SOCK(1) + 596, 3);
	synth_put32(f->g.s, SOCK(1) + 512, 1 | 2 | 4 << 2 | 7 << 8 | 9 << 12);
	synth_put32(f->g.s, SOCK(1) + 636, 4711);
	synth_put32(f->g.s, SOCK(1) + 712, 100);
	synth_put32(f->g.s, SOCK(1) + 716, 40);
	synth_put32(f->g.s, SOCK(1) + 720, 7);
	synth_put32(f->g.s, SOCK(1) + 728, 10);
	synth_put32(f->g.s, SOCK(1) + 272, 8 << 4);
	put_sock(f, 2, TIME_WAIT, NODE(3));
	synth_put32(f->g.s, SOCK(2) + 144, 5); /* fin-wait-2 */
	synth_put64(f->g.s, SOCK(2) + 168, JIFFIES + 500);
	put_sock(f, 3, NEW_SYN_RECV, 4 << 1 | 1);
	synth_put64(f->g.s, EHASH + 8 * 4, NODE(2));
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 4);

	t = (const void *)message(f, 0)->body;
	assert_int_equal(message(f, 0)->flags, 2);
	assert_int_equal(t->state, LISTEN);
	assert_int_equal(t->receive, 3);
	assert_int_equal(t->send, 5);
	assert_int_equal(t->inode, 100);
	assert_int_equal(t->uid, 33);
	t = (const void *)message(f, 1)->body;
	assert_int_equal(t->state, ESTABLISHED);
	assert_int_equal(t->timer, 1);
	assert_int_equal(t->retransmits, 2);
	assert_int_equal(t->expires, 1000);
	assert_int_equal(t->receive, 60);
	assert_int_equal(t->send, 7);
	assert_int_equal(t->id.sport, __builtin_bswap16(1001));
	assert_int_equal(t->id.dport, __builtin_bswap16(80));
	assert_int_equal(t->id.src[0], 0x0200007f);
	assert_int_equal(t->id.cookie[0], 1);
	info = attribute_of(message(f, 1), sizeof(*t), 2, 232);
	assert_int_equal(info[2], 2);
	assert_int_equal(info[5], 1 | 2 | 4);
	assert_int_equal(info[6], 7 | 9 << 4);
	assert_int_equal(u32_at(info, 8), 200000);
	assert_int_equal(u32_at(info, 44), 100);
	assert_int_equal(u32_at(info, 80), 10);
	assert_int_equal(u32_at(info, 168), 9 * 4000);
	assert_int_equal(u32_at(info, 176), 8 * 4000);
	assert_int_equal(u32_at(info, 228), 4711);
	/* programs have room for 16 bytes of a name */
	assert_string_equal((const char *)attribute_of(message(f, 1), sizeof(*t), 4, 16), "0123456789abcde");
	assert_int_equal(u32_at(attribute_of(message(f, 1), sizeof(*t), 21, 8), 0), 7);
	assert_non_null(attribute_of(message(f, 1), sizeof(*t), 7, 36));
	t = (const void *)message(f, 2)->body;
	assert_int_equal(t->state, 5);
	assert_int_equal(t->timer, 3);
	assert_int_equal(t->expires, 2000);
	t = (const void *)message(f, 3)->body;
	assert_int_equal(t->state, 3);
	assert_null(attribute_of(message(f, 3), sizeof(*t), 2, 232));

	/* by states, ports, families, namespaces */
	q.ext = 0;
	q.states = 1 << LISTEN;
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
	q.states = 1 << 5 | 1 << 3;
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 2);
	q.states = ALL;
	q.id.sport = __builtin_bswap16(1001);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
	q.id.sport = 0;
	q.family = 10;
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 0);
	q.family = 2;
	synth_put64(f->g.s, SOCK(1) + 48, OTHER);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 3);
}

static void test_one(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .id = { .cookie = { ~0u, ~0u } } };

	put_listener(f);
	synth_put32(f->g.s, SOCK(0), 0);
	synth_put32(f->g.s, SOCK(0) + 12, 1000 << 16);
	put_connection(f, 1, 3, 0);
	q.id.sport = __builtin_bswap16(1001);
	q.id.dport = __builtin_bswap16(80);
	q.id.src[0] = 0x0200007f;
	q.id.dst[0] = 0x0100007f;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	assert_null(message(f, 1));
	assert_int_equal(((const struct told *)message(f, 0)->body)->inode, 101);
	assert_int_equal(message(f, 0)->flags, 0);
	q.id.cookie[0] = 1;
	q.id.cookie[1] = 0;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	assert_int_equal(((const struct told *)message(f, 0)->body)->inode, 101);
	q.id.cookie[0] = 2;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -ENOENT);
	q.id.cookie[0] = q.id.cookie[1] = ~0u;
	q.id.sport = __builtin_bswap16(1000);
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	assert_int_equal(((const struct told *)message(f, 0)->body)->state, LISTEN);
	q.id.sport = __builtin_bswap16(999);
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -ENOENT);
}

static void test_refusals(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .states = ALL };
	const uint8_t families[] = { 0, 3, 40, 200 };
	const uint32_t mptcp[2] = { 3 << 16 | 8, 262 };
	uint8_t old[60] = { 2 };

	ask(f, SOCKETS, DUMP, &q, sizeof(q) - 1);
	expect_error(f, -EINVAL);
	ask(f, SOCKETS, DUMP, &q, 1);
	expect_error(f, -EINVAL);
	ask(f, SOCKETS + 1, ONE, &q, sizeof(q));
	expect_error(f, -EPERM);
	ask(f, SOCKETS + 2, ONE, &q, sizeof(q));
	expect_error(f, -EINVAL);
	ask_more(f, SOCKETS, DUMP, &q, sizeof(q), mptcp, sizeof(mptcp));
	expect_error(f, -ENOENT);
	for (size_t i = 0; i < sizeof(families); i++) {
		q.family = families[i];
		ask(f, SOCKETS, DUMP, &q, sizeof(q));
		expect_error(f, -ENOENT);
	}
	q.family = 2;
	q.protocol = 132;
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	expect_error(f, -ENOENT);
	/* the question of old, of all families */
	put_listener(f);
	memset(old + 52, 0xff, 4);
	ask(f, 18, DUMP, old, sizeof(old));
	assert_int_equal(told(f), 1);
	assert_int_equal(message(f, 0)->type, 18);
	ask(f, 19, DUMP, old, sizeof(old));
	expect_error(f, -ENOENT);
	ask(f, 18, DUMP, old, sizeof(old) - 1);
	expect_error(f, -EINVAL);
}

/* ---- filters ---- */

static void test_filters(void **state)
{
	const uint32_t src[4] = { 0x0200007f }, dst[4] = { 0, 0, 0xffff0000, 0x0100000a };
	struct diag_entry e = { .src = src, .dst = dst, .sport = 22, .dport = 40000, .family = 2, .device = 3, .mark = 0x12,
				.cgroup = 9 };
	/* each: whether it is valid, whether it wants the socket, its bytes */
	static const struct {
		bool valid, wants;
		uint8_t size;
		uint8_t code[40];
	} cases[] = {
		{ true, true, 8, { 11, 8, 12, 0, 0, 0, 22, 0 } },	 /* sport = 22 */
		{ true, false, 8, { 11, 8, 12, 0, 0, 0, 23, 0 } },
		{ true, true, 8, { 2, 8, 12, 0, 0, 0, 22, 0 } },	 /* >= */
		{ true, true, 8, { 3, 8, 12, 0, 0, 0, 22, 0 } },	 /* <= */
		{ true, false, 8, { 4, 8, 12, 0, 0, 0, 0x41, 0x9c } }, /* dport >= 40001 */
		{ true, true, 8, { 12, 8, 12, 0, 0, 0, 0x40, 0x9c } },
		{ true, true, 8, { 5, 8, 12, 0, 0, 0, 0x40, 0x9c } },
		{ true, true, 4, { 6, 4, 8, 0 } },			 /* a port of the kernel's choice */
		{ true, true, 8, { 9, 8, 12, 0, 3, 0, 0, 0 } },	 /* the device */
		{ true, true, 12, { 10, 12, 16, 0, 2, 0, 0, 0, 3, 0, 0, 0 } },
		{ true, true, 12, { 13, 12, 16, 0, 9, 0, 0, 0, 0, 0, 0, 0 } },
		/* 127.0.0.0/9, port 22; /32; any port, no address */
		{ true, true, 16, { 7, 16, 20, 0, 2, 9, 0, 0, 22, 0, 0, 0, 127, 1, 2, 3 } },
		{ true, false, 16, { 7, 16, 20, 0, 2, 32, 0, 0, 22, 0, 0, 0, 127, 1, 2, 3 } },
		{ true, true, 12, { 7, 12, 16, 0, 0, 0, 0, 0, 255, 255, 255, 255 } },
		/* not port 23: over a jump */
		{ true, true, 12, { 11, 8, 12, 0, 0, 0, 23, 0, 1, 4, 8, 0 } },
		/* ports that aren't there, lengths that are too long, short, crooked, or lead between, back and out */
		{ false, false, 4, { 11, 4, 8, 0 } },
		{ false, false, 8, { 11, 4, 12, 0, 0, 0, 22, 0 } },
		{ false, false, 8, { 11, 12, 12, 0, 0, 0, 22, 0 } },
		{ false, false, 8, { 11, 8, 4, 0, 0, 0, 22, 0 } },
		{ false, false, 8, { 11, 8, 16, 0, 0, 0, 22, 0 } },
		{ false, false, 8, { 11, 8, 11, 0, 0, 0, 22, 0 } },
		{ false, false, 16, { 1, 4, 12, 0, 11, 12, 12, 0, 0, 0, 22, 0, 0, 0, 0, 0 } },
		{ false, false, 4, { 0, 0, 0, 0 } },
		{ false, false, 4, { 14, 4, 8, 0 } },
		{ false, false, 3, { 0, 4, 0 } },
		{ false, false, 16, { 7, 16, 20, 0, 2, 33, 0, 0, 22, 0, 0, 0, 127, 1, 2, 3 } },
		{ false, false, 16, { 7, 16, 20, 0, 10, 9, 0, 0, 22, 0, 0, 0, 127, 1, 2, 3 } },
		{ false, false, 16, { 7, 16, 20, 0, 1, 9, 0, 0, 22, 0, 0, 0, 127, 1, 2, 3 } },
	};
	const uint8_t mapped[] = { 8, 16, 20, 0, 2, 8, 0, 0, 255, 255, 255, 255, 10, 0, 0, 0 };
	static uint8_t longest[16384 + 4];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(diag_filter_valid(cases[i].code, cases[i].size), cases[i].valid);
		if (cases[i].valid)
			assert_int_equal(diag_filter_run(cases[i].code, cases[i].size, &e), cases[i].wants);
	}
	assert_true(diag_filter_valid(mapped, sizeof(mapped)));
	assert_false(diag_filter_run(mapped, sizeof(mapped), &e));
	e.family = 10;
	assert_true(diag_filter_run(mapped, sizeof(mapped), &e));
	e.bound = true;
	assert_false(diag_filter_run(cases[7].code, 4, &e));
	for (size_t i = 0; i < sizeof(longest); i += 4)
		longest[i + 1] = 4;
	assert_true(diag_filter_valid(longest, sizeof(longest) - 4));
	assert_true(diag_filter_run(longest, sizeof(longest) - 4, &e));
	assert_false(diag_filter_valid(longest, sizeof(longest)));
}

static void test_filtered(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .states = ALL };
	uint8_t port[] = { 12, 0, 1, 0, 11, 8, 12, 0, 0, 0, 0xe9, 3 }; /* sport = 1001 */

	put_listener(f);
	put_connection(f, 1, 3, 0);
	put_connection(f, 2, 4, 0);
	ask_more(f, SOCKETS, DUMP, &q, sizeof(q), port, sizeof(port));
	assert_int_equal(told(f), 1);
	assert_int_equal(((const struct told *)message(f, 0)->body)->inode, 101);
	port[5] = 4;
	ask_more(f, SOCKETS, DUMP, &q, sizeof(q), port, sizeof(port));
	expect_error(f, -EINVAL);
}

/* ---- many, and such as lie ---- */

static void test_portions(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .ext = 0xff, .states = ALL };
	size_t used;

	for (unsigned int n = 0; n < MANY; n++)
		put_connection(f, n, 2 * n, 0);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), MANY);
	assert_true(f->size > 90000);
	assert_true(f->most < 40000);
	for (unsigned int n = 0; n < MANY; n++)
		assert_int_equal(((const struct told *)message(f, n)->body)->inode, 100 + n);
	/* one that nobody receives is dropped by the next, and leaves nothing behind */
	used = f->g.alloc.used;
	for (int i = 0; i < 3; i++) {
		struct message head = { .len = sizeof(head) + sizeof(q), .type = SOCKETS, .flags = DUMP };
		struct iovec in[2] = { { &head, sizeof(head) }, { &q, sizeof(q) } };
		struct msghdr msg = { .msg_iov = in, .msg_iovlen = 2 };

		assert_int_equal(vfs_netlink_send(&f->s, vfs_of(f), PORT, &msg), head.len);
		assert_non_null(f->s.question);
	}
	assert_true(f->g.alloc.used < used + 4096);
	/* the guest's memory changes in between: the rest is gone */
	synth_put64(f->g.s, HASHINFO, FAR);
	for (unsigned int n = 0; n < BUCKETS; n++)
		synth_put64(f->g.s, EHASH + 8 * n, (uint64_t)n << 1 | 1);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 0);
}

static void test_tables_that_lie(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = TCP, .ext = 0xff, .states = ALL };

	/* in a circle: each once */
	put_connection(f, 1, 3, NODE(2));
	put_connection(f, 2, 3, NODE(1));
	synth_put64(f->g.s, EHASH + 8 * 3, NODE(1));
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 2);
	/* in a circle that is all of the table */
	for (uint64_t n = 0; n < BUCKETS; n++)
		synth_put64(f->g.s, EHASH + 8 * n, NODE(1));
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_true(told(f) <= 2 * BUCKETS);
	/* what can't be read is left out */
	for (uint64_t n = 0; n < BUCKETS; n++)
		synth_put64(f->g.s, EHASH + 8 * n, n << 1 | 1);
	put_connection(f, 1, 3, 0);
	put_connection(f, 2, 4, 0);
	synth_put64(f->g.s, SOCK(1) + 448, FAR);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
	/* a table that is none, or far too large */
	synth_put32(f->g.s, HASHINFO + 8, 0xffffffff);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_true(told(f) <= 2 * BUCKETS);
	synth_put64(f->g.s, HASHINFO, FAR);
	synth_put64(f->g.s, HASHINFO + 16, FAR);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 0);
}

static void test_udp(void **state)
{
	struct fixture *f = *state;
	struct request q = { .family = 2, .protocol = UDP_PROTOCOL, .states = ALL, .ext = 0xff };
	const struct told *t;

	put_sock(f, 0, CLOSE, NODE(1));
	put_sock(f, 1, ESTABLISHED, 0);
	synth_put32(f->g.s, SOCK(0) + 144, 900);
	synth_put32(f->g.s, SOCK(0) + 432, 100);
	synth_put32(f->g.s, SOCK(0) + 152, 8);
	synth_put64(f->g.s, USLOTS + 16, NODE(0));
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 2);
	t = (const void *)message(f, 0)->body;
	assert_int_equal(t->receive, 800);
	assert_int_equal(t->send, 7);
	assert_null(attribute_of(message(f, 0), sizeof(*t), 2, 232));
	/* of one, the ends are told the other way round */
	q.id = (struct id){ .sport = __builtin_bswap16(80), .dport = __builtin_bswap16(1001), .src = { 0x0100007f },
			    .dst = { 0x0200007f }, .cookie = { 5, 5 } };
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -ESTALE);
	q.id.cookie[0] = q.id.cookie[1] = ~0u;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	assert_int_equal(((const struct told *)message(f, 0)->body)->inode, 101);
}

/* ---- UNIX, packet ---- */

enum { UNIX_HEAD = 16, SKB = 0x3100 };

static void put_unix(struct fixture *f, unsigned int n, uint8_t state, uint64_t next)
{
	put_sock(f, n, state, next);
	synth_put64(f->g.s, SOCK(n) + 400, 0);
	synth_put64(f->g.s, SOCK(n) + 408, 0);
}

static void put_packets(struct fixture *f, unsigned int n, unsigned int count, uint32_t qlen)
{
	uint64_t at = SOCK(n) + 200;

	synth_put32(f->g.s, SOCK(n) + 216, qlen);
	for (unsigned int i = 0; i < count; i++) {
		uint64_t skb = AT(SKB + 80 * i);

		synth_put64(f->g.s, at, skb);
		synth_put64(f->g.s, skb + 8, SOCK(2));
		synth_put32(f->g.s, skb + 16, 50);
		synth_put32(f->g.s, skb + 24 + 40, 10 + i);
		at = skb;
	}
	synth_put64(f->g.s, at, SOCK(n) + 200);
}

static void test_unix(void **state)
{
	struct fixture *f = *state;
	struct unix_request q = { .family = 1, .states = ALL, .show = 0x7f };
	const uint8_t *rest;

	put_unix(f, 0, LISTEN, NODE(1));
	put_unix(f, 1, ESTABLISHED, NODE(2));
	put_unix(f, 2, ESTABLISHED, 0);
	synth_put64(f->g.s, UNIXES + 8 * 7, NODE(0));
	synth_put64(f->g.s, SOCK(0) + 400, AT(0x3800));
	synth_put32(f->g.s, AT(0x3804), 2 + 5);
	synth_write(f->g.s, AT(0x380a), "\0name", 5);
	synth_put64(f->g.s, SOCK(1) + 424, SOCK(2));
	synth_put64(f->g.s, SOCK(2) + 424, SOCK(1));
	synth_put64(f->g.s, SOCK(1) + 416, AT(0x3880));
	synth_put64(f->g.s, AT(0x3880), INODE(2) + 16);
	synth_put64(f->g.s, AT(0x3888), AT(0x3890));
	synth_put32(f->g.s, AT(0x3890), 0x800001);
	put_packets(f, 0, 2, 2);
	synth_put32(f->g.s, SOCK(0) + 252, 9);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 3);
	assert_memory_equal(attribute_of(message(f, 0), UNIX_HEAD, 0, 5), "\0name", 5);
	rest = attribute_of(message(f, 0), UNIX_HEAD, 3, 8); /* who waits: the other end of what their packets are of */
	assert_int_equal(u32_at(rest, 0), 101);
	assert_int_equal(u32_at(rest, 4), 101);
	rest = attribute_of(message(f, 0), UNIX_HEAD, 4, 8);
	assert_int_equal(u32_at(rest, 0), 2);
	assert_int_equal(u32_at(rest, 4), 9);
	assert_int_equal(u32_at(attribute_of(message(f, 1), UNIX_HEAD, 2, 4), 0), 102);
	rest = attribute_of(message(f, 1), UNIX_HEAD, 1, 8);
	assert_int_equal(u32_at(rest, 0), 102);
	assert_int_equal(u32_at(rest, 4), 0x800001);
	assert_int_equal(u32_at(attribute_of(message(f, 1), UNIX_HEAD, 7, 4), 0), 33);
	assert_null(attribute_of(message(f, 1), UNIX_HEAD, 0, 0));
	/* bytes that wait, less those that were taken */
	put_packets(f, 0, 0, 0);
	put_packets(f, 1, 2, 2);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(u32_at(attribute_of(message(f, 1), UNIX_HEAD, 4, 8), 0), 50 + 50 - 10 - 11);
	/* one, by its inode and cookie */
	q.ino = 102;
	q.cookie[0] = 2;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	assert_int_equal(u32_at(message(f, 0)->body, 4), 102);
	q.cookie[0] = 3;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -ESTALE);
	q.ino = 999;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -ENOENT);
	q.ino = 0;
	ask(f, SOCKETS, ONE, &q, sizeof(q));
	expect_error(f, -EINVAL);
}

static void test_unix_that_lies(void **state)
{
	struct fixture *f = *state;
	struct unix_request q = { .family = 1, .states = ALL, .show = 0x7f };

	put_unix(f, 0, LISTEN, NODE(1));
	put_unix(f, 1, ESTABLISHED, NODE(2));
	put_unix(f, 2, ESTABLISHED, 0);
	synth_put64(f->g.s, UNIXES + 8 * 7, NODE(0));
	/* a name that is too long; packets in a circle, of one that listens and one that doesn't; a file that isn't there */
	synth_put64(f->g.s, SOCK(2) + 400, AT(0x3800));
	synth_put32(f->g.s, AT(0x3804), 129);
	put_packets(f, 0, 1, 1);
	synth_put64(f->g.s, AT(SKB), AT(SKB));
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
	put_packets(f, 1, 1, 1);
	synth_put64(f->g.s, AT(SKB), AT(SKB));
	synth_put32(f->g.s, AT(0x3804), 128);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
	assert_non_null(attribute_of(message(f, 0), UNIX_HEAD, 0, 126));
	synth_put64(f->g.s, SOCK(2) + 416, FAR);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 0);
	/* sockets in a circle */
	synth_put64(f->g.s, NODE(2), NODE(0));
	synth_put64(f->g.s, SOCK(2) + 416, 0);
	ask(f, SOCKETS, DUMP, &q, sizeof(q));
	assert_int_equal(told(f), 1);
}

static void test_packet(void **state)
{
	struct fixture *f = *state;
	uint32_t q[5] = { 17, 0, 0x3f };
	const uint8_t *info;

	put_sock(f, 0, CLOSE, 0);
	synth_put64(f->g.s, SOCK(0) + 400, AT(0x3000)); /* fanout 5, of type 2 */
	synth_put32(f->g.s, AT(0x3000), 2 << 16 | 5);
	synth_put64(f->g.s, SOCK(0) + 408, AT(0x3000)); /* a ring of 4 blocks of two pages */
	synth_put32(f->g.s, SOCK(0) + 416, 2048);
	synth_put32(f->g.s, SOCK(0) + 420, 15);
	synth_put32(f->g.s, SOCK(0) + 424, 2);
	synth_put32(f->g.s, SOCK(0) + 428, 4);
	synth_put32(f->g.s, SOCK(0) + 436, 60 << 16 | 8);
	synth_put64(f->g.s, SOCK(0) + 440, 0);
	synth_put64(f->g.s, SOCK(0) + 448, 0);
	synth_put64(f->g.s, SOCK(0) + 472, AT(0x3100));
	synth_put32(f->g.s, SOCK(0) + 488, 1);
	synth_put32(f->g.s, SOCK(0) + 492, 2);
	synth_put32(f->g.s, SOCK(0) + 496, 0x0300);
	synth_put32(f->g.s, SOCK(0) + 504, 2);
	synth_put64(f->g.s, SOCK(0) + 296, AT(0x3200)); /* a filter of two instructions */
	synth_put64(f->g.s, AT(0x3200), AT(0x3208));
	synth_put64(f->g.s, AT(0x3208), AT(0x3210));
	synth_put64(f->g.s, AT(0x3210), 2);
	synth_put64(f->g.s, AT(0x3218), AT(0x3220));
	synth_put64(f->g.s, AT(0x3220), 0x1122334455667788);
	synth_put64(f->g.s, NET + 48, NODE(0));
	ask(f, SOCKETS, DUMP, q, sizeof(q));
	assert_int_equal(told(f), 1);
	info = attribute_of(message(f, 0), UNIX_HEAD, 0, 24);
	assert_int_equal(u32_at(info, 0), 2);
	assert_int_equal(u32_at(info, 20), 1);
	assert_int_equal(u32_at(attribute_of(message(f, 0), UNIX_HEAD, 4, 4), 0), 2 << 16 | 5);
	info = attribute_of(message(f, 0), UNIX_HEAD, 2, 28);
	assert_int_equal(u32_at(info, 0), 8192);
	assert_int_equal(u32_at(info, 12), 16);
	assert_int_equal(u32_at(info, 16), 60);
	assert_int_equal(u32_at(info, 20), 8);
	assert_null(attribute_of(message(f, 0), UNIX_HEAD, 3, 28));
	assert_int_equal(u32_at(attribute_of(message(f, 0), UNIX_HEAD, 7, 16), 4), 0x11223344);
	assert_non_null(attribute_of(message(f, 0), UNIX_HEAD, 1, 44));
	/* addresses in a circle; a filter that is far too long */
	synth_put64(f->g.s, AT(0x3100), AT(0x3100));
	ask(f, SOCKETS, DUMP, q, sizeof(q));
	assert_int_equal(told(f), 0);
	synth_put64(f->g.s, AT(0x3100), 0);
	synth_put64(f->g.s, AT(0x3210), 0xffff);
	ask(f, SOCKETS, DUMP, q, sizeof(q));
	assert_int_equal(told(f), 0);
	ask(f, SOCKETS, ONE, q, sizeof(q));
	expect_error(f, -EOPNOTSUPP);
	q[0] = 17 | 3 << 8;
	ask(f, SOCKETS, DUMP, q, sizeof(q));
	expect_error(f, -EINVAL);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_tcp), TEST(test_one), TEST(test_refusals), cmocka_unit_test(test_filters), TEST(test_filtered),
		TEST(test_portions), TEST(test_tables_that_lie), TEST(test_udp), TEST(test_unix), TEST(test_unix_that_lies),
		TEST(test_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

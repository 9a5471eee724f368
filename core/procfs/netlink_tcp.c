// SPDX-License-Identifier: MIT
/* What netlink tells of a TCP socket's inside: struct tcp_info (net/ipv4/tcp.c), protocols over it, keys. */
#include "netlink_diag.h"

enum {
	/* include/uapi/linux/inet_diag.h, tcp.h: ABI */
	INET_DIAG_INFO = 2,
	INET_DIAG_MD5SIG = 18,
	INET_DIAG_ULP_INFO = 19,
	INET_ULP_INFO_NAME = 1,
	TCPI_OPT_TIMESTAMPS = 1,
	TCPI_OPT_SACK = 2,
	TCPI_OPT_WSCALE = 4,
	TCPI_OPT_ECN = 8,
	TCPI_OPT_ECN_SEEN = 16,
	TCPI_OPT_SYN_DATA = 32,
	TCPI_OPT_USEC_TS = 64,
	/* include/net/tcp.h */
	TCP_ECN_OK = 1,
	TCP_ECN_SEEN = 8,
	TCP_ECN_ACCURATE = 16, /* since 6.18 */
	TCP_CHRONOS = 3,

	KEYS_MAX = 512, /* of a socket: more don't fit into an attribute */
	INFO_MAX = 1024,
};

/* struct tcp_info, which grows at its end: bytes up to what the guest's kernel knows are given */
struct info {
	uint8_t state, ca_state, retransmits, probes, backoff, options, scales, flags;
	uint32_t rto, ato, snd_mss, rcv_mss;
	uint32_t unacked, sacked, lost, retrans, fackets;
	uint32_t last_data_sent, last_ack_sent, last_data_recv, last_ack_recv;
	uint32_t pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss, reordering;
	uint32_t rcv_rtt, rcv_space;
	uint32_t total_retrans;
	uint64_t pacing_rate, max_pacing_rate, bytes_acked, bytes_received;
	uint32_t segs_out, segs_in, notsent_bytes, min_rtt, data_segs_in, data_segs_out;
	uint64_t delivery_rate, busy_time, rwnd_limited, sndbuf_limited;
	uint32_t delivered, delivered_ce;
	uint64_t bytes_sent, bytes_retrans;
	uint32_t dsack_dups, reord_seen, rcv_ooopack, snd_wnd;
	uint32_t rcv_wnd, rehash;				 /* since 6.2 */
	uint16_t total_rto, total_rto_recoveries;		 /* since 6.7 */
	uint32_t total_rto_time;
};

struct md5_key {
	uint8_t family, prefix;
	uint16_t size;
	uint8_t address[16];
	uint8_t key[80];
};

static uint32_t ticks_to_us(uint32_t ticks)
{
	return (uint32_t)(ticks * 1000000ull / global_hz());
}

uint32_t diag_ticks_to_ms(uint64_t ticks)
{
	return (uint32_t)(ticks * 1000 / global_hz());
}

static uint32_t ms_since(const struct netlink *n, uint32_t tick)
{
	return diag_ticks_to_ms((uint32_t)n->l.jiffies - tick);
}

static uint32_t acknowledged_after(struct inet_connection_sock __guest *icsk)
{
	uint32_t ato = (uint32_t)icsk->icsk_ack.ato;
	uint32_t rto = guest_has(struct inet_connection_sock, icsk_rto_min) ? icsk->icsk_rto_min : 0;
	uint32_t most = guest_has(struct inet_connection_sock, icsk_delack_max) ? icsk->icsk_delack_max : 0;

	/* since the function is there for all of TCP to use; a route's own shortest time isn't looked for */
	if (!guest_has_symbol(tcp_delack_max) || !rto || !most)
		return ato;
	rto = (rto > 2 ? rto : 2) - 1;
	if (most > rto)
		most = rto;
	return ato < most ? ato : most;
}

static void fill_chronos(const struct netlink *n, struct tcp_sock __guest *tp, struct info *i)
{
	uint64_t spent[TCP_CHRONOS];
	unsigned int type = tp->chrono_type;

	for (unsigned int c = 0; c < TCP_CHRONOS; c++) {
		spent[c] = tp->chrono_stat[c];
		if (c + 1 == type)
			spent[c] += (uint32_t)n->l.jiffies - tp->chrono_start;
		spent[c] *= 1000000 / global_hz();
	}
	i->busy_time = spent[0] + spent[1] + spent[2];
	i->rwnd_limited = spent[1];
	i->sndbuf_limited = spent[2];
}

static uint8_t options_of(struct tcp_sock __guest *tp)
{
	unsigned int ecn = tp->ecn_flags;
	uint8_t options = 0;

	if (tp->rx_opt.tstamp_ok)
		options |= TCPI_OPT_TIMESTAMPS;
	if (tp->rx_opt.sack_ok)
		options |= TCPI_OPT_SACK;
	if (tp->rx_opt.wscale_ok)
		options |= TCPI_OPT_WSCALE;
	if (ecn & (guest_has(struct tcp_sock, received_ce) ? TCP_ECN_OK | TCP_ECN_ACCURATE : TCP_ECN_OK))
		options |= TCPI_OPT_ECN;
	if (ecn & TCP_ECN_SEEN)
		options |= TCPI_OPT_ECN_SEEN;
	if (tp->syn_data_acked)
		options |= TCPI_OPT_SYN_DATA;
	if (guest_has_bitfield(struct tcp_sock, tcp_usec_ts) && tp->tcp_usec_ts)
		options |= TCPI_OPT_USEC_TS;
	return options;
}

/* What kernels since 6.2 and 6.7 tell. */
static void fill_newer(struct tcp_sock __guest *tp, struct info *i)
{
	i->rcv_wnd = tp->rcv_wnd;
	if (guest_has(struct tcp_sock, plb_rehash))
		i->rehash = tp->plb_rehash + tp->timeout_rehash;
	if (!guest_has(struct tcp_sock, total_rto))
		return;
	i->total_rto = tp->total_rto;
	i->total_rto_recoveries = tp->total_rto_recoveries;
	i->total_rto_time = tp->total_rto_time;
	if (tp->rto_stamp) {
		struct proc_clocks now;

		proc_clocks_now(&now);
		i->total_rto_time += (uint32_t)(now.mono / 1000000) - tp->rto_stamp;
	}
}

static void fill_connected(const struct netlink *n, struct sock __guest *sk, struct info *i)
{
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;
	uint32_t delivered = tp->rate_delivered, in = tp->rate_interval_us;
	int32_t unsent = (int32_t)(tp->write_seq - tp->snd_nxt);

	i->ca_state = icsk->icsk_ca_state;
	i->retransmits = icsk->icsk_retransmits;
	i->probes = icsk->icsk_probes_out;
	i->backoff = icsk->icsk_backoff;
	i->options = options_of(tp);
	if (i->options & TCPI_OPT_WSCALE)
		i->scales = (uint8_t)(tp->rx_opt.snd_wscale | tp->rx_opt.rcv_wscale << 4);
	i->flags = (uint8_t)(tp->rate_app_limited | tp->fastopen_client_fail << 1);
	i->rto = ticks_to_us(icsk->icsk_rto);
	i->ato = ticks_to_us(acknowledged_after(icsk));
	i->snd_mss = tp->mss_cache;
	i->rcv_mss = icsk->icsk_ack.rcv_mss;
	i->unacked = tp->packets_out;
	i->sacked = tp->sacked_out;
	i->lost = tp->lost_out;
	i->retrans = tp->retrans_out;
	i->last_data_sent = ms_since(n, tp->lsndtime);
	i->last_data_recv = ms_since(n, icsk->icsk_ack.lrcvtime);
	i->last_ack_recv = ms_since(n, tp->rcv_tstamp);
	i->pmtu = icsk->icsk_pmtu_cookie;
	i->rcv_ssthresh = tp->rcv_ssthresh;
	i->rtt = tp->srtt_us >> 3;
	i->rttvar = tp->mdev_us >> 2;
	i->snd_ssthresh = tp->snd_ssthresh;
	i->advmss = tp->advmss;
	i->rcv_rtt = tp->rcv_rtt_est.rtt_us >> 3;
	i->rcv_space = (uint32_t)tp->rcvq_space.space;
	i->total_retrans = tp->total_retrans;
	i->bytes_acked = tp->bytes_acked;
	i->bytes_received = tp->bytes_received;
	i->notsent_bytes = unsent > 0 ? (uint32_t)unsent : 0;
	fill_chronos(n, tp, i);
	i->segs_out = tp->segs_out;
	i->segs_in = tp->segs_in;
	i->data_segs_in = tp->data_segs_in;
	i->data_segs_out = tp->data_segs_out;
	i->min_rtt = tp->rtt_min.s[0].v;
	if (delivered && in)
		i->delivery_rate = (uint64_t)delivered * i->snd_mss * 1000000 / in;
	i->delivered = tp->delivered;
	i->delivered_ce = tp->delivered_ce;
	i->bytes_sent = tp->bytes_sent;
	i->bytes_retrans = tp->bytes_retrans;
	i->dsack_dups = tp->dsack_dups;
	i->reord_seen = tp->reord_seen;
	i->rcv_ooopack = tp->rcv_ooopack;
	i->snd_wnd = tp->snd_wnd;
	fill_newer(tp, i);
}

void diag_put_tcp_info(struct netlink *n, struct sock __guest *sk, uint8_t state)
{
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;
	uint64_t size = guest_sizeof(struct tcp_info);
	union {
		struct info i;
		uint8_t room[INFO_MAX];
	} u = { .i = {
		.state = state,
		.pacing_rate = sk->sk_pacing_rate,
		.max_pacing_rate = sk->sk_max_pacing_rate,
		.reordering = tp->reordering,
		.snd_cwnd = tp->snd_cwnd,
	} };

	if (size > sizeof(u) || size < sizeof(uint64_t)) {
		guest_fault(sk);
		return;
	}
	if (state == DIAG_STATE_LISTEN) {
		u.i.unacked = sk->sk_ack_backlog;
		u.i.sacked = sk->sk_max_ack_backlog;
	} else {
		fill_connected(n, sk, &u.i);
	}
	netlink_put(n, INET_DIAG_INFO, &u, size);
}

/* The keys by which segments are signed. */
static void put_keys(struct netlink *n, struct tcp_md5sig_info __guest *info)
{
	struct tcp_md5sig_key __guest *key;
	unsigned int count = 0;
	size_t nest, mark = seq_mark(n->l.m);

	nest = netlink_nest_begin(n, INET_DIAG_MD5SIG);
	hlist_for_each_entry(key, &info->head, node) {
		struct md5_key k = { .family = key->family, .prefix = key->prefixlen, .size = key->keylen };

		if (++count > KEYS_MAX || k.size > sizeof(k.key)) {
			guest_fault(info);
			return;
		}
		guest_read(k.key, &key->key[0], k.size);
		guest_read(k.address, &key->addr, k.family == NET_AF_INET6 ? 16 : 4);
		seq_write(n->l.m, &k, sizeof(k));
	}
	if (count)
		netlink_nest_end(n, nest);
	else
		seq_rollback(n->l.m, mark);
}

void diag_put_tcp_aux(struct netlink *n, struct sock __guest *sk)
{
	struct tcp_ulp_ops __guest *ulp = ((struct inet_connection_sock __guest *)sk)->icsk_ulp_ops;
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;

	if (guest_has(struct tcp_sock, md5sig_info) && tp->md5sig_info)
		put_keys(n, tp->md5sig_info);
	if (ulp) {
		size_t nest = netlink_nest_begin(n, INET_DIAG_ULP_INFO);
		char name[17];

		guest_strncpy(name, &ulp->name[0], sizeof(name));
		netlink_put_name(n, INET_ULP_INFO_NAME, name);
		netlink_nest_end(n, nest);
	}
}

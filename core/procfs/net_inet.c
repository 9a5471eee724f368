// SPDX-License-Identifier: MIT
/*
 * /proc/net/{tcp,udp,udplite,raw,icmp} and their "6" twins: rows as net/ipv4/tcp_ipv4.c, udp.c,
 * raw.c, ping.c and net/ipv6/{tcp_ipv6,datagram}.c print them, in the order of the hash tables.
 */
#include "net_common.h"

enum {
	/* include/net/tcp_states.h */
	TCP_SYN_RECV = 3,
	TCP_TIME_WAIT = 6,
	TCP_LISTEN = 10,
	TCP_NEW_SYN_RECV = 12,
	/* include/net/inet_connection_sock.h: values of icsk_pending */
	TIME_RETRANS = 1,
	TIME_PROBE0 = 3,
	TIME_LOSS_PROBE = 5,
	TIME_REO_TIMEOUT = 6,
	LISTENING_HASH_SIZE = 32,
	TCP_INFINITE_SSTHRESH = 0x7fffffff,
	PINGPONG_THRESH = 1, /* include/net/inet_connection_sock.h; a sysctl since 6.7 */

	RAW_HASH_SIZE = 256,
	PING_HASH_SIZE = 64,

	TCP_WIDTH = 149, /* columns that the IPv4 files pad to */
	DGRAM_WIDTH = 127,
};

extern struct inet_hashinfo __guest tcp_hashinfo;
extern struct udp_table __guest udp_table;
extern struct udp_table __guest udplite_table;
extern struct raw_hashinfo __guest raw_v4_hashinfo;
extern struct raw_hashinfo __guest raw_v6_hashinfo;
extern struct ping_table __guest ping_table;

static const char tcp_header[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
	"inode";
static const char tcp6_header[] =
	"  sl  local_address                         remote_address                        "
	"st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
static const char dgram_header[] =
	"  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout "
	"inode ref pointer drops";
static const char dgram6_header[] =
	"  sl  local_address                         remote_address                        "
	"st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops\n";

static void put_padded_header(struct seq_file *m, const char *text, size_t width)
{
	seq_setwidth(m, width);
	seq_puts(m, text);
	seq_pad(m, '\n');
}

/* What a row has to say of a socket before the columns that depend on the protocol. */
struct ends {
	uint32_t src, dst;
	uint32_t src6[4], dst6[4];
	uint16_t sport, dport; /* in host order */
};

static void read_addresses(const struct net_list *l, struct sock __guest *sk, struct ends *e)
{
	if (l->family == NET_AF_INET) {
		e->src = sk->__sk_common.skc_rcv_saddr;
		e->dst = sk->__sk_common.skc_daddr;
	} else {
		guest_read(e->src6, &sk->__sk_common.skc_v6_rcv_saddr, sizeof(e->src6));
		guest_read(e->dst6, &sk->__sk_common.skc_v6_daddr, sizeof(e->dst6));
	}
	e->dport = net_ntohs(sk->__sk_common.skc_dport);
}

static char *put_end(char *p, const struct net_list *l, uint32_t addr, const uint32_t addr6[4],
		     uint16_t port)
{
	if (l->family == NET_AF_INET) {
		p = net_put_X8(p, addr);
	} else {
		for (int i = 0; i < 4; i++)
			p = net_put_X8(p, addr6[i]);
	}
	*p++ = ':';
	p = net_put_X4(p, port);
	*p++ = ' ';
	return p;
}

static char *put_ends(char *p, const struct net_list *l, uint64_t num, unsigned int width,
		      const struct ends *e)
{
	p = net_put_u(p, num, width);
	*p++ = ':';
	*p++ = ' ';
	p = put_end(p, l, e->src, e->src6, e->sport);
	return put_end(p, l, e->dst, e->dst6, e->dport);
}

/* " tx:rx tr:when retrnsmt uid timeout inode ref pointer" */
struct middle {
	uint8_t state;
	uint32_t tx, rx;
	uint8_t timer;
	uint64_t when;
	uint32_t retransmits;
	uint32_t uid;
	int64_t timeout;
	uint64_t ino;
	int32_t refs;
	uint64_t ptr;
};

static char *put_middle(char *p, const struct net_list *l, const struct middle *d)
{
	p = net_put_X2(p, d->state);
	*p++ = ' ';
	p = net_put_X8(p, d->tx);
	*p++ = ':';
	p = net_put_X8(p, d->rx);
	*p++ = ' ';
	p = net_put_X2(p, d->timer);
	*p++ = ':';
	p = net_put_lX8(p, d->when);
	*p++ = ' ';
	p = net_put_X8(p, d->retransmits);
	*p++ = ' ';
	p = net_put_u(p, d->uid, 5);
	*p++ = ' ';
	p = net_put_u(p, (uint64_t)d->timeout, 8);
	*p++ = ' ';
	p = net_put_u(p, d->ino, 0);
	*p++ = ' ';
	p = net_put_d(p, d->refs);
	*p++ = ' ';
	return net_put_pointer(p, l, d->ptr);
}

/* The row ends; `width` 0: no padding. */
static void put_row(struct seq_file *m, char *row, char *p, size_t width)
{
	while (p < row + width)
		*p++ = ' ';
	*p++ = '\n';
	seq_write(m, row, (size_t)(p - row));
}

/* ---- TCP ---- */

static bool timer_pending(struct timer_list __guest *t)
{
	return t->entry.pprev;
}

static uint32_t ack_ato(struct inet_connection_sock __guest *icsk)
{
	return icsk->icsk_ack.ato;
}

uint8_t net_tcp_timer(const struct net_list *l, struct sock __guest *sk, uint64_t *expires_ret)
{
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	uint8_t pending = icsk->icsk_pending;

	if (pending == TIME_RETRANS || pending == TIME_REO_TIMEOUT || pending == TIME_LOSS_PROBE ||
	    pending == TIME_PROBE0) {
		*expires_ret = guest_has(struct inet_connection_sock, icsk_timeout) ?
				       icsk->icsk_timeout :
			       guest_has(struct inet_connection_sock, icsk_retransmit_timer) ?
				       icsk->icsk_retransmit_timer.expires :
				       sk->tcp_retransmit_timer.expires;
		return pending == TIME_PROBE0 ? NET_TIMER_PROBE : NET_TIMER_RETRANSMIT;
	}

	struct timer_list __guest *keepalive =
		guest_has(struct inet_connection_sock, icsk_keepalive_timer) ?
			&icsk->icsk_keepalive_timer : &sk->sk_timer;

	if (timer_pending(keepalive)) {
		*expires_ret = keepalive->expires;
		return NET_TIMER_KEEPALIVE;
	}
	*expires_ret = l->jiffies;
	return NET_TIMER_NONE;
}

static char *put_tcp_sock(char *p, struct net_list *l, struct sock __guest *sk, uint8_t state)
{
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;
	uint64_t expires;
	struct ends e;
	struct middle d = { .state = state, .ptr = guest_addr(sk) };

	d.timer = net_tcp_timer(l, sk, &expires);
	d.when = (uint64_t)net_delta_to_clock(l, expires);
	if (state == TCP_LISTEN) {
		d.rx = sk->sk_ack_backlog;
	} else {
		int32_t unread = (int32_t)(tp->rcv_nxt - tp->copied_seq);

		d.rx = unread > 0 ? (uint32_t)unread : 0;
	}
	d.tx = tp->write_seq - tp->snd_una;
	d.retransmits = icsk->icsk_retransmits;
	d.timeout = icsk->icsk_probes_out;
	d.refs = sk->__sk_common.skc_refcnt.refs.counter;
	net_sock_owner(l, sk, &d.ino, &d.uid);

	read_addresses(l, sk, &e);
	e.sport = net_ntohs(((struct inet_sock __guest *)sk)->inet_sport);
	p = put_ends(p, l, l->num, 4, &e);
	p = put_middle(p, l, &d);

	unsigned int thresh = guest_has(struct net, ipv4.sysctl_tcp_pingpong_thresh) ?
				      l->net->ipv4.sysctl_tcp_pingpong_thresh : PINGPONG_THRESH;
	unsigned int quick = (unsigned int)icsk->icsk_ack.quick << 1 |
			     (icsk->icsk_ack.pingpong >= thresh);
	uint32_t ssthresh = tp->snd_ssthresh;

	*p++ = ' ';
	p = net_put_u(p, (uint64_t)net_jiffies_to_clock(l, icsk->icsk_rto), 0);
	*p++ = ' ';
	p = net_put_u(p, (uint64_t)net_jiffies_to_clock(l, ack_ato(icsk)), 0);
	*p++ = ' ';
	p = net_put_u(p, quick, 0);
	*p++ = ' ';
	p = net_put_u(p, tp->snd_cwnd, 0);
	*p++ = ' ';
	if (state == TCP_LISTEN)
		return net_put_d(p, icsk->icsk_accept_queue.fastopenq.max_qlen);
	return net_put_d(p, ssthresh >= TCP_INFINITE_SSTHRESH ? -1 : (int64_t)ssthresh);
}

static char *put_tcp_timewait(char *p, struct net_list *l, struct sock __guest *sk)
{
	struct inet_timewait_sock __guest *tw = (struct inet_timewait_sock __guest *)sk;
	struct ends e;
	struct middle d = {
		.state = tw->tw_substate,
		.timer = 3,
		.when = (uint64_t)net_delta_to_clock(l, tw->tw_timer.expires),
		.refs = tw->__tw_common.skc_refcnt.refs.counter,
		.ptr = guest_addr(sk),
	};

	read_addresses(l, sk, &e);
	e.sport = net_ntohs(tw->tw_sport);
	return put_middle(put_ends(p, l, l->num, 4, &e), l, &d);
}

static char *put_tcp_request(char *p, struct net_list *l, struct sock __guest *sk)
{
	struct request_sock __guest *req = (struct request_sock __guest *)sk;
	struct sock __guest *listener = req->__req_common.skc_listener;
	struct ends e;
	struct middle d = {
		.state = TCP_SYN_RECV,
		.timer = 1,
		.when = (uint64_t)net_delta_to_clock(l, req->rsk_timer.expires),
		.retransmits = req->num_timeout,
		.ptr = guest_addr(sk),
	};

	/* only the user: a request has no inode yet */
	net_sock_owner(l, listener, &d.ino, &d.uid);
	d.ino = 0;
	read_addresses(l, sk, &e);
	e.sport = req->__req_common.skc_num;
	return put_middle(put_ends(p, l, l->num, 4, &e), l, &d);
}

static bool tcp_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	uint32_t ports = sk->__sk_common.skc_portpair;
	char row[NET_ROW_SIZE], *p;

	if (sk->__sk_common.skc_family != l->family ||
	    !guest_eq(sk->__sk_common.skc_net.net, l->net)) {
		l->stranger = true;
		return false;
	}

	uint8_t state = sk->__sk_common.skc_state;

	if (state == TCP_TIME_WAIT)
		p = put_tcp_timewait(row, l, sk);
	else if (state == TCP_NEW_SYN_RECV)
		p = put_tcp_request(row, l, sk);
	else
		p = put_tcp_sock(row, l, sk, state);
	/* sockets' memory is used again for sockets: was it one and the same all the time? */
	if (sk->__sk_common.skc_portpair != ports || sk->__sk_common.skc_state != state)
		guest_fault(sk);
	put_row(l->m, row, p, l->family == NET_AF_INET ? TCP_WIDTH : 0);
	return true;
}

bool net_tcp_home(struct net_list *l, uint64_t node)
{
	return (net_sock_of_node(node)->__sk_common.skc_hash & l->mask) == l->bucket;
}

static void tcp_listening_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, (int64_t)l->bucket + NET_LISTENING_END, tcp_row, NULL);
}

static void tcp_established_bucket(struct net_list *l, uint64_t first)
{
	unsigned int failed = l->failed;

	l->stranger = false;
	net_chain(l, first, l->bucket, tcp_row, net_tcp_home);
	if (l->others && (l->stranger || l->failed != failed))
		others_note(l->others, l->bucket);
}

/* The cache lines that put_tcp_sock() reads, by what lies in them. */
static void tcp_ahead(const struct net_list *l, uint64_t node, enum net_ahead step)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;

	if (step == NET_AHEAD_NODE) {
		guest_prefetch(sk);
		guest_prefetch(&sk->__sk_common.skc_refcnt);
		return;
	}
	if (sk->__sk_common.skc_family != l->family)
		return;
	if (step == NET_AHEAD_OWNER) {
		net_sock_ahead(l, sk);
		return;
	}
	guest_prefetch(&sk->sk_ack_backlog);
	guest_prefetch(&sk->sk_socket);
	guest_prefetch(&((struct inet_sock __guest *)sk)->inet_sport);
	guest_prefetch(&icsk->icsk_rto);
	guest_prefetch(&icsk->icsk_ack);
	guest_prefetch(&tp->rcv_nxt);
	guest_prefetch(&tp->copied_seq);
	guest_prefetch(&tp->write_seq);
	guest_prefetch(&tp->snd_una);
	guest_prefetch(&tp->snd_cwnd);
}

/*
 * What rows read of a socket, which is one of three things: a sixth of a tcp_sock, some of it only if it listens. It is
 * exact: a member that is read and not among these costs a round trip.
 */
static struct ahead tcp_reads(const struct net_list *l, bool listening)
{
	struct ahead a = { 0 };

	if (!guest_hints())
		return a;
	a = ahead_make(guest_offsetof(struct sock, __sk_common.skc_node),
		       guest_offsetof(struct sock, __sk_common.skc_refcnt) + 4);
	a.chain.exact = true;
	if (l->own_ino) {
		AHEAD_WORD(&a, AHEAD_NODE, struct sock, sk_uid);
		AHEAD_MEMBER(&a, AHEAD_NODE, struct sock, sk_ino);
	} else {
		int inode = ahead_follow_part(&a, AHEAD_NODE, guest_offsetof(struct sock, sk_socket),
					      l->socket_inode + guest_offsetof(struct inode, i_uid), 4);

		ahead_bytes(&a, inode, l->socket_inode + guest_offsetof(struct inode, i_ino), 8);
		AHEAD_MEMBER(&a, AHEAD_NODE, struct sock, sk_socket);
	}
	if (guest_has(struct inet_connection_sock, icsk_timeout))
		AHEAD_MEMBER(&a, AHEAD_NODE, struct inet_connection_sock, icsk_timeout);
	else if (guest_has(struct inet_connection_sock, icsk_retransmit_timer))
		AHEAD_MEMBER(&a, AHEAD_NODE, struct inet_connection_sock,
			     icsk_retransmit_timer.expires);
	else
		AHEAD_MEMBER(&a, AHEAD_NODE, struct sock, tcp_retransmit_timer.expires);
	if (guest_has(struct inet_connection_sock, icsk_keepalive_timer)) {
		AHEAD_MEMBER(&a, AHEAD_NODE, struct inet_connection_sock,
			     icsk_keepalive_timer.entry.pprev);
		AHEAD_MEMBER(&a, AHEAD_NODE, struct inet_connection_sock,
			     icsk_keepalive_timer.expires);
	} else {
		AHEAD_MEMBER(&a, AHEAD_NODE, struct sock, sk_timer.entry.pprev);
		AHEAD_MEMBER(&a, AHEAD_NODE, struct sock, sk_timer.expires);
	}
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_sock, inet_sport);
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_connection_sock, icsk_pending);
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_connection_sock, icsk_retransmits);
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_connection_sock, icsk_probes_out);
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_connection_sock, icsk_rto);
	AHEAD_MEMBERS(&a, AHEAD_NODE, struct inet_connection_sock, icsk_ack);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, rcv_nxt);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, copied_seq);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, write_seq);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, snd_una);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, snd_cwnd);
	AHEAD_WORD(&a, AHEAD_NODE, struct tcp_sock, snd_ssthresh);
	if (listening) {
		AHEAD_WORD(&a, AHEAD_NODE, struct sock, sk_ack_backlog);
		AHEAD_WORD(&a, AHEAD_NODE, struct inet_connection_sock,
			   icsk_accept_queue.fastopenq.max_qlen);
		return a;
	}
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_timewait_sock, tw_substate);
	AHEAD_WORD(&a, AHEAD_NODE, struct inet_timewait_sock, tw_sport);
	AHEAD_MEMBER(&a, AHEAD_NODE, struct inet_timewait_sock, tw_timer.expires);
	AHEAD_MEMBER(&a, AHEAD_NODE, struct request_sock, rsk_timer.expires);
	/* num_timeout, a bit-field behind what all have */
	ahead_bytes(&a, AHEAD_NODE, guest_sizeof(struct sock_common), 16);
	return a;
}

/* A listing that goes on when more of it is read. */
struct tcp_rest {
	struct procfs *fs;
	struct net_list l;
	struct net_walk w;
	bool established; /* the second table */
	uint64_t burnt; /* of a run's fuel, by portions so far */
};

struct inet_hashinfo __guest *net_tcp_tables(const struct net_list *l)
{
	struct inet_hashinfo __guest *h = l->net->ipv4.tcp_death_row.hashinfo;

	return h ? h : &tcp_hashinfo;
}

struct net_table net_tcp_listening(const struct net_list *l, bool oldest)
{
	struct inet_hashinfo __guest *h = net_tcp_tables(l);
	struct net_table t = {
		.stride = (uint32_t)guest_sizeof(struct inet_listen_hashbucket),
		.head = (uint32_t)guest_offsetof(struct inet_listen_hashbucket, nulls_head),
	};

	if (guest_has(struct inet_hashinfo, listening_hash) && oldest) {
		t.base = guest_addr(&h->listening_hash[0]);
		t.count = LISTENING_HASH_SIZE;
	} else {
		t.base = guest_addr(h->lhash2);
		t.count = (uint64_t)h->lhash2_mask + 1;
	}
	return t;
}

struct net_table net_tcp_established(const struct net_list *l)
{
	struct inet_hashinfo __guest *h = net_tcp_tables(l);

	return (struct net_table){
		.base = guest_addr(h->ehash),
		.count = (uint64_t)h->ehash_mask + 1,
		.stride = (uint32_t)guest_sizeof(struct inet_ehash_bucket),
		.head = (uint32_t)guest_offsetof(struct inet_ehash_bucket, chain),
	};
}

static void begin_listening(struct tcp_rest *s)
{
	struct ahead reads = tcp_reads(&s->l, true);
	/* the listing went over to the second table in 5.15, with the iterator that BPF has */
	struct net_table t = net_tcp_listening(&s->l, !guest_has_symbol(bpf_iter_tcp_seq_next));

	t.reads = &reads;
	net_walk_begin(&s->w, &t);
}

static void begin_established(struct tcp_rest *s)
{
	struct ahead reads = tcp_reads(&s->l, false);
	struct net_table t = net_tcp_established(&s->l);
	struct others *o;
	uint64_t epoch;

	t.reads = &reads;
	s->l.mask = (uint32_t)(t.count - 1);
	s->established = true;
	net_walk_begin(&s->w, &t);
	o = procfs_others(s->fs, &epoch);
	if (!o)
		return;
	if (others_known(o, epoch, s->l.family, t.base, s->w.t.count))
		s->w.only = o;
	else if (others_begin(o, epoch, s->l.family, t.base, s->w.t.count))
		s->l.others = o;
}

static void end_established(struct tcp_rest *s)
{
	uint64_t epoch;

	(void)procfs_others(s->fs, &epoch);
	if (s->l.others && !s->w.bad && !net_list_over(&s->l))
		others_end(s->l.others, epoch);
}

static bool tcp_portion(struct tcp_rest *s)
{
	if (!s->established) {
		if (!net_walk_on(&s->l, &s->w, tcp_listening_bucket, tcp_ahead))
			return false;
		begin_established(s);
	}
	return net_walk_on(&s->l, &s->w, tcp_established_bucket, tcp_ahead);
}

static int show_tcp(const struct proc_item *it, struct seq_file *m, unsigned short family)
{
	struct tcp_rest *s = m->rest;
	uint64_t fuel;

	if (s) {
		guest_burn(s->burnt);
		fuel = guest_fuel();
	} else {
		fuel = guest_fuel();
		s = seq_rest(m, sizeof(*s));
		if (!s)
			return 0;
		s->fs = it->fs;
		net_list_init(&s->l, it, m);
		s->l.family = family;
		if (family == NET_AF_INET)
			put_padded_header(m, tcp_header, TCP_WIDTH);
		else
			seq_puts(m, tcp6_header);
		begin_listening(s);
	}
	if (tcp_portion(s)) {
		end_established(s);
		seq_rest_done(m);
	} else {
		s->burnt += fuel - guest_fuel();
	}
	return 0;
}

int net_tcp_show(const struct proc_item *it, struct seq_file *m)
{
	return show_tcp(it, m, NET_AF_INET);
}

int net_tcp6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_tcp(it, m, NET_AF_INET6);
}

/* ---- datagrams: UDP, UDP-Lite, raw, ICMP ---- */

struct dgram {
	unsigned int width;  /* of the bucket number */
	bool pad;
	bool raw;	     /* the port is the protocol's number */
	bool deficit;	     /* part of rmem_alloc is no queue (UDP) */
};

static void dgram_row(struct net_list *l, struct sock __guest *sk, const struct dgram *kind)
{
	char row[NET_ROW_SIZE], *p;
	struct ends e;
	struct middle d = {
		.state = sk->__sk_common.skc_state,
		.tx = (uint32_t)sk->sk_wmem_alloc.refs.counter - 1,
		.rx = (uint32_t)sk->sk_backlog.rmem_alloc.counter,
		.refs = sk->__sk_common.skc_refcnt.refs.counter,
		.ptr = guest_addr(sk),
	};

	if (kind->deficit)
		d.rx -= (uint32_t)((struct udp_sock __guest *)sk)->forward_deficit;
	net_sock_owner(l, sk, &d.ino, &d.uid);
	read_addresses(l, sk, &e);
	if (kind->raw) {
		e.sport = sk->__sk_common.skc_num;
		e.dport = 0;
	} else {
		e.sport = net_ntohs(((struct inet_sock __guest *)sk)->inet_sport);
	}
	p = put_ends(row, l, l->bucket, kind->width, &e);
	p = put_middle(p, l, &d);
	*p++ = ' ';
	p = net_put_u(p, net_drops(sk), 0);
	if (sk->__sk_common.skc_state != d.state || !guest_eq(sk->__sk_common.skc_net.net, l->net))
		guest_fault(sk);
	put_row(l->m, row, p, kind->pad ? DGRAM_WIDTH : 0);
}

static bool udp_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct dgram kind = { .width = 5, .pad = l->family == NET_AF_INET, .deficit = true };

	if (sk->__sk_common.skc_family != l->family ||
	    !guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;
	dgram_row(l, sk, &kind);
	return true;
}

static void udp_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, udp_row, NULL);
}

bool net_has_udplite(void)
{
	return guest_has_symbol(udplite_table);
}

struct net_table net_udp_table(const struct net_list *l, bool lite)
{
	struct udp_table __guest *table = lite ? &udplite_table :
					  guest_has(struct net, ipv4.udp_table) ? l->net->ipv4.udp_table :
										  &udp_table;

	return (struct net_table){
		.base = guest_addr(table->hash),
		.count = (uint64_t)table->mask + 1,
		.stride = (uint32_t)guest_sizeof(struct udp_hslot),
		.head = (uint32_t)guest_offsetof(struct udp_hslot, head),
	};
}

static int show_udp(struct net_list *l, bool lite)
{
	struct ahead reads = net_reads_socks(l, guest_sizeof(struct udp_sock));
	struct net_table t = net_udp_table(l, lite);

	t.reads = &reads;
	if (l->family == NET_AF_INET) {
		seq_setwidth(l->m, DGRAM_WIDTH);
		seq_putc(l->m, ' ');
		seq_puts(l->m, dgram_header);
		seq_pad(l->m, '\n');
	} else {
		seq_puts(l->m, dgram6_header);
	}
	net_table_walk(l, &t, udp_bucket, NULL);
	return 0;
}

static int show_udp_of(const struct proc_item *it, struct seq_file *m, unsigned short family,
		       bool lite)
{
	struct net_list l;

	net_list_init(&l, it, m);
	l.family = family;
	return show_udp(&l, lite);
}

int net_udp_show(const struct proc_item *it, struct seq_file *m)
{
	return show_udp_of(it, m, NET_AF_INET, false);
}

int net_udp6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_udp_of(it, m, NET_AF_INET6, false);
}

int net_udplite_show(const struct proc_item *it, struct seq_file *m)
{
	return show_udp_of(it, m, NET_AF_INET, true);
}

int net_udplite6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_udp_of(it, m, NET_AF_INET6, true);
}

/* The tables of raw sockets hold one family each. */
static bool raw_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct dgram kind = { .width = l->family == NET_AF_INET ? 4 : 5, .raw = true };

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;
	dgram_row(l, sk, &kind);
	return true;
}

static void raw_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, raw_row, NULL);
}

struct net_table net_raw_table(unsigned short family)
{
	struct raw_hashinfo __guest *h = family == NET_AF_INET ? &raw_v4_hashinfo : &raw_v6_hashinfo;

	return (struct net_table){
		.base = guest_addr(&h->ht[0]),
		.count = RAW_HASH_SIZE,
		.stride = sizeof(uint64_t),
	};
}

static int show_raw(struct net_list *l)
{
	struct ahead reads = net_reads_socks(l, guest_sizeof(struct inet_sock));
	struct net_table t = net_raw_table(l->family);

	t.reads = &reads;
	net_table_walk(l, &t, raw_bucket, NULL);
	return 0;
}

int net_raw_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	l.family = NET_AF_INET;
	seq_puts(m, dgram_header);
	seq_putc(m, '\n');
	return show_raw(&l);
}

int net_raw6_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	l.family = NET_AF_INET6;
	seq_puts(m, dgram6_header);
	return show_raw(&l);
}

/*
 * One table for both families. The kernel looks at the family for the first socket of a bucket
 * only; the others follow whatever they are.
 */
static bool icmp_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct dgram kind = { .width = 5, .pad = l->family == NET_AF_INET };

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net) ||
	    (!l->in_step && sk->__sk_common.skc_family != l->family))
		return false;
	dgram_row(l, sk, &kind);
	l->in_step = true;
	return true;
}

static void icmp_bucket(struct net_list *l, uint64_t first)
{
	l->in_step = false;
	net_chain(l, first, NET_ANY_END, icmp_row, NULL);
}

static int show_icmp(struct net_list *l)
{
	struct ahead reads = net_reads_socks(l, guest_sizeof(struct inet_sock));
	struct net_table t = {
		.reads = &reads, .count = PING_HASH_SIZE, .stride = sizeof(uint64_t),
	};

	t.base = guest_addr(&ping_table.hash[0]);
	net_table_walk(l, &t, icmp_bucket, NULL);
	return 0;
}

int net_icmp_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	l.family = NET_AF_INET;
	put_padded_header(m, dgram_header, DGRAM_WIDTH);
	return show_icmp(&l);
}

int net_icmp6_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;

	net_list_init(&l, it, m);
	l.family = NET_AF_INET6;
	seq_puts(m, dgram6_header);
	return show_icmp(&l);
}

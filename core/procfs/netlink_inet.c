// SPDX-License-Identifier: MIT
/*
 * TCP, UDP and raw sockets by netlink: net/ipv4/{inet_diag,tcp_diag,udp_diag,raw_diag}.c. Left out is what congestion
 * controls tell of themselves (INET_DIAG_VEGASINFO ...), as they are modules with records of their own, and storage
 * of BPF programs.
 */
#include "netlink_diag.h"

enum {
	/* include/uapi/linux/inet_diag.h, in.h: ABI */
	REQ_BYTECODE = 1,
	REQ_PROTOCOL = 3,
	INET_DIAG_MEMINFO = 1,
	INET_DIAG_INFO,
	INET_DIAG_CONG = 4,
	INET_DIAG_TOS,
	INET_DIAG_TCLASS,
	INET_DIAG_SKMEMINFO,
	INET_DIAG_SHUTDOWN,
	INET_DIAG_PROTOCOL = 10,
	INET_DIAG_SKV6ONLY,
	INET_DIAG_MARK = 15,
	INET_DIAG_CLASS_ID = 17,
	INET_DIAG_CGROUP_ID = 21,
	INET_DIAG_SOCKOPT,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_UDPLITE = 136,
	PROTO_RAW = 255,
	TYPE_RAW = 3, /* SOCK_RAW */
	STATE_SYN_RECV = 3,
	STATE_BOUND_INACTIVE = 13, /* asked for alone: no socket says it */
	BOUND_PORT = 8, /* include/uapi/linux/socket.h: SOCK_BINDPORT_LOCK, 8 as a mask */
};

GUEST_TYPES_BEGIN
struct kernfs_node {
	uint64_t id;
};
struct cgroup {
	struct kernfs_node __guest *kn;
};
struct cgroup_root {
	struct cgroup cgrp;
};
GUEST_TYPES_END
extern struct cgroup_root __guest cgrp_dfl_root;

/* struct inet_diag_req, struct inet_diag_req_v2, struct inet_diag_msg */
struct old_request {
	uint8_t family, src_len, dst_len, ext;
	struct diag_id id;
	uint32_t states, tables;
};
struct request {
	uint8_t family, protocol, ext, raw_protocol;
	uint32_t states;
	struct diag_id id;
};
struct message {
	uint8_t family, state, timer, retransmits;
	struct diag_id id;
	uint32_t expires, receive, send, uid, inode;
};

/* The tables of TCP; other protocols have one. */
enum { STAGE_LISTENING, STAGE_BOUND, STAGE_ESTABLISHED, STAGE_END };

static bool wants(const struct diag *d, unsigned int extension)
{
	return d->ext >> (extension - 1) & 1;
}

/* ---- what a message begins with ---- */

static void fill_message(struct message *r, struct sock_common __guest *sk)
{
	r->family = (uint8_t)sk->skc_family;
	r->id.sport = net_ntohs(sk->skc_num);
	r->id.dport = sk->skc_dport;
	r->id.device = (uint32_t)sk->skc_bound_dev_if;
	diag_cookie(sk, r->id.cookie);
	if (r->family == NET_AF_INET6) {
		guest_read(r->id.src, &sk->skc_v6_rcv_saddr, sizeof(r->id.src));
		guest_read(r->id.dst, &sk->skc_v6_daddr, sizeof(r->id.dst));
	} else {
		r->id.src[0] = sk->skc_rcv_saddr;
		r->id.dst[0] = sk->skc_daddr;
	}
}

static uint32_t ms_until(const struct net_list *l, uint64_t tick)
{
	int64_t left = (int64_t)(tick - l->jiffies);

	return left > 0 ? diag_ticks_to_ms((uint64_t)left) : 0;
}

/*
 * Is a waiting end's mark told? It is since 5.13, where no type tells: so from 5.15 on, which holds control groups and
 * classes apart.
 */
static bool tells_waiting_mark(void)
{
	return guest_has(struct inet_timewait_sock, tw_mark) && guest_has(struct sock_cgroup_data, cgroup);
}

static void put_waiting(struct netlink *n, struct sock __guest *sk)
{
	struct inet_timewait_sock __guest *tw = (struct inet_timewait_sock __guest *)sk;
	struct message r = { .state = tw->tw_substate, .timer = NET_TIMER_TIME_WAIT,
			     .expires = ms_until(&n->l, tw->tw_timer.expires) };

	fill_message(&r, &tw->__tw_common);
	netlink_begin(n, n->q->type, &r, sizeof(r));
	if (tells_waiting_mark())
		netlink_put_u32(n, INET_DIAG_MARK, tw->tw_mark);
	netlink_end(n);
}

static void put_request(struct netlink *n, struct sock __guest *sk)
{
	struct request_sock __guest *req = (struct request_sock __guest *)sk;
	struct message r = { .state = STATE_SYN_RECV, .timer = NET_TIMER_RETRANSMIT, .retransmits = req->num_retrans,
			     .expires = ms_until(&n->l, req->rsk_timer.expires) };

	fill_message(&r, &req->__req_common);
	netlink_begin(n, n->q->type, &r, sizeof(r));
	netlink_put_u32(n, INET_DIAG_MARK, ((struct inet_request_sock __guest *)sk)->ir_mark);
	netlink_end(n);
}

/* ---- attributes ---- */

/* The control group of version 2 that a socket is of; the class that version 1 gave it. */
static uint64_t cgroup_of(struct sock __guest *sk, uint32_t *class_ret)
{
	struct cgroup __guest *cgrp = guest_ptr(struct cgroup, 0);

	*class_ret = 0;
	if (guest_has(struct sock_cgroup_data, cgroup)) {
		if (guest_has(struct sock_cgroup_data, classid))
			*class_ret = sk->sk_cgrp_data.classid;
		cgrp = sk->sk_cgrp_data.cgroup;
	} else if (guest_has(struct sock_cgroup_data, val)) {
		uint64_t v = sk->sk_cgrp_data.val;

		if (v & 1)
			*class_ret = (uint32_t)(v >> 32);
		if (!(v & 3))
			cgrp = guest_ptr(struct cgroup, v);
		if (!cgrp)
			cgrp = &cgrp_dfl_root.cgrp;
	}
	return cgrp ? cgrp->kn->id : 0;
}

/* struct inet_diag_sockopt: from bits of their own, or from those of inet_flags */
static void put_options(struct netlink *n, struct inet_sock __guest *inet)
{
	static const uint8_t bits[] = { 9, 16, 11, 12, 13, 15, 14, 17, 18, 10, 19 }; /* INET_FLAGS_* */
	uint16_t options = 0;

	if (guest_has(struct inet_sock, inet_flags)) {
		uint64_t flags = inet->inet_flags;

		for (unsigned int i = 0; i < sizeof(bits); i++)
			options |= (uint16_t)((flags >> bits[i] & 1) << i);
	} else {
		options = (uint16_t)(inet->recverr | inet->is_icsk << 1 | inet->freebind << 2 | inet->hdrincl << 3 |
				     inet->mc_loop << 4 | inet->transparent << 5 | inet->mc_all << 6 |
				     inet->nodefrag << 7 | inet->bind_address_no_port << 8 |
				     inet->recverr_rfc4884 << 9 | inet->defer_connect << 10);
	}
	netlink_put(n, INET_DIAG_SOCKOPT, &options, sizeof(options));
}

static void put_common(struct diag *d, struct sock __guest *sk, uint8_t state)
{
	struct inet_sock __guest *inet = (struct inet_sock __guest *)sk;
	struct netlink *n = &d->n;
	uint32_t class;
	uint64_t cgroup = cgroup_of(sk, &class);

	netlink_put_u8(n, INET_DIAG_SHUTDOWN, sk->sk_shutdown);
	if (wants(d, INET_DIAG_TOS))
		netlink_put_u8(n, INET_DIAG_TOS, inet->tos);
	if (sk->__sk_common.skc_family == NET_AF_INET6) {
		if (wants(d, INET_DIAG_TCLASS))
			netlink_put_u8(n, INET_DIAG_TCLASS, inet->pinet6->tclass);
		if (state == DIAG_STATE_LISTEN || state == DIAG_STATE_CLOSE)
			netlink_put_u8(n, INET_DIAG_SKV6ONLY, sk->__sk_common.skc_ipv6only);
	}
	netlink_put_u32(n, INET_DIAG_MARK, sk->sk_mark);
	if (wants(d, INET_DIAG_TCLASS))
		netlink_put_u32(n, INET_DIAG_CLASS_ID, class ? class : sk->sk_priority);
	netlink_put(n, INET_DIAG_CGROUP_ID, &cgroup, sizeof(cgroup));
	put_options(n, inet);
	if (wants(d, INET_DIAG_MEMINFO)) {
		const uint32_t memory[] = { (uint32_t)sk->sk_backlog.rmem_alloc.counter,
					    (uint32_t)sk->sk_wmem_queued, (uint32_t)sk->sk_forward_alloc,
					    diag_wmem(sk) };

		netlink_put(n, INET_DIAG_MEMINFO, memory, sizeof(memory));
	}
	if (wants(d, INET_DIAG_SKMEMINFO))
		diag_put_memory(n, INET_DIAG_SKMEMINFO, sk);
	if (sk->sk_type == TYPE_RAW)
		netlink_put_u8(n, INET_DIAG_PROTOCOL, (uint8_t)sk->sk_protocol);
}

static void fill_queues(const struct diag *d, struct sock __guest *sk, struct message *r)
{
	struct tcp_sock __guest *tp = (struct tcp_sock __guest *)sk;

	if (d->protocol != PROTO_TCP) {
		r->receive = (uint32_t)sk->sk_backlog.rmem_alloc.counter;
		if (d->protocol != PROTO_RAW)
			r->receive -= (uint32_t)((struct udp_sock __guest *)sk)->forward_deficit;
		r->send = diag_wmem(sk);
	} else if (r->state == DIAG_STATE_LISTEN) {
		r->receive = sk->sk_ack_backlog;
		r->send = sk->sk_max_ack_backlog;
	} else {
		int32_t unread = (int32_t)(tp->rcv_nxt - tp->copied_seq);

		r->receive = unread > 0 ? (uint32_t)unread : 0;
		r->send = tp->write_seq - tp->snd_una;
	}
}

static void fill_timer(struct diag *d, struct sock __guest *sk, struct message *r)
{
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	uint64_t expires;

	r->timer = net_tcp_timer(&d->n.l, sk, &expires);
	r->expires = ms_until(&d->n.l, expires);
	if (r->timer != NET_TIMER_NONE)
		r->retransmits = r->timer == NET_TIMER_RETRANSMIT ? icsk->icsk_retransmits : icsk->icsk_probes_out;
}

static void put_tcp(struct diag *d, struct sock __guest *sk, uint8_t state)
{
	struct inet_connection_sock __guest *icsk = (struct inet_connection_sock __guest *)sk;
	struct tcp_congestion_ops __guest *control = icsk->icsk_ca_ops;

	if (wants(d, INET_DIAG_INFO))
		diag_put_tcp_info(&d->n, sk, state);
	if (wants(d, INET_DIAG_CONG) && control) {
		char name[17];

		guest_strncpy(name, &control->name[0], sizeof(name));
		netlink_put_name(&d->n, INET_DIAG_CONG, name);
	}
	if (wants(d, INET_DIAG_INFO))
		diag_put_tcp_aux(&d->n, sk);
}

static void put_socket(struct diag *d, struct sock __guest *sk, uint8_t state)
{
	struct message r = { .state = state };
	bool connection = d->protocol == PROTO_TCP && d->stage != STAGE_BOUND;
	uint64_t ino;

	if (state == DIAG_STATE_TIME_WAIT) {
		put_waiting(&d->n, sk);
		return;
	}
	if (state == DIAG_STATE_NEW_SYN_RECV) {
		put_request(&d->n, sk);
		return;
	}
	fill_message(&r, &sk->__sk_common);
	net_sock_owner(&d->n.l, sk, &ino, &r.uid);
	r.inode = (uint32_t)ino;
	fill_queues(d, sk, &r);
	if (connection)
		fill_timer(d, sk, &r);
	netlink_begin(&d->n, d->n.q->type, &r, sizeof(r));
	put_common(d, sk, state);
	if (connection)
		put_tcp(d, sk, state);
	netlink_end(&d->n);
}

/* ---- which sockets ---- */

static bool wanted_by_filter(const struct diag *d, struct sock __guest *sk, uint8_t state)
{
	uint32_t src[4], dst[4], class;
	struct diag_entry e = { .src = src, .dst = dst, .family = (uint8_t)sk->__sk_common.skc_family };

	if (!d->filter_size)
		return true;
	if (e.family == NET_AF_INET6) {
		guest_read(src, &sk->__sk_common.skc_v6_rcv_saddr, sizeof(src));
		guest_read(dst, &sk->__sk_common.skc_v6_daddr, sizeof(dst));
	} else {
		src[0] = sk->__sk_common.skc_rcv_saddr;
		dst[0] = sk->__sk_common.skc_daddr;
		src[1] = src[2] = src[3] = dst[1] = dst[2] = dst[3] = 0;
	}
	e.sport = sk->__sk_common.skc_num;
	e.dport = net_ntohs(sk->__sk_common.skc_dport);
	e.device = (uint32_t)sk->__sk_common.skc_bound_dev_if;
	if (state == DIAG_STATE_TIME_WAIT) {
		struct inet_timewait_sock __guest *tw = (struct inet_timewait_sock __guest *)sk;

		e.mark = tells_waiting_mark() ? tw->tw_mark : 0;
	} else if (state == DIAG_STATE_NEW_SYN_RECV) {
		e.mark = ((struct inet_request_sock __guest *)sk)->ir_mark;
	} else {
		e.mark = sk->sk_mark;
		e.bound = sk->sk_userlocks & BOUND_PORT;
		e.cgroup = cgroup_of(sk, &class);
	}
	return diag_filter_run(d->n.q->body + d->filter, d->filter_size, &e);
}

/* The port as the tables of datagrams hold it, which raw sockets have their protocol in. */
static uint16_t source_port(const struct diag *d, struct sock __guest *sk)
{
	if (d->protocol == PROTO_TCP)
		return net_ntohs(sk->__sk_common.skc_num);
	return ((struct inet_sock __guest *)sk)->inet_sport;
}

static bool wanted(const struct diag *d, struct sock __guest *sk, uint8_t state)
{
	uint8_t in = state;

	if (!guest_eq(sk->__sk_common.skc_net.net, d->n.l.net) ||
	    (d->family && sk->__sk_common.skc_family != d->family))
		return false;
	if (d->protocol == PROTO_TCP && d->stage == STAGE_BOUND)
		return state == DIAG_STATE_CLOSE && sk->__sk_common.skc_num && wanted_by_filter(d, sk, state);
	if (state == DIAG_STATE_TIME_WAIT && d->protocol == PROTO_TCP)
		in = ((struct inet_timewait_sock __guest *)sk)->tw_substate;
	if (d->protocol != PROTO_RAW && (in > 31 || !(d->states >> in & 1)))
		return false;
	if ((d->id.sport && d->id.sport != source_port(d, sk)) ||
	    (d->id.dport && d->id.dport != sk->__sk_common.skc_dport))
		return false;
	return wanted_by_filter(d, sk, state);
}

static bool row_of(struct net_list *l, struct sock __guest *sk)
{
	uint32_t ports = sk->__sk_common.skc_portpair;
	uint8_t state = sk->__sk_common.skc_state;
	struct diag *d = diag_of(l);

	if (!wanted(d, sk, state))
		return false;
	put_socket(d, sk, state);
	/* sockets' memory is used again for sockets: was it one and the same all the time? */
	if (sk->__sk_common.skc_portpair != ports || sk->__sk_common.skc_state != state)
		guest_fault(sk);
	return true;
}

static bool row(struct net_list *l, uint64_t node)
{
	return row_of(l, net_sock_of_node(node));
}

/* ---- one that is asked for ---- */

static bool is_mapped(const uint32_t address[4])
{
	return !address[0] && !address[1] && address[2] == __builtin_bswap32(0xffff);
}

/* How well a socket fits what is asked for, as the kernel's look-ups by addresses weigh it; 0: not at all. */
static int score_of(const struct diag *d, struct sock __guest *sk)
{
	static const uint32_t none[4];
	/* of datagrams, ends are told the other way round, for historical reasons */
	bool swap = d->protocol == PROTO_UDP || d->protocol == PROTO_UDPLITE, six = d->family == NET_AF_INET6;
	const uint32_t *local = swap ? d->id.dst : d->id.src, *remote = swap ? d->id.src : d->id.dst;
	uint16_t near = swap ? d->id.dport : d->id.sport, far = swap ? d->id.sport : d->id.dport;
	uint32_t bound = (uint32_t)sk->__sk_common.skc_bound_dev_if;
	struct message is = { 0 };
	size_t size = six ? 16 : 4;
	int score = 1;

	if (sk->__sk_common.skc_family != d->family || !guest_eq(sk->__sk_common.skc_net.net, d->n.l.net) ||
	    (bound && bound != d->id.device))
		return 0;
	fill_message(&is, &sk->__sk_common);
	if (d->protocol == PROTO_RAW ? sk->__sk_common.skc_num != d->raw_protocol : is.id.sport != near)
		return 0;
	if (memcmp(is.id.src, none, size)) {
		if (memcmp(is.id.src, local, size))
			return 0;
		score += 4;
	}
	if (memcmp(is.id.dst, none, size)) {
		if (memcmp(is.id.dst, remote, size))
			return 0;
		score += 4;
	}
	if (is.id.dport && d->protocol != PROTO_RAW) {
		if (is.id.dport != far)
			return 0;
		score += 4;
	}
	return score + (bound ? 4 : 0);
}

static bool candidate(struct net_list *l, uint64_t node)
{
	struct diag *d = diag_of(l);
	int score = score_of(d, net_sock_of_node(node));

	if (!guest_faulted() && score > d->score) {
		d->score = score;
		d->best = node;
	}
	return false;
}

static void candidates(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, candidate, NULL);
}

int diag_inet_one(struct diag *d)
{
	struct ahead reads = net_reads_socks(&d->n.l, guest_sizeof(struct sock));
	struct net_table t[2] = { { 0 } };
	unsigned int count = 1;
	int r = -ENOENT;

	if (d->family != NET_AF_INET && d->family != NET_AF_INET6)
		return -EINVAL;
	if (d->family == NET_AF_INET6 && is_mapped(d->id.src) && is_mapped(d->id.dst) && d->protocol == PROTO_TCP) {
		d->family = NET_AF_INET;
		d->id.src[0] = d->id.src[3];
		d->id.dst[0] = d->id.dst[3];
	}
	if (d->protocol == PROTO_TCP) {
		t[0] = net_tcp_established(&d->n.l);
		t[count++] = net_tcp_listening(&d->n.l, true);
	} else {
		t[0] = d->protocol == PROTO_RAW ? net_raw_table(d->family) :
						  net_udp_table(&d->n.l, d->protocol == PROTO_UDPLITE);
	}
	for (unsigned int i = 0; i < count && !d->best; i++) {
		t[i].reads = &reads;
		net_table_walk(&d->n.l, &t[i], candidates, NULL);
	}
	if (!d->best)
		return -ENOENT;
	d->stage = STAGE_LISTENING;
	NET_RECORD(&d->n.l) {
		struct sock __guest *sk = net_sock_of_node(d->best);

		r = 0;
		if (d->protocol != PROTO_RAW && !diag_cookie_is(&sk->__sk_common, d->id.cookie))
			r = d->protocol == PROTO_TCP ? -ENOENT : -ESTALE;
		else
			put_socket(d, sk, sk->__sk_common.skc_state);
	}
	return d->n.l.failed ? -ENOENT : r;
}

/* ---- all ---- */

static void listening_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, (int64_t)l->bucket + NET_LISTENING_END, row, NULL);
}

static void established_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, l->bucket, row, net_tcp_home);
}

static void other_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, row, NULL);
}

/* Sockets of one address and port hang on a bucket, which hangs in a chain of the table. */
static bool bound_row(struct net_list *l, uint64_t node)
{
	return row_of(l, guest_ptr(struct sock, node - guest_offsetof(struct sock, __sk_common.skc_bind_node)));
}

static bool bound_address(struct net_list *l, uint64_t node)
{
	struct inet_bind2_bucket __guest *b =
		guest_ptr(struct inet_bind2_bucket, node - guest_offsetof(struct inet_bind2_bucket, node));

	if (guest_eq(b->ib_net.net, l->net))
		net_chain(l, guest_addr(b->owners.first), NET_ANY_END, bound_row, NULL);
	return true;
}

static void bound_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, bound_address, NULL);
}

/* Since kernels know which those are. */
static bool has_bound(void)
{
	return guest_has(struct inet_hashinfo, bhash2) && guest_has(struct inet_bind2_bucket, bhash_node);
}

static struct net_table bound_table(const struct net_list *l)
{
	struct inet_hashinfo __guest *h = net_tcp_tables(l);

	return (struct net_table){
		.base = guest_addr(h->bhash2),
		.count = h->bhash_size,
		.stride = (uint32_t)guest_sizeof(struct inet_bind_hashbucket),
		.head = (uint32_t)guest_offsetof(struct inet_bind_hashbucket, chain),
	};
}

/* Is there something to look for in this table of TCP? Then its walk begins. */
static bool begin_stage(struct diag *d)
{
	const uint32_t listening = 1u << DIAG_STATE_LISTEN;
	struct ahead reads = net_reads_socks(&d->n.l, d->ext ? guest_sizeof(struct tcp_sock) :
							       guest_sizeof(struct inet_connection_sock));
	struct net_table t;

	switch (d->stage) {
	case STAGE_LISTENING:
		if (!(d->states & listening) || d->id.dport)
			return false;
		t = net_tcp_listening(&d->n.l, true);
		break;
	case STAGE_BOUND:
		if (!(d->states >> STATE_BOUND_INACTIVE & 1) || !has_bound())
			return false;
		t = bound_table(&d->n.l);
		break;
	default:
		if (!(d->states & ~listening))
			return false;
		t = net_tcp_established(&d->n.l);
		d->n.l.mask = (uint32_t)(t.count - 1);
	}
	diag_walk_begin(d, t, &reads);
	return true;
}

static bool tcp_dump(struct diag *d)
{
	static net_bucket_fn *const buckets[] = { listening_bucket, bound_bucket, established_bucket };

	for (; d->stage < STAGE_END; d->stage++) {
		if (!d->walking && !begin_stage(d))
			continue;
		if (!net_walk_on(&d->n.l, &d->w, buckets[d->stage], NULL))
			return false;
		d->walking = false;
	}
	return true;
}

bool diag_inet_dump(struct diag *d)
{
	if (d->protocol == PROTO_TCP)
		return tcp_dump(d);
	if (!d->walking) {
		struct ahead reads = net_reads_socks(&d->n.l, guest_sizeof(struct udp_sock));

		if (d->protocol == PROTO_RAW && d->family != NET_AF_INET && d->family != NET_AF_INET6)
			return true;
		diag_walk_begin(d, d->protocol == PROTO_RAW ? net_raw_table(d->family) :
				net_udp_table(&d->n.l, d->protocol == PROTO_UDPLITE), &reads);
	}
	return net_walk_on(&d->n.l, &d->w, other_bucket, NULL);
}

/* ---- the question ---- */

/* That of kernels up to 3.2, which ss falls back to: the type tells the protocol, all families are asked for. */
static int parse_old(struct diag *d, size_t *head_ret)
{
	struct old_request r;

	if (d->n.q->size < sizeof(r))
		return -EINVAL;
	memcpy(&r, d->n.q->body, sizeof(r));
	if (d->n.q->type != DIAG_OF_TCP)
		return -ENOENT;
	d->protocol = PROTO_TCP;
	d->family = d->n.dump ? 0 : r.family;
	d->ext = r.ext;
	d->states = r.states;
	d->id = r.id;
	*head_ret = sizeof(r);
	return 0;
}

static int parse_new(struct diag *d, size_t *head_ret)
{
	const uint8_t *more;
	struct request r;
	size_t size = 0;
	uint32_t protocol;

	if (d->n.q->size < sizeof(r))
		return -EINVAL;
	memcpy(&r, d->n.q->body, sizeof(r));
	protocol = r.protocol;
	more = netlink_asked(&d->n, sizeof(r), REQ_PROTOCOL, &size);
	if (more && size != sizeof(protocol))
		return -EINVAL;
	if (more)
		memcpy(&protocol, more, sizeof(protocol));
	if (protocol != PROTO_TCP && protocol != PROTO_UDP && protocol != PROTO_UDPLITE && protocol != PROTO_RAW)
		return -ENOENT;
	d->protocol = (uint8_t)protocol;
	d->family = r.family;
	d->ext = r.ext;
	d->raw_protocol = r.raw_protocol;
	d->states = r.states;
	d->id = r.id;
	*head_ret = sizeof(r);
	return 0;
}

int diag_inet_parse(struct diag *d)
{
	size_t head = 0;
	const uint8_t *code;
	int r = d->n.q->type == DIAG_BY_FAMILY ? parse_new(d, &head) : parse_old(d, &head);

	if (r)
		return r;
	/* kernels without a protocol, or without IPv6, have none of its sockets */
	if (d->protocol == PROTO_UDPLITE && !net_has_udplite())
		return -ENOENT;
	if (d->states >> STATE_SYN_RECV & 1)
		d->states |= 1u << DIAG_STATE_NEW_SYN_RECV;
	code = d->n.dump ? netlink_asked(&d->n, head, REQ_BYTECODE, &d->filter_size) : NULL;
	if (!code)
		return 0;
	d->filter = (size_t)(code - d->n.q->body);
	return diag_filter_valid(code, d->filter_size) ? 0 : -EINVAL;
}

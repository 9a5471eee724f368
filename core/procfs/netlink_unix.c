// SPDX-License-Identifier: MIT
/* UNIX, packet and netlink sockets by netlink: net/{unix,packet,netlink}/diag.c. */
#include "netlink_diag.h"

enum {
	/* include/uapi/linux/unix_diag.h, packet_diag.h, netlink_diag.h: ABI */
	UDIAG_SHOW_NAME = 1,
	UDIAG_SHOW_VFS = 2,
	UDIAG_SHOW_PEER = 4,
	UDIAG_SHOW_ICONS = 8,
	UDIAG_SHOW_RQLEN = 16,
	UDIAG_SHOW_MEMINFO = 32,
	UDIAG_SHOW_UID = 64,
	UNIX_DIAG_NAME = 0,
	UNIX_DIAG_VFS,
	UNIX_DIAG_PEER,
	UNIX_DIAG_ICONS,
	UNIX_DIAG_RQLEN,
	UNIX_DIAG_MEMINFO,
	UNIX_DIAG_SHUTDOWN,
	UNIX_DIAG_UID,
	PACKET_SHOW_INFO = 1,
	PACKET_SHOW_MCLIST = 2,
	PACKET_SHOW_RING_CFG = 4,
	PACKET_SHOW_FANOUT = 8,
	PACKET_SHOW_MEMINFO = 16,
	PACKET_SHOW_FILTER = 32,
	PACKET_DIAG_INFO = 0,
	PACKET_DIAG_MCLIST,
	PACKET_DIAG_RX_RING,
	PACKET_DIAG_TX_RING,
	PACKET_DIAG_FANOUT,
	PACKET_DIAG_UID,
	PACKET_DIAG_MEMINFO,
	PACKET_DIAG_FILTER,
	PDI_RUNNING = 1,
	PDI_AUXDATA = 2,
	PDI_ORIGDEV = 4,
	PDI_VNETHDR = 8,
	PDI_LOSS = 16,
	NDIAG_SHOW_MEMINFO = 1,
	NDIAG_SHOW_GROUPS = 2,
	NETLINK_DIAG_MEMINFO = 0,
	NETLINK_DIAG_GROUPS,
	NDIAG_PROTO_ALL = 255,

	/* include/linux/net.h */
	SOCK_STREAM_TYPE = 1,
	SOCK_SEQPACKET_TYPE = 5,

	WAITING_MAX = 16000,  /* connections that wait: as many as an attribute holds */
	QUEUED_MAX = 1 << 20, /* packets in a queue */
	MEMBERS_MAX = 1400,   /* addresses that a packet socket listens to, likewise */
	GROUPS_MAX = 8192,    /* bytes of groups of a netlink socket */
	PAGE_BITS = 12,
};

GUEST_TYPES_BEGIN
struct super_block {
	uint32_t s_dev;
};
struct dentry {
	struct inode __guest *d_inode;
	struct super_block __guest *d_sb;
};
GUEST_TYPES_END

/* struct unix_diag_req, unix_diag_msg; packet_diag_req, packet_diag_msg; netlink_diag_req, netlink_diag_msg */
struct unix_request {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t states, ino, show, cookie[2];
};
struct unix_message {
	uint8_t family, type, state, pad;
	uint32_t ino, cookie[2];
};
struct other_request {
	uint8_t family, protocol;
	uint16_t pad;
	uint32_t ino, show, cookie[2];
};
struct packet_message {
	uint8_t family, type;
	uint16_t num;
	uint32_t ino, cookie[2];
};
struct netlink_message {
	uint8_t family, type, protocol, state;
	uint32_t port, to_port, to_group, ino, cookie[2];
};

static uint32_t inode_of(const struct net_list *l, struct sock __guest *sk, uint32_t *uid_ret)
{
	uint64_t ino;

	net_sock_owner(l, sk, &ino, uid_ret);
	return (uint32_t)ino;
}

/* ---- UNIX ---- */

static void put_name(struct netlink *n, struct unix_sock __guest *u)
{
	struct unix_address __guest *addr = u->addr;
	char path[NET_UNIX_ADDRESS_MAX];
	int size = addr ? net_unix_path(addr, path) : -1;

	if (size >= 0)
		netlink_put(n, UNIX_DIAG_NAME, path, (size_t)size);
}

static void put_file(struct netlink *n, struct unix_sock __guest *u)
{
	struct dentry __guest *dentry = u->path.dentry;
	uint32_t file[2];

	if (!dentry)
		return;
	file[0] = (uint32_t)dentry->d_inode->i_ino;
	file[1] = dentry->d_sb->s_dev;
	netlink_put(n, UNIX_DIAG_VFS, file, sizeof(file));
}

static uint32_t peer_of(const struct net_list *l, struct sock __guest *sk)
{
	struct sock __guest *peer = ((struct unix_sock __guest *)sk)->peer;
	uint32_t uid;

	return peer ? inode_of(l, peer, &uid) : 0;
}

/* Those who wait to be accepted: the other ends of the sockets that their packets are of. */
static void put_waiting(struct netlink *n, struct sock __guest *sk)
{
	struct guest_bound b = GUEST_BOUND(WAITING_MAX);
	uint64_t head = guest_addr(&sk->sk_receive_queue);
	size_t nest = netlink_nest_begin(n, UNIX_DIAG_ICONS);

	for (struct sk_buff __guest *skb = sk->sk_receive_queue.next; !guest_eq(skb, head) && guest_more_at(&b, skb);
	     skb = skb->next) {
		uint32_t ino = peer_of(&n->l, skb->sk);

		seq_write(n->l.m, &ino, sizeof(ino));
	}
	netlink_nest_end(n, nest);
}

static uint32_t bytes_waiting(struct sock __guest *sk)
{
	uint64_t head = guest_addr(&sk->sk_receive_queue);
	struct guest_bound b = GUEST_BOUND(QUEUED_MAX);
	uint16_t type = sk->sk_type;
	uint32_t sum = 0;

	if (type != SOCK_STREAM_TYPE && type != SOCK_SEQPACKET_TYPE) {
		struct sk_buff __guest *skb = sk->sk_receive_queue.next;

		return guest_eq(skb, head) ? 0 : skb->len;
	}
	if (type == SOCK_STREAM_TYPE && guest_has(struct unix_sock, inq_len))
		return (uint32_t)((struct unix_sock __guest *)sk)->inq_len;
	for (struct sk_buff __guest *skb = sk->sk_receive_queue.next; !guest_eq(skb, head) && guest_more_at(&b, skb);
	     skb = skb->next)
		sum += skb->len - ((struct unix_skb_parms __guest *)&skb->cb[0])->consumed;
	return sum;
}

static void put_queue(struct netlink *n, struct sock __guest *sk, bool listens)
{
	const uint32_t queue[2] = { listens ? sk->sk_receive_queue.qlen : bytes_waiting(sk),
				    listens ? sk->sk_max_ack_backlog : diag_wmem(sk) };

	netlink_put(n, UNIX_DIAG_RQLEN, queue, sizeof(queue));
}

static void put_unix(struct diag *d, struct sock __guest *sk, uint8_t state)
{
	struct unix_sock __guest *u = (struct unix_sock __guest *)sk;
	struct unix_message r = { .family = DIAG_AF_UNIX, .type = (uint8_t)sk->sk_type, .state = state };
	bool listens = state == DIAG_STATE_LISTEN;
	struct netlink *n = &d->n;
	uint32_t uid;

	r.ino = inode_of(&n->l, sk, &uid);
	diag_cookie(&sk->__sk_common, r.cookie);
	netlink_begin(n, DIAG_BY_FAMILY, &r, sizeof(r));
	if (d->show & UDIAG_SHOW_NAME)
		put_name(n, u);
	if (d->show & UDIAG_SHOW_VFS)
		put_file(n, u);
	if (d->show & UDIAG_SHOW_PEER && u->peer)
		netlink_put_u32(n, UNIX_DIAG_PEER, peer_of(&n->l, sk));
	if (d->show & UDIAG_SHOW_ICONS && listens)
		put_waiting(n, sk);
	if (d->show & UDIAG_SHOW_RQLEN)
		put_queue(n, sk, listens);
	if (d->show & UDIAG_SHOW_MEMINFO)
		diag_put_memory(n, UNIX_DIAG_MEMINFO, sk);
	netlink_put_u8(n, UNIX_DIAG_SHUTDOWN, sk->sk_shutdown);
	if (d->show & UDIAG_SHOW_UID)
		netlink_put_u32(n, UNIX_DIAG_UID, uid);
	netlink_end(n);
}

static bool unix_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	uint8_t state = sk->__sk_common.skc_state;
	struct diag *d = diag_of(l);
	uint32_t uid, ino;

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net) || state > 31 || !(d->states >> state & 1))
		return false;
	ino = inode_of(l, sk, &uid);
	if (!ino || (d->ino && ino != d->ino))
		return false;
	if (d->ino) {
		d->best = node;
		if (!diag_cookie_is(&sk->__sk_common, d->id.cookie))
			return false;
	}
	put_unix(d, sk, state);
	if (sk->__sk_common.skc_state != state)
		guest_fault(sk);
	return true;
}

static void unix_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, unix_row, NULL);
}

int diag_unix_parse(struct diag *d)
{
	struct unix_request r;

	if (d->n.q->size < sizeof(r))
		return -EINVAL;
	memcpy(&r, d->n.q->body, sizeof(r));
	d->states = d->n.dump ? r.states : UINT32_MAX;
	d->show = r.show;
	d->ino = d->n.dump ? 0 : r.ino;
	memcpy(d->id.cookie, r.cookie, sizeof(r.cookie));
	return d->n.dump || r.ino ? 0 : -EINVAL;
}

bool diag_unix_dump(struct diag *d)
{
	if (!d->walking) {
		struct ahead reads = net_unix_reads(&d->n.l);

		diag_walk_begin(d, net_unix_table(&d->n.l), &reads);
	}
	return net_walk_on(&d->n.l, &d->w, unix_bucket, NULL);
}

int diag_unix_one(struct diag *d)
{
	size_t mark = seq_mark(d->n.l.m);

	(void)diag_unix_dump(d);
	if (seq_mark(d->n.l.m) > mark)
		return 0;
	return d->best ? -ESTALE : -ENOENT;
}

/* ---- packet ---- */

static int parse_other(struct diag *d)
{
	struct other_request r;

	if (d->n.q->size < sizeof(r))
		return -EINVAL;
	memcpy(&r, d->n.q->body, sizeof(r));
	d->protocol = r.protocol;
	d->show = r.show;
	return 0;
}

static bool packet_flag(struct packet_sock __guest *po, int64_t bit)
{
	return bit >= 0 && bit < 64 && po->flags >> bit & 1;
}

static void put_packet_info(struct netlink *n, struct packet_sock __guest *po)
{
	uint32_t info[6] = { (uint32_t)po->ifindex, (uint32_t)po->tp_version, po->tp_reserve,
			     (uint32_t)po->copy_thresh, po->tp_tstamp };
	bool header, loss;

	header = guest_has(struct packet_sock, vnet_hdr_sz) ? po->vnet_hdr_sz != 0 :
		 guest_has_bitfield(struct packet_sock, has_vnet_hdr) ? po->has_vnet_hdr :
		 packet_flag(po, guest_enum_or(enum packet_sock_flags, PACKET_SOCK_HAS_VNET_HDR, -1));
	loss = guest_has_bitfield(struct packet_sock, tp_loss) ? po->tp_loss :
	       packet_flag(po, guest_enum_or(enum packet_sock_flags, PACKET_SOCK_TP_LOSS, -1));
	info[5] = (net_packet_running(po) ? PDI_RUNNING : 0) | (header ? PDI_VNETHDR : 0) | (loss ? PDI_LOSS : 0);
	if (packet_flag(po, guest_enum_or(enum packet_sock_flags, PACKET_SOCK_AUXDATA, -1)))
		info[5] |= PDI_AUXDATA;
	if (packet_flag(po, guest_enum_or(enum packet_sock_flags, PACKET_SOCK_ORIGDEV, -1)))
		info[5] |= PDI_ORIGDEV;
	netlink_put(n, PACKET_DIAG_INFO, info, sizeof(info));
}

static void put_members(struct netlink *n, struct packet_sock __guest *po)
{
	struct guest_bound b = GUEST_BOUND(MEMBERS_MAX);
	size_t nest = netlink_nest_begin(n, PACKET_DIAG_MCLIST);

	for (struct packet_mclist __guest *ml = po->mclist; ml && guest_more_at(&b, ml); ml = ml->next) {
		struct {
			uint32_t index, count;
			uint16_t type, size;
			uint8_t address[32];
		} member = { (uint32_t)ml->ifindex, (uint32_t)ml->count, ml->type, ml->alen, { 0 } };

		/* programs take that many bytes of it */
		if (member.size > sizeof(member.address))
			member.size = sizeof(member.address);
		guest_read(member.address, &ml->addr[0], sizeof(member.address));
		seq_write(n->l.m, &member, sizeof(member));
	}
	netlink_nest_end(n, nest);
}

static void put_ring(struct netlink *n, unsigned int type, struct packet_ring_buffer __guest *ring, int version)
{
	uint32_t told[7] = { ring->pg_vec_pages << PAGE_BITS, ring->pg_vec_len, ring->frame_size,
			     ring->frame_max + 1 };

	if (!ring->pg_vec)
		return;
	if (version > 1) { /* TPACKET_V2 */
		if (guest_has_bitfield(struct packet_ring_buffer, prb_bdqc.retire_blk_tov))
			told[4] = (uint32_t)ring->prb_bdqc.retire_blk_tov;
		told[5] = (uint32_t)ring->prb_bdqc.blk_sizeof_priv;
		told[6] = ring->prb_bdqc.feature_req_word;
	}
	netlink_put(n, type, told, sizeof(told));
}

static bool packet_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk = net_sock_of_node(node);
	struct packet_sock __guest *po = (struct packet_sock __guest *)sk;
	struct packet_fanout __guest *fanout;
	struct packet_message r = { .family = DIAG_AF_PACKET, .type = (uint8_t)sk->sk_type, .num = net_ntohs(po->num) };
	struct diag *d = diag_of(l);
	struct netlink *n = &d->n;
	uint32_t uid;

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;
	r.ino = inode_of(l, sk, &uid);
	diag_cookie(&sk->__sk_common, r.cookie);
	netlink_begin(n, DIAG_BY_FAMILY, &r, sizeof(r));
	if (d->show & PACKET_SHOW_INFO) {
		put_packet_info(n, po);
		netlink_put_u32(n, PACKET_DIAG_UID, uid);
	}
	if (d->show & PACKET_SHOW_MCLIST)
		put_members(n, po);
	if (d->show & PACKET_SHOW_RING_CFG) {
		put_ring(n, PACKET_DIAG_RX_RING, &po->rx_ring, po->tp_version);
		put_ring(n, PACKET_DIAG_TX_RING, &po->tx_ring, po->tp_version);
	}
	fanout = po->fanout;
	if (d->show & PACKET_SHOW_FANOUT && fanout)
		netlink_put_u32(n, PACKET_DIAG_FANOUT, fanout->id | (uint32_t)fanout->type << 16);
	if (d->show & PACKET_SHOW_MEMINFO)
		diag_put_memory(n, PACKET_DIAG_MEMINFO, sk);
	if (d->show & PACKET_SHOW_FILTER)
		diag_put_filter(n, PACKET_DIAG_FILTER, sk);
	netlink_end(n);
	return true;
}

int diag_packet_parse(struct diag *d)
{
	int r = parse_other(d);

	return r ? r : d->protocol ? -EINVAL : 0;
}

bool diag_packet_dump(struct diag *d)
{
	uint64_t first = guest_addr(d->n.l.net->packet.sklist.first);
	struct ahead reads = net_reads_socks(&d->n.l, guest_sizeof(struct packet_sock));

	net_chain_ahead(first, &reads);
	net_chain(&d->n.l, first, NET_ANY_END, packet_row, NULL);
	return true;
}

/* ---- netlink ---- */

static bool put_netlink(struct net_list *l, struct netlink_sock __guest *nlk)
{
	struct sock __guest *sk = &nlk->sk;
	struct netlink_message r = { .family = DIAG_AF_NETLINK, .type = (uint8_t)sk->sk_type,
				     .protocol = (uint8_t)sk->sk_protocol, .state = sk->__sk_common.skc_state,
				     .port = nlk->portid, .to_port = nlk->dst_portid, .to_group = nlk->dst_group };
	const uint8_t __guest *groups = (const uint8_t __guest *)nlk->groups;
	struct diag *d = diag_of(l);
	uint32_t uid, size = nlk->ngroups / 8;
	uint8_t bytes[GROUPS_MAX];

	if (!guest_eq(sk->__sk_common.skc_net.net, l->net))
		return false;
	r.ino = inode_of(l, sk, &uid);
	diag_cookie(&sk->__sk_common, r.cookie);
	netlink_begin(&d->n, DIAG_BY_FAMILY, &r, sizeof(r));
	if (d->show & NDIAG_SHOW_GROUPS && groups) {
		if (size > sizeof(bytes)) {
			guest_fault(nlk);
			return false;
		}
		guest_read(bytes, groups, size);
		netlink_put(&d->n, NETLINK_DIAG_GROUPS, bytes, size);
	}
	if (d->show & NDIAG_SHOW_MEMINFO)
		diag_put_memory(&d->n, NETLINK_DIAG_MEMINFO, sk);
	netlink_end(&d->n);
	return true;
}

static bool netlink_row(struct net_list *l, uint64_t node)
{
	return put_netlink(l, guest_ptr(struct netlink_sock, node - guest_offsetof(struct netlink_sock, node)));
}

static void netlink_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, netlink_row, NULL);
}

/* Meant for those that have no number yet, but the kernel tells of the others a second time as well. */
static bool subscriber_row(struct net_list *l, uint64_t node)
{
	struct sock __guest *sk =
		guest_ptr(struct sock, node - guest_offsetof(struct sock, __sk_common.skc_bind_node));

	return !sk->__sk_common.skc_node.pprev && put_netlink(l, (struct netlink_sock __guest *)sk);
}

static void put_table(struct net_list *l, unsigned int protocol)
{
	struct guest_record r = guest_record_begin();
	uint64_t first = net_netlink_subscribers(protocol);

	guest_record_end(&r);
	net_netlink_walk(l, protocol, netlink_bucket);
	net_chain(l, first, NET_ANY_END, subscriber_row, NULL);
}

int diag_netlink_parse(struct diag *d)
{
	int r = parse_other(d);

	if (r)
		return r;
	if (d->protocol != NDIAG_PROTO_ALL && d->protocol >= NET_NETLINK_TABLES)
		return -ENOENT;
	d->stage = d->protocol == NDIAG_PROTO_ALL ? 0 : d->protocol;
	return 0;
}

/* A table a portion, at least. */
bool diag_netlink_dump(struct diag *d)
{
	bool all = d->protocol == NDIAG_PROTO_ALL;

	if (!d->walking)
		net_netlink_ahead(&d->n.l);
	d->walking = true;
	while (d->stage < NET_NETLINK_TABLES && (all || d->stage == d->protocol)) {
		if (seq_enough(d->n.l.m))
			return false;
		put_table(&d->n.l, d->stage++);
	}
	return true;
}

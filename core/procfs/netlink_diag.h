/* SPDX-License-Identifier: MIT */
/* What the answers of NETLINK_SOCK_DIAG share: one dump that goes on portion by portion, and what all sockets have. */
#ifndef SCW_PROCFS_NETLINK_DIAG_H
#define SCW_PROCFS_NETLINK_DIAG_H

#include "netlink.h"
#include "netlink_filter.h"

enum {
	/* include/uapi/linux/sock_diag.h, include/linux/socket.h, include/net/tcp_states.h: ABI */
	DIAG_OF_TCP = 18,
	DIAG_OF_DCCP = 19,
	DIAG_BY_FAMILY = 20,
	DIAG_AF_UNIX = 1,
	DIAG_AF_NETLINK = 16,
	DIAG_AF_PACKET = 17,
	DIAG_STATE_TIME_WAIT = 6,
	DIAG_STATE_CLOSE = 7,
	DIAG_STATE_LISTEN = 10,
	DIAG_STATE_NEW_SYN_RECV = 12,
};

/* struct inet_diag_sockid: ports and addresses in network order */
struct diag_id {
	uint16_t sport, dport;
	uint32_t src[4], dst[4];
	uint32_t device;
	uint32_t cookie[2];
};

/* An answer under way. The list comes first of all, so that rows find the answer that they are of. */
struct diag {
	struct netlink n;
	struct net_walk w;
	uint64_t burnt;	    /* of a run's fuel, by portions so far */
	unsigned int stage; /* which of several tables */
	bool walking;	    /* its walk has begun */
	uint8_t family;	    /* 0: any */
	uint8_t protocol, ext, raw_protocol;
	uint32_t states, show;
	uint32_t ino; /* of the one that is asked for */
	struct diag_id id;
	size_t filter, filter_size; /* where in the question; 0 bytes: none */
	uint64_t best; /* the node that is asked for, of those met so far */
	int score;
};

static inline struct diag *diag_of(struct net_list *l)
{
	return (struct diag *)l;
}

/*
 * netlink_inet.c, netlink_unix.c: read the question: 0 or -errno. Then the next portion of all: true when there is
 * no more; or the one that is asked for: 0 or -errno.
 */
int diag_inet_parse(struct diag *d);
bool diag_inet_dump(struct diag *d);
int diag_inet_one(struct diag *d);
int diag_unix_parse(struct diag *d);
bool diag_unix_dump(struct diag *d);
int diag_unix_one(struct diag *d);
int diag_packet_parse(struct diag *d);
bool diag_packet_dump(struct diag *d);
int diag_netlink_parse(struct diag *d);
bool diag_netlink_dump(struct diag *d);

void diag_walk_begin(struct diag *d, struct net_table t, const struct ahead *reads);

/* The number that a socket has been given; 0 where it has none yet (the kernel would draw one now). */
void diag_cookie(struct sock_common __guest *sk, uint32_t ret[2]);
bool diag_cookie_is(struct sock_common __guest *sk, const uint32_t asked[2]);
/* SK_MEMINFO_* */
void diag_put_memory(struct netlink *n, unsigned int type, struct sock __guest *sk);
/* A classic filter that is set on a socket. */
void diag_put_filter(struct netlink *n, unsigned int type, struct sock __guest *sk);
static inline uint32_t diag_wmem(struct sock __guest *sk)
{
	return (uint32_t)sk->sk_wmem_alloc.refs.counter - 1;
}

/* netlink_tcp.c: struct tcp_info as large as the guest's, and what beside it goes with INET_DIAG_INFO. */
void diag_put_tcp_info(struct netlink *n, struct sock __guest *sk, uint8_t state);
void diag_put_tcp_aux(struct netlink *n, struct sock __guest *sk);
uint32_t diag_ticks_to_ms(uint64_t ticks);

#endif

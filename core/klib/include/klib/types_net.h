/* SPDX-License-Identifier: MIT */
/*
 * Kernel records of the network: sockets and the tables that they hang in, devices, routes,
 * neighbours, multicast, counters. Only the members that are used, in any order; several kernels'
 * members stand side by side and code asks guest_has() which are there.
 */
#ifndef SCW_KLIB_TYPES_NET_H
#define SCW_KLIB_TYPES_NET_H

#include "klib/types_base.h"

GUEST_TYPES_BEGIN

struct net;
struct net_device;
struct sock;

/* include/linux/in6.h; read as a whole with guest_read() */
struct in6_addr {
	uint8_t u6_addr8[16];
};

/* include/net/net_namespace.h */
typedef struct {
	struct net __guest *net;
} possible_net_t;

/* include/linux/timer.h */
struct timer_list {
	struct hlist_node entry;
	unsigned long expires;
};
/* include/linux/workqueue.h */
struct delayed_work {
	struct timer_list timer;
};

/* include/linux/rhashtable-types.h, rhashtable.h */
struct rhash_head {
	struct rhash_head __guest *next;
};
struct bucket_table {
	unsigned int size;
	unsigned int nest;
	struct bucket_table __guest *future_tbl;
	uint64_t buckets[];
};
struct rhashtable {
	struct bucket_table __guest *tbl;
	atomic_t nelems;
};

/* include/linux/skbuff.h */
struct sk_buff {
	struct sk_buff __guest *next;
	struct sock __guest *sk;
	unsigned int len;
	uint8_t cb[48];
};
struct sk_buff_head {
	struct sk_buff __guest *next;
	uint32_t qlen;
};

/* include/linux/cgroup-defs.h: two pointers in one word up to 5.14, of which its lowest bits tell */
struct cgroup;
struct sock_cgroup_data {
	struct cgroup __guest *cgroup;
	uint32_t classid;
	uint64_t val;
};

/* include/linux/filter.h, bpf.h: a classic filter as it was given */
struct sock_fprog_kern {
	uint16_t len;
	const uint8_t __guest *filter;
};
struct bpf_prog {
	struct sock_fprog_kern __guest *orig_prog;
};
struct sk_filter {
	struct bpf_prog __guest *prog;
};

/* include/linux/fs.h, net.h, net/sock.h: a socket's inode */
struct inode {
	unsigned long i_ino;
	kuid_t i_uid;
};
struct socket {
	short type;
};
struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

/* include/net/sock.h */
struct sock_common {
	uint32_t skc_daddr;
	uint32_t skc_rcv_saddr;
	uint64_t skc_addrpair;
	uint32_t skc_portpair;
	uint16_t skc_dport;
	uint16_t skc_num;
	unsigned int skc_hash;
	unsigned short skc_family;
	uint8_t skc_state;
	uint8_t skc_ipv6only : 1;
	int skc_bound_dev_if;
	atomic64_t skc_cookie;
	possible_net_t skc_net;
	struct in6_addr skc_v6_daddr;
	struct in6_addr skc_v6_rcv_saddr;
	struct hlist_node skc_node;
	struct hlist_nulls_node skc_nulls_node;
	struct hlist_node skc_bind_node;
	refcount_t skc_refcnt;
	struct sock __guest *skc_listener; /* of a request_sock */
};
struct numa_drop_counters {
	atomic_t drops0, drops1;
};
struct sock {
	struct sock_common __sk_common;
	struct {
		atomic_t rmem_alloc;
		int len;
	} sk_backlog;
	struct sk_buff_head sk_receive_queue;
	refcount_t sk_wmem_alloc;
	atomic_t sk_omem_alloc;
	int sk_rcvbuf, sk_sndbuf;
	int sk_forward_alloc, sk_wmem_queued;
	uint32_t sk_priority, sk_mark;
	uint32_t sk_max_ack_backlog;
	unsigned long sk_pacing_rate, sk_max_pacing_rate;
	uint16_t sk_userlocks : 9; /* of 4 bits up to 6.6, a byte since */
	uint8_t sk_shutdown;
	struct sock_cgroup_data sk_cgrp_data;
	struct sk_filter __guest *sk_filter;
	atomic_t sk_drops;
	struct numa_drop_counters __guest *sk_drop_counters; /* since 6.18 */
	struct timer_list tcp_retransmit_timer;		     /* since 6.18 */
	uint32_t sk_ack_backlog;
	uint16_t sk_type;
	uint16_t sk_protocol;
	struct timer_list sk_timer;
	struct socket __guest *sk_socket;
	/* since 6.17 */
	unsigned long sk_ino;
	kuid_t sk_uid;
};
struct proto {
	unsigned int inuse_idx;
	unsigned int obj_size;
	unsigned int max_header;
	atomic_long_t __guest *memory_allocated;
	int __guest *per_cpu_fw_alloc;
	struct percpu_counter __guest *sockets_allocated;
	unsigned long __guest *memory_pressure;
	void __guest *slab;
	struct module __guest *owner;
	char name[32];
	struct list_head node;
	void __guest *close;
	void __guest *connect;
	void __guest *disconnect;
	void __guest *accept;
	void __guest *ioctl;
	void __guest *init;
	void __guest *destroy;
	void __guest *shutdown;
	void __guest *setsockopt;
	void __guest *getsockopt;
	void __guest *sendmsg;
	void __guest *recvmsg;
	void __guest *sendpage; /* up to 6.4 */
	void __guest *bind;
	void __guest *backlog_rcv;
	void __guest *hash;
	void __guest *unhash;
	void __guest *get_port;
	void __guest *enter_memory_pressure;
};
struct prot_inuse {
	int all; /* since 5.17; net->core.sock_inuse before */
	int val[64];
};

/* include/net/inet_sock.h, inet_connection_sock.h, linux/tcp.h */
struct ipv6_pinfo {
	uint8_t tclass;
};
struct inet_sock {
	struct sock sk;
	struct ipv6_pinfo __guest *pinet6;
	uint16_t inet_sport;
	uint8_t tos;
	unsigned long inet_flags; /* since 6.6 */
	uint8_t recverr : 1, is_icsk : 1, freebind : 1, hdrincl : 1, mc_loop : 1, transparent : 1, mc_all : 1,
		nodefrag : 1, bind_address_no_port : 1, recverr_rfc4884 : 1, defer_connect : 1; /* up to 6.5 */
};
struct fastopen_queue {
	int max_qlen;
};
struct request_sock_queue {
	struct fastopen_queue fastopenq;
};
struct tcp_congestion_ops {
	char name[16];
};
struct tcp_ulp_ops {
	char name[16];
};
struct inet_connection_sock {
	struct tcp_congestion_ops __guest *icsk_ca_ops;
	struct tcp_ulp_ops __guest *icsk_ulp_ops;
	uint32_t icsk_pmtu_cookie;
	uint32_t icsk_rto_min, icsk_delack_max; /* icsk_delack_max: since 5.10 */
	uint8_t icsk_ca_state : 5;
	uint8_t icsk_backoff;
	struct request_sock_queue icsk_accept_queue;
	unsigned long icsk_timeout;
	struct timer_list icsk_retransmit_timer;
	struct timer_list icsk_keepalive_timer; /* sk_timer before */
	uint32_t icsk_rto;
	uint8_t icsk_retransmits;
	uint8_t icsk_pending;
	uint8_t icsk_probes_out;
	struct {
		uint8_t pending;
		uint8_t quick;
		uint8_t pingpong;
		uint64_t ato : 40; /* of 8 bits since 6.6, of 32 before */
		uint32_t lrcvtime;
		uint16_t rcv_mss;
	} icsk_ack;
};
struct minmax_sample { /* include/linux/win_minmax.h */
	uint32_t v;
};
struct minmax {
	struct minmax_sample s[3];
};
struct tcp_options_received {
	uint8_t tstamp_ok : 1, wscale_ok : 1, sack_ok : 3, snd_wscale : 4, rcv_wscale : 4;
};
/* include/uapi/linux/tcp.h: for its size alone */
struct tcp_info {
	uint8_t tcpi_state;
};
struct tcp_md5sig_info {
	struct hlist_head head;
};
struct tcp_md5sig_key {
	struct hlist_node node;
	uint8_t keylen, family, prefixlen;
	uint8_t key[80];
	struct in6_addr addr; /* or 4 bytes of it */
};
struct tcp_sock {
	struct tcp_options_received rx_opt;
	uint8_t chrono_type : 2, rate_app_limited : 1, fastopen_client_fail : 2, syn_data_acked : 1;
	uint8_t tcp_usec_ts : 1;  /* since 6.7 */
	uint16_t ecn_flags : 9;
	uint16_t advmss;
	uint32_t mss_cache, packets_out, sacked_out, lost_out, retrans_out, lsndtime, rcv_tstamp, rcv_ssthresh;
	uint32_t srtt_us, mdev_us, total_retrans, snd_nxt, segs_in, segs_out, data_segs_in, data_segs_out;
	uint32_t chrono_start, chrono_stat[3];
	uint32_t reordering, rate_delivered, rate_interval_us, delivered, delivered_ce, dsack_dups, reord_seen;
	uint32_t rcv_ooopack, snd_wnd, rcv_wnd;
	uint64_t bytes_acked, bytes_received, bytes_sent, bytes_retrans;
	struct minmax rtt_min;
	struct {
		uint32_t rtt_us;
	} rcv_rtt_est;
	struct {
		int space;
	} rcvq_space;
	uint16_t timeout_rehash;
	uint32_t plb_rehash; /* since 6.2 */
	uint32_t received_ce; /* since 6.18, with accurate ECN */
	uint32_t rto_stamp, total_rto_time;  /* since 6.7 */
	uint16_t total_rto, total_rto_recoveries;
	struct tcp_md5sig_info __guest *md5sig_info;
	uint32_t rcv_nxt;
	uint32_t copied_seq;
	uint32_t write_seq;
	uint32_t snd_una;
	uint32_t snd_cwnd;
	uint32_t snd_ssthresh;
};
struct udp_sock {
	int forward_deficit;
};

/* include/net/inet_timewait_sock.h, request_sock.h */
struct inet_timewait_sock {
	struct sock_common __tw_common;
	uint8_t tw_substate;
	uint32_t tw_mark;
	uint16_t tw_sport;
	struct timer_list tw_timer;
};
struct request_sock {
	struct sock_common __req_common;
	struct timer_list rsk_timer;
	uint8_t num_retrans;
	uint8_t num_timeout : 7;
};
struct inet_request_sock {
	uint32_t ir_mark;
};

/* include/net/inet_hashtables.h, inet_timewait_sock.h */
struct inet_ehash_bucket {
	struct hlist_nulls_head chain;
};
struct inet_listen_hashbucket {
	struct hlist_nulls_head nulls_head;
};
struct inet_bind2_bucket {
	possible_net_t ib_net;
	struct hlist_node node;
	struct hlist_node bhash_node; /* since 6.8 */
	struct hlist_head owners;
};
struct inet_bind_hashbucket {
	struct hlist_head chain;
};
struct inet_hashinfo {
	struct inet_bind_hashbucket __guest *bhash2; /* since 6.0 */
	unsigned int bhash_size;
	struct inet_ehash_bucket __guest *ehash;
	unsigned int ehash_mask;
	unsigned int lhash2_mask;
	struct inet_listen_hashbucket __guest *lhash2;
	struct inet_listen_hashbucket listening_hash[32]; /* up to 5.18 */
};
struct inet_timewait_death_row {
	atomic_t tw_count;	/* up to 5.18 */
	refcount_t tw_refcount;
	struct inet_hashinfo __guest *hashinfo;
};

/* include/net/udp.h, raw.h, ping.h */
struct udp_hslot {
	struct hlist_head head;
};
struct udp_table {
	struct udp_hslot __guest *hash;
	unsigned int mask;
};
struct raw_hashinfo {
	struct hlist_head ht[256];
};
struct ping_table {
	uint64_t hash[64];
};

/* include/net/af_unix.h, linux/un.h */
struct sockaddr_un {
	char sun_path[108];
};
struct unix_address {
	int len;
	unsigned int hash; /* up to 5.16 */
	struct sockaddr_un name[];
};
struct unix_sock {
	struct sock sk;
	struct unix_address __guest *addr;
	struct sock __guest *peer;
	struct {
		struct dentry __guest *dentry;
	} path;
	int inq_len; /* since 6.17, of streams */
};
struct unix_skb_parms { /* in sk_buff.cb */
	uint32_t consumed;
};
struct unix_table {
	struct hlist_head __guest *buckets;
};

/* net/packet/internal.h */
struct packet_fanout {
	uint16_t id;
	uint8_t type;
};
struct packet_mclist {
	struct packet_mclist __guest *next;
	int ifindex, count;
	unsigned short type, alen;
	unsigned char addr[32];
};
struct packet_ring_buffer {
	void __guest *pg_vec;
	unsigned int frame_size, frame_max, pg_vec_pages, pg_vec_len;
	struct {
		unsigned int feature_req_word;
		uint64_t blk_sizeof_priv : 40; /* of 32 bits since 5.15, of 16 before */
		uint64_t retire_blk_tov : 40;
	} prb_bdqc;
};
struct packet_sock {
	struct sock sk;
	struct packet_fanout __guest *fanout;
	struct packet_ring_buffer rx_ring, tx_ring;
	struct packet_mclist __guest *mclist;
	unsigned long flags;
	unsigned int running; /* up to 6.0; then a bit of flags */
	uint8_t has_vnet_hdr : 1, tp_loss : 1; /* likewise */
	uint8_t vnet_hdr_sz; /* since 6.5 */
	int ifindex;
	uint16_t num;
	int copy_thresh;
	int tp_version;
	unsigned int tp_reserve, tp_tstamp;
};

/* net/netlink/af_netlink.h */
struct netlink_sock {
	struct sock sk;
	uint32_t portid, dst_portid, dst_group, ngroups;
	unsigned long __guest *groups;
	bool cb_running;
	struct rhash_head node;
};
struct netlink_table {
	struct rhashtable hash;
	struct hlist_head mc_list;
};

/* include/linux/netdevice.h */
struct net_device_stats {
	unsigned long rx_packets;
};
struct net_device_core_stats {
	unsigned long rx_dropped;
	unsigned long tx_dropped;
	unsigned long rx_nohandler;
};
struct pcpu_lstats {
	uint64_t packets;
	uint64_t bytes;
};
struct pcpu_sw_netstats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
};
struct pcpu_dstats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint64_t rx_drops;
	uint64_t tx_drops;
};
struct vlan_pcpu_stats {
	uint64_t rx_packets;
	uint64_t rx_bytes;
	uint64_t rx_multicast;
	uint64_t tx_packets;
	uint64_t tx_bytes;
	uint32_t rx_errors;
	uint32_t tx_dropped;
};
struct vlan_dev_priv {
	struct vlan_pcpu_stats __guest *vlan_pcpu_stats;
};
struct net_device_ops {
	void __guest *ndo_get_stats64;
	void __guest *ndo_get_stats;
	void __guest *ndo_get_iflink;
};
struct netdev_adjacent { /* net/core/dev.c */
	struct net_device __guest *dev;
	bool master;
	struct list_head list;
};
struct rtnl_link_ops {
	const char __guest *kind;
};
struct Qdisc_ops {
	char id[16];
};
struct Qdisc {
	struct Qdisc_ops __guest *ops;
};
struct dev_ifalias {
	char ifalias[];
};
struct netdev_hw_addr {
	struct list_head list;
	uint8_t addr[32];
	bool global_use;
	int refcount;
};
struct netdev_hw_addr_list {
	struct list_head list;
};
struct net_device {
	char name[16];
	int ifindex;
	unsigned short type;
	uint8_t addr_len;
	uint8_t __guest *dev_addr;
	unsigned long state;
	unsigned int flags;
	unsigned short gflags;
	unsigned int operstate : 32; /* a byte up to 6.8 */
	unsigned int mtu, tx_queue_len, min_mtu, max_mtu;
	unsigned int link_mode : 8;
	int group;
	unsigned int promiscuity, num_tx_queues, num_rx_queues;
	atomic_t carrier_up_count, carrier_down_count;
	uint8_t broadcast[32];
	struct Qdisc __guest *qdisc;
	struct dev_ifalias __guest *ifalias;
	struct rtnl_link_ops __guest *rtnl_link_ops;
	struct {
		struct list_head upper, lower;
	} adj_list;
	unsigned long mem_start, mem_end, base_addr;
	int irq;
	uint8_t dma, if_port;
	struct net_device_ops __guest *netdev_ops;
	struct net_device_stats stats;
	struct net_device_core_stats __guest *core_stats; /* since 5.18 */
	atomic_long_t rx_dropped;			  /* before */
	atomic_long_t tx_dropped;
	atomic_long_t rx_nohandler;
	unsigned int pcpu_stat_type : 8;
	struct pcpu_lstats __guest *lstats;
	struct pcpu_sw_netstats __guest *tstats;
	struct pcpu_dstats __guest *dstats;
	struct hlist_node index_hlist;
	struct list_head dev_list;
	struct in_device __guest *ip_ptr;
	struct inet6_dev __guest *ip6_ptr;
	struct netdev_hw_addr_list mc;
	struct list_head ptype_all;
	void __guest *wireless_handlers;
	void __guest *ieee80211_ptr;
	possible_net_t nd_net;
	uint8_t priv[]; /* since 6.10 */
};
struct packet_type {
	uint16_t type;
	struct net_device __guest *dev;
	void __guest *func;
	struct net __guest *af_packet_net;
	struct list_head list;
};
struct net_hotdata {
	struct list_head ptype_all;
};
struct sd_flow_limit {
	unsigned int count;
};
struct softnet_data {
	void __guest *defer_list; /* from 5.19 on, up to 6.17 */
	unsigned int processed;
	unsigned int time_squeeze;
	unsigned int received_rps;
	atomic_t dropped; /* an unsigned int up to 6.8 */
	struct numa_drop_counters drop_counters; /* since 7.0 */
	struct sd_flow_limit __guest *flow_limit;
	struct {
		uint32_t qlen;
	} input_pkt_queue;
	struct {
		uint32_t qlen;
	} process_queue;
};

/* include/net/ip_fib.h, net/ipv4/fib_lookup.h, fib_trie.c */
struct fib_table {
	struct hlist_node tb_hlist;
	uint32_t tb_id;
	uint64_t __guest *tb_data;
};
struct key_vector {
	uint32_t key;
	uint8_t pos;
	uint8_t bits;
	struct hlist_head leaf;
	uint64_t tnode[];
};
struct tnode {
	uint32_t empty_children;
	uint32_t full_children;
	struct key_vector kv[1];
};
struct trie_use_stats {
	unsigned int gets;
	unsigned int backtrack;
	unsigned int semantic_match_passed;
	unsigned int semantic_match_miss;
	unsigned int null_node_hit;
	unsigned int resize_node_skipped;
};
struct trie {
	struct key_vector kv[1];
	struct trie_use_stats __guest *stats;
};
struct dst_metrics {
	uint32_t metrics[17];
};
struct fib_nh_common {
	struct net_device __guest *nhc_dev;
	uint8_t nhc_gw_family;
	uint8_t nhc_flags;
	int nhc_weight;
	union {
		uint32_t ipv4;
		struct in6_addr ipv6;
	} nhc_gw;
};
struct fib_nh {
	struct fib_nh_common nh_common;
};
struct fib6_nh {
	struct fib_nh_common nh_common;
};
struct fib_info {
	unsigned int fib_flags;
	uint32_t fib_priority;
	uint32_t fib_prefsrc;
	int fib_nhs;
	uint8_t fib_scope;
	uint8_t fib_protocol;
	struct dst_metrics __guest *fib_metrics;
	struct nexthop __guest *nh;
	struct fib_nh fib_nh[];
};
struct fib_alias {
	struct hlist_node fa_list;
	struct fib_info __guest *fa_info;
	uint8_t fa_tos; /* fa_dscp since 5.18 */
	uint8_t fa_dscp;
	uint8_t fa_type;
	uint8_t fa_slen;
	uint32_t tb_id;
};

/* include/net/nexthop.h */
struct nh_grp_entry {
	struct nexthop __guest *nh;
	uint64_t weight : 16; /* a byte in 5.10 */
};
struct nh_group {
	uint16_t num_nh;
	bool is_multipath;
	bool mpath; /* up to 5.12 */
	struct nh_grp_entry nh_entries[];
};
struct nh_info {
	uint8_t family;
	bool reject_nh;
	struct fib_nh_common fib_nhc;
	struct fib6_nh fib6_nh;
};
struct nexthop {
	uint32_t id;
	bool is_group;
	struct nh_info __guest *nh_info;
	struct nh_group __guest *nh_grp;
};

/* include/net/ip6_fib.h */
struct rt6key {
	struct in6_addr addr;
	int plen;
};
struct fib6_info {
	struct fib6_table __guest *fib6_table;
	struct fib6_info __guest *fib6_next;
	struct list_head fib6_siblings;
	unsigned int fib6_nsiblings;
	unsigned long expires;
	struct dst_metrics __guest *fib6_metrics;
	uint8_t fib6_protocol;
	uint8_t fib6_type;
	struct rt6key fib6_prefsrc;
	refcount_t fib6_ref;
	struct rt6key fib6_dst;
	struct rt6key fib6_src;
	uint32_t fib6_flags;
	uint32_t fib6_metric;
	struct nexthop __guest *nh;
	struct fib6_nh fib6_nh[];
};
struct fib6_node {
	struct fib6_node __guest *parent;
	struct fib6_node __guest *left;
	struct fib6_node __guest *right;
	struct fib6_node __guest *subtree;
	struct fib6_info __guest *leaf;
	uint16_t fn_flags;
};
struct fib6_table {
	struct hlist_node tb6_hlist;
	uint32_t tb6_id;
	struct fib6_node tb6_root;
};
struct rt6_statistics {
	uint32_t fib_nodes;
	uint32_t fib_route_nodes;
	uint32_t fib_rt_entries;
	uint32_t fib_rt_cache;
	uint32_t fib_discarded_routes;
	atomic_t fib_rt_alloc;
};
struct dst_ops {
	struct percpu_counter pcpuc_entries;
};

/* include/net/fib_rules.h, net/ipv4/fib_rules.c, net/ipv6/fib6_rules.c */
struct fib_rule {
	struct list_head list;
	int iifindex, oifindex;
	uint32_t mark, mark_mask, flags, table, target, pref;
	uint8_t action, l3mdev, proto, ip_proto;
	uint64_t tun_id;
	struct fib_rule __guest *ctarget;
	int suppress_ifgroup, suppress_prefixlen;
	char iifname[16], oifname[16];
	uint64_t uid_range; /* struct fib_kuid_range: read as two words */
	uint32_t sport_range, dport_range; /* of two words, read as such */
};
struct fib4_rule {
	uint8_t dst_len, src_len;
	uint8_t tos; /* dscp since 5.18 */
	uint8_t dscp;
	uint32_t src, dst, tclassid;
};
struct fib6_rule {
	struct rt6key src, dst;
	uint8_t tclass; /* dscp since 5.18 */
	uint8_t dscp;
};
struct fib_rules_ops {
	int family;
	struct list_head list, rules_list;
};

/* include/net/route.h */
struct rt_cache_stat {
	unsigned int in_slow_tot;
	unsigned int in_slow_mc;
	unsigned int in_no_route;
	unsigned int in_brd;
	unsigned int in_martian_dst;
	unsigned int in_martian_src;
	unsigned int out_slow_tot;
	unsigned int out_slow_mc;
};
struct ip_rt_acct {
	uint32_t o_bytes;
};

/* include/net/neighbour.h */
struct neighbour {
	struct neighbour __guest *next; /* up to 6.12; then in a list by `hash` */
	struct hlist_node hash;
	struct net_device __guest *dev;
	unsigned long confirmed, updated, used;
	refcount_t refcnt;
	atomic_t probes;
	uint8_t nud_state, type, protocol;
	unsigned int flags : 32; /* a byte up to 5.15 */
	uint8_t ha[32];
	uint8_t primary_key[];
};
struct neigh_hash_table {
	uint64_t __guest *hash_buckets;
	struct hlist_head __guest *hash_heads;
	unsigned int hash_shift;
};
struct pneigh_entry {
	struct pneigh_entry __guest *next;
	possible_net_t net;
	struct net_device __guest *dev;
	uint8_t key[];
};
struct neigh_statistics {
	unsigned long allocs;
	unsigned long destroys;
	unsigned long hash_grows;
	unsigned long res_failed;
	unsigned long lookups;
	unsigned long hits;
	unsigned long rcv_probes_mcast;
	unsigned long rcv_probes_ucast;
	unsigned long periodic_gc_runs;
	unsigned long forced_gc_runs;
	unsigned long unres_discards;
	unsigned long table_fulls;
};
struct neigh_table {
	atomic_t entries;
	struct neigh_statistics __guest *stats;
	struct neigh_hash_table __guest *nht;
	uint64_t __guest *phash_buckets;
};

/* include/linux/inetdevice.h, igmp.h */
struct ipv4_devconf {
	int data[20];
};
struct in_ifaddr {
	struct in_ifaddr __guest *ifa_next;
	uint32_t ifa_local, ifa_address, ifa_mask, ifa_broadcast;
	uint32_t ifa_rt_priority, ifa_flags, ifa_valid_lft, ifa_preferred_lft;
	uint8_t ifa_scope, ifa_prefixlen;
	uint8_t ifa_proto; /* since 5.18 */
	unsigned long ifa_cstamp, ifa_tstamp;
	char ifa_label[16];
};
struct in_device {
	struct in_ifaddr __guest *ifa_list;
	struct ip_mc_list __guest *mc_list;
	int mc_count;
	unsigned long mr_v1_seen;
	unsigned long mr_v2_seen;
	struct ipv4_devconf cnf;
};
struct ip_sf_list {
	struct ip_sf_list __guest *sf_next;
	unsigned long sf_count[2];
	uint32_t sf_inaddr;
};
struct ip_mc_list {
	uint32_t multiaddr;
	struct ip_sf_list __guest *sources;
	struct ip_mc_list __guest *next_rcu;
	struct timer_list timer;
	int users;
	char tm_running;
	char reporter;
};

/* include/net/if_inet6.h */
struct ip6_sf_list {
	struct ip6_sf_list __guest *sf_next;
	struct in6_addr sf_addr;
	unsigned long sf_count[2];
};
struct ifmcaddr6 {
	struct in6_addr mca_addr;
	struct ifmcaddr6 __guest *next;
	struct ip6_sf_list __guest *mca_sources;
	struct timer_list mca_timer; /* up to 5.12 */
	struct delayed_work mca_work;
	unsigned int mca_flags;
	int mca_users;
};
struct ifacaddr6 {
	struct in6_addr aca_addr;
	struct ifacaddr6 __guest *aca_next;
	int aca_users;
};
struct icmpv6_mib_device {
	atomic_long_t mibs[1];
};
struct ipv6_devstat {
	void __guest *proc_dir_entry;
	void __guest *ipv6;
	struct icmpv6_mib_device __guest *icmpv6dev;
	void __guest *icmpv6msgdev;
};
struct inet6_dev {
	struct net_device __guest *dev;
	struct ipv6_devstat stats;
	struct list_head addr_list;
	struct ifmcaddr6 __guest *mc_list;
	struct ifacaddr6 __guest *ac_list;
};
struct inet6_ifaddr {
	struct in6_addr addr, peer_addr;
	struct list_head if_list;
	uint32_t rt_priority, valid_lft, prefered_lft;
	unsigned long cstamp, tstamp;
	uint8_t ifa_proto; /* since 5.18 */
	uint32_t prefix_len;
	uint32_t flags;
	uint16_t scope;
	struct inet6_dev __guest *idev;
	struct hlist_node addr_lst;
};

/* include/net/inet_frag.h */
struct fqdir {
	struct rhashtable rhashtable;
	atomic_long_t mem;
};

/* include/net/snmp.h, netns/mib.h: per-CPU counters by number, and a table of their names */
struct snmp_mib {
	const char __guest *name;
	int entry;
};
struct icmpmsg_mib {
	atomic_long_t mibs[512];
};
struct icmpv6msg_mib {
	atomic_long_t mibs[512];
};
struct netns_mib {
	void __guest *ip_statistics;
	void __guest *ipv6_statistics;
	void __guest *tcp_statistics;
	void __guest *net_statistics;
	void __guest *udp_statistics;
	void __guest *udp_stats_in6;
	void __guest *udplite_statistics;
	void __guest *udplite_stats_in6;
	void __guest *icmp_statistics;
	void __guest *icmpv6_statistics;
	void __guest *mptcp_statistics;
	void __guest *xfrm_statistics;
	void __guest *tls_statistics;
	struct icmpmsg_mib __guest *icmpmsg_statistics;
	struct icmpv6msg_mib __guest *icmpv6msg_statistics;
};

/* include/net/net_namespace.h and netns/ */
struct netns_core {
	struct prot_inuse __guest *prot_inuse;
	int __guest *sock_inuse; /* up to 5.16 */
};
struct netns_packet {
	struct hlist_head sklist;
};
struct netns_unix {
	struct unix_table table; /* since 6.0 */
};
/* include/linux/mroute_base.h, mroute.h, mroute6.h */
struct vif_device {
	struct net_device __guest *dev;
	unsigned long bytes_in;
	unsigned long bytes_out;
	unsigned long pkt_in;
	unsigned long pkt_out;
	unsigned short flags;
	uint32_t local;
	uint32_t remote;
};
struct mr_mfc {
	unsigned short mfc_parent;
	union {
		struct {
			int minvif;
			int maxvif;
			unsigned char bytes[8]; /* these three: atomic since 6.8 */
			unsigned char pkt[8];
			unsigned char wrong_if[8];
			unsigned char ttls[32];
		} res;
	} mfc_un;
	struct list_head list;
};
struct mfc_cache {
	struct mr_mfc _c;
	uint32_t mfc_mcastgrp;
	uint32_t mfc_origin;
};
struct mfc6_cache {
	struct mr_mfc _c;
	struct in6_addr mf6c_mcastgrp;
	struct in6_addr mf6c_origin;
};
struct mr_table {
	struct list_head list;
	uint32_t id;
	struct list_head mfc_unres_queue;
	struct vif_device vif_table[32];
	struct list_head mfc_cache_list;
	int maxvif;
};

/* include/net/ipv6.h */
struct ipv6_txoptions {
	uint16_t opt_nflen;
};
struct ip6_flowlabel {
	struct ip6_flowlabel __guest *next;
	uint32_t label;
	atomic_t users;
	struct in6_addr dst;
	struct ipv6_txoptions __guest *opt;
	unsigned long linger;
	uint8_t share;
	union {
		struct pid __guest *pid;
		kuid_t uid;
	} owner;
	unsigned long expires;
	struct net __guest *fl_net;
};

/* net/netfilter, include/net/netfilter */
union nf_inet_addr {
	uint32_t all[4];
};
union nf_conntrack_man_proto {
	uint16_t all;
};
struct nf_conntrack_man {
	union nf_inet_addr u3;
	union nf_conntrack_man_proto u;
	uint16_t l3num;
};
struct nf_conntrack_tuple {
	struct nf_conntrack_man src;
	struct {
		union nf_inet_addr u3;
		union {
			uint16_t all;
		} u;
		uint8_t protonum;
		uint8_t dir;
	} dst;
};
struct nf_conntrack_tuple_hash {
	struct hlist_nulls_node hnnode;
	struct nf_conntrack_tuple tuple;
};
struct nf_conntrack {
	unsigned char use[4];
};
struct nf_conntrack_zone {
	uint16_t id;
	uint8_t dir;
};
struct nf_ct_ext {
	uint8_t offset[1];
};
struct ip_ct_tcp {
	uint8_t state;
};
struct ip_ct_sctp {
	unsigned int state;
};
struct nf_ct_dccp {
	uint8_t state;
};
struct nf_ct_gre {
	unsigned int stream_timeout;
	unsigned int timeout;
};
union nf_conntrack_proto {
	struct ip_ct_tcp tcp;
	struct ip_ct_sctp sctp;
	struct nf_ct_dccp dccp;
	struct nf_ct_gre gre;
};
struct nf_conn {
	struct nf_conntrack ct_general;
	uint32_t timeout;
	struct nf_conntrack_zone zone;
	struct nf_conntrack_tuple_hash tuplehash[2];
	unsigned long status;
	possible_net_t ct_net;
	uint32_t mark;
	struct nf_ct_ext __guest *ext;
	union nf_conntrack_proto proto;
};

struct netns_ipv4 {
	struct inet_timewait_death_row tcp_death_row;
	struct udp_table __guest *udp_table; /* since 6.2 */
	uint8_t sysctl_tcp_pingpong_thresh;
	uint8_t sysctl_ip_default_ttl;
	struct ipv4_devconf __guest *devconf_all;
	struct hlist_head __guest *fib_table_hash;
	bool fib_has_custom_rules;
	uint8_t sysctl_nexthop_compat_mode;
	struct fqdir __guest *fqdir;
	struct list_head mr_tables; /* or the only one */
	struct mr_table __guest *mrt;
};
struct netns_ipv6 {
	struct hlist_head __guest *fib_table_hash;
	struct hlist_head __guest *inet6_addr_lst; /* since 5.18 */
	struct rt6_statistics __guest *rt6_stats;
	struct dst_ops ip6_dst_ops;
	struct fib6_info __guest *fib6_null_entry;
	struct fqdir __guest *fqdir;
	bool fib6_has_custom_rules;
	struct list_head mr6_tables;
	struct mr_table __guest *mrt6;
};
struct net {
	struct idr netns_ids;
	struct list_head rules_ops;
	struct list_head ptype_all, ptype_specific; /* since 6.16 */
	struct list_head dev_base_head;
	struct hlist_head __guest *dev_index_head;
	struct xarray dev_by_index; /* since 6.6 */
	struct netns_mib mib;
	struct netns_core core;
	struct netns_packet packet;
	struct netns_unix unx;
	struct netns_ipv4 ipv4;
	struct netns_ipv6 ipv6;
};

/* include/linux/connector.h */
struct cb_id {
	uint32_t idx;
	uint32_t val;
};
struct cn_callback_id {
	char name[32];
	struct cb_id id;
};
struct cn_callback_entry {
	struct list_head callback_entry;
	struct cn_callback_id id;
};
struct cn_queue_dev {
	struct list_head queue_list;
};
struct cn_dev {
	struct cn_queue_dev __guest *cbdev;
};

/* include/linux/clocksource.h */
struct clocksource {
	uint32_t mult;
	uint32_t shift;
};

GUEST_TYPES_END

#endif

// SPDX-License-Identifier: MIT
/*
 * Rows of /proc/net. A file is there if the guest's kernel has what it shows: a kernel without
 * IPv6, or without UDP-Lite (gone in 7.x), has no such symbols.
 */
#include "net_common.h"

#define PRESENT_WITH(name, symbol)                                                                 \
	static bool name##_present(const struct proc_item *it)                                     \
	{                                                                                          \
		(void)it;                                                                          \
		return guest_has_symbol(symbol);                                                   \
	}
PRESENT_WITH(ipv6, raw_v6_hashinfo)
PRESENT_WITH(udplite, udplite_table)
PRESENT_WITH(udplite6, udplitev6_prot)
PRESENT_WITH(icmp, ping_table)
PRESENT_WITH(packet, packet_seq_ops)
PRESENT_WITH(wireless, wireless_seq_ops)
PRESENT_WITH(rt_cache, rt_cache_seq_ops)
PRESENT_WITH(ptype, ptype_base)
PRESENT_WITH(xfrm_stat, xfrm_mib_list)
PRESENT_WITH(rt_acct, ip_rt_acct)

PRESENT_WITH(ip_mr, ipmr_vif_seq_ops)
PRESENT_WITH(ip6_mr, ip6mr_vif_seq_ops)
PRESENT_WITH(ip6_flowlabel, fl_ht)

extern struct net __guest init_net;

static bool connector_present(const struct proc_item *it)
{
	return guest_has_symbol(cdev) && guest_has_type(struct cn_dev) && guest_eq(&init_net, it->net);
}

#define FILE(file, show_fn) { .name = file, .mode = PROC_REG(0444), .show = show_fn }
#define FILE_IF(file, show_fn, present_fn)                                                         \
	{ .name = file, .mode = PROC_REG(0444), .show = show_fn, .present = present_fn }

const struct proc_row proc_net_rows[] = {
	FILE("arp", net_arp_show),
	FILE("dev", net_dev_show),
	FILE("raw", net_raw_show),
	FILE("tcp", net_tcp_show),
	FILE("udp", net_udp_show),
	FILE_IF("icmp", net_icmp_show, icmp_present),
	FILE("igmp", net_igmp_show),
	FILE_IF("raw6", net_raw6_show, ipv6_present),
	FILE("snmp", net_snmp_show),
	FILE_IF("tcp6", net_tcp6_show, ipv6_present),
	FILE_IF("udp6", net_udp6_show, ipv6_present),
	FILE("unix", net_unix_show),
	FILE_IF("icmp6", net_icmp6_show, ipv6_present),
	FILE_IF("igmp6", net_igmp6_show, ipv6_present),
	FILE_IF("ptype", net_ptype_show, ptype_present),
	FILE("route", net_route_show),
	FILE_IF("snmp6", net_snmp6_show, ipv6_present),
	FILE_IF("packet", net_packet_show, packet_present),
	FILE("psched", net_psched_show),
	FILE("netlink", net_netlink_show),
	FILE("netstat", net_netstat_show),
	FILE_IF("udplite", net_udplite_show, udplite_present),
	FILE("mcfilter", net_mcfilter_show),
	FILE_IF("rt_cache", net_rt_cache_show, rt_cache_present),
	FILE("sockstat", net_sockstat_show),
	FILE_IF("udplite6", net_udplite6_show, udplite6_present),
	FILE_IF("wireless", net_wireless_show, wireless_present),
	FILE_IF("xfrm_stat", net_xfrm_stat_show, xfrm_stat_present),
	FILE_IF("connector", net_connector_show, connector_present),
	FILE_IF("anycast6", net_anycast6_show, ipv6_present),
	FILE_IF("if_inet6", net_if_inet6_show, ipv6_present),
	FILE("dev_mcast", net_dev_mcast_show),
	FILE_IF("mcfilter6", net_mcfilter6_show, ipv6_present),
	FILE("protocols", net_protocols_show),
	FILE_IF("rt6_stats", net_rt6_stats_show, ipv6_present),
	FILE_IF("sockstat6", net_sockstat6_show, ipv6_present),
	FILE("softnet_stat", net_softnet_stat_show),
	FILE_IF("ipv6_route", net_ipv6_route_show, ipv6_present),
	FILE("fib_trie", net_fib_trie_show),
	FILE("fib_triestat", net_fib_triestat_show),
	FILE_IF("rt_acct", net_rt_acct_show, rt_acct_present),
	FILE_IF("ip_mr_vif", net_ip_mr_vif_show, ip_mr_present),
	FILE_IF("ip_mr_cache", net_ip_mr_cache_show, ip_mr_present),
	FILE_IF("ip6_mr_vif", net_ip6_mr_vif_show, ip6_mr_present),
	FILE_IF("ip6_mr_cache", net_ip6_mr_cache_show, ip6_mr_present),
	FILE_IF("ip6_flowlabel", net_ip6_flowlabel_show, ip6_flowlabel_present),
	{ .name = "nf_conntrack", .mode = PROC_REG(0440), .show = net_conntrack_show,
	  .present = net_conntrack_present },
	{ .name = "stat", .mode = PROC_DIR(0555), .rows = net_stat_rows, .order = PROC_ORDER_PDE },
	{ .name = "dev_snmp6", .mode = PROC_DIR(0555), .dir = &net_dev_snmp6_dir,
	  .present = ipv6_present },
	{ 0 }
};

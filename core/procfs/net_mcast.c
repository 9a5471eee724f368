// SPDX-License-Identifier: MIT
/*
 * /proc/net/{igmp,igmp6,mcfilter,mcfilter6,anycast6,if_inet6}: rows as net/ipv4/igmp.c and
 * net/ipv6/{mcast,anycast,addrconf}.c print them.
 */
#include "net_common.h"

enum {
	GROUPS_MAX = 1 << 20, /* of one device */
	MAF_TIMER_RUNNING = 0x01, /* include/net/if_inet6.h */
	MCAST_EXCLUDE = 0,	  /* include/uapi/linux/in.h */
	MCAST_INCLUDE = 1,
	IPV4_DEVCONF_FORCE_IGMP_VERSION = 17, /* include/uapi/linux/ip.h */
	ADDRESS_BUCKETS = 256,		      /* IN6_ADDR_HSIZE */
};

extern struct hlist_head __guest inet6_addr_lst[];

/* What `rows` prints of each device, below `head`. */
static int show_devices(const struct proc_item *it, struct seq_file *m, const char *head,
			void (*rows)(struct net_list *, struct net_device __guest *))
{
	struct net_device __guest *dev;
	struct net_list l;

	net_list_init(&l, it, m);
	seq_puts(m, head);
	net_for_each_dev(dev, &l)
		rows(&l, dev);
	return 0;
}

static bool version_seen(const struct net_list *l, struct in_device __guest *in_dev, int version,
			 uint64_t until)
{
	unsigned int at = IPV4_DEVCONF_FORCE_IGMP_VERSION - 1;

	return l->net->ipv4.devconf_all->data[at] == version || in_dev->cnf.data[at] == version ||
	       (until && (int64_t)(l->jiffies - until) < 0);
}

static const char *igmp_querier(const struct net_list *l, struct in_device __guest *in_dev)
{
	if (version_seen(l, in_dev, 1, in_dev->mr_v1_seen))
		return "V1";
	return version_seen(l, in_dev, 2, in_dev->mr_v2_seen) ? "V2" : "V3";
}

static void igmp_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(GROUPS_MAX);
	struct in_device __guest *in_dev = dev->ip_ptr;
	bool first = true;

	if (!in_dev)
		return;
	for (struct ip_mc_list __guest *im = in_dev->mc_list; im && guest_more_at(&b, im);
	     im = im->next_rcu) {
		NET_RECORD(l) {
			int64_t when = 0;

			if (first) {
				char name[17];

				net_dev_name(dev, name);
				seq_printf(l->m, "%d\t%-10s: %5d %7s\n", dev->ifindex, name,
					   in_dev->mc_count, igmp_querier(l, in_dev));
			}
			signed char running = im->tm_running;

			if (running)
				when = net_delta_to_clock(l, im->timer.expires);
			seq_printf(l->m, "\t\t\t\t%08X %5d %d:%08lX\t\t%d\n", im->multiaddr, im->users,
				   running, (unsigned long)when, im->reporter);
		}
		first = false;
	}
}

int net_igmp_show(const struct proc_item *it, struct seq_file *m)
{
	return show_devices(it, m, "Idx\tDevice    : Count Querier\tGroup    Users Timer\tReporter\n",
			    igmp_rows);
}

static void igmp6_row(struct net_list *l, struct net_device __guest *dev,
		      struct ifmcaddr6 __guest *im)
{
	unsigned int flags = im->mca_flags;
	int64_t when = 0;
	char addr[33], name[17];

	if (flags & MAF_TIMER_RUNNING) {
		uint64_t expires = guest_has(struct ifmcaddr6, mca_work.timer.expires) ?
					   im->mca_work.timer.expires : im->mca_timer.expires;

		/* the kernel doesn't mind a timer in the past here */
		when = net_jiffies_to_clock(l, expires - l->jiffies);
	}
	net_read_pi6(addr, &im->mca_addr);
	net_dev_name(dev, name);
	seq_printf(l->m, "%-4d %-15s %s %5d %08X %ld\n", dev->ifindex, name, addr, im->mca_users,
		   flags, (long)when);
}

static void igmp6_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(GROUPS_MAX);
	struct inet6_dev __guest *idev = dev->ip6_ptr;

	if (!idev)
		return;
	for (struct ifmcaddr6 __guest *im = idev->mc_list; im && guest_more_at(&b, im);
	     im = im->next) {
		NET_RECORD(l)
			igmp6_row(l, dev, im);
	}
}

int net_igmp6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_devices(it, m, "", igmp6_rows);
}

/*
 * Sources of groups. Until it has found the first one the kernel looks at no more than the first
 * group of each device: l->in_step tells whether it has.
 */
static void mcfilter_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(GROUPS_MAX);
	struct in_device __guest *in_dev = dev->ip_ptr;

	if (!in_dev)
		return;
	for (struct ip_mc_list __guest *im = in_dev->mc_list; im && guest_more_at(&b, im);
	     im = im->next_rcu) {
		struct guest_bound sources = GUEST_BOUND(GROUPS_MAX);

		for (struct ip_sf_list __guest *psf = im->sources;
		     psf && guest_more_at(&sources, psf); psf = psf->sf_next) {
			l->in_step = true;
			NET_RECORD(l) {
				char name[17];

				net_dev_name(dev, name);
				seq_printf(l->m, "%3d %6.6s 0x%08x 0x%08x %6lu %6lu\n",
					   dev->ifindex, name, __builtin_bswap32(im->multiaddr),
					   __builtin_bswap32(psf->sf_inaddr),
					   psf->sf_count[MCAST_INCLUDE],
					   psf->sf_count[MCAST_EXCLUDE]);
			}
		}
		if (!l->in_step)
			return;
	}
}

int net_mcfilter_show(const struct proc_item *it, struct seq_file *m)
{
	return show_devices(it, m, "Idx Device        MCA        SRC    INC    EXC\n", mcfilter_rows);
}

static void mcfilter6_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(GROUPS_MAX);
	struct inet6_dev __guest *idev = dev->ip6_ptr;

	if (!idev)
		return;
	for (struct ifmcaddr6 __guest *im = idev->mc_list; im && guest_more_at(&b, im);
	     im = im->next) {
		struct guest_bound sources = GUEST_BOUND(GROUPS_MAX);

		for (struct ip6_sf_list __guest *psf = im->mca_sources;
		     psf && guest_more_at(&sources, psf); psf = psf->sf_next) {
			l->in_step = true;
			NET_RECORD(l) {
				char name[17], group[33], source[33];

				net_dev_name(dev, name);
				net_read_pi6(group, &im->mca_addr);
				net_read_pi6(source, &psf->sf_addr);
				seq_printf(l->m, "%3d %6.6s %s %s %6lu %6lu\n", dev->ifindex, name,
					   group, source, psf->sf_count[MCAST_INCLUDE],
					   psf->sf_count[MCAST_EXCLUDE]);
			}
		}
		if (!l->in_step)
			return;
	}
}

int net_mcfilter6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_devices(it, m,
			    "Idx Device                Multicast Address                   Source Address"
			    "    INC    EXC\n", mcfilter6_rows);
}

static void anycast6_rows(struct net_list *l, struct net_device __guest *dev)
{
	struct guest_bound b = GUEST_BOUND(GROUPS_MAX);
	struct inet6_dev __guest *idev = dev->ip6_ptr;

	if (!idev)
		return;
	for (struct ifacaddr6 __guest *ac = idev->ac_list; ac && guest_more_at(&b, ac);
	     ac = ac->aca_next) {
		NET_RECORD(l) {
			char name[17], addr[33];

			net_dev_name(dev, name);
			net_read_pi6(addr, &ac->aca_addr);
			seq_printf(l->m, "%-4d %-15s %s %5d\n", dev->ifindex, name, addr,
				   ac->aca_users);
		}
	}
}

int net_anycast6_show(const struct proc_item *it, struct seq_file *m)
{
	return show_devices(it, m, "", anycast6_rows);
}

static bool if_inet6_row(struct net_list *l, uint64_t node)
{
	struct inet6_ifaddr __guest *ifa =
		guest_ptr(struct inet6_ifaddr, node - guest_offsetof(struct inet6_ifaddr, addr_lst));
	struct net_device __guest *dev = ifa->idev->dev;
	char name[17], addr[33];

	if (!guest_eq(dev->nd_net.net, l->net))
		return false;
	net_dev_name(dev, name);
	net_read_pi6(addr, &ifa->addr);
	seq_printf(l->m, "%s %02x %02x %02x %02x %8s\n", addr, (unsigned int)dev->ifindex,
		   ifa->prefix_len, ifa->scope, ifa->flags & 0xff, name);
	return true;
}

static void if_inet6_bucket(struct net_list *l, uint64_t first)
{
	net_chain(l, first, NET_ANY_END, if_inet6_row, NULL);
}

int net_if_inet6_show(const struct proc_item *it, struct seq_file *m)
{
	struct net_list l;
	struct net_table t = { .count = ADDRESS_BUCKETS, .stride = sizeof(uint64_t) };

	net_list_init(&l, it, m);
	t.base = guest_has(struct net, ipv6.inet6_addr_lst) ? guest_addr(l.net->ipv6.inet6_addr_lst) :
							     guest_addr(&inet6_addr_lst[0]);
	net_table_walk(&l, &t, if_inet6_bucket, NULL);
	return 0;
}

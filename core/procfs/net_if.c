// SPDX-License-Identifier: MIT
/*
 * Network devices and their IPv4 addresses as ioctl() tells them (vfs/calls.h): net/core/dev_ioctl.c, dev_get_flags()
 * of net/core/dev.c, net/ipv4/devinet.c.
 */
#include "netlink.h"

extern struct net __guest init_net;

enum {
	ADDRESSES_MAX = 1 << 20, /* of a device */
	/* include/uapi/linux/if.h: ABI */
	IFF_RUNNING = 1 << 6,
	IFF_PROMISC = 1 << 8,
	IFF_ALLMULTI = 1 << 9,
	IFF_LOWER_UP = 1 << 16,
	IFF_DORMANT = 1 << 17,
	IF_OPER_UNKNOWN = 0,
	IF_OPER_UP = 6,
	/* include/linux/netdevice.h: netdev_state_t, as bits */
	STATE_START = 1 << 0,
	STATE_NO_CARRIER = 1 << 2,
	STATE_DORMANT = 1 << 4,
};

uint32_t net_dev_flags(struct net_device __guest *dev)
{
	const uint32_t by_user = IFF_PROMISC | IFF_ALLMULTI;
	uint32_t flags = dev->flags & ~(by_user | IFF_RUNNING | IFF_LOWER_UP | IFF_DORMANT);
	uint64_t state = dev->state;
	unsigned int oper = dev->operstate;

	flags |= dev->gflags & by_user;
	if (!(state & STATE_START))
		return flags;
	if (oper == IF_OPER_UP || oper == IF_OPER_UNKNOWN)
		flags |= IFF_RUNNING;
	return flags | (state & STATE_NO_CARRIER ? 0 : IFF_LOWER_UP) | (state & STATE_DORMANT ? IFF_DORMANT : 0);
}

static void device_of(struct net_device __guest *dev, const char name[17], struct vfs_interface *ret)
{
	memset(ret, 0, sizeof(*ret));
	memcpy(ret->name, name, sizeof(ret->name) - 1); /* programs count on an end, whatever the guest says */
	ret->index = dev->ifindex;
	ret->flags = net_dev_flags(dev);
	ret->mtu = dev->mtu;
	ret->queue_length = dev->tx_queue_len;
	ret->type = dev->type;
	ret->hardware_size = dev->addr_len;
	if (ret->hardware_size > sizeof(ret->hardware))
		ret->hardware_size = sizeof(ret->hardware);
	guest_read(ret->hardware, dev->dev_addr, ret->hardware_size);
	ret->mem_start = dev->mem_start;
	ret->mem_end = dev->mem_end;
	ret->base_addr = (uint16_t)dev->base_addr;
	ret->irq = (uint8_t)dev->irq;
	ret->dma = dev->dma;
	ret->port = dev->if_port;
}

static bool is_wanted(const char *name, const char *wanted, uint32_t *left)
{
	return (!wanted || !strcmp(name, wanted)) && !(*left)--;
}

/* Counts `left` down by the device's entries that are called `wanted`; true: this is it. */
static bool find(struct net_device __guest *dev, const char *wanted, uint32_t *left, struct vfs_interface *ret)
{
	struct guest_bound b = GUEST_BOUND(ADDRESSES_MAX);
	struct in_device __guest *in_dev = dev->ip_ptr;
	bool named = false;
	char name[17];

	net_dev_name(dev, name);
	for (struct in_ifaddr __guest *a = in_dev ? in_dev->ifa_list : NULL; a && guest_more_at(&b, a);
	     a = a->ifa_next) {
		char label[17];

		guest_strncpy(label, &a->ifa_label[0], sizeof(label));
		named = named || !strcmp(label, name);
		if (!is_wanted(label, wanted, left))
			continue;
		device_of(dev, label, ret);
		ret->has_address = true;
		ret->address = a->ifa_local;
		ret->peer = a->ifa_address;
		ret->broadcast = a->ifa_broadcast;
		ret->mask = a->ifa_mask;
		return true;
	}
	if (named || !is_wanted(name, wanted, left))
		return false;
	device_of(dev, name, ret);
	return true;
}

int proc_call_interface(const char *name, uint32_t nth, struct vfs_interface *ret)
{
	struct net_device __guest *dev;

	list_for_each_entry(dev, &init_net.dev_base_head, dev_list)
		if (find(dev, name, &nth, ret))
			return guest_faulted() ? -EIO : 0;
	return guest_faulted() ? -EIO : -ENOENT;
}

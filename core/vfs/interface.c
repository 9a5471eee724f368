// SPDX-License-Identifier: MIT
/*
 * What ioctl() tells of network devices (net/core/dev_ioctl.c, net/ipv4/devinet.c), of vfs_interface(): for programs
 * older than netlink, netstat -i and ifconfig among them.
 */
#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "vfs/calls.h"

enum {
	INTERFACES_MAX = 1 << 12, /* of a guest that says there are more and more */
	FIRST = 0x8910,		  /* SIOCGIFNAME; what begins there is of devices */
	END = 0x8950,
	/* include/uapi/linux/sockios.h */
	ETHTOOL = 0x8946,
	MII_LAST = 0x8949,
};
_Static_assert(sizeof(((struct ifreq *)0)->ifr_name) == sizeof(((struct vfs_interface *)0)->name), "names");

bool vfs_is_interface_request(uint64_t request)
{
	return (request >= FIRST && request < END) || request == SIOCGIFMAP || request == SIOCSIFMAP;
}

static int find_index(struct vfs *v, int index, struct vfs_interface *ret)
{
	int r = 0;

	for (uint32_t i = 0; !r && i < INTERFACES_MAX; i++) {
		r = vfs_interface(v, NULL, i, ret);
		if (!r && ret->index == index)
			return 0;
	}
	return r ? r : -EIO;
}

static int put_address(const struct vfs_interface *i, uint32_t address, struct ifreq *ret)
{
	if (!i->has_address)
		return -EADDRNOTAVAIL;
	memset(&ret->ifr_addr, 0, sizeof(ret->ifr_addr));
	ret->ifr_addr.sa_family = AF_INET;
	memcpy(ret->ifr_addr.sa_data + 2, &address, sizeof(address)); /* behind the port */
	return 0;
}

static int put_hardware(const struct vfs_interface *i, struct ifreq *ret)
{
	size_t size = i->hardware_size;

	if (size > sizeof(ret->ifr_hwaddr.sa_data))
		size = sizeof(ret->ifr_hwaddr.sa_data);
	ret->ifr_hwaddr.sa_family = i->type;
	if (!size)
		memset(ret->ifr_hwaddr.sa_data, 0, sizeof(ret->ifr_hwaddr.sa_data));
	memcpy(ret->ifr_hwaddr.sa_data, i->hardware, size);
	return 0;
}

static int answer(const struct vfs_interface *i, uint64_t request, struct ifreq *ret)
{
	switch (request) {
	case SIOCGIFNAME:
		memcpy(ret->ifr_name, i->name, sizeof(ret->ifr_name));
		return 0;
	case SIOCGIFFLAGS:
		ret->ifr_flags = (short)i->flags;
		return 0;
	case SIOCGIFADDR:
		return put_address(i, i->address, ret);
	case SIOCGIFDSTADDR:
		return put_address(i, i->peer, ret);
	case SIOCGIFBRDADDR:
		return put_address(i, i->broadcast, ret);
	case SIOCGIFNETMASK:
		return put_address(i, i->mask, ret);
	case SIOCGIFMETRIC:
		ret->ifr_metric = 0;
		return 0;
	case SIOCGIFMTU:
		ret->ifr_mtu = (int)i->mtu;
		return 0;
	case SIOCGIFHWADDR:
		return put_hardware(i, ret);
	case SIOCGIFINDEX:
		ret->ifr_ifindex = i->index;
		return 0;
	case SIOCGIFTXQLEN:
		ret->ifr_qlen = (int)i->queue_length;
		return 0;
	case SIOCGIFMAP:
		ret->ifr_map.mem_start = i->mem_start;
		ret->ifr_map.mem_end = i->mem_end;
		ret->ifr_map.base_addr = i->base_addr;
		ret->ifr_map.irq = i->irq;
		ret->ifr_map.dma = i->dma;
		ret->ifr_map.port = i->port;
		return 0;
	default:
		return request >= ETHTOOL && request <= MII_LAST ? -EOPNOTSUPP : -EPERM;
	}
}

int vfs_interface_request(struct vfs *v, uint64_t request, void *ifreq)
{
	struct vfs_interface i;
	struct ifreq *req = ifreq;
	int r;

	req->ifr_name[sizeof(req->ifr_name) - 1] = '\0';
	r = request == SIOCGIFNAME ? find_index(v, req->ifr_ifindex, &i)
				   : vfs_interface(v, req->ifr_name, 0, &i);
	if (r)
		return r == -ENOENT ? -ENODEV : r;
	return answer(&i, request, req);
}

long vfs_interface_list(struct vfs *v, void *buf, size_t size)
{
	struct ifreq *to = buf, req;
	struct vfs_interface i;
	size_t count = 0;
	int r = 0;

	for (uint32_t nth = 0; !r; nth++) {
		if (buf && count >= size / sizeof(*to))
			break;
		r = nth < INTERFACES_MAX ? vfs_interface(v, NULL, nth, &i) : -EIO;
		if (r || !i.has_address)
			continue;
		memset(&req, 0, sizeof(req));
		memcpy(req.ifr_name, i.name, sizeof(req.ifr_name));
		(void)put_address(&i, i.address, &req);
		if (buf)
			memcpy(&to[count], &req, sizeof(req));
		count++;
	}
	return r && r != -ENOENT ? r : (long)(count * sizeof(req));
}

// SPDX-License-Identifier: MIT
/*
 * Questions by netlink about devices, addresses, routes, rules and neighbours (vfs/calls.h), as net/core/rtnetlink.c and
 * those that register with it answer them. Messages are made of the guest's records; what a question filters
 * by besides family, table and device, tools look at themselves.
 */
#include "netlink.h"

enum {
	/* include/uapi/linux/netlink.h, rtnetlink.h: ABI */
	NLM_F_MULTI = 2,
	NLA_TYPE_MASK = 0x3fff,
	RTM_GETLINK = 18,
	RTM_GETADDR = 22,
	RTM_GETROUTE = 26,
	RTM_GETNEIGH = 30,
	RTM_GETRULE = 34,

	NLA_HEADER = 4,
	NAME_SIZE = 16, /* IFNAMSIZ */
};

struct nlmsghdr {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
};

static void align(struct netlink *n)
{
	static const char zeros[4];

	seq_write(n->l.m, zeros, -n->l.m->count & 3);
}

void netlink_patch(struct netlink *n, size_t at, const void *data, size_t size)
{
	struct seq_file *m = n->l.m;

	if (!m->error && at <= m->count && size <= m->count - at)
		memcpy(m->buf + at, data, size);
}

void netlink_begin(struct netlink *n, unsigned int type, const void *head, size_t size)
{
	struct nlmsghdr h = { .type = (uint16_t)type, .flags = n->dump ? NLM_F_MULTI : 0,
			      .seq = n->q->seq, .port = n->q->port };

	n->message = n->l.m->count;
	seq_write(n->l.m, &h, sizeof(h));
	seq_write(n->l.m, head, size);
	align(n);
}

void netlink_end(struct netlink *n)
{
	uint32_t len = (uint32_t)(n->l.m->count - n->message);

	netlink_patch(n, n->message, &len, sizeof(len));
}

void netlink_put(struct netlink *n, unsigned int type, const void *data, size_t size)
{
	uint16_t h[2] = { (uint16_t)(NLA_HEADER + size), (uint16_t)type };

	seq_write(n->l.m, h, sizeof(h));
	seq_write(n->l.m, data, size);
	align(n);
}

void netlink_put_string(struct netlink *n, unsigned int type, const char *s)
{
	netlink_put(n, type, s, strlen(s) + 1);
}

void netlink_put_name(struct netlink *n, unsigned int type, const char name[17])
{
	char cut[NAME_SIZE] = "";

	memcpy(cut, name, strnlen(name, NAME_SIZE - 1));
	netlink_put_string(n, type, cut);
}

size_t netlink_nest_begin(struct netlink *n, unsigned int type)
{
	size_t at = n->l.m->count;

	netlink_put(n, type, NULL, 0);
	return at;
}

void netlink_nest_end(struct netlink *n, size_t at)
{
	uint16_t len = (uint16_t)(n->l.m->count - at);

	netlink_patch(n, at, &len, sizeof(len));
}

const uint8_t *netlink_asked(const struct netlink *n, size_t head, unsigned int type, size_t *size_ret)
{
	size_t at = (head + 3) & ~3ull;

	while (at <= n->q->size && n->q->size - at >= NLA_HEADER) {
		uint16_t h[2];

		memcpy(h, n->q->body + at, sizeof(h));
		if (h[0] < NLA_HEADER || h[0] > n->q->size - at)
			break;
		if ((h[1] & NLA_TYPE_MASK) == type) {
			*size_ret = (size_t)h[0] - NLA_HEADER;
			return n->q->body + at + NLA_HEADER;
		}
		at += (h[0] + 3u) & ~3u;
	}
	return NULL;
}

int proc_call_netlink(const struct vfs_netlink_question *q, struct seq_file *m)
{
	struct netlink n = { .q = q, .family = q->size ? q->body[0] : 0, .dump = q->dump };
	struct proc_item it = { 0 };
	int r;

	r = proc_item_net(&it);
	if (r)
		return r;
	if (q->protocol == VFS_NETLINK_SOCKETS) {
		r = netlink_diag(&it, q, m);
		return r ? r : m->error;
	}
	net_list_init(&n.l, &it, m);
	switch (q->type) {
	case RTM_GETLINK:
		r = netlink_links(&n);
		break;
	case RTM_GETADDR:
		r = netlink_addresses(&n);
		break;
	case RTM_GETROUTE:
		r = netlink_routes(&n);
		break;
	case RTM_GETNEIGH:
		r = netlink_neighbours(&n);
		break;
	case RTM_GETRULE:
		r = netlink_rules(&n);
		break;
	default:
		return -EOPNOTSUPP;
	}
	return r ? r : m->error;
}

/* SPDX-License-Identifier: MIT */
/* Answers by netlink: messages and their attributes (include/uapi/linux/netlink.h). */
#ifndef SCW_PROCFS_NETLINK_H
#define SCW_PROCFS_NETLINK_H

#include <errno.h>

#include "net_common.h"

/* One answer; the list comes first, so that rows find the answer that they are of. */
struct netlink {
	struct net_list l;
	const struct vfs_netlink_question *q;
	size_t message; /* where the one begins that is being made */
	bool dump;	/* all of them, rather than one that is named */
	unsigned char family;
	uint32_t table; /* of routes; 0: of all tables */
};

static inline struct netlink *netlink_of(struct net_list *l)
{
	return (struct netlink *)l;
}

/* A message of `type` that begins with the record `head`, up to netlink_end(). */
void netlink_begin(struct netlink *n, unsigned int type, const void *head, size_t size);
void netlink_end(struct netlink *n);
void netlink_put(struct netlink *n, unsigned int type, const void *data, size_t size);
void netlink_put_string(struct netlink *n, unsigned int type, const char *s);
/* The name of a device, an address's label or an algorithm, cut to what programs have room for. */
void netlink_put_name(struct netlink *n, unsigned int type, const char name[17]);

static inline void netlink_put_u8(struct netlink *n, unsigned int type, uint8_t v)
{
	netlink_put(n, type, &v, sizeof(v));
}

static inline void netlink_put_u32(struct netlink *n, unsigned int type, uint32_t v)
{
	netlink_put(n, type, &v, sizeof(v));
}

/* An attribute that holds others: its place, for netlink_nest_end(). */
size_t netlink_nest_begin(struct netlink *n, unsigned int type);
void netlink_nest_end(struct netlink *n, size_t at);
/* Overwrite what stands at `at`. */
void netlink_patch(struct netlink *n, size_t at, const void *data, size_t size);

/* The question's attribute `type` behind `head` bytes: its bytes, NULL if it has none. */
const uint8_t *netlink_asked(const struct netlink *n, size_t head, unsigned int type, size_t *size_ret);

/* What is answered: 0 or -errno. */
int netlink_links(struct netlink *n);
int netlink_addresses(struct netlink *n);
int netlink_routes(struct netlink *n);
int netlink_neighbours(struct netlink *n);
int netlink_rules(struct netlink *n);
/* netlink_diag.c: the same for sockets, in portions: of an unfinished dump, `m` keeps how it goes on (seq_rest()) */
int netlink_diag(const struct proc_item *it, const struct vfs_netlink_question *q, struct seq_file *m);

/* net_if.c */
uint32_t net_dev_flags(struct net_device __guest *dev);

#endif

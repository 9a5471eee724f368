/* SPDX-License-Identifier: MIT */
/*
 * A socket of NETLINK_ROUTE or NETLINK_SOCK_DIAG whose other end is not the kernel but a file system that stands for a
 * machine (vfs/calls.h): what was sent is answered at once, the answer waits here, in datagrams as the kernel makes
 * them; of a long one the first portion does, and each further one is made when it is to be received.
 * Nothing ever comes unasked. Messages are copied; `struct msghdr` and what it points to are the caller's, who has
 * checked them.
 */
#ifndef SCW_VFS_NETLINK_H
#define SCW_VFS_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "vfs/seq_file.h"

struct vfs;

struct vfs_netlink_socket {
	struct seq_file answer;
	size_t taken; /* bytes of it that were received */
	unsigned int protocol;
	uint8_t *question; /* of a dump that isn't whole yet, with its header; NULL: none */
	uint32_t port;	   /* likewise */
};

/* Is there somebody to answer sockets of `protocol`? Only those may be made. */
bool vfs_netlink_answers(int protocol);
void vfs_netlink_init(struct vfs_netlink_socket *s, struct base_alloc *alloc, int protocol);
void vfs_netlink_deinit(struct vfs_netlink_socket *s);
/* Bytes sent, or -errno; `v` NULL: there is no such machine. `port` is the socket's own number, which the answer bears. An answer that waits is dropped. */
long vfs_netlink_send(struct vfs_netlink_socket *s, struct vfs *v, uint32_t port, const struct msghdr *msg);
/*
 * As recvmsg(): MSG_PEEK and MSG_TRUNC count, the sender is the kernel. Bytes, or -ECONNREFUSED when there is
 * nothing to wait for.
 */
long vfs_netlink_receive(struct vfs_netlink_socket *s, struct vfs *v, struct msghdr *msg, int flags);

#endif

/* SPDX-License-Identifier: MIT */
/* The bytecode by which a question about sockets says which ones it wants (INET_DIAG_REQ_BYTECODE). */
#ifndef SCW_PROCFS_NETLINK_FILTER_H
#define SCW_PROCFS_NETLINK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is known of a socket. */
struct diag_entry {
	const uint32_t *src, *dst; /* four words in network order, of IPv4 the first one */
	uint16_t sport, dport;	   /* in host order */
	uint8_t family;
	bool bound; /* to a port of its user's choice */
	uint32_t device, mark;
	uint64_t cgroup;
};

/* Known operations alone, with all their arguments, which jump forward to where another one begins, or to the end. */
bool diag_filter_valid(const uint8_t *code, size_t size);
/* Only of what is valid. */
bool diag_filter_run(const uint8_t *code, size_t size, const struct diag_entry *e);

#endif

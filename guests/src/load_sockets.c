// SPDX-License-Identifier: MIT
/* Sockets of every family but TCP: UDP, UDP-lite, raw, ping, packet, netlink, UNIX. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/udp.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "load.h"

#ifndef IPPROTO_UDPLITE
#define IPPROTO_UDPLITE 136
#endif

static struct sockaddr_in in4(const char *text, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, text, &a.sin_addr);
	return a;
}

static struct sockaddr_in6 in6(const char *text, int port)
{
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(port) };

	inet_pton(AF_INET6, text, &a.sin6_addr);
	return a;
}

/* A socket bound to and connected with what is not NULL; -1 if the kernel lacks it. */
static int inet_socket(int family, int type, int protocol, const char *own, int own_port,
		       const char *far, int far_port)
{
	int fd = socket(family, type | SOCK_CLOEXEC, protocol), on = 1;
	struct sockaddr_in a4;
	struct sockaddr_in6 a6;
	struct sockaddr *sa = family == AF_INET ? (struct sockaddr *)&a4 : (struct sockaddr *)&a6;
	socklen_t size = family == AF_INET ? sizeof(a4) : sizeof(a6);

	if (load_try(fd, "socket") < 0)
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (own) {
		a4 = in4(own, own_port);
		a6 = in6(own, own_port);
		load_try(bind(fd, sa, size), own);
	}
	if (far) {
		a4 = in4(far, far_port);
		a6 = in6(far, far_port);
		load_try(connect(fd, sa, size), far);
	}
	return fd;
}

static void datagrams(int protocol, int base)
{
	char data[200] = "datagram";
	int fd, small = 2048, corked = 1;

	inet_socket(AF_INET, SOCK_DGRAM, protocol, "0.0.0.0", base, NULL, 0);
	inet_socket(AF_INET, SOCK_DGRAM, protocol, "0.0.0.0", base, NULL, 0);
	inet_socket(AF_INET, SOCK_DGRAM, protocol, "127.0.0.1", base + 1, "127.0.0.1", base + 2);
	inet_socket(AF_INET, SOCK_DGRAM, protocol, NULL, 0, "192.0.2.2", 53);
	inet_socket(AF_INET6, SOCK_DGRAM, protocol, "::", base + 3, NULL, 0);
	inet_socket(AF_INET6, SOCK_DGRAM, protocol, "::1", base + 4, "::1", base + 5);
	inet_socket(AF_INET6, SOCK_DGRAM, protocol, NULL, 0, "::ffff:127.0.0.1", base + 1);
	inet_socket(AF_INET6, SOCK_DGRAM, protocol, NULL, 0, "2001:db8:1::2", 53);
	/* unbound: in no list */
	inet_socket(AF_INET, SOCK_DGRAM, protocol, NULL, 0, NULL, 0);
	/* queued data, and drops once the buffer is full */
	for (int family = AF_INET;; family = AF_INET6) {
		int receiver = inet_socket(family, SOCK_DGRAM, protocol,
					   family == AF_INET ? "127.0.0.1" : "::1", base + 6, NULL, 0);

		setsockopt(receiver, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
		fd = inet_socket(family, SOCK_DGRAM, protocol, NULL, 0,
				 family == AF_INET ? "127.0.0.1" : "::1", base + 6);
		for (int i = 0; i < 20; i++)
			(void)!write(fd, data, sizeof(data));
		if (family == AF_INET6)
			break;
	}
	/* data waiting to be sent */
	if (protocol == IPPROTO_UDP) {
		fd = inet_socket(AF_INET, SOCK_DGRAM, protocol, "127.0.0.1", base + 7, "127.0.0.1",
				 base + 6);
		setsockopt(fd, IPPROTO_UDP, UDP_CORK, &corked, sizeof(corked));
		(void)!write(fd, data, sizeof(data));
	}
}

static void internet(const char *argument)
{
	struct ip_mreqn group = { 0 };
	struct ipv6_mreq group6 = { 0 };
	struct ip_mreq_source source = { 0 };
	int fd;

	(void)argument;
	datagrams(IPPROTO_UDP, 5300);
	datagrams(IPPROTO_UDPLITE, 5400);

	/* raw: by protocol; 255 sends only; one connected; one that hears loopback pings */
	inet_socket(AF_INET, SOCK_RAW, IPPROTO_ICMP, NULL, 0, NULL, 0);
	inet_socket(AF_INET, SOCK_RAW, 255, "127.0.0.1", 0, NULL, 0);
	inet_socket(AF_INET, SOCK_RAW, 89, NULL, 0, "192.0.2.2", 0);
	inet_socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6, NULL, 0, NULL, 0);
	inet_socket(AF_INET6, SOCK_RAW, 255, "::1", 0, NULL, 0);
	inet_socket(AF_INET6, SOCK_RAW, 89, NULL, 0, "2001:db8:1::2", 0);
	fd = inet_socket(AF_INET, SOCK_RAW, 253, "127.0.0.1", 0, "127.0.0.1", 0);
	(void)!write(fd, "heard by itself", 15);

	/* ping sockets; the echo's answer stays queued */
	fd = inet_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, "127.0.0.1", 77, "127.0.0.1", 0);
	(void)!write(fd, "\x08\0\0\0\0\0\0\1ping", 12);
	inet_socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP, NULL, 0, "192.0.2.2", 0);
	inet_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, "::1", 78, NULL, 0);
	inet_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6, NULL, 0, "::1", 0);

	/* multicast: memberships, also of one source only */
	fd = inet_socket(AF_INET, SOCK_DGRAM, 0, "224.0.0.251", 5353, NULL, 0);
	inet_pton(AF_INET, "224.0.0.251", &group.imr_multiaddr);
	group.imr_ifindex = if_nametoindex("veth0");
	load_try(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), "join");
	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	group.imr_ifindex = if_nametoindex("dummy0");
	load_try(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)), "join");
	inet_pton(AF_INET, "232.1.1.1", &source.imr_multiaddr);
	inet_pton(AF_INET, "198.51.100.1", &source.imr_interface);
	inet_pton(AF_INET, "192.0.2.9", &source.imr_sourceaddr);
	load_try(setsockopt(fd, IPPROTO_IP, IP_ADD_SOURCE_MEMBERSHIP, &source, sizeof(source)),
		 "join a source");
	fd = inet_socket(AF_INET6, SOCK_DGRAM, 0, "::", 5353, NULL, 0);
	for (int i = 0; i < 3; i++) {
		static const char *const groups[] = { "ff02::fb", "ff05::1:3", "ff15::dead:beef" };

		inet_pton(AF_INET6, groups[i], &group6.ipv6mr_multiaddr);
		group6.ipv6mr_interface = if_nametoindex(i ? "dummy0" : "veth0");
		load_try(setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &group6, sizeof(group6)),
			 "join");
	}
	/* neighbours that never answer: their entries stay incomplete */
	fd = inet_socket(AF_INET, SOCK_DGRAM, 0, NULL, 0, "192.0.2.70", 9);
	(void)!write(fd, "?", 1);
	fd = inet_socket(AF_INET6, SOCK_DGRAM, 0, NULL, 0, "2001:db8:1::70", 9);
	(void)!write(fd, "?", 1);
	inet_pton(AF_INET6, "2001:db8:1::", &group6.ipv6mr_multiaddr);
	group6.ipv6mr_interface = if_nametoindex("veth0");
	load_try(setsockopt(fd, IPPROTO_IPV6, IPV6_JOIN_ANYCAST, &group6, sizeof(group6)), "anycast");
}

static void packet(const char *argument)
{
	static const struct { int type, protocol; const char *device; } kinds[] = {
		{ SOCK_RAW, ETH_P_ARP, NULL },	       { SOCK_DGRAM, ETH_P_ARP, "veth0" },
		{ SOCK_RAW, ETH_P_IP, "dummy0" },      { SOCK_DGRAM, ETH_P_IPV6, "dummy0" },
		{ SOCK_RAW, ETH_P_ALL, "dummy0" },     { SOCK_RAW, 0, NULL },
		{ SOCK_RAW, 0x88cc, "veth0" },
	};
	struct tpacket_req ring = { .tp_block_size = 4096, .tp_block_nr = 4, .tp_frame_size = 2048,
				    .tp_frame_nr = 8 };
	struct packet_mreq promiscuous = { .mr_type = PACKET_MR_PROMISC };
	int fd = -1;

	(void)argument;
	for (size_t i = 0; i < LOAD_COUNT(kinds); i++) {
		struct sockaddr_ll a = { .sll_family = AF_PACKET,
					 .sll_protocol = htons(kinds[i].protocol) };

		fd = socket(AF_PACKET, kinds[i].type | SOCK_CLOEXEC, htons(kinds[i].protocol));
		if (load_try(fd, "packet socket") < 0)
			return;
		if (kinds[i].device) {
			a.sll_ifindex = if_nametoindex(kinds[i].device);
			load_try(bind(fd, (struct sockaddr *)&a, sizeof(a)), "bind a packet socket");
		}
	}
	load_try(setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)), "packet ring");
	promiscuous.mr_ifindex = if_nametoindex("dummy0");
	load_try(setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)),
		 "promiscuous");
}

static void netlink(const char *argument)
{
	static const struct { int protocol; unsigned int port, groups; } kinds[] = {
		{ NETLINK_ROUTE, 0, 0 },	  { NETLINK_ROUTE, 0, RTMGRP_LINK | RTMGRP_NEIGH },
		{ NETLINK_ROUTE, 0x12345678, 0 }, { NETLINK_ROUTE, 0xfffffff0, 1 << 30 },
		{ NETLINK_SOCK_DIAG, 0, 0 },	  { NETLINK_KOBJECT_UEVENT, 0, 1 },
		{ NETLINK_GENERIC, 0, 0 },	  { NETLINK_NETFILTER, 0, 0 },
		{ NETLINK_USERSOCK, 4242, 2 },	  { NETLINK_XFRM, 0, 1 },
		{ NETLINK_CRYPTO, 0, 0 },	  { NETLINK_CONNECTOR, 0, 0 },
		{ NETLINK_AUDIT, 0, 1 },	  { NETLINK_FIB_LOOKUP, 0, 0 },
	};
	struct { struct nlmsghdr head; struct rtgenmsg body; } dump = {
		{ sizeof(dump), RTM_GETADDR, NLM_F_REQUEST | NLM_F_DUMP, 1, 0 }, { AF_UNSPEC } };
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	int fd, group = 33, size = 4096;

	(void)argument;
	for (size_t i = 0; i < LOAD_COUNT(kinds); i++) {
		struct sockaddr_nl a = { .nl_family = AF_NETLINK, .nl_pid = kinds[i].port,
					 .nl_groups = kinds[i].groups };

		fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, kinds[i].protocol);
		if (fd < 0) {
			load_note("netlink protocol %d: %s", kinds[i].protocol, strerror(errno));
			continue;
		}
		if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
			load_note("bind netlink protocol %d: %s", kinds[i].protocol, strerror(errno));
	}
	/* a group beyond the first 32; an unbound socket; data not read; a dump in the middle */
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	bind(fd, (struct sockaddr *)&kernel, sizeof(kernel));
	load_try(setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)), "group");
	socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC, NETLINK_ROUTE);
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	load_try(sendto(fd, &dump, sizeof(dump), 0, (struct sockaddr *)&kernel, sizeof(kernel)), "dump");
}

/* UNIX */

static int unix_socket(int type, const char *name, size_t length)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	if (name) {
		memcpy(a.sun_path, name, length);
		if (bind(fd, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + length))
			load_note("bind a unix socket: %s", strerror(errno));
	}
	return fd;
}

static int unix_connect(int type, const char *name, size_t length, int flags)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | flags, 0);

	memcpy(a.sun_path, name, length);
	if (connect(fd, (struct sockaddr *)&a, offsetof(struct sockaddr_un, sun_path) + length))
		load_note("connect a unix socket: %s", strerror(errno));
	return fd;
}

/* A descriptor that is in flight: the receiver has not taken it out of its queue. */
static void in_flight(int through, int passed)
{
	union { char space[CMSG_SPACE(sizeof(int))]; struct cmsghdr align; } control = { { 0 } };
	struct iovec text = { "fd", 2 };
	struct msghdr m = { .msg_iov = &text, .msg_iovlen = 1, .msg_control = &control,
			    .msg_controllen = sizeof(control) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&m);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &passed, sizeof(int));
	load_try(sendmsg(through, &m, 0), "pass a descriptor");
}

static void unix_sockets(const char *argument)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET };
	static const char odd[] = "\0odd\0inside\n\t \\\xff\x80\xc3\xa9@";
	static const char spaced[] = "/run/a name with \n newline \\ and \xc3\xa9";
	char name[108], longest[108];
	int fd, pair[2];

	(void)argument;
	mkdir("/run/sockets", 0755);
	for (size_t i = 0; i < LOAD_COUNT(types); i++) {
		static const char *const words[] = { "stream", "dgram", "seqpacket" };

		/* named by a path and in the abstract; listening; waiting and taken connections */
		for (int abstract = 0; abstract < 2; abstract++) {
			size_t length;

			if (abstract)
				length = 1 + snprintf(name + 1, sizeof(name) - 1, "abstract-%s", words[i]);
			else
				length = 1 + snprintf(name, sizeof(name), "/run/sockets/%s", words[i]);
			if (abstract)
				name[0] = '\0';
			fd = unix_socket(types[i], name, length);
			if (types[i] == SOCK_DGRAM) {
				int client = unix_connect(types[i], name, length, 0);

				(void)!write(client, "queued", 6);
				continue;
			}
			load_try(listen(fd, 5), "listen on a unix socket");
			unix_connect(types[i], name, length, 0);
			load_try(accept4(fd, NULL, NULL, SOCK_CLOEXEC), "accept on a unix socket");
			unix_connect(types[i], name, length, 0);
			unix_connect(types[i], name, length, SOCK_NONBLOCK);
		}
		load_try(socketpair(AF_UNIX, types[i] | SOCK_CLOEXEC, 0, pair), "socketpair");
		(void)!write(pair[0], "in the queue", 12);
		unix_socket(types[i], NULL, 0);
	}
	unix_socket(SOCK_STREAM, odd, sizeof(odd) - 1);
	unix_socket(SOCK_DGRAM, spaced, sizeof(spaced));
	/* a name that the kernel makes */
	unix_socket(SOCK_STREAM, "", 0);
	memset(longest, 'l', sizeof(longest));
	memcpy(longest, "/run/sockets/", 13);
	unix_socket(SOCK_STREAM, longest, sizeof(longest)); /* fills sun_path: no NUL at its end */
	longest[0] = '\0';
	unix_socket(SOCK_SEQPACKET, longest, sizeof(longest));
	unix_socket(SOCK_STREAM, "/run/sockets/removed", 21);
	unlink("/run/sockets/removed");
	load_try(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	in_flight(pair[0], fd);
	in_flight(pair[0], pair[1]);
	shutdown(pair[0], SHUT_RD);
	load_try(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), "socketpair");
	close(pair[1]);
}

const struct load_role load_socket_roles[] = {
	{ "internet", internet },
	{ "packet", packet },
	{ "netlink", netlink },
	{ "unix", unix_sockets },
	{ NULL, NULL },
};

void load_sockets(void)
{
	load_keep("internet", "", "datagrams");
	load_keep("packet", "", "packets");
	load_keep("netlink", "", "netlink");
	load_keep("unix", "", "unix-sockets");
}

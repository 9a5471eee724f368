// SPDX-License-Identifier: MIT
/*
 * The network: interfaces with a second namespace at the other end of a veth pair, and TCP sockets
 * in every state that they can be held in.
 *
 *	initial namespace                          "peer" namespace
 *	veth0 192.0.2.1  2001:db8:1::1   <---->    veth1 192.0.2.2, .11-.19  2001:db8:1::2, ::11-::19
 *	dummy0 198.51.100.1 (swallows everything)
 *
 * To lose all that we send to one of the peer's addresses we give that neighbour a wrong hardware
 * address: the frames still leave, and nobody takes them.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "load.h"

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

pid_t load_peer;

static void hold_namespace(const char *argument)
{
	(void)argument;
	load_try(unshare(CLONE_NEWNET), "unshare net");
}

static void set_each(const char *const (*settings)[2], size_t count)
{
	for (size_t i = 0; i < count; i++) {
		char path[256];

		snprintf(path, sizeof(path), "/proc/sys/net/%s", settings[i][0]);
		if (!access(path, F_OK))
			load_write(path, "%s", settings[i][1]);
	}
}

void load_interfaces(void)
{
	/* nothing here ends or decays by itself for hours, and nothing announces itself */
	static const char *const settings[][2] = {
		{ "ipv4/tcp_syn_retries", "127" },
		{ "ipv4/tcp_synack_retries", "255" },
		{ "ipv4/tcp_retries1", "255" },
		{ "ipv4/tcp_retries2", "255" },
		{ "ipv4/tcp_orphan_retries", "255" },
		{ "ipv4/tcp_fin_timeout", "86400" },
		{ "ipv4/tcp_syncookies", "0" },
		{ "ipv4/igmp_qrv", "1" },
		{ "ipv6/mld_qrv", "1" },
		{ "ipv4/conf/default/igmpv3_unsolicited_report_interval", "1" },
		{ "ipv6/conf/default/mldv2_unsolicited_report_interval", "1" },
		{ "ipv6/conf/default/router_solicitations", "0" },
		{ "ipv6/conf/default/accept_dad", "0" },
		{ "ipv6/conf/default/accept_ra", "0" },
		{ "ipv4/neigh/default/base_reachable_time_ms", "86400000" },
		{ "ipv6/neigh/default/base_reachable_time_ms", "86400000" },
		{ "ipv4/neigh/default/retrans_time_ms", "3600000" },
		{ "ipv4/neigh/default/mcast_solicit", "1000" },
		{ "ipv6/neigh/default/retrans_time_ms", "3600000" },
		{ "ipv6/neigh/default/mcast_solicit", "1000" },
		{ "ipv4/ping_group_range", "0 2147483647" },
	};
	FILE *f;

	set_each(settings, LOAD_COUNT(settings));
	load_peer = load_keep("namespace", "", "netns-holder");

	/* loading the module makes one, before the settings above */
	if (if_nametoindex("dummy0"))
		load_shell("ip link del dummy0");
	f = fopen("/run/scwatcher-ip.batch", "w");
	if (!f)
		return;
	fprintf(f,
		"link add veth0 type veth peer name veth1\n"
		"link add dummy0 type dummy\n"
		"link add name od\"d.name\\x type dummy\n"
		"link add fifteen-letters type dummy\n"
		"link add br0 type bridge\n"
		"link add link veth0 name veth0.10 type vlan id 10\n"
		"link set fifteen-letters master br0\n"
		"link set veth1 netns %d\n"
		"link set veth0 address 02:00:00:00:00:01\n"
		"link set dummy0 address 02:00:00:00:01:01\n"
		"link set veth0 up\nlink set dummy0 up\nlink set veth0.10 up mtu 1400\n"
		"link set fifteen-letters up\nlink set br0 up\n"
		"addr add 192.0.2.1/24 dev veth0\n"
		"addr add 192.0.2.200/32 dev veth0 label veth0:alias\n"
		"addr add 198.51.100.1/24 dev dummy0\n"
		"addr add 203.0.113.1 peer 203.0.113.2 dev dummy0\n"
		"addr add 10.1.2.3/8 dev veth0.10\n"
		"addr add 127.1.2.3/32 dev lo scope host\n"
		"addr add 2001:db8:1::1/64 dev veth0 nodad\n"
		"addr add 2001:db8:2::1/48 dev dummy0 nodad preferred_lft 0\n"
		"addr add 2001:db8:3::1/128 dev lo nodad\n"
		"addr add fe80::1234/64 dev dummy0 nodad\n"
		"route add default via 192.0.2.2 dev veth0 metric 100\n"
		"route add 10.20.0.0/16 via 192.0.2.2 metric 5\n"
		"route add 10.20.0.0/16 via 192.0.2.2 metric 7 mtu 1300 window 4096 rtt 300ms\n"
		"route add 10.30.0.0/16 nexthop via 192.0.2.2 weight 1 nexthop via 198.51.100.2 weight 3\n"
		"route add 10.40.0.0/24 dev dummy0 scope link advmss 1000\n"
		"route add 10.50.0.1/32 via 192.0.2.2 tos 0x10\n"
		"route add blackhole 10.60.0.0/16\n"
		"route add unreachable 10.61.0.0/16\n"
		"route add prohibit 10.62.0.0/16 metric 9\n"
		"route add throw 10.63.0.0/16\n"
		"route add 10.70.0.0/16 via 192.0.2.2 table 100\n"
		"rule add from 10.9.0.0/16 table 100\n"
		"route add ::/0 via 2001:db8:1::2 dev veth0 metric 512\n"
		"route add 2001:db8:20::/48 via 2001:db8:1::2 metric 30 mtu 1280\n"
		"route add 2001:db8:30::/48 nexthop via 2001:db8:1::2 nexthop via fe80::2 dev dummy0\n"
		"route add blackhole 2001:db8:60::/48\n"
		"route add unreachable 2001:db8:61::/48\n"
		"route add prohibit 2001:db8:62::/48\n"
		"route add 2001:db8:70::/48 from 2001:db8:1::/64 via 2001:db8:1::2\n"
		"neigh add 192.0.2.60 lladdr 02:00:00:00:00:60 dev veth0 nud permanent\n"
		"neigh add 192.0.2.61 lladdr 02:00:00:00:00:61 dev veth0 nud reachable\n"
		"neigh add 192.0.2.62 lladdr 02:00:00:00:00:62 dev veth0 nud stale\n"
		"neigh add 192.0.2.63 lladdr 02:00:00:00:00:63 dev veth0 nud noarp\n"
		"neigh add proxy 192.0.2.64 dev veth0\n"
		"neigh add 2001:db8:1::60 lladdr 02:00:00:00:00:60 dev veth0 nud permanent\n"
		"maddr add 33:33:00:00:00:99 dev veth0\n"
		"maddr add 01:00:5e:00:00:99 dev dummy0\n",
		load_peer);
	fclose(f);
	load_shell("ip -force -batch /run/scwatcher-ip.batch >/dev/null 2>>/run/scwatcher-load.notes");

	f = fopen("/run/scwatcher-ip.batch", "w");
	if (!f)
		return;
	fputs("link set lo up\nlink set veth1 address 02:00:00:00:00:02\nlink set veth1 up\n"
	      "addr add 192.0.2.2/24 dev veth1\naddr add 2001:db8:1::2/64 dev veth1 nodad\n"
	      "route add default via 192.0.2.1\nroute add ::/0 via 2001:db8:1::1\n", f);
	for (int i = 11; i < 20; i++)
		fprintf(f, "addr add 192.0.2.%d/24 dev veth1\naddr add 2001:db8:1::%d/64 dev veth1 nodad\n",
			i, i);
	fclose(f);
	load_shell("nsenter -t %d -n ip -force -batch /run/scwatcher-ip.batch "
		   ">/dev/null 2>>/run/scwatcher-load.notes", load_peer);
	unlink("/run/scwatcher-ip.batch");
	/* the peer's side takes part in states that must last, too */
	load_shell("nsenter -t %d -n sysctl -q -e -w net.ipv4.tcp_retries1=255 "
		   "net.ipv4.tcp_retries2=255 net.ipv4.tcp_fin_timeout=86400 "
		   "net.ipv4.tcp_syn_retries=127 >/dev/null", load_peer);
}

/* addresses and pairs */

struct address {
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	};
	socklen_t size;
};

static struct address address(const char *text, int port)
{
	struct address a = { 0 };

	if (strchr(text, ':')) {
		a.in6.sin6_family = AF_INET6;
		a.in6.sin6_port = htons(port);
		inet_pton(AF_INET6, text, &a.in6.sin6_addr);
		a.size = sizeof(a.in6);
	} else {
		a.in.sin_family = AF_INET;
		a.in.sin_port = htons(port);
		inet_pton(AF_INET, text, &a.in.sin_addr);
		a.size = sizeof(a.in);
	}
	return a;
}

static int tcp_socket(int family)
{
	return socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

static int listener(const char *text, int port, int backlog)
{
	struct address a = address(text, port);
	int fd = tcp_socket(a.sa.sa_family), on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
	if (bind(fd, &a.sa, a.size) || listen(fd, backlog))
		load_note("listen on %s port %d: %s", text, port, strerror(errno));
	return fd;
}

static int own_namespace = -1, peer_namespace = -1;

static void open_namespaces(const char *pid)
{
	char path[64];

	own_namespace = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	snprintf(path, sizeof(path), "/proc/%s/ns/net", pid);
	peer_namespace = load_try(open(path, O_RDONLY | O_CLOEXEC), path);
}

static int peer_listener(const char *text, int port, int backlog)
{
	int fd;

	load_try(setns(peer_namespace, CLONE_NEWNET), "setns");
	fd = listener(text, port, backlog);
	load_try(setns(own_namespace, CLONE_NEWNET), "setns back");
	return fd;
}

/* Descriptors of the far ends: given to another process once all is laid out. */
static int far_ends[256];
static size_t far_count;

static void far_end(int fd)
{
	if (far_count < LOAD_COUNT(far_ends))
		far_ends[far_count++] = fd;
}

/* A connection to a listener; *far gets the accepted end. */
static int connect_to(int listening, const char *text, int port, const char *from, int *far)
{
	struct address to = address(text, port);
	int fd = tcp_socket(to.sa.sa_family);

	if (from) {
		struct address a = address(from, 0);

		load_try(bind(fd, &a.sa, a.size), "bind a client");
	}
	load_try(connect(fd, &to.sa, to.size), "connect");
	if (far)
		*far = load_try(accept4(listening, NULL, NULL, SOCK_CLOEXEC), "accept");
	return fd;
}

static void blackhole(const char *text)
{
	load_shell("ip %s neigh replace %s lladdr 02:00:00:00:de:ad dev veth0 nud permanent",
		   strchr(text, ':') ? "-6" : "-4", text);
}

static void short_pause(void)
{
	struct timespec t = { 0, 20 * 1000 * 1000 };

	nanosleep(&t, NULL);
}

/* The states of a connection that can be reached by closing ends, over addresses of one family. */
static void closing_states(int base_port, const char *own, const char *const peers[7])
{
	int far, fd, listening[7];

	for (int i = 0; i < 7; i++)
		listening[i] = peer_listener(peers[i], base_port, 8);

	/* established, with data waiting to be read */
	fd = connect_to(listening[0], peers[0], base_port, NULL, &far);
	(void)!write(far, "waiting to be read", 18);
	far_end(far);
	/* close wait here, fin wait 2 there */
	connect_to(listening[0], peers[0], base_port, NULL, &far);
	shutdown(far, SHUT_WR);
	far_end(far);
	/* fin wait 2 here, close wait there */
	fd = connect_to(listening[0], peers[0], base_port, NULL, &far);
	shutdown(fd, SHUT_WR);
	far_end(far);
	/* fin wait 2, closed by its process: lasts as long as tcp_fin_timeout */
	fd = connect_to(listening[0], peers[0], base_port, own, &far);
	close(fd);
	far_end(far);
	/* fin wait 1: the FIN gets lost */
	fd = connect_to(listening[1], peers[1], base_port, NULL, &far);
	far_end(far);
	blackhole(peers[1]);
	(void)!write(fd, "lost", 4);
	shutdown(fd, SHUT_WR);
	/* the same, closed by its process */
	fd = connect_to(listening[2], peers[2], base_port, NULL, &far);
	far_end(far);
	blackhole(peers[2]);
	close(fd);
	/* closing: the other's FIN arrives, ours is lost */
	fd = connect_to(listening[3], peers[3], base_port, NULL, &far);
	far_end(far);
	blackhole(peers[3]);
	shutdown(fd, SHUT_WR);
	short_pause();
	shutdown(far, SHUT_WR);
	/* last ack: the other's FIN came first, ours is lost; one kept open, one closed */
	for (int i = 4; i < 6; i++) {
		fd = connect_to(listening[i], peers[i], base_port, NULL, &far);
		shutdown(far, SHUT_WR);
		far_end(far);
		short_pause();
		blackhole(peers[i]);
		if (i == 4)
			shutdown(fd, SHUT_WR);
		else
			close(fd);
	}
	/* established, unacknowledged data, retransmitting */
	fd = connect_to(listening[6], peers[6], base_port, NULL, &far);
	far_end(far);
	blackhole(peers[6]);
	(void)!write(fd, "never acknowledged", 18);
	for (int i = 0; i < 7; i++)
		far_end(listening[i]);
}

/* Sends until the other's window is shut: the sender then probes it. */
static void zero_window(const char *text, int port)
{
	static char block[65536];
	int far, listening = listener(text, port, 8), fd;

	fd = connect_to(listening, text, port, NULL, &far);
	fcntl(fd, F_SETFL, O_NONBLOCK);
	for (int i = 0; i < 200; i++)
		if (write(fd, block, sizeof(block)) < 0)
			short_pause();
	far_end(far);
}

static void keepalive(const char *text, int port)
{
	int far, on = 1, idle = 7200, listening = listener(text, port, 8);
	int fd = connect_to(listening, text, port, NULL, &far);

	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	far_end(far);
	close(listening);
}

/* A listener whose queue is full: what is beyond it stays in SYN_SENT. */
static void full_backlog(const char *text, int port)
{
	struct address a = address(text, port);

	listener(text, port, 2);
	for (int i = 0; i < 6; i++) {
		int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

		connect(fd, &a.sa, a.size);
	}
}

static void syn_sent(const char *text, int port)
{
	struct address a = address(text, port);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (!connect(fd, &a.sa, a.size) || errno != EINPROGRESS)
		load_note("connect to %s: %s", text, strerror(errno));
}

/* Sums 16-bit words in network order, as the Internet checksum does (RFC 1071). */
static uint32_t sum16(uint32_t sum, const void *data, size_t size)
{
	const unsigned char *at = data;

	for (size_t i = 0; i + 1 < size; i += 2)
		sum += at[i] << 8 | at[i + 1];
	return sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return ~sum;
}

static void put16(unsigned char *at, unsigned int value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/*
 * SYNs from addresses that are behind the dummy interface: our listener's answers get lost there,
 * and its half-open connections stay. Sent as frames from the peer's side.
 */
static void inject_syns(const char *from, const char *to, int port, int count)
{
	struct address source = address(from, 0), target = address(to, port);
	int v6 = target.sa.sa_family == AF_INET6;
	struct sockaddr_ll ll = { .sll_family = AF_PACKET, .sll_halen = 6,
				  .sll_addr = { 2, 0, 0, 0, 0, 1 },
				  .sll_protocol = htons(v6 ? ETH_P_IPV6 : ETH_P_IP) };
	int fd;

	load_try(setns(peer_namespace, CLONE_NEWNET), "setns");
	fd = socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	ll.sll_ifindex = if_nametoindex("veth1");
	for (int i = 0; i < count; i++) {
		unsigned char packet[60] = { 0 };
		unsigned char *tcp = packet + (v6 ? 40 : 20);
		size_t length = v6 ? 60 : 40;
		uint32_t sum;

		if (v6) {
			packet[0] = 0x60;
			put16(packet + 4, 20);
			packet[6] = IPPROTO_TCP;
			packet[7] = 64;
			memcpy(packet + 8, &source.in6.sin6_addr, 16);
			memcpy(packet + 24, &target.in6.sin6_addr, 16);
			sum = sum16(IPPROTO_TCP + 20, packet + 8, 32);
		} else {
			packet[0] = 0x45;
			put16(packet + 2, length);
			packet[8] = 64;
			packet[9] = IPPROTO_TCP;
			memcpy(packet + 12, &source.in.sin_addr, 4);
			memcpy(packet + 16, &target.in.sin_addr, 4);
			put16(packet + 10, fold(sum16(0, packet, 20)));
			sum = sum16(IPPROTO_TCP + 20, packet + 12, 8);
		}
		put16(tcp, 40000 + i);
		put16(tcp + 2, port);
		put16(tcp + 4, 1000 + i);
		tcp[12] = 5 << 4;
		tcp[13] = 0x02; /* SYN */
		put16(tcp + 14, 4096);
		put16(tcp + 16, fold(sum16(sum, tcp, 20)));
		load_try(sendto(fd, packet, length, 0, (struct sockaddr *)&ll, sizeof(ll)),
			 "send a SYN frame");
	}
	close(fd);
	load_try(setns(own_namespace, CLONE_NEWNET), "setns back");
}

static void set_option(int fd, int level, int option, int value, const char *what)
{
	load_try(setsockopt(fd, level, option, &value, sizeof(value)), what);
}

/* Another process keeps the far ends, and nothing else. */
static void give_far_ends_away(void)
{
	if (!load_fork()) {
		prctl(PR_SET_NAME, "tcp-far-ends");
		for (int fd = 3; fd < 1024; fd++) {
			size_t i;

			for (i = 0; i < far_count && far_ends[i] != fd; i++)
				;
			if (i == far_count)
				close(fd);
		}
		load_hold();
	}
	for (size_t i = 0; i < far_count; i++)
		close(far_ends[i]);
}

static void tcp_states(const char *argument)
{
	static const char *const peers4[] = { "192.0.2.2", "192.0.2.11", "192.0.2.12", "192.0.2.13",
					      "192.0.2.14", "192.0.2.15", "192.0.2.16" };
	static const char *const peers6[] = { "2001:db8:1::2", "2001:db8:1::11", "2001:db8:1::12",
					      "2001:db8:1::13", "2001:db8:1::14", "2001:db8:1::15",
					      "2001:db8:1::16" };
	struct address bound;
	int fd, far, listening;

	open_namespaces(argument);
	listener("0.0.0.0", 22, 128);
	listener("0.0.0.0", 22, 64); /* SO_REUSEPORT */
	listener("127.0.0.1", 5432, 5);
	listener("::", 80, 511);
	fd = tcp_socket(AF_INET6);
	set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1, "v6only");
	load_try(bind(fd, &(struct address){ .in6 = { .sin6_family = AF_INET6,
						      .sin6_port = htons(443) } }.sa,
		      sizeof(struct sockaddr_in6)), "bind v6only");
	load_try(listen(fd, 10), "listen v6only");
	fd = listener("198.51.100.1", 8443, 3);
	set_option(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, 30, "defer accept");
	fd = listener("2001:db8:1::1", 8443, 3);
	set_option(fd, IPPROTO_TCP, TCP_FASTOPEN, 16, "fast open");
	/* bound but not listening: in no list */
	fd = tcp_socket(AF_INET);
	bound = address("127.0.0.1", 9);
	load_try(bind(fd, &bound.sa, bound.size), "bind");
	tcp_socket(AF_INET);

	/* established here, both ends; data in both queues; v4 mapped into v6 */
	listening = listener("127.0.0.1", 7000, 16);
	fd = connect_to(listening, "127.0.0.1", 7000, NULL, &far);
	(void)!write(fd, "12345", 5);
	(void)!write(far, "1234567", 7);
	far_end(far);
	listening = listener("::1", 7000, 16);
	connect_to(listening, "::1", 7000, NULL, &far);
	far_end(far);
	listening = listener("::", 7001, 16);
	connect_to(listening, "::ffff:127.0.0.1", 7001, NULL, &far);
	far_end(far);
	connect_to(listening, "127.0.0.1", 7001, "127.1.2.3", &far);
	far_end(far);
	/* data out of band and a bound device */
	fd = connect_to(listening, "::1", 7001, NULL, &far);
	send(fd, "!", 1, MSG_OOB);
	far_end(far);

	closing_states(6000, "192.0.2.1", peers4);
	closing_states(6000, "2001:db8:1::1", peers6);
	zero_window("127.0.0.1", 7002);
	zero_window("::1", 7002);
	keepalive("127.0.0.1", 7003);
	keepalive("::1", 7003);
	full_backlog("127.0.0.1", 7004);
	full_backlog("::1", 7004);
	syn_sent("198.51.100.99", 81);
	syn_sent("2001:db8:2::99", 81);
	listener("192.0.2.1", 7005, 16);
	listener("2001:db8:1::1", 7005, 16);
	inject_syns("198.51.100.77", "192.0.2.1", 7005, 3);
	inject_syns("2001:db8:2::77", "2001:db8:1::1", 7005, 3);

	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_MPTCP);
	if (fd >= 0) {
		struct address a = address("127.0.0.1", 7006);

		load_try(bind(fd, &a.sa, a.size), "mptcp bind");
		load_try(listen(fd, 4), "mptcp listen");
	}
	close(own_namespace);
	close(peer_namespace);
	give_far_ends_away();
}

/*
 * TIME_WAIT lasts 60 s, whatever one sets: made anew in time. SIGUSR1 asks for it at once and moves
 * the next round away, so that a reader can have a quiet minute.
 */
static void make_time_wait(const char *text, int port)
{
	int far, listening = listener(text, port, 8);
	int fd = connect_to(listening, text, port, NULL, &far);

	close(fd);
	short_pause();
	close(far);
	close(listening);
}

static void time_wait(const char *argument)
{
	struct timespec period = { 25, 0 };
	int ready = 0;
	sigset_t set;

	(void)argument;
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	for (;;) {
		make_time_wait("127.0.0.1", 7010);
		make_time_wait("::1", 7010);
		make_time_wait("192.0.2.1", 7011);
		make_time_wait("::ffff:192.0.2.1", 7012);
		if (!ready++)
			load_ready();
		while (sigtimedwait(&set, NULL, &period) < 0 && errno == EINTR)
			;
	}
}

const struct load_role load_tcp_roles[] = {
	{ "namespace", hold_namespace },
	{ "tcp-states", tcp_states },
	{ "time-wait", time_wait },
	{ NULL, NULL },
};

void load_tcp(void)
{
	char pid[16];

	snprintf(pid, sizeof(pid), "%d", load_peer);
	load_keep("tcp-states", pid, "tcp-states");
	load_keep("time-wait", "", "time-wait");
}

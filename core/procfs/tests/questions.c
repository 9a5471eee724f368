// SPDX-License-Identifier: MIT
/* See questions.h. */
#include "questions.h"

#include <errno.h>
#include <net/if.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "vfs/calls.h"
#include "vfs/netlink.h"

enum {
	/* include/uapi/linux/netlink.h, rtnetlink.h */
	ERROR = 2,
	DONE = 3,
	GETLINK = 18,
	NEWLINK = 16,
	NEWADDR = 20,
	NEWROUTE = 24,
	NEWNEIGH = 28,
	NEWRULE = 32,
	KINDS = 5, /* of questions, four numbers from each to the next */
	DUMP = 0x301,
	ONE = 1,
	LINK_NAME = 3,
	LINK_INFO = 18,
	ADDRESS_LABEL = 3,
	ROUTE_METRICS = 8,
	ROUTE_MULTIPATH = 9,
	WAY_HEAD = 8,
	ADDRESS_SIZE = 32, /* the longest of a device's */
	/* include/uapi/linux/sock_diag.h, inet_diag.h, unix_diag.h */
	SOCKETS_OLD = 18,
	SOCKETS = 20,
	TCP_CONG = 4,
	TCP_ULP = 19,
	UNIX_NAME = 0,
	UNIX_NAME_SIZE = 126,
	PACKET_MEMBERS = 1,
	MEMBER_SIZE = 44, /* index, count, type, size, address */
	REQUEST_MAX = 60,

	PORT = 77,
	INTERFACES = 40,
	DATAGRAM_MAX = 1 << 17,
};

struct message {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
};

#define EXPECT(condition)                                                        \
	do {                                                                     \
		if (!(condition)) {                                              \
			fprintf(stderr, "questions:%d: %s\n", __LINE__, #condition); \
			abort();                                                 \
		}                                                                \
	} while (0)

/* ---- netlink ---- */

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

static void check_attributes(const uint8_t *p, size_t size, int of);

/* Each of the ways of a route, with attributes of its own. */
static void check_ways(const uint8_t *p, size_t size)
{
	while (size) {
		uint16_t len;

		EXPECT(size >= WAY_HEAD);
		memcpy(&len, p, sizeof(len));
		EXPECT(len >= WAY_HEAD && len <= size);
		check_attributes(p + WAY_HEAD, len - WAY_HEAD, NEWROUTE);
		p += len;
		size -= len;
	}
}

/* Addresses that a packet socket listens to. */
static void check_members(const uint8_t *p, size_t size)
{
	for (; size; p += MEMBER_SIZE, size -= MEMBER_SIZE) {
		uint16_t length;

		EXPECT(size >= MEMBER_SIZE);
		memcpy(&length, p + 10, sizeof(length));
		EXPECT(length <= ADDRESS_SIZE);
	}
}

/* Of a message of that type; 0: within another one; less than 0: of sockets of that family. They end where what they are in does. */
static void check_attributes(const uint8_t *p, size_t size, int of)
{
	while (size) {
		uint16_t h[2];

		EXPECT(size >= sizeof(h));
		memcpy(h, p, sizeof(h));
		EXPECT(h[0] >= sizeof(h) && aligned(h[0]) <= size);
		if (of == NEWROUTE && h[1] == ROUTE_MULTIPATH)
			check_ways(p + sizeof(h), h[0] - sizeof(h));
		else if ((of == NEWROUTE && h[1] == ROUTE_METRICS) || (of == NEWLINK && h[1] == LINK_INFO))
			check_attributes(p + sizeof(h), h[0] - sizeof(h), 0);
		else if ((of == NEWLINK && h[1] == LINK_NAME) || (of == NEWADDR && h[1] == ADDRESS_LABEL))
			EXPECT(h[0] - sizeof(h) <= IFNAMSIZ && !p[h[0] - 1]);
		else if ((of == -2 || of == -10) && h[1] == TCP_CONG)
			EXPECT(h[0] - sizeof(h) <= IFNAMSIZ && !p[h[0] - 1]);
		else if ((of == -2 || of == -10) && h[1] == TCP_ULP)
			check_attributes(p + sizeof(h), h[0] - sizeof(h), 0);
		else if (of == -17 && h[1] == PACKET_MEMBERS)
			check_members(p + sizeof(h), h[0] - sizeof(h));
		else if (of == -1 && h[1] == UNIX_NAME)
			EXPECT(h[0] - sizeof(h) <= UNIX_NAME_SIZE);
		p += aligned(h[0]);
		size -= aligned(h[0]);
	}
}

static size_t head_of(int type)
{
	switch (type) {
	case -2:
	case -10:
		return 72;
	case -1:
	case -17:
		return 16;
	case -16:
		return 28;
	case NEWLINK:
		return 16;
	case NEWADDR:
		return 8;
	default:
		EXPECT(type == NEWROUTE || type == NEWNEIGH || type == NEWRULE);
		return 12;
	}
}

static void check_datagram(const uint8_t *p, size_t size, bool sockets)
{
	while (size) {
		struct message m;

		EXPECT(size >= sizeof(m));
		memcpy(&m, p, sizeof(m));
		EXPECT(m.len >= sizeof(m) && aligned(m.len) <= size && m.port == PORT);
		if (m.type != ERROR && m.type != DONE) {
			int of = sockets ? -p[sizeof(m)] : m.type;

			EXPECT(m.len - sizeof(m) >= head_of(of));
			check_attributes(p + sizeof(m) + head_of(of), m.len - sizeof(m) - head_of(of), of);
		}
		p += aligned(m.len);
		size -= aligned(m.len);
	}
}

static void ask_netlink(struct vfs *v, struct vfs_netlink_socket *s, unsigned int type, unsigned int flags,
			const uint8_t *body, size_t size)
{
	static uint8_t answer[DATAGRAM_MAX];
	struct message head = { .len = (uint32_t)(sizeof(head) + size), .type = (uint16_t)type,
				.flags = (uint16_t)flags };
	struct iovec iov[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, size } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };
	long r = vfs_netlink_send(s, v, PORT, &msg);

	EXPECT(r < 0 || r == head.len);
	iov[0] = (struct iovec){ answer, sizeof(answer) };
	for (;;) {
		msg = (struct msghdr){ .msg_iov = iov, .msg_iovlen = 1 };
		r = vfs_netlink_receive(s, v, &msg, 0);
		if (r == -ECONNREFUSED)
			return;
		if (r < 0 && s->protocol == VFS_NETLINK_SOCKETS)
			continue; /* a further portion couldn't be made: the end */
		EXPECT(r > 0 && !msg.msg_flags);
		check_datagram(answer, (size_t)r, s->protocol == VFS_NETLINK_SOCKETS);
	}
}

static void ask_by_netlink(struct vfs *v, struct base_alloc *alloc)
{
	static const uint8_t families[] = { 0, 2, 10 };
	struct vfs_netlink_socket s;
	uint8_t body[16] = { 0 };

	vfs_netlink_init(&s, alloc, VFS_NETLINK_ROUTES);
	for (unsigned int kind = 0; kind < KINDS; kind++)
		for (size_t i = 0; i < sizeof(families); i++) {
			body[0] = families[i];
			ask_netlink(v, &s, GETLINK + 4 * kind, DUMP, body, sizeof(body));
		}
	body[4] = 1; /* the device with this number */
	ask_netlink(v, &s, GETLINK, ONE, body, sizeof(body));
	vfs_netlink_deinit(&s);
}

/* All that sockets can be asked, of all of them, and of one that is likely to be there. */
static void ask_for_sockets(struct vfs *v, struct base_alloc *alloc)
{
	static const uint8_t kinds[][2] = {
		{ 2, 6 }, { 2, 17 }, { 2, 136 }, { 2, 255 }, { 10, 6 }, { 10, 17 }, { 10, 255 }, { 1, 0 }, { 17, 0 },
		{ 16, 255 }, { 0, 6 },
	};
	struct vfs_netlink_socket s;
	uint8_t body[REQUEST_MAX];

	vfs_netlink_init(&s, alloc, VFS_NETLINK_SOCKETS);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(body, 0xff, sizeof(body));
		memcpy(body, kinds[i], 2);
		if (kinds[i][0] == 2 || kinds[i][0] == 10)
			memset(body + 8, 0, 44); /* any ports, addresses and device; the cookie stays */
		ask_netlink(v, &s, SOCKETS, DUMP, body, sizeof(body) - 4);
		body[8] = kinds[i][0] == 1 ? 1 : 0;
		ask_netlink(v, &s, SOCKETS, ONE, body, sizeof(body) - 4);
	}
	ask_netlink(v, &s, SOCKETS_OLD, DUMP, body, sizeof(body));
	vfs_netlink_deinit(&s);
}

/* ---- ioctl() ---- */

static void ask_about(struct vfs *v, const struct vfs_interface *i)
{
	struct ifreq req = { .ifr_ifindex = i->index };

	(void)!vfs_interface_request(v, SIOCGIFNAME, &req);
	for (uint64_t request = SIOCGIFFLAGS; request <= SIOCGIFINDEX; request++) {
		memcpy(req.ifr_name, i->name, sizeof(i->name));
		(void)!vfs_interface_request(v, request, &req);
		EXPECT(memchr(req.ifr_name, '\0', sizeof(req.ifr_name)));
	}
}

static void ask_by_ioctl(struct vfs *v)
{
	static struct ifreq list[INTERFACES];
	struct vfs_interface i;
	long size = vfs_interface_list(v, list, sizeof(list));

	EXPECT(size <= (long)sizeof(list) && (size < 0 || size % (long)sizeof(list[0]) == 0));
	for (long n = 0; n < size / (long)sizeof(list[0]); n++)
		EXPECT(memchr(list[n].ifr_name, '\0', sizeof(list[n].ifr_name)));
	for (uint32_t nth = 0; nth < INTERFACES && !vfs_interface(v, NULL, nth, &i); nth++) {
		EXPECT(memchr(i.name, '\0', sizeof(i.name)) && i.hardware_size <= ADDRESS_SIZE);
		if (nth < 3)
			ask_about(v, &i);
	}
}

/* ---- processes and the machine ---- */

static void ask_of_processes(struct vfs *v)
{
	struct vfs_numbers numbers;
	struct vfs_tasks tasks;
	static struct vfs_task t;

	for (int tid = 1; tid <= 3; tid++) {
		if (!vfs_task(v, tid, &t))
			EXPECT(t.cpus <= VFS_CPUS_MAX && t.cpus % 64 == 0 && t.nice >= -20 && t.nice <= 19);
		(void)!vfs_task_exists(v, 1, tid);
	}
	(void)!vfs_tasks(v, VFS_TASKS_OF_ALL, 0, &tasks);
	(void)!vfs_tasks(v, VFS_TASKS_OF_GROUP, 1, &tasks);
	if (!vfs_tasks(v, VFS_TASKS_OF_USER, 0, &tasks))
		EXPECT(tasks.nice >= -20 && tasks.nice <= 19);
	if (!vfs_numbers(v, 0, &numbers))
		(void)!vfs_numbers(v, numbers.next, &numbers);
}

void questions_ask(struct vfs *v, struct base_alloc *alloc)
{
	struct vfs_machine m;
	uint64_t device;

	ask_of_processes(v);
	if (!vfs_machine(v, &m))
		EXPECT(memchr(m.nodename, '\0', sizeof(m.nodename)) && memchr(m.release, '\0', sizeof(m.release)));
	(void)!vfs_socket_device(v, &device);
	ask_by_ioctl(v);
	ask_by_netlink(v, alloc);
	ask_for_sockets(v, alloc);
}

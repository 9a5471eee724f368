// SPDX-License-Identifier: MIT
/*
 * Network devices, addresses and routes, as programs ask about them beside /proc/net: ioctl() on sockets, netlink,
 * and the C library's functions on top of these. All that is asked is answered for the guest.
 */
#include "state.h"

#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netpacket/packet.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "vfs/calls.h"
#include "vfs/netlink.h"

/* include/uapi/linux/{netlink,rtnetlink,if_link,if_addr}.h, which musl doesn't bring */
enum {
	NETLINK_OF_NOBODY = 2, /* NETLINK_USERSOCK: no kernel at the other end */
	SOCK_OF_PACKETS = 10, /* SOCK_PACKET, the old way */
	NEWLINK = 16,
	GETLINK = 18,
	NEWADDR = 20,
	GETADDR = 22,
	LINK_ADDRESS = 1,
	LINK_BROADCAST,
	LINK_NAME,
	LINK_STATS = 7,
	ADDR_ADDRESS = 1,
	ADDR_LOCAL,
	ADDR_LABEL,
	ADDR_BROADCAST,
};
struct netlink_address {
	uint16_t family, pad;
	uint32_t port, groups;
};
struct message {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
};
struct attribute {
	uint16_t len, type;
};
struct link {
	uint8_t family, pad;
	uint16_t type;
	int32_t index;
	uint32_t flags, change;
};
struct address {
	uint8_t family, prefix, flags, scope;
	uint32_t index;
};

enum {
	SOCKETS_MAX = 16, /* that have been asked something; the oldest one's answer is forgotten */
	ANSWERS_MAX = 128 << 20,
};

/* ---- netlink ---- */

/*
 * What the kernel tells of sockets, devices and routes by netlink would be this host's. Such a socket is one of a
 * protocol that no kernel answers, and questions never get there.
 */
struct asked {
	ino_t inode; /* of the socket, which stays the same when it is duplicated; 0: free */
	struct vfs_netlink_socket s;
};
static struct asked asked[SOCKETS_MAX];
static unsigned int asked_next;
bool door_net_asked;
static struct base_alloc asked_alloc;

static ino_t inode_of(int fd)
{
	struct stat st;
	int saved = errno;

	if (REAL(fstat)(fd, &st) || !S_ISSOCK(st.st_mode))
		st.st_ino = 0;
	errno = saved;
	return st.st_ino;
}

static void remember(int fd, int protocol)
{
	if (!door_lock())
		return;
	if (!door_net_asked)
		base_alloc_init(&asked_alloc, ANSWERS_MAX);
	struct asked *a = &asked[asked_next++ % SOCKETS_MAX];
	if (a->inode)
		vfs_netlink_deinit(&a->s);
	vfs_netlink_init(&a->s, &asked_alloc, protocol);
	a->inode = inode_of(fd);
	__atomic_store_n(&door_net_asked, true, __ATOMIC_RELEASE);
	door_unlock();
}

/*
 * Other ways to ask the kernel, or to hear what it receives: netlink of any other family (firewall, connection tracking, audit, I/O of
 * tasks ...), packets of the devices whose names and numbers the guest has, raw sockets (by which firewalls are asked, too). 0: none of
 * these. Else what a kernel says that lacks it.
 */
static int refused(int domain, int type, int protocol)
{
	int kind = type & ~(SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (domain == AF_PACKET || (domain == AF_INET && kind == SOCK_OF_PACKETS))
		return EAFNOSUPPORT;
	if (domain == AF_NETLINK)
		return vfs_netlink_answers(protocol) || protocol == NETLINK_OF_NOBODY ? 0 : EPROTONOSUPPORT;
	return (domain == AF_INET || domain == AF_INET6) && kind == SOCK_RAW ? EPROTONOSUPPORT : 0;
}

DOOR_API int scw_socket(int domain, int type, int protocol)
{
	int error = door_is_host() ? 0 : refused(domain, type, protocol);

	if (error) {
		errno = error;
		return -1;
	}
	if (domain != AF_NETLINK || !vfs_netlink_answers(protocol) || door_is_host())
		return REAL(socket)(domain, type, protocol);

	int fd = REAL(socket)(domain, type, NETLINK_OF_NOBODY);

	if (fd >= 0)
		remember(fd, protocol);
	return fd;
}

/* One of those sockets: with the lock held. NULL: none, or errno is EAGAIN. */
static struct vfs_netlink_socket *take_asked(int fd)
{
	ino_t inode;

	if (!door_net_maybe() || door_is_host())
		return NULL;
	inode = inode_of(fd);
	if (!inode || !door_lock())
		return NULL;
	for (int i = 0; i < SOCKETS_MAX; i++) {
		if (asked[i].inode == inode)
			return &asked[i].s;
	}
	door_unlock();
	return NULL;
}

static long ask(struct vfs_netlink_socket *s, int fd, const struct msghdr *msg)
{
	struct netlink_address own = { .family = AF_NETLINK };
	socklen_t size = sizeof(own);

	(void)getsockname(fd, (struct sockaddr *)&own, &size);
	return vfs_netlink_send(s, door_vfs(), own.port, msg);
}

DOOR_API ssize_t scw_sendmsg(int fd, const struct msghdr *msg, int flags)
{
	struct vfs_netlink_socket *s = take_asked(fd);

	return s ? door_done(ask(s, fd, msg)) : REAL(sendmsg)(fd, msg, flags);
}

DOOR_API ssize_t scw_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to,
			    socklen_t to_size)
{
	struct vfs_netlink_socket *s = take_asked(fd);
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	if (!s)
		return REAL(sendto)(fd, data, size, flags, to, to_size);
	return door_done(ask(s, fd, &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 }));
}

DOOR_API ssize_t scw_send(int fd, const void *data, size_t size, int flags);
ssize_t scw_send(int fd, const void *data, size_t size, int flags)
{
	return scw_sendto(fd, data, size, flags, NULL, 0);
}

DOOR_API ssize_t scw_write(int fd, const void *data, size_t size);
ssize_t scw_write(int fd, const void *data, size_t size)
{
	struct vfs_netlink_socket *s = take_asked(fd);
	struct iovec iov = { .iov_base = (void *)(uintptr_t)data, .iov_len = size };

	if (!s)
		return REAL(write)(fd, data, size);
	return door_done(ask(s, fd, &(struct msghdr){ .msg_iov = &iov, .msg_iovlen = 1 }));
}

DOOR_API ssize_t scw_recvmsg(int fd, struct msghdr *msg, int flags)
{
	struct vfs_netlink_socket *s = take_asked(fd);

	return s ? door_done(vfs_netlink_receive(s, door_vfs(), msg, flags)) : REAL(recvmsg)(fd, msg, flags);
}

DOOR_API ssize_t scw_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from, socklen_t *from_size)
{
	struct vfs_netlink_socket *s = take_asked(fd);
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
	long r;

	if (!s)
		return flags == DOOR_AS_READ ? REAL(read)(fd, buf, size) :
					       REAL(recvfrom)(fd, buf, size, flags, from, from_size);
	if (from && from_size) {
		msg.msg_name = from;
		msg.msg_namelen = *from_size;
	}
	r = vfs_netlink_receive(s, door_vfs(), &msg, flags);
	if (r >= 0 && from && from_size)
		*from_size = msg.msg_namelen;
	return door_done(r);
}

DOOR_API ssize_t scw_recv(int fd, void *buf, size_t size, int flags);
ssize_t scw_recv(int fd, void *buf, size_t size, int flags)
{
	return scw_recvfrom(fd, buf, size, flags, NULL, NULL);
}

#ifdef __GLIBC__
DOOR_API ssize_t scw___recv_chk(int fd, void *buf, size_t size, size_t room, int flags);
ssize_t scw___recv_chk(int fd, void *buf, size_t size, size_t room, int flags)
{
	if (size > room)
		__chk_fail();
	return scw_recvfrom(fd, buf, size, flags, NULL, NULL);
}

DOOR_API ssize_t scw___recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *from,
				    socklen_t *from_size);
ssize_t scw___recvfrom_chk(int fd, void *buf, size_t size, size_t room, int flags, struct sockaddr *from,
			   socklen_t *from_size)
{
	if (size > room)
		__chk_fail();
	return scw_recvfrom(fd, buf, size, flags, from, from_size);
}
#endif

/* ---- ioctl() ---- */

static int ask_interfaces(unsigned int request, void *data)
{
	struct vfs *v = door_vfs_take();
	struct ifconf *list = data;
	long r;

	if (!v)
		return -errno;
	if (request == SIOCGIFCONF) {
		r = vfs_interface_list(v, list->ifc_buf, list->ifc_len > 0 ? (size_t)list->ifc_len : 0);
		if (r >= 0)
			list->ifc_len = (int)r;
	} else {
		r = vfs_interface_request(v, request, data);
	}
	door_unlock();
	return r < 0 ? (int)r : 0;
}

static int fail(int error)
{
	errno = -error;
	return -1;
}

/* The guest's, whatever socket it is asked by; a request's number has 32 bits. */
DOOR_API int scw_ioctl(int fd, unsigned long request, ...)
{
	socklen_t size = sizeof(int);
	va_list ap;
	int type, r;

	va_start(ap, request);
	void *data = va_arg(ap, void *);
	va_end(ap);
	if (!vfs_is_interface_request((unsigned int)request) || !data || door_is_host() ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size))
		return REAL(ioctl)(fd, request, data);
	r = ask_interfaces((unsigned int)request, data);
	if (r == -ENOSYS)
		return REAL(ioctl)(fd, request, data);
	return r ? fail(r) : 0;
}

/* ---- the C library's functions, which ask by sockets of their own ---- */

DOOR_API unsigned int scw_if_nametoindex(const char *name);
unsigned int scw_if_nametoindex(const char *name)
{
	struct ifreq req = { 0 };
	int r;

	if (door_is_host())
		return REAL(if_nametoindex)(name);
	if (strlen(name) >= sizeof(req.ifr_name)) {
		errno = ENODEV;
		return 0;
	}
	strcpy(req.ifr_name, name);
	r = ask_interfaces(SIOCGIFINDEX, &req);
	if (!r)
		return (unsigned int)req.ifr_ifindex;
	errno = -r;
	return 0;
}

DOOR_API char *scw_if_indextoname(unsigned int index, char *name);
char *scw_if_indextoname(unsigned int index, char *name)
{
	struct ifreq req = { .ifr_ifindex = (int)index };
	int r;

	if (door_is_host())
		return REAL(if_indextoname)(index, name);
	r = ask_interfaces(SIOCGIFNAME, &req);
	if (!r)
		return memcpy(name, req.ifr_name, IF_NAMESIZE);
	errno = r == -ENODEV ? ENXIO : -r;
	return NULL;
}

/* What the guest answers to a question for all of a kind: messages in m->buf, to be freed with it. */
static int dump(unsigned int type, struct seq_file *m)
{
	static const uint8_t body[16]; /* of any family */
	struct vfs_netlink_question q = { .type = (uint16_t)type, .dump = true, .body = body, .size = sizeof(body) };
	struct vfs *v = door_vfs_take();
	int r;

	if (!v)
		return -errno;
	r = vfs_netlink(v, &q, m);
	door_unlock();
	return r;
}

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

/* A message of `type` behind `h` (NULL: the first), or NULL. */
static const struct message *next_message(const struct seq_file *m, const struct message *h, unsigned int type)
{
	size_t at = h ? (size_t)((const char *)h - m->buf) + aligned(h->len) : 0;

	for (; at <= m->count && m->count - at >= sizeof(*h); at += aligned(h->len)) {
		h = (const void *)(m->buf + at);
		if (h->len < sizeof(*h) || h->len > m->count - at)
			break;
		if (h->type == type)
			return h;
	}
	return NULL;
}

static const void *body_of(const struct message *h)
{
	return h + 1;
}

/* Its attribute `type` behind `head` bytes of record; NULL: none of at least `size` bytes. */
static const void *attribute(const struct message *h, size_t head, unsigned int type, size_t size)
{
	size_t at = sizeof(*h) + head;

	while (at <= h->len && h->len - at >= sizeof(struct attribute)) {
		const struct attribute *a = (const void *)((const char *)h + at);

		if (a->len < sizeof(*a) || a->len > h->len - at)
			break;
		if (a->type == type && a->len - sizeof(*a) >= size)
			return a + 1;
		at += aligned(a->len);
	}
	return NULL;
}

static size_t size_of(const void *a)
{
	return a ? ((const struct attribute *)a - 1)->len - sizeof(struct attribute) : 0;
}

/* One piece of memory: the entries, then the names. */
DOOR_API struct if_nameindex *scw_if_nameindex(void);
struct if_nameindex *scw_if_nameindex(void)
{
	const struct message *h = NULL;
	struct if_nameindex *ret = NULL;
	struct base_alloc alloc;
	struct seq_file m;
	size_t count = 0, i = 0;
	int r;

	if (door_is_host())
		return REAL(if_nameindex)();
	base_alloc_init(&alloc, ANSWERS_MAX);
	seq_init(&m, &alloc, ANSWERS_MAX);
	r = dump(GETLINK, &m);
	while (!r && (h = next_message(&m, h, NEWLINK)))
		count++;
	if (!r)
		ret = calloc(1, (count + 1) * sizeof(*ret) + count * IF_NAMESIZE);
	while (ret && i < count && (h = next_message(&m, h, NEWLINK))) {
		const struct link *info = body_of(h);
		const char *name = attribute(h, sizeof(*info), LINK_NAME, 1);

		ret[i].if_index = (unsigned int)info->index;
		ret[i].if_name = (char *)(ret + count + 1) + i * IF_NAMESIZE;
		if (name)
			strncpy(ret[i].if_name, name, IF_NAMESIZE - 1);
		i++;
	}
	seq_deinit(&m);
	if (!ret)
		errno = r ? -r : ENOMEM;
	return ret;
}

DOOR_API void scw_if_freenameindex(struct if_nameindex *list);
void scw_if_freenameindex(struct if_nameindex *list)
{
	if (door_is_host())
		REAL(if_freenameindex)(list);
	else
		free(list);
}

/* An entry of getifaddrs() with all that it points to. */
struct entry {
	struct ifaddrs a;
	char name[IF_NAMESIZE];
	union any {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
		struct sockaddr_ll ll;
		char room[sizeof(struct sockaddr_ll) + 32]; /* longer addresses of devices, too */
	} address, mask, other;
	uint32_t counters[24]; /* struct rtnl_link_stats */
};

static void set_address(union any *u, unsigned int family, const void *bytes, unsigned int index)
{
	u->sa.sa_family = (sa_family_t)family;
	if (family == AF_INET) {
		memcpy(&u->in.sin_addr, bytes, 4);
		return;
	}
	memcpy(&u->in6.sin6_addr, bytes, 16);
	if (IN6_IS_ADDR_LINKLOCAL(&u->in6.sin6_addr) || IN6_IS_ADDR_MC_LINKLOCAL(&u->in6.sin6_addr))
		u->in6.sin6_scope_id = index;
}

static void set_hardware(union any *u, const struct link *info, const struct message *h, unsigned int type)
{
	const uint8_t *bytes = attribute(h, sizeof(*info), type, 0);
	size_t size = size_of(bytes);

	u->ll = (struct sockaddr_ll){ .sll_family = AF_PACKET, .sll_ifindex = info->index,
				      .sll_hatype = info->type };
	if (size && size <= sizeof(u->room) - sizeof(u->ll)) {
		u->ll.sll_halen = (unsigned char)size;
		memcpy(u->room + offsetof(struct sockaddr_ll, sll_addr), bytes, size);
	}
}

static void fill_link(struct entry *e, const struct message *h)
{
	const struct link *info = body_of(h);
	const char *name = attribute(h, sizeof(*info), LINK_NAME, 1);
	const void *counters = attribute(h, sizeof(*info), LINK_STATS, 1);

	if (name)
		strncpy(e->name, name, IF_NAMESIZE - 1);
	e->a.ifa_flags = info->flags;
	set_hardware(&e->address, info, h, LINK_ADDRESS);
	set_hardware(&e->other, info, h, LINK_BROADCAST);
	e->a.ifa_addr = &e->address.sa;
	e->a.ifa_broadaddr = &e->other.sa;
	if (counters) {
		size_t size = size_of(counters);

		memcpy(e->counters, counters, size < sizeof(e->counters) ? size : sizeof(e->counters));
		e->a.ifa_data = e->counters;
	}
}

/* Devices by their numbers: a guest may have as many of them, and of addresses, as an answer holds. */
struct links {
	const struct entry **at;
	size_t count;
};

static int index_of(const struct entry *e)
{
	return e->address.ll.sll_ifindex;
}

static int by_index(const void *a, const void *b)
{
	int x = index_of(*(const struct entry *const *)a), y = index_of(*(const struct entry *const *)b);

	return (x > y) - (x < y);
}

static bool sort_links(const struct ifaddrs *list, struct links *ret)
{
	size_t count = 0;

	for (const struct ifaddrs *a = list; a; a = a->ifa_next)
		count++;
	ret->at = malloc((count + 1) * sizeof(const struct entry *));
	if (!ret->at)
		return false;
	for (; list; list = list->ifa_next)
		ret->at[ret->count++] = (const void *)list;
	qsort(ret->at, count, sizeof(const struct entry *), by_index);
	return true;
}

static const struct entry *find_link(const struct links *l, int index)
{
	const struct entry key = { .address.ll.sll_ifindex = index }, *k = &key;
	const struct entry **found = bsearch(&k, l->at, l->count, sizeof(const struct entry *), by_index);

	return found ? *found : NULL;
}

static void fill_address(struct entry *e, const struct message *h, const struct links *links)
{
	const struct address *info = body_of(h);
	size_t size = info->family == AF_INET ? 4 : 16;
	const void *local = attribute(h, sizeof(*info), ADDR_LOCAL, size);
	const void *address = attribute(h, sizeof(*info), ADDR_ADDRESS, size);
	const void *broadcast = attribute(h, sizeof(*info), ADDR_BROADCAST, size);
	const char *label = attribute(h, sizeof(*info), ADDR_LABEL, 1);
	const struct entry *link = find_link(links, (int)info->index);
	uint8_t mask[16] = { 0 };

	if (link) {
		e->a.ifa_flags = link->a.ifa_flags;
		label = label ? label : link->name;
	}
	if (label)
		memcpy(e->name, label, strnlen(label, IF_NAMESIZE - 1));
	for (size_t i = 0; i < size && i * 8 < info->prefix; i++)
		mask[i] = info->prefix >= 8 * i + 8 ? 255 : (uint8_t)(0xff00 >> (info->prefix - 8 * i));
	set_address(&e->mask, info->family, mask, 0);
	e->a.ifa_netmask = &e->mask.sa;
	if (local || address) {
		set_address(&e->address, info->family, local ? local : address, info->index);
		e->a.ifa_addr = &e->address.sa;
	}
	if (broadcast || (local && address)) {
		set_address(&e->other, info->family, broadcast ? broadcast : address, info->index);
		e->a.ifa_broadaddr = &e->other.sa;
	}
}

static void free_entries(struct ifaddrs *list)
{
	while (list) {
		struct ifaddrs *next = list->ifa_next;

		free(list);
		list = next;
	}
}

DOOR_API int scw_getifaddrs(struct ifaddrs **ret);
int scw_getifaddrs(struct ifaddrs **ret)
{
	static const struct {
		unsigned int ask, answer;
	} kinds[] = { { GETLINK, NEWLINK }, { GETADDR, NEWADDR } };
	struct ifaddrs *list = NULL, **end = &list;
	struct links links = { 0 };
	int r = 0;

	if (door_is_host())
		return REAL(getifaddrs)(ret);
	for (int k = 0; k < 2 && !r; k++) {
		const struct message *h = NULL;
		struct base_alloc alloc;
		struct seq_file m;

		base_alloc_init(&alloc, ANSWERS_MAX);
		seq_init(&m, &alloc, ANSWERS_MAX);
		r = !k || sort_links(list, &links) ? dump(kinds[k].ask, &m) : -ENOMEM;
		while (!r && (h = next_message(&m, h, kinds[k].answer))) {
			struct entry *e = calloc(1, sizeof(*e));

			if (!e) {
				r = -ENOMEM;
				break;
			}
			e->a.ifa_name = e->name;
			if (k)
				fill_address(e, h, &links);
			else
				fill_link(e, h);
			*end = &e->a;
			end = &e->a.ifa_next;
		}
		seq_deinit(&m);
	}
	free(links.at);
	if (r) {
		free_entries(list);
		return fail(r);
	}
	*ret = list;
	return 0;
}

DOOR_API void scw_freeifaddrs(struct ifaddrs *list);
void scw_freeifaddrs(struct ifaddrs *list)
{
	if (door_is_host())
		REAL(freeifaddrs)(list);
	else
		free_entries(list);
}

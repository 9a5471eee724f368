// SPDX-License-Identifier: MIT
/*
 * Network devices, addresses, routes and rules of a synthetic guest, as ioctl() and netlink tell them: what they must
 * say, and records that are torn, endless or lie.
 */
#include <errno.h>
#include <net/if.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "internal.h"
#include "synthetic.h"
#include "vfs/calls.h"
#include "vfs/netlink.h"

/* ---- the guest's types ---- */

static const struct synthetic_record records[] = {
	{ "list_head", 16, { { "next", 0, "ptr" }, { "prev", 8, "ptr" } } },
	{ "hlist_node", 16, { { "next", 0, "ptr" }, { "pprev", 8, "ptr" } } },
	{ "hlist_head", 8, { { "first", 0, "ptr" } } },
	{ "atomic_t", 4, { { "counter", 0, "u32" } } },
	{ "atomic64_t", 8, { { "counter", 0, "u64" } } },
	{ "possible_net_t", 8, { { "net", 0, "ptr" } } },
	{ "in6_addr", 16, { { "u6_addr8", 0, "char16" } } },
	{ "clocksource", 8, { { "mult", 0, "u32" }, { "shift", 4, "u32" } } },
	{ "net_device_ops", 24, {
		{ "ndo_get_stats64", 0, "ptr" }, { "ndo_get_stats", 8, "ptr" }, { "ndo_get_iflink", 16, "ptr" } } },
	{ "netdev_adjacent", 32, { { "dev", 0, "ptr" }, { "master", 8, "u8" }, { "list", 16, "list_head" } } },
	{ "rtnl_link_ops", 8, { { "kind", 0, "ptr" } } },
	{ "Qdisc_ops", 16, { { "id", 0, "char16" } } },
	{ "Qdisc", 8, { { "ops", 0, "ptr" } } },
	{ "dev_ifalias", 64, { { "ifalias", 16, "char16" } } },
	{ "net_device_stats", 184, { { "rx_packets", 0, "u64" } } },
	{ "adjacent", 32, { { "upper", 0, "list_head" }, { "lower", 16, "list_head" } } },
	{ "net_device", 512, {
		{ "name", 0, "char16" }, { "dev_list", 16, "list_head" }, { "index_hlist", 32, "hlist_node" },
		{ "ifindex", 48, "u32" }, { "type", 52, "u16" }, { "addr_len", 54, "u8" }, { "link_mode", 55, "u8" },
		{ "dev_addr", 56, "ptr" }, { "state", 64, "u64" }, { "flags", 72, "u32" }, { "gflags", 76, "u16" },
		{ "operstate", 78, "u8" }, { "dma", 79, "u8" }, { "if_port", 80, "u8" }, { "mtu", 84, "u32" },
		{ "tx_queue_len", 88, "u32" }, { "min_mtu", 92, "u32" }, { "max_mtu", 96, "u32" },
		{ "irq", 100, "u32" }, { "mem_start", 104, "u64" }, { "mem_end", 112, "u64" },
		{ "base_addr", 120, "u64" }, { "group", 128, "u32" }, { "promiscuity", 132, "u32" },
		{ "num_tx_queues", 136, "u32" }, { "num_rx_queues", 140, "u32" },
		{ "carrier_up_count", 144, "atomic_t" }, { "carrier_down_count", 148, "atomic_t" },
		{ "broadcast", 152, "char32" }, { "qdisc", 184, "ptr" }, { "ifalias", 192, "ptr" },
		{ "rtnl_link_ops", 200, "ptr" }, { "adj_list", 208, "adjacent" }, { "netdev_ops", 240, "ptr" },
		{ "stats", 248, "net_device_stats" }, { "rx_dropped", 432, "atomic64_t" },
		{ "tx_dropped", 440, "atomic64_t" }, { "rx_nohandler", 448, "atomic64_t" }, { "ip_ptr", 456, "ptr" },
		{ "ip6_ptr", 464, "ptr" }, { "nd_net", 472, "possible_net_t" } } },
	{ "in_device", 8, { { "ifa_list", 0, "ptr" } } },
	{ "in_ifaddr", 96, {
		{ "ifa_next", 0, "ptr" }, { "ifa_local", 8, "u32" }, { "ifa_address", 12, "u32" },
		{ "ifa_mask", 16, "u32" }, { "ifa_broadcast", 20, "u32" }, { "ifa_rt_priority", 24, "u32" },
		{ "ifa_flags", 28, "u32" }, { "ifa_valid_lft", 32, "u32" }, { "ifa_preferred_lft", 36, "u32" },
		{ "ifa_scope", 40, "u8" }, { "ifa_prefixlen", 41, "u8" }, { "ifa_cstamp", 48, "u64" },
		{ "ifa_tstamp", 56, "u64" }, { "ifa_label", 64, "char16" } } },
	{ "inet6_dev", 24, { { "dev", 0, "ptr" }, { "addr_list", 8, "list_head" } } },
	{ "inet6_ifaddr", 112, {
		{ "addr", 0, "in6_addr" }, { "peer_addr", 16, "in6_addr" }, { "if_list", 32, "list_head" },
		{ "prefix_len", 48, "u32" }, { "rt_priority", 52, "u32" }, { "valid_lft", 56, "u32" },
		{ "prefered_lft", 60, "u32" }, { "flags", 64, "u32" }, { "scope", 68, "u16" },
		{ "cstamp", 72, "u64" }, { "tstamp", 80, "u64" } } },
	{ "netns_ipv4", 16, {
		{ "fib_table_hash", 0, "ptr" }, { "fib_has_custom_rules", 8, "u8" },
		{ "sysctl_nexthop_compat_mode", 9, "u8" } } },
	{ "netns_ipv6", 16, { { "fib_table_hash", 0, "ptr" }, { "fib6_null_entry", 8, "ptr" } } },
	{ "net", 128, {
		{ "dev_base_head", 0, "list_head" }, { "dev_index_head", 16, "ptr" }, { "rules_ops", 24, "list_head" },
		{ "ipv4", 40, "netns_ipv4" }, { "ipv6", 56, "netns_ipv6" } } },
	{ "fib_table", 32, { { "tb_hlist", 0, "hlist_node" }, { "tb_id", 16, "u32" }, { "tb_data", 24, "ptr" } } },
	{ "key_vector", 16, {
		{ "key", 0, "u32" }, { "pos", 4, "u8" }, { "bits", 5, "u8" }, { "leaf", 8, "hlist_head" },
		{ "tnode", 8, "u64" } } },
	{ "trie", 16, { { "kv", 0, "key_vector" } } },
	{ "dst_metrics", 68, { { "metrics", 0, "words17" } } },
	{ "gateway", 16, { { "ipv4", 0, "u32" }, { "ipv6", 0, "in6_addr" } } },
	{ "fib_nh_common", 40, {
		{ "nhc_dev", 0, "ptr" }, { "nhc_gw_family", 8, "u8" }, { "nhc_flags", 9, "u8" },
		{ "nhc_weight", 12, "u32" }, { "nhc_gw", 16, "gateway" } } },
	{ "fib_nh", 40, { { "nh_common", 0, "fib_nh_common" } } },
	{ "fib_info", 48, {
		{ "fib_flags", 0, "u32" }, { "fib_priority", 4, "u32" }, { "fib_prefsrc", 8, "u32" },
		{ "fib_nhs", 12, "u32" }, { "fib_scope", 16, "u8" }, { "fib_protocol", 17, "u8" },
		{ "fib_metrics", 24, "ptr" }, { "nh", 32, "ptr" }, { "fib_nh", 40, "fib_nh[]" } } },
	{ "fib_alias", 40, {
		{ "fa_list", 0, "hlist_node" }, { "fa_info", 16, "ptr" }, { "fa_type", 24, "u8" },
		{ "fa_slen", 25, "u8" }, { "fa_tos", 26, "u8" }, { "tb_id", 28, "u32" } } },
};

/* ---- the guest ---- */

enum {
	JIFFIES = 1000000,
	HZ_SHOWN = 250,
};

#define NET	   AT(0x0)
#define CLOCK	   AT(0x300)
#define TICKS	   AT(0x310)
#define TICK_NSEC  AT(0x318)
#define INDEX	   AT(0x1000) /* 256 buckets */
#define TEXT(n)	   (AT(0x2000) + 0x100 * (n))
#define DEV(n)	   (AT(0x4000) + 0x400 * (n))
#define OPS	   AT(0x8000)
#define IN_DEV(n)  (AT(0x9000) + 0x20 * (n))
#define IDEV(n)	   (AT(0x9800) + 0x20 * (n))
#define IFA(n)	   (AT(0xa000) + 0x80 * (n))
#define IFA6(n)	   (AT(0xb000) + 0x80 * (n))
#define TABLES	   AT(0xc000)
#define TRIE	   AT(0xd000)
#define ROUTE(n)   (AT(0xe000) + 0x400 * (n)) /* alias, info, metrics */
#define FAR	   0xffffc90000000000u	      /* where nothing is */

static const struct synth_symbol symbols[] = {
	{ "init_net", 'D', NET }, { "clocksource_jiffies", 'd', CLOCK }, { "jiffies", 'D', TICKS },
	{ "tick_nsec", 'D', TICK_NSEC },
};

struct fixture {
	struct synthetic g;
	struct procfs *fs;
	struct vfs_netlink_socket s;
	uint8_t answer[65536];
	size_t size;
};

static void put_list(struct fixture *f, uint64_t head, const uint64_t *nodes, size_t count)
{
	uint64_t at = head;

	for (size_t i = 0; i < count; i++) {
		synth_put64(f->g.s, at, nodes[i]);
		synth_put64(f->g.s, nodes[i] + 8, at);
		at = nodes[i];
	}
	synth_put64(f->g.s, at, head);
	synth_put64(f->g.s, head + 8, at);
}

static void put_dev(struct fixture *f, unsigned int n, const char *name, uint32_t index, uint32_t flags, uint64_t state,
		    uint8_t oper)
{
	const uint8_t address[8] = { 2, 0, 0, 0, 0, (uint8_t)n };

	synth_write(f->g.s, DEV(n), name, strlen(name) + 1);
	synth_put64(f->g.s, INDEX + 8 * index, DEV(n) + 32);
	synth_put32(f->g.s, DEV(n) + 48, index);
	synth_put32(f->g.s, DEV(n) + 52, 6 << 16 | 1);
	synth_put64(f->g.s, DEV(n) + 56, TEXT(n));
	synth_write(f->g.s, TEXT(n), address, sizeof(address));
	synth_put64(f->g.s, DEV(n) + 64, state);
	synth_put32(f->g.s, DEV(n) + 72, flags);
	synth_put32(f->g.s, DEV(n) + 76, (uint32_t)oper << 16);
	synth_put32(f->g.s, DEV(n) + 84, 1500 + n);
	put_list(f, DEV(n) + 208, NULL, 0);
	put_list(f, DEV(n) + 224, NULL, 0);
	synth_put64(f->g.s, DEV(n) + 240, OPS);
	for (unsigned int i = 0; i < 23; i++)
		synth_put64(f->g.s, DEV(n) + 248 + 8 * i, 100 * (n + 1) + i);
	synth_put64(f->g.s, DEV(n) + 472, NET);
}

static void put_ifa(struct fixture *f, unsigned int n, uint64_t next, uint32_t address, const char *label)
{
	synth_put64(f->g.s, IFA(n), next);
	synth_put32(f->g.s, IFA(n) + 8, address);
	synth_put32(f->g.s, IFA(n) + 12, address);
	synth_put32(f->g.s, IFA(n) + 16, 0x00ffffff);
	synth_put32(f->g.s, IFA(n) + 40, 24 << 8);
	synth_write(f->g.s, IFA(n) + 64, label, strlen(label) + 1);
}

/* lo, which is up, and eth0, which has three addresses, two of them with a label of its own. */
static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const uint64_t devices[] = { DEV(0) + 16, DEV(1) + 16 };

	synthetic_init(&f->g, synthetic_types(records, sizeof(records) / sizeof(records[0])), symbols,
		       sizeof(symbols) / sizeof(symbols[0]), SYNTH_MAP);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, NULL, &f->g.guest), ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, NULL), ERR_OK);
	vfs_netlink_init(&f->s, &f->g.alloc, VFS_NETLINK_ROUTES);
	synth_put32(f->g.s, CLOCK, 4000000u << 4);
	synth_put32(f->g.s, CLOCK + 4, 4);
	synth_put64(f->g.s, TICKS, JIFFIES);
	synth_put64(f->g.s, TICK_NSEC, 1000000000 / HZ_SHOWN);
	put_list(f, NET, devices, 2);
	synth_put64(f->g.s, NET + 16, INDEX);
	put_list(f, NET + 24, NULL, 0);
	put_dev(f, 0, "lo", 1, 0x9, 1, 0);
	put_dev(f, 1, "eth0", 2, 0x1143, 1 | 4 | 16, 5); /* IFF_PROMISC by somebody else; no carrier, dormant */
	synth_put32(f->g.s, DEV(1) + 76, 0x0200 | 5 << 16); /* IFF_ALLMULTI by the user */
	synth_put64(f->g.s, DEV(1) + 456, IN_DEV(1));
	synth_put64(f->g.s, IN_DEV(1), IFA(0));
	put_ifa(f, 0, IFA(1), 0x0100000a, "eth0");
	put_ifa(f, 1, IFA(2), 0x0200000a, "eth0:x");
	put_ifa(f, 2, 0, 0x0300000a, "eth0:x");
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	vfs_netlink_deinit(&f->s);
	procfs_destroy(f->fs);
	synthetic_deinit(&f->g);
	free(f);
	return 0;
}

static struct vfs *vfs_of(struct fixture *f)
{
	return procfs_vfs(f->fs);
}

/* ---- ioctl() ---- */

static void test_interfaces(void **state)
{
	static const char *const names[] = { "lo", "eth0", "eth0:x", "eth0:x" };
	struct fixture *f = *state;
	struct vfs_interface i;

	for (uint32_t n = 0; n < 4; n++) {
		assert_int_equal(vfs_interface(vfs_of(f), NULL, n, &i), 0);
		assert_string_equal(i.name, names[n]);
		assert_int_equal(i.index, n ? 2 : 1);
		assert_int_equal(i.has_address, n > 0);
		if (n)
			assert_int_equal(i.address, n << 24 | 0x0000000a);
	}
	assert_int_equal(vfs_interface(vfs_of(f), NULL, 4, &i), -ENOENT);
	assert_int_equal(vfs_interface(vfs_of(f), "eth0:x", 1, &i), 0);
	assert_int_equal(i.address, 0x0300000a);
	assert_int_equal(vfs_interface(vfs_of(f), "eth0:x", 2, &i), -ENOENT);
	assert_int_equal(vfs_interface(vfs_of(f), "eth1", 0, &i), -ENOENT);
	assert_int_equal(vfs_interface(vfs_of(f), "eth0", 0, &i), 0);
	/* not promiscuous, as the user didn't ask for it; neither running nor with a carrier, but dormant */
	assert_int_equal(i.flags, 0x1043 - 0x40 + 0x200 + 0x20000);
	assert_int_equal(i.mtu, 1501);
	assert_int_equal(i.hardware_size, 6);
	assert_memory_equal(i.hardware, ((uint8_t[]){ 2, 0, 0, 0, 0, 1 }), 6);
	/* nobody has a label that is its own name: it is listed beside them */
	put_ifa(f, 0, IFA(1), 0x0100000a, "eth0:y");
	assert_int_equal(vfs_interface(vfs_of(f), NULL, 4, &i), 0);
	assert_string_equal(i.name, "eth0");
	assert_false(i.has_address);
	/* running, with a carrier: whatever the driver's bits say */
	synth_put64(f->g.s, DEV(0) + 64, 1);
	assert_int_equal(vfs_interface(vfs_of(f), "lo", 0, &i), 0);
	assert_int_equal(i.flags, 0x9 | 0x40 | 0x10000);
	synth_put64(f->g.s, DEV(0) + 64, 0);
	assert_int_equal(vfs_interface(vfs_of(f), "lo", 0, &i), 0);
	assert_int_equal(i.flags, 0x9);
}

static void test_requests(void **state)
{
	struct fixture *f = *state;
	struct ifreq all[8], req = { .ifr_name = "eth0" };

	assert_int_equal(vfs_interface_request(vfs_of(f), SIOCGIFMTU, &req), 0);
	assert_int_equal(req.ifr_mtu, 1501);
	req.ifr_ifindex = 2;
	assert_int_equal(vfs_interface_request(vfs_of(f), SIOCGIFNAME, &req), 0);
	assert_string_equal(req.ifr_name, "eth0");
	strcpy(req.ifr_name, "lo");
	assert_int_equal(vfs_interface_request(vfs_of(f), SIOCGIFADDR, &req), -EADDRNOTAVAIL);
	assert_int_equal(vfs_interface_list(vfs_of(f), NULL, 0), 3 * sizeof(req));
	assert_int_equal(vfs_interface_list(vfs_of(f), all, 2 * sizeof(req) + 1), 2 * sizeof(req));
	assert_string_equal(all[1].ifr_name, "eth0:x");
}

static void test_interfaces_that_lie(void **state)
{
	struct fixture *f = *state;
	struct vfs_interface i;

	/* a long address, whose bytes aren't there; a name without an end */
	synth_put32(f->g.s, DEV(0) + 52, 255 << 16 | 1);
	assert_int_equal(vfs_interface(vfs_of(f), "lo", 0, &i), 0);
	assert_int_equal(i.hardware_size, sizeof(i.hardware));
	synth_put64(f->g.s, DEV(0) + 56, FAR);
	assert_int_equal(vfs_interface(vfs_of(f), "lo", 0, &i), -EIO);
	synth_write(f->g.s, DEV(0), "0123456789abcdefXYZ", 16);
	assert_int_equal(vfs_interface(vfs_of(f), "lo", 0, &i), -ENOENT);
	/* programs count on an end, of labels too */
	synth_put64(f->g.s, DEV(0) + 56, TEXT(0));
	synth_write(f->g.s, IFA(0) + 64, "0123456789abcdefXYZ", 16);
	for (uint32_t n = 0; n < 2; n++) {
		assert_int_equal(vfs_interface(vfs_of(f), NULL, n, &i), 0);
		assert_memory_equal(i.name, "0123456789abcde", sizeof(i.name));
		assert_int_equal(i.index, n + 1);
	}
	/* addresses in a circle, which may be gone round for as long as a walk may */
	synth_put64(f->g.s, IFA(2), IFA(0));
	assert_int_not_equal(vfs_interface(vfs_of(f), "eth0:z", 0, &i), 0);
	synth_put64(f->g.s, IFA(2), FAR);
	assert_int_equal(vfs_interface(vfs_of(f), "eth0:z", 0, &i), -EIO);
	/* devices in a circle that leaves the head out */
	synth_put64(f->g.s, IFA(2), 0);
	synth_put64(f->g.s, DEV(1) + 16, DEV(0) + 16);
	assert_int_not_equal(vfs_interface(vfs_of(f), "eth0:z", 0, &i), 0);
	assert_int_not_equal(vfs_interface_list(vfs_of(f), NULL, 0), 0);
}

/* ---- netlink ---- */

struct message {
	uint32_t len;
	uint16_t type, flags;
	uint32_t seq, port;
	uint8_t body[];
};

enum { DUMP = 0x301, ONE = 1, PORT = 77 };

/* All that is answered, put together. */
static void ask(struct fixture *f, uint16_t type, uint16_t flags, const void *body, size_t size)
{
	struct message head = { .len = (uint32_t)(sizeof(head) + size), .type = type, .flags = flags, .seq = 9 };
	struct iovec in[2] = { { &head, sizeof(head) }, { (void *)(uintptr_t)body, size } };
	struct msghdr msg = { .msg_iov = in, .msg_iovlen = 2 };
	long r;

	assert_int_equal(vfs_netlink_send(&f->s, vfs_of(f), PORT, &msg), head.len);
	for (f->size = 0;; f->size += (size_t)r) {
		struct iovec out = { f->answer + f->size, sizeof(f->answer) - f->size };

		msg = (struct msghdr){ .msg_iov = &out, .msg_iovlen = 1 };
		r = vfs_netlink_receive(&f->s, vfs_of(f), &msg, 0);
		if (r == -ECONNREFUSED)
			return;
		assert_true(r > 0);
		assert_int_equal(msg.msg_flags, 0);
	}
}

static const struct message *message(struct fixture *f, unsigned int n)
{
	for (size_t at = 0; at < f->size;) {
		const struct message *m = (const void *)(f->answer + at);

		assert_true(m->len >= sizeof(*m) && m->len <= f->size - at);
		assert_int_equal(m->seq, 9);
		assert_int_equal(m->port, PORT);
		if (!n--)
			return m;
		at += (m->len + 3) & ~3u;
	}
	return NULL;
}

static unsigned int messages(struct fixture *f)
{
	unsigned int n = 0;

	while (message(f, n))
		n++;
	return n;
}

static const void *attribute_of(const struct message *m, size_t head, unsigned int type, size_t *size_ret)
{
	for (size_t at = sizeof(*m) + head; at < m->len;) {
		uint16_t h[2];

		memcpy(h, (const char *)m + at, sizeof(h));
		assert_true(h[0] >= 4 && h[0] <= m->len - at);
		if (h[1] == type) {
			*size_ret = h[0] - 4u;
			return (const char *)m + at + 4;
		}
		at += (h[0] + 3u) & ~3u;
	}
	return NULL;
}

static void expect_attribute(const struct message *m, size_t head, unsigned int type, const void *data, size_t size)
{
	size_t is = 0;
	const void *p = attribute_of(m, head, type, &is);

	assert_non_null(p);
	assert_int_equal(is, size);
	assert_memory_equal(p, data, size);
}

static void expect_u32(const struct message *m, size_t head, unsigned int type, uint32_t value)
{
	expect_attribute(m, head, type, &value, sizeof(value));
}

static void expect_none(const struct message *m, size_t head, unsigned int type)
{
	size_t size;

	assert_null(attribute_of(m, head, type, &size));
}

static void expect_error(struct fixture *f, int error)
{
	const struct message *m = message(f, 0);
	int32_t got;

	assert_int_equal(messages(f), 1);
	assert_int_equal(m->type, 2);
	memcpy(&got, m->body, sizeof(got));
	assert_int_equal(got, error);
}

enum {
	GETLINK = 18,
	GETADDR = 22,
	GETROUTE = 26,
	GETRULE = 34,
	DONE = 3,
	LINK_HEAD = 16,
	ADDRESS_HEAD = 8,
	ROUTE_HEAD = 12,
};

static void put_details(struct fixture *f)
{
	const uint64_t upper[] = { AT(0x9c00) + 16 };

	/* eth0 has a queue, an alias, a kind, and lo as its master */
	synth_put64(f->g.s, DEV(1) + 184, AT(0x9d00));
	synth_put64(f->g.s, AT(0x9d00), AT(0x9d10));
	synth_write(f->g.s, AT(0x9d10), "0123456789abcdefXX", 18);
	synth_put64(f->g.s, DEV(1) + 192, AT(0x9d40));
	synth_write(f->g.s, AT(0x9d50), "alias", 6);
	synth_put64(f->g.s, DEV(1) + 200, AT(0x9d80));
	synth_put64(f->g.s, AT(0x9d80), AT(0x9d90));
	synth_write(f->g.s, AT(0x9d90), "veth", 5);
	put_list(f, DEV(1) + 208, upper, 1);
	synth_put64(f->g.s, AT(0x9c00), DEV(0));
	synth_put32(f->g.s, AT(0x9c08), 1);
}

static void test_links(void **state)
{
	struct fixture *f = *state;
	uint8_t body[16 + 8] = { 0 };
	const struct message *m;
	uint64_t counters[24];

	put_details(f);
	ask(f, GETLINK, DUMP, body, 16);
	assert_int_equal(messages(f), 3);
	assert_int_equal(message(f, 2)->type, DONE);
	m = message(f, 1);
	assert_int_equal(m->type, 16);
	assert_int_equal(m->flags, 2);
	assert_int_equal(m->body[4], 2); /* ifi_index */
	expect_attribute(m, LINK_HEAD, 3, "eth0", 5);
	expect_attribute(m, LINK_HEAD, 6, "0123456789abcdef", 17);
	expect_attribute(m, LINK_HEAD, 20, "alias", 6);
	expect_attribute(m, LINK_HEAD, 1, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }, 6);
	expect_attribute(m, LINK_HEAD, 16, (uint8_t[]){ 5 }, 1);
	expect_attribute(m, LINK_HEAD, 33, (uint8_t[]){ 0 }, 1);
	expect_u32(m, LINK_HEAD, 4, 1501);
	expect_u32(m, LINK_HEAD, 10, 1);
	expect_none(m, LINK_HEAD, 5); /* it has no function that says what it is linked to */
	expect_attribute(m, LINK_HEAD, 18, "\x09\0\x01\0veth\0\0\0", 12);
	for (unsigned int i = 0; i < 24; i++)
		counters[i] = i < 23 ? 200 + i : 0;
	expect_attribute(m, LINK_HEAD, 23, counters, sizeof(counters));
	expect_none(message(f, 0), LINK_HEAD, 10);
	/* one of them, by number, by name, and none */
	body[4] = 2;
	ask(f, GETLINK, ONE, body, 16);
	assert_int_equal(messages(f), 1);
	assert_int_equal(message(f, 0)->flags, 0);
	expect_attribute(message(f, 0), LINK_HEAD, 3, "eth0", 5);
	body[4] = 7;
	ask(f, GETLINK, ONE, body, 16);
	expect_error(f, -ENODEV);
	memcpy(body, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\x07\0\x03\0lo\0", 24);
	ask(f, GETLINK, ONE, body, 24);
	expect_attribute(message(f, 0), LINK_HEAD, 3, "lo", 3);
	/* attributes that say less or more than there is */
	body[16] = 3;
	ask(f, GETLINK, ONE, body, 24);
	expect_error(f, -EINVAL);
	body[16] = 200;
	ask(f, GETLINK, ONE, body, 24);
	expect_error(f, -EINVAL);
	ask(f, GETLINK, ONE, body, 3);
	expect_error(f, -EINVAL);
	ask(f, GETLINK + 4 * 9, DUMP, body, 16);
	expect_error(f, -EOPNOTSUPP);
	ask(f, GETLINK - 1, ONE, body, 16);
	expect_error(f, -EPERM);
}

static void test_links_that_lie(void **state)
{
	struct fixture *f = *state;
	const uint8_t body[16] = { 0 };

	/* a name and a label without an end: programs copy them to where there is room for IFNAMSIZ */
	synth_write(f->g.s, DEV(0), "0123456789abcdef", 16);
	synth_write(f->g.s, IFA(0) + 64, "0123456789abcdef", 16);
	ask(f, GETLINK, DUMP, body, 16);
	expect_attribute(message(f, 0), LINK_HEAD, 3, "0123456789abcde", 16);
	ask(f, GETADDR, DUMP, body, 8);
	expect_attribute(message(f, 0), ADDRESS_HEAD, 3, "0123456789abcde", 16);
	synth_write(f->g.s, DEV(0), "lo", 3);
	/* one that can't be read is left out; asked for, it is an error */
	synth_put64(f->g.s, DEV(1) + 240, FAR);
	ask(f, GETLINK, DUMP, body, 16);
	assert_int_equal(messages(f), 2);
	expect_attribute(message(f, 0), LINK_HEAD, 3, "lo", 3);
	/* adjacent devices in a circle, and a bucket's devices */
	synth_put64(f->g.s, DEV(1) + 240, OPS);
	synth_put64(f->g.s, OPS + 16, OPS);
	put_details(f);
	synth_put64(f->g.s, AT(0x9c10), AT(0x9c10));
	synth_put32(f->g.s, AT(0x9c08), 0);
	ask(f, GETLINK, DUMP, body, 16);
	assert_int_equal(messages(f), 2);
	put_list(f, DEV(1) + 208, NULL, 0);
	ask(f, GETLINK, DUMP, body, 16);
	assert_int_equal(messages(f), 3);
	expect_u32(message(f, 1), LINK_HEAD, 5, 0);
	synth_put64(f->g.s, DEV(1) + 32, DEV(1) + 32);
	ask(f, GETLINK, DUMP, body, 16);
	assert_true(messages(f) < 10);
}

/* Of an answer that couldn't be finished nothing is handed out. */
static void test_an_answer_that_failed(void **state)
{
	struct message head = { .len = sizeof(head), .type = GETLINK, .flags = DUMP };
	struct fixture *f = *state;
	struct iovec iov[2] = { { &head, sizeof(head) }, { &head, sizeof(head) } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	f->g.alloc.limit = f->g.alloc.used + 1500;
	assert_int_equal(vfs_netlink_send(&f->s, vfs_of(f), PORT, &msg), -ENOMEM);
	iov[0] = iov[1] = (struct iovec){ f->answer, sizeof(f->answer) };
	assert_int_equal(vfs_netlink_receive(&f->s, vfs_of(f), &msg, 0), -ECONNREFUSED);
}

static void test_addresses(void **state)
{
	struct fixture *f = *state;
	const uint64_t six[] = { IFA6(0) + 32, IFA6(1) + 32 };
	const uint8_t body[16] = { 0 };
	uint8_t of_six[16] = { 10 };
	uint32_t times[4];
	size_t size;

	/* one that was given 100 s 40 s ago, of which 60 it may be preferred; one for ever */
	synth_put32(f->g.s, IFA(0) + 32, 100);
	synth_put32(f->g.s, IFA(0) + 36, 30);
	synth_put64(f->g.s, IFA(0) + 56, JIFFIES - 40 * HZ_SHOWN);
	synth_put32(f->g.s, IFA(1) + 28, 0x80);
	synth_put64(f->g.s, DEV(1) + 464, IDEV(1));
	put_list(f, IDEV(1) + 8, six, 2);
	synth_write(f->g.s, IFA6(0), "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1", 16);
	synth_put32(f->g.s, IFA6(0) + 48, 64);
	synth_put32(f->g.s, IFA6(0) + 60, UINT32_MAX);
	synth_put32(f->g.s, IFA6(0) + 64, 0x180);
	synth_put32(f->g.s, IFA6(0) + 68, 0x20);
	synth_write(f->g.s, IFA6(1) + 16, "\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	ask(f, GETADDR, DUMP, body, sizeof(body));
	assert_int_equal(messages(f), 3 + 2 + 1);
	assert_memory_equal(message(f, 0)->body, "\x02\x18\0\0\2\0\0\0", 8);
	expect_attribute(message(f, 1), ADDRESS_HEAD, 3, "eth0:x", 7);
	expect_u32(message(f, 1), ADDRESS_HEAD, 8, 0x80);
	memcpy(times, attribute_of(message(f, 0), ADDRESS_HEAD, 6, &size), sizeof(times));
	assert_int_equal(times[0], 0);
	assert_int_equal(times[1], 60);
	assert_int_equal(times[3], (uint32_t)((JIFFIES - 40 * HZ_SHOWN - (uint64_t)(uint32_t)(-300 * HZ_SHOWN)) * 100 / HZ_SHOWN));
	memcpy(times, attribute_of(message(f, 1), ADDRESS_HEAD, 6, &size), sizeof(times));
	assert_int_equal(times[1], UINT32_MAX);
	assert_memory_equal(message(f, 3)->body, "\x0a\x40\x80\xfd\2\0\0\0", 8);
	expect_none(message(f, 3), ADDRESS_HEAD, 2);
	expect_attribute(message(f, 4), ADDRESS_HEAD, 1, "\x20\1\0\0\0\0\0\0\0\0\0\0\0\0\0\2", 16);
	expect_attribute(message(f, 4), ADDRESS_HEAD, 2, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	ask(f, GETADDR, DUMP, of_six, sizeof(of_six));
	assert_int_equal(messages(f), 2 + 1);
	/* in circles: each once or a few times, and an end */
	synth_put64(f->g.s, IFA6(1) + 32, IFA6(0) + 32);
	synth_put64(f->g.s, IFA(2), IFA(1));
	ask(f, GETADDR, DUMP, body, sizeof(body));
	assert_true(messages(f) < 40);
}

/* Route `n` to 10.n.0.0/16 of the main table; its ways, of which each is 40 bytes. */
static void put_route(struct fixture *f, unsigned int n, uint32_t ways)
{
	const uint64_t leaf = ROUTE(n), alias = leaf + 0x20, info = leaf + 0x60;

	synth_put32(f->g.s, leaf, 10 << 24 | n << 16);
	synth_put64(f->g.s, leaf + 8, alias);
	synth_put64(f->g.s, alias + 16, info);
	synth_put32(f->g.s, alias + 24, 16 << 8 | 1);
	synth_put32(f->g.s, alias + 28, 254);
	synth_put32(f->g.s, info + 4, 100 + n);
	synth_put32(f->g.s, info + 12, ways);
	synth_put32(f->g.s, info + 16, 2 << 8);
	synth_put64(f->g.s, info + 24, AT(0x9e00));
	for (unsigned int i = 0; i < ways && i < 4; i++) {
		synth_put64(f->g.s, info + 40 + 40 * i, DEV(1));
		synth_put32(f->g.s, info + 40 + 40 * i + 8, 2 | 4 << 8);
		synth_put32(f->g.s, info + 40 + 40 * i + 12, i + 1);
		synth_put32(f->g.s, info + 40 + 40 * i + 16, 0x0900000a);
	}
}

static void test_routes(void **state)
{
	static const uint8_t several[] = {
		16, 0, 4, 0, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 9, 16, 0, 4, 1, 2, 0, 0, 0, 8, 0, 5, 0, 10, 0, 0, 9,
	};
	struct fixture *f = *state;
	uint8_t body[16] = { 2 };
	const uint32_t mtu[2] = { 2 << 16 | 8, 1400 };

	synth_put64(f->g.s, NET + 40, TABLES);
	synth_put64(f->g.s, TABLES, TABLES + 0x900);
	synth_put32(f->g.s, TABLES + 0x910, 254);
	synth_put64(f->g.s, TABLES + 0x918, TRIE);
	synth_put64(f->g.s, TRIE + 8, AT(0xd100)); /* a node of two children */
	synth_put32(f->g.s, AT(0xd104), 1 << 8 | 16);
	synth_put64(f->g.s, AT(0xd108), ROUTE(0));
	synth_put64(f->g.s, AT(0xd110), ROUTE(1));
	put_route(f, 0, 1);
	put_route(f, 1, 2);
	synth_put32(f->g.s, AT(0x9e04), 1400);
	ask(f, GETROUTE, DUMP, body, sizeof(body));
	assert_int_equal(messages(f), 3);
	assert_memory_equal(message(f, 0)->body, "\2\x10\0\0\xfe\2\0\1\4\0\0\0", ROUTE_HEAD);
	expect_u32(message(f, 0), ROUTE_HEAD, 1, 0x0000000a);
	expect_u32(message(f, 0), ROUTE_HEAD, 4, 2);
	expect_u32(message(f, 0), ROUTE_HEAD, 5, 0x0900000a);
	expect_u32(message(f, 0), ROUTE_HEAD, 6, 100);
	expect_attribute(message(f, 0), ROUTE_HEAD, 8, mtu, sizeof(mtu));
	expect_none(message(f, 0), ROUTE_HEAD, 9);
	expect_attribute(message(f, 1), ROUTE_HEAD, 9, several, sizeof(several));
	/* of another table; to one place */
	body[4] = 100;
	ask(f, GETROUTE, DUMP, body, sizeof(body));
	assert_int_equal(messages(f), 1);
	ask(f, GETROUTE, ONE, body, sizeof(body));
	expect_error(f, -EOPNOTSUPP);
	/* more ways than there can be: what isn't there takes the row back */
	body[4] = 0;
	put_route(f, 1, 0xffffffff);
	ask(f, GETROUTE, DUMP, body, sizeof(body));
	assert_in_range(messages(f), 2, 3);
	/* rows in a circle */
	put_route(f, 1, 1);
	synth_put64(f->g.s, ROUTE(1) + 0x20, ROUTE(1) + 0x20);
	ask(f, GETROUTE, DUMP, body, sizeof(body));
	assert_in_range(messages(f), 2, 10);
}

int main(void)
{
#define TEST(fn) cmocka_unit_test_setup_teardown(fn, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_interfaces), TEST(test_requests), TEST(test_interfaces_that_lie), TEST(test_links),
		TEST(test_links_that_lie), TEST(test_an_answer_that_failed), TEST(test_addresses), TEST(test_routes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

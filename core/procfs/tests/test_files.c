// SPDX-License-Identifier: MIT
/* Files of /proc that walk lists of the guest's, over a synthetic guest: kallsyms, nf_conntrack, ip_mr_*, vmallocinfo. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "synthetic.h"

static const struct synthetic_record records[] = {
	{ "list_head", 16, { { "next", 0, "ptr" }, { "prev", 8, "ptr" } } },
	{ "clocksource", 8, { { "mult", 0, "u32" }, { "shift", 4, "u32" } } },
	{ "hlist_nulls_head", 8, { { "first", 0, "ptr" } } },
	/* modules */
	{ "elf64_sym", 24, { { "st_name", 0, "u32" }, { "st_value", 8, "u64" } } },
	{ "mod_kallsyms", 32, {
		{ "symtab", 0, "ptr" }, { "num_symtab", 8, "u32" }, { "strtab", 16, "ptr" }, { "typetab", 24, "ptr" } } },
	{ "kernel_symbol", 12, { { "value_offset", 0, "u32" }, { "name_offset", 4, "u32" } } },
	{ "module", 128, {
		{ "state", 0, "u32" }, { "list", 8, "list_head" }, { "name", 24, "char56" }, { "kallsyms", 80, "ptr" },
		{ "syms", 88, "ptr" }, { "num_syms", 96, "u32" } } },
	{ "bpf_ksym", 160, { { "start", 0, "u64" }, { "name", 8, "char128" }, { "lnode", 136, "list_head" } } },
	{ "vm_struct", 64, {
		{ "addr", 8, "u64" }, { "size", 16, "u64" }, { "flags", 24, "u64" }, { "pages", 32, "u64" },
		{ "nr_pages", 44, "char4" }, { "phys_addr", 48, "u64" }, { "caller", 56, "u64" } } },
	{ "vmap_area", 64, {
		{ "va_start", 0, "u64" }, { "va_end", 8, "u64" }, { "list", 40, "list_head" }, { "vm", 56, "ptr" } } },
	{ "net_device", 16, { { "name", 0, "char16" } } },
	{ "netns_ipv4", 16, { { "mr_tables", 0, "list_head" } } },
	{ "net", 64, { { "ipv4", 0, "netns_ipv4" } } },
};

#define MODULES	    AT(0x0)
#define BPF	    AT(0x10)
#define HARDEN	    AT(0x20)
#define KALLSYMS_ON AT(0x24)
#define RESTRICT    AT(0x28)
#define CLOCK	    AT(0x30)
#define TICKS	    AT(0x38)
#define TICK_NSEC   AT(0x40)
#define OPS	    AT(0x48)
#define HASH	    AT(0x50) /* pointer to the table */
#define HASH_SIZE   AT(0x58)
#define AREAS	    AT(0x60)
#define NET	    AT(0x100)
#define MODULE(n)   (AT(0x1000) + 0x100 * (n))
#define TABLES(n)   (AT(0x2000) + 0x400 * (n)) /* kallsyms, symbols, strings, types, exports */
#define PROGRAM(n)  (AT(0x3000) + 0x100 * (n))
#define BUCKETS	    AT(0x4000)
#define CONN(n)	    (AT(0x5000) + 0x100 * (n))
#define MR_TABLE    AT(0x6000)
#define DEVICE	    AT(0x7000)
#define AREA(n)	    (AT(0x8000) + 0x100 * (n)) /* and 0x80 behind it, what it is for */

static const struct synth_symbol symbols[] = {
	{ "modules", 'd', MODULES }, { "bpf_kallsyms", 'd', BPF }, { "bpf_jit_harden", 'd', HARDEN },
	{ "bpf_jit_kallsyms", 'd', KALLSYMS_ON }, { "kptr_restrict", 'd', RESTRICT },
	{ "clocksource_jiffies", 'd', CLOCK }, { "jiffies", 'D', TICKS }, { "tick_nsec", 'D', TICK_NSEC },
	{ "ipmr_vif_seq_ops", 'd', OPS }, { "nf_conntrack_hash", 'D', HASH },
	{ "nf_conntrack_htable_size", 'D', HASH_SIZE }, { "init_net", 'D', NET },
	{ "vmap_area_list", 'd', AREAS },
};

struct fixture {
	struct synthetic g;
	struct procfs *fs;
	bool nameless;
	char text[1 << 18];
};

static struct synth_btf *make_types(void)
{
	static const char *const states[] = { "LIVE", "COMING", "GOING", "UNFORMED" };
	struct synth_btf *b = synthetic_types(records, sizeof(records) / sizeof(records[0]));
	uint32_t u16 = synth_btf_int(b, "u16", 2, 0), u32 = synth_btf_int(b, "u32", 4, 0);
	uint32_t u64 = synth_btf_int(b, "u64", 8, 0), ptr = synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, 0);
	uint32_t list = synth_btf_record(b, "list_head", 16, 2, "next", ptr, 0, "prev", ptr, 8);
	uint32_t node = synth_btf_record(b, "", 16, 1, "next", ptr, 0);
	uint32_t addr = synth_btf_record(b, "nf_inet_addr", 16, 1, "all", synth_btf_array(b, u32, 4), 0);
	uint32_t port = synth_btf_record(b, "", 2, 1, "all", u16, 0), u8 = synth_btf_int(b, "u8", 1, 0);
	uint32_t man = synth_btf_record(b, "nf_conntrack_man", 20, 3, "u3", addr, 0, "u", port, 16, "l3num", u16, 18);
	uint32_t to = synth_btf_record(b, "", 20, 4, "u3", addr, 0, "u", port, 16, "protonum", u8, 18, "dir", u8, 19);
	uint32_t tuple = synth_btf_record(b, "nf_conntrack_tuple", 40, 2, "src", man, 0, "dst", to, 20);
	uint32_t hash = synth_btf_record(b, "nf_conntrack_tuple_hash", 56, 2, "hnnode", node, 0, "tuple", tuple, 16);
	uint32_t zone = synth_btf_record(b, "nf_conntrack_zone", 4, 2, "id", u16, 0, "dir", u8, 3);
	uint32_t use = synth_btf_record(b, "nf_conntrack", 4, 1, "use", synth_btf_array(b, u8, 4), 0);
	uint32_t tcp = synth_btf_record(b, "ip_ct_tcp", 4, 1, "state", u8, 0);
	uint32_t proto = synth_btf_record(b, "nf_conntrack_proto", 4, 1, "tcp", tcp, 0);
	uint32_t net = synth_btf_record(b, "", 8, 1, "net", ptr, 0);
	uint32_t vif = synth_btf_record(b, "vif_device", 64, 8, "dev", ptr, 0, "bytes_in", u64, 8, "bytes_out", u64, 16,
					"pkt_in", u64, 24, "pkt_out", u64, 32, "flags", u16, 40, "local", u32, 44,
					"remote", u32, 48);

	net = synth_btf_type(b, "possible_net_t", SYNTH_BTF_TYPEDEF, 0, 0, net);
	synth_btf_record(b, "nf_conn", 192, 8, "ct_general", use, 0, "timeout", u32, 4, "zone", zone, 8, "tuplehash",
			 synth_btf_array(b, hash, 2), 16, "status", u64, 128, "ct_net", net, 136, "proto", proto, 144,
			 "ext", ptr, 152);
	synth_btf_record(b, "mr_table", 2128, 6, "list", list, 0, "id", u32, 16, "mfc_unres_queue", list, 24, "vif_table",
			 synth_btf_array(b, vif, 32), 40, "mfc_cache_list", list, 2088, "maxvif", u32, 2104);
	synth_btf_type(b, "module_state", SYNTH_BTF_ENUM, 4, 0, 4);
	for (int i = 0; i < 4; i++) {
		char name[32];

		snprintf(name, sizeof(name), "MODULE_STATE_%s", states[i]);
		synth_btf_enumerator(b, name, i);
	}
	return b;
}

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

/* A module with two symbols behind the empty one: "init" and "probe", which it exports. */
static void put_module(struct fixture *f, unsigned int n, const char *name)
{
	static const char strings[] = "\0init\0probe", types[] = { 'a', 't', 't' };
	uint64_t k = TABLES(n), syms = k + 0x40, text = k + 0x100, letters = k + 0x140, exports = k + 0x180;

	synth_write(f->g.s, MODULE(n) + 24, name, strlen(name) + 1);
	synth_put64(f->g.s, MODULE(n) + 80, k);
	synth_put64(f->g.s, MODULE(n) + 88, exports);
	synth_put32(f->g.s, MODULE(n) + 96, 1);
	synth_put64(f->g.s, k, syms);
	synth_put32(f->g.s, k + 8, 3);
	synth_put64(f->g.s, k + 16, text);
	synth_put64(f->g.s, k + 24, letters);
	synth_write(f->g.s, text, strings, sizeof(strings));
	synth_write(f->g.s, letters, types, sizeof(types));
	synth_put32(f->g.s, syms + 24, 1);
	synth_put64(f->g.s, syms + 32, 0xffffffffc0001000 + 0x1000 * n);
	synth_put32(f->g.s, syms + 48, 6);
	synth_put64(f->g.s, syms + 56, exports + 0x10);
	synth_put32(f->g.s, exports, 0x10);
	synth_put32(f->g.s, exports + 4, (uint32_t)(text + 6 - exports - 4));
}

static void put_tuple(struct fixture *f, uint64_t at, const uint8_t from[4], unsigned int port, const uint8_t to[4],
		      unsigned int to_port, unsigned int dir)
{
	const uint8_t tuple[40] = {
		from[0], from[1], from[2], from[3], [16] = (uint8_t)(port >> 8), (uint8_t)port, 2, 0,
		to[0], to[1], to[2], to[3], [36] = (uint8_t)(to_port >> 8), (uint8_t)to_port, 6, (uint8_t)dir,
	};

	synth_write(f->g.s, at + 16, tuple, sizeof(tuple));
}

static const uint8_t near_end[4] = { 10, 0, 0, 1 }, far_end[4] = { 192, 0, 2, 7 };

/* A connection of TCP, both of whose ways lead on to `next`. */
static void put_connection(struct fixture *f, unsigned int n, unsigned int port, uint64_t next)
{
	const uint8_t users[4] = { 1 };

	synth_write(f->g.s, CONN(n), users, sizeof(users));
	synth_put32(f->g.s, CONN(n) + 4, 1000000 + 250 * 60);
	synth_put32(f->g.s, CONN(n) + 8, 3u << 24);
	synth_put64(f->g.s, CONN(n) + 16, next);
	put_tuple(f, CONN(n) + 16, near_end, port, far_end, 443, 0);
	put_tuple(f, CONN(n) + 72, far_end, 443, near_end, port, 1);
	synth_put64(f->g.s, CONN(n) + 128, 1 << 1 | 1 << 2 | 1 << 3);
	synth_put64(f->g.s, CONN(n) + 136, NET);
	synth_put32(f->g.s, CONN(n) + 144, 3);
}

static void put_area(struct fixture *f, unsigned int n, uint64_t start, uint64_t size, uint64_t flags, uint32_t pages)
{
	uint64_t v = AREA(n) + 0x80;

	synth_put64(f->g.s, AREA(n), start);
	synth_put64(f->g.s, AREA(n) + 8, start + size);
	synth_put64(f->g.s, AREA(n) + 56, v);
	synth_put64(f->g.s, v + 8, start);
	synth_put64(f->g.s, v + 16, size);
	synth_put64(f->g.s, v + 24, flags);
	synth_put32(f->g.s, v + 44, pages);
	synth_put64(f->g.s, v + 56, SYNTH_TEXT + 3);
}

static const struct ktype *names(void *ctx)
{
	struct fixture *f = ctx;

	return f->nameless ? NULL : f->g.k;
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	const uint64_t modules[] = { MODULE(0) + 8, MODULE(1) + 8 }, programs[] = { PROGRAM(0) + 136 };
	const uint64_t tables[] = { MR_TABLE }, areas[] = { AREA(0) + 40, AREA(1) + 40 };
	struct err_ctx err = {0};

	synthetic_init(&f->g, make_types(), symbols, sizeof(symbols) / sizeof(symbols[0]), SYNTH_MAP);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, NULL, &f->g.guest), ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, &err), ERR_OK);
	procfs_use_names(f->fs, names, f);
	synth_put32(f->g.s, CLOCK, 4000000u << 4);
	synth_put32(f->g.s, CLOCK + 4, 4);
	synth_put64(f->g.s, TICKS, 1000000);
	synth_put64(f->g.s, TICK_NSEC, 4000000);
	put_list(f, MODULES, modules, 2);
	put_module(f, 0, "first");
	put_module(f, 1, "rootkit");
	put_list(f, BPF, programs, 1);
	synth_put64(f->g.s, PROGRAM(0), 0xffffffffc0009000);
	synth_write(f->g.s, PROGRAM(0) + 8, "bpf_prog_1", 11);
	synth_put32(f->g.s, KALLSYMS_ON, 1);
	synth_put64(f->g.s, HASH, BUCKETS);
	synth_put32(f->g.s, HASH_SIZE, 2);
	synth_put64(f->g.s, BUCKETS, CONN(0) + 16);
	synth_put64(f->g.s, BUCKETS + 8, 3);
	put_connection(f, 0, 40000, CONN(1) + 16);
	put_connection(f, 1, 40001, 1);
	put_list(f, AREAS, areas, 2);
	put_area(f, 0, 0xffffc90000000000, 20480, 0x2, 4);
	put_area(f, 1, 0xffffc90000010000, 8192, 0x1, 0);
	synth_put64(f->g.s, AREA(1) + 0x80 + 48, 0xfed00000);
	put_list(f, NET, tables, 1);
	synth_put32(f->g.s, MR_TABLE + 16, 253);
	synth_put32(f->g.s, MR_TABLE + 2104, 2);
	synth_put64(f->g.s, MR_TABLE + 40 + 64, DEVICE);
	synth_put64(f->g.s, MR_TABLE + 40 + 64 + 8, 1234);
	synth_write(f->g.s, DEVICE, "eth0", 5);
	*state = f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	procfs_destroy(f->fs);
	synthetic_deinit(&f->g);
	free(f);
	return 0;
}

/* The content in f->text; its length or -errno. In steps, as portions come. */
static int64_t read_file(struct fixture *f, const char *path)
{
	struct vfs_file *file;
	int64_t n = synthetic_open(f->fs, path, &file), at = 0;

	if (n)
		return n;
	while ((n = vfs_pread(file, f->text + at, 1000, (uint64_t)at)) > 0 && at < (int64_t)sizeof(f->text) - 1001)
		at += n;
	vfs_close(file);
	f->text[at] = '\0';
	return n ? n : at;
}

static void expect_line(struct fixture *f, const char *line)
{
	if (!strstr(f->text, line))
		fail_msg("no \"%s\" in \"%.2000s\"", line, f->text);
}

static size_t lines(const char *text)
{
	size_t count = 0;

	for (; *text; text++)
		count += *text == '\n';
	return count;
}

static void test_symbols(void **state)
{
	struct fixture *f = *state;
	char line[100];

	assert_true(read_file(f, "kallsyms") > 0);
	snprintf(line, sizeof(line), "\n%016llx D init_net\n", (unsigned long long)NET);
	expect_line(f, line);
	/* modules' in the order of the list, exported ones in capitals; then programs' */
	snprintf(line, sizeof(line), "\n%016llx t init\t[rootkit]\n%016llx T probe\t[rootkit]\n", 0xffffffffc0002000ull,
		 (unsigned long long)TABLES(1) + 0x190);
	expect_line(f, line);
	expect_line(f, "\nffffffffc0009000 t bpf_prog_1\t[bpf]\n");
	assert_true(strstr(f->text, "\t[first]") < strstr(f->text, "\t[rootkit]"));
	assert_string_equal(strrchr(f->text, '\t'), "\t[bpf]\n");
}

static void test_hidden_symbols(void **state)
{
	struct fixture *f = *state;

	synth_put32(f->g.s, RESTRICT, 2);
	synth_put32(f->g.s, HARDEN, 1);
	assert_true(read_file(f, "kallsyms") > 0);
	expect_line(f, "\n0000000000000000 D init_net\n");
	expect_line(f, "\n0000000000000000 t init\t[first]\n");
	assert_null(strstr(f->text, "[bpf]"));
}

/* A cycle of modules, one with no end of symbols, one whose tables are nowhere: an error or less, but an end. */
static void test_lying_modules(void **state)
{
	struct fixture *f = *state;
	int64_t whole = read_file(f, "kallsyms");

	synth_put32(f->g.s, TABLES(0) + 8, UINT32_MAX);
	assert_int_equal(read_file(f, "kallsyms"), -EIO);
	synth_put32(f->g.s, TABLES(0) + 8, 3);
	synth_put32(f->g.s, MODULE(0) + 96, UINT32_MAX);
	synth_put64(f->g.s, MODULE(0) + 88, 0xffffc90000000000);
	assert_true(read_file(f, "kallsyms") < whole);
	synth_put64(f->g.s, MODULE(0) + 88, 0);
	assert_int_equal(read_file(f, "kallsyms"), whole);
	synth_put64(f->g.s, MODULE(1) + 8, MODULE(0) + 8);
	assert_int_equal(read_file(f, "kallsyms"), -EIO);
}

static void test_no_names(void **state)
{
	struct fixture *f = *state;

	f->nameless = true;
	assert_int_equal(read_file(f, "kallsyms"), -EIO);
	procfs_use_names(f->fs, NULL, NULL);
	assert_int_equal(read_file(f, "kallsyms"), -ENOENT);
}

static void test_connections(void **state)
{
	struct fixture *f = *state;

	assert_true(read_file(f, "net/nf_conntrack") > 0);
	expect_line(f, "ipv4     2 tcp      6 60 ESTABLISHED src=10.0.0.1 dst=192.0.2.7 sport=40000 dport=443 "
		       "src=192.0.2.7 dst=10.0.0.1 sport=443 dport=40000 [ASSURED] zone=0 use=2\n");
	assert_int_equal(lines(f->text), 2);
	/* what is over is left out, and so is what is of another namespace */
	synth_put32(f->g.s, CONN(0) + 4, 999999);
	synth_put64(f->g.s, CONN(1) + 136, NET + 8);
	assert_int_equal(read_file(f, "net/nf_conntrack"), 0);
}

static void test_lying_connections(void **state)
{
	struct fixture *f = *state;

	synth_put64(f->g.s, CONN(1) + 16, CONN(0) + 16);
	assert_true(read_file(f, "net/nf_conntrack") > 0);
	assert_int_equal(lines(f->text), 2);
	synth_put64(f->g.s, CONN(1) + 16, 0xffffc90000000000);
	(void)read_file(f, "net/nf_conntrack");
	assert_int_equal(lines(f->text), 2);
	synth_put64(f->g.s, CONN(1) + 16, 1);
	synth_put32(f->g.s, CONN(1) + 144, 200);
	assert_true(read_file(f, "net/nf_conntrack") > 0);
	expect_line(f, " 60 ? src=10.0.0.1 dst=192.0.2.7 sport=40001 ");
	synth_put32(f->g.s, HASH_SIZE, UINT32_MAX);
	synth_put64(f->g.s, HASH, 0xffffc90000000000);
	assert_true(read_file(f, "net/nf_conntrack") <= 0);
}

static void test_multicast_interfaces(void **state)
{
	struct fixture *f = *state;

	assert_true(read_file(f, "net/ip_mr_vif") > 0);
	expect_line(f, "\n 1 eth0           1234       0         0       0 00000 00000000 00000000\n");
	assert_int_equal(lines(f->text), 2);
	synth_put32(f->g.s, MR_TABLE + 2104, INT32_MAX);
	assert_true(read_file(f, "net/ip_mr_vif") > 0);
	assert_int_equal(lines(f->text), 2);
	synth_put32(f->g.s, MR_TABLE + 16, 1);
	assert_int_equal(read_file(f, "net/ip_mr_vif"), -ENOENT);
}

static void test_areas(void **state)
{
	struct fixture *f = *state;

	synth_put32(f->g.s, RESTRICT, 1);
	assert_true(read_file(f, "vmallocinfo") > 0);
	expect_line(f, "0xffffc90000000000-0xffffc90000005000   20480 _stext+0x3/0x");
	expect_line(f, " pages=4 vmalloc\n0xffffc90000010000-0xffffc90000012000    8192 _stext+0x3/0x");
	expect_line(f, " phys=0x00000000fed00000 ioremap\n");
	assert_int_equal(lines(f->text), 2);
	/* one that is nothing's yet, and a list that leads back into itself */
	synth_put64(f->g.s, AREA(0) + 56, 0);
	assert_true(read_file(f, "vmallocinfo") > 0);
	expect_line(f, "0xffffc90000000000-0xffffc90000005000   20480 vm_map_ram\n");
	synth_put64(f->g.s, AREA(1) + 40, AREA(0) + 40);
	assert_int_equal(read_file(f, "vmallocinfo"), -EIO);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_symbols), TEST(test_hidden_symbols), TEST(test_lying_modules), TEST(test_no_names),
		TEST(test_connections), TEST(test_lying_connections), TEST(test_multicast_interfaces),
		TEST(test_areas),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

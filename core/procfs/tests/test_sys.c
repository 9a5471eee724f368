// SPDX-License-Identifier: MIT
/* /proc/sys over a synthetic guest: its tables as they must show, and trees that lie. */
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

/* Each directory or file has a slot: header and tree, node, table entry, name, data. */
#define SLOT(n)	 AT(0x200 * (n))
#define NODE(n)	 (SLOT(n) + 0x60)
#define TABLE(n) (SLOT(n) + 0x80)
#define NAME(n)	 (SLOT(n) + 0xc0)
#define DATA(n)	 (SLOT(n) + 0x100)
#define TREE(n)	 (SLOT(n) + 64)

#define HANDLER_INTS AT(0x20000)
#define HANDLER_TEXT AT(0x20010)
#define INIT_NET     AT(0x20100)
#define INIT_USER    AT(0x20200)
#define INIT_IPC     AT(0x20300)

enum { ROOT, KERNEL, ANSWER, SECRET, STRANGE, TITLE, NET_LINK, NET_DIR };

static const struct synth_symbol symbols[] = {
	{ "sysctl_table_root", 'd', SLOT(ROOT) }, { "init_net", 'D', INIT_NET },
	{ "init_user_ns", 'D', INIT_USER },	  { "init_ipc_ns", 'D', INIT_IPC },
	{ "proc_dointvec", 'T', HANDLER_INTS },	  { "proc_dostring", 'T', HANDLER_TEXT },
};

static struct synth_btf *make_types(void)
{
	struct synth_btf *b = synth_btf_create();
	uint32_t u16, u32, u64, ptr, node, tree, header, dir, set;

	synth_btf_add_kernel(b);
	u16 = synth_btf_int(b, "u16", 2, 0);
	u32 = synth_btf_int(b, "u32", 4, 0);
	u64 = synth_btf_int(b, "u64", 8, 0);
	ptr = synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, 0);
	node = synth_btf_record(b, "rb_node", 24, 3, "__rb_parent_color", u64, 0, "rb_right", ptr, 8,
		      "rb_left", ptr, 16);
	tree = synth_btf_record(b, "rb_root", 8, 1, "rb_node", ptr, 0);
	synth_btf_record(b, "ctl_table", 64, 7, "procname", ptr, 0, "data", ptr, 8, "maxlen", u32, 16, "mode",
	       u16, 20, "proc_handler", ptr, 24, "extra1", ptr, 32, "extra2", ptr, 40);
	synth_btf_record(b, "ctl_node", 32, 2, "node", node, 0, "header", ptr, 24);
	header = synth_btf_record(b, "ctl_table_header", 64, 7, "ctl_table", ptr, 0, "ctl_table_size", u32, 8,
			"unregistering", ptr, 16, "root", ptr, 24, "set", ptr, 32, "parent", ptr, 40,
			"node", ptr, 48);
	dir = synth_btf_record(b, "ctl_dir", 80, 2, "header", header, 0, "root", tree, 64);
	set = synth_btf_record(b, "ctl_table_set", 80, 1, "dir", dir, 0);
	synth_btf_record(b, "ctl_table_root", 80, 1, "default_set", set, 0);
	synth_btf_record(b, "net", 80, 1, "sysctls", set, 0);
	synth_btf_record(b, "user_namespace", 80, 1, "set", set, 0);
	return b;
}

struct fixture {
	struct synthetic g;
	struct procfs *fs;
	char text[1 << 18];
};

/* Entry `n` of directory `parent`; `dir` is the address that its header's parent says. */
static void put_entry(struct fixture *f, int n, uint64_t parent, const char *name, uint32_t mode,
		      uint64_t handler, uint32_t maxlen)
{
	synth_put64(f->g.s, SLOT(n), TABLE(n));
	synth_put32(f->g.s, SLOT(n) + 8, 1);
	synth_put64(f->g.s, SLOT(n) + 40, parent);
	synth_put64(f->g.s, SLOT(n) + 48, NODE(n));
	synth_put64(f->g.s, NODE(n) + 24, SLOT(n));
	synth_put64(f->g.s, TABLE(n), NAME(n));
	synth_put64(f->g.s, TABLE(n) + 8, DATA(n));
	synth_put32(f->g.s, TABLE(n) + 16, maxlen);
	synth_put32(f->g.s, TABLE(n) + 20, mode);
	synth_put64(f->g.s, TABLE(n) + 24, handler);
	synth_write(f->g.s, NAME(n), name, strlen(name) + 1);
}

/* `child` comes after `above` in its tree, to the right; above == 0: at the top of `tree`. */
static void put_link(struct fixture *f, uint64_t tree, uint64_t above, uint64_t child)
{
	synth_put64(f->g.s, above ? above + 8 : tree, child);
	synth_put64(f->g.s, child, above | 1);
}

static int setup(void **state)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err_ctx err = {0};

	synthetic_init(&f->g, make_types(), symbols, sizeof(symbols) / sizeof(symbols[0]), SYNTH_MAP);
	assert_int_equal(llview_guest_create(&f->g.alloc, f->g.layout, f->g.pages, NULL, &f->g.guest),
			 ERR_OK);
	assert_int_equal(procfs_create(&f->g.alloc, f->g.guest, &f->fs, &err), ERR_OK);

	put_entry(f, KERNEL, SLOT(ROOT), "kernel", 040555, 0, 0);
	put_entry(f, ANSWER, SLOT(KERNEL), "answer", 0644, HANDLER_INTS, 8);
	put_entry(f, SECRET, SLOT(KERNEL), "secret", 0200, HANDLER_INTS, 4);
	put_entry(f, STRANGE, SLOT(KERNEL), "strange", 0444, AT(0x20020), 4);
	put_entry(f, TITLE, SLOT(KERNEL), "title", 0444, HANDLER_TEXT, 64);
	put_entry(f, NET_LINK, SLOT(ROOT), "net", 0120777, 0, 0);
	put_entry(f, NET_DIR, INIT_NET, "net", 040555, 0, 0);
	put_link(f, TREE(ROOT), 0, NODE(KERNEL));
	put_link(f, 0, NODE(KERNEL), NODE(NET_LINK));
	put_link(f, TREE(KERNEL), 0, NODE(ANSWER));
	put_link(f, 0, NODE(ANSWER), NODE(SECRET));
	put_link(f, 0, NODE(SECRET), NODE(STRANGE));
	put_link(f, 0, NODE(STRANGE), NODE(TITLE));
	put_link(f, INIT_NET + 64, 0, NODE(NET_DIR));
	/* the link leads to a root whose set is the network namespace's */
	synth_put64(f->g.s, TABLE(NET_LINK) + 8, SLOT(0x80));
	synth_put64(f->g.s, INIT_NET + 24, SLOT(0x80));
	synth_put32(f->g.s, DATA(ANSWER), 42);
	synth_put32(f->g.s, DATA(ANSWER) + 4, (uint32_t)-7);
	synth_write(f->g.s, DATA(TITLE), "some text", 10);
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

/* The content in f->text; its length or -errno. */
static int64_t read_file(struct fixture *f, const char *path)
{
	struct vfs_file *file;
	int64_t n = synthetic_open(f->fs, path, &file);

	if (n)
		return n;
	n = vfs_pread(file, f->text, sizeof(f->text) - 1, 0);
	vfs_close(file);
	f->text[n > 0 ? n : 0] = '\0';
	return n;
}

/* The names in f->text, a blank after each. */
static const char *list(struct fixture *f, const char *path)
{
	struct vfs_dirent e;
	struct vfs_file *file;
	size_t at = 0;

	f->text[0] = '\0';
	assert_int_equal(synthetic_open(f->fs, path, &file), 0);
	for (uint64_t i = 2; vfs_dirent_at(file, i, &e) == 1 && at < sizeof(f->text) - 512; i++)
		at += (size_t)snprintf(f->text + at, sizeof(f->text) - at, "%s ", e.name);
	vfs_close(file);
	return f->text;
}

static void test_values(void **state)
{
	struct fixture *f = *state;

	assert_string_equal(list(f, "sys"), "kernel net ");
	assert_string_equal(list(f, "sys/kernel"), "answer secret strange title ");
	assert_int_equal(read_file(f, "sys/kernel/answer"), 6);
	assert_string_equal(f->text, "42\t-7\n");
	assert_true(read_file(f, "sys/kernel/title") > 0);
	assert_string_equal(f->text, "some text\n");
	assert_int_equal(read_file(f, "sys/kernel/secret"), -EACCES);
	assert_int_equal(read_file(f, "sys/kernel/strange"), -EIO);
	assert_int_equal(read_file(f, "sys/kernel/nothing"), -ENOENT);
	assert_string_equal(list(f, "sys/net"), "");
}

/* A directory that has itself, or what is above it, as a child. */
static void test_endless_depth(void **state)
{
	struct fixture *f = *state;

	put_link(f, TREE(KERNEL), 0, NODE(KERNEL));
	assert_string_equal(list(f, "sys/kernel"), "");
	assert_int_equal(read_file(f, "sys/kernel/kernel/kernel"), -ENOENT);
	synth_put64(f->g.s, SLOT(KERNEL) + 40, SLOT(KERNEL)); /* its own parent */
	assert_true(read_file(f, "sys/kernel/kernel") < 0);
}

static void test_endless_tree(void **state)
{
	struct fixture *f = *state;

	synth_put64(f->g.s, NODE(TITLE) + 8, NODE(ANSWER));
	assert_true(strlen(list(f, "sys/kernel")) < 4096);
	assert_int_equal(read_file(f, "sys/kernel/zzz"), -ENOENT);
	synth_put64(f->g.s, NODE(ANSWER) + 16, NODE(ANSWER));
	assert_true(strlen(list(f, "sys/kernel")) < 4096);
}

/* A node that its header doesn't know any more, and one whose table is going away. */
static void test_gone(void **state)
{
	struct fixture *f = *state;

	synth_put64(f->g.s, SLOT(ANSWER) + 48, NODE(TITLE));
	assert_int_equal(read_file(f, "sys/kernel/answer"), -ENOENT);
	synth_put64(f->g.s, SLOT(ANSWER) + 48, NODE(ANSWER));
	assert_true(read_file(f, "sys/kernel/answer") > 0);
	synth_put64(f->g.s, SLOT(ANSWER) + 16, 1);
	assert_string_equal(list(f, "sys/kernel"), "secret strange title ");
}

static void test_huge_length(void **state)
{
	struct fixture *f = *state;

	synth_put32(f->g.s, TABLE(ANSWER) + 16, 0x7fffffff);
	assert_true(read_file(f, "sys/kernel/answer") < (int64_t)sizeof(f->text));
	synth_put64(f->g.s, TABLE(ANSWER) + 8, 0xdead000000000000);
	assert_int_equal(read_file(f, "sys/kernel/answer"), -EIO);
	synth_put64(f->g.s, TABLE(TITLE) + 8, 0xdead000000000000);
	assert_int_equal(read_file(f, "sys/kernel/title"), -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_values, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_depth, setup, teardown),
		cmocka_unit_test_setup_teardown(test_endless_tree, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gone, setup, teardown),
		cmocka_unit_test_setup_teardown(test_huge_length, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

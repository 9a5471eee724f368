// SPDX-License-Identifier: MIT
/* Walk, open files and listings over a tree in memory, with what a hostile guest could answer. */
#include "vfs/vfs.h"

#include <errno.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "memfs.h"
#include "vfs/seq_file.h"

static struct base_alloc alloc;

static int tree_up(void **state)
{
	base_alloc_init(&alloc, 256 << 20);
	struct memfs *fs = memfs_create(&alloc);

	memfs_file(fs, "version", "Linux version 6.1\n");
	memfs_file(fs, "1/stat", "1 (init) S 0\n");
	memfs_add(fs, "1/exe", MEMFS_MAGIC_LINK, "/usr/bin/init", 13);
	memfs_add(fs, "1/fd/0", MEMFS_MAGIC_LINK, "socket:[17]", 11);
	memfs_add(fs, "1/root", MEMFS_MAGIC_LINK, "/", 1);
	memfs_file(fs, "1/net/tcp", "sl\n");
	memfs_add(fs, "net", MEMFS_FOLLOW_LINK, "self/net", 8)->target = memfs_dir(fs, "1/net");
	memfs_link(fs, "rel", "1/stat");
	memfs_link(fs, "reldir", "1/net/");
	memfs_link(fs, "1/up", "../version");
	memfs_link(fs, "abs", "/etc/passwd");
	memfs_link(fs, "out", "../etc/passwd");
	memfs_link(fs, "loop", "loop");
	memfs_link(fs, "ping", "1/../pong");
	memfs_link(fs, "pong", "ping/x");
	memfs_link(fs, "dangling", "none");
	memfs_link(fs, "empty", "");
	*state = fs;
	return 0;
}

static int tree_down(void **state)
{
	struct memfs *fs = *state;

	assert_int_equal(fs->enters, fs->leaves);
	memfs_destroy(fs);
	assert_int_equal(alloc.used, 0);
	return 0;
}

static void test_walk(void **state)
{
	static const struct {
		const char *path;
		unsigned int flags;
		int result;
		const char *canonical; /* of what is found */
		const char *outside;
	} cases[] = {
		{ ".", 0, 0, "" },
		{ "/", 0, 0, "" },
		{ "version", 0, 0, "version" },
		{ "/version", 0, 0, "version" },
		{ "///1//./stat", 0, 0, "1/stat" },
		{ "1/", 0, 0, "1" },
		{ "1/.", 0, 0, "1" },
		{ "1/..", 0, 0, "" },
		{ "1/../1/net/../stat", 0, 0, "1/stat" },
		{ "net", 0, 0, "net" },
		{ "net/tcp", 0, 0, "net/tcp" },
		{ "net/", VFS_WALK_NOFOLLOW, 0, "net" },
		{ "net/..", 0, 0, "" },
		{ "rel", 0, 0, "1/stat" },
		{ "rel", VFS_WALK_NOFOLLOW, 0, "rel" },
		{ "reldir", 0, 0, "1/net" },
		{ "reldir/tcp", 0, 0, "1/net/tcp" },
		{ "1/up", 0, 0, "version" },
		{ "1/exe", VFS_WALK_NOFOLLOW, 0, "1/exe" },
		{ "", 0, -ENOENT },
		{ "none", 0, -ENOENT },
		{ "none/x", 0, -ENOENT },
		{ "dangling", 0, -ENOENT },
		{ "empty", 0, -ENOENT },
		{ "version/", 0, -ENOTDIR },
		{ "version/x", 0, -ENOTDIR },
		{ "version/.", 0, -ENOTDIR },
		{ "version/..", 0, -ENOTDIR },
		{ "rel/", 0, -ENOTDIR },
		{ "loop", 0, -ELOOP },
		{ "ping", 0, -ELOOP },
		{ "loop/x", VFS_WALK_NOFOLLOW, -ELOOP },
		{ "abs", 0, 0, NULL, "/etc/passwd" },
		{ "abs/x/y", 0, 0, NULL, "/etc/passwd/x/y" },
		{ "out", 0, 0, NULL, "../etc/passwd" },
		{ "../x", 0, 0, NULL, "../x" },
		{ "1/../..", 0, 0, NULL, ".." },
		{ "1/exe", 0, 0, NULL, "/usr/bin/init" },
		{ "1/fd/0", 0, 0, NULL, "socket:[17]" },
		{ "1/root/etc", 0, 0, NULL, "//etc" },
	};
	struct memfs *fs = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct vfs_place p;
		int r = vfs_walk(fs->vfs, NULL, cases[i].path, cases[i].flags, &p);

		if (r != cases[i].result)
			print_error("%s\n", cases[i].path);
		assert_int_equal(r, cases[i].result);
		if (r)
			continue;
		assert_int_equal(p.kind, cases[i].canonical ? VFS_FOUND : VFS_OUTSIDE);
		assert_string_equal(p.path,
				    cases[i].canonical ? cases[i].canonical : cases[i].outside);
	}
}

static void test_walk_outside_link(void **state)
{
	struct memfs *fs = *state;
	struct vfs_place p;
	struct vfs_stat st;

	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/exe", 0, &p), 0);
	assert_true(p.at_end && p.link.ops);
	assert_int_equal(vfs_getattr_target(fs->vfs, &p.link, &st), 0);
	assert_true(S_ISREG(st.mode));
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/root/x", 0, &p), 0);
	assert_false(p.at_end);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "abs", 0, &p), 0);
	assert_int_equal(vfs_getattr_target(fs->vfs, &p.link, &st), -ENOENT);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "../x", 0, &p), 0);
	assert_null(p.link.ops);

	/* What it leads to is known, though its text is longer than anybody may read. */
	struct memfs_node *far = memfs_add(fs, "1/fd/9", MEMFS_MAGIC_LINK, "", 0);
	far->error = -ENAMETOOLONG;
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/fd/9", 0, &p), 0);
	assert_true(p.kind == VFS_OUTSIDE && p.at_end);
	assert_int_equal(p.link.key[0], (uintptr_t)far);
}

static void test_walk_base(void **state)
{
	struct memfs *fs = *state;
	struct vfs_place one, p;

	assert_int_equal(vfs_walk(fs->vfs, NULL, "1", 0, &one), 0);
	assert_int_equal(vfs_walk(fs->vfs, &one.node, "net/tcp", 0, &p), 0);
	assert_string_equal(p.path, "net/tcp");
	assert_int_equal(vfs_walk(fs->vfs, &one.node, "../version", 0, &p), 0);
	assert_int_equal(p.kind, VFS_OUTSIDE);
	assert_string_equal(p.path, "../version");
}

static void test_walk_long(void **state)
{
	struct memfs *fs = *state;
	struct vfs_place p;
	char name[VFS_NAME_MAX + 2], path[VFS_PATH_MAX + 1];

	memset(name, 'n', sizeof(name));
	name[VFS_NAME_MAX] = '\0';
	assert_int_equal(vfs_walk(fs->vfs, NULL, name, 0, &p), -ENOENT);
	name[VFS_NAME_MAX] = 'n';
	name[VFS_NAME_MAX + 1] = '\0';
	assert_int_equal(vfs_walk(fs->vfs, NULL, name, 0, &p), -ENAMETOOLONG);

	for (size_t i = 0; i < VFS_PATH_MAX; i++)
		path[i] = i % 2 ? '/' : '.';
	path[VFS_PATH_MAX - 1] = '\0';
	assert_int_equal(vfs_walk(fs->vfs, NULL, path, 0, &p), 0);
	path[VFS_PATH_MAX - 1] = '/';
	path[VFS_PATH_MAX] = '\0';
	assert_int_equal(vfs_walk(fs->vfs, NULL, path, 0, &p), -ENAMETOOLONG);

	/* A link as long as can be, with a rest that makes it too long. */
	for (size_t i = 0; i < VFS_PATH_MAX; i++)
		path[i] = i % 2 ? '/' : '.';
	memfs_add(fs, "long", MEMFS_LINK, path, VFS_PATH_MAX - 1);
	memfs_add(fs, "longer", MEMFS_LINK, path, VFS_PATH_MAX);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "long", 0, &p), 0);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "long/version", 0, &p), -ENAMETOOLONG);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "longer", 0, &p), -ENAMETOOLONG);
	memfs_add(fs, "nul", MEMFS_LINK, "1/\0stat", 7);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "nul", 0, &p), -ENAMETOOLONG);

	/* Deeper than any /proc. */
	char deep[2 * VFS_DEPTH_MAX + 8] = "";
	for (int i = 0; i < VFS_DEPTH_MAX + 1; i++)
		strcat(deep, i ? "/d" : "d");
	memfs_dir(fs, deep);
	assert_int_equal(vfs_walk(fs->vfs, NULL, deep, 0, &p), -ENAMETOOLONG);
	deep[strlen(deep) - 2] = '\0';
	assert_int_equal(vfs_walk(fs->vfs, NULL, deep, 0, &p), 0);
	assert_string_equal(p.path, deep);
}

static void test_epoch_refused(void **state)
{
	struct memfs *fs = *state;
	struct vfs_place p, version;
	struct vfs_stat st;
	struct vfs_file *f;
	char text[VFS_PATH_MAX];

	assert_int_equal(vfs_walk(fs->vfs, NULL, "version", 0, &version), 0);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/exe", VFS_WALK_NOFOLLOW, &p), 0);
	assert_int_equal(vfs_open(fs->vfs, &version.node, &f), 0);
	fs->enter_error = -EIO;
	struct vfs_node exe = p.node;
	assert_int_equal(vfs_walk(fs->vfs, NULL, "version", 0, &p), -EIO);
	assert_int_equal(vfs_getattr(fs->vfs, &version.node, &st), -EIO);
	assert_int_equal(vfs_getattr_target(fs->vfs, &exe, &st), -EIO);
	assert_int_equal(vfs_readlink(fs->vfs, &exe, text), -EIO);
	assert_int_equal(vfs_pread(f, text, 1, 0), -EIO);
	fs->enter_error = 0;
	assert_int_equal(vfs_pread(f, text, 1, 0), 1);
	vfs_close(f);
}

static void test_epoch_held(void **state)
{
	struct memfs *fs = *state;
	struct vfs_place p;
	struct vfs_stat st;
	unsigned int before = fs->enters;

	vfs_begin(fs->vfs);
	assert_int_equal(fs->enters, before);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/stat", 0, &p), 0);
	assert_int_equal(vfs_getattr(fs->vfs, &p.node, &st), 0);
	assert_int_equal(vfs_walk(fs->vfs, NULL, "none", 0, &p), -ENOENT);
	assert_int_equal(fs->enters, before + 1);
	assert_int_equal(fs->leaves, before);
	vfs_end(fs->vfs);
	assert_int_equal(fs->leaves, before + 1);

	/* One that needs nothing enters nothing; one that is refused may be tried again. */
	vfs_begin(fs->vfs);
	vfs_end(fs->vfs);
	assert_int_equal(fs->enters, before + 1);
	vfs_begin(fs->vfs);
	fs->enter_error = -EIO;
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/stat", 0, &p), -EIO);
	fs->enter_error = 0;
	assert_int_equal(vfs_walk(fs->vfs, NULL, "1/stat", 0, &p), 0);
	vfs_end(fs->vfs);
	assert_int_equal(fs->enters, before + 2);
	assert_int_equal(fs->leaves, before + 2);
}

static struct vfs_file *open_path(struct memfs *fs, const char *path)
{
	struct vfs_place p;
	struct vfs_file *f;

	assert_int_equal(vfs_walk(fs->vfs, NULL, path, 0, &p), 0);
	assert_int_equal(vfs_open(fs->vfs, &p.node, &f), 0);
	return f;
}

static int show_count(struct memfs_node *n, struct seq_file *m)
{
	seq_printf(m, "shown %u\n", n->shows);
	return 0;
}

static void test_read(void **state)
{
	struct memfs *fs = *state;
	struct memfs_node *n = memfs_file(fs, "count", "");
	struct vfs_file *f;
	char buf[64];

	n->show = show_count;
	f = open_path(fs, "count");
	assert_int_equal(n->shows, 0);
	assert_int_equal(vfs_pread(f, buf, 0, 0), 0);
	assert_int_equal(vfs_pread(f, buf, 3, 0), 3);
	assert_int_equal(vfs_pread(f, buf + 3, 60, 3), 5);
	assert_memory_equal(buf, "shown 1\n", 8);
	assert_int_equal(vfs_pread(f, buf, 60, 8), 0);
	assert_int_equal(vfs_pread(f, buf, 60, INT64_MAX), 0);
	assert_int_equal(vfs_pread(f, buf, 60, -1), -EINVAL);
	assert_int_equal(vfs_pread(f, buf, 60, 0), 8);
	assert_memory_equal(buf, "shown 2\n", 8);
	vfs_close(f);

	/* The content as a whole is what the reads see, not a new one. */
	f = open_path(fs, "count");
	const void *whole;
	size_t whole_size;
	assert_int_equal(vfs_pread(f, buf, 60, 0), 8);
	n->shows = 7;
	assert_int_equal(vfs_content(f, &whole, &whole_size), 0);
	assert_int_equal(whole_size, 8);
	assert_memory_equal(whole, "shown 3\n", 8);
	vfs_close(f);
	n->shows = 2;

	/* Begun in the middle. */
	f = open_path(fs, "count");
	assert_int_equal(vfs_pread(f, buf, 60, 6), 2);
	assert_memory_equal(buf, "3\n", 2);
	vfs_close(f);

	n->error = -ESRCH;
	f = open_path(fs, "count");
	assert_int_equal(vfs_pread(f, buf, 60, 0), -ESRCH);
	n->error = 0;
	assert_int_equal(vfs_pread(f, buf, 60, 0), 8);
	vfs_close(f);
	vfs_close(NULL);
}

enum {
	ROWS = 20000,
	ROW_SIZE = 12,
};

/* A listing in portions; `fails_at` says at which row, for once. */
static unsigned int fails_at = ROWS;

static int show_rows(struct memfs_node *n, struct seq_file *m)
{
	unsigned int *next = seq_rest(m, sizeof(*next));

	(void)n;
	if (!next)
		return 0;
	for (; *next < ROWS; ++*next) {
		if (seq_enough(m))
			return 0;
		if (*next == fails_at) {
			fails_at = ROWS;
			return -EIO;
		}
		seq_printf(m, "row %07u\n", *next);
	}
	seq_rest_done(m);
	return 0;
}

static bool is_rows(const char *text, size_t size, size_t offset)
{
	char row[32];

	for (size_t i = 0; i < size; i++) {
		snprintf(row, sizeof(row), "row %07zu\n", (offset + i) / ROW_SIZE);
		if (text[i] != row[(offset + i) % ROW_SIZE])
			return false;
	}
	return true;
}

static void assert_reads(struct vfs_file *f, size_t size, size_t offset, size_t expected)
{
	char *buf = test_malloc(size);

	assert_int_equal(vfs_pread(f, buf, size, (int64_t)offset), expected);
	assert_true(is_rows(buf, expected, offset));
	test_free(buf);
}

static void test_portions(void **state)
{
	static const size_t sizes[] = {1, 7, 4096, 65536, 200000, 1 << 20};
	const size_t all = ROWS * ROW_SIZE;
	struct memfs *fs = *state;
	struct memfs_node *n = memfs_file(fs, "rows", "");
	struct vfs_file *f, *other;
	const void *whole;
	size_t size;
	char c;

	n->show = show_rows;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		unsigned int enters;

		f = open_path(fs, "rows");
		enters = fs->enters;
		for (size_t at = 0; at < all; at += sizes[i])
			assert_reads(f, sizes[i], at, all - at < sizes[i] ? all - at : sizes[i]);
		assert_int_equal(vfs_pread(f, &c, 1, (int64_t)all), 0);
		assert_int_equal(fs->enters, enters + 1);
		vfs_close(f);
	}

	/* anywhere, and from the start again before the end */
	f = open_path(fs, "rows");
	assert_reads(f, 10, 100003, 10);
	assert_reads(f, 10, 5, 10);
	n->shows = 0;
	assert_reads(f, 10, 0, 10);
	assert_int_equal(n->shows, 1);
	assert_reads(f, 2 * all, all - 20, 20);
	assert_int_equal(vfs_pread(f, &c, 1, INT64_MAX), 0);

	/* all of it before another epoch begins, and nothing after that */
	assert_reads(f, 10, 0, 10);
	n->shows = 0;
	other = open_path(fs, "version");
	assert_int_equal(n->shows, 1);
	assert_int_equal(vfs_pread(other, &c, 1, 0), 1);
	assert_reads(f, 100, 200000, 100);
	assert_int_equal(n->shows, 1);
	vfs_close(other);

	/* the same within one epoch: two files of the kind, by turns */
	other = open_path(fs, "rows");
	vfs_begin(fs->vfs);
	assert_reads(f, 10, 0, 10);
	assert_reads(other, 10, 0, 10);
	assert_reads(f, 10, 200000, 10);
	assert_reads(other, 10, 200000, 10);
	vfs_end(fs->vfs);
	vfs_close(other);

	assert_reads(f, 10, 0, 10);
	assert_int_equal(vfs_content(f, &whole, &size), 0);
	assert_int_equal(size, all);
	assert_true(is_rows(whole, size, 0));

	assert_reads(f, 10, 0, 10);
	n->shows = 0;
	vfs_settle(fs->vfs);
	assert_int_equal(n->shows, 1);
	vfs_settle(fs->vfs);
	assert_int_equal(n->shows, 1);

	/* closed in the middle */
	assert_reads(f, 10, 0, 10);
	vfs_close(f);
	n->shows = 0;
	vfs_settle(fs->vfs);
	assert_int_equal(n->shows, 0);
}

static void test_portions_fail(void **state)
{
	struct memfs *fs = *state;
	struct vfs_file *f;
	const void *whole;
	size_t size;
	char buf[16];

	memfs_file(fs, "rows", "")->show = show_rows;
	f = open_path(fs, "rows");
	fails_at = 10000;
	assert_reads(f, 60000, 0, 60000);
	/* what there is can be read again, and the rest isn't made up of something else */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(vfs_pread(f, buf, 1, 120000), -EIO);
		assert_reads(f, 12, 48000, 12);
		assert_int_equal(vfs_content(f, &whole, &size), -EIO);
	}
	assert_reads(f, 10, 0, 10);
	assert_reads(f, 12, 120000, 12);
	fails_at = 0;
	assert_int_equal(vfs_pread(f, buf, 1, 0), -EIO);
	assert_reads(f, 10, 0, 10);
	vfs_close(f);
}

static void test_open_kinds(void **state)
{
	struct memfs *fs = *state;
	struct vfs_dirent e;
	struct vfs_place p;
	struct vfs_file *f;
	char c, text[VFS_PATH_MAX];

	assert_int_equal(vfs_walk(fs->vfs, NULL, "abs", VFS_WALK_NOFOLLOW, &p), 0);
	assert_int_equal(vfs_open(fs->vfs, &p.node, &f), -ELOOP);
	assert_int_equal(vfs_getxattr(fs->vfs, &p.node, false, "security.selinux", text),
			 -EOPNOTSUPP);
	f = open_path(fs, "1");
	assert_int_equal(vfs_pread(f, &c, 1, 0), -EISDIR);
	vfs_close(f);
	f = open_path(fs, "version");
	assert_int_equal(vfs_dirent_at(f, 0, &e), -ENOTDIR);
	vfs_close(f);
}

static int show_endless(struct memfs_node *n, struct seq_file *m)
{
	(void)n;
	while (!m->error)
		seq_puts(m, "and so on, ");
	return 0;
}

static int show_to_limit(struct memfs_node *n, struct seq_file *m)
{
	(void)n;
	char block[4096];

	memset(block, 'b', sizeof(block));
	for (size_t i = 0; i < m->limit / sizeof(block); i++)
		seq_write(m, block, sizeof(block));
	return 0;
}

static void test_content_limit(void **state)
{
	struct memfs *fs = *state;
	struct vfs_file *f;
	char c;

	alloc.limit = (size_t)3 << 28;
	memfs_file(fs, "endless", "")->show = show_endless;
	memfs_file(fs, "limit", "")->show = show_to_limit;
	f = open_path(fs, "endless");
	assert_int_equal(vfs_pread(f, &c, 1, 0), -EFBIG);
	vfs_close(f);
	f = open_path(fs, "limit");
	assert_int_equal(vfs_pread(f, &c, 1, 0), 1);
	assert_int_equal(vfs_pread(f, &c, 1, VFS_CONTENT_MAX - 1), 1);
	assert_int_equal(vfs_pread(f, &c, 1, VFS_CONTENT_MAX), 0);
	vfs_close(f);

	alloc.limit = 1 << 20;
	f = open_path(fs, "endless");
	assert_int_equal(vfs_pread(f, &c, 1, 0), -ENOMEM);
	vfs_close(f);
	alloc.limit = 256 << 20;
	f = open_path(fs, "version");
	assert_int_equal(vfs_pread(f, &c, 1, 0), 1);
	vfs_close(f);
}

static void test_listing(void **state)
{
	struct memfs *fs = *state;
	struct vfs_dirent e;
	struct vfs_file *f;
	static const char *const names[] = { ".", "..", "stat", "exe", "fd", "root", "net", "up" };

	f = open_path(fs, "1");
	for (uint64_t i = 0; i < 8; i++) {
		assert_int_equal(vfs_dirent_at(f, i, &e), 1);
		assert_string_equal(e.name, names[i]);
		assert_true(e.ino);
	}
	assert_int_equal(vfs_dirent_at(f, 8, &e), 0);
	assert_int_equal(vfs_dirent_at(f, UINT64_MAX, &e), 0);
	/* The list stays as it was until it is taken anew. */
	memfs_file(fs, "1/later", "");
	assert_int_equal(vfs_dirent_at(f, 8, &e), 0);
	assert_int_equal(vfs_dirent_at(f, 0, &e), 1);
	assert_int_equal(vfs_dirent_at(f, 8, &e), 1);
	assert_string_equal(e.name, "later");
	vfs_close(f);
}

static void test_listing_large(void **state)
{
	struct memfs *fs = *state;
	struct vfs_dirent e;
	struct vfs_file *f;
	char name[32];

	for (int i = 0; i < 100000; i++) {
		snprintf(name, sizeof(name), "big/%d", i);
		memfs_dir(fs, name);
	}
	f = open_path(fs, "big");
	for (int i = 0; i < 100000; i++) {
		assert_int_equal(vfs_dirent_at(f, (uint64_t)i + 2, &e), 1);
		assert_int_equal(atoi(e.name), i);
		assert_int_equal(e.type, 4);
	}
	assert_int_equal(vfs_dirent_at(f, 100002, &e), 0);
	vfs_close(f);

	/* The same with too little memory: an error, not half a list. */
	alloc.limit = alloc.used + (1 << 20);
	f = open_path(fs, "big");
	assert_int_equal(vfs_dirent_at(f, 2, &e), -ENOMEM);
	vfs_close(f);
}

static int op_dir_getattr(void *fs, const struct vfs_node *n, struct vfs_stat *ret)
{
	(void)fs;
	(void)n;
	ret->mode = S_IFDIR | 0555;
	return 0;
}

static int op_readdir_hostile(void *fs, const struct vfs_node *n, struct vfs_dir_sink *sink)
{
	static const char long_name[VFS_NAME_MAX + 1] = { [0 ... VFS_NAME_MAX] = 'l' };

	(void)fs;
	sink->emit(sink, "a/b", 3, 1, 4);
	sink->emit(sink, "", 0, 1, 4);
	sink->emit(sink, "a\0b", 3, 1, 4);
	sink->emit(sink, long_name, VFS_NAME_MAX + 1, 1, 4);
	sink->emit(sink, long_name, VFS_NAME_MAX, 1, 4);
	if (n->key[0])
		while (sink->emit(sink, "endless", 7, 1, 4))
			;
	return 0;
}

static void test_listing_hostile(void **state)
{
	static const struct vfs_node_ops ops = {
		.getattr = op_dir_getattr,
		.readdir = op_readdir_hostile,
	};
	struct vfs_node node = { .ops = &ops };
	struct vfs *v = vfs_create(&alloc, NULL, NULL, &node);
	struct vfs_place p;
	struct vfs_dirent e;
	struct vfs_file *f;

	(void)state;
	assert_int_equal(vfs_walk(v, NULL, "x", 0, &p), -ENOENT);
	assert_int_equal(vfs_open(v, &node, &f), 0);
	assert_int_equal(vfs_dirent_at(f, 2, &e), 1);
	assert_int_equal(strlen(e.name), VFS_NAME_MAX);
	assert_int_equal(vfs_dirent_at(f, 3, &e), 0);
	vfs_close(f);
	node.key[0] = 1;
	alloc.limit = (size_t)2 << 30;
	assert_int_equal(vfs_open(v, &node, &f), 0);
	assert_int_equal(vfs_dirent_at(f, 0, &e), -ENOMEM);
	vfs_close(f);
	vfs_destroy(v);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, tree_up, tree_down)
	const struct CMUnitTest tests[] = {
		T(test_walk),	     T(test_walk_outside_link), T(test_walk_base),
		T(test_walk_long),   T(test_epoch_refused),	T(test_read),
		T(test_epoch_held),  T(test_portions),		T(test_portions_fail),
		T(test_open_kinds),  T(test_content_limit),	T(test_listing),
		T(test_listing_large), T(test_listing_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

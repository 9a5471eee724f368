// SPDX-License-Identifier: MIT
/* A tree in memory behind the vfs, for tests. The key of a vfs node is its memfs_node's address. */
#include "memfs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "vfs/seq_file.h"

static struct memfs_node *of(const struct vfs_node *n)
{
	return (struct memfs_node *)(uintptr_t)n->key[0];
}

static void *must(void *p)
{
	if (!p) {
		fprintf(stderr, "memfs: out of memory\n");
		abort();
	}
	return p;
}

static unsigned int hash_of(const struct memfs_node *dir, const char *name, size_t name_size)
{
	unsigned int h = (unsigned int)dir->ino * 2654435761U;

	for (size_t i = 0; i < name_size; i++)
		h = h * 31 + (unsigned char)name[i];
	return (h ^ h >> 15) & ((1U << 12) - 1);
}

static struct memfs_node *child_find(struct memfs *fs, const struct memfs_node *dir,
				     const char *name, size_t name_size)
{
	struct memfs_node *n = fs->hash[hash_of(dir, name, name_size)];

	while (n && !(n->parent == dir && strlen(n->name) == name_size &&
		      !memcmp(n->name, name, name_size)))
		n = n->hash_next;
	return n;
}

static int op_getattr(void *fs, const struct vfs_node *v, struct vfs_stat *ret)
{
	struct memfs_node *n = of(v);

	*ret = (struct vfs_stat){
		.mode = n->mode,
		.nlink = n->kind == MEMFS_DIR ? 2 : 1,
		.dev = 0x2a,
		.ino = n->ino,
		.size = n->size_shown,
		.atime_ns = ((struct memfs *)fs)->time_ns,
		.mtime_ns = ((struct memfs *)fs)->time_ns,
		.ctime_ns = ((struct memfs *)fs)->time_ns,
	};
	return 0;
}

static int op_lookup(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
		     struct vfs_node *ret)
{
	struct memfs_node *n;

	if (of(dir)->error)
		return of(dir)->error;
	n = child_find(fs, of(dir), name, name_size);
	if (!n)
		return -ENOENT;
	*ret = memfs_vfs_node(n);
	return 0;
}

static int op_readdir(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink)
{
	(void)fs;
	if (of(dir)->error)
		return of(dir)->error;
	for (struct memfs_node *n = of(dir)->children; n; n = n->sibling)
		if (!sink->emit(sink, n->name, strlen(n->name), n->ino,
				(uint8_t)((n->mode & S_IFMT) >> 12)))
			break;
	return 0;
}

static int op_show(void *fs, const struct vfs_node *v, struct seq_file *m)
{
	struct memfs_node *n = of(v);

	(void)fs;
	n->shows++;
	if (n->error)
		return n->error;
	if (n->show)
		return n->show(n, m);
	seq_write(m, n->data, n->size);
	return 0;
}

static int op_readlink(void *fs, const struct vfs_node *v, char buf[VFS_PATH_MAX])
{
	(void)fs;
	if (of(v)->error)
		return of(v)->error;
	memcpy(buf, of(v)->data, of(v)->size < VFS_PATH_MAX ? of(v)->size : VFS_PATH_MAX);
	return (int)of(v)->size;
}

static int op_follow(void *fs, const struct vfs_node *v, struct vfs_node *ret)
{
	(void)fs;
	if (!of(v)->target)
		return -ENOENT;
	*ret = memfs_vfs_node(of(v)->target);
	return 0;
}

static int op_getattr_target(void *fs, const struct vfs_node *v, struct vfs_stat *ret)
{
	int r = op_getattr(fs, v, ret);

	ret->mode = of(v)->target_mode;
	ret->ino += 1000000;
	return r;
}

static const struct vfs_node_ops dir_ops = {
	.getattr = op_getattr,
	.lookup = op_lookup,
	.readdir = op_readdir,
};

static const struct vfs_node_ops file_ops = {
	.getattr = op_getattr,
	.show = op_show,
};

static const struct vfs_node_ops link_ops = {
	.getattr = op_getattr,
	.readlink = op_readlink,
};

static const struct vfs_node_ops follow_link_ops = {
	.getattr = op_getattr,
	.readlink = op_readlink,
	.follow = op_follow,
};

static const struct vfs_node_ops magic_link_ops = {
	.getattr = op_getattr,
	.readlink = op_readlink,
	.getattr_target = op_getattr_target,
};

static const struct vfs_node_ops *const kind_ops[] = {
	[MEMFS_DIR] = &dir_ops,
	[MEMFS_FILE] = &file_ops,
	[MEMFS_LINK] = &link_ops,
	[MEMFS_FOLLOW_LINK] = &follow_link_ops,
	[MEMFS_MAGIC_LINK] = &magic_link_ops,
};

static int op_enter(void *p)
{
	struct memfs *fs = p;

	if (fs->enter_error)
		return fs->enter_error;
	fs->enters++;
	return 0;
}

static void op_leave(void *fs)
{
	((struct memfs *)fs)->leaves++;
}

const struct vfs_fs_ops memfs_fs_ops = {
	.enter = op_enter,
	.leave = op_leave,
};

struct vfs_node memfs_vfs_node(struct memfs_node *n)
{
	return (struct vfs_node){ .ops = kind_ops[n->kind], .key = { (uintptr_t)n } };
}

struct memfs *memfs_create(struct base_alloc *alloc)
{
	struct memfs *fs = must(calloc(1, sizeof(*fs)));
	struct vfs_node root;

	fs->root.kind = MEMFS_DIR;
	fs->root.mode = S_IFDIR | 0555;
	fs->root.ino = ++fs->inos;
	fs->time_ns = 1700000000123456789;
	root = memfs_vfs_node(&fs->root);
	fs->vfs = must(vfs_create(alloc, &memfs_fs_ops, fs, &root));
	return fs;
}

static void children_free(struct memfs_node *dir)
{
	for (struct memfs_node *n = dir->children, *next; n; n = next) {
		next = n->sibling;
		children_free(n);
		free(n->name);
		free(n->data);
		free(n);
	}
}

void memfs_destroy(struct memfs *fs)
{
	if (!fs)
		return;
	vfs_destroy(fs->vfs);
	children_free(&fs->root);
	free(fs);
}

static uint32_t kind_mode(enum memfs_kind kind)
{
	return kind == MEMFS_DIR ? S_IFDIR | 0555 : kind == MEMFS_FILE ? S_IFREG | 0444 :
								 S_IFLNK | 0777;
}

static struct memfs_node *child_add(struct memfs *fs, struct memfs_node *dir, const char *name,
				    size_t name_size, enum memfs_kind kind)
{
	struct memfs_node *n = must(calloc(1, sizeof(*n)));
	struct memfs_node **bucket = &fs->hash[hash_of(dir, name, name_size)];

	n->kind = kind;
	n->name = must(strndup(name, name_size));
	n->parent = dir;
	n->mode = kind_mode(kind);
	n->target_mode = S_IFREG | 0644;
	n->ino = ++fs->inos;
	n->hash_next = *bucket;
	*bucket = n;
	if (dir->last_child)
		dir->last_child->sibling = n;
	else
		dir->children = n;
	dir->last_child = n;
	return n;
}

struct memfs_node *memfs_add(struct memfs *fs, const char *path, enum memfs_kind kind,
			     const void *data, size_t size)
{
	struct memfs_node *dir = &fs->root, *n;

	for (;;) {
		size_t name_size = strcspn(path, "/");
		bool last = !path[name_size];

		n = child_find(fs, dir, path, name_size);
		if (!n)
			n = child_add(fs, dir, path, name_size, last ? kind : MEMFS_DIR);
		if (last)
			break;
		dir = n;
		path += name_size + 1;
	}
	if (data) {
		n->data = must(malloc(size + 1));
		memcpy(n->data, data, size);
		n->data[size] = '\0';
		n->size = size;
	}
	return n;
}

struct memfs_node *memfs_dir(struct memfs *fs, const char *path)
{
	return memfs_add(fs, path, MEMFS_DIR, NULL, 0);
}

struct memfs_node *memfs_file(struct memfs *fs, const char *path, const char *text)
{
	return memfs_add(fs, path, MEMFS_FILE, text, strlen(text));
}

struct memfs_node *memfs_link(struct memfs *fs, const char *path, const char *text)
{
	return memfs_add(fs, path, MEMFS_LINK, text, strlen(text));
}

/* SPDX-License-Identifier: MIT */
/*
 * A tree in memory behind the vfs, for tests: of the vfs itself and of the doors on top of it.
 */
#ifndef SCW_VFS_TESTS_MEMFS_H
#define SCW_VFS_TESTS_MEMFS_H

#include "vfs/vfs.h"

enum memfs_kind {
	MEMFS_DIR,
	MEMFS_FILE,
	MEMFS_LINK,	   /* ordinary: the text leads on */
	MEMFS_FOLLOW_LINK, /* leads to `target` by follow */
	MEMFS_MAGIC_LINK,  /* has getattr_target: a file in the guest */
};

struct memfs_node {
	enum memfs_kind kind;
	char *name;
	struct memfs_node *parent, *children, *last_child, *sibling, *hash_next;
	char *data; /* content or link text */
	size_t size;
	uint32_t mode; /* with the type */
	uint32_t target_mode; /* of a magic link's target */
	int error; /* what each operation on it fails with; 0: none */
	struct memfs_node *target;
	/* Instead of data: prints the content. */
	int (*show)(struct memfs_node *n, struct seq_file *m);
	unsigned int shows; /* times the content was taken */
	uint64_t ino;
	int64_t size_shown; /* st_size */
};

struct memfs {
	struct memfs_node root;
	struct memfs_node *hash[1 << 12];
	uint64_t inos;
	unsigned int enters, leaves;
	int enter_error;
	struct vfs *vfs;
	int64_t time_ns;
};

extern const struct vfs_fs_ops memfs_fs_ops;

/* Heap; with its vfs in `vfs`. Ends the process when out of memory. */
struct memfs *memfs_create(struct base_alloc *alloc);
void memfs_destroy(struct memfs *fs);

/* `path` from the root, without leading '/'; missing directories are made. */
struct memfs_node *memfs_add(struct memfs *fs, const char *path, enum memfs_kind kind,
			     const void *data, size_t size);
struct memfs_node *memfs_dir(struct memfs *fs, const char *path);
struct memfs_node *memfs_file(struct memfs *fs, const char *path, const char *text);
struct memfs_node *memfs_link(struct memfs *fs, const char *path, const char *text);
struct vfs_node memfs_vfs_node(struct memfs_node *n);

#endif

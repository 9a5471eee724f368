/* SPDX-License-Identifier: MIT */
/*
 * A read-only file system made of functions: nodes are small values (an ops table and a key), so
 * nothing is allocated per file that exists, only per file that is open. Doors (libc, FUSE, the
 * enclave's system calls) sit on top; procfs is the tree below. Errors are negative errno values,
 * as file operations show them. Not thread-safe: a door serialises calls on one struct vfs.
 */
#ifndef SCW_VFS_VFS_H
#define SCW_VFS_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "vfs/calls.h"

/* The folder of a /proc, which it doesn't list, with what it knows of /sys: module/. */
#define VFS_SYSFS ".sys"

enum {
	VFS_NAME_MAX = 255,
	VFS_PATH_MAX = 4096, /* with the NUL; link texts too */
	VFS_KEY_WORDS = 4,
	VFS_LINKS_MAX = 40, /* symbolic links followed in one walk */
	VFS_DEPTH_MAX = 64, /* components of a place below the walk's base */
	VFS_CONTENT_MAX = 1 << 28, /* bytes of one open file */
	VFS_ENTRIES_MAX = 1 << 23, /* entries of one directory (PIDs are below 2^22) */
};

struct vfs;
struct vfs_node_ops;
struct seq_file;

/*
 * One file: what it is (ops), which one (key: pid, fd, address, table row ... as the ops choose).
 * Copied freely. Two nodes are the same file if ops and keys are equal.
 */
struct vfs_node {
	const struct vfs_node_ops *ops;
	uint64_t key[VFS_KEY_WORDS];
};

/* What stat shows; st_mode holds type and permissions. Times in nanoseconds since 1970. */
struct vfs_stat {
	uint32_t mode;
	uint32_t nlink;
	uint32_t uid, gid;
	uint64_t dev, rdev, ino;
	int64_t size;
	int64_t blocks;
	int64_t atime_ns, mtime_ns, ctime_ns;
};

struct vfs_dirent {
	char name[VFS_NAME_MAX + 1];
	uint64_t ino;
	uint8_t type; /* DT_DIR, DT_REG, DT_LNK, ... */
};

/*
 * Takes one directory entry; false stops the listing (out of room, which vfs turns into -ENOMEM).
 * A name that no look-up could find (empty, over-long, with '/' or NUL) is left out.
 */
struct vfs_dir_sink {
	bool (*emit)(struct vfs_dir_sink *s, const char *name, size_t name_size, uint64_t ino,
		     uint8_t type);
};

/*
 * What a kind of node can do. `fs` is what vfs_create() was given. A NULL op is "not this kind of
 * file" (lookup/readdir: not a directory; show: not a regular file; readlink: not a link).
 * Kinds: exactly one of {lookup + readdir}, show, readlink is set.
 */
struct vfs_node_ops {
	/* Required. Attributes of the node itself (of a link: the link's). 0 or -errno. */
	int (*getattr)(void *fs, const struct vfs_node *n, struct vfs_stat *ret);

	/* Directory: the child called `name` (no '/', not "." or ".."). 0, -ENOENT or -errno. */
	int (*lookup)(void *fs, const struct vfs_node *dir, const char *name, size_t name_size,
		      struct vfs_node *ret);

	/* Directory: all children but "." and "..", in the order the kernel lists them. */
	int (*readdir)(void *fs, const struct vfs_node *dir, struct vfs_dir_sink *sink);

	/*
	 * Regular file: its whole content, written to `m`, or a portion (vfs/seq_file.h): then it is called again
	 * for the next, without enter() and in the same epoch. 0 or -errno (as open or read shows it).
	 */
	int (*show)(void *fs, const struct vfs_node *n, struct seq_file *m);

	/* Link: its text, not NUL-terminated, at most VFS_PATH_MAX - 1 bytes. Length or -errno. */
	int (*readlink)(void *fs, const struct vfs_node *n, char buf[VFS_PATH_MAX]);

	/*
	 * Link, optional: where it leads inside this file system without going by its text (as
	 * /proc/net does). -ENOENT from here means: outside (the text decides, the door's business).
	 * ".." in the target leads back to where the link is.
	 */
	int (*follow)(void *fs, const struct vfs_node *n, struct vfs_node *ret);

	/*
	 * Link, optional: attributes of what a magic link (fd/N, exe, cwd, root, ns/X) leads to in the
	 * guest, for stat() through it: the file itself lives in the guest and can't be opened here.
	 */
	int (*getattr_target)(void *fs, const struct vfs_node *n, struct vfs_stat *ret);

	/*
	 * Optional: the extended attribute `name` of the node itself or, of a magic link with
	 * `target` set, of what it leads to (system.sockprotoname of a socket). Its value, at most
	 * VFS_PATH_MAX bytes. Size, -ENODATA or -errno. NULL: no node of this kind has any.
	 */
	int (*getxattr)(void *fs, const struct vfs_node *n, bool target, const char *name,
			char buf[VFS_PATH_MAX]);
};

/*
 * Around each operation that may read the guest, so that one call sees one epoch: enter() before,
 * leave() after; enter's -errno is the operation's. Either may be NULL.
 */
struct vfs_fs_ops {
	int (*enter)(void *fs);
	void (*leave)(void *fs);

	/* Optional: what vfs/calls.h asks; inside enter() and leave(). NULL: -ENOSYS. */
	int (*task)(void *fs, int tid, struct vfs_task *ret);
	int (*task_exists)(void *fs, int tgid, int tid);
	int (*tasks)(void *fs, enum vfs_tasks_of what, int id, struct vfs_tasks *ret);
	int (*numbers)(void *fs, int first, struct vfs_numbers *ret);
	int (*machine)(void *fs, struct vfs_machine *ret);
	int (*interface)(void *fs, const char *name, uint32_t nth, struct vfs_interface *ret);
	int (*netlink)(void *fs, const struct vfs_netlink_question *q, struct seq_file *m);
	int (*socket_device)(void *fs, uint64_t *ret);
};

/* A file system rooted at `root`. `alloc` and `fs` are borrowed. NULL when out of memory. */
struct vfs *vfs_create(struct base_alloc *alloc, const struct vfs_fs_ops *ops, void *fs,
		       const struct vfs_node *root);
void vfs_destroy(struct vfs *v);

enum vfs_walk_flags {
	VFS_WALK_NOFOLLOW = 1, /* a link at the end of the path is the answer */
};

/*
 * Where a walk ended. VFS_FOUND: `node`, and in `path` its canonical path below the walk's base,
 * without leading '/' ("" is the base). VFS_OUTSIDE: the way led out of this file system, by a
 * symbolic link (then link.ops is set: an absolute text, or a magic link, one that has
 * getattr_target, whose text is only for show), or by ".." above the base (link.ops is NULL).
 * `path` is what is left to go: the link's text and what came after it, or the rest beginning with
 * "..", relative to the base.
 */
struct vfs_place {
	enum { VFS_FOUND, VFS_OUTSIDE } kind;
	struct vfs_node node;
	struct vfs_node link;
	bool at_end; /* VFS_OUTSIDE: the link was the last component (so getattr_target may answer) */
	char path[VFS_PATH_MAX];
};

/*
 * Walk `path` from `base` (NULL: the root). Empty components and "." are skipped; a trailing '/'
 * demands a directory. 0 or -ENOENT, -ENOTDIR, -ELOOP, -ENAMETOOLONG, -errno of the ops.
 */
int vfs_walk(struct vfs *v, const struct vfs_node *base, const char *path, unsigned int flags,
	     struct vfs_place *ret);

/*
 * Between these, the calls on `v` see one epoch: enter() comes with the first that needs it, leave()
 * with vfs_end(). For a door's call that takes several of the vfs's. Not to be nested.
 */
void vfs_begin(struct vfs *v);
void vfs_end(struct vfs *v);

int vfs_getattr(struct vfs *v, const struct vfs_node *n, struct vfs_stat *ret);
int vfs_readlink(struct vfs *v, const struct vfs_node *n, char buf[VFS_PATH_MAX]);
int vfs_getattr_target(struct vfs *v, const struct vfs_node *n, struct vfs_stat *ret);

/* -EOPNOTSUPP where the node has no attributes at all. */
int vfs_getxattr(struct vfs *v, const struct vfs_node *n, bool target, const char *name,
		 char buf[VFS_PATH_MAX]);

/*
 * An open file: the content (or listing) as it was at one epoch, taken when it is first read and
 * again when a read starts at offset 0 after the end was reached or the position was set back to 0
 * (as seq_file does: rewinding /proc/uptime shows a new time). Of a file that comes in portions, the rest is taken
 * when it is read, but before any other epoch begins.
 */
struct vfs_file;
int vfs_open(struct vfs *v, const struct vfs_node *n, struct vfs_file **ret);
void vfs_close(struct vfs_file *f);

/* Bytes read (0 at the end) or -errno; -EISDIR on a directory. */
int64_t vfs_pread(struct vfs_file *f, void *buf, size_t size, int64_t offset);

/*
 * Take in what is left of a file that was read in part: before a fork(), whose child can't go on with what the
 * parent has asked for.
 */
void vfs_settle(struct vfs *v);

/*
 * The whole content as the reads see it, taken now if it has not been. Valid until the next call on
 * `f`.
 */
int vfs_content(struct vfs_file *f, const void **ret, size_t *size_ret);

/*
 * Directory entries by position: 0 and 1 are "." and "..". 1 and *ret filled, 0 at the end, or
 * -errno. Position 0 takes the listing anew.
 */
int vfs_dirent_at(struct vfs_file *f, uint64_t position, struct vfs_dirent *ret);

#endif

/* SPDX-License-Identifier: MIT */
/* Names of the guest's open files, as links of /proc/PID show them (fs/d_path.c). */
#ifndef SCW_KLIB_PATH_H
#define SCW_KLIB_PATH_H

#include <stddef.h>

#include "klib/types_fs.h"

/* A struct path of the guest, copied. */
struct klib_path {
	struct vfsmount __guest *mnt;
	struct dentry __guest *dentry;
};

static inline struct klib_path klib_path_get(const struct path __guest *p)
{
	return (struct klib_path){ .mnt = p->mnt, .dentry = p->dentry };
}

/*
 * The root directory of the reader that we stand for: that of the first process of the initial PID
 * namespace.
 */
struct klib_path klib_reader_root(void);

/*
 * The path's text from `root`, with " (deleted)", or what file systems without a tree call it
 * ("pipe:[123]"). Not NUL-terminated; returns its length or -ENAMETOOLONG.
 */
int klib_d_path(const struct klib_path *path, const struct klib_path *root, char *buf, size_t size);

/*
 * The same for a mount's own path, without what file systems call it: -ENOENT where it can't be
 * reached from `root` (fs/d_path.c: __d_path()).
 */
int klib_path_below(const struct klib_path *path, const struct klib_path *root, char *buf,
		    size_t size);
/* The path within the file system, with "//deleted" behind it (dentry_path()). */
int klib_dentry_path(struct dentry __guest *dentry, char *buf, size_t size);
/* What a namespace's inode is called: "net:[4026531840]" (ns_dname(), nsfs_show_path()). */
int klib_ns_name(struct inode __guest *inode, char *buf, size_t size);

/* The path of a control group within its hierarchy, with a leading '/'; as above. */
int klib_cgroup_path(struct cgroup __guest *cgrp, char *buf, size_t size);
/* The path of `kn` below `root`, as above. */
int klib_kernfs_path(struct kernfs_node __guest *kn, struct kernfs_node __guest *root, char *buf,
		     size_t size);

/* The number that stat shows for a kernel's dev_t. */
static inline uint64_t klib_dev(uint32_t dev)
{
	uint64_t major = dev >> 20, minor = dev & 0xfffff;

	return (minor & 0xff) | major << 8 | (minor & ~0xffull) << 12;
}

#endif

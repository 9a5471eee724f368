// SPDX-License-Identifier: MIT
/*
 * Paths, written from their end to their beginning as the kernel does it. A step goes to the
 * parent directory, or from the root of a mount to where it is mounted; the number of steps is
 * bounded by the length of the path and, for mounts upon mounts, by KLIB_MOUNTS_MAX.
 */
#include "klib/path.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "klib/pid.h"

enum {
	KLIB_MOUNTS_MAX = 4096,
	KLIB_NAME_MAX = 255,
};

/* Filled from the end: `at` is where the text begins. */
struct prepend {
	char *buf;
	size_t at;
	bool full;
};

static void prepend(struct prepend *p, const char *s, size_t size)
{
	if (size > p->at) {
		p->full = true;
		return;
	}
	p->at -= size;
	memcpy(p->buf + p->at, s, size);
}

static bool prepend_guest(struct prepend *p, const void __guest *s, size_t size)
{
	if (size > p->at) {
		p->full = true;
		return false;
	}
	p->at -= size;
	return guest_read(p->buf + p->at, s, size);
}

/* Move the text to the front of its buffer, which has `size` bytes. */
static int prepended(struct prepend *p, size_t size)
{
	if (p->full)
		return -ENAMETOOLONG;
	memmove(p->buf, p->buf + p->at, size - p->at);
	return (int)(size - p->at);
}

static struct mount __guest *real_mount(struct vfsmount __guest *mnt)
{
	return container_of(mnt, struct mount, mnt);
}

/* Was `root` reached? */
static bool prepend_path(struct prepend *p, const struct klib_path *path,
			 const struct klib_path *root)
{
	struct dentry __guest *dentry = path->dentry;
	struct vfsmount __guest *vfsmnt = path->mnt;
	struct mount __guest *mnt = real_mount(vfsmnt);
	struct guest_bound b = GUEST_BOUND(KLIB_MOUNTS_MAX + 4096);
	size_t end = p->at;

	while (!guest_eq(dentry, root->dentry) || !guest_eq(vfsmnt, root->mnt)) {
		struct dentry __guest *parent = dentry->d_parent;
		uint32_t len;

		if (!guest_more_at(&b, dentry))
			break;
		if (guest_eq(dentry, vfsmnt->mnt_root)) {
			struct mount __guest *up = mnt->mnt_parent;

			if (guest_eq(up, mnt) || !up)
				break; /* the top: unreachable from `root`, and shown like this */
			dentry = mnt->mnt_mountpoint;
			mnt = up;
			vfsmnt = &mnt->mnt;
			continue;
		}
		if (guest_eq(dentry, parent)) {
			p->at = end; /* it left the mount that it is reached by */
			break;
		}
		len = dentry->d_name.len;
		if (len > KLIB_NAME_MAX) {
			guest_fault(dentry);
			break;
		}
		if (!prepend_guest(p, dentry->d_name.name, len))
			break;
		prepend(p, "/", 1);
		dentry = parent;
	}
	if (p->at == end)
		prepend(p, "/", 1);
	return guest_eq(dentry, root->dentry) && guest_eq(vfsmnt, root->mnt);
}

/* The static functions that name the inodes of file systems without a tree. */
extern const char __guest pipefs_dname[], sockfs_dname[], anon_inodefs_dname[], simple_dname[],
	ns_dname[], pidfs_dname[], dmabuffs_dname[];

#define IS_DNAME(fn, name) (guest_has_symbol(name) && guest_eq(fn, name))

static size_t name_of(struct dentry __guest *d, char *buf, size_t size)
{
	uint32_t len = d->d_name.len;

	if (len > size || !guest_read(buf, d->d_name.name, len))
		return 0;
	return len;
}

int klib_ns_name(struct inode __guest *inode, char *buf, size_t size)
{
	struct ns_common __guest *ns =
		guest_ptr(struct ns_common, guest_addr(inode->i_private));
	const struct proc_ns_operations __guest *ops =
		guest_ptr(struct proc_ns_operations, guest_addr(ns->ops));
	char name[KLIB_NAME_MAX + 1];

	guest_strncpy(name, ops->name, sizeof(name));
	return snprintf(buf, size, "%s:[%lu]", name, inode->i_ino);
}

/* Length of the text, or 0 when we don't know the function: the path's text is the next best. */
static int dynamic_name(struct dentry __guest *d, void __guest *fn, char *buf, size_t size)
{
	char name[KLIB_NAME_MAX + 1];
	size_t len;
	int n = 0;

	if (IS_DNAME(fn, pipefs_dname)) {
		n = snprintf(buf, size, "pipe:[%lu]", d->d_inode->i_ino);
	} else if (IS_DNAME(fn, sockfs_dname)) {
		n = snprintf(buf, size, "socket:[%lu]", d->d_inode->i_ino);
	} else if (IS_DNAME(fn, ns_dname)) {
		n = klib_ns_name(d->d_inode, buf, size);
	} else if (IS_DNAME(fn, pidfs_dname)) {
		n = snprintf(buf, size, "anon_inode:[pidfd]");
	} else if (IS_DNAME(fn, anon_inodefs_dname)) {
		len = name_of(d, name, KLIB_NAME_MAX);
		name[len] = '\0';
		n = snprintf(buf, size, "anon_inode:%s", name);
	} else if (IS_DNAME(fn, simple_dname)) {
		len = name_of(d, name, KLIB_NAME_MAX);
		name[len] = '\0';
		n = snprintf(buf, size, "/%s (deleted)", name);
	}
	return n;
}

int klib_d_path(const struct klib_path *path, const struct klib_path *root, char *buf, size_t size)
{
	struct prepend p = { .buf = buf, .at = size };
	const struct dentry_operations __guest *op = path->dentry->d_op;
	void __guest *fn = op ? op->d_dname : NULL;
	bool is_root = guest_eq(path->dentry->d_parent, path->dentry);

	if (fn && (!is_root || !guest_eq(path->dentry, path->mnt->mnt_root))) {
		int n = dynamic_name(path->dentry, fn, buf, size);

		if (n)
			return (size_t)n < size ? n : -ENAMETOOLONG;
	}
	if (!is_root && guest_is_null(path->dentry->d_hash.pprev))
		prepend(&p, " (deleted)", 10);
	prepend_path(&p, path, root);
	return prepended(&p, size);
}

int klib_path_below(const struct klib_path *path, const struct klib_path *root, char *buf,
		    size_t size)
{
	struct prepend p = { .buf = buf, .at = size };

	return prepend_path(&p, path, root) ? prepended(&p, size) : -ENOENT;
}

int klib_dentry_path(struct dentry __guest *dentry, char *buf, size_t size)
{
	struct prepend p = { .buf = buf, .at = size };
	struct guest_bound b = GUEST_BOUND(4096);
	struct dentry __guest *parent = dentry->d_parent;

	if (!guest_eq(dentry, parent) && guest_is_null(dentry->d_hash.pprev))
		prepend(&p, "//deleted", 9);
	size_t end = p.at;
	while (!guest_eq(dentry, parent) && guest_more_at(&b, dentry)) {
		uint32_t len = dentry->d_name.len;

		if (len > KLIB_NAME_MAX) {
			guest_fault(dentry);
			break;
		}
		if (!prepend_guest(&p, dentry->d_name.name, len))
			break;
		prepend(&p, "/", 1);
		dentry = parent;
		parent = dentry->d_parent;
	}
	if (p.at == end)
		prepend(&p, "/", 1);
	return prepended(&p, size);
}

struct klib_path klib_reader_root(void)
{
	struct task_struct __guest *init = init_pid_ns.child_reaper;

	return klib_path_get(&init->fs->root);
}

int klib_cgroup_path(struct cgroup __guest *cgrp, char *buf, size_t size)
{
	return klib_kernfs_path(cgrp->kn, cgrp->root->cgrp.kn, buf, size);
}

int klib_kernfs_path(struct kernfs_node __guest *kn, struct kernfs_node __guest *root, char *buf,
		     size_t size)
{
	struct prepend p = { .buf = buf, .at = size };
	struct guest_bound b = GUEST_BOUND(4096);

	while (kn && !guest_eq(kn, root) && guest_more_at(&b, kn)) {
		char name[KLIB_NAME_MAX + 1];
		size_t len = guest_strncpy(name, kn->name, sizeof(name));

		prepend(&p, name, len);
		prepend(&p, "/", 1);
		kn = guest_has(struct kernfs_node, parent) ? kn->parent : kn->__parent;
	}
	if (p.at == size)
		prepend(&p, "/", 1);
	return prepended(&p, size);
}

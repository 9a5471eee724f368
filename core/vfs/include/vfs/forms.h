/* SPDX-License-Identifier: MIT */
/*
 * What a vfs holds in the forms in which Linux's calls on files show it: for doors, whose calls come
 * from a C library or from a program as it is.
 */
#ifndef SCW_VFS_FORMS_H
#define SCW_VFS_FORMS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vfs/calls.h"
#include "vfs/vfs.h"

struct stat;

enum {
	VFS_FORM_BLOCK = 1024,		/* st_blksize */
	VFS_FORM_PROC_MAGIC = 0x9fa0,	/* f_type of a /proc */
	VFS_FORM_LARGEFILE = 0100000,	/* O_LARGEFILE is 0 to 64-bit programs, but F_GETFL shows it */
};

/* struct statx as the kernel has it (include/uapi/linux/stat.h); not every C library declares it. */
struct vfs_form_statx {
	uint32_t mask, blksize;
	uint64_t attributes;
	uint32_t nlink, uid, gid;
	uint16_t mode, spare;
	uint64_t ino, size, blocks, attributes_mask;
	struct {
		int64_t sec;
		uint32_t nsec;
		int32_t spare;
	} atime, btime, ctime, mtime;
	uint32_t rdev_major, rdev_minor, dev_major, dev_minor;
	uint64_t spare2[14];
};
_Static_assert(sizeof(struct vfs_form_statx) == 256, "the kernel writes 256 bytes");

void vfs_form_stat(const struct vfs_stat *from, struct stat *ret);
void vfs_form_statx(const struct vfs_stat *from, struct vfs_form_statx *ret);

/*
 * getdents64() of an open directory from entry *pos on, which moves. Bytes filled, 0 at the end, or
 * -errno (-EINVAL: no room for one entry).
 */
int64_t vfs_form_dents(struct vfs_file *f, int64_t *pos, void *buf, size_t size);

/*
 * May open() with `flags` have what a walk found (0 and `place`) or why it found nothing (`error`)? As on
 * a file system mounted read-only: EROFS for what would write or create. 0 or -errno.
 */
int vfs_form_open_check(const struct vfs_place *place, int flags, int error);

/* What open() keeps of `flags` for F_GETFL. */
int vfs_form_open_flags(int flags);

/*
 * Terminals have fixed names and device numbers (Documentation/admin-guide/devices.txt), and ps
 * believes a name only after stat() of it. The attributes of the guest's terminal `path`, as far as
 * its name tells them; false: not the name of one.
 */
bool vfs_form_terminal(const char *path, struct vfs_stat *ret);

/* include/uapi/linux/sched/types.h, as of its first version: what sched_getattr() gives. */
struct vfs_form_sched_attr {
	uint32_t size, policy;
	uint64_t flags;
	int32_t nice;
	uint32_t priority;
	uint64_t runtime, deadline, period;
};
void vfs_form_sched_attr(const struct vfs_task *from, struct vfs_form_sched_attr *ret);

#endif

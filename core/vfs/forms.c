// SPDX-License-Identifier: MIT
/* The forms of Linux's calls on files and tasks: sched_getattr, stat, statx, getdents64, open's rules, names of terminals. */
#include "vfs/forms.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/checked.h"

enum {
	STATX_BASIC = 0x7ff,
	NSEC_PER_SEC = 1000000000,
};

static struct timespec to_timespec(int64_t ns)
{
	struct timespec ts = { .tv_sec = ns / NSEC_PER_SEC, .tv_nsec = ns % NSEC_PER_SEC };

	if (ts.tv_nsec < 0) {
		ts.tv_sec--;
		ts.tv_nsec += NSEC_PER_SEC;
	}
	return ts;
}

void vfs_form_stat(const struct vfs_stat *from, struct stat *ret)
{
	*ret = (struct stat){
		.st_dev = from->dev,
		.st_ino = from->ino,
		.st_nlink = from->nlink,
		.st_mode = from->mode,
		.st_uid = from->uid,
		.st_gid = from->gid,
		.st_rdev = from->rdev,
		.st_size = from->size,
		.st_blksize = VFS_FORM_BLOCK,
		.st_blocks = from->blocks,
		.st_atim = to_timespec(from->atime_ns),
		.st_mtim = to_timespec(from->mtime_ns),
		.st_ctim = to_timespec(from->ctime_ns),
	};
}

void vfs_form_statx(const struct vfs_stat *from, struct vfs_form_statx *ret)
{
	struct timespec a = to_timespec(from->atime_ns), c = to_timespec(from->ctime_ns),
			m = to_timespec(from->mtime_ns);

	*ret = (struct vfs_form_statx){
		.mask = STATX_BASIC,
		.blksize = VFS_FORM_BLOCK,
		.nlink = from->nlink,
		.uid = from->uid,
		.gid = from->gid,
		.mode = (uint16_t)from->mode,
		.ino = from->ino,
		.size = (uint64_t)from->size,
		.blocks = (uint64_t)from->blocks,
		.atime = { a.tv_sec, (uint32_t)a.tv_nsec, 0 },
		.ctime = { c.tv_sec, (uint32_t)c.tv_nsec, 0 },
		.mtime = { m.tv_sec, (uint32_t)m.tv_nsec, 0 },
		.rdev_major = major(from->rdev),
		.rdev_minor = minor(from->rdev),
		.dev_major = major(from->dev),
		.dev_minor = minor(from->dev),
	};
}

/* What getdents64 fills, packed. */
struct dents_head {
	uint64_t ino;
	int64_t off;
	uint16_t reclen;
	uint8_t type;
	char name[];
} __attribute__((packed));

int64_t vfs_form_dents(struct vfs_file *f, int64_t *pos, void *buf, size_t size)
{
	size_t used = 0;

	for (;;) {
		struct vfs_dirent e;
		int r = vfs_dirent_at(f, (uint64_t)*pos, &e);

		if (r <= 0)
			return used || !r ? (int64_t)used : r;
		size_t name_size = strlen(e.name) + 1;
		size_t need = (offsetof(struct dents_head, name) + name_size + 7) & ~7UL;
		if (size - used < need)
			return used ? (int64_t)used : -EINVAL;
		(*pos)++;
		struct dents_head *h = (struct dents_head *)((char *)buf + used);
		memset(h, 0, need);
		h->ino = e.ino;
		h->off = *pos;
		h->reclen = (uint16_t)need;
		h->type = e.type;
		memcpy(h->name, e.name, name_size);
		used += need;
	}
}

int vfs_form_open_check(const struct vfs_place *place, int flags, int error)
{
	bool creates = flags & O_CREAT;
	bool writes = (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC;

	if ((flags & O_TMPFILE) == O_TMPFILE)
		return error ? error : -EOPNOTSUPP;
	if (error == -ENOENT && creates)
		return -EROFS;
	if (error)
		return error;
	if (flags & O_PATH)
		return 0;
	if (creates && flags & O_EXCL)
		return -EEXIST;
	/* A file of the guest's own file systems or a socket of it: there, but not to be had here. */
	if (place->kind == VFS_OUTSIDE)
		return -EACCES;
	bool is_dir = place->node.ops->lookup || place->node.ops->readdir;
	if (is_dir && (creates || writes))
		return -EISDIR;
	if (!is_dir && flags & O_DIRECTORY)
		return -ENOTDIR;
	if (place->node.ops->readlink)
		return -ELOOP;
	return writes ? -EROFS : 0;
}

int vfs_form_open_flags(int flags)
{
	return (flags & ~(O_CLOEXEC | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC)) |
	       (flags & O_PATH ? 0 : VFS_FORM_LARGEFILE);
}

bool vfs_form_terminal(const char *path, struct vfs_stat *ret)
{
	static const struct {
		const char *prefix;
		unsigned int major, first_minor, count;
	} kinds[] = {
		{ "/dev/pts/", 136, 0, 1 << 20 },
		{ "/dev/ttyS", 4, 64, 192 },
		{ "/dev/tty", 4, 0, 64 },
		{ "/dev/hvc", 229, 0, 8 },
	};

	for (size_t i = 0; i < BASE_COUNT(kinds); i++) {
		size_t size = strlen(kinds[i].prefix);
		unsigned long number;
		char *end;

		if (strncmp(path, kinds[i].prefix, size) || path[size] < '0' || path[size] > '9')
			continue;
		number = strtoul(path + size, &end, 10);
		if (*end || number >= kinds[i].count)
			continue;
		*ret = (struct vfs_stat){
			.mode = S_IFCHR | 0620,
			.nlink = 1,
			.rdev = makedev(kinds[i].major, kinds[i].first_minor + number),
		};
		return true;
	}
	return false;
}

void vfs_form_sched_attr(const struct vfs_task *from, struct vfs_form_sched_attr *ret)
{
	enum { RESET_ON_FORK = 0x40000000 };
	int policy = from->policy & ~RESET_ON_FORK;
	bool has_nice = policy == SCHED_OTHER || policy == SCHED_BATCH || policy == SCHED_IDLE;

	*ret = (struct vfs_form_sched_attr){
		.size = sizeof(*ret),
		.policy = (uint32_t)policy,
		.flags = from->dl_flags | (from->policy & RESET_ON_FORK ? 1 : 0),
		.nice = has_nice ? from->nice : 0,
		.priority = (uint32_t)from->rt_priority,
		.runtime = from->dl_runtime,
		.deadline = from->dl_deadline,
		.period = from->dl_period,
	};
}

// SPDX-License-Identifier: MIT
/* Links of /proc/PID into the guest's files: exe, cwd, root, fd/N, ns/X. */
#include "ahead.h"
#include "pid.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "klib/cred.h"

enum {
	FDS_MAX = 1 << 24,
	FMODE_READ_BIT = 1,
	FMODE_WRITE_BIT = 2,
	LINK_MAX = 4095, /* a page with the NUL: do_proc_readlink() */
};

/* Whatever the guest says: an absurd time wraps. */
static int64_t nanoseconds(int64_t seconds, int64_t ns)
{
	return (int64_t)((uint64_t)seconds * 1000000000 + (uint64_t)ns);
}

extern const char __guest pidfs_getattr, anon_inode_getattr;

/* Since 6.9 pidfds have a type inside, which stat doesn't show. */
static bool hides_type(struct inode __guest *inode)
{
	void __guest *fn = guest_has_symbol(pidfs_getattr) || guest_has_symbol(anon_inode_getattr) ?
				   inode->i_op->getattr : NULL;

	return fn && ((guest_has_symbol(pidfs_getattr) && guest_eq(fn, &pidfs_getattr)) ||
		      (guest_has_symbol(anon_inode_getattr) && guest_eq(fn, &anon_inode_getattr)));
}

void proc_inode_stat(struct inode __guest *inode, struct vfs_stat *ret)
{
	struct super_block __guest *sb = inode->i_sb;

	ret->mode = inode->i_mode & (hides_type(inode) ? ~(uint32_t)S_IFMT : ~0u);
	ret->nlink = inode->i_nlink;
	ret->uid = from_kuid_munged(inode->i_uid.val);
	ret->gid = from_kgid_munged(inode->i_gid.val);
	ret->dev = klib_dev(sb->s_dev);
	ret->rdev = klib_dev(inode->i_rdev);
	ret->ino = inode->i_ino;
	ret->size = inode->i_size;
	ret->blocks = (int64_t)inode->i_blocks;
	if (guest_has(struct inode, i_mtime_sec)) {
		ret->atime_ns = nanoseconds(inode->i_atime_sec, inode->i_atime_nsec);
		ret->mtime_ns = nanoseconds(inode->i_mtime_sec, inode->i_mtime_nsec);
		ret->ctime_ns = nanoseconds(inode->i_ctime_sec, inode->i_ctime_nsec);
		return;
	}
	struct timespec64 __guest *a = guest_has(struct inode, __i_atime) ? &inode->__i_atime :
				       &inode->i_atime;
	struct timespec64 __guest *mt = guest_has(struct inode, __i_mtime) ? &inode->__i_mtime :
					&inode->i_mtime;
	struct timespec64 __guest *c = guest_has(struct inode, __i_ctime) ? &inode->__i_ctime :
				       &inode->i_ctime;
	ret->atime_ns = nanoseconds(a->tv_sec, a->tv_nsec);
	ret->mtime_ns = nanoseconds(mt->tv_sec, mt->tv_nsec);
	ret->ctime_ns = nanoseconds(c->tv_sec, c->tv_nsec);
}

static int path_link(const struct path __guest *path, char buf[VFS_PATH_MAX])
{
	struct klib_path p = klib_path_get(path), root = klib_reader_root();
	int size;

	if (!p.mnt || !p.dentry)
		return -ENOENT;
	size = klib_d_path(&p, &root, buf, LINK_MAX);
	return guest_faulted() ? -EIO : size;
}

static int path_target(const struct path __guest *path, struct vfs_stat *ret)
{
	struct dentry __guest *d = path->dentry;
	struct inode __guest *inode = d ? d->d_inode : NULL;

	if (!inode)
		return -ENOENT;
	proc_inode_stat(inode, ret);
	return guest_faulted() ? -EIO : 0;
}

/* ---- exe, cwd, root ---- */

static const struct path __guest *exe_path(const struct proc_item *it)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct file __guest *exe = mm ? mm->exe_file : NULL;

	return exe ? &exe->f_path : NULL;
}

static const struct path __guest *cwd_path(const struct proc_item *it)
{
	struct fs_struct __guest *fs = item_task(it)->fs;

	return fs ? &fs->pwd : NULL;
}

static const struct path __guest *root_path(const struct proc_item *it)
{
	struct fs_struct __guest *fs = item_task(it)->fs;

	return fs ? &fs->root : NULL;
}

#define PATH_LINK(name)                                                                            \
	int proc_pid_##name##_link(const struct proc_item *it, char buf[VFS_PATH_MAX])             \
	{                                                                                          \
		const struct path __guest *p = name##_path(it);                                    \
                                                                                                   \
		return p ? path_link(p, buf) : -ENOENT;                                            \
	}                                                                                          \
                                                                                                   \
	int proc_pid_##name##_target(const struct proc_item *it, struct vfs_stat *ret)             \
	{                                                                                          \
		const struct path __guest *p = name##_path(it);                                    \
                                                                                                   \
		return p ? path_target(p, ret) : -ENOENT;                                          \
	}
PATH_LINK(exe)
PATH_LINK(cwd)
PATH_LINK(root)

/* ---- fd/ and fdinfo/ ---- */

struct file __guest *proc_task_file(struct task_struct __guest *t, uint64_t fd)
{
	struct files_struct __guest *files = t->files;
	struct fdtable __guest *fdt = files ? files->fdt : NULL;

	return fdt && fd < fdt->max_fds && fd < FDS_MAX ? fdt->fd[fd] : NULL;
}

static const struct path __guest *fd_path(const struct proc_item *it)
{
	struct file __guest *f = proc_task_file(item_task(it), it->arg);

	return f ? &f->f_path : NULL;
}
PATH_LINK(fd)

/* net/socket.c: sockfs_xattr_get(). Other files' attributes are kept by their file systems. */
int proc_pid_fd_xattr(const struct proc_item *it, const char *name, char buf[VFS_PATH_MAX])
{
	enum { SOCKFS_MAGIC = 0x534f434b };
	const struct path __guest *path = fd_path(it);
	struct dentry __guest *d = path ? path->dentry : NULL;
	uint32_t len;

	if (!d)
		return -ENOENT;
	if (d->d_sb->s_magic != SOCKFS_MAGIC || strcmp(name, "system.sockprotoname") != 0)
		return -EOPNOTSUPP;
	len = d->d_name.len;
	if (len >= 255 || !guest_read(buf, d->d_name.name, len))
		return -EIO;
	buf[len] = '\0';
	return (int)len + 1;
}

/* A link's permissions tell how the file is open. */
static void fd_attr(const struct proc_item *it, struct vfs_stat *ret)
{
	struct file __guest *f = proc_task_file(item_task(it), it->arg);
	unsigned int mode = f ? f->f_mode : 0;

	ret->mode = S_IFLNK | (mode & FMODE_READ_BIT ? 0500 : 0) |
		    (mode & FMODE_WRITE_BIT ? 0300 : 0);
	ret->size = 64;
	proc_item_owner(it, 0, &ret->uid, &ret->gid);
}

static const struct proc_row fd_row = {
	.name = "FD", .mode = PROC_LNK(0700), .link = proc_pid_fd_link,
	.target = proc_pid_fd_target, .xattr = proc_pid_fd_xattr, .attr = fd_attr,
};

static const struct proc_row fdinfo_row = {
	.name = "FDINFO", .mode = PROC_REG(0444), .show = proc_pid_fdinfo_show,
};

static int fd_lookup(struct proc_item *it, const char *name, size_t name_size)
{
	int64_t fd = proc_name_to_int(name, name_size);

	if (fd < 0 || !proc_task_file(item_task(it), (uint64_t)fd))
		return -ENOENT;
	it->arg = (uint64_t)fd;
	return 0;
}

/* Looked at once: the guest may let it grow behind a second look. */
static unsigned int fds_of(struct fdtable __guest *fdt)
{
	unsigned int max = fdt->max_fds;

	return max < FDS_MAX ? max : FDS_MAX;
}

static int fd_list(const struct proc_item *it, struct proc_list *l, const struct proc_row *row)
{
	struct files_struct __guest *files;
	struct fdtable __guest *fdt;
	struct proc_item child = *it;
	unsigned int max;

	proc_ahead_files(it);
	files = item_task(it)->files;
	fdt = files ? files->fdt : NULL;
	if (!fdt)
		return 0;
	max = fds_of(fdt);
	struct guest_bound b = GUEST_BOUND(FDS_MAX);
	unsigned long __guest *open = fdt->open_fds;
	struct file __guest *__guest *files_of = fdt->fd;
	for (unsigned int fd = bitmap_next(open, 0, max); fd < max && guest_more(&b);
	     fd = bitmap_next(open, fd + 1, max)) {
		char name[16];
		int size;

		if (guest_faulted())
			return -EIO;
		if (!files_of[fd])
			continue; /* reserved: being opened */
		child.arg = fd;
		size = snprintf(name, sizeof(name), "%u", fd);
		if (!proc_list_emit(l, name, (size_t)size, &child, row))
			return -ENOMEM;
	}
	return 0;
}

static int fd_dir_lookup(struct proc_item *it, const char *name, size_t name_size,
			 const struct proc_row **row_ret)
{
	*row_ret = &fd_row;
	return fd_lookup(it, name, name_size);
}

static int fd_dir_list(const struct proc_item *it, struct proc_list *l)
{
	return fd_list(it, l, &fd_row);
}

static int fdinfo_dir_lookup(struct proc_item *it, const char *name, size_t name_size,
			     const struct proc_row **row_ret)
{
	*row_ret = &fdinfo_row;
	return fd_lookup(it, name, name_size);
}

static int fdinfo_dir_list(const struct proc_item *it, struct proc_list *l)
{
	return fd_list(it, l, &fdinfo_row);
}

const struct proc_dir proc_fd_dir = { .lookup = fd_dir_lookup, .list = fd_dir_list };
const struct proc_dir proc_fdinfo_dir = { .lookup = fdinfo_dir_lookup, .list = fdinfo_dir_list };

/* ---- map_files/: the areas that files are mapped to, by their addresses ---- */

enum {
	AREA_NAME_SIZE = 40,
};

static int area_name(struct vm_area_struct __guest *vma, char name[AREA_NAME_SIZE])
{
	return snprintf(name, AREA_NAME_SIZE, "%lx-%lx", vma->vm_start, vma->vm_end);
}

/* The area that begins at `start`, if a file is mapped there. */
static struct vm_area_struct __guest *area_at(const struct proc_item *it, uint64_t start)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct vm_area_struct __guest *vma;
	struct klib_vma_walk w;

	if (!mm)
		return NULL;
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w)) && vma->vm_start <= start) {
		if (vma->vm_start == start)
			return vma->vm_file ? vma : NULL;
	}
	return NULL;
}

static const struct path __guest *map_file_path(const struct proc_item *it)
{
	struct vm_area_struct __guest *vma = area_at(it, it->arg);

	return vma ? &vma->vm_file->f_path : NULL;
}

static int map_file_link(const struct proc_item *it, char buf[VFS_PATH_MAX])
{
	const struct path __guest *p = map_file_path(it);

	return p ? path_link(p, buf) : -ENOENT;
}

static int map_file_target(const struct proc_item *it, struct vfs_stat *ret)
{
	const struct path __guest *p = map_file_path(it);

	return p ? path_target(p, ret) : -ENOENT;
}

static void map_file_attr(const struct proc_item *it, struct vfs_stat *ret)
{
	struct vm_area_struct __guest *vma = area_at(it, it->arg);
	unsigned int mode = vma ? vma->vm_file->f_mode : 0;

	ret->mode = S_IFLNK | (mode & FMODE_READ_BIT ? 0400 : 0) |
		    (mode & FMODE_WRITE_BIT ? 0200 : 0);
	ret->size = 64;
	proc_item_owner(it, 0, &ret->uid, &ret->gid);
}

static const struct proc_row map_file_row = {
	.name = "MAP", .mode = PROC_LNK(0700), .link = map_file_link, .target = map_file_target,
	.attr = map_file_attr,
};

static int map_files_lookup(struct proc_item *it, const char *name, size_t name_size,
			    const struct proc_row **row_ret)
{
	struct vm_area_struct __guest *vma;
	char text[AREA_NAME_SIZE];
	uint64_t start = 0;

	for (size_t i = 0; i < name_size && i < 16 && name[i] != '-'; i++) {
		char c = name[i];

		if (!(c >= '0' && c <= '9') && !(c >= 'a' && c <= 'f'))
			return -ENOENT;
		start = start << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	vma = area_at(it, start);
	/* only as it is listed */
	if (!vma || area_name(vma, text) != (int)name_size || memcmp(text, name, name_size) != 0)
		return -ENOENT;
	it->arg = start;
	*row_ret = &map_file_row;
	return 0;
}

static int map_files_list(const struct proc_item *it, struct proc_list *l)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	struct vm_area_struct __guest *vma;
	struct proc_item child = *it;
	struct klib_vma_walk w;

	if (!mm)
		return 0;
	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		struct guest_record r = guest_record_begin();
		char name[AREA_NAME_SIZE];
		bool file = vma->vm_file;
		int size = area_name(vma, name);

		child.arg = vma->vm_start;
		if (guest_record_end(&r) && file &&
		    !proc_list_emit(l, name, (size_t)size, &child, &map_file_row))
			return -ENOMEM;
	}
	return 0;
}

const struct proc_dir proc_map_files_dir = { .lookup = map_files_lookup, .list = map_files_list };

extern const char __guest proc_fd_getattr;

void proc_fd_dir_attr(const struct proc_item *it, struct vfs_stat *ret)
{
	struct files_struct __guest *files = item_task(it)->files;
	struct fdtable __guest *fdt = files ? files->fdt : NULL;
	int64_t count = 0;

	if (!guest_has_symbol(proc_fd_getattr) || !fdt)
		return;
	unsigned int max = fds_of(fdt);
	unsigned long __guest *open = fdt->open_fds;
	for (unsigned int at = 0; at < max; at += 64)
		count += __builtin_popcountll(open[at / 64]);
	ret->size = count;
}

/* ---- ns/: fs/proc/namespaces.c, fs/nsfs.c ---- */

extern struct vfsmount __guest *__guest nsfs_mnt;

static int ns_link(struct ns_common __guest *ns, const char *name, char buf[VFS_PATH_MAX])
{
	if (guest_is_null(ns))
		return -ENOENT;
	return snprintf(buf, VFS_PATH_MAX, "%s:[%u]", name, ns->inum);
}

static int ns_target(struct ns_common __guest *ns, struct vfs_stat *ret)
{
	if (guest_is_null(ns))
		return -ENOENT;
	*ret = (struct vfs_stat){
		.mode = PROC_REG(0444),
		.nlink = 1,
		.ino = ns->inum,
		.dev = guest_has_symbol(nsfs_mnt) ? klib_dev(nsfs_mnt->mnt_sb->s_dev) : 0,
	};
	return 0;
}

GUEST_TYPES_BEGIN
struct net {
	struct ns_common ns;
};
GUEST_TYPES_END

#define PROXY_NS(fn, member)                                                                       \
	static struct ns_common __guest *fn##_ns(const struct proc_item *it)                       \
	{                                                                                          \
		struct nsproxy __guest *p = item_task(it)->nsproxy;                                \
                                                                                                   \
		return p && p->member ? &p->member->ns : NULL;                                     \
	}
PROXY_NS(net, net_ns)
PROXY_NS(uts, uts_ns)
PROXY_NS(ipc, ipc_ns)
PROXY_NS(pid_for_children, pid_ns_for_children)
PROXY_NS(mnt, mnt_ns)
PROXY_NS(cgroup, cgroup_ns)
PROXY_NS(time, time_ns)
PROXY_NS(time_for_children, time_ns_for_children)

static struct ns_common __guest *pid_ns(const struct proc_item *it)
{
	struct pid __guest *pid = guest_ptr(struct pid, it->pid);
	struct upid __guest *upid = pid->numbers;

	return &(upid + pid->level)->ns->ns;
}

static struct ns_common __guest *user_ns(const struct proc_item *it)
{
	return &item_task(it)->real_cred->user_ns->ns;
}

#define NS_FILE(fn, text)                                                                          \
	static int fn##_link(const struct proc_item *it, char buf[VFS_PATH_MAX])                   \
	{                                                                                          \
		return ns_link(fn##_ns(it), text, buf);                                            \
	}                                                                                          \
	static int fn##_target(const struct proc_item *it, struct vfs_stat *ret)                   \
	{                                                                                          \
		return ns_target(fn##_ns(it), ret);                                                \
	}
NS_FILE(net, "net")
NS_FILE(uts, "uts")
NS_FILE(ipc, "ipc")
NS_FILE(pid, "pid")
NS_FILE(pid_for_children, "pid")
NS_FILE(user, "user")
NS_FILE(mnt, "mnt")
NS_FILE(cgroup, "cgroup")
NS_FILE(time, "time")
NS_FILE(time_for_children, "time")

static bool has_time_ns(const struct proc_item *it)
{
	(void)it;
	return guest_has(struct nsproxy, time_ns);
}

#define NS_ROW(fn, has) { .name = #fn, .mode = PROC_LNK(0777), .link = fn##_link,                  \
			  .target = fn##_target, .present = has }

const struct proc_row proc_ns_rows[] = {
	NS_ROW(net, NULL),
	NS_ROW(uts, NULL),
	NS_ROW(ipc, NULL),
	NS_ROW(pid, NULL),
	NS_ROW(pid_for_children, NULL),
	NS_ROW(user, NULL),
	NS_ROW(mnt, NULL),
	NS_ROW(cgroup, NULL),
	NS_ROW(time, has_time_ns),
	NS_ROW(time_for_children, has_time_ns),
	{ 0 }
};

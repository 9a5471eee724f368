// SPDX-License-Identifier: MIT
/* What a file is: stat, access, links, file systems, attributes; and the working directory. */
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "vfs/forms.h"

int door_target_getattr(struct door_target *t, struct vfs_stat *ret)
{
	struct vfs_place *p = t->place;

	if (t->error)
		return t->error;
	if (p->kind == VFS_FOUND)
		return vfs_getattr(door_vfs(), &p->node, ret);
	return p->at_end ? vfs_getattr_target(door_vfs(), &p->link, ret) : -EACCES;
}

static int target_stat(struct door_target *t, struct stat *st)
{
	struct vfs_stat got;
	int r = door_target_getattr(t, &got);

	if (!r)
		vfs_form_stat(&got, st);
	return r;
}

static unsigned int at_flags(int flags)
{
	return (flags & AT_SYMLINK_NOFOLLOW ? DOOR_NOFOLLOW : 0) |
	       (flags & AT_EMPTY_PATH ? DOOR_EMPTY_PATH : 0);
}

/*
 * `fd` is a socket, whose device is looked for among those of the guest's processes (fuser -n tcp), so it is the guest's. Not of
 * standard streams, which every program asks about.
 */
static bool guest_socket(int fd, uint64_t *device)
{
	return fd > STDERR_FILENO && !door_socket_device(device);
}

static int host_fstat(int fd, struct stat *st)
{
	int r = REAL(fstat)(fd, st);
	uint64_t device;

	if (!r && S_ISSOCK(st->st_mode) && guest_socket(fd, &device))
		st->st_dev = device;
	return r;
}

DOOR_API int scw_fstat(int fd, struct stat *st)
{
	struct door_file *f;
	struct vfs_stat got;

	if (!door_fd_take(fd, &f))
		return host_fstat(fd, st);
	if (!f)
		return -1;
	int r = vfs_getattr(door_vfs(), &f->node, &got);
	if (!r)
		vfs_form_stat(&got, st);
	return (int)door_done(r);
}

/* What the host said of `path`, or, when it has no such file, what is known of a terminal. */
static int host_stat(int result, const char *path, struct stat *st)
{
	struct vfs_stat got;

	if (__builtin_expect(result == 0, 1) || errno != ENOENT || door_off || !path ||
	    strncmp(path, "/dev/", 5))
		return result;
	if (!vfs_form_terminal(path, &got)) {
		errno = ENOENT;
		return -1;
	}
	vfs_form_stat(&got, st);
	return 0;
}

DOOR_API int scw_fstatat(int dirfd, const char *path, struct stat *st, int flags)
{
	struct door_target t;

	if (path && !*path && flags & AT_EMPTY_PATH && dirfd >= 0)
		return scw_fstat(dirfd, st);
	if (!door_resolve(&t, dirfd, path, at_flags(flags)))
		return host_stat(REAL(fstatat)(t.dirfd, t.path, st, flags), t.path, st);
	return (int)door_target_done(&t, target_stat(&t, st));
}

DOOR_API int scw_stat(const char *path, struct stat *st)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return host_stat(REAL(stat)(t.path, st), t.path, st);
	return (int)door_target_done(&t, target_stat(&t, st));
}

DOOR_API int scw_lstat(const char *path, struct stat *st)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, DOOR_NOFOLLOW))
		return host_stat(REAL(lstat)(t.path, st), t.path, st);
	return (int)door_target_done(&t, target_stat(&t, st));
}

#ifdef __GLIBC__
DOOR_ALIAS(int, scw_stat64, (const char *path, struct stat64 *st), scw_stat)
DOOR_ALIAS(int, scw_lstat64, (const char *path, struct stat64 *st), scw_lstat)
DOOR_ALIAS(int, scw_fstat64, (int fd, struct stat64 *st), scw_fstat)
DOOR_ALIAS(int, scw_fstatat64, (int dirfd, const char *path, struct stat64 *st, int flags),
	   scw_fstatat)

/* The names behind stat() in programs built before glibc 2.33; `version` is 1 on this machine. */
DOOR_API int scw___xstat(int version, const char *path, struct stat *st);
int scw___xstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return scw_stat(path, st);
}

DOOR_API int scw___lxstat(int version, const char *path, struct stat *st);
int scw___lxstat(int version, const char *path, struct stat *st)
{
	(void)version;
	return scw_lstat(path, st);
}

DOOR_API int scw___fxstat(int version, int fd, struct stat *st);
int scw___fxstat(int version, int fd, struct stat *st)
{
	(void)version;
	return scw_fstat(fd, st);
}

DOOR_API int scw___fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags);
int scw___fxstatat(int version, int dirfd, const char *path, struct stat *st, int flags)
{
	(void)version;
	return scw_fstatat(dirfd, path, st, flags);
}

DOOR_ALIAS(int, scw___xstat64, (int version, const char *path, struct stat64 *st), scw___xstat)
DOOR_ALIAS(int, scw___lxstat64, (int version, const char *path, struct stat64 *st), scw___lxstat)
DOOR_ALIAS(int, scw___fxstat64, (int version, int fd, struct stat64 *st), scw___fxstat)
DOOR_ALIAS(int, scw___fxstatat64,
	   (int version, int dirfd, const char *path, struct stat64 *st, int flags), scw___fxstatat)
#endif

static int host_statx(int dirfd, const char *path, int flags, unsigned int mask, void *st)
{
#ifdef __GLIBC__
	return REAL(statx)(dirfd, path, flags, mask, st);
#else
	return (int)REAL(syscall)(SYS_statx, dirfd, path, flags, mask, st);
#endif
}

DOOR_API int scw_statx(int dirfd, const char *path, int flags, unsigned int mask, void *st)
{
	struct vfs_form_statx *x = st;
	struct door_target t;
	struct door_file *f;
	struct vfs_stat got;
	uint64_t device;
	int r;

	if (path && !*path && flags & AT_EMPTY_PATH && dirfd >= 0) {
		if (!door_fd_take(dirfd, &f)) {
			r = host_statx(dirfd, path, flags, mask, st);
			if (!r && S_ISSOCK(x->mode) && guest_socket(dirfd, &device)) {
				x->dev_major = major(device);
				x->dev_minor = minor(device);
			}
			return r;
		}
		if (!f)
			return -1;
		r = vfs_getattr(door_vfs(), &f->node, &got);
		if (!r)
			vfs_form_statx(&got, st);
		return (int)door_done(r);
	}
	if (!door_resolve(&t, dirfd, path, at_flags(flags)))
		return host_statx(t.dirfd, t.path, flags, mask, st);
	r = door_target_getattr(&t, &got);
	if (!r)
		vfs_form_statx(&got, st);
	return (int)door_target_done(&t, r);
}

/* As root on a read-only file system. */
static int target_access(struct door_target *t, int mode)
{
	struct vfs_stat st;
	int r;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	r = door_target_getattr(t, &st);
	if (r)
		return r;
	if (mode & W_OK && (S_ISDIR(st.mode) || S_ISREG(st.mode)))
		return -EROFS;
	if (mode & X_OK && S_ISREG(st.mode) && !(st.mode & 0111))
		return -EACCES;
	return 0;
}

DOOR_API int scw_faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct door_target t;

	if (!door_resolve(&t, dirfd, path, at_flags(flags)))
		return REAL(faccessat)(t.dirfd, t.path, mode, flags);
	return (int)door_target_done(&t, target_access(&t, mode));
}

DOOR_API int scw_access(const char *path, int mode);
int scw_access(const char *path, int mode)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(access)(t.path, mode);
	return (int)door_target_done(&t, target_access(&t, mode));
}

DOOR_API int scw_euidaccess(const char *path, int mode);
int scw_euidaccess(const char *path, int mode)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(euidaccess)(t.path, mode);
	return (int)door_target_done(&t, target_access(&t, mode));
}
DOOR_ALIAS(int, scw_eaccess, (const char *path, int mode), scw_euidaccess)

static ssize_t copy_link(const char *prefix, const char *text, char *buf, size_t size)
{
	char full[VFS_PATH_MAX + 16];
	size_t n = (size_t)snprintf(full, sizeof(full), "%s%s", prefix, text);

	if (n > size)
		n = size;
	memcpy(buf, full, n);
	return (ssize_t)n;
}

/* The tool's own links that lead to the guest: /proc/self/fd/N and cwd. 0: no such. */
static ssize_t own_link(const char *path, char *buf, size_t size)
{
	struct door_file *f;
	ssize_t n = 0;
	char *end;

	if (strncmp(path, "/proc/self/", 11) == 0)
		path += 11;
	else if (strncmp(path, "/dev/fd/", 8) == 0)
		path += 5;
	else
		return 0;
	if (!strcmp(path, "cwd") && door_cwd_is_guest && door_lock()) {
		if (door_cwd())
			n = copy_link(*door_cwd() ? "/proc/" : "/proc", door_cwd(), buf, size);
		door_unlock();
	} else if (!strncmp(path, "fd/", 3) && path[3] >= '0' && path[3] <= '9') {
		long fd = strtol(path + 3, &end, 10);

		if (!*end && fd < INT32_MAX && door_fd_take((int)fd, &f) && f) {
			n = copy_link(*f->path ? "/proc/" : "/proc", f->path, buf, size);
			door_unlock();
		}
	}
	return n;
}

static ssize_t node_readlink(const struct vfs_node *node, char *buf, size_t size)
{
	static char text[VFS_PATH_MAX]; /* under the lock */
	int n;

	n = vfs_readlink(door_vfs(), node, text);
	if (n < 0)
		return n;
	if ((size_t)n > size)
		n = (int)size;
	memcpy(buf, text, (size_t)n);
	return n;
}

DOOR_API ssize_t scw_readlinkat(int dirfd, const char *path, char *buf, size_t size)
{
	struct door_file *f;
	struct door_target t;
	ssize_t n;

	if (path && !*path && door_fd_take(dirfd, &f))
		return f ? door_done(f->is_path && f->node.ops->readlink ?
					     node_readlink(&f->node, buf, size) :
					     -ENOENT) :
			   -1;
	if (!door_resolve(&t, dirfd, path, DOOR_NOFOLLOW)) {
		n = t.path ? own_link(t.path, buf, size) : 0;
		return n ? n : REAL(readlinkat)(t.dirfd, t.path, buf, size);
	}
	if (!size)
		t.error = -EINVAL; /* what the kernel looks at first */
	return door_target_done(&t, t.error ? t.error : node_readlink(&t.place->node, buf, size));
}

DOOR_API ssize_t scw_readlink(const char *path, char *buf, size_t size);
ssize_t scw_readlink(const char *path, char *buf, size_t size)
{
	return scw_readlinkat(AT_FDCWD, path, buf, size);
}

static void to_statfs(struct statfs *sf)
{
	*sf = (struct statfs){
		.f_type = VFS_FORM_PROC_MAGIC,
		.f_bsize = 4096,
		.f_namelen = VFS_NAME_MAX,
		.f_frsize = 4096,
		.f_flags = 0x20 /* valid */ | ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC,
	};
}

static void to_statvfs(struct statvfs *sf)
{
	*sf = (struct statvfs){
		.f_bsize = 4096,
		.f_frsize = 4096,
		.f_namemax = VFS_NAME_MAX,
		.f_flag = ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC,
	};
}

/*
 * Who knows the guest's mounts asks for the sizes of these (df). What this host has at such a path is nothing that one would want to
 * take for it.
 */
static bool is_of_mount(void)
{
	if (!__atomic_load_n(&door_mounts_read, __ATOMIC_RELAXED) || door_is_host())
		return false;
	errno = EACCES;
	return true;
}

DOOR_API int scw_statfs(const char *path, struct statfs *sf)
{
	struct door_target t;
	struct vfs_stat st;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return is_of_mount() ? -1 : REAL(statfs)(t.path, sf);
	int r = door_target_getattr(&t, &st);
	if (!r)
		to_statfs(sf);
	return (int)door_target_done(&t, r);
}

DOOR_API int scw_fstatfs(int fd, struct statfs *sf)
{
	if (!door_fd_maybe(fd))
		return REAL(fstatfs)(fd, sf);
	to_statfs(sf);
	return 0;
}

DOOR_API int scw_statvfs(const char *path, struct statvfs *sf);
int scw_statvfs(const char *path, struct statvfs *sf)
{
	struct door_target t;
	struct vfs_stat st;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return is_of_mount() ? -1 : REAL(statvfs)(t.path, sf);
	int r = door_target_getattr(&t, &st);
	if (!r)
		to_statvfs(sf);
	return (int)door_target_done(&t, r);
}

DOOR_API int scw_fstatvfs(int fd, struct statvfs *sf);
int scw_fstatvfs(int fd, struct statvfs *sf)
{
	if (!door_fd_maybe(fd))
		return REAL(fstatvfs)(fd, sf);
	to_statvfs(sf);
	return 0;
}

#ifdef __GLIBC__
DOOR_ALIAS(int, scw_statfs64, (const char *path, struct statfs64 *sf), scw_statfs)
DOOR_ALIAS(int, scw_fstatfs64, (int fd, struct statfs64 *sf), scw_fstatfs)
DOOR_ALIAS(int, scw_statvfs64, (const char *path, struct statvfs64 *sf), scw_statvfs)
DOOR_ALIAS(int, scw_fstatvfs64, (int fd, struct statvfs64 *sf), scw_fstatvfs)
#endif

/* The value of an attribute, by the rules of getxattr(): size 0 asks for the size. */
static ssize_t node_getxattr(const struct vfs_node *node, bool target, const char *name, void *value,
			     size_t size)
{
	static char text[VFS_PATH_MAX]; /* under the lock */
	int n = vfs_getxattr(door_vfs(), node, target, name, text);

	if (n < 0 || !size)
		return n;
	if ((size_t)n > size)
		return -ERANGE;
	memcpy(value, text, (size_t)n);
	return n;
}

static ssize_t target_getxattr(struct door_target *t, const char *name, void *value, size_t size)
{
	if (t->error)
		return t->error;
	if (t->place->kind == VFS_FOUND)
		return node_getxattr(&t->place->node, false, name, value, size);
	return t->place->at_end ? node_getxattr(&t->place->link, true, name, value, size) : -EACCES;
}

DOOR_API ssize_t scw_getxattr(const char *path, const char *name, void *value, size_t size)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(getxattr)(t.path, name, value, size);
	return door_target_done(&t, target_getxattr(&t, name, value, size));
}

DOOR_API ssize_t scw_lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	struct door_target t;

	if (!door_resolve(&t, AT_FDCWD, path, DOOR_NOFOLLOW))
		return REAL(lgetxattr)(t.path, name, value, size);
	return door_target_done(&t, target_getxattr(&t, name, value, size));
}

DOOR_API ssize_t scw_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(fgetxattr)(fd, name, value, size);
	return f ? door_done(node_getxattr(&f->node, false, name, value, size)) : -1;
}

DOOR_API ssize_t scw_listxattr(const char *path, char *list, size_t size);
ssize_t scw_listxattr(const char *path, char *list, size_t size)
{
	struct door_target t;
	struct vfs_stat st;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(listxattr)(t.path, list, size);
	return door_target_done(&t, door_target_getattr(&t, &st));
}

DOOR_API ssize_t scw_llistxattr(const char *path, char *list, size_t size);
ssize_t scw_llistxattr(const char *path, char *list, size_t size)
{
	struct door_target t;
	struct vfs_stat st;

	if (!door_resolve(&t, AT_FDCWD, path, DOOR_NOFOLLOW))
		return REAL(llistxattr)(t.path, list, size);
	return door_target_done(&t, door_target_getattr(&t, &st));
}

DOOR_API ssize_t scw_flistxattr(int fd, char *list, size_t size);
ssize_t scw_flistxattr(int fd, char *list, size_t size)
{
	return door_fd_maybe(fd) ? 0 : REAL(flistxattr)(fd, list, size);
}

/*
 * The working directory. While it is the guest's, the host's is an empty folder of its /proc, so
 * that what a program does by relative names past this library (mkdir, unlink ...) hits nothing.
 */
static int enter_guest_dir(const char *path)
{
	bool was_guest = door_cwd();
	int r = door_cwd_set(path);

	if (!r && !was_guest && REAL(chdir)("/proc/fs"))
		r = 0; /* no /proc on this host: the folder stays */
	return r;
}

static int leave_guest_dir(int r)
{
	if (!r && door_cwd_is_guest && door_lock()) {
		r = door_cwd_set(NULL);
		door_unlock();
	}
	return r;
}

DOOR_API int scw_chdir(const char *path)
{
	struct door_target t;
	int r;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return leave_guest_dir(REAL(chdir)(t.path));
	r = t.error;
	if (!r && t.place->kind == VFS_OUTSIDE)
		r = -EACCES;
	if (!r && !t.place->node.ops->lookup && !t.place->node.ops->readdir)
		r = -ENOTDIR;
	if (!r)
		r = enter_guest_dir(t.place->path);
	return (int)door_target_done(&t, r);
}

DOOR_API int scw_fchdir(int fd)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return leave_guest_dir(REAL(fchdir)(fd));
	return f ? (int)door_done(f->is_dir ? enter_guest_dir(f->path) : -ENOTDIR) : -1;
}

DOOR_API char *scw_getcwd(char *buf, size_t size)
{
	char full[VFS_PATH_MAX + 16];
	size_t need;

	if (!door_cwd_is_guest || !door_lock())
		return REAL(getcwd)(buf, size);
	if (!door_cwd()) {
		door_unlock();
		return REAL(getcwd)(buf, size);
	}
	need = (size_t)snprintf(full, sizeof(full), "%s%s", *door_cwd() ? "/proc/" : "/proc",
				door_cwd()) +
	       1;
	door_unlock();
	if (buf ? size < need : size && size < need) {
		errno = size ? ERANGE : EINVAL;
		return NULL;
	}
	if (!buf)
		buf = malloc(size ? size : need);
	return buf ? memcpy(buf, full, need) : NULL;
}

DOOR_API char *scw_get_current_dir_name(void);
char *scw_get_current_dir_name(void)
{
	return door_cwd_is_guest ? scw_getcwd(NULL, 0) : REAL(get_current_dir_name)();
}

#ifdef __GLIBC__
DOOR_API char *scw___getcwd_chk(char *buf, size_t size, size_t room);
char *scw___getcwd_chk(char *buf, size_t size, size_t room)
{
	if (size > room)
		__chk_fail();
	return scw_getcwd(buf, size);
}

DOOR_API ssize_t scw___readlink_chk(const char *path, char *buf, size_t size, size_t room);
ssize_t scw___readlink_chk(const char *path, char *buf, size_t size, size_t room)
{
	if (size > room)
		__chk_fail();
	return scw_readlink(path, buf, size);
}

DOOR_API ssize_t scw___readlinkat_chk(int dirfd, const char *path, char *buf, size_t size,
				      size_t room);
ssize_t scw___readlinkat_chk(int dirfd, const char *path, char *buf, size_t size, size_t room)
{
	if (size > room)
		__chk_fail();
	return scw_readlinkat(dirfd, path, buf, size);
}
#endif

// SPDX-License-Identifier: MIT
/* What a file is: stat, access, links, file systems, attributes; and the working directory. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "calls.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/proxy.h"
#include "trusted/runtime.h"
#include "vfs/forms.h"

enum {
	OWN_MAGIC = 0x01021994, /* of a tmpfs */
	TCGETS_REQUEST = 0x5401,
};

/* Under the lock: too large for the stack. */
static struct place at;

/*
 * A standard stream: what it is outside is the host's word, so no more of it is shown than a program
 * needs to choose how to buffer.
 */
static void stream_stat(int fd, unsigned int stream, struct vfs_stat *ret)
{
	uint8_t modes[ABI_TERMINAL_MODES];
	bool terminal = call_ioctl(fd, TCGETS_REQUEST, modes) == 0;

	*ret = (struct vfs_stat){
		.mode = terminal ? S_IFCHR | 0620 : S_IFIFO | 0600,
		.nlink = 1,
		.dev = 2,
		.ino = stream + 1,
		.rdev = terminal ? makedev(136, 0) : 0,
	};
}

/* Its device is looked for among those of the guest's processes (fuser -n tcp), so it is the guest's. */
static void socket_stat(struct vfs_stat *ret)
{
	struct vfs *v = trusted_vfs();

	*ret = (struct vfs_stat){ .mode = S_IFSOCK | 0777, .nlink = 1, .ino = 4 };
	if (!v || vfs_socket_device(v, &ret->dev))
		ret->dev = 2;
}

/* With the lock held; it isn't afterwards. */
static long file_stat(int fd, struct vfs_stat *ret)
{
	struct file *f = file_at(fd);
	bool is_stream = f && f->kind == FILE_STREAM;
	unsigned int stream = f ? f->stream : 0;
	long r = 0;

	if (!f)
		r = -EBADF;
	else if (f->kind == FILE_NOBODY)
		socket_stat(ret);
	else if (f->kind == FILE_PIPE)
		*ret = (struct vfs_stat){ .mode = S_IFIFO | 0600, .nlink = 1, .dev = 2, .ino = 5 };
	else if (!is_stream)
		r = vfs_getattr(f->vfs, &f->node, ret);
	layer_unlock();
	if (is_stream)
		stream_stat(fd, stream, ret);
	return r;
}

/* What the path leads to, or with AT_EMPTY_PATH and "" the descriptor. */
static long path_stat(int dirfd, const char *path, int flags, struct vfs_stat *ret)
{
	long r;

	if (!path || !trusted_readable(path, 1))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	if (!*path && flags & AT_EMPTY_PATH && dirfd != AT_FDCWD)
		return file_stat(dirfd, ret);
	if (!*path && !(flags & AT_EMPTY_PATH))
		r = -ENOENT;
	else
		r = path_resolve(dirfd, *path ? path : ".",
				 flags & AT_SYMLINK_NOFOLLOW ? PATH_NOFOLLOW : 0, &at);
	if (!r && at.file) {
		for (int fd = file_next_fd(0); fd >= 0; fd = file_next_fd(fd + 1))
			if (file_at(fd) == at.file)
				return file_stat(fd, ret);
		r = -ENOENT;
	} else if (!r) {
		r = place_getattr(&at, ret);
	}
	layer_unlock();
	/* a terminal of the guest, which isn't here, is known by its name */
	if (r == -ENOENT && *path == '/' && vfs_form_terminal(path, ret))
		r = 0;
	return r;
}

long call_fstat(int fd, struct stat *ret)
{
	struct vfs_stat st;
	long r;

	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	r = file_stat(fd, &st);
	if (!r)
		vfs_form_stat(&st, ret);
	return r;
}

long call_fstatat(int dirfd, const char *path, struct stat *ret, int flags)
{
	struct vfs_stat st;
	long r;

	if (flags & ~(AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT))
		return -EINVAL;
	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	r = path_stat(dirfd, path, flags, &st);
	if (!r)
		vfs_form_stat(&st, ret);
	return r;
}

long call_statx(int dirfd, const char *path, int flags, unsigned int mask, void *ret)
{
	struct vfs_stat st;
	long r;

	(void)mask; /* all that there is, always */
	if (!trusted_writable(ret, sizeof(struct vfs_form_statx)))
		return -EFAULT;
	r = path_stat(dirfd, path, flags, &st);
	if (!r)
		vfs_form_statx(&st, ret);
	return r;
}

/* As root on a read-only file system. */
long call_faccessat(int dirfd, const char *path, int mode, int flags)
{
	struct vfs_stat st;
	long r;

	if (mode & ~(R_OK | W_OK | X_OK))
		return -EINVAL;
	r = path_stat(dirfd, path, flags & (AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH), &st);
	if (r)
		return r;
	if (mode & W_OK && (S_ISDIR(st.mode) || S_ISREG(st.mode)))
		return -EROFS;
	return mode & X_OK && S_ISREG(st.mode) && !(st.mode & 0111) ? -EACCES : 0;
}

long call_readlinkat(int dirfd, const char *path, char *buf, int size)
{
	static char text[VFS_PATH_MAX]; /* under the lock */
	struct file *f;
	long r;

	if (size <= 0)
		return -EINVAL;
	if (!path || !trusted_readable(path, 1) || !trusted_writable(buf, (size_t)size))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	if (!*path) {
		f = file_at(dirfd);
		r = f && f->is_path && f->node.ops->readlink ?
			    vfs_readlink(f->vfs, &f->node, text) :
			    -ENOENT;
	} else {
		r = path_resolve(dirfd, path, PATH_NOFOLLOW, &at);
		if (!r)
			r = vfs_readlink(at.vfs, &at.at.node, text);
	}
	if (r > size)
		r = size;
	if (r > 0)
		memcpy(buf, text, (size_t)r);
	layer_unlock();
	return r;
}

static void to_statfs(bool is_own, struct statfs *ret)
{
	*ret = (struct statfs){
		.f_type = is_own ? OWN_MAGIC : VFS_FORM_PROC_MAGIC,
		.f_bsize = 4096,
		.f_namelen = VFS_NAME_MAX,
		.f_frsize = 4096,
		.f_flags = 0x20 /* valid */ | ST_RDONLY | ST_NOSUID | ST_NODEV | ST_NOEXEC,
	};
}

/* What begins with /proc is a /proc, the tool's own part as well. */
static bool path_is_own(const char *path)
{
	return strncmp(path, "/proc", 5) != 0 || (path[5] && path[5] != '/');
}

long call_statfs(const char *path, struct statfs *ret)
{
	struct vfs_stat st;
	long r;

	if (!path || !trusted_readable(path, 1) || !trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	r = *path ? path_resolve(AT_FDCWD, path, 0, &at) : -ENOENT;
	if (!r && !at.file)
		r = place_getattr(&at, &st);
	if (!r)
		to_statfs(at.file || path_is_own(at.path), ret);
	layer_unlock();
	return r;
}

long call_fstatfs(int fd, struct statfs *ret)
{
	struct file *f;

	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (f)
		to_statfs(path_is_own(f->path), ret);
	layer_unlock();
	return f ? 0 : -EBADF;
}

/* -- extended attributes -------------------------------------------------------------------------- */

/* By the rules of getxattr(): size 0 asks for the size. */
static long node_getxattr(struct vfs *v, const struct vfs_node *node, bool target, const char *name,
			  void *value, size_t size)
{
	static char text[VFS_PATH_MAX]; /* under the lock */
	int n = vfs_getxattr(v, node, target, name, text);

	if (n < 0 || !size)
		return n;
	if ((size_t)n > size)
		return -ERANGE;
	if (!trusted_writable(value, (size_t)n))
		return -EFAULT;
	memcpy(value, text, (size_t)n);
	return n;
}

static long path_getxattr(const char *path, const char *name, void *value, size_t size,
			  unsigned int flags)
{
	long r;

	if (!path || !name || !trusted_readable(path, 1) || !trusted_readable(name, 1))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	r = *path ? path_resolve(AT_FDCWD, path, flags, &at) : -ENOENT;
	if (!r && at.file)
		r = -EOPNOTSUPP;
	else if (!r && at.at.kind == VFS_FOUND)
		r = node_getxattr(at.vfs, &at.at.node, false, name, value, size);
	else if (!r)
		r = node_getxattr(at.vfs, &at.at.link, true, name, value, size);
	layer_unlock();
	return r;
}

long call_getxattr(const char *path, const char *name, void *value, size_t size)
{
	return path_getxattr(path, name, value, size, 0);
}

long call_lgetxattr(const char *path, const char *name, void *value, size_t size)
{
	return path_getxattr(path, name, value, size, PATH_NOFOLLOW);
}

long call_fgetxattr(int fd, const char *name, void *value, size_t size)
{
	struct file *f;
	long r;

	if (!name || !trusted_readable(name, 1))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (!f)
		r = -EBADF;
	else if (!f->vfs)
		r = -EOPNOTSUPP;
	else
		r = node_getxattr(f->vfs, &f->node, false, name, value, size);
	layer_unlock();
	return r;
}

/* No list names the attributes that there are, as of the kernel's own. */
long call_listxattr(const char *path, char *list, size_t size)
{
	struct vfs_stat st;

	(void)list;
	(void)size;
	return path_stat(AT_FDCWD, path, 0, &st);
}

long call_llistxattr(const char *path, char *list, size_t size)
{
	struct vfs_stat st;

	(void)list;
	(void)size;
	return path_stat(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &st);
}

long call_flistxattr(int fd, char *list, size_t size)
{
	struct vfs_stat st;

	(void)list;
	(void)size;
	return layer_lock() ? file_stat(fd, &st) : -EAGAIN;
}

/* -- the working directory ------------------------------------------------------------------------ */

long call_chdir(const char *path)
{
	long r;

	if (!path || !trusted_readable(path, 1))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	r = *path ? path_resolve(AT_FDCWD, path, 0, &at) : -ENOENT;
	if (!r && (at.file || at.at.kind == VFS_OUTSIDE))
		r = -EACCES;
	if (!r && !at.at.node.ops->lookup && !at.at.node.ops->readdir)
		r = -ENOTDIR;
	if (!r)
		layer_cwd_set(at.path);
	layer_unlock();
	return r;
}

long call_fchdir(int fd)
{
	struct file *f;
	long r = 0;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (!f || !f->is_dir)
		r = f ? -ENOTDIR : -EBADF;
	else
		layer_cwd_set(f->path);
	layer_unlock();
	return r;
}

long call_getcwd(char *buf, size_t size)
{
	size_t need;
	long r;

	if (!layer_lock())
		return -EAGAIN;
	need = strlen(layer_cwd()) + 1;
	if (size < need) {
		r = -ERANGE;
	} else if (!trusted_writable(buf, need)) {
		r = -EFAULT;
	} else {
		memcpy(buf, layer_cwd(), need);
		r = (long)need;
	}
	layer_unlock();
	return r;
}

/* Nothing can be made, removed or changed. */
long call_change(int dirfd, const char *path)
{
	struct vfs_stat st;
	long r = path_stat(dirfd, path, AT_SYMLINK_NOFOLLOW, &st);

	return r == -ENOENT || !r ? -EROFS : r;
}

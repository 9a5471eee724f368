// SPDX-License-Identifier: MIT
/* Functions on descriptors, and those that make them. */
#include "state.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "vfs/forms.h"

bool door_mounts_read;

static bool lists_mounts(const char *path)
{
	const char *name = strrchr(path, '/');

	name = name ? name + 1 : path;
	return !strcmp(name, "mounts") || !strcmp(name, "mountinfo");
}

int door_target_open(struct door_target *t, int flags, struct door_file **ret)
{
	struct door_file *f;
	const char *path;
	size_t size;
	int r = vfs_form_open_check(t->place, flags, t->error);

	if (r)
		return r;
	if (t->place->kind == VFS_OUTSIDE)
		return -EACCES;
	path = t->place->path;
	size = strlen(path) + 1;
	f = malloc(sizeof(*f) + size);
	if (!f)
		return -ENOMEM;
	*f = (struct door_file){
		.refs = 1,
		.flags = vfs_form_open_flags(flags),
		.node = t->place->node,
		.is_path = flags & O_PATH,
	};
	memcpy(f->path, path, size);
	f->is_dir = f->node.ops->lookup || f->node.ops->readdir;
	if (!f->node.ops->readlink)
		r = vfs_open(door_vfs(), &f->node, &f->file);
	if (r) {
		free(f);
		return r;
	}
	if (f->is_path && flags & O_DIRECTORY && !f->is_dir) {
		door_file_unref(f);
		return -ENOTDIR;
	}
	if (lists_mounts(path))
		__atomic_store_n(&door_mounts_read, true, __ATOMIC_RELAXED);
	*ret = f;
	return 0;
}

static int open_common(int dirfd, const char *path, int flags, mode_t mode)
{
	struct door_target t;
	struct door_file *f;
	unsigned int how = (flags & O_NOFOLLOW) || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ?
				   DOOR_NOFOLLOW :
				   0;

	if (!path) {
		errno = EFAULT;
		return -1;
	}
	if (!door_resolve(&t, dirfd, path, how)) {
		int fd = REAL(openat)(t.dirfd, t.path, flags, mode);

		/* A number that was closed behind our back. */
		if (__builtin_expect(door_fd_maybe(fd), 0) && door_lock()) {
			door_fd_drop(fd);
			door_unlock();
		}
		return fd;
	}
	int r = t.error == -EAGAIN ? t.error : door_target_open(&t, flags, &f);
	if (!r)
		r = door_fd_install(f, flags & O_CLOEXEC);
	return (int)door_target_done(&t, r);
}

static bool has_mode(int flags)
{
	return flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE;
}

#define TAKE_MODE(flags, mode)                     \
	mode_t mode = 0;                           \
	if (has_mode(flags)) {                     \
		va_list ap;                        \
		va_start(ap, flags);               \
		mode = (mode_t)va_arg(ap, int);    \
		va_end(ap);                        \
	}

DOOR_API int scw_openat(int dirfd, const char *path, int flags, ...)
{
	TAKE_MODE(flags, mode);
	return open_common(dirfd, path, flags, mode);
}

DOOR_API int scw_open(const char *path, int flags, ...)
{
	TAKE_MODE(flags, mode);
	return open_common(AT_FDCWD, path, flags, mode);
}

DOOR_API int scw_creat(const char *path, mode_t mode);
int scw_creat(const char *path, mode_t mode)
{
	return open_common(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode);
}

DOOR_API int scw___open_2(const char *path, int flags);
int scw___open_2(const char *path, int flags)
{
	return open_common(AT_FDCWD, path, flags, 0);
}

DOOR_API int scw___openat_2(int dirfd, const char *path, int flags);
int scw___openat_2(int dirfd, const char *path, int flags)
{
	return open_common(dirfd, path, flags, 0);
}

DOOR_ALIAS(int, scw_open64, (const char *path, int flags, ...), scw_open)
DOOR_ALIAS(int, scw_openat64, (int dirfd, const char *path, int flags, ...), scw_openat)
DOOR_ALIAS(int, scw_creat64, (const char *path, mode_t mode), scw_creat)
DOOR_ALIAS(int, scw___open64_2, (const char *path, int flags), scw___open_2)
DOOR_ALIAS(int, scw___openat64_2, (int dirfd, const char *path, int flags), scw___openat_2)

DOOR_API int scw_close(int fd)
{
	struct door_file *f;

	if (__builtin_expect(fd >= 0 && (fd == door_anchor() || door_is_guarded(fd)), 0)) {
		if (!door_inside()) {
			errno = EBADF; /* not the program's: as if it weren't open */
			return -1;
		}
		door_unguard(fd); /* by whoever opened it */
	}
	if (!door_fd_take(fd, &f))
		return REAL(close)(fd);
	if (!f)
		return -1;
	door_fd_drop(fd);
	int r = REAL(close)(fd);
	door_unlock();
	return r;
}

static int host_close_range(unsigned int first, unsigned int last, int flags)
{
#ifdef __GLIBC__
	return REAL(close_range)(first, last, flags);
#else
	return (int)REAL(syscall)(SYS_close_range, first, last, flags);
#endif
}

/* The first descriptor from `at` that isn't the program's to close; -1: none. */
static int next_kept(unsigned int at)
{
	for (; at < DOOR_GUARDED_MAX; at++)
		if ((int)at == door_anchor() || door_is_guarded((int)at))
			return (int)at;
	return (int)at <= door_anchor() ? door_anchor() : -1;
}

/* All of the range but what is kept, piece by piece. */
static int close_around(unsigned int first, unsigned int last, int flags)
{
	for (;;) {
		int keep = next_kept(first), r = 0;

		if (keep < 0 || (unsigned int)keep > last)
			return host_close_range(first, last, flags);
		if ((unsigned int)keep > first)
			r = host_close_range(first, (unsigned int)keep - 1, flags);
		if (r || (unsigned int)keep == last)
			return r;
		first = (unsigned int)keep + 1;
	}
}

DOOR_API int scw_close_range(unsigned int first, unsigned int last, int flags)
{
	int r;

	if (!door_lock())
		return -1;
	r = first > last ? host_close_range(first, last, flags) : close_around(first, last, flags);
	if (!r && !(flags & 4 /* CLOSE_RANGE_CLOEXEC */))
		door_fd_drop_range(first, last);
	door_unlock();
	return r;
}

DOOR_API void scw_closefrom(int first);
void scw_closefrom(int first)
{
	unsigned int from = first < 0 ? 0 : (unsigned int)first;

	/* A kernel without the call: by the number, as far as any descriptor here can be. */
	if (scw_close_range(from, ~0U, 0))
		for (; from < DOOR_FDS_CHUNK * DOOR_FDS_CHUNKS; from++)
			scw_close((int)from);
}

DOOR_API ssize_t scw_read(int fd, void *buf, size_t size)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return door_net_maybe() ? scw_recvfrom(fd, buf, size, DOOR_AS_READ, NULL, NULL) :
					  REAL(read)(fd, buf, size);
	return f ? door_done(door_file_read(f, buf, size)) : -1;
}

DOOR_API ssize_t scw_pread(int fd, void *buf, size_t size, off_t offset)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(pread)(fd, buf, size, offset);
	return f ? door_done(door_file_pread(f, buf, size, offset)) : -1;
}
DOOR_ALIAS(ssize_t, scw_pread64, (int fd, void *buf, size_t size, off_t offset), scw_pread)

/* One vector after the other; what came before an error counts. offset < 0: the position. */
static int64_t read_vectors(struct door_file *f, const struct iovec *iov, int count, int64_t offset)
{
	int64_t done = 0;

	if (count < 0 || count > 1024)
		return -EINVAL;
	for (int i = 0; i < count; i++) {
		int64_t n = offset < 0 ?
				    door_file_read(f, iov[i].iov_base, iov[i].iov_len) :
				    door_file_pread(f, iov[i].iov_base, iov[i].iov_len,
						    offset + done);

		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return done;
}

DOOR_API ssize_t scw_readv(int fd, const struct iovec *iov, int count)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(readv)(fd, iov, count);
	return f ? door_done(read_vectors(f, iov, count, -1)) : -1;
}

DOOR_API ssize_t scw_preadv(int fd, const struct iovec *iov, int count, off_t offset)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(preadv)(fd, iov, count, offset);
	if (!f)
		return -1;
	return door_done(offset < 0 ? -EINVAL : read_vectors(f, iov, count, offset));
}
DOOR_ALIAS(ssize_t, scw_preadv64, (int fd, const struct iovec *iov, int count, off_t offset),
	   scw_preadv)

#ifdef __GLIBC__
DOOR_API ssize_t scw_preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags);
ssize_t scw_preadv2(int fd, const struct iovec *iov, int count, off_t offset, int flags)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(preadv2)(fd, iov, count, offset, flags);
	if (!f)
		return -1;
	return door_done(offset < -1 ? -EINVAL : read_vectors(f, iov, count, offset));
}
DOOR_ALIAS(ssize_t, scw_preadv64v2,
	   (int fd, const struct iovec *iov, int count, off_t offset, int flags), scw_preadv2)

DOOR_API ssize_t scw___read_chk(int fd, void *buf, size_t size, size_t room);
ssize_t scw___read_chk(int fd, void *buf, size_t size, size_t room)
{
	if (size > room)
		__chk_fail();
	return scw_read(fd, buf, size);
}

DOOR_API ssize_t scw___pread_chk(int fd, void *buf, size_t size, off_t offset, size_t room);
ssize_t scw___pread_chk(int fd, void *buf, size_t size, off_t offset, size_t room)
{
	if (size > room)
		__chk_fail();
	return scw_pread(fd, buf, size, offset);
}
DOOR_ALIAS(ssize_t, scw___pread64_chk,
	   (int fd, void *buf, size_t size, off_t offset, size_t room), scw___pread_chk)
#endif

DOOR_API off_t scw_lseek(int fd, off_t offset, int whence)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(lseek)(fd, offset, whence);
	return f ? door_done(door_file_seek(f, offset, whence)) : -1;
}
DOOR_ALIAS(off_t, scw_lseek64, (int fd, off_t offset, int whence), scw_lseek)

/*
 * `made` is a duplicate of `fd`, just made by the kernel; the lock is held. Tells the table.
 */
static int duplicated(struct door_file *f, int made)
{
	if (made < 0)
		return -errno;
	int r = door_fd_set(made, door_file_ref(f));
	if (r < 0) {
		REAL(close)(made);
		door_file_unref(f);
	}
	return r;
}

/* The number is somebody else's now, whatever the table holds. */
static int forget_number(int fd)
{
	if (__builtin_expect(door_fd_maybe(fd), 0) && door_lock()) {
		door_fd_drop(fd);
		door_unlock();
	}
	return fd;
}

DOOR_API int scw_dup(int fd)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return forget_number(REAL(dup)(fd));
	return f ? (int)door_done(duplicated(f, REAL(dup)(fd))) : -1;
}

static int dup_onto(int from, int to, int flags, bool three)
{
	struct door_file *f;

	if (from != to)
		door_unguard(to);
	if (!door_fd_maybe(from) && !door_fd_maybe(to) && (to < 0 || to != door_anchor()))
		return three ? REAL(dup3)(from, to, flags) : REAL(dup2)(from, to);
	if (!door_lock())
		return -1;
	if (to >= 0 && to == door_anchor() && from != to)
		door_anchor_move();
	f = door_fd_get(from);
	int r = three ? REAL(dup3)(from, to, flags) : REAL(dup2)(from, to);
	if (r < 0)
		r = -errno;
	else if (from != to && f)
		r = duplicated(f, r);
	else if (from != to)
		door_fd_drop(to);
	return (int)door_done(r);
}

DOOR_API int scw_dup2(int from, int to)
{
	return dup_onto(from, to, 0, false);
}

DOOR_API int scw_dup3(int from, int to, int flags)
{
	return dup_onto(from, to, flags, true);
}

DOOR_API int scw_fcntl(int fd, int command, ...)
{
	struct door_file *f;
	va_list ap;
	int r;

	va_start(ap, command);
	void *arg = va_arg(ap, void *);
	va_end(ap);
	if (!door_fd_take(fd, &f)) {
		r = REAL(fcntl)(fd, command, arg);
		if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
			forget_number(r);
		return r;
	}
	if (!f)
		return -1;
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		r = duplicated(f, REAL(fcntl)(fd, command, arg));
		break;
	case F_GETFL:
		r = f->flags;
		break;
	case F_SETFL:
		f->flags = (f->flags & ~(O_NONBLOCK | O_APPEND | O_NOATIME)) |
			   ((int)(intptr_t)arg & (O_NONBLOCK | O_APPEND | O_NOATIME));
		r = 0;
		break;
	default:
		r = REAL(fcntl)(fd, command, arg);
		r = r < 0 ? -errno : r;
	}
	return (int)door_done(r);
}
DOOR_ALIAS(int, scw_fcntl64, (int fd, int command, ...), scw_fcntl)

/* /proc's text files can't be mapped. */
DOOR_API void *scw_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	if (!(flags & MAP_ANONYMOUS) && __builtin_expect(door_fd_maybe(fd), 0)) {
		errno = ENODEV;
		return MAP_FAILED;
	}
	return REAL(mmap)(at, size, prot, flags, fd, offset);
}
DOOR_ALIAS(void *, scw_mmap64, (void *at, size_t size, int prot, int flags, int fd, off_t offset),
	   scw_mmap)

/* Moves up to `size` bytes; offset NULL: by the position. What is read but not taken is put back. */
static int64_t pump(int out, struct door_file *f, off_t *offset, size_t size)
{
	int64_t done = 0;
	char buf[16384];

	while ((size_t)done < size) {
		size_t want = size - (size_t)done < sizeof(buf) ? size - (size_t)done : sizeof(buf);
		int64_t n = offset ? door_file_pread(f, buf, want, *offset) :
				     door_file_read(f, buf, want);

		if (n <= 0)
			return done ? done : n;
		ssize_t w = REAL(write)(out, buf, (size_t)n);
		int error = errno;
		int64_t left = w < 0 ? n : n - w;
		if (offset)
			*offset += n - left;
		else if (left)
			door_file_seek(f, -left, SEEK_CUR);
		if (w < 0)
			return done ? done : -error;
		done += w;
		if (left)
			break;
	}
	return done;
}

DOOR_API ssize_t scw_sendfile(int out, int in, off_t *offset, size_t size)
{
	struct door_file *f;

	if (!door_fd_take(in, &f))
		return REAL(sendfile)(out, in, offset, size);
	return f ? door_done(pump(out, f, offset, size)) : -1;
}
DOOR_ALIAS(ssize_t, scw_sendfile64, (int out, int in, off_t *offset, size_t size), scw_sendfile)

DOOR_API ssize_t scw_copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t size,
				     unsigned int flags)
{
	if (door_fd_maybe(in)) {
		errno = EXDEV; /* programs go on with read and write */
		return -1;
	}
	return REAL(copy_file_range)(in, in_at, out, out_at, size, flags);
}

DOOR_API ssize_t scw_splice(int in, off_t *in_at, int out, off_t *out_at, size_t size,
			    unsigned int flags)
{
	struct door_file *f;

	if (!door_fd_take(in, &f))
		return REAL(splice)(in, in_at, out, out_at, size, flags);
	return f ? door_done(pump(out, f, in_at, size)) : -1;
}

/* daemon() puts /dev/null over 0, 1 and 2 without asking. */
DOOR_API int scw_daemon(int nochdir, int noclose);
int scw_daemon(int nochdir, int noclose)
{
	int r = REAL(daemon)(nochdir, noclose);

	if (r || !door_lock())
		return r;
	if (!noclose)
		door_fd_drop_range(0, 2);
	if (!nochdir)
		r = door_cwd_set(NULL);
	door_unlock();
	return r;
}

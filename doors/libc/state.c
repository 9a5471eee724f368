// SPDX-License-Identifier: MIT
/*
 * The lock, the table of guest descriptors and the open files behind them.
 *
 * A guest descriptor is a real one: a duplicate of one read-only, empty memfd (the anchor). So the
 * kernel hands out the number, nothing else gets it, select and poll find it ready, ioctl says
 * ENOTTY, write EBADF; and opening costs one fcntl(). Only when a file has to live on where this
 * library isn't (fork with shared positions, exec) its descriptors get a memfd with the content.
 */
#include "state.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
	ANCHOR_NUMBER = 800, /* out of the way of programs that count descriptors from 3 */
};

struct door_file **door_fd_chunks[DOOR_FDS_CHUNKS];
bool door_cwd_is_guest;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static __thread int holding __attribute__((tls_model("initial-exec")));
/* Changed with the lock held; scw_close() looks at it without. */
static _Atomic int anchor = -1;
static int fd_end; /* one above the highest guest descriptor ever */

bool door_lock(void)
{
	if (holding) {
		errno = EAGAIN;
		return false;
	}
	/* Before the mutex: a signal handler in between must not wait for its own thread. */
	holding = 1;
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	pthread_mutex_lock(&lock);
	door_epoch_begin();
	return true;
}

void door_unlock(void)
{
	door_epoch_end();
	pthread_mutex_unlock(&lock);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	holding = 0;
}

bool door_inside(void)
{
	return holding;
}

long door_done(long result)
{
	door_unlock();
	if (result < 0) {
		errno = (int)-result;
		return -1;
	}
	return result;
}

struct door_file *door_fd_get(int fd)
{
	return door_fd_maybe(fd) ? door_fd_chunks[fd / DOOR_FDS_CHUNK][fd % DOOR_FDS_CHUNK] : NULL;
}

bool door_fd_take(int fd, struct door_file **ret)
{
	*ret = NULL;
	if (__builtin_expect(!door_fd_maybe(fd), 1))
		return false;
	if (!door_lock())
		return true;
	*ret = door_fd_get(fd);
	if (*ret)
		return true;
	door_unlock();
	return false;
}

int door_fd_end(void)
{
	return fd_end;
}

int door_fd_set(int fd, struct door_file *f)
{
	struct door_file ***chunk;

	if ((unsigned int)fd >= DOOR_FDS_CHUNK * DOOR_FDS_CHUNKS)
		return -EMFILE;
	chunk = &door_fd_chunks[fd / DOOR_FDS_CHUNK];
	if (!*chunk) {
		struct door_file **new = calloc(DOOR_FDS_CHUNK, sizeof(*new));

		if (!new)
			return -ENOMEM;
		__atomic_store_n(chunk, new, __ATOMIC_RELEASE);
	}
	door_fd_drop(fd);
	__atomic_store_n(&(*chunk)[fd % DOOR_FDS_CHUNK], f, __ATOMIC_RELEASE);
	if (fd >= fd_end)
		fd_end = fd + 1;
	return fd;
}

void door_fd_drop(int fd)
{
	struct door_file *f = door_fd_get(fd);

	if (!f)
		return;
	__atomic_store_n(&door_fd_chunks[fd / DOOR_FDS_CHUNK][fd % DOOR_FDS_CHUNK], NULL,
			 __ATOMIC_RELEASE);
	door_file_unref(f);
}

void door_fd_drop_range(unsigned int first, unsigned int last)
{
	for (unsigned int fd = first; fd <= last && fd < (unsigned int)fd_end; fd++)
		door_fd_drop((int)fd);
}

static int anchor_create(void)
{
	char path[32];
	int memfd = memfd_create("scwatcher", MFD_CLOEXEC), fd, high;

	if (memfd < 0)
		return -1;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", memfd);
	fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0)
		REAL(close)(memfd);
	else
		fd = memfd; /* no /proc on this host: a placeholder that could be written to */
	for (int at = ANCHOR_NUMBER; at > 16; at /= 2) {
		high = REAL(fcntl)(fd, F_DUPFD_CLOEXEC, at);
		if (high >= 0) {
			REAL(close)(fd);
			return high;
		}
	}
	return fd;
}

int door_anchor(void)
{
	return anchor;
}

void door_anchor_move(void)
{
	int new = anchor < 0 ? -1 : REAL(fcntl)(anchor, F_DUPFD_CLOEXEC, ANCHOR_NUMBER / 2);

	if (new >= 0) {
		REAL(close)(anchor);
		anchor = new;
	}
}

static uint64_t guarded[DOOR_GUARDED_MAX / 64];

/* Bits of the descriptors that are open; none where this host has no /proc. */
void door_guard_before(uint64_t open[DOOR_GUARDED_MAX / 64])
{
	DIR *d = REAL(opendir)("/proc/self/fd");
	struct dirent *e;

	memset(open, 0, DOOR_GUARDED_MAX / 8);
	while (d && (e = REAL(readdir)(d))) {
		int fd = *e->d_name == '.' ? -1 : atoi(e->d_name);

		if (fd >= 0 && fd < DOOR_GUARDED_MAX)
			open[fd / 64] |= 1ull << fd % 64;
	}
	if (d) {
		int own = REAL(dirfd)(d);

		if (own >= 0 && own < DOOR_GUARDED_MAX)
			open[own / 64] &= ~(1ull << own % 64);
		REAL(closedir)(d);
	}
}

void door_guard_after(const uint64_t open[DOOR_GUARDED_MAX / 64])
{
	uint64_t now[DOOR_GUARDED_MAX / 64];

	door_guard_before(now);
	for (int i = 0; i < DOOR_GUARDED_MAX / 64; i++)
		__atomic_store_n(&guarded[i], now[i] & ~open[i], __ATOMIC_RELEASE);
}

bool door_is_guarded(int fd)
{
	return fd >= 0 && fd < DOOR_GUARDED_MAX &&
	       __atomic_load_n(&guarded[fd / 64], __ATOMIC_ACQUIRE) >> fd % 64 & 1;
}

void door_unguard(int fd)
{
	if (door_is_guarded(fd))
		__atomic_fetch_and(&guarded[fd / 64], ~(1ull << fd % 64), __ATOMIC_RELEASE);
}

int door_fd_install(struct door_file *f, bool cloexec)
{
	int command = cloexec ? F_DUPFD_CLOEXEC : F_DUPFD;
	int from = f->is_real ? door_file_any_fd(f) : anchor;
	int fd = from < 0 ? -1 : REAL(fcntl)(from, command, 0);

	if (fd < 0 && (from < 0 || errno == EBADF)) {
		anchor = anchor_create();
		fd = anchor < 0 ? -1 : REAL(fcntl)(anchor, command, 0);
	}
	if (fd < 0) {
		int error = errno;

		door_file_unref(f);
		return -error;
	}
	int r = door_fd_set(fd, f);
	if (r < 0) {
		REAL(close)(fd);
		door_file_unref(f);
	}
	return r;
}

struct door_file *door_file_ref(struct door_file *f)
{
	f->refs++;
	return f;
}

void door_file_unref(struct door_file *f)
{
	if (--f->refs)
		return;
	vfs_close(f->file);
	free(f);
}

int door_file_any_fd(const struct door_file *f)
{
	for (int fd = 0; fd < fd_end; fd++)
		if (door_fd_get(fd) == f)
			return fd;
	return -1;
}

static int write_all(int fd, const char *data, size_t size)
{
	for (size_t done = 0; done < size;) {
		ssize_t n = pwrite(fd, data + done, size - done, (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

/* A file that its descriptors hold themselves, about to be read from its start: anew. */
static int real_refresh(struct door_file *f, int fd)
{
	const void *data;
	size_t size;
	char c;
	int64_t r = vfs_pread(f->file, &c, 1, 0);

	if (r < 0)
		return (int)r;
	r = vfs_content(f->file, &data, &size);
	if (r)
		return (int)r;
	if (ftruncate(fd, 0))
		return -errno;
	return write_all(fd, data, size);
}

/* The descriptor to use if the position lives in the kernel, or -1. */
static int real_fd(const struct door_file *f)
{
	return f->is_real ? door_file_any_fd(f) : -1;
}

int64_t door_file_pread(struct door_file *f, void *buf, size_t size, int64_t offset)
{
	if (f->is_path)
		return -EBADF;
	return vfs_pread(f->file, buf, size, offset);
}

int64_t door_file_read(struct door_file *f, void *buf, size_t size)
{
	int fd = real_fd(f);

	if (f->is_path)
		return -EBADF;
	if (fd >= 0) {
		if (REAL(lseek)(fd, 0, SEEK_CUR) == 0) {
			int r = real_refresh(f, fd);

			if (r)
				return r;
		}
		ssize_t n = REAL(read)(fd, buf, size);
		return n < 0 ? -errno : n;
	}
	int64_t n = vfs_pread(f->file, buf, size, f->pos);
	if (n > 0)
		f->pos += n;
	return n;
}

int64_t door_file_seek(struct door_file *f, int64_t offset, int whence)
{
	int fd = real_fd(f);
	int64_t pos = f->pos;

	if (f->is_path)
		return -EBADF;
	if (fd >= 0)
		pos = REAL(lseek)(fd, 0, SEEK_CUR);
	switch (whence) {
	case SEEK_SET:
		break;
	case SEEK_CUR:
		if (__builtin_add_overflow(offset, pos, &offset))
			return -EOVERFLOW;
		break;
	default: /* the size isn't known before it is read: as seq_file */
		return -EINVAL;
	}
	if (offset < 0)
		return -EINVAL;
	if (fd >= 0 && REAL(lseek)(fd, offset, SEEK_SET) < 0)
		return -errno;
	f->pos = offset;
	return offset;
}

int door_file_materialise(struct door_file *f)
{
	const void *data = NULL;
	size_t size = 0;
	int memfd, r = 0;

	if (f->is_real || f->is_dir || f->is_path || door_file_any_fd(f) < 0)
		return 0;
	/* Content that can't be had reads as an empty file there. */
	if (vfs_content(f->file, &data, &size))
		size = 0;
	memfd = memfd_create("scwatcher-file", MFD_CLOEXEC);
	if (memfd < 0)
		return -errno;
	r = write_all(memfd, data, size);
	if (!r && REAL(lseek)(memfd, f->pos, SEEK_SET) < 0)
		r = -errno;
	for (int fd = 0; !r && fd < fd_end; fd++) {
		if (door_fd_get(fd) != f)
			continue;
		int flags = REAL(fcntl)(fd, F_GETFD);
		if (flags >= 0 && REAL(dup3)(memfd, fd, flags & FD_CLOEXEC ? O_CLOEXEC : 0) < 0)
			r = -errno;
	}
	REAL(close)(memfd);
	f->is_real = !r;
	return r;
}

void door_materialise_all(bool those_kept_by_exec_only)
{
	for (int fd = 0; fd < fd_end; fd++) {
		struct door_file *f = door_fd_get(fd);

		if (!f || f->is_real)
			continue;
		if (those_kept_by_exec_only) {
			int flags = REAL(fcntl)(fd, F_GETFD);

			if (flags < 0 || flags & FD_CLOEXEC)
				continue;
		}
		door_file_materialise(f);
	}
}

struct vfs *door_vfs_take(void)
{
	struct vfs *v;

	if (!door_lock())
		return NULL;
	v = door_vfs();
	if (!v) {
		door_unlock();
		errno = EIO;
	}
	return v;
}

bool door_is_host(void)
{
	door_init();
	return door_off || door_passing();
}

/* Across fork the table is copied, but positions are shared as between any two processes. */
static __thread bool fork_locked __attribute__((tls_model("initial-exec")));

static void fork_prepare(void)
{
	int saved = errno;

	fork_locked = door_lock();
	if (fork_locked) {
		door_materialise_all(false);
		/* a stream that has no descriptor: the child can't go on with what was asked for here */
		if (door_vfs())
			vfs_settle(door_vfs());
	}
	errno = saved;
}

static void fork_parent(void)
{
	if (fork_locked)
		door_unlock();
}

static void fork_child(void)
{
	if (!fork_locked)
		return;
	if (door_ops.fork_child)
		door_ops.fork_child();
	door_unlock();
}

void door_state_init(void)
{
	pthread_atfork(fork_prepare, fork_parent, fork_child);
}

// SPDX-License-Identifier: MIT
/*
 * Descriptors, which exist only inside, and reading from what they stand for. The host's three
 * standard streams are kinds of files behind the numbers 0, 1 and 2 at first; a number never crosses
 * the edge, only which stream.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/checked.h"
#include "calls.h"
#include "fork.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/program.h"
#include "trusted/proxy.h"
#include "trusted/runtime.h"
#include "vfs/forms.h"

enum {
	LAYER_MEMORY = 256 << 20, /* bytes for contents, lists and descriptors: the heap is less */
	VECTORS_MAX = 1024,
	JOINED_MAX = 1024, /* bytes of vectors that are written as one */
	READ_MAX = 0x7ffff000, /* what one call moves, as in Linux */
	PUMP_SIZE = 16384,
	/* linux/futex.h */
	FUTEX_WAIT_PRIVATE = 128,
	FUTEX_WAKE_PRIVATE = 129,
};

/* -- the lock and memory ------------------------------------------------------------------------ */

static uint32_t lock_word; /* 0: free, 1: held, 2: held and somebody waits */
static long lock_owner;	   /* thread, 0: nobody */

static struct base_alloc alloc;
static bool alloc_ready;

struct descriptor {
	struct file *file;
	bool cloexec;
};

/* Of the first program, of another one that runs, and what each command of a shell's line begins with. */
enum { FIRST, CHILD, SHELL, TABLES };
struct files {
	struct descriptor fds[LAYER_FDS];
	char folder[VFS_PATH_MAX];
};
static struct files tables[TABLES] = { { .folder = "/" }, { .folder = "/" }, { .folder = "/" } };
static struct files *child = &tables[CHILD]; /* a process's */
static bool streams_ready;
static struct file streams[LAYER_STREAMS]; /* never freed */
static trusted_output_fn *output;

struct files *files_now(void)
{
	return trusted_in_child() ? child : &tables[FIRST];
}

static struct descriptor *fds(void)
{
	return files_now()->fds;
}

bool layer_is_locked_here(void)
{
	return __atomic_load_n(&lock_owner, __ATOMIC_RELAXED) == trusted_gettid();
}

static void make_ready(void)
{
	if (streams_ready)
		return;
	streams_ready = true;
	for (unsigned int i = 0; i < LAYER_STREAMS; i++) {
		streams[i] = (struct file){
			.kind = FILE_STREAM,
			.refs = 2,
			.stream = i,
			.flags = i ? O_WRONLY : O_RDONLY,
		};
		tables[FIRST].fds[i].file = &streams[i];
	}
}

bool layer_lock(void)
{
	uint32_t was = 0;

	if (layer_is_locked_here())
		return false;
	if (!__atomic_compare_exchange_n(&lock_word, &was, 1, false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		while (__atomic_exchange_n(&lock_word, 2, __ATOMIC_ACQUIRE))
			trusted_futex(&lock_word, FUTEX_WAIT_PRIVATE, 2, 0, NULL, 0);
	__atomic_store_n(&lock_owner, trusted_gettid(), __ATOMIC_RELAXED);
	make_ready();
	return true;
}

void layer_unlock(void)
{
	__atomic_store_n(&lock_owner, 0, __ATOMIC_RELAXED);
	if (__atomic_exchange_n(&lock_word, 0, __ATOMIC_RELEASE) == 2)
		trusted_futex(&lock_word, FUTEX_WAKE_PRIVATE, 1, 0, NULL, 0);
}

struct base_alloc *layer_alloc(void)
{
	if (!alloc_ready)
		base_alloc_init(&alloc, LAYER_MEMORY);
	alloc_ready = true;
	return &alloc;
}

const char *layer_cwd(void)
{
	return files_now()->folder;
}

void layer_cwd_set(const char *path)
{
	memcpy(files_now()->folder, path, strlen(path) + 1);
}

void trusted_output_hook(trusted_output_fn *fn)
{
	__atomic_store_n(&output, fn, __ATOMIC_RELEASE);
}

/* -- the table ------------------------------------------------------------------------------------ */

struct file *file_at(int fd)
{
	return fd >= 0 && fd < LAYER_FDS ? fds()[fd].file : NULL;
}

int file_next_fd(int from)
{
	for (int fd = from; fd < LAYER_FDS; fd++)
		if (fds()[fd].file)
			return fd;
	return -1;
}

static int lowest_free(int from)
{
	for (int fd = from; fd < LAYER_FDS; fd++)
		if (!fds()[fd].file)
			return fd;
	return -EMFILE;
}

bool file_is_writer(const struct file *f)
{
	return (f->flags & O_ACCMODE) == O_WRONLY;
}

static void file_unref(struct file *f)
{
	if (--f->refs)
		return;
	vfs_close(f->file);
	if (f->pipe)
		pipe_close(f->pipe, file_is_writer(f));
	if (f->kind == FILE_NOBODY)
		vfs_netlink_deinit(&f->netlink);
	base_free(layer_alloc(), f);
}

static void forget(int fd)
{
	struct file *f = fds()[fd].file;

	fds()[fd].file = NULL;
	fds()[fd].cloexec = false;
	file_unref(f);
}

int file_install(struct file *f, int from, bool cloexec)
{
	int fd = lowest_free(from);

	if (fd < 0) {
		file_unref(f);
		return fd;
	}
	fds()[fd].file = f;
	fds()[fd].cloexec = cloexec;
	return fd;
}

void file_name(const struct file *f, char *ret, size_t size)
{
	if (f->kind == FILE_STREAM)
		snprintf(ret, size, "pipe:[%u]", f->stream + 1);
	else if (f->kind == FILE_NOBODY)
		snprintf(ret, size, "socket:[4]");
	else if (f->kind == FILE_PIPE)
		snprintf(ret, size, "pipe:[5]");
	else
		snprintf(ret, size, "%s", f->path);
}

/* A reference that keeps a file while the lock isn't held. */
static struct file *file_take(int fd)
{
	struct file *f = file_at(fd);

	if (f)
		f->refs++;
	return f;
}

static void file_put(struct file *f)
{
	if (!layer_lock())
		return; /* can't be: nobody holds it across what needs a reference */
	file_unref(f);
	layer_unlock();
}

/* -- other programs of the image ------------------------------------------------------------------ */

static void copy_table(struct files *to, const struct files *from)
{
	*to = *from;
	for (int fd = 0; fd < LAYER_FDS; fd++)
		if (to->fds[fd].file)
			to->fds[fd].file->refs++;
}

static void close_table(struct files *t, bool all)
{
	for (int fd = 0; fd < LAYER_FDS; fd++) {
		struct descriptor *d = &t->fds[fd];

		if (!d->file || !(all || d->cloexec))
			continue;
		file_unref(d->file);
		*d = (struct descriptor){ 0 };
	}
}

void files_child_begin(void)
{
	copy_table(child, &tables[FIRST]);
}

void files_child_exec(void)
{
	close_table(child, false);
}

void files_child_end(void)
{
	close_table(child, true);
}

void files_shell_begin(void)
{
	copy_table(&tables[SHELL], child);
	close_table(child, true);
}

void files_shell_child(void)
{
	copy_table(child, &tables[SHELL]);
}

void files_shell_end(void)
{
	close_table(&tables[SHELL], true);
}

struct files *files_copy(void)
{
	struct files *f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f));

	if (f)
		copy_table(f, child);
	return f;
}

void files_use(struct files *f)
{
	child = f;
}

void files_drop(struct files *f)
{
	close_table(f, true);
	base_free(layer_alloc(), f);
}

/* -- open ----------------------------------------------------------------------------------------- */

static int file_create(const struct place *p, int flags, struct file **ret)
{
	size_t size = strlen(p->path) + 1;
	struct file *f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f) + size);
	int r = 0;

	if (!f)
		return -ENOMEM;
	f->refs = 1;
	f->flags = vfs_form_open_flags(flags);
	f->vfs = p->vfs;
	f->node = p->at.node;
	f->is_path = flags & O_PATH;
	f->is_dir = f->node.ops->lookup || f->node.ops->readdir;
	f->device = own_device_of(&f->node);
	memcpy(f->path, p->path, size);
	if (f->device && !f->is_path) {
		f->kind = FILE_DEVICE;
	} else if (f->is_path && !f->is_dir && !f->node.ops->show) {
		f->kind = FILE_PATH;
	} else {
		f->kind = FILE_VFS;
		r = vfs_open(f->vfs, &f->node, &f->file);
	}
	if (!r && f->is_path && flags & O_DIRECTORY && !f->is_dir)
		r = -ENOTDIR;
	if (r)
		file_unref(f);
	else
		*ret = f;
	return r;
}

/* /proc/self/fd/N opened: another descriptor of the same stream; of files a new one of that path. */
static long reopen(struct file *f, int flags)
{
	if (f->kind != FILE_STREAM)
		return -EACCES;
	if (flags & O_PATH || ((flags & O_ACCMODE) != O_RDONLY) != (f->stream != 0))
		return -EACCES;
	f->refs++;
	return file_install(f, 0, flags & O_CLOEXEC);
}

static long open_place(struct place *p, int flags, int error)
{
	struct file *f;
	int r;

	if (!error && p->file)
		return reopen(p->file, flags);
	if (error || p->at.kind != VFS_FOUND || !own_device_of(&p->at.node)) {
		r = vfs_form_open_check(&p->at, flags, error);
		if (r)
			return r;
	} else if (flags & O_DIRECTORY) {
		return -ENOTDIR;
	} else if (flags & O_CREAT && flags & O_EXCL) {
		return -EEXIST;
	}
	if (p->at.kind != VFS_FOUND) /* O_PATH on what is elsewhere in the guest */
		return -EACCES;
	r = file_create(p, flags, &f);
	return r ? r : file_install(f, 0, flags & O_CLOEXEC);
}

/* Under the lock: too large for the stack. */
static struct place open_at;

long call_openat(int dirfd, const char *path, int flags)
{
	unsigned int how = flags & O_NOFOLLOW || (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL) ?
				   PATH_NOFOLLOW :
				   0;
	long r;

	if (!path || !trusted_readable(path, 1))
		return -EFAULT;
	if (!*path)
		return -ENOENT;
	if (!layer_lock())
		return -EAGAIN;
	r = path_resolve(dirfd, path, how, &open_at);
	/* /proc/self/fd/N is opened anew by its path */
	if (!r && open_at.file && open_at.file->kind != FILE_STREAM) {
		char again[VFS_PATH_MAX];

		file_name(open_at.file, again, sizeof(again));
		r = path_resolve(AT_FDCWD, again, how, &open_at);
	}
	r = open_place(&open_at, flags, (int)r);
	layer_unlock();
	return r;
}

long call_openat2(int dirfd, const char *path, const void *how, size_t size)
{
	struct {
		uint64_t flags, mode, resolve;
	} h;

	if (size < sizeof(h))
		return -EINVAL;
	if (!how || !trusted_readable(how, sizeof(h)))
		return -EFAULT;
	memcpy(&h, how, sizeof(h));
	/* restrictions on the way are for who walks other people's trees; not known here */
	if (h.resolve || h.flags > INT_MAX)
		return -EINVAL;
	return call_openat(dirfd, path, (int)h.flags);
}

long call_close(int fd)
{
	long r = -EBADF;

	if (!layer_lock())
		return -EAGAIN;
	if (file_at(fd)) {
		forget(fd);
		r = 0;
	}
	layer_unlock();
	return r;
}

long call_close_range(unsigned int first, unsigned int last, unsigned int flags)
{
	enum { RANGE_UNSHARE = 2, RANGE_CLOEXEC = 4 };

	if (first > last || flags & ~(unsigned int)(RANGE_UNSHARE | RANGE_CLOEXEC))
		return -EINVAL;
	if (!layer_lock())
		return -EAGAIN;
	for (unsigned int fd = first; fd < LAYER_FDS && fd <= last; fd++) {
		if (!fds()[fd].file)
			continue;
		if (flags & RANGE_CLOEXEC)
			fds()[fd].cloexec = true;
		else
			forget((int)fd);
	}
	layer_unlock();
	return 0;
}

/* -- read ----------------------------------------------------------------------------------------- */

static long stream_read(struct file *f, void *buf, size_t size)
{
	if (f->stream)
		return -EBADF;
	if (f->flags & O_NONBLOCK) {
		struct abi_poll p = { .stream = f->stream, .events = 1 /* POLLIN */ };
		long r = trusted_proxy_poll(&p, 1, 0);

		if (r <= 0)
			return r ? r : -EAGAIN;
	}
	return trusted_proxy_read(f->stream, buf, size);
}

static long device_read(const struct file *f, void *buf, size_t size)
{
	switch (f->device) {
	case OWN_NULL:
		return 0;
	case OWN_RANDOM:
		trusted_random(buf, size);
		return (long)size;
	default:
		memset(buf, 0, size);
		return (long)size;
	}
}

/*
 * Waits for who writes, without the lock. Another program would wait for ever: who called it stands still. But processes
 * take turns.
 */
static long pipe_wait_read(struct file *f, void *buf, size_t size)
{
	for (;;) {
		uint32_t *word = pipe_word(f->pipe), before = *word;
		long r = pipe_read(f->pipe, buf, size);

		if (r != -EAGAIN || f->flags & O_NONBLOCK)
			return r;
		if (trusted_in_child() && !fork_is_on())
			return -EDEADLK;
		layer_unlock();
		r = fork_is_on() ? fork_pause(FORK_FOR_EVER) :
				   trusted_futex(word, FUTEX_WAIT_PRIVATE, before, 0, NULL, 0);
		if (!layer_lock())
			return -EAGAIN;
		if (r == -EINTR)
			return r;
	}
}

/* One that is full waits for who reads: only processes can. */
static long pipe_wait_write(struct file *f, const void *data, size_t size)
{
	long r;

	while ((r = pipe_write(f->pipe, data, size)) == -EAGAIN && !(f->flags & O_NONBLOCK)) {
		layer_unlock();
		r = fork_pause(FORK_FOR_EVER);
		if (!layer_lock())
			return -EAGAIN;
		if (r)
			break;
	}
	if (r == -EPIPE && fork_is_on())
		(void)trusted_raise(SIGPIPE);
	return r;
}

static bool may_read(const struct file *f)
{
	return !f->is_path && (f->flags & O_ACCMODE) != O_WRONLY;
}

/* offset < 0: by the position. The lock is held and kept, but for streams. */
static long read_locked(struct file *f, void *buf, size_t size, int64_t offset)
{
	int64_t n;

	if (f->kind == FILE_DEVICE)
		return device_read(f, buf, size);
	n = vfs_pread(f->file, buf, size, offset < 0 ? f->pos : offset);
	if (n > 0 && offset < 0)
		f->pos += n;
	return (long)n;
}

/*
 * Ends what began with layer_lock(). True: `f` is a stream, to be served without the lock and put by the
 * caller; else it isn't ours any more (NULL: it never was).
 */
static bool leave_for_stream(struct file *f, bool is_stream)
{
	if (!is_stream && f)
		file_unref(f);
	layer_unlock();
	return is_stream;
}

static long read_any(int fd, void *buf, size_t size, int64_t offset, bool at)
{
	struct file *f;
	long r;

	if (size > READ_MAX)
		size = READ_MAX;
	if (at && offset < 0)
		return -EINVAL;
	if (!layer_lock())
		return -EAGAIN;
	f = file_take(fd);
	if (!f || !may_read(f))
		r = -EBADF;
	else if (size && !trusted_writable(buf, size))
		r = -EFAULT;
	else if (f->kind == FILE_NOBODY)
		r = socket_read(f, buf, size);
	else if ((f->kind == FILE_STREAM || f->kind == FILE_PIPE) && at)
		r = -ESPIPE;
	else if (f->kind == FILE_PIPE)
		r = pipe_wait_read(f, buf, size);
	else if (f->kind == FILE_STREAM)
		r = 1;
	else
		r = read_locked(f, buf, size, at ? offset : -1);
	if (!leave_for_stream(f, r == 1 && f->kind == FILE_STREAM))
		return r;
	r = stream_read(f, buf, size);
	file_put(f);
	return r;
}

long call_read(int fd, void *buf, size_t size)
{
	return read_any(fd, buf, size, 0, false);
}

long call_pread(int fd, void *buf, size_t size, int64_t offset)
{
	return read_any(fd, buf, size, offset, true);
}

static long check_vectors(const struct iovec *iov, int count)
{
	if (count < 0 || count > VECTORS_MAX)
		return -EINVAL;
	return count && !trusted_readable(iov, (size_t)count * sizeof(*iov)) ? -EFAULT : 0;
}

/* One vector after the other; what came before an error counts. */
static long read_vectors(int fd, const struct iovec *iov, int count, int64_t offset, bool at)
{
	long done = 0, r = check_vectors(iov, count);

	for (int i = 0; !r && i < count; i++) {
		long n = read_any(fd, iov[i].iov_base, iov[i].iov_len, offset + done, at);

		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return r ? r : done;
}

long call_readv(int fd, const struct iovec *iov, int count)
{
	return read_vectors(fd, iov, count, 0, false);
}

long call_preadv(int fd, const struct iovec *iov, int count, int64_t offset)
{
	return offset < 0 ? -EINVAL : read_vectors(fd, iov, count, offset, true);
}

/* -- write ---------------------------------------------------------------------------------------- */

static long stream_write(struct file *f, const void *data, size_t size)
{
	trusted_output_fn *fn = __atomic_load_n(&output, __ATOMIC_ACQUIRE);

	if (!f->stream)
		return -EBADF;
	return fn ? fn(f->stream, data, size) : trusted_proxy_write(f->stream, data, size);
}

long call_write(int fd, const void *data, size_t size)
{
	struct file *f;
	long r;

	if (size > READ_MAX)
		size = READ_MAX;
	if (!layer_lock())
		return -EAGAIN;
	f = file_take(fd);
	if (!f || f->is_path || (f->flags & O_ACCMODE) == O_RDONLY)
		r = -EBADF;
	else if (size && !trusted_readable(data, size))
		r = -EFAULT;
	else if (f->kind == FILE_STREAM)
		r = 0;
	else if (f->kind == FILE_NOBODY)
		r = socket_write(f, data, size);
	else if (f->kind == FILE_PIPE)
		r = pipe_wait_write(f, data, size);
	else
		r = f->device == OWN_FULL ? -ENOSPC : (long)size;
	if (!leave_for_stream(f, !r && f->kind == FILE_STREAM))
		return r;
	r = stream_write(f, data, size);
	file_put(f);
	return r;
}

/* Short vectors as one, a line of a C library's say: each write outside is an exit. False: they aren't short. */
static bool join_vectors(const struct iovec *iov, int count, uint8_t buf[JOINED_MAX],
			 size_t *size_ret)
{
	size_t size = 0;

	for (int i = 0; i < count; i++) {
		size_t n = iov[i].iov_len;

		if (n > JOINED_MAX - size || (n && !trusted_readable(iov[i].iov_base, n)))
			return false;
		if (n)
			memcpy(buf + size, iov[i].iov_base, n);
		size += n;
	}
	*size_ret = size;
	return size > 0;
}

long call_writev(int fd, const struct iovec *iov, int count)
{
	long done = 0, r = check_vectors(iov, count);
	uint8_t buf[JOINED_MAX];
	size_t size;

	if (!r && join_vectors(iov, count, buf, &size))
		return call_write(fd, buf, size);
	for (int i = 0; !r && i < count; i++) {
		long n;

		if (!iov[i].iov_len)
			continue;
		n = call_write(fd, iov[i].iov_base, iov[i].iov_len);
		if (n < 0)
			return done ? done : n;
		done += n;
		if ((size_t)n < iov[i].iov_len)
			break;
	}
	return r ? r : done;
}

long call_pwrite(int fd, const void *data, size_t size, int64_t offset)
{
	struct file *f;
	bool is_stream;

	if (offset < 0)
		return -EINVAL;
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	is_stream = f && (f->kind == FILE_STREAM || f->kind == FILE_PIPE);
	layer_unlock();
	return is_stream ? -ESPIPE : call_write(fd, data, size);
}

/* -- positions and lists -------------------------------------------------------------------------- */

static long seek(struct file *f, int64_t offset, int whence)
{
	const struct config_file *measured = own_measured(&f->node);
	int64_t base = 0;

	if (f->is_path)
		return -EBADF;
	if (f->kind == FILE_STREAM || f->kind == FILE_NOBODY || f->kind == FILE_PIPE)
		return -ESPIPE;
	if (f->kind == FILE_DEVICE)
		return 0;
	if (whence == SEEK_CUR)
		base = f->pos;
	else if (whence == SEEK_END && measured)
		base = (int64_t)measured->size;
	else if (whence != SEEK_SET) /* the size isn't known before it is read: as seq_file */
		return -EINVAL;
	if (__builtin_add_overflow(offset, base, &offset))
		return -EOVERFLOW;
	if (offset < 0)
		return -EINVAL;
	f->pos = offset;
	f->is_listed = f->is_listed && offset;
	return offset;
}

long call_lseek(int fd, int64_t offset, int whence)
{
	struct file *f;
	long r;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	r = f ? seek(f, offset, whence) : -EBADF;
	layer_unlock();
	return r;
}

/*
 * Another program finds itself in /proc, as it would in the guest: unhide counts on it. The first one doesn't:
 * it isn't one of the guest's.
 */
static long list_child(struct file *f, void *buf, size_t size)
{
	struct entry {
		uint64_t ino;
		int64_t next;
		uint16_t size;
		uint8_t type;
		char name[13];
	} e = { .ino = (uint64_t)process_pid(), .next = f->pos, .size = sizeof(e), .type = DT_DIR };

	if (process_pid() == TRUSTED_PID || f->is_listed || strcmp(f->path, "/proc") != 0)
		return 0;
	if (size < sizeof(e))
		return -EINVAL;
	snprintf(e.name, sizeof(e.name), "%d", process_pid());
	memcpy(buf, &e, sizeof(e));
	f->is_listed = true;
	return sizeof(e);
}

static long list(struct file *f, void *buf, size_t size)
{
	long r = vfs_form_dents(f->file, &f->pos, buf, size);

	return r ? r : list_child(f, buf, size);
}

long call_getdents64(int fd, void *buf, size_t size)
{
	struct file *f;
	long r;

	if (size > INT_MAX)
		size = INT_MAX;
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (!f || f->is_path)
		r = -EBADF;
	else if (!f->is_dir)
		r = -ENOTDIR;
	else if (size && !trusted_writable(buf, size))
		r = -EFAULT;
	else
		r = list(f, buf, size);
	layer_unlock();
	return r;
}

/* -- duplicates ----------------------------------------------------------------------------------- */

static long duplicate(int fd, int from, bool cloexec)
{
	struct file *f;
	long r = -EBADF;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (f && (from < 0 || from >= LAYER_FDS)) {
		r = -EINVAL;
	} else if (f) {
		f->refs++;
		r = file_install(f, from, cloexec);
	}
	layer_unlock();
	return r;
}

long call_dup(int fd)
{
	return duplicate(fd, 0, false);
}

static long duplicate_onto(int from, int to, bool cloexec)
{
	struct file *f;
	long r = -EBADF;

	if (!layer_lock())
		return -EAGAIN;
	f = file_at(from);
	if (f && to >= 0 && to < LAYER_FDS) {
		f->refs++;
		if (fds()[to].file)
			forget(to);
		fds()[to].file = f;
		fds()[to].cloexec = cloexec;
		r = to;
	}
	layer_unlock();
	return r;
}

long call_dup2(int from, int to)
{
	long r;

	if (from != to)
		return duplicate_onto(from, to, false);
	if (!layer_lock())
		return -EAGAIN;
	r = file_at(from) ? to : -EBADF;
	layer_unlock();
	return r;
}

long call_dup3(int from, int to, int flags)
{
	if (flags & ~O_CLOEXEC || from == to)
		return -EINVAL;
	return duplicate_onto(from, to, flags & O_CLOEXEC);
}

long call_fcntl(int fd, int command, uint64_t arg)
{
	enum { SETTABLE = O_NONBLOCK | O_APPEND | O_NOATIME };
	struct file *f;
	long r = 0;

	if (command == F_DUPFD || command == F_DUPFD_CLOEXEC)
		return duplicate(fd, arg > INT_MAX ? -1 : (int)arg, command == F_DUPFD_CLOEXEC);
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (!f) {
		layer_unlock();
		return -EBADF;
	}
	switch (command) {
	case F_GETFD:
		r = fds()[fd].cloexec ? FD_CLOEXEC : 0;
		break;
	case F_SETFD:
		fds()[fd].cloexec = arg & FD_CLOEXEC;
		break;
	case F_GETFL:
		r = f->flags;
		break;
	case F_SETFL:
		f->flags = (f->flags & ~SETTABLE) | ((int)arg & SETTABLE);
		break;
	default:
		r = -EINVAL;
	}
	layer_unlock();
	return r;
}

static struct file *pipe_end(struct pipe *p, int flags)
{
	struct file *f = base_alloc_zeroed(layer_alloc(), 1, sizeof(*f) + 1);

	if (!f) {
		pipe_close(p, flags & O_WRONLY);
		return NULL;
	}
	f->kind = FILE_PIPE;
	f->refs = 1;
	f->flags = flags;
	f->pipe = p;
	return f;
}

static int pipe_install(int flags, int ret[2])
{
	struct file *ends[2];
	struct pipe *p;
	int r = pipe_create(&p);

	if (r)
		return r;
	ends[0] = pipe_end(p, O_RDONLY | (flags & O_NONBLOCK));
	ends[1] = pipe_end(p, O_WRONLY | (flags & O_NONBLOCK));
	for (int i = 0; i < 2; i++) {
		ret[i] = !ends[i] ? -ENOMEM : file_install(ends[i], 0, flags & O_CLOEXEC);
		r = ret[i] < 0 ? ret[i] : r;
	}
	for (int i = 0; r && i < 2; i++)
		if (ret[i] >= 0)
			forget(ret[i]);
	return r;
}

long call_pipe2(int *ret, int flags)
{
	int both[2];
	long r;

	if (flags & ~(O_NONBLOCK | O_CLOEXEC))
		return -EINVAL;
	if (!trusted_writable(ret, sizeof(both)))
		return -EFAULT;
	if (!layer_lock())
		return -EAGAIN;
	r = pipe_install(flags, both);
	layer_unlock();
	if (!r)
		memcpy(ret, both, sizeof(both));
	return r;
}

/* -- terminals ------------------------------------------------------------------------------------ */

enum {
	REQUEST_TIOCGPGRP = 0x540f,
	REQUEST_FIONBIO = 0x5421,
};

static long stream_ioctl(struct file *f, uint64_t request, void *data)
{
	uint32_t size;

	if (f->stream && __atomic_load_n(&output, __ATOMIC_ACQUIRE))
		return -ENOTTY;
	if (request == REQUEST_TIOCGPGRP) {
		/* the program is in the foreground, as far as it can know */
		uint8_t modes[ABI_TERMINAL_MODES];
		int pid = TRUSTED_PID;
		long r = trusted_proxy_terminal(f->stream, 0x5401 /* TCGETS */, modes);

		if (!r && !trusted_writable(data, sizeof(pid)))
			return -EFAULT;
		if (!r)
			memcpy(data, &pid, sizeof(pid));
		return r;
	}
	switch (abi_terminal_request(request, &size)) {
	case ABI_TERMINAL_GET:
		return trusted_writable(data, size) ?
			       trusted_proxy_terminal(f->stream, request, data) :
			       -EFAULT;
	case ABI_TERMINAL_SET:
		return trusted_readable(data, size) ?
			       trusted_proxy_terminal(f->stream, request, data) :
			       -EFAULT;
	default:
		return -ENOTTY;
	}
}

long call_ioctl(int fd, uint64_t request, void *data)
{
	struct file *f;
	long r;

	if (!layer_lock())
		return -EAGAIN;
	f = file_take(fd);
	layer_unlock();
	if (!f)
		return -EBADF;
	if (f->is_path)
		r = -EBADF;
	else if (request == REQUEST_FIONBIO && trusted_readable(data, sizeof(int)))
		r = call_fcntl(fd, F_SETFL,
			       (uint64_t)((f->flags & ~O_NONBLOCK) | (*(int *)data ? O_NONBLOCK : 0)));
	else if (f->kind == FILE_NOBODY)
		r = socket_ioctl(request, data);
	else
		r = f->kind == FILE_STREAM ? stream_ioctl(f, request, data) : -ENOTTY;
	file_put(f);
	return r;
}

/* -- copies without the program, and maps --------------------------------------------------------- */

long call_sendfile(int out, int in, int64_t *offset, size_t size)
{
	char buf[PUMP_SIZE];
	long done = 0;

	if (offset && (!trusted_writable(offset, sizeof(*offset)) || *offset < 0))
		return -EINVAL;
	if (size > READ_MAX)
		size = READ_MAX;
	while ((size_t)done < size) {
		size_t want = size - (size_t)done < sizeof(buf) ? size - (size_t)done : sizeof(buf);
		long n = offset ? call_pread(in, buf, want, *offset) : call_read(in, buf, want);
		long w;

		if (n <= 0)
			return done ? done : n;
		w = call_write(out, buf, (size_t)n);
		if (offset)
			*offset += w > 0 ? w : 0;
		else if (w < n)
			call_lseek(in, (w > 0 ? w : 0) - n, SEEK_CUR);
		if (w <= 0)
			return done ? done : w;
		done += w;
		if (w < n)
			break;
	}
	return done;
}

/* A measured file's bytes, copied: they never change, so that a shared map is the same. */
static long map_measured(uint64_t addr, size_t size, int prot, int flags,
			 const struct config_file *m, uint64_t offset)
{
	size_t left = offset < m->size ? m->size - (size_t)offset : 0;
	long at = trusted_mmap(addr, size, PROT_READ | PROT_WRITE,
			       (flags & ~(MAP_SHARED | MAP_SHARED_VALIDATE)) | MAP_PRIVATE |
				       MAP_ANONYMOUS);

	if (at < 0)
		return at;
	if (left)
		memcpy((void *)at, m->data + offset, left < size ? left : size);
	if (prot != (PROT_READ | PROT_WRITE))
		trusted_mprotect((uint64_t)at, size, prot);
	return at;
}

long call_mmap(uint64_t addr, size_t size, int prot, int flags, int fd, uint64_t offset)
{
	const struct config_file *measured = NULL;
	bool is_shared = flags & MAP_SHARED;
	struct file *f;

	if (flags & MAP_ANONYMOUS)
		return is_shared ? -EPERM : trusted_mmap(addr, size, prot, flags);
	if (!layer_lock())
		return -EAGAIN;
	f = file_at(fd);
	if (f && f->kind == FILE_VFS)
		measured = own_measured(&f->node);
	layer_unlock();
	if (!f)
		return -EBADF;
	/* /proc's text files can't be mapped, nor anything of the host */
	if (!measured)
		return -ENODEV;
	if (offset % 4096)
		return -EINVAL;
	if (prot & PROT_EXEC || (is_shared && prot & PROT_WRITE))
		return -EACCES;
	return map_measured(addr, size, prot, flags, measured, offset);
}

long call_umask(int mask)
{
	static int now = 022;

	return __atomic_exchange_n(&now, mask & 0777, __ATOMIC_RELAXED);
}

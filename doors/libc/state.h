/* SPDX-License-Identifier: MIT */
/*
 * What the files of the libc door share: the table of guest file descriptors, the way from a path
 * to a guest node or to the host, and access to the C library's own functions.
 *
 * One lock guards everything, the vfs below included. Functions that return with it held say so.
 * A signal handler that interrupts its holder and makes a file call on the guest gets EAGAIN.
 */
#ifndef SCW_DOOR_STATE_H
#define SCW_DOOR_STATE_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/vfs.h>

#include "door/door.h"
#include "vfs/vfs.h"

/*
 * The C library's own function. Preloaded: the next definition of the name, found at first use.
 * Linked: the function itself.
 */
#ifdef DOOR_PRELOAD
void *door_real_find(void **cache, const char *name);
#define REAL(f)                                                                  \
	(*({                                                                     \
		static void *cache_;                                             \
		void *found_ = __atomic_load_n(&cache_, __ATOMIC_RELAXED);       \
		if (__builtin_expect(!found_, 0))                                \
			found_ = door_real_find(&cache_, #f);                    \
		(__typeof__(&f))found_;                                          \
	}))
#else
#define REAL(f) (f)
#endif

#define DOOR_API __attribute__((visibility("default")))
/* A second name of a function with the same binary interface, such as open64 of open. */
#ifdef __clang__
#define DOOR_ALIAS(ret, name, args, of) DOOR_API ret name args __attribute__((alias(#of)));
#else
#define DOOR_ALIAS(ret, name, args, of)                                          \
	_Pragma("GCC diagnostic push")                                           \
	_Pragma("GCC diagnostic ignored \"-Wattribute-alias\"")                  \
	DOOR_API ret name args __attribute__((alias(#of)));                      \
	_Pragma("GCC diagnostic pop")
#endif

enum {
	DOOR_FDS_CHUNK = 1024,
	DOOR_FDS_CHUNKS = 1024, /* descriptors up to a million */
	DOOR_GUARDED_MAX = 1024,
};

/* An open file of the guest, shared by the descriptors, DIRs and FILEs that came from one open. */
struct door_file {
	unsigned int refs;
	int flags;	      /* as F_GETFL shows them */
	struct vfs_file *file; /* NULL for O_PATH on a link */
	struct vfs_node node;
	int64_t pos;	      /* bytes; of a directory: entries */
	bool is_dir;
	bool is_path;	      /* O_PATH */
	bool is_real;	      /* the descriptors are of a memfd with the content and the position */
	char path[];	      /* below the mount, canonical, without leading '/' */
};

extern struct door_file **door_fd_chunks[DOOR_FDS_CHUNKS];
extern bool door_cwd_is_guest; /* a hint, read without the lock */

/* Without the lock: might `fd` be a guest's? */
static inline bool door_fd_maybe(int fd)
{
	struct door_file **chunk;

	if ((unsigned int)fd >= DOOR_FDS_CHUNK * DOOR_FDS_CHUNKS)
		return false;
	chunk = __atomic_load_n(&door_fd_chunks[fd / DOOR_FDS_CHUNK], __ATOMIC_ACQUIRE);
	if (__builtin_expect(!chunk, 1))
		return false;
	return __atomic_load_n(&chunk[fd % DOOR_FDS_CHUNK], __ATOMIC_ACQUIRE);
}

/* False: this thread holds it already (a signal handler, or attach code), errno is EAGAIN. */
bool door_lock(void);
void door_unlock(void);
/* Unlock; a negative result becomes errno and -1. */
long door_done(long result);

/*
 * If `fd` is the guest's: true, with the lock held and *ret set, or with *ret NULL and errno set
 * (then the lock isn't held). Else false.
 */
bool door_fd_take(int fd, struct door_file **ret);

/* The following with the lock held. They return negative errno values. */
struct door_file *door_fd_get(int fd); /* NULL: not the guest's */
int door_fd_install(struct door_file *f, bool cloexec); /* takes over a reference; the number */
int door_fd_set(int fd, struct door_file *f); /* fd is a placeholder already; takes over */
void door_fd_drop(int fd); /* forget fd if it is the guest's; the descriptor itself stays */
void door_fd_drop_range(unsigned int first, unsigned int last);
int door_anchor(void); /* the descriptor that placeholders are duplicates of, or -1 */
void door_anchor_move(void);
/*
 * Descriptors that attaching opened: the guest's memory, the VM's process. A tool that begins by closing
 * all descriptors must not take them away. Those above DOOR_GUARDED_MAX aren't looked after.
 */
void door_guard_before(uint64_t open[DOOR_GUARDED_MAX / 64]);
void door_guard_after(const uint64_t open[DOOR_GUARDED_MAX / 64]);
bool door_is_guarded(int fd);
void door_unguard(int fd); /* the number is the program's from now on */
/* A number for which door_fd_get() may be non-NULL is below this. */
int door_fd_end(void);

struct door_file *door_file_ref(struct door_file *f);
void door_file_unref(struct door_file *f);
/* Any descriptor of `f`, or -1. */
int door_file_any_fd(const struct door_file *f);
int64_t door_file_read(struct door_file *f, void *buf, size_t size);
int64_t door_file_pread(struct door_file *f, void *buf, size_t size, int64_t offset);
int64_t door_file_seek(struct door_file *f, int64_t offset, int whence);
/* Give the descriptors of `f` the content itself, for a process that doesn't have the door. */
int door_file_materialise(struct door_file *f);
void door_materialise_all(bool those_kept_by_exec_only);

/* A path on its way: what resolve found. */
enum {
	DOOR_NOFOLLOW = 1,
	DOOR_EMPTY_PATH = 2, /* AT_EMPTY_PATH: "" is the dirfd itself */
};

struct door_target {
	/* Not the guest's: call the C library with these. */
	int dirfd;
	const char *path;
	/* The guest's: */
	int error; /* 0 or negative errno */
	bool at_cwd_or_fd; /* "" with DOOR_EMPTY_PATH */
	struct vfs_place *place; /* of the process; valid while the lock is held */
};

extern bool door_off; /* no guest is wanted in this process; also while it is found out */
bool door_resolve_slow(struct door_target *t, int dirfd, const char *path, unsigned int flags);
bool door_path_maybe(int dirfd, const char *path);

/*
 * True: the path is the guest's; the lock is held unless t->error is -EAGAIN, and t->place or
 * t->error is set: end with door_target_done(). False: the host's, use t->dirfd and t->path.
 */
static inline bool door_resolve(struct door_target *t, int dirfd, const char *path,
				unsigned int flags)
{
	t->dirfd = dirfd;
	t->path = path;
	if (__builtin_expect(!door_path_maybe(dirfd, path), 1))
		return false;
	return door_resolve_slow(t, dirfd, path, flags);
}

/* As door_done(). */
long door_target_done(const struct door_target *t, long result);

struct vfs *door_vfs(void);
/* With the lock, of the guest: to be followed by door_unlock(). NULL: without, errno is set. */
struct vfs *door_vfs_take(void);
/* No guest for this call: none is wanted, or it comes from below the vfs. */
bool door_is_host(void);
/* Around what happens under the lock: the program's call sees one epoch of the guest. */
void door_epoch_begin(void);
void door_epoch_end(void);
/* Open what was found, with the flags of open(). A new reference in *ret. */
int door_target_open(struct door_target *t, int flags, struct door_file **ret);
int door_target_getattr(struct door_target *t, struct vfs_stat *ret);
extern bool door_mounts_read; /* the program has opened the guest's list of mounts */

/* The virtual working directory ("" is the mount itself), or NULL when it is the host's. */
const char *door_cwd(void);
int door_cwd_set(const char *path); /* NULL: back to the host's */
/*
 * The tool asks about the process `pid`. Does it ask about one number after the other? Who looks for what the list of processes hides
 * would take the tool's own, which isn't in the guest's list, for hidden. Under the lock.
 */
bool door_is_search(long pid);

/* calls.c: system calls about processes and the machine, by number. False: not one of them. */
bool door_syscall_of_task(long number, const long a[6], long *ret);
/* st_dev of the guest's sockets. Not 0: it isn't to be had. */
int door_socket_device(uint64_t *ret);
/* Is this thread attaching just now, or does it hold the lock? Then its calls are the host's. */
bool door_passing(void);

#ifdef __GLIBC__
void __chk_fail(void) __attribute__((noreturn));
#endif

/* Once, before anything else is asked. */
void door_init(void);
void door_state_init(void);

/* The functions themselves, as the other files call them. */
int scw_openat(int dirfd, const char *path, int flags, ...);
int scw_open(const char *path, int flags, ...);
int scw_close(int fd);
int scw_close_range(unsigned int first, unsigned int last, int flags);
ssize_t scw_read(int fd, void *buf, size_t size);
ssize_t scw_pread(int fd, void *buf, size_t size, off_t offset);
ssize_t scw_readv(int fd, const struct iovec *iov, int count);
ssize_t scw_preadv(int fd, const struct iovec *iov, int count, off_t offset);
off_t scw_lseek(int fd, off_t offset, int whence);
int scw_dup(int fd);
int scw_dup2(int from, int to);
int scw_dup3(int from, int to, int flags);
int scw_fcntl(int fd, int command, ...);
void *scw_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
ssize_t scw_sendfile(int out, int in, off_t *offset, size_t size);
ssize_t scw_copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t size,
			    unsigned int flags);
ssize_t scw_splice(int in, off_t *in_at, int out, off_t *out_at, size_t size, unsigned int flags);
int scw_lstat(const char *path, struct stat *st);
int scw_stat(const char *path, struct stat *st);
int scw_fstat(int fd, struct stat *st);
int scw_fstatat(int dirfd, const char *path, struct stat *st, int flags);
int scw_statx(int dirfd, const char *path, int flags, unsigned int mask, void *st);
int scw_faccessat(int dirfd, const char *path, int mode, int flags);
ssize_t scw_readlinkat(int dirfd, const char *path, char *buf, size_t size);
int scw_statfs(const char *path, struct statfs *sf);
int scw_fstatfs(int fd, struct statfs *sf);
ssize_t scw_getxattr(const char *path, const char *name, void *value, size_t size);
ssize_t scw_lgetxattr(const char *path, const char *name, void *value, size_t size);
ssize_t scw_fgetxattr(int fd, const char *name, void *value, size_t size);
int scw_chdir(const char *path);
int scw_fchdir(int fd);
char *scw_getcwd(char *buf, size_t size);
DIR *scw_opendir(const char *path);
DIR *scw_fdopendir(int fd);
struct dirent *scw_readdir(DIR *d);
int scw_closedir(DIR *d);
int scw_dirfd(DIR *d);
ssize_t scw_getdents64(int fd, void *buf, size_t size);
FILE *scw_fopen(const char *path, const char *mode);
/* net.c: has the program sockets that are answered here? Then reading may be from one of them. */
extern bool door_net_asked;
static inline bool door_net_maybe(void)
{
	return __builtin_expect(__atomic_load_n(&door_net_asked, __ATOMIC_ACQUIRE), 0);
}
enum {
	DOOR_AS_READ = 1 << 30, /* for scw_recvfrom(): what isn't one of them is to be read, being no socket maybe */
};
int scw_socket(int domain, int type, int protocol);
int scw_ioctl(int fd, unsigned long request, ...);
ssize_t scw_sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *to, socklen_t to_size);
ssize_t scw_sendmsg(int fd, const struct msghdr *msg, int flags);
ssize_t scw_recvfrom(int fd, void *buf, size_t size, int flags, struct sockaddr *from, socklen_t *from_size);
ssize_t scw_recvmsg(int fd, struct msghdr *msg, int flags);
int scw_execve(const char *path, char *const argv[], char *const env[]);

#endif

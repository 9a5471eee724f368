/* SPDX-License-Identifier: MIT */
/*
 * The calls of the layer by their Linux names, typed; results as of the system call. syscall.c has the
 * table. Pointers are the program's.
 */
#ifndef SCW_TRUSTED_CALLS_H
#define SCW_TRUSTED_CALLS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>

struct msghdr;
struct pollfd;
struct trusted_timespec;

/* files.c */
long call_openat(int dirfd, const char *path, int flags);
long call_openat2(int dirfd, const char *path, const void *how, size_t size);
long call_close(int fd);
long call_close_range(unsigned int first, unsigned int last, unsigned int flags);
long call_read(int fd, void *buf, size_t size);
long call_pread(int fd, void *buf, size_t size, int64_t offset);
long call_readv(int fd, const struct iovec *iov, int count);
long call_preadv(int fd, const struct iovec *iov, int count, int64_t offset);
long call_write(int fd, const void *data, size_t size);
long call_writev(int fd, const struct iovec *iov, int count);
long call_pwrite(int fd, const void *data, size_t size, int64_t offset);
long call_lseek(int fd, int64_t offset, int whence);
long call_getdents64(int fd, void *buf, size_t size);
long call_pipe2(int *ret, int flags);
long call_dup(int fd);
long call_dup2(int from, int to);
long call_dup3(int from, int to, int flags);
long call_fcntl(int fd, int command, uint64_t arg);
long call_ioctl(int fd, uint64_t request, void *data);
long call_sendfile(int out, int in, int64_t *offset, size_t size);
long call_mmap(uint64_t addr, size_t size, int prot, int flags, int fd, uint64_t offset);
long call_umask(int mask);

/* sockets.c: what isn't netlink or UDP is refused */
long call_socket(int domain, int type, int protocol);
long call_socket_option(int fd);
long call_bind(int fd);
long call_socket_refused(int fd);
long call_sendto(int fd, const void *data, size_t size);
long call_sendmsg(int fd, const struct msghdr *msg);
long call_recvfrom(int fd, void *buf, size_t size, int flags, void *from, uint32_t *from_size);
long call_recvmsg(int fd, struct msghdr *msg, int flags);
long call_getsockname(int fd, void *ret, uint32_t *size);

/* attributes.c */
long call_fstat(int fd, struct stat *ret);
long call_fstatat(int dirfd, const char *path, struct stat *ret, int flags);
long call_statx(int dirfd, const char *path, int flags, unsigned int mask, void *ret);
long call_faccessat(int dirfd, const char *path, int mode, int flags);
long call_readlinkat(int dirfd, const char *path, char *buf, int size);
long call_statfs(const char *path, struct statfs *ret);
long call_fstatfs(int fd, struct statfs *ret);
long call_getxattr(const char *path, const char *name, void *value, size_t size);
long call_lgetxattr(const char *path, const char *name, void *value, size_t size);
long call_fgetxattr(int fd, const char *name, void *value, size_t size);
long call_listxattr(const char *path, char *list, size_t size);
long call_llistxattr(const char *path, char *list, size_t size);
long call_flistxattr(int fd, char *list, size_t size);
long call_chdir(const char *path);
long call_fchdir(int fd);
long call_getcwd(char *buf, size_t size);
/* What would change the tree: as on a read-only one. */
long call_change(int dirfd, const char *path);

/* wait.c */
long call_poll(struct pollfd *fds, unsigned int count, int timeout);
long call_ppoll(struct pollfd *fds, unsigned int count, struct trusted_timespec *timeout,
		const uint64_t *mask, size_t mask_size);
long call_select(int count, void *in, void *out, void *except, int64_t *timeout);
long call_pselect6(int count, void *in, void *out, void *except, struct trusted_timespec *timeout,
		   const uint64_t *mask);

/* process.c: fork() ends the program, as do programs that aren't in its image; vfork.s tells how it called */
long call_fork(void);
long call_clone(uint64_t flags); /* posix_spawn()'s, of another program */
long call_vfork(uint64_t how, uint64_t *frame);
long call_execve(const char *path, char *const *argv, char *const *envp);
long call_wait4(int pid, int *status, int options, void *usage);

/* guest_calls.c */
/*
 * The number that the guest's kernel would give to a process made now, and its next one at the next call; -EAGAIN: there is
 * none, other errors: no guest to ask.
 */
int call_next_number(void);
/* As gettid(): of a thread but the first such a number, as unhide finds those that are taken. */
int call_gettid(void);
long call_uname(void *ret);
long call_sysinfo(void *ret);
long call_kill(int pid, int sig);
long call_tkill(int tid, int sig);
long call_tgkill(int tgid, int tid, int sig);
long call_getpgid(int pid);
long call_getsid(int pid);
long call_getpriority(int which, int who);
long call_sched_getaffinity(int pid, size_t size, void *mask);
long call_sched_getscheduler(int pid);
long call_sched_getparam(int pid, int *ret);
long call_sched_getattr(int pid, void *ret, unsigned int size, unsigned int flags);
long call_sched_rr_get_interval(int pid, struct trusted_timespec *ret);
long call_prlimit(int pid, int resource, const void *new_limit, uint64_t *old_limit);
long call_getrlimit(int resource, uint64_t *ret);

#endif

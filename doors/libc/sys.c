// SPDX-License-Identifier: MIT
/* syscall() with the number of a call that has a function here, as programs make where the C library has no name. */
#include "state.h"

#include <stdarg.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <unistd.h>

DOOR_API long scw_syscall(long number, ...);

/* What openat2() takes; its `resolve` flags don't concern the guest. */
struct how {
	uint64_t flags, mode, resolve;
};

static long raw_getcwd(char *buf, size_t size)
{
	if (!door_cwd_is_guest)
		return REAL(syscall)(SYS_getcwd, buf, size);
	char *p = scw_getcwd(buf, size);
	if (!p)
		return -1;
	for (size = 0; p[size]; size++)
		;
	return (long)size + 1;
}

long scw_syscall(long number, ...)
{
	va_list ap;
	long a[6];

	va_start(ap, number);
	for (int i = 0; i < 6; i++)
		a[i] = va_arg(ap, long);
	va_end(ap);

#define INT(i) ((int)a[i])
#define PTR(i) ((void *)a[i])
	switch (number) {
#ifdef SYS_open
	case SYS_open:
		return scw_open(PTR(0), INT(1), (mode_t)a[2]);
	case SYS_creat:
		return scw_open(PTR(0), O_CREAT | O_WRONLY | O_TRUNC, (mode_t)a[1]);
	case SYS_stat:
		return scw_stat(PTR(0), PTR(1));
	case SYS_lstat:
		return scw_lstat(PTR(0), PTR(1));
	case SYS_access:
		return scw_faccessat(AT_FDCWD, PTR(0), INT(1), 0);
	case SYS_readlink:
		return scw_readlinkat(AT_FDCWD, PTR(0), PTR(1), (size_t)a[2]);
	case SYS_dup2:
		return scw_dup2(INT(0), INT(1));
#endif
	case SYS_openat:
		return scw_openat(INT(0), PTR(1), INT(2), (mode_t)a[3]);
	case SYS_openat2:
		if (!door_path_maybe(INT(0), PTR(1)) || (size_t)a[3] < sizeof(struct how))
			break;
		return scw_openat(INT(0), PTR(1), (int)((struct how *)PTR(2))->flags,
				  (mode_t)((struct how *)PTR(2))->mode);
	case SYS_close:
		return scw_close(INT(0));
	case SYS_close_range:
		return scw_close_range((unsigned int)a[0], (unsigned int)a[1], INT(2));
	case SYS_statx:
		return scw_statx(INT(0), PTR(1), INT(2), (unsigned int)a[3], PTR(4));
	case SYS_read:
		return scw_read(INT(0), PTR(1), (size_t)a[2]);
	case SYS_pread64:
		return scw_pread(INT(0), PTR(1), (size_t)a[2], a[3]);
	case SYS_readv:
		return scw_readv(INT(0), PTR(1), INT(2));
	case SYS_preadv:
		return scw_preadv(INT(0), PTR(1), INT(2), a[3]);
	case SYS_lseek:
		return scw_lseek(INT(0), a[1], INT(2));
	case SYS_getdents64:
		if (door_fd_maybe(INT(0)))
			return scw_getdents64(INT(0), PTR(1), (size_t)a[2]);
		break;
	case SYS_fstat:
		return scw_fstat(INT(0), PTR(1));
	case SYS_newfstatat:
		return scw_fstatat(INT(0), PTR(1), PTR(2), INT(3));
	case SYS_faccessat:
		return scw_faccessat(INT(0), PTR(1), INT(2), 0);
	case SYS_faccessat2:
		return scw_faccessat(INT(0), PTR(1), INT(2), INT(3));
	case SYS_readlinkat:
		return scw_readlinkat(INT(0), PTR(1), PTR(2), (size_t)a[3]);
	case SYS_chdir:
		return scw_chdir(PTR(0));
	case SYS_fchdir:
		return scw_fchdir(INT(0));
	case SYS_getcwd:
		return raw_getcwd(PTR(0), (size_t)a[1]);
	case SYS_dup:
		return scw_dup(INT(0));
	case SYS_dup3:
		return scw_dup3(INT(0), INT(1), INT(2));
	case SYS_fcntl:
		return scw_fcntl(INT(0), INT(1), PTR(2));
	case SYS_statfs:
		return scw_statfs(PTR(0), PTR(1));
	case SYS_fstatfs:
		return scw_fstatfs(INT(0), PTR(1));
	case SYS_getxattr:
		return scw_getxattr(PTR(0), PTR(1), PTR(2), (size_t)a[3]);
	case SYS_lgetxattr:
		return scw_lgetxattr(PTR(0), PTR(1), PTR(2), (size_t)a[3]);
	case SYS_fgetxattr:
		return scw_fgetxattr(INT(0), PTR(1), PTR(2), (size_t)a[3]);
	case SYS_sendfile:
		return scw_sendfile(INT(0), INT(1), PTR(2), (size_t)a[3]);
	case SYS_copy_file_range:
		return scw_copy_file_range(INT(0), PTR(1), INT(2), PTR(3), (size_t)a[4],
					   (unsigned int)a[5]);
	case SYS_splice:
		return scw_splice(INT(0), PTR(1), INT(2), PTR(3), (size_t)a[4], (unsigned int)a[5]);
	case SYS_mmap:
		return (long)scw_mmap(PTR(0), (size_t)a[1], INT(2), INT(3), INT(4), a[5]);
	case SYS_execve:
		return scw_execve(PTR(0), PTR(1), PTR(2));
	default: {
		long r;

		if (door_syscall_of_task(number, a, &r))
			return r;
		break;
	}
	}
	return REAL(syscall)(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

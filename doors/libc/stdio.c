// SPDX-License-Identifier: MIT
/*
 * FILEs over the guest: the C library's own, with the open file as their cookie, so that all of
 * stdio works on them. The descriptor behind fileno() comes into being when asked for.
 */
#include "state.h"

#include <mntent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct stream {
	struct stream *next;
	struct door_file *file;
	FILE *fp;
	int fd; /* -1: none yet */
	bool cloexec;
};

static struct stream *streams; /* under the lock */

static struct stream *stream_find(const FILE *fp)
{
	struct stream *s = __atomic_load_n(&streams, __ATOMIC_ACQUIRE);

	while (s && s->fp != fp)
		s = s->next;
	return s;
}

static ssize_t cookie_read(void *cookie, char *buf, size_t size)
{
	struct stream *s = cookie;

	return door_lock() ? door_done(door_file_read(s->file, buf, size)) : -1;
}

#ifdef __GLIBC__
static int cookie_seek(void *cookie, off64_t *offset, int whence)
#else
static int cookie_seek(void *cookie, off_t *offset, int whence)
#endif
{
	struct stream *s = cookie;

	if (!door_lock())
		return -1;
	long at = door_done(door_file_seek(s->file, *offset, whence));
	if (at < 0)
		return -1;
	*offset = at;
	return 0;
}

static int cookie_close(void *cookie)
{
	struct stream *s = cookie;
	int r = 0;

	if (!door_lock())
		return -1;
	for (struct stream **at = &streams; *at; at = &(*at)->next) {
		if (*at == s) {
			__atomic_store_n(at, s->next, __ATOMIC_RELEASE);
			break;
		}
	}
	if (s->fd >= 0 && door_fd_get(s->fd) == s->file) {
		door_fd_drop(s->fd);
		r = REAL(close)(s->fd);
	}
	door_file_unref(s->file);
	door_unlock();
	free(s);
	return r;
}

/* With the lock held; takes over the reference, also when it fails. */
static FILE *stream_create(struct door_file *f, int fd, bool cloexec)
{
	static const cookie_io_functions_t functions = {
		.read = cookie_read,
		.seek = cookie_seek,
		.close = cookie_close,
	};
	struct stream *s = malloc(sizeof(*s));

	if (s) {
		*s = (struct stream){ .file = f, .fd = fd, .cloexec = cloexec };
		s->fp = fopencookie(s, "r", functions);
		if (s->fp) {
			s->next = streams;
			__atomic_store_n(&streams, s, __ATOMIC_RELEASE);
			return s->fp;
		}
		free(s);
	}
	door_file_unref(f);
	return NULL;
}

struct door_file *door_stream_file(FILE *fp)
{
	struct stream *s = stream_find(fp);

	return s ? s->file : NULL;
}

/* The flags of open() for a mode of fopen(), or -1. */
static int mode_flags(const char *mode)
{
	int flags;

	switch (*mode) {
	case 'r':
		flags = O_RDONLY;
		break;
	case 'w':
		flags = O_WRONLY | O_CREAT | O_TRUNC;
		break;
	case 'a':
		flags = O_WRONLY | O_CREAT | O_APPEND;
		break;
	default:
		return -1;
	}
	for (mode++; *mode && *mode != ','; mode++) {
		if (*mode == '+')
			flags = (flags & ~O_ACCMODE) | O_RDWR;
		else if (*mode == 'x')
			flags |= O_EXCL;
		else if (*mode == 'e')
			flags |= O_CLOEXEC;
	}
	return flags;
}

DOOR_API FILE *scw_fopen(const char *path, const char *mode)
{
	struct door_target t;
	struct door_file *f;
	FILE *fp = NULL;
	int flags, r;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(fopen)(t.path, mode);
	flags = mode_flags(mode);
	if (flags < 0)
		r = -EINVAL;
	else
		r = t.error == -EAGAIN ? t.error : door_target_open(&t, flags, &f);
	if (!r) {
		fp = stream_create(f, -1, flags & O_CLOEXEC);
		r = fp ? 0 : -ENOMEM;
	}
	door_target_done(&t, r);
	return fp;
}

DOOR_API FILE *scw_fdopen(int fd, const char *mode);
FILE *scw_fdopen(int fd, const char *mode)
{
	struct door_file *f;
	FILE *fp;

	if (!door_fd_take(fd, &f))
		return REAL(fdopen)(fd, mode);
	if (!f)
		return NULL;
	if (mode_flags(mode) < 0 || (mode_flags(mode) & O_ACCMODE) != O_RDONLY) {
		door_done(-EINVAL);
		return NULL;
	}
	fp = stream_create(door_file_ref(f), fd, false);
	door_done(fp ? 0 : -ENOMEM);
	return fp;
}

DOOR_API int scw_fileno(FILE *fp);
int scw_fileno(FILE *fp)
{
	struct stream *s;

	if (!__atomic_load_n(&streams, __ATOMIC_ACQUIRE) || !door_lock())
		return REAL(fileno)(fp);
	s = stream_find(fp);
	if (!s) {
		door_unlock();
		return REAL(fileno)(fp);
	}
	if (s->fd < 0) {
		int fd = door_fd_install(door_file_ref(s->file), s->cloexec);

		if (fd < 0)
			return (int)door_done(fd);
		s->fd = fd;
	}
	return (int)door_done(s->fd);
}
DOOR_ALIAS(int, scw_fileno_unlocked, (FILE * fp), scw_fileno)

/*
 * A FILE keeps its address through freopen(), so one of the C library's has to stay: it gets the
 * content in a memfd.
 */
DOOR_API FILE *scw_freopen(const char *path, const char *mode, FILE *fp);
FILE *scw_freopen(const char *path, const char *mode, FILE *fp)
{
	char name[32];
	struct door_target t;
	struct door_file *f;
	FILE *ret;
	int flags = mode_flags(mode), fd, r;

	if (!path || !door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(freopen)(path ? t.path : NULL, mode, fp);
	if (flags < 0)
		r = -EINVAL;
	else
		r = t.error == -EAGAIN ? t.error : door_target_open(&t, flags, &f);
	if (!r)
		r = door_fd_install(door_file_ref(f), true);
	if (r < 0) {
		door_target_done(&t, r);
		fclose(fp);
		return NULL;
	}
	fd = r;
	r = door_file_materialise(f);
	door_fd_drop(fd);
	door_file_unref(f);
	door_unlock();
	/* The host's own name of the memfd: a new open file, read-only, from its start. */
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ret = REAL(freopen)(name, mode, fp);
	REAL(close)(fd);
	if (r) {
		errno = -r;
		return NULL;
	}
	return ret;
}

DOOR_API FILE *scw_setmntent(const char *path, const char *mode);
FILE *scw_setmntent(const char *path, const char *mode)
{
	struct door_target t;

	if (door_resolve(&t, AT_FDCWD, path, 0)) {
		door_target_done(&t, 0);
		return scw_fopen(path, mode);
	}
	return REAL(setmntent)(t.path, mode);
}

DOOR_API int scw_getloadavg(double *loads, int count);
int scw_getloadavg(double *loads, int count)
{
	char buf[128], *p = buf, *end;
	int fd, i;

	if (door_off)
		return REAL(getloadavg)(loads, count);
	fd = scw_open("/proc/loadavg", O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	ssize_t n = scw_read(fd, buf, sizeof(buf) - 1);
	scw_close(fd);
	if (n <= 0)
		return -1;
	buf[n] = '\0';
	for (i = 0; i < count && i < 3; i++, p = end) {
		loads[i] = strtod(p, &end);
		if (end == p)
			break;
	}
	return i;
}

#ifdef __GLIBC__
DOOR_ALIAS(FILE *, scw_fopen64, (const char *path, const char *mode), scw_fopen)
DOOR_ALIAS(FILE *, scw_freopen64, (const char *path, const char *mode, FILE *fp), scw_freopen)
#endif

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
#include <wchar.h>

struct stream {
	struct stream *next;
	struct door_file *file;
	FILE *fp;
	int fd; /* -1: none yet */
	bool cloexec;
	/* Reading it by wide characters. */
	bool wide;
	wint_t unread;
	mbstate_t state;
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
		*s = (struct stream){ .file = f, .fd = fd, .cloexec = cloexec, .unread = WEOF };
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
 * Wide characters: glibc's functions need a part of a FILE that those with a cookie don't have, and
 * crash. So they are done over its bytes here.
 */
static struct stream *stream_take(FILE *fp)
{
	struct stream *s = NULL;

	if (__atomic_load_n(&streams, __ATOMIC_ACQUIRE) && door_lock()) {
		s = stream_find(fp);
		door_unlock();
	}
	return s;
}

static wint_t stream_getwc(struct stream *s)
{
	wint_t unread = s->unread;
	wchar_t wc;

	s->wide = true;
	if (unread != WEOF) {
		s->unread = WEOF;
		return unread;
	}
	for (;;) {
		int c = getc(s->fp);
		char byte = (char)c;

		if (c == EOF)
			return WEOF;
		size_t n = mbrtowc(&wc, &byte, 1, &s->state);
		if (n == (size_t)-1)
			return WEOF; /* errno is EILSEQ */
		if (n != (size_t)-2)
			return n ? (wint_t)wc : 0;
	}
}

DOOR_API wint_t scw_fgetwc(FILE *fp);
wint_t scw_fgetwc(FILE *fp)
{
	struct stream *s = stream_take(fp);

	return s ? stream_getwc(s) : REAL(fgetwc)(fp);
}
DOOR_ALIAS(wint_t, scw_getwc, (FILE * fp), scw_fgetwc)

DOOR_API wchar_t *scw_fgetws(wchar_t *buf, int size, FILE *fp);
wchar_t *scw_fgetws(wchar_t *buf, int size, FILE *fp)
{
	struct stream *s = stream_take(fp);
	int n = 0;

	if (!s)
		return REAL(fgetws)(buf, size, fp);
	if (size <= 0)
		return NULL;
	while (n < size - 1) {
		wint_t c = stream_getwc(s);

		if (c == WEOF)
			break;
		buf[n++] = (wchar_t)c;
		if (c == L'\n')
			break;
	}
	buf[n] = L'\0';
	return n || size == 1 ? buf : NULL;
}

DOOR_API wint_t scw_ungetwc(wint_t c, FILE *fp);
wint_t scw_ungetwc(wint_t c, FILE *fp)
{
	struct stream *s = stream_take(fp);

	if (!s)
		return REAL(ungetwc)(c, fp);
	if (c == WEOF || s->unread != WEOF)
		return WEOF;
	s->unread = c;
	return c;
}

DOOR_API int scw_fwide(FILE *fp, int mode);
int scw_fwide(FILE *fp, int mode)
{
	struct stream *s = stream_take(fp);

	if (!s)
		return REAL(fwide)(fp, mode);
	if (mode > 0)
		s->wide = true;
	return s->wide ? 1 : mode < 0 ? -1 : 0;
}

#ifdef __GLIBC__
DOOR_ALIAS(wint_t, scw_fgetwc_unlocked, (FILE * fp), scw_fgetwc)
DOOR_ALIAS(wint_t, scw_getwc_unlocked, (FILE * fp), scw_fgetwc)
DOOR_ALIAS(wchar_t *, scw_fgetws_unlocked, (wchar_t * buf, int size, FILE *fp), scw_fgetws)

DOOR_API wchar_t *scw___fgetws_chk(wchar_t *buf, size_t room, int size, FILE *fp);
wchar_t *scw___fgetws_chk(wchar_t *buf, size_t room, int size, FILE *fp)
{
	if (size > 0 && (size_t)size > room)
		__chk_fail();
	return scw_fgetws(buf, size, fp);
}
DOOR_ALIAS(wchar_t *, scw___fgetws_unlocked_chk,
	   (wchar_t * buf, size_t room, int size, FILE *fp), scw___fgetws_chk)
#endif

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
		door_target_done(&t, 0);
		/* As the C library does it: closed, but not freed. */
		REAL(freopen)("", mode, fp);
		errno = -r;
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

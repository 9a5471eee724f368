// SPDX-License-Identifier: MIT
/*
 * Directories. A DIR of the guest is an object of ours, told from the C library's by its first
 * word. It gets a descriptor when dirfd() asks for one.
 */
#include "state.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vfs/forms.h"

/* Not a number that a C library's DIR begins with: glibc has a descriptor and a lock there. */
#define STREAM_MAGIC 0xd00d51de0ff1ce8dULL

struct stream {
	uint64_t magic;
	struct door_file *file;
	int fd; /* -1: none yet */
	struct dirent entry;
};

static struct stream *stream_of(const void *dir)
{
	struct stream *s = (struct stream *)(uintptr_t)dir;
	uint64_t first;

	memcpy(&first, s, sizeof(first));
	return first == STREAM_MAGIC ? s : NULL;
}

/* Takes over the reference. */
static struct stream *stream_create(struct door_file *f, int fd)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s) {
		door_file_unref(f);
		return NULL;
	}
	s->magic = STREAM_MAGIC;
	s->file = f;
	s->fd = fd;
	return s;
}

static DIR *opendir_common(int dirfd, const char *path, DIR *(*host)(const struct door_target *))
{
	struct door_target t;
	struct door_file *f;
	struct stream *s = NULL;
	int r;

	if (!door_resolve(&t, dirfd, path, 0))
		return host(&t);
	r = t.error == -EAGAIN ? t.error : door_target_open(&t, O_RDONLY | O_DIRECTORY, &f);
	if (!r) {
		s = stream_create(f, -1);
		r = s ? 0 : -ENOMEM;
	}
	door_target_done(&t, r);
	return (DIR *)s;
}

static DIR *host_opendir(const struct door_target *t)
{
	return REAL(opendir)(t->path);
}

static DIR *host_opendirat(const struct door_target *t)
{
	int fd = REAL(openat)(t->dirfd, t->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
	DIR *d = fd < 0 ? NULL : REAL(fdopendir)(fd);

	if (!d && fd >= 0)
		REAL(close)(fd);
	return d;
}

DOOR_API DIR *scw_opendir(const char *path)
{
	return opendir_common(AT_FDCWD, path, host_opendir);
}

DOOR_API DIR *scw_fdopendir(int fd)
{
	struct door_file *f;
	struct stream *s = NULL;
	int r = 0;

	if (!door_fd_take(fd, &f))
		return REAL(fdopendir)(fd);
	if (!f)
		return NULL;
	if (f->is_path)
		r = -EBADF;
	else if (!f->is_dir)
		r = -ENOTDIR;
	else if (!(s = stream_create(door_file_ref(f), fd)))
		r = -ENOMEM;
	door_done(r);
	return (DIR *)s;
}

static int stream_read(struct stream *s, struct dirent *out)
{
	struct vfs_dirent e;
	int r = vfs_dirent_at(s->file->file, (uint64_t)s->file->pos, &e);

	if (r <= 0)
		return r;
	s->file->pos++;
	size_t size = strlen(e.name) + 1;
	out->d_ino = e.ino;
	out->d_off = s->file->pos;
	out->d_type = e.type;
	out->d_reclen = (unsigned short)((offsetof(struct dirent, d_name) + size + 7) & ~7UL);
	memcpy(out->d_name, e.name, size);
	return 1;
}

DOOR_API struct dirent *scw_readdir(DIR *d)
{
	struct stream *s = stream_of(d);

	if (!s)
		return REAL(readdir)(d);
	if (!door_lock())
		return NULL;
	int r = stream_read(s, &s->entry);
	door_done(r);
	return r > 0 ? &s->entry : NULL;
}

DOOR_API int scw_readdir_r(DIR *d, struct dirent *entry, struct dirent **ret);
int scw_readdir_r(DIR *d, struct dirent *entry, struct dirent **ret)
{
	struct stream *s = stream_of(d);

	if (!s) {
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
		return REAL(readdir_r)(d, entry, ret);
#pragma GCC diagnostic pop
	}
	*ret = NULL;
	if (!door_lock())
		return EAGAIN;
	int r = stream_read(s, entry);
	door_unlock();
	if (r > 0)
		*ret = entry;
	return r < 0 ? -r : 0;
}

DOOR_API int scw_closedir(DIR *d)
{
	struct stream *s = stream_of(d);
	int fd;

	if (!s)
		return REAL(closedir)(d);
	if (!door_lock())
		return -1;
	fd = s->fd;
	s->magic = 0;
	if (fd >= 0 && door_fd_get(fd) == s->file) {
		door_fd_drop(fd);
		REAL(close)(fd);
	}
	door_file_unref(s->file);
	door_unlock();
	free(s);
	return 0;
}

DOOR_API int scw_dirfd(DIR *d)
{
	struct stream *s = stream_of(d);

	if (!s)
		return REAL(dirfd)(d);
	if (!door_lock())
		return -1;
	if (s->fd < 0) {
		int fd = door_fd_install(door_file_ref(s->file), true);

		if (fd < 0)
			return (int)door_done(fd);
		s->fd = fd;
	}
	return (int)door_done(s->fd);
}

DOOR_API void scw_seekdir(DIR *d, long at);
void scw_seekdir(DIR *d, long at)
{
	struct stream *s = stream_of(d);

	if (!s) {
		REAL(seekdir)(d, at);
	} else if (door_lock()) {
		s->file->pos = at < 0 ? 0 : at;
		door_unlock();
	}
}

DOOR_API void scw_rewinddir(DIR *d);
void scw_rewinddir(DIR *d)
{
	if (stream_of(d))
		scw_seekdir(d, 0);
	else
		REAL(rewinddir)(d);
}

DOOR_API long scw_telldir(DIR *d);
long scw_telldir(DIR *d)
{
	struct stream *s = stream_of(d);

	if (!s)
		return REAL(telldir)(d);
	if (!door_lock())
		return -1;
	return door_done(s->file->pos);
}

static ssize_t fill_dents(struct door_file *f, char *buf, size_t size)
{
	if (f->is_path)
		return -EBADF;
	if (!f->is_dir)
		return -ENOTDIR;
	return vfs_form_dents(f->file, &f->pos, buf, size);
}

DOOR_API ssize_t scw_getdents64(int fd, void *buf, size_t size)
{
	struct door_file *f;

	if (!door_fd_take(fd, &f))
		return REAL(syscall)(SYS_getdents64, fd, buf, size);
	return f ? door_done(fill_dents(f, buf, size)) : -1;
}

struct entries {
	struct dirent **list;
	size_t count, room;
};

static bool entries_add(struct entries *to, const struct dirent *e)
{
	size_t size = offsetof(struct dirent, d_name) + strlen(e->d_name) + 1;
	struct dirent *copy;

	if (to->count == to->room) {
		size_t room = to->room ? to->room * 2 : 32;
		struct dirent **list = reallocarray(to->list, room, sizeof(*list));

		if (!list)
			return false;
		to->list = list;
		to->room = room;
	}
	copy = malloc(size < sizeof(*e) ? sizeof(*e) : size);
	if (!copy)
		return false;
	memcpy(copy, e, size);
	to->list[to->count++] = copy;
	return true;
}

typedef int (*order_fn)(const struct dirent **, const struct dirent **);

static int scan(DIR *d, struct dirent ***ret, int (*filter)(const struct dirent *), order_fn order)
{
	struct entries got = { 0 };
	struct dirent *e;
	int saved = errno, error;

	if (!d)
		return -1;
	for (;;) {
		errno = 0;
		e = scw_readdir(d);
		if (!e)
			break;
		if (filter && !filter(e))
			continue;
		if (!entries_add(&got, e)) {
			errno = ENOMEM;
			break;
		}
	}
	error = errno;
	scw_closedir(d);
	if (error) {
		while (got.count)
			free(got.list[--got.count]);
		free(got.list);
		errno = error;
		return -1;
	}
	if (order && got.count)
		qsort(got.list, got.count, sizeof(*got.list),
		      (int (*)(const void *, const void *))(void *)order);
	*ret = got.list;
	errno = saved;
	return (int)got.count;
}

DOOR_API int scw_scandir(const char *path, struct dirent ***ret,
			 int (*filter)(const struct dirent *), order_fn order);
int scw_scandir(const char *path, struct dirent ***ret, int (*filter)(const struct dirent *),
		order_fn order)
{
	return scan(scw_opendir(path), ret, filter, order);
}

DOOR_API int scw_scandirat(int dirfd, const char *path, struct dirent ***ret,
			   int (*filter)(const struct dirent *), order_fn order);
int scw_scandirat(int dirfd, const char *path, struct dirent ***ret,
		  int (*filter)(const struct dirent *), order_fn order)
{
	return scan(opendir_common(dirfd, path, host_opendirat), ret, filter, order);
}

#ifdef __GLIBC__
DOOR_ALIAS(struct dirent64 *, scw_readdir64, (DIR * d), scw_readdir)
DOOR_ALIAS(int, scw_readdir64_r, (DIR * d, struct dirent64 *entry, struct dirent64 **ret),
	   scw_readdir_r)
DOOR_ALIAS(int, scw_scandir64,
	   (const char *path, struct dirent64 ***ret, int (*filter)(const struct dirent64 *),
	    int (*order)(const struct dirent64 **, const struct dirent64 **)),
	   scw_scandir)
DOOR_ALIAS(int, scw_scandirat64,
	   (int dirfd, const char *path, struct dirent64 ***ret,
	    int (*filter)(const struct dirent64 *),
	    int (*order)(const struct dirent64 **, const struct dirent64 **)),
	   scw_scandirat)
#endif

// SPDX-License-Identifier: MIT
/*
 * What walks trees by itself inside the C library, past the functions we stand in for: realpath,
 * ftw and nftw (glob and fts have their own files).
 */
#include "state.h"

#include <ftw.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Where a path leads, for one that could lead to the guest. A reply in static storage would race. */
static int guest_realpath(struct door_target *t, char out[VFS_PATH_MAX + 8])
{
	const struct vfs_place *p = t->place;

	if (t->error)
		return t->error;
	if (p->kind == VFS_FOUND) {
		snprintf(out, VFS_PATH_MAX + 8, "%s%s", *p->path ? "/proc/" : "/proc", p->path);
		return 0;
	}
	/* A file in the guest, by the name that it has there. */
	if (!p->at_end || p->path[0] != '/')
		return -EACCES;
	snprintf(out, VFS_PATH_MAX + 8, "%s", p->path);
	return 0;
}

DOOR_API char *scw_realpath(const char *path, char *resolved);
char *scw_realpath(const char *path, char *resolved)
{
	char full[VFS_PATH_MAX + 8];
	struct door_target t;
	size_t size;

	if (!door_resolve(&t, AT_FDCWD, path, 0))
		return REAL(realpath)(t.path, resolved);
	int r = guest_realpath(&t, full);
	size = r ? 0 : strlen(full) + 1;
	if (!r && size > VFS_PATH_MAX)
		r = -ENAMETOOLONG;
	if (door_target_done(&t, r) < 0)
		return NULL;
	if (!resolved)
		resolved = malloc(size);
	return resolved ? memcpy(resolved, full, size) : NULL;
}

#ifdef __GLIBC__
DOOR_API char *scw_canonicalize_file_name(const char *path);
char *scw_canonicalize_file_name(const char *path)
{
	return scw_realpath(path, NULL);
}

DOOR_API char *scw___realpath_chk(const char *path, char *resolved, size_t room);
char *scw___realpath_chk(const char *path, char *resolved, size_t room)
{
	if (room < VFS_PATH_MAX)
		__chk_fail();
	return scw_realpath(path, resolved);
}
#endif

enum {
	TREE_DEPTH_MAX = 256,
};

/*
 * nftw() over our own functions, for trees that are the guest's or hold its /proc. Paths grow in
 * `path`. Where links are followed, a directory is visited once, whichever name comes first.
 */
struct tree {
	char path[VFS_PATH_MAX];
	int flags;
	dev_t dev;
	int (*call)(struct tree *, const struct stat *st, int type, struct FTW *at);
	int (*fn)(const char *, const struct stat *, int, struct FTW *);
	int (*fn_plain)(const char *, const struct stat *, int);
	int depth;
	void *seen; /* of struct seen, by tsearch() */
};

struct seen {
	dev_t dev;
	ino_t ino;
};

static int call_nftw(struct tree *t, const struct stat *st, int type, struct FTW *at)
{
	return t->fn(t->path, st, type, at);
}

static int call_ftw(struct tree *t, const struct stat *st, int type, struct FTW *at)
{
	(void)at;
	return t->fn_plain(t->path, st, type == FTW_SLN ? FTW_NS : type);
}

static int seen_compare(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* 1: for the first time; 0: not; -1: out of memory. */
static int first_seen(struct tree *t, const struct stat *st)
{
	struct seen *new = malloc(sizeof(*new)), **found;

	if (!new)
		return -1;
	*new = (struct seen){ st->st_dev, st->st_ino };
	found = tsearch(new, &t->seen, seen_compare);
	if (found && *found == new)
		return 1;
	free(new);
	return found ? 0 : -1;
}

static int tree_visit(struct tree *t, int base);

static int tree_children(struct tree *t, DIR *d)
{
	size_t size = strlen(t->path);
	struct dirent *e;
	int r = 0;

	while (!r && (e = scw_readdir(d))) {
		size_t at = size, name_size = strlen(e->d_name);

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (!size || t->path[size - 1] != '/')
			t->path[at++] = '/';
		if (at + name_size + 2 > sizeof(t->path)) {
			t->path[size] = '\0';
			errno = ENAMETOOLONG;
			return -1;
		}
		memcpy(t->path + at, e->d_name, name_size + 1);
		r = tree_visit(t, (int)at);
		t->path[size] = '\0';
#ifdef FTW_ACTIONRETVAL
		if (t->flags & FTW_ACTIONRETVAL && r == FTW_SKIP_SIBLINGS) {
			r = 0;
			break;
		}
#endif
	}
	return r;
}

static int tree_dir(struct tree *t, const struct stat *st, struct FTW *at)
{
	DIR *d = scw_opendir(t->path);
	int r = 0;

	if (!d)
		return errno == EACCES ? t->call(t, st, FTW_DNR, at) : -1;
	if (!(t->flags & FTW_DEPTH))
		r = t->call(t, st, FTW_D, at);
#ifdef FTW_ACTIONRETVAL
	if (t->flags & FTW_ACTIONRETVAL && r == FTW_SKIP_SUBTREE) {
		scw_closedir(d);
		return 0;
	}
#endif
	if (!r && t->flags & FTW_CHDIR && scw_chdir(t->path))
		r = -1;
	if (!r) {
		t->depth++;
		r = tree_children(t, d);
		t->depth--;
	}
	int saved = errno;
	scw_closedir(d);
	errno = saved;
	if (!r && t->flags & FTW_DEPTH)
		r = t->call(t, st, FTW_DP, at);
	return r;
}

static int tree_visit(struct tree *t, int base)
{
	struct FTW at = { .base = base, .level = t->depth };
	struct stat st = { 0 };
	int r;

	if (t->depth >= TREE_DEPTH_MAX) {
		errno = ELOOP;
		return -1;
	}
	if (t->flags & FTW_PHYS ? scw_lstat(t->path, &st) : scw_stat(t->path, &st)) {
		if (errno != EACCES && errno != ENOENT)
			return -1;
		if (!(t->flags & FTW_PHYS) && !scw_lstat(t->path, &st) && S_ISLNK(st.st_mode))
			return t->call(t, &st, FTW_SLN, &at);
		if (!t->depth)
			return -1;
		return t->call(t, &st, FTW_NS, &at);
	}
	if (!t->depth)
		t->dev = st.st_dev;
	if (t->flags & FTW_MOUNT && st.st_dev != t->dev)
		return 0;
	if (S_ISLNK(st.st_mode))
		return t->call(t, &st, FTW_SL, &at);
	if (!S_ISDIR(st.st_mode))
		return t->call(t, &st, FTW_F, &at);
	if (!(t->flags & FTW_PHYS)) {
		r = first_seen(t, &st);
		if (r <= 0)
			return r;
	}
	return tree_dir(t, &st, &at);
}

static int tree_walk(struct tree *t, const char *path)
{
	size_t size = strlen(path);
	const char *slash;
	char *cwd = NULL;

	if (!size || size >= sizeof(t->path)) {
		errno = size ? ENAMETOOLONG : ENOENT;
		return -1;
	}
	memcpy(t->path, path, size + 1);
	while (size > 1 && t->path[size - 1] == '/')
		t->path[--size] = '\0';
	slash = strrchr(t->path, '/');
	if (t->flags & FTW_CHDIR && !(cwd = scw_getcwd(NULL, 0)))
		return -1;
	int r = tree_visit(t, slash && slash[1] ? (int)(slash + 1 - t->path) : 0);
	tdestroy(t->seen, free);
	if (cwd) {
		int saved = errno;

		if (scw_chdir(cwd))
			r = -1;
		else
			errno = saved;
		free(cwd);
	}
	return r;
}

/* Is a walk from here ours: in the guest's /proc, or from the root, which holds it? */
static bool tree_is_ours(const char *path)
{
	struct stat root, st;

	if (door_off)
		return false;
	if (door_path_maybe(AT_FDCWD, path))
		return true;
	return !REAL(stat)("/", &root) && !REAL(stat)(path, &st) && root.st_dev == st.st_dev &&
	       root.st_ino == st.st_ino;
}

DOOR_API int scw_nftw(const char *path,
		      int (*fn)(const char *, const struct stat *, int, struct FTW *), int fds,
		      int flags);
int scw_nftw(const char *path, int (*fn)(const char *, const struct stat *, int, struct FTW *),
	     int fds, int flags)
{
	struct tree *t;

	door_init();
	if (!tree_is_ours(path))
		return REAL(nftw)(path, fn, fds, flags);
	t = calloc(1, sizeof(*t));
	if (!t)
		return -1;
	t->flags = flags;
	t->call = call_nftw;
	t->fn = fn;
	int r = tree_walk(t, path);
	free(t);
	return r;
}

DOOR_API int scw_ftw(const char *path, int (*fn)(const char *, const struct stat *, int), int fds);
int scw_ftw(const char *path, int (*fn)(const char *, const struct stat *, int), int fds)
{
	struct tree *t;

	door_init();
	if (!tree_is_ours(path))
		return REAL(ftw)(path, fn, fds);
	t = calloc(1, sizeof(*t));
	if (!t)
		return -1;
	t->call = call_ftw;
	t->fn_plain = fn;
	int r = tree_walk(t, path);
	free(t);
	return r;
}

#ifdef __GLIBC__
DOOR_ALIAS(int, scw_nftw64,
	   (const char *path, int (*fn)(const char *, const struct stat64 *, int, struct FTW *),
	    int fds, int flags),
	   scw_nftw)
DOOR_ALIAS(int, scw_ftw64,
	   (const char *path, int (*fn)(const char *, const struct stat64 *, int), int fds), scw_ftw)
#endif

// SPDX-License-Identifier: MIT
/*
 * fts over our own functions, for trees that are the guest's or hold its /proc. It never changes
 * the working directory: fts_accpath is fts_path, as with FTS_NOCHDIR.
 */
#include "state.h"

#include <fts.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef __GLIBC__
#define HOST(f) REAL(f)
#else
/* Upstream musl has no fts: this one walks the host's trees as well. */
#define HOST(f) absent_##f
static FTS *absent_fts_open(char *const *paths, int options,
			    int (*compare)(const FTSENT **, const FTSENT **))
{
	(void)paths;
	(void)options;
	(void)compare;
	errno = ENOSYS;
	return NULL;
}

static FTSENT *absent_fts_read(FTS *fts)
{
	(void)fts;
	errno = EBADF;
	return NULL;
}

static FTSENT *absent_fts_children(FTS *fts, int instr)
{
	(void)instr;
	return absent_fts_read(fts);
}

static int absent_fts_set(FTS *fts, FTSENT *e, int instr)
{
	(void)e;
	(void)instr;
	absent_fts_read(fts);
	return 1;
}

static int absent_fts_close(FTS *fts)
{
	absent_fts_read(fts);
	return -1;
}
#endif

struct walk {
	FTS fts; /* first: what the program holds */
	FTSENT *parent; /* of the roots, at level -1 */
	bool at_end;
	struct walk *next;
};

static struct walk *walks; /* under the lock */

static struct walk *walk_of(const FTS *fts)
{
	struct walk *w = NULL;

	if (__atomic_load_n(&walks, __ATOMIC_ACQUIRE) && door_lock()) {
		for (w = walks; w && &w->fts != fts; w = w->next)
			;
		door_unlock();
	}
	return w;
}

static FTSENT *entry_create(struct walk *w, FTSENT *parent, const char *dir, const char *name)
{
	size_t dir_size = strlen(dir), name_size = strlen(name);
	bool slash = dir_size && dir[dir_size - 1] != '/';
	FTSENT *e = calloc(1, sizeof(*e) + name_size);
	struct stat *st = calloc(1, sizeof(*st));
	char *path = malloc(dir_size + slash + name_size + 1);

	if (!e || !st || !path) {
		free(e);
		free(st);
		free(path);
		return NULL;
	}
	memcpy(path, dir, dir_size);
	if (slash)
		path[dir_size] = '/';
	memcpy(path + dir_size + slash, name, name_size + 1);
	memcpy(e->fts_name, name, name_size + 1);
	e->fts_namelen = (unsigned short)name_size;
	e->fts_path = e->fts_accpath = path;
	e->fts_pathlen = (unsigned short)(dir_size + slash + name_size);
	e->fts_statp = st;
	e->fts_parent = parent;
	e->fts_level = (short)(parent ? parent->fts_level + 1 : -1);
	e->fts_instr = 3; /* FTS_NOINSTR, which the header keeps to itself */
	e->fts_pointer = NULL;
	(void)w;
	return e;
}

static void entry_destroy(FTSENT *e)
{
	if (!e)
		return;
	free(e->fts_path);
	free(e->fts_statp);
	free(e);
}

static void list_destroy(FTSENT *e)
{
	while (e) {
		FTSENT *next = e->fts_link;

		entry_destroy(e);
		e = next;
	}
}

static unsigned short entry_stat(struct walk *w, FTSENT *e, bool follow)
{
	struct stat *st = e->fts_statp;

	if (follow || w->fts.fts_options & FTS_LOGICAL ||
	    (w->fts.fts_options & FTS_COMFOLLOW && e->fts_level == FTS_ROOTLEVEL)) {
		if (scw_stat(e->fts_path, st)) {
			int saved = errno;

			if (!scw_lstat(e->fts_path, st)) {
				errno = 0;
				return FTS_SLNONE;
			}
			e->fts_errno = saved;
			return FTS_NS;
		}
	} else if (scw_lstat(e->fts_path, st)) {
		e->fts_errno = errno;
		return FTS_NS;
	}
	e->fts_dev = st->st_dev;
	e->fts_ino = st->st_ino;
	e->fts_nlink = st->st_nlink;
	if (S_ISDIR(st->st_mode)) {
		if (!strcmp(e->fts_name, ".") || !strcmp(e->fts_name, ".."))
			if (e->fts_level != FTS_ROOTLEVEL)
				return FTS_DOT;
		for (FTSENT *p = e->fts_parent; p && p->fts_level >= FTS_ROOTLEVEL;
		     p = p->fts_parent) {
			if (p->fts_ino == e->fts_ino && p->fts_dev == e->fts_dev) {
				e->fts_cycle = p;
				return FTS_DC;
			}
		}
		return FTS_D;
	}
	return S_ISLNK(st->st_mode) ? FTS_SL : S_ISREG(st->st_mode) ? FTS_F : FTS_DEFAULT;
}

static FTSENT *list_sort(struct walk *w, FTSENT *head, size_t count)
{
	FTSENT **all;
	size_t i = 0;

	if (!w->fts.fts_compar || count < 2)
		return head;
	all = calloc(count, sizeof(*all));
	if (!all)
		return head;
	for (FTSENT *e = head; e; e = e->fts_link)
		all[i++] = e;
	qsort(all, count, sizeof(*all),
	      (int (*)(const void *, const void *))(void *)w->fts.fts_compar);
	for (i = 0; i < count; i++)
		all[i]->fts_link = i + 1 < count ? all[i + 1] : NULL;
	head = all[0];
	free(all);
	return head;
}

/* The children of `dir`, or NULL: none, or fts_errno of dir is set. */
static FTSENT *list_children(struct walk *w, FTSENT *dir)
{
	FTSENT *head = NULL, **tail = &head;
	DIR *d = scw_opendir(dir->fts_path);
	struct dirent *entry;
	size_t count = 0;

	if (!d) {
		dir->fts_errno = errno;
		return NULL;
	}
	errno = 0;
	while ((entry = scw_readdir(d))) {
		if (!(w->fts.fts_options & FTS_SEEDOT) &&
		    (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")))
			continue;
		FTSENT *e = entry_create(w, dir, dir->fts_path, entry->d_name);
		if (!e) {
			errno = ENOMEM;
			break;
		}
		if (w->fts.fts_options & FTS_NOSTAT && entry->d_type != DT_DIR &&
		    entry->d_type != DT_UNKNOWN && !(w->fts.fts_options & FTS_LOGICAL))
			e->fts_info = FTS_NSOK;
		else
			e->fts_info = entry_stat(w, e, false);
		*tail = e;
		tail = &e->fts_link;
		count++;
		errno = 0;
	}
	dir->fts_errno = errno;
	scw_closedir(d);
	return list_sort(w, head, count);
}

static bool ours(char *const *paths)
{
	struct stat root, st;

	door_init();
#ifndef __GLIBC__
	return true;
#endif
	if (door_off)
		return false;
	for (; *paths; paths++) {
		if (door_path_maybe(AT_FDCWD, *paths))
			return true;
		if (!REAL(stat)("/", &root) && !REAL(stat)(*paths, &st) &&
		    root.st_dev == st.st_dev && root.st_ino == st.st_ino)
			return true;
	}
	return false;
}

static void walk_destroy(struct walk *w)
{
	list_destroy(w->fts.fts_child);
	for (FTSENT *e = w->fts.fts_cur; e && e != w->parent;) {
		FTSENT *up = e->fts_parent;

		list_destroy(e);
		e = up;
	}
	entry_destroy(w->parent);
	free(w);
}

typedef int (*compare_fn)(const FTSENT **, const FTSENT **);

DOOR_API FTS *scw_fts_open(char *const *paths, int options, compare_fn compare);
FTS *scw_fts_open(char *const *paths, int options, compare_fn compare)
{
	FTSENT **tail;
	struct walk *w;
	size_t count = 0;

	if (!ours(paths))
		return HOST(fts_open)(paths, options, compare);
	if (options & ~FTS_OPTIONMASK) {
		errno = EINVAL;
		return NULL;
	}
	w = calloc(1, sizeof(*w));
	if (!w)
		return NULL;
	w->fts.fts_options = options | FTS_NOCHDIR;
	w->fts.fts_compar = (__typeof__(w->fts.fts_compar))(void *)compare;
	w->parent = entry_create(w, NULL, "", "");
	if (!w->parent)
		goto no_memory;
	/* The roots hang on fts_child until the first read. */
	tail = &w->fts.fts_child;
	for (; *paths; paths++, count++) {
		FTSENT *e = entry_create(w, w->parent, "", *paths);

		if (!e)
			goto no_memory;
		e->fts_info = entry_stat(w, e, false);
		if (e->fts_info == FTS_DOT)
			e->fts_info = FTS_D;
		*tail = e;
		tail = &e->fts_link;
	}
	w->fts.fts_child = list_sort(w, w->fts.fts_child, count);
	if (!door_lock())
		goto no_memory;
	w->next = walks;
	__atomic_store_n(&walks, w, __ATOMIC_RELEASE);
	door_unlock();
	return &w->fts;
no_memory:
	walk_destroy(w);
	errno = ENOMEM;
	return NULL;
}

/* A root is called by its last component once it is its turn. */
static FTSENT *load_root(FTSENT *e)
{
	char *slash = e ? strrchr(e->fts_name, '/') : NULL;

	if (slash && e->fts_level == FTS_ROOTLEVEL && (slash != e->fts_name || slash[1])) {
		e->fts_namelen = (unsigned short)strlen(slash + 1);
		memmove(e->fts_name, slash + 1, (size_t)e->fts_namelen + 1);
	}
	return e;
}

/* Go to the entry after `e`, which is freed, or up to its directory in post-order. */
static FTSENT *step_on(struct walk *w, FTSENT *e)
{
	FTSENT *next = e->fts_link, *up = e->fts_parent;

	for (; next && next->fts_instr == FTS_SKIP; next = e->fts_link) {
		entry_destroy(e);
		e = next;
	}
	entry_destroy(e);
	w->fts.fts_cur = next;
	if (next) {
		if (next->fts_instr == FTS_FOLLOW)
			next->fts_info = entry_stat(w, next, true);
		next->fts_instr = 3;
		return load_root(next);
	}
	if (up == w->parent) {
		w->at_end = true;
		errno = 0;
		return NULL;
	}
	w->fts.fts_cur = up;
	up->fts_info = up->fts_errno ? FTS_ERR : FTS_DP;
	return up;
}

DOOR_API FTSENT *scw_fts_read(FTS *fts);
FTSENT *scw_fts_read(FTS *fts)
{
	struct walk *w = walk_of(fts);
	FTSENT *e;
	int instr;

	if (!w)
		return HOST(fts_read)(fts);
	e = w->fts.fts_cur;
	if (!e) {
		e = w->fts.fts_cur = w->at_end ? NULL : w->fts.fts_child;
		w->fts.fts_child = NULL;
		errno = 0;
		return load_root(e);
	}
	instr = e->fts_instr;
	e->fts_instr = 3;
	if (instr == FTS_AGAIN) {
		e->fts_info = entry_stat(w, e, false);
		return e;
	}
	if (instr == FTS_FOLLOW && (e->fts_info == FTS_SL || e->fts_info == FTS_SLNONE)) {
		e->fts_info = entry_stat(w, e, true);
		return e;
	}
	if (e->fts_info != FTS_D)
		return step_on(w, e);

	bool elsewhere = w->fts.fts_options & FTS_XDEV && e->fts_level > FTS_ROOTLEVEL &&
			 e->fts_parent->fts_dev != e->fts_dev;
	FTSENT *children = NULL;
	if (instr == FTS_SKIP || elsewhere) {
		list_destroy(w->fts.fts_child);
		w->fts.fts_child = NULL;
	} else {
		children = w->fts.fts_child ? w->fts.fts_child : list_children(w, e);
		w->fts.fts_child = NULL;
	}
	if (children) {
		w->fts.fts_cur = children;
		return children;
	}
	e->fts_info = e->fts_errno ? FTS_DNR : FTS_DP;
	return e;
}

DOOR_API FTSENT *scw_fts_children(FTS *fts, int instr);
FTSENT *scw_fts_children(FTS *fts, int instr)
{
	struct walk *w = walk_of(fts);
	FTSENT *e;

	if (!w)
		return HOST(fts_children)(fts, instr);
	e = w->fts.fts_cur;
	errno = 0;
	if (!e)
		return w->fts.fts_child;
	if (e->fts_info != FTS_D)
		return NULL;
	list_destroy(w->fts.fts_child);
	w->fts.fts_child = list_children(w, e);
	if (!w->fts.fts_child)
		errno = e->fts_errno;
	return w->fts.fts_child;
}

DOOR_API int scw_fts_set(FTS *fts, FTSENT *e, int instr);
int scw_fts_set(FTS *fts, FTSENT *e, int instr)
{
	if (!walk_of(fts))
		return HOST(fts_set)(fts, e, instr);
	if (instr && instr != FTS_AGAIN && instr != FTS_FOLLOW && instr != FTS_SKIP) {
		errno = EINVAL;
		return 1;
	}
	e->fts_instr = (unsigned short)instr;
	return 0;
}

DOOR_API int scw_fts_close(FTS *fts);
int scw_fts_close(FTS *fts)
{
	struct walk *w = walk_of(fts);

	if (!w)
		return HOST(fts_close)(fts);
	if (!door_lock())
		return -1;
	for (struct walk **at = &walks; *at; at = &(*at)->next) {
		if (*at == w) {
			__atomic_store_n(at, w->next, __ATOMIC_RELEASE);
			break;
		}
	}
	door_unlock();
	walk_destroy(w);
	return 0;
}

#ifdef __GLIBC__
DOOR_ALIAS(FTS64 *, scw_fts64_open,
	   (char *const *paths, int options,
	    int (*compare)(const FTSENT64 **, const FTSENT64 **)),
	   scw_fts_open)
DOOR_ALIAS(FTSENT64 *, scw_fts64_read, (FTS64 * fts), scw_fts_read)
DOOR_ALIAS(FTSENT64 *, scw_fts64_children, (FTS64 * fts, int instr), scw_fts_children)
DOOR_ALIAS(int, scw_fts64_set, (FTS64 * fts, FTSENT64 *e, int instr), scw_fts_set)
DOOR_ALIAS(int, scw_fts64_close, (FTS64 * fts), scw_fts_close)
#endif

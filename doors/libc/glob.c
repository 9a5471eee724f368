// SPDX-License-Identifier: MIT
/*
 * glob over our own directories. glibc's takes the functions to use (GLOB_ALTDIRFUNC); for a C
 * library whose glob doesn't, there is one here, without braces and tildes.
 */
#include "state.h"

#include <fnmatch.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>

DOOR_API int scw_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *ret);
DOOR_API void scw_globfree(glob_t *g);

#ifdef GLOB_ALTDIRFUNC
static void alt_closedir(void *d)
{
	scw_closedir(d);
}

static struct dirent *alt_readdir(void *d)
{
	return scw_readdir(d);
}

static void *alt_opendir(const char *path)
{
	return scw_opendir(path);
}

int scw_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *ret)
{
	int r;

	door_init();
	if (door_off || flags & GLOB_ALTDIRFUNC)
		return REAL(glob)(pattern, flags, failed, ret);
	ret->gl_opendir = alt_opendir;
	ret->gl_readdir = alt_readdir;
	ret->gl_closedir = alt_closedir;
	ret->gl_stat = scw_stat;
	ret->gl_lstat = scw_lstat;
	r = REAL(glob)(pattern, flags | GLOB_ALTDIRFUNC, failed, ret);
	ret->gl_flags &= ~GLOB_ALTDIRFUNC;
	return r;
}

void scw_globfree(glob_t *g)
{
	REAL(globfree)(g);
}

DOOR_ALIAS(int, scw_glob64,
	   (const char *pattern, int flags, int (*failed)(const char *, int), glob64_t *ret),
	   scw_glob)
DOOR_ALIAS(void, scw_globfree64, (glob64_t * g), scw_globfree)
#else

struct matches {
	char **list;
	size_t count, room;
	int flags;
	int (*failed)(const char *, int);
};

static int match_add(struct matches *m, const char *path)
{
	struct stat st;
	size_t size = strlen(path);
	char *copy;

	if (m->count == m->room) {
		size_t room = m->room ? m->room * 2 : 16;
		char **list = reallocarray(m->list, room, sizeof(*list));

		if (!list)
			return GLOB_NOSPACE;
		m->list = list;
		m->room = room;
	}
	copy = malloc(size + 2);
	if (!copy)
		return GLOB_NOSPACE;
	memcpy(copy, path, size + 1);
	if (m->flags & GLOB_MARK && size && path[size - 1] != '/' && !scw_stat(path, &st) &&
	    S_ISDIR(st.st_mode))
		strcpy(copy + size, "/");
	m->list[m->count++] = copy;
	return 0;
}

static bool has_pattern(const char *p, size_t size, int flags)
{
	for (size_t i = 0; i < size; i++)
		if (p[i] == '*' || p[i] == '?' || p[i] == '[' ||
		    (p[i] == '\\' && !(flags & GLOB_NOESCAPE)))
			return true;
	return false;
}

static int expand(struct matches *m, char path[VFS_PATH_MAX], size_t at, const char *pattern);

/* One name in place of a component, and on with what follows it in the pattern. */
static int expand_name(struct matches *m, char path[VFS_PATH_MAX], size_t at, const char *name,
		       const char *rest)
{
	size_t size = strlen(name);

	if (at + size + 2 > VFS_PATH_MAX)
		return 0;
	memcpy(path + at, name, size + 1);
	return expand(m, path, at + size, rest);
}

static int expand_dir(struct matches *m, char path[VFS_PATH_MAX], size_t at, const char *component,
		      const char *rest)
{
	int flags = (m->flags & GLOB_NOESCAPE ? FNM_NOESCAPE : 0) | FNM_PERIOD, r = 0;
	struct dirent *e;
	DIR *d;

	path[at] = '\0';
	d = scw_opendir(at ? path : ".");
	if (!d) {
		if ((m->failed && m->failed(path, errno)) || m->flags & GLOB_ERR)
			return GLOB_ABORTED;
		return 0;
	}
	while (!r && (e = scw_readdir(d)))
		if (!fnmatch(component, e->d_name, flags))
			r = expand_name(m, path, at, e->d_name, rest);
	scw_closedir(d);
	return r;
}

/* `path` holds `at` bytes that matched; `pattern` is what is left. */
static int expand(struct matches *m, char path[VFS_PATH_MAX], size_t at, const char *pattern)
{
	char component[VFS_NAME_MAX + 1];
	struct stat st;
	size_t size;

	for (; *pattern == '/'; pattern++) {
		if (at + 2 > VFS_PATH_MAX)
			return 0;
		path[at++] = '/';
	}
	path[at] = '\0';
	if (!*pattern)
		return scw_lstat(path, &st) ? 0 : match_add(m, path);
	size = (size_t)(strchrnul(pattern, '/') - pattern);
	if (size > VFS_NAME_MAX)
		return 0;
	memcpy(component, pattern, size);
	component[size] = '\0';
	if (has_pattern(pattern, size, m->flags))
		return expand_dir(m, path, at, component, pattern + size);
	return expand_name(m, path, at, component, pattern + size);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

int scw_glob(const char *pattern, int flags, int (*failed)(const char *, int), glob_t *ret)
{
	struct matches m = { .flags = flags, .failed = failed };
	size_t before = flags & GLOB_DOOFFS ? ret->gl_offs : 0;
	char path[VFS_PATH_MAX];
	int r;

	if (!(flags & GLOB_APPEND)) {
		ret->gl_pathc = 0;
		ret->gl_pathv = NULL;
		ret->gl_offs = before;
	}
	r = expand(&m, path, 0, pattern);
	if (!r && !m.count) {
		if (!(flags & GLOB_NOCHECK))
			return GLOB_NOMATCH;
		r = match_add(&m, pattern);
	}
	if (!(flags & GLOB_NOSORT))
		qsort(m.list, m.count, sizeof(*m.list), by_text);
	size_t had = ret->gl_pathc;
	char **all = reallocarray(ret->gl_pathv, before + had + m.count + 1, sizeof(*all));
	if (!all) {
		while (m.count)
			free(m.list[--m.count]);
		free(m.list);
		return GLOB_NOSPACE;
	}
	if (!had)
		memset(all, 0, before * sizeof(*all));
	if (m.count)
		memcpy(all + before + had, m.list, m.count * sizeof(*all));
	all[before + had + m.count] = NULL;
	ret->gl_pathv = all;
	ret->gl_pathc = had + m.count;
	free(m.list);
	return r;
}

void scw_globfree(glob_t *g)
{
	for (size_t i = 0; i < g->gl_pathc; i++)
		free(g->gl_pathv[g->gl_offs + i]);
	free(g->gl_pathv);
	g->gl_pathc = 0;
	g->gl_pathv = NULL;
}
#endif

// SPDX-License-Identifier: MIT
/* Loading what speaks with the device. */
#include "attach/sealed.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef ATTACH_SEALED_LINKED
extern attach_session_open_fn scw_session_open;

/* Linked together with what would else be loaded. */
static attach_session_open_fn *find(struct err_ctx *err)
{
	(void)err;
	return scw_session_open;
}
#else
/* The file of the program or library that this is linked into. */
static bool own_file(char path[PATH_MAX])
{
	struct link_map *map = NULL;
	ssize_t size;
	Dl_info self;

	if (!dladdr1(own_file, &self, (void **)&map, RTLD_DL_LINKMAP) || !map)
		return false;
	if (map->l_name[0])
		return snprintf(path, PATH_MAX, "%s", map->l_name) < PATH_MAX;
	/* of a program the loader knows but the word that it was called by, which is nothing to load files by */
	size = readlink("/proc/self/exe", path, PATH_MAX - 1);
	path[size > 0 ? size : 0] = '\0';
	return size > 0;
}

/* Beside that, else where it is installed. */
static void *load(struct err_ctx *err)
{
	static const char *const places[] = {"", "../lib/scwatcher/"};
	char path[PATH_MAX], *end;
	void *library = NULL;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !library; i++) {
		end = own_file(path) ? strrchr(path, '/') : NULL;
		if (!end)
			break;
		end++;
		if (snprintf(end, sizeof(path) - (size_t)(end - path), "%s%s", places[i],
			     ATTACH_SEALED_LIBRARY) < (int)(sizeof(path) - (size_t)(end - path)))
			library = dlopen(path, RTLD_LAZY | RTLD_LOCAL);
	}
	if (!library)
		library = dlopen(SCW_LIBDIR "/" ATTACH_SEALED_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	if (!library) /* where LD_LIBRARY_PATH says */
		library = dlopen(ATTACH_SEALED_LIBRARY, RTLD_LAZY | RTLD_LOCAL);
	if (!library)
		err_set(err, ERR_UNSUPPORTED, "can't load %s: %.150s", ATTACH_SEALED_LIBRARY,
			dlerror());
	return library;
}

static attach_session_open_fn *find(struct err_ctx *err)
{
	attach_session_open_fn *found = NULL;
	void *library = load(err);
	void *symbol = library ? dlsym(library, ATTACH_SEALED_SYMBOL) : NULL;

	if (symbol)
		memcpy(&found, &symbol, sizeof(symbol));
	else if (library)
		(void)!err_set(err, ERR_UNSUPPORTED, "%s is of another version", ATTACH_SEALED_LIBRARY);
	return found;
}
#endif

enum err attach_session_open(struct base_alloc *alloc, const struct attach_sealed *o,
			     const char *vm, struct attach_session **ret, struct err_ctx *err)
{
	struct attach_sealed_paths *paths = malloc(sizeof(*paths));
	attach_session_open_fn *open_session;
	enum err e = paths ? attach_sealed_paths(o, paths, err) :
			     err_set(err, ERR_NOMEM, "out of memory");

	if (!e) {
		open_session = find(err);
		e = open_session ? open_session(alloc, o, paths, vm, ret, err) : ERR_UNSUPPORTED;
	}
	free(paths);
	return e;
}

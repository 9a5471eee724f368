// SPDX-License-Identifier: MIT
/* Loading what speaks with the device. */
#include "attach/sealed.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef ATTACH_SEALED_LINKED
extern attach_session_open_fn scw_session_open;

/* Linked together with what would else be loaded. */
static attach_session_open_fn *find(struct err_ctx *err)
{
	(void)err;
	return scw_session_open;
}
#else
/* Beside the program or library that this is linked into, else where it is installed. */
static void *load(struct err_ctx *err)
{
	static const char *const places[] = {"", "../lib/scwatcher/"};
	char path[PATH_MAX] = "", *end;
	void *library = NULL;
	Dl_info self;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !library; i++) {
		if (!dladdr(places, &self) || !self.dli_fname ||
		    snprintf(path, sizeof(path), "%s", self.dli_fname) >= (int)sizeof(path))
			break;
		end = strrchr(path, '/');
		end = end ? end + 1 : path;
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

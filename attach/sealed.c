// SPDX-License-Identifier: MIT
/* Loading what speaks with the device. */
#include "attach/sealed.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

enum err attach_session_open(struct base_alloc *alloc, const struct attach_sealed *o,
			     const char *vm, struct attach_session **ret, struct err_ctx *err)
{
	struct attach_sealed_paths *paths = malloc(sizeof(*paths));
	attach_session_open_fn *open_session;
	void *library, *symbol;
	enum err e = paths ? attach_sealed_paths(o, paths, err) :
			     err_set(err, ERR_NOMEM, "out of memory");

	if (!e) {
		library = load(err);
		symbol = library ? dlsym(library, ATTACH_SEALED_SYMBOL) : NULL;
		if (symbol) {
			memcpy(&open_session, &symbol, sizeof(symbol));
			e = open_session(alloc, o, paths, vm, ret, err);
		} else {
			e = err_set(err, ERR_UNSUPPORTED, "%s is of another version",
				    ATTACH_SEALED_LIBRARY);
		}
	}
	free(paths);
	return e;
}

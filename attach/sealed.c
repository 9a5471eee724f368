// SPDX-License-Identifier: MIT
/* Where the device is, and loading what speaks with it. */
#include "attach/sealed.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/keys.h"

static const char *const names[] = {
	[ATTACH_MAPPED] = "mapped",
	[ATTACH_RING] = "ring",
	[ATTACH_PREAD] = "pread",
	[ATTACH_SOCKET] = "socket",
	[ATTACH_PREAD_UNCACHED] = "pread-uncached",
};

bool attach_carrier_from_name(const char *name, enum attach_carrier *ret)
{
	for (size_t i = ATTACH_RING; i < sizeof(names) / sizeof(names[0]); i++) {
		if (!strcmp(name, names[i])) {
			*ret = (enum attach_carrier)i;
			return true;
		}
	}
	return false;
}

const char *attach_carrier_name(enum attach_carrier c)
{
	return names[c];
}

static enum err absolute(const char *path, char ret[PATH_MAX], struct err_ctx *err)
{
	char here[PATH_MAX];
	int n;

	if (path[0] == '/')
		n = snprintf(ret, PATH_MAX, "%s", path);
	else if (getcwd(here, sizeof(here)))
		n = snprintf(ret, PATH_MAX, "%s/%s", here, path);
	else
		return err_set_errno(err, ERR_IO, errno, "can't find out the working directory");
	return n < PATH_MAX ? ERR_OK : err_set(err, ERR_INVAL, "a path is too long");
}

enum err attach_sealed_paths(const struct attach_sealed *s, struct attach_sealed_paths *ret,
			     struct err_ctx *err)
{
	bool is_socket = s->carrier == ATTACH_RING || s->carrier == ATTACH_SOCKET;
	enum err e = absolute(s->device	 ? s->device
			      : is_socket ? ATTACH_DEVICE_SOCKET
					  : ATTACH_DEVICE_MOUNT,
			      ret->device, err);

	if (!e)
		e = absolute(s->pin ? s->pin : KEYS_DEVICE_PUBLIC, ret->pin, err);
	if (!e && s->identity)
		return absolute(s->identity, ret->identity, err);
	if (!e && !keys_identity_path(ret->identity))
		e = err_set(err, ERR_ABSENT, "there is no home directory to find an identity in");
	return e;
}

/* Beside the program or library that this is linked into, else where it is installed. */
static void *load(struct err_ctx *err)
{
	static const char *const places[] = {"", "../lib/scwatcher/"};
	char path[PATH_MAX] = "", *end;
	void *library = NULL;
	Dl_info self;

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]) && !library; i++) {
		if (!dladdr(names, &self) || !self.dli_fname ||
		    snprintf(path, sizeof(path), "%s", self.dli_fname) >= (int)sizeof(path))
			break;
		end = strrchr(path, '/');
		end = end ? end + 1 : path;
		if (snprintf(end, sizeof(path) - (size_t)(end - path), "%s%s", places[i],
			     ATTACH_SEALED_LIBRARY) < (int)(sizeof(path) - (size_t)(end - path)))
			library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	}
	if (!library)
		library = dlopen(SCW_LIBDIR "/" ATTACH_SEALED_LIBRARY, RTLD_NOW | RTLD_LOCAL);
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

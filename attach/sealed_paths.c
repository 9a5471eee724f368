// SPDX-License-Identifier: MIT
/* Where the device is, and telling it to programs that are started: all that needs no channel. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/keys.h"
#include "attach/sealed.h"

static const char *const names[] = {
	[ATTACH_MAPPED] = "mapped",
	[ATTACH_RING] = "ring",
	[ATTACH_PREAD] = "pread",
	[ATTACH_SOCKET] = "socket",
	[ATTACH_PREAD_UNCACHED] = "pread-uncached",
	[ATTACH_PREAD_ADDRESSES] = "pread-addresses",
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
	struct stat st;
	bool is_socket = s->carrier == ATTACH_RING || s->carrier == ATTACH_SOCKET;
	enum err e = absolute(s->device	 ? s->device
			      : is_socket ? ATTACH_DEVICE_SOCKET
					  : ATTACH_DEVICE_MOUNT,
			      ret->device, err);

	/* each carrier wants another kind; what isn't there is told by who goes there */
	if (!e && stat(ret->device, &st) == 0 && S_ISDIR(st.st_mode) == is_socket)
		e = err_set(err, ERR_INVAL,
			    is_socket ? "%.120s is a folder, and no device's socket: --sealed=pread goes by folders" :
					"%.120s is no folder: --sealed=pread goes by that where the device shows files",
			    ret->device);
	if (!e)
		e = absolute(s->pin ? s->pin : KEYS_DEVICE_PUBLIC, ret->pin, err);
	if (!e && s->identity)
		return absolute(s->identity, ret->identity, err);
	if (!e && !keys_identity_path(ret->identity))
		e = err_set(err, ERR_ABSENT, "there is no home directory to find an identity in");
	return e;
}

enum err attach_sealed_look(const struct attach_sealed *s, struct err_ctx *err)
{
	struct attach_sealed_paths paths;
	enum err e = attach_sealed_paths(s, &paths, err);
	const char *const files[] = {paths.device, paths.pin, paths.identity};
	const char *const what[] = {"no memory device (is scwatcherd running?)",
				    "the device's key isn't pinned (copy it from the device's host)",
				    "no identity (make one with scwatcher keys)"};

	for (int i = 0; i < 3 && !e; i++) {
		if (access(files[i], F_OK) < 0)
			e = err_set_errno(err, errno == EACCES ? ERR_PERM : ERR_ABSENT, errno,
					  "%s: %.150s", what[i], files[i]);
	}
	return e;
}

static bool set_or_not(const char *name, bool set, const char *value)
{
	return (set ? setenv(name, value, 1) : unsetenv(name)) == 0;
}

enum err attach_sealed_handover(const struct attach_sealed *s, const char *vm, struct err_ctx *err)
{
	struct attach_sealed_paths paths;
	bool sealed = s->carrier, done;
	char freshness[24];
	enum err e = sealed ? attach_sealed_paths(s, &paths, err) : ERR_OK;

	if (e)
		return e;
	snprintf(freshness, sizeof(freshness), "%lld", (long long)s->freshness_ms);
	done = set_or_not(ATTACH_ENV_SEALED, sealed, attach_carrier_name(s->carrier)) &&
	       set_or_not(ATTACH_ENV_DEVICE, sealed, paths.device) &&
	       set_or_not(ATTACH_ENV_PIN, sealed, paths.pin) &&
	       set_or_not(ATTACH_ENV_IDENTITY, sealed, paths.identity) &&
	       set_or_not(ATTACH_ENV_FRESHNESS, sealed && s->freshness_ms >= 0, freshness);
	if (sealed)
		done = done && setenv(ATTACH_ENV_VM, vm, 1) == 0 &&
		       unsetenv(ATTACH_ENV_HANDOVER) == 0;
	return done ? ERR_OK : err_set(err, ERR_NOMEM, "out of memory");
}

// SPDX-License-Identifier: MIT
/* The emulation behind the interface of the driver, and the choice between the two. */
#include <errno.h>
#include <stdio.h>
#include <sys/mman.h>

#include "emulation/emulation.h"
#include "host/backend.h"

static int emulated_map(int fd, void *addr, size_t size, int prot)
{
	void *p = emulation_mmap(addr, size, prot, MAP_SHARED | MAP_FIXED, fd);

	return p == MAP_FAILED ? -errno : 0;
}

static int emulated_unmap(void *addr, size_t size)
{
	int r = emulation_munmap(addr, size);

	return r != -ENOENT ? r : munmap(addr, size) ? -errno : 0;
}

static void emulated_close(int fd)
{
	(void)!emulation_close(fd);
}

static void emulated_why(int fd, struct err_ctx *err)
{
	struct err_ctx why;

	emulation_why(fd, &why);
	if (why.code)
		(void)!err_set(err, why.code, "%s", why.text);
}

enum err backend_emulated(unsigned int modes, const struct backend **ret, struct err_ctx *err)
{
	static const struct backend emulated = {
		.name = "emulation (protects nothing)",
		.enter = emulation_enter,
		.open = emulation_open,
		.request = emulation_ioctl,
		.map = emulated_map,
		.protect = emulation_mprotect,
		.unmap = emulated_unmap,
		.close = emulated_close,
		.set_action = emulation_sigaction,
		.why = emulated_why,
	};
	enum err e = emulation_prepare(modes, err);

	if (!e)
		*ret = &emulated;
	return e;
}

enum err backend_choose(bool emulate, unsigned int modes, const struct backend **ret,
			struct err_ctx *err)
{
	enum err e = ERR_ABSENT;

	if (!emulate) {
		struct err_ctx driver_err = {0};

		e = backend_driver(ret, &driver_err);
		if (e == ERR_PERM) {
			/* there is protection to be had: don't quietly go without */
			if (err)
				*err = driver_err;
			return e;
		}
	}
	if (!e)
		return e;
	e = backend_emulated(modes, ret, err);
	if (!e)
		fputs("scwatcher: the enclave is EMULATED: it protects NOTHING\n", stderr);
	return e;
}

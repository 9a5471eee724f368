// SPDX-License-Identifier: MIT
/* The pread carrier over the system's files. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "carrier/pread.h"
#include "carrier/wait.h"

enum {
	FIRST_DESCRIPTOR = 512, /* tools expect the low ones to be free */
};

static int open_file(struct carrier_files *f, const char *path)
{
	int high, fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)f;
	if (fd < 0)
		return -errno;
	high = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_DESCRIPTOR);
	if (high < 0)
		return fd;
	close(fd);
	return high;
}

static int64_t read_file(struct carrier_files *f, int fd, void *buf, size_t size, uint64_t offset)
{
	ssize_t n = pread(fd, buf, size, (off_t)offset);

	(void)f;
	return n < 0 ? -errno : n;
}

static void close_file(struct carrier_files *f, int fd)
{
	(void)f;
	close(fd);
}

static uint64_t now(struct carrier_files *f)
{
	(void)f;
	return carrier_now();
}

static int process(struct carrier_files *f)
{
	(void)f;
	return getpid();
}

enum err carrier_pread_open(struct base_alloc *alloc, const char *directory,
			    const struct carrier_pread_options *o, struct carrier_pread **ret,
			    struct err_ctx *err)
{
	static struct carrier_files files = {open_file, read_file, close_file, now, process};

	return carrier_pread_open_with(alloc, &files, directory, o, ret, err);
}

// SPDX-License-Identifier: MIT
/* See cache.h. */
#include "attach/cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

bool cache_path(char path[PATH_MAX], const char *folder, const char *name)
{
	const char *base = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int n;

	/* the XDG specification has relative paths ignored */
	if (base && base[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/scwatcher/%s/%s", base, folder, name);
	else if (home && home[0] == '/')
		n = snprintf(path, PATH_MAX, "%s/.cache/scwatcher/%s/%s", home, folder, name);
	else
		return false;
	return n > 0 && n < PATH_MAX;
}

bool cache_map(const char *path, const void **ret, size_t *size_ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	void *map = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    st.st_uid == geteuid())
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	*ret = map;
	*size_ret = (size_t)st.st_size;
	return true;
}

bool cache_read(const char *path, void *buf, size_t size, size_t *ret)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	struct stat st;
	ssize_t n = -1;

	if (fd < 0)
		return false;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
	    st.st_size <= (off_t)size)
		n = read(fd, buf, size);
	close(fd);
	if (n <= 0 || n != st.st_size)
		return false;
	*ret = (size_t)n;
	return true;
}

static bool make_folders(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		int r;

		*p = '\0';
		r = mkdir(path, 0700);
		*p = '/';
		if (r < 0 && errno != EEXIST)
			return false;
	}
	return true;
}

bool cache_write(const char *path, const void *data, size_t size)
{
	char temporary[PATH_MAX + 8];
	const char *p = data;
	bool done;
	int fd;

	snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		snprintf(temporary, sizeof(temporary), "%s.XXXXXX", path);
		if (!make_folders(temporary))
			return false;
		fd = mkostemp(temporary, O_CLOEXEC);
		if (fd < 0)
			return false;
	}
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		p += n;
		size -= (size_t)n;
	}
	done = close(fd) == 0 && size == 0 && rename(temporary, path) == 0;
	if (!done)
		unlink(temporary);
	return done;
}

void cache_expire(const char *folder, unsigned int days)
{
	time_t oldest = time(NULL) - (time_t)days * 24 * 60 * 60;
	char path[PATH_MAX];
	struct dirent *d;
	struct stat st;
	DIR *dir;

	if (!cache_path(path, folder, ""))
		return;
	dir = opendir(path);
	if (!dir)
		return;
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.' &&
		    fstatat(dirfd(dir), d->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && st.st_mtime < oldest)
			unlinkat(dirfd(dir), d->d_name, 0);
	closedir(dir);
}

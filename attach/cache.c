// SPDX-License-Identifier: MIT
/* See cache.h. */
#include "cache.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
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

static const ElfW(Phdr) *segment_of(const struct dl_phdr_info *object, uintptr_t address)
{
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];

		if (p->p_type == PT_LOAD && address - (object->dlpi_addr + p->p_vaddr) < p->p_memsz)
			return p;
	}
	return NULL;
}

static bool note_build(const unsigned char *at, size_t size, char ret[CACHE_BUILD_SIZE])
{
	ElfW(Nhdr) n;

	while (size >= sizeof(n)) {
		memcpy(&n, at, sizeof(n));
		size_t name = (n.n_namesz + (size_t)3) & ~(size_t)3;
		size_t desc = (n.n_descsz + (size_t)3) & ~(size_t)3;

		at += sizeof(n);
		size -= sizeof(n);
		if (name > size || desc > size - name)
			return false;
		if (n.n_type == NT_GNU_BUILD_ID && n.n_namesz == 4 && !memcmp(at, "GNU", 4)) {
			for (size_t i = 0; i < n.n_descsz && i < CACHE_BUILD_SIZE / 2; i++)
				snprintf(ret + 2 * i, 3, "%02x", at[name + i]);
			return true;
		}
		at += name + desc;
		size -= name + desc;
	}
	return false;
}

/* Of the object that this function is part of. */
static int object_build(struct dl_phdr_info *object, size_t size, void *ret)
{
	(void)size;
	if (!segment_of(object, (uintptr_t)object_build))
		return 0;
	for (int i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];

		if (p->p_type == PT_NOTE &&
		    note_build((const unsigned char *)(object->dlpi_addr + p->p_vaddr), p->p_memsz,
			       ret))
			break;
	}
	return 1;
}

void cache_build(char ret[CACHE_BUILD_SIZE])
{
	ret[0] = '\0';
	dl_iterate_phdr(object_build, ret);
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

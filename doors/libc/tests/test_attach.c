// SPDX-License-Identifier: MIT
/*
 * The guest of the door's tests: a copy in memory of the directory tree that SCWATCHER_TEST_TREE
 * names, put at /proc. SCWATCHER_TEST_ZERO: files show size 0, as in a /proc.
 * SCWATCHER_TEST_MAGIC: a process 3 with links into the guest. SCWATCHER_TEST_FAIL: attaching fails with that text.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "door/door.h"
#include "memfs.h"

static struct base_alloc alloc;

static void load_file(struct memfs *fs, const char *from, const char *to, const struct stat *st)
{
	char *data = malloc((size_t)st->st_size + 1);
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	size_t size = 0;
	ssize_t got;

	while (data && fd >= 0 && size < (size_t)st->st_size &&
	       (got = read(fd, data + size, (size_t)st->st_size - size)) > 0)
		size += (size_t)got;
	if (fd >= 0)
		close(fd);
	struct memfs_node *n = memfs_add(fs, to, MEMFS_FILE, data, size);

	n->mode = st->st_mode & ~0222U;
	n->size_shown = getenv("SCWATCHER_TEST_ZERO") ? 0 : (int64_t)size;
	free(data);
}

static void load_tree(struct memfs *fs, const char *from, const char *to)
{
	DIR *d = opendir(from);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		char path[1024], inside[1024], text[1024];
		struct stat st;
		ssize_t n;

		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		snprintf(path, sizeof(path), "%s/%s", from, e->d_name);
		snprintf(inside, sizeof(inside), "%s%s%s", to, *to ? "/" : "", e->d_name);
		if (lstat(path, &st))
			continue;
		if (S_ISDIR(st.st_mode)) {
			memfs_dir(fs, inside)->mode = st.st_mode & ~0222U;
			load_tree(fs, path, inside);
		} else if (S_ISREG(st.st_mode)) {
			load_file(fs, path, inside, &st);
		} else if (S_ISLNK(st.st_mode) && (n = readlink(path, text, sizeof(text))) > 0) {
			/* An absolute text stands for a magic link, as exe and cwd have. */
			memfs_add(fs, inside, *text == '/' ? MEMFS_MAGIC_LINK : MEMFS_LINK, text,
				  (size_t)n);
		}
	}
	if (d)
		closedir(d);
}

static int attach(char *message, size_t size)
{
	const char *fail = getenv("SCWATCHER_TEST_FAIL");
	struct memfs *fs;

	if (fail) {
		snprintf(message, size, "%s", fail);
		return EIO;
	}
	base_alloc_init(&alloc, (size_t)1 << 30);
	fs = memfs_create(&alloc);
	load_tree(fs, getenv("SCWATCHER_TEST_TREE"), "");
	if (getenv("SCWATCHER_TEST_MAGIC")) {
		memfs_add(fs, "3/exe", MEMFS_MAGIC_LINK, "/usr/bin/init", 13);
		memfs_add(fs, "3/root", MEMFS_MAGIC_LINK, "/", 1)->target_mode = 040755;
	}
	return door_mount("/proc", fs->vfs);
}

static bool wanted(void)
{
	return getenv("SCWATCHER_TEST_TREE");
}

const struct door_ops door_ops = {
	.attach = attach,
	.wanted = wanted,
};

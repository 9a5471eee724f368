// SPDX-License-Identifier: MIT
/*
 * The memory of a VMM, found by its PID alone: candidates from /proc/PID/maps, largest first. A
 * shared mapping is opened as the file that it is, which can be mapped; everything else is read by
 * copying.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "guest/addr.h"
#include "internal.h"
#include "sources/maps.h"

static enum err no_permission(pid_t pid, int e, struct err_ctx *err)
{
	char path[32];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d", (int)pid);
	if (stat(path, &st) < 0)
		return err_set(err, ERR_ABSENT, "no process %d", (int)pid);
	return err_set_errno(err, ERR_PERM, e,
			     "can't read the memory of process %d: be its user (uid %u) with "
			     "kernel.yama.ptrace_scope 0, or have CAP_SYS_PTRACE (root has)",
			     (int)pid, (unsigned int)st.st_uid);
}

static enum err open_maps(pid_t pid, FILE **ret, struct err_ctx *err)
{
	char path[64];
	FILE *f = NULL;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	f = fopen(path, "re");
	if (!f && (errno == ENOENT || errno == ESRCH))
		return err_set(err, ERR_ABSENT, "no process %d", (int)pid);
	if (!f)
		return no_permission(pid, errno, err);
	*ret = f;
	return ERR_OK;
}

/*
 * A file of `pid`'s that is inode `m->inode`: by its path, its mapping, or a descriptor. `path` is
 * room for what did it.
 */
static int open_mapped_file(pid_t pid, const struct maps_entry *m, char path[PATH_MAX])
{
	dev_t dev = makedev(m->major, m->minor);
	struct dirent *d;
	struct stat st;
	int fd = -1;
	DIR *dir;

	/* maps marks what can't be opened by its path with " (deleted)", which no path check passes */
	if (m->path[0] == '/' && stat(m->path, &st) == 0 && S_ISREG(st.st_mode) &&
	    st.st_dev == dev && st.st_ino == m->inode)
		fd = open(m->path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		snprintf(path, PATH_MAX, "%s", m->path);
		return fd;
	}
	snprintf(path, PATH_MAX, "/proc/%d/map_files/%lx-%lx", (int)pid, m->start, m->end);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd >= 0) {
		if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
			return fd;
		close(fd);
	}
	snprintf(path, PATH_MAX, "/proc/%d/fd", (int)pid);
	dir = opendir(path);
	if (!dir)
		return -1;
	fd = -1;
	while (fd < 0 && (d = readdir(dir))) {
		snprintf(path, PATH_MAX, "/proc/%d/fd/%s", (int)pid, d->d_name);
		if (d->d_name[0] == '.' || stat(path, &st) < 0 || !S_ISREG(st.st_mode) ||
		    st.st_dev != dev || st.st_ino != m->inode)
			continue;
		fd = open(path, O_RDONLY | O_CLOEXEC);
	}
	closedir(dir);
	return fd;
}

static enum err open_as_file(struct source *s, struct source_block *b, int fd, const char *path,
			     struct store **ret)
{
	struct store *store;
	struct stat st;
	enum err e;

	/* what the mapping has beyond the file's end the VMM can't touch either */
	if (fstat(fd, &st) < 0 || (uint64_t)st.st_size < b->map.offset ||
	    (uint64_t)st.st_size - b->map.offset < b->size) {
		close(fd);
		return ERR_INVAL;
	}
	b->dev = st.st_dev;
	b->ino = st.st_ino;
	b->opened = strdup(path);
	if (!b->opened) {
		close(fd);
		return ERR_NOMEM;
	}
	e = store_file_create(fd, b->map.offset, b->size, &s->phys.stats, &store, NULL);
	if (e) {
		free(b->opened);
		b->opened = NULL;
		return e;
	}
	store->base = b->backing;
	*ret = store;
	return ERR_OK;
}

enum err process_open_block(struct source *s, struct source_block *b, struct store **ret,
			    struct err_ctx *err)
{
	char path[PATH_MAX];
	int fd = b->map.shared && b->map.inode ? open_mapped_file(s->pid, &b->map, path) : -1;

	if (fd >= 0 && open_as_file(s, b, fd, path, ret) == ERR_OK)
		return ERR_OK;
	return store_process_create(s->pid, b->backing, b->size, &s->phys.stats, ret, err);
}

static bool has_extent(const struct source *s, const struct source_block *b)
{
	for (size_t i = 0; i < s->extent_count; i++)
		if (s->extents[i].store == b->store)
			return true;
	return false;
}

enum err source_pieces(const struct source *s, struct source_piece ret[SOURCE_PIECES_MAX],
		       size_t *count_ret)
{
	size_t count = 0;

	for (size_t i = 0; i < s->block_count; i++) {
		const struct source_block *b = &s->blocks[i];
		struct source_piece *p = &ret[count];

		if (!b->store || (s->extent_count && !has_extent(s, b)))
			continue;
		if (count == SOURCE_PIECES_MAX ||
		    (b->opened && strlen(b->opened) >= sizeof(p->path)))
			return ERR_LIMIT;
		memset(p, 0, sizeof(*p));
		p->start = b->backing;
		p->size = b->size;
		if (b->opened) {
			p->offset = b->map.offset;
			p->dev = b->dev;
			p->ino = b->ino;
			strcpy(p->path, b->opened);
		}
		count++;
	}
	*count_ret = count;
	return ERR_OK;
}

static enum err open_piece(struct source *s, const struct source_piece *p, struct err_ctx *err)
{
	struct maps_entry m = {
		.start = p->start,
		.end = p->start + p->size,
		.offset = p->offset,
		.path = p->path,
	};
	struct store *store = NULL;
	struct source_block *b;
	struct stat st;
	enum err e;
	int fd;

	if (p->size == 0 || (p->start | p->size | p->offset) % GUEST_PAGE_SIZE ||
	    p->start > UINT64_MAX - p->size)
		return err_set(err, ERR_INVAL, "impossible piece of guest memory");
	e = source_add_block(s, p->start, p->size, NULL, &m, err);
	if (e || !p->path[0])
		return e; /* private memory is opened when it is first looked at */
	b = &s->blocks[s->block_count - 1];
	fd = open(p->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return err_set_errno(err, ERR_TORN, errno, "can't open %.150s", p->path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_dev != p->dev ||
	    st.st_ino != p->ino) {
		close(fd);
		return err_set(err, ERR_TORN, "%.150s is another file now", p->path);
	}
	if (open_as_file(s, b, fd, p->path, &store))
		return err_set(err, ERR_TORN, "%.150s is not what it was", p->path);
	b->store = store;
	return ERR_OK;
}

enum err source_open_pieces(pid_t pid, const struct source_piece *pieces, size_t count,
			    struct source **ret, struct err_ctx *err)
{
	struct source *s = source_create(SOURCE_PROCESS);
	enum err e = ERR_OK;

	if (!s)
		return err_set(err, ERR_NOMEM, "out of memory");
	s->pid = pid;
	for (size_t i = 0; i < count && !e; i++)
		e = open_piece(s, &pieces[i], err);
	if (e) {
		source_close(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

/*
 * The most that a guest's RAM can be: some times what this host has, as hosts overcommit. Larger
 * mappings are reservations (sanitizers' shadows, garbage-collected heaps) of many TiB, which would
 * take for ever to look through.
 */
static uint64_t most_ram(void)
{
	struct sysinfo si;

	if (sysinfo(&si) < 0)
		return UINT64_MAX;
	return ((uint64_t)si.totalram + si.totalswap) * si.mem_unit * 8;
}

static int by_size(const void *a, const void *b)
{
	const struct source_block *x = a, *y = b;

	if (x->size != y->size)
		return x->size < y->size ? 1 : -1;
	/* the kernel hands out addresses from high to low: the first that was asked for first */
	return (x->backing < y->backing) - (x->backing > y->backing);
}

enum err source_open_process(pid_t pid, struct source **ret, struct err_ctx *err)
{
	struct {
		unsigned int major, minor;
		uint64_t inode, offset;
	} seen[SOURCE_BLOCKS_MAX];
	size_t seen_count = 0, lines = 0;
	uint64_t most = most_ram();
	struct source *s;
	struct maps_entry m;
	char *line = NULL;
	size_t room = 0;
	FILE *f = NULL;
	enum err e = open_maps(pid, &f, err);

	if (e)
		return e;
	s = source_create(SOURCE_PROCESS);
	if (!s) {
		fclose(f);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	s->pid = pid;
	errno = 0;
	while (getline(&line, &room, f) > 0) {
		bool again = false;

		lines++;
		if (!maps_parse_line(line, &m) || !maps_may_be_ram(&m) || m.end - m.start > most)
			continue;
		/* the same memory mapped twice is one block */
		for (size_t i = 0; m.shared && i < seen_count && !again; i++)
			again = seen[i].major == m.major && seen[i].minor == m.minor &&
				seen[i].inode == m.inode && seen[i].offset == m.offset;
		if (again || s->block_count == SOURCE_BLOCKS_MAX)
			continue;
		if (m.shared) {
			seen[seen_count].major = m.major;
			seen[seen_count].minor = m.minor;
			seen[seen_count].inode = m.inode;
			seen[seen_count++].offset = m.offset;
		}
		e = source_add_block(s, m.start, m.end - m.start, NULL, &m, err);
		if (e)
			break;
	}
	if (!e && lines == 0 && errno == EACCES)
		e = no_permission(pid, errno, err);
	free(line);
	fclose(f);
	if (!e && s->block_count == 0)
		e = err_set(err, ERR_ABSENT,
			    "process %d has no memory that could be a guest's", (int)pid);
	if (!e) {
		struct iovec none = {&room, 1};
		struct iovec first = {(void *)(uintptr_t)s->blocks[0].backing, 1};

		/* to see the maps takes less than to read the memory */
		if (process_vm_readv(pid, &none, 1, &first, 1, 0) < 0 && errno == EPERM)
			e = no_permission(pid, errno, err);
	}
	if (e) {
		source_close(s);
		return e;
	}
	qsort(s->blocks, s->block_count, sizeof(s->blocks[0]), by_size);
	*ret = s;
	return ERR_OK;
}

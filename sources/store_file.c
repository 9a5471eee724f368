// SPDX-License-Identifier: MIT
/*
 * A store that is a stretch of a file, mapped read-only and shared: a VM's RAM file (tmpfs, memfd,
 * hugetlbfs) or a dump on disk.
 *
 * Reading a hole of a tmpfs or hugetlbfs file through a mapping allocates the page, at the VM's
 * expense. So a page is mapped only once it is known to hold data (SEEK_DATA for tmpfs; hugetlbfs
 * can't tell, there a page of zeros counts as a hole); holes read as zeros without a look.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"
#include "guest/addr.h"
#include "store.h"

enum {
	WINDOW = 2 << 20, /* bytes that one mincore() of a scan looks at */
	AROUND_PAGES = 32, /* that one for a single page does; a power of two */
	WINDOW_PAGES = WINDOW / GUEST_PAGE_SIZE,
	FAULT_PAGES = SOURCE_WINDOW / GUEST_PAGE_SIZE, /* the addresses of which are so aligned */
	/*
	 * Reads that are done without mapping: to map a page costs as much as ten of them, and whoever
	 * only asks whether a guest is still there makes no more. (A hole reads as zeros.)
	 */
	FIRST_READS = 64,
};

enum holes {
	HOLES_HARMLESS, /* a file on disk: looking at a hole costs the VM nothing */
	HOLES_SEEK,	/* tmpfs, memfd: SEEK_DATA knows */
	HOLES_PROBE,	/* hugetlbfs: nothing knows but a read */
};

struct store_file {
	struct store store;
	int fd;
	uint64_t at; /* offset in the file of the store's first byte */
	enum holes holes;
	unsigned int first_reads;
	bool may_mincore;
	bool may_cachestat;
	int pagemap;	 /* of this process; -1: not needed or not to be had */
	uint64_t *asked; /* with it, bit a window: it was looked at there */
	uint64_t *used;	 /* and, of what was looked at or not, that it was needed */
	size_t granule;
	uint8_t *map;
	uint64_t *known; /* bit a page: it holds data. A page may lose it again by ballooning only */
	atomic_bool hit;
	dev_t dev;
	ino_t ino;
};

static struct store_file *to_file(struct store *s)
{
	return (struct store_file *)s;
}

static bool is_known(const struct store_file *f, uint64_t page)
{
	return f->known[page / 64] >> (page % 64) & 1;
}

static void set_known(struct store_file *f, uint64_t page)
{
	f->known[page / 64] |= 1ull << (page % 64);
}

static bool is_zero(const uint8_t *p, size_t size)
{
	return p[0] == 0 && memcmp(p, p + 1, size - 1) == 0;
}

static ssize_t pread_all(int fd, void *buf, size_t size, uint64_t offset)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)buf + done, size - done, (off_t)(offset + done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -1 : (ssize_t)done;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

#ifndef SYS_cachestat
#define SYS_cachestat 451 /* Linux 6.5 */
#endif

/* Documentation/admin-guide/mm/pagemap.rst */
#define PAGEMAP_PRESENT (1ull << 63)

/* include/uapi/linux/mman.h */
struct cachestat_range {
	uint64_t off, len;
};

struct cachestat {
	uint64_t cached, dirty, writeback, evicted, recently_evicted;
};

/*
 * Note which pages around `page` hold data: those that are in memory do, and one call tells it of
 * all of them. The others may be swapped out, which SEEK_DATA tells. cachestat() only counts, but
 * costs a fourth of mincore(), which looks up page by page; most often all are there.
 */
static void look_around(struct store_file *f, uint64_t page)
{
	uint64_t first = page & ~(uint64_t)(AROUND_PAGES - 1);
	uint64_t count = f->store.size / GUEST_PAGE_SIZE - first;
	unsigned char core[AROUND_PAGES];

	if (count > AROUND_PAGES)
		count = AROUND_PAGES;
	if (f->may_cachestat) {
		struct cachestat_range range = {f->at + first * GUEST_PAGE_SIZE,
						count * GUEST_PAGE_SIZE};
		struct cachestat stat;

		if (syscall(SYS_cachestat, f->fd, &range, &stat, 0) == 0) {
			for (uint64_t i = 0; stat.cached == count && i < count; i++)
				set_known(f, first + i);
			return;
		}
		f->may_cachestat = false;
	}
	if (mincore(f->map + first * GUEST_PAGE_SIZE, count * GUEST_PAGE_SIZE, core) != 0)
		return;
	for (uint64_t i = 0; i < count; i++) {
		if (core[i] & 1)
			set_known(f, first + i);
	}
}

/* Windows may begin before the store, and end behind it. */
static size_t asked_words(const struct store_file *f)
{
	return (f->store.size / SOURCE_WINDOW + 2) / 64 + 1;
}

/*
 * The same for who may not ask what is in memory: a look at a page that holds data has had all pages mapped
 * around it that are in memory, and what is mapped to itself a process may know.
 */
static void look_at_mapped(struct store_file *f, uint64_t page)
{
	uint64_t base = (uintptr_t)f->map / GUEST_PAGE_SIZE, at = base + page;
	uint64_t window = at / FAULT_PAGES - base / FAULT_PAGES;
	uint64_t first = at - at % FAULT_PAGES, count = FAULT_PAGES, entries[FAULT_PAGES], i = 0;

	if (first < base) {
		count -= base - first;
		first = base;
	}
	first -= base;
	if (count > f->store.size / GUEST_PAGE_SIZE - first)
		count = f->store.size / GUEST_PAGE_SIZE - first;
	while (i < count && !is_known(f, first + i))
		i++;
	if (i == count || f->asked[window / 64] >> (window % 64) & 1)
		return;
	f->asked[window / 64] |= 1ull << (window % 64);
	(void)*(const volatile uint8_t *)(f->map + (first + i) * GUEST_PAGE_SIZE);
	if (pread_all(f->pagemap, entries, count * sizeof(*entries), (base + first) * sizeof(*entries)) !=
	    (ssize_t)(count * sizeof(*entries)))
		return;
	for (i = 0; i < count; i++)
		if (entries[i] & PAGEMAP_PRESENT)
			set_known(f, first + i);
}

static void set_used(struct store_file *f, uint64_t page)
{
	uint64_t base = (uintptr_t)f->map / GUEST_PAGE_SIZE;
	uint64_t window = (base + page) / FAULT_PAGES - base / FAULT_PAGES;

	f->used[window / 64] |= 1ull << (window % 64);
}

/* Does the page at `offset` hold data, so that mapping it allocates nothing? */
static bool has_data(struct store_file *f, uint64_t offset)
{
	uint64_t page = offset / GUEST_PAGE_SIZE;
	uint8_t buf[GUEST_PAGE_SIZE];
	bool data = false;

	if (f->used)
		set_used(f, page);
	if (f->holes == HOLES_HARMLESS || is_known(f, page))
		return true;
	if (f->holes == HOLES_SEEK) {
		off_t at = (off_t)(f->at + offset);

		if (f->may_mincore)
			look_around(f, page);
		else if (f->pagemap >= 0)
			look_at_mapped(f, page);
		data = is_known(f, page) || lseek(f->fd, at, SEEK_DATA) == at;
	} else {
		f->store.stats->reads++;
		data = pread_all(f->fd, buf, sizeof(buf), f->at + offset) ==
			       (ssize_t)sizeof(buf) &&
		       !is_zero(buf, sizeof(buf));
	}
	if (data)
		set_known(f, page);
	return data;
}

static const void *file_map(struct store *s, uint64_t offset)
{
	struct store_file *f = to_file(s);

	if (offset + GUEST_PAGE_SIZE > s->size || !has_data(f, offset & GUEST_PAGE_MASK))
		return NULL;
	/* in a dump a page may lie across two of the file's */
	if (offset % GUEST_PAGE_SIZE && !has_data(f, (offset | (GUEST_PAGE_SIZE - 1)) + 1))
		return NULL;
	return f->map + offset;
}

static enum err file_read(struct store *s, uint64_t offset, void *buf, size_t size,
			  struct err_ctx *err)
{
	struct store_file *f = to_file(s);
	char *out = buf;

	(void)err;
	while (size) {
		uint64_t page = offset & GUEST_PAGE_MASK;
		size_t n = GUEST_PAGE_SIZE - (size_t)(offset - page);

		if (n > size)
			n = size;
		if (f->holes == HOLES_SEEK && f->first_reads < FIRST_READS &&
		    !is_known(f, page / GUEST_PAGE_SIZE) &&
		    pread_all(f->fd, out, n, f->at + offset) == (ssize_t)n) {
			f->first_reads++;
			s->stats->reads++;
			s->stats->bytes += n;
		} else if (has_data(f, page)) {
			memcpy(out, f->map + offset, n);
			s->stats->reads++;
			s->stats->bytes += n;
		} else {
			memset(out, 0, n);
		}
		out += n;
		offset += n;
		size -= n;
	}
	return ERR_OK;
}

static enum err file_read_many(struct store *s, struct store_io *io, size_t count,
			       struct err_ctx *err)
{
	struct store_file *f = to_file(s);

	for (size_t i = 0; i < count; i++) {
		if (f->holes == HOLES_PROBE) {
			/* not worth a look at the whole page to tell a hole from data */
			io[i].ok = pread_all(f->fd, io[i].buf, io[i].size,
					     f->at + io[i].offset) == (ssize_t)io[i].size;
			s->stats->reads++;
			s->stats->bytes += io[i].size;
		} else {
			io[i].ok = file_read(s, io[i].offset, io[i].buf, io[i].size, err) == ERR_OK;
		}
	}
	return ERR_OK;
}

/*
 * SEEK_HOLE would cost a look at each page up to the end of the run, however far that is, so the
 * end is looked for with mincore() and no further than a window.
 */
static bool file_next_data(struct store *s, uint64_t from, uint64_t end, uint64_t *start_ret,
			   uint64_t *end_ret)
{
	struct store_file *f = to_file(s);
	unsigned char core[WINDOW_PAGES];
	uint64_t start, pages, n;
	off_t at;

	if (from >= end)
		return false;
	at = lseek(f->fd, (off_t)(f->at + from), SEEK_DATA);
	if (at < 0 && errno == ENXIO)
		return false;
	if (at < 0) { /* the file system can't tell: all may be data */
		*start_ret = from;
		*end_ret = end;
		return true;
	}
	start = ((uint64_t)at - f->at) & GUEST_PAGE_MASK;
	if (start < from)
		start = from;
	if (start >= end)
		return false;
	*start_ret = start;
	if (f->holes != HOLES_SEEK) {
		off_t hole = lseek(f->fd, at, SEEK_HOLE);

		*end_ret = end;
		if (hole > at && (uint64_t)hole - f->at < end)
			*end_ret = ((uint64_t)hole - f->at + GUEST_PAGE_SIZE - 1) &
				   GUEST_PAGE_MASK;
		return true;
	}
	pages = (end - start) / GUEST_PAGE_SIZE;
	if (pages > WINDOW_PAGES)
		pages = WINDOW_PAGES;
	n = 1;
	if (pages > 1 && f->may_mincore &&
	    mincore(f->map + start, pages * GUEST_PAGE_SIZE, core) == 0)
		while (n < pages && (core[n] & 1))
			n++;
	for (uint64_t i = 0; i < n; i++)
		set_known(f, start / GUEST_PAGE_SIZE + i);
	*end_ret = start + n * GUEST_PAGE_SIZE;
	return true;
}

static enum err file_alive(struct store *s, struct err_ctx *err)
{
	struct store_file *f = to_file(s);
	struct stat st;

	/* a tool that closes all descriptors may have closed ours */
	if (fstat(f->fd, &st) < 0 || st.st_dev != f->dev || st.st_ino != f->ino)
		return err_set(err, ERR_GONE, "the descriptor of the guest's memory was closed");
	if ((uint64_t)st.st_size < f->at + s->size)
		return err_set_addr(err, ERR_GONE, (uint64_t)st.st_size,
				    "the file that holds the guest's memory was truncated");
	if (atomic_exchange(&f->hit, false) &&
	    mmap(f->map, s->size, PROT_READ, MAP_SHARED | MAP_FIXED, f->fd, (off_t)f->at) ==
		    MAP_FAILED)
		return err_set_errno(err, ERR_IO, errno, "can't map the guest's memory again");
	return ERR_OK;
}

/* Without the privilege that shows where in the host's memory pages lie, which nobody has to know. */
static int open_pagemap(void)
{
	const uint32_t bit = 1u << CAP_SYS_ADMIN % 32;
	struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], less[_LINUX_CAPABILITY_U32S_3];
	int fd;

	if (syscall(SYS_capget, &head, had) < 0)
		return -1;
	memcpy(less, had, sizeof(less));
	less[CAP_SYS_ADMIN / 32].effective &= ~bit;
	if (syscall(SYS_capset, &head, less) < 0)
		return -1;
	fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	/* without it back we'd go on with less */
	if (syscall(SYS_capset, &head, had) < 0 && fd >= 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* Where it can't be had, each page is asked for by itself. */
static void keep_pagemap(struct store_file *f)
{
	if (f->pagemap >= 0)
		return;
	f->asked = calloc(asked_words(f), sizeof(*f->asked));
	f->used = calloc(asked_words(f), sizeof(*f->used));
	f->pagemap = f->asked && f->used ? open_pagemap() : -1;
}

static enum err file_keep(struct store *s, uid_t reader, struct err_ctx *err)
{
	struct store_file *f = to_file(s);
	struct stat st;

	if (fstat(f->fd, &st) < 0)
		return err_set_errno(err, ERR_IO, errno, "can't stat the guest's memory");
	f->may_mincore = reader == 0 || st.st_uid == reader;
	if (!f->may_mincore && f->holes == HOLES_SEEK)
		keep_pagemap(f);
	return ERR_OK;
}

static size_t file_looked(const struct store *s, uint32_t *ret, size_t max)
{
	const struct store_file *f = (const struct store_file *)s;
	size_t words = f->used ? asked_words(f) : 0, count = 0;

	for (size_t i = 0; i < words; i++) {
		for (uint64_t left = f->used[i]; left && count < max; left &= left - 1)
			ret[count++] = (uint32_t)(i * 64) + (uint32_t)__builtin_ctzll(left);
	}
	return count;
}

static void file_look(struct store *s, uint32_t window)
{
	struct store_file *f = to_file(s);
	uint64_t to_window = (uintptr_t)f->map % SOURCE_WINDOW, at = (uint64_t)window * SOURCE_WINDOW;
	off_t data;

	if (!f->asked || window / 64 >= asked_words(f))
		return;
	at = at > to_window ? at - to_window : 0;
	data = lseek(f->fd, (off_t)(f->at + at), SEEK_DATA);
	if (data < 0 || (uint64_t)data - f->at >= s->size)
		return;
	set_known(f, ((uint64_t)data - f->at) / GUEST_PAGE_SIZE);
	look_at_mapped(f, at / GUEST_PAGE_SIZE);
}

static void file_close(struct store *s)
{
	struct store_file *f = to_file(s);

	if (f->map) {
		guard_remove(f->map);
		munmap(f->map, s->size);
	}
	if (f->pagemap >= 0)
		close(f->pagemap);
	free(f->asked);
	free(f->used);
	free(f->known);
	close(f->fd);
	free(f);
}

static const struct store_ops file_ops = {
	.read = file_read,
	.read_many = file_read_many,
	.map = file_map,
	.next_data = file_next_data,
	.alive = file_alive,
	.keep = file_keep,
	.looked = file_looked,
	.look = file_look,
	.close = file_close,
};

enum err store_file_create(int fd, uint64_t at, uint64_t size, struct guest_phys_stats *stats,
			   struct store **ret, struct err_ctx *err)
{
	struct store_file *f = calloc(1, sizeof(*f));
	struct statfs fs;
	struct stat st;
	void *map;
	int high;

	if (!f) {
		close(fd);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	high = fcntl(fd, F_DUPFD_CLOEXEC, FD_LOWEST);
	if (high >= 0) {
		close(fd);
		fd = high;
	}
	f->store = (struct store){.ops = &file_ops, .base = at, .size = size, .stats = stats};
	f->fd = fd;
	f->pagemap = -1;
	f->at = at;
	if (fstat(fd, &st) < 0 || fstatfs(fd, &fs) < 0) {
		int e = errno;

		file_close(&f->store);
		return err_set_errno(err, ERR_IO, e, "can't stat the guest's memory");
	}
	f->dev = st.st_dev;
	f->ino = st.st_ino;
	f->granule = GUEST_PAGE_SIZE;
	if (fs.f_type == HUGETLBFS_MAGIC) {
		f->holes = HOLES_PROBE;
		f->granule = (size_t)fs.f_bsize;
	} else if (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC) {
		f->holes = HOLES_SEEK;
	}
	/* to others mincore() says that all is there */
	f->may_mincore = geteuid() == 0 || st.st_uid == geteuid();
	f->may_cachestat = true; /* until it says otherwise */
	f->known = calloc(size / GUEST_PAGE_SIZE / 64 + 1, sizeof(*f->known));
	if (!f->known) {
		file_close(&f->store);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	map = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, (off_t)at);
	if (map == MAP_FAILED) {
		int e = errno;

		file_close(&f->store);
		return err_set_errno(err, ERR_IO, e, "can't map the guest's memory");
	}
	f->map = map;
	if (!guard_add(map, size, f->granule, &f->hit)) {
		file_close(&f->store);
		return err_set(err, ERR_LIMIT, "too many pieces of guest memory are mapped");
	}
	*ret = &f->store;
	return ERR_OK;
}

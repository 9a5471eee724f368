// SPDX-License-Identifier: MIT
/* Opens a file that holds guest memory, as what its first bytes say that it is. */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/checked.h"
#include "base/cursor.h"
#include "elfcore.h"
#include "guest/addr.h"
#include "internal.h"

enum {
	HEAD = 32,
	RAW_LEAST = 8 << 20,	/* bytes; smaller files are something else */
	LIME_HEADER = 32,
	LIME_VERSION = 1,
	LIME_EXTENTS_MAX = 4096,
};

#define KDUMP_TEXT                                                                                 \
	"the dump is kdump-compressed: take an ELF one (QEMU: dump-guest-memory FILE without -z, -l, " \
	"-s; libvirt: virsh dump --memory-only --format elf)"

/* Formats that hold guest memory in a shape that can't be read at random. */
static const struct {
	const char *magic;
	size_t size;
	const char *text;
} refused[] = {
	{"KDUMP   ", 8, KDUMP_TEXT},
	{"DISKDUMP", 8, KDUMP_TEXT},
	{"makedumpfile", 12, KDUMP_TEXT},
	{"LibvirtQemudSave", 16,
	 "this is a saved domain: take a dump of its memory with virsh dump --memory-only"},
	{"QEVM", 4, "this is a migration stream: take a dump of the memory with dump-guest-memory"},
	{"QFI\xfb", 4, "this is a qcow2 disk image, not memory"},
	{"\x1f\x8b", 2, "the file is compressed (gzip): unpack it first"},
	{"\x28\xb5\x2f\xfd", 4, "the file is compressed (zstd): unpack it first"},
	{"\xfd" "7zXZ", 5, "the file is compressed (xz): unpack it first"},
};

struct fd_reader {
	struct elfcore_reader reader;
	int fd;
};

static bool read_at(struct elfcore_reader *r, uint64_t offset, void *buf, size_t size)
{
	struct fd_reader *f = (struct fd_reader *)r;

	return base_in_range(offset, size, r->size) &&
	       pread(f->fd, buf, size, (off_t)offset) == (ssize_t)size;
}

/* A source over one file whose headers gave the addresses. Takes `fd` and `extents` over. */
static enum err create_addressed(enum source_kind kind, int fd, uint64_t size,
				 struct source_extent *extents, size_t count, struct source **ret,
				 struct err_ctx *err)
{
	struct source *s = source_create(kind);
	struct store *store;
	enum err e;

	if (!s) {
		close(fd);
		free(extents);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	s->has_addresses = true;
	e = store_file_create(fd, 0, size, &s->phys.stats, &store, err);
	if (!e)
		e = source_add_block(s, 0, size, store, NULL, err);
	if (!e)
		e = source_set_extents(s, extents, count, err);
	free(extents);
	if (e) {
		source_close(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

static enum err open_elfcore(int fd, uint64_t size, struct source **ret, struct err_ctx *err)
{
	struct fd_reader r = {{read_at, size}, fd};
	struct source_extent *extents;
	size_t count = 0;
	enum err e = elfcore_parse(&r.reader, &extents, &count, err);

	if (e) {
		close(fd);
		return e;
	}
	return create_addressed(SOURCE_ELF_CORE, fd, size, extents, count, ret, err);
}

/* LiME (its README, "Format"): a header, then the bytes from its first to its last address. */
static enum err lime_extents(struct fd_reader *r, struct source_extent *x, size_t *count_ret,
			     struct err_ctx *err)
{
	uint64_t at = 0;
	size_t count = 0;

	while (at < r->reader.size) {
		unsigned char header[LIME_HEADER];
		struct base_cursor c = base_cursor_over(header, sizeof(header));
		uint64_t first, last, size;
		uint32_t version;

		if (!read_at(&r->reader, at, header, sizeof(header)) ||
		    memcmp(header, "EMiL", 4) != 0)
			return err_set_addr(err, ERR_CORRUPT, at,
					    "the LiME image is truncated or damaged");
		base_cursor_skip(&c, 4);
		version = base_cursor_u32(&c);
		first = base_cursor_u64(&c);
		last = base_cursor_u64(&c);
		if (version != LIME_VERSION)
			return err_set(err, ERR_UNSUPPORTED,
				       "LiME version %u (compressed?): convert it to version 1",
				       version);
		size = last - first + 1;
		if (last < first || last >= 1ull << 52)
			return err_set_addr(err, ERR_CORRUPT, at, "the LiME image is damaged");
		at += LIME_HEADER;
		if (!base_in_range(at, size, r->reader.size))
			return err_set(err, ERR_CORRUPT, "the LiME image is truncated");
		if (count == LIME_EXTENTS_MAX)
			return err_set(err, ERR_LIMIT, "the LiME image has more than %d ranges",
				       LIME_EXTENTS_MAX);
		x[count++] = (struct source_extent){first, size, at};
		at += size;
	}
	*count_ret = count;
	return ERR_OK;
}

static enum err open_lime(int fd, uint64_t size, struct source **ret, struct err_ctx *err)
{
	struct fd_reader r = {{read_at, size}, fd};
	struct source_extent *extents = calloc(LIME_EXTENTS_MAX, sizeof(*extents));
	size_t count = 0;
	enum err e;

	e = extents ? lime_extents(&r, extents, &count, err)
		    : err_set(err, ERR_NOMEM, "out of memory");
	if (e) {
		close(fd);
		free(extents);
		return e;
	}
	return create_addressed(SOURCE_LIME, fd, size, extents, count, ret, err);
}

static enum err open_raw(int fd, uint64_t size, struct source **ret, struct err_ctx *err)
{
	struct source *s = source_create(SOURCE_RAM_FILE);
	struct store *store;
	enum err e;

	if (!s) {
		close(fd);
		return err_set(err, ERR_NOMEM, "out of memory");
	}
	size &= GUEST_PAGE_MASK;
	e = store_file_create(fd, 0, size, &s->phys.stats, &store, err);
	if (!e)
		e = source_add_block(s, 0, size, store, NULL, err);
	if (e) {
		source_close(s);
		return e;
	}
	*ret = s;
	return ERR_OK;
}

enum err source_open_file(const char *path, struct source **ret, struct err_ctx *err)
{
	char head[HEAD] = {0};
	struct stat st;
	ssize_t got;
	enum err e;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		e = errno == ENOENT || errno == ENOTDIR	 ? ERR_ABSENT
		    : errno == EACCES || errno == EPERM ? ERR_PERM
							 : ERR_IO;
		return err_set_errno(err, e, errno, "can't open %.150s", path);
	}
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
		close(fd);
		return err_set(err, ERR_INVAL, "%.150s is not a regular file", path);
	}
	got = pread(fd, head, sizeof(head), 0);
	if (got < 0) {
		e = err_set_errno(err, ERR_IO, errno, "can't read %.150s", path);
		close(fd);
		return e;
	}
	for (size_t i = 0; i < BASE_COUNT(refused); i++) {
		if (memcmp(head, refused[i].magic, refused[i].size) == 0) {
			close(fd);
			return err_set(err, ERR_UNSUPPORTED, "%s", refused[i].text);
		}
	}
	if (memcmp(head, ELFMAG, SELFMAG) == 0)
		return open_elfcore(fd, (uint64_t)st.st_size, ret, err);
	if (memcmp(head, "EMiL", 4) == 0)
		return open_lime(fd, (uint64_t)st.st_size, ret, err);
	if (st.st_size < RAW_LEAST) {
		close(fd);
		return err_set(err, ERR_CORRUPT,
			       "%.120s is too small to be a guest's memory (truncated?)", path);
	}
	return open_raw(fd, (uint64_t)st.st_size, ret, err);
}

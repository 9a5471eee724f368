// SPDX-License-Identifier: MIT
/*
 * See elfcore.h. A dump taken with paging lists virtual mappings, so that the same physical memory
 * comes up many times: the extents are the union of all, the first one to claim a byte has it.
 */
#include "elfcore.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "base/checked.h"
#include "base/cursor.h"

enum {
	HEADERS_MAX = 1 << 20, /* program headers; a dump with paging of a large guest has 10^5 */
	BATCH = 256,
};

struct header {
	unsigned int type, machine;
	uint64_t phoff, shoff;
	unsigned int phentsize, phnum;
};

static enum err read_header(struct elfcore_reader *r, struct header *ret, struct err_ctx *err)
{
	unsigned char bytes[sizeof(Elf64_Ehdr)];
	struct base_cursor c = base_cursor_over(bytes, sizeof(bytes));
	struct header h;

	if (!r->read(r, 0, bytes, sizeof(bytes)) || memcmp(bytes, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_CORRUPT, "not an ELF file");
	if (bytes[EI_CLASS] != ELFCLASS64 || bytes[EI_DATA] != ELFDATA2LSB)
		return err_set(err, ERR_UNSUPPORTED,
			       "the dump is of a 32-bit or big-endian guest");
	base_cursor_seek(&c, EI_NIDENT);
	h.type = base_cursor_u16(&c);
	h.machine = base_cursor_u16(&c);
	base_cursor_skip(&c, 4 + 8); /* version, entry */
	h.phoff = base_cursor_u64(&c);
	h.shoff = base_cursor_u64(&c);
	base_cursor_skip(&c, 4 + 2); /* flags, ehsize */
	h.phentsize = base_cursor_u16(&c);
	h.phnum = base_cursor_u16(&c);
	if (h.machine != EM_X86_64)
		return err_set(err, ERR_UNSUPPORTED,
			       "the dump is of another architecture (ELF machine %u)", h.machine);
	if (h.type != ET_CORE)
		return err_set(err, ERR_INVAL, "the ELF file is no memory dump (type %u)", h.type);
	if (h.phnum == PN_XNUM) {
		unsigned char info[4];
		struct base_cursor s = base_cursor_over(info, sizeof(info));
		uint64_t at;

		if (!h.shoff || !base_add64(h.shoff, offsetof(Elf64_Shdr, sh_info), &at) ||
		    !r->read(r, at, info, sizeof(info)))
			return err_set_addr(err, ERR_CORRUPT, h.shoff,
					    "the dump is truncated: no section header");
		h.phnum = base_cursor_u32(&s);
	}
	if (h.phnum == 0 || h.phentsize != sizeof(Elf64_Phdr))
		return err_set(err, ERR_CORRUPT, "malformed ELF header: %u program headers of %u",
			       h.phnum, h.phentsize);
	if (h.phnum > HEADERS_MAX)
		return err_set(err, ERR_LIMIT, "the dump has %u program headers", h.phnum);
	*ret = h;
	return ERR_OK;
}

static enum err take_load(struct elfcore_reader *r, struct base_cursor *c,
			  struct source_extent *ret, bool *is_load, struct err_ctx *err)
{
	uint32_t type = base_cursor_u32(c);
	uint64_t offset, paddr, filesz, memsz, end;

	base_cursor_skip(c, 4); /* flags */
	offset = base_cursor_u64(c);
	base_cursor_skip(c, 8); /* vaddr */
	paddr = base_cursor_u64(c);
	filesz = base_cursor_u64(c);
	memsz = base_cursor_u64(c);
	base_cursor_skip(c, 8); /* align */
	/* without bytes (left out by a filter) or without an address (kdump): nothing to read */
	*is_load = type == PT_LOAD && filesz && paddr != UINT64_MAX;
	if (!*is_load)
		return ERR_OK;
	if (filesz > memsz || !base_add64(paddr, memsz, &end) || end > 1ull << 52 ||
	    !base_add64(offset, filesz, &end))
		return err_set_addr(err, ERR_CORRUPT, paddr, "malformed program header");
	if (end > r->size)
		return err_set(err, ERR_CORRUPT,
			       "the dump is truncated: it ends at byte %llu and should have %llu",
			       (unsigned long long)r->size, (unsigned long long)end);
	*ret = (struct source_extent){paddr, filesz, offset};
	return ERR_OK;
}

static int by_gpa(const void *a, const void *b)
{
	const struct source_extent *x = a, *y = b;

	if (x->gpa != y->gpa)
		return x->gpa < y->gpa ? -1 : 1;
	return (x->size < y->size) - (x->size > y->size);
}

/* Make sorted extents disjoint, and one of those that continue each other; the new count. */
static size_t unite(struct source_extent *x, size_t count)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++) {
		struct source_extent e = x[i];
		struct source_extent *last = n ? &x[n - 1] : NULL;

		if (last && e.gpa < last->gpa + last->size) {
			uint64_t over = last->gpa + last->size - e.gpa;

			if (over >= e.size)
				continue;
			e.gpa += over;
			e.backing += over;
			e.size -= over;
		}
		if (last && e.gpa == last->gpa + last->size &&
		    e.backing == last->backing + last->size)
			last->size += e.size;
		else
			x[n++] = e;
	}
	return n;
}

enum err elfcore_parse(struct elfcore_reader *r, struct source_extent **ret, size_t *count_ret,
		       struct err_ctx *err)
{
	unsigned char bytes[BATCH * sizeof(Elf64_Phdr)];
	struct source_extent *x = NULL;
	size_t count = 0, room = 0, at_zero = 0;
	struct header h = {0};
	enum err e = read_header(r, &h, err);

	for (unsigned int i = 0; !e && i < h.phnum; i += BATCH) {
		unsigned int n = h.phnum - i < BATCH ? h.phnum - i : BATCH;
		struct base_cursor c = base_cursor_over(bytes, n * sizeof(Elf64_Phdr));
		uint64_t at;

		if (!base_add64(h.phoff, (uint64_t)i * sizeof(Elf64_Phdr), &at) ||
		    !r->read(r, at, bytes, n * sizeof(Elf64_Phdr))) {
			e = err_set_addr(err, ERR_CORRUPT, h.phoff,
					 "the dump is truncated in its program headers");
			break;
		}
		for (unsigned int k = 0; !e && k < n; k++) {
			struct source_extent one;
			bool is_load;

			e = take_load(r, &c, &one, &is_load, err);
			if (e || !is_load)
				continue;
			if (count == room) {
				struct source_extent *more;

				room = room ? room * 2 : 16;
				more = reallocarray(x, room, sizeof(*x));
				if (!more) {
					e = err_set(err, ERR_NOMEM, "out of memory");
					break;
				}
				x = more;
			}
			at_zero += one.gpa == 0;
			x[count++] = one;
		}
	}
	if (!e && count == 0)
		e = err_set(err, ERR_CORRUPT, "the dump holds no memory");
	if (!e && count > 1 && at_zero == count)
		e = err_set(err, ERR_INVAL, "this is the core of a process, not of a machine");
	if (!e) {
		qsort(x, count, sizeof(*x), by_gpa);
		count = unite(x, count);
		if (count > SOURCE_EXTENTS_MAX)
			e = err_set(err, ERR_LIMIT, "the dump has %zu separate runs of memory",
				    count);
	}
	if (e) {
		free(x);
		return e;
	}
	*ret = x;
	*count_ret = count;
	return ERR_OK;
}

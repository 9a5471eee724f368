/* SPDX-License-Identifier: MIT */
/* Synthetic guests as backing bytes: laid out the way a VMM does it, sparse, in a file or memory. */
#ifndef SCW_SOURCES_TESTS_FIXTURE_H
#define SCW_SOURCES_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sources/source.h"
#include "synth/kernel.h"

#define MIB ((uint64_t)1 << 20)
#define GIB ((uint64_t)1 << 30)

/* In the unused end of the image: the kernel's memory map. */
#define FIXTURE_E820_POINTER (SYNTH_TEXT + 0x3f0000)
#define FIXTURE_E820_TABLE (SYNTH_TEXT + 0x3f1000)
#define FIXTURE_MAX_PFN (SYNTH_TEXT + 0x3f0010)

struct fixture {
	struct synth *synth;
	struct synth_kernel_places places;
	uint64_t size, split; /* bytes of RAM; those from `split` on are at 4 GiB and up */
};

struct fixture_e820 {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));

/* Write into the kernel's image. */
static inline void fixture_put(struct fixture *f, uint64_t va, const void *bytes, size_t size)
{
	memcpy(synth_phys(f->synth, f->places.image + (va - SYNTH_TEXT), size), bytes, size);
}

/*
 * A guest of `size` bytes split at `split` (size: not split) whose kernel is in physical memory at
 * `kernel_at`, or a little above.
 */
static inline void fixture_init(struct fixture *f, uint64_t size, uint64_t split,
				uint64_t kernel_at)
{
	static const struct synth_symbol symbols[] = {
		{"e820_table_firmware", 'D', FIXTURE_E820_POINTER},
		{"max_pfn", 'B', FIXTURE_MAX_PFN},
	};
	struct synth_kernel kernel = {
		.symbols = symbols,
		.symbol_count = 2,
		.build_id = "00112233445566778899aabbccddeeff00112233",
	};
	uint64_t pages = (split < size ? 4 * GIB + size - split : size) / 4096;
	uint64_t table = FIXTURE_E820_TABLE;
	uint32_t count = split < size ? 4 : 3;
	struct fixture_e820 map[4] = {
		{0, 0x9fc00, 1},
		{MIB, split - MIB - 0x20000, 1},
		{split - 0x20000, 0x20000, 2},
		{4 * GIB, size - split, 1},
	};

	*f = (struct fixture){.synth = synth_create(4), .size = size, .split = split};
	synth_add_memory(f->synth, kernel_at, 12 * MIB);
	synth_kernel_add(f->synth, &kernel, &f->places);
	fixture_put(f, FIXTURE_E820_POINTER, &table, sizeof(table));
	fixture_put(f, FIXTURE_MAX_PFN, &pages, sizeof(pages));
	fixture_put(f, FIXTURE_E820_TABLE, &count, sizeof(count));
	fixture_put(f, FIXTURE_E820_TABLE + 4, map, sizeof(map));
}

/*
 * Map the second 2 MiB of the image (symbols and types) by a table of pages that lies at `table`,
 * as kernels do that give their sections permissions of their own.
 */
static inline void fixture_scatter(struct fixture *f, uint64_t table)
{
	uint64_t *entry = synth_entry(f->synth, synth_top(f->synth), SYNTH_TEXT + SYNTH_2M, 2);
	uint64_t *entries;

	synth_add_memory(f->synth, table, 4096);
	entries = synth_phys(f->synth, table, 4096);
	for (uint64_t i = 0; i < 512; i++)
		entries[i] = (f->places.image + SYNTH_2M + i * 4096) | SYNTH_PTE_PRESENT;
	*entry = table | SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE;
}

static inline void fixture_deinit(struct fixture *f)
{
	synth_destroy(f->synth);
}

/* Where guest-physical `gpa` is in RAM as one run. */
static inline uint64_t fixture_offset(const struct fixture *f, uint64_t gpa)
{
	return gpa >= 4 * GIB ? gpa - 4 * GIB + f->split : gpa;
}

static inline bool fixture_is_zero(const char *p)
{
	return p[0] == 0 && memcmp(p, p + 1, 4095) == 0;
}

/* Call `put` for each page that isn't all zeros. */
static inline void fixture_each_page(struct fixture *f,
				     void (*put)(void *arg, uint64_t gpa, const void *page),
				     void *arg)
{
	struct guest_phys *phys = synth_source(f->synth, SYNTH_MAP);
	struct guest_phys_range r;

	for (uint64_t at = 0; phys->ops->next_range(phys, (struct gpa){at}, 4096, &r) == ERR_OK;
	     at = r.start.v + r.size) {
		const void *page = guest_phys_map(phys, r.start);

		if (page && !fixture_is_zero(page))
			put(arg, r.start.v, page);
	}
}

struct fixture_file {
	struct fixture *f;
	int fd;
	bool with_hole; /* offset = physical address, as dd of /dev/mem makes it */
};

static inline void fixture_put_file(void *arg, uint64_t gpa, const void *page)
{
	struct fixture_file *t = arg;
	uint64_t at = t->with_hole ? gpa : fixture_offset(t->f, gpa);

	assert_int_equal(pwrite(t->fd, page, 4096, (off_t)at), 4096);
}

/* RAM in a memfd, sparse. `path` is one to open it by. */
static inline int fixture_memfd(struct fixture *f, bool with_hole, char path[64])
{
	struct fixture_file t = {f, memfd_create("ram", MFD_CLOEXEC), with_hole};
	uint64_t size = with_hole && f->split < f->size ? f->size - f->split + 4 * GIB : f->size;

	assert_true(t.fd >= 0);
	assert_int_equal(ftruncate(t.fd, (off_t)size), 0);
	fixture_each_page(f, fixture_put_file, &t);
	snprintf(path, 64, "/proc/self/fd/%d", t.fd);
	return t.fd;
}

static inline uint64_t fixture_blocks(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks;
}

#endif

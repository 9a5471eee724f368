/* SPDX-License-Identifier: MIT */
/* A small writer of ELF cores, right or wrong as a test wants them. */
#ifndef SCW_SOURCES_TESTS_ELFWRITER_H
#define SCW_SOURCES_TESTS_ELFWRITER_H

#include <elf.h>
#include <stdint.h>
#include <string.h>

enum {
	ELFWRITER_MAX = 1 << 16,
};

struct elfwriter {
	unsigned char bytes[ELFWRITER_MAX]; /* headers; memory follows at `end` and need not be there */
	size_t end;
	unsigned int count;
	uint64_t offset; /* where the next segment's bytes are */
};

static inline Elf64_Ehdr *elfwriter_header(struct elfwriter *w)
{
	return (Elf64_Ehdr *)w->bytes;
}

static inline Elf64_Phdr *elfwriter_segment(struct elfwriter *w, unsigned int i)
{
	return (Elf64_Phdr *)(w->bytes + sizeof(Elf64_Ehdr)) + i;
}

/* A core whose memory begins at `offset` in the file. */
static inline void elfwriter_init(struct elfwriter *w, uint64_t offset)
{
	Elf64_Ehdr h = {
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB, EV_CURRENT},
		.e_type = ET_CORE,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(h),
		.e_ehsize = sizeof(h),
		.e_phentsize = sizeof(Elf64_Phdr),
	};

	memset(w, 0, sizeof(*w));
	memcpy(w->bytes, &h, sizeof(h));
	w->end = sizeof(h);
	w->offset = offset;
}

static inline void elfwriter_add(struct elfwriter *w, uint32_t type, uint64_t offset,
				 uint64_t paddr, uint64_t filesz, uint64_t memsz)
{
	Elf64_Phdr p = {
		.p_type = type,
		.p_offset = offset,
		.p_paddr = paddr,
		.p_filesz = filesz,
		.p_memsz = memsz,
	};

	memcpy(w->bytes + w->end, &p, sizeof(p));
	w->end += sizeof(p);
	w->count++;
	elfwriter_header(w)->e_phnum = (uint16_t)w->count;
}

/* Memory at `paddr`, its bytes after those of the one before. */
static inline void elfwriter_load(struct elfwriter *w, uint64_t paddr, uint64_t size)
{
	elfwriter_add(w, PT_LOAD, w->offset, paddr, size, size);
	w->offset += size;
}

/* Say the number of segments the long way (PN_XNUM). */
static inline void elfwriter_long_count(struct elfwriter *w)
{
	Elf64_Shdr s = {.sh_info = w->count};

	elfwriter_header(w)->e_phnum = PN_XNUM;
	elfwriter_header(w)->e_shoff = w->end;
	elfwriter_header(w)->e_shnum = 1;
	memcpy(w->bytes + w->end, &s, sizeof(s));
	w->end += sizeof(s);
}

#endif

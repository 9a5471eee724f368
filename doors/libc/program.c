// SPDX-License-Identifier: MIT
/* See door/program.h. The bytes are any file's: every offset in them is checked. */
#include "door/program.h"

#include <stdint.h>
#include <string.h>

enum {
	HEADERS_MAX = 128,
	GO_BUILD_ID = 4, /* cmd/internal/buildid of Go: elfGoNote */
};

/* Is there one of that name and type among the notes? (Their layout: elf(5).) */
static bool has_note(const uint8_t *notes, size_t size, const char *name, uint32_t type)
{
	size_t name_size = strlen(name) + 1;
	ElfW(Nhdr) n;

	while (size >= sizeof(n)) {
		uint64_t name_room, room;

		memcpy(&n, notes, sizeof(n));
		name_room = ((uint64_t)n.n_namesz + 3) & ~3ull;
		room = sizeof(n) + name_room + (((uint64_t)n.n_descsz + 3) & ~3ull);
		if (n.n_type == type && n.n_namesz >= name_size && size - sizeof(n) >= name_size &&
		    memcmp(notes + sizeof(n), name, name_size) == 0)
			return true;
		if (room > size)
			return false;
		notes += room;
		size -= room;
	}
	return false;
}

static bool in_head(const Elf64_Phdr *p, size_t size)
{
	return p->p_offset <= size && p->p_filesz <= size - p->p_offset;
}

/* Debian's and everybody's name for the loader of glibc, which is the C library that the door is for. */
static bool is_glibc(const char *loader, size_t size)
{
	const char *slash = memrchr(loader, '/', size);
	const char *base = slash ? slash + 1 : loader;

	size -= (size_t)(base - loader);
	return size >= 8 && memcmp(base, "ld-linux", 8) == 0;
}

static const char *elf_obstacle(const uint8_t *head, size_t size)
{
	bool dynamic = false, own = false, known = true, glibc = true, go = false;
	Elf64_Ehdr e;

	if (head[EI_CLASS] != ELFCLASS64)
		return "is a 32-bit program, which can't load the preload library";
	if (size < sizeof(e))
		return NULL;
	memcpy(&e, head, sizeof(e));
	if (e.e_machine != EM_X86_64)
		return "is for another processor, so that it can't load the preload library";
	if (e.e_phnum > HEADERS_MAX || e.e_phoff > size ||
	    e.e_phnum * sizeof(Elf64_Phdr) > size - e.e_phoff)
		return NULL;
	for (unsigned int i = 0; i < e.e_phnum; i++) {
		Elf64_Phdr p;

		memcpy(&p, head + e.e_phoff + i * sizeof(p), sizeof(p));
		if (p.p_type != PT_INTERP && p.p_type != PT_NOTE)
			continue;
		dynamic |= p.p_type == PT_INTERP;
		known &= in_head(&p, size);
		if (!in_head(&p, size))
			continue;
		if (p.p_type == PT_INTERP) {
			glibc = is_glibc((const char *)head + p.p_offset, p.p_filesz);
			continue;
		}
		own |= has_note(head + p.p_offset, p.p_filesz, DOOR_PROGRAM_NOTE,
				DOOR_PROGRAM_NOTE_TYPE);
		go |= has_note(head + p.p_offset, p.p_filesz, "Go", GO_BUILD_ID);
	}
	if (own)
		return NULL;
	if (!dynamic && known)
		return "is statically linked, so that it can't be shown the guest's /proc: build it with "
		       "scw-cc";
	if (go)
		return "is written in Go, whose programs call the kernel past the C library, so that it can't "
		       "be shown the guest's /proc";
	if (!glibc)
		return "is linked with another C library than the GNU one, so that it can't load the "
		       "preload library: build it with scw-cc";
	return NULL;
}

static void script_interpreter(const char *head, size_t size, char ret[DOOR_PROGRAM_PATH])
{
	size_t n;

	size -= 2;
	head += 2;
	while (size && (*head == ' ' || *head == '\t')) {
		head++;
		size--;
	}
	for (n = 0; n < size && !memchr(" \t\n", head[n], 4); n++)
		;
	if (n == size || n >= DOOR_PROGRAM_PATH)
		return;
	memcpy(ret, head, n);
	ret[n] = '\0';
}

const char *door_program_obstacle(const void *head, size_t size,
				  char interpreter[DOOR_PROGRAM_PATH])
{
	interpreter[0] = '\0';
	if (size > EI_CLASS && memcmp(head, ELFMAG, SELFMAG) == 0)
		return elf_obstacle(head, size);
	if (size > 2 && memcmp(head, "#!", 2) == 0)
		script_interpreter(head, size, interpreter);
	return NULL;
}

bool door_program_is_own(const ElfW(Phdr) *headers, size_t count)
{
	uintptr_t bias = 0;

	for (size_t i = 0; i < count; i++)
		if (headers[i].p_type == PT_PHDR)
			bias = (uintptr_t)headers - headers[i].p_vaddr;
	for (size_t i = 0; i < count; i++)
		if (headers[i].p_type == PT_NOTE &&
		    has_note((const uint8_t *)(bias + headers[i].p_vaddr), headers[i].p_memsz,
			     DOOR_PROGRAM_NOTE, DOOR_PROGRAM_NOTE_TYPE))
			return true;
	return false;
}

// SPDX-License-Identifier: MIT
/* Which programs preloading reaches, told from the start of their files. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "door/program.h"

enum { NOTES = 512, LOADER = 1024 };

struct file {
	Elf64_Ehdr e;
	Elf64_Phdr p[3];
	char room[DOOR_PROGRAM_HEAD - sizeof(Elf64_Ehdr) - 3 * sizeof(Elf64_Phdr)];
};

static void make(struct file *f, const char *loader, const char *note, uint32_t type)
{
	Elf64_Nhdr n = {note ? (uint32_t)strlen(note) + 1 : 0, 0, type};
	/* another one in front of it, as compilers put it there */
	static const struct {
		Elf64_Nhdr n;
		char name[4], content[8];
	} first = {{4, 5, 3}, "GNU", "12345"};

	memset(f, 0, sizeof(*f));
	memcpy(f->e.e_ident, ELFMAG, SELFMAG);
	f->e.e_ident[EI_CLASS] = ELFCLASS64;
	f->e.e_machine = EM_X86_64;
	f->e.e_phoff = offsetof(struct file, p);
	f->e.e_phnum = loader ? 3 : 2;
	f->p[0].p_type = PT_LOAD;
	f->p[1] = (Elf64_Phdr){.p_type = PT_NOTE, .p_offset = NOTES, .p_filesz = sizeof(first)};
	memcpy((char *)f + NOTES, &first, sizeof(first));
	if (note) {
		memcpy((char *)f + NOTES + sizeof(first), &n, sizeof(n));
		strcpy((char *)f + NOTES + sizeof(first) + sizeof(n), note);
		f->p[1].p_filesz += sizeof(n) + ((strlen(note) + 4) & ~3u);
	}
	if (loader) {
		f->p[2] = (Elf64_Phdr){
			.p_type = PT_INTERP, .p_offset = LOADER, .p_filesz = strlen(loader) + 1};
		strcpy((char *)f + LOADER, loader);
	}
}

static void expect(const struct file *f, const char *text)
{
	char interpreter[DOOR_PROGRAM_PATH];
	const char *got = door_program_obstacle(f, sizeof(*f), interpreter);

	assert_string_equal(interpreter, "");
	if (!text)
		assert_null(got);
	else
		assert_non_null(strstr(got ? got : "", text));
}

static void test_elf(void **state)
{
	static const char glibc[] = "/lib64/ld-linux-x86-64.so.2";
	struct file f;

	(void)state;
	make(&f, glibc, NULL, 0);
	expect(&f, NULL);
	make(&f, NULL, NULL, 0);
	expect(&f, "statically linked");
	make(&f, NULL, DOOR_PROGRAM_NOTE, DOOR_PROGRAM_NOTE_TYPE);
	expect(&f, NULL);
	make(&f, NULL, DOOR_PROGRAM_NOTE, DOOR_PROGRAM_NOTE_TYPE + 1);
	expect(&f, "statically linked");
	make(&f, NULL, "SCwatcheR", DOOR_PROGRAM_NOTE_TYPE);
	expect(&f, "statically linked");
	make(&f, "/lib/ld-musl-x86_64.so.1", NULL, 0);
	expect(&f, "another C library");
	make(&f, glibc, "Go", 4);
	expect(&f, "Go");
	make(&f, glibc, NULL, 0);
	f.e.e_machine = EM_AARCH64;
	expect(&f, "another processor");
	f.e.e_ident[EI_CLASS] = ELFCLASS32;
	expect(&f, "32-bit");
	/* what can't be seen isn't held against it */
	make(&f, NULL, NULL, 0);
	f.p[1].p_offset = sizeof(f);
	expect(&f, NULL);
	make(&f, NULL, NULL, 0);
	f.e.e_phoff = UINT64_MAX - 8;
	expect(&f, NULL);
}

static void test_script(void **state)
{
	static const struct {
		const char *text, *interpreter;
	} cases[] = {
		{"#!/bin/sh\n", "/bin/sh"},   {"#! \t/usr/bin/env python3\n", "/usr/bin/env"},
		{"#!/bin/sh -e\nx", "/bin/sh"}, {"#!\n", ""},
		{"#!", ""},		       {"#!/cut/off", ""},
		{"echo\n", ""},		       {"", ""},
	};
	char interpreter[DOOR_PROGRAM_PATH], *exact;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t size = strlen(cases[i].text);

		exact = malloc(size ? size : 1); /* nothing may be read behind it */
		memcpy(exact, cases[i].text, size);
		assert_null(door_program_obstacle(exact, size, interpreter));
		assert_string_equal(interpreter, cases[i].interpreter);
		free(exact);
	}
}

/* Cut off anywhere, and with any byte changed, it is read within its bounds. */
static void test_damaged(void **state)
{
	char interpreter[DOOR_PROGRAM_PATH];
	struct file f;

	(void)state;
	make(&f, "/lib64/ld-linux-x86-64.so.2", DOOR_PROGRAM_NOTE, DOOR_PROGRAM_NOTE_TYPE);
	for (size_t size = 0; size < LOADER + 40; size++) {
		void *exact = malloc(size ? size : 1);

		memcpy(exact, &f, size);
		(void)door_program_obstacle(exact, size, interpreter);
		for (size_t i = EI_CLASS; i < size && i < NOTES + 60; i += 1 + size % 7) {
			uint8_t saved = ((uint8_t *)exact)[i];

			((uint8_t *)exact)[i] = (uint8_t)(size * 31);
			(void)door_program_obstacle(exact, size, interpreter);
			((uint8_t *)exact)[i] = saved;
		}
		free(exact);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf),
		cmocka_unit_test(test_script),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

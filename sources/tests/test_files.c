// SPDX-License-Identifier: MIT
/* Dumps by their headers, right and wrong; the files that hold them; formats that are refused. */
#include "fixture.h"

#include "elfcore.h"
#include "elfwriter.h"

struct memory {
	struct elfcore_reader reader;
	const unsigned char *bytes;
	size_t have; /* headers; what follows up to reader.size is never read by the parser */
};

static bool read_memory(struct elfcore_reader *r, uint64_t offset, void *buf, size_t size)
{
	struct memory *m = (struct memory *)r;

	if (offset > m->have || size > m->have - offset)
		return false;
	memcpy(buf, m->bytes + offset, size);
	return true;
}

static enum err parse(struct elfwriter *w, uint64_t size, struct source_extent **ret, size_t *count,
		      struct err_ctx *err)
{
	struct memory m = {{read_memory, size}, w->bytes, w->end};

	memset(err, 0, sizeof(*err));
	return elfcore_parse(&m.reader, ret, count, err);
}

static void test_elf_right(void **state)
{
	struct source_extent *x;
	struct elfwriter *w = malloc(sizeof(*w));
	struct err_ctx err;
	size_t count;

	(void)state;
	elfwriter_init(w, 0x498);
	elfwriter_add(w, PT_NOTE, 0x168, 0, 0x330, 0x330);
	elfwriter_load(w, 0, 0xc0000000);
	elfwriter_load(w, 0xfffc0000, 0x40000);
	elfwriter_load(w, 4 * GIB, 2 * GIB);
	assert_int_equal(parse(w, w->offset, &x, &count, &err), ERR_OK);
	/* the BIOS and what is above 4 GiB continue each other */
	assert_int_equal(count, 2);
	assert_int_equal(x[1].gpa, 0xfffc0000);
	assert_int_equal(x[1].size, 2 * GIB + 0x40000);
	assert_int_equal(x[1].backing, 0x498 + 0xc0000000);
	free(x);

	/* the long way to say how many there are */
	elfwriter_long_count(w);
	assert_int_equal(parse(w, w->offset, &x, &count, &err), ERR_OK);
	assert_int_equal(count, 2);
	free(x);

	/* with paging on: virtual runs, out of order, the same memory several times */
	elfwriter_init(w, 0x1000);
	elfwriter_add(w, PT_LOAD, 0x5000, 0x4000, 0x3000, 0x3000);
	elfwriter_add(w, PT_LOAD, 0x1000, 0, 0x4000, 0x4000);
	elfwriter_add(w, PT_LOAD, 0x2000, 0x1000, 0x4000, 0x4000);
	elfwriter_add(w, PT_LOAD, 0x2000, 0x1000, 0x1000, 0x1000);
	elfwriter_add(w, PT_LOAD, 0, 0x100000, 0, 0x1000);	 /* filtered out */
	elfwriter_add(w, PT_LOAD, 0x1000, UINT64_MAX, 0x1000, 0x1000); /* no address */
	assert_int_equal(parse(w, 0x8000, &x, &count, &err), ERR_OK);
	assert_int_equal(count, 1);
	assert_int_equal(x[0].gpa, 0);
	assert_int_equal(x[0].size, 0x7000);
	assert_int_equal(x[0].backing, 0x1000);
	free(x);
	free(w);
}

static void spoil_truncated(struct elfwriter *w)
{
	elfwriter_segment(w, 1)->p_filesz += 0x100000;
	elfwriter_segment(w, 1)->p_memsz += 0x100000;
}

static void spoil_class(struct elfwriter *w)
{
	w->bytes[EI_CLASS] = ELFCLASS32;
}

static void spoil_machine(struct elfwriter *w)
{
	elfwriter_header(w)->e_machine = EM_AARCH64;
}

static void spoil_type(struct elfwriter *w)
{
	elfwriter_header(w)->e_type = ET_DYN;
}

static void spoil_count(struct elfwriter *w)
{
	elfwriter_header(w)->e_phnum = 1000;
}

static void spoil_long_count(struct elfwriter *w)
{
	Elf64_Shdr s = {.sh_info = 0xffffffff};

	elfwriter_long_count(w);
	memcpy(w->bytes + elfwriter_header(w)->e_shoff, &s, sizeof(s));
}

static void spoil_no_section(struct elfwriter *w)
{
	elfwriter_header(w)->e_phnum = PN_XNUM;
	elfwriter_header(w)->e_shoff = UINT64_MAX - 8;
}

static void spoil_entry_size(struct elfwriter *w)
{
	elfwriter_header(w)->e_phentsize = 8;
}

static void spoil_phoff(struct elfwriter *w)
{
	elfwriter_header(w)->e_phoff = UINT64_MAX - 100;
}

static void spoil_offset(struct elfwriter *w)
{
	elfwriter_segment(w, 0)->p_offset = UINT64_MAX - 10;
}

static void spoil_address(struct elfwriter *w)
{
	elfwriter_segment(w, 0)->p_paddr = UINT64_MAX - 10;
}

static void spoil_sizes(struct elfwriter *w)
{
	elfwriter_segment(w, 0)->p_memsz = 1;
}

static void spoil_loads(struct elfwriter *w)
{
	elfwriter_segment(w, 0)->p_type = PT_NOTE;
	elfwriter_segment(w, 1)->p_type = PT_NULL;
}

static void spoil_addresses(struct elfwriter *w)
{
	elfwriter_segment(w, 1)->p_paddr = 0;
}

static void test_elf_wrong(void **state)
{
	static const struct {
		void (*spoil)(struct elfwriter *w);
		enum err code;
		const char *text;
	} cases[] = {
		{spoil_truncated, ERR_CORRUPT, "truncated: it ends at"},
		{spoil_class, ERR_UNSUPPORTED, "32-bit"},
		{spoil_machine, ERR_UNSUPPORTED, "another architecture"},
		{spoil_type, ERR_INVAL, "no memory dump"},
		{spoil_count, ERR_CORRUPT, "truncated in its program headers"},
		{spoil_long_count, ERR_LIMIT, "program headers"},
		{spoil_no_section, ERR_CORRUPT, "no section header"},
		{spoil_entry_size, ERR_CORRUPT, "malformed ELF header"},
		{spoil_phoff, ERR_CORRUPT, "truncated"},
		{spoil_offset, ERR_CORRUPT, "malformed program header"},
		{spoil_address, ERR_CORRUPT, "malformed program header"},
		{spoil_sizes, ERR_CORRUPT, "malformed program header"},
		{spoil_loads, ERR_CORRUPT, "no memory"},
		{spoil_addresses, ERR_INVAL, "core of a process"},
	};
	struct elfwriter *w = malloc(sizeof(*w));

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct source_extent *x = NULL;
		struct err_ctx err;
		size_t count;

		elfwriter_init(w, 0x1000);
		elfwriter_load(w, 0, 0x10000);
		elfwriter_load(w, 0x100000, 0x10000);
		cases[i].spoil(w);
		assert_int_equal(parse(w, 0x21000, &x, &count, &err), cases[i].code);
		assert_null(x);
		if (!strstr(err.text, cases[i].text))
			fail_msg("case %zu: \"%s\" lacks \"%s\"", i, err.text, cases[i].text);
	}
	free(w);
}

struct dump {
	int fd;
	uint64_t at; /* in the file, of physical address 0 */
};

static void put_dump(void *arg, uint64_t gpa, const void *page)
{
	struct dump *d = arg;

	assert_int_equal(pwrite(d->fd, page, 4096, (off_t)(d->at + gpa)), 4096);
}

static void check_dump(const char *path, struct fixture *f, enum source_kind kind)
{
	struct ktype_boot boot;
	struct err_ctx err = {0};
	struct source *s;

	if (source_open_file(path, &s, &err))
		fail_msg("%s", err.text);
	assert_int_equal(source_kind(s), kind);
	if (source_place(s, &boot, &err))
		fail_msg("%s", err.text);
	assert_int_equal(boot.vmcoreinfo.v, f->places.vmcoreinfo);
	source_close(s);
}

/* Whole dumps, with bytes that lie askew as QEMU's do and with ones that can be mapped. */
static void test_dumps(void **state)
{
	static const uint64_t starts[] = {0x498, 0x1000, 0x1d88};
	struct elfwriter *w = malloc(sizeof(*w));
	struct source *s;
	struct fixture f;
	char path[64];

	(void)state;
	fixture_init(&f, 64 * MIB, 64 * MIB, 16 * MIB);
	for (size_t i = 0; i < sizeof(starts) / sizeof(starts[0]); i++) {
		struct dump d = {memfd_create("dump", MFD_CLOEXEC), starts[i]};

		elfwriter_init(w, starts[i]);
		elfwriter_load(w, 0, f.size);
		assert_int_equal(pwrite(d.fd, w->bytes, w->end, 0), w->end);
		fixture_each_page(&f, put_dump, &d);
		assert_int_equal(ftruncate(d.fd, (off_t)w->offset), 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", d.fd);
		check_dump(path, &f, SOURCE_ELF_CORE);
		assert_int_equal(ftruncate(d.fd, (off_t)w->offset - 1), 0);
		assert_int_equal(source_open_file(path, &s, NULL), ERR_CORRUPT);
		close(d.fd);
	}
	free(w);
	fixture_deinit(&f);
}

static void put_lime_header(int fd, uint64_t at, uint32_t version, uint64_t first, uint64_t last)
{
	struct {
		uint32_t magic, version;
		uint64_t first, last, reserved;
	} h = {0x4c694d45, version, first, last, 0};

	assert_int_equal(pwrite(fd, &h, sizeof(h), (off_t)at), sizeof(h));
}

static void test_lime(void **state)
{
	struct dump d = {memfd_create("lime", MFD_CLOEXEC), 64};
	struct err_ctx err = {0};
	struct source *s;
	struct fixture f;
	char path[64];

	(void)state;
	fixture_init(&f, 64 * MIB, 64 * MIB, 16 * MIB);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", d.fd);
	/* [0, 8 MiB), then the rest */
	put_lime_header(d.fd, 0, 1, 0, 8 * MIB - 1);
	put_lime_header(d.fd, 32 + 8 * MIB, 1, 8 * MIB, f.size - 1);
	fixture_each_page(&f, put_dump, &d);
	assert_int_equal(ftruncate(d.fd, (off_t)f.size + 64), 0);
	check_dump(path, &f, SOURCE_LIME);

	assert_int_equal(ftruncate(d.fd, (off_t)f.size), 0);
	assert_int_equal(source_open_file(path, &s, &err), ERR_CORRUPT);
	assert_non_null(strstr(err.text, "truncated"));
	put_lime_header(d.fd, 0, 2, 0, 8 * MIB - 1);
	assert_int_equal(source_open_file(path, &s, NULL), ERR_UNSUPPORTED);
	put_lime_header(d.fd, 0, 1, 8 * MIB, 0);
	assert_int_equal(source_open_file(path, &s, NULL), ERR_CORRUPT);
	/* the whole address space: size overflows to 0 */
	put_lime_header(d.fd, 0, 1, 0, UINT64_MAX);
	assert_int_equal(source_open_file(path, &s, NULL), ERR_CORRUPT);
	close(d.fd);
	fixture_deinit(&f);
}

static void test_refused(void **state)
{
	static const struct {
		const char *head;
		size_t size;
		const char *text;
	} cases[] = {
		{"KDUMP   xxxxxxxx", 16, "kdump-compressed"},
		{"makedumpfile\0\0\0\0", 16, "kdump-compressed"},
		{"LibvirtQemudSavexx", 18, "virsh dump"},
		{"QFI\xfbxxxxxxxxxxxxxxxx", 20, "qcow2"},
		{"\x1f\x8b\x08xxxxxxxx", 11, "gzip"},
	};
	struct err_ctx err;
	struct source *s;
	char path[64];
	int fd = memfd_create("file", MFD_CLOEXEC);

	(void)state;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(ftruncate(fd, 64 << 20), 0);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(&err, 0, sizeof(err));
		assert_int_equal(pwrite(fd, cases[i].head, cases[i].size, 0), cases[i].size);
		assert_int_equal(source_open_file(path, &s, &err), ERR_UNSUPPORTED);
		assert_non_null(strstr(err.text, cases[i].text));
	}
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(source_open_file(path, &s, NULL), ERR_CORRUPT);
	assert_int_equal(source_open_file("/proc", &s, NULL), ERR_INVAL);
	assert_int_equal(source_open_file("/nowhere/at/all", &s, NULL), ERR_ABSENT);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_elf_right), cmocka_unit_test(test_elf_wrong),
		cmocka_unit_test(test_dumps),	  cmocka_unit_test(test_lime),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/*
 * Signing, reading and refusing images: test_sign ELF. Loads on the emulation: what it refuses is
 * what hardware refuses, but for the words.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>
#include <elf.h>

#include "base/checked.h"
#include "emulation/emulation.h"
#include "harness.h"
#include "measure/measure.h"
#include "scan.h"

static struct file elf, pem;
static struct sign_image image;

static struct abi_image *header_of(struct sign_image *i)
{
	return (struct abi_image *)i->data;
}

static struct abi_segment *segment_of(struct sign_image *i, enum abi_segment_kind kind,
				      uint64_t permission)
{
	struct abi_segment *s = (struct abi_segment *)(header_of(i) + 1);

	for (uint32_t k = 0; k < header_of(i)->segment_count; k++)
		if (s[k].kind == kind && (s[k].secinfo & permission) == permission)
			return &s[k];
	fail();
	return NULL;
}

/* The test's own copy to tamper with. */
static struct sign_image copy(void)
{
	struct sign_image i = {malloc(image.size), image.size};

	assert_non_null(i.data);
	memcpy(i.data, image.data, image.size);
	return i;
}

static void check_refused(struct sign_image *i, const char *text)
{
	const struct backend *backend;
	struct host_enclave enclave;
	struct err_ctx err = {0};
	struct image parsed;
	enum err e = backend_emulated(0, &backend, &err);

	if (!e)
		e = image_parse(i->data, i->size, &parsed, &err);
	if (!e)
		e = host_load(backend, &parsed, &enclave, &err);
	assert_int_not_equal(e, ERR_OK);
	if (!strstr(err.text, text))
		fail_msg("refused with '%s', not '%s'", err.text, text);
	sign_deinit(i);
}

static void test_good(void **state)
{
	const struct backend *backend;
	struct host_enclave enclave;
	struct err_ctx err = {0};
	struct image parsed;

	(void)state;
	assert_int_equal(ERR_OK, backend_emulated(0, &backend, &err));
	assert_int_equal(ERR_OK, image_parse(image.data, image.size, &parsed, &err));
	assert_int_equal(ERR_OK, image_verify(&parsed, &err));
	assert_int_equal(ERR_OK, host_load(backend, &parsed, &enclave, &err));
	assert_int_equal(enclave.thread_count, 4);
	assert_int_equal(enclave.base % enclave.size, 0);
	host_unload(&enclave);
}

static void test_same_bytes_again(void **state)
{
	struct sign_image again = signed_image(&elf, &pem);

	(void)state;
	assert_int_equal(again.size, image.size);
	assert_memory_equal(again.data, image.data, image.size);
	sign_deinit(&again);
}

/* The parts are those of the program's segments: all of it, and no more. */
static void test_parts(void **state)
{
	struct err_ctx err = {0};
	struct image parsed;
	uint64_t sum = 0, room = 0;
	bool has_program = false;

	(void)state;
	assert_int_equal(ERR_OK, image_parse(image.data, image.size, &parsed, &err));
	for (uint32_t i = 0; i < parsed.header->part_count; i++) {
		const struct abi_part *p = &parsed.parts[i];

		sum += p->code + p->constants + p->data + p->zeros;
		has_program = has_program || strcmp(p->name, "program") == 0;
	}
	for (uint32_t i = 0; i < parsed.header->segment_count; i++)
		if (parsed.segments[i].kind == ABI_SEGMENT_ELF)
			room += parsed.segments[i].page_count * ABI_PAGE;
	assert_true(has_program);
	assert_in_range(sum, 1, room);
}

static void test_malformed_parts(void **state)
{
	struct sign_image i = copy();
	struct abi_part *parts = (void *)(i.data + sizeof(struct abi_image) +
					  header_of(&i)->segment_count * sizeof(struct abi_segment));

	(void)state;
	memset(parts[0].name, 'x', sizeof(parts[0].name));
	check_refused(&i, "part 0 has no name that ends");
	i = copy();
	header_of(&i)->part_count = ABI_IMAGE_MAX_PARTS + 1;
	check_refused(&i, "65 parts don't fit");
}

static void test_tampered_code(void **state)
{
	struct sign_image i = copy();

	(void)state;
	i.data[segment_of(&i, ABI_SEGMENT_ELF, ABI_SECINFO_X)->file_offset + 100] ^= 1;
	check_refused(&i, "contents of the segment 'program code'");
}

static void test_tampered_thread(void **state)
{
	struct sign_image i = copy();

	(void)state;
	i.data[segment_of(&i, ABI_SEGMENT_TCS, 0)->file_offset + 33] ^= 1;
	check_refused(&i, "contents of the segment 'tcs 0'");
}

static void test_tampered_configuration(void **state)
{
	struct sign_image i = copy();

	(void)state;
	i.data[segment_of(&i, ABI_SEGMENT_CONFIG, 0)->file_offset] ^= 1;
	check_refused(&i, "configuration was changed");
}

static void test_tampered_permission(void **state)
{
	struct sign_image i = copy();

	(void)state;
	segment_of(&i, ABI_SEGMENT_HEAP, 0)->secinfo |= ABI_SECINFO_X;
	check_refused(&i, "permissions of a segment");
}

static void test_tampered_measuring(void **state)
{
	struct sign_image i = copy();

	(void)state;
	segment_of(&i, ABI_SEGMENT_STACK, 0)->flags = 0;
	check_refused(&i, "permissions of a segment");
}

static void test_tampered_layout(void **state)
{
	struct sign_image i = copy();

	(void)state;
	segment_of(&i, ABI_SEGMENT_HEAP, 0)->page_count -= 1;
	check_refused(&i, "layout was changed");
}

static void test_tampered_size(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->size *= 2;
	check_refused(&i, "the enclave measures");
}

static void test_tampered_measurement(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.enclave_hash[5] ^= 1;
	check_refused(&i, "the measurement was changed after signing");
}

static void test_tampered_signature(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.signature[200] ^= 1;
	check_refused(&i, "isn't by the key");
}

static void test_another_key(void **state)
{
	struct file other = new_key(3072, 3);
	struct sign_image theirs = signed_image(&elf, &other), i = copy();

	(void)state;
	memcpy(header_of(&i)->sigstruct.modulus, header_of(&theirs)->sigstruct.modulus,
	       ABI_MODULUS_SIZE);
	sign_deinit(&theirs);
	free(other.data);
	/* whether the number is even too large depends on the two keys */
	check_refused(&i, "SIGSTRUCT: the signature isn't b");
}

static void test_tampered_date(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.date = 0x20260103;
	check_refused(&i, "date 20260103");
}

static void test_tampered_version(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.isv_svn++;
	check_refused(&i, "a signed field was changed");
}

static void test_tampered_q1(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.q1[0] ^= 1;
	check_refused(&i, "q1");
}

static void test_tampered_q2(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.q2[383] ^= 0x80;
	check_refused(&i, "q2");
}

static void test_tampered_exponent(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.exponent = 65537;
	check_refused(&i, "exponent is 65537");
}

static void test_tampered_reserved(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.reserved4[3] = 1;
	check_refused(&i, "reserved byte");
}

static void test_tampered_header(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->sigstruct.header[0] = 7;
	check_refused(&i, "constants");
}

static void test_tampered_attributes(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->attributes.flags |= ABI_ATTR_DEBUG;
	check_refused(&i, "aren't those signed");
}

static void test_tampered_miscselect(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->miscselect = 0;
	check_refused(&i, "MISCSELECT");
}

static void test_provision_without_right(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->attributes.flags |= ABI_ATTR_PROVISIONKEY;
	check_refused(&i, "aren't those signed");
}

static void test_ssa_too_small(void **state)
{
	struct sign_image i = copy();

	(void)state;
	header_of(&i)->ssa_frame_size = 0;
	check_refused(&i, "SSA frame of 0 pages");
}

static void test_unsigned(void **state)
{
	struct sign_image i = copy();

	(void)state;
	memset(&header_of(&i)->sigstruct, 0, sizeof(struct abi_sigstruct));
	check_refused(&i, "isn't signed");
}

/* Images that aren't: no crash, a text. */
static void test_malformed(void **state)
{
	struct sign_image i = copy();

	(void)state;
	i.size--;
	check_refused(&i, "truncated");
	i = copy();
	i.data[0] = 'X';
	check_refused(&i, "not an enclave image");
	i = copy();
	header_of(&i)->version = 99;
	check_refused(&i, "version 99");
	i = copy();
	header_of(&i)->segment_count = 60000;
	check_refused(&i, "don't fit");
	i = copy();
	segment_of(&i, ABI_SEGMENT_HEAP, 0)->page_count = 1ull << 60;
	check_refused(&i, "isn't within the enclave");
	i = copy();
	segment_of(&i, ABI_SEGMENT_HEAP, 0)->offset = 0;
	check_refused(&i, "overlaps");
	i = copy();
	segment_of(&i, ABI_SEGMENT_CONFIG, 0)->file_offset = 1ull << 62;
	check_refused(&i, "isn't within the file");
	i = copy();
	memset(segment_of(&i, ABI_SEGMENT_CONFIG, 0)->name, 'n', 16);
	check_refused(&i, "no name that ends");
}

static void check_unsignable(struct file *f, const char *text)
{
	struct sign_options o = small_options();
	struct sign_image i;
	struct err_ctx err = {0};

	assert_int_not_equal(ERR_OK, sign_build(f->data, f->size, &o, &i, &err));
	if (!strstr(err.text, text))
		fail_msg("refused with '%s', not '%s'", err.text, text);
	free(f->data);
}

static struct file copy_elf(void)
{
	struct file f = {malloc(elf.size), elf.size};

	assert_non_null(f.data);
	memcpy(f.data, elf.data, elf.size);
	return f;
}

static Elf64_Phdr *program_header(struct file *f, uint32_t type, uint32_t flags)
{
	Elf64_Ehdr *h = (Elf64_Ehdr *)f->data;
	Elf64_Phdr *ph = (Elf64_Phdr *)(f->data + h->e_phoff);

	for (int i = 0; i < h->e_phnum; i++)
		if (ph[i].p_type == type && (ph[i].p_flags & flags) == flags)
			return &ph[i];
	fail();
	return NULL;
}

/* Programs that no enclave can be made of. */
static void test_bad_programs(void **state)
{
	struct file f = copy_elf();

	(void)state;
	program_header(&f, PT_LOAD, PF_X)->p_flags |= PF_W;
	check_unsignable(&f, "writable and executable");
	f = copy_elf();
	((Elf64_Ehdr *)f.data)->e_type = ET_EXEC;
	check_unsignable(&f, "position-independent");
	f = copy_elf();
	program_header(&f, PT_GNU_STACK, 0)->p_type = PT_INTERP;
	check_unsignable(&f, "dynamic linker");
	f = copy_elf();
	program_header(&f, PT_GNU_STACK, 0)->p_flags |= PF_X;
	check_unsignable(&f, "executable stack");
	f = copy_elf();
	((Elf64_Ehdr *)f.data)->e_entry = 0x100000;
	check_unsignable(&f, "entry point");
	f = copy_elf();
	program_header(&f, PT_LOAD, PF_X)->p_filesz = 1ull << 40;
	check_unsignable(&f, "within the file");
	f = copy_elf();
	program_header(&f, PT_LOAD, PF_X)->p_vaddr = 0x800;
	check_unsignable(&f, "share a page");
	f = copy_elf();
	f.size = 40;
	check_unsignable(&f, "not an ELF file");
	f = copy_elf();
	((Elf64_Dyn *)(f.data + program_header(&f, PT_DYNAMIC, 0)->p_offset))->d_tag = DT_TEXTREL;
	check_unsignable(&f, "text relocations");
	f = copy_elf();
	((Elf64_Dyn *)(f.data + program_header(&f, PT_DYNAMIC, 0)->p_offset))->d_tag = DT_NEEDED;
	check_unsignable(&f, "shared library");
}

/* The tests' enclave has a `syscall` and an `int 0x80` in it. */
static void test_illegal_instructions(void **state)
{
	struct sign_options o = small_options();
	struct sign_image i;
	struct err_ctx err = {0};

	(void)state;
	o.unchecked_code = false;
	assert_int_equal(ERR_UNSUPPORTED, sign_build(elf.data, elf.size, &o, &i, &err));
	assert_non_null(strstr(err.text, "an enclave can't run '"));
	assert_non_null(strstr(err.text, "in enclave_main"));
	assert_non_null(strstr(err.text, "(2 such in all)"));
}

/* One by one, and what looks like them but may run. */
static void test_scan(void **state)
{
	static const struct {
		const char *code;
		size_t size;
		bool illegal;
	} cases[] = {
		{"\x0f\x05", 2, true},	      /* syscall */
		{"\x0f\x34", 2, true},	      /* sysenter */
		{"\x0f\xa2", 2, true},	      /* cpuid */
		{"\x0f\x31", 2, true},	      /* rdtsc */
		{"\x0f\x01\xf9", 3, true},    /* rdtscp */
		{"\xcd\x80", 2, true},	      /* int 0x80 */
		{"\xe4\x60", 2, true},	      /* in */
		{"\xee", 1, true},	      /* out */
		{"\x6c", 1, true},	      /* insb */
		{"\xcb", 1, true},	      /* retf */
		{"\x48\xcf", 2, true},	      /* iretq */
		{"\x8e\xe0", 2, true},	      /* mov fs, eax */
		{"\x0f\xa9", 2, true},	      /* pop gs */
		{"\x0f\x01\xc1", 3, true},    /* vmcall */
		{"\x0f\x01\x00", 3, true},    /* sgdt */
		{"\x0f\x01\xe0", 3, true},    /* smsw */
		{"\xcc", 1, false},	      /* int3 */
		{"\x0f\x01\xd7", 3, false},   /* enclu */
		{"\x0f\xc7\xf0", 3, false},   /* rdrand */
		{"\x8c\xe0", 2, false},      /* mov eax, fs */
		{"\xf3\x48\x0f\xae\xd0", 5, false}, /* wrfsbase rax */
		{"\xb8\x0f\x05\x0f\x05", 5, false}, /* mov eax, bytes of a syscall */
	};
	struct scan_start start = {0x1002, "function"};
	struct err_ctx err = {0};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		enum err e = scan_code((const uint8_t *)cases[i].code, cases[i].size, 0x1000, NULL,
				       0, NULL);

		if (e != (cases[i].illegal ? ERR_UNSUPPORTED : ERR_OK))
			fail_msg("case %zu", i);
	}
	/* data before a function doesn't hide its first instruction */
	assert_int_equal(ERR_UNSUPPORTED, scan_code((const uint8_t *)"\x48\xb8\x0f\x05\xc3", 5,
						    0x1000, &start, 1, &err));
	assert_non_null(strstr(err.text, "'syscall ' in function"));
	assert_int_equal(err.addr, 0x1002);
}

static void check_key(const struct file *key, const char *text)
{
	struct sign_options o = small_options();
	struct sign_image i = copy();
	struct err_ctx err = {0};

	assert_int_equal(ERR_INVAL, sign_sign(&i, key->data, key->size, &o, &err));
	if (!strstr(err.text, text))
		fail_msg("refused with '%s', not '%s'", err.text, text);
	sign_deinit(&i);
}

static void test_bad_keys(void **state)
{
	struct file small = new_key(2048, 3), wide = new_key(3072, 65537);
	struct file none = {(uint8_t *)"nothing", 7};

	(void)state;
	check_key(&small, "isn't RSA-3072 with exponent 3");
	check_key(&wide, "isn't RSA-3072 with exponent 3");
	check_key(&none, "isn't a private key");
	free(small.data);
	free(wide.data);
}

static void test_bad_options(void **state)
{
	struct sign_options o = small_options();
	struct sign_image i;
	struct err_ctx err = {0};

	(void)state;
	o.date = 0x20261301;
	assert_int_equal(ERR_INVAL, sign_build(elf.data, elf.size, &o, &i, &err));
	o = small_options();
	o.thread_count = 100000;
	assert_int_equal(ERR_INVAL, sign_build(elf.data, elf.size, &o, &i, NULL));
	o = small_options();
	o.ssa_count = 1;
	assert_int_equal(ERR_INVAL, sign_build(elf.data, elf.size, &o, &i, NULL));
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_same_bytes_again),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_malformed_parts),
		cmocka_unit_test(test_tampered_code),
		cmocka_unit_test(test_tampered_thread),
		cmocka_unit_test(test_tampered_configuration),
		cmocka_unit_test(test_tampered_permission),
		cmocka_unit_test(test_tampered_measuring),
		cmocka_unit_test(test_tampered_layout),
		cmocka_unit_test(test_tampered_size),
		cmocka_unit_test(test_tampered_measurement),
		cmocka_unit_test(test_tampered_signature),
		cmocka_unit_test(test_another_key),
		cmocka_unit_test(test_tampered_date),
		cmocka_unit_test(test_tampered_version),
		cmocka_unit_test(test_tampered_q1),
		cmocka_unit_test(test_tampered_q2),
		cmocka_unit_test(test_tampered_exponent),
		cmocka_unit_test(test_tampered_reserved),
		cmocka_unit_test(test_tampered_header),
		cmocka_unit_test(test_tampered_attributes),
		cmocka_unit_test(test_tampered_miscselect),
		cmocka_unit_test(test_provision_without_right),
		cmocka_unit_test(test_ssa_too_small),
		cmocka_unit_test(test_unsigned),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_bad_programs),
		cmocka_unit_test(test_illegal_instructions),
		cmocka_unit_test(test_scan),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_bad_options),
	};
	int failed;

	if (argc != 2)
		return 2;
	elf = read_whole(argv[1]);
	pem = new_key(3072, 3);
	image = signed_image(&elf, &pem);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	sign_deinit(&image);
	free(pem.data);
	free(elf.data);
	return failed;
}

// SPDX-License-Identifier: MIT
/* BTF: look-ups over a small kernel's types, and blobs that must be refused. */
#include "fixture.h"

#include <stdlib.h>

#include "base/checked.h"
#include "btf.h"

struct parsed {
	struct base_alloc alloc;
	struct btf_build b;
	struct err_ctx err;
};

static enum err parse_bytes(struct parsed *p, const void *bytes, size_t size)
{
	memset(p, 0, sizeof(*p));
	base_alloc_init(&p->alloc, 16 << 20);
	return btf_build(&p->alloc, bytes, size, &p->b, &p->err);
}

static enum err parse(struct parsed *p, struct synth_btf *s)
{
	size_t size;
	void *bytes = synth_btf_bytes(s, &size);

	return parse_bytes(p, bytes, size);
}

static void done(struct parsed *p)
{
	btf_build_deinit(&p->b, &p->alloc);
	assert_int_equal(p->alloc.used, 0);
}

static void test_members(void **state)
{
	static const struct {
		const char *type, *path;
		uint64_t bits;
		uint32_t width;
		uint64_t size;
		bool is_signed, is_scalar;
	} cases[] = {
		{"struct task_struct", "__state", 0, 0, 4, false, true},
		{"struct task_struct", "pid", 32, 0, 4, true, true},
		{"struct task_struct", "tasks", 64, 0, 16, false, false},
		{"struct task_struct", "tasks.prev", 128, 0, 8, false, true},
		{"struct task_struct", "ua", 192, 0, 8, false, true},
		{"struct task_struct", "high", 224, 0, 4, true, true},
		{"struct task_struct", "three", 256, 3, 4, false, true},
		{"struct task_struct", "four", 260, 4, 4, false, true},
		{"struct task_struct", "wide", 288, 17, 4, true, true},
		{"struct task_struct", "kind", 320, 0, 4, true, true},
		{"struct task_struct", "comm", 352, 0, 16, false, false},
		{"struct task_struct", "lists", 512, 0, 32, false, false},
		{"struct task_struct", "flexible", 768, 0, 0, false, false},
		{"struct old_bits", "a", 0, 4, 1, false, true},
		{"struct old_bits", "b", 4, 4, 1, false, true},
	};
	static const char *const absent[][2] = {
		{"struct task_struct", "pi"},	  {"struct task_struct", "pid2"},
		{"struct task_struct", ""},	  {"struct task_struct", "tasks."},
		{"struct task_struct", ".tasks"}, {"struct task_struct", "pid.x"},
		{"struct task_struct", "comm.x"}, {"struct task_struct", "three.x"},
		{"union task_struct", "pid"},	  {"task_struct", "pid"},
		{"struct nothing", "pid"},	  {"struct ", "low"},
		{"struct declared_only", "x"},	  {"struct task_struct", "tasks.next.next"},
		{"pid_t", "x"},			  {"", ""},
	};
	struct synth_btf *s = synth_btf_create();
	struct ktype_member m;
	struct parsed p;

	(void)state;
	synth_btf_add_kernel(s);
	assert_int_equal(parse(&p, s), ERR_OK);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		assert_int_equal(btf_member(&p.b.t, cases[i].type, cases[i].path, &m), ERR_OK);
		assert_int_equal(m.bit_offset, cases[i].bits);
		assert_int_equal(m.bit_size, cases[i].width);
		assert_int_equal(m.size, cases[i].size);
		assert_int_equal(m.is_signed, cases[i].is_signed);
		assert_int_equal(m.is_scalar, cases[i].is_scalar);
	}
	for (size_t i = 0; i < BASE_COUNT(absent); i++)
		assert_int_equal(btf_member(&p.b.t, absent[i][0], absent[i][1], &m), ERR_ABSENT);
	done(&p);
	synth_btf_destroy(s);
}

static void test_sizes_and_enums(void **state)
{
	struct synth_btf *s = synth_btf_create();
	struct parsed p;
	uint64_t size = 0;
	int64_t v = 0;

	(void)state;
	synth_btf_add_kernel(s);
	assert_int_equal(parse(&p, s), ERR_OK);
	assert_int_equal(btf_sizeof(&p.b.t, "struct task_struct", &size), ERR_OK);
	assert_int_equal(size, 96);
	assert_int_equal(btf_sizeof(&p.b.t, "pid_t", &size), ERR_OK);
	assert_int_equal(size, 4);
	assert_int_equal(btf_sizeof(&p.b.t, "long unsigned int", &size), ERR_OK);
	assert_int_equal(size, 8);
	assert_int_equal(btf_sizeof(&p.b.t, "enum big", &size), ERR_OK);
	assert_int_equal(size, 8);
	assert_int_equal(btf_sizeof(&p.b.t, "struct absent", &size), ERR_ABSENT);
	assert_int_equal(btf_enum(&p.b.t, "enum pid_type", "PIDTYPE_TGID", &v), ERR_OK);
	assert_int_equal(v, 1);
	assert_int_equal(btf_enum(&p.b.t, NULL, "PIDTYPE_BAD", &v), ERR_OK);
	assert_int_equal(v, -2);
	assert_int_equal(btf_enum(&p.b.t, NULL, "BIG", &v), ERR_OK);
	assert_true(v == (int64_t)1 << 40);
	assert_int_equal(btf_enum(&p.b.t, "enum big", "NEGATIVE", &v), ERR_OK);
	assert_int_equal(v, -3);
	assert_int_equal(btf_enum(&p.b.t, "enum big", "PIDTYPE_TGID", &v), ERR_ABSENT);
	assert_int_equal(btf_enum(&p.b.t, "enum absent", "BIG", &v), ERR_ABSENT);
	assert_int_equal(btf_enum(&p.b.t, NULL, "task_struct", &v), ERR_ABSENT);
	assert_int_equal(btf_enum(&p.b.t, NULL, "", &v), ERR_ABSENT);
	done(&p);
	synth_btf_destroy(s);
}

/* Each maker adds to a blob that is fine until then what must make it refused. */
static void make_unknown_kind(struct synth_btf *s)
{
	synth_btf_type(s, "x", 20, 0, 0, 0);
}

static void make_name_out(struct synth_btf *s)
{
	synth_btf_word(s, 0xffffff);
	synth_btf_word(s, SYNTH_BTF_FWD << 24);
	synth_btf_word(s, 0);
}

static void make_type_out(struct synth_btf *s)
{
	synth_btf_type(s, "", SYNTH_BTF_PTR, 0, 0, 1000);
}

static void make_cut_off(struct synth_btf *s)
{
	synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 5, 0, 8);
}

static void make_member_type_out(struct synth_btf *s)
{
	synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 1, 0, 8);
	synth_btf_member(s, "m", 1000, 0);
}

static void make_member_void(struct synth_btf *s)
{
	synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 1, 0, 8);
	synth_btf_member(s, "m", 0, 0);
}

static void make_member_outside(struct synth_btf *s)
{
	synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 1, 0, 8);
	synth_btf_member(s, "m", 1, 72);
}

static void make_self(struct synth_btf *s)
{
	uint32_t id = synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 1, 0, 8);

	synth_btf_member(s, "x", id, 0);
}

static void make_ring(struct synth_btf *s)
{
	uint32_t id = synth_btf_type(s, "x", SYNTH_BTF_STRUCT, 1, 0, 8);

	synth_btf_member(s, "", id + 2, 0);
	synth_btf_type(s, "t", SYNTH_BTF_TYPEDEF, 0, 0, id);
	synth_btf_array(s, id + 1, 1);
}

static void make_typedef_ring(struct synth_btf *s)
{
	uint32_t id = synth_btf_type(s, "a", SYNTH_BTF_TYPEDEF, 0, 0, 0);

	(void)id;
	id = synth_btf_type(s, "b", SYNTH_BTF_TYPEDEF, 0, 0, id + 2);
	synth_btf_type(s, "", SYNTH_BTF_CONST, 0, 0, id);
}

static void make_deep(struct synth_btf *s)
{
	uint32_t id = synth_btf_type(s, "a", SYNTH_BTF_TYPEDEF, 0, 0, 1);

	for (int i = 0; i < 70; i++)
		id = synth_btf_type(s, "", SYNTH_BTF_CONST, 0, 0, id);
}

static void make_deep_forward(struct synth_btf *s)
{
	uint32_t id = synth_btf_type(s, "a", SYNTH_BTF_TYPEDEF, 0, 0, 0);

	for (int i = 0; i < 70; i++, id++)
		synth_btf_type(s, "", SYNTH_BTF_CONST, 0, 0, id + 2);
	synth_btf_type(s, "", SYNTH_BTF_CONST, 0, 0, 1);
}

static void make_bad_int(struct synth_btf *s)
{
	synth_btf_int_bits(s, "odd", 4, 8, 32);
}

static void make_bad_enum(struct synth_btf *s)
{
	synth_btf_type(s, "e", SYNTH_BTF_ENUM, 1, 0, 4);
	synth_btf_word(s, 0xffffff);
	synth_btf_word(s, 1);
}

static void make_bad_enum_size(struct synth_btf *s)
{
	synth_btf_type(s, "e", SYNTH_BTF_ENUM, 0, 0, 3);
}

static void make_bad_proto(struct synth_btf *s)
{
	synth_btf_type(s, "", SYNTH_BTF_FUNC_PROTO, 1, 0, 1);
	synth_btf_word(s, 0);
	synth_btf_word(s, 999);
}

static void make_crowd(struct synth_btf *s)
{
	for (int i = 0; i < BTF_CHAIN_MAX + 2; i++)
		synth_btf_type(s, "pid_t", SYNTH_BTF_TYPEDEF, 0, 0, 1);
}

static void test_refused(void **state)
{
	static const struct {
		void (*make)(struct synth_btf *s);
		enum err code;
		const char *says;
	} cases[] = {
		{make_unknown_kind, ERR_UNSUPPORTED, "kind not known"},
		{make_name_out, ERR_CORRUPT, "malformed"},
		{make_type_out, ERR_CORRUPT, "malformed"},
		{make_cut_off, ERR_CORRUPT, "cut off"},
		{make_member_type_out, ERR_CORRUPT, "malformed"},
		{make_member_void, ERR_CORRUPT, "malformed"},
		{make_member_outside, ERR_CORRUPT, "malformed"},
		{make_self, ERR_CORRUPT, "contains itself"},
		{make_ring, ERR_CORRUPT, "contains itself"},
		{make_typedef_ring, ERR_CORRUPT, "contains itself"},
		{make_deep, ERR_CORRUPT, "nests too deep"},
		{make_deep_forward, ERR_CORRUPT, "nests too deep"},
		{make_bad_int, ERR_CORRUPT, "malformed"},
		{make_bad_enum, ERR_CORRUPT, "malformed"},
		{make_bad_enum_size, ERR_CORRUPT, "malformed"},
		{make_bad_proto, ERR_CORRUPT, "malformed"},
		{make_crowd, ERR_CORRUPT, "one hash"},
	};

	(void)state;
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		struct synth_btf *s = synth_btf_create();
		struct parsed p;

		synth_btf_add_kernel(s);
		cases[i].make(s);
		assert_int_equal(parse(&p, s), cases[i].code);
		assert_non_null(strstr(p.err.text, cases[i].says));
		done(&p);
		synth_btf_destroy(s);
	}
}

static void test_headers(void **state)
{
	static const struct {
		size_t at;
		uint32_t value;
		enum err code;
	} cases[] = {
		{0, 0x00019feb, ERR_UNSUPPORTED}, /* the other byte order */
		{0, 0x0002eb9f, ERR_UNSUPPORTED}, /* version 2 */
		{0, 0x464c457f, ERR_CORRUPT},	  {4, 20, ERR_CORRUPT},
		{4, UINT32_MAX, ERR_CORRUPT},	  {8, UINT32_MAX, ERR_CORRUPT},
		{8, 2, ERR_CORRUPT},		  {12, UINT32_MAX, ERR_CORRUPT},
		{12, 13, ERR_CORRUPT},		  {16, UINT32_MAX, ERR_CORRUPT},
		{16, 4, ERR_CORRUPT},		  {20, 0, ERR_CORRUPT},
		{20, UINT32_MAX, ERR_CORRUPT},
	};
	struct synth_btf *s = synth_btf_create();
	struct parsed p;
	size_t size;

	(void)state;
	synth_btf_add_kernel(s);
	for (size_t i = 0; i < BASE_COUNT(cases); i++) {
		unsigned char *bytes = synth_btf_bytes(s, &size);

		memcpy(bytes + cases[i].at, &cases[i].value, 4);
		assert_int_equal(parse_bytes(&p, bytes, size), cases[i].code);
		done(&p);
	}
	/* Cut anywhere, it is refused. */
	for (size_t cut = 0; cut < size; cut += 3) {
		void *bytes = synth_btf_bytes(s, &size);
		void *part = malloc(cut ? cut : 1);

		memcpy(part, bytes, cut);
		assert_int_not_equal(parse_bytes(&p, part, cut), ERR_OK);
		done(&p);
		free(part);
	}
	synth_btf_destroy(s);
}

/* Anonymous records within one another, each twice: 2^60 ways, none of them long taken. */
static void test_visits_bounded(void **state)
{
	struct synth_btf *s = synth_btf_create();
	struct ktype_member m;
	struct parsed p;
	uint32_t id;

	(void)state;
	id = synth_btf_int(s, "int", 4, 0);
	for (int i = 0; i < 60; i++) {
		uint32_t inner = id;

		id = synth_btf_type(s, i == 59 ? "outer" : "", SYNTH_BTF_UNION, 2, 0, 4);
		synth_btf_member(s, "", inner, 0);
		synth_btf_member(s, "", inner, 0);
	}
	assert_int_equal(parse(&p, s), ERR_OK);
	assert_int_equal(btf_member(&p.b.t, "union outer", "x", &m), ERR_LIMIT);
	done(&p);
	synth_btf_destroy(s);
}

/* Before Linux 6.0 no enum says whether it is signed: a value may be negative. */
static void test_old_enums(void **state)
{
	struct synth_btf *s = synth_btf_create();
	struct parsed p;
	int64_t v = 0;

	(void)state;
	synth_btf_type(s, "e", SYNTH_BTF_ENUM, 1, 0, 4);
	synth_btf_enumerator(s, "MINUS", -1);
	assert_int_equal(parse(&p, s), ERR_OK);
	assert_int_equal(btf_enum(&p.b.t, NULL, "MINUS", &v), ERR_OK);
	assert_int_equal(v, -1);
	done(&p);
	synth_btf_type(s, "f", SYNTH_BTF_ENUM, 1, 1, 4);
	synth_btf_enumerator(s, "TRUE_MINUS", -1);
	assert_int_equal(parse(&p, s), ERR_OK);
	assert_int_equal(btf_enum(&p.b.t, NULL, "MINUS", &v), ERR_OK);
	assert_true(v == UINT32_MAX);
	done(&p);
	synth_btf_destroy(s);
}

static void put(unsigned char *to, uint64_t v, size_t size)
{
	memcpy(to, &v, size);
}

static void test_elf(void **state)
{
	unsigned char elf[64 + 3 * 64 + 16] = {0x7f, 'E', 'L', 'F', 2, 1, 1};
	unsigned char *sections = elf + 64, *names = elf + 64 + 3 * 64;
	size_t offset, size;
	struct err_ctx err = {0};

	(void)state;
	put(elf + 40, 64, 8);
	put(elf + 58, 64, 2);
	put(elf + 60, 3, 2);
	put(elf + 62, 2, 2);
	memcpy(names, "\0.BTF\0.text", 12);
	put(sections + 64, 1, 4);
	put(sections + 64 + 24, 8, 8);
	put(sections + 64 + 32, 99, 8);
	put(sections + 128, 6, 4);
	put(sections + 128 + 24, 64 + 3 * 64, 8);
	put(sections + 128 + 32, 12, 8);
	assert_int_equal(btf_locate(elf, sizeof(elf), &offset, &size, &err), ERR_OK);
	assert_int_equal(offset, 8);
	assert_int_equal(size, 99);
	put(sections + 64 + 32, 9999, 8);
	assert_int_equal(btf_locate(elf, sizeof(elf), &offset, &size, &err), ERR_CORRUPT);
	put(sections + 64, 6, 4);
	memset(&err, 0, sizeof(err));
	assert_int_equal(btf_locate(elf, sizeof(elf), &offset, &size, &err), ERR_ABSENT);
	assert_string_equal(err.text, "btf: this ELF file has no .BTF section");
	put(elf + 40, UINT64_MAX - 10, 8);
	assert_int_equal(btf_locate(elf, sizeof(elf), &offset, &size, NULL), ERR_CORRUPT);
	assert_int_equal(btf_locate(elf, 20, &offset, &size, NULL), ERR_CORRUPT);
	assert_int_equal(btf_locate("raw", 3, &offset, &size, NULL), ERR_OK);
	assert_int_equal(size, 3);
}

static void test_in_guest(void **state)
{
	struct synth_kernel without = {.no_btf = true}, with = {0};
	struct synth_btf *s = synth_btf_create();
	struct ktype_external x = {0};
	struct fixture f;
	uint64_t size;
	size_t whole;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &without, &f.at);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_OK);
	assert_int_equal(fixture_create(&f, NULL), ERR_ABSENT);
	assert_string_equal(f.err.text, "guest's kernel (Linux 6.1.0-synth) carries no BTF "
					"(CONFIG_DEBUG_INFO_BTF): give its BTF in a file");
	synth_btf_add_kernel(s);
	x.btf = synth_btf_bytes(s, &x.btf_size);
	whole = x.btf_size;
	x.btf_size /= 2;
	x.btf_name = "kernel.btf";
	memset(&f.err, 0, sizeof(f.err));
	assert_int_equal(fixture_create(&f, &x), ERR_CORRUPT);
	assert_string_equal(f.err.text, "kernel.btf: btf: sections reach out of the data");
	x.btf_size = whole;
	memset(&f.err, 0, sizeof(f.err));
	assert_int_equal(fixture_create(&f, &x), ERR_OK);
	assert_int_equal(ktype_sizeof(f.k, "struct list_head", &size), ERR_OK);
	assert_int_equal(size, 16);
	fixture_teardown(&f);
	fixture_setup(&f, &with);
	assert_int_equal(ktype_sizeof(f.k, "struct list_head", &size), ERR_OK);
	fixture_teardown(&f);
	synth_btf_destroy(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_members),	       cmocka_unit_test(test_sizes_and_enums),
		cmocka_unit_test(test_refused),	       cmocka_unit_test(test_headers),
		cmocka_unit_test(test_visits_bounded), cmocka_unit_test(test_old_enums),
		cmocka_unit_test(test_elf),	       cmocka_unit_test(test_in_guest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

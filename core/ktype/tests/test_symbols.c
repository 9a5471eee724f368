// SPDX-License-Identifier: MIT
/* kallsyms in every layout, honest and hostile; symbols from a text. */
#include "fixture.h"

#include <stdio.h>
#include <stdlib.h>

#include "kallsyms.h"

static char big_name[500];

static const struct synth_symbol more[] = {
	{big_name, 't', SYNTH_TEXT + 0x5000},
	{"alias_b", 'T', SYNTH_TEXT + 0x6000},
	{"alias_a", 'T', SYNTH_TEXT + 0x6000},
};

static void expect_symbol(const struct ktype *k, const char *name, uint64_t address)
{
	struct gva at = {0};

	assert_int_equal(ktype_symbol(k, name, &at), ERR_OK);
	assert_true(at.v == address);
}

static void expect_at(const struct ktype *k, uint64_t at, const char *name, uint64_t offset)
{
	char found[KTYPE_NAME_SIZE];
	uint64_t o;

	struct gva end;

	assert_int_equal(ktype_symbol_at(k, (struct gva){at}, found, &o), ERR_OK);
	/* it goes on up to another one's beginning, or the image's end */
	if (ktype_symbol_end(k, (struct gva){at}, &end) == ERR_OK) {
		char next[KTYPE_NAME_SIZE];
		uint64_t into;

		assert_true(end.v > at);
		if (ktype_symbol_at(k, end, next, &into) == ERR_OK)
			assert_int_equal(into, 0);
		end.v--;
		assert_int_equal(ktype_symbol_at(k, end, next, &into), ERR_OK);
		assert_string_equal(next, found);
	}
	assert_string_equal(found, name);
	assert_true(o == offset);
}

/* All of them, one after the other: as many as there are, ascending behind the absolute ones. */
static void expect_all(const struct ktype *k, uint64_t alias)
{
	struct ktype_nth s, before = {0};
	uint32_t i = 0;
	bool seen = false;

	for (; ktype_symbol_nth(k, i, &s) == ERR_OK; before = s, i++) {
		if (i)
			assert_true(s.value >= before.value);
		if (!strcmp(s.name, "alias_a")) {
			seen = true;
			assert_string_equal(before.name, "alias_b");
			assert_true(s.value == alias && before.value == alias);
			assert_int_equal(s.type, 'T');
		}
	}
	assert_true(seen && i > 10);
	assert_int_equal(ktype_symbol_nth(k, i, &s), ERR_ABSENT);
	assert_int_equal(ktype_symbol_nth(k, UINT32_MAX, &s), ERR_ABSENT);
}

static void test_layouts(void **state)
{
	const uint64_t kaslr = 9 * SYNTH_2M;

	(void)state;
	memset(big_name, 'x', sizeof(big_name) - 1);
	for (enum synth_kallsyms layout = 0; layout < SYNTH_KALLSYMS_LAYOUTS; layout++) {
		struct synth_kernel k = {
			.kaslr = kaslr, .layout = layout, .symbols = more, .symbol_count = 3};
		struct fixture f;
		char name[KTYPE_NAME_SIZE];
		uint64_t offset;
		struct gva at;

		/* Before 6.1 names had a byte of length: the long one can't be there. */
		if (layout == SYNTH_KALLSYMS_4_20) {
			k.symbols = more + 1;
			k.symbol_count = 2;
		}
		fixture_setup(&f, &k);
		expect_symbol(f.k, "_stext", SYNTH_TEXT + kaslr);
		expect_symbol(f.k, "init_task", SYNTH_TEXT + kaslr + 0x30000);
		expect_symbol(f.k, "same_name", SYNTH_TEXT + kaslr + 0x3000);
		expect_symbol(f.k, "alias_a", SYNTH_TEXT + kaslr + 0x6000);
		expect_symbol(f.k, "__start_BTF", f.at.btf);
		expect_all(f.k, SYNTH_TEXT + kaslr + 0x6000);
		expect_symbol(f.k, "current_task",
			      layout == SYNTH_KALLSYMS_6_15 || layout == SYNTH_KALLSYMS_7_0 ||
					      layout == SYNTH_KALLSYMS_WHOLE
				      ? SYNTH_TEXT + 0x100000 + 0x1fbc0 + kaslr
				      : 0x1fbc0);
		if (layout != SYNTH_KALLSYMS_4_20)
			expect_symbol(f.k, big_name, SYNTH_TEXT + kaslr + 0x5000);
		assert_int_equal(ktype_symbol(f.k, "init_tas", &at), ERR_ABSENT);
		assert_int_equal(ktype_symbol(f.k, "init_task1", &at), ERR_ABSENT);
		assert_int_equal(ktype_symbol(f.k, "", &at), ERR_ABSENT);
		expect_at(f.k, SYNTH_TEXT + kaslr + 0x2345, "schedule", 5);
		expect_at(f.k, SYNTH_TEXT + kaslr, "_stext", 0); /* first of three */
		expect_at(f.k, SYNTH_TEXT + kaslr + 0x6007, "alias_b", 7); /* first as listed */
		assert_int_equal(ktype_symbol_at(f.k, (struct gva){SYNTH_TEXT + kaslr - 1}, name,
						 &offset),
				 ERR_ABSENT);
		assert_int_equal(ktype_symbol_at(f.k, (struct gva){SYNTH_TEXT + kaslr + (4 << 20)},
						 name, &offset),
				 ERR_ABSENT);
		assert_int_equal(ktype_symbol_at(f.k, (struct gva){0x1fbc0}, name, &offset),
				 ERR_ABSENT);
		fixture_teardown(&f);
	}
}

/* Enough names for several markers, both counts of them, and all lengths of padding. */
static void test_many(void **state)
{
	(void)state;
	for (size_t count = 700; count < 1100; count += 129) {
		struct synth_symbol *symbols = calloc(count, sizeof(*symbols));
		char(*names)[24] = calloc(count, sizeof(*names));

		for (enum synth_kallsyms layout = 0; layout < SYNTH_KALLSYMS_LAYOUTS; layout++) {
			struct synth_kernel k = {.layout = layout, .symbols = symbols,
						 .symbol_count = count};
			struct fixture f;

			for (size_t i = 0; i < count; i++) {
				snprintf(names[i], sizeof(names[i]), "symbol_%zu_%zx", i * 7, i);
				symbols[i] = (struct synth_symbol){names[i], 'd',
								   SYNTH_TEXT + 0x110000 + i * 8};
			}
			fixture_setup(&f, &k);
			for (size_t i = 0; i < count; i++)
				expect_symbol(f.k, names[i], SYNTH_TEXT + 0x110000 + i * 8);
			fixture_teardown(&f);
		}
		free(names);
		free(symbols);
	}
}

static void expect_spoilt(const struct synth_kernel *k, uint64_t at, const void *bytes, size_t size,
			  enum err code, const char *message)
{
	uint64_t start = SYNTH_TEXT + k->kaslr;
	struct fixture f;
	char text[256];

	fixture_memory(&f, 4);
	synth_kernel_add(f.s, k, &f.at);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_OK);
	memcpy(synth_phys(f.s, f.at.image + (at - start), size), bytes, size);
	assert_int_equal(fixture_create(&f, NULL), code);
	snprintf(text, sizeof(text), "%s%s", message, code ? "; give the guest's System.map in a file" : "");
	assert_string_equal(f.err.text, text);
	fixture_teardown(&f);
}

static void test_hostile_tables(void **state)
{
	struct synth_kernel k = {.layout = SYNTH_KALLSYMS_6_4};
	struct synth_kernel_places at;
	static const uint32_t none = 0, huge = UINT32_MAX, one_less = 14;
	static const uint8_t long_length[] = {0xff, 0xff}, zero[1];
	static uint8_t spaces[64];
	uint16_t index = 0xffff;
	struct fixture f;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &at);
	fixture_teardown(&f);
	memset(spaces, ' ', sizeof(spaces));
	expect_spoilt(&k, at.num_syms, &none, 4, ERR_CORRUPT, "kallsyms: 0 symbols can't be");
	expect_spoilt(&k, at.num_syms, &huge, 4, ERR_CORRUPT,
		      "kallsyms: 4294967295 symbols can't be");
	expect_spoilt(&k, at.num_syms, &one_less, 4, ERR_OK, "");
	expect_spoilt(&k, at.names, long_length, 2, ERR_CORRUPT,
		      "kallsyms: name 0 is too long");
	expect_spoilt(&k, at.names, zero, 1, ERR_CORRUPT, "kallsyms: name 0 is cut off");
	expect_spoilt(&k, at.token_table, spaces, sizeof(spaces), ERR_CORRUPT,
		      "kallsyms: malformed token table");
	expect_spoilt(&k, at.token_index + 100, &index, 2, ERR_CORRUPT,
		      "kallsyms: malformed token table");
	expect_spoilt(&k, at.token_index + 510, &index, 2, ERR_CORRUPT,
		      "kallsyms: token table is too long");
	expect_spoilt(&k, at.relative_base, &none, 4, ERR_CORRUPT,
		      "kallsyms: no known layout gives the addresses that vmcoreinfo names");
	/* The last one before the first: out of order. */
	expect_spoilt(&k, at.offsets + 4 * 13, &huge, 4, ERR_CORRUPT,
		      "kallsyms: symbol 13 is out of order");
}

static void test_no_kallsyms(void **state)
{
	struct synth_kernel k = {.layout = SYNTH_KALLSYMS_4_20};
	struct fixture f;
	uint16_t spoilt = 3;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_OK);
	memcpy(synth_phys(f.s, f.at.image + (f.at.token_index - SYNTH_TEXT) + 256, 2), &spoilt, 2);
	assert_int_equal(fixture_create(&f, NULL), ERR_ABSENT);
	assert_string_equal(f.err.text, "no kallsyms in this kernel (CONFIG_KALLSYMS): give its "
					"symbols, e.g. its System.map");
	fixture_teardown(&f);
}

static enum err from_text(struct fixture *f, const char *text)
{
	struct ktype_external x = {
		.symbols = text, .symbols_size = strlen(text), .symbols_name = "System.map"};

	ktype_destroy(f->k);
	f->k = NULL;
	memset(&f->err, 0, sizeof(f->err));
	return fixture_create(f, &x);
}

static void test_text(void **state)
{
	struct synth_kernel k = {.kaslr = SYNTH_2M};
	char btf[200], text[1000];
	struct fixture f;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_OK);
	/* As System.map has it, unordered. */
	snprintf(btf, sizeof(btf), "%llx R __start_BTF\n%llx R __stop_BTF\n",
		 (unsigned long long)(f.at.btf - k.kaslr),
		 (unsigned long long)(f.at.btf - k.kaslr + f.at.btf_size));
	snprintf(text, sizeof(text),
		 "ffffffff81007000 t late\n0000000000001000 A a_percpu\n%s"
		 "ffffffff81000000 T _stext\nffffffff81000000 T second",
		 btf);
	assert_int_equal(from_text(&f, text), ERR_OK);
	expect_symbol(f.k, "late", SYNTH_TEXT + SYNTH_2M + 0x7000);
	expect_symbol(f.k, "a_percpu", 0x1000);
	assert_int_equal(ktype_symbol_nth(f.k, 0, &(struct ktype_nth){0}), ERR_UNSUPPORTED);
	expect_at(f.k, SYNTH_TEXT + SYNTH_2M + 3, "_stext", 3);
	/* As /proc/kallsyms has it: slid, with modules, whose symbols don't count. */
	snprintf(text, sizeof(text),
		 "ffffffff81200000 T _stext\n%llx R __start_BTF\n%llx R __stop_BTF\n"
		 "ffffffffc0000000 t in_module\t[e1000]\n",
		 (unsigned long long)f.at.btf, (unsigned long long)(f.at.btf + f.at.btf_size));
	assert_int_equal(from_text(&f, text), ERR_OK);
	expect_symbol(f.k, "_stext", SYNTH_TEXT + SYNTH_2M);
	assert_int_equal(ktype_symbol(f.k, "in_module", &(struct gva){0}), ERR_ABSENT);

	assert_int_equal(from_text(&f, "ffffffff81001000 T _stext\n"), ERR_CORRUPT);
	assert_string_equal(f.err.text, "System.map: symbols: not those of the guest's kernel (6.1.0-synth): "
					"_stext differs");
	assert_int_equal(from_text(&f, "0000000000000000 T _stext\n"), ERR_CORRUPT);
	assert_int_equal(from_text(&f, ""), ERR_CORRUPT);
	assert_int_equal(from_text(&f, "ffffffff81000000 T _stext\nwhat is this\n"), ERR_CORRUPT);
	assert_string_equal(f.err.text, "System.map: symbols: line 2 isn't \"address type name\"");
	assert_int_equal(from_text(&f, "ffffffff81000000 T _stext\nfff0000000000000 T far\n"),
			 ERR_CORRUPT);
	assert_int_equal(from_text(&f, "ffffffff81000000 T _stext\n"), ERR_ABSENT); /* no BTF */
	fixture_teardown(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layouts),	    cmocka_unit_test(test_many),
		cmocka_unit_test(test_hostile_tables), cmocka_unit_test(test_no_kallsyms),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

// SPDX-License-Identifier: MIT
/* Profiles: what was saved is what is loaded, and damage is noticed. */
#include "fixture.h"

#include <stdlib.h>

struct saved {
	struct fixture f;
	unsigned char *bytes;
	size_t size;
};

static void setup(struct saved *s, const struct synth_kernel *k)
{
	void *bytes;

	fixture_setup(&s->f, k);
	assert_int_equal(ktype_save(s->f.k, &s->f.alloc, &bytes, &s->size), ERR_OK);
	s->bytes = bytes;
}

static void teardown(struct saved *s)
{
	base_free(&s->f.alloc, s->bytes);
	fixture_teardown(&s->f);
}

static enum err load(struct saved *s, const struct ktype_boot *boot, struct ktype **ret)
{
	memset(&s->f.err, 0, sizeof(s->f.err));
	return ktype_load(&s->f.alloc, s->bytes, s->size, boot, ret, &s->f.err);
}

static void test_same(void **state)
{
	struct synth_kernel k = {.kaslr = 3 * SYNTH_2M, .build_id = BUILD_ID};
	struct ktype_boot other_boot;
	struct ktype_member m;
	char name[KTYPE_NAME_SIZE];
	uint64_t offset, size = 0;
	struct ktype *loaded;
	struct saved s;
	struct gva at;
	int64_t v = 0;

	(void)state;
	setup(&s, &k);
	other_boot = s.f.boot;
	other_boot.kaslr = 7 * SYNTH_2M;
	assert_int_equal(load(&s, &other_boot, &loaded), ERR_OK);
	for (size_t i = 0; i < synth_symbol_count; i++) {
		uint64_t address = synth_symbols[i].address;

		if (!strcmp(synth_symbols[i].name, "same_name"))
			address = SYNTH_TEXT + 0x3000;
		assert_int_equal(ktype_symbol(loaded, synth_symbols[i].name, &at), ERR_OK);
		assert_true(at.v == address + (address > UINT32_MAX ? 7 * SYNTH_2M : 0));
	}
	assert_int_equal(ktype_symbol_at(loaded, (struct gva){SYNTH_TEXT + 7 * SYNTH_2M + 0x2341},
					 name, &offset),
			 ERR_OK);
	assert_string_equal(name, "schedule");
	assert_int_equal(offset, 1);
	assert_int_equal(ktype_member(loaded, "struct task_struct", "four", &m), ERR_OK);
	assert_int_equal(m.bit_offset, 260);
	assert_int_equal(ktype_sizeof(loaded, "pid_t", &size), ERR_OK);
	assert_int_equal(size, 4);
	assert_int_equal(ktype_enum(loaded, NULL, "PIDTYPE_BAD", &v), ERR_OK);
	assert_int_equal(v, -2);
	assert_true(ktype_boot(loaded)->kaslr == 7 * SYNTH_2M);
	ktype_destroy(loaded);
	teardown(&s);
}

static void test_every_damage_noticed(void **state)
{
	struct synth_kernel k = {0};
	struct ktype *loaded;
	struct saved s;

	(void)state;
	setup(&s, &k);
	for (size_t i = 0; i < s.size; i += 5) {
		s.bytes[i] ^= 0x40;
		assert_int_equal(load(&s, &s.f.boot, &loaded), ERR_CORRUPT);
		s.bytes[i] ^= 0x40;
	}
	for (size_t cut = 0; cut < s.size; cut += 997) {
		assert_int_equal(ktype_load(&s.f.alloc, s.bytes, cut, &s.f.boot, &loaded, NULL),
				 ERR_CORRUPT);
	}
	assert_int_equal(load(&s, &s.f.boot, &loaded), ERR_OK);
	ktype_destroy(loaded);
	teardown(&s);
}

static void test_foreign(void **state)
{
	struct synth_kernel k = {.build_id = BUILD_ID};
	struct ktype_boot boot;
	struct ktype *loaded;
	struct saved s;

	(void)state;
	setup(&s, &k);
	boot = s.f.boot;
	boot.build_id[3] ^= 1;
	assert_int_equal(load(&s, &boot, &loaded), ERR_CORRUPT);
	assert_string_equal(s.f.err.text,
			    "profile: of another kernel than the guest's (6.1.0-synth)");
	boot = s.f.boot;
	boot.osrelease[0] = '7';
	assert_int_equal(load(&s, &boot, &loaded), ERR_CORRUPT);
	assert_int_equal(ktype_load(&s.f.alloc, s.bytes + 1, s.size - 1, &s.f.boot, &loaded, NULL),
			 ERR_CORRUPT);
	teardown(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_every_damage_noticed),
		cmocka_unit_test(test_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

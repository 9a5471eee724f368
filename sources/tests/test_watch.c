// SPDX-License-Identifier: MIT
/* What a restart overwrites, one thing at a time, must be noticed; what a running kernel changes must not. */
#include "fixture.h"

#define DIRECT_MAP 0xffff9a4000000000u
#define CLOCK	   0x0004b15bu

enum {
	TABLE = 3,		/* flags of Linux's tables: present, writable */
	VOLATILE = 1 << 5 | 1 << 6, /* accessed, dirty */
	READ_ONLY_HUGE = 1 | 1 << 7,
};

struct watched {
	struct fixture f;
	struct source *s;
	struct ktype_boot boot;
	int fd;
};

static void begin(struct watched *w, bool firmware)
{
	const uint64_t size = 64 * MIB, flags = SYNTH_PTE_PRESENT | SYNTH_PTE_WRITE;
	const uint16_t extension = 0x9fc0, low_memory = 639;
	const uint32_t clock = CLOCK;
	struct err_ctx err = {0};
	char path[64];

	fixture_init(&w->f, size, size, 32 * MIB);
	for (uint64_t at = 0; at < size; at += SYNTH_2M)
		synth_map(w->f.synth, synth_top(w->f.synth), DIRECT_MAP + at, at, SYNTH_2M, flags);
	w->fd = fixture_memfd(&w->f, false, path);
	if (firmware) {
		assert_int_equal(pwrite(w->fd, &extension, 2, 0x40e), 2);
		assert_int_equal(pwrite(w->fd, &low_memory, 2, 0x413), 2);
		assert_int_equal(pwrite(w->fd, &clock, 4, 0x46c), 4);
	}
	if (source_open_file(path, &w->s, &err) || source_place(w->s, &w->boot, &err) ||
	    source_watch(w->s, 0, &w->boot, &err))
		fail_msg("%s", err.text);
}

static void end(struct watched *w)
{
	source_close(w->s);
	close(w->fd);
	fixture_deinit(&w->f);
}

static bool restarted(struct watched *w)
{
	struct guest_phys *phys = source_phys(w->s);
	struct err_ctx err = {0};
	enum err e = source_alive(w->s, &err);

	assert_int_equal(phys->ops->verify(phys, NULL), e);
	if (!e)
		return false;
	assert_int_equal(e, ERR_GONE);
	assert_non_null(strstr(err.text, "restarted"));
	return true;
}

/* With `value` at `gpa` for as long as that: is it taken for a restart? */
static bool restarted_with(struct watched *w, uint64_t gpa, const void *value, size_t size)
{
	char before[64];
	bool is;

	assert_int_equal(pread(w->fd, before, size, (off_t)gpa), size);
	assert_int_equal(pwrite(w->fd, value, size, (off_t)gpa), size);
	is = restarted(w);
	assert_int_equal(pwrite(w->fd, before, size, (off_t)gpa), size);
	assert_false(restarted(w));
	return is;
}

static uint64_t entry_at(struct watched *w, uint64_t va, unsigned int level, uint64_t *value_ret)
{
	uint64_t table = synth_top(w->f.synth);

	for (unsigned int l = 4; l > level; l--)
		table = *synth_entry(w->f.synth, synth_top(w->f.synth), va, l) & 0xffffffffff000;
	*value_ret = *synth_entry(w->f.synth, synth_top(w->f.synth), va, level);
	return table + (va >> (level * 9 + 3) & 511) * 8;
}

static void test_firmware(void **state)
{
	const struct {
		uint16_t at, size;
		bool tells;
	} cases[] = {
		{0x40e, 2, true}, {0x413, 2, true}, {0x46c, 4, true},
		/* a warm start's vector and mark, and what a video BIOS keeps, are Linux's to write */
		{0x467, 4, false}, {0x472, 2, false}, {0x410, 2, false}, {0x449, 8, false},
	};
	const uint32_t later = CLOCK + 1;
	const uint64_t zeros = 0, ones = ~(uint64_t)0;
	struct watched w;

	(void)state;
	begin(&w, true);
	assert_int_equal(w.boot.firmware_clock, CLOCK);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(restarted_with(&w, cases[i].at, &ones, cases[i].size),
				 cases[i].tells);
		assert_true(!restarted_with(&w, cases[i].at, &zeros, cases[i].size) ==
			    !cases[i].tells);
	}
	assert_true(restarted_with(&w, 0x46c, &later, sizeof(later)));
	end(&w);
}

static void test_tables(void **state)
{
	const uint64_t garbage[] = {0, ~(uint64_t)0, 0x6c656e72654b2067, 0x1f8b0800 << 1 | 1};
	struct watched w;

	(void)state;
	begin(&w, false);
	for (size_t i = 0; i < sizeof(garbage) / sizeof(garbage[0]); i++) {
		for (unsigned int level = 2; level <= 4; level++) {
			uint64_t value, image = entry_at(&w, w.boot.at.stext, level, &value);

			assert_true(restarted_with(&w, image, &garbage[i], 8));
			/* the entries of each half and quarter of memory */
			for (uint64_t at = 8 * MIB; at < 64 * MIB; at += 16 * MIB)
				assert_true(restarted_with(
					&w, entry_at(&w, DIRECT_MAP + at, level, &value), &garbage[i],
					8));
		}
	}
	end(&w);
}

/* What a kernel does to its tables while it runs. */
static void test_splits(void **state)
{
	uint64_t at, value, other;
	struct watched w;

	(void)state;
	begin(&w, false);
	for (unsigned int level = 2; level <= 4; level++) {
		at = entry_at(&w, DIRECT_MAP + 8 * MIB, level, &value);
		other = value ^ VOLATILE;
		assert_false(restarted_with(&w, at, &other, 8));
	}
	at = entry_at(&w, DIRECT_MAP + 8 * MIB, 2, &value);
	other = 50 * MIB | TABLE | VOLATILE;
	assert_false(restarted_with(&w, at, &other, 8));
	other = 8 * MIB | READ_ONLY_HUGE;
	assert_false(restarted_with(&w, at, &other, 8));
	/* but not to where it doesn't belong */
	other = 10 * MIB | READ_ONLY_HUGE;
	assert_true(restarted_with(&w, at, &other, 8));
	/* a new kernel's image elsewhere */
	at = entry_at(&w, w.boot.at.stext, 2, &value);
	other = value + 2 * MIB;
	assert_true(restarted_with(&w, at, &other, 8));
	end(&w);
}

static void test_image(void **state)
{
	const uint64_t zeros = 0;
	struct watched w;
	uint64_t uts;

	(void)state;
	begin(&w, false);
	assert_true(restarted_with(&w, w.f.places.vmcoreinfo + 16, &zeros, 8));
	/* the kernel's version in its struct new_utsname; a host's name may change */
	uts = w.f.places.image + w.boot.at.uts_name - SYNTH_TEXT;
	assert_true(restarted_with(&w, (uts + 195) & ~7ull, "overwrit", 8));
	assert_false(restarted_with(&w, uts + 65, "another", 8));
	if (w.boot.trampoline.v)
		assert_true(restarted_with(&w, w.boot.trampoline.v + 4096 - 8, &zeros, 8));
	end(&w);
}

/* The clock is part of what is remembered of a boot. */
static void test_left_behind(void **state)
{
	const uint32_t later = CLOCK + 1;
	struct ktype_boot found;
	struct watched w;

	(void)state;
	begin(&w, true);
	assert_int_equal(ktype_boot_check(source_phys(w.s), &w.boot, &found, NULL), ERR_OK);
	assert_false(ktype_boot_left_behind(&w.boot, &found));
	assert_int_equal(pwrite(w.fd, &later, 4, 0x46c), 4);
	assert_int_equal(ktype_boot_check(source_phys(w.s), &w.boot, &found, NULL), ERR_TORN);
	assert_int_equal(ktype_boot_find(source_phys(w.s), (struct gpa){0}, &found, NULL), ERR_OK);
	assert_true(ktype_boot_left_behind(&w.boot, &found));
	found.kaslr += 2 * MIB;
	assert_false(ktype_boot_left_behind(&w.boot, &found));
	/* a kernel without KASLR is always there */
	found = w.boot;
	found.firmware_clock++;
	found.kaslr = 0;
	found.phys_base = 0;
	w.boot.kaslr = 0;
	w.boot.phys_base = 0;
	assert_false(ktype_boot_left_behind(&w.boot, &found));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_firmware),
		cmocka_unit_test(test_tables),
		cmocka_unit_test(test_splits),
		cmocka_unit_test(test_image),
		cmocka_unit_test(test_left_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

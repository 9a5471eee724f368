// SPDX-License-Identifier: MIT
/* Finding and reading VMCOREINFO. */
#include "fixture.h"

#include <stdio.h>

#include "vmcoreinfo.h"

static void test_found_everywhere(void **state)
{
	(void)state;
	for (unsigned int levels = 4; levels <= 5; levels++)
		for (unsigned int flags = 0; flags < 4; flags++) {
			struct synth_kernel k = {.kaslr = 6 * SYNTH_2M, .build_id = BUILD_ID,
						 .layout = SYNTH_KALLSYMS_6_0};
			struct fixture f;

			fixture_memory(&f, levels);
			synth_kernel_add(f.s, &k, &f.at);
			assert_int_equal(fixture_find(&f, flags), ERR_OK);
			assert_string_equal(f.boot.osrelease, "6.1.0-synth");
			assert_true(f.boot.vmcoreinfo.v == f.at.vmcoreinfo);
			assert_true(f.boot.kaslr == 6 * SYNTH_2M);
			assert_true(f.boot.has_build_id);
			assert_int_equal(f.boot.build_id[1], 0x11);
			assert_int_equal(f.boot.build_id[19], 0x67);
			assert_int_equal(f.boot.paging.levels, levels);
			assert_true(f.boot.paging.kernel_top.v == synth_top(f.s));
			assert_true(f.boot.at.kallsyms_names == f.at.names);
			fixture_teardown(&f);
		}
}

static void test_nothing_there(void **state)
{
	struct fixture f;

	(void)state;
	fixture_memory(&f, 4);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_NOTREADY);
	assert_string_equal(f.err.text, "no Linux found in the guest's memory: it may still be "
					"booting, or run another system");
	/* A page that only looks like it, as the kernel's own format string does. */
	memcpy(synth_phys(f.s, 5 * SYNTH_2M, 64), "OSRELEASE=%s\nKERNELOFFSET=", 27);
	memset(&f.err, 0, sizeof(f.err));
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_NOTREADY);
	assert_string_equal(f.err.text, "no running Linux in the guest's memory, only traces of "
					"one: it may still be booting or have stopped");
	synth_set_gone(f.s, true);
	memset(&f.err, 0, sizeof(f.err));
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_GONE);
	fixture_teardown(&f);
}

/* What is there is a copy without the tables it speaks of. */
static void test_stale_copy(void **state)
{
	struct synth_kernel k = {.kaslr = SYNTH_2M, .layout = SYNTH_KALLSYMS_6_0};
	struct fixture f;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	memset(synth_phys(f.s, f.at.image, SYNTH_2M), 0, SYNTH_2M);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_NOTREADY);
	fixture_teardown(&f);
}

/* A reboot left a whole kernel behind, page tables and all: the trampoline tells them apart. */
static void test_reboot(void **state)
{
	(void)state;
	for (int older_first = 0; older_first < 2; older_first++)
		for (int hint_stale = 0; hint_stale < 2; hint_stale++) {
			struct synth_kernel older = {.kaslr = SYNTH_2M, .release = "6.1.0-older",
						     .no_trampoline = true};
			struct synth_kernel newer = {.kaslr = 4 * SYNTH_2M, .release = "6.1.0-newer"};
			struct synth_kernel_places old_at, new_at;
			struct ktype_boot boot;
			struct fixture f;

			fixture_memory(&f, 4);
			synth_kernel_add(f.s, older_first ? &older : &newer,
					 older_first ? &old_at : &new_at);
			synth_kernel_add(f.s, older_first ? &newer : &older,
					 older_first ? &new_at : &old_at);
			assert_int_equal(ktype_boot_find(synth_source(f.s, SYNTH_MAP),
							 (struct gpa){hint_stale ? old_at.vmcoreinfo
										 : 0},
							 &boot, NULL),
					 ERR_OK);
			assert_string_equal(boot.osrelease, "6.1.0-newer");
			fixture_teardown(&f);
		}
}

/* Without trampoline evidence the one candidate is taken all the same. */
static void test_no_trampoline(void **state)
{
	struct synth_kernel k = {.no_trampoline = true};
	struct fixture f;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	assert_int_equal(fixture_find(&f, SYNTH_MAP), ERR_OK);
	fixture_teardown(&f);
}

static void test_hint(void **state)
{
	struct synth_kernel k = {0};
	struct guest_phys *phys;
	struct ktype_boot boot;
	struct fixture f;
	uint64_t reads;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	phys = synth_source(f.s, 0);
	assert_int_equal(ktype_boot_find(phys, (struct gpa){f.at.vmcoreinfo}, &boot, NULL), ERR_OK);
	reads = phys->stats.reads;
	assert_true(reads < 300); /* the page, a walk or two, the first MiB's trampoline */
	/* A wrong hint costs a search. */
	assert_int_equal(ktype_boot_find(phys, (struct gpa){5 * SYNTH_2M}, &boot, NULL), ERR_OK);
	assert_true(boot.vmcoreinfo.v == f.at.vmcoreinfo);
	fixture_teardown(&f);
}

/* What was found is found again by looking at its own pages, and not when it changed. */
static void test_check(void **state)
{
	struct synth_kernel k = {.kaslr = 2 * SYNTH_2M};
	struct ktype_boot known, boot;
	struct guest_phys *phys;
	struct fixture f;
	uint64_t *entry;

	(void)state;
	fixture_memory(&f, 4);
	synth_kernel_add(f.s, &k, &f.at);
	phys = synth_source(f.s, 0);
	assert_int_equal(ktype_boot_find(phys, (struct gpa){f.at.vmcoreinfo}, &known, NULL), ERR_OK);
	assert_true(known.trampoline.v);
	memset(&known.at, 0, sizeof(known.at));
	phys->stats.reads = 0;
	assert_int_equal(ktype_boot_check(phys, &known, &boot, NULL), ERR_OK);
	assert_true(phys->stats.reads < 20);
	assert_true(boot.at.stext && boot.at.uts_name);
	assert_true(boot.trampoline.v == known.trampoline.v);

	/* another kernel booted: this one's memory is as it was but for the trampoline */
	entry = synth_phys(f.s, known.trampoline.v + GUEST_PAGE_SIZE - sizeof(*entry),
			   sizeof(*entry));
	*entry += GUEST_PAGE_SIZE;
	assert_int_equal(ktype_boot_check(phys, &known, &boot, &f.err), ERR_TORN);
	*entry -= GUEST_PAGE_SIZE;
	*entry ^= 0x20; /* "accessed", which the CPU sets by itself */
	assert_int_equal(ktype_boot_check(phys, &known, &boot, NULL), ERR_OK);

	known.phys_base++;
	assert_int_equal(ktype_boot_check(phys, &known, &boot, NULL), ERR_TORN);
	known.phys_base--;
	*(char *)synth_phys(f.s, f.at.vmcoreinfo, 1) = 'X';
	assert_int_equal(ktype_boot_check(phys, &known, &boot, NULL), ERR_TORN);
	known.vmcoreinfo.v = (uint64_t)1 << 50;
	assert_int_equal(ktype_boot_check(phys, &known, &boot, NULL), ERR_TORN);
	fixture_teardown(&f);
}

static enum err senseless(struct guest_phys *p, struct gpa from, uint64_t max,
			  struct guest_phys_range *ret)
{
	(void)p;
	(void)from;
	(void)max;
	*ret = (struct guest_phys_range){{0}, GUEST_PAGE_SIZE};
	return ERR_OK;
}

static void test_senseless_source(void **state)
{
	struct fixture f;
	struct guest_phys_ops ops;
	struct guest_phys phys;

	(void)state;
	fixture_memory(&f, 4);
	ops = *synth_source(f.s, 0)->ops;
	ops.next_range = senseless;
	ops.name = "broken";
	phys = (struct guest_phys){.ops = &ops};
	assert_int_equal(ktype_boot_find(&phys, (struct gpa){0}, &f.boot, &f.err), ERR_INVAL);
	assert_string_equal(f.err.text, "source \"broken\" gave a senseless range");
	fixture_teardown(&f);
}

#define GOOD                                                                                       \
	"OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffff81000000\n"                        \
	"SYMBOL(init_uts_ns)=ffffffff82000000\nSYMBOL(swapper_pg_dir)=ffffffff82100000\n"

static void test_parse(void **state)
{
	static const struct {
		const char *text;
		enum err code;
		const char *message;
	} cases[] = {
		{GOOD "NUMBER(phys_base)=-16\nKERNELOFFSET=0\n", ERR_OK, ""},
		{GOOD "NUMBER(phys_base)=0\nKERNELOFFSET=0\nCRASHTIME=1700000000\nKERNELOFF", ERR_OK,
		 ""},
		{"", ERR_CORRUPT, "vmcoreinfo: incomplete"},
		{"OSRELEASE=%s\n", ERR_CORRUPT, "vmcoreinfo: bad OSRELEASE"},
		{"OSRELEASE=\n", ERR_CORRUPT, "vmcoreinfo: bad OSRELEASE"},
		{"OSRELEASE=0123456789012345678901234567890123456789012345678901234567890123456\n",
		 ERR_CORRUPT, "vmcoreinfo: bad OSRELEASE"},
		{"OSRELEASE=6.1\nPAGESIZE=4096\nSYMBOL(_stext)=c1000000\n", ERR_UNSUPPORTED,
		 "guest runs a 32-bit kernel (Linux 6.1)"},
		{"OSRELEASE=6.1\nPAGESIZE=65536\nSYMBOL(_stext)=ffff800008010000\n", ERR_UNSUPPORTED,
		 "guest's kernel is not for x86-64 (Linux 6.1)"},
		{GOOD "KERNELOFFSET=0\n", ERR_UNSUPPORTED,
		 "guest's kernel is not for x86-64 (Linux 6.1.0)"},
		{GOOD "NUMBER(phys_base)=1\nKERNELOFFSET=xyz\n", ERR_CORRUPT,
		 "vmcoreinfo: bad KERNELOFFSET"},
		{GOOD "NUMBER(phys_base)=1\nKERNELOFFSET=fffffffffffffffff\n", ERR_CORRUPT,
		 "vmcoreinfo: bad KERNELOFFSET"},
		{GOOD "NUMBER(phys_base)=1\nKERNELOFFSET=ffffffffffffffff\n", ERR_CORRUPT,
		 "vmcoreinfo: addresses out of range"},
		{GOOD "NUMBER(phys_base)=9223372036854775807\nOFFSET(uts_namespace.name)=-5\n",
		 ERR_CORRUPT, "vmcoreinfo: bad uts_namespace.name"},
		{GOOD "NUMBER(phys_base)=9223372036854775808\n", ERR_UNSUPPORTED,
		 "guest's kernel is not for x86-64 (Linux 6.1.0)"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ktype_boot b;
		struct err_ctx err = {0};

		assert_int_equal(vmcoreinfo_parse(cases[i].text, strlen(cases[i].text), &b, &err),
				 cases[i].code);
		assert_string_equal(err.text, cases[i].message);
	}
}

/* Without a build id: the same for each boot, another for another kernel. */
static void test_fingerprint(void **state)
{
	static const char one[] = GOOD "NUMBER(phys_base)=1\nKERNELOFFSET=0\nSIZE(page)=64\n";
	static const char slid[] =
		"OSRELEASE=6.1.0\nPAGESIZE=4096\nSYMBOL(_stext)=ffffffff83000000\n"
		"SYMBOL(init_uts_ns)=ffffffff84000000\nSYMBOL(swapper_pg_dir)=ffffffff84100000\n"
		"NUMBER(phys_base)=77\nKERNELOFFSET=2000000\nSIZE(page)=64\n";
	static const char other[] = GOOD "NUMBER(phys_base)=1\nKERNELOFFSET=0\nSIZE(page)=56\n";
	struct ktype_boot a, b, c;

	(void)state;
	assert_int_equal(vmcoreinfo_parse(one, sizeof(one), &a, NULL), ERR_OK);
	assert_int_equal(vmcoreinfo_parse(slid, sizeof(slid), &b, NULL), ERR_OK);
	assert_int_equal(vmcoreinfo_parse(other, sizeof(other), &c, NULL), ERR_OK);
	assert_false(a.has_build_id);
	assert_memory_equal(a.build_id, b.build_id, sizeof(a.build_id));
	assert_memory_not_equal(a.build_id, c.build_id, sizeof(a.build_id));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found_everywhere), cmocka_unit_test(test_nothing_there),
		cmocka_unit_test(test_stale_copy),	 cmocka_unit_test(test_reboot),
		cmocka_unit_test(test_no_trampoline),	 cmocka_unit_test(test_hint),
		cmocka_unit_test(test_check),		 cmocka_unit_test(test_senseless_source),
		cmocka_unit_test(test_parse),		 cmocka_unit_test(test_fingerprint),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

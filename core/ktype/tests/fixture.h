/* SPDX-License-Identifier: MIT */
/* A synthetic guest with a kernel, found and opened, for the tests of this part. */
#ifndef SCW_KTYPE_TESTS_FIXTURE_H
#define SCW_KTYPE_TESTS_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "ktype/ktype.h"
#include "synth/kernel.h"

#define BUILD_ID "00112233445566778899aabbccddeeff01234567"

struct fixture {
	struct synth *s;
	struct synth_kernel_places at;
	struct base_alloc alloc;
	struct ktype_boot boot;
	struct guest_pages *pages;
	struct ktype *k;
	struct err_ctx err;
};

static inline void fixture_memory(struct fixture *f, unsigned int levels)
{
	memset(f, 0, sizeof(*f));
	f->s = synth_create(levels);
	synth_add_memory(f->s, 0, 0xa0000);
	synth_add_memory(f->s, 4 * SYNTH_2M, 8 * SYNTH_2M);
	base_alloc_init(&f->alloc, 64 << 20);
}

/* Find the kernel and make its pages. */
static inline enum err fixture_find(struct fixture *f, unsigned int flags)
{
	enum err e = ktype_boot_find(synth_source(f->s, flags), (struct gpa){0}, &f->boot, &f->err);

	if (e == ERR_OK)
		e = guest_walk_pages_create(&f->alloc, synth_source(f->s, flags), &f->boot.paging,
					    4096, &f->pages);
	return e;
}

static inline enum err fixture_create(struct fixture *f, const struct ktype_external *external)
{
	return ktype_create(&f->alloc, f->pages, &f->boot, external, &f->k, &f->err);
}

/* All of it; must succeed. */
static inline void fixture_setup(struct fixture *f, const struct synth_kernel *kernel)
{
	fixture_memory(f, 4);
	synth_kernel_add(f->s, kernel, &f->at);
	assert_int_equal(fixture_find(f, SYNTH_MAP), ERR_OK);
	assert_int_equal(fixture_create(f, NULL), ERR_OK);
}

static inline void fixture_teardown(struct fixture *f)
{
	ktype_destroy(f->k);
	guest_pages_destroy(f->pages);
	assert_int_equal(f->alloc.used, 0);
	synth_destroy(f->s);
}

#endif

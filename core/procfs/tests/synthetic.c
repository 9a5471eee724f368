// SPDX-License-Identifier: MIT
#include "synthetic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

enum {
	OWN_MEMORY = 0x40000,
	ALLOC_MAX = 64 << 20,
	WALK_PAGES = 4096,
};

void synthetic_init(struct synthetic *g, struct synth_btf *types,
		    const struct synth_symbol *symbols, size_t count, unsigned int flags)
{
	const struct synth_kernel kernel = {.btf = types, .symbols = symbols, .symbol_count = count};
	struct synth_kernel_places at;
	struct ktype_boot boot;
	struct err_ctx err = {0};

	*g = (struct synthetic){.types = types, .s = synth_create(4)};
	synth_add_memory(g->s, 0, 0xa0000);
	synth_add_memory(g->s, 4 * SYNTH_2M, 8 * SYNTH_2M);
	base_alloc_init(&g->alloc, ALLOC_MAX);
	synth_kernel_add(g->s, &kernel, &at);
	synth_map_new(g->s, AT(0), OWN_MEMORY);
	assert_int_equal(ktype_boot_find(synth_source(g->s, SYNTH_MAP), (struct gpa){0}, &boot, &err),
			 ERR_OK);
	assert_int_equal(guest_walk_pages_create(&g->alloc, synth_source(g->s, flags), &boot.paging,
						 WALK_PAGES, &g->pages), ERR_OK);
	assert_int_equal(ktype_create(&g->alloc, g->pages, &boot, NULL, &g->k, &err), ERR_OK);
	assert_int_equal(llview_layout_create(&g->alloc, g->k, &g->layout), ERR_OK);
}

void synthetic_deinit(struct synthetic *g)
{
	llview_guest_destroy(g->guest);
	llview_layout_destroy(g->layout);
	ktype_destroy(g->k);
	g->pages->ops->destroy(g->pages);
	synth_destroy(g->s);
	synth_btf_destroy(g->types);
	assert_int_equal(g->alloc.used, 0);
}

int synthetic_open(struct procfs *fs, const char *path, struct vfs_file **ret)
{
	struct vfs_place at;
	int r = vfs_walk(procfs_vfs(fs), NULL, path, 0, &at);

	return r ? r : vfs_open(procfs_vfs(fs), &at.node, ret);
}

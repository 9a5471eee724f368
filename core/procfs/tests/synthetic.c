// SPDX-License-Identifier: MIT
#include "synthetic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
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

struct synth_btf *synthetic_types(const struct synthetic_record *records, size_t count)
{
	enum { SCALARS = 5, RECORDS_MAX = 128 };
	static const char *const scalars[SCALARS] = { "u8", "u16", "u32", "u64", "ptr" };
	static const uint32_t sizes[SCALARS] = { 1, 2, 4, 8, 8 };
	struct synth_btf *b = synth_btf_create();
	uint32_t scalar[SCALARS], made[RECORDS_MAX];

	assert_true(count <= RECORDS_MAX);
	synth_btf_add_kernel(b);
	for (int i = 0; i < SCALARS; i++)
		scalar[i] = i == 4 ? synth_btf_type(b, "", SYNTH_BTF_PTR, 0, 0, 0) :
				     synth_btf_int(b, scalars[i], sizes[i], 0);
	for (int i = 0; i < (int)count; i++) {
		const struct synthetic_member *m = records[i].members;
		uint32_t types[SYNTHETIC_MEMBERS], members = 0;
		int bits = 0;

		for (; m[members].name; members++) {
			uint32_t *type = &types[members];

			*type = 0;
			bits |= m[members].bits != 0;
			for (int j = 0; j < SCALARS; j++)
				if (!strcmp(scalars[j], m[members].type))
					*type = scalar[j];
			for (int j = 0; j < i; j++) {
				size_t size = strlen(records[j].name);

				if (!strcmp(records[j].name, m[members].type))
					*type = made[j];
				else if (!strncmp(records[j].name, m[members].type, size) &&
					 m[members].type[size] == '[')
					*type = synth_btf_array(b, made[j], (uint32_t)atoi(m[members].type + size + 1));
			}
			if (!strncmp(m[members].type, "char", 4))
				*type = synth_btf_array(b, scalar[0],
							(uint32_t)atoi(m[members].type + 4));
			if (!strncmp(m[members].type, "words", 5))
				*type = synth_btf_array(b, scalar[2],
							(uint32_t)atoi(m[members].type + 5));
			assert_int_not_equal(*type, 0);
		}
		made[i] = synth_btf_type(b, records[i].name, SYNTH_BTF_STRUCT, members, bits,
					 records[i].size);
		for (uint32_t j = 0; j < members; j++) {
			if (bits)
				synth_btf_bit_member(b, m[j].name, types[j],
						     m[j].bits ? m[j].offset : m[j].offset * 8,
						     m[j].bits);
			else
				synth_btf_member(b, m[j].name, types[j], m[j].offset * 8);
		}
		/* typedefs of records without a name are looked up under the bare name */
		if (strstr(records[i].name, "_t") == records[i].name + strlen(records[i].name) - 2)
			synth_btf_type(b, records[i].name, SYNTH_BTF_TYPEDEF, 0, 0, made[i]);
		if (!strcmp(records[i].name, "refcount_struct"))
			synth_btf_type(b, "refcount_t", SYNTH_BTF_TYPEDEF, 0, 0, made[i]);
	}
	return b;
}

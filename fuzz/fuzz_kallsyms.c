// SPDX-License-Identifier: MIT
/*
 * Input: a byte for the way in (tables at given addresses, tables by shape, a text), then for the
 * first two the places of the tables as offsets into the image (8 x u32; 0: not told) and the
 * image's bytes, which are mapped from _stext on.
 */
#include "fuzz.h"
#include "kallsyms.h"

#define STEXT 0xffffffff81000000u

struct image {
	struct guest_pages pages;
	unsigned char *bytes;
	uint64_t size;
};

static enum err image_page(struct guest_pages *p, struct guest_space as, struct gva va,
			   const void **ret)
{
	struct image *im = (struct image *)p;
	uint64_t at = (va.v & GUEST_PAGE_MASK) - STEXT;

	(void)as;
	if (at >= im->size)
		return ERR_UNMAPPED;
	*ret = im->bytes + at;
	return ERR_OK;
}

static const struct guest_pages_ops image_ops = {.page = image_page};

static void look_up(const struct symtab *t)
{
	char name[SYM_NAME_MAX];
	uint32_t found;

	for (uint32_t i = 0; i < t->count && i < 2000; i++) {
		/* Everything that has a name is found by it, at or before itself. */
		FUZZ_ASSERT(symtab_name(t, i, name));
		if (name[0]) {
			FUZZ_ASSERT(symtab_find(t, name, &found) == ERR_OK);
			FUZZ_ASSERT(found <= i);
		}
		if (i >= t->absolute_count) {
			FUZZ_ASSERT(symtab_at(t, symtab_value(t, i), &found) == ERR_OK);
			FUZZ_ASSERT(symtab_value(t, found) == symtab_value(t, i));
		}
	}
	(void)!symtab_find(t, "init_task", &found);
	(void)!symtab_at(t, UINT64_MAX, &found);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned int way = (unsigned int)fuzz_take(&data, &size, 1) % 3;
	struct ktype_boot boot = {.at = {.stext = STEXT}};
	struct image im = {.pages.ops = &image_ops};
	struct symtab_build b = {0};
	struct fuzz_phys memory;
	struct base_alloc alloc;
	enum err e;

	base_alloc_init(&alloc, 16 << 20);
	if (way == 2) {
		e = kallsyms_parse_text(&alloc, &boot, (const char *)data, size, &b, NULL);
	} else {
		uint64_t at[8];

		for (size_t i = 0; i < 8; i++) {
			at[i] = fuzz_take(&data, &size, 4);
			if (at[i])
				at[i] += STEXT;
		}
		boot.at.kallsyms_names = at[0];
		boot.at.kallsyms_num_syms = at[1];
		boot.at.kallsyms_token_table = at[2];
		boot.at.kallsyms_token_index = at[3];
		boot.at.kallsyms_offsets = at[4];
		boot.at.kallsyms_relative_base = at[5];
		boot.at.kallsyms_addresses = at[6];
		boot.at.init_uts_ns = at[7];
		fuzz_phys_init(&memory, data, size, 0);
		im.bytes = memory.bytes;
		im.size = memory.size;
		e = ERR_OK;
		if (way == 1)
			e = kallsyms_find(&alloc, &im.pages, &boot, &boot.at, NULL);
		if (e == ERR_OK)
			e = kallsyms_read(&alloc, &im.pages, &boot, &boot.at, &b, NULL);
		fuzz_phys_deinit(&memory);
	}
	if (e == ERR_OK)
		look_up(&b.t);
	symtab_build_deinit(&b, &alloc);
	FUZZ_ASSERT(alloc.used == 0);
	return 0;
}

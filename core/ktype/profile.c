// SPDX-License-Identifier: MIT
/*
 * Profiles: a header, then the tables of a struct ktype as they are in memory, each aligned to 8.
 * Little-endian, no pointers; symbols are not slid. The checksum covers all that follows it, so
 * damage shows before anything is used; look-ups stay within bounds even over a forged profile.
 */
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/cursor.h"
#include "internal.h"

enum {
	VERSION = 1,
	ALIGN = 8,
	CHECKED_FROM = 16, /* after magic and checksum */
};

static const char magic[8] = "SCWkern";

enum section {
	VALUES,
	NAMES,
	MARKS,
	TOKEN_INDEX,
	TOKEN_TABLE,
	SYMBOL_HEADS,
	NEXTS,
	BTF_BYTES,
	BTF_OFFSETS,
	BTF_NAMES,
	BTF_HEADS,
	SECTIONS,
};

struct header {
	char magic[8];
	uint64_t checksum; /* XXH3-64 of bytes 16 to the end */
	uint32_t version, header_size;
	uint64_t size;
	uint8_t build_id[KTYPE_BUILD_ID_SIZE];
	uint8_t has_build_id;
	char osrelease[KTYPE_OSRELEASE_SIZE];
	uint8_t unused[2];
	uint64_t symbol_base;
	uint32_t symbol_count, absolute_count, symbol_mask;
	uint32_t type_count, name_count, name_mask, signs;
	uint32_t unused2;
	struct {
		uint64_t offset, size;
	} sections[SECTIONS];
};

_Static_assert(sizeof(struct header) % ALIGN == 0, "sections follow the header aligned");

/* The bytes of each section as the counts have them. */
static void section_sizes(const struct ktype *k, uint64_t sizes[SECTIONS])
{
	const struct symtab *s = &k->symbols;
	const struct btf *t = &k->types;

	sizes[VALUES] = (uint64_t)s->count * sizeof(*s->values);
	sizes[NAMES] = s->names_size;
	sizes[MARKS] = ((uint64_t)s->count / SYM_MARK_EVERY + 1) * sizeof(*s->marks);
	sizes[TOKEN_INDEX] = SYM_TOKENS * sizeof(*s->token_index);
	sizes[TOKEN_TABLE] = s->token_table_size;
	sizes[SYMBOL_HEADS] = ((uint64_t)s->head_mask + 1) * sizeof(*s->heads);
	sizes[NEXTS] = (uint64_t)s->count * sizeof(*s->nexts);
	sizes[BTF_BYTES] = t->size;
	sizes[BTF_OFFSETS] = ((uint64_t)t->type_count + 1) * sizeof(*t->offsets);
	sizes[BTF_NAMES] = (uint64_t)t->name_count * sizeof(*t->names);
	sizes[BTF_HEADS] = ((uint64_t)t->head_mask + 1) * sizeof(*t->heads);
}

static uint64_t aligned(uint64_t size)
{
	return (size + ALIGN - 1) & ~(uint64_t)(ALIGN - 1);
}

enum err ktype_save(const struct ktype *k, struct base_alloc *alloc, void **ret, size_t *size_ret)
{
	const void *tables[SECTIONS] = {
		[VALUES] = k->symbols.values,
		[NAMES] = k->symbols.names,
		[MARKS] = k->symbols.marks,
		[TOKEN_INDEX] = k->symbols.token_index,
		[TOKEN_TABLE] = k->symbols.token_table,
		[SYMBOL_HEADS] = k->symbols.heads,
		[NEXTS] = k->symbols.nexts,
		[BTF_BYTES] = k->types.bytes,
		[BTF_OFFSETS] = k->types.offsets,
		[BTF_NAMES] = k->types.names,
		[BTF_HEADS] = k->types.heads,
	};
	struct header h = {
		.version = VERSION,
		.header_size = sizeof(h),
		.has_build_id = k->boot.has_build_id,
		.symbol_base = k->symbols.base,
		.symbol_count = k->symbols.count,
		.absolute_count = k->symbols.absolute_count,
		.symbol_mask = k->symbols.head_mask,
		.type_count = k->types.type_count,
		.name_count = k->types.name_count,
		.name_mask = k->types.head_mask,
		.signs = k->types.signs,
	};
	uint64_t sizes[SECTIONS];
	unsigned char *out;

	memcpy(h.magic, magic, sizeof(magic));
	memcpy(h.build_id, k->boot.build_id, sizeof(h.build_id));
	memcpy(h.osrelease, k->boot.osrelease, sizeof(h.osrelease));
	section_sizes(k, sizes);
	h.size = sizeof(h);
	for (size_t i = 0; i < SECTIONS; i++) {
		h.sections[i].offset = h.size;
		h.sections[i].size = sizes[i];
		h.size += aligned(sizes[i]);
	}
	out = base_alloc_zeroed(alloc, h.size, 1);
	if (!out)
		return ERR_NOMEM;
	for (size_t i = 0; i < SECTIONS; i++)
		memcpy(out + h.sections[i].offset, tables[i], sizes[i]);
	memcpy(out, &h, sizeof(h));
	h.checksum = XXH3_64bits(out + CHECKED_FROM, h.size - CHECKED_FROM);
	memcpy(out, &h, sizeof(h));
	*ret = out;
	*size_ret = h.size;
	return ERR_OK;
}

static bool power_of_two_less_one(uint32_t mask)
{
	return mask < UINT32_MAX / 2 && (mask & (mask + 1)) == 0;
}

/* Point the tables of `k` into `bytes`; false when a section doesn't fit or has a wrong size. */
static bool place_tables(struct ktype *k, const struct header *h, const unsigned char *bytes,
			 size_t size)
{
	struct symtab *s = &k->symbols;
	struct btf *t = &k->types;
	const void *tables[SECTIONS];
	uint64_t sizes[SECTIONS];

	*s = (struct symtab){.base = h->symbol_base,
			     .count = h->symbol_count,
			     .absolute_count = h->absolute_count,
			     .head_mask = h->symbol_mask,
			     .names_size = (uint32_t)h->sections[NAMES].size,
			     .token_table_size = (uint32_t)h->sections[TOKEN_TABLE].size};
	*t = (struct btf){.size = (uint32_t)h->sections[BTF_BYTES].size,
			  .type_count = h->type_count,
			  .name_count = h->name_count,
			  .head_mask = h->name_mask,
			  .signs = h->signs};
	if (s->count == 0 || s->absolute_count > s->count || s->token_table_size == 0 ||
	    !power_of_two_less_one(s->head_mask) || !power_of_two_less_one(t->head_mask) ||
	    t->type_count >= UINT32_MAX)
		return false;
	section_sizes(k, sizes);
	for (size_t i = 0; i < SECTIONS; i++) {
		uint64_t offset = h->sections[i].offset;

		if (h->sections[i].size != sizes[i] || offset % ALIGN ||
		    !base_in_range(offset, sizes[i], size))
			return false;
		tables[i] = bytes + offset;
	}
	s->values = tables[VALUES];
	s->names = tables[NAMES];
	s->marks = tables[MARKS];
	s->token_index = tables[TOKEN_INDEX];
	s->token_table = tables[TOKEN_TABLE];
	s->heads = tables[SYMBOL_HEADS];
	s->nexts = tables[NEXTS];
	t->bytes = tables[BTF_BYTES];
	t->offsets = tables[BTF_OFFSETS];
	t->names = tables[BTF_NAMES];
	t->heads = tables[BTF_HEADS];
	return s->token_table[s->token_table_size - 1] == '\0';
}

enum err ktype_load(struct base_alloc *alloc, const void *bytes, size_t size,
		    const struct ktype_boot *boot, struct ktype **ret, struct err_ctx *err)
{
	struct header h;
	struct ktype *k;
	enum err e;

	if (size < sizeof(h) || (uintptr_t)bytes % ALIGN)
		return err_set(err, ERR_CORRUPT, "profile: too short or not aligned");
	memcpy(&h, bytes, sizeof(h));
	if (memcmp(h.magic, magic, sizeof(magic)) || h.version != VERSION ||
	    h.header_size != sizeof(h) || h.size != size)
		return err_set(err, ERR_CORRUPT, "profile: not one of this version");
	if (h.checksum !=
	    XXH3_64bits((const unsigned char *)bytes + CHECKED_FROM, size - CHECKED_FROM))
		return err_set(err, ERR_CORRUPT, "profile: damaged");
	if (memcmp(h.build_id, boot->build_id, sizeof(h.build_id)) ||
	    h.has_build_id != boot->has_build_id ||
	    strncmp(h.osrelease, boot->osrelease, sizeof(h.osrelease)))
		return err_set(err, ERR_CORRUPT, "profile: of another kernel than the guest's (%s)",
			       boot->osrelease);
	k = base_alloc_zeroed(alloc, 1, sizeof(*k));
	if (!k)
		return err_set(err, ERR_NOMEM, "no memory for a profile");
	k->alloc = alloc;
	k->boot = *boot;
	if (!place_tables(k, &h, bytes, size))
		e = err_set(err, ERR_CORRUPT, "profile: malformed");
	else
		e = btf_read_header(&k->types, err);
	if (e != ERR_OK) {
		base_free(alloc, k);
		return e;
	}
	*ret = k;
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/*
 * kallsyms' tables as scripts/kallsyms.c writes them and kernel/kallsyms.c reads them. Their order
 * in memory changed in 6.4 and what an entry of kallsyms_offsets means changed three times, so
 * every reading is tried and the one stays in which the symbols that VMCOREINFO names come out
 * right. See docs/DISCOVERY.md.
 */
#include "kallsyms.h"

#include <string.h>

#include "base/checked.h"

enum {
	IMAGE_MAX = 256 << 20,	   /* how far past _stext the tables are looked for */
	WINDOW = 1 << 20,
	OVERLAP = 64 << 10,	   /* windows overlap by more than a token table and its index */
	MARK_EVERY = 256,	   /* names between two entries of kallsyms_markers */
	INDEX_SIZE = SYM_TOKENS * sizeof(uint16_t),
	NAME_COMPRESSED_MAX = 129, /* before 6.1: one byte of length, KSYM_NAME_LEN 128 */
};

static enum err read_guest(struct guest_pages *pages, uint64_t at, void *buf, size_t size,
			   const char *what, struct err_ctx *err)
{
	enum err e = guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){at}, buf, size);

	if (e != ERR_OK)
		return err_set_addr(err, e, at, "can't read the guest's %s", what);
	return ERR_OK;
}

static enum err read_tokens(struct base_alloc *alloc, struct guest_pages *pages,
			    const struct ktype_addresses *at, struct symtab_build *b,
			    struct err_ctx *err)
{
	size_t size;
	enum err e;

	b->token_index = base_alloc_zeroed(alloc, SYM_TOKENS, sizeof(*b->token_index));
	b->token_table = base_alloc_zeroed(alloc, SYM_TOKEN_TABLE_MAX, 1);
	if (!b->token_index || !b->token_table)
		return err_set(err, ERR_NOMEM, "no memory for symbols");
	e = read_guest(pages, at->kallsyms_token_index, b->token_index, INDEX_SIZE,
		       "kallsyms_token_index", err);
	if (e != ERR_OK)
		return e;
	/* The last token ends the table. */
	size = b->token_index[SYM_TOKENS - 1];
	do {
		if (size >= SYM_TOKEN_TABLE_MAX)
			return err_set(err, ERR_CORRUPT, "kallsyms: token table is too long");
		e = read_guest(pages, at->kallsyms_token_table + size, b->token_table + size, 1,
			       "kallsyms_token_table", err);
		if (e != ERR_OK)
			return e;
	} while (b->token_table[size++]);
	b->t.token_table_size = (uint32_t)size;
	return read_guest(pages, at->kallsyms_token_table, b->token_table, size,
			  "kallsyms_token_table", err);
}

/* Copy `count` names; how many bytes that is shows only while stepping over them. */
static enum err read_names(struct base_alloc *alloc, struct guest_pages *pages,
			   const struct ktype_addresses *at, struct symtab_build *b,
			   struct err_ctx *err)
{
	size_t have = 0, pos = 0, want = (size_t)b->t.count * 16;
	uint32_t seen = 0;

	/* Names and markers come before the tokens in every layout known. */
	if (at->kallsyms_token_table > at->kallsyms_names &&
	    want > at->kallsyms_token_table - at->kallsyms_names)
		want = at->kallsyms_token_table - at->kallsyms_names;
	for (;;) {
		uint8_t *grown;
		enum err e;

		if (want <= have || want > SYM_NAMES_MAX)
			return err_set(err, ERR_CORRUPT, "kallsyms: names are too long");
		grown = base_alloc_resize(alloc, b->names, want, 1);
		if (!grown)
			return err_set(err, ERR_NOMEM, "no memory for the guest's symbols");
		b->names = grown;
		e = read_guest(pages, at->kallsyms_names + have, b->names + have, want - have,
			       "kallsyms_names", err);
		if (e != ERR_OK)
			return e;
		have = want;
		while (seen < b->t.count) {
			size_t next = pos, length;

			if (!symtab_name_step(b->names, have, &next, &length) ||
			    length > have - next)
				break;
			pos = next + length;
			seen++;
		}
		if (seen == b->t.count)
			break;
		want = have + (size_t)(b->t.count - seen) * 16 + 2 * SYM_NAME_MAX;
	}
	b->t.names_size = (uint32_t)pos;
	return ERR_OK;
}

/* What an entry of kallsyms_offsets means. */
enum reading {
	READ_PERCPU_ABSOLUTE, /* >= 0: the value itself; < 0: base - 1 - entry (until 6.14) */
	READ_BASE,	      /* base + unsigned entry (6.15 to 6.19; without SMP: always) */
	READ_PLACE,	      /* own address + signed entry (since 7.0) */
	READ_WHOLE,	      /* 64-bit addresses (without KALLSYMS_BASE_RELATIVE) */
	READINGS,
};

struct raw {
	const struct ktype_addresses *at;
	uint64_t base; /* the value of kallsyms_relative_base */
	const uint32_t *offsets;
	const uint64_t *addresses;
};

static uint64_t raw_address(const struct raw *r, enum reading how, uint32_t i)
{
	int64_t entry = how == READ_WHOLE ? 0 : (int32_t)r->offsets[i];

	switch (how) {
	case READ_PERCPU_ABSOLUTE:
		return entry >= 0 ? (uint64_t)entry : r->base - 1 - (uint64_t)entry;
	case READ_BASE:
		return r->base + r->offsets[i];
	case READ_PLACE:
		return r->at->kallsyms_offsets + (uint64_t)i * sizeof(uint32_t) + (uint64_t)entry;
	default:
		return r->addresses[i];
	}
}

/* Does this reading give what VMCOREINFO says? _stext must be there; the others may be. */
static bool reading_fits(const struct raw *r, enum reading how, const struct symtab *t)
{
	const struct {
		const char *name;
		uint64_t address;
	} known[] = {
		{"_stext", r->at->stext},
		{"init_uts_ns", r->at->init_uts_ns},
		{"init_top_pgt", r->at->swapper_pg_dir},
	};

	if (how == READ_WHOLE ? !r->addresses : !r->offsets)
		return false;
	if ((how == READ_PERCPU_ABSOLUTE || how == READ_BASE) && !r->base)
		return false;
	for (size_t k = 0; k < BASE_COUNT(known); k++) {
		uint32_t i;

		if (symtab_find(t, known[k].name, &i) != ERR_OK) {
			if (k == 0)
				return false;
			continue;
		}
		if (raw_address(r, how, i) != known[k].address)
			return false;
	}
	return true;
}

/* Turn what was read into unslid, ascending values. */
static enum err settle_values(const struct raw *r, enum reading how,
			      const struct ktype_boot *boot, struct symtab_build *b,
			      struct err_ctx *err)
{
	uint64_t before = 0;
	uint32_t i = 0;

	if (how == READ_PERCPU_ABSOLUTE)
		for (; i < b->t.count && (int32_t)r->offsets[i] >= 0; i++)
			b->values[i] = r->offsets[i];
	b->t.absolute_count = i;
	for (; i < b->t.count; i++) {
		uint64_t address = raw_address(r, how, i) - boot->kaslr;

		if (i == b->t.absolute_count)
			b->t.base = before = address;
		if (address < before || address - b->t.base > UINT32_MAX)
			return err_set(err, ERR_CORRUPT,
				       "kallsyms: symbol %u is out of order", i);
		b->values[i] = (uint32_t)(address - b->t.base);
		before = address;
	}
	for (uint32_t k = 1; k < b->t.absolute_count; k++)
		if (b->values[k] < b->values[k - 1])
			return err_set(err, ERR_CORRUPT, "kallsyms: symbol %u is out of order", k);
	return ERR_OK;
}

static enum err read_values(struct base_alloc *alloc, struct guest_pages *pages,
			    const struct ktype_boot *boot, const struct ktype_addresses *at,
			    struct symtab_build *b, struct err_ctx *err)
{
	struct raw raw = {.at = at};
	void *entries = NULL;
	enum reading how;
	enum err e;

	b->values = base_alloc_resize(alloc, NULL, b->t.count, sizeof(*b->values));
	entries = base_alloc_resize(alloc, NULL, b->t.count,
				    at->kallsyms_addresses ? sizeof(uint64_t) : sizeof(uint32_t));
	if (!b->values || !entries) {
		base_free(alloc, entries);
		return err_set(err, ERR_NOMEM, "no memory for the guest's symbols");
	}
	if (at->kallsyms_addresses) {
		e = read_guest(pages, at->kallsyms_addresses, entries,
			       (size_t)b->t.count * sizeof(uint64_t), "kallsyms_addresses", err);
		raw.addresses = entries;
	} else {
		e = read_guest(pages, at->kallsyms_offsets, entries,
			       (size_t)b->t.count * sizeof(uint32_t), "kallsyms_offsets", err);
		raw.offsets = entries;
		if (e == ERR_OK && at->kallsyms_relative_base)
			e = read_guest(pages, at->kallsyms_relative_base, &raw.base,
				       sizeof(raw.base), "kallsyms_relative_base", err);
	}
	if (e == ERR_OK) {
		for (how = 0; how < READINGS; how++)
			if (reading_fits(&raw, how, &b->t))
				break;
		if (how == READINGS)
			e = err_set(err, ERR_CORRUPT,
				    "kallsyms: no known layout gives the addresses that "
				    "vmcoreinfo names");
		else
			e = settle_values(&raw, how, boot, b, err);
	}
	base_free(alloc, entries);
	b->t.values = b->values;
	return e;
}

enum err kallsyms_read(struct base_alloc *alloc, struct guest_pages *pages,
		       const struct ktype_boot *boot, const struct ktype_addresses *at,
		       struct symtab_build *ret, struct err_ctx *err)
{
	struct symtab_build b = {0};
	enum err e;

	e = read_guest(pages, at->kallsyms_num_syms, &b.t.count, sizeof(b.t.count),
		       "kallsyms_num_syms", err);
	if (e == ERR_OK && (b.t.count == 0 || b.t.count > SYM_COUNT_MAX))
		e = err_set(err, ERR_CORRUPT, "kallsyms: %u symbols can't be", b.t.count);
	if (e == ERR_OK)
		e = read_tokens(alloc, pages, at, &b, err);
	if (e == ERR_OK)
		e = read_names(alloc, pages, at, &b, err);
	if (e == ERR_OK)
		e = symtab_build_index(&b, alloc, err);
	if (e == ERR_OK)
		e = read_values(alloc, pages, boot, at, &b, err);
	if (e != ERR_OK) {
		symtab_build_deinit(&b, alloc);
		return e;
	}
	*ret = b;
	return ERR_OK;
}

/*
 * Finding by shape. Until 6.3 the order is offsets, relative_base, num_syms, names, markers,
 * token_table, token_index, each aligned to 8. The index is the one with a shape that nothing else
 * has: 256 rising 16-bit numbers that are the starts of the 256 strings right before it. From it
 * the way leads backwards.
 */

/* The image from _stext on, in windows; pages that aren't mapped read as zeros. */
struct image {
	struct guest_pages *pages;
	uint64_t start; /* address of the window */
	uint8_t *bytes; /* WINDOW */
};

static size_t image_load(struct image *im, uint64_t at)
{
	size_t mapped = 0;
	struct guest_range range = {{at}, WINDOW};

	im->start = at;
	guest_pages_want(im->pages, GUEST_SPACE_KERNEL, &range, 1);
	for (size_t i = 0; i < WINDOW; i += GUEST_PAGE_SIZE) {
		const void *page;

		if (guest_pages_page(im->pages, GUEST_SPACE_KERNEL, (struct gva){at + i}, &page) ==
		    ERR_OK) {
			memcpy(im->bytes + i, page, GUEST_PAGE_SIZE);
			mapped++;
		} else {
			memset(im->bytes + i, 0, GUEST_PAGE_SIZE);
		}
	}
	return mapped;
}

static uint16_t get16(const uint8_t *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

/*
 * Are the INDEX_SIZE bytes at `at` a token index with its table right before it? *table_ret is
 * where in the window the table starts.
 */
static bool is_token_index(const uint8_t *window, size_t at, size_t *table_ret)
{
	size_t last, table;
	const uint8_t *p = window + at;

	/* Nearly all positions end here. */
	if (get16(p) != 0 || get16(p + 2) == 0 || get16(p + 2) > SYM_NAME_MAX)
		return false;
	for (size_t i = 1; i < SYM_TOKENS; i++) {
		uint16_t before = get16(p + 2 * (i - 1)), here = get16(p + 2 * i);

		if (here <= before || here - before > SYM_NAME_MAX)
			return false;
	}
	last = get16(p + 2 * (SYM_TOKENS - 1));
	/* The length of the last token and the padding aren't known: a few starts are possible. */
	for (size_t size = last + 1; size <= last + SYM_NAME_MAX; size++) {
		size_t padded = (size + 7) & ~(size_t)7, ok;

		if (padded > at)
			return false;
		table = at - padded;
		for (ok = 1; ok < SYM_TOKENS; ok++) {
			const uint8_t *start = window + table + get16(p + 2 * (ok - 1));
			const uint8_t *end = window + table + get16(p + 2 * ok) - 1;

			if (memchr(start, 0, (size_t)(end - start) + 1) != end)
				break;
		}
		if (ok == SYM_TOKENS &&
		    memchr(window + table + last, 0, at - table - last) ==
			    window + table + size - 1) {
			*table_ret = table;
			return true;
		}
	}
	return false;
}

/*
 * From kallsyms_token_table at `table` back to the others. The markers are rising 32-bit numbers
 * that start with 0; before them the names; before those their number, which must fit the markers.
 */
static enum err find_before(struct guest_pages *pages, uint64_t table,
			    struct ktype_addresses *ret)
{
	uint64_t at = table, markers, lowest;
	uint32_t word = 0, last = 0, count = 0, marks = 0;

	/* Padding, when the number of markers is odd. */
	for (int pad = 0;; pad++) {
		at -= sizeof(word);
		if (guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){at}, &word,
				     sizeof(word)) != ERR_OK)
			return ERR_ABSENT;
		if (word)
			break;
		if (pad == 1)
			return ERR_ABSENT;
	}
	last = word;
	for (marks = 1; word != 0; marks++) {
		uint32_t before = word;

		at -= sizeof(word);
		if (guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){at}, &word,
				     sizeof(word)) != ERR_OK ||
		    word >= before || before - word > MARK_EVERY * NAME_COMPRESSED_MAX ||
		    marks > SYM_COUNT_MAX / MARK_EVERY)
			return ERR_ABSENT;
	}
	markers = at;
	lowest = markers - last - MARK_EVERY * NAME_COMPRESSED_MAX - 8;
	for (at = (markers - last) & ~(uint64_t)7; at > lowest; at -= 8) {
		if (guest_pages_read(pages, GUEST_SPACE_KERNEL, (struct gva){at - 8}, &count,
				     sizeof(count)) != ERR_OK)
			return ERR_ABSENT;
		if (count > (marks - 1) * MARK_EVERY && count <= marks * MARK_EVERY) {
			uint64_t offsets_size = ((uint64_t)count * sizeof(uint32_t) + 7) &
						~(uint64_t)7;

			ret->kallsyms_names = at;
			ret->kallsyms_num_syms = at - 8;
			ret->kallsyms_relative_base = at - 16;
			ret->kallsyms_offsets = at - 16 - offsets_size;
			return ERR_OK;
		}
	}
	return ERR_ABSENT;
}

enum err kallsyms_find(struct base_alloc *alloc, struct guest_pages *pages,
		       const struct ktype_boot *boot, struct ktype_addresses *ret,
		       struct err_ctx *err)
{
	struct image im = {.pages = pages};
	uint64_t at = boot->at.stext;
	enum err e = ERR_ABSENT;

	im.bytes = base_alloc_resize(alloc, NULL, WINDOW, 1);
	if (!im.bytes)
		return err_set(err, ERR_NOMEM, "no memory to look for kallsyms");
	for (; e != ERR_OK && at - boot->at.stext < IMAGE_MAX; at += WINDOW - OVERLAP) {
		/* Between sections there are gaps, but not of this size. */
		if (at > UINT64_MAX - 2 * WINDOW ||
		    (image_load(&im, at) == 0 && at - boot->at.stext > IMAGE_MAX / 4))
			break;
		for (size_t i = 0; e != ERR_OK && i + INDEX_SIZE <= WINDOW; i += 8) {
			struct ktype_addresses found = boot->at;
			size_t table;

			if (!is_token_index(im.bytes, i, &table))
				continue;
			found.kallsyms_token_index = at + i;
			found.kallsyms_token_table = at + table;
			e = find_before(pages, at + table, &found);
			if (e == ERR_OK)
				*ret = found;
		}
	}
	base_free(alloc, im.bytes);
	if (e != ERR_OK)
		return err_set(err, ERR_ABSENT,
			       "no kallsyms in this kernel (CONFIG_KALLSYMS): give its symbols, "
			       "e.g. its System.map");
	return ERR_OK;
}

// SPDX-License-Identifier: MIT
/* Symbols out of a System.map or a copy of /proc/kallsyms. */
#include "kallsyms.h"

#include <string.h>

#include "base/checked.h"
#include "base/cursor.h"

struct entry {
	uint64_t address;
	uint32_t order;
	uint32_t name_size; /* with the type letter in front */
	const char *name;   /* the name; its type is kept apart */
	char type;
};

static bool parse_line(const char *line, size_t size, struct entry *ret, bool *module)
{
	uint64_t address = 0;
	size_t i = 0, start;

	for (; i < size && line[i] != ' '; i++) {
		char c = line[i];
		unsigned int digit;

		if (c >= '0' && c <= '9')
			digit = (unsigned int)(c - '0');
		else if (c >= 'a' && c <= 'f')
			digit = (unsigned int)(c - 'a') + 10;
		else if (c >= 'A' && c <= 'F')
			digit = (unsigned int)(c - 'A') + 10;
		else
			return false;
		if (address >> 60)
			return false;
		address = address << 4 | digit;
	}
	/* " T name", in /proc/kallsyms with "\t[module]" behind what isn't the image's */
	if (i == 0 || size - i < 4 || line[i + 2] != ' ' || line[i + 1] <= ' ' ||
	    line[i + 1] > '~')
		return false;
	ret->type = line[i + 1];
	start = i + 3;
	for (i = start; i < size && line[i] > ' ' && line[i] <= '~'; i++)
		;
	*module = i < size && line[i] == '\t';
	if (i == start || (i < size && line[i] != '\t') || i - start > SYM_NAME_MAX - 1)
		return false;
	ret->address = address;
	ret->name = line + start;
	ret->name_size = (uint32_t)(i - start);
	return true;
}

static bool entry_before(const struct entry *a, const struct entry *b)
{
	return a->address != b->address ? a->address < b->address : a->order < b->order;
}

/* Heap sort: the text is from outside, so no quadratic case, and no recursion. */
static void sift_down(struct entry *e, size_t at, size_t count)
{
	for (;;) {
		size_t child = 2 * at + 1;
		struct entry swap;

		if (child >= count)
			return;
		if (child + 1 < count && entry_before(&e[child], &e[child + 1]))
			child++;
		if (!entry_before(&e[at], &e[child]))
			return;
		swap = e[at];
		e[at] = e[child];
		e[child] = swap;
		at = child;
	}
}

static void sort_entries(struct entry *e, size_t count)
{
	bool sorted = true;

	for (size_t i = 1; i < count && sorted; i++)
		sorted = !entry_before(&e[i], &e[i - 1]);
	if (sorted)
		return;
	for (size_t i = count / 2; i-- > 0;)
		sift_down(e, i, count);
	for (size_t i = count; i-- > 1;) {
		struct entry swap = e[0];

		e[0] = e[i];
		e[i] = swap;
		sift_down(e, 0, i);
	}
}

static enum err parse_entries(struct base_alloc *alloc, const char *text, size_t size,
			      struct entry **ret, size_t *count_ret, struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(text, size);
	struct entry *entries = NULL;
	size_t count = 0, room = 0, number = 0, line_size;
	const char *line;

	while ((line = base_cursor_line(&c, &line_size))) {
		struct entry e = {0};
		bool module;

		number++;
		if (line_size == 0)
			continue;
		if (!parse_line(line, line_size, &e, &module)) {
			base_free(alloc, entries);
			return err_set(err, ERR_CORRUPT,
				       "symbols: line %zu isn't \"address type name\"", number);
		}
		if (module)
			continue;
		if (count == room) {
			struct entry *grown;

			room = room ? 2 * room : 4096;
			grown = base_alloc_resize(alloc, entries, room, sizeof(*entries));
			if (!grown || count > SYM_COUNT_MAX) {
				base_free(alloc, grown ? grown : entries);
				return err_set(err, ERR_NOMEM, "no memory for the symbols file");
			}
			entries = grown;
		}
		e.order = (uint32_t)count;
		entries[count++] = e;
	}
	*ret = entries;
	*count_ret = count;
	return ERR_OK;
}

/* How far the addresses of this text are slid; false when it is another kernel's. */
static bool text_slide(const struct entry *e, size_t count, const struct ktype_boot *boot,
		       uint64_t *ret)
{
	static const char stext[] = "_stext";

	for (size_t i = 0; i < count; i++) {
		if (e[i].name_size != sizeof(stext) - 1 || memcmp(e[i].name, stext, e[i].name_size))
			continue;
		*ret = e[i].address == boot->at.stext ? boot->kaslr : 0;
		return e[i].address == boot->at.stext ||
		       e[i].address == boot->at.stext - boot->kaslr;
	}
	return false;
}

/* Every byte is a token of its own: the same format, without compression. */
static enum err plain_tokens(struct base_alloc *alloc, struct symtab_build *b)
{
	size_t at = 0;

	b->token_index = base_alloc_zeroed(alloc, SYM_TOKENS, sizeof(*b->token_index));
	b->token_table = base_alloc_zeroed(alloc, SYM_TOKENS, 2);
	if (!b->token_index || !b->token_table)
		return ERR_NOMEM;
	for (size_t i = 0; i < SYM_TOKENS; i++) {
		b->token_index[i] = (uint16_t)at;
		if (i > ' ' && i <= '~')
			b->token_table[at++] = (char)i;
		at++;
	}
	b->t.token_table_size = (uint32_t)at;
	return ERR_OK;
}

static enum err fill(struct base_alloc *alloc, const struct entry *e, size_t count,
		     uint64_t slide, struct symtab_build *b, struct err_ctx *err)
{
	size_t bytes = 0, pos = 0;

	for (size_t i = 0; i < count; i++)
		bytes += e[i].name_size + 3;
	if (count == 0 || count > SYM_COUNT_MAX || bytes > SYM_NAMES_MAX)
		return err_set(err, ERR_CORRUPT, "symbols: %zu symbols can't be", count);
	b->t.count = (uint32_t)count;
	b->values = base_alloc_resize(alloc, NULL, count, sizeof(*b->values));
	b->names = base_alloc_resize(alloc, NULL, bytes, 1);
	if (!b->values || !b->names || plain_tokens(alloc, b) != ERR_OK)
		return err_set(err, ERR_NOMEM, "no memory for the symbols file");
	for (size_t i = 0; i < count; i++) {
		size_t length = e[i].name_size + 1;
		bool absolute = e[i].address <= UINT32_MAX;
		uint64_t address = e[i].address - (absolute ? 0 : slide);

		if (absolute)
			b->t.absolute_count = (uint32_t)i + 1;
		else if (i == b->t.absolute_count)
			b->t.base = address;
		if (!absolute && address - b->t.base > UINT32_MAX)
			return err_set_addr(err, ERR_CORRUPT, e[i].address,
					    "symbols: address is too far from the kernel image");
		b->values[i] = (uint32_t)(absolute ? address : address - b->t.base);
		if (length > 0x7f) {
			b->names[pos++] = (uint8_t)(0x80 | (length & 0x7f));
			b->names[pos++] = (uint8_t)(length >> 7);
		} else {
			b->names[pos++] = (uint8_t)length;
		}
		b->names[pos++] = (uint8_t)e[i].type;
		memcpy(b->names + pos, e[i].name, e[i].name_size);
		pos += e[i].name_size;
	}
	b->t.names_size = (uint32_t)pos;
	b->t.values = b->values;
	return symtab_build_index(b, alloc, err);
}

enum err kallsyms_parse_text(struct base_alloc *alloc, const struct ktype_boot *boot,
			     const char *text, size_t size, struct symtab_build *ret,
			     struct err_ctx *err)
{
	struct symtab_build b = {0};
	struct entry *entries = NULL;
	size_t count = 0;
	uint64_t slide;
	enum err e;

	e = parse_entries(alloc, text, size, &entries, &count, err);
	if (e != ERR_OK)
		return e;
	if (!text_slide(entries, count, boot, &slide)) {
		e = err_set(err, ERR_CORRUPT,
			    "symbols: not those of the guest's kernel (%s): _stext differs",
			    boot->osrelease);
	} else {
		sort_entries(entries, count);
		e = fill(alloc, entries, count, slide, &b, err);
	}
	base_free(alloc, entries);
	if (e != ERR_OK) {
		symtab_build_deinit(&b, alloc);
		return e;
	}
	*ret = b;
	return ERR_OK;
}

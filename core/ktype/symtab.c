// SPDX-License-Identifier: MIT
/* Symbols by name and by address: see symtab.h. */
#include "symtab.h"

#include <string.h>

#include "base/checked.h"
#include "hash.h"

/* What a token adds to a name's hash: whole, and without its first character. */
struct token {
	uint64_t factor, hash;
	uint64_t first_factor, first_hash;
	uint32_t size;
};

/* Check the token table (256 strings back to back, each where token_index says) and hash it. */
static enum err prepare_tokens(const struct symtab_build *b, struct token tokens[SYM_TOKENS],
			       struct err_ctx *err)
{
	for (size_t i = 0; i < SYM_TOKENS; i++) {
		size_t at = b->token_index[i], size;
		const char *s = b->token_table + at, *nul;

		if (at >= b->t.token_table_size)
			goto corrupt;
		nul = memchr(s, 0, b->t.token_table_size - at);
		if (!nul)
			goto corrupt;
		size = (size_t)(nul - s);
		tokens[i] = (struct token){.factor = 1, .first_factor = 1, .size = (uint32_t)size};
		for (size_t k = 0; k < size; k++) {
			if (s[k] <= ' ' || s[k] > '~')
				goto corrupt;
			tokens[i].factor *= NAME_HASH_FACTOR;
			if (k)
				tokens[i].first_factor *= NAME_HASH_FACTOR;
		}
		tokens[i].hash = name_hash_bytes(0, s, size);
		tokens[i].first_hash = size ? name_hash_bytes(0, s + 1, size - 1) : 0;
	}
	return ERR_OK;
corrupt:
	return err_set(err, ERR_CORRUPT, "kallsyms: malformed token table");
}

enum err symtab_build_index(struct symtab_build *b, struct base_alloc *alloc, struct err_ctx *err)
{
	uint32_t count = b->t.count, heads = 64;
	struct token tokens[SYM_TOKENS];
	size_t pos = 0;
	enum err e;

	e = prepare_tokens(b, tokens, err);
	if (e != ERR_OK)
		return e;
	if (count == 0 || count > SYM_COUNT_MAX)
		return err_set(err, ERR_CORRUPT, "kallsyms: %u symbols can't be", count);
	while (heads < count / 2)
		heads *= 2;
	b->marks = base_alloc_resize(alloc, NULL, count / SYM_MARK_EVERY + 1, sizeof(*b->marks));
	b->heads = base_alloc_resize(alloc, NULL, heads, sizeof(*b->heads));
	/* First it takes each name's bucket, then the chain. */
	b->nexts = base_alloc_resize(alloc, NULL, count, sizeof(*b->nexts));
	if (!b->marks || !b->heads || !b->nexts)
		return err_set(err, ERR_NOMEM, "no memory for %u symbols", count);
	for (uint32_t i = 0; i < count; i++) {
		size_t length, size = 0;
		uint64_t h = 0;
		const uint8_t *codes;

		if (i % SYM_MARK_EVERY == 0)
			b->marks[i / SYM_MARK_EVERY] = (uint32_t)pos;
		if (!symtab_name_step(b->names, b->t.names_size, &pos, &length) || length == 0 ||
		    length > b->t.names_size - pos)
			return err_set(err, ERR_CORRUPT, "kallsyms: name %u is cut off", i);
		codes = b->names + pos;
		pos += length;
		h = tokens[codes[0]].first_hash;
		size = tokens[codes[0]].size;
		if (size == 0)
			return err_set(err, ERR_CORRUPT, "kallsyms: name %u has no type", i);
		for (size_t k = 1; k < length; k++) {
			h = h * tokens[codes[k]].factor + tokens[codes[k]].hash;
			size += tokens[codes[k]].size;
		}
		if (size > SYM_NAME_MAX)
			return err_set(err, ERR_CORRUPT, "kallsyms: name %u is too long", i);
		b->nexts[i] = name_hash_bucket(h, heads - 1);
	}
	if (pos != b->t.names_size)
		return err_set(err, ERR_CORRUPT, "kallsyms: %zu bytes after the last name",
			       (size_t)b->t.names_size - pos);
	for (uint32_t i = 0; i < heads; i++)
		b->heads[i] = count;
	/* From the last to the first, so that the first of equal names is found. */
	for (uint32_t i = count; i-- > 0;) {
		uint32_t bucket = b->nexts[i];

		b->nexts[i] = b->heads[bucket];
		b->heads[bucket] = i;
	}
	for (uint32_t i = 0; i < heads; i++) {
		uint32_t steps = 0;

		for (uint32_t s = b->heads[i]; s != count; s = b->nexts[s])
			if (++steps > SYM_CHAIN_MAX)
				return err_set(err, ERR_CORRUPT,
					       "kallsyms: too many names with one hash");
	}
	b->t.head_mask = heads - 1;
	b->t.names = b->names;
	b->t.marks = b->marks;
	b->t.token_index = b->token_index;
	b->t.token_table = b->token_table;
	b->t.heads = b->heads;
	b->t.nexts = b->nexts;
	return ERR_OK;
}

void symtab_build_deinit(struct symtab_build *b, struct base_alloc *alloc)
{
	base_free(alloc, b->values);
	base_free(alloc, b->names);
	base_free(alloc, b->marks);
	base_free(alloc, b->token_index);
	base_free(alloc, b->token_table);
	base_free(alloc, b->heads);
	base_free(alloc, b->nexts);
	*b = (struct symtab_build){0};
}

/* The codes of symbol `i`; NULL when the tables contradict themselves. */
static const uint8_t *name_codes(const struct symtab *t, uint32_t i, size_t *length_ret)
{
	size_t pos = t->marks[i / SYM_MARK_EVERY];

	for (uint32_t skip = i % SYM_MARK_EVERY;; skip--) {
		size_t length;

		if (!symtab_name_step(t->names, t->names_size, &pos, &length) ||
		    length > t->names_size - pos)
			return NULL;
		if (skip == 0) {
			*length_ret = length;
			return t->names + pos;
		}
		pos += length;
	}
}

/* The string of a token and what may be read of it, up to the table's end. */
static const char *token_string(const struct symtab *t, uint8_t code, size_t *max_ret)
{
	size_t at = t->token_index[code];

	if (at >= t->token_table_size)
		at = t->token_table_size - 1; /* the NUL that the table ends with */
	*max_ret = t->token_table_size - at;
	return t->token_table + at;
}

bool symtab_name(const struct symtab *t, uint32_t i, char ret[SYM_NAME_MAX])
{
	size_t length = 0, n = 0;
	const uint8_t *codes = name_codes(t, i, &length);
	bool first = true;

	if (!codes)
		return false;
	for (size_t k = 0; k < length; k++) {
		size_t max;
		const char *s = token_string(t, codes[k], &max);

		for (; max && *s; s++, max--) {
			if (first) {
				first = false;
				continue;
			}
			if (n == SYM_NAME_MAX - 1)
				return false;
			ret[n++] = *s;
		}
	}
	ret[n] = '\0';
	return true;
}

char symtab_type(const struct symtab *t, uint32_t i)
{
	size_t length = 0, max;
	const uint8_t *codes = name_codes(t, i, &length);
	char letter = codes && length ? *token_string(t, codes[0], &max) : '\0';

	return letter ? letter : '?';
}

static bool name_equals(const struct symtab *t, uint32_t i, const char *name)
{
	size_t length = 0;
	const uint8_t *codes = name_codes(t, i, &length);
	bool first = true;

	if (!codes)
		return false;
	for (size_t k = 0; k < length; k++) {
		size_t max;
		const char *s = token_string(t, codes[k], &max);

		for (; max && *s; s++, max--) {
			if (first)
				first = false;
			else if (*name++ != *s)
				return false;
		}
	}
	return *name == '\0';
}

enum err symtab_find(const struct symtab *t, const char *name, uint32_t *ret)
{
	size_t size = strnlen(name, SYM_NAME_MAX);
	uint32_t i, before = 0;

	if (size == 0 || size == SYM_NAME_MAX)
		return ERR_ABSENT;
	i = t->heads[name_hash_bucket(name_hash_bytes(0, name, size), t->head_mask)];
	/* Chains only go up, so they end. */
	for (uint32_t steps = 0; i < t->count && steps <= SYM_CHAIN_MAX; steps++) {
		if (name_equals(t, i, name)) {
			*ret = i;
			return ERR_OK;
		}
		before = i;
		i = t->nexts[i];
		if (i <= before)
			break;
	}
	return ERR_ABSENT;
}

uint64_t symtab_value(const struct symtab *t, uint32_t i)
{
	return i < t->absolute_count ? t->values[i] : t->base + t->values[i];
}

enum err symtab_at(const struct symtab *t, uint64_t at, uint32_t *ret)
{
	uint32_t low = t->absolute_count, high = t->count;

	if (low >= high || at < symtab_value(t, low))
		return ERR_ABSENT;
	while (high - low > 1) {
		uint32_t middle = low + (high - low) / 2;

		if (symtab_value(t, middle) <= at)
			low = middle;
		else
			high = middle;
	}
	while (low > t->absolute_count && symtab_value(t, low - 1) == symtab_value(t, low))
		low--;
	*ret = low;
	return ERR_OK;
}

/* SPDX-License-Identifier: MIT */
/*
 * All symbols of a kernel image, compact and position-independent, so that a profile holds the very
 * tables that look-ups use. Names stay compressed as kallsyms has them (scripts/kallsyms.c): a
 * stream of <length><bytes>, where each byte stands for a token of one or more characters and the
 * first character of a name is nm's type letter.
 *
 * Look-ups check every index they follow: a table of lies gives wrong answers, nothing worse.
 */
#ifndef SCW_KTYPE_SYMTAB_H
#define SCW_KTYPE_SYMTAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"

enum {
	SYM_TOKENS = 256,
	SYM_MARK_EVERY = 16,	    /* names between two entries of `marks` */
	SYM_NAME_MAX = 512,	    /* KSYM_NAME_LEN, NUL included */
	SYM_COUNT_MAX = 8 << 20,
	SYM_NAMES_MAX = 128 << 20,  /* bytes of compressed names */
	SYM_TOKEN_TABLE_MAX = 16 << 10,
	SYM_CHAIN_MAX = 1 << 15,    /* names of one hash (__func__.0 comes often); more is an attack */
};

/*
 * Symbols in ascending order of address; equal addresses in the kernel's own order. The first
 * `absolute_count` have plain values (offsets into the per-CPU area, before 6.15); the others are
 * `base` + value, not slid.
 */
struct symtab {
	uint64_t base;
	uint32_t count, absolute_count;
	uint32_t names_size, token_table_size;
	uint32_t head_mask;		/* hash heads, a power of two, less one */
	const uint32_t *values;		/* [count] */
	const uint8_t *names;
	const uint32_t *marks;		/* [(count + 15) / 16], into names */
	const uint16_t *token_index;	/* [SYM_TOKENS], into token_table */
	const char *token_table;
	const uint32_t *heads;		/* [head_mask + 1]: first symbol of the hash, or count */
	const uint32_t *nexts;		/* [count]: next symbol (always a later one), or count */
};

/* A symbol table being made; the arrays are owned. */
struct symtab_build {
	struct symtab t;
	uint32_t *values;
	uint8_t *names;
	uint32_t *marks;
	uint16_t *token_index;
	char *token_table;
	uint32_t *heads, *nexts;
};

/*
 * Finish a table whose t.count, .names_size, .token_table_size, names, token_index and token_table
 * are set: check them whole and make marks and the hash. Values, base and absolute_count are the
 * caller's, before or after. ERR_CORRUPT, ERR_LIMIT, ERR_NOMEM.
 */
enum err symtab_build_index(struct symtab_build *b, struct base_alloc *alloc,
			    struct err_ctx *err) ERR_NODISCARD;
void symtab_build_deinit(struct symtab_build *b, struct base_alloc *alloc);

/* Index of the first symbol called `name`; ERR_ABSENT. */
enum err symtab_find(const struct symtab *t, const char *name, uint32_t *ret) ERR_NODISCARD;

/* Unslid address of symbol `i`, or plain value of an absolute one. `i` < count. */
uint64_t symtab_value(const struct symtab *t, uint32_t i);

/* Name of symbol `i`, without its type letter; false when the tables contradict themselves. */
bool symtab_name(const struct symtab *t, uint32_t i, char ret[SYM_NAME_MAX]);

/* nm's type letter of symbol `i`; '?' when the tables contradict themselves. */
char symtab_type(const struct symtab *t, uint32_t i);

/*
 * The symbol at or below the unslid address `at`; of several at one address the first, which is
 * what the kernel's own look-up prints (get_symbol_pos() in kernel/kallsyms.c). ERR_ABSENT.
 */
enum err symtab_at(const struct symtab *t, uint64_t at, uint32_t *ret) ERR_NODISCARD;

/* Read the length of the compressed name at *pos and step over it (ULEB128, two bytes at most). */
static inline bool symtab_name_step(const uint8_t *names, size_t size, size_t *pos,
				    size_t *length_ret)
{
	size_t at = *pos, n;

	if (at >= size)
		return false;
	n = names[at++];
	if (n & 0x80) {
		if (at >= size)
			return false;
		n = (n & 0x7f) | (size_t)names[at++] << 7;
	}
	*pos = at;
	*length_ret = n;
	return true;
}

#endif

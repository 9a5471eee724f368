/* SPDX-License-Identifier: MIT */
/*
 * What the plugin leaves in each object of kernel-style code: the questions that it asks of a guest's
 * kernel. The plugin's half of this contract is llview/pass/slots.h.
 */
#ifndef SCW_LLVIEW_DESC_H
#define SCW_LLVIEW_DESC_H

#include <stddef.h>
#include <stdint.h>

#include "llview/state.h"

enum llview_desc_kind {
	DESC_OFFSET = 1,  /* of a member, in bytes */
	DESC_HAS = 2,	  /* 1 when DESC_OFFSET would have an answer, else 0 */
	DESC_BIT_WORD = 3, /* byte offset of the eight bytes that a bit-field is read from */
	DESC_BIT_SHIFT = 4, /* left shift | right shift << 8 | bytes to touch << 16 (0: eight) */
	DESC_HAS_BITS = 5,
	DESC_SIZEOF = 6, /* 0 when absent */
	DESC_HAS_TYPE = 7,
	DESC_SYMBOL = 8,
	DESC_HAS_SYMBOL = 9,
	DESC_ENUM = 10,
	DESC_HAS_ENUM = 11,
};

enum llview_desc_flags {
	DESC_ARRAY = 1,	 /* size is an array's: the guest's may be larger, or flexible */
	DESC_SIGNED = 2, /* a signed bit-field */
};

/*
 * One question. Texts: "struct a:b.c" for members, "struct a" for types, "symbol", and
 * "enum a:NAME" or ":NAME" for enumerators.
 */
struct llview_desc {
	int32_t text;	/* distance from here to the NUL-terminated text */
	uint8_t kind;
	uint8_t flags;
	uint16_t size; /* of the member as declared, bytes (bit-fields: bits); 0: don't compare */
};

/* All units' questions, lined up by the linker; both are NULL when there is none. */
extern const LLVIEW_HIDDEN struct llview_desc __start_llview_desc[] __attribute__((weak));
extern const LLVIEW_HIDDEN struct llview_desc __stop_llview_desc[] __attribute__((weak));

static inline const char *llview_desc_text(const struct llview_desc *d)
{
	return (const char *)d + d->text;
}

/*
 * Offset of what isn't there: no canonical address plus this is one, nor is it after as many absent
 * offsets as an expression may add up (multiples of 2^61 * 5 come back to 0 after eight). The top
 * bit marks it for pinned accesses.
 */
#define LLVIEW_POISON 0xa000000000000000u

#define LLVIEW_ENUM_ABSENT 0x5a5a5a5a5a5a5a5au /* GUEST_ENUM_ABSENT */

/* The slots of a layout, one for each descriptor in order. */
struct llview_layout;
const uint64_t *llview_layout_slots(const struct llview_layout *l);

#endif

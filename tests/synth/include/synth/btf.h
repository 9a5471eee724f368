/* SPDX-License-Identifier: MIT */
/* BTF blobs for tests, well-formed or as a test wants them; format: include/uapi/linux/btf.h. */
#ifndef SCW_SYNTH_BTF_H
#define SCW_SYNTH_BTF_H

#include <stddef.h>
#include <stdint.h>

enum synth_btf_kind {
	SYNTH_BTF_INT = 1,
	SYNTH_BTF_PTR,
	SYNTH_BTF_ARRAY,
	SYNTH_BTF_STRUCT,
	SYNTH_BTF_UNION,
	SYNTH_BTF_ENUM,
	SYNTH_BTF_FWD,
	SYNTH_BTF_TYPEDEF,
	SYNTH_BTF_VOLATILE,
	SYNTH_BTF_CONST,
	SYNTH_BTF_RESTRICT,
	SYNTH_BTF_FUNC,
	SYNTH_BTF_FUNC_PROTO,
	SYNTH_BTF_VAR,
	SYNTH_BTF_DATASEC,
	SYNTH_BTF_FLOAT,
	SYNTH_BTF_DECL_TAG,
	SYNTH_BTF_TYPE_TAG,
	SYNTH_BTF_ENUM64,
};

enum {
	SYNTH_BTF_SIGNED = 1, /* encoding of an int */
};

struct synth_btf;

struct synth_btf *synth_btf_create(void);
void synth_btf_destroy(struct synth_btf *b);

/* The whole blob; belongs to `b`, valid until it changes. */
void *synth_btf_bytes(struct synth_btf *b, size_t *size_ret);

/* Offset of a string, added at need. */
uint32_t synth_btf_string(struct synth_btf *b, const char *s);

/* Begin any type; what follows its three words is added by synth_btf_word(). Returns its id. */
uint32_t synth_btf_type(struct synth_btf *b, const char *name, enum synth_btf_kind kind,
			uint32_t vlen, int flag, uint32_t size_or_type);
void synth_btf_word(struct synth_btf *b, uint32_t word);

/* The usual ones; all return the id. */
uint32_t synth_btf_int(struct synth_btf *b, const char *name, uint32_t size, uint32_t encoding);
uint32_t synth_btf_int_bits(struct synth_btf *b, const char *name, uint32_t size, uint32_t offset,
			    uint32_t bits);
uint32_t synth_btf_array(struct synth_btf *b, uint32_t element, uint32_t count);

/* A record is a synth_btf_type() of its vlen, followed by as many of these. */
void synth_btf_member(struct synth_btf *b, const char *name, uint32_t type, uint32_t bit_offset);
/* In a record with its flag set. */
void synth_btf_bit_member(struct synth_btf *b, const char *name, uint32_t type,
			  uint32_t bit_offset, uint32_t bits);
/* A whole struct of `count` members: of each the name, the type, and the offset in bytes. */
uint32_t synth_btf_record(struct synth_btf *b, const char *name, uint32_t size, uint32_t count, ...);
void synth_btf_enumerator(struct synth_btf *b, const char *name, int32_t value);
void synth_btf_enumerator64(struct synth_btf *b, const char *name, int64_t value);

/* A small kernel's types: see the source. */
void synth_btf_add_kernel(struct synth_btf *b);

#endif

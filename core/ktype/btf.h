/* SPDX-License-Identifier: MIT */
/*
 * BTF, the kernel's own type information (Documentation/bpf/btf.rst, include/uapi/linux/btf.h).
 * btf_build() checks a whole blob before anything is looked up in it, and makes an index of types
 * and names that a profile can hold. Look-ups check every index they follow, so that bytes that
 * were not built here give wrong answers at worst.
 */
#ifndef SCW_KTYPE_BTF_H
#define SCW_KTYPE_BTF_H

#include "ktype/ktype.h"

enum {
	BTF_SIZE_MAX = 128 << 20,
	BTF_TYPES_MAX = 4 << 20,
	BTF_DEPTH_MAX = 64,   /* typedefs, arrays and records within one another, by value */
	BTF_CHAIN_MAX = 4096, /* names of one hash; more is an attack */
	BTF_VISIT_MAX = 1 << 16, /* members that one look-up goes through */
};

/* What has a name: a type, or (item > 0) enumerator number item - 1 of an enum. */
struct btf_name {
	uint32_t type;
	uint32_t item;
	uint32_t next; /* next of the same hash (always a later one), or name_count */
};

struct btf {
	const uint8_t *bytes;
	uint32_t size;
	uint32_t types, types_size;	/* within bytes */
	uint32_t strings, strings_size; /* within bytes; ends with a NUL */
	uint32_t type_count;		/* ids 1 .. type_count; 0 is void */
	uint32_t name_count;
	uint32_t head_mask;
	uint32_t signs; /* enums say whether they are signed (BTF since 6.0); else all may be */
	const uint32_t *offsets;	/* [type_count + 1], within the types */
	const struct btf_name *names;
	const uint32_t *heads;		/* [head_mask + 1] */
};

/* An index being made; the arrays are owned, the bytes aren't. */
struct btf_build {
	struct btf t;
	uint32_t *offsets;
	struct btf_name *names;
	uint32_t *heads;
};

/*
 * Check `bytes` (raw BTF, which must not change as long as the result is used) whole and index it.
 * ERR_CORRUPT, ERR_UNSUPPORTED (other version or byte order, unknown kinds), ERR_NOMEM.
 */
enum err btf_build(struct base_alloc *alloc, const void *bytes, size_t size, struct btf_build *ret,
		   struct err_ctx *err) ERR_NODISCARD;
void btf_build_deinit(struct btf_build *b, struct base_alloc *alloc);

/*
 * Where within `bytes` raw BTF is: all of it, or the .BTF section of an ELF file. ERR_CORRUPT,
 * ERR_ABSENT for an ELF file without one.
 */
enum err btf_locate(const void *bytes, size_t size, size_t *offset_ret, size_t *size_ret,
		    struct err_ctx *err) ERR_NODISCARD;

/* Set .types to .strings_size of a blob whose index comes from a profile. */
enum err btf_read_header(struct btf *t, struct err_ctx *err) ERR_NODISCARD;

/* As the functions of the same names in ktype.h. */
enum err btf_sizeof(const struct btf *t, const char *type, uint64_t *ret) ERR_NODISCARD;
enum err btf_member(const struct btf *t, const char *type, const char *path,
		    struct ktype_member *ret) ERR_NODISCARD;
enum err btf_enum(const struct btf *t, const char *type, const char *name,
		  int64_t *ret) ERR_NODISCARD;

#endif

/* SPDX-License-Identifier: MIT */
/* What a struct ktype is; shared by ktype.c and profile.c. */
#ifndef SCW_KTYPE_INTERNAL_H
#define SCW_KTYPE_INTERNAL_H

#include "btf.h"
#include "ktype/ktype.h"
#include "symtab.h"

struct ktype {
	struct base_alloc *alloc;
	struct ktype_boot boot;
	struct symtab symbols;
	struct btf types;
	bool is_external; /* the symbols are those of a file */
	/* Owned, when the tables were made here; all zero over a borrowed profile. */
	struct symtab_build symbols_build;
	struct btf_build types_build;
	void *btf_bytes;
};

#endif

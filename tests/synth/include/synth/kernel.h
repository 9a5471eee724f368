/* SPDX-License-Identifier: MIT */
/*
 * A synthetic kernel in a synthetic guest: an image with symbols, types, page tables, and the
 * VMCOREINFO that leads there, in the layouts of several Linux releases.
 */
#ifndef SCW_SYNTH_KERNEL_H
#define SCW_SYNTH_KERNEL_H

#include "synth/btf.h"
#include "synth/synth.h"

#define SYNTH_TEXT 0xffffffff81000000u /* _stext before it is slid */

/* How the kallsyms tables are laid out, by the first release that has it so. */
enum synth_kallsyms {
	SYNTH_KALLSYMS_4_20, /* old order; VMCOREINFO doesn't say where */
	SYNTH_KALLSYMS_6_0,  /* old order */
	SYNTH_KALLSYMS_6_4,  /* tokens before offsets */
	SYNTH_KALLSYMS_6_15, /* per-CPU symbols in the image: offsets are unsigned */
	SYNTH_KALLSYMS_7_0,  /* offsets are relative to their own place */
	SYNTH_KALLSYMS_WHOLE, /* 64-bit addresses instead of offsets */
	SYNTH_KALLSYMS_LAYOUTS,
};

struct synth_symbol {
	const char *name;
	char type;
	uint64_t address; /* not slid; below 4 GiB: absolute (per-CPU until 6.14) */
};

struct synth_kernel {
	const char *release;	/* NULL: "6.1.0-synth" */
	const char *build_id;	/* 40 hexadecimal digits; NULL: VMCOREINFO has none */
	uint64_t kaslr;		/* a multiple of 2 MiB */
	enum synth_kallsyms layout;
	const struct synth_symbol *symbols; /* more than the built-in ones, in any order */
	size_t symbol_count;
	struct synth_btf *btf;	/* NULL: the built-in types; not consumed */
	bool no_btf;
	bool no_trampoline;	/* as if an earlier boot's */
	size_t image_size;	/* 0: 4 MiB; a multiple of 2 MiB */
};

/* Where things came to lie. */
struct synth_kernel_places {
	uint64_t vmcoreinfo; /* guest-physical */
	uint64_t image;	     /* guest-physical */
	uint64_t names, num_syms, token_table, token_index, offsets, relative_base, addresses;
	uint64_t btf, btf_size;
	uint64_t free; /* first unused address of the image, for a test's own data */
};

/* Lay a kernel into `s`, whose kernel address space becomes its. */
void synth_kernel_add(struct synth *s, const struct synth_kernel *k,
		      struct synth_kernel_places *ret);

/* The symbols that each has: name and address before sliding. */
extern const struct synth_symbol synth_symbols[];
extern const size_t synth_symbol_count;

#endif

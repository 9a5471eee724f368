/* SPDX-License-Identifier: MIT */
/* What tests of the procfs start from: a synthetic kernel with its own types, found and ready to be read. */
#ifndef SCW_PROCFS_TESTS_SYNTHETIC_H
#define SCW_PROCFS_TESTS_SYNTHETIC_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "guest/pages.h"
#include "ktype/ktype.h"
#include "llview/guest.h"
#include "procfs/procfs.h"
#include "synth/kernel.h"
#include "vfs/vfs.h"

/* Memory of the test's own: behind the image, which is in large pages that synth_write() doesn't write to. */
#define AT(offset) (SYNTH_TEXT + 0x400000u + (offset))

struct synthetic {
	struct synth *s;
	struct synth_btf *types;
	struct base_alloc alloc;
	struct guest_pages *pages;
	struct ktype *k;
	struct llview_layout *layout;
	struct llview_guest *guest; /* made by the test, over `pages` or over its own */
};

/*
 * The kernel that says `types` (owned from now on) and `symbols` of itself, with mapped memory from AT(0) on;
 * how it's read is told by `flags` (SYNTH_MAP ...).
 */
void synthetic_init(struct synthetic *g, struct synth_btf *types,
		    const struct synth_symbol *symbols, size_t count, unsigned int flags);
/* Checks that everything was given back. */
void synthetic_deinit(struct synthetic *g);

/* A record of the guest's types, for those who have many of them. */
struct synthetic_member {
	const char *name;
	uint32_t offset;
	const char *type; /* "u8" ... "u64", "ptr", "charN", "wordsN" (of 32 bits), or a record before this one, or "RECORD[]", "RECORD[N]" */
	uint32_t bits;	  /* of a bit-field; its offset is in bits then */
};
enum { SYNTHETIC_MEMBERS = 64 };
struct synthetic_record {
	const char *name;
	uint32_t size;
	struct synthetic_member members[SYNTHETIC_MEMBERS];
};
struct synth_btf *synthetic_types(const struct synthetic_record *records, size_t count);

int synthetic_open(struct procfs *fs, const char *path, struct vfs_file **ret);

#endif

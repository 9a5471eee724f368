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

int synthetic_open(struct procfs *fs, const char *path, struct vfs_file **ret);

#endif

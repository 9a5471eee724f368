/* SPDX-License-Identifier: MIT */
/*
 * The guest's /proc as a vfs: every file is rebuilt from the guest's memory when it is read.
 * Byte for byte what the guest's kernel would print to a root reader in the initial namespaces.
 */
#ifndef SCW_PROCFS_PROCFS_H
#define SCW_PROCFS_PROCFS_H

#include "base/alloc.h"
#include "base/err.h"
#include "vfs/vfs.h"

struct llview_guest;
struct procfs;

/*
 * A /proc over `guest`, which is borrowed with `alloc` and must outlive the result. Reads nothing
 * yet. One thread at a time (a door serialises).
 */
enum err procfs_create(struct base_alloc *alloc, struct llview_guest *guest, struct procfs **ret,
		       struct err_ctx *err) ERR_NODISCARD;
void procfs_destroy(struct procfs *p);

/* Its vfs, rooted at what the guest calls /proc; owned by `p`. */
struct vfs *procfs_vfs(struct procfs *p);

#endif

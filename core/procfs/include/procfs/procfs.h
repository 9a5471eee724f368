/* SPDX-License-Identifier: MIT */
/*
 * The guest's /proc as a vfs: every file is rebuilt from the guest's memory when it is read.
 * Byte for byte what the guest's kernel would print to a root reader in the initial namespaces.
 */
#ifndef SCW_PROCFS_PROCFS_H
#define SCW_PROCFS_PROCFS_H

#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "vfs/vfs.h"

struct ktype;
struct llview_guest;
struct procfs;

/*
 * A /proc over `guest`, which is borrowed with `alloc` and must outlive the result. Reads nothing
 * yet. One thread at a time (a door serialises).
 */
enum err procfs_create(struct base_alloc *alloc, struct llview_guest *guest, struct procfs **ret,
		       struct err_ctx *err) ERR_NODISCARD;
void procfs_destroy(struct procfs *p);

/*
 * Where names of the kernel's functions come from, for wchan: asked when first needed, NULL when
 * there are none (wchan then says "0"). `ctx` is passed on; the result must outlive `p`.
 */
typedef const struct ktype *procfs_names_fn(void *ctx);
void procfs_use_names(struct procfs *p, procfs_names_fn *fn, void *ctx);

/*
 * Who is to be told when a file, listing or call failed for a reason that isn't the guest's to give: its memory
 * can't be had (ERR_GONE, ERR_LIMIT, ERR_NOMEM, ERR_IO, ...), or there was no end to a walk (ERR_LIMIT). The file
 * says EIO then, which tools take for many things: what they print isn't whole.
 */
typedef void procfs_failed_fn(void *ctx, enum err e);
void procfs_use_failed(struct procfs *p, procfs_failed_fn *fn, void *ctx);

/*
 * What was found out by looking at the kernel's code, as bytes to keep for the next procfs over the same
 * kernel (of the same build id). Loading ignores what it doesn't know; saving gives 0 when there is nothing
 * that wasn't loaded.
 */
enum {
	PROCFS_NOTES_SIZE = 48,
};
size_t procfs_notes_size(void); /* of all that can be loaded */
void procfs_notes_load(struct procfs *p, const void *bytes, size_t size);
size_t procfs_notes_save(const struct procfs *p, uint8_t ret[PROCFS_NOTES_SIZE]);

/* Its vfs, rooted at what the guest calls /proc; owned by `p`. */
struct vfs *procfs_vfs(struct procfs *p);

#endif

// SPDX-License-Identifier: MIT
/*
 * What ties the libc door to a guest: at the first look at /proc, attach to the VM that the
 * environment names and put its procfs there. Linked into the preload library and by scw-cc.
 */
#include <stdlib.h>
#include <string.h>

#include "attach/attach.h"
#include "attach/share.h"
#include "door/door.h"
#include "procfs/procfs.h"

static struct attach *guest;
static struct procfs *procfs;
static struct share_totals *share;

static bool preload_wanted(void)
{
	return getenv(ATTACH_ENV_VM) != NULL;
}

static int fail(const struct err_ctx *err, enum err e, char *message, size_t size)
{
	if (err->code)
		err_describe(err, message, size);
	else
		strncpy(message, err_name(e), size - 1);
	return err_to_errno(e);
}

/* Where the names of functions come from that /proc/PID/wchan shows. */
static const struct ktype *kernel_names(void *ctx)
{
	const struct ktype *k;

	return attach_ktype(ctx, &k, NULL) ? NULL : k;
}

/* Finding these out costs more than the rest of a small tool. */
static void load_notes(void)
{
	uint8_t notes[PROCFS_NOTES_SIZE];
	size_t size = procfs_notes_size();

	if (attach_note_read(guest, "facts", notes, size))
		procfs_notes_load(procfs, notes, size);
}

static void save_notes(void)
{
	uint8_t notes[PROCFS_NOTES_SIZE];
	size_t size = procfs_notes_save(procfs, notes);

	if (size)
		attach_note_write(guest, "facts", notes, size);
}

static int preload_attach(char *message, size_t size)
{
	struct attach_opts opts = {.program = SCW_PROGRAM};
	struct err_ctx err = {0};
	enum err e;
	int r;

	message[0] = message[size - 1] = '\0';
	share = share_find();
	e = attach_open(&opts, &guest, &err);
	if (e && share)
		share_fail(share, e);
	if (e)
		return fail(&err, e, message, size);
	e = procfs_create(&guest->alloc, guest->guest, &procfs, &err);
	if (!e) {
		procfs_use_names(procfs, kernel_names, guest);
		load_notes();
	}
	r = e ? fail(&err, e, message, size) : door_mount("/proc", procfs_vfs(procfs));
	if (r) {
		procfs_destroy(procfs);
		attach_close(guest);
		procfs = NULL;
		guest = NULL;
		return r;
	}
	return 0;
}

/* What happened before the fork is the parent's to report. */
static void preload_fork_child(void)
{
	if (!guest)
		return;
	if (guest->session) {
		guest->session->forked(guest->session);
		return;
	}
	memset(&source_phys(guest->source)->stats, 0, sizeof(struct guest_phys_stats));
	memset(&guest->pages->stats, 0, sizeof(guest->pages->stats));
}

/* The kernel frees everything; only the figures have to be saved. */
static void __attribute__((destructor)) preload_end(void)
{
	enum err e;

	if (guest)
		save_notes();
	if (!guest)
		return;
	if (share) {
		share_add(share, guest);
		e = guest->session ? attach_alive(guest, NULL) : ERR_OK;
		if (e)
			share_fail(share, e);
	}
	if (guest->session)
		guest->session->leave(guest->session);
}

const struct door_ops door_ops = {
	.attach = preload_attach,
	.fork_child = preload_fork_child,
	.wanted = preload_wanted,
};

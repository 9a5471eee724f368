// SPDX-License-Identifier: MIT
/*
 * What ties the libc door to a guest: at the first look at /proc, attach to the VM that the
 * environment names and put its procfs there. Linked into the preload library and by scw-cc.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "attach/attach.h"
#include "attach/share.h"
#include "attach/start.h"
#include "cli.h"
#include "door/door.h"
#include "procfs/procfs.h"

static struct attach *guest;
static struct procfs *procfs;
static struct share_totals *share;
static enum err failed; /* what was read of the guest isn't whole */
static bool watched;	/* somebody looks at the guest when we have ended */
static char *vm;
static int start; /* attach_start_inherited() */

/* A session may be handed to us: what we start has no business in it. */
static bool preload_wanted(void)
{
	start = attach_start_inherited();
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

static void note_failure(void *ctx, enum err e)
{
	(void)ctx;
	failed = e;
	/* at once: not every program comes to its end by way of our destructor */
	if (share)
		share_fail(share, e);
}

/*
 * A tool that nobody watches must not end as if all were well when what it read wasn't whole. `scwatcher run`
 * looks at the guest itself when it ends, and at the page of figures if there is one.
 */
static void complain(enum err e, const struct err_ctx *err)
{
	char text[512];

	if (err->code)
		err_describe(err, text, sizeof(text));
	else
		snprintf(text, sizeof(text), "%s", err_of_guest(e));
	fflush(NULL);
	dprintf(STDERR_FILENO, "scwatcher: %s: %s\nscwatcher: what %s printed may be incomplete\n",
		vm ? vm : "guest", text, program_invocation_short_name);
	_exit(STATUS_RUN_GONE);
}

/*
 * The kernel frees everything; only the figures have to be saved. Before what the program itself does at its end:
 * many close standard error there.
 */
static void preload_end(void)
{
	struct err_ctx err = {0};
	enum err e = failed;

	if (!guest)
		return;
	save_notes();
	/* not attach_alive() of one that isn't sealed: that looks into /proc, which is the guest's here */
	if (guest->session)
		e = attach_alive(guest, &err);
	else if (!watched && (!e || e == ERR_GONE))
		e = source_alive(guest->source, &err);
	if (!e)
		e = failed;
	if (share) {
		share_add(share, guest);
		if (e)
			share_fail(share, e);
	}
	if (guest->session) {
		attach_trail_keep(guest);
		guest->session->leave(guest->session);
	}
	if (e && !share && !(watched && e == ERR_GONE))
		complain(e, &err);
}

static int preload_attach(char *message, size_t size)
{
	struct attach_opts opts = {.program = SCW_PROGRAM, .start = start};
	struct err_ctx err = {0};
	enum err e;
	int r;

	start = 0;
	message[0] = message[size - 1] = '\0';
	share = share_find();
	watched = share || getenv(ATTACH_ENV_HANDOVER);
	vm = strdup(getenv(ATTACH_ENV_VM));
	e = attach_open(&opts, &guest, &err);
	if (e && share)
		share_fail(share, e);
	if (e)
		return fail(&err, e, message, size);
	e = procfs_create(&guest->alloc, guest->guest, &procfs, &err);
	if (!e) {
		procfs_use_names(procfs, kernel_names, guest);
		procfs_use_failed(procfs, note_failure, NULL);
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
	atexit(preload_end);
	return 0;
}

/* What happened before the fork is the parent's to report. */
static void preload_fork_child(void)
{
	if (start)
		close(start);
	start = 0;
	if (!guest)
		return;
	if (guest->session) {
		guest->session->forked(guest->session);
		return;
	}
	memset(&source_phys(guest->source)->stats, 0, sizeof(struct guest_phys_stats));
	memset(&guest->pages->stats, 0, sizeof(guest->pages->stats));
}

const struct door_ops door_ops = {
	.attach = preload_attach,
	.fork_child = preload_fork_child,
	.wanted = preload_wanted,
};

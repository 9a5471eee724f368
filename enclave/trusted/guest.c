// SPDX-License-Identifier: MIT
/*
 * The guest's /proc inside: a session, the guest's kernel, and procfs. Layouts are those that the signer has measured
 * for this kernel, else read anew in each run, from sealed pages, by what the kernel says of itself: a profile
 * kept by the host would be the host's word.
 */
#include <stdio.h>
#include <string.h>

#include "attach/accept.h"
#include "blocks.h"
#include "config/config.h"
#include "link.h"
#include "llview/guest.h"
#include "procfs/procfs.h"
#include "sealed/pages.h"
#include "trusted/files.h"
#include "trusted/guest.h"
#include "trusted/proxy.h"
#include "trusted/runtime.h"

enum {
	PAGES_MIN = 1024,
	PAGES_MAX = 1 << 17,
	FRESHNESS_NS = 1000000000,
	CODE_INCOMPLETE = 125, /* as `scwatcher run` ends then */
};

static struct {
	bool tried;
	struct base_alloc alloc;
	struct link *link;
	struct guest_pages *pages;
	struct ktype_boot boot;
	struct ktype *ktype; /* NULL: not read, or not yet */
	bool tried_ktype;
	struct llview_layout *layout;
	struct llview_guest *guest;
	struct procfs *procfs;
	enum err failed; /* why something of the guest wasn't to be had, last */
} g;

static enum err read_kernel(struct err_ctx *err)
{
	g.tried_ktype = true;
	return ktype_create(&g.alloc, g.pages, &g.boot, &(struct ktype_external){0}, &g.ktype, err);
}

/* Few files need them. */
static const struct ktype *kernel_names(void *ctx)
{
	(void)ctx;
	if (!g.tried_ktype && read_kernel(NULL))
		return NULL;
	return g.ktype;
}

/* What the signer knows of this kernel. */
static bool find_layout(void)
{
	static const char folder[] = "/etc/scwatcher/kernels/";
	const struct config *c = trusted_settings();

	for (size_t i = 0; i < c->file_count; i++) {
		const struct config_file *f = &c->files[i];

		if (f->path.size > strlen(folder) && !memcmp(f->path.text, folder, strlen(folder)) &&
		    llview_layout_import(&g.alloc, f->data, f->size, &g.boot, &g.layout) == ERR_OK)
			return true;
	}
	return false;
}

static enum err make_layout(struct err_ctx *err)
{
	enum err e;

	if (find_layout())
		return ERR_OK;
	e = read_kernel(err);
	if (!e && llview_layout_create(&g.alloc, g.ktype, &g.layout))
		e = err_set(err, ERR_NOMEM, "can't resolve the layouts of this kernel");
	return e;
}

static enum err open_pages(struct err_ctx *err)
{
	const struct config *c = trusted_settings();
	size_t pages = trusted_heap_size() / 2 / 4096;
	struct sealed_options o = {
		.cache_pages = pages < PAGES_MIN ? PAGES_MIN : pages > PAGES_MAX ? PAGES_MAX : pages,
		.freshness_ns = FRESHNESS_NS,
		.readahead = SEALED_READAHEAD,
		.image_readahead = SEALED_IMAGE_READAHEAD,
	};
	enum err e = channel_library_init(err);

	if (!e && !c->has_device_key)
		e = err_set(err, ERR_PERM,
			    "the enclave has no memory device's key in its configuration: sign it "
			    "with one");
	if (!e && !trusted_info()->vm[0])
		e = err_set(err, ERR_INVAL, "no VM is named");
	if (!e)
		e = link_open(&g.alloc, trusted_info()->vm, c->device_key, &g.link, err);
	if (e)
		return e;
	o.generation = link_accept(g.link)->generation;
	accept_to_boot(link_accept(g.link), &g.boot);
	e = sealed_pages_create(&g.alloc, link_sealed(g.link), &o, &g.pages, err);
	if (!e && link_asked(g.link))
		sealed_pages_adopt(g.pages, 1, link_asked(g.link));
	else if (!e)
		e = guest_pages_epoch(g.pages, err);
	if (!e && link_trail(g.link))
		sealed_pages_follow(g.pages, link_trail(g.link));
	return e;
}

/*
 * What a run of so many round trips missed, for the next one. Keeping it is an exit, so only if that saves some: an epoch
 * takes two round trips at best, for what is followed, and for the hints of the first walk; but one when all of it
 * was asked for at the start.
 */
static void keep_trail(uint64_t round_trips)
{
	static struct guest_trail t;
	bool differs = sealed_pages_trail(g.pages, &t);

	if (link_learn(g.link) || (differs && round_trips > 2 * g.pages->stats.epochs - (link_asked(g.link) ? 1 : 0)))
		link_keep(g.link, &t);
}

static void note_failure(void *ctx, enum err e)
{
	(void)ctx;
	g.failed = e;
}

enum err trusted_guest_open(struct err_ctx *err)
{
	enum err e;

	g.tried = true;
	blocks_init(&g.alloc, trusted_heap_size() / 4 * 3);
	e = open_pages(err);
	if (!e)
		e = make_layout(err);
	if (!e && llview_guest_create(&g.alloc, g.layout, g.pages, NULL, &g.guest))
		e = err_set(err, ERR_NOMEM, "out of memory");
	if (!e)
		e = procfs_create(&g.alloc, g.guest, &g.procfs, err);
	if (e) {
		trusted_guest_close();
		return e;
	}
	procfs_use_names(g.procfs, kernel_names, NULL);
	procfs_use_failed(g.procfs, note_failure, NULL);
	return ERR_OK;
}

void trusted_guest_close(void)
{
	procfs_destroy(g.procfs);
	llview_guest_destroy(g.guest);
	llview_layout_destroy(g.layout);
	ktype_destroy(g.ktype);
	guest_pages_destroy(g.pages);
	link_close(g.link);
	g.procfs = NULL;
	g.guest = NULL;
	g.layout = NULL;
	g.ktype = NULL;
	g.pages = NULL;
	g.link = NULL;
}

static void say(const char *start, const char *why)
{
	char text[512];
	int size = snprintf(text, sizeof(text), "scwatcher: %s%s\n", start, why);

	(void)!trusted_say(text, (size_t)size < sizeof(text) ? (size_t)size : sizeof(text) - 1);
}

/*
 * Once: a program that finds no /proc goes on without one. It doesn't end well then, unless nobody meant it to read a guest.
 */
struct vfs *trusted_vfs(void)
{
	struct err_ctx err = {0};
	char why[320];
	enum err e;

	if (!g.tried) {
		e = trusted_guest_open(&err);
		if (e) {
			err_describe(&err, why, sizeof(why));
			say("can't read the guest: ", why);
		}
		if (e && trusted_settings()->has_device_key && trusted_info()->vm[0])
			g.failed = e;
	}
	return g.procfs ? procfs_vfs(g.procfs) : NULL;
}

int trusted_vfs_end(int code, bool locked)
{
	struct err_ctx err = {0};
	char why[320];

	if (g.procfs) {
		uint64_t round_trips = sealed_pages_stats(g.pages).round_trips;

		if (locked && !g.failed)
			g.failed = guest_pages_verify(g.pages, &err);
		if (locked && !g.failed)
			keep_trail(round_trips);
		if (err.code)
			err_describe(&err, why, sizeof(why));
		if (g.failed)
			say("the guest: ", err.code ? why : err_of_guest(g.failed));
		if (g.failed == ERR_LIMIT || g.failed == ERR_NOMEM)
			say("the memory is what the program was signed with: --heap", "");
	}
	if (!g.failed)
		return code;
	say("what the program printed may be incomplete", "");
	return CODE_INCOMPLETE;
}

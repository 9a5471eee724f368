// SPDX-License-Identifier: MIT
/*
 * The steps from a VM's name to a guest that can be read. Each step first tries what is remembered
 * (from the environment, then from the cache), checks it against the guest, and does without it
 * when the check fails.
 */
#include "attach/attach.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attach/cache.h"
#include "attach/vms.h"
#include "instance.h"
#include "place.h"

#define MIB ((size_t)1 << 20)

enum {
	CACHE_PAGES = 1 << 17,	/* of a guest that must be copied, in one file: 512 MiB, 100,000 sockets */
	EXTERNAL_MAX = 1 << 28, /* bytes of an external BTF file or System.map */
};

struct attach_private {
	struct attach_opts opts;
	char *program;
	struct instance known;	/* what is true now, as it would be remembered */
	char vm[PATH_MAX];	/* the VM argument, for programs started from here */
	struct ktype *ktype;
	const void *profile;	/* mapped, used by ktype in place */
	size_t profile_size;
	int profile_fd;		/* memfd with the profile when it isn't in the cache; -1 */
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* ---- its memory, and the kernel in it ---- */

static enum err make_pages(struct attach *a, struct err_ctx *err)
{
	enum err e;

	if (a->pages)
		a->pages->ops->destroy(a->pages);
	a->pages = NULL;
	e = guest_walk_pages_create(&a->alloc, source_phys(a->source), &a->boot.paging,
				    source_copies(a->source) ? CACHE_PAGES : 64, &a->pages);
	return e ? err_set(err, e, "out of memory") : ERR_OK;
}

/* ---- what the kernel knows of itself ---- */

static void build_id_name(const struct ktype_boot *b, const char *suffix, char name[128])
{
	size_t n = 0;

	for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE; i++)
		n += (size_t)snprintf(name + n, 128 - n, "%02x", b->build_id[i]);
	snprintf(name + n, 128 - n, "%s", suffix);
}

static bool may_cache(const struct attach *a)
{
	const struct attach_opts *o = &a->private->opts;

	return !o->no_cache && !a->private->known.external && a->boot.has_build_id;
}

static bool load_profile(struct attach *a, const char *path)
{
	struct attach_private *p = a->private;
	struct err_ctx ignored = {0};

	if (!cache_map(path, &p->profile, &p->profile_size))
		return false;
	if (ktype_load(&a->alloc, p->profile, p->profile_size, &a->boot, &p->ktype, &ignored) ==
	    ERR_OK) {
		snprintf(p->known.profile, sizeof(p->known.profile), "%s", path);
		return true;
	}
	munmap((void *)p->profile, p->profile_size);
	p->profile = NULL;
	return false;
}

static enum err map_external(const char *path, const void **ret, size_t *size_ret,
			     struct err_ctx *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	void *map;

	if (fd < 0)
		return err_set_errno(err,
				     errno == ENOENT ? ERR_ABSENT :
				     errno == EACCES ? ERR_PERM : ERR_IO,
				     errno, "can't open %.150s", path);
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size == 0 ||
	    st.st_size > EXTERNAL_MAX) {
		close(fd);
		return err_set(err, ERR_INVAL, "%.150s can't be used: empty, too large, or no file",
			       path);
	}
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return err_set_errno(err, ERR_IO, errno, "can't map %.150s", path);
	*ret = map;
	*size_ret = (size_t)st.st_size;
	return ERR_OK;
}

static enum err read_kernel(struct attach *a, struct err_ctx *err)
{
	struct attach_private *p = a->private;
	struct ktype_external x = {.btf_name = p->opts.btf, .symbols_name = p->opts.symbols};
	const void *symbols = NULL;
	enum err e = ERR_OK;

	if (p->opts.btf)
		e = map_external(p->opts.btf, &x.btf, &x.btf_size, err);
	if (!e && p->opts.symbols)
		e = map_external(p->opts.symbols, &symbols, &x.symbols_size, err);
	x.symbols = symbols;
	if (!e)
		e = ktype_create(&a->alloc, a->pages, &a->boot, &x, &p->ktype, err);
	if (x.btf)
		munmap((void *)x.btf, x.btf_size);
	if (symbols)
		munmap((void *)symbols, x.symbols_size);
	return e;
}

static void save_profile(struct attach *a, const char *path)
{
	struct attach_private *p = a->private;
	size_t size;
	void *bytes;

	if (ktype_save(p->ktype, &a->alloc, &bytes, &size) != ERR_OK)
		return;
	if (cache_write(path, bytes, size))
		snprintf(p->known.profile, sizeof(p->known.profile), "%s", path);
	base_free(&a->alloc, bytes);
}

enum err attach_ktype(struct attach *a, const struct ktype **ret, struct err_ctx *err)
{
	struct attach_private *p = a->private;
	char name[128], path[PATH_MAX];
	bool cached;
	enum err e;

	if (p->ktype) {
		*ret = p->ktype;
		return ERR_OK;
	}
	build_id_name(&a->boot, "", name);
	cached = may_cache(a) && cache_path(path, "profiles", name);
	/* what was handed over may lie elsewhere than in a cache of ours */
	a->stats.known_kernel =
		(a->stats.handed_over && p->known.profile[0] && load_profile(a, p->known.profile)) ||
		(cached && load_profile(a, path));
	if (!a->stats.known_kernel) {
		e = read_kernel(a, err);
		if (e)
			return e;
		if (cached)
			save_profile(a, path);
	}
	*ret = p->ktype;
	return ERR_OK;
}

static bool load_layout(struct attach *a, const char *path)
{
	const void *bytes;
	size_t size;
	enum err e;

	if (!cache_map(path, &bytes, &size))
		return false;
	e = llview_layout_load(&a->alloc, bytes, size, a->boot.kaslr, &a->layout);
	munmap((void *)bytes, size);
	return e == ERR_OK;
}

static enum err make_layout(struct attach *a, struct err_ctx *err)
{
	struct attach_private *p = a->private;
	char name[128], suffix[80], path[PATH_MAX];
	const struct ktype *k;
	bool cached;
	size_t size;
	void *bytes;
	enum err e;

	/* another build has a file of its own, which neither believes the other's nor replaces it */
	snprintf(suffix, sizeof(suffix), ".%.50s-%016llx", p->program,
		 (unsigned long long)llview_layout_questions());
	build_id_name(&a->boot, suffix, name);
	cached = may_cache(a) && cache_path(path, "profiles", name);
	if (cached && load_layout(a, path)) {
		a->stats.known_layout = true;
		/* nobody needs the profile yet, so nobody pays for it */
		a->stats.known_kernel = true;
		return ERR_OK;
	}
	e = attach_ktype(a, &k, err);
	if (!e)
		e = llview_layout_create(&a->alloc, k, &a->layout);
	if (e)
		return err_set(err, e, "can't resolve the layouts of this kernel");
	if (cached && llview_layout_save(a->layout, &a->alloc, &bytes, &size) == ERR_OK) {
		cache_write(path, bytes, size);
		base_free(&a->alloc, bytes);
	}
	return ERR_OK;
}

static bool note_path(const struct attach *a, const char *what, char path[PATH_MAX])
{
	char name[128], suffix[64];

	snprintf(suffix, sizeof(suffix), ".%.20s-%016llx", what,
		 (unsigned long long)llview_layout_questions());
	build_id_name(&a->boot, suffix, name);
	return may_cache(a) && cache_path(path, "profiles", name);
}

bool attach_note_read(const struct attach *a, const char *what, void *buf, size_t size)
{
	char path[PATH_MAX];
	const void *bytes;
	size_t there;

	if (!note_path(a, what, path) || !cache_map(path, &bytes, &there))
		return false;
	if (there == size)
		memcpy(buf, bytes, size);
	munmap((void *)bytes, there);
	return there == size;
}

void attach_note_write(const struct attach *a, const char *what, const void *bytes, size_t size)
{
	char path[PATH_MAX];

	if (note_path(a, what, path))
		cache_write(path, bytes, size);
}

/* ---- which pages were missed ---- */

struct trail_note {
	uint64_t generation; /* of the guest: addresses are of one boot */
	struct guest_trail trail;
};

/* Of this VM, by its name, and of programs called as this one is. */
static void trail_name(const struct attach *a, char name[20])
{
	const char *texts[] = {a->private->vm, program_invocation_short_name};
	uint32_t hash = 2166136261; /* FNV-1a */

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		for (const char *c = texts[i]; *c; c++)
			hash = (hash ^ (unsigned char)*c) * 16777619;
	}
	snprintf(name, 20, "trail-%08x", hash);
}

static void follow_trail(struct attach *a)
{
	struct trail_note n;
	char name[20];

	trail_name(a, name);
	if (attach_note_read(a, name, &n, sizeof(n)) && n.generation == a->session->generation)
		a->session->follow(a->session, &n.trail);
}

void attach_trail_keep(const struct attach *a)
{
	const struct attach_session *s = a->session;
	struct trail_note n = {0};
	char name[20];

	if (s && may_cache(a))
		s->keep(s);
	if (!s || !a->session->trail(a->session, &n.trail))
		return;
	n.generation = a->session->generation;
	trail_name(a, name);
	attach_note_write(a, name, &n, sizeof(n));
}

/* ---- all together ---- */

/* A kernel found by its looks: now that its symbols are known, make the placement exact. */
static enum err settle(struct attach *a, struct err_ctx *err)
{
	const struct ktype *k;
	bool changed = false;
	enum err e = attach_ktype(a, &k, err);

	if (e)
		return e;
	e = source_settle(a->source, &a->alloc, k, &a->boot, &changed, NULL);
	/* a kernel that doesn't tell leaves us with the placement that its page tables confirm */
	if (e && e != ERR_ABSENT)
		return err_set(err, e, "can't find out where the guest's memory is");
	return changed ? make_pages(a, err) : ERR_OK;
}

/* Find the kernel in the backing a->private->known: where it was last time, or by a search. */
static enum err find_kernel(struct attach *a, const struct instance *handed, bool *at_rest_ret,
			    struct err_ctx *err)
{
	struct attach_private *p = a->private;
	struct instance cached;
	uint64_t t = now_ns();
	bool done = false, before = false;
	enum err e = ERR_OK;

	*at_rest_ret = false;
	if (handed) {
		/* if this isn't it, the caller starts anew */
		e = place_open_known(handed, &a->source, &a->boot, &done, err);
		if (!e && !done)
			e = ERR_TORN;
		a->stats.handed_over = done;
	} else if (!p->opts.no_cache && place_load(&p->known, &cached)) {
		before = true;
		e = place_open_known(&cached, &a->source, &a->boot, &done, err);
		if (done && p->known.is_file) {
			p->known.vmm = cached.vmm;
			p->known.vmm_start = cached.vmm_start;
			/* nobody had it mapped, and nobody has written to it since */
			*at_rest_ret = !cached.vmm && cached.mtime_ns == p->known.mtime_ns;
		}
	}
	a->stats.known_instance = done;
	a->stats.place_ns = now_ns() - t;
	if (e || done)
		return e;
	t = now_ns();
	e = place_open(&p->known, &a->source, err);
	a->stats.open_ns += now_ns() - t;
	if (e)
		return e;
	t = now_ns();
	e = source_place(a->source, &a->boot, err);
	a->stats.place_ns = now_ns() - t;
	return !e && before ? place_not_left_behind(&cached.boot, &a->boot, err) : e;
}

static enum err attach_backing(struct attach *a, const struct instance *handed,
			       struct err_ctx *err)
{
	struct attach_private *p = a->private;
	bool fresh, at_rest, look_in;
	enum err e = find_kernel(a, handed, &at_rest, err);
	uint64_t t = now_ns();

	if (e)
		return e;
	fresh = !a->stats.known_instance;
	/* a kernel that was read before can be read again, by whom it is handed over to */
	look_in = fresh || !p->opts.find_only || p->known.external;
	if (look_in)
		e = make_pages(a, err);
	if (!e && fresh)
		e = settle(a, err);
	if (!e && look_in)
		e = make_layout(a, err);
	if (e)
		return e;
	if (!at_rest)
		place_find_vmm(a->source, &p->known);
	a->vmm = p->known.vmm;
	e = source_watch(a->source, a->vmm, &a->boot, err);
	if (!e && look_in)
		e = llview_guest_create(&a->alloc, a->layout, a->pages, NULL, &a->guest);
	a->stats.kernel_ns = now_ns() - t;
	if (e)
		return e;
	place_note(a->source, &a->boot, &p->known);
	if (fresh && !p->opts.no_cache)
		place_save(&p->known);
	return ERR_OK;
}

static struct attach *create(const struct attach_opts *opts)
{
	struct attach *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->private = calloc(1, sizeof(*a->private));
	if (!a->private) {
		free(a);
		return NULL;
	}
	base_alloc_init(&a->alloc, 1024 * MIB);
	a->private->opts = *opts;
	a->private->profile_fd = -1;
	a->private->program = strdup(opts->program ? opts->program : "any");
	if (!a->private->program) {
		attach_close(a);
		return NULL;
	}
	return a;
}

/* With what `scwatcher run` found, if we were started by it and all of that is still true. */
static enum err open_handed_over(const struct attach_opts *opts, struct attach **ret)
{
	const char *text = getenv(ATTACH_ENV_HANDOVER);
	struct instance *known;
	struct attach *a;
	uint64_t start;
	enum err e = ERR_ABSENT;

	if (!text)
		return ERR_ABSENT;
	known = malloc(sizeof(*known));
	a = create(opts);
	if (known && a && instance_parse(text, known) &&
	    (known->is_file ||
	     (vms_start_time(known->pid, &start) && start == known->start))) {
		a->private->known = *known;
		e = attach_backing(a, known, NULL);
	}
	free(known);
	if (e) {
		attach_close(a);
		return e;
	}
	*ret = a;
	return ERR_OK;
}

/* ---- a guest behind a memory device ---- */

/* What the environment says; ATTACH_MAPPED when it says nothing. */
static enum err sealed_from_env(struct attach_sealed *ret, struct err_ctx *err)
{
	const char *carrier = getenv(ATTACH_ENV_SEALED);
	const char *freshness = getenv(ATTACH_ENV_FRESHNESS);

	*ret = (struct attach_sealed){.freshness_ms = -1};
	if (!carrier)
		return ERR_OK;
	if (!attach_carrier_from_name(carrier, &ret->carrier))
		return err_set(err, ERR_INVAL, ATTACH_ENV_SEALED " names no carrier: %.40s",
			       carrier);
	ret->device = getenv(ATTACH_ENV_DEVICE);
	ret->pin = getenv(ATTACH_ENV_PIN);
	ret->identity = getenv(ATTACH_ENV_IDENTITY);
	if (freshness)
		ret->freshness_ms = strtoll(freshness, NULL, 10);
	return ERR_OK;
}

static enum err attach_device(struct attach *a, struct err_ctx *err)
{
	uint64_t t = now_ns();
	enum err e;

	if (a->private->opts.find_only)
		return attach_sealed_look(&a->sealed, err);
	e = attach_session_open(&a->alloc, &a->sealed, a->private->vm, &a->session, err);
	a->stats.session_ns = now_ns() - t;
	if (e)
		return e;
	t = now_ns();
	a->boot = a->session->boot;
	a->pages = a->session->pages;
	e = guest_pages_epoch(a->pages, err);
	if (!e) {
		/* it is on its way while we go on */
		follow_trail(a);
		e = make_layout(a, err);
	}
	if (!e)
		e = llview_guest_create(&a->alloc, a->layout, a->pages, NULL, &a->guest);
	a->stats.kernel_ns = now_ns() - t;
	return e;
}

enum err attach_open(const struct attach_opts *opts, struct attach **ret, struct err_ctx *err)
{
	const char *vm = opts->vm ? opts->vm : getenv(ATTACH_ENV_VM);
	struct attach_sealed sealed = {.freshness_ms = -1};
	uint64_t t = now_ns();
	struct attach *a;
	enum err e = ERR_OK;

	if (opts->sealed)
		sealed = *opts->sealed;
	else if (!opts->vm)
		e = sealed_from_env(&sealed, err);
	sealed.start = opts->start;
	if (e)
		return e;
	if (!opts->vm && !sealed.carrier && open_handed_over(opts, ret) == ERR_OK) {
		(*ret)->stats.total_ns = now_ns() - t;
		return ERR_OK;
	}
	if (!vm || !vm[0])
		return err_set(err, ERR_INVAL, "no VM is named (" ATTACH_ENV_VM " is not set)");
	a = create(opts);
	if (!a)
		return err_set(err, ERR_NOMEM, "out of memory");
	snprintf(a->private->vm, sizeof(a->private->vm), "%s", vm);
	a->private->known.external = opts->btf || opts->symbols;
	a->sealed = sealed;
	if (sealed.carrier) {
		e = attach_device(a, err);
		goto out;
	}
	e = place_resolve(vm, !opts->no_cache, &a->private->known, err);
	a->private->known.external = opts->btf || opts->symbols;
	a->stats.open_ns = now_ns() - t;
	if (!e)
		e = attach_backing(a, NULL, err);
out:
	if (e) {
		attach_close(a);
		return e;
	}
	a->stats.total_ns = now_ns() - t;
	*ret = a;
	return ERR_OK;
}

void attach_close(struct attach *a)
{
	struct attach_private *p;

	if (!a)
		return;
	p = a->private;
	llview_guest_destroy(a->guest);
	llview_layout_destroy(a->layout);
	ktype_destroy(p->ktype);
	if (a->session)
		a->session->close(a->session);
	else
		guest_pages_destroy(a->pages);
	source_close(a->source);
	if (p->profile)
		munmap((void *)p->profile, p->profile_size);
	if (p->profile_fd >= 0)
		close(p->profile_fd);
	free(p->program);
	free(p);
	free(a);
}

enum err attach_alive(struct attach *a, struct err_ctx *err)
{
	if (a->sealed.carrier)
		return a->session ? guest_pages_verify(a->pages, err) : ERR_OK;
	return place_alive(a->source, &a->private->known, err);
}

/* A profile that the cache couldn't take, where programs that we start can read it. */
static void lend_profile(struct attach *a)
{
	struct attach_private *p = a->private;
	size_t size, done = 0;
	void *bytes;

	if (!p->ktype ||
	    ktype_save(p->ktype, &a->alloc, &bytes, &size) != ERR_OK)
		return;
	p->profile_fd = memfd_create("scwatcher-profile", MFD_CLOEXEC);
	while (p->profile_fd >= 0 && done < size) {
		ssize_t n = write(p->profile_fd, (char *)bytes + done, size - done);

		if (n <= 0)
			break;
		done += (size_t)n;
	}
	if (done == size)
		snprintf(p->known.profile, sizeof(p->known.profile), "/proc/%d/fd/%d",
			 (int)getpid(), p->profile_fd);
	base_free(&a->alloc, bytes);
}

enum err attach_handover(struct attach *a, struct err_ctx *err)
{
	struct attach_private *p = a->private;
	enum err e = attach_sealed_handover(&a->sealed, p->vm, err);

	if (e || a->sealed.carrier)
		return e;
	if (!p->known.profile[0] || p->known.external)
		lend_profile(a);
	return place_handover(&p->known, err);
}

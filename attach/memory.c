// SPDX-License-Identifier: MIT
/* See memory.h. */
#include "attach/memory.h"

#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "instance.h"
#include "place.h"

enum {
	CACHE_PAGES = 8192, /* of a guest that must be copied, in one request: 32 MiB */
};

_Static_assert((int)ATTACH_MEMORY_TEXT_MAX >= (int)INSTANCE_TEXT_MAX, "room for an instance");

static bool is_number(const char *name)
{
	return name[0] && name[strspn(name, "0123456789")] == '\0' && strlen(name) < 10;
}

/* A VMM by its PID; not just any process. */
static enum err find_pid(pid_t pid, struct vms_entry *ret, struct err_ctx *err)
{
	struct vms_entry *all;
	size_t count;
	enum err e = vms_list(false, &all, &count, err);

	if (e)
		return e;
	e = ERR_ABSENT;
	for (size_t i = 0; i < count; i++) {
		if (all[i].pid == pid) {
			*ret = all[i];
			e = ERR_OK;
		}
	}
	free(all);
	return e ? err_set(err, e, "process %d runs no VM", (int)pid) : ERR_OK;
}

static enum err find_vm(const char *name, struct vms_entry *ret, struct err_ctx *err)
{
	struct err_ctx absent = {0};
	enum err e = vms_find(name, true, ret, &absent);

	if (e == ERR_ABSENT && is_number(name))
		return find_pid((pid_t)atoi(name), ret, err);
	if (e && err && err->code == ERR_OK)
		*err = absent;
	return e;
}

static struct attach_memory *create(size_t limit, struct err_ctx *err)
{
	struct attach_memory *m = calloc(1, sizeof(*m));

	if (m)
		base_alloc_init(&m->alloc, limit);
	else
		err_set(err, ERR_NOMEM, "out of memory");
	return m;
}

/* A source was opened, or that failed with `e`. */
static enum err keep(struct attach_memory *m, enum err e, uid_t reader, struct attach_memory **ret,
		     struct err_ctx *err)
{
	uint64_t start;

	if (!e)
		e = source_keep(m->source, m->vmm.pid, reader, err);
	/* the process that we found, and not one that got its number since */
	if (!e && (!vms_start_time(m->vmm.pid, &start) || start != m->vmm.start))
		e = err_set(err, ERR_GONE, "the virtual machine has ended");
	if (e) {
		attach_memory_close(m);
		return e;
	}
	*ret = m;
	return ERR_OK;
}

enum err attach_memory_open(const char *name, uid_t reader, size_t limit,
			    struct attach_memory **ret, struct err_ctx *err)
{
	struct attach_memory *m = create(limit, err);
	enum err e;

	if (!m)
		return ERR_NOMEM;
	e = find_vm(name, &m->vmm, err);
	if (!e)
		e = source_open_process(m->vmm.pid, &m->source, err);
	return keep(m, e, reader, ret, err);
}

enum err attach_memory_open_at(const struct attach_memory_at *at, uid_t reader, size_t limit,
			       struct attach_memory **ret, struct err_ctx *err)
{
	struct attach_memory *m = create(limit, err);
	enum err e;

	if (!m)
		return ERR_NOMEM;
	m->vmm.pid = at->vmm;
	m->vmm.start = at->start;
	e = source_open_pieces(at->vmm, at->pieces, at->piece_count, &m->source, err);
	return keep(m, e, reader, ret, err);
}

void attach_memory_locate(const struct attach_memory *m, struct attach_memory_at *ret)
{
	size_t count;

	*ret = (struct attach_memory_at){.vmm = m->vmm.pid, .start = m->vmm.start};
	if (source_pieces(m->source, ret->pieces, &count) == ERR_OK)
		ret->piece_count = (uint32_t)count;
}

void attach_memory_close(struct attach_memory *m)
{
	if (!m)
		return;
	guest_pages_destroy(m->pages);
	source_close(m->source);
	free(m);
}

static enum err make_pages(struct attach_memory *m, struct err_ctx *err)
{
	enum err e;

	guest_pages_destroy(m->pages);
	m->pages = NULL;
	e = guest_walk_pages_create(&m->alloc, source_phys(m->source), &m->boot.paging,
				    source_copies(m->source) ? CACHE_PAGES : 64, &m->pages);
	return e ? err_set(err, e, "out of memory") : ERR_OK;
}

/* Where the guest was found before, or by a search. */
static enum err place(struct attach_memory *m, const char *known, bool *fresh_ret,
		      struct err_ctx *err)
{
	struct instance *in = malloc(sizeof(*in));
	bool before = in && known && instance_parse(known, in) && !in->is_file &&
		      in->pid == m->vmm.pid && in->start == m->vmm.start;
	enum err e = ERR_OK;

	*fresh_ret = true;
	if (before) {
		m->boot = in->boot;
		*fresh_ret = source_place_as(m->source, in->extents, in->extent_count, &m->boot,
					     NULL) != ERR_OK;
	}
	if (*fresh_ret)
		e = source_place(m->source, &m->boot, err);
	if (!e && *fresh_ret && before)
		e = place_not_left_behind(&in->boot, &m->boot, err);
	free(in);
	return e;
}

/* Make a placement that was found by its looks exact, by what the guest's kernel knows. */
static enum err settle(struct attach_memory *m, struct err_ctx *err)
{
	const struct ktype_external none = {0};
	bool changed = false;
	struct ktype *k;
	enum err e = ktype_create(&m->alloc, m->pages, &m->boot, &none, &k, err);

	if (e)
		return e;
	e = source_settle(m->source, &m->alloc, k, &m->boot, &changed, NULL);
	ktype_destroy(k);
	/* a kernel that doesn't tell leaves us with the placement that its page tables confirm */
	if (e && e != ERR_ABSENT)
		return err_set(err, e, "can't find out where the guest's memory is");
	return changed ? make_pages(m, err) : ERR_OK;
}

enum err attach_memory_find(struct attach_memory *m, const char *known, struct err_ctx *err)
{
	bool fresh;
	enum err e = place(m, known, &fresh, err);

	if (!e)
		e = make_pages(m, err);
	if (!e && fresh)
		e = settle(m, err);
	return e ? e : source_watch(m->source, m->vmm.pid, &m->boot, err);
}

bool attach_memory_remember(const struct attach_memory *m, char text[ATTACH_MEMORY_TEXT_MAX])
{
	struct instance *in = calloc(1, sizeof(*in));
	const struct source_extent *x;
	size_t count;
	bool done;

	if (!in)
		return false;
	x = source_extents(m->source, &count);
	done = count <= INSTANCE_EXTENTS_MAX;
	if (done) {
		in->pid = in->vmm = m->vmm.pid;
		in->start = in->vmm_start = m->vmm.start;
		in->boot = m->boot;
		in->extent_count = count;
		memcpy(in->extents, x, count * sizeof(*x));
		done = instance_print(in, text, ATTACH_MEMORY_TEXT_MAX);
	}
	free(in);
	return done;
}

uint64_t attach_memory_generation(const struct attach_memory *m)
{
	const struct {
		uint64_t pid, start, vmcoreinfo, kaslr, phys_base, kernel_top, firmware_clock;
	} facts = {(uint64_t)m->vmm.pid, m->vmm.start,
		   m->boot.vmcoreinfo.v, m->boot.kaslr,
		   (uint64_t)m->boot.phys_base, m->boot.paging.kernel_top.v,
		   m->boot.firmware_clock};

	return XXH3_64bits_withSeed(&facts, sizeof(facts),
				    XXH3_64bits(m->boot.build_id, sizeof(m->boot.build_id)));
}

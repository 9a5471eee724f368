// SPDX-License-Identifier: MIT
/*
 * Guest-physical memory out of stores: extents sorted by address, a look-up with a memory, and the
 * checks that alive() makes.
 */
#include "sources/source.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"

enum {
	MAP_ALIGN = 16, /* loads through a mapped page assume the alignment of guest objects */
};

static struct source *to_source(struct guest_phys *p)
{
	return (struct source *)p;
}

/* The extent that holds `gpa`, else the first one above it, else extent_count. */
static size_t find_extent(struct source *s, uint64_t gpa)
{
	size_t low = 0, high = s->extent_count;

	if (s->last < high && gpa - s->extents[s->last].e.gpa < s->extents[s->last].e.size)
		return s->last;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct source_extent *e = &s->extents[mid].e;

		if (e->gpa + e->size <= gpa)
			low = mid + 1;
		else
			high = mid;
	}
	if (low < s->extent_count && s->extents[low].e.gpa <= gpa)
		s->last = low;
	return low;
}

/* The extent that holds `gpa` and where in its store that is; NULL: a hole. */
static const struct placed_extent *locate(struct source *s, uint64_t gpa, uint64_t *offset_ret)
{
	size_t i = find_extent(s, gpa);
	const struct placed_extent *x;

	if (i == s->extent_count || s->extents[i].e.gpa > gpa)
		return NULL;
	x = &s->extents[i];
	*offset_ret = x->e.backing - x->store->base + (gpa - x->e.gpa);
	return x;
}

static enum err phys_read(struct guest_phys *p, struct gpa at, void *buf, size_t size,
			  struct err_ctx *err)
{
	struct source *s = to_source(p);
	uint64_t gpa = at.v;
	char *out = buf;

	while (size) {
		uint64_t offset, left;
		const struct placed_extent *x = locate(s, gpa, &offset);
		size_t n = size;
		enum err e;

		if (!x)
			return err_set_addr(err, ERR_NOPHYS, gpa, "no guest memory there");
		left = x->e.size - (gpa - x->e.gpa);
		if (n > left)
			n = (size_t)left;
		e = x->store->ops->read(x->store, offset, out, n, err);
		if (e)
			return e;
		out += n;
		gpa += n;
		size -= n;
	}
	return ERR_OK;
}

static enum err phys_read_many(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
			       struct err_ctx *err)
{
	struct source *s = to_source(p);
	struct store_io batch[GUEST_PHYS_BATCH];
	size_t which[GUEST_PHYS_BATCH];
	struct store *store = NULL;
	size_t n = 0;

	for (size_t i = 0; i <= count; i++) {
		const struct placed_extent *x = NULL;
		uint64_t offset = 0;

		if (i < count) {
			ios[i].ok = false;
			x = locate(s, ios[i].at.v, &offset);
			if (!x)
				continue;
			if (x->e.size - (ios[i].at.v - x->e.gpa) < ios[i].size) {
				ios[i].ok = phys_read(p, ios[i].at, ios[i].buf, ios[i].size,
						      NULL) == ERR_OK;
				continue;
			}
		}
		if (n && (n == GUEST_PHYS_BATCH || i == count || x->store != store)) {
			enum err e = store->ops->read_many(store, batch, n, err);

			if (e)
				return e;
			for (size_t k = 0; k < n; k++)
				ios[which[k]].ok = batch[k].ok;
			n = 0;
		}
		if (!x)
			continue;
		store = x->store;
		which[n] = i;
		batch[n++] = (struct store_io){offset, ios[i].buf, ios[i].size, false};
	}
	return ERR_OK;
}

static const void *phys_map(struct guest_phys *p, struct gpa at)
{
	struct source *s = to_source(p);
	const struct placed_extent *x;
	uint64_t offset;

	x = locate(s, at.v, &offset);
	if (!x || x->e.size - (at.v - x->e.gpa) < GUEST_PAGE_SIZE)
		return NULL;
	return x->store->ops->map(x->store, offset);
}

static enum err phys_next_range(struct guest_phys *p, struct gpa from, uint64_t max,
				struct guest_phys_range *ret)
{
	struct source *s = to_source(p);

	if (from.v > UINT64_MAX - GUEST_PAGE_SIZE || max < GUEST_PAGE_SIZE)
		return ERR_ABSENT;
	for (size_t i = find_extent(s, from.v); i < s->extent_count; i++) {
		const struct placed_extent *x = &s->extents[i];
		uint64_t gpa = x->e.gpa < from.v ? from.v : x->e.gpa;
		uint64_t end = (x->e.gpa + x->e.size) & GUEST_PAGE_MASK;
		uint64_t delta = x->e.backing - x->store->base - x->e.gpa; /* offset = gpa + delta */
		uint64_t start, stop;

		gpa = (gpa + GUEST_PAGE_SIZE - 1) & GUEST_PAGE_MASK;
		if (gpa >= end)
			continue;
		if ((gpa + delta) % GUEST_PAGE_SIZE) {
			/* a dump whose bytes lie askew has no holes worth a look */
			start = gpa;
			stop = end;
		} else {
			if (!x->store->ops->next_data(x->store, gpa + delta, end + delta, &start,
						      &stop))
				continue;
			start -= delta;
			stop -= delta;
		}
		if (stop - start > max)
			stop = start + (max & GUEST_PAGE_MASK);
		ret->start.v = start;
		ret->size = stop - start;
		return ERR_OK;
	}
	return ERR_ABSENT;
}

static bool has_ended(int pidfd)
{
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	return poll(&p, 1, 0) != 0;
}

enum err source_alive(struct source *s, struct err_ctx *err)
{
	struct store *last = NULL;

	if (s->pidfd >= 0 && has_ended(s->pidfd))
		return err_set(err, ERR_GONE, "the virtual machine has ended");
	for (size_t i = 0; i < s->extent_count; i++) {
		struct store *store = s->extents[i].store;

		if (store != last && store->ops->alive) {
			enum err e = store->ops->alive(store, err);

			if (e)
				return e;
		}
		last = store;
	}
	return watch_check(s, err);
}

/*
 * A tool makes thousands of file calls a second and each starts an epoch, so the looking itself,
 * which costs system calls, is done once a tick of the coarse clock: a few milliseconds.
 */
static enum err phys_alive(struct guest_phys *p, struct err_ctx *err)
{
	struct source *s = to_source(p);
	struct timespec now;
	enum err e;

	if (clock_gettime(CLOCK_MONOTONIC_COARSE, &now) == 0) {
		uint64_t tick = (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;

		if (tick == s->alive_tick)
			return ERR_OK;
		e = source_alive(s, err);
		s->alive_tick = e ? 0 : tick;
		return e;
	}
	return source_alive(s, err);
}

static enum err phys_verify(struct guest_phys *p, struct err_ctx *err)
{
	return watch_check(to_source(p), err);
}

static uint64_t phys_now(struct guest_phys *p)
{
	struct timespec now = {0};

	(void)p;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void phys_close(struct guest_phys *p)
{
	source_close(to_source(p));
}

/* Second index: may pages be mapped? A source that can't says so, and callers read in batches. */
static const struct guest_phys_ops phys_ops[][2] = {
#define OPS(text, map_fn)                                                                          \
	{.name = text,                                                                             \
	 .read = phys_read,                                                                        \
	 .read_many = phys_read_many,                                                              \
	 .map = map_fn,                                                                            \
	 .next_range = phys_next_range,                                                            \
	 .alive = phys_alive,                                                                      \
	 .verify = phys_verify,                                                                    \
	 .now = phys_now,                                                                          \
	 .close = phys_close}
#define BOTH(text) {OPS(text, NULL), OPS(text, phys_map)}
	[SOURCE_RAM_FILE] = BOTH("ram-file"),
	[SOURCE_PROCESS] = BOTH("process"),
	[SOURCE_ELF_CORE] = BOTH("elf-core"),
	[SOURCE_LIME] = BOTH("lime"),
#undef BOTH
#undef OPS
};

/* Can all of it be mapped, by stores that map and at addresses that objects may have? */
static bool can_map(const struct source *s)
{
	for (size_t i = 0; i < s->extent_count; i++) {
		const struct placed_extent *x = &s->extents[i];

		if (!x->store->ops->map ||
		    (x->e.backing - x->store->base - x->e.gpa) % MAP_ALIGN)
			return false;
	}
	return true;
}

const char *source_kind_name(enum source_kind kind)
{
	return phys_ops[kind][0].name;
}

struct source *source_create(enum source_kind kind)
{
	struct source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->phys.ops = &phys_ops[kind][0];
	s->kind = kind;
	s->pidfd = -1;
	return s;
}

void source_close(struct source *s)
{
	if (!s)
		return;
	if (s->pidfd >= 0)
		close(s->pidfd);
	for (size_t i = 0; i < s->block_count; i++) {
		store_destroy(s->blocks[i].store);
		free((char *)s->blocks[i].map.path);
		free(s->blocks[i].opened);
	}
	free(s->extents);
	free(s->plain);
	free(s);
}

enum err source_add_block(struct source *s, uint64_t backing, uint64_t size, struct store *store,
			  const struct maps_entry *map, struct err_ctx *err)
{
	struct source_block *b = &s->blocks[s->block_count];

	if (s->block_count == SOURCE_BLOCKS_MAX) {
		store_destroy(store);
		return err_set(err, ERR_LIMIT, "more than %d stretches of memory",
			       SOURCE_BLOCKS_MAX);
	}
	*b = (struct source_block){.backing = backing, .size = size, .store = store};
	s->block_count++;
	if (map) {
		b->map = *map;
		b->map.path = strdup(map->path);
		if (!b->map.path)
			return err_set(err, ERR_NOMEM, "out of memory");
	}
	return ERR_OK;
}

enum err source_block_store(struct source *s, struct source_block *b, struct store **ret,
			    struct err_ctx *err)
{
	enum err e;

	if (!b->store) {
		e = process_open_block(s, b, &b->store, err);
		if (e)
			return e;
	}
	*ret = b->store;
	return ERR_OK;
}

static int by_gpa(const void *a, const void *b)
{
	const struct source_extent *x = a, *y = b;

	return (x->gpa > y->gpa) - (x->gpa < y->gpa);
}

static struct source_block *block_of(struct source *s, const struct source_extent *e)
{
	for (size_t i = 0; i < s->block_count; i++) {
		struct source_block *b = &s->blocks[i];

		if (e->backing >= b->backing && e->backing - b->backing < b->size &&
		    e->size <= b->size - (e->backing - b->backing))
			return b;
	}
	return NULL;
}

enum err source_set_extents(struct source *s, const struct source_extent *extents, size_t count,
			    struct err_ctx *err)
{
	struct placed_extent *placed;
	struct source_extent *plain;
	enum err e = ERR_OK;

	if (count == 0 || count > SOURCE_EXTENTS_MAX)
		return err_set(err, ERR_LIMIT, "%zu runs of memory", count);
	placed = calloc(count, sizeof(*placed));
	plain = calloc(count, sizeof(*plain));
	if (!placed || !plain) {
		e = err_set(err, ERR_NOMEM, "out of memory");
		goto out;
	}
	memcpy(plain, extents, count * sizeof(*plain));
	qsort(plain, count, sizeof(*plain), by_gpa);
	for (size_t i = 0; i < count && !e; i++) {
		struct source_block *b = block_of(s, &plain[i]);

		if (!b || plain[i].size == 0 || plain[i].gpa > UINT64_MAX - plain[i].size ||
		    (i && plain[i - 1].gpa + plain[i - 1].size > plain[i].gpa)) {
			e = err_set_addr(err, ERR_INVAL, plain[i].gpa,
					 "impossible placement of guest memory");
			break;
		}
		placed[i].e = plain[i];
		e = source_block_store(s, b, &placed[i].store, err);
	}
	if (!e) {
		free(s->extents);
		free(s->plain);
		s->extents = placed;
		s->plain = plain;
		s->extent_count = count;
		s->last = 0;
		s->phys.ops = &phys_ops[s->kind][can_map(s)];
		return ERR_OK;
	}
out:
	free(placed);
	free(plain);
	return e;
}

enum source_kind source_kind(const struct source *s)
{
	return s->kind;
}

uint64_t source_size(const struct source *s)
{
	uint64_t size = 0;

	for (size_t i = 0; i < s->extent_count; i++)
		size += s->extents[i].e.size;
	if (!s->extent_count && s->block_count)
		size = s->blocks[0].size;
	return size;
}

bool source_copies(const struct source *s)
{
	return !s->phys.ops->map;
}

struct guest_phys *source_phys(struct source *s)
{
	return &s->phys;
}

const struct source_extent *source_extents(const struct source *s, size_t *count_ret)
{
	*count_ret = s->extent_count;
	return s->plain;
}

enum err source_watch(struct source *s, pid_t pid, const struct ktype_boot *boot,
		      struct err_ctx *err)
{
	if (pid > 0 && s->pidfd < 0) {
		s->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (s->pidfd < 0 && errno == ESRCH)
			return err_set(err, ERR_GONE, "the virtual machine has ended");
		if (s->pidfd < 0)
			return err_set_errno(err, ERR_IO, errno, "can't watch process %d",
					     (int)pid);
		/* out of the way of programs that count descriptors from 3 */
		int high = fcntl(s->pidfd, F_DUPFD_CLOEXEC, FD_LOWEST);

		if (high >= 0) {
			close(s->pidfd);
			s->pidfd = high;
		}
	}
	if (watch_begin(s, boot))
		return err_set(err, ERR_GONE, "the virtual machine's memory went away");
	s->watched = true;
	return ERR_OK;
}

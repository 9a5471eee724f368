/* SPDX-License-Identifier: MIT */
/*
 * Pages of guest *virtual* memory: the one interface beneath the llview runtime and procfs. Over a
 * guest_phys source it is a page walk with a cache (guest_walk_pages_create()); behind a sealed
 * channel it is the client's cache of opened pages. procfs can't tell the difference.
 */
#ifndef SCW_GUEST_PAGES_H
#define SCW_GUEST_PAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/err.h"
#include "guest/addr.h"
#include "guest/phys.h"

struct guest_pages;

/* A stretch of guest virtual memory that is about to be read. */
struct guest_range {
	struct gva start;
	uint64_t size;
};

enum {
	GUEST_FOLLOW_MAX = 16,
};

/*
 * Lists that are about to be walked. `heads` == 0: one list, whose first node is at `first`. Else
 * `first` is where the first of `heads` pointers to first nodes lies, `stride` bytes apart (the
 * buckets of a hash table). The next node is the pointer at node + next_offset; `before` and `after`
 * bytes around each node address are wanted, and, for each `follow` with a size, as many bytes `at`
 * bytes behind where the pointer at node + offset leads; or, with `from` N > 0, the pointer at that
 * offset from where follow N - 1 (one before this) has led. With `here` there is no pointer: as many bytes
 * at that offset itself (and `at` is 0). At most `bound` nodes in all.
 *
 * With `top` the pointer leads to a process's top page table, which lies where all physical memory is mapped,
 * from `direct` on; then the next follow tells of a range of that process's memory: between the pointer at its
 * offset and the one `at` bytes behind that, at most `size` bytes. Of one list only, not of `heads`.
 *
 * `exact`: of what is wanted around nodes and where pointers lead only the 8-byte words that it lies in will be read. Else what
 * lies beside it, in the same 64 bytes, is as good as wanted.
 *
 * With GUEST_NEXT_NONE nodes have no next: `first` and `heads` are an array of pointers, of which
 * odd ones are none, and bit 1 is left out (a tag, in radix trees).
 */
#define GUEST_NEXT_NONE INT64_MIN
struct guest_chain {
	struct gva first;
	uint32_t heads, stride;
	int64_t next_offset;
	uint32_t before, after;
	uint32_t bound;
	uint64_t direct;
	bool exact;
	struct {
		int32_t offset;
		uint32_t size;
		uint32_t at;
		uint32_t from;
		bool here, top;
	} follow[GUEST_FOLLOW_MAX];
};

/*
 * Lines of a page: `host` is where those of 64 bytes lie that `lines` has bits of (bit N: from byte 64 * N of the page
 * on), one behind the other. Or, where there are `runs`, only neighbours among the 8-byte words of each of these lines:
 * of the first of them in runs[0], of the next in runs[1]. Bits 6 to 15: where its words begin, in words from `host`
 * on; bits 3 to 5: which word of the line is the first; bits 0 to 2: how many there are, less one. What there is of
 * the one begins right behind what there is of the other.
 */
struct guest_lines {
	const void *host;
	uint64_t lines;
	const uint16_t *runs; /* NULL: all of each */
};

/* Bytes to be read, all in one page. */
struct guest_piece {
	struct gva at;
	void *buf;
	size_t size;
};

/*
 * Lines of the kernel's memory that had to be asked for one by one, far away, since no hint told of them
 * beforehand: page by page, bit N for the 64 bytes from 64 * N on. The next program that reads the same of
 * this boot of the guest asks for them all together: [0] in its first epoch, [1] in later ones. A wrong
 * address costs time and nothing else.
 */
enum {
	GUEST_TRAIL_MAX = 192,
};
struct guest_trail {
	uint32_t count[2];
	struct {
		uint64_t page, lines;
	} at[2][GUEST_TRAIL_MAX];
};

struct guest_pages_stats {
	uint64_t lookups;	/* page() calls: TLB misses of the llview runtime */
	uint64_t hits;		/* answered from the cache */
	uint64_t walks;		/* page-table walks */
	uint64_t faults;	/* no translation or no memory behind it */
	uint64_t epochs;
};

struct guest_pages_ops {
	/*
	 * Required. *ret = host address of the 4 KiB guest page that holds `va` in `as`: either the
	 * guest's own memory (changes while we look) or a copy. Valid until the next epoch(), or for
	 * good (see lasts).
	 * ERR_UNMAPPED, ERR_NOPHYS, ERR_LIMIT (cache full of pages of this epoch), ERR_GONE, ...
	 */
	enum err (*page)(struct guest_pages *p, struct guest_space as, struct gva va,
			 const void **ret);

	/*
	 * Optional, of those who may know a page in part: as page(), but only the `size` bytes at `va`,
	 * which lie in one page, need be there. *ret tells what else is there as well, and will stay as it
	 * is. It is used in place of page() wherever it can be.
	 */
	enum err (*part)(struct guest_pages *p, struct guest_space as, struct gva va, size_t size,
			 struct guest_lines *ret);

	/*
	 * Optional, of those who keep nothing: copy just these bytes, as they are now, to `buf`. It is
	 * used in place of page() wherever it can be; errors as page(). There to measure what keeping
	 * pages is worth.
	 */
	enum err (*object)(struct guest_pages *p, struct guest_space as, struct gva va, void *buf,
			   size_t size);

	/*
	 * Required. Start a new epoch: every host address handed out is void, but for those that last;
	 * translations are looked up anew. Where pages may be older than that (see expire) it may also leave all as it
	 * is: `epoch` tells. ERR_GONE when the VM behind it has ended.
	 */
	enum err (*epoch)(struct guest_pages *p, struct err_ctx *err);

	/*
	 * Optional (NULL: it can't be otherwise). Was all that page() and the others have answered so far
	 * true: the same guest's, and all of it? To be asked after what is to be believed. ERR_GONE with
	 * a text when the guest restarted, the failure of those that fail for good.
	 */
	enum err (*verify)(struct guest_pages *p, struct err_ctx *err);

	/*
	 * Optional hints, free to ignore: these ranges / these lists will be read next. They are kept
	 * until a page is asked for that isn't there, at most until the epoch is over.
	 */
	void (*want)(struct guest_pages *p, struct guest_space as, const struct guest_range *ranges,
		     size_t count);
	void (*chase)(struct guest_pages *p, const struct guest_chain *chain);

	/* Optional, with part(): this address of the kernel's is looked up soon, a matter of the processor's cache. */
	void (*soon)(struct guest_pages *p, struct gva va);

	/*
	 * Optional, of those who keep pages for more than one epoch(): the next epoch() really begins
	 * one if the present one is older than that.
	 */
	void (*expire)(struct guest_pages *p, uint64_t age_ns);

	/*
	 * Optional, of those whose page() copies: read `count` (at most GUEST_PHYS_BATCH) pieces of the
	 * kernel's memory as they are now, whatever was copied before. Errors as page().
	 */
	enum err (*reread)(struct guest_pages *p, const struct guest_piece *pieces, size_t count);

	/*
	 * Optional, of the same: what comes belongs together, so the present epoch is to live on for
	 * as long as there is always a next epoch() within its usual time; within limits.
	 */
	void (*linger)(struct guest_pages *p);

	/* Required. Release all. */
	void (*destroy)(struct guest_pages *p);
};

struct guest_pages {
	const struct guest_pages_ops *ops;
	struct guest_pages_stats stats;
	uint64_t epoch; /* counts up; 0 before the first */
	/* page() copies: what is looked at again in the same epoch can't show that it changed. */
	bool copies;
	/*
	 * What page() says of its last answer: it is the guest's own memory, at an address of the kernel
	 * that leads there as long as the guest runs. So it holds beyond this epoch.
	 */
	bool lasts;
};

/* How the guest's CPUs translate: what guest discovery found. */
struct guest_paging {
	struct gpa kernel_top;	/* top page table of the kernel (swapper_pg_dir / init_top_pgt) */
	unsigned char levels;	/* 4 or 5 */
};

/* How old copies of pages may be, where the source has a clock: ten ticks of a fast kernel. */
#define GUEST_WALK_FRESH_NS 10000000u

/*
 * Pages by walking the guest's own page tables over `phys` (borrowed; must outlive the result).
 * Sources that can map give the guest's memory itself; for the others, pages are copied into a
 * cache of at most `cache_pages` (memory is taken as it fills) and serve until they are
 * GUEST_WALK_FRESH_NS old, if the source has a clock, else for one epoch. x86-64: 4-/5-level, 4K/2M/1G pages
 * (SDM vol. 3A 4.5); in the user half also what Linux marks PROT_NONE and thus not present.
 * Not thread-safe: one a thread. ERR_INVAL for another number of levels.
 */
enum err guest_walk_pages_create(struct base_alloc *alloc, struct guest_phys *phys,
				 const struct guest_paging *paging, size_t cache_pages,
				 struct guest_pages **ret) ERR_NODISCARD;

/* Copy `size` bytes at `va`, crossing pages as needed. On error `buf` is unspecified. */
enum err guest_pages_read(struct guest_pages *p, struct guest_space as, struct gva va, void *buf,
			  size_t size) ERR_NODISCARD;

/*
 * Where `va` is in guest-physical memory, for a `p` made by guest_walk_pages_create() (procfs
 * itself has no use for it; discovery and tests do). Errors as page().
 */
enum err guest_walk_translate(struct guest_pages *p, struct guest_space as, struct gva va,
			      struct gpa *ret) ERR_NODISCARD;

/*
 * One walk without any cache or memory of its own, for those who don't know yet whether `paging`
 * is right: where `va` of the kernel is in guest-physical memory.
 */
enum err guest_walk_once(struct guest_phys *phys, const struct guest_paging *paging, struct gva va,
			 struct gpa *ret) ERR_NODISCARD;

static inline enum err ERR_NODISCARD guest_pages_page(struct guest_pages *p, struct guest_space as,
						      struct gva va, const void **ret)
{
	return p->ops->page(p, as, va, ret);
}

/* How many lines come before that of `va`. */
static inline unsigned int guest_lines_before(uint64_t lines, uint64_t va)
{
	return base_count_bits(lines & (((uint64_t)1 << va % GUEST_PAGE_SIZE / 64) - 1));
}

/* Where `va` is among those `lines` of its page that lie at `host`, one behind the other. */
static inline const void *guest_lines_at(const void *host, uint64_t lines, uint64_t va)
{
	return (const char *)host + (size_t)guest_lines_before(lines, va) * 64 + va % 64;
}

/* The lines of its page from `va` on for `size` bytes, which lie in one page. */
static inline uint64_t guest_lines_of(uint64_t va, size_t size)
{
	unsigned int within = va % GUEST_PAGE_SIZE;
	unsigned int last = within + (size ? (unsigned int)size - 1 : 0);

	return UINT64_MAX >> (63 - last / 64) & UINT64_MAX << within / 64;
}

/* Where `va` is if `run` tells of its line; NULL: that word isn't there. */
static inline const void *guest_run_at(const void *host, unsigned int run, uint64_t va)
{
	unsigned int word = va % 64 / 8 - (run >> 3 & 7);

	return word <= (run & 7) ? (const char *)host + (size_t)((run >> 6) + word) * 8 + va % 8 : NULL;
}

/* Where `va` is, from where on `size` bytes, of which all lines are among them, can be read; NULL: not all is there. */
static inline const void *guest_runs_find(const struct guest_lines *l, uint64_t va, size_t size)
{
	unsigned int at = guest_lines_before(l->lines, va), run = l->runs[at];
	const void *host = guest_run_at(l->host, run, va);

	for (size += va % 64; size > 64; size -= 64) {
		if ((run >> 3 & 7) + (run & 7) != 7)
			return NULL;
		run = l->runs[++at];
		if (run >> 3 & 7)
			return NULL;
	}
	return !size || (size - 1) / 8 <= (run >> 3 & 7) + (run & 7) ? host : NULL;
}

/* The same, of any lines. */
static inline const void *guest_lines_find(const struct guest_lines *l, uint64_t va, size_t size)
{
	uint64_t wanted = guest_lines_of(va, size);

	if ((l->lines & wanted) != wanted)
		return NULL;
	return l->runs ? guest_runs_find(l, va, size) : guest_lines_at(l->host, l->lines, va);
}

/* The host address of `va`, from where on `size` bytes, which lie in one page, can be read. */
static inline enum err ERR_NODISCARD guest_pages_part(struct guest_pages *p, struct guest_space as,
						      struct gva va, size_t size, const void **ret)
{
	struct gva at = {va.v & ~(uint64_t)(GUEST_PAGE_SIZE - 1)};
	struct guest_lines l = {.lines = UINT64_MAX};
	enum err e = p->ops->part ? p->ops->part(p, as, va, size, &l) :
				    p->ops->page(p, as, at, &l.host);

	if (e == ERR_OK)
		*ret = guest_lines_find(&l, va.v, size);
	return e;
}

static inline enum err ERR_NODISCARD guest_pages_epoch(struct guest_pages *p, struct err_ctx *err)
{
	return p->ops->epoch(p, err);
}

static inline enum err ERR_NODISCARD guest_pages_verify(struct guest_pages *p, struct err_ctx *err)
{
	return p->ops->verify ? p->ops->verify(p, err) : ERR_OK;
}

static inline void guest_pages_want(struct guest_pages *p, struct guest_space as,
				    const struct guest_range *ranges, size_t count)
{
	if (p->ops->want)
		p->ops->want(p, as, ranges, count);
}

static inline void guest_pages_chase(struct guest_pages *p, const struct guest_chain *chain)
{
	if (p->ops->chase)
		p->ops->chase(p, chain);
}

static inline void guest_pages_expire(struct guest_pages *p, uint64_t age_ns)
{
	if (p->ops->expire)
		p->ops->expire(p, age_ns);
}

static inline void guest_pages_linger(struct guest_pages *p)
{
	if (p->ops->linger)
		p->ops->linger(p);
}

/* NULL is fine. */
static inline void guest_pages_destroy(struct guest_pages *p)
{
	if (p)
		p->ops->destroy(p);
}

#endif

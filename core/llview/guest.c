// SPDX-License-Identifier: MIT
/*
 * Reading one guest: what happens when the software TLB in llview/llview.h has no answer, copies and
 * pins, faults and records, and the scope that all of it happens in.
 *
 * The guest is hostile: any address may come, anything may be behind it, and it changes meanwhile.
 */
#include <stdbool.h>
#include <string.h>

#include "desc.h"
#include "llview/guest.h"
#include "llview/state.h"

enum {
	ARENA_SIZE = 256 * 1024,
	ARENA_SIZE_COPIES = 32 * 1024 * 1024,
	ARENA_ALIGN = 16,
	ARENA_SLACK = 16, /* after each copy: what a bit-field's load may touch beyond a small record */
	FAULT_LIMIT = 65536,
	LINE_SIZE = 64, /* see part() in guest/pages.h */
	PARTIAL_ENTRIES = 1024,
	LINE_ENTRIES = 512,
	USUAL_PART = 32, /* bytes that there are of a line of which there are words, about */
	PASSING_MAX = 1024, /* in one epoch, without a look at the whole TLB at its end */
};

#define FUEL (1ull << 28)
#define LINE_MASK (~(uint64_t)(LINE_SIZE - 1))

/* No address that can be translated ends like this, so no access has this tag. */
#define TAG_NONE UINT64_MAX

/* A page that is known in part: it can't be in the TLB, which knows pages only. */
struct partial {
	uint64_t tag;
	struct guest_lines lines;
};

/* One line of such a page, as the TLB has whole ones. */
struct line {
	struct llview_tlb_entry e;
	uint64_t words; /* bit N: word N of it is there */
};

struct llview_guest {
	struct llview_tlb_entry tlb[LLVIEW_TLB_ENTRIES];
	struct partial partial[PARTIAL_ENTRIES];
	struct line lines[LINE_ENTRIES];
	struct base_alloc *alloc;
	struct guest_pages *pages;
	/* pages' own page(), where pages are known as a whole and kept; NULL: see fill(), copy() */
	enum err (*page)(struct guest_pages *p, struct guest_space as, struct gva va, const void **ret);
	uint64_t delta;
	struct llview_guest_opts opts;
	uint64_t epoch; /* of the pages, that the TLB is good for */
	/* Entries that are good for this epoch only; more than there is room for: any may be. */
	size_t passing_count;
	uint16_t passing[PASSING_MAX];

	/* The current run. */
	void **abort_to;
	enum err abort_code;
	uint32_t faults_left;
	bool faulted;
	uint64_t fault_address;

	char *arena;
	size_t arena_used;
	uint64_t bounce;
	struct llview_guest_stats stats;
};

LLVIEW_HIDDEN __thread struct llview_state llview_state;

/* What a pin of something unreadable points to. Never written; here and not const, to be in .bss. */
static uint64_t zeros[(GUEST_PIN_MAX + ARENA_SLACK) / sizeof(uint64_t)];

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define HAS_ASAN
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define HAS_ASAN
#endif
#ifdef HAS_ASAN
void __asan_handle_no_return(void);
#endif

static __attribute__((noreturn)) void run_abort(struct llview_guest *g, enum err code)
{
	g->abort_code = code;
	g->stats.aborts++;
#ifdef HAS_ASAN
	__asan_handle_no_return();
#endif
	__builtin_longjmp(g->abort_to, 1);
}

/*
 * What a page that can't be had means. That it isn't there is an answer about the guest; all else (no room for it,
 * a host that fails, a VM that ended) says nothing about it, and nothing may be built on it.
 */
static bool can_read(struct llview_guest *g, enum err e)
{
	if (__builtin_expect(e != ERR_OK && e != ERR_UNMAPPED && e != ERR_NOPHYS, 0))
		run_abort(g, e);
	return e == ERR_OK;
}

static void fault(struct llview_guest *g, uint64_t va)
{
	g->stats.faults++;
	if (!g->faulted) {
		g->faulted = true;
		g->fault_address = va;
	}
	if (g->faults_left-- == 0)
		run_abort(g, ERR_LIMIT);
}

static struct llview_tlb_entry *tlb_entry(struct llview_guest *g, uint64_t va)
{
	return &g->tlb[(va / GUEST_PAGE_SIZE) % LLVIEW_TLB_ENTRIES];
}

static void enter(struct llview_guest *g, struct llview_tlb_entry *t, uint64_t page,
		  const void *host)
{
	t->tag = page;
	t->addend = (uint64_t)(uintptr_t)host - page;
	if (!g->pages->lasts) {
		if (g->passing_count < PASSING_MAX)
			g->passing[g->passing_count] = (uint16_t)(t - g->tlb);
		g->passing_count++;
	}
}

static size_t page_left(uint64_t va)
{
	return GUEST_PAGE_SIZE - va % GUEST_PAGE_SIZE;
}

static struct line *line_entry(struct llview_guest *g, uint64_t va)
{
	return &g->lines[(va / LINE_SIZE) % LINE_ENTRIES];
}

/* A line of which `words` are there: `at` is where its first byte is, or would be. */
static void enter_line(struct llview_guest *g, uint64_t line, const char *at, uint64_t words)
{
	*line_entry(g, line) = (struct line){{line, (uint64_t)(uintptr_t)at - line}, words};
}

/*
 * All lines of a page of which there are words: these were asked for to be looked at, so all will be, and soon. Where
 * `va` is among them; NULL: not all `size` bytes are there. Apart, as all others are so more often.
 */
static __attribute__((noinline)) const char *enter_runs(struct llview_guest *g, const struct guest_lines *l,
							 uint64_t va, size_t size)
{
	const char *at = guest_runs_find(l, va, size);
	const uint16_t *run = l->runs;
	uint64_t page = va & GUEST_PAGE_MASK;

	for (uint64_t left = l->lines; left; left &= left - 1, run++) {
		unsigned int first = *run >> 3 & 7;

		enter_line(g, page + (uint64_t)__builtin_ctzll(left) * LINE_SIZE,
			   (const char *)((uintptr_t)l->host + (size_t)(*run >> 6) * 8 - (size_t)first * 8),
			   (uint64_t)((2u << (*run & 7)) - 1) << first);
	}
	return at;
}

/* Where `va` is in a page of which these lines are known, as above; this one is looked at again soon. */
static const char *enter_part(struct llview_guest *g, const struct guest_lines *l, uint64_t va, size_t size)
{
	const char *at;

	if (__builtin_expect(l->runs != NULL, 0))
		return enter_runs(g, l, va, size);
	at = guest_lines_at(l->host, l->lines, va);
	enter_line(g, va & LINE_MASK, at - va % LINE_SIZE, 0xff);
	return at;
}

/* Where `va` is among words that were just found: who looks at it goes on with the rest. */
static __attribute__((noinline)) const char *begin_runs(const struct guest_lines *l, uint64_t va, size_t size)
{
	for (size_t n = LINE_SIZE, end = base_count_bits(l->lines) * (size_t)USUAL_PART; n < end; n += LINE_SIZE)
		__builtin_prefetch((const char *)l->host + n);
	return guest_runs_find(l, va, size);
}

/* As fill(), where pages may be known in part: `size` bytes, which lie in one page. */
static const char *fill_part(struct llview_guest *g, struct llview_tlb_entry *t, uint64_t va,
			     size_t size)
{
	uint64_t page = va & GUEST_PAGE_MASK;
	struct partial *p = &g->partial[(va / GUEST_PAGE_SIZE) % PARTIAL_ENTRIES];
	uint64_t wanted = guest_lines_of(va, size);
	struct guest_lines lines;
	const char *at;

	if (p->tag == page && (p->lines.lines & wanted) == wanted) {
		at = enter_part(g, &p->lines, va, size);
		if (at)
			return at;
	}
	g->stats.misses++;
	if (__builtin_expect(!can_read(g, g->pages->ops->part(g->pages, GUEST_SPACE_KERNEL,
							      (struct gva){va}, size, &lines)), 0))
		return NULL;
	if (lines.lines == UINT64_MAX && !lines.runs)
		enter(g, t, page, lines.host);
	else
		*p = (struct partial){page, lines};
	return lines.runs ? begin_runs(&lines, va, size) : enter_part(g, &lines, va, size);
}

/* As fill(), where pages are known as a whole: on the way of every walk, so nothing that isn't needed. */
static inline const char *fill_whole(struct llview_guest *g, struct llview_tlb_entry *t, uint64_t va)
{
	uint64_t page = va & GUEST_PAGE_MASK;
	const void *host;
	enum err e = g->page(g->pages, GUEST_SPACE_KERNEL, (struct gva){page}, &host);

	g->stats.misses++;
	if (__builtin_expect(e != ERR_OK, 0)) {
		(void)can_read(g, e);
		return NULL;
	}
	enter(g, t, page, host);
	return (const char *)host + (va - page);
}

/*
 * Translate the page of `va` anew, for which `t` is the entry; NULL when it can't be read. Good for
 * `size` bytes, which lie in one page.
 */
static const char *fill(struct llview_guest *g, struct llview_tlb_entry *t, uint64_t va,
			size_t size)
{
	return g->page ? fill_whole(g, t, va) : fill_part(g, t, va, size);
}

/* Host address of the byte at `va`, good for `size` bytes in its page; NULL when it can't be read. */
static const char *translate(struct llview_guest *g, uint64_t va, size_t size)
{
	struct llview_tlb_entry *t = tlb_entry(g, va);

	if (t->tag == (va & GUEST_PAGE_MASK))
		return (const char *)(uintptr_t)(va + t->addend);
	return fill(g, t, va, size);
}

/* Where nothing is kept, each object is read when it is used, and the TLB stays empty. */
static bool keeps_nothing(const struct llview_guest *g)
{
	return g->pages->ops->object != NULL;
}

static bool read_object(struct llview_guest *g, struct guest_space as, void *dst, uint64_t va,
			size_t size)
{
	return can_read(g, g->pages->ops->object(g->pages, as, (struct gva){va}, dst, size));
}

/* How many of `size` bytes at `va` could be copied to `dst`. */
static size_t copy(struct llview_guest *g, void *dst, uint64_t va, size_t size)
{
	size_t done = 0;

	if (keeps_nothing(g))
		return read_object(g, GUEST_SPACE_KERNEL, dst, va, size) ? size : 0;
	while (done < size) {
		size_t part = page_left(va + done);
		const char *host;

		if (part > size - done)
			part = size - done;
		host = translate(g, va + done, part);
		if (!host)
			break;
		memcpy((char *)dst + done, host, part);
		done += part;
	}
	return done;
}

static __attribute__((noinline)) const void *miss_whole(struct llview_guest *g, uint64_t va)
{
	const char *host = fill_whole(g, tlb_entry(g, va), va);

	if (__builtin_expect(host != NULL, 1))
		return host;
	fault(g, va);
	return zeros;
}

/* What is neither aligned memory of a page that is known as a whole nor in a line that was looked at before. */
static __attribute__((noinline)) const void *miss_other(struct llview_guest *g, uint64_t va, uint32_t size)
{
	const char *host;

	if ((va & (size - 1)) == 0 && !keeps_nothing(g)) {
		host = fill_part(g, tlb_entry(g, va), va, size);
		if (host)
			return host;
	} else {
		g->stats.unaligned++;
		if (copy(g, &g->bounce, va, size) == size)
			return &g->bounce;
	}
	fault(g, va);
	return zeros;
}

/* Nothing is to be saved on the stack here: a line that was looked at before is the most frequent case by far. */
const void *llview_miss(uint64_t va, uint32_t size)
{
	struct llview_guest *g = llview_state.guest;
	const struct line *l;

	if (__builtin_expect((va & (size - 1)) == 0 && g->page, 1))
		return miss_whole(g, va);
	l = line_entry(g, va);
	/* as in llview.h; nothing is entered where pages are known as a whole */
	if (l->e.tag == (va & (LINE_MASK | (size - 1))) && l->words >> va % LINE_SIZE / 8 & 1)
		return (const void *)(uintptr_t)(va + l->e.addend);
	return miss_other(g, va, size);
}

const void *llview_pinned_absent(uint64_t offset)
{
	fault(llview_state.guest, offset);
	return zeros;
}

bool __llview_read(void *dst, uint64_t src, size_t size)
{
	struct llview_guest *g = llview_state.guest;
	size_t done = copy(g, dst, src, size);

	if (done == size)
		return true;
	memset(dst, 0, size);
	fault(g, src + done);
	return false;
}

bool guest_reread(const struct guest_piece *pieces, size_t count)
{
	struct llview_guest *g = llview_state.guest;

	if (!g->pages->ops->reread) {
		for (size_t i = 0; i < count; i++) {
			if (!__llview_read(pieces[i].buf, pieces[i].at.v, pieces[i].size))
				return false;
		}
		return true;
	}
	if (can_read(g, g->pages->ops->reread(g->pages, pieces, count)))
		return true;
	for (size_t i = 0; i < count; i++)
		memset(pieces[i].buf, 0, pieces[i].size);
	fault(g, count ? pieces[0].at.v : 0);
	return false;
}

size_t __llview_strncpy(char *dst, uint64_t src, size_t size)
{
	struct llview_guest *g = llview_state.guest;
	size_t done = 0;

	if (!size)
		return 0;
	while (done < size - 1) {
		/* what lies behind the end of a string isn't there, perhaps, and nobody's business */
		size_t part = g->pages->ops->part ? LINE_SIZE - (src + done) % LINE_SIZE :
						    page_left(src + done);
		const char *nul;

		if (part > size - 1 - done)
			part = size - 1 - done;
		/* Look for the NUL in the copy: the guest may take its own away meanwhile. */
		if (copy(g, dst + done, src + done, part) != part) {
			fault(g, src + done);
			break;
		}
		nul = memchr(dst + done, '\0', part);
		if (nul)
			return nul - dst;
		done += part;
	}
	dst[done] = '\0';
	return done;
}

void __llview_pinned_read(void *dst, uint64_t src, size_t size)
{
	memcpy(dst, (const void *)(uintptr_t)src, size);
}

size_t __llview_pinned_strncpy(char *dst, uint64_t src, size_t size)
{
	const volatile char *from = (const volatile char *)(uintptr_t)src;
	size_t n;

	if (!size)
		return 0;
	for (n = 0; n < size - 1; n++) {
		dst[n] = from[n];
		if (!dst[n])
			return n;
	}
	dst[n] = '\0';
	return n;
}

size_t __llview_read_user(struct guest_space as, void *dst, uint64_t va, size_t size)
{
	struct llview_guest *g = llview_state.guest;
	size_t done = 0;

	while (done < size) {
		uint64_t at = va + done;
		size_t part = page_left(at);
		const void *host;

		/* The upper half is the kernel's, also in a process's tables. */
		if (at < va || at >> 63)
			break;
		if (part > size - done)
			part = size - done;
		if (keeps_nothing(g)) {
			if (!read_object(g, as, (char *)dst + done, at, part))
				break;
			done += part;
			continue;
		}
		if (!can_read(g, guest_pages_part(g->pages, as, (struct gva){at}, part, &host)))
			break;
		memcpy((char *)dst + done, host, part);
		done += part;
	}
	return done;
}

/* Room for a copy of `size` bytes that are aligned as `va` is; NULL when the arena is full. */
static char *arena_take(struct llview_guest *g, uint64_t va, size_t size)
{
	size_t at = (g->arena_used + ARENA_ALIGN - 1) / ARENA_ALIGN * ARENA_ALIGN + va % ARENA_ALIGN;

	if (at > g->opts.arena_size || size + ARENA_SLACK > g->opts.arena_size - at)
		return NULL;
	g->arena_used = at + size + ARENA_SLACK;
	return g->arena + at;
}

const void *__llview_pin(uint64_t va, uint64_t size, bool copied)
{
	struct llview_guest *g = llview_state.guest;
	const char *host;
	char *to;

	if (size > GUEST_PIN_MAX)
		run_abort(g, ERR_LIMIT);
	/* No size: a type that this guest hasn't. Small records: see DESC_BIT_SHIFT. */
	if (size && !copied && page_left(va) >= size && !keeps_nothing(g)) {
		host = translate(g, va, size);
		if (host)
			return host;
	} else if (size) {
		to = arena_take(g, va, size);
		g->stats.copies++;
		if (to && copy(g, to, va, size) == size)
			return to;
	}
	fault(g, va);
	return zeros;
}

void __llview_prefetch_miss(uint64_t va)
{
	struct llview_guest *g = llview_state.guest;
	const struct partial *p = &g->partial[(va / GUEST_PAGE_SIZE) % PARTIAL_ENTRIES];
	const char *host = NULL;

	/* what comes from afar is asked for by other means: guest_want() */
	if (g->page)
		host = translate(g, va, 1);
	else if (p->tag == (va & GUEST_PAGE_MASK) && p->lines.lines >> va % GUEST_PAGE_SIZE / LINE_SIZE & 1)
		host = p->lines.runs ? NULL : guest_lines_at(p->lines.host, p->lines.lines, va);
	else if (g->pages->ops->soon)
		g->pages->ops->soon(g->pages, (struct gva){va});
	if (host)
		__builtin_prefetch(host);
}

bool guest_hints(void)
{
	return llview_state.guest->pages->ops->chase != NULL;
}

void guest_chase(const struct guest_chain *c)
{
	guest_pages_chase(llview_state.guest->pages, c);
}

void guest_want(struct guest_space as, const struct guest_range *r, size_t count)
{
	guest_pages_want(llview_state.guest->pages, as, r, count);
}

bool guest_faulted(void)
{
	return llview_state.guest->faulted;
}

void guest_fault_clear(void)
{
	llview_state.guest->faulted = false;
	llview_state.guest->fault_address = 0;
}

uint64_t guest_fault_address(void)
{
	return llview_state.guest->fault_address;
}

void __llview_fault(uint64_t va)
{
	fault(llview_state.guest, va);
}

struct guest_record guest_record_begin(void)
{
	struct llview_guest *g = llview_state.guest;
	struct guest_record r = {
		.address = g->fault_address,
		.arena = g->arena_used,
		.faulted = g->faulted,
	};

	guest_fault_clear();
	return r;
}

bool guest_record_end(const struct guest_record *r)
{
	struct llview_guest *g = llview_state.guest;
	bool good = !g->faulted;

	g->fault_address = r->address;
	g->arena_used = r->arena;
	g->faulted = r->faulted;
	return good;
}

bool __llview_bound_hit(void)
{
	fault(llview_state.guest, 0);
	return false;
}

void __llview_out_of_fuel(void)
{
	run_abort(llview_state.guest, ERR_LIMIT);
}

/* ---- the host side ---- */

enum err llview_guest_create(struct base_alloc *alloc, const struct llview_layout *layout,
			     struct guest_pages *pages, const struct llview_guest_opts *opts,
			     struct llview_guest **ret)
{
	struct llview_guest *g = base_alloc_zeroed(alloc, 1, sizeof(*g));

	if (!g)
		return ERR_NOMEM;
	g->alloc = alloc;
	g->pages = pages;
	g->page = pages->ops->part || pages->ops->object ? NULL : pages->ops->page;
	if (opts)
		g->opts = *opts;
	/* Where nothing is kept, pins are copies too. */
	if (!g->opts.arena_size)
		g->opts.arena_size = keeps_nothing(g) ? ARENA_SIZE_COPIES : ARENA_SIZE;
	if (!g->opts.fault_limit)
		g->opts.fault_limit = FAULT_LIMIT;
	if (!g->opts.fuel)
		g->opts.fuel = FUEL;
	g->delta = (uint64_t)(uintptr_t)llview_layout_slots(layout) -
		   (uint64_t)(uintptr_t)__start_llview_desc;
	g->arena = base_alloc_resize(alloc, NULL, g->opts.arena_size, 1);
	if (!g->arena) {
		llview_guest_destroy(g);
		return ERR_NOMEM;
	}
	/* Zeros are the tag of no other page than the one that this entry is for. */
	g->tlb[0].tag = g->partial[0].tag = g->lines[0].e.tag = TAG_NONE;
	g->epoch = pages->epoch;
	*ret = g;
	return ERR_OK;
}

void llview_guest_destroy(struct llview_guest *g)
{
	if (!g)
		return;
	base_free(g->alloc, g->arena);
	base_free(g->alloc, g);
}

static void forget_partial(struct llview_guest *g)
{
	if (g->pages->ops->part) {
		for (size_t i = 0; i < PARTIAL_ENTRIES; i++)
			g->partial[i].tag = TAG_NONE;
		for (size_t i = 0; i < LINE_ENTRIES; i++)
			g->lines[i].e.tag = TAG_NONE;
	}
}

/* An epoch of the pages has begun: what was good for the last one only is void. */
static void forget_passing(struct llview_guest *g)
{
	forget_partial(g);
	if (g->passing_count > PASSING_MAX) {
		llview_guest_flush(g);
		return;
	}
	for (size_t i = 0; i < g->passing_count; i++)
		g->tlb[g->passing[i]].tag = TAG_NONE;
	g->passing_count = 0;
	g->epoch = g->pages->epoch;
}

void llview_guest_flush(struct llview_guest *g)
{
	forget_partial(g);
	for (size_t i = 0; i < LLVIEW_TLB_ENTRIES; i++)
		g->tlb[i].tag = TAG_NONE;
	g->passing_count = 0;
	g->epoch = g->pages->epoch;
}

enum err llview_guest_epoch(struct llview_guest *g, struct err_ctx *err)
{
	enum err e = g->pages->ops->epoch(g->pages, err);

	g->stats.epochs++;
	if (g->epoch != g->pages->epoch)
		forget_passing(g);
	return e;
}

const struct llview_guest_stats *llview_guest_stats(const struct llview_guest *g)
{
	return &g->stats;
}

struct guest_pages *llview_guest_pages(const struct llview_guest *g)
{
	return g->pages;
}

/*
 * Never inlined: the compiler may take the thread's state for constant in functions that read the
 * guest, and does.
 */
__attribute__((noinline)) enum err guest_run(struct llview_guest *g, void (*fn)(void *arg),
					     void *arg)
{
	struct llview_state outer_state = llview_state;
	void **outer_abort = g->abort_to;
	size_t outer_arena = g->arena_used;
	uint32_t outer_faults = g->faults_left;
	uint64_t outer_address = g->fault_address;
	bool outer_faulted = g->faulted;
	void *here[5];
	enum err e = ERR_OK;

	if (g->epoch != g->pages->epoch)
		forget_passing(g);
	g->abort_to = here;
	g->faults_left = g->opts.fault_limit;
	g->faulted = false;
	g->fault_address = 0;
	g->stats.runs++;

	if (__builtin_setjmp(here) == 0) {
		llview_state = (struct llview_state){
			.delta = g->delta,
			.tlb = g->tlb,
			.fuel = g->opts.fuel,
			.guest = g,
		};
		fn(arg);
	} else {
		g = llview_state.guest;
		e = g->abort_code;
	}

	g->abort_to = outer_abort;
	g->arena_used = outer_arena;
	g->faults_left = outer_faults;
	g->fault_address = outer_address;
	g->faulted = outer_faulted;
	llview_state = outer_state;
	return e;
}

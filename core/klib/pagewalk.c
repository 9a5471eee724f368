// SPDX-License-Identifier: MIT
/* Walks of processes' page tables, without trusting them: each goes forward, and is bounded. */
#include "klib/pagewalk.h"

#include "klib/ahead.h"

GUEST_TYPES_BEGIN
struct page { /* include/linux/mm_types.h */
	unsigned char flags[8]; /* a long, or a record of one */
	atomic_t _refcount;
	atomic_t _mapcount;
	unsigned long compound_head;
	unsigned long compound_info; /* since 7.1 */
	atomic_t compound_mapcount; /* of the second page of a folio, until 6.2 */
	void __guest *mapping;
};

struct folio {
	atomic_t _entire_mapcount; /* since 6.2 */
};
GUEST_TYPES_END

extern unsigned long __guest vmemmap_base, highest_memmap_pfn;
extern unsigned int __guest pgdir_shift;

enum {
	ENTRIES = 512,
	PAGE_SHIFT = 12,
	LEVEL_BITS = 9,
	TABLES_AHEAD = 512, /* of each level: 1 GiB of small pages */
	RANGES_AHEAD = 64,
	MASK_SHIFT = 40, /* bits from here on are all ones in a mask, never in the address of a struct page */
	/* what a CPU may set in an entry that is none (_PAGE_KNL_ERRATUM_MASK) */
	PTE_ERRATUM = 1 << 5 | 1 << 6,
};

#define PTE_ADDRESS   0x000ffffffffff000ull
#define PTE_DIRTY     (1ull << 6)
#define PTE_SAVED     (1ull << 58) /* dirty, of pages that shadow stacks keep from looking so */
#define VMEMMAP_FIXED 0xffffea0000000000ull

static unsigned int level_shift(unsigned int level)
{
	return PAGE_SHIFT + LEVEL_BITS * (level - 1);
}

bool klib_pagewalk_begin(struct klib_pagewalk *w, struct mm_struct __guest *mm)
{
	*w = (struct klib_pagewalk){
		.bound = GUEST_BOUND(KLIB_WALK_MAX),
		.mm = mm,
		.direct = klib_mm_direct(),
		.vmemmap = guest_has_symbol(vmemmap_base) ? vmemmap_base : VMEMMAP_FIXED,
		.page_size = guest_sizeof(struct page),
		.frames = highest_memmap_pfn,
		.levels = guest_has_symbol(pgdir_shift) && pgdir_shift == level_shift(5) ? 5 : 4,
	};
	return guest_addr(mm->pgd) >= w->direct && w->page_size;
}

static bool is_none(uint64_t entry)
{
	return !(entry & ~(uint64_t)PTE_ERRATUM);
}

/* Where the table is that `entry` of `level` leads to; 0: it leads to none, being a page or nothing. */
static uint64_t table_of(const struct klib_pagewalk *w, uint64_t entry, unsigned int level)
{
	if (level == 1 || !(entry & KLIB_PTE_PRESENT) || (level <= 3 && entry & KLIB_PTE_HUGE))
		return 0;
	return w->direct + (entry & PTE_ADDRESS);
}

void klib_pagewalk_range(struct klib_pagewalk *w, uint64_t from, uint64_t to, klib_entry_fn *fn,
			 void *arg)
{
	uint64_t user = 1ull << (level_shift(w->levels) + LEVEL_BITS - 1);
	uint64_t top = guest_addr(w->mm->pgd) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);

	if (to > user)
		to = user;
	while (from < to && guest_more(&w->bound)) {
		unsigned int level = w->levels, shift = level_shift(level);
		uint64_t table = top, index = from >> shift & (ENTRIES - 1);
		uint64_t entry = guest_ptr(uint64_t, table)[index];

		for (uint64_t next; (next = table_of(w, entry, level)); ) {
			table = next;
			shift = level_shift(--level);
			index = from >> shift & (ENTRIES - 1);
			entry = guest_ptr(uint64_t, table)[index];
		}
		/* on in the same table, as far as it goes */
		for (;;) {
			uint64_t end = ((from >> shift) + 1) << shift;
			struct klib_entry e = {
				.va = from,
				.size = (end < to ? end : to) - from,
				.entry = is_none(entry) ? 0 : entry,
				.level = level,
				.at = table + index * sizeof(entry),
			};

			fn(arg, &e);
			from = end;
			index++;
			if (from >= to || index == ENTRIES || !guest_more(&w->bound))
				break;
			entry = guest_ptr(uint64_t, table)[index];
			if (table_of(w, entry, level))
				break;
		}
		if (guest_faulted())
			break;
	}
}

struct wanted {
	struct guest_range r[RANGES_AHEAD];
	size_t count;
};

static void want_flush(struct wanted *q)
{
	guest_want(GUEST_SPACE_KERNEL, q->r, q->count);
	q->count = 0;
}

static void want(struct wanted *q, uint64_t at, uint64_t size)
{
	struct guest_range *last = q->r + q->count - 1;

	if (q->count && last->start.v + last->size == at) {
		last->size += size;
		return;
	}
	if (q->count == RANGES_AHEAD)
		want_flush(q);
	q->r[q->count++] = (struct guest_range){ { at }, size };
}

/* Level by level: all tables of one are asked for together, and at the end what they lead to. */
void klib_pagewalk_ahead(struct klib_pagewalk *w, bool pages)
{
	uint64_t tables[TABLES_AHEAD], below[TABLES_AHEAD];
	unsigned int count = 1;
	struct wanted q = { .count = 0 };

	if (!guest_hints())
		return;
	tables[0] = guest_addr(w->mm->pgd) & ~(uint64_t)(GUEST_PAGE_SIZE - 1);
	for (unsigned int level = w->levels; count && level; level--) {
		/* the upper half of the top is the kernel's */
		unsigned int entries = level == w->levels ? ENTRIES / 2 : ENTRIES;
		unsigned int found = 0;

		for (unsigned int t = 0; t < count; t++)
			want(&q, tables[t], GUEST_PAGE_SIZE);
		want_flush(&q);
		for (unsigned int t = 0; t < count && (level > 1 || pages); t++) {
			for (unsigned int i = 0; i < entries && guest_more(&w->bound); i++) {
				uint64_t entry = guest_ptr(uint64_t, tables[t])[i];
				uint64_t next = table_of(w, entry, level);
				struct klib_entry e = { .entry = entry, .level = level };

				if (next && found < TABLES_AHEAD)
					below[found++] = next;
				else if (level == 1 && klib_pte_present(entry) &&
					 klib_pte_frame(&e) <= w->frames)
					want(&q, w->vmemmap + klib_pte_frame(&e) * w->page_size,
					     w->page_size);
			}
		}
		want_flush(&q);
		__builtin_memcpy(tables, below, found * sizeof(*tables));
		count = found;
	}
}

uint64_t klib_pte_frame(const struct klib_entry *e)
{
	uint64_t at = e->entry & KLIB_PTE_PRESENT ? e->entry : ~e->entry; /* against L1TF */

	at &= PTE_ADDRESS;
	if (e->level > 1)
		at &= ~((1ull << level_shift(e->level)) - 1);
	return at >> PAGE_SHIFT;
}

bool klib_pte_dirty(uint64_t pte)
{
	return pte & (PTE_DIRTY | PTE_SAVED);
}

/*
 * The page that stands for all of a large one: a part leads to it by its address, since 7.1 maybe by a
 * mask of its own address, which no address looks like. Bit 0 is set in both.
 */
static uint64_t head_of(struct page __guest *page)
{
	uint64_t at = guest_addr(page), info;

	info = guest_has(struct page, compound_info) ? page->compound_info : page->compound_head;
	if (!(info & 1))
		return at;
	return info >> MASK_SHIFT == UINT64_MAX >> MASK_SHIFT ? at & info : info - 1;
}

bool klib_page_get(const struct klib_pagewalk *w, uint64_t frame, struct klib_page *ret)
{
	enum { MAPPING_ANON = 1, MAPPING_KSM = 3 };
	uint64_t at = w->vmemmap + frame * w->page_size, head, mapping;
	struct page __guest *p;

	if (frame > w->frames)
		return false;
	head = head_of(guest_ptr(struct page, at));
	p = guest_ptr(struct page, head);
	mapping = guest_addr(p->mapping);
	*ret = (struct klib_page){
		.flags = *guest_ptr(uint64_t, guest_addr(p->flags)),
		.at = at,
		.head = head,
		.anon = mapping & MAPPING_ANON,
		.ksm = (mapping & MAPPING_KSM) == MAPPING_KSM,
	};
	ret->large = head != at || KLIB_PAGE_FLAG(ret, PG_head);
	return true;
}

int klib_page_count(const struct klib_page *p)
{
	return guest_ptr(struct page, p->head)->_refcount.counter;
}

/*
 * Until 6.2 a folio that is mapped both as a whole and in parts counts its parts' mappings too often
 * by one, and parts of a file's count what maps the whole.
 */
int klib_page_mapcount(const struct klib_pagewalk *w, const struct klib_page *p, uint64_t n)
{
	struct page __guest *page = guest_ptr(struct page, p->at + n * w->page_size);
	struct page __guest *second = guest_ptr(struct page, p->head + w->page_size);
	int count = page->_mapcount.counter + 1;

	if (!guest_has(struct page, compound_mapcount)) {
		if (count < 0)
			count = 0; /* the place is used for a type */
		if (p->large)
			count += guest_ptr(struct folio, p->head)->_entire_mapcount.counter + 1;
	} else if (p->large && p->anon) {
		struct klib_page whole = {
			.flags = *guest_ptr(uint64_t, guest_addr(second->flags)),
		};

		count += second->compound_mapcount.counter + 1;
		count -= KLIB_PAGE_FLAG(&whole, PG_double_map);
	}
	return count;
}

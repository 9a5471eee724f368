// SPDX-License-Identifier: MIT
/*
 * Pages of the heap. A byte a page, at the heap's begin, says whether it is in use and what may
 * be done there; neighbours that are free are one free run without further ado. mmap() takes from
 * the top, brk() grows from below. The heap isn't measured, so a page holds what the host likes
 * until it is zeroed, when it is given out. That costs: each page that is touched first is a fault. Memory that is
 * written before it is read can be had as it is.
 *
 * The processor's own permissions of a page are fixed with SGX1 (read and write). mprotect() is
 * book-keeping, which exception.c and checks of pointers go by, and a request to the host for the
 * page tables: an honest one makes guard pages work, another can only leave them out.
 */
#include <elf.h>
#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "thread.h"
#include "trusted/ocall.h"
#include "trusted/program.h"

#define PAGE		    ((uint64_t)ABI_PAGE)
#define USED		    0x80u
#define OWNED		    0x40u /* by another program that runs: free when it ends */
#define PROT		    0x07u /* what the program asked for, as PROT_* */
#define TABLE		    0x38u /* what the page tables should have, as PROT_* */
#define TABLE_SHIFT	    3
#define RW		    (PROT_READ | PROT_WRITE)
#define MREMAP_MAYMOVE_FLAG 1

static struct {
	struct trusted_lock lock;
	uint64_t start; /* of what is given out */
	size_t count;	/* pages */
	uint8_t *state; /* of each */
	uint8_t *owner; /* of each that is OWNED */
	size_t used;
	size_t brk_pages; /* from the start on; some may have been unmapped */
	uint64_t brk;
} heap;

static uint64_t round_up(uint64_t size)
{
	return (size + PAGE - 1) & ~(PAGE - 1);
}

void memory_init(uint64_t start, size_t size)
{
	size_t pages = size / PAGE, table = (2 * pages + PAGE - 1) / PAGE;

	if (pages <= table)
		trusted_abort("the heap is too small");
	heap.state = (uint8_t *)start;
	heap.owner = heap.state + pages;
	heap.start = start + table * PAGE;
	heap.count = pages - table;
	heap.used = 0;
	heap.brk_pages = 0;
	heap.brk = heap.start;
	memset(heap.state, RW << TABLE_SHIFT, heap.count);
}

static bool in_heap(uint64_t addr, uint64_t size, size_t *first_ret)
{
	uint64_t offset = addr - heap.start, whole = heap.count * PAGE;

	if (addr < heap.start || offset > whole || size > whole - offset)
		return false;
	*first_ret = offset / PAGE;
	return true;
}

/* The highest free run of `count` pages; SIZE_MAX: there is none. */
static size_t find_free(size_t count)
{
	size_t run = 0, i = heap.count;

	while (i > heap.brk_pages) {
		if (run == 0 && i % 8 == 0 && i >= heap.brk_pages + 8) {
			uint64_t eight;

			memcpy(&eight, &heap.state[i - 8], 8);
			if ((eight & 0x8080808080808080ull) == 0x8080808080808080ull) {
				i -= 8;
				continue;
			}
		}
		i--;
		run = heap.state[i] & USED ? 0 : run + 1;
		if (run == count)
			return i;
	}
	return SIZE_MAX;
}

static bool is_free(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		if (heap.state[i] & USED)
			return false;
	return true;
}

static bool is_used(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++)
		if (!(heap.state[i] & USED))
			return false;
	return true;
}

/* Marks pages as in use; true: the page tables have to change. */
static bool mark(size_t first, size_t count, int prot)
{
	bool stale = false;

	for (size_t i = first; i < first + count; i++) {
		uint8_t *s = &heap.state[i];

		heap.used += !(*s & USED);
		stale |= (*s & TABLE) >> TABLE_SHIFT != (unsigned int)prot;
		*s = (uint8_t)(USED | (*s & OWNED) | (unsigned int)prot | (unsigned int)prot << TABLE_SHIFT);
	}
	return stale;
}

__attribute__((weak)) bool trusted_page_is_kept(uint64_t addr)
{
	(void)addr;
	return false;
}

static void unmark(size_t first, size_t count)
{
	for (size_t i = first; i < first + count; i++) {
		if (heap.state[i] & OWNED && heap.owner[i] == TRUSTED_OWNER_SHARED &&
		    trusted_page_is_kept(heap.start + i * PAGE))
			continue;
		heap.used -= (heap.state[i] & USED) != 0;
		heap.state[i] &= TABLE;
	}
}

static uint64_t address(size_t page)
{
	return heap.start + page * PAGE;
}

/* What comes back is of no interest: it may not have been done anyway. */
static void tell_host(size_t first, size_t count, int prot)
{
	(void)trusted_ocall(ABI_OCALL_PROTECT, address(first) - trusted_base(), count * PAGE,
			    (uint64_t)prot, 0, 0, 0);
}

/* Pages just marked as RW become zeros with `prot`. */
static void give_out(size_t first, size_t count, bool stale, int prot)
{
	if (stale)
		tell_host(first, count, RW);
	memset((void *)address(first), 0, count * PAGE);
	if (prot == RW)
		return;
	trusted_lock(&heap.lock);
	mark(first, count, prot);
	trusted_unlock(&heap.lock);
	tell_host(first, count, prot);
}

/* Finds and marks pages for mmap(). 0, or a negative errno number. */
static long claim(uint64_t addr, size_t count, int flags, size_t *first_ret, bool *stale_ret)
{
	size_t first = 0;
	long r = 0;

	if (count > heap.count)
		return -ENOMEM;
	trusted_lock(&heap.lock);
	if (flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) {
		if (!in_heap(addr, count * PAGE, &first))
			r = -ENOMEM;
		else if ((flags & MAP_FIXED_NOREPLACE) && !is_free(first, count))
			r = -EEXIST;
	} else {
		first = find_free(count);
		r = first == SIZE_MAX ? -ENOMEM : 0;
	}
	if (!r)
		*stale_ret = mark(first, count, RW);
	trusted_unlock(&heap.lock);
	*first_ret = first;
	return r;
}

long trusted_mmap(uint64_t addr, size_t size, int prot, int flags)
{
	size_t count = size / PAGE + (size % PAGE != 0), first;
	bool stale;
	long r;

	if (size == 0 || ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) && addr % PAGE))
		return -EINVAL;
	if (prot & PROT_EXEC)
		return -EACCES;
	if (prot & ~RW)
		return -EINVAL;
	/* x86 can't have write without read */
	prot |= prot & PROT_WRITE ? PROT_READ : 0;
	r = claim(addr, count, flags, &first, &stale);
	if (r)
		return r;
	give_out(first, count, stale, prot);
	return (long)address(first);
}

long trusted_mmap_unset(size_t size)
{
	size_t first;
	bool stale;
	long r = size ? claim(0, size / PAGE + (size % PAGE != 0), 0, &first, &stale) : -EINVAL;

	if (r)
		return r;
	if (stale)
		tell_host(first, size / PAGE + (size % PAGE != 0), RW);
	return (long)address(first);
}

long trusted_munmap(uint64_t addr, size_t size)
{
	long r = 0;
	size_t first;

	if (addr % PAGE || size == 0 || size > heap.count * PAGE)
		return -EINVAL;
	size = round_up(size);
	trusted_lock(&heap.lock);
	if (in_heap(addr, size, &first))
		unmark(first, size / PAGE);
	else
		r = -EINVAL;
	trusted_unlock(&heap.lock);
	return r;
}

long trusted_mprotect(uint64_t addr, size_t size, int prot)
{
	bool stale = false;
	size_t first, end;
	long r = 0;

	if (addr % PAGE || prot & ~(RW | PROT_EXEC))
		return -EINVAL;
	if (prot & PROT_EXEC)
		return -EACCES;
	if (size == 0)
		return 0;
	if (size > heap.count * PAGE)
		return -ENOMEM;
	size = round_up(size);
	prot |= prot & PROT_WRITE ? PROT_READ : 0;
	trusted_lock(&heap.lock);
	if (!in_heap(addr, size, &first) || !is_used(first, size / PAGE))
		r = -ENOMEM;
	else
		stale = mark(first, size / PAGE, prot);
	trusted_unlock(&heap.lock);
	if (r || !stale)
		return r;
	end = first + size / PAGE;
	tell_host(first, end - first, prot);
	return 0;
}

long trusted_mremap(uint64_t addr, size_t old_size, size_t new_size, int flags, uint64_t new_addr)
{
	size_t first, old_count = old_size / PAGE + (old_size % PAGE != 0);
	size_t new_count = new_size / PAGE + (new_size % PAGE != 0), to = SIZE_MAX;
	bool stale = false, in_place = false;
	long r = 0;
	int prot = 0;

	(void)new_addr;
	if (addr % PAGE || new_size == 0 || old_size == 0 || flags & ~MREMAP_MAYMOVE_FLAG)
		return -EINVAL;
	if (old_count > heap.count || new_count > heap.count)
		return -ENOMEM;
	trusted_lock(&heap.lock);
	if (!in_heap(addr, old_count * PAGE, &first) || !is_used(first, old_count)) {
		r = -EFAULT;
	} else if (new_count <= old_count) {
		unmark(first + new_count, old_count - new_count);
		in_place = true;
	} else {
		size_t more = new_count - old_count, end = first + old_count;

		prot = heap.state[first] & PROT;
		in_place = end + more <= heap.count && is_free(end, more);
		to = in_place ? end : find_free(new_count);
		if (to == SIZE_MAX || (!in_place && !(flags & MREMAP_MAYMOVE_FLAG)))
			r = -ENOMEM;
		else if (prot != RW)
			r = -EINVAL;
		else
			stale = mark(to, in_place ? more : new_count, RW);
	}
	trusted_unlock(&heap.lock);
	if (r || new_count <= old_count)
		return r ? r : (long)addr;
	if (in_place) {
		give_out(to, new_count - old_count, stale, RW);
		return (long)addr;
	}
	give_out(to, new_count, stale, RW);
	memcpy((void *)address(to), (const void *)addr, old_count * PAGE);
	(void)trusted_munmap(addr, old_count * PAGE);
	return (long)address(to);
}

void trusted_own(uint64_t addr, size_t size, unsigned int owner)
{
	size_t first;

	size = round_up(size);
	trusted_lock(&heap.lock);
	if (in_heap(addr, size, &first)) {
		for (size_t i = first; i < first + size / PAGE; i++) {
			if (!(heap.state[i] & USED) ||
			    (heap.state[i] & OWNED && heap.owner[i] == TRUSTED_OWNER_SHARED))
				continue;
			heap.state[i] |= OWNED;
			heap.owner[i] = (uint8_t)owner;
		}
	}
	trusted_unlock(&heap.lock);
}

void trusted_disown(unsigned int owner)
{
	trusted_lock(&heap.lock);
	for (size_t i = 0; i < heap.count; i++)
		if (heap.state[i] & OWNED && heap.owner[i] == owner)
			unmark(i, 1);
	trusted_unlock(&heap.lock);
}

void trusted_set_owner(uint64_t addr, unsigned int owner)
{
	size_t i;

	if (in_heap(addr, PAGE, &i))
		heap.owner[i] = (uint8_t)owner;
}

uint64_t trusted_next_owned(uint64_t from, unsigned int owner)
{
	size_t i = from > heap.start ? (from - heap.start) / PAGE : 0;

	for (; i < heap.count; i++)
		if (heap.state[i] & OWNED && heap.owner[i] == owner)
			return address(i);
	return 0;
}

long trusted_brk(uint64_t addr)
{
	size_t count, first = 0;
	bool stale = false;
	long r;

	trusted_lock(&heap.lock);
	if (addr >= heap.start && addr - heap.start <= heap.count * PAGE) {
		count = (addr - heap.start + PAGE - 1) / PAGE;
		first = heap.brk_pages;
		if (count <= first) {
			unmark(count, first - count);
			heap.brk = addr;
			heap.brk_pages = count;
			count = 0;
		} else if (is_free(first, count - first)) {
			stale = mark(first, count - first, RW);
			heap.brk = addr;
			heap.brk_pages = count;
			count -= first;
		} else {
			count = 0;
		}
	} else {
		count = 0;
	}
	r = (long)heap.brk;
	trusted_unlock(&heap.lock);
	if (count)
		give_out(first, count, stale, RW);
	return r;
}

long trusted_madvise(uint64_t addr, size_t size, int advice)
{
	size_t first, count;
	long r = 0;

	if (addr % PAGE || size > heap.count * PAGE)
		return -EINVAL;
	size = round_up(size);
	count = size / PAGE;
	trusted_lock(&heap.lock);
	if (!in_heap(addr, size, &first) || !is_used(first, count))
		r = -ENOMEM;
	for (size_t i = 0; !r && advice == MADV_DONTNEED && i < count; i++)
		if (!(heap.state[first + i] & PROT_WRITE))
			r = -EINVAL;
	trusted_unlock(&heap.lock);
	if (!r && advice == MADV_DONTNEED)
		memset((void *)addr, 0, size);
	return r;
}

size_t trusted_heap_size(void)
{
	return heap.count * PAGE;
}

size_t trusted_heap_used(void)
{
	return __atomic_load_n(&heap.used, __ATOMIC_RELAXED) * PAGE;
}

/* -- who may do what where
 * ------------------------------------------------------------------------- */

/* In the program that begins at `base`, by its own headers, which are measured. */
static int program_protection(uint64_t base, uint64_t offset)
{
	const Elf64_Ehdr *h = (const Elf64_Ehdr *)base;
	const Elf64_Phdr *ph = (const Elf64_Phdr *)(base + h->e_phoff);

	for (size_t i = 0; i < h->e_phnum; i++) {
		uint64_t from = ph[i].p_vaddr & ~(PAGE - 1);

		if (ph[i].p_type != PT_LOAD || offset < from ||
		    offset >= round_up(ph[i].p_vaddr + ph[i].p_memsz))
			continue;
		return (ph[i].p_flags & PF_R ? PROT_READ : 0) |
		       (ph[i].p_flags & PF_W ? PROT_WRITE : 0) |
		       (ph[i].p_flags & PF_X ? PROT_EXEC : 0);
	}
	return 0;
}

static int image_protection(uint64_t offset)
{
	const struct abi_thread *page = trusted_page();
	const struct abi_program *p = (const void *)(trusted_base() + page->programs);
	int r = program_protection(trusted_base(), offset);

	for (size_t i = 0; !r && i < page->program_count; i++)
		if (p[i].offset <= offset)
			r = program_protection(trusted_base() + p[i].offset, offset - p[i].offset);
	return r;
}

static bool is_within(uint64_t offset, uint64_t end, uint64_t size)
{
	return offset < end && offset >= end - size;
}

/* The parts of the threads; offsets in the page are those of its own thread. */
static int thread_protection(uint64_t offset)
{
	const struct abi_thread *page = trusted_page();
	uint64_t stride = page->thread_stride, first = page->self - page->index * stride, at;

	if (offset < first || offset - first >= page->thread_count * stride)
		return 0;
	/* as if it were ours */
	at = (offset - first) % stride + page->self;
	if (at - page->self < PAGE || is_within(at, page->stack_top, page->stack_size) ||
	    is_within(at, page->exception_top, page->exception_size) ||
	    (at >= page->ssa && at - page->ssa < (uint64_t)page->ssa_frame_size * page->ssa_count))
		return RW;
	return 0;
}

int memory_protection(uint64_t addr)
{
	const struct abi_thread *page = trusted_page();
	uint64_t offset = addr - trusted_base();
	size_t i;

	if (offset >= page->size)
		return 0;
	if (in_heap(addr, 1, &i) && i < heap.count) {
		uint8_t s = __atomic_load_n(&heap.state[i], __ATOMIC_RELAXED);

		return s & USED ? s & PROT : 0;
	}
	if (offset >= page->heap && offset - page->heap < page->heap_size)
		return RW; /* the table */
	if (page->config_size && offset >= page->config &&
	    offset - page->config < round_up(page->config_size))
		return PROT_READ;
	if (offset >= page->self - page->index * page->thread_stride)
		return thread_protection(offset);
	return image_protection(offset);
}

static bool may(const void *p, size_t size, int need)
{
	uint64_t at = (uint64_t)p & ~(PAGE - 1);

	if (!trusted_inside(p, size))
		return false;
	for (; at < (uint64_t)p + size; at += PAGE)
		if (!(memory_protection(at) & need))
			return false;
	return true;
}

bool trusted_readable(const void *p, size_t size)
{
	return may(p, size, PROT_READ);
}

bool trusted_writable(const void *p, size_t size)
{
	return may(p, size, PROT_WRITE);
}

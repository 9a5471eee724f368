/* SPDX-License-Identifier: MIT */
/*
 * Synthetic guests for tests: a small fake physical memory with page tables, a kernel that
 * describes itself (VMCOREINFO, kallsyms, BTF; see synth/kernel.h), and whatever structures a
 * test lays into it, torn, cyclic and lying ones included. Anything that fails here is a mistake
 * of the test: it aborts.
 */
#ifndef SCW_SYNTH_SYNTH_H
#define SCW_SYNTH_SYNTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/pages.h"
#include "guest/phys.h"

struct synth;

/* How the memory is offered by synth_source(). */
enum {
	SYNTH_MAP = 1,	     /* map() works */
	SYNTH_READ_MANY = 2, /* read_many() is there */
	SYNTH_CLOCK = 4,     /* now() is there, without any of the others; see synth_set_clock() */
};

/* Page-table entry bits (SDM vol. 3A, 4.5). */
enum {
	SYNTH_PTE_PRESENT = 1 << 0,
	SYNTH_PTE_WRITE = 1 << 1,
	SYNTH_PTE_USER = 1 << 2,
	SYNTH_PTE_HUGE = 1 << 7,
	SYNTH_PTE_PROT_NONE = 1 << 8,
};

#define SYNTH_4K ((uint64_t)1 << 12)
#define SYNTH_2M ((uint64_t)1 << 21)
#define SYNTH_1G ((uint64_t)1 << 30)

/* An empty machine whose page tables will have `levels` (4 or 5) levels. */
struct synth *synth_create(unsigned int levels);
void synth_destroy(struct synth *s);

/* Back [start, start + size) with zeroed memory; both multiples of the page size. */
void synth_add_memory(struct synth *s, uint64_t start, uint64_t size);

/* Host address of `size` bytes of physical memory at `at`; NULL when not all of it is backed. */
void *synth_phys(struct synth *s, uint64_t at, uint64_t size);

/* Take `size` bytes of unused backed physical memory, `align`ed; address order. */
uint64_t synth_take(struct synth *s, uint64_t size, uint64_t align);

/* The memory as a source. Belongs to `s`; calling again changes `flags`. */
struct guest_phys *synth_source(struct synth *s, unsigned int flags);

/* The next alive() says that the VM ended (true), or that it lives. */
void synth_set_gone(struct synth *s, bool gone);

/* The next verify() says that the guest restarted (true), or that it didn't. */
void synth_set_restarted(struct synth *s, bool restarted);

/* What now() says from now on, in nanoseconds. */
void synth_set_clock(struct synth *s, uint64_t ns);

/* Top table of the kernel's address space (made on first use). */
uint64_t synth_top(struct synth *s);

/* Use the zeroed page at `top` as the kernel's top table from now on. */
void synth_set_top(struct synth *s, uint64_t top);

/* A new, empty address space. */
uint64_t synth_space(struct synth *s);

/* What the walk needs to know. */
struct guest_paging synth_paging(struct synth *s);

/*
 * Map one page of `size` (SYNTH_4K, _2M or _1G) at `va` in the space of `top` to `pa`, making the
 * tables in between. `flags`: SYNTH_PTE_*; PRESENT and WRITE must be given.
 */
void synth_map(struct synth *s, uint64_t top, uint64_t va, uint64_t pa, uint64_t size,
	       uint64_t flags);

/* Map [va, va + size) of the kernel's space to new physical pages of 4 KiB. */
void synth_map_new(struct synth *s, uint64_t va, uint64_t size);

/*
 * The entry for `va` in the table of `level` (1: page table) of the space of `top`, to spoil it;
 * NULL when the tables above don't lead there.
 */
uint64_t *synth_entry(struct synth *s, uint64_t top, uint64_t va, unsigned int level);

/* Copy bytes to mapped kernel memory. */
void synth_write(struct synth *s, uint64_t va, const void *bytes, size_t size);
void synth_put32(struct synth *s, uint64_t va, uint32_t value);
void synth_put64(struct synth *s, uint64_t va, uint64_t value);

#endif

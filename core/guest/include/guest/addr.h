/* SPDX-License-Identifier: MIT */
/* Guest addresses have types, so that a virtual one can't be taken for a physical one. */
#ifndef SCW_GUEST_ADDR_H
#define SCW_GUEST_ADDR_H

#include <stdint.h>

#define GUEST_PAGE_SHIFT 12
#define GUEST_PAGE_SIZE	 4096u
#define GUEST_PAGE_MASK	 (~(uint64_t)(GUEST_PAGE_SIZE - 1))

/* Guest virtual address; canonical or not: the walk decides. */
struct gva {
	uint64_t v;
};

/* Guest physical address. */
struct gpa {
	uint64_t v;
};

/*
 * An address space of the guest: the guest-physical address of its top page table (CR3 without
 * flag bits, SDM vol. 3A 4.5). GUEST_SPACE_KERNEL stands for the kernel's own, whatever it is.
 */
struct guest_space {
	uint64_t top;
};

#define GUEST_SPACE_KERNEL ((struct guest_space){0})

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What compiled guest code and the runtime share: the current guest of a thread, and the software
 * TLB. Nobody else includes this; code uses llview/llview.h (kernel-style) or llview/guest.h.
 *
 * Everything here is hidden: each program or shared object that links the runtime has its own copy.
 */
#ifndef SCW_LLVIEW_STATE_H
#define SCW_LLVIEW_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/addr.h"

/* Bumped when compiled code and runtime stop fitting together; the driver passes it as SCW_LLVIEW. */
#define LLVIEW_ABI 1

#define LLVIEW_TLB_BITS	   12
#define LLVIEW_TLB_ENTRIES (1u << LLVIEW_TLB_BITS)

#define LLVIEW_HIDDEN __attribute__((visibility("hidden")))

/*
 * `tag` is the guest page's address, or all ones (never the tag of an access); host address =
 * guest address + `addend`. 16 bytes: the look-up below relies on it.
 */
struct llview_tlb_entry {
	uint64_t tag;
	uint64_t addend;
};

struct llview_guest;

/*
 * The current guest of this thread, set by guest_run() for the time of one call. `delta` is what to
 * add to the address of a slot descriptor to have the address of its slot. The plugin knows the
 * offsets of delta (0) and tlb (8).
 */
struct llview_state {
	uint64_t delta;
	struct llview_tlb_entry *tlb;
	uint64_t fuel;
	struct llview_guest *guest;
};

extern LLVIEW_HIDDEN __thread struct llview_state llview_state
	__attribute__((tls_model("initial-exec")));

/*
 * The TLB had no answer for `size` (1, 2, 4, 8) bytes at `va`. Never fails: a pointer to aligned
 * bytes, in the guest's page, in a bounce buffer (unaligned or crossing accesses), or zeros
 * after recording a fault. Valid until the next call. May leave through guest_run().
 */
LLVIEW_HIDDEN const void *llview_miss(uint64_t va, uint32_t size);

/* A pinned object was asked for a member that this guest hasn't: records a fault, gives zeros. */
LLVIEW_HIDDEN const void *llview_pinned_absent(uint64_t offset);

enum { GUEST_PIN_MAX = 65536 }; /* bytes of one pinned object; more aborts the walk */

/* What llview.h's macros and functions of these names come down to; documented there. */
LLVIEW_HIDDEN bool __llview_read(void *dst, uint64_t src, size_t size);
LLVIEW_HIDDEN size_t __llview_strncpy(char *dst, uint64_t src, size_t size);
LLVIEW_HIDDEN void __llview_pinned_read(void *dst, uint64_t src, size_t size);
LLVIEW_HIDDEN size_t __llview_pinned_strncpy(char *dst, uint64_t src, size_t size);
LLVIEW_HIDDEN size_t __llview_read_user(struct guest_space as, void *dst, uint64_t va,
					size_t size);
LLVIEW_HIDDEN const void *__llview_pin(uint64_t va, uint64_t size, bool copy);
LLVIEW_HIDDEN void __llview_prefetch_miss(uint64_t va);
LLVIEW_HIDDEN void __llview_fault(uint64_t va);
struct guest_chain;
struct guest_range;
struct guest_piece;
LLVIEW_HIDDEN bool guest_reread(const struct guest_piece *pieces, size_t count);
LLVIEW_HIDDEN bool guest_hints(void);
LLVIEW_HIDDEN void guest_chase(const struct guest_chain *c);
LLVIEW_HIDDEN void guest_want(struct guest_space as, const struct guest_range *r, size_t count);
LLVIEW_HIDDEN bool __llview_bound_hit(void);
LLVIEW_HIDDEN void __llview_out_of_fuel(void) __attribute__((noreturn));

struct guest_record {
	uint64_t address;
	size_t arena;
	bool faulted;
};
LLVIEW_HIDDEN bool guest_faulted(void);
LLVIEW_HIDDEN void guest_fault_clear(void);
LLVIEW_HIDDEN uint64_t guest_fault_address(void);
LLVIEW_HIDDEN struct guest_record guest_record_begin(void);
LLVIEW_HIDDEN bool guest_record_end(const struct guest_record *r);

#endif

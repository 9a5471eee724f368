/* SPDX-License-Identifier: MIT */
/*
 * LLView: kernel-style C on somebody else's memory. What code compiled through the plugin includes
 * (`scw-cc --guest`, or guest_gen in meson). docs/LLVIEW.md is the manual; this is the reference.
 *
 *	GUEST_TYPES_BEGIN
 *	struct task_struct {			only what is used, in any order
 *		struct list_head tasks;
 *		pid_t pid;
 *		struct signal_struct __guest *signal;
 *		char comm[16];
 *	};
 *	GUEST_TYPES_END
 *	extern struct task_struct __guest init_task;	address: the guest's kallsyms
 *
 *	t->pid			reads the watched VM, at the offset that its BTF gives
 *	t->signal->nr_threads	two reads
 *	&t->tasks		an address of the VM
 *	&init_task, t != &x, !t	as ever
 *
 * Reading never fails at once: what can't be read is zeros, and sets the sticky fault of the
 * current record (guest_record_begin/end, guest_faulted). A walk that faults too often, or takes
 * too many steps, is aborted as a whole: guest_run() (llview/guest.h) returns ERR_LIMIT. Nothing is
 * unwound then, so kernel-style code holds nothing that isn't owned by guest_run()'s caller.
 *
 * Every read of a scalar is a single fetch: `x = t->pid` gives one value that the guest had, and
 * using x again doesn't read again. Two reads are two values.
 *
 * A member, symbol, enumerator or type that this guest's kernel hasn't got never stops anything by
 * itself: guest_has*() tell, and a use without asking faults. A scalar member whose size differs
 * from the declaration, and an array that is shorter than declared, count as absent.
 */
#ifndef SCW_LLVIEW_LLVIEW_H
#define SCW_LLVIEW_LLVIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/addr.h"
#include "llview/state.h"

#if !defined(__clang__) || !defined(SCW_LLVIEW)
#error "kernel-style code must be compiled through the llview plugin: use scw-cc --guest"
#elif SCW_LLVIEW != LLVIEW_ABI
#error "this header and the llview plugin are of different versions"
#endif

/*
 * `T __guest *` : an address of the VM; *p, p->m and p[i] read the VM. Members that are pointers,
 * pointers to functions too, are declared __guest ("void __guest *fn").
 *
 * `T __pinned *` : a host pointer to a T in the guest's layout, from guest_pin() and friends:
 * members are read in place, at relocated offsets. It is as safe as any C pointer: indexes into its
 * arrays, and how far to go in a run from guest_pin_bytes(), are checked by the code that uses it.
 */
#define __guest	 __attribute__((address_space(1)))
#define __pinned __attribute__((address_space(2)))

/*
 * Around the declarations of guest types (struct, union, enum). Members and records are matched by
 * name with the guest's BTF: only those that are used need declaring, order doesn't matter,
 * anonymous structs and unions may be flattened or kept. `typedef struct {...} x_t` is found as
 * x_t. Enumerators of an enum declared here can't be used as constants: see guest_enum().
 */
#define __LLVIEW_PRAGMA(...) _Pragma(#__VA_ARGS__)
#define GUEST_TYPES_BEGIN                                                                          \
	__LLVIEW_PRAGMA(clang attribute push(__attribute__((annotate("llview_guest"))),            \
					     apply_to = any(record, enum)))
#define GUEST_TYPES_END _Pragma("clang attribute pop")

#define __LLVIEW_STR1(...) #__VA_ARGS__
#define __LLVIEW_STR(...)  __LLVIEW_STR1(__VA_ARGS__)

/*
 * Not functions: the plugin replaces each call by a slot of the guest's layout table. Use the
 * macros below.
 */
extern uint64_t __llview_offsetof(const volatile void __guest *member);
extern int __llview_has(const volatile void __guest *member);
extern int __llview_has_bitfield(const char *type, const char *path);
extern int __llview_has_type(const char *type);
extern int __llview_has_symbol(const char *name);
extern uint64_t __llview_sizeof(const char *type);
extern int __llview_has_enum(const char *type, const char *name);
extern int64_t __llview_enum(const char *type, const char *name);

/* ---- addresses ---- */

/* The address in a guest (or pinned) pointer, as uint64_t; a guest pointer from an address. */
#define guest_addr(ptr)	       ((uint64_t)(uintptr_t)(ptr))
#define guest_ptr(type, addr) ((__typeof__(type) __guest *)(uintptr_t)(addr))

/* The type that `ptr` points to, without qualifiers and address space. */
#define guest_typeof_target(ptr) __typeof__(((void)0, *(ptr)))

/* Same address? Pointers of different types and integers may be mixed. NULL is 0. */
#define guest_eq(a, b)	  (guest_addr(a) == guest_addr(b))
#define guest_is_null(ptr) (guest_addr(ptr) == 0)

/* Kernel idiom: a pointer in the last page is an errno. */
#define guest_is_err(ptr) (guest_addr(ptr) >= (uint64_t)-4095)

/* ---- what this guest has ---- */

/*
 * Is there a member `m` ("a.b" goes through by-value records) in `T` ("struct x", "union x", or a
 * typedef's name), with the declared size? For bit-fields use guest_has_bitfield().
 */
#define guest_has(T, m) (__llview_has(&((T __guest *)0)->m) != 0)
#define guest_has_bitfield(T, m)                                                                   \
	((void)sizeof((((T __guest *)0)->m, 0)),                                                   \
	 __llview_has_bitfield(__LLVIEW_STR(T), __LLVIEW_STR(m)) != 0)

/* Is there a type of this name? It need not be declared: guest_has_type(struct maple_tree). */
#define guest_has_type(T) (__llview_has_type(__LLVIEW_STR(T)) != 0)

/* Is there a symbol of this name in kallsyms? It need not be declared. */
#define guest_has_symbol(sym) (__llview_has_symbol(__LLVIEW_STR(sym)) != 0)

/* Bytes of a T in this guest (sizeof would be our declaration's, and is rejected). 0: no such type. */
#define guest_sizeof(T) ((void)(T __guest *)0, __llview_sizeof(__LLVIEW_STR(T)))

/* Offset of member `m` (no bit-field) in a T of this guest. A useless, huge number when absent. */
#define guest_offsetof(T, m) (__llview_offsetof(&((T __guest *)0)->m))

/* The T that `ptr` points to the member `m` of. Guest pointers only. */
#define guest_container_of(ptr, T, m)                                                              \
	({                                                                                         \
		const __typeof__(((T __guest *)0)->m) *__llview_member = (ptr);                    \
		(T __guest *)(uintptr_t)(guest_addr(__llview_member) - guest_offsetof(T, m));      \
	})
#ifndef container_of
#define container_of(ptr, T, m) guest_container_of(ptr, T, m)
#endif

/*
 * Value (int64_t) of the enumerator NAME of `type` ("enum pid_type") in this guest; neither need be
 * declared. guest_enum_any() looks in all enums, the anonymous ones too. Absent: `dflt` in the _or
 * form, else GUEST_ENUM_ABSENT, which is no index and equals no value.
 */
#define guest_has_enum(type, NAME)                                                                 \
	(__llview_has_enum(__LLVIEW_STR(type), __LLVIEW_STR(NAME)) != 0)
#define guest_has_enum_any(NAME) (__llview_has_enum("", __LLVIEW_STR(NAME)) != 0)
#define guest_enum(type, NAME)	 (__llview_enum(__LLVIEW_STR(type), __LLVIEW_STR(NAME)))
#define guest_enum_any(NAME)	 (__llview_enum("", __LLVIEW_STR(NAME)))
#define guest_enum_or(type, NAME, dflt)                                                            \
	(guest_has_enum(type, NAME) ? guest_enum(type, NAME) : (int64_t)(dflt))
#define guest_enum_any_or(NAME, dflt)                                                              \
	(guest_has_enum_any(NAME) ? guest_enum_any(NAME) : (int64_t)(dflt))
#define GUEST_ENUM_ABSENT 0x5a5a5a5a5a5a5a5aL

/* ---- per-CPU ---- */

extern unsigned long __guest __per_cpu_offset[];

static inline uint64_t guest_per_cpu_offset(unsigned int cpu)
{
	return guest_has_symbol(__per_cpu_offset) ? __per_cpu_offset[cpu] : 0;
}

/*
 * CPU `cpu`'s instance of a per-CPU object: `ptr` is the address of a symbol (&runqueues) or a
 * dynamically allocated per-CPU pointer out of the guest (percpu_counter.counters). The caller
 * takes `cpu` from the guest's cpumask and bounds it.
 */
#define guest_per_cpu_ptr(ptr, cpu)                                                                \
	((__typeof__(ptr))(uintptr_t)(guest_addr(ptr) + guest_per_cpu_offset(cpu)))

/* ---- copies ---- */

#define __LLVIEW_OVERLOAD static inline __attribute__((overloadable, unused))

/*
 * Copy `size` bytes of the guest to `dst`, across pages. False when any of it can't be read: `dst`
 * is then all zeros and the fault is recorded. From a pinned pointer it can't fail.
 */
__LLVIEW_OVERLOAD bool guest_read(void *dst, const volatile void __guest *src, size_t size)
{
	return __llview_read(dst, guest_addr(src), size);
}

__LLVIEW_OVERLOAD bool guest_read(void *dst, const volatile void __pinned *src, size_t size)
{
	__llview_pinned_read(dst, guest_addr(src), size);
	return true;
}

/*
 * Read pieces of the guest, each in one page (guest/pages.h), as they are now: where memory is copied,
 * all else may be as it was some milliseconds ago, and reading again shows nothing new. False when
 * any can't be read: all are zeros then, and the fault is recorded.
 */
struct guest_piece;
LLVIEW_HIDDEN bool guest_reread(const struct guest_piece *pieces, size_t count);

/*
 * Copy the string at `src` up to its NUL, at most size - 1 bytes, and terminate it: `src` may be an
 * array without a NUL if `size` is not above its size + 1. Returns the length copied. A string that
 * can't be read to its end is cut there and the fault recorded. size 0 does nothing.
 */
__LLVIEW_OVERLOAD size_t guest_strncpy(char *dst, const volatile void __guest *src, size_t size)
{
	return __llview_strncpy(dst, guest_addr(src), size);
}

__LLVIEW_OVERLOAD size_t guest_strncpy(char *dst, const volatile void __pinned *src, size_t size)
{
	return __llview_pinned_strncpy(dst, guest_addr(src), size);
}

/*
 * Copy from a process's memory: `as` is the address space whose top page table the guest has at a
 * guest-physical address. Returns how many bytes could be read from the start of the range; a
 * page that isn't there (never touched, swapped out) is ordinary and no fault.
 */
static inline size_t guest_read_user(struct guest_space as, void *dst, uint64_t va, size_t size)
{
	return __llview_read_user(as, dst, va, size);
}

/* ---- pinning: one translation per object ---- */

/*
 * guest_pin(ptr): `T __pinned *` to the T at `ptr`. The guest's own memory when it lies in one page
 * (it may change between two reads), else a copy. guest_copy(ptr): always a copy, hence stable.
 * guest_pin_bytes(ptr, size) / guest_copy_bytes(ptr, size): a run of `size` bytes from `ptr`, such
 * as the part of a hash table that lies in one page (guest_page_left()).
 *
 * At most GUEST_PIN_MAX bytes. What can't be read is zeros with the fault recorded; never NULL. Copies live in an arena
 * (bounded: beyond it a fault) until the record that they were made in ends; pins of the guest's
 * own memory live as long. Records of several pages (task_struct) are always copied: pin what is
 * small, or the part of them that is wanted. A pinned object isn't cast to a larger type: cast, then pin.
 */
static inline __attribute__((no_sanitize("undefined"))) const void *
__llview_pin_at(uint64_t va, uint64_t size, bool copy)
{
	const struct llview_tlb_entry *e =
		&llview_state.tlb[(va / GUEST_PAGE_SIZE) % LLVIEW_TLB_ENTRIES];

	if (!copy && e->tag == (va & GUEST_PAGE_MASK) &&
	    size - 1 < GUEST_PAGE_SIZE - va % GUEST_PAGE_SIZE)
		return (const void *)(uintptr_t)(va + e->addend);
	return __llview_pin(va, size, copy);
}
#define __LLVIEW_PINNED(ptr, size, copy)                                                           \
	((guest_typeof_target(ptr) __pinned *)(uintptr_t)__llview_pin_at(guest_addr(ptr), size, copy))
#define __LLVIEW_SPAN(ptr)                                                                         \
	({                                                                                         \
		__typeof__(ptr) __llview_base = (ptr);                                             \
		guest_addr(__llview_base + 1) - guest_addr(__llview_base);                         \
	})
#define guest_pin(ptr)                                                                             \
	({                                                                                         \
		__typeof__(ptr) __llview_p = (ptr);                                                \
		__LLVIEW_PINNED(__llview_p, __LLVIEW_SPAN(__llview_p), false);                     \
	})
#define guest_copy(ptr)                                                                            \
	({                                                                                         \
		__typeof__(ptr) __llview_p = (ptr);                                                \
		__LLVIEW_PINNED(__llview_p, __LLVIEW_SPAN(__llview_p), true);                      \
	})
#define guest_pin_bytes(ptr, size)  __LLVIEW_PINNED(ptr, size, false)
#define guest_copy_bytes(ptr, size) __LLVIEW_PINNED(ptr, size, true)

/* Bytes from `ptr` to the end of its page: 1 to 4096. */
#define guest_page_left(ptr) (GUEST_PAGE_SIZE - (guest_addr(ptr) & (GUEST_PAGE_SIZE - 1)))

/*
 * A hint: the cache line at `ptr` will be read soon. Worth it for objects that lie all over the
 * memory and are known some steps before. Never a fault, whatever `ptr` is.
 */
static inline void __llview_prefetch(uint64_t va)
{
	const struct llview_tlb_entry *e =
		(const void *)((const char *)llview_state.tlb +
			       ((va >> 8) & ((LLVIEW_TLB_ENTRIES - 1) << 4)));

	if (__builtin_expect(e->tag == (va & GUEST_PAGE_MASK), 1))
		__builtin_prefetch((const void *)(uintptr_t)(va + e->addend));
	else
		__llview_prefetch_miss(va);
}
#define guest_prefetch(ptr) __llview_prefetch(guest_addr(ptr))

/* ---- what will be read ---- */

/*
 * Where pages come from afar (a sealed channel), each that is missed costs a round trip: there,
 * guest_hints() is true, and walks say before they begin what they are about to read, by
 * guest_chase() and guest_want() (guest/pages.h; klib/ahead.h makes it short). A wrong hint costs time,
 * never a fault. Where memory is mapped, guest_hints() is false, and nothing else is needed.
 */
LLVIEW_HIDDEN bool guest_hints(void);
LLVIEW_HIDDEN void guest_chase(const struct guest_chain *c);
LLVIEW_HIDDEN void guest_want(struct guest_space as, const struct guest_range *r, size_t count);

/* ---- faults and records ---- */

/* Has a read failed (or a bound been hit) since the record began, or since guest_fault_clear()? */
LLVIEW_HIDDEN bool guest_faulted(void);
LLVIEW_HIDDEN void guest_fault_clear(void);

/* Guest address of the first failed read since then; 0 when a bound was hit or none failed. */
LLVIEW_HIDDEN uint64_t guest_fault_address(void);

/*
 * One record of a listing: begin forgets nothing outside it but starts with no fault; end tells
 * whether all was read well, gives back the copies made meanwhile and restores the fault state of
 * before. So a torn record never spoils what is around it. Records nest.
 *
 *	struct guest_record r = guest_record_begin();
 *	... read and print ...
 *	if (!guest_record_end(&r))
 *		seq_rollback(m, mark);
 */
LLVIEW_HIDDEN struct guest_record guest_record_begin(void);
LLVIEW_HIDDEN bool guest_record_end(const struct guest_record *r);

/* Say that this record is no good (a value that can't be): as if a read at `ptr` had failed. */
#define guest_fault(ptr) __llview_fault(guest_addr(ptr))

/* ---- bounds ---- */

/*
 * Every walk of guest data has a bound:
 *
 *	struct guest_bound b = GUEST_BOUND(PID_MAX_LIMIT);
 *	for (p = first; p && guest_more(&b); p = p->next)
 *
 * guest_more() counts down; when the bound is used up it records a fault and gives false.
 * guest_more_at(&b, p) also ends the walk, with a fault, at a cycle: soon after `p` comes by again
 * (Brent's algorithm; no memory). Both also burn the fuel of the run, which aborts a guest_run()
 * whose nested walks are each within their bounds and endless together.
 */
struct guest_bound {
	uint64_t left;
	uint64_t seen;	/* the address that a cycle would come back to */
	uint64_t power; /* steps until `seen` moves on */
	uint64_t steps;
};
#define GUEST_BOUND(n) ((struct guest_bound){.left = (n), .power = 1})

static inline bool guest_more(struct guest_bound *b)
{
	if (__builtin_expect(llview_state.fuel-- == 0, 0))
		__llview_out_of_fuel();
	if (__builtin_expect(b->left == 0, 0))
		return __llview_bound_hit();
	b->left--;
	return true;
}

/*
 * Work that is done in several runs, and is to be within the bounds of one: how much fuel this run has left, and,
 * in a later one, burn what those before it did.
 */
static inline uint64_t guest_fuel(void)
{
	return llview_state.fuel;
}

static inline void guest_burn(uint64_t steps)
{
	if (__builtin_expect(llview_state.fuel <= steps, 0))
		__llview_out_of_fuel();
	llview_state.fuel -= steps;
}

static inline bool __llview_more_at(struct guest_bound *b, uint64_t at)
{
	if (__builtin_expect(at == b->seen, 0))
		return __llview_bound_hit();
	if (++b->steps == b->power) {
		b->seen = at;
		b->power *= 2;
		b->steps = 0;
	}
	return guest_more(b);
}
#define guest_more_at(b, ptr) __llview_more_at(b, guest_addr(ptr))

/* A guest read is a single fetch already; for code that says so in the kernel's words. */
#ifndef READ_ONCE
#define READ_ONCE(x) (x)
#endif

/* ---- the hot path; what the plugin puts where a read through a guest pointer was ---- */

/*
 * One compare covers page, alignment and crossing: an unaligned address never equals a tag, and
 * goes to the miss. All take a guest address and give the value zero-extended.
 */
#define __LLVIEW_LD(size, type)                                                                    \
	static inline __attribute__((always_inline, used, no_sanitize("undefined"))) uint64_t      \
	__llview_ld##size(struct llview_tlb_entry *tlb, uint64_t va)                               \
	{                                                                                          \
		const struct llview_tlb_entry *e =                                                 \
			(const void *)((const char *)tlb +                                         \
				       ((va >> 8) & ((LLVIEW_TLB_ENTRIES - 1) << 4)));             \
		const void *host;                                                                  \
                                                                                                   \
		if (__builtin_expect(e->tag == (va & (GUEST_PAGE_MASK | (size - 1))), 1))          \
			host = (const void *)(uintptr_t)(va + e->addend);                          \
		else                                                                               \
			host = llview_miss(va, size);                                              \
		return __atomic_load_n((const type *)host, __ATOMIC_RELAXED);                      \
	}
__LLVIEW_LD(1, uint8_t)
__LLVIEW_LD(2, uint16_t)
__LLVIEW_LD(4, uint32_t)
__LLVIEW_LD(8, uint64_t)
#undef __LLVIEW_LD

/* A pinned member: `offset` out of the layout table has its top bit set when absent. */
static inline __attribute__((always_inline, used, no_sanitize("undefined"))) const void *
__llview_pinned_at(const void *base, uint64_t offset)
{
	if (__builtin_expect((int64_t)offset < 0, 0))
		return llview_pinned_absent(offset);
	return (const char *)base + offset;
}

/*
 * Eight bytes that hold a bit-field of a pinned object; `bits` is the slot that tells where: for
 * records of under eight bytes it also has, above bit 16, how many bytes may be touched.
 */
static inline __attribute__((always_inline, used, no_sanitize("undefined"))) uint64_t
__llview_pinned_word(const void *at, uint64_t bits)
{
	uint64_t word = 0;

	if (__builtin_expect(bits >> 16 == 0, 1))
		__builtin_memcpy(&word, at, sizeof(word));
	else
		__builtin_memcpy(&word, at, (bits >> 16) & 7);
	return word;
}

/* The plugin takes this away: without it the link fails, and says why. */
extern const char llview_code_was_compiled_without_the_plugin;
static const char *const __attribute__((used)) __llview_check =
	&llview_code_was_compiled_without_the_plugin;

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What one guest kernel knows of itself: its release and build id, its symbols (kallsyms) and its
 * layouts (BTF), found in its own memory without any set-up. Immutable once created, so it may be
 * shared by threads; all look-ups are by name and none allocates.
 */
#ifndef SCW_KTYPE_KTYPE_H
#define SCW_KTYPE_KTYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/alloc.h"
#include "base/err.h"
#include "guest/addr.h"
#include "guest/pages.h"
#include "guest/phys.h"

struct ktype;

enum {
	KTYPE_OSRELEASE_SIZE = 65, /* as struct new_utsname, with the NUL */
	KTYPE_BUILD_ID_SIZE = 20,
	KTYPE_NAME_SIZE = 512, /* longest symbol name with the NUL (KSYM_NAME_LEN since 6.1) */
	KTYPE_FIRMWARE_CLOCK = 0x46c, /* guest-physical; in the BIOS data area, which Linux keeps out of */
};

/*
 * Virtual addresses of this boot that VMCOREINFO gives; 0 where it says nothing. kallsyms' are
 * there from Linux 6.0 on; relative_base until 6.19, when offsets became relative to their own place.
 */
struct ktype_addresses {
	uint64_t stext, init_uts_ns, swapper_pg_dir;
	uint64_t uts_name; /* init_uts_ns.name, a struct new_utsname (found when not told) */
	uint64_t kallsyms_names, kallsyms_num_syms, kallsyms_token_table, kallsyms_token_index;
	uint64_t kallsyms_offsets, kallsyms_relative_base;
	uint64_t kallsyms_addresses; /* instead of the two before, when not base-relative */
};

/* Facts about this boot of this kernel: where VMCOREINFO is and what it says. */
struct ktype_boot {
	struct gpa vmcoreinfo;	  /* the page that VMCOREINFO starts in */
	char osrelease[KTYPE_OSRELEASE_SIZE];
	/*
	 * Names the kernel's build: its own build id or, without one (before 5.10.x), a fingerprint
	 * of what VMCOREINFO says that is the same at each boot. Good as a cache key either way.
	 */
	uint8_t build_id[KTYPE_BUILD_ID_SIZE];
	bool has_build_id;	  /* it is the kernel's own */
	uint64_t kaslr;		  /* slide of the kernel image's virtual addresses */
	int64_t phys_base;
	struct guest_paging paging;
	struct gpa trampoline;	  /* the page that proved it to be the last booted; 0: none did */
	/*
	 * What PC firmware's clock stood at when it started this kernel: ticks since midnight, which
	 * nobody counts on. So it tells this boot from others. 0 where there is no such firmware.
	 */
	uint32_t firmware_clock;
	struct ktype_addresses at;
};

/* A member of a record, found by its dotted path through by-value records and unions. */
struct ktype_member {
	uint64_t bit_offset;	/* from the start of the outermost record */
	uint32_t bit_size;	/* width of a bit-field, else 0 */
	uint64_t size;		/* bytes of the member's type; 0 for a flexible array */
	bool is_signed;
	bool is_scalar;		/* integer, enum or pointer */
};

/*
 * Find VMCOREINFO in `phys`: first in the page at `hint` (hint.v == 0: none), then by one look
 * per page of what the source says is worth scanning. A candidate is proven by walking its page
 * tables to init_uts_ns; when a reboot left several, the one whose tables the real-mode trampoline
 * holds is the running kernel's. ERR_NOTREADY when no Linux is found, ERR_UNSUPPORTED for a 32-bit
 * or other-architecture kernel.
 */
enum err ktype_boot_find(struct guest_phys *phys, struct gpa hint, struct ktype_boot *ret,
			 struct err_ctx *err) ERR_NODISCARD;

/*
 * Is the kernel that was found earlier (.at needn't be filled in) still the running one? The same
 * proof, but only where it was then: a few pages are looked at. ERR_TORN when it isn't.
 */
enum err ktype_boot_check(struct guest_phys *phys, const struct ktype_boot *known,
			  struct ktype_boot *ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Is `found` only what a restart has left of `known`? Its firmware has run since, but the kernel is the same
 * down to the random places that it is at: its successor isn't there yet, and overwrites it.
 */
bool ktype_boot_left_behind(const struct ktype_boot *known, const struct ktype_boot *found);

/*
 * Read symbols and layouts out of the running kernel that `boot` describes. `btf` / `symbols`
 * (either may be NULL/0): the bytes of an external BTF file and of a System.map or /proc/kallsyms
 * text, used instead of the guest's own. ERR_ABSENT with a text when the kernel carries no BTF.
 */
struct ktype_external {
	const void *btf;
	size_t btf_size;
	const char *btf_name; /* of the file, for messages; may be NULL */
	const char *symbols;
	size_t symbols_size;
	const char *symbols_name; /* the same */
};
enum err ktype_create(struct base_alloc *alloc, struct guest_pages *pages,
		      const struct ktype_boot *boot, const struct ktype_external *external,
		      struct ktype **ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * A profile: the same knowledge as position-independent bytes that are used in place (mapped
 * from the cache). ktype_save() gives bytes owned by the caller (base_free);
 * ktype_load() borrows `bytes` for the life of the result, checks them (checksum, bounds, build
 * id) and slides the symbols by boot->kaslr. ERR_CORRUPT for a damaged or foreign profile.
 */
enum err ktype_save(const struct ktype *k, struct base_alloc *alloc, void **ret,
		    size_t *size_ret) ERR_NODISCARD;
enum err ktype_load(struct base_alloc *alloc, const void *bytes, size_t size,
		    const struct ktype_boot *boot, struct ktype **ret,
		    struct err_ctx *err) ERR_NODISCARD;

void ktype_destroy(struct ktype *k);

const struct ktype_boot *ktype_boot(const struct ktype *k);

/* Address of a symbol (slid; per-CPU symbols: the offset within the per-CPU area). ERR_ABSENT. */
enum err ktype_symbol(const struct ktype *k, const char *name, struct gva *ret) ERR_NODISCARD;

/*
 * Name of the symbol of the kernel image at or below `at`, and how far into it `at` is. ERR_ABSENT outside the
 * image (modules have their own tables: see klib).
 */
enum err ktype_symbol_at(const struct ktype *k, struct gva at, char name[KTYPE_NAME_SIZE],
			 uint64_t *offset_ret) ERR_NODISCARD;
/* Where the one at or below `at` ends: where the next one begins. ERR_ABSENT outside the image. */
enum err ktype_symbol_end(const struct ktype *k, struct gva at, struct gva *ret) ERR_NODISCARD;

/*
 * Symbol number `i` of the image, in the order of the kernel's own table. ERR_ABSENT behind the last; ERR_UNSUPPORTED
 * when the symbols are those of a file, which may list others; ERR_CORRUPT for one without a proper name.
 */
struct ktype_nth {
	uint64_t value; /* slid; of an absolute one (per-CPU) the plain value */
	char type;	/* nm's letter */
	char name[KTYPE_NAME_SIZE];
};
enum err ktype_symbol_nth(const struct ktype *k, uint32_t i, struct ktype_nth *ret) ERR_NODISCARD;

/*
 * Layouts. `type` is "struct x", "union x", "enum x" or a typedef's name; `path` is dotted
 * ("signal.nr_threads" never follows pointers: by-value nesting only); anonymous members add no
 * name. ERR_ABSENT when type or member isn't there.
 */
enum err ktype_sizeof(const struct ktype *k, const char *type, uint64_t *ret) ERR_NODISCARD;
enum err ktype_member(const struct ktype *k, const char *type, const char *path,
		      struct ktype_member *ret) ERR_NODISCARD;

/* Value of an enumerator; `type` NULL looks in every enum. */
enum err ktype_enum(const struct ktype *k, const char *type, const char *name,
		    int64_t *ret) ERR_NODISCARD;

#endif

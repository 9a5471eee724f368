/* SPDX-License-Identifier: MIT */
/* Symbols out of a running kernel's kallsyms tables, or out of a text that lists them. */
#ifndef SCW_KTYPE_KALLSYMS_H
#define SCW_KTYPE_KALLSYMS_H

#include "ktype/ktype.h"
#include "symtab.h"

/*
 * Copy the tables at `at` (addresses as in ktype_addresses) and check them whole; what VMCOREINFO
 * says of a few symbols must come out. ERR_CORRUPT when it doesn't.
 */
enum err kallsyms_read(struct base_alloc *alloc, struct guest_pages *pages,
		       const struct ktype_boot *boot, const struct ktype_addresses *at,
		       struct symtab_build *ret, struct err_ctx *err) ERR_NODISCARD;

/*
 * Kernels before 6.0 don't say where their tables are: find them by their shape in the mapped
 * kernel image. `ret` is *boot->at with the kallsyms addresses filled in. ERR_ABSENT.
 */
enum err kallsyms_find(struct base_alloc *alloc, struct guest_pages *pages,
		       const struct ktype_boot *boot, struct ktype_addresses *ret,
		       struct err_ctx *err) ERR_NODISCARD;

/*
 * A System.map (not slid) or /proc/kallsyms (slid): lines of "address type name". Symbols of
 * modules are left out. ERR_CORRUPT when it isn't such a text or is another kernel's.
 */
enum err kallsyms_parse_text(struct base_alloc *alloc, const struct ktype_boot *boot,
			     const char *text, size_t size, struct symtab_build *ret,
			     struct err_ctx *err) ERR_NODISCARD;

#endif

/* SPDX-License-Identifier: MIT */
/* VMCOREINFO: the kernel's note about itself for crash tools (kernel/vmcore_info.c). */
#ifndef SCW_KTYPE_VMCOREINFO_H
#define SCW_KTYPE_VMCOREINFO_H

#include "ktype/ktype.h"

/*
 * Parse `size` bytes of VMCOREINFO text (up to the first NUL). All of `ret` but .vmcoreinfo is set.
 * ERR_CORRUPT when it isn't VMCOREINFO or contradicts itself; ERR_UNSUPPORTED when it is one of a
 * kernel that isn't x86-64.
 */
enum err vmcoreinfo_parse(const void *text, size_t size, struct ktype_boot *ret,
			  struct err_ctx *err) ERR_NODISCARD;

#endif

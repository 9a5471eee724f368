/* SPDX-License-Identifier: MIT */
/*
 * What the device tells a client that it serves (plaintext of CHANNEL_ACCEPT): its limits, and the
 * facts about this boot of the guest's kernel that the device had to look for in physical memory.
 */
#ifndef SCW_CHANNEL_ACCEPT_H
#define SCW_CHANNEL_ACCEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	CHANNEL_RELEASE_SIZE = 65, /* as struct new_utsname, with the NUL */
	CHANNEL_BUILD_ID_SIZE = 20,
};

/*
 * Virtual addresses in the guest's kernel, 0 where not known: of these symbols, and of the text of
 * /proc/sys/kernel's names (a struct new_utsname). More may come at the end in a later version.
 */
enum channel_address {
	CHANNEL_AT_STEXT,
	CHANNEL_AT_INIT_UTS_NS,
	CHANNEL_AT_SWAPPER_PG_DIR,
	CHANNEL_AT_UTS_NAME,
	CHANNEL_AT_KALLSYMS_NAMES,
	CHANNEL_AT_KALLSYMS_NUM_SYMS,
	CHANNEL_AT_KALLSYMS_TOKEN_TABLE,
	CHANNEL_AT_KALLSYMS_TOKEN_INDEX,
	CHANNEL_AT_KALLSYMS_OFFSETS,
	CHANNEL_AT_KALLSYMS_RELATIVE_BASE,
	CHANNEL_AT_KALLSYMS_ADDRESSES,
	CHANNEL_AT_COUNT,
};

struct channel_accept {
	uint64_t generation;	 /* as in each answer; the same in all sessions of one boot */
	uint32_t items_max;	 /* in one request */
	uint32_t request_pages;	 /* that one request may bring */
	uint64_t vmcoreinfo;	 /* guest-physical address of the page that VMCOREINFO starts in */
	uint64_t kaslr;		 /* slide of the kernel image's virtual addresses */
	int64_t phys_base;
	uint64_t kernel_top;	 /* guest-physical address of the kernel's top page table */
	uint8_t levels;		 /* of page tables: 4 or 5 */
	bool has_build_id;	 /* build_id is the kernel's own, not a fingerprint */
	uint8_t build_id[CHANNEL_BUILD_ID_SIZE];
	char release[CHANNEL_RELEASE_SIZE]; /* printable ASCII */
	uint64_t at[CHANNEL_AT_COUNT];
};

enum {
	CHANNEL_ACCEPT_SIZE = 8 + 4 + 4 + 4 * 8 + 1 + 1 + CHANNEL_BUILD_ID_SIZE +
			      CHANNEL_RELEASE_SIZE + 1 + CHANNEL_AT_COUNT * 8,
};

void channel_accept_encode(const struct channel_accept *a, uint8_t buf[CHANNEL_ACCEPT_SIZE]);
/* ERR_CORRUPT for what can't be true of any guest. */
enum err channel_accept_decode(const void *bytes, size_t size, struct channel_accept *ret,
			       struct err_ctx *err) ERR_NODISCARD;

#endif

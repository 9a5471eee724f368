// SPDX-License-Identifier: MIT
/* See accept.h. */
#include "attach/accept.h"

#include <stddef.h>
#include <string.h>

_Static_assert((int)CHANNEL_RELEASE_SIZE == (int)KTYPE_OSRELEASE_SIZE, "as long on the wire");
_Static_assert((int)CHANNEL_BUILD_ID_SIZE == (int)KTYPE_BUILD_ID_SIZE, "as long on the wire");
_Static_assert(sizeof(struct ktype_addresses) == CHANNEL_AT_COUNT * sizeof(uint64_t),
	       "each address has a place on the wire");

#define AT(wire, member) [wire] = offsetof(struct ktype_addresses, member)
static const size_t offsets[CHANNEL_AT_COUNT] = {
	AT(CHANNEL_AT_STEXT, stext),
	AT(CHANNEL_AT_INIT_UTS_NS, init_uts_ns),
	AT(CHANNEL_AT_SWAPPER_PG_DIR, swapper_pg_dir),
	AT(CHANNEL_AT_UTS_NAME, uts_name),
	AT(CHANNEL_AT_KALLSYMS_NAMES, kallsyms_names),
	AT(CHANNEL_AT_KALLSYMS_NUM_SYMS, kallsyms_num_syms),
	AT(CHANNEL_AT_KALLSYMS_TOKEN_TABLE, kallsyms_token_table),
	AT(CHANNEL_AT_KALLSYMS_TOKEN_INDEX, kallsyms_token_index),
	AT(CHANNEL_AT_KALLSYMS_OFFSETS, kallsyms_offsets),
	AT(CHANNEL_AT_KALLSYMS_RELATIVE_BASE, kallsyms_relative_base),
	AT(CHANNEL_AT_KALLSYMS_ADDRESSES, kallsyms_addresses),
};
#undef AT

void accept_from_boot(const struct ktype_boot *boot, struct channel_accept *ret)
{
	ret->vmcoreinfo = boot->vmcoreinfo.v;
	ret->kaslr = boot->kaslr;
	ret->phys_base = boot->phys_base;
	ret->kernel_top = boot->paging.kernel_top.v;
	ret->levels = boot->paging.levels;
	ret->has_build_id = boot->has_build_id;
	memcpy(ret->build_id, boot->build_id, sizeof(ret->build_id));
	memcpy(ret->release, boot->osrelease, sizeof(ret->release));
	for (int i = 0; i < CHANNEL_AT_COUNT; i++)
		memcpy(&ret->at[i], (const char *)&boot->at + offsets[i], sizeof(ret->at[i]));
}

void accept_to_boot(const struct channel_accept *a, struct ktype_boot *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->vmcoreinfo.v = a->vmcoreinfo;
	ret->kaslr = a->kaslr;
	ret->phys_base = a->phys_base;
	ret->paging.kernel_top.v = a->kernel_top;
	ret->paging.levels = a->levels;
	ret->has_build_id = a->has_build_id;
	memcpy(ret->build_id, a->build_id, sizeof(ret->build_id));
	memcpy(ret->osrelease, a->release, sizeof(ret->osrelease));
	for (int i = 0; i < CHANNEL_AT_COUNT; i++)
		memcpy((char *)&ret->at + offsets[i], &a->at[i], sizeof(a->at[i]));
}

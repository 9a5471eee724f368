/* SPDX-License-Identifier: MIT */
/* Users and groups as a reader in the initial user namespace sees them (kernel/user_namespace.c). */
#ifndef SCW_KLIB_CRED_H
#define SCW_KLIB_CRED_H

#include "klib/types_task.h"

extern int __guest overflowuid, overflowgid;

/*
 * The initial namespace maps every number to itself but the invalid -1, which shows as the
 * overflow number.
 */
static inline uint32_t from_kuid_munged(uint32_t kuid)
{
	return kuid != 0xffffffff ? kuid : (uint32_t)overflowuid;
}

static inline uint32_t from_kgid_munged(uint32_t kgid)
{
	return kgid != 0xffffffff ? kgid : (uint32_t)overflowgid;
}

/* What `id` of a namespace is in the initial one; 0xffffffff when it has no mapping. */
uint32_t klib_map_id_down(struct uid_gid_map __guest *map, uint32_t id);

/* The n-th line of a map, n below its nr_extents. */
struct uid_gid_extent __guest *klib_map_extent(struct uid_gid_map __guest *map, uint32_t n);

enum {
	KLIB_EXTENTS_MAX = 340, /* UID_GID_MAP_MAX_EXTENTS */
};

#endif

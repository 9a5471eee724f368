// SPDX-License-Identifier: MIT
/* Mappings of user and group numbers between namespaces. */
#include "klib/cred.h"

enum {
	EXTENTS_INLINE = 5,
};

struct uid_gid_extent __guest *klib_map_extent(struct uid_gid_map __guest *map, uint32_t n)
{
	struct uid_gid_extent __guest *extents =
		map->nr_extents <= EXTENTS_INLINE ? map->extent : map->forward;

	return extents + n;
}

uint32_t klib_map_id_down(struct uid_gid_map __guest *map, uint32_t id)
{
	uint32_t count = map->nr_extents;

	if (count > KLIB_EXTENTS_MAX)
		count = KLIB_EXTENTS_MAX;
	for (uint32_t i = 0; i < count; i++) {
		struct uid_gid_extent __guest *e = klib_map_extent(map, i);
		uint32_t first = e->first;

		if (id >= first && id - first < e->count)
			return id - first + e->lower_first;
	}
	return 0xffffffff;
}

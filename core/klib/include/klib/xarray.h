/* SPDX-License-Identifier: MIT */
/* XArrays, and the radix trees and IDRs that share their nodes (include/linux/xarray.h). */
#ifndef SCW_KLIB_XARRAY_H
#define SCW_KLIB_XARRAY_H

#include "klib/types_base.h"

/* The entry at `index`; NULL when there is none. */
void __guest *xa_load(struct xarray __guest *xa, uint64_t index);

/* The first entry at or above *index, and where it is; NULL when there is none. */
void __guest *xa_find(struct xarray __guest *xa, uint64_t *index);

static inline void __guest *idr_find(struct idr __guest *idr, uint64_t id)
{
	return xa_load(&idr->idr_rt, id - idr->idr_base);
}

static inline void __guest *idr_get_next(struct idr __guest *idr, uint64_t *id)
{
	uint64_t base = idr->idr_base;
	uint64_t at = *id < base ? 0 : *id - base;
	void __guest *p = xa_find(&idr->idr_rt, &at);

	*id = at + base;
	return p;
}

#endif

/* SPDX-License-Identifier: MIT */
/*
 * The memory that the two ends of a ring share: a memfd of a fixed size. The device makes it and
 * seals its size, so that neither end can be made to fault by truncating it; the client checks.
 */
#ifndef SCW_CARRIER_REGION_H
#define SCW_CARRIER_REGION_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "channel/ring.h"

/* Have writable memory from a page's begin on with its pages, as far as there are any; what it holds stays. */
void carrier_populate(void *at, size_t size);

struct carrier_region {
	void *at; /* NULL: none */
	size_t size;
	struct channel_ring_sizes sizes;
};

/*
 * Make and map a region of zeros, the first `ready` bytes of it with their pages; *fd_ret, which the caller
 * closes, is what to send to the client.
 * ERR_INVAL for sizes that break a limit, ERR_NOMEM, ERR_IO.
 */
enum err carrier_region_create(const struct channel_ring_sizes *sizes, size_t ready,
			       struct carrier_region *ret, int *fd_ret,
			       struct err_ctx *err) ERR_NODISCARD;

/*
 * Map the region that came as `fd` (borrowed); `whole`: all of it will be used, so with its pages. ERR_TAMPERED unless it is as large as `sizes` make it
 * and its size can't change any more.
 */
enum err carrier_region_map(int fd, const struct channel_ring_sizes *sizes, bool whole,
			    struct carrier_region *ret, struct err_ctx *err) ERR_NODISCARD;

/* A region that isn't mapped is fine. */
void carrier_region_unmap(struct carrier_region *r);

#endif

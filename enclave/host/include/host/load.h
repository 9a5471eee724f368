/* SPDX-License-Identifier: MIT */
/*
 * The loader: builds an enclave out of an image, on any backend. It is untrusted, and dumb: whatever
 * it gets wrong ends in another measurement, which EINIT refuses.
 */
#ifndef SCW_HOST_LOAD_H
#define SCW_HOST_LOAD_H

#include <stddef.h>
#include <stdint.h>

#include "host/backend.h"
#include "host/image.h"

struct host_enclave {
	const struct backend *backend;
	int fd;
	uint64_t base;
	uint64_t size;
	uint64_t *tcs; /* addresses, one a thread */
	size_t thread_count;
};

/*
 * ECREATE, EADD, EEXTEND, EINIT, and the mappings. ERR_TAMPERED: EINIT refused, the text says why.
 * The image isn't needed afterwards.
 */
enum err host_load(const struct backend *backend, const struct image *image,
		   struct host_enclave *ret, struct err_ctx *err) ERR_NODISCARD;

/* No thread may be inside. */
void host_unload(struct host_enclave *e);

#endif

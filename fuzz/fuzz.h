/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share: the entry, numbers out of the input, and memory made of it. */
#ifndef SCW_FUZZ_FUZZ_H
#define SCW_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/pages.h"
#include "guest/phys.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that no input may break. */
#define FUZZ_ASSERT(condition)                                                                     \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Memory whose bytes are the input's, padded to pages: guest-physical from 0 on. */
struct fuzz_phys {
	struct guest_phys phys;
	unsigned char *bytes;
	uint64_t size;
};

static inline enum err fuzz_read(struct guest_phys *p, struct gpa at, void *buf, size_t size,
				 struct err_ctx *err)
{
	struct fuzz_phys *f = (struct fuzz_phys *)p;

	if (at.v > f->size || size > f->size - at.v)
		return err_set_addr(err, ERR_NOPHYS, at.v, "no memory");
	memcpy(buf, f->bytes + at.v, size);
	return ERR_OK;
}

static inline enum err fuzz_read_many(struct guest_phys *p, struct guest_phys_io *ios, size_t count,
				      struct err_ctx *err)
{
	(void)err;
	for (size_t i = 0; i < count; i++)
		ios[i].ok = fuzz_read(p, ios[i].at, ios[i].buf, ios[i].size, NULL) == ERR_OK;
	return ERR_OK;
}

static inline const void *fuzz_map(struct guest_phys *p, struct gpa at)
{
	struct fuzz_phys *f = (struct fuzz_phys *)p;

	if (at.v > f->size || GUEST_PAGE_SIZE > f->size - at.v)
		return NULL;
	return f->bytes + at.v;
}

static inline enum err fuzz_next_range(struct guest_phys *p, struct gpa from, uint64_t max,
				       struct guest_phys_range *ret)
{
	struct fuzz_phys *f = (struct fuzz_phys *)p;

	if (from.v >= f->size)
		return ERR_ABSENT;
	ret->start = from;
	ret->size = f->size - from.v < max ? f->size - from.v : max;
	return ERR_OK;
}

static inline void fuzz_close(struct guest_phys *p)
{
	(void)p;
}

#define FUZZ_PHYS_OPS                                                                              \
	.name = "fuzz", .read = fuzz_read, .next_range = fuzz_next_range, .close = fuzz_close

static const struct guest_phys_ops fuzz_phys_ops[] = {
	{FUZZ_PHYS_OPS, .map = fuzz_map},
	{FUZZ_PHYS_OPS, .read_many = fuzz_read_many},
	{FUZZ_PHYS_OPS},
};

enum {
	FUZZ_PHYS_WAYS = sizeof(fuzz_phys_ops) / sizeof(fuzz_phys_ops[0]),
};

static inline void fuzz_phys_init(struct fuzz_phys *f, const uint8_t *data, size_t size,
				  unsigned int way)
{
	*f = (struct fuzz_phys){.phys.ops = &fuzz_phys_ops[way % FUZZ_PHYS_WAYS]};
	f->size = (size + GUEST_PAGE_SIZE) & GUEST_PAGE_MASK;
	f->bytes = aligned_alloc(GUEST_PAGE_SIZE, f->size);
	if (!f->bytes)
		abort();
	memset(f->bytes, 0, f->size);
	memcpy(f->bytes, data, size);
}

static inline void fuzz_phys_deinit(struct fuzz_phys *f)
{
	free(f->bytes);
}

/* Take a number off the front of the input; 0 when it is used up. */
static inline uint64_t fuzz_take(const uint8_t **data, size_t *size, size_t bytes)
{
	uint64_t v = 0;

	if (*size < bytes) {
		*size = 0;
		return 0;
	}
	memcpy(&v, *data, bytes);
	*data += bytes;
	*size -= bytes;
	return v;
}

#endif

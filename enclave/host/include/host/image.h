/* SPDX-License-Identifier: MIT */
/* Reading enclave images (abi/image.h): checked whole, then borrowed. */
#ifndef SCW_HOST_IMAGE_H
#define SCW_HOST_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "abi/image.h"
#include "abi/kernel.h"
#include "base/err.h"

struct image {
	const uint8_t *data; /* the file's bytes, borrowed */
	size_t size;
	const struct abi_image *header;
	const struct abi_segment *segments;
	const struct abi_part *parts;
};

/*
 * Checks the form of `size` bytes at `data`, which `ret` borrows: they must stay and not change.
 * ERR_CORRUPT with what is wrong; ERR_UNSUPPORTED for another version.
 */
enum err image_parse(const void *data, size_t size, struct image *ret, struct err_ctx *err)
	ERR_NODISCARD;

/* Bytes of one page of a segment: `page` (4096 bytes) is filled, zeros where the file has none. */
void image_read_page(const struct image *image, const struct abi_segment *segment, uint64_t index,
		     void *page);

/* MRENCLAVE of what a loader would build from it. */
enum err image_measure(const struct image *image, uint8_t ret[32], struct err_ctx *err)
	ERR_NODISCARD;

/* The SECS that goes with it, at `base`. */
void image_secs(const struct image *image, uint64_t base, struct abi_secs *ret);

/*
 * All that EINIT checks, in software, and what was changed after signing as far as that can be told.
 * ERR_TAMPERED with a text of its own for each.
 */
enum err image_verify(const struct image *image, struct err_ctx *err) ERR_NODISCARD;

/* The digests of the header: of all segments' places, and of their permissions. */
void image_layout_digest(const struct abi_segment *segments, size_t count, uint8_t ret[32]);
void image_permission_digest(const struct abi_segment *segments, size_t count, uint8_t ret[32]);

/*
 * `scwatcher inspect`: identity, layout, sizes. Says when the image isn't signed, or what
 * image_verify() finds. False when something is wrong with it.
 */
bool image_print(const struct image *image, FILE *out);

#endif

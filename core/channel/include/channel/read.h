/* SPDX-License-Identifier: MIT */
/*
 * Reading by address: what the pread carrier asks and what is sealed in the answer. The question
 * crosses in the clear (whoever carries it sees the address), and the answer is bound to it: the
 * record's struct channel_bound is exactly the question.
 */
#ifndef SCW_CHANNEL_READ_H
#define SCW_CHANNEL_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "channel/wire.h"

enum {
	/* The question: space, address, length and epoch, 64 bits each. */
	CHANNEL_READ_SIZE = sizeof(struct channel_bound),

	/* Before the bytes in the answer's plaintext. */
	CHANNEL_BYTES_HEADER_SIZE = 3 * 8,
	/* What an answer has more than the bytes that were asked for. */
	CHANNEL_BYTES_OVERHEAD = CHANNEL_OVERHEAD + CHANNEL_BYTES_HEADER_SIZE,
	CHANNEL_BYTES_PAGES_MAX = 64, /* guest pages that one read may touch */
	CHANNEL_BYTES_MAX = CHANNEL_PLAIN_MAX - CHANNEL_BYTES_HEADER_SIZE,
};

/*
 * The question as bytes. Decoding refuses (ERR_CORRUPT) no bytes, more than CHANNEL_BYTES_MAX, more
 * pages than CHANNEL_BYTES_PAGES_MAX, a range that wraps around and a space that isn't a page.
 */
void channel_read_encode(const struct channel_bound *r, uint8_t buf[CHANNEL_READ_SIZE]);
enum err channel_read_decode(const void *bytes, size_t size, struct channel_bound *ret,
			     struct err_ctx *err) ERR_NODISCARD;

/*
 * Head of the answer. Bit i of a mask stands for the i-th page that the read touches: no
 * translation, or a translation but no memory behind it; the bytes of such a page are zeros.
 */
struct channel_bytes {
	uint64_t generation;
	uint64_t unmapped;
	uint64_t nophys;
};

/* How many pages `r` touches, the last of the address space included. */
size_t channel_read_pages(const struct channel_bound *r);

/* Write the head at the start of the plaintext. */
void channel_bytes_encode(const struct channel_bytes *b, uint8_t buf[CHANNEL_BYTES_HEADER_SIZE]);
/*
 * Check an answer to `r`: exactly r->length bytes, at *data_ret in `plain`, and no page in both
 * masks or beyond those of `r`. ERR_CORRUPT.
 */
enum err channel_bytes_decode(const void *plain, size_t size, const struct channel_bound *r,
			      struct channel_bytes *ret, const uint8_t **data_ret,
			      struct err_ctx *err) ERR_NODISCARD;

/*
 * Addresses as file offsets, which can't be negative: the sign bit is folded away, and is what bit
 * 62 is. That holds for every canonical address; others can't be said (false).
 */
bool channel_offset_of(uint64_t address, uint64_t *ret);
/* The address that `offset` (below 2^63) stands for. */
uint64_t channel_address_of(uint64_t offset);

#endif

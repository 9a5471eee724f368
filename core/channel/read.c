// SPDX-License-Identifier: MIT
/* Reads by address and their answers as bytes; little-endian. */
#include "channel/read.h"

#include "base/cursor.h"
#include "bytes.h"
#include "channel/message.h"

void channel_read_encode(const struct channel_bound *r, uint8_t buf[CHANNEL_READ_SIZE])
{
	put64(put64(put64(put64(buf, r->space), r->address), r->length), r->epoch);
}

size_t channel_read_pages(const struct channel_bound *r)
{
	return (r->address % CHANNEL_PAGE_SIZE + r->length + CHANNEL_PAGE_SIZE - 1) /
	       CHANNEL_PAGE_SIZE;
}

enum err channel_read_decode(const void *bytes, size_t size, struct channel_bound *ret,
			     struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_bound r;

	r.space = base_cursor_u64(&c);
	r.address = base_cursor_u64(&c);
	r.length = base_cursor_u64(&c);
	r.epoch = base_cursor_u64(&c);
	if (!base_cursor_ok(&c) || base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "a read of %zu bytes is none", size);
	if (r.space % CHANNEL_PAGE_SIZE)
		return err_set(err, ERR_CORRUPT,
			       "a read names an address space that isn't a page");
	if (!r.length || r.length > CHANNEL_BYTES_MAX || r.length - 1 > UINT64_MAX - r.address ||
	    channel_read_pages(&r) > CHANNEL_BYTES_PAGES_MAX)
		return err_set_addr(err, ERR_CORRUPT, r.address,
				    "a read asks for no or too many bytes");
	*ret = r;
	return ERR_OK;
}

void channel_bytes_encode(const struct channel_bytes *b, uint8_t buf[CHANNEL_BYTES_HEADER_SIZE])
{
	put64(put64(put64(buf, b->generation), b->unmapped), b->nophys);
}

enum err channel_bytes_decode(const void *plain, size_t size, const struct channel_bound *r,
			      struct channel_bytes *ret, const uint8_t **data_ret,
			      struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(plain, size);
	size_t pages = channel_read_pages(r);
	struct channel_bytes b;
	const uint8_t *data;

	b.generation = base_cursor_u64(&c);
	b.unmapped = base_cursor_u64(&c);
	b.nophys = base_cursor_u64(&c);
	data = base_cursor_bytes(&c, r->length);
	if (!base_cursor_ok(&c) || base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "an answer of %zu bytes to a read of %llu", size,
			       (unsigned long long)r->length);
	if (b.unmapped & b.nophys ||
	    (pages < CHANNEL_BYTES_PAGES_MAX && (b.unmapped | b.nophys) >> pages))
		return err_set(err, ERR_CORRUPT, "an answer of %zu pages contradicts itself", pages);
	*ret = b;
	*data_ret = data;
	return ERR_OK;
}

bool channel_offset_of(uint64_t address, uint64_t *ret)
{
	if ((address >> 63) != (address >> 62 & 1))
		return false;
	*ret = address & (UINT64_MAX >> 1);
	return true;
}

uint64_t channel_address_of(uint64_t offset)
{
	return offset | (offset & 1ull << 62) << 1;
}

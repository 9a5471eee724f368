// SPDX-License-Identifier: MIT
/* The device's acceptance as bytes. */
#include "channel/accept.h"

#include <string.h>

#include "base/cursor.h"
#include "bytes.h"
#include "channel/message.h"

/* Physical addresses have at most 52 bits (SDM vol. 3A, 4.1.4). */
#define PHYSICAL_MAX ((uint64_t)1 << 52)

void channel_accept_encode(const struct channel_accept *a, uint8_t buf[CHANNEL_ACCEPT_SIZE])
{
	uint8_t *p = buf;

	p = put64(p, a->generation);
	p = put32(p, a->items_max);
	p = put32(p, a->request_pages);
	p = put64(p, a->vmcoreinfo);
	p = put64(p, a->kaslr);
	p = put64(p, (uint64_t)a->phys_base);
	p = put64(p, a->kernel_top);
	*p++ = a->levels;
	*p++ = a->has_build_id;
	memcpy(p, a->build_id, CHANNEL_BUILD_ID_SIZE);
	p += CHANNEL_BUILD_ID_SIZE;
	memset(p, 0, CHANNEL_RELEASE_SIZE + 1);
	memcpy(p, a->release, strnlen(a->release, CHANNEL_RELEASE_SIZE - 1));
	p += CHANNEL_RELEASE_SIZE + 1;
	for (int i = 0; i < CHANNEL_AT_COUNT; i++)
		p = put64(p, a->at[i]);
}

static bool release_fine(const char release[CHANNEL_RELEASE_SIZE])
{
	size_t size = strnlen(release, CHANNEL_RELEASE_SIZE);

	for (size_t i = 0; i < size; i++) {
		if (release[i] < 0x21 || release[i] > 0x7e)
			return false;
	}
	return size && size < CHANNEL_RELEASE_SIZE;
}

static const char *accept_fault(const struct channel_accept *a)
{
	if (a->levels != 4 && a->levels != 5)
		return "page tables of an impossible depth";
	if (!a->kernel_top || a->kernel_top & (CHANNEL_PAGE_SIZE - 1) ||
	    a->kernel_top >= PHYSICAL_MAX || a->vmcoreinfo & (CHANNEL_PAGE_SIZE - 1) ||
	    a->vmcoreinfo >= PHYSICAL_MAX)
		return "an impossible physical address";
	if (!release_fine(a->release))
		return "a kernel release that isn't one";
	if (!a->items_max || a->items_max > CHANNEL_ITEMS_MAX || !a->request_pages ||
	    a->request_pages > CHANNEL_REQUEST_PAGES)
		return "impossible limits";
	for (int i = 0; i < CHANNEL_AT_COUNT; i++) {
		if (a->at[i] && !(a->at[i] >> 63))
			return "an address outside the kernel's half";
	}
	return NULL;
}

enum err channel_accept_decode(const void *bytes, size_t size, struct channel_accept *ret,
			       struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_accept a = {0};
	const char *fault;
	uint8_t own;

	if (size != CHANNEL_ACCEPT_SIZE)
		return err_set(err, ERR_CORRUPT, "an acceptance of %zu bytes", size);
	a.generation = base_cursor_u64(&c);
	a.items_max = base_cursor_u32(&c);
	a.request_pages = base_cursor_u32(&c);
	a.vmcoreinfo = base_cursor_u64(&c);
	a.kaslr = base_cursor_u64(&c);
	a.phys_base = (int64_t)base_cursor_u64(&c);
	a.kernel_top = base_cursor_u64(&c);
	a.levels = base_cursor_u8(&c);
	own = base_cursor_u8(&c);
	a.has_build_id = own == 1;
	memcpy(a.build_id, base_cursor_bytes(&c, CHANNEL_BUILD_ID_SIZE), CHANNEL_BUILD_ID_SIZE);
	memcpy(a.release, base_cursor_bytes(&c, CHANNEL_RELEASE_SIZE), CHANNEL_RELEASE_SIZE);
	fault = base_cursor_u8(&c) || own > 1 ? "a reserved bit" : NULL;
	for (int i = 0; i < CHANNEL_AT_COUNT; i++)
		a.at[i] = base_cursor_u64(&c);
	if (!fault)
		fault = accept_fault(&a);
	if (fault)
		return err_set(err, ERR_CORRUPT, "the device's acceptance has %s", fault);
	*ret = a;
	return ERR_OK;
}

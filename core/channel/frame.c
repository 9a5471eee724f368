// SPDX-License-Identifier: MIT
/* Frames of the device's socket as bytes. */
#include "channel/frame.h"

#include <string.h>

#include "base/cursor.h"
#include "base/utf8.h"
#include "bytes.h"
#include "channel/message.h"

void channel_frame_encode(enum channel_frame_kind kind, size_t size,
			  uint8_t header[CHANNEL_FRAME_HEADER_SIZE])
{
	put32(put32(header, kind), (uint32_t)size);
}

enum err channel_frame_decode(const void *bytes, size_t size, enum channel_frame_kind *kind_ret,
			      const void **payload_ret, size_t *payload_size_ret,
			      struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	uint32_t kind = base_cursor_u32(&c), said = base_cursor_u32(&c);

	if (!base_cursor_ok(&c) || said > CHANNEL_FRAME_PAYLOAD_MAX || said != base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "a frame of %zu bytes isn't as long as it says",
			       size);
	if (kind < CHANNEL_FRAME_OPEN || kind > CHANNEL_FRAME_READ)
		return err_set(err, ERR_CORRUPT, "a frame of no known kind (%u)", kind);
	*kind_ret = kind;
	*payload_ret = (const uint8_t *)bytes + CHANNEL_FRAME_HEADER_SIZE;
	*payload_size_ret = said;
	return ERR_OK;
}

bool channel_vm_name_valid(const char *name)
{
	const unsigned char *s = (const unsigned char *)name;
	size_t length = strnlen(name, CHANNEL_VM_NAME_MAX + 1), used = 0;

	while (s[used]) {
		size_t size = base_utf8_size(s + used, length - used);

		/* control characters: those of ASCII, and U+0080 to U+009F */
		if (!size || s[used] < 0x20 || s[used] == 0x7f || s[used] == '/' ||
		    (s[used] == 0xc2 && s[used + 1] < 0xa0))
			return false;
		used += size;
		if (used > CHANNEL_VM_NAME_MAX)
			return false;
	}
	/* the two that mean something else where a name is a folder's */
	return used && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

enum err channel_preamble_encode(const struct channel_preamble *p,
				 uint8_t buf[CHANNEL_PREAMBLE_MAX], size_t *size_ret,
				 struct err_ctx *err)
{
	size_t size = strnlen(p->vm, sizeof(p->vm));

	if (size == sizeof(p->vm) || !channel_vm_name_valid(p->vm))
		return err_set(err, ERR_INVAL, "not a name that a VM may have");
	memcpy(put32(buf, p->version), p->vm, size);
	*size_ret = 4 + size;
	return ERR_OK;
}

enum err channel_preamble_decode(const void *bytes, size_t size, struct channel_preamble *ret,
				 struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_preamble p = {.version = base_cursor_u32(&c)};
	size_t left = base_cursor_left(&c);

	if (!base_cursor_ok(&c))
		return err_set(err, ERR_CORRUPT, "an opening of %zu bytes", size);
	if (p.version != CHANNEL_VERSION)
		return err_set(err, ERR_UNSUPPORTED,
			       "the client speaks version %u of the protocol, this device version %u: "
			       "use the same release", p.version, CHANNEL_VERSION);
	if (!left || left > CHANNEL_VM_NAME_MAX)
		return err_set(err, ERR_CORRUPT, "a VM's name of %zu bytes", left);
	memcpy(p.vm, base_cursor_bytes(&c, left), left);
	if (strlen(p.vm) != left || !channel_vm_name_valid(p.vm))
		return err_set(err, ERR_CORRUPT, "not a name that a VM may have");
	*ret = p;
	return ERR_OK;
}

size_t channel_refusal_encode(const struct channel_refusal *r, uint8_t buf[CHANNEL_REFUSAL_MAX])
{
	size_t size = strnlen(r->text, CHANNEL_TEXT_MAX);

	memcpy(put32(buf, (uint32_t)r->code), r->text, size);
	return 4 + size;
}

enum err channel_refusal_decode(const void *bytes, size_t size, struct channel_refusal *ret,
				struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	int32_t code = (int32_t)base_cursor_u32(&c);
	size_t left = base_cursor_left(&c);
	const unsigned char *text;

	if (!base_cursor_ok(&c) || left > CHANNEL_TEXT_MAX)
		return err_set(err, ERR_CORRUPT, "a refusal of %zu bytes", size);
	text = base_cursor_bytes(&c, left);
	memset(ret, 0, sizeof(*ret));
	ret->code = code < 0 && code >= ERR_AMBIGUOUS ? (enum err)code : ERR_IO;
	for (size_t i = 0; i < left; i++)
		ret->text[i] = text[i] >= 0x20 && text[i] < 0x7f ? (char)text[i] : '?';
	return ERR_OK;
}

void channel_ring_sizes_encode(const struct channel_ring_sizes *r,
			       uint8_t buf[CHANNEL_RING_SIZES_SIZE])
{
	put32(put32(buf, r->to_device), r->to_client);
}

enum err channel_ring_sizes_decode(const void *bytes, size_t size, struct channel_ring_sizes *ret,
				   struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(bytes, size);
	struct channel_ring_sizes r;

	r.to_device = base_cursor_u32(&c);
	r.to_client = base_cursor_u32(&c);
	if (!base_cursor_ok(&c) || base_cursor_left(&c))
		return err_set(err, ERR_CORRUPT, "a question for a ring of %zu bytes", size);
	if (!channel_ring_region_size(&r))
		return err_set(err, ERR_CORRUPT, "a ring of %u and %u bytes", r.to_device,
			       r.to_client);
	*ret = r;
	return ERR_OK;
}

enum err channel_ring_ask_decode(const void *bytes, size_t size, struct channel_ring_ask *ret,
				 struct err_ctx *err)
{
	struct channel_ring_ask a = {0};
	enum err e;

	if (size > CHANNEL_RING_SIZES_SIZE) {
		a.record = (const uint8_t *)bytes + CHANNEL_RING_SIZES_SIZE;
		a.record_size = size - CHANNEL_RING_SIZES_SIZE;
		size = CHANNEL_RING_SIZES_SIZE;
	}
	if (a.record_size > CHANNEL_REQUEST_MAX + CHANNEL_OVERHEAD)
		return err_set(err, ERR_CORRUPT, "a first request of %zu bytes", a.record_size);
	e = channel_ring_sizes_decode(bytes, size, &a.sizes, err);
	if (!e)
		*ret = a;
	return e;
}

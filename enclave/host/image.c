// SPDX-License-Identifier: MIT
/* Parsing, measuring and checking images. Whoever made the file may be hostile: nothing is assumed. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/checked.h"
#include "host/image.h"
#include "measure/measure.h"

static enum err check_name(const char name[16], const char *what, uint32_t i, struct err_ctx *err)
{
	if (!memchr(name, 0, 16))
		return err_set(err, ERR_CORRUPT, "image: %s %u has no name that ends", what, i);
	for (const char *c = name; *c; c++)
		if (*c < ' ' || *c > '~')
			return err_set(err, ERR_CORRUPT, "image: %s %u has a name that can't be printed",
				       what, i);
	return ERR_OK;
}

static enum err check_part(const struct abi_part *p, uint32_t i, struct err_ctx *err)
{
	const uint64_t most = ABI_IMAGE_MAX_SIZE;

	if (p->code > most || p->constants > most || p->data > most || p->zeros > most)
		return err_set(err, ERR_CORRUPT, "image: part %u is larger than an enclave", i);
	return check_name(p->name, "part", i, err);
}

static enum err check_segment(const struct abi_image *h, const struct abi_segment *s, uint32_t i,
			      uint64_t from, struct err_ctx *err)
{
	uint64_t size, type = s->secinfo & ABI_SECINFO_TYPE;

	if (s->offset % ABI_PAGE || s->page_count == 0 ||
	    !base_mul64(s->page_count, ABI_PAGE, &size) || !base_in_range(s->offset, size, h->size))
		return err_set(err, ERR_CORRUPT, "image: segment %u isn't within the enclave", i);
	if (s->offset < from)
		return err_set(err, ERR_CORRUPT, "image: segment %u overlaps the one before it", i);
	if (s->file_size > size || (s->file_size && (s->file_offset % ABI_PAGE ||
						     !base_in_range(s->file_offset, s->file_size,
								    h->file_size))))
		return err_set(err, ERR_CORRUPT, "image: segment %u isn't within the file", i);
	if (s->secinfo & ~(ABI_SECINFO_TYPE | ABI_SECINFO_PERMISSIONS) ||
	    (type != ABI_SECINFO_REG && type != ABI_SECINFO_TCS) || s->flags & ~ABI_ADD_MEASURE)
		return err_set(err, ERR_CORRUPT, "image: segment %u has flags that no page can have",
			       i);
	if ((s->kind == ABI_SEGMENT_TCS) != (type == ABI_SECINFO_TCS) || s->kind < ABI_SEGMENT_ELF ||
	    s->kind > ABI_SEGMENT_PROGRAMS)
		return err_set(err, ERR_CORRUPT, "image: segment %u is of no known kind", i);
	return check_name(s->name, "segment", i, err);
}

enum err image_parse(const void *data, size_t size, struct image *ret, struct err_ctx *err)
{
	const struct abi_image *h = data;
	const struct abi_segment *s = (const void *)(h + 1);
	const struct abi_part *parts;
	uint64_t from = 0, threads = 0;

	if (size < sizeof(*h) || memcmp(h->magic, ABI_IMAGE_MAGIC, sizeof(h->magic)) != 0)
		return err_set(err, ERR_CORRUPT, "not an enclave image");
	if (h->version != ABI_IMAGE_VERSION)
		return err_set(err, ERR_UNSUPPORTED, "an enclave image of version %u, this is for %u",
			       h->version, ABI_IMAGE_VERSION);
	if (h->file_size != size)
		return err_set(err, ERR_CORRUPT, "image: %llu bytes long, should be %llu: truncated?",
			       (unsigned long long)size, (unsigned long long)h->file_size);
	if (h->size < ABI_PAGE || h->size > ABI_IMAGE_MAX_SIZE || (h->size & (h->size - 1)))
		return err_set(err, ERR_CORRUPT, "image: the size 0x%llx isn't an enclave's",
			       (unsigned long long)h->size);
	if (h->segment_count == 0 || h->segment_count > ABI_IMAGE_MAX_SEGMENTS ||
	    !base_in_range(sizeof(*h), h->segment_count * sizeof(*s), size))
		return err_set(err, ERR_CORRUPT, "image: %u segments don't fit", h->segment_count);
	parts = (const void *)(s + h->segment_count);
	if (h->part_count > ABI_IMAGE_MAX_PARTS ||
	    !base_in_range(sizeof(*h) + h->segment_count * sizeof(*s),
			   h->part_count * sizeof(*parts), size))
		return err_set(err, ERR_CORRUPT, "image: %u parts don't fit", h->part_count);
	for (uint32_t i = 0; i < h->part_count; i++) {
		enum err e = check_part(&parts[i], i, err);

		if (e)
			return e;
	}
	for (uint32_t i = 0; i < h->segment_count; i++) {
		enum err e = check_segment(h, &s[i], i, from, err);

		if (e)
			return e;
		from = s[i].offset + s[i].page_count * ABI_PAGE;
		if (s[i].kind == ABI_SEGMENT_TCS)
			threads += s[i].page_count;
	}
	if (h->thread_count == 0 || threads != h->thread_count)
		return err_set(err, ERR_CORRUPT, "image: %llu TCSs for %u threads",
			       (unsigned long long)threads, h->thread_count);
	*ret = (struct image){.data = data, .size = size, .header = h, .segments = s, .parts = parts};
	return ERR_OK;
}

void image_read_page(const struct image *image, const struct abi_segment *s, uint64_t index,
		     void *page)
{
	uint64_t at = index * ABI_PAGE;
	size_t n = at >= s->file_size ? 0
		   : s->file_size - at < ABI_PAGE ? s->file_size - at
						  : ABI_PAGE;

	if (n)
		memcpy(page, image->data + s->file_offset + at, n);
	memset((uint8_t *)page + n, 0, ABI_PAGE - n);
}

void image_secs(const struct image *image, uint64_t base, struct abi_secs *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->size = image->header->size;
	ret->base = base;
	ret->ssa_frame_size = image->header->ssa_frame_size;
	ret->miscselect = image->header->miscselect;
	ret->attributes = image->header->attributes;
}

enum err image_measure(const struct image *image, uint8_t ret[32], struct err_ctx *err)
{
	const struct abi_image *h = image->header;
	uint8_t page[ABI_PAGE];
	struct measure m;
	enum err e = measure_init(&m, h->size, h->ssa_frame_size, err);

	if (e)
		return e;
	for (uint32_t i = 0; i < h->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];
		struct abi_secinfo secinfo = {.flags = s->secinfo};

		for (uint64_t k = 0; k < s->page_count; k++) {
			uint64_t offset = s->offset + k * ABI_PAGE;

			measure_add(&m, offset, &secinfo);
			if (!(s->flags & ABI_ADD_MEASURE))
				continue;
			image_read_page(image, s, k, page);
			measure_extend(&m, offset, page);
		}
	}
	measure_read(&m, ret);
	measure_deinit(&m);
	return ERR_OK;
}

static void digest_fields(const struct abi_segment *segments, size_t count, bool places,
			  uint8_t ret[32])
{
	gcry_md_hd_t md;

	memset(ret, 0, 32);
	if (gcry_md_open(&md, GCRY_MD_SHA256, 0))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct abi_segment *s = &segments[i];

		if (places) {
			gcry_md_write(md, &s->offset, sizeof(s->offset));
			gcry_md_write(md, &s->page_count, sizeof(s->page_count));
			gcry_md_write(md, &s->kind, sizeof(s->kind));
		} else {
			gcry_md_write(md, &s->secinfo, sizeof(s->secinfo));
			gcry_md_write(md, &s->flags, sizeof(s->flags));
		}
	}
	memcpy(ret, gcry_md_read(md, GCRY_MD_SHA256), 32);
	gcry_md_close(md);
}

void image_layout_digest(const struct abi_segment *segments, size_t count, uint8_t ret[32])
{
	digest_fields(segments, count, true, ret);
}

void image_permission_digest(const struct abi_segment *segments, size_t count, uint8_t ret[32])
{
	digest_fields(segments, count, false, ret);
}

/* The measurement isn't the signed one: say which part of the image isn't as it was. */
static enum err explain(const struct image *image, struct err_ctx *err)
{
	const struct abi_image *h = image->header;
	uint8_t digest[32];

	image_layout_digest(image->segments, h->segment_count, digest);
	if (memcmp(digest, h->layout_digest, sizeof(digest)) != 0)
		return err_set(err, ERR_TAMPERED,
			       "the image's layout was changed after signing: the place, size or kind "
			       "of a segment");
	image_permission_digest(image->segments, h->segment_count, digest);
	if (memcmp(digest, h->permission_digest, sizeof(digest)) != 0)
		return err_set(err, ERR_TAMPERED,
			       "the permissions of a segment were changed after signing");
	for (uint32_t i = 0; i < h->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];

		measure_hash(image->data + s->file_offset, s->file_size, digest);
		if (memcmp(digest, s->digest, sizeof(digest)) == 0)
			continue;
		if (s->kind == ABI_SEGMENT_CONFIG)
			return err_set(err, ERR_TAMPERED,
				       "the image's configuration was changed after signing");
		return err_set(err, ERR_TAMPERED,
			       "the contents of the segment '%s' at 0x%llx were changed after signing",
			       s->name, (unsigned long long)s->offset);
	}
	return ERR_OK;
}

enum err image_verify(const struct image *image, struct err_ctx *err)
{
	const struct abi_sigstruct *sig = &image->header->sigstruct;
	uint8_t mrenclave[32];
	struct abi_secs secs;
	enum abi_code code;
	struct err_ctx why = {0};
	enum err e = image_measure(image, mrenclave, err);

	if (e)
		return e;
	image_secs(image, 0, &secs);
	e = measure_check(sig, &secs, mrenclave, &code, &why);
	if (e && code == ABI_INVALID_MEASUREMENT) {
		enum err told = explain(image, err);

		if (told)
			return told;
	}
	if (e)
		return err_set(err, e, "%s", why.text);
	if (!measure_is_date(sig->date))
		return err_set(err, ERR_TAMPERED, "SIGSTRUCT: the date 0x%08x isn't one", sig->date);
	return ERR_OK;
}

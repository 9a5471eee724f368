// SPDX-License-Identifier: MIT
/* What `scwatcher inspect` prints of an image. */
#include <string.h>

#include "host/image.h"
#include "measure/measure.h"

static void print_size(FILE *out, uint64_t size)
{
	if (size >= 1u << 20 && size % (1u << 20) == 0)
		fprintf(out, "%llu MiB", (unsigned long long)(size >> 20));
	else
		fprintf(out, "%llu KiB", (unsigned long long)(size >> 10));
}

static void print_identity(const struct image *image, const uint8_t mrenclave[32], FILE *out)
{
	const struct abi_image *h = image->header;
	const struct abi_sigstruct *s = &h->sigstruct;
	char hex[65];
	uint8_t signer[32];

	measure_hex(mrenclave, 32, hex);
	fprintf(out, "MRENCLAVE:   %s\n", hex);
	measure_signer(s, signer);
	measure_hex(signer, 32, hex);
	fprintf(out, "MRSIGNER:    %s\n", hex);
	fprintf(out, "product:     %u\nversion:     %u\n", s->isv_prod_id, s->isv_svn);
	fprintf(out, "signed on:   %04x-%02x-%02x\n", s->date >> 16, s->date >> 8 & 0xff,
		s->date & 0xff);
	fprintf(out, "attributes:  0x%llx%s, XFRM 0x%llx, MISCSELECT 0x%x\n",
		(unsigned long long)h->attributes.flags,
		h->attributes.flags & ABI_ATTR_DEBUG ? " (DEBUG: keeps no secrets)" : "",
		(unsigned long long)h->attributes.xfrm, h->miscselect);
}

static void print_layout(const struct image *image, FILE *out)
{
	const struct abi_image *h = image->header;
	uint64_t sizes[ABI_SEGMENT_HEAP + 1] = {0};

	fprintf(out, "size:        ");
	print_size(out, h->size);
	fprintf(out, "\nthreads:     %u\nSSA frame:   %u KiB\n\n", h->thread_count,
		h->ssa_frame_size * 4);
	fprintf(out, "%12s  %10s  perm  type  measured  part\n", "offset", "pages");
	for (uint32_t i = 0; i < h->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];

		sizes[s->kind] += s->page_count * ABI_PAGE;
		fprintf(out, "%#12llx  %10llu  %c%c%c   %s  %-8s  %s\n",
			(unsigned long long)s->offset, (unsigned long long)s->page_count,
			s->secinfo & ABI_SECINFO_R ? 'r' : '-',
			s->secinfo & ABI_SECINFO_W ? 'w' : '-',
			s->secinfo & ABI_SECINFO_X ? 'x' : '-',
			s->kind == ABI_SEGMENT_TCS ? "TCS " : "REG ",
			s->flags & ABI_ADD_MEASURE ? "yes" : "no", s->name);
	}
	fprintf(out, "\nprogram:     ");
	print_size(out, sizes[ABI_SEGMENT_ELF]);
	fprintf(out, "\nstacks:      ");
	print_size(out, sizes[ABI_SEGMENT_STACK]);
	fprintf(out, "\nheap:        ");
	print_size(out, sizes[ABI_SEGMENT_HEAP]);
	fprintf(out, "\n");
}

bool image_print(const struct image *image, FILE *out)
{
	struct err_ctx err = {0};
	uint8_t mrenclave[32];

	if (image_measure(image, mrenclave, &err)) {
		fprintf(out, "%s\n", err.text);
		return false;
	}
	print_identity(image, mrenclave, out);
	print_layout(image, out);
	if (image_verify(image, &err)) {
		fprintf(out, "\nREFUSED:     %s\n", err.text);
		return false;
	}
	fprintf(out, "signature:   good\n");
	return true;
}

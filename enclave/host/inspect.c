// SPDX-License-Identifier: MIT
/* What `scwatcher inspect` prints of an image. */
#include <string.h>

#include "config/config.h"
#include "host/image.h"
#include "measure/measure.h"

#define THREAD_SEGMENTS 5u /* of each thread, beginning with its page (sign.c) */

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

static void print_segment(const struct abi_segment *s, FILE *out)
{
	fprintf(out, "%#12llx  %10llu  %c%c%c   %s  %-8s  %s\n", (unsigned long long)s->offset,
		(unsigned long long)s->page_count, s->secinfo & ABI_SECINFO_R ? 'r' : '-',
		s->secinfo & ABI_SECINFO_W ? 'w' : '-', s->secinfo & ABI_SECINFO_X ? 'x' : '-',
		s->kind == ABI_SEGMENT_TCS ? "TCS " : "REG ",
		s->flags & ABI_ADD_MEASURE ? "yes" : "no", s->name);
}

/* Is the thread whose segments begin at `i` the one before it, `stride` further? */
static bool is_same_thread(const struct image *image, uint32_t i, uint64_t stride)
{
	if (i + THREAD_SEGMENTS > image->header->segment_count)
		return false;
	for (uint32_t k = i; k < i + THREAD_SEGMENTS; k++) {
		const struct abi_segment *s = &image->segments[k], *before = s - THREAD_SEGMENTS;

		if (s->kind != before->kind || s->page_count != before->page_count ||
		    s->secinfo != before->secinfo || s->flags != before->flags ||
		    s->offset - before->offset != stride)
			return false;
	}
	return true;
}

/* How many threads from segment `i` on are as the one before them, and how far apart. */
static uint32_t count_same_threads(const struct image *image, uint32_t i, uint64_t *stride_ret)
{
	const struct abi_segment *s = &image->segments[i];
	uint32_t count = 0;

	if (i < THREAD_SEGMENTS || s->kind != ABI_SEGMENT_THREAD)
		return 0;
	*stride_ret = s->offset - (s - THREAD_SEGMENTS)->offset;
	while (is_same_thread(image, i + count * THREAD_SEGMENTS, *stride_ret))
		count++;
	return count;
}

static void print_part(const struct abi_part *p, FILE *out)
{
	fprintf(out, "%-12s  %10llu  %10llu  %10llu  %10llu\n", p->name, (unsigned long long)p->code,
		(unsigned long long)p->constants, (unsigned long long)p->data,
		(unsigned long long)p->zeros);
}

/* What the linker told the signer: not measured. */
static void print_parts(const struct image *image, FILE *out)
{
	struct abi_part all = {.name = "together"};

	if (!image->header->part_count)
		return;
	fprintf(out, "\n%-12s  %10s  %10s  %10s  %10s\n", "bytes of", "code", "constants", "data",
		"zeros");
	for (uint32_t i = 0; i < image->header->part_count; i++) {
		const struct abi_part *p = &image->parts[i];

		print_part(p, out);
		all.code += p->code;
		all.constants += p->constants;
		all.data += p->data;
		all.zeros += p->zeros;
	}
	print_part(&all, out);
}

static void print_layout(const struct image *image, FILE *out)
{
	const struct abi_image *h = image->header;
	uint64_t sizes[ABI_SEGMENT_PROGRAMS + 1] = {0};

	fprintf(out, "size:        ");
	print_size(out, h->size);
	fprintf(out, "\nthreads:     %u\nSSA frame:   %u KiB\n\n", h->thread_count,
		h->ssa_frame_size * 4);
	fprintf(out, "%12s  %10s  perm  type  measured  segment\n", "offset", "pages");
	for (uint32_t i = 0; i < h->segment_count; i++)
		sizes[image->segments[i].kind] += image->segments[i].page_count * ABI_PAGE;
	for (uint32_t i = 0; i < h->segment_count;) {
		uint64_t stride;
		uint32_t same = count_same_threads(image, i, &stride);

		if (same) {
			fprintf(out, "%12s  %u more of the same, %#llx further each\n", "...", same,
				(unsigned long long)stride);
			i += same * THREAD_SEGMENTS;
		} else {
			print_segment(&image->segments[i++], out);
		}
	}
	fprintf(out, "\nprogram:     ");
	print_size(out, sizes[ABI_SEGMENT_ELF]);
	fprintf(out, "\nstacks:      ");
	print_size(out, sizes[ABI_SEGMENT_STACK]);
	fprintf(out, "\nheap:        ");
	print_size(out, sizes[ABI_SEGMENT_HEAP]);
	fprintf(out, "\n");
}

static void print_text(FILE *out, const char *name, struct config_text t)
{
	fprintf(out, "%-12s ", name);
	/* anybody's file: nothing that a terminal obeys */
	for (size_t i = 0; i < t.size; i++)
		fputc(t.text[i] < ' ' || t.text[i] > '~' ? '?' : t.text[i], out);
	fputc('\n', out);
}

static void print_programs(const struct image *image, FILE *out)
{
	for (uint32_t i = 0; i < image->header->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];
		const struct abi_program *p = (const void *)(image->data + s->file_offset);
		size_t count = s->file_size / sizeof(*p);

		if (s->kind != ABI_SEGMENT_PROGRAMS)
			continue;
		for (size_t k = 0; k < count; k++)
			print_text(out, k ? "" : "runs:",
				   (struct config_text){ p[k].path, strnlen(p[k].path, sizeof(p->path)) });
	}
}

static void print_key(FILE *out, const char *name, const uint8_t key[CONFIG_KEY_SIZE])
{
	char hex[2 * CONFIG_KEY_SIZE + 1];

	measure_hex(key, CONFIG_KEY_SIZE, hex);
	fprintf(out, "%-12s %s\n", name, hex);
}

static void print_settings(const struct config *c, FILE *out)
{
	char text[CONFIG_TEXT_MAX + 40];

	if (c->has_device_key)
		print_key(out, "device key:", c->device_key);
	if (c->has_seal_key)
		print_key(out, "output for:", c->seal_key);
	for (size_t i = 0; i < c->argument_count; i++)
		print_text(out, i ? "" : "arguments:", c->arguments[i]);
	for (size_t i = 0; i < c->environment_count; i++)
		print_text(out, i ? "" : "environment:", c->environment[i]);
	fprintf(out, "%-12s", "permitted:");
	for (unsigned int i = 0; config_permit_name(i); i++)
		if (c->permit & 1u << i)
			fprintf(out, " %s", config_permit_name(i));
	fprintf(out, "%s\n", c->permit ? "" : " nothing");
	for (size_t i = 0; i < c->file_count; i++) {
		const struct config_file *f = &c->files[i];
		int n = snprintf(text, sizeof(text), "%.*s (%zu bytes)", (int)f->path.size,
				 f->path.text, f->size);

		print_text(out, i ? "" : "files:", (struct config_text){ text, (size_t)n });
	}
}

/* What the signer fixed for the program, if it is in our format. */
static void print_config(const struct image *image, FILE *out)
{
	static struct config config;
	struct err_ctx err = {0};

	for (uint32_t i = 0; i < image->header->segment_count; i++) {
		const struct abi_segment *s = &image->segments[i];

		if (s->kind != ABI_SEGMENT_CONFIG)
			continue;
		fprintf(out, "\n");
		if (config_parse(image->data + s->file_offset, s->file_size, &config, &err))
			fprintf(out, "%s\n", err.text);
		else
			print_settings(&config, out);
		return;
	}
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
	print_parts(image, out);
	print_programs(image, out);
	print_config(image, out);
	if (image_verify(image, &err)) {
		fprintf(out, "\nREFUSED:     %s\n", err.text);
		return false;
	}
	fprintf(out, "signature:   good\n");
	return true;
}

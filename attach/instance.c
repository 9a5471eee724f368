// SPDX-License-Identifier: MIT
/* See instance.h. One "key values" line a fact; the last line is a checksum over those before. */
#include "instance.h"

#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#define XXH_INLINE_ALL /* no library to load in every tool that we are preloaded into */
#include <xxhash.h>

#include "base/checked.h"

#define VERSION "scwatcher-instance 3\n"

struct out {
	char *buf;
	size_t size, used;
	bool full;
};

static void __attribute__((format(printf, 2, 3))) put(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	if (o->full)
		return;
	va_start(ap, fmt);
	n = vsnprintf(o->buf + o->used, o->size - o->used, fmt, ap);
	va_end(ap);
	o->full = n < 0 || (size_t)n >= o->size - o->used;
	if (!o->full)
		o->used += (size_t)n;
}

bool instance_print(const struct instance *in, char *buf, size_t size)
{
	struct out o = {.buf = buf, .size = size};
	const struct ktype_boot *b = &in->boot;

	/* a newline would break the format, and such a path isn't worth remembering */
	if (strchr(in->path, '\n') || strchr(in->profile, '\n'))
		return false;
	put(&o, VERSION);
	if (in->is_file)
		put(&o, "file %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n", in->dev,
		    in->ino, in->size, in->mtime_ns, in->path);
	else
		put(&o, "process %d %" PRIx64 "\n", (int)in->pid, in->start);
	put(&o, "vmm %d %" PRIx64 "\n", (int)in->vmm, in->vmm_start);
	put(&o, "boot %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %u %" PRIx64 " %" PRIx32
		" %s\n",
	    b->vmcoreinfo.v, b->kaslr, (uint64_t)b->phys_base, b->paging.kernel_top.v,
	    b->paging.levels, b->trampoline.v, b->firmware_clock, b->osrelease);
	if (b->has_build_id) {
		put(&o, "build-id ");
		for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE; i++)
			put(&o, "%02x", b->build_id[i]);
		put(&o, "\n");
	}
	for (size_t i = 0; i < in->extent_count; i++)
		put(&o, "extent %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", in->extents[i].gpa,
		    in->extents[i].size, in->extents[i].backing);
	for (size_t i = 0; i < in->piece_count; i++) {
		const struct source_piece *p = &in->pieces[i];

		put(&o, "piece %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %s\n",
		    p->start, p->size, p->offset, p->dev, p->ino, p->path);
		if (strchr(p->path, '\n'))
			return false;
	}
	if (in->external)
		put(&o, "external\n");
	if (in->profile[0])
		put(&o, "profile %s\n", in->profile);
	if (!o.full)
		put(&o, "sum %016" PRIx64 "\n", (uint64_t)XXH3_64bits(buf, o.used));
	return !o.full;
}

/* The fields of a line, from left to right; once one is missing, so are all that follow. */
struct fields {
	const char *at;
	bool bad;
};

static uint64_t take_number(struct fields *f, unsigned int base)
{
	uint64_t value = 0;
	const char *start = f->at;

	for (;; f->at++) {
		unsigned int digit;

		if (*f->at >= '0' && *f->at <= '9')
			digit = (unsigned int)(*f->at - '0');
		else if (base == 16 && *f->at >= 'a' && *f->at <= 'f')
			digit = (unsigned int)(*f->at - 'a') + 10;
		else
			break;
		if (!base_mul64(value, base, &value) || !base_add64(value, digit, &value))
			f->bad = true;
	}
	if (f->at == start)
		f->bad = true;
	if (*f->at == ' ')
		f->at++;
	else if (*f->at)
		f->bad = true;
	return value;
}

static uint64_t take_hex(struct fields *f)
{
	return take_number(f, 16);
}

static int take_int(struct fields *f)
{
	uint64_t value = take_number(f, 10);

	if (value > INT_MAX)
		f->bad = true;
	return (int)value;
}

/* All that is left: names and paths come last. */
static void take_rest(struct fields *f, char *ret, size_t size)
{
	size_t n = strlen(f->at);

	if (n >= size) {
		f->bad = true;
		return;
	}
	memcpy(ret, f->at, n + 1);
	f->at += n;
}

static void take_build_id(struct fields *f, struct ktype_boot *b)
{
	for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE && !f->bad; i++) {
		char digits[3] = "";
		struct fields byte = {.at = digits};

		memcpy(digits, f->at, strnlen(f->at, 2));
		b->build_id[i] = (uint8_t)take_hex(&byte);
		f->bad = byte.bad;
		f->at += strlen(digits);
	}
	b->has_build_id = true;
}

static void take_boot(struct fields *f, struct ktype_boot *b)
{
	b->vmcoreinfo.v = take_hex(f);
	b->kaslr = take_hex(f);
	b->phys_base = (int64_t)take_hex(f);
	b->paging.kernel_top.v = take_hex(f);
	b->paging.levels = (unsigned char)take_int(f);
	b->trampoline.v = take_hex(f);
	b->firmware_clock = (uint32_t)take_hex(f);
	take_rest(f, b->osrelease, sizeof(b->osrelease));
}

static void take_extent(struct fields *f, struct instance *in)
{
	struct source_extent *x = &in->extents[in->extent_count];

	if (in->extent_count == INSTANCE_EXTENTS_MAX) {
		f->bad = true;
		return;
	}
	in->extent_count++;
	x->gpa = take_hex(f);
	x->size = take_hex(f);
	x->backing = take_hex(f);
}

static void take_piece(struct fields *f, struct instance *in)
{
	struct source_piece *p = &in->pieces[in->piece_count];

	if (in->piece_count == SOURCE_PIECES_MAX) {
		f->bad = true;
		return;
	}
	in->piece_count++;
	p->start = take_hex(f);
	p->size = take_hex(f);
	p->offset = take_hex(f);
	p->dev = take_hex(f);
	p->ino = take_hex(f);
	take_rest(f, p->path, sizeof(p->path));
}

static bool is_line(struct fields *f, const char *key)
{
	size_t n = strlen(key);

	if (strncmp(f->at, key, n) != 0)
		return false;
	f->at += n;
	return true;
}

static bool parse_line(const char *line, struct instance *in)
{
	struct fields f = {.at = line};

	if (is_line(&f, "file ")) {
		in->is_file = true;
		in->dev = take_hex(&f);
		in->ino = take_hex(&f);
		in->size = take_hex(&f);
		in->mtime_ns = take_hex(&f);
		take_rest(&f, in->path, sizeof(in->path));
	} else if (is_line(&f, "process ")) {
		in->pid = take_int(&f);
		in->start = take_hex(&f);
	} else if (is_line(&f, "vmm ")) {
		in->vmm = take_int(&f);
		in->vmm_start = take_hex(&f);
	} else if (is_line(&f, "boot ")) {
		take_boot(&f, &in->boot);
	} else if (is_line(&f, "build-id ")) {
		take_build_id(&f, &in->boot);
	} else if (is_line(&f, "extent ")) {
		take_extent(&f, in);
	} else if (is_line(&f, "piece ")) {
		take_piece(&f, in);
	} else if (is_line(&f, "external")) {
		in->external = true;
	} else if (is_line(&f, "profile ")) {
		take_rest(&f, in->profile, sizeof(in->profile));
	} else {
		return false;
	}
	return !f.bad && *f.at == '\0';
}

bool instance_parse(const char *text, struct instance *ret)
{
	const char *sum = strstr(text, "\nsum ");
	char line[PATH_MAX + 128], right[32];

	if (!sum || strncmp(text, VERSION, strlen(VERSION)) != 0)
		return false;
	snprintf(right, sizeof(right), "\nsum %016" PRIx64 "\n",
		 (uint64_t)XXH3_64bits(text, (size_t)(sum + 1 - text)));
	if (strcmp(sum, right) != 0)
		return false;
	memset(ret, 0, sizeof(*ret));
	for (const char *p = text + strlen(VERSION); p <= sum;) {
		size_t n = strcspn(p, "\n");

		if (n >= sizeof(line))
			return false;
		memcpy(line, p, n);
		line[n] = '\0';
		if (!parse_line(line, ret))
			return false;
		p += n + 1;
	}
	/* a guest with no kernel or a backing of neither kind is nothing to remember */
	return (ret->boot.paging.levels == 4 || ret->boot.paging.levels == 5) &&
	       (ret->is_file ? ret->path[0] != '\0' : ret->pid > 0);
}

bool instance_same_backing(const struct instance *a, const struct instance *b)
{
	if (a->is_file != b->is_file)
		return false;
	if (!a->is_file)
		return a->pid == b->pid && a->start == b->start;
	return a->dev == b->dev && a->ino == b->ino && a->size == b->size;
}

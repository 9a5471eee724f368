// SPDX-License-Identifier: MIT
/* See instance.h. One "key values" line a fact; the last line is a checksum over those before. */
#include "instance.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#define XXH_INLINE_ALL /* no library to load in every tool that we are preloaded into */
#include <xxhash.h>

#include "base/checked.h"

#define VERSION "scwatcher-instance 1\n"

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
	put(&o, "boot %" PRIx64 " %" PRIx64 " %" PRIx64 " %" PRIx64 " %u %s\n", b->vmcoreinfo.v,
	    b->kaslr, (uint64_t)b->phys_base, b->paging.kernel_top.v, b->paging.levels,
	    b->osrelease);
	if (b->has_build_id) {
		put(&o, "build-id ");
		for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE; i++)
			put(&o, "%02x", b->build_id[i]);
		put(&o, "\n");
	}
	for (size_t i = 0; i < in->extent_count; i++)
		put(&o, "extent %" PRIx64 " %" PRIx64 " %" PRIx64 "\n", in->extents[i].gpa,
		    in->extents[i].size, in->extents[i].backing);
	if (in->external)
		put(&o, "external\n");
	if (in->profile[0])
		put(&o, "profile %s\n", in->profile);
	if (!o.full)
		put(&o, "sum %016" PRIx64 "\n", (uint64_t)XXH3_64bits(buf, o.used));
	return !o.full;
}

static bool parse_build_id(const char *s, struct ktype_boot *b)
{
	for (size_t i = 0; i < KTYPE_BUILD_ID_SIZE; i++) {
		unsigned int byte;

		if (sscanf(s + 2 * i, "%2x", &byte) != 1)
			return false;
		b->build_id[i] = (uint8_t)byte;
	}
	b->has_build_id = true;
	return true;
}

static bool take_path(const char *line, int at, char path[PATH_MAX])
{
	if (at <= 0 || strlen(line + at) >= PATH_MAX)
		return false;
	strcpy(path, line + at);
	return true;
}

static bool parse_line(const char *line, struct instance *in)
{
	struct ktype_boot *b = &in->boot;
	uint64_t phys_base;
	unsigned int levels;
	int at = 0, pid;

	if (sscanf(line, "file %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %n", &in->dev,
		   &in->ino, &in->size, &in->mtime_ns, &at) == 4) {
		in->is_file = true;
		return take_path(line, at, in->path);
	}
	if (sscanf(line, "process %d %" SCNx64, &pid, &in->start) == 2) {
		in->pid = pid;
		return true;
	}
	if (sscanf(line, "vmm %d %" SCNx64, &pid, &in->vmm_start) == 2) {
		in->vmm = pid;
		return true;
	}
	if (sscanf(line, "boot %" SCNx64 " %" SCNx64 " %" SCNx64 " %" SCNx64 " %u %64s",
		   &b->vmcoreinfo.v, &b->kaslr, &phys_base, &b->paging.kernel_top.v, &levels,
		   b->osrelease) == 6) {
		b->phys_base = (int64_t)phys_base;
		b->paging.levels = (unsigned char)levels;
		return true;
	}
	if (strncmp(line, "build-id ", 9) == 0)
		return parse_build_id(line + 9, b);
	if (strncmp(line, "extent ", 7) == 0) {
		struct source_extent *x = &in->extents[in->extent_count];

		if (in->extent_count == INSTANCE_EXTENTS_MAX)
			return false;
		in->extent_count++;
		return sscanf(line, "extent %" SCNx64 " %" SCNx64 " %" SCNx64, &x->gpa, &x->size,
			      &x->backing) == 3;
	}
	if (strcmp(line, "external") == 0) {
		in->external = true;
		return true;
	}
	if (strncmp(line, "profile ", 8) == 0)
		return take_path(line, 8, in->profile);
	return false;
}

bool instance_parse(const char *text, struct instance *ret)
{
	const char *sum = strstr(text, "\nsum ");
	char line[PATH_MAX + 128];
	uint64_t value;

	if (!sum || strncmp(text, VERSION, strlen(VERSION)) != 0 ||
	    strlen(sum + 5) != 17 || sum[5 + 16] != '\n' ||
	    sscanf(sum + 5, "%" SCNx64, &value) != 1 ||
	    value != XXH3_64bits(text, (size_t)(sum + 1 - text)))
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

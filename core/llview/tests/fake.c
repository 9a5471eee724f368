// SPDX-License-Identifier: MIT
/* See fake.h. */
#include "fake.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum { MEMBERS_MAX = 128, VALUES_MAX = 64, OBJECTS_MAX = 16, COPIES_MAX = 64 };

struct fake_member {
	const char *type, *path;
	struct ktype_member m;
};

struct fake_value {
	enum fake_kind kind;
	const char *type, *name;
	uint64_t value;
};

struct fake_object {
	char *start;
	size_t size;
};

/* Words of lines, behind a table of where they are. */
struct fake_part {
	struct fake_part *next;
	uint16_t runs[64];
	uint64_t words[GUEST_PAGE_SIZE / 8];
};

struct ktype {
	struct guest_pages pages;
	struct ktype_boot boot;
	struct fake_member members[MEMBERS_MAX];
	struct fake_value values[VALUES_MAX];
	struct fake_object objects[OBJECTS_MAX];
	void *copies[COPIES_MAX];
	uint64_t copied[COPIES_MAX];
	size_t member_count, value_count, object_count, copy_count;
	struct fake_part *parts;
	bool copying, lasting;
	enum err failing; /* what each page says */
};

struct ktype *fake_create(void)
{
	return calloc(1, sizeof(struct ktype));
}

static void drop_copies(struct ktype *k)
{
	while (k->copy_count)
		free(k->copies[--k->copy_count]);
	while (k->parts) {
		struct fake_part *next = k->parts->next;

		free(k->parts);
		k->parts = next;
	}
}

void fake_destroy(struct ktype *k)
{
	drop_copies(k);
	for (size_t i = 0; i < k->object_count; i++)
		munmap(k->objects[i].start - GUEST_PAGE_SIZE,
		       k->objects[i].size + 2 * GUEST_PAGE_SIZE);
	free(k);
}

void *fake_object(struct ktype *k, size_t size)
{
	struct fake_object *o = &k->objects[k->object_count++];

	assert(k->object_count <= OBJECTS_MAX);
	o->size = (size + GUEST_PAGE_SIZE - 1) & GUEST_PAGE_MASK;
	o->start = mmap(NULL, o->size + 2 * GUEST_PAGE_SIZE, PROT_NONE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	assert(o->start != MAP_FAILED);
	o->start += GUEST_PAGE_SIZE;
	if (mprotect(o->start, o->size, PROT_READ | PROT_WRITE))
		abort();
	return o->start;
}

void fake_member(struct ktype *k, const char *type, const char *path, uint64_t bit, uint32_t width,
		 uint64_t size, int is_signed, int is_scalar)
{
	assert(k->member_count < MEMBERS_MAX);
	k->members[k->member_count++] = (struct fake_member){
		.type = type,
		.path = path,
		.m = {.bit_offset = bit, .bit_size = width, .size = size ? size : (width + 7) / 8,
		      .is_signed = is_signed, .is_scalar = is_scalar},
	};
}

void fake_value(struct ktype *k, enum fake_kind kind, const char *type, const char *name,
		uint64_t value)
{
	assert(k->value_count < VALUES_MAX);
	k->values[k->value_count++] = (struct fake_value){kind, type, name, value};
}

void fake_set_kaslr(struct ktype *k, uint64_t kaslr)
{
	k->boot.kaslr = kaslr;
}

/* ---- pages ---- */

static struct ktype *of_pages(struct guest_pages *p)
{
	return (struct ktype *)p;
}

static enum err fake_page(struct guest_pages *p, struct guest_space as, struct gva va,
			  const void **ret)
{
	struct ktype *k = of_pages(p);

	(void)as;
	p->stats.lookups++;
	if (k->failing)
		return k->failing;
	for (size_t i = 0; i < k->object_count; i++) {
		struct fake_object *o = &k->objects[i];

		if (va.v - (uint64_t)(uintptr_t)o->start >= o->size)
			continue;
		*ret = (const void *)(uintptr_t)va.v;
		p->lasts = k->lasting && !k->copying;
		if (!k->copying)
			return ERR_OK;
		for (size_t c = 0; c < k->copy_count; c++)
			if (k->copied[c] == va.v) {
				*ret = k->copies[c];
				return ERR_OK;
			}
		if (k->copy_count == COPIES_MAX)
			return ERR_LIMIT;
		k->copies[k->copy_count] = malloc(GUEST_PAGE_SIZE);
		k->copied[k->copy_count] = va.v;
		memcpy(k->copies[k->copy_count], *ret, GUEST_PAGE_SIZE);
		*ret = k->copies[k->copy_count++];
		return ERR_OK;
	}
	p->stats.faults++;
	return ERR_UNMAPPED;
}

static enum err fake_epoch(struct guest_pages *p, struct err_ctx *err)
{
	struct ktype *k = of_pages(p);

	p->epoch++;
	drop_copies(k);
	return k->failing == ERR_GONE ? err_set(err, ERR_GONE, "the guest is gone") : ERR_OK;
}

static void fake_pages_destroy(struct guest_pages *p)
{
	(void)p;
}

struct guest_pages *fake_pages(struct ktype *k)
{
	static const struct guest_pages_ops ops = {
		.page = fake_page,
		.epoch = fake_epoch,
		.destroy = fake_pages_destroy,
	};

	k->pages.ops = &ops;
	return &k->pages;
}

static enum err fake_reread(struct guest_pages *p, const struct guest_piece *pieces, size_t count)
{
	(void)pieces, (void)count;
	return of_pages(p)->failing;
}

void fake_rereads(struct ktype *k)
{
	static const struct guest_pages_ops ops = {
		.page = fake_page,
		.epoch = fake_epoch,
		.reread = fake_reread,
		.destroy = fake_pages_destroy,
	};

	k->pages.ops = &ops;
}

/* Words `first` to `last` of a line of the page at `from`. */
static void add_run(struct fake_part *part, struct guest_lines *l, const char *from, unsigned int line,
		    unsigned int first, unsigned int last, unsigned int *used)
{
	unsigned int n = (unsigned int)__builtin_popcountll(l->lines), words = last - first + 1;

	memcpy(part->words + *used, from + 64 * line + 8 * first, 8 * (size_t)words);
	part->runs[n] = (uint16_t)((sizeof(part->runs) / 8 + *used) << 6 | first << 3 | (words - 1));
	l->lines |= (uint64_t)1 << line;
	*used += words;
}

static enum err fake_part(struct guest_pages *p, struct guest_space as, struct gva va, size_t size,
			  struct guest_lines *ret)
{
	unsigned int first = va.v % GUEST_PAGE_SIZE / 8, used = 0;
	unsigned int last = (unsigned int)(va.v % GUEST_PAGE_SIZE + size - 1) / 8;
	struct ktype *k = of_pages(p);
	struct fake_part *part;
	const void *page;
	enum err e = fake_page(p, as, (struct gva){va.v & GUEST_PAGE_MASK}, &page);

	if (e)
		return e;
	part = calloc(1, sizeof(*part));
	part->next = k->parts;
	k->parts = part;
	*ret = (struct guest_lines){.host = part->runs, .runs = part->runs};
	for (unsigned int line = 0; line < 64; line++) {
		unsigned int half = first % 8 / 4 * 4, from = 8 * line, to = from + 7;

		if (first / 4 == last / 4)
			add_run(part, ret, page, line, half, half + 3, &used);
		else if (first <= to && last >= from)
			add_run(part, ret, page, line, first > from ? first - from : 0, last < to ? last - from : 7,
				&used);
	}
	return ERR_OK;
}

void fake_in_parts(struct ktype *k)
{
	static const struct guest_pages_ops ops = {
		.page = fake_page,
		.part = fake_part,
		.epoch = fake_epoch,
		.destroy = fake_pages_destroy,
	};

	k->pages.ops = &ops;
}

/* As those would who keep nothing: nothing but the bytes asked for. */
static enum err fake_object_bytes(struct guest_pages *p, struct guest_space as, struct gva va,
				  void *buf, size_t size)
{
	char *to = buf;

	while (size) {
		size_t within = va.v % GUEST_PAGE_SIZE, n = GUEST_PAGE_SIZE - within;
		const char *page;
		enum err e = fake_page(p, as, (struct gva){va.v - within}, (const void **)&page);

		if (e)
			return e;
		if (n > size)
			n = size;
		memcpy(to, page + within, n);
		to += n;
		va.v += n;
		size -= n;
	}
	return ERR_OK;
}

void fake_keep_nothing(struct ktype *k)
{
	static const struct guest_pages_ops ops = {
		.page = fake_page,
		.object = fake_object_bytes,
		.epoch = fake_epoch,
		.destroy = fake_pages_destroy,
	};

	k->pages.ops = &ops;
}

void fake_fail(struct ktype *k, enum err code)
{
	k->failing = code;
}

void fake_copy_pages(struct ktype *k)
{
	k->copying = true;
}

void fake_lasting_pages(struct ktype *k)
{
	k->lasting = true;
}

/* ---- ktype/ktype.h ---- */

const struct ktype_boot *ktype_boot(const struct ktype *k)
{
	return &k->boot;
}

static const struct fake_value *find(const struct ktype *k, enum fake_kind kind, const char *type,
				     const char *name)
{
	for (size_t i = 0; i < k->value_count; i++) {
		const struct fake_value *v = &k->values[i];

		if (v->kind == kind && (!type || !strcmp(v->type, type)) && !strcmp(v->name, name))
			return v;
	}
	return NULL;
}

enum err ktype_symbol(const struct ktype *k, const char *name, struct gva *ret)
{
	const struct fake_value *v = find(k, FAKE_SYMBOL, name, "");

	if (!v)
		return ERR_ABSENT;
	ret->v = v->value >= 0xffffffff80000000 ? v->value + k->boot.kaslr : v->value;
	return ERR_OK;
}

enum err ktype_sizeof(const struct ktype *k, const char *type, uint64_t *ret)
{
	const struct fake_value *v = find(k, FAKE_SIZE, type, "");

	if (!v)
		return ERR_ABSENT;
	*ret = v->value;
	return ERR_OK;
}

enum err ktype_member(const struct ktype *k, const char *type, const char *path,
		      struct ktype_member *ret)
{
	for (size_t i = 0; i < k->member_count; i++)
		if (!strcmp(k->members[i].type, type) && !strcmp(k->members[i].path, path)) {
			*ret = k->members[i].m;
			return ERR_OK;
		}
	return ERR_ABSENT;
}

enum err ktype_enum(const struct ktype *k, const char *type, const char *name, int64_t *ret)
{
	const struct fake_value *v = find(k, FAKE_ENUM, type, name);

	if (!v)
		return ERR_ABSENT;
	*ret = (int64_t)v->value;
	return ERR_OK;
}

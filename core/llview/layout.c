// SPDX-License-Identifier: MIT
/*
 * The answers to what kernel-style code asks of a guest's kernel: resolved by name once for a kernel,
 * or taken out of a cache.
 */
#include <elf.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "desc.h"
#include "llview/guest.h"

enum {
	SLOT_ABSENT = 1,
	SLOT_SLIDE = 2, /* an address of the kernel image: moves with KASLR */
};

/* x86-64's __START_KERNEL_map: what lies above is the image; below, offsets of per-CPU symbols. */
#define KERNEL_IMAGE 0xffffffff80000000u

struct llview_layout {
	struct base_alloc *alloc;
	uint64_t kaslr;
	size_t count;
	uint64_t *slots;
	uint8_t *flags;
};

/* What a cache holds: this, the slots without the slide, the flags. Host byte order. */
struct saved {
	char magic[8];
	uint64_t questions; /* names the descriptors that were answered */
	uint64_t count;
	uint64_t checksum; /* of all that follows */
};

static const char magic[8] = "SCWLLV2";

/*
 * What the answers mean: counts up with each change of the resolving below, so that the answers of an
 * older build to the same questions aren't believed.
 */
enum {
	ANSWERS_VERSION = 3,
};

static size_t desc_count(void)
{
	return __stop_llview_desc - __start_llview_desc;
}

static uint64_t desc_hash(void)
{
	const uint64_t format[] = { ANSWERS_VERSION, LLVIEW_ABI, LLVIEW_POISON, LLVIEW_ENUM_ABSENT,
				    sizeof(*__start_llview_desc) };
	const struct llview_desc *d;
	XXH3_state_t state;

	XXH3_64bits_reset(&state);
	XXH3_64bits_update(&state, format, sizeof(format));
	for (d = __start_llview_desc; d != __stop_llview_desc; d++) {
		const char *text = llview_desc_text(d);

		XXH3_64bits_update(&state, &d->kind, sizeof(*d) - offsetof(struct llview_desc, kind));
		XXH3_64bits_update(&state, text, strlen(text) + 1);
	}
	return XXH3_64bits_digest(&state);
}

/*
 * A program's build id names all that is in it, so its questions too: nothing to hash, at each start
 * of a tool. The linker defines __ehdr_start if the headers are loaded, and adds the note if told to.
 */
extern const LLVIEW_HIDDEN char __ehdr_start[] __attribute__((weak));

static bool own_build_id(uint64_t *ret)
{
	const char *image = __ehdr_start;
	const ElfW(Ehdr) *header = (const void *)image;
	const ElfW(Phdr) *ph;
	size_t loaded = 0;

	if (!image)
		return false;
	ph = (const void *)(image + header->e_phoff);
	for (size_t i = 0; i < header->e_phnum; i++)
		if (ph[i].p_type == PT_LOAD && ph[i].p_offset == 0)
			loaded = ph[i].p_filesz;
	for (size_t i = 0; i < header->e_phnum; i++) {
		const char *at = image + ph[i].p_offset, *end = at + ph[i].p_filesz;
		const ElfW(Nhdr) *n;

		if (ph[i].p_type != PT_NOTE || ph[i].p_offset + ph[i].p_filesz > loaded)
			continue;
		/* a note's name and content are padded to four bytes each, those of GNU's always fit */
		while ((size_t)(end - at) > sizeof(*n) + sizeof(ELF_NOTE_GNU)) {
			n = (const ElfW(Nhdr) *)at;
			at += sizeof(*n) + (n->n_namesz + 3) / 4 * 4;
			if (n->n_type == NT_GNU_BUILD_ID && n->n_namesz == sizeof(ELF_NOTE_GNU) &&
			    !memcmp(n + 1, ELF_NOTE_GNU, sizeof(ELF_NOTE_GNU))) {
				*ret = XXH3_64bits(at, n->n_descsz);
				return true;
			}
			at += (n->n_descsz + 3) / 4 * 4;
		}
	}
	return false;
}

uint64_t llview_layout_questions(void)
{
	uint64_t id;

	return own_build_id(&id) ? id : desc_hash();
}

static enum err layout_alloc(struct base_alloc *alloc, uint64_t kaslr, struct llview_layout **ret)
{
	size_t count = desc_count();
	struct llview_layout *l = base_alloc_zeroed(alloc, 1, sizeof(*l));

	if (!l)
		return ERR_NOMEM;
	l->alloc = alloc;
	l->kaslr = kaslr;
	l->count = count;
	l->slots = base_alloc_zeroed(alloc, count + 1, sizeof(*l->slots));
	l->flags = base_alloc_zeroed(alloc, count + 1, 1);
	if (!l->slots || !l->flags) {
		llview_layout_destroy(l);
		return ERR_NOMEM;
	}
	*ret = l;
	return ERR_OK;
}

void llview_layout_destroy(struct llview_layout *l)
{
	if (!l)
		return;
	base_free(l->alloc, l->slots);
	base_free(l->alloc, l->flags);
	base_free(l->alloc, l);
}

/* A text in two: "struct a" and "b.c". */
struct name {
	char type[256];
	const char *rest;
};

static enum err name_split(const char *text, struct name *ret)
{
	const char *colon = strchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : strlen(text);

	if (size >= sizeof(ret->type))
		return ERR_ABSENT;
	memcpy(ret->type, text, size);
	ret->type[size] = '\0';
	ret->rest = colon ? colon + 1 : "";
	return ERR_OK;
}

/* The compiler can't tell `typedef struct {} x` from `struct x` everywhere: x itself is tried too. */
static const char *untagged(const char *type)
{
	if (!strncmp(type, "struct ", 7))
		return type + 7;
	if (!strncmp(type, "union ", 6))
		return type + 6;
	return NULL;
}

static enum err resolve_sizeof(const struct ktype *k, const char *type, uint64_t *ret)
{
	enum err e = ktype_sizeof(k, type, ret);

	if (e && untagged(type))
		e = ktype_sizeof(k, untagged(type), ret);
	return e;
}

/* The member and the size of the record that it is in, which it lies in. */
static enum err resolve_member(const struct ktype *k, const char *text, struct ktype_member *ret,
			       uint64_t *record_size_ret)
{
	struct name n;
	const char *type;
	enum err e = name_split(text, &n);

	if (e)
		return e;
	type = n.type;
	e = ktype_member(k, type, n.rest, ret);
	if (e && untagged(type)) {
		type = untagged(type);
		e = ktype_member(k, type, n.rest, ret);
	}
	if (e)
		return e;
	e = ktype_sizeof(k, type, record_size_ret);
	if (e)
		return e;
	/* The guest's own description may say anything. */
	if (*record_size_ret > INT32_MAX || ret->bit_offset / 8 > *record_size_ret)
		return ERR_ABSENT;
	/* A bit-field's type may be larger than what is left of a packed record: see resolve_bits(). */
	if (!ret->bit_size && ret->size > *record_size_ret - ret->bit_offset / 8)
		return ERR_ABSENT;
	return ERR_OK;
}

static enum err resolve_offset(const struct ktype *k, const struct llview_desc *d, uint64_t *ret)
{
	struct ktype_member m;
	uint64_t record_size;
	enum err e = resolve_member(k, llview_desc_text(d), &m, &record_size);

	if (e)
		return e;
	if (m.bit_size || m.bit_offset % 8)
		return ERR_ABSENT;
	if (d->flags & DESC_ARRAY) {
		if (m.size && m.size < d->size)
			return ERR_ABSENT;
	} else if (d->size && m.size != d->size) {
		return ERR_ABSENT;
	}
	*ret = m.bit_offset / 8;
	return ERR_OK;
}

/*
 * Which eight bytes of the record to load for a bit-field, and how to shift its bits out of them. The
 * bytes lie within the record, so that pinned objects aren't read beyond; smaller records have fewer.
 */
static enum err resolve_bits(const struct ktype *k, const char *text, unsigned int max_width,
			     bool is_signed, uint64_t *word_ret, uint64_t *shift_ret)
{
	struct ktype_member m;
	uint64_t record_size, word, width, up;
	enum err e = resolve_member(k, text, &m, &record_size);

	if (e)
		return e;
	width = m.bit_size;
	if (!width) {
		/* What is a bit-field for us may be a plain member there. */
		if (!m.is_scalar || m.size > 8)
			return ERR_ABSENT;
		width = 8 * m.size;
	}
	if (!width || width > max_width || (is_signed && width != max_width))
		return ERR_ABSENT;
	if (m.bit_offset + width > 8 * record_size)
		return ERR_ABSENT;

	word = m.bit_offset / 64 * 8;
	if (m.bit_offset + width > 8 * (word + 8))
		word = m.bit_offset / 8; /* a packed record */
	if (record_size < 8)
		word = 0;
	else if (word > record_size - 8)
		word = record_size - 8;
	if (m.bit_offset + width > 8 * (word + 8))
		return ERR_ABSENT;

	up = 64 - (m.bit_offset - 8 * word) - width;
	*word_ret = word;
	*shift_ret = up | (64 - width) << 8 | (record_size < 8 ? record_size << 16 : 0);
	return ERR_OK;
}

static enum err resolve_symbol(const struct ktype *k, const char *name, uint64_t *ret,
			       uint8_t *flags)
{
	/* what compilers append to the names of functions that they changed */
	static const char *const suffixes[] = { ".isra.0", ".constprop.0", ".isra.0.constprop.0" };
	struct gva at;
	enum err e = ktype_symbol(k, name, &at);

	for (size_t i = 0; e == ERR_ABSENT && i < sizeof(suffixes) / sizeof(suffixes[0]); i++) {
		char longer[256];
		int n = snprintf(longer, sizeof(longer), "%s%s", name, suffixes[i]);

		if (n > 0 && (size_t)n < sizeof(longer))
			e = ktype_symbol(k, longer, &at);
	}
	if (e)
		return e;
	*ret = at.v;
	if (at.v >= KERNEL_IMAGE)
		*flags |= SLOT_SLIDE;
	return ERR_OK;
}

static enum err resolve_enum(const struct ktype *k, const char *text, uint64_t *ret)
{
	struct name n;
	int64_t v;
	enum err e = name_split(text, &n);

	if (e)
		return e;
	e = ktype_enum(k, n.type[0] ? n.type : NULL, n.rest, &v);
	if (!e)
		*ret = (uint64_t)v;
	return e;
}

/* The answer to one question, and SLOT_*. */
static uint64_t resolve(const struct ktype *k, const struct llview_desc *d, uint8_t *flags)
{
	const char *text = llview_desc_text(d);
	uint64_t value = 0, other, absent = 0;
	uint8_t ignored = 0;
	bool question = false;
	enum err e = ERR_ABSENT;

	switch ((enum llview_desc_kind)d->kind) {
	case DESC_HAS:
		question = true;
		e = resolve_offset(k, d, &value);
		break;
	case DESC_OFFSET:
		absent = LLVIEW_POISON;
		e = resolve_offset(k, d, &value);
		break;
	case DESC_HAS_BITS:
		question = true;
		e = resolve_bits(k, text, 64, false, &value, &other);
		break;
	case DESC_BIT_WORD:
		absent = LLVIEW_POISON;
		e = resolve_bits(k, text, d->size, d->flags & DESC_SIGNED, &value, &other);
		break;
	case DESC_BIT_SHIFT:
		e = resolve_bits(k, text, d->size, d->flags & DESC_SIGNED, &other, &value);
		break;
	case DESC_HAS_TYPE:
		question = true;
		e = resolve_sizeof(k, text, &value);
		break;
	case DESC_SIZEOF:
		e = resolve_sizeof(k, text, &value);
		break;
	case DESC_HAS_SYMBOL:
		question = true;
		e = resolve_symbol(k, text, &value, &ignored);
		break;
	case DESC_SYMBOL:
		absent = LLVIEW_POISON;
		e = resolve_symbol(k, text, &value, flags);
		break;
	case DESC_HAS_ENUM:
		question = true;
		e = resolve_enum(k, text, &value);
		break;
	case DESC_ENUM:
		absent = LLVIEW_ENUM_ABSENT;
		e = resolve_enum(k, text, &value);
		break;
	}
	if (e) {
		*flags |= SLOT_ABSENT;
		return absent;
	}
	return question ? 1 : value;
}

enum err llview_layout_create(struct base_alloc *alloc, const struct ktype *k,
			      struct llview_layout **ret)
{
	struct llview_layout *l;
	enum err e = layout_alloc(alloc, ktype_boot(k)->kaslr, &l);

	if (e)
		return e;
	for (size_t i = 0; i < l->count; i++)
		l->slots[i] = resolve(k, &__start_llview_desc[i], &l->flags[i]);
	*ret = l;
	return ERR_OK;
}

enum err llview_layout_save(const struct llview_layout *l, struct base_alloc *alloc, void **ret,
			    size_t *size_ret)
{
	size_t body = l->count * (sizeof(uint64_t) + 1);
	struct saved *s = base_alloc_zeroed(alloc, 1, sizeof(*s) + body);
	uint64_t *slots;

	if (!s)
		return ERR_NOMEM;
	slots = (uint64_t *)(s + 1);
	for (size_t i = 0; i < l->count; i++)
		slots[i] = l->slots[i] - (l->flags[i] & SLOT_SLIDE ? l->kaslr : 0);
	memcpy(slots + l->count, l->flags, l->count);
	memcpy(s->magic, magic, sizeof(magic));
	s->questions = llview_layout_questions();
	s->count = l->count;
	s->checksum = XXH3_64bits(slots, body);
	*ret = s;
	*size_ret = sizeof(*s) + body;
	return ERR_OK;
}

enum err llview_layout_load(struct base_alloc *alloc, const void *bytes, size_t size,
			    uint64_t kaslr, struct llview_layout **ret)
{
	struct saved s;
	struct llview_layout *l;
	const char *body = (const char *)bytes + sizeof(s);
	enum err e;

	if (size < sizeof(s))
		return ERR_CORRUPT;
	memcpy(&s, bytes, sizeof(s));
	if (memcmp(s.magic, magic, sizeof(magic)))
		return ERR_CORRUPT;
	if (s.count > (size - sizeof(s)) / (sizeof(uint64_t) + 1) ||
	    s.count * (sizeof(uint64_t) + 1) != size - sizeof(s) ||
	    s.checksum != XXH3_64bits(body, size - sizeof(s)))
		return ERR_CORRUPT;
	if (s.count != desc_count() || s.questions != llview_layout_questions())
		return ERR_ABSENT;

	e = layout_alloc(alloc, kaslr, &l);
	if (e)
		return e;
	memcpy(l->slots, body, l->count * sizeof(uint64_t));
	memcpy(l->flags, body + l->count * sizeof(uint64_t), l->count);
	for (size_t i = 0; i < l->count; i++)
		if (l->flags[i] & SLOT_SLIDE)
			l->slots[i] += kaslr;
	*ret = l;
	return ERR_OK;
}

/* ---- answers by the names of their questions ---- */

/* What is known of a kernel, whoever asks: this, then `count` answers, by name from the least on. */
struct known {
	char magic[8];
	uint64_t checksum; /* of all that follows */
	uint64_t format;
	uint64_t count;
	char osrelease[KTYPE_OSRELEASE_SIZE];
	uint8_t has_build_id;
	uint8_t build_id[KTYPE_BUILD_ID_SIZE];
	uint8_t unused[2];
};

struct answer {
	uint64_t name;
	uint64_t slot; /* without the slide */
	uint64_t flags;
};

enum {
	KNOWN_CHECKED_FROM = offsetof(struct known, format),
};
#define KNOWN_FORMAT ((uint64_t)ANSWERS_VERSION << 32 | LLVIEW_ABI)

static const char known_magic[8] = "SCWKNOW";

static uint64_t question_name(const struct llview_desc *d)
{
	const char *text = llview_desc_text(d);

	return XXH3_64bits_withSeed(text, strlen(text),
				    (uint64_t)d->kind << 32 | (uint64_t)d->flags << 16 | d->size);
}

static int compare_names(const void *a, const void *b)
{
	uint64_t x = ((const struct answer *)a)->name, y = ((const struct answer *)b)->name;

	return (x > y) - (x < y);
}

enum err llview_layout_export(const struct llview_layout *l, const struct ktype_boot *boot,
			      struct base_alloc *alloc, void **ret, size_t *size_ret)
{
	struct known *k = base_alloc_zeroed(alloc, 1, sizeof(*k) + l->count * sizeof(struct answer));
	struct answer *answers;
	size_t count = 0;

	if (!k)
		return ERR_NOMEM;
	answers = (struct answer *)(k + 1);
	for (size_t i = 0; i < l->count; i++)
		answers[i] = (struct answer){
			.name = question_name(&__start_llview_desc[i]),
			.slot = l->slots[i] - (l->flags[i] & SLOT_SLIDE ? l->kaslr : 0),
			.flags = l->flags[i],
		};
	qsort(answers, l->count, sizeof(*answers), compare_names);
	/* files that ask the same get the same */
	for (size_t i = 0; i < l->count; i++)
		if (!count || answers[i].name != answers[count - 1].name)
			answers[count++] = answers[i];
	memcpy(k->magic, known_magic, sizeof(known_magic));
	k->format = KNOWN_FORMAT;
	k->count = count;
	memcpy(k->osrelease, boot->osrelease, sizeof(k->osrelease));
	k->has_build_id = boot->has_build_id;
	memcpy(k->build_id, boot->build_id, sizeof(k->build_id));
	*size_ret = sizeof(*k) + count * sizeof(*answers);
	k->checksum = XXH3_64bits((const char *)k + KNOWN_CHECKED_FROM,
				  *size_ret - KNOWN_CHECKED_FROM);
	*ret = k;
	return ERR_OK;
}

/* The answer of that name among `count` at `at`, which needn't be aligned. */
static bool find_answer(const char *at, size_t count, uint64_t name, struct answer *ret)
{
	size_t low = 0;

	while (low < count) {
		size_t middle = low + (count - low) / 2;

		memcpy(ret, at + middle * sizeof(*ret), sizeof(*ret));
		if (ret->name == name)
			return true;
		if (ret->name < name)
			low = middle + 1;
		else
			count = middle;
	}
	return false;
}

enum err llview_layout_import(struct base_alloc *alloc, const void *bytes, size_t size,
			      const struct ktype_boot *boot, struct llview_layout **ret)
{
	const char *at = (const char *)bytes + sizeof(struct known);
	struct llview_layout *l;
	struct answer a;
	struct known k;
	enum err e;

	if (size < sizeof(k))
		return ERR_CORRUPT;
	memcpy(&k, bytes, sizeof(k));
	if (memcmp(k.magic, known_magic, sizeof(known_magic)) ||
	    k.count != (size - sizeof(k)) / sizeof(a) || (size - sizeof(k)) % sizeof(a) ||
	    k.checksum != XXH3_64bits((const char *)bytes + KNOWN_CHECKED_FROM,
				      size - KNOWN_CHECKED_FROM))
		return ERR_CORRUPT;
	if (k.format != KNOWN_FORMAT || k.has_build_id != boot->has_build_id ||
	    memcmp(k.build_id, boot->build_id, sizeof(k.build_id)) ||
	    strncmp(k.osrelease, boot->osrelease, sizeof(k.osrelease)))
		return ERR_ABSENT;
	e = layout_alloc(alloc, boot->kaslr, &l);
	for (size_t i = 0; !e && i < l->count; i++) {
		if (!find_answer(at, k.count, question_name(&__start_llview_desc[i]), &a)) {
			llview_layout_destroy(l);
			return ERR_ABSENT;
		}
		l->flags[i] = (uint8_t)a.flags;
		l->slots[i] = a.slot + (a.flags & SLOT_SLIDE ? boot->kaslr : 0);
	}
	if (!e)
		*ret = l;
	return e;
}

const uint64_t *llview_layout_slots(const struct llview_layout *l)
{
	return l->slots;
}

size_t llview_layout_count(const struct llview_layout *l)
{
	return l->count;
}

size_t llview_layout_absent(const struct llview_layout *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += l->flags[i] & SLOT_ABSENT;
	return n;
}

void llview_layout_each_absent(const struct llview_layout *l,
			       void (*fn)(void *arg, const char *what), void *arg)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->flags[i] & SLOT_ABSENT)
			fn(arg, llview_desc_text(&__start_llview_desc[i]));
}

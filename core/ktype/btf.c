// SPDX-License-Identifier: MIT
/* Checking BTF whole, and looking types, members and enumerators up in it: see btf.h. */
#include "btf.h"

#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "base/checked.h"
#include "base/cursor.h"

enum kind {
	KIND_VOID,
	KIND_INT,
	KIND_PTR,
	KIND_ARRAY,
	KIND_STRUCT,
	KIND_UNION,
	KIND_ENUM,
	KIND_FWD,
	KIND_TYPEDEF,
	KIND_VOLATILE,
	KIND_CONST,
	KIND_RESTRICT,
	KIND_FUNC,
	KIND_FUNC_PROTO,
	KIND_VAR,
	KIND_DATASEC,
	KIND_FLOAT,
	KIND_DECL_TAG,
	KIND_TYPE_TAG,
	KIND_ENUM64,
	KINDS,
};

enum {
	BTF_MAGIC = 0xeb9f,
	BTF_MAGIC_SWAPPED = 0x9feb,
	HEADER_SIZE = 24,
	TYPE_SIZE = 12,
	MEMBER_SIZE = 12,
	RECORD_SIZE_MAX = 256 << 20, /* bytes of one record */
	INT_SIGNED = 1,
	BIT_OFFSET_MASK = 0xffffff,
};

/* What follows a type's three words: `fixed` bytes and `each` for each of its vlen items. */
static const struct kind_shape {
	uint8_t fixed, each;
	bool known;
} shapes[KINDS] = {
	[KIND_INT] = {.fixed = 4, .known = true},
	[KIND_PTR] = {.known = true},
	[KIND_ARRAY] = {.fixed = 12, .known = true},
	[KIND_STRUCT] = {.each = MEMBER_SIZE, .known = true},
	[KIND_UNION] = {.each = MEMBER_SIZE, .known = true},
	[KIND_ENUM] = {.each = 8, .known = true},
	[KIND_FWD] = {.known = true},
	[KIND_TYPEDEF] = {.known = true},
	[KIND_VOLATILE] = {.known = true},
	[KIND_CONST] = {.known = true},
	[KIND_RESTRICT] = {.known = true},
	[KIND_FUNC] = {.known = true},
	[KIND_FUNC_PROTO] = {.each = 8, .known = true},
	[KIND_VAR] = {.fixed = 4, .known = true},
	[KIND_DATASEC] = {.each = 12, .known = true},
	[KIND_FLOAT] = {.known = true},
	[KIND_DECL_TAG] = {.fixed = 4, .known = true},
	[KIND_TYPE_TAG] = {.known = true},
	[KIND_ENUM64] = {.each = 12, .known = true},
};

struct type {
	uint32_t name, size; /* size or referred type, by kind */
	enum kind kind;
	uint32_t vlen;
	bool flag;
	struct base_cursor more;
};

struct member {
	uint32_t name, type, offset;
};

/* Read the type at the cursor and step over it. */
static bool read_type(struct base_cursor *c, struct type *ret)
{
	uint32_t name = base_cursor_u32(c), info = base_cursor_u32(c), size = base_cursor_u32(c);
	const struct kind_shape *shape;
	size_t more, at;

	*ret = (struct type){.name = name,
			     .size = size,
			     .kind = info >> 24 & 0x1f,
			     .vlen = info & 0xffff,
			     .flag = info >> 31};
	if (!base_cursor_ok(c) || (info & 0x60ff0000) || ret->kind >= KINDS ||
	    !shapes[ret->kind].known)
		return false;
	shape = &shapes[ret->kind];
	more = shape->fixed + (size_t)shape->each * ret->vlen;
	at = c->pos;
	base_cursor_skip(c, more);
	ret->more = base_cursor_slice(c, at, more);
	return base_cursor_ok(c);
}

static struct member read_member(struct base_cursor *c)
{
	struct member m;

	m.name = base_cursor_u32(c);
	m.type = base_cursor_u32(c);
	m.offset = base_cursor_u32(c);
	return m;
}

/* Type `id`, or false; 0 (void) is none. */
static bool get_type(const struct btf *t, uint32_t id, struct type *ret)
{
	struct base_cursor all = base_cursor_over(t->bytes, t->size), c;

	if (id == 0 || id > t->type_count || t->offsets[id] > t->types_size)
		return false;
	c = base_cursor_slice(&all, t->types + t->offsets[id], t->types_size - t->offsets[id]);
	return read_type(&c, ret);
}

/* The kind of a type that index_types() accepted. */
static enum kind kind_of(const struct btf *t, uint32_t id)
{
	struct base_cursor all = base_cursor_over(t->bytes, t->size);
	struct base_cursor c = base_cursor_slice(&all, t->types + t->offsets[id] + 4, 4);

	return base_cursor_u32(&c) >> 24 & 0x1f;
}

/* The string at `offset`; the section ends with a NUL, so it ends too. */
static const char *get_string(const struct btf *t, uint32_t offset)
{
	if (offset >= t->strings_size)
		offset = t->strings_size - 1;
	return (const char *)t->bytes + t->strings + offset;
}

static bool is_record(enum kind kind)
{
	return kind == KIND_STRUCT || kind == KIND_UNION;
}

static bool is_enum(enum kind kind)
{
	return kind == KIND_ENUM || kind == KIND_ENUM64;
}

/* Kinds that stand for the type they refer to. */
static bool is_alias(enum kind kind)
{
	return kind == KIND_TYPEDEF || kind == KIND_VOLATILE || kind == KIND_CONST ||
	       kind == KIND_RESTRICT || kind == KIND_TYPE_TAG;
}

enum err btf_read_header(struct btf *t, struct err_ctx *err)
{
	struct base_cursor c = base_cursor_over(t->bytes, t->size);
	uint16_t magic = base_cursor_u16(&c);
	uint8_t version = base_cursor_u8(&c);
	uint32_t header, offset;

	base_cursor_skip(&c, 1);
	header = base_cursor_u32(&c);
	offset = base_cursor_u32(&c);
	t->types_size = base_cursor_u32(&c);
	t->strings = base_cursor_u32(&c);
	t->strings_size = base_cursor_u32(&c);
	if (base_cursor_ok(&c) && magic == BTF_MAGIC_SWAPPED)
		return err_set(err, ERR_UNSUPPORTED, "btf: it is for a big-endian machine");
	if (!base_cursor_ok(&c) || magic != BTF_MAGIC)
		return err_set(err, ERR_CORRUPT, "btf: no BTF header");
	if (version != 1)
		return err_set(err, ERR_UNSUPPORTED, "btf: version %u isn't known", version);
	if (header < HEADER_SIZE || header > t->size ||
	    !base_in_range(offset, t->types_size, t->size - header) ||
	    !base_in_range(t->strings, t->strings_size, t->size - header) ||
	    t->strings_size == 0)
		return err_set(err, ERR_CORRUPT, "btf: sections reach out of the data");
	if (t->strings < offset + t->types_size && offset < t->strings + t->strings_size)
		return err_set(err, ERR_CORRUPT, "btf: sections overlap");
	t->types = header + offset;
	t->strings += header;
	if (t->types % 4 || t->bytes[t->strings] != 0 ||
	    t->bytes[t->strings + t->strings_size - 1] != 0)
		return err_set(err, ERR_CORRUPT, "btf: malformed string section");
	return ERR_OK;
}

/* Find where each type starts; checks kinds and that each ends within the section. */
static enum err index_types(struct btf_build *b, struct base_alloc *alloc, struct err_ctx *err)
{
	struct base_cursor all = base_cursor_over(b->t.bytes, b->t.size);
	struct base_cursor c = base_cursor_slice(&all, b->t.types, b->t.types_size);
	size_t room = b->t.types_size / TYPE_SIZE + 1;
	uint32_t *shrunk;

	if (room > BTF_TYPES_MAX)
		room = BTF_TYPES_MAX;
	b->offsets = base_alloc_resize(alloc, NULL, room, sizeof(*b->offsets));
	if (!b->offsets)
		return err_set(err, ERR_NOMEM, "no memory for the guest's types");
	b->offsets[0] = 0;
	while (base_cursor_left(&c)) {
		uint32_t id = b->t.type_count + 1, at = (uint32_t)c.pos;
		struct type type;

		if (id >= room)
			return err_set(err, ERR_LIMIT, "btf: more than %zu types", room);
		if (!read_type(&c, &type)) {
			if (!base_cursor_ok(&c))
				return err_set(err, ERR_CORRUPT, "btf: type %u is cut off", id);
			return err_set(err, ERR_UNSUPPORTED,
				       "btf: type %u is of a kind not known here (%u)", id,
				       (unsigned int)type.kind);
		}
		b->offsets[id] = at;
		b->t.type_count = id;
	}
	shrunk = base_alloc_resize(alloc, b->offsets, b->t.type_count + 1, sizeof(*b->offsets));
	if (shrunk)
		b->offsets = shrunk;
	b->t.offsets = b->offsets;
	return ERR_OK;
}

/* Are a type's own numbers and all its references in range? Counts what will have a name. */
static bool check_type(struct btf_build *b, const struct type *type)
{
	const uint32_t types = b->t.type_count, strings = b->t.strings_size;
	struct base_cursor c = type->more;
	bool named = type->name < strings && *get_string(&b->t, type->name);

	if (type->name >= strings)
		return false;
	switch (type->kind) {
	case KIND_INT: {
		uint32_t data = base_cursor_u32(&c);
		uint32_t bits = data & 0xff, offset = data >> 16 & 0xff;

		if (type->size == 0 || type->size > 16 || bits + offset > type->size * 8)
			return false;
		b->t.name_count += named;
		return true;
	}
	case KIND_FLOAT:
		return type->size > 0 && type->size <= 16;
	case KIND_ARRAY: {
		uint32_t element = base_cursor_u32(&c), index = base_cursor_u32(&c);

		return element <= types && index <= types;
	}
	case KIND_STRUCT:
	case KIND_UNION:
		if (type->size > RECORD_SIZE_MAX)
			return false;
		for (uint32_t i = 0; i < type->vlen; i++) {
			struct member m = read_member(&c);
			uint64_t bits = type->flag ? m.offset & BIT_OFFSET_MASK : m.offset;

			if (m.name >= strings || m.type == 0 || m.type > types ||
			    bits > (uint64_t)type->size * 8)
				return false;
		}
		b->t.name_count += named;
		return true;
	case KIND_ENUM:
	case KIND_ENUM64:
		if (type->size == 0 || type->size > 8 || (type->size & (type->size - 1)))
			return false;
		for (uint32_t i = 0; i < type->vlen; i++) {
			if (base_cursor_u32(&c) >= strings)
				return false;
			base_cursor_skip(&c, type->kind == KIND_ENUM ? 4 : 8);
		}
		b->t.name_count += named + type->vlen;
		b->t.signs |= type->flag || type->kind == KIND_ENUM64;
		return true;
	case KIND_FUNC_PROTO:
		if (type->size > types)
			return false;
		for (uint32_t i = 0; i < type->vlen; i++) {
			uint32_t name = base_cursor_u32(&c);

			if (name >= strings || base_cursor_u32(&c) > types)
				return false;
		}
		return true;
	case KIND_DATASEC:
		for (uint32_t i = 0; i < type->vlen; i++) {
			if (base_cursor_u32(&c) > types)
				return false;
			base_cursor_skip(&c, 8);
		}
		return true;
	case KIND_FWD:
		return true;
	case KIND_TYPEDEF:
		b->t.name_count += named;
		return type->size <= types;
	default:
		return type->size <= types;
	}
}

/* A type whose by-value parts are being gone through. */
struct frame {
	uint32_t id;
	uint32_t item;	 /* parts seen */
	uint32_t deepest;
	struct type type;
};

/* The next part of a frame's type, or 0 when there are no more (void has no parts either). */
static uint32_t next_part(struct frame *f)
{
	if (is_record(f->type.kind)) {
		if (f->item++ == f->type.vlen)
			return 0;
		return read_member(&f->type.more).type;
	}
	if (f->item++)
		return 0;
	if (f->type.kind == KIND_ARRAY)
		return base_cursor_u32(&f->type.more);
	return is_alias(f->type.kind) ? f->type.size : 0;
}

/* Most types have none: they needn't be gone through. */
static bool has_parts(enum kind kind)
{
	return is_record(kind) || kind == KIND_ARRAY || is_alias(kind);
}

/*
 * No type may hold itself by value, nor be nested deeper than BTF_DEPTH_MAX; each is gone through
 * once. In depths[]: 0 not seen, ON_STACK in work, else the depth + 1.
 */
static enum err check_nesting(const struct btf *t, struct base_alloc *alloc, struct err_ctx *err)
{
	enum {
		ON_STACK = 0xff,
	};
	struct frame stack[BTF_DEPTH_MAX];
	uint8_t *depths = base_alloc_zeroed(alloc, (size_t)t->type_count + 1, 1);
	uint32_t bad = 0;

	if (!depths)
		return err_set(err, ERR_NOMEM, "no memory for the guest's types");
	for (uint32_t id = 1; id <= t->type_count && !bad; id++) {
		size_t level = 0;

		if (depths[id] || !has_parts(kind_of(t, id)))
			continue;
		stack[0] = (struct frame){.id = id};
		if (!get_type(t, id, &stack[0].type))
			bad = id;
		depths[id] = ON_STACK;
		while (!bad) {
			struct frame *f = &stack[level];
			uint32_t part = next_part(f);

			if (part == 0) {
				if (f->deepest >= BTF_DEPTH_MAX) {
					bad = f->id;
					break;
				}
				depths[f->id] = (uint8_t)(f->deepest + 1);
				if (level == 0)
					break;
				level--;
				if (stack[level].deepest < stack[level + 1].deepest + 1)
					stack[level].deepest = stack[level + 1].deepest + 1;
			} else if (depths[part] == ON_STACK) {
				bad = part;
			} else if (depths[part]) {
				if (f->deepest < depths[part])
					f->deepest = depths[part];
			} else if (!has_parts(kind_of(t, part))) {
				depths[part] = 1;
				if (f->deepest < 1)
					f->deepest = 1;
			} else if (++level == BTF_DEPTH_MAX) {
				bad = part;
			} else {
				stack[level] = (struct frame){.id = part};
				if (!get_type(t, part, &stack[level].type))
					bad = part;
				depths[part] = ON_STACK;
			}
		}
	}
	base_free(alloc, depths);
	if (bad)
		return err_set(err, ERR_CORRUPT, "btf: type %u contains itself or nests too deep",
			       bad);
	return ERR_OK;
}

static uint32_t hash_name(const char *name, size_t size, uint32_t mask)
{
	return (uint32_t)XXH3_64bits(name, size) & mask;
}

/* Enter a name; `next` holds its bucket until link_names(). */
static void add_name(struct btf_build *b, uint32_t name, uint32_t type, uint32_t item)
{
	const char *s = get_string(&b->t, name);

	b->names[b->t.name_count++] = (struct btf_name){
		.type = type, .item = item, .next = hash_name(s, strlen(s), b->t.head_mask)};
}

static enum err link_names(struct btf_build *b, struct err_ctx *err)
{
	uint32_t count = b->t.name_count;

	for (uint32_t i = 0; i <= b->t.head_mask; i++)
		b->heads[i] = count;
	/* From the last to the first, so that the first of equal names is found. */
	for (uint32_t i = count; i-- > 0;) {
		uint32_t bucket = b->names[i].next;

		b->names[i].next = b->heads[bucket];
		b->heads[bucket] = i;
	}
	for (uint32_t i = 0; i <= b->t.head_mask; i++) {
		uint32_t steps = 0;

		for (uint32_t n = b->heads[i]; n != count; n = b->names[n].next)
			if (++steps > BTF_CHAIN_MAX)
				return err_set(err, ERR_CORRUPT,
					       "btf: too many names with one hash");
	}
	return ERR_OK;
}

static enum err index_names(struct btf_build *b, struct base_alloc *alloc, struct err_ctx *err)
{
	uint32_t heads = 64, count = b->t.name_count;

	while (heads < count / 2)
		heads *= 2;
	b->t.head_mask = heads - 1;
	b->names = base_alloc_resize(alloc, NULL, (size_t)count + 1, sizeof(*b->names));
	b->heads = base_alloc_resize(alloc, NULL, heads, sizeof(*b->heads));
	if (!b->names || !b->heads)
		return err_set(err, ERR_NOMEM, "no memory for the guest's type names");
	b->t.name_count = 0;
	for (uint32_t id = 1; id <= b->t.type_count; id++) {
		enum kind kind = kind_of(&b->t, id);
		struct type type;

		if (!is_record(kind) && !is_enum(kind) && kind != KIND_TYPEDEF && kind != KIND_INT)
			continue;
		if (!get_type(&b->t, id, &type))
			return err_set(err, ERR_CORRUPT, "btf: type %u is malformed", id);
		if (*get_string(&b->t, type.name))
			add_name(b, type.name, id, 0);
		if (!is_enum(type.kind))
			continue;
		for (uint32_t i = 0; i < type.vlen; i++) {
			add_name(b, base_cursor_u32(&type.more), id, i + 1);
			base_cursor_skip(&type.more, type.kind == KIND_ENUM ? 4 : 8);
		}
	}
	b->t.names = b->names;
	b->t.heads = b->heads;
	return link_names(b, err);
}

enum err btf_build(struct base_alloc *alloc, const void *bytes, size_t size, struct btf_build *ret,
		   struct err_ctx *err)
{
	struct btf_build b = {.t = {.bytes = bytes, .size = (uint32_t)size}};
	enum err e;

	if (size > BTF_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "btf: %zu bytes are too many", size);
	e = btf_read_header(&b.t, err);
	if (e == ERR_OK)
		e = index_types(&b, alloc, err);
	for (uint32_t id = 1; e == ERR_OK && id <= b.t.type_count; id++) {
		struct type type;

		if (!get_type(&b.t, id, &type) || !check_type(&b, &type))
			e = err_set(err, ERR_CORRUPT, "btf: type %u is malformed", id);
	}
	if (e == ERR_OK)
		e = check_nesting(&b.t, alloc, err);
	if (e == ERR_OK)
		e = index_names(&b, alloc, err);
	if (e != ERR_OK) {
		btf_build_deinit(&b, alloc);
		return e;
	}
	*ret = b;
	return ERR_OK;
}

void btf_build_deinit(struct btf_build *b, struct base_alloc *alloc)
{
	base_free(alloc, b->offsets);
	base_free(alloc, b->names);
	base_free(alloc, b->heads);
	*b = (struct btf_build){0};
}

/* Section headers of an ELF64 file (System V ABI, "Sections"). */
enum err btf_locate(const void *bytes, size_t size, size_t *offset_ret, size_t *size_ret,
		    struct err_ctx *err)
{
	enum {
		SECTIONS_AT = 40,
		SECTION_SIZE_AT = 58,
		SECTION_OFFSET_AT = 24,
		SECTION_SIZE = 64,
	};
	static const unsigned char elf64[] = {0x7f, 'E', 'L', 'F', 2, 1};
	struct base_cursor all = base_cursor_over(bytes, size), c = all, names;
	uint64_t at, names_at, names_size;
	uint16_t each, count, names_index;

	if (size < sizeof(elf64) || memcmp(bytes, elf64, sizeof(elf64))) {
		*offset_ret = 0;
		*size_ret = size;
		return ERR_OK;
	}
	base_cursor_seek(&c, SECTIONS_AT);
	at = base_cursor_u64(&c);
	base_cursor_seek(&c, SECTION_SIZE_AT);
	each = base_cursor_u16(&c);
	count = base_cursor_u16(&c);
	names_index = base_cursor_u16(&c);
	if (!base_cursor_ok(&c) || each != SECTION_SIZE || names_index >= count ||
	    !base_in_range(at, (uint64_t)each * count, size))
		return err_set(err, ERR_CORRUPT, "btf: malformed ELF file");
	base_cursor_seek(&c, at + (uint64_t)names_index * SECTION_SIZE + SECTION_OFFSET_AT);
	names_at = base_cursor_u64(&c);
	names_size = base_cursor_u64(&c);
	names = base_cursor_slice(&all, names_at, names_size);
	for (uint16_t i = 0; i < count; i++) {
		struct base_cursor name = names;
		const char *s;
		uint64_t offset, length;

		base_cursor_seek(&c, at + (uint64_t)i * SECTION_SIZE);
		base_cursor_seek(&name, base_cursor_u32(&c));
		s = base_cursor_cstring(&name);
		if (!s || strcmp(s, ".BTF"))
			continue;
		base_cursor_seek(&c, at + (uint64_t)i * SECTION_SIZE + SECTION_OFFSET_AT);
		offset = base_cursor_u64(&c);
		length = base_cursor_u64(&c);
		if (!base_cursor_ok(&c) || !base_in_range(offset, length, size))
			return err_set(err, ERR_CORRUPT, "btf: .BTF reaches out of the ELF file");
		*offset_ret = offset;
		*size_ret = length;
		return ERR_OK;
	}
	return err_set(err, ERR_ABSENT, "btf: this ELF file has no .BTF section");
}

/* Follow typedefs and qualifiers. ERR_ABSENT at void, ERR_CORRUPT when they don't end. */
static enum err resolve(const struct btf *t, uint32_t id, struct type *ret, uint32_t *id_ret)
{
	for (int depth = 0; depth <= BTF_DEPTH_MAX; depth++) {
		struct type type;

		if (id == 0)
			return ERR_ABSENT;
		if (!get_type(t, id, &type))
			return ERR_CORRUPT;
		if (!is_alias(type.kind)) {
			*ret = type;
			*id_ret = id;
			return ERR_OK;
		}
		id = type.size;
	}
	return ERR_CORRUPT;
}

/* Size in bytes of type `id`; what has none (void, functions, declared only) counts as 0. */
static enum err size_of(const struct btf *t, uint32_t id, uint64_t *ret)
{
	uint64_t factor = 1;

	for (int depth = 0; depth <= BTF_DEPTH_MAX; depth++) {
		struct type type;
		enum err e = resolve(t, id, &type, &id);

		if (e == ERR_ABSENT) {
			*ret = 0;
			return ERR_OK;
		}
		if (e != ERR_OK)
			return e;
		switch (type.kind) {
		case KIND_INT:
		case KIND_ENUM:
		case KIND_ENUM64:
		case KIND_FLOAT:
		case KIND_STRUCT:
		case KIND_UNION:
			return base_mul64(factor, type.size, ret) ? ERR_OK : ERR_CORRUPT;
		case KIND_PTR:
			return base_mul64(factor, sizeof(uint64_t), ret) ? ERR_OK : ERR_CORRUPT;
		case KIND_ARRAY:
			id = base_cursor_u32(&type.more);
			base_cursor_skip(&type.more, 4);
			if (!base_mul64(factor, base_cursor_u32(&type.more), &factor))
				return ERR_CORRUPT;
			break;
		default:
			*ret = 0;
			return ERR_OK;
		}
	}
	return ERR_CORRUPT;
}

/* Which kinds the first word of a type's name asks for, and the name after it. */
static const char *split_name(const char *type, bool wanted[KINDS])
{
	static const struct {
		const char *prefix;
		enum kind kinds[2];
	} words[] = {
		{"struct ", {KIND_STRUCT, KIND_STRUCT}},
		{"union ", {KIND_UNION, KIND_UNION}},
		{"enum ", {KIND_ENUM, KIND_ENUM64}},
		{"", {KIND_TYPEDEF, KIND_INT}},
	};

	memset(wanted, 0, KINDS * sizeof(*wanted));
	for (size_t i = 0;; i++) {
		size_t size = strlen(words[i].prefix);

		if (strncmp(type, words[i].prefix, size))
			continue;
		wanted[words[i].kinds[0]] = wanted[words[i].kinds[1]] = true;
		return type + size;
	}
}

/*
 * The next entry of the index after *at that is called `name`; starts with *at = name_count.
 * False when there are no more.
 */
static bool next_name(const struct btf *t, const char *name, uint32_t *at, struct type *ret)
{
	uint32_t i;

	if (*at == t->name_count)
		i = t->heads[hash_name(name, strlen(name), t->head_mask)];
	else if (t->names[*at].next > *at)
		i = t->names[*at].next;
	else
		return false;
	for (uint32_t steps = 0; i < t->name_count && steps <= BTF_CHAIN_MAX; steps++) {
		const struct btf_name *n = &t->names[i];
		uint32_t offset;

		if (get_type(t, n->type, ret)) {
			offset = ret->name;
			if (n->item) {
				struct base_cursor c = ret->more;

				base_cursor_skip(&c, (size_t)shapes[ret->kind].each *
							     (n->item - 1));
				offset = base_cursor_u32(&c);
			}
			if (!strcmp(get_string(t, offset), name)) {
				*at = i;
				return true;
			}
		}
		if (n->next <= i)
			break;
		i = n->next;
	}
	return false;
}

static enum err find_type(const struct btf *t, const char *name, uint32_t *ret)
{
	bool wanted[KINDS];
	const char *plain = split_name(name, wanted);
	uint32_t at = t->name_count;
	struct type type;

	while (next_name(t, plain, &at, &type))
		if (t->names[at].item == 0 && wanted[type.kind]) {
			*ret = t->names[at].type;
			return ERR_OK;
		}
	return ERR_ABSENT;
}

enum err btf_sizeof(const struct btf *t, const char *type, uint64_t *ret)
{
	uint32_t id;
	enum err e = find_type(t, type, &id);

	return e == ERR_OK ? size_of(t, id, ret) : e;
}

/* A member found within a record. */
struct found {
	uint64_t bit_offset;
	uint32_t bit_size, type;
};

/* One record on the way down through anonymous members. */
struct step {
	struct type type;
	uint64_t bit_offset;
	uint32_t item;
};

/*
 * The member whose name is the `size` bytes at `name`, in the record `type` or in one that it holds
 * without a name.
 */
static enum err find_member(const struct btf *t, const struct type *type, const char *name,
			    size_t size, struct found *ret)
{
	struct step stack[BTF_DEPTH_MAX];
	size_t level = 0;

	stack[0] = (struct step){.type = *type};
	for (uint32_t visits = 0; visits < BTF_VISIT_MAX; visits++) {
		struct step *s = &stack[level];
		struct member m;
		struct type inner;
		const char *string;
		uint32_t id;
		uint64_t bits;

		if (s->item == s->type.vlen) {
			if (level-- == 0)
				return ERR_ABSENT;
			continue;
		}
		s->item++;
		m = read_member(&s->type.more);
		bits = s->bit_offset + (s->type.flag ? m.offset & BIT_OFFSET_MASK : m.offset);
		string = get_string(t, m.name);
		if (*string) {
			if (strncmp(string, name, size) || string[size])
				continue;
			ret->bit_offset = bits;
			ret->bit_size = s->type.flag ? m.offset >> 24 : 0;
			ret->type = m.type;
			return ERR_OK;
		}
		if (resolve(t, m.type, &inner, &id) == ERR_OK && is_record(inner.kind)) {
			if (++level == BTF_DEPTH_MAX)
				return ERR_LIMIT;
			stack[level] = (struct step){.type = inner, .bit_offset = bits};
		}
	}
	return ERR_LIMIT;
}

/* What a found member is: its size, and for numbers their sign and old-style bit-field width. */
static enum err describe_member(const struct btf *t, const struct found *f,
				struct ktype_member *ret)
{
	struct ktype_member m = {.bit_offset = f->bit_offset, .bit_size = f->bit_size};
	struct type type;
	uint32_t id;
	enum err e = size_of(t, f->type, &m.size);

	if (e != ERR_OK)
		return e;
	e = resolve(t, f->type, &type, &id);
	if (e == ERR_OK && type.kind == KIND_INT) {
		uint32_t data = base_cursor_u32(&type.more);
		uint32_t bits = data & 0xff, offset = data >> 16 & 0xff;

		m.is_scalar = true;
		m.is_signed = data >> 24 & INT_SIGNED;
		/* Without the record's flag, an int narrower than its bytes makes a bit-field. */
		if (!m.bit_size && (offset || bits != type.size * 8)) {
			m.bit_offset += offset;
			m.bit_size = bits;
		}
	} else if (e == ERR_OK && is_enum(type.kind)) {
		m.is_scalar = true;
		m.is_signed = type.flag;
	} else if (e == ERR_OK && type.kind == KIND_PTR) {
		m.is_scalar = true;
	}
	*ret = m;
	return ERR_OK;
}

enum err btf_member(const struct btf *t, const char *type, const char *path,
		    struct ktype_member *ret)
{
	struct found found = {0};
	uint64_t bits = 0;
	struct type record;
	uint32_t id;
	enum err e = find_type(t, type, &id);

	if (e != ERR_OK)
		return e;
	for (;;) {
		size_t size = strcspn(path, ".");

		e = resolve(t, id, &record, &id);
		if (e != ERR_OK)
			return e;
		if (!is_record(record.kind) || size == 0)
			return ERR_ABSENT;
		e = find_member(t, &record, path, size, &found);
		if (e != ERR_OK)
			return e;
		bits += found.bit_offset;
		if (path[size] == '\0')
			break;
		if (found.bit_size)
			return ERR_ABSENT;
		path += size + 1;
		id = found.type;
	}
	found.bit_offset = bits;
	return describe_member(t, &found, ret);
}

static int64_t enumerator_value(const struct btf *t, const struct type *type, uint32_t item)
{
	struct base_cursor c = type->more;
	uint32_t low;

	base_cursor_skip(&c, (size_t)shapes[type->kind].each * (item - 1) + 4);
	low = base_cursor_u32(&c);
	if (type->kind == KIND_ENUM64)
		return (int64_t)(low | (uint64_t)base_cursor_u32(&c) << 32);
	return type->flag || !t->signs ? (int64_t)(int32_t)low : (int64_t)low;
}

enum err btf_enum(const struct btf *t, const char *type, const char *name, int64_t *ret)
{
	uint32_t at = t->name_count, id = 0;
	struct type found;

	if (type) {
		enum err e = find_type(t, type, &id);

		if (e == ERR_OK)
			e = resolve(t, id, &found, &id);
		if (e != ERR_OK)
			return e;
	}
	while (next_name(t, name, &at, &found)) {
		const struct btf_name *n = &t->names[at];

		if (n->item == 0 || n->item > found.vlen || !is_enum(found.kind))
			continue;
		if (!type || n->type == id) {
			*ret = enumerator_value(t, &found, n->item);
			return ERR_OK;
		}
	}
	return ERR_ABSENT;
}

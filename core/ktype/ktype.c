// SPDX-License-Identifier: MIT
/* What one guest kernel knows of itself, put together from its parts: see ktype/ktype.h. */
#include <stdio.h>
#include <string.h>

#include "internal.h"
#include "kallsyms.h"

/*
 * Damaged tables of the guest's own (not of a file that we were given) are the guest's affair: say
 * what a file can do about it.
 */
static enum err own_tables(struct err_ctx *err, enum err e, const struct err_ctx *why,
			   const char *what)
{
	if (!err || (e != ERR_CORRUPT && e != ERR_UNSUPPORTED)) {
		if (err)
			*err = *why;
		return e;
	}
	return err_set(err, e, "%.140s; give the guest's %s in a file", why->text, what);
}

/* What somebody gave can't be used: which file it was. */
static enum err of_file(struct err_ctx *err, enum err e, const struct err_ctx *why, const char *name)
{
	if (!e || !err)
		return e;
	*err = *why;
	if (name)
		snprintf(err->text, sizeof(err->text), "%.90s: %.138s", name, why->text);
	return e;
}

static enum err create_symbols(struct ktype *k, struct guest_pages *pages,
			       const struct ktype_external *external, struct err_ctx *err)
{
	struct ktype_addresses at = k->boot.at;
	struct err_ctx own = {0};
	enum err e = ERR_OK;

	if (external && external->symbols) {
		e = kallsyms_parse_text(k->alloc, &k->boot, external->symbols,
					external->symbols_size, &k->symbols_build, &own);
		e = of_file(err, e, &own, external->symbols_name);
		k->is_external = true;
	} else {
		if (!at.kallsyms_names || !at.kallsyms_token_table || !at.kallsyms_token_index ||
		    !at.kallsyms_num_syms || (!at.kallsyms_offsets && !at.kallsyms_addresses))
			e = kallsyms_find(k->alloc, pages, &k->boot, &at, &own);
		if (e == ERR_OK)
			e = kallsyms_read(k->alloc, pages, &k->boot, &at, &k->symbols_build, &own);
		if (e)
			e = own_tables(err, e, &own, "System.map");
	}
	if (e == ERR_OK)
		k->symbols = k->symbols_build.t;
	return e;
}

/* The guest's own BTF, which the linker put between these two symbols. */
static enum err copy_guest_btf(struct ktype *k, struct guest_pages *pages, size_t *size_ret,
			       struct err_ctx *err)
{
	struct gva start, stop;
	enum err e;

	if (ktype_symbol(k, "__start_BTF", &start) != ERR_OK ||
	    ktype_symbol(k, "__stop_BTF", &stop) != ERR_OK || start.v == stop.v)
		return err_set(err, ERR_ABSENT,
			       "guest's kernel (Linux %s) carries no BTF (CONFIG_DEBUG_INFO_BTF): "
			       "give its BTF in a file",
			       k->boot.osrelease);
	if (stop.v < start.v || stop.v - start.v > BTF_SIZE_MAX)
		return err_set_addr(err, ERR_CORRUPT, start.v, "btf: can't be %lld bytes",
				    (long long)(stop.v - start.v));
	*size_ret = stop.v - start.v;
	k->btf_bytes = base_alloc_resize(k->alloc, NULL, *size_ret, 1);
	if (!k->btf_bytes)
		return err_set(err, ERR_NOMEM, "no memory for the guest's types");
	e = guest_pages_read(pages, GUEST_SPACE_KERNEL, start, k->btf_bytes, *size_ret);
	if (e != ERR_OK)
		return err_set_addr(err, e, start.v, "can't read the guest's BTF");
	return ERR_OK;
}

static enum err create_types(struct ktype *k, struct guest_pages *pages,
			     const struct ktype_external *external, struct err_ctx *err)
{
	bool is_own = !external || !external->btf;
	size_t offset = 0, size = 0;
	struct err_ctx own = {0};
	enum err e;

	if (!is_own) {
		e = btf_locate(external->btf, external->btf_size, &offset, &size, &own);
		if (e != ERR_OK)
			return of_file(err, e, &own, external->btf_name);
		k->btf_bytes = base_alloc_resize(k->alloc, NULL, size, 1);
		if (!k->btf_bytes)
			return err_set(err, ERR_NOMEM, "no memory for the BTF file");
		memcpy(k->btf_bytes, (const unsigned char *)external->btf + offset, size);
	} else {
		e = copy_guest_btf(k, pages, &size, err);
		if (e != ERR_OK)
			return e;
	}
	e = btf_build(k->alloc, k->btf_bytes, size, &k->types_build, &own);
	if (e)
		e = is_own ? own_tables(err, e, &own, "BTF")
			   : of_file(err, e, &own, external->btf_name);
	if (e == ERR_OK)
		k->types = k->types_build.t;
	return e;
}

enum err ktype_create(struct base_alloc *alloc, struct guest_pages *pages,
		      const struct ktype_boot *boot, const struct ktype_external *external,
		      struct ktype **ret, struct err_ctx *err)
{
	struct ktype *k = base_alloc_zeroed(alloc, 1, sizeof(*k));
	enum err e;

	if (!k)
		return err_set(err, ERR_NOMEM, "no memory for the guest's kernel");
	k->alloc = alloc;
	k->boot = *boot;
	e = create_symbols(k, pages, external, err);
	if (e == ERR_OK)
		e = create_types(k, pages, external, err);
	if (e != ERR_OK) {
		ktype_destroy(k);
		return e;
	}
	*ret = k;
	return ERR_OK;
}

void ktype_destroy(struct ktype *k)
{
	if (!k)
		return;
	symtab_build_deinit(&k->symbols_build, k->alloc);
	btf_build_deinit(&k->types_build, k->alloc);
	base_free(k->alloc, k->btf_bytes);
	base_free(k->alloc, k);
}

const struct ktype_boot *ktype_boot(const struct ktype *k)
{
	return &k->boot;
}

enum err ktype_symbol(const struct ktype *k, const char *name, struct gva *ret)
{
	uint32_t i;
	enum err e = symtab_find(&k->symbols, name, &i);

	if (e != ERR_OK)
		return e;
	ret->v = symtab_value(&k->symbols, i);
	if (i >= k->symbols.absolute_count)
		ret->v += k->boot.kaslr;
	return ERR_OK;
}

enum err ktype_symbol_at(const struct ktype *k, struct gva at, char name[KTYPE_NAME_SIZE],
			 uint64_t *offset_ret)
{
	_Static_assert((int)KTYPE_NAME_SIZE == (int)SYM_NAME_MAX, "one bound for names");
	uint64_t unslid = at.v - k->boot.kaslr;
	char found[KTYPE_NAME_SIZE];
	uint32_t i, end;
	enum err e;

	if (symtab_find(&k->symbols, "_end", &end) == ERR_OK &&
	    unslid >= symtab_value(&k->symbols, end))
		return ERR_ABSENT;
	e = symtab_at(&k->symbols, unslid, &i);
	if (e != ERR_OK)
		return e;
	if (!symtab_name(&k->symbols, i, found))
		return ERR_CORRUPT;
	memcpy(name, found, strlen(found) + 1);
	*offset_ret = unslid - symtab_value(&k->symbols, i);
	return ERR_OK;
}

enum err ktype_symbol_nth(const struct ktype *k, uint32_t i, struct ktype_nth *ret)
{
	if (k->is_external)
		return ERR_UNSUPPORTED;
	if (i >= k->symbols.count)
		return ERR_ABSENT;
	if (!symtab_name(&k->symbols, i, ret->name))
		return ERR_CORRUPT;
	ret->type = symtab_type(&k->symbols, i);
	ret->value = symtab_value(&k->symbols, i);
	if (i >= k->symbols.absolute_count)
		ret->value += k->boot.kaslr;
	return ERR_OK;
}

enum err ktype_symbol_end(const struct ktype *k, struct gva at, struct gva *ret)
{
	uint64_t unslid = at.v - k->boot.kaslr;
	uint32_t i;
	enum err e = symtab_at(&k->symbols, unslid, &i);

	if (e != ERR_OK)
		return e;
	for (; i < k->symbols.count; i++) {
		if (symtab_value(&k->symbols, i) > unslid) {
			ret->v = symtab_value(&k->symbols, i) + k->boot.kaslr;
			return ERR_OK;
		}
	}
	return ERR_ABSENT;
}

enum err ktype_sizeof(const struct ktype *k, const char *type, uint64_t *ret)
{
	return btf_sizeof(&k->types, type, ret);
}

enum err ktype_member(const struct ktype *k, const char *type, const char *path,
		      struct ktype_member *ret)
{
	return btf_member(&k->types, type, path, ret);
}

enum err ktype_enum(const struct ktype *k, const char *type, const char *name, int64_t *ret)
{
	return btf_enum(&k->types, type, name, ret);
}

// SPDX-License-Identifier: MIT
/* Symbols of loaded modules. */
#include "klib/modsym.h"

#include <string.h>

#include "klib/list.h"

enum {
	SYMBOLS_MAX = 1 << 17, /* of one module */
};

GUEST_TYPES_BEGIN
/* include/uapi/linux/elf.h */
struct elf64_sym {
	uint32_t st_name;
	uint64_t st_value;
};
/* include/linux/module.h */
struct mod_kallsyms {
	struct elf64_sym __guest *symtab;
	unsigned int num_symtab;
	char __guest *strtab;
};
struct module_layout { /* up to 6.3 */
	void __guest *base;
	unsigned int size;
};
struct module_memory { /* the first of mem[] is the text */
	void __guest *base;
	unsigned int size;
};
struct module {
	unsigned int state;
	struct list_head list;
	char name[56];
	struct module_layout core_layout;
	struct module_memory mem[1];
	struct mod_kallsyms __guest *kallsyms;
};
GUEST_TYPES_END

extern struct list_head __guest modules;

static bool module_holds(struct module __guest *mod, uint64_t at)
{
	uint64_t base, size;

	if (guest_has(struct module, core_layout.base)) {
		base = guest_addr(mod->core_layout.base);
		size = mod->core_layout.size;
	} else {
		base = guest_addr(mod->mem[0].base);
		size = mod->mem[0].size;
	}
	return at - base < size;
}

static bool symbol_name(struct mod_kallsyms __guest *k, uint64_t at, char name[KSYM_SIZE])
{
	struct guest_bound b = GUEST_BOUND(SYMBOLS_MAX);
	struct elf64_sym __guest *syms = k->symtab;
	unsigned int count = k->num_symtab;

	for (unsigned int i = 1; i < count && guest_more(&b); i++) {
		if (!(i % 64) && guest_faulted())
			return false;
		if (syms[i].st_value != at)
			continue;
		if (guest_strncpy(name, k->strtab + syms[i].st_name, KSYM_SIZE))
			return true;
	}
	return false;
}

bool modsym_name(uint64_t at, char name[KSYM_SIZE], char module[MODULE_NAME_SIZE])
{
	struct module __guest *mod;

	if (!guest_has_symbol(modules))
		return false;
	list_for_each_entry(mod, &modules, list) {
		if (!module_holds(mod, at))
			continue;

		struct mod_kallsyms __guest *k = mod->kallsyms;

		if (module)
			guest_strncpy(module, &mod->name[0], MODULE_NAME_SIZE);
		return k && symbol_name(k, at, name);
	}
	return false;
}

static struct module __guest *module_named(const char *name)
{
	struct module __guest *mod;
	char text[MODULE_NAME_SIZE];

	if (!guest_has_symbol(modules))
		return NULL;
	list_for_each_entry(mod, &modules, list) {
		guest_strncpy(text, &mod->name[0], sizeof(text));
		if (!strcmp(text, name))
			return mod->state == guest_enum(enum module_state, MODULE_STATE_LIVE) ? mod : NULL;
	}
	return NULL;
}

bool modsym_loaded(const char *module)
{
	return module_named(module);
}

uint64_t modsym_address(const char *module, const char *name)
{
	struct module __guest *mod = module_named(module);
	struct mod_kallsyms __guest *k = mod ? mod->kallsyms : NULL;
	struct guest_bound b = GUEST_BOUND(SYMBOLS_MAX);
	unsigned int count = k ? k->num_symtab : 0;
	char text[KSYM_SIZE];

	for (unsigned int i = 1; i < count && !guest_faulted() && guest_more(&b); i++) {
		struct elf64_sym __guest *s = k->symtab + i;

		guest_strncpy(text, k->strtab + s->st_name, sizeof(text));
		if (!strcmp(text, name))
			return s->st_value;
	}
	return 0;
}

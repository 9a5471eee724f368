// SPDX-License-Identifier: MIT
/* Symbols of loaded modules. */
#include "klib/modsym.h"

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

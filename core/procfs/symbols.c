// SPDX-License-Identifier: MIT
/*
 * /proc/kallsyms: kernel/kallsyms.c. First the image's symbols, which were read when the kernel was found; then what
 * the guest holds now: those of modules (kernel/module/kallsyms.c), of what ftrace made (kernel/trace/ftrace.c), of BPF
 * programs (kernel/bpf/core.c) and of kprobes' instructions (kernel/kprobes.c).
 */
#include "global.h"

#include "ktype/ktype.h"

enum {
	NAME_SIZE = KTYPE_NAME_SIZE,
	MODULE_SIZE = 57,
	MODULE_SYMBOLS_MAX = 1 << 17,
	EXPORTS_MAX = 1 << 16,
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
	char __guest *typetab;
};
/* include/linux/export.h: distances from each member to what it names */
struct kernel_symbol {
	int value_offset;
	int name_offset;
};
/* kernel/trace/ftrace.c: functions of modules that were freed after loading */
struct ftrace_mod_func {
	struct list_head list;
	char __guest *name;
	unsigned long ip;
};
struct ftrace_mod_map {
	struct list_head list;
	struct module __guest *mod;
	struct list_head funcs;
	unsigned int num_funcs;
};
struct ftrace_ops {
	struct list_head list;
	unsigned long trampoline;
};
/* include/linux/bpf.h */
struct bpf_ksym {
	unsigned long start;
	char name[128];
	struct list_head lnode;
};
/* include/linux/kprobes.h, kernel/kprobes.c */
struct kprobe_insn_cache {
	const char __guest *sym;
	struct list_head pages;
};
struct kprobe_insn_page {
	struct list_head list;
	unsigned char __guest *insns;
};
GUEST_TYPES_END

extern int __guest kptr_restrict, bpf_jit_harden, bpf_jit_kallsyms;
extern struct list_head __guest modules, ftrace_mod_maps, ftrace_ops_trampoline_list, bpf_kallsyms;
extern struct kprobe_insn_cache __guest kprobe_insn_slots, kprobe_optinsn_slots;

bool proc_addresses_shown(void)
{
	return !guest_has_symbol(kptr_restrict) || (unsigned int)kptr_restrict <= 1;
}

static void put_symbol(struct seq_file *m, uint64_t value, char type, const char *name, const char *module)
{
	if (!*name)
		return;
	seq_put_hex_ll(m, "", proc_addresses_shown() ? value : 0, 16);
	seq_putc(m, ' ');
	seq_putc(m, type);
	seq_putc(m, ' ');
	seq_puts(m, name);
	if (module) {
		seq_puts(m, "\t[");
		seq_puts(m, module);
		seq_putc(m, ']');
	}
	seq_putc(m, '\n');
}

static char cased(char c, bool upper)
{
	char first = upper ? 'a' : 'A';

	return c >= first && c < first + 26 ? (char)(c ^ 0x20) : c;
}

/* As the kernel's bsearch() over the module's exports, which are sorted by name. */
static bool is_exported(struct module __guest *mod, const char *name, uint64_t value)
{
	const struct kernel_symbol __guest *syms = mod->syms;
	unsigned int low = 0, high = mod->num_syms;

	if (high > EXPORTS_MAX)
		high = EXPORTS_MAX;
	while (syms && low < high && !guest_faulted()) {
		unsigned int middle = low + (high - low) / 2;
		const struct kernel_symbol __guest *s = syms + middle;
		char text[NAME_SIZE];
		int order;

		guest_strncpy(text, guest_ptr(char, guest_addr(&s->name_offset) + (uint64_t)(int64_t)s->name_offset),
			      sizeof(text));
		order = strcmp(name, text);
		if (!order)
			return guest_addr(&s->value_offset) + (uint64_t)(int64_t)s->value_offset == value;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return false;
}

static void put_module(struct seq_file *m, struct module __guest *mod)
{
	struct mod_kallsyms __guest *k = mod->kallsyms;
	struct guest_bound b = GUEST_BOUND(MODULE_SYMBOLS_MAX);
	unsigned int count;
	char module[MODULE_SIZE], name[NAME_SIZE];

	if (mod->state == guest_enum(enum module_state, MODULE_STATE_UNFORMED) || !k)
		return;
	count = k->num_symtab;
	guest_strncpy(module, &mod->name[0], sizeof(module));
	for (unsigned int i = 0; i < count && !m->error && guest_more(&b); i++) {
		struct elf64_sym __guest *s = k->symtab + i;
		struct guest_record r = guest_record_begin();
		uint64_t value = s->st_value;
		char type = k->typetab[i];

		guest_strncpy(name, k->strtab + s->st_name, sizeof(name));
		type = cased(type, is_exported(mod, name, value));
		if (guest_record_end(&r))
			put_symbol(m, value, type, name, module);
	}
}

/*
 * The kernel counts to the wrong one here (ftrace_mod_get_kallsym()): the first function of a module comes twice, the
 * last not at all.
 */
static void put_freed_functions(struct seq_file *m, struct ftrace_mod_map __guest *map)
{
	struct guest_bound b = GUEST_BOUND(MODULE_SYMBOLS_MAX);
	unsigned int count = map->num_funcs, shown = 0;
	struct ftrace_mod_func __guest *f;
	char module[MODULE_SIZE], name[NAME_SIZE];

	guest_strncpy(module, &map->mod->name[0], sizeof(module));
	list_for_each_entry(f, &map->funcs, list) {
		guest_strncpy(name, f->name, sizeof(name));
		for (int twice = !shown; twice >= 0 && shown < count && guest_more(&b); twice--, shown++)
			put_symbol(m, f->ip, 'T', name, module);
		if (shown >= count)
			break;
	}
}

static void put_ftrace(struct seq_file *m)
{
	struct ftrace_mod_map __guest *map;
	struct ftrace_ops __guest *op;

	if (guest_has_symbol(ftrace_mod_maps) && guest_has_type(struct ftrace_mod_map)) {
		list_for_each_entry(map, &ftrace_mod_maps, list)
			put_freed_functions(m, map);
	}
	if (!guest_has_symbol(ftrace_ops_trampoline_list))
		return;
	list_for_each_entry(op, &ftrace_ops_trampoline_list, list) {
		uint64_t at = op->trampoline;

		if (at)
			put_symbol(m, at, 't', "ftrace_trampoline", "__builtin__ftrace");
	}
}

static void put_bpf(struct seq_file *m)
{
	struct bpf_ksym __guest *k;
	char name[NAME_SIZE];

	if (!guest_has_symbol(bpf_kallsyms) || !guest_has_type(struct bpf_ksym) || bpf_jit_harden ||
	    bpf_jit_kallsyms != 1)
		return;
	list_for_each_entry(k, &bpf_kallsyms, lnode) {
		struct guest_record r = guest_record_begin();
		uint64_t start = k->start;

		guest_strncpy(name, &k->name[0], sizeof(name));
		if (guest_record_end(&r))
			put_symbol(m, start, 't', name, "bpf");
	}
}

static void put_kprobes(struct seq_file *m, struct kprobe_insn_cache __guest *cache)
{
	struct kprobe_insn_page __guest *page;
	char name[NAME_SIZE];

	guest_strncpy(name, cache->sym, sizeof(name));
	list_for_each_entry(page, &cache->pages, list)
		put_symbol(m, guest_addr(page->insns), 't', name, "__builtin__kprobes");
}

/* In portions: there are more than 100,000 in the image. */
int proc_kallsyms_show(const struct proc_item *it, struct seq_file *m)
{
	struct module __guest *mod;
	struct ktype_nth symbol;
	uint32_t *next = seq_rest(m, sizeof(*next));
	enum err e = ERR_OK;

	if (!next)
		return 0;
	while (e != ERR_ABSENT) {
		if (seq_enough(m))
			return 0;
		e = procfs_symbol_nth(it->fs, *next, &symbol);
		if (e == ERR_UNSUPPORTED)
			return -EIO;
		if (!e)
			put_symbol(m, symbol.value, symbol.type, symbol.name, NULL);
		++*next;
	}
	seq_rest_done(m);
	list_for_each_entry(mod, &modules, list)
		put_module(m, mod);
	put_ftrace(m);
	put_bpf(m);
	if (guest_has_symbol(kprobe_insn_slots))
		put_kprobes(m, &kprobe_insn_slots);
	if (guest_has_symbol(kprobe_optinsn_slots))
		put_kprobes(m, &kprobe_optinsn_slots);
	return guest_faulted() ? -EIO : 0;
}

bool proc_kallsyms_present(const struct proc_item *it)
{
	return procfs_has_names(it->fs);
}

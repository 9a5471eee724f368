// SPDX-License-Identifier: MIT
/* /proc/modules: kernel/module/procfs.c */
#include "global.h"

extern struct list_head __guest modules;
extern struct taint_flag __guest taint_flags[];

enum {
	MODULE_NAME_MAX = 56, /* MODULE_NAME_LEN: 64 - sizeof(long) */
	TAINTS_MAX = 64,
	MODULE_REF_BASE = 1,
	/* enum mod_mem_type: MOD_TEXT is the first */
	MODULE_MEM_MAX = 16,
};

/* What the module takes: parts of two layouts up to 6.3, then an array of parts. */
static uint32_t module_size(struct module __guest *mod)
{
	struct module_memory __guest *mem = mod->mem;
	int64_t parts = guest_enum_or(enum mod_mem_type, MOD_MEM_NUM_TYPES, 7);
	uint32_t size;

	if (!guest_has_type(struct module_memory)) {
		size = mod->init_layout.size + mod->core_layout.size;
		return guest_has(struct module, data_layout) ? size + mod->data_layout.size : size;
	}
	size = 0;
	for (int64_t i = 0; i < parts && i < MODULE_MEM_MAX; i++)
		size += mem[i].size;
	return size;
}

static uint64_t module_base(struct module __guest *mod)
{
	struct module_memory __guest *mem = mod->mem;

	if (!guest_has_type(struct module_memory))
		return guest_addr(mod->core_layout.base);
	return guest_addr(mem[guest_enum_or(enum mod_mem_type, MOD_TEXT, 0)].base);
}

static void show_users(struct seq_file *m, struct module __guest *mod)
{
	struct module_use __guest *use;
	bool any = false;

	if (!guest_has(struct module, refcnt)) {
		seq_puts(m, " - -");
		return;
	}
	seq_printf(m, " %i ", mod->refcnt.counter - MODULE_REF_BASE);
	list_for_each_entry(use, &mod->source_list, source_list) {
		global_puts(m, use->source->name, MODULE_NAME_MAX);
		seq_putc(m, ',');
		any = true;
	}
	if (mod->init && !mod->exit) {
		seq_puts(m, "[permanent],");
		any = true;
	}
	if (!any)
		seq_putc(m, '-');
}

static void show_taints(struct seq_file *m, uint64_t taints, int64_t state)
{
	int64_t count = guest_has_symbol(taint_flags) ? TAINTS_MAX : 0;

	seq_puts(m, " (");
	for (int i = 0; i < count; i++) {
		struct taint_flag __guest *t = &taint_flags[0] + i;

		if (taints >> i & 1 && t->module)
			seq_putc(m, t->c_true);
	}
	if (state == guest_enum(enum module_state, MODULE_STATE_GOING))
		seq_putc(m, '-');
	if (state == guest_enum(enum module_state, MODULE_STATE_COMING))
		seq_putc(m, '+');
	seq_putc(m, ')');
}

static void show_module(struct seq_file *m, struct module __guest *mod)
{
	int64_t state = mod->state;
	uint64_t taints = mod->taints;

	if (state == guest_enum(enum module_state, MODULE_STATE_UNFORMED))
		return;
	global_puts(m, mod->name, MODULE_NAME_MAX);
	seq_printf(m, " %u", module_size(mod));
	show_users(m, mod);
	if (state == guest_enum(enum module_state, MODULE_STATE_GOING))
		seq_puts(m, " Unloading");
	else if (state == guest_enum(enum module_state, MODULE_STATE_COMING))
		seq_puts(m, " Loading");
	else
		seq_puts(m, " Live");
	seq_printf(m, " 0x%016llx", (unsigned long long)(proc_addresses_shown() ? module_base(mod) : 0));
	if (taints)
		show_taints(m, taints, state);
	seq_putc(m, '\n');
}

int proc_modules_show(const struct proc_item *it, struct seq_file *m)
{
	struct module __guest *mod;

	(void)it;
	list_for_each_entry(mod, &modules, list) {
		size_t mark = seq_mark(m);
		struct guest_record r = guest_record_begin();

		show_module(m, mod);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return guest_faulted() ? -EIO : 0;
}

// SPDX-License-Identifier: MIT
/*
 * Where a task sleeps: the first function on its kernel stack that isn't the scheduler's; and the whole stack. Found as
 * the guest's own kernel finds it: by the ORC tables (arch/x86/kernel/unwind_orc.c), but wchan before 5.16
 * by frame pointers, whether the kernel was built with them or not.
 */
#include "pid.h"

#include <string.h>

enum {
	FRAMES_MAX = 64, /* MAX_STACK_TRACE_DEPTH, of the whole stack */
	FRAME_POINTERS_MAX = 17,
	STACK_SIZE = 16384, /* THREAD_SIZE, unless the guest says otherwise */
	STACK_MAX = 1 << 17,
	LOOKUP_BLOCK = 256,
	MODULES_MAX = 4096,
	MODULE_SYMBOLS_MAX = 1 << 16,
};

GUEST_TYPES_BEGIN
struct inactive_task_frame {
	unsigned long bp;
	unsigned long ret_addr;
};

struct orc_entry {
	short sp_offset;
	short bp_offset;
	unsigned int sp_reg : 4;
	unsigned int bp_reg : 4;
	unsigned int type : 3;
	unsigned int end : 1; /* until 6.3 */
};

union thread_union {
	unsigned long stack[1];
};

struct mod_arch_specific {
	unsigned int num_orcs;
	int __guest *orc_unwind_ip;
	struct orc_entry __guest *orc_unwind;
};

struct module_memory {
	void __guest *base;
	unsigned int size;
};

struct module_layout {
	void __guest *base;
	unsigned int size, text_size;
};

struct mod_kallsyms {
	void __guest *symtab;
	unsigned int num_symtab;
	char __guest *strtab;
};

struct module {
	struct list_head list;
	char name[56];
	struct module_memory mem[1]; /* since 6.4 */
	struct module_layout core_layout;
	struct mod_arch_specific arch;
	struct mod_kallsyms __guest *kallsyms;
};
GUEST_TYPES_END

extern const char __guest _stext, _etext, __sched_text_start, __sched_text_end, __lock_text_start,
	__lock_text_end, __get_wchan;
extern const int __guest __start_orc_unwind_ip[], __stop_orc_unwind_ip[];
extern struct orc_entry __guest __start_orc_unwind[];
extern struct orc_entry __guest null_orc_entry, orc_fp_entry;
extern const unsigned int __guest orc_lookup[];
extern struct list_head __guest modules;

static bool in_range(uint64_t ip, const char __guest *start, const char __guest *end)
{
	return ip >= guest_addr(start) && ip < guest_addr(end);
}

static bool in_sched_functions(uint64_t ip)
{
	return in_range(ip, &__lock_text_start, &__lock_text_end) ||
	       in_range(ip, &__sched_text_start, &__sched_text_end);
}

static struct module __guest *module_of(uint64_t ip)
{
	struct module __guest *mod;
	int count = 0;

	list_for_each_entry(mod, &modules, list) {
		uint64_t base, size;

		if (++count > MODULES_MAX)
			break;
		if (guest_has(struct module, mem)) {
			int64_t text = guest_enum_any_or(MOD_TEXT, 0);
			struct module_memory __guest *mem = mod->mem;

			base = guest_addr((mem + text)->base);
			size = (mem + text)->size;
		} else {
			base = guest_addr(mod->core_layout.base);
			size = mod->core_layout.size;
		}
		if (ip - base < size)
			return mod;
	}
	return NULL;
}

static uint64_t stack_size(void)
{
	uint64_t size = guest_sizeof(union thread_union);

	return size && size <= STACK_MAX ? size : STACK_SIZE;
}

struct pt_regs __guest *proc_task_regs(struct task_struct __guest *t)
{
	/* left free where the CPU may enter by FRED */
	uint64_t padding = guest_has_symbol(asm_fred_entrypoint_user) ? 16 : 0;
	uint64_t stack = guest_addr(t->stack);

	return guest_ptr(struct pt_regs,
			 stack ? stack + stack_size() - padding - guest_sizeof(struct pt_regs) : 0);
}

/* ---- ORC ---- */

enum {
	ORC_REG_BP = 4,
	ORC_REG_SP_INDIRECT = 9,
};

/*
 * arch/x86/include/asm/orc_types.h numbers registers, anew in 7.2; types don't tell. Two entries do that
 * the kernel keeps for places without one: that of a call of address 0 is based on SP, that of code
 * with frame pointers finds BP below the last SP.
 */
struct orc_registers {
	unsigned int sp, prev_sp, bp_indirect;
};

static struct orc_registers orc_registers(void)
{
	struct orc_registers r = { .sp = 5, .prev_sp = 1 };

	if (guest_has_symbol(null_orc_entry) && guest_has_symbol(orc_fp_entry)) {
		r.sp = null_orc_entry.sp_reg;
		r.prev_sp = orc_fp_entry.bp_reg;
	}
	r.bp_indirect = r.prev_sp == 8 ? 10 : 8;
	return r;
}

enum frame_kind { FRAME_NONE, FRAME_END, FRAME_CALL, FRAME_REGS };

/* The last entry whose address isn't above `ip`, of `count` sorted ones. */
static struct orc_entry __guest *orc_search(const int __guest *ips, struct orc_entry __guest *orcs,
					    uint64_t count, uint64_t ip)
{
	uint64_t low = 0, high = count;

	while (high - low > 1) {
		uint64_t mid = low + (high - low) / 2;
		const int __guest *at = ips + mid;

		if (guest_addr(at) + (uint64_t)(int64_t)*at <= ip)
			low = mid;
		else
			high = mid;
	}
	return count ? orcs + low : NULL;
}

static struct orc_entry __guest *orc_find(uint64_t ip)
{
	struct module __guest *mod;

	if (in_range(ip, &_stext, &_etext)) {
		uint64_t block = (ip - guest_addr(&_stext)) / LOOKUP_BLOCK;
		uint64_t from = orc_lookup[block], to = (uint64_t)orc_lookup[block + 1] + 1;
		uint64_t count = (guest_addr(__stop_orc_unwind_ip) -
				  guest_addr(__start_orc_unwind_ip)) / 4;

		if (from >= count || to > count || to <= from)
			return NULL;
		return orc_search(__start_orc_unwind_ip + from, __start_orc_unwind + from,
				  to - from, ip);
	}
	mod = module_of(ip);
	if (!mod)
		return NULL;
	uint32_t count = mod->arch.num_orcs;

	return count > 1u << 24 ? NULL :
				  orc_search(mod->arch.orc_unwind_ip, mod->arch.orc_unwind, count, ip);
}

/* The numbers of types grew by two when the end of a stack became one of them. */
static enum frame_kind orc_kind(struct orc_entry __guest *orc)
{
	unsigned int type = orc->type;

	if (guest_has_bitfield(struct orc_entry, end)) {
		if (orc->end)
			return FRAME_END;
		return type == 0 ? FRAME_CALL : type == 1 ? FRAME_REGS : FRAME_NONE;
	}
	return type == 1 ? FRAME_END : type == 2 ? FRAME_CALL : type == 3 ? FRAME_REGS : FRAME_NONE;
}

struct unwind {
	uint64_t low, high; /* the stack */
	struct orc_registers regs;
	uint64_t ip, sp, bp;
	bool signal; /* interrupted rather than called: ip itself isn't behind a call */
};

static bool read_stack(const struct unwind *u, uint64_t at, uint64_t *ret)
{
	if (at < u->low || at > u->high - 8 || at % 8)
		return false;
	*ret = *guest_ptr(uint64_t, at);
	return true;
}

static bool unwind_next(struct unwind *u)
{
	struct orc_entry __guest *orc = orc_find(u->signal ? u->ip : u->ip - 1);
	uint64_t sp, bp_at = 0, prev_sp = u->sp;
	bool has_bp = true;

	if (!orc)
		return false;
	int sp_offset = orc->sp_offset, bp_offset = orc->bp_offset;
	unsigned int sp_reg = orc->sp_reg, bp_reg = orc->bp_reg;

	if (sp_reg == u->regs.sp) {
		sp = u->sp + (uint64_t)(int64_t)sp_offset;
	} else if (sp_reg == ORC_REG_BP) {
		sp = u->bp + (uint64_t)(int64_t)sp_offset;
	} else if (sp_reg == ORC_REG_SP_INDIRECT) {
		if (!read_stack(u, u->sp, &sp))
			return false;
		sp += (uint64_t)(int64_t)sp_offset;
	} else if (sp_reg == u->regs.bp_indirect) {
		if (!read_stack(u, u->bp + (uint64_t)(int64_t)sp_offset, &sp))
			return false;
	} else {
		return false; /* other registers are known only right behind an interrupt */
	}
	switch (orc_kind(orc)) {
	case FRAME_CALL:
		if (!read_stack(u, sp - 8, &u->ip))
			return false;
		u->sp = sp;
		u->signal = false;
		break;
	case FRAME_REGS: {
		uint64_t regs = sp;

		if (!read_stack(u, regs + guest_offsetof(struct pt_regs, ip), &u->ip) ||
		    !read_stack(u, regs + guest_offsetof(struct pt_regs, sp), &u->sp))
			return false;
		u->signal = true;
		break;
	}
	default:
		return false;
	}
	if (bp_reg == u->regs.prev_sp)
		bp_at = sp + (uint64_t)(int64_t)bp_offset;
	else if (bp_reg == ORC_REG_BP)
		bp_at = u->bp + (uint64_t)(int64_t)bp_offset;
	else
		has_bp = false;
	if (has_bp && !read_stack(u, bp_at, &u->bp))
		return false;
	return u->sp > prev_sp;
}

/* Begin where the task was switched from; false: it has no stack, or none that holds this. */
static bool unwind_begin(struct unwind *u, struct task_struct __guest *t)
{
	uint64_t stack = guest_addr(t->stack), at = t->thread.sp;
	struct inactive_task_frame __guest *frame = guest_ptr(struct inactive_task_frame, at);

	*u = (struct unwind){ .low = stack, .high = stack + stack_size() };
	if (!stack || at < u->low || at > u->high - guest_sizeof(struct inactive_task_frame))
		return false;
	u->regs = orc_registers();
	u->sp = at + guest_sizeof(struct inactive_task_frame);
	u->bp = frame->bp;
	u->ip = frame->ret_addr;
	return true;
}

static uint64_t wchan_orc(struct task_struct __guest *t)
{
	struct unwind u;

	if (!unwind_begin(&u, t))
		return 0;
	for (int i = 0; i < FRAMES_MAX; i++) {
		if (!in_range(u.ip, &_stext, &_etext) && !module_of(u.ip))
			return 0;
		if (!in_sched_functions(u.ip))
			return u.ip;
		if (!unwind_next(&u))
			return u.ip; /* the kernel, too, is left with the last one */
	}
	return 0;
}

/* ---- frame pointers ---- */

static uint64_t wchan_frames(struct task_struct __guest *t)
{
	uint64_t low = guest_addr(t->stack), high = low + stack_size() - 16;
	uint64_t sp = t->thread.sp, fp;

	if (!low || sp < low || sp > high)
		return 0;
	fp = guest_ptr(struct inactive_task_frame, sp)->bp;
	for (int i = 0; i < FRAME_POINTERS_MAX; i++) {
		uint64_t ip;

		if (fp < low || fp > high)
			return 0;
		ip = *guest_ptr(uint64_t, fp + 8);
		if (!in_sched_functions(ip))
			return ip;
		fp = *guest_ptr(uint64_t, fp);
	}
	return 0;
}

uint64_t proc_task_wchan(struct task_struct __guest *t)
{
	enum { TASK_WAKING = 0x200 };

	if (!guest_has_symbol(__get_wchan))
		return t->state ? wchan_frames(t) : 0;
	unsigned int state = guest_has(struct task_struct, __state) ? t->__state :
			     (unsigned int)t->state;
	if (!state || state == TASK_WAKING || t->on_rq[0])
		return 0;
	return wchan_orc(t);
}

/* ---- names ---- */

enum {
	ELF_SYMBOL_SIZE = 24,
};

static uint64_t text_end(struct module __guest *mod)
{
	if (guest_has(struct module, mem)) {
		struct module_memory __guest *text = mod->mem + guest_enum_any_or(MOD_TEXT, 0);

		return guest_addr(text->base) + text->size;
	}
	return guest_addr(mod->core_layout.base) + mod->core_layout.text_size;
}

/* The nearest symbol below `ip` in a module's own table (kernel/module/kallsyms.c), and where it begins and ends. */
static size_t module_symbol(uint64_t ip, char *buf, size_t size, uint64_t *start_ret, uint64_t *end_ret)
{
	struct module __guest *mod = module_of(ip);
	struct mod_kallsyms __guest *k;
	uint64_t best = 0, next;
	uint32_t best_name = 0, count;

	if (!mod || !(k = mod->kallsyms))
		return 0;
	next = text_end(mod);
	count = k->num_symtab;
	if (count > MODULE_SYMBOLS_MAX)
		count = MODULE_SYMBOLS_MAX;
	for (uint32_t i = 1; i < count && !guest_faulted(); i++) {
		uint64_t at = guest_addr(k->symtab) + (uint64_t)i * ELF_SYMBOL_SIZE;
		uint64_t value = *guest_ptr(uint64_t, at + 8);
		uint32_t name = *guest_ptr(uint32_t, at);

		if (!*guest_ptr(uint16_t, at + 6) || (value <= ip ? value <= best : value >= next))
			continue;
		if (!*guest_ptr(char, guest_addr(k->strtab) + name))
			continue;
		if (value > ip) {
			next = value;
			continue;
		}
		best = value;
		best_name = name;
	}
	*start_ret = best;
	*end_ret = next;
	return best ? guest_strncpy(buf, guest_ptr(char, guest_addr(k->strtab) + best_name), size) :
	       0;
}

int proc_pid_wchan_show(const struct proc_item *it, struct seq_file *m)
{
	uint64_t wchan = proc_task_wchan(item_task(it));
	uint64_t start, end;
	char name[512];
	size_t size = 0;

	if (wchan) {
		if (in_range(wchan, &_stext, &_etext))
			size = procfs_symbol_name(it->fs, wchan, name, sizeof(name));
		else
			size = module_symbol(wchan, name, sizeof(name), &start, &end);
	}
	if (size)
		seq_write(m, name, size);
	else
		seq_putc(m, '0');
	return 0;
}

void proc_put_symbol(const struct proc_item *it, struct seq_file *m, uint64_t address, bool behind_call)
{
	uint64_t start = 0, end = 0, at = address - behind_call;
	bool image = procfs_symbol_range(it->fs, at, &start, &end);
	char name[512], module[57];
	size_t size;

	size = image ? procfs_symbol_name(it->fs, at, name, sizeof(name)) :
		       module_symbol(at, name, sizeof(name), &start, &end);
	if (!size) {
		seq_printf(m, "0x%llx", (unsigned long long)address);
		return;
	}
	seq_write(m, name, size);
	seq_printf(m, "+0x%llx/0x%llx", (unsigned long long)(address - start), (unsigned long long)(end - start));
	if (!image) {
		guest_strncpy(module, &module_of(at)->name[0], sizeof(module));
		seq_printf(m, " [%s]", module);
	}
}

/* One that runs is shown by a kernel only to itself. */
int proc_pid_stack_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	struct unwind u;

	if (t->on_cpu || !unwind_begin(&u, t))
		return 0;
	for (int shown = 0, i = 0; shown < FRAMES_MAX && i < 2 * FRAMES_MAX; i++) {
		if (!in_range(u.ip, &_stext, &_etext) && !module_of(u.ip))
			break;
		if (!in_sched_functions(u.ip)) {
			seq_puts(m, "[<0>] ");
			proc_put_symbol(it, m, u.ip, true);
			seq_putc(m, '\n');
			shown++;
		}
		if (!unwind_next(&u))
			break;
	}
	return 0;
}

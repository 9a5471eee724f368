// SPDX-License-Identifier: MIT
/*
 * /proc/interrupts, /proc/softirqs (kernel/irq/proc.c, arch/x86/kernel/irq.c, fs/proc/softirqs.c)
 * and the counters that /proc/stat sums up.
 */
#include "interrupts.h"
#include "klib/xarray.h"

extern struct xarray __guest irq_desc_tree;
extern struct maple_tree __guest sparse_irqs;
extern unsigned int __guest nr_irqs;
extern unsigned int __guest total_nr_irqs;
extern irq_cpustat_t __guest irq_stat;
extern unsigned int __guest mce_exception_count;
extern unsigned int __guest mce_poll_count;
extern void __guest *__guest x86_platform_ipi_callback;
extern atomic_t __guest irq_err_count;
extern atomic_t __guest irq_mis_count;
extern struct irqaction __guest chained_action;
extern unsigned long __guest system_vectors[];
extern struct irq_proc_constraints __guest irq_proc_constraints;
extern struct irq_stat_info __guest irq_stat_info[];
extern unsigned long __guest irq_stat_count_show[];
extern struct kernel_stat __guest kstat;
extern const char __guest *__guest softirq_to_name[];

/* include/linux/irq.h, kernel/irq/internals.h: enumerators, the same in all kernels we know */
#define IRQ_PER_CPU_BIT	      guest_enum_any_or(IRQ_PER_CPU, 1 << 9)
#define IRQ_PER_CPU_DEVID_BIT guest_enum_any_or(IRQ_PER_CPU_DEVID, 1 << 17)
#define IRQ_HIDDEN_BIT	      guest_enum_any_or(IRQ_HIDDEN, 1 << 20)
#define IRQ_PROC_VALID_BIT    guest_enum_any_or(_IRQ_PROC_VALID, 1 << 22)
#define IRQS_NMI_BIT	      guest_enum_any_or(IRQS_NMI, 0x2000)

enum {
	IRQ_COUNTS_MAX = 256,
	CHIP_WIDTH = 8,
	COLUMN_MAX = 64,
};

uint32_t interrupts_count(void)
{
	uint32_t n = guest_has_symbol(total_nr_irqs) ? total_nr_irqs : nr_irqs;

	return n > GLOBAL_IRQS_MAX ? GLOBAL_IRQS_MAX : n;
}

void interrupts_begin(struct interrupts_walk *w)
{
	w->next = 0;
	w->bound = GUEST_BOUND(GLOBAL_IRQS_MAX);
	if (guest_has_symbol(sparse_irqs))
		maple_walk_begin(&w->maple, &sparse_irqs);
}

struct irq_desc __guest *interrupts_next(struct interrupts_walk *w, uint32_t *irq_ret)
{
	struct irq_desc __guest *desc;
	uint64_t irq = w->next;

	if (!guest_more(&w->bound))
		return NULL;
	if (guest_has_symbol(sparse_irqs)) {
		desc = guest_ptr(struct irq_desc, guest_addr(maple_walk_next(&w->maple)));
		irq = desc ? desc->irq_data.irq : 0;
	} else {
		desc = guest_ptr(struct irq_desc, guest_addr(xa_find(&irq_desc_tree, &irq)));
	}
	if (!desc || irq < w->next || irq >= GLOBAL_IRQS_MAX)
		return NULL;
	w->next = irq + 1;
	*irq_ret = (uint32_t)irq;
	return desc;
}

/* Counts are a record since 6.10, of which the count is the first member. */
static uint32_t count_on(void __guest *counts, unsigned int cpu)
{
	uint64_t at = guest_addr(guest_per_cpu_ptr(counts, cpu));

	if (guest_has(struct irqstat, cnt))
		return guest_ptr(struct irqstat, at)->cnt;
	return *guest_ptr(unsigned int, at);
}

uint32_t interrupts_total(struct irq_desc __guest *desc)
{
	void __guest *counts = desc->kstat_irqs;
	uint32_t sum = 0, status;

	if (!counts)
		return 0;
	status = desc->status_use_accessors;
	if (!(status & (IRQ_PER_CPU_BIT | IRQ_PER_CPU_DEVID_BIT)) &&
	    !(desc->core_internal_state__do_not_mess_with_it & IRQS_NMI_BIT)) {
		guest_read(&sum, desc->tot_count, sizeof(sum));
		return sum;
	}
	for_each_possible_cpu(cpu)
		sum += count_on(counts, cpu);
	return sum;
}

#define OPTIONAL(st, m) (guest_has(irq_cpustat_t, m) ? (st)->m : 0)

uint64_t interrupts_arch_sum(unsigned int cpu)
{
	irq_cpustat_t __guest *st = guest_per_cpu_ptr(&irq_stat, cpu);
	uint64_t sum = 0;

	if (guest_has(irq_cpustat_t, counts)) {
		unsigned int __guest *counts = st->counts;
		uint64_t n = (guest_sizeof(irq_cpustat_t) - guest_offsetof(irq_cpustat_t, counts)) / 4;

		/* what fills the record's last cache line is 0 */
		for (uint64_t i = 0; i < n && i < IRQ_COUNTS_MAX; i++)
			sum += counts[i];
		return sum;
	}
	sum += st->__nmi_count;
	sum += OPTIONAL(st, apic_timer_irqs);
	sum += OPTIONAL(st, irq_spurious_count);
	sum += OPTIONAL(st, apic_perf_irqs);
	sum += OPTIONAL(st, apic_irq_work_irqs);
	sum += OPTIONAL(st, icr_read_retry_count);
	if (guest_has_symbol(x86_platform_ipi_callback) && x86_platform_ipi_callback)
		sum += OPTIONAL(st, x86_platform_ipis);
	sum += OPTIONAL(st, irq_resched_count);
	sum += OPTIONAL(st, irq_call_count);
	sum += OPTIONAL(st, irq_thermal_count);
	sum += OPTIONAL(st, irq_threshold_count);
	/* added to the sum when struct irqstat and posted MSIs came; not counted before */
	if (guest_has(struct irqstat, cnt)) {
		sum += OPTIONAL(st, irq_hv_callback_count);
		sum += OPTIONAL(st, irq_hv_reenlightenment_count);
		sum += OPTIONAL(st, hyperv_stimer0_count);
	}
	if (guest_has_symbol(mce_exception_count))
		sum += *guest_per_cpu_ptr(&mce_exception_count, cpu);
	if (guest_has_symbol(mce_poll_count))
		sum += *guest_per_cpu_ptr(&mce_poll_count, cpu);
	return sum;
}

uint32_t interrupts_arch_errors(void)
{
	return guest_has_symbol(irq_err_count) ? (uint32_t)irq_err_count.counter : 0;
}

uint32_t interrupts_softirqs(void)
{
	int64_t n = guest_enum_any(NR_SOFTIRQS);

	return n < 0 || n > 64 ? 0 : (uint32_t)n;
}

/* The column of names is as wide as the largest interrupt number, at least three. */
static int names_width(uint32_t irqs)
{
	int width = 3;

	for (uint64_t j = 1000; width < 10 && j <= irqs; j *= 10)
		width++;
	return width;
}

struct interrupts_table {
	struct seq_file *m;
	int width;
	int chip_width; /* since 7.2 the longest name's, as a negative number: they begin at the left */
	bool counted; /* since 7.2: columns' widths and which lines there are is kept by the kernel */
};

static void show_chip(const struct interrupts_table *t, struct irq_desc __guest *desc)
{
	struct irq_chip __guest *chip = desc->irq_data.chip;
	char name[64];

	if (!chip) {
		seq_printf(t->m, " %*s", t->chip_width, "None");
		return;
	}
	/* chips that print themselves (interrupt controllers of boards) aren't in x86 guests */
	if (chip->name)
		guest_strncpy(name, chip->name, sizeof(name));
	else
		strcpy(name, "-");
	seq_printf(t->m, " %*s", t->chip_width, name);
}

static void show_irq(const struct interrupts_table *t, uint32_t irq, struct irq_desc __guest *desc)
{
	struct guest_bound bound = GUEST_BOUND(1024);
	struct irqaction __guest *action;
	struct seq_file *m = t->m;
	void __guest *counts;
	bool chained, any = false;
	char text[64];

	if (desc->status_use_accessors & IRQ_HIDDEN_BIT)
		return;
	if (t->counted && !(desc->status_use_accessors & IRQ_PROC_VALID_BIT))
		return;
	counts = desc->kstat_irqs;
	action = desc->action;
	chained = !action || (guest_has_symbol(chained_action) && action == &chained_action);
	if (guest_has(struct irqstat, cnt)) {
		if (chained || !counts)
			return;
	} else if (chained) {
		/* before, one that nobody handles is shown if it ever came */
		for_each_online_cpu(cpu)
			any = any || (counts && count_on(counts, cpu));
		if (!any)
			return;
	}

	seq_printf(m, "%*u: ", t->width, irq);
	for_each_online_cpu(cpu)
		seq_printf(m, "%10u ", counts ? count_on(counts, cpu) : 0);
	show_chip(t, desc);
	if (desc->irq_data.domain)
		seq_printf(m, " %*lu", t->width, desc->irq_data.hwirq);
	else
		seq_printf(m, " %*s", t->width + t->counted, "");
	if (desc->name) {
		guest_strncpy(text, desc->name, sizeof(text));
		seq_printf(m, "-%-8s", text);
	}
	for (const char *sep = "  "; action && guest_more_at(&bound, action);
	     action = action->next, sep = ", ") {
		seq_puts(m, sep);
		/* what the kernel prints of a NULL string */
		if (action->name)
			global_puts(m, action->name, 255);
		else
			seq_puts(m, "(null)");
	}
	seq_putc(m, '\n');
}

/* One line for what a member of irq_cpustat_t counts; nothing when this kernel has no such. */
#define SHOW_MEMBER(t, title, member, text)                                                        \
	do {                                                                                       \
		if (!guest_has(irq_cpustat_t, member))                                             \
			break;                                                                     \
		seq_printf((t)->m, "%*s: ", (t)->width, title);                                    \
		for_each_online_cpu(cpu_)                                                          \
			seq_printf((t)->m, "%10u ", guest_per_cpu_ptr(&irq_stat, cpu_)->member);   \
		seq_puts((t)->m, "  " text "\n");                                                  \
	} while (0)

#define SHOW_SYMBOL(t, title, symbol, text)                                                        \
	do {                                                                                       \
		if (!guest_has_symbol(symbol))                                                     \
			break;                                                                     \
		seq_printf((t)->m, "%*s: ", (t)->width, title);                                    \
		for_each_online_cpu(cpu_)                                                          \
			seq_printf((t)->m, "%10u ", *guest_per_cpu_ptr(&symbol, cpu_));            \
		seq_puts((t)->m, "  " text "\n");                                                  \
	} while (0)

/* arch/x86/include/asm/irq_vectors.h: vectors that only show when somebody claimed them */
enum {
	VECTOR_HYPERVISOR_CALLBACK = 0xf3,
	VECTOR_HYPERV_REENLIGHTENMENT = 0xee,
	VECTOR_HYPERV_STIMER0 = 0xed,
};

static bool vector_used(unsigned int vector)
{
	return guest_has_symbol(system_vectors) &&
	       (system_vectors[vector / 64] >> vector % 64 & 1);
}

static void show_arch(const struct interrupts_table *t)
{
	SHOW_MEMBER(t, "NMI", __nmi_count, "Non-maskable interrupts");
	SHOW_MEMBER(t, "LOC", apic_timer_irqs, "Local timer interrupts");
	SHOW_MEMBER(t, "SPU", irq_spurious_count, "Spurious interrupts");
	SHOW_MEMBER(t, "PMI", apic_perf_irqs, "Performance monitoring interrupts");
	SHOW_MEMBER(t, "IWI", apic_irq_work_irqs, "IRQ work interrupts");
	SHOW_MEMBER(t, "RTR", icr_read_retry_count, "APIC ICR read retries");
	if (guest_has_symbol(x86_platform_ipi_callback) && x86_platform_ipi_callback)
		SHOW_MEMBER(t, "PLT", x86_platform_ipis, "Platform interrupts");
	SHOW_MEMBER(t, "RES", irq_resched_count, "Rescheduling interrupts");
	SHOW_MEMBER(t, "CAL", irq_call_count, "Function call interrupts");
	SHOW_MEMBER(t, "TLB", irq_tlb_count, "TLB shootdowns");
	SHOW_MEMBER(t, "TRM", irq_thermal_count, "Thermal event interrupts");
	SHOW_MEMBER(t, "THR", irq_threshold_count, "Threshold APIC interrupts");
	SHOW_MEMBER(t, "DFR", irq_deferred_error_count, "Deferred Error APIC interrupts");
	SHOW_SYMBOL(t, "MCE", mce_exception_count, "Machine check exceptions");
	SHOW_SYMBOL(t, "MCP", mce_poll_count, "Machine check polls");
	if (vector_used(VECTOR_HYPERVISOR_CALLBACK))
		SHOW_MEMBER(t, "HYP", irq_hv_callback_count, "Hypervisor callback interrupts");
	if (vector_used(VECTOR_HYPERV_REENLIGHTENMENT))
		SHOW_MEMBER(t, "HRE", irq_hv_reenlightenment_count,
			    "Hyper-V reenlightenment interrupts");
	if (vector_used(VECTOR_HYPERV_STIMER0))
		SHOW_MEMBER(t, "HVS", hyperv_stimer0_count, "Hyper-V stimer0 interrupts");
	seq_printf(t->m, "%*s: %10u\n", t->width, "ERR", interrupts_arch_errors());
	if (guest_has_symbol(irq_mis_count))
		seq_printf(t->m, "%*s: %10u\n", t->width, "MIS", (uint32_t)irq_mis_count.counter);
	SHOW_MEMBER(t, "PIN", kvm_posted_intr_ipis, "Posted-interrupt notification event");
	SHOW_MEMBER(t, "NPI", kvm_posted_intr_nested_ipis, "Nested posted-interrupt event");
	SHOW_MEMBER(t, "PIW", kvm_posted_intr_wakeup_ipis, "Posted-interrupt wakeup event");
	SHOW_MEMBER(t, "PMN", posted_msi_notification_count, "Posted MSI notification event");
}

/* Since 7.2 all are in one table, with their names, and a bit for each says whether to show it. */
static void show_counted(const struct interrupts_table *t)
{
	int64_t count = guest_enum_or(enum irq_stat_counts, IRQ_COUNT_MAX, 0);

	for (int64_t i = 0; i < count && i < IRQ_COUNTS_MAX; i++) {
		struct irq_stat_info __guest *info = irq_stat_info + i;
		char name[16];

		if (!(irq_stat_count_show[i / 64] >> i % 64 & 1))
			continue;
		guest_strncpy(name, info->symbol, sizeof(name));
		seq_printf(t->m, "%*s:", t->width, name);
		for_each_online_cpu(cpu) {
			unsigned int __guest *counts = guest_per_cpu_ptr(&irq_stat, cpu)->counts;

			seq_put_decimal_ull_width(t->m, " ", counts[i], 10);
		}
		global_puts(t->m, info->text, COLUMN_MAX); /* ends the line */
	}
}

static int column(uint64_t width)
{
	return (int)(width < COLUMN_MAX ? width : COLUMN_MAX);
}

int proc_interrupts_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t irqs = interrupts_count(), irq;
	struct interrupts_table t = {
		.m = m, .width = names_width(irqs), .chip_width = CHIP_WIDTH,
		.counted = guest_has_symbol(irq_proc_constraints),
	};
	struct irq_desc __guest *desc;
	struct interrupts_walk w;

	(void)it;
	if (t.counted) {
		t.width = column(irq_proc_constraints.num_prec);
		t.chip_width = -column(irq_proc_constraints.chip_width);
	}
	seq_printf(m, "%*s", t.width + 8, "");
	for_each_online_cpu(cpu)
		seq_printf(m, "CPU%-8u", cpu);
	seq_putc(m, '\n');
	interrupts_begin(&w);
	while ((desc = interrupts_next(&w, &irq)) && irq < irqs) {
		size_t mark = seq_mark(m);
		struct guest_record r = guest_record_begin();

		show_irq(&t, irq, desc);
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	if (guest_has(irq_cpustat_t, counts))
		show_counted(&t);
	else
		show_arch(&t);
	return guest_faulted() ? -EIO : 0;
}

int proc_softirqs_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t n = interrupts_softirqs();
	char name[32];

	(void)it;
	seq_printf(m, "%20s", "");
	for_each_possible_cpu(cpu)
		seq_printf(m, "CPU%-8u", cpu);
	seq_putc(m, '\n');
	for (uint32_t i = 0; i < n; i++) {
		guest_strncpy(name, softirq_to_name[i], sizeof(name));
		seq_printf(m, "%12s:", name);
		for_each_possible_cpu(cpu) {
			unsigned int __guest *counts = guest_per_cpu_ptr(&kstat, cpu)->softirqs;

			seq_put_decimal_ull_width(m, " ", counts[i], 10);
		}
		seq_putc(m, '\n');
	}
	return guest_faulted() ? -EIO : 0;
}

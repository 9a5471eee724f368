// SPDX-License-Identifier: MIT
/* /proc/stat: fs/proc/stat.c */
#include "global.h"
#include "interrupts.h"

extern struct kernel_cpustat __guest kernel_cpustat;
extern struct kernel_stat __guest kstat;
extern struct rq __guest runqueues;
extern unsigned long __guest total_forks;

/* Columns of a cpu line, in the order they are printed. */
enum {
	CPU_USER,
	CPU_NICE,
	CPU_SYSTEM,
	CPU_IDLE,
	CPU_IOWAIT,
	CPU_IRQ,
	CPU_SOFTIRQ,
	CPU_STEAL,
	CPU_GUEST,
	CPU_GUEST_NICE,
	CPU_COLUMNS,
};

enum {
	SOFTIRQS_MAX = 32,
};

struct stat_sums {
	uint64_t times[CPU_COLUMNS];
	uint64_t irqs, softirqs;
	uint64_t softirq[SOFTIRQS_MAX];
	uint64_t switches;
	uint32_t iowait;
};

static void cpu_times(unsigned int cpu, const struct global_time *now, uint64_t ret[CPU_COLUMNS])
{
	struct kernel_cpustat __guest *k = guest_per_cpu_ptr(&kernel_cpustat, cpu);
	uint64_t __guest *stat = k->cpustat;
	struct global_idle idle;

	global_idle_of(cpu, now, &idle);
	ret[CPU_USER] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_USER)];
	ret[CPU_NICE] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_NICE)];
	ret[CPU_SYSTEM] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_SYSTEM)];
	ret[CPU_IDLE] = idle.idle;
	ret[CPU_IOWAIT] = idle.iowait;
	ret[CPU_IRQ] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_IRQ)];
	ret[CPU_SOFTIRQ] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_SOFTIRQ)];
	ret[CPU_STEAL] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_STEAL)];
	ret[CPU_GUEST] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_GUEST)];
	ret[CPU_GUEST_NICE] = stat[guest_enum(enum cpu_usage_stat, CPUTIME_GUEST_NICE)];
}

static void put_times(struct seq_file *m, const uint64_t times[CPU_COLUMNS])
{
	for (int i = 0; i < CPU_COLUMNS; i++)
		seq_put_decimal_ull(m, " ", global_nsec_to_clock(times[i]));
	seq_putc(m, '\n');
}

static void sum_cpus(const struct global_time *now, uint32_t softirqs, struct stat_sums *ret)
{
	for_each_possible_cpu(cpu) {
		struct kernel_stat __guest *ks = guest_per_cpu_ptr(&kstat, cpu);
		struct rq __guest *rq = guest_per_cpu_ptr(&runqueues, cpu);
		unsigned int __guest *counts = ks->softirqs;
		uint64_t times[CPU_COLUMNS];

		cpu_times(cpu, now, times);
		for (int i = 0; i < CPU_COLUMNS; i++)
			ret->times[i] += times[i];
		ret->irqs += ks->irqs_sum + interrupts_arch_sum(cpu);
		for (uint32_t i = 0; i < softirqs; i++) {
			uint32_t n = counts[i];

			ret->softirq[i] += n;
			ret->softirqs += n;
		}
		ret->switches += rq->nr_switches;
		ret->iowait += (uint32_t)rq->nr_iowait.counter;
	}
}

static void show_irqs(struct seq_file *m)
{
	uint32_t next = 0, count = interrupts_count(), irq;
	struct irq_desc __guest *desc;
	struct interrupts_walk w;

	interrupts_begin(&w);
	while ((desc = interrupts_next(&w, &irq)) && irq < count) {
		for (; next < irq; next++)
			seq_puts(m, " 0");
		seq_put_decimal_ull(m, " ", interrupts_total(desc));
		next++;
	}
	for (; next < count; next++)
		seq_puts(m, " 0");
}

int proc_stat_show(const struct proc_item *it, struct seq_file *m)
{
	uint32_t softirqs = interrupts_softirqs();
	struct stat_sums sums = {0};
	struct global_time now;

	(void)it;
	if (softirqs > SOFTIRQS_MAX)
		softirqs = SOFTIRQS_MAX;
	global_time_now(&now);
	sum_cpus(&now, softirqs, &sums);
	sums.irqs += interrupts_arch_errors();
	if (guest_faulted())
		return -EIO;

	seq_puts(m, "cpu ");
	put_times(m, sums.times);
	for_each_online_cpu(cpu) {
		uint64_t times[CPU_COLUMNS];

		cpu_times(cpu, &now, times);
		seq_put_decimal_ull(m, "cpu", cpu);
		put_times(m, times);
	}
	seq_put_decimal_ull(m, "intr ", sums.irqs);
	show_irqs(m);
	seq_put_decimal_ull(m, "\nctxt ", sums.switches);
	seq_put_decimal_ull(m, "\nbtime ", (uint64_t)now.boot_real / GLOBAL_NSEC_PER_SEC);
	seq_put_decimal_ull(m, "\nprocesses ", total_forks);
	seq_put_decimal_ull(m, "\nprocs_running ", global_nr_running());
	seq_put_decimal_ull(m, "\nprocs_blocked ", sums.iowait);
	seq_put_decimal_ull(m, "\nsoftirq ", sums.softirqs);
	for (uint32_t i = 0; i < softirqs; i++)
		seq_put_decimal_ull(m, " ", (uint32_t)sums.softirq[i]);
	seq_putc(m, '\n');
	return guest_faulted() ? -EIO : 0;
}

// SPDX-License-Identifier: MIT
/*
 * /proc/pressure/{cpu,io,irq,memory} and /proc/schedstat: kernel/sched/psi.c, kernel/sched/stats.c.
 * The kernel adds up what the CPUs counted when a file of pressure is read, and every two seconds
 * while there is any; here the last sum is shown.
 */
#include <errno.h>

#include "klib/cpumask.h"
#include "klib/types_task.h"
#include "masks.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct psi_group { /* include/linux/psi_types.h */
	uint64_t total[1][1]; /* for averages, for triggers; by state */
	unsigned long avg[1][3];
};

struct rq { /* kernel/sched/sched.h */
	unsigned int yld_count, sched_count, sched_goidle, ttwu_count, ttwu_local;
	unsigned long long rq_cpu_time;
	struct sched_info rq_sched_info;
	struct sched_domain __guest *sd;
};

struct sched_domain { /* include/linux/sched/topology.h */
	struct sched_domain __guest *parent;
	unsigned int lb_imbalance_load[3], lb_imbalance_util[3], lb_imbalance_task[3], lb_imbalance_misfit[3];
	const char __guest *name;
	unsigned int lb_count[3], lb_failed[3], lb_balanced[3], lb_imbalance[3], lb_gained[3];
	unsigned int lb_hot_gained[3], lb_nobusyg[3], lb_nobusyq[3];
	unsigned int alb_count, alb_failed, alb_pushed;
	unsigned int sbe_count, sbe_balanced, sbe_pushed, sbf_count, sbf_balanced, sbf_pushed;
	unsigned int ttwu_wake_remote, ttwu_move_affine, ttwu_move_balance;
	unsigned long span[];
};

struct static_key { /* include/linux/jump_label.h */
	atomic_t enabled;
};

struct static_key_false {
	struct static_key key;
};
GUEST_TYPES_END

extern struct psi_group __guest psi_system;
extern struct static_key_false __guest psi_disabled;
extern struct rq __guest runqueues;
extern unsigned long __guest jiffies;
extern const char __guest show_schedstat;

/* ---- pressure ---- */

enum {
	STATES_MAX = 16,
	FIXED_SHIFT = 11, /* of averages, as of the load */
	NSEC_PER_USEC = 1000,
};

static void put_average(struct seq_file *m, const char *title, unsigned long v)
{
	seq_printf(m, "%s%lu.%02lu", title, v >> FIXED_SHIFT,
		   ((v & ((1ul << FIXED_SHIFT) - 1)) * 100) >> FIXED_SHIFT);
}

/* One line: `state` is an index into the counters, < 0 for what has no meaning and shows as zeros. */
static void put_line(struct seq_file *m, const char *title, int64_t state)
{
	/* by way of pointers: there are more states than are declared */
	unsigned long __guest *avg = psi_system.avg[0];
	uint64_t __guest *total = psi_system.total[0];
	bool zero = state < 0;

	seq_puts(m, title);
	put_average(m, " avg10=", zero ? 0 : avg[state * 3]);
	put_average(m, " avg60=", zero ? 0 : avg[state * 3 + 1]);
	put_average(m, " avg300=", zero ? 0 : avg[state * 3 + 2]);
	seq_printf(m, " total=%llu\n", (unsigned long long)(zero ? 0 : total[state] / NSEC_PER_USEC));
}

static int pressure_show(struct seq_file *m, int64_t some, int64_t full)
{
	if (some < 0 || some >= STATES_MAX || full >= STATES_MAX)
		return -EIO;
	put_line(m, "some", some);
	put_line(m, "full", full);
	return guest_faulted() ? -EIO : 0;
}

static int io_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return pressure_show(m, guest_enum(enum psi_states, PSI_IO_SOME),
			     guest_enum(enum psi_states, PSI_IO_FULL));
}

static int memory_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	return pressure_show(m, guest_enum(enum psi_states, PSI_MEM_SOME),
			     guest_enum(enum psi_states, PSI_MEM_FULL));
}

/* That all wait for a CPU can't be, but of a control group. */
static int cpu_show(const struct proc_item *it, struct seq_file *m)
{
	int64_t some = guest_enum(enum psi_states, PSI_CPU_SOME);

	(void)it;
	if (guest_has_enum(enum psi_states, PSI_CPU_FULL))
		return pressure_show(m, some, -1);
	if (some < 0 || some >= STATES_MAX)
		return -EIO;
	put_line(m, "some", some);
	return guest_faulted() ? -EIO : 0;
}

static int irq_show(const struct proc_item *it, struct seq_file *m)
{
	int64_t full = guest_enum(enum psi_states, PSI_IRQ_FULL);

	(void)it;
	if (full < 0 || full >= STATES_MAX)
		return -EIO;
	put_line(m, "full", full);
	return guest_faulted() ? -EIO : 0;
}

static bool has_irq(const struct proc_item *it)
{
	(void)it;
	return guest_has_enum(enum psi_states, PSI_IRQ_FULL);
}

bool proc_pressure_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(psi_system) &&
	       !(guest_has_symbol(psi_disabled) && psi_disabled.key.enabled.counter > 0);
}

static void attr(const struct proc_item *it, struct vfs_stat *ret)
{
	(void)it;
	if (!guest_has_enum(enum psi_states, PSI_CPU_FULL))
		ret->mode = PROC_REG(0444); /* not for everybody's triggers yet */
}

const struct proc_row proc_pressure_rows[] = {
	{ .name = "io", .mode = PROC_REG(0666), .show = io_show, .attr = attr },
	{ .name = "cpu", .mode = PROC_REG(0666), .show = cpu_show, .attr = attr },
	{ .name = "irq", .mode = PROC_REG(0666), .show = irq_show, .present = has_irq },
	{ .name = "memory", .mode = PROC_REG(0666), .show = memory_show, .attr = attr },
	{ 0 }
};

/* ---- schedstat ---- */

enum {
	DOMAINS_MAX = 64,
	IDLE_TYPES = 3,
};

/* Since 6.14 imbalance is counted by its kind. */
static bool counts_kinds(void)
{
	return guest_has(struct sched_domain, lb_imbalance_load);
}

static void put_domain(const struct proc_item *it, struct seq_file *m, int index,
		       struct sched_domain __guest *sd)
{
	/* since 7.3 the set of CPUs lies behind the record without a name */
	unsigned long __guest *behind = guest_ptr(unsigned long, guest_addr(sd) + guest_sizeof(struct sched_domain));
	char name[32];

	seq_printf(m, "domain%d ", index);
	if (counts_kinds()) {
		guest_strncpy(name, sd->name, sizeof(name));
		seq_puts(m, name);
		seq_putc(m, ' ');
	}
	proc_put_bitmap(m, guest_has(struct sched_domain, span) ? sd->span : behind, proc_cpumask_bits(it));
	for (int i = 0; i < IDLE_TYPES; i++) {
		seq_printf(m, " %u %u %u", sd->lb_count[i], sd->lb_balanced[i], sd->lb_failed[i]);
		if (counts_kinds())
			seq_printf(m, " %u %u %u %u", sd->lb_imbalance_load[i], sd->lb_imbalance_util[i],
				   sd->lb_imbalance_task[i], sd->lb_imbalance_misfit[i]);
		else
			seq_printf(m, " %u", sd->lb_imbalance[i]);
		seq_printf(m, " %u %u %u %u", sd->lb_gained[i], sd->lb_hot_gained[i], sd->lb_nobusyq[i],
			   sd->lb_nobusyg[i]);
	}
	seq_printf(m, " %u %u %u %u %u %u %u %u %u %u %u %u\n", sd->alb_count, sd->alb_failed,
		   sd->alb_pushed, sd->sbe_count, sd->sbe_balanced, sd->sbe_pushed, sd->sbf_count,
		   sd->sbf_balanced, sd->sbf_pushed, sd->ttwu_wake_remote, sd->ttwu_move_affine,
		   sd->ttwu_move_balance);
}

/* The version also says in which order the kinds of idling are, which is that of an enum. */
int proc_schedstat_show(const struct proc_item *it, struct seq_file *m)
{
	int version = counts_kinds() ? 17 : guest_has_enum(enum cpu_idle_type, __CPU_NOT_IDLE) ? 16 : 15;

	seq_printf(m, "version %d\ntimestamp %lu\n", version, jiffies);
	for_each_online_cpu(cpu) {
		struct rq __guest *rq = guest_per_cpu_ptr(&runqueues, cpu);
		struct guest_bound b = GUEST_BOUND(DOMAINS_MAX);
		struct sched_domain __guest *sd = rq->sd;

		seq_printf(m, "cpu%u %u 0 %u %u %u %u %llu %llu %lu\n", cpu, rq->yld_count,
			   rq->sched_count, rq->sched_goidle, rq->ttwu_count, rq->ttwu_local,
			   rq->rq_cpu_time, rq->rq_sched_info.run_delay, rq->rq_sched_info.pcount);
		for (int i = 0; sd && guest_more_at(&b, sd); i++, sd = sd->parent)
			put_domain(it, m, i, sd);
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_schedstat_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(show_schedstat) &&
	       (counts_kinds() || guest_has(struct sched_domain, lb_imbalance));
}

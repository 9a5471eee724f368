// SPDX-License-Identifier: MIT
/* /proc/PID/sched: kernel/sched/debug.c, proc_sched_show_task(). */
#include "pid.h"

enum {
	NSEC_PER_MSEC = 1000000,
	SCHED_NORMAL = 0,
	SCHED_BATCH = 3,
	SCHED_DEADLINE = 6,
	SCHED_EXT = 7, /* on kernels with that class */
};

GUEST_TYPES_BEGIN
struct static_key { /* include/linux/jump_label.h */
	atomic_t enabled;
};
struct task_group { /* kernel/sched/sched.h */
	struct autogroup __guest *autogroup;
	struct uclamp_se uclamp[1];
};
GUEST_TYPES_END

extern struct static_key __guest sched_schedstats;
extern char __guest ext_sched_class;
extern int __guest numa_node;
extern struct task_group __guest root_task_group;
extern struct uclamp_se __guest uclamp_default[];

static void put(struct seq_file *m, const char *name, int64_t value)
{
	seq_printf(m, "%-45s:%21lld\n", name, (long long)value);
}

/* Milliseconds, of a number that is never below zero where the kernel keeps it. */
static void put_time(struct seq_file *m, const char *name, int64_t ns)
{
	bool below = ns < 0;
	uint64_t size = below ? -(uint64_t)ns : (uint64_t)ns;
	int64_t high = (int64_t)(size / NSEC_PER_MSEC);

	seq_printf(m, "%-45s:%14lld.%06lu\n", name, (long long)(below ? -high : high),
		   (unsigned long)(size % NSEC_PER_MSEC));
}

/* Where all tasks' times are kept, if they are (sched_schedstats). */
static void put_statistics(struct seq_file *m, struct task_struct __guest *t, uint64_t switches)
{
	bool own = guest_has(struct task_struct, stats);
	struct sched_statistics __guest *s = own ? &t->stats : &t->se.statistics;
	uint64_t ran = t->se.sum_exec_runtime, migrations = t->se.nr_migrations;

#define NAME(f)	 (own ? #f : "se.statistics." #f)
#define COUNT(f) put(m, NAME(f), (int64_t)s->f)
#define TIME(f)	 put_time(m, NAME(f), (int64_t)s->f)
	TIME(sum_sleep_runtime);
	if (guest_has(struct sched_statistics, sum_block_runtime))
		TIME(sum_block_runtime);
	TIME(wait_start);
	TIME(sleep_start);
	TIME(block_start);
	TIME(sleep_max);
	TIME(block_max);
	TIME(exec_max);
	TIME(slice_max);
	TIME(wait_max);
	TIME(wait_sum);
	COUNT(wait_count);
	TIME(iowait_sum);
	COUNT(iowait_count);
	COUNT(nr_migrations_cold);
	COUNT(nr_failed_migrations_affine);
	COUNT(nr_failed_migrations_running);
	COUNT(nr_failed_migrations_hot);
	COUNT(nr_forced_migrations);
	COUNT(nr_wakeups);
	COUNT(nr_wakeups_sync);
	COUNT(nr_wakeups_migrate);
	COUNT(nr_wakeups_local);
	COUNT(nr_wakeups_remote);
	COUNT(nr_wakeups_affine);
	COUNT(nr_wakeups_affine_attempts);
	COUNT(nr_wakeups_passive);
	COUNT(nr_wakeups_idle);
	put_time(m, "avg_atom", switches ? (int64_t)(ran / switches) : -1);
	put_time(m, "avg_per_cpu", migrations ? (int64_t)(ran / migrations) : -1);
	if (guest_has(struct sched_statistics, core_forceidle_sum))
		TIME(core_forceidle_sum);
#undef TIME
#undef COUNT
#undef NAME
}

static void put_average(struct seq_file *m, struct sched_avg __guest *a)
{
	const uint32_t mask = 0x7fffffff; /* without UTIL_AVG_UNCHANGED */

	put(m, "se.avg.load_sum", (int64_t)a->load_sum);
	put(m, "se.avg.runnable_sum", (int64_t)a->runnable_sum);
	put(m, "se.avg.util_sum", a->util_sum);
	put(m, "se.avg.load_avg", (int64_t)a->load_avg);
	put(m, "se.avg.runnable_avg", (int64_t)a->runnable_avg);
	put(m, "se.avg.util_avg", (int64_t)a->util_avg);
	put(m, "se.avg.last_update_time", (int64_t)a->last_update_time);
	if (guest_has_type(struct util_est)) {
		struct util_est __guest *e = guest_ptr(struct util_est, guest_addr(&a->util_est[0]));

		put(m, "se.avg.util_est.ewma", e->ewma);
		put(m, "se.avg.util_est.enqueued", e->enqueued & mask);
	} else {
		put(m, "se.avg.util_est", *guest_ptr(uint32_t, guest_addr(&a->util_est[0])) & mask);
	}
}

enum {
	CLAMP_MIN,
	CLAMP_MAX,
};

/* What its group and the system leave of what a task asks for (kernel/sched/core.c: uclamp_eff_value()). */
static unsigned int clamp_of(struct task_struct __guest *t, int which)
{
	struct uclamp_se __guest *now = t->uclamp;
	struct uclamp_se __guest *wanted = t->uclamp_req;
	struct uclamp_se __guest *most = &uclamp_default[0] + which;
	struct task_group __guest *group = t->sched_task_group;
	unsigned int value = (wanted + which)->value;

	if ((now + which)->active)
		return (now + which)->value;
	if (guest_has(struct task_group, uclamp) && !guest_eq(&root_task_group, group) &&
	    !(guest_has(struct task_group, autogroup) && group->autogroup)) {
		struct uclamp_se __guest *limits = group->uclamp;
		unsigned int low = (limits + CLAMP_MIN)->value, high = (limits + CLAMP_MAX)->value;

		value = value < low ? low : value > high ? high : value;
	}
	return value > most->value ? most->value : value;
}

static void put_clamps(struct seq_file *m, struct task_struct __guest *t)
{
	struct uclamp_se __guest *wanted = t->uclamp_req;

	put(m, "uclamp.min", (wanted + CLAMP_MIN)->value);
	put(m, "uclamp.max", (wanted + CLAMP_MAX)->value);
	put(m, "effective uclamp.min", clamp_of(t, CLAMP_MIN));
	put(m, "effective uclamp.max", clamp_of(t, CLAMP_MAX));
}

static void put_numa(struct seq_file *m, struct task_struct __guest *t)
{
	uint32_t cpu = guest_has(struct task_struct, cpu) ? t->cpu : t->thread_info.cpu;
	struct numa_group __guest *group = t->numa_group;
	unsigned long __guest *faults = t->numa_faults;
	struct mm_struct __guest *mm = t->mm;

	if (mm)
		put(m, "mm->numa_scan_seq", mm->numa_scan_seq);
	put(m, "numa_pages_migrated", (int64_t)t->numa_pages_migrated);
	put(m, "numa_preferred_nid", t->numa_preferred_nid);
	put(m, "total_numa_faults", (int64_t)t->total_numa_faults);
	seq_printf(m, "current_node=%d, numa_group_id=%d\n", *guest_per_cpu_ptr(&numa_node, cpu),
		   group ? group->gid : 0);
	for (uint32_t node = 0; node < PROC_NODES; node++) {
		unsigned long own[2] = { 0 }, all[2] = { 0 }; /* shared, private */

		if (!global_node_online(node))
			continue;
		for (uint32_t i = 0; i < 2; i++) {
			if (faults)
				own[i] = faults[2 * node + i];
			if (group)
				all[i] = group->faults[2 * node + i];
		}
		seq_printf(m, "numa_faults node=%u task_private=%lu task_shared=%lu group_private=%lu group_shared=%lu\n",
			   node, own[1], own[0], all[1], all[0]);
	}
}

int proc_pid_sched_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	uint64_t switches = t->nvcsw + t->nivcsw;
	unsigned int policy = t->policy;
	char comm[17];

	guest_strncpy(comm, &t->comm[0], sizeof(comm));
	seq_printf(m, "%s (%d, #threads: %d)\n", comm, it->tid, t->signal->nr_threads);
	seq_puts(m, "-------------------------------------------------------------------\n");
	put_time(m, "se.exec_start", (int64_t)t->se.exec_start);
	put_time(m, "se.vruntime", (int64_t)t->se.vruntime);
	put_time(m, "se.sum_exec_runtime", (int64_t)t->se.sum_exec_runtime);
	put(m, "se.nr_migrations", (int64_t)t->se.nr_migrations);
	if (guest_has_symbol(sched_schedstats) && sched_schedstats.enabled.counter > 0)
		put_statistics(m, t, switches);
	put(m, "nr_switches", (int64_t)switches);
	put(m, "nr_voluntary_switches", (int64_t)t->nvcsw);
	put(m, "nr_involuntary_switches", (int64_t)t->nivcsw);
	put(m, "se.load.weight", (int64_t)t->se.load.weight);
	if (guest_has(struct sched_entity, avg.load_sum))
		put_average(m, &t->se.avg);
	if (guest_has(struct task_struct, uclamp_req))
		put_clamps(m, t);
	put(m, "policy", policy);
	put(m, "prio", t->prio);
	if (policy == SCHED_DEADLINE) {
		put(m, "dl.runtime", t->dl.runtime);
		put(m, "dl.deadline", (int64_t)t->dl.deadline);
	} else if (guest_has(struct sched_entity, slice) &&
		   (policy == SCHED_NORMAL || policy == SCHED_BATCH || policy == SCHED_EXT)) {
		put(m, "se.slice", (int64_t)t->se.slice);
	}
	if (guest_has_symbol(ext_sched_class))
		put(m, "ext.enabled", guest_eq(t->sched_class, &ext_sched_class));
	/* how long reading the clock took: nothing, to who doesn't */
	put(m, "clock-delta", 0);
	if (guest_has(struct task_struct, numa_preferred_nid))
		put_numa(m, t);
	return 0;
}

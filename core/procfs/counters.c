// SPDX-License-Identifier: MIT
/*
 * What several global files need: the guest's clocks, sums over CPUs, counters of zones and nodes.
 */
#include "global.h"

extern struct rq __guest runqueues;
extern struct tick_sched __guest tick_cpu_sched;
extern struct kernel_cpustat __guest kernel_cpustat;
extern int __guest tick_nohz_active;
extern char __guest tk_core, timekeeper_data;
extern unsigned long __guest tick_nsec;
extern atomic_long_t __guest vm_zone_stat[];
extern atomic_long_t __guest vm_node_stat[];
extern struct pglist_data __guest *__guest node_data[];
extern struct pglist_data __guest contig_page_data;
extern unsigned long __guest node_states[];

unsigned int global_hz(void)
{
	static const uint32_t known[] = { 100, 250, 300, 1000 };
	uint64_t ns;

	if (!guest_has_symbol(tick_nsec))
		return 250;
	/* adjtimex() may stretch the tick by a tenth: the nearest of what Kconfig offers */
	ns = tick_nsec;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		uint64_t period = GLOBAL_NSEC_PER_SEC / known[i];

		if (ns > period - period / 8 && ns < period + period / 8)
			return known[i];
	}
	return 250;
}

static struct timekeeper __guest *timekeeper(void)
{
	/* since 6.17 the first of several */
	uint64_t base = guest_has_symbol(timekeeper_data) ? guest_addr(&timekeeper_data) :
			guest_addr(&tk_core);

	/* up to 6.12 the record around it has no name: the sequence counter, then the timekeeper */
	if (guest_has_type(struct tk_data))
		return &guest_ptr(struct tk_data, base)->timekeeper;
	return guest_ptr(struct timekeeper,
			 base + (guest_sizeof(seqcount_raw_spinlock_t) > 8 ? 16 : 8));
}

int64_t proc_boot_time_ns(void)
{
	struct timekeeper __guest *tk = timekeeper();

	return tk->offs_real - tk->offs_boot;
}

void global_time_now(struct global_time *ret)
{
	struct timekeeper __guest *tk = timekeeper();
	uint32_t shift = tk->tkr_mono.shift & 63;
	int64_t mono = tk->tkr_mono.base + (int64_t)(tk->tkr_mono.xtime_nsec >> shift);
	int64_t latest = mono, boot = tk->offs_boot;

	/*
	 * When all CPUs idle nobody updates the timekeeper; each notes the time as it goes to sleep
	 * and wakes, which is later than the last tick.
	 */
	if (guest_has(struct tick_sched, idle_entrytime)) {
		for_each_online_cpu(cpu) {
			struct tick_sched __guest *ts = guest_per_cpu_ptr(&tick_cpu_sched, cpu);
			int64_t entry = ts->idle_entrytime, wake = ts->idle_waketime;

			if (entry > latest)
				latest = entry;
			if (wake > latest)
				latest = wake;
		}
	}
	ret->mono = latest;
	ret->boot = latest + boot;
	ret->boot_real = tk->offs_real - boot;
}

void proc_clocks_now(struct proc_clocks *ret)
{
	struct timekeeper __guest *tk = timekeeper();
	struct global_time now;

	global_time_now(&now);
	ret->mono = now.mono;
	ret->real_ahead = tk->offs_real;
	ret->boot_ahead = tk->offs_boot;
}

/* TS_FLAG_IDLE_ACTIVE of kernel/time/tick-sched.h: a macro, not in memory */
#define TICK_IDLE_ACTIVE (1ul << 2)

void global_idle_of(unsigned int cpu, const struct global_time *now, struct global_idle *ret)
{
	struct tick_sched __guest *ts = guest_per_cpu_ptr(&tick_cpu_sched, cpu);
	struct kernel_cpustat __guest *k = guest_per_cpu_ptr(&kernel_cpustat, cpu);
	uint64_t __guest *stat = k->cpustat;
	int64_t delta = 0, entry;
	bool active, waiting;

	if (!bitmap_test(__cpu_online_mask.bits, cpu) || !tick_nohz_active) {
		ret->idle = stat[guest_enum(enum cpu_usage_stat, CPUTIME_IDLE)];
		ret->iowait = stat[guest_enum(enum cpu_usage_stat, CPUTIME_IOWAIT)];
		return;
	}
	waiting = guest_per_cpu_ptr(&runqueues, cpu)->nr_iowait.counter != 0;
	if (guest_has(struct kernel_cpustat, idle_entrytime)) {
		entry = (int64_t)k->idle_entrytime;
		if (k->idle_elapse && now->mono > entry)
			delta = now->mono - entry;
		ret->idle = stat[guest_enum(enum cpu_usage_stat, CPUTIME_IDLE)] +
			    (uint64_t)(waiting ? 0 : delta);
		ret->iowait = stat[guest_enum(enum cpu_usage_stat, CPUTIME_IOWAIT)] +
			      (uint64_t)(waiting ? delta : 0);
		return;
	}
	if (guest_has_bitfield(struct tick_sched, idle_active))
		active = ts->idle_active;
	else
		active = ts->flags & TICK_IDLE_ACTIVE;
	entry = ts->idle_entrytime;
	if (active && now->mono > entry)
		delta = now->mono - entry;
	/* in whole microseconds: get_cpu_idle_time_us() */
	ret->idle = (uint64_t)(ts->idle_sleeptime + (waiting ? 0 : delta)) / 1000 * 1000;
	ret->iowait = (uint64_t)(ts->iowait_sleeptime + (waiting ? delta : 0)) / 1000 * 1000;
}

unsigned int global_nr_running(void)
{
	unsigned int sum = 0;

	for_each_online_cpu(cpu)
		sum += guest_per_cpu_ptr(&runqueues, cpu)->nr_running;
	return sum;
}

static uint64_t counter_at(const atomic_long_t __guest *counters, int64_t item)
{
	int64_t v;

	if (item < 0 || item > 4096)
		return 0;
	v = counters[item].counter;
	return v < 0 ? 0 : (uint64_t)v;
}

uint64_t global_zone_stat(int64_t item)
{
	return counter_at(vm_zone_stat, item);
}

uint64_t global_node_stat(int64_t item)
{
	return counter_at(vm_node_stat, item);
}

bool global_node_online(uint32_t node)
{
	int64_t online = guest_enum(enum node_states, N_ONLINE);
	int64_t states = guest_enum(enum node_states, NR_NODE_STATES);

	if (node >= GLOBAL_NODES_MAX || online < 0 || online > 16 || states < 1 || states > 16)
		return false;
	/* nodemask_t is as long as MAX_NUMNODES: 1024 bits on Debian's kernels */
	return node_states[online * (GLOBAL_NODES_MAX / 64) + node / 64] >> node % 64 & 1;
}

struct pglist_data __guest *global_node_at(uint32_t node)
{
	if (!guest_has_symbol(node_data))
		return node ? NULL : &contig_page_data;
	return global_node_online(node) ? node_data[node] : NULL;
}

uint32_t global_zones_count(void)
{
	int64_t n = guest_enum(enum zone_type, __MAX_NR_ZONES);

	return n < 1 || n > GLOBAL_ZONES_MAX ? 0 : (uint32_t)n;
}

void global_puts(struct seq_file *m, const char __guest *s, size_t max)
{
	char text[512];

	while (max) {
		size_t want = max < sizeof(text) - 1 ? max : sizeof(text) - 1;
		size_t n = guest_strncpy(text, s, want + 1);

		seq_write(m, text, n);
		if (n < want)
			break;
		s += n;
		max -= n;
	}
}

// SPDX-License-Identifier: MIT
/* /proc/uptime, /proc/loadavg: fs/proc/uptime.c, fs/proc/loadavg.c */
#include "global.h"

GUEST_TYPES_BEGIN
struct pid_namespace { /* include/linux/pid_namespace.h */
	struct idr idr;
};
GUEST_TYPES_END

extern unsigned long __guest avenrun[];
extern int __guest nr_threads;
extern struct pid_namespace __guest init_pid_ns;

int proc_uptime_show(const struct proc_item *it, struct seq_file *m)
{
	struct global_time now;
	uint64_t idle = 0, up;

	(void)it;
	global_time_now(&now);
	for_each_possible_cpu(cpu) {
		struct global_idle t;

		global_idle_of(cpu, &now, &t);
		idle += t.idle;
	}
	if (guest_faulted())
		return -EIO;
	up = (uint64_t)now.boot;
	seq_printf(m, "%llu.%02llu %llu.%02llu\n",
		   (unsigned long long)(up / GLOBAL_NSEC_PER_SEC),
		   (unsigned long long)(up % GLOBAL_NSEC_PER_SEC / 10000000),
		   (unsigned long long)(idle / GLOBAL_NSEC_PER_SEC),
		   (unsigned long long)(idle % GLOBAL_NSEC_PER_SEC / 10000000));
	return 0;
}

/* Loads are fixed point with 11 bits of fraction (FSHIFT); half a hundredth is added to round. */
int proc_loadavg_show(const struct proc_item *it, struct seq_file *m)
{
	unsigned int running;
	int threads, last;

	(void)it;
	running = global_nr_running();
	threads = nr_threads;
	last = (int)init_pid_ns.idr.idr_next - 1;
	for (int i = 0; i < 3; i++) {
		unsigned long load = avenrun[i] + (1ul << 11) / 200;

		seq_printf(m, "%lu.%02lu ", load >> 11, (load & ((1ul << 11) - 1)) * 100 >> 11);
	}
	seq_printf(m, "%u/%d %d\n", running, threads, last);
	return guest_faulted() ? -EIO : 0;
}

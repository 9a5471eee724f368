// SPDX-License-Identifier: MIT
/*
 * What the files of /proc/sys hold. Each sysctl names the kernel function that prints it; those
 * that do it alike share a way of printing here. A handler that isn't known gives -EIO: see
 * docs/PROCFS-GLOBAL.md. Formats: kernel/sysctl.c and the files named below.
 */
#include "klib/text.h"
#include "sysctl.h"

GUEST_TYPES_BEGIN
/* include/linux/pid.h, include/linux/pid_namespace.h */
struct upid {
	int nr;
};
struct pid {
	struct upid numbers[1];
};
struct pid_namespace {
	struct idr idr;
};
/* include/linux/jump_label.h */
struct static_key {
	atomic_t enabled;
};
/* include/linux/capability.h: `val` since 6.3 */
typedef struct kernel_cap_struct {
	uint32_t cap[2];
} kernel_cap_t;
/* include/net/tcp.h */
struct tcp_congestion_ops {
	uint32_t flags;
	char name[16];
	struct list_head list;
};
struct tcp_ulp_ops {
	struct list_head list;
	char name[16];
};
/* include/linux/quota.h */
struct dqstats {
	unsigned long stat[1];
	struct percpu_counter counter[1];
};
/* include/net/sch_generic.h */
struct Qdisc_ops {
	char id[16];
};
/* include/linux/netdevice.h */
struct rps_sock_flow_table {
	uint32_t mask;
};
struct softnet_data {
	void __guest *flow_limit;
};
/* include/linux/sched/topology.h */
struct sd_flag_debug {
	const char __guest *name;
};
/* include/net/mptcp.h */
struct mptcp_sched_ops {
	char name[16];
	struct list_head list;
};
/* include/net/hotdata.h, since 6.9 */
struct net_hotdata {
	struct rps_sock_flow_table __guest *rps_sock_flow_table;
};
/* kernel/kexec_core.c */
struct kexec_load_limit {
	int limit;
};
/* include/net/ipv6.h, net/ipv6/addrconf.c */
struct ipv6_stable_secret {
	bool initialized;
	uint8_t secret[16];
};
/* include/net/inet_hashtables.h */
struct inet_hashinfo {
	unsigned int ehash_mask;
};
GUEST_TYPES_END

enum {
	VALUE_BYTES_MAX = 1 << 16, /* of one sysctl, however long its table says it is */
	VALUE_BITS_MAX = 1 << 20,
};

/* What a table says, read once. */
struct value {
	struct seq_file *m;
	uint64_t data;
	uint64_t handler;
	uint32_t maxlen;
};

/* Numbers of one line are apart by tabs. */
static void put_ulong(struct seq_file *m, bool first, uint64_t v, bool negative)
{
	if (!first)
		seq_putc(m, '\t');
	if (negative)
		seq_putc(m, '-');
	seq_put_decimal_ull(m, "", v);
}

static int show_line(struct value *v, uint64_t n)
{
	put_ulong(v->m, true, n, false);
	seq_putc(v->m, '\n');
	return 0;
}

static int show_int_line(struct value *v, int32_t n)
{
	put_ulong(v->m, true, n < 0 ? -(uint64_t)(int64_t)n : (uint64_t)n, n < 0);
	seq_putc(v->m, '\n');
	return 0;
}

enum int_unit {
	INT_PLAIN,
	INT_JIFFIES,	    /* shown in seconds */
	INT_USERHZ_JIFFIES, /* in clock ticks of user space */
	INT_MS_JIFFIES,	    /* in milliseconds */
};

static uint64_t int_convert(uint64_t n, enum int_unit unit)
{
	uint64_t hz = global_hz();

	switch (unit) {
	case INT_JIFFIES:
		return n / hz;
	case INT_USERHZ_JIFFIES:
		return n * GLOBAL_USER_HZ / hz;
	case INT_MS_JIFFIES:
		return (uint32_t)((n * 1000 + hz - 1) / hz);
	case INT_PLAIN:
		break;
	}
	return n;
}

static int show_ints(struct value *v, enum int_unit unit)
{
	int __guest *data = guest_ptr(int, v->data);
	uint32_t count = v->maxlen / sizeof(*data);

	if (!v->data)
		return 0;
	for (uint32_t i = 0; i < count && !guest_faulted(); i++) {
		int64_t n = data[i];

		put_ulong(v->m, !i, int_convert(n < 0 ? -(uint64_t)n : (uint64_t)n, unit), n < 0);
	}
	if (count)
		seq_putc(v->m, '\n');
	return 0;
}

/* One number only: arrays are refused by the handler. */
static int show_uint(struct value *v)
{
	if (!v->data || !v->maxlen)
		return 0;
	if (v->maxlen != sizeof(unsigned int))
		return -EINVAL;
	return show_line(v, *guest_ptr(unsigned int, v->data));
}

/* What was an int in older kernels: proc_dou8vec_minmax() came in 5.13. */
static int show_byte(struct value *v)
{
	if (v->maxlen == sizeof(int))
		return show_ints(v, INT_PLAIN);
	if (v->maxlen != 1)
		return -EINVAL;
	return v->data ? show_line(v, *guest_ptr(uint8_t, v->data)) : 0;
}

/* A bool is an int for proc_dobool() up to 6.3. */
static int show_bool(struct value *v)
{
	if (v->maxlen == sizeof(int))
		return show_ints(v, INT_PLAIN);
	return show_byte(v);
}

static int show_ulongs(struct value *v, uint64_t mul, uint64_t div)
{
	unsigned long __guest *data = guest_ptr(unsigned long, v->data);
	uint32_t count = v->maxlen / sizeof(*data);

	if (!v->data)
		return 0;
	for (uint32_t i = 0; i < count && !guest_faulted(); i++)
		put_ulong(v->m, !i, mul * data[i] / div, false);
	if (count)
		seq_putc(v->m, '\n');
	return 0;
}

static int show_text(struct value *v)
{
	if (!v->data || !v->maxlen)
		return 0;
	global_puts(v->m, guest_ptr(char, v->data), v->maxlen);
	seq_putc(v->m, '\n');
	return 0;
}

/* Bits of a bitmap whose address is at data, as ranges: proc_do_large_bitmap(). */
static int show_bitmap(struct value *v)
{
	unsigned int size = v->maxlen < VALUE_BITS_MAX ? v->maxlen : VALUE_BITS_MAX, bit, end;
	unsigned long __guest *bits;
	bool first = true;

	if (!v->data)
		return 0;
	bits = *guest_ptr(unsigned long __guest *, v->data);
	if (!bits || !size)
		return 0;
	for (bit = bitmap_next(bits, 0, size); bit < size; bit = bitmap_next(bits, end, size)) {
		for (end = bit + 1; end < size && bitmap_test(bits, end); end++)
			;
		if (!first)
			seq_putc(v->m, ',');
		first = false;
		seq_put_decimal_ull(v->m, "", bit);
		if (end > bit + 1)
			seq_put_decimal_ull(v->m, "-", end - 1);
		if (guest_faulted())
			break;
	}
	seq_putc(v->m, '\n');
	return 0;
}

/* ---- handlers that compute what they print ---- */

extern unsigned long __guest tainted_mask;
extern bool __guest sysrq_always_enabled;
extern int __guest sysrq_enabled;
extern struct pid __guest *__guest cad_pid;
extern struct pid_namespace __guest init_pid_ns;
extern struct percpu_counter __guest nr_files;
extern char __guest __percpu_counter_sum[], proc_nr_files[];
extern unsigned long __guest watchdog_enabled;
extern long __guest nr_dentry;
extern long __guest nr_dentry_unused;
extern long __guest nr_dentry_negative;
extern unsigned long __guest nr_inodes;
extern unsigned long __guest nr_unused;
extern struct static_key __guest sched_schedstats;
extern int __guest sysctl_numa_balancing_mode;
extern struct static_key __guest sched_numa_balancing;
extern struct static_key __guest bpf_stats_enabled_key;
extern int __guest max_threads;
extern struct hstate __guest hstates[];
extern unsigned int __guest default_hstate_idx;
extern kernel_cap_t __guest usermodehelper_bset;
extern kernel_cap_t __guest usermodehelper_inheritable;
extern uint32_t __guest seccomp_actions_logged;
extern struct rps_sock_flow_table __guest *__guest rps_sock_flow_table;
extern struct softnet_data __guest softnet_data;
extern struct Qdisc_ops __guest *__guest default_qdisc_ops;
extern uint8_t __guest netdev_rss_key[];
extern struct list_head __guest tcp_cong_list;
extern struct list_head __guest tcp_ulp_list;
extern struct inet_hashinfo __guest tcp_hashinfo;
extern struct dqstats __guest dqstats;
extern struct list_head __guest mptcp_sched_list;
extern struct sd_flag_debug __guest sd_flag_debug[];
extern struct net_hotdata __guest net_hotdata;
extern struct sched_domain __guest *__guest sd_asym_cpucapacity;
extern struct static_key __guest nf_hooks_lwtunnel_enabled;
extern int __guest delayacct_on;
extern struct net __guest init_net;

enum {
	HSTATES_MAX = 16,
	NF_LOGGERS_MAX = 64,
	DQSTATS_MAX = 64,
	FASTOPEN_KEYS_MAX = 2,
	RSS_KEY_SIZE = 256, /* NETDEV_RSS_KEY_LEN since 6.19 */
	RSS_KEY_SIZE_SHORT = 52,
	TCP_CONG_NON_RESTRICTED = 1, /* include/net/tcp.h: BIT(0) */
	ETH_FRAME_LEN = 1514,
	SMP_CACHE_BYTES = 64,
};

static long cpus_sum(long __guest *count)
{
	long sum = per_cpu_sum(count);

	return sum < 0 ? 0 : sum;
}

/* A record of longs of which some are computed when it is read. */
static int show_ulongs_with(struct value *v, const long *computed, uint32_t known)
{
	unsigned long __guest *data = guest_ptr(unsigned long, v->data);
	uint32_t count = v->maxlen / sizeof(*data);

	for (uint32_t i = 0; i < count && !guest_faulted(); i++)
		put_ulong(v->m, !i, i < known && computed[i] >= 0 ? (uint64_t)computed[i] : data[i],
			  false);
	if (count)
		seq_putc(v->m, '\n');
	return 0;
}

/* fs/dcache.c: used, unused, two constants, negative ones */
static int show_dentries(struct value *v)
{
	const long computed[] = {
		cpus_sum(&nr_dentry), cpus_sum(&nr_dentry_unused), -1, -1,
		cpus_sum(&nr_dentry_negative),
	};

	return show_ulongs_with(v, computed, 5);
}

static int show_inodes(struct value *v)
{
	const long computed[] = {
		cpus_sum((long __guest *)&nr_inodes), cpus_sum((long __guest *)&nr_unused),
	};

	return show_ulongs_with(v, computed, 2);
}

/* Which of the detectors (hard lock-ups: 1, soft: 2) run: what a reader is shown, not what was set. */
static int show_watchdog(struct value *v, unsigned long detectors)
{
	return show_int_line(v, guest_has_symbol(watchdog_enabled) && watchdog_enabled & detectors);
}

static int show_files(struct value *v)
{
	/* exact in newer kernels */
	bool exact = klib_text_refers(guest_addr(proc_nr_files), 128,
				      guest_addr(__percpu_counter_sum));
	const long computed[] = { (long)(exact ? percpu_counter_sum_positive(&nr_files) :
						 percpu_counter_read_positive(&nr_files)) };

	return show_ulongs_with(v, computed, 1);
}

/* kernel/sched/core.c: a mode since 5.18, before only a switch */
static int show_numa_balancing(struct value *v)
{
	if (guest_has_symbol(sysctl_numa_balancing_mode))
		return show_int_line(v, sysctl_numa_balancing_mode);
	return show_line(v, sched_numa_balancing.enabled.counter != 0);
}

static int show_reachable_time(struct value *v, struct ctl_table __guest *table)
{
	char name[32];

	guest_strncpy(name, table->procname, sizeof(name));
	return show_ints(v, strcmp(name, "base_reachable_time_ms") ? INT_JIFFIES : INT_MS_JIFFIES);
}

static int show_huge(struct value *v, bool overcommit)
{
	uint32_t i = default_hstate_idx;
	struct hstate __guest *h = &hstates[0] + i;

	if (i >= HSTATES_MAX)
		return -EIO;
	return show_line(v, overcommit ? h->nr_overcommit_huge_pages : h->max_huge_pages);
}

/* kernel/umh.c: which of the two sets is told by a small number in place of an address */
static int show_caps(struct value *v)
{
	kernel_cap_t __guest *set = v->data == 1 ? &usermodehelper_bset :
						   &usermodehelper_inheritable;
	uint32_t __guest *words = guest_ptr(uint32_t, guest_addr(set));

	put_ulong(v->m, true, words[0], false);
	put_ulong(v->m, false, words[1], false);
	seq_putc(v->m, '\n');
	return 0;
}

/* kernel/seccomp.c: bits of SECCOMP_LOG_* in the order of their names' table */
static int show_seccomp(struct value *v)
{
	static const char *const names[] = {
		"kill_process", "kill_thread", "trap", "errno", "user_notif", "trace", "log",
		"allow",
	};
	static const uint8_t bits[] = { 0, 1, 2, 3, 7, 4, 5, 6 };
	uint32_t logged = seccomp_actions_logged;
	const char *sep = "";

	for (size_t i = 0; i < sizeof(bits); i++) {
		if (!(logged >> bits[i] & 1))
			continue;
		seq_puts(v->m, sep);
		seq_puts(v->m, names[i]);
		sep = " ";
	}
	seq_putc(v->m, '\n');
	return 0;
}

static int show_uuid(struct value *v)
{
	uint8_t id[16];

	/* without data it is a new random number at each read, which nobody can foresee */
	if (!v->data)
		return -EIO;
	guest_read(id, guest_ptr(uint8_t, v->data), sizeof(id));
	for (int i = 0; i < 16; i++)
		seq_printf(v->m, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", id[i]);
	seq_putc(v->m, '\n');
	return 0;
}

/* A set of CPUs as %*pb prints it: 32 bits a group, the highest first. */
static void put_cpus(struct seq_file *m, bool (*has)(const void *arg, unsigned int cpu),
		     const void *arg)
{
	unsigned int bits = cpu_ids(), groups = (bits + 31) / 32;

	for (unsigned int g = groups; g--;) {
		unsigned int width = bits - g * 32 < 32 ? bits - g * 32 : 32;
		uint32_t word = 0;

		for (unsigned int b = 0; b < width; b++)
			word |= (uint32_t)has(arg, g * 32 + b) << b;
		seq_put_hex_ll(m, g == groups - 1 ? "" : ",", word, (width + 3) / 4);
	}
	seq_putc(m, '\n');
}

static bool cpu_has_flow_limit(const void *arg, unsigned int cpu)
{
	(void)arg;
	return bitmap_test(__cpu_possible_mask.bits, cpu) &&
	       guest_per_cpu_ptr(&softnet_data, cpu)->flow_limit;
}

static bool cpu_in_mask(const void *arg, unsigned int cpu)
{
	const uint64_t *mask = arg;

	return *mask && bitmap_test(guest_ptr(struct cpumask, *mask)->bits, cpu);
}

static int show_rps_mask(struct value *v)
{
	uint64_t mask = guest_addr(init_net.core.rps_default_mask);

	put_cpus(v->m, cpu_in_mask, &mask);
	return 0;
}

static int show_flow_limit(struct value *v)
{
	put_cpus(v->m, cpu_has_flow_limit, NULL);
	return 0;
}

static int show_rps_flows(struct value *v)
{
	struct rps_sock_flow_table __guest *t = guest_has_symbol(rps_sock_flow_table) ?
							rps_sock_flow_table :
							net_hotdata.rps_sock_flow_table;

	return show_line(v, t ? t->mask + 1 : 0);
}

/* kernel/sched/topology.c: since 6.7 empty where it can't be used: no CPUs of unequal strength */
static int show_energy_aware(struct value *v)
{
	if (guest_has_symbol(sched_is_eas_possible)) {
		bool any = false;

		for_each_online_cpu(cpu)
			any = any || *guest_per_cpu_ptr(&sd_asym_cpucapacity, cpu);
		if (!any)
			return 0;
	}
	return show_ints(v, INT_PLAIN);
}

/* kernel/sched/debug.c, up to 5.12: the names of the flags, each with a space after it */
static int show_domain_flags(struct value *v)
{
	uint32_t flags = *guest_ptr(unsigned int, v->data);

	for (int i = 0; i < 32; i++) {
		struct sd_flag_debug __guest *f = &sd_flag_debug[0] + i;

		if (!(flags >> i & 1) || guest_faulted())
			continue;
		global_puts(v->m, f->name, 63);
		seq_putc(v->m, ' ');
	}
	seq_putc(v->m, '\n');
	return 0;
}

static int show_mptcp_schedulers(struct value *v)
{
	struct mptcp_sched_ops __guest *sched;
	const char *sep = "";

	list_for_each_entry(sched, &mptcp_sched_list, list) {
		seq_puts(v->m, sep);
		global_puts(v->m, sched->name, 16);
		sep = " ";
	}
	seq_putc(v->m, '\n');
	return 0;
}

/* The symbol that the last byte of a long key is in tells whether it is one. */
static int show_rss_key(const struct proc_item *it, struct value *v)
{
	static const char own[] = "netdev_rss_key";
	uint8_t key[RSS_KEY_SIZE];
	char name[sizeof(own)];
	size_t length = procfs_symbol_name(it->fs, guest_addr(netdev_rss_key) + RSS_KEY_SIZE - 1, name,
					   sizeof(name));
	int size = length == sizeof(own) - 1 && !memcmp(name, own, length) ? RSS_KEY_SIZE :
									     RSS_KEY_SIZE_SHORT;

	guest_read(key, netdev_rss_key, (size_t)size);
	for (int i = 0; i < size; i++)
		seq_printf(v->m, i ? ":%02x" : "%02x", key[i]);
	seq_putc(v->m, '\n');
	return 0;
}

static int show_name(struct value *v, const char __guest *name)
{
	global_puts(v->m, name, 16);
	seq_putc(v->m, '\n');
	return 0;
}

static int show_congestion(struct value *v, bool all)
{
	struct tcp_congestion_ops __guest *ca;
	const char *sep = "";

	list_for_each_entry(ca, &tcp_cong_list, list) {
		if (!all && !(ca->flags & TCP_CONG_NON_RESTRICTED))
			continue;
		seq_puts(v->m, sep);
		global_puts(v->m, ca->name, 16);
		sep = " ";
	}
	seq_putc(v->m, '\n');
	return 0;
}

static int show_ulps(struct value *v)
{
	struct tcp_ulp_ops __guest *ulp;
	const char *sep = "";

	list_for_each_entry(ulp, &tcp_ulp_list, list) {
		seq_puts(v->m, sep);
		global_puts(v->m, ulp->name, 16);
		sep = " ";
	}
	seq_putc(v->m, '\n');
	return 0;
}

/* SKB_TRUESIZE() of a full Ethernet frame: what a queued packet is taken to cost. */
static int show_unres_qlen(struct value *v)
{
	uint64_t align = SMP_CACHE_BYTES - 1;
	uint64_t size = ETH_FRAME_LEN + ((guest_sizeof(struct sk_buff) + align) & ~align) +
			((guest_sizeof(struct skb_shared_info) + align) & ~align);

	return show_int_line(v, (int32_t)((uint64_t)*guest_ptr(int, v->data) / size));
}

static int show_stable_secret(struct value *v)
{
	struct ipv6_stable_secret __guest *s = guest_ptr(struct ipv6_stable_secret, v->data);
	uint8_t a[16];

	if (!v->data || !s->initialized)
		return -EIO;
	guest_read(a, s->secret, sizeof(a));
	for (int i = 0; i < 16; i += 2)
		seq_printf(v->m, i ? ":%02x%02x" : "%02x%02x", a[i], a[i + 1]);
	seq_putc(v->m, '\n');
	return 0;
}

/* fs/quota/dquot.c: the table's data says which counter; it is summed up when read */
static int show_dqstat(struct value *v)
{
	struct percpu_counter __guest *counters = dqstats.counter;
	uint64_t i = (v->data - guest_addr(&dqstats.stat)) / sizeof(long);
	int64_t n;

	if (i >= DQSTATS_MAX)
		return -EIO;
	n = percpu_counter_sum(counters + i);
	/* only the counts of what there is now can't be negative */
	if (n < 0 && ((int64_t)i == guest_enum_any(DQST_ALLOC_DQUOTS) ||
		      (int64_t)i == guest_enum_any(DQST_FREE_DQUOTS)))
		n = 0;
	return show_line(v, (uint64_t)n);
}

/* Keys as four 32-bit numbers each, the second after a comma; none yet: zeros. */
static int show_fastopen_key(struct value *v)
{
	struct tcp_fastopen_context __guest *ctx = init_net.ipv4.tcp_fastopen_ctx;
	uint32_t words[FASTOPEN_KEYS_MAX * 4] = {0};
	int keys = ctx ? ctx->num : 0;

	if (keys < 1 || keys > FASTOPEN_KEYS_MAX)
		keys = 1;
	else
		guest_read(words, &ctx->key, (size_t)keys * 16);
	for (int i = 0; i < keys * 4; i++) {
		if (i)
			seq_putc(v->m, i % 4 ? '-' : ',');
		seq_put_hex_ll(v->m, "", words[i], 8);
	}
	seq_putc(v->m, '\n');
	return 0;
}

/* net/netfilter/nf_log.c: which logger serves a protocol family */
static int show_nf_logger(struct value *v, struct ctl_table __guest *table)
{
	struct nf_logger __guest *__guest *loggers = init_net.nf.nf_loggers;
	uint64_t family = guest_addr(table->extra1);

	if (family >= NF_LOGGERS_MAX)
		return -EIO;
	if (loggers[family])
		global_puts(v->m, loggers[family]->name, 63);
	else
		seq_puts(v->m, "NONE");
	seq_putc(v->m, '\n');
	return 0;
}

/* net/ipv6/ndisc.c: four sysctls with one handler, told apart by name */
static int show_ndisc(struct value *v, struct ctl_table __guest *table)
{
	char name[32];

	guest_strncpy(name, table->procname, sizeof(name));
	if (!strcmp(name, "retrans_time"))
		return show_ints(v, INT_PLAIN);
	if (!strcmp(name, "base_reachable_time"))
		return show_ints(v, INT_JIFFIES);
	return show_ints(v, INT_MS_JIFFIES);
}

/* Group numbers of the initial user namespace. */
static int show_gid_range(struct value *v)
{
	unsigned int __guest *range = guest_ptr(unsigned int, v->data);

	put_ulong(v->m, true, range[0], false);
	put_ulong(v->m, false, range[1], false);
	seq_putc(v->m, '\n');
	return 0;
}

/* Two ints; since 6.8 one number for both, and the table's data is the namespace. */
static int show_port_range(struct value *v)
{
	unsigned int __guest *range = guest_ptr(unsigned int, v->data);
	uint32_t low, high;

	if (guest_eq(v->data, &init_net)) {
		uint32_t both = init_net.ipv4.ip_local_ports.range;

		low = both & 0xffff;
		high = both >> 16;
	} else {
		low = range[0];
		high = range[1];
	}
	put_ulong(v->m, true, low, false);
	put_ulong(v->m, false, high, false);
	seq_putc(v->m, '\n');
	return 0;
}

/* ---- which handler is which ---- */

extern char __guest proc_dointvec[];
extern char __guest proc_dointvec_minmax[];
extern char __guest proc_dointvec_minmax_sysadmin[];
extern char __guest proc_dointvec_minmax_coredump[];
extern char __guest proc_dointvec_minmax_warn_RT_change[];
extern char __guest proc_dointvec_minmax_bpf_restricted[];
extern char __guest proc_dointvec_minmax_bpf_enable[];
extern char __guest proc_do_rointvec[];
extern char __guest proc_do_dev_weight[];
extern char __guest sched_rr_handler[];
extern char __guest sched_rt_handler[];
extern char __guest sched_proc_update_handler[];
extern char __guest sysctl_sched_uclamp_handler[];
extern char __guest sched_itmt_update_handler[];
extern char __guest sysctl_latencytop[];
extern char __guest stack_trace_sysctl[];
extern char __guest ftrace_enable_sysctl[];
extern char __guest tracepoint_printk_sysctl[];
extern char __guest timer_migration_handler[];
extern char __guest mac_hid_toggle_emumouse[];
extern char __guest proc_watchdog[];
extern char __guest proc_nmi_watchdog[];
extern char __guest proc_soft_watchdog[];
extern char __guest proc_watchdog_thresh[];
extern char __guest sysctl_vm_numa_stat_handler[];
extern char __guest perf_proc_update_handler[];
extern char __guest perf_event_max_sample_rate_handler[];
extern char __guest perf_cpu_time_max_percent_handler[];
extern char __guest perf_event_max_stack_handler[];
extern char __guest dirty_background_ratio_handler[];
extern char __guest dirty_ratio_handler[];
extern char __guest dirty_writeback_centisecs_handler[];
extern char __guest dirtytime_interval_handler[];
extern char __guest overcommit_policy_handler[];
extern char __guest overcommit_ratio_handler[];
extern char __guest lowmem_reserve_ratio_sysctl_handler[];
extern char __guest min_free_kbytes_sysctl_handler[];
extern char __guest watermark_scale_factor_sysctl_handler[];
extern char __guest watermark_boost_factor_sysctl_handler[];
extern char __guest percpu_pagelist_fraction_sysctl_handler[];
extern char __guest percpu_pagelist_high_fraction_sysctl_handler[];
extern char __guest sysctl_min_unmapped_ratio_sysctl_handler[];
extern char __guest sysctl_min_slab_ratio_sysctl_handler[];
extern char __guest compaction_proactiveness_sysctl_handler[];
extern char __guest sysctl_compaction_handler[];
extern char __guest bpf_unpriv_handler[];
extern char __guest stack_erasing_sysctl[];
extern char __guest proc_kprobes_optimization_handler[];
extern char __guest proc_ipc_dointvec[];
extern char __guest proc_ipc_dointvec_minmax[];
extern char __guest proc_ipc_dointvec_minmax_orphans[];
extern char __guest proc_ipc_sem_dointvec[];
extern char __guest proc_mq_dointvec[];
extern char __guest proc_mq_dointvec_minmax[];
extern char __guest yama_dointvec_minmax[];
extern char __guest apparmor_dointvec[];
extern char __guest cdrom_sysctl_handler[];
extern char __guest pid_mfd_noexec_dointvec_minmax[];
extern char __guest devinet_conf_proc[];
extern char __guest devinet_sysctl_forward[];
extern char __guest ipv4_doint_and_flush[];
extern char __guest neigh_proc_dointvec_zero_intmax[];
extern char __guest ipv4_privileged_ports[];
extern char __guest addrconf_sysctl_forward[];
extern char __guest addrconf_sysctl_mtu[];
extern char __guest addrconf_sysctl_proxy_ndp[];
extern char __guest addrconf_sysctl_disable[];
extern char __guest addrconf_sysctl_disable_policy[];
extern char __guest addrconf_sysctl_ignore_routes_with_linkdown[];
extern char __guest addrconf_sysctl_addr_gen_mode[];
extern char __guest flow_limit_table_len_sysctl[];
extern char __guest proc_tfo_blackhole_detect_timeout[];
extern char __guest proc_blackhole_detect_timeout[];
extern char __guest proc_udp_early_demux[];
extern char __guest proc_tcp_early_demux[];
extern char __guest nf_conntrack_hash_sysctl[];
extern char __guest set_max_user_events_sysctl[];
extern char __guest proc_douintvec[];
extern char __guest proc_douintvec_minmax[];
extern char __guest proc_dopipe_max_size[];
extern char __guest proc_fib_multipath_hash_fields[];
extern char __guest proc_rt6_multipath_hash_fields[];
extern char __guest proc_dou8vec_minmax[];
extern char __guest ipv4_fwd_update_priority[];
extern char __guest proc_fib_multipath_hash_policy[];
extern char __guest proc_rt6_multipath_hash_policy[];
extern char __guest proc_dobool[];
extern char __guest proc_dointvec_jiffies[];
extern char __guest neigh_proc_dointvec_jiffies[];
extern char __guest proc_dointvec_userhz_jiffies[];
extern char __guest neigh_proc_dointvec_userhz_jiffies[];
extern char __guest proc_dointvec_ms_jiffies[];
extern char __guest proc_dointvec_ms_jiffies_minmax[];
extern char __guest neigh_proc_dointvec_ms_jiffies[];
extern char __guest neigh_proc_dointvec_ms_jiffies_positive[];
extern char __guest proc_doulongvec_minmax[];
extern char __guest dirty_background_bytes_handler[];
extern char __guest dirty_bytes_handler[];
extern char __guest overcommit_kbytes_handler[];
extern char __guest mmap_min_addr_handler[];
extern char __guest proc_dohung_task_timeout_secs[];
extern char __guest proc_dolongvec_minmax_bpf_restricted[];
extern char __guest proc_ipc_doulongvec_minmax[];
extern char __guest proc_doulongvec_ms_jiffies_minmax[];
extern char __guest proc_dostring[];
extern char __guest proc_do_uts_string[];
extern char __guest proc_dostring_coredump[];
extern char __guest devkmsg_sysctl_set_loglvl[];
extern char __guest numa_zonelist_order_handler[];
extern char __guest proc_do_large_bitmap[];
extern char __guest proc_watchdog_cpumask[];
extern char __guest proc_do_static_key[];
extern char __guest proc_taint[];
extern char __guest sysrq_sysctl_handler[];
extern char __guest proc_do_cad_pid[];
extern char __guest pid_ns_ctl_handler[];
extern char __guest proc_nr_dentry[];
extern char __guest proc_nr_inodes[];
extern char __guest sysctl_schedstats[];
extern char __guest sysctl_numa_balancing[];
extern char __guest bpf_stats_handler[];
extern char __guest sysctl_max_threads[];
extern char __guest hugetlb_sysctl_handler[];
extern char __guest hugetlb_mempolicy_sysctl_handler[];
extern char __guest hugetlb_overcommit_handler[];
extern char __guest proc_cap_handler[];
extern char __guest seccomp_actions_logged_handler[];
extern char __guest proc_do_uuid[];
extern char __guest proc_ipc_auto_msgmni[];
extern char __guest rps_sock_flow_sysctl[];
extern char __guest flow_limit_cpu_sysctl[];
extern char __guest set_default_qdisc[];
extern char __guest proc_do_rss_key[];
extern char __guest ipv4_local_port_range[];
extern char __guest ipv4_ping_group_range[];
extern char __guest proc_tcp_congestion_control[];
extern char __guest proc_tcp_available_congestion_control[];
extern char __guest proc_allowed_congestion_control[];
extern char __guest proc_tcp_available_ulp[];
extern char __guest proc_tcp_ehash_entries[];
extern char __guest neigh_proc_dointvec_unres_qlen[];
extern char __guest neigh_proc_base_reachable_time[];
extern char __guest addrconf_sysctl_stable_secret[];
extern char __guest do_proc_dqstats[];
extern char __guest sysctl_delayacct[];
extern char __guest proc_tcp_fastopen_key[];
extern char __guest nf_log_proc_dostring[];
extern char __guest ndisc_ifinfo_sysctl_change[];
extern char __guest vmstat_refresh[];
extern char __guest sched_energy_aware_handler[];
extern char __guest kexec_limit_handler[];
extern char __guest rps_default_mask_sysctl[];
extern char __guest proc_udp_hash_entries[];
extern char __guest proc_fib_multipath_hash_seed[];
extern char __guest proc_available_schedulers[];
extern char __guest proc_scheduler[];
extern char __guest nf_hooks_lwtunnel_sysctl_handler[];
extern char __guest sd_ctl_doflags[];

#define IS(handler_name) (guest_has_symbol(handler_name) && v.handler == guest_addr(handler_name))

int sysctl_value(const struct proc_item *it, struct ctl_table __guest *table, struct seq_file *m)
{
	uint32_t maxlen = (uint32_t)table->maxlen;
	struct value v = {
		.m = m,
		.data = guest_addr(table->data),
		.handler = guest_addr(table->proc_handler),
		.maxlen = maxlen < VALUE_BYTES_MAX ? maxlen : VALUE_BYTES_MAX,
	};

	if (IS(proc_dointvec) || IS(proc_dointvec_minmax) || IS(proc_dointvec_minmax_sysadmin) ||
	    IS(proc_dointvec_minmax_coredump) || IS(proc_dointvec_minmax_warn_RT_change) ||
	    IS(proc_dointvec_minmax_bpf_restricted) || IS(proc_dointvec_minmax_bpf_enable) ||
	    IS(proc_do_rointvec) || IS(proc_do_dev_weight) || IS(sched_rr_handler) ||
	    IS(sched_rt_handler) || IS(sched_proc_update_handler) ||
	    IS(sysctl_sched_uclamp_handler) ||
	    IS(sched_itmt_update_handler) || IS(sysctl_latencytop) || IS(stack_trace_sysctl) ||
	    IS(ftrace_enable_sysctl) || IS(tracepoint_printk_sysctl) ||
	    IS(timer_migration_handler) || IS(mac_hid_toggle_emumouse) ||
	    IS(proc_watchdog_thresh) ||
	    IS(sysctl_vm_numa_stat_handler) || IS(perf_proc_update_handler) ||
	    IS(perf_event_max_sample_rate_handler) || IS(perf_cpu_time_max_percent_handler) ||
	    IS(perf_event_max_stack_handler) || IS(dirty_background_ratio_handler) ||
	    IS(dirty_ratio_handler) || IS(dirty_writeback_centisecs_handler) ||
	    IS(dirtytime_interval_handler) || IS(overcommit_policy_handler) ||
	    IS(overcommit_ratio_handler) || IS(lowmem_reserve_ratio_sysctl_handler) ||
	    IS(min_free_kbytes_sysctl_handler) || IS(watermark_scale_factor_sysctl_handler) ||
	    IS(watermark_boost_factor_sysctl_handler) ||
	    IS(percpu_pagelist_fraction_sysctl_handler) ||
	    IS(percpu_pagelist_high_fraction_sysctl_handler) ||
	    IS(sysctl_min_unmapped_ratio_sysctl_handler) ||
	    IS(sysctl_min_slab_ratio_sysctl_handler) ||
	    IS(compaction_proactiveness_sysctl_handler) || IS(sysctl_compaction_handler) ||
	    IS(bpf_unpriv_handler) || IS(stack_erasing_sysctl) ||
	    IS(proc_kprobes_optimization_handler) ||
	    IS(proc_ipc_dointvec) || IS(proc_ipc_dointvec_minmax) ||
	    IS(proc_ipc_dointvec_minmax_orphans) || IS(proc_ipc_sem_dointvec) ||
	    IS(proc_mq_dointvec) || IS(proc_mq_dointvec_minmax) || IS(yama_dointvec_minmax) ||
	    IS(apparmor_dointvec) || IS(cdrom_sysctl_handler) ||
	    IS(pid_mfd_noexec_dointvec_minmax) || IS(devinet_conf_proc) ||
	    IS(devinet_sysctl_forward) || IS(ipv4_doint_and_flush) ||
	    IS(neigh_proc_dointvec_zero_intmax) || IS(ipv4_privileged_ports) ||
	    IS(addrconf_sysctl_forward) || IS(addrconf_sysctl_mtu) ||
	    IS(addrconf_sysctl_proxy_ndp) || IS(addrconf_sysctl_disable) ||
	    IS(addrconf_sysctl_disable_policy) ||
	    IS(addrconf_sysctl_ignore_routes_with_linkdown) ||
	    IS(addrconf_sysctl_addr_gen_mode) || IS(flow_limit_table_len_sysctl) ||
	    IS(proc_tfo_blackhole_detect_timeout) || IS(proc_blackhole_detect_timeout) ||
	    IS(proc_udp_early_demux) || IS(proc_tcp_early_demux) ||
	    IS(nf_conntrack_hash_sysctl) || IS(set_max_user_events_sysctl))
		return show_ints(&v, INT_PLAIN);
	if (IS(proc_douintvec) || IS(proc_douintvec_minmax) || IS(proc_dopipe_max_size) ||
	    IS(proc_fib_multipath_hash_fields) || IS(proc_rt6_multipath_hash_fields))
		return show_uint(&v);
	if (IS(proc_dou8vec_minmax) || IS(ipv4_fwd_update_priority) ||
	    IS(proc_fib_multipath_hash_policy) || IS(proc_rt6_multipath_hash_policy))
		return show_byte(&v);
	if (IS(proc_dobool))
		return show_bool(&v);
	if (IS(proc_dointvec_jiffies) || IS(neigh_proc_dointvec_jiffies))
		return show_ints(&v, INT_JIFFIES);
	if (IS(proc_dointvec_userhz_jiffies) || IS(neigh_proc_dointvec_userhz_jiffies))
		return show_ints(&v, INT_USERHZ_JIFFIES);
	if (IS(proc_dointvec_ms_jiffies) || IS(proc_dointvec_ms_jiffies_minmax) ||
	    IS(neigh_proc_dointvec_ms_jiffies) || IS(neigh_proc_dointvec_ms_jiffies_positive))
		return show_ints(&v, INT_MS_JIFFIES);
	if (IS(proc_doulongvec_minmax) || IS(dirty_background_bytes_handler) ||
	    IS(dirty_bytes_handler) || IS(overcommit_kbytes_handler) ||
	    IS(mmap_min_addr_handler) || IS(proc_dohung_task_timeout_secs) ||
	    IS(proc_dolongvec_minmax_bpf_restricted) || IS(proc_ipc_doulongvec_minmax))
		return show_ulongs(&v, 1, 1);
	if (IS(proc_doulongvec_ms_jiffies_minmax))
		return show_ulongs(&v, 1000, global_hz());
	if (IS(proc_dostring) || IS(proc_do_uts_string) || IS(proc_dostring_coredump) ||
	    IS(devkmsg_sysctl_set_loglvl) || IS(numa_zonelist_order_handler))
		return show_text(&v);
	if (IS(proc_do_large_bitmap) || IS(proc_watchdog_cpumask))
		return show_bitmap(&v);
	if (IS(proc_do_static_key))
		return show_line(&v, guest_ptr(struct static_key, v.data)->enabled.counter != 0);
	if (IS(proc_taint))
		return show_line(&v, tainted_mask);
	if (IS(sysrq_sysctl_handler))
		return show_int_line(&v, sysrq_always_enabled ? 1 : sysrq_enabled);
	if (IS(proc_do_cad_pid))
		return show_int_line(&v, cad_pid ? cad_pid->numbers[0].nr : 0);
	if (IS(pid_ns_ctl_handler))
		return show_int_line(&v, (int32_t)init_pid_ns.idr.idr_next - 1);
	if (IS(proc_watchdog))
		return show_watchdog(&v, 3);
	if (IS(proc_nmi_watchdog))
		return show_watchdog(&v, 1);
	if (IS(proc_soft_watchdog))
		return show_watchdog(&v, 2);
	if (IS(proc_nr_files))
		return show_files(&v);
	if (IS(proc_nr_dentry))
		return show_dentries(&v);
	if (IS(proc_nr_inodes))
		return show_inodes(&v);
	if (IS(sysctl_schedstats))
		return show_line(&v, sched_schedstats.enabled.counter != 0);
	if (IS(sysctl_numa_balancing))
		return show_numa_balancing(&v);
	if (IS(bpf_stats_handler))
		return show_line(&v, bpf_stats_enabled_key.enabled.counter != 0);
	if (IS(sysctl_max_threads))
		return show_int_line(&v, max_threads);
	if (IS(hugetlb_sysctl_handler))
		return show_huge(&v, false);
	if (IS(hugetlb_mempolicy_sysctl_handler))
		return show_huge(&v, false);
	if (IS(hugetlb_overcommit_handler))
		return show_huge(&v, true);
	if (IS(proc_cap_handler))
		return show_caps(&v);
	if (IS(seccomp_actions_logged_handler))
		return show_seccomp(&v);
	if (IS(proc_do_uuid))
		return show_uuid(&v);
	if (IS(proc_ipc_auto_msgmni))
		return show_line(&v, 0);
	if (IS(rps_sock_flow_sysctl))
		return show_rps_flows(&v);
	if (IS(flow_limit_cpu_sysctl))
		return show_flow_limit(&v);
	if (IS(set_default_qdisc))
		return show_name(&v, default_qdisc_ops->id);
	if (IS(proc_do_rss_key))
		return show_rss_key(it, &v);
	if (IS(ipv4_local_port_range))
		return show_port_range(&v);
	if (IS(ipv4_ping_group_range))
		return show_gid_range(&v);
	if (IS(proc_tcp_congestion_control))
		return show_name(&v, (*guest_ptr(struct tcp_congestion_ops __guest *,
						 v.data))->name);
	if (IS(proc_tcp_available_congestion_control))
		return show_congestion(&v, true);
	if (IS(proc_allowed_congestion_control))
		return show_congestion(&v, false);
	if (IS(proc_tcp_available_ulp))
		return show_ulps(&v);
	if (IS(proc_tcp_ehash_entries))
		return show_line(&v, tcp_hashinfo.ehash_mask + 1);
	if (IS(neigh_proc_dointvec_unres_qlen))
		return show_unres_qlen(&v);
	if (IS(neigh_proc_base_reachable_time))
		return show_reachable_time(&v, table);
	if (IS(addrconf_sysctl_stable_secret))
		return show_stable_secret(&v);
	if (IS(do_proc_dqstats))
		return show_dqstat(&v);
	if (IS(sysctl_delayacct))
		return show_int_line(&v, delayacct_on);
	if (IS(proc_tcp_fastopen_key))
		return show_fastopen_key(&v);
	if (IS(nf_log_proc_dostring))
		return show_nf_logger(&v, table);
	if (IS(ndisc_ifinfo_sysctl_change))
		return show_ndisc(&v, table);
	if (IS(vmstat_refresh))
		return 0;
	if (IS(sched_energy_aware_handler))
		return show_energy_aware(&v);
	if (IS(kexec_limit_handler))
		return show_int_line(&v, guest_ptr(struct kexec_load_limit, v.data)->limit);
	if (IS(rps_default_mask_sysctl))
		return show_rps_mask(&v);
	if (IS(proc_udp_hash_entries))
		return show_line(&v, init_net.ipv4.udp_table->mask + 1);
	if (IS(proc_fib_multipath_hash_seed))
		return show_line(&v, init_net.ipv4.sysctl_fib_multipath_hash_seed.user_seed);
	if (IS(proc_available_schedulers))
		return show_mptcp_schedulers(&v);
	if (IS(proc_scheduler))
		return show_name(&v, guest_ptr(char, v.data));
	if (IS(nf_hooks_lwtunnel_sysctl_handler))
		return show_line(&v, nf_hooks_lwtunnel_enabled.enabled.counter != 0);
	if (IS(sd_ctl_doflags))
		return show_domain_flags(&v);
	return -EIO;
}

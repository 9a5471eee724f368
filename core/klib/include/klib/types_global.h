/* SPDX-License-Identifier: MIT */
/*
 * Kernel records that the global files of /proc read: scheduler and interrupt counters, time
 * keeping, memory statistics, sysctl tables, devices. Only the members that are used, in any
 * order; several kernels' members stand side by side and code asks guest_has() which are there.
 * Arrays whose length is the guest's have one element here: take a pointer to it, then index.
 */
#ifndef SCW_KLIB_TYPES_GLOBAL_H
#define SCW_KLIB_TYPES_GLOBAL_H

#include "klib/types_base.h"

GUEST_TYPES_BEGIN

/* include/linux/utsname.h */
struct new_utsname {
	char sysname[65];
	char nodename[65];
	char release[65];
	char version[65];
	char machine[65];
	char domainname[65];
};
struct uts_namespace {
	struct new_utsname name;
};

/* kernel/sched/sched.h */
struct rq {
	unsigned int nr_running;
	uint64_t nr_switches;
	atomic_t nr_iowait;
};

/* include/linux/kernel_stat.h */
struct kernel_cpustat {
	bool idle_elapse; /* these two since 7.3; before in struct tick_sched */
	uint64_t idle_entrytime;
	uint64_t cpustat[1];
};
struct kernel_stat {
	unsigned long irqs_sum;
	unsigned int softirqs[1];
};

/* kernel/time/tick-sched.h; `flags` since 6.9, bit-fields before */
struct tick_sched {
	unsigned long flags;
	unsigned int idle_active : 1;
	int64_t idle_entrytime;
	int64_t idle_waketime;
	int64_t idle_sleeptime;
	int64_t iowait_sleeptime;
};

/* include/linux/timekeeper_internal.h */
struct tk_read_base {
	uint32_t shift;
	uint64_t xtime_nsec;
	int64_t base;
};
struct timekeeper {
	struct tk_read_base tkr_mono;
	int64_t offs_real;
	int64_t offs_boot;
};
/* with PREEMPT_RT a pointer to the lock follows the number */
typedef struct {
	unsigned int sequence;
} seqcount_raw_spinlock_t;
/* the type of tk_core since 6.13; before, a record without a name */
struct tk_data {
	struct timekeeper timekeeper;
};

/* arch/x86/include/asm/hardirq.h */
typedef struct {
	unsigned int __nmi_count;
	unsigned int apic_timer_irqs;
	unsigned int irq_spurious_count;
	unsigned int icr_read_retry_count;
	unsigned int kvm_posted_intr_ipis;
	unsigned int kvm_posted_intr_wakeup_ipis;
	unsigned int kvm_posted_intr_nested_ipis;
	unsigned int x86_platform_ipis;
	unsigned int apic_perf_irqs;
	unsigned int apic_irq_work_irqs;
	unsigned int irq_resched_count;
	unsigned int irq_call_count;
	unsigned int irq_tlb_count;
	unsigned int irq_thermal_count;
	unsigned int irq_threshold_count;
	unsigned int irq_deferred_error_count;
	unsigned int irq_hv_callback_count;
	unsigned int irq_hv_reenlightenment_count;
	unsigned int hyperv_stimer0_count;
	unsigned int posted_msi_notification_count;
	unsigned int counts[1]; /* since 7.2, in place of those before */
} irq_cpustat_t;
struct irq_stat_info { /* arch/x86/kernel/irq.c */
	const char __guest *symbol;
	const char __guest *text;
};
struct irq_proc_constraints { /* kernel/irq/proc.c */
	unsigned int num_prec;
	unsigned int chip_width;
};

/* include/linux/irqdesc.h, include/linux/irq.h, include/linux/interrupt.h */
struct irqstat {
	unsigned int cnt;
};
struct irq_chip {
	const char __guest *name;
	void __guest *irq_print_chip;
};
struct irq_domain {
	const char __guest *name;
};
struct irq_common_data {
	unsigned int state_use_accessors;
	unsigned int node;
	struct cpumask __guest *affinity; /* each of these masks may be in place instead */
	struct cpumask __guest *effective_affinity;
};
struct irq_data {
	unsigned int irq;
	unsigned long hwirq;
	struct irq_chip __guest *chip;
	struct irq_domain __guest *domain;
	struct irq_data __guest *parent_data;
};
struct irqaction {
	struct irqaction __guest *next;
	const char __guest *name;
	void __guest *handler;
	void __guest *dir;
};
struct irq_desc {
	struct irq_common_data irq_common_data;
	struct irq_data irq_data;
	void __guest *kstat_irqs;
	void __guest *handle_irq;
	struct irqaction __guest *action;
	unsigned int status_use_accessors;
	unsigned int core_internal_state__do_not_mess_with_it;
	unsigned char tot_count[4]; /* or a long, since 7.2: its lower half */
	const char __guest *name;
	const struct cpumask __guest *affinity_hint;
	struct cpumask __guest *pending_mask;
	unsigned int irq_count;
	unsigned int irqs_unhandled;
	unsigned long last_unhandled;
	void __guest *dir;
};

/* include/linux/mmzone.h */
struct free_area {
	unsigned long nr_free;
};
struct per_cpu_pages {
	int count;
	int high;
	int high_min;
	int high_max;
	int batch;
};
struct per_cpu_zonestat {
	int8_t stat_threshold;
	int8_t vm_stat_diff[1];
	unsigned long vm_numa_event[1];
};
struct per_cpu_pageset { /* up to 5.13 */
	struct per_cpu_pages pcp;
	int8_t stat_threshold;
	uint16_t vm_numa_stat_diff[1];
};
struct zone {
	unsigned long _watermark[1];
	unsigned long watermark_boost;
	long lowmem_reserve[1];
	struct per_cpu_pageset __guest *pageset;
	struct per_cpu_pages __guest *per_cpu_pageset;
	struct per_cpu_zonestat __guest *per_cpu_zonestats;
	unsigned long zone_start_pfn;
	atomic_long_t managed_pages;
	unsigned long spanned_pages;
	unsigned long present_pages;
	unsigned long cma_pages;
	unsigned long nr_reserved_highatomic;
	unsigned long nr_free_highatomic;
	const char __guest *name;
	struct free_area free_area[1];
	unsigned long flags;
	atomic_long_t vm_stat[1];
	atomic_long_t vm_numa_stat[1];
	atomic_long_t vm_numa_event[1];
};
struct pglist_data {
	struct zone node_zones[1];
	int nr_zones;
	int node_id;
	int kswapd_failures;
	atomic_long_t vm_stat[1];
};

/* include/linux/vmstat.h */
struct vm_event_state {
	unsigned long event[1];
};

/* include/linux/fs.h: what /proc/meminfo's Buffers sums up */
struct address_space {
	unsigned long nrpages;
};
struct super_block {
	struct list_head s_inodes;
	uint32_t s_dev;
};
struct inode {
	uint16_t i_mode;
	unsigned long i_ino;
	struct super_block __guest *i_sb;
	struct address_space __guest *i_mapping;
	struct list_head i_sb_list;
};

/* include/linux/swap.h */
struct swap_info_struct {
	unsigned long flags;
	int16_t prio;
	int8_t type;
	unsigned char __guest *swap_map;
	unsigned int pages;
	unsigned int inuse_pages;
	struct file __guest *swap_file;
};

/* include/linux/hugetlb.h */
struct hstate {
	unsigned int order;
	unsigned long max_huge_pages;
	unsigned long nr_overcommit_huge_pages;
	unsigned long nr_huge_pages;
	unsigned long free_huge_pages;
	unsigned long resv_huge_pages;
	unsigned long surplus_huge_pages;
};

/* mm/zswap.c and mm/zsmalloc.c, since 6.8: Zswap's pages are asked of the pools */
struct zswap_pool {
	struct list_head list;
	struct zpool __guest *zpool;
};
struct zpool_driver {
	char __guest *type;
};
struct zpool {
	struct zpool_driver __guest *driver;
	void __guest *pool;
};
struct zs_pool {
	atomic_long_t pages_allocated;
};
struct zbud_pool {
	uint64_t pages_nr;
};

/* include/linux/sysctl.h; ctl_table_size since 6.6, the name's end before */
struct ctl_table {
	const char __guest *procname;
	void __guest *data;
	int maxlen;
	uint16_t mode;
	struct ctl_table __guest *child; /* up to 6.4 */
	void __guest *proc_handler;
	void __guest *extra1;
	void __guest *extra2;
};
struct ctl_node {
	struct rb_node node;
	struct ctl_table_header __guest *header;
};
struct ctl_table_header {
	struct ctl_table __guest *ctl_table;
	int ctl_table_size;
	struct completion __guest *unregistering;
	struct ctl_table_root __guest *root;
	struct ctl_table_set __guest *set;
	struct ctl_dir __guest *parent;
	struct ctl_node __guest *node;
	unsigned int type; /* since 6.10: whether the directory is a mount point */
};
struct ctl_dir {
	struct ctl_table_header header;
	struct rb_root root;
};
struct ctl_table_set {
	struct ctl_dir dir;
};
struct ctl_table_root {
	struct ctl_table_set default_set;
};
struct nf_logger {
	const char __guest *name;
};
struct netns_nf {
	struct nf_logger __guest *nf_loggers[1];
};
struct tcp_fastopen_context {
	uint64_t key[1][2];
	int num;
};
struct local_ports { /* since 6.8 both ports in one number */
	uint32_t range;
};
struct udp_table {
	unsigned int mask;
};
struct sysctl_fib_multipath_hash_seed {
	uint32_t user_seed;
};
struct netns_ipv4 {
	struct tcp_fastopen_context __guest *tcp_fastopen_ctx;
	struct local_ports ip_local_ports;
	struct udp_table __guest *udp_table;
	struct sysctl_fib_multipath_hash_seed sysctl_fib_multipath_hash_seed;
};
struct netns_core {
	struct cpumask __guest *rps_default_mask;
};
struct net {
	struct ctl_table_set sysctls;
	struct netns_nf nf;
	struct netns_ipv4 ipv4;
	struct netns_core core;
};
struct user_namespace {
	struct ctl_table_set set;
};
struct ipc_namespace {
	struct ctl_table_set mq_set;
	struct ctl_table_set ipc_set;
};

/* include/linux/fs.h, fs/char_dev.c, block/genhd.c */
struct file_system_type {
	const char __guest *name;
	int fs_flags;
	struct file_system_type __guest *next;
	struct hlist_node list; /* since 7.3, instead */
};
struct char_device_struct {
	struct char_device_struct __guest *next;
	unsigned int major;
	char name[64];
};
struct blk_major_name {
	struct blk_major_name __guest *next;
	int major;
	char name[16];
};

/* include/linux/miscdevice.h */
struct miscdevice {
	int minor;
	const char __guest *name;
	struct list_head list;
};

/* include/linux/tty_driver.h */
struct tty_driver {
	const char __guest *driver_name;
	const char __guest *name;
	int major;
	int minor_start;
	unsigned int num;
	int16_t type;
	int16_t subtype;
	struct list_head tty_drivers;
};

/* include/linux/module.h: layouts up to 6.3, mem[] since */
struct module_layout {
	void __guest *base;
	unsigned int size;
};
struct module_memory {
	void __guest *base;
	unsigned int size;
};
struct mod_kallsyms;
struct kernel_symbol;
struct module_use {
	struct list_head source_list;
	struct module __guest *source;
};
struct module {
	unsigned int state;
	struct list_head list;
	char name[56];
	struct module_layout core_layout;
	struct module_layout init_layout;
	struct module_layout data_layout;
	struct module_memory mem[1];
	unsigned long taints;
	struct list_head source_list;
	void __guest *init;
	void __guest *exit;
	atomic_t refcnt;
	struct mod_kallsyms __guest *kallsyms;
	const struct kernel_symbol __guest *syms;
	unsigned int num_syms;
};
struct taint_flag {
	char c_true;
	char c_false;
	bool module;
};

/* arch/x86/include/asm/processor.h; `topo` since 6.7 */
struct cpuinfo_topology {
	uint32_t apicid;
	uint32_t initial_apicid;
	uint32_t pkg_id;
	uint32_t core_id;
};
struct cpuinfo_x86 {
	uint8_t x86;
	uint8_t x86_vendor;
	uint8_t x86_model;
	uint8_t x86_stepping;
	int x86_tlbsize;
	uint32_t vmx_capability[1];
	uint8_t x86_virt_bits;
	uint8_t x86_phys_bits;
	int cpuid_level;
	uint32_t x86_capability[1];
	char x86_vendor_id[16];
	char x86_model_id[64];
	struct cpuinfo_topology topo;
	unsigned int x86_cache_size;
	int x86_cache_alignment;
	int x86_power;
	unsigned long loops_per_jiffy;
	uint16_t apicid;
	uint16_t initial_apicid;
	uint16_t x86_clflush_size;
	uint16_t booted_cores;
	uint16_t phys_proc_id;
	uint16_t cpu_core_id;
	uint16_t cpu_index;
	uint32_t microcode;
};

/* include/linux/part_stat.h, include/linux/blkdev.h, include/linux/blk_types.h */
struct disk_stats {
	uint64_t nsecs[1];
	unsigned long sectors[1];
	unsigned long ios[1];
	unsigned long merges[1];
	unsigned long io_ticks;
	unsigned long in_flight[2];
};
struct kobject {
	const char __guest *name;
	struct list_head entry;
};
struct kset {
	struct list_head list;
	struct kobject kobj;
};
struct module_kobject {
	struct kobject kobj;
	struct module __guest *mod;
};
struct device_type;
struct device {
	struct kobject kobj;
	const struct device_type __guest *type;
	uint32_t devt;
};
struct block_device {
	uint64_t bd_nr_sectors;
	struct disk_stats __guest *bd_stats;
	uint32_t bd_dev;
	atomic_t __bd_flags;
	uint8_t bd_partno;
	struct gendisk __guest *bd_disk;
	struct device bd_device;
};
struct hd_struct { /* up to 5.10 */
	uint64_t nr_sects;
	struct disk_stats __guest *dkstats;
	struct device __dev;
	int partno;
};
struct disk_part_tbl { /* up to 5.10 */
	int len;
	struct hd_struct __guest *part[1];
};
/* part_tbl is a pointer up to 5.10, part0 since: then only their addresses are used */
struct gendisk {
	int minors;
	char disk_name[32];
	int flags;
	struct xarray part_tbl;
	struct hd_struct part0;
};

/* include/linux/console.h: `next` up to 6.1, `node` since */
struct console {
	char name[16];
	void __guest *write;
	void __guest *read;
	void __guest *device;
	void __guest *unblank;
	int16_t flags;
	int16_t index;
	void __guest *data;
	struct console __guest *next;
	struct hlist_node node;
};

/* include/linux/ioport.h */
struct resource {
	uint64_t start;
	uint64_t end;
	const char __guest *name;
	struct resource __guest *parent;
	struct resource __guest *sibling;
	struct resource __guest *child;
};

GUEST_TYPES_END

#endif

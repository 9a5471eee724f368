/* SPDX-License-Identifier: MIT */
/* The global files: what global.c's rows name. */
#ifndef SCW_PROCFS_ROOT_H
#define SCW_PROCFS_ROOT_H

#include "internal.h"

proc_show_fn proc_version_show;
proc_show_fn proc_cmdline_show;
proc_show_fn proc_uptime_show;
proc_show_fn proc_loadavg_show;
proc_show_fn proc_stat_show;
proc_show_fn proc_meminfo_show;
proc_show_fn proc_interrupts_show;
proc_show_fn proc_softirqs_show;
proc_show_fn proc_filesystems_show;
proc_show_fn proc_devices_show;
proc_show_fn proc_dma_show;
proc_show_fn proc_misc_show;
proc_show_fn proc_consoles_show;
proc_show_fn proc_modules_show;
proc_show_fn proc_cpuinfo_show;
proc_show_fn proc_crypto_show;
proc_show_fn proc_vmstat_show;
proc_show_fn proc_buddyinfo_show;
proc_show_fn proc_zoneinfo_show;
proc_show_fn proc_ioports_show;
proc_show_fn proc_iomem_show;
proc_show_fn proc_swaps_show;
proc_show_fn proc_locks_show;
proc_show_fn proc_partitions_show;
proc_show_fn proc_diskstats_show;
proc_show_fn proc_tty_drivers_show;
proc_show_fn proc_tty_ldiscs_show;

/* registries.c */
proc_show_fn proc_cgroups_show, proc_execdomains_show, proc_key_users_show_file;
bool proc_cgroups_present(const struct proc_item *it);
bool proc_execdomains_present(const struct proc_item *it);
bool proc_key_users_present(const struct proc_item *it);

/* sysvipc.c, pressure.c, irq.c */
extern const struct proc_row proc_sysvipc_rows[], proc_pressure_rows[];
extern const struct proc_dir proc_irq_dir;
bool proc_sysvipc_present(const struct proc_item *it);
bool proc_pressure_present(const struct proc_item *it);
proc_show_fn proc_schedstat_show;
/* slabinfo.c */
proc_show_fn proc_slabinfo_show;
bool proc_slabinfo_present(const struct proc_item *it);
/* keys.c */
proc_show_fn proc_keys_show_file, proc_fb_show;
bool proc_keys_present(const struct proc_item *it);
bool proc_fb_present(const struct proc_item *it);
bool proc_schedstat_present(const struct proc_item *it);

bool proc_dma_present(const struct proc_item *it);

/* sys.c */
extern const struct proc_dir proc_sys_dir;
void proc_sys_attr(const struct proc_item *it, struct vfs_stat *ret);

/* symbols.c */
proc_show_fn proc_kallsyms_show;
bool proc_kallsyms_present(const struct proc_item *it);
bool proc_addresses_shown(void); /* to root, by files that don't hash them (kernel/ksyms_common.c) */

/* sysfs.c */
extern const struct proc_row proc_sysfs_rows[];

/* vmalloc.c */
proc_show_fn proc_vmallocinfo_show;
bool proc_vmallocinfo_present(const struct proc_item *it);

/* mtrr.c */
proc_show_fn proc_mtrr_show;
bool proc_mtrr_present(const struct proc_item *it);

#endif

// SPDX-License-Identifier: MIT
/* Rows of /proc itself. What isn't here, and why: docs/PROCFS-GLOBAL.md */
#include "global.h"

static const struct proc_row tty_rows[] = {
	{ .name = "drivers", .mode = PROC_REG(0444), .show = proc_tty_drivers_show },
	{ .name = "ldiscs", .mode = PROC_REG(0444), .show = proc_tty_ldiscs_show },
	{ 0 }
};

const struct proc_row proc_root_rows[] = {
	{ .name = "buddyinfo", .mode = PROC_REG(0444), .show = proc_buddyinfo_show },
	{ .name = "cgroups", .mode = PROC_REG(0444), .show = proc_cgroups_show,
	  .present = proc_cgroups_present },
	{ .name = "cmdline", .mode = PROC_REG(0444), .show = proc_cmdline_show },
	{ .name = "consoles", .mode = PROC_REG(0444), .show = proc_consoles_show },
	{ .name = "cpuinfo", .mode = PROC_REG(0444), .show = proc_cpuinfo_show },
	{ .name = "crypto", .mode = PROC_REG(0444), .show = proc_crypto_show },
	{ .name = "devices", .mode = PROC_REG(0444), .show = proc_devices_show },
	{ .name = "diskstats", .mode = PROC_REG(0444), .show = proc_diskstats_show },
	{ .name = "dma", .mode = PROC_REG(0444), .show = proc_dma_show,
	  .present = proc_dma_present },
	{ .name = "execdomains", .mode = PROC_REG(0444), .show = proc_execdomains_show,
	  .present = proc_execdomains_present },
	{ .name = "fb", .mode = PROC_REG(0444), .show = proc_fb_show, .present = proc_fb_present },
	{ .name = "filesystems", .mode = PROC_REG(0444), .show = proc_filesystems_show },
	{ .name = "interrupts", .mode = PROC_REG(0444), .show = proc_interrupts_show },
	{ .name = "iomem", .mode = PROC_REG(0444), .show = proc_iomem_show },
	{ .name = "ioports", .mode = PROC_REG(0444), .show = proc_ioports_show },
	{ .name = "keys", .mode = PROC_REG(0444), .show = proc_keys_show_file,
	  .present = proc_keys_present },
	{ .name = "key-users", .mode = PROC_REG(0444), .show = proc_key_users_show_file,
	  .present = proc_key_users_present },
	{ .name = "loadavg", .mode = PROC_REG(0444), .show = proc_loadavg_show },
	{ .name = "locks", .mode = PROC_REG(0444), .show = proc_locks_show },
	{ .name = "meminfo", .mode = PROC_REG(0444), .show = proc_meminfo_show },
	{ .name = "misc", .mode = PROC_REG(0444), .show = proc_misc_show },
	{ .name = "modules", .mode = PROC_REG(0444), .show = proc_modules_show },
	{ .name = "partitions", .mode = PROC_REG(0444), .show = proc_partitions_show },
	{ .name = "schedstat", .mode = PROC_REG(0444), .show = proc_schedstat_show,
	  .present = proc_schedstat_present },
	{ .name = "slabinfo", .mode = PROC_REG(0400), .show = proc_slabinfo_show,
	  .present = proc_slabinfo_present },
	{ .name = "softirqs", .mode = PROC_REG(0444), .show = proc_softirqs_show },
	{ .name = "stat", .mode = PROC_REG(0444), .show = proc_stat_show },
	{ .name = "swaps", .mode = PROC_REG(0444), .show = proc_swaps_show },
	{ .name = "uptime", .mode = PROC_REG(0444), .show = proc_uptime_show },
	{ .name = "version", .mode = PROC_REG(0444), .show = proc_version_show },
	{ .name = "vmstat", .mode = PROC_REG(0444), .show = proc_vmstat_show },
	{ .name = "zoneinfo", .mode = PROC_REG(0444), .show = proc_zoneinfo_show },
	{ .name = "irq", .mode = PROC_DIR(0555), .dir = &proc_irq_dir },
	{ .name = "pressure", .mode = PROC_DIR(0555), .rows = proc_pressure_rows,
	  .order = PROC_ORDER_PDE, .present = proc_pressure_present },
	{ .name = "sysvipc", .mode = PROC_DIR(0555), .rows = proc_sysvipc_rows,
	  .order = PROC_ORDER_PDE, .present = proc_sysvipc_present },
	{ .name = "sys", .mode = PROC_DIR(0555), .dir = &proc_sys_dir, .attr = proc_sys_attr },
	{ .name = "tty", .mode = PROC_DIR(0555), .rows = tty_rows, .order = PROC_ORDER_PDE },
	{ 0 }
};

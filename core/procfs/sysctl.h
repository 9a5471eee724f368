/* SPDX-License-Identifier: MIT */
/* What sys.c (the tree of /proc/sys) and sys_values.c (what its files hold) share. */
#ifndef SCW_PROCFS_SYSCTL_H
#define SCW_PROCFS_SYSCTL_H

#include "global.h"

/*
 * Print the value of `table` as its handler would. 0; -EIO when the handler is one we don't know,
 * or what the handler itself answers.
 */
int sysctl_value(const struct proc_item *it, struct ctl_table __guest *table, struct seq_file *m);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * Saying beforehand what a pass over /proc reads. Nothing happens where memory is mapped. A pass is
 * what comes after a listing of /proc, in the same epoch: then the first file of a task brings what such
 * files need of all tasks, since the others will be asked for next.
 */
#ifndef SCW_PROCFS_AHEAD_H
#define SCW_PROCFS_AHEAD_H

#include "pid.h"

/* Each inside guest_run(), on an item whose task is found; and see proc_ahead_task() in internal.h. */
void proc_ahead_threads(const struct proc_item *it);
void proc_ahead_files(const struct proc_item *it);
/* cmdline, and environ */
void proc_ahead_arguments(const struct proc_item *it);
void proc_ahead_environment(const struct proc_item *it);
/* The table of PIDs. */
void proc_ahead_pids(void);

#endif

/* SPDX-License-Identifier: MIT */
/*
 * What can only be told by looking at the kernel's code, looked up once (klib/text.h): pid.c has the
 * look-ups.
 */
#ifndef SCW_PROCFS_FACT_H
#define SCW_PROCFS_FACT_H

#include "internal.h"

enum proc_fact {
	PROC_FACT_KTHREAD_LINE,	     /* status has "Kthread:" */
	PROC_FACT_INDIRECT_BRANCH,   /* status has "SpeculationIndirectBranch:" */
	PROC_FACT_UNTAG_MASK,	     /* status has "untag_mask:" */
	PROC_FACT_THREAD_FEATURES,   /* status has "x86_Thread_features:" */
	PROC_FACT_MASK_OF_IDS,	     /* CPU masks are shown as wide as there are CPU ids */
	PROC_FACT_MEMS_OF_IDS,	     /* node masks are shown as wide as there are node ids */
	PROC_FACT_RSS_EXACT_STATUS,  /* VmRSS sums the CPUs' shares */
	PROC_FACT_RSS_EXACT_STATM,
	PROC_FACT_WCHAN_UNWINDS,     /* stat's wchan flag comes from get_wchan() */
	PROC_FACT_WORKER_ID,	     /* kworkers' names are made from their pool */
	PROC_FACT_GROUP_EXIT_CODE,   /* stat's exit code is the group's */
	PROC_FACT_FDINFO_INO,	     /* fdinfo has "ino:" */
	PROC_FACT_NO_MM_IS_ESRCH,    /* environ and auxv of a task without memory can't be opened */
	PROC_FACT_EVENTFD_SEMAPHORE, /* fdinfo of event counters says whether they are semaphores */
	PROC_FACT_MOUNTS_HASH,	     /* '#' in devices' names is escaped in mounts */
	PROC_FACT_CGROUP_DYNMODS,    /* control groups' flags are those since 6.0 */
	PROC_FACT_SMAPS_PSS_DIRTY,   /* smaps has "Pss_Dirty:" */
	PROC_FACT_SMAPS_KSM,	     /* smaps has "KSM:" */
	PROC_FACT_SMAPS_THP_WIDE,    /* "THPeligible:" of smaps is in a column */
	PROC_FACT_RSS_EXACT_OOM,     /* oom_score sums the CPUs' shares */
	PROC_FACT_ZONE_LIMITS,	     /* zoneinfo has "high_min:" and "high_max:" */
	PROC_FACT_ZONE_HIGHATOMIC,   /* zoneinfo has "reserved_highatomic:" and "free_highatomic:" */
	PROC_FACTS
};
bool proc_fact(const struct proc_item *it, enum proc_fact fact);

#endif

/* SPDX-License-Identifier: MIT */
/* PIDs, tasks and threads (kernel/pid.c, include/linux/sched/signal.h). */
#ifndef SCW_KLIB_PID_H
#define SCW_KLIB_PID_H

#include "klib/list.h"
#include "klib/types_task.h"
#include "klib/xarray.h"

enum {
	KLIB_PID_MAX = 1 << 22, /* PID_MAX_LIMIT */
	KLIB_PIDTYPES = 4,
};

/* The number of `pid` in the namespace `ns`; 0 when it has none there. */
static inline int pid_nr_ns(struct pid __guest *pid, struct pid_namespace __guest *ns)
{
	unsigned int level = ns->level;
	struct upid __guest *upid;

	if (!pid || level > pid->level || level > 32)
		return 0;
	upid = pid->numbers + level;
	return guest_eq(upid->ns, ns) ? upid->nr : 0;
}

/* Where `t`'s link is by which it uses a pid as its `type` (an enumerator of enum pid_type). */
static inline uint64_t pid_task_link(struct task_struct __guest *t, int64_t type)
{
	return guest_addr(t) + guest_offsetof(struct task_struct, pid_links) +
	       (uint64_t)type * guest_sizeof(struct hlist_node);
}

/* The task that uses `pid` as its `type` (an enumerator of enum pid_type); NULL when none. */
static inline struct task_struct __guest *pid_task(struct pid __guest *pid, int64_t type)
{
	struct hlist_head __guest *tasks = pid->tasks;
	struct hlist_node __guest *first;

	if ((uint64_t)type >= KLIB_PIDTYPES || !(first = (tasks + type)->first))
		return NULL;
	return guest_ptr(struct task_struct,
			 guest_addr(first) - guest_offsetof(struct task_struct, pid_links) -
				 (uint64_t)type * guest_sizeof(struct hlist_node));
}

/* The struct pid numbered `nr` in `ns`, and the first at or above *nr, with its number. */
static inline struct pid __guest *find_pid_ns(int nr, struct pid_namespace __guest *ns)
{
	return idr_find(&ns->idr, (uint64_t)nr);
}

static inline struct pid __guest *find_ge_pid(uint64_t *nr, struct pid_namespace __guest *ns)
{
	return idr_get_next(&ns->idr, nr);
}

#define PIDTYPE(NAME) guest_enum(enum pid_type, PIDTYPE_##NAME)

static inline struct pid __guest *task_pid(struct task_struct __guest *t)
{
	return t->thread_pid;
}

/* `type` is PIDTYPE(TGID), PIDTYPE(PGID) or PIDTYPE(SID). */
static inline struct pid __guest *task_group_pid(struct task_struct __guest *t, int64_t type)
{
	struct pid __guest *__guest *pids = t->signal->pids;

	return (uint64_t)type < KLIB_PIDTYPES ? pids[type] : NULL;
}

/* The pid of a task's process, in words of that process. */
static inline int task_nr_ns(struct task_struct __guest *t, int64_t type,
			     struct pid_namespace __guest *ns)
{
	return pid_nr_ns(type == PIDTYPE(PID) ? task_pid(t) : task_group_pid(t, type), ns);
}

static inline bool pid_alive(struct task_struct __guest *t)
{
	return !guest_is_null(t->thread_pid);
}

/* All threads of t's process, dead leaders included, the first thread first. */
#define for_each_thread(t, pos) list_for_each_entry(pos, &(t)->signal->thread_head, thread_node)

/* All processes but the idle task, by their first threads, in order of creation. */
#define for_each_process(pos) list_for_each_entry(pos, &init_task.tasks, tasks)

#endif

// SPDX-License-Identifier: MIT
/*
 * What programs ask of processes by calls (vfs/calls.h): kernel/sys.c, kernel/signal.c,
 * kernel/sched/core.c. Each answers for a reader that is root in the initial namespaces.
 */
#include <errno.h>
#include <string.h>

#include "internal.h"
#include "klib/cpumask.h"
#include "klib/path.h"
#include "klib/pid.h"

GUEST_TYPES_BEGIN
struct cfs_rq { /* kernel/sched/sched.h */
	struct load_weight load;
};

struct rq {
	struct cfs_rq cfs;
};
GUEST_TYPES_END

extern struct cpumask __guest __cpu_active_mask;
extern struct rq __guest runqueues;
extern int __guest sched_rr_timeslice;
extern int __guest pid_max;
extern struct vfsmount __guest *__guest sock_mnt; /* net/socket.c */

#define NSEC_PER_SEC 1000000000ull

_Static_assert(VFS_CPUS_MAX == (int)KLIB_CPUS_MAX, "a mask has room for all CPUs");

enum {
	/* include/uapi/linux/sched.h: ABI */
	SCHED_FIFO = 1,
	SCHED_RR = 2,
	SCHED_DEADLINE = 6,
	SCHED_EXT = 7,
	SCHED_RESET_ON_FORK = 0x40000000,
	/* include/linux/sched/prio.h */
	DEFAULT_PRIO = 120,
	NICE_MIN = -20,
	NICE_MAX = 19,
	/* kernel/pid.c */
	RESERVED_PIDS = 300,
};

static struct task_struct __guest *find_task(int tid)
{
	struct pid __guest *pid = tid > 0 ? find_pid_ns(tid, &init_pid_ns) : NULL;

	return pid ? pid_task(pid, PIDTYPE(PID)) : NULL;
}

/* Within what nice values can be, as whoever asks counts on that. */
static int nice_of(struct task_struct __guest *t)
{
	int prio = t->static_prio;

	if (prio < DEFAULT_PRIO + NICE_MIN)
		return NICE_MIN;
	return prio > DEFAULT_PRIO + NICE_MAX ? NICE_MAX : prio - DEFAULT_PRIO;
}

static bool policy_is_rt(uint32_t policy)
{
	return policy == SCHED_FIFO || policy == SCHED_RR;
}

/* Each class's get_rr_interval(). Ordinary tasks have a slice of their own since 6.6. */
static uint64_t interval_of(struct task_struct __guest *t, uint32_t policy)
{
	uint64_t tick = NSEC_PER_SEC / global_hz();
	uint32_t cpu = guest_has(struct task_struct, cpu) ? t->cpu : t->thread_info.cpu;

	if (policy == SCHED_RR)
		return (uint64_t)(uint32_t)sched_rr_timeslice * tick;
	if (policy == SCHED_FIFO || policy == SCHED_DEADLINE || policy == SCHED_EXT)
		return 0;
	if (!guest_has(struct sched_entity, slice) || cpu >= cpu_ids() ||
	    !guest_per_cpu_ptr(&runqueues, cpu)->cfs.load.weight)
		return 0;
	return t->se.slice / tick * tick;
}

/* sched_getaffinity() leaves out CPUs that are offline or on their way there. */
static void affinity_of(struct task_struct __guest *t, struct vfs_task *ret)
{
	const unsigned long __guest *allowed = t->cpus_mask.bits, *active = __cpu_active_mask.bits;
	uint32_t words = (cpu_ids() + 63) / 64;

	for (uint32_t i = 0; i < words; i++)
		ret->affinity[i] = allowed[i] & active[i];
	ret->cpus = words * 64;
}

static void limits_of(struct task_struct __guest *t, struct vfs_task *ret)
{
	struct rlimit __guest *rlim = t->signal->rlim;

	for (int i = 0; i < VFS_RLIMITS; i++, rlim++) {
		ret->limits[i].cur = rlim->rlim_cur;
		ret->limits[i].max = rlim->rlim_max;
	}
}

static void schedule_of(struct task_struct __guest *t, struct vfs_task *ret)
{
	uint32_t policy = t->policy;

	ret->nice = nice_of(t);
	ret->rt_priority = policy_is_rt(policy) ? (int)t->rt_priority : 0;
	if (policy == SCHED_DEADLINE) {
		ret->dl_flags = t->dl.flags;
		ret->dl_runtime = t->dl.dl_runtime;
		ret->dl_deadline = t->dl.dl_deadline;
		ret->dl_period = t->dl.dl_period;
	}
	ret->interval_ns = interval_of(t, policy);
	if (guest_has_bitfield(struct task_struct, sched_reset_on_fork) && t->sched_reset_on_fork)
		policy |= SCHED_RESET_ON_FORK;
	ret->policy = (int)policy;
}

static void ids_of(struct task_struct __guest *t, int tid, struct vfs_task *ret)
{
	struct cred __guest *cred = t->real_cred;

	ret->tid = tid;
	ret->tgid = task_nr_ns(t, PIDTYPE(TGID), &init_pid_ns);
	ret->pgid = task_nr_ns(t, PIDTYPE(PGID), &init_pid_ns);
	ret->sid = task_nr_ns(t, PIDTYPE(SID), &init_pid_ns);
	ret->uid = cred->uid.val;
	ret->euid = cred->euid.val;
	ret->suid = cred->suid.val;
}

/* Still what the number leads to: a task that goes away while it is read isn't half a task. */
static int still_there(struct task_struct __guest *t, int tid)
{
	struct task_struct __guest *now = find_task(tid);

	if (now && guest_eq(now, t) && pid_alive(t))
		return guest_faulted() ? -EIO : 0;
	return -ESRCH;
}

int proc_call_task(int tid, struct vfs_task *ret)
{
	struct task_struct __guest *t = find_task(tid);

	if (!t)
		return guest_faulted() ? -EIO : -ESRCH;
	memset(ret, 0, sizeof(*ret));
	ids_of(t, tid, ret);
	schedule_of(t, ret);
	affinity_of(t, ret);
	limits_of(t, ret);
	return still_there(t, tid);
}

int proc_call_task_exists(int tgid, int tid)
{
	struct task_struct __guest *t = find_task(tid);

	if (!t)
		return guest_faulted() ? -EIO : -ESRCH;
	if (tgid && task_nr_ns(t, PIDTYPE(TGID), &init_pid_ns) != tgid)
		return -ESRCH;
	return guest_faulted() ? -EIO : 0;
}

int proc_call_tasks(enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	struct guest_bound b = GUEST_BOUND(KLIB_PID_MAX);
	int64_t type = PIDTYPE(PID), group = PIDTYPE(PGID);

	*ret = (struct vfs_tasks){ .nice = 19 };
	for (uint64_t nr = 1; nr <= KLIB_PID_MAX && guest_more(&b); nr++) {
		struct guest_record r = guest_record_begin();
		struct pid __guest *pid = find_ge_pid(&nr, &init_pid_ns);
		struct task_struct __guest *t = pid ? pid_task(pid, type) : NULL;
		bool wanted = t && (what == VFS_TASKS_OF_ALL ||
				    (what == VFS_TASKS_OF_GROUP &&
				     task_nr_ns(t, group, &init_pid_ns) == id) ||
				    (what == VFS_TASKS_OF_USER &&
				     t->real_cred->uid.val == (uint32_t)id));
		int nice = wanted ? nice_of(t) : 0;

		if (!pid)
			return guest_record_end(&r) ? 0 : -EIO;
		if (!guest_record_end(&r) || !wanted)
			continue;
		ret->count++;
		ret->nice = nice < ret->nice ? nice : ret->nice;
	}
	return 0;
}

/* alloc_pid() */
int proc_call_numbers(int first, struct vfs_numbers *ret)
{
	struct pid_namespace __guest *ns = &init_pid_ns;
	uint64_t end = (uint64_t)first + VFS_NUMBERS;

	*ret = (struct vfs_numbers){
		.next = (int)ns->idr.idr_next,
		.end = guest_has(struct pid_namespace, pid_max) ? ns->pid_max : pid_max,
	};
	if (ret->end > KLIB_PID_MAX)
		ret->end = KLIB_PID_MAX;
	ret->min = ret->next > RESERVED_PIDS ? RESERVED_PIDS : 1;
	for (uint64_t nr = (uint64_t)first; find_ge_pid(&nr, ns) && nr < end; nr++)
		ret->taken[(nr - (uint64_t)first) / 64] |= 1ull << ((nr - (uint64_t)first) % 64);
	return guest_faulted() ? -EIO : 0;
}

int proc_call_socket_device(uint64_t *ret)
{
	if (!guest_has_symbol(sock_mnt))
		return -ENOSYS;
	*ret = klib_dev(sock_mnt->mnt_sb->s_dev);
	return guest_faulted() ? -EIO : 0;
}

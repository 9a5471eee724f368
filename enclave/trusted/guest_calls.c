// SPDX-License-Identifier: MIT
/*
 * Calls about processes and the machine: answered for the guest (vfs/calls.h), as a tool that probes
 * PIDs means those. The program's own number can't be a guest's (TRUSTED_PID), nor a thread's of it. Asking
 * never changes anything, and what would change a process hits the program's own only.
 */
#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>

#include "calls.h"
#include "fork.h"
#include "layer.h"
#include "trusted/files.h"
#include "trusted/program.h"
#include "trusted/runtime.h"
#include "vfs/forms.h"

enum {
	SIGNALS_MAX = 64,
	NSEC_PER_SEC = 1000000000,
};

/* The guest's, with the lock held; NULL: not there, and not locked. */
static struct vfs *take_vfs(void)
{
	struct vfs *v;

	if (!layer_lock())
		return NULL;
	v = trusted_vfs();
	if (!v)
		layer_unlock();
	return v;
}

/* Of this thread, once it has asked (call_gettid()). */
static __thread int own_number;

static bool is_own(long pid)
{
	return !pid || (pid >= TRUSTED_PID && pid < TRUSTED_PID + LAYER_FDS) || pid == own_number ||
	       pid == process_pid();
}

/* What the program is to itself: a process of root's, of the ordinary kind. */
static void own_task(struct vfs_task *ret)
{
	*ret = (struct vfs_task){
		.tid = TRUSTED_PID, .tgid = TRUSTED_PID, .pgid = TRUSTED_PID, .sid = TRUSTED_PID, .cpus = 64,
		.affinity = { 1 },
	};
	for (int i = 0; i < VFS_RLIMITS; i++)
		ret->limits[i].cur = ret->limits[i].max = UINT64_MAX;
	ret->limits[RLIMIT_NOFILE].cur = ret->limits[RLIMIT_NOFILE].max = LAYER_FDS;
}

static int ask_exists(int tgid, int tid)
{
	struct vfs *v = take_vfs();
	int r = v ? vfs_task_exists(v, tgid, tid) : -EIO;

	if (v)
		layer_unlock();
	return r == -ENOSYS ? -ESRCH : r;
}

static int ask_task(int tid, struct vfs_task *ret)
{
	struct vfs *v;
	int r;

	if (is_own(tid)) {
		own_task(ret);
		return 0;
	}
	v = take_vfs();
	r = v ? vfs_task(v, tid, ret) : -EIO;
	if (v)
		layer_unlock();
	return r == -ENOSYS ? -ESRCH : r;
}

static int ask_tasks(enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	struct vfs *v = take_vfs();
	int r = v ? vfs_tasks(v, what, id, ret) : -EIO;

	if (v)
		layer_unlock();
	if (r)
		return r == -ENOSYS ? -ESRCH : r;
	return ret->count ? 0 : -ESRCH;
}

static int ask_machine(struct vfs_machine *ret)
{
	struct vfs *v = take_vfs();
	int r = v ? vfs_machine(v, ret) : -EIO;

	if (v)
		layer_unlock();
	return r;
}

/* -- numbers for processes that the guest doesn't have ----------------------------------------------- */

/*
 * As alloc_pid(): on from the last one that was given out. What is taken is read a range at a time: a number
 * isn't given if it was taken then, and may be if it was taken since.
 */
static struct {
	bool begun;
	int at, first; /* the range begins there */
	struct vfs_numbers range;
} numbers;

static int read_range(struct vfs *v)
{
	int r = vfs_numbers(v, numbers.at, &numbers.range);

	numbers.first = numbers.at;
	return r;
}

static int next_number(struct vfs *v)
{
	const struct vfs_numbers *n = &numbers.range;
	int r = numbers.begun ? 0 : vfs_numbers(v, 0, &numbers.range);
	bool from_min = false;

	if (!r && !numbers.begun) {
		numbers.at = n->next;
		r = read_range(v);
	}
	numbers.begun = !r;
	while (!r) {
		int bit = numbers.at - numbers.first;

		if (numbers.at >= n->end || numbers.at < n->min) {
			if (from_min)
				return -EAGAIN;
			from_min = true;
			numbers.at = n->min;
			r = read_range(v);
		} else if (bit >= VFS_NUMBERS) {
			r = read_range(v);
		} else {
			numbers.at++;
			if (!(n->taken[bit / 64] >> bit % 64 & 1))
				return numbers.at - 1;
		}
	}
	return r;
}

int call_next_number(void)
{
	struct vfs *v;
	int r;

	/* one that wants no guest shan't be told that there is none */
	if (!trusted_settings()->has_device_key || !trusted_info()->vm[0])
		return -ENOSYS;
	v = take_vfs();
	r = v ? next_number(v) : -EIO;
	if (v)
		layer_unlock();
	return r;
}

int call_gettid(void)
{
	int tid = (int)trusted_gettid();

	if (trusted_in_child())
		return process_pid();
	if (tid == TRUSTED_PID)
		return tid;
	if (!own_number) {
		int r = call_next_number();

		own_number = r > 0 ? r : 0;
	}
	return own_number ? own_number : tid;
}

/* -- signals -------------------------------------------------------------------------------------- */

long call_kill(int pid, int sig)
{
	struct vfs_tasks tasks;
	int r;

	if (sig < 0 || sig > SIGNALS_MAX)
		return -EINVAL;
	if (fork_is_on() && (is_own(pid) || pid == -TRUSTED_PID))
		return fork_kill(pid, sig);
	if (is_own(pid) || pid == -TRUSTED_PID)
		return sig ? trusted_raise(sig) : 0;
	if (pid == INT_MIN)
		return -ESRCH;
	if (pid == -1)
		r = ask_tasks(VFS_TASKS_OF_ALL, 0, &tasks);
	else if (pid < 0)
		r = ask_tasks(VFS_TASKS_OF_GROUP, -pid, &tasks);
	else
		r = ask_exists(0, pid);
	return r || !sig ? r : -EPERM;
}

long call_tgkill(int tgid, int tid, int sig)
{
	int r;

	if (tid <= 0 || tgid < -1 || !tgid || sig < 0 || sig > SIGNALS_MAX)
		return -EINVAL;
	if (tid == own_number || (trusted_in_child() && tid == process_pid()))
		tid = (int)trusted_gettid();
	if (is_own(tid) && (tgid == -1 || is_own(tgid)))
		return trusted_tgkill(-1, tid, sig);
	r = ask_exists(tgid < 0 ? 0 : tgid, tid);
	return r || !sig ? r : -EPERM;
}

long call_tkill(int tid, int sig)
{
	return call_tgkill(-1, tid, sig);
}

/* -- groups, sessions, scheduling ------------------------------------------------------------------ */

long call_getpgid(int pid)
{
	struct vfs_task t;
	int r = ask_task(pid, &t);

	return r ? r : t.pgid;
}

long call_getsid(int pid)
{
	struct vfs_task t;
	int r = ask_task(pid, &t);

	return r ? r : t.sid;
}

/* As the system call has it: 20 - nice, so that an error is another thing than a number. */
long call_getpriority(int which, int who)
{
	struct vfs_tasks tasks = { .count = 0 };
	struct vfs_task t;
	int r, nice = 0;

	switch (which) {
	case PRIO_PROCESS:
		r = ask_task(who, &t);
		nice = r ? 0 : t.nice;
		break;
	case PRIO_PGRP:
		if (is_own(who))
			return 20;
		r = ask_tasks(VFS_TASKS_OF_GROUP, who, &tasks);
		nice = tasks.nice;
		break;
	case PRIO_USER:
		r = ask_tasks(VFS_TASKS_OF_USER, who, &tasks);
		nice = tasks.nice;
		break;
	default:
		return -EINVAL;
	}
	return r ? r : 20 - nice;
}

/* What the C library counts processors by: the guest's. */
static void own_affinity(struct vfs_task *t)
{
	struct vfs_machine m;

	if (ask_machine(&m) || m.cpus_online > VFS_CPUS_MAX)
		return;
	for (uint32_t cpu = 0; cpu < m.cpus_online; cpu++)
		t->affinity[cpu / 64] |= 1ULL << (cpu % 64);
	if (m.cpus_online > 64)
		t->cpus = (m.cpus_online + 63) / 64 * 64;
}

/* As the system call: how many bytes there are. */
long call_sched_getaffinity(int pid, size_t size, void *mask)
{
	struct vfs_task t;
	int r = ask_task(pid, &t);

	if (r)
		return r;
	if (is_own(pid))
		own_affinity(&t);
	if (size < t.cpus / 8 || size % 8)
		return -EINVAL;
	if (!trusted_writable(mask, t.cpus / 8))
		return -EFAULT;
	memcpy(mask, t.affinity, t.cpus / 8);
	return (long)(t.cpus / 8);
}

static int ask_sched(int pid, struct vfs_task *ret)
{
	return pid < 0 ? -EINVAL : ask_task(pid, ret);
}

long call_sched_getscheduler(int pid)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	return r ? r : t.policy;
}

long call_sched_getparam(int pid, int *ret)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r || !ret)
		return r ? r : -EINVAL;
	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	*ret = t.rt_priority;
	return 0;
}

long call_sched_getattr(int pid, void *ret, unsigned int size, unsigned int flags)
{
	struct vfs_form_sched_attr a;
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r || !ret || size < sizeof(a) || flags)
		return r ? r : -EINVAL;
	if (!trusted_writable(ret, sizeof(a)))
		return -EFAULT;
	vfs_form_sched_attr(&t, &a);
	memcpy(ret, &a, sizeof(a));
	return 0;
}

long call_sched_rr_get_interval(int pid, struct trusted_timespec *ret)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r)
		return r;
	if (!trusted_writable(ret, sizeof(*ret)))
		return -EFAULT;
	*ret = (struct trusted_timespec){ (int64_t)(t.interval_ns / NSEC_PER_SEC),
					  (int64_t)(t.interval_ns % NSEC_PER_SEC) };
	return 0;
}

/* -- limits --------------------------------------------------------------------------------------- */

/* The program's own can be set as it likes: nothing here goes by them. */
long call_prlimit(int pid, int resource, const void *new_limit, uint64_t *old_limit)
{
	struct vfs_task t;
	int r;

	if (resource < 0 || resource >= VFS_RLIMITS)
		return -EINVAL;
	r = ask_task(pid, &t);
	if (r)
		return r;
	if (new_limit && !is_own(pid))
		return -EPERM;
	if (old_limit) {
		if (!trusted_writable(old_limit, 2 * sizeof(*old_limit)))
			return -EFAULT;
		old_limit[0] = t.limits[resource].cur;
		old_limit[1] = t.limits[resource].max;
	}
	return 0;
}

long call_getrlimit(int resource, uint64_t *ret)
{
	return ret ? call_prlimit(0, resource, NULL, ret) : -EFAULT;
}

/* -- the machine ---------------------------------------------------------------------------------- */

long call_uname(void *ret)
{
	struct utsname *name = ret;
	struct vfs_machine m;

	if (!trusted_writable(name, sizeof(*name)))
		return -EFAULT;
	memset(name, 0, sizeof(*name));
	if (ask_machine(&m)) {
		/* no guest: what a program can't do without */
		strcpy(name->sysname, "Linux");
		strcpy(name->nodename, "enclave");
		strcpy(name->release, "6.1.0");
		strcpy(name->machine, "x86_64");
		return 0;
	}
	memcpy(name->sysname, m.sysname, sizeof(name->sysname) - 1);
	memcpy(name->nodename, m.nodename, sizeof(name->nodename) - 1);
	memcpy(name->release, m.release, sizeof(name->release) - 1);
	memcpy(name->version, m.version, sizeof(name->version) - 1);
	memcpy(name->machine, m.machine, sizeof(name->machine) - 1);
	memcpy((char *)name + 5 * VFS_UTS_SIZE, m.domainname, VFS_UTS_SIZE - 1);
	return 0;
}
_Static_assert(sizeof(struct utsname) == 6 * VFS_UTS_SIZE, "the kernel's new_utsname");

long call_sysinfo(void *ret)
{
	struct sysinfo *info = ret;
	struct vfs_machine m;
	int r;

	if (!trusted_writable(info, sizeof(*info)))
		return -EFAULT;
	r = ask_machine(&m);
	if (r)
		return r == -ENOSYS ? -ENOSYS : -EIO;
	memset(info, 0, sizeof(*info));
	info->uptime = m.uptime;
	for (int i = 0; i < 3; i++)
		info->loads[i] = m.loads[i];
	info->totalram = m.total_ram;
	info->freeram = m.free_ram;
	info->sharedram = m.shared_ram;
	info->bufferram = m.buffer_ram;
	info->totalswap = m.total_swap;
	info->freeswap = m.free_swap;
	info->procs = (unsigned short)(m.procs + process_count());
	info->mem_unit = 1;
	return 0;
}

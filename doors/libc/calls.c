// SPDX-License-Identifier: MIT
/*
 * Calls about processes and the machine rather than about files (vfs/calls.h). Whose is a number?
 * Asking: the guest's, if it has it, else the tool's own. Doing something to it: the tool's own and
 * nobody else's, so that what is meant for a process of the guest never hits one of this host.
 * 0 is always the tool itself. docs/DOORS.md has the rules.
 */
#include "state.h"

#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/klog.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "vfs/forms.h"

enum {
	GENERATIONS_MAX = 64,
	SIGNALS_MAX = 64,
};

/* ---- the tool's own processes ---- */

static long parent_of(long pid)
{
	char path[48], buf[512], *p;
	int saved = errno, fd;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	fd = REAL(open)(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		errno = saved;
		return 0;
	}
	n = REAL(read)(fd, buf, sizeof(buf) - 1);
	REAL(close)(fd);
	errno = saved;
	if (n <= 0)
		return 0;
	buf[n] = '\0';
	p = strrchr(buf, ')'); /* "PID (name) state parent": the name may hold anything */
	return p && p[1] == ' ' && p[2] && p[3] == ' ' ? strtol(p + 4, NULL, 10) : 0;
}

static bool is_own_thread(long tid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/task/%ld", tid);
	int saved = errno;
	bool is = !REAL(access)(path, F_OK);
	errno = saved;
	return is;
}

/* This process, one of its threads, or a descendant: what the tool itself may act upon. */
static bool is_own(long pid)
{
	long self = getpid();

	if (pid == self)
		return true;
	if (pid <= 0)
		return false;
	if (is_own_thread(pid))
		return true;
	for (int i = 0; i < GENERATIONS_MAX && pid > 1; i++) {
		pid = parent_of(pid);
		if (pid == self)
			return true;
	}
	return false;
}

/* The group of the tool, or of one of its children (a shell gives each a group of its own). */
static bool is_own_group(long pgid)
{
	return pgid == getpgrp() || is_own(pgid);
}

/* ---- asking ---- */

/* What a look-up in the guest says; -ENOSYS: it is for the host to answer. */
static int ask_exists(int tgid, int tid)
{
	struct vfs *v = door_vfs_take();
	int r;

	if (!v)
		return -errno;
	r = vfs_task_exists(v, tgid, tid);
	bool search = door_is_search(tid);
	door_unlock();
	return r == -ESRCH && !search && is_own(tid) ? -ENOSYS : r;
}

static int ask_task(int tid, struct vfs_task *ret)
{
	struct vfs *v;
	int r;

	if (!tid)
		return -ENOSYS;
	v = door_vfs_take();
	if (!v)
		return -errno;
	r = vfs_task(v, tid, ret);
	bool search = door_is_search(tid);
	door_unlock();
	return r == -ESRCH && !search && is_own(tid) ? -ENOSYS : r;
}

static int ask_tasks(enum vfs_tasks_of what, int id, struct vfs_tasks *ret)
{
	struct vfs *v = door_vfs_take();
	int r;

	if (!v)
		return -errno;
	r = vfs_tasks(v, what, id, ret);
	door_unlock();
	if (r)
		return r;
	return ret->count ? 0 : -ESRCH;
}

int door_socket_device(uint64_t *ret)
{
	int saved = errno, r = -ENOSYS;
	struct vfs *v = door_is_host() ? NULL : door_vfs_take();

	if (v) {
		r = vfs_socket_device(v, ret);
		door_unlock();
	}
	errno = saved;
	return r;
}

/* Code below the vfs that asks how large this host is means this host. */
static int ask_machine(struct vfs_machine *ret)
{
	struct vfs *v;
	int r;

	if (door_inside())
		return -ENOSYS;
	v = door_vfs_take();
	if (!v)
		return -errno;
	r = vfs_machine(v, ret);
	door_unlock();
	return r;
}

static long fail(int error)
{
	errno = -error;
	return -1;
}

/*
 * May the tool do something to `pid`? -ENOSYS: its own, so let the host do it. Otherwise what the
 * guest says to one who may not: -EPERM or -ESRCH.
 */
static int act_on(long pid)
{
	int r;

	if (!pid || is_own(pid))
		return -ENOSYS;
	r = pid < 0 || pid > INT32_MAX ? -ESRCH : ask_exists(0, (int)pid);
	return r ? r : -EPERM;
}

/* ---- signals ---- */

static int kill_group(int pgid, int sig)
{
	struct vfs_tasks tasks;
	int r;

	if (sig && is_own_group(pgid))
		return -ENOSYS;
	r = ask_tasks(VFS_TASKS_OF_GROUP, pgid, &tasks);
	if (r == -ESRCH && is_own_group(pgid))
		return -ENOSYS;
	return r || !sig ? r : -EPERM;
}

static int kill_any(int pid, int sig)
{
	struct vfs_tasks tasks;
	int r;

	if (!pid || door_is_host())
		return -ENOSYS;
	if (sig < 0 || sig > SIGNALS_MAX)
		return -EINVAL;
	if (pid == -1) {
		r = ask_tasks(VFS_TASKS_OF_ALL, 0, &tasks);
		return r || !sig ? r : -EPERM;
	}
	if (pid == INT32_MIN)
		return -ESRCH;
	if (pid < 0)
		return kill_group(-pid, sig);
	return sig ? act_on(pid) : ask_exists(0, pid);
}

DOOR_API int scw_kill(pid_t pid, int sig);
int scw_kill(pid_t pid, int sig)
{
	int r = kill_any(pid, sig);

	if (r == -ENOSYS)
		return REAL(kill)(pid, sig);
	return r ? (int)fail(r) : 0;
}

DOOR_API int scw_killpg(pid_t pgid, int sig);
int scw_killpg(pid_t pgid, int sig)
{
	if (pgid < 0)
		return (int)fail(-EINVAL);
	/* killpg(1) isn't kill(-1) in the C library either, but nobody's group */
	return pgid == 1 ? (int)fail(-EPERM) : scw_kill(-pgid, sig);
}

/* `tgid` 0: tkill(), any process's. */
static int kill_thread(int tgid, int tid, int sig)
{
	int r;

	if (door_is_host())
		return -ENOSYS;
	if (tid <= 0 || sig < 0 || sig > SIGNALS_MAX)
		return -EINVAL;
	r = sig ? act_on(tid) : ask_exists(tgid, tid);
	return r;
}

#ifdef __GLIBC__
DOOR_API int scw_tgkill(pid_t tgid, pid_t tid, int sig);
int scw_tgkill(pid_t tgid, pid_t tid, int sig)
{
	int r = tgid <= 0 ? -EINVAL : kill_thread(tgid, tid, sig);

	if (r == -ENOSYS)
		return REAL(tgkill)(tgid, tid, sig);
	return r ? (int)fail(r) : 0;
}
#endif

/* ---- groups and sessions ---- */

DOOR_API pid_t scw_getpgid(pid_t pid);
pid_t scw_getpgid(pid_t pid)
{
	struct vfs_task t;
	int r = door_is_host() ? -ENOSYS : ask_task(pid, &t);

	if (r == -ENOSYS)
		return REAL(getpgid)(pid);
	return r ? (pid_t)fail(r) : t.pgid;
}

DOOR_API pid_t scw_getsid(pid_t pid);
pid_t scw_getsid(pid_t pid)
{
	struct vfs_task t;
	int r = door_is_host() ? -ENOSYS : ask_task(pid, &t);

	if (r == -ENOSYS)
		return REAL(getsid)(pid);
	return r ? (pid_t)fail(r) : t.sid;
}

/* ---- scheduling ---- */

static int ask_priority(int which, id_t who, int *ret)
{
	struct vfs_tasks tasks;
	struct vfs_task t;
	int r;

	if (door_is_host())
		return -ENOSYS;
	switch (which) {
	case PRIO_PROCESS:
		r = ask_task((int)who, &t);
		*ret = r ? 0 : t.nice;
		return r;
	case PRIO_PGRP:
		if (!who)
			return -ENOSYS;
		r = ask_tasks(VFS_TASKS_OF_GROUP, (int)who, &tasks);
		break;
	case PRIO_USER:
		r = ask_tasks(VFS_TASKS_OF_USER, who ? (int)who : (int)getuid(), &tasks);
		break;
	default:
		return -EINVAL;
	}
	*ret = r ? 0 : tasks.nice;
	return r;
}

#ifdef __GLIBC__
#define WHICH __priority_which_t
#else
#define WHICH int
#endif

DOOR_API int scw_getpriority(WHICH which, id_t who);
int scw_getpriority(WHICH which, id_t who)
{
	int nice, r = ask_priority((int)which, who, &nice);

	if (r == -ENOSYS)
		return REAL(getpriority)(which, who);
	return r ? (int)fail(r) : nice;
}

DOOR_API int scw_setpriority(WHICH which, id_t who, int nice);
int scw_setpriority(WHICH which, id_t who, int nice)
{
	int now, r = door_is_host() ? -ENOSYS : 0;

	if (!r && which == PRIO_PROCESS)
		r = act_on((long)who);
	else if (!r && which == PRIO_PGRP && (!who || is_own_group((long)who)))
		r = -ENOSYS;
	else if (!r)
		r = ask_priority((int)which, who, &now);
	if (r == -ENOSYS)
		return REAL(setpriority)(which, who, nice);
	return (int)fail(r ? r : -EPERM);
}

/* As the system call: how many bytes there are. */
static int ask_affinity(pid_t pid, size_t size, void *mask)
{
	struct vfs_task t;
	int r = door_is_host() ? -ENOSYS : ask_task(pid, &t);

	if (r)
		return r;
	if (size * 8 < t.cpus || size % 8)
		return -EINVAL;
	memcpy(mask, t.affinity, t.cpus / 8);
	return (int)(t.cpus / 8);
}

DOOR_API int scw_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *mask);
int scw_sched_getaffinity(pid_t pid, size_t size, cpu_set_t *mask)
{
	int r = ask_affinity(pid, size, mask);

	if (r == -ENOSYS)
		return REAL(sched_getaffinity)(pid, size, mask);
	if (r < 0)
		return (int)fail(r);
	memset((char *)mask + r, 0, size - (size_t)r);
	return 0;
}

DOOR_API int scw_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *mask);
int scw_sched_setaffinity(pid_t pid, size_t size, const cpu_set_t *mask)
{
	int r = door_is_host() ? -ENOSYS : act_on(pid);

	return r == -ENOSYS ? REAL(sched_setaffinity)(pid, size, mask) : (int)fail(r);
}

static int ask_sched(pid_t pid, struct vfs_task *ret)
{
	return door_is_host() ? -ENOSYS : pid < 0 ? -EINVAL : ask_task(pid, ret);
}

DOOR_API int scw_sched_getparam(pid_t pid, struct sched_param *param);
int scw_sched_getparam(pid_t pid, struct sched_param *param)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r == -ENOSYS)
		return REAL(sched_getparam)(pid, param);
	if (r || !param)
		return (int)fail(r ? r : -EINVAL);
	param->sched_priority = t.rt_priority;
	return 0;
}

DOOR_API int scw_sched_getscheduler(pid_t pid);
int scw_sched_getscheduler(pid_t pid)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r == -ENOSYS)
		return REAL(sched_getscheduler)(pid);
	return r ? (int)fail(r) : t.policy;
}

DOOR_API int scw_sched_rr_get_interval(pid_t pid, struct timespec *ret);
int scw_sched_rr_get_interval(pid_t pid, struct timespec *ret)
{
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r == -ENOSYS)
		return REAL(sched_rr_get_interval)(pid, ret);
	if (r)
		return (int)fail(r);
	ret->tv_sec = (time_t)(t.interval_ns / 1000000000u);
	ret->tv_nsec = (long)(t.interval_ns % 1000000000u);
	return 0;
}

DOOR_API int scw_sched_setparam(pid_t pid, const struct sched_param *param);
int scw_sched_setparam(pid_t pid, const struct sched_param *param)
{
	int r = door_is_host() ? -ENOSYS : act_on(pid);

	return r == -ENOSYS ? REAL(sched_setparam)(pid, param) : (int)fail(r);
}

DOOR_API int scw_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param);
int scw_sched_setscheduler(pid_t pid, int policy, const struct sched_param *param)
{
	int r = door_is_host() ? -ENOSYS : act_on(pid);

	return r == -ENOSYS ? REAL(sched_setscheduler)(pid, policy, param) : (int)fail(r);
}

static long raw_getattr(pid_t pid, void *attr, unsigned int size, unsigned int flags)
{
	struct vfs_form_sched_attr a;
	struct vfs_task t;
	int r = ask_sched(pid, &t);

	if (r == -ENOSYS)
		return REAL(syscall)(SYS_sched_getattr, pid, attr, size, flags);
	if (r || !attr || size < sizeof(a) || flags)
		return fail(r ? r : -EINVAL);
	vfs_form_sched_attr(&t, &a);
	memcpy(attr, &a, sizeof(a));
	return 0;
}

/* ---- limits ---- */

static int ask_limit(pid_t pid, unsigned int resource, bool set, uint64_t ret[2])
{
	struct vfs_task t;
	int r;

	if (door_is_host())
		return -ENOSYS;
	if (set) {
		r = act_on(pid);
		return r;
	}
	r = ask_task(pid, &t);
	if (r)
		return r;
	if (resource >= VFS_RLIMITS)
		return -EINVAL;
	ret[0] = t.limits[resource].cur;
	ret[1] = t.limits[resource].max;
	return 0;
}

#ifdef __GLIBC__
#define RESOURCE __rlimit_resource_t
#else
#define RESOURCE int
#endif

DOOR_API int scw_prlimit(pid_t pid, RESOURCE resource, const struct rlimit *set, struct rlimit *old);
int scw_prlimit(pid_t pid, RESOURCE resource, const struct rlimit *set, struct rlimit *old)
{
	uint64_t limits[2];
	int r = ask_limit(pid, (unsigned int)resource, set, limits);

	if (r == -ENOSYS)
		return REAL(prlimit)(pid, resource, set, old);
	if (r)
		return (int)fail(r);
	if (old)
		*old = (struct rlimit){ limits[0], limits[1] };
	return 0;
}

#ifdef __GLIBC__
DOOR_ALIAS(int, scw_prlimit64,
	   (pid_t pid, RESOURCE resource, const struct rlimit64 *set, struct rlimit64 *old), scw_prlimit)
#endif

/* ---- the machine ---- */

DOOR_API int scw_uname(struct utsname *name);
int scw_uname(struct utsname *name)
{
	struct vfs_machine m;
	int r = door_is_host() ? -ENOSYS : ask_machine(&m);

	if (r == -ENOSYS)
		return REAL(uname)(name);
	if (r)
		return (int)fail(r);
	memcpy(name->sysname, m.sysname, sizeof(name->sysname));
	memcpy(name->nodename, m.nodename, sizeof(name->nodename));
	memcpy(name->release, m.release, sizeof(name->release));
	memcpy(name->version, m.version, sizeof(name->version));
	memcpy(name->machine, m.machine, sizeof(name->machine));
	memcpy(name->domainname, m.domainname, sizeof(name->domainname));
	return 0;
}

DOOR_API int scw_gethostname(char *name, size_t size);
int scw_gethostname(char *name, size_t size)
{
	struct vfs_machine m;
	int r = door_is_host() ? -ENOSYS : ask_machine(&m);

	if (r == -ENOSYS)
		return REAL(gethostname)(name, size);
	if (r)
		return (int)fail(r);
	size_t need = strlen(m.nodename) + 1;
	memcpy(name, m.nodename, size < need ? size : need);
	return size < need ? (int)fail(-ENAMETOOLONG) : 0;
}

DOOR_API int scw_getdomainname(char *name, size_t size);
int scw_getdomainname(char *name, size_t size)
{
	struct vfs_machine m;
	int r = door_is_host() ? -ENOSYS : ask_machine(&m);

	if (r == -ENOSYS)
		return REAL(getdomainname)(name, size);
	if (r)
		return (int)fail(r);
	size_t need = strlen(m.domainname) + 1;
	memcpy(name, m.domainname, size < need ? size : need);
	return 0;
}

DOOR_API int scw_sysinfo(struct sysinfo *ret);
int scw_sysinfo(struct sysinfo *ret)
{
	struct vfs_machine m;
	int r = door_is_host() ? -ENOSYS : ask_machine(&m);

	if (r == -ENOSYS)
		return REAL(sysinfo)(ret);
	if (r)
		return (int)fail(r);
	*ret = (struct sysinfo){
		.uptime = m.uptime,
		.loads = { m.loads[0], m.loads[1], m.loads[2] },
		.totalram = m.total_ram,
		.freeram = m.free_ram,
		.sharedram = m.shared_ram,
		.bufferram = m.buffer_ram,
		.totalswap = m.total_swap,
		.freeswap = m.free_swap,
		.procs = (unsigned short)m.procs,
		.mem_unit = 1,
	};
	return 0;
}

enum machine_number { CPUS_ONLINE, CPUS_CONFIGURED, PAGES, PAGES_FREE };

/* False: for the host to say. */
static bool machine_number(enum machine_number what, long *ret)
{
	const long page = 4096;
	struct vfs_machine m;
	int r = door_is_host() ? -ENOSYS : ask_machine(&m);

	if (r == -ENOSYS)
		return false;
	if (r)
		*ret = fail(r);
	else if (what == CPUS_ONLINE)
		*ret = m.cpus_online;
	else if (what == CPUS_CONFIGURED)
		*ret = m.cpus_possible;
	else
		*ret = (long)(what == PAGES ? m.total_ram : m.free_ram) / page;
	return true;
}

DOOR_API long scw_sysconf(int name);
long scw_sysconf(int name)
{
	long n;

	switch (name) {
	case _SC_NPROCESSORS_ONLN:
		return machine_number(CPUS_ONLINE, &n) ? n : REAL(sysconf)(name);
	case _SC_NPROCESSORS_CONF:
		return machine_number(CPUS_CONFIGURED, &n) ? n : REAL(sysconf)(name);
	case _SC_PHYS_PAGES:
		return machine_number(PAGES, &n) ? n : REAL(sysconf)(name);
	case _SC_AVPHYS_PAGES:
		return machine_number(PAGES_FREE, &n) ? n : REAL(sysconf)(name);
	default:
		return REAL(sysconf)(name);
	}
}

DOOR_API int scw_get_nprocs(void);
int scw_get_nprocs(void)
{
	long n;

	return machine_number(CPUS_ONLINE, &n) ? (int)n : REAL(get_nprocs)();
}

DOOR_API int scw_get_nprocs_conf(void);
int scw_get_nprocs_conf(void)
{
	long n;

	return machine_number(CPUS_CONFIGURED, &n) ? (int)n : REAL(get_nprocs_conf)();
}

DOOR_API int scw_klogctl(int type, char *buf, int size);
int scw_klogctl(int type, char *buf, int size)
{
	return door_is_host() ? REAL(klogctl)(type, buf, size) : (int)fail(-EPERM);
}

DOOR_API long scw_get_phys_pages(void);
long scw_get_phys_pages(void)
{
	long n;

	return machine_number(PAGES, &n) ? n : REAL(get_phys_pages)();
}

DOOR_API long scw_get_avphys_pages(void);
long scw_get_avphys_pages(void)
{
	long n;

	return machine_number(PAGES_FREE, &n) ? n : REAL(get_avphys_pages)();
}

/* ---- by number ---- */

static int raw_priority(int which, id_t who)
{
	int nice, r = ask_priority(which, who, &nice);

	if (r == -ENOSYS)
		return (int)REAL(syscall)(SYS_getpriority, which, who);
	return r ? (int)fail(r) : 20 - nice;
}

static long raw_affinity(pid_t pid, size_t size, void *mask)
{
	int r = ask_affinity(pid, size, mask);

	if (r == -ENOSYS)
		return REAL(syscall)(SYS_sched_getaffinity, pid, size, mask);
	return r < 0 ? fail(r) : r;
}

bool door_syscall_of_task(long number, const long a[6], long *ret)
{
	int r;

#define INT(i) ((int)a[i])
#define PTR(i) ((void *)a[i])
	switch (number) {
	case SYS_kill:
		*ret = scw_kill(INT(0), INT(1));
		return true;
	case SYS_tkill:
	case SYS_tgkill:
		r = number == SYS_tkill ? kill_thread(0, INT(0), INT(1)) :
		    INT(0) <= 0 ? -EINVAL : kill_thread(INT(0), INT(1), INT(2));
		if (r == -ENOSYS)
			return false;
		*ret = r ? fail(r) : 0;
		return true;
	case SYS_getpgid:
		*ret = scw_getpgid(INT(0));
		return true;
	case SYS_getsid:
		*ret = scw_getsid(INT(0));
		return true;
	case SYS_getpriority:
		*ret = raw_priority(INT(0), (id_t)a[1]);
		return true;
	case SYS_setpriority:
		*ret = scw_setpriority(INT(0), (id_t)a[1], INT(2));
		return true;
	case SYS_sched_getaffinity:
		*ret = raw_affinity(INT(0), (size_t)a[1], PTR(2));
		return true;
	case SYS_sched_getparam:
		*ret = scw_sched_getparam(INT(0), PTR(1));
		return true;
	case SYS_sched_getscheduler:
		*ret = scw_sched_getscheduler(INT(0));
		return true;
	case SYS_sched_getattr:
		*ret = raw_getattr(INT(0), PTR(1), (unsigned int)a[2], (unsigned int)a[3]);
		return true;
	case SYS_sched_rr_get_interval:
		*ret = scw_sched_rr_get_interval(INT(0), PTR(1));
		return true;
	case SYS_prlimit64:
		*ret = scw_prlimit(INT(0), INT(1), PTR(2), PTR(3));
		return true;
	case SYS_uname:
		*ret = scw_uname(PTR(0));
		return true;
	case SYS_sysinfo:
		*ret = scw_sysinfo(PTR(0));
		return true;
	case SYS_socket:
		*ret = scw_socket(INT(0), INT(1), INT(2));
		return true;
	case SYS_sendto:
		*ret = scw_sendto(INT(0), PTR(1), (size_t)a[2], INT(3), PTR(4), (socklen_t)a[5]);
		return true;
	case SYS_sendmsg:
		*ret = scw_sendmsg(INT(0), PTR(1), INT(2));
		return true;
	case SYS_recvfrom:
		*ret = scw_recvfrom(INT(0), PTR(1), (size_t)a[2], INT(3), PTR(4), PTR(5));
		return true;
	case SYS_recvmsg:
		*ret = scw_recvmsg(INT(0), PTR(1), INT(2));
		return true;
	case SYS_ioctl:
		*ret = scw_ioctl(INT(0), (unsigned int)a[1], PTR(2));
		return true;
	/* What acts on a process, or looks into it past /proc. */
	case SYS_sched_setaffinity:
	case SYS_sched_setparam:
	case SYS_sched_setscheduler:
	case SYS_sched_setattr:
	case SYS_process_vm_readv:
	case SYS_process_vm_writev:
	case SYS_get_robust_list:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_kcmp:
	case SYS_migrate_pages:
	case SYS_move_pages:
		r = door_is_host() ? -ENOSYS : act_on(INT(0));
		break;
	case SYS_pidfd_send_signal: /* with the guest's /proc/PID: kill() answers, as on kernels before 5.1 */
		if (door_is_host() || !door_fd_maybe(INT(0)))
			return false;
		*ret = fail(-ENOSYS);
		return true;
	case SYS_pidfd_open: /* and code below the vfs that watches over the VM's process */
		r = door_is_host() || door_inside() ? -ENOSYS : act_on(INT(0));
		break;
	case SYS_ptrace:
	case SYS_ioprio_get: /* which, who */
	case SYS_ioprio_set:
		r = door_is_host() ? -ENOSYS : act_on(INT(1));
		break;
	/* The kernel's log, its programs and counters: this host's, by numbers that mean something else in the guest. */
	case SYS_syslog:
	case SYS_bpf:
	case SYS_perf_event_open:
		r = door_is_host() ? -ENOSYS : -EPERM;
		break;
	default:
		return false;
	}
	if (r == -ENOSYS)
		return false;
	*ret = fail(r);
	return true;
}

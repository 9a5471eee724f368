/* SPDX-License-Identifier: MIT */
/* Guest types of tasks and what hangs on them. Only members that somebody reads. */
#ifndef SCW_KLIB_TYPES_TASK_H
#define SCW_KLIB_TYPES_TASK_H

#include "klib/types_base.h"

GUEST_TYPES_BEGIN

struct mm_struct;
struct file;
struct net;
struct tty_struct;
struct task_struct;
struct dentry;
struct vfsmount;
struct mnt_namespace;
struct ipc_namespace;
struct time_namespace;
struct cgroup_namespace;
struct autogroup;
struct task_group;
struct mempolicy;

struct path {
	struct vfsmount __guest *mnt;
	struct dentry __guest *dentry;
};

typedef struct {
	unsigned long sig[1];
} sigset_t;

struct sigpending {
	sigset_t signal;
};

struct sigaction {
	void __guest *sa_handler;
};

struct k_sigaction {
	struct sigaction sa;
};

struct sighand_struct {
	struct k_sigaction action[64];
};

struct rlimit {
	unsigned long rlim_cur;
	unsigned long rlim_max;
};

struct prev_cputime {
	uint64_t utime;
	uint64_t stime;
};

struct task_io_accounting {
	uint64_t rchar;
	uint64_t wchar;
	uint64_t syscr;
	uint64_t syscw;
	uint64_t read_bytes;
	uint64_t write_bytes;
	uint64_t cancelled_write_bytes;
};

struct ns_common {
	const void __guest *ops;
	unsigned int inum;
};

/* include/linux/user_namespace.h; more than five extents lie in a sorted array outside */
struct uid_gid_extent {
	uint32_t first;
	uint32_t lower_first;
	uint32_t count;
};

struct uid_gid_map {
	uint32_t nr_extents;
	struct uid_gid_extent extent[5];
	struct uid_gid_extent __guest *forward;
	struct uid_gid_extent __guest *reverse;
};

struct user_namespace {
	struct uid_gid_map uid_map;
	struct uid_gid_map gid_map;
	struct uid_gid_map projid_map;
	struct user_namespace __guest *parent;
	int level;
	unsigned long flags;
	struct ns_common ns;
};

struct pid_namespace {
	struct idr idr;
	struct task_struct __guest *child_reaper;
	unsigned int level;
	struct pid_namespace __guest *parent;
	struct user_namespace __guest *user_ns;
	struct ns_common ns;
	int pid_max; /* since 6.14 */
};

struct uts_namespace {
	struct ns_common ns;
};

struct nsproxy {
	struct uts_namespace __guest *uts_ns;
	struct ipc_namespace __guest *ipc_ns;
	struct mnt_namespace __guest *mnt_ns;
	struct pid_namespace __guest *pid_ns_for_children;
	struct net __guest *net_ns;
	struct time_namespace __guest *time_ns;
	struct time_namespace __guest *time_ns_for_children;
	struct cgroup_namespace __guest *cgroup_ns;
};

struct upid {
	int nr;
	struct pid_namespace __guest *ns;
};

struct pid {
	unsigned int level;
	struct hlist_head tasks[4];
	struct upid numbers[];
};

struct signal_struct {
	struct list_head thread_head;
	int nr_threads;
	struct sigpending shared_pending;
	int group_exit_code;
	struct task_struct __guest *group_exit_task;
	unsigned int flags;
	struct pid __guest *pids[4];
	struct tty_struct __guest *tty;
	uint64_t utime;
	uint64_t stime;
	uint64_t cutime;
	uint64_t cstime;
	uint64_t gtime;
	uint64_t cgtime;
	struct prev_cputime prev_cputime;
	unsigned long nvcsw;
	unsigned long min_flt;
	unsigned long maj_flt;
	unsigned long cmin_flt;
	unsigned long cmaj_flt;
	unsigned long long sum_sched_runtime;
	struct rlimit rlim[16];
	struct task_io_accounting ioac;
	short oom_score_adj;
	struct autogroup __guest *autogroup;
	char posix_timers[8]; /* the head of a list: list_head, or hlist_head since 6.12 */
	void __guest *core_state; /* since 5.16; before in mm_struct */
};

struct user_struct {
	atomic_t sigpending; /* until 5.14 */
};

struct ucounts {
	atomic_long_t ucount[1];
	atomic_long_t rlimit[1];
};

struct group_info {
	int ngroups;
	kgid_t gid[];
};

typedef struct {
	uint64_t val; /* since 6.4; before an array of two */
	uint32_t cap[2];
} kernel_cap_t;

/* The name of the record behind kernel_cap_t until 6.3 */
struct kernel_cap_struct {
	uint32_t cap[2];
};

struct cred {
	kuid_t uid, suid, euid, fsuid;
	kgid_t gid, sgid, egid, fsgid;
	unsigned long cap_inheritable, cap_permitted, cap_effective, cap_bset, cap_ambient;
	void __guest *security;
	struct user_struct __guest *user;
	struct user_namespace __guest *user_ns;
	struct ucounts __guest *ucounts;
	struct group_info __guest *group_info;
};

struct fs_struct {
	int umask;
	struct path root, pwd;
};

struct fdtable {
	unsigned int max_fds;
	struct file __guest *__guest *fd;
	unsigned long __guest *close_on_exec;
	unsigned long __guest *open_fds;
};

struct files_struct {
	struct fdtable __guest *fdt;
};

struct sched_statistics {
	uint64_t sum_sleep_runtime, sum_block_runtime, wait_start, sleep_start, block_start, sleep_max, block_max;
	uint64_t exec_max, slice_max, wait_max, wait_sum, wait_count, iowait_sum, iowait_count;
	uint64_t nr_migrations_cold, nr_failed_migrations_affine, nr_failed_migrations_running;
	uint64_t nr_failed_migrations_hot, nr_forced_migrations, nr_wakeups, nr_wakeups_sync, nr_wakeups_migrate;
	uint64_t nr_wakeups_local, nr_wakeups_remote, nr_wakeups_affine, nr_wakeups_affine_attempts;
	uint64_t nr_wakeups_passive, nr_wakeups_idle, core_forceidle_sum;
};

struct util_est {
	unsigned int enqueued, ewma;
};

struct sched_avg {
	uint64_t last_update_time, load_sum, runnable_sum;
	uint32_t util_sum;
	unsigned long load_avg, runnable_avg, util_avg;
	char util_est[4]; /* a struct util_est up to 6.7, then a number */
};

struct load_weight {
	unsigned long weight;
};

struct sched_entity {
	struct load_weight load;
	uint64_t exec_start, vruntime, nr_migrations;
	uint64_t sum_exec_runtime;
	uint64_t slice; /* since 6.6 */
	struct sched_avg avg;
	struct sched_statistics statistics; /* until 5.15; then in the task */
};

struct sched_dl_entity {
	uint64_t dl_runtime;
	uint64_t dl_deadline;
	uint64_t dl_period;
	unsigned int flags;
	int64_t runtime;
	uint64_t deadline;
};

struct sched_info {
	unsigned long pcount;
	unsigned long long run_delay;
};

struct task_rss_stat {
	int events;
	int count[4];
};

struct seccomp {
	int mode;
	atomic_t filter_count;
};

struct vtime {
	int state;
	int cpu;
	uint64_t starttime;
	uint64_t utime;
	uint64_t stime;
	uint64_t gtime;
};

struct task_delay_info {
	uint64_t blkio_delay;
	uint64_t swapin_start; /* since 5.16 */
	uint64_t swapin_delay;
};

struct numa_group {
	int gid;
	unsigned long faults[];
};

/* arch/x86/include/asm/ptrace.h: what a task had in its registers when it entered the kernel */
struct pt_regs {
	unsigned long ax, bx, cx, dx, si, di, bp, r8, r9, r10;
	unsigned long orig_ax;
	unsigned long ip;
	unsigned long sp;
};

struct fpu {
	unsigned long avx512_timestamp;
};

struct thread_struct {
	struct fpu fpu; /* until 6.15 */
	unsigned long sp;
	unsigned long features;
	unsigned long features_locked;
};

struct thread_info {
	unsigned long flags;
	uint32_t status;
	uint32_t cpu;
};

struct css_set;

struct uclamp_se { /* CONFIG_UCLAMP_TASK */
	unsigned int value : 11;
	unsigned int active : 1;
};
struct task_struct {
	struct thread_info thread_info;
	unsigned int __state;
	long state; /* until 5.13 */
	void __guest *stack;
	unsigned int flags;
	unsigned int ptrace;
	int on_cpu;
	unsigned char on_rq[1]; /* an int, or a byte since 7.3 */
	unsigned int cpu; /* until 5.15; then in thread_info */
	int prio;
	int static_prio;
	unsigned int rt_priority;
	struct sched_entity se;
	struct sched_statistics stats;
	struct sched_dl_entity dl;
	void __guest *sched_class;
	struct task_group __guest *sched_task_group;
	struct uclamp_se uclamp_req[1];
	struct uclamp_se uclamp[1];
	unsigned int policy;
	unsigned int sched_reset_on_fork : 1;
	struct cpumask __guest *cpus_ptr;
	struct cpumask cpus_mask;
	struct sched_info sched_info;
	struct list_head tasks;
	struct mm_struct __guest *mm;
	struct task_rss_stat rss_stat;
	int exit_state;
	int exit_code;
	int exit_signal;
	unsigned int personality;
	unsigned long atomic_flags;
	int pid;
	int tgid;
	struct task_struct __guest *real_parent;
	struct task_struct __guest *parent;
	struct list_head children;
	struct list_head sibling;
	struct task_struct __guest *group_leader;
	struct pid __guest *thread_pid;
	struct hlist_node pid_links[4];
	struct list_head thread_group; /* until 6.6 */
	struct list_head thread_node;
	void __guest *set_child_tid;
	void __guest *vfork_done;
	int patch_state;
	void __guest *worker_private; /* since 5.17 */
	uint64_t utime;
	uint64_t stime;
	uint64_t gtime;
	struct prev_cputime prev_cputime;
	struct vtime vtime;
	unsigned long nvcsw;
	unsigned long nivcsw;
	uint64_t start_time;
	uint64_t start_boottime;
	unsigned long min_flt;
	unsigned long maj_flt;
	struct cred __guest *real_cred;
	struct cred __guest *cred;
	char comm[16];
	struct fs_struct __guest *fs;
	struct files_struct __guest *files;
	struct nsproxy __guest *nsproxy;
	struct signal_struct __guest *signal;
	struct sighand_struct __guest *sighand;
	sigset_t blocked;
	struct sigpending pending;
	kuid_t loginuid;
	unsigned int sessionid;
	struct seccomp seccomp;
	struct task_io_accounting ioac;
	nodemask_t mems_allowed;
	struct css_set __guest *cgroups;
	struct numa_group __guest *numa_group;
	unsigned long __guest *numa_faults;
	unsigned long numa_pages_migrated, total_numa_faults;
	int numa_preferred_nid;
	struct mempolicy __guest *mempolicy;
	struct task_delay_info __guest *delays;
	uint64_t timer_slack_ns;
	refcount_t stack_refcount;
	struct thread_struct thread;
};

struct tty_driver {
	int major;
	int minor_start;
};

struct tty_operations;

struct tty_struct {
	const struct tty_operations __guest *ops;
	struct tty_driver __guest *driver;
	int index;
	struct pid __guest *pgrp; /* until 5.15 */
	struct {
		struct pid __guest *pgrp;
	} ctrl;
};

struct kthread {
	void __guest *data;
	char __guest *full_name; /* since 5.17 */
};

struct workqueue_struct {
	char name[1];
};

struct workqueue_attrs {
	int nice;
};

struct worker_pool {
	int cpu;
	int id;
	struct workqueue_attrs __guest *attrs;
};

struct worker {
	void __guest *current_work;
	struct worker_pool __guest *pool;
	int id;
	char desc[1];
	struct workqueue_struct __guest *rescue_wq;
};

GUEST_TYPES_END

extern struct task_struct __guest init_task;
extern struct pid_namespace __guest init_pid_ns;
extern struct user_namespace __guest init_user_ns;
extern struct net __guest init_net;

#endif

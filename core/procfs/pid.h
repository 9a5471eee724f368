/* SPDX-License-Identifier: MIT */
/* What the files of /proc/PID share. All of it runs inside guest_run(). */
#ifndef SCW_PROCFS_PID_H
#define SCW_PROCFS_PID_H

#include "fact.h"
#include "internal.h"
#include "klib/cpumask.h"
#include "klib/mm.h"
#include "klib/path.h"
#include "klib/pid.h"
#include "masks.h"

enum {
	PF_EXITING = 0x4,
	PF_POSTCOREDUMP = 0x8,
	PF_WQ_WORKER = 0x20,
	PF_DUMPCORE = 0x200,
	PF_KTHREAD = 0x200000,
};

/* In signal_struct.rlim. */
enum {
	RLIMIT_RSS_INDEX = 5,
	RLIMIT_SIGPENDING_INDEX = 11,
};

static inline struct task_struct __guest *item_task(const struct proc_item *it)
{
	return guest_ptr(struct task_struct, it->task);
}

/* "R (running)" and so on; its first letter is what stat shows. */
const char *proc_task_state(struct task_struct __guest *t);
/* The task's name as in comm, stat (raw) and status (escaped). */
enum {
	PROC_TASK_NAME_SIZE = 64,
};
size_t proc_task_name(const struct proc_item *it, char buf[PROC_TASK_NAME_SIZE]);

/* The open file number `fd` of the task; NULL when there is none. */
struct file __guest *proc_task_file(struct task_struct __guest *t, uint64_t fd);
/* stat of the guest's own file. */
void proc_inode_stat(struct inode __guest *inode, struct vfs_stat *ret);

/* pid_mem.c: the line of an area in maps, and in what has more of each (fs/proc/task_mmu.c). */
struct proc_range {
	uint64_t start, end, flags, pgoff, ino;
	uint32_t dev;
};
void proc_put_range(struct seq_file *m, const struct proc_range *r);
void proc_put_area(struct seq_file *m, struct mm_struct __guest *mm,
		   struct vm_area_struct __guest *vma, const struct klib_path *root);
/* pid_smaps.c: bytes of a page in this area (mm/hugetlb.c: vma_kernel_pagesize) */
uint64_t proc_area_page_size(struct vm_area_struct __guest *vma);
/* The area that all processes have and none has; NULL when it isn't shown. */
struct vm_area_struct __guest *proc_gate_area(void);
void proc_put_gate_area(struct seq_file *m);

/* Where a task sleeps: an address in the kernel's code, or 0 (kernel/sched/core.c: get_wchan). */
uint64_t proc_task_wchan(struct task_struct __guest *t);
/* What it had in its registers when it entered the kernel; NULL without a stack. */
struct pt_regs __guest *proc_task_regs(struct task_struct __guest *t);

proc_show_fn proc_pid_stat_show, proc_pid_statm_show, proc_pid_status_show;
proc_show_fn proc_pid_cmdline_show, proc_pid_environ_show, proc_pid_auxv_show, proc_pid_maps_show;
proc_show_fn proc_pid_smaps_show, proc_pid_smaps_rollup_show, proc_pid_numa_maps_show;
proc_show_fn proc_pid_wchan_show, proc_pid_cgroup_show;
proc_show_fn proc_pid_comm_show, proc_pid_loginuid_show, proc_pid_sessionid_show;
proc_show_fn proc_pid_attr_current_show, proc_pid_limits_show, proc_pid_personality_show;
proc_show_fn proc_pid_oom_adj_show, proc_pid_oom_score_adj_show, proc_pid_io_show;
proc_show_fn proc_pid_schedstat_show, proc_pid_timerslack_show, proc_pid_uid_map_show;
proc_show_fn proc_pid_gid_map_show, proc_pid_projid_map_show, proc_pid_setgroups_show;
proc_show_fn proc_pid_fdinfo_show;
proc_show_fn proc_pid_mounts_show, proc_pid_mountinfo_show, proc_pid_mountstats_show;

proc_show_fn proc_pid_oom_score_show, proc_pid_coredump_filter_show, proc_pid_patch_state_show;
proc_show_fn proc_pid_resctrl_show;
proc_show_fn proc_pid_ksm_merging_pages_show, proc_pid_cpuset_show, proc_pid_autogroup_show;
proc_show_fn proc_pid_syscall_show, proc_pid_arch_status_show, proc_pid_ksm_stat_show;
proc_show_fn proc_pid_timens_offsets_show, proc_pid_children_show, proc_pid_timers_show;
proc_show_fn proc_pid_sched_show, proc_pid_stack_show;

proc_link_fn proc_pid_exe_link, proc_pid_cwd_link, proc_pid_root_link, proc_pid_fd_link;
proc_target_fn proc_pid_exe_target, proc_pid_cwd_target, proc_pid_root_target, proc_pid_fd_target;

extern const struct proc_dir proc_fd_dir, proc_fdinfo_dir, proc_map_files_dir;
extern const struct proc_row proc_ns_rows[], proc_attr_rows[];
/* The name of a socket's protocol, as the extended attribute system.sockprotoname has it. */
proc_xattr_fn proc_pid_fd_xattr;
/* 6.2 shows in st_size how many are open */
void proc_fd_dir_attr(const struct proc_item *it, struct vfs_stat *ret);

#endif

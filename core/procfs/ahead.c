// SPDX-License-Identifier: MIT
/*
 * What passes over /proc are about to read, said beforehand where each missing page costs a round
 * trip (klib/ahead.h). All of it only hints: the files read what they read, whether it was said or not.
 */
#include "ahead.h"

#include "klib/ahead.h"

enum {
	STACK_SEEN = 1024, /* bytes of a sleeping task's stack that unwinding looks at */
	TEXT_SEEN = 8192,  /* bytes of a process's arguments, and of its environment */
	FILES_SEEN = 4096, /* of one task */
	TASKS_MAX = 1 << 17,
};

/* What stat, status and their kin read of a task_struct itself: a third of it. */
static void task_members_ahead(struct ahead *a, bool unwinds)
{
#define MEMBER(m) AHEAD_MEMBERS(a, AHEAD_NODE, struct task_struct, m)
	MEMBER(thread_info);
	MEMBER(__state);
	MEMBER(state);
	MEMBER(stack);
	MEMBER(flags);
	MEMBER(on_rq);
	MEMBER(cpu);
	MEMBER(prio);
	MEMBER(rt_priority);
	MEMBER(se.sum_exec_runtime);
	MEMBER(policy);
	MEMBER(cpus_ptr);
	ahead_bytes(a, AHEAD_NODE, guest_offsetof(struct task_struct, cpus_mask), 32);
	MEMBER(mm);
	MEMBER(rss_stat);
	MEMBER(exit_state);
	MEMBER(exit_signal);
	MEMBER(personality);
	MEMBER(atomic_flags);
	MEMBER(pid);
	MEMBER(real_parent);
	MEMBER(children);
	MEMBER(group_leader);
	MEMBER(thread_pid);
	ahead_bytes(a, AHEAD_NODE, guest_offsetof(struct task_struct, pid_links), 64);
	MEMBER(thread_group);
	MEMBER(thread_node);
	MEMBER(set_child_tid);
	MEMBER(worker_private);
	MEMBER(utime);
	MEMBER(gtime);
	ahead_bytes(a, AHEAD_NODE, guest_offsetof(struct task_struct, prev_cputime), 32);
	MEMBER(nvcsw);
	MEMBER(start_time);
	MEMBER(min_flt);
	MEMBER(real_cred);
	MEMBER(comm);
	MEMBER(fs);
	MEMBER(nsproxy);
	MEMBER(signal);
	MEMBER(blocked);
	ahead_bytes(a, AHEAD_NODE, guest_offsetof(struct task_struct, pending), 32);
	MEMBER(loginuid);
	MEMBER(seccomp);
	ahead_bytes(a, AHEAD_NODE, guest_offsetof(struct task_struct, mems_allowed),
		    guest_sizeof(nodemask_t));
	MEMBER(cgroups);
	MEMBER(numa_group);
	MEMBER(delays);
	MEMBER(thread.features);
	if (unwinds) {
		MEMBER(stack_refcount);
		MEMBER(thread.sp);
	}
#undef MEMBER
}

/* What they read of its signal_struct. */
static void signal_members_ahead(struct ahead *a)
{
	int sig = AHEAD_FOLLOW_TO(a, AHEAD_NODE, struct task_struct, signal, struct signal_struct,
				  nr_threads);
	uint64_t rlim = guest_offsetof(struct signal_struct, rlim);

#define MEMBER(m) AHEAD_MEMBERS(a, sig, struct signal_struct, m)
	MEMBER(thread_head);
	ahead_bytes(a, sig, guest_offsetof(struct signal_struct, shared_pending), 32);
	MEMBER(group_exit_code);
	MEMBER(group_exit_task);
	MEMBER(flags);
	ahead_bytes(a, sig, guest_offsetof(struct signal_struct, pids), 32);
	MEMBER(tty);
	MEMBER(utime);
	MEMBER(cutime);
	MEMBER(gtime);
	MEMBER(cgtime);
	ahead_bytes(a, sig, guest_offsetof(struct signal_struct, prev_cputime), 32);
	MEMBER(min_flt);
	MEMBER(cmin_flt);
	MEMBER(sum_sched_runtime);
	/* of resident memory and of pending signals */
	ahead_bytes(a, sig, rlim + RLIMIT_RSS_INDEX * guest_sizeof(struct rlimit), 8);
	ahead_bytes(a, sig, rlim + RLIMIT_SIGPENDING_INDEX * guest_sizeof(struct rlimit), 8);
	MEMBER(core_state);
#undef MEMBER
}

/* And of its mm_struct; where its arguments are is told there, too. */
static void mm_members_ahead(struct ahead *a)
{
	int mm = AHEAD_FOLLOW_TO(a, AHEAD_NODE, struct task_struct, mm, struct mm_struct, pgd);

#define MEMBER(m) AHEAD_MEMBER(a, mm, struct mm_struct, m)
	MEMBER(hiwater_rss);
	MEMBER(hiwater_vm);
	MEMBER(total_vm);
	MEMBER(locked_vm);
	MEMBER(pinned_vm);
	MEMBER(data_vm);
	MEMBER(exec_vm);
	MEMBER(stack_vm);
	MEMBER(start_code);
	MEMBER(end_code);
	MEMBER(start_data);
	MEMBER(end_data);
	MEMBER(start_brk);
	MEMBER(start_stack);
	MEMBER(arg_start);
	MEMBER(env_end);
	/* four counters, each with a part for each processor since 6.2 */
	ahead_bytes(a, mm, guest_offsetof(struct mm_struct, rss_stat), 160);
	MEMBER(pgtables_bytes);
	MEMBER(hugetlb_usage);
	MEMBER(context.untag_mask);
	MEMBER(flags);
	MEMBER(core_state);
	MEMBER(user_ns);
#undef MEMBER
}

/* The tasks on the list that `node` is on, with what stat, status and their kin read of each. */
static void tasks_ahead(const struct proc_item *it, uint64_t node, uint64_t node_at, uint32_t bound)
{
	uint64_t worker = guest_has(struct task_struct, worker_private) ?
				  guest_offsetof(struct task_struct, worker_private) :
				  guest_offsetof(struct task_struct, set_child_tid);
	/* stat's wchan flag: most kernels don't unwind for it */
	bool unwinds = proc_fact(it, PROC_FACT_WCHAN_UNWINDS);
	struct ahead m = ahead_make(node_at, 0), a = m, b = m, c = m;
	int kthread, cred, data, files;

	/* the link alone */
	m.chain.before = a.chain.before = b.chain.before = c.chain.before = 0;
	m.chain.first.v = a.chain.first.v = b.chain.first.v = c.chain.first.v = node;
	m.chain.bound = a.chain.bound = b.chain.bound = c.chain.bound = bound;
	task_members_ahead(&m, unwinds);
	guest_chase(&m.chain);

	AHEAD_FOLLOW(&a, AHEAD_NODE, struct task_struct, thread_pid, struct pid);
	AHEAD_FOLLOW(&a, AHEAD_NODE, struct task_struct, sighand, struct sighand_struct);
	AHEAD_FOLLOW(&a, AHEAD_NODE, struct task_struct, real_cred, struct cred);
	if (unwinds)
		ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct task_struct, thread.sp),
			     STACK_SEEN);
	files = AHEAD_FOLLOW_TO(&a, AHEAD_NODE, struct task_struct, files, struct files_struct, fdt);
	AHEAD_FOLLOW(&a, files, struct files_struct, fdt, struct fdtable);
	AHEAD_FOLLOW(&a, AHEAD_NODE, struct task_struct, fs, struct fs_struct);
	mm_members_ahead(&a);
	guest_chase(&a.chain);

	signal_members_ahead(&c);
	guest_chase(&c.chain);

	kthread = ahead_follow(&b, AHEAD_NODE, worker, guest_sizeof(struct kthread));
	data = AHEAD_FOLLOW(&b, kthread, struct kthread, data, struct worker);
	AHEAD_FOLLOW(&b, data, struct worker, pool, struct worker_pool);
	cred = AHEAD_FOLLOW(&b, AHEAD_NODE, struct task_struct, cred, struct cred);
	AHEAD_FOLLOW(&b, cred, struct cred, group_info, struct group_info);
	AHEAD_FOLLOW(&b, cred, struct cred, ucounts, struct ucounts);
	data = AHEAD_FOLLOW_TO(&b, AHEAD_NODE, struct task_struct, signal, struct signal_struct, tty);
	AHEAD_FOLLOW(&b, data, struct signal_struct, tty, struct tty_struct);
	guest_chase(&b.chain);
}

extern uint64_t __guest jiffies, ptr_key[2];
extern int __guest kptr_restrict, overflowuid;
extern char __guest tk_core, clocksource_jiffies, no_hash_pointers, tcp_hashinfo;
extern unsigned long __guest page_offset_base;

static void global_ahead(uint64_t at)
{
	if (at >> 47 == 0x1ffff) /* not one that this kernel hasn't got */
		ahead_range(GUEST_SPACE_KERNEL, at, sizeof(uint64_t));
}

/* What nearly every file reads, all over the kernel's data, so that it takes one round trip. */
void proc_ahead_globals(struct procfs *p)
{
	if (!guest_hints() || !procfs_pass_first(p, PROCFS_PASS_GLOBALS))
		return;

#define GLOBAL(symbol) global_ahead(guest_addr(&(symbol)))
	GLOBAL(init_task);
	GLOBAL(init_pid_ns);
	GLOBAL(init_user_ns);
	GLOBAL(__per_cpu_offset[0]);
	GLOBAL(nr_cpu_ids);
	GLOBAL(__cpu_online_mask);
	GLOBAL(page_offset_base);
	GLOBAL(jiffies);
	GLOBAL(tk_core);
	GLOBAL(clocksource_jiffies);
	GLOBAL(kptr_restrict);
	GLOBAL(ptr_key[0]);
	GLOBAL(overflowuid);
	GLOBAL(no_hash_pointers);
	GLOBAL(tcp_hashinfo);
#undef GLOBAL
	ahead_range(GUEST_SPACE_KERNEL, guest_addr(&init_net), guest_sizeof(struct net));
}

void proc_ahead_task(const struct proc_item *it)
{
	const uint64_t at = guest_offsetof(struct task_struct, tasks);

	if (!guest_hints())
		return;
	if (!procfs_pass(it->fs))
		tasks_ahead(it, guest_addr(item_task(it)) + at, at, 1);
	else if (procfs_pass_first(it->fs, PROCFS_PASS_TASKS))
		tasks_ahead(it, guest_addr(&init_task.tasks), at, TASKS_MAX);
}

void proc_ahead_threads(const struct proc_item *it)
{
	struct signal_struct __guest *sig;

	if (!guest_hints())
		return;
	sig = item_task(it)->signal;
	if (sig->nr_threads > 1)
		tasks_ahead(it, guest_addr(&sig->thread_head),
			    guest_offsetof(struct task_struct, thread_node), TASKS_MAX);
}

void proc_ahead_pids(void)
{
	if (guest_hints())
		xa_ahead(&init_pid_ns.idr.idr_rt, guest_sizeof(struct pid));
}

/* Of this task, or, in a pass, of all: where it lies is told in their mm_structs. */
static void text_ahead(const struct proc_item *it, enum procfs_pass pass, uint64_t from, uint64_t to)
{
	const uint64_t at = guest_offsetof(struct task_struct, tasks);
	bool all = procfs_pass(it->fs);
	struct ahead a;
	int mm;

	if (!guest_hints() || (all && !procfs_pass_first(it->fs, pass)))
		return;
	a = ahead_make(at, 0);
	a.chain.before = 0;
	a.chain.first.v = guest_addr(all ? &init_task.tasks : &item_task(it)->tasks);
	a.chain.bound = all ? TASKS_MAX : 1;
	mm = AHEAD_FOLLOW_TO(&a, AHEAD_NODE, struct task_struct, mm, struct mm_struct, pgd);
	ahead_bytes(&a, mm, from, to + 8 - from);
	ahead_process(&a, mm, klib_mm_direct(), guest_offsetof(struct mm_struct, pgd), from, to,
		      TEXT_SEEN);
	guest_chase(&a.chain);
}

void proc_ahead_arguments(const struct proc_item *it)
{
	text_ahead(it, PROCFS_PASS_ARGUMENTS, guest_offsetof(struct mm_struct, arg_start),
		   guest_offsetof(struct mm_struct, arg_end));
}

void proc_ahead_environment(const struct proc_item *it)
{
	text_ahead(it, PROCFS_PASS_ENVIRONMENT, guest_offsetof(struct mm_struct, env_start),
		   guest_offsetof(struct mm_struct, env_end));
}

void proc_ahead_files(const struct proc_item *it)
{
	struct files_struct __guest *files;
	struct fdtable __guest *fdt;
	uint64_t count;
	struct ahead a;
	int dentry;

	if (!guest_hints())
		return;
	proc_ahead_task(it);
	files = item_task(it)->files;
	if (!files)
		return;
	fdt = files->fdt;
	count = fdt->max_fds;
	a = ahead_array(guest_addr(fdt->fd), count < FILES_SEEN ? count : FILES_SEEN,
			guest_sizeof(struct file));
	dentry = ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct file, f_path.dentry),
			      guest_sizeof(struct dentry));
	AHEAD_FOLLOW(&a, dentry, struct dentry, d_inode, struct inode);
	AHEAD_FOLLOW(&a, dentry, struct dentry, d_op, struct dentry_operations);
	ahead_follow(&a, AHEAD_NODE, guest_offsetof(struct file, f_path.mnt), sizeof(uint64_t));
	guest_chase(&a.chain);
}

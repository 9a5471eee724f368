// SPDX-License-Identifier: MIT
/* Files of /proc/PID that few tools read: fs/proc/base.c, fs/proc/array.c, kernel/sched/autogroup.c. */
#include <errno.h>

#include "klib/path.h"
#include "pid.h"

GUEST_TYPES_BEGIN
struct autogroup { /* kernel/sched/autogroup.h */
	unsigned long id;
	int nice;
	struct task_group __guest *tg;
};

/* include/uapi/asm-generic/siginfo.h: of what timers send, only the number and the value */
union __sifields {
	struct {
		void __guest *_sigval;
	} _rt;
};

struct kernel_siginfo {
	int si_signo;
	union __sifields _sifields;
};

struct sigqueue {
	struct kernel_siginfo info;
};

struct k_itimer { /* include/linux/posix-timers.h */
	char list[8]; /* list_head, or hlist_node since 6.12 */
	int it_clock;
	int it_id;
	int it_sigev_notify;
	unsigned int it_sigqueue_seq; /* since 6.13, when sigq became a record of its own */
	struct pid __guest *it_pid;
	char sigq[8];
};

struct cpuinfo_x86 { /* arch/x86/include/asm/processor.h */
	uint32_t x86_capability[1];
};

struct ksm_rmap_item { /* mm/ksm.c */
	unsigned long address;
};

struct task_group { /* kernel/sched/sched.h */
	struct autogroup __guest *autogroup;
};

GUEST_TYPES_END

extern struct cpuinfo_x86 __guest boot_cpu_data;
extern unsigned long __guest jiffies;
extern atomic_long_t __guest _totalram_pages;
extern long __guest total_swap_pages;

/* ---- out of memory: mm/oom_kill.c: oom_badness() ---- */

/* The first thread that still has memory: find_lock_task_mm(). */
static struct task_struct __guest *thread_with_mm(struct task_struct __guest *leader)
{
	struct task_struct __guest *t;

	for_each_thread(leader, t) {
		if (t->mm)
			return t;
	}
	return NULL;
}

static bool is_killable(const struct proc_item *it, struct task_struct __guest *t)
{
	enum { OOM_SCORE_ADJ_MIN = -1000, MMF_OOM_SKIP = 21 };
	struct mm_struct __guest *mm;

	if (it->tgid == 1 || item_task(it)->flags & PF_KTHREAD || !t)
		return false;
	mm = t->mm;
	return t->signal->oom_score_adj != OOM_SCORE_ADJ_MIN && !(mm->flags >> MMF_OOM_SKIP & 1) &&
	       !(t->vfork_done && guest_eq(t->real_parent->mm, mm));
}

static int64_t pages_of(struct mm_struct __guest *mm, bool exact)
{
	return (int64_t)(klib_mm_counter(mm, guest_enum_any(MM_FILEPAGES), exact) +
			 klib_mm_counter(mm, guest_enum_any(MM_ANONPAGES), exact) +
			 klib_mm_counter(mm, guest_enum_any(MM_SHMEMPAGES), exact) +
			 klib_mm_counter(mm, guest_enum_any(MM_SWAPENTS), exact)) +
	       mm->pgtables_bytes.counter / 4096;
}

int proc_pid_oom_score_show(const struct proc_item *it, struct seq_file *m)
{
	int64_t total = _totalram_pages.counter + total_swap_pages, badness;
	struct task_struct __guest *t = thread_with_mm(item_task(it));
	uint64_t points = 0;

	if (total <= 0)
		return -EIO;
	if (is_killable(it, t)) {
		badness = pages_of(t->mm, proc_fact(it, PROC_FACT_RSS_EXACT_OOM)) + t->signal->oom_score_adj * (total / 1000);
		points = (uint64_t)((1000 + badness * 1000 / total) * 2 / 3);
	}
	seq_printf(m, "%lu\n", (unsigned long)points);
	return 0;
}

/* ---- memory ---- */

int proc_pid_coredump_filter_show(const struct proc_item *it, struct seq_file *m)
{
	enum { SHIFT = 2, MASK = 0x1ff }; /* MMF_DUMP_FILTER_*: nine kinds of areas */
	struct mm_struct __guest *mm = get_task_mm(item_task(it));

	if (mm)
		seq_printf(m, "%08lx\n", mm->flags >> SHIFT & MASK);
	return 0;
}

int proc_pid_ksm_merging_pages_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));

	if (mm)
		seq_printf(m, "%lu\n", mm->ksm_merging_pages);
	return 0;
}

/* mm/ksm.c: ksm_process_mergeable() */
static bool is_mergeable(struct mm_struct __guest *mm)
{
	const unsigned long VM_MERGEABLE_BIT = 1ul << 31; /* include/linux/mm.h: VM_MERGEABLE */
	struct vm_area_struct __guest *vma;
	struct klib_vma_walk w;

	klib_vma_begin(&w, mm);
	while ((vma = klib_vma_next(&w))) {
		if (vma->vm_flags & VM_MERGEABLE_BIT)
			return true;
	}
	return false;
}

/* Since 6.6 also what it gains by sharing, since 6.16 whether it may. */
int proc_pid_ksm_stat_show(const struct proc_item *it, struct seq_file *m)
{
	enum { PAGE_SIZE = 4096, MMF_VM_MERGE_ANY = 30 };
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	long items, zero, merging;

	if (!mm)
		return 0;
	items = (long)mm->ksm_rmap_items;
	seq_printf(m, "ksm_rmap_items %lu\n", (unsigned long)items);
	if (!guest_has(struct mm_struct, ksm_zero_pages))
		return 0;
	zero = mm->ksm_zero_pages.counter;
	merging = (long)mm->ksm_merging_pages;
	seq_printf(m, "ksm_zero_pages %ld\nksm_merging_pages %lu\nksm_process_profit %ld\n", zero,
		   (unsigned long)merging,
		   (merging + zero) * PAGE_SIZE - items * (long)guest_sizeof(struct ksm_rmap_item));
	if (guest_has_symbol(ksm_process_mergeable))
		seq_printf(m, "ksm_merge_any: %s\nksm_mergeable: %s\n",
			   mm->flags >> MMF_VM_MERGE_ANY & 1 ? "yes" : "no",
			   is_mergeable(mm) ? "yes" : "no");
	return 0;
}

/* ---- what the processor holds of a task ---- */

/* lib/syscall.c: task_current_syscall(); 32-bit programs have their arguments elsewhere. */
int proc_pid_syscall_show(const struct proc_item *it, struct seq_file *m)
{
	enum { TS_COMPAT = 2 };
	struct task_struct __guest *t = item_task(it);
	unsigned int state = guest_has(struct task_struct, __state) ? t->__state :
								       (unsigned int)t->state;
	struct pt_regs __guest *r = t->stack_refcount.refs.counter ? proc_task_regs(t) : NULL;
	int nr = r ? (int)r->orig_ax : -1;

	if (!state) {
		seq_puts(m, "running\n");
		return 0;
	}
	if (nr < 0) {
		seq_printf(m, "%d 0x%lx 0x%lx\n", nr, r ? r->sp : 0, r ? r->ip : 0);
		return 0;
	}
	bool compat = t->thread_info.status & TS_COMPAT;
	unsigned long args[6] = {
		compat ? r->bx : r->di,	 compat ? r->cx : r->si, r->dx,
		compat ? r->si : r->r10, compat ? r->di : r->r8, compat ? r->bp : r->r9,
	};

	seq_printf(m, "%d", nr);
	for (int i = 0; i < 6; i++)
		seq_printf(m, " 0x%lx", compat ? args[i] & UINT32_MAX : args[i]);
	seq_printf(m, " 0x%lx 0x%lx\n", r->sp, r->ip);
	return 0;
}

/* arch/x86/kernel/fpu/xstate.c: proc_pid_arch_status() */
int proc_pid_arch_status_show(const struct proc_item *it, struct seq_file *m)
{
	enum { AVX512F_WORD = 9, AVX512F_BIT = 16 };
	uint32_t __guest *capability = boot_cpu_data.x86_capability;
	unsigned int hz = global_hz();
	unsigned long seen;
	int64_t ago = -1;

	if (!(capability[AVX512F_WORD] >> AVX512F_BIT & 1))
		return 0;
	seen = item_task(it)->thread.fpu.avx512_timestamp;
	if (seen && hz) {
		ago = (int64_t)(jiffies - seen);
		ago = (unsigned int)((ago < 0 ? INT64_MAX : ago) * (1000 / hz));
	}
	seq_put_decimal_ll(m, "AVX512_elapsed_ms:\t", ago);
	seq_putc(m, '\n');
	return 0;
}

/* ---- odds and ends ---- */

int proc_pid_patch_state_show(const struct proc_item *it, struct seq_file *m)
{
	seq_printf(m, "%d\n", item_task(it)->patch_state);
	return 0;
}

int proc_pid_cpuset_show(const struct proc_item *it, struct seq_file *m)
{
	int64_t id = guest_enum(enum cgroup_subsys_id, cpuset_cgrp_id);
	struct css_set __guest *cset = item_task(it)->cgroups;
	struct cgroup_subsys_state __guest *__guest *subsys = cset->subsys;
	char path[VFS_PATH_MAX];
	int size;

	if (id < 0 || id > 32)
		return -EIO;
	size = klib_cgroup_path(subsys[id]->cgroup, path, sizeof(path));
	if (size < 0)
		return size;
	seq_write(m, path, (size_t)size);
	seq_putc(m, '\n');
	return 0;
}

/* A task without signal handlers is on its way out and counts for the default group, which is silent. */
int proc_pid_autogroup_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	struct autogroup __guest *ag = t->sighand ? t->signal->autogroup : NULL;

	if (ag && ag->tg->autogroup)
		seq_printf(m, "/autogroup-%ld nice %d\n", (long)ag->id, ag->nice);
	return 0;
}

static void put_offset(struct seq_file *m, const char *clock, struct timespec64 __guest *t)
{
	seq_printf(m, "%-10s %10lld %9ld\n", clock, (long long)t->tv_sec, (long)t->tv_nsec);
}

int proc_pid_timens_offsets_show(const struct proc_item *it, struct seq_file *m)
{
	struct nsproxy __guest *proxy = item_task(it)->nsproxy;
	struct timens_offsets __guest *o;

	if (!proxy)
		return 0;
	o = &proxy->time_ns_for_children->offsets;
	put_offset(m, "monotonic", &o->monotonic);
	put_offset(m, "boottime", &o->boottime);
	return 0;
}

/* Of one thread: what it forked itself, or inherited. */
int proc_pid_children_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *child;

	list_for_each_entry(child, &item_task(it)->children, sibling) {
		struct guest_record r = guest_record_begin();
		int nr = pid_nr_ns(task_pid(child), &init_pid_ns);

		if (guest_record_end(&r))
			seq_printf(m, "%d ", nr);
	}
	return 0;
}

/* ---- timers: fs/proc/base.c: show_timer() ---- */

static void put_timer(struct seq_file *m, struct k_itimer __guest *t)
{
	static const char *const kinds[] = { "signal", "none", "thread" };
	enum { SIGEV_THREAD_ID_BIT = 4, KINDS = 3 };
	bool embedded = guest_has(struct k_itimer, it_sigqueue_seq);
	uint64_t sigq = guest_addr(t->sigq);
	struct kernel_siginfo __guest *info =
		&guest_ptr(struct sigqueue, embedded ? sigq : *guest_ptr(uint64_t, sigq))->info;
	unsigned int notify = (unsigned int)t->it_sigev_notify;
	unsigned int kind = notify & ~(unsigned int)SIGEV_THREAD_ID_BIT;

	seq_printf(m, "ID: %d\nsignal: %d/%016llx\n", t->it_id, info->si_signo,
		   (unsigned long long)guest_addr(info->_sifields._rt._sigval));
	seq_printf(m, "notify: %s/%s.%d\nClockID: %d\n", kind < KINDS ? kinds[kind] : "(null)",
		   notify & SIGEV_THREAD_ID_BIT ? "tid" : "pid", pid_nr_ns(t->it_pid, &init_pid_ns),
		   t->it_clock);
}

int proc_pid_timers_show(const struct proc_item *it, struct seq_file *m)
{
	enum { TIMERS_MAX = 1 << 20 };
	struct task_struct __guest *t = item_task(it);
	struct guest_bound b = GUEST_BOUND(TIMERS_MAX);
	uint64_t head, at;

	if (!t->sighand)
		return -ESRCH;
	head = guest_addr(t->signal->posix_timers);
	/* a list ends at its head, or at NULL */
	for (at = *guest_ptr(uint64_t, head); at && at != head && guest_more_at(&b, at);
	     at = *guest_ptr(uint64_t, at)) {
		struct guest_record r = guest_record_begin();
		size_t mark = seq_mark(m);

		put_timer(m, guest_ptr(struct k_itimer, at - guest_offsetof(struct k_itimer, list)));
		if (!guest_record_end(&r))
			seq_rollback(m, mark);
	}
	return 0;
}

// SPDX-License-Identifier: MIT
/* /proc/PID/{stat,statm,status,comm,schedstat,io}: fs/proc/array.c and what it calls. */
#include "pid.h"

#include <stdio.h>
#include <string.h>

#include "klib/cred.h"
#include "klib/time.h"

enum {
	NSIG = 64,
	SIGNAL_GROUP_EXIT_OR_STOPPED = 0x4 | 0x1,
	TASK_RUNNING_STATE = 0,
	NS_LEVELS_MAX = 32, /* MAX_PID_NS_LEVEL */
};

/* ---- names and states ---- */

static void __guest *kthread_of(struct task_struct __guest *t)
{
	return guest_has(struct task_struct, worker_private) ? t->worker_private : t->set_child_tid;
}

static size_t append(char buf[PROC_TASK_NAME_SIZE], size_t at, const char *s)
{
	while (*s && at < PROC_TASK_NAME_SIZE - 1)
		buf[at++] = *s++;
	buf[at] = '\0';
	return at;
}

/* "kworker/3:1H", as kernels since 6.10 make it anew each time (format_worker_id). */
static size_t worker_id(struct worker __guest *w, char buf[PROC_TASK_NAME_SIZE])
{
	struct workqueue_struct __guest *rescue = w->rescue_wq;
	struct worker_pool __guest *pool = w->pool;
	char name[33];

	if (rescue) {
		guest_strncpy(name, rescue->name, sizeof(name));
		return append(buf, append(buf, 0, "kworker/R-"), name);
	}
	if (!pool)
		return append(buf, 0, "kworker/dying");
	int cpu = pool->cpu;
	int n;
	if (cpu >= 0)
		n = snprintf(buf, PROC_TASK_NAME_SIZE, "kworker/%d:%d%s", cpu, w->id,
			     pool->attrs->nice < 0 ? "H" : "");
	else
		n = snprintf(buf, PROC_TASK_NAME_SIZE, "kworker/u%d:%d", pool->id, w->id);
	return n < 0 ? 0 : (size_t)n;
}

size_t proc_task_name(const struct proc_item *it, char buf[PROC_TASK_NAME_SIZE])
{
	struct task_struct __guest *t = item_task(it);
	unsigned int flags = t->flags;
	struct kthread __guest *k = NULL;
	size_t size;

	if (flags & (PF_WQ_WORKER | PF_KTHREAD))
		k = guest_ptr(struct kthread, guest_addr(kthread_of(t)));
	if (k && !(flags & PF_WQ_WORKER) && guest_has(struct kthread, full_name)) {
		char __guest *full = k->full_name;

		if (full)
			return guest_strncpy(buf, full, PROC_TASK_NAME_SIZE);
	}
	size = guest_strncpy(buf, t->comm, 17);
	if (!k || !(flags & PF_WQ_WORKER))
		return size;

	struct worker __guest *w = guest_ptr(struct worker, guest_addr(k->data));
	if (!w)
		return size;
	if (proc_fact(it, PROC_FACT_WORKER_ID))
		size = worker_id(w, buf);
	if (w->pool) {
		char desc[33];

		/* What it works on now, or worked on last. */
		if (guest_strncpy(desc, w->desc, sizeof(desc))) {
			size = append(buf, size, w->current_work ? "+" : "-");
			size = append(buf, size, desc);
		}
	}
	return size;
}

const char *proc_task_state(struct task_struct __guest *t)
{
	static const char *const names[] = {
		"R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)",
		"t (tracing stop)", "X (dead)", "Z (zombie)", "P (parked)", "I (idle)",
	};
	enum {
		UNINTERRUPTIBLE = 0x2,
		REPORT = 0x7f,
		REPORT_IDLE = 0x80,
		IDLE = 0x402,
		RTLOCK_WAIT = 0x1000,
		FROZEN = 0x8000,
	};
	unsigned int state = guest_has(struct task_struct, __state) ? t->__state :
			     (unsigned int)t->state;
	unsigned int report = (state | (unsigned int)t->exit_state) & REPORT;
	unsigned int index = 0;

	if ((state & IDLE) == IDLE)
		report = REPORT_IDLE;
	if (state & (RTLOCK_WAIT | FROZEN))
		report = UNINTERRUPTIBLE;
	while (report >> index)
		index++;
	return names[index];
}

static bool is_running(struct task_struct __guest *t)
{
	return (guest_has(struct task_struct, __state) ? (long)t->__state : t->state) ==
	       TASK_RUNNING_STATE;
}

int proc_pid_comm_show(const struct proc_item *it, struct seq_file *m)
{
	char name[PROC_TASK_NAME_SIZE];

	seq_write(m, name, proc_task_name(it, name));
	seq_putc(m, '\n');
	return 0;
}

/* ---- bitmaps ---- */

static unsigned int mask_word(const unsigned long __guest *bits, unsigned int n)
{
	return (unsigned int)(bits[n / 2] >> n % 2 * 32);
}

void proc_put_bitmap(struct seq_file *m, const unsigned long __guest *bits, unsigned int count)
{
	unsigned int words = (count + 31) / 32;

	for (unsigned int i = words; i-- > 0;) {
		unsigned int width = i == words - 1 && count % 32 ? count % 32 : 32;
		unsigned int v = mask_word(bits, i);

		if (width < 32)
			v &= (1u << width) - 1;
		seq_put_hex_ll(m, i == words - 1 ? "" : ",", v, (width + 3) / 4);
	}
}

void proc_put_bitmap_list(struct seq_file *m, const unsigned long __guest *bits, unsigned int count)
{
	const char *comma = "";

	for (unsigned int at = bitmap_next(bits, 0, count); at < count;
	     at = bitmap_next(bits, at, count)) {
		unsigned int from = at;

		while (at < count && bitmap_test(bits, at))
			at++;
		if (at - from == 1)
			seq_printf(m, "%s%u", comma, from);
		else
			seq_printf(m, "%s%u-%u", comma, from, at - 1);
		comma = ",";
	}
}

GUEST_TYPES_BEGIN
struct irq_common_data {
	void __guest *affinity; /* a cpumask_var_t */
};
GUEST_TYPES_END

unsigned int proc_cpumask_bits(const struct proc_item *it)
{
	/* With masks out of line (CPUMASK_OFFSTACK) they are always as wide as there are ids. */
	if (guest_has(struct irq_common_data, affinity) || proc_fact(it, PROC_FACT_MASK_OF_IDS))
		return cpu_ids();
	return (unsigned int)guest_sizeof(struct cpumask) * 8;
}

/* ---- CPU time ---- */

struct cputime {
	uint64_t utime, stime, runtime;
};

/*
 * With full dynticks a running task's newest time isn't in utime and stime yet; what its CPU noted
 * of it is added here, but not what has passed since that, which only the guest's clock tells.
 */
static void add_task_time(struct task_struct __guest *t, struct cputime *c)
{
	const int64_t system = guest_enum(enum vtime_state, VTIME_SYS);

	c->utime += t->utime;
	c->stime += t->stime;
	c->runtime += t->se.sum_exec_runtime;
	if (guest_has(struct task_struct, vtime.state) && t->vtime.state >= system) {
		if (t->vtime.state == system)
			c->stime += t->vtime.stime;
		else
			c->utime += t->vtime.utime;
	}
}

/* kernel/sched/cputime.c: cputime_adjust(): exact total, split as the ticks say. */
static void adjust(const struct cputime *c, const struct prev_cputime __guest *prev,
		   uint64_t *utime_ret, uint64_t *stime_ret)
{
	uint64_t put = prev->utime, pst = prev->stime;
	uint64_t stime = c->stime, utime;

	if (put + pst < c->runtime) {
		if (!c->stime)
			stime = 0; /* all is taken for user time until a tick says otherwise */
		else if (!c->utime)
			stime = c->runtime;
		else
			stime = (uint64_t)((unsigned __int128)stime * c->runtime /
					   ((unsigned __int128)c->stime + c->utime));
		if (stime > c->runtime)
			stime = c->runtime;
		if (stime < pst)
			stime = pst;
		utime = c->runtime - stime;
		if (utime < put) {
			utime = put;
			stime = c->runtime - utime;
		}
		put = utime;
		pst = stime;
	}
	*utime_ret = put;
	*stime_ret = pst;
}

/* ---- what stat and status share ---- */

struct signals {
	uint64_t ignored, caught;
};

static struct signals collect_signals(struct task_struct __guest *t)
{
	struct signals s = { 0 };
	struct sighand_struct __guest *hand = t->sighand;
	struct k_sigaction __guest *action;

	if (!hand)
		return s;
	action = hand->action;
	for (int i = 0; i < NSIG; i++, action++) {
		uint64_t handler = guest_addr(action->sa.sa_handler);

		if (handler == 1)
			s.ignored |= 1ull << i;
		else if (handler)
			s.caught |= 1ull << i;
	}
	return s;
}

static unsigned int parent_nr(struct task_struct __guest *t)
{
	return pid_alive(t) ?
		       (unsigned int)task_nr_ns(t->real_parent, PIDTYPE(TGID), &init_pid_ns) : 0;
}

/* ---- stat ---- */

static uint64_t block_io_ticks(struct task_struct __guest *t)
{
	struct task_delay_info __guest *d;
	uint64_t ns;

	if (!guest_has(struct task_struct, delays) || !(d = t->delays))
		return 0;
	ns = d->blkio_delay;
	/* Until waiting for swap had a clock of its own. */
	if (!guest_has(struct task_delay_info, swapin_start))
		ns += d->swapin_delay;
	return nsec_to_clock_t(ns);
}

static uint32_t tty_number(struct tty_struct __guest *tty)
{
	struct tty_driver __guest *d = tty->driver;
	uint32_t minor = (uint32_t)(d->minor_start + tty->index);

	return (minor & 0xff) | (uint32_t)d->major << 8 | (minor & ~0xffu) << 12;
}

static int task_stat(const struct proc_item *it, struct seq_file *m, bool whole)
{
	struct task_struct __guest *t = item_task(it);
	struct signal_struct __guest *sig = t->signal;
	struct mm_struct __guest *mm = get_task_mm(t);
	unsigned int flags = t->flags;
	struct signals sigs = { 0 };
	uint64_t min_flt, maj_flt, gtime, utime, stime, rsslim = 0, eip = 0, esp = 0;
	int pgid = -1, sid = -1, tty_pgrp = -1, exit_code = t->exit_code;
	unsigned int tty_nr = 0, ppid = 0;
	int threads = 0;
	bool wchan;
	char name[PROC_TASK_NAME_SIZE];

	if (mm && flags & (PF_EXITING | PF_DUMPCORE | PF_POSTCOREDUMP) && t->stack) {
		struct pt_regs __guest *regs = proc_task_regs(t);

		eip = regs->ip;
		esp = regs->sp;
	}
	if (t->sighand) {
		struct tty_struct __guest *tty = sig->tty;

		if (tty) {
			struct pid __guest *pgrp = guest_has(struct tty_struct, ctrl.pgrp) ?
						   tty->ctrl.pgrp : tty->pgrp;

			tty_pgrp = pid_nr_ns(pgrp, &init_pid_ns);
			tty_nr = tty_number(tty);
		}
		threads = sig->nr_threads;
		sigs = collect_signals(t);
		rsslim = sig->rlim[RLIMIT_RSS_INDEX].rlim_cur;
		if (whole && sig->flags & SIGNAL_GROUP_EXIT_OR_STOPPED &&
		    proc_fact(it, PROC_FACT_GROUP_EXIT_CODE))
			exit_code = sig->group_exit_code;
		sid = task_nr_ns(t, PIDTYPE(SID), &init_pid_ns);
		pgid = task_nr_ns(t, PIDTYPE(PGID), &init_pid_ns);
		ppid = parent_nr(t);
	}
	wchan = !whole || threads < 2;
	if (wchan && proc_fact(it, PROC_FACT_WCHAN_UNWINDS))
		wchan = proc_task_wchan(t);
	else if (wchan)
		wchan = !is_running(t);

	struct cputime c = { 0 };
	if (whole) {
		struct task_struct __guest *p;

		min_flt = sig->min_flt;
		maj_flt = sig->maj_flt;
		gtime = sig->gtime;
		c.utime = sig->utime;
		c.stime = sig->stime;
		c.runtime = sig->sum_sched_runtime;
		for_each_thread(t, p) {
			min_flt += p->min_flt;
			maj_flt += p->maj_flt;
			gtime += p->gtime;
			add_task_time(p, &c);
		}
		adjust(&c, &sig->prev_cputime, &utime, &stime);
	} else {
		min_flt = t->min_flt;
		maj_flt = t->maj_flt;
		gtime = t->gtime;
		add_task_time(t, &c);
		adjust(&c, &t->prev_cputime, &utime, &stime);
	}

	seq_put_decimal_ull(m, "", (unsigned int)(it->thread ? it->tid : it->tgid));
	seq_puts(m, " (");
	seq_write(m, name, proc_task_name(it, name));
	seq_puts(m, ") ");
	seq_putc(m, *proc_task_state(t));
	seq_put_decimal_ll(m, " ", ppid);
	seq_put_decimal_ll(m, " ", pgid);
	seq_put_decimal_ll(m, " ", sid);
	seq_put_decimal_ll(m, " ", (int)tty_nr);
	seq_put_decimal_ll(m, " ", tty_pgrp);
	seq_put_decimal_ull(m, " ", flags);
	seq_put_decimal_ull(m, " ", min_flt);
	seq_put_decimal_ull(m, " ", sig->cmin_flt);
	seq_put_decimal_ull(m, " ", maj_flt);
	seq_put_decimal_ull(m, " ", sig->cmaj_flt);
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(utime));
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(stime));
	seq_put_decimal_ll(m, " ", (long long)nsec_to_clock_t(sig->cutime));
	seq_put_decimal_ll(m, " ", (long long)nsec_to_clock_t(sig->cstime));
	seq_put_decimal_ll(m, " ", t->prio - 100);
	seq_put_decimal_ll(m, " ", t->static_prio - 120);
	seq_put_decimal_ll(m, " ", threads);
	seq_puts(m, " 0");
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(t->start_boottime));
	if (mm) {
		uint64_t rss = klib_mm_counter(mm, guest_enum_any(MM_FILEPAGES), false) +
			       klib_mm_counter(mm, guest_enum_any(MM_ANONPAGES), false) +
			       klib_mm_counter(mm, guest_enum_any(MM_SHMEMPAGES), false);

		seq_put_decimal_ull(m, " ", mm->total_vm * 4096);
		seq_put_decimal_ull(m, " ", rss);
		seq_put_decimal_ull(m, " ", rsslim);
		seq_put_decimal_ull(m, " ", mm->start_code);
		seq_put_decimal_ull(m, " ", mm->end_code);
		seq_put_decimal_ull(m, " ", mm->start_stack);
	} else {
		seq_puts(m, " 0 0");
		seq_put_decimal_ull(m, " ", rsslim);
		seq_puts(m, " 0 0 0");
	}
	seq_put_decimal_ull(m, " ", esp);
	seq_put_decimal_ull(m, " ", eip);
	seq_put_decimal_ull(m, " ", t->pending.signal.sig[0] & 0x7fffffff);
	seq_put_decimal_ull(m, " ", t->blocked.sig[0] & 0x7fffffff);
	seq_put_decimal_ull(m, " ", sigs.ignored & 0x7fffffff);
	seq_put_decimal_ull(m, " ", sigs.caught & 0x7fffffff);
	seq_put_decimal_ull(m, " ", wchan);
	seq_puts(m, " 0 0");
	seq_put_decimal_ll(m, " ", t->exit_signal);
	seq_put_decimal_ll(m, " ", guest_has(struct task_struct, cpu) ? t->cpu :
				   t->thread_info.cpu);
	seq_put_decimal_ull(m, " ", t->rt_priority);
	seq_put_decimal_ull(m, " ", t->policy);
	seq_put_decimal_ull(m, " ", block_io_ticks(t));
	seq_put_decimal_ull(m, " ", nsec_to_clock_t(gtime));
	seq_put_decimal_ll(m, " ", (long long)nsec_to_clock_t(sig->cgtime));
	if (mm) {
		seq_put_decimal_ull(m, " ", mm->start_data);
		seq_put_decimal_ull(m, " ", mm->end_data);
		seq_put_decimal_ull(m, " ", mm->start_brk);
		seq_put_decimal_ull(m, " ", mm->arg_start);
		seq_put_decimal_ull(m, " ", mm->arg_end);
		seq_put_decimal_ull(m, " ", mm->env_start);
		seq_put_decimal_ull(m, " ", mm->env_end);
	} else {
		seq_puts(m, " 0 0 0 0 0 0 0");
	}
	seq_put_decimal_ll(m, " ", exit_code);
	seq_putc(m, '\n');
	return 0;
}

int proc_pid_stat_show(const struct proc_item *it, struct seq_file *m)
{
	return task_stat(it, m, !it->thread);
}

/* ---- statm ---- */

static uint64_t text_bytes(struct mm_struct __guest *mm)
{
	return ((mm->end_code + 4095) & GUEST_PAGE_MASK) - (mm->start_code & GUEST_PAGE_MASK);
}

int proc_pid_statm_show(const struct proc_item *it, struct seq_file *m)
{
	struct mm_struct __guest *mm = get_task_mm(item_task(it));
	bool exact = proc_fact(it, PROC_FACT_RSS_EXACT_STATM);
	uint64_t shared;

	if (!mm) {
		seq_puts(m, "0 0 0 0 0 0 0\n");
		return 0;
	}
	shared = klib_mm_counter(mm, guest_enum_any(MM_FILEPAGES), exact) +
		 klib_mm_counter(mm, guest_enum_any(MM_SHMEMPAGES), exact);
	seq_put_decimal_ull(m, "", mm->total_vm);
	seq_put_decimal_ull(m, " ", shared + klib_mm_counter(mm, guest_enum_any(MM_ANONPAGES), exact));
	seq_put_decimal_ull(m, " ", shared);
	seq_put_decimal_ull(m, " ", text_bytes(mm) >> 12);
	seq_puts(m, " 0");
	seq_put_decimal_ull(m, " ", mm->data_vm + mm->stack_vm);
	seq_puts(m, " 0\n");
	return 0;
}

/* ---- status ---- */

static void put_pages(struct seq_file *m, const char *label, uint64_t pages)
{
	seq_put_decimal_ull_width(m, label, pages << 2, 8);
}

static uint64_t max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static void status_memory(const struct proc_item *it, struct seq_file *m,
			  struct mm_struct __guest *mm)
{
	bool exact = proc_fact(it, PROC_FACT_RSS_EXACT_STATUS);
	uint64_t anon = klib_mm_counter(mm, guest_enum_any(MM_ANONPAGES), exact);
	uint64_t file = klib_mm_counter(mm, guest_enum_any(MM_FILEPAGES), exact);
	uint64_t shmem = klib_mm_counter(mm, guest_enum_any(MM_SHMEMPAGES), exact);
	uint64_t swap = klib_mm_counter(mm, guest_enum_any(MM_SWAPENTS), exact);
	uint64_t rss = anon + file + shmem, total = mm->total_vm;
	uint64_t exec = mm->exec_vm << 12, text = text_bytes(mm);

	if (text > exec)
		text = exec;
	put_pages(m, "VmPeak:\t", max_u64(total, mm->hiwater_vm));
	put_pages(m, " kB\nVmSize:\t", total);
	put_pages(m, " kB\nVmLck:\t", mm->locked_vm);
	put_pages(m, " kB\nVmPin:\t", (uint64_t)mm->pinned_vm.counter);
	put_pages(m, " kB\nVmHWM:\t", max_u64(rss, mm->hiwater_rss));
	put_pages(m, " kB\nVmRSS:\t", rss);
	put_pages(m, " kB\nRssAnon:\t", anon);
	put_pages(m, " kB\nRssFile:\t", file);
	put_pages(m, " kB\nRssShmem:\t", shmem);
	put_pages(m, " kB\nVmData:\t", mm->data_vm);
	put_pages(m, " kB\nVmStk:\t", mm->stack_vm);
	seq_put_decimal_ull_width(m, " kB\nVmExe:\t", text >> 10, 8);
	seq_put_decimal_ull_width(m, " kB\nVmLib:\t", (exec - text) >> 10, 8);
	seq_put_decimal_ull_width(m, " kB\nVmPTE:\t",
				  (uint64_t)mm->pgtables_bytes.counter >> 10, 8);
	put_pages(m, " kB\nVmSwap:\t", swap);
	seq_puts(m, " kB\n");
	if (guest_has(struct mm_struct, hugetlb_usage.counter)) {
		put_pages(m, "HugetlbPages:\t", (uint64_t)mm->hugetlb_usage.counter);
		seq_puts(m, " kB\n");
	}
}

extern char __guest transparent_hugepage_flags;

static void status_mm(const struct proc_item *it, struct seq_file *m, struct mm_struct __guest *mm)
{
	enum { MMF_DISABLE_THP = 24 };
	struct task_struct __guest *t = item_task(it);
	bool dumping = guest_has(struct signal_struct, core_state) ?
		       !guest_is_null(t->signal->core_state) : !guest_is_null(mm->core_state);

	status_memory(it, m, mm);
	seq_printf(m, "CoreDumping:\t%d\n", dumping);
	seq_printf(m, "THP_enabled:\t%d\n", guest_has_symbol(transparent_hugepage_flags) &&
		   !(mm->flags >> MMF_DISABLE_THP & 1));
	if (proc_fact(it, PROC_FACT_UNTAG_MASK))
		seq_printf(m, "untag_mask:\t%#lx\n",
			   guest_has(struct mm_struct, context.untag_mask) ?
			   mm->context.untag_mask : ~0ul);
}

/* One line of the four that show what namespaces below ours number a task. */
static void status_ns_line(struct seq_file *m, const char *label, struct task_struct __guest *t,
			   int64_t type, struct pid __guest *pid, unsigned int levels)
{
	struct upid __guest *upid = pid->numbers;

	seq_puts(m, label);
	for (unsigned int i = 0; i <= levels; i++, upid++)
		seq_put_decimal_ull(m, "\t", (unsigned int)task_nr_ns(t, type, upid->ns));
}

static void status_task(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	struct pid __guest *pid = guest_ptr(struct pid, it->pid);
	struct cred __guest *cred = t->real_cred;
	struct fs_struct __guest *fs = t->fs;
	struct files_struct __guest *files = t->files;
	struct group_info __guest *groups = cred->group_info;
	struct numa_group __guest *numa = NULL;
	unsigned int tracer = 0, levels = pid->level;
	int count = groups->ngroups;
	int64_t tgid_type = PIDTYPE(TGID);

	if (t->ptrace && t->parent)
		tracer = (unsigned int)task_nr_ns(t->parent, PIDTYPE(PID), &init_pid_ns);
	if (guest_has(struct task_struct, numa_group))
		numa = t->numa_group;
	if (fs) {
		int umask = fs->umask;

		if (umask >= 0)
			seq_printf(m, "Umask:\t%#04o\n", (unsigned int)umask);
	}
	seq_puts(m, "State:\t");
	seq_puts(m, proc_task_state(t));
	seq_put_decimal_ull(m, "\nTgid:\t", (unsigned int)task_nr_ns(t, tgid_type, &init_pid_ns));
	seq_put_decimal_ull(m, "\nNgid:\t", numa ? (unsigned int)numa->gid : 0);
	seq_put_decimal_ull(m, "\nPid:\t", (unsigned int)pid_nr_ns(pid, &init_pid_ns));
	seq_put_decimal_ull(m, "\nPPid:\t", parent_nr(t));
	seq_put_decimal_ull(m, "\nTracerPid:\t", tracer);
	seq_put_decimal_ull(m, "\nUid:\t", from_kuid_munged(cred->uid.val));
	seq_put_decimal_ull(m, "\t", from_kuid_munged(cred->euid.val));
	seq_put_decimal_ull(m, "\t", from_kuid_munged(cred->suid.val));
	seq_put_decimal_ull(m, "\t", from_kuid_munged(cred->fsuid.val));
	seq_put_decimal_ull(m, "\nGid:\t", from_kgid_munged(cred->gid.val));
	seq_put_decimal_ull(m, "\t", from_kgid_munged(cred->egid.val));
	seq_put_decimal_ull(m, "\t", from_kgid_munged(cred->sgid.val));
	seq_put_decimal_ull(m, "\t", from_kgid_munged(cred->fsgid.val));
	seq_put_decimal_ull(m, "\nFDSize:\t", files ? files->fdt->max_fds : 0);
	seq_puts(m, "\nGroups:\t");
	for (int i = 0; i < count && i < 65536; i++) { /* NGROUPS_MAX */
		kgid_t __guest *gid = groups->gid;

		seq_put_decimal_ull(m, i ? " " : "", from_kgid_munged((gid + i)->val));
	}
	seq_putc(m, ' ');
	if (levels > NS_LEVELS_MAX) {
		guest_fault(pid);
		levels = 0;
	}
	status_ns_line(m, "\nNStgid:", t, tgid_type, pid, levels);
	status_ns_line(m, "\nNSpid:", t, PIDTYPE(PID), pid, levels);
	status_ns_line(m, "\nNSpgid:", t, PIDTYPE(PGID), pid, levels);
	status_ns_line(m, "\nNSsid:", t, PIDTYPE(SID), pid, levels);
	seq_putc(m, '\n');
	if (proc_fact(it, PROC_FACT_KTHREAD_LINE))
		seq_printf(m, "Kthread:\t%d\n", !!(t->flags & PF_KTHREAD));
}

static int64_t queued_signals(struct task_struct __guest *t)
{
	struct cred __guest *cred = t->real_cred;

	if (guest_has(struct user_struct, sigpending.counter))
		return cred->user->sigpending.counter;
	struct ucounts __guest *u = cred->ucounts;
	int64_t at = guest_enum_any_or(UCOUNT_RLIMIT_SIGPENDING, 0);
	atomic_long_t __guest *counts = guest_has(struct ucounts, rlimit) ? u->rlimit : u->ucount;
	if ((uint64_t)at > 64)
		return 0;
	int64_t n = (counts + at)->counter;
	return n < 0 ? INT64_MAX : n;
}

static void put_mask(struct seq_file *m, const char *label, uint64_t mask)
{
	seq_put_hex_ll(m, label, mask, 16);
	seq_putc(m, '\n');
}

static void status_signals(struct seq_file *m, struct task_struct __guest *t)
{
	uint64_t pending = 0, shared = 0, blocked = 0, limit = 0, queued = 0;
	struct signals s = { 0 };
	int threads = 0;

	if (t->sighand) {
		struct signal_struct __guest *sig = t->signal;

		pending = t->pending.signal.sig[0];
		shared = sig->shared_pending.signal.sig[0];
		blocked = t->blocked.sig[0];
		s = collect_signals(t);
		threads = sig->nr_threads;
		queued = (uint64_t)queued_signals(t);
		limit = sig->rlim[RLIMIT_SIGPENDING_INDEX].rlim_cur;
	}
	seq_put_decimal_ull(m, "Threads:\t", (unsigned int)threads);
	seq_put_decimal_ull(m, "\nSigQ:\t", (unsigned int)queued);
	seq_put_decimal_ull(m, "/", limit);
	put_mask(m, "\nSigPnd:\t", pending);
	put_mask(m, "ShdPnd:\t", shared);
	put_mask(m, "SigBlk:\t", blocked);
	put_mask(m, "SigIgn:\t", s.ignored);
	put_mask(m, "SigCgt:\t", s.caught);
}

/* ---- speculation controls: arch/x86/kernel/cpu/bugs.c ---- */

GUEST_TYPES_BEGIN
struct cpuinfo_x86 {
	uint32_t x86_capability[1];
};
GUEST_TYPES_END

extern struct cpuinfo_x86 __guest boot_cpu_data;
extern int __guest ssb_mode, spectre_v2_user_ibpb, spectre_v2_user_stibp;
extern const char __guest *__guest x86_cap_flags[], *__guest x86_bug_flags[],
	*__guest x86_vmx_flags[], *__guest x86_power_flags[];

/*
 * Bugs follow the features in one array of words. How many words of features there are is in no
 * type, but the table of their names (32 pointers a word) ends where the next table begins.
 */
static uint64_t nearer(uint64_t from, uint64_t to, uint64_t best)
{
	return to > from && to - from < best ? to - from : best;
}

static unsigned int feature_words(void)
{
	uint64_t from = guest_addr(x86_cap_flags), size = 64 * 256;

	if (guest_has_symbol(x86_bug_flags))
		size = nearer(from, guest_addr(x86_bug_flags), size);
	if (guest_has_symbol(x86_vmx_flags))
		size = nearer(from, guest_addr(x86_vmx_flags), size);
	if (guest_has_symbol(x86_power_flags))
		size = nearer(from, guest_addr(x86_power_flags), size);
	return (unsigned int)(size / 256);
}

static bool cpu_has_bug(unsigned int bug)
{
	uint32_t __guest *words = boot_cpu_data.x86_capability;

	return words[feature_words() + bug / 32] >> bug % 32 & 1;
}

enum {
	BUG_SPECTRE_V2 = 16,
	BUG_SPEC_STORE_BYPASS = 17,
	PFA_NO_NEW_PRIVS = 0,
	PFA_SSB_DISABLE = 3,
	PFA_SSB_FORCE_DISABLE = 4,
	PFA_IB_DISABLE = 5,
	PFA_IB_FORCE_DISABLE = 6,
	PFA_SSB_NOEXEC = 7,
};

static const char *store_bypass(uint64_t flags)
{
	int64_t mode = guest_has_symbol(ssb_mode) ? ssb_mode : 0;

	if (mode == guest_enum(enum ssb_mitigation, SPEC_STORE_BYPASS_NONE))
		return cpu_has_bug(BUG_SPEC_STORE_BYPASS) ? "vulnerable" : "not vulnerable";
	if (mode == guest_enum(enum ssb_mitigation, SPEC_STORE_BYPASS_DISABLE))
		return "globally mitigated";
	if (flags >> PFA_SSB_FORCE_DISABLE & 1)
		return "thread force mitigated";
	if (flags >> PFA_SSB_NOEXEC & 1)
		return "vulnerable";
	return flags >> PFA_SSB_DISABLE & 1 ? "thread mitigated" : "thread vulnerable";
}

#define V2_USER(NAME) guest_enum(enum spectre_v2_user_mitigation, SPECTRE_V2_USER_##NAME)

static const char *indirect_branch(uint64_t flags)
{
	int64_t ibpb = guest_has_symbol(spectre_v2_user_ibpb) ? spectre_v2_user_ibpb : 0;
	int64_t stibp = guest_has_symbol(spectre_v2_user_stibp) ? spectre_v2_user_stibp : 0;
	int64_t none = V2_USER(NONE), strict = V2_USER(STRICT);
	int64_t prctl = V2_USER(PRCTL), seccomp = V2_USER(SECCOMP);

	if (!cpu_has_bug(BUG_SPECTRE_V2))
		return "not affected";
	if (ibpb == none && stibp == none)
		return "always enabled";
	if (ibpb == prctl || ibpb == seccomp || stibp == prctl || stibp == seccomp) {
		if (flags >> PFA_IB_FORCE_DISABLE & 1)
			return "conditional force disabled";
		return flags >> PFA_IB_DISABLE & 1 ? "conditional disabled" : "conditional enabled";
	}
	if (ibpb == strict || stibp == strict || stibp == V2_USER(STRICT_PREFERRED))
		return "always disabled";
	return "not affected";
}

static void status_security(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	uint64_t flags = t->atomic_flags;

	seq_put_decimal_ull(m, "NoNewPrivs:\t", flags >> PFA_NO_NEW_PRIVS & 1);
	if (guest_has(struct task_struct, seccomp.mode)) {
		seq_put_decimal_ull(m, "\nSeccomp:\t", (unsigned int)t->seccomp.mode);
		if (guest_has(struct task_struct, seccomp.filter_count.counter))
			seq_put_decimal_ull(m, "\nSeccomp_filters:\t",
					    (unsigned int)t->seccomp.filter_count.counter);
	}
	seq_puts(m, "\nSpeculation_Store_Bypass:\t");
	seq_puts(m, store_bypass(flags));
	if (proc_fact(it, PROC_FACT_INDIRECT_BRANCH)) {
		seq_puts(m, "\nSpeculationIndirectBranch:\t");
		seq_puts(m, indirect_branch(flags));
	}
	seq_putc(m, '\n');
}

static void put_features(struct seq_file *m, const char *label, uint64_t features)
{
	seq_puts(m, label);
	if (features & 1)
		seq_puts(m, "shstk ");
	if (features & 2)
		seq_puts(m, "wrss ");
	seq_putc(m, '\n');
}

extern char __guest cpuset_task_status_allowed;
extern unsigned int __guest nr_node_ids;

static void put_name_line(struct seq_file *m, const char *name, size_t size)
{
	seq_puts(m, "Name:\t");
	for (size_t i = 0; i < size; i++) {
		if (name[i] == '\n')
			seq_puts(m, "\\n");
		else if (name[i] == '\\')
			seq_puts(m, "\\\\");
		else
			seq_putc(m, name[i]);
	}
	seq_putc(m, '\n');
}

int proc_pid_status_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);
	struct cred __guest *cred = t->real_cred;
	struct mm_struct __guest *mm = get_task_mm(t);
	unsigned int bits = proc_cpumask_bits(it);
	struct cpumask __guest *cpus = guest_has(struct task_struct, cpus_ptr) ? t->cpus_ptr :
				       &t->cpus_mask;
	char name[PROC_TASK_NAME_SIZE];

	put_name_line(m, name, proc_task_name(it, name));
	status_task(it, m);
	if (mm)
		status_mm(it, m, mm);
	status_signals(m, t);
	put_mask(m, "CapInh:\t", cred->cap_inheritable);
	put_mask(m, "CapPrm:\t", cred->cap_permitted);
	put_mask(m, "CapEff:\t", cred->cap_effective);
	put_mask(m, "CapBnd:\t", cred->cap_bset);
	put_mask(m, "CapAmb:\t", cred->cap_ambient);
	status_security(it, m);
	seq_puts(m, "Cpus_allowed:\t");
	proc_put_bitmap(m, cpus->bits, bits);
	seq_puts(m, "\nCpus_allowed_list:\t");
	proc_put_bitmap_list(m, cpus->bits, bits);
	seq_putc(m, '\n');
	if (guest_has_symbol(cpuset_task_status_allowed)) {
		unsigned int nodes = (unsigned int)guest_sizeof(nodemask_t) * 8;

		if (proc_fact(it, PROC_FACT_MEMS_OF_IDS) && nr_node_ids && nr_node_ids < nodes)
			nodes = nr_node_ids;

		seq_puts(m, "Mems_allowed:\t");
		proc_put_bitmap(m, t->mems_allowed.bits, nodes);
		seq_puts(m, "\nMems_allowed_list:\t");
		proc_put_bitmap_list(m, t->mems_allowed.bits, nodes);
		seq_putc(m, '\n');
	}
	seq_put_decimal_ull(m, "voluntary_ctxt_switches:\t", t->nvcsw);
	seq_put_decimal_ull(m, "\nnonvoluntary_ctxt_switches:\t", t->nivcsw);
	seq_putc(m, '\n');
	if (proc_fact(it, PROC_FACT_THREAD_FEATURES)) {
		put_features(m, "x86_Thread_features:\t", t->thread.features);
		put_features(m, "x86_Thread_features_locked:\t", t->thread.features_locked);
	}
	return 0;
}

int proc_pid_schedstat_show(const struct proc_item *it, struct seq_file *m)
{
	struct task_struct __guest *t = item_task(it);

	seq_printf(m, "%llu %llu %lu\n", (unsigned long long)t->se.sum_exec_runtime,
		   t->sched_info.run_delay, t->sched_info.pcount);
	return 0;
}

/* ---- io ---- */

enum {
	IO_FIELDS = 7,
};

static void add_io(uint64_t sum[IO_FIELDS], struct task_io_accounting __guest *io)
{
	sum[0] += io->rchar;
	sum[1] += io->wchar;
	sum[2] += io->syscr;
	sum[3] += io->syscw;
	sum[4] += io->read_bytes;
	sum[5] += io->write_bytes;
	sum[6] += io->cancelled_write_bytes;
}

int proc_pid_io_show(const struct proc_item *it, struct seq_file *m)
{
	static const char *const labels[IO_FIELDS] = {
		"rchar: ", "wchar: ", "syscr: ", "syscw: ", "read_bytes: ", "write_bytes: ",
		"cancelled_write_bytes: ",
	};
	struct task_struct __guest *t = item_task(it), *p;
	uint64_t sum[IO_FIELDS] = { 0 };

	if (it->thread) {
		add_io(sum, &t->ioac);
	} else {
		add_io(sum, &t->signal->ioac);
		for_each_thread(t, p)
			add_io(sum, &p->ioac);
	}
	for (int i = 0; i < IO_FIELDS; i++) {
		seq_put_decimal_ull(m, labels[i], sum[i]);
		seq_putc(m, '\n');
	}
	return 0;
}

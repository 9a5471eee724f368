// SPDX-License-Identifier: MIT
/* /proc/PID and /proc/PID/task/TID: finding tasks, listing them, and the rows of their files. */
#include "ahead.h"
#include "pid.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/checked.h"
#include "guest/pages.h"
#include "klib/cred.h"
#include "klib/text.h"

extern unsigned long __guest process_counts;
extern const char __guest tgid_base_stuff, tid_base_stuff;

/* ---- tasks ---- */

static bool same_process(struct task_struct __guest *a, struct task_struct __guest *b)
{
	return guest_eq(a->signal, b->signal);
}

int proc_item_task(struct proc_item *it)
{
	struct pid __guest *pid = find_pid_ns(it->thread ? it->tid : it->tgid, &init_pid_ns);
	struct task_struct __guest *t;

	if (!pid)
		return it->pid ? -ESRCH : -ENOENT;
	if (it->pid && !guest_eq(pid, guest_ptr(struct pid, it->pid)))
		return -ESRCH;
	t = pid_task(pid, PIDTYPE(PID));
	if (!t || guest_faulted())
		return it->pid ? -ESRCH : -ENOENT;
	it->pid = guest_addr(pid);
	it->task = guest_addr(t);
	it->start = t->start_time;
	return 0;
}

bool proc_item_lives(const struct proc_item *it)
{
	int nr = it->thread ? it->tid : it->tgid;
	struct pid __guest *pid = find_pid_ns(nr, &init_pid_ns);
	struct task_struct __guest *t = item_task(it);

	return pid && guest_addr(pid) == it->pid && pid_nr_ns(pid, &init_pid_ns) == nr &&
	       guest_eq(pid_task(pid, PIDTYPE(PID)), t) && guest_eq(task_pid(t), pid) &&
	       t->start_time == it->start;
}

bool proc_item_lives_now(const struct proc_item *it)
{
	struct pid __guest *pid = guest_ptr(struct pid, it->pid);
	struct task_struct __guest *t = item_task(it);
	struct hlist_head __guest *tasks = pid->tasks;
	struct upid __guest *numbers = pid->numbers;
	int64_t type = PIDTYPE(PID);
	uint64_t user, link, start;
	int nr;
	const struct guest_piece pieces[] = {
		{ { guest_addr(&(tasks + type)->first) }, &user, sizeof(user) },
		{ { guest_addr(&numbers->nr) }, &nr, sizeof(nr) },
		{ { guest_addr(&t->thread_pid) }, &link, sizeof(link) },
		{ { guest_addr(&t->start_time) }, &start, sizeof(start) },
	};

	return guest_reread(pieces, BASE_COUNT(pieces)) &&
	       user == pid_task_link(t, type) && link == it->pid && start == it->start &&
	       nr == (it->thread ? it->tid : it->tgid);
}

int proc_item_net(struct proc_item *it)
{
	struct nsproxy __guest *ns;

	if (!it->task) {
		it->net = guest_addr(&init_net);
		return 0;
	}
	ns = item_task(it)->nsproxy;
	if (!ns)
		return -ENOENT;
	it->net = guest_addr(ns->net_ns);
	return it->net ? 0 : -ENOENT;
}

/* mm->flags, bits 0 and 1: SUID_DUMP_DISABLE, _USER, _ROOT */
static bool is_dumpable(struct mm_struct __guest *mm)
{
	return (mm->flags & 3) == 1;
}

void proc_item_owner(const struct proc_item *it, uint32_t mode, uint32_t *uid_ret,
		     uint32_t *gid_ret)
{
	struct task_struct __guest *t = item_task(it);
	uint32_t uid = 0, gid = 0;

	if (!(t->flags & PF_KTHREAD)) {
		struct mm_struct __guest *mm = t->mm;

		if (mode == PROC_DIR(0555) || (mm && is_dumpable(mm))) {
			uid = t->real_cred->euid.val;
			gid = t->real_cred->egid.val;
		} else if (mm) {
			struct user_namespace __guest *ns = guest_has(struct mm_struct, user_ns) ?
							    mm->user_ns : t->real_cred->user_ns;

			uid = klib_map_id_down(&ns->uid_map, 0);
			gid = klib_map_id_down(&ns->gid_map, 0);
			uid = uid == 0xffffffff ? 0 : uid;
			gid = gid == 0xffffffff ? 0 : gid;
		}
	}
	*uid_ret = from_kuid_munged(uid);
	*gid_ret = from_kgid_munged(gid);
}

uint32_t proc_process_count(void)
{
	return guest_has_symbol(process_counts) ? (uint32_t)per_cpu_sum(&process_counts) : 0;
}

static int lookup_pid(struct proc_item *it, const char *name, size_t name_size,
		      const struct proc_row **row_ret)
{
	int64_t nr = proc_name_to_int(name, name_size);

	if (nr <= 0 || nr > KLIB_PID_MAX)
		return -ENOENT;
	/* Any task will do, as in the kernel: threads have a directory here that isn't listed. */
	it->tgid = it->tid = (int)nr;
	*row_ret = &proc_tgid_row;
	return proc_item_task(it);
}

static bool emit_task(struct proc_list *l, const struct proc_item *dir, struct pid __guest *pid,
		      int nr, bool thread)
{
	struct proc_item it = *dir;
	char name[16];
	int size = snprintf(name, sizeof(name), "%d", nr);

	it.pid = guest_addr(pid);
	it.tid = nr;
	it.thread = thread;
	if (!thread)
		it.tgid = nr;
	return proc_list_emit(l, name, (size_t)size, &it, thread ? &proc_tid_row : &proc_tgid_row);
}

static int list_pids(const struct proc_item *dir, struct proc_list *l)
{
	struct guest_bound b = GUEST_BOUND(KLIB_PID_MAX);
	int64_t type = PIDTYPE(TGID);

	proc_ahead_pids();
	for (uint64_t nr = 1; nr <= KLIB_PID_MAX && guest_more(&b); nr++) {
		struct guest_record r = guest_record_begin();
		struct pid __guest *pid = find_ge_pid(&nr, &init_pid_ns);
		bool leads = pid && pid_task(pid, type);

		if (!pid)
			return guest_record_end(&r) ? 0 : -EIO;
		if (guest_record_end(&r) && leads && !emit_task(l, dir, pid, (int)nr, false))
			return -ENOMEM;
	}
	return 0;
}

const struct proc_dir proc_pid_dir = { .lookup = lookup_pid, .list = list_pids };

static int lookup_thread(struct proc_item *it, const char *name, size_t name_size,
			 const struct proc_row **row_ret)
{
	struct task_struct __guest *leader = item_task(it);
	int64_t nr = proc_name_to_int(name, name_size);
	int r;

	if (nr <= 0 || nr > KLIB_PID_MAX)
		return -ENOENT;
	it->tid = (int)nr;
	it->thread = true;
	it->pid = 0;
	*row_ret = &proc_tid_row;
	r = proc_item_task(it);
	if (!r && !same_process(item_task(it), leader))
		r = -ENOENT;
	return r;
}

static int list_threads(const struct proc_item *dir, struct proc_list *l)
{
	struct task_struct __guest *leader = item_task(dir), *t;

	proc_ahead_threads(dir);
	for_each_thread(leader, t) {
		struct guest_record r = guest_record_begin();
		struct pid __guest *pid = task_pid(t);
		int nr = pid ? pid_nr_ns(pid, &init_pid_ns) : 0;

		if (guest_record_end(&r) && nr && !emit_task(l, dir, pid, nr, true))
			return -ENOMEM;
	}
	return 0;
}

const struct proc_dir proc_task_dir = { .lookup = lookup_thread, .list = list_threads };

static void task_dir_attr(const struct proc_item *it, struct vfs_stat *ret)
{
	ret->nlink = 2 + (uint32_t)item_task(it)->signal->nr_threads;
}

/* ---- facts ---- */

extern unsigned int __guest nr_node_ids;
extern const char __guest __show_smap, show_smap, show_vfsmnt, show_type, cgroup_show_options, cpuset_task_status_allowed, proc_pid_status, do_task_stat, task_mem, task_statm, get_wchan,
	wq_worker_comm, format_worker_id, seq_fdinfo_open, environ_open, eventfd_show_fdinfo, arch_proc_pid_thread_features, __percpu_counter_sum,
	oom_badness, zoneinfo_show;

enum {
	/* Bytes of code to look at: the function and what the compiler put behind it. */
	CODE_STATUS = 6144,
	CODE_STAT = 4096,
	CODE_SMALL = 1024,
	CODE_FDINFO = 4096,
};

static bool has_string(const char __guest *fn, uint32_t size, const char *s)
{
	return klib_text_has_string(guest_addr(fn), size, s);
}

/* `testb $(SIGNAL_GROUP_EXIT | SIGNAL_STOP_STOPPED), flags(%reg)`, as both compilers write it. */
static bool tests_group_exit(uint64_t code, uint32_t size)
{
	uint64_t offset = guest_offsetof(struct signal_struct, flags);
	unsigned char buf[CODE_STAT];

	if (size > sizeof(buf) || !guest_read(buf, guest_ptr(char, code), size))
		return false;
	for (uint32_t i = 0; i + 8 <= size; i++) {
		uint32_t mod = buf[i + 1] >> 6, at = i + 2 + ((buf[i + 1] & 7) == 4);
		int32_t wide;

		if (buf[i] != 0xf6 || (buf[i + 1] & 0x38))
			continue;
		__builtin_memcpy(&wide, buf + at, sizeof(wide));
		if (mod == 1 && buf[at] == offset && buf[at + 1] == 5)
			return true;
		if (mod == 2 && (uint64_t)wide == offset && buf[at + 4] == 5)
			return true;
	}
	return false;
}

static bool fdinfo_has(const char *line)
{
	return klib_text_has_string(guest_addr(&seq_fdinfo_open) - CODE_FDINFO, 2 * CODE_FDINFO,
				    line);
}

static bool find_fact(enum proc_fact fact)
{
	const char __guest *status = &proc_pid_status;

	switch (fact) {
	case PROC_FACT_KTHREAD_LINE:
		return has_string(status, CODE_STATUS, "Kthread:\t%c\n");
	case PROC_FACT_INDIRECT_BRANCH:
		return has_string(status, CODE_STATUS, "\nSpeculationIndirectBranch:\t");
	case PROC_FACT_UNTAG_MASK:
		return has_string(status, CODE_STATUS, "untag_mask:\t%#lx\n");
	case PROC_FACT_THREAD_FEATURES:
		return guest_has_symbol(arch_proc_pid_thread_features) &&
		       has_string(&arch_proc_pid_thread_features, 256, "x86_Thread_features:\t");
	case PROC_FACT_MASK_OF_IDS:
		return klib_text_refers(guest_addr(status), CODE_STATUS, guest_addr(&nr_cpu_ids));
	case PROC_FACT_RSS_EXACT_STATUS:
		return klib_text_refers(guest_addr(&task_mem), CODE_SMALL,
					guest_addr(&__percpu_counter_sum));
	case PROC_FACT_RSS_EXACT_STATM:
		return klib_text_refers(guest_addr(&task_statm), 256,
					guest_addr(&__percpu_counter_sum));
	case PROC_FACT_WCHAN_UNWINDS:
		return klib_text_refers(guest_addr(&do_task_stat), CODE_STAT,
					guest_addr(&get_wchan));
	case PROC_FACT_WORKER_ID:
		return guest_has_symbol(format_worker_id) ||
		       has_string(&wq_worker_comm, CODE_SMALL, "kworker/R-%s");
	case PROC_FACT_GROUP_EXIT_CODE:
		return tests_group_exit(guest_addr(&do_task_stat), CODE_STAT);
	case PROC_FACT_FDINFO_INO:
		/* The function is one of many called seq_show; its neighbour has a name of its own. */
		return fdinfo_has("pos:\t%lli\nflags:\t0%o\nmnt_id:\t%i\nino:\t%lu\n") ||
		       fdinfo_has("pos:\t%lli\nflags:\t0%o\nmnt_id:\t%i\nino:\t%llu\n");
	case PROC_FACT_MEMS_OF_IDS:
		return klib_text_refers(guest_addr(&cpuset_task_status_allowed), 256,
					guest_addr(&nr_node_ids));
	case PROC_FACT_EVENTFD_SEMAPHORE:
		return has_string(&eventfd_show_fdinfo, 256,
				  "eventfd-count: %16llx\neventfd-id: %d\neventfd-semaphore: %d\n");
	case PROC_FACT_MOUNTS_HASH:
		return has_string(&show_vfsmnt, CODE_SMALL, " \t\n\\#") ||
		       has_string(&show_type, 256, " \t\n\\#");
	case PROC_FACT_CGROUP_DYNMODS:
		return has_string(&cgroup_show_options, 256, ",favordynmods");
	case PROC_FACT_SMAPS_PSS_DIRTY:
		return has_string(&__show_smap, CODE_SMALL, " kB\nPss_Dirty:      ");
	case PROC_FACT_SMAPS_KSM:
		return has_string(&__show_smap, CODE_SMALL, " kB\nKSM:            ");
	case PROC_FACT_SMAPS_THP_WIDE:
		return has_string(&show_smap, CODE_STAT, "THPeligible:    %8u\n");
	case PROC_FACT_NO_MM_IS_ESRCH:
		/* mov $-ESRCH, %eax: until 6.13 such files were empty, but distributors took that early */
		return klib_text_has_bytes(guest_addr(&environ_open), 64, "\xb8\xfd\xff\xff\xff", 5);
	case PROC_FACT_RSS_EXACT_OOM:
		return klib_text_refers(guest_addr(&oom_badness), CODE_SMALL,
					guest_addr(&__percpu_counter_sum));
	case PROC_FACT_ZONE_LIMITS:
		return has_string(&zoneinfo_show, CODE_STAT,
				  "\n    cpu: %i\n              count:    %i\n              high:     %i"
				  "\n              batch:    %i\n              high_min: %i"
				  "\n              high_max: %i");
	case PROC_FACT_ZONE_HIGHATOMIC:
		return has_string(&zoneinfo_show, CODE_STAT,
				  "\n  node_unreclaimable:  %u\n  start_pfn:           %lu"
				  "\n  reserved_highatomic: %lu\n  free_highatomic:     %lu");
	default:
		return false;
	}
}

bool proc_fact(const struct proc_item *it, enum proc_fact fact)
{
	signed char *known = procfs_facts(it->fs) + fact;

	if (!*known) {
		struct guest_record r = guest_record_begin();
		bool yes = find_fact(fact);

		/* A page that can't be read now may be readable later. */
		if (!guest_record_end(&r))
			return false;
		*known = yes ? 1 : -1;
	}
	return *known > 0;
}

/* ---- rows ---- */

/*
 * Which files a build of the kernel has below a PID is written down in its own tables of them
 * (fs/proc/base.c). Asked for those that depend on the configuration; those that every kernel has
 * don't ask, so that a guest can't hide them.
 */
GUEST_TYPES_BEGIN
struct pid_entry {
	const char __guest *name;
	unsigned int len;
};
GUEST_TYPES_END

static bool table_has(const char __guest *table, const char *name)
{
	const struct pid_entry __guest *e = guest_ptr(struct pid_entry, guest_addr(table));
	uint32_t size = (uint32_t)__builtin_strlen(name);
	bool found = false;

	for (int i = 0; i < 64 && !found; i++, e++) {
		char buf[32];
		uint32_t len = e->len;

		if (!len || len >= sizeof(buf) || guest_faulted())
			break; /* behind the table */
		if (len == size)
			found = guest_read(buf, e->name, len) && !__builtin_memcmp(buf, name, len);
	}
	return found;
}

static bool has_entry(const struct proc_item *it, const char *name)
{
	struct guest_record r = guest_record_begin();
	bool found = table_has(it->thread ? &tid_base_stuff : &tgid_base_stuff, name);

	(void)!guest_record_end(&r);
	return found;
}

#define PRESENT(fn, name)                                                                          \
	static bool fn(const struct proc_item *it)                                                 \
	{                                                                                          \
		return has_entry(it, name);                                                        \
	}
PRESENT(has_schedstat, "schedstat")
PRESENT(has_cgroup, "cgroup")
PRESENT(has_loginuid, "loginuid")
PRESENT(has_io, "io")
PRESENT(has_uid_map, "uid_map")
PRESENT(has_attr, "attr")
PRESENT(has_net, "net")
PRESENT(has_wchan, "wchan")
PRESENT(has_autogroup, "autogroup")
PRESENT(has_sched, "sched")
PRESENT(has_stack, "stack")
PRESENT(has_timens_offsets, "timens_offsets")
PRESENT(has_resctrl, "cpu_resctrl_groups")
PRESENT(has_children, "children")
PRESENT(has_cpuset, "cpuset")
PRESENT(has_coredump_filter, "coredump_filter")
PRESENT(has_patch_state, "patch_state")
PRESENT(has_ksm_merging_pages, "ksm_merging_pages")
PRESENT(has_timers, "timers")
PRESENT(has_syscall, "syscall")
PRESENT(has_arch_status, "arch_status")
PRESENT(has_ksm_stat, "ksm_stat")
PRESENT(has_numa_maps, "numa_maps")
PRESENT(has_smaps, "smaps")
PRESENT(has_smaps_rollup, "smaps_rollup")

#define ROW_NET { .name = "net", .mode = PROC_DIR(0555), .rows = proc_net_rows,                    \
		  .order = PROC_ORDER_PDE, .present = has_net }
#define ROW_FD { .name = "fd", .mode = PROC_DIR(0500), .dir = &proc_fd_dir,                        \
		 .attr = proc_fd_dir_attr }
#define REG(n, perm, fn) { .name = n, .mode = PROC_REG(perm), .show = fn }
#define REG_IF(n, perm, fn, has) { .name = n, .mode = PROC_REG(perm), .show = fn, .present = has }
#define LNK(n, fn) { .name = #n, .mode = PROC_LNK(0777), .link = fn##_link, .target = fn##_target }

/*
 * Both directories show the same files in the same order; some are in one of them only. Parts of the
 * order, so that neither says it again.
 */
#define ROWS_FIRST                                                                                 \
	{ .name = "fdinfo", .mode = PROC_DIR(0555), .dir = &proc_fdinfo_dir },                     \
	{ .name = "ns", .mode = PROC_DIR(0511), .rows = proc_ns_rows },                            \
	ROW_NET,                                                                                   \
	REG("environ", 0400, proc_pid_environ_show),                                               \
	REG("auxv", 0400, proc_pid_auxv_show),                                                     \
	REG("status", 0444, proc_pid_status_show),                                                 \
	REG("personality", 0400, proc_pid_personality_show),                                       \
	REG("limits", 0444, proc_pid_limits_show),                                                 \
	REG_IF("sched", 0644, proc_pid_sched_show, has_sched)

#define ROWS_NAMES                                                                                 \
	REG("comm", 0644, proc_pid_comm_show),                                                     \
	REG_IF("syscall", 0400, proc_pid_syscall_show, has_syscall),                               \
	REG("cmdline", 0444, proc_pid_cmdline_show),                                               \
	REG("stat", 0444, proc_pid_stat_show),                                                     \
	REG("statm", 0444, proc_pid_statm_show),                                                   \
	REG("maps", 0444, proc_pid_maps_show)

#define ROW_NUMA REG_IF("numa_maps", 0444, proc_pid_numa_maps_show, has_numa_maps)

#define ROWS_SMAPS                                                                                 \
	REG_IF("smaps", 0444, proc_pid_smaps_show, has_smaps),                                     \
	REG_IF("smaps_rollup", 0444, proc_pid_smaps_rollup_show, has_smaps_rollup)

#define ROWS_FILES                                                                                 \
	LNK(cwd, proc_pid_cwd),                                                                    \
	LNK(root, proc_pid_root),                                                                  \
	LNK(exe, proc_pid_exe),                                                                    \
	REG("mounts", 0444, proc_pid_mounts_show),                                                 \
	REG("mountinfo", 0444, proc_pid_mountinfo_show)

#define ROWS_STATE                                                                                 \
	{ .name = "attr", .mode = PROC_DIR(0555), .rows = proc_attr_rows, .present = has_attr },   \
	REG_IF("wchan", 0444, proc_pid_wchan_show, has_wchan),                                     \
	REG_IF("stack", 0400, proc_pid_stack_show, has_stack),                                     \
	REG_IF("schedstat", 0444, proc_pid_schedstat_show, has_schedstat),                         \
	REG_IF("cpuset", 0444, proc_pid_cpuset_show, has_cpuset),                                  \
	REG_IF("cgroup", 0444, proc_pid_cgroup_show, has_cgroup),                                  \
	REG_IF("cpu_resctrl_groups", 0444, proc_pid_resctrl_show, has_resctrl),                    \
	REG("oom_score", 0444, proc_pid_oom_score_show),                                           \
	REG("oom_adj", 0644, proc_pid_oom_adj_show),                                               \
	REG("oom_score_adj", 0644, proc_pid_oom_score_adj_show),                                   \
	REG_IF("loginuid", 0644, proc_pid_loginuid_show, has_loginuid),                            \
	REG_IF("sessionid", 0444, proc_pid_sessionid_show, has_loginuid)

#define ROWS_MAPS                                                                                  \
	REG_IF("io", 0400, proc_pid_io_show, has_io),                                              \
	REG_IF("uid_map", 0644, proc_pid_uid_map_show, has_uid_map),                               \
	REG_IF("gid_map", 0644, proc_pid_gid_map_show, has_uid_map),                               \
	REG_IF("projid_map", 0644, proc_pid_projid_map_show, has_uid_map),                         \
	REG_IF("setgroups", 0644, proc_pid_setgroups_show, has_uid_map)

#define ROWS_LAST                                                                                  \
	REG_IF("patch_state", 0400, proc_pid_patch_state_show, has_patch_state),                   \
	REG_IF("arch_status", 0444, proc_pid_arch_status_show, has_arch_status),                   \
	REG_IF("ksm_merging_pages", 0400, proc_pid_ksm_merging_pages_show, has_ksm_merging_pages), \
	REG_IF("ksm_stat", 0400, proc_pid_ksm_stat_show, has_ksm_stat)

const struct proc_row proc_tgid_rows[] = {
	{ .name = "task", .mode = PROC_DIR(0555), .dir = &proc_task_dir, .attr = task_dir_attr },
	ROW_FD,
	{ .name = "map_files", .mode = PROC_DIR(0500), .dir = &proc_map_files_dir },
	ROWS_FIRST,
	REG_IF("autogroup", 0644, proc_pid_autogroup_show, has_autogroup),
	REG_IF("timens_offsets", 0644, proc_pid_timens_offsets_show, has_timens_offsets),
	ROWS_NAMES,
	ROW_NUMA,
	ROWS_FILES,
	REG("mountstats", 0400, proc_pid_mountstats_show),
	ROWS_SMAPS,
	ROWS_STATE,
	REG_IF("coredump_filter", 0644, proc_pid_coredump_filter_show, has_coredump_filter),
	ROWS_MAPS,
	REG_IF("timers", 0444, proc_pid_timers_show, has_timers),
	REG("timerslack_ns", 0666, proc_pid_timerslack_show),
	ROWS_LAST,
	{ 0 }
};

const struct proc_row proc_tid_rows[] = {
	ROW_FD,
	ROWS_FIRST,
	ROWS_NAMES,
	REG_IF("children", 0444, proc_pid_children_show, has_children),
	ROW_NUMA,
	ROWS_FILES,
	ROWS_SMAPS,
	ROWS_STATE,
	ROWS_MAPS,
	ROWS_LAST,
	{ 0 }
};

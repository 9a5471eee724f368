// SPDX-License-Identifier: MIT
/* The small files of /proc/PID: one value or a short table each (fs/proc/base.c). */
#include <errno.h>
#include <string.h>

#include "klib/cred.h"
#include "klib/path.h"
#include "pid.h"

/* ---- audit ---- */

int proc_pid_loginuid_show(const struct proc_item *it, struct seq_file *m)
{
	seq_put_decimal_ull(m, "", item_task(it)->loginuid.val);
	return 0;
}

int proc_pid_sessionid_show(const struct proc_item *it, struct seq_file *m)
{
	seq_put_decimal_ull(m, "", item_task(it)->sessionid);
	return 0;
}

/* ---- limits ---- */

int proc_pid_limits_show(const struct proc_item *it, struct seq_file *m)
{
	static const struct {
		const char *name, *unit;
	} limits[] = {
		{ "Max cpu time", "seconds" },
		{ "Max file size", "bytes" },
		{ "Max data size", "bytes" },
		{ "Max stack size", "bytes" },
		{ "Max core file size", "bytes" },
		{ "Max resident set", "bytes" },
		{ "Max processes", "processes" },
		{ "Max open files", "files" },
		{ "Max locked memory", "bytes" },
		{ "Max address space", "bytes" },
		{ "Max file locks", "locks" },
		{ "Max pending signals", "signals" },
		{ "Max msgqueue size", "bytes" },
		{ "Max nice priority", NULL },
		{ "Max realtime priority", NULL },
		{ "Max realtime timeout", "us" },
	};
	struct task_struct __guest *t = item_task(it);
	struct rlimit __guest *rlim = t->signal->rlim;

	if (!t->sighand)
		return 0;
	seq_printf(m, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++, rlim++) {
		uint64_t both[2] = { rlim->rlim_cur, rlim->rlim_max };

		seq_printf(m, "%-25s", limits[i].name);
		for (int j = 0; j < 2; j++) {
			if (both[j] == ~0ull)
				seq_printf(m, " %-20s", "unlimited");
			else
				seq_printf(m, " %-20llu", (unsigned long long)both[j]);
		}
		seq_putc(m, ' ');
		if (limits[i].unit)
			seq_printf(m, "%-10s", limits[i].unit);
		seq_putc(m, '\n');
	}
	return 0;
}

/* ---- out of memory ---- */

int proc_pid_oom_score_adj_show(const struct proc_item *it, struct seq_file *m)
{
	seq_printf(m, "%d\n", item_task(it)->signal->oom_score_adj);
	return 0;
}

int proc_pid_oom_adj_show(const struct proc_item *it, struct seq_file *m)
{
	int adj = item_task(it)->signal->oom_score_adj;
	int old = adj == 1000 ? 15 : adj * 17 / 1000;

	seq_printf(m, "%d\n", old > 15 ? 15 : old);
	return 0;
}

/* ---- odds and ends ---- */

int proc_pid_personality_show(const struct proc_item *it, struct seq_file *m)
{
	seq_printf(m, "%08x\n", item_task(it)->personality);
	return 0;
}

int proc_pid_timerslack_show(const struct proc_item *it, struct seq_file *m)
{
	seq_printf(m, "%llu\n", (unsigned long long)item_task(it)->timer_slack_ns);
	return 0;
}

/* ---- user namespaces ---- */

static int map_show(struct uid_gid_map __guest *map, struct seq_file *m)
{
	uint32_t count = map->nr_extents;

	if (count > KLIB_EXTENTS_MAX)
		return -EIO;
	for (uint32_t i = 0; i < count; i++) {
		struct uid_gid_extent __guest *e = klib_map_extent(map, i);

		seq_printf(m, "%10u %10u %10u\n", e->first, e->lower_first, e->count);
	}
	return 0;
}

static struct user_namespace __guest *user_ns(const struct proc_item *it)
{
	return item_task(it)->real_cred->user_ns;
}

int proc_pid_uid_map_show(const struct proc_item *it, struct seq_file *m)
{
	return map_show(&user_ns(it)->uid_map, m);
}

int proc_pid_gid_map_show(const struct proc_item *it, struct seq_file *m)
{
	return map_show(&user_ns(it)->gid_map, m);
}

int proc_pid_projid_map_show(const struct proc_item *it, struct seq_file *m)
{
	return map_show(&user_ns(it)->projid_map, m);
}

int proc_pid_setgroups_show(const struct proc_item *it, struct seq_file *m)
{
	enum { USERNS_SETGROUPS_ALLOWED = 1 };

	seq_puts(m, user_ns(it)->flags & USERNS_SETGROUPS_ALLOWED ? "allow\n" : "deny\n");
	return 0;
}

/* ---- control groups: kernel/cgroup/cgroup.c ---- */

extern struct list_head __guest cgroup_roots;
extern struct cgroup_root __guest cgrp_dfl_root;
extern bool __guest cgrp_dfl_visible;
extern struct css_set __guest init_css_set;
extern struct cgroup_subsys __guest *__guest cgroup_subsys[];

enum {
	CGROUP_ROOTS_MAX = 1024,
	CGROUP_NAME_MAX = 64,
};

static struct cgroup __guest *cgroup_of(struct css_set __guest *cset,
					struct cgroup_root __guest *root)
{
	struct cgrp_cset_link __guest *link;

	if (guest_eq(cset, &init_css_set))
		return &root->cgrp;
	if (guest_eq(root, &cgrp_dfl_root))
		return cset->dfl_cgrp;
	list_for_each_entry(link, &cset->cgrp_links, cgrp_link) {
		struct cgroup __guest *c = link->cgrp;

		if (guest_eq(c->root, root))
			return c;
	}
	return NULL;
}

static void put_subsystems(struct seq_file *m, struct cgroup_root __guest *root, bool is_default)
{
	int64_t count = guest_enum_or(enum cgroup_subsys_id, CGROUP_SUBSYS_COUNT, 0);
	unsigned int mask = root->subsys_mask;
	char name[CGROUP_NAME_MAX];
	const char *comma = "";

	for (int64_t i = 0; !is_default && i < count && i < 32; i++) {
		if (!(mask >> i & 1))
			continue;
		guest_strncpy(name, cgroup_subsys[i]->legacy_name, sizeof(name));
		seq_puts(m, comma);
		seq_puts(m, name);
		comma = ",";
	}
	if (guest_strncpy(name, root->name, sizeof(name))) {
		seq_puts(m, comma);
		seq_puts(m, "name=");
		seq_puts(m, name);
	}
}

int proc_pid_cgroup_show(const struct proc_item *it, struct seq_file *m)
{
	enum { CSS_ONLINE = 2 };
	struct task_struct __guest *t = item_task(it);
	struct css_set __guest *cset = t->cgroups;
	bool exiting = t->flags & PF_EXITING;
	struct cgroup_root __guest *root;
	char path[VFS_PATH_MAX];
	int roots = 0;

	list_for_each_entry(root, &cgroup_roots, root_list) {
		bool is_default = guest_eq(root, &cgrp_dfl_root);
		struct cgroup __guest *cgrp;
		int size;

		if (++roots > CGROUP_ROOTS_MAX)
			return -EIO;
		if (is_default && !cgrp_dfl_visible)
			continue;
		cgrp = cgroup_of(cset, root);
		if (!cgrp)
			continue;
		seq_printf(m, "%d:", root->hierarchy_id);
		put_subsystems(m, root, is_default);
		seq_putc(m, ':');
		if (is_default || !exiting) {
			size = klib_cgroup_path(cgrp, path, sizeof(path));
			if (size < 0)
				return size;
			seq_write(m, path, (size_t)size);
		} else {
			seq_putc(m, '/');
		}
		if (is_default && !(cgrp->self.flags & CSS_ONLINE))
			seq_puts(m, " (deleted)");
		seq_putc(m, '\n');
	}
	return 0;
}

/* ---- security modules: attr/current ---- */

GUEST_TYPES_BEGIN
struct lsm_blob_sizes {
	int lbs_cred;
};

struct aa_policy {
	const char __guest *name;
	const char __guest *hname;
};

struct aa_label {
	int size;
	long flags;
};

struct aa_ns;

struct aa_profile {
	struct aa_policy base;
	struct aa_ns __guest *ns;
	long mode;
	struct aa_label label;
};
GUEST_TYPES_END

extern int __guest apparmor_initialized;
extern struct lsm_blob_sizes __guest apparmor_blob_sizes;

static bool apparmor_is_on(void)
{
	return guest_has_symbol(apparmor_initialized) && apparmor_initialized;
}

int proc_pid_attr_current_show(const struct proc_item *it, struct seq_file *m)
{
	static const char *const modes[] = { "enforce", "complain", "kill", "unconfined", "user" };
	enum { MODE_UNCONFINED = 3, MODES = 5 };
	struct cred __guest *cred = item_task(it)->real_cred;
	char name[VFS_PATH_MAX];

	if (!apparmor_is_on())
		return -EINVAL;
	/* The label's first entry; labels of one profile lie within that profile. */
	uint64_t blob = guest_addr(cred->security) + (uint64_t)apparmor_blob_sizes.lbs_cred;
	uint64_t label = *guest_ptr(uint64_t, blob);
	struct aa_profile __guest *p = guest_container_of(guest_ptr(struct aa_label, label),
							  struct aa_profile, label);
	long mode = guest_ptr(struct aa_label, label)->size == 1 ? p->mode : -1;

	if (mode < 0 || mode >= MODES)
		return -EINVAL; /* a stack of profiles: not shown here */
	guest_strncpy(name, p->base.hname, sizeof(name));
	seq_puts(m, name);
	if (mode != MODE_UNCONFINED || strcmp(name, "unconfined")) {
		seq_puts(m, " (");
		seq_puts(m, modes[mode]);
		seq_putc(m, ')');
	}
	seq_putc(m, '\n');
	return 0;
}

/*
 * AppArmor answers for who asks, not for whom it is asked about: it has nothing on a reader from outside. The others
 * are SELinux's.
 */
static int unknown_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	(void)m;
	return -EINVAL;
}

extern const char __guest proc_apparmor_attr_dir_ops;

static bool has_apparmor_folder(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(proc_apparmor_attr_dir_ops);
}

#define ROWS_LABELS                                                                                \
	{ .name = "current", .mode = PROC_REG(0666), .show = proc_pid_attr_current_show },         \
	{ .name = "prev", .mode = PROC_REG(0444), .show = unknown_show },                          \
	{ .name = "exec", .mode = PROC_REG(0666), .show = unknown_show }

static const struct proc_row apparmor_rows[] = { ROWS_LABELS, { 0 } };

const struct proc_row proc_attr_rows[] = {
	ROWS_LABELS,
	{ .name = "fscreate", .mode = PROC_REG(0666), .show = unknown_show },
	{ .name = "keycreate", .mode = PROC_REG(0666), .show = unknown_show },
	{ .name = "sockcreate", .mode = PROC_REG(0666), .show = unknown_show },
	{ .name = "apparmor", .mode = PROC_DIR(0555), .rows = apparmor_rows, .present = has_apparmor_folder },
	{ 0 }
};

/* ---- resource control ---- */

extern const bool __guest resctrl_mounted;
extern const atomic_t __guest rdt_enable_key;

/* Groups are told only while that file system is mounted, which isn't shown here. */
int proc_pid_resctrl_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	if (guest_has_symbol(resctrl_mounted) ? resctrl_mounted :
	    guest_has_symbol(rdt_enable_key) && rdt_enable_key.counter)
		return -EIO;
	seq_puts(m, "res:\nmon:\n");
	return 0;
}

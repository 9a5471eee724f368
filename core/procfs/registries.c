// SPDX-License-Identifier: MIT
/* /proc/cgroups, execdomains, key-users: kernel/cgroup/cgroup-v1.c, security/keys/proc.c */
#include <errno.h>

#include "klib/cred.h"
#include "klib/rbtree.h"
#include "klib/types_fs.h"
#include "root.h"

GUEST_TYPES_BEGIN
struct static_key { /* include/linux/jump_label.h */
	atomic_t enabled;
};

struct static_key_true {
	struct static_key key;
};

struct key_user { /* security/keys/internal.h */
	struct rb_node node;
	refcount_t usage;
	atomic_t nkeys;
	atomic_t nikeys;
	kuid_t uid;
	int qnkeys;
	int qnbytes;
};
GUEST_TYPES_END

extern struct cgroup_subsys __guest *__guest cgroup_subsys[];
extern struct static_key_true __guest *__guest cgroup_subsys_enabled_key[];
extern bool __guest proc_show_all;
extern struct rb_root __guest key_user_tree;
extern unsigned int __guest key_quota_root_maxkeys, key_quota_maxkeys, key_quota_root_maxbytes,
	key_quota_maxbytes;
extern const char __guest proc_cgroupstats_show, proc_key_users_show, execdomains_proc_show;

enum {
	SUBSYSTEMS_MAX = 32,
	NAME_SIZE = 64,
};

int proc_cgroups_show(const struct proc_item *it, struct seq_file *m)
{
	int64_t count = guest_enum(enum cgroup_subsys_id, CGROUP_SUBSYS_COUNT);

	(void)it;
	if (count < 0 || count > SUBSYSTEMS_MAX)
		return -EIO;
	seq_puts(m, "#subsys_name\thierarchy\tnum_cgroups\tenabled\n");
	for (int64_t i = 0; i < count; i++) {
		struct cgroup_subsys __guest *ss = cgroup_subsys[i];
		char name[NAME_SIZE];

		/* since 6.14 only those that have files in hierarchies of version 1, unless asked for */
		if (guest_has_symbol(proc_show_all) && !proc_show_all && !ss->legacy_cftypes &&
		    ss->dfl_cftypes)
			continue;
		guest_strncpy(name, ss->legacy_name, sizeof(name));
		seq_printf(m, "%s\t%d\t%d\t%d\n", name, ss->root->hierarchy_id,
			   ss->root->nr_cgrps.counter,
			   cgroup_subsys_enabled_key[i]->key.enabled.counter > 0);
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_cgroups_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(proc_cgroupstats_show);
}

int proc_key_users_show_file(const struct proc_item *it, struct seq_file *m)
{
	struct key_user __guest *u;

	(void)it;
	rb_for_each_entry(u, &key_user_tree, node) {
		uint32_t uid = u->uid.val;

		seq_printf(m, "%5u: %5d %d/%d %d/%d %d/%d\n", from_kuid_munged(uid),
			   (int)u->usage.refs.counter, u->nkeys.counter, u->nikeys.counter,
			   u->qnkeys, (int)(uid ? key_quota_maxkeys : key_quota_root_maxkeys),
			   u->qnbytes, (int)(uid ? key_quota_maxbytes : key_quota_root_maxbytes));
	}
	return guest_faulted() ? -EIO : 0;
}

bool proc_key_users_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(proc_key_users_show);
}

/* There is only one, and the kernel prints it as a constant. */
int proc_execdomains_show(const struct proc_item *it, struct seq_file *m)
{
	(void)it;
	seq_puts(m, "0-0\tLinux           \t[kernel]\n");
	return 0;
}

bool proc_execdomains_present(const struct proc_item *it)
{
	(void)it;
	return guest_has_symbol(execdomains_proc_show);
}

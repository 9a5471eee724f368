// SPDX-License-Identifier: MIT
/*
 * /proc/PID/mounts, mountinfo and mountstats: fs/proc_namespace.c. What a file system adds to its
 * options is printed by a function of its own; those of the kernel image are known here by name.
 * Those in modules (ext4, overlay, xfs, ...) have records that the kernel's types don't describe,
 * and their additions are left out.
 */
#include <errno.h>

#include "klib/cred.h"
#include "klib/path.h"
#include "klib/rbtree.h"
#include "klib/text.h"
#include "pid.h"

GUEST_TYPES_BEGIN
struct shmem_sb_info { /* include/linux/shmem_fs.h */
	unsigned long max_blocks;
	unsigned long max_inodes;
	unsigned short mode;
	signed char huge; /* an unsigned one since 6.9 */
	kuid_t uid;
	kgid_t gid;
	bool full_inums;
	bool noswap; /* since 6.4 */
};

struct proc_fs_info { /* include/linux/proc_fs.h */
	kgid_t pid_gid;
	int hide_pid;
	int pidonly;
};

struct pts_mount_opts { /* fs/devpts/inode.c */
	int setuid;
	int setgid;
	kuid_t uid;
	kgid_t gid;
	unsigned short mode;
	unsigned short ptmxmode;
	int max;
};

struct pts_fs_info {
	struct pts_mount_opts mount_opts;
};

struct ramfs_mount_opts { /* fs/ramfs/inode.c */
	unsigned short mode;
};

struct ramfs_fs_info {
	struct ramfs_mount_opts mount_opts;
};

struct hstate { /* include/linux/hugetlb.h */
	unsigned int order;
};

struct hugepage_subpool {
	long max_hpages;
	long min_hpages;
};

struct hugetlbfs_sb_info {
	long max_inodes;
	struct hstate __guest *hstate;
	struct hugepage_subpool __guest *spool;
	kuid_t uid;
	kgid_t gid;
	unsigned short mode;
};

struct debugfs_mount_opts { /* fs/debugfs/inode.c, until 6.6 */
	kuid_t uid;
	kgid_t gid;
	unsigned short mode;
};

struct debugfs_fs_info {
	struct debugfs_mount_opts mount_opts;
	kuid_t uid; /* since 6.7 */
	kgid_t gid;
	unsigned short mode;
};

struct tracefs_mount_opts { /* fs/tracefs/inode.c, until 6.6 */
	kuid_t uid;
	kgid_t gid;
	unsigned short mode;
};

struct tracefs_fs_info {
	struct tracefs_mount_opts mount_opts;
	kuid_t uid;
	kgid_t gid;
	unsigned short mode;
};

struct kernfs_syscall_ops { /* include/linux/kernfs.h */
	void __guest *show_options;
	void __guest *show_path;
};

struct kernfs_root {
	struct kernfs_node __guest *kn;
	struct kernfs_syscall_ops __guest *syscall_ops;
};

struct kernfs_super_info { /* fs/kernfs/kernfs-internal.h */
	struct kernfs_root __guest *root;
};
GUEST_TYPES_END

extern atomic_long_t __guest _totalram_pages;
extern char __guest nop_mnt_idmap;
extern struct list_head __guest cgroup_roots;
extern struct cgroup_root __guest cgrp_dfl_root;
extern struct cgroup_subsys __guest *__guest cgroup_subsys[];
extern const char __guest shmem_show_options, proc_show_options, devpts_show_options,
	ramfs_show_options, hugetlbfs_show_options, bpf_show_options, debugfs_show_options,
	tracefs_show_options, kernfs_sop_show_options, kernfs_sop_show_path, nsfs_show_path,
	cgroup_show_options, cgroup1_show_options;

enum {
	CGROUP_ROOTS_MAX = 1024,
	NAME_SIZE = 4096, /* of devices and types */
	PEERS_MAX = 1 << 16,

	SB_RDONLY_BIT = 1,
	MNT_READONLY_BIT = 0x40,
	MNT_SHARED_BIT = 0x1000,
	MNT_UNBINDABLE_BIT = 0x2000,
	MNT_CURSOR_BIT = 0x10000000,
	/* in mnt_t_flags since 6.17 */
	T_SHARED_BIT = 1,
	T_UNBINDABLE_BIT = 2,

	MODE_ALL = 01777,
};

#define PATH_ESCAPES " \t\n\\"
#define OPTION_ESCAPES ",= \t\n\\" /* seq_show_option() */

#define IS(fn, name) (guest_has_symbol(name) && guest_eq(fn, &name))

struct flag_name {
	unsigned int flag;
	const char *name;
};

static void put_flags(struct seq_file *m, const struct flag_name *names, unsigned long flags)
{
	for (; names->flag; names++) {
		if (flags & names->flag)
			seq_puts(m, names->name);
	}
}

/* A string of the guest, with blanks and (where the kernel does so) '#' as \ooo. */
static void mangle(const struct proc_item *it, struct seq_file *m, const char __guest *s)
{
	char text[NAME_SIZE];
	size_t size = guest_strncpy(text, s, sizeof(text));

	seq_escape_mem(m, text, size,
		       proc_fact(it, PROC_FACT_MOUNTS_HASH) ? PATH_ESCAPES "#" : PATH_ESCAPES);
}

/* ---- what file systems add ---- */

static void put_owner(struct seq_file *m, uint32_t uid, uint32_t gid)
{
	if (uid)
		seq_printf(m, ",uid=%u", from_kuid_munged(uid));
	if (gid)
		seq_printf(m, ",gid=%u", from_kgid_munged(gid));
}

static void put_shmem(struct seq_file *m, struct super_block __guest *sb)
{
	static const char *const huge[] = { "never", "always", "within_size", "advise" };
	struct shmem_sb_info __guest *s = guest_ptr(struct shmem_sb_info, guest_addr(sb->s_fs_info));
	unsigned long half = (unsigned long)_totalram_pages.counter / 2;
	unsigned long blocks = s->max_blocks, inodes = s->max_inodes;
	unsigned int mode = s->mode;
	int kind = s->huge;

	if (blocks != half)
		seq_printf(m, ",size=%luk", blocks << 2);
	if (inodes != half)
		seq_printf(m, ",nr_inodes=%lu", inodes);
	if (mode != MODE_ALL)
		seq_printf(m, ",mode=%03o", mode);
	put_owner(m, s->uid.val, s->gid.val);
	if (guest_has(struct shmem_sb_info, full_inums) && s->full_inums)
		seq_puts(m, ",inode64");
	if (kind > 0 && kind < 4)
		seq_printf(m, ",huge=%s", huge[kind]);
	if (guest_has(struct shmem_sb_info, noswap) && s->noswap)
		seq_puts(m, ",noswap");
}

static void put_proc(struct seq_file *m, struct super_block __guest *sb)
{
	static const char *const hide[] = { "off", "noaccess", "invisible", "unknown",
					    "ptraceable" };
	struct proc_fs_info __guest *p = guest_ptr(struct proc_fs_info, guest_addr(sb->s_fs_info));
	uint32_t gid = p->pid_gid.val;
	unsigned int hidden = (unsigned int)p->hide_pid;

	put_owner(m, 0, gid);
	if (hidden)
		seq_printf(m, ",hidepid=%s", hidden < 5 ? hide[hidden] : "unknown");
	if (p->pidonly)
		seq_puts(m, ",subset=pid");
}

static void put_devpts(struct seq_file *m, struct super_block __guest *sb)
{
	enum { NR_UNIX98_PTY_MAX = 1 << 20 };
	struct pts_mount_opts __guest *o =
		&guest_ptr(struct pts_fs_info, guest_addr(sb->s_fs_info))->mount_opts;
	int max = o->max;

	if (o->setuid)
		seq_printf(m, ",uid=%u", from_kuid_munged(o->uid.val));
	if (o->setgid)
		seq_printf(m, ",gid=%u", from_kgid_munged(o->gid.val));
	seq_printf(m, ",mode=%03o,ptmxmode=%03o", o->mode, o->ptmxmode);
	if (max < NR_UNIX98_PTY_MAX)
		seq_printf(m, ",max=%d", max);
}

static void put_hugetlb(struct seq_file *m, struct super_block __guest *sb)
{
	struct hugetlbfs_sb_info __guest *h =
		guest_ptr(struct hugetlbfs_sb_info, guest_addr(sb->s_fs_info));
	struct hugepage_subpool __guest *pool = h->spool;
	unsigned int order = h->hstate->order & 31, mode = h->mode;
	unsigned long kib = 4ul << order;
	long max, min;

	put_owner(m, h->uid.val, h->gid.val);
	if (mode != 0755)
		seq_printf(m, ",mode=%o", mode);
	if (h->max_inodes != -1)
		seq_printf(m, ",nr_inodes=%lu", (unsigned long)h->max_inodes);
	if (kib >= 1024)
		seq_printf(m, ",pagesize=%luM", kib / 1024);
	else
		seq_printf(m, ",pagesize=%luK", kib);
	if (!pool)
		return;
	max = pool->max_hpages;
	min = pool->min_hpages;
	if (max != -1)
		seq_printf(m, ",size=%llu", (unsigned long long)max << (order + 12));
	if (min != -1)
		seq_printf(m, ",min_size=%llu", (unsigned long long)min << (order + 12));
}

static void put_bpf(struct seq_file *m, struct dentry __guest *root)
{
	struct inode __guest *inode = root->d_inode;
	unsigned int mode = inode->i_mode & 06777;

	/* since 6.9; ",delegate_cmds=" came in the same release */
	if (guest_has_type(struct bpf_mount_opts))
		put_owner(m, inode->i_uid.val, inode->i_gid.val);
	if (mode != 0777)
		seq_printf(m, ",mode=%o", mode);
}

#define PUT_TREE(fs)                                                                               \
	static void put_##fs(struct seq_file *m, struct super_block __guest *sb)                   \
	{                                                                                          \
		struct fs##_fs_info __guest *i =                                                   \
			guest_ptr(struct fs##_fs_info, guest_addr(sb->s_fs_info));                 \
		bool own = guest_has(struct fs##_fs_info, mode);                                   \
		unsigned int mode = own ? i->mode : i->mount_opts.mode;                            \
                                                                                                   \
		put_owner(m, own ? i->uid.val : i->mount_opts.uid.val,                             \
			  own ? i->gid.val : i->mount_opts.gid.val);                               \
		if (mode != 0700)                                                                  \
			seq_printf(m, ",mode=%o", mode);                                           \
	}
PUT_TREE(debugfs)
PUT_TREE(tracefs)

GUEST_TYPES_BEGIN
struct bpf_mount_opts;
GUEST_TYPES_END

/* Version 2: cgroup_show_options() of kernel/cgroup/cgroup.c. The bits moved in 6.0. */
static void put_cgroup2(const struct proc_item *it, struct seq_file *m)
{
	static const struct flag_name later[] = {
		{ 1 << 3, ",nsdelegate" },
		{ 1 << 4, ",favordynmods" },
		{ 1 << 17, ",memory_localevents" },
		{ 1 << 18, ",memory_recursiveprot" },
		{ 1 << 19, ",memory_hugetlb_accounting" },
		{ 1 << 20, ",pids_localevents" },
		{ 0 }
	}, before[] = {
		{ 1 << 3, ",nsdelegate" },
		{ 1 << 5, ",memory_localevents" },
		{ 1 << 6, ",memory_recursiveprot" },
		{ 0 }
	};

	put_flags(m, proc_fact(it, PROC_FACT_CGROUP_DYNMODS) ? later : before,
		  cgrp_dfl_root.flags);
}

/* Version 1: cgroup1_show_options() of kernel/cgroup/cgroup-v1.c. */
static void put_cgroup1(const struct proc_item *it, struct seq_file *m,
			struct cgroup_root __guest *root)
{
	enum { CLONE_CHILDREN_BIT = 1 };
	static const struct flag_name later[] = {
		{ 1 << 1, ",noprefix" }, { 1 << 2, ",xattr" }, { 1 << 16, ",cpuset_v2_mode" },
		{ 1 << 4, ",favordynmods" }, { 0 }
	}, before[] = {
		{ 1 << 1, ",noprefix" }, { 1 << 2, ",xattr" }, { 1 << 4, ",cpuset_v2_mode" }, { 0 }
	};
	int64_t count = guest_enum_or(enum cgroup_subsys_id, CGROUP_SUBSYS_COUNT, 0);
	unsigned int mask = root->subsys_mask;
	char text[NAME_SIZE];
	size_t size;

	for (int64_t i = 0; i < count && i < 32; i++) {
		if (!(mask >> i & 1))
			continue;
		size = guest_strncpy(text, cgroup_subsys[i]->legacy_name, sizeof(text));
		seq_putc(m, ',');
		seq_escape_mem(m, text, size, OPTION_ESCAPES);
	}
	put_flags(m, proc_fact(it, PROC_FACT_CGROUP_DYNMODS) ? later : before, root->flags);
	size = guest_strncpy(text, root->release_agent_path, sizeof(text));
	if (size) {
		seq_puts(m, ",release_agent=");
		seq_escape_mem(m, text, size, OPTION_ESCAPES);
	}
	if (root->cgrp.flags >> CLONE_CHILDREN_BIT & 1)
		seq_puts(m, ",clone_children");
	size = guest_strncpy(text, root->name, 64);
	if (size) {
		seq_puts(m, ",name=");
		seq_escape_mem(m, text, size, OPTION_ESCAPES);
	}
}

static void put_kernfs(const struct proc_item *it, struct seq_file *m,
		       struct super_block __guest *sb)
{
	struct kernfs_root __guest *kf =
		guest_ptr(struct kernfs_super_info, guest_addr(sb->s_fs_info))->root;
	struct kernfs_syscall_ops __guest *ops = kf ? kf->syscall_ops : NULL;
	struct cgroup_root __guest *root;
	int roots = 0;

	if (!ops || !ops->show_options)
		return;
	if (IS(ops->show_options, cgroup_show_options))
		put_cgroup2(it, m);
	if (!IS(ops->show_options, cgroup1_show_options))
		return;
	list_for_each_entry(root, &cgroup_roots, root_list) {
		if (++roots > CGROUP_ROOTS_MAX)
			break;
		if (guest_eq(root->kf_root, kf)) {
			put_cgroup1(it, m, root);
			break;
		}
	}
}

static void put_options(const struct proc_item *it, struct seq_file *m,
			struct vfsmount __guest *mnt)
{
	struct super_block __guest *sb = mnt->mnt_sb;
	void __guest *fn = sb->s_op->show_options;

	if (!fn)
		return;
	if (IS(fn, shmem_show_options))
		put_shmem(m, sb);
	else if (IS(fn, proc_show_options))
		put_proc(m, sb);
	else if (IS(fn, kernfs_sop_show_options))
		put_kernfs(it, m, sb);
	else if (IS(fn, devpts_show_options))
		put_devpts(m, sb);
	else if (IS(fn, hugetlbfs_show_options))
		put_hugetlb(m, sb);
	else if (IS(fn, bpf_show_options))
		put_bpf(m, mnt->mnt_root);
	else if (IS(fn, debugfs_show_options))
		put_debugfs(m, sb);
	else if (IS(fn, tracefs_show_options))
		put_tracefs(m, sb);
	else if (IS(fn, ramfs_show_options)) {
		unsigned int mode =
			guest_ptr(struct ramfs_fs_info, guest_addr(sb->s_fs_info))->mount_opts.mode;

		if (mode != 0755)
			seq_printf(m, ",mode=%o", mode);
	}
}

/* ---- what all have ---- */

static void put_sb_options(struct seq_file *m, struct super_block __guest *sb)
{
	static const struct flag_name names[] = {
		{ 1 << 4, ",sync" }, { 1 << 7, ",dirsync" }, { 1 << 6, ",mand" },
		{ 1 << 25, ",lazytime" }, { 0 }
	};

	put_flags(m, names, sb->s_flags);
}

static void put_mount_options(struct seq_file *m, struct vfsmount __guest *mnt)
{
	static const struct flag_name names[] = {
		{ 0x01, ",nosuid" }, { 0x02, ",nodev" }, { 0x04, ",noexec" }, { 0x08, ",noatime" },
		{ 0x10, ",nodiratime" }, { 0x20, ",relatime" }, { 0x80, ",nosymfollow" }, { 0 }
	};
	bool idmapped = false;

	put_flags(m, names, (unsigned int)mnt->mnt_flags);
	if (guest_has(struct vfsmount, mnt_idmap))
		idmapped = !guest_eq(mnt->mnt_idmap, &nop_mnt_idmap);
	else if (guest_has(struct vfsmount, mnt_userns))
		idmapped = !guest_eq(mnt->mnt_userns, mnt->mnt_sb->s_user_ns);
	if (idmapped)
		seq_puts(m, ",idmapped");
}

static void put_type(const struct proc_item *it, struct seq_file *m, struct super_block __guest *sb)
{
	const char __guest *subtype = sb->s_subtype;

	mangle(it, m, sb->s_type->name);
	if (subtype) {
		seq_putc(m, '.');
		mangle(it, m, subtype);
	}
}

static void put_device(const struct proc_item *it, struct seq_file *m, struct mount __guest *mount)
{
	const char __guest *name = mount->mnt_devname;

	if (name)
		mangle(it, m, name);
	else
		seq_puts(m, "none");
}

/* False: not to be reached from the task's root, so the kernel leaves the mount out. */
static bool put_path(struct seq_file *m, struct vfsmount __guest *mnt, const struct klib_path *root)
{
	struct klib_path at = { .mnt = mnt, .dentry = mnt->mnt_root };
	char path[VFS_PATH_MAX];
	int size = klib_path_below(&at, root, path, sizeof(path));

	if (size < 0)
		return false;
	seq_escape_mem(m, path, (size_t)size, PATH_ESCAPES);
	return true;
}

static bool is_shared(struct mount __guest *mount)
{
	return guest_has(struct mount, mnt_t_flags) ? mount->mnt_t_flags & T_SHARED_BIT :
						      mount->mnt.mnt_flags & MNT_SHARED_BIT;
}

static bool is_unbindable(struct mount __guest *mount)
{
	return guest_has(struct mount, mnt_t_flags) ? mount->mnt_t_flags & T_UNBINDABLE_BIT :
						      mount->mnt.mnt_flags & MNT_UNBINDABLE_BIT;
}

/* fs/pnode.c: get_dominating_id() */
static int dominating_id(struct mount __guest *mount, const struct klib_path *root)
{
	struct mnt_namespace __guest *ns = mount->mnt_ns;
	struct guest_bound b = GUEST_BOUND(PEERS_MAX);

	for (struct mount __guest *m = mount->mnt_master; m && guest_more(&b); m = m->mnt_master) {
		struct mount __guest *peer = m;

		do {
			struct klib_path at = { .mnt = &peer->mnt, .dentry = peer->mnt.mnt_root };
			char path[VFS_PATH_MAX];

			if (guest_eq(peer->mnt_ns, ns) &&
			    klib_path_below(&at, root, path, sizeof(path)) >= 0)
				return peer->mnt_group_id;
			peer = guest_container_of(peer->mnt_share.next, struct mount, mnt_share);
		} while (!guest_eq(peer, m) && guest_more(&b));
	}
	return 0;
}

/* What of the file system is mounted: its root, or a folder or file of it. */
static void put_root(struct seq_file *m, struct vfsmount __guest *mnt)
{
	struct super_block __guest *sb = mnt->mnt_sb;
	struct dentry __guest *root = mnt->mnt_root;
	void __guest *fn = sb->s_op->show_path;
	struct kernfs_root __guest *kf;
	char path[VFS_PATH_MAX];
	int size = -ENOENT;

	if (fn && IS(fn, nsfs_show_path)) {
		size = klib_ns_name(root->d_inode, path, sizeof(path));
	} else if (fn && IS(fn, kernfs_sop_show_path) &&
		   (kf = guest_ptr(struct kernfs_super_info, guest_addr(sb->s_fs_info))->root) &&
		   kf->syscall_ops && kf->syscall_ops->show_path) {
		size = klib_kernfs_path(guest_ptr(struct kernfs_node,
						  guest_addr(root->d_inode->i_private)),
					kf->kn, path, sizeof(path));
	} else {
		size = klib_dentry_path(root, path, sizeof(path));
	}
	if (size > 0)
		seq_escape_mem(m, path, (size_t)size, PATH_ESCAPES);
}

/* ---- the files ---- */

/* Print one mount; false: it isn't shown. */
typedef bool mount_fn(const struct proc_item *it, struct seq_file *m, struct mount __guest *mount,
		      const struct klib_path *root);

static bool mounts_line(const struct proc_item *it, struct seq_file *m, struct mount __guest *mount,
			const struct klib_path *root)
{
	struct vfsmount __guest *mnt = &mount->mnt;
	struct super_block __guest *sb = mnt->mnt_sb;

	put_device(it, m, mount);
	seq_putc(m, ' ');
	if (!put_path(m, mnt, root))
		return false;
	seq_putc(m, ' ');
	put_type(it, m, sb);
	seq_puts(m, mnt->mnt_flags & MNT_READONLY_BIT || sb->s_flags & SB_RDONLY_BIT ? " ro" :
										       " rw");
	put_sb_options(m, sb);
	put_mount_options(m, mnt);
	put_options(it, m, mnt);
	seq_puts(m, " 0 0\n");
	return true;
}

static bool mountinfo_line(const struct proc_item *it, struct seq_file *m,
			   struct mount __guest *mount, const struct klib_path *root)
{
	struct vfsmount __guest *mnt = &mount->mnt;
	struct super_block __guest *sb = mnt->mnt_sb;
	struct mount __guest *master = mount->mnt_master;
	uint32_t dev = sb->s_dev;

	seq_printf(m, "%i %i %u:%u ", mount->mnt_id, mount->mnt_parent->mnt_id, dev >> 20,
		   dev & 0xfffff);
	put_root(m, mnt);
	seq_putc(m, ' ');
	if (!put_path(m, mnt, root))
		return false;
	seq_puts(m, mnt->mnt_flags & MNT_READONLY_BIT ? " ro" : " rw");
	put_mount_options(m, mnt);
	if (is_shared(mount))
		seq_printf(m, " shared:%i", mount->mnt_group_id);
	if (master) {
		int id = master->mnt_group_id, dom = dominating_id(mount, root);

		seq_printf(m, " master:%i", id);
		if (dom && dom != id)
			seq_printf(m, " propagate_from:%i", dom);
	}
	if (is_unbindable(mount))
		seq_puts(m, " unbindable");
	seq_puts(m, " - ");
	put_type(it, m, sb);
	seq_putc(m, ' ');
	put_device(it, m, mount);
	seq_puts(m, sb->s_flags & SB_RDONLY_BIT ? " ro" : " rw");
	put_sb_options(m, sb);
	put_options(it, m, mnt);
	seq_putc(m, '\n');
	return true;
}

/* Statistics are added by network file systems only, which are modules. */
static bool mountstats_line(const struct proc_item *it, struct seq_file *m,
			    struct mount __guest *mount, const struct klib_path *root)
{
	struct vfsmount __guest *mnt = &mount->mnt;

	if (mount->mnt_devname) {
		seq_puts(m, "device ");
		put_device(it, m, mount);
	} else {
		seq_puts(m, "no device");
	}
	seq_puts(m, " mounted on ");
	if (!put_path(m, mnt, root))
		return false;
	seq_puts(m, " with fstype ");
	put_type(it, m, mnt->mnt_sb);
	if (mnt->mnt_sb->s_op->show_stats)
		seq_putc(m, ' ');
	seq_putc(m, '\n');
	return true;
}

static void show_mount(const struct proc_item *it, struct seq_file *m, struct mount __guest *mount,
		       const struct klib_path *root, mount_fn *line)
{
	size_t mark = seq_mark(m);
	struct guest_record r = guest_record_begin();
	bool shown = !(mount->mnt.mnt_flags & MNT_CURSOR_BIT) && line(it, m, mount, root);

	if (!guest_record_end(&r) || !shown)
		seq_rollback(m, mark);
}

static int show_mounts(const struct proc_item *it, struct seq_file *m, mount_fn *line)
{
	struct task_struct __guest *t = item_task(it);
	struct nsproxy __guest *proxy = t->nsproxy;
	struct mnt_namespace __guest *ns = proxy ? proxy->mnt_ns : NULL;
	struct fs_struct __guest *fs = t->fs;
	struct mount __guest *mount;
	struct klib_path root;

	if (!ns)
		return -EINVAL;
	if (!fs)
		return -ENOENT;
	root = klib_path_get(&fs->root);
	if (guest_has(struct mount, mnt_node)) {
		rb_for_each_entry(mount, &ns->mounts, mnt_node)
			show_mount(it, m, mount, &root, line);
	} else {
		list_for_each_entry(mount, &ns->list, mnt_list)
			show_mount(it, m, mount, &root, line);
	}
	return 0;
}

int proc_pid_mounts_show(const struct proc_item *it, struct seq_file *m)
{
	return show_mounts(it, m, mounts_line);
}

int proc_pid_mountinfo_show(const struct proc_item *it, struct seq_file *m)
{
	return show_mounts(it, m, mountinfo_line);
}

int proc_pid_mountstats_show(const struct proc_item *it, struct seq_file *m)
{
	return show_mounts(it, m, mountstats_line);
}

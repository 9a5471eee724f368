/* SPDX-License-Identifier: MIT */
/* Guest types of files, mounts and control groups. Only members that somebody reads. */
#ifndef SCW_KLIB_TYPES_FS_H
#define SCW_KLIB_TYPES_FS_H

#include "klib/types_task.h"

GUEST_TYPES_BEGIN

struct inode;
struct mount;

struct file_system_type {
	const char __guest *name;
};

struct super_operations {
	void __guest *show_options;
	void __guest *show_path;
	void __guest *show_stats;
};

struct export_operations {
	void __guest *encode_fh;
};

struct super_block {
	const struct super_operations __guest *s_op;
	const struct export_operations __guest *s_export_op;
	struct user_namespace __guest *s_user_ns;
	void __guest *s_fs_info;
	const char __guest *s_subtype;
	uint32_t s_dev;
	unsigned long s_magic;
	struct file_system_type __guest *s_type;
	struct dentry __guest *s_root;
	unsigned long s_flags;
	unsigned long s_blocksize;
};

struct dentry_operations {
	void __guest *d_dname;
};

struct dentry {
	struct hlist_bl_node d_hash;
	struct dentry __guest *d_parent;
	struct qstr d_name;
	struct inode __guest *d_inode;
	const struct dentry_operations __guest *d_op;
	struct super_block __guest *d_sb;
	void __guest *d_fsdata;
};

struct vfsmount {
	struct dentry __guest *mnt_root;
	struct super_block __guest *mnt_sb;
	int mnt_flags;
	struct user_namespace __guest *mnt_userns; /* 5.12 to 6.1 */
	void __guest *mnt_idmap;		   /* since 6.2 */
};

struct mnt_namespace {
	struct ns_common ns;
	uint64_t seq;
	struct mount __guest *root;
	struct list_head list; /* until 6.7 */
	struct rb_root mounts; /* since 6.8, by mnt_id_unique; before, a number */
};

struct mount {
	struct mount __guest *mnt_parent;
	struct dentry __guest *mnt_mountpoint;
	struct vfsmount mnt;
	struct mnt_namespace __guest *mnt_ns;
	const char __guest *mnt_devname;
	struct list_head mnt_list;
	struct rb_node mnt_node; /* since 6.8 */
	struct list_head mnt_share;
	struct mount __guest *mnt_master;
	int mnt_id;
	int mnt_group_id;
	int mnt_t_flags; /* since 6.17 */
};

struct inode_operations {
	void __guest *getattr;
};

struct inode {
	const struct inode_operations __guest *i_op;
	unsigned short i_mode;
	kuid_t i_uid;
	kgid_t i_gid;
	struct super_block __guest *i_sb;
	void __guest *i_mapping;
	unsigned long i_ino;
	unsigned int i_nlink;
	uint32_t i_rdev;
	int64_t i_size;
	atomic_t i_writecount;
	struct timespec64 i_atime, i_mtime, i_ctime; /* until 6.5; i_ctime until 6.5 */
	struct timespec64 __i_atime, __i_mtime, __i_ctime; /* 6.6 to 6.10 */
	int64_t i_atime_sec, i_mtime_sec, i_ctime_sec; /* since 6.11 */
	uint32_t i_atime_nsec, i_mtime_nsec, i_ctime_nsec;
	uint64_t i_blocks;
	void __guest *i_private;
	void __guest *i_flctx;
	void __guest *i_fsnotify_marks;
	unsigned int i_generation;
};

struct file {
	struct path f_path;
	struct inode __guest *f_inode;
	const void __guest *f_op;
	unsigned int f_flags;
	unsigned int f_mode;
	int64_t f_pos;
	void __guest *f_mapping;
	void __guest *private_data;
};

/* include/linux/proc_ns.h */
struct proc_ns_operations {
	const char __guest *name;
	const char __guest *real_ns_name;
};

struct ipc_ids;
struct ipc_namespace {
	struct ns_common ns;
	unsigned char ids[1]; /* three of struct ipc_ids */
};

struct timens_offsets {
	struct timespec64 monotonic;
	struct timespec64 boottime;
};

struct time_namespace {
	struct ns_common ns;
	struct timens_offsets offsets;
};

struct cgroup_namespace {
	struct ns_common ns;
};

struct kernfs_node {
	struct kernfs_node __guest *parent;
	struct kernfs_node __guest *__parent; /* since 6.15 */
	const char __guest *name;
	uint64_t id;
};

struct cgroup_root;

struct cgroup_subsys_state {
	unsigned int flags;
	struct cgroup __guest *cgroup;
};

struct cgroup {
	struct cgroup_subsys_state self;
	unsigned long flags;
	struct kernfs_node __guest *kn;
	struct cgroup_root __guest *root;
};

struct cgroup_root {
	void __guest *kf_root;
	unsigned int flags;
	char release_agent_path[4096];
	unsigned int subsys_mask;
	int hierarchy_id;
	atomic_t nr_cgrps;
	struct list_head root_list;
	struct cgroup cgrp;
	char name[64];
};

struct cgroup_subsys {
	struct cgroup_root __guest *root;
	const char __guest *legacy_name;
	void __guest *dfl_cftypes;
	void __guest *legacy_cftypes;
};

struct cgrp_cset_link {
	struct cgroup __guest *cgrp;
	struct list_head cgrp_link;
};

struct css_set {
	struct cgroup_subsys_state __guest *subsys[1];
	struct cgroup __guest *dfl_cgrp;
	struct list_head cgrp_links;
};

GUEST_TYPES_END

#endif

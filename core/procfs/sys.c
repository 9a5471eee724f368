// SPDX-License-Identifier: MIT
/*
 * /proc/sys: the guest's own sysctl tables, walked as fs/proc/proc_sysctl.c does. A directory is a
 * red-black tree of nodes; a node's header says which tables it is of, and its place in the
 * header's array which entry it stands for. Entries that are links lead to the same name in the
 * tables of a namespace: here always the initial one.
 *
 * A node's address names a file between two operations. It is checked each time: it must lie in
 * the array that its header points to, the header must not be going away, and the parents must
 * lead to a root in a few steps. So a table that was freed meanwhile is not taken for one, and no
 * guest makes a tree without end.
 */
#include "klib/rbtree.h"
#include "sysctl.h"

GUEST_TYPES_BEGIN
struct pid_namespace {
	struct ctl_table_set set; /* since 6.14 */
};
GUEST_TYPES_END

extern struct ctl_table_root __guest sysctl_table_root;
extern struct ctl_table __guest sysctl_mount_point;
extern struct net __guest init_net;
extern struct user_namespace __guest init_user_ns;
extern struct ipc_namespace __guest init_ipc_ns;
extern struct pid_namespace __guest init_pid_ns;

enum {
	SYS_DEPTH_MAX = 16,
	SYS_TABLE_MAX = 4096,	/* entries of one table */
	SYS_DIR_MAX = 1 << 16,	/* entries of one directory: network devices make many */
	SYS_NAME_MAX = VFS_NAME_MAX,
	SYS_RB_DEPTH = 64,
};

#define SYS_S_IFMT  0170000
#define SYS_S_IFLNK 0120000
#define SYS_S_IFDIR 0040000

static const struct proc_row dir_row, file_row;

/* An entry of a table: what is called a file or directory here. */
struct sys_entry {
	struct ctl_node __guest *node;
	struct ctl_table_header __guest *head;
	struct ctl_table __guest *table;
	uint32_t mode;
};

/* The entry that `node` stands for; false when it stands for nothing (any more). */
static bool entry_of(struct ctl_node __guest *node, struct sys_entry *ret)
{
	struct ctl_table_header __guest *head = node->header;
	uint64_t size = guest_sizeof(struct ctl_node), offset, limit = SYS_TABLE_MAX;

	if (!head || !size || head->unregistering)
		return false;
	offset = guest_addr(node) - guest_addr(head->node);
	if (guest_has(struct ctl_table_header, ctl_table_size)) {
		uint32_t size_of_table = (uint32_t)head->ctl_table_size;

		if (size_of_table < limit)
			limit = size_of_table;
	}
	if (offset % size || offset / size >= limit)
		return false;
	ret->node = node;
	ret->head = head;
	ret->table = head->ctl_table + offset / size;
	ret->mode = ret->table->mode;
	return !guest_faulted();
}

/* Do the parents of `dir` end at a root? */
static bool dir_is_rooted(struct ctl_dir __guest *dir)
{
	for (int depth = 0; depth < SYS_DEPTH_MAX; depth++) {
		struct ctl_dir __guest *parent = dir->header.parent;

		if (!parent)
			return !guest_faulted();
		dir = parent;
	}
	return false;
}

static struct ctl_dir __guest *entry_dir(const struct sys_entry *e)
{
	return container_of(e->head, struct ctl_dir, header);
}

/* Bytes first, then length: proc_sysctl.c's namecmp(). */
static int name_compare(const char *a, size_t a_size, const char *b, size_t b_size)
{
	int c = memcmp(a, b, a_size < b_size ? a_size : b_size);

	return c ? c : (a_size > b_size) - (a_size < b_size);
}

static bool dir_find(struct ctl_dir __guest *dir, const char *name, size_t name_size,
		     struct sys_entry *ret)
{
	struct rb_node __guest *at = dir->root.rb_node;
	char have[SYS_NAME_MAX + 1];

	for (int depth = 0; at && depth < SYS_RB_DEPTH; depth++) {
		size_t have_size;
		int c;

		if (!entry_of(container_of(at, struct ctl_node, node), ret))
			return false;
		have_size = guest_strncpy(have, ret->table->procname, sizeof(have));
		c = name_compare(name, name_size, have, have_size);
		if (!c)
			return guest_eq(ret->head->parent, dir) && !guest_faulted();
		at = c < 0 ? at->rb_left : at->rb_right;
	}
	return false;
}

/* The set of tables that a reader in the initial namespaces sees of `root`. */
static struct ctl_table_set __guest *root_set(struct ctl_table_root __guest *root)
{
	if (guest_eq(init_net.sysctls.dir.header.root, root))
		return &init_net.sysctls;
	if (guest_eq(init_user_ns.set.dir.header.root, root))
		return &init_user_ns.set;
	if (guest_has(struct ipc_namespace, mq_set) &&
	    guest_eq(init_ipc_ns.mq_set.dir.header.root, root))
		return &init_ipc_ns.mq_set;
	if (guest_has(struct ipc_namespace, ipc_set) &&
	    guest_eq(init_ipc_ns.ipc_set.dir.header.root, root))
		return &init_ipc_ns.ipc_set;
	/* pid_max, since 6.14 */
	if (guest_has(struct pid_namespace, set) &&
	    guest_eq(init_pid_ns.set.dir.header.root, root))
		return &init_pid_ns.set;
	return &root->default_set;
}

/* The directory of `set` that has the path of `dir`: proc_sysctl.c's xlate_dir(). */
static struct ctl_dir __guest *dir_in_set(struct ctl_table_set __guest *set,
					  struct ctl_dir __guest *dir)
{
	struct ctl_dir __guest *path[SYS_DEPTH_MAX], *at = &set->dir;
	int depth = 0;

	for (; dir->header.parent; dir = dir->header.parent) {
		if (depth == SYS_DEPTH_MAX)
			return NULL;
		path[depth++] = dir;
	}
	while (depth--) {
		char name[SYS_NAME_MAX + 1];
		size_t size = guest_strncpy(name, path[depth]->header.ctl_table->procname,
					    sizeof(name));
		struct sys_entry e;

		if (!dir_find(at, name, size, &e) || (e.mode & SYS_S_IFMT) != SYS_S_IFDIR)
			return NULL;
		at = entry_dir(&e);
	}
	return at;
}

/* Replace a link by what it leads to. */
static bool entry_follow(struct sys_entry *e)
{
	struct ctl_table_root __guest *root;
	struct ctl_dir __guest *dir;
	char name[SYS_NAME_MAX + 1];
	size_t size;

	if ((e->mode & SYS_S_IFMT) != SYS_S_IFLNK)
		return true;
	root = guest_ptr(struct ctl_table_root, guest_addr(e->table->data));
	if (!root)
		return false;
	size = guest_strncpy(name, e->table->procname, sizeof(name));
	dir = dir_in_set(root_set(root), e->head->parent);
	return dir && dir_find(dir, name, size, e) && (e->mode & SYS_S_IFMT) != SYS_S_IFLNK;
}

/* The directory an item stands for; NULL when it is gone. */
static struct ctl_dir __guest *item_dir(const struct proc_item *it)
{
	struct ctl_dir __guest *dir;
	struct sys_entry e;

	if (!it->arg)
		return &sysctl_table_root.default_set.dir;
	if (!entry_of(guest_ptr(struct ctl_node, it->arg), &e) ||
	    (e.mode & SYS_S_IFMT) != SYS_S_IFDIR)
		return NULL;
	dir = entry_dir(&e);
	return dir_is_rooted(dir) ? dir : NULL;
}

static void entry_item(const struct sys_entry *e, struct proc_item *it,
		       const struct proc_row **row_ret)
{
	it->arg = guest_addr(e->node);
	*row_ret = (e->mode & SYS_S_IFMT) == SYS_S_IFDIR ? &dir_row : &file_row;
}

static int sys_lookup(struct proc_item *it, const char *name, size_t name_size,
		      const struct proc_row **row_ret)
{
	struct ctl_dir __guest *dir = item_dir(it);
	struct sys_entry e;

	if (!dir || name_size > SYS_NAME_MAX || !dir_find(dir, name, name_size, &e) ||
	    !entry_follow(&e))
		return -ENOENT;
	entry_item(&e, it, row_ret);
	return 0;
}

static int sys_list(const struct proc_item *it, struct proc_list *l)
{
	struct ctl_dir __guest *dir = item_dir(it);
	struct guest_bound bound = GUEST_BOUND(SYS_DIR_MAX);
	struct rb_node __guest *at;

	if (!dir)
		return -ENOENT;
	for (at = rb_first(&dir->root); at && guest_more_at(&bound, at); at = rb_next(at)) {
		struct guest_record r = guest_record_begin();
		const struct proc_row *row;
		struct proc_item child = *it;
		char name[SYS_NAME_MAX + 1];
		struct sys_entry e;
		size_t size = 0;

		if (entry_of(container_of(at, struct ctl_node, node), &e) &&
		    guest_eq(e.head->parent, dir) && entry_follow(&e))
			size = guest_strncpy(name, e.table->procname, sizeof(name));
		if (!guest_record_end(&r) || !size || memchr(name, '/', size))
			continue;
		entry_item(&e, &child, &row);
		if (!proc_list_emit(l, name, size, &child, row))
			return -ENOMEM;
	}
	return 0;
}

static int sys_show(const struct proc_item *it, struct seq_file *m)
{
	struct sys_entry e;
	int r;

	if (!entry_of(guest_ptr(struct ctl_node, it->arg), &e))
		return -ENOENT;
	/* as open() says: sysctls that even root may not read */
	if (!(e.mode & 0400))
		return -EACCES;
	if (!e.table->proc_handler)
		return -EINVAL;
	r = sysctl_value(it, e.table, m);
	return !r && guest_faulted() ? -EIO : r;
}

/* A directory that never has entries, for others to mount on (binfmt_misc), is like a plain one. */
static bool dir_is_mount_point(const struct sys_entry *e)
{
	if (guest_has(struct ctl_table_header, type))
		return e->head->type ==
		       guest_enum_any_or(SYSCTL_TABLE_TYPE_PERMANENTLY_EMPTY, 1);
	return guest_has(struct ctl_table, child) && guest_has_symbol(sysctl_mount_point) &&
	       guest_eq(e->head->ctl_table->child, &sysctl_mount_point);
}

void proc_sys_attr(const struct proc_item *it, struct vfs_stat *ret)
{
	struct sys_entry e;

	ret->nlink = 1;
	if (!it->arg || !entry_of(guest_ptr(struct ctl_node, it->arg), &e))
		return;
	ret->mode = (ret->mode & SYS_S_IFMT) | (e.mode & 07777);
	if ((e.mode & SYS_S_IFMT) == SYS_S_IFDIR && dir_is_mount_point(&e))
		ret->nlink = 2;
}

const struct proc_dir proc_sys_dir = { .lookup = sys_lookup, .list = sys_list };

static const struct proc_row dir_row = {
	.name = "sys", .mode = PROC_DIR(0555), .dir = &proc_sys_dir, .attr = proc_sys_attr,
};

static const struct proc_row file_row = {
	.name = "sys", .mode = PROC_REG(0644), .show = sys_show, .attr = proc_sys_attr,
};

// SPDX-License-Identifier: MIT
/* /proc/locks: fs/locks.c */
#include <errno.h>

#include "klib/cpumask.h"
#include "klib/list.h"
#include "klib/text.h"
#include "klib/types_fs.h"
#include "root.h"

GUEST_TYPES_BEGIN
/* include/linux/filelock.h: since 6.9 the common part is a record of its own, with other names */
struct file_lock_core {
	struct list_head flc_list;
	void __guest *flc_owner;
	struct file_lock_core __guest *flc_blocker;
	struct hlist_node flc_link;
	struct list_head flc_blocked_requests;
	struct list_head flc_blocked_member;
	unsigned int flc_flags;
	unsigned char flc_type;
	int flc_pid;
	struct file __guest *flc_file;
};
struct file_lock {
	struct list_head fl_list;
	void __guest *fl_owner;
	struct file_lock __guest *fl_blocker;
	struct hlist_node fl_link;
	struct list_head fl_blocked_requests;
	struct list_head fl_blocked_member;
	unsigned int fl_flags;
	unsigned char fl_type;
	int fl_pid;
	struct file __guest *fl_file;
	struct file_lock_core c;
	int64_t fl_start;
	int64_t fl_end;
};
struct file_lock_context {
	struct list_head flc_flock;
	struct list_head flc_posix;
	struct list_head flc_lease;
};
struct file_lock_list_struct {
	struct hlist_head hlist;
};
GUEST_TYPES_END

extern struct file_lock_list_struct __guest file_lock_list;
extern char __guest lock_get_status[];

enum {
	LOCK_POSIX = 1,
	LOCK_FLOCK = 2,
	LOCK_DELEG = 4,
	LOCK_ACCESS = 8,
	LOCK_LEASE = 32,
	LOCK_DOWNGRADE_PENDING = 256,
	LOCK_UNLOCK_PENDING = 512,
	LOCK_OFD = 1024,
	LOCK_LAYOUT = 2048,
	LOCK_CODE_SIZE = 512,
	LOCKS_MAX = 1 << 20,
	LOCKS_DEPTH_MAX = 1 << 12,
	LOCK_TYPE_READ = 0,
	LOCK_TYPE_WRITE = 1,
	LOCK_TYPE_NONE = 2,
};

/* The parts of a lock that both layouts have. */
struct lock {
	uint64_t at;
	uint64_t requests;    /* address of the list of those who wait for it */
	uint64_t member_next; /* in the list of those who wait for the same */
	uint64_t blocker;
	struct file __guest *file;
	uint32_t flags;
	uint8_t type;
	int pid;
};

static bool is_split(void)
{
	return guest_has_type(struct file_lock_core);
}

static void lock_read(uint64_t at, struct lock *ret)
{
	ret->at = at;
	if (is_split()) {
		struct file_lock_core __guest *c = guest_ptr(struct file_lock_core, at);

		ret->requests = guest_addr(&c->flc_blocked_requests);
		ret->member_next = guest_addr(c->flc_blocked_member.next);
		ret->blocker = guest_addr(c->flc_blocker);
		ret->file = c->flc_file;
		ret->flags = c->flc_flags;
		ret->type = c->flc_type;
		ret->pid = c->flc_pid;
	} else {
		struct file_lock __guest *l = guest_ptr(struct file_lock, at);

		ret->requests = guest_addr(&l->fl_blocked_requests);
		ret->member_next = guest_addr(l->fl_blocked_member.next);
		ret->blocker = guest_addr(l->fl_blocker);
		ret->file = l->fl_file;
		ret->flags = l->fl_flags;
		ret->type = l->fl_type;
		ret->pid = l->fl_pid;
	}
}

static uint64_t member_offset(void)
{
	return is_split() ? guest_offsetof(struct file_lock_core, flc_blocked_member) :
			    guest_offsetof(struct file_lock, fl_blocked_member);
}

static int shown_pid(const struct lock *l)
{
	return l->flags & LOCK_OFD ? -1 : l->pid;
}

static void put_kind(struct seq_file *m, const struct lock *l)
{
	bool breaking = l->flags & (LOCK_UNLOCK_PENDING | LOCK_DOWNGRADE_PENDING);

	if (l->flags & LOCK_POSIX) {
		seq_puts(m, l->flags & LOCK_ACCESS ? "ACCESS" :
			    l->flags & LOCK_OFD	   ? "OFDLCK" :
						     "POSIX ");
		seq_puts(m, l->file ? " ADVISORY  " : " *NOINODE* ");
	} else if (l->flags & LOCK_FLOCK) {
		seq_puts(m, "FLOCK  ADVISORY  ");
	} else if (l->flags & (LOCK_LEASE | LOCK_DELEG | LOCK_LAYOUT)) {
		seq_puts(m, l->flags & LOCK_DELEG ? "DELEG  " : "LEASE  ");
		seq_puts(m, breaking ? "BREAKING  " : l->file ? "ACTIVE    " : "BREAKER   ");
	} else {
		seq_puts(m, "UNKNOWN UNKNOWN  ");
	}
}

static uint8_t shown_type(const struct lock *l)
{
	if (!(l->flags & (LOCK_LEASE | LOCK_DELEG | LOCK_LAYOUT)))
		return l->type;
	if (l->flags & LOCK_UNLOCK_PENDING)
		return LOCK_TYPE_NONE;
	return l->flags & LOCK_DOWNGRADE_PENDING ? LOCK_TYPE_READ : l->type;
}

/* Since 5.14 those who wait are a tree and are indented; before, one level with " ->". */
static void show_lock(struct seq_file *m, const struct lock *l, uint64_t id, int level)
{
	struct inode __guest *inode = l->file ? l->file->f_inode : NULL;
	struct file_lock __guest *whole = guest_ptr(struct file_lock, l->at);
	uint8_t type = shown_type(l);
	bool tree = !klib_text_has_string(guest_addr(&lock_get_status), LOCK_CODE_SIZE, "%lld:%s ");

	if (tree) {
		seq_printf(m, "%llu: ", (unsigned long long)id);
		if (level)
			seq_printf(m, "%*s", level - 1 + 3, "-> ");
	} else {
		seq_printf(m, "%llu:%s ", (unsigned long long)id, level ? " ->" : "");
	}
	put_kind(m, l);
	seq_puts(m, type == LOCK_TYPE_WRITE ? "WRITE " : type == LOCK_TYPE_READ ? "READ " : "UNLCK ");
	if (inode) {
		uint32_t dev = inode->i_sb->s_dev;

		seq_printf(m, "%d %02x:%02x:%lu ", shown_pid(l), dev >> 20, dev & 0xfffff,
			   inode->i_ino);
	} else {
		seq_printf(m, "%d <none>:0 ", shown_pid(l));
	}
	if (!(l->flags & LOCK_POSIX))
		seq_puts(m, "0 EOF\n");
	else if (whole->fl_end == INT64_MAX)
		seq_printf(m, "%lld EOF\n", (long long)whole->fl_start);
	else
		seq_printf(m, "%lld %lld\n", (long long)whole->fl_start, (long long)whole->fl_end);
}

/* Who waits after `l` for the same lock; 0 for none. */
static uint64_t next_waiter(const struct lock *l)
{
	struct lock blocker;

	if (!l->blocker)
		return 0;
	lock_read(l->blocker, &blocker);
	if (l->member_next == blocker.requests)
		return 0;
	return l->member_next - member_offset() == l->at ? 0 : l->member_next - member_offset();
}

static void show_with_waiters(struct seq_file *m, uint64_t first, uint64_t id,
			      struct guest_bound *bound)
{
	uint64_t at = first;
	int level = 0;

	while (at && guest_more(bound)) {
		struct lock l;
		uint64_t child;

		lock_read(at, &l);
		show_lock(m, &l, id, level);
		child = guest_addr(guest_ptr(struct list_head, l.requests)->next);
		if (child != l.requests && level < LOCKS_DEPTH_MAX) {
			at = child - member_offset();
			level++;
			continue;
		}
		at = next_waiter(&l);
		while (!at && l.blocker && level && guest_more(bound)) {
			level--;
			lock_read(l.blocker, &l);
			at = level ? next_waiter(&l) : 0;
		}
	}
}

int proc_locks_show(const struct proc_item *it, struct seq_file *m)
{
	struct guest_bound bound = GUEST_BOUND(LOCKS_MAX);
	uint64_t id = 0, link;

	(void)it;
	link = is_split() ? guest_offsetof(struct file_lock_core, flc_link) :
			    guest_offsetof(struct file_lock, fl_link);
	for_each_possible_cpu(cpu) {
		struct hlist_node __guest *n = guest_per_cpu_ptr(&file_lock_list, cpu)->hlist.first;

		for (; n && guest_more(&bound); n = n->next) {
			struct lock l;

			id++;
			lock_read(guest_addr(n) - link, &l);
			if (shown_pid(&l))
				show_with_waiters(m, l.at, id, &bound);
		}
	}
	return guest_faulted() ? -EIO : 0;
}

/* Of one list of a file's locks, those that this file, or all files of its process, have. */
static void show_locks_of(struct seq_file *m, struct list_head __guest *head, uint64_t file,
			  uint64_t files, uint64_t *id)
{
	struct guest_bound b = GUEST_BOUND(LOCKS_MAX);
	uint64_t link = is_split() ? guest_offsetof(struct file_lock_core, flc_list) :
				     guest_offsetof(struct file_lock, fl_list);
	struct list_head __guest *at = head->next;

	for (; at && at != head && guest_more_at(&b, at); at = at->next) {
		uint64_t lock = guest_addr(at) - link, owner;
		struct lock l;

		lock_read(lock, &l);
		owner = guest_addr(is_split() ? guest_ptr(struct file_lock_core, lock)->flc_owner :
						guest_ptr(struct file_lock, lock)->fl_owner);
		if (!guest_eq(l.file, file) || (owner != files && owner != file))
			continue;
		seq_puts(m, "lock:\t");
		show_lock(m, &l, ++*id, 0);
	}
}

void proc_put_file_locks(struct seq_file *m, uint64_t file, uint64_t files)
{
	struct file_lock_context __guest *c = guest_ptr(
		struct file_lock_context, guest_addr(guest_ptr(struct file, file)->f_inode->i_flctx));
	uint64_t id = 0;

	if (!c)
		return;
	show_locks_of(m, &c->flc_flock, file, files, &id);
	show_locks_of(m, &c->flc_posix, file, files, &id);
	show_locks_of(m, &c->flc_lease, file, files, &id);
}
